package edifact

import (
	"bytes"
	"fmt"
	"slices"
)

// Edit is one change to a part: the c-th component of the n-th element's first
// repetition in the segment with the given ordinal. Component 0 is the whole
// element, whose value then may hold [ComponentMark] and [RepetitionMark].
type Edit struct {
	Segment, Element, Component int
	Value                       string
}

// Edited is Raw with one value changed and every other byte as it was. Where
// the segment or element is too short, the separators that are wanting are put
// in. The value is written in the interchange's repertoire and released.
func (p *Part) Edited(e Edit) ([]byte, error) {
	if e.Segment < 1 || e.Segment > p.Segments.Len() || e.Element < 1 || e.Component < 0 {
		return nil, fmt.Errorf("edifact: no element %d of segment %d in a part of %d segments", e.Element, e.Segment, p.Segments.Len())
	}
	s := p.Segments.At(e.Segment - 1)
	d, cs := p.Segments.delims, p.Segments.charset
	value, bad := d.append(nil, e.Value, cs, 0)
	if bad != nil {
		bad.Element = s.Ref(e.Element, e.Component)
		return nil, bad
	}
	var at, end int64
	var lead []byte
	if e.Component == 0 || e.Element > s.Len() {
		offset, length := s.Place(e.Element)
		at, end = offset, offset+int64(length)
		lead = bytes.Repeat([]byte{d.Element}, max(0, e.Element-s.Len()))
		if e.Component > 1 {
			lead = append(lead, bytes.Repeat([]byte{d.Component}, e.Component-1)...)
		}
	} else {
		raw, offset := s.Component(e.Element, 1, e.Component)
		at, end = offset, offset+int64(len(raw))
		for c := e.Component; raw == nil && c > 1; c-- {
			if have, _ := s.Component(e.Element, 1, c-1); have != nil {
				break
			}
			lead = append(lead, d.Component)
		}
		if raw == nil && e.Component > 1 {
			lead = append(lead, d.Component)
		}
	}
	return slices.Concat(p.Raw[:at-p.Offset], lead, value, p.Raw[end-p.Offset:]), nil
}

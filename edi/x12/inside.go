package x12

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/paklog/hub/edi/grammar"
)

// inside reads the next part of an open interchange.
func (r *Reader) inside() error {
	w := &r.win
	b, next, found, err := r.segment(r.lo, r.k)
	if err != nil {
		return err
	}
	if !found {
		r.skips = false
		why := "the stream ends"
		if r.stopped {
			why = "an EDIFACT interchange follows"
			r.dropSegment()
		}
		r.closeMissing(why)
		return nil
	}
	id := tag(w.Buf[b.Start:w.Idx[b.First]])
	if r.skips && !endsSet(string(id)) {
		r.skips = string(id) != "SE"
		r.part.Findings = nil
		r.bounds = append(r.bounds, b)
		r.emit(Stray, int(b.End), next)
		return nil
	}
	r.skips = false
	r.measure(b)
	switch string(id) {
	case "ISA":
		if err := w.Want(int(b.Start), lookahead); err != nil {
			return err
		}
		if _, ok := readHeader(w.Buf[b.Start:], false); ok {
			r.dropSegment()
			r.closeMissing("another ISA follows")
			return nil
		}
		r.stray(b, next)
	case "GS":
		if r.gs != nil {
			r.dropSegment()
			r.closeMissing("another GS follows")
			return nil
		}
		r.group(b, next)
	case "ST":
		return r.set(b, next)
	case "GE":
		if r.gs == nil {
			r.stray(b, next)
			break
		}
		r.groupEnd(b, next)
	case "IEA":
		if r.gs != nil {
			r.dropSegment()
			r.closeMissing("IEA follows")
			return nil
		}
		r.interchangeEnd(b, next)
	case "TA1":
		if r.gs != nil {
			r.stray(b, next)
			break
		}
		r.bounds = append(r.bounds, b)
		r.emit(InterchangeAck, int(b.End), next)
		r.noteBreaks()
	default:
		r.stray(b, next)
	}
	return nil
}

// dropSegment forgets the segment just read and its findings: it is read again
// for the part it belongs to.
func (r *Reader) dropSegment() {
	r.part.Findings = nil
	r.unread(r.lo, r.k)
}

// closeMissing stands in for the innermost trailer that the stream lacks.
func (r *Reader) closeMissing(why string) {
	p := &r.part
	f := Finding{Severity: Error, Layer: LayerEnvelope, Offset: p.Offset}
	if r.gs != nil {
		f.Code, f.Element, f.Expected = CodeMissingGE, "GE", "GE*"+strconv.Itoa(r.sets)+"*"+r.gs.Control
		f.Message = "the functional group has no trailer: " + why
		f.Hint = "its sets are read; send GE behind the last SE"
		f.Ack = AckCodes{AK9: "3"}
		p.Sets = r.sets
		r.emit(GroupTrailer, r.lo, r.k)
		r.gs = nil
	} else {
		absent := r.isa.Absent
		f.Code, f.Element, f.Expected = CodeMissingIEA, "IEA", "IEA*"+strconv.Itoa(r.groups)+"*"+r.isa.Control
		f.Message = "the interchange has no trailer: " + why
		f.Hint = "its groups are read; send IEA behind the last GE, and check that the file is whole"
		f.Ack = AckCodes{TA1: "023"}
		p.Groups = r.groups
		r.emit(InterchangeTrailer, r.lo, r.k)
		r.isa = nil
		if absent {
			return
		}
	}
	p.Add(f)
}

func (r *Reader) stray(b bound, next int) {
	r.bounds = append(r.bounds, b)
	r.emit(Stray, int(b.End), next)
	s := r.part.Segments.At(0)
	f := r.part.At(s, 0)
	f.Code = CodeStray
	f.Length = len(s.Body())
	f.Element, f.Found = clip([]byte(f.Element)), clip(s.Body())
	f.Message = fmt.Sprintf("segment %s stands where none of its kind may", f.Element)
	f.Hint = "it is kept and belongs to no document"
	if r.gs == nil {
		f.Expected, f.Ack.TA1 = "GS, TA1 or IEA", "024"
	} else {
		f.Expected = "ST or GE"
	}
	r.part.Add(f)
}

func (r *Reader) group(b bound, next int) {
	r.bounds = append(r.bounds, b)
	r.emit(GroupHeader, int(b.End), next)
	p := &r.part
	s := p.Segments.At(0)
	r.noteBreaks()
	r.gs = &GS{FunctionalID: s.Value(1), Sender: s.Value(2), Receiver: s.Value(3), Date: s.Value(4), Time: s.Value(5),
		Control: s.Value(6), Agency: s.Value(7), Version: s.Value(8)}
	p.GS, r.sets = r.gs, 0
	r.seen.Forget()
	r.groups++
	if n, ok := number([]byte(r.gs.Control)); !ok || n == 0 || len(r.gs.Control) > 9 {
		f := p.At(s, 6)
		f.Code, f.Message, f.Expected = CodeGroupControlBad, "the group control number is not a number", "1 to 9 digits"
		f.Hint, f.Ack = "an acknowledgement could not name this group", AckCodes{AK9: "6", TA1: "024"}
		p.Add(f)
	} else if r.named.Again(strings.TrimLeft(r.gs.Control, "0")) {
		f := p.At(s, 6)
		f.Code, f.Message, f.Expected = CodeGroupRepeated, "the group control number was used before in this interchange", "a number of its own"
		f.Hint, f.Ack = "number the groups one by one", AckCodes{AK9: "19"}
		p.Add(f)
	}
	r.checkGroup(s)
}

// checkGroup checks the elements of a GS that nothing else depends on.
func (r *Reader) checkGroup(s Segment) {
	p, gs := &r.part, r.gs
	add := func(n int, code string, severity Severity, message, expected, ak9 string) {
		f := p.At(s, n)
		f.Code, f.Severity, f.Message, f.Expected, f.Ack.AK9 = code, severity, message, expected, ak9
		p.Add(f)
	}
	if len(gs.FunctionalID) != 2 {
		add(1, CodeGroupElement, Warning, "the functional identifier is none", "2 characters", "")
	}
	if !grammar.IsDate([]byte(gs.Date)) {
		add(4, CodeGroupElement, Warning, "the date of the group is not a date", "CCYYMMDD", "")
	}
	if !grammar.IsTime([]byte(gs.Time)) {
		add(5, CodeGroupElement, Warning, "the time of the group is not a time", "HHMM", "")
	}
	if gs.Version == "" {
		add(8, CodeGroupVersion, Error, "the group does not name its version", "a version such as 004010", "2")
	}
	r.surplus(s, 8, Warning, AckCodes{})
}

// surplus reports an element behind the last that an envelope's segment may have.
func (r *Reader) surplus(s Segment, most int, severity Severity, ack AckCodes) {
	for n := most + 1; n <= s.Len(); n++ {
		if len(s.Element(n)) == 0 {
			continue
		}
		f := r.part.At(s, n)
		f.Code, f.Severity, f.Ack = CodeSurplus, severity, ack
		f.Message, f.Expected = fmt.Sprintf("%s has no element %d", clip(s.Tag()), n), fmt.Sprintf("at most %d elements", most)
		r.part.Add(f)
		return
	}
}

func (r *Reader) groupEnd(b bound, next int) {
	r.bounds = append(r.bounds, b)
	r.emit(GroupTrailer, int(b.End), next)
	p := &r.part
	s := p.Segments.At(0)
	r.noteBreaks()
	p.Sets = r.sets
	r.compareCount(s, 1, r.sets, CodeSetCount, "transaction sets in the group", AckCodes{AK9: "5"})
	r.compareControl(s, 2, r.gs.Control, CodeGroupControl, "GS06", AckCodes{AK9: "4"})
	r.surplus(s, 2, Warning, AckCodes{})
	r.gs = nil
}

func (r *Reader) interchangeEnd(b bound, next int) {
	r.bounds = append(r.bounds, b)
	r.emit(InterchangeTrailer, int(b.End), next)
	p := &r.part
	s := p.Segments.At(0)
	r.noteBreaks()
	p.Groups = r.groups
	r.compareCount(s, 1, r.groups, CodeGroupCount, "groups in the interchange", AckCodes{TA1: "021"})
	r.compareControl(s, 2, r.isa.Control, CodeInterchangeControl, "ISA13", AckCodes{TA1: "001"})
	r.surplus(s, 2, Warning, AckCodes{})
	r.isa = nil
}

// set reads from ST to its SE, or to the segment that shows that SE is missing.
func (r *Reader) set(b bound, next int) error {
	w := &r.win
	r.bounds = append(r.bounds, b)
	r.badTag = false
	var whole bool
	end, k := int(b.End), next
	for {
		end, k, whole = r.plain(end, k)
		if r.skips = !whole && end-r.lo > w.lim.SetBytes; whole || r.skips {
			break
		}
		kept := len(r.part.Findings)
		b, next, found, err := r.segment(end, k)
		if err != nil {
			return err
		}
		if !found {
			r.part.Findings = r.part.Findings[:kept]
			break
		}
		id := tag(w.Buf[b.Start:w.Idx[b.First]])
		if endsSet(string(id)) {
			r.part.Findings = r.part.Findings[:kept]
			r.unread(end, k)
			break
		}
		whole = string(id) == "SE"
		r.badTag = r.badTag || !isTag(id)
		r.measure(b)
		r.bounds = append(r.bounds, b)
		end, k = int(b.End), next
		if r.skips = !whole && end-r.lo > w.lim.SetBytes; whole || r.skips {
			break
		}
	}
	r.emit(TransactionSet, end, k)
	r.sets++
	r.checkSet(whole)
	return nil
}

// plain is [Reader.segment] for what nearly all segments are, and for as many as
// follow each other: indexed already, with at most a line end before, neither
// binary nor the end of the set's data nor anything else that needs a closer
// look. It stops behind an SE.
func (r *Reader) plain(lead, k int) (end, next int, whole bool) {
	w := &r.win
	buf, idx, t := w.Buf, w.Idx, w.delims.Terminator
	if w.Cut >= 0 {
		return lead, k, false
	}
	bounds := r.bounds
	most := r.lo + w.lim.SetBytes
scan:
	for lead <= most {
		start := lead
		for start < len(buf) && (buf[start] == '\r' || buf[start] == '\n') && buf[start] != t {
			start++
		}
		last := k
		for last < len(idx) && buf[idx[last]] != t {
			last++
		}
		if last >= len(idx) {
			break scan
		}
		at := idx[last]
		if int(at) >= w.Scanned || int(at)-start >= w.lim.SegmentBytes || last-k > w.lim.Elements {
			break scan
		}
		id := buf[start:idx[k]]
		if !isTag(id) {
			break scan
		}
		switch id[0] {
		case 'B':
			if isBinary(id) {
				break scan
			}
		case 'S', 'G', 'I':
			if endsSet(string(id)) {
				break scan
			}
			whole = string(id) == "SE"
		}
		bounds = append(bounds, bound{Lead: uint32(lead), Start: uint32(start), End: at + 1, First: uint32(k), Last: uint32(last)})
		lead, k = int(at)+1, last+1
		if whole {
			break
		}
	}
	r.bounds = bounds
	return lead, k, whole
}

// isTag holds for what a segment may be called.
func isTag(id []byte) bool {
	return len(id) == 3 && isAlnum(id[0]) && isAlnum(id[1]) && isAlnum(id[2]) || len(id) == 2 && isAlnum(id[0]) && isAlnum(id[1])
}

func endsSet(id string) bool {
	switch id {
	case "ST", "GE", "GS", "IEA", "ISA":
		return true
	}
	return false
}

func (r *Reader) checkSet(whole bool) {
	p := &r.part
	r.noteBreaks()
	st := p.Segments.At(0)
	if p.ST = (ST{ID: r.lastID, Control: st.Value(2), Convention: st.Value(3)}); string(st.Element(1)) != r.lastID {
		p.ST.ID = st.Value(1)
		r.lastID = p.ST.ID
	}
	for i := range p.Findings { // met before ST02 was known
		p.Findings[i].Set = p.ST.Control
	}
	add := func(s Segment, n int, code, message, expected, hint string, ack AckCodes) {
		f := p.At(s, n)
		f.Code, f.Message, f.Expected, f.Hint, f.Ack = code, message, expected, hint, ack
		p.Add(f)
	}
	if r.gs == nil && !r.isa.Absent {
		add(st, 0, CodeSetOutsideGroup, "the transaction set stands outside any functional group", "GS before ST", "send GS and GE around it", AckCodes{TA1: "024"})
	}
	if p.ST.ID == "" {
		add(st, 1, CodeSetIDMissing, "the transaction set has no identifier", "3 digits", "", AckCodes{AK5: "6"})
	}
	if p.ST.Control == "" {
		add(st, 2, CodeSetControlMissing, "the transaction set has no control number", "4 to 9 characters", "", AckCodes{AK5: "7"})
	} else if r.gs != nil {
		if r.seen.Again(p.ST.Control) {
			add(st, 2, CodeSetControlRepeated, "the control number was used before in this group", "a number of its own", "number the sets of a group one by one", AckCodes{AK5: "23"})
		}
	}
	switch n := len(p.ST.Control); {
	case n > 9:
		add(st, 2, CodeSetControlBad, "the control number is too long", "4 to 9 characters", "an acknowledgement could not name this set", AckCodes{AK5: "7"})
	case n > 0 && n < 4:
		f := p.At(st, 2)
		f.Code, f.Severity, f.Message, f.Expected = CodeSetControlBad, Warning, "the control number is too short", "4 to 9 characters"
		f.Hint = "fill it up with zeros from the left, as an acknowledgement does"
		p.Add(f)
	}
	tooMany := AckCodes{AK3: "8", AK4: "3", AK5: "5"}
	r.surplus(st, 3, Error, tooMany)
	if r.badTag {
		r.checkTags()
	}
	last := p.Segments.At(p.Segments.Len() - 1)
	if r.skips {
		p.Add(r.tooLarge(last))
		return
	}
	if !whole {
		f := p.At(last, 0)
		f.Code, f.Element, f.Found = CodeMissingSE, "SE", ""
		f.Offset, f.Length = p.Offset+int64(len(p.Raw)), 0
		f.Segment = last.Ordinal() + 1
		f.Expected = fmt.Sprintf("SE after %s", last.ID())
		f.Message = "the transaction set has no trailer"
		f.Hint = "the set may be cut off: send it again with its SE"
		f.Ack = AckCodes{AK5: "2"}
		p.Add(f)
		return
	}
	r.compareCount(last, 1, p.Segments.Len(), CodeSegmentCount, "segments, ST and SE included", AckCodes{AK5: "4"})
	r.compareControl(last, 2, p.ST.Control, CodeSetControl, "ST02", AckCodes{AK5: "3"})
	r.surplus(last, 2, Error, tooMany)
}

// checkTags reports the segments whose tag is none.
func (r *Reader) checkTags() {
	p := &r.part
	for _, s := range p.Segments.All() {
		if isTag(s.Tag()) {
			continue
		}
		f := p.At(s, 0)
		f.Code, f.Layer, f.Element = CodeBadTag, LayerSyntax, clip(s.Tag())
		f.Message, f.Expected = "the segment's tag is none", "two or three letters or digits"
		f.Hint, f.Ack = "a segment terminator may stand in text", AckCodes{AK3: "1", AK5: "5"}
		p.Add(f)
	}
}

func (r *Reader) compareCount(s Segment, n, counted int, code, what string, ack AckCodes) {
	if declared, ok := number(s.Element(n)); ok && declared == int64(counted) {
		return
	}
	f := r.part.At(s, n)
	f.Code, f.Ack = code, ack
	f.Expected = strconv.Itoa(counted)
	f.Message = fmt.Sprintf("%s says %q where there are %d %s", f.Element, f.Found, counted, what)
	f.Hint = "something was lost or added on the way: ask for it again"
	r.part.Add(f)
}

func (r *Reader) compareControl(s Segment, n int, header, code, ref string, ack AckCodes) {
	if string(s.Element(n)) == header {
		return
	}
	v := s.Value(n)
	if v == header {
		return
	}
	a, okA := number([]byte(v))
	if b, okB := number([]byte(header)); okA && okB && a == b {
		return // leading zeros are the sender's habit, not another number
	}
	f := r.part.At(s, n)
	f.Code, f.Ack, f.Expected = code, ack, clip([]byte(header))
	f.Message = fmt.Sprintf("%s says %q where %s says %q", f.Element, f.Found, ref, f.Expected)
	f.Hint = "header and trailer must carry the same control number"
	r.part.Add(f)
}

// noteBreaks reports line breaks inside data, at the first of them.
func (r *Reader) noteBreaks() {
	p := &r.part
	if !p.Segments.broken {
		return
	}
	for _, s := range p.Segments.All() {
		if isBinary(s.Element(0)) {
			continue
		}
		for n := range s.Len() + 1 {
			for i, c := range s.Element(n) {
				if c != '\n' && c != '\r' {
					continue
				}
				f := p.At(s, n)
				f.Code, f.Severity, f.Layer = CodeInnerBreak, Warning, LayerSyntax
				f.Offset, f.Length = f.Offset+int64(i), 1
				f.Message = "a line break stands inside data"
				f.Hint = "line breaks are skipped in values and kept in the bytes; do not wrap the file"
				p.Add(f)
				return
			}
		}
	}
}

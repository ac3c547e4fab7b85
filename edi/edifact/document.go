package edifact

import (
	"errors"
	"io"
	"iter"
)

// Document is a whole stream in memory, part by part.
type Document struct {
	Parts []*Part
}

// Parse reads data whole. Parts point into data, which must not be changed
// while they are in use. The error is a [LimitError] or nil: whatever else is
// wrong is a finding of some part. Of a document that met a limit, the parts
// before it are returned.
func Parse(data []byte, limits Limits) (*Document, error) {
	r := NewBytesReader(data, limits)
	d := &Document{}
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return d, err
		}
		own := *p
		own.keep(own.Raw)
		d.Parts = append(d.Parts, &own)
	}
}

// WriteTo writes the bytes that were read.
func (d *Document) WriteTo(w io.Writer) (n int64, err error) {
	for _, p := range d.Parts {
		m, err := w.Write(p.Raw)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Messages ranges over the messages.
func (d *Document) Messages() iter.Seq[*Part] {
	return func(yield func(*Part) bool) {
		for _, p := range d.Parts {
			if p.Kind == Message && !yield(p) {
				return
			}
		}
	}
}

// Findings are those of all parts, in order.
func (d *Document) Findings() []Finding {
	var all []Finding
	for _, p := range d.Parts {
		all = append(all, p.Findings...)
	}
	return all
}

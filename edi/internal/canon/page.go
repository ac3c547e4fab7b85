package canon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Page is what the encoders of both formats share: the JSON at hand, and where in its
// arrays it is.
type Page struct {
	Exact   bool
	Buf     []byte
	LineEnd []byte // that stands before each segment

	inGroup bool
	some    bool // the array at hand has an item
	outer   bool // and the one around it
}

// Each lets do have what next returns, up to its io.EOF.
func Each[P any](next func() (P, error), do func(P) error) error {
	for {
		p, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := do(p); err != nil {
			return err
		}
	}
}

// Flush writes what is at hand to w.
func (p *Page) Flush(w io.Writer) error {
	_, err := w.Write(p.Buf)
	p.Buf = p.Buf[:0]
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

// Put appends JSON as it is.
func (p *Page) Put(s string) { p.Buf = append(p.Buf, s...) }

// Text appends a string: see [AppendText].
func (p *Page) Text(v []byte) { p.Buf = AppendText(p.Buf, v) }

// Base64 appends bytes.
func (p *Page) Base64(b []byte) { p.Buf = AppendBase64(p.Buf, b) }

// Noise appends what stands outside interchanges. Blanks are for the exact alone.
func (p *Page) Noise(raw []byte) {
	if p.Exact || len(bytes.TrimSpace(raw)) > 0 {
		p.Put(`{"noise":`)
		p.Base64(raw)
		p.Put("}\n")
	}
}

// Begin is the start of an interchange.
func (p *Page) Begin() { p.LineEnd, p.inGroup, p.some = nil, false, false }

// Follow ends an interchange's header by what stands before the segment behind it,
// and opens the array of key.
func (p *Page) Follow(lead []byte, key string) {
	if string(lead) == "\n" || string(lead) == "\r\n" {
		p.LineEnd = bytes.Clone(lead)
		p.Put(`,"line_end":`)
		p.Text(p.LineEnd)
	}
	if p.Exact {
		p.Put(`,"exact":true`)
	}
	p.Put(`,"` + key + `":[`)
}

// Item begins the next item of the array at hand.
func (p *Page) Item() {
	if p.some {
		p.Put(",")
	}
	p.some = true
	p.Put("\n ")
	if p.inGroup {
		p.Put(" ")
	}
}

// Group opens the array of a group.
func (p *Page) Group() { p.inGroup, p.outer, p.some = true, p.some, false }

// GroupEnd is behind the array of a group.
func (p *Page) GroupEnd() { p.inGroup, p.some = false, p.outer }

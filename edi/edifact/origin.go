package edifact

import (
	"errors"
	"fmt"
)

// Origin is where a message comes from: what has to travel beside its bytes so
// that it can be read again, alone, with findings that still name their place
// in the interchange.
type Origin struct {
	UNB    UNB   `json:"unb"`
	UNG    *UNG  `json:"ung,omitempty"` // nil outside a group
	Offset int64 `json:"offset"`        // of the message's first byte
	Line   int   `json:"line"`
	Column int   `json:"column"`
}

// Origin of a part that lies in an interchange; the zero Origin otherwise.
func (p *Part) Origin() Origin {
	o := Origin{Offset: p.Offset, Line: p.line, Column: p.column}
	if p.UNB != nil {
		o.UNB = *p.UNB
	}
	if p.UNG != nil {
		ung := *p.UNG
		o.UNG = &ung
	}
	return o
}

// ErrNotOneMessage means that bytes taken for a message are not exactly one.
var ErrNotOneMessage = errors.New("not exactly one message")

// ReadMessage reads the Raw bytes of a Message part again. The findings are
// those of the message itself; that its reference was used twice only the
// interchange's reader can know.
func ReadMessage(raw []byte, o Origin, limits Limits) (*Part, error) {
	if err := o.UNB.Delimiters.Validate(); err != nil {
		return nil, fmt.Errorf("reading message: %w", err)
	}
	r := NewBytesReader(raw, limits)
	r.win.Base = o.Offset
	r.win.use(o.UNB.Delimiters, 0)
	r.unb, r.ung = &o.UNB, o.UNG
	r.marks = o.UNB.marks()
	r.part.line, r.part.column = max(o.Line, 1), max(o.Column, 1)
	r.part.Offset = o.Offset
	p, err := r.Next()
	if err != nil {
		return nil, fmt.Errorf("reading message: %w", err)
	}
	if p.Kind != Message || len(p.Raw) != len(raw) {
		return nil, fmt.Errorf("reading message at byte %d: %w", o.Offset, ErrNotOneMessage)
	}
	own := *p
	own.keep(own.Raw)
	return &own, nil
}

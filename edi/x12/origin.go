package x12

import (
	"errors"
	"fmt"
)

// Origin is where a transaction set comes from: what has to travel beside its
// bytes so that it can be read again, alone, with findings that still name
// their place in the interchange.
type Origin struct {
	ISA    ISA   `json:"isa"`
	GS     *GS   `json:"gs,omitempty"` // nil outside a group
	Offset int64 `json:"offset"`       // of the set's first byte
	Line   int   `json:"line"`
	Column int   `json:"column"`
}

// Origin of a part that lies in an interchange; the zero Origin otherwise.
func (p *Part) Origin() Origin {
	o := Origin{Offset: p.Offset, Line: p.line, Column: p.column}
	if p.ISA != nil {
		o.ISA = *p.ISA
	}
	if p.GS != nil {
		gs := *p.GS
		o.GS = &gs
	}
	return o
}

// ErrNotOneSet means that bytes taken for a transaction set are not exactly one.
var ErrNotOneSet = errors.New("not exactly one transaction set")

// ReadSet reads the Raw bytes of a TransactionSet part again. The findings are
// those of the set itself; that its control number was used twice only the
// group's reader can know.
func ReadSet(raw []byte, o Origin, limits Limits) (*Part, error) {
	if err := o.ISA.Delimiters.Validate(); err != nil {
		return nil, fmt.Errorf("reading transaction set: %w", err)
	}
	r := NewBytesReader(raw, limits)
	r.win.Base = o.Offset
	r.win.use(o.ISA.Delimiters, 0)
	r.isa = &o.ISA
	if o.GS != nil {
		r.gs = o.GS
	}
	r.part.line, r.part.column = max(o.Line, 1), max(o.Column, 1)
	r.part.Offset = o.Offset
	p, err := r.Next()
	if err != nil {
		return nil, fmt.Errorf("reading transaction set: %w", err)
	}
	if p.Kind != TransactionSet || len(p.Raw) != len(raw) {
		return nil, fmt.Errorf("reading transaction set at byte %d: %w", o.Offset, ErrNotOneSet)
	}
	own := *p
	own.keep(own.Raw)
	return &own, nil
}

package eip

import (
	"context"
	"iter"
	"strconv"

	"github.com/paklog/hub/core/journal"
)

// Offset is how far a split came: so many children, and where the source stood behind the
// last of them, in the source's own measure (bytes, lines).
type Offset struct {
	Index int   `json:"index"`
	At    int64 `json:"at"`
}

// Child is one part of a message.
type Child struct {
	journal.Record
	// Next is where the source stands behind this child, for [Offset.At].
	Next int64
	// Claims are taken in the unit that holds the child.
	Claims []journal.ClaimOp
}

// Streamed is a message whose decision may become durable in parts; *routes.Message is one.
type Streamed[O any] interface {
	Message[O]
	// Partial makes o durable and leaves the message open. A refusal is an error that
	// the handler returns as it is.
	Partial(ctx context.Context, o O) error
}

// maxPart is how many bytes of children one unit holds, give or take the last.
const maxPart = 4 << 20

// Splitter takes a message apart, in memory of one unit: it commits every so many children with
// its offset, so that a kill in the middle repeats nothing and skips nothing. Children get the
// ids that (message, route, step, index) give, and their index as header [Part].
type Splitter[M Streamed[O], O Out[O]] struct {
	Step string
	// Every is how many children one unit holds: 1,000, and fewer where they are long.
	Every int
	// Children yields what follows from, in the same order whenever it is asked. An error ends
	// the run: children before it stand, and the next run goes on from there.
	Children func(ctx context.Context, m M, from Offset) iter.Seq2[Child, error]
	// Then adds to the last unit once all n children are known; it may be nil.
	Then func(ctx context.Context, m M, o O, n int) error
}

// Handle is the route's handler.
func (s Splitter[M, O]) Handle(ctx context.Context, m M) (O, error) {
	in := m.In()
	in.Ran.Note(NameSplitter)
	var none O
	every := s.Every
	if every <= 0 {
		every = 1000
	}
	size := 0
	key := in.ID.String()
	at, old, _, err := load[Offset](ctx, in, s.Step, key)
	if err != nil {
		return none, err
	}
	o := m.Out()
	for c, err := range s.Children(ctx, m, at) {
		if err != nil {
			return none, err
		}
		if len(o.Decision().Records) >= every || size >= maxPart {
			if err := save(o, in, s.Step, key, old, at); err != nil {
				return none, err
			}
			// Units of two runs must not share an id: it is what their states are known by.
			o.Decision().ID = in.ID.Child(in.Route, s.Step+"/unit", at.Index)
			if err := m.Partial(ctx, o); err != nil {
				return none, err
			}
			if _, old, _, err = load[Offset](ctx, in, s.Step, key); err != nil {
				return none, err
			}
			o, size = m.Out(), 0
		}
		size += len(c.Data) + len(c.Personal)
		c.ID = in.ID.Child(in.Route, s.Step, at.Index)
		set(&c.Record, Part, strconv.Itoa(at.Index))
		o.Send(c.Record)
		o.Decision().Claims = append(o.Decision().Claims, c.Claims...)
		at = Offset{Index: at.Index + 1, At: c.Next}
	}
	if s.Then != nil {
		if err := s.Then(ctx, m, o, at.Index); err != nil {
			return none, err
		}
	}
	if old.Data != nil {
		put(o, in, s.Step, key, old, nil)
	}
	return o, nil
}

package eip

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/journal"
)

// GapSkipped is the type of the message that says that numbers of a sequence never came.
const GapSkipped = "sequence.GapSkipped"

// Gap is what [GapSkipped] tells: numbers From to To, both included.
type Gap struct {
	Key  string `json:"key"`
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// Resequencer sends the messages of a key on in the order of their numbers. What comes early is
// held by its position in the log, not copied. A gap that does not close in time is
// skipped, and said so; what comes behind the sequence is rejected (or goes to Late).
//
// Its route parks independently: a number that is rejected must not hold up its followers.
type Resequencer[M Message[O], O Out[O]] struct {
	Step   string
	Number func(M) (key string, n uint64, err error)
	First  uint64 // number that a sequence begins with
	To     string // topic
	// Gap is how long a missing number is waited for; 0 is for ever.
	Gap time.Duration
	// Hold is how many early messages of a key are held: 1,000. One more is rejected.
	Hold int
	// Late is the topic of numbers that were sent or skipped before; "" rejects them.
	Late string
}

type sequence struct {
	Next  uint64    `json:"next"`
	Held  []heldAt  `json:"held,omitempty"` // by number
	Since time.Time `json:"since,omitzero"` // the gap before the first held
}

type heldAt struct {
	N   uint64      `json:"n"`
	Pos journal.Pos `json:"pos"`
}

// Handle is the route's handler.
func (q Resequencer[M, O]) Handle(ctx context.Context, m M) (O, error) {
	in := m.In()
	in.Ran.Note(NameResequencer)
	if in.timer(q.Step) {
		return q.skip(ctx, m, in)
	}
	var none O
	key, n, err := q.Number(m)
	if err != nil {
		return none, err
	}
	s, old, there, err := load[sequence](ctx, in, q.Step, key)
	if err != nil {
		return none, err
	}
	if !there {
		s.Next = q.First
	}
	at, again := slices.BinarySearchFunc(s.Held, n, func(h heldAt, n uint64) int { return cmp.Compare(h.N, n) })
	hold := q.Hold
	if hold <= 0 {
		hold = 1000
	}
	o := m.Out()
	switch {
	case n < s.Next || again:
		if q.Late == "" {
			return none, in.rejected("number %d of %s %q came before, or was given up: next is %d", n, q.Step, key, s.Next)
		}
		return o.Send(Copy(in.Record, q.Late)), nil
	case n == s.Next:
		o.Send(Copy(in.Record, q.To))
		s.Next++
		if err := q.release(ctx, in, o, &s); err != nil {
			return none, err
		}
	case len(s.Held) >= hold:
		return none, in.rejected("number %d of %s %q: %d are held already for the missing %d", n, q.Step, key, len(s.Held), s.Next)
	default:
		s.Held = slices.Insert(s.Held, at, heldAt{n, in.Pos})
		if len(s.Held) == 1 {
			s.Since = in.Now
			q.wake(o, key, s)
		}
	}
	return o, save(o, in, q.Step, key, old, s)
}

// release sends what is no longer early.
func (q Resequencer[M, O]) release(ctx context.Context, in In, o O, s *sequence) error {
	for len(s.Held) > 0 && s.Held[0].N == s.Next {
		r, err := in.Recall(ctx, s.Held[0].Pos)
		if err != nil {
			return err
		}
		c := Copy(&r, q.To)
		c.ID = r.ID.Child(in.Route, q.Step, 0)
		o.Send(c)
		s.Held = s.Held[1:]
		s.Next++
		s.Since = in.Now // another gap begins, if one is left
	}
	return nil
}

func (q Resequencer[M, O]) wake(o O, key string, s sequence) {
	if q.Gap > 0 {
		o.Timer(q.Step+"/"+safe(key), safe(key), timerType(q.Step), s.Since.Add(q.Gap), key)
	}
}

// skip gives the first gap up when its time is over.
func (q Resequencer[M, O]) skip(ctx context.Context, m M, in In) (O, error) {
	var none O
	key, err := timerOf[string](in)
	if err != nil {
		return none, err
	}
	s, old, there, err := load[sequence](ctx, in, q.Step, key)
	if err != nil || !there || len(s.Held) == 0 {
		return none, err
	}
	o := m.Out()
	if in.Now.Before(s.Since.Add(q.Gap)) {
		q.wake(o, key, s)
		return o, nil
	}
	gap, err := json.Marshal(Gap{key, s.Next, s.Held[0].N - 1})
	if err != nil {
		return none, fmt.Errorf("writing a gap: %w", err)
	}
	o.Send(journal.Record{Type: GapSkipped, Topic: q.To, Key: safe(key), Data: gap})
	s.Next = s.Held[0].N
	if err := q.release(ctx, in, o, &s); err != nil {
		return none, err
	}
	if len(s.Held) > 0 {
		q.wake(o, key, s)
	}
	return o, save(o, in, q.Step, key, old, s)
}

package eip

import (
	"context"
	"slices"
	"strings"

	"github.com/paklog/hub/core/journal"
)

// maxSlip bounds a routing slip, for it travels with the message.
const maxSlip = 100

// Itinerary attaches a Routing Slip to a message and sends it to the first of its topics. Every
// topic must be one of allowed: a slip may be made from what a partner said.
func Itinerary[M Message[O], O Out[O]](allowed []string, plan func(M) ([]string, error)) Handler[M, O] {
	return func(_ context.Context, m M) (O, error) {
		in := m.In()
		in.Ran.Note(NameRoutingSlip)
		var none O
		topics, err := plan(m)
		if err != nil {
			return none, err
		}
		if len(topics) == 0 || len(topics) > maxSlip {
			return none, in.invalid("a routing slip of %d steps: 1 to %d may be", len(topics), maxSlip)
		}
		for i, t := range topics {
			if !slices.Contains(allowed, t) {
				return none, in.invalid("step %d of the routing slip leads to %q, which is none of %q", i+1, t, allowed)
			}
		}
		return m.Out().Send(Copy(in.Record, topics[0], Slip, strings.Join(topics[1:], ","))), nil
	}
}

// Station is a step of a routing slip: what the work makes of the message goes on to the next
// topic of the slip, or to end where the slip is done.
func Station[M Message[O], O Out[O]](end string, allowed []string, work func(M) (journal.Record, error)) Handler[M, O] {
	return func(_ context.Context, m M) (O, error) {
		in := m.In()
		in.Ran.Note(NameRoutingSlip)
		var none O
		next, rest := end, ""
		if steps := list(in.Headers[Slip]); len(steps) > 0 {
			next, rest = steps[0], strings.Join(steps[1:], ",")
			if !slices.Contains(allowed, next) {
				return none, in.invalid("the routing slip leads to %q, which is none of %q", next, allowed)
			}
		}
		r, err := work(m)
		if err != nil {
			return none, err
		}
		r.Topic = next
		set(&r, Slip, rest)
		return m.Out().Send(r), nil
	}
}

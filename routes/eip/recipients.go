package eip

import (
	"context"
	"slices"
)

// MaxRecipients bounds what one message may ask for.
const MaxRecipients = 1000

// RecipientList sends a message to every topic that the function names, in one unit:
// all get it or none. A topic named twice gets it once; a list without topics is Invalid.
func RecipientList[M Message[O], O Out[O]](recipients func(M) ([]string, error)) Handler[M, O] {
	return func(_ context.Context, m M) (O, error) {
		in := m.In()
		in.Ran.Note(NameRecipientList)
		var none O
		topics, err := recipients(m)
		switch {
		case err != nil:
			return none, err
		case len(topics) == 0:
			return none, in.invalid("%s names no recipient", in.Type)
		case len(topics) > MaxRecipients:
			return none, in.invalid("%s names %d recipients, %d at most", in.Type, len(topics), MaxRecipients)
		case slices.Contains(topics, ""):
			return none, in.invalid("%s names a recipient without a topic", in.Type)
		}
		o := m.Out()
		for i, t := range topics {
			if !slices.Contains(topics[:i], t) {
				o.Send(Copy(in.Record, t))
			}
		}
		return o, nil
	}
}

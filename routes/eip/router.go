package eip

import (
	"context"
	"strings"
)

// Choice is one way out of a content-based router.
type Choice[M any] struct {
	Name string // what is asked, for people: "a 940 of ACME"
	When func(M) bool
	To   string // topic
}

// Choose is the Content-Based Router: a message goes to the topic of the first choice that
// wants it. Where none does, it goes to otherwise; with otherwise "" it is Invalid.
func Choose[M Message[O], O Out[O]](otherwise string, choices ...Choice[M]) Handler[M, O] {
	return func(_ context.Context, m M) (O, error) {
		in := m.In()
		in.Ran.Note(NameRouter)
		for _, c := range choices {
			if c.When(m) {
				return m.Out().Send(Copy(in.Record, c.To)), nil
			}
		}
		if otherwise != "" {
			return m.Out().Send(Copy(in.Record, otherwise)), nil
		}
		asked := make([]string, len(choices))
		for i, c := range choices {
			asked[i] = c.Name
		}
		var none O
		return none, in.invalid("no route for %s: it is none of %s", in.Type, strings.Join(asked, ", "))
	}
}

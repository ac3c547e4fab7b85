package eip

import (
	"context"

	"github.com/paklog/hub/core/journal"
)

// Translate is the Message Translator: what the function makes of a message goes to
// the topic that the record names. The function is pure; what it cannot read it returns as a fault
// with the place.
func Translate[M Message[O], O Out[O]](translate func(M) (journal.Record, error)) Handler[M, O] {
	return func(_ context.Context, m M) (O, error) {
		r, err := translate(m)
		if err != nil {
			var none O
			return none, err
		}
		return m.Out().Send(r), nil
	}
}

package eip

import (
	"context"

	"github.com/paklog/hub/core/journal"
)

// Translation makes one message of another: the record goes to the topic that it names. What
// belongs to the document and is not in it, a control number that is used up, goes on o, and so
// into the same unit. What cannot be read is a fault with its place.
type Translation[M, O any] = func(ctx context.Context, m M, o O) (journal.Record, error)

// Translate is the Message Translator.
func Translate[M Message[O], O Out[O]](translate Translation[M, O]) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		m.In().Ran.Note(NameTranslator)
		o := m.Out()
		r, err := translate(ctx, m, o)
		if err != nil {
			var none O
			return none, err
		}
		return o.Send(r), nil
	}
}

package eip

import (
	"context"
	"strings"
)

// Format is one of the ways in which partners say the same.
type Format[M, O any] struct {
	Name      string
	Is        func(M) bool
	Translate Translation[M, O]
}

// Normalize is the Normalizer: it finds out how a message says it and translates that to the
// canonical form. A message in no known format is Invalid.
func Normalize[M Message[O], O Out[O]](formats ...Format[M, O]) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		in := m.In()
		in.Ran.Note(NameNormalizer)
		names := make([]string, len(formats))
		for i, f := range formats {
			if f.Is(m) {
				return Translate[M](f.Translate)(ctx, m)
			}
			names[i] = f.Name
		}
		var none O
		return none, in.invalid("%s is in no known format: it is none of %s", in.Type, strings.Join(names, ", "))
	}
}

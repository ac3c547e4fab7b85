package eip

import "context"

// Enrich is the Content Enricher: it looks up what the message lacks and hands both on. A
// lookup that finds nothing says so by the kind of its error: Rejected where a person must add
// master data, Transient where it may come by itself.
func Enrich[M Message[O], O Out[O], V any](
	lookup func(ctx context.Context, m M) (V, error),
	then func(ctx context.Context, m M, v V) (O, error),
) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		m.In().Ran.Note(NameEnricher)
		v, err := lookup(ctx, m)
		if err != nil {
			var none O
			return none, err
		}
		return then(ctx, m, v)
	}
}

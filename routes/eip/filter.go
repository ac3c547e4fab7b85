package eip

import "context"

// Filter is the Message Filter: what it does not keep ends here, marked handled. Timers of
// what it stands before pass.
func Filter[M Message[O], O Out[O]](keep func(ctx context.Context, m M) (bool, error), then Handler[M, O]) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		in := m.In()
		in.Ran.Note(NameFilter)
		if !in.timed() {
			if kept, err := keep(ctx, m); err != nil || !kept {
				var none O
				return none, err
			}
		}
		return then(ctx, m)
	}
}

package eip

import "context"

// Filter is the Message Filter: what it does not keep ends here, marked handled. Timers of
// what it stands before pass.
func Filter[M Message[O], O Out[O]](keep func(M) bool, then Handler[M, O]) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		if !m.In().timed() && !keep(m) {
			var none O
			return none, nil
		}
		return then(ctx, m)
	}
}

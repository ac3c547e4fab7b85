package eip

import (
	"context"

	"github.com/paklog/hub/core/fault"
)

// Fallback is the Circuit Breaker with an alternative. The call goes through the hub's Guard, whose
// fault is Unavailable while the breaker is open; then, and for no other reason, the alternative
// decides. Without a fallback an open breaker pauses the connection.
func Fallback[M Message[O], O Out[O]](call, instead Handler[M, O]) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		m.In().Ran.Note(NameBreaker)
		o, err := call(ctx, m)
		if err != nil && fault.KindOf(err) == fault.Unavailable {
			return instead(ctx, m)
		}
		return o, err
	}
}

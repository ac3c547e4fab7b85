package eip

import (
	"context"
	"time"

	"github.com/paklog/hub/core/fault"
)

// ExpiresAt reads the header [Expires]; the zero time is never.
func ExpiresAt(in In) (time.Time, error) {
	s := in.Headers[Expires]
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return at, fault.At(in.Route, fault.Invalid, "header "+Expires, err)
	}
	return at, nil
}

// Expire is Message Expiration: a message that nobody wants any more goes to expired. With
// expired nil it is rejected, so that somebody sees it.
func Expire[M Message[O], O Out[O]](at func(In) (time.Time, error), then, expired Handler[M, O]) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		in := m.In()
		in.Ran.Note(NameExpiration)
		var none O
		if in.timed() {
			return then(ctx, m)
		}
		end, err := at(in)
		switch {
		case err != nil:
			return none, err
		case end.IsZero() || in.Now.Before(end):
			return then(ctx, m)
		case expired == nil:
			return none, in.rejected("%s expired at %s", in.Type, end.UTC().Format(time.RFC3339))
		}
		return expired(ctx, m)
	}
}

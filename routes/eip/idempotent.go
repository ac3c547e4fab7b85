package eip

import (
	"context"

	"github.com/paklog/hub/core/journal"
)

// OutsideID is what a sender knows a message by, with the hash of what came under it.
type OutsideID struct {
	Scope string // door and sender: "webhook/ACME"
	ID    string
	Hash  [32]byte
	// Reused is the fault for the same id with other content than first was claimed with; nil
	// makes it Invalid.
	Reused func(first journal.Claim) error
}

// Receive is the Idempotent Receiver: what comes again under the same outside id with the same
// content goes to repeat, with the answer that the first got; with other content it is Invalid,
// for partners reset their counters. The claim is in the unit of the first: a failure leaves none.
// What has no id is taken as it is, and gives no answer to keep.
func Receive[M Message[O], O Out[O]](
	identify func(M) (OutsideID, error),
	then func(ctx context.Context, m M) (o O, answer []byte, err error),
	repeat func(ctx context.Context, m M, first journal.Claim) (O, error),
) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		in := m.In()
		in.Ran.Note(NameIdempotent)
		var none O
		id, err := identify(m)
		if err != nil {
			return none, err
		}
		if id.ID == "" {
			o, _, err := then(ctx, m)
			return o, err
		}
		first, again, err := in.Claimed(ctx, id.Scope, id.ID)
		switch {
		case err != nil:
			return none, err
		case again && first.Hash != id.Hash && id.Reused != nil:
			return none, id.Reused(first)
		case again && first.Hash != id.Hash:
			return none, in.invalid("id %q of %s was used for other content at %s", id.ID, id.Scope, first.At.UTC().Format("2006-01-02 15:04:05Z"))
		case again:
			return repeat(ctx, m, first)
		}
		o, answer, err := then(ctx, m)
		if err != nil {
			return none, err
		}
		o = begun(m, o)
		u := o.Decision()
		u.Claims = append(u.Claims, journal.ClaimOp{Scope: id.Scope, ID: id.ID, Hash: id.Hash, Answer: answer})
		return o, nil
	}
}

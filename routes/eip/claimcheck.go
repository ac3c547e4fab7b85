package eip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
)

// MaxInline is the longest payload that a record carries itself; a longer one is checked in.
const MaxInline = 64 << 10

// Store keeps payloads by the hash of their content. It is called from handlers, several
// at a time, and a call may be repeated: the same content is the same payload. An error
// without a fault kind is Transient.
type Store interface {
	// Put keeps what r yields and returns its hash. When it returns, file and folder are
	// on disk, for the commit that names the hash comes after it.
	Put(ctx context.Context, r io.Reader) (hash string, err error)
	// Open reads a payload. The reader's last Read is an error where the content is
	// not that of the hash.
	Open(ctx context.Context, hash string) (io.ReadCloser, error)
}

// payload is what a record carries: a document in its sealed group, or else its data.
func payload(r *journal.Record) *[]byte {
	if len(r.Personal) > 0 {
		return &r.Personal
	}
	return &r.Data
}

// CheckIn is the Claim Check: payloads of more than [MaxInline] that the handler decides to
// send are put into the store, and the record carries the [Ticket]. Events keep their data.
// Without a store every record carries its own.
func CheckIn[M Message[O], O Out[O]](s Store, then Handler[M, O]) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		in := m.In()
		in.Ran.Note(NameClaimCheck)
		o, err := then(ctx, m)
		var none O
		if err != nil || o == none {
			return o, err
		}
		for i := range o.Decision().Records {
			if err := in.CheckIn(ctx, s, &o.Decision().Records[i]); err != nil {
				return none, err
			}
		}
		return o, nil
	}
}

// CheckIn is [CheckIn] of one record, for units that are written before the last.
func (in In) CheckIn(ctx context.Context, s Store, r *journal.Record) error {
	in.Ran.Note(NameClaimCheck)
	p := payload(r)
	if s == nil || r.Stream != "" || len(*p) <= MaxInline {
		return nil
	}
	hash, err := s.Put(ctx, bytes.NewReader(*p))
	if err != nil {
		return in.stored(fmt.Errorf("checking in the payload of %s: %w", r.Type, err))
	}
	*p = nil
	set(r, Ticket, hash)
	return nil
}

// stored is an error of the store with a kind.
func (in In) stored(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.E(in.Route, fault.Transient, err)
}

// Payload reads what a message carries, or what its ticket stands for. The
// caller closes it, and trusts nothing before the end was reached without an error.
func Payload(ctx context.Context, s Store, in In) (io.ReadCloser, error) {
	in.Ran.Note(NameClaimCheck)
	hash := in.Headers[Ticket]
	if hash == "" {
		return io.NopCloser(bytes.NewReader(*payload(in.Record))), nil
	}
	if s == nil {
		return nil, fault.E(in.Route, fault.Internal, fmt.Errorf("the payload %s of %s lies outside the journal, and no store is configured", hash, in.Type))
	}
	r, err := s.Open(ctx, hash)
	if err != nil {
		return nil, in.stored(fmt.Errorf("claiming the payload of %s: %w", in.Type, err))
	}
	return r, nil
}

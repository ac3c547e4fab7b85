package eip

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// MaxInline is the longest payload that a record carries itself; a longer one is checked in.
const MaxInline = 64 << 10

// Store keeps payloads by the hash of their content. It is called from handlers, several
// at a time, and a call may be repeated: the same content is the same payload.
type Store interface {
	// Put keeps what r yields and returns its hash. When it returns, file and folder are
	// on disk, for the commit that names the hash comes after it.
	Put(ctx context.Context, r io.Reader) (hash string, err error)
	// Open reads a payload. The reader's last Read is an error where the content is
	// not that of the hash.
	Open(ctx context.Context, hash string) (io.ReadCloser, error)
}

// CheckIn is the Claim Check: payloads of more than [MaxInline] that the handler decides to
// send are put into the store, and the record carries the [Ticket]. Events keep their data.
func CheckIn[M Message[O], O Out[O]](s Store, then Handler[M, O]) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		o, err := then(ctx, m)
		var none O
		if err != nil || o == none {
			return o, err
		}
		for i := range o.Decision().Records {
			r := &o.Decision().Records[i]
			if r.Stream != "" || len(r.Data) <= MaxInline {
				continue
			}
			hash, err := s.Put(ctx, bytes.NewReader(r.Data))
			if err != nil {
				return none, fmt.Errorf("checking in the payload of %s: %w", r.Type, err)
			}
			r.Data = nil
			set(r, Ticket, hash)
		}
		return o, nil
	}
}

// Payload reads what a message carries: its data, or what its ticket stands for. The
// caller closes it, and trusts nothing before the end was reached without an error.
func Payload(ctx context.Context, s Store, in In) (io.ReadCloser, error) {
	hash := in.Headers[Ticket]
	if hash == "" {
		return io.NopCloser(bytes.NewReader(in.Data)), nil
	}
	r, err := s.Open(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("claiming the payload of %s: %w", in.Type, err)
	}
	return r, nil
}

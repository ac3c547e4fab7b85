// Package fault says what may be done after a failure. Adapters and routes only
// classify; the hub alone decides what follows (retry, pause, letter).
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind says what may be done next about an error.
type Kind uint8

const (
	// Internal is our bug or a panic: a letter at once, with the stack. It is the
	// zero value, so an error nobody classified is never retried blindly.
	Internal Kind = iota
	// Transient: trying again may work. Retried by timer with backoff, then a letter.
	Transient
	// Throttled: the partner said when. Waits at least After and slows this connection only.
	Throttled
	// Unavailable: the partner is down. Pauses the connection's subscription; nothing is dead-lettered.
	Unavailable
	// Rejected: the partner or a rule said no. A letter at once.
	Rejected
	// Invalid: the message cannot be understood. Invalid Message Channel at once, with the exact place.
	Invalid
	// Unknown: sent, and no answer came. Resolved with the partner before anything else; never a blind retry.
	Unknown
)

var names = [...]string{"internal", "transient", "throttled", "unavailable", "rejected", "invalid", "unknown"}

func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind(%d)", k)
}

// Kinds are all of them.
func Kinds() (all []Kind) {
	for i := range names {
		all = append(all, Kind(i))
	}
	return all
}

// ParseKind is the inverse of [Kind.String].
func ParseKind(s string) (Kind, bool) {
	for i, n := range names {
		if n == s {
			return Kind(i), true
		}
	}
	return Internal, false
}

// Error is a classified failure. Place names where in the input the cause lies
// ("W01-05", "lines[2].qty"), After is the least wait of a Throttled error.
type Error struct {
	Op    string // package.Operation that classified it: "fedex.Buy"
	Kind  Kind
	Place string
	After time.Duration
	Err   error
}

func (e *Error) Error() string {
	s := e.Op + ": "
	if e.Place != "" {
		s += e.Place + ": "
	}
	if e.Err == nil {
		return s + e.Kind.String()
	}
	return s + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// E classifies err. A nil err is allowed: the kind alone is the message.
func E(op string, kind Kind, err error) error { return &Error{Op: op, Kind: kind, Err: err} }

// At is [E] with the place of the cause in the input.
func At(op string, kind Kind, place string, err error) error {
	return &Error{Op: op, Kind: kind, Place: place, Err: err}
}

// Wrap adds op to an error that was classified further down, keeping kind, place and wait.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	w := &Error{Op: op, Kind: KindOf(err), Err: err}
	var e *Error
	if errors.As(err, &e) {
		w.Place, w.After = "", e.After
	}
	return w
}

// advised is an error with what may be done next, where that is not what its kind says.
type advised struct {
	error
	next string
}

func (a *advised) Unwrap() error { return a.error }

// Advise adds to an error what a person may do next, for a cause that its kind alone says too little of:
// above all that nothing comes of trying again.
func Advise(err error, next string) error {
	if err == nil || next == "" {
		return err
	}
	return &advised{err, next}
}

// NextOf is the outermost advice in err's chain, or "".
func NextOf(err error) string {
	var a *advised
	if errors.As(err, &a) {
		return a.next
	}
	return ""
}

// KindOf is the kind of the outermost classified error in err's chain. An
// unclassified deadline is Transient; anything else unclassified is Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Transient
	}
	return Internal
}

// PlaceOf is the innermost place named in err's chain, or "".
func PlaceOf(err error) string {
	place := ""
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			break
		}
		if e.Place != "" {
			place = e.Place
		}
		err = e.Err
	}
	return place
}

// Reason is err's text without the operations and places that classified errors in front of it
// carry: what a person reads beside [PlaceOf].
func Reason(err error) string {
	for {
		if a, ok := err.(*advised); ok { //nolint:errorlint // as below
			err = a.error
		}
		e, ok := err.(*Error) //nolint:errorlint // only what stands in front, not what is wrapped further down
		if !ok || e.Err == nil {
			return err.Error()
		}
		err = e.Err
	}
}

// AfterOf is the least wait that err asks for, or 0.
func AfterOf(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}

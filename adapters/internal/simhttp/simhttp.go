// Package simhttp is what simulated partners have in common on the wire: bearer
// tokens with expiry, limits, and misbehaviour on request. What a partner's
// documents say is the business of each simulator, and none of it is here.
package simhttp

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Op is a kind of call.
type Op string

// OpToken is the call for a token.
const OpToken Op = "token"

// Options configure a wire.
type Options struct {
	// Faults gives how many calls in a thousand meet each fault, drawn from Seed.
	Faults map[Fault]int
	Seed   uint64
	// SlowFor is how long a [Slow] answer takes, unless the client goes first; 0 is 30 s.
	SlowFor time.Duration
	// Refuse is the partner's answer with this status: 400 for a request that
	// cannot be read, 429, 500, 503. Required.
	Refuse func(status int) Answer
	// Results are the members that [NullResults] empties. Required.
	Results func(member string) bool
}

// Wire is one partner's end of the line. It is safe for concurrent use.
type Wire struct {
	opts Options

	mu     sync.Mutex
	rng    *rand.Rand
	queued map[Op][]Fault
	calls  map[Op]int
	tokens map[string]time.Time // value to expiry
	serial uint64               // of tokens
	limits map[string]*window
}

// window is one stretch of a limit.
type window struct {
	begun  time.Time
	inside int
}

// New returns a wire with no calls so far.
func New(opts Options) *Wire {
	if opts.SlowFor == 0 {
		opts.SlowFor = 30 * time.Second
	}
	return &Wire{
		opts: opts, rng: rand.New(rand.NewPCG(opts.Seed, 0x5550_5353_494d)),
		queued: map[Op][]Fault{}, calls: map[Op]int{}, tokens: map[string]time.Time{}, limits: map[string]*window{},
	}
}

// Answer is what an operation says, before any fault touches it. Body is
// encoded as JSON; a string is sent as it is. A Type is the media type where it is
// neither JSON nor a web page, After the seconds of a Retry-After, and Header what else is said beside it.
type Answer struct {
	Status int
	Body   any
	Type   string
	After  int
	Header http.Header
}

// OK is an answer of success.
func OK(body any) Answer { return Answer{Status: http.StatusOK, Body: body} }

// Handle is an operation behind the faults of its kind.
func (w *Wire) Handle(op Op, do func(r *http.Request, body []byte) Answer) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 1<<20))
		if err != nil {
			w.write(rw, r, w.opts.Refuse(http.StatusBadRequest), None)
			return
		}
		f := w.arrive(op)
		if f == DropBefore {
			panic(http.ErrAbortHandler)
		}
		if status := f.before(); status == 0 {
			if f == Revoke {
				w.Revoke()
			}
			w.write(rw, r, do(r, body), f)
		} else if f == OutageHTML {
			w.write(rw, r, Answer{Status: status, Body: page}, None)
		} else {
			w.write(rw, r, w.opts.Refuse(status), None)
		}
	}
}

// Calls is how many calls of this kind arrived, refused ones included.
func (w *Wire) Calls(op Op) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[op]
}

// AllCalls is Calls of every kind.
func (w *Wire) AllCalls() map[Op]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.calls)
}

// Grant makes a bearer token that is good until then.
func (w *Wire) Grant(until time.Time) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial++
	value := fmt.Sprintf("sim-token-%d-%016x", w.serial, w.rng.Uint64())
	w.tokens[value] = until
	return value
}

// Authorized reports whether r carries a token that is good now.
func (w *Wire) Authorized(r *http.Request, now time.Time) bool {
	value, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return bearer && w.Good(value, now)
}

// Good reports whether a token is good now.
func (w *Wire) Good(value string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	until, known := w.tokens[value]
	return known && now.Before(until)
}

// Revoke makes every token invalid at once.
func (w *Wire) Revoke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.tokens)
}

// Within counts a call against a limit and reports whether it is one of the first
// most of its window; most 0 is no limit.
func (w *Wire) Within(limit string, now time.Time, most int, per time.Duration) bool {
	if most == 0 {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.limits[limit]
	if now = now.Truncate(per); l == nil || !now.Equal(l.begun) {
		l = &window{begun: now}
		w.limits[limit] = l
	}
	l.inside++
	return l.inside <= most
}

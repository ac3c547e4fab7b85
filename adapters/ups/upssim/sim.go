// Package upssim is a simulator of UPS that speaks its wire protocol: OAuth with
// expiry, Rating and Shipping v2409, void, label recovery, Tracking v1. It is
// written from UPS's published contract and shares nothing with the adapter, so
// that it cannot share its misreadings.
//
// It keeps a ground truth of what was really bought and voided, which outlives
// every lost answer, and it misbehaves on request (see [Fault]).
//
// Not from the contract, because the contract is silent: prices, and the numbers
// of most business errors (errors.go says which were seen elsewhere).
package upssim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Options configure a simulator. The zero value of each is usable.
type Options struct {
	Now          func() time.Time // nil is the wall clock
	ClientID     string           // "" is "sim-client"
	ClientSecret string           // "" is "sim-secret"
	Account      string           // "" is "A1B2C3"
	TokenLife    time.Duration    // 0 is UPS's 14399 s
	// RatePerSecond limits calls; 0 does not. Tokens do not count.
	RatePerSecond int
	// RecoveryLag is how long a new label stays unknown to label recovery, and
	// TrackingLag to tracking by reference.
	RecoveryLag, TrackingLag time.Duration
	// SlowFor is how long a [Slow] answer takes, unless the client goes first; 0 is 30 s.
	SlowFor time.Duration
	// Faults gives how many calls in a thousand meet each fault, drawn from Seed.
	Faults map[Fault]int
	Seed   uint64
	// TruthFile keeps the ground truth, each line synced before the answer to it
	// leaves, so that a test in another process can trust it; "" keeps it in
	// memory. A simulator that opens an existing file goes on from there.
	TruthFile string
}

// The credentials of the zero Options.
const (
	ClientID     = "sim-client"
	ClientSecret = "sim-secret"
	Account      = "A1B2C3"
)

// Sim is a simulated UPS; it is an [http.Handler] and safe for concurrent use.
type Sim struct {
	opts Options
	mux  *http.ServeMux

	mu     sync.Mutex
	tokens map[string]time.Time // value to expiry
	serial uint64               // of tokens
	rng    *rand.Rand
	queued map[Op][]Fault
	calls  map[Op]int
	window time.Time // of the rate limit
	inside int
	truth  *ledger
}

// New returns a simulator. An error means that the truth file cannot be used.
func New(opts Options) (*Sim, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.ClientID == "" {
		opts.ClientID = ClientID
	}
	if opts.ClientSecret == "" {
		opts.ClientSecret = ClientSecret
	}
	if opts.Account == "" {
		opts.Account = Account
	}
	if len(opts.Account) != 6 {
		return nil, fmt.Errorf("upssim: account %q does not have six characters", opts.Account)
	}
	if opts.TokenLife == 0 {
		opts.TokenLife = 14399 * time.Second
	}
	if opts.SlowFor == 0 {
		opts.SlowFor = 30 * time.Second
	}
	truth, err := openLedger(opts.TruthFile)
	if err != nil {
		return nil, fmt.Errorf("upssim: opening truth file: %w", err)
	}
	s := &Sim{
		opts:   opts,
		tokens: map[string]time.Time{},
		rng:    rand.New(rand.NewPCG(opts.Seed, 0x5550_5353_494d)),
		queued: map[Op][]Fault{},
		calls:  map[Op]int{},
		truth:  truth,
	}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /security/v1/oauth/token", s.token)
	s.mux.HandleFunc("POST /api/rating/{version}/{option}", s.api(OpRate, s.rate))
	s.mux.HandleFunc("POST /api/shipments/{version}/ship", s.api(OpShip, s.ship))
	s.mux.HandleFunc("DELETE /api/shipments/{version}/void/cancel/{id}", s.api(OpVoid, s.void))
	s.mux.HandleFunc("POST /api/labels/{version}/recovery", s.api(OpRecovery, s.recovery))
	s.mux.HandleFunc("GET /api/track/v1/details/{number}", s.api(OpTrack, s.track))
	s.mux.HandleFunc("GET /api/track/v1/reference/details/{reference}", s.api(OpTrack, s.trackReference))
	s.mux.HandleFunc("GET /_truth", s.serveTruth)
	return s, nil
}

// ServeHTTP implements [http.Handler].
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close releases the truth file.
func (s *Sim) Close() error { return s.truth.close() }

// answer is what an operation says, before any fault touches it.
type answer struct {
	status int
	body   any
}

func ok(body any) answer { return answer{http.StatusOK, body} }

type operation func(r *http.Request, body []byte) answer

// api is an operation behind UPS's gateway: faults, token, limit, version.
func (s *Sim) api(op Op, do operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			s.write(w, r, refuse(http.StatusBadRequest, malformed), None)
			return
		}
		f := s.arrive(op)
		if f == DropBefore {
			panic(http.ErrAbortHandler)
		}
		if a, ok := f.before(); ok {
			s.write(w, r, a, None)
			return
		}
		if f == Revoke {
			s.Revoke()
		}
		a, pass := s.gate(r)
		if pass {
			a = do(r, body)
		}
		s.write(w, r, a, f)
	}
}

// gate lets a call through that has a token, a known version and room in the limit.
func (s *Sim) gate(r *http.Request) (answer, bool) {
	if !s.authorized(r) {
		return refuse(http.StatusUnauthorized, badToken), false
	}
	if v := r.PathValue("version"); v != "" && v != "v2409" && v != "v1" {
		return refuse(http.StatusBadRequest, badVersion), false
	}
	if s.opts.RatePerSecond > 0 {
		s.mu.Lock()
		now := s.opts.Now().Truncate(time.Second)
		if !now.Equal(s.window) {
			s.window, s.inside = now, 0
		}
		s.inside++
		over := s.inside > s.opts.RatePerSecond
		s.mu.Unlock()
		if over {
			return refuse(http.StatusTooManyRequests, tooMany), false
		}
	}
	return answer{}, true
}

// Package uspssim is a simulator of USPS that speaks its wire protocol: OAuth and
// payment authorization with expiry, Shipping Options, Domestic Labels with reprint
// and cancel, Tracking, all version 3. It is written from the published contracts
// (Labels 3.9.13, Payments 3.1.20, Options 3.1.29, Tracking 3.2.6) and shares nothing
// with the adapter, so that it cannot share its misreadings.
//
// It keeps a ground truth of what was really bought and voided, which outlives
// every lost answer, and it misbehaves on request.
//
// What an idempotency key does is told in two ways: the contract says that the same
// key with the same body gives the same label, an older one that it buys another.
// The simulator does the second, which is the worse for a client; [Options].Guard
// makes it do the first.
//
// Authored, because the contracts are silent: prices, zones, fees, all codes of
// errors but two (errors.go), what a cancelled label's tracking says (nothing new),
// which of two labels under one key is printed again (the newest that stands). A
// label counts as manifested at 06:30 UTC of the day after its purchase: half past
// midnight in Chicago's winter, for mail of the same day.
package uspssim

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/paklog/hub/adapters/internal/simcarrier"
	"github.com/paklog/hub/adapters/internal/simhttp"
)

// Op is a kind of call.
type Op = simhttp.Op

// Fault is one way to misbehave.
type Fault = simhttp.Fault

// Label is one package that was bought, whatever the buyer knows of it.
type Label = simcarrier.Label

// Scan is one event of a package's life, in the carrier's own types.
type Scan = simcarrier.Scan

// Truth is what really happened.
type Truth = simcarrier.Truth

// AnswerLost is the fault that tests elsewhere inject.
const AnswerLost = simhttp.AnswerLost

// The calls that USPS takes.
const (
	OpToken      = simhttp.OpToken
	OpPay     Op = "pay"
	OpOptions Op = "options"
	OpLabel   Op = "label"
	OpReprint Op = "reprint"
	OpCancel  Op = "cancel"
	OpTrack   Op = "track"
)

// Options configure a simulator. The zero value of each is usable.
type Options struct {
	Now          func() time.Time // nil is the wall clock
	ClientID     string           // "" is "sim-client"
	ClientSecret string           // "" is "sim-secret"
	TokenLife    time.Duration    // 0 is eight hours
	// CallsPerHour limits each service by itself; 0 is 60.
	CallsPerHour int
	// ReprintLag is how long a new label stays unknown to a reprint by its key.
	ReprintLag time.Duration
	// Guard gives the same label for the same key and body.
	Guard bool
	// Parts answers in several parts, whatever the client accepts.
	Parts bool
	// SlowFor is how long a slow answer takes, unless the client goes first; 0 is 30 s.
	SlowFor time.Duration
	// Faults gives how many calls in a thousand meet each fault, drawn from Seed.
	Faults map[Fault]int
	Seed   uint64
	// TruthFile keeps the ground truth, each line synced before the answer to it
	// leaves; "" keeps it in memory. A simulator that opens an existing file goes on from there.
	TruthFile string
}

// The credentials of the zero Options, and the account that pays.
const (
	ClientID     = "sim-client"
	ClientSecret = "sim-secret"
	CRID         = "41512721"
	MID          = "903619809"
	Account      = "1000253214"
)

// Sim is a simulated USPS; it is an [http.Handler] and safe for concurrent use.
type Sim struct {
	opts  Options
	mux   *http.ServeMux
	truth *simcarrier.Ledger
	*simhttp.Wire

	mu       sync.Mutex
	payments map[string]time.Time // token to expiry
	bodies   map[string]string    // by key, of the first purchase under it
	prints   map[string]int       // by tracking number, beside the first
	fees     map[string][]fee     // by tracking number, what of the price is no postage
	disputes map[string]string    // by tracking number, the day of the last
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
	if opts.TokenLife == 0 {
		opts.TokenLife = 8 * time.Hour
	}
	if opts.CallsPerHour == 0 {
		opts.CallsPerHour = 60
	}
	truth, err := simcarrier.Open(opts.TruthFile)
	if err != nil {
		return nil, fmt.Errorf("uspssim: opening truth file: %w", err)
	}
	s := &Sim{
		opts: opts, truth: truth,
		payments: map[string]time.Time{}, bodies: map[string]string{}, prints: map[string]int{}, fees: map[string][]fee{}, disputes: map[string]string{},
		Wire: simhttp.New(simhttp.Options{
			Faults: opts.Faults, Seed: opts.Seed, SlowFor: opts.SlowFor, Refuse: plainly,
			Results: func(member string) bool {
				return member == "trackingNumber" || member == "status" || member == "rateOptions"
			},
		}),
	}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /oauth2/v3/token", s.Handle(OpToken, s.token))
	s.mux.HandleFunc("POST /payments/v3/payment-authorization", s.api(OpPay, payments, s.pay))
	s.mux.HandleFunc("POST /shipments/v3/options/search", s.api(OpOptions, shipments, s.options))
	s.mux.HandleFunc("POST /labels/v3/label", s.api(OpLabel, labels, s.paid(s.label)))
	s.mux.HandleFunc("POST /labels/v3/label-reprint", s.api(OpReprint, labels, s.paid(s.reprint)))
	s.mux.HandleFunc("POST /labels/v3/label-reprint/{number}", s.api(OpReprint, labels, s.paid(s.reprint)))
	s.mux.HandleFunc("DELETE /labels/v3/label", s.api(OpCancel, labels, s.paid(s.cancel)))
	s.mux.HandleFunc("DELETE /labels/v3/label/{number}", s.api(OpCancel, labels, s.paid(s.cancel)))
	s.mux.HandleFunc("GET /tracking/v3/tracking/{number}", s.api(OpTrack, tracking, s.track))
	s.mux.HandleFunc("GET /_truth", truth.Serve(s.Wire))
	return s, nil
}

// The services, as errors name them.
const (
	payments  = "/payments/v3"
	shipments = "/shipments/v3"
	labels    = "/labels/v3"
	tracking  = "/tracking/v3"
)

// ServeHTTP implements [http.Handler].
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close releases the truth file.
func (s *Sim) Close() error { return s.truth.Close() }

// Truth is a copy of the ground truth.
func (s *Sim) Truth() Truth { return s.truth.Truth(s.Wire) }

// Scan lets USPS see a package. It reports whether the number is known.
func (s *Sim) Scan(trackingNumber string, scan Scan) bool { return s.truth.Scan(trackingNumber, scan) }

// operation is one call behind the gateway: its answer, or why it is refused.
type operation func(r *http.Request, body []byte) (simhttp.Answer, *refusal)

// api is an operation behind USPS's gateway: token, and the limit of its service.
func (s *Sim) api(op Op, service string, do operation) http.HandlerFunc {
	return s.Handle(op, func(r *http.Request, body []byte) simhttp.Answer {
		now := s.opts.Now()
		switch {
		case !s.Authorized(r, now):
			return refuse(service, badToken)
		case !s.Within(service, now, s.opts.CallsPerHour, time.Hour):
			a := refuse(service, tooMany)
			a.After = int(now.Truncate(time.Hour).Add(time.Hour).Sub(now)/time.Second) + 1
			return a
		case len(body) > 0 && r.Header.Get("Content-Type") != "application/json":
			return refuse(service, malformed)
		}
		a, no := do(r, body)
		if no != nil {
			return refuse(service, *no)
		}
		return a
	})
}

// paid is an operation that wants a payment authorization too.
func (s *Sim) paid(do operation) operation {
	return func(r *http.Request, body []byte) (simhttp.Answer, *refusal) {
		s.mu.Lock()
		until, known := s.payments[r.Header.Get("X-Payment-Authorization-Token")]
		s.mu.Unlock()
		if !known || !s.opts.Now().Before(until) {
			return simhttp.Answer{}, &badPayment
		}
		return do(r, body)
	}
}

// Package fedexsim is a simulator of FedEx that speaks its wire protocol: OAuth
// with expiry and its punishment of those who ask too often, Rates and Transit
// Times v1, Ship v1 with cancel, Track v1 by number and by reference. It is
// written from FedEx's published contract and shares nothing with the adapter, so
// that it cannot share its misreadings.
//
// It keeps a ground truth of what was really bought and voided, which outlives
// every lost answer, and it misbehaves on request. As at FedEx, the bytes of a
// label are in the answer to its purchase and nowhere else.
//
// Not from the contract, because the contract is silent: prices, and most codes
// of business errors (errors.go says which were seen elsewhere).
package fedexsim

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

// The calls that FedEx takes.
const (
	OpToken        = simhttp.OpToken
	OpRate      Op = "rate"
	OpShip      Op = "ship"
	OpCancel    Op = "cancel"
	OpTrack     Op = "track"
	OpReference Op = "reference"
)

// Options configure a simulator. The zero value of each is usable.
type Options struct {
	Now          func() time.Time // nil is the wall clock
	ClientID     string           // "" is "sim-client"
	ClientSecret string           // "" is "sim-secret"
	Account      string           // "" is "740561073"
	TokenLife    time.Duration    // 0 is FedEx's hour
	// CallsPer10s limits calls; 0 is FedEx's 1400. Tokens do not count.
	CallsPer10s int
	// TrackingLag is how long a new label stays unknown to tracking.
	TrackingLag time.Duration
	// SlowFor is how long a slow answer takes, unless the client goes first; 0 is 30 s.
	SlowFor time.Duration
	// Faults gives how many calls in a thousand meet each fault, drawn from Seed.
	Faults map[Fault]int
	Seed   uint64
	// TruthFile keeps the ground truth, each line synced before the answer to it
	// leaves; "" keeps it in memory. A simulator that opens an existing file goes on from there.
	TruthFile string
}

// The credentials of the zero Options.
const (
	ClientID     = "sim-client"
	ClientSecret = "sim-secret"
	Account      = "740561073"
)

// Sim is a simulated FedEx; it is an [http.Handler] and safe for concurrent use.
type Sim struct {
	opts  Options
	mux   *http.ServeMux
	truth *simcarrier.Ledger
	*simhttp.Wire

	mu      sync.Mutex
	asked   []time.Time // for tokens, within the last two minutes
	blocked time.Time   // until when no token is granted
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
	if opts.TokenLife == 0 {
		opts.TokenLife = time.Hour
	}
	if opts.CallsPer10s == 0 {
		opts.CallsPer10s = 1400
	}
	truth, err := simcarrier.Open(opts.TruthFile)
	if err != nil {
		return nil, fmt.Errorf("fedexsim: opening truth file: %w", err)
	}
	s := &Sim{opts: opts, truth: truth, Wire: simhttp.New(simhttp.Options{
		Faults: opts.Faults, Seed: opts.Seed, SlowFor: opts.SlowFor, Refuse: plainly,
		Results: func(member string) bool { return member == "output" },
	})}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /oauth/token", s.Handle(OpToken, s.token))
	s.mux.HandleFunc("POST /rate/v1/rates/quotes", s.api(OpRate, s.rate))
	s.mux.HandleFunc("POST /ship/v1/shipments", s.api(OpShip, s.ship))
	s.mux.HandleFunc("PUT /ship/v1/shipments/cancel", s.api(OpCancel, s.cancel))
	s.mux.HandleFunc("POST /track/v1/trackingnumbers", s.api(OpTrack, s.track))
	s.mux.HandleFunc("POST /track/v1/referencenumbers", s.api(OpReference, s.reference))
	s.mux.HandleFunc("GET /_truth", truth.Serve(s.Wire))
	return s, nil
}

// ServeHTTP implements [http.Handler].
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close releases the truth file.
func (s *Sim) Close() error { return s.truth.Close() }

// Truth is a copy of the ground truth.
func (s *Sim) Truth() Truth { return s.truth.Truth(s.Wire) }

// Scan lets FedEx see a package, which ends the time in which it may be
// cancelled. It reports whether the number is known.
func (s *Sim) Scan(trackingNumber string, scan Scan) bool { return s.truth.Scan(trackingNumber, scan) }

// api is an operation behind FedEx's gateway: token, limit, and the inquiry's own
// number, which the answer repeats.
func (s *Sim) api(op Op, do func(body []byte) (any, *refusal)) http.HandlerFunc {
	return s.Handle(op, func(r *http.Request, body []byte) simhttp.Answer {
		switch {
		case !s.Authorized(r, s.opts.Now()):
			return refuse(http.StatusUnauthorized, badToken)
		case !s.Within("", s.opts.Now(), s.opts.CallsPer10s, 10*time.Second):
			return refuse(http.StatusTooManyRequests, tooMany)
		case r.Header.Get("Content-Type") != "application/json":
			return refuse(http.StatusBadRequest, malformed)
		}
		output, no := do(body)
		if no != nil {
			return refuse(http.StatusBadRequest, *no)
		}
		doc := map[string]any{"transactionId": transaction, "output": output}
		if id := r.Header.Get("X-Customer-Transaction-Id"); id != "" {
			doc["customerTransactionId"] = id
		}
		return simhttp.OK(doc)
	})
}

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
	"net/http"
	"strings"
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

// The calls that UPS takes.
const (
	OpToken       = simhttp.OpToken
	OpRate     Op = "rate"
	OpShip     Op = "ship"
	OpVoid     Op = "void"
	OpRecovery Op = "recovery"
	OpTrack    Op = "track"
	OpAddress  Op = "address"
)

// The faults that tests elsewhere inject.
const (
	DropBefore  = simhttp.DropBefore
	ServerError = simhttp.ServerError
	AnswerLost  = simhttp.AnswerLost
	LateError   = simhttp.LateError
	Truncated   = simhttp.Truncated
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

	truth *simcarrier.Ledger
	*simhttp.Wire
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
	truth, err := simcarrier.Open(opts.TruthFile)
	if err != nil {
		return nil, fmt.Errorf("upssim: opening truth file: %w", err)
	}
	s := &Sim{opts: opts, truth: truth, Wire: simhttp.New(simhttp.Options{
		Faults: opts.Faults, Seed: opts.Seed, SlowFor: opts.SlowFor, Refuse: plainly,
		Results: func(member string) bool {
			return strings.HasSuffix(member, "Results") || strings.HasSuffix(member, "Result") || member == "RatedShipment" || member == "shipment"
		},
	})}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /security/v1/oauth/token", s.Handle(OpToken, s.token))
	s.mux.HandleFunc("POST /api/rating/{version}/{option}", s.api(OpRate, s.rate))
	s.mux.HandleFunc("POST /api/shipments/{version}/ship", s.api(OpShip, s.ship))
	s.mux.HandleFunc("DELETE /api/shipments/{version}/void/cancel/{id}", s.api(OpVoid, s.void))
	s.mux.HandleFunc("POST /api/labels/{version}/recovery", s.api(OpRecovery, s.recovery))
	s.mux.HandleFunc("GET /api/track/v1/details/{number}", s.api(OpTrack, s.track))
	s.mux.HandleFunc("GET /api/track/v1/reference/details/{reference}", s.api(OpTrack, s.trackReference))
	s.mux.HandleFunc("POST /api/addressvalidation/{version}/{option}", s.api(OpAddress, s.checkAddress))
	s.mux.HandleFunc("GET /_truth", truth.Serve(s.Wire))
	return s, nil
}

// ServeHTTP implements [http.Handler].
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close releases the truth file.
func (s *Sim) Close() error { return s.truth.Close() }

// Truth is a copy of the ground truth.
func (s *Sim) Truth() Truth { return s.truth.Truth(s.Wire) }

type operation func(r *http.Request, body []byte) simhttp.Answer

// api is an operation behind UPS's gateway: token, version, limit.
func (s *Sim) api(op Op, do operation) http.HandlerFunc {
	return s.Handle(op, func(r *http.Request, body []byte) simhttp.Answer {
		v := r.PathValue("version")
		switch {
		case !s.Authorized(r, s.opts.Now()):
			return refuse(http.StatusUnauthorized, badToken)
		case v != "" && v != "v2409" && v != "v1" && (op != OpAddress || v != "v2"):
			return refuse(http.StatusBadRequest, badVersion)
		case !s.Within("", s.opts.Now(), s.opts.RatePerSecond, time.Second):
			return refuse(http.StatusTooManyRequests, tooMany)
		}
		return do(r, body)
	})
}

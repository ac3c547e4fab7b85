// Package shopifysim is a simulator of one shop at Shopify that speaks its wire protocol:
// client-credentials tokens with expiry, the Admin GraphQL API in version 2026-07 (2026-04 is answered too)
// over state machines of orders, fulfilment orders and stock, the bucket of points, and signed webhooks that
// come doubled, late or not at all. It is written from the published schema and from what others recorded,
// and shares nothing with the adapter, so that it cannot share its misreadings.
//
// It keeps a ground truth of what was really fulfilled and of all stock, and it misbehaves on request.
//
// Authored, because nothing says them: what a call costs beyond its objects, how orders are routed to
// places, ids, and the words of refusals that no recording has.
package shopifysim

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// Op is a kind of call: the name of a field of the query or mutation, or [OpToken].
type Op = simhttp.Op

// Fault is one way to misbehave.
type Fault = simhttp.Fault

// AnswerLost is the fault that tests elsewhere inject.
const AnswerLost = simhttp.AnswerLost

// OpToken is the call for a token.
const OpToken = simhttp.OpToken

// The credentials of the zero Options, and the shop's domain.
const (
	ClientID     = "sim-client"
	ClientSecret = "sim-secret"
	Shop         = "sim-shop.myshopify.com"
)

// Version is the version that is answered in where none that is known was asked for.
const Version = "2026-07"

// Options configure a simulator. The zero value of each is usable.
type Options struct {
	Now          func() time.Time // nil is the wall clock
	ClientID     string           // "" is [ClientID]
	ClientSecret string           // "" is [ClientSecret]
	TokenLife    time.Duration    // 0 is 86399 s
	// Bucket and Restore are the points of the bucket and how many come back a second: 2000 and 100.
	Bucket, Restore int
	// Scopes that the app has; nil is all that are used.
	Scopes []string
	// SlowFor is how long a slow answer takes, unless the client goes first; 0 is 30 s.
	SlowFor time.Duration
	// Faults gives how many calls in a thousand meet each fault, drawn from Seed.
	Faults map[Fault]int
	Seed   uint64
	// Service makes the first place one of a fulfilment service: its work is asked for, not just there.
	Service bool
	// Hooks is where webhooks go.
	Hooks HookOptions
}

//go:embed schema.graphql
var schemaText string

var loadSchema = sync.OnceValue(func() *ast.Schema {
	return gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: schemaText})
})

// Sim is a simulated shop; it is an [http.Handler] and safe for concurrent use.
type Sim struct {
	opts Options
	mux  *http.ServeMux
	*simhttp.Wire

	mu     sync.Mutex
	store  store
	hooks  hooks
	vars   map[string]any // of the call that runs
	points float64
	filled time.Time
}

// New returns a shop with one place and nothing in it.
func New(opts Options) *Sim {
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
		opts.TokenLife = 86399 * time.Second
	}
	if opts.Bucket == 0 {
		opts.Bucket = 2000
	}
	if opts.Restore == 0 {
		opts.Restore = 100
	}
	if opts.Scopes == nil {
		opts.Scopes = scopes
	}
	s := &Sim{
		opts: opts, points: float64(opts.Bucket), filled: opts.Now(),
		Wire: simhttp.New(simhttp.Options{
			Faults: opts.Faults, Seed: opts.Seed, SlowFor: opts.SlowFor,
			Refuse: func(status int) simhttp.Answer {
				return simhttp.Answer{Status: status, Body: map[string]string{"errors": http.StatusText(status)}}
			},
			Results: func(member string) bool { return member == "data" },
		}),
	}
	s.store.init(opts.Service)
	s.hooks.init(opts.Hooks, opts.ClientSecret, opts.Seed)
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /admin/oauth/access_token", s.Handle(OpToken, s.token))
	s.mux.HandleFunc("POST /admin/api/{version}/graphql.json", s.graphql)
	s.mux.HandleFunc("GET /bulk/{number}", s.bulkFile)
	s.mux.HandleFunc("GET /_truth", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.Truth())
	})
	return s
}

var scopes = []string{
	"read_orders", "read_all_orders", "read_products", "read_locations", "read_inventory", "write_inventory",
	"read_assigned_fulfillment_orders", "write_assigned_fulfillment_orders",
	"read_merchant_managed_fulfillment_orders", "write_merchant_managed_fulfillment_orders",
}

// ServeHTTP implements [http.Handler].
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Sim) now() time.Time { return s.opts.Now().UTC() }

// token is the client-credentials grant, as a form.
func (s *Sim) token(r *http.Request, body []byte) simhttp.Answer {
	r.Body = io.NopCloser(bytes.NewReader(body))
	no := func(status int, code, words string) simhttp.Answer {
		return simhttp.Answer{Status: status, Body: map[string]string{"error": code, "error_description": words}}
	}
	switch err := r.ParseForm(); {
	case err != nil:
		return no(http.StatusBadRequest, "invalid_request", "Could not parse the form.")
	case r.PostForm.Get("grant_type") != "client_credentials":
		return no(http.StatusBadRequest, "unsupported_grant_type", "Grant type is not supported.")
	case r.PostForm.Get("client_id") != s.opts.ClientID || r.PostForm.Get("client_secret") != s.opts.ClientSecret:
		return no(http.StatusBadRequest, "application_cannot_be_found", "The application cannot be found or its secret is wrong.")
	}
	scope := ""
	for i, x := range s.opts.Scopes {
		if i > 0 {
			scope += ","
		}
		scope += x
	}
	return simhttp.OK(map[string]any{"access_token": s.Grant(s.now().Add(s.opts.TokenLife)), "scope": scope, "expires_in": int(s.opts.TokenLife / time.Second)})
}

// request is a GraphQL call.
type request struct {
	Query         string         `json:"query"`
	Variables     map[string]any `json:"variables"`
	OperationName string         `json:"operationName"`
}

// graphql reads the call's name, behind which the faults of its kind strike.
func (s *Sim) graphql(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	var req request
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	bad := d.Decode(&req) != nil
	op, doc := parse(req)
	version := r.PathValue("version")
	if version != "2026-07" && version != "2026-04" {
		version = Version
	}
	w.Header().Set("X-Shopify-API-Version", version)
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.Handle(op, func(r *http.Request, _ []byte) simhttp.Answer {
		switch {
		case !s.Good(r.Header.Get("X-Shopify-Access-Token"), s.now()):
			return simhttp.Answer{Status: http.StatusUnauthorized, Body: map[string]string{
				"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)",
			}}
		case r.Header.Get("Content-Type") != "application/json" || bad:
			return simhttp.Answer{Status: http.StatusBadRequest, Body: map[string]any{"errors": map[string]string{"query": "Required parameter missing or invalid"}}}
		}
		return simhttp.OK(s.answer(doc, req))
	})(w, r)
}

// holds fills the bucket up and reports whether there are so many points in it.
func (s *Sim) holds(requested int) bool {
	now := s.now()
	s.points = min(float64(s.opts.Bucket), s.points+now.Sub(s.filled).Seconds()*float64(s.opts.Restore))
	s.filled = now
	return float64(requested) <= s.points
}

// Drain empties the bucket.
func (s *Sim) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.points, s.filled = 0, s.now()
}

// Package rest is the HTTP door: orders, master data, stock, the work of the floor and the
// desk of letters under /v1, queries beside them, and an OpenAPI 3.1 description with its
// page, all made from the same handlers.
//
// What it takes is refused unless it is exactly what the description says (see
// adapters/internal/strictjson), and every refusal is an RFC 9457 problem with its places.
// 2xx to a write means durable. Every answer says in Paklog-Position where in the journal it
// stands; a query first waits, for a moment, until it sees what was durable when it came.
package rest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
)

// Config of the door. Zero values are the defaults named.
type Config struct {
	// Scope is what requests leave out: tenant, owner, facility.
	Scope scope.Scope
	// Facilities are the other buildings that work, beside that of Scope.
	Facilities []string
	// Keys open the door. Without any it takes requests to loopback names only, and
	// [CheckListen] refuses other addresses.
	Keys []Key
	// Users sign in with a password. Where there are some, or keys, nobody is served without.
	Users []User
	// People says that there are people with rights of their own, at another door perhaps: who looks
	// at what is personal is written down. A key with rights says it too.
	People bool
	// Local names who asks where no key is asked for and there are People, "" for nobody known; nil knows nobody.
	Local func(ctx context.Context) string
	// MaxBody is the most bytes of a body, packed or not: 1 MiB.
	MaxBody int64
	// BodyTimeout is how long a body may take to arrive: 10 s.
	BodyTimeout time.Duration
	// Catch is how long a query waits for the views to catch up: 250 ms; negative never.
	Catch time.Duration
	// Version is the program's, for the description.
	Version string
}

// Deps are what the door speaks to. Door and Now are needed; what is nil beside them
// answers 503.
type Deps struct {
	Door  door.Caller
	Views Views
	// Wait returns once the views have reached a position, or ctx ends.
	Wait func(ctx context.Context, pos journal.Pos) error
	// Last is the highest durable position.
	Last func() journal.Pos
	// Since is what queries must have seen before they are answered: what was durable when
	// the hub started. Views that are built from nothing know nothing of it at first.
	Since journal.Pos
	// Seen is where the views stand. It is asked only where Since is not 0.
	Seen func() journal.Pos
	Log  Events
	// Books are the balances of the stock.
	Books Books
	Desk  *dlq.Desk
	// Carriers are asked on request.
	Carriers Carriers
	// Order is an order as it stands, with whom it names; what nobody knows is none of it.
	Order func(ctx context.Context, s scope.Scope, number string) (order.Order, error)
	// Drift is the last look through a shop's books.
	Drift func(ctx context.Context, shop string) (shop.DriftReport, error)
	// Load is how far the first load of a shop is.
	Load func(ctx context.Context, shop string) (shop.LoadReport, error)
	// ERPs are those that goods movements are posted at; nil is none.
	ERPs ERPs
	// Routes says how each route does.
	Routes func(ctx context.Context) ([]Route, error)
	// Switch pauses a route, or lets it go on.
	Switch func(ctx context.Context, route, actor string, pause bool) error
	// Messages are read by their place in the journal.
	Messages Messages
	// Stopping is closed when the process is going to end: streams end with it.
	Stopping <-chan struct{}
	// Waiting is what waits to leave for trading partners together, of one or of all.
	Waiting func(ctx context.Context, partner string) ([]door.Waiting, error)
	// Metrics answers GET /metrics, to who has a key where there are keys; nil is none.
	Metrics http.Handler
	// Ready says why no work is taken, or nil.
	Ready  func(ctx context.Context) error
	Now    func() time.Time
	Logger *slog.Logger
}

// Views answers queries. Its documents hold no personal data.
type Views interface {
	// Get is a document by its key; nil where there is none.
	Get(ctx context.Context, kind, key string) (*view.Doc, journal.Pos, error)
	List(ctx context.Context, q view.Query) (view.Page, error)
	// Find lists what is known under a business key, in whatever kind.
	Find(ctx context.Context, tenant, term string, limit int) (view.Page, error)
	Journey(ctx context.Context, correlation string, after journal.Pos, limit int) (view.Journey, error)
}

// Books is the part of the journal that the accounts of an item are read from.
type Books interface {
	Balances(ctx context.Context, book, account string, limit int) ([]journal.BalanceRow, error)
}

// Events is the part of the journal that the tail reads.
type Events interface {
	Topics(ctx context.Context, topics []string, after journal.Pos, limit int) ([]journal.Record, error)
}

// Messages is the part of the journal that single messages are read from.
type Messages interface {
	Holding(ctx context.Context, pos journal.Pos) (journal.Stored, error)
}

// Route is how a route does.
type Route struct {
	Name     string   `json:"name"`
	About    string   `json:"about,omitempty"`
	Topics   []string `json:"topics,omitempty" nullable:"false"`
	Writes   []string `json:"writes,omitempty" nullable:"false"`
	Patterns []string `json:"patterns,omitempty" nullable:"false"`
	State    string   `json:"state" doc:"running, paused, or why it waits"`
	Lag      uint64   `json:"lag" doc:"records of its topics that it has not seen"`
	Parked   int      `json:"parked" doc:"messages that wait for a retry or a letter"`
	Door     bool     `json:"door,omitempty" doc:"it is called, and reads no topic"`
	Conn     string   `json:"connection,omitempty" doc:"the partner's connection that it speaks through"`
	Breaker  string   `json:"breaker,omitempty" doc:"of that connection: closed, open, half-open"`
	Handled  uint64   `json:"handled" doc:"messages it was given since the process started"`
	Letters  uint64   `json:"letters" doc:"of those, failures for good"`
	Retries  uint64   `json:"retries" doc:"of those, tried again later"`
}

type server struct {
	cfg      Config
	deps     Deps
	limits   intake.Limits
	keys     []hashedKey
	people   bool // who looks at what is personal is written down
	looks    looks
	sessions *sessions   // nil where nobody signs in
	seen     atomic.Bool // the views have seen Deps.Since
	busy     sync.Map    // client and Idempotency-Key of the calls under way
	api      huma.API
}

// New makes the door's handler.
func New(cfg Config, deps Deps) (http.Handler, error) {
	if deps.Door == nil || deps.Now == nil {
		return nil, errors.New("rest: Door and Now are needed")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Catch == 0 {
		cfg.Catch = 250 * time.Millisecond
	}
	keys, err := hashKeys(cfg.Keys)
	if err != nil {
		return nil, err
	}
	open, err := newSessions(cfg.Users)
	if err != nil {
		return nil, err
	}
	people := cfg.People || open != nil || slices.ContainsFunc(cfg.Keys, func(k Key) bool { return !k.plain() })
	cfg.Keys, cfg.Users = nil, nil
	s := &server{
		cfg: cfg, deps: deps, keys: keys, people: people, sessions: open,
		limits: intake.Limits{MaxBody: cfg.MaxBody, Timeout: cfg.BodyTimeout}.WithDefaults(),
	}
	setProblems()
	mux := chi.NewMux()
	mux.Use(s.recovered)
	mux.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		intake.New(http.StatusNotFound, intake.CodeNotFound, "there is nothing here: /docs lists what there is").Write(w)
	})
	mux.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allowed(mux, r.URL.Path))
		intake.New(http.StatusMethodNotAllowed, intake.CodeMethod, "not with this method: /docs lists what there is").Write(w)
	})
	mux.Get("/healthz", s.healthz)
	mux.Get("/readyz", s.readyz)
	mux.Group(func(r chi.Router) {
		r.Use(s.admit)
		s.api = humachi.New(r, s.describe())
		s.api.UseMiddleware(s.authorize)
		s.sessionAPI()
		s.orders()
		s.orderEntry()
		s.master()
		s.stock()
		s.inventory()
		s.receipts()
		s.returns()
		s.work()
		s.lpns()
		s.scans()
		s.devices()
		s.dock()
		s.tenders()
		s.certificates()
		s.prints()
		s.postage()
		s.drift()
		s.shopLoad()
		s.erpDocuments()
		s.desk()
		s.groups()
		s.edits()
		s.replays()
		s.traces()
		s.messages()
		s.control()
		s.live()
		s.queries()
		s.events()
		if deps.Metrics != nil {
			metrics := measured(deps.Metrics)
			r.Method(http.MethodGet, "/metrics", metrics)
			r.Method(http.MethodHead, "/metrics", metrics)
		}
	})
	s.webhooks()
	s.docs(mux)
	return intake.Drained(mux, s.limits), nil
}

// allowed are the methods that a path knows, as RFC 9110 wants them beside a 405.
func allowed(routes chi.Routes, path string) string {
	var known []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if routes.Match(chi.NewRouteContext(), m, path) {
			known = append(known, m)
		}
	}
	return strings.Join(known, ", ")
}

// recovered answers a panic of a handler with a problem and logs it, so that one request
// never ends another.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				panic(p)
			}
			s.deps.Logger.Error("panic in a request", "method", r.Method, "path", r.URL.Path, "err", p)
			intake.New(http.StatusInternalServerError, intake.CodeInternal, "this is a defect of the hub; it is in its log").Write(w)
		}()
		next.ServeHTTP(w, r)
	})
}

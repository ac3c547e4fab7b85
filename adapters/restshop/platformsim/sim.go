// Package platformsim is a custom platform on the wire: the shop's side of our own contract
// (adapters/README.md), with a key that may be revoked, signatures of what changes something, feeds by
// cursor, stock with versions, and signed webhooks. It shares nothing with the adapter.
package platformsim

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// What the hub is given, and the place that the platform's stock lies at.
const (
	Key      = "sim-platform-key"
	Secret   = "whsec_cGxhdGZvcm0tc2ltLXNlY3JldC1mb3ItdGVzdHM="
	Location = "reno"
)

// Op is a kind of call.
type Op = simhttp.Op

// The kinds of calls.
const (
	OpAbout     Op = "about"
	OpOrder     Op = "order"
	OpOrders    Op = "orders"
	OpShip      Op = "ship"
	OpShipments Op = "shipments"
	OpAnswer    Op = "answer"
	OpStock     Op = "stock"
	OpSetStock  Op = "set-stock"
)

// Options configure a platform.
type Options struct {
	Now     func() time.Time // nil is the clock of the machine
	Asks    bool             // orders ask whether they are shipped
	Hooks   HookOptions
	Faults  map[simhttp.Fault]int
	Seed    uint64
	SlowFor time.Duration
}

// Sim is a platform. It is safe for concurrent use.
type Sim struct {
	*simhttp.Wire
	opts Options
	mux  *http.ServeMux

	mu      sync.Mutex
	serial  int
	orders  []*order
	shipped []Shipped
	answers []Answer
	stock   map[string]*level
	sets    int
	hooks   hooks
}

type order struct {
	serial           int
	id, number       string
	state, hold      string
	created, updated time.Time
	name, country    string
	lines            []*line
}

type line struct {
	id, sku      string
	qty, shipped int64
}

type level struct{ onHand, version int64 }

// Line is what somebody buys.
type Line struct {
	SKU string
	Qty int64
}

// Buyer is who buys.
type Buyer struct {
	Name, Country string // Ada Martin, US where they are ""
	State         string // of the order: open, or asked where the platform asks
}

// Placed is an order as it was placed.
type Placed struct{ ID, Number string }

// Work is the order as our side names it.
func (p Placed) Work() string { return "orders/" + p.ID }

// Shipped is a shipment that the platform was told of.
type Shipped struct {
	ID, Order, Key string
	Items          map[string]int64 // by SKU
	Numbers        []string
	Carrier        string
	Notify         bool
}

// Answer is an answer that the platform was given.
type Answer struct{ Order, Do, Reason string }

// Truth is what is so at the platform.
type Truth struct {
	Shipped []Shipped
	Answers []Answer
	States  map[string]string // by order's id
	Stock   map[string]int64  // by SKU
	Sets    int
	Hooks   int // that were taken
}

// New opens a platform.
func New(o Options) *Sim {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Sim{opts: o, mux: http.NewServeMux(), stock: map[string]*level{}}
	s.hooks.init(o.Hooks, o.Seed)
	s.Wire = simhttp.New(simhttp.Options{
		Faults: o.Faults, Seed: o.Seed, SlowFor: o.SlowFor,
		Refuse: func(status int) simhttp.Answer {
			return refuse(status, "status_"+strconv.Itoa(status), http.StatusText(status))
		},
		Results: func(member string) bool {
			return member == "orders" || member == "shipments" || member == "lines" || member == "levels" || member == "id"
		},
	})
	for _, x := range []struct {
		op   Op
		path string
		do   func(*http.Request, []byte) simhttp.Answer
	}{
		{OpAbout, "GET /v1", s.about},
		{OpOrder, "GET /v1/orders/{id}", s.getOrder},
		{OpOrders, "GET /v1/orders", s.getOrders},
		{OpShip, "POST /v1/orders/{id}/shipments", s.ship},
		{OpShipments, "GET /v1/orders/{id}/shipments", s.getShipments},
		{OpAnswer, "POST /v1/orders/{id}/answers", s.takeAnswer},
		{OpStock, "GET /v1/stock", s.getStock},
		{OpSetStock, "PUT /v1/stock", s.setStock},
	} {
		s.mux.HandleFunc(x.path, s.Handle(x.op, func(r *http.Request, body []byte) simhttp.Answer {
			s.mu.Lock()
			defer s.mu.Unlock()
			if bad := s.stranger(r, body); bad != nil {
				return *bad
			}
			return x.do(r, body)
		}))
	}
	s.mux.HandleFunc("/", s.Handle("nowhere", func(r *http.Request, _ []byte) simhttp.Answer {
		return refuse(http.StatusNotFound, "no_such_path", "nothing is at "+r.URL.Path)
	}))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.opts.Now().UTC().Format(http.TimeFormat))
	s.mux.ServeHTTP(w, r)
}

func refuse(status int, code, message string) simhttp.Answer {
	return simhttp.Answer{Status: status, Body: map[string]any{"code": code, "message": message}}
}

// window is how far a signature's time may be from ours.
const window = 5 * time.Minute

// stranger refuses who is not let in: everybody bears the key, and what changes something is signed.
func (s *Sim) stranger(r *http.Request, body []byte) *simhttp.Answer {
	no := func(status int, code, message string) *simhttp.Answer {
		a := refuse(status, code, message)
		return &a
	}
	if !hmac.Equal([]byte(r.Header.Get("Authorization")), []byte("Bearer "+Key)) {
		return no(http.StatusUnauthorized, "key_unknown", "the key is not one of ours")
	}
	if r.Method == http.MethodGet {
		return nil
	}
	id, at := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	sec, err := strconv.ParseInt(at, 10, 64)
	off := s.opts.Now().Sub(time.Unix(sec, 0))
	switch {
	case err != nil || off > window || off < -window:
		return no(http.StatusUnauthorized, "timestamp_outside_window", "webhook-timestamp is not of now")
	case !slices.Contains(strings.Fields(r.Header.Get("webhook-signature")), signature(Secret, id, at, body)):
		return no(http.StatusUnauthorized, "signature_invalid", "no signature fits")
	}
	return nil
}

// signature is that of Standard Webhooks, version 1.
func signature(secret, id, at string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		panic(err) // a secret of a test
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, at)
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Buy places an order.
func (s *Sim) Buy(b Buyer, lines ...Line) Placed {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := "open"
	if s.opts.Asks {
		state = "asked"
	}
	s.serial++
	o := &order{
		serial: s.serial, id: fmt.Sprintf("o-%d", s.serial), number: fmt.Sprintf("P-%05d", 10000+s.serial), state: cmp.Or(b.State, state),
		created: s.opts.Now(), updated: s.opts.Now(), name: cmp.Or(b.Name, "Ada Martin"), country: cmp.Or(b.Country, "US"),
	}
	for i, l := range lines {
		o.lines = append(o.lines, &line{id: strconv.Itoa(i + 1), sku: l.SKU, qty: l.Qty})
		if s.stock[l.SKU] == nil {
			s.stock[l.SKU] = &level{onHand: 1000, version: 1}
		}
	}
	s.orders = append(s.orders, o)
	s.tell("order.created", o.id)
	return Placed{o.id, o.number}
}

func (s *Sim) find(id string) *order {
	i := slices.IndexFunc(s.orders, func(o *order) bool { return o.id == id })
	if i < 0 {
		return nil
	}
	return s.orders[i]
}

// SetState lets somebody at the platform put an order on hold, withdraw or cancel it.
func (s *Sim) SetState(id, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.find(id); o != nil {
		o.state, o.updated = state, s.opts.Now()
		if state == "held" {
			o.hold = "payment"
		}
		s.tell("order.changed", id)
	}
}

// Change makes a line's quantity another.
func (s *Sim) Change(id, sku string, qty int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.find(id); o != nil {
		for _, l := range o.lines {
			if l.sku == sku {
				l.qty = qty
			}
		}
		o.updated = s.opts.Now()
		s.tell("order.changed", id)
	}
}

// Stock makes the platform say that there are so many of an item.
func (s *Sim) Stock(sku string, qty int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stock[sku] == nil {
		s.stock[sku] = &level{}
	}
	s.stock[sku].onHand, s.stock[sku].version = qty, s.stock[sku].version+1
}

// Truth is what is so at the platform now.
func (s *Sim) Truth() Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := Truth{
		Shipped: slices.Clone(s.shipped), Answers: slices.Clone(s.answers), States: map[string]string{}, Stock: map[string]int64{},
		Sets: s.sets, Hooks: s.hooks.taken,
	}
	for _, o := range s.orders {
		t.States[o.id] = o.state
	}
	for _, sku := range slices.Sorted(maps.Keys(s.stock)) {
		t.Stock[sku] = s.stock[sku].onHand
	}
	return t
}

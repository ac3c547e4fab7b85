// Package magentosim is a Magento 2.4 shop on the wire: REST V1 with signed requests or a bearer, orders
// of simple, configurable and bundle products, shipments, sources with reservations, and its queue. It is
// written from the shop's own schema (2.4.9) and its documentation, and shares nothing with the adapter.
package magentosim

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// What an integration of the simulated shop is given, and the source that its stock lies at.
const (
	ConsumerKey    = "sim-consumer"
	ConsumerSecret = "sim-consumer-secret"
	AccessToken    = "sim-access"
	TokenSecret    = "sim-access-secret"
	Source         = "reno"
)

// Op is a kind of call.
type Op = simhttp.Op

// AnswerLost is a call that was acted on and got no answer.
const AnswerLost = simhttp.AnswerLost

// The kinds of calls.
const (
	OpOrder     Op = "order"
	OpOrders    Op = "orders"
	OpShip      Op = "ship"
	OpShipments Op = "shipments"
	OpStock     Op = "stock"
	OpSetStock  Op = "set-stock"
	OpBulk      Op = "bulk"
	OpBulkState Op = "bulk-state"
	OpProducts  Op = "products"
	OpStores    Op = "stores"
	OpSources   Op = "sources"
)

// Options configure a shop.
type Options struct {
	Now func() time.Time // nil is the clock of the machine
	// Bearer takes the access token alone, as a shop does that was told to.
	Bearer bool
	// MostItems is how many elements an array of a call may have; 0 is any, as in a shop that nobody
	// limited.
	MostItems int
	// QueueTakes is how long the shop's queue takes for a bulk; 0 is 3 s.
	QueueTakes time.Duration
	// QueueFails lets the queue fail what it is given.
	QueueFails bool
	Faults     map[simhttp.Fault]int
	Seed       uint64
	SlowFor    time.Duration
}

// Sim is a shop. It is safe for concurrent use.
type Sim struct {
	*simhttp.Wire
	opts Options
	mux  *http.ServeMux

	mu       sync.Mutex
	serial   int64
	nonces   map[string]bool
	orders   []*order
	shipped  []Shipped
	products map[int64]product
	stock    map[string]float64 // by SKU, at Source
	reserved map[string]float64 // reservations, below zero while orders are open
	bulks    map[string]*bulk
	set      int // calls that set stock
}

type product struct {
	id    int64
	sku   string
	apart bool
}

// Line is what somebody buys: a simple item, or one that is put together.
type Line struct {
	SKU string
	Qty float64
	// Kind is simple where it is "", else configurable, bundle or virtual. A configurable item is bought
	// as one simple item, whose SKU is SKU.
	Kind  string
	Parts []Part // of a bundle
	Apart bool   // the parts of the bundle ship by themselves
}

// Part is so many of an item in one bundle.
type Part struct {
	SKU string
	Qty float64
}

// Buyer is who buys.
type Buyer struct {
	First, Country string // Ada, US where they are ""
	// State is the order's: processing where it is "", as of one that is paid.
	State string
}

// Placed is an order as it was placed.
type Placed struct {
	ID     int64
	Number string
}

// Work is the order as our side names it.
func (p Placed) Work() string { return fmt.Sprintf("orders/%d", p.ID) }

// Shipped is a shipment that the shop was told of.
type Shipped struct {
	ID      int64
	Order   int64
	Items   map[string]float64 // by SKU of what lay on the shelf
	Numbers []string
	Carrier string
	Source  string
	Notify  bool
}

// Truth is what is so at the shop.
type Truth struct {
	Shipped []Shipped
	States  map[int64]string
	Stock   map[string]float64
	Salable map[string]float64
	Sets    int
}

// New opens a shop.
func New(o Options) *Sim {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Sim{
		opts: o, mux: http.NewServeMux(), nonces: map[string]bool{}, products: map[int64]product{},
		stock: map[string]float64{}, reserved: map[string]float64{}, bulks: map[string]*bulk{},
	}
	s.opts.QueueTakes = cmp.Or(o.QueueTakes, 3*time.Second)
	s.Wire = simhttp.New(simhttp.Options{
		Faults: o.Faults, Seed: o.Seed, SlowFor: o.SlowFor,
		Refuse:  func(status int) simhttp.Answer { return refuse(status, http.StatusText(status)) },
		Results: func(member string) bool { return member == "items" },
	})
	for _, x := range []struct {
		op     Op
		method string
		path   string
		do     func(*http.Request, []byte) simhttp.Answer
	}{
		{OpOrder, http.MethodGet, "/V1/orders/{id}", s.getOrder},
		{OpOrders, http.MethodGet, "/V1/orders", s.getOrders},
		{OpShip, http.MethodPost, "/V1/order/{id}/ship", s.ship},
		{OpShipments, http.MethodGet, "/V1/shipments", s.getShipments},
		{OpStock, http.MethodGet, "/V1/inventory/source-items", s.getStock},
		{OpSetStock, http.MethodPost, "/V1/inventory/source-items", s.setStock},
		{OpBulk, http.MethodPost, "/async/bulk/V1/inventory/source-items", s.takeBulk},
		{OpBulkState, http.MethodGet, "/V1/bulk/{id}/detailed-status", s.bulkState},
		{OpProducts, http.MethodGet, "/V1/products", s.getProducts},
		{OpStores, http.MethodGet, "/V1/store/storeConfigs", s.getStores},
		{OpSources, http.MethodGet, "/V1/inventory/sources", s.getSources},
	} {
		s.mux.HandleFunc(x.method+" /rest/default"+x.path, s.Handle(x.op, func(r *http.Request, body []byte) simhttp.Answer {
			s.mu.Lock()
			defer s.mu.Unlock()
			if why := s.stranger(r); why != "" {
				return refuse(http.StatusUnauthorized, why)
			}
			s.work()
			return x.do(r, body)
		}))
	}
	s.mux.HandleFunc("/", s.Handle("nowhere", func(*http.Request, []byte) simhttp.Answer {
		return refuse(http.StatusNotFound, "Request does not match any route.")
	}))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.opts.Now().UTC().Format(http.TimeFormat))
	s.mux.ServeHTTP(w, r)
}

// refuse is a refusal in the shop's form.
func refuse(status int, message string, parameters ...any) simhttp.Answer {
	body := map[string]any{"message": message}
	if len(parameters) > 0 {
		body["parameters"] = parameters
	}
	return simhttp.Answer{Status: status, Body: body}
}

// Buy places an order.
func (s *Sim) Buy(b Buyer, lines ...Line) Placed {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &order{
		id: s.next(), state: cmp.Or(b.State, "processing"), created: s.opts.Now(), updated: s.opts.Now(),
		first: cmp.Or(b.First, "Ada"), country: cmp.Or(b.Country, "US"),
	}
	o.number = fmt.Sprintf("%09d", 1000000+o.id)
	for _, l := range lines {
		top := &item{id: s.next(), kind: cmp.Or(l.Kind, "simple"), sku: l.SKU, ordered: l.Qty, product: s.product(l.SKU, l.Apart)}
		o.items = append(o.items, top)
		switch top.kind {
		case "configurable":
			o.items = append(o.items, &item{id: s.next(), kind: "simple", sku: l.SKU, ordered: l.Qty, parent: top, product: s.product(l.SKU+" variant", false)})
		case "bundle":
			for _, p := range l.Parts {
				o.items = append(o.items, &item{id: s.next(), kind: "simple", sku: p.SKU, ordered: p.Qty * l.Qty, parent: top, product: s.product(p.SKU, false)})
			}
		}
	}
	for _, i := range o.shelf() {
		s.reserved[i.sku] -= i.ordered
		if _, there := s.stock[i.sku]; !there {
			s.stock[i.sku] = 1000
		}
	}
	s.orders = append(s.orders, o)
	return Placed{o.id, o.number}
}

func (s *Sim) next() int64 { s.serial++; return s.serial }

func (s *Sim) product(sku string, apart bool) int64 {
	for id, p := range s.products {
		if p.sku == sku && p.apart == apart {
			return id
		}
	}
	id := s.next()
	s.products[id] = product{id, sku, apart}
	return id
}

// change lets somebody at the shop do something with an order.
func (s *Sim) change(id int64, do func(*order)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.find(id); o != nil {
		do(o)
		o.updated = s.opts.Now()
	}
}

// Cancel cancels what is open of an order.
func (s *Sim) Cancel(id int64) {
	s.change(id, func(o *order) {
		for _, i := range o.items {
			i.canceled = i.ordered - i.shipped
		}
		for _, i := range o.shelf() {
			s.reserved[i.sku] += i.ordered - s.gone(o, i)
		}
		o.state = "canceled"
	})
}

// Undo takes the shipments of an order out of the shop's books, as somebody does who mends them by hand.
func (s *Sim) Undo(id int64) {
	s.change(id, func(o *order) {
		o.state = "processing"
		for _, i := range o.items {
			i.shipped = 0
		}
		kept := s.shipped[:0]
		for _, x := range s.shipped {
			if x.Order != id {
				kept = append(kept, x)
				continue
			}
			for sku, n := range x.Items {
				s.stock[sku] += n
				s.reserved[sku] -= n
			}
		}
		s.shipped = kept
	})
}

// Refund refunds units of an item, by its SKU, before they leave.
func (s *Sim) Refund(id int64, sku string, qty float64) {
	s.change(id, func(o *order) {
		for _, i := range o.items {
			if i.sku == sku {
				i.refunded += qty
			}
		}
		s.reserved[sku] += qty
	})
}

// SetState puts an order on hold, lets it be paid, and the like.
func (s *Sim) SetState(id int64, state string) { s.change(id, func(o *order) { o.state = state }) }

// Stock puts units of an item on the shelf.
func (s *Sim) Stock(sku string, qty float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stock[sku] = qty
}

// Truth is what is so at the shop now.
func (s *Sim) Truth() Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := Truth{Shipped: append([]Shipped(nil), s.shipped...), States: map[int64]string{}, Stock: maps.Clone(s.stock), Salable: map[string]float64{}, Sets: s.set}
	for _, o := range s.orders {
		t.States[o.id] = o.state
	}
	for sku, n := range s.stock {
		t.Salable[sku] = n + s.reserved[sku]
	}
	return t
}

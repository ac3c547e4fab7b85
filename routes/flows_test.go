package routes

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes/bus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var site = scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}

// answer is how the carrier answers one call.
type answer func(do func() ship.Label) (ship.Label, error)

func sells(do func() ship.Label) (ship.Label, error) { return do(), nil }

// losesAnswer sells, and the answer never arrives.
func losesAnswer(do func() ship.Label) (ship.Label, error) {
	do()
	return ship.Label{}, fault.E("carrier.Buy", fault.Unknown, fmt.Errorf("connection closed before the answer"))
}

func fails(kind fault.Kind, after time.Duration) answer {
	return func(func() ship.Label) (ship.Label, error) {
		return ship.Label{}, &fault.Error{Op: "carrier.Buy", Kind: kind, After: after, Err: fmt.Errorf("%s on purpose", kind)}
	}
}

func panics(func() ship.Label) (ship.Label, error) { panic("on purpose") }

// testCarrier is a carrier with a ledger of its own: what it sold is the ground truth.
type testCarrier struct {
	filler string // makes labels long
	name   string
	price  int64

	mu     sync.Mutex
	script []answer // of the next purchases; then it sells
	rate   error
	sold   map[string][]ship.Label // standing, by reference
	orders map[string]int          // standing labels, by order number
	voided int
	buys   []time.Time
	serial int
}

func newCarrier(name string) *testCarrier {
	return &testCarrier{name: name, price: 850, sold: map[string][]ship.Label{}, orders: map[string]int{}}
}

func (c *testCarrier) next(script ...answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.script = append(c.script, script...)
}

func (c *testCarrier) Rate(_ context.Context, p ship.Parcel) ([]ship.Rate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rate != nil {
		return nil, c.rate
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return []ship.Rate{{Connection: c.name, Service: ship.Service{Code: cmp.Or(p.Service, "GND")}, Cost: measure.Money{Minor: c.price, Currency: "USD"}}}, nil
}

func (c *testCarrier) Buy(_ context.Context, p ship.Parcel) (ship.Label, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buys = append(c.buys, time.Now())
	if err := p.Validate(); err != nil {
		return ship.Label{}, err
	}
	how := answer(sells)
	if len(c.script) > 0 {
		how, c.script = c.script[0], c.script[1:]
	}
	return how(func() ship.Label {
		c.serial++
		l := ship.Label{
			Connection: c.name, Reference: p.Reference, ShipmentID: fmt.Sprintf("S%d", c.serial),
			TrackingNumber: fmt.Sprintf("1Z%s%06d", strings.ToUpper(c.name), c.serial), Service: ship.Service{Code: p.Service},
			Cost: measure.Money{Minor: c.price, Currency: "USD"}, Format: ship.ZPL, Image: []byte("^XA" + p.To.Name + c.filler + "^XZ"),
		}
		c.sold[p.Reference] = append(c.sold[p.Reference], l)
		c.orders[p.OrderNumber]++
		return l
	})
}

func (c *testCarrier) Void(_ context.Context, l ship.Label) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ref, ls := range c.sold {
		for i := range ls {
			if ls[i].TrackingNumber == l.TrackingNumber {
				c.sold[ref] = slices.Delete(ls, i, i+1)
				c.voided++
				return nil
			}
		}
	}
	return nil
}

func (c *testCarrier) Resolve(_ context.Context, p ship.Parcel) ([]ship.Label, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sold[p.Reference]), nil
}

// standing is how many labels were sold and not given back.
func (c *testCarrier) standing() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, l := range c.sold {
		n += len(l)
	}
	return n
}

// rig is a hub with its flows over a journal in memory.
type rig struct {
	t       *testing.T
	cfg     FlowConfig
	store   *journalmem.Store
	bus     *bus.Bus
	hub     *Hub
	flows   *Flows
	looks   atomic.Int64 // doors that were added to look
	end     context.CancelFunc
	ended   chan error
	carrier *testCarrier
	log     *slog.Logger
	batch   int // units a write; 0 is the bus's default
	edi     *EDI
	notify  *NotifyConfig
	index   func(*dlq.Desk) dlq.Index // of letters; nil finds none
	shops   []ShopConfig
	erps    []ERPConfig
}

func config(carriers ...*testCarrier) FlowConfig {
	cfg := FlowConfig{
		Tenant: site.Tenant, Facility: site.Facility,
		Wave: WaveConfig{Size: 5, Timeout: 10 * time.Second}, Auto: AutoConfig{Pick: true, Pack: true},
		SSCC:     pack.Numbering{Prefix: "0614141", Serial: 1},
		Boxes:    []pack.Box{{Code: "S", Inner: cm(30, 20, 15), Tare: 100 * measure.Gram, MaxWeight: 10 * measure.Kilogram}},
		ShipFrom: party.Address{Company: "PakLog", Lines: []string{"1 Dock Rd"}, City: "Reno", Region: "NV", PostalCode: "89501", Country: "US"},
	}
	for _, c := range carriers {
		cfg.Carriers = append(cfg.Carriers, CarrierConfig{Name: c.name, Port: c, Service: "GND"})
	}
	return cfg
}

func cm(l, w, h measure.Length) measure.Dims {
	return measure.Dims{Length: l * measure.Centimetre, Width: w * measure.Centimetre, Height: h * measure.Centimetre}
}

func newRig(t *testing.T, change ...func(*FlowConfig)) *rig {
	c := newCarrier("ups")
	cfg := config(c)
	for _, f := range change {
		f(&cfg)
	}
	r := &rig{t: t, cfg: cfg, store: journalmem.New(), carrier: c, log: slog.New(slog.DiscardHandler)}
	if testing.Verbose() {
		r.log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	r.start()
	t.Cleanup(r.stop)
	return r
}

func (r *rig) start() {
	r.t.Helper()
	b, err := bus.Open(context.Background(), r.store, bus.Options{Log: r.log, MaxBatch: r.batch})
	if err != nil {
		r.t.Fatal(err)
	}
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		r.t.Fatal(err)
	}
	h, err := New(b, Options{Log: r.log, Registry: reg, Drain: time.Minute})
	if err != nil {
		r.t.Fatal(err)
	}
	if r.index != nil {
		h.desk.Index = r.index(h.desk)
	}
	f, err := AddFlows(h, r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	if r.edi != nil {
		if err := AddEDI(h, f, *r.edi); err != nil {
			r.t.Fatal(err)
		}
	}
	if r.notify != nil {
		if err := AddNotifications(h, f, *r.notify); err != nil {
			r.t.Fatal(err)
		}
	}
	if r.shops != nil {
		if err := AddShops(h, f, r.shops); err != nil {
			r.t.Fatal(err)
		}
	}
	if r.erps != nil {
		if err := AddERPs(h, f, r.erps); err != nil {
			r.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.bus, r.hub, r.flows, r.end, r.ended = b, h, f, cancel, make(chan error, 1)
	go func() { r.ended <- h.Run(ctx) }()
	<-h.Running()
}

func (r *rig) stop() {
	if r.end == nil {
		return
	}
	r.says()
	// What began at this very moment is done then: in a bubble no time passes while Watermill's router
	// closes, and a unit may wait for a timer.
	elapse(1009 * time.Millisecond)
	r.end()
	if err := <-r.ended; err != nil {
		r.t.Errorf("running: %v", err)
	}
	if err := r.bus.Close(context.Background()); err != nil {
		r.t.Errorf("closing: %v", err)
	}
	r.end = nil
}

// ask calls a door.
func (r *rig) ask(name string, a door.Ask) (door.Reply, error) {
	if a.Scope == (scope.Scope{}) {
		a.Scope = site
	}
	v, err := r.hub.Call(context.Background(), name, a)
	if err != nil {
		return door.Reply{}, err
	}
	return v.(door.Reply), nil
}

func (r *rig) must(name, id string, cmd any) door.Reply {
	r.t.Helper()
	v, err := r.ask(name, door.Ask{ID: id, Cmd: cmd, Actor: "test"})
	if err != nil {
		r.t.Fatalf("%s %s %T: %v", name, id, cmd, err)
	}
	return v
}

func spec(weight measure.Mass) item.Spec {
	return item.Spec{Units: []item.Unit{
		{UOM: item.Each, Factor: 1, Weight: weight, Dims: cm(10, 8, 5)}, {UOM: item.Case, Factor: 6},
	}}
}

// stock registers an item and receives qty of it into each of the places.
func (r *rig) stock(sku string, qty int64, places ...string) {
	r.t.Helper()
	r.must(door.Master, sku, item.Register{Spec: spec(200 * measure.Gram)})
	r.stockOnly(sku, qty, places...)
}

// stockOnly is stock of an item that is registered.
func (r *rig) stockOnly(sku string, qty int64, places ...string) {
	r.t.Helper()
	for i, p := range places {
		r.must(door.Master, p, location.Register{Spec: location.Spec{Purpose: location.Pick, Sequence: int64(i)}})
		if qty > 0 {
			r.must(door.Stock, sku, inventory.Receive{Place: inventory.Place{Location: p}, Qty: qty})
		}
	}
}

func lines(of ...any) []order.PlaceLine {
	var out []order.PlaceLine
	for i := 0; i < len(of); i += 2 {
		out = append(out, order.PlaceLine{Item: of[i].(string), Qty: int64(of[i+1].(int)), UOM: item.Each})
	}
	return out
}

func place(number string, l []order.PlaceLine) order.Place {
	return order.Place{
		Scope: site, Number: number, Lines: l, Source: order.Source{Door: "test"},
		ShipTo: party.Address{Name: "Jo Doe", Lines: []string{"5 Elm St"}, City: "Reno", Region: "NV", PostalCode: "89502", Country: "US"},
	}
}

func (r *rig) place(number string, of ...any) {
	r.t.Helper()
	r.must(door.Orders, number, place(number, lines(of...)))
}

// elapse lets time pass on the clock of a synctest bubble.
func elapse(d time.Duration) { <-time.After(d) }

// settle lets the flows run for a while of the bubble's clock, until nothing moves.
func settle(for_ time.Duration) {
	synctest.Wait()
	elapse(for_)
	synctest.Wait()
}

// order is an order folded from the journal alone.
func (r *rig) order(number string) order.Order {
	r.t.Helper()
	return foldOf(r, order.Fold, order.StreamOf(site, number))
}

func foldOf[S any](r *rig, f event.Fold[S], stream string) S {
	r.t.Helper()
	if err := r.bus.Flush(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	recs, err := r.store.Stream(context.Background(), stream, 0, 1<<20)
	if err != nil {
		r.t.Fatal(err)
	}
	var s S
	for i := range recs {
		e, err := decodeEvent(r.hub.Registry(), &recs[i])
		if err != nil {
			r.t.Fatal(err)
		}
		if s, err = f.Apply(s, e); err != nil {
			r.t.Fatal(err)
		}
	}
	return s
}

func (r *rig) status(number string, want order.Status) {
	r.t.Helper()
	if o := r.order(number); o.Status() != want {
		r.t.Fatalf("order %s is %s, want %s\n%s", number, o.Status(), want, r.story())
	}
}

// letters are the open letters.
func (r *rig) letters() []dlq.Entry {
	r.t.Helper()
	l, err := r.hub.Desk().List(context.Background(), dlq.Filter{State: "open"})
	if err != nil {
		r.t.Fatal(err)
	}
	return l
}

func (r *rig) noLetters() {
	r.t.Helper()
	for _, l := range r.letters() {
		r.t.Errorf("letter on %s: %s %s %s\n%s", l.Route, l.Kind, l.Type, l.Cause, l.Stack)
	}
}

// count counts the events of each type.
func (r *rig) count() map[string]int {
	r.t.Helper()
	n := map[string]int{}
	r.each(func(rec *journal.Record) { n[rec.Type]++ })
	return n
}

func (r *rig) each(f func(*journal.Record)) {
	r.t.Helper()
	if err := r.bus.Flush(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	for from := journal.Pos(1); ; {
		units, err := r.store.Units(context.Background(), from, 1000)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, u := range units {
			for i := range u.Unit.Records {
				f(&u.Unit.Records[i])
			}
			from = u.First + journal.Pos(max(1, len(u.Unit.Records)))
		}
		if len(units) == 0 {
			return
		}
	}
}

// story is what happened, for a test that failed.
func (r *rig) story() string { return r.storyOf("") }

// storyOf is what happened to one order.
func (r *rig) storyOf(number string) string {
	var b strings.Builder
	r.each(func(rec *journal.Record) {
		if bytes.Contains(rec.Data, []byte(number)) {
			fmt.Fprintf(&b, "%s %s %s %.200s\n", rec.Source, rec.Key, rec.Type, rec.Data)
		}
	})
	for _, l := range r.letters() {
		fmt.Fprintf(&b, "LETTER %s %s %s\n%s", l.Route, l.Kind, l.Cause, l.Stack)
	}
	return b.String()
}

// books holds the stock laws in every book, from balances and events.
func (r *rig) books(skus ...string) {
	r.t.Helper()
	for _, sku := range skus {
		k := keyOf(site, sku)
		s := foldOf(r, inventory.Fold, k.Stream())
		rows, err := r.store.Balances(context.Background(), k.Book(), "", 10_000)
		if err != nil {
			r.t.Fatal(err)
		}
		var free, house, outside, atp, promised int64
		for _, b := range rows {
			switch p, err := inventory.ParseAccount(b.Account); {
			case b.Book != k.Book():
			case err == nil:
				house += b.Amount
				if p.Stage == inventory.Free {
					free += b.Amount
				}
			case b.Account == inventory.ATP:
				atp = b.Amount
			case b.Account == inventory.Promised:
				promised = b.Amount
			case inventory.IsSerial(b.Account): // no goods of their own
			case strings.HasPrefix(b.Account, "world/"):
				outside += b.Amount
			}
		}
		if atp+promised != free || house+outside != 0 || s.Free() != free || s.Promised != promised || s.OnHand() != house {
			r.t.Errorf("%s: atp %d + promised %d, free %d; house %d, outside %d; events say free %d promised %d on hand %d",
				sku, atp, promised, free, house, outside, s.Free(), s.Promised, s.OnHand())
		}
	}
}

func TestAnOrderShips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("WIDGET", 10, "A-1")
		reply := r.must(door.Orders, "SO-1", place("SO-1", lines("WIDGET", 3)))
		var v OrderView
		if err := json.Unmarshal(reply.Body, &v); err != nil || !reply.Created || v.Status != order.StatusReserved {
			t.Fatalf("answer: created %v, %s, %v", reply.Created, v.Status, err)
		}
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		if n := r.carrier.standing(); n != 1 {
			t.Errorf("%d labels, want 1", n)
		}
		for typ, want := range map[string]int{
			"order.Accepted": 1, "stock.Reserved": 1, "stock.Allocated": 1, "wave.Planned": 1, "wave.Released": 1, "wave.Completed": 1,
			"task.Created": 1, "pick.Confirmed": 1, "task.Completed": 1, "pack.CartonClosed": 1, "label.Bought": 1, "ship.Confirmed": 1, "order.Shipped": 1, "stock.Shipped": 1,
		} {
			if got := r.count()[typ]; got != want {
				t.Errorf("%s %d times, want %d", typ, got, want)
			}
		}
		r.books("WIDGET")
		r.noLetters()
	})
}

// Place is the command that a document asks for.
func (o *Out) Place(c order.Place) *Out {
	r, err := placing(cmdPlace, c)
	if err != nil {
		o.fail(err)
	}
	return o.Send(r)
}

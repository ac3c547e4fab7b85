package simulate

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/routes"
)

// The warehouse that is simulated.
const (
	tenant   = "sim"
	building = "east"
)

// home is where all goes to.
var home = party.Address{Name: "Jo Doe", Lines: []string{"5 Elm St"}, City: "Reno", Region: "NV", PostalCode: "89502", Country: "US"}

// doors are the steps of the flow that people and partners ask for.
var doors = []string{door.Orders, door.Floor, door.Stock, door.Waves, door.Master, door.Receipts, door.Scans, door.Dock, door.Postage}

// floor is the building with its people, and what partners send. It knows what really lies on
// the shelves, which the books may not.
type floor struct {
	r       *run
	rng     *rand.Rand
	carrier *carrier
	dock    *dockside

	items    []goodsOn
	workers  []*worker
	kept     map[string]int64  // the last scan of a device that waits for one before it
	replayer *worker           // whose device sends recorded scans again
	queues   map[string]*queue // of open tasks and packings, by role
	jobs     map[string]*job
	given    map[string]*job             // to workers whose task was taken back for it, by name
	counts   map[string]string           // by their task's stream
	holds    map[string]bool             // orders on hold, by stream
	slots    map[string]bool             // where orders come together, that are known
	lies     map[inventory.Account]int64 // what really lies where, by book's name in Stage
	asked    int
	returned int
	keys     string // scope of the idempotency keys: a fork has calls of its own

	base Summary // what was done before a fork

	travel, worked int64 // mm; ns of all workers
	scans          [3]int
}

// goodsOn is an item and where it is picked.
type goodsOn struct {
	at    scope.Scope
	sku   string
	faces []string
	lot   bool
}

func newFloor(r *run, rng *rand.Rand) *floor {
	f := &floor{
		r: r, rng: rng, keys: "sim", carrier: newCarrier(rng, r.cfg.Faults.LostLabel),
		queues: map[string]*queue{}, jobs: map[string]*job{}, counts: map[string]string{}, given: map[string]*job{}, kept: map[string]int64{}, holds: map[string]bool{}, slots: map[string]bool{}, lies: map[inventory.Account]int64{},
	}
	f.dock = newDockside(f)
	for i := range r.cfg.Workers {
		role := rolePick
		if i%4 == 3 || i == 1 && r.cfg.Workers < 4 {
			role = rolePack
		}
		f.workers = append(f.workers, &worker{f: f, name: fmt.Sprintf("w%02d", i+1), role: role})
	}
	return f
}

// flows is how the hub is configured.
func (r *run) flows() routes.FlowConfig {
	p := r.cfg.Policy
	if r.cfg.Fork != nil {
		return r.forked()
	}
	return routes.FlowConfig{
		Tenant: tenant, Facility: building, Strategy: p.Strategy, Steal: p.Steal, Shorts: p.Shorts,
		Wave:  routes.WaveConfig{Size: p.WaveSize, Timeout: p.WaveTimeout, Urgent: p.WaveUrgent, Batch: routes.BatchConfig{Method: p.WaveMethod, Limits: wave.Limits{Lines: trolley}, Effort: waveEffort}},
		SSCC:  pack.Numbering{Prefix: "0614141", Serial: 1},
		Tasks: routes.TaskConfig{PreemptAfter: 30 * time.Second},
		Boxes: []pack.Box{
			{Code: "S", Inner: cm(20, 15, 12), Tare: 100 * measure.Gram, MaxWeight: 5 * measure.Kilogram},
		},
		ShipFrom: party.Address{Company: "PakLog", Lines: []string{"1 Dock Rd"}, City: "Reno", Region: "NV", PostalCode: "89501", Country: "US"},
		Carriers: []routes.CarrierConfig{r.carrier()},
	}
}

// carrier is how the hub is connected to the carrier. By the seed, what is packed leaves with its
// label, with a load or with a manifest.
func (r *run) carrier() routes.CarrierConfig {
	c := routes.CarrierConfig{Name: carrierName, Port: r.floor.carrier, Service: "GND"}
	switch r.cfg.Seed % 3 {
	case 1:
		c.Confirm = routes.AtLoad
	case 2:
		c.Confirm, c.Closes = routes.AtManifest, 22*time.Hour+30*time.Minute
	}
	return c
}

// trolley is how many lines a picker fetches on one tour of several orders.
const trolley = 12

// waveEffort is a hundredth of what a hub spends on a wave: it plans some at a time, a simulation
// some a second.
const waveEffort = 10_000

func cm(l, w, h measure.Length) measure.Dims {
	return measure.Dims{Length: l * measure.Centimetre, Width: w * measure.Centimetre, Height: h * measure.Centimetre}
}

// open fills the building before the first day and puts the days on the agenda.
func (f *floor) open() error {
	c := f.r.cfg
	owner := func(n int) scope.Scope {
		return scope.Scope{Tenant: tenant, Owner: fmt.Sprintf("owner%d", n+1), Facility: building}
	}
	layout := facility.Layout{
		Code: "floor", Cells: c.Cells, AisleToAisle: aisleStep * measure.Millimetre, CellToCell: cellStep * measure.Millimetre,
		FrontToCell: toCross * measure.Millimetre, BackToCell: toCross * measure.Millimetre, Depots: []facility.Depot{{Aisle: place{}.aisleName()}},
	}
	for a := range c.Aisles {
		layout.Aisles = append(layout.Aisles, place{aisle: a}.aisleName())
	}
	f.must(door.Master, owner(0), building, facility.Register{Spec: facility.Spec{Layouts: []facility.Layout{layout}}})
	places := 0
	for a := range c.Aisles {
		for n := range 2 * c.Cells {
			at := place{a, n / 2, n % 2}
			spec := location.Spec{Purpose: location.Pick, Zone: fmt.Sprintf("Z%d", 1+a*4/c.Aisles), Aisle: at.aisleName(), Cell: at.cell + 1, Sequence: at.sequence(c.Cells)}
			f.must(door.Master, owner(0), at.String(), location.Register{Spec: spec})
			places++
		}
	}
	f.must(door.Master, owner(0), dock, location.Register{Spec: location.Spec{Purpose: location.Dock}})
	f.must(door.Master, owner(0), "QUARANTINE", location.Register{Spec: location.Spec{Purpose: location.Quarantine}})
	for i := range c.Items {
		it := goodsOn{at: owner(i % c.Owners), sku: fmt.Sprintf("SKU-%04d", i), lot: i%5 == 0}
		f.must(door.Master, it.at, it.sku, item.Register{Spec: item.Spec{
			Units:    []item.Unit{{UOM: item.Each, Factor: 1, Weight: measure.Mass(100+10*(i%30)) * measure.Gram, Dims: cm(measure.Length(6+i%8), 6, 4)}, {UOM: item.Case, Factor: 12}},
			Tracking: item.Tracking{Lot: it.lot, Expiry: it.lot},
		}})
		for k := range 2 {
			n := (i*2 + k) * places / (2 * c.Items)
			it.faces = append(it.faces, place{n / (2 * c.Cells), n % (2 * c.Cells) / 2, n % 2}.String())
		}
		f.items = append(f.items, it)
		for k := range it.faces {
			f.receive(it, k, int64(f.demand(i)/3+10), inventory.Opening)
		}
	}
	f.plan()
	return f.r.err
}

// demand is about how much of an item is asked for in all: the first items are asked for most.
func (f *floor) demand(i int) int {
	c := f.r.cfg
	lines := c.Orders * c.Days * (c.Lines + 1) / 2
	// A quadratic draw: see item. The i-th of n items gets 1/(2*sqrt(i/n)) of the even share.
	even := 2 * lines / c.Items
	switch {
	case i*16 < c.Items:
		return even * 4
	case i*4 < c.Items:
		return even * 2
	}
	return even
}

// item draws an item: few are asked for often.
func (f *floor) item() *goodsOn {
	n := len(f.items)
	x := f.rng.IntN(n)
	return &f.items[x*f.rng.IntN(n)/n]
}

// receive brings goods to a face.
func (f *floor) receive(it goodsOn, face int, qty int64, from string) {
	at := inventory.Place{Location: it.faces[face]}
	c := inventory.Receive{Place: at, Qty: qty, From: from}
	if it.lot {
		c.Lot = fmt.Sprintf("L%d", f.asked)
		c.Expiry = inventory.Date(f.r.now.AddDate(0, 0, 20+f.rng.IntN(200)).Format(time.DateOnly))
	}
	if f.ask(door.Stock, it.at, it.sku, c) == nil {
		f.put(it.at.Book(it.sku), c.Place, qty)
	}
}

// put changes what really lies in a place, and says how much that was: nobody takes what is
// not there.
func (f *floor) put(book string, p inventory.Place, n int64) int64 {
	a := inventory.Account{Stage: book, Location: p.Location, Lot: p.Lot, LPN: p.LPN}
	have := f.lies[a]
	if n < -have {
		n = -have
	}
	if f.lies[a] += n; f.lies[a] == 0 {
		delete(f.lies, a)
	}
	return n
}

func (f *floor) really(book string, p inventory.Place) int64 {
	return f.lies[inventory.Account{Stage: book, Location: p.Location, Lot: p.Lot, LPN: p.LPN}]
}

// plan puts orders and receipts of all days on the agenda.
func (f *floor) plan() {
	for day := range f.r.cfg.Days {
		midnight := f.r.cfg.Start.AddDate(0, 0, day)
		for i := range f.r.cfg.Orders {
			number := fmt.Sprintf("SO-%d-%05d", day+1, i+1)
			f.r.agenda.add(midnight.Add(f.arrival()), func() { f.place(number, midnight) })
		}
		for i := range f.r.cfg.Items {
			for range 1 + f.rng.IntN(2) {
				face, qty := f.rng.IntN(2), int64(1+f.demand(i)/(3*f.r.cfg.Days))
				announced := f.rng.IntN(2) == 0
				f.r.agenda.add(midnight.Add(time.Duration(6*60+f.rng.IntN(12*60))*time.Minute), func() {
					if announced {
						f.delivery(i, face, qty)
					} else {
						f.receive(f.items[i], face, qty, inventory.Supplier)
					}
				})
			}
		}
	}
	f.dock.plan(f.r.cfg.Start, f.r.cfg.Days+2)
	for day := range f.r.cfg.Days + 2 {
		for h := 6; h < 30; h++ {
			f.r.agenda.add(f.r.cfg.Start.AddDate(0, 0, day).Add(time.Duration(h)*time.Hour), f.desk)
		}
	}
}

// arrival is when an order comes, after midnight: few at night, a wave before noon and another
// in the evening.
func (f *floor) arrival() time.Duration {
	peak, wide := 10*60, 240
	switch f.rng.IntN(10) {
	case 0:
		return time.Duration(f.rng.IntN(24*60*60)) * time.Second
	case 1, 2, 3:
		peak, wide = 18*60, 180
	}
	minutes := peak + (f.rng.IntN(wide) + f.rng.IntN(wide) - wide)
	return time.Duration(minutes)*time.Minute + time.Duration(f.rng.IntN(60))*time.Second
}

// place lets a partner send an order.
func (f *floor) place(number string, midnight time.Time) {
	it := f.item()
	p := order.Place{
		Scope: it.at, Number: number, Source: order.Source{Door: "sim"},
		ShipTo: home,
	}
	for n := 1 + f.rng.IntN(f.r.cfg.Lines); n > 0; n-- {
		for it.at != p.Scope {
			it = f.item()
		}
		p.Lines = append(p.Lines, order.PlaceLine{Item: it.sku, Qty: int64(1 + f.rng.IntN(4)), UOM: item.Each})
		it = f.item()
	}
	written := false // comes as a document
	switch f.rng.IntN(24) {
	case 0:
		p.Priority = 9
	case 1, 2:
		p.Policy = order.AllOrNothing
	case 3:
		f.unknown(&p)
	case 4, 7:
		p.Lines[0].Qty = int64(15 + f.rng.IntN(25)) // several cartons
	case 5, 6:
		written = true
	}
	if f.rng.IntN(3) > 0 { // the day's two trucks
		cut := midnight.Add(16 * time.Hour)
		if !f.r.now.Before(cut.Add(-2 * time.Hour)) {
			cut = midnight.Add(23 * time.Hour)
		}
		if !f.r.now.Before(cut.Add(-time.Hour)) {
			cut = cut.Add(16 * time.Hour)
		}
		p.Dates.ShipBy = cut
		if f.one(12) {
			p.Dates.CancelAfter = cut.Add(time.Duration(f.rng.IntN(6)) * time.Hour)
		}
	}
	if written {
		f.document(p)
	} else {
		f.must(door.Orders, p.Scope, number, p)
	}
	if n := f.r.cfg.Faults.Changes; n > 0 && f.rng.IntN(n) == 0 {
		f.r.agenda.add(f.minutes(0, 180), func() { f.change(p) })
		if f.one(2) {
			f.holdBack()
		}
		if f.one(2) {
			f.parcel()
		}
		if f.one(8) {
			f.closeAisle()
		}
	}
}

// unknown adds a line of an item that nobody knows. A while later it is registered, or the
// line is taken out.
func (f *floor) unknown(p *order.Place) {
	sku, s, number, line := fmt.Sprintf("NEW-%d", f.asked), p.Scope, p.Number, len(p.Lines)+1
	p.Lines = append(p.Lines, order.PlaceLine{Item: sku, Qty: 1})
	registered := f.rng.IntN(2) == 0
	f.r.agenda.add(f.r.now.Add(time.Duration(10+f.rng.IntN(200))*time.Minute), func() {
		if registered {
			f.must(door.Master, s, sku, item.Register{Spec: item.Spec{Units: []item.Unit{{UOM: item.Each, Factor: 1}}}})
		} else {
			f.may(door.Orders, s, number, order.Cancel{Reason: "no such item", Lines: []int{line}})
		}
	})
}

// change lets a partner, or a clerk, change an order that is under way.
func (f *floor) change(p order.Place) {
	switch f.rng.IntN(5) {
	case 0:
		f.may(door.Orders, p.Scope, p.Number, order.Cancel{Reason: "customer"})
	case 1:
		f.may(door.Orders, p.Scope, p.Number, order.Cancel{Reason: "customer", Lines: []int{1}})
	case 2:
		f.may(door.Orders, p.Scope, p.Number, order.Hold{Reason: order.HoldCredit})
		f.r.agenda.add(f.r.now.Add(time.Duration(5+f.rng.IntN(120))*time.Minute), func() {
			f.may(door.Orders, p.Scope, p.Number, order.Release{})
		})
	case 3:
		f.may(door.Orders, p.Scope, p.Number, order.Change{Lines: []order.ChangeLine{{Line: 1, Qty: int64(1 + f.rng.IntN(6))}}})
	case 4:
		f.may(door.Orders, p.Scope, p.Number, order.Split{To: p.Number + "-B", Lines: []order.LineQty{{Line: 1, Qty: 1}}})
	}
}

// onHold reports whether an order is on hold now.
func (f *floor) onHold(stream string) bool { return f.holds[stream] }

// sees is told of each event as it is written: what people learn from their screens.
func (f *floor) sees(e event.Event) {
	switch e := e.(type) {
	case order.Held:
		f.holds[e.Stream()] = true
	case order.Released:
		delete(f.holds, e.Stream())
	case scan.Taken:
		if f.kept[e.Device] == e.Scan.Seq {
			delete(f.kept, e.Device)
		}
	case inventory.StockPutBack:
		f.put(e.Book(), e.To, e.Qty)
	case inventory.StockPutAway:
		f.put(e.Book(), e.To, -f.put(e.Book(), e.From, -e.Qty))
	case inventory.StockTransferred:
		if e.Stage == inventory.Damaged { // put away in quarantine
			f.put(e.Book(), e.To, -f.put(e.Book(), e.From, -e.Qty))
		}
	case inventory.StockShipped: // nobody can read the lot any more of what has one
		if e.Lot == "" && f.r.cfg.Fork == nil && f.one(4*f.r.cfg.Faults.Changes) {
			f.comesBack(e)
		}
	}
	f.meddles(e)
	f.dock.sees(e)
	f.offer(e)
}

package core_test

import (
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

var (
	simSeed  = flag.Uint64("sim.seed", 0, "simulate this seed alone")
	simSeeds = flag.Uint64("sim.seeds", 200, "seeds to simulate")
)

func TestSimulation(t *testing.T) {
	from, to := uint64(1), *simSeeds
	if *simSeed != 0 {
		from, to = *simSeed, *simSeed
	}
	var sum tally
	for seed := from; seed <= to; seed++ {
		sum.add(simulate(t, seed))
	}
	t.Logf("%+v", sum)
	// A simulation that never meets a case proves nothing about it.
	if *simSeed == 0 && *simSeeds >= 100 {
		for name, n := range map[string]int{
			"shipped": sum.Shipped, "cancelled": sum.Cancelled, "rejected": sum.Rejected, "shorts": sum.Shorts,
			"supplements": sum.Supplements, "expired leases": sum.Expired, "floors met": sum.Floors,
			"backorders released": sum.Released, "duplicates": sum.Duplicates, "put back from cartons": sum.Unpacked,
			"changes": sum.Changed, "changes of allocated goods": sum.Recalled, "changes refused": sum.Refused,
			"splits": sum.Split, "merges": sum.Merged, "holds of several reasons": sum.Held, "missed cut-offs": sum.Missed,
		} {
			if n == 0 {
				t.Errorf("no seed met any of: %s", name)
			}
		}
	}
}

type tally struct {
	Events, Shipped, Cancelled, Rejected, Shorts, Supplements int
	Expired, Floors, Released, Duplicates, Unpacked           int
	Changed, Recalled, Refused, Split, Merged, Held, Missed   int
}

func (a *tally) add(b tally) {
	a.Events += b.Events
	a.Shipped += b.Shipped
	a.Cancelled += b.Cancelled
	a.Rejected += b.Rejected
	a.Shorts += b.Shorts
	a.Supplements += b.Supplements
	a.Expired += b.Expired
	a.Floors += b.Floors
	a.Released += b.Released
	a.Duplicates += b.Duplicates
	a.Unpacked += b.Unpacked
	a.Changed += b.Changed
	a.Recalled += b.Recalled
	a.Refused += b.Refused
	a.Split += b.Split
	a.Merged += b.Merged
	a.Held += b.Held
	a.Missed += b.Missed
}

// piece is allocated, picked or packed goods of an order, as a flow would know
// them from the stock events.
type piece struct {
	line  int
	item  string
	place inventory.Place
	tote  string
	box   string // carton
	qty   int64
}

// job is one order on its way, seen from outside.
type job struct {
	number    string
	allocated []piece
	tasks     []string // open pick tasks
	picked    []piece
	packed    []piece
	packs     int
	rounds    int
}

type sim struct {
	*world
	tally
	jobs   []*job
	serial int64
	places []string
	wanted int64                // what all orders together ask for
	late   map[string]time.Time // cut-offs at which an order was open
}

func simulate(t *testing.T, seed uint64) tally {
	s := &sim{world: newWorld(t, seed), late: map[string]time.Time{}}
	for i := range 4 {
		s.places = append(s.places, fmt.Sprintf("A-%d", i))
	}
	for i := range 3 {
		sku := fmt.Sprintf("SKU/%d", i)
		it, _ := item.Fold.Replay(item.Item{}, must(item.Item{}.Register(item.Register{Scope: s.site, SKU: sku, Spec: item.Spec{Units: []item.Unit{
			{UOM: item.Each, Factor: 1, Weight: 200 * measure.Gram, Dims: measure.Dims{Length: 10 * measure.Centimetre, Width: 8 * measure.Centimetre, Height: 5 * measure.Centimetre}},
			{UOM: item.Case, Factor: 6},
		}}}, s.now))...)
		s.items[sku] = it
		s.receive(sku)
	}
	for range 12 {
		s.place()
	}
	for range 600 {
		s.now = s.now.Add(time.Duration(1+s.rng.IntN(300)) * time.Second)
		s.cutOffs()
		switch {
		case s.maybe(25):
			s.receive(fmt.Sprintf("SKU/%d", s.rng.IntN(3)))
		case s.maybe(25):
			s.settle()
		default:
			s.step(s.jobs[s.rng.IntN(len(s.jobs))])
		}
	}
	s.releaseAll()
	s.drain()
	s.checkOrders()
	for _, n := range s.lengths {
		s.Events += n
	}
	return s.tally
}

func must(events []event.Event, err error) []event.Event {
	if err != nil {
		panic(err)
	}
	return events
}

func (s *sim) key(sku string) inventory.BookKey {
	return inventory.BookKey{Scope: s.site, Item: sku}
}

func (s *sim) order(j *job) order.Order {
	return get[order.Order](s.world, order.StreamOf(s.site, j.number))
}

// both commits what two aggregates decided as one unit.
func (s *sim) both(evs []event.Event, posts []journal.Posting, err error, more []event.Event, moreErr error) bool {
	s.t.Helper()
	if s.rejected(err) || s.rejected(moreErr) {
		return false
	}
	if err := s.commit(append(append([]event.Event{}, evs...), more...), posts); err != nil {
		s.Floors++
		return false
	}
	return true
}

// sure is [sim.both] where nothing may refuse.
func (s *sim) sure(evs []event.Event, posts []journal.Posting, err error) {
	s.t.Helper()
	if err == nil {
		err = s.commit(evs, posts)
	}
	if err != nil {
		s.fatalf("refused: %v", err)
	}
}

// plain is sure for decisions without postings.
func (s *sim) plain(evs []event.Event, err error) {
	s.t.Helper()
	s.sure(evs, nil, err)
}

func (s *sim) receive(sku string) {
	evs, posts, err := inventory.Receive{
		BookKey: s.key(sku), Place: inventory.Place{Location: s.places[s.rng.IntN(len(s.places))]}, Qty: int64(1 + s.rng.IntN(30)),
	}.Decide(inventory.Stock{}, s.now)
	s.sure(evs, posts, err)
	for _, j := range s.jobs { // release on receipt
		o := s.order(j)
		for _, l := range o.Lines {
			if l.SKU != sku || l.Backordered == 0 || o.Workable() != nil {
				continue
			}
			s.Released++
			s.plain(o.ReleaseBackorder(order.ReleaseBackorder{Lines: []order.LineQty{{Line: l.No, Qty: l.Backordered}}, Cause: "receipt"}, s.now))
			o = s.order(j)
		}
	}
}

// settle counts what is suspect: some of it is found, the rest written off.
func (s *sim) settle() {
	for sku := range 3 {
		k := s.key(fmt.Sprintf("SKU/%d", sku))
		st := get[inventory.Stock](s.world, k.Stream())
		for _, sh := range st.Shelves {
			if sh.Suspect == 0 {
				continue
			}
			found := s.rng.Int64N(sh.Suspect + 1)
			if found > 0 {
				evs, posts, err := inventory.ChangeStatus{BookKey: k, Place: sh.Place, From: inventory.Suspect, To: inventory.Free, Qty: found, Reason: "counted"}.Decide(s.now)
				s.sure(evs, posts, err)
			}
			if lost := sh.Suspect - found; lost > 0 {
				evs, posts, err := inventory.Adjust{BookKey: k, Place: sh.Place, Stage: inventory.Suspect, Delta: -lost, Reason: "counted"}.Decide(s.now)
				s.sure(evs, posts, err)
			}
		}
	}
}

func (s *sim) place() {
	j := &job{number: fmt.Sprintf("SO %d/%d", s.seed, len(s.jobs))}
	c := order.Place{
		Scope: s.site, Number: j.number, ShipTo: party.Address{Name: "Jo Doe", City: "Oslo", Country: "NO"}, Source: order.Source{Door: "test"},
	}
	if s.maybe(3) {
		c.Policy = order.AllOrNothing
	}
	if s.maybe(2) {
		c.Dates.ShipBy = s.now.Add(time.Duration(s.rng.IntN(24)) * time.Hour)
	}
	for range 1 + s.rng.IntN(3) {
		l := order.PlaceLine{Item: fmt.Sprintf("SKU/%d", s.rng.IntN(3)), Qty: int64(1 + s.rng.IntN(8)), UOM: item.Each}
		if s.maybe(6) {
			l.Qty, l.UOM = 1, item.Case
		}
		if s.maybe(15) {
			l.Item = "NEVER-HEARD-OF"
		}
		c.Lines = append(c.Lines, l)
	}
	lookup := func(sku string) (item.Item, bool) { it, ok := s.items[sku]; return it, ok }
	s.plain(s.order(j).Place(c, lookup, s.now))
	o := s.order(j)
	if !o.Exists() {
		s.Rejected++
		return
	}
	// Placed again it is the same order; with another quantity it is not.
	var exists *order.ExistsError
	if _, err := o.Place(c, lookup, s.now); !errors.As(err, &exists) || !exists.Same() {
		s.fatalf("placing the same order again: %v", err)
	}
	c.Lines[0].Qty++
	if _, err := o.Place(c, lookup, s.now); !errors.As(err, &exists) || len(exists.Differences) != 1 || exists.Differences[0].Place != "lines[0].qty" {
		s.fatalf("placing another order under the same number: %v", err)
	}
	s.Duplicates++
	s.wanted += o.Totals().Ordered
	s.jobs = append(s.jobs, j)
}

// step does one thing for an order that its state allows.
func (s *sim) step(j *job) {
	o := s.order(j)
	s.checkLines(o, j)
	if s.maybe(150) {
		s.cancel(j, o)
		return
	}
	if s.maybe(12) && s.alter(j, o) {
		return
	}
	t := o.Totals()
	switch {
	case o.Closed():
		return
	case o.OnHold():
		s.release(o)
	case len(j.tasks) > 0:
		s.work(j, j.tasks[s.rng.IntN(len(j.tasks))])
	case t.Unassigned > 0:
		s.reserve(j, o)
	case t.Reserved > 0 && s.maybe(2):
		s.allocate(j, o)
	case len(j.allocated) > 0:
		s.wave(j, o)
	case t.Reserved > 0:
		s.allocate(j, o)
	case len(j.picked) > 0 && (o.Policy != order.AllOrNothing || t.Picked+t.Packed == t.Open):
		s.pack(j)
	case len(j.packed) > 0:
		s.ship(j)
	case t.HeldLines > 0 && t.Open == 0:
		s.plain(o.Cancel(order.Cancel{Reason: "never understood"}, s.now))
	case t.HeldLines > 0 && s.maybe(10):
		for _, l := range o.Lines {
			if l.Held() {
				s.plain(o.ReleaseLine(order.ReleaseLine{Line: l.No, Item: "SKU/0"}, s.known, s.now))
				before := o.Totals().Ordered
				o = s.order(j)
				s.wanted += o.Totals().Ordered - before
			}
		}
	}
}

// checkLines holds the order's counters against what the flow itself knows.
func (s *sim) checkLines(o order.Order, j *job) {
	s.t.Helper()
	sum := func(ps []piece, line int) (n int64) {
		for _, p := range ps {
			if p.line == line {
				n += p.qty
			}
		}
		return n
	}
	for _, l := range o.Lines {
		if l.Ordered != l.Shipped+l.Short+l.Cancelled+l.Open() || l.Open() < 0 || l.Unassigned() < 0 {
			s.fatalf("order %s line %d does not add up: %+v", o.Number, l.No, l)
		}
		if a, p, k := sum(j.allocated, l.No), sum(j.picked, l.No), sum(j.packed, l.No); a != l.Allocated || p != l.Picked || k != l.Packed {
			s.fatalf("order %s line %d counts %d/%d/%d allocated/picked/packed, the floor has %d/%d/%d", o.Number, l.No, l.Allocated, l.Picked, l.Packed, a, p, k)
		}
	}
}

func (s *sim) reserve(j *job, o order.Order) {
	var evs []event.Event
	var posts []journal.Posting
	var got, miss []order.LineQty
	used := map[string]int64{} // what this unit took already
	for _, l := range o.Lines {
		if l.Unassigned() == 0 {
			continue
		}
		balance := func(book, name string) int64 {
			if name == inventory.ATP {
				return s.balance(book, name) - used[book]
			}
			return s.balance(book, name)
		}
		e, p, err := inventory.Reserve{BookKey: s.key(l.SKU), For: inventory.For{Order: o.Number, Line: l.No}, Qty: l.Unassigned(), Partial: true}.Decide(balance, s.now)
		if err != nil {
			s.fatalf("reserving: %v", err)
		}
		var n int64
		if len(e) > 0 {
			n = e[0].(inventory.StockReserved).Qty
			got = append(got, order.LineQty{Line: l.No, Qty: n})
			evs, posts = append(evs, e...), append(posts, p...)
			used[s.key(l.SKU).Book()] += n
		}
		if n < l.Unassigned() {
			miss = append(miss, order.LineQty{Line: l.No, Qty: l.Unassigned() - n})
		}
	}
	if o.Policy == order.AllOrNothing && len(miss) > 0 || len(got) == 0 {
		var all []order.LineQty
		for _, l := range o.Lines {
			if l.Unassigned() > 0 {
				all = append(all, order.LineQty{Line: l.No, Qty: l.Unassigned()})
			}
		}
		if len(got) > 0 {
			if _, err := o.Reserve(order.Reserve{Lines: got}, s.now); err == nil {
				s.fatalf("an all-or-nothing order took part of its goods")
			}
		}
		s.plain(o.Backorder(order.Backorder{Lines: all, Reason: "no stock"}, s.now))
		return
	}
	more, err := o.Reserve(order.Reserve{Lines: got}, s.now)
	if !s.both(evs, posts, nil, more, err) {
		if o.Policy == order.AllOrNothing && err != nil { // part of it waits already: all of it does
			s.plain(o.Backorder(order.Backorder{Lines: got, Reason: "ships whole"}, s.now))
		}
		return
	}
	if len(miss) > 0 {
		s.plain(s.order(j).Backorder(order.Backorder{Lines: miss, Reason: "no stock"}, s.now))
	}
}

func (s *sim) allocate(j *job, o order.Order) {
	strategies := []string{inventory.FIFO, inventory.FEFO, inventory.FullFirst}
	for _, l := range o.Lines {
		if l.Reserved == 0 {
			continue
		}
		k := s.key(l.SKU)
		view := inventory.View{Stock: get[inventory.Stock](s.world, k.Stream())}
		if old, ok := s.stale[l.SKU]; ok && s.maybe(2) {
			view.Stock = old // an hour old, perhaps
		}
		if s.maybe(3) {
			s.stale[l.SKU] = get[inventory.Stock](s.world, k.Stream())
		}
		c := inventory.Allocate{BookKey: k, For: inventory.For{Order: o.Number, Line: l.No}, Qty: l.Reserved, Strategy: strategies[s.rng.IntN(3)], Partial: true}
		evs, posts, err := c.Decide(view, s.now)
		if err != nil {
			s.fatalf("allocating: %v", err)
		}
		if len(evs) == 0 { // promised, and no place may be picked from
			e, p, err := inventory.Release{BookKey: k, For: c.For, Qty: l.Reserved, Reason: "no place"}.Decide(s.now)
			more, err2 := o.Short(order.Short{Line: l.No, Qty: l.Reserved, From: order.FromReserved, Then: order.Wait}, s.now)
			if !s.both(e, p, err, more, err2) {
				s.fatalf("shorting a promise was refused")
			}
			return
		}
		var got []piece
		var n int64
		for _, e := range evs {
			a := e.(inventory.StockAllocated)
			got = append(got, piece{line: l.No, item: l.SKU, place: a.Place, qty: a.Qty})
			n += a.Qty
		}
		more, err := o.Allocate(order.Allocate{Lines: []order.LineQty{{Line: l.No, Qty: n}}}, s.now)
		if s.both(evs, posts, nil, more, err) {
			j.allocated = append(j.allocated, got...)
		}
		return
	}
}

func (s *sim) wave(j *job, o order.Order) {
	j.rounds++
	id := fmt.Sprintf("W-%s-%d", j.number, j.rounds)
	evs, err := o.Wave(order.Wave{Wave: id}, s.now)
	if s.rejected(err) { // an all-or-nothing order that waits for the rest
		return
	}
	plan := must(wave.Wave{}.Plan(wave.Plan{Scope: s.site, Wave: id, Orders: []wave.Order{{Owner: s.site.Owner, Order: j.number}}, Limits: wave.Limits{Orders: 1}}, s.now))
	s.plain(append(evs, plan...), nil)
	s.plain(get[wave.Wave](s.world, wave.StreamOf(s.site, id)).Release(wave.Release{}, s.now))
	var steps []task.Step
	for _, p := range j.allocated {
		steps = append(steps, task.Step{No: len(steps) + 1, Order: j.number, Line: p.line, Item: p.item, From: p.place, Qty: p.qty})
	}
	tid := "T-" + id
	s.plain(task.Task{}.Create(task.Create{Scope: s.site, Task: tid, Kind: task.KindPick, Order: j.number, Wave: id, Steps: steps}, s.now))
	s.plain(pick.List{}.Open(pick.Open{Scope: s.site, Task: tid, Order: j.number, Wave: id, Steps: steps}, s.now))
	j.tasks = append(j.tasks, tid)
}

// work lets somebody do one thing on a pick task.
func (s *sim) work(j *job, tid string) {
	t := get[task.Task](s.world, task.StreamOf(s.site, tid))
	worker := fmt.Sprintf("w%d", s.rng.IntN(2))
	if t.Status == task.StatusOpen || !s.now.Before(t.Until) {
		if t.Status == task.StatusClaimed {
			if s.maybe(2) {
				s.plain(t.Expire(task.Expire{Claim: t.Claims}, s.now))
				t = get[task.Task](s.world, task.StreamOf(s.site, tid))
			}
			s.Expired++
		}
		s.plain(t.Claim(task.Claim{Worker: worker, Lease: 45 * time.Minute}, s.now))
		return
	}
	if worker != t.Worker {
		if _, err := t.Claim(task.Claim{Worker: worker, Lease: time.Minute}, s.now); err == nil {
			s.fatalf("task %s was claimed twice", tid)
		}
		return
	}
	if s.maybe(8) {
		return // walked away
	}
	l := get[pick.List](s.world, pick.StreamOf(s.site, tid))
	for _, st := range l.Steps {
		if st.Left() == 0 {
			continue
		}
		if s.maybe(6) {
			s.short(j, l, st, worker)
		} else {
			s.pick(j, l, st, worker)
		}
		break
	}
	if l = get[pick.List](s.world, pick.StreamOf(s.site, tid)); l.Status == pick.StatusCompleted {
		s.plain(get[task.Task](s.world, task.StreamOf(s.site, tid)).Complete(task.Complete{Worker: worker, Claim: t.Claims}, s.now))
		j.tasks = nil
		s.leaveWave(j, wave.OutRemoved)
	}
}

func (s *sim) leaveWave(j *job, outcome string) {
	o := s.order(j)
	id := o.InWave
	if id == "" {
		return
	}
	s.plain(o.Unwave(order.Unwave{Wave: id, Reason: outcome}, s.now))
	s.plain(get[wave.Wave](s.world, wave.StreamOf(s.site, id)).Finish(wave.Finish{Owner: s.site.Owner, Order: j.number, Outcome: outcome}, s.now))
	if w := get[wave.Wave](s.world, wave.StreamOf(s.site, id)); w.Status != wave.StatusCompleted {
		s.fatalf("wave %s is %s after its last order", id, w.Status)
	}
}

func (s *sim) pick(j *job, l pick.List, st pick.Step, worker string) {
	qty, tote := 1+s.rng.Int64N(st.Left()), fmt.Sprintf("TOTE-%d", s.rng.IntN(3))
	picked := must(l.Confirm(pick.Confirm{Step: st.No, Qty: qty, Tote: tote, Worker: worker}, s.now))
	evs, posts, err := inventory.Pick{BookKey: s.key(st.Item), For: inventory.For{Order: j.number, Line: st.Line, Task: l.Task}, Place: st.From, Tote: tote, Qty: qty}.Decide(s.now)
	more, err2 := s.order(j).Pick(order.Pick{Task: l.Task, Lines: []order.LineQty{{Line: st.Line, Qty: qty}}}, s.now)
	if !s.both(append(picked, evs...), posts, err, more, err2) {
		s.fatalf("a pick of allocated goods was refused")
	}
	j.take(st, qty)
	j.picked = append(j.picked, piece{line: st.Line, item: st.Item, place: st.From, tote: tote, qty: qty})
}

func (s *sim) short(j *job, l pick.List, st pick.Step, worker string) {
	s.Shorts++
	o := s.order(j)
	found, tote := s.rng.Int64N(st.Left()), "TOTE-S"
	picked := must(l.Short(pick.Short{Step: st.No, Found: found, Tote: tote, Worker: worker, Reason: "not_found"}, s.now))
	evs, posts, err := inventory.Short{
		BookKey: s.key(st.Item), For: inventory.For{Order: j.number, Line: st.Line, Task: l.Task}, Place: st.From, Tote: tote, Expected: st.Left(), Found: found,
	}.Decide(s.balance, s.now)
	then := []string{order.Reallocate, order.Wait, order.Close}[s.rng.IntN(3)]
	if o.Policy == order.AllOrNothing && then == order.Close {
		then = order.Wait
	}
	more, err2 := o.Short(order.Short{Line: st.Line, Qty: st.Left() - found, From: order.FromAllocated, Then: then, Task: l.Task}, s.now)
	if found > 0 && err2 == nil {
		var got []event.Event
		got, err2 = o.Pick(order.Pick{Task: l.Task, Lines: []order.LineQty{{Line: st.Line, Qty: found}}}, s.now)
		more = append(more, got...)
	}
	if !s.both(append(picked, evs...), posts, err, more, err2) {
		s.fatalf("a short was refused")
	}
	j.take(st, st.Left())
	if found > 0 {
		j.picked = append(j.picked, piece{line: st.Line, item: st.Item, place: st.From, tote: tote, qty: found})
	}
}

// take removes what left the shelf from what is allocated.
func (j *job) take(st pick.Step, qty int64) {
	for i := range j.allocated {
		p := &j.allocated[i]
		if p.line == st.Line && p.place == st.From && qty > 0 {
			n := min(qty, p.qty)
			p.qty -= n
			qty -= n
		}
	}
	j.allocated = clean(j.allocated)
}

func clean(ps []piece) []piece {
	var out []piece
	for _, p := range ps {
		if p.qty > 0 {
			out = append(out, p)
		}
	}
	return out
}

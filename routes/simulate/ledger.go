package simulate

import (
	"maps"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/routes"
)

// orderLedger is an order as its events tell it, line by line.
type orderLedger struct {
	scope    scope.Scope
	lines    map[int]*lineLedger
	refused  bool
	merged   bool
	all      bool // ships whole or not at all
	shipBy   time.Time
	missed   bool // and said so
	lastShip time.Time
}

type lineLedger struct {
	item                                             string
	held                                             bool
	ordered, shipped, short, cancelled               int64
	reserved, allocated, picked, packed, backordered int64
}

func (l *lineLedger) open() int64 { return l.ordered - l.shipped - l.short - l.cancelled }

func (l *lineLedger) known() int64 {
	return l.reserved + l.allocated + l.picked + l.packed + l.backordered
}

// line is a line of an order; one that is not there is a promise broken.
func (c *checker) line(h order.Head, no int) *lineLedger {
	if o := c.orders[h.Stream()]; o != nil {
		if l := o.lines[no]; l != nil {
			return l
		}
	}
	c.fails("order %s has no line %d", h.Order, no)
	return &lineLedger{}
}

func (c *checker) each(h order.Head, lines []order.LineQty, f func(l *lineLedger, n int64)) {
	for _, q := range lines {
		l := c.line(h, q.Line)
		f(l, q.Qty)
		c.adds(h, q.Line, l)
	}
}

// adds holds a line against its law: its parts are within what is open.
func (c *checker) adds(h order.Head, no int, l *lineLedger) {
	if l.open() < 0 || l.known() > l.open() || min(l.reserved, l.allocated, l.picked, l.packed, l.backordered) < 0 {
		c.fails("order %s, line %d does not add up: %+v", h.Order, no, *l)
	}
}

func accept(l order.AcceptedLine) *lineLedger { return &lineLedger{item: l.Item, ordered: l.Ordered} }

// orderEvent follows an order.
func (c *checker) orderEvent(e event.Event) {
	switch e := e.(type) {
	case order.Accepted:
		o := &orderLedger{scope: e.Scope, lines: map[int]*lineLedger{}, shipBy: e.Dates.ShipBy, all: e.Policy == order.AllOrNothing}
		for _, l := range e.Lines {
			o.lines[l.No] = accept(l)
		}
		if old := c.orders[e.Stream()]; old != nil && !old.refused || c.isPast(e.Stream()) {
			c.fails("order %s was accepted twice", e.Order)
		} else if old == nil {
			c.placed++
		}
		c.orders[e.Stream()] = o
	case order.Rejected:
		if c.orders[e.Stream()] == nil {
			c.placed++
		}
		c.orders[e.Stream()] = &orderLedger{refused: true}
	case order.LineHeld:
		c.line(e.Head, e.Line).held = true
	case order.LineReleased:
		l := c.line(e.Head, e.Line)
		l.held, l.item, l.ordered = false, e.Item, e.Ordered
	case order.Changed:
		c.changed(e.Head, e.Lines)
		for _, l := range e.Added {
			c.orders[e.Stream()].lines[l.No] = accept(l)
		}
		if slices.Contains(e.Fields, order.FieldDates) {
			c.moveCutOff(e.Head, e.Dates.ShipBy)
		}
	case order.SplitInto:
		c.changed(e.Head, e.Lines)
	case order.MergedInto:
		c.orders[e.Stream()].merged = true
		c.changed(e.Head, e.Lines)
	case order.MergedFrom:
		for _, l := range e.Lines {
			c.orders[e.Stream()].lines[l.No] = accept(l.AcceptedLine)
		}
		c.moveCutOff(e.Head, e.Dates.ShipBy)
	case order.Cancelled:
		for _, x := range e.Lines {
			l := c.line(e.Head, x.Line)
			l.held = false
			l.cancelled += x.Qty
			l.reserved -= x.Release
			l.allocated -= x.Deallocate
			l.picked -= x.PutBack
			l.packed -= x.Unpack
			l.backordered -= x.Backordered
			c.adds(e.Head, x.Line, l)
		}
	case order.CutOffMissed:
		delete(c.late, e.Stream())
		if o := c.orders[e.Stream()]; o != nil {
			o.missed = true
		}
	case order.Reserved:
		c.each(e.Head, e.Lines, func(l *lineLedger, n int64) { l.reserved += n })
	case order.Unreserved:
		c.each(e.Head, e.Lines, func(l *lineLedger, n int64) { l.reserved -= n })
	case order.Backordered:
		c.each(e.Head, e.Lines, func(l *lineLedger, n int64) { l.backordered += n })
	case order.BackorderReleased:
		c.each(e.Head, e.Lines, func(l *lineLedger, n int64) { l.backordered -= n })
	case order.Allocated:
		c.each(e.Head, e.Lines, func(l *lineLedger, n int64) { l.allocated += n; l.reserved -= n })
	case order.Deallocated:
		c.each(e.Head, e.Lines, func(l *lineLedger, n int64) {
			l.allocated -= n
			if e.Keep {
				l.reserved += n
			}
		})
	case order.Picked:
		c.each(e.Head, e.Lines, func(l *lineLedger, n int64) { l.picked += n; l.allocated -= n })
	case order.Packed:
		c.each(e.Head, e.Lines, func(l *lineLedger, n int64) { l.packed += n; l.picked -= n })
	case order.Shorted:
		c.shorted(e)
	case order.Shipped:
		c.shipped(e)
	}
}

func (c *checker) changed(h order.Head, lines []order.ChangedLine) {
	for _, x := range lines {
		l := c.line(h, x.Line)
		l.ordered = x.Ordered
		l.reserved -= x.Release
		l.allocated -= x.Deallocate
		l.backordered -= x.Backordered
		c.adds(h, x.Line, l)
	}
}

// moveCutOff gives an order another cut-off, which it has not missed.
func (c *checker) moveCutOff(h order.Head, to time.Time) {
	if o := c.orders[h.Stream()]; !o.shipBy.Equal(to) {
		o.shipBy, o.missed = to, false
	}
}

func (c *checker) shorted(e order.Shorted) {
	c.each(e.Head, []order.LineQty{{Line: e.Line, Qty: e.Qty}}, func(l *lineLedger, n int64) {
		switch e.From {
		case order.FromReserved:
			l.reserved -= n
		case order.FromAllocated:
			l.allocated -= n
		case order.FromBackordered:
			l.backordered -= n
		}
		switch e.Then {
		case order.Wait:
			l.backordered += n
		case order.Close:
			l.short += n
		}
	})
}

func (c *checker) shipped(e order.Shipped) {
	c.each(e.Head, e.Lines, func(l *lineLedger, n int64) { l.shipped += n; l.packed -= n })
	o := c.orders[e.Stream()]
	o.lastShip = e.At
	if !o.all {
		return
	}
	for no, l := range o.lines {
		if l.backordered > 0 {
			c.fails("order %s ships whole or not at all, and line %d waits", e.Order, no)
		}
	}
}

// closes notes the end of an order.
func (c *checker) closes(stream string) {
	o := c.orders[stream]
	if o == nil || o.refused {
		return
	}
	for _, l := range o.lines {
		if l.held || l.open() > 0 {
			return
		}
	}
	c.ended++
	c.sums.add(o)
	if !o.shipBy.IsZero() && !o.merged && o.lastShip.After(o.shipBy) && !o.missed {
		c.late[stream] = o.shipBy
	}
	delete(c.orders, stream)
	c.end(stream)
}

// ordersAtEnd: every line is shipped, short, cancelled or waits; nothing missed its cut-off
// without a word.
func (c *checker) ordersAtEnd() {
	held := map[string]int64{} // for orders, by book
	for _, key := range slices.Sorted(maps.Keys(c.orders)) {
		o := c.orders[key]
		waits := false
		for _, l := range o.lines {
			waits = waits || l.backordered > 0
		}
		for _, no := range slices.Sorted(maps.Keys(o.lines)) {
			l := o.lines[no]
			held[o.scope.Book(l.item)] += l.reserved + l.allocated
			whole := o.all && waits
			if left := l.open() - l.backordered; left != 0 && !whole && !l.held && !c.r.floor.onHold(key) {
				c.fails("%s, line %d ends with %d of %d neither shipped nor short, cancelled or backordered: %+v", key, no, left, l.ordered, *l)
			}
		}
		if !o.shipBy.IsZero() && !o.refused && !o.merged && c.r.now.After(o.shipBy) && !o.missed {
			c.fails("%s missed its cut-off at %s and nobody said so", key, o.shipBy)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.late)) {
		c.fails("%s left after its cut-off at %s and nobody said so", key, c.late[key])
	}
	// Reservations that are of no order have ended by now.
	for _, name := range slices.Sorted(maps.Keys(c.books)) {
		b := c.books[name]
		if n := b.accounts[inventory.Promised] + b.allocated; n != held[name] {
			c.fails("%s: the books hold %d back for orders, and orders count on %d", name, n, held[name])
		}
	}
}

// taskLedger is a task as its events tell it.
type taskLedger struct {
	head   task.Head
	kind   string
	steps  []task.Step
	left   []int64
	worker string
	until  time.Time
	claims int
}

func (c *checker) taskOf(h task.Head) *taskLedger {
	t := c.tasks[h.Stream()]
	if t == nil {
		c.fails("there is no task %s", h.Task)
		t = &taskLedger{head: h}
		c.tasks[h.Stream()] = t
	}
	return t
}

// claims is the number of the claim that a task stands at.
func (c *checker) claims(key string) int {
	if t := c.tasks[key]; t != nil {
		return t.claims
	}
	return 0
}

func (c *checker) taskCreated(e task.Created) {
	if c.tasks[e.Stream()] != nil || c.isPast(e.Stream()) {
		c.fails("task %s was made twice", e.Task)
	}
	t := &taskLedger{head: e.Head, kind: e.Kind, steps: e.Steps, left: make([]int64, len(e.Steps))}
	for i, s := range e.Steps {
		t.left[i] = s.Qty
	}
	c.tasks[e.Stream()] = t
}

func (c *checker) taskClaimed(e task.Claimed) {
	t := c.taskOf(e.Head)
	if t.worker != "" && e.At.Before(t.until) {
		c.fails("task %s is claimed by %s, and %s holds it until %s", e.Task, e.Worker, t.worker, t.until)
	}
	t.worker, t.until, t.claims = e.Worker, e.Until, e.Claim
}

// takenBack takes a task back from who holds it.
func (c *checker) takenBack(h task.Head, who string, claim int) {
	t := c.taskOf(h)
	if t.worker != who || t.claims != claim {
		c.fails("task %s is taken back from claim %d of %s, and is held by claim %d of %q", h.Task, claim, who, t.claims, t.worker)
	}
	t.worker = ""
}

func (c *checker) taskEnded(h task.Head) {
	if c.isPast(h.Stream()) {
		c.fails("task %s ends twice", h.Task)
		return
	}
	c.taskOf(h)
	delete(c.tasks, h.Stream())
	c.end(h.Stream())
}

// picked holds a pick against its task: nothing is fetched twice, or by nobody.
func (c *checker) picked(h pick.Head, step int, qty, missing int64) {
	t := c.tasks[task.StreamOf(h.Scope, h.Task)]
	if t == nil || step < 1 || step > len(t.left) {
		c.fails("a pick of step %d, which task %s does not have", step, h.Task)
		return
	}
	t.left[step-1] -= qty + missing
	if t.left[step-1] < 0 {
		c.fails("step %d of task %s was fetched twice: %d too many", step, h.Task, -t.left[step-1])
	}
	if t.worker == "" {
		c.fails("task %s is picked by nobody who holds it", h.Task)
	}
}

// dropped takes steps out of a task: nobody fetches them any more.
func (c *checker) dropped(e pick.Dropped) {
	t := c.tasks[task.StreamOf(e.Scope, e.Task)]
	for _, st := range e.Steps {
		if t == nil || st.No < 1 || st.No > len(t.left) || t.left[st.No-1] != st.Qty {
			c.fails("step %d of task %s is dropped with %d, which is not what is left of it", st.No, e.Task, st.Qty)
			return
		}
		t.left[st.No-1] = 0
	}
}

func (c *checker) tasksAtEnd() {
	for _, key := range slices.Sorted(maps.Keys(c.tasks)) {
		t := c.tasks[key]
		c.fails("task %s (%s) never ends", t.head.Task, t.kind)
	}
}

// cartonLedger is a carton from its closing to the dock.
type cartonLedger struct {
	order   string
	stream  string // of the order
	carrier string
	label   string
	with    string // the load or manifest that took it
	left    bool   // before it had its label
}

func (c *checker) cartonClosed(e pack.CartonClosed) {
	if c.cartons[e.Carton] != nil || c.isPast(e.Carton) {
		c.fails("carton number %s is given twice", e.Carton)
	}
	c.cartons[e.Carton] = &cartonLedger{order: e.Order, stream: order.StreamOf(e.Scope, e.Order)}
}

func (c *checker) labelBought(e label.Bought) {
	if x := c.cartons[e.Carton]; x != nil {
		x.label, x.carrier = e.Tracking, e.Carrier
	} else if c.isPast(e.Carton) {
		c.fails("carton %s has left and gets another label, %s", e.Carton, e.Tracking)
	}
}

// took holds what a truck takes along: a carton goes with one, and has its label.
func (c *checker) took(with, sscc string) {
	x := c.cartons[sscc]
	switch {
	case c.r.cfg.Fork != nil: // which may have begun under other terms
	case x == nil:
		c.fails("%s takes carton %s, which has left or was never closed", with, sscc)
	case x.with != "":
		c.fails("%s takes carton %s, which %s took", with, sscc, x.with)
	case x.label == "":
		c.fails("%s takes carton %s, which has no label", with, sscc)
	default:
		x.with = with
		c.r.floor.carrier.goes(x.label)
	}
}

func (c *checker) confirmed(e ship.Confirmed) {
	for _, m := range e.Cartons {
		x := c.cartons[m.Carton]
		switch {
		case x == nil && c.isPast(m.Carton) || x != nil && x.left:
			c.fails("carton %s is shipped twice", m.Carton)
			continue
		case x == nil:
			c.fails("carton %s leaves, and nobody closed it", m.Carton)
			continue
		}
		if x.with == "" && c.r.cfg.Fork == nil && c.r.leaves(x.carrier) != routes.AtLabel {
			c.fails("carton %s is confirmed, and no truck took it", m.Carton)
		}
		x.left = true
		if c.r.floor.carrier.takes(x.label) {
			delete(c.cartons, m.Carton)
			c.end(m.Carton)
		}
		if x.order != e.Order {
			c.fails("carton %s of order %s leaves with order %s", m.Carton, x.order, e.Order)
		}
	}
}

// cartonsAtEnd: the carrier has a label for each carton that left, or waits with an order on hold, for each
// that was bought on request, and for no other.
func (c *checker) cartonsAtEnd() {
	standing := map[string]bool{}
	for _, l := range c.r.floor.carrier.sold {
		standing[l.TrackingNumber] = true
	}
	for _, key := range slices.Sorted(maps.Keys(c.cartons)) {
		x := c.cartons[key]
		if x.with != "" {
			c.fails("carton %s of order %s went with %s, and nobody confirmed it", key, x.order, x.with)
		}
		if x.left != standing[x.label] && (x.left || !c.r.floor.onHold(x.stream)) {
			c.fails("carton %s of order %s left: %v, and its label %q stands at the carrier: %v", key, x.order, x.left, x.label, standing[x.label])
		}
		delete(standing, x.label)
	}
	for _, key := range slices.Sorted(maps.Keys(c.parcels)) {
		if !standing[c.parcels[key]] {
			c.fails("label %s of %s does not stand at the carrier", c.parcels[key], key)
		}
		delete(standing, c.parcels[key])
	}
	for _, number := range slices.Sorted(maps.Keys(standing)) {
		c.fails("label %s stands at the carrier and is nobody's", number)
	}
	if ref := c.r.floor.carrier.twice; ref != "" {
		c.fails("the carrier sold a second label under %s while the first stood", ref)
	}
}

func streamOf(s scope.Scope, owner, number string) string {
	return order.StreamOf(scope.Scope{Tenant: s.Tenant, Owner: owner, Facility: s.Facility}, number)
}

// waved begins a wave: it ends with the last of its orders.
func (c *checker) waved(e wave.Planned) {
	open := map[string]bool{}
	for _, of := range e.Orders {
		key := streamOf(e.Scope, of.Owner, of.Order)
		if c.orders[key] == nil && !c.isPast(key) {
			c.fails("wave %s has order %s, which nobody placed", e.Wave, of.Order)
		}
		open[key] = true
	}
	c.waves[e.Stream()] = open
}

// wavesAtEnd: a wave stays open for an order that waits whole, and for nothing else.
func (c *checker) wavesAtEnd() {
	for _, key := range slices.Sorted(maps.Keys(c.waves)) {
		waits := false
		for of := range c.waves[key] {
			if o := c.orders[of]; o != nil {
				for _, l := range o.lines {
					waits = waits || o.all && l.backordered > 0
				}
			}
			waits = waits || c.r.floor.onHold(of)
		}
		if !waits {
			c.fails("%s never ends", key)
		}
	}
}

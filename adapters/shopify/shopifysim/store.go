package shopifysim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The states of fulfilment orders and of what is asked about them.
const (
	open, inProgress, onHold, closedFO, cancelled, incomplete, scheduled                              = "OPEN", "IN_PROGRESS", "ON_HOLD", "CLOSED", "CANCELLED", "INCOMPLETE", "SCHEDULED"
	unsubmitted, submitted, accepted, rejected, cancelAsked, cancelAccepted, cancelRejected, closedRq = "UNSUBMITTED", "SUBMITTED", "ACCEPTED", "REJECTED", "CANCELLATION_REQUESTED", "CANCELLATION_ACCEPTED", "CANCELLATION_REJECTED", "CLOSED"
)

type store struct {
	serial    int64
	orders    []*order
	work      map[string]*fulfilmentOrder
	fulfils   map[string]*fulfilment
	places    []*place
	items     []*item
	byID      map[string]*item   // by its id and its variant's
	bySKU     map[string][]*item // by the SKU in lower case
	keys      map[string]string  // of @idempotent, to what was asked under them
	answers   map[string]any
	subs      []*subscription
	bulks     []*bulk
	orderName int
}

type place struct {
	id, name string
	service  bool
	inactive bool
}

type item struct {
	at                               int // among the items
	id, variant, product, sku, title string
	levels                           map[string]map[string]int // by place, then by name
}

type order struct {
	id, name, email, phone, note          string
	created, updated, closed, cancelledAt time.Time
	reason, financial                     string
	tags                                  []any
	test                                  bool
	to                                    map[string]any
	lines                                 []*orderLine
	work                                  []*fulfilmentOrder
	fulfils                               []*fulfilment
	nFulfil                               int
}

type orderLine struct {
	id, title, sku, variant string
	quantity, current       int
	ships                   bool
	item                    *item
}

type fulfilmentOrder struct {
	id               string
	order            *order
	status, request  string
	created, updated time.Time
	fulfillAt, by    time.Time
	place            *place
	lines            []*workLine
	holds            []*hold
	fulfils          []*fulfilment
	requests         []obj
	rest             *fulfilmentOrder // split off by a hold of a part
	method           string
}

type workLine struct {
	id               string
	line             *orderLine
	total, remaining int
}

type hold struct{ id, handle, reason, notes, external string }

type fulfilment struct {
	id, name, status string
	order            *order
	work             []*fulfilmentOrder
	created, updated time.Time
	numbers, urls    []string
	company          string
	lines            []fulfilled
	place            *place
	event            string
	events           []obj // oldest first
}

type fulfilled struct {
	id   string
	line *workLine
	qty  int
}

type subscription struct {
	id, topic, uri   string
	created, updated time.Time
}

func (s *store) init(service bool) {
	s.work, s.fulfils, s.keys, s.answers = map[string]*fulfilmentOrder{}, map[string]*fulfilment{}, map[string]string{}, map[string]any{}
	s.serial, s.orderName = 7_000_000, 1000
	s.places = []*place{{id: s.gid("Location"), name: "Warehouse", service: service}}
}

// gid is a new id of a kind.
func (s *store) gid(kind string) string {
	s.serial++
	return "gid://shopify/" + kind + "/" + strconv.FormatInt(s.serial, 10)
}

// digits are the number at the end of an id.
func digits(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

func (s *store) order(id string) *order {
	for _, o := range s.orders {
		if o.id == id {
			return o
		}
	}
	return nil
}

func (s *store) place(id string) *place {
	for _, p := range s.places {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (s *store) item(id string) *item {
	return s.byID[id]
}

func (s *store) itemOf(sku string) *item {
	if of := s.bySKU[strings.ToLower(sku)]; sku != "" {
		for _, i := range of {
			if i.sku == sku {
				return i
			}
		}
	}
	return nil
}

// candidates are the items among which those lie that fit a search: those of its SKUs, where each
// alternative names one, else all.
func (s *store) candidates(query string) []*item {
	var some []*item
	for _, all := range alternatives(query) {
		i := slices.IndexFunc(all, func(t term) bool { return t.name == "sku" && t.want != "" })
		if i < 0 {
			return s.items
		}
		some = append(some, s.bySKU[strings.ToLower(all[i].want)]...)
	}
	slices.SortFunc(some, func(a, b *item) int { return a.at - b.at })
	return slices.Compact(some)
}

// stock makes an item known. Searches ignore the case of a SKU, so it is found without.
func (s *store) stock(i *item) {
	if s.byID == nil {
		s.byID, s.bySKU = map[string]*item{}, map[string][]*item{}
	}
	i.at = len(s.items)
	s.items = append(s.items, i)
	s.byID[i.id], s.byID[i.variant] = i, i
	sku := strings.ToLower(i.sku)
	s.bySKU[sku] = append(s.bySKU[sku], i)
}

// add changes a named quantity of an item at a place, and those that are sums of it.
func (i *item) add(p *place, name string, delta int) {
	if i == nil || p == nil {
		return
	}
	if i.levels[p.id] == nil {
		return
	}
	l := i.levels[p.id]
	l[name] += delta
	switch name {
	case "available", "committed", "reserved", "damaged", "safety_stock", "quality_control":
		l["on_hand"] += delta
	case "on_hand":
		l["available"] += delta
	}
}

// newOrder places an order whose lines all lie at one place.
func (s *Sim) newOrder(o *order, at *place, now time.Time) *order {
	st := &s.store
	st.orderName++
	o.id, o.name = st.gid("Order"), fmt.Sprintf("#%d", st.orderName)
	o.created, o.updated = now, now
	if o.financial == "" {
		o.financial = "PAID"
	}
	fo := &fulfilmentOrder{
		id: st.gid("FulfillmentOrder"), order: o, status: open, request: unsubmitted, created: now, updated: now, fulfillAt: now.Truncate(time.Hour), place: at, method: "Standard",
	}
	for _, l := range o.lines {
		l.id, l.current = st.gid("LineItem"), l.quantity
		if l.item = st.itemOf(l.sku); l.item != nil {
			l.variant = l.item.variant
		}
		fo.lines = append(fo.lines, &workLine{id: st.gid("FulfillmentOrderLineItem"), line: l, total: l.quantity, remaining: l.quantity})
		l.item.add(at, "available", -l.quantity)
		l.item.add(at, "committed", l.quantity)
	}
	o.work = []*fulfilmentOrder{fo}
	st.work[fo.id] = fo
	st.orders = append(st.orders, o)
	s.tell("orders/create", o, nil)
	s.tell("fulfillment_orders/order_routing_complete", o, fo)
	return o
}

// touch notes that something about a fulfilment order changed.
func (s *Sim) touch(f *fulfilmentOrder) {
	f.updated, f.order.updated = s.now(), s.now()
}

// shut ends a fulfilment order whose lines are done.
func (f *fulfilmentOrder) shut() {
	for _, l := range f.lines {
		if l.remaining > 0 {
			if f.status == open || f.status == inProgress {
				f.status = inProgress
			}
			return
		}
	}
	f.status = closedFO
	if f.request != unsubmitted {
		f.request = closedRq
	}
}

func (o *order) display() string {
	total, left := 0, 0
	asked, held := false, false
	for _, f := range o.work {
		for _, l := range f.lines {
			total += l.total
			if f.status != cancelled {
				left += l.remaining
			}
		}
		asked = asked || f.status == inProgress
		held = held || f.status == onHold
	}
	switch {
	case total > 0 && left == 0:
		return "FULFILLED"
	case left < total:
		return "PARTIALLY_FULFILLED"
	case asked:
		return "IN_PROGRESS"
	case held:
		return "ON_HOLD"
	}
	return "UNFULFILLED"
}

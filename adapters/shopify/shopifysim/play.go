package shopifysim

import (
	"slices"
	"time"
)

// What a person does at the shop. Each is told by webhooks.

// Line is a line of an order that a buyer places.
type Line struct {
	SKU string
	Qty int
}

// Buyer is who an order goes to; the zero Buyer lives in Reno.
type Buyer struct{ First, Last, Address, City, Province, Zip, Country, Email string }

// Placed names what a purchase became.
type Placed struct{ Order, Name, Work string }

// Stock makes an item known with so many units at the shop's place.
func (s *Sim) Stock(sku string, qty int) (itemID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := &item{id: s.store.gid("InventoryItem"), variant: s.store.gid("ProductVariant"), product: s.store.gid("Product"), sku: sku, title: sku}
	it.levels = map[string]map[string]int{s.store.places[0].id: {"available": qty, "on_hand": qty}}
	s.store.stock(it)
	return it.id
}

// Location is the id of the shop's place.
func (s *Sim) Location() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.places[0].id
}

// Buy places an order. At a fulfilment service it is asked for at once.
func (s *Sim) Buy(b Buyer, lines ...Line) Placed {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.hooks.wake()
	if b == (Buyer{}) {
		b = Buyer{"Jane", "Doe", "1 Main St", "Reno", "NV", "89501", "US", "jane@example.com"}
	}
	o := &order{email: b.Email, to: map[string]any{
		"firstName": b.First, "lastName": b.Last, "address1": b.Address, "city": b.City, "provinceCode": b.Province, "zip": b.Zip, "countryCode": b.Country,
	}}
	for _, l := range lines {
		o.lines = append(o.lines, &orderLine{title: l.SKU, sku: l.SKU, quantity: l.Qty, ships: true})
	}
	p := s.store.places[0]
	s.newOrder(o, p, s.now())
	fo := o.work[0]
	if p.service {
		fo.request = submitted
		s.tell("fulfillment_orders/fulfillment_request_submitted", o, fo)
	}
	return Placed{o.id, o.name, fo.id}
}

// Work is a fulfilment order as it stands.
type Work struct {
	ID, Status, Request string
	Total, Remaining    map[string]int // by SKU
	Holds               int
}

// Look is a fulfilment order as it stands; false is none.
func (s *Sim) Look(work string) (Work, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.store.work[work]
	if f == nil {
		return Work{}, false
	}
	w := Work{f.id, f.status, f.request, map[string]int{}, map[string]int{}, len(f.holds)}
	for _, l := range f.lines {
		w.Total[l.line.sku] += l.total
		w.Remaining[l.line.sku] += l.remaining
	}
	return w, true
}

// at does something to a fulfilment order, and tells of it by a topic.
func (s *Sim) at(work, topic string, do func(*fulfilmentOrder)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.hooks.wake()
	if f := s.store.work[work]; f != nil {
		do(f)
		s.touch(f)
		s.tell(topic, f.order, f)
	}
}

// Hold stops a fulfilment order, Release lets it go on.
func (s *Sim) Hold(work, reason string) {
	s.at(work, "fulfillment_orders/placed_on_hold", func(f *fulfilmentOrder) {
		f.holds = append(f.holds, &hold{id: s.store.gid("FulfillmentHold"), reason: reason})
		f.status = onHold
	})
}

// Release takes all holds away.
func (s *Sim) Release(work string) {
	s.at(work, "fulfillment_orders/hold_released", func(f *fulfilmentOrder) { f.holds, f.status = nil, open })
}

// AskBack asks whether a fulfilment order can still be stopped.
func (s *Sim) AskBack(work string) {
	s.at(work, "fulfillment_orders/cancellation_request_submitted", func(f *fulfilmentOrder) { f.request = cancelAsked })
}

// Edit gives a line another quantity, 0 takes it out.
func (s *Sim) Edit(work, sku string, qty int) {
	s.at(work, "orders/edited", func(f *fulfilmentOrder) {
		for _, l := range f.lines {
			if l.line.sku == sku {
				done := l.total - l.remaining
				l.total, l.line.current = qty, qty
				l.remaining = max(0, qty-done)
			}
		}
		f.lines = slices.DeleteFunc(f.lines, func(l *workLine) bool { return l.total == 0 })
	})
}

// Move sends the order to another address.
func (s *Sim) Move(work, street string) {
	s.at(work, "orders/updated", func(f *fulfilmentOrder) { f.order.to["address1"] = street })
}

// Cancel cancels an order.
func (s *Sim) Cancel(orderID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.hooks.wake()
	if o := s.store.order(orderID); o != nil {
		s.cancelOrder(o, "CUSTOMER", true)
	}
}

func (s *Sim) cancelOrder(o *order, reason string, restock bool) {
	now := s.now()
	o.cancelledAt, o.closed, o.updated, o.reason = now, now, now, reason
	for _, f := range o.work {
		if f.status == closedFO || f.status == cancelled {
			continue
		}
		for _, l := range f.lines {
			if restock {
				l.line.item.add(f.place, "committed", -l.remaining)
				l.line.item.add(f.place, "available", l.remaining)
			}
		}
		f.status = closedFO
		s.touch(f)
		s.tell("fulfillment_orders/cancelled", o, f)
	}
	s.tell("orders/cancelled", o, nil)
}

// Fulfilled is a shipment that the shop was told of.
type Fulfilled struct {
	ID, Order, Work, Status string
	Numbers                 []string
	Company                 string
	Lines                   map[string]int // by SKU
	At                      time.Time
}

// Truth is what really happened.
type Truth struct {
	Orders  int
	Shipped []Fulfilled
	OnHand  map[string]int
	Calls   map[Op]int
	Hooks   int // webhooks that were answered with success
}

// Truth is a copy of the ground truth.
func (s *Sim) Truth() Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := Truth{Orders: len(s.store.orders), OnHand: map[string]int{}, Calls: s.AllCalls(), Hooks: s.hooks.taken}
	for _, o := range s.store.orders {
		for _, f := range o.fulfils {
			x := Fulfilled{ID: f.id, Order: o.name, Status: f.status, Numbers: slices.Clone(f.numbers), Company: f.company, Lines: map[string]int{}, At: f.created}
			for _, w := range f.work {
				x.Work = w.id
			}
			for _, l := range f.lines {
				x.Lines[l.line.line.sku] += l.qty
			}
			t.Shipped = append(t.Shipped, x)
		}
	}
	for _, i := range s.store.items {
		for _, l := range i.levels {
			t.OnHand[i.sku] += l["on_hand"]
		}
	}
	return t
}

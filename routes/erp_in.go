package routes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

func erpHints(name string) string { return "erp-hints." + name }

// erpIn is the queue of what was read of an ERP, [erpOut] that of what it is told. Between routes and
// adapter is nothing else: whatever holds the two queues holds the adapter.
func erpIn(name string) string         { return "erp-in." + name }
func erpDecides(name string) string    { return "erp.orders." + name }
func erpPollKey(name string) string    { return "erp-poll/" + name }
func erpAskKey(name, n string) string  { return "erp-asked/" + scope.Join(name, n) }
func erpWorkKey(name, n string) string { return "erp-work/" + scope.Join(name, n) }

// Messages of what is read of ERPs.
const (
	cmdERPPoll = "erp.Poll" // look for all that changed
	cmdERPRead = "erp.Read" // read one delivery
	cmdERPLook = "erp.Look" // read one again, of which nothing more may be heard
	erpRead    = "erp.DeliveryRead"
)

// erpFeed is one of the lists of an ERP that are looked through: of outbound deliveries, or of inbound ones.
type erpFeed struct {
	poll, read, look string // its messages
	timers           string // what the ids of its timers begin with
	key              string // how far it was looked through
	decides          string // the route that what is read goes to
	asked            func(number string) string
	changed          func(ctx context.Context, since time.Time, after string) (erp.Page, error)
	ours             func(place string) bool
}

// outbound are the deliveries that become orders.
func (c ERPConfig) outbound() erpFeed {
	return erpFeed{
		poll: cmdERPPoll, read: cmdERPRead, look: cmdERPLook, key: erpPollKey(c.Name), decides: erpDecides(c.Name), changed: c.Source.Changed,
		asked: func(number string) string { return erpAskKey(c.Name, number) },
		ours: func(point string) bool {
			_, ours := c.ours(point)
			return ours
		},
	}
}

// erpSource is the door that orders of ERPs name as their source, and the reason for which one waits for its ERP.
const erpSource = "erp"

// queueFull is how long a look waits before its next page, where the queue is too long.
const queueFull = 10 * time.Second

// readERP is a delivery as it was read. The address travels in the record's sealed group.
type readERP struct {
	At time.Time `json:"at"`
	erp.Work
}

// erpAsked is the version of a delivery that was read last.
type erpAsked struct {
	Version string `json:"version"`
}

// erpWork is what is known of a delivery: as it was decided on last.
type erpWork struct {
	At     time.Time `json:"at"`               // when it was read
	Placed bool      `json:"placed,omitempty"` // it is an order here
	Asks   string    `json:"asks,omitempty"`   // hash of what it asks for
}

// ours reports whether deliveries of a shipping point leave from one of our buildings, and from which.
func (c ERPConfig) ours(point string) (facility string, ok bool) {
	if len(c.Points) == 0 {
		return c.Facility, true
	}
	facility, ok = c.Points[point]
	return facility, ok
}

func (c *ERPConfig) readDefaults() error {
	c.Poll = cmp.Or(c.Poll, 2*time.Minute)
	c.Overlap = cmp.Or(c.Overlap, 36*time.Hour)
	c.First = cmp.Or(c.First, 14*24*time.Hour)
	c.Look = cmp.Or(c.Look, time.Hour)
	c.Queue = cmp.Or(c.Queue, 50_000)
	return scope.Scope{Tenant: c.Tenant, Owner: c.Owner, Facility: c.Facility}.Validate()
}

// addSources hosts what reads deliveries and makes orders of them.
func (e *erps) addSources(h *Hub) error {
	for _, c := range e.all {
		if c.Source == nil && c.Receiver == nil {
			continue
		}
		if err := h.Add(e.reading(c)); err != nil {
			return err
		}
		if c.Source != nil {
			for point, facility := range c.Points {
				if err := e.flows.building(facility); err != nil {
					return fmt.Errorf("erp %s: shipping point %s: %w", c.Name, point, err)
				}
			}
			if err := h.Add(e.deciding(c)); err != nil {
				return err
			}
		}
		if c.Receiver != nil {
			for plant, facility := range c.Plants {
				if err := e.flows.building(facility); err != nil {
					return fmt.Errorf("erp %s: plant %s: %w", c.Name, plant, err)
				}
			}
			if err := h.Add(e.announcing(c)); err != nil {
				return err
			}
		}
	}
	return nil
}

// door takes hints that something changed in an ERP, and what people ask about its documents.
func (e *erps) door(outs []string) Route {
	writes := slices.Clone(outs)
	for _, c := range e.all {
		if len(c.feeds()) > 0 {
			writes = append(writes, erpHints(c.Name))
		}
	}
	return Route{
		Name: door.ERPs, About: "hints that something changed in an ERP, and what people ask about its documents, made durable before they are answered", Writes: writes,
		Patterns: []string{eip.NameChannelAdapter, eip.NameRequestReply},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			switch x := m.Value.(type) {
			case erp.Act:
				return e.act(ctx, m, x)
			case erp.Hint:
				i := slices.IndexFunc(e.all, func(c ERPConfig) bool { return c.Name == x.ERP && len(c.feeds()) > 0 })
				if i < 0 {
					return nil, fault.At(door.ERPs, fault.Rejected, "erp", fmt.Errorf("no ERP that is read is named %q", x.ERP))
				}
				out := m.Out()
				for _, f := range e.all[i].feeds() {
					if x.About == "" {
						out.Publish(erpHints(x.ERP), f.poll, x.ERP, poll{})
					} else {
						out.Publish(erpHints(x.ERP), f.read, x.About, toRead{ID: x.About})
					}
				}
				return out, nil
			}
			return nil, wrongCommand(door.ERPs, m.Value)
		},
	}
}

// feeds are the lists of an ERP that are looked through.
func (c ERPConfig) feeds() (all []erpFeed) {
	if c.Source != nil {
		all = append(all, c.outbound())
	}
	if c.Receiver != nil {
		all = append(all, c.inbound())
	}
	return all
}

// reading asks the ERP, and puts what it says into the queue. Nothing is decided here.
func (e *erps) reading(c ERPConfig) Route {
	return Route{
		Name: "in.erp." + c.Name, About: "looks for deliveries that were made or changed, and reads them", Conn: erpConn(c.Name),
		Topics: []string{erpHints(c.Name)}, Start: bus.Now, Writes: []string{erpIn(c.Name), erpHints(c.Name)},
		Waits: true, Parallel: 4, Parking: Parking{Independent: true}, Patterns: []string{eip.NameChannelAdapter, eip.NameBreaker},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			feeds := c.feeds()
			i := slices.IndexFunc(feeds, func(f erpFeed) bool { return m.Type == f.poll || m.Type == f.read || m.Type == f.look })
			if i < 0 {
				return m.Out(), nil // what it asks for is read no more
			}
			if f := feeds[i]; m.Type == f.poll {
				return e.poll(ctx, m, c, f)
			}
			var r toRead
			if err := m.Decode(&r); err != nil {
				return nil, err
			}
			if m.Type == cmdERPRead || m.Type == cmdERPLook {
				return e.read(ctx, m, c, r.ID)
			}
			return e.readArrival(ctx, m, c, r.ID)
		},
	}
}

// poll reads a page of what changed, and asks for the next. The next look is set before the ERP is asked:
// whatever becomes of this one, there is another.
func (e *erps) poll(ctx context.Context, m *Message, c ERPConfig, f erpFeed) (*Out, error) {
	var p poll
	if err := m.Decode(&p); err != nil {
		return nil, err
	}
	key := f.key
	was, st, err := m.polled(ctx, key)
	if err != nil {
		return nil, err
	}
	if p.Since.IsZero() {
		set := m.Out().Timer(f.timers+"next", c.Name, f.poll, m.Now.Add(c.Poll), poll{})
		if was.looking(m.Now, c.Poll) {
			return set, nil
		}
		p.Since = was.since(set, key, st, m.Now, c.First, c.Overlap)
		if err := m.partial(ctx, set); err != nil {
			return nil, err
		}
		if was, st, err = m.polled(ctx, key); err != nil {
			return nil, err
		}
		p.Seen = m.Now // what changes from now on is the next look's
	}
	if m.hub.behind(f.decides) > c.Queue {
		return m.Out().Timer(f.timers+"page", c.Name, f.poll, m.Now.Add(queueFull), p), nil
	}
	page, err := Guard(m.hub, erpConn(c.Name), func() (erp.Page, error) {
		return guarded(func() (erp.Page, error) { return f.changed(ctx, p.Since, p.After) })
	})
	if err != nil {
		return m.lookFailed(ctx, key, err)
	}
	out := m.Out()
	named := map[string]bool{}
	for _, l := range page.Deliveries {
		if !f.ours(l.Point) || named[l.Number] {
			continue
		}
		named[l.Number] = true
		// One that was asked for is not asked for again before it changes: what is wrong with it is one letter.
		if asked, err := anotherVersion(ctx, m, out, f.asked(l.Number), l.Version); err != nil {
			return nil, err
		} else if asked {
			out.Publish(erpHints(c.Name), f.read, l.Number, toRead{ID: l.Number})
		}
	}
	if err := p.turn(page.Next); err != nil {
		return m.lookFailed(ctx, key, err)
	}
	if p.After != "" {
		out.Publish(erpHints(c.Name), f.poll, c.Name, p)
	}
	return out, m.looked(ctx, out, key, was, st, p)
}

// anotherVersion notes the version of a delivery that is read, and reports whether it is another than before.
func anotherVersion(ctx context.Context, m *Message, out *Out, key, version string) (bool, error) {
	st, err := m.State(ctx, key)
	if err != nil {
		return false, err
	}
	var was erpAsked
	if st.Data != nil && json.Unmarshal(st.Data, &was) == nil && version != "" && was.Version == version {
		return false, nil
	}
	out.SetState(key, st, erpAsked{version})
	return true, nil
}

// read hands on a delivery as it stands. As long as its goods issue is not posted it is read again: that it
// was deleted is in no list.
func (e *erps) read(ctx context.Context, m *Message, c ERPConfig, number string) (*Out, error) {
	type found struct {
		erp.Work
		ok bool
	}
	w, err := Guard(m.hub, erpConn(c.Name), func() (found, error) {
		return guarded(func() (found, error) {
			w, ok, err := c.Source.Read(ctx, number)
			return found{w, ok}, err
		})
	})
	out := m.Out()
	k := fault.KindOf(err)
	switch {
	case err != nil && m.Type == cmdERPLook && (k == fault.Rejected || k == fault.Invalid):
		// What is wrong with it came with a change, which was listed: that reading told of it.
		return out.Timer("look/"+number, number, cmdERPLook, m.Now.Add(c.Look), toRead{ID: number}), nil
	case err != nil:
		return nil, err
	}
	if !w.ok {
		w.Work = erp.Work{Listed: erp.Listed{Number: number}, Gone: true}
		w.Order.Number = number
	} else if w.Movement == erp.NotMoved {
		out.Timer("look/"+number, number, cmdERPLook, m.Now.Add(c.Look), toRead{ID: number})
	}
	fresh := true
	if m.Type == cmdERPLook && w.ok {
		if fresh, err = anotherVersion(ctx, m, out, erpAskKey(c.Name, number), w.Version); err != nil {
			return nil, err
		}
	}
	if !fresh {
		return out, nil
	}
	s := scope.Scope{Tenant: c.Tenant, Owner: c.Owner, Facility: c.Facility}
	people, err := json.Marshal(w.Order.ShipTo)
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	w.Order.ShipTo = party.Address{}
	data, err := json.Marshal(readERP{m.Now, w.Work})
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	out.Send(journal.Record{
		Type: erpRead, Topic: erpIn(c.Name), Key: order.KeyOf(s, w.Order.Number), Data: data,
		Subject: order.StreamOf(s, w.Order.Number), Personal: people,
	})
	return out, nil
}

// deciding makes orders of what was read. What the order service refuses is a letter of its own, with the place.
func (e *erps) deciding(c ERPConfig) Route {
	return Route{
		Name: erpDecides(c.Name), About: "places, changes, holds and cancels orders as the ERP's deliveries want them",
		Topics: []string{erpIn(c.Name)}, Types: []string{erpRead}, Writes: []string{onOrders, onInventory, commands},
		Parking: Parking{Independent: true}, Patterns: []string{eip.NameTranslator},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			var w readERP
			if err := m.Decode(&w); err != nil {
				return nil, err
			}
			if len(m.Personal) > 0 {
				if err := json.Unmarshal(m.Personal, &w.Order.ShipTo); err != nil {
					return nil, fault.E(m.route, fault.Invalid, fmt.Errorf("reading the address of %s: %w", w.Number, err))
				}
			}
			out, err := e.decide(ctx, m, c, w, false)
			if k := fault.KindOf(err); err != nil && (k == fault.Rejected || k == fault.Invalid) && !m.moved(ctx) {
				return e.decide(ctx, m, c, w, true)
			}
			return out, err
		},
	}
}

// decide does what a delivery wants. Where that was refused before, it is handed over to the order service,
// whose letter names the place.
func (e *erps) decide(ctx context.Context, m *Message, c ERPConfig, w readERP, handOver bool) (*Out, error) {
	d := e.flows.decide(ctx, m)
	key := erpWorkKey(c.Name, w.Number)
	var st erpWork
	old, known := d.state(key, &st)
	if d.err != nil {
		return nil, d.err
	}
	if known && w.At.Before(st.At) {
		return m.Out(), nil // an older look that came late
	}
	p := w.Order
	p.Scope, p.Policy = scope.Scope{Tenant: c.Tenant, Owner: c.Owner, Facility: c.Facility}, c.Policy
	p.Source = order.Source{Door: erpSource, Partner: c.Name, DocType: "delivery", DocID: w.Number, Cause: m.ID.String()}
	facility, ours := c.ours(w.Point)
	if ours && !w.Gone {
		p.Facility = facility
	}
	svc, mapped := c.Services[p.Service.Method]
	if p.Service = (order.Service{}); mapped {
		p.Service = svc
	}
	hash, err := asks(p)
	if err != nil {
		return nil, err
	}
	d.out.Correlate(order.KeyOf(p.Scope, p.Number))
	o := d.order(p.Scope, p.Number)
	switch open := st.Placed && o.Exists() && !o.Closed(); {
	case d.err != nil:
	case w.Gone, !ours, len(p.Lines) == 0:
		if open {
			why := "it was deleted in " + c.Name
			if !w.Gone {
				why = "nothing of it is asked of us in " + c.Name
			}
			events, err := o.Cancel(order.Cancel{Reason: why, By: erpSource}, m.Now)
			d.onOrder(o.Scope, o.Number, events, err)
		}
	case w.Movement != erp.NotMoved:
		if open {
			return nil, fault.At(m.route, fault.Rejected, w.Number, fmt.Errorf("the goods issue of delivery %s was posted in %s, and order %s is still worked on here: let it go on, or cancel it, and drop this letter", w.Number, c.Name, o.Number))
		}
	case open && o.Scope.Facility != p.Facility:
		return nil, fault.At(m.route, fault.Rejected, w.Number, fmt.Errorf("delivery %s leaves from %s in %s now, and order %s is worked on in %s: cancel the order, and place it there", w.Number, p.Facility, c.Name, o.Number, o.Scope.Facility))
	case !st.Placed, o.Refused && st.Asks != hash:
		st.Placed = true
		d.wanted(p, handOver)
	case st.Asks != hash:
		d.wantedNow(o, p, handOver)
	}
	d.heldBy(p, erpSource, c.Name, w.Blocked != "" && !w.Gone)
	st.At, st.Asks = w.At, hash
	d.out.SetState(key, old, st)
	return d.done()
}

// behind is how far a route lies behind the end of the journal.
func (h *Hub) behind(route string) uint64 {
	for _, l := range h.bus.Lags() {
		if l.Name == route {
			return l.Behind
		}
	}
	return 0
}

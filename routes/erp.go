package routes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// ERPConfig is one connection to an ERP.
type ERPConfig struct {
	Name string // part of the stored format
	Port erp.ERP
	// Owner and Facility are whose orders have a delivery there, and from where; "" is any.
	Owner, Facility string
	// Numbers is which of their orders are named after a delivery; nil is all.
	Numbers *regexp.Regexp
	// Timeout and ResolveAfter are those of [Effect].
	Timeout, ResolveAfter time.Duration

	// Source is the same ERP as one whose deliveries become orders; nil is none.
	Source erp.Source
	// Tenant is whose orders they become, beside Owner and Facility.
	Tenant string
	// Points are the ERP's shipping points by what buildings of ours they are. A delivery from any other
	// is not ours; empty takes all, to Facility.
	Points map[string]string
	Policy string // of its orders: order.Partial where it is ""
	// Services are what the ERP's ways of travelling mean, by their codes; what is not named has none.
	Services map[string]order.Service
	// Poll is how often it is asked what changed: 2 min. Overlap is how far before the last look each
	// begins: 36 h, for an ERP may know days alone, of its own zone. First is how far back the first
	// look goes: 14 days. Look is how often a delivery without goods issue is read again: 1 h.
	Poll, Overlap, First, Look time.Duration
	// Queue is how far what decides on deliveries may lie behind, in records of the journal, before no
	// more are read: 50,000.
	Queue uint64

	// Receiver is the same ERP as one whose inbound deliveries are receipts here; nil is none. Plants are by
	// what buildings of ours the plants are that such deliveries go to; one to any other is not ours, and
	// empty takes all, to Facility.
	Receiver erp.Receiver
	Plants   map[string]string

	// Reverser is the same ERP as one whose goods movements can be taken back; nil is none.
	Reverser erp.Reverser

	// Mover is the same ERP as one that is told of adjustments, of the kinds in Moves ([erp.Gain] and so
	// on); nil is none.
	Mover erp.Mover
	Moves map[string]bool

	// Queued says that what is asked of it goes through its work queue ([QueueOfERP]) before it is done.
	Queued bool
}

// has reports whether an order has a delivery there.
func (c ERPConfig) has(o order.Order) bool {
	return c.ships(o.Scope.Facility) && cmp.Or(c.Owner, o.Scope.Owner) == o.Scope.Owner &&
		(c.Numbers == nil || c.Numbers.MatchString(o.Number))
}

// ships reports whether the ERP's deliveries leave from a building.
func (c ERPConfig) ships(facility string) bool {
	here := cmp.Or(c.Facility, facility) == facility
	for _, other := range c.Points {
		here = here || other == facility
	}
	return here
}

// stocks reports whether the ERP has a stock in a building.
func (c ERPConfig) stocks(facility string) bool {
	here := c.ships(facility)
	for _, other := range c.Plants {
		here = here || other == facility
	}
	return here
}

func erpConn(name string) string { return "erp." + name }
func erpOut(name string) string  { return "erp-out." + name }

// QueueOfERP is the queue of what an ERP is asked for, where it does not come from the journal at once.
func QueueOfERP(name string) WorkQueue {
	return WorkQueue{Name: "erp." + name, From: "erp-queue." + name, To: erpOut(name)}
}

// asks is the topic of what an ERP is asked for.
func (c ERPConfig) asks() string {
	if c.Queued {
		return QueueOfERP(c.Name).From
	}
	return erpOut(c.Name)
}

// Messages of ERPs.
const (
	cmdERPIssue   = "erp.Issue"
	cmdERPReceive = "erp.Receive"
	cmdERPReverse = "erp.Reverse"
	erpTold       = "erp.Told"
)

const stepERP = "issue"

// erpOrder is what an ERP was asked of an order that is closed: of that nothing changes any more.
type erpOrder struct {
	Asked string `json:"asked"` // the key of its goods issue
}

// toldERP is a goods issue, goods receipt or adjustment that an ERP has posted, or taken back.
type toldERP struct {
	ERP     string `json:"erp"`
	Do      string `json:"do"`
	Order   string `json:"order,omitempty"`
	Receipt string `json:"receipt,omitempty"`
	erp.Posted
	// Reason and By are of what was taken back.
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
	// Key and Document are of an adjustment: ours and the ERP's.
	Key      string `json:"key,omitempty"`
	Document string `json:"document,omitempty"`
}

type erps struct {
	flows *Flows
	all   []ERPConfig
}

// AddERPs hosts the connections to ERPs: deliveries become orders and receipts, and once an order has left or
// a receipt is closed, its goods issue or goods receipt is posted.
func AddERPs(h *Hub, f *Flows, configs []ERPConfig) error {
	e := &erps{flows: f}
	var outs []string
	for i, c := range configs {
		if err := scope.CheckName(c.Name); err != nil {
			return fmt.Errorf("erp %s: %w", c.Name, err)
		}
		if c.Facility != "" {
			if err := f.building(c.Facility); err != nil {
				return fmt.Errorf("erp %s: %w", c.Name, err)
			}
		}
		for _, other := range configs[:i] {
			if c.Owner == other.Owner && c.Facility == other.Facility && (c.Numbers == nil || other.Numbers == nil || c.Numbers.String() == other.Numbers.String()) {
				return fmt.Errorf("erps %s and %s are of the same orders", other.Name, c.Name)
			}
		}
		if c.Source != nil || c.Receiver != nil {
			if err := c.readDefaults(); err != nil {
				return fmt.Errorf("erp %s: %w", c.Name, err)
			}
		}
		e.all = append(e.all, c)
		outs = append(outs, c.asks())
		if err := h.AddEffect(e.issuing(c)); err != nil {
			return err
		}
	}
	if len(e.all) == 0 {
		return nil
	}
	if err := e.addSources(h); err != nil {
		return err
	}
	if err := h.Add(e.door(outs)); err != nil {
		return err
	}
	if slices.ContainsFunc(e.all, func(c ERPConfig) bool { return c.Mover != nil }) {
		if err := h.Add(e.moving(outs)); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(e.all, func(c ERPConfig) bool { return c.Receiver != nil }) {
		if err := h.Add(e.receipts(outs)); err != nil {
			return err
		}
	}
	return h.Add(Route{
		Name: "out.erp", About: "goods issues of orders that have left, to the ERP whose delivery an order is",
		Topics: []string{onOrders}, Start: bus.Now, Writes: outs, Patterns: []string{eip.NameFilter, eip.NameRouter},
		// What is open of an order may also be given up after the rest of it has left.
		Types:  takes(order.Shipped{}, order.Shorted{}, order.Cancelled{}, order.Changed{}, order.SplitInto{}, order.MergedInto{}),
		Handle: e.left,
	})
}

// left asks for the goods issue of an order of which nothing is open any more. It goes by how the order
// stands, whatever told of it: a delivery has one goods issue.
func (e *erps) left(ctx context.Context, m *Message) (*Out, error) {
	d := e.flows.decide(ctx, m)
	o := peek(d, e.flows.orders, m.Event.(event.Streamed).Stream())
	if d.err != nil || !o.Closed() || o.Totals().Shipped == 0 {
		return d.done()
	}
	for _, c := range e.all {
		if !c.has(o) {
			continue
		}
		key := scope.Join("erp", c.Name, order.StreamOf(o.Scope, o.Number))
		var was erpOrder
		old, asked := d.state(key, &was)
		switch {
		case d.err != nil, asked:
			return d.done()
		case o.SplitFrom != "" || len(o.Parts) > 0 || merged(o):
			return nil, fault.At(m.route, fault.Rejected, o.Number, fmt.Errorf("order %s was split or merged here, and its delivery in %s was not: post the goods issue there, and drop this letter", o.Number, c.Name))
		}
		d.out.SetState(key, old, erpOrder{m.ID.String()})
		e.askFor(d, c, erpDocument{Document: erp.Document{Do: erp.DoIssue, Number: o.Number}, Stream: order.StreamOf(o.Scope, o.Number), Key: m.Key}, goodsIssueOf(m.ID.String(), o))
		return d.done()
	}
	return d.done()
}

// merged reports whether lines of the order came from another.
func merged(o order.Order) bool {
	for _, l := range o.Lines {
		if l.From != "" {
			return true
		}
	}
	return o.MergedInto != ""
}

func goodsIssueOf(key string, o order.Order) erp.GoodsIssue {
	g := erp.GoodsIssue{Key: key, Order: o.Number, Delivery: o.Number}
	for _, l := range o.Lines {
		g.Lines = append(g.Lines, erp.Line{No: l.No, Ref: l.Ref, Item: l.Item, SKU: l.SKU, Ordered: l.Ordered, Qty: l.Shipped})
	}
	return g
}

// deed is what an ERP is asked for: how it is done, how the ERP is asked whether it was, and what is told of it.
type deed struct {
	ref  string
	do   func(ctx context.Context) ([]byte, error)
	done func(ctx context.Context) ([]byte, bool, error)
	then func(ctx context.Context, m *Message, outcome []byte) (*Out, error)
}

// posting is a deed about a document of a delivery, which stands so once it is done.
func (c ERPConfig) posting(t toldERP, do, number, status string, post func(context.Context) (erp.Posted, error), posted func(context.Context) (erp.Posted, bool, error), then func(m *Message, out *Out) *Out) *deed {
	t.ERP = c.Name
	return &deed{
		ref: number,
		do: func(ctx context.Context) ([]byte, error) {
			p, err := post(ctx)
			if err != nil {
				return nil, err
			}
			return json.Marshal(p)
		},
		done: func(ctx context.Context) ([]byte, bool, error) {
			p, found, err := posted(ctx)
			if err != nil || !found {
				return nil, false, err
			}
			b, err := json.Marshal(p)
			return b, true, err
		},
		then: func(ctx context.Context, m *Message, outcome []byte) (*Out, error) {
			t := t
			if err := json.Unmarshal(outcome, &t.Posted); err != nil {
				return nil, fault.E(m.route, fault.Internal, err)
			}
			out := m.Out().Publish(onExternal, erpTold, m.Key, t)
			if err := c.stands(ctx, m, out, do, number, status, t.Day); err != nil {
				return nil, err
			}
			if then != nil {
				out = then(m, out)
			}
			return out, nil
		},
	}
}

// deedOf is what a message asks an ERP for.
func (c ERPConfig) deedOf(m *Message) (*deed, error) {
	switch m.Type {
	case cmdERPMove:
		var a erp.Adjustment
		if err := m.Decode(&a); err != nil {
			return nil, err
		}
		if c.Mover == nil {
			return nil, fault.E(m.route, fault.Rejected, fmt.Errorf("%s is told of no adjustments any more: name its movements in the configuration, and replay this", c.Name))
		}
		return &deed{
			ref: a.Key,
			do: func(ctx context.Context) ([]byte, error) {
				doc, err := c.Mover.Move(ctx, a)
				return []byte(doc), err
			},
			done: func(ctx context.Context) ([]byte, bool, error) {
				doc, found, err := c.Mover.Moved(ctx, a)
				return []byte(doc), found, err
			},
			then: func(_ context.Context, m *Message, outcome []byte) (*Out, error) {
				return m.Out().Publish(onExternal, erpTold, m.Key, toldERP{ERP: c.Name, Do: a.Kind, Key: a.Key, Document: string(outcome)}), nil
			},
		}, nil
	case cmdERPReceive:
		var g erp.GoodsReceipt
		if err := m.Decode(&g); err != nil {
			return nil, err
		}
		if c.Receiver == nil {
			return nil, fault.E(m.route, fault.Rejected, fmt.Errorf("%s is told of no receipts any more: let the configuration say that it is (receives), and replay this", c.Name))
		}
		return c.posting(toldERP{Do: erp.DoReceipt, Receipt: g.Delivery}, erp.DoReceipt, g.Delivery, erp.Stands,
			func(ctx context.Context) (erp.Posted, error) { return c.Receiver.Receive(ctx, g) },
			func(ctx context.Context) (erp.Posted, bool, error) { return c.Receiver.Received(ctx, g) },
			func(m *Message, out *Out) *Out { return c.stood(m, out, g) }), nil
	case cmdERPReverse:
		var r erp.Reversal
		if err := m.Decode(&r); err != nil {
			return nil, err
		}
		t := toldERP{Do: r.Do + "_reversal", Reason: r.Reason, By: r.By}
		if t.Order = r.Delivery; r.Do == erp.DoReceipt {
			t.Order, t.Receipt = "", r.Delivery
		}
		return c.posting(t, r.Do, r.Delivery, erp.Undone,
			func(ctx context.Context) (erp.Posted, error) { return c.Reverser.Reverse(ctx, r) },
			func(ctx context.Context) (erp.Posted, bool, error) { return c.Reverser.Reversed(ctx, r) }, nil), nil
	}
	var g erp.GoodsIssue
	if err := m.Decode(&g); err != nil {
		return nil, err
	}
	return c.posting(toldERP{Do: erp.DoIssue, Order: g.Order}, erp.DoIssue, g.Delivery, erp.Stands,
		func(ctx context.Context) (erp.Posted, error) { return c.Port.Issue(ctx, g) },
		func(ctx context.Context) (erp.Posted, bool, error) { return c.Port.Issued(ctx, g) }, nil), nil
}

// issuing is the one way by which anything of an ERP is changed.
func (e *erps) issuing(c ERPConfig) (Route, Effect) {
	return Route{
			Name: "out.erp." + c.Name, About: "posts the goods issue or goods receipt of each delivery and each adjustment, once, and takes them back", Conn: erpConn(c.Name),
			Topics: []string{erpOut(c.Name)}, Types: []string{cmdERPIssue, cmdERPMove, cmdERPReceive, cmdERPReverse}, Writes: []string{onExternal, c.asks()}, Patterns: []string{eip.NameChannelAdapter, eip.NameBreaker},
		}, Effect{
			Step: stepERP, Timeout: c.Timeout, ResolveAfter: c.ResolveAfter,
			Plan: func(_ context.Context, m *Message) (*Call, *Out, error) {
				x, err := c.deedOf(m)
				if err != nil {
					return nil, nil, err
				}
				return &Call{Ref: x.ref, Value: x}, nil, nil
			},
			Do:      func(ctx context.Context, call *Call) ([]byte, error) { return call.Value.(*deed).do(ctx) },
			Resolve: func(ctx context.Context, call *Call) ([]byte, bool, error) { return call.Value.(*deed).done(ctx) },
			Then: func(ctx context.Context, m *Message, call *Call, outcome []byte) (*Out, error) {
				return call.Value.(*deed).then(ctx, m, outcome)
			},
		}
}

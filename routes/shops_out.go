package routes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

const stepShop = "tell"

// shipping tells shops what left of their orders: each confirmation once, for each work that its
// lines came from.
func (s *shops) shipping(outs []string) Route {
	return Route{
		Name: "shop.shipments", About: "what left of shops' orders, to the shop it came from, with tracking numbers",
		Topics: []string{onPacks}, Types: takes(ship.Confirmed{}), Start: bus.Now, Writes: outs,
		Patterns: []string{eip.NameFilter, eip.NameRouter},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			e := m.Event.(ship.Confirmed)
			d := s.flows.decide(ctx, m)
			o := peek(d, s.flows.orders, order.StreamOf(e.Scope, e.Order))
			if d.err != nil || o.Source.Door != shopSource {
				return d.done()
			}
			c, err := s.shop(o.Source.Partner)
			if err != nil {
				return nil, err
			}
			for _, sh := range shipmentsOf(o, e) {
				key := shopWorkKey(c.Name, sh.Work)
				var st shopWork
				old, found := d.state(key, &st)
				if d.err != nil {
					break
				}
				if !found {
					return nil, fault.At(m.route, fault.Rejected, sh.Work, fmt.Errorf("order %s has lines of %s, which shop %s was never asked about", o.Number, sh.Work, c.Name))
				}
				for _, l := range sh.Lines {
					st.Told = addTo(st.Told, l.Ref, l.Qty)
					sh.After = append(sh.After, shop.LineQty{Ref: l.Ref, Qty: qtyOf(st.Base, l.Ref) + qtyOf(st.Told, l.Ref)})
				}
				sh.Left = st.Told
				for _, l := range st.Base {
					sh.Left = addTo(sh.Left, l.Ref, l.Qty)
				}
				for i := range sh.Parcels {
					p := &sh.Parcels[i]
					p.Carrier = cmp.Or(d.codeOf(c.Scope.Tenant, c.Name, crossref.Carrier, p.Carrier), p.Carrier)
				}
				sh.Key, sh.Notify = m.ID.String(), c.Notify
				d.out.SetState(key, old, st)
				d.out.Publish(shopOut(c.Name), cmdShopShip, m.Key, sh)
			}
			return d.done()
		},
	}
}

// holding tells shops of orders that wait for a person here, and that they wait no longer. It goes by
// how the order stands, whatever told of it.
func (s *shops) holding(outs []string) Route {
	return Route{
		Name: "shop.holds", About: "that orders of shops wait here and wait no longer, to the shop they came from",
		Topics: []string{onOrders}, Types: takes(order.Held{}, order.HoldLifted{}, order.Released{}), Start: bus.Now, Writes: outs,
		Patterns: []string{eip.NameFilter, eip.NameRouter},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			d := s.flows.decide(ctx, m)
			o := peek(d, s.flows.orders, m.Event.(event.Streamed).Stream())
			if d.err != nil || o.Source.Door != shopSource || o.Closed() {
				return d.done()
			}
			c, err := s.shop(o.Source.Partner)
			if err != nil {
				return nil, err
			}
			if _, ok := c.Port.(shop.Answerer); !ok {
				return m.Out(), nil
			}
			own := slices.DeleteFunc(slices.Clone(o.Holds), func(r string) bool { return r == shopHold })
			for _, id := range worksOf(o) {
				key := shopWorkKey(c.Name, id)
				var st shopWork
				old, found := d.state(key, &st)
				if d.err != nil || !found || st.Held == (len(own) > 0) {
					continue
				}
				a := shop.Answer{Key: m.ID.String(), Work: id, Do: shop.Release}
				if st.Held = len(own) > 0; st.Held {
					a.Do, a.Reason = shop.Hold, strings.Join(own, ", ")
				}
				d.out.SetState(key, old, st)
				d.out.Publish(shopOut(c.Name), cmdShopAnswer, m.Key, a)
			}
			return d.done()
		},
	}
}

// worksOf are the works that lines of an order came from.
func worksOf(o order.Order) []string {
	var ids []string
	for _, l := range o.Lines {
		if number, _, ok := strings.Cut(l.Ref, "/"); ok {
			ids = append(ids, workID(o, number))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// shipmentsOf is what a confirmation says of each work that lines of the order came from.
func shipmentsOf(o order.Order, e ship.Confirmed) []shop.Shipment {
	all := map[string]*shop.Shipment{}
	for _, carton := range e.Cartons {
		seen := map[string]bool{}
		for _, x := range carton.Contents {
			l, _ := o.Line(x.Line)
			number, _, ok := strings.Cut(l.Ref, "/")
			if !ok {
				continue // somebody added it here
			}
			sh := all[number]
			if sh == nil {
				sh = &shop.Shipment{Work: workID(o, number)}
				all[number] = sh
			}
			sh.Lines = addTo(sh.Lines, l.Ref, x.Qty)
			if !seen[number] && carton.Tracking != "" {
				sh.Parcels = append(sh.Parcels, shop.Parcel{Carrier: carton.Carrier, Tracking: carton.Tracking})
			}
			seen[number] = true
		}
	}
	out := make([]shop.Shipment, 0, len(all))
	for _, number := range slices.Sorted(maps.Keys(all)) {
		out = append(out, *all[number])
	}
	return out
}

// workID is the shop's id of the work of a number: of the order's own kind.
func workID(o order.Order, number string) string {
	return o.Source.DocID[:strings.LastIndexByte(o.Source.DocID, '/')+1] + number
}

// toldShop is what a shop took of us.
type toldShop struct {
	Shop  string `json:"shop"`
	Work  string `json:"work"`
	Do    string `json:"do"`
	ID    string `json:"id,omitempty"` // the shop's, of what it made of it
	Order string `json:"order,omitempty"`
	// Items is how many levels were set, Skipped those that the shop does not stock.
	Items   int      `json:"items,omitempty"`
	Skipped []string `json:"skipped,omitempty"`
}

// telling is the one way by which anything of a shop is changed about its orders.
func (s *shops) telling(c ShopConfig) (Route, Effect) {
	return Route{
			Name: "out.shop." + c.Name, About: "tells the shop what left and what becomes of its requests, each once", Conn: shopConn(c.Name),
			Topics: []string{shopOut(c.Name)}, Types: []string{cmdShopShip, cmdShopAnswer}, Writes: []string{onExternal}, Patterns: []string{eip.NameChannelAdapter, eip.NameBreaker},
		}, Effect{
			Step: stepShop, Timeout: c.Timeout, ResolveAfter: c.ResolveAfter,
			Plan: func(_ context.Context, m *Message) (*Call, *Out, error) {
				if m.Type == cmdShopAnswer {
					var a shop.Answer
					err := m.Decode(&a)
					return &Call{Ref: a.Key, Value: a}, nil, err
				}
				var sh shop.Shipment
				err := m.Decode(&sh)
				return &Call{Ref: sh.Key, Value: sh}, nil, err
			},
			Do: func(ctx context.Context, call *Call) ([]byte, error) {
				var id string
				var err error
				switch v := call.Value.(type) {
				case shop.Shipment:
					id, err = c.Port.Ship(ctx, v)
				case shop.Answer:
					err = c.Port.(shop.Answerer).Answer(ctx, v)
				}
				if err != nil {
					return nil, err
				}
				return json.Marshal(id)
			},
			Resolve: func(ctx context.Context, call *Call) ([]byte, bool, error) {
				sh, ok := call.Value.(shop.Shipment)
				if !ok {
					return nil, false, nil // an answer is given again
				}
				id, found, err := c.Port.Shipped(ctx, sh)
				if err != nil || !found {
					return nil, false, err
				}
				b, err := json.Marshal(id)
				return b, true, err
			},
			Then: func(ctx context.Context, m *Message, call *Call, outcome []byte) (*Out, error) {
				d := s.flows.decide(ctx, m)
				t := toldShop{Shop: c.Name, Do: "ship"}
				if err := json.Unmarshal(outcome, &t.ID); err != nil {
					return nil, fault.E(m.route, fault.Internal, err)
				}
				switch v := call.Value.(type) {
				case shop.Shipment:
					t.Work = v.Work
					var st shopWork
					if old, found := d.state(shopWorkKey(c.Name, v.Work), &st); found {
						for _, l := range v.Lines {
							st.Known = addTo(st.Known, l.Ref, l.Qty)
						}
						t.Order = st.Number
						d.out.SetState(shopWorkKey(c.Name, v.Work), old, st)
					}
				case shop.Answer:
					t.Work, t.Do = v.Work, v.Do
				}
				d.out.Publish(onExternal, shopTold, m.Key, t)
				return d.done()
			},
		}
}

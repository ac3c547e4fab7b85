package routes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// ShopStock is what a shop is told of the stock. A shop takes the units of its own orders off what it
// has on hand, so it is told what may be promised and what is promised to its own orders, less Buffer;
// goods that left count until the shop knows that they did.
type ShopStock struct {
	Within time.Duration // how long a change may wait for others; 0 tells no changes
	Every  time.Duration // between two of all there is; 0 is none
	Buffer int64         // units of each item that are kept back
}

func (s ShopStock) told() bool { return s.Within > 0 || s.Every > 0 }

func shopStock(name string) string { return "shop-stock." + name }

// Messages of the stock of shops.
const (
	shopMoved    = "shop.StockMoved" // what changed is due
	shopAll      = "shop.StockDue"   // all there is is due
	cmdShopStock = "shop.Stock"
	stepStock    = "set"
)

// shopItems is how many items one telling holds: what one call to a shop takes.
const shopItems = 250

// stockPlace is a building as a place of a shop, behind the item After.
type stockPlace struct {
	Shop     string `json:"shop"`
	Facility string `json:"facility"`
	After    string `json:"after,omitempty"`
}

func (p stockPlace) key() string   { return scope.Join(p.Shop, p.Facility) }
func (p stockPlace) marks() string { return "shop-moved/" + p.key() + "/" }

func ownKey(shopName, facility, sku string) string {
	return "shop-own/" + scope.Join(shopName, facility, sku)
}

// stocking gathers what changed, and tells it some time after; all there is from time to time. The
// shop's own changes are not listened to: where it differs, the next telling of all sets it right.
func (s *shops) stocking() []Route {
	var topics []string
	for _, name := range slices.Sorted(maps.Keys(s.all)) {
		if s.all[name].Stock.told() {
			topics = append(topics, shopStock(name))
		}
	}
	if len(topics) == 0 {
		return nil
	}
	return []Route{{
		Name: "shop.stock", About: "what may be promised of each item, to the shops that sell it, changes gathered and all of it by schedule",
		Topics: []string{onInventory, onOrders, onExternal}, Start: bus.Now, Writes: topics, Patterns: []string{eip.NameAggregator},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			d := s.flows.decide(ctx, m)
			switch {
			case m.Type == shopMoved || m.Type == shopAll:
				var p stockPlace
				if err := m.Decode(&p); err != nil {
					return nil, err
				}
				s.tellStock(d, p, m.Type == shopAll)
			case m.Type == shopTold:
				var t toldShop
				if err := m.Decode(&t); err != nil {
					return nil, err
				}
				if c, ok := s.all[t.Shop]; ok && t.Order != "" {
					s.own(d, order.StreamOf(c.Scope, t.Order))
				}
			case m.Event == nil:
			case m.Topic == onOrders:
				s.own(d, m.Event.(event.Streamed).Stream())
			default:
				if k, ok := inventory.KeyOf(m.Event); ok {
					s.moved(d, k.Scope, k.Item)
				}
			}
			return d.done()
		},
	}}
}

// moved notes that what may be told of an item changed.
func (s *shops) moved(d *decision, of scope.Scope, sku string) {
	for _, name := range slices.Sorted(maps.Keys(s.all)) {
		c := s.all[name]
		if c.Scope.Owner != of.Owner || !c.Stock.told() {
			continue
		}
		if _, ok := locationOf(s.places(d, c), of.Facility); !ok {
			continue
		}
		p := stockPlace{Shop: name, Facility: of.Facility}
		if c.Stock.Within > 0 {
			key := p.marks() + scope.Join(sku)
			old, _ := d.stored(key)
			d.out.SetState(key, old, sku)
			s.dueIn(d, shopMoved, p, c.Stock.Within)
		}
		if c.Stock.Every > 0 {
			s.dueIn(d, shopAll, p, c.Stock.Every)
		}
	}
}

// locationOf is the shop's place that a building is.
func locationOf(places map[string]string, facility string) (string, bool) {
	for _, place := range slices.Sorted(maps.Keys(places)) {
		if places[place] == facility {
			return place, true
		}
	}
	return "", false
}

func (s *shops) dueIn(d *decision, typ string, p stockPlace, wait time.Duration) {
	if d.err != nil {
		return
	}
	id := typ + "/" + p.key()
	has, err := d.m.HasTimer(d.ctx, id)
	if err != nil {
		d.fail(err)
		return
	}
	if !has {
		d.out.Timer(id, p.key(), typ, d.m.Now.Add(wait), p)
	}
}

// own keeps how many units of each item a shop's order holds: promised, or gone and not told yet.
func (s *shops) own(d *decision, stream string) {
	o := peek(d, s.flows.orders, stream)
	c, ok := s.all[o.Source.Partner]
	if d.err != nil || o.Source.Door != shopSource || !ok || !c.Stock.told() {
		return
	}
	now := map[string]int64{}
	known := map[string]shopWork{}
	for _, l := range o.Lines {
		n := l.Reserved + l.Allocated + l.Picked + l.Packed + l.Shipped
		for _, id := range worksOf(order.Order{Source: o.Source, Lines: []order.Line{l}}) {
			st, seen := known[id]
			if !seen {
				d.state(shopWorkKey(c.Name, id), &st)
				known[id] = st
			}
			n -= min(l.Shipped, qtyOf(st.Known, l.Ref))
		}
		now[l.SKU] += n
	}
	key := "shop-holds/" + scope.Join(c.Name, o.Number)
	was := map[string]int64{}
	old, _ := d.state(key, &was)
	changed := false
	for _, sku := range slices.Sorted(maps.Keys(joined(now, was))) {
		if now[sku] == was[sku] {
			continue
		}
		changed = true
		sumKey := ownKey(c.Name, o.Scope.Facility, sku)
		var sum int64
		oldSum, _ := d.state(sumKey, &sum)
		d.out.SetState(sumKey, oldSum, sum+now[sku]-was[sku])
		s.moved(d, o.Scope, sku)
	}
	if changed {
		d.out.SetState(key, old, now)
	}
}

func joined(a, b map[string]int64) map[string]int64 {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// tellStock writes one telling, and asks for the next where there is more.
func (s *shops) tellStock(d *decision, p stockPlace, all bool) {
	c, ok := s.all[p.Shop]
	place, mapped := locationOf(s.places(d, c), p.Facility)
	if !ok || !mapped || !c.Stock.told() || all && c.Stock.Every == 0 {
		return // it wants to know no more
	}
	of := c.Scope
	of.Facility = p.Facility
	var items []string
	var more bool
	if all {
		items, more = d.itemsOf(of, p.After, shopItems)
	} else {
		items, more = d.marked(p.marks(), shopItems)
	}
	var set []shop.Level
	for _, sku := range items {
		for _, name := range s.listings(d, c, sku) {
			set = append(set, shop.Level{Item: name, Location: place, OnHand: s.onHand(d, c, of, sku)})
		}
	}
	for part := range slices.Chunk(set, shopItems) {
		d.out.Publish(shopStock(c.Name), cmdShopStock, p.key(), part)
	}
	if d.err != nil {
		return
	}
	typ := map[bool]string{true: shopAll, false: shopMoved}[all]
	switch {
	case more && all:
		p.After = items[len(items)-1]
		fallthrough
	case more: // under an id of its own: a change that comes now sets the timer of the next
		d.out.Timer(typ+"-rest/"+p.key(), p.key(), typ, d.m.Now, p)
	case all:
		p.After = ""
		d.out.Timer(typ+"/"+p.key(), p.key(), typ, d.m.Now.Add(c.Stock.Every), p)
	}
}

// onHand is what a shop is told that there is of an item.
func (s *shops) onHand(d *decision, c ShopConfig, of scope.Scope, sku string) int64 {
	st := d.stock(keyOf(of, sku))
	var own int64
	d.state(ownKey(c.Name, of.Facility, sku), &own)
	return max(0, st.AvailableToPromise()+own-c.Stock.Buffer)
}

// setting makes a shop say what it was told of the stock.
func (s *shops) setting(c ShopConfig, port shop.Stockist) (Route, Effect) {
	return Route{
			Name: "out.stock." + c.Name, About: "sets the shop's stock, where it has not changed it meanwhile", Conn: shopConn(c.Name),
			Topics: []string{shopStock(c.Name)}, Writes: []string{onExternal}, Patterns: []string{eip.NameChannelAdapter, eip.NameBreaker},
		}, Effect{
			Step: stepStock, Timeout: c.Timeout, Certain: true,
			Plan: func(_ context.Context, m *Message) (*Call, *Out, error) {
				var set []shop.Level
				err := m.Decode(&set)
				return &Call{Ref: m.ID.String(), Value: set}, nil, err
			},
			Do: func(ctx context.Context, call *Call) ([]byte, error) {
				skipped, err := port.SetLevels(ctx, call.Ref, call.Value.([]shop.Level))
				if err != nil {
					return nil, err
				}
				return json.Marshal(skipped)
			},
			// It reads before it writes, and sets what is: again does no harm.
			Resolve: func(context.Context, *Call) ([]byte, bool, error) { return nil, false, nil },
			Then: func(_ context.Context, m *Message, call *Call, outcome []byte) (*Out, error) {
				t := toldShop{Shop: c.Name, Do: "stock", Items: len(call.Value.([]shop.Level))}
				if err := json.Unmarshal(outcome, &t.Skipped); err != nil {
					return nil, fault.E(m.route, fault.Internal, err)
				}
				return m.Out().Publish(onExternal, shopTold, m.Key, t), nil
			},
		}
}

// marked are items that changed, under a prefix, whose marks the unit takes away.
func (d *decision) marked(prefix string, most int) (items []string, more bool) {
	if d.err != nil {
		return nil, false
	}
	rows, err := d.f.hub.bus.Driver().Scan(d.ctx, journal.TableState, prefix, "", most+1)
	if err != nil {
		d.fail(fault.E(d.m.route, fault.Transient, fmt.Errorf("reading what changed: %w", err)))
		return nil, false
	}
	for _, row := range rows[:min(len(rows), most)] {
		var sku string
		if old, found := d.state(row.Key, &sku); found {
			d.out.SetState(row.Key, old, nil)
			items = append(items, sku)
		}
	}
	return items, len(rows) > most
}

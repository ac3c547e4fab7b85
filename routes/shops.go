package routes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/routes/eip"
)

// ShopConfig is one connection to a shop.
type ShopConfig struct {
	Name string // part of the stored format
	Port shop.Shop
	// Scope is whose orders they are, and the building that works where Locations names none.
	Scope scope.Scope
	// Locations are the shop's places by what buildings of ours they are. Work at any other place is
	// not ours; empty takes all.
	Locations map[string]string
	Policy    string // of its orders: order.Partial where it is ""
	// Services are what the shop's ways of delivery mean, by their names.
	Services map[string]order.Service
	// Stock is what it is told of the stock at Locations.
	Stock  ShopStock
	Drift  ShopDrift
	Notify bool // the shop writes to the buyer when goods leave
	// Poll is how often it is asked what changed: 2 min. Overlap is how far before the last change
	// that was seen each look begins: 10 min. First is how far back the first look goes: 24 h.
	Poll, Overlap, First time.Duration
	// Timeout and ResolveAfter are those of [Effect].
	Timeout, ResolveAfter time.Duration
}

// shopSource is the door that orders of shops name as their source.
const shopSource = "shop"

func shopConn(name string) string  { return "shop." + name }
func shopHints(name string) string { return "shop-hints." + name }
func shopOut(name string) string   { return "shop-out." + name }

// topicShopWork is where what was read of shops waits to be decided on.
const topicShopWork = "shop-work"

// Messages of shops.
const (
	cmdShopRead   = "shop.Read" // read one thing again
	cmdShopPoll   = "shop.Poll" // look for all that changed
	shopWorkRead  = "shop.WorkRead"
	cmdShopShip   = "shop.Ship"
	cmdShopAnswer = "shop.Answer"
	shopTold      = "shop.Told"
)

type shops struct {
	flows *Flows
	all   map[string]ShopConfig
}

// AddShops hosts the connections to shops: hints and polls lead to reading, what was read to
// orders, and what left to the shop.
func AddShops(h *Hub, f *Flows, configs []ShopConfig) error {
	s := &shops{f, map[string]ShopConfig{}}
	var hints, outs []string
	for _, c := range configs {
		if err := errors.Join(scope.CheckName(c.Name), c.Scope.Validate()); err != nil {
			return fmt.Errorf("shop %s: %w", c.Name, err)
		}
		for place, facility := range c.Locations {
			if err := f.building(facility); err != nil {
				return fmt.Errorf("shop %s: location %s: %w", c.Name, place, err)
			}
		}
		if c.Poll == 0 {
			c.Poll = 2 * time.Minute
		}
		if c.Overlap == 0 {
			c.Overlap = 10 * time.Minute
		}
		if c.First == 0 {
			c.First = 24 * time.Hour
		}
		if c.Drift.Back == 0 {
			c.Drift.Back = 7 * 24 * time.Hour
		}
		if c.Drift.Late == 0 {
			c.Drift.Late = 15 * time.Minute
		}
		s.all[c.Name] = c
		hints, outs = append(hints, shopHints(c.Name)), append(outs, shopOut(c.Name))
		if err := errors.Join(h.Add(s.reading(c)), h.AddEffect(s.telling(c))); err != nil {
			return err
		}
		if c.Stock.told() {
			port, ok := c.Port.(shop.Stockist)
			if !ok || len(c.Locations) == 0 {
				return fmt.Errorf("shop %s: no stock is told: its adapter sets none, or none of its places is named", c.Name)
			}
			if err := h.AddEffect(s.setting(c, port)); err != nil {
				return err
			}
		}
	}
	for _, r := range s.stocking() {
		if err := h.Add(r); err != nil {
			return err
		}
	}
	return errors.Join(h.Add(s.door(hints)), h.Add(s.deciding(outs)), h.Add(s.holding(outs)), h.Add(s.shipping(outs)))
}

// door takes hints. A hint about nothing lets the shop be looked through now, and from then on.
func (s *shops) door(hints []string) Route {
	return Route{
		Name: door.Shops, About: "hints of shops that something changed, made durable before they are answered", Writes: hints,
		Patterns: []string{eip.NameChannelAdapter, eip.NameIdempotent, eip.NameRequestReply},
		Handle: eip.Receive(func(m *Message) (eip.OutsideID, error) {
			var id eip.OutsideID
			var name string
			switch x := m.Value.(type) {
			case shop.Reconcile:
				name = x.Shop
			case shop.Load:
				name = x.Shop
			case shop.Hint:
				name, id = x.Shop, eip.OutsideID{Scope: shopConn(x.Shop), ID: x.ID, Hash: x.Hash}
			default:
				return id, wrongCommand(door.Shops, m.Value)
			}
			if _, known := s.all[name]; !known {
				return eip.OutsideID{}, fault.At(door.Shops, fault.Rejected, "shop", fmt.Errorf("no shop is named %q", name))
			}
			return id, nil
		}, func(ctx context.Context, m *Message) (*Out, []byte, error) {
			if x, ok := m.Value.(shop.Reconcile); ok {
				d := s.flows.decide(ctx, m)
				s.beginDrift(d, s.all[x.Shop], x.Repair)
				out, err := d.done()
				return out, nil, err
			}
			if x, ok := m.Value.(shop.Load); ok {
				d := s.flows.decide(ctx, m)
				s.beginLoad(d, x)
				out, err := d.done()
				return out, nil, err
			}
			h := m.Value.(shop.Hint)
			if h.About == "" {
				return m.Out().Publish(shopHints(h.Shop), cmdShopPoll, h.Shop, poll{}), nil, nil
			}
			return m.Out().Publish(shopHints(h.Shop), cmdShopRead, h.About, toRead{ID: h.About, Topic: h.Topic}), nil, nil
		}, func(_ context.Context, m *Message, _ journal.Claim) (*Out, error) { return m.Out(), nil }),
	}
}

// shop is the connection of a name.
func (s *shops) shop(name string) (ShopConfig, error) {
	c, ok := s.all[name]
	if !ok {
		return c, fault.E("routes.shop", fault.Rejected, fmt.Errorf("no shop is named %q any more: name it in the configuration, and replay this", name))
	}
	return c, nil
}

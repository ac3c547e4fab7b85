package routes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// toRead is what a hint was about.
type toRead struct {
	ID    string `json:"id"`
	Topic string `json:"topic,omitempty"`
	Why   string `json:"why,omitempty"` // it cannot be read, for it has no id
}

// poll is a page of a look through what changed. The zero poll begins one.
type poll struct {
	Since time.Time `json:"since,omitzero"`
	Seen  time.Time `json:"seen,omitzero"` // the latest change on the pages before
	pages
}

// pages are those of a look, by the shop's cursors.
type pages struct {
	After string `json:"after,omitempty"`
	Read  int    `json:"read,omitempty"`
	// Mark is the cursor that a page brought whose number is a power of two: one that comes again is a
	// circle, whatever its length.
	Mark string `json:"mark,omitempty"`
}

// mostPages is how long a look may be.
const mostPages = 100_000

// turn goes on to the page behind a cursor. A look that goes round, or on and on, is Invalid.
func (p *pages) turn(next string) error {
	if p.Read++; next != "" && (next == p.Mark || p.Read == mostPages) {
		return fault.At("shop.Changed", fault.Invalid, "next", fmt.Errorf("the pages of what changed have no end: page %d leads to %.64q, as one before or as if there were always more", p.Read, next))
	}
	if p.Read&(p.Read-1) == 0 {
		p.Mark = next
	}
	p.After = next
	return nil
}

// readWork is what was read of a shop. Names, addresses and notes travel in the record's sealed group.
type readWork struct {
	Shop string `json:"shop"`
	shop.Work
}

func pollKey(name string) string         { return "shop-poll/" + name }
func shopWorkKey(name, id string) string { return "shop-work/" + scope.Join(name, id) }

// reading asks the shop. Nothing is decided here, so that no decision waits for a shop.
func (s *shops) reading(c ShopConfig) Route {
	return Route{
		Name: "in.shop." + c.Name, About: "reads again what hints of the shop are about, and looks for what no hint told", Conn: shopConn(c.Name),
		Topics: []string{shopHints(c.Name)}, Start: bus.Now, Writes: []string{topicShopWork, shopHints(c.Name), shopOut(c.Name), shopStock(c.Name), onExternal},
		Waits: true, Parallel: 4, Parking: Parking{Independent: true}, Patterns: []string{eip.NameChannelAdapter, eip.NameBreaker},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			switch m.Type {
			case cmdShopPoll:
				return s.poll(ctx, m, c)
			case cmdShopDrift:
				return s.drift(ctx, m, c)
			case cmdShopLoad:
				return s.load(ctx, m, c)
			}
			var r toRead
			if err := m.Decode(&r); err != nil {
				return nil, err
			}
			if r.Why != "" {
				return nil, fault.E(m.route, fault.Invalid, errors.New(r.Why))
			}
			list, err := Guard(m.hub, shopConn(c.Name), func() ([]shop.Work, error) {
				return guarded(func() ([]shop.Work, error) { return c.Port.Read(ctx, r.ID) })
			})
			if err != nil {
				return nil, err
			}
			return s.read(ctx, m, c, list)
		},
	}
}

// poll reads a page of what changed, and asks for the next. The next look is set before the shop
// is asked: whatever becomes of this one, there is another.
func (s *shops) poll(ctx context.Context, m *Message, c ShopConfig) (*Out, error) {
	var p poll
	if err := m.Decode(&p); err != nil {
		return nil, err
	}
	key := pollKey(c.Name)
	was, st, err := m.polled(ctx, key)
	if err != nil {
		return nil, err
	}
	if p.Since.IsZero() {
		d := s.flows.decide(ctx, m)
		if s.driftDue(d, c) { // looks through the books go by the clock of the polls
			s.beginDrift(d, c, false)
		}
		set, err := d.done()
		if err != nil {
			return nil, err
		}
		set.Timer("next", c.Name, cmdShopPoll, m.Now.Add(c.Poll), poll{})
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
	}
	page, err := Guard(m.hub, shopConn(c.Name), func() (shop.Page, error) {
		return guarded(func() (shop.Page, error) { return c.Port.Changed(ctx, p.Since, p.After) })
	})
	if err != nil {
		return m.lookFailed(ctx, key, err)
	}
	out, err := s.read(ctx, m, c, page.Work)
	if err != nil {
		return nil, err
	}
	for _, w := range page.Work {
		if w.Updated.After(p.Seen) {
			p.Seen = w.Updated
		}
	}
	for _, u := range page.Unread {
		if err := s.readAlone(ctx, m, c, out, u); err != nil {
			return nil, err
		}
		if u.Updated.After(p.Seen) {
			p.Seen = u.Updated
		}
	}
	if err := p.turn(page.Next); err != nil {
		return m.lookFailed(ctx, key, err)
	}
	if p.After != "" {
		out.Publish(shopHints(c.Name), cmdShopPoll, c.Name, p)
	}
	return out, m.looked(ctx, out, key, was, st, p)
}

// readAlone lets work that was not understood be read by itself, once for each time that it changed: what
// is wrong with it is a letter of its own.
func (s *shops) readAlone(ctx context.Context, m *Message, c ShopConfig, out *Out, u shop.Unread) error {
	key := "shop-unread/" + scope.Join(c.Name, u.ID)
	if u.ID == "" {
		key += "/" + fmt.Sprintf("%x", sha256.Sum256([]byte(u.Why)))
	}
	st, err := m.State(ctx, key)
	if err != nil {
		return err
	}
	var was polled
	if st.Data != nil && json.Unmarshal(st.Data, &was) == nil && was.Seen.Equal(u.Updated) {
		return nil
	}
	out.SetState(key, st, polled{Seen: u.Updated})
	out.Publish(shopHints(c.Name), cmdShopRead, u.ID, toRead{ID: u.ID, Why: u.Why})
	return nil
}

// placeless reports whether nobody knows whose work it is: only that at some of the shop's places is ours,
// and the shop does not say where it is.
func (c ShopConfig) placeless(w shop.Work) bool {
	return w.Location == "" && len(c.Locations) > 0 && (w.State == shop.Open || w.State == shop.Asked || w.State == shop.Held)
}

// read hands on what was read, but for what was decided on as it is. Work that says no place is a letter, of
// the reading of it alone.
func (s *shops) read(ctx context.Context, m *Message, c ShopConfig, list []shop.Work) (*Out, error) {
	out := m.Out()
	for _, w := range list {
		if c.placeless(w) {
			if m.Type == cmdShopRead {
				return nil, fault.At(m.route, fault.Rejected, "location", fmt.Errorf("order %s of shop %s does not say which place it is to leave from, and only work at shops.%s.locations is ours: let the shop say it, or leave locations out where all of its work is ours", cmp.Or(w.Order.Number, w.ID), c.Name, c.Name))
			}
			if err := s.readAlone(ctx, m, c, out, shop.Unread{ID: w.ID, Updated: w.Updated}); err != nil {
				return nil, err
			}
			continue
		}
		b, err := m.Row(ctx, journal.TableState, shopWorkKey(c.Name, w.ID))
		if err != nil {
			return nil, err
		}
		if b != nil {
			var was shopWork
			st, err := journal.DecodeState(b)
			if err == nil && json.Unmarshal(st.Data, &was) == nil && c.decided(w, was) {
				continue
			}
		}
		people, err := json.Marshal(order.Parties{ShipTo: w.Order.ShipTo, BillTo: w.Order.BillTo, Notes: w.Order.Notes})
		if err != nil {
			return nil, fault.E(m.route, fault.Internal, err)
		}
		w.Order.ShipTo, w.Order.BillTo, w.Order.Notes = party.Address{}, party.Address{}, nil
		data, err := json.Marshal(readWork{c.Name, w})
		if err != nil {
			return nil, fault.E(m.route, fault.Internal, err)
		}
		out.Send(journal.Record{
			Type: shopWorkRead, Topic: topicShopWork, Key: order.KeyOf(c.Scope, w.Order.Number), Data: data,
			Subject: order.StreamOf(c.Scope, w.Order.Number), Personal: people,
		})
	}
	return out, nil
}

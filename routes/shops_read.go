package routes

import (
	"context"
	"encoding/json"
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
}

// poll is a page of a look through what changed. The zero poll begins one.
type poll struct {
	Since time.Time `json:"since,omitzero"`
	After string    `json:"after,omitempty"`
	Seen  time.Time `json:"seen,omitzero"` // the latest change on the pages before
}

// polled is how far a shop was looked through.
type polled struct {
	Seen time.Time `json:"seen"`
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
			}
			var r toRead
			if err := m.Decode(&r); err != nil {
				return nil, err
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
	st, err := m.State(ctx, pollKey(c.Name))
	if err != nil {
		return nil, err
	}
	var was polled
	if st.Data != nil {
		if err := json.Unmarshal(st.Data, &was); err != nil {
			return nil, fault.E(m.route, fault.Internal, fmt.Errorf("reading %s: %w", pollKey(c.Name), err))
		}
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
		if err := m.partial(ctx, set.Timer("next", c.Name, cmdShopPoll, m.Now.Add(c.Poll), poll{})); err != nil {
			return nil, err
		}
		if p.Since = was.Seen.Add(-c.Overlap); was.Seen.IsZero() {
			p.Since = m.Now.Add(-c.First)
		}
	}
	page, err := Guard(m.hub, shopConn(c.Name), func() (shop.Page, error) {
		return guarded(func() (shop.Page, error) { return c.Port.Changed(ctx, p.Since, p.After) })
	})
	if err != nil {
		return nil, err
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
	switch p.After = page.Next; {
	case p.After != "":
		out.Publish(shopHints(c.Name), cmdShopPoll, c.Name, p)
	case p.Seen.After(was.Seen):
		out.SetState(pollKey(c.Name), st, polled{p.Seen})
	}
	return out, nil
}

// readAlone lets work that was not understood be read by itself, once for each time that it changed: what
// is wrong with it is a letter of its own.
func (s *shops) readAlone(ctx context.Context, m *Message, c ShopConfig, out *Out, u shop.Unread) error {
	key := "shop-unread/" + scope.Join(c.Name, u.ID)
	st, err := m.State(ctx, key)
	if err != nil {
		return err
	}
	var was polled
	if st.Data != nil && json.Unmarshal(st.Data, &was) == nil && was.Seen.Equal(u.Updated) {
		return nil
	}
	out.SetState(key, st, polled{u.Updated})
	out.Publish(shopHints(c.Name), cmdShopRead, u.ID, toRead{ID: u.ID})
	return nil
}

// read hands on what was read, but for what was decided on as it is.
func (s *shops) read(ctx context.Context, m *Message, c ShopConfig, list []shop.Work) (*Out, error) {
	out := m.Out()
	for _, w := range list {
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

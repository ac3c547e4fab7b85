package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scope"
)

// writers reserve at once, each waiting until its reservation is durable.
const writers = 64

// past is how often each writer asks on when the item is exhausted.
const past = 50

// reserve is one hot item a round: received, then reserved away by many, and past its end.
type reserve struct {
	store  *sqlite.Store
	hub    *hosting
	stock  int64
	rounds int
}

func openReserve(ctx context.Context, c *config) (probe, error) {
	dir, err := c.scratch("reserve")
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, dir, sqlite.Options{MinFree: -1})
	if err != nil {
		return nil, err
	}
	h, err := host(ctx, store)
	if err != nil {
		return nil, err
	}
	return &reserve{store: store, hub: h, stock: max(1000, int64(c.seconds*hopsPerSecond))}, nil
}

func (p *reserve) round(ctx context.Context) (sample, error) {
	p.rounds++
	key := inventory.BookKey{Scope: scope.Scope{Tenant: "bench", Owner: "acme", Facility: "east"}, Item: "HOT-" + strconv.Itoa(p.rounds)}
	events, posts, err := inventory.Receive{BookKey: key, Place: inventory.Place{Location: "A-01"}, Qty: p.stock}.Decide(inventory.Stock{}, time.Now())
	if err != nil {
		return sample{}, err
	}
	u, err := unitOf(p.hub.reg, events, posts)
	if err != nil {
		return sample{}, err
	}
	if r, err := p.hub.bus.Submit(ctx, u); r != nil || err != nil {
		return sample{}, fmt.Errorf("receiving the stock: %w", errors.Join(err, asError(r)))
	}
	syncs := syncsOf(p.store)
	var granted, refused atomic.Int64
	errs := make(chan error, writers)
	var last atomic.Int64 // when the last reservation was durable
	m := begin()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			left := past
			for n := 0; left > 0 && ctx.Err() == nil; n++ {
				ok, err := p.one(ctx, key, w, n)
				switch {
				case err != nil:
					errs <- err
					return
				case ok:
					granted.Add(1)
					last.Store(int64(time.Since(m.began)))
				default:
					refused.Add(1)
					left--
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return sample{}, err
	default:
	}
	s := m.end(int(granted.Load()))
	s.value = float64(granted.Load()) / time.Duration(last.Load()).Seconds()
	s.counts["syncs_per_msg"] = float64(syncsOf(p.store)-syncs) / float64(granted.Load())
	s.counts["refused_at_the_end"] = float64(refused.Load())
	over, err := audit(ctx, p.store, p.hub.reg, key, p.stock, granted.Load())
	if err != nil {
		return sample{}, err
	}
	s.counts["oversold"] = float64(over)
	return s, ctx.Err()
}

// one asks for one unit, and returns when the answer is durable.
func (p *reserve) one(ctx context.Context, key inventory.BookKey, writer, n int) (bool, error) {
	events, posts, err := inventory.Reserve{
		BookKey: key, Qty: 1, For: inventory.For{Order: "SO-" + strconv.Itoa(writer) + "-" + strconv.Itoa(n), Line: 1},
	}.Decide(nil, time.Now())
	if err != nil {
		return false, err
	}
	u, err := unitOf(p.hub.reg, events, posts)
	if err != nil {
		return false, err
	}
	r, err := p.hub.bus.Submit(ctx, u)
	switch {
	case err != nil:
		return false, err
	case r == nil:
		return true, nil
	case r.Why == journal.RefusedFloor:
		return false, nil
	default:
		return false, fmt.Errorf("reserving: %w", r)
	}
}

func asError(r *journal.Refusal) error {
	if r == nil {
		return nil
	}
	return r
}

// unitOf is what a handler of the hub would hand over for these events and postings.
func unitOf(reg *event.Registry, events []event.Event, posts []journal.Posting) (*journal.Unit, error) {
	u := &journal.Unit{Postings: posts}
	for _, e := range events {
		x, err := reg.Encode(e)
		if err != nil {
			return nil, err
		}
		schema, ok := reg.Lookup(x.Type)
		st, streamed := e.(event.Streamed)
		if !ok || !streamed {
			return nil, fmt.Errorf("%s is no event of the catalog", x.Type)
		}
		u.Records = append(u.Records, journal.Record{
			ID: journal.NewID(time.Now(), [10]byte{}), Type: x.Type, Schema: uint16(x.Schema), Topic: string(schema.Topic),
			Stream: st.Stream(), Key: st.Key(), Time: time.Now().UTC(), Source: "bench", Data: x.Data, Event: e,
		})
	}
	return u, nil
}

// books are what the balances of an item and its events say.
type books struct {
	received, granted  int64 // what came in, and what writers were told they have
	promised, atp      int64 // balances
	reserved, reserves int64 // quantity and number of stock.Reserved
}

// oversold is by how much more was promised than there was, or than anybody can account
// for: whichever of balances, events and answers shows it worst.
func (b books) oversold() int64 {
	return max(0,
		b.granted-b.received,
		b.reserved-b.received,
		b.promised-b.received,
		-b.atp,
		abs(b.reserved-b.promised),
		abs(b.reserves-b.granted),
		abs(b.received-b.atp-b.promised),
	)
}

func abs(n int64) int64 { return max(n, -n) }

// audit reads an item's balances and events from the journal, none from memory.
func audit(ctx context.Context, d journal.Driver, reg *event.Registry, key inventory.BookKey, received, granted int64) (int64, error) {
	b := books{received: received, granted: granted}
	for account, into := range map[string]*int64{inventory.Promised: &b.promised, inventory.ATP: &b.atp} {
		balance, err := d.Balance(ctx, key.Book(), account)
		if err != nil {
			return 0, fmt.Errorf("reading the balance of %s: %w", account, err)
		}
		*into = balance.Amount
	}
	for after := uint64(0); ; {
		recs, err := d.Stream(ctx, key.Stream(), after, 1000)
		if err != nil {
			return 0, fmt.Errorf("reading the events of %s: %w", key.Stream(), err)
		}
		for i := range recs {
			r := &recs[i]
			after = r.Version
			e, err := reg.Decode(event.Encoded{Type: r.Type, Schema: int(r.Schema), Data: r.Data})
			if err != nil {
				return 0, err
			}
			if e, ok := e.(inventory.StockReserved); ok {
				b.reserved += e.Qty
				b.reserves++
			}
		}
		if len(recs) < 1000 {
			return b.oversold(), nil
		}
	}
}

func (p *reserve) Close() error { return p.hub.Close() }

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"time"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/routes/bus"
)

// start opens a journal that holds a million events.
type start struct {
	c   *config
	dir string
}

const (
	millionEvents  = 1_000_000
	millionStreams = 20_000
)

// startScope is the hub's own default, so that its doors find the goods.
var startScope = scope.Scope{Tenant: "main", Owner: "OWNER", Facility: "DC1"}

func openStart(ctx context.Context, c *config) (probe, error) {
	dir, _, err := c.prepared(ctx, "million", millionEvents+maxGrown, func(dir string) error { return c.million(ctx, dir) })
	if err != nil {
		return nil, err
	}
	return &start{c, dir}, nil
}

// million lets the hub declare its subscriptions, and then writes receipts as the stock door
// decides them. The subscriptions are moved past them, as those of a hub that kept up are.
func (c *config) million(ctx context.Context, dir string) error {
	h, err := c.serve(ctx, serveOptions{data: dir})
	if err != nil {
		return err
	}
	if err := h.Close(); err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, dir, sqlite.Options{MinFree: -1})
	if err != nil {
		return err
	}
	if err := errors.Join(receipts(ctx, store, millionEvents, millionStreams), caughtUp(ctx, store), store.Close()); err != nil {
		return err
	}
	return c.viewed(ctx, dir)
}

// viewed lets the hub's views read the journal once, as those of a hub that ran have: what
// came last is asked for until they know it.
func (c *config) viewed(ctx context.Context, dir string) error {
	h, err := c.serve(ctx, serveOptions{data: dir})
	if err != nil {
		return err
	}
	err = h.post(ctx, "/v1/items", []byte(`{"sku":"LAST","units":[{"uom":"each","factor":1}]}`))
	for end := time.Now().Add(5 * time.Minute); err == nil && time.Now().Before(end); {
		if known := h.get(ctx, "/v1/items/OWNER/LAST"); known == nil {
			break
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return errors.Join(err, h.Close())
}

func receipts(ctx context.Context, store journal.Driver, n, streams int) error {
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		return err
	}
	at := time.Now().UTC()
	for from := 0; from < n; from += 4096 {
		b := &journal.Batch{}
		for i := from; i < min(n, from+4096); i++ {
			key := inventory.BookKey{Scope: startScope, Item: "SKU-" + strconv.Itoa(i%streams)}
			events, posts, err := inventory.Receive{
				BookKey: key, Place: inventory.Place{Location: "A-" + strconv.Itoa(i%97)}, Qty: int64(1 + i%50), Reference: "ASN-" + strconv.Itoa(i),
			}.Decide(inventory.Stock{}, at)
			if err != nil {
				return err
			}
			u, err := unitOf(reg, events, posts)
			if err != nil {
				return err
			}
			u.ID, u.At = u.Records[0].ID, at
			b.Units = append(b.Units, u)
		}
		refusals, err := store.Write(ctx, b)
		if err != nil {
			return fmt.Errorf("writing events: %w", err)
		}
		for _, r := range refusals {
			if r != nil {
				return fmt.Errorf("writing events: %w", r)
			}
		}
	}
	return nil
}

// caughtUp moves every declared subscription to the end of the log.
func caughtUp(ctx context.Context, store journal.Driver) error {
	last, err := store.Last(ctx)
	if err != nil {
		return err
	}
	prefix := bus.DeclaredKey("")
	subs, err := store.Scan(ctx, journal.TableState, prefix, "", 10_000)
	if err != nil {
		return fmt.Errorf("reading the subscriptions: %w", err)
	}
	b := &journal.Batch{}
	for _, row := range subs {
		for part := range journal.Partitions {
			b.Delivered = append(b.Delivered, journal.Delivery{Sub: row.Key[len(prefix):], Part: uint8(part), Pos: last, Skip: true})
		}
	}
	_, err = store.Write(ctx, b)
	return err
}

func (p *start) round(ctx context.Context) (sample, error) {
	s := sample{counts: map[string]float64{}}
	var took, first []float64
	for range min(3, p.c.rounds) {
		h, err := p.c.serve(ctx, serveOptions{data: p.dir})
		if err != nil {
			return s, err
		}
		took = append(took, h.took.Seconds())
		// What the journal's events are about becomes known once; later runs say it again.
		err = errors.Join(
			h.post(ctx, "/v1/items", []byte(`{"sku":"SKU-7","units":[{"uom":"each","factor":1}]}`)),
			h.post(ctx, "/v1/locations", []byte(`{"location":"A-7","purpose":"pick"}`)))
		// A decision on a stream of the million needs its fold: the hub is not only up, it works.
		began := time.Now()
		err = errors.Join(err, h.post(ctx, "/v1/stock/receive", []byte(`{"item":"SKU-7","location":"A-7","qty":1}`)))
		first = append(first, float64(time.Since(began).Microseconds())/1000)
		s.counts["peak_rss_mb"] = max(s.counts["peak_rss_mb"], peakRSS(h.pid()))
		if err := errors.Join(err, h.Close()); err != nil {
			return s, err
		}
	}
	s.value = median(took)
	s.counts["first_decision_ms"] = median(first)
	store, err := sqlite.Open(ctx, p.dir, sqlite.Options{MinFree: -1})
	if err != nil {
		return s, err
	}
	last, err := store.Last(ctx)
	if err := errors.Join(err, store.Close()); err != nil {
		return s, err
	}
	s.counts["events"] = float64(last)
	s.counts["bytes_per_event"] = diskUse(p.dir) / float64(max(1, last))
	return s, nil
}

func (p *start) Close() error { return nil }

// diskUse is the size of all files below dir, in bytes.
func diskUse(dir string) (bytes float64) {
	// A file that goes away meanwhile is counted as nothing.
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, ierr := d.Info(); ierr == nil {
				bytes += float64(info.Size())
			}
		}
		return nil
	})
	return bytes
}

// idle is the hub's memory at rest and under a load of orders.
type idle struct{ c *config }

func openIdle(_ context.Context, c *config) (probe, error) { return &idle{c}, nil }

func (p *idle) Close() error { return nil }

func (p *idle) round(ctx context.Context) (_ sample, err error) {
	h, err := p.c.serve(ctx, serveOptions{floor: true})
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	cpu := h.cpu()
	rest := p.c.all(0.4)
	select {
	case <-time.After(rest):
	case <-ctx.Done():
		return sample{}, ctx.Err()
	}
	s := sample{value: rss(h.pid()), counts: map[string]float64{
		"ready_ms":   float64(h.took.Milliseconds()),
		"cores_busy": (h.cpu() - cpu).Seconds() / rest.Seconds(),
	}}
	orders, err := stocked(ctx, h, 13)
	if err != nil {
		return s, err
	}
	l := openLoop{perSecond: flowRate, length: p.c.all(0.6), workers: connected, call: orders.place(h)}.run(ctx)
	s.counts["loaded_rss_mb"], s.counts["peak_rss_mb"] = rss(h.pid()), peakRSS(h.pid())
	return s, errors.Join(l.held(), ctx.Err())
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/adapters/shopify"
	"github.com/paklog/hub/adapters/shopify/shopifysim"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

// stockSync sets all stock that a shop has, each record to what it was not, as the hub's route does: in
// parts of what one call takes.
type stockSync struct {
	n      int
	sim    *shopifysim.Sim
	srv    *httptest.Server
	client *shopify.Client
	set    []shop.Level
	writes atomic.Int64
	rounds int
}

const (
	mostRecords  = 100_000
	leastRecords = 1001 // their last part is not full
	recordsACall = 250
)

func openStockSync(_ context.Context, c *config) (probe, error) {
	p := &stockSync{n: min(mostRecords, max(leastRecords, int(c.seconds*mostRecords)))}
	// A bucket that never empties: what is measured is not Shopify's patience.
	p.sim = shopifysim.New(shopifysim.Options{Bucket: 1 << 30, Restore: 1 << 30})
	location := p.sim.Location()
	for i := range p.n {
		sku := fmt.Sprintf("SKU-%06d", i)
		p.sim.Stock(sku, 0)
		p.set = append(p.set, shop.Level{Item: sku, Location: location})
	}
	p.srv = httptest.NewServer(p.counted(p.sim))
	var err error
	p.client, err = shopify.New(shopify.Config{
		Connection: "bench", Shop: shopifysim.Shop, BaseURL: p.srv.URL, ClientID: shopifysim.ClientID,
		ClientSecret: func() (string, error) { return shopifysim.ClientSecret, nil }, Now: time.Now,
	})
	if err != nil {
		p.srv.Close()
		return nil, err
	}
	return p, nil
}

// counted counts the calls that set quantities, by what they say on the wire.
func (p *stockSync) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client went
		}
		if bytes.Contains(body, []byte("inventorySetQuantities")) {
			p.writes.Add(1)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(w, r)
	})
}

func (p *stockSync) Close() error {
	p.client.Close()
	p.srv.Close()
	return nil
}

func (p *stockSync) round(ctx context.Context) (sample, error) {
	p.rounds++
	for i := range p.set {
		p.set[i].OnHand = int64(1 + (i+p.rounds)%97)
	}
	p.writes.Store(0)
	m := begin()
	if err := p.sync(ctx); err != nil {
		return sample{}, err
	}
	s := m.end(p.n)
	s.counts["records"] = float64(p.n)
	s.counts["took_ms"] = float64(time.Since(m.began).Milliseconds())
	s.counts["set_calls"] = float64(p.writes.Load())
	return s, p.held()
}

func (p *stockSync) sync(ctx context.Context) error {
	for part := range slices.Chunk(p.set, recordsACall) {
		key := fmt.Sprintf("bench-%d-%s", p.rounds, part[0].Item)
		skipped, err := p.client.SetLevels(ctx, key, part)
		for fault.KindOf(err) == fault.Throttled && err != nil && ctx.Err() == nil { // until it has said how large its bucket is
			if err = waited(ctx, err); err == nil {
				skipped, err = p.client.SetLevels(ctx, key, part)
			}
		}
		if err != nil {
			return err
		}
		if len(skipped) > 0 {
			return fmt.Errorf("%s and %d more were skipped", skipped[0], len(skipped)-1)
		}
	}
	return nil
}

// waited waits as long as a refusal says.
func waited(ctx context.Context, err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	t := time.NewTimer(f.After)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// held holds what was called, and what the shop has now, against what was to be set.
func (p *stockSync) held() error {
	if want := (p.n + recordsACall - 1) / recordsACall; p.writes.Load() != int64(want) {
		return fmt.Errorf("%d records were set in %d calls, not %d", p.n, p.writes.Load(), want)
	}
	stock := p.sim.Truth().OnHand
	for _, l := range p.set {
		if int64(stock[l.Item]) != l.OnHand {
			return fmt.Errorf("the shop has %d of %s, not %d", stock[l.Item], l.Item, l.OnHand)
		}
	}
	return nil
}

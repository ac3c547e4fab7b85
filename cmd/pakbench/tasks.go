package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// next asks for work where much of it is open.
type next struct {
	c      *config
	dir    string
	worker atomic.Int64 // who never asked before, in any run
}

// The queue is of so many tasks in so many lanes: a zone each.
const (
	openTasks  = 100_000
	openZones  = 20
	openItems  = 1000
	nextAsks   = 200 // a second
	nextGrowth = 8 * openTasks
)

func openNext(ctx context.Context, c *config) (probe, error) {
	dir, _, err := c.prepared(ctx, "tasks", nextGrowth, func(dir string) error { return c.tasks(ctx, dir) })
	if err != nil {
		return nil, err
	}
	p := &next{c: c, dir: dir}
	p.worker.Store(time.Now().UnixNano())
	return p, nil
}

// tasks lets the hub's own door open a count for each item in each zone.
func (c *config) tasks(ctx context.Context, dir string) (err error) {
	h, err := c.serve(ctx, serveOptions{data: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	for i := range openItems {
		if err := h.post(ctx, "/v1/items", fmt.Appendf(nil, `{"sku":"SKU-%04d","units":[{"uom":"each","factor":1}]}`, i)); err != nil {
			return err
		}
	}
	const places = openTasks / openItems
	for i := range places {
		if err := h.post(ctx, "/v1/locations", fmt.Appendf(nil, `{"location":"P-%03d","purpose":"pick","zone":"Z-%02d","sequence":%d}`, i, i%openZones, i)); err != nil {
			return err
		}
	}
	clients := h.callers(connected)
	var n atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for w := range connected {
		g.Go(func() error {
			for {
				at := int(n.Add(1)) - 1
				if at >= openTasks {
					return nil
				}
				if err := clients[w].post(ctx, "/v1/counts", fmt.Appendf(nil, `{"item":"SKU-%04d","location":"P-%03d"}`, at%openItems, at/openItems)); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// round has workers ask who have nothing yet, each from some place.
func (p *next) round(ctx context.Context) (_ sample, err error) {
	h, err := p.c.serve(ctx, serveOptions{data: p.dir})
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	clients := h.callers(connected)
	ask := func(ctx context.Context, worker, n int) error {
		return clients[worker].post(ctx, "/v1/tasks/next", fmt.Appendf(nil, `{"worker":"w-%d","location":"P-%03d"}`, p.worker.Add(1), n*37%(openTasks/openItems)))
	}
	if err := closedLoop(ctx, 8, 500*time.Millisecond, ask).held(); err != nil {
		return sample{}, err
	}
	cpu := h.cpu()
	l := openLoop{perSecond: nextAsks, length: p.c.all(1), workers: connected, call: ask}.run(ctx)
	if err := l.held(); err != nil {
		return sample{}, err
	}
	s := sample{value: l.latency.at(0.99), counts: map[string]float64{"open_tasks": openTasks}}
	l.into(s.counts, "")
	s.counts["cpu_us_per_op"] = float64((h.cpu() - cpu).Microseconds()) / float64(l.sent)
	s.counts["peak_rss_mb"] = peakRSS(h.pid())
	return s, ctx.Err()
}

func (p *next) Close() error { return nil }

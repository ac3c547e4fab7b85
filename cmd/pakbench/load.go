package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// openLoop calls at a fixed rate, whatever the answers take, and measures each call from
// the moment it was due. A server that stalls for a second therefore shows a second's
// worth of late calls, as its callers would have seen them, and not one: that is how
// coordinated omission is accounted for. Calls that find all workers busy start late, and
// their wait counts.
type openLoop struct {
	perSecond float64
	length    time.Duration
	workers   int
	start     time.Time // when the first is due; zero is now
	call      func(ctx context.Context, worker, n int) error
}

// total is how many calls it makes.
func (l openLoop) total() int { return int(l.perSecond * l.length.Seconds()) }

// due is when a call is to be made.
func (l openLoop) due(n int) time.Time {
	return l.start.Add(time.Duration(float64(n) * float64(time.Second) / l.perSecond))
}

// loaded is what a load saw.
type loaded struct {
	latency   histogram
	sent      int64
	failed    int64
	firstErr  error
	took      time.Duration
	lateStart time.Duration // by how much the last call started late: the schedule was not held
}

func (l openLoop) run(ctx context.Context) *loaded {
	out := &loaded{}
	total := l.total()
	if l.start.IsZero() {
		l.start = time.Now()
	}
	var next atomic.Int64
	var once sync.Once
	var late atomic.Int64
	var wg sync.WaitGroup
	for w := range l.workers {
		wg.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= total || ctx.Err() != nil {
					return
				}
				due := l.due(n)
				if wait := time.Until(due); wait > 0 {
					timer := time.NewTimer(wait)
					select {
					case <-timer.C:
					case <-ctx.Done():
						timer.Stop()
						return
					}
				} else if n == total-1 {
					late.Store(int64(-wait))
				}
				err := l.call(ctx, w, n)
				if err != nil && ctx.Err() != nil {
					return
				}
				out.latency.add(time.Since(due))
				atomic.AddInt64(&out.sent, 1)
				if err != nil {
					atomic.AddInt64(&out.failed, 1)
					once.Do(func() { out.firstErr = err })
				}
			}
		})
	}
	wg.Wait()
	out.took = time.Since(l.start)
	out.lateStart = time.Duration(late.Load())
	return out
}

// closedLoop calls as fast as the answers come, for the rate that a server reaches. Its
// latencies say nothing about callers who do not wait for each other.
func closedLoop(ctx context.Context, workers int, length time.Duration, call func(ctx context.Context, worker, n int) error) *loaded {
	out := &loaded{}
	var next atomic.Int64
	var once sync.Once
	began := time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for time.Since(began) < length && ctx.Err() == nil {
				at := time.Now()
				err := call(ctx, w, int(next.Add(1))-1)
				if err != nil && ctx.Err() != nil {
					return
				}
				out.latency.add(time.Since(at))
				atomic.AddInt64(&out.sent, 1)
				if err != nil {
					atomic.AddInt64(&out.failed, 1)
					once.Do(func() { out.firstErr = err })
				}
			}
		})
	}
	wg.Wait()
	out.took = time.Since(began)
	return out
}

package bus

import (
	"context"

	"github.com/paklog/hub/core/journal"
)

// Unwritten is unwritten, for the test that it forgets no field.
var Unwritten = unwritten

// MaxLive is what a subscription that lags holds in memory.
const MaxLive = maxLive

// NewReads is what the request of a door reads with.
func (d *Door) NewReads() *Reads { return d.bus.reads() }

// Submit is a door's commit that waits.
func (d *Door) Submit(ctx context.Context, r *Reads, u *journal.Unit) (*journal.Refusal, error) {
	ch := make(chan outcome, 1)
	ref, err := d.bus.submit(ctx, r, &pending{u: u, urgent: true, done: func(r *journal.Refusal, err error) { ch <- outcome{r, err} }})
	if ref != nil || err != nil {
		return ref, err
	}
	o := <-ch
	return o.r, o.err
}

// Bounds of what a subscription, and all together, hold in memory.
const (
	HoldMuch   = holdMuch
	HoldLittle = holdLittle
	HeldMuch   = heldMuch
)

// HeldBy is what a subscription holds of records, in bytes.
func (b *Bus) HeldBy(name string) int {
	s, err := b.find(name)
	if err != nil {
		return -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes + s.liveBytes
}

// NewReads is what a handler reads with.
func (b *Bus) NewReads() *Reads { return b.reads() }

package bus

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/journal"
)

// A stepped bus ([Options.Stepped]) starts no goroutine: whoever holds it does one thing
// after the other, in an order of his own choice, and with a clock and ids of his own gets the
// same log each time. It belongs to one goroutine. A call that must wait for the disk writes
// everything that waits, there and then. It is not closed: dropping it, at any moment, is
// what a crash is.

// CommitSome writes up to n of the units that wait, in one transaction, and tells everyone. It
// reports whether there was anything to write.
func (b *Bus) CommitSome(n int) (bool, error) {
	b.mu.Lock()
	if b.err != nil {
		defer b.mu.Unlock()
		return false, b.err
	}
	if len(b.queue) == 0 && len(b.flushes) == 0 {
		b.mu.Unlock()
		return false, nil
	}
	batch, delivered, flushed, _ := b.takeUpTo(n) // and gives the lock back
	var refusals []*journal.Refusal
	var err error
	if len(batch) > 0 || len(delivered) > 0 {
		refusals, err = b.write(batch, delivered)
	}
	if err != nil {
		b.fail(batch, flushed, err)
		return true, b.Err()
	}
	refused := slices.ContainsFunc(refusals, func(r *journal.Refusal) bool { return r != nil })
	if refused {
		b.recover(batch, refusals)
	}
	if refusals != nil {
		b.tell(batch, refusals, refused)
	}
	for _, f := range flushed {
		close(f.done)
	}
	return true, nil
}

// settle is what a stepped bus does where another waits: it writes until ch has its answer.
func settle[T any](b *Bus, ch <-chan T) {
	for b.opts.Stepped && len(ch) == 0 {
		if wrote, err := b.CommitSome(b.opts.MaxBatch); !wrote || err != nil {
			return
		}
	}
}

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// Later runs f soon: beside what goes on, or, on a stepped bus, with [Bus.Soon].
func (b *Bus) Later(f func()) {
	if !b.opts.Stepped {
		go f()
		return
	}
	b.soon = append(b.soon, f)
}

// Soon does the first of what was put off and reports whether there was any.
func (b *Bus) Soon() bool {
	if len(b.soon) == 0 {
		return false
	}
	f := b.soon[0]
	b.soon = b.soon[1:]
	f()
	return true
}

// Uncommitted reports whether units wait to be written.
func (b *Bus) Uncommitted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue) > 0
}

// NextTimer is when the next timer is due; false when none is set.
func (b *Bus) NextTimer() (time.Time, bool) {
	b.timers.mu.Lock()
	defer b.timers.mu.Unlock()
	if len(b.timers.heap) == 0 {
		return time.Time{}, false
	}
	return b.timers.heap[0].due, true
}

// FireTimer fires the first timer whose time has come and reports whether there was one.
func (b *Bus) FireTimer() bool {
	e, set, _ := b.timers.due()
	if e == nil {
		return false
	}
	b.timers.fire(e, set)
	return true
}

// Hand is a subscription of a stepped bus.
type Hand struct {
	s     *subscription
	woken bool // what only a start wakes was woken
}

// Subscribe makes or finds a subscription that hands its messages to whoever asks.
func (b *Bus) Subscribe(ctx context.Context, cfg Subscription) (*Hand, error) {
	s, err := b.subscribe(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Hand{s: s}, nil
}

// Waiting is how many messages wait for a handler.
func (h *Hand) Waiting() int { return len(h.s.out) }

// Take is the i-th of the messages that wait, each of another key.
func (h *Hand) Take(i int) *Delivery {
	for range i {
		h.s.out <- <-h.s.out
	}
	return <-h.s.out
}

// Stirred reports whether a subscription may have something to deliver that had nothing when it
// was asked last.
func (b *Bus) Stirred() bool {
	was := b.stirred
	b.stirred = false
	return was
}

// Behind reports whether [Hand.Deliver] may find something.
func (h *Hand) Behind() bool {
	s := h.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.redo) > 0 {
		return !s.stopped && s.room(min(chunk, len(s.redo)), true)
	}
	return !s.stopped && (!h.woken || (s.behind || len(s.live) > 0) && s.room(chunk, false))
}

// Deliver puts some records into their lanes. It is called where [Hand.Behind] says so.
func (h *Hand) Deliver(ctx context.Context) error {
	s := h.s
	if len(s.redo) > 0 {
		return s.redeliver(ctx)
	}
	if !h.woken {
		h.woken = true
		return s.wakeParked(ctx)
	}
	s.mu.Lock()
	recs, after, joinAt, page := s.live, s.cursor, s.joinAt, s.behind
	if !page {
		recs = recs[:min(chunk, len(recs))]
		s.live = s.live[len(recs):]
		for _, r := range recs {
			s.liveBytes -= footprint(r)
		}
		s.mu.Unlock()
		s.deliver(recs, false)
		clear(recs) // they are in their lanes, and live goes on behind them
		return nil
	}
	s.mu.Unlock()
	found, err := s.bus.driver.Topics(ctx, s.topics(), after, chunk)
	if err != nil {
		return fmt.Errorf("reading topics of %s: %w", s.name, err)
	}
	recs = make([]*journal.Record, len(found))
	for i := range found {
		recs[i] = &found[i]
	}
	s.deliver(recs, false)
	if len(found) < chunk {
		s.caughtUp(joinAt)
	}
	return nil
}

// Double is the message of d in the hands of a second handler, as when another process took
// over while the first one still worked. One of the two finishes the message, and the unit of the
// other is refused by the disk. It is nil for a message that waited out of its lane: its park is
// removed once.
func (h *Hand) Double(d *Delivery) *Delivery {
	if d.Parked {
		return nil
	}
	s := h.s
	s.mu.Lock()
	defer s.mu.Unlock()
	n := d.renew()
	n.lane, n.held = nil, true
	s.running++
	s.open[n.part]++
	s.held++
	s.bytes += n.size
	return n
}

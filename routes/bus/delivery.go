package bus

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/paklog/hub/core/journal"
)

// Delivery is a message in the hands of one handler.
type Delivery struct {
	Record journal.Record
	// Attempt is how many runs of the handler failed before this one.
	Attempt int
	// Parked is set when the record waited out of its lane (a retry, a follower, a letter).
	Parked bool
	// Letter is the letter that is being replayed, "" for none.
	Letter string

	sub     *subscription
	lane    *lane
	gen     uint64
	part    uint8
	reason  journal.ParkReason
	timer   string // retry timer that woke it
	parkKey string
	alone   bool // parked by itself: holds no lane
	units   int  // partial units so far
}

// ErrAgain tells a handler that its message goes out again behind a predecessor that
// was refused: what it decided is void, and it returns.
var ErrAgain = errors.New("the message goes out again")

// Sub is the subscription that delivered it.
func (d *Delivery) Sub() string { return d.sub.name }

// ParkKey is the key that the record is parked under, or its ordering key.
func (d *Delivery) ParkKey() string {
	if d.Parked {
		return d.parkKey
	}
	return d.Record.Key
}

// Reads starts a run of a handler.
func (d *Delivery) Reads() *Reads { return &Reads{bus: d.sub.bus} }

// finish completes a unit that ends this delivery: the mark of its cause, or the removal of
// its park and retry timer, unless the unit parks it again.
func (d *Delivery) finish(u *journal.Unit) {
	u.Cause = journal.Cause{Sub: d.sub.name, Part: d.part, Pos: d.Record.Pos, Done: !d.Parked}
	if d.Parked {
		again := false
		for _, op := range u.Parks {
			again = again || op.Sub == d.sub.name && op.Pos == d.Record.Pos
		}
		if !again {
			u.Parks = append(u.Parks, journal.ParkOp{Sub: d.sub.name, Key: d.parkKey, Pos: d.Record.Pos, Remove: true})
		}
	}
	if d.timer != "" && !slices.ContainsFunc(u.Timers, func(op journal.TimerOp) bool { return op.ID == d.timer }) {
		u.Timers = append(u.Timers, journal.TimerOp{ID: d.timer, Remove: true})
	}
	d.identify(u)
	if d.lane != nil {
		u.Lane = d.lane.id
	}
}

func (d *Delivery) identify(u *journal.Unit) {
	if u.ID.IsZero() {
		u.ID = d.Record.ID.Child(d.sub.name, "unit", d.Attempt<<20|d.units)
	}
	if u.At.IsZero() {
		u.At = d.sub.bus.now().UTC()
	}
}

// Commit hands over the unit that ends this delivery and lets the lane go on. done, which may
// be nil, is called once from the committer when the unit is durable; when the disk
// refuses it, done gets the refusal and the message goes out again.
//
// A refusal means that nothing happened: the handler runs again where it may ([journal.Refusal.Again]).
// [ErrAgain] means that the handler returns and does nothing.
func (d *Delivery) Commit(ctx context.Context, r *Reads, u *journal.Unit, done func(*journal.Refusal, error)) (*journal.Refusal, error) {
	if r != nil {
		r.bind(u)
	}
	d.finish(u)
	s, b := d.sub, d.sub.bus
	if err := b.warm(ctx, u); err != nil {
		return nil, err
	}
	b.waitRoom()
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.lane != nil && d.gen != d.lane.gen {
		s.running--
		d.lane.current = nil
		d.lane.back = append(d.lane.back, d)
		s.advance(d.lane)
		s.emitReady()
		return nil, ErrAgain
	}
	b.mu.Lock()
	ref, err := b.enqueue(ctx, &pending{u: u, d: d, done: done})
	b.mu.Unlock()
	if ref != nil || err != nil {
		return ref, err
	}
	s.handed(d, u)
	return nil, nil
}

// CommitWait is [Delivery.Commit] that returns when the unit is durable: for what must not
// leave the process before.
func (d *Delivery) CommitWait(ctx context.Context, r *Reads, u *journal.Unit) (*journal.Refusal, error) {
	ch := make(chan outcome, 1)
	ref, err := d.Commit(ctx, r, u, func(r *journal.Refusal, err error) { ch <- outcome{r, err} })
	if ref != nil || err != nil {
		return ref, err
	}
	o := <-ch
	return o.r, o.err
}

type outcome struct {
	r   *journal.Refusal
	err error
}

// Partial makes a unit durable that does not end the delivery: a thousand children of a
// split, the start of an effect. Whatever it holds stands when the handler runs again, so it must
// be written to be found (a state with the offset, the effect's row).
func (d *Delivery) Partial(ctx context.Context, r *Reads, u *journal.Unit) (*journal.Refusal, error) {
	if r != nil {
		r.bind(u)
	}
	d.units++
	u.Cause = journal.Cause{Sub: d.sub.name, Part: d.part, Pos: d.Record.Pos}
	d.identify(u)
	return d.sub.bus.Submit(ctx, u)
}

// Release gives the message back unhandled: it is the next of its lane when the subscription
// goes on.
func (d *Delivery) Release() {
	d.sub.mu.Lock()
	defer d.sub.mu.Unlock()
	d.sub.giveBack(d)
}

// again delivers the message once more after a moment, for a bare Nack. The lane waits.
func (d *Delivery) again(after time.Duration) {
	s := d.sub
	s.mu.Lock()
	s.running--
	s.quiet.Broadcast()
	s.emitReady()
	s.mu.Unlock()
	time.AfterFunc(after, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.emit(d)
	})
}

// waitRoom blocks while too much waits for the disk.
func (b *Bus) waitRoom() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) >= b.opts.MaxQueue && b.err == nil && !b.closing {
		b.room.Wait()
	}
}

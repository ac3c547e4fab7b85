package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/journal"
)

// Delivery is a message in the hands of one handler, for one run: a message that goes
// out again is another Delivery.
type Delivery struct {
	Record journal.Record
	// Attempt is how many runs of the handler failed before this one.
	Attempt int
	// Parked is set when the record waited out of its lane (a retry, a follower, a letter).
	Parked bool
	// Letter is the letter that is being replayed, "" for none.
	Letter string
	// Instead is what the handler gets in the place of Record, which somebody has edited; nil is Record
	// itself. The handler's host sets it for each run.
	Instead *journal.Record

	sub     *subscription
	lane    *lane  // nil for what has no order
	gen     uint64 // of the lane when it started
	part    uint8
	size    int  // in memory, about
	held    bool // counted in subscription.running; guarded by its mu
	reason  journal.ParkReason
	timer   string // retry timer that woke it
	parkKey string
}

// ErrAgain tells a handler that its message is no longer in its hands: it goes out again
// behind a predecessor that was refused, or was handled by another run. What the handler
// decided is void, and it returns.
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
func (d *Delivery) Reads() *Reads { return d.sub.bus.reads() }

// renew is the same message for another run.
func (d *Delivery) renew() *Delivery {
	n := *d
	n.held = false
	return &n
}

// finish completes a unit that ends this delivery: the mark of its cause, or the removal of
// its park and retry timer, unless the unit parks it again.
func (d *Delivery) finish(u *journal.Unit) {
	u.Cause = journal.Cause{Sub: d.sub.name, Part: d.part, Pos: d.Record.Pos, Done: !d.Parked}
	if d.Parked && !slices.ContainsFunc(u.Parks, func(op journal.ParkOp) bool {
		return op.Sub == d.sub.name && op.Pos == d.Record.Pos && op.Key == d.parkKey
	}) {
		u.Parks = append(u.Parks, journal.ParkOp{Sub: d.sub.name, Key: d.parkKey, Pos: d.Record.Pos, Remove: true})
	}
	if d.timer != "" && !slices.ContainsFunc(u.Timers, func(op journal.TimerOp) bool { return op.ID == d.timer }) {
		u.Timers = append(u.Timers, journal.TimerOp{ID: d.timer, Remove: true})
	}
	if d.lane != nil {
		u.Lane = d.lane.id
	}
}

// Commit hands over the unit that ends this delivery and lets the lane go on. done, which may
// be nil, is called once from the committer when the unit is durable; when the disk
// refuses it, done gets the refusal and the message goes out again.
//
// A refusal means that nothing happened and the message is still in the handler's hands: it
// decides again where it may ([journal.Refusal.Again]), or commits something else. Every
// error is an [ErrAgain]: the message is not in its hands any more, and the handler returns.
func (d *Delivery) Commit(ctx context.Context, r *Reads, u *journal.Unit, done func(*journal.Refusal, error)) (*journal.Refusal, error) {
	if r != nil {
		r.bind(u)
	}
	d.finish(u)
	s, b := d.sub, d.sub.bus
	if ref, err := b.ready(ctx, u); ref != nil || err != nil {
		return ref, d.later(err)
	}
	s.mu.Lock()
	b.mu.Lock()
	over := s.over(ctx, d)
	var ref *journal.Refusal
	var err error
	if !over {
		ref, err = b.enqueue(ctx, r, &pending{u: u, d: d, done: done})
	}
	due := b.work.takeDue()
	b.mu.Unlock()
	switch {
	case over:
		s.letGo(d)
	case ref == nil && err == nil:
		b.At(StepHanded)
		s.handed(d, u)
	}
	s.mu.Unlock()
	b.snapshots(due)
	if over {
		return nil, ErrAgain
	}
	return ref, d.later(err)
}

// later lets a message go out again that could not be handed over.
func (d *Delivery) later(err error) error {
	if err == nil {
		return nil
	}
	d.again(nackDelay)
	return fmt.Errorf("%w: %w", ErrAgain, err)
}

// over reports that a run can hand nothing over any more: its delivery was let go, its
// lane was recalled since it started, or its parked record is gone. Callers hold both locks.
func (s *subscription) over(ctx context.Context, d *Delivery) bool {
	if !d.held || d.lane != nil && (d.lane.recalled.Load() || d.gen != d.lane.gen) {
		return true
	}
	if !d.Parked {
		return false
	}
	row, err := s.bus.work.Row(ctx, journal.TablePark, journal.ParkKey(s.name, d.parkKey, d.Record.Pos))
	if err != nil || row != nil {
		return false
	}
	s.unparked(d.Record.Pos)
	return true
}

// Finished reports whether somebody else has finished the message, durably: another process that
// took over. What is handed over for it will be refused. A message that was parked is finished
// with its park, which whoever commits is judged by.
func (d *Delivery) Finished(ctx context.Context) (bool, error) {
	if d.Parked {
		return false, nil
	}
	c, err := d.sub.bus.driver.Checkpoint(ctx, d.sub.name, d.part)
	if err != nil {
		return false, fmt.Errorf("reading a checkpoint of %s: %w", d.sub.name, err)
	}
	return d.Record.Pos <= c.High && !c.IsOpen(d.Record.Pos), nil
}

// CommitWait is [Delivery.Commit] that returns when the unit is durable: for what must not
// leave the process before. What the disk refuses goes out again by itself: [ErrAgain].
func (d *Delivery) CommitWait(ctx context.Context, r *Reads, u *journal.Unit) (*journal.Refusal, error) {
	ch := make(chan outcome, 1)
	ref, err := d.Commit(ctx, r, u, func(r *journal.Refusal, err error) { ch <- outcome{r, err} })
	if ref != nil || err != nil {
		return ref, err
	}
	settle(d.sub.bus, ch)
	o := <-ch
	if o.r != nil {
		return nil, ErrAgain
	}
	return nil, o.err
}

type outcome struct {
	r   *journal.Refusal
	err error
}

// Partial makes a unit durable that does not end the delivery: a thousand children of a
// split, the start of an effect. Whatever it holds stands when the handler runs again, so it must
// be written to be found (a state with the offset, the effect's row). The handler returns
// on [ErrAgain], as from Commit; on any other error the message is still in its hands.
func (d *Delivery) Partial(ctx context.Context, r *Reads, u *journal.Unit) (*journal.Refusal, error) {
	if r != nil {
		r.bind(u)
	}
	u.Cause = journal.Cause{Sub: d.sub.name, Part: d.part, Pos: d.Record.Pos}
	if d.lane != nil {
		u.Lane = d.lane.id
	}
	s, b := d.sub, d.sub.bus
	if ref, err := b.ready(ctx, u); ref != nil || err != nil {
		return ref, err
	}
	ch := make(chan outcome, 1)
	p := &pending{u: u, done: func(r *journal.Refusal, err error) { ch <- outcome{r, err} }}
	s.mu.Lock()
	b.mu.Lock()
	over := s.over(ctx, d)
	var ref *journal.Refusal
	var err error
	if !over {
		ref, err = b.enqueue(ctx, r, p)
	}
	due := b.work.takeDue()
	b.mu.Unlock()
	if over {
		s.letGo(d)
		err = ErrAgain
	}
	s.mu.Unlock()
	b.snapshots(due)
	if ref != nil || err != nil {
		return ref, err
	}
	settle(b, ch)
	o := <-ch
	return o.r, o.err
}

// Release gives the message back unhandled: it is the next of its lane when the subscription
// goes on. After a Commit that took the message it does nothing.
func (d *Delivery) Release() {
	s := d.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.letGo(d); n != nil {
		s.ready = slices.Insert(s.ready, 0, n)
	}
	s.emitReady()
}

// again delivers the message once more after a moment, for a bare Nack. The lane waits.
func (d *Delivery) again(after time.Duration) {
	s := d.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.letGo(d)
	s.emitReady()
	if n == nil {
		return
	}
	time.AfterFunc(after, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.emit(n)
	})
}

package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
)

// Options of a bus. The zero value of a field is the default named beside it.
type Options struct {
	Log *slog.Logger     // discards
	Now func() time.Time // the one clock; time.Now when nil, which only tests may leave

	MaxBatch int // units in one transaction at most: 4096
	MaxQueue int // units that wait before handing over blocks: 16384
	Cached   int // entries of each working-set table kept in memory: 50000

	// Resume is how long the committer waits before it tries a full disk again: 1 s.
	Resume time.Duration
}

func (o *Options) defaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBatch == 0 {
		o.MaxBatch = 4096
	}
	if o.MaxQueue == 0 {
		o.MaxQueue = 16384
	}
	if o.Cached == 0 {
		o.Cached = 50_000
	}
	if o.Resume == 0 {
		o.Resume = time.Second
	}
}

// ErrClosed is returned by everything that comes after Close.
var ErrClosed = errors.New("bus is closed")

// Bus is the one per process that owns a journal. Make it with [Open], end it with Close.
type Bus struct {
	driver journal.Driver
	opts   Options
	log    *slog.Logger
	now    func() time.Time

	mu        sync.Mutex
	room      sync.Cond // the queue shrank
	work      *working
	changes   journal.Changes // scratch of submit
	queue     []*pending
	delivered []journal.Delivery
	flush     chan struct{} // closed when all that waits now is durable; nil when nobody asked
	closing   bool
	err       error // the journal is broken: nothing is taken any more

	wake chan struct{} // the committer has work
	done chan struct{} // the committer ended
	full atomic.Bool   // the disk is full: what waits is tried again
	last atomic.Uint64 // highest durable position

	laneID atomic.Uint64

	subsMu sync.RWMutex
	subs   map[string]*subscription
	topics map[string][]*subscription

	timers *timers
	stats  Stats
}

// Stats count what the bus did since it opened. Read them with [Bus.Stats].
type Stats struct {
	Units, Records, Batches, Refused, Rerun uint64
}

// pending is a unit that was handed over.
type pending struct {
	u    *journal.Unit
	d    *Delivery // nil for a unit from no subscription
	pins []*int32
	// done is called once, from the committer: nil when durable, the refusal of the
	// disk, or the error that ended the journal. It does not block.
	done func(*journal.Refusal, error)
}

func (p *pending) finish(r *journal.Refusal, err error) {
	if p.done != nil {
		p.done(r, err)
	}
}

// Open starts a bus on a driver that nothing else uses. It owns the driver from now on.
func Open(ctx context.Context, d journal.Driver, o Options) (*Bus, error) {
	o.defaults()
	b := &Bus{
		driver: d, opts: o, log: o.Log, now: o.Now,
		work: newWorking(d, o.Cached),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		subs: map[string]*subscription{}, topics: map[string][]*subscription{},
	}
	b.room.L = &b.mu
	last, err := d.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the last position: %w", err)
	}
	b.last.Store(uint64(last))
	if b.timers, err = loadTimers(ctx, b); err != nil {
		return nil, err
	}
	go b.commitLoop()
	go b.timers.run()
	return b, nil
}

// Driver is the journal beneath, for reads that may lag behind what waits.
func (b *Bus) Driver() journal.Driver { return b.driver }

// Last is the highest durable position.
func (b *Bus) Last() journal.Pos { return journal.Pos(b.last.Load()) }

// Full reports whether the disk is full: doors then refuse work with a reason.
func (b *Bus) Full() bool { return b.full.Load() }

// Err is why the journal takes nothing any more, or nil.
func (b *Bus) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Stats is a copy of the counters.
func (b *Bus) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

// Waiting is how many units wait for the disk.
func (b *Bus) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue)
}

func (b *Bus) newID() journal.ID {
	var r [10]byte
	_, _ = rand.Read(r[:]) // crypto/rand.Read never fails
	return journal.NewID(b.now(), r)
}

// Submit makes a unit durable that no message caused, and waits for it.
func (b *Bus) Submit(ctx context.Context, u *journal.Unit) (*journal.Refusal, error) {
	ch := make(chan outcome, 1)
	p := &pending{u: u, done: func(r *journal.Refusal, err error) { ch <- outcome{r, err} }}
	if r, err := b.submit(ctx, p); r != nil || err != nil {
		return r, err
	}
	o := <-ch // not ctx: what was handed over will be durable, whoever waits
	return o.r, o.err
}

// submit judges a unit against the working set and queues it. A refusal or an
// error means that it was not queued.
func (b *Bus) submit(ctx context.Context, p *pending) (*journal.Refusal, error) {
	if p.u.ID.IsZero() {
		p.u.ID = b.newID()
	}
	if p.u.At.IsZero() {
		p.u.At = b.now().UTC()
	}
	if err := b.warm(ctx, p.u); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) >= b.opts.MaxQueue && b.err == nil && !b.closing {
		b.room.Wait()
	}
	return b.enqueue(ctx, p)
}

// enqueue is submit under the lock.
func (b *Bus) enqueue(ctx context.Context, p *pending) (*journal.Refusal, error) {
	if b.err != nil {
		return nil, b.err
	}
	b.changes.Reset()
	r, err := journal.Judge(ctx, b.work, 0, p.u, &b.changes)
	if err != nil {
		return nil, fmt.Errorf("judging a unit: %w", err)
	}
	if r != nil {
		b.stats.Refused++
		return r, nil
	}
	p.pins = b.work.apply(p.u, &b.changes)
	b.queue = append(b.queue, p)
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return nil, nil
}

// flushed is closed once everything that waits now is durable. Callers hold mu.
func (b *Bus) flushed() <-chan struct{} {
	if b.flush == nil {
		b.flush = make(chan struct{})
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
	return b.flush
}

// Flush waits until everything that was handed over before it is durable.
func (b *Bus) Flush(ctx context.Context) error {
	b.mu.Lock()
	if b.err != nil {
		defer b.mu.Unlock()
		return b.err
	}
	wait := b.flushed()
	b.mu.Unlock()
	select {
	case <-wait:
		return b.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close stops every subscription, makes what waits durable and closes the driver.
// Handlers that still run are waited for until ctx ends.
func (b *Bus) Close(ctx context.Context) error {
	b.subsMu.RLock()
	subs := make([]*subscription, 0, len(b.subs))
	for _, s := range b.subs {
		subs = append(subs, s)
	}
	b.subsMu.RUnlock()
	for _, s := range subs {
		s.stop()
	}
	var late error
	for _, s := range subs {
		if err := s.drained(ctx); err != nil {
			late = errors.Join(late, err)
		}
	}
	b.timers.stop()
	b.mu.Lock()
	already := b.closing
	b.closing = true
	b.room.Broadcast()
	b.mu.Unlock()
	if already {
		<-b.done
		return nil
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
	<-b.done
	if err := b.driver.Close(); err != nil {
		late = errors.Join(late, fmt.Errorf("closing the journal: %w", err))
	}
	return late
}

// broken ends the journal: nothing of what waits can be promised any more.
func broken(err error) error { return fault.E("bus.commit", fault.Internal, err) }

package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
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
	MaxBytes int // encoded bytes that wait before handing over blocks: 64 MiB
	Cached   int // bytes of the stream heads kept in memory, about, and of balances and rows a quarter of it each: 32 MiB

	// Pace is how far apart commits are that hold only what routes handed over to each other:
	// 5 ms, negative for none. A small batch costs nearly what a large one does. A batch of
	// paceUnits or a hub that did nothing for so long waits for nobody, and a door's unit only
	// where most of a crowd of callers is still to be decided on.
	Pace time.Duration

	// Idle is how often, at most, partitions that get nothing follow what the others were
	// delivered: 1 s. A restart need not read again what was never theirs.
	Idle time.Duration
	// Resume is how long the committer waits before it tries a full disk again: 1 s.
	Resume time.Duration
	// Beat is how often a process that shares its journal shows that it breathes: 500 ms. Lapse is
	// how long it may not, before others take its routes over: 6 s. Hand is how long handlers are
	// waited for where a route is handed over: 30 s.
	Beat, Lapse, Hand time.Duration
	// Stepped starts nothing by itself: see stepped.go.
	Stepped bool
	// Entropy fills the random part of the ids that the bus makes: crypto/rand.
	Entropy func(b *[10]byte)
	// Step, when set, is told of each step that is reached: crash tests end the process there.
	Step func(Step)
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
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if o.Cached == 0 {
		o.Cached = 32 << 20
	}
	if o.Pace == 0 {
		o.Pace = 5 * time.Millisecond
	}
	if o.Idle == 0 {
		o.Idle = time.Second
	}
	if o.Resume == 0 {
		o.Resume = time.Second
	}
	if o.Beat == 0 {
		o.Beat = 500 * time.Millisecond
	}
	if o.Lapse == 0 {
		o.Lapse = 6 * time.Second
	}
	if o.Hand == 0 {
		o.Hand = 30 * time.Second
	}
	if o.Entropy == nil {
		o.Entropy = func(b *[10]byte) { _, _ = rand.Read(b[:]) } // crypto/rand.Read never fails
	}
}

// ErrClosed is returned by everything that comes after Close.
var ErrClosed = errors.New("bus is closed")

// Bus is the one per process that works on a journal. Make it with [Open], end it with Close.
type Bus struct {
	driver journal.Driver
	opts   Options
	log    *slog.Logger
	now    func() time.Time

	mu        sync.Mutex
	room      sync.Cond // the queue shrank
	work      *working
	epoch     atomic.Uint64   // moves when the disk refused: what was read before is void
	changes   journal.Changes // scratch of enqueue
	queue     []*pending
	queued    int          // encoded bytes in queue
	urgent    int          // units in queue that somebody outside waits for
	callers   atomic.Int64 // calls of doors that have no answer yet
	writing   []*pending   // the batch at the disk
	taken     uint64       // units that ever left the queue for the disk
	delivered []journal.Delivery
	flushes   []flush // in the order of upTo
	closing   bool
	err       error // why nothing is taken any more

	wake chan struct{} // the committer has work
	quit chan struct{} // closed by Close: a full disk is not waited for any more
	done chan struct{} // the committer ended
	dead chan struct{} // closed when the journal broke
	full atomic.Bool   // the disk is full: what waits is tried again
	last atomic.Uint64 // highest durable position

	laneID atomic.Uint64
	wakes  sync.WaitGroup // parked records being read
	soon   []func()       // what a stepped bus put off
	// stirred is set on a stepped bus where a subscription may have something to deliver.
	stirred bool

	subsMu sync.RWMutex
	subs   map[string]*subscription
	topics map[string][]*subscription
	shut   bool // Close began: nobody subscribes any more

	team     *team // nil where the journal is this process's alone
	head     atomic.Uint64
	seen     journal.Pos // everything up to here is in the working set; the committer's
	news     sync.Cond   // last moved
	foreign  atomic.Pointer[func(*journal.Unit)]
	unfollow func()

	timers  *timers
	replays chan struct{} // streams that are read now
	tail    tail
	stats   Stats
	held    atomic.Int64 // bytes of records that the subscriptions held at the last commit
}

// flush is somebody who waits until so many units were written.
type flush struct {
	upTo uint64
	done chan struct{}
}

// Stats count what the bus did since it opened. Read them with [Bus.Stats].
type Stats struct {
	Units, Records, Batches, Refused uint64
}

// pending is a unit that was handed over.
type pending struct {
	u    *journal.Unit
	d    *Delivery // that the unit ends; nil for any other unit
	pins []*int32
	// urgent is set when somebody outside waits for the unit.
	urgent bool
	// ask is set where the disk is to judge what the working set refused: others write too.
	ask bool
	// foreign is set of what another process wrote.
	foreign bool
	// done is called once, from the committer: nil when durable, the refusal of the
	// disk, or the error that ended the journal. It does not block.
	done func(*journal.Refusal, error)

	pinned [4]*int32 // what pins most often needs
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
		work:    newWorking(d, o.Cached),
		replays: make(chan struct{}, maxReplays),
		wake:    make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}), dead: make(chan struct{}),
		subs: map[string]*subscription{}, topics: map[string][]*subscription{},
	}
	b.room.L, b.news.L = &b.mu, &b.mu
	last, err := d.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the last position: %w", err)
	}
	b.last.Store(uint64(last))
	b.seen = last
	shared, _ := d.(journal.Shared)
	if shared != nil && shared.Team() != nil {
		b.team = newTeam(b, shared.Team())
	}
	if b.timers, err = loadTimers(ctx, b); err != nil {
		return nil, err
	}
	if !o.Stepped {
		go b.commitLoop()
		go b.timers.run()
	}
	if b.team != nil {
		follow, end := context.WithCancel(context.WithoutCancel(ctx))
		ended := make(chan struct{})
		b.unfollow = func() {
			end()
			<-ended
		}
		go func() {
			defer close(ended)
			b.follow(follow, shared)
		}()
	}
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

// Broken is closed when the journal takes nothing any more, by an error that no retry mends:
// the process must end. [Bus.Err] says why.
func (b *Bus) Broken() <-chan struct{} { return b.dead }

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
	b.opts.Entropy(&r)
	return journal.NewID(b.now(), r)
}

// Submit makes a unit durable that no message caused, and waits for it.
func (b *Bus) Submit(ctx context.Context, u *journal.Unit) (*journal.Refusal, error) {
	ch := make(chan outcome, 1)
	p := &pending{u: u, urgent: true, done: func(r *journal.Refusal, err error) { ch <- outcome{r, err} }}
	if r, err := b.submit(ctx, nil, p); r != nil || err != nil {
		return r, err
	}
	settle(b, ch)
	o := <-ch // not ctx: what was handed over will be durable, whoever waits
	return o.r, o.err
}

// submit judges a unit against the working set and queues it. A refusal or an
// error means that it was not queued.
func (b *Bus) submit(ctx context.Context, reads *Reads, p *pending) (*journal.Refusal, error) {
	if reads != nil {
		reads.bind(p.u)
	}
	if r, err := b.ready(ctx, p.u); r != nil || err != nil {
		return r, err
	}
	b.mu.Lock()
	r, err := b.enqueue(ctx, reads, p)
	due := b.work.takeDue()
	b.mu.Unlock()
	b.snapshots(due)
	return r, err
}

// ready does all that a unit needs before the locks: it is named, encoded, what it is
// judged by is in memory, and the queue has room. Nothing changes the unit after it.
func (b *Bus) ready(ctx context.Context, u *journal.Unit) (*journal.Refusal, error) {
	if u.ID.IsZero() {
		u.ID = b.newID()
	}
	if u.At.IsZero() {
		u.At = b.now().UTC()
	}
	u.Stored = journal.AppendUnit(make([]byte, 0, sizeOf(u)), u)
	if len(u.Stored) > journal.MaxUnit {
		// The disk would refuse it too, each time it comes again.
		return &journal.Refusal{
			Why: journal.RefusedMalformed, Have: int64(len(u.Stored)), Want: journal.MaxUnit,
			What: fmt.Sprintf("a unit of %d bytes, %d at most: keep large payloads in files", len(u.Stored), journal.MaxUnit),
		}, nil
	}
	if err := b.warm(ctx, u); err != nil {
		return nil, err
	}
	return nil, b.waitRoom(ctx)
}

// sizeOf is about what a unit takes, so that encoding it grows no memory.
func sizeOf(u *journal.Unit) int {
	n := 256 + 48*(len(u.Expect)+len(u.Postings)+len(u.Timers)+len(u.Parks))
	for i := range u.Records {
		r := &u.Records[i]
		n += 128 + len(r.Data) + len(r.Stream) + len(r.Key) + len(r.Personal) + len(r.Trace)
		for k, v := range r.Headers {
			n += 4 + len(k) + len(v)
		}
	}
	for i := range u.States {
		n += 32 + len(u.States[i].Data)
	}
	return n
}

// waitRoom blocks while too much waits for the disk.
func (b *Bus) waitRoom(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.crowded() || b.opts.Stepped {
		return nil
	}
	stop := context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.room.Broadcast()
	})
	defer stop()
	for b.crowded() && ctx.Err() == nil {
		b.room.Wait()
	}
	return ctx.Err()
}

func (b *Bus) crowded() bool {
	return (len(b.queue) >= b.opts.MaxQueue || b.queued >= b.opts.MaxBytes) && b.err == nil && !b.closing
}

// errVoid refuses a unit that was decided on what the disk refused since.
func errVoid() *journal.Refusal {
	return &journal.Refusal{Why: journal.RefusedLane, What: "what it was decided on was refused by the disk"}
}

// enqueue judges a unit that is ready and queues it. Callers hold mu.
func (b *Bus) enqueue(ctx context.Context, reads *Reads, p *pending) (*journal.Refusal, error) {
	switch {
	case b.err != nil:
		return nil, b.err
	case b.closing:
		return nil, ErrClosed
	case reads != nil && reads.epoch != b.epoch.Load():
		b.stats.Refused++
		return errVoid(), nil
	}
	return b.judge(ctx, p)
}

func (b *Bus) judge(ctx context.Context, p *pending) (*journal.Refusal, error) {
	b.changes.Reset()
	r, err := journal.Judge(ctx, b.work, 0, p.u, &b.changes)
	if err != nil {
		return nil, fmt.Errorf("judging a unit: %w", err)
	}
	if p.ask = r != nil && b.asks(p, r); r != nil && !p.ask {
		b.stats.Refused++
		return r, nil
	}
	if !p.ask {
		b.work.apply(p, &b.changes)
	}
	b.queue = append(b.queue, p)
	b.queued += len(p.u.Stored)
	if p.urgent {
		b.urgent++
	}
	if len(b.queue) == 1 || b.pressing() {
		b.kick()
	}
	return nil, nil
}

// asks reports whether a refusal is the disk's to speak: a floor that broke by what may be a moment old,
// where others write and no lane goes on behind the unit.
func (b *Bus) asks(p *pending, r *journal.Refusal) bool {
	return b.team != nil && p.d == nil && p.u.Lane == 0 && r.Why == journal.RefusedFloor
}

func (b *Bus) kick() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Flush waits until everything that was handed over before it is durable.
func (b *Bus) Flush(ctx context.Context) error {
	b.mu.Lock()
	if b.err != nil {
		defer b.mu.Unlock()
		return b.err
	}
	upTo := b.taken + uint64(len(b.queue))
	if n := len(b.flushes); n == 0 || b.flushes[n-1].upTo < upTo {
		b.flushes = append(b.flushes, flush{upTo, make(chan struct{})})
		b.kick()
	}
	wait := b.flushes[len(b.flushes)-1].done
	b.mu.Unlock()
	for b.opts.Stepped && !closed(wait) {
		if wrote, err := b.CommitSome(b.opts.MaxBatch); !wrote || err != nil {
			return err
		}
	}
	select {
	case <-wait:
		if err := b.Err(); !errors.Is(err, ErrClosed) {
			return err
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close stops every subscription, makes what waits durable and closes the driver.
// Handlers that still run are waited for until ctx ends. The error says what was not
// made durable: the disk was full, or the journal broke.
func (b *Bus) Close(ctx context.Context) error {
	b.subsMu.Lock()
	already := b.shut
	b.shut = true
	subs := slices.Collect(maps.Values(b.subs))
	b.subsMu.Unlock()
	if already {
		<-b.done
		return nil
	}
	if b.team != nil {
		b.team.stop()
	}
	for _, s := range subs {
		s.stop()
	}
	var late error
	for _, s := range subs {
		if err := s.drained(ctx); err != nil && b.Err() == nil {
			late = errors.Join(late, err)
		}
	}
	b.timers.stop()
	b.mu.Lock()
	b.closing = true
	close(b.quit)
	b.room.Broadcast()
	b.mu.Unlock()
	b.kick()
	<-b.done
	for _, s := range subs {
		<-s.ended
	}
	b.wakes.Wait()
	if b.team != nil {
		<-b.team.ended
		b.unfollow()
	}
	if err := b.Err(); !errors.Is(err, ErrClosed) {
		late = errors.Join(late, err)
	}
	if err := b.driver.Close(); err != nil {
		late = errors.Join(late, fmt.Errorf("closing the journal: %w", err))
	}
	return late
}

// broken ends the journal: nothing of what waits can be promised any more.
func broken(err error) error { return fault.E("bus.commit", fault.Internal, err) }

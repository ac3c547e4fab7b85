package simulate

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

// run is one simulated warehouse.
type run struct {
	cfg   Config
	ctx   context.Context
	reg   *event.Registry
	now   time.Time
	steps int

	order  *rand.Rand // which step is next
	ids    *rand.Rand // of what the bus makes
	world  *rand.Rand // what people and partners do
	agenda agenda

	store  *journalmem.Store
	disk   *disk
	faults *faults
	check  *checker
	floor  *floor

	bus    *bus.Bus
	hub    *routes.Hub
	routes *routes.Stepped
	names  []string

	confirms map[string]string // by carrier, when its cartons have left

	killed bool  // the hub is gone and must be made anew
	err    error // the first broken promise
	kept   []int // scratch
}

// errKilled is thrown where the hub dies.
var errKilled = errors.New("the hub was killed")

// errUntil ends a run that was asked to stop.
var errUntil = errors.New("stopped before the step that was asked for")

// Run simulates what cfg says and returns what came of it. A [*Failure] names the step at which
// a promise was broken; the result then tells how far it came.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	began := time.Now()
	r, err := newRun(ctx, cfg)
	if err != nil {
		return nil, err
	}
	err = r.all()
	if errors.Is(err, errUntil) {
		err = nil
	}
	res := r.result(time.Since(began))
	if err != nil {
		return res, &Failure{Seed: cfg.Seed, Step: r.steps, At: r.now, Why: err, Events: r.check.tail()}
	}
	return res, nil
}

func newRun(ctx context.Context, cfg Config) (*run, error) {
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		return nil, err
	}
	source := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(cfg.Seed, stream)) }
	r := &run{
		cfg: cfg, ctx: ctx, reg: reg, now: cfg.Start,
		order: source(1), ids: source(2), world: source(3),
		store: journalmem.New(),
	}
	r.check = newChecker(r)
	r.faults = newFaults(cfg.Faults, cfg.Seed, cfg.Orders*cfg.Days, source(4), r.check.note)
	r.disk = &disk{Driver: r.store, r: r, streams: map[string][]*journal.Record{}}
	if cfg.Journal != nil {
		r.disk.Driver, r.disk.streams = cfg.Journal, nil
	}
	r.floor = newFloor(r, source(5))
	if cfg.Fork != nil {
		if err := r.begin(cfg.Fork); err != nil {
			return nil, err
		}
	}
	return r, r.start()
}

// start is another process on what the journal holds.
func (r *run) start() error {
	r.killed = false
	for {
		err := r.guard(r.open)
		if !r.killed {
			return err
		}
		r.killed = false // it died while it started: once more
	}
}

func (r *run) open() (err error) {
	r.bus, err = bus.Open(r.ctx, r.disk, bus.Options{
		Stepped: true, Now: func() time.Time { return r.now }, Step: r.at, Cached: r.cached(), Idle: 10 * time.Minute,
		Entropy: func(b *[10]byte) {
			binary.LittleEndian.PutUint64(b[:8], r.ids.Uint64())
			binary.LittleEndian.PutUint16(b[8:], uint16(r.ids.Uint32()))
		},
	})
	if err != nil {
		return err
	}
	if r.hub, err = routes.New(r.bus, routes.Options{Now: func() time.Time { return r.now }, Registry: r.reg}); err != nil {
		return err
	}
	if _, err = routes.AddFlows(r.hub, r.flows()); err != nil {
		return err
	}
	if r.routes, err = r.hub.Step(r.ctx); err != nil {
		return err
	}
	if r.names == nil {
		r.names = r.routes.Routes()
		r.faults.aim(r.names)
	}
	return nil
}

// cached is what the bus may hold: all of a log in memory, for what it forgets is chosen by chance
// and read again, and a state that is read again is kept beside its stream at other times.
func (r *run) cached() int {
	if r.cfg.Journal != nil {
		return 96 << 20
	}
	return 1 << 30
}

// guard runs f and notes that the hub died in it.
func (r *run) guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p != errKilled { //nolint:errorlint // thrown by us, as it is
				panic(p)
			}
			r.killed, err = true, nil
		}
	}()
	return f()
}

// at is told of each named step of bus and routes.
func (r *run) at(s bus.Step) {
	if r.faults.diesAt(s) {
		panic(errKilled)
	}
}

// all runs to the end.
func (r *run) all() error {
	if r.cfg.Fork == nil {
		if err := r.floor.open(); err != nil {
			return err
		}
	}
	for {
		if r.cfg.Until > 0 && r.steps+1 >= r.cfg.Until {
			return errUntil
		}
		r.steps++
		more, err := r.step()
		if r.err != nil {
			return r.err
		}
		if err != nil {
			return err
		}
		if r.steps%50_000 == 0 {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			if r.cfg.Progress != nil {
				r.cfg.Progress(Progress{r.now, r.steps, r.check.events, r.check.placed, r.check.ended})
			}
		}
		if !more {
			if r.cfg.Fork != nil {
				return r.err // what it forked may have had letters and people of its own
			}
			return r.check.atEnd()
		}
	}
}

// step does one thing: what the seed draws of all that may happen now. False is the end.
func (r *run) step() (more bool, err error) {
	if r.killed {
		return true, r.start()
	}
	more = true
	err = r.guard(func() error {
		if _, err := r.routes.Deliver(r.ctx); err != nil {
			return err
		}
		ready := r.kept[:0]
		for i := range r.names {
			if r.routes.Waiting(i) > 0 && !r.faults.late(i, r.now) {
				ready = append(ready, i)
			}
		}
		r.kept = ready
		// A unit is written after some others came; the rest of the choice is even.
		n := len(ready)
		writes := r.bus.Uncommitted()
		if writes && (n == 0 || r.order.IntN(6) == 0) {
			_, err := r.bus.CommitSome(1 + r.order.IntN(64))
			return err
		}
		at, due := r.agenda.next()
		due = due && !at.After(r.now)
		// People wait for no route, but mostly all that follows from what they did is done by then.
		if n > 0 && (!due || r.order.IntN(50) > 0) {
			i := ready[r.order.IntN(n)]
			return r.handle(i)
		}
		if n == 0 && (r.bus.Soon() || r.bus.FireTimer()) {
			return nil
		}
		if due {
			do := r.agenda.take()
			do()
			return nil
		}
		more = r.pass()
		return nil
	})
	return more, err
}

// handle lets a route handle one of the messages that wait for it.
func (r *run) handle(i int) error {
	r.now = r.now.Add(r.faults.jump(i))
	n := r.order.IntN(r.routes.Waiting(i))
	if r.faults.duplicate(i) {
		return r.routes.HandleTwice(r.ctx, i, n)
	}
	r.routes.Handle(r.ctx, i, n)
	return nil
}

// pass lets the clock go on to the next thing. False is when nothing will happen any more.
func (r *run) pass() bool {
	next, ok := r.agenda.next()
	if at, set := r.bus.NextTimer(); set && (!ok || at.Before(next)) {
		next, ok = at, true
	}
	if at, set := r.faults.nextEnd(); set && (!ok || at.Before(next)) {
		next, ok = at, true
	}
	if !ok || next.After(r.end()) {
		return false
	}
	if next.After(r.now) {
		r.now = next
	}
	return true
}

// end is when nobody works any more: two days after the last order.
func (r *run) end() time.Time {
	if f := r.cfg.Fork; f != nil {
		return f.Until.AddDate(0, 0, 2)
	}
	return r.cfg.Start.AddDate(0, 0, r.cfg.Days+2)
}

// fail notes the first broken promise.
func (r *run) fail(format string, a ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, a...)
	}
}

// Failure is a promise that was broken.
type Failure struct {
	Seed   uint64
	Step   int
	At     time.Time
	Why    error
	Events []string // the last ones, oldest first
}

func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d, step %d, %s: %v", f.Seed, f.Step, f.At.Format(time.DateTime), f.Why)
}

// Unwrap is why.
func (f *Failure) Unwrap() error { return f.Why }

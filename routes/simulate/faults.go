package simulate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// Kinds of faults, the columns of the table.
const (
	CrashBefore = "crash before it is written"
	CrashAfter  = "crash after it is written"
	Duplicate   = "duplicate"
	Late        = "late"
	Jump        = "clock jump"
	Refused     = "refused unit"
)

// Kinds are all of them, in the order of the table.
func Kinds() []string { return []string{CrashBefore, CrashAfter, Duplicate, Late, Jump, Refused} }

// Cell is a fault at a step.
type Cell struct{ Step, Fault string }

// faults are what goes wrong, planned from the seed: each for a step of the flow, so that
// rare steps are hit as often as frequent ones.
type faults struct {
	cfg   Faults
	seed  uint64
	rng   *rand.Rand
	names []string // of routes
	plans []plan   // sorted by due
	units int      // seen so far
	all   int      // units that are expected at least

	stands map[int]time.Time // routes that stand still, and until when

	note func(string) // into the story

	Hit    map[Cell]int
	Points map[bus.Step]int // crashes at named steps
}

// plan is a fault that waits for its step to come by, from so many units on. Where that does
// not come for long, it takes another.
type plan struct {
	kind  string
	step  string
	point bus.Step
	due   int

	patient bool // takes no other step
}

func newFaults(cfg Faults, seed uint64, orders int, rng *rand.Rand, note func(string)) *faults {
	return &faults{note: note, cfg: cfg, seed: seed, rng: rng, all: orders * 35, stands: map[int]time.Time{}, Hit: map[Cell]int{}, Points: map[bus.Step]int{}}
}

// crashPoints are the named steps at which a hub is killed beside its writes.
var crashPoints = []bus.Step{
	bus.StepDelivered, bus.StepHanded, bus.StepCommit, bus.StepDurable, bus.StepFed, bus.StepTold, bus.StepTimer,
	bus.StepWoken, bus.StepDecided, bus.StepRetry, bus.StepParked, bus.StepAnswer, bus.StepIntended, bus.StepStarted,
	bus.StepCalled, bus.StepConcluded, bus.StepLost, bus.StepAsking, bus.StepAsked,
}

// aim plans the faults, once it is known which steps there are.
func (f *faults) aim(names []string) {
	f.names = names
	steps := append(slices.Clone(names), doors...)
	// One crash of two is before the write.
	before := (f.cfg.Crashes + int(f.seed&1)) / 2
	f.deal(CrashBefore, before, (f.cfg.Crashes+1)/2, steps)
	f.deal(CrashAfter, f.cfg.Crashes-before, (f.cfg.Crashes+1)/2, steps)
	points := make([]string, len(crashPoints))
	for i, p := range crashPoints {
		points[i] = string(p)
	}
	f.deal("", f.cfg.Crashes, f.cfg.Crashes, points)
	f.deal(Duplicate, f.cfg.Duplicates, f.cfg.Duplicates, steps)
	f.deal(Late, f.cfg.Late, f.cfg.Late, names)
	f.deal(Jump, f.cfg.Jumps, f.cfg.Jumps, names)
	f.deal(Refused, f.cfg.Refusals, f.cfg.Refusals, steps)
	slices.SortStableFunc(f.plans, func(a, b plan) int { return cmp.Compare(a.due, b.due) })
}

// seldom are the steps that come by a few times in a run, if at all: they are aimed at more often,
// from early on, and waited for to the end.
var seldom = []string{
	"label.refused", "out." + carrierName + ".void", "ship.depart", "ship.leave", "stock.count", "stock.putaway", "wave.cancel",
	door.Waves, door.Scans, door.Dock, door.Postage, "postage.choose", "out." + carrierName + ".postage", "out." + carrierName + ".postage.void",
}

// deal plans n faults of a kind; stride is the most that a seed has of it. Seeds that follow each
// other strike all steps before any is struck again: each takes its next cards from one deck that
// all of them have, shuffled anew each time through.
func (f *faults) deal(kind string, n, stride int, steps []string) {
	deck := slices.Clone(steps)
	for _, s := range seldom {
		if slices.Contains(steps, s) {
			deck = append(deck, s, s)
		}
	}
	size := uint64(len(deck))
	for i := range n {
		card := f.seed*uint64(stride) + uint64(i)
		perm := rand.New(rand.NewPCG(card/size, uint64(1+slices.Index(Kinds(), kind)))).Perm(len(deck))
		p := plan{kind: kind, step: deck[perm[card%size]], due: f.rng.IntN(max(1, f.all))}
		if kind == "" {
			p.point, p.step, p.due = bus.Step(p.step), "", p.due/2
		} else if p.patient = slices.Contains(seldom, p.step); p.patient {
			p.due /= 4
		}
		f.plans = append(f.plans, p)
	}
}

// patience is how many units a fault waits for its step.
const patience = 6000

// take is the first plan of a kind that is due at a step, and forgets it.
func (f *faults) take(kind, step string) bool {
	for i := range f.plans {
		p := &f.plans[i]
		if p.due > f.units {
			return false
		}
		if p.kind == kind && (p.step == step || !p.patient && f.units-p.due > patience) {
			f.plans = slices.Delete(f.plans, i, i+1)
			f.Hit[Cell{step, kind}]++
			f.note(fmt.Sprintf("FAULT %s at %s", kind, step))
			return true
		}
	}
	return false
}

// stepOf is the step of the flow that a unit is of, "" for none.
func (f *faults) stepOf(u *journal.Unit) string {
	if u.Cause.Sub != "" {
		return u.Cause.Sub
	}
	if len(u.Records) > 0 && slices.Contains(doors, u.Records[0].Source) {
		return u.Records[0].Source
	}
	return ""
}

// diesWith reports whether the hub dies with a batch, before or after it is written.
func (f *faults) diesWith(b *journal.Batch, written bool) bool {
	kind := CrashBefore
	if written {
		kind = CrashAfter
		f.units += len(b.Units)
	}
	for _, u := range b.Units {
		if s := f.stepOf(u); s != "" && f.take(kind, s) {
			return true
		}
	}
	return false
}

// diesAt reports whether the hub dies at a named step.
func (f *faults) diesAt(s bus.Step) bool {
	for i := range f.plans {
		p := &f.plans[i]
		if p.due > f.units {
			return false
		}
		if p.point == s || p.point != "" && f.units-p.due > patience {
			f.plans = slices.Delete(f.plans, i, i+1)
			f.Points[s]++
			f.note(fmt.Sprintf("FAULT crash at %s", s))
			return true
		}
	}
	return false
}

// refuse lets the disk refuse the last of the units of a batch, as it would one for which
// another process was faster. Nothing that waits may be decided on it: a bus that is alone with its
// journal is never refused at the disk, and what it decided meanwhile on a state that was
// only read would stand.
func (f *faults) refuse(units []*journal.Unit, s *journalmem.Store) {
	s.SetHook(nil)
	last := len(units) - 1
	if last < 0 {
		return
	}
	if name := f.stepOf(units[last]); name == "" || !f.take(Refused, name) {
		return
	}
	out := make([]*journal.Refusal, len(units))
	out[last] = &journal.Refusal{Why: journal.RefusedVersion, What: "another process was faster"}
	s.SetHook(func(*journal.Batch) ([]*journal.Refusal, error) { return out, nil })
}

// duplicate reports whether a route gets its message twice.
func (f *faults) duplicate(i int) bool { return f.take(Duplicate, f.names[i]) }

// repeats reports whether a call of a door comes twice.
func (f *faults) repeats(door string) bool { return f.take(Duplicate, door) }

// jump is how far the clock is set just before a route handles a message: forward by hours, or
// back by seconds.
func (f *faults) jump(i int) time.Duration {
	if !f.take(Jump, f.names[i]) {
		return 0
	}
	return f.leap()
}

func (f *faults) leap() time.Duration {
	if f.rng.IntN(3) == 0 {
		return -time.Duration(1+f.rng.IntN(90)) * time.Second
	}
	return time.Duration(1+f.rng.IntN(120)) * time.Minute
}

// late reports whether a route stands still now.
func (f *faults) late(i int, now time.Time) bool {
	if until, ok := f.stands[i]; ok {
		if now.Before(until) {
			return true
		}
		delete(f.stands, i)
	}
	if f.take(Late, f.names[i]) {
		f.stands[i] = now.Add(time.Duration(1+f.rng.IntN(30)) * time.Minute)
		return true
	}
	return false
}

// nextEnd is when the first of the routes that stand still goes on.
func (f *faults) nextEnd() (time.Time, bool) {
	var first time.Time
	for _, at := range f.stands { // the earliest, in whatever order
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first, !first.IsZero()
}

package simulate

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/replenish"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes"
)

// What a worker does.
const (
	rolePick = "pick"
	rolePack = "pack"
)

// sorting puts goods that were picked for several orders apart.
const sorting = "sorting"

// worker is somebody on the floor: he takes the most urgent job of his role and does it step
// by step, walking from place to place.
type worker struct {
	f    *floor
	name string
	role string
	at   place
	lies location.Spec // that place, in a building that is not ours
	code string
	busy bool

	seq, sent int64 // scans of his handheld: the last one, and the last that was sent
}

// job is work that is offered: a task, or a packing.
type job struct {
	key      string
	scope    scope.Scope
	id       string
	kind     string // of the task, "packing" or "sorting"
	priority int
	cutOff   time.Time
	no       int
	ready    bool // a pick task has its list
	steps    []task.Step
	left     []int64
	got      []int64 // of each step, in the tote of the task
	apart    bool    // its goods are for several orders and are put apart afterwards
	totes    bool    // each order has totes of its own
	plan     pack.Plan
	closed   int // cartons of it
	scanned  bool
	ended    bool
	taken    bool
}

// queue holds the jobs of one role.
type queue struct{ jobs []*job }

// lease is how long a task is claimed for.
const lease = 30 * time.Minute

// ask calls a door, and calls again while the hub dies over it: a caller who got no answer
// asks the same under the same key. A no is returned and is no promise broken.
func (f *floor) ask(name string, s scope.Scope, id string, cmd any) error {
	_, err := f.answer(name, s, id, cmd)
	return err
}

// answer is ask, and what the door says.
func (f *floor) answer(name string, s scope.Scope, id string, cmd any) ([]byte, error) {
	f.asked++
	key := fmt.Sprintf("call-%d", f.asked)
	a := door.Ask{Scope: s, ID: id, Cmd: cmd, Actor: "sim", Key: &door.Key{Scope: f.keys, ID: key, Hash: sha256.Sum256([]byte(key))}}
	var first *door.Reply
	for n := 1; ; n++ {
		v, err := f.call(name, a)
		if f.r.err != nil {
			return nil, f.r.err
		}
		if k := fault.KindOf(err); err != nil && k != fault.Rejected && k != fault.Invalid {
			f.r.fail("door %s answers %T of %s with %v", name, cmd, id, err)
		}
		if err != nil {
			return nil, err
		}
		reply := v.(door.Reply)
		if first != nil {
			if string(first.Body) != string(reply.Body) {
				f.r.fail("door %s answers a repeat of %T of %s otherwise than before", name, cmd, id)
			}
			return reply.Body, nil
		}
		if !f.r.faults.repeats(name) {
			return reply.Body, nil
		}
		first = &reply
	}
}

// may asks for something that the door may refuse.
func (f *floor) may(name string, s scope.Scope, id string, cmd any) { _ = f.ask(name, s, id, cmd) }

// must asks for something that nothing speaks against.
func (f *floor) must(name string, s scope.Scope, id string, cmd any) {
	if err := f.ask(name, s, id, cmd); err != nil {
		f.r.fail("door %s refuses %T of %s: %v", name, cmd, id, err)
	}
}

// call is one call that outlives the hub.
func (f *floor) call(name string, a door.Ask) (v any, err error) {
	r := f.r
	for {
		err := r.guard(func() (err error) {
			v, err = r.routes.Call(r.ctx, name, a)
			return err
		})
		if !r.killed {
			return v, err
		}
		if err := r.start(); err != nil {
			r.fail("starting the hub again: %v", err)
			return nil, err
		}
	}
}

// offer follows what is to be done on the floor.
func (f *floor) offer(e event.Event) {
	switch e := e.(type) {
	case task.Created:
		j := &job{
			key: e.Stream(), scope: e.Scope, id: e.Task, kind: e.Kind, priority: e.Priority, cutOff: e.CutOff,
			steps: e.Steps, left: make([]int64, len(e.Steps)), got: make([]int64, len(e.Steps)), ready: e.Kind != task.KindPick,
			apart: e.Method != "" && e.Method != pick.Cluster, totes: e.Method == pick.Cluster,
		}
		for i, s := range e.Steps {
			j.left[i] = s.Qty
		}
		f.enqueue(rolePick, j)
	case count.Opened:
		f.counts[task.StreamOf(e.Scope, e.Task)] = e.ID
	case count.RecountAsked:
		f.counts[task.StreamOf(e.Scope, e.Task)] = e.ID
	case pick.Opened:
		if j := f.jobs[task.StreamOf(e.Scope, e.Task)]; j != nil {
			j.ready = true
			f.call2work(rolePick)
		}
	case task.Redirected:
		if j := f.jobs[e.Stream()]; j != nil {
			j.steps = slices.Clone(j.steps)
			for i := range j.steps {
				j.steps[i].To.Location = e.To
			}
		}
	case task.Completed:
		f.ended(e.Stream())
	case task.Cancelled:
		f.ended(e.Stream())
	case pick.Confirmed:
		f.leaves(e.Head, e.Step, e.Qty, e.Qty)
	case pick.Shorted:
		f.leaves(e.Head, e.Step, e.Expected, e.Found)
	case pick.Dropped:
		for _, st := range e.Steps {
			f.leaves(e.Head, st.No, st.Qty, 0)
		}
	case task.Preempted:
		for _, j := range f.jobs { // one is named so
			if j.id == e.For {
				f.given[e.Worker] = j
			}
		}
	case pick.Completed:
		if j := f.jobs[task.StreamOf(e.Scope, e.Task)]; j != nil && j.apart {
			f.enqueue(rolePick, &job{
				key: e.Stream(), scope: e.Scope, id: e.Task, kind: sorting, priority: j.priority, cutOff: j.cutOff,
				steps: j.steps, got: j.got, ready: true,
			})
		}
	case pack.Opened:
		f.enqueue(rolePack, &job{key: e.Stream(), scope: e.Scope, id: e.Pack, kind: "packing"})
	case pack.Proposed:
		if j := f.jobs[e.Stream()]; j != nil {
			j.plan, j.ready = e.Plan, true
			f.call2work(rolePack)
		}
	case pack.CartonClosed:
		if j := f.jobs[e.Stream()]; j != nil {
			j.closed++
		}
	case pack.Completed:
		f.ended(e.Stream())
	case pack.Cancelled:
		f.ended(e.Stream())
	}
}

func (f *floor) leaves(h pick.Head, step int, n, got int64) {
	if j := f.jobs[task.StreamOf(h.Scope, h.Task)]; j != nil {
		j.left[step-1] -= n
		j.got[step-1] += got
	}
}

func (f *floor) queue(role string) *queue {
	q := f.queues[role]
	if q == nil {
		q = &queue{}
		f.queues[role] = q
	}
	return q
}

func (f *floor) enqueue(role string, j *job) {
	j.no = len(f.jobs)
	f.jobs[j.key] = j
	q := f.queue(role)
	q.jobs = append(q.jobs, j)
	if j.ready {
		f.call2work(role)
	}
}

func (f *floor) ended(key string) {
	if j := f.jobs[key]; j != nil {
		j.ended = true
		delete(f.jobs, key)
		delete(f.counts, key)
	}
}

// call2work lets somebody who is idle look for work in a moment.
func (f *floor) call2work(role string) {
	for _, w := range f.workers {
		if w.role == role && !w.busy {
			w.busy = true
			w.after(0, w.look)
			return
		}
	}
}

// after is what the worker does once so many ms of work are done.
func (w *worker) after(ms int64, do func()) {
	d := time.Duration(ms) * time.Millisecond
	w.f.worked += int64(d)
	w.f.r.agenda.add(w.f.r.now.Add(d), do)
}

// look takes the most urgent job: by cut-off, then by priority, then the oldest.
func (w *worker) look() {
	w.busy = false
	q := w.f.queue(w.role)
	q.jobs = slices.DeleteFunc(q.jobs, func(j *job) bool { return j.ended })
	if f := w.f; w.role == rolePick && f.one(f.r.cfg.Faults.WrongScan) && len(q.jobs) > 0 {
		w.grab(q.jobs[f.rng.IntN(len(q.jobs))])
	}
	if j := w.f.given[w.name]; j != nil { // what the hub has claimed for him
		if delete(w.f.given, w.name); !j.taken && j.ready && !j.ended {
			w.busy, j.taken = true, true
			w.step(j, 0)
			return
		}
	}
	if w.role == rolePick && w.f.one(3) {
		if j := w.nextJob(); j != nil {
			w.busy, j.taken = true, true
			w.step(j, 0)
			return
		}
	}
	var best *job
	for _, j := range q.jobs {
		if j.ready && !j.taken && (best == nil || before(j, best)) {
			best = j
		}
	}
	if best == nil {
		return
	}
	w.busy, best.taken = true, true
	if best.kind == "packing" {
		w.after(msPerPack, func() { w.pack(best) })
		return
	}
	if best.kind == sorting {
		w.sort(best, 0)
		return
	}
	if err := w.f.ask(door.Floor, best.scope, best.id, task.Claim{Worker: w.name, Lease: lease}); err != nil {
		w.later(best)
		return
	}
	w.step(best, 0)
}

// way is how far the worker walks to a place, in mm, and takes him there.
func (w *worker) way(s scope.Scope, code string) int64 {
	if w.f.r.cfg.Fork != nil {
		return w.wayThrough(s, code)
	}
	at, ok := parsePlace(code)
	if !ok {
		return 0
	}
	d := walk(w.at, at, w.f.r.cfg.Cells)
	if code != w.code {
		d = max(d, cellStep)
	}
	w.at, w.code = at, code
	return d
}

// wayThrough is the way in a building that is not ours: through its layout, from the depot at first,
// or, where nobody said where places lie, by their order along the walk, taken for cells of one aisle.
func (w *worker) wayThrough(s scope.Scope, code string) int64 {
	b := w.f.r.check.buildings[s.Facility]
	at, registered := w.f.r.check.places[location.StreamOf(s, code)]
	if !registered {
		return 0
	}
	um, known := b.Between(w.lies, at)
	if _, _, laid := b.Position(at); laid && w.code == "" {
		um, known = b.Walk("", []location.Spec{at})/2, true
	}
	d := int64(um / measure.Millimetre)
	if !known {
		d = cellStep * max(at.Sequence-w.lies.Sequence, w.lies.Sequence-at.Sequence)
	}
	if code != w.code {
		d = max(d, cellStep)
	}
	w.lies, w.code = at, code
	return d
}

// grab tries to take a task that another one works on.
func (w *worker) grab(j *job) {
	t := w.f.r.check.tasks[j.key]
	if t == nil || t.worker == "" || t.worker == w.name || !w.f.r.now.Before(t.until) || j.ended {
		return
	}
	if err := w.f.ask(door.Floor, j.scope, j.id, task.Claim{Worker: w.name, Lease: lease}); err == nil {
		w.f.r.fail("%s was given task %s, which %s works on", w.name, j.id, t.worker)
	}
}

func before(a, b *job) bool {
	far := time.Unix(1<<40, 0)
	x, y := a.cutOff, b.cutOff
	if x.IsZero() {
		x = far
	}
	if y.IsZero() {
		y = far
	}
	return cmp.Or(x.Compare(y), cmp.Compare(b.priority, a.priority), cmp.Compare(a.no, b.no)) < 0
}

// later leaves a job for another time: its order is on hold, or somebody else has it.
func (w *worker) later(j *job) {
	w.f.r.agenda.add(w.f.r.now.Add(20*time.Minute), func() {
		j.taken = false
		w.f.call2work(w.role)
	})
	w.after(0, w.look)
}

// step goes to the next place of a task.
func (w *worker) step(j *job, i int) {
	for i < len(j.steps) && j.left[i] == 0 {
		i++
	}
	if i == len(j.steps) || j.ended {
		if !j.ended { // everything is done and it is open all the same
			w.later(j)
			return
		}
		w.after(0, w.look)
		return
	}
	ms := int64(msPerStop)
	if f := w.f; i > 0 && f.one(10*f.r.cfg.Faults.WrongScan) {
		ms += int64(lease/time.Millisecond) + 60_000 // he is called away, and his lease ends meanwhile
		f.worked -= int64(lease)
	}
	d := w.way(j.scope, j.steps[i].From.Location)
	w.f.travel += d
	ms += d * msPerMetre / 1000
	switch j.kind {
	case task.KindPick:
		w.after(ms+j.left[i]*msPerUnit, func() { w.pick(j, i) })
	case task.KindCount:
		w.after(ms+msPerCount, func() { w.count(j) })
	case task.KindReplenish:
		w.after(ms+j.left[i]*msPerUnit, func() { w.bring(j) })
	case task.KindPutAway:
		w.after(ms+j.left[i]*msPerUnit, func() { w.putAway(j) })
	default:
		w.f.r.fail("nobody knows how to do a task of kind %s", j.kind)
	}
}

// pick scans and takes what lies there.
func (w *worker) pick(j *job, i int) {
	if j.ended || j.left[i] == 0 {
		w.step(j, i)
		return
	}
	f, st := w.f, j.steps[i]
	book := goodsOf(j.scope, st).Book(st.Item)
	want := j.left[i]
	if f.one(f.r.cfg.Faults.WrongScan) {
		f.scans[0]++
		// He scans more than he was to take, or a step that is not there: the door says no.
		more := int64(1)
		for k, x := range j.steps { // what lies there for others may be taken along
			if j.apart && k != i && x.Item == st.Item && x.Owner == st.Owner && x.From == st.From {
				more += j.left[k]
			}
		}
		wrong := pick.Confirm{Step: st.No, Qty: want + more, Tote: j.tote(st), Worker: w.name}
		if f.rng.IntN(2) == 0 {
			wrong.Step, wrong.Qty = len(j.steps)+1, want
		}
		if err := f.ask(door.Floor, j.scope, j.id, wrong); err == nil {
			f.r.fail("a wrong scan was taken: %+v", wrong)
			return
		}
	}
	found := min(want, f.really(book, st.From))
	if found == want && f.one(f.r.cfg.Faults.Short) {
		// Something is gone that the books have.
		lost := 1 + f.rng.Int64N(want)
		f.put(book, st.From, -max(lost, f.really(book, st.From)-want+lost))
		found = min(want, f.really(book, st.From))
	}
	var err error
	if found < want {
		f.scans[2]++
		err = f.ask(door.Floor, j.scope, j.id, pick.Short{Step: st.No, Found: found, Tote: j.tote(st), Worker: w.name, Reason: "not_found"})
	} else {
		c := pick.Confirm{Step: st.No, Qty: want, Tote: j.tote(st), Worker: w.name}
		if w.mayScan() {
			err = w.scanned(scan.Scan{
				Do: scan.Pick, Task: j.id, Owner: j.scope.Owner, Step: st.No, Code: st.Item, Place: st.From.Location, Tote: c.Tote, Qty: want,
			})
		} else {
			err = f.ask(door.Floor, j.scope, j.id, c)
		}
		if err == nil && f.one(f.r.cfg.Faults.TwiceScan) {
			f.scans[1]++
			if again := f.ask(door.Floor, j.scope, j.id, c); again == nil {
				f.r.fail("a scan that came twice was taken twice: %+v", c)
				return
			}
		}
	}
	if err != nil {
		w.gone(j, err)
		return
	}
	f.put(book, st.From, -found)
	w.step(j, i)
}

// goodsOf is whose goods a step is about: a task over several owners says so at each step.
func goodsOf(s scope.Scope, st task.Step) scope.Scope {
	s.Owner = cmp.Or(st.Owner, s.Owner)
	return s
}

// tote is what the goods of a step go into.
func (j *job) tote(st task.Step) string {
	if j.totes {
		return j.id + "-" + goodsOf(j.scope, st).Owner + "-" + st.Order
	}
	return j.id
}

// sort puts what was picked for several orders into the slot of each, step by step. Of what was
// taken out of an order meanwhile less is there, or nothing: it went back to its shelf.
func (w *worker) sort(j *job, i int) {
	for i < len(j.steps) && j.got[i] == 0 {
		i++
	}
	if i == len(j.steps) {
		w.f.ended(j.key)
		w.after(0, w.look)
		return
	}
	w.after(msPerStop+j.got[i]*msPerUnit, func() {
		st := j.steps[i]
		of := goodsOf(j.scope, st)
		slot := "WALL-" + of.Owner + "-" + st.Order
		if !w.f.slots[slot] {
			w.f.slots[slot] = true
			w.f.must(door.Master, of, slot, location.Register{Spec: location.Spec{Purpose: location.Staging}})
		}
		for n := j.got[i]; n > 0; n-- {
			c := pick.Sort{Owner: of.Owner, Order: st.Order, Item: st.Item, Lot: st.From.Lot, Tote: j.id, Slot: slot, Qty: n, Worker: w.name}
			if err := w.f.ask(door.Floor, j.scope, j.id, c); err == nil {
				break
			}
		}
		w.sort(j, i+1)
	})
}

// gone is what a worker does whose task was taken from him: cancelled, on hold, or its lease
// ended.
func (w *worker) gone(j *job, err error) {
	var f *fault.Error
	if !errors.As(err, &f) {
		w.f.r.fail("task %s: %v", j.id, err)
		return
	}
	if j.ended {
		w.after(0, w.look)
		return
	}
	w.giveBack(j.scope, j.id)
	w.later(j)
}

// bring moves goods to a pick face.
func (w *worker) bring(j *job) {
	m := replenish.Moved{Worker: w.name, Claim: w.f.r.check.claims(j.key)}
	for _, st := range j.steps {
		m.Moved = append(m.Moved, min(st.Qty, w.f.really(j.scope.Book(st.Item), st.From)))
	}
	if err := w.f.ask(door.Floor, j.scope, j.id, m); err != nil {
		w.gone(j, err)
		return
	}
	for i, st := range j.steps {
		book := j.scope.Book(st.Item)
		w.f.put(book, st.To, -w.f.put(book, st.From, -m.Moved[i]))
	}
	w.after(0, w.look)
}

// pack closes the cartons of a proposal, one after the other.
func (w *worker) pack(j *job) {
	if j.ended {
		w.after(0, w.look)
		return
	}
	if j.closed == len(j.plan.Cartons) {
		w.f.r.fail("all cartons of packing %s are closed and it does not end", j.id)
		return
	}
	c := j.plan.Cartons[j.closed]
	w.after(msPerBox, func() {
		if j.ended {
			w.after(0, w.look)
			return
		}
		// Who scans one carton of a packing scans all of them: what is scanned is taken from the
		// totes in their order, and not as it was proposed.
		if j.closed == 0 {
			j.scanned = w.mayScan()
		}
		var err error
		if j.scanned {
			sc := scan.Scan{Do: scan.Pack, Task: j.id, Owner: j.scope.Owner, Box: c.Box}
			for _, x := range c.Contents {
				sc.Contents = append(sc.Contents, scan.Content{Code: x.Item, Qty: x.Qty})
			}
			err = w.scanned(sc)
		} else {
			f := w.f
			err = f.ask(door.Floor, j.scope, j.id, pack.CloseCarton{
				Box: c.Box, Contents: c.Contents, Dims: c.Dims, Weight: c.Weight, Packer: w.name, Scanned: f.verifies(),
			})
		}
		if err != nil {
			w.gone(j, err)
			return
		}
		w.pack(j)
	})
}

// verifies reports whether each unit is scanned into its carton, as the hub that is forked demands.
func (f *floor) verifies() bool {
	return f.r.cfg.Fork != nil && f.r.cfg.Fork.Flows.Pack.Verify == routes.VerifyAll
}

// one is true once in n times, and never for 0.
func (f *floor) one(n int) bool { return n > 0 && f.rng.IntN(n) == 0 }

// desk is a clerk who looks through the letters that lie open. A line that nobody understands
// is one, a label that the carrier refused another; anything else is none of a sound warehouse.
func (f *floor) desk() {
	desk := f.r.hub.Desk()
	open, err := desk.List(f.r.ctx, dlq.Filter{State: "open"})
	if err != nil {
		f.r.fail("reading the letters: %v", err)
	}
	for _, l := range open {
		held := l.Route == "order.held_line"
		if !held && l.Route != "label.refused" {
			f.r.fail("a letter: %s %s %s %s", l.Route, l.Type, l.Cause, l.Stack)
			return
		}
		if !held || f.one(4) { // the latter in vain, mostly
			if err := desk.Replay(f.r.ctx, l.ID, l.Opening, "clerk"); err != nil && !errors.Is(err, dlq.ErrState) && !errors.Is(err, dlq.ErrStale) {
				f.r.fail("replaying letter %s: %v", l.ID, err)
			}
		}
	}
}

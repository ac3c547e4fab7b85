package routes

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

// duty is what a worker was last given. He may hold other tasks, which he claimed by name.
type duty struct {
	Scope  scope.Scope `json:"scope,omitzero"`
	Task   string      `json:"task,omitempty"`
	Claim  int         `json:"claim,omitempty"`
	Kind   string      `json:"kind,omitempty"`
	Device string      `json:"device,omitempty"`
	Can    []string    `json:"can,omitempty"` // what he said that he has at hand
	Zone   string      `json:"zone,omitempty"`
	Walk   int64       `json:"walk,omitempty"` // of the task's last place
	// Free is when he asked and there was nothing for him; zero once he has something.
	Free time.Time `json:"free,omitzero"`
	// Back is the task that was taken back from him for Task.
	Back *TakenBack `json:"back,omitempty"`
	// Gave are the tasks that he gave back last: they are for others, for a while.
	Gave []gave `json:"gave,omitempty"`
}

// gave is a task that its worker gave back.
type gave struct {
	Stream string    `json:"stream"`
	At     time.Time `json:"at"`
}

// What a worker gave back is not his next task for so long, and no more than so many are.
const (
	forOthers = 30 * time.Minute
	mostGiven = 16
)

// gaveBack notes that a worker gave a task back, so that it is not what he is given next.
func (d *decision) gaveBack(s scope.Scope, id, who string) {
	var was duty
	key := dutyKey(s.Building(), who)
	old, _ := d.state(key, &was)
	stream := task.StreamOf(s, id)
	was.Gave = slices.DeleteFunc(was.Gave, func(g gave) bool { return g.Stream == stream || !was.passes(g.Stream, d.m.Now) })
	was.Gave = append(was.Gave, gave{stream, d.m.Now})
	was.Gave = was.Gave[max(0, len(was.Gave)-mostGiven):]
	d.out.SetState(key, old, was)
}

// passes reports whether the task is one that the worker gave back a while ago.
func (w duty) passes(stream string, now time.Time) bool {
	return slices.ContainsFunc(w.Gave, func(g gave) bool { return g.Stream == stream && now.Before(g.At.Add(forOthers)) })
}

// TakenBack tells a worker what was taken back from him, and why.
type TakenBack struct {
	Task   string `json:"task"`
	For    string `json:"for"`
	Reason string `json:"reason"`
}

// Assignment is the answer to a worker who asks for work. Without a task there is none for
// him now.
type Assignment struct {
	Worker    string      `json:"worker"`
	Task      *task.Task  `json:"task,omitempty"`
	List      *pick.List  `json:"list,omitempty"` // of a pick task
	Score     *task.Score `json:"score,omitempty"`
	Why       *task.Why   `json:"why,omitempty"`
	TakenBack *TakenBack  `json:"taken_back,omitempty"`
}

func dutiesPrefix(s scope.Scope) string { return "duty/" + buildingPart(s) + "/" }

func dutyKey(s scope.Scope, who string) string { return dutiesPrefix(s) + scope.Join(who) }

// How much of the queue one worker looks at.
const (
	offersOfLane = 32  // at once, of a lane where he stands
	offersAway   = 4   // of any other: they are all far, so the most urgent of them suffice
	mostOffers   = 512 // in all, before he is told that there is nothing now
)

// next gives a worker the best task that he may do. The queue is read as it stands on the disk
// and may be a moment old: the task itself says whether it may be had, and the unit that claims
// it is refused when another was faster.
func (d *decision) next(s scope.Scope, a *door.Ask, c task.Next) (answered, error) {
	s = s.Building()
	if err := c.Validate(); err != nil {
		return answered{}, err
	}
	var was duty
	old, _ := d.state(dutyKey(s, c.Worker), &was)
	w := d.worker(s, c.Worker)
	if d.err != nil {
		return answered{}, d.err
	}
	out := Assignment{Worker: c.Worker}
	if was.Task != "" {
		t := d.task(was.Scope, was.Task)
		switch {
		case t.Status == task.StatusClaimed && t.Worker == c.Worker && t.Claims == was.Claim && d.m.Now.Before(t.Until):
			events, err := t.Renew(task.Renew{Worker: c.Worker, Claim: t.Claims, Lease: c.Lease}, d.m.Now)
			d.onTask(was.Scope, was.Task, events, err)
			why := task.Why{Rule: task.Resumed, Of: 1}
			if out.TakenBack = was.Back; was.Back != nil {
				why.Rule = task.Preempting
			}
			return d.assigned(out, was.Scope, was.Task, why, len(events) > 0)
		case t.Status == task.StatusOpen && t.Taken.Worker == c.Worker && t.Claims == was.Claim:
			out.TakenBack = &TakenBack{was.Task, t.Taken.For, t.Taken.Reason}
		}
	}
	if w.Status == crew.StatusRetired {
		return answered{}, missing("routes.Next", "worker", fmt.Sprintf("worker %s is retired (%s): change him to let him work again", w.ID, w.Reason))
	}
	got, why := d.choose(s, d.seeker(s, w, c, was), was)
	if d.err == nil && got.Task == "" && slices.ContainsFunc(d.f.templates, func(t WaveTemplate) bool { return t.Free > 0 }) {
		was.Free = d.m.Now
		d.out.SetState(dutyKey(s, c.Worker), old, was)
		d.out.Publish(onFreeWorkers, workerFree, buildingPart(s), s)
	}
	if d.err != nil || got.Task == "" {
		return answered{out, false}, d.err
	}
	events, err := d.task(got.Scope, got.Task).Claim(task.Claim{Worker: c.Worker, Lease: c.Lease}, d.m.Now)
	d.onTask(got.Scope, got.Task, events, err)
	now := d.dutyOf(d.task(got.Scope, got.Task), c.Device, slices.Concat(c.Skills, c.Equipment))
	now.Gave = was.Gave
	d.out.SetState(dutyKey(s, c.Worker), old, now)
	a.Device = c.Device
	return d.assigned(out, got.Scope, got.Task, why, true)
}

func (d *decision) dutyOf(t task.Task, device string, can []string) duty {
	out := duty{Scope: t.Scope, Task: t.Task, Claim: t.Claims, Kind: t.Kind, Device: device, Can: can}
	if n := len(t.Steps); n > 0 {
		last := t.Steps[n-1]
		l := d.location(t.Scope, cmp.Or(last.To.Location, last.From.Location)).Spec
		out.Zone, out.Walk = l.Zone, l.Sequence
	}
	return out
}

// assigned is the answer with the task as it stands now.
func (d *decision) assigned(out Assignment, s scope.Scope, id string, why task.Why, wrote bool) (answered, error) {
	t := d.task(s, id)
	score := t.Score(d.f.cfg.Tasks.Policy, d.m.Now)
	out.Task, out.Why, out.Score = &t, &why, &score
	if t.Kind == task.KindPick {
		l := d.pick(s, id)
		out.List = &l
	}
	return answered{out, wrote}, d.err
}

func (d *decision) worker(s scope.Scope, id string) crew.Worker {
	return peek(d, d.f.workers, crew.StreamOf(s, id))
}

// seeker is what a worker may do, by his master data and by what he says.
func (d *decision) seeker(s scope.Scope, w crew.Worker, c task.Next, was duty) task.Seeker {
	sp := w.Spec
	k := task.Seeker{Can: slices.Concat(sp.Skills, sp.Equipment, c.Skills, c.Equipment), Zones: sp.Zones, Kinds: sp.Kinds, Zone: cmp.Or(c.Zone, sp.Home), After: was.Kind}
	switch {
	case len(k.Kinds) == 0:
		k.Kinds = c.Kinds
	case len(c.Kinds) > 0:
		k.Kinds = slices.DeleteFunc(slices.Clone(k.Kinds), func(x string) bool { return !slices.Contains(c.Kinds, x) })
		if len(k.Kinds) == 0 {
			d.fail(fault.At("routes.Next", fault.Rejected, "kinds", fmt.Errorf("worker %s does none of them", w.ID)))
		}
	}
	if c.Location == "" {
		return k
	}
	l := d.location(s, c.Location)
	if d.err == nil && !l.Known() {
		d.fail(missing("routes.Next", "location", "location "+c.Location+" is not known: register it first"))
	}
	k.Zone, k.Walk, k.Known = cmp.Or(c.Zone, d.effective(s, c.Location).Zone), l.Spec.Sequence, true
	return k
}

// reading is how far a lane was read.
type reading struct {
	lane
	prefix, after string
	ended         bool
}

// row is an offer with where it comes from.
type row struct {
	queuedTask
	key  string
	lane *reading
}

// choose finds the best task of the queue for a worker that may be claimed now.
func (d *decision) choose(s scope.Scope, k task.Seeker, was duty) (queuedTask, task.Why) {
	var lanes []*reading
	for _, l := range d.lanes(s) {
		if k.May(l.Kind, l.Zone, l.Needs) {
			lanes = append(lanes, &reading{lane: l, prefix: queuePrefix(s, l)})
		}
	}
	var rows []row
	looked := 0
	more := func(l *reading) {
		for !l.ended && d.err == nil {
			most := offersAway
			if l.Zone == k.Zone && k.Known {
				most = offersOfLane
			}
			page, err := d.f.hub.bus.Driver().Scan(d.ctx, journal.TableState, l.prefix, l.after, most)
			if err != nil {
				d.fail(fault.E(d.m.route, fault.Transient, fmt.Errorf("reading the queue: %w", err)))
				return
			}
			l.ended = len(page) < most
			for _, r := range page {
				l.after = r.Key
				var q queuedTask
				if d.rowOf(r, &q) {
					rows = append(rows, row{q, r.Key, l})
				}
			}
			if len(page) > 0 {
				return
			}
		}
	}
	for _, l := range lanes {
		more(l)
	}
	for d.err == nil && len(rows) > 0 && looked < mostOffers {
		offers := make([]task.Offer, len(rows))
		for i, r := range rows {
			offers[i] = task.Offer{Kind: r.lane.Kind, Zone: r.lane.Zone, Rank: r.Rank, Walk: r.Walk}
		}
		i, why := k.Best(offers, d.f.cfg.Tasks.Policy, d.m.Now)
		r := rows[i]
		looked++
		if !was.passes(task.StreamOf(r.Scope, r.Task), d.m.Now) && d.offered(r) {
			return r.queuedTask, why
		}
		rows = slices.Delete(rows, i, i+1)
		if !slices.ContainsFunc(rows, func(o row) bool { return o.lane == r.lane }) {
			more(r.lane)
		}
	}
	return queuedTask{}, task.Why{}
}

// rowOf decodes a row of the disk as it stands there. Nothing is decided on it alone.
func (d *decision) rowOf(r journal.Row, v any) bool {
	st, err := journal.DecodeState(r.Value)
	if err != nil {
		d.fail(fault.E(d.m.route, fault.Internal, fmt.Errorf("reading %s: %w", r.Key, err)))
		return false
	}
	return d.decoded(r.Key, st, v)
}

// offered reports whether a task of the queue may be begun now. A row that leads to none is
// removed.
func (d *decision) offered(r row) bool {
	t := d.task(r.Scope, r.Task)
	switch {
	case d.err != nil:
		return false
	case t.Status != task.StatusOpen:
		d.unqueue(r.key)
		return false
	}
	return d.mayBegin(t) == nil
}

// mayBegin says why nobody may begin a task now: the pick service has not come to it, or its orders
// are on hold or closed. One over several orders waits for the last of them only.
func (d *decision) mayBegin(t task.Task) error {
	if t.Kind == task.KindPick && t.Status == task.StatusOpen && d.pick(t.Scope, t.Task).Status != pick.StatusOpen {
		return fault.E(d.m.route, fault.Transient, fmt.Errorf("the pick list of task %s is not made yet: try again in a moment", t.Task))
	}
	orders := ordersOf(t)
	var first error
	for _, of := range orders {
		err := peek(d, d.f.orders, order.StreamOf(of.Scope, of.number)).Workable()
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// orderOf names an order that a task is for.
type orderOf struct {
	scope.Scope
	number string
}

// ordersOf are the orders that a task is for, each once, in the order of its steps.
func ordersOf(t task.Task) []orderOf {
	var out []orderOf
	take := func(owner, number string) {
		s := t.Scope
		s.Owner = cmp.Or(owner, s.Owner)
		if of := (orderOf{s, number}); number != "" && !slices.Contains(out, of) {
			out = append(out, of)
		}
	}
	take("", t.Order)
	for _, st := range t.Steps {
		take(st.Owner, cmp.Or(st.Order, t.Order))
	}
	return out
}

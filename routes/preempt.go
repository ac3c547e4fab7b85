package routes

import (
	"context"
	"time"

	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

// urgentWork is why a task is taken back from its worker.
const urgentWork = "urgent"

// waited is what the timer of an urgent task carries.
type waited struct {
	Scope scope.Scope `json:"scope"`
	Task  string      `json:"task"`
}

const taskWaited = "task.Waited"

func (f *Flows) addPreempting() error {
	if f.cfg.Tasks.PreemptAfter == 0 {
		return nil
	}
	return f.hub.Add(Route{
		Name: "task.preempt", About: "lets urgent work that nobody takes up take the place of what a worker picks between two steps",
		Topics: []string{onTasks}, Handle: f.preempt,
		Types:  takes(task.Created{}, task.Prioritized{}),
		Writes: []string{onTasks},
	})
}

// preempt looks at a task when it has waited for as long as urgent work may: from when it was
// made, or from when it is due.
func (f *Flows) preempt(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case task.Created:
		d.hurry(peek(d, f.tasks, e.Stream()))
	case task.Prioritized:
		d.hurry(peek(d, f.tasks, e.Stream()))
	case nil:
		var w waited
		if err := m.Decode(&w); err != nil {
			return nil, err
		}
		d.takePlace(w.Scope, w.Task)
	}
	return d.done()
}

// hurry has a task looked at once it has waited for as long as it may, where somebody is in a
// hurry for it.
func (d *decision) hurry(t task.Task) {
	from := d.m.Now
	if t.Priority < mostUrgent {
		sc := t.Score(d.f.cfg.Tasks.Policy, d.m.Now)
		if sc.By != task.DueCutOff {
			return
		}
		if sc.Due.After(from) {
			from = sc.Due
		}
	}
	d.waitFor(t, from)
}

// waitFor looks at an open task again once it waited from a time on.
func (d *decision) waitFor(t task.Task, from time.Time) {
	if t.Status == task.StatusOpen && d.err == nil {
		d.out.Timer(t.Stream(), t.Key(), taskWaited, from.Add(d.f.cfg.Tasks.PreemptAfter), waited{t.Scope, t.Task})
	}
}

// mostDuties bounds how many workers are looked at for one urgent task.
const mostDuties = 1000

// takePlace gives an urgent task that is still open to a worker who picks something less urgent
// and stands between two steps: his task may be claimed again, by anybody, and goes on where he
// left it. What lies in his totes is that order's as before.
func (d *decision) takePlace(s scope.Scope, id string) {
	t := d.task(s, id)
	if d.err != nil || t.Status != task.StatusOpen {
		return
	}
	rows, err := d.f.hub.bus.Driver().Scan(d.ctx, journal.TableState, dutiesPrefix(s), "", mostDuties)
	if err != nil {
		d.fail(err)
		return
	}
	policy := d.f.cfg.Tasks.Policy
	ready := d.mayBegin(t) == nil
	var least task.Task
	var from duty
	var at string
	for _, r := range rows {
		var w duty
		if _, found := d.state(r.Key, &w); !found || !ready || w.Task == "" {
			continue
		}
		his := peek(d, d.f.tasks, task.StreamOf(w.Scope, w.Task))
		who := d.worker(s.Building(), his.Worker)
		if d.err != nil || !d.interruptible(his, w, who) {
			continue
		}
		can := task.Seeker{Can: append(append(append([]string{}, who.Spec.Skills...), who.Spec.Equipment...), w.Can...), Zones: who.Spec.Zones, Kinds: who.Spec.Kinds}
		rank := policy.Rank(his.At, his.CutOff, his.Priority)
		if !can.May(t.Kind, t.Zone, t.Needs) || !rank.After(policy.Rank(t.At, t.CutOff, t.Priority)) {
			continue
		}
		if least.Task == "" || rank.After(policy.Rank(least.At, least.CutOff, least.Priority)) {
			least, from, at = his, w, r.Key
		}
	}
	if least.Task == "" {
		d.waitFor(t, d.m.Now)
		return
	}
	// From here on it is decided on: what moves meanwhile is looked at anew.
	his, list := load(d, d.f.tasks, least.Stream()), d.pick(least.Scope, least.Task)
	if d.err != nil || !betweenSteps(list) {
		d.waitFor(t, d.m.Now)
		return
	}
	lease := max(his.Until.Sub(d.m.Now), time.Minute)
	events, err := his.Preempt(task.Preempt{Claim: his.Claims, For: id, Reason: urgentWork}, d.m.Now)
	d.onTask(his.Scope, his.Task, events, err)
	events, err = t.Claim(task.Claim{Worker: his.Worker, Lease: lease}, d.m.Now)
	d.onTask(s, id, events, err)
	next := d.dutyOf(d.task(s, id), from.Device, from.Can)
	next.Back, next.Gave = &TakenBack{his.Task, id, urgentWork}, from.Gave
	old, _ := d.stored(at)
	d.out.SetState(at, old, next)
}

// interruptible reports whether a worker picks what may wait. Other work is not told step by
// step: nobody knows what he has in his hands.
func (d *decision) interruptible(t task.Task, w duty, who crew.Worker) bool {
	return t.Status == task.StatusClaimed && t.Claims == w.Claim && d.m.Now.Before(t.Until) && t.Kind == task.KindPick &&
		t.Priority < mostUrgent && who.Status != crew.StatusRetired && betweenSteps(peek(d, d.f.picks, pick.StreamOf(t.Scope, t.Task)))
}

// betweenSteps reports whether no step of an open list is done in part.
func betweenSteps(l pick.List) bool {
	for _, st := range l.Steps {
		if st.Left() > 0 && st.Left() < st.Qty {
			return false
		}
	}
	return l.Status == pick.StatusOpen
}

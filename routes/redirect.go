package routes

import (
	"fmt"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/task"
)

// notAllThere is why goods are brought back of which only a part is still to be put away.
const notAllThere = "changed_in_part"

// redirect lets a worker go on who has goods in hand that became something else since: they are
// brought where such goods lie, or, where a part of them changed or no place takes them, back to
// where he took them. It reports false where they are not there any more by the books.
func (d *decision) redirect(w toPutAway, l *takings, i int) bool {
	x := l.Tasks[i]
	t := d.task(w.Scope, x.Task)
	if d.err != nil || t.Status != task.StatusClaimed || !d.m.Now.Before(t.Until) {
		return false
	}
	others := takings{Tasks: slices.Delete(slices.Clone(l.Tasks), i, i+1)}
	there := map[loading]int64{}
	for _, p := range x.Goods {
		for _, stage := range putStages {
			there[p.loading] += d.spare(w, others, p.loading, stage)
		}
	}
	for _, p := range x.Goods {
		if there[p.loading] -= p.Qty; there[p.loading] < 0 {
			return false
		}
	}
	h := d.shelf(w.Scope, x.To)
	h.Coming, h.dirty = slices.DeleteFunc(slices.Clone(h.Coming), func(c comingGoods) bool { return c.Task == x.Task }), true
	to, why := w.Location, notAllThere
	for _, stage := range putStages {
		became, ok := d.became(w, others, x.Goods, stage)
		if !ok {
			continue
		}
		why, x.Goods, x.Turned = stage, became, true
		a := putaway.Ask{Whole: true}
		for _, p := range became {
			a.Goods = append(a.Goods, d.goods(w, p))
		}
		if steps, left := d.findPlaces(w, &a); left == 0 && len(steps) == 1 {
			to = steps[0].Location
			d.onItsWay(w, x.Task, steps[0], became)
		}
		break
	}
	x.To, x.Back = to, to == w.Location
	l.Tasks[i] = x
	events, err := t.Redirect(task.Redirect{To: to, Reason: why}, d.m.Now)
	return d.onTask(w.Scope, x.Task, events, err)
}

// leftBehind ends the tasks of goods that were to be brought back and whose worker is away.
func (d *decision) leftBehind(w toPutAway, l *takings) {
	for i, x := range slices.Backward(l.Tasks) {
		if t := d.task(w.Scope, x.Task); x.Back && d.err == nil && (t.Status != task.StatusClaimed || !d.m.Now.Before(t.Until)) {
			d.recallTask(w, l, i, "brought_back")
		}
	}
}

// putStages are those of goods that may be on their way to a place.
var putStages = [...]string{inventory.Held, inventory.Damaged, inventory.Received, inventory.Free}

// spare is how much of goods in a stage no task takes.
func (d *decision) spare(w toPutAway, l takings, g loading, stage string) int64 {
	return max(0, d.balance(keyOf(w.Scope, g.Item).Book(), w.place(g).In(stage).String())-l.takes(g, stage))
}

// became are the goods of a task in the stage that all of them have now.
func (d *decision) became(w toPutAway, others takings, goods []part, stage string) ([]part, bool) {
	out := slices.Clone(goods)
	taken := map[loading]int64{}
	for i := range out {
		p := &out[i]
		p.Stage = stage
		if taken[p.loading] += p.Qty; taken[p.loading] > d.spare(w, others, p.loading, stage) {
			return nil, false
		}
	}
	return out, true
}

// turned refuses the place that goods were to go to before they became something else, or any other
// than where they are brought back to.
func (d *decision) turned(t task.Task, code string) {
	to := t.Steps[0].To.Location
	if t.Turned.Reason == "" || code == to || d.err != nil || code != t.Turned.From && to != t.Steps[0].From.Location {
		return
	}
	says := "a part of these goods changed since you took them"
	if t.Turned.Reason != notAllThere {
		says = "these goods are " + t.Turned.Reason + " since you took them"
	}
	d.fail(fault.At("routes.PutAway", fault.Rejected, "location", fmt.Errorf("%s: bring them to %s", says, to)))
}

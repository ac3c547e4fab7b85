package routes

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

// TaskConfig is how work is given to people.
type TaskConfig struct {
	// Policy is what makes work urgent. Its zero times are the defaults: 30 min that a cut-off
	// leaves, 4 h of patience, 30 min a step of priority, a band of 5 min.
	Policy task.Policy
	// Needs say what whoever works somewhere must have.
	Needs []NeedRule
	// PreemptAfter is how long urgent work waits for somebody free before it takes the place of
	// what another is picking; 0 is never.
	PreemptAfter time.Duration
}

// NeedRule asks for a skill or a piece of equipment. It holds for a step at a location that
// fits all of its fields that are not empty.
type NeedRule struct {
	Need         string
	Zones        []string
	StorageTypes []string // of the location, or of the item
	FromLevel    string   // this level and those above it; "2" lies below "10", "B" below "C"
}

func (c *TaskConfig) defaults() error {
	p := &c.Policy
	p.Lead = cmp.Or(p.Lead, 30*time.Minute)
	p.Patience = cmp.Or(p.Patience, 4*time.Hour)
	p.PerPriority = cmp.Or(p.PerPriority, 30*time.Minute)
	p.Band = cmp.Or(p.Band, 5*time.Minute)
	var errs []error
	if p.Lead < 0 || p.Patience < 0 || p.PerPriority < 0 || p.Band < 0 || c.PreemptAfter < 0 {
		errs = append(errs, errors.New("tasks: a time is below zero"))
	}
	for _, k := range p.Between {
		if !task.IsKind(k) || k == task.KindPick {
			errs = append(errs, fmt.Errorf("tasks: %q is no kind of work to do between two picks", k))
		}
	}
	for i, r := range c.Needs {
		if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("tasks: needs[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// Validate refuses a rule that names nothing, or holds everywhere.
func (r NeedRule) Validate() error {
	if err := scope.CheckPart(r.Need); err != nil {
		return fmt.Errorf("need: %w", err)
	}
	if len(r.Zones)+len(r.StorageTypes) == 0 && r.FromLevel == "" {
		return errors.New("names neither zones, storage types nor a level: it would hold everywhere")
	}
	return nil
}

func (r NeedRule) holds(l location.Spec, storage string) bool {
	if len(r.Zones) > 0 && !slices.Contains(r.Zones, l.Zone) {
		return false
	}
	if len(r.StorageTypes) > 0 && !slices.Contains(r.StorageTypes, l.StorageType) && !slices.Contains(r.StorageTypes, storage) {
		return false
	}
	return r.FromLevel == "" || !below(l.Level, r.FromLevel)
}

// below compares levels, which are numbers or letters: a shorter one is the lower.
func below(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) < 0
}

// createTask makes a task whose zone and needs are those of its places.
func (d *decision) createTask(c task.Create) bool {
	zone, first := "", true
	for _, st := range c.Steps {
		item := d.itemSeen(c.Scope, st.Item).Spec.StorageType
		from := d.effective(c.Scope, st.From.Location)
		if first {
			zone, first = from.Zone, false
		} else if from.Zone != zone {
			zone = "" // over several
		}
		for _, r := range d.f.cfg.Tasks.Needs {
			if r.holds(from, item) || st.To.Location != "" && r.holds(d.effective(c.Scope, st.To.Location), item) {
				c.Needs = append(c.Needs, r.Need)
			}
		}
	}
	c.Zone = cmp.Or(c.Zone, zone)
	slices.Sort(c.Needs)
	c.Needs = slices.Compact(c.Needs)
	events, err := d.task(c.Scope, c.Task).Create(c, d.m.Now)
	return d.onTask(c.Scope, c.Task, events, err)
}

// effective is what holds for a location, its zone's and aisle's word counted in.
func (d *decision) effective(s scope.Scope, code string) location.Spec {
	return d.facility(s).Spec.Effective(d.location(s, code).Spec)
}

// queuedTask is an open task in the queue. The queue's rows sort by lane (zone, kind and needs),
// then by rank: whoever asks for work looks at the first rows of the lanes that he may work in.
// A row is written in the unit that opens its task and removed in the one that claims or ends
// it. Whether a task may be had is decided on the task: a row that was left behind, under a
// policy that is no longer in force, is removed by whoever meets it.
type queuedTask struct {
	Scope scope.Scope `json:"scope"`
	Task  string      `json:"task"`
	Walk  int64       `json:"walk,omitempty"`
	Rank  time.Time   `json:"rank"`
}

// lane is a part of the queue: all that is asked for there is alike.
type lane struct {
	Zone  string   `json:"zone,omitempty"`
	Kind  string   `json:"kind"`
	Needs []string `json:"needs,omitempty"`
}

func (l lane) name() string {
	return scope.Join(append([]string{l.Zone, l.Kind}, l.Needs...)...)
}

func buildingPart(s scope.Scope) string { return scope.Join(s.Tenant, s.Facility) }

func lanesPrefix(s scope.Scope) string { return "tasklane/" + buildingPart(s) + "/" }

// queuePrefix begins the keys of a lane. An empty part ends its needs, however many.
func queuePrefix(s scope.Scope, l lane) string {
	return "taskq/" + buildingPart(s) + "/" + l.name() + "//"
}

// rankKey sorts as its time does.
func rankKey(rank time.Time) string { return fmt.Sprintf("%016x", uint64(rank.UnixNano())^1<<63) }

func laneOf(t task.Task) lane { return lane{t.Zone, t.Kind, t.Needs} }

// queueKey is the row of a task that may be claimed, "" of any other.
func (d *decision) queueKey(t task.Task) string {
	if t.Status != task.StatusOpen {
		return ""
	}
	rank := d.f.cfg.Tasks.Policy.Rank(t.At, t.CutOff, t.Priority)
	return queuePrefix(t.Scope, laneOf(t)) + rankKey(rank) + "/" + scope.Join(t.Owner, t.Task)
}

// keepQueue writes what the decision changed about which tasks may be claimed.
func (d *decision) keepQueue() {
	for _, stream := range inOrder(d.tasksWere) {
		was, is := d.tasksWere[stream], d.held[stream].(task.Task)
		from, to := d.queueKey(was), d.queueKey(is)
		if from == to {
			continue
		}
		if from != "" {
			d.unqueue(from)
		}
		if to == "" {
			continue
		}
		row := queuedTask{Scope: is.Scope, Task: is.Task, Rank: d.f.cfg.Tasks.Policy.Rank(is.At, is.CutOff, is.Priority)}
		if len(is.Steps) > 0 {
			row.Walk = d.location(is.Scope, is.Steps[0].From.Location).Spec.Sequence
		}
		old, _ := d.stored(to)
		d.out.SetState(to, old, row)
		d.openLane(is)
	}
}

// unqueue removes a row that is there.
func (d *decision) unqueue(key string) {
	if old, found := d.stored(key); found {
		d.out.SetState(key, old, nil)
	}
}

// openLane notes that there is such a lane. Those who look for work find it from then on.
func (d *decision) openLane(t task.Task) {
	l := laneOf(t)
	key := lanesPrefix(t.Scope) + l.name()
	if old, found := d.stored(key); !found && d.held[key] == nil {
		d.held[key] = true
		d.out.SetState(key, old, l)
	}
}

// mostLanes bounds how many lanes of a building are looked into for one worker.
const mostLanes = 1000

// lanes are those of a building.
func (d *decision) lanes(s scope.Scope) []lane {
	rows, err := d.f.hub.bus.Driver().Scan(d.ctx, journal.TableState, lanesPrefix(s), "", mostLanes)
	if err != nil {
		d.fail(fault.E(d.m.route, fault.Transient, fmt.Errorf("reading the lanes of the queue: %w", err)))
		return nil
	}
	out := make([]lane, 0, len(rows))
	for _, r := range rows {
		var l lane
		if d.rowOf(r, &l) {
			out = append(out, l)
		}
	}
	return out
}

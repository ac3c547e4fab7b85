package routes

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/task"
)

// byPeople leaves the work to people.
func byPeople(c *FlowConfig) { c.Auto = AutoConfig{} }

// next asks for work.
func (r *rig) next(who string, change ...func(*task.Next)) Assignment {
	r.t.Helper()
	a, err := r.tryNext(who, change...)
	if err != nil {
		r.t.Fatalf("next for %s: %v", who, err)
	}
	return a
}

func (r *rig) tryNext(who string, change ...func(*task.Next)) (a Assignment, err error) {
	c := task.Next{Worker: who, Lease: 10 * time.Minute}
	for _, f := range change {
		f(&c)
	}
	got, err := r.ask(door.Floor, door.Ask{ID: who, Cmd: c, Actor: "test"})
	if err == nil {
		err = json.Unmarshal(got.Body, &a)
	}
	return a, err
}

// gets fails unless the worker is given a certain task by a certain rule.
func (r *rig) gets(who, id, rule string, change ...func(*task.Next)) task.Task {
	r.t.Helper()
	a := r.next(who, change...)
	switch {
	case a.Task == nil && id != "":
		r.t.Fatalf("%s is given nothing, want %s\n%s", who, id, r.story())
	case a.Task == nil:
		return task.Task{}
	case a.Task.Task != id || a.Why.Rule != rule:
		r.t.Fatalf("%s is given %s by %s, want %q by %s", who, a.Task.Task, a.Why.Rule, id, rule)
	case a.Task.Worker != who || a.Score == nil || a.Kindless():
		r.t.Fatalf("%+v", a)
	}
	return *a.Task
}

// Kindless reports whether a pick task came without its list.
func (a Assignment) Kindless() bool { return a.Task.Kind == task.KindPick && a.List == nil }

func at(code string) func(*task.Next) { return func(c *task.Next) { c.Location = code } }

// placeAt places an order of a priority and a cut-off.
func (r *rig) placeAt(number string, priority int, shipBy time.Time, of ...any) {
	r.t.Helper()
	p := place(number, lines(of...))
	p.Priority, p.Dates.ShipBy = priority, shipBy
	r.must(door.Orders, number, p)
}

// pickAllOf confirms each step of a task.
func (r *rig) pickAllOf(who, id string) {
	r.t.Helper()
	for _, st := range foldOf(r, pick.Fold, pick.StreamOf(site, id)).Steps {
		if st.Left() > 0 {
			r.must(door.Floor, id, pick.Confirm{Step: st.No, Qty: st.Left(), Tote: "tote-" + id, Worker: who})
		}
	}
}

func TestWorkIsGivenByUrgencyThenByTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		r.stock("A", 100, "P-0", "P-1", "P-2", "P-3")
		for _, p := range []string{"P-0", "P-1", "P-2", "P-3"} { // 100 each, one after the other
			r.placeAt(fmt.Sprintf("SO-%s", p), 5, time.Time{}, "A", 100)
			elapse(time.Second)
		}
		r.stock("B", 100, "Q-0")
		r.placeAt("NOW", 7, time.Time{}, "B", 1)
		settle(20 * time.Second) // a wave of its own
		r.placeAt("CUT", 0, time.Now().Add(50*time.Minute), "B", 1)
		settle(time.Minute)

		r.gets("kim", "T1-CUT", task.MostUrgent)
		r.gets("kim", "T1-CUT", task.Resumed) // asked again before it was done
		r.gets("lee", "T1-NOW", task.MostUrgent)
		r.gets("max", "T1-SO-P-3", task.Nearest, at("P-3"))
		first := r.gets("pat", "T1-SO-P-0", task.MostUrgent)
		if got := first.Steps[0].From.Location; got != "P-0" {
			t.Errorf("begins at %s", got)
		}
		r.pickAllOf("kim", "T1-CUT")
		settle(time.Second)
		r.gets("kim", "T1-SO-P-2", task.Nearest, at("P-2"))
		r.noLetters()
	})
}

// Work goes to whoever has what it needs, whatever its urgency.
func TestWorkAsksForSkillsEquipmentAndZones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople, func(c *FlowConfig) {
			c.Tasks.Needs = []NeedRule{
				{Need: "reach_truck", FromLevel: "10"}, {Need: "hazmat", StorageTypes: []string{"flammable"}}, {Need: "coat", Zones: []string{"COLD"}},
			}
		})
		for code, s := range map[string]location.Spec{
			"HIGH": {Purpose: location.Pick, Level: "12", Zone: "Z"}, "LOW": {Purpose: location.Pick, Level: "9", Zone: "Z"},
			"FLAM": {Purpose: location.Pick, StorageType: "flammable", Zone: "Y"}, "COLD": {Purpose: location.Pick, Zone: "COLD", Level: "10"},
		} {
			r.must(door.Master, code, location.Register{Spec: s})
		}
		for _, code := range []string{"HIGH", "LOW", "FLAM", "COLD"} {
			r.stock(code, 0)
			r.must(door.Stock, code, inventory.Receive{Place: inventory.Place{Location: code}, Qty: 9})
			r.place("SO-"+code, code, 1)
		}
		settle(time.Minute)
		if t1 := foldOf(r, task.Fold, task.StreamOf(site, "T1-SO-COLD")); !slices.Equal(t1.Needs, []string{"coat", "reach_truck"}) || t1.Zone != "COLD" {
			t.Errorf("needs %v in zone %q", t1.Needs, t1.Zone)
		}
		r.must(door.Master, "kim", crew.Register{Spec: crew.Spec{Skills: []string{"hazmat"}, Zones: []string{"Y"}, Home: "Y"}})
		r.must(door.Master, "cold", crew.Register{Spec: crew.Spec{Equipment: []string{"coat", "reach_truck"}, Zones: []string{"COLD"}}})
		r.must(door.Master, "clerk", crew.Register{Spec: crew.Spec{Kinds: []string{task.KindCount}}})

		r.gets("new", "T1-SO-LOW", task.MostUrgent) // whom nobody knows
		r.gets("max", "", "")
		r.gets("max", "T1-SO-HIGH", task.MostUrgent, func(c *task.Next) { c.Equipment = []string{"reach_truck"} })
		r.gets("clerk", "", "")
		r.gets("kim", "T1-SO-FLAM", task.MostUrgent)
		r.gets("cold", "T1-SO-COLD", task.MostUrgent)
		r.gets("zoe", "", "", func(c *task.Next) { c.Equipment = []string{"reach_truck", "coat"} })
	})
}

// What its worker gives back is for others at once, goes on where it was left, and comes to him
// again when nobody did it for a while.
func TestWorkThatIsGivenBackIsForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		r.stock("A", 100, "P-0")
		r.placeAt("SO-1", 5, time.Time{}, "A", 4)
		settle(time.Minute)
		r.placeAt("SO-2", 0, time.Time{}, "A", 2)
		settle(time.Minute)
		release := func(who, id string, claim int) error {
			_, err := r.ask(door.Floor, door.Ask{ID: id, Cmd: task.Release{Worker: who, Claim: claim, Reason: "blocked"}, Actor: "test"})
			return err
		}

		r.gets("kim", "T1-SO-1", task.MostUrgent)
		r.must(door.Floor, "T1-SO-1", pick.Confirm{Step: 1, Qty: 1, Tote: "tote-1", Worker: "kim"})
		for name, err := range map[string]error{"by another": release("lee", "T1-SO-1", 1), "another claim": release("kim", "T1-SO-1", 2), "no such task": release("kim", "T9", 1)} {
			if fault.KindOf(err) != fault.Rejected {
				t.Errorf("%s: %v", name, err)
			}
		}
		r.must(door.Floor, "T1-SO-1", task.Release{Worker: "kim", Claim: 1, Reason: "blocked"})
		if _, err := r.ask(door.Floor, door.Ask{ID: "T1-SO-1", Cmd: pick.Confirm{Step: 1, Qty: 1, Tote: "tote-1", Worker: "kim"}, Actor: "test"}); fault.KindOf(err) != fault.Rejected {
			t.Errorf("who gave it back picked on: %v", err)
		}

		r.gets("kim", "T1-SO-2", task.MostUrgent) // less urgent, and not what he gave back
		r.gets("lee", "T1-SO-1", task.MostUrgent)
		r.must(door.Floor, "T1-SO-1", task.Release{Worker: "lee", Claim: 2, Reason: "blocked"})
		r.must(door.Floor, "T1-SO-2", task.Release{Worker: "kim", Claim: 1, Reason: "break"})
		r.gets("kim", "", "")
		settle(forOthers - time.Minute)
		r.gets("kim", "", "")
		settle(2 * time.Minute)
		r.gets("kim", "T1-SO-1", task.MostUrgent)
		r.pickAllOf("kim", "T1-SO-1")
		settle(time.Second)
		if got := foldOf(r, task.Fold, task.StreamOf(site, "T1-SO-1")); got.Status != task.StatusCompleted || got.Claims != 3 {
			t.Errorf("%+v", got)
		}
		r.noLetters()
	})
}

func TestAskingForWorkIsRefusedWithPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		r.must(door.Master, "old", crew.Register{})
		r.must(door.Master, "old", crew.Retire{Reason: "left"})
		r.must(door.Master, "clerk", crew.Register{Spec: crew.Spec{Kinds: []string{task.KindCount}}})
		for name, c := range map[string]struct {
			who, place string
			kind       fault.Kind
			change     func(*task.Next)
		}{
			"nobody":             {"", "worker", fault.Invalid, func(*task.Next) {}},
			"no lease":           {"kim", "lease", fault.Invalid, func(c *task.Next) { c.Lease = 0 }},
			"no kind of work":    {"kim", "kinds[0]", fault.Invalid, func(c *task.Next) { c.Kinds = []string{"dance"} }},
			"no skill":           {"kim", "skills[0]", fault.Invalid, func(c *task.Next) { c.Skills = []string{""} }},
			"an unknown place":   {"kim", "location", fault.Rejected, at("NOWHERE")},
			"a retired worker":   {"old", "worker", fault.Rejected, func(*task.Next) {}},
			"work of no his own": {"clerk", "kinds", fault.Rejected, func(c *task.Next) { c.Kinds = []string{task.KindPick} }},
		} {
			if _, err := r.tryNext(c.who, c.change); fault.KindOf(err) != c.kind || fault.PlaceOf(err) != c.place {
				t.Errorf("%s: %v at %q: %v", name, fault.KindOf(err), fault.PlaceOf(err), err)
			}
		}
		if n := r.count()["task.Claimed"]; n != 0 {
			t.Errorf("%d claims", n)
		}
	})
}

// What is on hold is passed over and comes back; so does what a lease let go, over a restart
// and under another policy.
func TestTheQueueIsRightAfterWhateverHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		r.stock("A", 100, "P-0")
		for _, n := range []string{"1", "2", "3"} {
			r.place("SO-"+n, "A", 1)
			settle(time.Minute)
		}
		r.must(door.Orders, "SO-1", order.Hold{Reason: "credit"})
		r.must(door.Orders, "SO-2", order.Cancel{Reason: "mind"})
		settle(time.Minute)
		r.gets("kim", "T1-SO-3", task.MostUrgent)
		r.gets("lee", "", "")
		r.must(door.Orders, "SO-1", order.Release{Reason: "credit"})
		r.cfg.Tasks.Policy.Patience = time.Minute // rows of the queue stand at other ranks from now on
		r.restart()
		settle(time.Minute)
		r.gets("lee", "T1-SO-1", task.MostUrgent)
		r.gets("kim", "T1-SO-3", task.Resumed)
		settle(time.Hour) // both leases end
		r.gets("max", "T1-SO-1", task.MostUrgent)
		r.gets("pat", "T1-SO-3", task.MostUrgent)
		r.gets("zoe", "", "")
		if _, err := r.ask(door.Floor, door.Ask{ID: "T1-SO-3", Cmd: pick.Confirm{Step: 1, Qty: 1, Tote: "t", Worker: "kim"}}); fault.PlaceOf(err) != "worker" {
			t.Errorf("the first worker went on: %v", err)
		}
		r.noLetters()
	})
}

// Many ask at once: each task has one worker, and all are done in the end.
func TestNoTwoWorkersAreGivenOneTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tasks, workers = 120, 16
		r := newRig(t, byPeople, func(c *FlowConfig) { c.Count.Recounts = 0 })
		r.stock("A", 0)
		for i := range tasks {
			code := fmt.Sprintf("P-%03d", i)
			r.must(door.Master, code, location.Register{Spec: location.Spec{Purpose: location.Pick, Zone: string(rune('A' + i%3)), Sequence: int64(i)}})
			r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: code}, Qty: 1})
			r.must(door.Stock, "", count.Open{BookKey: keyOf(site, "A"), Place: inventory.Place{Location: code}})
		}
		settle(time.Minute)
		byTask := map[string]count.Opened{}
		for _, e := range events[count.Opened](r) {
			byTask[e.Task] = e
		}
		var mu sync.Mutex
		given := map[string]string{}
		var all sync.WaitGroup
		for w := range workers {
			who := fmt.Sprintf("w-%02d", w)
			all.Go(func() {
				for {
					a, err := r.tryNext(who)
					if err != nil {
						t.Errorf("%s: %v", who, err)
						return
					}
					if a.Task == nil {
						return
					}
					mu.Lock()
					if other := given[a.Task.Task]; other != "" {
						t.Errorf("%s is given to %s and to %s", a.Task.Task, other, who)
					}
					given[a.Task.Task] = who
					mu.Unlock()
					c := byTask[a.Task.Task]
					if _, err := r.ask(door.Stock, door.Ask{ID: c.ID, Cmd: count.Tally{Counted: 1, By: who}}); err != nil {
						t.Errorf("%s: %v", c.ID, err)
					}
				}
			})
		}
		all.Wait()
		settle(time.Minute)
		if n := r.count(); len(given) != tasks || n["task.Claimed"] != tasks || n["task.Completed"] != tasks {
			t.Errorf("%d given, %d claimed, %d completed, of %d", len(given), n["task.Claimed"], n["task.Completed"], tasks)
		}
		r.noLetters()
	})
}

func TestWhatLiesOnTheWayIsDoneBetweenPicks(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*FlowConfig)
		want   string
		rule   string
	}{
		"configured":     {func(c *FlowConfig) { c.Tasks.Policy.Between, c.Tasks.Policy.Within = []string{task.KindCount}, 2 }, "count", task.Interleave},
		"not configured": {func(*FlowConfig) {}, "pick", task.MostUrgent},
		"too far":        {func(c *FlowConfig) { c.Tasks.Policy.Between, c.Tasks.Policy.Within = []string{task.KindCount}, 0 }, "pick", task.MostUrgent},
		"something is late": {func(c *FlowConfig) {
			c.Tasks.Policy.Between, c.Tasks.Policy.Within, c.Tasks.Policy.Patience = []string{task.KindCount}, 2, time.Second
		}, "pick", task.MostUrgent},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byPeople, c.change)
				r.stock("A", 100, "P-0", "P-1")
				r.placeAt("SO-1", 8, time.Time{}, "A", 1)
				r.placeAt("SO-2", 6, time.Time{}, "A", 1)
				r.must(door.Stock, "", count.Open{BookKey: keyOf(site, "A"), Place: inventory.Place{Location: "P-1"}})
				settle(time.Minute)
				r.gets("kim", "T1-SO-1", task.MostUrgent, at("P-0")) // nothing was picked before
				r.pickAllOf("kim", "T1-SO-1")
				settle(time.Second)
				a := r.next("kim", at("P-0"))
				if a.Task == nil || a.Task.Kind != c.want || a.Why.Rule != c.rule {
					t.Fatalf("%+v", a)
				}
			})
		})
	}
}

// Urgent work that nobody takes up takes the place of what may wait: the worker is told, and
// what was taken back goes on where it was left, with whoever takes it.
func TestUrgentWorkTakesThePlaceOfWhatMayWait(t *testing.T) {
	for name, c := range map[string]struct {
		urgent int
		half   bool // the worker is in the middle of a step
		other  bool // another worker is free and asks
		takes  bool
	}{
		"urgent, between two steps":   {urgent: mostUrgent, takes: true},
		"urgent, somebody else comes": {urgent: mostUrgent, other: true},
		"urgent, in a step":           {urgent: mostUrgent, half: true},
		"not urgent":                  {urgent: mostUrgent - 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byPeople, func(c *FlowConfig) { c.Tasks.PreemptAfter = 30 * time.Second })
				r.stock("A", 2, "P-0")
				r.stockOnly("A", 10, "P-1")
				r.place("SLOW", "A", 6)
				settle(20 * time.Second)
				hour := func(c *task.Next) { c.Lease = time.Hour }
				slow := r.gets("kim", "T1-SLOW", task.MostUrgent, hour)
				if len(slow.Steps) != 2 {
					t.Fatalf("%+v", slow.Steps)
				}
				r.must(door.Floor, "T1-SLOW", pick.Confirm{Step: 1, Qty: 2, Tote: "t1", Worker: "kim"})
				if c.half {
					r.must(door.Floor, "T1-SLOW", pick.Confirm{Step: 2, Qty: 1, Tote: "t1", Worker: "kim"})
				}
				r.placeAt("FAST", c.urgent, time.Time{}, "A", 1)
				settle(15 * time.Second)
				if c.other {
					r.gets("lee", "T1-FAST", task.MostUrgent)
				}
				settle(time.Minute)
				_, err := r.ask(door.Floor, door.Ask{ID: "T1-SLOW", Cmd: pick.Confirm{Step: 2, Qty: 1, Tote: "t1", Worker: "kim"}})
				if !c.takes {
					if err != nil || r.count()["task.Preempted"] != 0 {
						t.Fatalf("taken back: %v", err)
					}
					return
				}
				if fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "T1-FAST") {
					t.Fatalf("the worker is not told why: %v", err)
				}
				a := r.next("kim", hour)
				if a.Task == nil || a.Task.Task != "T1-FAST" || a.Why.Rule != task.Preempting || a.TakenBack == nil || a.TakenBack.Task != "T1-SLOW" || a.TakenBack.Reason != urgentWork {
					t.Fatalf("%+v", a)
				}
				r.gets("lee", "T1-SLOW", task.MostUrgent)
				r.pickAllOf("kim", "T1-FAST")
				r.pickAllOf("lee", "T1-SLOW")
				settle(time.Minute)
				for _, n := range []string{"SLOW", "FAST"} {
					if o := r.order(n); o.Totals().Picked != o.Totals().Ordered {
						t.Errorf("%s: %+v", n, o.Totals())
					}
				}
				r.books("A")
				r.noLetters()
			})
		})
	}
}

package labor_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC) // a Monday
	east = scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}
)

const hour = int64(time.Hour / time.Millisecond)

func shifts() []labor.Shift {
	return []labor.Shift{
		{Code: "early", Start: 6 * 60, End: 14 * 60, Staff: []labor.Staff{{Kind: labor.Pick, Zone: "FAST", Workers: 2}, {Kind: labor.Pick, Workers: 1}, {Kind: labor.Pack, Workers: 1}}},
		{Code: "night", Start: 22 * 60, End: 6 * 60, Staff: []labor.Staff{{Kind: labor.Pick, Zone: "FAST", Workers: 1}}},
	}
}

func job(order string, by time.Duration, parts ...labor.Part) labor.Job {
	return labor.Job{Owner: "acme", Order: order, CutOff: at.Add(by), Parts: parts}
}

func pick(zone string, hours int64) labor.Part {
	return labor.Part{Kind: labor.Pick, Zone: zone, Time: hours * hour}
}

func calculated(t testing.TB, w labor.Workload, jobs ...labor.Job) (labor.Workload, []event.Event) {
	t.Helper()
	evs, err := w.Recalculate(labor.Recalculate{Scope: east, Shifts: shifts(), Jobs: jobs, Zone: time.UTC}, at)
	if err != nil {
		t.Fatal(err)
	}
	w, err = labor.Fold.Replay(w, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return w, evs
}

func TestWhatMissesItsCutOffIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		jobs []labor.Job
		late map[string]time.Duration // 0 is never
	}{
		"two share the work":                {[]labor.Job{job("1", 3*time.Hour, pick("FAST", 6))}, nil},
		"a minute short":                    {[]labor.Job{job("1", 3*time.Hour-time.Minute, pick("FAST", 6))}, map[string]time.Duration{"1": time.Minute}},
		"the urgent one goes first":         {[]labor.Job{job("late", 2*time.Hour, pick("FAST", 4)), job("soon", time.Hour, pick("FAST", 2))}, map[string]time.Duration{"late": time.Hour}},
		"zones do not wait for each other":  {[]labor.Job{job("1", 2*time.Hour, pick("FAST", 4)), job("2", time.Hour, pick("SLOW", 1))}, nil},
		"the last part counts":              {[]labor.Job{job("1", time.Hour, pick("FAST", 2), labor.Part{Kind: labor.Pack, Time: 2 * hour})}, map[string]time.Duration{"1": time.Hour}},
		"over the break into the night":     {[]labor.Job{job("1", 6*time.Hour, pick("FAST", 14))}, map[string]time.Duration{"1": 10 * time.Hour}}, // 6 h of 2, then 2 h from 22:00 on
		"it ends only within the next week": {[]labor.Job{job("1", time.Hour, labor.Part{Kind: labor.Pack, Time: 1000 * hour})}, map[string]time.Duration{"1": 0}},
		"it has passed":                     {[]labor.Job{job("1", -time.Hour, pick("FAST", 2))}, map[string]time.Duration{"1": 2 * time.Hour}},
		"it has passed, nothing is to do":   {[]labor.Job{job("1", -time.Hour)}, map[string]time.Duration{"1": time.Hour}},
		"nothing is to do":                  {[]labor.Job{job("1", time.Hour)}, nil},
		"no cut-off":                        {[]labor.Job{{Owner: "acme", Order: "1", Parts: []labor.Part{pick("FAST", 999)}}}, nil},
	} {
		w, evs := calculated(t, labor.Workload{}, c.jobs...)
		got := map[string]time.Duration{}
		for _, r := range w.Risks {
			got[r.Order] = time.Duration(r.Late) * time.Millisecond
		}
		if fmt.Sprint(got) != fmt.Sprint(c.late) && len(got)+len(c.late) > 0 {
			t.Errorf("%s: late are %v, want %v", name, got, c.late)
		}
		told := 0
		for _, e := range evs {
			if _, is := e.(labor.AtRisk); is {
				told++
			}
		}
		if told != len(c.late) {
			t.Errorf("%s: %d are told", name, told)
		}
	}
}

func TestARiskIsToldAgainOnlyAfterItWasNone(t *testing.T) {
	late, safe := job("1", time.Hour, pick("FAST", 6)), job("1", time.Hour, pick("FAST", 1))
	w, evs := calculated(t, labor.Workload{}, late)
	if len(evs) != 2 {
		t.Fatalf("%+v", evs)
	}
	if w, evs = calculated(t, w, late); len(evs) != 0 {
		t.Errorf("the same is told again: %+v", evs)
	}
	w, evs = calculated(t, w, late, job("2", 40*time.Hour, pick("SLOW", 1)))
	if len(evs) != 1 {
		t.Errorf("more work, the same risk: %+v", evs)
	}
	if w, evs = calculated(t, w, safe); len(evs) != 1 || len(w.Risks) != 0 {
		t.Errorf("safe: %+v", evs)
	}
	if _, evs = calculated(t, w, late); len(evs) != 2 {
		t.Errorf("late again: %+v", evs)
	}
}

func TestShiftsAreRefusedWithPlace(t *testing.T) {
	for place, change := range map[string]func(*labor.Plan){
		"facility":                   func(c *labor.Plan) { c.Facility = "" },
		"shifts[0].shift":            func(c *labor.Plan) { c.Shifts[0].Code = "" },
		"shifts[1].shift":            func(c *labor.Plan) { c.Shifts[1].Code = "early" },
		"shifts[0].start_min":        func(c *labor.Plan) { c.Shifts[0].Start = 1440 },
		"shifts[0].end_min":          func(c *labor.Plan) { c.Shifts[0].End = -1 },
		"shifts[0].staff[0].kind":    func(c *labor.Plan) { c.Shifts[0].Staff[0].Kind = "sing" },
		"shifts[0].staff[1].workers": func(c *labor.Plan) { c.Shifts[0].Staff[1].Workers = -1 },
		"shifts[0].staff[1].zone":    func(c *labor.Plan) { c.Shifts[0].Staff[1].Zone = "FAST" },
	} {
		c := labor.Plan{Scope: east, Shifts: shifts()}
		if change(&c); true {
			if evs, err := (labor.Workload{}).Plan(c, at); len(evs) != 0 || fault.PlaceOf(err) != place {
				t.Errorf("%s: %v, place %q: %v", place, evs, fault.PlaceOf(err), err)
			}
		}
	}
	c := labor.Plan{Scope: east, Shifts: shifts()}
	evs, err := labor.Workload{}.Plan(c, at)
	if err != nil {
		t.Fatal(err)
	}
	w, err := labor.Fold.Replay(labor.Workload{}, evs...)
	if err != nil || !w.Planned {
		t.Fatal(err)
	}
	if evs, err := w.Plan(c, at); err != nil || len(evs) != 0 {
		t.Errorf("planned again: %v, %v", evs, err)
	}
	if _, err := w.Recalculate(labor.Recalculate{Scope: east}, at); fault.PlaceOf(err) != "zone" {
		t.Errorf("no clock: %v", err)
	}
	// A plan of its own goes before that of the configuration.
	evs, err = labor.Workload{Planned: true}.Recalculate(labor.Recalculate{Scope: east, Shifts: shifts(), Jobs: []labor.Job{job("1", time.Hour, pick("FAST", 1))}, Zone: time.UTC}, at)
	if err != nil || evs[0].(labor.Changed).Totals[0].Staffed {
		t.Errorf("%+v, %v", evs, err)
	}
}

// All work of a centre is booked on its shifts as far as they have time, and on none more than
// that; nobody is later than all work before his together takes.
func TestWorkIsBookedOnceAndNoShiftIsOverfull(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var plan []labor.Shift
		for i := range rapid.IntRange(0, 4).Draw(t, "shifts") {
			s := labor.Shift{Code: fmt.Sprint(i), Start: rapid.IntRange(0, 1439).Draw(t, "start"), End: rapid.IntRange(0, 1440).Draw(t, "end")}
			for _, zone := range []string{"", "A", "B"} {
				if n := rapid.Int64Range(0, 3).Draw(t, "workers"); n > 0 {
					s.Staff = append(s.Staff, labor.Staff{Kind: rapid.SampledFrom([]string{"", labor.Pick}).Draw(t, "kind"), Zone: zone, Workers: n})
				}
			}
			plan = append(plan, s)
		}
		var jobs []labor.Job
		asked := int64(0)
		for i := range rapid.IntRange(0, 12).Draw(t, "jobs") {
			ms := rapid.Int64Range(0, 40*hour).Draw(t, "ms")
			asked += ms
			jobs = append(jobs, job(fmt.Sprint(i), time.Duration(rapid.IntRange(1, 100).Draw(t, "by"))*time.Hour,
				labor.Part{Kind: labor.Pick, Zone: rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "zone"), Time: ms}))
		}
		evs, err := labor.Workload{}.Recalculate(labor.Recalculate{Scope: east, Shifts: plan, Jobs: jobs, Zone: time.UTC}, at)
		if err != nil {
			t.Fatal(err)
		}
		if len(evs) == 0 {
			return
		}
		c := evs[0].(labor.Changed)
		var total, booked, unstaffed int64
		full := true
		for _, x := range c.Totals {
			total += x.Work
			if !x.Staffed {
				unstaffed += x.Work
			}
		}
		for _, l := range c.Loads {
			if l.Work > l.Available || l.Work < 0 || !l.From.Before(l.To) {
				t.Fatalf("%+v", l)
			}
			booked += l.Work
		}
		for _, r := range c.Risks {
			if r.Finish.IsZero() {
				full = false
			} else if r.Late != r.Finish.Sub(r.CutOff).Milliseconds() || r.Late <= 0 {
				t.Fatalf("%+v", r)
			}
		}
		if total != asked || full && booked != total-unstaffed || booked > total-unstaffed {
			t.Fatalf("asked %d, total %d, of that %d for nobody, booked %d", asked, total, unstaffed, booked)
		}
	})
}

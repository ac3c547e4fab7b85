package routes

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/wave"
)

// oneSlowPicker is a building where one picks a line an hour around the clock, and one packs at once.
func oneSlowPicker(c *FlowConfig) {
	c.Auto.Pick, c.Wave.Size = false, 2
	c.Labor.Standards = labor.Standards{{Kind: labor.Pick, Line: int64(time.Hour / time.Millisecond)}}
	c.Labor.Shifts = []labor.Shift{{Code: "all day", Staff: []labor.Staff{{Workers: 1}}}}
}

func (r *rig) risks() map[string]int {
	r.t.Helper()
	told := map[string]int{}
	r.each(func(rec *journal.Record) {
		if rec.Type == (labor.AtRisk{}).EventType() {
			e, err := decodeEvent(r.hub.Registry(), rec)
			if err != nil {
				r.t.Fatal(err)
			}
			told[e.(labor.AtRisk).Risk.Order]++
		}
	})
	return told
}

func (r *rig) placeBy(number string, by time.Duration, of ...any) {
	r.t.Helper()
	p := place(number, lines(of...))
	p.Dates.ShipBy = time.Now().Add(by)
	r.must(door.Orders, number, p)
}

func (r *rig) workload() labor.Workload { return foldOf(r, labor.Fold, labor.StreamOf(site)) }

func TestAnOrderThatWillMissItsCutOffIsToldBeforeAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, oneSlowPicker)
		r.stock("A", 10, "P-1")
		r.placeBy("SO-1", 90*time.Minute, "A", 1)
		r.placeBy("SO-2", 100*time.Minute, "A", 1) // is picked after two hours
		settle(time.Minute)
		if told := r.risks(); len(told) != 1 || told["SO-2"] != 1 {
			t.Fatalf("told are %v\n%+v", told, r.workload())
		}
		if w := r.workload(); len(w.Totals) != 1 || w.Totals[0].Kind != labor.Pick || w.Totals[0].Work != 2*int64(time.Hour/time.Millisecond) {
			t.Errorf("%+v", w.Totals)
		}
		// Nobody does anything: in time the other is late too, and each is told once, by the timer.
		settle(45 * time.Minute)
		if told := r.risks(); told["SO-1"] != 1 || told["SO-2"] != 1 {
			t.Errorf("told are %v", told)
		}
		r.restart()
		settle(20 * time.Minute)
		if told := r.risks(); told["SO-1"] != 1 || told["SO-2"] != 1 {
			t.Errorf("after a restart told are %v", told)
		}
		settle(time.Hour)
		if n := r.count()["order.CutOffMissed"]; n != 2 {
			t.Errorf("%d have missed it", n)
		}
		r.noLetters()
	})
}

func TestOrdersThatWaitForAWaveCountToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, oneSlowPicker, func(c *FlowConfig) {
			c.Wave.Templates = []WaveTemplate{{Template: wave.Template{Name: "slow", Priority: 1}, Wait: 24 * time.Hour}}
		})
		r.stock("A", 10, "P-1")
		p := place("SO-WAITS", lines("A", 1))
		p.Priority, p.Dates.ShipBy = 1, time.Now().Add(80*time.Minute)
		r.must(door.Orders, p.Number, p)
		settle(time.Second)
		r.placeBy("SO-1", 70*time.Minute, "A", 1)
		r.placeBy("SO-2", 30*time.Hour, "A", 1)
		settle(time.Minute)
		if told := r.risks(); len(told) != 1 || told["SO-WAITS"] != 1 {
			t.Errorf("told are %v\n%+v", told, r.workload())
		}
		r.noLetters()
	})
}

func TestWithoutShiftsNothingIsCalculatedUntilThereAreSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, oneSlowPicker, func(c *FlowConfig) { c.Labor.Shifts = nil })
		r.stock("A", 10, "P-1")
		r.placeBy("SO-1", time.Minute, "A", 1)
		settle(time.Second * 30)
		if n := r.count(); n["workload.Changed"]+n["workload.AtRisk"] > 0 {
			t.Errorf("%v", n)
		}
		r.must(door.Waves, "east", labor.Plan{Shifts: []labor.Shift{{Code: "all day", Staff: []labor.Staff{{Workers: 1}}}}})
		settle(time.Second)
		if told := r.risks(); told["SO-1"] != 1 {
			t.Errorf("told are %v", told)
		}
		if _, err := r.ask(door.Waves, door.Ask{Cmd: labor.Plan{Shifts: []labor.Shift{{Code: ""}}}}); err == nil {
			t.Error("a shift without a name was planned")
		}
		r.noLetters()
	})
}

func TestWhatShippedIsNoWorkAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, oneSlowPicker, func(c *FlowConfig) { c.Auto.Pick = true })
		r.stock("A", 10, "P-1")
		for i := range 4 {
			r.placeBy(fmt.Sprint("SO-", i), 24*time.Hour, "A", 1)
		}
		settle(10 * time.Minute)
		r.status("SO-3", order.StatusShipped)
		if w := r.workload(); len(w.Totals) != 0 || len(w.Risks) != 0 || w.At.IsZero() {
			t.Errorf("%+v", w)
		}
		r.noLetters()
	})
}

// The process dies after each unit in turn: what is at risk is told once all the same.
func TestACrashTellsEachRiskOnce(t *testing.T) {
	died := 0
	for n := 0; ; n += 2 {
		ended := false
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, oneSlowPicker)
				r.stock("A", 10, "P-1")
				r.batch = 1
				r.restart()
				r.crash(n)
				p := place("SO-1", lines("A", 1))
				p.Dates.ShipBy = time.Now().Add(30 * time.Minute)
				_, _ = r.ask(door.Orders, door.Ask{ID: p.Number, Cmd: p})
				settle(time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					r.must(door.Orders, p.Number, p)
					settle(time.Minute)
				}
				if told := r.risks(); told["SO-1"] != 1 {
					t.Errorf("told %d times", told["SO-1"])
				}
				r.noLetters()
			})
		})
		if t.Failed() || ended {
			break
		}
		died++
	}
	if died < 4 {
		t.Errorf("it died %d times only", died)
	}
}

package routes

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

// one is a template whose waves have one order each.
func one(change func(*WaveTemplate)) WaveTemplate {
	t := WaveTemplate{Template: wave.Template{Name: "stream", Limits: wave.Limits{Orders: 1}, Fill: wave.Limits{Orders: 1}}}
	change(&t)
	return t
}

func TestOrdersOfATemplateThatIsGoneGoByTheOthers(t *testing.T) {
	for name, waits := range map[string]WaveTemplate{
		"never by a clock": {Template: wave.Template{Name: "bulk", Types: []string{"B2B"}, Fill: wave.Limits{Orders: 50}}},
		"by a clock":       {Template: wave.Template{Name: "bulk", Types: []string{"B2B"}}, Every: 12 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *FlowConfig) { c.Wave.Templates = []WaveTemplate{waits} })
				r.stock("A", 50, "P-1")
				for i := range 3 {
					p := place(fmt.Sprint("SO-", i), lines("A", 1))
					p.Type = "B2B"
					r.must(door.Orders, p.Number, p)
				}
				settle(20 * time.Minute)
				if n := r.count()["wave.Planned"]; n != 0 {
					t.Fatalf("%d waves of orders that wait for more", n)
				}
				r.restart() // with it as it was: they go on waiting
				settle(20 * time.Minute)
				if n := r.count()["wave.Planned"]; n != 0 {
					t.Fatalf("%d waves after a restart", n)
				}
				r.cfg.Wave.Templates = []WaveTemplate{{Template: wave.Template{Name: "any", Limits: wave.Limits{Orders: 2}}, Wait: time.Minute}}
				r.restart()
				settle(13 * time.Hour)
				for i := range 3 {
					r.status(fmt.Sprint("SO-", i), order.StatusShipped)
				}
				names := r.waveNames()
				if n := r.count()["wave.Planned"]; n != 2 || names[0] != "any-000001" {
					t.Errorf("%d waves %v, the template that is left makes two", n, names)
				}
				r.noLetters()
			})
		})
	}
}

func TestWavesGoAsThereAreFreeWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) {
			c.Auto.Pick = false
			c.Wave.Templates = []WaveTemplate{one(func(t *WaveTemplate) { t.Free = 2 })}
		})
		r.stock("A", 50, "P-1")
		for i := range 4 {
			r.place(fmt.Sprint("SO-", i), "A", 1)
		}
		settle(time.Minute)
		released := func(when string, want int) {
			t.Helper()
			if n := r.count()["wave.Released"]; n != want {
				t.Fatalf("%s: %d waves are released, want %d", when, n, want)
			}
		}
		ask := func(who string) {
			t.Helper()
			r.must(door.Floor, "next", task.Next{Worker: who, Lease: 30 * time.Minute})
			settle(time.Second)
		}
		released("nobody asked", 0)
		ask("kim")
		ask("kim")
		released("one asked twice", 0)
		settle(11 * time.Minute)
		ask("lee")
		released("the other has long left", 0)
		ask("kim")
		released("two are free", 1)
		r.restart()
		settle(5 * time.Minute)
		released("nobody asked since", 1)
		ask("kim") // gets the task
		ask("lee")
		released("one has work", 1)
		ask("joe")
		released("two again", 2)
		r.noLetters()
	})
}

func TestWavesGoByTheShareOfAShift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) {
			c.Auto.Pick = false
			// A line takes ten minutes, and one who works has an hour an hour: a share of half of
			// it is three of them.
			c.Labor.Standards = labor.Standards{{Kind: labor.Pick, Line: (10 * time.Minute).Milliseconds()}}
			start := time.Now().UTC().Add(2 * time.Hour)
			from := start.Hour()*60 + start.Minute()
			c.Labor.Shifts = []labor.Shift{{Code: "late", Start: from, End: (from + 240) % (24 * 60), Staff: []labor.Staff{{Workers: 1}}}}
			c.Wave.Templates = []WaveTemplate{one(func(t *WaveTemplate) { t.Share = 50 })}
		})
		r.stock("A", 50, "P-1")
		for i := range 6 {
			r.place(fmt.Sprint("SO-", i), "A", 1)
		}
		settle(30 * time.Minute)
		if n := r.count()["wave.Released"]; n != 0 {
			t.Fatalf("%d waves are released with nobody on shift", n)
		}
		r.crash(3)
		settle(time.Minute)
		r.restart()
		settle(2 * time.Hour)
		if n := r.count()["wave.Released"]; n != 3 {
			t.Errorf("%d waves are released for one worker's half hour, want 3", n)
		}
		r.noLetters()
	})
}

package routes

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/wave"
)

func TestWavesArePlannedByTheClockOfTheBuilding(t *testing.T) {
	ny, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		template  WaveTemplate
		now, want string
	}{
		{"later today", WaveTemplate{At: []string{"08:00", "14:30"}}, "2026-11-23T09:00:00-05:00", "2026-11-23T14:30:00-05:00"},
		{"tomorrow", WaveTemplate{At: []string{"08:00", "14:30"}}, "2026-11-23T14:30:00-05:00", "2026-11-24T08:00:00-05:00"},
		{"the day is the building's", WaveTemplate{At: []string{"20:00"}}, "2026-11-24T00:30:00Z", "2026-11-24T01:00:00Z"},
		{"an hour that is skipped", WaveTemplate{At: []string{"02:30"}}, "2026-03-08T00:00:00-05:00", "2026-03-08T03:30:00-04:00"},
		{"an hour that comes twice", WaveTemplate{At: []string{"01:30"}}, "2026-11-01T00:00:00-04:00", "2026-11-01T01:30:00-04:00"},
		{"each half hour", WaveTemplate{Every: 30 * time.Minute}, "2026-11-23T09:10:00-05:00", "2026-11-23T09:30:00-05:00"},
		{"from midnight", WaveTemplate{Every: 7 * time.Hour}, "2026-11-23T22:00:00-05:00", "2026-11-24T00:00:00-05:00"},
		{"wait comes first", WaveTemplate{Every: time.Hour, Wait: 5 * time.Minute}, "2026-11-23T09:10:00-05:00", "2026-11-23T09:15:00-05:00"},
		{"never by a clock", WaveTemplate{}, "2026-11-23T09:10:00-05:00", ""},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := time.Parse(time.RFC3339, c.want) // none is zero
		if got := c.template.next(now, ny); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", c.name, got, want)
		}
	}
}

func TestTemplatesThatMakeNoWaveAreRefused(t *testing.T) {
	ok := WaveTemplate{Template: wave.Template{Name: "rush"}, Wait: time.Minute}
	if err := ok.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*WaveTemplate){
		"no name":            func(t *WaveTemplate) { t.Name = "" },
		"the last's name":    func(t *WaveTemplate) { t.Name = otherOrders },
		"nothing starts it":  func(t *WaveTemplate) { t.Wait = 0 },
		"no time of day":     func(t *WaveTemplate) { t.At = []string{"25:00"} },
		"every second":       func(t *WaveTemplate) { t.Every = time.Second },
		"limits below zero":  func(t *WaveTemplate) { t.Limits.Lines = -1 },
		"a share below zero": func(t *WaveTemplate) { t.Share = -1 },
		"released by two":    func(t *WaveTemplate) { t.Manual, t.Free = true, 1 },
		"priority ten":       func(t *WaveTemplate) { t.Priority = 10 },
	} {
		x := ok
		if change(&x); x.Check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// mostOpen is how many orders released waves had open at most at any moment of the journal.
func (r *rig) mostOpen() (most int) {
	r.t.Helper()
	open := map[string]int{}
	planned := map[string]int{}
	r.each(func(rec *journal.Record) {
		if rec.Stream == "" {
			return
		}
		e, err := decodeEvent(r.hub.Registry(), rec)
		if err != nil {
			r.t.Fatal(err)
		}
		switch e := e.(type) {
		case wave.Planned:
			planned[e.Wave] = len(e.Orders)
		case wave.Released:
			open[e.Wave] = planned[e.Wave]
		case wave.OrderFinished:
			if open[e.Wave] > 0 {
				open[e.Wave]--
			}
		case wave.Cancelled:
			delete(open, e.Wave)
		}
		sum := 0
		for _, n := range open {
			sum += n
		}
		most = max(most, sum)
	})
	return most
}

func TestOrdersAreReleasedOneByOneAsTheFloorHasRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) {
			c.Wave.Templates = []WaveTemplate{{
				Template: wave.Template{Name: "stream", Limits: wave.Limits{Orders: 1}, Fill: wave.Limits{Orders: 1}}, Floor: wave.Limits{Orders: 2},
			}}
		})
		r.stock("A", 50, "P-1")
		for i := range 9 {
			r.place(fmt.Sprint("SO-", i), "A", 1)
		}
		settle(10 * time.Minute)
		for i := range 9 {
			r.status(fmt.Sprint("SO-", i), order.StatusShipped)
		}
		if n := r.count(); n["wave.Planned"] != 9 || n["wave.Completed"] != 9 || r.mostOpen() != 2 {
			t.Errorf("%d waves planned, %d completed, at most %d orders at a time", n["wave.Planned"], n["wave.Completed"], r.mostOpen())
		}
		r.noLetters()
	})
}

func TestWavesThatWaitForTheFloorGoWhenItsBoundIsTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) {
			c.Auto.Pick = false
			c.Wave.Templates = []WaveTemplate{{
				Template: wave.Template{Name: "stream", Limits: wave.Limits{Orders: 1}, Fill: wave.Limits{Orders: 1}}, Floor: wave.Limits{Orders: 1},
			}}
		})
		r.stock("A", 50, "P-1")
		for i := range 3 {
			r.place(fmt.Sprint("SO-", i), "A", 1)
		}
		settle(time.Minute)
		if n := r.count(); n["wave.Planned"] != 3 || n["wave.Released"] != 1 {
			t.Fatalf("%d planned, %d released", n["wave.Planned"], n["wave.Released"])
		}
		r.cfg.Wave.Templates = nil
		r.restart()
		r.place("SO-3", "A", 1)
		settle(time.Minute)
		if n := r.count(); n["wave.Released"] != 4 {
			t.Errorf("%d released", n["wave.Released"])
		}
		r.noLetters()
	})
}

func TestAWaveThatAPersonTookMeanwhileIsNotReleased(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile any
		released  int
	}{
		"cancelled": {wave.Cancel{Reason: "test"}, 2},
		"released":  {wave.Release{By: "test"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *FlowConfig) {
					c.Auto.Pick = false
					c.Wave.Templates = []WaveTemplate{{
						Template: wave.Template{Name: "stream", Limits: wave.Limits{Orders: 1}, Fill: wave.Limits{Orders: 1}}, Floor: wave.Limits{Orders: 1},
					}}
				})
				r.stock("A", 50, "P-1")
				for i := range 3 {
					r.place(fmt.Sprint("SO-", i), "A", 1)
				}
				settle(time.Minute)
				waves := r.waveNames()
				if n := r.count()["wave.Released"]; len(waves) != 3 || n != 1 {
					t.Fatalf("waves %v, %d released", waves, n)
				}
				// The first makes room, and while that is not looked at yet the second is no longer there to be released.
				r.hubPause("wave.release", true)
				r.must(door.Waves, waves[0], wave.Cancel{Reason: "test"})
				r.must(door.Waves, waves[1], c.meanwhile)
				r.hubPause("wave.release", false)
				settle(time.Minute)
				if n := r.count()["wave.Released"]; n != c.released {
					t.Errorf("%d are released", n)
				}
				r.noLetters()
			})
		})
	}
}

func TestWhatAWaveCannotHoldGoesIntoTheNextOrIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) {
			c.Wave.Templates = []WaveTemplate{{Template: wave.Template{Name: "small", Limits: wave.Limits{Units: 5}}, Wait: time.Minute}}
		})
		r.stock("A", 50, "P-1")
		r.place("SO-1", "A", 3)
		r.place("SO-2", "A", 3)
		r.place("SO-3", "A", 2)
		r.place("SO-BIG", "A", 6)
		settle(5 * time.Minute)
		for _, n := range []string{"SO-1", "SO-2", "SO-3"} {
			r.status(n, order.StatusShipped)
		}
		o := r.order("SO-BIG")
		if n := r.count()["wave.Planned"]; n != 2 || len(o.Holds) != 1 || o.Holds[0] != tooLarge {
			t.Errorf("%d waves, the large order is held for %v", n, o.Holds)
		}
		r.noLetters()
	})
}

// Whatever is asked for in whatever order, with a process that dies in between: an order that
// may go is in one open wave or waits in one pool, limits hold, and the floor is never too full.
func TestEveryOrderIsInOneWaveOrWaits(t *testing.T) {
	const seeds = 12
	shipped := 0
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 9))
				r := newRig(t, func(c *FlowConfig) {
					c.Wave.Size, c.Auto.ShortOneIn = 3, 5
					c.Wave.Templates = []WaveTemplate{
						{Template: wave.Template{Name: "rush", Priority: 6, Limits: wave.Limits{Orders: 2, Units: 7}, Fill: wave.Limits{Units: 6}}, Wait: time.Minute, Floor: wave.Limits{Orders: 3}},
						{Template: wave.Template{Name: "hand", Priority: 4, Limits: wave.Limits{Lines: 4}}, Every: 5 * time.Minute, Manual: true},
					}
				})
				r.stock("A", 60, "P-1", "P-2")
				r.stock("B", 60, "P-3")
				var numbers, waves []string
				one := func(of []string) string {
					if len(of) == 0 {
						return "NONE"
					}
					return of[rnd.IntN(len(of))]
				}
				for n := range 60 {
					var err error
					switch k := rnd.IntN(12); {
					case k < 5:
						p := place(fmt.Sprint("SO-", n), lines("A", 1+rnd.IntN(3), "B", 1+rnd.IntN(4)))
						p.Priority = rnd.IntN(9)
						numbers = append(numbers, p.Number)
						_, err = r.ask(door.Orders, door.Ask{ID: p.Number, Cmd: p})
					case k == 5:
						_, _ = r.ask(door.Orders, door.Ask{ID: one(numbers), Cmd: order.Cancel{Reason: "x"}})
					case k == 6:
						_, _ = r.ask(door.Waves, door.Ask{ID: one(waves), Cmd: wave.Cancel{Reason: "x"}})
					case k == 7:
						_, _ = r.ask(door.Waves, door.Ask{ID: one(waves), Cmd: wave.Release{By: "test"}})
					case k == 8:
						_, _ = r.ask(door.Waves, door.Ask{ID: one(waves), Cmd: wave.Move{Owner: site.Owner, Order: one(numbers), To: one(waves)}})
					case k == 9:
						_, _ = r.ask(door.Waves, door.Ask{ID: one(waves), Cmd: wave.Add{Order: wave.Order{Owner: site.Owner, Order: one(numbers)}}})
					case k == 10:
						_, _ = r.ask(door.Waves, door.Ask{ID: one(waves), Cmd: wave.Finish{Owner: site.Owner, Order: one(numbers), Outcome: wave.OutRemoved}})
					default:
						settle(time.Duration(rnd.IntN(90)) * time.Second)
					}
					if err != nil {
						t.Fatal(err)
					}
					if n%20 == 19 {
						r.crash(rnd.IntN(4))
						settle(time.Minute)
						r.restart()
					}
					waves = r.waveNames()
				}
				settle(time.Hour)
				shipped += r.oneWaveEach(numbers)
				r.noLetters()
				r.books("A", "B")
			})
		})
	}
	if shipped < 5*seeds {
		t.Errorf("%d orders shipped: the test proves little", shipped)
	}
}

func (r *rig) waveNames() (out []string) {
	r.each(func(rec *journal.Record) {
		if rec.Type == (wave.Planned{}).EventType() {
			if e, err := decodeEvent(r.hub.Registry(), rec); err == nil {
				out = append(out, e.(wave.Planned).Wave)
			}
		}
	})
	return out
}

func decodedReply[T any](r *rig, reply door.Reply) (v T) {
	r.t.Helper()
	if err := json.Unmarshal(reply.Body, &v); err != nil {
		r.t.Fatal(err)
	}
	return v
}

// oneWaveEach holds the law of waves and is how many orders shipped.
func (r *rig) oneWaveEach(numbers []string) (shipped int) {
	r.t.Helper()
	in := map[string][]string{}
	for _, id := range r.waveNames() {
		w := foldOf(r, wave.Fold, wave.StreamOf(site, id))
		open := 0
		for _, m := range w.Orders {
			if m.Outcome == "" {
				if open++; w.Status == wave.StatusPlanned || w.Status == wave.StatusReleased {
					in[m.Order.Order] = append(in[m.Order.Order], id)
				}
			}
		}
		if open != w.Open || w.Status == wave.StatusCompleted && open > 0 {
			r.t.Errorf("wave %s is %s with %d orders open and says %d", id, w.Status, open, w.Open)
		}
		if s := w.Share(); w.Limits.Orders > 0 && s.Orders > w.Limits.Orders || w.Limits.Units > 0 && s.Units > w.Limits.Units || w.Limits.Lines > 0 && s.Lines > w.Limits.Lines {
			r.t.Errorf("wave %s has %+v, its limits are %+v", id, s, w.Limits)
		}
	}
	reply := r.must(door.Waves, "preview", wave.Preview{})
	waits := map[string]bool{}
	for _, t := range decodedReply[wave.Previewed](r, reply).Templates {
		for _, w := range t.Waves {
			for _, o := range w.Orders {
				waits[o.Order] = true
			}
		}
		for _, l := range t.Left {
			waits[l.Order] = true
		}
	}
	for _, n := range numbers {
		o := r.order(n)
		if o.Status() == order.StatusShipped {
			shipped++
		}
		switch {
		case o.InWave != "" && (len(in[n]) != 1 || in[n][0] != o.InWave), o.InWave == "" && len(in[n]) > 0:
			r.t.Errorf("order %s says wave %q, waves %v say that they have it", n, o.InWave, in[n])
		case wavable(o) && !waits[n]:
			r.t.Errorf("order %s may go (%s) and waits nowhere", n, o.Status())
		}
	}
	return shipped
}

// Waves of a template with a full floor, crashed after each unit in turn.
func TestACrashWhileTheFloorIsFullLosesNoWave(t *testing.T) {
	died := 0
	for n := 0; ; n += 3 {
		ended := false
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *FlowConfig) {
					c.Wave.Templates = []WaveTemplate{{
						Template: wave.Template{Name: "stream", Limits: wave.Limits{Orders: 1}, Fill: wave.Limits{Orders: 1}}, Floor: wave.Limits{Orders: 1},
					}}
				})
				r.stock("A", 3, "P-1")
				r.batch = 1
				r.restart()
				r.crash(n)
				for i := range 2 {
					_, _ = r.ask(door.Orders, door.Ask{ID: fmt.Sprint("SO-", i), Cmd: place(fmt.Sprint("SO-", i), lines("A", 1))})
				}
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					for i := range 2 {
						r.must(door.Orders, fmt.Sprint("SO-", i), place(fmt.Sprint("SO-", i), lines("A", 1)))
					}
					settle(time.Hour)
				}
				r.status("SO-0", order.StatusShipped)
				r.status("SO-1", order.StatusShipped)
				if most := r.mostOpen(); most != 1 {
					t.Errorf("%d orders were on the floor at a time", most)
				}
				if s := foldOf(r, inventory.Fold, keyOf(site, "A").Stream()); s.Out != 2 {
					t.Errorf("%d left", s.Out)
				}
				r.once()
				r.noLetters()
			})
		})
		if t.Failed() || ended {
			break
		}
		died++
	}
	if died < 10 {
		t.Errorf("it died %d times only", died)
	}
}

package wave_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/wave"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	good = wave.Plan{
		Scope: scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}, Wave: "W-1",
		Orders: []wave.Order{{Owner: "acme", Order: "1", Lines: 2, Units: 10, Weight: 500, Volume: 9, Totes: 1}, {Owner: "zen", Order: "1", Lines: 1, Units: 5}},
	}
)

func run(t *testing.T, w wave.Wave, evs []event.Event, err error) wave.Wave {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	w, err = wave.Fold.Replay(w, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func planned(t *testing.T) wave.Wave {
	evs, err := wave.Wave{}.Plan(good, at)
	return run(t, wave.Wave{}, evs, err)
}

func TestPlanRefusesWithPlace(t *testing.T) {
	for place, change := range map[string]func(*wave.Plan){
		"wave":              func(c *wave.Plan) { c.Wave = "" },
		"facility":          func(c *wave.Plan) { c.Facility = "" },
		"priority":          func(c *wave.Plan) { c.Priority = 10 },
		"orders":            func(c *wave.Plan) { c.Orders = nil },
		"orders[0].order":   func(c *wave.Plan) { c.Orders = []wave.Order{{Owner: "a"}} },
		"orders[0].owner":   func(c *wave.Plan) { c.Orders = []wave.Order{{Order: "1"}} },
		"orders[1].order":   func(c *wave.Plan) { c.Orders = []wave.Order{{Owner: "a", Order: "1"}, {Owner: "a", Order: "1"}} },
		"orders[0].units":   func(c *wave.Plan) { c.Orders = []wave.Order{{Owner: "a", Order: "1", Units: -1}} },
		"orders[0].lines":   func(c *wave.Plan) { c.Orders = []wave.Order{{Owner: "a", Order: "1", Lines: 1 << 62}} },
		"limits.orders":     func(c *wave.Plan) { c.Limits.Orders = 1 },
		"limits.lines":      func(c *wave.Plan) { c.Limits.Lines = 2 },
		"limits.units":      func(c *wave.Plan) { c.Limits.Units = 14 },
		"limits.weight_mg":  func(c *wave.Plan) { c.Limits.Weight = 499 },
		"limits.volume_mm3": func(c *wave.Plan) { c.Limits.Volume = 8 },
		"limits.totes":      func(c *wave.Plan) { c.Limits.Totes = -1 },
	} {
		c := good
		change(&c)
		if evs, err := (wave.Wave{}).Plan(c, at); len(evs) != 0 || err == nil || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, place %q: %v", place, evs, fault.PlaceOf(err), err)
		}
	}
	within := good
	within.Limits = wave.Limits{Orders: 2, Lines: 3, Units: 15, Weight: 500, Volume: 9, Totes: 1}
	if _, err := (wave.Wave{}).Plan(within, at); err != nil {
		t.Errorf("a wave at its limits: %v", err)
	}
}

func TestAWaveEndsWithItsLastOrder(t *testing.T) {
	w := planned(t)
	if _, err := w.Finish(wave.Finish{Owner: "acme", Order: "1", Outcome: wave.OutShipped}, at); fault.PlaceOf(err) != "outcome" {
		t.Errorf("shipped from a wave that was not released: %v", err)
	}
	evs, err := w.Release(wave.Release{}, at)
	w = run(t, w, evs, err)
	if evs, err := w.Release(wave.Release{}, at); err != nil || len(evs) != 0 {
		t.Errorf("released twice: %v, %v", evs, err)
	}
	if _, err := w.Complete(wave.Complete{}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("completed with open orders: %v", err)
	}
	evs, err = w.Finish(wave.Finish{Owner: "acme", Order: "1", Outcome: wave.OutShipped}, at)
	if len(evs) != 1 {
		t.Fatalf("completed early: %v", evs)
	}
	w = run(t, w, evs, err)
	if evs, err := w.Finish(wave.Finish{Owner: "acme", Order: "1", Outcome: wave.OutShipped}, at); err != nil || len(evs) != 0 {
		t.Errorf("finished twice: %v, %v", evs, err)
	}
	for name, c := range map[string]wave.Finish{
		"another outcome":   {Owner: "acme", Order: "1", Outcome: wave.OutRemoved},
		"another owner":     {Owner: "other", Order: "1", Outcome: wave.OutShipped},
		"no known outcome":  {Owner: "zen", Order: "1", Outcome: "lost"},
		"an unknown number": {Owner: "zen", Order: "2", Outcome: wave.OutShipped},
	} {
		if evs, err := w.Finish(c, at); len(evs) != 0 || err == nil {
			t.Errorf("%s: %v", name, evs)
		}
	}
	evs, err = w.Finish(wave.Finish{Owner: "zen", Order: "1", Outcome: wave.OutCancelled}, at)
	if w = run(t, w, evs, err); w.Status != wave.StatusCompleted {
		t.Errorf("%+v", w)
	}
	if _, err := w.Cancel(wave.Cancel{Reason: "x"}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("a completed wave was cancelled: %v", err)
	}
}

func TestCancelNamesWhatMustBePlannedAgain(t *testing.T) {
	w := planned(t)
	evs, err := w.Finish(wave.Finish{Owner: "zen", Order: "1", Outcome: wave.OutRemoved}, at)
	w = run(t, w, evs, err)
	if _, err := w.Cancel(wave.Cancel{}, at); fault.PlaceOf(err) != "reason" {
		t.Errorf("no reason: %v", err)
	}
	evs, err = w.Cancel(wave.Cancel{Reason: "storm"}, at)
	if c := evs[0].(wave.Cancelled); err != nil || len(c.Orders) != 1 || c.Orders[0] != (wave.Of{Owner: "acme", Order: "1"}) {
		t.Fatalf("%+v, %v", evs, err)
	}
	w = run(t, w, evs, nil)
	if evs, err := w.Cancel(wave.Cancel{Reason: "storm"}, at); err != nil || len(evs) != 0 {
		t.Errorf("cancelled twice: %v, %v", evs, err)
	}
	if _, err := w.Release(wave.Release{}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("a cancelled wave was released: %v", err)
	}
	if _, err := w.Plan(good, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("planned twice: %v", err)
	}
	if _, err := (wave.Wave{}).Release(wave.Release{}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("released a wave that is not there: %v", err)
	}
}

package routes

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tracking"
)

// atWork is a floor with stock of A at P-1 and P-2 and a pick task of three that jo has claimed.
func atWork(t *testing.T) (*rig, *handheld, task.Task) {
	r, h := floor(t)
	r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 20})
	r.place("SO-1", "A", 3)
	return r, h, r.pickTask("SO-1")
}

func TestScansThatAreRefused(t *testing.T) {
	good := func(id string) scan.Scan {
		return scan.Scan{Do: scan.Pick, Task: id, Step: 1, Code: gtinEach, Place: "P-1", Tote: "T-1", Qty: 1}
	}
	for name, c := range map[string]struct {
		scan  func(id string) scan.Scan
		where string
		says  string
		next  string // what the worker is told to do
	}{
		"a bad check digit":     {func(id string) scan.Scan { s := good(id); s.Code = "9506000134353"; return s }, "code", "expected 2", scan.Pick},
		"a symbol that is cut":  {func(id string) scan.Scan { s := good(id); s.Code = "]C10109506000134"; return s }, "(01) at byte 5", "expected 14", scan.Pick},
		"the wrong item":        {func(id string) scan.Scan { s := good(id); s.Code = "B"; return s }, "code", "is not item A", scan.Pick},
		"the wrong place":       {func(id string) scan.Scan { s := good(id); s.Place = "P-2"; return s }, "place", "the step is at P-1", scan.Pick},
		"no step of the task":   {func(id string) scan.Scan { s := good(id); s.Step = 9; return s }, "step", "none of them", scan.Pick},
		"no step":               {func(id string) scan.Scan { s := good(id); s.Step = 0; return s }, "step", "is missing", scan.Pick},
		"a step before all":     {func(id string) scan.Scan { s := good(id); s.Step = -1; return s }, "step", "", scan.Pick},
		"fewer than none":       {func(id string) scan.Scan { s := good(id); s.Qty = -1; return s }, "qty", "", scan.Pick},
		"no such task":          {func(id string) scan.Scan { s := good(id); s.Task = "T-NONE"; return s }, "task", "no pick task", ""},
		"another's task":        {func(id string) scan.Scan { s := good(id); s.Worker = "al"; return s }, "worker", "claim it first", "claim"},
		"more than the step":    {func(id string) scan.Scan { s := good(id); s.Qty = 4; return s }, "qty", "", scan.Pick},
		"a case of it":          {func(id string) scan.Scan { s := good(id); s.Code, s.Qty = gtinCase, 0; return s }, "qty", "", scan.Pick},
		"no tote":               {func(id string) scan.Scan { s := good(id); s.Tote = ""; return s }, "tote", "missing", scan.Pick},
		"nothing that is known": {func(string) scan.Scan { return scan.Scan{Do: "dance"} }, "do", "is none of", ""},
		"a place that is none":  {func(string) scan.Scan { return scan.Scan{Do: scan.Sight, Code: palletA, Place: "X-9"} }, "place", "neither a location nor an LPN", ""},
		"an LPN that is none":   {func(string) scan.Scan { return scan.Scan{Do: scan.Move, Code: "NONE", Place: "P-1"} }, "code", "there is no LPN", ""},
		"an item that is none":  {func(string) scan.Scan { return scan.Scan{Do: scan.Receive, Code: "614141000036", Place: "P-1"} }, "code", "no item of acme", ""},
		"received nowhere":      {func(string) scan.Scan { return scan.Scan{Do: scan.Receive, Code: gtinEach, Place: "X-9"} }, "location", "is not known", ""},
		"a count of nothing":    {func(string) scan.Scan { return scan.Scan{Do: scan.Count, Task: "C-NONE", Place: "P-1"} }, "task", "no count", ""},
		"a count elsewhere":     {func(string) scan.Scan { return scan.Scan{Do: scan.Count, Task: "C-1", Place: "P-2"} }, "place", "the step is at P-1", ""},
		"a count of another":    {func(string) scan.Scan { return scan.Scan{Do: scan.Count, Task: "C-1", Place: "P-1", Code: "B"} }, "code", "is not item A", ""},
		"a packing of nothing": {func(string) scan.Scan {
			return scan.Scan{Do: scan.Pack, Task: "P-NONE", Box: "S", Contents: []scan.Content{{Code: gtinEach, Qty: 1}}}
		}, "task", "no packing", ""},
		"a replenishment of nothing": {func(string) scan.Scan { return scan.Scan{Do: scan.Move, Task: "R-NONE", Place: "P-1"} }, "task", "no task", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, h, id := atWork(t)
				r.must(door.Stock, "A", count.Open{ID: "C-1", Place: inventory.Place{Location: "P-1"}, BookKey: keyOf(site, "A")})
				before := r.count()
				a := h.scan(c.scan(id.Task))
				if a.Result != scan.Refused || a.Where != c.where || !strings.Contains(a.Why, c.says) || a.Why == "" {
					t.Fatalf("%+v", a)
				}
				if next := a.Next; (next == nil) != (c.next == "") || next != nil && next.Do != c.next {
					t.Errorf("next %+v", next)
				}
				// Nothing but the refusal is left of it, and that is kept.
				now := r.count()
				now["scan.Taken"]--
				for typ, n := range now {
					if n != before[typ] {
						t.Errorf("%s: %d, before %d", typ, n, before[typ])
					}
				}
				again, err := h.send(h.sent[0])
				if err != nil || !again.Repeat || again.Result != a.Result || again.Why != a.Why {
					t.Errorf("sent again: %+v, %v", again, err)
				}
				// It holds up nothing.
				if a := h.scan(good(id.Task)); a.Result != scan.Done {
					t.Errorf("the next: %+v", a)
				}
				settle(time.Minute)
				r.noLetters()
			})
		})
	}
}

func TestAStaleLeaseAsksForTheClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h, id := atWork(t)
		elapse(2 * time.Hour)
		a := h.scan(scan.Scan{Do: scan.Pick, Task: id.Task, Step: 1, Code: gtinEach, Tote: "T-1"})
		if a.Result != scan.Refused || a.Next == nil || a.Next.Do != "claim" {
			t.Fatalf("%+v", a)
		}
		r.must(door.Floor, id.Task, task.Claim{Worker: "jo", Lease: time.Hour})
		if a = h.scan(scan.Scan{Do: scan.Pick, Task: id.Task, Step: 1, Code: gtinEach, Tote: "T-1"}); a.Result != scan.Done {
			t.Fatalf("%+v", a)
		}
	})
}

func TestANumberIsUsedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h, id := atWork(t)
		h.done(scan.Scan{Do: scan.Pick, Task: id.Task, Step: 1, Code: gtinEach, Tote: "T-1"})
		other := h.sent[0]
		other.Tote = "T-2"
		_, err := h.send(other)
		if fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "seq" || !strings.Contains(err.Error(), "T-1") || !strings.Contains(err.Error(), "T-2") {
			t.Fatalf("%v", err)
		}
		if again, err := h.send(h.sent[0]); err != nil || !again.Repeat || again.Result != scan.Done {
			t.Errorf("%+v, %v", again, err)
		}
		// Another device counts for itself.
		if a := (&handheld{r: r, name: "HH-2"}).scan(scan.Scan{Do: scan.Pick, Task: id.Task, Step: 1, Code: gtinEach, Tote: "T-1"}); a.Result != scan.Done {
			t.Errorf("%+v", a)
		}
		if n := r.count()["pick.Confirmed"]; n != 2 {
			t.Errorf("%d picks", n)
		}
	})
}

func TestAScanThatNeverComesHoldsUpNothingForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h, id := atWork(t)
		lost := h.make(scan.Scan{Do: scan.Sight, Code: "A", Place: "P-1"})
		a := h.scan(scan.Scan{Do: scan.Pick, Task: id.Task, Step: 1, Code: gtinEach, Tote: "T-1"})
		if a.Result != scan.Waiting {
			t.Fatalf("%+v", a)
		}
		elapse(scan.GapWait - time.Second)
		if r.count()["pick.Confirmed"] != 0 {
			t.Fatal("it was not waited for")
		}
		settle(time.Minute)
		if n := r.count(); n["pick.Confirmed"] != 1 || n["scan.GapSkipped"] != 1 {
			t.Fatalf("%v", n)
		}
		if a, err := h.send(h.sent[1]); err != nil || a.Result != scan.Done || !a.Repeat {
			t.Errorf("%+v, %v", a, err)
		}
		if a, err := h.send(lost); err != nil || a.Result != scan.Done || a.Repeat {
			t.Errorf("late: %+v, %v", a, err)
		}
		r.noLetters()
	})
}

func TestASightingFromBeforeMovesNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := floor(t)
		h.done(scan.Scan{Do: scan.Receive, Code: "(00)" + palletA + "(02)" + gtinCase + "(37)2", Place: "DOCK"})
		settle(time.Minute)
		slow := &handheld{r: r, name: "HH-2"}
		early := slow.make(scan.Scan{Do: scan.Move, Code: palletA, Place: "P-1"}) // made now, and sent late
		elapse(time.Minute)
		h.done(scan.Scan{Do: scan.Move, Code: palletA, Place: "P-2"})
		elapse(time.Minute)
		if a, err := slow.send(early); err != nil || a.Result != scan.Done {
			t.Fatalf("%+v, %v", a, err)
		}
		l := r.lpn(palletA)
		if l.Last.Location != "P-2" || r.at("P-2")[palletA] != 12 || len(r.at("P-1")) != 0 {
			t.Errorf("%+v, %v", l, r.at("P-2"))
		}
		if !slices.ContainsFunc(l.History, func(s tracking.Sighting) bool { return s.Location == "P-1" && s.Device == "HH-2" }) {
			t.Errorf("it is not in the history: %+v", l.History)
		}
	})
}

func TestWhatStandsInAPalletGoesAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := floor(t)
		r.shelves(location.Bulk, "B-2", 50)
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "DOCK", LPN: "CASE-1"}, Qty: 6})
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "DOCK", LPN: "CASE-2"}, Qty: 6, Stage: inventory.Held})
		settle(time.Minute)
		h.done(scan.Scan{Do: scan.Sight, Code: palletA, Place: "DOCK"})
		for _, c := range []string{"CASE-1", "CASE-2"} {
			h.done(scan.Scan{Do: scan.Move, Code: c, Place: palletA})
		}
		if a := h.scan(scan.Scan{Do: scan.Move, Code: palletA, Place: "CASE-1"}); a.Result != scan.Refused || !strings.Contains(a.Why, "in itself") {
			t.Errorf("%+v", a)
		}
		if a := h.scan(scan.Scan{Do: scan.Move, Code: palletA, Place: "P-2"}); a.Result != scan.Refused || a.Where != "location" {
			t.Errorf("goods that are held back come to a place that is picked from: %+v", a)
		}
		h.done(scan.Scan{Do: scan.Move, Code: palletA, Place: "B-2"})
		if at := r.at("B-2"); at["CASE-1"] != 6 || at["CASE-2"] != 6 || len(r.at("DOCK")) != 0 {
			t.Errorf("%v, dock %v", at, r.at("DOCK"))
		}
		if l := r.lpn(palletA); len(l.Children) != 2 {
			t.Errorf("%+v", l)
		}
		h.done(scan.Scan{Do: scan.Move, Code: "CASE-1", Place: "P-1"})
		if l := r.lpn(palletA); len(l.Children) != 1 || r.at("P-1")["CASE-1"] != 6 {
			t.Errorf("%+v", l)
		}
		// What an order was given is fetched where it lies.
		r.place("SO-1", "A", 6)
		settle(time.Minute)
		if a := h.scan(scan.Scan{Do: scan.Move, Code: "CASE-1", Place: "P-2"}); a.Result != scan.Refused || !strings.Contains(a.Why, "given to orders") {
			t.Errorf("%+v", a)
		}
		r.books("A")
		r.noLetters()
	})
}

// story is a day of one handheld, made and not sent.
func storyOfScans(h *handheld, id string) []scan.Scan {
	for _, c := range []scan.Scan{
		{Do: scan.Receive, Code: "(00)" + palletA + "(02)" + gtinCase + "(37)2", Place: "DOCK"},
		{Do: scan.Sight, Code: palletA, Place: "DOCK"},
		{Do: scan.Pick, Task: id, Step: 1, Code: "B", Place: "P-1", Tote: "T-1"},
		{Do: scan.Pick, Task: id, Step: 1, Code: gtinEach, Place: "P-1", Tote: "T-1"},
		{Do: scan.Pick, Task: id, Step: 1, Code: gtinEach, Place: "P-1", Tote: "T-1", Qty: 9},
		{Do: scan.Move, Code: palletA, Place: "P-2"},
		{Do: scan.Short, Task: id, Step: 1, Qty: 1, Tote: "T-2", Reason: "not_found"},
		{Do: scan.Sight, Code: "T-1", Place: "P-2"},
		{Do: scan.Receive, Code: "B", Place: "P-2", Qty: 5},
	} {
		h.make(c)
	}
	return h.sent
}

// summary is what the scans led to.
func (r *rig) summary(id string) string {
	l := foldOf(r, pick.Fold, pick.StreamOf(site, id))
	out := fmt.Sprintf("%s %+v; pallet %+v", l.Status, l.Steps, r.lpn(palletA).Last.Position)
	for _, sh := range r.stockOf("A").Shelves {
		out += fmt.Sprintf("; %s %q free %d allocated %d suspect %d", sh.Location, sh.LPN, sh.Free, sh.Allocated, sh.Suspect)
	}
	n := r.count()
	d := foldOf(r, scan.Fold, scan.StreamOf(site, "HH-1"))
	for _, e := range events[scan.Taken](r) {
		out += fmt.Sprintf("; %d %s %s", e.Scan.Seq, e.Result, e.Where)
	}
	return fmt.Sprintf("%s; picks %d shorts %d receipts %d; last %d kept %d", out, n["pick.Confirmed"], n["pick.Shorted"], n["stock.Received"], d.Last, len(d.Kept))
}

// Batches that are sent again, in pieces and in any order, lead to what they lead to in order.
func TestBatchesInAnyOrderAndAsOftenAsTheyCome(t *testing.T) {
	want := ""
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			r, h, id := atWork(t)
			scans := storyOfScans(h, id.Task)
			sends := slices.Clone(scans)
			if seed > 0 {
				rnd := rand.New(rand.NewPCG(seed, 5))
				for range rnd.IntN(12) {
					from := rnd.IntN(len(scans))
					sends = slices.Insert(sends, rnd.IntN(len(sends)+1), scans[from:from+1+rnd.IntN(len(scans)-from)]...)
				}
				rnd.Shuffle(len(sends), func(i, j int) { sends[i], sends[j] = sends[j], sends[i] })
			}
			for _, s := range sends {
				if _, err := h.send(s); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			settle(time.Minute)
			got := r.summary(id.Task)
			r.books("A")
			r.noLetters()
			if want == "" {
				want = got
			} else if got != want {
				t.Fatalf("seed %d:\n%s\n%s", seed, got, want)
			}
		})
	}
	t.Log(want)
}

// The process dies after each unit in turn while a handheld sends; what got no answer is sent
// again.
func TestACrashAfterAnyUnitOfScansChangesNothing(t *testing.T) {
	want, died := "", 0
	for n := -1; ; n++ {
		ended := false
		synctest.Test(t, func(t *testing.T) {
			r, h, id := atWork(t)
			r.batch = 1
			r.restart()
			scans := storyOfScans(h, id.Task)
			scans[1], scans[2] = scans[2], scans[1] // one comes early
			if n >= 0 {
				r.crash(n)
			}
			fell := false
			for _, s := range scans {
				_, err := h.send(s)
				if r.bus.Err() == nil {
					settle(time.Second)
				}
				if r.bus.Err() != nil {
					fell = true
					r.restart()
					if _, err = h.send(s); err == nil {
						settle(time.Second)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			settle(5 * time.Minute)
			if r.bus.Err() != nil {
				r.restart()
				settle(5 * time.Minute)
				fell = true
			}
			ended = n >= 0 && !fell
			got := r.summary(id.Task)
			r.books("A")
			r.noLetters()
			if want == "" {
				want = got
			} else if got != want {
				t.Errorf("after %d units:\n%s\n%s", n, got, want)
			}
		})
		if t.Failed() || ended {
			break
		}
		died++
	}
	if died < 15 {
		t.Errorf("it died %d times only", died)
	}
	t.Logf("died after each of %d units", died)
}

func TestAPutAwayAndAReplenishmentEndWhereTheyAreScanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		h := &handheld{r: r, name: "HH-1"}
		r.dock("A")
		r.shelves(location.Bulk, "B-1", 50, "B-2", 50)
		r.comes("R-1", "A", 20)
		id := r.putAways()[0]
		there := id.Steps[0].To.Location
		other := map[string]string{"B-1": "B-2", "B-2": "B-1"}[there]
		put := scan.Scan{Do: scan.Move, Task: id.Task, Code: "A", Place: there}
		for name, change := range map[string]func(*scan.Scan){
			"code":   func(s *scan.Scan) { s.Code = "B" },
			"reason": func(s *scan.Scan) { s.Place = other },
		} {
			s := put
			change(&s)
			if a := h.scan(s); a.Result != scan.Refused || a.Where != name {
				t.Errorf("%s: %+v", name, a)
			}
		}
		h.done(put)
		settle(time.Second)
		if n := r.at(there)[""]; n != 20 {
			t.Errorf("%d lie at %s", n, there)
		}
		r.must(door.Master, "P-1", location.Register{Spec: location.Spec{Purpose: location.Pick, Slot: location.Slot{Owner: "acme", Item: "A", Min: 2, Max: 5}}})
		settle(time.Minute)
		var fill task.Task
		for _, e := range events[task.Created](r) {
			if x := foldOf(r, task.Fold, e.Stream()); x.Kind == task.KindReplenish && x.Status == task.StatusOpen {
				fill = x
			}
		}
		r.must(door.Floor, fill.Task, task.Claim{Worker: "jo", Lease: time.Hour})
		if a := h.scan(scan.Scan{Do: scan.Move, Task: fill.Task, Code: "A", Place: "B-1"}); a.Result != scan.Refused || a.Where != "place" {
			t.Errorf("%+v", a)
		}
		h.done(scan.Scan{Do: scan.Move, Task: fill.Task, Code: "A", Place: "P-1"})
		if n := r.at("P-1")[""]; n != 5 {
			t.Errorf("%d lie in the face", n)
		}
		r.books("A")
		r.noLetters()
	})
}

// A face that is filled from several places is told of once, with what was found at each.
func TestAReplenishmentOfSeveralPlacesEndsByOneScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		h := &handheld{r: r, name: "HH-1"}
		r.dock("A")
		r.shelves(location.Bulk, "B-1", 50, "B-2", 50)
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "B-1", LPN: palletA}, Qty: 6})
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "B-2", Lot: "L-2"}, Qty: 12})
		r.must(door.Master, "P-1", location.Register{Spec: location.Spec{Purpose: location.Pick, Slot: location.Slot{Owner: "acme", Item: "A", Min: 2, Max: 18}}})
		settle(time.Minute)
		var fill task.Task
		for _, e := range events[task.Created](r) {
			if e.Kind == task.KindReplenish {
				fill = foldOf(r, task.Fold, e.Stream())
			}
		}
		if len(fill.Steps) != 2 {
			t.Fatalf("%+v", fill)
		}
		moved := []int64{6, 2}
		if fill.Steps[0].From.LPN == "" {
			moved = []int64{2, 6}
		}
		ends := scan.Scan{Do: scan.Move, Task: fill.Task, Place: "P-1", Code: "(00)" + palletA, Moved: moved}
		if a := h.scan(ends); a.Result != scan.Refused {
			t.Errorf("who has not claimed it: %+v", a)
		}
		r.must(door.Floor, fill.Task, task.Claim{Worker: "jo", Lease: time.Hour})
		for name, x := range map[string]struct {
			change func(*scan.Scan)
			where  string
		}{
			"one quantity of two places": {func(s *scan.Scan) { s.Moved, s.Qty = nil, 8 }, "qty"},
			"one place of two":           {func(s *scan.Scan) { s.Moved = moved[:1] }, "moved"},
			"more than was asked":        {func(s *scan.Scan) { s.Moved = []int64{40, 5} }, "moved[0]"},
			"less than nothing":          {func(s *scan.Scan) { s.Moved = []int64{1, -1} }, "moved[1]"},
			"another pallet":             {func(s *scan.Scan) { s.Code = "(00)006141410000000029" }, "code"},
			"another lot":                {func(s *scan.Scan) { s.Code = "(01)" + gtinEach + "(10)L-9" }, "code"},
		} {
			s := ends
			x.change(&s)
			if a := h.scan(s); a.Result != scan.Refused || a.Where != x.where {
				t.Errorf("%s: %+v", name, a)
			}
		}
		h.done(ends)
		settle(time.Minute)
		if n := r.at("P-1")[""]; n != 8 {
			t.Errorf("%d lie in the face", n)
		}
		counts := 0
		for _, e := range events[inventory.CountRequested](r) {
			if e.Location == "B-2" {
				counts++
			}
		}
		if counts != 1 {
			t.Errorf("%d counts of the place that had less", counts)
		}
		r.books("A")
		r.noLetters()
	})
}

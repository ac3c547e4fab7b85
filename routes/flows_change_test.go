package routes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

// wishes are what is asked of an order of 7 A and 2 B that stands somewhere, and what comes of it:
// how many of each leave, by order. An order that is past it is refused and ships as it was.
var wishes = []struct {
	name string
	cmds []any
	a, b map[string]int64
	end  order.Status
}{
	{"cancel", []any{order.Cancel{Reason: "customer"}}, nil, nil, order.StatusCancelled},
	{"cancel a line", []any{order.Cancel{Reason: "customer", Lines: []int{1}}}, nil, map[string]int64{"SO-1": 2}, order.StatusShipped},
	{"shrink a line", []any{order.Change{Lines: []order.ChangeLine{{Line: 1, Qty: 3}}}}, map[string]int64{"SO-1": 3}, map[string]int64{"SO-1": 2}, order.StatusShipped},
	{"grow a line", []any{order.Change{Lines: []order.ChangeLine{{Line: 1, Qty: 9}}}}, map[string]int64{"SO-1": 9}, map[string]int64{"SO-1": 2}, order.StatusShipped},
	{
		"take a line out, add one", []any{order.Change{Remove: []int{1}, Add: []order.PlaceLine{{No: 3, Item: "B", Qty: 3}}}},
		nil, map[string]int64{"SO-1": 5}, order.StatusShipped,
	},
	{"split", []any{order.Split{To: "SO-1-B", Lines: []order.LineQty{{Line: 1, Qty: 3}}}}, map[string]int64{"SO-1": 4, "SO-1-B": 3}, map[string]int64{"SO-1": 2}, order.StatusShipped},
	{
		"hold twice, release each", []any{order.Hold{Reason: "credit"}, order.Hold{Reason: "fraud"}, order.Release{Reason: "credit"}, order.Release{Reason: "fraud"}},
		map[string]int64{"SO-1": 7}, map[string]int64{"SO-1": 2}, order.StatusShipped,
	},
}

// Each wish at each stage, and the process dies after each unit that it leads to in turn: the end
// is the same, and who got no answer may ask again.
func TestAWishAtAnyStageIsFulfilledOnceWhereverTheProcessDies(t *testing.T) {
	refused := map[string]int{}
	died, stride := 0, 1
	if testing.Short() {
		stride = 7
	}
	for _, s := range stages {
		for _, w := range wishes {
			t.Run(s.name+"/"+w.name, func(t *testing.T) {
				for n := -1; !t.Failed(); n += stride { // -1 never dies
					ended := false
					synctest.Test(t, func(t *testing.T) {
						r := newRig(t, func(cfg *FlowConfig) { cfg.Carriers[0].ResolveAfter = time.Hour })
						defer r.stop()
						r.stock("A", 5, "P-1", "P-2")
						r.stock("B", 5, "P-3")
						r.carrier.next(s.script...)
						r.batch = 1
						r.restart()
						for _, p := range s.paused {
							if err := r.hub.Pause(t.Context(), p, "test"); err != nil {
								t.Fatal(err)
							}
						}
						r.place("SO-1", "A", 7, "B", 2)
						if s.script != nil {
							settle(11 * time.Second)
						} else {
							settle(time.Minute)
						}
						if n >= 0 {
							r.crash(n)
						}
						past := ""
						ask := func() {
							for _, cmd := range w.cmds {
								if _, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: cmd}); err != nil {
									past = err.Error()
									if fault.KindOf(err) == fault.Rejected {
										return
									}
								}
							}
						}
						ask()
						for _, p := range s.paused {
							_ = r.hub.Resume(t.Context(), p, "test") // or dies over it
						}
						settle(10 * time.Minute)
						r.store.SetHook(nil)
						if ended = r.bus.Err() == nil; !ended {
							died++
							r.restart()
							past = ""
							ask()
							for _, p := range s.paused {
								if err := r.hub.Resume(t.Context(), p, "test"); err != nil {
									t.Error(err)
								}
							}
						}
						settle(3 * time.Hour)
						if n < 0 && past != "" {
							refused[w.name+" at "+s.name]++
						}
						r.wished(w.a, w.b, w.end, past)
						if t.Failed() {
							t.Logf("died after %d units, refused: %q\n%s", n, past, r.story())
						}
					})
					if n >= 0 && ended {
						break
					}
				}
			})
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("died %d times; refused: %d", died, len(refused))
	// From the first closed carton on nothing grows, and what is picked does not shrink.
	for _, name := range []string{"grow a line at label asked for", "shrink a line at picked", "split at label bought"} {
		if refused[name] == 0 {
			t.Errorf("nobody refused to %s: %v", name, refused)
		}
	}
	for _, name := range []string{"cancel at label bought", "shrink a line at list opened, nothing picked", "split at waved, no task yet", "grow a line at picked"} {
		if refused[name] > 0 {
			t.Errorf("%s was refused", name)
		}
	}
	if died < 1000/stride {
		t.Errorf("it died %d times only: the table proves little", died)
	}
}

// wished holds what left, what is back and what the carrier knows against a wish that was
// fulfilled or, with past, was refused.
func (r *rig) wished(a, b map[string]int64, end order.Status, past string) {
	r.t.Helper()
	o := r.order("SO-1")
	if past != "" {
		// Shipped as it was, or as far as it was before it was refused.
		a, b, end = map[string]int64{"SO-1": 7}, map[string]int64{"SO-1": 2}, order.StatusShipped
		if !strings.Contains(past, "picked") && !strings.Contains(past, "pack") && !strings.Contains(past, "ship") && !strings.Contains(past, "closed") && !strings.Contains(past, "may be moved") {
			r.t.Errorf("the refusal does not say where the order stands: %s", past)
		}
	}
	if o.Status() != end {
		r.t.Errorf("the order is %s, want %s", o.Status(), end)
	}
	for sku, want := range map[string]map[string]int64{"A": a, "B": b} {
		left := int64(0)
		for number, n := range want {
			left += n
			var got int64
			for _, l := range r.order(number).Lines {
				if l.SKU == sku {
					got += l.Shipped
				}
			}
			if got != n {
				r.t.Errorf("%d %s of %s left, want %d", got, sku, number, n)
			}
		}
		had := map[string]int64{"A": 10, "B": 5}[sku]
		if s := foldOf(r, inventory.Fold, keyOf(site, sku).Stream()); s.AvailableToPromise() != had-left || s.Picked+s.Packed > 0 || s.Out != left {
			r.t.Errorf("%s: %d available, %d picked, %d packed, %d left; want %d left", sku, s.AvailableToPromise(), s.Picked, s.Packed, s.Out, left)
		}
	}
	if n := r.count(); n["wave.Planned"] != n["wave.Completed"] {
		r.t.Errorf("%d waves planned, %d completed", n["wave.Planned"], n["wave.Completed"])
	}
	r.books("A", "B")
	r.once()
	r.noLetters()
}

func TestOrdersAreMergedInOneUnitWhereverTheProcessDies(t *testing.T) {
	for n := 0; ; n++ {
		ended := false
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			defer r.stop()
			r.stock("A", 5, "P-1")
			r.batch = 1
			r.restart()
			if err := r.hub.Pause(t.Context(), "wave.plan", "test"); err != nil {
				t.Fatal(err)
			}
			r.place("SO-1", "A", 2)
			r.place("SO-2", "A", 2)
			r.place("SO-3", "A", 3) // one of them is there
			settle(time.Minute)
			r.crash(n)
			merge := order.Merge{From: []string{"SO-2", "SO-3"}, By: "jo"}
			_, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: merge})
			_ = r.hub.Resume(t.Context(), "wave.plan", "test")
			settle(time.Minute)
			r.store.SetHook(nil)
			if ended = r.bus.Err() == nil; !ended {
				r.restart()
				if _, again := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: merge}); again != nil && r.order("SO-1").Lines[0].Shipped == 0 {
					t.Fatalf("first %v, again %v", err, again)
				}
				if err := r.hub.Resume(t.Context(), "wave.plan", "test"); err != nil {
					t.Fatal(err)
				}
			}
			settle(time.Hour)
			r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 2})
			settle(time.Hour)
			o := r.order("SO-1")
			if o.Status() != order.StatusShipped || o.Totals().Shipped != 7 || r.order("SO-2").Status() != order.StatusMerged || r.order("SO-3").Status() != order.StatusMerged {
				t.Errorf("after %d units: %s %+v, %s, %s\n%s", n, o.Status(), o.Totals(), r.order("SO-2").Status(), r.order("SO-3").Status(), r.story())
			}
			left, err := r.store.Scan(t.Context(), journal.TableState, "backorder/", "", 10)
			if err != nil || len(left) > 0 {
				t.Errorf("still waiting: %v %v", left, err)
			}
			r.books("A")
			r.once()
			r.noLetters()
		})
		if t.Failed() || ended {
			return
		}
	}
}

func TestARefusedMergeChangesNoOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 5, "P-1")
		if err := r.hub.Pause(t.Context(), "wave.plan", "test"); err != nil {
			t.Fatal(err)
		}
		r.place("SO-1", "A", 1)
		r.place("SO-2", "A", 1)
		far := place("SO-3", lines("A", 1))
		far.ShipTo.City = "Sparks"
		r.must(door.Orders, "SO-3", far)
		settle(time.Minute)
		for says, from := range map[string][]string{
			"ship_to.city": {"SO-2", "SO-3"}, "no order SO-9": {"SO-2", "SO-9"}, "itself": {"SO-2", "SO-1"}, "names no order": nil, "is named by": {"SO-2", "SO-2"},
		} {
			_, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: order.Merge{From: from}})
			if err == nil || !strings.Contains(err.Error(), says) && !strings.Contains(fault.PlaceOf(err), says) {
				t.Errorf("%v: %v", from, err)
			}
		}
		for _, cmd := range []any{order.Split{To: "a/\x00", Lines: []order.LineQty{{Line: 1, Qty: 1}}}, order.Split{To: "SO-2", Lines: []order.LineQty{{Line: 1, Qty: 1}}}} {
			if _, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: cmd}); fault.PlaceOf(err) != "to" {
				t.Errorf("%+v: %v", cmd, err)
			}
		}
		for typ, n := range r.count() {
			if strings.HasPrefix(typ, "order.Merged") || strings.HasPrefix(typ, "order.Split") {
				t.Errorf("%d %s", n, typ)
			}
		}
		r.status("SO-2", order.StatusAllocated)
	})
}

func TestAnAddressThatIsMendedIsTheOneTheLabelSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 5, "P-1")
		r.place("SO-1", "A", 1)
		r.must(door.Orders, "SO-1", order.Hold{Reason: order.HoldAddress})
		settle(time.Minute)
		mended := party.Address{Name: "Mary Major", Lines: []string{"6 Elm St"}, City: "Reno", Region: "NV", PostalCode: "89502", Country: "US"}
		r.must(door.Orders, "SO-1", order.Change{ShipTo: &mended})
		r.must(door.Orders, "SO-1", order.Release{Reason: order.HoldAddress})
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		for _, ls := range r.carrier.sold {
			if len(ls) > 0 && !strings.Contains(string(ls[0].Image), "Mary Major") {
				t.Errorf("the label says %s", ls[0].Image)
			}
		}
		// What was placed is still the same order, and the shipped one changes no more.
		if again := r.must(door.Orders, "SO-1", place("SO-1", lines("A", 1))); again.Created {
			t.Error("placed again it is another order")
		}
		if _, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: order.Change{ShipTo: &party.Address{Name: "X"}}}); fault.KindOf(err) != fault.Rejected {
			t.Errorf("a shipped order's address: %v", err)
		}
		r.noLetters()
	})
}

// Lines were cancelled, their places are not given back yet, and a wave's tasks are made.
func TestNobodyIsSentForWhatIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Auto = AutoConfig{} })
		r.stock("A", 5, "P-1")
		for _, route := range []string{"task", "order.cancel"} {
			if err := r.hub.Pause(t.Context(), route, "test"); err != nil {
				t.Fatal(err)
			}
		}
		r.place("SO-1", "A", 1, "A", 2)
		settle(time.Minute)
		r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer", Lines: []int{1}})
		if err := r.hub.Resume(t.Context(), "task", "test"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		steps := foldOf(r, task.Fold, task.StreamOf(site, "T1-SO-1")).Steps
		if len(steps) != 1 || steps[0].Line != 2 {
			t.Errorf("somebody is sent for %+v", steps)
		}
		if err := r.hub.Resume(t.Context(), "order.cancel", "test"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if s := foldOf(r, inventory.Fold, keyOf(site, "A").Stream()); s.AvailableToPromise() != 3 {
			t.Errorf("%d available", s.AvailableToPromise())
		}
		r.books("A")
		r.noLetters()
	})
}

func TestWhoWaitsIsServedByPriorityThenByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 0, "P-1")
		ask := func(number string, priority int, qty int) {
			c := place(number, lines("A", qty))
			c.Priority = priority
			r.must(door.Orders, number, c)
			settle(time.Second)
		}
		ask("OLD", 0, 2)
		for i := range servedAtOnce + 3 { // on hold in front of the queue, more than one unit looks at
			ask(fmt.Sprintf("HELD-%d", i), 9, 1)
			r.must(door.Orders, fmt.Sprintf("HELD-%d", i), order.Hold{Reason: "credit"})
		}
		ask("URGENT-1", 8, 2)
		ask("URGENT-2", 8, 2)
		ask("RAISED", 0, 2)
		nine := 9
		r.must(door.Orders, "RAISED", order.Change{Priority: &nine})
		r.must(door.Orders, "OLD", order.Split{To: "OLD-B", Lines: []order.LineQty{{Line: 1, Qty: 1}}}) // keeps its age
		ask("LAST", 0, 1)
		for i, next := range [][]string{{"RAISED"}, {"URGENT-1"}, {"URGENT-2"}, {"OLD", "OLD-B"}, {"LAST"}} {
			qty := int64(2)
			if i == 4 {
				qty = 1
			}
			r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: qty})
			settle(time.Minute)
			for _, number := range next {
				r.status(number, order.StatusShipped)
			}
			if s := foldOf(r, inventory.Fold, keyOf(site, "A").Stream()); s.OnHand() != 0 {
				t.Errorf("after %v: %d on hand", next, s.OnHand())
			}
		}
		if n := r.count(); n["order.BackorderReleased"] != 6 {
			t.Errorf("%d releases of backorders", n["order.BackorderReleased"])
		}
		r.books("A")
		r.noLetters()
	})
}

func TestAKeyOfTheLineKeepsItsTime(t *testing.T) {
	since := time.Date(2026, 11, 23, 8, 0, 0, 123, time.UTC)
	book := site.Book("A")
	urgent, usual := waitKey(book, "S/1", 9, since.Add(time.Hour)), waitKey(book, "S/1", 0, since)
	if !sinceOf(book, usual).Equal(since) || urgent >= usual {
		t.Errorf("%q %q %v", urgent, usual, sinceOf(book, usual))
	}
	old := fmt.Sprintf("%s%016x/S", waitPrefix(book), since.UnixNano())
	if !sinceOf(book, old).Equal(since) {
		t.Errorf("an older key: %v", sinceOf(book, old))
	}
	for _, bad := range []string{"", waitPrefix(book), waitPrefix(book) + "x/S"} {
		if !sinceOf(book, bad).IsZero() {
			t.Errorf("%q has a time", bad)
		}
	}
}

func TestACutOffThatIsMissedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 3, "P-1")
		at := func(number string, in time.Duration, qty int) {
			c := place(number, lines("A", qty))
			c.Dates.ShipBy = time.Now().Add(in)
			r.must(door.Orders, number, c)
		}
		at("IN-TIME", 2*time.Hour, 1)
		at("WAITS", 2*time.Hour, 9)
		at("PAST", -time.Hour, 1)
		at("MOVED", 2*time.Hour, 5)
		at("CANCELLED", 2*time.Hour, 5)
		settle(time.Minute)
		later := order.Dates{ShipBy: time.Now().Add(24 * time.Hour)}
		r.must(door.Orders, "MOVED", order.Change{Dates: &later})
		r.must(door.Orders, "CANCELLED", order.Cancel{Reason: "customer"})
		told := func() []string {
			var out []string
			r.each(func(rec *journal.Record) {
				if rec.Type == "order.CutOffMissed" {
					out = append(out, rec.Key[strings.LastIndexByte(rec.Key, '/')+1:])
				}
			})
			slices.Sort(out)
			return out
		}
		r.restart()
		settle(3 * time.Hour)
		if got := told(); !slices.Equal(got, []string{"PAST", "WAITS"}) && !slices.Equal(got, []string{"WAITS"}) {
			t.Errorf("told %v", got)
		}
		settle(48 * time.Hour)
		if got := told(); !slices.Contains(got, "MOVED") || slices.Contains(got, "IN-TIME") || slices.Contains(got, "CANCELLED") {
			t.Errorf("told %v", got)
		}
		if o := r.order("WAITS"); !o.Missed.Equal(o.Dates.ShipBy) || o.Missed.IsZero() {
			t.Errorf("the order does not know: %+v", o.Missed)
		}
		r.noLetters()
	})
}

// An order that is open at its cancel-after date waits for a person, or is cancelled, or goes on,
// as the building says; a date that is put off lets it go on by itself.
func TestTheCancelAfterDateIsKept(t *testing.T) {
	for past, want := range map[string]struct {
		status order.Status
		holds  []string
	}{
		"":         {order.StatusHeld, []string{order.HoldPast}},
		PastCancel: {order.StatusCancelled, nil},
		PastIgnore: {order.StatusBackordered, nil},
	} {
		t.Run(past, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *FlowConfig) { c.Past = past })
				r.stock("A", 3, "P-1")
				at := func(number string, in time.Duration, qty int) {
					c := place(number, lines("A", qty))
					c.Dates.CancelAfter = time.Now().Add(in)
					r.must(door.Orders, number, c)
				}
				at("LEFT", 2*time.Hour, 3)
				at("OPEN", 2*time.Hour, 9)
				at("PUT-OFF", 2*time.Hour, 5)
				at("AT-ONCE", -time.Hour, 5)
				settle(time.Hour)
				r.status("LEFT", order.StatusShipped)
				r.restart()
				settle(3 * time.Hour)
				for _, number := range []string{"OPEN", "AT-ONCE"} {
					o := r.order(number)
					if o.Status() != want.status || !slices.Equal(o.Holds, want.holds) {
						t.Errorf("%s is %s, on hold for %v", number, o.Status(), o.Holds)
					}
				}
				if o := r.order("LEFT"); o.Status() != order.StatusShipped || len(o.Holds) > 0 {
					t.Errorf("what left is %s, on hold for %v", o.Status(), o.Holds)
				}
				if past != "" {
					r.noLetters()
					return
				}
				later := order.Dates{CancelAfter: time.Now().Add(24 * time.Hour)}
				r.must(door.Orders, "PUT-OFF", order.Change{Dates: &later})
				settle(time.Minute)
				if o := r.order("PUT-OFF"); len(o.Holds) > 0 {
					t.Errorf("put off, and still on hold for %v", o.Holds)
				}
				r.must(door.Orders, "PUT-OFF", order.Hold{Reason: order.HoldCredit})
				settle(48 * time.Hour)
				later.CancelAfter = time.Now().Add(24 * time.Hour)
				r.must(door.Orders, "PUT-OFF", order.Change{Dates: &later})
				settle(time.Minute)
				if o := r.order("PUT-OFF"); !slices.Equal(o.Holds, []string{order.HoldCredit}) {
					t.Errorf("a hold for another reason became %v", o.Holds)
				}
				r.noLetters()
			})
		})
	}
}

func TestAWavesWorkIsInTheOrderOfItsCutOffsAndUrgentOnesWaitForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Wave = WaveConfig{Size: 50, Timeout: 12 * time.Hour} })
		r.stock("A", 50, "P-1")
		at := func(number string, priority int, in time.Duration) {
			c := place(number, lines("A", 1))
			c.Priority = priority
			if in > 0 {
				c.Dates.ShipBy = time.Now().Add(in)
			}
			r.must(door.Orders, number, c)
			settle(time.Second)
		}
		at("NONE", 0, 0)
		at("RAISED", 5, 0)
		at("LATE", 0, 9*time.Hour)
		at("SOON", 0, 5*time.Hour)
		settle(time.Hour)
		if n := r.count()["wave.Planned"]; n != 0 {
			t.Fatalf("%d waves before anything was urgent", n)
		}
		at("NOW", 0, time.Minute)
		settle(time.Minute)
		w := foldOf(r, wave.Fold, wave.StreamOf(site, "W-000001"))
		var got []string
		for _, of := range w.Orders {
			got = append(got, of.Order.Order)
		}
		if !slices.Equal(got, []string{"NOW", "SOON", "LATE", "RAISED", "NONE"}) {
			t.Errorf("the wave goes %v", got)
		}
		at("NONE-2", 0, 0)
		nine := mostUrgent
		r.must(door.Orders, "NONE-2", order.Change{Priority: &nine})
		settle(time.Minute)
		r.status("NONE-2", order.StatusShipped)
		r.noLetters()
	})
}

func TestAnOrderDoesNotLeaveBeforeItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 9, "P-1")
		begun := time.Now()
		in := func(d time.Duration) order.Dates { return order.Dates{NotBefore: begun.Add(d)} }
		for number, d := range map[string]time.Duration{"PAST": -time.Hour, "TOMORROW": 24 * time.Hour, "SOONER": 24 * time.Hour, "LATER": 24 * time.Hour, "GONE": 24 * time.Hour} {
			c := place(number, lines("A", 1))
			c.Dates = in(d)
			r.must(door.Orders, number, c)
		}
		settle(time.Hour)
		sooner, later := in(0), in(48*time.Hour)
		r.must(door.Orders, "SOONER", order.Change{Dates: &sooner})
		r.must(door.Orders, "LATER", order.Change{Dates: &later})
		r.must(door.Orders, "GONE", order.Cancel{Reason: "customer"})
		settle(time.Minute)
		for _, number := range []string{"PAST", "SOONER"} {
			r.status(number, order.StatusShipped)
		}
		r.status("TOMORROW", order.StatusAllocated)
		r.restart()
		elapse(time.Until(begun.Add(24*time.Hour + time.Minute)))
		settle(time.Minute)
		r.status("TOMORROW", order.StatusShipped)
		r.status("LATER", order.StatusAllocated)
		r.status("GONE", order.StatusCancelled)
		settle(25 * time.Hour)
		r.status("LATER", order.StatusShipped)
		r.once()
		r.noLetters()
	})
}

// An order that ships whole waits for what it lacks, and leaves when that is no longer wanted.
func TestAWholeOrderLeavesWhenWhatItLacksIsNoLongerWanted(t *testing.T) {
	for name, cmd := range map[string]any{
		"shrunk":    order.Change{Lines: []order.ChangeLine{{Line: 1, Qty: 3}}},
		"split":     order.Split{To: "SO-1-B", Lines: []order.LineQty{{Line: 1, Qty: 4}}},
		"taken out": order.Change{Remove: []int{1}},
		"cancelled": order.Cancel{Reason: "customer", Lines: []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.stock("A", 3, "P-1")
				r.stock("B", 3, "P-2")
				c := place("SO-1", lines("A", 7, "B", 2))
				c.Policy = order.AllOrNothing
				r.must(door.Orders, "SO-1", c)
				settle(time.Hour)
				r.status("SO-1", order.StatusBackordered)
				r.must(door.Orders, "SO-1", cmd)
				settle(time.Hour)
				r.status("SO-1", order.StatusShipped)
				want := map[string]int64{"shrunk": 5, "split": 5, "taken out": 2, "cancelled": 2}[name]
				if o := r.order("SO-1"); o.Totals().Shipped != want {
					t.Errorf("%d left, want %d", o.Totals().Shipped, want)
				}
				r.books("A", "B")
				r.once()
				r.noLetters()
			})
		})
	}
}

func TestLinesThatAreUnderstoodOrTakenOutLeaveNoLetter(t *testing.T) {
	for name, cmd := range map[string]any{
		"released as another item": order.ReleaseLine{Line: 2, Item: "A"},
		"taken out":                order.Change{Remove: []int{2}},
		"cancelled":                order.Cancel{Reason: "customer", Lines: []int{2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.stock("A", 5, "P-1")
				r.place("SO-1", "A", 1, "NEW", 2)
				settle(time.Minute)
				if l := r.letters(); len(l) != 1 || l[0].Place != "lines[1].item" {
					t.Fatalf("letters %+v", l)
				}
				r.must(door.Orders, "SO-1", cmd)
				settle(time.Hour)
				r.noLetters()
				r.status("SO-1", order.StatusShipped)
				r.stock("NEW", 5, "P-2") // nobody waits for it any more
				settle(time.Hour)
				if o := r.order("SO-1"); o.Lines[1].SKU == "NEW" && o.Lines[1].Shipped > 0 {
					t.Errorf("%+v", o.Lines[1])
				}
				r.once()
			})
		})
	}
}

// A line that a change adds is held like one that was placed, and goes on like it.
func TestAnUnknownItemInAChangeIsHeldOrRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 5, "P-1")
		r.place("SO-1", "A", 1)
		whole := place("SO-2", lines("A", 1))
		whole.Policy = order.AllOrNothing
		r.must(door.Orders, "SO-2", whole)
		add := order.Change{Add: []order.PlaceLine{{No: 2, Item: "NEW", Qty: 2}}}
		if _, err := r.ask(door.Orders, door.Ask{ID: "SO-2", Cmd: add}); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "add[0].item" {
			t.Errorf("an order that ships whole: %v", err)
		}
		r.must(door.Orders, "SO-1", add)
		settle(time.Minute)
		if l := r.letters(); len(l) != 1 || l[0].Place != "add[0].item" {
			t.Fatalf("letters %+v", l)
		}
		r.stock("NEW", 5, "P-2")
		settle(time.Hour)
		r.noLetters()
		for number, want := range map[string]int64{"SO-1": 3, "SO-2": 1} {
			if o := r.order(number); o.Status() != order.StatusShipped || o.Totals().Shipped != want {
				t.Errorf("%s: %s %+v", number, o.Status(), o.Totals())
			}
		}
		r.once()
	})
}

// The letter of an unknown item is replayed while the process dies after each unit in turn: one
// order, complete.
func TestAReplayAfterTheFixCompletesTheSameOrder(t *testing.T) {
	for policy, route := range map[string]string{order.Partial: heldLines, order.AllOrNothing: "order.place"} {
		for n := 0; !t.Failed(); n++ {
			ended := false
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				defer r.stop()
				r.stock("A", 5, "P-1")
				r.batch = 1
				r.restart()
				c := place("SO-1", lines("A", 1, "NEW", 2))
				c.Policy = policy
				c.Source = order.Source{Door: "edi", DocType: "940", Partner: "ACME"}
				sender := Route{Name: "test.sender", About: "sends an order", Handle: func(_ context.Context, m *Message) (*Out, error) { return m.Out().Place(c), nil }}
				if err := r.hub.Add(sender); err != nil {
					t.Fatal(err)
				}
				if _, err := r.hub.Call(t.Context(), "test.sender", nil); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				l := r.letters()
				if len(l) != 1 || l[0].Route != route || !strings.HasPrefix(l[0].Place, "W01-05 of line 2") {
					t.Fatalf("letters %+v", l)
				}
				if s := r.order("SO-1").Status(); (s == order.StatusRejected) != (policy == order.AllOrNothing) {
					t.Errorf("the order is %s", s)
				}
				// The route that lets lines go on by themselves sleeps: the replay has to do it.
				if err := r.hub.Pause(t.Context(), heldLines, "test"); err != nil {
					t.Fatal(err)
				}
				r.stock("NEW", 5, "P-2")
				r.crash(n)
				replay := func() {
					_ = r.hub.Resume(t.Context(), heldLines, "test")
					for _, x := range r.letters() {
						_ = r.hub.Desk().Replay(t.Context(), x.ID, x.Opening, "jo") // or somebody was faster
					}
				}
				replay()
				settle(time.Hour)
				r.store.SetHook(nil)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					replay()
					settle(time.Hour)
				}
				if o, k := r.order("SO-1"), r.count(); o.Status() != order.StatusShipped || o.Totals().Shipped != 3 || k["order.Accepted"] != 1 {
					t.Errorf("%s after %d units: %s %+v, accepted %d times\n%s", policy, n, o.Status(), o.Totals(), k["order.Accepted"], r.story())
				}
				r.once()
				r.noLetters()
			})
			if ended {
				break
			}
		}
	}
}

package routes

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
)

// DESIGN, the table of fault kinds, one row each, through the real hub and a carrier that
// answers as scripted.
func TestWhatFollowsEachKindOfFailure(t *testing.T) {
	// The jitter takes up to a tenth off, and it counts from when the run began.
	const soonest = 880 * time.Millisecond
	cases := []struct {
		name    string
		script  []answer
		after   time.Duration
		status  order.Status
		buys    int
		labels  int
		letter  fault.Kind // Internal with letters 0 means none
		letters int
		wait    time.Duration // least time between the first two purchases
	}{
		{"transient is tried again by a timer", []answer{fails(fault.Transient, 0), fails(fault.Transient, 0)}, time.Minute, order.StatusShipped, 3, 1, 0, 0, soonest},
		{"transient for a day is a letter", repeat(fails(fault.Transient, 0), 200), 26 * time.Hour, order.StatusPacked, -1, 0, fault.Transient, 1, soonest},
		{"throttled waits as long as it was told", []answer{fails(fault.Throttled, 90*time.Second)}, 5 * time.Minute, order.StatusShipped, 2, 1, 0, 0, 90 * time.Second},
		{"unavailable pauses and is never a letter", repeat(fails(fault.Unavailable, 0), 60), 48 * time.Hour, order.StatusShipped, 61, 1, 0, 0, soonest},
		{"rejected is a letter at once", []answer{fails(fault.Rejected, 0)}, time.Minute, order.StatusPacked, 1, 0, fault.Rejected, 1, 0},
		{"invalid is a letter at once", []answer{fails(fault.Invalid, 0)}, 10 * time.Minute, order.StatusPacked, 1, 0, fault.Invalid, 1, 0},
		{"unknown that happened is resolved, not bought again", []answer{losesAnswer}, 10 * time.Minute, order.StatusShipped, 1, 1, 0, 0, 0},
		{"unknown that did not happen is asked twice before another", []answer{fails(fault.Unknown, 0)}, 10 * time.Minute, order.StatusShipped, 2, 1, 0, 0, 2 * time.Minute},
		{"a panic leaves the purchase unknown, and it is resolved", []answer{panics}, 10 * time.Minute, order.StatusShipped, 2, 1, 0, 0, 2 * time.Minute},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.stock("WIDGET", 10, "A-1")
				r.carrier.next(c.script...)
				r.place("SO-1", "WIDGET", 1)
				settle(c.after)
				r.status("SO-1", c.status)
				if n := len(r.carrier.buys); c.buys >= 0 && n != c.buys {
					t.Errorf("bought %d times, want %d: %v", n, c.buys, r.carrier.buys)
				}
				if n := r.carrier.standing(); n != c.labels {
					t.Errorf("%d labels, want %d", n, c.labels)
				}
				l := r.letters()
				if len(l) != c.letters || c.letters > 0 && l[0].Kind != c.letter.String() {
					t.Errorf("letters %+v, want %d of kind %s", l, c.letters, c.letter)
				}
				if b := r.carrier.buys; len(b) > 1 && b[1].Sub(b[0]) < c.wait {
					t.Errorf("the second purchase came after %s, want %s", b[1].Sub(b[0]), c.wait)
				}
				r.books("WIDGET")
			})
		})
	}
}

func repeat(a answer, n int) []answer {
	out := make([]answer, n)
	for i := range out {
		out[i] = a
	}
	return out
}

func TestAnOutageStopsItsOwnConnectionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := newCarrier("fedex")
		r := newRig(t, func(c *FlowConfig) {
			c.Carriers = append(c.Carriers, CarrierConfig{Name: "fedex", Port: other, Service: "GND"})
		})
		r.stock("WIDGET", 10, "A-1")
		r.carrier.next(repeat(fails(fault.Unavailable, 0), 1000)...)
		for i, carrier := range []string{"ups", "fedex", "UPS", "fedex"} {
			p := place("SO-"+string(rune('0'+i)), lines("WIDGET", 1))
			p.Service = order.Service{Carrier: carrier, Level: "GND"}
			r.must(door.Orders, p.Number, p)
		}
		settle(time.Minute)
		r.status("SO-0", order.StatusPacked)
		r.status("SO-1", order.StatusShipped)
		r.status("SO-2", order.StatusPacked)
		r.status("SO-3", order.StatusShipped)
		r.noLetters()
		r.carrier.mu.Lock()
		r.carrier.script = nil
		r.carrier.mu.Unlock()
		settle(time.Hour)
		r.status("SO-0", order.StatusShipped)
		r.status("SO-2", order.StatusShipped)
		r.noLetters()
	})
}

// A partner who was mended after a long outage is found again soon, and at once where
// somebody says so.
func TestAConnectionThatWasDownForLongIsTriedSoon(t *testing.T) {
	for _, c := range []struct {
		name   string
		wait   time.Duration // that the carrier names
		within time.Duration // until the label is bought
		resume bool
		mended bool
	}{
		{"by itself", 0, 45 * time.Second, false, true}, // the probe, and a breaker that had opened anew
		{"at once, when an operator resumes it", 0, time.Second, true, true},
		{"not before the time that the partner named", 10 * time.Minute, 11 * time.Minute, false, true},
		{"not at all while it is down", 0, time.Minute, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.stock("WIDGET", 10, "A-1")
				r.carrier.next(repeat(fails(fault.Unavailable, c.wait), 10_000)...)
				r.place("SO-1", "WIDGET", 1)
				settle(time.Hour)
				r.status("SO-1", order.StatusPacked)
				if c.mended {
					r.carrier.mu.Lock()
					r.carrier.script = nil
					r.carrier.mu.Unlock()
				}
				if c.resume {
					if err := r.hub.Resume(t.Context(), "out.ups", "jo"); err != nil {
						t.Fatal(err)
					}
				}
				settle(c.within)
				want := order.StatusShipped
				if !c.mended {
					want = order.StatusPacked
				}
				r.status("SO-1", want)
				r.noLetters()

				r.carrier.mu.Lock()
				defer r.carrier.mu.Unlock()
				for i, at := range r.carrier.buys[1:] {
					if gap := at.Sub(r.carrier.buys[i]); c.wait == 0 && gap > 45*time.Second || gap < c.wait && !c.resume {
						t.Errorf("it was left alone for %v", gap)
					}
				}
			})
		})
	}
}

func TestARefusedLabelIsAskedForAnewByItsLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("WIDGET", 10, "A-1")
		r.carrier.next(fails(fault.Rejected, 0))
		r.place("SO-1", "WIDGET", 1)
		r.place("SO-2", "WIDGET", 1)
		settle(time.Minute)
		if n := r.carrier.standing(); n != 1 {
			t.Fatalf("%d labels, want that of the other order", n)
		}
		l := r.letters()
		if len(l) != 1 || l[0].Route != "label.refused" || l[0].Place == "" {
			t.Fatalf("letters %+v", l)
		}
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "jo"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		r.status("SO-2", order.StatusShipped)
		r.noLetters()
		r.once()
	})
}

func TestACommandThatCannotBeReadHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("WIDGET", 10, "A-1")
		if err := r.hub.Add(Route{Name: "test.sender", About: "sends commands", Handle: func(_ context.Context, m *Message) (*Out, error) {
			o := m.Out()
			o.Publish(commands, cmdPlace, order.KeyOf(site, "SO-1"), "no order")
			bad := place("SO-1", lines("WIDGET", -3))
			o.Place(bad)
			o.Place(place("SO-1", lines("WIDGET", 1)))
			o.Place(place("SO-1", lines("WIDGET", 2))) // another order under a number that is taken
			return o, nil
		}}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.hub.Call(t.Context(), "test.sender", nil); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		l := r.letters()
		if len(l) != 3 {
			t.Fatalf("%d letters, want 3: %+v", len(l), l)
		}
		kinds, places := map[string]int{}, map[string]bool{}
		for _, x := range l {
			kinds[x.Kind]++
			places[x.Place] = true
		}
		if kinds["invalid"] != 2 || kinds["rejected"] != 1 || !places["lines[0].qty"] {
			t.Errorf("kinds %v, places %v", kinds, places)
		}
	})
}

func TestAPanicIsALetterWithItsStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		if err := r.hub.Add(Route{Name: "test.panics", About: "panics", Topics: []string{onOrders}, Handle: func(context.Context, *Message) (*Out, error) { panic("on purpose") }}); err != nil {
			t.Fatal(err)
		}
		r.stock("WIDGET", 10, "A-1")
		r.place("SO-1", "WIDGET", 1)
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		l := r.letters()
		if len(l) != 1 || l[0].Kind != "internal" || l[0].Stack == "" || l[0].Cause != "panic: on purpose" {
			t.Errorf("letters %+v", l)
		}
	})
}

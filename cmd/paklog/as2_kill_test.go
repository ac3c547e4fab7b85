package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/routes/bus"
)

// TestHubsKilledWithinAnExchange ends one of two hubs at each step of an exchange by AS2, and starts it
// again: each document has come once, and both hold the same receipt of it.
func TestHubsKilledWithinAnExchange(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts some twenty processes")
	}
	t.Parallel()
	inAnswer := []bus.Step{bus.StepDelivered, bus.StepIntended, bus.StepStarted, bus.StepCalled, bus.StepConcluded, stepLooked, stepJudged, stepTaken}
	for _, c := range []struct {
		async bool
		steps []bus.Step
	}{{false, inAnswer}, {true, []bus.Step{bus.StepStarted, bus.StepCalled, stepJudged, stepTaken, stepProof, stepSettled}}} {
		t.Run(fmt.Sprintf("receipts by themselves %v", c.async), func(t *testing.T) {
			t.Parallel()
			w := newBetween(t, c.async)
			a, b := startHub(t, w.a), startHub(t, w.b)
			w.stock(a)
			for i, step := range c.steps {
				// One after the other is the victim: what one does the other does too.
				victim, spec := &a, w.a
				if i%2 == 1 || step == stepProof || step == bus.StepIntended {
					victim, spec = &b, w.b
				}
				(*victim).stop(t)
				spec.Step = step
				*victim = startHub(t, spec)
				file := w.order()
				err := b.do("send " + file)
				select {
				case <-(*victim).gone:
				case <-time.After(time.Minute):
					t.Fatalf("%s never came to %q", spec.Name, step)
				}
				if (*victim).died != step {
					t.Fatalf("%s died at %q, not at %q", spec.Name, (*victim).died, step)
				}
				spec.Step = ""
				*victim = startHub(t, spec)
				if errors.Is(err, errGone) { // whether it took the order before it died nobody was told
					err = b.do("send " + file)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			w.quiet(a, b)
			a.stop(t)
			b.stop(t)
			w.proveAll(len(c.steps))
		})
	}
}

// TestAPartnerWhoIsDownPausesAloneAndGetsEverything sends to a station that nobody runs, then runs it.
func TestAPartnerWhoIsDownPausesAloneAndGetsEverything(t *testing.T) {
	t.Parallel()
	w := newBetween(t, false)
	b := startHub(t, w.b)
	const orders = 7 // more than the breaker lets fail
	for range orders {
		if err := b.do("send " + w.order()); err != nil {
			t.Fatal(err)
		}
	}
	w.until("the breaker is open", func() bool {
		return strings.Contains(logOf(t, w.b), "msg=\"circuit breaker\" adapter=as2."+warehouseName+" from=closed to=open")
	})
	a := startHub(t, w.a)
	w.stock(a)
	w.quiet(a, b)
	a.stop(t)
	b.stop(t)
	w.proveAll(orders)
	for _, l := range tell(t, w.b).letters {
		if !strings.Contains(l, "x12.inbound") { // it takes no 945
			t.Errorf("the depositor has a letter: %s", l)
		}
	}
}

// until waits for something that a hub brings about.
func (w *between) until(what string, holds func() bool) {
	w.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !holds(); <-tick.C {
		if time.Now().After(end) {
			w.t.Fatalf("it did not come to be: %s", what)
		}
	}
}

func logOf(t *testing.T, s stationSpec) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, s.Name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

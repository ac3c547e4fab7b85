package routes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
)

// Move implements [erp.Mover].
func (e *testERP) Move(_ context.Context, a erp.Adjustment) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.no != nil {
		return "", e.no
	}
	e.moves = append(e.moves, a)
	if e.lose > 0 {
		e.lose--
		return "", fault.E("erp.Move", fault.Unknown, errors.New("the answer was lost"))
	}
	return fmt.Sprint(len(e.moves)), nil
}

// Moved implements [erp.Mover].
func (e *testERP) Moved(_ context.Context, a erp.Adjustment) (string, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.moves, func(b erp.Adjustment) bool { return b.Key == a.Key })
	return fmt.Sprint(i + 1), i >= 0, nil
}

// told is what the ERP was told, in its order.
func (e *testERP) told() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []string
	for _, a := range e.moves {
		all = append(all, fmt.Sprintf("%s %d %s", a.Kind, a.Qty, a.Item))
	}
	return strings.Join(all, ", ")
}

// newMoverRig is a rig whose ERP is told of adjustments of some kinds.
func newMoverRig(t *testing.T, kinds ...string) (*rig, *testERP) {
	e := newTestERP()
	r, _ := newERPRig(t, func(c *ERPConfig) {
		c.Port, c.Mover, c.Moves = e, e, map[string]bool{}
		for _, k := range kinds {
			c.Moves[k] = true
		}
	})
	return r, e
}

func (r *rig) adjust(sku string, delta int64) {
	r.t.Helper()
	r.must(door.Stock, sku, inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Free, Delta: delta, Reason: "look"})
}

// The process dies after each unit in turn, and the ERP's answer is lost: each adjustment is booked once, in
// their order.
func TestACrashAfterAnyUnitBooksEachAdjustmentOnce(t *testing.T) {
	afterEachUnit(t, 8, func(t *testing.T, n int) (ended bool) {
		r, e := newMoverRig(t, erp.Gain, erp.Loss)
		r.stock("A", 9, "P-1")
		e.lose = 1
		r.batch = 1
		r.restart()
		r.crash(n)
		ask := func(id string, delta int64) {
			_, _ = r.ask(door.Stock, door.Ask{ID: "A", Key: &door.Key{Scope: "test", ID: id}, Cmd: inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Free, Delta: delta, Reason: "look"}})
		}
		ask("one", -2)
		settle(time.Minute)
		ask("two", 1)
		settle(time.Hour)
		if ended = r.bus.Err() == nil; !ended {
			r.restart()
			ask("one", -2)
			settle(time.Minute)
			ask("two", 1)
			settle(2 * time.Hour)
		}
		if got := e.told(); got != "loss 2 A, gain 1 A" {
			t.Errorf("told: %s", got)
		}
		if n := r.count()[erpTold]; n != 2 {
			t.Errorf("%d times the hub is certain", n)
		}
		r.noLetters()
		return ended
	})
}

func TestAnERPIsToldOfWhatItKnowsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newMoverRig(t, erp.Gain, erp.Loss, erp.HeldLoss, erp.Hold, erp.Free)
		r.stock("A", 9, "P-1") // received: no adjustment
		status := func(from, to string, qty int64) {
			r.must(door.Stock, "A", inventory.ChangeStatus{Place: inventory.Place{Location: "P-1"}, From: from, To: to, Qty: qty, Reason: "look"})
		}
		r.adjust("A", -2)
		status(inventory.Free, inventory.Damaged, 3)
		status(inventory.Damaged, inventory.Held, 2) // neither can be sold
		status(inventory.Held, inventory.Free, 1)
		r.must(door.Stock, "A", inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Damaged, Delta: -1, Reason: "look"})
		r.must(door.Stock, "A", inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Damaged, Delta: 1, Reason: "look"}) // a kind that is not named
		r.adjust("A", 4)
		r.place("SO-1", "A", 1) // what leaves is told by its goods issue
		settle(time.Hour)
		if got := e.told(); got != "loss 2 A, hold 3 A, free 1 A, held_loss 1 A, gain 4 A" {
			t.Errorf("told: %s", got)
		}
		e.mu.Lock()
		for _, a := range e.moves {
			if len(a.Key) != 16 || a.Facility != site.Facility || a.At.IsZero() || a.Reason != "look" {
				t.Errorf("%+v", a)
			}
		}
		e.mu.Unlock()
		r.noLetters()
	})
}

func TestWhatAnERPWillNotBookIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newMoverRig(t, erp.Loss)
		r.stock("A", 9, "P-1")
		e.says(fault.E("erp.Move", fault.Rejected, errors.New("the period is closed")))
		r.adjust("A", -2)
		settle(time.Hour)
		l := r.letters()
		if len(l) != 1 || l[0].Route != "out.erp.main" || !strings.Contains(l[0].Cause, "period") || e.told() != "" {
			t.Fatalf("%v; told: %s", r.lettersText(), e.told())
		}
		e.says(nil)
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "kim"); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		if got := e.told(); got != "loss 2 A" {
			t.Errorf("told: %s", got)
		}
		r.noLetters()
	})
}

package erptest

import (
	"fmt"
	"testing"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop/shoptest"
)

// The calls that telling adjustments is made of.
const (
	Book Op = "book"
	Find Op = "find"
)

// kinds are all kinds of adjustments.
var kinds = []string{erp.Gain, erp.Loss, erp.HeldGain, erp.HeldLoss, erp.Hold, erp.Free}

// RunMover holds an ERP that is told of adjustments against the contract of [erp.Mover]. The rig's ERPs are
// such, know all kinds, and the building [Site].
func RunMover(t *testing.T, rig func(t *testing.T) Rig) {
	for name, run := range map[string]func(t *testing.T, r Rig){
		"each kind is booked once, under our key":          eachKind,
		"what cannot be is refused, and nothing is booked": unbooked,
		"a closed period is a no, until it is opened":      closedBooks,
		"who cannot be told has booked nothing":            untold,
		"several that bear our key are a person's":         severalOfAKey,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, rig(t))
		})
	}
	for _, x := range troubles {
		t.Run("booking: "+string(x), func(t *testing.T) {
			t.Parallel()
			bookOnce(t, rig(t), x)
		})
		t.Run("asking whether it was booked: "+string(x), func(t *testing.T) {
			t.Parallel()
			findRight(t, rig(t), x)
		})
	}
}

// Site is the building that the rig's ERPs know.
const Site = "DC1"

func adjustment(r Rig, key, kind string) erp.Adjustment {
	return erp.Adjustment{Key: key, Kind: kind, At: r.Now(), Facility: Site, Item: "A", Lot: "L1", Qty: 3, Reason: "found when somebody counted what lay there, and then once more"}
}

func mover(t *testing.T, e erp.ERP) erp.Mover {
	t.Helper()
	m, ok := e.(erp.Mover)
	if !ok {
		t.Fatal("it is no erp.Mover")
	}
	return m
}

func (r Rig) booked(t *testing.T, key string, want int) {
	t.Helper()
	if got := r.Booked(key); got != want {
		t.Errorf("%s is booked %d times, want %d", key, got, want)
	}
}

func eachKind(t *testing.T, r Rig) {
	m := mover(t, r.ERP)
	for i, kind := range kinds {
		a := adjustment(r, fmt.Sprintf("KEY-%012d", i), kind)
		if doc, found, err := m.Moved(t.Context(), a); found || err != nil {
			t.Errorf("%s, before it was told: %q, %v", kind, doc, err)
		}
		doc, err := m.Move(t.Context(), a)
		if err != nil || doc == "" {
			t.Errorf("%s: %q, %v", kind, doc, err)
		}
		r.booked(t, a.Key, 1)
		if again, found, err := m.Moved(t.Context(), a); !found || err != nil || again != doc {
			t.Errorf("%s: %q, %t, %v; want %q", kind, again, found, err, doc)
		}
	}
}

func unbooked(t *testing.T, r Rig) {
	for name, spoil := range map[string]func(a *erp.Adjustment){
		"a building that it does not know": func(a *erp.Adjustment) { a.Facility = "ELSEWHERE" },
		"a kind that nobody named":         func(a *erp.Adjustment) { a.Kind = "wish" },
		"an item that it does not know":    func(a *erp.Adjustment) { a.Item = "UNKNOWN" },
		"nothing":                          func(a *erp.Adjustment) { a.Qty = 0 },
	} {
		a := adjustment(r, "KEY", erp.Gain)
		spoil(&a)
		if doc, err := mover(t, r.ERP).Move(t.Context(), a); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Errorf("%s: %q, %v", name, doc, err)
		}
	}
	r.booked(t, "KEY", 0)
}

func closedBooks(t *testing.T, r Rig) {
	a := adjustment(r, "KEY", erp.Loss)
	r.Close(true)
	if _, err := mover(t, r.ERP).Move(t.Context(), a); fault.KindOf(err) != fault.Rejected || err == nil {
		t.Error(err)
	}
	r.booked(t, a.Key, 0)
	r.Close(false)
	if _, err := mover(t, r.ERP).Move(t.Context(), a); err != nil {
		t.Error(err)
	}
	r.booked(t, a.Key, 1)
}

func untold(t *testing.T, r Rig) {
	a := adjustment(r, "KEY", erp.Gain)
	for name, e := range map[string]erp.ERP{"a wrong secret": r.BadSecret, "nobody there": r.Unreachable} {
		_, err := mover(t, e).Move(t.Context(), a)
		_, _, asked := mover(t, e).Moved(t.Context(), a)
		if fault.KindOf(err) != fault.Unavailable || fault.KindOf(asked) != fault.Unavailable || err == nil || asked == nil {
			t.Errorf("%s: %v; asked: %v", name, err, asked)
		}
	}
	r.booked(t, a.Key, 0)
}

func severalOfAKey(t *testing.T, r Rig) {
	a := adjustment(r, "KEY", erp.Gain)
	for range 2 {
		if _, err := mover(t, r.ERP).Move(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if doc, found, err := mover(t, r.ERP).Moved(t.Context(), a); found || fault.KindOf(err) != fault.Unknown || err == nil {
		t.Errorf("%q, %t, %v", doc, found, err)
	}
}

// bookOnce: whatever befalls the call, it is booked once, once the caller is certain; and an error other than
// Unknown means that nothing is.
func bookOnce(t *testing.T, r Rig, x Trouble) {
	a, m := adjustment(r, "KEY", erp.Loss), mover(t, r.ERP)
	if x == shoptest.DoneSlow {
		m = mover(t, r.Impatient)
	}
	r.Trouble(Book, x)
	for range 10 {
		_, err := m.Move(t.Context(), a)
		k := fault.KindOf(err)
		if err == nil {
			break
		}
		if k != fault.Unknown && r.Booked(a.Key) != 0 {
			t.Fatalf("it is booked, and the error promises that it is not: %v", err)
		}
		if k == fault.Internal || k == fault.Invalid || k == fault.Rejected {
			t.Fatalf("a trouble on the way ends it: %v", err)
		}
		r.Advance(fault.AfterOf(err) + time.Second)
		if k != fault.Unknown {
			continue
		}
		_, found, err := m.Moved(t.Context(), a)
		if err != nil || found != (r.Booked(a.Key) == 1) {
			t.Fatalf("found %t, %v; in truth %d", found, err, r.Booked(a.Key))
		}
		if found {
			break
		}
	}
	r.booked(t, a.Key, 1)
}

// findRight: what is booked is never said not to be.
func findRight(t *testing.T, r Rig, x Trouble) {
	a, m := adjustment(r, "KEY", erp.Loss), mover(t, r.ERP)
	if _, err := m.Move(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if x == shoptest.DoneSlow {
		m = mover(t, r.Impatient)
	}
	r.Trouble(Find, x)
	_, found, err := m.Moved(t.Context(), a)
	if k := fault.KindOf(err); !found && err == nil || err != nil && (k == fault.Internal || k == fault.Rejected || k == fault.Unknown) {
		t.Errorf("%t, %v", found, err)
	}
	r.Advance(fault.AfterOf(err) + time.Second)
	if _, found, err := m.Moved(t.Context(), a); !found || err != nil {
		t.Errorf("afterwards: %t, %v", found, err)
	}
}

package erptest

import (
	"fmt"
	"testing"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop/shoptest"
)

// Undo is the call that takes a goods movement back.
const Undo Op = "undo"

// RunReverser holds an ERP whose goods movements can be taken back against the contract of [erp.Reverser], of
// what do says. The rig's deliveries are of that kind.
func RunReverser(t *testing.T, do string, rig func(t *testing.T) Rig) {
	for name, run := range map[string]func(t *testing.T, r Rig, of erp.Reversal, number string){
		"what stands is taken back once, however often it is said": reverseTwice,
		"what is not there cannot be taken back":                   reverseNothing,
		"a no about a reversal is a no, until it is mended":        closedReversal,
		"somebody else's change meanwhile is seen":                 reversalMeanwhile,
		"who cannot be told has taken nothing back":                unreversed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rig(t)
			number := r.Want(5, 3)
			r.ByHand(number)
			run(t, r, erp.Reversal{Key: "k", Do: do, Delivery: number, Day: r.Now(), Reason: "wrong", By: "kim"}, number)
		})
	}
	for _, x := range troubles {
		for _, op := range []Op{Read, Undo} {
			t.Run(fmt.Sprintf("reversing, at %s: %s", op, x), func(t *testing.T) {
				t.Parallel()
				reverseOnce(t, rig(t), do, op, x)
			})
		}
	}
}

func reverser(t *testing.T, e erp.ERP) erp.Reverser {
	t.Helper()
	c, ok := e.(erp.Reverser)
	if !ok {
		t.Fatal("it is no erp.Reverser")
	}
	return c
}

// undone says what is wrong with a delivery of which nothing is to stand.
func (r Rig) undone(t *testing.T, number string, times int) {
	t.Helper()
	if n := r.Undone(number); n != times || len(r.Left(number)) != 0 {
		t.Errorf("taken back %d times, and %v stands; want %d, and nothing", n, r.Left(number), times)
	}
}

func reverseTwice(t *testing.T, r Rig, of erp.Reversal, number string) {
	c := reverser(t, r.ERP)
	if _, found, err := c.Reversed(t.Context(), of); found || err != nil {
		t.Errorf("before it was said: %t, %v", found, err)
	}
	for range 2 {
		if p, err := c.Reverse(t.Context(), of); err != nil || p.Delivery != number {
			t.Errorf("%+v, %v", p, err)
		}
		r.undone(t, number, 1)
	}
	if _, found, err := c.Reversed(t.Context(), of); !found || err != nil {
		t.Errorf("%t, %v", found, err)
	}
}

func reverseNothing(t *testing.T, r Rig, of erp.Reversal, number string) {
	for _, none := range []string{r.Missing, "PO 4711/b", ""} {
		of.Delivery = none
		if _, err := reverser(t, r.ERP).Reverse(t.Context(), of); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Errorf("%q: %v", none, err)
		}
	}
	of.Delivery = r.Missing
	if _, found, err := reverser(t, r.ERP).Reversed(t.Context(), of); found || fault.KindOf(err) != fault.Unknown {
		t.Errorf("nobody can say whether it happened: %t, %v", found, err)
	}
	r.stands(t, number, 5, 3)
}

func closedReversal(t *testing.T, r Rig, of erp.Reversal, number string) {
	r.Close(true)
	if _, err := reverser(t, r.ERP).Reverse(t.Context(), of); fault.KindOf(err) != fault.Rejected || err == nil {
		t.Error(err)
	}
	r.stands(t, number, 5, 3)
	r.Close(false)
	if _, err := reverser(t, r.ERP).Reverse(t.Context(), of); err != nil {
		t.Error(err)
	}
	r.undone(t, number, 1)
}

func reversalMeanwhile(t *testing.T, r Rig, of erp.Reversal, number string) {
	r.Meddle(Undo, number)
	if _, err := reverser(t, r.ERP).Reverse(t.Context(), of); fault.KindOf(err) != fault.Transient || err == nil {
		t.Error(err)
	}
	r.Open(number, true)
	if _, err := reverser(t, r.ERP).Reverse(t.Context(), of); fault.KindOf(err) != fault.Transient || err == nil {
		t.Errorf("while somebody has it open: %v", err)
	}
	r.stands(t, number, 5, 3)
}

func unreversed(t *testing.T, r Rig, of erp.Reversal, number string) {
	for name, e := range map[string]erp.ERP{"a wrong secret": r.BadSecret, "nobody there": r.Unreachable} {
		_, told := reverser(t, e).Reverse(t.Context(), of)
		_, _, asked := reverser(t, e).Reversed(t.Context(), of)
		if fault.KindOf(told) != fault.Unavailable || fault.KindOf(asked) != fault.Unavailable || told == nil || asked == nil {
			t.Errorf("%s: %v; asked: %v", name, told, asked)
		}
	}
	r.stands(t, number, 5, 3)
}

// reverseOnce: whatever befalls one of the calls, what stood is taken back once, once the caller is certain; and an
// error other than Unknown means that it stands.
func reverseOnce(t *testing.T, r Rig, do string, op Op, x Trouble) {
	number := r.Want(5, 3)
	r.ByHand(number)
	of := erp.Reversal{Key: "k", Do: do, Delivery: number, Day: r.Now()}
	c := reverser(t, r.ERP)
	if x == shoptest.DoneSlow {
		c = reverser(t, r.Impatient)
	}
	r.Trouble(op, x)
	for range 10 {
		_, err := c.Reverse(t.Context(), of)
		k := fault.KindOf(err)
		if err == nil {
			break
		}
		if k != fault.Unknown && r.Undone(number) != 0 {
			t.Fatalf("it is taken back, and the error promises that it is not: %v", err)
		}
		if k == fault.Internal || k == fault.Invalid || k == fault.Rejected {
			t.Fatalf("a trouble on the way ends it: %v", err)
		}
		r.Advance(fault.AfterOf(err) + time.Second)
		if k != fault.Unknown {
			continue
		}
		_, found, err := c.Reversed(t.Context(), of)
		if err != nil || found != (r.Undone(number) == 1) {
			t.Fatalf("found %t, %v; in truth %d", found, err, r.Undone(number))
		}
		if found {
			break
		}
	}
	r.undone(t, number, 1)
}

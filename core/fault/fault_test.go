package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
)

func TestKindPlaceAndWaitSurviveWrapping(t *testing.T) {
	t.Parallel()
	base := &fault.Error{Op: "ups.Buy", Kind: fault.Throttled, Place: "ShipTo.City", After: time.Second, Err: errors.New("slow down")}
	err := fault.Wrap("routes.buy", fmt.Errorf("buying: %w", base))
	if fault.KindOf(err) != fault.Throttled || fault.PlaceOf(err) != "ShipTo.City" || fault.AfterOf(err) != time.Second {
		t.Errorf("%v: kind %s, place %q, after %s", err, fault.KindOf(err), fault.PlaceOf(err), fault.AfterOf(err))
	}
}

func TestWhatNobodyClassifiedIsNeverRetriedBlindly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want fault.Kind
	}{
		{errors.New("x"), fault.Internal},
		{nil, fault.Internal},
		{context.Canceled, fault.Internal},
		{fmt.Errorf("reading: %w", context.DeadlineExceeded), fault.Transient},
		{fault.E("op", fault.Unknown, context.DeadlineExceeded), fault.Unknown},
	} {
		if got := fault.KindOf(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
	if fault.Wrap("op", nil) != nil {
		t.Error("wrapping nothing made an error")
	}
}

func TestKindsHaveNamesThatReadBack(t *testing.T) {
	t.Parallel()
	for k := fault.Internal; k <= fault.Unknown; k++ {
		if got, ok := fault.ParseKind(k.String()); !ok || got != k {
			t.Errorf("%d is named %q and reads back as %s, %v", k, k, got, ok)
		}
	}
	if _, ok := fault.ParseKind("kind(99)"); ok || fault.Kind(99).String() != "kind(99)" {
		t.Error("a kind that does not exist has a name")
	}
}

func TestReasonIsWhatAPersonReads(t *testing.T) {
	t.Parallel()
	err := fault.Wrap("routes.edi", fault.At("x12", fault.Invalid, "W01-01", errors.New("is not a number")))
	if got := fault.Reason(err); got != "is not a number" {
		t.Errorf("reason %q of %v", got, err)
	}
	if got := fault.Reason(fault.E("op", fault.Rejected, nil)); got != "op: rejected" {
		t.Errorf("reason of a bare kind: %q", got)
	}
	if got := fault.Reason(fmt.Errorf("while: %w", err)); got != "while: "+err.Error() {
		t.Errorf("reason %q: what a caller added is gone", got)
	}
}

func TestAnAdviceChangesNothingButWhatIsNext(t *testing.T) {
	t.Parallel()
	err := fault.Wrap("outer", fault.Advise(fault.At("inner", fault.Invalid, "W01-05", errors.New("is no item")), "ask for it"))
	if fault.NextOf(err) != "ask for it" || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "W01-05" || fault.Reason(err) != "is no item" {
		t.Errorf("%q %v %q %q", fault.NextOf(err), fault.KindOf(err), fault.PlaceOf(err), fault.Reason(err))
	}
	if fault.Advise(nil, "x") != nil || fault.NextOf(errors.New("x")) != "" {
		t.Error("an advice about nothing")
	}
}

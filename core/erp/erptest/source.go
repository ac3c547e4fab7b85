package erptest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop/shoptest"
)

// The calls that reading deliveries as orders is made of, beside [Read] and [Items].
const (
	List   Op = "list"
	ShipTo Op = "ship-to"
)

// RunSource holds an ERP whose deliveries become orders against the contract of [erp.Source]. The rig's ERPs
// are such.
func RunSource(t *testing.T, rig func(t *testing.T) Rig) {
	for name, run := range map[string]func(t *testing.T, r Rig){
		"what changed is listed to the last page": listed,
		"what has its goods issue is not listed":  listedWithout,
		"a change is another version":             versions,
		"a delivery is read as an order":          asOrder,
		"who cannot be asked is no empty list":    unasked,
		"429 throttles lists, too":                throttledList,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, rig(t))
		})
	}
	for _, x := range troubles {
		t.Run("as an order: "+string(x), func(t *testing.T) {
			t.Parallel()
			sourceRight(t, rig(t), x)
		})
	}
}

func source(t *testing.T, e erp.ERP) erp.Source {
	t.Helper()
	s, ok := e.(erp.Source)
	if !ok {
		t.Fatal("it is no erp.Source")
	}
	return s
}

// walk is a list to its last page.
func walk(ctx context.Context, s erp.Source, since time.Time) (all []erp.Listed, err error) {
	for after := ""; ; {
		p, err := s.Changed(ctx, since, after)
		if err != nil {
			return nil, err
		}
		all = append(all, p.Deliveries...)
		if after = p.Next; after == "" {
			return all, nil
		}
		if len(all) > 10_000 {
			return nil, errors.New("the list has no end")
		}
	}
}

func numbers(list []erp.Listed) []string {
	var all []string
	for _, l := range list {
		all = append(all, l.Number)
	}
	slices.Sort(all)
	return all
}

func listed(t *testing.T, r Rig) {
	var want []string
	for i := range int64(5) {
		want = append(want, r.Want(i+1))
	}
	slices.Sort(want)
	all, err := walk(t.Context(), source(t, r.ERP), r.Now())
	if err != nil || !slices.Equal(numbers(all), want) {
		t.Errorf("%v, %v; want %v", numbers(all), err, want)
	}
	r.Advance(72 * time.Hour)
	if all, err := walk(t.Context(), source(t, r.ERP), r.Now()); err != nil || len(all) != 0 {
		t.Errorf("three days later %v changed since, %v", all, err)
	}
	r.Meddle(List, want[2])
	if all, err := walk(t.Context(), source(t, r.ERP), r.Now()); err != nil || !slices.Equal(numbers(all), want[2:3]) {
		t.Errorf("%v, %v; want what changed meanwhile, %s", all, err, want[2])
	}
}

func listedWithout(t *testing.T, r Rig) {
	gone, open := r.Want(1), r.Want(1)
	r.ByHand(gone)
	if all, err := walk(t.Context(), source(t, r.ERP), r.Now()); err != nil || !slices.Equal(numbers(all), []string{open}) {
		t.Errorf("%v, %v", all, err)
	}
	if w, found, err := source(t, r.ERP).Read(t.Context(), gone); err != nil || !found || w.Movement != erp.Moved {
		t.Errorf("read by its number: %+v, %t, %v", w, found, err)
	}
}

func versions(t *testing.T, r Rig) {
	s, number := source(t, r.ERP), r.Want(3)
	version := func() string {
		list, err := walk(t.Context(), s, r.Now())
		w, found, rerr := s.Read(t.Context(), number)
		if err != nil || rerr != nil || !found || len(list) != 1 || list[0].Version != w.Version || w.Version == "" {
			t.Fatalf("%+v, %v; %+v, %t, %v", list, err, w, found, rerr)
		}
		return w.Version
	}
	was := version()
	if again := version(); again != was {
		t.Errorf("nothing changed, and %s became %s", was, again)
	}
	r.Meddle(List, number)
	if now := version(); now == was {
		t.Errorf("it changed and is still %s", now)
	}
}

func asOrder(t *testing.T, r Rig) {
	asked := []int64{2, 1, 3, 4, 5}
	number := r.Want(asked...)
	w, found, err := source(t, r.ERP).Read(t.Context(), "00"+number)
	if err != nil || !found || w.Number != number || w.Order.Number != number || w.Movement != erp.NotMoved || w.Gone || len(w.Order.Lines) != len(asked) {
		t.Fatalf("%+v, %t, %v", w, found, err)
	}
	for i, l := range w.Order.Lines {
		if l.Item != material(i) || l.Qty != asked[i] || l.Ref == "" || l.UOM != "" {
			t.Errorf("%+v", l)
		}
	}
	if a := w.Order.ShipTo; a.Name == "" || len(a.Lines) == 0 || a.City == "" || a.PostalCode == "" || len(a.Country) != 2 {
		t.Errorf("%+v", a)
	}
	if w, found, err := source(t, r.ERP).Read(t.Context(), r.Missing); found || err != nil {
		t.Errorf("%+v, %v", w, err)
	}
}

func unasked(t *testing.T, r Rig) {
	r.Want(1)
	if _, err := walk(t.Context(), source(t, r.BadSecret), r.Now()); fault.KindOf(err) != fault.Unavailable || err == nil {
		t.Errorf("with a wrong secret: %v", err)
	}
	if _, err := walk(t.Context(), source(t, r.Unreachable), r.Now()); fault.KindOf(err) != fault.Unavailable || err == nil {
		t.Errorf("with nobody there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := walk(ctx, source(t, r.ERP), r.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func throttledList(t *testing.T, r Rig) {
	number := r.Want(1)
	r.Trouble(List, shoptest.TooMany)
	_, err := walk(t.Context(), source(t, r.ERP), r.Now())
	wait := fault.AfterOf(err)
	if fault.KindOf(err) != fault.Throttled || wait <= 0 {
		t.Fatalf("%v after %s", err, wait)
	}
	if _, _, err := source(t, r.ERP).Read(t.Context(), number); fault.KindOf(err) != fault.Throttled {
		t.Errorf("the connection does not wait: %v", err)
	}
	r.Advance(wait + time.Second)
	if all, err := walk(t.Context(), source(t, r.ERP), r.Now()); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

// sourceRight: whatever befalls a call, a list or delivery is right, or it fails in a way that is tried again.
// Never is a list cut or a delivery gone for it.
func sourceRight(t *testing.T, r Rig, x Trouble) {
	for _, op := range []Op{List, Read, Items, ShipTo} {
		number := r.Want(2, 3)
		s := source(t, r.ERP)
		if x == shoptest.DoneSlow {
			s = source(t, r.Impatient)
		}
		look := func() error {
			all, err := walk(t.Context(), s, r.Now().Add(-time.Hour))
			if err != nil {
				return err
			}
			if !slices.Contains(numbers(all), number) {
				t.Errorf("at %s it is not in the list: %v", op, all)
			}
			w, found, err := s.Read(t.Context(), number)
			if err != nil {
				return err
			}
			if !found || len(w.Order.Lines) != 2 || w.Order.Lines[0].Qty != 2 || w.Order.Lines[1].Qty != 3 || w.Order.ShipTo.City == "" {
				return fmt.Errorf("at %s it was read as %+v, %t", op, w, found)
			}
			return nil
		}
		r.Trouble(op, x)
		err := look()
		if k := fault.KindOf(err); err != nil && (k == fault.Unknown || k == fault.Internal || k == fault.Rejected) {
			t.Errorf("a reading ends at %s with %v", op, err)
		}
		r.Advance(fault.AfterOf(err) + time.Second)
		if err := look(); err != nil {
			t.Errorf("after %s: %v", op, err)
		}
	}
}

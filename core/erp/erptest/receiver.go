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

// RunReceiver holds an ERP whose inbound deliveries are receipts here against the contract of [erp.Receiver].
// The rig's ERPs are such, and everything of the rig is of inbound deliveries: Want announces one, of which a
// tenth more may come, and Posted and Left are of goods receipts.
func RunReceiver(t *testing.T, rig func(t *testing.T) Rig) {
	for name, run := range map[string]func(t *testing.T, r Rig){
		"what was announced is listed until it is received":        announced,
		"an inbound delivery is read as a receipt":                 asReceipt,
		"what came is posted once, however often it is said":       receiveTwice,
		"what came short, and what came beyond, is posted so":      otherQuantities,
		"what does not fit is refused, and nothing is received":    unfitReceipt,
		"a goods receipt by hand of the same is ours, or no one's": receivedByHand,
		"a change meanwhile is seen, and nothing is received":      receiptMeanwhile,
		"a no about a receipt is a no, until it is mended":         closedReceipt,
		"who cannot be told has received nothing":                  unreceived,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, rig(t))
		})
	}
	for _, x := range troubles {
		t.Run("as a receipt: "+string(x), func(t *testing.T) {
			t.Parallel()
			arrivalRight(t, rig(t), x)
		})
		for _, op := range []Op{Read, Items, Pick, Part, Issue} {
			t.Run(fmt.Sprintf("receiving, at %s: %s", op, x), func(t *testing.T) {
				t.Parallel()
				receiveOnce(t, rig(t), op, x)
			})
		}
	}
}

func receiver(t *testing.T, e erp.ERP) erp.Receiver {
	t.Helper()
	c, ok := e.(erp.Receiver)
	if !ok {
		t.Fatal("it is no erp.Receiver")
	}
	return c
}

// Came is what came of an inbound delivery: got[i] of announced[i] units.
func Came(number string, announced, got []int64) erp.GoodsReceipt {
	g := erp.GoodsReceipt{Key: "k", Delivery: number}
	for i := range announced {
		g.Lines = append(g.Lines, erp.Came{No: 10 * (i + 1), Item: material(i), SKU: material(i), Expected: announced[i], Qty: got[i]})
	}
	return g
}

func walkAnnounced(ctx context.Context, c erp.Receiver, since time.Time) (all []erp.Listed, err error) {
	for after := ""; ; {
		p, err := c.Announced(ctx, since, after)
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

func announced(t *testing.T, r Rig) {
	c := receiver(t, r.ERP)
	var want []string
	for i := range int64(5) {
		want = append(want, r.Want(i+1))
	}
	slices.Sort(want)
	all, err := walkAnnounced(t.Context(), c, r.Now())
	if err != nil || !slices.Equal(numbers(all), want) {
		t.Errorf("%v, %v; want %v", numbers(all), err, want)
	}
	r.ByHand(want[1])
	if all, err := walkAnnounced(t.Context(), c, r.Now()); err != nil || slices.Contains(numbers(all), want[1]) || len(all) != 4 {
		t.Errorf("%v, %v; want it without %s", numbers(all), err, want[1])
	}
	r.Advance(72 * time.Hour)
	r.Meddle(List, want[2])
	all, err = walkAnnounced(t.Context(), c, r.Now())
	a, found, rerr := c.Arrival(t.Context(), want[2])
	if err != nil || rerr != nil || !found || !slices.Equal(numbers(all), want[2:3]) || all[0].Version == "" || all[0].Version != a.Version {
		t.Errorf("%v, %v; want what changed meanwhile, %s; %+v, %v", all, err, want[2], a, rerr)
	}
}

func asReceipt(t *testing.T, r Rig) {
	asked := []int64{2, 1, 3}
	number := r.Want(asked...)
	a, found, err := receiver(t, r.ERP).Arrival(t.Context(), "00"+number)
	n := a.Announcement
	if err != nil || !found || a.Number != number || a.Movement != erp.NotMoved || a.Gone || len(a.Plants) != 1 || n.Supplier == "" || len(n.Lines) != len(asked) {
		t.Fatalf("%+v, %t, %v", a, found, err)
	}
	for i, l := range n.Lines {
		if l.Item != material(i) || l.Qty != asked[i] || l.No != 10*(i+1) {
			t.Errorf("%+v", l)
		}
	}
	if a, found, err := receiver(t, r.ERP).Arrival(t.Context(), r.Missing); found || err != nil {
		t.Errorf("%+v, %v", a, err)
	}
}

func receiveTwice(t *testing.T, r Rig) {
	c, number := receiver(t, r.ERP), r.Want(2, 1)
	g := Came(number, []int64{2, 1}, []int64{2, 1})
	if p, found, err := c.Received(t.Context(), g); found || err != nil {
		t.Errorf("before it was said: %+v, %v", p, err)
	}
	for range 2 {
		p, err := c.Receive(t.Context(), g)
		if err != nil || p.Delivery != number || p.Day.IsZero() {
			t.Fatalf("%+v, %v", p, err)
		}
		r.stands(t, number, 2, 1)
	}
	if p, found, err := c.Received(t.Context(), g); !found || err != nil || p.Delivery != number {
		t.Errorf("%+v, %t, %v", p, found, err)
	}
}

func otherQuantities(t *testing.T, r Rig) {
	number := r.Want(20, 3, 5)
	g := Came(number, []int64{20, 3, 5}, []int64{22, 0, 4})
	g.Lines = append(g.Lines, erp.Came{No: 31, SKU: "Z", Unannounced: true}) // a line of which nothing is left
	if _, err := receiver(t, r.ERP).Receive(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	r.stands(t, number, 22, 0, 4)
}

func unfitReceipt(t *testing.T, r Rig) {
	c, number := receiver(t, r.ERP), r.Want(20, 3)
	for name, spoil := range map[string]func(g *erp.GoodsReceipt){
		"what nobody announced": func(g *erp.GoodsReceipt) {
			g.Lines = append(g.Lines, erp.Came{No: 21, SKU: "Z", Qty: 1, Unannounced: true})
		},
		"an item that the receipt has not":           func(g *erp.GoodsReceipt) { g.Lines = g.Lines[:1] },
		"an item that the delivery has not":          func(g *erp.GoodsReceipt) { g.Lines = append(g.Lines, erp.Came{No: 30, Item: "C", Expected: 1, Qty: 1}) },
		"another material than was announced":        func(g *erp.GoodsReceipt) { g.Lines[0].Item = "B" },
		"units of another size":                      func(g *erp.GoodsReceipt) { g.Lines[0].Expected, g.Lines[0].Qty = 2, 2 },
		"more than may come beyond it, says the ERP": func(g *erp.GoodsReceipt) { g.Lines[0].Qty = 23 },
	} {
		g := Came(number, []int64{20, 3}, []int64{20, 3})
		spoil(&g)
		if _, err := c.Receive(t.Context(), g); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, none := range []string{r.Missing, "PO 4711/b", ""} {
		if _, err := c.Receive(t.Context(), Came(none, []int64{1}, []int64{1})); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Errorf("%q: %v", none, err)
		}
	}
	if _, found, err := c.Received(t.Context(), Came(r.Missing, []int64{1}, []int64{1})); found || fault.KindOf(err) != fault.Unknown {
		t.Errorf("nobody can say whether it happened: %v", err)
	}
	r.nothing(t, number)
}

func receivedByHand(t *testing.T, r Rig) {
	c, number := receiver(t, r.ERP), r.Want(5, 3)
	r.ByHand(number)
	if _, err := c.Receive(t.Context(), Came(number, []int64{5, 3}, []int64{5, 3})); err != nil {
		t.Error(err)
	}
	other := Came(number, []int64{5, 3}, []int64{5, 2})
	if _, err := c.Receive(t.Context(), other); fault.KindOf(err) != fault.Rejected || err == nil {
		t.Errorf("of other quantities: %v", err)
	}
	if _, found, err := c.Received(t.Context(), other); found || fault.KindOf(err) != fault.Unknown {
		t.Errorf("asked for other quantities: %t, %v", found, err)
	}
	r.stands(t, number, 5, 3)
}

func receiptMeanwhile(t *testing.T, r Rig) {
	c := receiver(t, r.ERP)
	for _, op := range []Op{Pick, Part, Issue} {
		number := r.Want(5, 3)
		g := Came(number, []int64{5, 3}, []int64{5, 3})
		if op == Part {
			g.Lines[1].Qty = 2
		}
		r.Meddle(op, number)
		if _, err := c.Receive(t.Context(), g); fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("at %s: %v", op, err)
		}
		r.nothing(t, number)
		if _, err := c.Receive(t.Context(), g); err != nil {
			t.Errorf("after %s: %v", op, err)
		}
		r.stands(t, number, 5, g.Lines[1].Qty)
	}
	number := r.Want(2)
	r.Open(number, true)
	if _, err := c.Receive(t.Context(), Came(number, []int64{2}, []int64{2})); fault.KindOf(err) != fault.Transient || err == nil {
		t.Errorf("while somebody has it open: %v", err)
	}
	r.nothing(t, number)
}

func closedReceipt(t *testing.T, r Rig) {
	c, number := receiver(t, r.ERP), r.Want(2)
	g := Came(number, []int64{2}, []int64{2})
	r.Close(true)
	if _, err := c.Receive(t.Context(), g); fault.KindOf(err) != fault.Rejected || err == nil {
		t.Error(err)
	}
	r.nothing(t, number)
	r.Close(false)
	if _, err := c.Receive(t.Context(), g); err != nil {
		t.Error(err)
	}
	r.stands(t, number, 2)
}

func unreceived(t *testing.T, r Rig) {
	number := r.Want(2)
	g := Came(number, []int64{2}, []int64{2})
	for name, e := range map[string]erp.ERP{"a wrong secret": r.BadSecret, "nobody there": r.Unreachable} {
		c := receiver(t, e)
		_, told := c.Receive(t.Context(), g)
		_, _, asked := c.Received(t.Context(), g)
		_, _, read := c.Arrival(t.Context(), number)
		_, list := walkAnnounced(t.Context(), c, r.Now())
		for _, err := range []error{told, asked, read, list} {
			if fault.KindOf(err) != fault.Unavailable || err == nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	r.nothing(t, number)
}

// arrivalRight: whatever befalls a call, a list or inbound delivery is right, or it fails in a way that is tried
// again.
func arrivalRight(t *testing.T, r Rig, x Trouble) {
	for _, op := range []Op{List, Read, Items} {
		number := r.Want(2, 3)
		c := receiver(t, r.ERP)
		if x == shoptest.DoneSlow {
			c = receiver(t, r.Impatient)
		}
		look := func() error {
			all, err := walkAnnounced(t.Context(), c, r.Now().Add(-time.Hour))
			if err != nil {
				return err
			}
			if !slices.Contains(numbers(all), number) {
				t.Errorf("at %s it is not in the list: %v", op, all)
			}
			a, found, err := c.Arrival(t.Context(), number)
			if err != nil {
				return err
			}
			if l := a.Announcement.Lines; !found || len(l) != 2 || l[0].Qty != 2 || l[1].Qty != 3 {
				return fmt.Errorf("at %s it was read as %+v, %t", op, a, found)
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

// receiveOnce: whatever befalls one of the calls, the ERP has posted one goods receipt, of what came, once the
// caller is certain; and an error other than Unknown means that none is posted.
func receiveOnce(t *testing.T, r Rig, op Op, x Trouble) {
	number := r.Want(5, 3)
	g := Came(number, []int64{5, 3}, []int64{5, 3})
	if op == Part {
		g.Lines[0].Qty, g.Lines[1].Qty = 4, 0
	}
	c := receiver(t, r.ERP)
	if x == shoptest.DoneSlow {
		c = receiver(t, r.Impatient)
	}
	r.Trouble(op, x)
	for range 10 {
		_, err := c.Receive(t.Context(), g)
		k := fault.KindOf(err)
		if err == nil {
			break
		}
		if k != fault.Unknown && r.Posted(number) != 0 {
			t.Fatalf("it is posted, and the error promises that it is not: %v", err)
		}
		if k == fault.Unknown && op != Issue && op != Read {
			t.Errorf("nothing was posted yet, and nobody is said to know: %v", err)
		}
		if k == fault.Internal || k == fault.Invalid || k == fault.Rejected {
			t.Fatalf("a trouble on the way ends it: %v", err)
		}
		r.Advance(fault.AfterOf(err) + time.Second)
		if k != fault.Unknown {
			continue
		}
		_, found, err := c.Received(t.Context(), g)
		if err != nil || found != (r.Posted(number) == 1) {
			t.Fatalf("found %t, %v; in truth %d", found, err, r.Posted(number))
		}
		if found {
			break
		}
	}
	r.stands(t, number, g.Lines[0].Qty, g.Lines[1].Qty)
}

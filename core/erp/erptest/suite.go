// Package erptest is the conformance suite of core/erp.ERP. An adapter passes it against a simulator that
// speaks the ERP's wire protocol and keeps a ground truth: what is asserted is what the ERP really posted,
// never what the adapter says.
package erptest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop/shoptest"
)

// Op is a call on the wire.
type Op string

// The calls that an ERP is made of.
const (
	Read  Op = "read" // of a delivery's head
	Items Op = "items"
	Pick  Op = "pick"  // of a delivery as a whole
	Part  Op = "part"  // of one item
	Issue Op = "issue" // the posting itself
)

// Trouble is what befalls one call: the same as befalls shops.
type Trouble = shoptest.Trouble

// troubles are all of them.
var troubles = []Trouble{
	shoptest.LostBefore, shoptest.ServerError, shoptest.Outage, shoptest.OutagePage, shoptest.TooMany, shoptest.TokenRevoked,
	shoptest.DoneLost, shoptest.DoneSlow, shoptest.DoneError, shoptest.DoneGateway, shoptest.DoneCut, shoptest.DonePage, shoptest.DoneHuge,
	shoptest.DoneTwice, shoptest.DoneNull, shoptest.DoneReshaped, shoptest.DriftLone, shoptest.DriftExtra,
}

// Rig is one ERP at its simulator. Each test gets its own.
type Rig struct {
	ERP erp.ERP
	// Unreachable is the same ERP at an address where nobody listens, Impatient with a deadline of
	// about a second, BadSecret with a secret that is refused.
	Unreachable, Impatient, BadSecret erp.ERP

	// Want makes a delivery of so many units of materials, the first named A, the next B and so on.
	Want func(qty ...int64) (number string)
	// Missing is the number of a delivery that is not there.
	Missing string
	// Trouble befalls the next call of this kind.
	Trouble func(op Op, t Trouble)
	// Now reads and Advance moves the clock that adapter and simulator share.
	Now     func() time.Time
	Advance func(d time.Duration)
	// SessionLife is how long the simulator's sessions are good.
	SessionLife time.Duration

	// Somebody in the ERP changes the delivery just before the next call of a kind, has it open, posts
	// its goods issue by hand, closes the period in which anything may be posted.
	Meddle func(op Op, number string)
	Open   func(number string, open bool)
	ByHand func(number string)
	Close  func(closed bool)

	// Ground truth: goods issues ever posted of a delivery, what left by material where one stands, calls
	// that arrived, sessions opened.
	Posted   func(number string) int
	Left     func(number string) map[string]int64
	Arrived  func(op Op) int
	Booked   func(key string) int    // adjustments of a key
	Undone   func(number string) int // how often its goods movement was taken back
	Sessions func() int
}

// Run holds an ERP against its contract. rig makes a fresh adapter and simulator and cleans up through t.
func Run(t *testing.T, rig func(t *testing.T) Rig) {
	tests := []struct {
		name string
		run  func(t *testing.T, r Rig)
	}{
		{"a delivery is read as it stands, to its last item", readWhole},
		{"what is not there is not found", missing},
		{"what left is posted once, however often it is said", issueTwice},
		{"of a short delivery what left is posted", short},
		{"what does not fit is refused, and nothing is posted", unfit},
		{"a goods issue by hand of the same is ours, of other quantities a person's", byHand},
		{"a change meanwhile is seen, and nothing is posted blindly", meanwhile},
		{"a delivery that somebody has open is tried again", open},
		{"a no of the ERP is a no, until it is mended", closed},
		{"a session ends in mid-run and is opened anew", expiry},
		{"one session serves many callers at once", shared},
		{"a wrong secret stops the connection, not the message", badSecret},
		{"nobody listening is unavailable, and nothing was posted", unreachable},
		{"a cancelled caller is told so and nothing is sent", cancelled},
		{"429 throttles: nothing more leaves until the wait is over", throttle},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, rig(t))
		})
	}
	for _, x := range troubles {
		t.Run("reading: "+string(x), func(t *testing.T) {
			t.Parallel()
			readRight(t, rig(t), x)
		})
		for _, op := range []Op{Read, Items, Pick, Part, Issue} {
			t.Run(fmt.Sprintf("posting, at %s: %s", op, x), func(t *testing.T) {
				t.Parallel()
				issueOnce(t, rig(t), op, x)
			})
		}
	}
}

// material is the name of the material at a place of [Rig.Want].
func material(i int) string { return string(rune('A' + i)) }

// Goods is what left of a delivery: left[i] of asked[i] units.
func Goods(number string, asked, left []int64) erp.GoodsIssue {
	g := erp.GoodsIssue{Key: "k", Order: number, Delivery: number}
	for i := range asked {
		g.Lines = append(g.Lines, erp.Line{No: i + 1, Item: material(i), SKU: material(i), Ordered: asked[i], Qty: left[i]})
	}
	return g
}

func left(qty ...int64) map[string]int64 {
	m := map[string]int64{}
	for i, n := range qty {
		m[material(i)] = n
	}
	return m
}

// stands says what is wrong with the one goods issue that is to stand.
func (r Rig) stands(t *testing.T, number string, qty ...int64) {
	t.Helper()
	if n := r.Posted(number); n != 1 || !maps.Equal(r.Left(number), left(qty...)) {
		t.Errorf("%d goods issues were posted, %v left; want one of %v", n, r.Left(number), qty)
	}
}

// nothing holds that no goods issue was ever posted.
func (r Rig) nothing(t *testing.T, number string) {
	t.Helper()
	if n := r.Posted(number); n != 0 {
		t.Errorf("%d goods issues were posted", n)
	}
}

func readWhole(t *testing.T, r Rig) {
	asked := []int64{2, 1, 3, 4, 5}
	number := r.Want(asked...)
	d, found, err := r.ERP.Delivery(t.Context(), number)
	if err != nil || !found || d.Number != number || d.Movement != erp.NotMoved || len(d.Items) != len(asked) {
		t.Fatalf("%+v, %t, %v", d, found, err)
	}
	for i, item := range d.Items {
		if item.Material != material(i) || item.Qty != asked[i] || item.Asked != asked[i] || item.No == "" || item.Unit == "" || item.Picked {
			t.Errorf("%+v", item)
		}
	}
	if again, found, err := r.ERP.Delivery(t.Context(), "00"+number); err != nil || !found || again.Number != number {
		t.Errorf("with zeros in front: %+v, %t, %v", again, found, err)
	}
}

func missing(t *testing.T, r Rig) {
	if d, found, err := r.ERP.Delivery(t.Context(), r.Missing); found || err != nil {
		t.Errorf("%+v, %v", d, err)
	}
	for _, number := range []string{r.Missing, "PO 4711/b", "", "123456789012"} {
		if _, err := r.ERP.Issue(t.Context(), Goods(number, []int64{1}, []int64{1})); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Errorf("%q: %v", number, err)
		}
	}
	if _, _, err := r.ERP.Issued(t.Context(), Goods(r.Missing, []int64{1}, []int64{1})); fault.KindOf(err) != fault.Unknown {
		t.Errorf("nobody can say whether it happened: %v", err)
	}
}

func issueTwice(t *testing.T, r Rig) {
	number := r.Want(2, 1)
	g := Goods(number, []int64{2, 1}, []int64{2, 1})
	if p, found, err := r.ERP.Issued(t.Context(), g); found || err != nil {
		t.Errorf("before it was said: %+v, %v", p, err)
	}
	for range 2 {
		p, err := r.ERP.Issue(t.Context(), g)
		if err != nil || p.Delivery != number || p.Day.IsZero() {
			t.Fatalf("%+v, %v", p, err)
		}
		r.stands(t, number, 2, 1)
	}
	if p, found, err := r.ERP.Issued(t.Context(), g); !found || err != nil || p.Delivery != number {
		t.Errorf("%+v, %t, %v", p, found, err)
	}
	if d, _, err := r.ERP.Delivery(t.Context(), number); err != nil || d.Movement != erp.Moved || d.Day.IsZero() {
		t.Errorf("%+v, %v", d, err)
	}
}

func short(t *testing.T, r Rig) {
	number := r.Want(5, 3, 2)
	if _, err := r.ERP.Issue(t.Context(), Goods(number, []int64{5, 3, 2}, []int64{4, 0, 2})); err != nil {
		t.Fatal(err)
	}
	r.stands(t, number, 4, 0, 2)
}

func unfit(t *testing.T, r Rig) {
	number := r.Want(5, 3)
	good := Goods(number, []int64{5, 3}, []int64{5, 3})
	for name, spoil := range map[string]func(g *erp.GoodsIssue){
		"a material that the delivery has not": func(g *erp.GoodsIssue) { g.Lines[1].Item, g.Lines[1].SKU = "Z", "Z" },
		"an item that the order has not":       func(g *erp.GoodsIssue) { g.Lines = g.Lines[:1] },
		"more than was asked for":              func(g *erp.GoodsIssue) { g.Lines[0].Ordered, g.Lines[0].Qty = 6, 6 },
		"units of another size":                func(g *erp.GoodsIssue) { g.Lines[0].Ordered, g.Lines[0].Qty = 1, 1 },
	} {
		g := good
		g.Lines = append([]erp.Line(nil), good.Lines...)
		spoil(&g)
		if _, err := r.ERP.Issue(t.Context(), g); fault.KindOf(err) != fault.Rejected || err == nil || fault.PlaceOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.nothing(t, number)
	if n := r.Arrived(Pick) + r.Arrived(Part); n != 0 {
		t.Errorf("%d pickings were said", n)
	}
}

func byHand(t *testing.T, r Rig) {
	number := r.Want(5, 3)
	r.ByHand(number)
	same, other := Goods(number, []int64{5, 3}, []int64{5, 3}), Goods(number, []int64{5, 3}, []int64{5, 2})
	if _, err := r.ERP.Issue(t.Context(), same); err != nil {
		t.Error(err)
	}
	if _, err := r.ERP.Issue(t.Context(), other); fault.KindOf(err) != fault.Rejected || err == nil {
		t.Errorf("of other quantities: %v", err)
	}
	if _, found, err := r.ERP.Issued(t.Context(), other); found || fault.KindOf(err) != fault.Unknown {
		t.Errorf("asked for other quantities: %t, %v", found, err)
	}
	r.stands(t, number, 5, 3)
}

func meanwhile(t *testing.T, r Rig) {
	for _, op := range []Op{Pick, Part, Issue} {
		number := r.Want(5, 3)
		g := Goods(number, []int64{5, 3}, []int64{5, 3})
		if op == Part {
			g.Lines[1].Qty = 2
		}
		r.Meddle(op, number)
		if _, err := r.ERP.Issue(t.Context(), g); fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("at %s: %v", op, err)
		}
		r.nothing(t, number)
		if _, err := r.ERP.Issue(t.Context(), g); err != nil {
			t.Errorf("after %s: %v", op, err)
		}
		r.stands(t, number, 5, g.Lines[1].Qty)
	}
}

func open(t *testing.T, r Rig) {
	number := r.Want(2)
	g := Goods(number, []int64{2}, []int64{2})
	r.Open(number, true)
	if _, err := r.ERP.Issue(t.Context(), g); fault.KindOf(err) != fault.Transient || err == nil {
		t.Error(err)
	}
	r.nothing(t, number)
	r.Open(number, false)
	if _, err := r.ERP.Issue(t.Context(), g); err != nil {
		t.Error(err)
	}
	r.stands(t, number, 2)
}

func closed(t *testing.T, r Rig) {
	number := r.Want(2)
	g := Goods(number, []int64{2}, []int64{2})
	r.Close(true)
	if _, err := r.ERP.Issue(t.Context(), g); fault.KindOf(err) != fault.Rejected || err == nil {
		t.Error(err)
	}
	r.nothing(t, number)
	r.Close(false)
	if _, err := r.ERP.Issue(t.Context(), g); err != nil {
		t.Error(err)
	}
	r.stands(t, number, 2)
}

func expiry(t *testing.T, r Rig) {
	one, two := r.Want(2), r.Want(2)
	if _, err := r.ERP.Issue(t.Context(), Goods(one, []int64{2}, []int64{2})); err != nil {
		t.Fatal(err)
	}
	r.Advance(r.SessionLife + time.Second)
	g := Goods(two, []int64{2}, []int64{2})
	if _, err := r.ERP.Issue(t.Context(), g); err != nil && fault.KindOf(err) != fault.Transient {
		t.Error(err)
	}
	if _, err := r.ERP.Issue(t.Context(), g); err != nil {
		t.Error(err)
	}
	r.stands(t, two, 2)
	if n := r.Sessions(); n != 2 {
		t.Errorf("%d sessions", n)
	}
}

func shared(t *testing.T, r Rig) {
	var all sync.WaitGroup
	var numbers []string
	for range 8 {
		numbers = append(numbers, r.Want(1))
	}
	for _, number := range numbers {
		all.Go(func() {
			if _, err := r.ERP.Issue(t.Context(), Goods(number, []int64{1}, []int64{1})); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, number := range numbers {
		r.stands(t, number, 1)
	}
	if n := r.Sessions(); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func badSecret(t *testing.T, r Rig) {
	number := r.Want(2)
	if _, _, err := r.BadSecret.Delivery(t.Context(), number); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
	if _, err := r.BadSecret.Issue(t.Context(), Goods(number, []int64{2}, []int64{2})); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
	r.nothing(t, number)
}

func unreachable(t *testing.T, r Rig) {
	number := r.Want(2)
	g := Goods(number, []int64{2}, []int64{2})
	_, _, read := r.Unreachable.Delivery(t.Context(), number)
	_, issue := r.Unreachable.Issue(t.Context(), g)
	_, _, asked := r.Unreachable.Issued(t.Context(), g)
	for _, err := range []error{read, issue, asked} {
		if fault.KindOf(err) != fault.Unavailable {
			t.Error(err)
		}
	}
}

func cancelled(t *testing.T, r Rig) {
	number := r.Want(2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.ERP.Issue(ctx, Goods(number, []int64{2}, []int64{2})); fault.KindOf(err) != fault.Transient || !errors.Is(err, context.Canceled) || r.Arrived(Read) != 0 {
		t.Errorf("%v; %d calls", err, r.Arrived(Read))
	}
	r.nothing(t, number)
}

func throttle(t *testing.T, r Rig) {
	number := r.Want(2)
	r.Trouble(Read, shoptest.TooMany)
	_, _, err := r.ERP.Delivery(t.Context(), number)
	wait := fault.AfterOf(err)
	if fault.KindOf(err) != fault.Throttled || wait <= 0 {
		t.Fatalf("%v after %s", err, wait)
	}
	n := r.Arrived(Read)
	if _, _, err := r.ERP.Delivery(t.Context(), number); fault.KindOf(err) != fault.Throttled || r.Arrived(Read) != n {
		t.Errorf("%v; %d calls while it waits", err, r.Arrived(Read)-n)
	}
	r.Advance(wait + time.Second)
	if _, found, err := r.ERP.Delivery(t.Context(), number); !found || err != nil {
		t.Error(err)
	}
}

// readRight: a reading fails, in a way that is tried again or told to a person, or it is right.
func readRight(t *testing.T, r Rig, x Trouble) {
	for _, op := range []Op{Read, Items} {
		number := r.Want(2)
		e := r.ERP
		if x == shoptest.DoneSlow {
			e = r.Impatient
		}
		r.Trouble(op, x)
		d, found, err := e.Delivery(t.Context(), number)
		switch k := fault.KindOf(err); {
		case err == nil && (!found || d.Number != number || len(d.Items) != 1 || d.Items[0].Qty != 2 || d.Items[0].Material != "A"):
			t.Errorf("at %s it was read as %+v, %t", op, d, found)
		case err != nil && (k == fault.Unknown || k == fault.Internal || k == fault.Rejected):
			t.Errorf("a reading ends at %s with %v", op, err)
		}
		r.Advance(fault.AfterOf(err) + time.Second)
		if d, found, err = e.Delivery(t.Context(), number); err != nil || !found || len(d.Items) != 1 {
			t.Errorf("after %s: %+v, %t, %v", op, d, found, err)
		}
	}
}

// issueOnce: whatever befalls one of the calls, the ERP has posted one goods issue, of what left, once the
// caller is certain; and an error other than Unknown means that none is posted.
func issueOnce(t *testing.T, r Rig, op Op, x Trouble) {
	number := r.Want(5, 3)
	g := Goods(number, []int64{5, 3}, []int64{5, 3})
	if op == Part {
		g.Lines[0].Qty, g.Lines[1].Qty = 4, 0
	}
	e := r.ERP
	if x == shoptest.DoneSlow {
		e = r.Impatient
	}
	r.Trouble(op, x)
	for range 10 {
		_, err := e.Issue(t.Context(), g)
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
		_, found, err := e.Issued(t.Context(), g)
		if err != nil || found != (r.Posted(number) == 1) {
			t.Fatalf("found %t, %v; in truth %d", found, err, r.Posted(number))
		}
		if found {
			break
		}
	}
	r.stands(t, number, g.Lines[0].Qty, g.Lines[1].Qty)
}

// Package shoptest is the conformance suite of core/shop.Shop. An adapter passes it against a
// simulator that speaks the shop's wire protocol and keeps a ground truth: what is asserted is what
// the shop was really told, never what the adapter says.
package shoptest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

// Op is a call over the port.
type Op string

// The calls of the port.
const (
	Read    Op = "read" // of one work
	Changed Op = "changed"
	Ship    Op = "ship"
)

// Trouble is what befalls one call.
type Trouble string

// The troubles that a rig must be able to make. "Done" ones strike after the shop has acted.
const (
	LostBefore   Trouble = "connection ends before the shop acts"
	ServerError  Trouble = "500, nothing done"
	Outage       Trouble = "503, nothing done"
	OutagePage   Trouble = "503 as a web page, nothing done"
	TooMany      Trouble = "429"
	TokenRevoked Trouble = "401, the token was revoked"
	DoneLost     Trouble = "done, answer lost"
	DoneSlow     Trouble = "done, answer later than the deadline"
	DoneError    Trouble = "done, 500"
	DoneGateway  Trouble = "done, 503 from a gateway"
	DoneCut      Trouble = "done, body cut"
	DonePage     Trouble = "done, web page instead of JSON"
	DoneHuge     Trouble = "done, body without end"
	DoneTwice    Trouble = "done, answer twice in one body"
	DoneNull     Trouble = "done, results are null"
	DoneReshaped Trouble = "done, objects where texts were"
	DriftLone    Trouble = "arrays of one become objects"
	DriftExtra   Trouble = "unknown members everywhere"
)

// surely are the kinds of error that a Ship may end with where nothing can have been done.
var surely = map[Trouble]fault.Kind{TooMany: fault.Throttled, TokenRevoked: fault.Transient}

// done are troubles that strike after the shop has acted, before those that strike sooner.
var done = []Trouble{DoneLost, DoneSlow, DoneError, DoneGateway, DoneCut, DonePage, DoneHuge, DoneTwice, DoneNull, DoneReshaped}
var before = []Trouble{LostBefore, ServerError, Outage, OutagePage, TooMany, TokenRevoked}
var drift = []Trouble{DriftLone, DriftExtra}

// Rig is one shop at its simulator. Each test gets its own.
type Rig struct {
	Shop shop.Shop
	// Unreachable is the same shop at an address where nobody listens, Impatient with a deadline of
	// about a second, BadSecret with a secret that is refused.
	Unreachable, Impatient, BadSecret shop.Shop

	// Buy lets a buyer order two units of one item and one of another.
	Buy func() (orderID, work string)
	// Missing is an id of a thing that the shop does not have.
	Missing string
	// Trouble befalls the next call of this kind.
	Trouble func(op Op, t Trouble)
	// Advance moves the clock that adapter and simulator share.
	Advance func(d time.Duration)
	// Now is that clock.
	Now func() time.Time
	// TokenLife is how long the simulator's tokens live, where it has any.
	TokenLife time.Duration

	// Ground truth: shipments that the shop knows of a work, calls that arrived, tokens granted (where
	// it has any).
	Told    func(work string) int
	Arrived func(op Op) int
	Grants  func() int
}

// Features are what not every shop has.
type Features struct {
	Tokens bool // it grants tokens that expire; else requests are signed, or bear a secret
}

// Run holds a shop against its contract. rig makes a fresh adapter and simulator and cleans up
// through t.
func Run(t *testing.T, has Features, rig func(t *testing.T) Rig) {
	type test struct {
		name string
		run  func(t *testing.T, r Rig)
	}
	tests := []test{
		{"an order is read as its work, and as itself", readBoth},
		{"what is not there is no work", missing},
		{"what changed is walked to the end and not beyond", walk},
		{"what left is told, and is done when it is read", tell},
		{"more than is left is refused, and nothing is told", tooMuch},
		{"a wrong secret stops the connection, not the message", badSecret},
		{"nobody listening is unavailable, and nothing was told", unreachable},
		{"a cancelled caller is told so and nothing is sent", cancelled},
		{"429 throttles: nothing more leaves until the wait is over", throttle},
	}
	if has.Tokens {
		tests = append(tests, test{"a token expires in mid-run and is renewed", expiry}, test{"one token serves many callers at once", shared})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, rig(t))
		})
	}
	for _, kind := range [][]Trouble{before, done, drift} {
		for _, x := range kind {
			if x == TokenRevoked && !has.Tokens {
				continue
			}
			t.Run("reading: "+string(x), func(t *testing.T) {
				t.Parallel()
				readRight(t, rig(t), x)
			})
			for _, tracked := range []bool{true, false} {
				t.Run(fmt.Sprintf("telling, tracked %t: %s", tracked, x), func(t *testing.T) {
					t.Parallel()
					tellOnce(t, rig(t), x, tracked)
				})
			}
		}
	}
}

// Shipment is all that is left of a work.
func Shipment(w shop.Work, tracking ...string) shop.Shipment {
	s := shop.Shipment{Key: "k", Work: w.ID}
	for _, l := range w.Order.Lines {
		s.Lines = append(s.Lines, shop.LineQty{Ref: l.Ref, Qty: l.Qty - w.DoneOf(l.Ref)})
		s.After = append(s.After, shop.LineQty{Ref: l.Ref, Qty: l.Qty})
		s.Left = append(s.Left, shop.LineQty{Ref: l.Ref, Qty: l.Qty})
	}
	for _, n := range tracking {
		s.Parcels = append(s.Parcels, shop.Parcel{Carrier: "ups", Tracking: n})
	}
	return s
}

func one(t *testing.T, s shop.Shop, id string) shop.Work {
	t.Helper()
	list, err := s.Read(t.Context(), id)
	if err != nil || len(list) != 1 {
		t.Fatalf("reading %s: %d works, %v", id, len(list), err)
	}
	return list[0]
}

// right says what is wrong with a work of [Rig.Buy].
func right(w shop.Work, id string) string {
	var units int64
	refs := map[string]bool{}
	for _, l := range w.Order.Lines {
		units += l.Qty
		refs[l.Ref] = l.Ref != "" && l.Item != ""
	}
	switch {
	case w.ID != id || w.State != shop.Open && w.State != shop.Asked || w.Updated.IsZero():
		return fmt.Sprintf("it is %s, %q at %s", w.ID, w.State, w.Updated)
	case len(w.Order.Lines) != 2 || len(refs) != 2 || units != 3 || refs[""]:
		return fmt.Sprintf("its lines are %+v", w.Order.Lines)
	case w.Order.Number == "" || w.Order.ShipTo.Country == "" || w.Order.ShipTo.Name == "" || len(w.Order.ShipTo.Lines) == 0:
		return fmt.Sprintf("order %q goes to %+v", w.Order.Number, w.Order.ShipTo)
	}
	return ""
}

func readBoth(t *testing.T, r Rig) {
	orderID, id := r.Buy()
	w := one(t, r.Shop, orderID)
	if bad := right(w, id); bad != "" {
		t.Error(bad)
	}
	if again := one(t, r.Shop, id); right(again, id) != "" || again.Order.Number != w.Order.Number {
		t.Errorf("by its own id it is %+v", again)
	}
}

func missing(t *testing.T, r Rig) {
	if list, err := r.Shop.Read(t.Context(), r.Missing); err != nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := r.Shop.Read(t.Context(), "nonsense"); fault.KindOf(err) != fault.Invalid || err == nil {
		t.Errorf("an id that is none: %v", err)
	}
}

func walk(t *testing.T, r Rig) {
	begun := r.Now()
	want := map[string]bool{}
	for range 47 {
		r.Advance(time.Second)
		_, id := r.Buy()
		want[id] = true
	}
	if counter, ok := r.Shop.(shop.Counter); ok { // 0 is one that cannot say
		if n, err := counter.Count(t.Context(), begun); err != nil || n != 0 && n != len(want) {
			t.Errorf("it counts %d of %d, %v", n, len(want), err)
		}
	}
	found, after := map[string]bool{}, ""
	last := time.Time{}
	for pages := 0; ; pages++ {
		p, err := r.Shop.Changed(t.Context(), begun, after)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range p.Work {
			if found[w.ID] || w.Updated.Before(last) {
				t.Errorf("%s of %s comes twice or too late", w.ID, w.Updated)
			}
			found[w.ID], last = true, w.Updated
		}
		if after = p.Next; after == "" {
			break
		}
		if pages > 50 {
			t.Fatal("there is no end")
		}
	}
	for id := range want {
		if !found[id] {
			t.Errorf("%s was not found", id)
		}
	}
	if p, err := r.Shop.Changed(t.Context(), r.Now().Add(time.Hour), ""); err != nil || len(p.Work) > 0 || p.Next != "" {
		t.Errorf("of the future %+v, %v", p, err)
	}
}

func tell(t *testing.T, r Rig) {
	_, id := r.Buy()
	w := one(t, r.Shop, id)
	s := Shipment(w, "1Z1", "1Z2")
	if _, found, err := r.Shop.Shipped(t.Context(), s); found || err != nil {
		t.Errorf("before it was told: found %t, %v", found, err)
	}
	told, err := r.Shop.Ship(t.Context(), s)
	if err != nil || told == "" || r.Told(id) != 1 {
		t.Fatalf("%q, %v; in truth %d", told, err, r.Told(id))
	}
	if again, found, err := r.Shop.Shipped(t.Context(), s); again != told || !found || err != nil {
		t.Errorf("asked for: %q, %t, %v", again, found, err)
	}
	w = one(t, r.Shop, id)
	for _, l := range w.Order.Lines {
		if w.DoneOf(l.Ref) != l.Qty {
			t.Errorf("%d of %d of line %s are done", w.DoneOf(l.Ref), l.Qty, l.Ref)
		}
	}
	if w.State != shop.Closed {
		t.Errorf("it is %s", w.State)
	}
}

func tooMuch(t *testing.T, r Rig) {
	_, id := r.Buy()
	s := Shipment(one(t, r.Shop, id), "1Z1")
	s.Lines[0].Qty += 5
	if _, err := r.Shop.Ship(t.Context(), s); fault.KindOf(err) != fault.Rejected || err == nil || r.Told(id) != 0 {
		t.Errorf("%v; %d told", err, r.Told(id))
	}
	if _, err := r.Shop.Ship(t.Context(), shop.Shipment{Work: id}); fault.KindOf(err) != fault.Invalid || err == nil {
		t.Errorf("nothing left: %v", err)
	}
}

func expiry(t *testing.T, r Rig) {
	_, id := r.Buy()
	one(t, r.Shop, id)
	n := r.Grants()
	r.Advance(r.TokenLife + time.Second)
	one(t, r.Shop, id)
	if r.Grants() != n+1 {
		t.Errorf("%d tokens, then %d", n, r.Grants())
	}
}

func shared(t *testing.T, r Rig) {
	_, id := r.Buy()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _, _ = r.Shop.Read(t.Context(), id) })
	}
	all.Wait()
	if r.Grants() != 1 {
		t.Errorf("%d tokens", r.Grants())
	}
}

func badSecret(t *testing.T, r Rig) {
	_, id := r.Buy()
	if _, err := r.BadSecret.Read(t.Context(), id); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
}

func unreachable(t *testing.T, r Rig) {
	_, id := r.Buy()
	s := Shipment(one(t, r.Shop, id), "1Z1")
	if _, err := r.Unreachable.Read(t.Context(), id); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
	if _, err := r.Unreachable.Ship(t.Context(), s); fault.KindOf(err) != fault.Unavailable || r.Told(id) != 0 {
		t.Errorf("%v; %d told", err, r.Told(id))
	}
}

func cancelled(t *testing.T, r Rig) {
	_, id := r.Buy()
	s := Shipment(one(t, r.Shop, id), "1Z1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n := r.Arrived(Ship)
	if _, err := r.Shop.Ship(ctx, s); fault.KindOf(err) != fault.Transient || r.Arrived(Ship) != n || r.Told(id) != 0 {
		t.Errorf("%v; %d calls", err, r.Arrived(Ship)-n)
	}
}

func throttle(t *testing.T, r Rig) {
	_, id := r.Buy()
	one(t, r.Shop, id)
	r.Trouble(Read, TooMany)
	_, err := r.Shop.Read(t.Context(), id)
	wait := fault.AfterOf(err)
	if fault.KindOf(err) != fault.Throttled || wait <= 0 {
		t.Fatalf("%v after %s", err, wait)
	}
	n := r.Arrived(Read)
	if _, err := r.Shop.Read(t.Context(), id); fault.KindOf(err) != fault.Throttled || r.Arrived(Read) != n {
		t.Errorf("%v; %d calls while it waits", err, r.Arrived(Read)-n)
	}
	r.Advance(wait + time.Second)
	one(t, r.Shop, id)
}

// readRight: a reading fails, in a way that is tried again or told to a person, or it is right.
func readRight(t *testing.T, r Rig, x Trouble) {
	_, id := r.Buy()
	s := r.Shop
	if x == DoneSlow {
		s = r.Impatient
	}
	one(t, s, id)
	r.Trouble(Read, x)
	list, err := s.Read(t.Context(), id)
	switch k := fault.KindOf(err); {
	case err == nil && (len(list) != 1 || right(list[0], id) != ""):
		t.Errorf("it was read as %+v", list)
	case err != nil && (k == fault.Unknown || k == fault.Internal || k == fault.Rejected):
		t.Errorf("a reading ends with %v", err)
	}
	r.Advance(fault.AfterOf(err) + time.Second)
	one(t, s, id)
}

// tellOnce: whatever befalls the telling, the shop knows of one shipment once the caller is certain,
// and an error other than Unknown means that it knows of none.
func tellOnce(t *testing.T, r Rig, x Trouble, tracked bool) {
	_, id := r.Buy()
	sh := r.Shop
	if x == DoneSlow {
		sh = r.Impatient
	}
	s := Shipment(one(t, sh, id))
	if tracked {
		s.Parcels = []shop.Parcel{{Carrier: "ups", Tracking: "1Z1"}}
	}
	r.Trouble(Ship, x)
	_, err := sh.Ship(t.Context(), s)
	if want, sure := surely[x]; sure && fault.KindOf(err) != want {
		t.Errorf("%v, want %v", err, want)
	}
	if k := fault.KindOf(err); err != nil && k != fault.Unknown && r.Told(id) != 0 {
		t.Fatalf("the shop knows of it, and the error promises that it does not: %v", err)
	}
	r.Advance(fault.AfterOf(err) + time.Second)
	for range 3 {
		_, found, err := sh.Shipped(t.Context(), s)
		if err != nil || found != (r.Told(id) == 1) {
			t.Fatalf("found %t, %v; in truth %d", found, err, r.Told(id))
		}
		if found {
			return
		}
		if _, err = sh.Ship(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if n := r.Told(id); n != 1 {
			t.Fatalf("%d shipments", n)
		}
	}
}

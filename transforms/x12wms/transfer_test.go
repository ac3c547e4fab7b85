package x12wms_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/transforms/x12wms"
)

// coming draws a receipt that is announced.
func coming(r *rapid.T) receiving.Receipt {
	a := receiving.Announcement{Kind: receiving.KindASN, Supplier: word(1, 60).Draw(r, "supplier"), Reference: word(1, 22).Draw(r, "reference"), Due: time.Date(2026, 12, 1, 23, 59, 59, 0, time.UTC)}
	for no := range rapid.IntRange(1, 5).Draw(r, "lines") {
		l := receiving.Line{No: no + 1, Item: word(1, 48).Draw(r, "item"), Qty: rapid.Int64Range(1, 99_999).Draw(r, "qty")}
		if rapid.Bool().Draw(r, "tracked") {
			l.Lot, l.Expiry = word(1, 30).Draw(r, "lot"), inventory.Date("2027-05-31")
		}
		a.Lines = append(a.Lines, l)
	}
	events, err := receiving.Receipt{}.Announce(receiving.Announce{Scope: where, ID: word(1, 12).Draw(r, "number"), Announcement: a}, noon)
	if err != nil {
		r.Fatal(err)
	}
	got, err := receiving.Fold.Replay(receiving.Receipt{}, events...)
	if err != nil {
		r.Fatal(err)
	}
	return got
}

var both = x12wms.Profile{Tenant: "t1", Owners: map[string]string{"D7": "acme"}, Facilities: map[string]string{"W1": "dc1"}}

// Put-get: who is told by 943 reads the announcement that was written.
func TestWhatA3PLIsToldOfIsTheReceipt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		want := coming(r)
		got, err := both.Expected(inside(t, "943", "AR", both.TransferAdvice(want)))
		if err != nil {
			r.Fatal(err)
		}
		a := got.Announcement
		if got.Scope != want.Scope || got.ID != want.ID || a.Supplier != want.Supplier || a.Reference != want.Reference || !a.Due.Equal(want.Due) || len(a.Lines) != len(want.Lines) {
			r.Fatalf("wrote\n%+v\nread\n%+v", want, got)
		}
		for i, l := range a.Lines {
			if w := want.Lines[i]; l.Item != w.Item || l.Qty != w.Qty || l.Lot != w.Lot || l.Expiry != w.Expiry || got.Units[i] != "each" {
				r.Fatalf("wrote line %+v, read %+v", w, l)
			}
		}
	})
}

// Put-get: what a 944 of ours says came is what is read from it.
func TestWhatA944SaysIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		have := coming(r)
		for _, l := range have.Lines {
			for _, condition := range []string{receiving.Good, receiving.Damaged} {
				n := rapid.Int64Range(0, l.Qty).Draw(r, "came")
				if n == 0 {
					continue
				}
				events, err := have.Receive(receiving.Receive{Place: inventory.Place{Location: "D"}, Line: l.No, Qty: n, Condition: condition, Reason: map[string]string{receiving.Damaged: "wet"}[condition],
					Policy: receiving.Policy{Tolerance: receiving.MaxTolerance, Over: receiving.HoldOver, Stage: inventory.Free}}, noon)
				if err != nil {
					r.Fatal(err)
				}
				if have, err = receiving.Fold.Replay(have, events...); err != nil {
					r.Fatal(err)
				}
			}
		}
		a, err := both.Arrived(inside(t, "944", "RE", both.ReceiptAdvice(have, receiving.Closed{Head: receiving.Head{Scope: where, ID: have.ID, At: noon}})))
		if err != nil {
			r.Fatal(err)
		}
		if !slices.ContainsFunc(a.Numbers, func(n x12wms.Text) bool { return n.Value == have.ID }) || len(a.Lines) != len(have.Lines) {
			r.Fatalf("%+v of %+v", a, have)
		}
		for i, l := range a.Lines {
			if w := have.Lines[i]; l.Ref.Value != itoa(w.No) || l.Codes[0].Value != w.Item || l.Qty != w.Got() || l.Damaged != w.Damaged || l.Lot != w.Lot {
				r.Fatalf("wrote line %+v, read %+v", w, l)
			}
		}
	})
}

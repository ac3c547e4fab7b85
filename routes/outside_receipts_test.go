package routes

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/receiving"
)

func advice944(control, body string) string {
	return strings.NewReplacer("GS*SW", "GS*RE", "ST*945", "ST*944").Replace(advice945(control, body))
}

const wholeReceipt = "W17*F*20000105*WR-1*R-1*~\nN1*WH**92*LOU1~\nW07*4*CA**SK*SKU-1~\nN9*LI*1~\nN9*LT*L7~\nW07*6*EA**SK*SKU-1~\nN9*LI*2~\nW13*2*EA*01**ZZ~\nW13*1*EA*03~\nW14*10~\n"

// outsideReceipt announces 30 and 5 of SKU-1 to the building that TPL runs.
func (r *rig) outsideReceipt(t *testing.T) {
	t.Helper()
	if err := r.askOutsideReceipt(receiving.Announce{Announcement: receiving.Announcement{Kind: receiving.KindASN, Supplier: "MILL", Reference: "PO-9", Due: time.Date(2000, 1, 4, 12, 0, 0, 0, time.UTC),
		Lines: []receiving.Line{{Item: "SKU-1", Qty: 30}, {Item: "SKU-1", Qty: 5}}}}); err != nil {
		t.Fatal(err)
	}
	settle(time.Minute)
}

func (r *rig) askOutsideReceipt(cmd any) error {
	west := site
	west.Facility = "west"
	_, err := r.ask(door.Receipts, door.Ask{Scope: west, ID: "R-1", Cmd: cmd, Key: &door.Key{Scope: "test", ID: fmt.Sprintf("%T", cmd)}})
	return err
}

func (r *rig) receiptOutside() receiving.Receipt {
	r.t.Helper()
	west := site
	west.Facility = "west"
	return foldOf(r, receiving.Fold, receiving.StreamOf(west, "R-1"))
}

func TestA3PLIsToldBy943WhatComesAndSaysBy944WhatCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideRig(t)
		r.outsideReceipt(t)
		r.noLetters()
		sent := box.sets(t, "943")
		if len(sent) != 1 || sent[0].ISA.Receiver != "TPL" || said(sent, "W06", 1, 2, 6) != "F R-1 PO-9" || said(sent, "N1", 1, 4) != "WH LOU1, DE BRAND, SF " || said(sent, "W04", 1, 2, 5) != "30 EA SKU-1, 5 EA SKU-1" ||
			said(sent, "N9", 1, 2) != "LI 1, LI 2" || said(sent, "G62", 1, 2) != "17 20000104" || said(sent, "W03", 1) != "35" {
			t.Fatalf("%d 943s: %s; %s; %s", len(sent), said(sent, "W06", 1, 2, 6), said(sent, "N1", 1, 4), said(sent, "W04", 1, 2, 5))
		}
		for _, control := range []string{"21", "22"} {
			if err := r.tpl(advice944(control, wholeReceipt)); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
		}
		r.noLetters()
		got := r.receiptOutside()
		if a, b := got.Lines[0], got.Lines[1]; got.Status != receiving.StatusClosed || a.Good != 24 || a.Open() != 6 || b.Got() != 6 || b.Damaged != 2 {
			t.Errorf("%s: %+v, %+v", got.Status, a, b)
		}
		differs := fmt.Sprint(got.Differs())
		for _, what := range []string{"6 of 30 are missing", "2 came damaged", "1 came beyond"} {
			if !strings.Contains(differs, what) {
				t.Errorf("%s says nothing of %s", differs, what)
			}
		}
		if c := r.count(); c["stock.Received"] != 1 || c["receipt.Closed"] != 1 {
			t.Errorf("%v", c) // the rig's own stock alone
		}
		// Another one of it contradicts.
		if err := r.tpl(advice944("23", strings.Replace(wholeReceipt, "W07*6*", "W07*5*", 1)[:strings.Index(wholeReceipt, "W14*")])); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if l := r.letters(); len(l) != 1 || !strings.HasPrefix(l[0].Place, "W17-04 (segment 2,") || !strings.Contains(l[0].Cause, "a 944 of it came before, and said something else: ask TPL") {
			t.Errorf("%+v", l)
		}
	})
}

func TestWhatA3PLSaysAmissOfAReceiptIsALetterAtItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ old, now, place, says string }{
		"of none that was announced": {"*R-1*", "*R-9*", "W17-04 (segment 2,", "none of that number was announced to TPL"},
		"of another item":            {"W07*6*EA**SK*SKU-1", "W07*6*EA**SK*SKU-2", "W07-01 (segment 7,", "receipt R-1 has no such line"},
		"in a unit that is none":     {"W07*4*CA", "W07*4*ZZ", "W07-01 (segment 4,", "ZZ"},
		"half a piece":               {"W07*6*EA", "W07*6.5*EA", "W07-01 (segment 7,", "is not a whole number"},
		"more damaged than came":     {"W13*2*", "W13*11*", "W13-01 (segment 9,", "more of it is damaged than came"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := outsideRig(t)
				r.outsideReceipt(t)
				bad := strings.Replace(wholeReceipt, c.old, c.now, 1)
				bad, _, _ = strings.Cut(bad, "W14*")
				if err := r.tpl(advice944("21", bad)); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				if l := r.letters(); len(l) != 1 || !strings.HasPrefix(l[0].Place, c.place) || !strings.Contains(l[0].Cause, c.says) {
					t.Errorf("%+v", l)
				}
				if got := r.receiptOutside(); got.Status != receiving.StatusAnnounced || len(got.Entries) != 0 {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestAReceiptThatIsChangedIsAnnouncedAnewAndOneThatIsCancelledIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideRig(t)
		r.outsideReceipt(t)
		if err := r.askOutsideReceipt(receiving.Change{Announcement: receiving.Announcement{Kind: receiving.KindASN, Lines: []receiving.Line{{Item: "SKU-1", Qty: 12}}}}); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.noLetters()
		if sent := box.sets(t, "943"); len(sent) != 2 || said(sent[1:], "W04", 1) != "12" {
			t.Errorf("%d 943s: %s", len(sent), said(sent, "W04", 1))
		}
		if err := r.askOutsideReceipt(receiving.Cancel{Reason: "lost"}); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if l := r.letters(); len(l) != 1 || l[0].Place != "R-1" || !strings.Contains(l[0].Cause, "tell him, then drop this letter") {
			t.Errorf("%+v", l)
		}
	})
}

// Whatever dies, he is told once, and what he says is taken once.
func TestACrashAfterAnyUnitOfAnOutsideReceiptReceivesOnce(t *testing.T) {
	wherever(t, 8, outsideRig, func(r *rig) []func() error {
		return []func() error{
			func() error { return r.askOutsideReceipt(twoLines) },
			func() error { return r.tpl(advice944("21", wholeReceipt)) },
		}
	}, func(t *testing.T, r *rig, box *mailbox) {
		if c := r.count(); len(box.sets(t, "943")) != 1 || c["receipt.Closed"] != 1 || c["receipt.Received"] != 4 || r.receiptOutside().Lines[0].Good != 24 {
			t.Errorf("%d 943s, %v", len(box.sets(t, "943")), c)
		}
	})
}

// twoLines announces 30 and 5 of SKU-1.
var twoLines = receiving.Announce{Announcement: receiving.Announcement{Kind: receiving.KindASN, Lines: []receiving.Line{{Item: "SKU-1", Qty: 30}, {Item: "SKU-1", Qty: 5}}}}

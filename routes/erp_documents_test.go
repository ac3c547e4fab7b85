package routes

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/receiving"
)

// Reverse implements [erp.Reverser].
func (e *testERP) Reverse(_ context.Context, r erp.Reversal) (erp.Posted, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.no != nil {
		return erp.Posted{}, e.no
	}
	if e.posted[r.Delivery].Key == "" {
		return erp.Posted{Delivery: r.Delivery}, nil
	}
	delete(e.posted, r.Delivery)
	e.undone++
	if e.lose > 0 {
		e.lose--
		return erp.Posted{}, fault.E("erp.Reverse", fault.Unknown, errors.New("the answer was lost"))
	}
	return erp.Posted{Delivery: r.Delivery}, nil
}

// Reversed implements [erp.Reverser].
func (e *testERP) Reversed(_ context.Context, r erp.Reversal) (erp.Posted, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, stands := e.posted[r.Delivery]
	return erp.Posted{Delivery: r.Delivery}, !stands, nil
}

func newReverserRig(t *testing.T) (*rig, *testERP) {
	e := newTestERP()
	r, _ := newERPRig(t, func(c *ERPConfig) { c.Port, c.Reverser = e, e })
	return r, e
}

const outboundNumber = "80000001"

func issueAct(reverse bool) erp.Act {
	a := erp.Act{ERP: "main", Do: erp.DoIssue, Number: outboundNumber, Reverse: reverse, By: "kim"}
	if reverse {
		a.Reason = "the wrong goods"
	}
	return a
}

// atERP is how the document stands, and how often the ERP has posted and taken it back.
func (r *rig) atERP(e *testERP, want string, posted, undone int) erp.Document {
	r.t.Helper()
	x, err := r.hub.ERPDocument(context.Background(), "main", erp.DoIssue, outboundNumber)
	if err != nil || x.Status != want || e.times != posted || e.undone != undone {
		r.t.Errorf("%+v, %v; posted %d times, taken back %d; want %s, %d, %d", x, err, e.times, e.undone, want, posted, undone)
	}
	return x
}

func (r *rig) act(a erp.Act) {
	r.t.Helper()
	if _, err := r.hub.ActOnERP(context.Background(), a); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) noAct(a erp.Act, kind fault.Kind, says string) {
	r.t.Helper()
	if _, err := r.hub.ActOnERP(context.Background(), a); err == nil || fault.KindOf(err) != kind || !strings.Contains(err.Error(), says) {
		r.t.Errorf("%+v: %v, want %s", a, err, says)
	}
}

// What was posted is taken back once, though the answer is lost, and posted anew once somebody wants it.
func TestAGoodsIssueIsTakenBackAndPostedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newReverserRig(t)
		r.stock("A", 3, "P-1")
		r.noAct(issueAct(true), fault.Rejected, "was asked for no goods_issue")
		r.must(door.Orders, outboundNumber, place(outboundNumber, lines("A", 2)))
		settle(time.Hour)
		if x := r.atERP(e, erp.Stands, 1, 0); x.Day.IsZero() || x.Letter != "" {
			t.Errorf("%+v", x)
		}
		r.noAct(issueAct(false), fault.Rejected, "only one that is reversed is posted anew")
		bad := issueAct(true)
		bad.Reason = ""
		r.noAct(bad, fault.Invalid, "is missing")
		bad = issueAct(true)
		bad.ERP = "other"
		r.noAct(bad, fault.Rejected, "other")
		bad = issueAct(true)
		bad.Do = erp.DoReceipt
		r.noAct(bad, fault.Rejected, "was asked for no goods_receipt")
		e.lose = 1
		r.act(issueAct(true))
		settle(time.Hour)
		r.atERP(e, erp.Undone, 1, 1)
		r.noAct(issueAct(true), fault.Rejected, "is reversed: only one that is posted")
		r.act(issueAct(false))
		settle(time.Hour)
		r.atERP(e, erp.Stands, 2, 1)
		r.issued(e, outboundNumber, "2 of 2 A", 2)
		if n := r.count()[erpTold]; n != 3 {
			t.Errorf("told %d times", n)
		}
		r.noLetters()
	})
}

// What the ERP refuses is a letter that the document shows, and is tried again by the same words.
func TestADocumentThatIsRefusedIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newReverserRig(t)
		r.stock("A", 3, "P-1")
		no := fault.At("erp", fault.Rejected, "delivery", errors.New("the period is closed"))
		e.says(no)
		r.must(door.Orders, outboundNumber, place(outboundNumber, lines("A", 2)))
		settle(time.Hour)
		if x := r.atERP(e, erp.Asked, 0, 0); x.Letter == "" || !strings.Contains(x.Cause, "the period is closed") {
			t.Errorf("%+v", x)
		}
		r.noAct(issueAct(true), fault.Rejected, "is asked: only one that is posted")
		r.act(issueAct(false)) // and again no
		settle(time.Hour)
		if x := r.atERP(e, erp.Asked, 0, 0); x.Letter == "" {
			t.Errorf("%+v", x)
		}
		e.says(nil)
		r.act(issueAct(false))
		settle(time.Hour)
		if x := r.atERP(e, erp.Stands, 1, 0); x.Letter != "" || x.Cause != "" {
			t.Errorf("%+v", x)
		}
		e.says(no)
		r.act(issueAct(true))
		settle(time.Hour)
		if x := r.atERP(e, erp.Reversing, 1, 0); x.Letter == "" {
			t.Errorf("%+v", x)
		}
		drop := func() {
			l := r.letters()
			if err := r.hub.Desk().Drop(t.Context(), l[0].ID, l[0].Opening, "kim", "let it be"); err != nil {
				t.Fatal(err)
			}
		}
		drop()
		if x := r.atERP(e, erp.Reversing, 1, 0); !strings.Contains(x.Cause, "was dropped: ask for it anew") || x.Letter != "" {
			t.Errorf("%+v", x)
		}
		r.act(issueAct(true)) // and again no, of another wish
		settle(time.Hour)
		e.says(nil)
		r.act(issueAct(true))
		settle(time.Hour)
		r.atERP(e, erp.Undone, 1, 1)
		e.says(no)
		r.act(issueAct(false))
		settle(time.Hour)
		drop()
		e.says(nil)
		r.act(issueAct(false))
		settle(time.Hour)
		r.atERP(e, erp.Stands, 2, 1)
		r.noLetters()
	})
}

// The process dies after each unit in turn, from the wish to the answer, which is lost: it is taken back once.
func TestACrashAfterAnyUnitTakesAGoodsIssueBackOnce(t *testing.T) {
	afterEachUnit(t, 3, func(t *testing.T, n int) (ended bool) {
		r, e := newReverserRig(t)
		r.stock("A", 3, "P-1")
		r.must(door.Orders, outboundNumber, place(outboundNumber, lines("A", 2)))
		settle(time.Hour)
		r.atERP(e, erp.Stands, 1, 0)
		e.lose = 1
		r.batch = 1
		r.restart()
		r.crash(n)
		_, _ = r.hub.ActOnERP(t.Context(), issueAct(true))
		settle(time.Hour)
		if ended = r.bus.Flush(t.Context()) == nil && r.bus.Err() == nil; !ended {
			r.restart()
			_, _ = r.hub.ActOnERP(t.Context(), issueAct(true)) // refused where it is under way
			settle(2 * time.Hour)
		}
		r.atERP(e, erp.Undone, 1, 1)
		if n := r.count()[erpTold]; n != 2 {
			t.Errorf("told %d times", n)
		}
		r.noLetters()
		return ended
	})
}

// A goods receipt that is posted anew tells nothing of held goods again.
func TestAGoodsReceiptIsTakenBackAndPostedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newReceiverRig(t, func(c *ERPConfig) { c.Reverser = c.Port.(erp.Reverser) })
		e.announces(inbound, nil, "A", 5)
		r.lookAtERP()
		settle(10 * time.Minute)
		r.must(door.Receipts, inbound, receiving.Arrive{Dock: "DOCK"})
		r.must(door.Receipts, inbound, receiving.Receive{Item: "A", Qty: 4, Condition: receiving.Damaged, Reason: "wet"})
		r.must(door.Receipts, inbound, receiving.Close{})
		settle(time.Hour)
		a := erp.Act{ERP: "main", Do: erp.DoReceipt, Number: inbound, Reverse: true, Reason: "wrong", By: "kim"}
		r.act(a)
		settle(time.Hour)
		a.Reverse = false
		r.act(a)
		settle(time.Hour)
		x, err := r.hub.ERPDocument(t.Context(), "main", erp.DoReceipt, inbound)
		if err != nil || x.Status != erp.Stands {
			t.Errorf("%+v, %v", x, err)
		}
		r.postedReceipt(e, "4 of 5 A", 2)
		if got := e.told(); got != "hold 4 A" {
			t.Errorf("told %q", got)
		}
		r.noLetters()
	})
}

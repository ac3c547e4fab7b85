package routes

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
)

// testERP is an ERP with a ledger of its own: what it posted is the ground truth.
type testERP struct {
	mu     sync.Mutex
	asks   map[string]erp.Work // what it wants delivered
	page   int                 // deliveries of a page of its list; 0 is all
	lists  int                 // that were read
	reads  int                 // of one delivery
	posted map[string]erp.GoodsIssue
	times  int   // goods issues that were posted
	undone int   // and taken back
	calls  int   // that arrived
	lose   int   // so many of the next answers
	no     error // what it says instead of posting
	moves  []erp.Adjustment
}

func newTestERP() *testERP {
	return &testERP{posted: map[string]erp.GoodsIssue{}, asks: map[string]erp.Work{}}
}

func (e *testERP) Delivery(context.Context, string) (erp.Delivery, bool, error) {
	return erp.Delivery{}, false, nil
}

func (e *testERP) Issue(_ context.Context, g erp.GoodsIssue) (erp.Posted, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls++
	if e.no != nil {
		return erp.Posted{}, e.no
	}
	e.posted[g.Delivery] = g
	e.times++
	if w, ok := e.asks[g.Delivery]; ok {
		w.Movement, w.Version = erp.Moved, w.Version+"+"
		e.asks[g.Delivery] = w
	}
	if e.lose > 0 {
		e.lose--
		return erp.Posted{}, fault.E("erp.Issue", fault.Unknown, errors.New("the answer was lost"))
	}
	return erp.Posted{Delivery: g.Delivery, Day: time.Now()}, nil
}

func (e *testERP) Issued(_ context.Context, g erp.GoodsIssue) (erp.Posted, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, found := e.posted[g.Delivery]
	return erp.Posted{Delivery: g.Delivery, Day: time.Now()}, found, nil
}

func (e *testERP) says(no error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.no = no
}

// left is what the ERP has posted of a delivery, by line, and how often anything was posted.
func (e *testERP) left(number string) (qty string, times int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []string
	for _, l := range e.posted[number].Lines {
		all = append(all, fmt.Sprintf("%d of %d %s", l.Qty, l.Ordered, l.SKU))
	}
	return strings.Join(all, ", "), e.times
}

func newERPRig(t *testing.T, change ...func(*ERPConfig)) (*rig, *testERP) {
	r := newRig(t)
	e := newTestERP()
	c := ERPConfig{Name: "main", Port: e}
	for _, f := range change {
		f(&c)
	}
	r.erps = []ERPConfig{c}
	r.restart()
	return r, e
}

func (r *rig) issued(e *testERP, number, want string, times int) {
	r.t.Helper()
	if qty, n := e.left(number); qty != want || n != times {
		r.t.Errorf("of %s %q left, %d goods issues in all; want %q, %d", number, qty, n, want, times)
	}
}

// The process dies after each unit in turn, from the order to the ERP's answer, which is lost: one goods
// issue is posted, of what left.
func TestACrashAfterAnyUnitPostsOneGoodsIssue(t *testing.T) {
	afterEachUnit(t, 20, func(t *testing.T, n int) (ended bool) {
		r, e := newERPRig(t)
		r.stock("A", 3, "P-1")
		e.lose = 1
		r.batch = 1
		r.restart()
		r.crash(n)
		p := place("80000001", lines("A", 2))
		_, _ = r.ask(door.Orders, door.Ask{ID: "80000001", Cmd: p})
		settle(time.Hour)
		if ended = r.bus.Err() == nil; !ended {
			r.restart()
			if _, err := r.ask(door.Orders, door.Ask{ID: "80000001", Cmd: p}); err != nil {
				t.Fatal(err)
			}
			settle(2 * time.Hour)
		}
		r.status("80000001", order.StatusShipped)
		r.issued(e, "80000001", "2 of 2 A", 1)
		if n := r.count()[erpTold]; n != 1 {
			t.Errorf("it is told %d times that the goods issue is posted", n)
		}
		r.noLetters()
		return ended
	})
}

// A delivery has one goods issue: of an order that leaves in parts it is posted when nothing is open any more.
func TestAGoodsIssueWaitsForAllOfAnOrder(t *testing.T) {
	for name, rest := range map[string]struct {
		do   func(r *rig)
		want string
	}{
		"the rest leaves later": {func(r *rig) {
			r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 3})
		}, "5 of 5 A"},
		"the rest is cancelled": {func(r *rig) {
			r.must(door.Orders, "80000001", order.Cancel{Reason: "customer", By: "kim"})
		}, "2 of 5 A"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, e := newERPRig(t)
				r.stock("A", 2, "P-1")
				r.place("80000001", "A", 5)
				settle(time.Hour)
				r.status("80000001", order.StatusPartiallyShipped)
				r.issued(e, "80000001", "", 0)
				rest.do(r)
				settle(time.Hour)
				r.status("80000001", order.StatusShipped)
				r.issued(e, "80000001", rest.want, 1)
				r.noLetters()
			})
		})
	}
}

func TestOrdersThatAreNoDeliveriesAreLeftAlone(t *testing.T) {
	for name, change := range map[string]func(*ERPConfig){
		"of another owner":   func(c *ERPConfig) { c.Owner = "SOMEBODY" },
		"of another number":  func(c *ERPConfig) { c.Numbers = regexp.MustCompile(`^8\d{7}$`) },
		"nothing of it left": func(*ERPConfig) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, e := newERPRig(t, change)
				r.stock("A", 2, "P-1")
				if name == "nothing of it left" {
					r.place("SO-1", "A", 99)
					r.must(door.Orders, "SO-1", order.Hold{Reason: "look", By: "kim"})
					r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer", By: "kim"})
				} else {
					r.place("SO-1", "A", 2)
				}
				settle(time.Hour)
				if e.calls != 0 || !r.order("SO-1").Closed() {
					t.Errorf("%d calls; the order is %s", e.calls, r.order("SO-1").Status())
				}
				r.noLetters()
			})
		})
	}
}

func TestAnERPsNoIsALetterAndItsOutageIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newERPRig(t)
		r.stock("A", 9, "P-1")
		e.says(fault.E("erp.Issue", fault.Rejected, errors.New("the period is closed")))
		r.place("80000001", "A", 2)
		settle(time.Hour)
		r.issued(e, "80000001", "", 0)
		l := r.letters()
		if len(l) != 1 || l[0].Route != "out.erp.main" || l[0].Kind != fault.Rejected.String() || !strings.Contains(l[0].Cause, "period") {
			t.Fatalf("%+v", l)
		}
		e.says(fault.E("erp.Issue", fault.Unavailable, errors.New("maintenance")))
		r.place("80000002", "A", 3)
		settle(6 * time.Hour)
		if len(r.letters()) != 1 {
			t.Errorf("an outage is a letter: %v", r.lettersText())
		}
		r.status("80000002", order.StatusShipped) // the building goes on
		e.says(nil)
		settle(time.Hour)
		r.issued(e, "80000002", "3 of 3 A", 1)
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "kim"); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		r.issued(e, "80000001", "2 of 2 A", 2)
		r.noLetters()
	})
}

func TestAnOrderThatIsNoDeliveryAnyMoreIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newERPRig(t)
		r.stock("A", 9, "P-1")
		r.stock("B", 0, "P-2")
		r.place("80000001", "A", 2, "B", 4)
		settle(time.Hour)
		r.must(door.Orders, "80000001", order.Split{Lines: []order.LineQty{{Line: 2, Qty: 4}}, To: "80000001-2", By: "kim"})
		settle(time.Hour)
		l := r.letters()
		if len(l) != 1 || l[0].Route != "out.erp" || !strings.Contains(l[0].Cause, "split") || e.calls != 0 {
			t.Errorf("%+v; %d calls", r.lettersText(), e.calls)
		}
	})
}

func TestTwoERPsOfTheSameOrdersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		one := ERPConfig{Name: "one", Port: newTestERP(), Owner: "ACME"}
		two := one
		two.Name = "two"
		if err := AddERPs(r.hub, r.flows, []ERPConfig{one, two}); err == nil || !strings.Contains(err.Error(), "same orders") {
			t.Error(err)
		}
	})
}

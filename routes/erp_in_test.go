package routes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
)

// Changed implements [erp.Source]: by number, those without a goods issue.
func (e *testERP) Changed(_ context.Context, _ time.Time, after string) (erp.Page, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.no != nil {
		return erp.Page{}, e.no
	}
	e.lists++
	var p erp.Page
	for _, number := range slices.Sorted(maps.Keys(e.asks)) {
		if number <= after || e.asks[number].Movement != erp.NotMoved {
			continue
		}
		if e.page > 0 && len(p.Deliveries) == e.page {
			p.Next = p.Deliveries[len(p.Deliveries)-1].Number
			break
		}
		p.Deliveries = append(p.Deliveries, e.asks[number].Listed)
	}
	return p, nil
}

// Read implements [erp.Source].
func (e *testERP) Read(_ context.Context, number string) (erp.Work, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.no != nil {
		return erp.Work{}, false, e.no
	}
	e.reads++
	w, found := e.asks[number]
	if found && len(w.Order.Lines) > 0 && w.Order.Lines[0].Item == "half" {
		return erp.Work{}, false, fault.At("erp.Read", fault.Rejected, "item 10", errors.New("half of it is asked for"))
	}
	return w, found, nil
}

// wants lets the ERP ask for a delivery, or for another than before.
func (e *testERP) wants(number string, change func(w *erp.Work), of ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := erp.Work{Listed: erp.Listed{Number: number, Version: "v" + strconv.Itoa(e.reads) + number, Point: "1710"}, Movement: erp.NotMoved}
	if was, ok := e.asks[number]; ok {
		w.Version = was.Version + "+"
	}
	w.Order = order.Place{Number: number, ShipTo: adaMartin, Lines: lines(of...)}
	for i := range w.Order.Lines {
		w.Order.Lines[i].Ref = strconv.Itoa(10 * (i + 1))
	}
	if change != nil {
		change(&w)
	}
	e.asks[number] = w
}

var adaMartin = party.Address{Name: "Ada Martin", Lines: []string{"12 Elm St"}, City: "Atlanta", Region: "GA", PostalCode: "30303", Country: "US"}

func (e *testERP) deletes(number string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.asks, number)
}

// newSourceRig is a rig whose ERP's deliveries become orders. It is looked through from now on.
func newSourceRig(t *testing.T, change ...func(*ERPConfig)) (*rig, *testERP) {
	e := newTestERP()
	r, _ := newERPRig(t, append([]func(*ERPConfig){func(c *ERPConfig) {
		c.Port, c.Source, c.Tenant, c.Owner, c.Facility = e, e, site.Tenant, site.Owner, site.Facility
	}}, change...)...)
	return r, e
}

func (r *rig) lookAtERP() {
	r.t.Helper()
	if _, err := r.hub.Call(context.Background(), door.ERPs, erp.Hint{ERP: "main"}); err != nil {
		r.t.Fatal(err)
	}
}

// The process dies after each unit in turn, from the first look to the goods issue, whose answer is lost: one
// order is made of the delivery, and one goods issue is posted.
func TestACrashAfterAnyUnitMakesOneOrderOfADelivery(t *testing.T) {
	afterEachUnit(t, 20, func(t *testing.T, n int) (ended bool) {
		r, e := newSourceRig(t, func(c *ERPConfig) { c.Poll, c.Look = 24*time.Hour, 24*time.Hour })
		r.stock("A", 5, "P-1")
		e.wants("80000001", nil, "A", 2)
		e.lose = 1
		r.batch = 1
		r.restart()
		r.crash(n)
		_, _ = r.hub.Call(t.Context(), door.ERPs, erp.Hint{ERP: "main"})
		settle(time.Hour)
		if ended = r.bus.Err() == nil; !ended {
			r.restart()
			r.lookAtERP() // as each start does
			settle(3 * time.Hour)
		}
		r.status("80000001", order.StatusShipped)
		r.issued(e, "80000001", "2 of 2 A", 1)
		if n := r.count()["order.Accepted"]; n != 1 {
			t.Errorf("%d orders were accepted", n)
		}
		if got := r.order("80000001"); got.Parties.ShipTo.City != adaMartin.City || got.Source.Door != erpSource {
			t.Errorf("%+v", got)
		}
		r.noLetters()
		return ended
	})
}

// What the ERP changes its mind about while nothing has left, the order follows.
func TestAnOrderFollowsItsDelivery(t *testing.T) {
	held := func(w *erp.Work) { w.Blocked = "01" }
	for name, x := range map[string]struct {
		change func(r *rig, e *testERP)
		status order.Status
		qty    int64
		check  func(r *rig, o order.Order) bool
	}{
		"as it was asked": {func(*rig, *testERP) {}, order.StatusBackordered, 2, nil},
		"more":            {func(_ *rig, e *testERP) { e.wants("80000001", nil, "A", 7) }, order.StatusBackordered, 7, nil},
		"less":            {func(_ *rig, e *testERP) { e.wants("80000001", nil, "A", 1) }, order.StatusBackordered, 1, nil},
		"elsewhere": {func(_ *rig, e *testERP) {
			e.wants("80000001", func(w *erp.Work) { w.Order.ShipTo.City = "Macon" }, "A", 2)
		}, order.StatusBackordered, 2, func(_ *rig, o order.Order) bool { return o.Parties.ShipTo.City == "Macon" }},
		"blocked": {func(_ *rig, e *testERP) { e.wants("80000001", held, "A", 2) }, order.StatusHeld, 2,
			func(_ *rig, o order.Order) bool { return slices.Contains(o.Holds, erpSource) }},
		"blocked and free again": {func(_ *rig, e *testERP) {
			e.wants("80000001", held, "A", 2)
			settle(5 * time.Minute)
			e.wants("80000001", nil, "A", 2)
		}, order.StatusBackordered, 2, func(_ *rig, o order.Order) bool { return len(o.Holds) == 0 }},
		"deleted":                   {func(_ *rig, e *testERP) { e.deletes("80000001") }, order.StatusCancelled, 2, nil},
		"nothing of it any more":    {func(_ *rig, e *testERP) { e.wants("80000001", func(w *erp.Work) { w.Order.Lines = nil }) }, order.StatusCancelled, 2, nil},
		"from another place":        {func(_ *rig, e *testERP) { e.wants("80000001", func(w *erp.Work) { w.Point = "9999" }, "A", 2) }, order.StatusCancelled, 2, nil},
		"told again that it is new": {func(r *rig, _ *testERP) { r.lookAtERP(); r.lookAtERP() }, order.StatusBackordered, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, e := newSourceRig(t, func(c *ERPConfig) { c.Points = map[string]string{"1710": site.Facility} })
				r.stock("A", 0, "P-1")
				e.wants("80000001", nil, "A", 2)
				r.lookAtERP()
				settle(10 * time.Minute)
				r.status("80000001", order.StatusBackordered)
				x.change(r, e)
				settle(3 * time.Hour)
				r.status("80000001", x.status)
				o := r.order("80000001")
				if got := o.Lines[0].Ordered; got != x.qty {
					t.Errorf("%d are ordered", got)
				}
				if x.check != nil && !x.check(r, o) {
					t.Errorf("%+v", o)
				}
				if n := r.count()["order.Accepted"]; n != 1 {
					t.Errorf("%d orders were accepted", n)
				}
				r.noLetters()
			})
		})
	}
}

func TestDeliveriesThatAreNotOursBecomeNoOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newSourceRig(t, func(c *ERPConfig) { c.Points = map[string]string{"1710": site.Facility} })
		r.stock("A", 9, "P-1")
		e.wants("80000001", func(w *erp.Work) { w.Point = "9999" }, "A", 2)
		e.wants("80000002", func(w *erp.Work) { w.Movement = erp.Moved }, "A", 2)
		e.wants("80000003", func(w *erp.Work) { w.Order.Lines = nil })
		r.lookAtERP()
		settle(3 * time.Hour)
		if n := r.count()["order.Accepted"]; n != 0 || e.calls != 0 {
			t.Errorf("%d orders, %d goods issues", n, e.calls)
		}
		r.noLetters()
		if _, err := r.hub.Call(t.Context(), door.ERPs, erp.Hint{ERP: "other"}); fault.KindOf(err) != fault.Rejected || err == nil {
			t.Error(err)
		}
	})
}

// What a person must decide is a letter, once, however often the ERP is looked through.
func TestWhatADeliveryCannotBeIsOneLetter(t *testing.T) {
	for name, x := range map[string]struct {
		change func(e *testERP)
		route  string
		words  string
	}{
		"posted by hand while it is worked on": {func(e *testERP) {
			e.wants("80000001", func(w *erp.Work) { w.Movement = erp.Moved }, "A", 2)
		}, erpDecides("main"), "was posted in main, and order 80000001 is still worked on here"},
		"half of a unit":      {func(e *testERP) { e.wants("80000001", nil, "half", 2) }, "in.erp.main", "half of it"},
		"to another building": {func(e *testERP) { e.wants("80000001", func(w *erp.Work) { w.Point = "1720" }, "A", 2) }, erpDecides("main"), "is worked on in"},
		"of another item":     {func(e *testERP) { e.wants("80000001", nil, "B", 2) }, "order.place", "is of item A"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newTestERP()
				r := newRig(t, func(c *FlowConfig) { c.Facilities = []string{"west"} })
				r.erps = []ERPConfig{{
					Name: "main", Port: e, Source: e, Tenant: site.Tenant, Owner: site.Owner, Facility: site.Facility,
					Points: map[string]string{"1710": site.Facility, "1720": "west"},
				}}
				r.restart()
				r.stock("A", 0, "P-1")
				e.wants("80000001", nil, "A", 2)
				r.lookAtERP()
				settle(10 * time.Minute)
				r.status("80000001", order.StatusBackordered)
				x.change(e)
				for range 3 {
					settle(3 * time.Hour)
					r.lookAtERP()
				}
				settle(time.Hour)
				l := r.letters()
				if len(l) != 1 || l[0].Route != x.route || !strings.Contains(l[0].Cause, x.words) {
					t.Errorf("%s", strings.Join(r.lettersText(), "\n"))
				}
				r.status("80000001", order.StatusBackordered)
			})
		})
	}
}

// An ERP that is away is asked again, and nobody is troubled.
func TestAnERPThatIsAwayIsReadOnceItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newSourceRig(t)
		r.stock("A", 5, "P-1")
		e.wants("80000001", nil, "A", 2)
		e.says(fault.E("erp.Changed", fault.Unavailable, errors.New("maintenance")))
		r.lookAtERP()
		away := 26 * time.Hour
		if testing.Short() {
			away = 3 * time.Hour
		}
		settle(away)
		r.noLetters()
		e.says(nil)
		settle(3 * time.Hour)
		r.status("80000001", order.StatusShipped)
		r.issued(e, "80000001", "2 of 2 A", 1)
		r.noLetters()
	})
}

// While what decides stands still, no more is read than the queue may hold; then all of it is.
func TestTheQueueOfAnERPHoldsItsReaderBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newSourceRig(t, func(c *ERPConfig) { c.Queue = 60 })
		r.stock("A", 0, "P-1")
		e.page = 10
		for i := range 200 {
			e.wants(fmt.Sprint(80000001+i), nil, "A", 2)
		}
		if err := r.hub.Pause(t.Context(), erpDecides("main"), "kim"); err != nil {
			t.Fatal(err)
		}
		r.lookAtERP()
		settle(3 * time.Hour)
		reads := r.count()[erpRead]
		if reads == 0 || reads > 60 {
			t.Errorf("%d of 200 deliveries were read, and nobody took them", reads)
		}
		if err := r.hub.Resume(t.Context(), erpDecides("main"), "kim"); err != nil {
			t.Fatal(err)
		}
		settle(3 * time.Hour)
		if n := r.count()["order.Accepted"]; n != 200 {
			t.Errorf("%d of 200 became orders", n)
		}
		r.noLetters()
	})
}

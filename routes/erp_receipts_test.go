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
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/dlq"
)

// receivingERP is an ERP with inbound deliveries.
type receivingERP struct {
	*testERP
	comes    map[string]erp.Arrival
	received map[string]erp.GoodsReceipt
	receipts int // that were posted
}

// Announced implements [erp.Receiver].
func (e *receivingERP) Announced(context.Context, time.Time, string) (erp.Page, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var p erp.Page
	if e.no != nil {
		return p, e.no
	}
	for _, number := range slices.Sorted(maps.Keys(e.comes)) {
		if e.comes[number].Movement == erp.NotMoved {
			p.Deliveries = append(p.Deliveries, erp.Listed{Number: number, Version: e.comes[number].Version})
		}
	}
	return p, nil
}

// Arrival implements [erp.Receiver].
func (e *receivingERP) Arrival(_ context.Context, number string) (erp.Arrival, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a, found := e.comes[number]
	return a, found, e.no
}

// Receive implements [erp.Receiver]. As in SAP, what is posted is another version of the delivery.
func (e *receivingERP) Receive(_ context.Context, g erp.GoodsReceipt) (erp.Posted, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.no != nil {
		return erp.Posted{}, e.no
	}
	e.received[g.Delivery] = g
	e.receipts++
	a := e.comes[g.Delivery]
	a.Movement, a.Version = erp.Moved, a.Version+"+"
	e.comes[g.Delivery] = a
	if e.lose > 0 {
		e.lose--
		return erp.Posted{}, fault.E("erp.Receive", fault.Unknown, errors.New("the answer was lost"))
	}
	return erp.Posted{Delivery: g.Delivery, Day: time.Now()}, nil
}

// Received implements [erp.Receiver].
func (e *receivingERP) Received(_ context.Context, g erp.GoodsReceipt) (erp.Posted, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, found := e.received[g.Delivery]
	return erp.Posted{Delivery: g.Delivery, Day: time.Now()}, found, nil
}

// announces lets the ERP have an inbound delivery, or another than before.
func (e *receivingERP) announces(number string, change func(a *erp.Arrival), of ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := erp.Arrival{Listed: erp.Listed{Number: number, Version: "v"}, Movement: erp.NotMoved, Plants: []string{"1710"}}
	if was, ok := e.comes[number]; ok {
		a.Version = was.Version + "+"
	}
	a.Announcement = expects(of...).Announcement
	for i := range a.Announcement.Lines {
		a.Announcement.Lines[i].No = 10 * (i + 1)
	}
	if change != nil {
		change(&a)
	}
	e.comes[number] = a
}

func (e *receivingERP) forgets(number string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.comes, number)
}

// came is what the ERP has posted of a delivery, by line, and how often anything was posted.
func (e *receivingERP) came(number string) (qty string, times int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []string
	for _, l := range e.received[number].Lines {
		all = append(all, fmt.Sprintf("%d of %d %s", l.Qty, l.Expected, l.SKU))
	}
	return strings.Join(all, ", "), e.receipts
}

func newReceiverRig(t *testing.T, change ...func(*ERPConfig)) (*rig, *receivingERP) {
	e := &receivingERP{newTestERP(), map[string]erp.Arrival{}, map[string]erp.GoodsReceipt{}, 0}
	r, _ := newERPRig(t, append([]func(*ERPConfig){func(c *ERPConfig) {
		c.Port, c.Receiver, c.Tenant, c.Owner, c.Facility = e, e, site.Tenant, site.Owner, site.Facility
		c.Plants = map[string]string{"1710": site.Facility}
		c.Mover, c.Moves = e, map[string]bool{erp.Hold: true, erp.Free: true}
	}}, change...)...)
	r.dock("A", "B")
	return r, e
}

const inbound = "180000001"

func (r *rig) postedReceipt(e *receivingERP, want string, times int) {
	r.t.Helper()
	if qty, n := e.came(inbound); qty != want || n != times {
		r.t.Errorf("%q came, %d goods receipts in all; want %q, %d", qty, n, want, times)
	}
}

// receiveAll takes what a receipt expects, at the dock, and closes it. What was done before is not done again.
func (r *rig) receiveAll(of ...any) {
	_, _ = r.ask(door.Receipts, door.Ask{ID: inbound, Actor: "kim", Cmd: receiving.Arrive{Dock: "DOCK"}})
	for i := 0; i < len(of); i += 2 {
		c := came(of[i].(string), int64(of[i+1].(int)))
		c.Entry = "E-" + strconv.Itoa(i)
		_, _ = r.ask(door.Receipts, door.Ask{ID: inbound, Actor: "kim", Cmd: c})
	}
	_, _ = r.ask(door.Receipts, door.Ask{ID: inbound, Actor: "kim", Cmd: receiving.Close{}})
}

// The process dies after each unit in turn, from the first look to the ERP's answer, which is lost: one receipt
// is announced, and one goods receipt is posted, of what came.
func TestACrashAfterAnyUnitPostsOneGoodsReceipt(t *testing.T) {
	afterEachUnit(t, 10, func(t *testing.T, n int) (ended bool) {
		r, e := newReceiverRig(t, func(c *ERPConfig) { c.Poll, c.Look = 24*time.Hour, 24*time.Hour })
		e.announces(inbound, nil, "A", 5)
		e.lose = 1
		r.batch = 1
		r.restart()
		r.crash(n)
		_, _ = r.hub.Call(t.Context(), door.ERPs, erp.Hint{ERP: "main"})
		settle(time.Minute)
		r.receiveAll("A", 5)
		settle(time.Hour)
		if ended = r.bus.Flush(t.Context()) == nil && r.bus.Err() == nil; !ended {
			r.restart()
			r.lookAtERP() // as each start does
			settle(time.Minute)
			r.receiveAll("A", 5)
			settle(2 * time.Hour)
		}
		r.postedReceipt(e, "5 of 5 A", 1)
		if c := r.count(); c["receipt.Announced"] != 1 || c["receipt.Closed"] != 1 || c[erpTold] != 1 {
			t.Errorf("%v", c)
		}
		r.noLetters()
		return ended
	})
}

// What the ERP changes its mind about while nothing has come, the receipt follows; what cannot be followed is a
// letter.
func TestAReceiptFollowsItsInboundDelivery(t *testing.T) {
	blocked := func(a *erp.Arrival) { a.Blocked = "01" }
	comes := func(r *rig) {
		r.must(door.Receipts, inbound, receiving.Arrive{Dock: "DOCK"})
		r.must(door.Receipts, inbound, came("A", 1))
	}
	for name, x := range map[string]struct {
		change func(r *rig, e *receivingERP)
		status string
		qty    int64
		letter string
	}{
		"as it was": {func(*rig, *receivingERP) {}, receiving.StatusAnnounced, 5, ""},
		"more":      {func(_ *rig, e *receivingERP) { e.announces(inbound, nil, "A", 7) }, receiving.StatusAnnounced, 7, ""},
		"less":      {func(_ *rig, e *receivingERP) { e.announces(inbound, nil, "A", 2) }, receiving.StatusAnnounced, 2, ""},
		"deleted":   {func(_ *rig, e *receivingERP) { e.forgets(inbound) }, receiving.StatusCancelled, 5, ""},
		"of nothing": {func(_ *rig, e *receivingERP) {
			e.announces(inbound, func(a *erp.Arrival) { a.Announcement.Lines = nil })
		}, receiving.StatusCancelled, 5, ""},
		"to others": {func(_ *rig, e *receivingERP) {
			e.announces(inbound, func(a *erp.Arrival) { a.Plants = []string{"9"} }, "A", 5)
		}, receiving.StatusCancelled, 5, ""},
		"told again":  {func(r *rig, _ *receivingERP) { r.lookAtERP(); r.lookAtERP() }, receiving.StatusAnnounced, 5, ""},
		"and blocked": {func(_ *rig, e *receivingERP) { e.announces(inbound, blocked, "A", 7) }, receiving.StatusAnnounced, 5, ""},
		"blocked and free again": {func(_ *rig, e *receivingERP) {
			e.announces(inbound, blocked, "A", 7)
			settle(5 * time.Minute)
			e.announces(inbound, nil, "A", 7)
		}, receiving.StatusAnnounced, 7, ""},
		"below what came": {func(r *rig, e *receivingERP) {
			comes(r)
			r.must(door.Receipts, inbound, came("A", 3))
			e.announces(inbound, nil, "A", 2)
		}, receiving.StatusReceiving, 5, "4 of line 10 were received"},
		"deleted when something came": {func(r *rig, e *receivingERP) { comes(r); e.forgets(inbound) }, receiving.StatusReceiving, 5, "receiv"},
		"posted by hand": {func(_ *rig, e *receivingERP) {
			e.announces(inbound, func(a *erp.Arrival) { a.Movement = erp.Moved }, "A", 5)
		}, receiving.StatusAnnounced, 5, "was posted in main"},
		"split over two plants": {func(_ *rig, e *receivingERP) {
			e.announces(inbound, func(a *erp.Arrival) { a.Plants = []string{"1710", "9"} }, "A", 5)
		}, receiving.StatusAnnounced, 5, "split it there"},
		"an item that nobody knows": {func(_ *rig, e *receivingERP) { e.announces(inbound, nil, "A", 5, "C", 1) }, receiving.StatusAnnounced, 5, "register it first"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, e := newReceiverRig(t)
				e.announces(inbound, nil, "A", 5)
				r.lookAtERP()
				settle(10 * time.Minute)
				x.change(r, e)
				settle(3 * time.Hour)
				got := r.receipt(inbound)
				if got.Status != x.status || got.Lines[0].Qty != x.qty || got.Lines[0].No != 10 || got.Supplier != "SUP" {
					t.Errorf("%+v", got)
				}
				letters := r.letters()
				if x.letter == "" {
					r.noLetters()
				} else if len(letters) != 1 || letters[0].Route != erpAnnounces("main") || !strings.Contains(letters[0].Cause, x.letter) {
					t.Errorf("%+v", letters)
				}
				r.postedReceipt(e, "", 0)
			})
		})
	}
}

// One that is blocked is announced once it is free, and one that goes elsewhere or has come already is not.
func TestInboundDeliveriesThatAreNoReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newReceiverRig(t)
		e.announces(inbound, func(a *erp.Arrival) { a.Blocked = "01" }, "A", 5)
		e.announces("180000002", func(a *erp.Arrival) { a.Plants = []string{"9"} }, "A", 5)
		e.announces("180000003", func(a *erp.Arrival) { a.Movement = erp.Moved }, "A", 5)
		e.announces("180000004", func(a *erp.Arrival) { a.Announcement.Lines = nil })
		r.lookAtERP()
		settle(3 * time.Hour)
		if n := r.count()["receipt.Announced"]; n != 0 {
			t.Errorf("%d were announced", n)
		}
		e.announces(inbound, nil, "A", 5)
		settle(3 * time.Hour)
		if n := r.count()["receipt.Announced"]; n != 1 || r.receipt(inbound).Status != receiving.StatusAnnounced {
			t.Errorf("%d were announced", n)
		}
		r.noLetters()
	})
}

// What came is posted as it came, with what is short, too much or damaged told apart, and its own posting changes
// nothing here. A receipt of which nothing came, or that the ERP did not announce, is not posted.
func TestWhatCameIsPosted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newReceiverRig(t)
		e.announces(inbound, nil, "A", 5, "B", 4)
		e.announces("180000002", nil, "A", 1)
		r.lookAtERP()
		settle(10 * time.Minute)
		r.must(door.Receipts, "180000002", receiving.Close{})
		r.must(door.Receipts, "ASN-1", expects("A", 1))
		r.must(door.Receipts, "ASN-1", receiving.Arrive{Dock: "DOCK"})
		r.must(door.Receipts, "ASN-1", came("A", 1))
		r.must(door.Receipts, "ASN-1", receiving.Close{})
		r.must(door.Receipts, inbound, receiving.Arrive{Dock: "DOCK"})
		for _, c := range []receiving.Receive{
			came("A", 3), {Item: "A", Qty: 1, Condition: receiving.Damaged, Reason: "wet"}, came("B", 2), {Item: "B", Qty: 1, Condition: receiving.OnHold, Reason: "smells"},
		} {
			r.must(door.Receipts, inbound, c)
		}
		r.must(door.Receipts, inbound, receiving.Close{})
		settle(3 * time.Hour)
		r.postedReceipt(e, "4 of 5 A, 3 of 4 B", 1)
		if got := e.told(); got != "hold 1 A, hold 1 B" {
			t.Errorf("told %q", got)
		}
		r.must(door.Receipts, inbound, receiving.Judge{Line: 20, Pass: true, Reason: "aired"})
		settle(time.Hour)
		if got := e.told(); got != "hold 1 A, hold 1 B, free 1 B" {
			t.Errorf("told %q", got)
		}
		r.noLetters()
	})
}

// A no of the ERP is a letter with its words, and is replayed; an outage delays alone.
func TestAGoodsReceiptThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := newReceiverRig(t)
		e.announces(inbound, nil, "C", 5)
		r.lookAtERP()
		settle(10 * time.Minute)
		if l := r.letters(); len(l) != 1 || l[0].Route != erpAnnounces("main") || l[0].Place != "lines[0].item" {
			t.Fatalf("%+v", l)
		}
		r.must(door.Master, "C", item.Register{Spec: spec(200 * measure.Gram)})
		if err := r.hub.Desk().Replay(t.Context(), r.letters()[0].ID, r.letters()[0].Opening, "kim"); err != nil {
			t.Fatal(err)
		}
		settle(10 * time.Minute)
		e.says(fault.At("erp.Receive", fault.Rejected, "delivery", errors.New("the posting period is closed")))
		r.receiveAll("C", 5)
		settle(time.Hour)
		l := r.letters()
		r.postedReceipt(e, "", 0)
		i := slices.IndexFunc(l, func(x dlq.Entry) bool {
			return x.Route == "out.erp.main" && strings.Contains(x.Cause, "period is closed")
		})
		if i < 0 {
			t.Fatalf("%+v", l)
		}
		e.says(nil)
		if err := r.hub.Desk().Replay(t.Context(), l[i].ID, l[i].Opening, "kim"); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		r.postedReceipt(e, "5 of 5 C", 1)
	})
}

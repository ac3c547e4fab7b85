package routes

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/tracking"
	"github.com/paklog/hub/routes/eip"
)

// ReceivingConfig is how goods are received.
type ReceivingConfig struct {
	// Tolerance is what may come beyond an announcement, in permille of it, by owner.
	Tolerance map[string]int
	// Over is what becomes of more: receiving.RefuseOver (the default) or HoldOver.
	Over string
	// NoBlind refuses what nobody announced.
	NoBlind bool
	// PromiseAtDock promises goods to orders as soon as they were received. The default is
	// when they were put away: nobody picks at a dock, and an order that was promised what lies
	// there would be waved and find no place.
	PromiseAtDock bool
}

func (c *ReceivingConfig) check() error {
	c.Over = cmp.Or(c.Over, receiving.RefuseOver)
	if c.Over != receiving.RefuseOver && c.Over != receiving.HoldOver {
		return fmt.Errorf("what comes beyond the tolerance: %q is neither %s nor %s", c.Over, receiving.RefuseOver, receiving.HoldOver)
	}
	for owner, n := range c.Tolerance {
		if n < 0 || n > receiving.MaxTolerance {
			return fmt.Errorf("tolerance of owner %s: %d is not between 0 and %d permille", owner, n, receiving.MaxTolerance)
		}
	}
	return nil
}

func (f *Flows) addReceiptDoor() error {
	return f.hub.Add(Route{
		Name: door.Receipts, About: "takes announcements, what comes of them and what is missing at the end, and returns",
		Handle: f.ask(door.Receipts, f.askReceipt), Writes: []string{onInventory, onPutAways, onAudit},
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

func (d *decision) receipt(s scope.Scope, id string) receiving.Receipt {
	return load(d, d.f.receipts, receiving.StreamOf(s, id))
}

func (f *Flows) askReceipt(d *decision, a *door.Ask) (answered, error) {
	s, id := a.Scope, a.ID
	if got, done, err := d.askReturn(a); done {
		return got, err
	}
	r := d.receipt(s, id)
	if d.err != nil {
		return answered{}, d.err
	}
	var events []event.Event
	var err error
	switch c := a.Cmd.(type) {
	case receiving.Announce:
		c.Scope, c.ID = s, id
		d.ownerTakes(door.Receipts, s)
		c.Lines = d.inSmallest(s, c.Lines, c.Units)
		d.notGone(s, c.Lines)
		events, err = r.Announce(c, d.m.Now)
	case receiving.Change:
		c.Lines = d.inSmallest(s, c.Lines, c.Units)
		d.notGone(s, c.Lines)
		events, err = r.Change(c, d.m.Now)
	case receiving.Arrive:
		d.isDock(s, c.Dock)
		c.By = cmp.Or(c.By, a.Actor)
		events, err = r.Arrive(c, d.m.Now)
	case receiving.Receive:
		c.By = cmp.Or(c.By, a.Actor)
		d.notShipped(s, "lpn", c.LPN)
		if r, events, err = d.begun(s, id, r); err == nil {
			sku := c.Item
			if l, ok := r.Line(c.Line); ok {
				sku = l.Item
			}
			if c.UOM != "" && c.Qty > 0 {
				if c.Qty, err = d.itemSeen(s, sku).ToSmallest(c.Qty, c.UOM); err != nil {
					return answered{}, err
				}
			}
			c.Policy = d.receivingPolicy(s, sku, cmp.Or(c.Location, r.Dock))
			var got []event.Event
			got, err = r.Receive(c, d.m.Now)
			events = append(events, got...)
		}
	case receiving.ReceiveLPN:
		c.By = cmp.Or(c.By, a.Actor)
		c.Policy = func(sku string) receiving.Policy { return d.receivingPolicy(s, sku, cmp.Or(c.Location, r.Dock)) }
		events, err = r.ReceiveLPN(c, d.m.Now)
	case receiving.Judge:
		c.By = cmp.Or(c.By, a.Actor)
		c.Stage = func(code string) string { return d.goodStage(s, code) }
		events, err = r.Judge(c, d.m.Now)
	case receiving.Close:
		c.By = cmp.Or(c.By, a.Actor)
		events, err = r.Close(c, d.m.Now)
	case receiving.Cancel:
		c.By = cmp.Or(c.By, a.Actor)
		events, err = r.Cancel(c, d.m.Now)
	default:
		return answered{}, wrongCommand(door.Receipts, a.Cmd)
	}
	add(d, d.f.receipts, receiving.StreamOf(s, id), events, err)
	for _, e := range events {
		d.bookReceipt(e)
	}
	d.putReceived(d.receipt(s, id), events)
	return answered{d.receipt(s, id), len(events) > 0}, d.err
}

// notGone refuses lines that come on what left us.
func (d *decision) notGone(s scope.Scope, lines []receiving.Line) {
	for i, l := range lines {
		d.notShipped(s, fmt.Sprintf("lines[%d].lpn", i), l.LPN)
	}
}

// notShipped refuses an LPN under which goods left: by the GS1 General Specifications no SSCC is
// used again within a year, and what comes back is a return.
func (d *decision) notShipped(s scope.Scope, place, lpn string) {
	if lpn == "" || scope.CheckPart(lpn) != nil || d.err != nil {
		return
	}
	if l := peek(d, d.f.lpns, tracking.StreamOf(s, lpn)); l.Ended == lpnShipped {
		d.fail(fault.At(door.Receipts, fault.Rejected, place, fmt.Errorf("LPN %.64s is a %s that was shipped: what comes back is a return, and what is new has a number of its own", lpn, l.Kind)))
	}
}

// begun is the receipt that goods are received on. One that nobody announced begins with them,
// where that is allowed.
func (d *decision) begun(s scope.Scope, id string, r receiving.Receipt) (receiving.Receipt, []event.Event, error) {
	if r.Known() {
		return r, nil, nil
	}
	if !d.ownerTakes(door.Receipts, s) {
		return r, nil, d.err
	}
	if d.f.cfg.Receiving.NoBlind {
		return r, nil, missing(door.Receipts, "receipt", "receipt "+id+" is not announced, and what nobody announced is not received here: announce it first")
	}
	events, err := r.Announce(receiving.Announce{Scope: s, ID: id, Announcement: receiving.Announcement{Kind: receiving.KindBlind}}, d.m.Now)
	if err != nil {
		return r, nil, err
	}
	r, err = receiving.Fold.Replay(r, events...)
	return r, events, err
}

// inSmallest are lines in the smallest units of their items, which must be known.
func (d *decision) inSmallest(s scope.Scope, lines []receiving.Line, units []string) []receiving.Line {
	lines = slices.Clone(lines)
	for i := range lines {
		l := &lines[i]
		if scope.CheckPart(l.Item) != nil { // a bad name is told by the command itself
			continue
		}
		it := d.itemSeen(s, l.Item)
		if d.err == nil && !it.Known() {
			d.fail(missing(door.Receipts, fmt.Sprintf("lines[%d].item", i), "item "+l.Item+" is not known: register it first"))
		}
		if i < len(units) && units[i] != "" && l.Qty > 0 && d.err == nil {
			n, err := it.ToSmallest(l.Qty, units[i])
			if err != nil {
				d.fail(fault.At(door.Receipts, fault.KindOf(err), fmt.Sprintf("lines[%d].uom", i), errors.New(fault.Reason(err))))
			}
			l.Qty = n
		}
	}
	return lines
}

// isDock refuses a place where no goods arrive.
func (d *decision) isDock(s scope.Scope, code string) {
	l := d.location(s, code)
	switch {
	case d.err != nil || scope.CheckPart(code) != nil: // told by the command itself
	case !l.Known():
		d.fail(missing(door.Receipts, "dock", "location "+code+" is not known: register it first"))
	case !beforeShelf(l) || l.Spec.Purpose == location.Quarantine:
		d.fail(missing(door.Receipts, "dock", fmt.Sprintf("location %s is for %s: goods arrive at one for %s or %s", code, l.Spec.Purpose, location.Dock, location.Staging)))
	case l.Status != location.StatusActive:
		d.fail(missing(door.Receipts, "dock", "location "+code+" is blocked ("+l.Reason+")"))
	}
}

// beforeShelf reports whether good goods at a place are still to be put away.
func beforeShelf(l location.Location) bool {
	return l.Spec.Purpose == location.Dock || l.Spec.Purpose == location.Staging || l.Spec.Purpose == location.Quarantine
}

// goodStage is the stage of good goods that are put down at a place, or turn out to be good there.
// In quarantine, and in a tote or carton that they wait in, nobody is promised them, whatever holds
// for docks.
func (d *decision) goodStage(s scope.Scope, code string) string {
	switch l := d.location(s, code); {
	case !l.Known(), l.Spec.Purpose == location.Quarantine, beforeShelf(l) && !d.f.cfg.Receiving.PromiseAtDock:
		return inventory.Received
	}
	return inventory.Free
}

func (d *decision) receivingPolicy(s scope.Scope, sku, code string) receiving.Policy {
	c := d.f.cfg.Receiving
	p := receiving.Policy{Tolerance: c.Tolerance[s.Owner], Over: c.Over, Blind: !c.NoBlind, Stage: inventory.Free}
	if scope.CheckPart(sku) == nil {
		p.Inspect = d.itemSeen(s, sku).Spec.Inspect
		p.HeldLots = d.stock(keyOf(s, sku)).HeldLots
	}
	if scope.CheckPart(code) == nil {
		p.Stage = d.goodStage(s, code)
	}
	return p
}

// putReceived lets goods be put away that these events have brought to the dock, or that were judged
// there: what stands on one LPN together.
func (d *decision) putReceived(r receiving.Receipt, events []event.Event) {
	var works []toPutAway
	for _, e := range events {
		var p inventory.Place
		var stage, sku string
		switch e := e.(type) {
		case receiving.Received:
			p, stage, sku = e.Place, e.Stage, e.Item
		case receiving.Judged:
			p, stage, sku = e.Place, e.Stage, e.Item
		}
		if stage != inventory.Received && !isHeld(stage) && (stage != inventory.Free || !beforeShelf(d.location(r.Scope, p.Location))) {
			continue
		}
		w := toPutAway{Scope: r.Scope, Location: p.Location, LPN: p.LPN, Goods: []loading{{sku, p.Lot}}}
		if p.LPN != "" {
			w.Goods = standOn(r, p)
		}
		if !slices.ContainsFunc(works, func(x toPutAway) bool { return x.key() == w.key() }) {
			works = append(works, w)
		}
	}
	for _, w := range works {
		d.putLater(w)
	}
}

// standOn is what a receipt brought on the LPN of a place.
func standOn(r receiving.Receipt, p inventory.Place) []loading {
	var out []loading
	for _, x := range r.Entries {
		l, _ := r.Line(x.Line)
		if g := (loading{l.Item, x.Lot}); x.LPN == p.LPN && x.Location == p.Location && !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// bookReceipt moves the stock that an event of a receipt is about, in the same unit.
func (d *decision) bookReceipt(e event.Event) {
	switch e := e.(type) {
	case receiving.Received:
		d.bringIn(inventory.Receive{
			BookKey: keyOf(e.Scope, e.Item), Place: e.Place, Stage: e.Stage, Qty: e.Qty, Expiry: e.Expiry, From: inventory.Supplier,
			Reference: e.ID, Serials: e.Serials,
		})
		if e.Stage == inventory.Held {
			d.noteHeld(keyOf(e.Scope, e.Item), e.Place, e.ID)
		}
	case receiving.Judged:
		k := keyOf(e.Scope, e.Item)
		d.noteHeld(k, e.Place, e.ID)
		if !d.lacks(k, e.In(inventory.Held), e.Qty, false) {
			serials, kept := d.serialsMeant(k, e.Serials, e.Qty, inventory.Held, e.Stage)
			events, posts, err := inventory.ChangeStatus{
				BookKey: k, Place: e.Place, From: inventory.Held, To: e.Stage, Qty: e.Qty, Reason: e.Reason, By: e.By, Serials: serials, Kept: kept,
			}.Decide(d.m.Now)
			d.onStock(k, events, posts, err)
		}
	}
}

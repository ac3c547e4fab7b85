package routes

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/inventory"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/tracking"
	"github.com/paklog/hub/routes/eip"
)

// lpnShipped is why an LPN is known no more that left the building.
const lpnShipped = "shipped"

// lpnMove is why stock goes along with the LPN that it lies in.
const lpnMove = "lpn_move"

func (f *Flows) addTracking() error {
	return f.hub.Add(Route{
		Name: "tracking", About: "knows where totes, cartons and LPNs with stock are from what is picked, packed, moved and shipped",
		Topics: []string{onPicks, onPacks, onInventory}, Handle: f.track,
		Types: takes(pick.Confirmed{}, pick.Shorted{}, pack.CartonClosed{}, pallet.Stacked{}, pallet.Unstacked{}, truckload.Departed{}, ship.CartonManifested{}, ship.Confirmed{},
			inventory.StockReceived{}, inventory.StockTransferred{}, inventory.StockPutAway{}, inventory.StockAdjusted{}),
		Writes: []string{onTracking, onInventory},
	})
}

func (f *Flows) track(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	// What a scan led to was followed in the scan's own unit, by the time when it was made.
	if m.Source != door.Scans && m.Source != scanResume {
		d.follow(m.Event, tracking.Sighting{})
	}
	return d.done()
}

// follow knows LPNs by what an event says of them. How says when and by what that was seen; zero
// is the event's own time.
func (d *decision) follow(e event.Event, how tracking.Sighting) {
	sight := func(p tracking.Position, at time.Time, by, cause string) tracking.Sighting {
		s := how
		if s.Seen.IsZero() {
			s.Seen = at
		}
		s.Position, s.By, s.Cause = p, cmp.Or(s.By, by), cause
		return s
	}
	about := func(stage string) tracking.Position { return tracking.Position{Stage: stage} }
	at := func(location string) tracking.Position { return tracking.Position{Location: location} }
	switch e := e.(type) {
	case pick.Confirmed:
		d.goes(e.Scope, e.Tote, tracking.KindTote, e.Order, sight(at(e.From.Location), e.At, e.Worker, "pick"))
	case pick.Shorted:
		if e.Found > 0 {
			d.goes(e.Scope, e.Tote, tracking.KindTote, e.Order, sight(at(e.From.Location), e.At, e.Worker, "pick"))
		}
	case pack.CartonClosed:
		d.goes(e.Scope, e.Carton, tracking.KindCarton, e.Order, sight(about(tracking.StagePacking), e.At, e.Packer, "pack"))
		for _, c := range e.Contents {
			d.goes(e.Scope, c.Tote, tracking.KindTote, e.Order, sight(about(tracking.StagePacking), e.At, e.Packer, "pack"))
		}
	case pallet.Stacked:
		d.onTop(e.Scope, e.Carton.SSCC, e.Pallet, e.At, e.By)
	case pallet.Unstacked:
		d.onTop(e.Scope, e.Carton, "", e.At, e.By)
	case truckload.Departed:
		for _, c := range e.Cartons {
			if c.Pallet != "" {
				d.endLPN(e.Scope, c.Pallet, tracking.End{Reason: lpnShipped, Seen: e.At})
			}
		}
	case ship.CartonManifested:
		d.goes(e.Scope, e.Carton, tracking.KindCarton, e.Order, sight(about(tracking.StageShipping), e.At, "", "ship"))
	case ship.Confirmed:
		for _, c := range e.Cartons {
			d.endLPN(e.Scope, c.Carton, tracking.End{Reason: lpnShipped, Seen: e.At})
		}
	case inventory.StockReceived:
		d.stockOn(e.BookKey, e.Place, sight(at(e.Location), e.At, "", "receive"))
	case inventory.StockTransferred:
		if e.Reason != lpnMove {
			d.stockOn(e.BookKey, e.To, sight(at(e.To.Location), e.At, "", "stock"))
		}
		d.emptied(e.Scope, e.From.Location, e.At)
	case inventory.StockPutAway:
		d.stockOn(e.BookKey, e.To, sight(at(e.To.Location), e.At, e.By, "putaway"))
		d.emptied(e.Scope, e.From.Location, e.At)
	case inventory.StockAdjusted:
		if e.Delta > 0 {
			d.stockOn(e.BookKey, e.Place, sight(at(e.Location), e.At, e.By, "stock"))
		} else {
			d.emptied(e.Scope, e.Location, e.At)
		}
	}
}

// onTop knows that a carton stands on a pallet, or with "" beside it again. One that has left
// by the books is known no more; of a pallet that has, which may be heard of first, only that the
// carton stood at the dock.
func (d *decision) onTop(s scope.Scope, sscc, on string, at time.Time, by string) {
	if d.lpn(s, sscc).Ended != "" || d.err != nil {
		return
	}
	here := tracking.Position{Stage: tracking.StageShipping}
	if on != "" {
		if !d.lpn(s, on).Known() {
			d.goes(s, on, tracking.KindPallet, "", tracking.Sighting{Position: here, Seen: at, By: by, Cause: "pack"})
		}
		if d.lpn(s, on).Ended == "" {
			here = tracking.Position{Parent: on}
		}
	}
	d.goes(s, sscc, tracking.KindCarton, d.docked(s, sscc).Order, tracking.Sighting{Position: here, Seen: at, By: by, Cause: "pack"})
}

// stockOn knows an LPN by goods that lie on it.
func (d *decision) stockOn(k inventory.BookKey, p inventory.Place, how tracking.Sighting) {
	if p.LPN == "" {
		return
	}
	if l := d.lpn(k.Scope, p.LPN); !l.Known() || l.Ended != "" || d.root(l).Last.Location != p.Location {
		d.goes(k.Scope, p.LPN, cmp.Or(l.Kind, tracking.KindPallet), "", how)
	}
	events, err := d.lpn(k.Scope, p.LPN).Load(tracking.Load{Content: tracking.Content{Owner: k.Owner, Item: k.Item}}, d.m.Now)
	d.onLPN(k.Scope, p.LPN, events, err)
	// Where the LPN went on before its goods were known to lie on it, they follow.
	l := d.lpn(k.Scope, p.LPN)
	d.bringAlong(l, d.root(l).Last.Location, false)
}

// goes notes a sighting that a flow tells of.
func (d *decision) goes(s scope.Scope, id, kind, ref string, at tracking.Sighting) {
	if id == "" {
		return
	}
	d.putLPN(tracking.Place{Scope: s, LPN: id, Kind: kind, Ref: ref, Sighting: at})
}

func (d *decision) lpn(s scope.Scope, id string) tracking.LPN {
	return load(d, d.f.lpns, tracking.StreamOf(s, id))
}

func (d *decision) onLPN(s scope.Scope, id string, events []event.Event, err error) bool {
	return add(d, d.f.lpns, tracking.StreamOf(s, id), events, err)
}

// ancestors are what an LPN stands in, from itself on.
func (d *decision) ancestors(l tracking.LPN) []tracking.LPN {
	list := []tracking.LPN{l}
	for l.Last.Parent != "" && len(list) <= tracking.MaxDepth && d.err == nil {
		l = d.lpn(l.Scope, l.Last.Parent)
		list = append(list, l)
	}
	return list
}

// root is the outermost LPN that l stands in: where that one is, l is.
func (d *decision) root(l tracking.LPN) tracking.LPN {
	list := d.ancestors(l)
	return list[len(list)-1]
}

// putLPN takes a sighting of an LPN, and on both sides what stands in what. It reports whether
// the LPN is elsewhere now.
func (d *decision) putLPN(c tracking.Place) (moved bool) {
	was := d.lpn(c.Scope, c.LPN)
	if c.Parent != "" {
		parent := d.lpn(c.Scope, c.Parent)
		if d.err == nil && !parent.Known() {
			d.fail(fault.At("routes.Tracking", fault.Rejected, "parent", fmt.Errorf("there is no LPN %s", c.Parent)))
		}
		for _, a := range d.ancestors(parent) {
			c.Ancestors = append(c.Ancestors, a.LPN)
		}
	}
	events, err := was.Place(c, d.m.Now)
	if !d.onLPN(c.Scope, c.LPN, events, err) {
		return false
	}
	if is := d.lpn(c.Scope, c.LPN); is.Last.Parent != was.Last.Parent {
		if was.Last.Parent != "" {
			events, err := d.lpn(c.Scope, was.Last.Parent).Leave(tracking.Leave{Child: c.LPN}, d.m.Now)
			d.onLPN(c.Scope, was.Last.Parent, events, err)
		}
		if is.Last.Parent != "" {
			events, err := d.lpn(c.Scope, is.Last.Parent).Adopt(tracking.Adopt{Child: c.LPN}, d.m.Now)
			d.onLPN(c.Scope, is.Last.Parent, events, err)
		}
	}
	for _, e := range events {
		if _, ok := e.(tracking.Moved); ok {
			moved = true
		}
	}
	return moved && d.err == nil
}

// moveLPN is a sighting by somebody who stands before the LPN: the stock in it, and in what
// stands in it, goes along. Strict refuses what orders were given a place in it; else its stock
// stays in the books where it was.
func (d *decision) moveLPN(c tracking.Place, strict bool) {
	if c.Location != "" && d.err == nil && !d.location(c.Scope, c.Location).Known() {
		d.fail(fault.At("routes.Tracking", fault.Rejected, "location", fmt.Errorf("location %s is not known", c.Location)))
	}
	if d.putLPN(c) {
		l := d.lpn(c.Scope, c.LPN)
		to := d.root(l).Last.Location
		if strict {
			d.takesLPN(l, to)
		}
		d.bringAlong(l, to, strict)
	}
}

// bringAlong moves the stock that lies in an LPN, and in what stands in it, to a location.
func (d *decision) bringAlong(l tracking.LPN, location string, strict bool) {
	if location == "" || d.err != nil {
		return
	}
	for _, c := range l.Items {
		k := inventory.BookKey{Scope: scope.Scope{Tenant: l.Tenant, Owner: c.Owner, Facility: l.Facility}, Item: c.Item}
		d.bringItem(k, l.LPN, location, strict)
	}
	for _, child := range l.Children {
		d.bringAlong(d.lpn(l.Scope, child), location, strict)
	}
}

func (d *decision) bringItem(k inventory.BookKey, lpn, location string, strict bool) {
	for _, sh := range d.stock(k).Shelves {
		if sh.LPN != lpn || sh.Location == location || d.err != nil {
			continue
		}
		if n := sh.Allocated + sh.Suspect; n > 0 {
			if strict {
				d.fail(fault.At("routes.Tracking", fault.Rejected, "lpn",
					fmt.Errorf("%d of item %s in LPN %s are given to orders, or doubted: fetch or count them where they are first", n, k.Item, lpn)))
			}
			continue
		}
		to := sh.Place
		to.Location = location
		for _, part := range [...]struct {
			stage string
			qty   int64
		}{{inventory.Free, sh.Free}, {inventory.Held, sh.Held}, {inventory.Damaged, sh.Damaged}, {inventory.Received, sh.Received}} {
			if part.qty > 0 {
				events, posts, err := inventory.Transfer{
					BookKey: k, From: sh.Place, To: to, Qty: part.qty, Reason: lpnMove, Stage: part.stage,
				}.Decide(d.m.Now)
				d.onStock(k, events, posts, err)
				if part.stage == inventory.Received {
					d.standsAt(k, to, part.qty)
				} else {
					d.standsBefore(k, to, part.stage)
				}
			}
		}
	}
}

// standsAt is what becomes of received goods that an LPN was brought with: on a shelf they are put
// away by that, before it they are to be.
func (d *decision) standsAt(k inventory.BookKey, p inventory.Place, qty int64) {
	if !stores(d.location(k.Scope, p.Location).Spec) {
		d.putLater(toPutAway{Scope: k.Scope, Location: p.Location, LPN: p.LPN, Goods: []loading{{k.Item, p.Lot}}})
		return
	}
	events, posts, err := inventory.ChangeStatus{BookKey: k, Place: p, From: inventory.Received, To: inventory.Free, Qty: qty, Reason: lpnMove}.Decide(d.m.Now)
	d.onStock(k, events, posts, err)
}

// endLPN says that an LPN is gone; what stood in it goes with it.
func (d *decision) endLPN(s scope.Scope, id string, c tracking.End) {
	l := d.lpn(s, id)
	if d.err != nil || !l.Known() || l.Ended != "" {
		return
	}
	if p := l.Last.Parent; p != "" {
		events, err := d.lpn(s, p).Leave(tracking.Leave{Child: id}, d.m.Now)
		d.onLPN(s, p, events, err)
	}
	events, err := l.End(c, d.m.Now)
	d.onLPN(s, id, events, err)
	for _, child := range l.Children {
		d.endLPN(s, child, c)
	}
}

func (f *Flows) addTrackingDoor() error {
	return f.hub.Add(Route{
		Name: door.Tracking, About: "takes where LPNs are put, and that they are gone",
		Handle: f.ask(door.Tracking, f.askTracking), Writes: []string{onTracking, onInventory, onPutAways, onAudit},
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

func (f *Flows) askTracking(d *decision, a *door.Ask) (answered, error) {
	s := a.Scope.Building()
	was := d.lpn(s, a.ID)
	switch c := a.Cmd.(type) {
	case tracking.Place:
		c.Scope, c.LPN = s, a.ID
		c.By = cmp.Or(c.By, a.Actor)
		c.Cause = cmp.Or(c.Cause, "move")
		if c.Seen.IsZero() {
			c.Seen = d.m.Now
		}
		if !was.Known() && c.Kind == "" && gs1.CheckSSCC(a.ID) != nil && d.err == nil {
			return answered{}, missing("routes.Tracking", "lpn", "there is no LPN "+a.ID+": say its kind to make it known")
		}
		d.moveLPN(c, true)
	case tracking.End:
		if c.Seen.IsZero() {
			c.Seen = d.m.Now
		}
		if d.err == nil && !was.Known() {
			return answered{}, missing("routes.Tracking", "lpn", "there is no LPN "+a.ID)
		}
		d.endLPN(s, a.ID, c)
	default:
		return answered{}, wrongCommand(door.Tracking, a.Cmd)
	}
	is := d.lpn(s, a.ID)
	return answered{lpnView{is, d.root(is).Last.Location}, true}, d.err
}

// lpnView is an LPN as the doors answer it: Where is the location of the outermost LPN that it
// stands in.
type lpnView struct {
	tracking.LPN
	Where string `json:"where,omitempty"`
}

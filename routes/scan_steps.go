package routes

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/replenish"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tracking"
)

// doScan holds a scan against what was to be done and does it, by what the other doors decide
// with.
func (d *decision) doScan(s scope.Scope, dev string, c scan.Scan, seen time.Time) (*scan.Next, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Owner != "" {
		s.Owner = c.Owner
	}
	switch c.Do {
	case scan.Sight:
		return nil, d.scanSighting(s, dev, c, seen)
	case scan.Receive:
		return nil, d.scanReceipt(s, c)
	case scan.Pick, scan.Short:
		return d.scanPick(s, c)
	case scan.Put:
		return nil, d.scanPut(s, c)
	case scan.Pack:
		return d.scanPack(s, c)
	case scan.Count:
		return nil, d.scanCount(s, c)
	case scan.Move:
		if c.Task != "" {
			return nil, d.scanTaskMove(s, c)
		}
		return nil, d.scanMove(s, dev, c, seen)
	}
	return nil, wrongCommand(door.Scans, c.Do)
}

func refused(place, format string, a ...any) error {
	return fault.At("routes.Scan", fault.Rejected, place, fmt.Errorf(format, a...))
}

// position reads a place: a location, or an LPN that others stand in.
func (d *decision) position(s scope.Scope, code string) (tracking.Position, error) {
	at, err := scan.At(code)
	if err != nil {
		return tracking.Position{}, err
	}
	if d.location(s, at).Known() {
		return tracking.Position{Location: at}, d.err
	}
	if d.lpn(s, at).Known() {
		return tracking.Position{Parent: at}, d.err
	}
	if d.err != nil {
		return tracking.Position{}, d.err
	}
	return tracking.Position{}, refused("place", "%.64q is neither a location nor an LPN that is known", at)
}

// scanSighting knows an LPN where it was seen. Goods that are seen somewhere change nothing: the
// scan stands in the device's stream.
func (d *decision) scanSighting(s scope.Scope, dev string, c scan.Scan, seen time.Time) error {
	at, err := d.position(s, c.Place)
	if err != nil {
		return err
	}
	id, err := scan.LPN(c.Code)
	if err != nil {
		return err
	}
	if sscc := gs1.CheckSSCC(id) == nil; d.err == nil && !sscc && !d.lpn(s, id).Known() {
		return d.err
	}
	d.moveLPN(tracking.Place{Scope: s, LPN: id, Sighting: tracking.Sighting{
		Position: at, Seen: seen, Device: dev, Seq: c.Seq, By: c.Worker, Cause: "scan",
	}}, false)
	return d.err
}

// scanMove brings an LPN somewhere, with its stock.
func (d *decision) scanMove(s scope.Scope, dev string, c scan.Scan, seen time.Time) error {
	at, err := d.position(s, c.Place)
	if err != nil {
		return err
	}
	id, err := scan.LPN(c.Code)
	if err != nil {
		return err
	}
	if l := d.lpn(s, id); d.err == nil && !l.Known() && gs1.CheckSSCC(id) != nil {
		return refused("code", "there is no LPN %.64q", id)
	}
	d.moveLPN(tracking.Place{Scope: s, LPN: id, Sighting: tracking.Sighting{
		Position: at, Seen: seen, Device: dev, Seq: c.Seq, By: c.Worker, Cause: "move",
	}}, true)
	return d.err
}

// scanReceipt brings goods in: on the receipt that the scan names, or as the stock door does.
func (d *decision) scanReceipt(s scope.Scope, c scan.Scan) error {
	if done, err := d.scanAnnounced(s, c); done || err != nil {
		return err
	}
	code, err := gs1.Parse(c.Code)
	if err != nil {
		return fault.At("routes.Scan", fault.Invalid, "code", err)
	}
	sku := cmp.Or(c.Item, d.itemBy(s, code), code.Text)
	if sku == "" || d.err == nil && !d.item(s, sku).Known() {
		if code.Doubt != "" {
			return fault.At("routes.Scan", fault.Invalid, "code", errors.New(code.Doubt))
		}
		return refused("code", "no item of %s is known by %.64q: register the code with its item", s.Owner, c.Code)
	}
	it := d.item(s, sku)
	if d.err != nil {
		return d.err
	}
	g, err := scan.Match(c.Code, it)
	if err != nil {
		return err
	}
	place, err := scan.At(c.Place)
	if err != nil {
		return err
	}
	cmd := inventory.Receive{
		Place: inventory.Place{Location: place, Lot: g.Lot, LPN: g.SSCC}, Stage: inventory.Free, Qty: g.Qty,
		From: inventory.Supplier, Reference: c.Task, Serials: c.Serials,
	}
	if c.Qty > 0 {
		cmd.Qty = c.Qty
	}
	if c.Tote != "" {
		cmd.LPN = c.Tote
	}
	if g.Serial != "" && len(cmd.Serials) == 0 {
		cmd.Serials = []string{g.Serial}
	}
	if day, ok := code.Expiry(d.m.Now); ok {
		cmd.Expiry = inventory.Date(day.Format(time.DateOnly))
	}
	return d.scanGoodsIn(s, c, sku, cmd)
}

// scanPick confirms or shorts a step of a pick task.
func (d *decision) scanPick(s scope.Scope, c scan.Scan) (*scan.Next, error) {
	l := d.pick(s, c.Task)
	if d.err != nil {
		return nil, d.err
	}
	if l.Status == pick.StatusNone {
		return nil, refused("task", "there is no pick task %s of %s", c.Task, s.Owner)
	}
	if c.Step > len(l.Steps) {
		return nil, refused("step", "task %s has %d steps, this is none of them", c.Task, len(l.Steps))
	}
	st := l.Steps[c.Step-1]
	if err := d.samePlace(c.Place, st.From); err != nil {
		return nil, err
	}
	if c.Do == scan.Short {
		_, err := d.f.askFloor(d, &door.Ask{Scope: s, ID: c.Task, Cmd: pick.Short{
			Step: c.Step, Found: c.Qty, Tote: c.Tote, Worker: c.Worker, Reason: c.Reason,
		}})
		return d.nextPick(s, c.Task), err
	}
	of := s // a tour over several owners says at each step whose the goods are
	of.Owner = cmp.Or(st.Owner, s.Owner)
	g, err := scan.Match(c.Code, d.item(of, st.Item))
	if err != nil {
		return nil, err
	}
	if g.Lot != "" && st.From.Lot != "" && g.Lot != st.From.Lot {
		return nil, refused("code", "this is lot %s, the step is of lot %s", g.Lot, st.From.Lot)
	}
	if g.SSCC != "" && st.From.LPN != "" && g.SSCC != st.From.LPN {
		return nil, refused("code", "this is LPN %s, the step is of LPN %s", g.SSCC, st.From.LPN)
	}
	cmd := pick.Confirm{Step: c.Step, Qty: g.Qty, Tote: c.Tote, Worker: c.Worker, Serials: c.Serials}
	if c.Qty > 0 {
		cmd.Qty = c.Qty
	}
	if g.Serial != "" && len(cmd.Serials) == 0 && d.itemSeen(of, st.Item).Spec.Tracking.Serial {
		cmd.Serials = []string{g.Serial}
	}
	_, err = d.f.askFloor(d, &door.Ask{Scope: s, ID: c.Task, Cmd: cmd})
	return d.nextPick(s, c.Task), err
}

// scanPut puts goods of a step into the slot of its order.
func (d *decision) scanPut(s scope.Scope, c scan.Scan) error {
	l := d.pick(s, c.Task)
	if d.err != nil {
		return d.err
	}
	if l.Status == pick.StatusNone {
		return refused("task", "there is no pick task %s of %s", c.Task, s.Owner)
	}
	if c.Step > len(l.Steps) {
		return refused("step", "task %s has %d steps, this is none of them", c.Task, len(l.Steps))
	}
	st := l.Steps[c.Step-1]
	of := orderOf{ownerOf(l, st), numberOf(l, st)}
	g, err := scan.Match(c.Code, d.item(of.Scope, st.Item))
	if err != nil {
		return err
	}
	if g.Lot != "" && st.From.Lot != "" && g.Lot != st.From.Lot {
		return refused("code", "this is lot %s, the step is of lot %s", g.Lot, st.From.Lot)
	}
	slot, err := scan.At(c.Place)
	if err != nil {
		return err
	}
	_, err = d.f.askFloor(d, &door.Ask{Scope: s, ID: c.Task, Cmd: pick.Sort{
		Owner: of.Owner, Order: of.number, Item: st.Item, Lot: st.From.Lot, Tote: c.Tote, Slot: slot, Qty: cmp.Or(c.Qty, g.Qty), Worker: c.Worker,
	}})
	return err
}

// samePlace refuses a place that is not the step's. A worker who scanned none is believed where
// the goods' own code was right.
func (d *decision) samePlace(code string, want inventory.Place) error {
	if code == "" {
		return d.err
	}
	at, err := scan.At(code)
	if err != nil {
		return err
	}
	if at != want.Location && (want.LPN == "" || at != want.LPN) {
		return refused("place", "this is %.64s, the step is at %s", at, want.Location)
	}
	return d.err
}

// nextPick is the next step of a pick task that has something left.
func (d *decision) nextPick(s scope.Scope, id string) *scan.Next {
	if d.err != nil {
		return nil
	}
	for _, st := range d.pick(s, id).Steps {
		if n := st.Left(); n > 0 {
			return &scan.Next{Do: scan.Pick, Task: id, Step: st.No, Place: st.From.Location, Item: st.Item, Lot: st.From.Lot, LPN: st.From.LPN, Qty: n}
		}
	}
	return &scan.Next{Do: scan.Done, Task: id}
}

// scanPack closes a carton with what was scanned into it: each code is an item of the packing, and
// what is left of it is taken line by line.
func (d *decision) scanPack(s scope.Scope, c scan.Scan) (*scan.Next, error) {
	p := d.packing(s, c.Task)
	if d.err != nil {
		return nil, d.err
	}
	if p.Order == "" {
		return nil, refused("task", "there is no packing %s of %s", c.Task, s.Owner)
	}
	left := append([]pack.Content{}, p.Left...)
	cmd := pack.CloseCarton{Box: c.Box, Weight: measure.Mass(c.Weight), Packer: c.Worker, Scanned: true}
	for i, x := range c.Contents {
		need := x.Qty
		for j := range left {
			l := &left[j]
			if l.Qty == 0 || need == 0 {
				continue
			}
			g, err := scan.Match(x.Code, d.item(s, l.Item))
			if fault.KindOf(err) == fault.Invalid && err != nil {
				return nil, fault.At("routes.Scan", fault.Invalid, fmt.Sprintf("contents[%d].code", i), err)
			}
			if err != nil || g.Lot != "" && l.Lot != "" && g.Lot != l.Lot {
				continue
			}
			n := min(need, l.Qty)
			part := x.Serials[:min(n, int64(len(x.Serials)))]
			x.Serials = x.Serials[len(part):]
			cmd.Contents = addContent(cmd.Contents, pack.Content{Line: l.Line, Item: l.Item, Lot: l.Lot, Tote: l.Tote, Qty: n, Serials: part})
			l.Qty -= n
			need -= n
		}
		if need > 0 {
			return nil, refused(fmt.Sprintf("contents[%d]", i), "%d of %.64q more than packing %s has left", need, x.Code, c.Task)
		}
	}
	_, err := d.f.askFloor(d, &door.Ask{Scope: s, ID: c.Task, Cmd: cmd})
	if err != nil || d.err != nil {
		return nil, err
	}
	if len(d.packing(s, c.Task).Loose()) == 0 {
		return &scan.Next{Do: scan.Done, Task: c.Task}, nil
	}
	return &scan.Next{Do: scan.Pack, Task: c.Task}, nil
}

// scanCount tells what lies at the place of a count.
func (d *decision) scanCount(s scope.Scope, c scan.Scan) error {
	x := d.count(s, c.Task)
	if d.err != nil {
		return d.err
	}
	if !x.Known() {
		return refused("task", "there is no count %s of %s", c.Task, s.Owner)
	}
	if err := d.samePlace(c.Place, x.Place); err != nil {
		return err
	}
	if c.Code != "" {
		if _, err := scan.Match(c.Code, d.item(s, x.Item)); err != nil {
			return err
		}
	}
	_, err := d.f.askStock(d, &door.Ask{Scope: s, ID: c.Task, Cmd: count.Tally{Counted: c.Qty, By: c.Worker}})
	return err
}

// scanTaskMove ends a replenishment at its face.
func (d *decision) scanTaskMove(s scope.Scope, c scan.Scan) error {
	t := d.task(s, c.Task)
	switch {
	case d.err != nil:
		return d.err
	case t.Status == task.StatusNone:
		return refused("task", "there is no task %s of %s", c.Task, s.Owner)
	case t.Kind == task.KindPutAway:
		return d.scanPutAway(s, t, c)
	case t.Kind != task.KindReplenish:
		return refused("task", "task %s is of kind %q: move is for put-aways and replenishments", c.Task, t.Kind)
	}
	face := t.Steps[0]
	if at, err := scan.At(c.Place); err != nil {
		return err
	} else if at != face.To.Location {
		return refused("place", "this is %.64s, the goods go to %s", at, face.To.Location)
	}
	cmd := replenish.Moved{Worker: c.Worker, Claim: t.Claims, Moved: c.Moved}
	if err := d.replenishes(s, t, c.Code); err != nil {
		return err
	}
	switch {
	case c.Qty == 0:
	case len(t.Steps) > 1:
		return refused("qty", "task %s has %d steps: say in moved what was brought of each", c.Task, len(t.Steps))
	default:
		cmd.Moved = []int64{c.Qty}
	}
	_, err := d.f.askFloor(d, &door.Ask{Scope: s, ID: c.Task, Cmd: cmd})
	return err
}

// replenishes refuses a code that is neither of the goods that a replenishment brings nor of an LPN
// that it takes them from.
func (d *decision) replenishes(s scope.Scope, t task.Task, code string) error {
	if code == "" {
		return nil
	}
	id, err := scan.LPN(code)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(t.Steps, func(st task.Step) bool { return st.From.LPN != "" && st.From.LPN == id }) {
		return nil
	}
	g, err := scan.Match(code, d.item(s, t.Steps[0].Item))
	if err != nil {
		return err
	}
	if g.Lot != "" && !slices.ContainsFunc(t.Steps, func(st task.Step) bool { return st.From.Lot == "" || st.From.Lot == g.Lot }) {
		return refused("code", "this is lot %s, the task brings others", g.Lot)
	}
	return nil
}

// nextAfter is what a worker does whose scan was refused: the same step again, or the claim that
// he lost.
func (d *decision) nextAfter(s scope.Scope, c scan.Scan, why error) *scan.Next {
	if c.Owner != "" {
		s.Owner = c.Owner
	}
	if c.Task == "" || c.Do != scan.Pick && c.Do != scan.Short {
		return nil
	}
	if place := fault.PlaceOf(why); place == "worker" || place == "claim" {
		return &scan.Next{Do: "claim", Task: c.Task}
	}
	l := d.pick(s, c.Task)
	if d.err != nil || l.Status != pick.StatusOpen || strings.HasPrefix(fault.PlaceOf(why), "task") {
		return nil
	}
	if c.Step >= 1 && c.Step <= len(l.Steps) && l.Steps[c.Step-1].Left() > 0 {
		st := l.Steps[c.Step-1]
		return &scan.Next{Do: scan.Pick, Task: c.Task, Step: st.No, Place: st.From.Location, Item: st.Item, Lot: st.From.Lot, LPN: st.From.LPN, Qty: st.Left()}
	}
	return d.nextPick(s, c.Task)
}

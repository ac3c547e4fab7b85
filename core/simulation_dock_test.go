package core_test

import (
	"fmt"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

func contents(ps []piece) []pack.Content {
	var out []pack.Content
	for _, p := range ps {
		c := pack.Content{Line: p.line, Item: p.item, Tote: p.tote, Qty: p.qty}
		merged := false
		for i := range out {
			if out[i].Line == c.Line && out[i].Tote == c.Tote {
				out[i].Qty += c.Qty
				merged = true
			}
		}
		if !merged {
			out = append(out, c)
		}
	}
	return out
}

func (s *sim) pack(j *job) {
	j.packs++
	id := fmt.Sprintf("P-%s-%d", j.number, j.packs)
	s.plain(pack.Packing{}.Open(pack.Open{Scope: s.site, Pack: id, Order: j.number, Contents: contents(j.picked)}, s.now))
	stream := pack.StreamOf(s.site, id)
	var units []pack.Unit
	for _, c := range get[pack.Packing](s.world, stream).Left {
		u, _ := s.items[c.Item].Unit(item.Each)
		units = append(units, pack.Unit{Content: c, Dims: u.Dims, Weight: u.Weight, Packing: s.items[c.Item].Spec.Packing})
	}
	plan, err := pack.Cartonize(units, []pack.Box{
		{Code: "S", Inner: cm(20, 15, 10), MaxWeight: 5 * measure.Kilogram}, {Code: "M", Inner: cm(30, 20, 15), MaxWeight: 2 * measure.Kilogram},
	})
	if err != nil {
		s.fatalf("cartonizing: %v", err)
	}
	s.plain(get[pack.Packing](s.world, stream).Propose(pack.Propose{Plan: plan}, s.now))
	for _, box := range plan.Cartons {
		s.serial++
		evs := must(get[pack.Packing](s.world, stream).CloseCarton(pack.CloseCarton{
			Box: box.Box, Contents: box.Contents, Weight: box.Weight, Dims: box.Dims, SSCC: pack.Numbering{Prefix: "0614141", Serial: s.serial},
		}, s.now))
		sscc := evs[0].(pack.CartonClosed).Carton
		var posts []journal.Posting
		lines := map[int]int64{}
		for _, c := range box.Contents {
			e, p, err := inventory.Pack{BookKey: s.key(c.Item), For: inventory.For{Order: j.number, Line: c.Line}, Tote: c.Tote, Carton: sscc, Qty: c.Qty}.Decide(s.now)
			if err != nil {
				s.fatalf("packing: %v", err)
			}
			evs, posts = append(evs, e...), append(posts, p...)
			lines[c.Line] += c.Qty
			j.packed = append(j.packed, piece{line: c.Line, item: c.Item, tote: c.Tote, box: sscc, qty: c.Qty})
		}
		var qs []order.LineQty
		for _, l := range s.order(j).Lines {
			if lines[l.No] > 0 {
				qs = append(qs, order.LineQty{Line: l.No, Qty: lines[l.No]})
			}
		}
		more, err := s.order(j).Pack(order.Pack{Carton: sscc, Lines: qs}, s.now)
		if !s.both(evs, posts, nil, more, err) {
			s.fatalf("closing a carton was refused")
		}
	}
	j.picked = nil
	done := must(get[pack.Packing](s.world, stream).Complete(pack.Complete{}, s.now))
	s.plain(done, nil)
	s.plain(s.shipment(j).Plan(ship.PlanShipment{Scope: s.site, Shipment: j.number, Order: j.number, Cartons: done[0].(pack.Completed).Cartons}, s.now))
}

func cm(l, w, h measure.Length) measure.Dims {
	return measure.Dims{Length: l * measure.Centimetre, Width: w * measure.Centimetre, Height: h * measure.Centimetre}
}

func (s *sim) shipment(j *job) ship.Shipment {
	return get[ship.Shipment](s.world, ship.StreamOf(s.site, j.number))
}

// ship takes the first carton that waits one step on: label, manifest.
func (s *sim) ship(j *job) {
	sh := s.shipment(j)
	if len(sh.Waiting) == 0 {
		s.fatalf("order %s has packed goods and its shipment waits for nothing", j.number)
	}
	sscc := sh.Waiting[s.rng.IntN(len(sh.Waiting))]
	l := get[label.Label](s.world, label.StreamOf(s.site, sscc))
	switch l.Status {
	case label.StatusNone, label.StatusVoided, label.StatusRefused:
		s.plain(l.Request(label.Request{Scope: s.site, Carton: sscc, Order: j.number}, s.now))
		return
	case label.StatusRequested:
		if s.maybe(4) {
			s.plain(l.Refuse(label.Refuse{Attempt: l.Attempt, Carrier: "ups", Reason: "no"}, s.now))
			return
		}
		s.plain(l.Buy(label.Buy{Attempt: l.Attempt, Carrier: "ups", Tracking: fmt.Sprintf("1Z%s-%d", sscc, l.Attempt)}, s.now))
		return
	}
	m := ship.Manifested{Carton: sscc, Carrier: l.Carrier, Tracking: l.Tracking}
	for _, p := range j.packed {
		if p.box == sscc {
			m.Contents = append(m.Contents, pack.Content{Line: p.line, Item: p.item, Tote: p.tote, Qty: p.qty})
		}
	}
	evs := must(sh.Manifest(ship.ManifestCarton{Carton: m}, s.now))
	s.leave(j, evs)
	if again, err := s.shipment(j).Manifest(ship.ManifestCarton{Carton: m}, s.now); err != nil || len(again) != 0 {
		s.fatalf("manifesting a carton again: %v %v", again, err)
	}
}

// leave commits what a manifest or a drop decided, with the goods that leave.
func (s *sim) leave(j *job, evs []event.Event) {
	c, confirmed := evs[len(evs)-1].(ship.Confirmed)
	if !confirmed {
		s.plain(evs, nil)
		return
	}
	if c.Supplement > 0 {
		s.Supplements++
	}
	s.Shipped++
	var posts []journal.Posting
	gone := map[string]bool{}
	for _, m := range c.Cartons {
		gone[m.Carton] = true
		for _, k := range m.Contents {
			e, p, err := inventory.Ship{BookKey: s.key(k.Item), For: inventory.For{Order: j.number, Line: k.Line}, Carton: m.Carton, Qty: k.Qty}.Decide(s.now)
			if err != nil {
				s.fatalf("shipping: %v", err)
			}
			evs, posts = append(evs, e...), append(posts, p...)
		}
	}
	var lines []order.LineQty
	for _, l := range c.Lines {
		lines = append(lines, order.LineQty{Line: l.Line, Qty: l.Qty})
	}
	more, err := s.order(j).Ship(order.Ship{Shipment: c.Shipment, Supplement: c.Supplement, Lines: lines}, s.now)
	if !s.both(evs, posts, nil, more, err) {
		s.fatalf("shipping was refused: %v", err)
	}
	for i := range j.packed {
		if gone[j.packed[i].box] {
			j.packed[i].qty = 0
		}
	}
	j.packed = clean(j.packed)
}

// cancel ends the order and undoes, as its event says, what was done for it.
func (s *sim) cancel(j *job, o order.Order) {
	evs, err := o.Cancel(order.Cancel{Reason: "customer"}, s.now)
	if s.rejected(err) || len(evs) == 0 {
		return
	}
	s.Cancelled++
	s.plain(evs, nil)
	for _, l := range evs[0].(order.Cancelled).Lines {
		if l.Release > 0 {
			e, p, err := inventory.Release{BookKey: s.key(l.Item), For: inventory.For{Order: j.number, Line: l.Line}, Qty: l.Release}.Decide(s.now)
			s.sure(e, p, err)
		}
	}
	for _, p := range j.allocated {
		e, post, err := inventory.Deallocate{BookKey: s.key(p.item), Place: p.place, Qty: p.qty}.Decide(s.now)
		s.sure(e, post, err)
	}
	for _, tid := range j.tasks {
		s.plain(get[pick.List](s.world, pick.StreamOf(s.site, tid)).Cancel(pick.Cancel{Reason: "cancelled"}, s.now))
		s.plain(get[task.Task](s.world, task.StreamOf(s.site, tid)).Cancel(task.Cancel{Reason: "cancelled"}, s.now))
	}
	for _, p := range j.picked {
		e, post, err := inventory.PutBack{BookKey: s.key(p.item), From: inventory.InTote("", p.tote), To: inventory.Place{Location: "RETURN"}, Qty: p.qty}.Decide(s.now)
		s.sure(e, post, err)
	}
	dropped := map[string]bool{}
	for _, p := range j.packed {
		s.Unpacked++
		e, post, err := inventory.PutBack{BookKey: s.key(p.item), From: inventory.InCarton("", p.box), To: inventory.Place{Location: "RETURN"}, Qty: p.qty}.Decide(s.now)
		s.sure(e, post, err)
		if dropped[p.box] {
			continue
		}
		dropped[p.box] = true
		if l := get[label.Label](s.world, label.StreamOf(s.site, p.box)); l.Status == label.StatusBought {
			s.plain(l.Void(label.Void{Tracking: l.Tracking, Reason: "cancelled"}, s.now))
		}
	}
	j.allocated, j.tasks, j.picked = nil, nil, nil
	// All are dropped in one unit, ready ones first, so that nothing confirms goods that went back.
	sh := s.shipment(j)
	for _, m := range sh.Ready {
		if dropped[m.Carton] {
			s.plain(s.shipment(j).Drop(ship.DropCarton{Carton: m.Carton, Reason: "cancelled"}, s.now))
		}
	}
	for _, c := range sh.Waiting {
		s.plain(s.shipment(j).Drop(ship.DropCarton{Carton: c, Reason: "cancelled"}, s.now))
	}
	j.packed = nil
	s.leaveWave(j, wave.OutCancelled)
}

// drain lets every order come to an end: shipped, cancelled or waiting.
func (s *sim) drain() {
	for range 2000 {
		s.now = s.now.Add(time.Minute)
		busy := false
		for _, j := range s.jobs {
			o := s.order(j)
			t := o.Totals()
			if o.Closed() || t.Backordered == t.Open && t.HeldLines == 0 {
				continue
			}
			if o.Policy == order.AllOrNothing && t.Backordered > 0 && t.Unassigned == 0 && t.Reserved == 0 && len(j.tasks) == 0 {
				continue // keeps what it has until the rest comes
			}
			busy = true
			s.step(j)
		}
		if !busy {
			break
		}
	}
	for _, j := range s.jobs {
		o := s.order(j)
		s.checkLines(o, j)
		t := o.Totals()
		if !o.Closed() && t.Backordered == 0 {
			s.fatalf("order %s never ended: %s %+v", o.Number, o.Status(), t)
		}
		if len(j.tasks) > 0 {
			s.fatalf("order %s left task %s behind", o.Number, j.tasks[0])
		}
	}
}

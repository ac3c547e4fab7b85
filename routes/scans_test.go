package routes

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tracking"
)

const (
	gtinEach = "09506000134352"
	gtinCase = "19506000134359"
	palletA  = "106141412345678908"
)

// handheld counts its scans and remembers them.
type handheld struct {
	r    *rig
	name string
	sent []scan.Scan
}

// make numbers a scan and does not send it.
func (h *handheld) make(c scan.Scan) scan.Scan {
	c.Seq, c.At = int64(len(h.sent)+1), time.Now()
	if c.Worker == "" {
		c.Worker = "jo"
	}
	if c.Owner == "" {
		c.Owner = site.Owner
	}
	h.sent = append(h.sent, c)
	return c
}

func (h *handheld) send(c scan.Scan) (scan.Answer, error) {
	v, err := h.r.hub.Call(context.Background(), door.Scans, door.Ask{Scope: site, ID: h.name, Cmd: scan.Send{Scan: c, Sent: time.Now()}})
	if err != nil {
		return scan.Answer{}, err
	}
	return v.(scan.Answer), nil
}

func (h *handheld) scan(c scan.Scan) scan.Answer {
	h.r.t.Helper()
	a, err := h.send(h.make(c))
	if err != nil {
		h.r.t.Fatalf("%+v: %v", c, err)
	}
	return a
}

func (h *handheld) done(c scan.Scan) *scan.Next {
	h.r.t.Helper()
	a := h.scan(c)
	if a.Result != scan.Done {
		h.r.t.Fatalf("%+v: %+v", c, a)
	}
	return a.Next
}

// floor is a warehouse where people work: item A with codes, stock, and one claimed pick task.
func floor(t *testing.T, change ...func(*FlowConfig)) (r *rig, h *handheld) {
	r = newRig(t, append([]func(*FlowConfig){func(c *FlowConfig) { c.Auto = AutoConfig{} }}, change...)...)
	s := spec(200 * measure.Gram)
	s.Codes = []item.Code{{Kind: "gtin", Value: "9506000134352", UOM: item.Each}, {Kind: "gtin", Value: gtinCase, UOM: item.Case}}
	r.must(door.Master, "A", item.Register{Spec: s})
	r.must(door.Master, "B", item.Register{Spec: spec(100 * measure.Gram)})
	r.stockOnly("A", 0, "P-1", "P-2", "DOCK")
	return r, &handheld{r: r, name: "HH-1"}
}

// pickTask is the open pick task of an order, claimed by jo.
func (r *rig) pickTask(number string) task.Task {
	r.t.Helper()
	settle(30 * time.Second)
	var found task.Task
	for name := range r.streams("task") {
		if x := foldOf(r, task.Fold, name); x.Order == number && x.Kind == task.KindPick && x.Status == task.StatusOpen {
			found = x
		}
	}
	if found.Task == "" {
		r.t.Fatalf("no pick task of %s\n%s", number, r.story())
	}
	r.must(door.Floor, found.Task, task.Claim{Worker: "jo", Lease: time.Hour})
	return found
}

// streams are the names of all streams of a kind.
func (r *rig) streams(kind string) map[string]bool {
	names := map[string]bool{}
	r.each(func(rec *journal.Record) {
		if strings.HasPrefix(rec.Stream, kind+"/") {
			names[rec.Stream] = true
		}
	})
	return names
}

func (r *rig) lpn(id string) tracking.LPN {
	return foldOf(r, tracking.Fold, tracking.StreamOf(site, id))
}

// at is how much of A lies free at a location, by LPN.
func (r *rig) at(location string) map[string]int64 {
	out := map[string]int64{}
	for _, sh := range foldOf(r, inventory.Fold, keyOf(site, "A").Stream()).Shelves {
		if sh.Location == location && sh.Total() > 0 {
			out[sh.LPN] += sh.Total()
		}
	}
	return out
}

func TestAHandheldLeadsThroughTheBuilding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := floor(t)
		h.done(scan.Scan{Do: scan.Receive, Code: "]C100" + palletA + "02" + gtinCase + "37" + "4", Place: "DOCK"})
		h.done(scan.Scan{Do: scan.Receive, Code: "9506000134352", Place: "P-1", Qty: 10})
		settle(time.Minute)
		if l := r.lpn(palletA); l.Last.Location != "DOCK" || len(l.Items) != 1 || r.at("DOCK")[palletA] != 24 {
			t.Fatalf("%+v, %v", l, r.at("DOCK"))
		}
		h.done(scan.Scan{Do: scan.Move, Code: "(00)" + palletA, Place: "P-2"})
		if l := r.lpn(palletA); l.Last.Location != "P-2" || r.at("P-2")[palletA] != 24 || len(r.at("DOCK")) != 0 {
			t.Fatalf("%+v, %v, %v", l, r.at("DOCK"), r.at("P-2"))
		}
		r.place("SO-1", "A", 3)
		id := r.pickTask("SO-1")
		st := id.Steps[0]
		next := h.done(scan.Scan{Do: scan.Pick, Task: id.Task, Step: 1, Code: "]E0" + gtinEach[1:], Place: st.From.Location, Tote: "T-1"})
		if next == nil || next.Step != 1 || next.Qty != 2 {
			t.Fatalf("%+v", next)
		}
		if next = h.done(scan.Scan{Do: scan.Pick, Task: id.Task, Step: 1, Code: gtinEach, Qty: 2, Tote: "T-1"}); next.Do != scan.Done {
			t.Fatalf("%+v", next)
		}
		settle(time.Minute)
		if l := r.lpn("T-1"); l.Kind != tracking.KindTote || l.Last.Location != st.From.Location || l.Ref != "SO-1" {
			t.Fatalf("%+v", l)
		}
		if next = h.done(scan.Scan{Do: scan.Pack, Task: "P1-SO-1", Box: "S", Contents: []scan.Content{{Code: gtinEach, Qty: 1}, {Code: gtinEach, Qty: 2}}}); next.Do != scan.Done {
			t.Fatalf("%+v", next)
		}
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		r.must(door.Stock, "A", count.Open{ID: "C-1", Place: inventory.Place{Location: "P-1"}, BookKey: keyOf(site, "A")})
		h.done(scan.Scan{Do: scan.Count, Task: "C-1", Place: "P-1", Code: gtinEach, Qty: r.at("P-1")[""]})
		r.noLetters()
		if n := r.count()["scan.Taken"]; n != len(h.sent) {
			t.Errorf("%d scans taken, %d sent", n, len(h.sent))
		}
		for name := range r.streams("lpn") {
			if l := foldOf(r, tracking.Fold, name); l.Kind == tracking.KindCarton && l.Ended != "shipped" {
				t.Errorf("a carton that left is %+v", l)
			}
		}
	})
}

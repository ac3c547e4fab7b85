package routes

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/device"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tracking"
)

// acts are what audit-events tell of who did what.
func (r *rig) acts() (out []door.Act) {
	r.t.Helper()
	r.each(func(rec *journal.Record) {
		if rec.Type != door.ActType {
			return
		}
		var a door.Act
		if err := json.Unmarshal(rec.Data, &a); err != nil || rec.Topic != onAudit {
			r.t.Fatalf("%s on %s: %v", rec.Data, rec.Topic, err)
		}
		out = append(out, a)
	})
	return out
}

// Each door that writes tells who did what, of which building, with which command; what changed
// nothing, and what was refused, is not told.
func TestEachDoorTellsWhoDidWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		r.stock("A", 20, "P-1")
		r.dock()
		r.place("SO-1", "A", 1)
		settle(time.Minute)
		for _, c := range []struct {
			door, id, command string
			cmd               any
			again             bool // sent again it changes nothing
		}{
			{door.Orders, "SO-2", "order.Place", place("SO-2", lines("A", 1)), true},
			{door.Master, "B", "item.Register", item.Register{Spec: spec(200 * measure.Gram)}, true},
			{door.Stock, "A", "inventory.Receive", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 2}, false},
			{door.Receipts, "ASN-1", "receiving.Announce", expects("A", 5), true},
			{door.Waves, "east", "labor.Plan", labor.Plan{Shifts: []labor.Shift{{Code: "all", Staff: []labor.Staff{{Workers: 1}}}}}, true},
			{door.Floor, "T1-SO-1", "task.Claim", task.Claim{Worker: "kim", Lease: time.Hour}, true},
			{door.Tracking, "TOTE-9", "tracking.Place", tracking.Place{Kind: tracking.KindTote, Sighting: tracking.Sighting{Position: tracking.Position{Location: "P-1"}}}, false},
			{door.Devices, "HH-1", "device.Invite", device.Invite{Code: device.Sum(strings.Repeat("0a", 32)), Until: time.Now().Add(time.Hour)}, false},
			{door.Dock, "", "pallet.Build", pallet.Build{Limits: pallet.Limits{Tare: 20 * measure.Kilogram}}, false},
		} {
			before := len(r.acts())
			_, err := r.ask(c.door, door.Ask{ID: c.id, Cmd: c.cmd, Actor: "jo"})
			if err != nil {
				t.Errorf("%s of %s: %v", c.command, c.door, err)
				continue
			}
			told := r.acts()
			if len(told) != before+1 {
				t.Errorf("%s of %s is told %d times", c.command, c.door, len(told)-before)
				continue
			}
			if a := told[before]; a.Door != c.door || a.Command != c.command || a.Actor != "jo" || a.Facility != site.Facility || a.At.IsZero() {
				t.Errorf("%s of %s is told as %+v", c.command, c.door, a)
			}
			if c.again {
				if _, err := r.ask(c.door, door.Ask{ID: c.id, Cmd: c.cmd, Actor: "jo"}); err != nil || len(r.acts()) != before+1 {
					t.Errorf("%s of %s, sent again, is told %d times: %v", c.command, c.door, len(r.acts())-before, err)
				}
			}
			if _, err := r.ask(c.door, door.Ask{ID: "x", Cmd: struct{}{}, Actor: "jo"}); err == nil || len(r.acts()) != before+1 {
				t.Errorf("what %s refused is told: %v", c.door, err)
			}
		}
		before := len(r.acts())
		h := &handheld{r: r, name: "HH-2"}
		h.done(scan.Scan{Do: scan.Sight, Code: "TOTE-9", Place: "P-1"})
		if told := r.acts(); len(told) != before+1 || told[before].Door != door.Scans || told[before].Worker != "jo" || told[before].Device != "HH-2" {
			t.Errorf("a scan is told as %+v", told[before:])
		}
	})
}

package routes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
)

func TestWhoConsumesWhatIsAsTheDesignSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		planned := map[string]bool{"erp": true, "wms": true, "notifications": true}
		for _, c := range r.hub.Consumers() {
			if c.Planned() != planned[c.Name] {
				t.Errorf("%s on %v: served by %v", c.Name, c.Topics, c.Routes)
			}
		}
		for _, i := range r.hub.Routes() {
			if i.About == "" {
				t.Errorf("route %s does not say what it is for", i.Name)
			}
			if len(i.Consumes) == 0 && !i.Door && i.Name != "control" {
				t.Errorf("route %s consumes nothing and is no door", i.Name)
			}
		}
	})
}

// Which event goes to which topic, as the design lists it.
func TestEachEventGoesToItsTopic(t *testing.T) {
	want := map[string]event.Topic{
		"wave": event.WaveEvents, "workload": event.WaveEvents, "order": event.OrderEvents,
		"stock": event.InventoryEvents, "location": event.InventoryEvents, "item": event.InventoryEvents,
		"receipt": event.InventoryEvents, "count": event.InventoryEvents,
		"task": event.TaskEvents, "pick": event.PickEvents,
		"pack": event.PackEvents, "label": event.PackEvents, "ship": event.PackEvents,
	}
	for _, s := range catalog.Schemas() {
		kind, _, _ := strings.Cut(s.Type, ".")
		if w, ok := want[kind]; ok && w != s.Topic {
			t.Errorf("%s goes to %s, want %s", s.Type, s.Topic, w)
		}
	}
}

func TestRoutesWriteWhereTheySay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Auto.ShortOneIn = 3 })
		r.stock("A", 5, "P-1", "P-2")
		for i := range 9 {
			r.place("SO-"+string(rune('0'+i)), "A", 1, "NEW", 1)
		}
		settle(time.Minute)
		r.stock("NEW", 20, "P-3")
		settle(time.Hour)
		says := map[string][]string{}
		for _, i := range r.hub.Routes() {
			says[i.Name] = append(i.Writes, "error-events", onAudit)
		}
		r.each(func(rec *journal.Record) {
			w, isRoute := says[rec.Source]
			if isRoute && !strings.HasPrefix(rec.Topic, "timer.") && !slices.Contains(w, rec.Topic) {
				t.Errorf("%s wrote %s to %s and says it writes %v", rec.Source, rec.Type, rec.Topic, w)
				says[rec.Source] = append(w, rec.Topic)
			}
		})
	})
}

// Each service is a subscription of its own: one that stands stops neither those before it nor
// the other orders' way past the services that it does not serve; its lag is told, and once it
// goes on everything ends exactly once. A service consumes the one topic that the design names,
// and what follows from other topics is a subscription beside it, which goes on meanwhile.
func TestEachServiceStandsAlone(t *testing.T) {
	for name, topic := range map[string]string{"task": onWaves, "task.follow": onOrders, "pick": onTasks, "pack": onPicks, "pack.follow": onOrders} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.stock("A", 50, "P-1")
				for i := range 3 { // the first are through when it stops
					r.place(fmt.Sprintf("EARLY-%d", i), "A", 1)
				}
				settle(time.Minute)
				before := r.route(name)
				if !slices.Contains(before.Consumes, topic) || !strings.Contains(name, ".") && len(before.Consumes) != 1 || before.Behind != 0 {
					t.Fatalf("%s consumes %v and is %d behind", name, before.Consumes, before.Behind)
				}
				if err := r.hub.Pause(t.Context(), name, "jo"); err != nil {
					t.Fatal(err)
				}
				for i := range 6 {
					r.place(fmt.Sprintf("SO-%d", i), "A", 1)
				}
				settle(time.Hour)
				n := r.count()
				serves := !strings.Contains(name, ".")
				done := map[string]int{"wave.Released": 3, "task.Created": 9, "pick.Completed": 9, "pack.Opened": 9, "order.Shipped": 9}
				for typ, all := range done {
					want := all
					switch {
					case !serves || typ == "wave.Released" || typ == "task.Created" && name != "task" || typ == "pick.Completed" && name == "pack":
					default:
						want = 3
					}
					if typ != "wave.Released" && n[typ] != want || n[typ] == 0 {
						t.Errorf("%s while %s stands: %d, want %d", typ, name, n[typ], want)
					}
				}
				for _, i := range r.hub.Routes() {
					if (i.Name == name) != (i.Paused != "") || i.Name != name && i.Behind != 0 {
						t.Errorf("%s: paused %q, %d behind", i.Name, i.Paused, i.Behind)
					}
				}
				if got := r.route(name).Behind; got == 0 {
					t.Error("its lag is not told")
				}
				r.restart() // it stands over a restart, and so does its lag
				settle(time.Minute)
				if got := r.route(name); got.Paused == "" || got.Behind == 0 {
					t.Errorf("after a restart: paused %q, %d behind", got.Paused, got.Behind)
				}
				if err := r.hub.Resume(t.Context(), name, "jo"); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				for typ, want := range done {
					if n := r.count()[typ]; typ != "wave.Released" && n != want {
						t.Errorf("%s in the end: %d, want %d", typ, n, want)
					}
				}
				if got := r.route(name).Behind; got != 0 {
					t.Errorf("%d behind in the end", got)
				}
				if r.carrier.standing() != 9 {
					t.Errorf("%d labels", r.carrier.standing())
				}
				r.books("A")
				r.noLetters()
			})
		})
	}
}

func (r *rig) route(name string) RouteInfo {
	r.t.Helper()
	for _, i := range r.hub.Routes() {
		if i.Name == name {
			return i
		}
	}
	r.t.Fatalf("no route is named %s", name)
	return RouteInfo{}
}

package routes

import (
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

// Each service is a subscription of its own: one that is paused stops neither those before
// it nor other orders' way past the services it does not serve.
func TestEachServicePausesAlone(t *testing.T) {
	for _, name := range []string{"task", "pick", "pack"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.stock("A", 5, "P-1")
				if err := r.hub.Pause(t.Context(), name, "jo"); err != nil {
					t.Fatal(err)
				}
				r.place("SO-1", "A", 1)
				settle(time.Hour)
				n := r.count()
				done := map[string]bool{"wave.Released": true, "task.Created": name != "task", "pick.Completed": name == "pack", "pack.Opened": false}
				for typ, want := range done {
					if (n[typ] > 0) != want {
						t.Errorf("%s: %d, want some: %v", typ, n[typ], want)
					}
				}
				if err := r.hub.Resume(t.Context(), name, "jo"); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				r.status("SO-1", "shipped")
			})
		})
	}
}

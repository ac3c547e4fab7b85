package routes

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/device"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/core/tracking"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/routes/eip"
)

// made are the patterns of a list that a block makes, sorted.
func made(names []string) []string {
	var out []string
	for _, p := range eip.Catalog() {
		if p.Made() && slices.Contains(names, p.Name) {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	return out
}

// says holds what ran in each route to what the route names. Every rig is asked when it stops.
func (r *rig) says() {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	for name, x := range r.hub.routes {
		for _, p := range x.ran.Names() {
			if !slices.Contains(x.Patterns, p) && !strings.HasPrefix(name, "test.") {
				r.t.Errorf("route %s runs the block of %q and does not name it", name, p)
			}
		}
	}
}

// byShape are the patterns that no block makes: how a route that names one must be made.
var byShape = map[string]func(h *Hub, r Route) bool{
	eip.NamePublishSubscribe: func(h *Hub, r Route) bool {
		return slices.ContainsFunc(r.Topics, func(t string) bool { return len(h.consumers(t)) > 1 })
	},
	eip.NameCompeting:      func(_ *Hub, r Route) bool { return len(r.Topics) > 0 && r.Parallel != 1 },
	eip.NameChannelAdapter: func(_ *Hub, r Route) bool { return r.Conn != "" || r.Name == door.Documents },
	eip.NameBreaker:        func(_ *Hub, r Route) bool { return r.Conn != "" },
	eip.NameDeadLetter:     func(_ *Hub, r Route) bool { return len(r.Topics) > 0 },
	eip.NameInvalid:        func(_ *Hub, r Route) bool { return len(r.Topics) > 0 },
}

func (h *Hub) consumers(topic string) (names []string) {
	for _, x := range h.routes {
		if slices.Contains(x.Topics, topic) {
			names = append(names, x.Name)
		}
	}
	return names
}

// TestRoutesRunTheBlocksThatTheyName lets everything flow once through a hub with everything in
// it: a route that names a pattern of a block has run the block, and one that ran it names it.
func TestRoutesRunTheBlocksThatTheyName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) {
			p.Tap, p.Rate, p.Invoices, p.ShipNotice = true, 60, true, ByBoth
			p.Window = Window{0, 24*time.Hour - time.Minute}
		})
		logi := r.edi.Partners["ACME"]
		logi.Name, logi.ID, logi.Notices = "LOGI", "LOGI", []string{site.Owner}
		r.edi.Partners["LOGI"] = logi
		other := newCarrier("dhl")
		r.cfg.Carriers = config(r.carrier, other).Carriers
		r.restart()

		r.stock("WIDGET", 100, "P-2")
		r.place("SO-1", "WIDGET", 3) // names no carrier: prices are compared
		orders, _ := generated(t, x12gen.Config{Seed: 2, Sets: 3, MostLine: 1})
		second := strings.Index(orders, "ST*940*0002")
		at := second + strings.Index(orders[second:], "W01*") + len("W01*")
		r.drop("940.edi", orders[:at]+"MANY"+orders[at+strings.IndexByte(orders[at:], '*'):])
		bought, purchases := generated(t, x12gen.Config{Seed: 3, Sets: 1, MostLine: 1, Control: 2, Set: "850", OrderPrefix: "PO-"})
		r.drop("850.edi", bought)
		messages, _ := generatedMessages(t, edifactgen.Config{Seed: 4, Messages: 2, MostLine: 1, OrderPrefix: "UN-"})
		last := strings.LastIndex(messages, "CNT+")
		r.drop("orders.edi", messages[:last]+strings.Replace(messages[last:], ":", ":MANY", 1))
		r.drop("contrl.edi", "UNB+UNOC:3+ACME+PAKLOG+261123:0915+C1'UNH+1+CONTRL:D:3:UN'UCI+99999+PAKLOG+ACME+7'UNT+3+1'UNZ+1+C1'")
		_, _ = r.ask(door.Waves, door.Ask{ID: "W-000001", Cmd: wave.Release{}})
		_, _ = r.ask(door.Floor, door.Ask{ID: "T-1", Cmd: task.Claim{Worker: "jo", Lease: time.Minute}})
		_, _ = r.ask(door.Dock, door.Ask{Cmd: pallet.Build{}})
		wish := gift()
		wish.Connection = ""
		if _, err := r.wish("k", wish); err != nil {
			t.Fatal(err)
		}
		_, _ = r.ask(door.Prints, door.Ask{ID: "SO-1", Cmd: ship.PrintOrder{}})
		_, _ = r.ask(door.Master, door.Ask{ID: "", Cmd: item.Register{}})
		_, _ = r.ask(door.Receipts, door.Ask{ID: "R-1", Cmd: receiving.Close{}})
		_, _ = r.ask(door.Tracking, door.Ask{ID: "T-1", Cmd: tracking.End{Reason: "none"}})
		_, _ = r.ask(door.Devices, door.Ask{ID: "HH-1", Cmd: device.Revoke{}})
		_, _ = r.ask(door.Certificates, door.Ask{ID: "ACME", Cmd: trust.Look{}})
		_, _ = r.resend("none.edi", "")
		r.flush()
		r.drop("943.edi", notice("943", "943", transfer))
		r.drop("desadv.edi", desadv("351", despatch))
		r.drop("990.edi", carrierSays("990", "990", "B1*ROAD*L-9*20000101*A~\n"))
		_, _ = r.ask(door.Tenders, door.Ask{ID: "L-9", Cmd: tender.Withdraw{Reason: "none"}})
		r.drop("824.edi", purchase("824", "824", advice824("OTI*TR*TN*NONE")))
		hand := handheld{r: r, name: "HH-1"}
		hand.scan(scan.Scan{Do: scan.Sight, Code: "A", Place: "P-2"})
		if err := r.hub.Control(t.Context(), eip.PauseRoute, eip.Order{Route: "pack", Actor: "jo"}); err != nil {
			t.Fatal(err)
		}
		if err := r.hub.Control(t.Context(), eip.ResumeRoute, eip.Order{Route: "pack", Actor: "jo"}); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		r.drop("860.edi", purchase("860", "860", "BCH*04*SA*"+purchases[0].Number+"***20000101~\nPOC*1*PC~\n"))
		r.drop("812.edi", purchase("812", "812", advisedSets["a set that nobody takes"].body))
		r.drop("997.edi", functionalAck(t, box.sets(t, "945")[0].GS.Control, "A"))
		for _, l := range r.letters() {
			if err := r.hub.Desk().Replay(t.Context(), l.ID, l.Opening, "jo"); err != nil {
				t.Fatal(err)
			}
		}
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		if a, b := len(box.sets(t, "945")), len(box.sets(t, "855")); a != 2+5 || b != 2 {
			t.Errorf("%d 945s and %d 855s, want 7 and 2", a, b)
		}

		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		named := map[string][]string{}
		for name, x := range r.hub.routes {
			named[name] = x.Patterns
			if says, does := made(x.Patterns), made(x.ran.Names()); !slices.Equal(says, does) {
				t.Errorf("route %s names %q and ran the blocks of %q", name, says, does)
			}
			for _, p := range x.Patterns {
				if is := byShape[p]; is != nil && !is(r.hub, x.Route) {
					t.Errorf("route %s names %q and is not made that way", name, p)
				}
			}
		}
		uses, unknown := eip.Uses(named)
		if len(unknown) > 0 {
			t.Errorf("patterns that the catalog does not hold: %q", unknown)
		}
		for _, u := range uses {
			if !u.Made() && byShape[u.Name] == nil && len(u.Routes) > 0 {
				t.Errorf("nothing holds routes %q to their %q", u.Routes, u.Name)
			}
			if len(u.Routes) == 0 && u.Note == "" {
				t.Errorf("no route names %q, and nothing says why", u.Name)
			}
		}
	})
}

package routes

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/shop"
)

func entry(partner string, k crossref.Kind, theirs, ours string) crossref.Set {
	return crossref.Set{Scope: scope.Scope{Tenant: site.Tenant, Owner: partner, Facility: site.Facility}, Kind: k, Theirs: theirs, Meaning: crossref.Meaning{Ours: ours}}
}

func way(partner, theirs string, s order.Service) crossref.Set {
	c := entry(partner, crossref.Method, theirs, "")
	c.Service = s
	return c
}

// means sets an entry; one that means something else is changed.
func (r *rig) means(c crossref.Set) {
	r.t.Helper()
	c.Update = true
	if _, err := r.ask(door.Master, door.Ask{Scope: c.Scope, ID: crossref.ID(c.Kind, c.Theirs), Cmd: c, Actor: "ann"}); err != nil {
		r.t.Fatalf("%+v: %v", c, err)
	}
}

func (r *rig) meansNothing(c crossref.Set) {
	r.t.Helper()
	if _, err := r.ask(door.Master, door.Ask{Scope: c.Scope, ID: crossref.ID(c.Kind, c.Theirs), Cmd: crossref.Remove{Kind: c.Kind, Theirs: c.Theirs}}); err != nil {
		r.t.Fatal(err)
	}
}

// hint lets the shop's work be read, and what follows happen.
func (r *rig) hint(work string) {
	r.t.Helper()
	if _, err := r.hub.Call(r.t.Context(), door.Shops, shop.Hint{Shop: "main", About: work}); err != nil {
		r.t.Fatal(err)
	}
	settle(time.Hour)
}

func from(partner string, p order.Place) order.Place {
	p.Source = order.Source{Door: "test", Partner: partner}
	return p
}

func TestAnOrderComesInItsSendersWordsAndIsKeptInOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.stock("MUG", 50, "P-1")
		r.stock("CUP", 50, "P-2")
		r.means(entry("main", crossref.Item, "S/1", "MUG"))
		r.means(entry("main", crossref.Unit, "Karton", item.Case))
		r.means(way("main", "Express (2 days)", order.Service{Carrier: "ups", Level: "02", Account: "A-7"}))
		p := place("SO-1", []order.PlaceLine{{Item: "S/1", Qty: 2, UOM: "Karton", Ref: "a"}, {Item: "CUP", Qty: 1, UOM: item.Each, Ref: "b"}})
		p.Service = order.Service{Method: "Express (2 days)", Terms: "collect"}
		r.must(door.Orders, "SO-1", from("main", p))
		o := r.order("SO-1")
		if l := o.Lines[0]; l.SKU != "MUG" || l.Item != "MUG" || l.Ordered != 12 || !slices.Contains(l.Codes, item.Code{Kind: ofPartner, Value: "S/1"}) {
			t.Errorf("%+v", l)
		}
		if want := (order.Service{Carrier: "ups", Level: "02", Method: "Express (2 days)", Account: "A-7", Terms: "collect"}); o.Service != want {
			t.Errorf("%+v", o.Service)
		}
		if o.Lines[1].Item != "CUP" || len(o.Lines[1].Codes) != 0 {
			t.Errorf("%+v", o.Lines[1])
		}
		// The same again is the same order.
		if again := r.must(door.Orders, "SO-1", from("main", p)); again.Created {
			t.Error("it was placed twice")
		}
		// Nobody else's words are his.
		r.must(door.Orders, "SO-2", from("other", place("SO-2", lines("S/1", 1))))
		r.must(door.Orders, "SO-3", place("SO-3", lines("S/1", 1)))
		for _, n := range []string{"SO-2", "SO-3"} {
			if l := r.order(n).Lines[0]; !l.Held() || l.Item != "S/1" {
				t.Errorf("%s: %+v", n, l)
			}
		}
	})
}

// A line whose item nobody knew goes on by the replay of its letter, once the partner's code means one.
func TestALineGoesOnOnceItsCodeMeansSomething(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("MUG", 50, "P-1")
		r.must(door.Orders, "SO-1", from("main", place("SO-1", lines("S-1", 2))))
		settle(time.Minute)
		l := r.letters()
		if len(l) != 1 || l[0].Route != heldLines {
			t.Fatalf("letters: %+v", l)
		}
		r.means(entry("main", crossref.Item, "S-1", "MUG"))
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "ann"); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		r.noLetters()
		r.status("SO-1", order.StatusShipped)
	})
}

// What was decided by an entry stays: a change of the order names the line by the code that it came with,
// whatever that means by now; what is added is what the code means now.
func TestAnOrderStaysWhatItWasWhenAnEntryChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.stock("MUG", 50, "P-1")
		r.stock("CUP", 50, "P-2")
		s := newTestShop()
		r.shops = []ShopConfig{{Name: "main", Port: s, Scope: site, Poll: 10 * time.Minute}}
		r.restart()
		r.means(entry("main", crossref.Item, "S-1", "MUG"))
		s.buy("7", "S-1", 2)
		r.hint("w/7")
		r.means(entry("main", crossref.Item, "S-1", "CUP"))
		s.mu.Lock()
		w := s.work["w/7"]
		w.Updated = time.Now().UTC()
		w.Order.Lines = []order.PlaceLine{{Ref: "7/1", Item: "S-1", Qty: 3}, {Ref: "7/2", Item: "S-1", Qty: 1}}
		s.work["w/7"] = w
		s.mu.Unlock()
		r.hint("w/7")
		r.noLetters()
		o := r.order("S-7")
		if len(o.Lines) != 2 || o.Lines[0].SKU != "MUG" || o.Lines[0].Ordered != 3 || o.Lines[1].SKU != "CUP" || o.Lines[1].Ordered != 1 {
			t.Errorf("%+v", o.Lines)
		}
	})
}

// Each carrier is asked for what it calls the level; one that has no such service is not asked.
func TestALevelIsWhatEachCarrierCallsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fedex, dhl := newCarrier("fedex"), newCarrier("dhl")
		fedex.price, dhl.price = 700, 1
		r := newRig(t, func(cfg *FlowConfig) {
			cfg.Carriers = append(cfg.Carriers, CarrierConfig{Name: "fedex", Port: fedex}, CarrierConfig{Name: "dhl", Port: dhl})
		})
		r.means(entry("ups", crossref.Service, "02", "express"))
		r.means(entry("fedex", crossref.Service, "FEDEX_2_DAY", "express"))
		r.means(way("main", "Express", order.Service{Level: "express"}))
		r.stock("A", 9, "P-1")
		placed := func(number, carrier, level, method string) {
			p := place(number, lines("A", 1))
			p.Service = order.Service{Carrier: carrier, Level: level, Method: method}
			r.must(door.Orders, number, from("main", p))
			settle(time.Hour)
			r.status(number, order.StatusShipped)
		}
		bought := func(c *testCarrier) (codes []string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, list := range c.sold {
				for _, l := range list {
					codes = append(codes, l.Service.Code)
				}
			}
			slices.Sort(codes)
			return codes
		}
		placed("CHEAPEST", "", "", "Express")  // of those that have it
		placed("NAMED", "ups", "express", "")  // by the carrier that is named
		placed("OWN", "ups", "01", "")         // a code that is no level is the carrier's own
		placed("ANY", "", "", "no such thing") // none is asked for
		if u, f, d := bought(r.carrier), bought(fedex), bought(dhl); strings.Join(u, " ") != "01 02" || strings.Join(f, " ") != "FEDEX_2_DAY" || strings.Join(d, " ") != "GND" {
			t.Errorf("ups %v, fedex %v, dhl %v", u, f, d)
		}
		// Where the entry goes, the cheapest of the rest is bought.
		r.meansNothing(entry("fedex", crossref.Service, "FEDEX_2_DAY", "express"))
		placed("LATER", "", "", "Express")
		if u := bought(r.carrier); strings.Join(u, " ") != "01 02 02" {
			t.Errorf("ups %v", u)
		}
		r.noLetters()
	})
}

func TestAShopIsToldInItsOwnWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := newTestShop()
		r.shops = []ShopConfig{{
			Name: "main", Port: s, Scope: site, Locations: map[string]string{"old": site.Facility}, Poll: 10 * time.Minute,
			Stock: ShopStock{Within: time.Second}, Drift: ShopDrift{Late: time.Minute},
		}}
		r.restart()
		r.means(entry("main", crossref.Item, "S-1", "MUG"))
		r.means(entry("main", crossref.Item, "S-2", "MUG")) // the same goods under two numbers
		r.means(entry("main", crossref.Item, "POT", "CUP")) // and a number that is another item's name here
		r.means(entry("main", crossref.Location, "l", site.Facility))
		r.means(entry("main", crossref.Carrier, "United Parcel", "ups"))
		r.stock("MUG", 9, "P-1")
		r.stock("CUP", 4, "P-2")
		r.stock("POT", 7, "P-3")
		r.stock("JAR", 5, "P-4")
		s.buy("7", "S-2", 2) // at place "l", which the table alone knows
		r.hint("w/7")
		s.mu.Lock()
		told := s.told
		if s.level["S-1"] != 7 || s.level["S-2"] != 7 || s.level["POT"] != 4 || s.level["JAR"] != 5 || len(s.level) != 4 {
			t.Errorf("stock %v", s.level)
		}
		s.level["S-2"] = 99
		s.mu.Unlock()
		if len(told) != 1 || len(told[0].Parcels) != 1 || told[0].Parcels[0].Carrier != "United Parcel" {
			t.Errorf("told %+v", told)
		}
		if got := r.look(true); len(got.Found) == 0 || !slices.ContainsFunc(got.Found, func(f shop.Drift) bool { return f.Item == "S-2" && f.Ours == 7 && f.Theirs == 99 && f.Repaired }) {
			t.Errorf("found %+v", got.Found)
		}
		settle(time.Hour)
		if got := r.look(false); slices.ContainsFunc(got.Found, func(f shop.Drift) bool { return f.Kind == shop.Quantity }) {
			t.Errorf("it is not set right: %+v", got.Found)
		}
		r.noLetters()
	})
}

func TestAnEntryThatCannotBeIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.means(entry("main", crossref.Location, "l", site.Facility))
		r.means(entry("main", crossref.Carrier, "UPS", "ups"))
		r.means(entry("ups", crossref.Service, "03", "ground"))
		for name, c := range map[string]struct {
			set   crossref.Set
			kind  fault.Kind
			place string
		}{
			"a building that is not":       {entry("main", crossref.Location, "x", "mars"), fault.Rejected, "ours"},
			"a carrier that is not":        {entry("main", crossref.Carrier, "DHL", "dhl"), fault.Rejected, "ours"},
			"services of what is none":     {entry("main", crossref.Service, "01", "air"), fault.Rejected, "partner"},
			"a way by no carrier":          {way("main", "Air", order.Service{Carrier: "dhl"}), fault.Rejected, "carrier"},
			"a second code of a building":  {entry("main", crossref.Location, "m", site.Facility), fault.Rejected, "ours"},
			"a second name of a carrier":   {entry("main", crossref.Carrier, "U.P.S.", "ups"), fault.Rejected, "ours"},
			"a second code of a level":     {entry("ups", crossref.Service, "04", "ground"), fault.Rejected, "ours"},
			"another meaning, unannounced": {entry("main", crossref.Carrier, "UPS", "ups2"), fault.Rejected, "ours"},
			"a kind that is none":          {entry("main", "colour", "x", "y"), fault.Invalid, "kind"},
		} {
			_, err := r.ask(door.Master, door.Ask{Scope: c.set.Scope, ID: "x", Cmd: c.set})
			if fault.KindOf(err) != c.kind || fault.PlaceOf(err) != c.place {
				t.Errorf("%s: %v at %q", name, err, fault.PlaceOf(err))
			}
		}
		if _, err := r.ask(door.Master, door.Ask{ID: "x", Cmd: crossref.Remove{Kind: crossref.Item, Theirs: "nobody's"}}); fault.KindOf(err) != fault.Rejected {
			t.Errorf("of nothing: %v", err)
		}
		// A code that is given up may be another's; both ways are free again.
		r.meansNothing(entry("ups", crossref.Service, "03", "ground"))
		r.means(entry("ups", crossref.Service, "04", "ground"))
		r.means(entry("ups", crossref.Service, "03", "saver"))
		// Who did it is told.
		acts := 0
		for _, a := range r.acts() {
			if a.Command == "crossref.Set" && a.Actor == "ann" && a.Owner == "ups" && a.ID == "service:04" {
				acts++
			}
		}
		if acts != 1 {
			t.Errorf("%d acts: %+v", acts, r.acts())
		}
	})
}

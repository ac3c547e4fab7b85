package routes

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/transforms/mapping"
)

// ownOrder is a map of ACME's 940: it gives the number a prefix, and pieces are what he calls PCE.
const ownOrder = `map: own-940
reads: ["940", "830"]
makes: order
loops:
  party: {first: N1, holds: [N2, N3, N4, PER]}
  line: {first: LX, holds: [W01, G69, N9]}
tables:
  unit: {rows: {EA: each, CA: case, PK: PK}}
let: {to: 'set.party.by("ST")'}
when: set.W05[1] != "F"
out:
  number: '"OWN-" + set.W05[2]'
  facility: "'east'"
  ship_to: {name: "to.N1[2]", lines: ["to.N3[1]"], city: "to.N4[1]", region: "to.N4[2]", postal_code: "to.N4[3]", country: "'US'"}
  service: {carrier: "set.W66[10]"}
  lines:
    $each: set.line
    item: it.W01.pair("VN", 4)
    qty: num(it.W01[1]).whole()
    uom: table.unit(it.W01[2])
`

func compiled(t *testing.T, text string) *mapping.Map {
	t.Helper()
	m, err := mapping.Compile("own.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func withMaps(of map[string]*mapping.Map) func(*Partner) {
	return func(p *Partner) { p.Maps = of }
}

// codes makes the item codes of generated documents vendor's numbers, by which maps here go.
func vendors(text string) string {
	return strings.NewReplacer("*SK*SKU-1", "*VN*SKU-1", "*IN*SKU-1", "*VN*SKU-1", "*UP*SKU-1", "*VN*SKU-1").Replace(text)
}

func TestAPartnersOwnMapTakesThePlaceOfTheTranslation(t *testing.T) {
	for _, set := range []string{"940", "830"} {
		t.Run(set, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, withMaps(map[string]*mapping.Map{set: compiled(t, ownOrder)}))
				text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 2, MostLine: 2})
				r.drop("a.edi", strings.ReplaceAll(vendors(text), "ST*940", "ST*"+set))
				settle(time.Minute)
				r.noLetters()
				for _, o := range orders {
					r.status("OWN-"+o.Number, order.StatusShipped)
				}
				// Only who sends a 940 is told by a 945.
				if n := len(box.sets(t, "945")); (n == 2) != (set == "940") {
					t.Errorf("%d 945s", n)
				}
				// What the map is not for goes the way of all: nothing is known by the bare number.
				back := strings.ReplaceAll(cancelling(vendors(text)), "ST*940", "ST*"+set)
				r.drop("back.edi", back)
				settle(time.Minute)
				if letters := r.letters(); len(letters) == 0 || strings.Contains(letters[0].Cause, "own.yaml") {
					t.Errorf("letters: %+v", letters)
				}
			})
		})
	}
}

func TestAMapsRefusalIsALetterWithBothPlacesAndGoesOnWhenTheMapIsMended(t *testing.T) {
	for name, c := range map[string]struct{ old, now, place, says string }{
		"no row in a table":   {"CA: case, ", "", "W01-02", `lines[0].uom: table unit has no row for "CA"; by own.yaml:20`},
		"a field the core":    {`number: '"OWN-" + set.W05[2]'`, `number: '"` + strings.Repeat("N", 200) + `" + set.W05[2]'`, "W05-02", "; by own.yaml:12"},
		"no number":           {`number: '"OWN-" + set.W05[2]'`, `number: set.W05[9]`, "W05-09", "the order has no number"},
		"an index too far":    {`let: {to: 'set.party.by("ST")'}`, `let: {to: 'set.party[9]'}`, "ST", "let.to: index out of bounds: 9; by own.yaml:9"},
		"a refusal by intent": {`city: "to.N4[1]"`, `city: 'fail("ask for the city " + to.N4[1])'`, "N4-01", "ask for the city"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := strings.Replace(ownOrder, c.old, c.now, 1)
				if bad == ownOrder {
					t.Fatal("the map is not changed")
				}
				own := map[string]*mapping.Map{"940": compiled(t, bad)}
				r, _ := ediRig(t, withMaps(own))
				text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
				text = strings.NewReplacer("*EA*", "*CA*", "*PK*", "*CA*").Replace(vendors(text))
				r.drop("a.edi", text)
				settle(time.Minute)
				letters := r.letters()
				if len(letters) != 1 || !strings.HasPrefix(letters[0].Place, c.place) || !strings.Contains(letters[0].Cause, c.says) || !strings.Contains(letters[0].Cause, "a.edi") {
					t.Fatalf("letters: %+v", letters)
				}
				own["940"] = compiled(t, ownOrder)
				r.restart()
				if err := r.hub.Desk().Replay(t.Context(), letters[0].ID, letters[0].Opening, "ann"); err != nil {
					t.Fatal(err)
				}
				settle(time.Hour)
				r.noLetters()
				r.status("OWN-"+orders[0].Number, order.StatusShipped)
			})
		})
	}
}

const ownReceipt = `map: own-943
reads: ["943"]
makes: receipt
loops:
  line: {first: W04, holds: [N9]}
out:
  receipt: set.W06[2]
  supplier: set.every("N1").by("SF")[2]
  lines:
    $each: set.line
    item: it.W04.pair("SK", 4)
    qty: num(it.W04[1]).whole() * 2
    uom: 'it.W04[2] == "CA" ? "case" : "each"'
`

func TestAMapMakesExpectedReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := ediRig(t, withMaps(map[string]*mapping.Map{"943": compiled(t, ownReceipt)}))
		r.drop("943.edi", notice("943", "1", transfer))
		settle(time.Minute)
		r.noLetters()
		got := r.receipt("TR-1")
		if len(got.Lines) != 2 || got.Lines[0].Qty != 48 || got.Lines[1].Qty != 4 || got.Status != receiving.StatusAnnounced {
			t.Fatalf("%+v", got)
		}
		r.drop("943-2.edi", notice("943", "2", strings.NewReplacer("W04*2*", "W04*2.5*", "W03*6", "W03*6.5").Replace(transfer)))
		r.drop("943-3.edi", notice("943", "3", strings.NewReplacer("TR-1", "TR-2", "SK*SKU-1~", "SK*NONE~").Replace(transfer)))
		settle(time.Minute)
		letters := r.letters()
		slices.SortFunc(letters, func(a, b dlq.Entry) int { return strings.Compare(a.Letter.Place, b.Letter.Place) })
		if len(letters) != 2 || !strings.HasPrefix(letters[0].Place, "W04-01") || !strings.Contains(letters[0].Cause, "lines[1].qty: 2.5 is not a whole number; by own.yaml:12") {
			t.Fatalf("letters: %+v", letters)
		}
		if !strings.HasPrefix(letters[1].Place, "W04-05") {
			t.Errorf("an item that nobody knows: %+v", letters[1])
		}
	})
}

func TestAMapTranslatesEDIFACT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := `map: own-orders
reads: ORDERS
makes: order
loops:
  party: {first: NAD, holds: [CTA, COM, RFF, LOC]}
  line: {first: LIN, holds: [PIA, IMD, QTY, RFF]}
let: {to: 'set.party.by("DP")'}
out:
  number: '"OWN-" + set.BGM.at(2, 1)'
  facility: "'east'"
  ship_to: {name: "pick([to.NAD[4], to.NAD.at(2, 1)])", lines: ["to.NAD[5]"], city: "to.NAD[6]", postal_code: "to.NAD[8]", country: "pick([to.NAD[9], 'US'])"}
  service: {carrier: "'UPSN'"}
  lines:
    $each: set.line
    item: '"SKU-1"'
    qty: num(it.every("QTY").by("21").at(1, 2)).whole()
`
		r, box := ediRig(t, withMaps(map[string]*mapping.Map{"ORDERS": compiled(t, own)}))
		text, orders := generatedMessages(t, edifactgen.Config{Seed: 1, Messages: 2, MostLine: 2})
		r.drop("orders.edi", text)
		settle(time.Minute)
		r.noLetters()
		for _, o := range orders {
			r.status("OWN-"+o.Number, order.StatusShipped)
		}
		if n := len(box.messages(t, "DESADV")); n != 2 {
			t.Errorf("%d DESADV", n)
		}
	})
}

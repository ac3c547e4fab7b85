package routes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/transforms/mapping"
)

// ownAdvice changes ACME's 945: his name of our units and building, and a reference of his own.
const ownAdvice = `map: own-945
reads: ["945"]
makes: changes
loops:
  party: {first: N1, holds: [N2, N3, N4, PER]}
  line: {first: W12, holds: [G69, N9]}
tables:
  unit: {rows: {EA: PC, CA: CT, PK: PA}}
out:
  - {before: set.G62, add: N9, set: {1: "'ZZ'", 2: "'OWN-' + set.W06[2]"}}
  - {$each: set.party, $when: 'it.N1[1] == "SF"', at: it.N1, set: {4: "'LOU1'"}}
  - {$each: set.line, at: it.W12, set: {5: "table.unit(it.W12[5])"}}
`

func changing(of map[string]*mapping.Map) func(*Partner) {
	return func(p *Partner) { p.Changes = of }
}

func TestWhatIsSentIsChangedByThePartnersMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, changing(map[string]*mapping.Map{"945": compiled(t, ownAdvice)}))
		text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 2, MostLine: 3})
		r.drop("940.edi", text)
		settle(time.Minute)
		r.noLetters()
		sets := box.sets(t, "945")
		if len(sets) != 2 {
			t.Fatalf("%d 945s", len(sets))
		}
		for i := range orders {
			if got := sets[i : i+1]; !strings.Contains(said(got, "N9", 1, 2), "ZZ OWN-"+said(got, "W06", 2)) || !strings.Contains(said(got, "N1", 1, 4), "SF LOU1") {
				t.Errorf("%s, %s", said(got, "N9", 1, 2), said(got, "N1", 1, 4))
			}
			for _, unit := range elements(sets[i], "W12", 5) {
				if unit != "PC" && unit != "CT" && unit != "PA" {
					t.Errorf("unit %s", unit)
				}
			}
		}
		// Sent anew it is as it was, and not changed twice.
		names, all := box.left("945")
		made, err := r.resend(names[0], "")
		if err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.noLetters()
		_, now := box.left("945")
		body := func(s string) string { return s[strings.Index(s, "W06"):strings.Index(s, "SE*")] }
		if body(now[made.Document]) != body(all[names[0]]) {
			t.Errorf("sent anew:\n%s\n%s", now[made.Document], all[names[0]])
		}
	})
}

// Both directions: what a partner calls a unit comes back to him by the name he gave.
func TestAUnitComesBackByTheNameThatThePartnerGave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := strings.Replace(ownOrder, "EA: each, CA: case, PK: PK", "PC: each, CT: case, PA: PK", 1)
		r, box := ediRig(t, withMaps(map[string]*mapping.Map{"940": compiled(t, in)}), changing(map[string]*mapping.Map{"945": compiled(t, ownAdvice)}))
		text, _ := generated(t, x12gen.Config{Seed: 3, Sets: 8, MostLine: 6})
		text = vendors(text)
		for i := 0; strings.Contains(text, "*EA*"); i++ {
			text = strings.Replace(text, "*EA*", []string{"*PC*", "*CT*", "*PA*"}[i%3], 1)
		}
		sent := map[string]int{}
		for _, s := range parsed(t, text) {
			for _, u := range elements(s, "W01", 2) {
				sent[u]++
			}
		}
		r.drop("940.edi", text)
		settle(time.Minute)
		r.noLetters()
		back := map[string]bool{}
		for _, s := range box.sets(t, "945") {
			for _, u := range elements(s, "W12", 5) {
				back[u] = true
			}
		}
		for u := range sent {
			if !back[u] {
				t.Errorf("he ordered in %s, and was told %v", u, back)
			}
		}
		if len(sent) < 2 || len(back) != len(sent) {
			t.Errorf("sent %v, back %v", sent, back)
		}
	})
}

func TestAMapThatFailsOnWhatIsSentIsALetterAndItsReplaySendsOnce(t *testing.T) {
	for name, c := range map[string]struct{ old, now, place, says string }{
		"no row in a table":       {"EA: PC, CA: CT, PK: PA", "XX: PC", "W12-05", `map own-945 of the 945 for ACME: [`},
		"an absent segment":       {"before: set.G62", "before: set.W28", "ST-01", "W28 is not there: ask by $when whether it is, as has(set.W28); by own.yaml:10"},
		"by intent":               {"\"'LOU1'\"", "\"fail('no dock for ' + it.N1[4])\"", "N1-04", "no dock for DC1; by own.yaml:11"},
		"a result that is no 945": {"before: set.G62, add: N9, set: {1: \"'ZZ'\"", "before: set.G62, add: N9, set: {1: \"'ZZZZZZ'\"", "N9-01", "map own-945 makes the 945 for ACME into one that is wrong: "},
		"what cannot be sent":     {"'OWN-' + set.W06[2]", "'A~B' + set.W06[2]", "", "the character '~' cannot be sent"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := strings.Replace(ownAdvice, c.old, c.now, 1)
				if bad == ownAdvice {
					t.Fatal("the map is not changed")
				}
				own := map[string]*mapping.Map{"945": compiled(t, bad)}
				r, box := ediRig(t, changing(own))
				text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
				r.drop("940.edi", text)
				settle(time.Minute)
				l := r.letters()
				if len(l) != 1 || l[0].Route != "x12.advices" || !strings.HasPrefix(l[0].Place, c.place) || !strings.Contains(l[0].Cause, c.says) || len(box.sets(t, "945")) != 0 {
					t.Fatalf("%+v", l)
				}
				r.status(orders[0].Number, order.StatusShipped)
				own["945"] = compiled(t, ownAdvice)
				r.restart()
				for range 2 {
					_ = r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "ann") // the second has nothing to replay
					settle(time.Hour)
				}
				r.noLetters()
				if sets := box.sets(t, "945"); len(sets) != 1 || sets[0].GS.Control != "2" || !strings.Contains(said(sets, "N9", 1, 2), "ZZ OWN-") {
					t.Errorf("%d 945s", len(sets))
				}
			})
		})
	}
}

func TestAMessageIsChangedByThePartnersMap(t *testing.T) {
	const own = `map: own-desadv
reads: DESADV
makes: changes
loops:
  line: {first: LIN, holds: [PIA, IMD, QTY, RFF, DTM, GIN]}
when: set.BGM[2] != "NEVER"
out:
  - {before: set.NAD, add: RFF, set: {"1.1": "'ZZZ'", "1.2": "'OWN-' + set.BGM[2]"}}
  - {$each: set.line, at: it.QTY, set: {"1.3": "'C62'"}}
`
	synctest.Test(t, func(t *testing.T) {
		maps := map[string]*mapping.Map{"DESADV": compiled(t, own)}
		r, box := ediRig(t, changing(maps))
		text, _ := generatedMessages(t, edifactgen.Config{Seed: 1, Messages: 1, MostLine: 2})
		r.drop("orders.edi", text)
		settle(time.Minute)
		r.noLetters()
		sets := box.messages(t, "DESADV")
		if len(sets) != 1 || !slices.Contains(values(sets[0], "RFF", 1, 1), "ZZZ") || !slices.ContainsFunc(values(sets[0], "RFF", 1, 2), func(v string) bool { return strings.HasPrefix(v, "OWN-") }) ||
			values(sets[0], "QTY", 1, 3)[0] != "C62" {
			t.Fatalf("%d DESADVs: %v, %v", len(sets), values(sets[0], "RFF", 1, 2), values(sets[0], "QTY", 1, 3))
		}
		maps["DESADV"] = compiled(t, strings.Replace(own, "at: it.QTY", "at: it.GIR", 1))
		r.restart()
		text, _ = generatedMessages(t, edifactgen.Config{Seed: 2, Control: 2, Messages: 1, MostLine: 2})
		r.drop("orders-2.edi", text)
		settle(time.Minute)
		l := r.letters()
		if len(l) != 1 || l[0].Route != "edifact.advices" || !strings.Contains(l[0].Cause, "map own-desadv of the DESADV for ACME: [1].at: GIR is not there") || !strings.Contains(l[0].Cause, "by own.yaml:9") {
			t.Errorf("%+v", l)
		}
	})
}

// Whatever dies, one 945 leaves, and it is the changed one.
func TestACrashAfterAnyUnitOfAChangedDocumentSendsItOnce(t *testing.T) {
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, changing(map[string]*mapping.Map{"945": compiled(t, ownAdvice)}))
				r.batch = 1
				r.restart()
				text, _ := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
				r.crash(n)
				_, _ = r.document("940", text)
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					r.drop("940", text)
					settle(time.Hour)
				}
				r.noLetters()
				if sets := box.sets(t, "945"); len(sets) != 1 || !strings.Contains(said(sets, "N1", 1, 4), "SF LOU1") {
					t.Errorf("%d 945s", len(sets))
				}
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < 15 {
		t.Errorf("it died %d times only", died)
	}
}

// parsed are the sets of a text.
func parsed(t *testing.T, text string) (out []*x12.Part) {
	t.Helper()
	doc, err := x12.Parse([]byte(text), x12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(doc.Sets())
}

package routes

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// Who wants an 856 gets it of what he ordered by 850 and by 940, and no 945 beside it unless he wants both.
func TestAPartnerIsToldByTheDocumentsHeWants(t *testing.T) {
	for by, want := range map[string][2]int{"": {1, 0}, ByAdvice: {1, 0}, ByNotice: {0, 2}, ByBoth: {1, 2}} {
		t.Run(by, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, func(p *Partner) { p.ShipNotice, p.SendAnswers = by, false })
				text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
				r.drop("940", text)
				r.drop("850", purchase("850", "11", priced850))
				settle(time.Minute)
				r.noLetters()
				r.status("PO-1", order.StatusShipped)
				r.status(orders[0].Number, order.StatusShipped)
				if n, m := len(box.sets(t, "945")), len(box.sets(t, "856")); n != want[0] || m != want[1] {
					t.Errorf("%d 945s and %d 856s, want %v", n, m, want)
				}
				for _, s := range box.sets(t, "856") {
					if mark := elements(s, "MAN", 2); len(mark) == 0 || len(mark[0]) != 20 || !strings.HasPrefix(mark[0], "00") {
						t.Errorf("marks %q", mark)
					}
				}
			})
		})
	}
}

// A part of an order is no whole order: its lines say that the rest follows, until the last part says that
// they are complete.
func TestThePartsOfASplitOrderSayWhatFollows(t *testing.T) {
	for name, held := range map[string]string{"the part": "-B", "the rest": ""} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				if err := r.hub.Pause(t.Context(), "wave.plan", "test"); err != nil {
					t.Fatal(err)
				}
				text, orders := generated(t, x12gen.Config{Seed: 4, Sets: 1, MostLine: 1})
				r.drop("940.edi", text)
				settle(time.Minute)
				no := orders[0].Number
				r.must(door.Orders, no, order.Split{To: no + "-B", Lines: []order.LineQty{{Line: 1, Qty: 1}}})
				r.must(door.Orders, no+held, order.Hold{Reason: order.HoldManual, By: "tester"})
				if err := r.hub.Resume(t.Context(), "wave.plan", "test"); err != nil {
					t.Fatal(err)
				}
				settle(time.Hour)
				r.must(door.Orders, no+held, order.Release{By: "tester"})
				settle(time.Hour)
				advices := box.sets(t, "945")
				if len(advices) != 2 || elements(advices[0], "W12", 1)[0] != "BP" || elements(advices[1], "W12", 1)[0] != "CC" || elements(advices[0], "W06", 4)[0] == elements(advices[1], "W06", 4)[0] {
					t.Errorf("%d 945s: %s", len(advices), said(advices, "W12", 1, 2, 3, 4))
				}
				r.noLetters()
			})
		})
	}
}

// Of parts that leave at the same time the one that left last is complete, and no other: whoever is told of
// them, and when.
func TestOfPartsThatLeaveAtOnceOneIsTheLast(t *testing.T) {
	text, err := os.ReadFile("testdata/940-split.edi")
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{ByAdvice, ByNotice} {
		t.Run(by, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, func(p *Partner) { p.ShipNotice = by })
				for _, route := range []string{"wave.plan", "x12.advices", "x12.ship-notices"} {
					if err := r.hub.Pause(t.Context(), route, "test"); err != nil {
						t.Fatal(err)
					}
				}
				r.drop("940.edi", string(text))
				settle(time.Minute)
				r.must(door.Orders, "SO-SPLIT", order.Split{To: "SO-SPLIT-B", Lines: []order.LineQty{{Line: 1, Qty: 3}}})
				for _, route := range []string{"wave.plan", "x12.advices", "x12.ship-notices"} {
					if route != "wave.plan" {
						settle(time.Hour) // both have left before anybody is told
					}
					if err := r.hub.Resume(t.Context(), route, "test"); err != nil {
						t.Fatal(err)
					}
				}
				settle(time.Hour)
				if by == ByAdvice {
					told := box.sets(t, "945")
					var all []string
					sum := 0
					for _, s := range told {
						all = append(all, elements(s, "W12", 1)...)
						n, _ := strconv.Atoi(elements(s, "W12", 3)[0])
						sum += n
					}
					slices.Sort(all)
					if fmt.Sprint(all) != "[BP CC]" || sum != 8 {
						t.Errorf("945s: %s", said(told, "W12", 1, 2, 3, 4))
					}
				} else if told := box.sets(t, "856"); len(told) != 2 || said(told[:1], "SN1", 8) == said(told[1:], "SN1", 8) {
					t.Errorf("856s: %s", said(told, "SN1", 2, 8))
				}
				r.noLetters()
			})
		})
	}
}

// Whom an order names, names included, travels and is kept in what is sealed, and nowhere else.
func TestWhomADocumentNamesIsSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		r.drop("850", purchase("850", "11", strings.Replace(priced850, "PO1*1", "N1*BY*Maria Secret*UL*4311501000007~\nPO1*1", 1)))
		settle(time.Minute)
		r.noLetters()
		if n := r.order("PO-1").Parties.Named; len(n) != 2 || n[1].Name != "Maria Secret" || n[1].List != "UL" {
			t.Fatalf("named %+v", n)
		}
		if answers := box.sets(t, "855"); len(answers) != 1 || said(answers, "N1", 1, 2, 4) != "BY Maria Secret 4311501000007, ST Jo Doe " {
			t.Errorf("answered %q", said(answers, "N1", 1, 2, 4))
		}
		seen := 0
		r.each(func(rec *journal.Record) {
			if strings.Contains(string(rec.Data), "Maria") {
				t.Errorf("%s says her name in the open", rec.Type)
			}
			if strings.Contains(string(rec.Personal), "Maria") {
				seen++
			}
		})
		if seen == 0 {
			t.Error("nobody kept her name: the test looks at nothing")
		}
	})
}

// Whatever dies, a shipment is told by one 945 and one 856, of the same cartons.
func TestACrashAfterAnyUnitOfAShipmentTellsItOnceByEach(t *testing.T) {
	died := 0
	text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, func(p *Partner) { p.ShipNotice = ByBoth })
				r.batch = 1
				r.restart()
				r.crash(n)
				_, _ = r.document("940.edi", text)
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					r.drop("940.edi", text)
					settle(time.Hour)
				}
				r.noLetters()
				r.status(orders[0].Number, order.StatusShipped)
				advices, notices := box.sets(t, "945"), box.sets(t, "856")
				if len(advices) != 1 || len(notices) != 1 || said(advices, "MAN", 2) != said(notices, "MAN", 2) || said(advices, "W06", 4) != said(notices, "BSN", 2) {
					t.Errorf("%d 945s, %d 856s: %s, %s", len(advices), len(notices), said(advices, "MAN", 2), said(notices, "MAN", 2))
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

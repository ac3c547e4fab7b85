package routes

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/edi/edifact"
)

// outsideMessages is an outsideRig whose TPL reads and writes EDIFACT.
func outsideMessages(t *testing.T, change ...func(*Partner)) (*rig, *mailbox) {
	t.Helper()
	r, box := outsideRig(t)
	tpl := r.edi.Partners["TPL"]
	tpl.EDIFACT.Runs = true
	for _, f := range change {
		f(&tpl)
	}
	r.edi.Partners["TPL"] = tpl
	r.restart()
	return r, box
}

// fromTPL is an interchange with one message from TPL.
func fromTPL(kind, control, body string) string {
	return fmt.Sprintf("UNB+UNOC:3+TPL:ZZ+PAKLOG:ZZ+000101:0000+%s'\nUNH+1+%s:D:96A:UN'\n%sUNT+%d+1'\nUNZ+1+%[1]s'\n", control, kind, body, strings.Count(body, "'\n")+2)
}

// component is one of every segment of a tag, in all messages.
func component(all []*edifact.Part, id string, at ...[2]int) string {
	var out []string
	for _, p := range all {
		for _, s := range p.Segments.All() {
			if s.Is(id) {
				var one []string
				for _, x := range at {
					one = append(one, s.Value(x[0], x[1]))
				}
				out = append(out, strings.Join(one, " "))
			}
		}
	}
	return strings.Join(out, ", ")
}

const wholeDespatch = "BGM+351+SHP-1+9'\nDTM+137:20000103:102'\nRFF+ON:SO-1'\nNAD+SF+LOU1::92'\nNAD+GO+BRAND::92'\nTDT+20++30++UPSN:172:182'\nCPS+1'\nPAC+2'\n" +
	"CPS+2+1'\nPAC+1++CT'\nPCI+33E'\nRFF+CN:1Z9'\nGIN+BJ+001234567890123452'\nLIN+1++SKU-1:SA'\nQTY+12:10:PCE'\nGIN+BX+L7'\nRFF+LI:1'\n" +
	"CPS+3+1'\nPAC+1++CT'\nPCI+33E'\nGIN+BJ+00001234567890123469'\nLIN+2++SKU-1:SA'\nQTY+12:3:CT'\nRFF+LI:2'\nCNT+2:2'\n"

func TestA3PLIsAskedByORDERSAndWhatHeSaysByDESADVShips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideMessages(t)
		r.drop("940", purchase("940", "11", outsideOrder))
		settle(time.Hour)
		r.noLetters()
		r.status("SO-1", order.StatusAccepted)
		sent := box.messages(t, "ORDERS")
		got := strings.Join([]string{component(sent, "BGM", [2]int{1, 1}, [2]int{2, 1}, [2]int{3, 1}), component(sent, "NAD", [2]int{1, 1}, [2]int{2, 1}), component(sent, "RFF", [2]int{1, 1}, [2]int{1, 2}),
			component(sent, "LIN", [2]int{1, 1}, [2]int{3, 1}), component(sent, "QTY", [2]int{1, 1}, [2]int{1, 2}, [2]int{1, 3}), component(sent, "TDT", [2]int{3, 1}, [2]int{5, 1})}, "; ")
		if want := "220 SO-1 9; DP , WH LOU1, GO BRAND; UC PO-7; 1 SKU-1, 2 SKU-1; 21 10 PCE, 21 3 CT; 30 UPSN"; len(sent) != 1 || sent[0].UNB.Recipient.ID != "TPL" || got != want {
			t.Fatalf("%d ORDERS: %s, want %s", len(sent), got, want)
		}
		if len(box.sets(t, "940")) != 0 {
			t.Error("he was asked by 940 too")
		}
		for _, control := range []string{"21", "22"} { // sent anew it is the same
			if err := r.tpl(fromTPL("DESADV", control, wholeDespatch)); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
		}
		r.noLetters()
		r.status("SO-1", order.StatusShipped)
		if c := r.count(); c["order.Shipped"] != 1 || c["ship.Confirmed"] != 1 || c["stock.Reserved"] != 0 || c["receipt.Announced"] != 0 {
			t.Errorf("%v", c)
		}
		// And who ordered is told, as of what left here.
		back := box.sets(t, "945")
		if len(back) != 1 || back[0].ISA.Receiver != "ACME" || said(back, "MAN", 2) != "00001234567890123452, 00001234567890123469" || !strings.Contains(said(back, "N9", 1, 2), "2I 1Z9") ||
			!strings.Contains(said(back, "N9", 1, 2), "LT L7") || said(back, "W03", 1) != "13" {
			t.Errorf("%d 945s: %s, %s", len(back), said(back, "MAN", 2), said(back, "N9", 1, 2))
		}
		if acks := box.messages(t, "CONTRL"); len(acks) != 2 || values(acks[0], "UCM", 3, 1)[0] != "7" {
			t.Errorf("%d CONTRLs", len(acks))
		}
	})
}

func TestWhatA3PLSaysAmissByDESADVIsALetterAtItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ old, now, place, says string }{
		"of an order that he was never asked to ship": {"RFF+ON:SO-1", "RFF+ON:SO-9", "RFF-01-2 (segment 4,", "no order of that number was sent to TPL"},
		"of no order":                    {"RFF+ON:SO-1", "RFF+ABO:SO-1", "RFF-01-2", "it names no order"},
		"of two orders":                  {"RFF+LI:2", "RFF+ON:SO-2:2", "RFF-01-2 (segment 25,", "it speaks of orders SO-1 and SO-2"},
		"more than is open":              {"QTY+12:3:CT", "QTY+12:4:CT", "QTY-01-2 (segment 24,", "24 of line 2 left, and 18 of it are open"},
		"of no line":                     {"RFF+LI:2", "RFF+LI:7", "QTY-01-2 (segment 24,", "order SO-1 has no such line"},
		"of another item":                {"LIN+2++SKU-1", "LIN+2++SKU-2", "QTY-01-2 (segment 24,", "order SO-1 has no such line"},
		"in a unit that is none":         {"QTY+12:3:CT", "QTY+12:3:PF", "QTY-01-2 (segment 24,", "pallet"},
		"half a case":                    {"QTY+12:3:CT", "QTY+12:2.5:CT", "QTY-01-2", `quantity "2.5" is not a whole number`},
		"an SSCC that is none":           {"001234567890123452", "001234567890123459", "GIN-02-1", ""},
		"of another building":            {"NAD+SF+LOU1", "NAD+SF+LOU2", "NAD-02-1 (segment 5,", `it is of building "LOU2", and order SO-1 was to leave from LOU1`},
		"of nothing":                     {wholeDespatch[strings.Index(wholeDespatch, "CPS+2"):strings.Index(wholeDespatch, "CNT")], "", "", ""},
		"which was not so":               {"SHP-1+9", "SHP-1+1", "BGM-03", "takes back or changes what was said before"},
		"of goods in one of two cartons": {"GIN+BJ+001234567890123452", "GIN+BJ+001234567890123452+001234567890123476", "QTY-01-2 (segment 16,", "not how much in which"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := outsideMessages(t)
				r.drop("940", purchase("940", "11", outsideOrder))
				settle(time.Hour)
				bad := strings.Replace(wholeDespatch, c.old, c.now, 1)
				if bad == wholeDespatch {
					t.Fatal("nothing is amiss")
				}
				if c.now == "" {
					bad = strings.Replace(bad, "CNT+2:2", "CNT+2:0", 1)
				}
				if err := r.tpl(fromTPL("DESADV", "21", bad)); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				if l := r.letters(); len(l) != 1 || !strings.HasPrefix(l[0].Place, c.place) || !strings.Contains(l[0].Cause, c.says) {
					t.Errorf("%+v", l)
				}
				r.status("SO-1", order.StatusAccepted)
				if err := r.tpl(fromTPL("DESADV", "22", wholeDespatch)); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				r.status("SO-1", order.StatusShipped)
			})
		})
	}
}

func TestA3PLShipsInPartsAndShortByDESADV(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideMessages(t)
		r.drop("940", purchase("940", "11", outsideOrder))
		settle(time.Hour)
		head := "DTM+137:20000103:102'\nRFF+ON:SO-1'\nCPS+1'\n"
		// Four pieces now, the rest follows; no carton is named, so it gets a number of ours.
		first := "BGM+351+SHP-1+9'\n" + head + "LIN+1++SKU-1:SA'\nQTY+12:4:PCE'\nRFF+LI:1'\nQVR+-6:21+BP'\n"
		for control, text := range []string{first, strings.Replace(first, ":4:", ":5:", 1)} {
			if err := r.tpl(fromTPL("DESADV", fmt.Sprint(21+control), text)); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
		}
		if l := r.letters(); len(l) != 1 || !strings.HasPrefix(l[0].Place, "BGM-02") || !strings.Contains(l[0].Cause, "shipment SHP-1 of order SO-1 came before, and said something else") {
			t.Fatalf("%+v", l)
		}
		r.status("SO-1", order.StatusPartiallyShipped)
		// Five of the six, and the last is short; of the cases none will come, and one line says so.
		if err := r.tpl(fromTPL("DESADV", "23", "BGM+351+SHP-2+9'\n"+head+"LIN+1++SKU-1:SA'\nQTY+12:5:PCE'\nRFF+LI:1'\nQVR+-1:21+CP'\nLIN+2++SKU-1:SA'\nQTY+12:0:CT'\nRFF+LI:2'\nQVR+-3:21+CP'\n")); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if l := r.letters(); len(l) != 1 {
			t.Errorf("%+v", l)
		}
		r.status("SO-1", order.StatusShipped)
		o := r.order("SO-1")
		if a, b := o.Lines[0], o.Lines[1]; a.Shipped != 9 || a.Short != 1 || b.Shipped != 0 || b.Short != 18 {
			t.Errorf("%+v, %+v", a, b)
		}
		if back := box.sets(t, "945"); len(back) != 2 || said(back, "W03", 1) != "4, 5" {
			t.Errorf("%d 945s: %s", len(back), said(back, "W03", 1))
		}
		if len(box.messages(t, "ORDERS"))+len(box.messages(t, "ORDCHG")) != 1 {
			t.Error("he was asked again")
		}
	})
}

func TestWhatIsCancelledOrChangedIsSaidToThe3PLByORDCHG(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideMessages(t)
		r.drop("940", purchase("940", "11", outsideOrder))
		settle(time.Hour)
		r.drop("940 all", purchase("940", "12", strings.NewReplacer("W05*N", "W05*R", "W01*10", "W01*8", "W76*13", "W76*11").Replace(outsideOrder)))
		settle(time.Minute)
		r.drop("940 back", purchase("940", "13", strings.Replace(outsideOrder, "W05*N", "W05*F", 1)))
		settle(time.Minute)
		r.noLetters()
		if sent := box.messages(t, "ORDCHG"); component(sent, "BGM", [2]int{1, 1}, [2]int{2, 1}, [2]int{3, 1}) != "230 SO-1 5, 230 SO-1 1" || component(sent, "QTY", [2]int{1, 2}) != "8, 3" ||
			len(box.messages(t, "ORDERS")) != 1 {
			t.Errorf("%d ORDCHGs: %s; %s", len(sent), component(sent, "BGM", [2]int{3, 1}), component(sent, "QTY", [2]int{1, 2}))
		}
		// He had shipped it already: somebody must look.
		if err := r.tpl(fromTPL("DESADV", "21", wholeDespatch)); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if l := r.letters(); len(l) != 1 || !strings.Contains(l[0].Cause, "order SO-1 is cancelled") {
			t.Errorf("%+v", l)
		}
	})
}

const wholeArrival = "BGM+632+WR-1+9'\nDTM+137:20000105:102'\nRFF+AAK:R-1'\nNAD+WH+LOU1::92'\nCPS+1'\nLIN+1++SKU-1:SA'\nQTY+48:4:CT'\nRFF+LI:1'\nGIN+BX+L7'\n" +
	"LIN+2++SKU-1:SA'\nQTY+48:6:PCE'\nQTY+124:2:PCE'\nRFF+LI:2'\nCNT+2:2'\n"

func TestA3PLIsToldByDESADVWhatComesAndSaysByRECADVWhatCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideMessages(t)
		r.outsideReceipt(t)
		r.noLetters()
		sent := box.messages(t, "DESADV")
		got := strings.Join([]string{component(sent, "BGM", [2]int{2, 1}, [2]int{3, 1}), component(sent, "RFF", [2]int{1, 1}, [2]int{1, 2}), component(sent, "NAD", [2]int{1, 1}, [2]int{2, 1}),
			component(sent, "QTY", [2]int{1, 1}, [2]int{1, 2}), component(sent, "DTM", [2]int{1, 1})}, "; ")
		if want := "R-1 9; ON PO-9, LI 1, LI 2; SU MILL, DP LOU1, GO BRAND; 12 30, 12 5; 137, 17"; len(sent) != 1 || got != want || len(box.sets(t, "943")) != 0 {
			t.Fatalf("%d DESADVs: %s, want %s", len(sent), got, want)
		}
		for _, control := range []string{"21", "22"} {
			if err := r.tpl(fromTPL("RECADV", control, wholeArrival)); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
		}
		r.noLetters()
		is := r.receiptOutside()
		if a, b := is.Lines[0], is.Lines[1]; is.Status != receiving.StatusClosed || a.Good != 24 || a.Open() != 6 || b.Got() != 6 || b.Damaged != 2 {
			t.Errorf("%s: %+v, %+v", is.Status, a, b)
		}
		if c := r.count(); c["stock.Received"] != 1 || c["receipt.Closed"] != 1 {
			t.Errorf("%v", c) // the rig's own stock alone
		}
		if err := r.tpl(fromTPL("RECADV", "23", strings.Replace(wholeArrival, "QTY+48:6", "QTY+48:5", 1))); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if l := r.letters(); len(l) != 1 || !strings.HasPrefix(l[0].Place, "RFF-01-2 (segment 4,") || !strings.Contains(l[0].Cause, "a RECADV of it came before, and said something else: ask TPL") {
			t.Errorf("%+v", l)
		}
	})
}

func TestWhatA3PLSaysAmissByRECADVIsALetterAtItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ old, now, place, says string }{
		"of none that was announced": {"AAK:R-1", "AAK:R-9", "RFF-01-2 (segment 4,", "none of that number was announced to TPL"},
		"of none":                    {"RFF+AAK:R-1", "RFF+ABO:R-1", "RFF-01-2", "it names no despatch advice"},
		"of another building":        {"NAD+WH+LOU1", "NAD+WH+LOU2", "NAD-02-1", `it is of building "LOU2"`},
		"of another item":            {"LIN+2++SKU-1", "LIN+2++SKU-2", "QTY-01-2", "receipt R-1 has no such line"},
		"in a unit that is none":     {"QTY+48:4:CT", "QTY+48:4:PF", "QTY-01-2", "pallet"},
		"half a piece":               {"QTY+48:6:PCE", "QTY+48:6.5:PCE", "QTY-01-2", "is not a whole number"},
		"more damaged than came":     {"QTY+124:2", "QTY+124:7", "QTY-01-2", "more of the line is accepted or damaged than came"},
		"more accepted than came":    {"QTY+124:2", "QTY+194:7", "QTY-01-2", "more of the line is accepted or damaged than came"},
		"no quantity":                {"QTY+48:4:CT", "QTY+12:4:CT", "QTY-01-2", "it says not how much came"},
		"which was not so":           {"WR-1+9", "WR-1+1", "BGM-03", "takes back or changes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := outsideMessages(t)
				r.outsideReceipt(t)
				if err := r.tpl(fromTPL("RECADV", "21", strings.Replace(wholeArrival, c.old, c.now, 1))); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				if l := r.letters(); len(l) != 1 || !strings.HasPrefix(l[0].Place, c.place) || !strings.Contains(l[0].Cause, c.says) {
					t.Errorf("%+v", l)
				}
				if got := r.receiptOutside(); got.Status != receiving.StatusAnnounced || len(got.Entries) != 0 {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestAReceiptThatIsChangedOrCancelledIsSaidToThe3PLByDESADV(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideMessages(t)
		r.outsideReceipt(t)
		if err := r.askOutsideReceipt(receiving.Change{Announcement: receiving.Announcement{Kind: receiving.KindASN, Lines: []receiving.Line{{Item: "SKU-1", Qty: 12, LPN: "001234567890123452", Lot: "L7"}}}}); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if err := r.askOutsideReceipt(receiving.Cancel{Reason: "lost"}); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.noLetters()
		sent := box.messages(t, "DESADV")
		if component(sent, "BGM", [2]int{2, 1}, [2]int{3, 1}) != "R-1 9, R-1 5, R-1 1" || component(sent[1:], "GIN", [2]int{1, 1}, [2]int{2, 1}) != "BJ 001234567890123452, BX L7" || component(sent[1:], "QTY", [2]int{1, 2}) != "12" {
			t.Errorf("%s; %s; %s", component(sent, "BGM", [2]int{3, 1}), component(sent, "GIN", [2]int{2, 1}), component(sent, "QTY", [2]int{1, 2}))
		}
		// What came all the same somebody must look at.
		if err := r.tpl(fromTPL("RECADV", "21", wholeArrival)); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if l := r.letters(); len(l) != 1 || !strings.Contains(l[0].Cause, "cancelled") {
			t.Errorf("%+v", l)
		}
	})
}

func TestA3PLThatSaysNothingByEDIFACTInTimeIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := outsideMessages(t, func(p *Partner) { p.ReportsWithin = 48 * time.Hour })
		r.drop("940", purchase("940", "11", strings.Replace(outsideOrder, "G62*10*20000120~\n", "", 1)))
		r.outsideReceipt(t)
		settle(10 * time.Hour)
		r.noLetters()
		settle(60 * 24 * time.Hour)
		late := map[string]string{}
		for _, l := range r.letters() {
			late[l.Route] = l.Place + ": " + l.Cause
		}
		if l := late["edifact.shipping-orders"]; !strings.HasPrefix(l, "SO-1: ") || !strings.Contains(l, "TPL has said by no DESADV that order SO-1 left whole") {
			t.Error(l)
		}
		if l := late["edifact.announcements"]; !strings.HasPrefix(l, "R-1: ") || !strings.Contains(l, "TPL has said by no RECADV what came of receipt R-1") {
			t.Error(l)
		}
	})
}

// What was asked by 940 is answered by 945, though he reads EDIFACT by now; and he is told of changes so.
func TestA3PLWhoGoesOverToEDIFACTMayAnswerBy945(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideRig(t)
		r.drop("940", purchase("940", "11", outsideOrder))
		settle(time.Hour)
		tpl := r.edi.Partners["TPL"]
		tpl.EDIFACT.Runs = true
		r.edi.Partners["TPL"] = tpl
		r.restart()
		settle(time.Hour)
		if err := r.tpl(advice945("21", wholeAdvice)); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.noLetters()
		r.status("SO-1", order.StatusShipped)
		if len(box.messages(t, "ORDERS")) != 0 {
			t.Error("he was asked again")
		}
	})
}

// Whatever dies, he is asked and told once, and what he says is taken once.
func TestACrashAfterAnyUnitOfAnOutsideMessageIsTakenOnce(t *testing.T) {
	rigged := func(t *testing.T) (*rig, *mailbox) { return outsideMessages(t) }
	t.Run("an order", func(t *testing.T) {
		wherever(t, 10, rigged, func(r *rig) []func() error {
			return []func() error{
				func() error { _, err := r.document("940", purchase("940", "11", outsideOrder)); return err },
				func() error { return r.tpl(fromTPL("DESADV", "21", wholeDespatch)) },
			}
		}, func(t *testing.T, r *rig, box *mailbox) {
			r.status("SO-1", order.StatusShipped)
			if c := r.count(); len(box.messages(t, "ORDERS")) != 1 || len(box.sets(t, "945")) != 1 || c["order.Shipped"] != 1 || c["ship.Confirmed"] != 1 {
				t.Errorf("%d ORDERS, %d 945s, %v", len(box.messages(t, "ORDERS")), len(box.sets(t, "945")), c)
			}
		})
	})
	t.Run("a receipt", func(t *testing.T) {
		wherever(t, 8, rigged, func(r *rig) []func() error {
			return []func() error{
				func() error { return r.askOutsideReceipt(twoLines) },
				func() error { return r.tpl(fromTPL("RECADV", "21", wholeArrival)) },
			}
		}, func(t *testing.T, r *rig, box *mailbox) {
			if c := r.count(); len(box.messages(t, "DESADV")) != 1 || c["receipt.Closed"] != 1 || c["receipt.Received"] != 4 || r.receiptOutside().Lines[0].Good != 24 {
				t.Errorf("%d DESADVs, %v", len(box.messages(t, "DESADV")), c)
			}
		})
	})
}

// An order on hold that he has is a letter, whichever syntax he reads.
func TestAnOrderThatIsHeldAndThatTheTPLHasByORDERSIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideMessages(t)
		r.drop("940", purchase("940", "11", outsideOrder))
		settle(time.Hour)
		for _, cmd := range []any{order.Hold{Reason: "credit", By: "jo"}, order.Release{Reason: "credit", By: "jo"}} {
			if _, err := r.ask(door.Orders, door.Ask{Scope: r.order("SO-1").Scope, ID: "SO-1", Cmd: cmd}); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
		}
		if l := r.letters(); len(l) != 1 || l[0].Place != "SO-1" || !strings.Contains(l[0].Cause, "order SO-1 is on hold, and TPL was asked to ship it") {
			t.Errorf("%+v", l)
		}
		if len(box.messages(t, "ORDERS"))+len(box.messages(t, "ORDCHG")) != 1 {
			t.Error("he was asked again, of the same")
		}
	})
}

// What he says by APERAK of an ORDERS is a letter about it, whether or not he names the kind of document.
func TestA3PLWhoRefusesAnORDERSByAPERAKIsALetter(t *testing.T) {
	for name, about := range map[string]string{"by its kind": "DOC+220+SO-1'\n", "by its number": "RFF+ACW:SO-1'\n"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := outsideMessages(t)
				r.drop("940", purchase("940", "11", outsideOrder))
				settle(time.Hour)
				if err := r.tpl(fromTPL("APERAK", "21", "BGM+313+AP-1+27'\nDTM+137:20000101:102'\n"+about+"ERC+12'\nFTX+AAO+++no such item'\n")); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				if l := r.letters(); len(l) != 1 || !strings.Contains(l[0].Cause, "partner TPL rejected our ORDERS 1 (no such item (code 12))") {
					t.Errorf("%+v", l)
				}
			})
		})
	}
}

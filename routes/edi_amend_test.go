package routes

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/order"
)

// purchase is an interchange with one 850 or 860 from ACME.
func purchase(set, control, body string) string {
	group := map[string]string{"850": "PO", "860": "PC", "940": "OW", "824": "AG", "812": "CD"}[set]
	return fmt.Sprintf("ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *000101*0000*U*00401*%09s*0*P*>~\n"+
		"GS*%s*ACME*PAKLOG*20000101*0000*%[1]s*X*004010~\nST*%[3]s*0001~\n%sSE*%d*0001~\nGE*1*%[1]s~\nIEA*1*%09[1]s~\n",
		control, group, set, body, strings.Count(body, "~")+2)
}

const purchased = "BEG*00*SA*PO-1**20000101~\nTD5**2*UPSN~\nN1*ST*Jo Doe~\nN3*1 Main Street~\nN4*Springfield*IL*62701*US~\n" +
	"PO1*1*10*EA***SK*SKU-1~\nPO1*2*3*CA***SK*SKU-1~\nCTT*2~\n"

// amendRig is an ediRig in which nothing is picked yet.
func amendRig(t *testing.T, paused string, change ...func(*Partner)) (*rig, *mailbox) {
	t.Helper()
	r, box := ediRig(t, change...)
	if paused != "" {
		if err := r.hub.Pause(t.Context(), paused, "test"); err != nil {
			t.Fatal(err)
		}
	}
	r.drop("850.edi", purchase("850", "1", purchased))
	settle(time.Minute)
	return r, box
}

// ordered are the lines of an order that are open, as "no:qty uom".
func ordered(o order.Order) string {
	var out []string
	for _, l := range o.Lines {
		if l.Open() > 0 || l.Held() {
			out = append(out, fmt.Sprintf("%s:%d %s", l.Ref, l.Qty, l.UOM))
		}
	}
	return strings.Join(out, ", ")
}

func TestAn860ChangesTheOrderThatAn850Placed(t *testing.T) {
	for name, c := range map[string]struct {
		body, lines string
		acks        string // ACK-01 of the answer
	}{
		"more of a line":            {"POC*1*QI*12**EA~\n", "1:12 each, 2:3 case", "IA, IA"},
		"less, in another unit":     {"POC*1*QD*1**CA~\n", "1:1 case, 2:3 case", "IA, IA"},
		"less, down to nothing":     {"POC*1*QD*0**EA~\n", "2:3 case", "ID, IA"},
		"a line out":                {"POC*2*DI~\n", "1:10 each", "IA, ID"},
		"a line in":                 {"POC*3*AI*2**EA***SK*SKU-1~\n", "1:10 each, 2:3 case, 3:2 each", "IA, IA, IA"},
		"a line that nobody knows":  {"POC*3*AI*2**EA***SK*NEW~\n", "1:10 each, 2:3 case, 3:2 each", "IA, IA, IH"},
		"a price alone":             {"POC*1*PC*10**EA*9.99~\n", "1:10 each, 2:3 case", "IA, IA"},
		"all of it":                 {"POC*1*RZ*4**EA***SK*SKU-1~\nPOC*9*AI*1**EA***SK*SKU-1~\n", "1:4 each, 9:1 each", "IA, ID, IA"},
		"lines by their item alone": {"POC**DI******SK*SKU-1~\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := amendRig(t, "order.allocate")
				purpose := "04"
				if name == "all of it" {
					purpose = "05"
				}
				text := "BCH*" + purpose + "*SA*PO-1***20000101~\n" + c.body
				r.drop("860.edi", purchase("860", "2", text))
				settle(time.Minute)
				answers := box.sets(t, "855")
				if c.lines == "" { // two lines are of that item: nobody knows which is meant
					l := r.letters()
					if len(l) != 1 || !strings.HasPrefix(l[0].Place, "POC-01 of line 1") || ordered(r.order("PO-1")) != "1:10 each, 2:3 case" || said(answers, "BAK", 1, 2) != "00 AD, 04 RD" {
						t.Fatalf("%+v", l)
					}
					return
				}
				if got := ordered(r.order("PO-1")); got != c.lines {
					t.Errorf("lines %s, want %s", got, c.lines)
				}
				if len(answers) != 2 || said(answers[1:], "BAK", 1, 2, 3) != map[bool]string{false: "04 AD PO-1", true: "04 AC PO-1"}[strings.Contains(c.acks, "IH")] || said(answers[1:], "ACK", 1) != c.acks {
					t.Errorf("%d answers: %s: %s", len(answers), said(answers, "BAK", 1, 2, 3), said(answers, "ACK", 1))
				}
				// Sent again under another number, it changes nothing and is answered as before.
				before := r.count()["order.Changed"]
				r.drop("860-again.edi", purchase("860", "3", text))
				settle(time.Minute)
				if n := r.count()["order.Changed"]; n != before || len(box.sets(t, "855")) != 3 {
					t.Errorf("%d changes, %d before; %d answers", n, before, len(box.sets(t, "855")))
				}
				if !strings.Contains(c.acks, "IH") {
					r.noLetters()
				}
				r.books("SKU-1")
			})
		})
	}
}

func TestAChangeThatCannotBeIsALetterAtItsElement(t *testing.T) {
	for name, c := range map[string]struct {
		paused, body string
		place, says  string
	}{
		"an order nobody knows":   {"order.allocate", "BCH*04*SA*NONE***20000101~\nPOC*1*DI~\n", "BCH-03", "no order NONE to be changed"},
		"a line nobody knows":     {"order.allocate", "BCH*04*SA*PO-1***20000101~\nPOC*7*QD*1**EA~\n", "POC-01 of line 1", `no line "7"`},
		"another item":            {"order.allocate", "BCH*04*SA*PO-1***20000101~\nPOC*2*NC~\nPOC*1*QI*12**EA***SK*OTHER~\n", "POC-09 of line 2", "is of item SKU-1"},
		"a unit nobody knows":     {"order.allocate", "BCH*04*SA*PO-1***20000101~\nPOC*1*QI*12**PL~\n", "POC-05 of line 1", "pallet"},
		"a line twice":            {"order.allocate", "BCH*04*SA*PO-1***20000101~\nPOC*1*QI*12**EA~\nPOC*1*DI~\n", "POC-01 of line 2", "named twice"},
		"a code nobody knows":     {"order.allocate", "BCH*04*SA*PO-1***20000101~\nPOC*1*XX*12**EA~\n", "POC-02", "none that is understood"},
		"a purpose nobody knows":  {"order.allocate", "BCH*06*SA*PO-1***20000101~\n", "BCH-01", "neither changes an order nor cancels one"},
		"no quantity":             {"order.allocate", "BCH*04*SA*PO-1***20000101~\nPOC*3*AI**********SK*SKU-1~\n", "POC-03", "no quantity"},
		"all of nothing":          {"order.allocate", "BCH*05*SA*PO-1***20000101~\n", "POC", "no lines"},
		"what is picked":          {"pack", "BCH*04*SA*PO-1***20000101~\nPOC*1*QD*3**EA~\n", "POC-03 of line 1", "are picked"},
		"what is shipped":         {"", "BCH*04*SA*PO-1***20000101~\nPOC*1*QD*3**EA~\n", "BCH-03", "closed (shipped)"},
		"an address of labels":    {"label.choose", "BCH*04*SA*PO-1***20000101~\nN1*ST*Al~\nN3*2 Elm~\nN4*Springfield*IL*62701*US~\n", "N1 of ST", "labels may be bought"},
		"a cancellation too late": {"", "BCH*01*SA*PO-1***20000101~\n", "BCH-03", "nothing of order"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := amendRig(t, c.paused)
				before := ordered(r.order("PO-1"))
				r.drop("860.edi", purchase("860", "2", c.body))
				settle(time.Minute)
				l := r.letters()
				if len(l) != 1 || !strings.HasPrefix(l[0].Place, c.place) || !strings.Contains(l[0].Cause, c.says) {
					t.Fatalf("letters: %+v", l)
				}
				if got := ordered(r.order("PO-1")); got != before || r.count()["order.Changed"] != 0 {
					t.Errorf("lines %s, were %s", got, before)
				}
				if n := len(box.sets(t, "997")); n != 2 {
					t.Errorf("%d 997s: its syntax was right", n)
				}
			})
		})
	}
}

func TestA940OfStatusRReplacesTheOrder(t *testing.T) {
	placed := "W05*N*SO-1~\nN1*ST*Jo Doe~\nN3*1 Main Street~\nN4*Springfield*IL*62701*US~\nN1*WH**92*DC1~\nG62*10*20000105~\nW66*PP*M********UPSN~\n" +
		"LX*1~\nW01*10*EA**SK*SKU-1~\nLX*2~\nW01*3*CA**SK*SKU-1~\nW76*13~\n"
	replaced := strings.NewReplacer("W05*N", "W05*R", "G62*10*20000105", "G62*10*20000108", "1 Main Street", "2 Elm Street",
		"W01*10*EA", "W01*4*EA", "LX*2~", "LX*3~", "W01*3*CA", "W01*1*EA").Replace(placed)
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.SendAnswers = true })
		if err := r.hub.Pause(t.Context(), "order.allocate", "test"); err != nil {
			t.Fatal(err)
		}
		r.drop("r-first.edi", purchase("940", "1", replaced)) // before there is an order
		settle(time.Minute)
		early := r.letters()
		if len(early) != 1 || !strings.HasPrefix(early[0].Place, "W05-02") || !strings.Contains(early[0].Cause, "still on its way") {
			t.Fatalf("%+v", early)
		}
		r.drop("940.edi", purchase("940", "2", placed))
		settle(time.Minute)
		if err := r.hub.Desk().Replay(t.Context(), early[0].ID, early[0].Opening, "ann"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		o := r.order("SO-1")
		if got := ordered(o); got != "1:4 each, 3:1 each" || o.Parties.ShipTo.Lines[0] != "2 Elm Street" || o.Dates.ShipBy.Day() != 8 || o.Service.Carrier != "UPSN" {
			t.Errorf("%s, %+v", got, o)
		}
		r.drop("r-again.edi", purchase("940", "3", replaced))
		settle(time.Minute)
		if n := r.count()["order.Changed"]; n != 1 {
			t.Errorf("%d changes", n)
		}
		if err := r.hub.Resume(t.Context(), "order.allocate", "test"); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		r.noLetters()
		r.status("SO-1", order.StatusShipped)
		if a := box.sets(t, "945"); len(a) != 1 || said(a, "W12", 3) != "4, 1" {
			t.Errorf("945s of %s", said(a, "W12", 3))
		}
		if n := len(box.sets(t, "855")); n != 0 {
			t.Errorf("%d 855s: nobody asked for one", n)
		}
		r.books("SKU-1")
	})
}

func TestACrashAfterAnyUnitOfAChangeDoesItOnce(t *testing.T) {
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := amendRig(t, "wave.plan")
				text := purchase("860", "2", "BCH*04*SA*PO-1***20000101~\nPOC*1*QD*4**EA~\nPOC*2*DI~\nPOC*3*AI*1**EA***SK*SKU-1~\n")
				r.batch = 1
				r.restart()
				r.crash(n)
				_, _ = r.document("860.edi", text) // no answer: the file stays and comes again
				settle(10 * time.Minute)
				ended = r.bus.Err() == nil
				r.restart()
				r.drop("860.edi", text)
				settle(time.Minute)
				if got := ordered(r.order("PO-1")); got != "1:4 each, 3:1 each" || r.count()["order.Changed"] != 1 {
					t.Errorf("lines %s by %d changes", got, r.count()["order.Changed"])
				}
				if err := r.hub.Resume(t.Context(), "wave.plan", "test"); err != nil {
					t.Fatal(err)
				}
				settle(time.Hour)
				r.status("PO-1", order.StatusShipped)
				if a := box.sets(t, "855"); len(a) != 2 || said(a[1:], "ACK", 1) != "IA, ID, IA" || len(box.sets(t, "997")) != 2 {
					t.Errorf("%d 855s: %s", len(a), said(a, "ACK", 1))
				}
				r.noLetters()
				r.books("SKU-1")
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < 6 {
		t.Errorf("it died %d times only", died)
	}
}

func TestAnORDCHGChangesTheOrderThatAnORDERSPlaced(t *testing.T) {
	message := func(n int, kind, body string) string {
		return fmt.Sprintf("UNB+UNOC:3+ACME+PAKLOG+261123:0915+%d'\nUNH+1+%s:D:96A:UN'\n%sUNT+%d+1'\nUNZ+1+%[1]d'\n", n, kind, body, strings.Count(body, "'")+2)
	}
	orders := message(1, "ORDERS", "BGM+220+PO-1+9'\nDTM+137:20000101:102'\nNAD+DP+++Jo Doe+1 Main Street+Springfield+IL+62701+US'\nTDT+20++30++UPSN'\n"+
		"LIN+1++SKU-1:SA'\nQTY+21:10'\nLIN+2++SKU-1:SA'\nQTY+21:3:CT'\nUNS+S'\nCNT+2:2'\n")
	for name, c := range map[string]struct {
		body, lines, place string
		answer             string // BGM-03 and LIN-02
	}{
		"lines":             {"BGM+230+PO-1+4'\nDTM+137:20000101:102'\nLIN+1+3'\nQTY+21:4'\nLIN+2+2'\nLIN+3+1+SKU-1:SA'\nQTY+21:1'\nUNS+S'\n", "1:4 each, 3:1 each", "", "29 5, 2, 5"},
		"all of it":         {"BGM+230+PO-1+5'\nDTM+137:20000101:102'\nLIN+2++SKU-1:SA'\nQTY+21:5'\nUNS+S'\n", "2:5 each", "", "29 2, 5"},
		"nothing any more":  {"BGM+230+PO-1+1'\nDTM+137:20000101:102'\nUNS+S'\n", "", "", "29 2, 2"},
		"a line of none":    {"BGM+230+PO-1'\nDTM+137:20000101:102'\nLIN+8+2'\nUNS+S'\n", "1:10 each, 2:3 case", "LIN-01", ""},
		"an action of none": {"BGM+230+PO-1'\nDTM+137:20000101:102'\nLIN+1+24'\nUNS+S'\n", "1:10 each, 2:3 case", "LIN-02", ""},
		"a new order":       {"BGM+230+PO-1+9'\nDTM+137:20000101:102'\nLIN+1+1+SKU-1:SA'\nUNS+S'\n", "1:10 each, 2:3 case", "BGM-03", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t)
				if err := r.hub.Pause(t.Context(), "order.allocate", "test"); err != nil {
					t.Fatal(err)
				}
				r.drop("orders.edi", orders)
				settle(time.Minute)
				r.noLetters()
				r.drop("ordchg.edi", message(2, "ORDCHG", c.body))
				settle(time.Minute)
				if got := ordered(r.order("PO-1")); got != c.lines {
					t.Errorf("lines %s, want %s", got, c.lines)
				}
				l := r.letters()
				if want := c.place != ""; (len(l) == 1) != want || want && !strings.HasPrefix(l[0].Place, c.place) {
					t.Errorf("letters: %+v", l)
				}
				answers := box.messages(t, "ORDRSP")
				if c.answer == "" {
					if len(answers) != 2 || values(answers[1], "BGM", 3, 1)[0] != "27" {
						t.Errorf("%d answers", len(answers))
					}
					return
				}
				if got := values(answers[len(answers)-1], "BGM", 3, 1)[0] + " " + strings.Join(values(answers[len(answers)-1], "LIN", 2, 1), ", "); len(answers) != 2 || got != c.answer {
					t.Errorf("%d answers: %s, want %s", len(answers), got, c.answer)
				}
			})
		})
	}
}

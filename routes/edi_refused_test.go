package routes

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
)

func advised(p *Partner) { p.Advise = true }

// advisedSets are documents that nobody can work on, and what the 824 says of each: OTI-03, OTI-10,
// then TED-01, 03, 04 and 05.
var advisedSets = map[string]struct{ set, body, oti, ted, says string }{
	"a change of no order":    {"860", "BCH*04*SA*NONE***20000101~\nPOC*1*DI~\n", "NONE 860", "024 BCH  3", "there is no order NONE to be changed"},
	"a line of no order":      {"860", "BCH*04*SA*PO-1***20000101~\nPOC*7*DI~\n", "PO-1 860", "024 POC  1", "POC-01 of line 1: order PO-1 has no line"},
	"an order without item":   {"850", "BEG*00*SA*PO-2**20000101~\nN1*ST*Jo Doe~\nN3*1 Main Street~\nN4*Springfield*IL*62701*US~\nPO1*1*10*EA~\nPO1*2*1.5*EA***SK*SKU-1~\n", "PO-2 850", "007 PO1 6 7, 848 PO1 7 2", "names no item"},
	"another order's number":  {"850", strings.Replace(purchased, "PO1*1*10", "PO1*1*11", 1), "PO-1 850", "024 PO1  2", "exists and differs in the quantity of line 1"},
	"a set that nobody takes": {"812", "BCD*20000101*1*20000101*1*1~\n", "0001 812", "024 ST  1", "transaction set 812 is none that we work on"},
}

func TestADocumentThatNobodyCanWorkOnIsToldItsSender(t *testing.T) {
	for name, c := range advisedSets {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := amendRig(t, "order.allocate", advised)
				r.drop("bad.edi", purchase(c.set, "2", c.body))
				settle(time.Minute)
				l := r.letters()
				told := box.sets(t, "824")
				if len(l) != 1 || len(told) != 1 || said(told, "BGN", 1, 2) != "11 "+l[0].ID || said(told, "OTI", 3, 10) != c.oti || said(told, "OTI", 1, 8, 9) != "TR 2 0001" {
					t.Fatalf("letters %+v; 824s: %d, %s, %s", l, len(told), said(told, "BGN", 1, 2), said(told, "OTI", 1, 3, 8, 9, 10))
				}
				if got := said(told, "TED", 1, 3, 4, 5); got != c.ted {
					t.Errorf("TED %s, want %s", got, c.ted)
				}
				if text := said(told, "TED", 2) + strings.ReplaceAll(said(told, "NTE", 2), ", ", ""); !strings.Contains(text, c.says) {
					t.Errorf("it says %q", text)
				}
				refused := box.sets(t, "855")[1:]
				if c.set != "860" && len(refused) > 0 || c.set == "860" && said(refused, "BAK", 1, 2, 3) != "04 RD "+strings.Fields(c.oti)[0] {
					t.Errorf("855s: %s", said(refused, "BAK", 1, 2, 3))
				}
				// A replay that fails again is not told again.
				if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "ann"); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				if l := r.letters(); len(l) != 1 || l[0].Opening != 2 || len(box.sets(t, "824")) != 1 || len(box.sets(t, "855")) != len(refused)+1 {
					t.Errorf("%+v, %d 824s", l, len(box.sets(t, "824")))
				}
			})
		})
	}
}

func TestWhatIsToldOtherwiseOrToNobodyIsNotAdvised(t *testing.T) {
	for name, c := range map[string]struct {
		advise    bool
		doc       string
		letters   int
		rejecting bool
	}{
		"nobody asked":        {false, purchase("860", "2", "BCH*04*SA*NONE***20000101~\nPOC*1*DI~\n"), 1, false},
		"a 997 told it":       {true, purchase("850", "2", strings.Replace(purchased, "PO1*1*10", "PO1*1*TEN", 1)), 1, true},
		"an 824":              {true, purchase("824", "2", "BGN*11*X*20000101~\nOTI*TR*TN*1~\nTED*024*no~\n"), 1, false},
		"nothing wrong":       {true, purchase("850", "2", strings.Replace(purchased, "PO-1", "PO-2", 1)), 0, false},
		"a line that is held": {true, purchase("850", "2", strings.NewReplacer("PO-1", "PO-2", "10*EA***SK*SKU-1", "10*EA***SK*NEW").Replace(purchased)), 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := amendRig(t, "order.allocate", func(p *Partner) { p.Advise, p.SendAnswers = c.advise, false })
				r.drop("doc.edi", c.doc)
				settle(time.Minute)
				if l := r.letters(); len(l) != c.letters || len(box.sets(t, "824")) != 0 || len(box.sets(t, "855")) != 0 {
					t.Errorf("%+v, %d 824s", l, len(box.sets(t, "824")))
				}
			})
		})
	}
}

func TestANoticeThatCannotBeTakenIsToldItsSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, advised)
		r.drop("943.edi", notice("943", "1", strings.Replace(transfer, "W04*2*EA**SK*SKU-1", "W04*2*EA**SK*NEW", 1)))
		settle(time.Minute)
		told := box.sets(t, "824")
		if said(told, "OTI", 3, 10) != "TR-1 943" || !strings.HasPrefix(said(told, "TED", 1, 3), "024 W04") || !strings.Contains(said(told, "TED", 2)+said(told, "NTE", 2), "NEW") {
			t.Fatalf("%d: %s, %s", len(told), said(told, "OTI", 3, 10), said(told, "TED", 1, 2, 3))
		}
		r.must(door.Master, "NEW", item.Register{Spec: spec(measure.Gram)})
		l := r.letters()
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "ann"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.noLetters()
	})
}

func TestAMessageThatNobodyCanWorkOnIsToldByAnAPERAK(t *testing.T) {
	message := func(kind, body string) string {
		return fmt.Sprintf("UNB+UNOC:3+ACME+PAKLOG+261123:0915+1'\nUNH+M7+%s:D:96A:UN'\n%sUNT+%d+M7'\nUNZ+1+1'\n", kind, body, strings.Count(body, "'")+2)
	}
	for name, c := range map[string]struct{ doc, about, element, says string }{
		"a change of no order": {message("ORDCHG", "BGM+230+NONE+4'\nDTM+137:20000101:102'\nLIN+1+2'\nUNS+S'\n"), "NONE", "BGM-02", "no order NONE"},
		"an order of no item":  {message("ORDERS", "BGM+220+PO-9+9'\nDTM+137:20000101:102'\nNAD+DP+++Jo Doe+1 Main Street+Springfield+IL+62701+US'\nLIN+1'\nQTY+21:1'\nUNS+S'\n"), "PO-9", "LIN-03-1", "names no item"},
		"a message of nobody":  {message("PAXLST", "BGM+745+X'\n"), "X", "UNH-02-1", "message PAXLST is none that we work on"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, advised)
				r.drop("bad.edi", c.doc)
				settle(time.Minute)
				told := box.messages(t, "APERAK")
				if len(told) != 1 || len(r.letters()) != 1 {
					t.Fatalf("%d APERAKs, %+v", len(told), r.letters())
				}
				if refs := values(told[0], "RFF", 1, 2); refs[0] != c.about || refs[1] != c.element {
					t.Errorf("it names %q", refs)
				}
				if text := values(told[0], "FTX", 4, 1)[0]; !strings.Contains(text, c.says) {
					t.Errorf("it says %q", text)
				}
				// It is answered by nothing, and an APERAK of his neither.
				r.drop("aperak.edi", strings.Replace(strings.Replace(message("APERAK", "BGM+313+1+27'\nRFF+ACW:1'\nERC+12'\n"), "0915+1'", "0915+2'", 1), "UNZ+1+1", "UNZ+1+2", 1))
				settle(time.Minute)
				if n := len(box.messages(t, "APERAK")); n != 1 {
					t.Errorf("%d APERAKs", n)
				}
			})
		})
	}
}

func TestACrashAfterAnyUnitOfARefusalTellsItOnce(t *testing.T) {
	died := 0
	text := purchase("860", "2", "BCH*04*SA*NONE***20000101~\nPOC*1*DI~\n")
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, advised)
				r.batch = 1
				r.restart()
				r.crash(n)
				_, _ = r.document("860.edi", text)
				settle(10 * time.Minute)
				ended = r.bus.Err() == nil
				r.restart()
				r.drop("860.edi", text)
				settle(time.Minute)
				if a, b := box.sets(t, "824"), box.sets(t, "855"); len(r.letters()) != 1 || len(a) != 1 || said(b, "BAK", 2) != "RD" {
					t.Errorf("%d letters, %d 824s, %d 855s", len(r.letters()), len(a), len(b))
				}
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < 8 {
		t.Errorf("it died %d times only", died)
	}
}

// A trailer that is missing or stands alone is no letter of its own beside a set that was refused; what may
// be an order is.
func TestOneBadFileIsOneLetter(t *testing.T) {
	good := purchase("850", "9", purchased)
	bad := strings.Replace(good, "PO1*1*10*", "PO1*1*MANY*", 1)
	orders := "UNB+UNOC:3+ACME+PAKLOG+261123:0915+991'UNH+1+ORDERS:D:96A:UN'BGM+220+X+9'UNT+9+1'"
	cut := func(s, from, to string) string {
		a := strings.Index(s, from)
		return s[:a] + s[a+strings.Index(s[a:], to)+len(to):]
	}
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"a bad set":                           {bad, 1},
		"a bad set, no IEA":                   {cut(bad, "IEA*", "~\n"), 1},
		"a bad set, no GE":                    {cut(bad, "GE*", "~\n"), 1},
		"a good set, no GE":                   {cut(good, "GE*", "~\n"), 1},
		"a set without a group, and its GE":   {cut(good, "GS*", "~\n"), 1},
		"a bad message, no UNZ":               {orders, 1},
		"a bad set, and half an order behind": {strings.Replace(bad, "GE*", "BEG*00*SA*PO-2**20000101~\nGE*", 1), 2},
		"words":                               {"Dear Sir", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := ediRig(t)
				r.drop("file", c.text)
				settle(time.Minute)
				if l := r.letters(); len(l) != c.want {
					t.Errorf("%d letters, want %d: %v", len(l), c.want, r.lettersText())
				}
			})
		})
	}
}

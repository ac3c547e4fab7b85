package routes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
)

// outsideRig is an ediRig with a building, west, that TPL runs; ACME calls it DC9.
func outsideRig(t *testing.T) (*rig, *mailbox) {
	t.Helper()
	r, box := ediRig(t, func(p *Partner) { p.Profile.Facilities["DC9"] = "west" })
	tpl := r.edi.Partners["ACME"]
	tpl.Name, tpl.ID, tpl.Runs = "TPL", "TPL", []string{"west"}
	tpl.Profile.Partner, tpl.Profile.Facilities, tpl.Profile.Owners = "TPL", map[string]string{"LOU1": "west"}, map[string]string{"BRAND": site.Owner}
	r.edi.Partners["TPL"] = tpl
	r.cfg.Facilities, r.cfg.Outside = []string{"west"}, []string{"west"}
	r.restart()
	return r, box
}

// tpl drops what TPL sends.
func (r *rig) tpl(text string) error {
	sum := sha256.Sum256([]byte(text))
	_, err := r.hub.Call(context.Background(), door.Documents, door.Document{
		Partner: "TPL", Name: "945", Media: "application/edi-x12", Bytes: []byte(text), Key: door.Key{Scope: "folder/TPL", ID: hex.EncodeToString(sum[:]), Hash: sum},
	})
	return err
}

const outsideOrder = "W05*N*SO-1*PO-7~\nN1*ST*Jo Doe~\nN3*1 Main Street~\nN4*Springfield*IL*62701*US~\nN1*WH**92*DC9~\nG62*10*20000120~\nW66*PP*M********UPSN~\n" +
	"LX*1~\nW01*10*EA**SK*SKU-1~\nLX*2~\nW01*3*CA**SK*SKU-1~\nW76*13~\n"

// advice945 is an interchange with one 945 from TPL.
func advice945(control, body string) string {
	return fmt.Sprintf("ISA*00*          *00*          *ZZ*TPL            *ZZ*PAKLOG         *000101*0000*U*00401*%09s*0*P*>~\n"+
		"GS*SW*TPL*PAKLOG*20000101*0000*%[1]s*X*004010~\nST*945*0001~\n%sSE*%d*0001~\nGE*1*%[1]s~\nIEA*1*%09[1]s~\n", control, body, strings.Count(body, "~")+2)
}

const wholeAdvice = "W06*F*SO-1*20000103*SHP-1~\nN1*SF**92*LOU1~\nW27*M*UPSN*GRND~\nLX*1~\nMAN*GM*001234567890123452~\nN9*2I*1Z9~\n" +
	"W12*CC*10*10**EA**SK*SKU-1~\nN9*LI*1~\nN9*LT*L7~\nLX*2~\nMAN*GM*00001234567890123469~\nW12*CC*3*3**CA**SK*SKU-1~\nN9*LI*2~\nW03*13~\n"

func TestA3PLIsAskedBy940AndWhatHeSaysBy945Ships(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideRig(t)
		r.drop("940", purchase("940", "11", outsideOrder))
		settle(time.Hour)
		r.noLetters()
		r.status("SO-1", order.StatusAccepted)
		sent := box.sets(t, "940")
		if len(sent) != 1 || sent[0].ISA.Receiver != "TPL" || said(sent, "W05", 1, 2, 3) != "N SO-1 PO-7" || said(sent, "N1", 1, 4) != "ST , WH LOU1, DE BRAND" || said(sent, "W01", 1, 2, 5) != "10 EA SKU-1, 3 CA SKU-1" ||
			said(sent, "G62", 1, 2) != "10 20000120" || said(sent, "W66", 2, 10) != "M UPSN" {
			t.Fatalf("%d 940s: %s; %s; %s; %s", len(sent), said(sent, "W05", 1, 2, 3), said(sent, "N1", 1, 4), said(sent, "W01", 1, 2, 5), said(sent, "W66", 2, 10))
		}
		for _, control := range []string{"21", "22"} { // sent anew it is the same
			if err := r.tpl(advice945(control, wholeAdvice)); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
		}
		r.noLetters()
		r.status("SO-1", order.StatusShipped)
		if c := r.count(); c["order.Shipped"] != 1 || c["ship.Confirmed"] != 1 || c["stock.Reserved"] != 0 {
			t.Errorf("%v", c)
		}
		// And who ordered is told, as of what left here.
		back := box.sets(t, "945")
		if len(back) != 1 || back[0].ISA.Receiver != "ACME" || said(back, "MAN", 2) != "00001234567890123452, 00001234567890123469" || !strings.Contains(said(back, "N9", 1, 2), "2I 1Z9") ||
			!strings.Contains(said(back, "N9", 1, 2), "LT L7") || said(back, "W03", 1) != "13" {
			t.Errorf("%d 945s: %s, %s", len(back), said(back, "MAN", 2), said(back, "N9", 1, 2))
		}
	})
}

func TestWhatA3PLSaysAmissIsALetterAtItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ old, now, place, says string }{
		"of an order that he was never asked to ship": {"W06*F*SO-1*", "W06*F*SO-9*", "W06-02 (segment 2,", "no order of that number was sent to TPL"},
		"more than is open":                           {"W12*CC*3*3**CA", "W12*CC*4*4**CA", "W12-03 (segment 13,", "24 of line 2 left, and 18 of it are open"},
		"of no line":                                  {"N9*LI*2~", "N9*LI*7~", "W12-03 (segment 13,", "order SO-1 has no such line"},
		"of another item":                             {"CA**SK*SKU-1~", "CA**SK*SKU-2~", "W12-03 (segment 13,", "order SO-1 has no such line"},
		"in a unit that is none":                      {"W12*CC*3*3**CA", "W12*CC*3*3**ZZ", "W12-03 (segment 13,", "ZZ"},
		"half a piece":                                {"W12*CC*3*3**CA", "W12*CC*3*2.5**CA", "W12-03", `quantity "2.5" is not a whole number`},
		"an SSCC that is none":                        {"001234567890123452", "001234567890123453", "MAN-02", "has check digit 3, expected 2; send the carton's SSCC, or none"},
		"a total that is another":                     {"W03*13~", "W03*12~", "W03-01", ""},
		"of another building":                         {"N1*SF**92*LOU1", "N1*SF**92*LOU2", "N1-04 (segment 3,", `it is of building "LOU2", and order SO-1 was to leave from LOU1`},
		"of a GTIN that is another item's":            {"**CA**SK*SKU-1~", "**CA*036000291452~", "W12-03 (segment 13,", "order SO-1 has no such line"},
		"a day that is none":                          {"*20000103*", "*20000231*", "W06-03", ""},
		"of nothing":                                  {wholeAdvice[strings.Index(wholeAdvice, "LX*1"):], "", "LX", "mandatory loop LX is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := outsideRig(t)
				r.drop("940", purchase("940", "11", outsideOrder))
				settle(time.Hour)
				bad := strings.ReplaceAll(wholeAdvice, c.old, c.now)
				if bad == wholeAdvice {
					t.Fatal("nothing is amiss")
				}
				if strings.HasPrefix(c.place, "W12") {
					bad, _, _ = strings.Cut(bad, "W03*") // the total is not what is looked at
				}
				if err := r.tpl(advice945("21", bad)); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				if l := r.letters(); len(l) != 1 || !strings.HasPrefix(l[0].Place, c.place) || !strings.Contains(l[0].Cause, c.says) {
					t.Errorf("%+v", l)
				}
				r.status("SO-1", order.StatusAccepted)
				if err := r.tpl(advice945("22", wholeAdvice)); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				r.status("SO-1", order.StatusShipped)
			})
		})
	}
}

// What he names by GTIN alone is the item that has it, whichever of its lengths he writes; what stands in
// one carton may be said an item at a time.
func TestA3PLNamesItemsByGTINAndACartonTwice(t *testing.T) {
	for _, code := range []string{"EA*036000291452~", "EA**EN*0036000291452~", "EA**UK*00036000291452~"} {
		synctest.Test(t, func(t *testing.T) {
			r, box := outsideRig(t)
			spec := item.Spec{Units: []item.Unit{{UOM: item.Each, Factor: 1, Weight: 10 * measure.Gram, Dims: cm(2, 2, 2)}, {UOM: item.Case, Factor: 6}, {UOM: "PK", Factor: 2}}}
			spec.Codes = []item.Code{{Kind: "gtin", Value: "036000291452", UOM: item.Each}}
			r.must(door.Master, "SKU-1", item.Register{Spec: spec, Update: true})
			r.drop("940", purchase("940", "11", outsideOrder))
			settle(time.Hour)
			text := strings.NewReplacer("EA**SK*SKU-1~", code, "N9*LI*1~\n", "", "00001234567890123469", "001234567890123452").Replace(wholeAdvice)
			if err := r.tpl(advice945("21", text)); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
			r.noLetters()
			r.status("SO-1", order.StatusShipped)
			if back := box.sets(t, "945"); len(back) != 1 || strings.ReplaceAll(said(back, "MAN", 2), "00001234567890123452", "") != strings.Repeat(", ", strings.Count(said(back, "MAN", 2), ",")) || said(back, "W03", 1) != "13" {
				t.Errorf("%d 945s: %s", len(back), said(back, "MAN", 2))
			}
		})
	}
}

func TestACartonLeavesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := outsideRig(t)
		r.drop("940", purchase("940", "11", outsideOrder))
		r.drop("940 too", purchase("940", "12", strings.ReplaceAll(outsideOrder, "SO-1", "SO-2")))
		settle(time.Hour)
		for control, text := range map[string]string{"21": wholeAdvice, "22": strings.NewReplacer("SO-1", "SO-2", "SHP-1", "SHP-2", "001234567890123452", "001234567890123476").Replace(wholeAdvice)} {
			if control == "22" {
				settle(time.Minute)
			}
			if err := r.tpl(advice945(control, text)); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
		}
		l := r.letters()
		if len(l) != 1 || !strings.HasPrefix(l[0].Place, "MAN-02 (segment 12,") || !strings.Contains(l[0].Cause, "carton 001234567890123469 left before, with order SO-") {
			t.Fatalf("%+v", l)
		}
	})
}

func TestA3PLThatSaysNothingInTimeIsALetter(t *testing.T) {
	for name, c := range map[string]struct {
		advice string
		says   string
	}{
		"nothing":   {"", "has said by no 945 that order SO-1 left whole: 28 of 28 are open"},
		"a part":    {"W06*F*SO-1*20000103*SHP-1~\nLX*1~\nW12*BP*10*4*6*EA**SK*SKU-1~\nN9*LI*1~\nW03*4~\n", "24 of 28 are open"},
		"all of it": {wholeAdvice, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := outsideRig(t)
				tpl := r.edi.Partners["TPL"]
				tpl.ReportsWithin = 48 * time.Hour
				r.edi.Partners["TPL"] = tpl
				r.restart()
				r.drop("940", purchase("940", "11", strings.Replace(outsideOrder, "G62*10*20000120~\n", "", 1)))
				r.outsideReceipt(t)
				if c.advice != "" {
					if err := r.tpl(advice945("21", c.advice)); err != nil {
						t.Fatal(err)
					}
					settle(time.Minute)
				}
				settle(10 * time.Hour)
				r.noLetters()
				settle(60 * 24 * time.Hour)
				var orders, receipts int
				for _, l := range r.letters() {
					switch l.Route {
					case "x12.shipping-orders":
						if orders++; l.Place != "SO-1" || c.says == "" || !strings.Contains(l.Cause, c.says) {
							t.Errorf("%+v", l)
						}
					case "x12.transfer-advices":
						if receipts++; l.Place != "R-1" || !strings.Contains(l.Cause, "TPL has said by no 944 what came of receipt R-1, which was to come by 2000-01-04T12:00:00Z") {
							t.Errorf("%+v", l)
						}
					}
				}
				if want := map[bool]int{true: 1}[c.says != ""]; orders != want || receipts != 1 {
					t.Errorf("%d letters about the order, %d about the receipt", orders, receipts)
				}
			})
		})
	}
}

func TestA3PLShipsInPartsAndShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideRig(t)
		r.drop("940", purchase("940", "11", outsideOrder))
		settle(time.Hour)
		// Four pieces now, the rest follows; no carton is named, so it gets a number of ours.
		first := "W06*F*SO-1*20000103*SHP-1~\nLX*1~\nW12*BP*10*4*6*EA**SK*SKU-1~\nN9*LI*1~\nW03*4~\n"
		for _, text := range []string{advice945("21", first), advice945("22", strings.Replace(first, "*4*6*", "*5*5*", 1)[:strings.Index(first, "W03*")])} {
			if err := r.tpl(text); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
		}
		if l := r.letters(); len(l) != 1 || !strings.HasPrefix(l[0].Place, "W06-04") || !strings.Contains(l[0].Cause, "shipment SHP-1 of order SO-1 came before, and said something else") {
			t.Fatalf("%+v", l)
		}
		r.status("SO-1", order.StatusPartiallyShipped)
		// Five of the six; the last is short, and of the cases one.
		if err := r.tpl(advice945("23", "W06*F*SO-1*20000104*SHP-2~\nLX*1~\nW12*CP*6*5*1*EA**SK*SKU-1~\nN9*LI*1~\nLX*2~\nW12*CP*3*2*1*CA**SK*SKU-1~\nN9*LI*2~\nW03*7~\n")); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		o := r.order("SO-1")
		if a, b := o.Lines[0], o.Lines[1]; a.Shipped != 9 || a.Short != 1 || b.Shipped != 12 || b.Short != 6 {
			t.Errorf("%+v, %+v", a, b)
		}
		if back := box.sets(t, "945"); len(back) != 2 || said(back, "W03", 1) != "4, 7" || !strings.Contains(said(back, "N9", 1, 2), "ZZ SUPPLEMENT 1") {
			t.Errorf("%d 945s: %s", len(back), said(back, "W03", 1))
		}
		if len(box.sets(t, "940")) != 1 {
			t.Error("he was asked again")
		}
	})
}

func TestWhatIsCancelledOrChangedIsSaidToThe3PL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideRig(t)
		r.drop("940", purchase("940", "11", outsideOrder))
		settle(time.Hour)
		r.drop("940 all", purchase("940", "12", strings.NewReplacer("W05*N", "W05*R", "W01*10", "W01*8", "W76*13", "W76*11").Replace(outsideOrder)))
		settle(time.Minute)
		r.drop("940 back", purchase("940", "13", strings.Replace(outsideOrder, "W05*N", "W05*F", 1)))
		settle(time.Minute)
		r.noLetters()
		sent := box.sets(t, "940")
		if said(sent, "W05", 1, 2) != "N SO-1, R SO-1, F SO-1" || said(sent, "W01", 1, 2) != "10 EA, 3 CA, 8 EA, 3 CA, 8 EA, 18 EA" {
			t.Errorf("%s; %s", said(sent, "W05", 1, 2), said(sent, "W01", 1, 2))
		}
		// He had shipped it already: somebody must look.
		if err := r.tpl(advice945("21", wholeAdvice)); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if l := r.letters(); len(l) != 1 || !strings.Contains(l[0].Cause, "order SO-1 is cancelled") {
			t.Errorf("%+v", l)
		}
	})
}

// wherever lets the hub die after each unit in turn, at least so often, while steps are taken; one that
// died with it is taken again. Then everything holds.
func wherever(t *testing.T, least int, rigged func(*testing.T) (*rig, *mailbox), steps func(r *rig) []func() error, holds func(t *testing.T, r *rig, box *mailbox)) {
	t.Helper()
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := rigged(t)
				r.batch = 1
				r.restart()
				r.crash(n)
				ended = true
				for _, send := range steps(r) {
					_ = send() // dies with it
					settle(10 * time.Minute)
					if r.bus.Err() != nil {
						ended = false
						r.restart()
						if err := send(); err != nil {
							t.Fatal(err)
						}
						settle(time.Hour)
					}
				}
				r.noLetters()
				holds(t, r, box)
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < least {
		t.Errorf("it died %d times only", died)
	}
}

// Whatever dies, he is asked once, and what he says is taken once.
func TestACrashAfterAnyUnitOfAnOutsideOrderShipsOnce(t *testing.T) {
	wherever(t, 10, outsideRig, func(r *rig) []func() error {
		return []func() error{
			func() error { _, err := r.document("940", purchase("940", "11", outsideOrder)); return err },
			func() error { return r.tpl(advice945("21", wholeAdvice)) },
		}
	}, func(t *testing.T, r *rig, box *mailbox) {
		r.status("SO-1", order.StatusShipped)
		if c := r.count(); len(box.sets(t, "940")) != 1 || len(box.sets(t, "945")) != 1 || c["order.Shipped"] != 1 || c["ship.Confirmed"] != 1 {
			t.Errorf("%d 940s, %d 945s, %v", len(box.sets(t, "940")), len(box.sets(t, "945")), c)
		}
	})
}

func TestAnOrderThatIsHeldWaitsAndOneThatTheTPLHasIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := outsideRig(t)
		r.drop("940", purchase("940", "11", outsideOrder))
		settle(time.Hour)
		hold := func(cmd any) {
			t.Helper()
			if _, err := r.ask(door.Orders, door.Ask{Scope: r.order("SO-1").Scope, ID: "SO-1", Cmd: cmd}); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
		}
		hold(order.Hold{Reason: "credit", By: "jo"})
		l := r.letters()
		if len(l) != 1 || l[0].Place != "SO-1" || !strings.Contains(l[0].Cause, "order SO-1 is on hold, and TPL was asked to ship it") {
			t.Fatalf("%+v", l)
		}
		hold(order.Release{Reason: "credit", By: "jo"})
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "ann"); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		r.noLetters()
		hold(order.Hold{Reason: "credit", By: "jo"})
		hold(order.Cancel{Reason: "buyer", By: "jo"})
		if sent := box.sets(t, "940"); said(sent, "W05", 1) != "N, F" {
			t.Errorf("940s: %s", said(sent, "W05", 1))
		}
	})
}

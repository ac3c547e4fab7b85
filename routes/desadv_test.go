package routes

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/edi/edifact/edifactgen"
)

// desadv is an interchange with one DESADV from ACME.
func desadv(control, body string) string {
	return fmt.Sprintf("UNB+UNOC:3+ACME+PAKLOG+000101:0000+%s'\nUNH+1+DESADV:D:96A:UN'\n%sUNT+%d+1'\nUNZ+1+%[1]s'\n", control, body, strings.Count(body, "'\n")+2)
}

const despatch = "BGM+351+ASN-5+9'\nDTM+137:20000101:102'\nRFF+ON:PO-7'\nNAD+SU+M3::92'\nNAD+DP+DC1::92'\nCPS+1'\nCPS+2+1'\nPAC+1++CT'\nPCI+33E'\nGIN+BJ+001234567890123457'\n" +
	"LIN+1++SKU-1:SA'\nQTY+12:4:CT'\nLIN+2++SKU-1:SA'\nQTY+12:2:PCE'\nGIN+BX+L8'\nCNT+2:2'\n"

func despatchRig(t *testing.T) (*rig, *mailbox) {
	t.Helper()
	r, box := ediRig(t, func(p *Partner) {
		p.Stock = StockNotices{Of: []string{site.Owner}, Receipts: true, EDIFACT: true}
	})
	r.must(door.Master, "DOCK", location.Register{Spec: location.Spec{Purpose: location.Dock}})
	settle(time.Minute)
	return r, box
}

func TestADESADVEndsInRECADVAndCONTRL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := despatchRig(t)
		before := len(box.messages(t, "RECADV"))
		r.drop("desadv.edi", desadv("1", despatch))
		settle(time.Minute)
		got := r.receipt("ASN-5")
		if len(got.Lines) != 2 || got.Lines[0].Qty != 24 || got.Lines[0].LPN != "001234567890123457" || got.Lines[1].Lot != "L8" || got.Supplier != "M3" || got.Reference != "PO-7" || got.Status != receiving.StatusAnnounced {
			t.Fatalf("%+v, %+v", got, r.letters())
		}
		r.must(door.Receipts, "ASN-5", receiving.ReceiveLPN{LPN: "001234567890123457", Location: "DOCK"})
		r.must(door.Receipts, "ASN-5", receiving.Close{})
		settle(time.Minute)
		if told := box.messages(t, "RECADV")[before:]; len(told) != 1 || values(told[0], "BGM", 2, 1)[0] != "ASN-5" || strings.Join(values(told[0], "QTY", 1, 2), " ") != "24 24 24 2 2 2" {
			t.Errorf("%d RECADVs", len(told))
		}
		if acks := box.messages(t, "CONTRL"); len(acks) != 1 || values(acks[0], "UCM", 3, 1)[0] != "7" {
			t.Error("it was not acknowledged")
		}
		r.books("SKU-1")
		r.noLetters()
	})
}

func TestADESADVThatComesAgainReplacesTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := despatchRig(t)
		r.drop("a", desadv("1", despatch))
		r.drop("a again", "\n"+desadv("1", despatch)) // the same interchange
		r.drop("b", desadv("2", despatch))            // the same notice
		r.drop("c", desadv("3", strings.NewReplacer("ASN-5+9", "ASN-5+5", "QTY+12:2:PCE", "QTY+12:5:PCE").Replace(despatch)))
		settle(time.Minute)
		n := r.count()
		if got := r.receipt("ASN-5"); n["receipt.Announced"] != 1 || n["receipt.Changed"] != 1 || got.Lines[1].Qty != 5 || n["edifact.Repeated"] != 1 {
			t.Errorf("%+v, %v", got, n)
		}
		r.drop("d", desadv("4", strings.Replace(despatch, "ASN-5+9", "ASN-5+1", 1)))
		settle(time.Minute)
		if got := r.receipt("ASN-5"); got.Status != receiving.StatusCancelled {
			t.Errorf("%+v", got)
		}
		if n := len(box.messages(t, "CONTRL")); n != 4 {
			t.Errorf("%d CONTRLs, want 4", n)
		}
		r.noLetters()
	})
}

func TestADESADVThatCannotBeTakenSaysWhereAndIsReplayed(t *testing.T) {
	for name, c := range map[string]struct {
		old, new, says string
		kind           fault.Kind
		mend           func(r *rig)
	}{
		"an unknown item": {"LIN+2++SKU-1", "LIN+2++NEW", "LIN-03-1", fault.Rejected, func(r *rig) {
			r.must(door.Master, "NEW", item.Register{Spec: spec(measure.Gram)})
		}},
		"another building":        {"DP+DC1", "DP+DC9", "NAD-02-1", fault.Invalid, nil},
		"a change of a notice":    {"ASN-5+9", "ASN-5+4", "BGM-03", fault.Invalid, nil},
		"a range of serials":      {"GIN+BX+L8", "GIN+BN+1:2", "GIN-02-2", fault.Invalid, nil},
		"one that is not there":   {"ASN-5+9", "ASN-9+1", "", fault.Rejected, nil},
		"one that is closed":      {"ASN-5+9", "CLOSED+5", "", fault.Rejected, nil},
		"serials of other number": {"GIN+BX+L8", "GIN+BN+1", "", fault.Invalid, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := despatchRig(t)
				p := r.edi.Partners["ACME"]
				p.Advise = true
				r.edi.Partners["ACME"] = p
				r.restart()
				if !strings.Contains(despatch, c.old) {
					t.Fatalf("%q is not in the sample", c.old)
				}
				r.must(door.Receipts, "CLOSED", receiving.Receive{Item: "SKU-1", Qty: 2, Place: inventory.Place{Location: "DOCK"}})
				r.must(door.Receipts, "CLOSED", receiving.Close{})
				r.drop("desadv.edi", desadv("1", strings.Replace(despatch, c.old, c.new, 1)))
				settle(time.Minute)
				l := r.letters()
				if len(l) != 1 || l[0].Kind != c.kind.String() || !strings.Contains(l[0].Place, c.says) || r.receipt("ASN-5").Known() {
					t.Fatalf("%+v", l)
				}
				told := box.messages(t, "APERAK")
				if len(told) != 1 || len(box.messages(t, "CONTRL")) != 1 {
					t.Fatalf("%d APERAKs", len(told))
				}
				if c.mend == nil {
					return
				}
				c.mend(r)
				if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "ann"); err != nil {
					t.Fatal(err)
				}
				settle(time.Minute)
				if !r.receipt("ASN-5").Known() {
					t.Errorf("%+v", r.letters())
				}
				r.noLetters()
			})
		})
	}
}

// Whatever dies, each notice is one receipt, and a bad one harms no neighbour.
func TestACrashAfterAnyUnitOfADESADVAnnouncesOnce(t *testing.T) {
	text, notices := generatedMessages(t, edifactgen.Config{Type: "DESADV", Seed: 4, Messages: 3, MostLine: 2})
	second := strings.Index(text, "UNH+2")
	text = text[:second] + strings.Replace(text[second:], "QTY+12:", "QTY+12:1.", 1)
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := despatchRig(t)
				p := r.edi.Partners["ACME"]
				p.Profile.Facilities, p.Profile.Items = nil, []string{"VN"}
				r.edi.Partners["ACME"] = p
				r.batch = 1
				r.restart()
				r.crash(n)
				_, _ = r.document("desadv.edi", text)
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					r.drop("desadv.edi", text)
					settle(time.Hour)
				}
				if c, l := r.count(), r.letters(); c["receipt.Announced"] != 2 || c["receipt.Changed"] != 0 || len(l) != 1 || !strings.Contains(l[0].Place, "QTY-01-2") {
					t.Errorf("%v, %+v", c, l)
				}
				for i, o := range notices {
					if r.receipt(o.Number).Known() != (i != 1) {
						t.Errorf("receipt %s", o.Number)
					}
				}
				if n := len(box.messages(t, "CONTRL")); n != 1 {
					t.Errorf("%d CONTRLs", n)
				}
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

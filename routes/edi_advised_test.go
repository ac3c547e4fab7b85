package routes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/x12/x12gen"
)

func (r *rig) paper(name string) document.Document {
	r.t.Helper()
	return foldOf(r, document.Fold, document.StreamOf(site.Tenant, "ACME", name))
}

// sent945 is a rig from which one 945 left, its order, and the numbers that the partner knows it by.
func sent945(t *testing.T, change ...func(*Partner)) (r *rig, box *mailbox, name, number, group string) {
	t.Helper()
	r, box = ediRig(t, change...)
	text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
	r.drop("940.edi", text)
	settle(time.Minute)
	names, _ := box.left("945")
	if len(names) != 1 {
		t.Fatalf("%d 945s: %+v", len(names), r.letters())
	}
	if d := r.paper(names[0]); d.Status() != document.StatusSent || d.Set != "945" || !slices.Contains(d.About, orders[0].Number) {
		t.Fatalf("%+v", d)
	}
	return r, box, names[0], orders[0].Number, box.sets(t, "945")[0].GS.Control
}

func advice824(oti string, ted ...string) string {
	return "BGN*11*R-1*20000101~\n" + oti + "~\n" + strings.Join(ted, "")
}

func TestAn824IsMatchedToTheDocumentItSpeaksOf(t *testing.T) {
	const ted = "TED*848*no such item*W12*9*8**SKU-9~\n"
	for name, c := range map[string]struct {
		oti, ted string // %s is the order, then the group
		status   string
		letter   string // what it says; "" is none
	}{
		"rejected, by the group":         {"OTI*TR*TN*whatever*****%[2]s*0001*945", ted, document.StatusRejected, "rejected our 945 %s (W12-8 in segment 9: no such item (code 848), found \"SKU-9\")"},
		"rejected, by the order":         {"OTI*TR*TN*%[1]s*******945", ted, document.StatusRejected, "paklog edi resend ACME %s"},
		"rejected, no set named":         {"OTI*TR*TN*%[1]s", "", document.StatusRejected, "rejected our 945 %s:"},
		"accepted":                       {"OTI*TA*TN*%[1]s*****%[2]s**945", "", document.StatusAccepted, ""},
		"accepted with errors":           {"OTI*TE*TN*%[1]s*******945", ted, document.StatusAccepted, ""},
		"of no order of ours":            {"OTI*TR*TN*NONE*******945", ted, document.StatusSent, "our 945 NONE was rejected, and no such document left for him (W12-8"},
		"of no group of ours":            {"OTI*TR*TN*NONE*****4711**945", "", document.StatusSent, "945 NONE of group 4711 was rejected"},
		"of another kind of document":    {"OTI*TR*TN*%[1]s*****%[2]s**944", "", document.StatusSent, "no such document left"},
		"accepted, what nobody has sent": {"OTI*TA*TN*NONE*******945", "", document.StatusSent, "was accepted, and no such document left"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box, doc, number, group := sent945(t, func(p *Partner) { p.Advise = true })
				r.drop("824.edi", purchase("824", "9", advice824(fmt.Sprintf(c.oti+"%.0[1]s%.0[2]s", number, group), c.ted)))
				settle(time.Minute)
				l := r.letters()
				if c.letter == "" {
					r.noLetters()
				} else {
					says := strings.NewReplacer("resend ACME %s", "resend ACME "+doc, "945 %s", "945 "+r.paper(doc).Interchange).Replace(c.letter)
					if len(l) != 1 || l[0].Route != "edi.advised" || l[0].Kind != "rejected" || !strings.Contains(l[0].Cause, says) {
						t.Errorf("%+v, want %q", l, says)
					}
				}
				if d := r.paper(doc); d.Status() != c.status || c.status == document.StatusRejected && c.ted != "" && d.Advice.Findings[0].Element != "8" {
					t.Errorf("%s: %+v", d.Status(), d)
				}
				// It is acknowledged as any document is, and nothing else is said to it.
				if acks := box.sets(t, "997"); len(acks) != 2 || said(acks[1:], "AK1", 1) != "AG" || said(acks[1:], "AK9", 1) != "A" || len(box.sets(t, "824")) != 0 {
					t.Errorf("%d 997s, %d 824s", len(acks), len(box.sets(t, "824")))
				}
			})
		})
	}
}

func TestARejectionByAn824EndsWhenTheDocumentIsSentAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box, name, number, _ := sent945(t)
		say := func(control, oti string) {
			r.drop(control, purchase("824", control, advice824(fmt.Sprintf(oti, number))))
			settle(time.Minute)
		}
		say("11", "OTI*TR*TN*%s*******945")
		say("12", "OTI*TR*TN*%s*******945") // the same under another number
		l := r.letters()
		if len(l) != 1 || l[0].Place != name {
			t.Fatalf("%+v", l)
		}
		made, err := r.resend(name, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "ann"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.noLetters()
		if d := r.paper(name); d.Status() != document.StatusReplaced || d.ReplacedBy != made.Document {
			t.Errorf("%+v", d)
		}
		// The number means the document that was sent last.
		say("13", "OTI*TA*TN*%s*******945")
		if d := r.paper(made.Document); d.Status() != document.StatusAccepted || r.paper(name).Advice.Verdict != document.Rejects {
			t.Errorf("%+v", d)
		}
		if c := r.count(); c["document.Advised"] != 2 || len(box.sets(t, "945")) != 2 {
			t.Errorf("%v", c)
		}
	})
}

func TestOne824SpeaksOfSeveralDocuments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t)
		text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 3, MostLine: 1})
		r.drop("940.edi", text)
		settle(time.Minute)
		body := "BGN*11*R-1*20000101~\n"
		for i, o := range orders {
			body += fmt.Sprintf("OTI*%s*TN*%s*******945~\n", []string{"TR", "TA", "TR"}[i], o.Number)
		}
		body += "OTI*TR*TN*NONE~\n" + fmt.Sprintf("OTI*TR*TN*%s*******945~\n", orders[0].Number) // once more
		r.drop("824.edi", purchase("824", "9", body))
		settle(time.Minute)
		if l := r.letters(); len(l) != 3 {
			t.Errorf("%+v", l)
		}
		names, _ := box.left("945")
		var statuses []string
		for _, n := range names {
			statuses = append(statuses, r.paper(n).Status())
		}
		slices.Sort(statuses)
		if !slices.Equal(statuses, []string{document.StatusAccepted, document.StatusRejected, document.StatusRejected}) {
			t.Errorf("%v", statuses)
		}
	})
}

func TestAn824ThatSpeaksOfNothingSaysWhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.Policy.AcceptErrors, p.Advise = true, true })
		r.drop("824.edi", purchase("824", "9", "BGN*11*R-1*20000101~\n"))
		settle(time.Minute)
		l := r.letters()
		if len(l) != 1 || !strings.Contains(l[0].Cause, "segment OTI") && !strings.Contains(l[0].Place, "OTI") || len(box.sets(t, "824")) != 0 {
			t.Errorf("%+v", l)
		}
	})
}

func TestAnAPERAKIsMatchedAndAcknowledgedByACONTRLAlone(t *testing.T) {
	say := func(control, body string) string {
		return fmt.Sprintf("UNB+UNOC:3+ACME+PAKLOG+000101:0000+%s'\nUNH+1+APERAK:D:96A:UN'\n%sUNT+%d+1'\nUNZ+1+%[1]s'\n", control, body, strings.Count(body, "'\n")+2)
	}
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.SendAnswers, p.Advise, p.EDIFACT.Contrl = false, true, true })
		text, orders := generatedMessages(t, edifactgen.Config{Seed: 7, Messages: 2, MostLine: 1})
		r.drop("orders.edi", text)
		settle(time.Minute)
		before := len(box.messages(t, "CONTRL"))
		names, _ := box.left("DESADV")
		if len(names) != 2 {
			t.Fatalf("%d DESADVs", len(names))
		}
		first := box.messages(t, "DESADV")[0]
		shipment, ordered := values(first, "BGM", 2, 1)[0], values(first, "RFF", 1, 2)[0]
		r.drop("a", say("A1", "BGM+313+R-1+27'\nRFF+ACW:"+shipment+"'\nERC+12'\nFTX+AAO+++no such item'\nRFF+AGO:LIN-03-1'\n"))
		r.drop("b", say("A2", "BGM+313+R-2+27'\nRFF+ACW:NONE'\nERC+12'\n"))
		settle(time.Minute)
		l := r.letters()
		if len(l) != 2 || !strings.Contains(l[0].Cause+l[1].Cause, "rejected our DESADV") || !strings.Contains(l[0].Cause+l[1].Cause, "LIN-03-1: no such item (code 12)") || !strings.Contains(l[0].Cause+l[1].Cause, "says by an APERAK that our NONE was rejected") {
			t.Fatalf("%+v", l)
		}
		// By the order that the message is about, and by the control reference, it is found as well.
		r.drop("c", say("A3", "BGM+313+R-3+29'\nDOC+351+"+ordered+"'\n"))
		settle(time.Minute)
		if d := r.paper(names[0]); d.Status() != document.StatusAccepted && r.paper(names[1]).Status() != document.StatusAccepted {
			t.Errorf("%+v", d)
		}
		r.drop("d", say("A4", "BGM+313+R-4+27'\nRFF+ACW:"+first.UNB.Control+"'\n"))
		settle(time.Minute)
		if r.paper(names[0]).Status() != document.StatusRejected && r.paper(names[1]).Status() != document.StatusRejected {
			t.Error("it is not found by its control reference")
		}
		if n := len(box.messages(t, "CONTRL")) - before; n != 4 || len(box.messages(t, "APERAK")) != 0 {
			t.Errorf("%d CONTRLs, %d APERAKs", n, len(box.messages(t, "APERAK")))
		}
		r.status(orders[0].Number, "shipped")
	})
}

// Whatever dies, an advice is noted once and is one letter.
func TestACrashAfterAnyUnitOfAn824IsOneLetter(t *testing.T) {
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box, name, number, _ := sent945(t)
				text := purchase("824", "9", advice824("OTI*TR*TN*"+number+"*******945", "TED*848*no such item~\n")+"OTI*TR*TN*NONE~\n")
				r.batch = 1
				r.restart()
				r.crash(n)
				_, _ = r.document("824.edi", text)
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					r.drop("824.edi", text)
					settle(10 * time.Minute)
				}
				if l, c := r.letters(), r.count(); len(l) != 2 || c["document.Advised"] != 1 || r.paper(name).Status() != document.StatusRejected {
					t.Errorf("%v, %+v", c, l)
				}
				if n := len(box.sets(t, "997")); n != 2 {
					t.Errorf("%d 997s", n)
				}
			})
		})
		if t.Failed() {
			return
		}
		died++
	}
	if died < 5 {
		t.Errorf("it died %d times only", died)
	}
}

// The status of a document follows what is said of its syntax, and what was rejected is replaced.
func TestTheSyntaxOfADocumentIsNoted(t *testing.T) {
	for code, status := range map[string]string{"A": document.StatusAcknowledged, "E": document.StatusAcknowledged, "R": document.StatusRejected} {
		synctest.Test(t, func(t *testing.T) {
			r, _, name, _, group := sent945(t)
			r.drop("997.edi", functionalAck(t, group, code))
			settle(time.Minute)
			if d := r.paper(name); d.Status() != status || d.Acknowledged.Code != code || d.Acknowledged.By != "997" {
				t.Errorf("%s: %+v", code, d)
			}
		})
	}
}

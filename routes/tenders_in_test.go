package routes

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/tender"
)

const asked204 = "B2**PKLG**SH-77**PP~\nB2A*00*LT~\nS5*1*LD~\nN1*SF*MILL~\nS5*2*UL~\nN1*ST*SHOP 1~\nOID*SO-1***CT*8~\n"

func load204(control, body string) string {
	return strings.NewReplacer("GS*PO", "GS*SM", "ST*850", "ST*204").Replace(purchase("850", control, body))
}

// A load that is tendered to us is answered once, by whom it is agreed: a rule or a person.
func TestALoadThatIsTenderedToUsIsAnsweredBy990(t *testing.T) {
	accept, decline := tender.Accept{Reference: "T-5", By: "jo"}, tender.Decline{Reason: "no truck", By: "jo"}
	for name, c := range map[string]struct {
		rule   string
		person any
		want   string // B1-02, 04 and what follows
		status string
	}{
		"accepted by rule":     {TendersAccepted, nil, "SH-77 A", tender.StatusAccepted},
		"declined by rule":     {TendersDeclined, nil, "SH-77 D, SH-77 D", tender.StatusDeclined}, // tendered anew
		"accepted by a person": {TendersAsked, accept, "SH-77 A", tender.StatusAccepted},
		"declined by a person": {"", decline, "SH-77 D", tender.StatusDeclined},
		"not yet":              {"", nil, "", tender.StatusOffered},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, func(p *Partner) { p.Tenders = c.rule })
				r.drop("204", load204("1", asked204))
				r.drop("204 again", load204("2", asked204))
				settle(time.Minute)
				if c.person != nil {
					for range 2 { // said twice it is answered once
						if err := r.tenders("SH-77", c.person); err != nil {
							t.Fatal(err)
						}
					}
					settle(time.Minute)
				}
				r.noLetters()
				answers := box.sets(t, "990")
				if got := said(answers, "B1", 2, 4); got != c.want || len(box.sets(t, "204")) != 0 {
					t.Errorf("answered %q, %d 204s", got, len(box.sets(t, "204")))
				}
				if x := r.tendered("SH-77"); !x.Inbound || x.Status != c.status || x.Partner != "ACME" || x.Stops[0].Orders[0].Cartons != 8 {
					t.Errorf("%+v", x)
				}
				settle(25 * time.Hour)
				if l := r.letters(); (len(l) == 1 && strings.Contains(l[0].Cause, "paklog tenders accept SH-77")) != (c.want == "") {
					if c.want == "" || len(l) != 1 || !strings.Contains(l[0].Cause, "has not acknowledged our 990") {
						t.Errorf("letters: %+v", l)
					}
				}
			})
		})
	}
}

// Who wants to know by a time is answered in it: somebody is told while there is time left.
func TestATenderToUsIsRememberedBeforeItLapses(t *testing.T) {
	tender204, err := os.ReadFile("testdata/204-answer-by.edi")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		by   time.Duration // from now
		told time.Duration // at the latest, and not half an hour before
	}{
		"in five hours":    {5 * time.Hour, 4*time.Hour + 2*time.Minute},
		"in an hour":       {time.Hour, 32 * time.Minute},
		"yesterday":        {-24 * time.Hour, 2 * time.Minute},
		"after ack_within": {90 * time.Hour, 24*time.Hour + 2*time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := ediRig(t)
				by := time.Now().UTC().Add(c.by)
				r.drop("204", strings.Replace(string(tender204), "G62*64*20261201*1*1200", "G62*64*"+by.Format("20060102*1*1504"), 1))
				settle(max(0, c.told-30*time.Minute))
				if c.told > 30*time.Minute {
					r.noLetters()
				}
				settle(min(c.told, 30*time.Minute))
				if l := r.letters(); len(l) != 1 || !strings.Contains(l[0].Cause, "wants to know by "+by.Format("2006-01-02T15:04")) {
					t.Errorf("letters: %+v", l)
				}
			})
		})
	}
}

// What is tendered anew is to be answered anew; what is taken back is not answered any more.
func TestATenderThatChangesOrIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.Tenders = TendersAccepted })
		r.drop("204", load204("1", asked204))
		settle(time.Minute)
		r.drop("changed", load204("2", strings.NewReplacer("B2A*00", "B2A*04", "CT*8", "CT*9").Replace(asked204)))
		settle(time.Minute)
		if got := said(box.sets(t, "990"), "B1", 4); got != "A, A" || r.tendered("SH-77").Stops[0].Orders[0].Cartons != 9 {
			t.Errorf("answered %q", got)
		}
		r.drop("taken back", load204("3", strings.Replace(asked204, "B2A*00", "B2A*01", 1)))
		settle(time.Minute)
		r.noLetters()
		if x := r.tendered("SH-77"); x.Status != tender.StatusWithdrawn || len(box.sets(t, "990")) != 2 {
			t.Errorf("%s, %d 990s", x.Status, len(box.sets(t, "990")))
		}
		for _, cmd := range []any{tender.Accept{By: "jo"}, tender.Withdraw{Reason: "x", By: "jo"}} {
			if err := r.tenders("SH-77", cmd); fault.KindOf(err) != fault.Rejected {
				t.Errorf("%T: %v", cmd, err)
			}
		}
		// One that was never tendered cannot be taken back, and a tender of nothing is a letter at its place.
		r.drop("no such", load204("4", strings.NewReplacer("SH-77", "SH-78", "B2A*00", "B2A*01").Replace(asked204)))
		r.drop("nowhere", load204("5", strings.NewReplacer("SH-77", "SH-79", "S5*2*UL", "S5*2*LD").Replace(asked204)))
		settle(time.Minute)
		l := r.letters()
		if len(l) != 2 {
			t.Fatalf("letters: %+v", l)
		}
		for _, x := range l {
			if x.Route != "x12.freight" || !strings.HasPrefix(x.Place, "B2-04") && !strings.HasPrefix(x.Place, "S5") {
				t.Errorf("%s at %s: %s", x.Route, x.Place, x.Cause)
			}
		}
	})
}

func TestACrashAfterAnyUnitOfATenderAnswersOnce(t *testing.T) {
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := ediRig(t, func(p *Partner) { p.Tenders = TendersAccepted })
				r.batch = 1
				r.restart()
				r.crash(n)
				_, _ = r.document("204", load204("1", asked204))
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil; !ended {
					r.restart()
					r.drop("204", load204("1", asked204))
					settle(time.Hour)
				}
				r.noLetters()
				if got := said(box.sets(t, "990"), "B1", 2, 4); got != "SH-77 A" {
					t.Errorf("answered %q", got)
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

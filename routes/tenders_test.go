package routes

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// carrierSays is an interchange with one 990, 214 or 210 from the carrier.
func carrierSays(set, control, body string) string {
	group := map[string]string{"990": "GF", "214": "QM", "210": "IM"}[set]
	return strings.NewReplacer("GS*PO", "GS*"+group, "ST*850", "ST*"+set).Replace(purchase("850", control, body))
}

// roadRig is an ediRig whose partner is a carrier; load L-1 is planned with a carton of the order.
func roadRig(t *testing.T, change ...func(*Partner)) (r *rig, box *mailbox, number string) {
	t.Helper()
	r, box = ediRig(t, append(change, func(p *Partner) { p.SCAC = "ROAD" })...)
	r.cfg.Carriers[0].Confirm = AtLoad
	r.restart()
	text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
	r.drop("940.edi", text)
	settle(time.Minute)
	number = orders[0].Number
	r.does("L-1", truckload.Plan{Carrier: "ups", Stops: []truckload.Stop{{No: 1, Code: "RNO"}, {No: 2, Code: "SFO"}}})
	for _, c := range r.cartons(number) {
		r.does("L-1", truckload.Assign{SSCC: c, Stop: 2})
	}
	settle(time.Minute)
	return r, box, number
}

func (r *rig) tenders(load string, cmd any) error {
	_, err := r.ask(door.Tenders, door.Ask{ID: load, Cmd: cmd, Actor: "jo"})
	return err
}

func (r *rig) tendered(load string) tender.Tender {
	r.t.Helper()
	return foldOf(r, tender.Fold, tender.StreamOf(site.Building(), load))
}

var agreed = tender.Offer{Partner: "ACME", Rate: measure.Money{Minor: 85_000, Currency: "USD"}}

func TestALoadIsTenderedAnsweredTrackedAndInvoiced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box, number := roadRig(t)
		for range 2 {
			if err := r.tenders("L-1", agreed); err != nil {
				t.Fatal(err)
			}
		}
		settle(time.Minute)
		sent := box.sets(t, "204")
		if len(sent) != 1 || said(sent, "B2", 2, 4) != "ROAD L-1" || said(sent, "B2A", 1) != "00" || said(sent, "S5", 1, 2) != "1 LD, 2 UL, 3 UL" || said(sent, "OID", 1, 4, 5) != number+" CT 1" || said(sent, "L3", 5) != "85000" {
			t.Fatalf("%d 204s: %s, %s, %s", len(sent), said(sent, "S5", 1, 2), said(sent, "OID", 1, 4, 5), said(sent, "L3", 5))
		}
		r.drop("990", carrierSays("990", "11", "B1*ROAD*L-1*20000101*A~\nN9*CN*PRO-1~\n"))
		r.drop("214", carrierSays("214", "12", "B10*PRO-1*L-1*ROAD~\nLX*1~\nAT7*X3*NS***20000101*0300*UT~\nMS1*RENO*NV~\nMS2*ROAD*TR-7~\nLX*2~\nAT7***AA*NA*20000101*0900~\n"))
		r.drop("214 again", carrierSays("214", "13", "B10*PRO-1*L-1*ROAD~\nLX*1~\nAT7*X3*NS***20000101*0300*UT~\nMS1*RENO*NV~\nMS2*ROAD*TR-7~\n"))
		r.drop("210", carrierSays("210", "14", "B3**INV-1*L-1*PP**20000102*85000****ROAD~\nC3*USD~\n"))
		settle(time.Minute)
		r.noLetters()
		got := r.tendered("L-1")
		if got.Status != tender.StatusAccepted || got.Reference != "PRO-1" || len(got.Tracks) != 2 || got.Tracks[0].Place != "RENO NV" || got.Tracks[0].Equipment != "TR-7" || got.Tracks[0].Occurred.Hour() != 3 ||
			got.Tracks[1].Status != "AA" || len(got.Invoices) != 1 || got.Invoices[0].Amount != agreed.Rate {
			t.Errorf("%+v", got)
		}
		if acks := box.sets(t, "997"); len(acks) != 5 {
			t.Errorf("%d 997s, want one for each document that came", len(acks))
		}
		settle(25 * time.Hour) // the 204 itself is watched, the tender was answered
		for _, l := range r.letters() {
			if l.Route != "x12.ack-watch" {
				t.Errorf("%+v", l)
			}
		}
	})
}

func TestWhatACarrierSaysAmissIsALetter(t *testing.T) {
	for name, c := range map[string]struct{ set, body, place, says string }{
		"he declines":            {"990", "B1*ROAD*L-1*20000101*D~\nK1*NO TRUCK~\n", "L-1", "declines load L-1 (NO TRUCK): tender it to another"},
		"of no load":             {"990", "B1*ROAD*L-9*20000101*A~\n", "B1-02", "no load of that number was tendered to ACME"},
		"neither yes nor no":     {"990", "B1*ROAD*L-1*20000101*E~\n", "B1-04", "neither accepts the tender nor declines it"},
		"a status of no load":    {"214", "B10*1*L-9*ROAD~\nLX*1~\nAT7*X3*NS~\n", "B10-02", "no load of that number"},
		"a day that is none":     {"214", "B10*1*L-1*ROAD~\nLX*1~\nAT7*X3*NS***20000231~\n", "AT7-05", "is not a date"},
		"no status":              {"214", "B10*1*L-1*ROAD~\n", "AT7", "it says no status"},
		"charged, not accepted":  {"210", "B3**I-1*L-1*PP**20000102*85000****ROAD~\n", "L-1", "its tender is offered"},
		"another amount":         {"210", "B3**I-1*L-1*PP**20000102*90000****ROAD~\n", "L-1", "over 900.00 USD for load L-1: its tender is offered; 850.00 USD was agreed"},
		"a currency of no cents": {"210", "B3**I-1*L-1*PP**20000102*90000****ROAD~\nC3*JPY~\n", "C3-01", "have no two decimals"},
		"an invoice of no load":  {"210", "B3**I-1*L-9*PP**20000102*90000****ROAD~\n", "B3-03", "no load of that number"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _, _ := roadRig(t)
				if err := r.tenders("L-1", agreed); err != nil {
					t.Fatal(err)
				}
				r.drop("x", carrierSays(c.set, "11", c.body))
				settle(time.Minute)
				l := r.letters()
				if len(l) != 1 || !strings.HasPrefix(l[0].Route, "x12.") || !strings.Contains(l[0].Place, c.place) || !strings.Contains(l[0].Cause, c.says) {
					t.Errorf("%+v", l)
				}
			})
		})
	}
}

func TestATenderThatIsDeclinedGoesToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box, _ := roadRig(t)
		rail := r.edi.Partners["ACME"]
		rail.Name, rail.ID, rail.SCAC = "RAIL", "RAIL", "RAIL"
		r.edi.Partners["RAIL"] = rail
		r.restart()
		if err := r.tenders("L-1", agreed); err != nil {
			t.Fatal(err)
		}
		to := agreed
		to.Partner = "RAIL"
		if err := r.tenders("L-1", to); fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "withdraw it first") {
			t.Errorf("to two carriers: %v", err)
		}
		r.drop("990", carrierSays("990", "11", "B1*ROAD*L-1*20000101*D~\n"))
		settle(time.Minute)
		l := r.letters()
		if len(l) != 1 {
			t.Fatalf("%+v", l)
		}
		if err := r.tenders("L-1", to); err != nil {
			t.Fatal(err)
		}
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "ann"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.noLetters() // it was tendered anew
		if n := len(box.sets(t, "204")); n != 2 {
			t.Errorf("%d 204s", n)
		}
		// The first one's late yes is nobody's.
		r.drop("late", carrierSays("990", "12", "B1*ROAD*L-1*20000101*A~\n"))
		settle(time.Minute)
		if l := r.letters(); len(l) != 1 || !strings.Contains(l[0].Cause, "is tendered to RAIL, not to ACME") || !strings.Contains(l[0].Place, "B1-02") || r.tendered("L-1").Status != tender.StatusOffered {
			t.Errorf("%+v", l)
		}
	})
}

func TestWhoDoesNotAnswerAndWhatIsWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box, _ := roadRig(t)
		if err := r.tenders("L-1", agreed); err != nil {
			t.Fatal(err)
		}
		r.does("L-2", truckload.Plan{Carrier: "ups"})
		if err := errors.Join(r.tenders("L-2", agreed), r.tenders("L-2", tender.Withdraw{Reason: "the dock is closed"})); err != nil {
			t.Fatal(err)
		}
		settle(25 * time.Hour)
		var overdue []string
		for _, l := range r.letters() {
			if l.Route == "x12.tenders" {
				overdue = append(overdue, l.Place)
			}
		}
		if strings.Join(overdue, " ") != "L-1" {
			t.Errorf("overdue: %q", overdue)
		}
		if got := said(box.sets(t, "204"), "B2A", 1); strings.Count(got, "00") != 2 || strings.Count(got, "01") != 1 {
			t.Errorf("204s: %s", got)
		}
		for what, c := range map[string]struct {
			load string
			cmd  any
			kind fault.Kind
		}{
			"no load":    {"L-9", agreed, fault.Rejected},
			"no carrier": {"L-2", tender.Offer{Partner: "NOBODY"}, fault.Invalid},
			"in yen":     {"L-2", tender.Offer{Partner: "ACME", Rate: measure.Money{Minor: 85_000, Currency: "JPY"}}, fault.Invalid},
			"no tender":  {"L-9", tender.Withdraw{Reason: "x"}, fault.Rejected},
		} {
			if err := r.tenders(c.load, c.cmd); fault.KindOf(err) != c.kind {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// Whatever dies, one 204 leaves for each tender, and each answer is taken once.
func TestACrashAfterAnyUnitOfATenderTendersOnce(t *testing.T) {
	died := 0
	for n, ended := 0, false; !ended; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box, _ := roadRig(t)
				r.batch = 1
				r.restart()
				r.crash(n)
				died := r.askThrough(time.Minute, time.Minute, []asked{{door.Tenders, "L-1", agreed}})
				text := []string{carrierSays("990", "11", "B1*ROAD*L-1*20000101*A~\nN9*CN*PRO-1~\n"), carrierSays("210", "14", "B3**INV-1*L-1*PP**20000102*90000****ROAD~\n")}
				for _, s := range text {
					_, _ = r.document("x", s)
					settle(time.Minute)
					if r.bus.Err() != nil {
						died = true
						r.restart()
						r.drop("x", s)
						settle(time.Minute)
					}
				}
				ended = !died
				got := r.tendered("L-1")
				if l := r.letters(); len(box.sets(t, "204")) != 1 || got.Status != tender.StatusAccepted || len(got.Invoices) != 1 || len(l) != 1 || !strings.Contains(l[0].Cause, "850.00 USD was agreed") {
					t.Errorf("%d 204s, %+v, %+v", len(box.sets(t, "204")), got, l)
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

package x12wms_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/transforms/x12wms"
)

const asked204 = "B2**PKLG**SH-77**PP~\nB2A*00*LT~\nG62*64*20261201*1*1200~\nS5*1*LD*1200*L*14*CT~\nN1*SF*MILL*92*W1~\nS5*2*UL*700*L*8*CT~\nN1*ST*SHOP 1~\nOID*SO-1***CT*8*L*700~\n" +
	"S5*3*UL*500*L*6*CT~\nN1*ST**92*S2~\nOID*SO-2***CT*6*L*500~\nL3*1200*G***85000~\n"

func in204(body string) string { return strings.Replace(in("204", body), "GS*AR", "GS*SM", 1) }

func TestA204SaysWhatIsToBeCarriedWhere(t *testing.T) {
	t.Parallel()
	p := x12wms.Profile{Tenant: "t1", Partner: "SHIPPER", Owner: "acme", Facility: "dc9", Facilities: map[string]string{"W1": "dc1"}}
	x, err := p.TenderCame(set(t, in204(asked204)))
	if err != nil {
		t.Fatal(err)
	}
	c := x.Receive
	if x.Cancel || c.Load != "SH-77" || c.SCAC != "PKLG" || c.Facility != "dc1" || c.Rate != (measure.Money{Minor: 85000, Currency: "USD"}) || len(c.Stops) != 2 {
		t.Fatalf("%+v", x)
	}
	if s := c.Stops[1]; s.No != 3 || s.Code != "S2" || len(s.Orders) != 1 || s.Orders[0] != (tender.Orders{Owner: "acme", Order: "SO-2", Cartons: 6, Weight: measure.Mass(226_796_185)}) || c.Stops[0].Code != "SHOP 1" {
		t.Errorf("%+v", c.Stops)
	}
	for c3, want := range map[string]measure.Money{"C3*CAD~\n": {Minor: 85000, Currency: "CAD"}, "C3*DOLLAR~\n": {Minor: 85000, Currency: "USD"}} {
		if x, err := p.TenderCame(set(t, in204(strings.Replace(asked204, "G62*64", c3+"G62*64", 1)))); err != nil || x.Receive.Rate != want {
			t.Errorf("%s: %v, %v", c3, x.Receive.Rate, err)
		}
	}
	if x, err := p.TenderCame(set(t, in204("C3*CAD~\n"+asked204[:strings.Index(asked204, "L3*")]))); err != nil || x.Receive.Rate != (measure.Money{}) {
		t.Errorf("no rate is %v, %v", x.Receive.Rate, err)
	}
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for g62, want := range map[string]time.Time{
		"G62*64*20261201*1*1200~":    time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC),
		"G62*64*20261201*1*1200*UT~": time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC),
		"G62*64*20261201~":           time.Date(2026, 12, 2, 5, 59, 0, 0, time.UTC),
		"G62*10*20261201~":           {},
	} {
		p := p
		p.Zone = chicago
		if x, err := p.TenderCame(set(t, in204(strings.Replace(asked204, "G62*64*20261201*1*1200~", g62, 1)))); err != nil || !x.Receive.AnswerBy.Equal(want) {
			t.Errorf("%s: to be answered by %v, want %v, %v", g62, x.Receive.AnswerBy, want, err)
		}
	}
	if x, err := p.TenderCame(set(t, in204(strings.Replace(asked204, "S5*3*UL*", "G62*64*20261202~\nS5*3*UL*", 1)))); err != nil || x.Receive.AnswerBy.Day() != 1 {
		t.Errorf("that of a stop is another: %v, %v", x.Receive.AnswerBy, err)
	}
	taken, err := p.TenderCame(set(t, in204(strings.Replace(asked204, "B2A*00", "B2A*01", 1))))
	if err != nil || !taken.Cancel || taken.Load.Value != "SH-77" {
		t.Errorf("%+v, %v", taken, err)
	}
	for name, c := range map[string]struct{ old, new, place string }{
		"no number":       {"SH-77", "", "B2-04"},
		"another purpose": {"B2A*00", "B2A*18", "B2A-01"},
		"nowhere":         {asked204[strings.Index(asked204, "S5*2"):strings.Index(asked204, "L3*")], "", "S5"},
		"half a carton":   {"CT*8*", "CT*8.5*", "OID-05"},
	} {
		if _, err := p.TenderCame(set(t, in204(strings.Replace(asked204, c.old, c.new, 1)))); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v at %s", name, err, fault.PlaceOf(err))
		}
	}
}

// What one hub tenders another one is asked to carry.
func TestA204OfOursIsUnderstood(t *testing.T) {
	t.Parallel()
	o := tender.Offered{Head: tender.Head{Scope: where, Load: "L-7"}, SCAC: "ROAD", Rate: measure.Money{Minor: 85000, Currency: "USD"},
		Stops: []tender.Stop{{No: 2, Code: "SHOP 1", Orders: []tender.Orders{{Owner: "acme", Order: "SO-1", Cartons: 3}}}, {No: 3, Code: "SHOP 2", Orders: []tender.Orders{{Owner: "acme", Order: "SO-2", Cartons: 1}, {Owner: "acme", Order: "SO-3", Cartons: 2}}}}}
	text := sent(t, "204", "SM", x12wms.Profile{}.LoadTender(o, noon))
	x, err := x12wms.Profile{Tenant: "t2", Owner: "acme", Facility: "yard"}.TenderCame(set(t, in204(strings.ReplaceAll(text, "~", "~\n"))))
	if err != nil {
		t.Fatal(err)
	}
	c := x.Receive
	if c.Load != o.Load || c.SCAC != o.SCAC || c.Rate != o.Rate || len(c.Stops) != 2 || c.Stops[1].Code != "SHOP 2" || len(c.Stops[1].Orders) != 2 || c.Stops[1].Orders[1] != o.Stops[1].Orders[1] {
		t.Errorf("%+v", c)
	}
}

// A rate is in the currency that was agreed with the partner, or the document says in which: no rate, price or
// charge changes its currency on the way.
func TestTheCurrencyOfATender(t *testing.T) {
	t.Parallel()
	o := tender.Offered{Head: tender.Head{Scope: where, Load: "L-7"}, SCAC: "ROAD", Rate: measure.Money{Minor: 85000, Currency: "CAD"}, Stops: []tender.Stop{{No: 2, Code: "SHOP 1"}}}
	for _, c := range []struct {
		ours, theirs, remark, want string
	}{
		{"", "", "RATE IN CAD", "CAD"},
		{"CAD", "CAD", "", "CAD"},
		{"EUR", "", "RATE IN CAD", "CAD"},
		{"CAD", "", "", "USD"}, // they did not agree on it
	} {
		text := sent(t, "204", "SM", x12wms.Profile{Currency: c.ours}.LoadTender(o, noon))
		if strings.Contains(text, "NTE*GEN*"+c.remark) != (c.remark != "") || strings.Contains(text, "NTE") != (c.remark != "") {
			t.Errorf("%+v: %s", c, text)
		}
		x, err := x12wms.Profile{Tenant: "t2", Owner: "acme", Facility: "yard", Currency: c.theirs}.TenderCame(set(t, in204(strings.ReplaceAll(text, "~", "~\n"))))
		if err != nil || x.Receive.Rate != (measure.Money{Minor: 85000, Currency: c.want}) {
			t.Errorf("%+v: %v, %v", c, x.Receive.Rate, err)
		}
	}
	// One that is only spoken of, or has no hundredths, is none.
	for _, remark := range []string{"RATE IN JPY", "RATE IN CANADA", "THE RATE IN CAD"} {
		text := strings.Replace(asked204, "S5*1*LD", "NTE*GEN*"+remark+"~\nS5*1*LD", 1)
		if x, err := (x12wms.Profile{Tenant: "t2", Owner: "acme", Facility: "yard", Currency: "EUR"}).TenderCame(set(t, in204(text))); err != nil || x.Receive.Rate.Currency != "EUR" {
			t.Errorf("%s: %v, %v", remark, x.Receive.Rate, err)
		}
	}
	text, err := os.ReadFile("testdata/210-no-currency.edi")
	if err != nil {
		t.Fatal(err)
	}
	for agreed, want := range map[string]string{"": "USD", "CAD": "CAD"} {
		f, err := x12wms.Profile{Currency: agreed}.Freight(set(t, string(text)))
		if err != nil || f.Commands[0].(tender.Invoice).Amount != (measure.Money{Minor: 85000, Currency: want}) {
			t.Errorf("%q: %+v, %v", agreed, f, err)
		}
	}
	for _, bad := range []string{"JPY", "usd", "US", "DOLLAR"} {
		if (x12wms.Profile{Tenant: "t", Currency: bad}).Validate() == nil {
			t.Errorf("%q is a currency", bad)
		}
	}
}

func TestA990SaysWhetherWeCarryIt(t *testing.T) {
	t.Parallel()
	asked := tender.Tender{Offered: tender.Offered{Head: tender.Head{Load: "SH-77"}, SCAC: "PKLG", Inbound: true}}
	yes, no := asked, asked
	yes.Status, yes.Reference = tender.StatusAccepted, "T-5"
	no.Status, no.Reason = tender.StatusDeclined, "no truck"
	day := noon.Add(time.Hour)
	if got := sent(t, "990", "GF", x12wms.Profile{}.TenderAnswer(yes, day)); got != "B1*PKLG*SH-77*20261125*A~N9*CN*T-5~" {
		t.Error(got)
	}
	got := sent(t, "990", "GF", x12wms.Profile{}.TenderAnswer(no, day))
	if got != "B1*PKLG*SH-77*20261125*D~K1*no truck~" {
		t.Error(got)
	}
	// And who tendered it understands.
	f, err := x12wms.Profile{}.Freight(set(t, strings.Replace(in("990", strings.ReplaceAll(got, "~", "~\n")), "GS*AR", "GS*GF", 1)))
	if err != nil || f.Load.Value != "SH-77" || f.Commands[0] != (tender.Decline{Reason: "no truck"}) {
		t.Errorf("%+v, %v", f, err)
	}
}

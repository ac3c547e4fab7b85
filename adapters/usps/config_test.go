package usps_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/usps"
	"github.com/paklog/hub/adapters/usps/uspssim"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
)

// pair is a client and its simulator on one clock.
func pair(t *testing.T, opts uspssim.Options, change func(*usps.Config)) (*usps.Client, *uspssim.Sim, *simtest.Clock) {
	t.Helper()
	clk := simtest.NewClock()
	opts.Now = clk.Now
	sim := newSim(t, opts)
	return newClient(t, simtest.Serve(t, sim), clk.Now, change), sim, clk
}

func bought(t *testing.T, c *usps.Client, reference string) ship.Label {
	t.Helper()
	l, err := c.Buy(t.Context(), goodParcel(reference))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestConfigTellsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := usps.New(usps.Config{Account: usps.Account{CRID: "1", MID: "12345", ManifestMID: "12345678X"}, BaseURL: "ftp://usps", CallsPerHour: -1})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatalf("%v, want invalid", err)
	}
	for _, want := range []string{"connection:", "client_id, client_secret:", "\nmid:", "manifest_mid:", "crid:", "account:", "calls_per_hour:", "base_url:", "now:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %s: %v", want, err)
		}
	}
}

func TestLabelOfAnotherConnectionIsNotVoidedHere(t *testing.T) {
	t.Parallel()
	c, sim, _ := pair(t, uspssim.Options{}, nil)
	for place, l := range map[string]ship.Label{
		"connection":  {Connection: "ups", ShipmentID: "9234690361980900000142"},
		"shipment_id": {Connection: "usps-main"},
	} {
		if err := c.Void(t.Context(), l); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v", place, err)
		}
	}
	if n := sim.Calls(uspssim.OpCancel); n != 0 {
		t.Errorf("%d voids left", n)
	}
}

// Answers in parts are what USPS gives to who does not ask for one document.
func TestAnswersInParts(t *testing.T) {
	t.Parallel()
	c, sim, _ := pair(t, uspssim.Options{Parts: true}, nil)
	for format, begin := range map[ship.Format]string{"": "^XA", ship.ZPL: "^XA", ship.PDF: "%PDF", ship.PNG: "\x89PNG", ship.GIF: "GIF8"} {
		p := goodParcel(ship.ReferenceOf("parts" + string(format)))
		p.Format = format
		l, err := c.Buy(t.Context(), p)
		if err != nil || !strings.HasPrefix(string(l.Image), begin) || l.Cost.Minor <= 0 {
			t.Errorf("%q: %s %v, %v", format, l.Format, l.Cost, err)
			continue
		}
		again, err := c.Resolve(t.Context(), p)
		if err != nil || len(again) != 1 || again[0].TrackingNumber != l.TrackingNumber || string(again[0].Image) != string(l.Image) || again[0].Format != l.Format || again[0].Cost != l.Cost {
			t.Errorf("%q printed again: %+v, %v", format, again, err)
		}
	}
	// Half of an answer is Unknown, whatever its form.
	sim.Inject(uspssim.OpLabel, simhttp.Truncated)
	if _, err := c.Buy(t.Context(), goodParcel("ref-cut")); fault.KindOf(err) != fault.Unknown {
		t.Errorf("half of the parts: %v", err)
	}
}

// USPS says no to a second cancellation in words that nobody has documented: only a
// reprint tells whether the label is void, and while it is away nobody knows.
func TestARefusalToVoidIsJudgedByAReprint(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault simhttp.Fault
		want  fault.Kind
		void  bool
	}{
		{"a reprint says cancelled", simhttp.None, 0, true},
		{"reprints are down", simhttp.Outage, fault.Transient, false},
		{"a reprint answers a page", simhttp.OutageHTML, fault.Transient, false},
		{"a reprint is lost", simhttp.AnswerLost, fault.Transient, false},
	} {
		client, sim, _ := pair(t, uspssim.Options{}, nil)
		l := bought(t, client, "ref-1")
		if err := client.Void(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		sim.Inject(uspssim.OpReprint, c.fault)
		if err := client.Void(t.Context(), l); (err == nil) != c.void || err != nil && fault.KindOf(err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestManifestedLabelStandsAndARefundIsAskedFor(t *testing.T) {
	t.Parallel()
	c, sim, clk := pair(t, uspssim.Options{}, nil)
	l := bought(t, c, "ref-1")
	clk.Advance(21*time.Hour + 29*time.Minute) // 6:29 of the next day: half past midnight in Chicago is near
	if err := c.Void(t.Context(), bought(t, c, "ref-2")); err != nil {
		t.Errorf("a label of the day: %v", err)
	}
	clk.Advance(time.Minute)
	for _, want := range []string{"refund request", "asked for already today"} {
		err := c.Void(t.Context(), l)
		if fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	if n := sim.Truth().Standing("ref-1"); n != 1 {
		t.Errorf("%d labels stand", n)
	}
	// Nor is it printed again: what was lost with it is for a person.
	if found, err := c.Resolve(t.Context(), goodParcel("ref-1")); fault.KindOf(err) != fault.Rejected || found != nil {
		t.Errorf("printed again after its day: %+v, %v", found, err)
	}
}

// A label whose three reprints were all lost is named by its key and given back by
// it, where the code that says so is known; else it is for a person.
func TestLabelThatIsPrintedNoMoreIsGivenBackByItsKey(t *testing.T) {
	t.Parallel()
	for _, codes := range [][]string{nil, {uspssim.SpentCode}} {
		c, sim, _ := pair(t, uspssim.Options{}, func(c *usps.Config) { c.Spent = codes })
		p := goodParcel("ref-1")
		bought(t, c, "ref-1")
		sim.Inject(uspssim.OpReprint, simhttp.AnswerLost, simhttp.Truncated, simhttp.GatewayError)
		for range 3 {
			if found, err := c.Resolve(t.Context(), p); err == nil {
				t.Fatalf("an answer that was lost: %+v", found)
			}
		}
		found, err := c.Resolve(t.Context(), p)
		if codes == nil {
			if fault.KindOf(err) != fault.Rejected || sim.Truth().Standing("ref-1") != 1 {
				t.Errorf("a code that nobody knows: %+v, %v", found, err)
			}
			continue
		}
		if err != nil || len(found) != 1 || found[0].Image != nil || found[0].TrackingNumber != "" {
			t.Fatalf("printed no more: %+v, %v", found, err)
		}
		for range 2 {
			if err := c.Void(t.Context(), found[0]); err != nil {
				t.Errorf("void by key: %v", err)
			}
		}
		if found, err = c.Resolve(t.Context(), p); err != nil || len(found) != 0 || sim.Truth().Standing("ref-1") != 0 {
			t.Errorf("after that: %+v, %v", found, err)
		}
	}
}

// A code that nobody has confirmed to mean "no such label" is for a person, because
// reading it so would buy a second label.
func TestUnknownCodeOfReprintIsNotNotFound(t *testing.T) {
	t.Parallel()
	c, _, _ := pair(t, uspssim.Options{}, func(c *usps.Config) { c.NotFound = []string{"OTHER"} })
	found, err := c.Resolve(t.Context(), goodParcel("ref-1"))
	if fault.KindOf(err) != fault.Rejected || found != nil || !strings.Contains(err.Error(), "Header: X-Idempotency-Key: No label") {
		t.Errorf("%v, %v, want rejected with the carrier's words", found, err)
	}
}

// One authorization serves many buyers, for eight hours, over a restart; one that is
// refused is asked for once more.
func TestPaymentIsAuthorizedOnceInEightHours(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, uspssim.Options{Now: clk.Now, TokenLife: 48 * time.Hour})
	base, dir := simtest.Serve(t, sim), t.TempDir()
	open := func() *usps.Client {
		return newClient(t, base, clk.Now, func(c *usps.Config) { c.TokenDir = dir })
	}
	c := open()
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() { _, errs[i] = c.Buy(t.Context(), goodParcel(ship.ReferenceOf(string(rune('a'+i))))) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	grants := func(when string, want int) {
		t.Helper()
		if n := sim.Calls(uspssim.OpPay); n != want {
			t.Errorf("%s: %d authorizations, want %d", when, n, want)
		}
	}
	grants("sixteen buyers at once", 1)
	c = open()
	bought(t, c, "restarted")
	grants("a restart", 1)
	clk.Advance(6*time.Hour + 24*time.Minute) // 80 % of its life
	bought(t, c, "ageing")
	grants("before it expires", 2)
	sim.RevokePayments()
	if _, err := c.Buy(t.Context(), goodParcel("revoked")); fault.KindOf(err) != fault.Transient {
		t.Errorf("one that was revoked: %v", err)
	}
	bought(t, c, "revoked")
	grants("after a refusal", 3)
	// The application's token was revoked, and the payment's has expired: asking for
	// one meets the other.
	sim.Revoke()
	clk.Advance(9 * time.Hour)
	bought(t, c, "both")
	grants("after both were lost", 5)
}

// An account that USPS does not let pay stops the connection, not the message.
func TestAccountThatMayNotPayIsToldInUSPSsWords(t *testing.T) {
	t.Parallel()
	c, sim, _ := pair(t, uspssim.Options{}, func(c *usps.Config) { c.Account.Number = "7" })
	_, err := c.Buy(t.Context(), goodParcel("ref-1"))
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "roles[0].accountNumber: The account is not active") {
		t.Errorf("%v", err)
	}
	if n := sim.Calls(uspssim.OpLabel); n != 0 {
		t.Errorf("%d purchases left", n)
	}
	if _, err := c.Rate(t.Context(), goodParcel("ref-1")); err != nil {
		t.Errorf("prices need no payment: %v", err)
	}
}

// Sixty calls an hour are what USPS takes of each service: it never has to say so,
// and one that is used up stops no other.
func TestBudgetOfEachServiceIsKept(t *testing.T) {
	t.Parallel()
	c, sim, clk := pair(t, uspssim.Options{}, nil)
	l := bought(t, c, "ref-1")
	waits := 0
	for range 70 {
		if _, err := c.Rate(t.Context(), goodParcel("ref-1")); fault.KindOf(err) == fault.Throttled && fault.AfterOf(err) == time.Hour && !strings.Contains(err.Error(), "answered 429") {
			waits++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n := sim.Calls(uspssim.OpOptions); n != 60 || waits != 10 {
		t.Errorf("%d questions arrived, %d waited", n, waits)
	}
	bought(t, c, "ref-2")
	if _, err := c.Track(t.Context(), l.TrackingNumber); err != nil {
		t.Error(err)
	}
	clk.Advance(time.Hour)
	if _, err := c.Rate(t.Context(), goodParcel("ref-1")); err != nil {
		t.Errorf("the next hour: %v", err)
	}
}

// Others use the same account: what USPS says of when to come again is kept.
func TestRetryAfterIsKept(t *testing.T) {
	t.Parallel()
	c, sim, clk := pair(t, uspssim.Options{CallsPerHour: 1}, func(c *usps.Config) { c.CallsPerHour = 1000 })
	clk.Advance(20 * time.Minute)
	for i, want := range []fault.Kind{0, fault.Throttled, fault.Throttled} {
		_, err := c.Rate(t.Context(), goodParcel("ref-1"))
		if err == nil && i > 0 || err != nil && fault.KindOf(err) != want {
			t.Errorf("call %d: %v", i, err)
		}
		if i == 1 && fault.AfterOf(err) != 40*time.Minute+time.Second {
			t.Errorf("to wait are %s", fault.AfterOf(err))
		}
	}
	if n := sim.Calls(uspssim.OpOptions); n != 2 {
		t.Errorf("%d calls arrived, want 2", n)
	}
}

// What is priced is what is bought, in every way that is offered.
func TestEachPriceIsTheLabels(t *testing.T) {
	t.Parallel()
	c, _, _ := pair(t, uspssim.Options{}, func(c *usps.Config) { c.CallsPerHour = 1000 })
	small, large := goodParcel("ref-1"), goodParcel("ref-1")
	large.Dims.Length, large.Dims.Width, large.Dims.Height = 3*large.Dims.Length, 2*large.Dims.Width, 3*large.Dims.Height
	for name, p := range map[string]ship.Parcel{"small": small, "large": large} {
		p.Service = ""
		rates, err := c.Rate(t.Context(), p)
		if err != nil || len(rates) < 2 {
			t.Fatalf("%s: %+v, %v", name, rates, err)
		}
		for i, r := range rates {
			if r.List.Minor <= r.Cost.Minor && !strings.Contains(r.Service.Code, "/CP/") || r.TransitDays == 0 || r.Arrives == "" || strings.Contains(r.Service.Code, "MEDIA") {
				t.Errorf("%s: %+v", name, r)
			}
			p.Service, p.Reference = r.Service.Code, ship.ReferenceOf(name+string(rune('a'+i)))
			one, err := c.Rate(t.Context(), p)
			l, err2 := c.Buy(t.Context(), p)
			if err = errors.Join(err, err2); err != nil || len(one) != 1 || one[0].Cost != r.Cost || one[0].Service.Code != p.Service || l.Cost != r.Cost {
				t.Errorf("%s: %s costs %v, alone %+v, as a label %v: %v", name, p.Service, r.Cost, one, l.Cost, err)
			}
		}
	}
}

func TestScannedLabelStands(t *testing.T) {
	t.Parallel()
	c, sim, clk := pair(t, uspssim.Options{}, nil)
	l := bought(t, c, "ref-1")
	for _, step := range []struct {
		code  string
		stage ship.Stage
	}{
		{"03", ship.StageInTransit}, {"T1", ship.StageInTransit}, {"02", ship.StageException}, {"OF", ship.StageOut},
		{"01", ship.StageDelivered}, {"??", ship.StageInTransit}, {"09", ship.StageReturned},
	} {
		clk.Advance(time.Minute)
		sim.Scan(l.TrackingNumber, uspssim.Scan{At: clk.Now(), Code: step.code, Text: "scan"})
		got, err := c.Track(t.Context(), l.TrackingNumber)
		if err != nil || got.Stage != step.stage || !got.Scans[0].At.Equal(clk.Now()) || got.Scans[0].Place != "JAMAICA, NY, 11430" {
			t.Errorf("%s: %+v, %v", step.code, got, err)
		}
	}
	if err := c.Void(t.Context(), l); fault.KindOf(err) != fault.Rejected || sim.Truth().Standing("ref-1") != 1 {
		t.Errorf("void after a scan: %v, %d stand", err, sim.Truth().Standing("ref-1"))
	}
}

func TestCaptureNamesNobody(t *testing.T) {
	t.Parallel()
	var seen []usps.Attempt
	c, _, _ := pair(t, uspssim.Options{}, func(c *usps.Config) { c.Capture = func(a usps.Attempt) { seen = append(seen, a) } })
	l := bought(t, c, "ref-1")
	if len(seen) != 1 || !strings.Contains(seen[0].Response, l.TrackingNumber) {
		t.Fatalf("captured %+v", seen)
	}
	text := seen[0].Request + seen[0].Response
	for _, secret := range []string{"Ada", "Martin", "12 Elm St", "30303", "4105550134", "sim-token", "sim-payment", uspssim.ClientSecret} {
		if strings.Contains(text, secret) {
			t.Errorf("capture shows %q: %s", secret, text)
		}
	}
}

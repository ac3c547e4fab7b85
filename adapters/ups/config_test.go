package ups_test

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/ups"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
)

func TestConfigTellsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ups.New(ups.Config{Account: "12345", BaseURL: "ftp://ups"})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatalf("%v, want invalid", err)
	}
	for _, want := range []string{"connection:", "client_id, client_secret:", "account:", "base_url:", "now:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %s: %v", want, err)
		}
	}
}

func TestLabelOfAnotherConnectionIsNotVoidedHere(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, upssim.Options{Now: clk.Now})
	c := newClient(t, simtest.Serve(t, sim), clk.Now, nil)
	for place, l := range map[string]ship.Label{
		"connection":  {Connection: "ups-other", ShipmentID: "1ZA1B2C30300000018"},
		"shipment_id": {Connection: "ups-main"},
	} {
		if err := c.Void(t.Context(), l); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v", place, err)
		}
	}
	if n := sim.Calls(upssim.OpVoid); n != 0 {
		t.Errorf("%d voids left", n)
	}
}

// A code of label recovery that nobody has confirmed to mean "no such label" is
// for a person, because reading it so would buy a second one.
func TestUnknownRecoveryRefusalIsNotNotFound(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, upssim.Options{Now: clk.Now})
	c := newClient(t, simtest.Serve(t, sim), clk.Now, func(c *ups.Config) { c.NotFound = []string{"999999"} })
	found, err := c.Resolve(t.Context(), goodParcel("ref-1"))
	if fault.KindOf(err) != fault.Rejected || found != nil || !strings.Contains(err.Error(), "No label was found") {
		t.Errorf("%v, %v, want rejected with the carrier's words", found, err)
	}
}

// Recovery says there is no such label and tracking shows one: nobody may buy again.
func TestRecoveryAloneIsNotBelieved(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, upssim.Options{Now: clk.Now, RecoveryLag: time.Hour})
	c := newClient(t, simtest.Serve(t, sim), clk.Now, nil)
	l, err := c.Buy(t.Context(), goodParcel("ref-1"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.Resolve(t.Context(), goodParcel("ref-1"))
	if fault.KindOf(err) != fault.Transient || found != nil || !strings.Contains(err.Error(), l.TrackingNumber) {
		t.Errorf("%v, %v, want transient with the number", found, err)
	}
	clk.Advance(time.Hour)
	if found, err = c.Resolve(t.Context(), goodParcel("ref-1")); err != nil || len(found) != 1 {
		t.Errorf("an hour later: %v, %v", found, err)
	}
}

// "Nothing was bought" needs both answers whole.
func TestNothingIsNotFoundWhileTrackingIsAway(t *testing.T) {
	t.Parallel()
	for f, want := range map[upssim.Fault]fault.Kind{
		upssim.ServerError: fault.Transient, simhttp.Outage: fault.Unavailable, simhttp.OutageHTML: fault.Unavailable,
		simhttp.TooMany: fault.Throttled, simhttp.HTML: fault.Transient, upssim.Truncated: fault.Transient, simhttp.ObjectsForText: fault.Invalid, simhttp.NullResults: fault.Invalid,
	} {
		clk := simtest.NewClock()
		sim := newSim(t, upssim.Options{Now: clk.Now})
		c := newClient(t, simtest.Serve(t, sim), clk.Now, nil)
		sim.Inject(upssim.OpTrack, f)
		if found, err := c.Resolve(t.Context(), goodParcel("ref-1")); err == nil || fault.KindOf(err) != want {
			t.Errorf("%s: %v, %v, want %v", f, found, err, want)
		}
	}
}

func TestScannedLabelStands(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, upssim.Options{Now: clk.Now})
	c := newClient(t, simtest.Serve(t, sim), clk.Now, nil)
	l, err := c.Buy(t.Context(), goodParcel("ref-1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		kind  string
		stage ship.Stage
	}{{"I", ship.StageInTransit}, {"X", ship.StageException}, {"O", ship.StageOut}, {"D", ship.StageDelivered}, {"??", ship.StageUnknown}} {
		clk.Advance(time.Hour)
		sim.Scan(l.TrackingNumber, upssim.Scan{At: clk.Now(), Type: step.kind, Code: "C", Text: "scan"})
		got, err := c.Track(t.Context(), l.TrackingNumber)
		if err != nil || got.Stage != step.stage || !got.Scans[0].At.Equal(clk.Now()) {
			t.Errorf("%s: %+v, %v", step.kind, got, err)
		}
	}
	if err := c.Void(t.Context(), l); fault.KindOf(err) != fault.Rejected || sim.Truth().Standing("ref-1") != 1 {
		t.Errorf("void after a scan: %v, %d stand", err, sim.Truth().Standing("ref-1"))
	}
}

func TestTokenIsKeptOverARestart(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, upssim.Options{Now: clk.Now})
	base, dir := simtest.Serve(t, sim), t.TempDir()
	for range 3 {
		c := newClient(t, base, clk.Now, func(c *ups.Config) { c.TokenDir = dir })
		if _, err := c.Rate(t.Context(), goodParcel("ref-1")); err != nil {
			t.Fatal(err)
		}
	}
	if n := sim.Calls(upssim.OpToken); n != 1 {
		t.Errorf("%d tokens for three starts, want 1", n)
	}
}

func TestCaptureNamesNobody(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, upssim.Options{Now: clk.Now})
	var seen []ups.Attempt
	c := newClient(t, simtest.Serve(t, sim), clk.Now, func(c *ups.Config) { c.Capture = func(a ups.Attempt) { seen = append(seen, a) } })
	l, err := c.Buy(t.Context(), goodParcel("ref-1"))
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 1 || !strings.Contains(seen[0].Response, l.TrackingNumber) {
		t.Fatalf("captured %+v", seen)
	}
	text := seen[0].Request + seen[0].Response
	for _, secret := range []string{"Ada Martin", "12 Elm St", "303031234", "4105550134", "sim-token", upssim.ClientSecret} {
		if strings.Contains(text, secret) {
			t.Errorf("capture shows %q: %s", secret, text)
		}
	}
}

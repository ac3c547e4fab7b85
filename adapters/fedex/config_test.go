package fedex_test

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/fedex"
	"github.com/paklog/hub/adapters/fedex/fedexsim"
	"github.com/paklog/hub/adapters/internal/simhttp"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
)

func TestConfigTellsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := fedex.New(fedex.Config{Account: "74056107X", BaseURL: "ftp://fedex"})
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
	sim := newSim(t, fedexsim.Options{Now: clk.Now})
	c := newClient(t, simtest.Serve(t, sim), clk.Now, nil)
	for place, l := range map[string]ship.Label{
		"connection":  {Connection: "ups", ShipmentID: "794700000010"},
		"shipment_id": {Connection: "fedex-main"},
	} {
		if err := c.Void(t.Context(), l); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v", place, err)
		}
	}
	if n := sim.Calls(fedexsim.OpCancel); n != 0 {
		t.Errorf("%d voids left", n)
	}
}

// FedEx says no to a second cancel in words that nobody has documented: only tracking
// tells whether the label is void, and while it is away nobody knows.
func TestARefusalToVoidIsJudgedByTracking(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		fault  simhttp.Fault
		want   fault.Kind
		isVoid bool
	}{
		{"tracking says void", simhttp.None, 0, true},
		{"tracking is down", simhttp.Outage, fault.Transient, false},
		{"tracking answers half", simhttp.Truncated, fault.Transient, false},
		{"tracking answers nonsense", simhttp.NullResults, fault.Transient, false},
	} {
		clk := simtest.NewClock()
		sim := newSim(t, fedexsim.Options{Now: clk.Now})
		client := newClient(t, simtest.Serve(t, sim), clk.Now, nil)
		l, err := client.Buy(t.Context(), goodParcel("ref-1"))
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Void(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		sim.Inject(fedexsim.OpTrack, c.fault)
		if err := client.Void(t.Context(), l); (err == nil) != c.isVoid || err != nil && fault.KindOf(err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestScannedLabelStands(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, fedexsim.Options{Now: clk.Now})
	c := newClient(t, simtest.Serve(t, sim), clk.Now, nil)
	l, err := c.Buy(t.Context(), goodParcel("ref-1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		event, derived string
		stage          ship.Stage
	}{
		{"PU", "PU", ship.StageInTransit}, {"AO", "IT", ship.StageInTransit}, {"DE", "DE", ship.StageException}, {"OD", "IT", ship.StageOut},
		{"DL", "DL", ship.StageDelivered}, {"??", "??", ship.StageUnknown}, {"RS", "RS", ship.StageReturned},
	} {
		clk.Advance(time.Hour)
		sim.Scan(l.TrackingNumber, fedexsim.Scan{At: clk.Now(), Type: step.event, Code: step.derived, Text: "scan"})
		got, err := c.Track(t.Context(), l.TrackingNumber)
		if err != nil || got.Stage != step.stage || !got.Scans[0].At.Equal(clk.Now()) || got.Scans[0].Place != "MEMPHIS, TN, US" {
			t.Errorf("%s: %+v, %v", step.event, got, err)
		}
	}
	if err := c.Void(t.Context(), l); fault.KindOf(err) != fault.Rejected || sim.Truth().Standing("ref-1") != 1 {
		t.Errorf("void after a scan: %v, %d stand", err, sim.Truth().Standing("ref-1"))
	}
}

// A code that nobody has confirmed to mean "no such parcel" is for a person, because
// reading it so would buy a second label.
func TestUnknownCodeOfTrackingIsNotNotFound(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, fedexsim.Options{Now: clk.Now})
	c := newClient(t, simtest.Serve(t, sim), clk.Now, func(c *fedex.Config) { c.NotFound = []string{"OTHER"} })
	found, err := c.Resolve(t.Context(), goodParcel("ref-1"))
	if fault.KindOf(err) != fault.Invalid || found != nil || !strings.Contains(err.Error(), "cannot be found") {
		t.Errorf("%v, %v, want invalid with the carrier's words", found, err)
	}
}

// Fourteen hundred calls in ten seconds are FedEx's limit: it never has to say so.
func TestLimitIsKeptBeforeFedExMustRefuse(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, fedexsim.Options{Now: clk.Now})
	c := newClient(t, simtest.Serve(t, sim), clk.Now, nil)
	waits := 0
	for range 1500 {
		_, err := c.Track(t.Context(), "794700000010")
		switch fault.KindOf(err) {
		case fault.Throttled:
			waits++
			if strings.Contains(err.Error(), "answered 429") {
				t.Fatal(err)
			}
		case fault.Rejected: // it never was
		default:
			t.Fatal(err)
		}
	}
	if n := sim.Calls(fedexsim.OpTrack); n != 1400 || waits != 100 {
		t.Errorf("%d calls arrived, %d waited", n, waits)
	}
}

func TestCaptureNamesNobody(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := newSim(t, fedexsim.Options{Now: clk.Now})
	var seen []fedex.Attempt
	c := newClient(t, simtest.Serve(t, sim), clk.Now, func(c *fedex.Config) { c.Capture = func(a fedex.Attempt) { seen = append(seen, a) } })
	l, err := c.Buy(t.Context(), goodParcel("ref-1"))
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 1 || !strings.Contains(seen[0].Response, l.TrackingNumber) {
		t.Fatalf("captured %+v", seen)
	}
	text := seen[0].Request + seen[0].Response
	for _, secret := range []string{"Ada Martin", "12 Elm St", "30303-1234", "4105550134", "sim-token", fedexsim.ClientSecret} {
		if strings.Contains(text, secret) {
			t.Errorf("capture shows %q: %s", secret, text)
		}
	}
}

package usps_test

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/usps/uspssim"
	"github.com/paklog/hub/core/ship"
)

// A label that we bought is tracked and given back by somebody else's client.
func TestKarrioTracksAndVoidsWhatWeBought(t *testing.T) {
	sim := newSim(t, uspssim.Options{})
	base := simtest.Serve(t, sim)
	ref := ship.ReferenceOf("karrio")
	l, err := newClient(t, base, time.Now, nil).Buy(t.Context(), goodParcel(ref))
	if err != nil {
		t.Fatal(err)
	}
	said := simtest.Karrio(t, "usps", base, uspssim.ClientID, uspssim.ClientSecret, uspssim.Account, uspssim.CRID, uspssim.MID, l)
	for _, want := range []string{
		"tracked (True, False, True)",
		"unknown [] ['150001']",
		"stranger [] ['invalid_client']",
		"never sold False ['160500']",
		"voided True []",
		"voided again False ['160500']",
	} {
		if !strings.Contains(said, want+"\n") {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if sold := sim.Truth().Labels; len(sold) != 1 || sold[0].Voided.IsZero() {
		t.Errorf("%+v", sold)
	}
}

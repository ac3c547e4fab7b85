package fedex_test

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/fedex/fedexsim"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/core/ship"
)

// A label that we bought is tracked and given back by somebody else's client.
func TestKarrioTracksAndVoidsWhatWeBought(t *testing.T) {
	sim := newSim(t, fedexsim.Options{})
	base := simtest.Serve(t, sim)
	ref := ship.ReferenceOf("karrio")
	l, err := newClient(t, base, time.Now, nil).Buy(t.Context(), goodParcel(ref))
	if err != nil {
		t.Fatal(err)
	}
	said := simtest.Karrio(t, "fedex", base, fedexsim.ClientID, fedexsim.ClientSecret, fedexsim.Account, "", "", l)
	for _, want := range []string{
		"tracked (True, False, True)",
		"unknown [] ['TRACKING.TRACKINGNUMBER.NOTFOUND']",
		"stranger [] ['NOT.AUTHORIZED.ERROR']",
		"never sold False ['SHIPMENT.TRACKINGNUMBER.NOTFOUND']",
		"voided True []",
	} {
		if !strings.Contains(said, want+"\n") {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if sold := sim.Truth().Labels; len(sold) != 1 || sold[0].Voided.IsZero() {
		t.Errorf("%+v", sold)
	}
}

package ups_test

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/ship"
)

// A label that we bought is tracked and given back by somebody else's client.
func TestKarrioTracksAndVoidsWhatWeBought(t *testing.T) {
	sim := newSim(t, upssim.Options{})
	base := simtest.Serve(t, sim)
	ref := ship.ReferenceOf("karrio")
	l, err := newClient(t, base, time.Now, nil).Buy(t.Context(), goodParcel(ref))
	if err != nil {
		t.Fatal(err)
	}
	said := simtest.Karrio(t, "ups", base, upssim.ClientID, upssim.ClientSecret, upssim.Account, "", "", l)
	for _, want := range []string{
		"tracked (True, False, True)",
		"unknown [] ['TW0001']",
		"stranger [] ['10401']",
		"never sold False ['190102']",
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

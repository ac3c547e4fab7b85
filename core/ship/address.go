package ship

import (
	"context"

	"github.com/paklog/hub/core/party"
)

// AddressChecker is the port to a carrier that says whether it can deliver to an
// address. It changes nothing, may be repeated, and fails as [Carrier] does; an
// address in a country that the carrier does not check is Invalid. That an
// address is not deliverable is an answer and no error.
type AddressChecker interface {
	CheckAddress(ctx context.Context, a party.Address) (AddressCheck, error)
}

// Verdict is what a carrier says of an address.
type Verdict string

// The verdicts, the same words for every carrier.
const (
	Deliverable   Verdict = "deliverable"
	Ambiguous     Verdict = "ambiguous"     // several places may be meant, or something is missing
	Undeliverable Verdict = "undeliverable" // the carrier knows no such place
)

// AddressCheck is a carrier's answer about an address.
type AddressCheck struct {
	Connection string  `json:"connection"` // who was asked
	Verdict    Verdict `json:"verdict" enum:"deliverable,ambiguous,undeliverable"`
	// Candidates are the places the carrier knows, in its own spelling, best first.
	Candidates []AddressCandidate `json:"candidates" nullable:"false"`
}

// AddressCandidate is a place as a carrier spells it.
type AddressCandidate struct {
	Lines      []string `json:"lines" nullable:"false"`
	City       string   `json:"city"`
	Region     string   `json:"region,omitempty"`
	PostalCode string   `json:"postal_code"`
	Country    string   `json:"country"`
	// Use is "commercial" or "residential"; "" where the carrier does not say.
	Use string `json:"use,omitempty" enum:"commercial,residential"`
}

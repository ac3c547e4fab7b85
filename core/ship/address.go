package ship

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

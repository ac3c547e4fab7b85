// Package party names who is shipped to and from. Everything in it is personal
// data: it travels in an event's sealed group, never beside it.
package party

// Coded is a party by its code, as a document named it. Role and List are the sender's own: N101 and
// N103 of X12, 3035 and 3055 of an EDIFACT NAD.
type Coded struct {
	Role string `json:"role"`
	List string `json:"list,omitempty"` // whose code it is: "92", "9", "UL"
	Code string `json:"code"`
}

// Named is one that has a name, or no code.
type Named struct {
	Coded
	Name string `json:"name,omitempty"`
}

// Address is a place to ship to or from.
type Address struct {
	Name       string   `json:"name"`
	Company    string   `json:"company,omitempty"`
	Lines      []string `json:"lines"` // street lines, at most 3
	City       string   `json:"city"`
	Region     string   `json:"region,omitempty"` // state or province code
	PostalCode string   `json:"postal_code"`
	Country    string   `json:"country"` // ISO 3166-1 alpha-2
	Phone      string   `json:"phone,omitempty"`
	Email      string   `json:"email,omitempty"`
	Code       string   `json:"code,omitempty"` // the sender's own code for the place (N104), not personal
}

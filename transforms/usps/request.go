package usps

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// maxReference is the longest reference that is printed and goes into the manifest.
const maxReference = 30

// Reference is what USPS prints for ours.
func Reference(ours string) string { return carrierdoc.Reference(ours, maxReference) }

// Key is the idempotency key of the purchase under our reference: always the same
// UUID for it (RFC 9562, in the form of version 4, which USPS asks for), by which
// the label is printed again and cancelled.
func Key(ours string) string {
	b := sha256.Sum256([]byte(ours))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// IsKey reports whether what names a label is the key of its purchase, not its
// tracking number.
func IsKey(id string) bool { return len(id) == 36 && strings.Count(id, "-") == 4 }

type address struct {
	FirstName        string `json:"firstName,omitempty"`
	LastName         string `json:"lastName,omitempty"`
	Firm             string `json:"firm,omitempty"`
	StreetAddress    string `json:"streetAddress"`
	SecondaryAddress string `json:"secondaryAddress,omitempty"`
	City             string `json:"city"`
	State            string `json:"state"`
	ZIPCode          string `json:"ZIPCode"`
	ZIPPlus4         string `json:"ZIPPlus4,omitempty"`
	Phone            string `json:"phone,omitempty"`
	// IgnoreBadAddress false lets USPS refuse an address that it cannot deliver to.
	IgnoreBadAddress bool `json:"ignoreBadAddress"`
}

type checker struct{ carrierdoc.Checker }

func newChecker() checker { return checker{carrierdoc.Checker{Carrier: "USPS"}} }

// Limits of a piece of mail: 70 lb, and 130 inches for its length and girth (DMM 201.7.3).
const (
	maxWeight = 70_00 // in hundredths of a pound
	maxGirth  = 130   // in inches, length and girth
)

// measures are p's in pounds and inches.
func (e *checker) measures(p ship.Parcel) carrierdoc.Measures {
	m := e.Measures(p, true)
	if m.Weight > maxWeight {
		e.Add("weight_mg", "is %s lb, USPS takes 70 lb", hundredths(m.Weight))
	}
	if p.Dims.Zero() {
		e.Add("dims", "are not known, USPS prices by size")
	} else if n := m.Length + 2*(m.Width+m.Height); n > maxGirth {
		e.Add("dims", "are %d in in length and girth, USPS takes %d", n, maxGirth)
	}
	return m
}

// zip is a's ZIP Code, and its last four digits where they are known.
func (e *checker) zip(at string, a party.Address) (five, four string) {
	digits := carrierdoc.Postal(a.PostalCode)
	if (len(digits) != 5 && len(digits) != 9) || strings.Trim(digits, "0123456789") != "" {
		e.Add(at+".postal_code", "is %q, USPS wants a ZIP Code of five or nine digits", a.PostalCode)
		return "", ""
	}
	return digits[:5], digits[5:]
}

// within adds a place where USPS has no domestic mail.
func (e *checker) within(p ship.Parcel) {
	for at, a := range map[string]party.Address{"from.country": p.From, "to.country": p.To} {
		if a.Country != "US" && a.Country != "PR" {
			e.Add(at, "is %s: USPS mails from and to the United States and Puerto Rico here, customs data are not supported", a.Country)
		}
	}
}

func (e *checker) address(at string, a party.Address) address {
	lines := e.Lines(at+".lines", a.Lines, 2, 50)
	state := a.Region
	if a.Country == "PR" {
		state = "PR"
	}
	if len(state) != 2 {
		e.Add(at+".region", "is %q, USPS wants the two letters of a state", state)
	}
	out := address{City: e.Length(at+".city", a.City, 28), State: state, Firm: carrierdoc.Cut(a.Company, 50)}
	out.ZIPCode, out.ZIPPlus4 = e.zip(at, a)
	if len(lines) > 0 {
		out.StreetAddress = lines[0]
	}
	if len(lines) > 1 {
		out.SecondaryAddress = lines[1]
	}
	// USPS wants a first and a last name, or a firm.
	name := strings.TrimSpace(a.Name)
	if i := strings.LastIndexByte(name, ' '); i > 0 {
		out.FirstName, out.LastName = carrierdoc.Cut(name[:i], 50), carrierdoc.Cut(name[i+1:], 50)
	} else if out.Firm == "" {
		out.Firm = carrierdoc.Cut(name, 50)
	}
	if phone := carrierdoc.Digits(a.Phone); len(phone) >= 10 {
		out.Phone = phone[len(phone)-10:]
	}
	return out
}

func hundredths(n int64) json.Number { return json.Number(fmt.Sprintf("%d.%02d", n/100, n%100)) }

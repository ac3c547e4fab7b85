package ship

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
)

// MaxReference is the longest [Parcel.Reference]: what UPS takes. The others take more.
const MaxReference = 35

// Parcel is one carton to be priced or shipped. The addresses are personal data.
type Parcel struct {
	// Reference is our unique key of one purchase, printed on the label and asked
	// for when an answer is lost. It belongs to the purchase, not to the carton: a
	// carton whose label was voided is bought again under another reference.
	// Letters, digits and '-', at most [MaxReference]. [ReferenceOf] makes one.
	Reference string `json:"reference"`
	// OrderNumber is printed beside the reference for people; "" prints nothing.
	OrderNumber string `json:"order_number,omitempty"`

	// Service is the carrier's own code; "" is allowed for Rate alone.
	Service string        `json:"service,omitempty"`
	Format  Format        `json:"format,omitempty"` // "" is ZPL
	From    party.Address `json:"from"`
	To      party.Address `json:"to"`
	Weight  measure.Mass  `json:"weight_mg"` // gross, above zero
	Dims    measure.Dims  `json:"dims"`      // zero: not known, priced by weight alone
}

// ReferenceOf is the reference of the effect with this key: the same for a
// re-run of the same effect, different for every other.
func ReferenceOf(effectKey string) string {
	sum := sha256.Sum256([]byte(effectKey))
	return hex.EncodeToString(sum[:16])
}

// Validate reports everything that keeps p from being shipped by any carrier, as
// fault.Invalid with the place of the first fault.
func (p Parcel) Validate() error {
	var errs []error
	place := ""
	bad := func(at, format string, args ...any) {
		if place == "" {
			place = at
		}
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{at}, args...)...))
	}
	if p.Reference == "" {
		bad("reference", "is empty")
	} else if len(p.Reference) > MaxReference {
		bad("reference", "has %d characters, at most %d are printed and found again", len(p.Reference), MaxReference)
	}
	if i := strings.IndexFunc(p.Reference, notReference); i >= 0 {
		bad("reference", "has %q at %d; use letters, digits and '-'", p.Reference[i], i)
	}
	if p.Weight <= 0 {
		bad("weight_mg", "is %d, want above zero", p.Weight)
	}
	if d := p.Dims; !d.Zero() && (d.Length <= 0 || d.Width <= 0 || d.Height <= 0) {
		bad("dims", "are %d x %d x %d um, want all three above zero or none", d.Length, d.Width, d.Height)
	}
	switch p.Format {
	case "", ZPL, PDF, PNG, GIF:
	default:
		bad("format", "is %q, want ZPL, PDF, PNG or GIF", p.Format)
	}
	checkAddress("from", p.From, bad)
	checkAddress("to", p.To, bad)
	if len(errs) == 0 {
		return nil
	}
	return fault.At("ship.Parcel", fault.Invalid, place, errors.Join(errs...))
}

func notReference(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-'
}

func checkAddress(at string, a party.Address, bad func(at, format string, args ...any)) {
	if a.Name == "" && a.Company == "" {
		bad(at+".name", "is empty and so is company")
	}
	if len(a.Lines) == 0 || a.Lines[0] == "" {
		bad(at+".lines", "has no street line")
	}
	if a.City == "" {
		bad(at+".city", "is empty")
	}
	if !party.Country(a.Country) {
		bad(at+".country", "is %q, want an ISO 3166-1 alpha-2 code like US", a.Country)
	}
}

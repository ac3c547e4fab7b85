package x12wms

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
)

// Profile is what is agreed with one partner. Its zero value works but for
// Tenant: owner and facility are then the codes that the document names.
type Profile struct {
	// Tenant owns the orders. Needed.
	Tenant string
	// Partner is our name for the sender, kept with each order.
	Partner string
	// Owner is whose goods are ordered where Owners does not know the code of
	// N1*DE. "" takes that code itself, or the interchange sender's.
	Owner string
	// Owners translates the depositor codes of N1*DE (or ISA06).
	Owners map[string]string
	// Facility ships where the document names none.
	Facility string
	// Facilities translates the codes of N1*WH and N1*SF. Where it is not empty a
	// code it does not hold is an error: the order is for somebody else's building.
	Facilities map[string]string
	// UOM translates unit codes (EA, CA ...) to unit names of our items, beside
	// the usual ones. A code nobody knows is passed on: the item decides.
	UOM map[string]string
	// Items says by which qualifier the item is named, best first. Empty means
	// SK VN VP VC BP IN CB PN UP UK EN.
	Items []string
	// Services translates carrier routing (W66-05, TD5-05) or SCAC, in this
	// order, to how the order travels.
	Services map[string]order.Service
	// Policy of orders that cannot be had whole; "" is order.Partial.
	Policy string
	// Type of all of the partner's orders; "" is what an 850 says of itself (BEG-02).
	Type string
	// Country of addresses that name none; "" is US.
	Country string
	// Currency of prices, rates and charges in documents that name none, ISO 4217; "" is USD.
	Currency string
	// Zone in which the document's days are meant; nil is UTC.
	Zone *time.Location
	// Reasons translates our reasons of adjustments and holds to the codes (data element 181) that
	// the partner reads in a 947, beside the usual ones.
	Reasons map[string]string
	// SCACs translates our carriers ("ups"), or "carrier service" ("fedex FEDEX_GROUND"), to the Standard
	// Carrier Alpha Codes that the partner reads, beside the usual ones.
	SCACs map[string]string
	// ShipsTo are the roles (N101, in the terms of X12) of who is shipped to, best first. Empty is ST CN UC
	// BY: where nobody else is named, the buyer is where the goods go.
	ShipsTo []string
	// Levels of an 856: [LevelsPacked] or [LevelsFlat]; "" is the first.
	Levels string
	// Kilograms reports weights in KG; otherwise in LB.
	Kilograms bool
}

var usualUOM = map[string]string{
	"EA": item.Each, "UN": item.Each, "PC": item.Each,
	"IP": item.Inner, "IN": item.Inner,
	"CA": item.Case, "CS": item.Case, "CT": item.Case,
	"PL": item.Pallet, "PT": item.Pallet,
}

// usualCode is the code we send for a unit of ours.
var usualCode = map[string]string{item.Each: "EA", item.Inner: "IP", item.Case: "CA", item.Pallet: "PL"}

var usualItems = []string{"SK", "VN", "VP", "VC", "BP", "IN", "CB", "PN", "UP", "UK", "EN"}

// Validate reports everything wrong with the profile at once.
func (p Profile) Validate() error {
	var errs []error
	if p.Tenant == "" {
		errs = append(errs, errors.New("tenant is missing"))
	}
	for _, q := range p.Items {
		if len(q) != 2 {
			errs = append(errs, fmt.Errorf("items: %q is not a qualifier of two characters", q))
		}
	}
	for reason, code := range p.Reasons {
		if len(code) != 2 {
			errs = append(errs, fmt.Errorf("reasons: %q of %s is not a code of two characters", code, reason))
		}
	}
	for name, code := range p.SCACs {
		if n := len(code); n < 2 || n > 4 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			errs = append(errs, fmt.Errorf("scacs: %q of %s is not a code of two to four letters", code, name))
		}
	}
	for _, role := range p.ShipsTo {
		if n := len(role); n < 2 || n > 3 {
			errs = append(errs, fmt.Errorf("ship_to: %q is not a role of two or three characters", role))
		}
	}
	if p.Levels != "" && structures[p.Levels] == "" {
		errs = append(errs, fmt.Errorf("ship_notice_levels: %q is neither %s nor %s", p.Levels, LevelsPacked, LevelsFlat))
	}
	switch p.Policy {
	case "", order.Partial, order.AllOrNothing:
	default:
		errs = append(errs, fmt.Errorf("policy: %q is neither %s nor %s", p.Policy, order.Partial, order.AllOrNothing))
	}
	if p.Currency != "" && !Hundredths(p.Currency) {
		errs = append(errs, fmt.Errorf("currency: %q is no currency of hundredths, as USD or EUR", p.Currency))
	}
	if p.Country != "" && !party.Country(p.Country) {
		errs = append(errs, fmt.Errorf("country: %q is not an ISO 3166-1 alpha-2 code", p.Country))
	}
	return errors.Join(errs...)
}

// Unit is the unit of ours that the partner means by a code.
func (p Profile) Unit(code string) string { return p.uom(code) }

func (p Profile) uom(code string) string {
	if u, ok := p.UOM[code]; ok {
		return u
	}
	if u, ok := usualUOM[code]; ok {
		return u
	}
	return code
}

// code is the unit code that the partner reads for a unit of ours.
func (p Profile) code(uom string) string {
	best := ""
	for code, u := range p.UOM {
		if u == uom && (best == "" || code < best) {
			best = code
		}
	}
	if best != "" {
		return best
	}
	if c, ok := usualCode[uom]; ok {
		return c
	}
	if len(uom) == 2 && strings.ToUpper(uom) == uom {
		return uom
	}
	return "EA"
}

func (p Profile) items() []string {
	if len(p.Items) > 0 {
		return p.Items
	}
	return usualItems
}

func (p Profile) zone() *time.Location {
	if p.Zone != nil {
		return p.Zone
	}
	return time.UTC
}

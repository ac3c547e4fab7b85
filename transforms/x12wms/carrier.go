package x12wms

import (
	"strings"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
)

// usualSCACs are the Standard Carrier Alpha Codes of carriers whose services we buy, by carrier and by
// "carrier service".
var usualSCACs = map[string]string{
	"ups": "UPSN", "usps": "USPS", "fedex": "FDE",
	"fedex fedex_ground": "FDEG", "fedex ground_home_delivery": "FDEG", "fedex smart_post": "FDEG",
}

// SCAC is the Standard Carrier Alpha Code of a carrier's service: that of the profile, the usual one, or
// the carrier itself where it is called by one; else "".
func (p Profile) SCAC(carrier, service string) string {
	names := [...]string{strings.ToLower(carrier + " " + service), strings.ToLower(carrier)}
	for _, codes := range [...]map[string]string{p.SCACs, usualSCACs} {
		for _, name := range names {
			for k, code := range codes {
				if strings.EqualFold(k, name) {
					return code
				}
			}
		}
	}
	if n := len(carrier); n < 2 || n > 4 || strings.Trim(carrier, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return ""
	}
	return carrier
}

// Travelled is by which carrier and service the goods left, or were to.
func Travelled(o order.Order, c ship.Confirmed) (carrier, service string) {
	for _, m := range c.Cartons {
		if m.Carrier != "" {
			return m.Carrier, m.Service
		}
	}
	return o.Service.Carrier, o.Service.Level
}

package simulate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/ship"
)

// carrier is the carrier's own ledger. It outlives every crash of the hub.
type carrier struct {
	rng        *rand.Rand
	lost       int // one answer in so many is lost
	row        int // failures in a row: four at most, so that no breaker opens
	serial     int
	sold       map[string]ship.Label // standing, by reference
	refs       map[string]string     // their references, by number
	gone       []bool                // by serial number: of cartons that have left
	voidedGone string                // a label of those that was voided
	twice      string                // a reference that was sold while another label stood
}

func newCarrier(rng *rand.Rand, lost int) *carrier {
	return &carrier{rng: rng, lost: lost, sold: map[string]ship.Label{}, refs: map[string]string{}}
}

// Rate implements [ship.Carrier].
func (c *carrier) Rate(_ context.Context, p ship.Parcel) ([]ship.Rate, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return []ship.Rate{{Connection: carrierName, Service: ship.Service{Code: "GND"}, Cost: measure.Money{Minor: 850, Currency: "USD"}}}, nil
}

var (
	errLine = errors.New("the line went dead")
	errNo   = errors.New("the account is blocked today")
)

// Buy implements [ship.Carrier]. An answer may be lost before or after the sale.
func (c *carrier) Buy(_ context.Context, p ship.Parcel) (ship.Label, error) {
	if err := p.Validate(); err != nil {
		return ship.Label{}, err
	}
	fails := c.lost > 0 && c.row < 3 && c.rng.IntN(c.lost) == 0
	if !fails {
		c.row = 0
		return c.sell(p), nil
	}
	c.row++
	switch c.rng.IntN(4) {
	case 3:
		return ship.Label{}, fault.E("carrier.Buy", fault.Rejected, errNo)
	case 0:
		return ship.Label{}, fault.E("carrier.Buy", fault.Transient, errLine)
	case 1:
		return ship.Label{}, fault.E("carrier.Buy", fault.Unknown, errLine)
	}
	c.sell(p)
	return ship.Label{}, fault.E("carrier.Buy", fault.Unknown, errLine)
}

func (c *carrier) sell(p ship.Parcel) ship.Label {
	if _, stands := c.sold[p.Reference]; stands {
		c.twice = p.Reference
	}
	c.serial++
	l := ship.Label{
		Connection: carrierName, Reference: p.Reference, ShipmentID: fmt.Sprintf("S%d", c.serial),
		TrackingNumber: fmt.Sprintf(trackingFormat, c.serial), Service: ship.Service{Code: p.Service},
		Cost: measure.Money{Minor: 850, Currency: "USD"}, Format: ship.ZPL, Image: []byte("^XA^XZ"),
	}
	c.sold[p.Reference] = l
	c.refs[l.TrackingNumber] = p.Reference
	return l
}

// Void implements [ship.Carrier].
func (c *carrier) Void(_ context.Context, l ship.Label) error {
	c.voided(l.TrackingNumber)
	if c.isGone(l.TrackingNumber) {
		c.voidedGone = l.TrackingNumber
	}
	return nil
}

// takes lets a carton leave that has a label, which is forgotten but for its number. False is when the
// label does not stand, or is from before a fork.
func (c *carrier) takes(tracking string) bool { return c.goes(tracking) && c.voided(tracking) }

// goes notes that a carton with a label is on its way. False is one from before a fork.
func (c *carrier) goes(tracking string) bool {
	var n int
	if _, err := fmt.Sscanf(tracking, trackingFormat, &n); err != nil {
		return false
	}
	for len(c.gone) <= n {
		c.gone = append(c.gone, make([]bool, 1024)...)
	}
	c.gone[n] = true
	return true
}

func (c *carrier) isGone(tracking string) bool {
	var n int
	_, err := fmt.Sscanf(tracking, trackingFormat, &n)
	return err == nil && n > 0 && n < len(c.gone) && c.gone[n]
}

const trackingFormat = "1ZSIM%08d"

// stands and voided are what the ledger says of labels from before a fork.
func (c *carrier) stands(e label.Bought) {
	c.sold[e.Tracking] = ship.Label{Connection: e.Carrier, TrackingNumber: e.Tracking}
	c.refs[e.Tracking] = e.Tracking
}

// voided takes a label away, and reports whether it stood.
func (c *carrier) voided(tracking string) bool {
	ref, stood := c.refs[tracking]
	if stood {
		delete(c.sold, ref)
		delete(c.refs, tracking)
	}
	return stood
}

// Resolve implements [ship.Carrier].
func (c *carrier) Resolve(_ context.Context, p ship.Parcel) ([]ship.Label, error) {
	if l, ok := c.sold[p.Reference]; ok {
		return []ship.Label{l}, nil
	}
	return nil, nil
}

const carrierName = "sim"

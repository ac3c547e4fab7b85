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
	rng    *rand.Rand
	lost   int // one answer in so many is lost
	row    int // failures in a row: four at most, so that no breaker opens
	serial int
	sold   map[string]ship.Label // standing, by reference
	twice  string                // a reference that was sold while another label stood
}

func newCarrier(rng *rand.Rand, lost int) *carrier {
	return &carrier{rng: rng, lost: lost, sold: map[string]ship.Label{}}
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
		TrackingNumber: fmt.Sprintf("1ZSIM%08d", c.serial), Service: ship.Service{Code: p.Service},
		Cost: measure.Money{Minor: 850, Currency: "USD"}, Format: ship.ZPL, Image: []byte("^XA^XZ"),
	}
	c.sold[p.Reference] = l
	return l
}

// Void implements [ship.Carrier].
func (c *carrier) Void(_ context.Context, l ship.Label) error {
	for ref, s := range c.sold {
		if s.TrackingNumber == l.TrackingNumber {
			delete(c.sold, ref)
		}
	}
	return nil
}

// stands and voided are what the ledger says of labels from before a fork.
func (c *carrier) stands(e label.Bought) {
	c.sold[e.Tracking] = ship.Label{Connection: e.Carrier, TrackingNumber: e.Tracking}
}

func (c *carrier) voided(tracking string) { delete(c.sold, tracking) }

// Resolve implements [ship.Carrier].
func (c *carrier) Resolve(_ context.Context, p ship.Parcel) ([]ship.Label, error) {
	if l, ok := c.sold[p.Reference]; ok {
		return []ship.Label{l}, nil
	}
	return nil, nil
}

const carrierName = "sim"

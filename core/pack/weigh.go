package pack

import (
	"fmt"
	"math"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
)

// Scale says how closely a carton is weighed: it may be off by Absolute and, beside
// that, by Permille of what is expected. Dunnage is what is expected of fill and tape,
// in thousandths of the contents. The zero Scale weighs nothing.
type Scale struct {
	Permille int
	Absolute measure.Mass
	Dunnage  int
	Required bool // a carton that was not weighed is not closed
}

// Check is what a carton should weigh, give or take Tolerance. The zero Check is not
// known, and any weight passes.
type Check struct {
	Expected  measure.Mass
	Tolerance measure.Mass
	Required  bool
}

// Expect is the check of a carton with these contents in a box of this tare. A unit
// whose weight is not known leaves the whole carton's unknown: its check expects
// nothing, and asks for a weight where one is required.
func (s Scale) Expect(units []Unit, tare measure.Mass) (Check, error) {
	const op = "pack.Expect"
	none := Check{Required: s.Required}
	var net measure.Mass
	for i, u := range units {
		if u.Weight == 0 {
			return none, nil
		}
		if u.Weight < 0 || u.Qty < 1 || u.Qty > (maxGross-int64(net))/int64(u.Weight) {
			return none, fault.At(op, fault.Invalid, fmt.Sprintf("units[%d]", i), fmt.Errorf("%d of item %s do not weigh what a carton can", u.Qty, u.Item))
		}
		net += measure.Mass(u.Qty) * u.Weight
	}
	expected := net + tare + permille(net, s.Dunnage)
	return Check{expected, s.Absolute + permille(expected, s.Permille), s.Required}, nil
}

// maxGross bounds what is multiplied by a thousand.
const maxGross = math.MaxInt64 / 2048

func permille(m measure.Mass, n int) measure.Mass { return m * measure.Mass(n) / 1000 }

// Passes reports whether a measured weight is what is expected.
func (c Check) Passes(measured measure.Mass) bool {
	return c.Expected == 0 || c.Tolerance == 0 || measured >= c.Expected-c.Tolerance && measured <= c.Expected+c.Tolerance
}

// gross is what a carton weighs as far as anybody knows: measured, else expected.
func (c Check) gross(measured measure.Mass) measure.Mass {
	if measured > 0 {
		return measured
	}
	return c.Expected
}

package facility

import (
	"fmt"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
)

// Fits says why an item may not be put into a location, or nil. l is what holds for the
// location, see [Spec.Effective].
func Fits(it item.Item, l location.Spec) error {
	const op = "facility.Fits"
	if want, has := it.Spec.StorageType, l.StorageType; want != "" && has != "" && want != has {
		return fault.At(op, fault.Rejected, "location", fmt.Errorf("item %s is stored as %s, the location is for %s", it.SKU, want, has))
	}
	if s := l.Slot; s.Given() && (s.Item != it.SKU || s.Owner != it.Scope.Owner) {
		return fault.At(op, fault.Rejected, "location", fmt.Errorf("the location is the slot of item %s of %s", s.Item, s.Owner))
	}
	return nil
}

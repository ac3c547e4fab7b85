package erp

import (
	"context"

	"github.com/paklog/hub/core/shop"
)

// ERP is the port to one ERP: one connection of the configuration. Adapters implement it and pass
// core/erp/erptest. All methods may be called from several goroutines.
//
// No method tries twice: it makes one attempt and classifies what happened as a
// [github.com/paklog/hub/core/fault.Kind], as [github.com/paklog/hub/core/ship.Carrier] does.
// Unknown comes from Issue and Issued alone.
type ERP interface {
	// Delivery reads a delivery as it stands. found is false where the ERP has none of the number.
	// It changes nothing and may be repeated.
	Delivery(ctx context.Context, number string) (d Delivery, found bool, err error)

	// Issue makes the delivery say what left, and posts its goods issue, which takes the goods out of
	// the ERP's stock and lets it invoice. Only the effect executor calls it. What left is set and not
	// added, so that it may be said again; where any error but Unknown comes, the goods issue was not
	// posted. Unknown means that it may have been: ask Issued first. A delivery whose goods issue was
	// posted already, of just this, is a success.
	Issue(ctx context.Context, g GoodsIssue) (Posted, error)

	// Issued answers "did it happen?" for an Issue of g that is Unknown. Where a goods issue stands,
	// of other quantities, the error is Unknown: a person must look.
	Issued(ctx context.Context, g GoodsIssue) (p Posted, found bool, err error)
}

// Checker is the port to an ERP that is asked whether everything is set up for us. It changes nothing.
type Checker interface {
	Check(ctx context.Context) []shop.Finding
}

package erp

import (
	"context"
	"time"

	"github.com/paklog/hub/core/shop"
)

// ERP is the port to one ERP: one connection of the configuration. Adapters implement it and pass
// core/erp/erptest. All methods may be called from several goroutines.
//
// No method tries twice: it makes one attempt and classifies what happened as a
// [github.com/paklog/hub/core/fault.Kind], as [github.com/paklog/hub/core/ship.Carrier] does.
// Unknown comes from Issue and Issued alone, from Move and Moved of a [Mover], from Receive and Received
// of a [Receiver], and from Reverse and Reversed of a [Reverser].
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

// Source is the port to an ERP whose deliveries become orders here. Both change nothing and may be
// repeated.
type Source interface {
	// Changed is a page of the deliveries without a goods issue that were made or changed at since or
	// later; after is the Next of the page before, "" for the first. An ERP may know no more than the
	// day, and a list that moves may miss one or name it twice: look again from well before.
	Changed(ctx context.Context, since time.Time, after string) (Page, error)

	// Read is a delivery as an order is made of it. found is false where the ERP has none of the
	// number (any more). One that no order can be made of is fault.Rejected, with its place.
	Read(ctx context.Context, number string) (w Work, found bool, err error)
}

// Receiver is the port to an ERP whose inbound deliveries are receipts here. Announced and Arrival change
// nothing and may be repeated.
type Receiver interface {
	// Announced is a page of the inbound deliveries without a goods receipt, as [Source.Changed] has
	// outbound ones.
	Announced(ctx context.Context, since time.Time, after string) (Page, error)

	// Arrival is an inbound delivery as a receipt is made of it. found is false where the ERP has none
	// of the number (any more). One that no receipt can be made of is fault.Rejected, with its place.
	Arrival(ctx context.Context, number string) (a Arrival, found bool, err error)

	// Receive makes the inbound delivery say what came, and posts its goods receipt. What holds for
	// [ERP.Issue] holds here: it is set and not added, any error but Unknown promises that no goods
	// receipt was posted, and one that was, of just this, is a success.
	Receive(ctx context.Context, g GoodsReceipt) (Posted, error)

	// Received answers "did it happen?" for a Receive of g that is Unknown. Where a goods receipt
	// stands, of other quantities, the error is Unknown: a person must look.
	Received(ctx context.Context, g GoodsReceipt) (p Posted, found bool, err error)
}

// Reverser is the port to an ERP whose goods movements can be taken back.
type Reverser interface {
	// Reverse takes the goods movement of a delivery back. Only the effect executor calls it. One that is
	// taken back already is a success; any error but Unknown promises that it was not taken back by this.
	Reverse(ctx context.Context, r Reversal) (Posted, error)

	// Reversed answers "did it happen?" for a Reverse of r that is Unknown.
	Reversed(ctx context.Context, r Reversal) (p Posted, found bool, err error)
}

// Mover is the port to an ERP that is told of our adjustments.
type Mover interface {
	// Move posts an adjustment in the ERP's books and returns its document. Only the effect executor calls
	// it. It is not to be said again where it may have been taken: that is Unknown, and Moved is asked
	// first. Any other error promises that nothing was posted.
	Move(ctx context.Context, a Adjustment) (document string, err error)

	// Moved answers "did it happen?" for a Move of a that is Unknown.
	Moved(ctx context.Context, a Adjustment) (document string, found bool, err error)
}

// Checker is the port to an ERP that is asked whether everything is set up for us. It changes nothing.
type Checker interface {
	Check(ctx context.Context) []shop.Finding
}

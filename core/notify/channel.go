package notify

import "context"

// Channel sends notices. The kind of an error is a promise, as that of a label's purchase is:
// Transient, Throttled, Unavailable, Rejected and Invalid say that nobody heard of it; Unknown that
// somebody may have. A notice of which that is not known is not sent again.
type Channel interface {
	Send(ctx context.Context, n Notice) error
}

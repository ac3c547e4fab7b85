package door

import "context"

// Caller is how an adapter reaches the doors; the hub implements it. An error is
// classified by core/fault: Invalid and Rejected are the caller's doing, Unavailable asks him to
// come again. When ctx ends first, what was decided stands, and a repeat finds it.
type Caller interface {
	Call(ctx context.Context, door string, value any) (any, error)
}

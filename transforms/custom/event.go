package custom

import (
	"time"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// Types of the events that a custom shop sends.
const (
	OrderPlaced    = "order.placed"
	OrderCancelled = "order.cancelled"
)

// Types are all of them.
func Types() []string { return []string{OrderPlaced, OrderCancelled} }

// Placed says that a customer bought: the hub is to ship it.
type Placed struct {
	Type      string    `json:"type" enum:"order.placed"`
	Timestamp time.Time `json:"timestamp,omitzero" doc:"when it happened"`
	Data      Order     `json:"data"`
}

// Cancelled says that what is open of an order is no longer wanted.
type Cancelled struct {
	Type      string       `json:"type" enum:"order.cancelled"`
	Timestamp time.Time    `json:"timestamp,omitzero"`
	Data      Cancellation `json:"data"`
}

// Cancellation names the order, and the lines where not all are meant.
type Cancellation struct {
	Owner  string `json:"owner,omitempty"`
	Number string `json:"number"`
	Reason string `json:"reason"`
	Lines  []int  `json:"lines,omitempty" nullable:"false"`
}

// Cancel is the command that the cancellation means, and the scope and number of its order.
func (c *Cancellation) Cancel(s scope.Scope, by string) (scope.Scope, string, order.Cancel) {
	return within(s, c.Owner, ""), c.Number, order.Cancel{Reason: c.Reason, By: by, Lines: c.Lines}
}

// Package pick is the pick list of one task: what is to be fetched from where,
// what was fetched into which tote, and what was not found.
package pick

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

// Open makes the pick list of a pick task.
type Open struct {
	scope.Scope
	Task  string
	Order string
	Wave  string
	// Method says how goods of several orders are kept apart; "" is one order a list.
	Method string
	Steps  []task.Step
}

// Methods of picking, as far as a list knows them. Of the others the goods of all orders lie
// together and are put apart afterwards, with [Put].
const (
	Cluster = "cluster" // each tote is one order's
)

// Confirm says that Qty of a step lies in Tote. A step may be confirmed in parts.
type Confirm struct {
	Step    int
	Qty     int64
	Tote    string
	Worker  string
	Serials []string
}

// Short ends a step with what was found: Found more units go into Tote, the rest
// of the step is not there.
type Short struct {
	Step   int
	Found  int64
	Tote   string
	Worker string
	Reason string // "not_found", "damaged", ...
}

// Cancel ends the list; steps that are not fetched yet are dropped.
type Cancel struct{ Reason string }

// Drop takes what is not fetched yet for one order out of the list.
type Drop struct{ Owner, Order, Reason string }

// Put says that Qty of a step's goods went from Tote into the slot where its order's goods come
// together.
type Put struct {
	Step   int
	Tote   string
	Slot   string
	Qty    int64
	Worker string
}

// Sort puts goods from a tote of a list into the slot of their order. Order "" is the first that
// they are for; Slot "" is the one that the order has.
type Sort struct {
	Owner, Order string
	Item, Lot    string
	Tote, Slot   string
	Qty          int64
	Worker       string
}

// DoneBy is whose hands did it.
func (c Sort) DoneBy() string { return c.Worker }

// Look asks what of a list is still to be put apart.
type Look struct{}

// ToPut is the answer to [Look].
type ToPut struct {
	Task string  `json:"task"`
	Left []Lying `json:"left"`
}

// Lying is what lies in a tote for an order, and the slot that the order has; "" is none yet.
type Lying struct {
	Step  int    `json:"step"`
	Owner string `json:"owner"`
	Order string `json:"order"`
	Item  string `json:"item"`
	Lot   string `json:"lot,omitempty"`
	Tote  string `json:"tote"`
	Slot  string `json:"slot,omitempty"`
	Qty   int64  `json:"qty"`
}

// Sorted is the answer to [Sort]: what went where.
type Sorted struct {
	Task  string   `json:"task"`
	Puts  []Placed `json:"puts"`
	Whole []string `json:"whole,omitempty"` // orders that are all together now
}

// Head is what every pick event begins with.
type Head struct {
	scope.Scope
	Task  string    `json:"task"`
	Order string    `json:"order,omitempty"`
	Wave  string    `json:"wave,omitempty"`
	At    time.Time `json:"at"`
}

// Stream is the stream of the list: one per task.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Task) }

// Key orders messages about the list as those of its task.
func (h Head) Key() string {
	return task.Head{Scope: h.Scope, Task: h.Task, Order: h.Order}.Key()
}

// StreamOf is the stream of a task's pick list.
func StreamOf(s scope.Scope, task string) string {
	return scope.Stream{Kind: "pick", Tenant: s.Tenant, Owner: s.Owner, ID: task, Facility: s.Facility}.String()
}

// Opened says that there is a list.
type Opened struct {
	Head
	Method string      `json:"method,omitempty"`
	Steps  []task.Step `json:"steps"`
}

// Confirmed says what was put into a tote.
type Confirmed struct {
	Head
	Step    int             `json:"step"`
	Line    int             `json:"line,omitempty"`
	Item    string          `json:"item"`
	From    inventory.Place `json:"from"`
	Tote    string          `json:"tote"`
	Qty     int64           `json:"qty"`
	Serials []string        `json:"serials,omitempty"`
	Worker  string          `json:"worker"`
}

// Shorted says that of Expected units only Found were there. The found ones lie
// in Tote; no further event tells of them.
type Shorted struct {
	Head
	Step     int             `json:"step"`
	Line     int             `json:"line,omitempty"`
	Item     string          `json:"item"`
	From     inventory.Place `json:"from"`
	Tote     string          `json:"tote,omitempty"`
	Expected int64           `json:"expected"`
	Found    int64           `json:"found"`
	Reason   string          `json:"reason"`
	Worker   string          `json:"worker"`
}

// Completed says that each step was fetched or shorted.
type Completed struct {
	Head
	Picked  int64 `json:"picked"`
	Shorted int64 `json:"shorted,omitempty"`
}

// Cancelled ends the list; Steps are the ones dropped, with what was left of each.
type Cancelled struct {
	Head
	Reason string      `json:"reason"`
	Steps  []task.Step `json:"steps,omitempty"`
}

// Dropped says that an order's goods are fetched no more: Steps are those dropped, with what
// was left of each.
type Dropped struct {
	Head
	GoodsOwner string      `json:"goods_owner"`
	Reason     string      `json:"reason"`
	Steps      []task.Step `json:"steps"`
}

// Placed says what was put from a tote into the slot of its order.
type Placed struct {
	Head
	GoodsOwner string `json:"goods_owner"`
	Step       int    `json:"step"`
	Line       int    `json:"line,omitempty"`
	Item       string `json:"item"`
	Lot        string `json:"lot,omitempty"`
	Tote       string `json:"tote"`
	Slot       string `json:"slot"`
	Qty        int64  `json:"qty"`
	Worker     string `json:"worker"`
}

// Consolidated says that the goods of an order that were picked with those of others, or in
// several zones, are all together: in Slot, or in the order's own totes where it names none.
type Consolidated struct {
	Head
	GoodsOwner string `json:"goods_owner"`
	Slot       string `json:"slot,omitempty"`
	Qty        int64  `json:"qty"`
}

// EventType implements [event.Event].
func (Dropped) EventType() string { return "pick.Dropped" }

// EventType implements [event.Event].
func (Placed) EventType() string { return "pick.Put" }

// EventType implements [event.Event].
func (Consolidated) EventType() string { return "pick.Consolidated" }

// EventType implements [event.Event].
func (Opened) EventType() string { return "pick.Opened" }

// EventType implements [event.Event].
func (Confirmed) EventType() string { return "pick.Confirmed" }

// EventType implements [event.Event].
func (Shorted) EventType() string { return "pick.Shorted" }

// EventType implements [event.Event].
func (Completed) EventType() string { return "pick.Completed" }

// EventType implements [event.Event].
func (Cancelled) EventType() string { return "pick.Cancelled" }

var _ event.Streamed = Opened{}

// DoneBy is whose hands did it.
func (c Confirm) DoneBy() string { return c.Worker }

// DoneBy is whose hands did it.
func (c Short) DoneBy() string { return c.Worker }

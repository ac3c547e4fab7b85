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
	Steps []task.Step
}

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
	Steps []task.Step `json:"steps"`
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

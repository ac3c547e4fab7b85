// Package owner is the master data of whose goods lie in a warehouse: the depositors of a
// third-party warehouse, or the lines of business of one firm.
//
// A hub that keeps no owners takes goods and orders of anybody. Once the first owner is
// registered, what names one that is not known is refused.
package owner

import (
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/scope"
)

// Statuses of an owner.
const (
	StatusActive  = "active"
	StatusBlocked = "blocked" // no new order, announcement or stock is taken; what is open goes on
)

// Spec is everything about an owner that may change. Rotation and ShelfLife hold for the
// owner's items that name none of their own; a shelf life for those that expire.
type Spec struct {
	Title     string         `json:"title,omitempty"`
	Blocked   bool           `json:"blocked,omitempty"`
	Rotation  string         `json:"rotation,omitempty"` // strategy of allocation; "" is the building's
	ShelfLife item.ShelfLife `json:"shelf_life,omitzero"`
}

// Register makes an owner known. With Update, one that is known with another spec is changed.
type Register struct {
	scope.Scope
	Spec   Spec
	Update bool
}

// Change replaces the spec.
type Change struct{ Spec Spec }

// Head is what every event of an owner begins with. The scope's facility is that of the door
// which took it: an owner is known to all of them.
type Head struct {
	scope.Scope
	At time.Time `json:"at"`
}

// Stream is the stream of the owner.
func (h Head) Stream() string { return StreamOf(h.Scope) }

// Key orders messages about the owner.
func (h Head) Key() string { return streamOf(h.Scope).Key() }

func streamOf(s scope.Scope) scope.Stream {
	return scope.Stream{Kind: "owner", Tenant: s.Tenant, Owner: s.Owner, ID: s.Owner}
}

// StreamOf is the stream of the scope's owner: the same in every facility.
func StreamOf(s scope.Scope) string { return streamOf(s).String() }

// Registered says that an owner became known.
type Registered struct {
	Head
	Spec
}

// Changed carries the whole new spec.
type Changed struct {
	Head
	Spec
}

// EventType implements [event.Event].
func (Registered) EventType() string { return "item.OwnerRegistered" }

// EventType implements [event.Event].
func (Changed) EventType() string { return "item.OwnerChanged" }

var _ event.Streamed = Registered{}

// Owner is the state of an owner. The zero Owner is unknown.
type Owner struct {
	Scope scope.Scope `json:"scope"`
	Spec  Spec        `json:"spec"`
}

// Known reports whether the owner was registered.
func (o Owner) Known() bool { return o.Scope.Owner != "" }

// Status is whether anything new is taken, "" of an owner that is not known.
func (o Owner) Status() string {
	switch {
	case !o.Known():
		return ""
	case o.Spec.Blocked:
		return StatusBlocked
	}
	return StatusActive
}

// Fold makes an [Owner].
var Fold = event.Fold[Owner]{Kind: "owner", Version: 1, Apply: apply}

func apply(o Owner, e event.Event) (Owner, error) {
	switch e := e.(type) {
	case Registered:
		return Owner{e.Scope, e.Spec}, nil
	case Changed:
		o.Spec = e.Spec
		return o, nil
	}
	return o, event.Unexpected("owner", e)
}

package owner

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/scope"
)

// maxTitle is the most bytes of a title.
const maxTitle = 256

// Register makes the owner known; known with the same spec is no event, with another one
// Rejected unless Update is set.
func (o Owner) Register(c Register, at time.Time) ([]event.Event, error) {
	const op = "owner.Register"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := scope.CheckName(c.Owner); err != nil {
		return nil, fault.At(op, fault.Invalid, "owner", err)
	}
	if err := c.Spec.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	switch {
	case !o.Known():
		return []event.Event{Registered{Head{c.Scope, at.UTC()}, c.Spec}}, nil
	case o.Spec == c.Spec:
		return nil, nil
	case c.Update:
		return o.Change(Change{c.Spec}, at)
	}
	return nil, fault.At(op, fault.Rejected, "owner", fmt.Errorf("owner %s is registered with other properties: change it instead", c.Owner))
}

// Change replaces the spec; the same spec again is no event.
func (o Owner) Change(c Change, at time.Time) ([]event.Event, error) {
	const op = "owner.Change"
	if !o.Known() {
		return nil, fault.At(op, fault.Rejected, "owner", errors.New("owner is not registered"))
	}
	if err := c.Spec.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if o.Spec == c.Spec {
		return nil, nil
	}
	return []event.Event{Changed{Head{o.Scope, at.UTC()}, c.Spec}}, nil
}

// Validate says what is wrong with a spec, with its place. Whether a rotation is one is for
// whoever knows the strategies.
func (s Spec) Validate() error {
	const op = "owner.Spec"
	if len(s.Title) > maxTitle {
		return fault.At(op, fault.Invalid, "title", fmt.Errorf("has %d bytes, at most %d are allowed", len(s.Title), maxTitle))
	}
	for _, t := range [...]struct{ place, v string }{{"title", s.Title}, {"rotation", s.Rotation}} {
		if err := scope.CheckPart(t.v); t.v != "" && err != nil {
			return fault.At(op, fault.Invalid, t.place, err)
		}
	}
	return fault.Wrap(op, s.ShelfLife.Validate())
}

// For is an item's spec with what the owner's items have in common where it says nothing
// itself. What does not expire has no shelf life.
func (s Spec) For(i item.Spec) item.Spec {
	i.Rotation = cmp.Or(i.Rotation, s.Rotation)
	if i.Tracking.Expiry {
		i.ShelfLife.Receive = cmp.Or(i.ShelfLife.Receive, s.ShelfLife.Receive)
		i.ShelfLife.Ship = cmp.Or(i.ShelfLife.Ship, s.ShelfLife.Ship)
	}
	return i
}

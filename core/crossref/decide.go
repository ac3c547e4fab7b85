package crossref

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// Set says what the code means. The same again is no event, another meaning is Rejected unless
// Update is set.
func (e Entry) Set(c Set, at time.Time) ([]event.Event, error) {
	const op = "crossref.Set"
	if err := c.Validate(); err != nil {
		return nil, err
	}
	switch {
	case e.Stands() && e.Meaning == c.Meaning:
		return nil, nil
	case e.Stands() && !c.Update:
		return nil, fault.At(op, fault.Rejected, "theirs", fmt.Errorf("%s %q of %s means %q already: change it instead", c.Kind, c.Theirs, c.Owner, e.Says()))
	case c.Kind.alone() && c.Taken != "" && c.Taken != c.Theirs:
		return nil, fault.At(op, fault.Rejected, "ours", fmt.Errorf("%s is told %q as %q already, and can be told it by one code only", c.Owner, c.Ours, c.Taken))
	}
	return []event.Event{Changed{Head{c.Scope, c.Kind, c.Theirs, at.UTC()}, c.Meaning}}, nil
}

// Remove takes the entry out; one that was taken out before is no event.
func (e Entry) Remove(_ Remove, at time.Time) ([]event.Event, error) {
	if e.Status == "" {
		return nil, fault.At("crossref.Remove", fault.Rejected, "theirs", errors.New("there is no such entry"))
	}
	if !e.Stands() {
		return nil, nil
	}
	h := e.Head
	h.At = at.UTC()
	return []event.Event{Removed{h}}, nil
}

// Says is the meaning in a word.
func (m Meaning) Says() string {
	if m.Ours != "" {
		return m.Ours
	}
	return m.Service.Carrier + "/" + m.Service.Level
}

// Validate says what is wrong with an entry, with its place.
func (c Set) Validate() error {
	const op = "crossref.Set"
	if err := c.Scope.Validate(); err != nil {
		return fault.Wrap(op, err)
	}
	if err := scope.CheckName(c.Owner); err != nil {
		return fault.At(op, fault.Invalid, "partner", err)
	}
	if !slices.Contains(Kinds(), c.Kind) {
		return fault.At(op, fault.Invalid, "kind", fmt.Errorf("%q is none of %v", c.Kind, Kinds()))
	}
	if err := scope.CheckPart(c.Theirs); err != nil {
		return fault.At(op, fault.Invalid, "theirs", err)
	}
	if c.Kind != Method {
		if c.Service != (order.Service{}) {
			return fault.At(op, fault.Invalid, "service", fmt.Errorf("a %s is told by ours, only a method means a service", c.Kind))
		}
		if err := scope.CheckPart(c.Ours); err != nil {
			return fault.At(op, fault.Invalid, "ours", err)
		}
		return nil
	}
	if c.Ours != "" {
		return fault.At(op, fault.Invalid, "ours", errors.New("a method means a service: say its carrier and level"))
	}
	if c.Service.Carrier == "" && c.Service.Level == "" {
		return fault.At(op, fault.Invalid, "carrier", errors.New("neither carrier nor level is said: the method would mean nothing"))
	}
	for _, p := range [...]struct{ place, v string }{{"carrier", c.Service.Carrier}, {"level", c.Service.Level}, {"account", c.Service.Account}, {"terms", c.Service.Terms}} {
		if err := scope.CheckPart(p.v); p.v != "" && err != nil {
			return fault.At(op, fault.Invalid, p.place, err)
		}
	}
	if c.Service.Method != "" || c.Service.Route != "" {
		return fault.At(op, fault.Invalid, "service", errors.New("the method and the route of an order stay what its sender says"))
	}
	return nil
}

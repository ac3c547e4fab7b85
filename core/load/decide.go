package load

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/scope"
)

// Status is where a load stands.
type Status string

// Statuses of a load.
const (
	StatusNone      Status = ""
	StatusPlanned   Status = "planned"
	StatusSealed    Status = "sealed"
	StatusDeparted  Status = "departed"
	StatusCancelled Status = "cancelled"
)

// Load is the state of a load. The zero Load does not exist yet.
type Load struct {
	Head    `json:"head"`
	Carrier string `json:"carrier"`
	Trailer string `json:"trailer,omitempty"`
	Stops   []Stop `json:"stops,omitempty"`
	Units   []Unit `json:"units,omitempty"`
	SealNo  string `json:"seal,omitempty"`
	Status  Status `json:"status"`
}

// Fold makes a [Load].
var Fold = event.Fold[Load]{Kind: "load", Version: 1, Apply: apply}

func apply(l Load, e event.Event) (Load, error) {
	switch e := e.(type) {
	case Planned:
		return Load{Head: e.Head, Carrier: e.Carrier, Trailer: e.Trailer, Stops: e.Stops, Status: StatusPlanned}, nil
	case Assigned:
		l.Units = append(slices.Clip(l.Units), Unit{SSCC: e.SSCC, Stop: e.Stop})
	case Unassigned:
		l.Units = slices.DeleteFunc(slices.Clone(l.Units), func(u Unit) bool { return u.SSCC == e.SSCC })
	case Scanned:
		l.Units = slices.Clone(l.Units)
		for i := range l.Units {
			l.Units[i].Loaded = l.Units[i].Loaded || l.Units[i].SSCC == e.SSCC
		}
	case Sealed:
		l.Status, l.SealNo = StatusSealed, e.Seal
	case Unsealed:
		l.Status, l.SealNo = StatusPlanned, ""
	case Departed:
		l.Status = StatusDeparted
	case Cancelled:
		l.Status, l.Units = StatusCancelled, nil
	default:
		return l, event.Unexpected("load", e)
	}
	return l, nil
}

// Unit is the unit of that number.
func (l Load) Unit(sscc string) (Unit, bool) {
	i := slices.IndexFunc(l.Units, func(u Unit) bool { return u.SSCC == sscc })
	if i < 0 {
		return Unit{}, false
	}
	return l.Units[i], true
}

func (l Load) head(at time.Time) Head {
	h := l.Head
	h.At = at.UTC()
	return h
}

// open says why nothing is put into the truck or taken out of it.
func (l Load) open(op string) error {
	switch l.Status {
	case StatusPlanned:
		return nil
	case StatusNone:
		return fault.At(op, fault.Rejected, "load", errors.New("there is no such load"))
	case StatusSealed:
		return fault.At(op, fault.Rejected, "load", fmt.Errorf("load %s is sealed: unseal it first", l.Load))
	case StatusDeparted, StatusCancelled: // for good
	}
	return fault.At(op, fault.Rejected, "load", fmt.Errorf("load %s is %s", l.Load, l.Status))
}

// Plan begins a load.
func (l Load) Plan(c Plan, at time.Time) ([]event.Event, error) {
	const op = "load.Plan"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	for _, n := range [...]struct{ place, v string }{{"load", c.Load}, {"carrier", c.Carrier}} {
		if err := scope.CheckPart(n.v); err != nil {
			return nil, fault.At(op, fault.Invalid, n.place, err)
		}
	}
	if l.Status != StatusNone {
		return nil, fault.At(op, fault.Rejected, "load", fmt.Errorf("load %s exists (%s)", l.Load, l.Status))
	}
	if len(c.Stops) > MaxStops {
		return nil, fault.At(op, fault.Invalid, "stops", fmt.Errorf("has %d stops, at most %d are allowed", len(c.Stops), MaxStops))
	}
	stops := slices.Clone(c.Stops)
	if len(stops) == 0 {
		stops = []Stop{{1, c.Carrier}}
	}
	for i, s := range stops {
		if s.No != i+1 {
			return nil, fault.At(op, fault.Invalid, fmt.Sprintf("stops[%d].no", i), fmt.Errorf("%d is not %d: stops are numbered in their order", s.No, i+1))
		}
		if err := scope.CheckPart(s.Code); err != nil {
			return nil, fault.At(op, fault.Invalid, fmt.Sprintf("stops[%d].code", i), err)
		}
	}
	return []event.Event{Planned{Head{c.Scope, c.Load, at.UTC()}, c.Carrier, c.Trailer, stops, c.By}}, nil
}

// Assign takes a unit into the plan; planned for the same stop already is no event, for
// another is Rejected.
func (l Load) Assign(c Assign, at time.Time) ([]event.Event, error) {
	const op = "load.Assign"
	if err := l.open(op); err != nil {
		return nil, err
	}
	if err := gs1.CheckSSCC(c.SSCC); err != nil {
		return nil, fault.At(op, fault.Invalid, "sscc", err)
	}
	if c.Stop == 0 {
		c.Stop = 1
	}
	if c.Stop < 1 || c.Stop > len(l.Stops) {
		return nil, fault.At(op, fault.Invalid, "stop", fmt.Errorf("load %s has %d stops, not %d", l.Load, len(l.Stops), c.Stop))
	}
	if u, ok := l.Unit(c.SSCC); ok {
		if u.Stop == c.Stop {
			return nil, nil
		}
		return nil, fault.At(op, fault.Rejected, "stop", fmt.Errorf("%s is planned for stop %d: take it off first", c.SSCC, u.Stop))
	}
	if len(l.Units) == MaxUnits {
		return nil, fault.At(op, fault.Rejected, "sscc", fmt.Errorf("load %s has %d units, no more are allowed", l.Load, MaxUnits))
	}
	return []event.Event{Assigned{l.head(at), c.SSCC, c.Stop, c.By}}, nil
}

// Unassign takes a unit off; one that is not of the load is Rejected.
func (l Load) Unassign(c Unassign, at time.Time) ([]event.Event, error) {
	const op = "load.Unassign"
	if err := l.open(op); err != nil {
		return nil, err
	}
	if _, ok := l.Unit(c.SSCC); !ok {
		return nil, fault.At(op, fault.Rejected, "sscc", fmt.Errorf("%.32q is not of load %s", c.SSCC, l.Load))
	}
	return []event.Event{Unassigned{l.head(at), c.SSCC, c.By, c.Reason}}, nil
}

// Scan says that a unit stands in the truck; again is no event. One that is not planned for
// this load is Rejected: it would go to the wrong place.
func (l Load) Scan(c Scan, at time.Time) ([]event.Event, error) {
	const op = "load.Scan"
	if err := l.open(op); err != nil {
		return nil, err
	}
	u, ok := l.Unit(c.SSCC)
	switch {
	case !ok:
		return nil, fault.At(op, fault.Rejected, "sscc", fmt.Errorf("%.32q is not of load %s: leave it on the dock", c.SSCC, l.Load))
	case u.Loaded:
		return nil, nil
	}
	return []event.Event{Scanned{l.head(at), c.SSCC, c.By}}, nil
}

// Seal closes the truck; sealed with the same seal already is no event.
func (l Load) Seal(c Seal, at time.Time) ([]event.Event, error) {
	const op = "load.Seal"
	if l.Status == StatusSealed && l.SealNo == c.Seal {
		return nil, nil
	}
	if err := l.open(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Seal); err != nil {
		return nil, fault.At(op, fault.Invalid, "seal", err)
	}
	if len(l.Units) == 0 {
		return nil, fault.At(op, fault.Rejected, "load", fmt.Errorf("nothing is in load %s", l.Load))
	}
	var out []string
	for _, u := range l.Units {
		if !u.Loaded {
			out = append(out, u.SSCC)
		}
	}
	if len(out) > 0 {
		return nil, fault.At(op, fault.Rejected, "load", fmt.Errorf("%d of %d units were not scanned into load %s, %s first: load them or take them off", len(out), len(l.Units), l.Load, out[0]))
	}
	return []event.Event{Sealed{l.head(at), c.Seal, c.By}}, nil
}

// Unseal opens the truck again; open already is no event.
func (l Load) Unseal(c Unseal, at time.Time) ([]event.Event, error) {
	const op = "load.Unseal"
	if l.Status != StatusSealed {
		return nil, l.open(op)
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	return []event.Event{Unsealed{l.head(at), c.Reason, c.By}}, nil
}

// Depart sends the truck off; gone already is no event.
func (l Load) Depart(c Depart, at time.Time) ([]event.Event, error) {
	const op = "load.Depart"
	switch l.Status {
	case StatusDeparted:
		return nil, nil
	case StatusSealed:
	case StatusPlanned:
		return nil, fault.At(op, fault.Rejected, "load", fmt.Errorf("load %s is not sealed", l.Load))
	case StatusNone, StatusCancelled:
		return nil, l.open(op)
	}
	return []event.Event{Departed{l.head(at), l.Carrier, l.Trailer, l.SealNo, slices.Clone(c.Cartons), c.By}}, nil
}

// Cancel ends a load that is not sealed; cancelled already is no event.
func (l Load) Cancel(c Cancel, at time.Time) ([]event.Event, error) {
	const op = "load.Cancel"
	if l.Status == StatusCancelled {
		return nil, nil
	}
	if err := l.open(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	var units []string
	for _, u := range l.Units {
		units = append(units, u.SSCC)
	}
	return []event.Event{Cancelled{l.head(at), units, c.Reason, c.By}}, nil
}

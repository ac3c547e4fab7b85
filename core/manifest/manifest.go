// Package manifest lists what a carrier takes of a service in a day: the labelled cartons since
// the one before was closed. It is closed once.
package manifest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// MaxCartons is where a manifest is full, and the day goes on with another beside it: its
// snapshots and the event of its end hold them all.
const MaxCartons = 2_000

// Carton is a carton on a manifest.
type Carton struct {
	Owner    string       `json:"owner"`
	Order    string       `json:"order"`
	SSCC     string       `json:"sscc"`
	Service  string       `json:"service,omitempty"`
	Tracking string       `json:"tracking"`
	Weight   measure.Mass `json:"weight_mg"`
}

// Open begins a manifest.
type Open struct {
	scope.Scope // of the building
	Manifest    string
	Carrier     string
	Service     string // "" is that of labels that name none
	Day         string // 2006-01-02, where the building stands
}

// Add puts a labelled carton on it.
type Add struct{ Carton Carton }

// Remove takes a carton off, whose label was given back or whose order is on hold.
type Remove struct{ Carton, Reason string }

// Close ends it: the carrier is told, and the next label goes on another.
type Close struct{ By, Reason string }

// Head is what every event of a manifest begins with.
type Head struct {
	scope.Scope
	Manifest string    `json:"manifest"`
	At       time.Time `json:"at"`
}

// Stream is the stream of the manifest.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Manifest) }

// Key orders messages about the manifest.
func (h Head) Key() string {
	return scope.Stream{Tenant: h.Tenant, Owner: scope.Shared, ID: h.Manifest, Facility: h.Facility}.Key()
}

// StreamOf is the stream of a manifest: it is the building's.
func StreamOf(s scope.Scope, id string) string {
	return scope.Stream{Kind: "manifest", Tenant: s.Tenant, Owner: scope.Shared, ID: id, Facility: s.Facility}.String()
}

// Opened says that there is a manifest.
type Opened struct {
	Head
	Carrier string `json:"carrier"`
	Service string `json:"service,omitempty"`
	Day     string `json:"day"`
}

// Added says that a carton is on it.
type Added struct {
	Head
	Carton Carton `json:"carton"`
}

// Removed says that a carton is not on it any more.
type Removed struct {
	Head
	Carton string `json:"carton"`
	Reason string `json:"reason"`
}

// Closed says what the carrier takes.
type Closed struct {
	Head
	Carrier string       `json:"carrier"`
	Day     string       `json:"day"`
	Cartons []Carton     `json:"cartons"`
	Weight  measure.Mass `json:"weight_mg"`
	Service string       `json:"service,omitempty"`
	Orders  int          `json:"orders,omitempty"` // that the cartons are of
	By      string       `json:"by,omitempty"`
	Reason  string       `json:"reason"`
}

// EventType implements [event.Event].
func (Opened) EventType() string { return "ship.ManifestOpened" }

// EventType implements [event.Event].
func (Added) EventType() string { return "ship.ManifestAdded" }

// EventType implements [event.Event].
func (Removed) EventType() string { return "ship.ManifestRemoved" }

// EventType implements [event.Event].
func (Closed) EventType() string { return "ship.ManifestClosed" }

var _ event.Streamed = Opened{}

// Statuses of a manifest.
const (
	StatusOpen   = "open"
	StatusClosed = "closed"
)

// Manifest is the state of a manifest. The zero Manifest does not exist yet.
type Manifest struct {
	Head    `json:"head"`
	Carrier string   `json:"carrier"`
	Service string   `json:"service,omitempty"`
	Day     string   `json:"day"`
	Cartons []Carton `json:"cartons,omitempty"`
	Status  string   `json:"status"`
	Total   Total    `json:"total,omitzero"`

	shared *shared // the array behind Cartons; nil where it is not known
}

// shared is the list of the longest of several states, which the others are the beginnings of. A
// place of it is written once.
type shared struct {
	mu   sync.Mutex
	list []Carton
}

// with is the first n and c: their list goes on with c, or did already for another state that was
// made of the same one. nil where neither is so.
func (a *shared) with(n int, c Carton) []Carton {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case len(a.list) == n && n < cap(a.list):
		a.list = append(a.list, c)
	case len(a.list) <= n || a.list[n] != c:
		return nil
	}
	return a.list[: n+1 : n+1]
}

// Total is what a manifest comes to.
type Total struct {
	Cartons int          `json:"cartons"`
	Orders  int          `json:"orders"`
	Weight  measure.Mass `json:"weight_mg"`
}

// with has one more carton. The states before it keep their own lists, in the same array.
func (m Manifest) with(c Carton) Manifest {
	if !m.holds(c) {
		m.Total.Orders++
	}
	n := len(m.Cartons)
	longer := m.shared.with(n, c)
	if longer == nil {
		m.shared = &shared{list: append(make([]Carton, 0, min(max(2*n, 8), max(MaxCartons, n+1))), m.Cartons...)}
		longer = m.shared.with(n, c)
	}
	m.Cartons = longer
	m.Total.Cartons++
	m.Total.Weight += c.Weight
	return m
}

// without has not this carton.
func (m Manifest) without(sscc string) Manifest {
	i := slices.IndexFunc(m.Cartons, func(c Carton) bool { return c.SSCC == sscc })
	if i < 0 {
		return m
	}
	c := m.Cartons[i]
	m.Cartons, m.shared = slices.Concat(m.Cartons[:i], m.Cartons[i+1:]), nil
	if !m.holds(c) {
		m.Total.Orders--
	}
	m.Total.Cartons--
	m.Total.Weight -= c.Weight
	return m
}

// holds is whether a carton of the same order is on it: most likely the one before.
func (m Manifest) holds(c Carton) bool {
	for _, o := range slices.Backward(m.Cartons) {
		if o.Order == c.Order && o.Owner == c.Owner {
			return true
		}
	}
	return false
}

// Fold makes a [Manifest].
var Fold = event.Fold[Manifest]{Kind: "manifest", Version: 2, Apply: apply}

func apply(m Manifest, e event.Event) (Manifest, error) {
	switch e := e.(type) {
	case Opened:
		return Manifest{Head: e.Head, Carrier: e.Carrier, Service: e.Service, Day: e.Day, Status: StatusOpen}, nil
	case Added:
		m = m.with(e.Carton)
	case Removed:
		m = m.without(e.Carton)
	case Closed:
		m.Status = StatusClosed
	default:
		return m, event.Unexpected("manifest", e)
	}
	return m, nil
}

func (m Manifest) head(at time.Time) Head {
	h := m.Head
	h.At = at.UTC()
	return h
}

func (m Manifest) open(op string) error {
	switch m.Status {
	case StatusOpen:
		return nil
	case StatusClosed:
		return fault.At(op, fault.Rejected, "manifest", fmt.Errorf("manifest %s is closed", m.Manifest))
	}
	return fault.At(op, fault.Rejected, "manifest", errors.New("there is no such manifest"))
}

// Has is whether a carton is on it.
func (m Manifest) Has(sscc string) bool {
	return slices.ContainsFunc(m.Cartons, func(c Carton) bool { return c.SSCC == sscc })
}

// Open begins a manifest.
func (m Manifest) Open(c Open, at time.Time) ([]event.Event, error) {
	const op = "manifest.Open"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	for _, n := range [...]struct{ place, v string }{{"manifest", c.Manifest}, {"carrier", c.Carrier}} {
		if err := scope.CheckPart(n.v); err != nil {
			return nil, fault.At(op, fault.Invalid, n.place, err)
		}
	}
	if c.Service != "" {
		if err := scope.CheckPart(c.Service); err != nil {
			return nil, fault.At(op, fault.Invalid, "service", err)
		}
	}
	if _, err := time.Parse(time.DateOnly, c.Day); err != nil {
		return nil, fault.At(op, fault.Invalid, "day", fmt.Errorf("%.16q is no day like 2026-11-29", c.Day))
	}
	if m.Status != "" {
		return nil, fault.At(op, fault.Rejected, "manifest", fmt.Errorf("manifest %s exists (%s)", m.Manifest, m.Status))
	}
	return []event.Event{Opened{Head{c.Scope, c.Manifest, at.UTC()}, c.Carrier, c.Service, c.Day}}, nil
}

// Add puts a carton on the manifest; there already is no event.
func (m Manifest) Add(c Add, at time.Time) ([]event.Event, error) {
	const op = "manifest.Add"
	if err := m.open(op); err != nil {
		return nil, err
	}
	if err := gs1.CheckSSCC(c.Carton.SSCC); err != nil {
		return nil, fault.At(op, fault.Invalid, "carton", err)
	}
	if err := scope.CheckPart(c.Carton.Tracking); err != nil {
		return nil, fault.At(op, fault.Invalid, "tracking", err)
	}
	switch {
	case m.Has(c.Carton.SSCC):
		return nil, nil
	case m.Service != "" && c.Carton.Service != m.Service:
		return nil, fault.At(op, fault.Rejected, "service", fmt.Errorf("manifest %s is of service %s, the carton goes by %q", m.Manifest, m.Service, c.Carton.Service))
	case len(m.Cartons) == MaxCartons:
		return nil, fault.At(op, fault.Rejected, "manifest", fmt.Errorf("manifest %s has %d cartons and is full", m.Manifest, MaxCartons))
	}
	return []event.Event{Added{m.head(at), c.Carton}}, nil
}

// Remove takes a carton off; not there is no event.
func (m Manifest) Remove(c Remove, at time.Time) ([]event.Event, error) {
	const op = "manifest.Remove"
	if err := m.open(op); err != nil {
		return nil, err
	}
	if !m.Has(c.Carton) {
		return nil, nil
	}
	return []event.Event{Removed{m.head(at), c.Carton, c.Reason}}, nil
}

// Close ends the manifest; closed already is no event.
func (m Manifest) Close(c Close, at time.Time) ([]event.Event, error) {
	const op = "manifest.Close"
	if m.Status == StatusClosed {
		return nil, nil
	}
	if err := m.open(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	return []event.Event{Closed{
		Head: m.head(at), Carrier: m.Carrier, Service: m.Service, Day: m.Day, Cartons: slices.Clone(m.Cartons),
		Weight: m.Total.Weight, Orders: m.Total.Orders, By: c.By, Reason: c.Reason,
	}}, nil
}

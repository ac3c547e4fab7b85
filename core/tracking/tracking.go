// Package tracking is where each LPN (pallet, case, tote, carton) is: what it stands in, where
// it was seen, by whom and when. What lies in it is said by the stock, whose accounts name it.
//
// Sightings are ordered by when they were made, not by when they came: one that is older than
// what is known is history and moves nothing back. So the same sightings in any order give the
// same position.
package tracking

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Kinds of LPNs.
const (
	KindPallet = "pallet"
	KindCase   = "case"
	KindTote   = "tote"
	KindCarton = "carton"
)

// Stages: about where an LPN is while nobody has scanned a place.
const (
	StagePicking  = "picking"
	StagePacking  = "packing"
	StageShipping = "shipping"
)

// Limits of one LPN.
const (
	MaxDepth    = 8    // LPNs that stand in each other
	MaxChildren = 1000 // LPNs that stand in one
	MaxItems    = 200  // items that are known to lie in one
	Remembered  = 20   // sightings that the state keeps; the stream has all
)

// Position is where an LPN is: in another, at a location, or about.
type Position struct {
	Location string `json:"location,omitempty"`
	Parent   string `json:"parent,omitempty"`
	Stage    string `json:"stage,omitempty"`
}

// Sighting says where an LPN was and how that is known. Seen is when, by the hub's clock; two of
// one moment are ordered by device and sequence.
type Sighting struct {
	Position
	Seen   time.Time `json:"seen"`
	Device string    `json:"device,omitempty"` // "" where a flow says so
	Seq    int64     `json:"seq,omitempty"`
	By     string    `json:"by,omitempty"`
	Cause  string    `json:"cause"` // "scan", "move", "pick", "pack", "receive", "ship", "stock"
}

func (s Sighting) compare(o Sighting) int {
	return cmp.Or(s.Seen.Compare(o.Seen), cmp.Compare(s.Device, o.Device), cmp.Compare(s.Seq, o.Seq),
		cmp.Compare(s.Location, o.Location), cmp.Compare(s.Parent, o.Parent), cmp.Compare(s.Stage, o.Stage))
}

// Place says where an LPN is. One that nobody knows is registered as of Kind. Ancestors are what
// the new parent stands in, from the parent on.
type Place struct {
	scope.Scope
	LPN       string
	Kind      string
	Ref       string // what it is for: an order
	Ancestors []string
	Sighting
}

// Load says that an owner's item lies, or will lie, in the LPN.
type Load struct{ Content }

// Content is an item of which the stock has something in an LPN.
type Content struct {
	Owner string `json:"owner"`
	Item  string `json:"item"`
}

// Adopt says on the parent's side what stands in it.
type Adopt struct{ Child string }

// Leave says on the parent's side what no longer does.
type Leave struct{ Child string }

// End says that the LPN left the building, or is no more.
type End struct {
	Reason string
	Seen   time.Time
}

// Head is what every event of an LPN begins with.
type Head struct {
	scope.Scope
	LPN string    `json:"lpn"`
	At  time.Time `json:"at"`
}

// Stream is the stream of the LPN.
func (h Head) Stream() string { return StreamOf(h.Scope, h.LPN) }

// Key orders messages about the LPN.
func (h Head) Key() string { return streamOf(h.Scope, h.LPN).Key() }

func streamOf(s scope.Scope, lpn string) scope.Stream {
	return scope.Stream{Kind: "lpn", Tenant: s.Tenant, Owner: scope.Shared, ID: lpn, Facility: s.Facility}
}

// StreamOf is the stream of an LPN: goods of several owners may lie in one.
func StreamOf(s scope.Scope, lpn string) string { return streamOf(s, lpn).String() }

// Registered says that an LPN is in use, or is used for something else from now on.
type Registered struct {
	Head
	Kind string `json:"kind"`
	Ref  string `json:"ref,omitempty"`
}

// Moved says that it is somewhere else.
type Moved struct {
	Head
	Sighting
}

// Sighted says that it was seen where it was known to be or, Late, that it had been there.
type Sighted struct {
	Head
	Sighting
	Late bool `json:"late,omitempty"`
}

// Loaded says that an item lies in it.
type Loaded struct {
	Head
	Content Content `json:"content"`
}

// Adopted says that another LPN stands in it.
type Adopted struct {
	Head
	Child string `json:"child"`
}

// Left says that one no longer does.
type Left struct {
	Head
	Child string `json:"child"`
}

// Ended says that it is gone.
type Ended struct {
	Head
	Reason string    `json:"reason"`
	Seen   time.Time `json:"seen"`
}

// EventType implements [event.Event].
func (Registered) EventType() string { return "lpn.Registered" }

// EventType implements [event.Event].
func (Moved) EventType() string { return "lpn.Moved" }

// EventType implements [event.Event].
func (Sighted) EventType() string { return "lpn.Sighted" }

// EventType implements [event.Event].
func (Loaded) EventType() string { return "lpn.Loaded" }

// EventType implements [event.Event].
func (Adopted) EventType() string { return "lpn.Adopted" }

// EventType implements [event.Event].
func (Left) EventType() string { return "lpn.Left" }

// EventType implements [event.Event].
func (Ended) EventType() string { return "lpn.Ended" }

// LPN is the state of one. The zero LPN is not known.
type LPN struct {
	Head
	Kind     string     `json:"kind"`
	Ref      string     `json:"ref,omitempty"`
	Last     Sighting   `json:"last"`               // the latest; its position is where the LPN is
	History  []Sighting `json:"history,omitempty"`  // the latest, oldest first
	Items    []Content  `json:"items,omitempty"`    // that lie, or lay, in it
	Children []string   `json:"children,omitempty"` // that stand in it
	Ended    string     `json:"ended,omitempty"`    // why it is gone
}

// Known reports whether it was ever told of.
func (l LPN) Known() bool { return l.LPN != "" }

// Status is "active" or "ended".
func (l LPN) Status() string {
	if l.Ended != "" {
		return "ended"
	}
	return "active"
}

// Fold makes an [LPN].
var Fold = event.Fold[LPN]{Kind: "lpn", Version: 1, Apply: apply}

func apply(l LPN, e event.Event) (LPN, error) {
	switch e := e.(type) {
	case Registered:
		l.Head, l.Kind, l.Ref, l.Ended = e.Head, e.Kind, e.Ref, ""
	case Moved:
		l.Last, l.History = e.Sighting, remember(l.History, e.Sighting)
	case Sighted:
		l.History = remember(l.History, e.Sighting)
		if !e.Late {
			l.Last = e.Sighting
		}
	case Loaded:
		l.Items = append(slices.Clone(l.Items), e.Content)
	case Adopted:
		l.Children = append(slices.Clone(l.Children), e.Child)
		slices.Sort(l.Children)
	case Left:
		l.Children = slices.DeleteFunc(slices.Clone(l.Children), func(c string) bool { return c == e.Child })
	case Ended:
		l.Ended, l.Items, l.Children = e.Reason, nil, nil
		l.Last = Sighting{Seen: e.Seen, Cause: e.Reason}
	default:
		return l, event.Unexpected("lpn", e)
	}
	return l, nil
}

// remember keeps the latest sightings in the order in which they were made.
func remember(list []Sighting, s Sighting) []Sighting {
	at, _ := slices.BinarySearchFunc(list, s, Sighting.compare)
	list = slices.Insert(slices.Clone(list), at, s)
	return list[max(0, len(list)-Remembered):]
}

func (l LPN) head(at time.Time) Head {
	h := l.Head
	h.At = at.UTC()
	return h
}

// Place takes a sighting. A position that an earlier one names is kept and changes nothing; an
// LPN cannot stand in itself.
func (l LPN) Place(c Place, at time.Time) ([]event.Event, error) {
	const op = "tracking.Place"
	if err := c.check(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if l.Ended != "" && c.Kind == "" {
		return nil, fault.At(op, fault.Rejected, "lpn", fmt.Errorf("LPN %s is gone (%s)", l.LPN, l.Ended))
	}
	if c.Parent != "" {
		switch {
		case c.Parent == c.LPN || slices.Contains(c.Ancestors, c.LPN):
			return nil, fault.At(op, fault.Rejected, "parent", fmt.Errorf("LPN %s would stand in itself", c.LPN))
		case len(c.Ancestors) >= MaxDepth:
			return nil, fault.At(op, fault.Rejected, "parent", fmt.Errorf("LPN %s would stand in %d others, at most %d are allowed", c.LPN, len(c.Ancestors), MaxDepth-1))
		}
	}
	h := Head{c.Scope.Building(), c.LPN, at.UTC()}
	c.Seen = c.Seen.UTC()
	var out []event.Event
	late := l.Known() && c.Sighting.compare(l.Last) < 0
	if kind := cmp.Or(c.Kind, l.Kind, KindPallet); !late && (!l.Known() || l.Ended != "" || c.Ref != "" && c.Ref != l.Ref) {
		out = append(out, Registered{h, kind, cmp.Or(c.Ref, l.Ref)})
	}
	switch {
	case late:
		out = append(out, Sighted{h, c.Sighting, true})
	case c.Sighting.compare(l.Last) == 0: // the same one again
	case c.Position == l.Last.Position:
		out = append(out, Sighted{h, c.Sighting, false})
	default:
		out = append(out, Moved{h, c.Sighting})
	}
	return out, nil
}

func (c Place) check() error {
	if err := c.Scope.Building().Validate(); err != nil {
		return err
	}
	bad := func(place string, err error) error { return fault.At("tracking.Place", fault.Invalid, place, err) }
	if err := scope.CheckPart(c.LPN); err != nil {
		return bad("lpn", err)
	}
	for _, p := range [...]struct{ place, v string }{{"location", c.Location}, {"parent", c.Parent}, {"ref", c.Ref}, {"device", c.Device}, {"by", c.By}} {
		if err := scope.CheckPart(p.v); err != nil && p.v != "" {
			return bad(p.place, err)
		}
	}
	switch c.Kind {
	case "", KindPallet, KindCase, KindTote, KindCarton:
	default:
		return bad("kind", fmt.Errorf("%q is neither %s, %s, %s nor %s", c.Kind, KindPallet, KindCase, KindTote, KindCarton))
	}
	switch {
	case c.Seen.IsZero():
		return bad("seen", errors.New("is missing"))
	case c.Position == Position{}:
		return bad("location", errors.New("is missing: name a location or the LPN that it stands in"))
	case c.Location != "" && c.Parent != "":
		return bad("parent", errors.New("an LPN that stands in another is where that one is: name one of both"))
	}
	return nil
}

func (l LPN) known(op string) error {
	if !l.Known() {
		return fault.At(op, fault.Rejected, "lpn", errors.New("there is no such LPN"))
	}
	return nil
}

// Clear says that it is for nothing in particular any more.
func (l LPN) Clear(at time.Time) ([]event.Event, error) {
	if err := l.known("tracking.Clear"); err != nil {
		return nil, err
	}
	if l.Ref == "" || l.Ended != "" {
		return nil, nil
	}
	return []event.Event{Registered{l.head(at), l.Kind, ""}}, nil
}

// Load notes an item; one that is known already is no event, nor is one too many: what lies in
// an LPN is for the stock to say.
func (l LPN) Load(c Load, at time.Time) ([]event.Event, error) {
	if err := l.known("tracking.Load"); err != nil {
		return nil, err
	}
	if slices.Contains(l.Items, c.Content) || len(l.Items) >= MaxItems {
		return nil, nil
	}
	return []event.Event{Loaded{l.head(at), c.Content}}, nil
}

// Adopt notes what stands in the LPN.
func (l LPN) Adopt(c Adopt, at time.Time) ([]event.Event, error) {
	const op = "tracking.Adopt"
	if err := l.known(op); err != nil {
		return nil, err
	}
	if l.Ended != "" {
		return nil, fault.At(op, fault.Rejected, "parent", fmt.Errorf("LPN %s is gone (%s)", l.LPN, l.Ended))
	}
	if slices.Contains(l.Children, c.Child) {
		return nil, nil
	}
	if len(l.Children) >= MaxChildren {
		return nil, fault.At(op, fault.Rejected, "parent", fmt.Errorf("%d LPNs stand in %s, no more do", MaxChildren, l.LPN))
	}
	return []event.Event{Adopted{l.head(at), c.Child}}, nil
}

// Leave notes what no longer stands in the LPN.
func (l LPN) Leave(c Leave, at time.Time) ([]event.Event, error) {
	if !slices.Contains(l.Children, c.Child) {
		return nil, nil
	}
	return []event.Event{Left{l.head(at), c.Child}}, nil
}

// End says that it is gone; one that is gone already is no event.
func (l LPN) End(c End, at time.Time) ([]event.Event, error) {
	const op = "tracking.End"
	if err := l.known(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if l.Ended != "" {
		return nil, nil
	}
	return []event.Event{Ended{l.head(at), c.Reason, c.Seen.UTC()}}, nil
}

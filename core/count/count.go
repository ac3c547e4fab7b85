// Package count is the counting of one place for one item: who counted what, when a second
// look is asked for, and how the books were set right.
//
// A blind count shows nobody what the books say: what is booked is read when the number
// comes, and stands in no event before.
package count

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/scope"
)

// Why a place is counted. Others may be given.
const (
	CauseShort = "short_pick"
	CauseCycle = "cycle"
	CauseAsked = "asked"
	// CauseUnsettled is a place where less was counted than orders were given of it, once goods of it
	// were picked or given back.
	CauseUnsettled = "unsettled"
)

// Statuses of a count.
const (
	StatusOpen      = "open"
	StatusSettled   = "settled"
	StatusCancelled = "cancelled"
)

// MaxRounds is how often a place is counted before the last number is believed.
const MaxRounds = 3

// Open asks for a count. Expected is what the books say, for one that is not blind, and Reporter who
// found too little there: he does not settle it where another can.
type Open struct {
	inventory.BookKey
	inventory.Place
	ID       string
	Cause    string
	Class    string
	Blind    bool
	Expected int64
	Task     string
	Reporter string
}

// Tally is what somebody counted. Booked is what the books say at that moment; Tolerance is
// how far the two may be apart, and Recounts by how many others a difference beyond it must
// be confirmed. Task is the name of the next task, should there be one. Others says that another
// person than By is there to count.
type Tally struct {
	Counted   int64
	By        string
	Booked    int64
	Tolerance int64
	Recounts  int
	Task      string
	Others    bool
}

// Cancel ends it without a number.
type Cancel struct{ Reason, By string }

// Head is what every event of a count begins with.
type Head struct {
	inventory.BookKey
	inventory.Place
	ID string    `json:"count"`
	At time.Time `json:"at"`
}

// Stream is the stream of the count.
func (h Head) Stream() string { return StreamOf(h.Scope, h.ID) }

// Key orders messages about the count.
func (h Head) Key() string { return streamOf(h.Scope, h.ID).Key() }

func streamOf(s scope.Scope, id string) scope.Stream {
	return scope.Stream{Kind: "count", Tenant: s.Tenant, Owner: s.Owner, ID: id, Facility: s.Facility}
}

// StreamOf is the stream of a count.
func StreamOf(s scope.Scope, id string) string { return streamOf(s, id).String() }

// Opened says that a place is to be counted, by the task that is named.
type Opened struct {
	Head
	Cause    string `json:"cause"`
	Class    string `json:"class,omitempty"`
	Blind    bool   `json:"blind,omitempty"`
	Expected int64  `json:"expected,omitempty"`
	Task     string `json:"task"`
	Reporter string `json:"reporter,omitempty"` // who found too little there
}

// Tallied says what was counted, and what the books said then.
type Tallied struct {
	Head
	Round   int    `json:"round"`
	Counted int64  `json:"counted"`
	Booked  int64  `json:"booked"`
	By      string `json:"by"`
}

// RecountAsked says that somebody else is to count, by the task that is named.
type RecountAsked struct {
	Head
	Round int    `json:"round"`
	Task  string `json:"task"`
}

// Settled ends the count: Counted is what is believed.
type Settled struct {
	Head
	Counted int64 `json:"counted"`
	Booked  int64 `json:"booked"`
	// Because says why it is believed: "agrees", "within_tolerance", "single", "confirmed",
	// "last_round".
	Because string `json:"because"`
}

// Cancelled ends it without a number.
type Cancelled struct {
	Head
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
}

// EventType implements [event.Event].
func (Opened) EventType() string { return "count.Opened" }

// EventType implements [event.Event].
func (Tallied) EventType() string { return "count.Tallied" }

// EventType implements [event.Event].
func (RecountAsked) EventType() string { return "count.RecountAsked" }

// EventType implements [event.Event].
func (Settled) EventType() string { return "count.Settled" }

// EventType implements [event.Event].
func (Cancelled) EventType() string { return "count.Cancelled" }

// Look is one number that was told.
type Look struct {
	Counted int64  `json:"counted"`
	Booked  int64  `json:"booked"`
	By      string `json:"by"`
}

// Count is the state of a count. The zero Count does not exist.
type Count struct {
	Head
	Cause    string `json:"cause,omitempty"`
	Class    string `json:"class,omitempty"`
	Blind    bool   `json:"blind,omitempty"`
	Expected int64  `json:"expected,omitempty"`
	Task     string `json:"task,omitempty"` // the open one
	Reporter string `json:"reporter,omitempty"`
	Looks    []Look `json:"looks,omitempty"`
	Status   string `json:"status"`
	Because  string `json:"because,omitempty"`
}

// Known reports whether it was ever asked for.
func (c Count) Known() bool { return c.ID != "" }

// Fold makes a [Count].
var Fold = event.Fold[Count]{Kind: "count", Version: 2, Apply: apply}

func apply(c Count, e event.Event) (Count, error) {
	switch e := e.(type) {
	case Opened:
		return Count{Head: e.Head, Cause: e.Cause, Class: e.Class, Blind: e.Blind, Expected: e.Expected, Task: e.Task, Reporter: e.Reporter, Status: StatusOpen}, nil
	case Tallied:
		c.Looks = append(slices.Clone(c.Looks), Look{e.Counted, e.Booked, e.By})
	case RecountAsked:
		c.Task = e.Task
	case Settled:
		c.Status, c.Because, c.Task = StatusSettled, e.Because, ""
	case Cancelled:
		c.Status, c.Because, c.Task = StatusCancelled, e.Reason, ""
	default:
		return c, event.Unexpected("count", e)
	}
	return c, nil
}

func (c Count) head(at time.Time) Head {
	h := c.Head
	h.At = at.UTC()
	return h
}

func (c Count) open(op string) error {
	switch {
	case !c.Known():
		return fault.At(op, fault.Rejected, "count", errors.New("there is no such count"))
	case c.Status != StatusOpen:
		return fault.At(op, fault.Rejected, "count", fmt.Errorf("count %s is %s: ask for a new one", c.ID, c.Status))
	}
	return nil
}

// Open asks for a count; one that exists is Rejected.
func (c Count) Open(o Open, at time.Time) ([]event.Event, error) {
	const op = "count.Open"
	bad := func(place string, err error) ([]event.Event, error) {
		return nil, fault.At(op, fault.Invalid, place, err)
	}
	if err := o.BookKey.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	for _, p := range [...]struct {
		place, v string
		needed   bool
	}{
		{"count", o.ID, true}, {"location", o.Location, true}, {"cause", o.Cause, true}, {"task", o.Task, true},
		{"lot", o.Lot, false}, {"lpn", o.LPN, false},
	} {
		if err := scope.CheckPart(p.v); err != nil && (p.needed || p.v != "") {
			return bad(p.place, err)
		}
	}
	if c.Known() {
		return nil, fault.At(op, fault.Rejected, "count", fmt.Errorf("count %s exists (%s)", c.ID, c.Status))
	}
	if o.Blind {
		o.Expected = 0
	}
	return []event.Event{Opened{Head{o.BookKey, o.Place, o.ID, at.UTC()}, o.Cause, o.Class, o.Blind, o.Expected, o.Task, o.Reporter}}, nil
}

// Tally takes a number. A difference that nobody confirmed yet is looked at again by somebody
// else; two who agree are believed, and so is the last round.
func (c Count) Tally(t Tally, at time.Time) ([]event.Event, error) {
	const op = "count.Tally"
	if err := c.open(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(t.By); err != nil {
		return nil, fault.At(op, fault.Invalid, "by", err)
	}
	if t.Counted < 0 || t.Counted > inventory.MaxQty {
		return nil, fault.At(op, fault.Invalid, "counted", fmt.Errorf("%d is not between 0 and %d", t.Counted, inventory.MaxQty))
	}
	if slices.ContainsFunc(c.Looks, func(l Look) bool { return l.By == t.By }) {
		return nil, fault.At(op, fault.Rejected, "by", fmt.Errorf("%s has counted %s: somebody else must look again", t.By, c.Location))
	}
	if c.Reporter == t.By && t.Others {
		return nil, fault.At(op, fault.Rejected, "by", fmt.Errorf("%s found too little at %s: somebody else must count it", t.By, c.Location))
	}
	h, round := c.head(at), len(c.Looks)+1
	out := []event.Event{Tallied{h, round, t.Counted, t.Booked, t.By}}
	var because string
	diff := max(t.Counted-t.Booked, t.Booked-t.Counted)
	switch {
	case diff == 0:
		because = "agrees"
	case diff <= t.Tolerance:
		because = "within_tolerance"
	case t.Recounts == 0 || c.Cause == CauseShort: // the picker was the first to look
		because = "single"
	// Goods may have moved between the looks: what two say is how far the books are off.
	case slices.ContainsFunc(c.Looks, func(l Look) bool { return l.Counted-l.Booked == t.Counted-t.Booked }):
		because = "confirmed"
	case round > t.Recounts || round >= MaxRounds:
		because = "last_round"
	default:
		return append(out, RecountAsked{h, round + 1, t.Task}), nil
	}
	return append(out, Settled{h, t.Counted, t.Booked, because}), nil
}

// Cancel ends it; an ended one is no event.
func (c Count) Cancel(x Cancel, at time.Time) ([]event.Event, error) {
	const op = "count.Cancel"
	if c.Known() && c.Status == StatusCancelled {
		return nil, nil
	}
	if err := c.open(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(x.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	return []event.Event{Cancelled{c.head(at), x.Reason, x.By}}, nil
}

// Due is how many days after its last count a place of an item of the class is counted again.
func Due(class string) int {
	switch class {
	case "A":
		return 30
	case "B":
		return 90
	}
	return 180
}

// DoneBy is whose hands did it.
func (c Tally) DoneBy() string { return c.By }

package receiving

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/scope"
)

func (r Receipt) head(at time.Time) Head {
	h := r.Head
	h.At = at.UTC()
	return h
}

// open refuses what is not there, and what has ended.
func (r Receipt) open(op string) error {
	switch {
	case !r.Known():
		return fault.At(op, fault.Rejected, "receipt", errors.New("there is no such receipt"))
	case r.Status == StatusClosed:
		return fault.At(op, fault.Rejected, "receipt", fmt.Errorf("receipt %s is closed and is not opened again: what comes late comes on a receipt of its own", r.ID))
	case r.Status == StatusCancelled:
		return fault.At(op, fault.Rejected, "receipt", fmt.Errorf("receipt %s is cancelled (%s): announce another", r.ID, r.Reason))
	}
	return nil
}

// Announce makes a receipt known. The same again is no event; another under its name is Rejected.
func (r Receipt) Announce(c Announce, at time.Time) ([]event.Event, error) {
	const op = "receiving.Announce"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := scope.CheckPart(c.ID); err != nil {
		return nil, fault.At(op, fault.Invalid, "receipt", err)
	}
	a, err := c.checked(op)
	if err != nil {
		return nil, err
	}
	if !r.Known() {
		return []event.Event{Announced{Head{c.Scope, c.ID, at.UTC()}, a}}, nil
	}
	if r.announces(a) {
		return nil, nil
	}
	return nil, fault.At(op, fault.Rejected, "receipt", fmt.Errorf("receipt %s exists (%s) and says otherwise: change it, or take another name", r.ID, r.Status))
}

// Change replaces the announcement. What came of a line stays; a line of which something came
// keeps its item, and is not brought below that.
func (r Receipt) Change(c Change, at time.Time) ([]event.Event, error) {
	const op = "receiving.Change"
	if err := r.open(op); err != nil {
		return nil, err
	}
	a, err := c.checked(op)
	if err != nil {
		return nil, err
	}
	if r.announces(a) {
		return nil, nil
	}
	for _, was := range r.Lines {
		i := slices.IndexFunc(a.Lines, func(l Line) bool { return l.No == was.No })
		place := fmt.Sprintf("lines[%d]", i)
		switch {
		case was.Unannounced && i >= 0:
			return nil, fault.At(op, fault.Rejected, place+".line", fmt.Errorf("%d is the number of a line that came without being announced: take another", was.No))
		case was.Unannounced || was.Got() == 0:
		case i < 0:
			return nil, fault.At(op, fault.Rejected, "lines", fmt.Errorf("%d of line %d were received: it cannot be taken out", was.Got(), was.No))
		case a.Lines[i].Item != was.Item:
			return nil, fault.At(op, fault.Rejected, place+".item", fmt.Errorf("%d of item %s were received on line %d: name another line", was.Got(), was.Item, was.No))
		case a.Lines[i].Qty < was.Got():
			return nil, fault.At(op, fault.Rejected, place+".qty", fmt.Errorf("%d of line %d were received: it cannot announce %d", was.Got(), was.No, a.Lines[i].Qty))
		}
	}
	return []event.Event{Changed{r.head(at), a}}, nil
}

// announces reports whether a is what is announced already.
func (r Receipt) announces(a Announcement) bool {
	var lines []Line
	for _, l := range r.Lines {
		if !l.Unannounced {
			lines = append(lines, l.Line)
		}
	}
	return r.Kind == a.Kind && r.Supplier == a.Supplier && r.Reference == a.Reference && r.Due.Equal(a.Due) && slices.Equal(r.Parties, a.Parties) &&
		slices.EqualFunc(lines, a.Lines, func(x, y Line) bool {
			return x.No == y.No && x.Item == y.Item && x.Qty == y.Qty && x.Lot == y.Lot && x.Expiry == y.Expiry && x.LPN == y.LPN && slices.Equal(x.Serials, y.Serials) && slices.Equal(x.Codes, y.Codes)
		})
}

// checked is the announcement with every line numbered, in the order of the numbers.
func (a Announcement) checked(op string) (Announcement, error) {
	bad := func(place, format string, args ...any) (Announcement, error) {
		return a, fault.At(op, fault.Invalid, place, fmt.Errorf(format, args...))
	}
	switch {
	case a.Kind != KindASN && a.Kind != KindExpected && a.Kind != KindBlind:
		return bad("kind", "%q is none of %s, %s, %s", a.Kind, KindASN, KindExpected, KindBlind)
	case len(a.Lines) == 0 && a.Kind != KindBlind:
		return bad("lines", "an announcement says what is expected: it has at least one line")
	case len(a.Lines) > MaxLines:
		return bad("lines", "has %d lines, at most %d are allowed: split it", len(a.Lines), MaxLines)
	}
	for _, p := range [...]struct{ place, v string }{{"supplier", a.Supplier}, {"reference", a.Reference}} {
		if err := scope.CheckPart(p.v); err != nil && p.v != "" {
			return bad(p.place, "%w", err)
		}
	}
	if len(a.Parties) > MaxParties {
		return bad("parties", "has %d parties, at most %d are allowed", len(a.Parties), MaxParties)
	}
	a.Due, a.Lines = a.Due.UTC(), slices.Clone(a.Lines)
	seen := map[int]bool{}
	type unit struct{ item, serial string }
	serials := map[unit]int{} // the line that names it
	for i := range a.Lines {
		l := &a.Lines[i]
		at := func(f string) string { return fmt.Sprintf("lines[%d].%s", i, f) }
		if l.No == 0 {
			l.No = i + 1
		}
		if l.No < 0 || seen[l.No] {
			return bad(at("line"), "%d is below 1 or the number of another line", l.No)
		}
		seen[l.No] = true
		if err := scope.CheckPart(l.Item); err != nil {
			return bad(at("item"), "%w", err)
		}
		if l.Qty < 1 || l.Qty > inventory.MaxQty {
			return bad(at("qty"), "%d is not between 1 and %d", l.Qty, inventory.MaxQty)
		}
		if err := scope.CheckPart(l.Lot); err != nil && l.Lot != "" {
			return bad(at("lot"), "%w", err)
		}
		if err := scope.CheckPart(l.LPN); err != nil && l.LPN != "" {
			return bad(at("lpn"), "%w", err)
		}
		if err := l.Expiry.Validate(); err != nil {
			return bad(at("expiry"), "%w", err)
		}
		if n := len(l.Serials); n > 0 && int64(n) != l.Qty {
			return bad(at("serials"), "has %d serial numbers for %d units", n, l.Qty)
		}
		for j, s := range l.Serials {
			place := fmt.Sprintf("lines[%d].serials[%d]", i, j)
			if err := scope.CheckPart(s); err != nil {
				return bad(place, "%w", err)
			}
			if other, twice := serials[unit{l.Item, s}]; twice {
				return bad(place, "%.64q of item %s is announced on line %d already: a serial number is one unit's", s, l.Item, other)
			}
			serials[unit{l.Item, s}] = l.No
		}
	}
	slices.SortStableFunc(a.Lines, func(x, y Line) int { return x.No - y.No })
	return a, nil
}

// Arrive notes the dock door; another door is noted too, the same again is no event.
func (r Receipt) Arrive(c Arrive, at time.Time) ([]event.Event, error) {
	const op = "receiving.Arrive"
	if err := r.open(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Dock); err != nil {
		return nil, fault.At(op, fault.Invalid, "dock", err)
	}
	if r.Dock == c.Dock {
		return nil, nil
	}
	return []event.Event{Arrived{r.head(at), c.Dock, c.By}}, nil
}

// Judge passes held goods or rejects them, at each place where they lie.
func (r Receipt) Judge(c Judge, at time.Time) ([]event.Event, error) {
	const op = "receiving.Judge"
	if !r.Known() || r.Status == StatusCancelled {
		return nil, r.open(op)
	}
	l, ok := r.Line(c.Line)
	if !ok {
		return nil, fault.At(op, fault.Rejected, "line", fmt.Errorf("receipt %s has no line %d", r.ID, c.Line))
	}
	if err := scope.CheckPart(c.By); err != nil {
		return nil, fault.At(op, fault.Invalid, "by", err)
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if c.Qty < 0 || c.Qty > inventory.MaxQty {
		return nil, fault.At(op, fault.Invalid, "qty", fmt.Errorf("%d is not between 0 and %d", c.Qty, inventory.MaxQty))
	}
	left := c.Qty
	if left == 0 {
		left = l.Held
	}
	if n := len(c.Serials); n > 0 && int64(n) != left {
		return nil, fault.At(op, fault.Invalid, "serials", fmt.Errorf("has %d serial numbers for %d units", n, left))
	}
	var out []event.Event
	serials := c.Serials
	for _, x := range r.Entries {
		if x.Line != c.Line || x.Stage != inventory.Held || left == 0 ||
			c.Location != "" && x.Location != c.Location || c.Lot != "" && x.Lot != c.Lot || c.LPN != "" && x.LPN != c.LPN {
			continue
		}
		n, stage := min(left, x.Qty), inventory.Damaged
		if c.Pass {
			stage = c.Stage(x.Location)
		}
		left -= n
		e := Judged{r.head(at), x.Place, c.Line, l.Item, n, c.Pass, stage, c.Reason, c.By, nil}
		if len(serials) > 0 {
			e.Serials, serials = slices.Clone(serials[:n]), serials[n:]
		}
		out = append(out, e)
	}
	if len(out) == 0 || c.Qty > 0 && left > 0 {
		return nil, fault.At(op, fault.Rejected, "qty", fmt.Errorf("%d of line %d are held there: fewer than are judged", c.Qty-left, c.Line))
	}
	return out, nil
}

// HeldAt is how much of an item the receipt has held at a place.
func (r Receipt) HeldAt(item string, p inventory.Place) int64 {
	var n int64
	for _, x := range r.Entries {
		if l, _ := r.Line(x.Line); x.Stage == inventory.Held && x.Place == p && l.Item == item {
			n += x.Qty
		}
	}
	return n
}

// Move lets the receipt follow up to qty of an item that it has held at a place and that went to
// another, and reports how many of them were its. What was rejected or passed is not its any more.
func (r Receipt) Move(item string, from, to inventory.Place, qty int64, at time.Time) (events []event.Event, its int64) {
	if from == to {
		return nil, 0
	}
	for _, x := range r.Entries {
		l, _ := r.Line(x.Line)
		if n := min(x.Qty, qty-its); x.Stage == inventory.Held && x.Place == from && l.Item == item && n > 0 {
			events = append(events, Moved{r.head(at), x.Line, from, to, n})
			its += n
		}
	}
	return events, its
}

// Close ends the receipt; closed already is no event.
func (r Receipt) Close(c Close, at time.Time) ([]event.Event, error) {
	if r.Status == StatusClosed {
		return nil, nil
	}
	if err := r.open("receiving.Close"); err != nil {
		return nil, err
	}
	return []event.Event{Closed{r.head(at), r.Differs(), c.By}}, nil
}

// Cancel ends a receipt of which nothing came; cancelled already is no event.
func (r Receipt) Cancel(c Cancel, at time.Time) ([]event.Event, error) {
	const op = "receiving.Cancel"
	if r.Status == StatusCancelled {
		return nil, nil
	}
	if err := r.open(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if r.Status == StatusReceiving {
		return nil, fault.At(op, fault.Rejected, "receipt", fmt.Errorf("goods of receipt %s were received: close it, which says what is missing", r.ID))
	}
	return []event.Event{Cancelled{r.head(at), c.Reason, c.By}}, nil
}

// String says what the receipt differs in, in one line for people.
func (d Discrepancy) String() string {
	var b strings.Builder
	if d.Line > 0 {
		fmt.Fprintf(&b, "line %d, item %s: ", d.Line, d.Item)
	}
	switch d.Kind {
	case MissingLPN:
		fmt.Fprintf(&b, "nothing came of LPN %s", d.LPN)
	case Under:
		fmt.Fprintf(&b, "%d of %d are missing", d.Qty, d.Expected)
	case Over:
		fmt.Fprintf(&b, "%d came beyond the %d that were announced", d.Qty, d.Expected)
	case Unexpected:
		fmt.Fprintf(&b, "%d came that nobody announced", d.Qty)
	case OtherLot:
		fmt.Fprintf(&b, "%d are of lot %q", d.Qty, d.Lot)
	case OtherExpiry:
		fmt.Fprintf(&b, "%d expire on another day than was announced", d.Qty)
	case WasDamaged:
		fmt.Fprintf(&b, "%d came damaged", d.Qty)
	case WasRejected:
		fmt.Fprintf(&b, "%d did not pass", d.Qty)
	case StillHeld:
		fmt.Fprintf(&b, "%d are still held", d.Qty)
	}
	return b.String()
}

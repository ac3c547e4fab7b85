package returns

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

// Item is a line with what came of it.
type Item struct {
	Line
	Got      int64 `json:"got,omitempty"`
	Credited int64 `json:"credited,omitempty"`
}

// Part is goods of a line at one place, by what became of them so far: "" is nothing.
type Part struct {
	inventory.Place
	Line int    `json:"line"`
	As   string `json:"as,omitempty"`
	Qty  int64  `json:"qty"`
}

// Act is what was said under a name.
type Act struct {
	inventory.Place
	Entry string `json:"entry"`
	Item  string `json:"item"`
	Qty   int64  `json:"qty"`
}

// Return is the state of a return. The zero Return does not exist.
type Return struct {
	Head
	Order   string `json:"order,omitempty"`
	Unknown bool   `json:"unknown,omitempty"`
	Blind   bool   `json:"blind,omitempty"`
	Reason  string `json:"reason"`
	Status  string `json:"status"`
	Lines   []Item `json:"lines,omitempty"`
	Parts   []Part `json:"parts,omitempty"` // what came, whatever became of it
	Acts    []Act  `json:"acts,omitempty"`
}

// Known reports whether it was ever authorized or received.
func (r Return) Known() bool { return r.ID != "" }

// Line is the line of that number.
func (r Return) Line(no int) (Item, bool) {
	if i := r.index(no); i >= 0 {
		return r.Lines[i], true
	}
	return Item{}, false
}

func (r Return) index(no int) int {
	return slices.IndexFunc(r.Lines, func(l Item) bool { return l.No == no })
}

// Claims are what the return takes of its order's lines: what may still come, or what came.
func (r Return) Claims() map[int]int64 {
	out := map[int]int64{}
	for _, l := range r.Lines {
		n := l.Got
		if r.Status != StatusClosed && r.Status != StatusCancelled {
			n = max(n, l.Qty)
		}
		if l.OrderLine > 0 && n > 0 {
			out[l.OrderLine] += n
		}
	}
	return out
}

// Fold makes a [Return].
var Fold = event.Fold[Return]{Kind: "return", Version: 1, Apply: apply}

func apply(r Return, e event.Event) (Return, error) {
	switch e := e.(type) {
	case Authorized:
		r = Return{Head: e.Head, Order: e.Order, Unknown: e.Unknown, Blind: e.Blind, Reason: e.Reason, Status: StatusAuthorized}
		for _, l := range e.Lines {
			r.Lines = append(r.Lines, Item{Line: l})
		}
	case Received:
		r.Status, r.Lines = StatusReceiving, slices.Clone(r.Lines)
		i := r.index(e.Line)
		if i < 0 {
			r.Lines = append(r.Lines, Item{Line: Line{No: e.Line, OrderLine: e.OrderLine, Item: e.Item}})
			i = len(r.Lines) - 1
		}
		r.Lines[i].Got += e.Qty
		r.Parts = put(r.Parts, Part{e.Place, e.Line, "", e.Qty})
		if e.Entry != "" {
			r.Acts = append(slices.Clone(r.Acts), Act{e.Place, e.Entry, e.Item, e.Qty})
		}
	case Disposed:
		r.Parts = put(r.Parts, Part{e.Place, e.Line, e.From, -e.Qty})
		r.Parts = put(r.Parts, Part{e.Place, e.Line, e.To, e.Qty})
	case CreditDue:
		r.Lines = slices.Clone(r.Lines)
		if i := r.index(e.Line); i >= 0 {
			r.Lines[i].Credited += e.Qty
		}
	case Closed:
		r.Status = StatusClosed
	case Cancelled:
		r.Status = StatusCancelled
	default:
		return r, event.Unexpected("return", e)
	}
	return r, nil
}

// put adds to the part of the same line, place and fate; what is empty is gone.
func put(list []Part, x Part) []Part {
	list = slices.Clone(list)
	i := slices.IndexFunc(list, func(y Part) bool { return y.Line == x.Line && y.Place == x.Place && y.As == x.As })
	if i < 0 {
		return append(list, x)
	}
	if list[i].Qty += x.Qty; list[i].Qty == 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

func (r Return) head(at time.Time) Head {
	h := r.Head
	h.At = at.UTC()
	return h
}

func rejected(op, place, format string, a ...any) error {
	return fault.At(op, fault.Rejected, place, fmt.Errorf(format, a...))
}

func invalid(op, place, format string, a ...any) error {
	return fault.At(op, fault.Invalid, place, fmt.Errorf(format, a...))
}

func (r Return) open(op string) error {
	switch {
	case !r.Known():
		return fault.At(op, fault.Rejected, "return", errors.New("there is no such return"))
	case r.Status == StatusClosed || r.Status == StatusCancelled:
		return rejected(op, "return", "return %s is %s: what comes late is a return of its own", r.ID, r.Status)
	}
	return nil
}

// Authorize lets goods come back, as far as they were shipped and are not back or on their way back
// already. The same again is no event.
func (r Return) Authorize(c Authorize, at time.Time) ([]event.Event, error) {
	const op = "returns.Authorize"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	for _, p := range [...]struct{ place, v string }{{"return", c.ID}, {"order", c.Order}, {"reason", c.Reason}} {
		if err := scope.CheckPart(p.v); err != nil {
			return nil, fault.At(op, fault.Invalid, p.place, err)
		}
	}
	if n := len(c.Lines); n == 0 || n > MaxLines {
		return nil, invalid(op, "lines", "has %d lines, a return has 1 to %d", n, MaxLines)
	}
	lines, asked := slices.Clone(c.Lines), map[int]int64{}
	for i := range lines {
		l := &lines[i]
		if l.No == 0 {
			l.No = i + 1
		}
		place := fmt.Sprintf("lines[%d]", i)
		if l.No < 0 || slices.ContainsFunc(lines[:i], func(x Line) bool { return x.No == l.No }) {
			return nil, invalid(op, place+".line", "%d is below 1 or the number of another line", l.No)
		}
		if l.Qty < 1 || l.Qty > inventory.MaxQty {
			return nil, invalid(op, place+".qty", "%d is not between 1 and %d", l.Qty, inventory.MaxQty)
		}
		if r.Known() {
			continue
		}
		item, left := c.Left(l.OrderLine)
		if item == "" || l.Item != "" && l.Item != item {
			return nil, rejected(op, place+".order_line", "order %s has no line %d of item %s", c.Order, l.OrderLine, l.Item)
		}
		l.Item = item
		if asked[l.OrderLine] += l.Qty; asked[l.OrderLine] > left {
			return nil, rejected(op, place+".qty", "%d of line %d are to come back: of what was shipped %d are neither back nor on their way", asked[l.OrderLine], l.OrderLine, left)
		}
	}
	if !r.Known() {
		return []event.Event{Authorized{Head: Head{c.Scope, c.ID, at.UTC()}, Order: c.Order, Reason: c.Reason, Lines: lines}}, nil
	}
	if r.Order == c.Order && r.Reason == c.Reason && !r.Blind && slices.EqualFunc(r.Lines, lines, func(x Item, y Line) bool {
		return x.No == y.No && x.OrderLine == y.OrderLine && (y.Item == "" || x.Item == y.Item) && x.Qty == y.Qty
	}) {
		return nil, nil
	}
	return nil, rejected(op, "return", "return %s exists (%s) and says otherwise: take another name", r.ID, r.Status)
}

// Receive takes what came. Of what was authorized no more comes than that; of a blind return of a
// known order, no more than was shipped and is not back. The same act again is no event.
func (r Return) Receive(c Receive, at time.Time) ([]event.Event, error) {
	const op = "returns.Receive"
	var out []event.Event
	if !r.Known() && c.Blind != nil {
		b := *c.Blind
		if err := b.Scope.Validate(); err != nil {
			return nil, fault.Wrap(op, err)
		}
		if err := scope.CheckPart(b.ID); err != nil {
			return nil, fault.At(op, fault.Invalid, "return", err)
		}
		if err := scope.CheckPart(b.Reason); err != nil {
			return nil, fault.At(op, fault.Invalid, "reason", fmt.Errorf("nobody authorized return %s: say why it is taken: %w", b.ID, err))
		}
		begun := Authorized{Head: Head{b.Scope, b.ID, at.UTC()}, Order: b.Order, Unknown: b.Unknown, Blind: true, Reason: b.Reason}
		var err error
		if r, err = apply(r, begun); err != nil {
			return nil, err
		}
		out = append(out, begun)
	}
	if err := r.open(op); err != nil {
		return nil, err
	}
	if err := c.check(op); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(r.Acts, func(a Act) bool { return c.Entry != "" && a.Entry == c.Entry }); i >= 0 {
		if a := r.Acts[i]; a.Item == c.Item && a.Place == c.Place && a.Qty == c.Qty {
			return nil, nil
		}
		return nil, rejected(op, "entry", "entry %s is something else: take another name for another entry", c.Entry)
	}
	l, err := r.line(op, c)
	if err != nil {
		return nil, err
	}
	return append(out, Received{
		Head: r.head(at), Place: c.Place, Line: l.No, OrderLine: l.OrderLine, Item: l.Item, Qty: c.Qty, Expiry: c.Expiry,
		Entry: c.Entry, Note: c.Note, By: c.By, Serials: slices.Clone(c.Serials),
	}), nil
}

func (c Receive) check(op string) error {
	for _, p := range [...]struct {
		place, v string
		needed   bool
	}{
		{"location", c.Location, true}, {"item", c.Item, true}, {"lot", c.Lot, false}, {"lpn", c.LPN, false},
		{"entry", c.Entry, false}, {"by", c.By, false}, {"note", c.Note, false},
	} {
		if err := scope.CheckPart(p.v); err != nil && (p.needed || p.v != "") {
			return fault.At(op, fault.Invalid, p.place, err)
		}
	}
	if c.Qty < 1 || c.Qty > inventory.MaxQty {
		return invalid(op, "qty", "%d is not between 1 and %d", c.Qty, inventory.MaxQty)
	}
	if err := c.Expiry.Validate(); err != nil {
		return fault.At(op, fault.Invalid, "expiry", err)
	}
	return nil
}

// line is the line that goods come back on.
func (r Return) line(op string, c Receive) (Item, error) {
	next := 1
	for _, l := range r.Lines {
		next = max(next, l.No+1)
		if l.Item != c.Item || c.Line > 0 && l.No != c.Line || r.Blind && l.OrderLine != c.OrderLine {
			continue
		}
		if !r.Blind && l.Got+c.Qty > l.Qty {
			if c.Line == 0 {
				continue
			}
			return l, rejected(op, "qty", "%d of line %d are authorized and %d are back: authorize more first", l.Qty, l.No, l.Got)
		}
		return l, r.within(op, c)
	}
	if !r.Blind {
		return Item{}, rejected(op, "item", "return %s waits for no %d of item %s: authorize them first", r.ID, c.Qty, c.Item)
	}
	return Item{Line: Line{No: next, OrderLine: c.OrderLine, Item: c.Item}}, r.within(op, c)
}

// within holds a blind return to what was shipped.
func (r Return) within(op string, c Receive) error {
	if !r.Blind || c.Left == nil {
		return nil
	}
	item, left := c.Left(c.OrderLine)
	switch {
	case item != c.Item:
		return rejected(op, "item", "order %s shipped no item %s on that line", r.Order, c.Item)
	case c.Qty > left:
		return rejected(op, "qty", "%d of item %s come back: of what order %s shipped %d are neither back nor on their way", c.Qty, c.Item, r.Order, left)
	}
	return nil
}

// Dispose says what becomes of goods, at each place where they lie, and what is owed for them.
func (r Return) Dispose(c Dispose, at time.Time) ([]event.Event, error) {
	const op = "returns.Dispose"
	if !r.Known() || r.Status == StatusCancelled {
		return nil, r.open(op)
	}
	for _, p := range [...]struct{ place, v string }{{"reason", c.Reason}, {"by", c.By}} {
		if err := scope.CheckPart(p.v); err != nil {
			return nil, fault.At(op, fault.Invalid, p.place, err)
		}
	}
	l, ok := r.Line(c.Line)
	switch {
	case !slices.Contains(Dispositions(), c.To):
		return nil, invalid(op, "to", "%q is none of %s", c.To, strings.Join(Dispositions(), ", "))
	case c.From != "" && c.From != Quarantine && c.From != Refurbish || c.From == c.To:
		return nil, invalid(op, "from", "%q is neither %s nor %s, or what they are already; leave it out for goods that nobody has looked at", c.From, Quarantine, Refurbish)
	case c.Qty < 0 || c.Qty > inventory.MaxQty:
		return nil, invalid(op, "qty", "%d is not between 0 and %d", c.Qty, inventory.MaxQty)
	case !ok:
		return nil, rejected(op, "line", "return %s has no line %d", r.ID, c.Line)
	}
	var there int64
	var parts []Part
	for _, x := range r.Parts {
		if x.Line == c.Line && x.As == c.From && (c.Location == "" || x.Location == c.Location) && (c.Lot == "" || x.Lot == c.Lot) && (c.LPN == "" || x.LPN == c.LPN) {
			there += x.Qty
			parts = append(parts, x)
		}
	}
	left := c.Qty
	if left == 0 {
		left = there
	}
	if left == 0 || left > there {
		return nil, rejected(op, "qty", "%d of line %d are there that may be disposed of so", there, c.Line)
	}
	if n := len(c.Serials); n > 0 && int64(n) != left {
		return nil, invalid(op, "serials", "has %d serial numbers for %d units", n, left)
	}
	var out []event.Event
	serials, qty := c.Serials, left
	for _, x := range parts {
		n := min(left, x.Qty)
		if n == 0 {
			break
		}
		left -= n
		e := Disposed{Head: r.head(at), Place: x.Place, Line: l.No, Item: l.Item, Qty: n, From: c.From, To: c.To, Reason: c.Reason, By: c.By}
		switch c.To {
		case Restock:
			e.Stage = c.Stage(x.Location)
		case Quarantine, Refurbish:
			e.Stage = inventory.Held
		}
		if len(serials) > 0 {
			e.Serials, serials = slices.Clone(serials[:n]), serials[n:]
		}
		out = append(out, e)
	}
	if c.From == "" && !c.NoCredit && !r.Unknown && l.OrderLine > 0 {
		out = append(out, CreditDue{r.head(at), l.No, r.Order, l.OrderLine, l.Item, qty, c.To, r.Reason})
	}
	return out, nil
}

// Close ends the return; closed already is no event. What came may still be disposed of.
func (r Return) Close(c Close, at time.Time) ([]event.Event, error) {
	if r.Status == StatusClosed {
		return nil, nil
	}
	if err := r.open("returns.Close"); err != nil {
		return nil, err
	}
	var missing []Line
	for _, l := range r.Lines {
		if n := l.Qty - l.Got; n > 0 {
			x := l.Line
			x.Qty = n
			missing = append(missing, x)
		}
	}
	return []event.Event{Closed{r.head(at), missing, c.By}}, nil
}

// Cancel ends a return of which nothing came; cancelled already is no event.
func (r Return) Cancel(c Cancel, at time.Time) ([]event.Event, error) {
	const op = "returns.Cancel"
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
		return nil, rejected(op, "return", "goods of return %s came: close it", r.ID)
	}
	return []event.Event{Cancelled{r.head(at), c.Reason, c.By}}, nil
}

package receiving

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/scope"
)

// Receive takes what was found. Goods go to the lines that wait for them, what is too much to
// the last of these; what no line names is received where the policy allows what nobody
// announced. Good goods take the policy's stage, or are held where the item is inspected.
//
// The same act again is no event; another under its name is Rejected.
func (r Receipt) Receive(c Receive, at time.Time) ([]event.Event, error) {
	const op = "receiving.Receive"
	if err := r.open(op); err != nil {
		return nil, err
	}
	if c.Location == "" {
		c.Location = r.Dock
	}
	if l, ok := r.Line(c.Line); ok { // what is not said is as it was announced
		c.Item, c.Lot, c.LPN = cmp.Or(c.Item, l.Item), cmp.Or(c.Lot, l.Lot), cmp.Or(c.LPN, l.LPN)
	}
	if err := c.check(op); err != nil {
		return nil, err
	}
	if again, err := r.said(op, c); again || err != nil {
		return nil, err
	}
	if len(r.Entries) >= MaxEntries || len(r.Acts) >= MaxEntries {
		return nil, fault.At(op, fault.Rejected, "receipt", fmt.Errorf("receipt %s has %d entries, which is the most: close it and go on with another", r.ID, MaxEntries))
	}
	lines, err := r.waiting(op, c)
	if err != nil {
		return nil, err
	}
	p := &putting{r: r, c: c, at: at, left: c.Qty, serials: c.Serials}
	p.stage, p.reason = c.put()
	for _, l := range lines {
		p.put(l, min(p.left, l.Open()), p.stage, p.reason, false)
	}
	if p.left == 0 {
		return p.out, nil
	}
	last := lines[len(lines)-1]
	if last.Unannounced {
		p.put(last, p.left, p.stage, p.reason, false)
		return p.out, nil
	}
	// What this act brought to the last line counts already.
	over := max(0, last.Got()-last.Qty)
	allowed := max(0, last.Qty*int64(c.Policy.Tolerance)/1000-over)
	if p.left > allowed && c.Policy.Over != HoldOver {
		return nil, fault.At(op, fault.Rejected, "qty", fmt.Errorf(
			"line %d announces %d of item %s and has %d: %d more are %d too many for the tolerance of %d permille; send them back, or let them be held as over",
			last.No, last.Qty, last.Item, last.Got(), c.Qty, p.left-allowed, c.Policy.Tolerance))
	}
	p.put(last, min(p.left, allowed), p.stage, p.reason, true)
	stage, reason := inventory.Held, ReasonOver
	if p.stage == inventory.Damaged {
		stage, reason = p.stage, p.reason
	}
	p.put(last, p.left, stage, reason, true)
	return p.out, nil
}

// put is the stage that the goods are received in, and why.
func (c Receive) put() (stage, reason string) {
	switch {
	case c.Condition == Damaged:
		return inventory.Damaged, c.Reason
	case c.Condition == OnHold:
		return inventory.Held, c.Reason
	case c.Lot != "" && slices.Contains(c.Policy.HeldLots, c.Lot):
		return inventory.Held, ReasonLotHeld
	case c.Policy.Inspect:
		return inventory.Held, ReasonInspect
	}
	return c.Policy.Stage, c.Reason
}

// putting hands goods out to lines.
type putting struct {
	r             Receipt
	c             Receive
	at            time.Time
	left          int64
	serials       []string
	stage, reason string
	out           []event.Event
}

func (p *putting) put(l Expected, qty int64, stage, reason string, over bool) {
	if qty <= 0 {
		return
	}
	p.left -= qty
	expiry := p.c.Expiry
	if expiry == "" && l.Lot == p.c.Lot {
		expiry = l.Expiry
	}
	var serials []string
	if len(p.serials) > 0 {
		n := min(qty, int64(len(p.serials)))
		serials, p.serials = slices.Clone(p.serials[:n]), p.serials[n:]
	}
	p.out = append(p.out, Received{
		Head: p.r.head(p.at), Place: p.c.Place, Line: l.No, Item: l.Item, Stage: stage, Qty: qty, Expiry: expiry,
		Reason: reason, Over: over, Entry: p.c.Entry, By: p.c.By, Serials: serials,
	})
}

func (c Receive) check(op string) error {
	bad := func(place, format string, args ...any) error {
		return fault.At(op, fault.Invalid, place, fmt.Errorf(format, args...))
	}
	for _, p := range [...]struct {
		place, v string
		needed   bool
	}{
		{"location", c.Location, true}, {"lot", c.Lot, false}, {"lpn", c.LPN, false}, {"entry", c.Entry, false}, {"by", c.By, false},
		{"item", c.Item, true}, {"reason", c.Reason, c.Condition != Good},
	} {
		if err := scope.CheckPart(p.v); err != nil && (p.needed || p.v != "") {
			return bad(p.place, "%w", err)
		}
	}
	switch {
	case c.Qty < 1 || c.Qty > inventory.MaxQty:
		return bad("qty", "%d is not between 1 and %d", c.Qty, inventory.MaxQty)
	case c.Condition != Good && c.Condition != Damaged && c.Condition != OnHold:
		return bad("condition", "%q is neither %s nor %s; leave it out for good goods", c.Condition, Damaged, OnHold)
	case len(c.Serials) > 0 && int64(len(c.Serials)) != c.Qty:
		return bad("serials", "has %d serial numbers for %d units", len(c.Serials), c.Qty)
	}
	if err := c.Expiry.Validate(); err != nil {
		return bad("expiry", "%w", err)
	}
	return nil
}

// said reports whether the act was done already.
func (r Receipt) said(op string, c Receive) (bool, error) {
	i := slices.IndexFunc(r.Acts, func(a Act) bool { return c.Entry != "" && a.Entry == c.Entry })
	if i < 0 {
		return false, nil
	}
	a := r.Acts[i]
	if a.Item == c.Item && a.Place == c.Place && a.Qty == c.Qty && a.As == c.Condition {
		switch {
		case c.Expiry != "" && c.Expiry != a.Expiry:
			return false, fault.At(op, fault.Rejected, "expiry", fmt.Errorf("what entry %s said expires on %q: take another name for another entry", c.Entry, string(a.Expiry)))
		case !sameSerials(a.Serials, c.Serials):
			return false, fault.At(op, fault.Rejected, "serials", fmt.Errorf("entry %s named other serial numbers: take another name for another entry", c.Entry))
		}
		return true, nil
	}
	return false, fault.At(op, fault.Rejected, "entry", fmt.Errorf("entry %s is %d of item %s at %s: take another name for another entry", c.Entry, a.Qty, a.Item, a.Location))
}

func sameSerials(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// waiting are the lines that the goods may go to, the best first; a line of its own for what
// nobody announced.
func (r Receipt) waiting(op string, c Receive) ([]Expected, error) {
	if c.Line != 0 {
		l, ok := r.Line(c.Line)
		switch {
		case !ok:
			return nil, fault.At(op, fault.Rejected, "line", fmt.Errorf("receipt %s has no line %d", r.ID, c.Line))
		case c.Item != "" && c.Item != l.Item:
			return nil, fault.At(op, fault.Rejected, "item", fmt.Errorf("line %d is for item %s", c.Line, l.Item))
		}
		return []Expected{l}, nil
	}
	var fit, others []Expected
	next := 1
	for _, l := range r.Lines {
		next = max(next, l.No+1)
		switch {
		case l.Item != c.Item:
		case (l.Lot == "" || l.Lot == c.Lot) && (l.LPN == "" || l.LPN == c.LPN):
			fit = append(fit, l)
		default:
			others = append(others, l)
		}
	}
	if len(fit) == 0 {
		fit = others // another lot, or not on its pallet
	}
	if len(fit) > 0 {
		// What names this pallet, then this lot, goes first.
		slices.SortStableFunc(fit, func(a, b Expected) int { return rank(a, c) - rank(b, c) })
		return fit, nil
	}
	if !c.Policy.Blind {
		return nil, fault.At(op, fault.Rejected, "item", fmt.Errorf("receipt %s announces no item %s, and what nobody announced is not received here: change the announcement first", r.ID, c.Item))
	}
	if len(r.Lines) >= MaxLines {
		return nil, fault.At(op, fault.Rejected, "item", fmt.Errorf("receipt %s has %d lines, which is the most: close it and go on with another", r.ID, MaxLines))
	}
	return []Expected{{Line: Line{No: next, Item: c.Item}, Unannounced: true}}, nil
}

func rank(l Expected, c Receive) int {
	switch {
	case l.LPN != "" && l.LPN == c.LPN:
		return 0
	case l.Lot != "" && l.Lot == c.Lot:
		return 1
	}
	return 2
}

// ReceiveLPN takes a pallet or carton in with all that was announced on it and is not in yet.
// Scanned again it is no event; what stands on it and is not announced is received by item.
func (r Receipt) ReceiveLPN(c ReceiveLPN, at time.Time) ([]event.Event, error) {
	const op = "receiving.ReceiveLPN"
	if err := r.open(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.LPN); err != nil {
		return nil, fault.At(op, fault.Invalid, "lpn", err)
	}
	known := false
	var out []event.Event
	for _, l := range r.Lines {
		if l.LPN != c.LPN {
			continue
		}
		known = true
		n := l.Open()
		if n == 0 {
			continue
		}
		x := Receive{
			Place: inventory.Place{Location: c.Location, Lot: l.Lot, LPN: l.LPN}, Line: l.No, Qty: n, Expiry: l.Expiry,
			Condition: c.Condition, Reason: c.Reason, By: c.By, Policy: c.Policy(l.Item),
		}
		if n == l.Qty {
			x.Serials = l.Serials
		}
		events, err := r.Receive(x, at)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		out = append(out, events...)
	}
	if !known {
		return nil, fault.At(op, fault.Rejected, "lpn", fmt.Errorf("receipt %s announces nothing on LPN %s: receive what stands on it by item", r.ID, c.LPN))
	}
	return out, nil
}

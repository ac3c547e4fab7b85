package order

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
)

// Items answers what an owner's SKU is.
type Items func(sku string) (item.Item, bool)

// InvalidError lists what is wrong with a command that cannot be understood. At
// most 20 problems are listed; More counts the others.
type InvalidError struct {
	Problems []Problem
	More     int
}

func (e *InvalidError) Error() string {
	s := e.Problems[0].Text
	if n := len(e.Problems) - 1 + e.More; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

func (e *InvalidError) add(place, format string, a ...any) {
	if len(e.Problems) == 20 {
		e.More++
		return
	}
	e.Problems = append(e.Problems, Problem{Place: place, Code: "invalid", Text: fmt.Sprintf(format, a...)})
}

// ExistsError says that the business key is taken. Without Differences it is the
// same order sent again.
type ExistsError struct {
	Order       string
	Differences []Difference
}

func (e *ExistsError) Error() string {
	if e.Same() {
		return fmt.Sprintf("order %s exists and is the same", e.Order)
	}
	s := fmt.Sprintf("order %s exists and differs in %s", e.Order, e.Differences[0].Place)
	if n := len(e.Differences) - 1; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

// Same reports whether what was sent is what exists.
func (e *ExistsError) Same() bool { return len(e.Differences) == 0 }

// Place decides on a new order. What cannot be understood is an Invalid error that
// carries an [InvalidError]. A line whose item or unit is not known is held under
// the partial policy, and under all-or-nothing the whole order is Rejected, which
// is an event. Placing an order that exists is a Rejected error that carries an
// [ExistsError]; one that was rejected may be placed again.
func (o Order) Place(c Place, items Items, at time.Time) ([]event.Event, error) {
	const op = "order.Place"
	c = c.normal()
	if bad := c.check(); bad != nil {
		return nil, fault.At(op, fault.Invalid, bad.Problems[0].Place, bad)
	}
	if o.Exists() {
		return nil, fault.At(op, fault.Rejected, "number", &ExistsError{o.Number, o.Compare(c)})
	}
	head := Head{c.Scope, c.Number, at.UTC()}
	lines := make([]AcceptedLine, len(c.Lines))
	var held []event.Event
	var problems []Problem
	for i, l := range c.Lines {
		lines[i] = l.accepted()
		qty, p := resolve(l.Item, l.Qty, l.UOM, items)
		if p.Code != "" {
			p.Place = fmt.Sprintf("lines[%d].%s", i, p.Place)
			problems = append(problems, p)
			held = append(held, LineHeld{head, l.No, p})
			continue
		}
		lines[i].Ordered = qty
	}
	if len(problems) > 0 && c.Policy == AllOrNothing {
		return []event.Event{Rejected{head, problems, c.Source}}, nil
	}
	return append([]event.Event{Accepted{
		Head: head, Policy: c.Policy, Type: c.Type, Priority: c.Priority, Lines: lines, Service: c.Service,
		Dates: c.Dates, Refs: c.Refs, Source: c.Source, Parties: Parties{c.ShipTo, c.BillTo, c.Notes, c.Named},
	}}, held...), nil
}

// accepted is the line as it is asked for; its quantity in the smallest unit is not known yet.
func (l PlaceLine) accepted() AcceptedLine {
	return AcceptedLine{
		No: l.No, Ref: l.Ref, Item: l.Item, Codes: l.Codes, Qty: l.Qty, UOM: l.UOM,
		Lot: l.Lot, MinExpiry: l.MinExpiry, Price: l.Price,
	}
}

// Texts of problems that [Problem.Lacks] reads.
const (
	unknownItem = "item %q is not known: register it, or correct the line"
	unknownUOM  = "%q is not a unit of item %s: add the unit, or correct the line"
)

// Lacks is what master data has to have for the problem to go away: an item, or a unit of the item.
// Both are empty where it is another problem, and where its text was written in another form.
func (p Problem) Lacks() (sku, uom string) {
	switch p.Code {
	case UnknownItem:
		quoted, err := strconv.QuotedPrefix(strings.TrimPrefix(p.Text, "item "))
		if err != nil {
			return "", ""
		}
		if sku, err = strconv.Unquote(quoted); err != nil || p.Text != fmt.Sprintf(unknownItem, sku) {
			return "", ""
		}
		return sku, ""
	case UnknownUOM:
		quoted, err := strconv.QuotedPrefix(p.Text)
		if err != nil {
			return "", ""
		}
		if uom, err = strconv.Unquote(quoted); err != nil {
			return "", ""
		}
		before, after, _ := strings.Cut(fmt.Sprintf(unknownUOM, uom, "\x00"), "\x00")
		sku, begins := strings.CutPrefix(p.Text, before)
		sku, ends := strings.CutSuffix(sku, after)
		if !begins || !ends || sku == "" {
			return "", ""
		}
		return sku, uom
	}
	return "", ""
}

// resolve is the quantity in the smallest unit, or why there is none.
func resolve(sku string, qty int64, uom string, items Items) (int64, Problem) {
	it, ok := items(sku)
	if !ok || !it.Known() {
		return 0, Problem{"item", UnknownItem, fmt.Sprintf(unknownItem, sku)}
	}
	n, err := it.ToSmallest(qty, uom)
	switch {
	case errors.Is(err, item.ErrUnknownUOM):
		return 0, Problem{"uom", UnknownUOM, fmt.Sprintf(unknownUOM, uom, sku)}
	case err != nil || n > MaxQty:
		return 0, Problem{"qty", BadQuantity, fmt.Sprintf("%d %s of item %s is more than %d of its smallest unit", qty, uom, sku, MaxQty)}
	}
	return n, Problem{}
}

// normal fills in what may be left out.
func (c Place) normal() Place {
	if c.Policy == "" {
		c.Policy = Partial
	}
	lines := make([]PlaceLine, len(c.Lines))
	copy(lines, c.Lines)
	for i := range lines {
		if lines[i].No == 0 {
			lines[i].No = i + 1
		}
	}
	c.Lines = lines
	c.Dates = c.Dates.utc()
	return c
}

func (d Dates) utc() Dates {
	for _, t := range [...]*time.Time{&d.Ordered, &d.NotBefore, &d.ShipBy, &d.DeliverBy, &d.CancelAfter} {
		*t = t.UTC()
	}
	return d
}

func (d Dates) equal(e Dates) bool {
	return d.Ordered.Equal(e.Ordered) && d.NotBefore.Equal(e.NotBefore) && d.ShipBy.Equal(e.ShipBy) &&
		d.DeliverBy.Equal(e.DeliverBy) && d.CancelAfter.Equal(e.CancelAfter)
}

// Validate says what in the command cannot be understood, as Place does, without
// asking for items: a door can answer with it before anything is stored.
func (c Place) Validate() error {
	if bad := c.normal().check(); bad != nil {
		return fault.At("order.Place", fault.Invalid, bad.Problems[0].Place, bad)
	}
	return nil
}

func (c Place) check() *InvalidError {
	bad := &InvalidError{}
	if err := c.Scope.Validate(); err != nil {
		bad.add(fault.PlaceOf(err), "%v", cause(err))
	} else if c.Owner == scope.Shared {
		bad.add("owner", "%q stands for what the whole building shares: name the owner of the goods", c.Owner)
	}
	if err := scope.CheckPart(c.Number); err != nil {
		bad.add("number", "%v", err)
	}
	if c.Policy != Partial && c.Policy != AllOrNothing {
		bad.add("policy", "%q is neither %s nor %s", c.Policy, Partial, AllOrNothing)
	}
	checkText(bad, c.Type, func() string { return "type" })
	checkPriority(bad, c.Priority)
	for _, t := range c.Service.texts() {
		checkText(bad, t.text, func() string { return "service." + t.place })
	}
	checkDates(bad, c.Dates)
	checkParty(bad, "ship_to", c.ShipTo, true)
	checkParty(bad, "bill_to", c.BillTo, false)
	if len(c.Named) > MaxNamed {
		bad.add("parties", "has %d parties, at most %d are allowed", len(c.Named), MaxNamed)
	} else {
		for i, n := range c.Named {
			for _, text := range [...]string{n.Role, n.List, n.Code, n.Name} {
				checkText(bad, text, func() string { return fmt.Sprintf("parties[%d]", i) })
			}
		}
	}
	if len(c.Refs) > MaxRefs {
		bad.add("refs", "has %d references, at most %d are allowed", len(c.Refs), MaxRefs)
	} else {
		for i, r := range c.Refs {
			if err := scope.CheckPart(r.Kind); err != nil {
				bad.add(fmt.Sprintf("refs[%d].kind", i), "%v", err)
			}
			checkText(bad, r.Value, func() string { return fmt.Sprintf("refs[%d].value", i) })
		}
	}
	if len(c.Notes) > MaxNotes {
		bad.add("notes", "has %d notes, at most %d are allowed", len(c.Notes), MaxNotes)
	} else {
		for i, n := range c.Notes {
			checkText(bad, n, func() string { return fmt.Sprintf("notes[%d]", i) })
		}
	}
	switch {
	case len(c.Lines) == 0:
		bad.add("lines", "an order needs at least one line")
	case len(c.Lines) > MaxLines:
		// Not how many: a door that reads row by row stops at one too many.
		bad.add("lines", "has more than %d lines: split the order", MaxLines)
	default:
		checkLines(bad, "lines", c.Lines)
	}
	if len(bad.Problems) == 0 {
		return nil
	}
	return bad
}

func checkPriority(bad *InvalidError, p int) {
	if p < 0 || p > 9 {
		bad.add("priority", "%d is not between 0 and 9", p)
	}
}

// checkLines checks lines that are in a list of that name.
func checkLines(bad *InvalidError, list string, lines []PlaceLine) {
	seen := make(map[int]int, len(lines))
	for i, l := range lines {
		at := func(f string) string { return fmt.Sprintf("%s[%d].%s", list, i, f) }
		if l.No < 1 {
			bad.add(at("no"), "%d is not a line number: lines count from 1", l.No)
		} else if j, dup := seen[l.No]; dup {
			bad.add(at("no"), "%d is also the number of %s[%d]", l.No, list, j)
		}
		seen[l.No] = i
		if err := scope.CheckPart(l.Item); err != nil {
			bad.add(at("item"), "%v", err)
		}
		if l.Qty < 1 || l.Qty > MaxQty {
			bad.add(at("qty"), "%d is not between 1 and %d", l.Qty, MaxQty)
		}
		if l.UOM != "" {
			if err := scope.CheckPart(l.UOM); err != nil {
				bad.add(at("uom"), "%v", err)
			}
		}
		if l.Lot != "" {
			if err := scope.CheckPart(l.Lot); err != nil {
				bad.add(at("lot"), "%v", err)
			}
		}
		checkText(bad, l.Ref, func() string { return at("ref") })
		if l.MinExpiry != "" {
			if _, err := time.Parse(time.DateOnly, l.MinExpiry); err != nil {
				bad.add(at("min_expiry"), "%q is not a day like 2026-11-23", l.MinExpiry)
			}
		}
		if l.Price != (Price{}) && (l.Price.Micros < 0 || len(l.Price.Currency) != 3) {
			bad.add(at("price"), "%d of %.10q is no price", l.Price.Micros, l.Price.Currency)
		}
		if len(l.Codes) > item.MaxCodes {
			bad.add(at("codes"), "has %d codes, at most %d are allowed", len(l.Codes), item.MaxCodes)
			continue
		}
		for j, k := range l.Codes {
			checkText(bad, k.Kind+k.Value+k.UOM, func() string { return at(fmt.Sprintf("codes[%d]", j)) })
		}
	}
}

func checkDates(bad *InvalidError, d Dates) {
	for _, t := range [...]struct {
		place string
		at    time.Time
	}{{"ordered", d.Ordered}, {"not_before", d.NotBefore}, {"ship_by", d.ShipBy}, {"deliver_by", d.DeliverBy}, {"cancel_after", d.CancelAfter}} {
		if y := t.at.Year(); !t.at.IsZero() && (y < 1970 || y > 9999) {
			bad.add("dates."+t.place, "year %d is not between 1970 and 9999", y)
		}
	}
	if !d.NotBefore.IsZero() && !d.CancelAfter.IsZero() && d.CancelAfter.Before(d.NotBefore) {
		bad.add("dates.cancel_after", "lies before not_before: the order could never ship")
	}
}

func checkParty(bad *InvalidError, place string, a party.Address, needed bool) {
	if needed && a.Name == "" && a.Company == "" && a.Code == "" {
		bad.add(place, "needs a name, a company or a location code")
	}
	if len(a.Lines) > 3 {
		bad.add(place+".lines", "has %d street lines, at most 3 are allowed", len(a.Lines))
	} else {
		for i, l := range a.Lines {
			checkLine(bad, l, func() string { return fmt.Sprintf("%s.lines[%d]", place, i) })
		}
	}
	for _, t := range addressTexts(a) {
		checkLine(bad, t.text, func() string { return place + "." + t.place })
	}
	if c := a.Country; c != "" && !party.Country(c) {
		bad.add(place+".country", "%q is not an ISO 3166-1 alpha-2 code like US", c)
	}
}

func checkText(bad *InvalidError, t string, place func() string) {
	if len(t) > MaxNote {
		bad.add(place(), "has %d bytes, at most %d are allowed", len(t), MaxNote)
	} else if !utf8.ValidString(t) {
		bad.add(place(), "is not valid UTF-8")
	} else if r, found := party.Invisible(t, true); found {
		bad.add(place(), "holds the character %U, which nobody sees: leave it out", r)
	}
}

// checkLine is checkText of what stands on one line of a label.
func checkLine(bad *InvalidError, t string, place func() string) {
	if r, found := party.Invisible(t, false); found {
		bad.add(place(), "holds the character %U, which a label cannot show: it is one line of visible text", r)
		return
	}
	checkText(bad, t, place)
}

// cause is the innermost error: its place is told apart from it.
func cause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

package order

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
)

// Amend asks for a change as a document says it: lines by the ids that their sender gave them,
// and of the rest of the order only what the document names.
type Amend struct {
	scope.Scope
	Number string
	Whole  bool // the document says all of the order: open lines that it does not name are taken out
	Lines  []AmendLine
	ShipTo *party.Address
	// What is empty in them stays as it is.
	Service Service
	Dates   Dates
	Source  Source
}

// AmendLine is what becomes of the line that Ref names. Of a line that changes, a Qty of 0 stays
// as it is, and what else it names is what the line must be.
type AmendLine struct {
	Do string
	PlaceLine
}

// What becomes of a line.
const (
	AmendSet    = "" // it is this from now on: changed where it exists, added where it does not
	AmendAdd    = "add"
	AmendChange = "change"
	AmendRemove = "remove"
	AmendKeep   = "keep"
)

// Amended is the change that c makes of o. Its Where turns a place of the change, as
// [Order.Change] names it, into that of c: "remove[0]" into "lines[3]". An error has the place in
// c already. Asked again once it is done, the change is one that changes nothing.
func (o Order) Amended(c Amend) (Amended, error) {
	const op = "order.Amend"
	if err := o.exists(op); err != nil {
		return Amended{}, err
	}
	a := Amended{from: map[string]int{}}
	a.By, a.Reason = c.Source.Partner, "changed by "+c.Source.DocType
	named := map[int]bool{}
	next := 0
	for _, l := range o.Lines {
		next = max(next, l.No)
	}
	for _, l := range c.Lines {
		next = max(next, l.No) // which it may get below
	}
	for i, l := range c.Lines {
		refuse := func(field, format string, args ...any) (Amended, error) {
			return Amended{}, fault.At(op, fault.Rejected, fmt.Sprintf("lines[%d].%s", i, field), fmt.Errorf(format, args...))
		}
		have, known := o.named(l.PlaceLine)
		switch {
		case known && named[have.No]:
			return refuse("ref", "line %s is named twice", cmp.Or(l.Ref, strconv.Itoa(have.No)))
		case known && l.Do != AmendAdd && differs(have, l.PlaceLine):
			return refuse("item", "line %s of order %s is of item %s%s, which no change makes another: delete the line and add one", cmp.Or(l.Ref, strconv.Itoa(have.No)), o.Number, have.Item, ofLot(have.Lot))
		case !known && l.Do != AmendSet && l.Do != AmendAdd:
			return refuse("ref", "order %s has no line %q", o.Number, l.Ref)
		}
		if known {
			named[have.No] = true
		}
		switch {
		case l.Do == AmendKeep, known && l.Do == AmendChange && l.Qty == 0:
		case l.Do == AmendRemove:
			if have.Open() > 0 || have.Held() || have.Shipped > 0 { // else it is gone, or what has left is refused
				a.from[fmt.Sprintf("remove[%d]", len(a.Remove))] = i
				a.Remove = append(a.Remove, have.No)
			}
		case !known || l.Do == AmendAdd:
			add := l.PlaceLine
			if next++; known {
				add.No = have.No // the same again, or another line of that id: the change tells
			} else if _, taken := o.Line(add.No); add.No == 0 || taken || named[add.No] {
				add.No = next
			}
			named[add.No] = true
			a.from[fmt.Sprintf("add[%d]", len(a.Add))] = i
			a.Add = append(a.Add, add)
		default:
			a.from[fmt.Sprintf("lines[%d]", len(a.Lines))] = i
			a.Lines = append(a.Lines, ChangeLine{Line: have.No, Qty: l.Qty, UOM: l.UOM})
		}
	}
	for _, l := range o.Lines {
		if c.Whole && !named[l.No] && (l.Open() > 0 || l.Held()) {
			a.Remove = append(a.Remove, l.No)
		}
	}
	a.ShipTo = c.ShipTo
	if s := c.Service.over(o.Service); s != o.Service {
		a.Service = &s
	}
	if d := c.Dates.over(o.Dates); !d.equal(o.Dates) {
		a.Dates = &d
	}
	return a, nil
}

// Amended is a change with the way back to the document that asked for it.
type Amended struct {
	Change
	from map[string]int // lines of the document, by the places of the change
}

// Where is the place in the document of a place in the change.
func (a Amended) Where(place string) string {
	list, rest, ok := strings.Cut(place, "]")
	if !ok {
		if place == "remove" {
			return "lines"
		}
		return place
	}
	if i, ok := a.from[list+"]"]; ok {
		return fmt.Sprintf("lines[%d]%s", i, rest)
	}
	return "lines"
}

// named is the line that the sender means: the one he gave that id, or that number where he gave
// none; where he names neither, the one line of that item.
func (o Order) named(l PlaceLine) (Line, bool) {
	if l.Ref != "" {
		if i := slices.IndexFunc(o.Lines, func(x Line) bool { return x.Ref == l.Ref }); i >= 0 {
			return o.Lines[i], true
		}
		if no, err := strconv.Atoi(l.Ref); err == nil {
			if x, ok := o.Line(no); ok && x.Ref == "" {
				return x, true
			}
		}
		return Line{}, false
	}
	var found []Line
	for _, x := range o.Lines {
		if l.Item != "" && !differs(x, l) {
			found = append(found, x)
		}
	}
	if len(found) != 1 {
		return Line{}, false
	}
	return found[0], true
}

// differs reports whether what is said of a line's item is not what was ordered.
func differs(have Line, l PlaceLine) bool {
	same := l.Item == "" || l.Item == have.Item || l.Item == have.SKU
	for _, c := range have.Codes {
		same = same || c.Value == l.Item
	}
	return !same || l.Lot != "" && l.Lot != have.Lot
}

func ofLot(lot string) string {
	if lot == "" {
		return ""
	}
	return ", lot " + lot
}

// over is s where it says something, and old elsewhere.
func (s Service) over(old Service) Service {
	return Service{
		Carrier: cmp.Or(s.Carrier, old.Carrier), Level: cmp.Or(s.Level, old.Level), Method: cmp.Or(s.Method, old.Method),
		Account: cmp.Or(s.Account, old.Account), Terms: cmp.Or(s.Terms, old.Terms), Route: cmp.Or(s.Route, old.Route),
	}
}

func (d Dates) over(old Dates) Dates {
	return Dates{
		Ordered: cmp.Or(d.Ordered, old.Ordered), NotBefore: cmp.Or(d.NotBefore, old.NotBefore), ShipBy: cmp.Or(d.ShipBy, old.ShipBy),
		DeliverBy: cmp.Or(d.DeliverBy, old.DeliverBy), CancelAfter: cmp.Or(d.CancelAfter, old.CancelAfter),
	}
}

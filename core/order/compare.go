package order

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/party"
)

// Difference is one thing in which an order sent again differs from the one that
// exists. Have and Want are left empty where they would be personal data.
type Difference struct {
	Place string `json:"place"`
	Have  string `json:"have,omitempty"`
	Want  string `json:"want,omitempty"`
}

// maxDifferences are told at most.
const maxDifferences = 50

// Compare lists in what c differs from the order that exists, or nothing when it
// is the same order. The source is not compared: an order may come through two
// doors. Neither are parties that were erased since. What happened to the order
// after it was placed does not count: one that was changed is the same as what was placed, and
// as what it is now.
func (o Order) Compare(c Place) []Difference {
	c = c.normal()
	if f := o.First; f != nil {
		was := o
		was.Priority, was.Service, was.Dates, was.Refs = f.Priority, f.Service, f.Dates, f.Refs
		was.Parties.ShipTo, was.Parties.Notes = f.shipTo, f.notes
		if erased(o.Parties.ShipTo) { // with the one that was first
			was.Parties.ShipTo = o.Parties.ShipTo
		}
		was.Lines = make([]Line, len(f.Lines))
		for i, l := range f.Lines {
			was.Lines[i] = Line{AcceptedLine: l}
		}
		if len(was.compare(c)) == 0 {
			return nil
		}
	}
	return o.compare(c)
}

func (o Order) compare(c Place) []Difference {
	var d differ
	d.text("facility", o.Scope.Facility, c.Facility)
	d.text("policy", o.Policy, c.Policy)
	d.text("type", o.Type, c.Type)
	d.text("priority", strconv.Itoa(o.Priority), strconv.Itoa(c.Priority))
	have, want := o.Service.texts(), c.Service.texts()
	for i := range have {
		d.text("service."+have[i].place, have[i].text, want[i].text)
	}
	d.date("dates.ordered", o.Dates.Ordered, c.Dates.Ordered)
	d.date("dates.not_before", o.Dates.NotBefore, c.Dates.NotBefore)
	d.date("dates.ship_by", o.Dates.ShipBy, c.Dates.ShipBy)
	d.date("dates.deliver_by", o.Dates.DeliverBy, c.Dates.DeliverBy)
	d.date("dates.cancel_after", o.Dates.CancelAfter, c.Dates.CancelAfter)
	d.text("refs", refsText(o.Refs), refsText(c.Refs))
	if !erased(o.Parties.ShipTo) {
		d.party("ship_to", o.Parties.ShipTo, c.ShipTo)
		d.party("bill_to", o.Parties.BillTo, c.BillTo)
		if !slices.Equal(o.Parties.Notes, c.Notes) {
			d.add("notes", "", "")
		}
	}
	d.lines(o, c.Lines)
	return d.out
}

// erased: an order cannot be placed without a ship-to, so none means that the
// subject's key is gone.
func erased(shipTo party.Address) bool {
	return shipTo.Name == "" && shipTo.Company == "" && shipTo.Code == ""
}

type differ struct{ out []Difference }

func (d *differ) add(place, have, want string) {
	if len(d.out) < maxDifferences {
		d.out = append(d.out, Difference{place, have, want})
	}
}

func (d *differ) text(place, have, want string) {
	if have != want {
		d.add(place, have, want)
	}
}

func (d *differ) date(place string, have, want time.Time) {
	if !have.Equal(want) {
		d.add(place, dateText(have), dateText(want))
	}
}

func dateText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (d *differ) party(place string, have, want party.Address) {
	h, w := addressTexts(have), addressTexts(want)
	for i := range h {
		if h[i].text != w[i].text {
			d.add(place+"."+h[i].place, "", "")
		}
	}
	if have.Country != want.Country {
		d.add(place+".country", "", "")
	}
	if !slices.Equal(have.Lines, want.Lines) {
		d.add(place+".lines", "", "")
	}
}

func (d *differ) lines(o Order, want []PlaceLine) {
	seen := make(map[int]bool, len(want))
	for i, w := range want {
		seen[w.No] = true
		at := func(f string) string { return fmt.Sprintf("lines[%d].%s", i, f) }
		have, ok := o.Line(w.No)
		if !ok {
			d.add(at("no"), "", strconv.Itoa(w.No))
			continue
		}
		d.text(at("item"), have.Item, w.Item)
		d.text(at("qty"), strconv.FormatInt(have.Qty, 10), strconv.FormatInt(w.Qty, 10))
		d.text(at("uom"), have.UOM, w.UOM)
		d.text(at("ref"), have.Ref, w.Ref)
		d.text(at("lot"), have.Lot, w.Lot)
		d.text(at("min_expiry"), have.MinExpiry, w.MinExpiry)
		if have.Price != w.Price && have.Price != (Price{}) && w.Price != (Price{}) { // orders of before have none
			d.add(at("price"), fmt.Sprint(have.Price), fmt.Sprint(w.Price))
		}
		if !slices.Equal(have.Codes, w.Codes) {
			d.add(at("codes"), codesText(have.Codes), codesText(w.Codes))
		}
	}
	for _, l := range o.Lines {
		if !seen[l.No] {
			d.add("lines", fmt.Sprintf("line %d", l.No), "")
		}
	}
}

type named struct{ place, text string }

func (s Service) texts() []named {
	return []named{{"carrier", s.Carrier}, {"level", s.Level}, {"method", s.Method}, {"account", s.Account}, {"terms", s.Terms}, {"route", s.Route}}
}

// addressTexts are the free texts of an address: all but street lines and country.
func addressTexts(a party.Address) []named {
	return []named{
		{"name", a.Name}, {"company", a.Company}, {"city", a.City}, {"region", a.Region},
		{"postal_code", a.PostalCode}, {"phone", a.Phone}, {"email", a.Email}, {"code", a.Code},
	}
}

func refsText(refs []Ref) string {
	var b strings.Builder
	for i, r := range refs {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s=%q", r.Kind, r.Value)
	}
	return b.String()
}

func codesText(codes []item.Code) string {
	var b strings.Builder
	for i, c := range codes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s=%q", c.Kind, c.Value)
		if c.UOM != "" {
			fmt.Fprintf(&b, "/%s", c.UOM)
		}
	}
	return b.String()
}

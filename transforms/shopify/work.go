package shopify

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/shop"
)

// workFields are what is read of a fulfilment order, with a page of its lines.
const workFields = `
fragment Work on FulfillmentOrder {
  id status requestStatus updatedAt fulfillAt fulfillBy orderId orderName orderProcessedAt
  order { note shippingAddress { provinceCode zip } }
  assignedLocation { location { id } }
  deliveryMethod { methodType presentedName serviceCode }
  destination { firstName lastName company address1 address2 city province zip countryCode phone email }
  fulfillmentHolds { handle reason }
  lineItems(first: 50) { nodes { ...Line } pageInfo { hasNextPage endCursor } }
}
fragment Line on FulfillmentOrderLineItem {
  id sku totalQuantity remainingQuantity requiresShipping productTitle variant { id }
}`

// ReadOrder reads all fulfilment orders of an order; variables: id.
const ReadOrder = `query PakLogOrder($id: ID!) {
  order(id: $id) { fulfillmentOrders(first: 25) { nodes { ...Work } pageInfo { hasNextPage } } }
}` + workFields

// ReadWork reads one fulfilment order; variables: id.
const ReadWork = `query PakLogWork($id: ID!) { fulfillmentOrder(id: $id) { ...Work } }` + workFields

// ReadLines reads further lines of a fulfilment order; variables: id, after.
const ReadLines = `query PakLogLines($id: ID!, $after: String) {
  fulfillmentOrder(id: $id) { lineItems(first: 250, after: $after) { nodes { ...Line } pageInfo { hasNextPage endCursor } } }
}
fragment Line on FulfillmentOrderLineItem {
  id sku totalQuantity remainingQuantity requiresShipping productTitle variant { id }
}`

// ReadChanged reads a page of fulfilment orders by their time; variables: query ([Since]), after.
const ReadChanged = `query PakLogChanged($query: String!, $after: String) {
  fulfillmentOrders(first: 20, after: $after, includeClosed: true, sortKey: UPDATED_AT, query: $query) {
    nodes { ...Work } pageInfo { hasNextPage endCursor }
  }
}` + workFields

// Since is the search for what changed at t or later.
func Since(t time.Time) string { return "updated_at:>='" + t.UTC().Format(time.RFC3339) + "'" }

type connection[T any] struct {
	Nodes    []T `json:"nodes"`
	PageInfo struct {
		HasNextPage bool   `json:"hasNextPage"`
		EndCursor   string `json:"endCursor"`
	} `json:"pageInfo"`
}

func (c connection[T]) next() string {
	if c.PageInfo.HasNextPage {
		return c.PageInfo.EndCursor
	}
	return ""
}

type line struct {
	ID        string `json:"id"`
	SKU       string `json:"sku"`
	Total     int64  `json:"totalQuantity"`
	Remaining int64  `json:"remainingQuantity"`
	Ships     bool   `json:"requiresShipping"`
	Title     string `json:"productTitle"`
	Variant   *struct {
		ID string `json:"id"`
	} `json:"variant"`
}

// Fulfilment is a fulfilment order as it is read. Its lines are not all there until More is "".
type Fulfilment struct {
	node
}

type node struct {
	ID        string     `json:"id"`
	Status    string     `json:"status"`
	Request   string     `json:"requestStatus"`
	Updated   time.Time  `json:"updatedAt"`
	FulfillAt *time.Time `json:"fulfillAt"`
	FulfillBy *time.Time `json:"fulfillBy"`
	OrderID   string     `json:"orderId"`
	OrderName string     `json:"orderName"`
	Ordered   time.Time  `json:"orderProcessedAt"`
	Order     struct {
		Note string `json:"note"`
		To   *struct {
			Province string `json:"provinceCode"`
			Zip      string `json:"zip"`
		} `json:"shippingAddress"`
	} `json:"order"`
	Assigned struct {
		Location *struct {
			ID string `json:"id"`
		} `json:"location"`
	} `json:"assignedLocation"`
	Delivery *struct {
		Type    string `json:"methodType"`
		Name    string `json:"presentedName"`
		Service string `json:"serviceCode"`
	} `json:"deliveryMethod"`
	To *struct {
		First    string `json:"firstName"`
		Last     string `json:"lastName"`
		Company  string `json:"company"`
		Address1 string `json:"address1"`
		Address2 string `json:"address2"`
		City     string `json:"city"`
		Province string `json:"province"`
		Zip      string `json:"zip"`
		Country  string `json:"countryCode"`
		Phone    string `json:"phone"`
		Email    string `json:"email"`
	} `json:"destination"`
	Holds []struct {
		Handle string `json:"handle"`
		Reason string `json:"reason"`
	} `json:"fulfillmentHolds"`
	Lines connection[line] `json:"lineItems"`
}

// ToOrderWork reads the answer to [ReadOrder]; an order that is not there has none.
func ToOrderWork(data []byte) ([]Fulfilment, error) {
	const op = "shopify.ToOrderWork"
	var d struct {
		Order *struct {
			Fulfilments connection[Fulfilment] `json:"fulfillmentOrders"`
		} `json:"order"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, unreadable(op, err)
	}
	if d.Order == nil {
		return nil, nil
	}
	if d.Order.Fulfilments.PageInfo.HasNextPage {
		return nil, fault.E(op, fault.Invalid, errors.New("the order has more than 25 fulfilment orders"))
	}
	return checked(op, d.Order.Fulfilments.Nodes)
}

// ToWork reads the answer to [ReadWork].
func ToWork(data []byte) ([]Fulfilment, error) {
	const op = "shopify.ToWork"
	var d struct {
		One *Fulfilment `json:"fulfillmentOrder"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, unreadable(op, err)
	}
	if d.One == nil {
		return nil, nil
	}
	return checked(op, []Fulfilment{*d.One})
}

// ToChanged reads the answer to [ReadChanged]; next is "" behind the last page.
func ToChanged(data []byte) (list []Fulfilment, next string, err error) {
	const op = "shopify.ToChanged"
	var d struct {
		Page *connection[Fulfilment] `json:"fulfillmentOrders"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, "", unreadable(op, err)
	}
	if d.Page == nil {
		return nil, "", unreadable(op, errors.New("there is no list of fulfilment orders"))
	}
	list, err = checked(op, d.Page.Nodes)
	return list, d.Page.next(), err
}

// AddLines takes in the answer to [ReadLines].
func (f *Fulfilment) AddLines(data []byte) error {
	const op = "shopify.AddLines"
	var d struct {
		One *struct {
			Lines connection[line] `json:"lineItems"`
		} `json:"fulfillmentOrder"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return unreadable(op, err)
	}
	if d.One == nil {
		return unreadable(op, errors.New("the fulfilment order is gone"))
	}
	for _, l := range d.One.Lines.Nodes {
		if slices.ContainsFunc(f.Lines.Nodes, func(x line) bool { return x.ID == l.ID }) {
			return fault.E(op, fault.Transient, fmt.Errorf("line %s came on two pages", l.ID))
		}
		f.Lines.Nodes = append(f.Lines.Nodes, l)
	}
	f.Lines.PageInfo = d.One.Lines.PageInfo
	return nil
}

// checked refuses fulfilment orders that lack what they are known by.
func checked(op string, list []Fulfilment) ([]Fulfilment, error) {
	for _, f := range list {
		if kind(f.ID) != "FulfillmentOrder" || f.Status == "" || f.Updated.IsZero() {
			return nil, unreadable(op, fmt.Errorf("fulfilment order %q lacks its id, status or time", f.ID))
		}
	}
	return list, nil
}

// More is the cursor of further lines; "" where all are there.
func (f Fulfilment) More() string { return f.Lines.next() }

// Work is what the fulfilment order asks of us.
func (f Fulfilment) Work() shop.Work {
	w := shop.Work{ID: f.ID, State: f.state(), Updated: f.Updated.UTC()}
	if f.Assigned.Location != nil {
		w.Location = f.Assigned.Location.ID
	}
	w.Hold = strings.Join(f.holds(), " ")
	w.Order = f.place()
	for _, l := range f.Lines.Nodes {
		if l.Ships && l.Total > l.Remaining {
			w.Done = append(w.Done, shop.LineQty{Ref: lineRef(f.ID, l.ID), Qty: l.Total - l.Remaining})
		}
	}
	return w
}

func (f Fulfilment) state() shop.State {
	switch f.Status {
	case "CANCELLED":
		return shop.Cancelled
	case "CLOSED", "INCOMPLETE":
		return shop.Closed
	}
	switch f.Request {
	case "CANCELLATION_REQUESTED":
		return shop.Withdrawn
	case "REJECTED", "CANCELLATION_ACCEPTED":
		return shop.Cancelled
	}
	switch {
	case f.Status == "ON_HOLD" && (len(f.holds()) > 0 || len(f.Holds) == 0):
		return shop.Held
	case f.Request == "SUBMITTED":
		return shop.Asked
	case f.Delivery != nil && (f.Delivery.Type == "PICK_UP" || f.Delivery.Type == "NONE" || f.Delivery.Type == "RETAIL"):
		return shop.Closed // nothing travels
	}
	return shop.Open
}

// holds are why others hold it: our own hold is known here.
func (f Fulfilment) holds() []string {
	var why []string
	for _, h := range f.Holds {
		if h.Handle != OwnHold {
			why = append(why, strings.ToLower(h.Reason))
		}
	}
	slices.Sort(why)
	return slices.Compact(why)
}

// lineRef names a line of a fulfilment order by both numbers, so that a line which went to another order
// of ours still says where it came from.
func lineRef(work, line string) string { return Number(work) + "/" + Number(line) }

// place is the order. Its number is the shop's and, since an order may have several fulfilment
// orders, the number of this one.
func (f Fulfilment) place() order.Place {
	p := order.Place{
		Number: strings.TrimSpace(strings.TrimPrefix(f.OrderName, "#")) + "." + Number(f.ID),
		Dates:  order.Dates{Ordered: f.Ordered.UTC()},
		Refs: []order.Ref{
			{Kind: "shop_order", Value: f.OrderName}, {Kind: "shopify_order", Value: Number(f.OrderID)}, {Kind: "fulfillment_order", Value: Number(f.ID)},
		},
	}
	if f.FulfillAt != nil && f.Status == "SCHEDULED" {
		p.Dates.NotBefore = f.FulfillAt.UTC()
	}
	if f.FulfillBy != nil {
		p.Dates.ShipBy = f.FulfillBy.UTC()
	}
	if note := strings.TrimSpace(f.Order.Note); note != "" {
		p.Notes = []string{clip(note, order.MaxNote)}
	}
	if d := f.Delivery; d != nil {
		p.Service.Method = clip(cmp.Or(d.Name, d.Service, strings.ToLower(d.Type)), 128)
	}
	if t := f.To; t != nil {
		p.ShipTo = party.Address{
			Name: strings.TrimSpace(t.First + " " + t.Last), Company: t.Company, City: t.City, Region: t.Province,
			PostalCode: t.Zip, Country: t.Country, Phone: t.Phone, Email: t.Email,
		}
		// QUIRK(Shopify): a destination names its province in words; the order's address has its code.
		if a := f.Order.To; a != nil && a.Zip == t.Zip && a.Province != "" {
			p.ShipTo.Region = a.Province
		}
		for _, l := range []string{t.Address1, t.Address2} {
			if l = strings.TrimSpace(l); l != "" {
				p.ShipTo.Lines = append(p.ShipTo.Lines, l)
			}
		}
		p.ShipTo = p.ShipTo.OneLine()
	}
	for _, l := range f.Lines.Nodes {
		if !l.Ships {
			continue
		}
		pl := order.PlaceLine{Ref: lineRef(f.ID, l.ID), Item: strings.TrimSpace(l.SKU), Qty: l.Total}
		if l.Variant != nil {
			number := Number(l.Variant.ID)
			pl.Codes = []item.Code{{Kind: "shopify_variant", Value: number}}
			pl.Item = cmp.Or(pl.Item, "variant "+number)
		}
		pl.Item = cmp.Or(pl.Item, clip(strings.TrimSpace(l.Title), 100), "line "+Number(l.ID))
		p.Lines = append(p.Lines, pl)
	}
	return p
}

// clip is at most n bytes of s, whole characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.TrimSpace(strings.ToValidUTF8(s[:n], ""))
}

package magento

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/shop"
)

// Reader says how orders are read.
type Reader struct {
	// Source is the inventory source that our building is; work is told to be there.
	Source string
	// Ships are the states of orders that are to be shipped: processing, where there are none named.
	Ships []string
}

// Order is an order as it is read.
type Order struct {
	orderNode
	Updated time.Time
	// together are the bundles that the shop wants shipped in one piece, by product.
	together map[int64]bool
}

type orderNode struct {
	ID        int64      `json:"entity_id"`
	Number    string     `json:"increment_id"`
	State     string     `json:"state"`
	Status    string     `json:"status"`
	Created   string     `json:"created_at"`
	UpdatedAt string     `json:"updated_at"`
	Email     string     `json:"customer_email"`
	Note      string     `json:"customer_note"`
	Virtual   int        `json:"is_virtual"`
	Items     list[item] `json:"items"`
	More      struct {
		Assignments list[struct {
			Shipping struct {
				Method string   `json:"method"`
				To     *address `json:"address"`
			} `json:"shipping"`
		}] `json:"shipping_assignments"`
	} `json:"extension_attributes"`
}

type address struct {
	First   string       `json:"firstname"`
	Last    string       `json:"lastname"`
	Company string       `json:"company"`
	Street  list[string] `json:"street"`
	City    string       `json:"city"`
	Region  string       `json:"region"`
	Code    string       `json:"region_code"`
	Zip     string       `json:"postcode"`
	Country string       `json:"country_id"`
	Phone   string       `json:"telephone"`
	Email   string       `json:"email"`
}

type item struct {
	ID       int64  `json:"item_id"`
	Parent   int64  `json:"parent_item_id"`
	Product  int64  `json:"product_id"`
	Kind     string `json:"product_type"`
	SKU      string `json:"sku"`
	Name     string `json:"name"`
	Virtual  int    `json:"is_virtual"`
	Ordered  amount `json:"qty_ordered"`
	Shipped  amount `json:"qty_shipped"`
	Canceled amount `json:"qty_canceled"`
	Refunded amount `json:"qty_refunded"`
}

// counts are an item's quantities in whole units.
type counts struct{ ordered, shipped, gone int64 }

func (i item) counts() (c counts, err error) {
	var canceled, refunded int64
	for _, x := range []struct {
		to   *int64
		from amount
	}{{&c.ordered, i.Ordered}, {&c.shipped, i.Shipped}, {&canceled, i.Canceled}, {&refunded, i.Refunded}} {
		if *x.to, err = x.from.units(); err != nil {
			return c, fmt.Errorf("item %d (%s): %w", i.ID, i.SKU, err)
		}
	}
	c.gone = canceled + refunded
	return c, nil
}

// wanted is what was ever to be shipped of it: what was refunded after it had left stays.
func (c counts) wanted() int64 { return max(c.shipped, c.ordered-c.gone) }

// ToOrder reads one order.
func ToOrder(data []byte) (Order, error) {
	const op = "magento.ToOrder"
	var o Order
	if err := json.Unmarshal(data, &o.orderNode); err != nil {
		return o, unreadable(op, err)
	}
	return o, o.check(op)
}

// ToOrders reads a page of orders, and how many the search has in all.
func ToOrders(data []byte) ([]Order, int, error) {
	const op = "magento.ToOrders"
	p, err := readPage[orderNode](op, data)
	if err != nil {
		return nil, 0, err
	}
	out := make([]Order, len(p.Items))
	for i, n := range p.Items {
		out[i].orderNode = n
		if err := out[i].check(op); err != nil {
			return nil, 0, err
		}
	}
	return out, *p.Total, nil
}

// check refuses an order that lacks what it is known by.
func (o *Order) check(op string) error {
	at, err := time.ParseInLocation(stamp, o.UpdatedAt, time.UTC)
	if err != nil || o.ID < 1 || o.State == "" || o.Number == "" || len(o.Items) == 0 {
		return unreadable(op, fmt.Errorf("order %d lacks its number, state, time or items", o.ID))
	}
	o.Updated = at
	return nil
}

// Bundles are the products of which the shop must say how they ship.
func (o Order) Bundles() []int64 {
	var out []int64
	for _, i := range o.Items {
		if i.Kind == "bundle" && !slices.Contains(out, i.Product) {
			out = append(out, i.Product)
		}
	}
	return out
}

// Together says which bundles ship in one piece.
func (o *Order) Together(products map[int64]bool) { o.together = products }

// ToTogether reads which products are bundles that ship in one piece: attribute shipment_type, 0 is
// together and 1 apart. A product that is gone has none and counts as together, the shop's default.
func ToTogether(data []byte) (map[int64]bool, error) {
	const op = "magento.ToTogether"
	p, err := readPage[struct {
		ID     int64 `json:"id"`
		Custom list[struct {
			Code  string `json:"attribute_code"`
			Value any    `json:"value"`
		}] `json:"custom_attributes"`
	}](op, data)
	if err != nil {
		return nil, err
	}
	out := map[int64]bool{}
	for _, x := range p.Items {
		out[x.ID] = true
		for _, a := range x.Custom {
			if a.Code == "shipment_type" && fmt.Sprint(a.Value) == "1" {
				out[x.ID] = false
			}
		}
	}
	return out, nil
}

func (o Order) item(id int64) (item, bool) {
	i := slices.IndexFunc(o.Items, func(x item) bool { return x.ID == id })
	if i < 0 {
		return item{}, false
	}
	return o.Items[i], true
}

// asOne reports whether a bundle ships in one piece. Nobody knows: it does, as the shop's default is.
func (o Order) asOne(bundle item) bool {
	one, known := o.together[bundle.Product]
	return one || !known
}

// told is the item that a line's shipment is told of: QUIRK(Magento): of a configurable item its parent,
// and nothing is ever shipped of the child; of a bundle that ships in one piece the bundle, so many
// children of which make one.
func (o Order) told(line item) (of item, per int64) {
	parent, ok := o.item(line.Parent)
	if !ok || parent.Kind != "bundle" && parent.Kind != "configurable" {
		return line, 1
	}
	if parent.Kind == "configurable" {
		return parent, 1
	}
	if !o.asOne(parent) {
		return line, 1
	}
	a, err := line.counts()
	b, err2 := parent.counts()
	if err != nil || err2 != nil || b.ordered == 0 || a.ordered%b.ordered != 0 {
		return line, 1
	}
	return parent, a.ordered / b.ordered
}

// picked are the items that somebody fetches: neither what is put together of others nor what is not
// a thing.
func (o Order) picked() []item {
	var out []item
	for _, i := range o.Items {
		if i.Kind != "configurable" && i.Kind != "bundle" && i.Virtual == 0 && i.Kind != "virtual" && i.Kind != "downloadable" {
			out = append(out, i)
		}
	}
	return out
}

func (o Order) ref(i item) string {
	return strconv.FormatInt(o.ID, 10) + "/" + strconv.FormatInt(i.ID, 10)
}

// Work is what the order asks of us.
func (r Reader) Work(o Order) (shop.Work, error) {
	const op = "magento.Work"
	w := shop.Work{ID: WorkID(o.ID), Updated: o.Updated, Location: r.Source, Order: o.place()}
	open := int64(0)
	for _, i := range o.picked() {
		of, per := o.told(i)
		c, err := i.counts()
		if err == nil && of.ID != i.ID {
			var p counts
			if p, err = of.counts(); err == nil {
				c = counts{ordered: c.ordered, shipped: p.shipped * per, gone: p.gone * per}
			}
		}
		if err != nil {
			return w, fault.At(op, fault.Invalid, o.Number, err)
		}
		if c.wanted() > 0 {
			w.Order.Lines = append(w.Order.Lines, order.PlaceLine{Ref: o.ref(i), Item: strings.TrimSpace(i.SKU), Qty: c.wanted()})
			open += c.wanted() - c.shipped
		}
		if c.shipped > 0 {
			w.Done = append(w.Done, shop.LineQty{Ref: o.ref(i), Qty: c.shipped})
		}
	}
	w.State, w.Hold = r.state(o, open)
	return w, nil
}

func (r Reader) state(o Order, open int64) (state shop.State, why string) {
	ships := r.Ships
	if len(ships) == 0 {
		ships = []string{"processing"}
	}
	switch {
	case o.State == "canceled", o.State == "closed" && open > 0:
		return shop.Cancelled, ""
	case o.State == "complete", o.State == "closed", open == 0:
		return shop.Closed, ""
	case slices.Contains(ships, o.State):
		return shop.Open, ""
	}
	return shop.Held, strings.ToLower(strings.TrimSpace(o.State + " " + o.Status)) // holded, new, pending_payment, payment_review
}

func (o Order) place() order.Place {
	p := order.Place{
		Number: strings.TrimSpace(o.Number),
		Refs:   []order.Ref{{Kind: "shop_order", Value: o.Number}, {Kind: "magento_order", Value: strconv.FormatInt(o.ID, 10)}},
	}
	if at, err := time.ParseInLocation(stamp, o.Created, time.UTC); err == nil {
		p.Dates.Ordered = at
	}
	if note := strings.TrimSpace(o.Note); note != "" {
		p.Notes = []string{clip(note, order.MaxNote)}
	}
	if len(o.More.Assignments) == 0 {
		return p
	}
	s := o.More.Assignments[0].Shipping
	p.Service.Method = clip(s.Method, 128)
	if t := s.To; t != nil {
		p.ShipTo = party.Address{
			Name: strings.TrimSpace(t.First + " " + t.Last), Company: t.Company, City: t.City, Region: t.Region,
			PostalCode: t.Zip, Country: t.Country, Phone: t.Phone, Email: t.Email,
		}
		if t.Code != "" {
			p.ShipTo.Region = t.Code
		}
		if p.ShipTo.Email == "" {
			p.ShipTo.Email = o.Email
		}
		for _, l := range t.Street {
			if l = strings.TrimSpace(l); l != "" {
				p.ShipTo.Lines = append(p.ShipTo.Lines, l)
			}
		}
		// Addresses have three lines here; a shop may be set up for four.
		if n := len(p.ShipTo.Lines); n > 3 {
			p.ShipTo.Lines = append(p.ShipTo.Lines[:2:2], strings.Join(p.ShipTo.Lines[2:], ", "))
		}
		p.ShipTo = p.ShipTo.OneLine()
	}
	return p
}

var errNothing = errors.New("nothing left")

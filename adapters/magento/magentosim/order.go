package magentosim

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

type order struct {
	id               int64
	number, state    string
	created, updated time.Time
	first, country   string
	items            []*item
}

type item struct {
	id, product                          int64
	parent                               *item
	kind, sku                            string
	ordered, shipped, canceled, refunded float64
}

func (s *Sim) find(id int64) *order {
	for _, o := range s.orders {
		if o.id == id {
			return o
		}
	}
	return nil
}

// shelf are the items that lie on a shelf.
func (o *order) shelf() (out []*item) {
	for _, i := range o.items {
		if i.kind == "simple" {
			out = append(out, i)
		}
	}
	return out
}

// asOne reports whether a part ships with what it is a part of: nothing of it ships by itself then.
func (s *Sim) asOne(i *item) bool {
	return i.parent != nil && (i.parent.kind == "configurable" || i.parent.kind == "bundle" && !s.products[i.parent.product].apart)
}

// gone is how many of an item on the shelf have left.
func (s *Sim) gone(o *order, i *item) float64 {
	if s.asOne(i) {
		return i.parent.shipped * i.ordered / i.parent.ordered
	}
	return i.shipped
}

// ships reports whether an item is told of when it leaves.
func (s *Sim) ships(i *item) bool {
	switch i.kind {
	case "virtual", "downloadable":
		return false
	case "bundle":
		return !s.products[i.product].apart
	}
	return !s.asOne(i)
}

const stamp = "2006-01-02 15:04:05"

var statuses = map[string]string{"new": "pending", "processing": "processing", "complete": "complete", "closed": "closed", "canceled": "canceled", "holded": "holded", "pending_payment": "pending_payment", "payment_review": "payment_review"}

func (s *Sim) show(o *order) any {
	address := map[string]any{
		"address_type": "shipping", "firstname": o.first, "lastname": "Martin", "street": []any{"12 Elm St"}, "city": "Atlanta", "region": "Georgia",
		"region_code": "GA", "region_id": 19, "postcode": "30303", "country_id": o.country, "telephone": "+1 404 555 0134", "email": "ada@example.com",
		"entity_id": o.id*10 + 1, "parent_id": o.id,
	}
	var items []any
	for _, i := range o.items {
		x := map[string]any{
			"item_id": i.id, "order_id": o.id, "product_id": i.product, "product_type": i.kind, "sku": i.sku, "name": "The " + i.sku,
			"qty_ordered": i.ordered, "qty_shipped": i.shipped, "qty_canceled": i.canceled, "qty_refunded": i.refunded, "qty_invoiced": i.ordered,
			"is_virtual": map[bool]int{true: 1}[i.kind == "virtual" || i.kind == "downloadable"], "weight": 0.5, "store_id": 1,
			"created_at": o.created.UTC().Format(stamp), "updated_at": o.updated.UTC().Format(stamp), "price": 9.5, "row_total": 9.5 * i.ordered,
		}
		if i.parent != nil {
			x["parent_item_id"] = i.parent.id
		}
		items = append(items, x)
	}
	return map[string]any{
		"entity_id": o.id, "increment_id": o.number, "state": o.state, "status": statuses[o.state], "created_at": o.created.UTC().Format(stamp),
		"updated_at": o.updated.UTC().Format(stamp), "customer_email": "ada@example.com", "customer_firstname": o.first, "customer_lastname": "Martin",
		"customer_is_guest": 0, "base_grand_total": 19, "grand_total": 19, "base_currency_code": "USD", "order_currency_code": "USD", "store_id": 1,
		"is_virtual": 0, "shipping_description": "Flat Rate - Fixed", "total_item_count": len(o.items), "items": items,
		"payment":          map[string]any{"account_status": "", "additional_information": []any{"Credit Card"}, "cc_last4": "", "method": "checkmo"},
		"status_histories": []any{},
		"extension_attributes": map[string]any{"shipping_assignments": []any{map[string]any{
			"shipping": map[string]any{"address": address, "method": "flatrate_flatrate"}, "items": []any{},
		}}},
	}
}

const noEntity = "The entity that was requested doesn't exist. Verify the entity and try again."

func (s *Sim) getOrder(r *http.Request, _ []byte) simhttp.Answer {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if o := s.find(id); o != nil && err == nil {
		return simhttp.OK(s.show(o))
	}
	return refuse(http.StatusNotFound, noEntity)
}

func (s *Sim) getOrders(r *http.Request, _ []byte) simhttp.Answer {
	return found(r.URL.Query(), s.orders, map[string]func(*order) string{
		"updated_at": func(o *order) string { return o.updated.UTC().Format(stamp) },
		"entity_id":  func(o *order) string { return strconv.FormatInt(o.id, 10) },
		"state":      func(o *order) string { return o.state },
	}, s.show)
}

// shipBody is what a shipment is told by. Members of the contract that nobody sends are known and not
// looked at.
type shipBody struct {
	Items []struct {
		ID    *int64          `json:"order_item_id"`
		Qty   *float64        `json:"qty"`
		Extra json.RawMessage `json:"extension_attributes"`
	} `json:"items"`
	Notify  *bool           `json:"notify"`
	Append  *bool           `json:"appendComment"`
	Comment json.RawMessage `json:"comment"`
	Tracks  []struct {
		Number *string         `json:"track_number"`
		Title  *string         `json:"title"`
		Code   *string         `json:"carrier_code"`
		Extra  json.RawMessage `json:"extension_attributes"`
	} `json:"tracks"`
	Packages  json.RawMessage `json:"packages"`
	Arguments *struct {
		Extra *struct {
			Source *string `json:"source_code"`
		} `json:"extension_attributes"`
	} `json:"arguments"`
}

const (
	missing  = `"%1" is required. Enter and try again.`
	unshaped = "The request body cannot be read: %1"
	invalid  = "Shipment Document Validation Error(s):\n"
)

func (s *Sim) ship(r *http.Request, body []byte) simhttp.Answer {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	o := s.find(id)
	if o == nil || err != nil {
		return refuse(http.StatusNotFound, noEntity)
	}
	var b shipBody
	if err := simhttp.Strict(body, &b); err != nil {
		return refuse(http.StatusBadRequest, unshaped, err.Error())
	}
	for _, x := range b.Items {
		if x.ID == nil || x.Qty == nil {
			return refuse(http.StatusBadRequest, missing, "order_item_id")
		}
	}
	for _, x := range b.Tracks {
		if x.Number == nil || x.Title == nil || x.Code == nil {
			return refuse(http.StatusBadRequest, missing, "track_number")
		}
	}
	if o.state != "processing" && o.state != "new" {
		return refuse(http.StatusBadRequest, invalid+"The order does not allow a shipment to be created.")
	}
	if len(b.Items) == 0 {
		return refuse(http.StatusBadRequest, invalid+"You can't create a shipment without products.")
	}
	told := Shipped{ID: s.next(), Order: o.id, Items: map[string]float64{}, Source: "default", Notify: b.Notify != nil && *b.Notify}
	if b.Arguments != nil && b.Arguments.Extra != nil && b.Arguments.Extra.Source != nil {
		told.Source = *b.Arguments.Extra.Source
	}
	for _, x := range b.Items {
		i := slices.IndexFunc(o.items, func(i *item) bool { return i.id == *x.ID })
		if i < 0 {
			return refuse(http.StatusBadRequest, invalid+"The shipment contains product item that is not part of the original order.")
		}
		it := o.items[i]
		if left := it.ordered - it.shipped - it.canceled - it.refunded; !s.ships(it) || *x.Qty <= 0 || *x.Qty > left {
			return refuse(http.StatusBadRequest, invalid+`The quantity to ship must not be greater than the unshipped quantity for product SKU "%1".`, it.sku)
		}
		for _, on := range o.shelf() {
			switch {
			case on == it:
				told.Items[on.sku] += *x.Qty
			case on.parent == it:
				told.Items[on.sku] += *x.Qty * on.ordered / it.ordered
			}
		}
	}
	for sku, n := range told.Items {
		if told.Source != Source || s.stock[sku] < n {
			return refuse(http.StatusBadRequest, "Not all of your products are available in the requested quantity.")
		}
	}
	for _, t := range b.Tracks {
		told.Numbers, told.Carrier = append(told.Numbers, *t.Number), *t.Code
	}
	for _, x := range b.Items {
		for _, it := range o.items {
			if it.id == *x.ID {
				it.shipped += *x.Qty
			}
		}
	}
	for sku, n := range told.Items {
		s.stock[sku] -= n
		s.reserved[sku] += n
	}
	o.updated, o.state = s.opts.Now(), "complete"
	for _, it := range o.items {
		if s.ships(it) && it.ordered-it.shipped-it.canceled-it.refunded > 0 {
			o.state = "processing"
		}
	}
	s.shipped = append(s.shipped, told)
	return simhttp.OK(strconv.FormatInt(told.ID, 10))
}

func (s *Sim) getShipments(r *http.Request, _ []byte) simhttp.Answer {
	return found(r.URL.Query(), s.shipped, map[string]func(Shipped) string{
		"order_id":  func(x Shipped) string { return strconv.FormatInt(x.Order, 10) },
		"entity_id": func(x Shipped) string { return strconv.FormatInt(x.ID, 10) },
	}, func(x Shipped) any {
		tracks, items := []any{}, []any{}
		for _, n := range x.Numbers {
			tracks = append(tracks, map[string]any{
				"entity_id": x.ID, "parent_id": x.ID, "order_id": x.Order, "track_number": n, "title": strings.ToUpper(x.Carrier), "carrier_code": x.Carrier,
				"weight": 0.5, "qty": 1, "description": "",
			})
		}
		for sku, n := range x.Items {
			items = append(items, map[string]any{"order_item_id": 1, "qty": n, "sku": sku})
		}
		return map[string]any{"entity_id": x.ID, "order_id": x.Order, "items": items, "tracks": tracks, "comments": []any{}, "total_qty": float64(len(items))}
	})
}

func (s *Sim) getProducts(r *http.Request, _ []byte) simhttp.Answer {
	var all []product
	for _, p := range s.products {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b product) int { return int(math.Copysign(1, float64(a.id-b.id))) })
	return found(r.URL.Query(), all, map[string]func(product) string{
		"entity_id": func(p product) string { return strconv.FormatInt(p.id, 10) }, "sku": func(p product) string { return p.sku },
	}, func(p product) any {
		kind := "0"
		if p.apart {
			kind = "1"
		}
		return map[string]any{"id": p.id, "sku": p.sku, "name": "The " + p.sku, "custom_attributes": []any{map[string]any{"attribute_code": "shipment_type", "value": kind}}}
	})
}

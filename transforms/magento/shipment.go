package magento

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

type shipItem struct {
	Item int64 `json:"order_item_id"`
	Qty  int64 `json:"qty"`
}

type shipTrack struct {
	Number  string `json:"track_number"`
	Title   string `json:"title"`
	Carrier string `json:"carrier_code"`
}

// ShipRequest is the body of POST /V1/order/{id}/ship.
type ShipRequest struct {
	Items     []shipItem     `json:"items"`
	Notify    bool           `json:"notify"`
	Tracks    []shipTrack    `json:"tracks,omitempty"`
	Arguments *shipArguments `json:"arguments,omitempty"`
}

type shipArguments struct {
	More struct {
		Source string `json:"source_code"`
	} `json:"extension_attributes"`
}

// titles are carriers as buyers read them; the shop's own codes are the same as our connections'.
var titles = map[string]string{"ups": "United Parcel Service", "fedex": "Federal Express", "usps": "United States Postal Service"}

// FromShipment is what a shipment is to the shop, given the order as it stands there. Nothing is to be
// told while of a bundle that ships in one piece not all has left; ok is false then.
func FromShipment(s shop.Shipment, o Order, source string) (req ShipRequest, ok bool, err error) {
	const op = "magento.FromShipment"
	if len(s.Lines) == 0 {
		return req, false, fault.At(op, fault.Invalid, "lines", errNothing)
	}
	for i, l := range s.Lines {
		of, whole, err := o.lineOf(l.Ref)
		if err != nil || l.Qty < 1 {
			return req, false, fault.At(op, fault.Invalid, fmt.Sprintf("lines[%d]", i), fmt.Errorf("%d of %q are no units of a line of %s: %w", l.Qty, l.Ref, s.Work, err))
		}
		qty := l.Qty
		if whole {
			if slices.ContainsFunc(req.Items, func(x shipItem) bool { return x.Item == of.ID }) {
				continue // told with its sibling
			}
			c, err := of.counts()
			if err != nil {
				return req, false, fault.At(op, fault.Invalid, o.Number, err)
			}
			if qty = o.bundles(of, s.Left) - c.shipped; qty <= 0 {
				continue
			}
		}
		req.Items = append(req.Items, shipItem{of.ID, qty})
	}
	req.Notify = s.Notify
	for _, p := range s.Parcels {
		if p.Tracking == "" {
			continue
		}
		t := shipTrack{Number: p.Tracking, Carrier: p.Carrier, Title: titles[p.Carrier]}
		if t.Title == "" {
			t.Carrier, t.Title = "custom", strings.TrimSpace(p.Carrier)
		}
		if t.Title == "" {
			t.Title = "Parcel"
		}
		req.Tracks = append(req.Tracks, t)
	}
	if source != "" {
		req.Arguments = &shipArguments{}
		req.Arguments.More.Source = source
	}
	return req, len(req.Items) > 0, nil
}

// lineOf is the item that a line's shipment is told of, and whether that is a bundle in one piece.
func (o Order) lineOf(ref string) (of item, whole bool, err error) {
	number, id, ok := strings.Cut(ref, "/")
	n, err := strconv.ParseInt(id, 10, 64)
	if !ok || err != nil || number != strconv.FormatInt(o.ID, 10) {
		return of, false, fmt.Errorf("it is of another order")
	}
	line, found := o.item(n)
	if !found {
		return of, false, fmt.Errorf("the order has no such item")
	}
	of, _ = o.told(line)
	return of, of.ID != line.ID && of.Kind == "bundle", nil
}

// bundles is how many of a bundle that ships in one piece have wholly left, of what left of its parts.
func (o Order) bundles(bundle item, left []shop.LineQty) int64 {
	most := int64(-1)
	for _, i := range o.picked() {
		of, per := o.told(i)
		if of.ID != bundle.ID {
			continue
		}
		n := int64(0)
		for _, l := range left {
			if l.Ref == o.ref(i) {
				n = l.Qty / per
			}
		}
		if most < 0 || n < most {
			most = n
		}
	}
	return max(most, 0)
}

// ToShipped reads the answer to a shipment: its number.
func ToShipped(data []byte) (string, error) {
	number := strings.Trim(strings.TrimSpace(string(data)), `"`) // QUIRK(Magento): a number, in quotes or not
	if n, err := strconv.ParseInt(number, 10, 64); err != nil || n < 1 {
		return "", unreadable("magento.ToShipped", fmt.Errorf("%.40q is no number of a shipment", data))
	}
	return "shipments/" + number, nil
}

// FoundShipped looks for a shipment among those of the order, by its tracking numbers.
func FoundShipped(data []byte, s shop.Shipment) (id string, found bool, err error) {
	p, err := readPage[struct {
		ID     int64 `json:"entity_id"`
		Tracks list[struct {
			Number string `json:"track_number"`
		}] `json:"tracks"`
	}]("magento.FoundShipped", data)
	if err != nil {
		return "", false, err
	}
	if len(p.Items) < *p.Total {
		return "", false, fault.E("magento.FoundShipped", fault.Unknown, fmt.Errorf("%s has %d shipments, more than are read", s.Work, *p.Total))
	}
	for _, x := range p.Items {
		for _, t := range x.Tracks {
			if t.Number != "" && slices.ContainsFunc(s.Parcels, func(p shop.Parcel) bool { return p.Tracking == t.Number }) {
				return "shipments/" + strconv.FormatInt(x.ID, 10), true, nil
			}
		}
	}
	return "", false, nil
}

// Counts reports whether the order counts all that s says must be counted once it was told.
func (o Order) Counts(s shop.Shipment) (bool, error) {
	const op = "magento.Counts"
	for i, want := range s.After {
		of, whole, err := o.lineOf(want.Ref)
		if err != nil {
			return false, fault.At(op, fault.Invalid, fmt.Sprintf("after[%d]", i), err)
		}
		c, err := of.counts()
		if err != nil {
			return false, fault.At(op, fault.Invalid, o.Number, err)
		}
		least := want.Qty
		if whole {
			least = o.bundles(of, s.Left)
		}
		if c.shipped < least {
			return false, nil
		}
	}
	return true, nil
}

// Level is what a source says of an item.
type Level struct {
	SKU      string `json:"sku"`
	Source   string `json:"source_code"`
	Quantity int64  `json:"quantity"`
	Status   int    `json:"status"` // 1 is in stock
}

// ToLevels reads a page of source items, and how many there are in all.
func ToLevels(data []byte) ([]Level, int, error) {
	const op = "magento.ToLevels"
	p, err := readPage[struct {
		SKU      string `json:"sku"`
		Source   string `json:"source_code"`
		Quantity amount `json:"quantity"`
		Status   int    `json:"status"`
	}](op, data)
	if err != nil {
		return nil, 0, err
	}
	out := make([]Level, 0, len(p.Items))
	for _, x := range p.Items {
		n, err := x.Quantity.units()
		if err != nil || x.SKU == "" {
			return nil, 0, fault.At(op, fault.Invalid, x.SKU, fmt.Errorf("the shop's stock of %q: %w", x.SKU, err))
		}
		out = append(out, Level{x.SKU, x.Source, n, x.Status})
	}
	return out, *p.Total, nil
}

// SourceItems is the body that sets source items.
type SourceItems struct {
	Items []Level `json:"sourceItems"`
}

// FromLevels is what is to be written so that the shop says set, and which items it does not stock.
// What it says already is left out.
func FromLevels(set []shop.Level, have []Level) (write []Level, skipped []string) {
	for _, l := range set {
		// QUIRK(Magento): SKUs are compared without their case.
		i := slices.IndexFunc(have, func(h Level) bool { return strings.EqualFold(h.SKU, l.Item) })
		if i < 0 {
			skipped = append(skipped, l.Item)
			continue
		}
		status := 0
		if l.OnHand > 0 {
			status = 1
		}
		if have[i].Quantity != l.OnHand || have[i].Status != status {
			write = append(write, Level{have[i].SKU, l.Location, l.OnHand, status})
		}
	}
	return write, skipped
}

// ToBulk reads the answer to what is done later: its id.
func ToBulk(data []byte) (string, error) {
	const op = "magento.ToBulk"
	var a struct {
		ID     string `json:"bulk_uuid"`
		Errors bool   `json:"errors"`
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return "", unreadable(op, err)
	}
	if a.ID == "" || a.Errors {
		return "", unreadable(op, fmt.Errorf("it was not taken whole: %.200s", data))
	}
	return a.ID, nil
}

// Statuses of an operation of a bulk (Magento\AsynchronousOperations).
const (
	opComplete   = 1
	opRetryLater = 2
	opFailed     = 3
	opOpen       = 4
	opRejected   = 5
)

// BulkDone reads how a bulk went: whether it is over, and why it failed.
func BulkDone(data []byte) (done bool, err error) {
	const op = "magento.BulkDone"
	var a struct {
		Operations list[struct {
			Status  int    `json:"status"`
			Message string `json:"result_message"`
		}] `json:"operations_list"`
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return false, unreadable(op, err)
	}
	if len(a.Operations) == 0 {
		return false, unreadable(op, fmt.Errorf("nothing is said of its operations"))
	}
	for _, x := range a.Operations {
		switch x.Status {
		case opComplete:
		case opOpen:
			return false, nil
		case opRetryLater:
			err = fault.E(op, fault.Transient, fmt.Errorf("the shop says: %s", x.Message))
		case opFailed, opRejected:
			return true, fault.E(op, fault.Rejected, fmt.Errorf("the shop says: %s", x.Message))
		default:
			return false, unreadable(op, fmt.Errorf("status %d of an operation", x.Status))
		}
	}
	return true, err
}

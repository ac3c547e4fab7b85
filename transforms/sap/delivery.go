package sap

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
)

// maxNumber is the longest number of a delivery.
const maxNumber = 10

// Number is the number of a delivery as it is asked for, or fault.Rejected.
func Number(number string) (string, error) {
	n := bare(number)
	if n == "" || len(n) > maxNumber || strings.ContainsAny(n, "'/?# ") {
		return "", fault.At("sap.Number", fault.Rejected, "order", fmt.Errorf("%.40q is no number of a delivery", number))
	}
	return n, nil
}

// Header is the head of a delivery. ETag is what must be said of it where it is changed.
type Header struct {
	erp.Delivery
	ETag string

	Point     string // shipping point
	Condition string // shipping condition: how it is to travel
	Block     string // why it is not to be delivered yet
	ShipTo    string // the customer's number

	Supplier  string // of an inbound delivery
	Reference string // its supplier's own number of it

	Made, IssueBy, DeliverBy time.Time // days
}

// ToHeader reads the head of a delivery; its items are read by themselves.
func ToHeader(data []byte) (h Header, err error) {
	const op = "sap.ToHeader"
	d, err := read[struct {
		Meta struct {
			ETag text `json:"etag"`
		} `json:"__metadata"`
		Number   text `json:"DeliveryDocument"`
		Movement text `json:"OverallGoodsMovementStatus"`
		Day      text `json:"ActualGoodsMovementDate"`

		Point     text `json:"ShippingPoint"`
		Condition text `json:"ShippingCondition"`
		Block     text `json:"DeliveryBlockReason"`
		ShipTo    text `json:"ShipToParty"`
		Made      text `json:"CreationDate"`
		IssueBy   text `json:"PlannedGoodsIssueDate"`
		DeliverBy text `json:"DeliveryDate"`
		Supplier  text `json:"Supplier"`
		Reference text `json:"DeliveryDocumentBySupplier"`
	}](op, data)
	if err != nil {
		return h, err
	}
	h.Number, h.ETag = bare(string(d.Number)), string(d.Meta.ETag)
	if h.Number == "" || h.ETag == "" {
		return h, unreadable(op, errors.New("there is no number, or no etag"))
	}
	switch d.Movement {
	case "A", "":
		h.Movement = erp.NotMoved
	case "B":
		h.Movement = erp.Partly
	case "C":
		h.Movement = erp.Moved
	default:
		return h, unreadable(op, fmt.Errorf("goods movement status %.10q is none of A, B and C", string(d.Movement)))
	}
	h.Point, h.Condition, h.Block, h.ShipTo = string(d.Point), string(d.Condition), string(d.Block), bare(string(d.ShipTo))
	h.Supplier, h.Reference = bare(string(d.Supplier)), strings.TrimSpace(string(d.Reference))
	for _, x := range []struct {
		to   *time.Time
		from text
	}{{&h.Day, d.Day}, {&h.Made, d.Made}, {&h.IssueBy, d.IssueBy}, {&h.DeliverBy, d.DeliverBy}} {
		if *x.to, err = day(x.from); err != nil {
			return h, unreadable(op, err)
		}
	}
	return h, nil
}

// ToItems reads a page of a delivery's items; next is the query of the page behind it, nil behind the
// last. Items of which no goods are issued are left out.
func ToItems(data []byte) (items []erp.Item, next url.Values, err error) {
	const op = "sap.ToItems"
	page, err := read[results[struct {
		No         text `json:"DeliveryDocumentItem"`
		Material   text `json:"Material"`
		Unit       text `json:"BaseUnit"`
		Qty        text `json:"ActualDeliveredQtyInBaseUnit"`
		Asked      text `json:"OriginalDeliveryQuantity"`
		Numerator  text `json:"DeliveryToBaseQuantityNmrtr"`
		Denominat  text `json:"DeliveryToBaseQuantityDnmntr"`
		Picking    text `json:"PickingStatus"`
		Irrelevant text `json:"IsNotGoodsMovementsRelevant"`
		Batch      text `json:"Batch"`
		Source     text `json:"ReferenceSDDocument"`
		Plant      text `json:"Plant"`
		Expiry     text `json:"ShelfLifeExpirationDate"`
	}]](op, data)
	if err != nil {
		return nil, nil, err
	}
	if page.List == nil {
		return nil, nil, unreadable(op, errors.New("there is no list"))
	}
	for _, x := range page.List {
		if x.Irrelevant == "X" {
			continue
		}
		i := erp.Item{No: bare(string(x.No)), Material: string(x.Material), Unit: string(x.Unit), Picked: x.Picking == "C", Batch: string(x.Batch), Source: bare(string(x.Source)), Plant: string(x.Plant)}
		var asked, top, bottom int64
		var errs [6]error
		i.Qty, errs[0] = units(x.Qty)
		asked, errs[1] = units(x.Asked)
		top, errs[2] = units(x.Numerator)
		bottom, errs[3] = units(x.Denominat)
		i.Asked, errs[4] = times(asked, top, bottom)
		i.Expiry, errs[5] = day(x.Expiry)
		if i.No == "" || i.Unit == "" {
			return nil, nil, unreadable(op, errors.New("an item has no number, or no base unit"))
		}
		if err := errors.Join(errs[:]...); err != nil {
			return nil, nil, fault.At(op, fault.Rejected, "item "+i.No, err)
		}
		items = append(items, i)
	}
	if next, err = onward(page.Next); err != nil {
		return nil, nil, unreadable(op, err)
	}
	return items, next, nil
}

// Report is the first error in what SAP says of a picking or posting that it took, "" where there is none.
func Report(data []byte) (problem string, err error) {
	const op = "sap.Report"
	page, err := read[results[struct {
		Type   text `json:"SystemMessageType"`
		Class  text `json:"SystemMessageIdentification"`
		Number text `json:"SystemMessageNumber"`
		One    text `json:"SystemMessageVariable1"`
		Two    text `json:"SystemMessageVariable2"`
		Item   text `json:"DeliveryDocumentItem"`
	}]](op, data)
	if err != nil {
		return "", err
	}
	for _, m := range page.List {
		if m.Type == "E" || m.Type == "A" { // error, abort
			return strings.Join(strings.Fields(fmt.Sprintf("message %s %s %s %s of item %s", m.Class, m.Number, m.One, m.Two, m.Item)), " "), nil
		}
	}
	return "", nil
}

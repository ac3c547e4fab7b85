package sap

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
)

// Since asks for the deliveries that were made or changed on the day of a time or later, and whose goods
// movement is not posted; place is the property that says where they are from or go to. QUIRK(SAP): one that was never changed has no day of its last change.
func Since(at time.Time, place string) url.Values {
	from := at.UTC().Format("datetime'2006-01-02T00:00:00'")
	return url.Values{
		"$filter": {fmt.Sprintf("(CreationDate ge %s or LastChangeDate ge %s) and OverallGoodsMovementStatus ne 'C'", from, from)},
		"$select": {"DeliveryDocument," + place},
	}
}

// ToListed reads a page of deliveries; next is the query of the page behind it, nil where SAP names none.
func ToListed(data []byte) (list []erp.Listed, next url.Values, err error) {
	const op = "sap.ToListed"
	page, err := read[results[struct {
		Meta struct {
			ETag text `json:"etag"`
		} `json:"__metadata"`
		Number text `json:"DeliveryDocument"`
		Point  text `json:"ShippingPoint"`
		Plant  text `json:"ReceivingPlant"`
	}]](op, data)
	if err != nil {
		return nil, nil, err
	}
	if page.List == nil {
		return nil, nil, unreadable(op, errors.New("there is no list"))
	}
	for _, x := range page.List {
		if x.Number == "" {
			return nil, nil, unreadable(op, errors.New("a delivery has no number"))
		}
		list = append(list, erp.Listed{Number: bare(string(x.Number)), Version: string(x.Meta.ETag), Point: string(cmp.Or(x.Point, x.Plant))})
	}
	if next, err = onward(page.Next); err != nil {
		return nil, nil, unreadable(op, err)
	}
	return list, next, nil
}

// shipTo are the names of the ship-to party's function: SAP's own, and what it is shown as in English.
var shipTo = []string{"WE", "SH"}

// ToShipTo reads the address of the ship-to party from a delivery's partners. It is zero where none of them is.
func ToShipTo(data []byte) (a party.Address, err error) {
	const op = "sap.ToShipTo"
	page, err := read[results[struct {
		Function text `json:"PartnerFunction"`
		Customer text `json:"Customer"`
		Address  struct {
			Name    text `json:"BusinessPartnerName1"`
			Name2   text `json:"BusinessPartnerName2"`
			CareOf  text `json:"CareOfName"`
			Street  text `json:"StreetName"`
			House   text `json:"HouseNumber"`
			Street2 text `json:"StreetPrefixName"`
			Street4 text `json:"StreetSuffixName"`
			POBox   text `json:"POBox"`
			City    text `json:"CityName"`
			Region  text `json:"Region"`
			Postal  text `json:"PostalCode"`
			Country text `json:"Country"`
			Phone   text `json:"PhoneNumber"`
			Mobile  text `json:"MobilePhoneNumber"`
			Email   text `json:"EmailAddress"`
		} `json:"to_Address2"`
	}]](op, data)
	if err != nil {
		return a, err
	}
	if page.List == nil {
		return a, unreadable(op, errors.New("there is no list"))
	}
	for _, x := range page.List {
		if !slices.Contains(shipTo, string(x.Function)) {
			continue
		}
		f := x.Address
		a = party.Address{
			Name: string(f.Name), City: string(f.City), Region: string(f.Region), PostalCode: string(f.Postal), Country: string(f.Country),
			Phone: cmp.Or(string(f.Phone), string(f.Mobile)), Email: string(f.Email), Code: bare(string(x.Customer)),
		}
		if f.CareOf != "" {
			a.Name, a.Company = string(f.CareOf), string(f.Name)
		}
		for _, line := range []string{string(f.Name2), streetOf(string(f.Street), string(f.House), a.Country), string(f.Street2), string(f.Street4)} {
			if line != "" && len(a.Lines) < 3 {
				a.Lines = append(a.Lines, line)
			}
		}
		if f.Street == "" && f.POBox != "" {
			a.Lines = append(a.Lines[:min(len(a.Lines), 2)], "PO Box "+string(f.POBox))
		}
		return a, nil
	}
	return a, nil
}

// numberFirst are countries that write a house's number in front of its street.
var numberFirst = []string{"US", "CA", "GB", "IE", "AU", "NZ", "FR", "LU"}

func streetOf(street, house, country string) string {
	if slices.Contains(numberFirst, country) {
		return strings.TrimSpace(house + " " + street)
	}
	return strings.TrimSpace(street + " " + house)
}

// ToWork is a delivery as an order is made of it: numbered as the delivery is, its lines as the items are.
// Days are bounds by their last second, in UTC: SAP says no zone beside them.
func ToWork(h Header, to party.Address) (erp.Work, error) {
	w := erp.Work{
		Listed:   erp.Listed{Number: h.Number, Version: h.ETag, Point: h.Point},
		Movement: h.Movement, Blocked: h.Block,
		Order: order.Place{
			Number: h.Number, ShipTo: to, Service: order.Service{Method: h.Condition},
			Dates: order.Dates{Ordered: h.Made, ShipBy: lastSecond(h.IssueBy), DeliverBy: lastSecond(h.DeliverBy)},
		},
	}
	for _, i := range h.Items {
		if i.Qty == 0 { // all of it stands in items by batch, or is not wanted any more
			continue
		}
		l := order.PlaceLine{Ref: i.No, Item: bare(i.Material), Qty: i.Qty, Lot: i.Batch}
		if l.Item == "" {
			return w, fault.At("sap.ToWork", fault.Rejected, "item "+i.No, fmt.Errorf("item %s of delivery %s is of no material: it cannot be picked", i.No, h.Number))
		}
		w.Order.Lines = append(w.Order.Lines, l)
		if ref := (order.Ref{Kind: "sales_order", Value: i.Source}); i.Source != "" && !slices.Contains(w.Order.Refs, ref) && len(w.Order.Refs) < order.MaxRefs {
			w.Order.Refs = append(w.Order.Refs, ref)
		}
	}
	return w, nil
}

func lastSecond(day time.Time) time.Time {
	if day.IsZero() {
		return day
	}
	return day.Add(24*time.Hour - time.Second)
}

package shopify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

// CreateFulfillment tells what left; variables: fulfillment ([FromShipment]).
const CreateFulfillment = `mutation PakLogShip($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id status } userErrors { field message } }
}`

// ReadShipped reads what is known of a fulfilment order's shipments; variables: id.
const ReadShipped = `query PakLogShipped($id: ID!) {
  fulfillmentOrder(id: $id) {
    id
    lineItems(first: 250) { nodes { id totalQuantity remainingQuantity } pageInfo { hasNextPage } }
    fulfillments(first: 100) { nodes { id status trackingInfo { number } } pageInfo { hasNextPage } }
  }
}`

type fulfillmentInput struct {
	Tracking *trackingInput `json:"trackingInfo,omitempty"`
	Notify   bool           `json:"notifyCustomer"`
	Orders   []ordersInput  `json:"lineItemsByFulfillmentOrder"`
}

type trackingInput struct {
	Company string   `json:"company,omitempty"`
	Numbers []string `json:"numbers"`
}

type ordersInput struct {
	ID    string      `json:"fulfillmentOrderId"`
	Lines []lineInput `json:"fulfillmentOrderLineItems"`
}

type lineInput struct {
	ID  string `json:"id"`
	Qty int64  `json:"quantity"`
}

// Companies are the names by which Shopify knows carriers and makes links for their numbers, by the
// names of our connections.
var Companies = map[string]string{"ups": "UPS", "fedex": "FedEx", "usps": "USPS", "dhl": "DHL Express"}

// FromShipment is what a shipment is to Shopify: one fulfilment with all its tracking numbers.
func FromShipment(s shop.Shipment) (any, error) {
	const op = "shopify.FromShipment"
	if kind(s.Work) != "FulfillmentOrder" {
		return nil, fault.At(op, fault.Invalid, "work", fmt.Errorf("%q is no fulfilment order", s.Work))
	}
	if len(s.Lines) == 0 {
		return nil, fault.At(op, fault.Invalid, "lines", errors.New("nothing left"))
	}
	in := fulfillmentInput{Notify: s.Notify, Orders: []ordersInput{{ID: s.Work}}}
	for i, l := range s.Lines {
		work, line, ok := strings.Cut(l.Ref, "/")
		if !ok || work != Number(s.Work) || l.Qty < 1 {
			return nil, fault.At(op, fault.Invalid, fmt.Sprintf("lines[%d]", i), fmt.Errorf("%d of %q are no units of a line of %s", l.Qty, l.Ref, s.Work))
		}
		in.Orders[0].Lines = append(in.Orders[0].Lines, lineInput{GID("FulfillmentOrderLineItem", line), l.Qty})
	}
	for _, p := range s.Parcels {
		if p.Tracking == "" {
			continue
		}
		if in.Tracking == nil {
			in.Tracking = &trackingInput{Company: Companies[p.Carrier]}
			if in.Tracking.Company == "" {
				in.Tracking.Company = p.Carrier
			}
		}
		in.Tracking.Numbers = append(in.Tracking.Numbers, p.Tracking)
	}
	return in, nil
}

// ToShipped reads the answer to [CreateFulfillment]: the id of the fulfilment.
func ToShipped(data []byte) (string, error) {
	const op = "shopify.ToShipped"
	var d struct {
		Create *struct {
			Fulfillment *struct {
				ID string `json:"id"`
			} `json:"fulfillment"`
			Errors []userError `json:"userErrors"`
		} `json:"fulfillmentCreate"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return "", unreadable(op, err)
	}
	if d.Create == nil {
		return "", unreadable(op, errors.New("the answer says nothing of the fulfilment"))
	}
	if err := refused(op, d.Create.Errors); err != nil {
		return "", err
	}
	if d.Create.Fulfillment == nil || kind(d.Create.Fulfillment.ID) != "Fulfillment" {
		return "", unreadable(op, errors.New("there is neither a fulfilment nor an error"))
	}
	return d.Create.Fulfillment.ID, nil
}

// FoundShipped looks for a shipment in the answer to [ReadShipped]: by its tracking numbers, or
// where it has none by what is counted as fulfilled. What cannot be told is Unknown.
func FoundShipped(data []byte, s shop.Shipment) (id string, found bool, err error) {
	const op = "shopify.FoundShipped"
	var d struct {
		One *struct {
			ID           string           `json:"id"`
			Lines        connection[line] `json:"lineItems"`
			Fulfillments connection[struct {
				ID       string `json:"id"`
				Status   string `json:"status"`
				Tracking []struct {
					Number string `json:"number"`
				} `json:"trackingInfo"`
			}] `json:"fulfillments"`
		} `json:"fulfillmentOrder"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return "", false, unreadable(op, err)
	}
	if d.One == nil {
		return "", false, fault.E(op, fault.Unknown, fmt.Errorf("fulfilment order %s is not there any more", s.Work))
	}
	if d.One.Fulfillments.PageInfo.HasNextPage || d.One.Lines.PageInfo.HasNextPage && len(s.Parcels) == 0 {
		return "", false, fault.E(op, fault.Unknown, fmt.Errorf("fulfilment order %s has more shipments or lines than are read", s.Work))
	}
	for _, f := range d.One.Fulfillments.Nodes {
		if f.Status == "CANCELLED" || f.Status == "ERROR" || f.Status == "FAILURE" {
			continue
		}
		for _, t := range f.Tracking {
			if t.Number != "" && slices.ContainsFunc(s.Parcels, func(p shop.Parcel) bool { return p.Tracking == t.Number }) {
				return f.ID, true, nil
			}
		}
	}
	if slices.ContainsFunc(s.Parcels, func(p shop.Parcel) bool { return p.Tracking != "" }) {
		return "", false, nil
	}
	for _, want := range s.After {
		for _, l := range d.One.Lines.Nodes {
			if lineRef(d.One.ID, l.ID) == want.Ref && l.Total-l.Remaining < want.Qty {
				return "", false, nil
			}
		}
	}
	return d.One.ID, true, nil
}

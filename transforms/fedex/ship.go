package fedex

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// ShipRequest is the body of POST /ship/v1/shipments.
type ShipRequest struct {
	LabelResponseOptions string   `json:"labelResponseOptions"`
	AccountNumber        number   `json:"accountNumber"`
	Shipment             shipment `json:"requestedShipment"`
}

type shipment struct {
	Shipper         side        `json:"shipper"`
	Recipients      []side      `json:"recipients"`
	PickupType      string      `json:"pickupType"`
	ServiceType     string      `json:"serviceType"`
	PackagingType   string      `json:"packagingType"`
	TotalWeight     json.Number `json:"totalWeight"`
	Payment         payment     `json:"shippingChargesPayment"`
	Label           labelSpec   `json:"labelSpecification"`
	RateRequestType []string    `json:"rateRequestType"`
	Packages        []pack      `json:"requestedPackageLineItems"`
}

type payment struct {
	PaymentType string `json:"paymentType"`
	Payor       struct {
		ResponsibleParty struct {
			AccountNumber number `json:"accountNumber"`
		} `json:"responsibleParty"`
	} `json:"payor"`
}

type labelSpec struct {
	ImageType      string `json:"imageType"`
	LabelStockType string `json:"labelStockType"`
}

// imageTypes are FedEx's names of the formats that it sells.
var imageTypes = map[ship.Format]labelSpec{
	ship.ZPL: {"ZPLII", "STOCK_4X6"}, ship.PDF: {"PDF", "PAPER_4X6"}, ship.PNG: {"PNG", "PAPER_4X6"},
}

// FromParcel orders the label of p.
func FromParcel(p ship.Parcel, a Account) (ShipRequest, error) {
	e := newChecker()
	if p.Service == "" {
		e.Add("service", "is empty, want a FedEx service such as FEDEX_GROUND")
	}
	label, sold := imageTypes[cmp.Or(p.Format, ship.ZPL)]
	if !sold {
		e.Add("format", "FedEx sells labels as ZPL, PDF and PNG, not as %s", p.Format)
	}
	ref := Reference(p.Reference)
	e.Length("reference", ref, maxReference)
	e.Length("order_number", p.OrderNumber, 30)
	e.common(p, a)
	req := ShipRequest{LabelResponseOptions: "LABEL", AccountNumber: number{a.Number}}
	one := e.pack(p)
	one.CustomerReferences = []reference{{"CUSTOMER_REFERENCE", ref}}
	if p.OrderNumber != "" {
		one.CustomerReferences = append(one.CustomerReferences, reference{"INVOICE_NUMBER", p.OrderNumber})
	}
	req.Shipment = shipment{
		// FedEx calls the shipper about who cannot be called.
		Shipper: e.party("from", p.From, ""), Recipients: []side{e.party("to", p.To, p.From.Phone)},
		PickupType: daily, ServiceType: p.Service, PackagingType: ownPackaging, TotalWeight: one.Weight.Value,
		Payment: payment{PaymentType: "SENDER"}, Label: label, RateRequestType: a.types(), Packages: []pack{one},
	}
	req.Shipment.Payment.Payor.ResponsibleParty.AccountNumber = number{a.Number}
	return req, e.Err("fedex.FromParcel")
}

type document struct{ ContentType, DocType, EncodedLabel carrierdoc.Text }

type sold struct {
	MasterTrackingNumber carrierdoc.Text
	ShipmentDocuments    carrierdoc.List[document]
	PieceResponses       carrierdoc.List[struct {
		TrackingNumber, MasterTrackingNumber carrierdoc.Text
		PackageDocuments                     carrierdoc.List[document]
	}]
	CompletedShipmentDetail struct {
		ShipmentRating struct {
			ActualRateType      carrierdoc.Text
			ShipmentRateDetails carrierdoc.List[struct{ RateType, Currency, TotalNetCharge carrierdoc.Text }]
		}
	}
}

// ToLabel reads what was bought with p. A price that cannot be read leaves the
// cost unknown: the label is bought all the same.
func ToLabel(body []byte, p ship.Parcel, connection string) (ship.Label, error) {
	const op = "fedex.ToLabel"
	var doc struct {
		Output *struct{ TransactionShipments carrierdoc.List[sold] }
	}
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return ship.Label{}, err
	}
	if doc.Output == nil {
		return ship.Label{}, carrierdoc.Invalid(op, "output", "is missing")
	}
	const at = "output.transactionShipments"
	if n := len(doc.Output.TransactionShipments); n != 1 {
		return ship.Label{}, carrierdoc.Invalid(op, at, "are %d, want 1", n)
	}
	s := doc.Output.TransactionShipments[0]
	if n := len(s.PieceResponses); n != 1 {
		return ship.Label{}, carrierdoc.Invalid(op, at+"[0].pieceResponses", "are %d, want 1", n)
	}
	piece := s.PieceResponses[0]
	if piece.TrackingNumber == "" {
		return ship.Label{}, carrierdoc.Invalid(op, at+"[0].pieceResponses[0].trackingNumber", "is missing")
	}
	format, img, err := printable(append(piece.PackageDocuments, s.ShipmentDocuments...))
	if err != nil {
		return ship.Label{}, carrierdoc.Invalid(op, at+"[0].pieceResponses[0].packageDocuments", "%w", err)
	}
	return ship.Label{
		Connection: connection, Reference: p.Reference,
		ShipmentID:     string(cmp.Or(s.MasterTrackingNumber, piece.MasterTrackingNumber, piece.TrackingNumber)),
		TrackingNumber: string(piece.TrackingNumber),
		Service:        service(p.Service), Cost: s.cost(), Format: format, Image: img,
	}, nil
}

// printable is the first of documents that is a label.
func printable(documents []document) (ship.Format, []byte, error) {
	for _, d := range documents {
		if d.ContentType != "LABEL" {
			continue
		}
		for format, spec := range imageTypes {
			if spec.ImageType == string(d.DocType) || string(format) == string(d.DocType) {
				img, err := carrierdoc.Image(d.EncodedLabel)
				return format, img, err
			}
		}
		return "", nil, fmt.Errorf("label format is %q", d.DocType)
	}
	return "", nil, fmt.Errorf("have no LABEL")
}

// cost is what the account pays, or nothing where FedEx does not say.
func (s sold) cost() measure.Money {
	r := s.CompletedShipmentDetail.ShipmentRating
	for _, d := range r.ShipmentRateDetails {
		if d.RateType == r.ActualRateType {
			cost, _ := carrierdoc.Money(d.Currency, d.TotalNetCharge)
			return cost
		}
	}
	return measure.Money{}
}

// CancelRequest is the body of PUT /ship/v1/shipments/cancel.
type CancelRequest struct {
	AccountNumber   number `json:"accountNumber"`
	TrackingNumber  string `json:"trackingNumber"`
	DeletionControl string `json:"deletionControl"`
}

// FromLabel gives l back.
func FromLabel(l ship.Label, a Account) CancelRequest {
	return CancelRequest{number{a.Number}, l.ShipmentID, "DELETE_ALL_PACKAGES"}
}

// ToCancelled reads an answer to a cancel: whether FedEx says that the shipment
// is void, and else in what words it does not.
func ToCancelled(body []byte) (void bool, words string, err error) {
	const op = "fedex.ToCancelled"
	var doc struct {
		Output *struct {
			CancelledShipment, Message carrierdoc.Text
			Alerts                     carrierdoc.List[trouble]
		}
	}
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return false, "", err
	}
	if doc.Output == nil {
		return false, "", carrierdoc.Invalid(op, "output", "is missing")
	}
	words = string(doc.Output.Message)
	for _, a := range doc.Output.Alerts {
		words += " " + string(a.Message)
	}
	switch doc.Output.CancelledShipment {
	case "true":
		return true, words, nil
	case "false":
		return false, words, nil
	}
	return false, "", carrierdoc.Invalid(op, "output.cancelledShipment", "is %q, want true or false", doc.Output.CancelledShipment)
}

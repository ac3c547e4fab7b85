package ups

import (
	"cmp"
	"fmt"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// ShipRequest is the body of POST /shipments/v2409/ship.
type ShipRequest struct {
	ShipmentRequest struct {
		Request            request
		Shipment           shipment
		LabelSpecification labelSpec
	}
}

type shipment struct {
	Shipper               side
	ShipTo                side
	ShipFrom              side
	PaymentInformation    struct{ ShipmentCharge []billing }
	ShipmentRatingOptions *ratingOptions `json:",omitempty"`
	Service               code
	ReferenceNumber       []reference `json:",omitempty"`
	Package               []pack
}

type pack struct {
	Packaging       code
	Dimensions      *dimensions `json:",omitempty"`
	PackageWeight   weight
	ReferenceNumber []reference `json:",omitempty"`
}

type labelSpec struct {
	LabelImageFormat code
	HTTPUserAgent    string `json:",omitempty"`
	LabelStockSize   stock
}

type stock struct{ Height, Width string }

// FromParcel orders the label of p.
func FromParcel(p ship.Parcel, a Account) (ShipRequest, error) {
	var req ShipRequest
	if p.Service == "" {
		return req, fault.At("ups.FromParcel", fault.Invalid, "service", fmt.Errorf("service: is empty, want a UPS code such as 03"))
	}
	if len(p.Service) != 2 {
		return req, fault.At("ups.FromParcel", fault.Invalid, "service", fmt.Errorf("service: is %q, UPS codes have two characters", p.Service))
	}
	format := cmp.Or(p.Format, ship.ZPL)
	if format == ship.PDF {
		return req, fault.At("ups.FromParcel", fault.Invalid, "format", fmt.Errorf("format: UPS sells labels as ZPL, PNG and GIF, not as PDF"))
	}
	if len(p.OrderNumber) > 35 {
		return req, fault.At("ups.FromParcel", fault.Invalid, "order_number", fmt.Errorf("order_number: has %d characters, UPS takes 35", len(p.OrderNumber)))
	}
	shipper, to, from, err := a.sides(p, 5)
	if err != nil {
		return req, err
	}
	w, d, err := measures(p)
	if err != nil {
		return req, err
	}
	refs := []reference{{Value: p.Reference}}
	if p.OrderNumber != "" {
		refs = append(refs, reference{Value: p.OrderNumber}) // UPS prints two
	}
	r := &req.ShipmentRequest
	r.Request.RequestOption = "validate"
	r.Request.TransactionReference.CustomerContext = p.Reference
	r.Shipment = shipment{
		Shipper: shipper, ShipTo: to, ShipFrom: from,
		ShipmentRatingOptions: a.options(),
		Service:               code{Code: p.Service},
		Package:               []pack{{Packaging: customerPackage, Dimensions: d, PackageWeight: w}},
	}
	r.Shipment.PaymentInformation.ShipmentCharge = a.billing()
	// QUIRK(UPS): within the US and within Puerto Rico a reference belongs to the
	// package, anywhere else to the shipment; the other place is refused (120541).
	if c := p.From.Country; c == "US" || c == "PR" {
		r.Shipment.Package[0].ReferenceNumber = refs
	} else {
		r.Shipment.ReferenceNumber = refs
	}
	r.LabelSpecification = spec(format)
	return req, nil
}

func spec(f ship.Format) labelSpec {
	s := labelSpec{LabelImageFormat: code{Code: string(f)}, LabelStockSize: stock{Height: "6", Width: "4"}}
	if f == ship.GIF || f == ship.PNG {
		s.HTTPUserAgent = "Mozilla/4.5" // required with images; UPS's own value
	}
	return s
}

// ToLabel reads what was bought with p. A price that cannot be read leaves the
// cost unknown: the label is bought all the same.
func ToLabel(body []byte, p ship.Parcel, connection string) (ship.Label, error) {
	const op = "ups.ToLabel"
	var doc struct {
		ShipmentResponse *struct {
			ShipmentResults struct {
				ShipmentCharges struct {
					TotalCharges          *charge
					TotalChargesWithTaxes *charge
				}
				NegotiatedRateCharges *struct {
					TotalCharge           *charge
					TotalChargesWithTaxes *charge
				}
				ShipmentIdentificationNumber carrierdoc.Text
				PackageResults               carrierdoc.List[struct {
					TrackingNumber carrierdoc.Text
					ShippingLabel  struct {
						ImageFormat  struct{ Code carrierdoc.Text }
						GraphicImage carrierdoc.Text
					}
				}]
			}
		}
	}
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return ship.Label{}, err
	}
	if doc.ShipmentResponse == nil {
		return ship.Label{}, carrierdoc.Invalid(op, "ShipmentResponse", "is missing")
	}
	res := doc.ShipmentResponse.ShipmentResults
	const at = "ShipmentResponse.ShipmentResults"
	if res.ShipmentIdentificationNumber == "" {
		return ship.Label{}, carrierdoc.Invalid(op, at+".ShipmentIdentificationNumber", "is missing")
	}
	if n := len(res.PackageResults); n != 1 {
		return ship.Label{}, carrierdoc.Invalid(op, at+".PackageResults", "are %d, want 1", n)
	}
	pkg := res.PackageResults[0]
	if pkg.TrackingNumber == "" {
		return ship.Label{}, carrierdoc.Invalid(op, at+".PackageResults[0].TrackingNumber", "is missing")
	}
	format, img, err := image(pkg.ShippingLabel.ImageFormat.Code, pkg.ShippingLabel.GraphicImage)
	if err != nil {
		return ship.Label{}, carrierdoc.Invalid(op, at+".PackageResults[0].ShippingLabel", "%w", err)
	}
	var cost measure.Money
	if n := res.NegotiatedRateCharges; n != nil && n.TotalCharge != nil {
		cost, _ = total(n.TotalChargesWithTaxes, n.TotalCharge)
	} else if t := res.ShipmentCharges.TotalCharges; t != nil {
		cost, _ = total(res.ShipmentCharges.TotalChargesWithTaxes, t)
	}
	return ship.Label{
		Connection: connection, Reference: p.Reference,
		ShipmentID: string(res.ShipmentIdentificationNumber), TrackingNumber: string(pkg.TrackingNumber),
		Service: service(p.Service), Cost: cost, Format: format, Image: img,
	}, nil
}

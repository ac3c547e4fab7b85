package upssim

import (
	"net/http"
	"strings"

	"github.com/paklog/hub/adapters/internal/simcarrier"
	"github.com/paklog/hub/adapters/internal/simhttp"
)

type shipRequest struct {
	ShipmentRequest *struct {
		Request  head
		Shipment *struct {
			Description               string
			Shipper, ShipTo, ShipFrom *somebody
			PaymentInformation        *struct{ ShipmentCharge []charged }
			ShipmentRatingOptions     *struct{ NegotiatedRatesIndicator *string }
			Service                   *coded
			ReferenceNumber           []valued
			Package                   []parcel
		}
		LabelSpecification *labelSpecification
	}
}

type labelSpecification struct {
	LabelImageFormat *coded
	HTTPUserAgent    string
	LabelStockSize   *struct{ Height, Width string }
}

func (l *labelSpecification) check(formats string) *refusal {
	switch {
	case l == nil || l.LabelImageFormat == nil || !strings.Contains(formats, " "+l.LabelImageFormat.Code+" "):
		return &labelFormat
	case l.LabelStockSize == nil || l.LabelStockSize.Width != "4" || l.LabelStockSize.Height != "6" && l.LabelStockSize.Height != "8":
		return bad("120906", "label stock size")
	case l.LabelImageFormat.Code != "ZPL" && l.HTTPUserAgent == "":
		return bad("120905", "HTTPUserAgent")
	}
	return nil
}

func (s *Sim) ship(_ *http.Request, body []byte) simhttp.Answer {
	var doc shipRequest
	if err := simhttp.Strict(body, &doc); err != nil || doc.ShipmentRequest == nil || doc.ShipmentRequest.Shipment == nil {
		return refuse(http.StatusBadRequest, malformed)
	}
	req, sh := doc.ShipmentRequest, doc.ShipmentRequest.Shipment
	if no := s.shippable(doc); no != nil {
		return refuse(http.StatusBadRequest, *no)
	}
	charge, published := price(sh.Service.Code, sh.Package)
	negotiated := sh.ShipmentRatingOptions != nil && sh.ShipmentRatingOptions.NegotiatedRatesIndicator != nil
	if !negotiated {
		charge = published
	}

	now := s.opts.Now().UTC()
	var bought []Label
	s.truth.Change(func(labels []Label) simcarrier.Entry {
		for i, p := range sh.Package {
			l := Label{
				TrackingNumber: number(s.opts.Account, sh.Service.Code, len(labels)+i+1),
				Service:        sh.Service.Code, Currency: "USD", Bought: now,
				To:     strings.Join([]string{sh.ShipTo.Name, sh.ShipTo.Address.AddressLine[0], sh.ShipTo.Address.City + " " + sh.ShipTo.Address.PostalCode}, ", "),
				Format: req.LabelSpecification.LabelImageFormat.Code,
			}
			if i == 0 {
				l.Minor = charge // the shipment's, on its first package
			}
			for _, ref := range append(append([]valued{}, sh.ReferenceNumber...), p.ReferenceNumber...) {
				l.References = append(l.References, ref.Value)
			}
			bought = append(bought, l)
			bought[i].ShipmentID = bought[0].TrackingNumber
		}
		return simcarrier.Entry{Bought: bought}
	})

	var results []any
	for _, l := range bought {
		results = append(results, map[string]any{
			"TrackingNumber":        l.TrackingNumber,
			"ServiceOptionsCharges": money(0),
			"ShippingLabel": map[string]any{
				"ImageFormat":  map[string]string{"Code": l.Format, "Description": l.Format},
				"GraphicImage": simcarrier.Draw("UPS", l),
			},
		})
	}
	out := map[string]any{
		"ShipmentCharges": map[string]any{
			"TransportationCharges": money(published), "ServiceOptionsCharges": money(0), "TotalCharges": money(published),
		},
		"BillingWeight":                billingWeight(sh.Package),
		"ShipmentIdentificationNumber": bought[0].ShipmentID,
		"PackageResults":               results,
	}
	if negotiated {
		out["NegotiatedRateCharges"] = map[string]any{"TotalCharge": money(charge)}
	}
	return simhttp.OK(map[string]any{"ShipmentResponse": map[string]any{"Response": success(req.Request), "ShipmentResults": out}})
}

// shippable is UPS's judgement of a whole request: nil, or the first refusal.
func (s *Sim) shippable(doc shipRequest) *refusal {
	req, sh := doc.ShipmentRequest, doc.ShipmentRequest.Shipment
	if o := req.Request.RequestOption; o != "validate" && o != "nonvalidate" {
		return bad("120001", "RequestOption")
	}
	if sh.Shipper != nil && sh.Shipper.ShipperNumber != s.opts.Account {
		return &badShipperNo
	}
	for _, no := range []*refusal{
		person("shipper", 120100, sh.Shipper), person("ship to", 120200, sh.ShipTo), person("ship from", 120300, sh.ShipFrom),
	} {
		if no != nil {
			return no
		}
	}
	if req.Request.RequestOption == "validate" && mismatched(sh.ShipTo.Address) {
		return &badAddressCheck
	}
	paid := false
	if sh.PaymentInformation != nil {
		for _, c := range sh.PaymentInformation.ShipmentCharge {
			paid = paid || c.Type == "01" && c.BillShipper != nil && c.BillShipper.AccountNumber == s.opts.Account
		}
	}
	if !paid {
		return bad("120400", "payment information")
	}
	from, to := sh.ShipFrom.Address.CountryCode, sh.ShipTo.Address.CountryCode
	if sh.Service == nil || !sold(sh.Service.Code, from, to) {
		return &badService
	}
	if no := packages(sh.Package, func(p parcel) *coded { return p.Packaging }, 5); no != nil {
		return no
	}
	within := from == to && (from == "US" || from == "PR")
	if within && len(sh.ReferenceNumber) > 0 {
		return &refNotHere
	}
	refs := append([]valued{}, sh.ReferenceNumber...)
	for _, p := range sh.Package {
		if !within && len(p.ReferenceNumber) > 0 {
			return bad("120541", "package reference number: it belongs to the shipment here")
		}
		refs = append(refs, p.ReferenceNumber...)
	}
	for _, r := range refs {
		if len(r.Value) == 0 || len(r.Value) > 35 {
			return bad("120540", "reference number value")
		}
	}
	return req.LabelSpecification.check(" ZPL GIF PNG ")
}

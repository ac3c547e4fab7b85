package fedexsim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/adapters/internal/simcarrier"
	"github.com/paklog/hub/adapters/internal/simhttp"
)

type shipRequest struct {
	LabelResponseOptions string `json:"labelResponseOptions"`
	AccountNumber        *value `json:"accountNumber"`
	RequestedShipment    *struct {
		Shipper                *somebody             `json:"shipper"`
		Recipients             []somebody            `json:"recipients"`
		PickupType             string                `json:"pickupType"`
		ServiceType            string                `json:"serviceType"`
		PackagingType          string                `json:"packagingType"`
		TotalWeight            simcarrier.Hundredths `json:"totalWeight"`
		RateRequestType        []string              `json:"rateRequestType"`
		ShippingChargesPayment *struct {
			PaymentType string `json:"paymentType"`
			Payor       struct {
				ResponsibleParty struct {
					AccountNumber *value `json:"accountNumber"`
				} `json:"responsibleParty"`
			} `json:"payor"`
		} `json:"shippingChargesPayment"`
		LabelSpecification *struct {
			ImageType      string `json:"imageType"`
			LabelStockType string `json:"labelStockType"`
		} `json:"labelSpecification"`
		RequestedPackageLineItems []item `json:"requestedPackageLineItems"`
	} `json:"requestedShipment"`
}

// shippable is FedEx's judgement of a whole request: nil, or the first refusal.
func (s *Sim) shippable(doc shipRequest) *refusal {
	sh := doc.RequestedShipment
	switch {
	case sh == nil || len(sh.Recipients) != 1:
		return &malformed
	case doc.AccountNumber == nil || doc.AccountNumber.Value != s.opts.Account:
		return &mismatch
	case doc.LabelResponseOptions != "LABEL":
		return bad("LABELRESPONSEOPTIONS", "The simulator gives labels alone, not their addresses.")
	}
	for _, no := range []*refusal{
		person("SHIPPER", sh.Shipper), person("RECIPIENT", &sh.Recipients[0]),
		pickup(sh.PickupType), packaging(sh.PackagingType), items(sh.RequestedPackageLineItems),
	} {
		if no != nil {
			return no
		}
	}
	pay, label := sh.ShippingChargesPayment, sh.LabelSpecification
	stocks := map[string]string{"ZPLII": "STOCK_", "EPL2": "STOCK_", "PDF": "PAPER_", "PNG": "PAPER_"}
	_, sold := services[sh.ServiceType]
	switch {
	case pay == nil || pay.PaymentType != "SENDER":
		return bad("PAYMENTTYPE", "The simulator lets senders pay alone.")
	case pay.Payor.ResponsibleParty.AccountNumber == nil || pay.Payor.ResponsibleParty.AccountNumber.Value != s.opts.Account:
		return &mismatch
	case label == nil || stocks[label.ImageType] == "":
		return bad("LABEL.IMAGETYPE", "Please provide a valid image type.")
	case !strings.HasPrefix(label.LabelStockType, stocks[label.ImageType]+"4X6"):
		return bad("LABEL.STOCKTYPE", "The stock type does not fit the image type.")
	case !sold || sh.Shipper.Address.CountryCode != sh.Recipients[0].Address.CountryCode:
		return &noService
	case len(sh.RequestedPackageLineItems) != 1:
		return bad("REQUESTEDPACKAGELINEITEMS", "The simulator ships one piece at a time.")
	case sh.TotalWeight != sh.RequestedPackageLineItems[0].Weight.Value:
		return bad("TOTALWEIGHT", "The total weight is not that of the packages.")
	}
	return nil
}

func (s *Sim) ship(body []byte) (any, *refusal) {
	var doc shipRequest
	if err := simhttp.Strict(body, &doc); err != nil {
		return nil, &malformed
	}
	if no := s.shippable(doc); no != nil {
		return nil, no
	}
	sh := doc.RequestedShipment
	account, list := price(sh.ServiceType, sh.RequestedPackageLineItems)
	to := sh.Recipients[0]
	l := Label{
		Service: sh.ServiceType, Minor: account, Currency: "USD", Format: sh.LabelSpecification.ImageType, Bought: s.opts.Now().UTC(),
		To: strings.Join([]string{to.Contact.PersonName, to.Address.StreetLines[0], to.Address.City + " " + to.Address.PostalCode}, ", "),
	}
	for _, r := range sh.RequestedPackageLineItems[0].CustomerReferences {
		if r.CustomerReferenceType == customerReference {
			l.References = slices.Insert(l.References, 0, r.Value) // tracking looks for the first
		} else {
			l.References = append(l.References, r.Value)
		}
	}
	s.truth.Change(func(labels []Label) simcarrier.Entry {
		l.TrackingNumber = number(len(labels) + 1)
		l.ShipmentID = l.TrackingNumber
		return simcarrier.Entry{Bought: []Label{l}}
	})

	rates := []any{rateDetail("PAYOR_ACCOUNT_SHIPMENT", account)}
	if slices.Contains(sh.RateRequestType, "LIST") {
		rates = slices.Insert(rates, 0, rateDetail("PAYOR_LIST_SHIPMENT", list))
	}
	category := "EXPRESS"
	if sh.ServiceType == "FEDEX_GROUND" {
		category = "GROUND"
	}
	return map[string]any{"transactionShipments": []any{map[string]any{
		"serviceType": l.Service, "serviceName": services[l.Service].name, "serviceCategory": category,
		"shipDatestamp": l.Bought.Format("2006-01-02"), "masterTrackingNumber": l.ShipmentID,
		"pieceResponses": []any{map[string]any{
			"trackingNumber": l.TrackingNumber, "masterTrackingNumber": l.ShipmentID, "packageSequenceNumber": 1,
			"netChargeAmount": cents(account), "serviceCategory": category, "trackingIdType": "FEDEX",
			"packageDocuments": []any{map[string]any{
				"contentType": "LABEL", "copiesToPrint": 1, "docType": l.Format, "encodedLabel": simcarrier.Draw("FEDEX", l),
			}},
		}},
		"completedShipmentDetail": map[string]any{
			"usDomestic": to.Address.CountryCode == "US", "packagingDescription": "Customer Packaging",
			"shipmentRating": map[string]any{"actualRateType": "PAYOR_ACCOUNT_SHIPMENT", "shipmentRateDetails": rates},
		},
	}}}, nil
}

func rateDetail(kind string, amount int64) any {
	return map[string]any{"rateType": kind, "ratedWeightMethod": "ACTUAL", "totalBaseCharge": cents(amount), "totalNetCharge": cents(amount), "currency": "USD"}
}

// number makes a tracking number of twelve digits, the last of which checks the others.
func number(serial int) string {
	s := fmt.Sprintf("7947%07d", serial%10_000_000)
	return s + string(rune('0'+checkDigit(s)))
}

// checkDigit weighs eleven digits by 3, 1 and 7 in turn, modulo eleven; ten is 0.
func checkDigit(s string) int {
	sum := 0
	for i, c := range s {
		sum += int(c-'0') * []int{3, 1, 7}[i%3]
	}
	return sum % 11 % 10
}

package fedexsim

import (
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/simcarrier"
	"github.com/paklog/hub/adapters/internal/simhttp"
)

// cancel gives a shipment back that FedEx has not seen.
func (s *Sim) cancel(body []byte) (any, *refusal) {
	var doc struct {
		AccountNumber     *value `json:"accountNumber"`
		TrackingNumber    string `json:"trackingNumber"`
		DeletionControl   string `json:"deletionControl"`
		SenderCountryCode string `json:"senderCountryCode"`
	}
	switch err := simhttp.Strict(body, &doc); {
	case err != nil || doc.DeletionControl != "" && doc.DeletionControl != "DELETE_ALL_PACKAGES":
		return nil, &malformed
	case doc.AccountNumber == nil || doc.AccountNumber.Value != s.opts.Account:
		return nil, &mismatch
	case doc.TrackingNumber == "":
		return nil, &noNumber
	}
	now := s.opts.Now().UTC()
	no := &unknownShip
	s.truth.Change(func(labels []Label) simcarrier.Entry {
		for _, l := range labels {
			switch {
			case l.ShipmentID != doc.TrackingNumber:
				continue
			case len(l.Scans) > 0:
				no = &tendered
			case l.Voided != nil:
				no = &voidedBefore
			default:
				no = nil
				return simcarrier.Entry{Voided: []string{l.TrackingNumber}, At: &now}
			}
		}
		return simcarrier.Entry{}
	})
	if no != nil {
		return nil, no
	}
	return map[string]any{"cancelledShipment": true, "cancelledHistory": true, "message": "Shipment is successfully cancelled"}, nil
}

func (s *Sim) track(body []byte) (any, *refusal) {
	var doc struct {
		IncludeDetailedScans *bool `json:"includeDetailedScans"`
		TrackingInfo         []struct {
			ShipDateBegin      string `json:"shipDateBegin"`
			ShipDateEnd        string `json:"shipDateEnd"`
			TrackingNumberInfo struct {
				TrackingNumber string `json:"trackingNumber"`
				CarrierCode    string `json:"carrierCode"`
			} `json:"trackingNumberInfo"`
		} `json:"trackingInfo"`
	}
	if err := simhttp.Strict(body, &doc); err != nil || doc.IncludeDetailedScans == nil || len(doc.TrackingInfo) > 30 {
		return nil, &malformed
	}
	if len(doc.TrackingInfo) == 0 {
		return nil, &noNumber
	}
	var all []any
	for _, t := range doc.TrackingInfo {
		n := t.TrackingNumberInfo.TrackingNumber
		if n == "" {
			return nil, &noNumber
		}
		all = append(all, s.tracked(n, unknownTN, func(l Label) bool { return l.TrackingNumber == n }))
	}
	return map[string]any{"completeTrackResults": all}, nil
}

const customerReference = "CUSTOMER_REFERENCE"

func (s *Sim) reference(body []byte) (any, *refusal) {
	var doc struct {
		IncludeDetailedScans  bool `json:"includeDetailedScans"`
		ReferencesInformation *struct {
			CarrierCode            string `json:"carrierCode"`
			Type                   string `json:"type"`
			Value                  string `json:"value"`
			AccountNumber          string `json:"accountNumber"`
			ShipDateBegin          string `json:"shipDateBegin"`
			ShipDateEndDate        string `json:"shipDateEndDate"`
			DestinationCountryCode string `json:"destinationCountryCode"`
			DestinationPostalCode  string `json:"destinationPostalCode"`
		} `json:"referencesInformation"`
	}
	if err := simhttp.Strict(body, &doc); err != nil || doc.ReferencesInformation == nil || doc.ReferencesInformation.Value == "" {
		return nil, &malformed
	}
	ref := doc.ReferencesInformation
	if ref.AccountNumber == "" && (ref.DestinationCountryCode == "" || ref.DestinationPostalCode == "") {
		return nil, &noAccount
	}
	place := 0
	switch ref.Type {
	case customerReference:
	case "INVOICE", "PURCHASE_ORDER", "DEPARTMENT":
		place = 1
	default:
		return nil, &badRefType
	}
	begin, err := time.Parse(time.DateOnly, ref.ShipDateBegin)
	end, err2 := time.Parse(time.DateOnly, ref.ShipDateEndDate)
	if err != nil || err2 != nil || end.Before(begin) {
		return nil, &badDates
	}
	now := s.opts.Now()
	return map[string]any{"completeTrackResults": []any{s.tracked("", unknownRef, func(l Label) bool {
		return ref.AccountNumber == s.opts.Account && len(l.References) > place && l.References[place] == ref.Value &&
			!l.Bought.Before(begin) && l.Bought.Before(end.AddDate(0, 0, 1)) && now.Sub(l.Bought) >= s.opts.TrackingLag
	})}}, nil
}

// tracked is the answer to one inquiry, of success also where nothing is known.
func (s *Sim) tracked(number string, unknown refusal, match func(Label) bool) any {
	var results []any
	for _, l := range s.truth.Labels() {
		if match(l) {
			results = append(results, trackedPackage(l))
		}
	}
	if len(results) == 0 {
		results = []any{map[string]any{
			"trackingNumberInfo": map[string]string{"trackingNumber": number},
			"error":              map[string]string{"code": unknown.code, "message": unknown.message},
		}}
	}
	out := map[string]any{"trackResults": results}
	if number != "" {
		out["trackingNumber"] = number
	}
	return out
}

func trackedPackage(l Label) any {
	scans := append([]Scan{{At: l.Bought, Type: "OC", Code: "IN", Text: "Shipment information sent to FedEx"}}, l.Scans...)
	if l.Voided != nil {
		scans = append(scans, Scan{At: *l.Voided, Type: "CA", Code: "CA", Text: "Shipment cancelled by sender"})
	}
	slices.Reverse(scans)
	memphis := map[string]any{"city": "MEMPHIS", "stateOrProvinceCode": "TN", "countryCode": "US", "residential": false, "countryName": "United States"}
	var events []any
	for _, c := range scans {
		events = append(events, map[string]any{
			"date": c.At.In(time.FixedZone("", -6*3600)).Format(time.RFC3339), "eventType": c.Type, "eventDescription": c.Text,
			"derivedStatusCode": c.Code, "derivedStatus": c.Text, "scanLocation": memphis,
		})
	}
	identifiers := []any{}
	for i, r := range l.References {
		kind := customerReference
		if i > 0 {
			kind = "INVOICE"
		}
		identifiers = append(identifiers, map[string]any{"type": kind, "value": []string{r}})
	}
	carrier := "FDXE"
	if strings.Contains(l.Service, "GROUND") {
		carrier = "FDXG"
	}
	return map[string]any{
		"trackingNumberInfo":     map[string]string{"trackingNumber": l.TrackingNumber, "carrierCode": carrier},
		"additionalTrackingInfo": map[string]any{"hasAssociatedShipments": false, "packageIdentifiers": identifiers},
		"latestStatusDetail":     map[string]any{"code": scans[0].Type, "derivedCode": scans[0].Code, "statusByLocale": scans[0].Text, "description": scans[0].Text, "scanLocation": memphis},
		"serviceDetail":          map[string]string{"type": l.Service, "description": services[l.Service].name},
		"scanEvents":             events,
	}
}

package upssim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/simcarrier"
	"github.com/paklog/hub/adapters/internal/simhttp"
)

func isNumber(s string) bool {
	return len(s) == 18 && strings.HasPrefix(s, "1Z") && strings.ToUpper(s) == s
}

// void gives a shipment back, or those of its packages that are named.
func (s *Sim) void(r *http.Request, _ []byte) simhttp.Answer {
	id := r.PathValue("id")
	if !isNumber(id) {
		return refuse(http.StatusBadRequest, *bad("190100", "shipment identification number"))
	}
	var named []string
	if q := r.URL.Query().Get("trackingnumber"); q != "" {
		named = strings.Split(q, ",")
	}
	now := s.opts.Now().UTC()
	var give []string
	var no *refusal
	s.truth.Change(func(labels []Label) simcarrier.Entry {
		known := false
		for _, l := range labels {
			if l.ShipmentID != id || named != nil && !slices.Contains(named, l.TrackingNumber) {
				continue
			}
			known = true
			if len(l.Scans) > 0 {
				no = &tooLateToVoid
				return simcarrier.Entry{}
			}
			if l.Voided == nil {
				give = append(give, l.TrackingNumber)
			}
		}
		if !known {
			no = &unknownShipment
		} else if len(give) == 0 {
			no = &voidedBefore
		}
		return simcarrier.Entry{Voided: give, At: &now}
	})
	if no != nil {
		return refuse(http.StatusBadRequest, *no)
	}
	out := map[string]any{
		"Response":      success(head{}),
		"SummaryResult": map[string]any{"Status": map[string]string{"Code": "1", "Description": "Voided"}},
	}
	if named != nil {
		var each []any
		for _, n := range give {
			each = append(each, map[string]any{"TrackingNumber": n, "Status": map[string]string{"Code": "1", "Description": "Voided"}})
		}
		out["PackageLevelResults"] = each
	}
	return simhttp.OK(map[string]any{"VoidShipmentResponse": out})
}

type recoveryRequest struct {
	LabelRecoveryRequest *struct {
		Request            *head
		LabelSpecification *labelSpecification
		TrackingNumber     string
		ReferenceValues    *struct {
			ReferenceNumber *valued
			ShipperNumber   string
		}
	}
}

// recovery prints a label again: by its number, or by a reference. Several
// labels under one reference come back as candidates.
func (s *Sim) recovery(_ *http.Request, body []byte) simhttp.Answer {
	var doc recoveryRequest
	if err := simhttp.Strict(body, &doc); err != nil || doc.LabelRecoveryRequest == nil || doc.LabelRecoveryRequest.Request == nil {
		return refuse(http.StatusBadRequest, malformed)
	}
	req := doc.LabelRecoveryRequest
	if no := req.LabelSpecification.check(" ZPL GIF "); no != nil {
		return refuse(http.StatusBadRequest, *no)
	}
	var match func(Label) bool
	switch ref := req.ReferenceValues; {
	case req.TrackingNumber != "":
		match = func(l Label) bool { return l.TrackingNumber == req.TrackingNumber }
	case ref == nil || ref.ReferenceNumber == nil || ref.ReferenceNumber.Value == "" || len(ref.ReferenceNumber.Value) > 35:
		return refuse(http.StatusBadRequest, badLookup)
	case ref.ShipperNumber != s.opts.Account:
		return refuse(http.StatusBadRequest, badShipperNo)
	default:
		match = func(l Label) bool { return slices.Contains(l.References, ref.ReferenceNumber.Value) }
	}
	now := s.opts.Now()
	var found []Label
	none := noLabel
	for _, l := range s.truth.Labels() {
		switch {
		case !match(l) || now.Sub(l.Bought) < s.opts.RecoveryLag:
		case l.Voided != nil:
			none = voidedSale
		default:
			found = append(found, l)
		}
	}
	out := map[string]any{"Response": success(*req.Request)}
	switch len(found) {
	case 0:
		return refuse(http.StatusBadRequest, none)
	case 1:
		l := found[0]
		l.Format = req.LabelSpecification.LabelImageFormat.Code
		out["ShipmentIdentificationNumber"] = l.ShipmentID
		out["LabelResults"] = []any{map[string]any{
			"TrackingNumber": l.TrackingNumber,
			"LabelImage": map[string]any{
				"LabelImageFormat": map[string]string{"Code": l.Format},
				"GraphicImage":     simcarrier.Draw("UPS", l),
			},
		}}
	default:
		var cands []any
		for _, l := range found {
			cands = append(cands, map[string]any{"TrackingNumber": l.TrackingNumber})
		}
		out["LabelResults"] = []any{}
		out["TrackingCandidate"] = cands
	}
	return simhttp.OK(map[string]any{"LabelRecoveryResponse": out})
}

// Scan lets UPS see a package, which ends the time in which it may be voided.
// It reports whether the number is known.
func (s *Sim) Scan(trackingNumber string, scan Scan) bool { return s.truth.Scan(trackingNumber, scan) }

func (s *Sim) track(r *http.Request, _ []byte) simhttp.Answer {
	n := r.PathValue("number")
	if len(n) < 7 || len(n) > 34 {
		return refuse(http.StatusBadRequest, badInquiry)
	}
	return s.tracked(r, n, func(l Label) bool { return l.TrackingNumber == n })
}

func (s *Sim) trackReference(r *http.Request, _ []byte) simhttp.Answer {
	ref := r.PathValue("reference")
	if shipper := r.URL.Query().Get("shipperNum"); shipper != "" && shipper != s.opts.Account {
		return s.tracked(r, ref, func(Label) bool { return false })
	}
	now := s.opts.Now()
	return s.tracked(r, ref, func(l Label) bool {
		return slices.Contains(l.References, ref) && now.Sub(l.Bought) >= s.opts.TrackingLag
	})
}

func (s *Sim) tracked(r *http.Request, inquiry string, match func(Label) bool) simhttp.Answer {
	if r.Header.Get("transId") == "" || r.Header.Get("transactionSrc") == "" {
		return refuse(http.StatusBadRequest, missingTransID)
	}
	var packages []any
	for _, l := range s.truth.Labels() {
		if match(l) {
			packages = append(packages, trackedPackage(l))
		}
	}
	shipment := map[string]any{"inquiryNumber": inquiry, "package": packages}
	if len(packages) == 0 {
		shipment = map[string]any{"inquiryNumber": inquiry, "warnings": []any{
			map[string]string{"code": "TW0001", "message": "Tracking Information Not Found"},
		}}
	}
	return simhttp.OK(map[string]any{"trackResponse": map[string]any{"shipment": []any{shipment}}})
}

func trackedPackage(l Label) map[string]any {
	scans := append([]Scan{{At: l.Bought, Type: "M", Code: "MP", Text: "Shipper created a label, UPS has not received the package yet. "}}, l.Scans...)
	if l.Voided != nil {
		scans = append(scans, Scan{At: *l.Voided, Type: "MV", Code: "VP", Text: "Shipment information voided"})
	}
	slices.Reverse(scans)
	var acts []any
	for _, c := range scans {
		at := c.At.UTC()
		acts = append(acts, map[string]any{
			"date": at.Format("20060102"), "time": at.Format("150405"),
			"gmtDate": at.Format("20060102"), "gmtTime": at.Format(time.TimeOnly), "gmtOffset": "+00:00",
			"location": map[string]any{"address": map[string]string{"city": "Louisville", "stateProvince": "KY", "countryCode": "US", "country": "US"}},
			"status":   map[string]string{"type": c.Type, "code": c.Code, "description": c.Text},
		})
	}
	refs := []any{}
	for _, r := range l.References {
		refs = append(refs, map[string]string{"type": "PACKAGE", "number": r})
	}
	return map[string]any{
		"trackingNumber": l.TrackingNumber, "packageCount": 1, "activity": acts, "referenceNumber": refs,
		"currentStatus": map[string]string{"type": scans[0].Type, "code": scans[0].Code, "description": scans[0].Text},
		"service":       map[string]string{"code": l.Service, "description": fmt.Sprintf("UPS service %s", l.Service)},
	}
}

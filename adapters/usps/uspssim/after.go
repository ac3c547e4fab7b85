package uspssim

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/paklog/hub/adapters/internal/simcarrier"
	"github.com/paklog/hub/adapters/internal/simhttp"
)

// manifested reports whether a label's data have gone to the postal systems.
func (s *Sim) manifested(l Label) bool {
	return !s.opts.Now().Before(l.Bought.Truncate(24 * time.Hour).Add(30*time.Hour + 30*time.Minute))
}

// cancel gives a label back, or asks for a refund where it was manifested.
func (s *Sim) cancel(r *http.Request, _ []byte) (simhttp.Answer, *refusal) {
	l, no := s.named(r, false)
	if no != nil {
		return simhttp.Answer{}, no
	}
	if l.Voided == nil && (s.manifested(l) || len(l.Scans) > 0) {
		return s.dispute(l)
	}
	now := s.opts.Now().UTC()
	no = &unknownSale // of a label that is void already
	s.truth.Change(func(labels []Label) simcarrier.Entry {
		for _, one := range labels {
			if one.TrackingNumber == l.TrackingNumber && one.Voided == nil {
				no = nil
				return simcarrier.Entry{Voided: []string{l.TrackingNumber}, At: &now}
			}
		}
		return simcarrier.Entry{}
	})
	if no != nil {
		return simhttp.Answer{}, no
	}
	return simhttp.OK(map[string]string{"trackingNumber": l.TrackingNumber, "status": "CANCELED"}), nil
}

// dispute opens a request for a refund, one a day for each label.
func (s *Sim) dispute(l Label) (simhttp.Answer, *refusal) {
	today := s.opts.Now().UTC().Format(time.DateOnly)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.disputes[l.TrackingNumber] == today {
		return simhttp.Answer{}, &disputed
	}
	s.disputes[l.TrackingNumber] = today
	return simhttp.OK(map[string]string{
		"trackingNumber": l.TrackingNumber, "status": "DISPUTED", "disputeId": strconv.Itoa(104000 + len(s.disputes)),
	}), nil
}

// categories are the words for the whole of a parcel's life, by its last event.
var categories = map[string]string{
	"GX": "Pre-Shipment", "MA": "Pre-Shipment", "03": "Accepted", "OF": "Out for Delivery", "01": "Delivered", "02": "Delivery Attempt",
	"04": "Return to Sender", "09": "Return to Sender",
}

func (s *Sim) track(r *http.Request, _ []byte) (simhttp.Answer, *refusal) {
	if e := r.URL.Query().Get("expand"); e != "DETAIL" {
		return simhttp.Answer{}, bad("expand", "The simulator knows details alone.")
	}
	for _, l := range s.truth.Labels() {
		if l.TrackingNumber == r.PathValue("number") {
			return simhttp.OK(tracked(l)), nil
		}
	}
	return simhttp.Answer{}, &notTracked
}

func tracked(l Label) any {
	scans := append([]Scan{{At: l.Bought, Code: "GX", Text: "Shipping Label Created, USPS Awaiting Item"}}, l.Scans...)
	slices.Reverse(scans)
	eastern := time.FixedZone("", -5*3600)
	var events []any
	for _, c := range scans {
		events = append(events, map[string]any{
			"eventType": c.Text, "eventCode": c.Code, "eventTimestamp": c.At.In(eastern).Format("2006-01-02T15:04:05"),
			"GMTTimestamp": c.At.UTC().Format(time.RFC3339), "GMTOffset": "-05:00", "eventCountry": nil, "eventCity": "JAMAICA", "eventState": "NY",
			"eventZIP": "11430", "firm": nil, "name": nil, "authorizedAgent": "false", "additionalProp": nil,
		})
	}
	category, known := categories[scans[0].Code]
	if !known {
		category = "In Transit"
	}
	return map[string]any{
		"trackingNumber": l.TrackingNumber, "mailClass": classes[l.Service].name, "mailType": "DM", "status": scans[0].Text, "statusCategory": category,
		"emailEnabled": "true", "serviceTypeCode": "346", "trackingEvents": events,
	}
}

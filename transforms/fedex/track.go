package fedex

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// TrackRequest is the body of POST /track/v1/trackingnumbers.
type TrackRequest struct {
	IncludeDetailedScans bool       `json:"includeDetailedScans"`
	TrackingInfo         []tracking `json:"trackingInfo"`
}

type tracking struct {
	TrackingNumberInfo struct {
		TrackingNumber string `json:"trackingNumber"`
	} `json:"trackingNumberInfo"`
}

// FromTracking asks where a parcel is.
func FromTracking(number string) TrackRequest {
	var t tracking
	t.TrackingNumberInfo.TrackingNumber = number
	return TrackRequest{IncludeDetailedScans: true, TrackingInfo: []tracking{t}}
}

// ReferenceRequest is the body of POST /track/v1/referencenumbers.
type ReferenceRequest struct {
	References struct {
		Type            string `json:"type"`
		Value           string `json:"value"`
		AccountNumber   string `json:"accountNumber"`
		ShipDateBegin   string `json:"shipDateBegin"`
		ShipDateEndDate string `json:"shipDateEndDate"`
	} `json:"referencesInformation"`
	IncludeDetailedScans bool `json:"includeDetailedScans"`
}

// FromReference asks for the parcels under p's reference, shipped in the thirty
// days before now or the day after: FedEx's own bounds where none are given.
func FromReference(p ship.Parcel, a Account, now time.Time) ReferenceRequest {
	var req ReferenceRequest
	r := &req.References
	r.Type, r.Value, r.AccountNumber = "CUSTOMER_REFERENCE", Reference(p.Reference), a.Number
	r.ShipDateBegin, r.ShipDateEndDate = now.AddDate(0, 0, -30).Format(time.DateOnly), now.AddDate(0, 0, 1).Format(time.DateOnly)
	return req
}

type tracked struct {
	Error              *trouble
	TrackingNumberInfo struct{ TrackingNumber carrierdoc.Text }
	LatestStatusDetail *struct{ Code, DerivedCode, Description carrierdoc.Text }
	ScanEvents         carrierdoc.List[struct {
		Date, EventType, DerivedStatusCode carrierdoc.Text
		EventDescription                   carrierdoc.Text
		ScanLocation                       struct{ City, StateOrProvinceCode, CountryCode carrierdoc.Text }
	}]
}

func (t tracked) stage() ship.Stage {
	if l := t.LatestStatusDetail; l != nil {
		return stage(l.Code, l.DerivedCode)
	}
	if len(t.ScanEvents) > 0 {
		return stage(t.ScanEvents[0].EventType, t.ScanEvents[0].DerivedStatusCode)
	}
	return ship.StageUnknown
}

// results are the answers to an inquiry, in FedEx's order; none is an error, for
// FedEx says so where it knows nothing.
func results(op string, body []byte) ([]tracked, error) {
	var doc struct {
		Output *struct {
			CompleteTrackResults carrierdoc.List[struct {
				TrackingNumber carrierdoc.Text
				TrackResults   carrierdoc.List[tracked]
			}]
		}
	}
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return nil, err
	}
	if doc.Output == nil {
		return nil, carrierdoc.Invalid(op, "output", "is missing")
	}
	var all []tracked
	for _, c := range doc.Output.CompleteTrackResults {
		for _, t := range c.TrackResults {
			if t.TrackingNumberInfo.TrackingNumber == "" {
				t.TrackingNumberInfo.TrackingNumber = c.TrackingNumber
			}
			all = append(all, t)
		}
	}
	if len(all) == 0 {
		return nil, carrierdoc.Invalid(op, "output.completeTrackResults", "have neither a parcel nor an error")
	}
	return all, nil
}

// ToLabels reads an answer to tracking by reference: the labels under p's
// reference that are not void. Their bytes are not in it, and FedEx gives them
// only once. That there are none must be said by one of the codes in notFound.
func ToLabels(body []byte, p ship.Parcel, connection string, notFound []string) ([]ship.Label, error) {
	const op = "fedex.ToLabels"
	all, err := results(op, body)
	if err != nil {
		return nil, err
	}
	var labels []ship.Label
	for i, t := range all {
		at := fmt.Sprintf("output.completeTrackResults.trackResults[%d]", i)
		number := string(t.TrackingNumberInfo.TrackingNumber)
		switch {
		case t.Error != nil && t.Error.Code != "" && slices.Contains(notFound, string(t.Error.Code)):
		case t.Error != nil && t.Error.Code != "":
			return nil, carrierdoc.Invalid(op, at+".error", "is %s: %s", t.Error.Code, t.Error.Message)
		case number == "":
			return nil, carrierdoc.Invalid(op, at+".trackingNumberInfo.trackingNumber", "is missing")
		case t.stage() != ship.StageVoided:
			labels = append(labels, ship.Label{
				Connection: connection, Reference: p.Reference, ShipmentID: number, TrackingNumber: number, Service: service(p.Service),
			})
		}
	}
	return labels, nil
}

// ErrNotTracked says that FedEx knows nothing of a number (yet): an answer of
// success with an error in it.
var ErrNotTracked = errors.New("FedEx has no tracking information for this number")

// ToTracking reads what FedEx knows about number. Of several parcels that have
// had the number in turn it is the one that was seen last.
func ToTracking(body []byte, number string) (ship.Tracking, error) {
	const op = "fedex.ToTracking"
	all, err := results(op, body)
	if err != nil {
		return ship.Tracking{}, err
	}
	out := ship.Tracking{TrackingNumber: number}
	for _, t := range all {
		if t.Error != nil && t.Error.Code != "" {
			err = fmt.Errorf("%w: %s (%s)", ErrNotTracked, t.Error.Message, t.Error.Code)
			continue
		}
		one := ship.Tracking{TrackingNumber: number, Stage: t.stage()}
		for _, s := range t.ScanEvents {
			at, _ := time.Parse(time.RFC3339, string(s.Date)) // a time without a zone is nobody's
			one.Scans = append(one.Scans, ship.Scan{
				At: at.UTC(), Stage: stage(s.EventType, s.DerivedStatusCode), Code: string(s.EventType),
				Text:  strings.TrimSpace(string(s.EventDescription)),
				Place: carrierdoc.Place(s.ScanLocation.City, s.ScanLocation.StateOrProvinceCode, s.ScanLocation.CountryCode),
			})
		}
		if out.Stage == "" || newest(one).After(newest(out)) {
			out = one
		}
	}
	if out.Stage == "" {
		return ship.Tracking{}, err
	}
	return out, nil
}

func newest(t ship.Tracking) time.Time {
	if len(t.Scans) == 0 {
		return time.Time{}
	}
	return t.Scans[0].At
}

// stage reads FedEx's status codes: the event's own, or where it has no word of
// ours, the one that FedEx derives from it.
func stage(code, derived carrierdoc.Text) ship.Stage {
	for _, c := range []carrierdoc.Text{code, derived} {
		if s, known := stages[strings.ToUpper(string(c))]; known {
			return s
		}
	}
	return ship.StageUnknown
}

var stages = map[string]ship.Stage{
	"OC": ship.StageCreated, "IN": ship.StageCreated,
	"PU": ship.StageInTransit, "IT": ship.StageInTransit, "AR": ship.StageInTransit, "DP": ship.StageInTransit,
	"AF": ship.StageInTransit, "FD": ship.StageInTransit, "HP": ship.StageInTransit, "HL": ship.StageInTransit, "PX": ship.StageInTransit,
	"OD": ship.StageOut,
	"DL": ship.StageDelivered,
	"DE": ship.StageException, "SE": ship.StageException, "DY": ship.StageException, "CD": ship.StageException,
	"RS": ship.StageReturned,
	"CA": ship.StageVoided,
}

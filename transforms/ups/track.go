package ups

import (
	"errors"
	"strings"
	"time"

	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

type tracked struct {
	TrackingNumber carrierdoc.Text
	CurrentStatus  *struct{ Type, Code, Description carrierdoc.Text }
	Activity       carrierdoc.List[struct {
		GmtDate, GmtTime carrierdoc.Text
		Status           struct{ Type, Code, Description carrierdoc.Text }
		Location         struct {
			Address struct{ City, StateProvince, CountryCode carrierdoc.Text }
		}
	}]
}

func (p tracked) stage() ship.Stage {
	if c := p.CurrentStatus; c != nil && stage(c.Type) != ship.StageUnknown {
		return stage(c.Type)
	}
	if len(p.Activity) > 0 {
		return stage(p.Activity[0].Status.Type)
	}
	return ship.StageUnknown
}

type trackDocument struct {
	TrackResponse *struct {
		Shipment carrierdoc.List[struct {
			Package  carrierdoc.List[tracked]
			Warnings carrierdoc.List[struct{ Code carrierdoc.Text }]
		}]
	}
}

func readTracking(op string, body []byte) (doc trackDocument, err error) {
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return doc, err
	}
	if doc.TrackResponse == nil {
		return doc, carrierdoc.Invalid(op, "trackResponse", "is missing")
	}
	return doc, nil
}

// notFound is UPS's warning that it knows nothing of an inquiry.
const notFound = "TW0001"

// ToNumbers reads an answer to tracking by reference: the numbers of the packages
// that are not void. That there are none must be said in UPS's words: an answer
// with neither packages nor that warning is an error.
func ToNumbers(body []byte) ([]string, error) {
	const op = "ups.ToNumbers"
	doc, err := readTracking(op, body)
	if err != nil {
		return nil, err
	}
	var numbers []string
	said := false
	for _, s := range doc.TrackResponse.Shipment {
		for _, w := range s.Warnings {
			said = said || w.Code == notFound
		}
		for _, p := range s.Package {
			if p.TrackingNumber == "" {
				return nil, carrierdoc.Invalid(op, "trackResponse.shipment.package.trackingNumber", "is missing")
			}
			said = true
			if p.stage() != ship.StageVoided {
				numbers = append(numbers, string(p.TrackingNumber))
			}
		}
	}
	if !said {
		return nil, carrierdoc.Invalid(op, "trackResponse.shipment", "has neither packages nor the warning %s", notFound)
	}
	return numbers, nil
}

// ErrNotTracked says that UPS knows nothing of a number (yet): an answer of
// success with a warning, no error.
var ErrNotTracked = errors.New("UPS has no tracking information for this number")

// ToTracking reads what UPS knows about number.
func ToTracking(body []byte, number string) (ship.Tracking, error) {
	const op = "ups.ToTracking"
	doc, err := readTracking(op, body)
	if err != nil {
		return ship.Tracking{}, err
	}
	out := ship.Tracking{TrackingNumber: number, Stage: ship.StageUnknown}
	known := false
	for _, s := range doc.TrackResponse.Shipment {
		for _, p := range s.Package {
			if p.TrackingNumber != "" && string(p.TrackingNumber) != number {
				continue // another package of the same shipment
			}
			known = true
			for _, a := range p.Activity {
				out.Scans = append(out.Scans, ship.Scan{
					At:    scanned(a.GmtDate, a.GmtTime),
					Stage: stage(a.Status.Type), Code: string(a.Status.Code),
					Text:  strings.TrimSpace(string(a.Status.Description)),
					Place: carrierdoc.Place(a.Location.Address.City, a.Location.Address.StateProvince, a.Location.Address.CountryCode),
				})
			}
			out.Stage = p.stage()
		}
	}
	if !known {
		return ship.Tracking{}, ErrNotTracked
	}
	return out, nil
}

// stage reads UPS's activity types.
func stage(t carrierdoc.Text) ship.Stage {
	switch strings.ToUpper(string(t)) {
	case "M", "MP":
		return ship.StageCreated
	case "P", "I", "W", "DO", "DD":
		return ship.StageInTransit
	case "O":
		return ship.StageOut
	case "D":
		return ship.StageDelivered
	case "X", "NA":
		return ship.StageException
	case "RS":
		return ship.StageReturned
	case "MV":
		return ship.StageVoided
	}
	return ship.StageUnknown
}

// scanned is the moment of a scan. UPS's other pair of date and time is local to
// a place whose zone it does not say, so it is not used.
func scanned(date, clock carrierdoc.Text) time.Time {
	d := strings.ReplaceAll(string(date), "-", "") + strings.ReplaceAll(string(clock), ":", "")
	at, err := time.Parse("20060102150405", d)
	if err != nil {
		return time.Time{}
	}
	return at
}

package ups

import (
	"errors"
	"strings"
	"time"

	"github.com/paklog/hub/core/ship"
)

// ErrNotTracked says that UPS knows nothing of a number (yet): an answer of
// success with a warning, no error.
var ErrNotTracked = errors.New("UPS has no tracking information for this number")

// ToTracking reads what UPS knows about number.
func ToTracking(body []byte, number string) (ship.Tracking, error) {
	const op = "ups.ToTracking"
	type status struct{ Type, Code, StatusCode, Description text }
	type activity struct {
		Date, Time, GmtDate, GmtTime text
		Status                       status
		Location                     struct {
			Address struct{ City, StateProvince, CountryCode text }
		}
	}
	var doc struct {
		TrackResponse *struct {
			Shipment list[struct {
				Package list[struct {
					TrackingNumber text
					CurrentStatus  *struct{ Type, Code, Description text }
					Activity       list[activity]
				}]
				Warnings list[struct{ Code, Message text }]
			}]
		}
	}
	if err := decode(op, body, &doc); err != nil {
		return ship.Tracking{}, err
	}
	if doc.TrackResponse == nil {
		return ship.Tracking{}, invalid(op, "trackResponse", "is missing")
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
					Place: place(a.Location.Address.City, a.Location.Address.StateProvince, a.Location.Address.CountryCode),
				})
			}
			if len(out.Scans) > 0 {
				out.Stage = out.Scans[0].Stage
			}
			if c := p.CurrentStatus; c != nil && stage(c.Type) != ship.StageUnknown {
				out.Stage = stage(c.Type)
			}
		}
	}
	if !known {
		return ship.Tracking{}, ErrNotTracked
	}
	return out, nil
}

// stage reads UPS's activity types.
func stage(t text) ship.Stage {
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
func scanned(date, clock text) time.Time {
	d := strings.ReplaceAll(string(date), "-", "") + strings.ReplaceAll(string(clock), ":", "")
	at, err := time.Parse("20060102150405", d)
	if err != nil {
		return time.Time{}
	}
	return at
}

func place(parts ...text) string {
	var named []string
	for _, p := range parts {
		if p != "" {
			named = append(named, string(p))
		}
	}
	return strings.Join(named, ", ")
}

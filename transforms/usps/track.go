package usps

import (
	"strings"
	"time"

	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// ToTracking reads what USPS knows about number, with each event (expand=DETAIL).
func ToTracking(body []byte, number string) (ship.Tracking, error) {
	const op = "usps.ToTracking"
	var doc struct {
		TrackingNumber, StatusCategory, Status carrierdoc.Text
		TrackingEvents                         carrierdoc.List[struct {
			EventType, EventCode, GMTTimestamp            carrierdoc.Text
			EventCity, EventState, EventZIP, EventCountry carrierdoc.Text
		}]
	}
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return ship.Tracking{}, err
	}
	if doc.StatusCategory == "" && len(doc.TrackingEvents) == 0 {
		return ship.Tracking{}, carrierdoc.Invalid(op, "trackingEvents", "are none, and statusCategory is missing")
	}
	out := ship.Tracking{TrackingNumber: number}
	for _, e := range doc.TrackingEvents {
		at, _ := time.Parse(time.RFC3339Nano, string(e.GMTTimestamp)) // eventTimestamp is the place's own, without a zone
		out.Scans = append(out.Scans, ship.Scan{
			At: at.UTC(), Stage: stage(e.EventCode), Code: string(e.EventCode), Text: strings.TrimSpace(string(e.EventType)),
			Place: carrierdoc.Place(e.EventCity, e.EventState, e.EventZIP, e.EventCountry),
		})
	}
	if len(out.Scans) > 0 {
		out.Stage = out.Scans[0].Stage
	}
	if out.Stage == "" || out.Stage == ship.StageUnknown {
		out.Stage = category(doc.StatusCategory)
	}
	return out, nil
}

// stage reads an event code of Publication 199.
func stage(code carrierdoc.Text) ship.Stage {
	if s, known := stages[strings.ToUpper(string(code))]; known {
		return s
	}
	return ship.StageUnknown
}

var stages = map[string]ship.Stage{
	"GX": ship.StageCreated, "MA": ship.StageCreated, "GA": ship.StageCreated,
	"03": ship.StageInTransit, "07": ship.StageInTransit, "10": ship.StageInTransit, "80": ship.StageInTransit, "81": ship.StageInTransit,
	"82": ship.StageInTransit, "A1": ship.StageInTransit, "T1": ship.StageInTransit, "TL": ship.StageInTransit, "NT": ship.StageInTransit,
	"SF": ship.StageInTransit, "PC": ship.StageInTransit, "OA": ship.StageInTransit, "L1": ship.StageInTransit, "U1": ship.StageInTransit,
	"06": ship.StageInTransit, "14": ship.StageInTransit, "16": ship.StageInTransit,
	"OF": ship.StageOut,
	"01": ship.StageDelivered,
	"02": ship.StageException, "05": ship.StageException, "08": ship.StageException, "52": ship.StageException, "53": ship.StageException,
	"54": ship.StageException, "55": ship.StageException, "56": ship.StageException,
	"04": ship.StageReturned, "09": ship.StageReturned, "21": ship.StageReturned, "22": ship.StageReturned, "23": ship.StageReturned,
	"24": ship.StageReturned, "25": ship.StageReturned, "26": ship.StageReturned, "27": ship.StageReturned, "28": ship.StageReturned,
	"29": ship.StageReturned,
}

// category reads USPS's word for the whole of a parcel's life.
func category(word carrierdoc.Text) ship.Stage {
	if s, known := categories[strings.ToLower(string(word))]; known {
		return s
	}
	return ship.StageUnknown
}

var categories = map[string]ship.Stage{
	"pre-shipment": ship.StageCreated, "accepted": ship.StageInTransit, "in transit": ship.StageInTransit, "available for pickup": ship.StageInTransit,
	"out for delivery": ship.StageOut, "delivered": ship.StageDelivered, "delivered to agent": ship.StageDelivered,
	"alert": ship.StageException, "delivery attempt": ship.StageException, "return to sender": ship.StageReturned,
}

package ups

import (
	"cmp"
	"fmt"

	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// RecoveryRequest is the body of POST /labels/v1/recovery.
type RecoveryRequest struct {
	LabelRecoveryRequest struct {
		Request struct {
			TransactionReference struct{ CustomerContext string }
		}
		LabelSpecification labelSpec
		TrackingNumber     string           `json:",omitempty"`
		ReferenceValues    *referenceValues `json:",omitempty"`
	}
}

type referenceValues struct {
	ReferenceNumber reference
	ShipperNumber   string
}

// FromReference asks for the label bought under p's reference.
func FromReference(p ship.Parcel, a Account) RecoveryRequest {
	req := recovery(p)
	req.LabelRecoveryRequest.ReferenceValues = &referenceValues{
		ReferenceNumber: reference{Value: p.Reference}, ShipperNumber: a.Number,
	}
	return req
}

// FromTracking asks for the label with this tracking number, one of the
// candidates of an answer to [FromReference].
func FromTracking(p ship.Parcel, number string) RecoveryRequest {
	req := recovery(p)
	req.LabelRecoveryRequest.TrackingNumber = number
	return req
}

func recovery(p ship.Parcel) RecoveryRequest {
	var req RecoveryRequest
	format := cmp.Or(p.Format, ship.ZPL)
	if format == ship.PNG { // recovery has GIF, PDF, ZPL, EPL and SPL
		format = ship.GIF
	}
	r := &req.LabelRecoveryRequest
	r.Request.TransactionReference.CustomerContext = p.Reference
	r.LabelSpecification = spec(format)
	return req
}

// Recovered is what label recovery found.
type Recovered struct {
	Label      *ship.Label // without its cost; nil where there are Candidates
	Candidates []string    // tracking numbers, where several labels share a reference
}

// ToRecovered reads a recovery answer.
func ToRecovered(body []byte, p ship.Parcel, connection string) (Recovered, error) {
	const op = "ups.ToRecovered"
	var doc struct {
		LabelRecoveryResponse *struct {
			ShipmentIdentificationNumber carrierdoc.Text
			LabelResults                 carrierdoc.List[struct {
				TrackingNumber carrierdoc.Text
				LabelImage     *struct {
					LabelImageFormat struct{ Code carrierdoc.Text }
					GraphicImage     carrierdoc.Text
				}
			}]
			TrackingCandidate carrierdoc.List[struct{ TrackingNumber carrierdoc.Text }]
		}
	}
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return Recovered{}, err
	}
	res := doc.LabelRecoveryResponse
	if res == nil {
		return Recovered{}, carrierdoc.Invalid(op, "LabelRecoveryResponse", "is missing")
	}
	var out Recovered
	for i, c := range res.TrackingCandidate {
		if c.TrackingNumber == "" {
			return Recovered{}, carrierdoc.Invalid(op, fmt.Sprintf("LabelRecoveryResponse.TrackingCandidate[%d].TrackingNumber", i), "is missing")
		}
		out.Candidates = append(out.Candidates, string(c.TrackingNumber))
	}
	if len(out.Candidates) > 0 {
		return out, nil
	}
	const at = "LabelRecoveryResponse.LabelResults"
	if n := len(res.LabelResults); n != 1 {
		return Recovered{}, carrierdoc.Invalid(op, at, "are %d, want 1", n)
	}
	lr := res.LabelResults[0]
	if lr.TrackingNumber == "" {
		return Recovered{}, carrierdoc.Invalid(op, at+"[0].TrackingNumber", "is missing")
	}
	if lr.LabelImage == nil {
		return Recovered{}, carrierdoc.Invalid(op, at+"[0].LabelImage", "is missing")
	}
	format, img, err := image(lr.LabelImage.LabelImageFormat.Code, lr.LabelImage.GraphicImage)
	if err != nil {
		return Recovered{}, carrierdoc.Invalid(op, at+"[0].LabelImage", "%w", err)
	}
	id := res.ShipmentIdentificationNumber
	if id == "" {
		id = lr.TrackingNumber // the shipment of one package is named after it
	}
	out.Label = &ship.Label{
		Connection: connection, Reference: p.Reference,
		ShipmentID: string(id), TrackingNumber: string(lr.TrackingNumber),
		Service: service(p.Service), Format: format, Image: img,
	}
	return out, nil
}

// ToVoided reads a void answer: nil means that the shipment is void.
func ToVoided(body []byte) error {
	const op = "ups.ToVoided"
	var doc struct {
		VoidShipmentResponse *struct {
			SummaryResult struct {
				Status struct{ Code, Description carrierdoc.Text }
			}
		}
	}
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return err
	}
	if doc.VoidShipmentResponse == nil {
		return carrierdoc.Invalid(op, "VoidShipmentResponse", "is missing")
	}
	if s := doc.VoidShipmentResponse.SummaryResult.Status; s.Code != "1" {
		return carrierdoc.Invalid(op, "VoidShipmentResponse.SummaryResult.Status", "is %q (%s), want 1", s.Code, s.Description)
	}
	return nil
}

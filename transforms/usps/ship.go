package usps

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
	"time"

	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// LabelRequest is the body of POST /labels/v3/label.
type LabelRequest struct {
	Image   imageInfo    `json:"imageInfo"`
	To      address      `json:"toAddress"`
	From    address      `json:"fromAddress"`
	Package labelPackage `json:"packageDescription"`
}

type imageInfo struct {
	ImageType     string `json:"imageType"`
	LabelType     string `json:"labelType"`
	ReceiptOption string `json:"receiptOption,omitempty"` // a reprint has none
}

type labelPackage struct {
	MailClass          string      `json:"mailClass"`
	RateIndicator      string      `json:"rateIndicator"`
	ProcessingCategory string      `json:"processingCategory"`
	EntryFacility      string      `json:"destinationEntryFacilityType"`
	MailingDate        string      `json:"mailingDate"`
	WeightUOM          string      `json:"weightUOM"`
	Weight             json.Number `json:"weight"`
	DimensionsUOM      string      `json:"dimensionsUOM"`
	Length             int64       `json:"length"`
	Width              int64       `json:"width"`
	Height             int64       `json:"height"`
	CustomerReference  []reference `json:"customerReference"`
}

type reference struct {
	ReferenceNumber      string `json:"referenceNumber"`
	PrintReferenceNumber bool   `json:"printReferenceNumber"`
}

// imageTypes are USPS's names of the formats that it sells.
var imageTypes = map[ship.Format]string{ship.ZPL: "ZPL203DPI", ship.PDF: "PDF", ship.PNG: "PNG", ship.GIF: "GIF"}

const fourBySix = "4X6LABEL"

// FromParcel orders the label of p, to be mailed on day.
func FromParcel(p ship.Parcel, day time.Time) (LabelRequest, error) {
	e := newChecker()
	e.within(p)
	m := e.measures(p)
	o := e.offer(p, m)
	ref := Reference(p.Reference)
	req := LabelRequest{
		Image: imageInfo{imageTypes[cmp.Or(p.Format, ship.ZPL)], fourBySix, "NONE"},
		To:    e.address("to", p.To), From: e.address("from", p.From),
		Package: labelPackage{
			MailClass: o.class, RateIndicator: o.indicator, ProcessingCategory: o.category, EntryFacility: noFacility,
			MailingDate: day.Format(time.DateOnly),
			WeightUOM:   "lb", Weight: hundredths(m.Weight), DimensionsUOM: "in", Length: m.Length, Width: m.Width, Height: m.Height,
			CustomerReference: []reference{{e.Length("reference", ref, maxReference), true}},
		},
	}
	if p.OrderNumber != "" {
		req.Package.CustomerReference = append(req.Package.CustomerReference, reference{e.Length("order_number", p.OrderNumber, maxReference), true})
	}
	return req, e.Err("usps.FromParcel")
}

// ReprintRequest is the body of POST /labels/v3/label-reprint.
type ReprintRequest struct {
	Image imageInfo `json:"imageInfo"`
}

// FromFormat asks for a label once more.
func FromFormat(f ship.Format) ReprintRequest {
	return ReprintRequest{imageInfo{ImageType: imageTypes[cmp.Or(f, ship.ZPL)], LabelType: fourBySix}}
}

type charge struct{ Price carrierdoc.Text }

type metadata struct {
	TrackingNumber carrierdoc.Text
	Postage        carrierdoc.Text
	Fees           carrierdoc.List[charge]
	ExtraServices  carrierdoc.List[charge]
}

type answer struct {
	metadata
	LabelMetadata *metadata // of a reprint, and of an answer in parts
	LabelImage    carrierdoc.Text
}

// ToLabel reads what was bought with p, of its purchase or of a reprint, as one
// document or in parts. A price that cannot be read leaves the cost unknown: the
// label is bought all the same.
func ToLabel(body []byte, p ship.Parcel, connection string) (ship.Label, error) {
	const op = "usps.ToLabel"
	var doc answer
	format := cmp.Or(p.Format, ship.ZPL)
	if bytes.HasPrefix(body, []byte("--")) {
		var err error
		if doc, format, err = parts(op, body, format); err != nil {
			return ship.Label{}, err
		}
	} else if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return ship.Label{}, err
	}
	meta, at := doc.metadata, ""
	if doc.LabelMetadata != nil {
		meta, at = *doc.LabelMetadata, "labelMetadata."
	}
	if meta.TrackingNumber == "" {
		return ship.Label{}, carrierdoc.Invalid(op, at+"trackingNumber", "is missing")
	}
	img, err := carrierdoc.Image(doc.LabelImage)
	if err != nil {
		return ship.Label{}, carrierdoc.Invalid(op, "labelImage", "%w", err)
	}
	number := string(meta.TrackingNumber)
	return ship.Label{
		Connection: connection, Reference: p.Reference, ShipmentID: number, TrackingNumber: number,
		Service: service(p.Service), Cost: meta.cost(), Format: format, Image: img,
	}, nil
}

// cost is the postage with its fees and services, or nothing where USPS does not say.
func (m metadata) cost() measure.Money {
	sum, err := carrierdoc.Money("USD", m.Postage)
	for _, c := range append(m.Fees, m.ExtraServices...) {
		if err == nil && c.Price != "" {
			var more measure.Money
			more, err = carrierdoc.Money("USD", c.Price)
			sum.Minor += more.Minor
		}
	}
	if err != nil {
		return measure.Money{}
	}
	return sum
}

// kinds are the formats by the media type of their part; ZPL has none of its own.
var kinds = map[string]ship.Format{"application/pdf": ship.PDF, "image/png": ship.PNG, "image/gif": ship.GIF}

// parts reads an answer in several parts. Its boundary is that of its first line.
func parts(op string, body []byte, asked ship.Format) (answer, ship.Format, error) {
	var doc answer
	line, _, _ := bytes.Cut(body, []byte("\n"))
	// Space after the last boundary is nothing to multipart only where it is the line's own.
	rd := multipart.NewReader(bytes.NewReader(bytes.TrimSpace(body)), strings.TrimSpace(string(line[2:])))
	for {
		part, err := rd.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return doc, asked, carrierdoc.Invalid(op, "", "reading an answer in parts: %w", err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return doc, asked, carrierdoc.Invalid(op, part.FormName(), "reading an answer in parts: %w", err)
		}
		switch part.FormName() {
		case "labelMetadata":
			doc.LabelMetadata = &metadata{}
			if err := carrierdoc.Decode(op, content, doc.LabelMetadata); err != nil {
				return doc, asked, err
			}
		case "labelImage":
			doc.LabelImage = carrierdoc.Text(bytes.TrimSpace(content))
			if f, known := kinds[part.Header.Get("Content-Type")]; known {
				asked = f
			}
		}
	}
	return doc, asked, nil
}

// ErrDisputed says that a label was manifested before it was given back: USPS
// opened a request for a refund instead of a cancellation.
var ErrDisputed = errors.New("the label was manifested, so that USPS did not cancel it but opened a refund request; the label stands until that is decided")

// ToCancelled reads an answer to a cancellation: nil says that the label is void.
func ToCancelled(body []byte) error {
	const op = "usps.ToCancelled"
	var doc struct{ Status, DisputeID carrierdoc.Text }
	if err := carrierdoc.Decode(op, body, &doc); err != nil {
		return err
	}
	switch doc.Status {
	case "CANCELED":
		return nil
	case "DISPUTED":
		return fmt.Errorf("%w (dispute %s)", ErrDisputed, doc.DisputeID)
	}
	return carrierdoc.Invalid(op, "status", "is %q, want CANCELED or DISPUTED", doc.Status)
}

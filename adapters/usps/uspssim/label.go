package uspssim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/simcarrier"
	"github.com/paklog/hub/adapters/internal/simhttp"
)

type labelRequest struct {
	ImageInfo          *picture `json:"imageInfo"`
	ToAddress          *place   `json:"toAddress"`
	FromAddress        *place   `json:"fromAddress"`
	SenderAddress      *place   `json:"senderAddress"`
	ReturnAddress      *place   `json:"returnAddress"`
	PackageDescription *struct {
		MailClass                    string                `json:"mailClass"`
		RateIndicator                string                `json:"rateIndicator"`
		ProcessingCategory           string                `json:"processingCategory"`
		DestinationEntryFacilityType string                `json:"destinationEntryFacilityType"`
		MailingDate                  string                `json:"mailingDate"`
		WeightUOM                    string                `json:"weightUOM"`
		Weight                       simcarrier.Hundredths `json:"weight"`
		DimensionsUOM                string                `json:"dimensionsUOM"`
		Length                       simcarrier.Hundredths `json:"length"`
		Width                        simcarrier.Hundredths `json:"width"`
		Height                       simcarrier.Hundredths `json:"height"`
		ExtraServices                []int64               `json:"extraServices"`
		CustomerReference            []struct {
			ReferenceNumber      string `json:"referenceNumber"`
			PrintReferenceNumber bool   `json:"printReferenceNumber"`
		} `json:"customerReference"`
	} `json:"packageDescription"`
}

// mailable is USPS's judgement of a whole request: nil, or the first refusal.
func (s *Sim) mailable(doc labelRequest) *refusal {
	d := doc.PackageDescription
	const at = "packageDescription."
	switch {
	case d == nil:
		return &malformed
	case d.WeightUOM != "" && d.WeightUOM != "lb":
		return bad(at+"weightUOM", "The weight is in lb.")
	case d.DimensionsUOM != "" && d.DimensionsUOM != "in":
		return bad(at+"dimensionsUOM", "The dimensions are in in.")
	case d.DestinationEntryFacilityType != "NONE":
		return bad(at+"destinationEntryFacilityType", "The simulator has no facilities.")
	case len(d.ExtraServices) > 0:
		return bad(at+"extraServices", "The simulator sells no extra services.")
	case len(d.CustomerReference) > 4:
		return bad(at+"customerReference", "There are four customer references at most.")
	}
	for i, r := range d.CustomerReference {
		if !simcarrier.Within(r.ReferenceNumber, 1, 30) {
			return bad(fmt.Sprintf("%scustomerReference[%d].referenceNumber", at, i), "A reference has 1 to 30 characters.")
		}
	}
	p := piece{int64(d.Weight), int64(d.Length), int64(d.Width), int64(d.Height)}
	for _, no := range []*refusal{
		address("toAddress", doc.ToAddress), address("fromAddress", doc.FromAddress), p.limits(at), mailed(at, d.MailingDate, s.opts.Now(), 7),
		offered(at, d.MailClass, d.RateIndicator, d.ProcessingCategory, p),
	} {
		if no != nil {
			return no
		}
	}
	for at, extra := range map[string]*place{"senderAddress": doc.SenderAddress, "returnAddress": doc.ReturnAddress} {
		if extra != nil {
			if no := address(at, extra); no != nil {
				return no
			}
		}
	}
	return nil
}

func (s *Sim) label(r *http.Request, body []byte) (simhttp.Answer, *refusal) {
	var doc labelRequest
	if err := simhttp.Strict(body, &doc); err != nil {
		return simhttp.Answer{}, &malformed
	}
	format, no := doc.ImageInfo.format(false)
	if no == nil {
		no = s.mailable(doc)
	}
	key := r.Header.Get("X-Idempotency-Key")
	if no == nil && key != "" && !keyForm.MatchString(key) {
		no = bad("Header: X-Idempotency-Key", "The key is a UUID.")
	}
	if no != nil {
		return simhttp.Answer{}, no
	}
	if s.opts.Guard && key != "" {
		if l, known := s.under(key); known {
			switch {
			case !s.same(key, body):
				return simhttp.Answer{}, &otherBody
			case l.Voided != nil:
				return simhttp.Answer{}, &cancelled
			}
			return s.printed(r, l, false), nil
		}
	}
	l := s.sell(doc, key, format)
	s.same(key, body)
	return s.printed(r, l, false), nil
}

// sell makes the purchase true.
func (s *Sim) sell(doc labelRequest, key, format string) Label {
	d, to := doc.PackageDescription, doc.ToAddress
	p := piece{int64(d.Weight), int64(d.Length), int64(d.Width), int64(d.Height)}
	l := Label{
		Service: d.MailClass, Currency: "USD", Format: format, Bought: s.opts.Now().UTC(),
		Minor: postage(d.MailClass, d.RateIndicator, "COMMERCIAL", doc.FromAddress.ZIPCode, to.ZIPCode, p),
		To:    strings.Join([]string{strings.TrimSpace(to.FirstName + " " + to.LastName), to.StreetAddress, to.City + " " + to.ZIPCode}, ", "),
	}
	for _, f := range p.fees() {
		l.Minor += int64(f.Price)
	}
	for _, r := range d.CustomerReference {
		l.References = append(l.References, r.ReferenceNumber)
	}
	l.References = append(l.References, key)
	s.truth.Change(func(labels []Label) simcarrier.Entry {
		l.TrackingNumber = number(len(labels) + 1)
		l.ShipmentID = l.TrackingNumber
		return simcarrier.Entry{Bought: []Label{l}}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fees[l.TrackingNumber] = p.fees()
	return l
}

// same reports whether the key was used with this body alone so far.
func (s *Sim) same(key string, body []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, known := s.bodies[key]
	if !known {
		s.bodies[key] = string(body)
		return true
	}
	return first == string(body)
}

// under is the label that a key means: the newest that stands, else the newest.
func (s *Sim) under(key string) (found Label, known bool) {
	for _, l := range s.truth.Labels() {
		if l.References[len(l.References)-1] == key && (!known || l.Voided == nil || found.Voided != nil) {
			found, known = l, true
		}
	}
	return found, known
}

// named is the label that a call means by its path or by its key.
func (s *Sim) named(r *http.Request, body bool) (Label, *refusal) {
	if tn := r.PathValue("number"); tn != "" {
		for _, l := range s.truth.Labels() {
			if l.TrackingNumber == tn {
				return l, nil
			}
		}
		if body {
			return Label{}, &unknownTN
		}
		return Label{}, &unknownSale
	}
	now := s.opts.Now()
	l, known := s.under(r.Header.Get("X-Idempotency-Key"))
	if !known || now.Sub(l.Bought) < s.opts.ReprintLag || now.Sub(l.Bought) > 7*24*time.Hour {
		return Label{}, &unknownKey
	}
	return l, nil
}

// reprint gives the bytes of a label once more: three times, and until its mailing date.
func (s *Sim) reprint(r *http.Request, body []byte) (simhttp.Answer, *refusal) {
	var doc struct {
		ImageInfo *picture `json:"imageInfo"`
	}
	if err := simhttp.Strict(body, &doc); err != nil {
		return simhttp.Answer{}, &malformed
	}
	format, no := doc.ImageInfo.format(true)
	if no != nil {
		return simhttp.Answer{}, no
	}
	l, no := s.named(r, true)
	switch {
	case no != nil:
		return simhttp.Answer{}, no
	case l.Voided != nil:
		return simhttp.Answer{}, &cancelled
	case s.manifested(l):
		return simhttp.Answer{}, &late
	}
	s.mu.Lock()
	s.prints[l.TrackingNumber]++
	n := s.prints[l.TrackingNumber]
	s.mu.Unlock()
	if n > 3 {
		return simhttp.Answer{}, &spent
	}
	l.Format = format
	return s.printed(r, l, true), nil
}

// printed is the answer with a label's bytes.
func (s *Sim) printed(r *http.Request, l Label, again bool) simhttp.Answer {
	s.mu.Lock()
	fees, prints := s.fees[l.TrackingNumber], s.prints[l.TrackingNumber]
	s.mu.Unlock()
	postage := l.Minor
	for _, f := range fees {
		postage -= int64(f.Price)
	}
	meta := map[string]any{
		"trackingNumber": l.TrackingNumber, "postage": cents(postage), "fees": fees, "constructCode": "C03", "SKU": "DUXP0XXXXC00000",
		"extraServices": []any{map[string]any{"name": "USPS Tracking", "price": cents(0), "SKU": "DXTP0EXXXCX0000"}},
		"zone":          "04", "commitment": commitment(classes[l.Service], l.Bought), "weightUOM": "lb",
	}
	image := simcarrier.Draw("USPS", l)
	if s.opts.Parts || r.Header.Get("Accept") != "application/vnd.usps.labels+json" {
		return inParts(meta, image, l.Format)
	}
	if !again {
		meta["labelImage"] = image
		return simhttp.OK(meta)
	}
	return simhttp.OK(map[string]any{
		"labelMetadata": meta, "labelImage": image, "reprintInfo": map[string]any{"reprintNumber": prints, "reprintLimit": 3},
	})
}

// inParts is the answer's usual form: the metadata, and the bytes in base64.
func inParts(meta any, image, format string) simhttp.Answer {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part := func(name, kind string, content []byte) {
		h := textproto.MIMEHeader{"Content-Type": {kind}, "Content-Disposition": {fmt.Sprintf("form-data; name=%q", name)}}
		p, err := w.CreatePart(h)
		if err == nil {
			_, err = p.Write(content)
		}
		if err != nil {
			panic(fmt.Sprintf("uspssim: writing a part: %v", err)) // into memory
		}
	}
	doc, err := json.Marshal(meta)
	if err != nil {
		panic(fmt.Sprintf("uspssim: metadata cannot be encoded: %v", err)) // a mistake in the simulator
	}
	part("labelMetadata", "application/json", doc)
	part("labelImage", map[string]string{"PDF": "application/pdf", "PNG": "image/png", "GIF": "image/gif", "ZPL": "application/octet-stream"}[format], []byte(image))
	_ = w.Close()
	return simhttp.Answer{Status: http.StatusOK, Type: w.FormDataContentType(), Body: b.String()}
}

// number makes a tracking number of twenty-two digits, the last of which checks the others.
func number(serial int) string {
	s := fmt.Sprintf("92346%s%07d", MID, serial%10_000_000)
	return s + string(rune('0'+checkDigit(s)))
}

// checkDigit weighs the digits from the right by 3 and 1 in turn, modulo ten.
func checkDigit(s string) int {
	sum := 0
	for i := range len(s) {
		sum += int(s[len(s)-1-i]-'0') * []int{3, 1}[i%2]
	}
	return (10 - sum%10) % 10
}

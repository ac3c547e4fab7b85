package as2

import (
	"bytes"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/edi/cms"
)

// Files are the documents of the message that the request is sent in. The
// message is to be signed by a certificate that the partner trusts already.
func (r CertRequest) Files() ([]File, error) {
	x := exchangeOf("EDIINTCertificateExchangeRequest", r.ID, r.From, r.At)
	files := make([]File, 1, 1+len(r.Trust))
	for i, t := range r.Trust {
		if t.Certificate == nil || len(t.Usages) == 0 {
			return nil, errors.New("as2: a certificate to trust, and what for, is missing")
		}
		id := fmt.Sprintf("certificate-%d@%s", i+1, r.ID)
		w := xmlRequest{URL: t.ResponseURL, EndEntity: []xmlEntity{{Identifier: referenceTo(t.Certificate), ContentID: id}}}
		for _, u := range t.Usages {
			w.Usages = append(w.Usages, string(u))
		}
		if !t.RespondBy.IsZero() {
			w.RespondBy = t.RespondBy.UTC().Format(time.RFC3339)
		}
		x.Requests = append(x.Requests, w)
		all := append([]*x509.Certificate{t.Certificate}, t.Chain...)
		files = append(files, File{ContentType: "application/pkcs7-mime; smime-type=certs-only", Name: fmt.Sprintf("certificate-%d.p7c", i+1), ContentID: id, Content: bytes.NewReader(cms.CertificatesOnly(all...))})
	}
	said, err := x.file()
	files[0] = said
	return files, err
}

// Files are the documents of the message that the answer is sent in.
func (r CertResponse) Files() ([]File, error) {
	x := exchangeOf("EDIINTCertificateExchangeResponse", r.ID, r.From, r.At)
	for _, t := range r.Trust {
		if t.Serial == nil {
			return nil, errors.New("as2: a verdict without its certificate")
		}
		w := xmlResponse{Status: statusRejected, Reason: t.Reason, Reference: []xmlReference{{Issuer: t.Issuer, Serial: t.Serial.String()}}}
		if t.Accepted {
			w.Status, w.Reason = statusAccepted, ""
		}
		x.Responses = append(x.Responses, w)
	}
	said, err := x.file()
	return []File{said}, err
}

// ResponseTo is a verdict on one certificate; a reason rejects it.
func ResponseTo(c *x509.Certificate, rejected string) TrustResponse {
	return TrustResponse{Accepted: rejected == "", Reason: rejected, Issuer: c.Issuer.String(), Serial: c.SerialNumber}
}

func exchangeOf(kind, id, from string, at time.Time) xmlExchange {
	return xmlExchange{
		XMLName: xml.Name{Space: exchangeSpace, Local: kind}, ID: id,
		Partner: []xmlPartner{{Name: xmlName{Qualifier: "AS2", Text: from}, At: at.UTC().Format(time.RFC3339)}},
	}
}

func referenceTo(c *x509.Certificate) xmlReference {
	return xmlReference{Issuer: c.Issuer.String(), Serial: c.SerialNumber.String()}
}

func (x xmlExchange) file() (File, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(x); err != nil {
		return File{}, fmt.Errorf("as2: writing a certificate exchange: %w", err)
	}
	return File{ContentType: ExchangeType, Name: "certificate-exchange.xml", ContentID: "exchange@" + x.ID, Content: &b}, nil
}

package as2

import (
	"bytes"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/edi/cms"
)

// ExchangeType is the media type of what one side says in a certificate
// exchange (draft-meadors-certificate-exchange-14, CEM). It stands in a
// multipart/related, beside the certificates that it is about.
const ExchangeType = "application/ediint-cert-exchange+xml"

const (
	exchangeSpace = "urn:ietf:params:xml:ns:ediintcertificateexchange"
	dsigSpace     = "http://www.w3.org/2000/09/xmldsig#"
)

// A CertUsage is what a certificate is offered for.
type CertUsage string

// Usages that the draft names.
const (
	UsageSignature    CertUsage = "digitalSignature"
	UsageEncipherment CertUsage = "keyEncipherment"
	UsageTLSClient    CertUsage = "tlsClient"
	UsageTLSServer    CertUsage = "tlsServer"
)

// A CertRequest asks to trust certificates of its sender.
type CertRequest struct {
	ID    string // that the answer names
	From  string // AS2 name of the sender
	At    time.Time
	Trust []TrustRequest
}

// A TrustRequest is one certificate of a request.
type TrustRequest struct {
	Usages      []CertUsage // as written: ask [CertUsage.Known]
	RespondBy   time.Time   // zero is any time
	ResponseURL string
	Certificate *x509.Certificate
	Chain       []*x509.Certificate // others of its part: who issued it
}

// A CertResponse answers a request.
type CertResponse struct {
	ID    string // of the request
	From  string
	At    time.Time
	Trust []TrustResponse
}

// A TrustResponse is the verdict on one certificate of a request.
type TrustResponse struct {
	Accepted bool
	Reason   string // of a rejection
	Issuer   string // as written
	Serial   *big.Int
}

// Known reports whether the draft names the usage.
func (u CertUsage) Known() bool {
	return slices.Contains([]CertUsage{UsageSignature, UsageEncipherment, UsageTLSClient, UsageTLSServer}, u)
}

// Of reports whether the verdict is on c.
func (t TrustResponse) Of(c *x509.Certificate) bool {
	return t.Serial != nil && c.SerialNumber.Cmp(t.Serial) == 0 && sameIssuer(t.Issuer, c)
}

// An ExchangePart is a document of a message with its content.
type ExchangePart struct {
	Document
	Content []byte
}

// InExchange reports whether a document of this type is what one side says in a
// certificate exchange.
func InExchange(contentType string) bool {
	kind, _ := media(contentType)
	return kind == ExchangeType
}

// Bounds of a certificate exchange. Real ones are some kilobytes long.
const (
	MaxExchangePart = 256 << 10
	maxTrust        = 32
	maxXMLDepth     = 16
	maxChain        = 16
)

// ReadExchange reads the documents of a message that is a certificate exchange:
// one of request and response is not nil. That the message is signed, by whom,
// and whether what it says is believed is for the caller to see. An error is a
// *[Problem].
func ReadExchange(parts []ExchangePart) (*CertRequest, *CertResponse, error) {
	var said []byte
	certs := map[string][]byte{}
	for _, p := range parts {
		if len(p.Content) > MaxExchangePart {
			return nil, nil, exchangeProblem("a part of %d bytes, %d at most", len(p.Content), MaxExchangePart)
		}
		if InExchange(p.ContentType) {
			if said != nil {
				return nil, nil, exchangeProblem("two requests or answers in one message")
			}
			said = p.Content
			continue
		}
		id := contentID(p.ContentID)
		if _, twice := certs[id]; twice {
			return nil, nil, exchangeProblem("two parts with the Content-ID %q", id)
		}
		certs[id] = p.Content
	}
	x, err := parseExchange(said)
	if err != nil {
		return nil, nil, err
	}
	if x.XMLName.Local == "EDIINTCertificateExchangeResponse" {
		res, err := x.response()
		return nil, res, err
	}
	req, err := x.request(certs)
	return req, nil, err
}

func exchangeProblem(format string, args ...any) error {
	return problem(UnexpectedProcessingError, "certificate exchange: "+format, args...)
}

// contentID is an id without what it is written in: "<a@b>", "cid:a@b".
func contentID(s string) string {
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s), "<"), ">")
	return strings.TrimPrefix(s, "cid:")
}

// The document on the wire.
type (
	xmlExchange struct {
		XMLName   xml.Name
		ID        string        `xml:"requestId,attr"`
		Partner   []xmlPartner  `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange TradingPartnerInfo"`
		Requests  []xmlRequest  `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange TrustRequest"`
		Responses []xmlResponse `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange TrustResponse"`
	}
	xmlPartner struct {
		Name xmlName `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange Name"`
		At   string  `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange MessageOriginated"`
	}
	xmlName struct {
		Qualifier string `xml:"qualifier,attr"`
		Text      string `xml:",chardata"`
	}
	xmlRequest struct {
		Usages    []string    `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange CertUsage"`
		RespondBy string      `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange RespondByDate,omitempty"`
		URL       string      `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange ResponseURL"`
		EndEntity []xmlEntity `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange EndEntity"`
	}
	xmlEntity struct {
		Identifier xmlReference `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange CertificateIdentifier"`
		ContentID  string       `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange CertificateContentID"`
	}
	xmlReference struct {
		Issuer string `xml:"http://www.w3.org/2000/09/xmldsig# X509IssuerName"`
		Serial string `xml:"http://www.w3.org/2000/09/xmldsig# X509SerialNumber"`
	}
	xmlResponse struct {
		Status    string         `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange CertStatus"`
		Reason    string         `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange ReasonForRejection,omitempty"`
		Reference []xmlReference `xml:"urn:ietf:params:xml:ns:ediintcertificateexchange CertificateReference"`
	}
)

// parseExchange reads the XML. A document type is refused: nothing here needs
// one, and entities are what XML is attacked by.
func parseExchange(said []byte) (x xmlExchange, err error) {
	if len(said) == 0 {
		return x, exchangeProblem("no part of type %s says what it is about", ExchangeType)
	}
	d := xml.NewDecoder(bytes.NewReader(said))
	for depth := 0; ; {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return x, exchangeProblem("%v", err)
		}
		switch t.(type) {
		case xml.Directive:
			return x, exchangeProblem("a document type declaration")
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				return x, exchangeProblem("elements more than %d deep", maxXMLDepth)
			}
		case xml.EndElement:
			depth--
		}
	}
	if err := xml.Unmarshal(said, &x); err != nil {
		return x, exchangeProblem("%v", err)
	}
	x.ID = strings.TrimSpace(x.ID)
	switch {
	case x.XMLName.Space != exchangeSpace, x.XMLName.Local != "EDIINTCertificateExchangeRequest" && x.XMLName.Local != "EDIINTCertificateExchangeResponse":
		return x, exchangeProblem("it is %q in %q, neither request nor response", x.XMLName.Local, x.XMLName.Space)
	case x.ID == "" || len(x.ID) > 256:
		return x, exchangeProblem("a requestId of %d bytes, it has 1 to 256", len(x.ID))
	case len(x.Partner) != 1:
		return x, exchangeProblem("TradingPartnerInfo %d times", len(x.Partner))
	case len(x.Requests)+len(x.Responses) > maxTrust:
		return x, exchangeProblem("%d certificates, %d at most", len(x.Requests)+len(x.Responses), maxTrust)
	}
	return x, nil
}

// dateTime is an xsd:dateTime; without a zone it is UTC.
func dateTime(element, text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		at, err = time.Parse("2006-01-02T15:04:05.999999999", text)
	}
	if err != nil {
		return at, exchangeProblem("%s: %q is no date with its time", element, text)
	}
	return at.UTC(), nil
}

func (x xmlExchange) request(certs map[string][]byte) (*CertRequest, error) {
	out := &CertRequest{ID: x.ID, From: strings.TrimSpace(x.Partner[0].Name.Text)}
	var err error
	if out.At, err = dateTime("MessageOriginated", x.Partner[0].At); err != nil {
		return nil, err
	}
	if len(x.Requests) == 0 || len(x.Responses) > 0 {
		return nil, exchangeProblem("a request with %d TrustRequest and %d TrustResponse", len(x.Requests), len(x.Responses))
	}
	for i, r := range x.Requests {
		t, err := r.trust(certs)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out.Trust, func(o TrustRequest) bool { return o.Certificate.Equal(t.Certificate) }) {
			return nil, exchangeProblem("TrustRequest %d is about a certificate of one before it", i+1)
		}
		out.Trust = append(out.Trust, t)
	}
	return out, nil
}

func (r xmlRequest) trust(certs map[string][]byte) (t TrustRequest, err error) {
	if len(r.EndEntity) != 1 {
		return t, exchangeProblem("EndEntity %d times in a TrustRequest", len(r.EndEntity))
	}
	if len(r.Usages) == 0 || len(r.Usages) > maxTrust {
		return t, exchangeProblem("CertUsage %d times in a TrustRequest", len(r.Usages))
	}
	for _, u := range r.Usages {
		if u := CertUsage(strings.TrimSpace(u)); !slices.Contains(t.Usages, u) {
			t.Usages = append(t.Usages, u)
		}
	}
	if strings.TrimSpace(r.RespondBy) != "" {
		if t.RespondBy, err = dateTime("RespondByDate", r.RespondBy); err != nil {
			return t, err
		}
	}
	t.ResponseURL = strings.TrimSpace(r.URL)
	e := r.EndEntity[0]
	id := contentID(e.ContentID)
	raw, there := certs[id]
	if !there {
		return t, exchangeProblem("no part has the Content-ID %q", id)
	}
	all, err := cms.ReadCertificates(bytes.NewReader(raw), cms.Limits{})
	if err != nil {
		return t, judged(UnexpectedProcessingError, err)
	}
	if len(all) > maxChain {
		return t, exchangeProblem("%d certificates in a part, %d at most", len(all), maxChain)
	}
	serial, err := serialOf(e.Identifier.Serial)
	if err != nil {
		return t, err
	}
	for _, c := range all {
		if t.Certificate == nil && c.SerialNumber.Cmp(serial) == 0 && sameIssuer(e.Identifier.Issuer, c) {
			t.Certificate = c
		} else {
			t.Chain = append(t.Chain, c)
		}
	}
	if t.Certificate == nil {
		return t, exchangeProblem("the part %q holds %d certificates, none of serial number %v by %q", id, len(all), serial, e.Identifier.Issuer)
	}
	return t, nil
}

func (x xmlExchange) response() (*CertResponse, error) {
	out := &CertResponse{ID: x.ID, From: strings.TrimSpace(x.Partner[0].Name.Text)}
	var err error
	if out.At, err = dateTime("MessageOriginated", x.Partner[0].At); err != nil {
		return nil, err
	}
	if len(x.Responses) == 0 || len(x.Requests) > 0 {
		return nil, exchangeProblem("a response with %d TrustResponse and %d TrustRequest", len(x.Responses), len(x.Requests))
	}
	for _, r := range x.Responses {
		if len(r.Reference) != 1 {
			return nil, exchangeProblem("CertificateReference %d times in a TrustResponse", len(r.Reference))
		}
		t := TrustResponse{Reason: strings.TrimSpace(r.Reason), Issuer: strings.TrimSpace(r.Reference[0].Issuer)}
		if t.Serial, err = serialOf(r.Reference[0].Serial); err != nil {
			return nil, err
		}
		switch status := strings.TrimSpace(r.Status); status {
		case statusAccepted:
			t.Accepted = true
		case statusRejected:
		default:
			return nil, exchangeProblem("CertStatus %q is neither %s nor %s", status, statusAccepted, statusRejected)
		}
		out.Trust = append(out.Trust, t)
	}
	return out, nil
}

const (
	statusAccepted = "Accepted"
	statusRejected = "Rejected"
)

// serialOf reads a serial number; RFC 5280 4.1.2.2 has 20 octets at most, which
// some issuers pass.
func serialOf(text string) (*big.Int, error) {
	text = strings.TrimSpace(text)
	if n, ok := new(big.Int).SetString(text, 10); ok && len(text) <= 80 {
		return n, nil
	}
	return nil, exchangeProblem("X509SerialNumber: %q is no decimal number", text[:min(len(text), 80)])
}

// sameIssuer reports whether a name that a station wrote may be the issuer of c.
// There is no one way to write it: order, blanks, case and the names of rarer
// attributes differ, so that those are compared which everybody calls the same.
func sameIssuer(text string, c *x509.Certificate) bool {
	written, has := commonNames(text), commonNames(c.Issuer.String())
	for kind, values := range written {
		if issued, there := has[kind]; there && !slices.Equal(values, issued) {
			return false
		}
	}
	_, named := written["CN"]
	_, needed := has["CN"]
	return named == needed
}

// commonNames are the attributes of a distinguished name as RFC 4514 3 calls
// them, sorted.
func commonNames(name string) map[string][]string {
	out := map[string][]string{}
	for _, rdn := range splitName(name) {
		kind, value, _ := strings.Cut(rdn, "=")
		if kind = strings.ToUpper(strings.TrimSpace(kind)); slices.Contains([]string{"CN", "O", "OU", "C", "L", "ST"}, kind) {
			value = strings.ToLower(strings.Join(strings.Fields(strings.Trim(strings.TrimSpace(value), `"`)), " "))
			out[kind] = append(out[kind], value)
		}
	}
	for _, values := range out {
		slices.Sort(values)
	}
	return out
}

// splitName cuts a distinguished name at the commas and plus signs that are
// neither escaped nor quoted, and takes escapes away.
func splitName(s string) (out []string) {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case ch == '"':
			quoted = !quoted
		case !quoted && (ch == ',' || ch == '+' || ch == ';'):
			out = append(out, b.String())
			b.Reset()
		default:
			b.WriteByte(ch)
		}
	}
	return append(out, b.String())
}

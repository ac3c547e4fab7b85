package as2

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/edi/as2"
)

// What becomes of certificates that a partner offers.
const (
	ExchangeManual = "manual" // a person decides
	ExchangeAuto   = "auto"   // what a certificate that is trusted already signed is taken, if nothing is wrong with it
)

// with is the profile with the partner's certificates that were accepted in an exchange, beside those
// that are there: one of both verifies, the latest is encrypted for.
func (p Profile) with(x trust.Exchange) Profile {
	own := len(p.Certificates)
	for _, e := range x.Theirs {
		use := useOf(e.Usages)
		if e.Status != trust.StatusAccepted || use == "" {
			continue
		}
		c, err := x509.ParseCertificate(e.DER)
		if err != nil || slices.ContainsFunc(p.Certificates[:own], func(o Certificate) bool { return o.Equal(c) }) {
			continue
		}
		p.Certificates = append(slices.Clip(p.Certificates), Certificate{Certificate: c, Use: use, From: e.Since})
	}
	return p
}

// useOf is the use of messages among usages; "" is none.
func useOf(usages []string) Use {
	signs, hides := slices.Contains(usages, string(as2.UsageSignature)), slices.Contains(usages, string(as2.UsageEncipherment))
	switch {
	case signs && hides:
		return ForBoth
	case signs:
		return ForSigning
	case hides:
		return ForSecrecy
	}
	return ""
}

// signsFor is the certificate of ours that signs for a partner: one that he was asked to trust does once he
// has accepted it, before the day that is set for all too, and not while he has not, unless there is no other.
func (s *Station) signsFor(x trust.Exchange, at time.Time) (Certificate, bool) {
	if len(x.Ours) == 0 {
		return s.own.current(ForSigning, at)
	}
	asked := map[string]trust.Entry{}
	for _, e := range x.Ours {
		if was, there := asked[e.ID]; !there || was.Status != trust.StatusAccepted {
			asked[e.ID] = e
		}
	}
	var may certificates
	for _, c := range s.own {
		switch e, there := asked[fingerprint(c.Certificate)]; {
		case !there:
		case e.Status != trust.StatusAccepted:
			continue
		case slices.Contains(e.Usages, string(as2.UsageSignature)):
			c.From = e.Since
		}
		may = append(may, c)
	}
	if c, ok := may.current(ForSigning, at); ok {
		return c, true
	}
	return s.own.current(ForSigning, at)
}

// fingerprint is SHA-256 of a certificate in hex.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// Own implements the hub's question for a certificate of ours by how its fingerprint begins.
func (s *Station) Own(begins string) (trust.Certificate, error) {
	const op = "as2.Own"
	var got []Certificate
	for _, c := range s.own {
		if strings.HasPrefix(fingerprint(c.Certificate), begins) {
			got = append(got, c)
		}
	}
	if len(begins) < 8 || len(got) != 1 {
		return trust.Certificate{}, fault.At(op, fault.Rejected, "certificate", fmt.Errorf("%d of our certificates have a fingerprint that begins with %q, which has at least 8 characters: paklog partner check shows them", len(got), begins))
	}
	c := got[0]
	out := exchanged(c.Certificate)
	if c.Use.is(ForSigning) {
		out.Usages = append(out.Usages, string(as2.UsageSignature))
	}
	if c.Use.is(ForSecrecy) {
		out.Usages = append(out.Usages, string(as2.UsageEncipherment))
	}
	if s.cfg.Now().After(c.NotAfter) {
		out.Wrong = fmt.Sprintf("%s has expired on %s", c.Subject, c.NotAfter.UTC().Format(time.DateOnly))
	}
	return out, nil
}

func exchanged(c *x509.Certificate) trust.Certificate {
	return trust.Certificate{ID: fingerprint(c), DER: c.Raw, Subject: c.Subject.String(), NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC()}
}

// said are the documents of a message of ours about certificates.
func said(p Profile, m door.CertificateMessage, at time.Time) ([]as2.File, error) {
	const op = "as2.Pack"
	request := as2.CertRequest{ID: m.Request, From: p.OurID, At: at}
	response := as2.CertResponse{ID: m.Request, From: p.OurID, At: at}
	for _, e := range m.Entries {
		c, err := x509.ParseCertificate(e.DER)
		if err != nil {
			return nil, fault.E(op, fault.Internal, fmt.Errorf("reading the certificate %s: %w", e.ID, err))
		}
		if m.Answer {
			why := e.Reason
			if e.Status != trust.StatusAccepted && why == "" {
				why = "not trusted"
			} else if e.Status == trust.StatusAccepted {
				why = ""
			}
			response.Trust = append(response.Trust, as2.ResponseTo(c, why))
			continue
		}
		t := as2.TrustRequest{Certificate: c, RespondBy: e.RespondBy, ResponseURL: p.ReceivedAt}
		for _, u := range e.Usages {
			t.Usages = append(t.Usages, as2.CertUsage(u))
		}
		request.Trust = append(request.Trust, t)
	}
	files := request.Files
	if m.Answer {
		files = response.Files
	}
	out, err := files()
	if err != nil {
		return nil, fault.E(op, fault.Internal, err)
	}
	return out, nil
}

// exchange reports whether the documents are a certificate exchange.
func (d *documents) exchange() bool {
	return slices.ContainsFunc(d.all, func(q *quarantined) bool { return as2.InExchange(q.ContentType) })
}

// exchanged reads a message that is a certificate exchange. What is said in it is believed of nobody but
// the partner, so that it must be signed, whatever is agreed of documents.
func (in *incoming) exchanged(got *as2.Received, docs *documents, a *door.Arrival) (*as2.Problem, error) {
	signer := got.Signer()
	if signer == nil {
		return &as2.Problem{Word: as2.InsufficientMessageSecurity, Err: errors.New("a certificate exchange without a signature")}, nil
	}
	parts := make([]as2.ExchangePart, 0, len(docs.all))
	for _, q := range docs.all {
		content, err := io.ReadAll(io.LimitReader(q.content(), as2.MaxExchangePart+1))
		if err != nil {
			return nil, err
		}
		parts = append(parts, as2.ExchangePart{Document: q.Document, Content: content})
	}
	req, res, err := as2.ReadExchange(parts)
	var problem *as2.Problem
	switch {
	case errors.As(err, &problem):
		return problem, nil
	case err != nil:
		return nil, err
	case req != nil && req.From != in.req.From, res != nil && res.From != in.req.From:
		return &as2.Problem{Word: as2.UnexpectedProcessingError, Err: errors.New("a certificate exchange that names another sender than its message")}, nil
	case res != nil:
		a.Answer = &door.CertificateAnswer{Request: res.ID}
		for _, t := range res.Trust {
			a.Answer.Verdicts = append(a.Answer.Verdicts, door.CertificateVerdict{Accepted: t.Accepted, Reason: t.Reason, Issuer: t.Issuer, Serial: t.Serial.String()})
		}
		return nil, nil
	}
	a.Offer = &door.CertificateOffer{Request: req.ID, Signer: fingerprint(signer), Auto: in.profile.Exchange == ExchangeAuto}
	for _, t := range req.Trust {
		c := exchanged(t.Certificate)
		for _, u := range t.Usages {
			c.Usages = append(c.Usages, string(u))
		}
		c.RespondBy, c.Wrong = t.RespondBy, in.wrongWith(t)
		a.Offer.Certificates = append(a.Offer.Certificates, c)
	}
	return nil, nil
}

// wrongWith says why nobody may accept a certificate; "" is nothing.
func (in *incoming) wrongWith(t as2.TrustRequest) string {
	c := t.Certificate
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return fmt.Sprintf("an RSA key of %d bits: 2048 are the least", k.N.BitLen())
		}
	case *ecdsa.PublicKey:
	default:
		return "a key of kind " + c.PublicKeyAlgorithm.String()
	}
	switch {
	case in.now.After(c.NotAfter):
		return "expired on " + c.NotAfter.UTC().Format(time.DateOnly)
	case slices.ContainsFunc(in.own, func(o Certificate) bool { return o.Equal(c) }):
		return "a certificate of ours"
	}
	for _, u := range t.Usages {
		if why := in.unfit(c, u, t.Chain); why != "" {
			return string(u) + ": " + why
		}
	}
	return ""
}

// unfit says why a certificate cannot be used so. TLS certificates are trusted by what the configuration
// says alone: a connection is made before anybody knows whose it is.
func (in *incoming) unfit(c *x509.Certificate, u as2.CertUsage, chain []*x509.Certificate) string {
	may := func(usages x509.KeyUsage) bool { return c.KeyUsage == 0 || c.KeyUsage&usages != 0 }
	between := x509.NewCertPool()
	for _, other := range chain {
		between.AddCert(other)
	}
	held := func(roots *x509.CertPool, use x509.ExtKeyUsage) bool {
		_, err := c.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: in.now, KeyUsages: []x509.ExtKeyUsage{use}})
		return err == nil
	}
	_, isRSA := c.PublicKey.(*rsa.PublicKey)
	switch {
	case u == as2.UsageSignature && !may(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment):
		return "its key usage does not say so"
	case u == as2.UsageEncipherment && !isRSA:
		return "an elliptic key signs alone"
	case u == as2.UsageEncipherment && !may(x509.KeyUsageKeyEncipherment|x509.KeyUsageDataEncipherment):
		return "its key usage does not say so"
	case u == as2.UsageTLSServer && !held(in.profile.Roots, x509.ExtKeyUsageServerAuth):
		return "not trusted by what is set up as ca"
	case u == as2.UsageTLSClient && in.profile.Door.Clients != nil && !held(in.profile.Door.Clients, x509.ExtKeyUsageClientAuth):
		return "not trusted by what is set up as door.ca"
	case !u.Known():
		return "not known"
	}
	return ""
}

package as2

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/edi/cms"
)

// Soon is how long before its end a certificate is told of.
const Soon = 30 * 24 * time.Hour

// A Complaint is one thing that does not fit, in words for a person.
type Complaint struct {
	// Stops says that messages fail by it now; else they may later, or safety suffers.
	Stops bool   `json:"stops"`
	Ends  bool   `json:"ends"`  // a certificate has ended or soon will
	Place string `json:"place"` // "certificates[0]", "url", "ours[1]"
	Text  string `json:"text"`
}

// Check says what of a profile does not fit, and what of our certificates beside it.
func (p Profile) Check(own []Certificate, at time.Time) (out []Complaint) {
	add := func(stops bool, place, format string, args ...any) {
		out = append(out, Complaint{Stops: stops, Place: place, Text: fmt.Sprintf(format, args...)})
	}
	ends := func(place string, c Certificate) {
		n := len(out)
		c.check(place, at, add)
		for i := range out[n:] {
			out[n+i].Ends = c.NotAfter.Before(at.Add(Soon))
		}
	}
	theirs, ours := certificates(p.Certificates), certificates(own)
	for i, c := range own {
		ends(fmt.Sprintf("ours[%d]", i), c)
	}
	for i, c := range p.Certificates {
		ends(fmt.Sprintf("certificates[%d]", i), c)
		if slices.ContainsFunc(own, func(o Certificate) bool { return o.Equal(c.Certificate) }) {
			add(true, fmt.Sprintf("certificates[%d]", i), "is one of ours: ask him for his")
		}
	}
	if _, ok := ours.current(ForSigning, at); !ok && (p.Sign != 0 || p.Receipt != ReceiptNone) {
		add(true, "ours", "none of our certificates signs now: nothing can be signed, receipts neither")
	}
	if len(ours.keys()) == 0 && p.RequireEncrypted {
		add(true, "ours", "none of our certificates decrypts: what he encrypts cannot be read")
	}
	c, ok := theirs.current(ForSecrecy, at)
	switch {
	case p.Encrypt == 0 || p.URL == "":
	case !ok:
		add(true, "certificates", "none of his certificates is there to encrypt for now")
	case !isRSA(c):
		add(true, "certificates", "%s has a key of kind %s, for which we cannot encrypt: ask him for one of RSA", c.Subject, c.PublicKeyAlgorithm)
	}
	if len(theirs.trusted(at)) == 0 && (p.RequireSigned || p.Receipt == ReceiptSigned) {
		add(true, "certificates", "none of his certificates verifies signatures now: his messages and receipts are refused")
	}
	p.checkAgreement(add)
	if p.URL != "" {
		p.Preset.check(p, add)
	}
	return out
}

func (p Profile) checkAgreement(add func(bool, string, string, ...any)) {
	switch {
	case p.URL == "":
	case strings.HasPrefix(p.URL, "http:") && p.Encrypt == 0:
		add(false, "url", "neither TLS nor encryption: anybody on the way reads what is sent")
	case strings.HasPrefix(p.URL, "http:") && p.User != "":
		add(false, "url", "without TLS anybody on the way reads the password")
	}
	if p.Encrypt == cms.TripleDESCBC {
		add(false, "encrypt", "3DES is read by every station and safe no more: ask whether he takes aes128-cbc")
	}
	if p.Encrypt.Authenticated() {
		add(false, "encrypt", "%s is read by few stations: agree on it first", p.Encrypt)
	}
	if p.Sign == 0 && p.Receipt == ReceiptSigned {
		add(false, "sign", "a signed receipt of an unsigned message proves that he has it, not that it is ours")
	}
	if p.Receipt != ReceiptSigned {
		add(false, "receipt", "a receipt that is %s proves nothing: %s", map[string]string{ReceiptNone: "not asked for", ReceiptUnsigned: "not signed"}[p.Receipt], "whoever is on the way can write one")
	}
	if !p.RequireSigned {
		add(false, "require_signed", "whoever knows both names can send orders as his")
	}
}

func (c Certificate) check(place string, at time.Time, add func(bool, string, string, ...any)) {
	name := c.Subject.String()
	if text := dates(c.Certificate, at); text != "" {
		then := ": exchange the next one now"
		switch {
		case at.After(c.NotAfter):
			then = ": take it out once the next one is in use"
		case at.Before(c.NotBefore):
			then = ""
		}
		add(false, place, "%s", text+then)
	}
	if !c.From.IsZero() && c.From.Before(c.NotBefore) {
		add(false, place, "is to begin on %s, before it is valid", c.From.UTC().Format(time.DateOnly))
	}
	usage := func(for_ Use, what string, wants ...x509.KeyUsage) {
		if c.KeyUsage == 0 || !c.Use.is(for_) {
			return // a certificate that names none is for anything
		}
		if !slices.ContainsFunc(wants, func(k x509.KeyUsage) bool { return c.KeyUsage&k != 0 }) {
			add(false, place, "%s is to %s, and its key usage does not say so: set use to %s, or strict stations refuse it", name, what, map[Use]Use{ForSigning: ForSecrecy, ForSecrecy: ForSigning}[for_])
		}
	}
	usage(ForSigning, "sign", x509.KeyUsageDigitalSignature, x509.KeyUsageContentCommitment)
	usage(ForSecrecy, "encrypt for", x509.KeyUsageKeyEncipherment, x509.KeyUsageDataEncipherment)
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			add(false, place, "%s has an RSA key of %d bits: 2048 are the least that is safe", name, k.N.BitLen())
		}
	case *ecdsa.PublicKey:
		if c.Use.is(ForSecrecy) {
			add(false, place, "%s has an elliptic key, which signs alone: set use to sign, and have another to encrypt for", name)
		}
	default:
		add(true, place, "%s has a key of kind %s, which AS2 does not use", name, cmp.Or(c.PublicKeyAlgorithm.String(), "unknown"))
	}
}

func isRSA(c Certificate) bool {
	_, ok := c.PublicKey.(*rsa.PublicKey)
	return ok
}

// Fingerprint is what people compare over the telephone: SHA-256 of the certificate.
func Fingerprint(c *x509.Certificate) string {
	h := crypto.SHA256.New()
	h.Write(c.Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", h.Sum(nil)), " ", ":")
}

package as2

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// CheckChain says what does not fit in certificates that stand in one file: his own is to be the first, each other the
// issuer of the one before it. The first alone counts; the others are of use where TLS shows them.
func CheckChain(place string, all []*x509.Certificate, at time.Time) (out []Complaint) {
	add := func(stops bool, i int, format string, args ...any) {
		out = append(out, Complaint{Stops: stops, Place: fmt.Sprintf("%s, certificate %d of %d", place, i+1, len(all)), Text: fmt.Sprintf(format, args...)})
	}
	for i, c := range all {
		name := c.Subject.String()
		if i == 0 {
			if len(all) == 1 && c.IsCA && c.KeyUsage == x509.KeyUsageCertSign|x509.KeyUsageCRLSign && !bytes.Equal(c.RawSubject, c.RawIssuer) {
				add(false, i, "%s issues certificates and signs nothing else: ask for the one that it issued to him", name)
			}
			continue
		}
		issued := func(child *x509.Certificate) bool { return child.CheckSignatureFrom(c) == nil }
		switch {
		case slices.ContainsFunc(all[:i], c.Equal):
			add(false, i, "%s stands there twice", name)
		case c.CheckSignatureFrom(all[0]) == nil && !bytes.Equal(c.RawSubject, c.RawIssuer):
			add(true, i, "%s was issued by the first one, which is taken for his: put his own first", name)
		case issued(all[i-1]):
		case slices.ContainsFunc(all[:i], issued):
			add(false, i, "%s is the issuer of one, and does not stand behind it: strict stations do not put the chain together", name)
		default:
			add(false, i, "%s issued none of those before it: it does not belong to this chain, and is not used; a certificate of its own has an entry of its own", name)
			continue
		}
		if text := dates(c, at); text != "" {
			add(false, i, "%s: with it the whole chain", text)
			out[len(out)-1].Ends = true
		}
	}
	return out
}

// dates says of a certificate that is not valid, or soon will be no more.
func dates(c *x509.Certificate, at time.Time) string {
	name, day := c.Subject.String(), c.NotAfter.UTC().Format(time.DateOnly)
	switch left := c.NotAfter.Sub(at); {
	case left < 0:
		return fmt.Sprintf("%s has expired on %s", name, day)
	case at.Before(c.NotBefore):
		return fmt.Sprintf("%s is valid from %s", name, c.NotBefore.UTC().Format(time.DateTime))
	case left < Soon:
		return fmt.Sprintf("%s expires on %s, in %d days", name, day, left/(24*time.Hour))
	}
	return ""
}

// CheckTrusted says which of the certificates that a TLS certificate is trusted by end; none in force stops him.
func CheckTrusted(place string, all []*x509.Certificate, at time.Time) (out []Complaint) {
	good := 0
	for i, c := range all {
		if text := dates(c, at); text != "" {
			out = append(out, Complaint{Ends: true, Place: fmt.Sprintf("%s[%d]", place, i), Text: text})
		}
		if !at.Before(c.NotBefore) && !at.After(c.NotAfter) {
			good++
		}
	}
	if len(all) > 0 && good == 0 {
		out = append(out, Complaint{Stops: true, Ends: true, Place: place, Text: "none of them is valid now: no connection is let through"})
	}
	return out
}

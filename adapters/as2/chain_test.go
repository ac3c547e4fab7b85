package as2

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"
)

// authority issues certificates.
type authority struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

func (by *authority) issue(t *testing.T, name string, ca bool, until time.Time) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: until, IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature}
	if ca {
		c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &authority{c, key}
}

func TestChainsAreToldInWords(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	far, near, past := now.AddDate(5, 0, 0), now.AddDate(0, 0, 10), now.AddDate(0, 0, -1)
	var nobody *authority
	root := nobody.issue(t, "root", true, far)
	between := root.issue(t, "between", true, far)
	ending, ended := root.issue(t, "ending", true, near), root.issue(t, "ended", true, past)
	leaf, other := between.issue(t, "leaf", false, far), nobody.issue(t, "other", false, far)
	leafOfEnding, leafOfEnded := ending.issue(t, "leaf", false, far), ended.issue(t, "leaf", false, far)
	for name, c := range map[string]struct {
		all   []*authority
		stops bool
		ends  bool
		says  string // "" is nothing
	}{
		"nothing":          {},
		"alone":            {all: []*authority{leaf}},
		"self-signed":      {all: []*authority{other}},
		"root alone":       {all: []*authority{root}},
		"whole":            {all: []*authority{leaf, between, root}},
		"without the root": {all: []*authority{leaf, between}},
		"issuer alone":     {all: []*authority{between}, says: "ask for the one that it issued to him"},
		"issuer first":     {all: []*authority{between, leaf}, stops: true, says: "certificate 2 of 2: CN=leaf was issued by the first one"},
		"root first":       {all: []*authority{root, between, leaf}, stops: true, says: "certificate 2 of 3: CN=between was issued by the first one"},
		"out of order":     {all: []*authority{leaf, root, between}, says: "certificate 2 of 3: CN=root issued none of those before it"},
		"behind another":   {all: []*authority{leaf, between, leafOfEnding, root}, says: "certificate 4 of 4: CN=root is the issuer of one, and does not stand behind it"},
		"unrelated":        {all: []*authority{leaf, other}, says: "CN=other issued none of those before it: it does not belong to this chain"},
		"twice":            {all: []*authority{leaf, between, between}, says: "CN=between stands there twice"},
		"issuer ends":      {all: []*authority{leafOfEnding, ending, root}, ends: true, says: "CN=ending expires on 2026-12-11, in 10 days: with it the whole chain"},
		"issuer ended":     {all: []*authority{leafOfEnded, ended}, ends: true, says: "CN=ended has expired on 2026-11-30: with it the whole chain"},
	} {
		var all []*x509.Certificate
		for _, a := range c.all {
			all = append(all, a.Certificate)
		}
		got := CheckChain("certificates[0]", all, now)
		if c.says == "" {
			if len(got) != 0 {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		found := false
		for _, x := range got {
			found = found || strings.Contains(x.Place+": "+x.Text, c.says) && x.Stops == c.stops && x.Ends == c.ends && strings.HasPrefix(x.Place, "certificates[0], certificate ")
		}
		if !found {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, c := range map[string]struct {
		all         []*authority
		stops, ends int
	}{
		"none": {}, "good": {[]*authority{root}, 0, 0}, "one of two": {[]*authority{ended, root}, 0, 1},
		"soon": {[]*authority{ending}, 0, 1}, "all ended": {[]*authority{ended}, 1, 2},
	} {
		var all []*x509.Certificate
		for _, a := range c.all {
			all = append(all, a.Certificate)
		}
		stops, ends := 0, 0
		for _, x := range CheckTrusted("ca", all, now) {
			if x.Stops {
				stops++
			}
			if x.Ends {
				ends++
			}
		}
		if stops != c.stops || ends != c.ends {
			t.Errorf("%s: %d stop, %d end", name, stops, ends)
		}
	}
}

package pgp

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Key is what people compare over the telephone.
type Key struct {
	ID          string    `json:"id"`
	Fingerprint string    `json:"fingerprint"`
	User        string    `json:"user,omitempty"`
	Expires     time.Time `json:"expires,omitzero"`
	Revoked     bool      `json:"revoked,omitempty"`
	Encrypts    bool      `json:"encrypts"` // now
	Signs       bool      `json:"signs"`
}

func describe(e *openpgp.Entity, now time.Time, c *packet.Config) Key {
	k := Key{ID: e.PrimaryKey.KeyIdString(), Fingerprint: strings.ToUpper(hex.EncodeToString(e.PrimaryKey.Fingerprint)), Revoked: e.Revoked(now)}
	for _, name := range slices.Sorted(maps.Keys(e.Identities)) {
		k.User = name
	}
	// The self-signature is looked for as of the key's making: an expired one is not given out later.
	if sig, err := e.PrimarySelfSignature(time.Time{}, c); err == nil && sig.KeyLifetimeSecs != nil && *sig.KeyLifetimeSecs > 0 {
		k.Expires = e.PrimaryKey.CreationTime.Add(time.Duration(*sig.KeyLifetimeSecs) * time.Second)
	}
	_, k.Encrypts = e.EncryptionKey(now, c)
	_, k.Signs = e.SigningKey(now, c)
	return k
}

// Own are our keys.
func (k *Keys) Own() []Key { return k.all(k.own) }

// Of are a partner's keys.
func (k *Keys) Of(partner string) []Key { return k.all(k.partners[partner].keys) }

func (k *Keys) all(list openpgp.EntityList) (out []Key) {
	for _, e := range list {
		out = append(out, describe(e, k.now(), &k.config))
	}
	return out
}

// Complaint is something that does not fit.
type Complaint struct {
	Place, Text string
	Stops       bool // files fail by it
}

// soon is how long before the last key ends it is asked for the next one.
const soon = 30 * 24 * time.Hour

// Check says what does not fit between us and a partner.
func (k *Keys) Check(partner string) (out []Complaint) {
	p, ok := k.partners[partner]
	if !ok {
		return nil
	}
	check := func(place, whose string, list []Key, usable func(Key) bool, need bool, does string) {
		var last time.Time
		forever, one := false, false
		for i, key := range list {
			at := fmt.Sprintf("%s[%d]", place, i)
			switch {
			case key.Revoked:
				out = append(out, Complaint{at, fmt.Sprintf("key %s was revoked: take it out", key.ID), false})
			case !key.Expires.IsZero() && !key.Expires.After(k.now()):
				out = append(out, Complaint{at, fmt.Sprintf("key %s expired on %s: take it out", key.ID, key.Expires.UTC().Format(time.DateOnly)), false})
			}
			if usable(key) {
				one, forever = true, forever || key.Expires.IsZero()
				if key.Expires.After(last) {
					last = key.Expires
				}
			}
		}
		switch {
		case !need:
		case !one:
			out = append(out, Complaint{place, fmt.Sprintf("no key of %s can %s now", whose, does), true})
		case !forever && last.Sub(k.now()) < soon:
			out = append(out, Complaint{place, fmt.Sprintf("the last key of %s that can %s ends on %s: agree on the next one and add it", whose, does, last.UTC().Format(time.DateOnly)), false})
		}
	}
	encrypts, signs := func(key Key) bool { return key.Encrypts }, func(key Key) bool { return key.Signs }
	check("pgp.keys", partner, k.Of(partner), encrypts, p.Encrypt, "be encrypted for")
	check("pgp.keys", partner, k.Of(partner), signs, p.Sign, "sign")
	check("own", "ours", k.Own(), encrypts, p.Encrypt, "be encrypted for")
	check("own", "ours", k.Own(), signs, p.Sign, "sign")
	slices.SortStableFunc(out, func(a, b Complaint) int { return strings.Compare(a.Place+a.Text, b.Place+b.Text) })
	return slices.Compact(out)
}

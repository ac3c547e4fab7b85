package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/paklog/hub/adapters/as2"
)

// certificates looks at every certificate and key with an end that the configuration names.
func (d *doctor) certificates(context.Context) {
	c, now := d.cfg, time.Now()
	d.served("http.tls", c.HTTP.TLS.Certificate, c.HTTP.TLS.PrivateKey, now)
	d.served("as2.tls", c.AS2.TLS.Certificate, c.AS2.TLS.PrivateKey, now)
	d.served("kafka.tls", c.Kafka.TLS.Certificate, c.Kafka.TLS.PrivateKey, now)
	if path := c.Kafka.TLS.CA; path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			d.add(checkFail, "kafka.tls.ca", err.Error(), "name a file that the user that runs the hub can read")
		} else {
			d.any("kafka.tls.ca", string(text), now)
		}
	}
	var own string
	for _, x := range c.AS2.Certificates {
		own += x.Certificate.Reveal() + "\n"
	}
	d.any("as2.certificates", own, now)
	for _, name := range slices.Sorted(maps.Keys(c.EDI.Partners)) {
		p, at := c.EDI.Partners[name].AS2, "edi.partners."+name+".as2"
		var his string
		for _, x := range p.Certificates {
			his += x.Certificate.Reveal() + "\n"
		}
		d.any(at+".certificates", his, now)
		d.any(at+".ca", p.CA.Reveal(), now)
		d.any(at+".door.ca", p.Door.CA.Reveal(), now)
		d.all(at+".tls", p.TLS.Certificate.Reveal(), now)
	}
	keys, err := c.pgpKeys()
	if err != nil {
		d.add(checkFail, "pgp", err.Error(), "paklog partner check says which key")
		return
	}
	ends := func(about, user string, at time.Time) {
		if !at.IsZero() {
			d.ending(about, user, time.Time{}, at, now, checkWarn) // partners says where none is left
		}
	}
	for i, k := range keys.Own() {
		ends(fmt.Sprintf("pgp.keys[%d]", i), k.User, k.Expires)
	}
	for _, name := range slices.Sorted(maps.Keys(c.EDI.Partners)) {
		for i, k := range keys.Of(name) {
			ends(fmt.Sprintf("edi.partners.%s.pgp.keys[%d]", name, i), k.User, k.Expires)
		}
	}
}

// served looks at a certificate that we show, in files, and at its key.
func (d *doctor) served(about, certificate, key string, now time.Time) {
	if certificate == "" {
		return
	}
	if _, err := tls.LoadX509KeyPair(certificate, key); err != nil {
		d.add(checkFail, about, err.Error(), "name a certificate and its own key, as files that the user that runs the hub can read")
		return
	}
	if info, err := os.Stat(key); err == nil && info.Mode().Perm()&0o007 != 0 {
		d.add(checkWarn, about, fmt.Sprintf("the key %s may be read by everybody (%#o)", key, info.Mode().Perm()), "chmod o-rwx "+key)
	}
	text, err := os.ReadFile(certificate)
	if err != nil {
		d.add(checkFail, about, err.Error(), "give the user that runs the hub access to it")
		return
	}
	d.all(about, string(text), now)
}

// all looks at a chain, of which every one must be in force.
func (d *doctor) all(about, text string, now time.Time) {
	for _, c := range d.parsed(about, text) {
		d.ending(about, c.Subject.String(), c.NotBefore, c.NotAfter, now, checkFail)
	}
}

// any looks at certificates of which one takes the place of another: one in force is enough.
func (d *doctor) any(about, text string, now time.Time) {
	all := d.parsed(about, text)
	state := checkFail
	for _, c := range all {
		if !now.Before(c.NotBefore) && !now.After(c.NotAfter) {
			state = checkWarn
		}
	}
	for _, c := range all {
		d.ending(about, c.Subject.String(), c.NotBefore, c.NotAfter, now, state)
	}
}

func (d *doctor) parsed(about, text string) []*x509.Certificate {
	out, err := certificatesIn(text)
	if err != nil {
		d.add(checkFail, about, "a certificate cannot be read: "+err.Error(), "ask for it again, in PEM")
	}
	return out
}

// ending judges the dates of a certificate; over is what one that is not in force comes to.
func (d *doctor) ending(about, whose string, from, to, now time.Time, over string) {
	day := to.UTC().Format(time.DateOnly)
	switch left := to.Sub(now); {
	case left < 0:
		d.add(over, about, fmt.Sprintf("%s has expired on %s", whose, day), "put the next one in its place; partners take theirs out of the list once it is no more used")
	case now.Before(from):
		d.add(over, about, fmt.Sprintf("%s is valid from %s", whose, instant(from)), "wait for it, see that the clock is right, or use the one before")
	case left < as2.Soon:
		d.add(checkWarn, about, fmt.Sprintf("%s expires on %s, in %d days", whose, day, left/(24*time.Hour)), "renew it now, and tell the partners who know it")
	default:
		d.add(checkOK, about, fmt.Sprintf("%s is good until %s, for %d days", whose, day, left/(24*time.Hour)), "")
	}
}

// partners says what paklog partner check says, of every one; what ends is told by certificates.
func (d *doctor) partners(context.Context) {
	station, err := d.cfg.station()
	keys, kerr := d.cfg.pgpKeys()
	if err = errors.Join(err, kerr); err != nil {
		d.add(checkFail, "", err.Error(), "paklog config check")
		return
	}
	now := time.Now()
	for _, name := range slices.Sorted(maps.Keys(d.cfg.EDI.Partners)) {
		var found []partnerComplaint
		if p, speaks := station.Partners[name]; speaks {
			for _, c := range d.cfg.checkAS2(name, p, station.Own, now) {
				found = append(found, partnerComplaint{name, c})
			}
		} else if !slices.Contains(d.cfg.filesWith(), name) {
			found = d.cfg.checkFolders([]string{name})
		}
		if slices.Contains(d.cfg.filesWith(), name) {
			found = append(found, d.cfg.checkFiles(name, keys)...)
		}
		for _, c := range d.cfg.checkHandOn(name, station, now) {
			if c.Stops {
				found = append(found, c)
			}
		}
		good := true
		for _, c := range found {
			unmade := !c.Stops && (c.Place == "inbox" || c.Place == "outbox") // the first start makes them
			if c.Ends && !c.Stops || unmade {
				continue
			}
			good = good && !c.Stops
			d.add(weighed(c.Stops), name+" "+c.Place, c.Text, "paklog partner check "+name)
		}
		if good {
			d.add(checkOK, name, "nothing stops what is exchanged with him", "")
		}
	}
}

package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/paklog/hub/adapters/as2"
)

// certificatesIn are those of a text in PEM, in its order. One that cannot be read is an error beside the others.
func certificatesIn(text string) (out []*x509.Certificate, err error) {
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return out, err
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, bad := x509.ParseCertificate(block.Bytes)
		if bad != nil {
			err = errors.Join(err, bad)
			continue
		}
		out = append(out, c)
	}
}

// checkAS2 says what does not fit between a partner's station and ours: what is agreed, and all certificates, those of
// TLS and what stands beside them in their files too.
func (c *Config) checkAS2(name string, p as2.Profile, own []as2.Certificate, now time.Time) []as2.Complaint {
	out := p.Check(own, now)
	read := func(place, text string) []*x509.Certificate {
		all, err := certificatesIn(text)
		if err != nil {
			out = append(out, as2.Complaint{Place: place, Text: "one of its certificates cannot be read: " + err.Error()})
		}
		return all
	}
	chain := func(place, text string) []*x509.Certificate {
		all := read(place, text)
		out = append(out, as2.CheckChain(place, all, now)...)
		return all
	}
	// One that we show is the first of its chain; where it ends TLS does.
	shown := func(place, text string) {
		if all := chain(place, text); len(all) > 0 {
			out = append(out, as2.CheckTrusted(place, all[:1], now)...)
		}
	}
	for i, x := range c.AS2.Certificates {
		chain(fmt.Sprintf("ours[%d]", i), x.Certificate.Reveal())
	}
	his := c.EDI.Partners[name].AS2
	for i, x := range his.Certificates {
		chain(fmt.Sprintf("certificates[%d]", i), x.Certificate.Reveal())
	}
	shown("tls", his.TLS.Certificate.Reveal())
	if path := c.AS2.TLS.Certificate; path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			out = append(out, as2.Complaint{Stops: true, Place: "as2.tls", Text: err.Error()})
		}
		shown("as2.tls", string(text))
	}
	for _, x := range []struct{ place, text string }{{"ca", his.CA.Reveal()}, {"door.ca", his.Door.CA.Reveal()}} {
		out = append(out, as2.CheckTrusted(x.place, read(x.place, x.text), now)...)
	}
	return out
}

// way is how documents leave for a partner, in words; door is "" where nothing but a folder here is between us.
func (c *Config) way(name string) (door, words string) {
	p := c.EDI.Partners[name]
	_, in := p.Login.account()
	switch {
	case p.AS2.ID != "" && p.AS2.URL != "":
		return "as2", "by AS2 to " + p.AS2.URL
	case p.SFTP.Addr != "":
		return "sftp", "to his SFTP server " + p.SFTP.Addr
	case p.FTPS.Addr != "":
		return "ftps", "to his FTP server " + p.FTPS.Addr
	case in && c.SFTP.Listen != "":
		return "login", "into his mailbox on our SFTP server"
	}
	return "", "into a folder here"
}

// checkHandOn says what does not fit in the chain that a partner's door makes with another's. The other partner's own
// door is looked at as far as it stops what is handed on.
func (c *Config) checkHandOn(name string, station as2.Config, now time.Time) (out []partnerComplaint) {
	h := c.EDI.Partners[name].HandsOn
	if h.To == "" {
		return nil
	}
	add := func(stops bool, place, format string, args ...any) {
		out = append(out, partnerComplaint{name, as2.Complaint{Place: place, Text: fmt.Sprintf(format, args...), Stops: stops}})
	}
	to := c.EDI.Partners[h.To]
	door, _ := c.way(h.To)
	var beyond []partnerComplaint
	switch door {
	case "as2":
		for _, x := range c.checkAS2(h.To, station.Partners[h.To], station.Own, now) {
			beyond = append(beyond, partnerComplaint{h.To, x})
		}
	case "":
		if to.AS2.ID != "" {
			add(false, "hands_on.to", "%s speaks AS2, and edi.partners.%[1]s.as2.url is not set: nothing leaves for him by AS2", h.To)
		}
		add(false, "hands_on.to", "the folder of %s belongs to no door: what lies in it stays until a program of this machine takes it", h.To)
		beyond = c.checkFolders([]string{h.To})
	}
	for _, x := range beyond {
		if x.Stops {
			add(true, "hands_on.to", "it does not get to %s: %s: %s", h.To, x.Place, x.Text)
		}
	}
	switch back := to.HandsOn; {
	case back.To == name:
	case back.To == "" && h.Only:
		add(false, "hands_on.only", "%s hands nothing back to him: nobody acknowledges what he sends, neither the hub nor %[1]s", h.To)
	case back.To == "":
		add(false, "hands_on.to", "one way: what %s sends does not go to him", h.To)
	default:
		add(false, "hands_on.to", "what %s sends goes to %s and not to him, and what he sends goes no further than %[1]s: a chain has two doors", h.To, back.To)
	}
	return out
}

// tellHandOn shows where else a partner's documents go.
func (c *Config) tellHandOn(w io.Writer, name string) {
	h := c.EDI.Partners[name].HandsOn
	if h.To == "" {
		return
	}
	_, words := c.way(h.To)
	too := ", and the hub works on it, too"
	if h.Only {
		too = " alone"
	}
	fmt.Fprintf(w, "  what he sends leaves for %s %s%s\n", clean(h.To), clean(words), too)
}

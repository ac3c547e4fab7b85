package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/paklog/hub/adapters/as2"
	"github.com/paklog/hub/adapters/ftps"
	"github.com/paklog/hub/adapters/pgp"
	"github.com/paklog/hub/adapters/sftp"
)

// filesWith are the partners who exchange files otherwise than in a folder here.
func (c *Config) filesWith() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(c.EDI.Partners)) {
		p := c.EDI.Partners[name]
		if _, in := p.Login.account(); in || p.SFTP.Addr != "" || p.FTPS.Addr != "" || len(p.PGP.Keys) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// checkFiles says what does not fit in what is agreed about a partner's files.
func (c *Config) checkFiles(name string, keys *pgp.Keys) (out []partnerComplaint) {
	p := c.EDI.Partners[name]
	add := func(stops bool, place, format string, args ...any) {
		out = append(out, partnerComplaint{name, as2.Complaint{Place: place, Text: fmt.Sprintf(format, args...), Stops: stops}})
	}
	if _, in := p.Login.account(); in {
		if c.SFTP.Listen == "" {
			add(true, "login", "lets him into our SFTP server, and there is none: sftp.listen is not set")
		}
		if p.Login.Password.Reveal() != "" && len(p.Login.From) == 0 {
			add(false, "login.from", "anybody anywhere may guess his password: name the addresses that he comes from, or take a key of his")
		}
	}
	if s := p.SFTP; s.Addr != "" {
		if s.Key.Reveal() == "" {
			add(false, "sftp.password", "a key is safer than a password: make one with ssh-keygen -t ed25519 and give him its public half")
		}
		if s.Keep {
			add(false, "sftp.keep", "files stay at his server, and each look lists all of them: agree on who removes them")
		}
	}
	if f := p.FTPS; f.Addr != "" {
		if f.TLS == ftps.None {
			add(false, "ftps.tls", "plain FTP: user, password and files can be read and changed on their way; ask him for SFTP or TLS")
		}
		if f.Keep {
			add(false, "ftps.keep", "files stay at his server, and each look lists all of them: agree on who removes them")
		}
	}
	for _, f := range keys.Check(name) {
		place := f.Place
		if place == "own" || len(place) > 3 && place[:4] == "own[" {
			place = "(ours) pgp.keys" + place[3:]
		}
		add(f.Stops, place, "%s", f.Text)
	}
	return out
}

// tellFiles shows what is agreed about a partner's files, with what both sides compare.
func (c *Config) tellFiles(w io.Writer, name string, keys *pgp.Keys) {
	p := c.EDI.Partners[name]
	if s := p.SFTP; s.Addr != "" {
		fmt.Fprintf(w, "%s has an SFTP server: %s, where we are %s\n", clean(name), clean(s.Addr), clean(s.User))
		if prints, err := s.connection(name, 0).Fingerprints(); err == nil {
			for i, f := range prints {
				fmt.Fprintf(w, "  host_keys[%d] %s\n", i, f)
			}
		}
	}
	if f := p.FTPS; f.Addr != "" {
		fmt.Fprintf(w, "%s has an FTP server (tls %s): %s, where we are %s\n", clean(name), f.TLS, clean(f.Addr), clean(f.User))
	}
	if _, in := p.Login.account(); in {
		fmt.Fprintf(w, "%s comes to our SFTP server (%s) as %s\n", clean(name), clean(c.SFTP.Listen), clean(name))
	}
	if len(p.PGP.Keys) > 0 {
		for i, k := range keys.Of(name) {
			fmt.Fprintf(w, "  pgp.keys[%d] %s, %s, fingerprint %s\n", i, clean(k.User), ending(k), k.Fingerprint)
		}
		for i, k := range keys.Own() {
			fmt.Fprintf(w, "  (ours) pgp.keys[%d] %s, %s, fingerprint %s\n", i, clean(k.User), ending(k), k.Fingerprint)
		}
	}
}

func ending(k pgp.Key) string {
	if k.Expires.IsZero() {
		return "without an end"
	}
	return "until " + instant(k.Expires)
}

// triedFiles is what a try of a partner's servers has shown, by the name of what leads there.
type triedFiles struct {
	Door    string `json:"door"`
	Server  string `json:"server"`
	Waiting int    `json:"waiting"` // files that would be taken
	Example string `json:"example,omitempty"`
	Dropped bool   `json:"dropped"` // a file of ours can be put there
	Note    string `json:"note,omitempty"`
}

// tryFiles asks a partner's servers for what is needed of them.
func tryFiles(ctx context.Context, name string, p PartnerConfig) (out []triedFiles, err error) {
	if p.SFTP.Addr != "" {
		c, err := sftp.NewConn(p.SFTP.connection(name, 0))
		if err != nil {
			return nil, err
		}
		defer c.Close()
		t, err := sftp.Try(ctx, c)
		if err != nil {
			return out, err
		}
		out = append(out, triedFiles{"sftp", p.SFTP.Addr, t.Waiting, t.Example, t.Dropped, t.Notes})
	}
	if p.FTPS.Addr != "" {
		c, err := ftps.NewConn(p.FTPS.connection(name, 0))
		if err != nil {
			return nil, err
		}
		defer c.Close()
		t, err := ftps.Try(ctx, c)
		if err != nil {
			return out, err
		}
		out = append(out, triedFiles{"ftps", p.FTPS.Addr, t.Waiting, t.Example, t.Dropped, t.Notes})
	}
	return out, nil
}

func tellTried(w io.Writer, name string, all []triedFiles) {
	for _, t := range all {
		fmt.Fprintf(w, "%s's server %s lets us in", clean(name), clean(t.Server))
		switch {
		case t.Waiting > 0:
			fmt.Fprintf(w, ", %d files wait for us (%s)", t.Waiting, clean(t.Example))
		default:
			fmt.Fprint(w, ", no file waits for us")
		}
		if t.Dropped {
			fmt.Fprint(w, ", and takes files of ours")
		}
		fmt.Fprintln(w)
		if t.Note != "" {
			fmt.Fprintln(w, "  note  "+clean(t.Note))
		}
	}
}

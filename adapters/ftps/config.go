// Package ftps exchanges files with partners over FTP (RFC 959, RFC 3659) under TLS (RFC 4217), and
// without it where a partner has nothing else, on a server of theirs. Data connections are passive and
// resume the TLS session of their control connection, as many servers demand.
package ftps

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/dropped"
	"github.com/paklog/hub/adapters/internal/remote"
)

// How a connection is protected.
const (
	Explicit = "explicit" // by AUTH TLS on port 21
	Implicit = "implicit" // from the first byte, on port 990
	None     = "none"     // not at all: user, password and files can be read by all between us
)

// Config is one partner's server. Folders are of the server, "/"-separated.
type Config struct {
	Partner  string
	Addr     string // host:port
	TLS      string // Explicit where it is left out
	CA       string // certificates that his is trusted by, PEM; "" is those of the system
	Name     string // in his certificate; "" is the host of Addr
	User     string
	Password string

	Pickup  string        // files of the partner's are here; "" is none
	Match   string        // pattern of their names (path.Match); "" is all
	Archive string        // where a file goes that the hub holds; "" removes it
	Keep    bool          // or leave it where it lies
	Drop    string        // ours go here; "" is none
	Poll    time.Duration // between two looks: 30 s
	Timeout time.Duration // of one step on the connection: 30 s
	Max     int64         // bytes of a file that is taken: 64 MiB

	Spool string        // folder here for what is on its way; "" is that of temporary files
	Store dropped.Store // of long documents; nil keeps them in memory
	Open  dropped.Open  // takes what protects a file off it; nil is nothing
}

// prepared is a Config that was read.
type prepared struct {
	Config
	tls     *tls.Config // nil is none
	folders remote.Folders
}

func (c Config) prepare() (*prepared, error) {
	var errs []error
	bad := func(place, text string) { errs = append(errs, fmt.Errorf("%s: %s", place, text)) }
	c.TLS = cmp.Or(c.TLS, Explicit)
	c.Timeout = cmp.Or(max(c.Timeout, 0), 30*time.Second)
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		port := "21"
		if c.TLS == Implicit {
			port = "990"
		}
		c.Addr = net.JoinHostPort(strings.Trim(c.Addr, "[]"), port)
	}
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil || host == "" {
		bad("addr", "names no host")
	}
	if c.User == "" {
		bad("user", "is missing")
	}
	if c.Password == "" {
		bad("password", "is missing")
	}
	for place, text := range map[string]string{"user": c.User, "password": c.Password, "pickup": c.Pickup, "archive": c.Archive, "drop": c.Drop} {
		if strings.ContainsAny(text, "\r\n") {
			bad(place, "holds a line end, which ends a command")
		}
	}
	p := &prepared{Config: c, folders: remote.Folders{
		Partner: c.Partner, Server: c.Addr, Pickup: c.Pickup, Match: c.Match, Archive: c.Archive, Keep: c.Keep, Drop: c.Drop, Poll: c.Poll, Max: c.Max,
		Spool: c.Spool, Store: c.Store, Open: c.Open,
	}}
	errs = append(errs, p.folders.Prepare()...)
	switch c.TLS {
	case Explicit, Implicit:
		// Without a name the cache of sessions is keyed by the address, in which data connections differ.
		p.tls = &tls.Config{ServerName: cmp.Or(c.Name, host), MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(8)}
		if c.CA != "" {
			p.tls.RootCAs = x509.NewCertPool()
			if !p.tls.RootCAs.AppendCertsFromPEM([]byte(c.CA)) {
				bad("ca", "holds no certificate in PEM")
			}
		}
	case None:
		if c.CA != "" {
			bad("ca", "goes with TLS, and there is none")
		}
	default:
		bad("tls", fmt.Sprintf("%q is none of %s, %s, %s", c.TLS, Explicit, Implicit, None))
	}
	return p, errors.Join(errs...)
}

// Validate says what is wrong with a configuration, each at its place.
func (c Config) Validate() error {
	_, err := c.prepare()
	return err
}

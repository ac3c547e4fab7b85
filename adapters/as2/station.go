package as2

import (
	"cmp"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

// A Use is what a certificate is for.
type Use string

const (
	ForBoth    Use = "both"
	ForSigning Use = "sign"
	ForSecrecy Use = "encrypt"
)

func (u Use) is(want Use) bool { return u == want || u == ForBoth || u == "" }

// A Certificate of one side. Several overlap while one takes the place of another.
type Certificate struct {
	*x509.Certificate
	Use  Use
	From time.Time // when it is used to sign or encrypt; zero is from its beginning
	// Key is that of our own; nil of a partner's. It signs and decrypts, as *rsa.PrivateKey does; one
	// that cannot decrypt signs alone.
	Key crypto.Signer
}

// begins is when it takes the place of those before it.
func (c Certificate) begins() time.Time {
	if c.From.IsZero() {
		return c.NotBefore
	}
	return c.From
}

func (c Certificate) valid(at time.Time) bool {
	return !at.Before(c.NotBefore) && !at.After(c.NotAfter)
}

// certificates of one side, in any order.
type certificates []Certificate

// current is the one to sign or encrypt with: of those that are valid and have begun, the latest.
func (all certificates) current(use Use, at time.Time) (Certificate, bool) {
	var best Certificate
	for _, c := range all {
		if c.Use.is(use) && c.valid(at) && !c.begins().After(at) && (best.Certificate == nil || c.begins().After(best.begins())) {
			best = c
		}
	}
	return best, best.Certificate != nil
}

// trusted are those that a signature may be made with.
func (all certificates) trusted(at time.Time) (out []*x509.Certificate) {
	for _, c := range all {
		if c.Use.is(ForSigning) && c.valid(at) {
			out = append(out, c.Certificate)
		}
	}
	return out
}

// keys are all that a message may be encrypted for. A partner may be late: one that has ended
// decrypts still.
func (all certificates) keys() (out []cms.Key) {
	for _, c := range all {
		if d, ok := c.Key.(crypto.Decrypter); ok && c.Use.is(ForSecrecy) {
			out = append(out, cms.Key{Certificate: c.Certificate, Decrypter: d})
		}
	}
	return out
}

// Receipts that may be asked for.
const (
	ReceiptSigned   = "signed"
	ReceiptUnsigned = "unsigned"
	ReceiptNone     = "none"
)

// Versions of AS2 that we speak to a partner. Receipts bear that of his message.
const (
	Version11 = "1.1" // compression (RFC 5402)
	Version12 = "1.2" // what most stations say (RFC 6017)
	Version13 = "1.3" // draft-ietf-ediint-rfc4130bis, which forbids to send 3DES and SHA-1
)

// A Profile is what is agreed with one partner.
type Profile struct {
	ID, OurID    string // AS2 names
	Preset       Preset // of the program that he runs
	Version      string // AS2-Version of what we send him: a constant; "" is Version12
	URL          string // of his station; "" sends him nothing
	Certificates []Certificate

	Sign        crypto.Hash // 0 does not sign
	PSS         bool
	Encrypt     cms.Cipher // 0 does not encrypt
	OAEP        crypto.Hash
	Compress    as2.Compression
	Base64      bool
	Receipt     string        // one of the constants
	ReceiptTo   string        // our URL for receipts that come by themselves; "" has them in the answer
	MostReceipt time.Duration // how long he may take for an answer: 4 min

	// Restart has either side go on with a long message where it broke off (draft-harding-as2-restart).
	Restart bool

	RequireSigned, RequireEncrypted bool
	Exchange                        string // what becomes of certificates that he offers; "" is ExchangeManual
	ReceivedAt                      string // our URL for what he sends
	// ReceiptHosts are hosts that his receipts may be sent to, beside that of URL.
	ReceiptHosts []string

	User, Password string
	Roots          *x509.CertPool   // of his TLS certificate; nil are those of the system
	TLS            *tls.Certificate // ours towards his station; nil is none
	Door           Door             // what he must bring to ours
}

// Store keeps bytes by a digest in hex: SHA-256 of what is put, BLAKE3 of a draft. What Put returned is on disk.
type Store interface {
	Put(ctx context.Context, r io.Reader) (string, error)
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// Draft begins a content that is written piece by piece.
	Draft(ctx context.Context) (Draft, error)
}

// A Draft is kept, or leaves nothing. Drop ends it in either case.
type Draft interface {
	io.Writer
	io.ReaderFrom
	Content() io.Reader // what was written so far
	Keep() (name string, err error)
	Drop()
}

// Config of a station.
type Config struct {
	Own      []Certificate      // ours
	Partners map[string]Profile // by the name of the partner
	Agent    string             // what receipts say who we are
	Host     string             // behind the @ of our message ids
	Spool    string             // folder for ciphertext while it is authenticated, and of messages that broke off; "" is that of the system
	MaxBytes int64              // of one request: 64 MiB
	AtOnce   int                // messages that are taken at the same time: 32
	Pace     int64              // bytes a second that a sender must keep up, after 30 s: 4 KiB
	Patience time.Duration      // those 30 s
	Log      *slog.Logger
	Now      func() time.Time
}

// Station is one of ours. Its methods may be called at the same time.
type Station struct {
	cfg      Config
	hub      door.Caller
	store    Store
	slots    chan struct{}
	atOnce   map[string]chan struct{} // of partners who may have fewer
	own      certificates
	partners map[[2]string]string // by his name and ours
	clients  map[string]*http.Client
	partials *partials
}

// New makes a station before a hub. Close ends it.
func New(cfg Config, hub door.Caller, store Store) (*Station, error) {
	cfg.MaxBytes, cfg.AtOnce = cmp.Or(cfg.MaxBytes, 64<<20), cmp.Or(cfg.AtOnce, 32)
	cfg.Pace, cfg.Patience = cmp.Or(cfg.Pace, 4<<10), cmp.Or(cfg.Patience, 30*time.Second)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Station{
		cfg: cfg, hub: hub, store: store, slots: make(chan struct{}, cfg.AtOnce), own: cfg.Own,
		partners: map[[2]string]string{}, clients: map[string]*http.Client{}, atOnce: map[string]chan struct{}{},
		partials: &partials{dir: filepath.Join(cmp.Or(cfg.Spool, os.TempDir()), "as2-parts"), now: cfg.Now, under: map[string]transfer{}},
	}
	errs := []error{s.partials.prune("")}
	for name, p := range cfg.Partners {
		ids := [2]string{p.ID, p.OurID}
		if other, taken := s.partners[ids]; taken {
			errs = append(errs, fmt.Errorf("partners %s and %s have the same AS2 names %q and %q", min(name, other), max(name, other), p.ID, p.OurID))
		}
		s.partners[ids] = name
		s.clients[name] = client(p)
		if n := p.Door.AtOnce; n > 0 {
			s.atOnce[name] = make(chan struct{}, n)
		}
	}
	return s, errors.Join(errs...)
}

// client keeps connections to one partner.
func client(p Profile) *http.Client {
	secure := &tls.Config{RootCAs: p.Roots, MinVersion: tls.VersionTLS12}
	if p.TLS != nil {
		secure.Certificates = []tls.Certificate{*p.TLS}
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
			TLSClientConfig: secure, TLSHandshakeTimeout: 30 * time.Second,
			ResponseHeaderTimeout: cmp.Or(p.MostReceipt, 4*time.Minute), MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
			ExpectContinueTimeout: time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
		// A redirect would make a GET of a message.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close drops kept connections. No call may be under way or follow.
func (s *Station) Close() {
	for _, c := range s.clients {
		c.CloseIdleConnections()
	}
}

// returnable refuses to send receipts to where a partner has no station: an address in a header would
// let anybody reach whatever this machine reaches.
func (p Profile) returnable(to string) error {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return fmt.Errorf("%q is no URL of a station", to)
	}
	hosts := p.ReceiptHosts
	if own, err := url.Parse(p.URL); err == nil && p.URL != "" {
		hosts = append(slices.Clone(hosts), own.Host)
	}
	if !slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, u.Host) || strings.EqualFold(h, u.Hostname()) }) {
		return fmt.Errorf("receipts to %s are not agreed: add it to receipt_hosts", u.Host)
	}
	return nil
}

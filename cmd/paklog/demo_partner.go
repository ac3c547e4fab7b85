package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/as2"
	"github.com/paklog/hub/adapters/blob"
	"github.com/paklog/hub/adapters/sftp"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/trust"
)

// The demonstration's partner and hub by their AS2 names, which are also those in documents.
const (
	demoPartnerID = "ACME"
	demoHubID     = "PAKLOG"
)

// partnerTask is what the partner is asked to do: one of its fields is set.
type partnerTask struct {
	Meet *meeting `json:"meet,omitempty"`
	Send string   `json:"send,omitempty"` // a file, by AS2
	Put  string   `json:"put,omitempty"`  // a file, into his inbox on the hub's SFTP server
	Take bool     `json:"take,omitempty"` // what lies in his outbox there
}

// meeting is what the hub tells the partner of itself.
type meeting struct {
	Station     string `json:"station"`     // URL
	Certificate string `json:"certificate"` // PEM
	Server      string `json:"server"`      // host:port
	HostKey     string `json:"host_key"`    // as in authorized_keys
}

// partnerTold is what he answers, and the first thing that he says.
type partnerTold struct {
	Error string `json:"error,omitempty"`

	// At first: what the hub knows him by.
	Certificate string `json:"certificate,omitempty"` // PEM, of AS2
	Key         string `json:"key,omitempty"`         // of SSH, as in authorized_keys

	// Of what was sent.
	Outcome string   `json:"outcome,omitempty"` // of the message, by its receipt
	MICs    []string `json:"mics,omitempty"`    // what a receipt may say for the message to have come unchanged

	// Of what he holds by now.
	Files  int            `json:"files,omitempty"`
	Sets   map[string]int `json:"sets,omitempty"`   // by kind
	Orders map[string]int `json:"orders,omitempty"` // 945s by order number
}

func newDemoPartner() *cobra.Command {
	return &cobra.Command{
		Use: "demo-partner FOLDER", Hidden: true, Short: "The trading partner of paklog demo, which starts it",
		Long: `The trading partner of paklog demo, in a process of its own with keys of its own: it sends by AS2, and
comes to the hub's SFTP server to leave files and take what is there for it. It is asked in JSON on standard input,
a task a line, answers each in a line, and ends with its input.`,
		Example: `  echo '{"take": true}' | paklog demo-partner /tmp/at-ACME`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := newPartnerProcess(args[0], slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
			if err != nil {
				return err
			}
			return errors.Join(p.serve(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout()), p.close())
		},
	}
}

// partnerProcess is the partner in his own process.
type partnerProcess struct {
	dir       string
	log       *slog.Logger
	cert, key string // of AS2, PEM
	login     string // private key of SSH, PEM

	station   *as2.Station // nil before he has met the hub, as what follows
	put, look *sftp.Conn
}

func newPartnerProcess(dir string, log *slog.Logger) (*partnerProcess, error) {
	p := &partnerProcess{dir: dir, log: log}
	if err := os.MkdirAll(p.taken(), 0o750); err != nil {
		return nil, err
	}
	var err error
	if p.cert, p.key, err = stationPair(demoPartnerID, time.Now()); err != nil {
		return nil, err
	}
	p.login, err = sftp.NewHostKey()
	return p, err
}

// stationPair makes a certificate of AS2 that is good for a day, and its key, both as PEM.
func stationPair(name string, now time.Time) (cert, key string, err error) {
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", "", fmt.Errorf("making a key: %w", err)
	}
	c, k, err := signedByItself(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 1),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}, pair)
	return string(c), string(k), err
}

// ownCertificate is a configuration's certificate of AS2.
func ownCertificate(cert, key string) []OwnCertificateConfig {
	own := OwnCertificateConfig{PrivateKey: configs.NewSecret(key)}
	own.SetDefaults()
	own.Certificate = configs.NewSecret(cert)
	return []OwnCertificateConfig{own}
}

func theirCertificate(cert string) []TheirCertificateConfig {
	theirs := TheirCertificateConfig{Certificate: configs.NewSecret(cert)}
	theirs.SetDefaults()
	return []TheirCertificateConfig{theirs}
}

func (p *partnerProcess) taken() string { return filepath.Join(p.dir, "taken") }

// serve says who he is, and does what he is asked until in ends.
func (p *partnerProcess) serve(ctx context.Context, in io.Reader, out io.Writer) error {
	line, _, err := sftp.PublicHostKey(p.login)
	if err != nil {
		return err
	}
	tell := json.NewEncoder(out)
	if err := tell.Encode(partnerTold{Certificate: p.cert, Key: line}); err != nil {
		return err
	}
	tasks := json.NewDecoder(in)
	tasks.DisallowUnknownFields()
	for {
		var t partnerTask
		if err := tasks.Decode(&t); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a task: %w", err)
		}
		told, err := p.do(ctx, t)
		if err != nil {
			told.Error = err.Error()
		}
		if err := tell.Encode(told); err != nil {
			return err
		}
	}
}

func (p *partnerProcess) do(ctx context.Context, t partnerTask) (partnerTold, error) {
	switch {
	case t.Meet != nil:
		return partnerTold{}, p.meet(*t.Meet)
	case p.station == nil:
		return partnerTold{}, errors.New("the partner has not met the hub")
	case t.Send != "":
		return p.send(ctx, t.Send)
	case t.Put != "":
		return partnerTold{}, p.leave(ctx, t.Put)
	case t.Take:
		return p.take(ctx)
	}
	return partnerTold{}, errors.New("the task is to do nothing")
}

// meet is configured as any hub is.
func (p *partnerProcess) meet(m meeting) error {
	cfg := defaults()
	cfg.AS2.ID, cfg.AS2.Host, cfg.AS2.Certificates = demoPartnerID, "acme.example", ownCertificate(p.cert, p.key)
	hub := PartnerConfig{}
	hub.SetDefaults()
	hub.AS2.ID, hub.AS2.URL, hub.AS2.Certificates = demoHubID, m.Station, theirCertificate(m.Certificate)
	hub.SFTP.Addr, hub.SFTP.User, hub.SFTP.HostKeys, hub.SFTP.Key = m.Server, demoPartnerID, []string{m.HostKey}, configs.NewSecret(p.login)
	if err := hub.AS2.Certificates[0].Validate(); err != nil {
		return err
	}
	cfg.EDI.Partners = map[string]PartnerConfig{demoHubID: hub}
	station, err := cfg.station()
	if err != nil {
		return err
	}
	messages, err := blob.Open(blob.Config{Dir: filepath.Join(p.dir, "messages")})
	if err != nil {
		return err
	}
	files := hub.SFTP.connection(demoHubID, cfg.Limits.MaxDocument)
	files.Spool, files.Drop = p.dir, "/inbox"
	if p.put, err = sftp.NewConn(files); err != nil {
		return err
	}
	files.Drop, files.Pickup = "", "/outbox"
	if p.look, err = sftp.NewConn(files); err != nil {
		return err
	}
	p.station, err = as2.New(station, nil, fileStore{messages}) // he only sends: nothing calls a hub behind it
	return err
}

func (p *partnerProcess) close() (err error) {
	if p.station != nil {
		p.station.Close()
	}
	for _, c := range []*sftp.Conn{p.put, p.look} {
		if c != nil {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}

// send sends a file by AS2. What the hub's signed receipt does not confirm is an error.
func (p *partnerProcess) send(ctx context.Context, file string) (told partnerTold, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return told, err
	}
	m, err := p.station.Pack(ctx, demoHubID, rand.Text(), door.Content{Name: filepath.Base(file), Document: data}, trust.Exchange{})
	if err != nil {
		return told, err
	}
	proof, err := p.station.Send(ctx, demoHubID, m, trust.Exchange{})
	return partnerTold{Outcome: proof.Outcome, MICs: m.MICs}, err
}

// leave puts a file into his inbox on the hub's server: under a hidden name first.
func (p *partnerProcess) leave(ctx context.Context, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	box, name := sftp.NewOutbox(p.put), filepath.Base(file)
	if err := box.Stage(ctx, demoHubID, name, data); err != nil {
		return err
	}
	return box.Publish(ctx, demoHubID, name)
}

// mostLooks are more than it needs to take what lies in a folder: a file is read at the second.
const mostLooks = 20

// take fetches what lies in his outbox on the hub's server and says what he holds by now.
func (p *partnerProcess) take(ctx context.Context) (told partnerTold, err error) {
	pickup := sftp.NewPickup(p.look, p, p.log)
	for range mostLooks {
		if err := pickup.Poll(ctx); err != nil {
			return told, err
		}
		left, err := sftp.Try(ctx, p.look)
		if err != nil {
			return told, err
		}
		if left.Waiting == 0 {
			told.Files, told.Sets, told.Orders, err = documentsIn(p.taken())
			return told, err
		}
	}
	return told, errors.New("files stay in the outbox: see partner.log")
}

// Call implements [door.Caller] for what was fetched: it is here before it is removed there.
func (p *partnerProcess) Call(_ context.Context, _ string, value any) (any, error) {
	d, ok := value.(door.Document)
	if !ok || d.Refused != "" {
		return nil, fmt.Errorf("what was fetched is no document: %T %s", value, d.Refused)
	}
	path := filepath.Join(p.taken(), filepath.Base(d.Name))
	if was, err := os.ReadFile(path); err == nil { // its removal broke off
		if !bytes.Equal(was, d.Bytes) {
			return nil, fmt.Errorf("%s came before, with other content", d.Name)
		}
		return door.Accepted{Repeat: true}, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	tmp := filepath.Join(p.dir, "taking.tmp")
	if err := os.WriteFile(tmp, d.Bytes, 0o600); err != nil {
		return nil, err
	}
	return door.Accepted{}, os.Rename(tmp, path)
}

package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
)

// stationEnv holds the spec of a hub that speaks AS2, in a process of its own.
const stationEnv = "PAKLOG_TEST_STATION"

// The steps between a partner's station and the journal.
const (
	stepLooked  bus.Step = "as2: a message or receipt is looked up"
	stepJudged  bus.Step = "as2: a message is judged and nobody has it"
	stepTaken   bus.Step = "as2: a message is durable and its receipt has not left"
	stepProof   bus.Step = "as2: a receipt that came by itself is judged and nobody has it"
	stepSettled bus.Step = "as2: a receipt that came by itself is durable and its sender does not know"
)

type stationSteps struct {
	door.Caller
	k *killer
}

// Call implements [door.Caller].
func (s stationSteps) Call(ctx context.Context, name string, value any) (any, error) {
	before, after := stepLooked, stepLooked
	switch value.(type) {
	case door.Arrival:
		before, after = stepJudged, stepTaken
	case door.Settlement:
		before, after = stepProof, stepSettled
	}
	s.k.at(before)
	v, err := s.Caller.Call(ctx, name, value)
	s.k.at(after)
	return v, err
}

// pair is a certificate with its key, PEM.
type pair struct{ Certificate, Key string }

func newPair(t *testing.T, name string, from, to time.Time) pair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return pair{text("CERTIFICATE", der), text("PRIVATE KEY", secret)}
}

func validPair(t *testing.T, name string) pair {
	t.Helper()
	return newPair(t, name, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
}

// stationSpec is what a hub that speaks AS2 is told.
type stationSpec struct {
	Dir          string
	Name, Peer   string // in documents and of AS2
	Listen, Call string // addresses of both
	UPS          string // where the carrier listens; "" is a hub without a warehouse's work
	Own          pair
	Next         pair   // of ours that signs where it is accepted alone
	Exchange     string // what becomes of certificates that the peer offers
	Theirs       string // certificate
	Async        bool
	Restart      bool   // of messages that broke off
	Mailbox      string // where our SFTP server listens; the partner SHED's mailbox is there, whose door and the peer's are one chain

	Step bus.Step
	Nth  int64
}

func (s stationSpec) config() *Config {
	c := defaults()
	c.Data, c.Owner = filepath.Join(s.Dir, s.Name), partnerName
	c.HTTP.Listen = "127.0.0.1:0"
	c.Warehouse.WaveOrders, c.Warehouse.WaveWait, c.Warehouse.AutoWorkers = 5, 100*time.Millisecond, 2
	c.AS2.Listen, c.AS2.ID, c.AS2.URL, c.AS2.Host = s.Listen, s.Name, "http://"+s.Listen+"/as2", s.Name
	own := OwnCertificateConfig{PrivateKey: configs.NewSecret(s.Own.Key)}
	own.SetDefaults()
	own.Certificate = configs.NewSecret(s.Own.Certificate)
	c.AS2.Certificates = []OwnCertificateConfig{own}
	if s.Next.Key != "" {
		next := OwnCertificateConfig{PrivateKey: configs.NewSecret(s.Next.Key)}
		next.SetDefaults()
		next.Certificate, next.From = configs.NewSecret(s.Next.Certificate), "2099-01-01"
		c.AS2.Certificates = append(c.AS2.Certificates, next)
	}
	p := PartnerConfig{}
	p.SetDefaults()
	p.ID, p.OurID, p.Owner = s.Peer, s.Name, partnerName
	theirs := TheirCertificateConfig{Certificate: configs.NewSecret(s.Theirs)}
	theirs.SetDefaults()
	p.AS2.ID, p.AS2.URL, p.AS2.Async = s.Peer, "http://"+s.Call+"/as2", s.Async
	p.AS2.Restart = s.Restart
	p.AS2.Certificates = []TheirCertificateConfig{theirs}
	p.AS2.Exchange = cmp.Or(s.Exchange, p.AS2.Exchange)
	c.EDI.Partners = map[string]PartnerConfig{s.Peer: p}
	if s.Mailbox != "" {
		c.SFTP.Listen = s.Mailbox
		shed := PartnerConfig{}
		shed.SetDefaults()
		shed.ID, shed.OurID, shed.Owner, shed.Login.Password = mailboxName, s.Name, partnerName, configs.NewSecret(sftpPassword)
		shed.HandsOn, p.HandsOn = HandsOnConfig{To: s.Peer, Only: true}, HandsOnConfig{To: mailboxName, Only: true}
		c.EDI.Partners = map[string]PartnerConfig{s.Peer: p, mailboxName: shed}
	}
	if s.UPS != "" {
		c.Carriers.UPS = CarrierConfig{
			URL: s.UPS, ClientID: upssim.ClientID, ClientSecret: configs.NewSecret(upssim.ClientSecret),
			Account: upssim.Account, Service: "03", Aliases: []string{"UPSN"}, Timeout: 2 * time.Second, ResolveAfter: time.Second,
		}
	}
	c.Limits.FreeDisk, c.Limits.Probe = -1, 200*time.Millisecond
	k := &killer{step: s.Step}
	k.left.Store(max(s.Nth, 1))
	c.probe = probe{step: k.at, as2: func(c door.Caller) door.Caller { return stationSteps{c, k} }}
	return c
}

// runStation is the hub of such a process. It takes commands on standard input: "send FILE" gives a
// document on its way to the peer, "rest" waits until nothing is to be done, "stop" ends it.
func runStation(text string) error {
	var s stationSpec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	f, err := os.OpenFile(filepath.Join(s.Dir, s.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return serve(ctx, s.config(), slog.New(slog.NewTextHandler(f, nil)), func(a *app, addr string) {
		fmt.Printf("ready %s\n", addr)
		go func() {
			for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
				word, rest, _ := strings.Cut(lines.Text(), " ")
				var err error
				switch word {
				case "stop":
					stop()
					return
				case "send":
					err = giveAway(ctx, a, s.Peer, rest)
				case "rest":
					err = comeToRest(ctx, a)
				}
				fmt.Printf("done %s %v\n", word, err)
			}
			os.Exit(3) // who started it is gone
		}()
	})
}

// giveAway puts a document on its way to a partner, once.
func giveAway(ctx context.Context, a *app, partner, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	now, hash, name := time.Now(), sha256.Sum256(data), filepath.Base(file)
	about, err := json.Marshal(map[string]string{"partner": partner, "st01": "940", "name": name})
	if err != nil {
		return err
	}
	id := journal.NewID(now, [10]byte(hash[:10]))
	ref, err := a.bus.Submit(ctx, &journal.Unit{
		Records: []journal.Record{{
			ID: id, Type: "document.Outgoing", Schema: 1, Topic: "documents-out." + partner, Key: partner, Time: now, Source: "test", Data: about,
			Headers: map[string]string{"partner": partner, "name": name}, Subject: "document/" + id.String(), Personal: data,
		}},
		Claims: []journal.ClaimOp{{Scope: "test", ID: name, Hash: hash}},
	})
	if ref != nil && !strings.Contains(ref.Error(), name) {
		return ref
	}
	return err
}

// hub is such a process.
type hub struct {
	spec  stationSpec
	cmd   *exec.Cmd
	in    io.WriteCloser
	addr  string      // of its API
	said  chan string // "done ..."
	ready chan struct{}
	gone  chan struct{}
	died  bus.Step // read after gone
}

func startHub(t *testing.T, s stationSpec) *hub {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{spec: s, cmd: exec.CommandContext(t.Context(), os.Args[0]), said: make(chan string, 8), ready: make(chan struct{}), gone: make(chan struct{})}
	h.cmd.Env = append(os.Environ(), stationEnv+"="+string(text))
	h.cmd.Stderr = os.Stderr
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(h.gone)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			word, rest, _ := strings.Cut(lines.Text(), " ")
			switch word {
			case "ready":
				h.addr = rest
				close(h.ready)
			case "died":
				h.died = bus.Step(rest)
			default:
				h.said <- rest
			}
		}
		_ = h.cmd.Wait() // how it ended is told by died
	}()
	t.Cleanup(h.kill)
	select {
	case <-h.ready:
	case <-h.gone:
		if s.Step == "" {
			log, _ := os.ReadFile(filepath.Join(s.Dir, s.Name+".log"))
			t.Fatalf("%s does not start:\n%s", s.Name, log)
		}
	}
	return h
}

// kill ends it the hard way.
func (h *hub) kill() {
	_ = h.cmd.Process.Kill() // it may be gone already
	<-h.gone
}

// stop ends it the soft way.
func (h *hub) stop(t *testing.T) {
	t.Helper()
	_, err := io.WriteString(h.in, "stop\n")
	<-h.gone
	if err != nil {
		t.Error(err)
	}
}

var errGone = errors.New("the hub is gone")

// do gives it a command and waits until that is done.
func (h *hub) do(command string) error {
	if _, err := io.WriteString(h.in, command+"\n"); err != nil {
		return errGone
	}
	select {
	case said := <-h.said:
		if !strings.HasSuffix(said, "<nil>") {
			return errors.New(said)
		}
		return nil
	case <-h.gone:
		return errGone
	}
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

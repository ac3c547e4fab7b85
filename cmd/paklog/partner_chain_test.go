package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestChainsOfDoorsAreChecked: each partner's check says where his documents leave again, and what of that leads
// nowhere.
func TestChainsOfDoorsAreChecked(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	ours, theirs := validPair(t, "ours"), validPair(t, "acme")
	now := time.Now()
	ended := newPair(t, "ended acme", now.Add(-48*time.Hour), now.Add(-24*time.Hour))
	const station = "        url: https://127.0.0.1:1/\n"
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), "login.secret"), []byte("a long password"), 0o600); err != nil {
		t.Fatal(err)
	}
	const mailbox = "    SHED: {id: SHED, owner: ACME, login: {password_file: login.secret, from: [127.0.0.1]}, hands_on: {to: ACME, only: true}}\n"
	for name, c := range map[string]struct {
		theirs pair
		more   string
		who    string
		code   int
		says   []string
		not    []string
	}{
		"both ways": {theirs: theirs, who: "ACME",
			more: station + "      hands_on: {to: SHED, only: true}\n" + mailbox + "sftp: {listen: \"127.0.0.1:0\"}\n",
			says: []string{"what he sends leaves for SHED into his mailbox on our SFTP server alone", "nothing stops messages"},
			not:  []string{"hands_on"}},
		"back": {theirs: theirs, who: "SHED",
			more: station + "      hands_on: {to: SHED}\n" + mailbox + "sftp: {listen: \"127.0.0.1:0\"}\n",
			says: []string{"leaves for ACME by AS2 to https://127.0.0.1:1/ alone"},
			not:  []string{"hands_on", "fails"}},
		"the station has no certificate": {theirs: ended, who: "SHED", code: 3,
			more: station + mailbox + "sftp: {listen: \"127.0.0.1:0\"}\n",
			says: []string{"fails hands_on.to: it does not get to ACME: certificates: none of his certificates is there to encrypt for now", "note  hands_on.only: ACME hands nothing back to him"}},
		"no station": {theirs: theirs, who: "SHED",
			more: mailbox + "sftp: {listen: \"127.0.0.1:0\"}\n",
			says: []string{"leaves for ACME into a folder here alone", "ACME speaks AS2, and edi.partners.ACME.as2.url is not set", "the folder of ACME belongs to no door"}},
		"an unrelated folder": {theirs: theirs, who: "ACME",
			more: station + "      hands_on: {to: FILES}\n",
			says: []string{"leaves for FILES into a folder here, and the hub works on it, too", "the folder of FILES belongs to no door", "one way: what FILES sends does not go to him", "nothing stops messages"}},
		"a third": {theirs: theirs, who: "ACME",
			more: station + "      hands_on: {to: SHED}\n    SHED: {id: SHED, owner: ACME, hands_on: {to: FILES}}\n",
			says: []string{"what SHED sends goes to FILES and not to him", "a chain has two doors"}},
		"folders alone, of all": {theirs: theirs,
			more: station + "    SHED: {id: SHED, owner: ACME, hands_on: {to: ACME}}\n",
			says: []string{"SHED exchanges files through", "leaves for ACME by AS2", "note  hands_on.to: one way"},
			not:  []string{"FILES"}},
	} {
		speaking(t, s, ours, c.theirs, c.more)
		args := []string{"partner", "check"}
		if c.who != "" {
			args = append(args, c.who)
		}
		out, stderr, code := s.run(args...)
		if code != c.code {
			t.Errorf("%s: exit %d\n%s%s", name, code, out, stderr)
		}
		for _, says := range c.says {
			if !strings.Contains(out, says) {
				t.Errorf("%s: %q is not in\n%s", name, says, out)
			}
		}
		for _, not := range c.not {
			if strings.Contains(out, not) {
				t.Errorf("%s: %q is in\n%s", name, not, out)
			}
		}
	}
	// A folder at the end of a chain that is none: nobody writes into it, whoever he is.
	speaking(t, s, ours, theirs, station+"      hands_on: {to: FILES}\n")
	outbox := filepath.Join(s.data, "partners", "FILES", "outbox")
	if err := os.MkdirAll(filepath.Dir(outbox), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(outbox, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, code := s.run("partner", "check", "ACME"); code != 3 || !strings.Contains(out, "fails hands_on.to: it does not get to FILES: outbox") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// TestFilesOfCertificatesAreChecked: more than one in a file, and those of TLS.
func TestFilesOfCertificatesAreChecked(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	ours, theirs, other := validPair(t, "ours"), validPair(t, "acme"), validPair(t, "other")
	now := time.Now()
	ended := newPair(t, "ended", now.Add(-48*time.Hour), now.Add(-24*time.Hour))
	soon := newPair(t, "soon", now.Add(-48*time.Hour), now.Add(5*24*time.Hour+time.Hour))
	for file, text := range map[string]string{"ended.crt": ended.Certificate, "ended.key": ended.Key, "soon.crt": soon.Certificate} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const station = "        url: https://127.0.0.1:1/\n"
	both := theirs
	both.Certificate += other.Certificate
	for name, c := range map[string]struct {
		theirs pair
		more   string
		code   int
		says   []string
	}{
		"unrelated in a file": {theirs: both, more: station, says: []string{"note  certificates[0], certificate 2 of 2: CN=other issued none of those before it", "nothing stops messages"}},
		"TLS of his ended":    {theirs: theirs, more: station + "        ca_file: ended.crt\n", code: 3, says: []string{"note  ca[0]: CN=ended has expired", "fails ca: none of them is valid now"}},
		"TLS of ours ended":   {theirs: theirs, more: station + "        tls: {certificate_file: ended.crt, private_key_file: ended.key}\n", code: 3, says: []string{"fails tls: none of them is valid now"}},
		"TLS of his ends":     {theirs: theirs, more: station + "        ca_file: soon.crt\n", says: []string{"note  ca[0]: CN=soon expires on", "nothing stops messages"}},
	} {
		speaking(t, s, ours, c.theirs, c.more)
		out, stderr, code := s.run("partner", "check", "ACME")
		if code != c.code {
			t.Errorf("%s: exit %d\n%s%s", name, code, out, stderr)
		}
		for _, says := range c.says {
			if !strings.Contains(out, says) {
				t.Errorf("%s: %q is not in\n%s", name, says, out)
			}
		}
	}
}

// lockedBuffer is written and read by several.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestCertificatesThatEndAreToldEachDay: a hub that runs for weeks logs what was far away when it started.
func TestCertificatesThatEndAreToldEachDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		spec := stationSpec{
			Dir: "nowhere", Name: warehouseName, Peer: depositorName, Listen: "127.0.0.1:1", Call: "127.0.0.1:2",
			Own: newPair(t, "ours", now, now.AddDate(1, 0, 0)), Theirs: newPair(t, "theirs", now, now.AddDate(0, 0, 40)).Certificate,
		}
		var log lockedBuffer
		a := &app{cfg: spec.config(), log: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- a.alarms(ctx) }()
		days := func(n int) { <-time.After(time.Duration(n) * 24 * time.Hour); synctest.Wait() }
		if days(9); log.String() != "" {
			t.Errorf("with a month left: %s", log.String())
		}
		if days(4); strings.Count(log.String(), "CN=theirs expires on") < 2 || strings.Contains(log.String(), "CN=ours") {
			t.Errorf("with less than a month left: %s", log.String())
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

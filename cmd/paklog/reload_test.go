package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	oldKey = "the-key-that-is-in-force-first"
	newKey = "the-key-that-comes-by-a-reload"
)

// rewrite replaces the configuration and the key's file.
func (s *shell) rewrite(key, rest string) {
	s.t.Helper()
	dir := filepath.Dir(s.config)
	text := fmt.Sprintf("data: %s\nowner: ACME\n%s", s.data, rest)
	for path, text := range map[string]string{s.config: text, filepath.Join(dir, "erp.key"): key} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// opens reports whether a key opens the door.
func (p *process) opens(t *testing.T, key string) bool {
	t.Helper()
	_, port, _ := strings.Cut(p.addr[strings.LastIndexByte(p.addr, ']')+1:], ":")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/v1/items", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

const keyed = "http: {listen: \"0.0.0.0:0\", keys: {erp: {key_file: erp.key}}}\n"

func TestARunningHubTakesOverNewKeysAndNamesWhatWaits(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.refused(1, "it reads its configuration when it starts", "config", "reload")
	s.rewrite(oldKey, keyed)
	p := s.serves()
	if out := s.must("config", "reload"); !strings.Contains(out, "nothing differs") {
		t.Errorf("of the same file it says %s", out)
	}

	s.rewrite(newKey, keyed+"log: {level: warn}\nwarehouse: {wave_wait: 7s}\n")
	for range 2 {
		done := decoded[reloadedConfig](t, s.must("config", "reload", "--json"))
		if got := fmt.Sprint(done.Restart); got != "[warehouse.wave_wait]" {
			t.Errorf("after a restart: %s", got)
		}
		if p.opens(t, oldKey) || !p.opens(t, newKey) {
			t.Error("the key is not the new one")
		}
	}
	said := s.must("events", "tail", "--after", "0", "--topic", "audit-events", "--json")
	if n := strings.Count(said, `"type":"config.Applied"`); n != 1 || !strings.Contains(said, "http.keys.erp.key") || !strings.Contains(said, "log.level") {
		t.Errorf("told %d times:\n%s", n, said)
	}
	if strings.Contains(said, oldKey) || strings.Contains(said, newKey) {
		t.Error("a key was told")
	}

	s.rewrite(oldKey, keyed)
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.until("the signal is followed", func() bool { return p.opens(t, oldKey) })
	s.must("audit")
}

func TestAReloadThatCannotBeChangesNothing(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.rewrite(oldKey, keyed)
	p := s.serves()
	hook := "webhooks: {shop: {secret_file: hook.secret, facility: DC9}}\n"
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), "hook.secret"), []byte("whsec_bm90cmVhbGx5YXNlY3JldGJ1dGxvbmdlcg=="), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, rest, says string }{
		{"a key that nobody knows", keyed + "wharehouse: {}\n", "did you mean \"warehouse\""},
		{"no key for a door that stays open", "http: {listen: \"127.0.0.1:0\"}\n", "open to others"},
		{"a building that is there after a restart", keyed + "facilities: [DC9]\n" + hook, "DC9"},
	} {
		s.rewrite(newKey, c.rest)
		_, said, code := s.run("config", "reload")
		if code != 1 || !strings.Contains(said, c.says) {
			t.Errorf("%s: exit %d: %s", c.name, code, said)
		}
		if !p.opens(t, oldKey) || p.opens(t, newKey) {
			t.Errorf("%s: the key changed", c.name)
		}
	}
	s.rewrite(newKey, keyed)
	if err := os.Remove(filepath.Join(filepath.Dir(s.config), "erp.key")); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if !p.opens(t, oldKey) {
		t.Error("a signal for a file that cannot be read changed the key")
	}
	if said := s.audits(); strings.Contains(said, "config.Applied") {
		t.Errorf("something is said to be applied: %s", said)
	}
}

// audits are the audit events, read by a configuration that is right again.
func (s *shell) audits() string {
	s.t.Helper()
	s.rewrite(oldKey, keyed)
	return s.must("events", "tail", "--after", "0", "--topic", "audit-events")
}

// The shell of an operator has seldom what the service of the hub was given.
func TestVerbsFindTheHubWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.rewrite(oldKey, keyed)
	stop := s.serve()
	key := filepath.Join(filepath.Dir(s.config), "erp.key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	s.must("routes")
	s.must("audit")
	s.refused(1, "erp.key: no such file", "config", "check")
	s.refused(1, "erp.key: no such file", "config", "reload") // the hub's own word
	s.rewrite(oldKey, keyed+"wharehouse: {}\n")
	s.refused(1, "wharehouse", "routes") // a mistake is told, hub or not
	s.rewrite(oldKey, keyed)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	stop()
	s.refused(1, "erp.key: no such file", "routes")
}

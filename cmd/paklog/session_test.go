package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"golang.org/x/crypto/bcrypt"

	"github.com/paklog/hub/configs"
)

const phrase = "correct horse battery"

// phraseHash is its hash, as cheap as the hub takes one.
func phraseHash(t *testing.T) string {
	t.Helper()
	b, err := bcrypt.GenerateFromPassword([]byte(phrase), 10)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Somebody signs in to the console with a password: a wrong one lets nobody in, what he does is his, and when he has
// signed out the page asks again.
func TestSigningInToTheConsole(t *testing.T) {
	hash := phraseHash(t)
	p, _, front := openPage(t, func(cfg *Config) {
		cfg.HTTP.Users = map[string]UserConfig{"kim": {PasswordHash: configs.NewSecret(hash), Role: "operator"}, "vera": {PasswordHash: configs.NewSecret(hash), Role: "viewer"}}
	})
	p.run("a wide window", chromedp.EmulateViewport(1280, 900))
	p.run("it asks", chromedp.Navigate(front+"/console/#/map?route=x12.split"), says("Sign in"))
	enter := func(user, password string) {
		t.Helper()
		p.run("signing in as "+user, until(`(() => { for (const id of ['user', 'password']) { const f = document.getElementById(id); if (!f) return false; f.value = ''; } return true; })()`),
			chromedp.SendKeys("#user", user), chromedp.SendKeys("#password", password+"\r"))
	}
	enter("kim", "wrong horse battery")
	p.run("not with that", says("the user or the password is wrong"))
	p.accessible("signing in", axe(t))
	enter("kim", phrase)
	p.run("he is in", says("Sign out kim"), says("live"))
	p.press("Pause", "paused: by kim")
	p.press("Resume", "running")
	p.run("no script reads the cookie", until(`document.cookie === ''`))
	p.run("another page of his", chromedp.Navigate("about:blank"), chromedp.Navigate(front+"/console/#/map?route=x12.split"), says("Sign out kim"))
	p.press("Pause", "paused: by kim") // its first write asks for what it must send
	p.press("Resume", "running")
	p.press("Sign out", "API key")
	enter("vera", phrase)
	p.run("she is in", says("Sign out vera"))
	p.press("Pause", "this needs the role operator")
}

// A hub with users asks everybody, on this machine too; taken out of the configuration, one is out at once.
func TestUsersOfAHub(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := filepath.Dir(s.config)
	if err := os.WriteFile(filepath.Join(dir, "kim.hash"), []byte(phraseHash(t)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(users string) {
		t.Helper()
		text := "data: " + s.data + "\nowner: ACME\nhttp:\n  listen: \"127.0.0.1:0\"\n  users:\n" + users
		if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("    kim: {password_hash_file: kim.hash, role: support}\n    lee: {password_hash_file: kim.hash}\n")
	p := s.serves()
	base := "http://" + p.addr
	if status, body := asked(t, base, "", http.MethodGet, "/v1/orders", ""); status != http.StatusUnauthorized {
		t.Fatalf("without signing in: %d %s", status, body)
	}
	in := func(user string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/session", strings.NewReader(`{"user":"`+user+`","password":"`+phrase+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := demoClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		cookie, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
		return res.StatusCode, cookie
	}
	with := func(cookie string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1/routes", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", cookie)
		res, err := demoClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	status, kim := in("kim")
	if status != http.StatusOK || with(kim) != http.StatusOK {
		t.Fatalf("kim: %d", status)
	}
	s.must("dlq", "list") // whoever works on the machine is let in by his own user
	if out := s.must("events", "tail", "--after", "0", "--topic", "audit-events"); !strings.Contains(out, "session.Began") || !strings.Contains(out, "user/kim") {
		t.Errorf("the audit: %s", out)
	}
	write("    lee: {password_hash_file: kim.hash}\n")
	s.must("config", "reload")
	if got := with(kim); got != http.StatusUnauthorized {
		t.Errorf("kim is gone, and his session: %d", got)
	}
	if status, _ := in("kim"); status != http.StatusUnauthorized {
		t.Errorf("kim is gone: %d", status)
	}
	if status, _ := in("lee"); status != http.StatusOK {
		t.Errorf("lee: %d", status)
	}
	s.refused(1, "12 to 72 bytes", "user", "hash") // of an empty input
}

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
)

// People of different roles look at a partner's document: a viewer is shown nothing of it, whoever sees it is in the audit,
// a key for another partner knows of nothing, and the command line is known by its user.
func TestWhoSeesAPartnersDocument(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	keys := map[string]string{}
	var held strings.Builder
	for who, rights := range map[string]string{
		"boss": "", "vera": "role: viewer", "sue": "role: support", "acme": "role: support, partners: [ACME]", "beta": "role: support, partners: [BETA]", "late": "role: admin, expires: \"2020-01-31\"",
	} {
		keys[who] = "the-key-that-" + who + "-holds-alone"
		if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), who+".key"), []byte(keys[who]), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&held, "%s: {key_file: %[1]s.key, %s}, ", who, rights)
	}
	text := fmt.Sprintf("data: %s\nowner: ACME\nhttp: {listen: \"127.0.0.1:0\", keys: {%s}}\nedi: {poll: 100ms, partners: {ACME: {id: ACME, owner: ACME}, BETA: {id: BETA, owner: ACME}}}\n", s.data, strings.TrimSuffix(held.String(), ", "))
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := s.serves()
	ask := asking(t, "http://"+p.addr, keys)
	ask("late", http.MethodGet, "/v1/routes", "", http.StatusUnauthorized, nil)
	partnerSends(t, s.data, "bad.edi", 2, 1, func(s string) string { return strings.ReplaceAll(s, "\nW01*", "\nW01*MANY*0*") })
	var found struct{ Items []view.DeskLetter }
	s.until("the letter is there", func() bool {
		ask("vera", http.MethodGet, "/v1/letters/search?route=x12.refused", "", http.StatusOK, &found)
		return len(found.Items) == 1
	})
	at := "/v1/letters/" + found.Items[0].ID
	seen := func() []string {
		t.Helper()
		var who []string
		for line := range strings.Lines(s.must("events", "tail", "--after", "0", "--topic", "audit-events", "--json")) {
			var e struct {
				Type string
				Data dlq.SeenNotice
			}
			if json.Unmarshal([]byte(line), &e) == nil && e.Type == dlq.SeenType {
				who = append(who, e.Data.Actor+" "+e.Data.What)
			}
		}
		return who
	}
	var d dlq.Detail
	ask("vera", http.MethodGet, at, "", http.StatusOK, &d)
	if d.Message.Document != "" || !d.Message.Sealed {
		t.Errorf("a viewer is shown %q", d.Message.Document)
	}
	var m struct {
		Document string
		Decoded  []any
		Sealed   bool
	}
	message := fmt.Sprintf("/v1/messages/%d", d.Position)
	ask("vera", http.MethodGet, message, "", http.StatusOK, &m)
	if m.Document != "" || len(m.Decoded) > 0 || !m.Sealed {
		t.Errorf("a viewer is shown %+v", m)
	}
	ask("vera", http.MethodGet, at+"/edit", "", http.StatusForbidden, nil)
	ask("vera", http.MethodPost, at+"/replay", "", http.StatusForbidden, nil)
	if who := seen(); len(who) != 0 {
		t.Errorf("seen by %q before anybody saw it", who)
	}
	ask("sue", http.MethodGet, at, "", http.StatusOK, &d)
	ask("sue", http.MethodGet, at, "", http.StatusOK, &d) // the same look
	ask("sue", http.MethodGet, message, "", http.StatusOK, &m)
	if !strings.Contains(d.Message.Document, "W01*MANY") || !strings.Contains(m.Document, "W01*MANY") {
		t.Errorf("support sees %q and %q", d.Message.Document, m.Document)
	}
	ask("sue", http.MethodPost, "/v1/items", `{"sku":"MUG","units":[{"uom":"each","factor":1}]}`, http.StatusForbidden, nil)
	ask("acme", http.MethodGet, at, "", http.StatusOK, nil)
	ask("acme", http.MethodGet, message, "", http.StatusForbidden, nil)
	ask("acme", http.MethodGet, "/v1/letters", "", http.StatusForbidden, nil)
	ask("beta", http.MethodGet, at, "", http.StatusNotFound, nil)
	ask("beta", http.MethodPost, at+"/replay", "", http.StatusNotFound, nil)
	ask("beta", http.MethodGet, "/v1/letters/search?partner=ACME", "", http.StatusForbidden, nil)
	s.must("dlq", "show", found.Items[0].ID)
	me := "local"
	if u, err := user.Current(); err == nil {
		me = "unix/" + u.Username
	}
	id := "letter/" + found.Items[0].ID
	want := []string{"sue " + id, fmt.Sprintf("sue message/%d", d.Position), "acme " + id, me + " " + id}
	if who := seen(); strings.Join(who, ", ") != strings.Join(want, ", ") {
		t.Errorf("seen by %q, want %q", who, want)
	}
}

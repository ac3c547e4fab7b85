package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
)

// twoKeys writes a configuration with two people and a partner ACME.
func (s *shell) twoKeys(more string) map[string]string {
	s.t.Helper()
	keys := map[string]string{"ann": "the-key-that-ann-holds-alone", "ben": "the-key-that-ben-holds-alone"}
	for name, key := range keys {
		if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), name+".key"), []byte(key), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	text := fmt.Sprintf("data: %s\nowner: ACME\nhttp: {listen: \"127.0.0.1:0\", keys: {ann: {key_file: ann.key}, ben: {key_file: ben.key}}}\n"+
		"edi: {poll: 100ms, partners: {ACME: {id: ACME, owner: ACME}}}\n%s", s.data, more)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return keys
}

// A set of a partner is edited by one person and let go by another, at every door: its author approves of it neither by
// the API nor, had he been on the hub's machine, by the command line.
func TestAnEditByTwoPeople(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	keys := s.twoKeys("")
	p := s.serves()
	ask := func(who, method, path, body, seen string, want int, out any) {
		t.Helper()
		status, answer := askedAs(t, "http://"+p.addr, keys[who], method, path, body, seen)
		if status != want {
			t.Fatalf("%s %s by %s: %d, want %d: %s", method, path, who, status, want, answer)
		}
		if out != nil {
			if err := json.Unmarshal(answer, out); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask("ann", http.MethodPost, "/v1/items", `{"sku":"MUG","units":[{"uom":"each","factor":1}]}`, "", http.StatusCreated, nil)
	partnerSends(t, s.data, "bad.edi", 2, 2, func(s string) string { return strings.ReplaceAll(s, "\nW01*", "\nW01*MANY*0*") })
	var found struct{ Items []view.DeskLetter }
	s.until("both letters are there", func() bool {
		ask("ann", http.MethodGet, "/v1/letters/search", "", "", http.StatusOK, &found)
		return len(found.Items) == 2
	})
	at := "/v1/letters/" + found.Items[0].ID + "/edit"
	var d dlq.Draft
	ask("ann", http.MethodGet, at, "", "", http.StatusOK, &d)
	if d.Format != "x12" || !strings.Contains(d.Text, "W01*MANY*0*") || len(d.Problems) == 0 {
		t.Fatalf("%+v", d)
	}
	body := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	good := strings.ReplaceAll(d.Text, "W01*MANY*0*", "W01*")
	var checked dlq.Draft
	ask("ann", http.MethodPost, at+"/check", body(map[string]string{"text": strings.Replace(d.Text, "ST*940*", "ST*940*9", 1)}), "", http.StatusOK, &checked)
	if len(checked.Problems) == 0 || !strings.HasPrefix(checked.Problems[0].Place, "ST-02") {
		t.Errorf("another set: %+v", checked.Problems)
	}
	ask("ann", http.MethodPost, at+"/check", body(map[string]string{"text": good}), "", http.StatusOK, &checked)
	if len(checked.Problems) != 0 || len(checked.Changes) == 0 {
		t.Fatalf("%+v", checked.Edited)
	}
	propose := body(map[string]string{"text": good, "reason": "by phone"})
	ask("ann", http.MethodPost, at, propose, "", http.StatusPreconditionRequired, nil)
	ask("ann", http.MethodPost, at, propose, `"2"`, http.StatusPreconditionFailed, nil)
	ask("ann", http.MethodPost, at, body(map[string]string{"text": d.Text + "W76*1~", "reason": "by phone"}), `"1"`, http.StatusUnprocessableEntity, nil)
	ask("ann", http.MethodPost, at, body(map[string]string{"text": good, "reason": ""}), `"1"`, http.StatusUnprocessableEntity, nil)
	var e dlq.Edit
	ask("ann", http.MethodPost, at, propose, `"1"`, http.StatusCreated, &e)
	approve := body(map[string]string{"message": e.Message.String()})
	ask("ann", http.MethodPost, at+"/approve", approve, "", http.StatusForbidden, nil)
	ask("ben", http.MethodPost, at+"/approve", `{"message":"00000000-0000-0000-0000-000000000001"}`, "", http.StatusPreconditionFailed, nil)
	ask("ben", http.MethodPost, at+"/approve", `{"message":"<b>"}`, "", http.StatusUnprocessableEntity, nil)
	ask("", http.MethodPost, at+"/approve", approve, "", http.StatusUnauthorized, nil)
	if out := s.must("dlq", "edits"); !strings.Contains(out, e.Message.String()) || !strings.Contains(out, "by phone") {
		t.Errorf("what waits: %s", out)
	}
	ask("ben", http.MethodPost, at+"/approve", approve, "", http.StatusOK, &e)
	ask("ben", http.MethodPost, at+"/approve", approve, "", http.StatusConflict, nil)
	s.until("the order is there", func() bool {
		ask("ann", http.MethodGet, "/v1/letters/search?state=resolved", "", "", http.StatusOK, &found)
		return len(found.Items) == 1
	})
	if out := s.must("events", "tail", "--after", "0", "--topic", "audit-events"); !strings.Contains(out, "edit.Approved") {
		t.Errorf("the audit: %s", out)
	}

	// The command line does the same as one person of its own.
	ask("ann", http.MethodGet, "/v1/letters/search", "", "", http.StatusOK, &found)
	id := found.Items[0].ID
	text := s.must("dlq", "edit", id)
	file := filepath.Join(filepath.Dir(s.config), "mended.edi")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	s.refused(1, "W01", "dlq", "edit", id, "--file", file)
	s.refused(2, "--file", "dlq", "edit", id, "--reason", "none")
	write(strings.ReplaceAll(text, "W01*MANY*0*", "W01*"))
	if out := s.must("dlq", "edit", id, "--file", file); !strings.Contains(out, "- MANY") {
		t.Errorf("the check says %s", out)
	}
	out := decoded[dlq.Edit](t, s.must("dlq", "edit", id, "--file", file, "--reason", "by phone", "--json"))
	s.refused(1, "second person", "dlq", "edits", "approve", id, out.Message.String())
	if x := s.must("dlq", "edits", "withdraw", id, out.Message.String(), "--reason", "too early"); !strings.Contains(x, "withdrawn") {
		t.Errorf("withdrawn: %s", x)
	}
	s.refused(1, "no edit", "dlq", "edits", "approve", id, out.Message.String())
}

// askedAs is [asked] by somebody who has seen an opening of a letter.
func askedAs(t *testing.T, base, key, method, path, body, seen string) (status int, answer []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + key, "If-Match": seen} {
		if v != "" && (k != "Authorization" || key != "") && (k != "Content-Type" || body != "") {
			req.Header.Set(k, v)
		}
	}
	res, err := demoClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b.Bytes()
}

// Job 5 of the desk in a browser: one who is told what is wrong as he types proposes a text, and cannot let it go; another
// sees what was changed, and does. What stands in the document is a text, whatever it is.
func TestAnEditInTheBrowser(t *testing.T) {
	keys := map[string]string{"ann": "the-key-that-ann-holds-alone", "ben": "the-key-that-ben-holds-alone"}
	var data string
	p, _, front := openPage(t, func(cfg *Config) {
		data = cfg.Data
		cfg.EDI.Poll = 50 * time.Millisecond
		cfg.EDI.Partners = map[string]PartnerConfig{"ACME": {ID: "ACME", Owner: "ACME"}}
		cfg.HTTP.Keys = map[string]KeyConfig{"ann": {Key: configs.NewSecret(keys["ann"])}, "ben": {Key: configs.NewSecret(keys["ben"])}}
	})
	p.run("a wide window", chromedp.EmulateViewport(1280, 900))
	get := func(path string, into any) {
		t.Helper()
		status, answer := asked(t, p.hub, keys["ann"], http.MethodGet, path, "")
		if status != http.StatusOK || json.Unmarshal(answer, into) != nil {
			t.Fatalf("%s: %d %s", path, status, answer)
		}
	}
	partnerSends(t, data, "bad.edi", 2, 1, func(s string) string {
		return strings.NewReplacer("\nW01*", "\nW01*MANY*0*").Replace(strings.Replace(s, "\nN3*", "\nN3*"+evil+" ", 1))
	})
	var found struct{ Items []view.DeskLetter }
	p.eventually("the letter is not there", func() bool {
		get("/v1/letters/search?route=x12.refused", &found)
		return len(found.Items) == 1
	})
	letter := front + "/console/#/letter/" + found.Items[0].ID
	as := func(who string) {
		t.Helper()
		p.run("signing in as "+who, chromedp.Navigate(front+"/console"), until(fmt.Sprintf(`(() => { sessionStorage.setItem('paklog-key', %q); return true; })()`, keys[who])),
			chromedp.Navigate("about:blank"), chromedp.Navigate(letter), says("What it already did outside"))
	}
	write := func(js string) {
		t.Helper()
		p.run("writing", until(`(() => { const d = [...document.querySelectorAll('details')].find(d => d.textContent.includes('Edit and replay')); if (!d) return false; d.open = true;
			const t = d.querySelector('textarea'); t.value = `+js+`; t.dispatchEvent(new Event('input')); return true; })()`))
	}
	disabled := `[...document.querySelectorAll('button')].find(b => b.textContent === 'Propose this text').disabled`
	as("ann")
	write(`t.value.replace('ST*940*', 'ST*940*9')`)
	p.run("it is wrong", says("is not changed here"), until(disabled))
	write(`t.value.replace('ST*940*9', 'ST*940*').replaceAll('W01*MANY*0*', 'W01*')`)
	p.run("it is right", until("!"+disabled), chromedp.SendKeys(`input[name="why"]`, "as "+evil+" said by phone\r"), says("An edit waits"))
	p.shot("console-edit")
	p.press("Approve of the edit", "a second person must approve of it")
	as("ben")
	p.run("what was changed", says("An edit waits"), says("MANY"))
	p.accessible("an edit that waits", axe(t))
	p.press("Approve of the edit", "resolved")
	p.run("nothing ran", says("approved"), until(`window.pwned === undefined && !document.querySelector('main img, main script')`))
	p.eventually("the letter is not resolved", func() bool {
		get("/v1/letters/search?state=resolved&route=x12.refused", &found)
		return len(found.Items) == 1
	})
}

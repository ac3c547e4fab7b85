package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/ship"
)

// parcels is a hub that asks a simulated UPS on request.
type parcels struct {
	*shell
	ups *upssim.Sim
	url string
}

func newParcels(t *testing.T) *parcels {
	t.Helper()
	ups, err := upssim.New(upssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ups.Close() })
	at := httptest.NewServer(ups)
	t.Cleanup(at.Close)
	s := &parcels{newShell(t), ups, ""}
	text := fmt.Sprintf("%scarriers: {ups: {url: %q, client_id: %q, client_secret_file: secret, account: %q, service: \"03\", timeout: 2s, resolve_after: 1s}}\n",
		readme(t, s.config), at.URL, upssim.ClientID, upssim.Account)
	for path, content := range map[string]string{s.config: text, filepath.Join(filepath.Dir(s.config), "secret"): upssim.ClientSecret} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.serve()
	hub := httptest.NewServer(&s.app.front)
	t.Cleanup(hub.Close)
	s.url = hub.URL
	return s
}

// said is the head of an answer.
type said struct {
	StatusCode int
	Header     http.Header
}

// call makes a request and reads its answer.
func (s *parcels) call(method, path, key, prefer, body string) (said, []byte) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for name, v := range map[string]string{"Content-Type": "application/json", "Idempotency-Key": key, "Prefer": prefer} {
		if v != "" {
			req.Header.Set(name, v)
		}
	}
	client := http.Client{Timeout: time.Minute}
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return said{res.StatusCode, res.Header}, b
}

func (s *parcels) label(method, path, key, prefer, body string, status int) (rest.PostageState, said) {
	s.t.Helper()
	res, b := s.call(method, path, key, prefer, body)
	var p rest.PostageState
	if err := json.Unmarshal(b, &p); err != nil || res.StatusCode != status {
		s.t.Fatalf("%s %s answered %d, want %d: %s", method, path, res.StatusCode, status, b)
	}
	return p, res
}

const present = `{"carrier": "ups", "order": "GIFT-7", "weight_mg": 800000, "to": {"name": "Jane Doe", "lines": ["1 Main St"], "city": "Reno", "region": "NV", "postal_code": "89501", "country": "US"}}`

// The carrier does not answer in time: 202 and where to look, and there it is once it is bought, though
// the answer about it was lost. Asked again under the key it is the same label.
func TestALabelThatTakesLongIsFoundUnderItsLink(t *testing.T) {
	t.Parallel()
	s := newParcels(t)
	s.ups.Inject(upssim.OpShip, upssim.AnswerLost)
	p, res := s.label(http.MethodPost, "/v1/labels", "gift-7", "wait=0", present, http.StatusAccepted)
	link := res.Header.Get("Location")
	if p.Status != ship.PostageRequested || link == "" || len(p.Image) > 0 {
		t.Fatalf("%+v at %q", p.Postage, link)
	}
	s.until("it is bought", func() bool { p, _ = s.label(http.MethodGet, link, "", "", "", http.StatusOK); return !p.Open() })
	if p.Status != ship.PostageIsBought || !strings.HasPrefix(p.Tracking, "1Z") || len(p.Image) == 0 {
		t.Fatalf("%+v with %d bytes", p.Postage, len(p.Image))
	}
	again, res := s.label(http.MethodPost, "/v1/labels", "gift-7", "", present, http.StatusOK)
	if again.Tracking != p.Tracking || res.Header.Get("Idempotency-Replayed") != "true" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("again it is %+v, %v", again.Postage, res.Header)
	}
	if n := s.ups.Truth().Standing(""); n != 1 {
		t.Errorf("%d labels stand", n)
	}
	if res, b := s.call(http.MethodGet, link+"/image", "", "", ""); res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/zpl" || string(b) != string(p.Image) {
		t.Errorf("the image: %d, %v", res.StatusCode, res.Header)
	}
	if res, b := s.call(http.MethodGet, link+"/tracking", "", "", ""); res.StatusCode != http.StatusOK || !strings.Contains(string(b), p.Tracking) {
		t.Errorf("tracking: %d %s", res.StatusCode, b)
	}
	for range 2 {
		if v, _ := s.label(http.MethodPost, link+"/void", "", "wait=20", `{"reason": "wrong box"}`, http.StatusOK); v.Status != ship.PostageIsVoided {
			t.Errorf("%+v", v.Postage)
		}
	}
	if n := s.ups.Truth().Standing(""); n != 0 {
		t.Errorf("%d labels stand", n)
	}
	if res, b := s.call(http.MethodGet, link+"/image", "", "", ""); res.StatusCode != http.StatusConflict {
		t.Errorf("of a label that was given back: %d %s", res.StatusCode, b)
	}
	s.must("audit")
}

func TestRequestsAboutParcelsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newParcels(t)
	s.label(http.MethodPost, "/v1/labels", "taken", "wait=0", present, http.StatusAccepted)
	for name, c := range map[string]struct {
		method, path, key, body string
		status                  int
		says                    string
	}{
		"no key":            {http.MethodPost, "/v1/labels", "", present, http.StatusBadRequest, "idempotency_key_missing"},
		"another parcel":    {http.MethodPost, "/v1/labels", "taken", strings.Replace(present, "800000", "1", 1), http.StatusUnprocessableEntity, "idempotency_key_reused"},
		"nobody's carrier":  {http.MethodPost, "/v1/labels", "k2", strings.Replace(present, `"ups"`, `"ACME"`, 1), http.StatusUnprocessableEntity, "carrier"},
		"a member too many": {http.MethodPost, "/v1/labels", "k3", strings.Replace(present, `"carrier"`, `"carrrier"`, 1), http.StatusBadRequest, "carrrier"},
		"no weight":         {http.MethodPost, "/v1/rates", "", `{"weight_mg": 0, "to": {"name": "Jane Doe", "lines": ["1 Main St"], "city": "Reno", "country": "US"}}`, http.StatusUnprocessableEntity, "weight_mg"},
		"check at nobody's": {http.MethodPost, "/v1/addresses/check", "", `{"carrier": "ACME", "address": {"lines": ["1 Main St"], "postal_code": "89501", "country": "US"}}`, http.StatusUnprocessableEntity, "carrier"},
		"check abroad":      {http.MethodPost, "/v1/addresses/check", "", `{"address": {"lines": ["1 Main St"], "postal_code": "89501", "country": "DE"}}`, http.StatusUnprocessableEntity, "country"},
		"no such label":     {http.MethodGet, "/v1/postage/ACME/none", "", "", http.StatusNotFound, "not_found"},
		"void of none":      {http.MethodPost, "/v1/postage/ACME/none/void", "", `{"reason": "x"}`, http.StatusNotFound, "not_found"},
		"track of none":     {http.MethodGet, "/v1/postage/ACME/none/tracking", "", "", http.StatusNotFound, "not_found"},
		"nobody's number":   {http.MethodGet, "/v1/tracking/ups/1Z12345E0000000000", "", "", http.StatusNotFound, "not_found"},
		"nobody's tracking": {http.MethodGet, "/v1/tracking/ACME/1Z", "", "", http.StatusUnprocessableEntity, "carrier"},
	} {
		res, b := s.call(c.method, c.path, c.key, "", c.body)
		if res.StatusCode != c.status || !strings.Contains(string(b), c.says) {
			t.Errorf("%s: %d %s", name, res.StatusCode, b)
		}
	}
}

func TestShipVerbs(t *testing.T) {
	t.Parallel()
	s := newParcels(t)
	parcel := append([]string{"--weight-g", "800"}, address...)
	var q ship.Quotes
	if err := json.Unmarshal([]byte(s.must(append([]string{"ship", "rate", "--json"}, parcel...)...)), &q); err != nil || len(q.Rates) < 2 || q.Rates[0].Cost.Minor > q.Rates[1].Cost.Minor {
		t.Errorf("%+v, %v", q, err)
	}
	if out := s.must(append([]string{"ship", "address"}, address...)...); !strings.Contains(out, "ups says: deliverable") || !strings.Contains(out, "1 MAIN ST") {
		t.Error(out)
	}
	file := filepath.Join(t.TempDir(), "label.zpl")
	buy := append([]string{"ship", "label", "--key", "gift-7", "--carrier", "ups", "--out", file}, parcel...)
	out := s.must(buy...)
	if !strings.Contains(out, "is bought at ups") || s.must(buy...) != out || s.ups.Truth().Standing("") != 1 {
		t.Errorf("%s; %d labels stand", out, s.ups.Truth().Standing(""))
	}
	if b, err := os.ReadFile(file); err != nil || len(b) == 0 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	id := strings.Fields(out)[1]
	if out := s.must("ship", "show", id); !strings.Contains(out, "is bought") {
		t.Error(out)
	}
	s.until("it is listed", func() bool { return strings.Contains(s.must("ship", "list", "--status", "bought"), id) })
	if out := s.must("ship", "track", id); !strings.Contains(out, "is created") {
		t.Error(out)
	}
	if out := s.must("ship", "void", id, "--reason", "wrong box"); !strings.Contains(out, "is voided") || s.ups.Truth().Standing("") != 0 {
		t.Error(out)
	}
	for _, bad := range [][]string{
		append([]string{"ship", "label"}, parcel...), {"ship", "void", id}, {"ship", "rate", "--weight-g", "800", "--length-mm", "3"},
		{"ship", "track", "1Z"}, {"ship", "show", "none"}, {"ship", "list", "--status", "open"},
	} {
		if out, _, code := s.run(bad...); code == 0 {
			t.Errorf("%v: %s", bad, out)
		}
	}
	if out := s.must("__complete", "ship", "label", "--carrier", ""); !strings.Contains(out, "ups") {
		t.Errorf("completion:\n%s", out)
	}
}

package webhook_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/paklog/hub/adapters/internal/doormem"
	"github.com/paklog/hub/adapters/webhook"
	"github.com/paklog/hub/core/scope"
)

const (
	secretOld = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secretNew = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	placed    = `{"type":"order.placed","timestamp":"2026-11-23T07:59:00Z","data":{"number":"W-1","lines":[{"item":"A-1","qty":2}],"ship_to":{"name":"Ada"}}}`
	cancelled = `{"type":"order.cancelled","data":{"number":"W-1","reason":"customer"}}`
)

var now = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

type shop struct {
	t    *testing.T
	door *doormem.Door
	h    http.Handler
}

func open(t *testing.T, secrets ...string) *shop {
	t.Helper()
	d := doormem.New()
	h, err := webhook.New(webhook.Config{
		Sources: map[string]webhook.Source{"shop": {Scope: scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}, Secrets: secrets}},
		MaxBody: 64 << 10,
	}, webhook.Deps{Door: d, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return &shop{t, d, h}
}

// event is signed by the library that Standard Webhooks gives to senders.
func (s *shop) event(secret, id string, at time.Time, body string) *http.Request {
	s.t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		s.t.Fatal(err)
	}
	sig, err := wh.Sign(id, at, []byte(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "/webhooks/shop", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
	r.Header.Set("webhook-signature", sig)
	return r
}

func (s *shop) send(r *http.Request) (int, string) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestSignedEventPlacesAndCancels(t *testing.T) {
	t.Parallel()
	s := open(t, secretOld)
	if code, body := s.send(s.event(secretOld, "msg_1", now, placed)); code != 200 {
		t.Fatalf("status %d: %s", code, body)
	}
	code, body := s.send(s.event(secretOld, "msg_2", now, cancelled))
	if code != 200 || !strings.Contains(body, `"drop":true`) {
		t.Errorf("status %d: %s", code, body)
	}
	for _, o := range s.door.Orders() {
		if o.Source.Door != "webhook" || o.Source.Partner != "shop" || o.Source.DocID != "msg_1" {
			t.Errorf("source is %+v", o.Source)
		}
	}
}

func TestDuplicateDeliveryGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	s := open(t, secretOld)
	_, first := s.send(s.event(secretOld, "msg_1", now, placed))
	code, again := s.send(s.event(secretOld, "msg_1", now.Add(time.Minute), placed))
	if code != 200 || again != first {
		t.Errorf("status %d: %s", code, again)
	}
	code, body := s.send(s.event(secretOld, "msg_1", now, strings.Replace(placed, `"qty":2`, `"qty":3`, 1)))
	if code != 422 || !strings.Contains(body, "idempotency_key_reused") || !strings.Contains(body, `webhook-id \"msg_1\" came before`) || strings.Contains(body, "idempotency key") {
		t.Errorf("another body under the id: status %d: %s", code, body)
	}
	if n := s.door.Decided(); n != 1 {
		t.Errorf("%d decisions", n)
	}
}

func TestSecretsRotate(t *testing.T) {
	t.Parallel()
	s := open(t, secretOld, secretNew)
	for i, secret := range []string{secretOld, secretNew} {
		if code, body := s.send(s.event(secret, fmt.Sprint("msg_", i), now, placed)); code != 200 {
			t.Errorf("secret %d: status %d: %s", i, code, body)
		}
	}
	// A sender that rotates signs with both.
	r := s.event(secretNew, "msg_3", now, placed)
	r.Header.Set("webhook-signature", "v1a,xyz v1,AAAA "+r.Header.Get("webhook-signature"))
	only := open(t, secretNew)
	if code, body := only.send(r); code != 200 {
		t.Errorf("two signatures: status %d: %s", code, body)
	}
	if code, _ := only.send(s.event(secretOld, "msg_4", now, placed)); code != 401 {
		t.Errorf("a secret that is gone: status %d", code)
	}
}

func TestBadDeliveriesAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, secretOld)
	with := func(old, other string) string { return strings.Replace(placed, old, other, 1) }
	signed := func(body string) *http.Request { return s.event(secretOld, "msg_9", now, body) }
	header := func(k, v string) *http.Request {
		r := signed(placed)
		r.Header.Set(k, v)
		return r
	}
	twice := signed(placed)
	twice.Header.Add("webhook-id", "msg_8")
	changed := s.event(secretOld, "msg_9", now, placed)
	changed.Body = http.NoBody
	changed.ContentLength = 0
	elsewhere := signed(placed)
	elsewhere.URL.Path = "/webhooks/nobody"
	for name, c := range map[string]struct {
		r           *http.Request
		status      int
		code, place string
	}{
		"another secret":            {s.event(secretNew, "msg_9", now, placed), 401, "signature_invalid", ""},
		"another body":              {changed, 401, "signature_invalid", ""},
		"another id":                {header("webhook-id", "msg_10"), 401, "signature_invalid", ""},
		"another time":              {header("webhook-timestamp", fmt.Sprint(now.Unix()+1)), 401, "signature_invalid", ""},
		"a time that is none":       {header("webhook-timestamp", "yesterday"), 401, "signature_invalid", ""},
		"no signature":              {header("webhook-signature", ""), 401, "signature_invalid", ""},
		"a signature of version 2":  {header("webhook-signature", strings.Replace(signed(placed).Header.Get("webhook-signature"), "v1,", "v2,", 1)), 401, "signature_invalid", ""},
		"a hundred signatures":      {header("webhook-signature", strings.Repeat("v1,AAAA ", 100)+signed(placed).Header.Get("webhook-signature")), 401, "signature_invalid", ""},
		"two ids":                   {twice, 401, "signature_invalid", ""},
		"an id with a dot":          {s.event(secretOld, "a.b", now, placed), 401, "signature_invalid", ""},
		"stale":                     {s.event(secretOld, "msg_9", now.Add(-5*time.Minute-time.Second), placed), 401, "timestamp_outside_window", ""},
		"from the future":           {s.event(secretOld, "msg_9", now.Add(5*time.Minute+time.Second), placed), 401, "timestamp_outside_window", ""},
		"an unknown source":         {elsewhere, 404, "not_found", ""},
		"form data":                 {header("Content-Type", "application/x-www-form-urlencoded"), 415, "malformed", ""},
		"empty":                     {signed(""), 400, "malformed", ""},
		"truncated":                 {signed(placed[:90]), 400, "malformed", "data.lines"},
		"huge":                      {signed(with("Ada", strings.Repeat("a", 70<<10))), 413, "malformed", ""},
		"latin-1":                   {signed(with("Ada", "M\xfcller")), 400, "malformed", ""},
		"an unknown field":          {signed(with(`"qty"`, `"count"`)), 400, "malformed", "data.lines[0]"},
		"a field twice":             {signed(with(`"number":"W-1"`, `"number":"W-1","number":"W-2"`)), 400, "malformed", "data.number"},
		"an unknown type":           {signed(with("order.placed", "order.paid")), 422, "invalid", "type"},
		"a negative quantity":       {signed(with(`"qty":2`, `"qty":-2`)), 422, "invalid", "data.lines[0].qty"},
		"somebody else's order":     {signed(with(`"number"`, `"owner":"OTHER","number"`)), 409, "rejected", "data.owner"},
		"a cancel of nothing known": {signed(strings.Replace(cancelled, "W-1", "W-404", 1)), 409, "rejected", "order"},
	} {
		t.Run(name, func(t *testing.T) {
			code, body := s.send(c.r)
			var p struct {
				Code   string
				Errors []struct{ Place string }
			}
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			place := ""
			if len(p.Errors) > 0 {
				place = p.Errors[0].Place
			}
			if code != c.status || p.Code != c.code || place != c.place {
				t.Errorf("status %d, code %s, place %q\nwant %d, %s, %q: %s", code, p.Code, place, c.status, c.code, c.place, body)
			}
		})
	}
	if n := len(s.door.Orders()); n != 0 {
		t.Errorf("%d orders came of it", n)
	}
}

func TestSourcesNeedGoodSecrets(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]string{
		"none":       nil,
		"short":      {"whsec_c2hvcnQ="},
		"not base64": {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!"},
	} {
		_, err := webhook.New(webhook.Config{Sources: map[string]webhook.Source{
			"shop": {Scope: scope.Scope{Tenant: "m", Owner: "o", Facility: "f"}, Secrets: secrets},
		}}, webhook.Deps{Door: doormem.New(), Now: time.Now})
		if err == nil {
			t.Errorf("%s: taken", name)
		} else if len(secrets) > 0 && strings.Contains(err.Error(), secrets[0]) {
			t.Errorf("%s: the secret is told: %v", name, err)
		}
	}
}

// Standard Webhooks signs the body as it is sent: of a packed one, what is packed.
func TestASignatureIsOfTheBodyAsItWasSent(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(placed)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	s := open(t, secretOld)
	r := s.event(secretOld, "msg_1", now, packed.String())
	r.Header.Set("Content-Encoding", "gzip")
	if code, body := s.send(r); code != 200 {
		t.Errorf("signed as sent: status %d: %s", code, body)
	}
	r = s.event(secretOld, "msg_2", now, placed) // signed before it was packed
	r.Body, r.ContentLength = io.NopCloser(&packed), int64(packed.Len())
	r.Header.Set("Content-Encoding", "gzip")
	if code, _ := s.send(r); code != 401 {
		t.Errorf("signed before it was packed: status %d", code)
	}
	bomb := new(bytes.Buffer)
	z = gzip.NewWriter(bomb)
	if _, err := z.Write(make([]byte, 1<<20)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	r = s.event(secretOld, "msg_3", now, bomb.String())
	r.Header.Set("Content-Encoding", "gzip")
	if code, _ := s.send(r); code != 413 {
		t.Errorf("a bomb: status %d", code)
	}
}

func TestPathsThatAreNoneAreProblems(t *testing.T) {
	t.Parallel()
	s := open(t, secretOld)
	for path, want := range map[string]int{"/webhooks/": 404, "/webhooks/a/b": 404, "/webhooks/nobody": 404} {
		w := httptest.NewRecorder()
		s.h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil))
		if w.Code != want || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), `"urn:paklog:problem:not_found"`) {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
}

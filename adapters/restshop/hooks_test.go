package restshop_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/restshop"
	"github.com/paklog/hub/adapters/restshop/platformsim"
	"github.com/paklog/hub/core/shop"
	connector "github.com/paklog/hub/transforms/restshop"
)

// hinted is a door that keeps what it was told.
type hinted struct{ hints []shop.Hint }

func (h *hinted) Call(_ context.Context, _ string, v any) (any, error) {
	h.hints = append(h.hints, v.(shop.Hint))
	return nil, nil
}

const oldSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// A webhook is a hint, signed with either of two secrets while one takes the other's place, and nothing else
// is one.
func TestWebhooksOfPlatforms(t *testing.T) {
	t.Parallel()
	now := simtest.NewClock().Now()
	const body = `{"type":"order.changed","data":{"id":"o/7"}}`
	for name, x := range map[string]struct {
		to, secret, id, body string
		at                   time.Time
		status, hints        int
	}{
		"as it should be":         {status: 204, hints: 1},
		"by the secret before":    {secret: oldSecret, status: 204, hints: 1},
		"of something else":       {body: `{"type":"product.changed","data":{"id":"7"}}`, status: 204},
		"of nobody":               {to: "/webhooks/platform/other", status: 404},
		"by somebody else":        {secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", status: 401},
		"an old one":              {at: now.Add(-time.Hour), status: 401},
		"one of tomorrow":         {at: now.Add(24 * time.Hour), status: 401},
		"without an id":           {id: "-", status: 401},
		"without a type":          {body: `{"data":{"id":"7"}}`, status: 422},
		"with a number for an id": {body: `{"type":"order.changed","data":{"id":7}}`, status: 422},
		"no JSON":                 {body: `order 7`, status: 422},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &hinted{}
			h := restshop.Hooks(map[string]restshop.HookSource{"main": {Connector: connector.Platform(), Secrets: []string{platformsim.Secret, oldSecret}}},
				restshop.HookDeps{Door: d, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler)})
			or := func(a, b string) string {
				if a == "" {
					return b
				}
				return a
			}
			at := now
			if !x.at.IsZero() {
				at = x.at
			}
			text, id := or(x.body, body), or(x.id, "msg-1")
			with, err := standardwebhooks.NewWebhook(or(x.secret, platformsim.Secret))
			if err != nil {
				t.Fatal(err)
			}
			signature, err := with.Sign(id, at, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, or(x.to, "/webhooks/platform/main"), strings.NewReader(text))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
			r.Header.Set("webhook-signature", signature)
			if id != "-" {
				r.Header.Set("webhook-id", id)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != x.status || len(d.hints) != x.hints {
				t.Errorf("%d %s, %+v", w.Code, w.Body, d.hints)
			}
			if x.hints == 1 && (d.hints[0].About != "orders/o%2F7" || d.hints[0].ID != "msg-1" || d.hints[0].Shop != "main") {
				t.Errorf("%+v", d.hints[0])
			}
		})
	}
}

// What a connection lacks is said before anything is sent.
func TestConnectionsThatLackSomething(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*restshop.Config){
		"access_token: the connector's auth bearer": func(c *restshop.Config) { c.AccessToken = nil },
		"client_secret: what is changed is signed":  func(c *restshop.Config) { c.ClientSecret = nil },
		"at least 24 bytes":                         func(c *restshop.Config) { c.ClientSecret = secret("whsec_c2hvcnQ=") },
		"url: is":                                   func(c *restshop.Config) { c.BaseURL = "shop.example" },
		"connector: nothing says":                   func(c *restshop.Config) { c.Connector = nil },
		"connection: is empty":                      func(c *restshop.Config) { c.Connection = "" },
		"client_id, client_secret: the connector's": func(c *restshop.Config) { c.Connector, c.ClientSecret = example(t, "oauth2"), nil },
	} {
		cfg := restshop.Config{
			Connection: "shop.main", BaseURL: "https://shop.example", Connector: connector.Platform(), AccessToken: secret("k"), ClientSecret: secret(platformsim.Secret), Now: time.Now,
		}
		change(&cfg)
		if c, err := restshop.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %s", c, err, want)
		}
	}
}

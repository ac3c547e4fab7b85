package rest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/paklog/hub/adapters/rest"
)

// Every path parameter is described and so read: huma leaves out what it cannot see.
func TestDescriptionIsValidAndWhole(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{Version: "1.2.3"}, nil)
	_, body := h.must(200, "GET", "/openapi.json", "")
	doc, err := openapi3.NewLoader().LoadFromData([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.DisableExamplesValidation()); err != nil {
		t.Errorf("not valid OpenAPI: %v", err)
	}
	if _, async := h.must(200, "GET", "/asyncapi.json", ""); !strings.Contains(async, `"asyncapi": "3.0.0"`) || !strings.Contains(async, `"version": "1.2.3"`) {
		t.Errorf("AsyncAPI: %.200s", async)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Info.Version != "1.2.3" {
		t.Errorf("OpenAPI %s of version %s", doc.OpenAPI, doc.Info.Version)
	}
	names := regexp.MustCompile(`\{(\w+)\}`)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for _, m := range names.FindAllStringSubmatch(path, -1) {
				if op.Parameters.GetByInAndName("path", m[1]) == nil {
					t.Errorf("%s %s: parameter %s is not described", method, path, m[1])
				}
			}
			if op.Responses.Value("default") == nil {
				t.Errorf("%s %s: no problem is described", method, path)
			}
		}
	}
	if hook := doc.Paths.Value("/webhooks/{source}"); hook == nil || hook.Post.RequestBody == nil || hook.Post.Parameters.GetByInAndName("header", "webhook-signature") == nil {
		t.Error("the door of webhooks is not described")
	}
	place := doc.Paths.Value("/v1/orders").Post
	if place.RequestBody == nil || place.RequestBody.Value.Content["application/json"] == nil || place.Parameters.GetByInAndName("header", "Idempotency-Key") == nil {
		t.Error("placing an order is not described")
	}
}

// Answers are as they are described.
func TestAnswersFitTheirDescription(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Views = orders(2) })
	_, body := h.must(200, "GET", "/openapi.json", "")
	doc, err := openapi3.NewLoader().LoadFromData([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, at, body string
		status                 int
	}{
		{"POST", "/v1/orders", "/v1/orders", placed, 201},
		{"POST", "/v1/orders", "/v1/orders", placed[:20], 400},
		{"POST", "/v1/items", "/v1/items", `{"sku":"Z","units":[{"uom":"each","factor":1}]}`, 201},
		{"POST", "/v1/stock/receive", "/v1/stock/receive", `{"item":"A-1","location":"P","qty":1}`, 201},
		{"GET", "/v1/orders/{owner}/{number}", "/v1/orders/ACME/SO%2F01", "", 200},
		{"GET", "/v1/orders", "/v1/orders", "", 200},
	} {
		_, got := h.must(c.status, c.method, c.at, c.body)
		responses := doc.Paths.Value(c.path).GetOperation(c.method).Responses
		r, media := responses.Status(c.status), "application/json"
		if r == nil {
			r, media = responses.Default(), "application/problem+json"
		}
		var v any
		if err := json.Unmarshal([]byte(got), &v); err != nil {
			t.Fatal(err)
		}
		if err := r.Value.Content[media].Schema.Value.VisitJSON(v); err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
		}
	}
}

func TestPageIsServedFromTheBinaryAlone(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, nil)
	_, page := h.must(200, "GET", "/docs", "")
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if strings.HasPrefix(m[1], "data:") {
			continue
		}
		if strings.Contains(m[1], "//") {
			t.Errorf("the page loads %s from elsewhere", m[1])
			continue
		}
		res, err := http.DefaultTransport.RoundTrip(get(t, h.url+m[1]))
		if err != nil {
			t.Fatal(err)
		}
		n, _ := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusOK || n == 0 {
			t.Errorf("%s: status %d, %d bytes", m[1], res.StatusCode, n)
		}
	}
	if !strings.Contains(page, "openapi.json") {
		t.Error("the page does not name the description")
	}
}

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// What is not there, or not with this method, is a problem wherever it is asked for.
func TestWhatIsNotThereIsAProblem(t *testing.T) {
	t.Parallel()
	const secret = "0123456789abcdefghijklmnop"
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") })
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Metrics = metrics })
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/docs/nope.js", 404}, {"GET", "/docs//x", 404}, {"GET", "//v1//orders", 404}, {"GET", "/v1/items//MUG", 422},
		{"GET", "/nothing", 404}, {"POST", "/metrics", 405}, {"DELETE", "/healthz", 405},
	} {
		res, body := h.send(c.method, c.path, "")
		if res.StatusCode != c.status || res.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(body, `"urn:paklog:problem:`) {
			t.Errorf("%s %s: %d %v %s", c.method, c.path, res.StatusCode, res.Header, body)
		}
		if allow := res.Header.Get("Allow"); c.status == 405 && !strings.Contains(allow, "GET") {
			t.Errorf("%s %s: Allow is %q", c.method, c.path, allow)
		}
	}
	if _, body := h.must(200, "GET", "/metrics", ""); body != "up 1\n" {
		t.Errorf("metrics are %q", body)
	}
	// Where there are keys, who has none learns nothing of how the hub does.
	h = serve(t, rest.Config{Keys: []rest.Key{{Client: "prometheus", Secret: secret}}}, func(d *rest.Deps) { d.Metrics = metrics })
	h.refused(401, "GET", "/metrics", "")
	h.must(200, "GET", "/metrics", "", "Authorization", "Bearer "+secret)
	h.must(200, "GET", "/openapi.json", "") // says nothing of this hub
}

package rest_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/paklog/hub/adapters/rest"
)

// secretOf is the key of somebody.
func secretOf(who string) string { return who + "-holds-this-key-and-nobody-else" }

func keyOf(who string, r rest.Rights) rest.Key {
	return rest.Key{Client: who, Secret: secretOf(who), Rights: r}
}

// leastRole is who may call an operation, by what stands in the paths and methods alone.
func leastRole(method, path string) rest.Role {
	under := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
	}
	read := method == http.MethodGet
	switch {
	case under("/v1/letters", "/v1/letter-groups", "/v1/letter-searches", "/v1/letter-edits", "/v1/replays"):
		if read && !strings.HasSuffix(path, "/edit") {
			return rest.Viewer
		}
		return rest.Support
	case under("/v1/postage", "/v1/rates", "/v1/tracking", "/v1/addresses"):
		return rest.Operator
	case !read && (under("/v1/devices") || strings.Contains(path, "/certificates")):
		return rest.Admin
	case read, under("/v1/session"):
		return rest.Viewer
	}
	return rest.Operator
}

type called struct{ id, method, path, tag, least string }

// operations are all that the description has, with something in the place of each parameter.
func operations(t *testing.T, h *hub) (out []called) {
	t.Helper()
	_, body := h.must(200, "GET", "/openapi.json", "")
	doc, err := openapi3.NewLoader().LoadFromData([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if path == "/webhooks/{source}" || op.OperationID == "enrol-device" || op.OperationID == "stream-pulse" {
				continue // other doors; and one that does not end
			}
			least, _ := op.Extensions["x-paklog-role"].(string)
			out = append(out, called{op.OperationID, method, path, op.Tags[0], least})
		}
	}
	if len(out) < 100 {
		t.Fatalf("%d operations are described", len(out))
	}
	return out
}

var parameter = regexp.MustCompile(`\{\w+\}`)

func (c called) at() string { return parameter.ReplaceAllString(c.path, "1") }

// Whoever has too small a role is refused at every endpoint there is, whatever he sends; whoever
// has it is not. The description says the same.
func TestTheMatrixOfRoles(t *testing.T) {
	t.Parallel()
	roles := []rest.Role{rest.Viewer, rest.Support, rest.Operator, rest.Admin}
	cfg := rest.Config{Keys: []rest.Key{keyOf("plain", rest.Rights{})}}
	for _, r := range roles {
		cfg.Keys = append(cfg.Keys, keyOf(string(r), rest.Rights{Role: r}))
	}
	h := serve(t, cfg, nil)
	refused, passed := 0, 0
	for _, c := range operations(t, h) {
		least := leastRole(c.method, c.path)
		if c.tag == "papers" {
			least = rest.Operator
		}
		if c.least != string(least) {
			t.Errorf("%s %s needs %s by its description, want %s", c.method, c.path, c.least, least)
		}
		if res, body := h.send(c.method, c.at(), ""); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s %s without a key: %d %s", c.method, c.path, res.StatusCode, body)
		}
		for i, r := range append(roles, "plain") {
			res, body := h.send(c.method, c.at(), "", "X-API-Key", secretOf(string(r)))
			var p problem
			_ = json.Unmarshal([]byte(body), &p) // an answer that is none has no code
			no := res.StatusCode == http.StatusForbidden && p.Code == "role"
			if want := i < slices.Index(roles, least); no != want {
				t.Errorf("%s %s by %s: %d %s, refused for the role: %v, want %v", c.method, c.path, r, res.StatusCode, p.Code, no, want)
			}
			if no {
				refused++
			} else {
				passed++
			}
		}
	}
	if refused < 200 || passed < 200 {
		t.Errorf("%d refused, %d passed: the matrix proves little", refused, passed)
	}
}

// A key that is for a part of the API, or narrowed to letters of a partner, opens nothing else.
func TestScopesAndNarrowedKeys(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{Keys: []rest.Key{
		keyOf("shop", rest.Rights{Role: rest.Operator, Scopes: []string{"orders"}}),
		keyOf("acme", rest.Rights{Role: rest.Support, Partners: []string{"ACME"}}),
		keyOf("night", rest.Rights{Role: rest.Operator, Routes: []string{"x12.orders"}}),
	}}, func(d *rest.Deps) {
		d.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	})
	code := func(who, method, path string) (int, string) {
		res, body := h.send(method, path, "", "Authorization", "Bearer "+secretOf(who))
		var p problem
		_ = json.Unmarshal([]byte(body), &p)
		return res.StatusCode, p.Code
	}
	about := []string{"get-letter", "replay-letter", "drop-letter", "get-letter-edit", "check-letter-edit", "propose-letter-edit", "approve-letter-edit", "withdraw-letter-edit"}
	for _, c := range operations(t, h) {
		if c.tag == "session" {
			continue // of whoever it is
		}
		if status, why := code("shop", c.method, c.at()); (status == http.StatusForbidden) != (c.tag != "orders") {
			t.Errorf("the shop's key at %s %s, of %s: %d %s", c.method, c.path, c.tag, status, why)
		}
		status, why := code("acme", c.method, c.at())
		// No desk is there to look a letter up: that nobody knows lets nobody pass.
		if letter := slices.Contains(about, c.id); letter && status != http.StatusServiceUnavailable || !letter && status != http.StatusForbidden {
			t.Errorf("ACME's key at %s %s: %d %s", c.method, c.path, status, why)
		}
	}
	for path, want := range map[string]int{
		"GET /v1/letters/search?partner=ACME": http.StatusServiceUnavailable, "GET /v1/letters/search": http.StatusForbidden, "GET /v1/letters/search?partner=acme": http.StatusForbidden,
		"GET /v1/letters/search?partner=ACME&partner=BETA": http.StatusServiceUnavailable, "GET /v1/letters/export?partner=BETA": http.StatusForbidden, "GET /metrics": http.StatusForbidden,
	} {
		method, at, _ := strings.Cut(path, " ")
		if status, why := code("acme", method, at); status != want {
			t.Errorf("ACME's key at %s: %d %s, want %d", path, status, why, want)
		}
	}
	for path, want := range map[string]int{
		"POST /v1/routes/x12.orders/pause": http.StatusServiceUnavailable, "POST /v1/routes/x12.split/pause": http.StatusForbidden, "POST /v1/routes/x12.orders%2F..%2Fx12.split/pause": http.StatusForbidden, "GET /metrics": http.StatusForbidden,
	} {
		method, at, _ := strings.Cut(path, " ")
		if status, why := code("night", method, at); status != want {
			t.Errorf("the night's key at %s: %d %s, want %d", path, status, why, want)
		}
	}
	if status, _ := code("shop", "GET", "/metrics"); status != http.StatusForbidden {
		t.Errorf("the shop's key at /metrics: %d", status)
	}
}

// A key opens until it expires, to the moment, and then nothing.
func TestAKeyExpires(t *testing.T) {
	t.Parallel()
	end := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	now := end.Add(-time.Second)
	h := serve(t, rest.Config{Keys: []rest.Key{keyOf("ann", rest.Rights{Expires: end})}}, func(d *rest.Deps) { d.Now = func() time.Time { return now } })
	h.must(http.StatusOK, "GET", "/v1/schemas", "", "X-API-Key", secretOf("ann"))
	for _, at := range []time.Duration{0, time.Hour} {
		now = end.Add(at)
		if p := h.refused(http.StatusUnauthorized, "GET", "/v1/schemas", "", "X-API-Key", secretOf("ann")); !strings.Contains(p.Detail, "expired") {
			t.Errorf("%s later: %s", at, p.Detail)
		}
	}
	// Nor does a wrong key learn that there was one.
	if p := h.refused(http.StatusUnauthorized, "GET", "/v1/schemas", "", "X-API-Key", "not-a-key-that-anybody-has"); strings.Contains(p.Detail, "expired") {
		t.Error(p.Detail)
	}
	if _, err := rest.New(rest.Config{Keys: []rest.Key{keyOf("ann", rest.Rights{Role: "king"})}}, rest.Deps{Door: h.door, Now: time.Now}); err == nil {
		t.Error("a role that there is not was taken")
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/accesslog"
)

// freePort is an address of this machine that nobody has at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestRequestsAreWrittenDown asks each door that speaks HTTP, well and badly.
func TestRequestsAreWrittenDown(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir, addr, as2 := filepath.Dir(s.config), freePort(t), freePort(t)
	const key = "0123456789abcdef0123456789abcdef"
	speaking(t, s, validPair(t, "ours"), validPair(t, "acme"), "")
	for file, text := range map[string]string{"key": key, "whsec": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.Replace(readme(t, s.config), `http: {listen: "127.0.0.1:0"}`, fmt.Sprintf("http: {listen: %q, keys: {erp: {key_file: key}}}", addr), 1)
	text = strings.Replace(text, `listen: "127.0.0.1:0"`, fmt.Sprintf("listen: %q", as2), 1)
	file := filepath.Join(dir, "logs", "access.log")
	text += fmt.Sprintf("webhooks: {shop: {secret_file: whsec, owner: ACME}}\nlog: {access: {file: %s}}\n", file)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := s.serve()
	ask := func(method, url string, header map[string]string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range header {
			req.Header.Set(k, v)
		}
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	ask(http.MethodGet, "http://"+addr+"/v1/orders/ACME/JANE-DOE?owner=ACME", map[string]string{"Authorization": "Bearer " + key, "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
	ask(http.MethodGet, "http://"+addr+"/v1/orders", map[string]string{"X-API-Key": key + "wrong"})
	ask(http.MethodGet, "http://"+addr+"/v1/orders-of-jane-doe", nil)
	ask(http.MethodPost, "http://"+addr+"/webhooks/shop", map[string]string{"Webhook-Id": "jane-doe", "Content-Type": "application/json"})
	ask(http.MethodPost, "http://"+as2+"/jane-doe", map[string]string{"AS2-From": "JANE-DOE", "AS2-To": "OURS", "AS2-Version": "1.2", "Message-Id": "<jane-doe>"})
	ask(http.MethodGet, "http://"+addr+"/healthz", nil)
	ask(http.MethodGet, "http://"+addr+"/metrics", map[string]string{"X-API-Key": key})
	stop()

	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"jane", key[:20]} {
		if bytes.Contains(bytes.ToLower(b), []byte(secret)) {
			t.Errorf("%s stands in\n%s", secret, b)
		}
	}
	var got []string
	for line := range strings.Lines(string(b)) {
		var l accesslog.Line
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.Time.IsZero() || l.Remote != "127.0.0.1" || l.Bytes == 0 {
			t.Errorf("%s", line)
		}
		got = append(got, strings.TrimSpace(fmt.Sprint(l.Door, " ", l.Method, " ", l.Path, " ", l.Status, " ", l.Key, " ", l.Trace)))
	}
	want := []string{
		"http GET /v1/orders/{owner}/{number} 422 erp 0af7651916cd43dd8448eb211c80319c", "http GET /v1/orders 401", "http GET * 404",
		"http POST /webhooks/{source} 401", "as2 POST * 403", "http GET /healthz 200", "http GET /metrics 200 erp",
	}
	if !slices.Equal(got, want) {
		t.Errorf("written\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestALogThatCannotBeOpenedStopsTheStart(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.configure("log: {access: {file: " + filepath.Join(s.config, "access.log") + "}}\n") // below a file
	s.refused(1, "log.access: making the folder", "serve")
}

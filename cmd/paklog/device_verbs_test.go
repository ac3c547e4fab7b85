package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/configs"
)

// TestADeviceOverTLS enrols a device at a hub that proves itself by a certificate of ours, and
// shows what its token opens and what it does not.
func TestADeviceOverTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key, err := selfSigned([]string{"127.0.0.1"}, time.Now(), 30)
	if err != nil {
		t.Fatal(err)
	}
	cfg := defaults()
	cfg.Data, cfg.HTTP.Listen, cfg.Owner = t.TempDir(), "127.0.0.1:0", "ACME"
	cfg.HTTP.TLS = TLSConfig{filepath.Join(dir, "hub.crt"), filepath.Join(dir, "hub.key")}
	if err := serve(t.Context(), cfg, slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), "http.tls") {
		t.Fatalf("without its certificate: %v", err)
	}
	for path, b := range map[string][]byte{cfg.HTTP.TLS.Certificate: cert, cfg.HTTP.TLS.PrivateKey: key} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const admin = "an-api-key-that-is-long-enough"
	cfg.HTTP.Keys = map[string]KeyConfig{"erp": {Key: configs.NewSecret(admin)}}
	ctx, cancel := context.WithCancel(t.Context())
	addr, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- serve(ctx, cfg, slog.New(slog.DiscardHandler), func(_ *app, a string) { addr <- a })
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(cert)
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	hub := "https://" + <-addr
	ask := func(method, path, token, body string, want int, says string) []byte {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, method, hub+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != want || !strings.Contains(string(b), says) {
			t.Fatalf("%s %s: %s, %v, want %d with %q\n%s", method, path, res.Status, err, want, says, b)
		}
		return b
	}
	ask("GET", "/scan/", "", "", 200, "PakLog scan")
	ask("POST", "/v1/devices", "", `{"device":"HH-1"}`, 401, "API key")
	ask("POST", "/v1/locations", admin, `{"location":"A-01","purpose":"pick"}`, 201, "")
	var i rest.Invitation
	if err := json.Unmarshal(ask("POST", "/v1/devices", admin, `{"device":"HH-1"}`, 201, ""), &i); err != nil {
		t.Fatal(err)
	}
	ask("POST", "/v1/devices/enrol", "", `{"code":"HH-1.AAAAAAAA"}`, 403, "wrong")
	ask("POST", "/v1/devices/enrol", "", `{"code":"nothing"}`, 422, "is no code")
	var e rest.Enrolled
	ask("POST", "/v1/devices/enrol", "", `{"code":"`+strings.ToLower(i.Code[:5])+`"}`, 403, "wrong")
	if err := json.Unmarshal(ask("POST", "/v1/devices/enrol", "", `{"code":"  `+i.Code+`  "}`, 201, ""), &e); err != nil {
		t.Fatal(err)
	}
	ask("POST", "/v1/devices/enrol", "", `{"code":"`+i.Code+`"}`, 403, "was used")

	scan := `{"worker":"jo","scans":[{"seq":1,"at":"2026-11-29T08:00:00Z","do":"sight","code":"106141412345678908","place":"A-01"}]}`
	ask("POST", "/v1/scans", e.Token, scan, 200, `"result":"done"`)
	ask("POST", "/v1/scans", e.Token, scan, 200, `"repeat":true`)
	ask("POST", "/v1/scans", e.Token, strings.Replace(scan, "A-01", "B-01", 1), 200, `"result":"invalid"`)
	ask("POST", "/v1/scans", e.Token, strings.Replace(scan, `{"worker"`, `{"device":"HH-2","worker"`, 1), 409, "HH-1 sends them")
	ask("POST", "/v1/scans", e.Token, `{"worker":"jo","scans":[]}`, 422, "scans")
	ask("POST", "/v1/scans", e.Token, `{"worker":"jo","scans":[{"seq":0,"at":"2026-11-29T08:00:00Z","do":"sight"}]}`, 422, "scans[0].seq")
	ask("POST", "/v1/scans", e.Token, `{"worker":"jo","scans":[{"seq":2,"at":"2026-11-29T08:00:00Z","do":"sight","colour":"red"}]}`, 400, "colour")
	ask("GET", "/v1/lpns/106141412345678908", e.Token, "", 200, `"where":"A-01"`)
	ask("GET", "/v1/scans/work?worker=jo", e.Token, "", 200, `"picks":[]`)
	for _, closed := range []string{"GET /v1/orders", "GET /v1/devices", "POST /v1/devices", "GET /v1/events", "POST /v1/devices/HH-1/revoke", "POST /v1/lpns/X/move"} {
		method, path, _ := strings.Cut(closed, " ")
		ask(method, path, e.Token, "", 403, "API key")
	}
	ask("GET", "/v1/lpns", e.Token[:len(e.Token)-2]+"xx", "", 401, "enrol")
	ask("POST", "/v1/scans", "pld.!.x", scan, 401, "not enrolled")
	if b := ask("GET", "/v1/devices/HH-1", admin, "", 200, "enrolled"); strings.Contains(string(b), "sha256") {
		t.Errorf("hashes are shown: %s", b)
	}
	if b := ask("POST", "/v1/devices/HH-1/revoke", admin, "", 200, "revoked"); strings.Contains(string(b), "sha256") {
		t.Errorf("hashes are shown: %s", b)
	}
	ask("POST", "/v1/scans", e.Token, scan, 401, "revoked")
}

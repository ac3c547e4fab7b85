package as2

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestWhatAPartnerMustBring(t *testing.T) {
	t.Parallel()
	here, away := netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")
	for _, c := range []struct {
		name           string
		door           Door
		user, password string
		status         int
	}{
		{name: "nothing", status: http.StatusOK},
		{name: "an address", door: Door{From: []netip.Prefix{away, here}}, status: http.StatusOK},
		{name: "another address", door: Door{From: []netip.Prefix{away}}, status: http.StatusForbidden},
		{name: "a password", door: Door{User: "acme", Password: "secret"}, user: "acme", password: "secret", status: http.StatusOK},
		{name: "a password, none brought", door: Door{User: "acme", Password: "secret"}, status: http.StatusUnauthorized},
		{name: "another password", door: Door{User: "acme", Password: "secret"}, user: "acme", password: "secre", status: http.StatusUnauthorized},
		{name: "another user", door: Door{User: "acme", Password: "secret"}, user: "", password: "secret", status: http.StatusUnauthorized},
		{name: "a certificate, over plain HTTP", door: Door{Clients: x509.NewCertPool()}, status: http.StatusForbidden},
		{name: "a short message", door: Door{MaxBytes: 1 << 16}, status: http.StatusOK},
		{name: "a shorter message", door: Door{MaxBytes: 100}, status: http.StatusRequestEntityTooLarge},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, func(_ *Config, p *Profile) { p.Door = c.door })
				h, body := r.message("<1@acme>", order)
				if c.user+c.password != "" {
					h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.password)))
				}
				var sent io.Reader = bytes.NewReader(body)
				if chunked {
					sent = struct{ io.Reader }{sent} // nobody says how long it is
				}
				got := r.post(h, sent)
				if got.status != c.status {
					t.Errorf("status %d: %s", got.status, got.body)
				}
				if got.status == http.StatusUnauthorized && got.header.Get("Www-Authenticate") == "" {
					t.Error("nobody says how to authenticate")
				}
				if taken := len(r.desk.documents); taken != 1 && c.status == http.StatusOK || taken > 0 && c.status != http.StatusOK {
					t.Errorf("%d documents are taken", taken)
				}
			})
		}
	}
}

func TestWhoBringsACertificate(t *testing.T) {
	t.Parallel()
	agreed := certificate(t, "client", newKey(t))
	for _, c := range []struct {
		name   string
		brings *Certificate
		status int
	}{
		{"the one that was agreed", &agreed, http.StatusOK},
		{"none", nil, http.StatusForbidden},
		{"another", func() *Certificate { other := certificate(t, "client", newKey(t)); return &other }(), http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			clients := x509.NewCertPool()
			clients.AddCert(agreed.Certificate)
			r := newRig(t, func(_ *Config, p *Profile) { p.Door.Clients = clients })
			secure := httptest.NewUnstartedServer(r.station)
			secure.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
			secure.StartTLS()
			defer secure.Close()
			r.server.Close()
			r.server = secure
			if c.brings != nil {
				secure.Client().Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{{Certificate: [][]byte{c.brings.Raw}, PrivateKey: c.brings.Key}}
			}
			h, body := r.message("<1@acme>", order)
			if got := r.post(h, bytes.NewReader(body)); got.status != c.status {
				t.Errorf("status %d: %s", got.status, got.body)
			}
		})
	}
}

func TestAPartnerHasNoMoreThanHisShare(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ *Config, p *Profile) { p.Door.AtOnce = 1 })
	r.station.atOnce["ACME"] <- struct{}{} // one is being taken
	h, body := r.message("<1@acme>", order)
	if got := r.post(h, bytes.NewReader(body)); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	<-r.station.atOnce["ACME"]
	if got := r.post(h, bytes.NewReader(body)); got.status != http.StatusOK || len(r.station.slots) != 0 {
		t.Errorf("status %d: %s; %d slots are kept", got.status, got.body, len(r.station.slots))
	}
}

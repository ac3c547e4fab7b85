package rest

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestDevicesEnrolOverTLSOrOnThisMachine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from string
		tls  bool
		ok   bool
	}{
		"over TLS from anywhere":       {"203.0.113.7:4000", true, true},
		"this machine":                 {"127.0.0.1:4000", false, true},
		"this machine by IPv6":         {"[::1]:4000", false, true},
		"this machine, mapped":         {"[::ffff:127.0.0.1]:4000", false, true},
		"plain http from the building": {"192.168.1.20:4000", false, false},
		"plain http from anywhere":     {"203.0.113.7:4000", false, false},
		"nobody knows from where":      {"", false, false},
	} {
		r := httptest.NewRequest(http.MethodPost, enrolPath, nil)
		r.RemoteAddr, r.TLS = c.from, nil
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		p := overTLS(r)
		if (p == nil) != c.ok || p != nil && !strings.Contains(p.Detail, "http.tls") {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

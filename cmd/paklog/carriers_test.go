package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/fedex/fedexsim"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/adapters/usps/uspssim"
)

// An order that names no carrier goes with the cheapest of three, one that names a carrier
// with that one. The first answers of FedEx and USPS are lost: what was bought then is given
// back there, and printed again here.
func TestThreeCarriersAreHosted(t *testing.T) {
	t.Parallel()
	ups, err := upssim.New(upssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ups.Close() })
	fedex, err := fedexsim.New(fedexsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fedex.Close() })
	usps, err := uspssim.New(uspssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { usps.Close() })
	url := func(h http.Handler) string {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		return srv.URL
	}
	s := newShell(t)
	text := fmt.Sprintf(`%scarriers:
  ups: {url: %q, client_id: %q, client_secret_file: secret, account: %q}
  fedex: {url: %q, client_id: %q, client_secret_file: secret, account: %q, timeout: 2s, resolve_after: 1s}
  usps: {url: %q, client_id: %q, client_secret_file: secret, account: %q, crid: %q, mid: %q, timeout: 2s, resolve_after: 1s}
`, readme(t, s.config), url(ups), upssim.ClientID, upssim.Account, url(fedex), fedexsim.ClientID, fedexsim.Account,
		url(usps), uspssim.ClientID, uspssim.Account, uspssim.CRID, uspssim.MID)
	for path, content := range map[string]string{s.config: text, filepath.Join(filepath.Dir(s.config), "secret"): fedexsim.ClientSecret} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fedex.Inject(fedexsim.OpShip, fedexsim.AnswerLost)
	usps.Inject(uspssim.OpLabel, uspssim.AnswerLost)
	s.serve()
	s.stock("MUG", 9)
	s.must(append([]string{"order", "add", "--number", "C-1", "--line", "MUG=1"}, address...)...)
	s.must(append([]string{"order", "add", "--number", "C-2", "--line", "MUG=1", "--carrier", "UPSN"}, address...)...)
	s.must(append([]string{"order", "add", "--number", "C-3", "--line", "MUG=1", "--carrier", "FDEG"}, address...)...)
	s.until("all orders ship", func() bool { return strings.Count(s.must("orders", "list", "--status", "shipped"), "ACME") == 3 })
	if out := s.must("routes"); !strings.Contains(out, "out.fedex.void") || !strings.Contains(out, "out.ups.void") || !strings.Contains(out, "out.usps.void") {
		t.Errorf("routes:\n%s", out)
	}
	// On a busy machine more than one answer may be lost; what stands is the same.
	if f, u, p := fedex.Truth(), ups.Truth(), usps.Truth(); f.Bought("C-3") < 2 || f.Standing("C-3") != 1 || f.Standing("") != 1 ||
		u.Standing("C-2") != 1 || u.Standing("") != 1 || p.Standing("C-1") != 1 || p.Standing("") != 1 {
		t.Errorf("at FedEx %+v\nat UPS %+v\nat USPS %+v", f.Labels, u.Labels, p.Labels)
	}
	s.must("audit")
}

package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/sap/sapsim"
	"github.com/paklog/hub/adapters/ups/upssim"
)

// invoices is a hub with an ERP and a carrier, both simulated.
type invoices struct {
	*shell
	sap *sapsim.Sim
}

func newInvoices(t *testing.T) *invoices {
	t.Helper()
	ups, err := upssim.New(upssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ups.Close() })
	s := &invoices{newShell(t), sapsim.New(sapsim.Options{})}
	at, carrier := httptest.NewServer(s.sap), httptest.NewServer(ups)
	t.Cleanup(at.Close)
	t.Cleanup(carrier.Close)
	text := fmt.Sprintf(`%scarriers: {ups: {url: %q, client_id: %q, client_secret_file: secret, account: %q}}
erps:
  main: {url: %q, user: %s, password_file: password, client: %q, numbers: '^8\d{7}$', timeout: 2s, resolve_after: 1s}
`, readme(t, s.config), carrier.URL, upssim.ClientID, upssim.Account, at.URL+"/sap/opu/odata/sap", sapsim.User, sapsim.Client)
	for name, content := range map[string]string{"secret": upssim.ClientSecret, "password": sapsim.Password} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *invoices) add(number string, lines ...string) {
	s.t.Helper()
	args := []string{"order", "add", "--number", number}
	for _, l := range lines {
		args = append(args, "--line", l)
	}
	s.must(append(args, address...)...)
}

// What left of orders is posted once, though the answer is lost, of what left and not of what was wanted;
// what is no delivery is left alone, and a no of SAP is a letter that is replayed once it is mended.
func TestGoodsIssuesFollowWhatLeft(t *testing.T) {
	t.Parallel()
	s := newInvoices(t)
	s.sap.Inject(sapsim.OpIssue, "answer-lost")
	whole := s.sap.Want(sapsim.Wanted{Material: "MUG", Qty: 2}, sapsim.Wanted{Material: "TRAY", Qty: 1})
	odd := s.sap.Want(sapsim.Wanted{Material: "PLATE", Qty: 1})
	s.serve()
	s.stock("MUG", 9)
	s.stock("TRAY", 9)
	s.add(whole, "MUG=2", "TRAY=1")
	s.until("the hub is certain", func() bool {
		return strings.Contains(s.must("events", "tail", "--topic", "external-events", "--json"), "goods_issue")
	})
	if truth := s.sap.Truth(whole); truth.Issues != 1 || truth.Left["MUG"] != 2 || truth.Left["TRAY"] != 1 {
		t.Errorf("%+v", truth)
	}
	s.add("SO-1", "MUG=1")
	s.add(odd, "MUG=1")
	s.until("the one that does not fit is a letter", func() bool { return strings.Contains(s.must("dlq", "list"), "out.erp.main 1") })
	if out := s.must("dlq", "list"); !strings.Contains(out, "1 open: out.erp.main 1\n") || s.sap.Truth(odd).Issues != 0 {
		t.Error(out)
	}
	if out := s.must("routes"); !strings.Contains(out, "out.erp.main") || strings.Count(out, "planned") != 2 {
		t.Error(out)
	}
	if out := s.must("partner", "check", "main"); !strings.Contains(out, "main is an ERP, SAP\n  note  deliveries: PAKLOG may read them") {
		t.Error(out)
	}
	s.sap.By(func(h *sapsim.Hand) { h.Deactivate(true) })
	if out, _, code := s.run("partner", "check", "main"); code != 3 || !strings.Contains(out, "  fails connection") || !strings.Contains(out, "activate API_OUTBOUND_DELIVERY_SRV") {
		t.Errorf("ends with %d: %s", code, out)
	}
	s.must("audit")
}

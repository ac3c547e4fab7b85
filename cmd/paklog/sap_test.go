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

func newInvoices(t *testing.T, more string) *invoices {
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
  main: {url: %q, user: %s, password_file: password, client: %q, numbers: '^8\d{7}$', timeout: 2s, resolve_after: 1s%s}
`, readme(t, s.config), carrier.URL, upssim.ClientID, upssim.Account, at.URL+"/sap/opu/odata/sap", sapsim.User, sapsim.Client, more)
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
	s := newInvoices(t, "")
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
	s.sap.Inject(sapsim.OpReverse, "answer-lost")
	if _, errs, code := s.run("erp", "reverse", "main", whole); code != 2 || !strings.Contains(errs, "--reason") {
		t.Errorf("ends with %d: %s", code, errs)
	}
	if _, errs, code := s.run("erp", "post", "main", whole); code == 0 || !strings.Contains(errs, "only one that is reversed is posted anew") {
		t.Errorf("ends with %d: %s", code, errs)
	}
	for _, args := range [][]string{{"show", "main", "80009999"}, {"show", "main", whole, "--receipt"}, {"post", "other", whole}} {
		if _, errs, code := s.run(append([]string{"erp"}, args...)...); code == 0 || !strings.Contains(errs, "was asked for no goods_") {
			t.Errorf("%v ends with %d: %s", args, code, errs)
		}
	}
	s.must("erp", "reverse", "main", whole, "--reason", "wrong day")
	s.until("it is taken back", func() bool { return strings.Contains(s.must("erp", "show", "main", whole), ": reversed since") })
	s.must("erp", "post", "main", whole)
	s.until("it is posted anew", func() bool { return strings.Contains(s.must("erp", "show", "main", whole), ": posted since") })
	if truth := s.sap.Truth(whole); truth.Issues != 2 || truth.Undone != 1 || truth.Left["MUG"] != 2 {
		t.Errorf("%+v", truth)
	}
	s.sap.By(func(h *sapsim.Hand) { h.Bill(whole) })
	s.must("erp", "reverse", "main", whole, "--reason", "wrong day")
	s.until("SAP's no is told", func() bool {
		return strings.Contains(s.must("erp", "show", "main", whole), "Cancel the billing document of delivery")
	})
	if out := s.must("events", "tail", "--topic", "external-events", "--after", "0", "--json"); strings.Count(out, `"goods_issue_reversal"`) != 1 || !strings.Contains(out, `"reason":"wrong day"`) {
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

// Deliveries become orders by themselves; SAP changes its mind about one, deletes another, and is told what
// left of the rest.
func TestDeliveriesOfSAPBecomeOrders(t *testing.T) {
	t.Parallel()
	s := newInvoices(t, `, reads: true, policy: all_or_nothing, poll: 1s, look: 1m, points: {"1710": DC1}, services: {"02": {carrier: ups, service: "02"}}, stocks: {DC1: {plant: "1710", location: 171A}}, movements: {loss: {code: "03", type: "702"}}`)
	s.serve()
	s.stock("MUG", 9)
	s.stock("TRAY", 9)
	s.stock("PLATE", 1)
	s.sap.Inject(sapsim.OpHeaders, "answer-lost")
	s.sap.Inject(sapsim.OpPartner, "html")
	whole := s.sap.WantAs(sapsim.Terms{Condition: "02", Sales: "4711"}, sapsim.Wanted{Material: "MUG", Qty: 2}, sapsim.Wanted{Material: "TRAY", Qty: 1})
	other := s.sap.WantAs(sapsim.Terms{Point: "9999"}, sapsim.Wanted{Material: "MUG", Qty: 1})
	waits := s.sap.Want(sapsim.Wanted{Material: "PLATE", Qty: 5}) // there are not so many
	s.until("the goods issue is posted", func() bool { return s.sap.Truth(whole).Issues == 1 })
	if left := s.sap.Truth(whole).Left; left["MUG"] != 2 || left["TRAY"] != 1 {
		t.Errorf("%v", left)
	}
	shown := s.must("orders", "show", whole) + s.must("events", "tail", "--topic", "order-events", "--after", "0", "--json")
	for _, want := range []string{"80000001 of ACME: shipped\nthrough erp from main", `"value":"4711"`, `"carrier":"ups","level":"02"`} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in\n%s", want, shown)
		}
	}
	s.until("the other is an order, too", func() bool { _, _, code := s.run("orders", "show", waits); return code == 0 })
	s.sap.By(func(h *sapsim.Hand) { h.Set(waits, "10", 3) })
	s.until("less is wanted", func() bool {
		return strings.Contains(s.must("events", "tail", "--topic", "order-events", "--after", "0", "--json"), `"order.Changed"`)
	})
	s.sap.Inject(sapsim.OpCreate, "answer-lost")
	s.must("stock", "adjust", "TRAY", "--location", "A-1", "--delta", "-2", "--reason", "damage")
	s.until("what is missing is posted", func() bool { return len(s.sap.Moves()) > 0 })
	s.until("the hub is certain", func() bool {
		return strings.Contains(s.must("events", "tail", "--topic", "external-events", "--json"), `"do":"loss"`)
	})
	if m := s.sap.Moves(); len(m) != 1 || m[0].Material != "TRAY" || m[0].Type != "702" || m[0].Qty != 2 || m[0].Location != "171A" {
		t.Errorf("%+v", m)
	}
	if _, _, code := s.run("orders", "show", other); code == 0 {
		t.Errorf("%s leaves from elsewhere and is an order here", other)
	}
	if out := s.must("dlq", "list"); !strings.Contains(out, "nothing") && !strings.Contains(out, "0 open") {
		t.Error(out)
	}
	s.must("audit")
}

// An inbound delivery becomes a receipt by itself, which changes with it. What came of it is posted once,
// short and damaged told apart, though the answer is lost and the hub killed before it
// was told.
func TestInboundDeliveriesOfSAPBecomeReceipts(t *testing.T) {
	t.Parallel()
	s := newInvoices(t, `, receives: true, poll: 1s, look: 1m, plants: {"1710": DC1}, stocks: {DC1: {plant: "1710", location: 171A}}, movements: {hold: {code: "04", type: "344"}}`)
	p := s.serves()
	s.must("import", "locations", s.file("docks.csv", "location,purpose\nDOCK-1,dock\n"), "--report", "-")
	s.must("import", "items", s.file("items.csv", "sku,uom\nMUG,each\nTRAY,each\nBOWL,each\n"), "--report", "-")
	s.sap.Inject(sapsim.OpInHeaders, "answer-lost")
	s.sap.Inject(sapsim.OpInItems, "html")
	terms := sapsim.Terms{Sales: "4500000001", Over: 50}
	number := s.sap.Announce(terms, sapsim.Wanted{Material: "MUG", Qty: 20}, sapsim.Wanted{Material: "TRAY", Qty: 4}, sapsim.Wanted{Material: "BOWL", Qty: 3})
	other := s.sap.Announce(sapsim.Terms{Plant: "9999"}, sapsim.Wanted{Material: "MUG", Qty: 1})
	s.until("it is a receipt", func() bool { _, _, code := s.run("receive", "show", number); return code == 0 })
	s.sap.By(func(h *sapsim.Hand) { h.Set(number, "20", 6) })
	s.until("more is announced", func() bool { return strings.Contains(s.must("receive", "show", number), "of 6 of item TRAY") })
	s.must("receive", "arrive", number, "--dock", "DOCK-1")
	s.must("receive", "goods", number, "MUG", "--qty", "20")
	s.must("receive", "goods", number, "TRAY", "--qty", "4")
	s.must("receive", "goods", number, "TRAY", "--qty", "1", "--condition", "damaged", "--reason", "wet")
	s.sap.Inject(sapsim.OpReceipt, "answer-lost")
	s.must("receive", "close", number)
	s.until("it is posted, and nobody here knows", func() bool { return s.sap.Truth(number).Issues == 1 })
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
	s.serves()
	s.until("the hub is certain", func() bool {
		return strings.Contains(s.must("events", "tail", "--topic", "external-events", "--after", "0", "--json"), "goods_receipt")
	})
	s.until("what is damaged is told, too", func() bool { return len(s.sap.Moves()) == 1 })
	if truth := s.sap.Truth(number); truth.Issues != 1 || truth.Left["MUG"] != 20 || truth.Left["TRAY"] != 5 || truth.Left["BOWL"] != 0 {
		t.Errorf("%+v", truth)
	}
	if m := s.sap.Moves()[0]; m.Material != "TRAY" || m.Type != "344" || m.Qty != 1 {
		t.Errorf("%+v", m)
	}
	if out := s.must("receive", "show", number); !strings.Contains(out, "is closed") || !strings.Contains(out, "3 of 3 are missing") {
		t.Error(out)
	}
	if _, _, code := s.run("receive", "show", other); code == 0 {
		t.Errorf("%s goes elsewhere and is a receipt here", other)
	}
	if out := s.must("dlq", "list"); !strings.Contains(out, "nothing") && !strings.Contains(out, "0 open") {
		t.Error(out)
	}
	s.must("audit")
}

package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/bulk"
	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/view"
)

var address = []string{"--name", "Jane", "--street", "1 Main St", "--city", "Reno", "--region", "NV", "--postal-code", "89501", "--country", "US"}

func TestAnOrderIsPlacedFromFlagsAndFiles(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.stock("MUG", 10)
	add := func(args ...string) []string { return append(append([]string{"order", "add"}, args...), address...) }

	if out := s.must(add("--number", "H-1", "--line", "MUG=1:case")...); !strings.Contains(out, "order H-1 of ACME is durable") {
		t.Errorf("placed:\n%s", out)
	}
	if out := s.must(add("--number", "H-1", "--line", "MUG=1:case")...); !strings.Contains(out, "placed before, the same") {
		t.Errorf("repeated:\n%s", out)
	}
	s.refused(1, `it has "1", you sent "2"`, add("--number", "H-1", "--line", "MUG=2:case")...)
	if out, _, code := s.run(add("--number", "H-2", "--line", "NOPE=1")...); code != int(exitFindings) || !strings.Contains(out, "line 1 is held") {
		t.Errorf("an unknown item: exit %d\n%s", code, out)
	}
	s.refused(1, "lines[0].qty", add("--number", "H-3", "--line", "MUG=9223372036854775807:case")...)
	s.refused(1, "country", "order", "add", "--number", "H-4", "--line", "MUG=1", "--name", "J", "--country", "usa")

	doc := `{"number":"H-5","ship_to":{"name":"J"},"lines":[{"item":"MUG","qty":1}]}`
	if out, errs, code := s.pipe(doc, "order", "add", "--file", "-", "--json"); code != 0 || decoded[order.Order](t, out).Number != "H-5" {
		t.Errorf("from standard input: exit %d\n%s%s", code, out, errs)
	}
	for says, text := range map[string]string{
		"is empty":     " ",
		"surplus":      strings.Replace(doc, `"number"`, `"surplus":1,"number"`, 1),
		"is larger":    strings.Repeat(" ", mostOrder+1),
		"ship_to":      `{"number":"H-6","lines":[{"item":"MUG","qty":1}]}`,
		"cannot be re": `{"number":`,
	} {
		if _, errs, code := s.pipe(text, "order", "add", "--file", "-"); code != 1 || !strings.Contains(errs, says) {
			t.Errorf("%.40s: exit %d, want %q in %s", text, code, says, errs)
		}
	}

	docs := decoded[[]view.Doc](t, s.must("orders", "list", "--json"))
	var ids []string
	for _, d := range docs {
		ids = append(ids, d.ID)
	}
	if strings.Join(ids, " ") != "H-1 H-2 H-5" {
		t.Errorf("orders %v", ids)
	}
	if out := s.must("orders", "show", "H-1", "--journey"); !strings.Contains(out, "order.Accepted") || !strings.Contains(out, "MUG") {
		t.Errorf("shown:\n%s", out)
	}
	s.refused(1, "paklog orders list shows", "orders", "show", "H-9")
	if out := s.must("orders", "cancel", "H-2", "--reason", "mistake"); !strings.Contains(out, "is cancelled") {
		t.Errorf("cancelled:\n%s", out)
	}
	s.must("orders", "hold", "H-5")
	s.must("order", "release", "H-5")
	out, standing, code := s.run("stock")
	if code != 0 || !strings.Contains(out, "MUG") || !strings.Contains(standing, "as of position ") {
		t.Errorf("stock:\n%s%s", out, standing)
	}
}

func TestOrdersAreChangedSplitMergedAndHeldByHand(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.stock("MUG", 3)
	// It takes all there is: the others wait where they are.
	s.must(append([]string{"order", "add", "--number", "C-0", "--line", "MUG=3"}, address...)...)
	for _, number := range []string{"C-1", "C-2", "C-3"} {
		s.must(append([]string{"order", "add", "--number", number, "--line", "MUG=9", "--line", "MUG=9"}, address...)...)
	}
	s.must("orders", "hold", "C-1", "--reason", "credit")
	s.must("orders", "hold", "C-1", "--reason", "address")
	s.must("orders", "change", "C-1", "--qty", "1=12", "--add", "3=MUG=1:case", "--remove", "2", "--ship-by", "2031-01-02T03:04:05Z", "--carrier", "UPSN", "--priority", "7", "--reason", "he called")
	s.must("orders", "change", "C-1", "--service", "03")
	if out := s.must("orders", "show", "C-1"); !strings.Contains(out, "held (credit, address)") || !strings.Contains(out, "to leave by 2031-01-02T03:04:05Z") {
		t.Errorf("shown:\n%s", out)
	}
	if o := stateOf(t, s, "C-1"); o.Service.Carrier != "UPSN" || o.Service.Level != "03" || o.Priority != 7 || len(o.Lines) != 3 || o.Lines[0].Ordered != 12 || o.Lines[1].Cancelled != 9 {
		t.Errorf("changed: %+v", o)
	}
	s.must("orders", "release", "C-1", "--reason", "credit")
	s.refused(1, "address", "orders", "release", "C-1", "--reason", "credit")
	if out := s.must("orders", "release", "C-1"); strings.Contains(out, "held") {
		t.Errorf("released:\n%s", out)
	}

	for range 2 { // the same again finds what it did
		s.must("orders", "split", "C-2", "--to", "C-2-B", "--line", "1=4", "--line", "2=2")
	}
	if out := s.must("orders", "show", "C-2-B"); !strings.Contains(out, "split off C-2") {
		t.Errorf("shown:\n%s", out)
	}
	s.must("orders", "hold", "C-3")
	s.refused(1, "on hold", "orders", "merge", "C-2", "C-2-B", "C-3")
	s.must("orders", "merge", "C-2", "C-2-B")
	if out := s.must("orders", "show", "C-2-B"); !strings.Contains(out, ": merged") || !strings.Contains(out, "merged into C-2") {
		t.Errorf("shown:\n%s", out)
	}
	if got := stateOf(t, s, "C-2").Totals().Ordered; got != 18 {
		t.Errorf("%d after a split and a merge", got)
	}

	file := filepath.Join(t.TempDir(), "change.json")
	if err := os.WriteFile(file, []byte(`{"ship_to":{"name":"Mary","city":"Reno","country":"US"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("orders", "change", "C-3", "--file", file)
	for _, x := range []struct {
		code int
		says string
		args []string
	}{
		{2, "nothing is to be changed", []string{"change", "C-3"}},
		{2, "whole change", []string{"change", "C-3", "--file", file, "--priority", "1"}},
		{2, "is not LINE=QTY", []string{"change", "C-3", "--qty", "MUG=2"}},
		{2, "quantity of 1 or more", []string{"change", "C-3", "--qty", "1=0"}},
		{2, "is not LINE=ITEM=QTY", []string{"change", "C-3", "--add", "MUG=2"}},
		{2, "no time like", []string{"change", "C-3", "--ship-by", "tomorrow"}},
		{1, "no line 9", []string{"change", "C-3", "--qty", "9=1"}},
		{1, "another line 1", []string{"change", "C-3", "--add", "1=MUG=2"}},
		{1, "cancel it", []string{"change", "C-3", "--remove", "1", "--remove", "2"}},
		{1, "paklog orders list shows", []string{"change", "C-9", "--priority", "1", "--owner", "ACME"}},
		{2, "--to", []string{"split", "C-3", "--line", "1=1"}},
		{2, "smallest unit", []string{"split", "C-3", "--to", "X", "--line", "1=1:case"}},
		{1, "another order C-2", []string{"split", "C-3", "--to", "C-2", "--line", "1=1"}},
		{1, "left behind", []string{"split", "C-3", "--to", "X", "--line", "1=9", "--line", "2=9"}},
		{2, "requires at least 2", []string{"merge", "C-3"}},
		{1, "itself", []string{"merge", "C-3", "C-3"}},
		{2, "name one of them", []string{"release", "C-3", "--reason", "credit", "--line", "1"}},
	} {
		s.refused(x.code, x.says, append([]string{"orders"}, x.args...)...)
	}
}

// stateOf is an order as the hub shows it.
func stateOf(t *testing.T, s *shell, number string) order.Order {
	t.Helper()
	return decoded[order.Order](t, string(decoded[view.Doc](t, s.must("orders", "show", number, "--json")).State))
}

func TestAListingSaysHowFarItIsBehind(t *testing.T) {
	t.Parallel()
	for behind, want := range map[uint64]string{
		0: "as of position 41\n", 1: "as of position 41: views are 1 event behind the journal\n", 7: "as of position 41: views are 7 events behind the journal\n",
	} {
		var b strings.Builder
		if standing(&b, rest.List{Position: 41, Behind: behind}); b.String() != want {
			t.Errorf("%d behind: %q", behind, b.String())
		}
	}
}

func TestAnOrderIsAskedForAndCheckedAsItIsTyped(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.stock("MUG", 10)
	s.must(append([]string{"order", "add", "--number", "T-0", "--line", "MUG=1"}, address...)...)
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}
	c := attach(t.Context(), cfg)
	typed := strings.Join([]string{
		"", "", "T-0", "T-1", // owner as configured; a number is needed, and one that is free
		"NOPE", "MUG", "crate", "case", "-1", "3", "",
		"", "Jane", "1 Main St", "Reno", "NV", "89501", "usa", "US", "y",
	}, "\n") + "\n"
	var out strings.Builder
	o, err := askOrder(t.Context(), c, strings.NewReader(typed), &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"is needed: with the owner it names the order", "ACME has an order T-0", "ACME has no item NOPE", "9 each available",
		"MUG is counted in each, case", `"-1" is not a quantity`, "1 case can be had now, the rest waits", "two capital letters",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, out.String())
		}
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"owner":"ACME","number":"T-1","lines":[{"item":"MUG","qty":3,"uom":"case"}],` +
		`"ship_to":{"name":"Jane","lines":["1 Main St"],"city":"Reno","region":"NV","postal_code":"89501","country":"US"}}`; string(b) != want {
		t.Errorf("asked for %s", b)
	}
	for name, typed := range map[string]string{
		"the end of the input": "\nT-2\nMUG\n", "a no": strings.Replace(typed, "\ny\n", "\nn\n", 1), "an endless line": strings.Repeat("x", 1<<16),
	} {
		if _, err := askOrder(t.Context(), c, strings.NewReader(typed), &out); err == nil || !strings.Contains(err.Error(), "nothing was placed") {
			t.Errorf("%s ends with %v", name, err)
		}
	}
}

// Whoever imports while the hub is killed is told so, and how to go on.
func TestAHubThatGoesAwayInAnImportIsToldSo(t *testing.T) {
	t.Parallel()
	const row = `{"result":{"row":7,"line":8,"id":"SO-7","outcome":"created"}}` + "\n"
	for name, c := range map[string]struct{ sent, says string }{
		"between two rows": {row, "got as far as row 7"}, "within a row": {row + row[:20], "got as far as row 7"}, "before any": {"", "got as far as row 0"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if _, err := io.WriteString(w, c.sent); err != nil || c.sent == "" {
				panic(http.ErrAbortHandler)
			}
			_ = http.NewResponseController(w).Flush() // the connection is cut next
			panic(http.ErrAbortHandler)
		}))
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", srv.Listener.Addr().String())
		}}}
		cmd := &cobra.Command{}
		cmd.SetErr(io.Discard)
		err := runImport(t.Context(), cmd, &global{}, &caller{client: client}, importRequest{Path: "o.csv", Kind: bulk.Orders, Format: bulk.CSV}, "-")
		client.CloseIdleConnections()
		srv.Close()
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "went away") || !strings.Contains(err.Error(), "run the same command again") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnImportGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	stop := s.serve()
	s.stock("MUG", 10)
	file := filepath.Join(filepath.Dir(s.config), "o.ndjson")
	rows := `{"number":"I-1","ship_to":{"name":"a"},"lines":[{"item":"MUG","qty":1}]}
{"number":"I-2","ship_to":{"name":"a"},"lines":[{"item":"MUG","qty":-1}]}
`
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := s.run("import", "orders", file, "--json")
	if sum := decoded[bulk.Summary](t, out); code != 3 || sum.Created != 1 || sum.Refused != 1 {
		t.Errorf("exit %d, %+v %s", code, sum, errs)
	}
	report, err := os.ReadFile(file + ".report.ndjson")
	if err != nil || strings.Count(string(report), "\n") != 2 || !strings.Contains(string(report), "qty") {
		t.Errorf("report: %v\n%s", err, report)
	}
	pipe := filepath.Join(filepath.Dir(s.config), "pipe.csv")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	s.refused(1, "no regular file", "import", "orders", pipe) // the hub would wait in it for a writer
	stop()                                                    // the same without a hub
	out, errs, code = s.run("import", "orders", file, "--json")
	if sum := decoded[bulk.Summary](t, out); code != 3 || sum.Repeated != 1 || sum.Refused != 1 {
		t.Errorf("again: exit %d, %+v %s", code, sum, errs)
	}
	s.refused(1, "no such file", "import", "orders", file+"x", "--format", "csv")

	// What waits for its item is told at its row, and is no longer once somebody helped.
	held := filepath.Join(filepath.Dir(s.config), "held.csv")
	if err := os.WriteFile(held, []byte("number,item,qty,name\nI-3,MUG,1,a\nI-3,CUP,1,a\nI-4,\"MUG,1,a\nI-5,MUG,1,a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stop = s.serve()
	for run, want := range []bulk.Summary{{Rows: 4, Created: 2, Held: 1, Refused: 1}, {Rows: 4, Repeated: 2, Held: 1, Refused: 1}, {Rows: 4, Repeated: 3, Refused: 1}} {
		if run == 2 {
			s.stock("CUP", 1)
			s.until("the line goes on", func() bool { return !strings.Contains(s.must("order", "show", "I-3", "--json"), "unknown_item") })
		}
		out, errs, code = s.run("import", "orders", held, "--json")
		if sum := decoded[bulk.Summary](t, out); code != 3 || sum != want {
			t.Errorf("run %d: exit %d, %+v, want %+v %s", run, code, sum, want, errs)
		}
		report, err := os.ReadFile(held + ".report.csv")
		if err != nil || run < 2 && !strings.Contains(string(report), `2,3,I-3,held,item,"item ""CUP"" is not known`) || !strings.Contains(string(report), "3,4,I-4,refused") {
			t.Errorf("run %d: %v\n%s", run, err, report)
		}
	}
	stop()
	s.refused(2, "--format", "import", "orders", s.data)
}

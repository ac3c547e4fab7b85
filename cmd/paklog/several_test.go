package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/postgres/pgtest"
)

// several are shells whose hubs share one schema, one folder of payloads and one of partners.
type several struct {
	t           *testing.T
	url, schema string
	hubs        []*shell
}

func newSeveral(t *testing.T, n int) *several {
	t.Helper()
	server := pgtest.Shared(t)
	s := &several{t: t, url: server.URL, schema: server.Schema(t)}
	common := t.TempDir()
	for range n {
		h := newShell(t)
		url := h.config + ".url"
		if err := os.WriteFile(url, []byte(s.url), 0o600); err != nil {
			t.Fatal(err)
		}
		h.configure(fmt.Sprintf("store: postgres\npostgres: {url_file: %s, schema: %s, shared: true, lapse: 6s, payloads: %s}\n",
			url, s.schema, filepath.Join(common, "payloads")))
		s.hubs = append(s.hubs, h)
	}
	return s
}

// leases is how many routes each member holds.
func (s *several) leases() map[int64]int {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(s.t.Context())
	rows, _ := conn.Query(s.t.Context(), "SELECT holder, count(*)::int FROM "+s.schema+".lease GROUP BY holder") // ForEachRow returns the error
	out := map[int64]int{}
	var holder int64
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&holder, &n}, func() error {
		out[holder] = n
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// shared reports whether so many members hold all routes, about alike.
func (s *several) shared(members int) bool {
	have := s.leases()
	if len(have) != members || have[0] > 0 {
		return false
	}
	least, most := 1<<30, 0
	for _, n := range have {
		least, most = min(least, n), max(most, n)
	}
	return most-least <= 1
}

func (s *several) order(hub int, numbers ...string) {
	s.t.Helper()
	cfg, _, err := load(s.hubs[hub].config)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, n := range numbers {
		body := map[string]any{"number": n, "ship_to": demoAddress, "lines": []any{map[string]any{"item": "MUG", "qty": 1}}}
		if err := attach(s.t.Context(), cfg).do(s.t.Context(), http.MethodPost, "/v1/orders", body, nil); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *several) packed(hub int, numbers ...string) {
	s.t.Helper()
	for _, n := range numbers {
		s.hubs[hub].until(n+" is packed", func() bool {
			out, _, code := s.hubs[hub].run("orders", "show", n)
			return code == 0 && strings.Contains(out, ": packed")
		})
	}
}

func numbered(prefix string, n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%s-%d", prefix, i))
	}
	return out
}

// Two hubs share the routes of one journal. One is killed, then one stands still: the other goes on with
// everything, and the one that wakes up writes nothing more.
func TestHubsShareTheWorkAndTakeItOver(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts, kills and stops processes")
	}
	s := newSeveral(t, 3)
	a, b := s.hubs[0].serves(), s.hubs[1].serves()
	s.hubs[0].until("both hold their share", func() bool { return s.shared(2) })
	s.hubs[0].stock("MUG", 1000)
	first := append(numbered("A", 10), numbered("B", 10)...)
	s.order(0, first[:10]...)
	s.order(1, first[10:]...)
	s.packed(1, first...)
	s.packed(0, first...)

	if err := a.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = a.Wait() // it was killed
	second := numbered("C", 10)
	s.order(1, second...)
	s.packed(1, second...)

	c := s.hubs[2].serves()
	s.hubs[2].until("the third takes its share", func() bool { return s.shared(2) })
	if err := b.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	third := numbered("D", 10)
	s.order(2, third...)
	s.packed(2, third...)
	if err := b.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := b.Wait(); err == nil {
		t.Error("a hub that was shut out ends as if nothing were")
	}
	s.packed(2, append(first, second...)...)
	if out := s.hubs[2].must("audit", "--json"); !strings.Contains(out, `"findings": []`) && !strings.Contains(out, `"findings":[]`) {
		t.Errorf("audit: %s", out)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("the last hub ends with %v", err)
	}
	if have := s.leases(); len(have) != 1 || have[0] == 0 {
		t.Errorf("leases after the last hub ended: %v", have)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/routes/eip"
)

func readme(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// texts are the pages that promise something.
var texts = []string{"../../README.md", "../../CHANGELOG.md", "../../adapters/README.md"}

var link = regexp.MustCompile(`\[([^\]]+)\]\(([^)#]+)[^)]*\)`)

// TestPagesLinkWhatIsThere holds every link to a file, and where its words name a test, to
// that test standing in that file.
func TestPagesLinkWhatIsThere(t *testing.T) {
	t.Parallel()
	tests := 0
	for _, page := range texts {
		for _, m := range link.FindAllStringSubmatch(readme(t, page), -1) {
			if strings.Contains(m[2], "://") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(filepath.Dir(page), m[2]))
			if err != nil {
				if info, serr := os.Stat(filepath.Join(filepath.Dir(page), m[2])); serr != nil || !info.IsDir() {
					t.Errorf("%s links %s: %v", page, m[2], err)
				}
				continue
			}
			name := strings.Trim(m[1], "`")
			if !strings.HasPrefix(name, "Test") {
				continue
			}
			tests++
			if !bytes.Contains(text, []byte("func "+name+"(")) {
				t.Errorf("%s: %s is no test of %s", page, name, m[2])
			}
		}
	}
	if tests < 20 {
		t.Errorf("%d tests are linked: this reads too little", tests)
	}
}

var (
	command = regexp.MustCompile("(?m)(?:^|[`/ ])paklog((?: +[A-Za-z][a-z0-9]*| +-{1,2}[a-z][a-z-]*| +[A-Z0-9][A-Z0-9-]*)*)")
	target  = regexp.MustCompile("`make ([a-z]+)|^make ([a-z]+)|\\$ make ([a-z]+)")
)

// TestReadmeCommandsExist holds each verb, flag and make target that the README shows to the
// program and the Makefile.
func TestReadmeCommandsExist(t *testing.T) {
	t.Parallel()
	text := readme(t, texts[0])
	verbs := 0
	for _, m := range command.FindAllStringSubmatch(text, -1) {
		words := strings.Fields(m[1])
		if len(words) == 0 {
			continue
		}
		root := newRoot()
		root.InitDefaultCompletionCmd()
		cmd, rest, err := root.Find(words)
		if err != nil || cmd.Name() == "paklog" {
			t.Errorf("%q: there is no such verb", strings.TrimSpace(m[0]))
			continue
		}
		verbs++
		for _, w := range rest {
			if name, ok := strings.CutPrefix(w, "--"); ok && flagOf(cmd, name) {
				continue
			} else if ok {
				t.Errorf("%q: %s has no flag --%s", strings.TrimSpace(m[0]), cmd.CommandPath(), name)
			}
		}
	}
	if verbs < 10 {
		t.Errorf("%d commands were found: this reads too little", verbs)
	}
	makefile := readme(t, "../../Makefile")
	for _, m := range target.FindAllStringSubmatch(text, -1) {
		if name := m[1] + m[2] + m[3]; !strings.Contains(makefile, "\n"+name+":") {
			t.Errorf("make %s: there is no such target", name)
		}
	}
}

func flagOf(cmd *cobra.Command, name string) bool {
	return cmd.Flags().Lookup(name) != nil || cmd.InheritedFlags().Lookup(name) != nil || name == "help"
}

var (
	curl    = regexp.MustCompile(`(?s)curl -sS \$HUB(/\S+) -H "\$JSON"(?: -H 'Idempotency-Key: ([^']+)')? -d '([^']*)'`)
	heredoc = regexp.MustCompile(`(?s)<<'EDI'\n(.*?)EDI\n`)
)

// TestReadmeQuickStart does what the README says, on the reference configuration's partner.
func TestReadmeQuickStart(t *testing.T) {
	t.Parallel()
	text := readme(t, texts[0])
	s := newShell(t)
	stop := s.serve()
	calls := curl.FindAllStringSubmatch(text, -1)
	if len(calls) != 4 {
		t.Fatalf("found %d calls", len(calls))
	}
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}
	c := attach(t.Context(), cfg)
	for _, m := range calls {
		if !json.Valid([]byte(m[3])) {
			t.Fatalf("%s: this is no JSON: %s", m[1], m[3])
		}
		var answer any
		if err := c.do(t.Context(), http.MethodPost, m[1], json.RawMessage(m[3]), &answer); err != nil {
			t.Fatalf("POST %s: %v", m[1], err)
		}
	}
	doc := heredoc.FindStringSubmatch(text)
	if doc == nil {
		t.Fatal("there is no 940")
	}
	file := filepath.Join(t.TempDir(), "940.edi")
	if err := os.WriteFile(file, []byte(doc[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("edi", "dump", file)
	if err := os.Rename(file, filepath.Join(s.data, "partners", "ACME", "inbox", "940.edi")); err != nil {
		t.Fatal(err)
	}
	s.until("both orders wait for a carrier", func() bool { return strings.Count(s.must("dlq", "list"), "no carrier is configured") == 2 })
	if out, err := filepath.Glob(filepath.Join(s.data, "partners", "ACME", "outbox", "997-*")); err != nil || len(out) != 1 {
		t.Errorf("outbox: %v %v", out, err)
	}
	s.until("the journey is told", func() bool {
		out, _, code := s.run("order", "show", "SO-2001", "--owner", "ACME", "--journey")
		return code == 0 && strings.Contains(out, "order.Packed")
	})
	s.must("audit")
	stop()

	// With a carrier the letters go on where they stopped.
	sim, err := upssim.New(upssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	ups := httptest.NewServer(sim)
	t.Cleanup(ups.Close)
	s.withUPS(ups.URL, upssim.ClientID, upssim.ClientSecret, upssim.Account)
	s.serve()
	s.must("dlq", "replay", "--all", "--route", "label.choose")
	s.until("both orders ship", func() bool { return strings.Count(s.must("orders", "list", "--status", "shipped"), "ACME") == 2 })
	s.until("the 945 lies in the outbox", func() bool {
		out, err := filepath.Glob(filepath.Join(s.data, "partners", "ACME", "outbox", "945-*"))
		return err == nil && len(out) == 1
	})
}

// withUPS gives the next hub an account.
func (s *shell) withUPS(url, id, secret, account string) {
	s.t.Helper()
	text := fmt.Sprintf("%scarriers: {ups: {url: %q, client_id: %q, client_secret_file: secret, account: %q}}\n", readme(s.t, s.config), url, id, account)
	for path, content := range map[string]string{s.config: text, filepath.Join(filepath.Dir(s.config), "secret"): secret} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestReadmeConfiguration reads the example with the secrets that it names.
func TestReadmeConfiguration(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(readme(t, texts[0]))
	if block == nil {
		t.Fatal("there is none")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`_file: ([^\s,}]+)`).FindAllStringSubmatch(block[1], -1) {
		if err := os.WriteFile(filepath.Join(dir, m[1]), []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "c.yaml")
	if err := os.WriteFile(path, []byte(block[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := load(path); err != nil {
		t.Error(err)
	}
}

// TestReadmeShowsWhereEachPatternIs holds the table of patterns to the catalog and to what
// the routes of a hub with everything in it say of themselves. That they do what they say is
// held by TestRoutesRunTheBlocksThatTheyName.
func TestReadmeShowsWhereEachPatternIs(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.withUPS("http://127.0.0.1:1", "x", "x", "ABC123")
	s.withPartner("tap: true, notices: [ACME]")
	s.serve()
	named := map[string][]string{}
	for _, r := range decoded[[]routeLine](t, s.must("routes", "--json")) {
		name := strings.Replace(r.Name, "out.edi.ACME", "out.edi.PARTNER", 1)
		named[name] = r.Patterns
	}
	uses, unknown := eip.Uses(named)
	if len(unknown) > 0 {
		t.Errorf("patterns that nobody knows: %q", unknown)
	}
	var want []string
	for _, u := range uses {
		where := strings.Join(u.Routes, ", ")
		if u.Note != "" {
			where = strings.TrimPrefix(where+"; "+u.Note, "; ")
		}
		want = append(want, fmt.Sprintf("| %s | `%s` | %s |", u.Name, u.Code, where))
	}
	table := regexp.MustCompile(`(?s)\| pattern \| block \| routes \|\n\|---\|---\|---\|\n(.*?)\n\n`).FindStringSubmatch(readme(t, texts[0]))
	if table == nil {
		t.Fatal("the README has no table of patterns")
	}
	if rows := strings.Split(table[1], "\n"); !slices.Equal(rows, want) {
		t.Errorf("the table says\n%s\nwant\n%s", table[1], strings.Join(want, "\n"))
	}
}

// TestReadmeNamesEveryMeasurement holds the table of measurements to cmd/pakbench.
func TestReadmeNamesEveryMeasurement(t *testing.T) {
	t.Parallel()
	text := readme(t, texts[0])
	names := regexp.MustCompile(`\{name: "([^"]+)"`).FindAllStringSubmatch(readme(t, "../pakbench/bench.go"), -1)
	if len(names) < 10 {
		t.Fatalf("found %d measurements", len(names))
	}
	for _, m := range names {
		if !strings.Contains(text, "| `"+m[1]+"` |") {
			t.Errorf("the README does not name %s", m[1])
		}
	}
}

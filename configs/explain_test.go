package configs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/configs"
)

func TestExplainTellsWhereEachValueCameFrom(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "paklog.yaml", "http:\n  listen: \":80\"\nshifts:\n  - {name: \"a\\nb\", hour: 6}\npartners:\n  acme: {url: \"https://acme.example\", token: \"${TOKEN}\"}\n")
	got := defaults()
	applied, err := configs.Loader{Env: []string{"PAKLOG_STORE_KEEP=36h", "TOKEN=hunter2", "PAKLOG_HTPP_LISTEN=:81"}}.Load(path, &got)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := applied.Explain(&out); err != nil {
		t.Fatal(err)
	}
	want := `http.listen :80 FILE:2
http.max_body 1 MiB default
http.timeout 30s default
http.api_key - default
http.ratio 0.5 default
store.dir data default
store.keep 36h env PAKLOG_STORE_KEEP
store.readers 2 default
store.sync true default
partners.acme.url https://acme.example FILE:6
partners.acme.token <redacted> env TOKEN (FILE:6)
partners.acme.tries 5 default
topics[0] order-events default
shifts[0].name "a\nb" FILE:4
shifts[0].hour 6 FILE:4
tls - default
policy strict default
the environment variable PAKLOG_HTPP_LISTEN names no setting
`
	said := regexp.MustCompile(` {2,}`).ReplaceAllString(strings.ReplaceAll(out.String(), path, "FILE"), " ")
	if said != want {
		t.Errorf("said\n%s\nwant\n%s", said, want)
	}
}

func TestTemplateReadsBackAsTheDefaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"api_key", "token"} {
		if err := os.WriteFile(filepath.Join(dir, "secrets", name), []byte(hunter2), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	target := defaults()
	target.Topics = []string{"order-events", "a, b", "yes", "0010", ""}
	target.Shifts = []shift{{"early: or late", 6}}
	target.Partners = map[string]partner{"acme": {URL: "https://acme.example/#x", Tries: 3}}
	var text strings.Builder
	if err := configs.Template(&text, &target, ""); err != nil {
		t.Fatal(err)
	}

	settings := func(text string, target hub) map[string]string {
		t.Helper()
		path := filepath.Join(dir, "paklog.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		applied, err := configs.Loader{}.Load(path, &target)
		if err != nil {
			t.Fatalf("%v\nof\n%s", err, text)
		}
		values := map[string]string{}
		for _, s := range applied.Settings() {
			values[s.Key] = s.Value
		}
		return values
	}
	want := settings("", target)
	if got := settings(text.String(), target); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("as written:\n%v, want\n%v", got, want)
	}
	// With every mark taken off, over nothing at all: what was optional is there.
	unmarked := regexp.MustCompile(`(?m)^( *)#([a-z])`).ReplaceAllString(text.String(), "$1$2")
	want["http.api_key"], want["partners.acme.token"] = "<redacted>", "<redacted>"
	delete(want, "tls")
	want["tls.cert"] = ""
	if got := settings(unmarked, hub{}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("with the marks off:\n%v, want\n%v", got, want)
	}
}

// An empty list shows what an entry of it may say, and reads as nothing until somebody takes the marks
// off.
func TestTemplateShowsTheEntriesOfAnEmptyList(t *testing.T) {
	t.Parallel()
	type most struct {
		Lines int `config:"lines" doc:"How many."`
	}
	type wave struct {
		Name string        `config:"name" doc:"What it is named by."`
		Most most          `config:"most"`
		Wait time.Duration `config:"wait"`
	}
	target := struct {
		Waves []wave `config:"waves" doc:"Templates of waves."`
	}{}
	var text strings.Builder
	if err := configs.Template(&text, &target, ""); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "c.yaml")
	read := func(text string) int {
		t.Helper()
		got := target
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (configs.Loader{}).Load(path, &got); err != nil {
			t.Fatalf("%v\nof\n%s", err, text)
		}
		return len(got.Waves)
	}
	off := regexp.MustCompile(`(?m)^( *)#([a-z])`).ReplaceAllString(text.String(), "$1$2")
	if n := read(text.String()) + read(off); n != 0 {
		t.Errorf("%d entries nobody asked for:\n%s", n, text.String())
	}
	entry := strings.ReplaceAll(strings.Replace(text.String(), "#waves: []", "waves:", 1), "#   ", "   ")
	if n := read(entry); n != 1 || !strings.Contains(text.String(), `#   - name: ""`) || !strings.Contains(text.String(), "#       lines: 0") {
		t.Errorf("%d entries of\n%s", n, entry)
	}
}

func ExampleTemplate() {
	target := struct {
		HTTP     door               `config:"http" doc:"The HTTP door."`
		Partners map[string]partner `config:"partners" doc:"Who sends us documents."`
	}{HTTP: defaults().HTTP}
	if err := configs.Template(os.Stdout, &target, ""); err != nil {
		fmt.Println(err)
	}
	// Output:
	// # The HTTP door.
	// http:
	//   # Address to listen on.
	//   #listen: 127.0.0.1:8080
	//   # Largest request; 0 means no limit.
	//   #max_body: 1 MiB
	//   # How long a request may take.
	//   #timeout: 30s
	//   # What callers show us.
	//   # A secret: a file that holds it, or api_key: ${PAKLOG_HTTP_API_KEY}.
	//   #api_key_file: secrets/api_key
	//   # Share of requests that are traced.
	//   #ratio: 0.5
	//
	// # Who sends us documents.
	// partners:
	//   # One section for each, under a name of your choice.
	//   #name:
	//     #url: ""
	//     # A secret: a file that holds it, or token: ${PAKLOG_PARTNERS_NAME_TOKEN}.
	//     #token_file: secrets/token
	//     #tries: 5
}

func TestChangedNamesWhatDiffersAndNoSecret(t *testing.T) {
	t.Parallel()
	read := func(text string) *configs.Applied {
		target := defaults()
		a, err := configs.Loader{PlainSecrets: true}.Load(writeFile(t, "paklog.yaml", text), &target)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	const before = "http: {listen: \":80\", api_key: one}\npartners: {acme: {url: a, token: one}}\n"
	for name, c := range map[string]struct{ after, want string }{
		"the same in other words":    {"partners:\n  acme: {token: one, url: a}\nhttp:\n  api_key: one\n  listen: ':80'\n", "[]"},
		"a secret":                   {"http: {listen: \":80\", api_key: two}\npartners: {acme: {url: a, token: one}}\n", "[http.api_key]"},
		"a secret below a name":      {"http: {listen: \":80\", api_key: one}\npartners: {acme: {url: a, token: two}}\n", "[partners.acme.token]"},
		"back to the default":        {"http: {api_key: one}\npartners: {acme: {url: a, token: one}}\n", "[http.listen]"},
		"a partner that goes":        {"http: {listen: \":80\", api_key: one}\n", "[partners partners.acme.token partners.acme.tries partners.acme.url]"},
		"one more in a list":         {before + "topics: [order-events, wave-events]\n", "[topics[1]]"},
		"a secret that is taken out": {"http: {listen: \":80\"}\npartners: {acme: {url: a, token: one}}\n", "[http.api_key]"},
	} {
		if got := fmt.Sprint(read(before).Changed(read(c.after))); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

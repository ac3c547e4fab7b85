package configs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/configs"
)

type hub struct {
	HTTP     door               `config:"http" doc:"The HTTP door."`
	Store    store              `config:"store" doc:"Where the journal lies."`
	Partners map[string]partner `config:"partners" doc:"Who sends us documents."`
	Topics   []string           `config:"topics" doc:"What is relayed."`
	Shifts   []shift            `config:"shifts" doc:"When people work."`
	TLS      *tls               `config:"tls" doc:"Not set: the door speaks plain HTTP."`
	Policy   policy             `config:"policy" doc:"strict or hold."`
	Started  time.Time          `config:"-"`
}

type door struct {
	Listen  string         `config:"listen" doc:"Address to listen on."`
	MaxBody int64          `config:"max_body,bytes" doc:"Largest request; 0 means no limit."`
	Timeout time.Duration  `config:"timeout" doc:"How long a request may take."`
	APIKey  configs.Secret `doc:"What callers show us."`
	Ratio   float64        `config:"ratio" doc:"Share of requests that are traced."`
}

func (d door) Validate() error {
	var errs []error
	if d.Listen == "" {
		errs = append(errs, errors.New("listen: must not be empty"))
	}
	if d.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout: must not be negative, is %v", d.Timeout))
	}
	return errors.Join(errs...)
}

type store struct {
	Dir     string        `config:"dir" doc:"Folder of the journal."`
	Keep    time.Duration `config:"keep" doc:"Age at which positions are archived."`
	Readers uint8         `config:"readers" doc:"Connections for reading."`
	Sync    bool          `config:"sync" doc:"False only in a throw-away demo."`
}

type partner struct {
	URL   string         `config:"url"`
	Token configs.Secret `config:"token"`
	Tries int            `config:"tries"`
}

func (p *partner) SetDefaults() { p.Tries = 5 }

func (p *partner) Validate() error {
	if p.URL == "" {
		return errors.New("url: is required")
	}
	return nil
}

type shift struct {
	Name string `config:"name"`
	Hour int    `config:"hour"`
}

type tls struct {
	Cert string `config:"cert"`
}

type policy string

func (p *policy) UnmarshalText(text []byte) error {
	if s := string(text); s != "strict" && s != "hold" {
		return errors.New("a policy is strict or hold")
	}
	*p = policy(text)
	return nil
}

func defaults() hub {
	return hub{
		HTTP:   door{Listen: "127.0.0.1:8080", MaxBody: 1 << 20, Timeout: 30 * time.Second, Ratio: 0.5},
		Store:  store{Dir: "data", Keep: 90 * 24 * time.Hour, Readers: 2, Sync: true},
		Topics: []string{"order-events"},
		Policy: "strict",
	}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFileIsReadOverTheDefaults(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "paklog.yaml", `
http:
  listen: ":80"
  max_body: 64 KiB
  timeout: 1m30s
store:
  keep: 1d12h
  readers: 9
partners:
  acme: {url: "https://acme.example"}
topics: [wave-events, "pick-events"]
shifts:
  - name: early
    hour: 6
tls:
  cert: cert.pem
policy: hold
`)
	got := defaults()
	if _, err := (configs.Loader{}).Load(path, &got); err != nil {
		t.Fatal(err)
	}
	acme := got.Partners["acme"]
	checks := []struct {
		what      string
		got, want any
	}{
		{"a text", got.HTTP.Listen, ":80"},
		{"a size", got.HTTP.MaxBody, int64(65536)},
		{"a duration", got.HTTP.Timeout, 90 * time.Second},
		{"days", got.Store.Keep, 36 * time.Hour},
		{"an integer", got.Store.Readers, uint8(9)},
		{"a default beside a given key", got.Store.Dir, "data"},
		{"an entry", acme.URL, "https://acme.example"},
		{"an entry's own default", acme.Tries, 5},
		{"a list replaces its default", strings.Join(got.Topics, ","), "wave-events,pick-events"},
		{"a list of sections", fmt.Sprint(got.Shifts), "[{early 6}]"},
		{"a section behind a pointer", got.TLS.Cert, "cert.pem"},
		{"a type that reads itself", got.Policy, policy("hold")},
	}
	for _, c := range checks {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestNothingGivenLeavesTheDefaults(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "---\n", "http:\n", "http:\n  # listen: x\nstore:\n", "{}"} {
		got := defaults()
		if _, err := (configs.Loader{}).Load(writeFile(t, "paklog.yaml", text), &got); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got.HTTP != defaults().HTTP || got.Store != defaults().Store {
			t.Errorf("%q changed the defaults to %+v", text, got)
		}
	}
	got := defaults()
	if _, err := (configs.Loader{}).Load("", &got); err != nil {
		t.Errorf("without a file: %v", err)
	}
}

// TestBadFiles reads each file of testdata/bad. Its first lines say what must be
// told of it: "# want: LINE: the rest of the message".
func TestBadFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("found %d bad files (%v)", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(text)) {
				if said, ok := strings.CutPrefix(line, "# want: "); ok {
					want = append(want, path+":"+strings.TrimSpace(said))
				}
			}
			if len(want) == 0 {
				t.Fatal("the file does not say what is wrong with it")
			}
			got := defaults()
			_, err = configs.Loader{}.Load(path, &got)
			if err == nil {
				t.Fatal("was read without a problem")
			}
			if said := strings.Split(err.Error(), "\n"); !slices.Equal(said, want) {
				t.Errorf("said\n  %s\nwant\n  %s", strings.Join(said, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		path string
		want string
	}{
		{"a file that is not there", filepath.Join(t.TempDir(), "none.yaml"), "no such file"},
		{"a folder", t.TempDir(), "this is not a file"},
		{"a device that never ends", "/dev/zero", "this is not a file"},
		{"a huge file", writeFile(t, "huge.yaml", "#"+strings.Repeat("x", 1<<20)), "larger than 1 MiB"},
		{"a NUL byte", writeFile(t, "nul.yaml", "http:\n  listen: \"a\x00b\"\n"), ":2: a NUL byte: the file must be plain UTF-8"},
		{"Latin-1", writeFile(t, "latin.yaml", "# ok\nhttp:\n  listen: caf\xe9\n"), ":3: byte 0xE9 is not UTF-8"},
		{"UTF-16", writeFile(t, "wide.yaml", "\xff\xfeh\x00"), ":1: "},
		{"a bomb of aliases", writeFile(t, "bomb.yaml", bomb()), "anchors and aliases are not read"},
		{"nesting without end", writeFile(t, "deep.yaml", "http: "+strings.Repeat("[", 50_000)), "this is not YAML"},
		{"more mistakes than anyone reads", writeFile(t, "many.yaml", manyKeys()), "and more: mend these first"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := defaults()
			_, err := configs.Loader{}.Load(tt.path, &got)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to say %q", err, tt.want)
			}
			if err != nil && len(err.Error()) > 20_000 {
				t.Errorf("said %d bytes", len(err.Error()))
			}
		})
	}
}

func bomb() string {
	var b strings.Builder
	b.WriteString("topics: &a [x, x, x, x, x, x, x, x, x]\n")
	for c := 'b'; c <= 'i'; c++ {
		fmt.Fprintf(&b, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	return b.String()
}

func manyKeys() string {
	var b strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&b, "k%d: 1\n", i)
	}
	return b.String()
}

func TestProblemsAreFoundByType(t *testing.T) {
	t.Parallel()
	got := defaults()
	path := writeFile(t, "paklog.yaml", "http:\n  lisen: x\n")
	_, err := configs.Loader{}.Load(path, &got)
	p, ok := errors.AsType[configs.Problem](err)
	if !ok || p.Key != "http.lisen" || p.Source.Line != 2 || p.Source.File != path {
		t.Errorf("got %+v", p)
	}
}

func TestTypesThatCannotBeASettingPanic(t *testing.T) {
	t.Parallel()
	type self struct{ Next *self }
	targets := map[string]any{
		"want a pointer":        hub{},
		"cannot be a chan int":  &struct{ C chan int }{},
		"cannot be a interface": &struct{ C any }{},
		"text for keys":         &struct{ C map[int]string }{},
		"would hold itself":     &self{},
		"must be the field":     &struct{ A []configs.Secret }{},
		"counted in an integer": &struct {
			A string `config:"a,bytes"`
		}{},
		`has the key "a" twice`: &struct {
			A int
			B int `config:"a"`
		}{},
		`has the key "t_file" twice`: &struct {
			T configs.Secret
			F string `config:"t_file"`
		}{},
	}
	for want, target := range targets {
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, want) {
					t.Errorf("panic %q, want %q", said, want)
				}
			}()
			_, err := configs.Loader{}.Load("", target)
			t.Errorf("%T was taken (%v), want a panic with %q", target, err, want)
		}()
	}
}

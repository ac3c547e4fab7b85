package configs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/configs"
)

func TestEnvironmentOverridesTheFile(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "paklog.yaml", `
http: {listen: ":80", max_body: 1 MiB}
partners:
  acme-east: {url: "https://acme.example", tries: 1}
store: {dir: "${DATA}"}
`)
	got := defaults()
	applied, err := configs.Loader{Env: []string{
		"PAKLOG_HTTP_LISTEN=:90", "PAKLOG_HTTP_MAX_BODY=2 MiB", "PAKLOG_STORE_SYNC=false",
		"PAKLOG_PARTNERS_ACME_EAST_TRIES=7", "PAKLOG_TOPICS=pick-events, task-events", "PAKLOG_TLS_CERT=c.pem",
		"PAKLOG_POLICY=hold", "PAKLOG_HTTP_TIMEOUT=", "DATA=/srv/paklog", "HOME=/root", "PAKLOG_CACHE=/tmp",
	}}.Load(path, &got)
	if err != nil {
		t.Fatal(err)
	}
	checks := []struct {
		key       string
		got, want any
		source    string
	}{
		{key: "http.listen", got: got.HTTP.Listen, want: ":90", source: "env PAKLOG_HTTP_LISTEN"},
		{key: "http.max_body", got: got.HTTP.MaxBody, want: int64(2 << 20), source: "env PAKLOG_HTTP_MAX_BODY"},
		{key: "http.timeout", got: got.HTTP.Timeout, want: 30 * time.Second, source: "default"},
		{key: "store.sync", got: got.Store.Sync, want: false, source: "env PAKLOG_STORE_SYNC"},
		{key: "store.dir", got: got.Store.Dir, want: "/srv/paklog", source: "env DATA (" + path + ":5)"},
		{key: "partners.acme-east.tries", got: got.Partners["acme-east"].Tries, want: 7, source: "env PAKLOG_PARTNERS_ACME_EAST_TRIES"},
		{key: "partners.acme-east.url", got: got.Partners["acme-east"].URL, want: "https://acme.example", source: path + ":4"},
		{key: "topics[1]", got: got.Topics[1], want: "task-events", source: "env PAKLOG_TOPICS"},
		{key: "tls.cert", got: got.TLS.Cert, want: "c.pem", source: "env PAKLOG_TLS_CERT"},
		{key: "policy", got: got.Policy, want: policy("hold"), source: "env PAKLOG_POLICY"},
	}
	for _, c := range checks {
		if c.got != c.want {
			t.Errorf("%s = %v, want %v", c.key, c.got, c.want)
		}
		if source := applied.Source(c.key).String(); source != c.source {
			t.Errorf("%s came from %q, want %q", c.key, source, c.source)
		}
	}
	if unused := applied.Unused(); !slices.Equal(unused, []string{"PAKLOG_CACHE"}) {
		t.Errorf("unused variables %q", unused)
	}
}

func TestBadEnvironment(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		env  string
		want string
	}{
		{"an unknown setting of a section", "PAKLOG_HTTP_LISEN=x", "env PAKLOG_HTTP_LISEN: no setting has this name; did you mean PAKLOG_HTTP_LISTEN?"},
		{"a setting near to none", "PAKLOG_STORE_VOLTAGE_OF_THE_LAMP=x", "env PAKLOG_STORE_VOLTAGE_OF_THE_LAMP: no setting has this name"},
		{"another type", "PAKLOG_STORE_READERS=many", `env PAKLOG_STORE_READERS: store.readers: want a whole number, got "many"`},
		{"a time without its unit", "PAKLOG_HTTP_TIMEOUT=30", `env PAKLOG_HTTP_TIMEOUT: http.timeout: want a time with its unit, as 30s, got "30"`},
		{"what its owner refuses", "PAKLOG_HTTP_TIMEOUT=-1s", "env PAKLOG_HTTP_TIMEOUT: http.timeout: must not be negative, is -1s"},
		{"a secret given twice", "PAKLOG_HTTP_API_KEY=a PAKLOG_HTTP_API_KEY_FILE=b", "env PAKLOG_HTTP_API_KEY: http.api_key: give the secret once: by PAKLOG_HTTP_API_KEY or by PAKLOG_HTTP_API_KEY_FILE"},
		{"a secret's file that is not there", "PAKLOG_HTTP_API_KEY_FILE=no/such", "env PAKLOG_HTTP_API_KEY_FILE: http.api_key_file: no/such: no such file or directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := defaults()
			_, err := configs.Loader{Env: strings.Fields(tt.env)}.Load("", &got)
			if err == nil || err.Error() != tt.want {
				t.Errorf("said\n  %v\nwant\n  %s", err, tt.want)
			}
		})
	}
}

func TestTwoSettingsOfOneVariableAreTold(t *testing.T) {
	t.Parallel()
	target := struct {
		Partners map[string]partner `config:"partners"`
	}{Partners: map[string]partner{"a-b": {URL: "x"}, "a_b": {URL: "y"}}}

	if _, err := (configs.Loader{}).Load("", &target); err != nil {
		t.Errorf("while nobody uses the variable: %v", err)
	}
	_, err := configs.Loader{Env: []string{"PAKLOG_PARTNERS_A_B_URL=z"}}.Load("", &target)
	want := "env PAKLOG_PARTNERS_A_B_URL: partners.a_b.url: the variable also names partners.a-b.url: give one of them in the file"
	if err == nil || err.Error() != want {
		t.Errorf("said %v, want %s", err, want)
	}
}

func ExampleLoader_Load() {
	var config struct {
		HTTP struct {
			Listen  string        `config:"listen"`
			Timeout time.Duration `config:"timeout"`
		} `config:"http"`
	}
	config.HTTP.Listen = "127.0.0.1:8080"

	_, err := configs.Loader{Env: []string{"PAKLOG_HTTP_TIMEOUT=30"}}.Load("testdata/bad/unknown-key.yaml", &config)
	fmt.Println(err)
	// Output:
	// testdata/bad/unknown-key.yaml:4: http.lisen: unknown key; did you mean "listen"?
	// testdata/bad/unknown-key.yaml:5: stores: unknown key
	// env PAKLOG_HTTP_TIMEOUT: http.timeout: want a time with its unit, as 30s, got "30"
}

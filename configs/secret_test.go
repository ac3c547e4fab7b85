package configs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/paklog/hub/configs"
)

const hunter2 = "hunter2"

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	secret := configs.NewSecret(hunter2)
	type open struct{ Token configs.Secret }
	type closed struct{ token configs.Secret }
	var logged bytes.Buffer
	text := slog.New(slog.NewTextHandler(&logged, nil))
	lines := slog.New(slog.NewJSONHandler(&logged, nil))
	for _, log := range []*slog.Logger{text, lines} {
		log.Info("calling", "token", secret, "config", open{secret}, "inner", closed{secret}, "list", []configs.Secret{secret})
	}

	printed := map[string]string{"slog": logged.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%t"} {
		for name, v := range map[string]any{
			"value": secret, "pointer": &secret, "field": open{secret}, "unexported field": closed{secret},
			"list": []configs.Secret{secret}, "map": map[string]configs.Secret{"k": secret}, "error": fmt.Errorf("calling with %v", secret),
		} {
			printed[verb+" of a "+name] = fmt.Sprintf(verb, v)
		}
	}
	asJSON, err := json.Marshal(open{secret})
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(open{secret})
	if err != nil {
		t.Fatal(err)
	}
	printed["json"], printed["yaml"] = string(asJSON), string(asYAML)

	for how, text := range printed {
		if strings.Contains(text, hunter2) || strings.Contains(text, fmt.Sprintf("%x", hunter2)) {
			t.Errorf("%s shows it: %s", how, text)
		}
	}
	for _, how := range []string{"%v of a value", "%x of a list", "json", "yaml", "slog"} {
		if !strings.Contains(printed[how], "redacted") {
			t.Errorf("%s gives %q, want it redacted", how, printed[how])
		}
	}
	if secret.Reveal() != hunter2 || (configs.Secret{}).Reveal() != "" {
		t.Error("Reveal does not give what was set")
	}
}

func TestSecretIsReadByReference(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"token": hunter2 + "\n", "dos": hunter2 + "\r\n", "bare": hunter2,
		"paklog.yaml": "partners:\n  a: {url: x, token_file: token}\n  b: {url: x, token_file: dos}\n  c: {url: x, token_file: \"${WHERE}\"}\n  d: {url: x, token: \"${TOKEN}\"}\n  e: {url: x, token: \"${OTHER}\"}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := defaults()
	applied, err := configs.Loader{Env: []string{
		"TOKEN=hunter2", "WHERE=" + filepath.Join(dir, "bare"), "OTHER=other",
		"PAKLOG_PARTNERS_E_TOKEN=hunter2", "PAKLOG_HTTP_API_KEY_FILE=token",
	}}.Load(filepath.Join(dir, "paklog.yaml"), &got)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range got.Partners {
		if p.Token.Reveal() != hunter2 {
			t.Errorf("the token of partner %s was read as %q", name, p.Token.Reveal())
		}
	}
	if got.HTTP.APIKey.Reveal() != hunter2 {
		t.Error("the API key was not read from the file that the environment names")
	}
	if from := applied.Source("partners.e.token").String(); from != "env PAKLOG_PARTNERS_E_TOKEN" {
		t.Errorf("token came from %q", from)
	}
}

func TestRefusedSecretIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"http: {api_key: hunter2}", "http: {api_key: [hunter2]}", "http: {api_key: {hunter2: x}}",
		"http: {api_key: !!str hunter2}", "http: {api_key: &x hunter2}", "http: {api_keys: hunter2}", "http: {api_key_file: [hunter2]}",
	} {
		got := defaults()
		_, err := configs.Loader{}.Load(writeFile(t, "paklog.yaml", text), &got)
		if err == nil {
			t.Errorf("%s was taken", text)
		} else if strings.Contains(err.Error(), hunter2) {
			t.Errorf("%s was answered with %q", text, err)
		}
	}
}

func TestBadSecretFiles(t *testing.T) {
	t.Parallel()
	for what, file := range map[string]string{
		"is empty":           writeFile(t, "empty", "\n"),
		"larger than 64 KiB": writeFile(t, "large", strings.Repeat("x", 64<<10+1)),
		"this is not a file": t.TempDir(),
	} {
		got := defaults()
		_, err := configs.Loader{}.Load(writeFile(t, "paklog.yaml", "http: {api_key_file: "+file+"}"), &got)
		if err == nil || !strings.Contains(err.Error(), ":1: http.api_key_file: "+file) || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %q", err, what)
		}
	}
}

func TestPlainSecretsAreForTheDemo(t *testing.T) {
	t.Parallel()
	got := defaults()
	path := writeFile(t, "paklog.yaml", "http: {api_key: hunter2}")
	if _, err := (configs.Loader{PlainSecrets: true}).Load(path, &got); err != nil || got.HTTP.APIKey.Reveal() != hunter2 {
		t.Errorf("got %v", err)
	}
}

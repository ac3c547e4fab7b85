package partnerhttp

import (
	"strings"
	"testing"
)

func FuzzRedact(f *testing.F) {
	for _, s := range []string{
		`{"Name":"SECRET"}`, `[{"x":{"NAME":["SECRET",{"a":"SECRET"}]}}]`, `{"Name":"SECRET"}{"Name":"SECRET"}`,
		`SECRET`, `{"Name":"SECRET"`, `{"a":1e999}`, `{"Name":"a","Name":"SECRET"}`, "",
	} {
		f.Add(s)
	}
	r := newRedactor([]string{"Name"})
	f.Fuzz(func(t *testing.T, s string) {
		// Wherever the secret stands as a redacted member's value or outside JSON, it is not shown.
		out := r.body([]byte(`{"Name":"SECRET","rest":` + s + `}`))
		if strings.Contains(out, `"Name":"SECRET"`) {
			t.Errorf("%q shows the secret: %s", s, out)
		}
		if !strings.HasPrefix(out, "{") && strings.Contains(out, "SECRET") {
			t.Errorf("what is not JSON is shown: %s", out)
		}
	})
}

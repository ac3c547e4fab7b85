package routes

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// An effect is tried again by the ledger alone. The library of retries serves a connector's
// session set-up, which changes nothing at a partner: no package that could make an effect's
// call imports it but the one HTTP client, whose own test holds it to the token file. The journal
// on PostgreSQL reaches its server by it, and calls no partner.
func TestNoEffectCallPassesThroughRetryGo(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "github.com/paklog/hub/...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	var importers []string
	packages := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		packages++
		if slices.ContainsFunc(f[1:], func(s string) bool { return strings.HasPrefix(s, "github.com/avast/retry-go") }) {
			importers = append(importers, strings.TrimPrefix(f[0], "github.com/paklog/hub/"))
		}
	}
	if packages < 10 || !slices.Equal(importers, []string{"adapters/internal/partnerhttp", "adapters/postgres"}) {
		t.Errorf("of %d packages, %v import retry-go; only adapters/internal/partnerhttp and adapters/postgres may", packages, importers)
	}
}

package configs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/configs"
)

// FuzzLoad: whatever stands in the file, reading it ends in a configuration
// that explains itself or in problems that a person can read.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(bomb()))
	path := filepath.Join(f.TempDir(), "paklog.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		got := defaults()
		applied, err := configs.Loader{Env: []string{"DATA=/srv", "PAKLOG_STORE_READERS=3"}}.Load(path, &got)
		if err != nil {
			if said := err.Error(); len(said) > 64<<10 || strings.Contains(said, "%!") {
				t.Errorf("said %d bytes: %.200s", len(said), said)
			}
			return
		}
		var out strings.Builder
		if err := applied.Explain(&out); err != nil || !strings.Contains(out.String(), "env PAKLOG_STORE_READERS") {
			t.Errorf("%v:\n%s", err, out.String())
		}
	})
}

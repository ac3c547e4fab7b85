package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAReportNeverOverwritesWhatIsImported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, link, other := filepath.Join(dir, "in.csv"), filepath.Join(dir, "link.csv"), filepath.Join(dir, "other.csv")
	for _, name := range []string{in, other} {
		if err := os.WriteFile(name, []byte("sku\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(in, link); err != nil {
		t.Fatal(err)
	}
	for report, want := range map[string]bool{in: true, link: true, other: false, filepath.Join(dir, "new.csv"): false} {
		if got := overwrites(report, in); got != want {
			t.Errorf("%s: %v", report, got)
		}
	}
}

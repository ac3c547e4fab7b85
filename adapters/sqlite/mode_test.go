package sqlite

import (
	"os"
	"path/filepath"
	"testing"
)

// The folder may have been there before, open to all.
func TestNobodyElseReadsTheJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), dir, Options{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	files, err := filepath.Glob(filepath.Join(dir, fileName+"*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, f := range files {
		i, err := os.Stat(f)
		if err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v: %v", f, i.Mode(), err)
		}
	}
}

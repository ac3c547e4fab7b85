package blob

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPutSyncsFileThenFolder watches every sync: the file is whole and has no name yet at
// its own, and has its name at that of its folder.
func TestPutSyncsFileThenFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	const content = "payload"
	named := func() bool {
		m, err := filepath.Glob(filepath.Join(dir, "??", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(m) > 0
	}
	var steps []string
	s.sync = func(f *os.File) error {
		i, err := f.Stat()
		if err != nil {
			return err
		}
		switch {
		case i.IsDir() && named():
			steps = append(steps, "folder, named")
		case !i.IsDir() && i.Size() == int64(len(content)) && !named():
			steps = append(steps, "file, whole")
		default:
			steps = append(steps, "too early: "+f.Name())
		}
		return f.Sync()
	}
	if _, err := s.Put(t.Context(), strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"file, whole", "folder, named"}; !slices.Equal(steps, want) {
		t.Errorf("synced %q, want %q", steps, want)
	}
}

func TestPutPromisesNothingThatIsNotSynced(t *testing.T) {
	t.Parallel()
	for n := range 2 {
		s, err := Open(Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		left := n
		broken := errors.New("input/output error")
		s.sync = func(f *os.File) error {
			if left--; left < 0 {
				return broken
			}
			return f.Sync()
		}
		if name, err := s.Put(t.Context(), strings.NewReader("payload")); !errors.Is(err, broken) || name != "" {
			t.Errorf("sync %d failed and Put says %q, %v", n+1, name, err)
		}
	}
}

func TestOpenSyncsTheFoldersThatItMade(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "payloads")
	var synced []string
	s := &Store{dir: dir, max: 1, sync: func(f *os.File) error {
		if m, err := filepath.Glob(filepath.Join(dir, "[0-9a-f][0-9a-f]")); err != nil || len(m) != 256 {
			t.Errorf("%s is synced with %d folders in it, %v", f.Name(), len(m), err)
		}
		synced = append(synced, f.Name())
		return f.Sync()
	}}
	if err := s.folders(); err != nil {
		t.Fatal(err)
	}
	if want := []string{dir, filepath.Dir(dir)}; !slices.Equal(synced, want) {
		t.Errorf("synced %q, want %q", synced, want)
	}
}

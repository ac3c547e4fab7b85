package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/paklog/hub/adapters/blob"
	"github.com/paklog/hub/core/fault"
)

func open(t *testing.T) (*blob.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "payloads")
	s, err := blob.Open(blob.Config{Dir: dir, Max: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func put(t *testing.T, s *blob.Store, content string) string {
	t.Helper()
	name, err := s.Put(t.Context(), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func read(s *blob.Store, name string) (string, error) {
	r, err := s.Open(context.Background(), name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func file(dir, name string) string { return filepath.Join(dir, name[:2], name[2:]) }

func Example() {
	dir, err := os.MkdirTemp("", "payloads")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := blob.Open(blob.Config{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	name, err := s.Put(context.Background(), strings.NewReader("a long document"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(name)
	fmt.Println(read(s, name))
	// Output:
	// b579a73d141ed2f2a27f4c9627f99d9b4051e5da062d0eae67ca3acfb4e4cf6e
	// a long document <nil>
}

func TestContentComesBack(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	for _, content := range []string{"", "x", strings.Repeat("long ", 100_000)} {
		name := put(t, s, content)
		if again := put(t, s, content); again != name {
			t.Errorf("the same content is named %s and %s", name, again)
		}
		if got, err := read(s, name); err != nil || got != content {
			t.Errorf("%d bytes came back as %d, %v", len(content), len(got), err)
		}
		r, err := s.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if sized, ok := r.(interface{ Size() int64 }); !ok || sized.Size() != int64(len(content)) {
			t.Errorf("a payload of %d bytes does not say so", len(content))
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	// Another process finds what this one wrote.
	other, err := blob.Open(blob.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(other, put(t, s, "x")); err != nil || got != "x" {
		t.Errorf("reopened: %q, %v", got, err)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			content := fmt.Sprint(i % 4)
			name, err := s.Put(t.Context(), strings.NewReader(content))
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := read(s, name); err != nil || got != content {
				t.Errorf("%q came back as %q, %v", content, got, err)
			}
		})
	}
	wg.Wait()
}

func TestADamagedFileIsNeverTaken(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("payload ", 1000)
	for name, damage := range map[string][]byte{
		"torn":            []byte(content[:4096]),
		"torn to nothing": {},
		"one bit turned":  append([]byte{content[0] ^ 1}, content[1:]...),
		"longer":          []byte(content + "x"),
		"full of zeros":   make([]byte, len(content)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := open(t)
			id := put(t, s, content)
			if err := os.WriteFile(file(dir, id), damage, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := read(s, id); fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), id) {
				t.Errorf("reading it says %v", err)
			}
			if put(t, s, content) != id {
				t.Error("the name changed")
			}
			if got, err := read(s, id); err != nil || got != content {
				t.Errorf("written again it is still damaged: %v", err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	known := put(t, s, "known")
	for name, c := range map[string]struct {
		hash string
		kind fault.Kind
	}{
		"a payload that was never put": {strings.Repeat("ab", 32), fault.Rejected},
		"a path":                       {"../secret", fault.Invalid},
		"a path as long as a hash":     {strings.Repeat("../", 21) + "s", fault.Invalid},
		"nothing":                      {"", fault.Invalid},
		"a hash in capitals":           {strings.ToUpper(known), fault.Invalid},
		"a hash cut short":             {known[:62], fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := read(s, c.hash); fault.KindOf(err) != c.kind || err == nil {
				t.Errorf("got %q, %v; want %s", got, err, c.kind)
			}
		})
	}
}

func TestPutLeavesNothingOfWhatFailed(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		r    io.Reader
		kind fault.Kind
	}{
		"a body that breaks off": {t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)), fault.Transient},
		"a body too long":        {t.Context(), io.LimitReader(zeros{}, 1<<20+1), fault.Rejected},
		"a body without end":     {t.Context(), zeros{}, fault.Rejected},
		"a caller who left":      {ended, strings.NewReader("x"), fault.Transient},
		"a body that says what":  {t.Context(), iotest.ErrReader(fault.E("as2", fault.Invalid, errors.New("bad MIME"))), fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := open(t)
			if id, err := s.Put(c.ctx, c.r); err == nil || fault.KindOf(err) != c.kind {
				t.Errorf("put %q: %v, want %s", id, err, c.kind)
			}
			if left := files(t, dir); len(left) != 0 {
				t.Errorf("%q are left", left)
			}
		})
	}
	t.Run("a folder that is gone", func(t *testing.T) {
		t.Parallel()
		s, dir := open(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Put(t.Context(), strings.NewReader("x")); fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("put says %v", err)
		}
	})
	t.Run("a store without a folder", func(t *testing.T) {
		t.Parallel()
		if _, err := blob.Open(blob.Config{}); err == nil {
			t.Error("it opened")
		}
	})
}

func TestALongestPayloadFits(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	if _, err := s.Put(t.Context(), io.LimitReader(zeros{}, 1<<20)); err != nil {
		t.Error(err)
	}
}

func TestSweepRemovesOnlyWhatIsOldAndUnused(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	used, unused, young, again := put(t, s, "used"), put(t, s, "unused"), put(t, s, "young"), put(t, s, "again")
	incoming := filepath.Join(dir, "incoming", "payload-1")
	foreign := filepath.Join(dir, "README")
	for _, f := range []string{incoming, foreign} {
		if err := os.WriteFile(f, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-48 * time.Hour)
	for _, f := range []string{file(dir, used), file(dir, unused), file(dir, again), incoming, foreign} {
		if err := os.Chtimes(f, old, old); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, "again") // its commit is about to come
	referred := func(_ context.Context, name string) (bool, error) { return name == used, nil }
	n, err := s.Sweep(t.Context(), time.Now().Add(-24*time.Hour), referred)
	if err != nil || n != 2 {
		t.Errorf("swept %d, %v; want 2", n, err)
	}
	for name, want := range map[string]bool{used: true, unused: false, young: true, again: true} {
		if _, err := read(s, name); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", name, err, want)
		}
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a file of somebody else: %v", err)
	}
	if _, err := os.Stat(incoming); err == nil {
		t.Error("what never became whole is still there")
	}
}

// A document that comes again is put while the sweep asks about its old copy: the commit
// that names it is about to come.
func TestWhatIsPutWhileTheSweepAsksStays(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	again, unused, young := put(t, s, "again"), put(t, s, "unused"), put(t, s, "young")
	old := time.Now().Add(-48 * time.Hour)
	for _, name := range []string{again, unused} {
		if err := os.Chtimes(file(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.Sweep(t.Context(), time.Now().Add(-24*time.Hour), func(_ context.Context, name string) (bool, error) {
		if name == young {
			t.Error("asked about what is not old")
		}
		put(t, s, "again")
		return false, nil
	})
	if _, lost := read(s, again); n != 1 || err != nil || lost != nil {
		t.Errorf("swept %d, %v; reading what was put again: %v", n, err, lost)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	name := put(t, s, "a document")
	write := func(content string) func() error {
		return func() error { return os.WriteFile(file(dir, name), []byte(content), 0o600) }
	}
	for _, c := range []struct {
		what   string
		damage func() error
		name   string
		says   string // "" is sound
	}{
		{"sound", func() error { return nil }, name, ""},
		{"cut short", write("a docu"), name, "its 6 bytes"},
		{"empty", write(""), name, "its 0 bytes"},
		{"a byte another", write("a dokument"), name, "its 10 bytes"},
		{"a byte to spare", write("a document."), name, "its 11 bytes"},
		{"mended", write("a document"), name, ""},
		{"removed", func() error { return os.Remove(file(dir, name)) }, name, "missing"},
		{"a folder in its place", func() error { return os.Mkdir(file(dir, name), 0o700) }, name, "cannot be read"},
		{"no name at all", func() error { return nil }, "../../etc/passwd", "no hash"},
	} {
		if err := c.damage(); err != nil {
			t.Fatal(err)
		}
		if err := blob.Verify(t.Context(), dir, c.name); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.what, err, c.says)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "payloads")
	if err := blob.Verify(t.Context(), nowhere, name); err == nil {
		t.Error("found in a folder that is not there")
	}
	if _, err := os.Stat(nowhere); err == nil {
		t.Error("looking made the folder")
	}
}

func TestSweepStopsWhereItCannotTell(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	name := put(t, s, "x")
	down := errors.New("journal is away")
	if n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), func(context.Context, string) (bool, error) { return false, down }); n != 0 || !errors.Is(err, down) {
		t.Errorf("swept %d, %v", n, err)
	}
	if _, err := read(s, name); err != nil {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte{0}, len(p))), nil }

func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/paklog/hub/adapters/internal/payload"
	"github.com/paklog/hub/core/fault"
)

// What is written is what is read, before it is kept and after, however it falls into chunks.
func TestADraftIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3*chunk + 4097} {
		want := make([]byte, size)
		_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(want)
		for how, write := range map[string]func(d *Draft) error{
			"in pieces": func(d *Draft) error {
				_, err := io.CopyBuffer(struct{ io.Writer }{d}, struct{ io.Reader }{bytes.NewReader(want)}, make([]byte, 10_007))
				return err
			},
			"read": func(d *Draft) error { _, err := d.ReadFrom(iotest.DataErrReader(bytes.NewReader(want))); return err },
			"read by half": func(d *Draft) error {
				if _, err := d.Write(want[:size/2]); err != nil {
					return err
				}
				_, err := d.ReadFrom(iotest.HalfReader(bytes.NewReader(want[size/2:])))
				return err
			},
		} {
			d, err := s.Draft(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := write(d); err != nil {
				t.Fatalf("%d bytes %s: %v", size, how, err)
			}
			read := func(when string) {
				if got, err := io.ReadAll(d.Content()); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes %s, %s: %d bytes, %v", size, how, when, len(got), err)
				}
			}
			read("not kept")
			name, err := d.Keep()
			if err != nil {
				t.Fatal(err)
			}
			read("kept")
			d.Drop()
			r, err := s.Open(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes %s, in the store: %d bytes, %v", size, how, len(got), err)
			}
			_ = r.Close()
			if err := Verify(t.Context(), s.dir, name); err != nil {
				t.Errorf("%d bytes %s: %v", size, how, err)
			}
		}
	}
	if left, err := os.ReadDir(s.incoming()); err != nil || len(left) > 0 {
		t.Errorf("%v, %v were left", left, err)
	}
}

func TestADraftThatIsTooLongOrBreaksIsNothing(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Dir: t.TempDir(), Max: chunk + 10})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the line is broken")
	for name, c := range map[string]struct {
		write func(*Draft) error
		want  func(error) bool
	}{
		"written too long": {func(d *Draft) error { _, err := d.Write(make([]byte, chunk+11)); return err }, rejected},
		"read too long": {func(d *Draft) error {
			_, err := d.ReadFrom(strings.NewReader(strings.Repeat("x", chunk+11)))
			return err
		}, rejected},
		"a source that breaks": {func(d *Draft) error {
			_, err := d.ReadFrom(io.MultiReader(strings.NewReader(strings.Repeat("x", chunk)), iotest.ErrReader(broken)))
			return err
		}, func(err error) bool { return errors.Is(err, broken) }},
	} {
		d, err := s.Draft(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.write(d); !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
		d.Drop()
	}
	if left, err := filepath.Glob(filepath.Join(s.dir, "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("%v, %v were left", left, err)
	}
}

// What is named by its BLAKE3 is told from what is named by its SHA-256, found damaged like that, and swept like that.
func TestADraftIsHeldAgainstItsName(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Draft(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Drop()
	if _, err := d.Write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	name, err := d.Keep()
	if err != nil {
		t.Fatal(err)
	}
	// From the reference implementation, github.com/BLAKE3-team/BLAKE3.
	if want := "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"; name != want {
		t.Errorf("BLAKE3 of abc is %s, want %s", name, want)
	}
	put, err := s.Put(t.Context(), strings.NewReader("abc"))
	if err != nil || put == name {
		t.Errorf("put, it is %s, %v", put, err)
	}
	path, err := s.path(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+payload.Fast, []byte("abd"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Verify(t.Context(), s.dir, name); err == nil {
		t.Error("a changed byte is not found")
	}
	if r, err := Look(t.Context(), s.dir, name); err != nil {
		t.Error(err)
	} else if _, err := io.ReadAll(r); fault.KindOf(err) != fault.Internal {
		t.Errorf("a changed payload is read: %v", err)
	}
	asked := map[string]bool{}
	n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), func(_ context.Context, name string) (bool, error) {
		asked[name] = true
		return name == put, nil
	})
	if err != nil || n != 1 || !asked[name] || !asked[put] {
		t.Errorf("%d were swept of %v, %v", n, asked, err)
	}
	if _, err := s.Open(t.Context(), name); fault.KindOf(err) != fault.Rejected {
		t.Errorf("swept, it is %v", err)
	}
}

func rejected(err error) bool { return fault.KindOf(err) == fault.Rejected }

// Past the cache only whole pages go; once that is turned off the end of a payload can be written.
func TestWritesPastTheCacheAreTurnedOnAndOff(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Draft(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Drop()
	if !direct(d.f, true) {
		t.Skip("the file system of the test has none")
	}
	if _, err := d.f.WriteAt(make([]byte, 100), 0); !errors.Is(err, syscall.EINVAL) {
		t.Skipf("the file system takes pieces of any length: %v", err)
	}
	if !direct(d.f, false) {
		t.Fatal("it cannot be ended")
	}
	if _, err := d.f.WriteAt(make([]byte, 100), 0); err != nil {
		t.Errorf("through the cache: %v", err)
	}
}

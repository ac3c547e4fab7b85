package blob_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/blob"
	"github.com/paklog/hub/adapters/internal/disktest"
	"github.com/paklog/hub/core/fault"
)

// A payload that finds no room is no payload: the caller is told to wait, what was there stays,
// and what was written of it gives its room back.
func TestAFullDiskTakesNoPayload(t *testing.T) {
	t.Parallel()
	root := disktest.Mount(t, "2m")
	dir := filepath.Join(root, "payloads")
	s, err := blob.Open(blob.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	held := put(t, s, "held")
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	first := put(t, s, big)
	for range 3 {
		if name, err := s.Put(t.Context(), strings.NewReader("another "+big)); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("Put on a full disk: %q, %v; want Unavailable", name, err)
		}
	}
	if left := files(t, filepath.Join(dir, "incoming")); len(left) > 0 {
		t.Errorf("%v were left", left)
	}
	for name, want := range map[string]string{held: "held", first: big} {
		if got, err := read(s, name); err != nil || got != want {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if err := os.Remove(file(dir, first)); err != nil {
		t.Fatal(err)
	}
	name := put(t, s, "another "+big)
	if got, err := read(s, name); err != nil || got != "another "+big {
		t.Errorf("with room again: %d bytes, %v", len(got), err)
	}
}

func TestAReadOnlyDiskTakesNoPayload(t *testing.T) {
	t.Parallel()
	dir := disktest.Mount(t, "4m")
	s, err := blob.Open(blob.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	held := put(t, s, "held")
	disktest.ReadOnly(t, dir, true)
	if name, err := s.Put(t.Context(), bytes.NewReader([]byte("new"))); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Put: %q, %v; want Unavailable", name, err)
	}
	if got, err := read(s, held); err != nil || got != "held" {
		t.Errorf("reading: %q, %v", got, err)
	}
	if err := blob.Verify(t.Context(), dir, held); err != nil {
		t.Errorf("Verify: %v", err)
	}
	disktest.ReadOnly(t, dir, false)
	put(t, s, "new")
}

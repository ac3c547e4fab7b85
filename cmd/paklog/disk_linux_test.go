package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// onDisk puts the data folder onto a file system of its own, of a size, which is full and
// read-only for root too.
func (s *shell) onDisk(size string) {
	s.t.Helper()
	if err := os.Mkdir(s.data, 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", s.data, "tmpfs", 0, "size="+size); err != nil {
		s.t.Skipf("mounting is refused: %v", err)
	}
	s.t.Cleanup(func() {
		if err := syscall.Unmount(s.data, syscall.MNT_DETACH); err != nil {
			s.t.Error(err)
		}
	})
}

// fill takes what is left of the disk until it is called.
func (s *shell) fill() (free func()) {
	s.t.Helper()
	name := filepath.Join(s.data, "ballast")
	f, err := os.Create(name)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size >= 4096; size /= 2 { // the hub writes too meanwhile
		for err == nil {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			s.t.Fatal(err)
		}
		err = nil
	}
	return func() {
		if err := os.Remove(name); err != nil {
			s.t.Fatal(err)
		}
	}
}

// remount makes the disk one that may be written or not.
func (s *shell) remount(flags uintptr) {
	s.t.Helper()
	if err := syscall.Mount("", s.data, "", syscall.MS_REMOUNT|flags, ""); err != nil {
		s.t.Fatal(err)
	}
}

// place sends an order and returns the status of the answer, 0 where none came in time.
func (s *shell) place(c *caller, number string, within time.Duration) int {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	_, err := c.send(ctx, http.MethodPost, "/v1/orders", map[string]string{"Idempotency-Key": number}, map[string]any{
		"number": number, "lines": []any{map[string]any{"item": "SKU-1", "qty": 1}},
		"ship_to": map[string]any{"name": "Jane", "lines": []string{"1 Main St"}, "city": "Reno", "region": "NV", "postal_code": "89501", "country": "US"},
	}, nil)
	p, refused := errors.AsType[*problem](err)
	switch {
	case err == nil:
		return http.StatusCreated
	case refused:
		if p.Status == http.StatusServiceUnavailable && !strings.Contains(p.Error(), "no space left") {
			s.t.Errorf("503 without a reason: %+v", p)
		}
		if p.Status < 500 {
			s.t.Errorf("order %s: %+v", number, p)
		}
		return p.Status
	case errors.Is(err, context.DeadlineExceeded):
		return 0
	}
	s.t.Fatal(err)
	return 0
}

// TestAFullDiskAnswers503AndGoesOn fills the disk under a hub that serves. Before there is no
// room at all, doors refuse so that what is under way can be finished; where they are told not
// to look ahead, what was taken waits. Nothing that was answered is lost, and the same process
// goes on when room is made.
func TestAFullDiskAnswers503AndGoesOn(t *testing.T) {
	for _, c := range []struct {
		name, limits string
		waits        bool // what comes first is taken and waits for the disk
	}{
		{name: "doors look ahead", limits: "free_disk_percent: 5"},
		{name: "doors do not look ahead", limits: "free_disk_percent: -1", waits: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShell(t)
			text, err := os.ReadFile(s.config)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.config, fmt.Appendf(text, "limits: {%s}\n", c.limits), 0o600); err != nil {
				t.Fatal(err)
			}
			s.onDisk("48m")
			stop := s.serve()
			s.stock("SKU-1", 1000)
			cfg, _, err := load(s.config)
			if err != nil {
				t.Fatal(err)
			}
			hub := attach(t.Context(), cfg)
			if got := s.place(hub, "before", 20*time.Second); got != http.StatusCreated {
				t.Fatalf("with room: %d", got)
			}
			free := s.fill()
			accepted := map[string]bool{"before": true}
			if c.waits {
				// The WAL keeps its size, so that there is room in it for a while.
				for n := 0; ; n++ {
					number := fmt.Sprint("last-", n)
					got := s.place(hub, number, 2*time.Second)
					if got == http.StatusCreated {
						accepted[number] = true
						continue
					}
					if got != 0 && got != http.StatusServiceUnavailable {
						t.Errorf("%s: %d", number, got)
					}
					break
				}
			}
			s.until("doors refuse", func() bool { return s.place(hub, "during", 2*time.Second) == http.StatusServiceUnavailable })
			if err := hub.do(t.Context(), http.MethodGet, "/readyz", nil, nil); err == nil {
				t.Error("the hub says that it is ready")
			}
			free()
			s.until("work goes on", func() bool { return s.place(hub, "after", 5*time.Second) == http.StatusCreated })
			// Whoever got no answer sends it again, under the same key.
			for _, number := range []string{"during", "last-0"} {
				if got := s.place(hub, number, 20*time.Second); got != http.StatusCreated {
					t.Errorf("%s sent again: %d", number, got)
				}
				accepted[number] = true
			}
			for number := range accepted {
				s.must("order", "show", number)
			}
			stop()
			if out := s.must("audit", s.data); !strings.Contains(out, "the journal is right") {
				t.Error(out)
			}
		})
	}
}

// TestAReadOnlyDiskIsNamed starts on a disk that may not be written: serve says so and ends, an
// audit works on a copy and leaves the folder as it is.
func TestAReadOnlyDiskIsNamed(t *testing.T) {
	s := newShell(t)
	s.onDisk("48m")
	stop := s.serve()
	s.stock("SKU-1", 10)
	stop()
	s.remount(syscall.MS_RDONLY)
	s.refused(1, "mounted read-only", "serve")
	if out := s.must("audit", s.data); !strings.Contains(out, "a copy, for the folder may not be written") || !strings.Contains(out, "the journal is right") {
		t.Error(out)
	}
	s.remount(0)
	stop = s.serve()
	s.stock("SKU-2", 10)
	stop()
	s.must("audit", s.data)
}

// TestServeSaysWhatToDoWithAFolderItCannotOpen plants what a crash of the machine, a hasty copy
// or a newer program leaves.
func TestServeSaysWhatToDoWithAFolderItCannotOpen(t *testing.T) {
	s := newShell(t)
	stop := s.serve()
	s.stock("SKU-1", 10)
	stop()
	db := filepath.Join(s.data, "journal.db")
	sound, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, says string
		damage     func(b []byte) []byte
		wal        string
	}{
		{name: "a newer format", says: "run the newer program", damage: func(b []byte) []byte { b[63] = 99; return b }},
		{name: "an older format", says: "begin in an empty folder", damage: func(b []byte) []byte { b[63] = 1; return b }},
		{name: "a torn header", says: "restore a backup", damage: func(b []byte) []byte { clear(b[16:100]); return b }},
		{name: "a header of noise", says: "restore a backup", damage: func(b []byte) []byte { copy(b, "noise noise noise"); return b }},
		{name: "nothing at all", says: "put the file back", damage: func([]byte) []byte { return nil }},
		{name: "nothing beside a WAL", says: "put the file back", damage: func([]byte) []byte { return nil }, wal: "frames"},
	} {
		t.Run(c.name, func(t *testing.T) {
			damaged := c.damage([]byte(string(sound)))
			if err := errors.Join(os.WriteFile(db, damaged, 0o600), os.WriteFile(db+"-wal", []byte(c.wal), 0o600)); err != nil {
				t.Fatal(err)
			}
			s.t = t
			s.refused(1, c.says, "serve")
			after, err := os.ReadFile(db)
			wal, errWAL := os.ReadFile(db + "-wal")
			if err != nil || errWAL != nil || string(after) != string(damaged) || string(wal) != c.wal {
				t.Errorf("the folder was changed: %d bytes of %d, WAL %q, %v %v", len(after), len(damaged), wal, err, errWAL)
			}
		})
	}
}

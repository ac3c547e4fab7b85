package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// disk puts a folder onto a file system of its own, of a size, which is full and read-only for
// root too. (What adapters have for that is theirs alone.)
func (s *shell) disk(dir, size string) {
	s.t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		s.t.Skipf("mounting is refused: %v", err)
	}
	s.t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			s.t.Error(err)
		}
	})
}

// onDisk puts the data folder onto a disk of a size.
func (s *shell) onDisk(size string) {
	s.t.Helper()
	if err := os.Mkdir(s.data, 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.disk(s.data, size)
}

// fill takes what is left of the disk until it is called.
func (s *shell) fill() (free func()) {
	s.t.Helper()
	return fillDisk(s.t, s.data)
}

func fillDisk(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size >= 4096; size /= 2 { // the hub writes too meanwhile
		for err == nil {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
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

// order sends an order under its number as key.
func (s *shell) order(ctx context.Context, c *caller, number string) error {
	_, err := c.send(ctx, http.MethodPost, "/v1/orders", map[string]string{"Idempotency-Key": number}, map[string]any{
		"number": number, "lines": []any{map[string]any{"item": "SKU-1", "qty": 1}},
		"ship_to": map[string]any{"name": "Jane", "lines": []string{"1 Main St"}, "city": "Reno", "region": "NV", "postal_code": "89501", "country": "US"},
	}, nil)
	return err
}

// place sends an order and returns the status of the answer, 0 where none came in time.
func (s *shell) place(c *caller, number string, within time.Duration) int {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	err := s.order(ctx, c, number)
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
			if err := hub.do(t.Context(), http.MethodGet, "/readyz", nil, nil); err == nil || !strings.Contains(err.Error(), s.data) {
				t.Errorf("the hub says that it is ready, or not what it waits for: %v", err)
			}
			if c.waits {
				s.noCopy(filepath.Join(t.TempDir(), "copy"), s.data, "is full")
			}
			free()
			begun := time.Now()
			s.until("the hub is ready", func() bool { return hub.do(t.Context(), http.MethodGet, "/readyz", nil, nil) == nil })
			if took := time.Since(begun); took > 15*time.Second {
				t.Errorf("the hub was ready %s after there was room", took)
			}
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

// noCopy holds that a backup to a folder and an audit by the running hub end soon, say why and leave
// nothing.
func (s *shell) noCopy(to string, says ...string) {
	s.t.Helper()
	tmp := filepath.Dir(to)
	s.t.Setenv("TMPDIR", tmp)
	for _, args := range [][]string{{"backup", to}, {"audit"}} {
		begun := time.Now()
		_, errs, code := s.run(args...)
		if took := time.Since(begun); code != 1 || took > 20*time.Second || !strings.Contains(errs, "make room") {
			s.t.Errorf("%v ends with %d after %s: %s", args, code, took, errs)
		}
		for _, want := range says {
			if !strings.Contains(errs, want) {
				s.t.Errorf("%v does not name %s: %s", args, want, errs)
			}
		}
		if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
			s.t.Errorf("%v leaves %v, %v", args, left, err)
		}
	}
}

// TestACopyThatFindsNoRoomIsNone takes a backup, and an audit of the running hub, onto a disk that is too small.
func TestACopyThatFindsNoRoomIsNone(t *testing.T) {
	s := newShell(t)
	s.serve()
	s.stock("SKU-1", 1000)
	small := t.TempDir()
	s.disk(small, "64k")
	s.noCopy(filepath.Join(small, "copy"), small, "is full")
	if out := s.must("backup", filepath.Join(t.TempDir(), "copy")); !strings.Contains(out, "proves it") {
		t.Error(out)
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

// onFailingDisk puts the data folder onto a disk that the kernel makes read-only when it fails,
// whoever has its files open; a plain remount is refused then.
func (s *shell) onFailingDisk() (fail, mend func()) {
	s.t.Helper()
	image := filepath.Join(s.t.TempDir(), "disk")
	do := func(name string, args ...string) {
		s.t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			s.t.Skipf("mounting is refused: %s: %v: %s", name, err, out)
		}
	}
	mount := func() {
		s.t.Helper()
		do("mount", "-o", "loop,errors=remount-ro", image, s.data)
	}
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 64<<20), os.Mkdir(s.data, 0o700)); err != nil {
		s.t.Fatal(err)
	}
	do("mkfs.ext4", "-q", "-F", image)
	mount()
	s.t.Cleanup(func() {
		if err := syscall.Unmount(s.data, syscall.MNT_DETACH); err != nil {
			s.t.Error(err)
		}
	})
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		s.t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(mounts), " "+s.data+" ")
	if !ok {
		s.t.Fatalf("%s is not mounted", s.data)
	}
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(before[strings.LastIndexByte(before, '\n')+1:]), "trigger_fs_error")
	if _, err := os.Stat(trigger); err != nil {
		s.t.Skipf("mounting is refused: its failure cannot be brought about: %v", err)
	}
	fail = func() {
		if err := os.WriteFile(trigger, []byte("1"), 0); err != nil {
			s.t.Fatal(err)
		}
	}
	return fail, func() {
		if err := syscall.Unmount(s.data, 0); err != nil { // nobody may have it open
			s.t.Fatal(err)
		}
		// 1: errors were corrected.
		if out, err := exec.Command("fsck.ext4", "-p", image).CombinedOutput(); err != nil && !strings.Contains(err.Error(), "exit status 1") {
			s.t.Fatalf("%v: %s", err, out)
		}
		mount()
	}
}

// TestADiskThatBecomesReadOnlyIsNamed makes the disk read-only under a hub, and orders go on
// coming in. The hub ends, for a sync that failed promises nothing, and says why; whoever calls is
// told the same or finds nobody. On the disk that was mended the next hub goes on: each order that
// was answered is there, and each that was not is taken when it is sent again. Nothing is being
// synced when the disk fails: ext4 may call that done and lose it.
func TestADiskThatBecomesReadOnlyIsNamed(t *testing.T) {
	s := newShell(t)
	fail, mend := s.onFailingDisk()
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}
	ready, done := make(chan *app, 1), make(chan error, 1)
	go func() {
		done <- serve(t.Context(), cfg, slog.New(slog.DiscardHandler), func(a *app, _ string) { ready <- a })
	}()
	var a *app
	select {
	case a = <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	s.until("the socket answers", func() bool { return attach(t.Context(), cfg) != nil })
	s.stock("SKU-1", 10_000)
	hub := attach(t.Context(), cfg)
	// send has clients order until one is not served, or each had n; it returns what became of the orders.
	send := func(n int) (answered, open []string) {
		var mu sync.Mutex
		var clients sync.WaitGroup
		for c := range 4 {
			clients.Go(func() {
				for i := range n {
					number := fmt.Sprintf("SO-%d-%d-%d", n, c, i)
					err := s.order(t.Context(), hub, number)
					mu.Lock()
					if err == nil {
						answered = append(answered, number)
					} else {
						open = append(open, number)
					}
					mu.Unlock()
					p, told := errors.AsType[*problem](err)
					if told && (p.Status != http.StatusServiceUnavailable || !strings.Contains(p.Error(), "read-only")) {
						t.Errorf("order %s: %v, want 503 and the cause", number, p)
					}
					if err != nil {
						return
					}
				}
			})
		}
		clients.Wait()
		return answered, open
	}
	answered, open := send(10)
	if len(open) > 0 {
		t.Fatalf("not answered: %v", open)
	}
	at, quiet := a.hub.Bus().Last(), 0
	s.until("the hub is at rest", func() bool {
		if quiet++; a.hub.Bus().Last() != at {
			at, quiet = a.hub.Bus().Last(), 0
		}
		return quiet > 50
	})

	fail()
	late, open := send(1000)
	if len(late) > 0 || len(open) == 0 {
		t.Errorf("on a disk that takes nothing %d orders were answered, %d not", len(late), len(open))
	}
	select {
	case err = <-done:
	case <-time.After(time.Minute):
		t.Fatal("the hub goes on with a disk that takes nothing")
	}
	if err == nil || !strings.Contains(err.Error(), s.data) || !strings.Contains(err.Error(), "made read-only") || !strings.Contains(err.Error(), "mend it") {
		t.Errorf("the hub ended with %v", err)
	}
	s.refused(1, "read-only", "serve")

	mend()
	stop := s.serve()
	hub = attach(t.Context(), cfg)
	for _, number := range answered {
		s.until("the views show "+number, func() bool {
			_, _, code := s.run("order", "show", number)
			return code == 0
		})
	}
	for _, number := range open {
		if got := s.place(hub, number, 20*time.Second); got != http.StatusCreated {
			t.Errorf("%s sent again: %d", number, got)
		}
	}
	stop()
	if out := s.must("audit", s.data); !strings.Contains(out, "the journal is right") {
		t.Error(out)
	}
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

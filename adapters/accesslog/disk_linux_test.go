package accesslog

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/disktest"
)

// TestAFullDiskStopsNothing fills the disk of the log, asks on, makes room, and finds new lines.
func TestAFullDiskStopsNothing(t *testing.T) {
	dir := disktest.Mount(t, "1m")
	l, stop := logged(t, Config{File: filepath.Join(dir, "access.log")})
	h := l.Handler("http", http.NotFoundHandler())
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	until := func(what string, holds func(written, dropped uint64) bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !holds(l.Counts()); <-tick.C {
			if time.Now().After(end) {
				t.Fatal(what)
			}
			ask(h, http.MethodGet, "/", nil)
		}
	}
	until("nothing is dropped", func(_, dropped uint64) bool { return dropped > 3 })
	before, _ := l.Counts()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	until("nothing is written again", func(written, _ uint64) bool { return written > before+3 })
	stop()
}

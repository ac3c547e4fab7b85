package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/postgres/pgtest"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/routes/bus"
)

// A hub stands still in the middle of buying a label, another takes its routes over, and it wakes up:
// before the other has asked the carrier for the last time, or when all is over. It commits nothing, ends,
// and each carton has one label.
func TestAHubThatStandsStillInACallBuysNoSecondLabel(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts and stops processes")
	}
	for _, step := range []bus.Step{bus.StepStarted, bus.StepCalling, bus.StepCalled} {
		for name, early := range map[string]bool{"before the last ask": true, "after it": false} {
			t.Run(string(step)+"/"+name, func(t *testing.T) {
				t.Parallel()
				standStill(t, step, early)
			})
		}
	}
}

func standStill(t *testing.T, step bus.Step, early bool) {
	server := pgtest.Shared(t)
	dir := t.TempDir()
	sim, err := upssim.New(upssim.Options{TruthFile: filepath.Join(dir, "truth.ndjson")})
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 64) // the carrier was asked for a label that may be there
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sim.ServeHTTP(w, r)
		if strings.Contains(r.URL.Path, "recovery") {
			select {
			case asked <- struct{}{}:
			default:
			}
		}
	}))
	t.Cleanup(srv.Close)
	spec := childSpec{Shared: server.Schema(t), Nth: 1}
	hub := func(name string) *world {
		return &world{dir: filepath.Join(dir, name), url: srv.URL, database: server.URL}
	}
	a, b := hub("a"), hub("b")
	stands := spec
	stands.Step, stands.Stand = step, true
	first := started(t, a, stands)
	d := &demo{addr: *a.addr.Load()}
	for path, body := range map[string]any{
		"/v1/items": map[string]any{"sku": "MUG", "description": "a mug", "units": []any{
			map[string]any{"uom": "each", "factor": 1, "weight_mg": 1000, "dims": map[string]any{"length_um": 1000, "width_um": 1000, "height_um": 1000}},
		}},
		"/v1/locations": map[string]any{"location": "A-1", "zone": "A", "purpose": "pick"},
	} {
		if _, err := d.post(t.Context(), path, path, body); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.post(t.Context(), "/v1/stock/receive", "r", map[string]any{"item": "MUG", "location": "A-1", "qty": 10, "reference": "r"}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.post(t.Context(), "/v1/orders", "o", map[string]any{
		"number": "O-1", "ship_to": demoAddress, "lines": []any{map[string]any{"item": "MUG", "qty": 1}},
	}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-first.said: // that it stands still
	case <-first.gone:
		t.Fatalf("the hub ended: %v", first.err)
	case <-time.After(time.Minute):
		t.Fatal("the step was not reached")
	}
	second := started(t, b, spec)
	wake := func() {
		if err := first.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		select {
		case <-first.gone:
		case <-time.After(time.Minute):
			t.Fatal("the hub that was shut out goes on")
		}
		if first.err == nil {
			t.Error("the hub that was shut out ends as if nothing were")
		}
	}
	if early {
		select {
		case <-asked:
		case <-time.After(time.Minute):
			t.Fatal("nobody asked the carrier")
		}
		wake()
	}
	if err := second.rest(); err != nil {
		t.Fatal(err)
	}
	if !early {
		wake()
	}
	if err := second.rest(); err != nil {
		t.Fatal(err)
	}
	if truth := sim.Truth(); truth.Standing("") != 1 {
		t.Errorf("the carrier holds %d labels for one carton: %+v", truth.Standing(""), truth.Labels)
	}
	if err := second.stop(); err != nil {
		t.Error(err)
	}
}

// started is a hub that opened its doors.
func started(t *testing.T, w *world, spec childSpec) *child {
	t.Helper()
	none := ""
	w.addr.Store(&none)
	if err := os.MkdirAll(w.dir, 0o750); err != nil {
		t.Fatal(err)
	}
	c, err := w.start(context.WithoutCancel(t.Context()), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	c.open()
	if *w.addr.Load() == "" {
		t.Fatalf("the hub ended: %v", c.err)
	}
	return c
}

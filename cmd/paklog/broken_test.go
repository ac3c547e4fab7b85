package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/paklog/hub/core/journal"
)

// failing is a disk that does not sync any more.
type failing struct {
	journal.Driver
	now *atomic.Bool
}

func (f failing) Write(ctx context.Context, b *journal.Batch) ([]*journal.Refusal, error) {
	if f.now.Load() {
		return nil, journal.ErrBroken
	}
	return f.Driver.Write(ctx, b)
}

// What cannot be synced cannot be promised: the process ends, and not with 0.
func TestServeEndsWhenTheJournalBreaks(t *testing.T) {
	t.Parallel()
	cfg, _, err := load(newShell(t).config)
	if err != nil {
		t.Fatal(err)
	}
	var broken atomic.Bool
	cfg.probe.driver = func(d journal.Driver) journal.Driver { return failing{d, &broken} }
	err = serve(t.Context(), cfg, slog.New(slog.DiscardHandler), func(a *app, _ string) {
		broken.Store(true)
		if _, err := a.bus.Submit(t.Context(), &journal.Unit{}); !errors.Is(err, journal.ErrBroken) {
			t.Errorf("writing: %v", err)
		}
	})
	if !errors.Is(err, journal.ErrBroken) || ended(t.Output(), err) != int(exitFailure) {
		t.Errorf("serve ended with %v", err)
	}
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/paklog/hub/adapters/accesslog"
)

// openAccessLog opens the log of requests, where one is configured.
func (a *app) openAccessLog() (err error) {
	c := a.cfg.Log.Access
	if c.File == "" {
		return nil
	}
	if a.access, err = accesslog.Open(accesslog.Config{
		File: c.File, MaxBytes: c.MaxSize, Every: c.Every, Keep: c.Keep, Files: c.Files, Gzip: c.Gzip,
	}, a.log); err != nil {
		return fmt.Errorf("log.access: %w", err)
	}
	for _, m := range []struct {
		name, help string
		count      func(written, dropped uint64) uint64
	}{
		{"paklog_access_log_lines_total", "Lines that were written to the access log.", func(written, _ uint64) uint64 { return written }},
		{"paklog_access_log_dropped_total", "Lines of the access log that were dropped, because its disk took none or was too slow.", func(_, dropped uint64) uint64 { return dropped }},
	} {
		if err := a.metrics.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.name, Help: m.help}, func() float64 { return float64(m.count(a.access.Counts())) })); err != nil {
			return fmt.Errorf("registering the metrics of the access log: %w", err)
		}
	}
	return nil
}

// noted has the requests of a door written down, where there is a log.
func (a *app) noted(door string, h http.Handler) http.Handler {
	if a.access == nil {
		return h
	}
	return a.access.Handler(door, h)
}

// runAccessLog writes until the last door is shut.
func (a *app) runAccessLog(ctx context.Context, doors *sync.WaitGroup) error {
	if a.access == nil {
		return nil
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	go func() { // ends with the doors, which Run waits for
		defer stop()
		doors.Wait()
	}()
	return a.access.Run(ctx)
}

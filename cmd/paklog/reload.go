package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/core/journal"
)

// front is the HTTP handler of the hour. Requests under way end on the one they began on.
type front struct{ now atomic.Pointer[http.Handler] }

func (f *front) swap(h http.Handler) { f.now.Store(&h) }

// ServeHTTP implements [http.Handler].
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*f.now.Load()).ServeHTTP(w, r) }

// reloadedConfig is what a reload came to: keys of settings, never values.
type reloadedConfig struct {
	Applied []string `json:"applied"` // in force now
	Restart []string `json:"restart"` // read, and in force after a restart
}

// swappable reports whether a running hub takes a setting over: who may come in, and what the
// log says. Everything else is built into routes, the store and listeners when it starts.
func swappable(key string) bool {
	for _, part := range []string{"http.keys", "http.users", "webhooks", "log.level"} {
		if rest, ok := strings.CutPrefix(key, part); ok && (rest == "" || rest[0] == '.') {
			return true
		}
	}
	return false
}

// reload reads the configuration again. Either all that can be swapped is, and that is durable
// as config.Applied, or nothing changes and the error says why.
func (a *app) reload(ctx context.Context, actor string) (reloadedConfig, error) {
	done := reloadedConfig{Applied: []string{}, Restart: []string{}}
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if a.cfg.again == nil {
		return done, errors.New("this hub was not started from a configuration")
	}
	read, err := a.cfg.again()
	if err != nil {
		return done, err
	}
	for _, key := range a.now.applied.Changed(read.applied) {
		if swappable(key) {
			done.Applied = append(done.Applied, key)
		}
	}
	for _, key := range a.cfg.applied.Changed(read.applied) {
		if !swappable(key) {
			done.Restart = append(done.Restart, key)
		}
	}
	// What is swapped must be right beside what is not: keys may not go while the door that
	// they guard stays open to others.
	next := *a.cfg
	next.HTTP.Keys, next.HTTP.Users, next.Webhooks, next.Log.Level = read.HTTP.Keys, read.HTTP.Users, read.Webhooks, read.Log.Level
	if err := next.Validate(); err != nil {
		return done, fmt.Errorf("nothing is changed, for it does not go with what is in force until a restart: %w", err)
	}
	next.applied = read.applied
	api, err := a.web(&next)
	if err != nil {
		return done, err
	}
	if len(done.Applied) > 0 {
		if err := a.noteConfig(ctx, actor, done); err != nil {
			return done, err
		}
	}
	a.front.swap(api)
	if a.cfg.level != nil {
		a.cfg.level.Set(next.Log.level())
	}
	a.now = &next
	return done, nil
}

// noteConfig makes durable who changed which settings.
func (a *app) noteConfig(ctx context.Context, actor string, done reloadedConfig) error {
	data, err := json.Marshal(struct {
		reloadedConfig
		Actor string `json:"actor"`
	}{done, actor})
	if err != nil {
		return err
	}
	at := time.Now()
	ref, err := a.bus.Submit(ctx, &journal.Unit{Records: []journal.Record{{
		ID: journal.NewID(at, [10]byte([]byte("config    "))), Type: "config.Applied", Schema: 1,
		Topic: "audit-events", Key: "config", Time: at, Source: "control", Data: data,
	}}})
	if ref != nil {
		return fmt.Errorf("recording the reload: %w", ref)
	}
	return err
}

// reloads reloads at each SIGHUP until ctx ends.
func (a *app) reloads(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.cfg.hup:
		}
		if done, err := a.reload(ctx, "SIGHUP"); err != nil {
			a.log.Error("the configuration is not reloaded: nothing changed", "err", err)
		} else {
			a.log.Info("the configuration is reloaded", "applied", done.Applied, "restart", done.Restart)
		}
	}
}

// level is the log level that is asked for.
func (c LogConfig) level() (l slog.Level) {
	_ = l.UnmarshalText([]byte(c.Level)) // Validate has seen it
	return l
}

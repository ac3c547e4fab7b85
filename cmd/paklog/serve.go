package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
)

func newLogger(format string, level slog.Leveler, w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

func newServe(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the hub until it is told to stop",
		Long: `Run the hub. Without --config it runs on the embedded default and says where its
data lie. SIGTERM or Ctrl-C drains: doors close, work under way finishes and becomes durable,
then the program ends with 0; a second one ends it at once, which loses nothing either. SIGHUP
is paklog config reload.`,
		Example: `  paklog serve
  paklog serve --config configs/paklog.yaml
  PAKLOG_HTTP_LISTEN=127.0.0.1:9000 paklog serve`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := load(g.config)
			if err != nil {
				return err
			}
			cfg.level = new(slog.LevelVar)
			cfg.level.Set(cfg.Log.level())
			hup := make(chan os.Signal, 1)
			signal.Notify(hup, syscall.SIGHUP)
			defer signal.Stop(hup)
			cfg.hup = hup
			log := newLogger(cfg.Log.Format, cfg.level, cmd.ErrOrStderr())
			return serve(cmd.Context(), cfg, log, func(a *app, addr string) {
				out := cmd.OutOrStdout()
				dir, err := filepath.Abs(cfg.Data)
				if err != nil {
					dir = cfg.Data
				}
				if g.config == "" {
					fmt.Fprintln(out, "no --config: the embedded default is in force (paklog init writes a file to start from)")
				}
				scheme := "http"
				if cfg.HTTP.TLS.Certificate != "" {
					scheme = "https"
				}
				fmt.Fprintf(out, "ready: %s://%s (API page /docs), data in %s\n", scheme, addr, dir)
				built, stop := context.WithTimeout(cmd.Context(), 200*time.Millisecond)
				_ = a.projector.Wait(built, a.since) // those of a hub that kept up are read by then
				stop()
				if at := a.seen(); at < a.since {
					fmt.Fprintf(out, "views are behind (%d of %d): orders and work are taken; until they caught up /readyz is 503 and so are queries\n", at, a.since)
				}
				if a.stationAddr != "" {
					fmt.Fprintf(out, "AS2 partners are answered on %s\n", a.stationAddr)
				}
				if r := a.restored; r != nil {
					shut := "and no route speaks to a partner"
					if len(r.Paused) > 0 {
						shut = "and these doors are shut until you resume them (paklog routes resume ROUTE): " + strings.Join(r.Paused, " ")
					}
					fmt.Fprintf(out, "this folder was restored from a backup: %d calls that were under way are Unknown, %d control numbers are advanced,\n%s\n", r.Unknown, r.Advanced, shut)
				}
			})
		},
	}
}

// gcPercent lets garbage grow to twice what is in use, which is a few dozen MB, before
// it is collected: under load collecting more often costs more than what a hub decides.
const gcPercent = 200

// serve opens the hub and runs it until ctx ends. ready is called once every door is open.
func serve(ctx context.Context, cfg *Config, log *slog.Logger, ready func(a *app, addr string)) error {
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	keys := cfg.apiKeys()
	if err := rest.CheckListen(cfg.HTTP.Listen, keys, cfg.people()...); err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	if cfg.HTTP.TLS.Certificate != "" {
		if _, err := cfg.HTTP.TLS.load(); err != nil {
			return fmt.Errorf("http.tls: %w", err)
		}
	}
	if cfg.AS2.TLS.Certificate != "" {
		if _, err := cfg.AS2.TLS.load(); err != nil {
			return fmt.Errorf("as2.tls: %w", err)
		}
	}
	a, err := awaitFolder(ctx, func(err error) {
		log.Warn("the data folder is in use: waiting for whoever has it to end", "for", lockWait.String(), "err", err)
	}, func() (*app, error) { return openApp(ctx, cfg, log, whole) })
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.HTTP.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("listening on %s: %w: stop what has it, or set http.listen", cfg.HTTP.Listen, err), a.Close(ctx))
	}
	control, err := a.listenControl(ctx)
	if err != nil {
		return errors.Join(err, l.Close(), a.Close(ctx))
	}
	as2, err := a.listenStation(ctx)
	if err != nil {
		return errors.Join(err, control.Close(), l.Close(), a.Close(ctx))
	}
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	var collecting sync.WaitGroup
	if os.Getenv("GOGC") == "" {
		collecting.Go(func() { boundGarbage(run, a) })
	}
	done := make(chan error, 1)
	secured := func(l net.Listener) net.Listener { return cfg.HTTP.TLS.secured(l, tls.NoClientCert) }
	own := l
	if tcp, ok := l.(*net.TCPListener); ok {
		own = lingering{tcp}
	}
	go func() { done <- a.Run(run, secured(own), control, as2) }()
	select {
	case <-a.hub.Running():
		if ready != nil {
			ready(a, l.Addr().String())
		}
		giveBack() // what starting left behind, some 40 MB: the runtime would take its time
		err = <-done
	case err = <-done:
	}
	cancel()
	collecting.Wait() // it works on what is closed now
	defer farewell(l, secured)()
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), cfg.Limits.Drain)
	defer stop()
	return errors.Join(err, a.Close(end))
}

// giveBack gives the system what is not in use.
func giveBack() {
	debug.FreeOSMemory()
	trimCode()
}

// mostGarbage bounds what [gcPercent] lets grow where much is in use.
const mostGarbage = 128 << 20

// garbagePercent is the share of what is in use that garbage may reach.
func garbagePercent(inUse uint64) int {
	if inUse == 0 {
		return gcPercent
	}
	return int(min(gcPercent, max(25, mostGarbage*100/inUse)))
}

// resting gives memory back to the system once a hub is at rest that was at work: nothing else would
// for minutes, for a hub that allocates nothing collects nothing.
//
// One that rests for longer forgets what it only keeps to be fast, too.
type resting struct {
	free, forget func()

	allocated uint64 // at the last look
	looks     int    // at rest, in a row
}

// At rest a hub allocates less in a second, for so many looks; less in use than idle is not worth it.
const (
	restAllocs = 1 << 20
	restLooks  = 5
	longLooks  = 30
	restInUse  = 48 << 20
)

// look is told each second what was allocated so far, and what is in use with its garbage.
func (r *resting) look(allocated, inUse uint64) {
	made := allocated - r.allocated
	r.allocated = allocated
	if made > restAllocs {
		r.looks = 0
		return
	}
	switch r.looks++; {
	case r.looks == restLooks && inUse > restInUse:
		r.free()
	case r.looks == longLooks:
		r.forget()
		r.free()
	}
}

// boundGarbage follows what is in use until ctx ends.
func boundGarbage(ctx context.Context, a *app) {
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	rest := resting{free: giveBack, forget: func() {
		if err := errors.Join(a.bus.Shrink(ctx), a.views.Shrink(ctx)); err != nil && ctx.Err() == nil && a.bus.Err() == nil {
			a.log.Warn("giving memory back", "err", err)
		}
	}}
	for was := gcPercent; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(inUse)
		rest.look(inUse[1].Value.Uint64(), inUse[2].Value.Uint64())
		// To change it stops the world for a moment: small changes are not worth that.
		if now := garbagePercent(inUse[0].Value.Uint64()); now-was > was/8 || was-now > was/8 {
			debug.SetGCPercent(now)
			was = now
		}
	}
}

func (c *Config) apiKeys() []rest.Key {
	var keys []rest.Key
	for _, name := range slices.Sorted(maps.Keys(c.HTTP.Keys)) {
		k := c.HTTP.Keys[name]
		rights, _ := k.rights() // refused when the configuration was read
		keys = append(keys, rest.Key{Client: name, Secret: k.Key.Reveal(), Rights: rights})
	}
	return keys
}

// people are those who sign in.
func (c *Config) people() []rest.User {
	var list []rest.User
	for _, name := range slices.Sorted(maps.Keys(c.HTTP.Users)) {
		u := c.HTTP.Users[name]
		list = append(list, rest.User{Name: name, Hash: u.PasswordHash.Reveal(), Rights: u.rights()})
	}
	return list
}

// known reports whether somebody has rights of his own, so that it matters who is who.
func (c *Config) known() bool {
	if len(c.HTTP.Users) > 0 {
		return true
	}
	for _, k := range c.HTTP.Keys {
		if k.Role != "" || len(k.Scopes)+len(k.Partners)+len(k.Routes) > 0 || k.Expires != "" {
			return true
		}
	}
	return false
}

// exists reports whether a path is there.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

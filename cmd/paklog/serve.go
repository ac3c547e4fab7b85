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
		stop := make(chan struct{})
		var collecting sync.WaitGroup
		collecting.Go(func() { boundGarbage(stop) })
		defer func() {
			close(stop)
			collecting.Wait()
		}()
	}
	keys := cfg.apiKeys()
	if err := rest.CheckListen(cfg.HTTP.Listen, keys); err != nil {
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
	done := make(chan error, 1)
	go func() { done <- a.Run(run, cfg.HTTP.TLS.secured(l, tls.NoClientCert), control, as2) }()
	select {
	case <-a.hub.Running():
		if ready != nil {
			ready(a, l.Addr().String())
		}
		debug.FreeOSMemory() // what starting left behind, some 20 MB: the runtime would take its time
		err = <-done
	case err = <-done:
	}
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), cfg.Limits.Drain)
	defer stop()
	return errors.Join(err, a.Close(end))
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
type resting struct {
	free func()

	allocated uint64 // at the last look
	looks     int    // at rest, in a row
}

// At rest a hub allocates less in a second, for so many looks; less in use than idle is not worth it.
const (
	restAllocs = 1 << 20
	restLooks  = 5
	restInUse  = 48 << 20
)

// look is told each second what was allocated so far, and what is in use with its garbage.
func (r *resting) look(allocated, inUse uint64) {
	if allocated-r.allocated > restAllocs {
		r.looks = 0
	} else if r.looks++; r.looks == restLooks && inUse > restInUse {
		r.free()
	}
	r.allocated = allocated
}

// boundGarbage follows what is in use until stop is closed.
func boundGarbage(stop <-chan struct{}) {
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	rest := resting{free: debug.FreeOSMemory}
	for was := gcPercent; ; {
		select {
		case <-stop:
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
		keys = append(keys, rest.Key{Client: name, Secret: c.HTTP.Keys[name].Key.Reveal()})
	}
	return keys
}

// exists reports whether a path is there.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/routes/eip"
)

// mostSocketPath is the length of sun_path, without its NUL.
const mostSocketPath = 107

// socketPath is where the running hub listens for its own command line.
func socketPath(data string) string { return filepath.Join(data, "paklog.sock") }

// control is the handler behind the socket: what the API serves, without keys since the
// file's permissions guard it, and what only the operator of this machine may ask for.
func (a *app) control() (http.Handler, error) {
	// Made when it is first asked: its schemas take 10 MB, as those of the open doors do.
	api := sync.OnceValues(func() (http.Handler, error) { return a.rest(nil, nil) })
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h, err := api()
		if err != nil {
			controlError(w, http.StatusInternalServerError, err)
			return
		}
		h.ServeHTTP(w, r)
	})
	mux.HandleFunc("POST /control/backup", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			To string `json:"to"`
		}
		if !decodeControl(w, r, &in) {
			return
		}
		if !filepath.IsAbs(in.To) {
			controlError(w, http.StatusBadRequest, errors.New("to: an absolute path is needed"))
			return
		}
		if within(a.cfg.Data, in.To) {
			controlError(w, http.StatusUnprocessableEntity, fmt.Errorf("%s lies in the data folder: what takes that takes the backup too; name a folder elsewhere", in.To))
			return
		}
		s, ok := a.store.(embedded)
		if !ok {
			controlError(w, http.StatusUnprocessableEntity, errors.New("the journal is in PostgreSQL: take a base backup of its server (pg_basebackup with its WAL), or pg_dump its schema, and copy payloads/ of the data folder after it"))
			return
		}
		if err := a.flush(r.Context()); err != nil {
			controlError(w, http.StatusServiceUnavailable, err)
			return
		}
		if err := s.Backup(r.Context(), in.To); err != nil {
			controlError(w, http.StatusInternalServerError, err)
			return
		}
		writeControl(w, map[string]any{"to": in.To, "position": a.bus.Last()})
	})
	mux.HandleFunc("POST /control/views/rebuild", func(w http.ResponseWriter, r *http.Request) {
		if err := a.flush(r.Context()); err != nil {
			controlError(w, http.StatusServiceUnavailable, err)
			return
		}
		pos, err := a.projector.Rebuilt(r.Context())
		if err != nil {
			controlError(w, http.StatusServiceUnavailable, err)
			return
		}
		writeControl(w, map[string]any{"position": pos})
	})
	mux.HandleFunc("POST /control/config/reload", func(w http.ResponseWriter, r *http.Request) {
		done, err := a.reload(r.Context(), "operator@"+hostname())
		if err != nil {
			controlError(w, http.StatusUnprocessableEntity, err)
			return
		}
		writeControl(w, done)
	})
	mux.HandleFunc("GET /control/units", a.units)
	mux.HandleFunc("POST /control/stop", func(w http.ResponseWriter, r *http.Request) {
		end := a.end.Load()
		if end == nil {
			controlError(w, http.StatusServiceUnavailable, errors.New("the hub is starting"))
			return
		}
		a.log.Info("asked to stop", "by", "operator@"+hostname())
		writeControl(w, map[string]any{"position": a.bus.Last()})
		(*end)() // the answer goes out first: a stop waits for it
	})
	mux.HandleFunc("POST /control/import", a.importing)
	mux.HandleFunc("POST /control/edi/resend", a.resending)
	mux.HandleFunc("POST /control/as2/archive", a.archive)
	act := func(typ string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			order := eip.Order{Route: r.PathValue("route"), Actor: "operator@" + hostname()}
			if err := a.hub.Control(r.Context(), typ, order); err != nil {
				controlError(w, http.StatusNotFound, err)
				return
			}
			writeControl(w, map[string]any{"route": r.PathValue("route")})
		}
	}
	mux.HandleFunc("POST /control/routes/{route}/pause", act(eip.PauseRoute))
	mux.HandleFunc("POST /control/routes/{route}/resume", act(eip.ResumeRoute))
	mux.HandleFunc("GET /control/about", a.about)
	mux.HandleFunc("GET /control/routes", func(w http.ResponseWriter, _ *http.Request) { writeControl(w, a.routeInfos()) })
	return mux, nil
}

// flush waits until what was handed over is durable, but not for room on a disk that stays full.
func (a *app) flush(ctx context.Context) error {
	const look, most = 250 * time.Millisecond, 8 // looks at a full disk
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.bus.Flush(ctx) }()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for full := 0; full < most; {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			full++
			if !a.bus.Full() {
				full = 0
			}
		}
	}
	cancel()
	if err := <-done; err == nil {
		return nil // at the last moment
	}
	return a.noRoom()
}

// noRoom says which disk is full.
func (a *app) noRoom() error {
	dir, err := filepath.Abs(a.cfg.Data)
	if err != nil {
		dir = a.cfg.Data
	}
	return fmt.Errorf("%w: the disk of %s is full, and what the hub has taken waits for it: make room there, then try again", journal.ErrFull, dir)
}

// within reports whether path, which need not be there yet, lies in dir.
func within(dir, path string) bool {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

func hostname() string {
	h, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return h
}

func decodeControl(w http.ResponseWriter, r *http.Request, v any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(v); err != nil {
		controlError(w, http.StatusBadRequest, err)
		return false
	}
	return true
}

func writeControl(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client hung up: nobody to tell
}

func controlError(w http.ResponseWriter, status int, err error) {
	rest.WriteProblem(w, status, "", err.Error(), 0)
}

// listenControl opens the socket. The data folder's lock is ours, so one that lies there was left by a process
// that died.
func (a *app) listenControl(ctx context.Context) (net.Listener, error) {
	path := socketPath(a.cfg.Data)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("removing the socket of a process that died: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil && len(path) > mostSocketPath {
		return nil, fmt.Errorf("listening for the command line: %s is longer than the %d bytes that a socket's path may have: use a data folder with a shorter path: %w", path, mostSocketPath, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listening for the command line: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// serveControl answers on the socket until shut ends; ctx is that of the hub.
func (a *app) serveControl(ctx, shut context.Context, l net.Listener) error {
	// Its API is a second one beside that of the network, some 8 MB: a hub that nobody asks here is spared it.
	once := sync.OnceValues(a.control)
	return serveHTTP(ctx, shut, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, err := once()
		if err != nil {
			controlError(w, http.StatusInternalServerError, err)
			return
		}
		h.ServeHTTP(w, r)
	}), a.cfg.Limits.Drain)
}

// serveHTTP serves until shut ends and lets requests under way finish. Between the end of ctx
// and that of shut the hub drains: whoever comes then is answered 503 and not left to guess
// why nobody listens.
func serveHTTP(ctx, shut context.Context, l net.Listener, h http.Handler, drain time.Duration, set ...func(*http.Server)) error {
	var inside atomic.Int64
	srv := &http.Server{
		Handler: untilDrain(ctx, &inside, h), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ConnContext: withPeer,
	}
	for _, f := range set {
		f(srv)
	}
	done := make(chan error, 1)
	stop := context.AfterFunc(shut, func() {
		end, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		// Shutdown closes the door first, and who comes while a slow request is waited for would be
		// refused by the system and not by us.
		for tick := time.NewTicker(5 * time.Millisecond); inside.Load() > 0 && end.Err() == nil; {
			<-tick.C
		}
		err := srv.Shutdown(end)
		if errors.Is(err, context.DeadlineExceeded) {
			err = srv.Close() // who is that slow was promised nothing
		}
		done <- err
	})
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}

// untilDrain lets requests in until ctx ends, and counts who is inside.
func untilDrain(ctx context.Context, inside *atomic.Int64, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside.Add(1)
		if ctx.Err() == nil {
			defer inside.Add(-1)
			h.ServeHTTP(w, r)
			return
		}
		inside.Add(-1)
		// net/http would read the rest of the body first, however slowly it comes.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now())
		w.Header().Set("Connection", "close") // the next one finds whoever runs then
		why := "come again under the same Idempotency-Key"
		if cause := context.Cause(ctx); errors.Is(cause, journal.ErrBroken) {
			why += "; " + cause.Error()
		}
		rest.WriteProblem(w, http.StatusServiceUnavailable, "stopping", "the hub is stopping: "+why, time.Second)
	})
}

// caller reaches the hub for the command line: the one that runs, through its socket, or one
// opened here for a moment when none does.
type caller struct {
	cfg     *Config
	client  *http.Client
	errs    io.Writer // where it is said that the hub takes its time; nil is nowhere
	local   *app
	handler http.Handler
	end     context.CancelFunc
	done    chan error
}

// lockWait is how long a command waits for a folder that another has.
const lockWait = 5 * time.Second

// reach finds the running hub of the configured folder, or opens the folder itself.
func reach(ctx context.Context, g *global) (*caller, error) {
	c, cfg, err := running(ctx, g)
	if err != nil || c != nil {
		return c, err
	}
	path := socketPath(cfg.Data)
	if _, err := os.Stat(cfg.Data); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no hub runs on %s and there is no such folder: start one with paklog serve, or name its configuration with --config", cfg.Data)
	}
	a, err := openApp(ctx, cfg, newLogger("text", slog.LevelError, os.Stderr), doorsOnly)
	// Whoever has the folder is a hub that is starting, or another command that is soon done.
	for end := time.Now().Add(lockWait); errors.Is(err, journal.ErrLocked) && time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		if c := attach(ctx, cfg); c != nil {
			return c, nil
		}
		a, err = openApp(ctx, cfg, newLogger("text", slog.LevelError, os.Stderr), doorsOnly)
	}
	if errors.Is(err, journal.ErrLocked) {
		return nil, fmt.Errorf("%w; and it does not answer on %s", err, path)
	}
	if err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(ctx)
	c = &caller{cfg: cfg, local: a, end: cancel, done: make(chan error, 1)}
	go func() {
		g, run := errgroup.WithContext(run)
		g.Go(func() error { return a.hub.Run(run) })
		g.Go(func() error { return a.projector.Run(run) })
		c.done <- g.Wait()
	}()
	select {
	case <-a.hub.Running():
	case err := <-c.done:
		cancel()
		return nil, errors.Join(err, a.Close(ctx))
	}
	if c.handler, err = a.control(); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	// Views that are built from nothing answer no query before they know the journal.
	built, stop := context.WithTimeout(ctx, lockWait)
	defer stop()
	_ = a.projector.Wait(built, a.since) // the query itself says where they stand
	return c, nil
}

// running finds the hub that runs on the configuration; the caller is nil when none does. A shell
// that lacks the secrets of the hub's service finds it all the same: the hub has read them.
func running(ctx context.Context, g *global) (*caller, *Config, error) {
	cfg, _, err := load(g.config)
	if err == nil {
		return attach(ctx, cfg), cfg, nil
	}
	cfg = defaults()
	if _, other := (configs.Loader{Env: os.Environ(), NoSecrets: true}).Load(g.config, cfg); other != nil {
		return nil, nil, err
	}
	if c := attach(ctx, cfg); c != nil {
		return c, cfg, nil
	}
	return nil, nil, err
}

// attach speaks to the hub that runs on the configured folder; nil when none answers.
func attach(ctx context.Context, cfg *Config) *caller {
	path := socketPath(cfg.Data)
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil
	}
	_ = c.Close() // it was to see that somebody answers
	return &caller{cfg: cfg, client: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}}
}

// withHub runs f against the hub that runs, or against one opened for it.
func withHub(cmd *cobra.Command, g *global, f func(context.Context, *caller) error) (err error) {
	ctx := cmd.Context()
	c, err := reach(ctx, g)
	if err != nil {
		return err
	}
	c.errs = cmd.ErrOrStderr()
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	return f(ctx, c)
}

// Close ends what reach opened.
func (c *caller) Close(ctx context.Context) error {
	if c.local == nil {
		return nil
	}
	c.end()
	return errors.Join(<-c.done, c.local.Close(context.WithoutCancel(ctx)))
}

// inMemory takes an answer of a handler that is called in this process.
type inMemory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (m *inMemory) Header() http.Header         { return m.header }
func (m *inMemory) WriteHeader(status int)      { m.status = status }
func (m *inMemory) Write(b []byte) (int, error) { return m.body.Write(b) }

// problem is an answer that is an error.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Place   string `json:"place"`
		Message string `json:"message"`
	} `json:"errors"`
	Differences []order.Difference `json:"differences"`
}

func (p *problem) Error() string {
	s := cmp.Or(p.Detail, p.Title)
	for _, e := range p.Errors {
		s += "\n  "
		if e.Place != "" {
			s += clean(e.Place) + ": "
		}
		s += clean(e.Message)
	}
	for _, d := range p.Differences {
		s += "\n  " + clean(d.Place)
		switch {
		case d.Have == "" && d.Want == "": // personal: told by its place alone
			s += ": differs"
		default:
			s += fmt.Sprintf(": it has %q, you sent %q", d.Have, d.Want)
		}
	}
	return s
}

// do makes a request and decodes its answer into out, which may be nil or a *[]byte.
func (c *caller) do(ctx context.Context, method, path string, in, out any) error {
	_, err := c.send(ctx, method, path, nil, in, out)
	return err
}

// send is do with header fields, and reports whether something was made by it now. in may be a
// document's own bytes, as json.RawMessage: they are sent as they are.
func (c *caller) send(ctx context.Context, method, path string, fields map[string]string, in, out any) (made bool, err error) {
	var body io.Reader
	switch v := in.(type) {
	case nil:
	case json.RawMessage:
		body = bytes.NewReader(v)
	default:
		b, err := json.Marshal(in)
		if err != nil {
			return false, err
		}
		body = bytes.NewReader(b)
	}
	// The name is one that means this machine: without API keys the hub answers no other.
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, body)
	if err != nil {
		return false, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range fields {
		req.Header.Set(name, value)
	}
	var res *http.Response
	if c.local != nil {
		rec := &inMemory{header: http.Header{}, status: http.StatusOK}
		c.handler.ServeHTTP(rec, req)
		res = &http.Response{StatusCode: rec.status, Status: http.StatusText(rec.status), Header: rec.header, Body: io.NopCloser(&rec.body)}
	} else {
		watched, done := c.watched(ctx)
		defer done()
		if res, err = c.client.Do(req.WithContext(watched)); err != nil {
			return false, fmt.Errorf("asking the running hub: %w", whyEnded(watched, err))
		}
		defer res.Body.Close()
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return false, fmt.Errorf("reading the hub's answer: %w", err)
	}
	if res.StatusCode >= 400 {
		p := &problem{Title: res.Status, Status: res.StatusCode}
		_ = json.Unmarshal(b, p) // an answer that is no problem document is told by its status
		return false, p
	}
	made = res.StatusCode == http.StatusCreated && res.Header.Get("Idempotency-Replayed") == ""
	if raw, ok := out.(*[]byte); ok {
		*raw = b
		return made, nil
	}
	if out == nil {
		return made, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return false, fmt.Errorf("reading the hub's answer: %w", err)
	}
	return made, nil
}

// Package accesslog writes a line of JSON for each request of a door: who asked for what, when, how it was
// answered and how long that took. Lines hold no body, no query, no header but a trace's id, and of a path
// only the pattern that it fits.
//
// A line never holds a request up: it goes to a writer of its own, and where that falls behind, or its disk
// is full, lines are dropped and counted.
package accesslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/paklog/hub/adapters/internal/access"
)

// Config says where lines go and how long they stay.
type Config struct {
	File string // the file of now; those before lie beside it, with the time of their end in the name
	// MaxBytes is the size at which a new file is begun, in whole megabytes.
	MaxBytes int64
	// Every is the age at which a new file is begun; 0 is never.
	Every time.Duration
	// Keep is how long files of before stay, in whole days; 0 is for ever.
	Keep time.Duration
	// Files is how many files of before stay at most; 0 is any number.
	Files int
	// Gzip packs files of before.
	Gzip bool
}

// Line is a request that was answered.
type Line struct {
	Time   time.Time `json:"time"` // when it came, UTC
	Door   string    `json:"door"` // "http" or "as2"
	Method string    `json:"method"`
	Path   string    `json:"path"` // the pattern that it fits; "*" of what fits none
	Status int       `json:"status"`
	Bytes  int64     `json:"bytes"` // of the answer's body
	Micros int64     `json:"duration_us"`
	Remote string    `json:"remote"`          // address, without the port
	Key    string    `json:"key,omitempty"`   // name of the key, source or partner
	Trace  string    `json:"trace,omitempty"` // id of the trace that the request says it is part of
}

// queue is how many lines may wait for the disk.
const queue = 8192

// Log writes the lines of every door of a process.
type Log struct {
	cfg     Config
	out     *lumberjack.Logger
	logger  *slog.Logger
	lines   chan Line
	written atomic.Uint64
	dropped atomic.Uint64
}

// Open makes the folder of the file where it is missing, and sees that lines can be written there.
func Open(cfg Config, logger *slog.Logger) (*Log, error) {
	if cfg.File == "" {
		return nil, errors.New("accesslog: File is needed")
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(filepath.Dir(cfg.File), 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of the access log: %w", err)
	}
	// It names addresses of people: nobody else reads it, and files of before keep its mode.
	f, err := os.OpenFile(cfg.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the access log: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("opening the access log: %w", err)
	}
	const day, mega = 24 * time.Hour, 1 << 20
	return &Log{
		cfg: cfg, logger: logger, lines: make(chan Line, queue),
		out: &lumberjack.Logger{
			Filename: cfg.File, MaxSize: int(max(1, cfg.MaxBytes/mega)), MaxAge: int((cfg.Keep + day - 1) / day), MaxBackups: cfg.Files, Compress: cfg.Gzip,
		},
	}, nil
}

// Counts are of lines since Open: those written, and those that were dropped because the disk was too slow or
// took none.
func (l *Log) Counts() (written, dropped uint64) { return l.written.Load(), l.dropped.Load() }

// Run writes lines until ctx ends, and then what still waits. A log that cannot be written ends nothing.
func (l *Log) Run(ctx context.Context) error {
	w := &writer{Log: l, to: l.out}
	age := time.NewTimer(l.cfg.Every)
	defer age.Stop()
	if l.cfg.Every <= 0 {
		age.Stop()
	} else if at, ok := firstTime(l.cfg.File); ok { // of a process before
		age.Reset(max(0, l.cfg.Every-time.Since(at)))
	}
	for {
		select {
		case line := <-l.lines:
			w.write(line)
		case <-age.C:
			w.turn()
			age.Reset(l.cfg.Every)
		case <-ctx.Done():
			for {
				select {
				case line := <-l.lines:
					w.write(line)
					continue
				default:
				}
				if err := l.out.Close(); err != nil {
					l.logger.Error("closing the access log", "err", err)
				}
				return nil
			}
		}
	}
}

// firstTime is when a file was begun: the time of its first line.
func firstTime(file string) (time.Time, bool) {
	f, err := os.Open(file)
	if err != nil {
		return time.Time{}, false
	}
	defer f.Close()
	var line Line
	if err := json.NewDecoder(io.LimitReader(f, 64<<10)).Decode(&line); err != nil || line.Time.IsZero() {
		return time.Time{}, false
	}
	return line.Time, true
}

// writer is the one who writes; it says once that it cannot, and once that it can again.
type writer struct {
	*Log

	to   io.Writer
	lost uint64 // since it was said that it cannot
}

func (w *writer) write(line Line) {
	b, err := json.Marshal(line)
	if err == nil {
		_, err = w.to.Write(append(b, '\n'))
	}
	if err != nil {
		w.dropped.Add(1)
		if w.lost++; w.lost == 1 {
			w.logger.Error("the access log is not written; requests are answered all the same", "err", err)
		}
		return
	}
	w.written.Add(1)
	if w.lost > 0 {
		w.logger.Info("the access log is written again", "dropped", w.lost)
		w.lost = 0
	}
}

// turn begins a new file.
func (w *writer) turn() {
	if err := w.out.Rotate(); err != nil {
		w.logger.Error("beginning a new access log", "err", err)
	}
}

// Handler tells of the requests of a door that next answers.
func (l *Log) Handler(door string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		known := &access.Request{Path: fixed(r.URL.Path)}
		counting := &counted{ResponseWriter: w}
		defer func() {
			status := counting.status
			if p := recover(); p != nil {
				// net/http cuts the connection: no answer is one.
				l.add(line(door, r, known, counting, 0, began))
				panic(p)
			}
			if status == 0 {
				status = http.StatusOK // as net/http sends where a handler says nothing
			}
			l.add(line(door, r, known, counting, status, began))
		}()
		next.ServeHTTP(counting, r.WithContext(access.With(r.Context(), known)))
	})
}

func line(door string, r *http.Request, known *access.Request, w *counted, status int, began time.Time) Line {
	return Line{
		Time: began.UTC(), Door: door, Method: method(r.Method), Path: known.Path, Status: status, Bytes: w.bytes,
		Micros: time.Since(began).Microseconds(), Remote: host(r.RemoteAddr), Key: known.Key, Trace: traceID(r.Header.Get("Traceparent")),
	}
}

func (l *Log) add(line Line) {
	select {
	case l.lines <- line:
	default:
		l.dropped.Add(1)
	}
}

// fixed is what is known of a path before a door has looked at it.
func fixed(path string) string {
	switch path {
	case "/", "/healthz", "/readyz", "/metrics", "/docs":
		return path
	}
	for _, begins := range []string{"/console", "/scan", "/webhooks"} {
		if path == begins || strings.HasPrefix(path, begins+"/") {
			return begins + "/*"
		}
	}
	return "*"
}

// method keeps to those that there are (RFC 9110, 9.1, RFC 5789): any other text may be sent there.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "other"
}

func host(remote string) string {
	if h, _, err := net.SplitHostPort(remote); err == nil {
		return h
	}
	return remote
}

// traceID is the id of a traceparent of version 00 (W3C Trace Context, 3.2), or nothing.
func traceID(parent string) string {
	parts := strings.Split(parent, "-")
	if len(parts) != 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || len(parts[2]) != 16 || strings.Trim(parts[1], "0123456789abcdef") != "" || strings.Trim(parts[1], "0") == "" {
		return ""
	}
	return parts[1]
}

// counted sees the status and size of an answer.
type counted struct {
	http.ResponseWriter

	status int
	bytes  int64
}

// WriteHeader implements [http.ResponseWriter]. What is informational is not the answer.
func (w *counted) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *counted) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Flush implements [http.Flusher], for streams.
func (w *counted) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // an answer that cannot be flushed goes when it ends
}

// Unwrap lets [http.ResponseController] through.
func (w *counted) Unwrap() http.ResponseWriter { return w.ResponseWriter }

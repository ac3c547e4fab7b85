package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/paklog/hub/adapters/ups/upssim"
)

// served is `paklog serve` in a process of its own, so that what it uses is counted apart
// from what the generator uses. It is the wiring that operators run.
type served struct {
	cmd    *exec.Cmd
	url    string
	data   string
	took   time.Duration // from the start of the process until it said that it is ready
	sim    *httptest.Server
	ups    *upssim.Sim
	client *http.Client
	log    lockedBuffer
	ended  chan error
	usage  *syscall.Rusage
}

// serveOptions are what the benches change of the defaults.
type serveOptions struct {
	data  string
	floor bool   // workers pick and pack, and a carrier sells labels
	limit string // lines of limits
	more  string // configuration
}

// readyWithin bounds a start.
const readyWithin = 60 * time.Second

func (c *config) serve(ctx context.Context, o serveOptions) (_ *served, err error) {
	if _, err := os.Stat(c.paklog); err != nil {
		return nil, cannot("no hub at %s: `make build` makes it, -paklog names it", c.paklog)
	}
	dir, err := c.scratch("serve")
	if err != nil {
		return nil, err
	}
	s := &served{data: o.data, ended: make(chan error, 1)}
	if s.data == "" {
		s.data = filepath.Join(dir, "data")
	}
	settings := fmt.Sprintf("data: %q\nhttp:\n  listen: 127.0.0.1:0\nlog:\n  level: warn\nlimits:\n  free_disk_percent: 1\n%s", s.data, o.limit)
	if o.floor {
		if s.ups, err = upssim.New(upssim.Options{}); err != nil {
			return nil, err
		}
		s.sim = httptest.NewServer(s.ups)
		settings += fmt.Sprintf("warehouse:\n  auto_workers: 4\n  wave_orders: 50\n  wave_wait: 1s\ncarriers:\n  ups:\n    url: %s\n    client_id: %s\n    client_secret: %s\n    account: %s\n",
			s.sim.URL, upssim.ClientID, "${PAKBENCH_UPS_SECRET}", upssim.Account)
	}
	settings += o.more
	file := filepath.Join(dir, "paklog.yaml")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		return nil, err
	}
	args := []string{"serve", "--config", file}
	if c.profile != "" {
		args = append(args, "--cpuprofile", c.profile+"."+filepath.Base(dir))
	}
	s.cmd = exec.CommandContext(ctx, c.paklog, args...)
	s.cmd.Env = append(os.Environ(), "PAKBENCH_UPS_SECRET="+upssim.ClientSecret)
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 30 * time.Second
	s.cmd.Stderr = &s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the hub: %w", err)
	}
	ready := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, rest, ok := strings.Cut(lines.Text(), "ready: "); ok {
				base, _, _ := strings.Cut(rest, " ")
				ready <- base
			}
		}
		_, _ = io.Copy(io.Discard, out)
		err := s.cmd.Wait()
		s.usage, _ = s.cmd.ProcessState.SysUsage().(*syscall.Rusage)
		s.ended <- err
	}()
	select {
	case s.url = <-ready:
		s.took = time.Since(began)
	case err := <-s.ended:
		s.ended <- nil
		return nil, errors.Join(cannot("the hub ended at its start: %v: %s", err, s.log.last()), s.Close())
	case <-time.After(readyWithin):
		return nil, errors.Join(cannot("the hub was not ready within %s: %s", readyWithin, s.log.last()), s.Close())
	}
	s.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext:  (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConns: 4096, MaxIdleConnsPerHost: 4096, DisableCompression: true,
	}}
	return s, nil
}

// post sends a JSON body and reads the answer away; anything but 2xx is an error.
func (s *served) post(ctx context.Context, path string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return s.do(req)
}

// caller is one client with a connection of its own. [http.Client] takes four goroutine
// switches a call, on the processors that the hub is to be measured on.
type caller struct {
	addr string
	conn net.Conn
	r    *bufio.Reader
	w    []byte
}

// post is [served.post] on the caller's connection.
func (c *caller) post(ctx context.Context, path string, body []byte) error {
	_, err := c.send(ctx, path, "", body)
	return err
}

// send posts a JSON body with more header lines, each with its line end, and returns the answer.
func (c *caller) send(ctx context.Context, path, header string, body []byte) (answer []byte, err error) {
	if c.conn == nil {
		if c.conn, err = (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", c.addr); err != nil {
			return nil, err
		}
		c.r = bufio.NewReader(c.conn)
	}
	defer func() {
		if err != nil {
			_ = c.conn.Close() // the next call begins anew
			c.conn = nil
		}
	}()
	if err := c.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	c.w = fmt.Appendf(c.w[:0], "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", path, c.addr, header, len(body), body)
	if _, err := c.conn.Write(c.w); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("POST %s: %s: %.300s", path, res.Status, answer)
	}
	return answer, err
}

// callers are clients, one for each worker of a load.
func (s *served) callers(n int) []caller {
	out := make([]caller, n)
	for i := range out {
		out[i].addr = strings.TrimPrefix(s.url, "http://")
	}
	return out
}

func (s *served) get(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return err
	}
	return s.do(req)
}

func (s *served) do(req *http.Request) error {
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %.300s", req.Method, req.URL.Path, res.Status, answer)
	}
	return err
}

// pauseFlows pauses every route that consumes, so that only the doors work. It speaks to the
// hub's socket, as the command line does.
func (s *served) pauseFlows(ctx context.Context) error {
	socket := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(s.data, "paklog.sock"))
		},
	}}
	defer socket.CloseIdleConnections()
	call := func(method, path string, into any) error {
		req, err := http.NewRequestWithContext(ctx, method, "http://paklog/control/routes"+path, nil)
		if err != nil {
			return err
		}
		res, err := socket.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s %s: %s", method, path, res.Status)
		}
		return json.NewDecoder(res.Body).Decode(into)
	}
	var there []struct {
		Name     string   `json:"name"`
		Consumes []string `json:"consumes"`
	}
	if err := call(http.MethodGet, "", &there); err != nil {
		return fmt.Errorf("asking the hub for its routes: %w", err)
	}
	for _, r := range there {
		if len(r.Consumes) == 0 {
			continue
		}
		var done struct{}
		if err := call(http.MethodPost, "/"+url.PathEscape(r.Name)+"/pause", &done); err != nil {
			return fmt.Errorf("pausing route %s: %w", r.Name, err)
		}
	}
	return nil
}

func (s *served) pid() string { return strconv.Itoa(s.cmd.Process.Pid) }

// cpu is what the hub used so far, all threads.
func (s *served) cpu() time.Duration { return cpuOf(s.pid()) }

// cpuOf is what a process used so far, all threads.
func cpuOf(pid string) time.Duration {
	b, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(b, []byte(") ")) // the name before it may hold spaces
	f := strings.Fields(string(rest))
	if !ok || len(f) < 13 {
		return 0
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * (time.Second / 100) // USER_HZ
}

// Close stops the hub as an operator does, and waits for its drain.
func (s *served) Close() error {
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // one that ended needs none
	var err error
	select {
	case err = <-s.ended:
		s.ended <- nil
	case <-time.After(45 * time.Second):
		err = errors.Join(errors.New("the hub did not stop within 45 s of SIGTERM"), s.cmd.Process.Kill())
	}
	if s.sim != nil {
		s.sim.Close()
		err = errors.Join(err, s.ups.Close())
		s.sim = nil
	}
	if err != nil {
		return fmt.Errorf("stopping the hub: %w: %s", err, s.log.last())
	}
	return nil
}

// lockedBuffer keeps the end of what the hub logs.
type lockedBuffer struct {
	mu sync.Mutex
	b  []byte
}

// Write implements [io.Writer].
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	if over := len(l.b) - 64<<10; over > 0 {
		l.b = l.b[over:]
	}
	return len(p), nil
}

// last is the last line.
func (l *lockedBuffer) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(l.b)), "\n")
	return lines[len(lines)-1]
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is the command in a process of its own, which can be sent signals.
type process struct {
	*exec.Cmd
	addr string
	out  *bufio.Scanner
}

// serves starts paklog serve and returns once it is ready.
func (s *shell) serves() *process {
	s.t.Helper()
	p := &process{Cmd: exec.CommandContext(s.t.Context(), os.Args[0], "--config", s.config, "serve")}
	p.Env = append(os.Environ(), commandEnv+"=1")
	out, err := p.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	var errs strings.Builder
	p.Stderr = &errs
	if err := p.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = p.Process.Kill() })
	p.out = bufio.NewScanner(out)
	for p.out.Scan() {
		if rest, ok := strings.CutPrefix(p.out.Text(), "ready: http://"); ok {
			p.addr, _, _ = strings.Cut(rest, " ")
			return p
		}
	}
	_ = p.Wait() // it says why on standard error
	s.t.Fatalf("it never was ready: %s", errs.String())
	return nil
}

// halfSent begins a request whose body does not end, and returns once somebody reads it.
func halfSent(t *testing.T, addr string) {
	t.Helper()
	c := half(t, addr)
	if said, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(said, "100 Continue") {
		t.Fatalf("nobody reads the body: %q %v", said, err)
	}
}

func half(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, "POST /v1/items HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheFirstSignalDrainsAndTheSecondEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	p := s.serves()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("one signal, nothing under way: %v", err)
	}

	p = s.serves()
	halfSent(t, p.addr) // the drain waits 10 s for this body
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.until("it drains", func() bool {
		// Refused is too late: another test may have the port by then.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.addr+"/v1/items", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Timeout: time.Minute}).Do(req)
		if err != nil {
			return true
		}
		res.Body.Close()
		return res.StatusCode == http.StatusServiceUnavailable
	})
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := p.Wait()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("a second signal while it drains: %v, want it to end by the signal", err)
	}
	s.serves() // on the folder that it left
}

func TestWhoComesDuringTheDrainIsToldSo(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	shut, drained := context.WithCancel(t.Context())
	inside, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- serveHTTP(ctx, shut, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			inside <- struct{}{}
			<-goOn
			fmt.Fprint(w, "finished")
		}), 5*time.Second)
	}()
	ask := func() (int, string, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
		if err != nil {
			t.Error(err)
			return 0, "", nil
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return 0, err.Error(), nil
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Error(err)
		}
		return res.StatusCode, string(b), res.Header
	}
	early := make(chan string, 1)
	go func() {
		_, said, _ := ask()
		early <- said
	}()
	<-inside
	stop()
	status, said, h := ask()
	if status != http.StatusServiceUnavailable || h.Get("Retry-After") == "" || h.Get("Content-Type") != "application/problem+json" || !strings.Contains(said, "stopping") {
		t.Errorf("during the drain: %d %v %s", status, h, said)
	}
	slow := half(t, l.Addr().String())
	if said, err := io.ReadAll(slow); err != nil || !strings.Contains(string(said), " 503 ") {
		t.Errorf("who sends slowly during the drain is answered %q %v", said, err)
	}
	drained()
	close(goOn)
	if said := <-early; said != "finished" {
		t.Errorf("the request under way was answered %q", said)
	}
	if err := <-done; err != nil {
		t.Errorf("serving ended with %v", err)
	}
	if status, said, _ := ask(); status != 0 {
		t.Errorf("after the drain: %d %s", status, said)
	}
}

func TestADrainDoesNotFailForWhoIsSlow(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serveHTTP(ctx, ctx, l, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // as long as its sender likes
		}), 10*time.Millisecond)
	}()
	halfSent(t, l.Addr().String())
	stop()
	if err := <-done; err != nil {
		t.Errorf("the drain ended with %v", err)
	}
}

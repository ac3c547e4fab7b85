package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// from connects from an address of this machine: on Linux all of 127.0.0.0/8 are.
func from(t *testing.T, at, to string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(at)}, Timeout: time.Minute}
	return d.DialContext(t.Context(), "tcp", to)
}

// files and memory are the descriptors that a process holds, and its resident memory in bytes.
func (h *hub) files(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", h.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

func (h *hub) memory(t *testing.T) (n int64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", h.cmd.Process.Pid))
	if err == nil {
		_, err = fmt.Sscan(strings.Fields(string(text))[1], &n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n * int64(os.Getpagesize())
}

// TestTenThousandConnectAtTheAS2Door: a crowd that says nothing, from many addresses, and one that says half a header,
// from two, take a bounded number of descriptors and bounded memory, and partners' messages come and go meanwhile.
func TestTenThousandConnectAtTheAS2Door(t *testing.T) {
	const crowd = 10_000
	w := newBetween(t, false)
	a, b := startHub(t, w.a), startHub(t, w.b)
	w.stock(a)
	if err := b.do("send " + w.order()); err != nil {
		t.Fatal(err)
	}
	w.quiet(a, b)
	files, memory := a.files(t), a.memory(t)
	gate := make(chan struct{}, 2*stationConns) // files of this process
	leave := make(chan struct{})
	var all, reached sync.WaitGroup
	var mu sync.Mutex
	came := 0
	for i := range crowd {
		all.Add(1)
		reached.Add(1)
		go func() {
			defer all.Done()
			gate <- struct{}{}
			defer func() { <-gate }()
			address, says := fmt.Sprintf("127.0.1.%d", 1+i%40), ""
			if i%4 == 0 {
				address, says = fmt.Sprintf("127.0.2.%d", 1+i%8/4), "POST /as2 HTTP/1.1\r\nAS2-Fr"
			}
			conn, err := from(t, address, w.a.Listen)
			if err == nil {
				mu.Lock()
				came++
				mu.Unlock()
				_, err = io.WriteString(conn, says)
			}
			reached.Done()
			if conn == nil {
				return
			}
			defer conn.Close()
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				_, _ = conn.Read(make([]byte, 1)) // until it is closed, there or here
			}()
			select {
			case <-gone:
			case <-leave:
			}
			conn.Close()
			<-gone
			_ = err // it was turned away
		}()
		if i%1000 == 0 {
			if n := a.files(t); n > files+stationConns+200 {
				t.Errorf("%d descriptors, %d before", n, files)
			}
		}
	}
	const orders = 2
	for range orders {
		if err := b.do("send " + w.order()); err != nil {
			t.Fatal(err)
		}
	}
	reached.Wait()
	held, grew := a.files(t)-files, a.memory(t)-memory
	if held > stationConns+200 || came < crowd*9/10 {
		t.Errorf("%d of %d came, and %d descriptors are held", came, crowd, held)
	}
	if grew > 128<<20 && !testing.Short() { // the race detector, whose pass is short, takes several times as much
		t.Errorf("its memory grew by %d MB", grew>>20)
	}
	w.quiet(a, b)
	close(leave)
	all.Wait()
	a.stop(t)
	b.stop(t)
	w.proveAll(1 + orders)
	if !strings.Contains(logOf(t, w.a), "connections are turned away") {
		t.Error("nobody is told of it")
	}
}

// Who is silent longest makes room, of his own address first; who speaks stays, and who waits between two requests is
// silent again.
func TestWhoIsSilentMakesRoom(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	c := newCrowd(l, 4, 2, slog.New(slog.NewTextHandler(&log, nil)))
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })}
	c.watch(srv)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(c) // until it is closed
	}()
	t.Cleanup(func() {
		srv.Close()
		<-done
	})
	until := func(what string, holds func() bool) {
		t.Helper()
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(time.Minute); ; <-tick.C {
			c.mu.Lock()
			ok := holds()
			c.mu.Unlock()
			if ok {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("it did not come to be: %s", what)
			}
		}
	}
	enter := func(at string) net.Conn {
		t.Helper()
		conn, err := from(t, at, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		return conn
	}
	in := func(n, silent int) {
		t.Helper()
		until(fmt.Sprintf("%d are in, %d silent", n, silent), func() bool { return c.in == n && c.silent.Len() == silent })
	}
	closed := func(what string, conn net.Conn) {
		t.Helper()
		if _, err := conn.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
			t.Errorf("%s was not turned away: %v", what, err)
		}
	}
	first := enter("127.0.0.1")
	in(1, 1)
	second := enter("127.0.0.1")
	in(2, 2)
	third := enter("127.0.0.1") // one too many of this address
	closed("the first", first)
	in(2, 2)
	for _, conn := range []net.Conn{second, third} {
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	in(2, 0)
	closed("a third where two speak", enter("127.0.0.1"))
	other := enter("127.0.0.2")
	in(3, 1)
	last := enter("127.0.0.3")
	in(4, 2)
	another := enter("127.0.0.4") // all places are taken: who was silent longest goes
	closed("who was silent longest", other)
	in(4, 2)
	if _, err := io.WriteString(second, "Host: a\r\n\r\n"); err != nil { // answered, he waits for his next request
		t.Fatal(err)
	}
	if n, err := second.Read(make([]byte, 500)); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	in(4, 3)
	closed("the next of those", func() net.Conn { enter("127.0.0.5"); return last }())
	in(4, 3)
	if _, err := io.WriteString(second, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := second.Read(make([]byte, 500)); n == 0 || err != nil {
		t.Errorf("who waited between two requests is gone: %v", err)
	}
	another.Close()
	third.Close()
	second.Close()
	in(1, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[houseOf(&net.TCPAddr{IP: net.ParseIP("127.0.0.1")})] != 0 || !strings.Contains(log.String(), "turned away") {
		t.Errorf("%v are counted; the log says %q", c.of, log.String())
	}
}

// net/http ends its half of a connection before all of it, so that who still sends reads why he is refused. It asks the
// connection for that by a method that net.Conn has not.
func TestAGuestIsClosedHalfFirst(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := newCrowd(l, 4, 4, slog.New(slog.DiscardHandler)).Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	for _, conn := range []net.Conn{near, far} {
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
	}
	half, ok := far.(interface{ CloseWrite() error })
	if !ok {
		t.Fatal("it cannot be closed half")
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := near.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := near.Write([]byte("on")); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(io.LimitReader(far, 2)); string(b) != "on" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// breakingLine relays to a station and breaks its first connection once so many bytes have gone there.
type breakingLine struct {
	after  int
	broken chan struct{} // closed once it has

	mu   sync.Mutex
	went bytes.Buffer // all that went to the station
}

func (l *breakingLine) relay(t *testing.T, to string) string {
	t.Helper()
	in, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	ended, end := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		end()
		in.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			near, err := in.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				far := whoListens(ended, to)
				if far == nil {
					near.Close()
					return
				}
				all.Go(func() {
					defer far.Close()
					_, _ = io.Copy(near, far) // either end may go
					near.Close()
				})
				defer far.Close()
				defer near.Close()
				for b := make([]byte, 4<<10); ; {
					n, err := near.Read(b)
					l.mu.Lock()
					l.went.Write(b[:n])
					breaks := l.after > 0 && l.went.Len() >= l.after
					if breaks {
						l.after = 0
						close(l.broken)
					}
					l.mu.Unlock()
					if _, own := far.Write(b[:n]); err != nil || own != nil || breaks {
						return
					}
				}
			})
		}
	})
	return in.Addr().String()
}

// whoListens waits until somebody listens there; nil is that nobody did.
func whoListens(ctx context.Context, to string) net.Conn {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
		if err == nil {
			return conn
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// TestALongMessageGoesOnAfterItsLineBrokeAndItsReceiverWasKilled: of an order whose transfer broke off, at a
// warehouse that was killed before the rest came, the rest alone goes, and it is there once.
func TestALongMessageGoesOnAfterItsLineBrokeAndItsReceiverWasKilled(t *testing.T) {
	t.Parallel()
	w := newBetween(t, false)
	w.a.Restart, w.b.Restart = true, true
	const long, breaks = 300_000, 200_000
	line := &breakingLine{after: breaks, broken: make(chan struct{})}
	w.b.Call = line.relay(t, w.a.Listen)
	a, b := startHub(t, w.a), startHub(t, w.b)
	w.stock(a)
	file := w.order()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(strings.Repeat("\n", long)); err != nil { // behind IEA
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.do("send " + file); err != nil {
		t.Fatal(err)
	}
	<-line.broken
	w.until("the warehouse knows that it broke off", func() bool { return strings.Contains(logOf(t, w.a), "a message did not come whole") })
	a.kill()
	a = startHub(t, w.a)
	w.quiet(a, b)
	a.stop(t)
	b.stop(t)
	had, got := tell(t, w.a), tell(t, w.b)
	holds(t, w.b, w.a, got, had)
	holds(t, w.a, w.b, had, got)
	if len(had.names) == 0 || got.documents["945"] != 1 || len(had.letters) != 0 {
		t.Errorf("the warehouse got %v and has letters %v, the depositor got %v", had.names, had.letters, got.documents)
	}
	line.mu.Lock()
	defer line.mu.Unlock()
	if went := line.went.Len(); !bytes.Contains(line.went.Bytes(), []byte("\r\nContent-Range: bytes ")) || went >= breaks+long {
		t.Errorf("%d bytes went, not the rest alone", went) // that may have gone twice: he was killed
	}
}

package main

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// lingering is a listener that outlives its server: what the server closes stops to accept for it, and
// stays open for who answers after it.
type lingering struct{ *net.TCPListener }

// Close wakes who waits in Accept.
func (l lingering) Close() error { return l.SetDeadline(time.Unix(1, 0)) }

// farewell answers 503 on a listener whose server has ended, until it is undone: while the journal and the views
// are closed, which takes a moment, nobody should find a port that nobody has.
func farewell(l net.Listener, secured func(net.Listener) net.Listener) (undo func()) {
	tcp, ok := l.(*net.TCPListener)
	if !ok || tcp.SetDeadline(time.Time{}) != nil {
		return func() { _ = l.Close() } // it is closed
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	srv := &http.Server{Handler: untilDrain(ended, new(atomic.Int64), nil), ReadHeaderTimeout: time.Second, MaxHeaderBytes: 64 << 10}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(secured(tcp)) // until it is closed
	}()
	return func() {
		last, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		if srv.Shutdown(last) != nil {
			_ = srv.Close() // who is that slow was promised nothing
		}
		<-done
	}
}

package postgres_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// cut is where a proxy ends a connection.
type cut int

const (
	never        cut = iota
	beforeCommit     // the COMMIT is not passed on, the server sees the connection end
	heldBefore       // the same, and the server sees nothing
	afterCommit      // the server has committed, its answer is not passed on
	halfWritten      // the first message of the transaction's rows is passed on, the next is not
)

// proxy stands between a store and its server and cuts one connection at a place in the
// protocol (PostgreSQL documentation, "Frontend/Backend Protocol").
type proxy struct {
	t      testing.TB
	server string
	l      net.Listener

	mu    sync.Mutex
	next  cut
	cuts  int
	conns []net.Conn
}

func newProxy(t testing.TB, server string) *proxy {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, server: u.Host}
	if p.l, err = new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := p.l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = p.l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		serving.Wait()
	})
	return p
}

// url is the server's, through the proxy.
func (p *proxy) url(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		p.t.Fatal(err)
	}
	u.Host = p.l.Addr().String()
	return u.String()
}

// arm has the next commit cut.
func (p *proxy) arm(where cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = where
}

// take reports whether this is the place that is to be cut, once.
func (p *proxy) take(at ...cut) (cut, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range at {
		if p.next == c {
			p.next = never
			p.cuts++
			return c, true
		}
	}
	return never, false
}

func (p *proxy) serve(client net.Conn) {
	server, err := new(net.Dialer).DialContext(p.t.Context(), "tcp", p.server)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, client, server)
	p.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.answers(client, server)
	}()
	if !p.asks(client, server) {
		_ = server.Close()
	}
	_ = client.Close()
	<-done
}

// message reads one message with its head.
func message(r io.Reader, head int) ([]byte, error) {
	b := make([]byte, head)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(b[head-4:])-4)
	_, err := io.ReadFull(r, body)
	return append(bytes.Clone(b), body...), err
}

// asks passes on what the client says, and reports whether the server is not to see the end.
func (p *proxy) asks(client, server net.Conn) (held bool) {
	head := 4 // the first message has no type
	commit, rows := "", ""
	for {
		m, err := message(client, head)
		if err != nil {
			return false
		}
		head = 5
		switch m[0] {
		case 'P': // Parse: name, statement
			name, rest, _ := bytes.Cut(m[5:], []byte{0})
			switch statement, _, _ := bytes.Cut(rest, []byte{0}); {
			case string(statement) == "COMMIT":
				commit = string(name)
			case bytes.HasPrefix(statement, []byte("INSERT INTO topic ")):
				rows = string(name)
			}
		case 'B': // Bind: portal, name
			_, rest, _ := bytes.Cut(m[5:], []byte{0})
			switch name, _, _ := bytes.Cut(rest, []byte{0}); string(name) {
			case commit:
				if where, ok := p.take(beforeCommit, heldBefore); ok {
					return where == heldBefore
				}
			case rows:
				if _, ok := p.take(halfWritten); ok {
					return false
				}
			}
		}
		if _, err := server.Write(m); err != nil {
			return false
		}
	}
}

// answers passes on what the server says.
func (p *proxy) answers(client, server net.Conn) {
	for {
		m, err := message(server, 5)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				_ = client.Close()
			}
			return
		}
		if m[0] == 'C' && bytes.HasPrefix(m[5:], []byte("COMMIT\x00")) {
			if _, ok := p.take(afterCommit); ok {
				_, _ = client.Close(), server.Close()
				return
			}
		}
		if _, err := client.Write(m); err != nil {
			return
		}
	}
}

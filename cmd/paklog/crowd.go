package main

import (
	"container/list"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// How many connections the door of AS2 partners holds, and how many of them one address. Each takes a file
// descriptor and some 20 KiB; as2.at_once messages are taken at the same time.
const (
	stationConns     = 1000
	stationConnsEach = stationConns / 4
)

// A crowd is a listener that holds a bounded number of connections. Where there is no place, the one that has said
// nothing for the longest time makes room: who comes to say something does so at once, so that a crowd that says
// nothing keeps nobody out. Where all speak, who comes last is turned away.
type crowd struct {
	net.Listener

	most, each int
	log        *slog.Logger

	mu     sync.Mutex
	of     map[netip.Addr]int // connections of an address
	in     int
	silent list.List // of *guest, who is silent longest first
	told   time.Time // when the log was told that there is no room
}

// guest is one of its connections.
type guest struct {
	net.Conn

	c      *crowd
	at     netip.Addr
	quiet  atomic.Bool // it is in silent
	place  *list.Element
	closed bool
}

func newCrowd(l net.Listener, most, each int, log *slog.Logger) *crowd {
	return &crowd{Listener: l, most: most, each: each, log: log, of: map[netip.Addr]int{}}
}

// Accept implements [net.Listener].
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g := &guest{Conn: conn, c: c, at: houseOf(conn.RemoteAddr())}
		if c.enters(g) {
			return g, nil
		}
		_ = conn.Close()
	}
}

// houseOf is what connections are counted by: one host has a /64 of IPv6 addresses (RFC 6177).
func houseOf(a net.Addr) netip.Addr {
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	at := p.Addr().Unmap().WithZone("")
	if at.Is4() {
		return at
	}
	house, err := at.Prefix(64)
	if err != nil {
		return at
	}
	return house.Addr()
}

func (c *crowd) enters(g *guest) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	full, his := c.in >= c.most, c.of[g.at] >= c.each
	if full || his {
		if now := time.Now(); now.Sub(c.told) > time.Minute {
			c.told = now
			c.log.Warn("connections are turned away at the door of AS2 partners, those that say nothing first", "in", c.in, "address", g.at, "of_address", c.of[g.at])
		}
		goes := c.longest(g.at, his)
		if goes == nil {
			return false
		}
		c.leaves(goes)
		_ = goes.Conn.Close() // whoever reads from it is told so
	}
	c.in++
	c.of[g.at]++
	g.place = c.silent.PushBack(g)
	g.quiet.Store(true)
	return true
}

// longest is who has been silent longest, of an address alone where that has too many.
func (c *crowd) longest(at netip.Addr, his bool) *guest {
	for e := c.silent.Front(); e != nil; e = e.Next() {
		if g := e.Value.(*guest); !his || g.at == at {
			return g
		}
	}
	return nil
}

// leaves counts a guest no more. mu is held.
func (c *crowd) leaves(g *guest) {
	if g.closed {
		return
	}
	g.closed = true
	c.in--
	if c.of[g.at]--; c.of[g.at] == 0 {
		delete(c.of, g.at)
	}
	if g.quiet.Load() {
		c.silent.Remove(g.place)
		g.quiet.Store(false)
	}
}

// watch has a server say which connections wait for their next request.
func (c *crowd) watch(srv *http.Server) {
	srv.ConnState = func(conn net.Conn, state http.ConnState) {
		if t, ok := conn.(*tls.Conn); ok {
			conn = t.NetConn()
		}
		g, ok := conn.(*guest)
		if !ok || state != http.StateIdle {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if !g.closed && !g.quiet.Load() {
			g.place = c.silent.PushBack(g)
			g.quiet.Store(true)
		}
	}
}

// Read implements [net.Conn].
func (g *guest) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if n > 0 && g.quiet.Load() {
		g.c.mu.Lock()
		if g.quiet.Load() {
			g.c.silent.Remove(g.place)
			g.quiet.Store(false)
		}
		g.c.mu.Unlock()
	}
	return n, err
}

// Close implements [net.Conn].
func (g *guest) Close() error {
	g.c.mu.Lock()
	g.c.leaves(g)
	g.c.mu.Unlock()
	return g.Conn.Close()
}

// CloseWrite lets net/http end its half first: so an answer is read by who still sends.
func (g *guest) CloseWrite() error {
	c, ok := g.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return c.CloseWrite()
}

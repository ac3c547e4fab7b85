package sftp

import (
	"net/netip"
	"sync"
	"time"
)

// How often an address may fail to log in within a while, and for how long it is kept out then:
// twice as long each time, up to a day.
const (
	mostFailures = 8
	failsWithin  = 10 * time.Minute
	keptOut      = 10 * time.Minute
	keptOutMost  = 24 * time.Hour
	mostVisitors = 10_000 // that are remembered
)

// guard keeps out who guesses or comes too often, and bounds how many are in at once. Who is not
// logged in yet takes half of the places at most: a crowd before the door does not keep partners out
// that are in.
type guard struct {
	mu        sync.Mutex
	in        int
	strangers int // of them
	rate      int // connections of an address in a minute; 0 is any number
	of        map[netip.Addr]*visitor
}

type visitor struct {
	in       int
	came     int       // within the minute
	minute   time.Time // that began then
	failures int
	since    time.Time // of the first of them
	until    time.Time // kept out
	bans     int
}

// enters reports whether an address may connect now; it is in until it leaves.
func (g *guard) enters(at netip.Addr, now time.Time, most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.of[at]
	if v == nil {
		if len(g.of) >= mostVisitors {
			g.forget(now)
		}
		v = &visitor{}
		g.of[at] = v
	}
	if now.Sub(v.minute) >= time.Minute {
		v.minute, v.came = now, 0
	}
	if v.came++; g.rate > 0 && v.came > g.rate {
		return false
	}
	if now.Before(v.until) || g.in >= most || g.strangers >= max(1, most/2) || v.in >= max(1, most/4) {
		return false
	}
	v.in++
	g.in++
	g.strangers++
	return true
}

// known notes that one who entered has logged in, or that his handshake is over.
func (g *guard) known() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.strangers--
}

// out reports whether an address is kept out.
func (g *guard) out(at netip.Addr, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.of[at]
	return v != nil && now.Before(v.until)
}

func (g *guard) leaves(at netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in--
	if v := g.of[at]; v != nil {
		v.in--
	}
}

// fails notes a login that failed. The time is until when the address is kept out, zero where it
// may try again.
func (g *guard) fails(at netip.Addr, now time.Time) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.of[at]
	if v == nil {
		return time.Time{}
	}
	if now.Sub(v.since) > failsWithin {
		v.failures, v.since = 0, now
	}
	if v.failures++; v.failures < mostFailures {
		return time.Time{}
	}
	v.failures, v.since = 0, now
	v.until = now.Add(min(keptOutMost, keptOut<<min(v.bans, 16)))
	v.bans++
	return v.until
}

// welcomed forgets the failures of an address that somebody came in from.
func (g *guard) welcomed(at netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if v := g.of[at]; v != nil {
		v.failures, v.bans = 0, 0
	}
}

// forget drops addresses that nothing is to be remembered of.
func (g *guard) forget(now time.Time) {
	for at, v := range g.of {
		if v.in == 0 && !now.Before(v.until) && now.Sub(v.since) > failsWithin && now.Sub(v.minute) >= time.Minute {
			delete(g.of, at)
		}
	}
}

package partnerhttp

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/paklog/hub/core/fault"
)

const (
	firstWait = time.Second
	// maxWait bounds what a header may ask for, so that a slip of the partner's
	// clock does not stop a connection for a year.
	maxWait = time.Hour
)

// limiter learns from the partner's refusals: after one, no call leaves until
// the wait is over, so that calls side by side do not prolong it. Where the
// partner does not say how long, the wait doubles with each refusal in a row.
type limiter struct {
	mu    sync.Mutex
	until time.Time
	row   int
}

func (l *limiter) wait(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until.Sub(now)
}

func (l *limiter) hit(now time.Time, asked time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := asked
	if wait == 0 {
		wait = min(firstWait<<min(l.row, 16), 5*time.Minute)
		l.row++
	}
	if end := now.Add(wait); end.After(l.until) {
		l.until = end
	}
	return l.until.Sub(now)
}

func (l *limiter) ok() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.row = 0
}

// retryAfter reads the header in both its forms (RFC 9110, 10.2.3); 0 is absent
// or unreadable.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	var d time.Duration
	if n, err := strconv.ParseInt(v, 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		d = at.Sub(now)
	} else {
		return 0
	}
	return min(max(d, firstWait), maxWait)
}

func throttled(op string, wait time.Duration, err error) error {
	return &fault.Error{Op: op, Kind: fault.Throttled, After: wait, Err: err}
}

// Throttle is for a partner who refuses in an answer of success: nothing leaves over c until wait
// is over, and the error says so. wait 0 is one that doubles.
func (c *Client) Throttle(op string, wait time.Duration, err error) error {
	return throttled(op, c.limit.hit(c.cfg.Now(), min(wait, maxWait)), err)
}

// Points is a bucket of points that refills at a rate, as the partner last told it. It is safe
// for concurrent use; a bucket that nothing was told of is full.
type Points struct {
	mu        sync.Mutex
	told      time.Time
	available int64
	most      int64
	rate      int64 // a second
}

// Learn takes what the partner says is left now.
func (p *Points) Learn(available, most, rate int64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told, p.available, p.most, p.rate = now, available, most, rate
}

// Spend takes cost out, or says how long it takes until the bucket holds as much.
func (p *Points) Spend(cost int64, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate <= 0 {
		return 0
	}
	if since := min(now.Sub(p.told), time.Hour); since > 0 { // no bucket takes longer to fill
		grown := int64(since) * p.rate / int64(time.Second)
		p.available = min(p.most, p.available+grown)
		p.told = now.Add(time.Duration(grown)*time.Second/time.Duration(p.rate) - since) // fractions go on growing
	}
	cost = min(cost, p.most)
	if short := cost - p.available; short > 0 {
		return time.Duration(short) * time.Second / time.Duration(p.rate)
	}
	p.available -= cost
	return 0
}

// Budget is how many calls a partner takes in a time; Calls 0 is no budget.
type Budget struct {
	Calls int
	Per   time.Duration
}

// budget keeps to a [Budget] in any stretch of its time, so that the partner need
// not refuse: it remembers when the last calls left.
type budget struct {
	Budget

	mu   sync.Mutex
	left []time.Time // the last Calls of them, in a ring
	next int
}

// spend takes a call out of the budget, or says how long there is none.
func (b *budget) spend(now time.Time) time.Duration {
	if b.Calls == 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.left) < b.Calls {
		b.left = append(b.left, now)
		return 0
	}
	if wait := b.left[b.next].Add(b.Per).Sub(now); wait > 0 {
		return wait
	}
	b.left[b.next] = now
	b.next = (b.next + 1) % b.Calls
	return 0
}

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

package sftp

import (
	"sync"
	"time"
)

// allowance is the room that a partner's files take in his inbox, and while they are written.
type allowance struct {
	naming sync.Mutex // held while a file gets its name

	mu                sync.Mutex
	used, lies, bound int64
	counted           time.Time // when lies was

	syncing sync.Mutex // held while the inbox is synced
	turns   sync.Mutex
	turn    *turn // that begins next; nil is none
}

// turn is a sync of the inbox that several wait for.
type turn struct {
	done chan struct{}
	err  error
}

// sync runs a sync that begins after it was called: those that come while one runs share the next.
func (a *allowance) sync(do func() error) error {
	a.turns.Lock()
	if t := a.turn; t != nil {
		a.turns.Unlock()
		<-t.done
		return t.err
	}
	t := &turn{done: make(chan struct{})}
	a.turn = t
	a.turns.Unlock()
	a.syncing.Lock()
	a.turns.Lock()
	a.turn = nil
	a.turns.Unlock()
	t.err = do()
	a.syncing.Unlock()
	close(t.done)
	return t.err
}

// fresh is how old the count of an inbox may be that has room left.
const fresh = time.Second

// count looks how much lies in the inbox, where that was not known a moment ago.
func (a *allowance) count(lying func() (int64, error)) error {
	a.mu.Lock()
	known := time.Since(a.counted) < fresh && a.used+a.lies < a.bound/2
	a.mu.Unlock()
	if known {
		return nil
	}
	now := time.Now()
	n, err := lying()
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lies, a.counted = n, now
	return nil
}

func (a *allowance) take(n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used+a.lies+n > a.bound {
		return false
	}
	a.used += n
	return true
}

func (a *allowance) give(n int64, lies bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used -= n
	if lies {
		a.lies += n
	}
}

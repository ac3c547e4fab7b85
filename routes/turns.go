package routes

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// turns keeps a processor free for whoever calls from outside. While doors are called, what
// works behind them (routes that consume, the views) shares the others: a wave that is released
// is hundreds of handlers at once, and each of them would stand before the next caller. It is
// a courtesy and no lock: nobody waits for his turn longer than maxTurn, so a handler that
// takes its time holds nobody up for ever.
type turns struct {
	now    func() time.Time
	called atomic.Int64 // when a door was called last, in ns
	inside atomic.Int64 // calls under way
	slots  chan struct{}
}

const (
	doorsQuiet = 100 * time.Millisecond // after the last call everybody works at once again
	maxTurn    = 50 * time.Millisecond
	// A crowd at the doors is let in before what is inside is worked off: whoever had a turn
	// leaves it empty for crowdRest times as long.
	crowd     = 32
	crowdRest = 3
)

func newTurns(now func() time.Time) *turns {
	return &turns{now: now, slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))}
}

// enter notes a call from outside; the returned function ends it.
func (t *turns) enter() func() {
	t.inside.Add(1)
	return func() {
		t.called.Store(t.now().UnixNano())
		t.inside.Add(-1)
	}
}

func (t *turns) busy() bool {
	return t.inside.Load() > 0 || t.now().UnixNano()-t.called.Load() < int64(doorsQuiet)
}

func none() {}

// take waits for a turn while doors are called; the returned function ends it.
func (t *turns) take(ctx context.Context) func() {
	if !t.busy() {
		return none
	}
	select {
	case t.slots <- struct{}{}:
	default:
		late := time.NewTimer(maxTurn)
		defer late.Stop()
		select {
		case t.slots <- struct{}{}:
		case <-late.C:
			return none
		case <-ctx.Done():
			return none
		}
	}
	began := t.now()
	return func() {
		if t.inside.Load() < crowd {
			<-t.slots
			return
		}
		time.AfterFunc(crowdRest*t.now().Sub(began), func() { <-t.slots })
	}
}

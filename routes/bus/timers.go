package bus

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/paklog/hub/core/journal"
)

// timerTopic is the internal topic on which a subscription's timers arrive.
func timerTopic(sub string) string { return "timer." + sub }

// timers wakes what is due. The journal holds the truth; this is its sorted copy.
type timers struct {
	bus  *Bus
	mu   sync.Mutex
	heap timerHeap
	at   map[string]*timerEntry
	kick chan struct{}
	done chan struct{}
	ctx  context.Context // ends with stop
	quit context.CancelFunc
}

type timerEntry struct {
	id    string
	due   time.Time
	t     journal.Timer
	index int // -1: not in the heap, being fired
}

type timerHeap []*timerEntry

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	c := h[i].due.Compare(h[j].due)
	return c < 0 || c == 0 && h[i].id < h[j].id
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	e := x.(*timerEntry)
	e.index = len(*h)
	*h = append(*h, e)
}
func (h *timerHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.index = -1
	return e
}

func loadTimers(ctx context.Context, b *Bus) (*timers, error) {
	t := &timers{bus: b, at: map[string]*timerEntry{}, kick: make(chan struct{}, 1), done: make(chan struct{})}
	t.ctx, t.quit = context.WithCancel(context.WithoutCancel(ctx))
	after := ""
	for {
		rows, err := b.driver.Scan(ctx, journal.TableTimer, "", after, 1000)
		if err != nil {
			return nil, fmt.Errorf("reading timers: %w", err)
		}
		for _, r := range rows {
			timer, err := journal.DecodeTimer(r.Value)
			if err != nil {
				return nil, fmt.Errorf("reading timer %q: %w", r.Key, err)
			}
			t.set(r.Key, timer)
			after = r.Key
		}
		if len(rows) < 1000 {
			return t, nil
		}
	}
}

func (t *timers) set(id string, timer journal.Timer) {
	if e := t.at[id]; e != nil {
		e.t, e.due = timer, timer.Due
		if e.index >= 0 {
			heap.Fix(&t.heap, e.index)
			return
		}
		heap.Push(&t.heap, e)
		return
	}
	e := &timerEntry{id: id, due: timer.Due, t: timer}
	t.at[id] = e
	heap.Push(&t.heap, e)
}

// committed follows the timers of units that are durable.
func (t *timers) committed(batch []*pending, refusals []*journal.Refusal) {
	changed := false
	for i, p := range batch {
		if refusals[i] != nil || len(p.u.Timers) == 0 {
			continue
		}
		t.mu.Lock()
		for _, op := range p.u.Timers {
			if op.Remove {
				if e := t.at[op.ID]; e != nil {
					if e.index >= 0 {
						heap.Remove(&t.heap, e.index)
					}
					delete(t.at, op.ID)
				}
				continue
			}
			t.set(op.ID, op.Timer)
			changed = true
		}
		t.mu.Unlock()
	}
	if changed {
		t.wake()
	}
}

func (t *timers) wake() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

// rearm lets the retry timers of a subscription fire again whose records were on their way
// when it stopped, and those that came due while another process ran it.
func (t *timers) rearm(sub string) {
	t.mu.Lock()
	for _, e := range t.at {
		if e.t.Sub == sub && (e.t.Pos != 0 || t.bus.team != nil) && e.index < 0 {
			heap.Push(&t.heap, e)
		}
	}
	t.mu.Unlock()
	t.wake()
}

// NextTimerOf is when the earliest timer is due that handlers of a subscription set. It looks through all of
// them: it is for who asks now and then.
func (b *Bus) NextTimerOf(sub string) (at time.Time, set bool) {
	b.timers.mu.Lock()
	defer b.timers.mu.Unlock()
	for _, e := range b.timers.heap {
		if e.t.Sub == sub && e.t.Pos == 0 && (!set || e.due.Before(at)) {
			at, set = e.due, true
		}
	}
	return at, set
}

func (t *timers) stop() {
	t.quit()
	<-t.done
}

func (t *timers) run() {
	defer close(t.done)
	for {
		e, set, wait := t.due()
		if e != nil {
			t.fire(e, set)
			continue
		}
		tick := time.NewTimer(wait)
		select {
		case <-t.ctx.Done():
			tick.Stop()
			return
		case <-t.kick:
			tick.Stop()
		case <-tick.C:
		}
	}
}

// due takes the first timer whose time has come, with what it was set to, or says how long
// to wait.
func (t *timers) due() (*timerEntry, journal.Timer, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 || t.ctx.Err() != nil {
		return nil, journal.Timer{}, time.Hour
	}
	if wait := t.heap[0].due.Sub(t.bus.now()); wait > 0 {
		return nil, journal.Timer{}, min(wait, time.Hour)
	}
	e := heap.Pop(&t.heap).(*timerEntry)
	if t.bus.team != nil {
		if _, err := t.bus.find(e.t.Sub); err != nil {
			return nil, journal.Timer{}, 0 // whoever runs it fires it; see rearm
		}
	}
	return e, e.t, 0
}

// fire sends a timer's message. It stays in the journal until the unit it causes is
// durable; that unit removes it, so it fires once, whatever dies in between.
func (t *timers) fire(e *timerEntry, set journal.Timer) {
	b := t.bus
	if set.Pos != 0 {
		t.retry(e, set)
		return
	}
	id := b.newID()
	typ := set.Type
	if typ == "" {
		typ = "timer"
	}
	t.submit(e, set, &journal.Unit{
		ID:     id,
		Timers: []journal.TimerOp{{ID: e.id, Remove: true}},
		Records: []journal.Record{{
			ID: id.Child("timer", e.id, 0), Type: typ, Schema: 1, Topic: timerTopic(set.Sub), Key: set.Key,
			Time: b.now().UTC(), Source: "timer", Headers: map[string]string{"timer": e.id}, Data: set.Data,
		}},
	})
}

// retry wakes the parked record that a timer is for.
func (t *timers) retry(e *timerEntry, set journal.Timer) {
	s, err := t.bus.find(set.Sub)
	if err != nil {
		t.later(e) // its route is not here yet
		return
	}
	p, taken, found := s.claim(set.Pos)
	switch {
	case !found:
		// Its record was handled or dropped meanwhile.
		t.submit(e, set, &journal.Unit{Timers: []journal.TimerOp{{ID: e.id, Remove: true}}})
	case !taken || s.crowded():
		if taken {
			s.unclaim(set.Pos)
		}
		t.later(e)
	default:
		if err := s.wake(t.ctx, p, e.id); err != nil {
			s.unclaim(set.Pos)
			t.later(e)
		}
	}
}

func (t *timers) submit(e *timerEntry, set journal.Timer, u *journal.Unit) {
	r, stands, err := t.enqueue(e, set, &pending{u: u, done: func(r *journal.Refusal, _ error) {
		if r != nil && r.Again() {
			t.later(e)
		}
	}})
	switch {
	case err == nil && r == nil && !stands:
		t.later(e) // it was set anew, or cancelled, by what is not durable yet
	case err != nil && t.ctx.Err() == nil:
		t.bus.log.Error("firing a timer", "timer", e.id, "err", err)
		t.later(e)
	case r != nil && r.Why != journal.RefusedFinished: // cancelled while it fired
		t.bus.log.Error("firing a timer", "timer", e.id, "refusal", r)
	}
}

// enqueue queues the unit of a timer if it still stands as it was set when it fired. One
// that was set anew meanwhile has the same id, and must not be taken for the old one.
func (t *timers) enqueue(e *timerEntry, set journal.Timer, p *pending) (r *journal.Refusal, stands bool, err error) {
	b := t.bus
	b.At(StepTimer)
	if r, err := b.ready(t.ctx, p.u); r != nil || err != nil {
		return r, true, err
	}
	b.mu.Lock()
	row, err := b.work.Row(t.ctx, journal.TableTimer, e.id)
	if stands = bytes.Equal(row, set.Append(nil)); err == nil && stands {
		r, err = b.enqueue(t.ctx, nil, p)
	}
	due := b.work.takeDue()
	b.mu.Unlock()
	b.snapshots(due)
	return r, stands, err
}

// later tries a timer again in a second.
func (t *timers) later(e *timerEntry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at[e.id] == e && e.index < 0 {
		e.due = t.bus.now().Add(time.Second)
		heap.Push(&t.heap, e)
	}
}

package bus

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/paklog/hub/core/journal"
)

// Door is a Watermill subscriber over requests from outside: its messages are calls that
// wait for an answer, and an answer leaves when the unit behind it is durable.
type Door struct {
	bus *Bus
	ch  chan *message.Message

	idle atomic.Int32 // goroutines that handled a call and wait for the next

	mu      sync.Mutex
	closed  bool
	quit    chan struct{}
	serving sync.WaitGroup
}

// NewDoor makes a door. It serves once it is subscribed to.
func (b *Bus) NewDoor(string) *Door {
	return &Door{bus: b, ch: make(chan *message.Message), quit: make(chan struct{})}
}

// Request is a call in the hands of a door's handler.
type Request struct {
	ID    journal.ID // UUIDv7 of this call
	Value any        // what the door was called with

	bus    *Bus
	caller context.Context
	answer chan answer
}

type answer struct {
	v   any
	err error
}

type requestKey struct{}

// doorCtx is the context that a door gives its messages: without the caller's values, for the
// goroutine that handles one may go on with the call of another. See [Row].
type doorCtx struct {
	context.Context
	door *Door
	r    *Request
	ends <-chan struct{} // when the subscription ends that gave the message out
}

// Value implements [context.Context].
func (c *doorCtx) Value(key any) any {
	switch key.(type) {
	case requestKey:
		return c.r
	case doorKey:
		return c
	}
	return c.Context.Value(key)
}

type doorKey struct{}

// callCtx is the caller's context with what the router says of its handler behind it.
type callCtx struct {
	context.Context
	router context.Context
	r      *Request
}

// Value implements [context.Context].
func (c *callCtx) Value(key any) any {
	if _, ok := key.(requestKey); ok {
		return c.r
	}
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.router.Value(key)
}

// RequestOf is the request that a message of a door carries.
func RequestOf(m *message.Message) *Request {
	r, _ := m.Context().Value(requestKey{}).(*Request)
	return r
}

// Call hands value to the door's handler and returns its answer. When ctx ends first, the
// caller is told so, and whatever was decided stands: the repeat of the call finds it.
func (d *Door) Call(ctx context.Context, value any) (any, error) {
	if err := d.bus.Fresh(ctx); err != nil {
		return nil, err
	}
	d.bus.callers.Add(1)
	defer d.bus.callers.Add(-1)
	r := &Request{ID: d.bus.newID(), Value: value, bus: d.bus, caller: ctx, answer: make(chan answer, 1)}
	m := message.NewMessage(r.ID.String(), nil)
	m.SetContext(&doorCtx{Context: context.Background(), door: d, r: r})
	select {
	case d.ch <- m:
	case <-d.quit:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-r.answer:
		return a.v, a.err
	case <-m.Nacked():
		// The handler returned an error or panicked. It may have answered before.
		r.Answer(nil, errUnanswered)
		a := <-r.answer
		return a.v, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var errUnanswered = errors.New("the door's handler failed without an answer")

// Subscribe implements [message.Subscriber]; the topic is the door's name.
func (d *Door) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrClosed
	}
	out := make(chan *message.Message)
	d.serving.Go(func() {
		defer close(out)
		for {
			select {
			case m := <-d.ch:
				m.Context().(*doorCtx).ends = ctx.Done()
				select {
				case out <- m:
				case <-ctx.Done():
					RequestOf(m).Answer(nil, ErrClosed)
					return
				case <-d.quit:
					RequestOf(m).Answer(nil, ErrClosed)
					return
				}
			case <-ctx.Done():
				return
			case <-d.quit:
				return
			}
		}
	})
	return out, nil
}

// Close implements [message.Subscriber]. Calls that a handler holds are answered by it, all
// others with [ErrClosed].
func (d *Door) Close() error {
	d.mu.Lock()
	if !d.closed {
		d.closed = true
		close(d.quit)
	}
	d.mu.Unlock()
	d.serving.Wait()
	return nil
}

// Reads starts a run of the handler.
func (r *Request) Reads() *Reads { return r.bus.reads() }

// Commit hands the door's unit over; done is called once it is durable, or refused by
// the disk. A refusal returned here means that nothing happened.
func (r *Request) Commit(ctx context.Context, reads *Reads, u *journal.Unit, done func(*journal.Refusal, error)) (*journal.Refusal, error) {
	if u.ID.IsZero() {
		u.ID = r.ID
	}
	return r.bus.submit(ctx, reads, &pending{u: u, urgent: true, done: done})
}

// Answer ends the call. The first answer counts.
func (r *Request) Answer(v any, err error) {
	select {
	case r.answer <- answer{v, err}:
	default:
	}
}

// NewRequest is a call without a door: for who runs the handler himself, on a stepped bus.
func (b *Bus) NewRequest(value any) *Request {
	return &Request{ID: b.newID(), Value: value, bus: b, answer: make(chan answer, 1)}
}

// Wait makes durable what a request waits for, on a stepped bus, and returns its answer.
func (r *Request) Wait() (any, error) {
	for len(r.answer) == 0 {
		if wrote, err := r.bus.CommitSome(r.bus.opts.MaxBatch); err != nil {
			return nil, err
		} else if !wrote && !r.bus.Soon() {
			return nil, errUnanswered
		}
	}
	a := <-r.answer
	return a.v, a.err
}

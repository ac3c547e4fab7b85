package eip

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
)

// Throttle sends messages on at the rate of their bucket, in the order in which they came. A
// bucket is state and what must wait is held by position behind one timer: nothing sleeps, and
// a kill neither forgets a message nor gives a token twice. Each bucket is one small state.
type Throttle[M Message[O], O Out[O]] struct {
	Step   string
	To     func(*journal.Record) string // its topic; see [Topic]
	Bucket func(M) string               // partner, key, or both
	// Every is how long a bucket takes for a token; 0 lets its messages pass as they come. See [Every].
	Every func(bucket string) time.Duration
	Burst int // tokens a full bucket holds: 1
	// Hold is how many messages of a bucket may wait: 10,000. What comes on top is
	// Throttled, and the hub parks it.
	Hold int
}

// Every is one rate for all buckets.
func Every(d time.Duration) func(string) time.Duration {
	return func(string) time.Duration { return d }
}

// bucket is a token bucket by its virtual schedule: Free is when the next token would be
// there if there were no burst.
type bucket struct {
	Free  time.Time `json:"free"`
	First uint64    `json:"first"` // waiting are First up to Next
	Next  uint64    `json:"next"`
}

// due is when the next message may go.
func (t Throttle[M, O]) due(key string, b bucket) time.Time {
	return b.Free.Add(-time.Duration(max(t.Burst, 1)-1) * t.Every(key))
}

func (t Throttle[M, O]) take(key string, b *bucket, now time.Time) {
	if b.Free.Before(now) {
		b.Free = now
	}
	b.Free = b.Free.Add(t.Every(key))
}

// Handle is the route's handler.
func (t Throttle[M, O]) Handle(ctx context.Context, m M) (O, error) {
	in := m.In()
	in.Ran.Note(NameThrottle)
	if in.timer(t.Step) {
		return t.release(ctx, m, in)
	}
	var none O
	key := t.Bucket(m)
	b, old, _, err := load[bucket](ctx, in, t.Step, key)
	if err != nil {
		return none, err
	}
	o := m.Out()
	waiting := b.Next - b.First
	hold := t.Hold
	if hold <= 0 {
		hold = 10_000
	}
	switch {
	case waiting == 0 && !in.Now.Before(t.due(key, b)):
		t.take(key, &b, in.Now)
		c := Copy(in.Record, t.To(in.Record))
		c.ID = in.ID.Child(in.Route, t.Step, 0)
		o.Send(c)
	case waiting >= uint64(hold):
		return none, &fault.Error{
			Op: in.Route, Kind: fault.Throttled, After: t.due(key, b).Sub(in.Now),
			Err: fmt.Errorf("%d messages of %q wait already", waiting, key),
		}
	default:
		row := strconv.FormatUint(b.Next, 10) + "/" + key
		if err := save(o, in, t.Step+"#held", row, journal.State{}, in.Pos); err != nil {
			return none, err
		}
		b.Next++
		if waiting == 0 {
			t.wake(o, key, b)
		}
	}
	return o, save(o, in, t.Step, key, old, b)
}

func (t Throttle[M, O]) wake(o O, key string, b bucket) {
	o.Timer(t.Step+"/"+safe(key), safe(key), timerType(t.Step), t.due(key, b), key)
}

// release sends those whose token is there.
func (t Throttle[M, O]) release(ctx context.Context, m M, in In) (O, error) {
	var none O
	key, err := timerOf[string](in)
	if err != nil {
		return none, err
	}
	b, old, _, err := load[bucket](ctx, in, t.Step, key)
	if err != nil || b.First == b.Next {
		return none, err
	}
	o := m.Out()
	for n := 0; n < 1000 && b.First < b.Next && !in.Now.Before(t.due(key, b)); n++ {
		row := strconv.FormatUint(b.First, 10) + "/" + key
		pos, held, there, err := load[journal.Pos](ctx, in, t.Step+"#held", row)
		if err == nil && !there {
			err = fault.E(in.Route, fault.Internal, errors.New("bucket "+key+" lost what it held at "+row))
		}
		if err != nil {
			return none, err
		}
		r, err := in.Recall(ctx, pos)
		if err != nil {
			return none, err
		}
		t.take(key, &b, in.Now)
		c := Copy(&r, t.To(&r))
		c.ID = r.ID.Child(in.Route, t.Step, 0)
		o.Send(c)
		put(o, in, t.Step+"#held", row, held, nil)
		b.First++
	}
	if b.First < b.Next {
		t.wake(o, key, b)
	}
	return o, save(o, in, t.Step, key, old, b)
}

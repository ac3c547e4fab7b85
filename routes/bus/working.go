package bus

import (
	"context"
	"fmt"

	"github.com/paklog/hub/core/journal"
)

// cache holds the newest value of each key, units that wait for the disk included.
// An entry is pinned while such a unit depends on it; the others may go.
type cache[K comparable, V any] struct {
	m     map[K]*slot[V]
	limit int
	gone  uint64 // counts evictions, so that a value loaded meanwhile is not trusted
}

type slot[V any] struct {
	v    V
	pins int32
}

func newCache[K comparable, V any](limit int) cache[K, V] {
	return cache[K, V]{m: make(map[K]*slot[V]), limit: limit}
}

// add puts a value that is not there yet and makes room for it.
func (c *cache[K, V]) add(k K, v V) *slot[V] {
	if len(c.m) >= c.limit {
		looked := 0
		for old, s := range c.m {
			if s.pins == 0 {
				delete(c.m, old)
				c.gone++
			}
			if looked++; looked == 4 {
				break
			}
		}
	}
	s := &slot[V]{v: v}
	c.m[k] = s
	return s
}

type account struct{ book, name string }

type rowKey struct {
	table journal.Table
	key   string
}

// streamHead is a stream's head with the folded states that were asked for.
type streamHead struct {
	journal.Head
	states []*foldedState
}

type foldedState struct {
	fold    *Fold
	version uint64
	state   any
}

// working is the state of the journal as it will be once all that waits is durable.
// Bus.mu guards it.
type working struct {
	driver   journal.Driver
	heads    cache[string, streamHead]
	balances cache[account, journal.Balance]
	rows     cache[rowKey, []byte]
}

func newWorking(d journal.Driver, limit int) *working {
	return &working{
		driver:   d,
		heads:    newCache[string, streamHead](limit),
		balances: newCache[account, journal.Balance](limit),
		rows:     newCache[rowKey, []byte](limit),
	}
}

// Head implements [journal.View].
func (w *working) Head(ctx context.Context, stream string) (journal.Head, error) {
	s, err := w.head(ctx, stream)
	if err != nil {
		return journal.Head{}, err
	}
	return s.v.Head, nil
}

func (w *working) head(ctx context.Context, stream string) (*slot[streamHead], error) {
	if s, ok := w.heads.m[stream]; ok {
		return s, nil
	}
	h, err := w.driver.Head(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("reading head of %s: %w", stream, err)
	}
	return w.heads.add(stream, streamHead{Head: h}), nil
}

// Balance implements [journal.View].
func (w *working) Balance(ctx context.Context, book, name string) (journal.Balance, error) {
	k := account{book, name}
	if s, ok := w.balances.m[k]; ok {
		return s.v, nil
	}
	b, err := w.driver.Balance(ctx, book, name)
	if err != nil {
		return b, fmt.Errorf("reading balance of %s %s: %w", book, name, err)
	}
	w.balances.add(k, b)
	return b, nil
}

// Row implements [journal.View].
func (w *working) Row(ctx context.Context, t journal.Table, key string) ([]byte, error) {
	k := rowKey{t, key}
	if s, ok := w.rows.m[k]; ok {
		return s.v, nil
	}
	b, err := w.driver.Row(ctx, t, key)
	if err != nil {
		return nil, fmt.Errorf("reading %s %q: %w", t, key, err)
	}
	w.rows.add(k, b)
	return b, nil
}

// Checkpoint implements [journal.View]: marks are the driver's to judge.
func (w *working) Checkpoint(context.Context, string, uint8) (*journal.Checkpoint, error) {
	return nil, nil
}

// warm loads what u will be judged by, outside the lock: judging then finds it in
// memory. An entry that goes meanwhile is read again under the lock.
func (b *Bus) warm(ctx context.Context, u *journal.Unit) error {
	if len(u.Expect)+len(u.Postings)+len(u.States)+len(u.Claims)+len(u.Timers)+
		len(u.Parks)+len(u.Letters)+len(u.Effects)+len(u.Snapshots) == 0 && len(u.Records) <= 1 {
		if len(u.Records) == 0 || u.Records[0].Stream == "" {
			return nil
		}
	}
	var err error
	head := func(stream string) {
		if err == nil && stream != "" {
			err = warmOne(b, &b.work.heads, stream, func() (streamHead, error) {
				h, err := b.driver.Head(ctx, stream)
				return streamHead{Head: h}, err
			})
		}
	}
	row := func(t journal.Table, key string) {
		if err == nil {
			err = warmOne(b, &b.work.rows, rowKey{t, key}, func() ([]byte, error) { return b.driver.Row(ctx, t, key) })
		}
	}
	for _, x := range u.Expect {
		head(x.Stream)
	}
	for i := range u.Records {
		head(u.Records[i].Stream)
	}
	for _, p := range u.Postings {
		if err == nil {
			err = warmOne(b, &b.work.balances, account{p.Book, p.Account}, func() (journal.Balance, error) {
				return b.driver.Balance(ctx, p.Book, p.Account)
			})
		}
	}
	for _, op := range u.States {
		row(journal.TableState, op.Key)
	}
	for _, op := range u.Claims {
		row(journal.TableClaim, journal.ClaimKey(op.Scope, op.ID))
	}
	for _, op := range u.Timers {
		row(journal.TableTimer, op.ID)
	}
	for _, op := range u.Parks {
		row(journal.TablePark, journal.ParkKey(op.Sub, op.Key, op.Pos))
	}
	for _, op := range u.Letters {
		row(journal.TableLetter, op.ID)
	}
	for _, op := range u.Effects {
		row(journal.TableEffect, op.Key)
	}
	return err
}

// warmOne loads one key unless it is there. A value read while entries were evicted
// may be older than one that came and went, so it is not kept.
func warmOne[K comparable, V any](b *Bus, c *cache[K, V], k K, load func() (V, error)) error {
	b.mu.Lock()
	_, ok := c.m[k]
	gone := c.gone
	b.mu.Unlock()
	if ok {
		return nil
	}
	v, err := load()
	if err != nil {
		return fmt.Errorf("reading %v: %w", k, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := c.m[k]; !ok && c.gone == gone {
		c.add(k, v)
	}
	return nil
}

// apply folds judged changes into the working set and pins what they touch until
// the unit is durable.
func (w *working) apply(u *journal.Unit, ch *journal.Changes) (pins []*int32) {
	n := len(ch.Heads) + len(ch.Balances) + len(ch.Rows)
	if n == 0 {
		return nil
	}
	pins = make([]*int32, 0, n)
	pin := func(p *int32) {
		*p++
		pins = append(pins, p)
	}
	for _, h := range ch.Heads {
		s := w.heads.m[h.Stream]
		if s == nil { // made room for another key of this same unit
			s = w.heads.add(h.Stream, streamHead{})
		}
		s.v.Head = h.Head
		pin(&s.pins)
		if len(s.v.states) > 0 {
			s.v.advance(h.Stream, u)
		}
	}
	for _, bal := range ch.Balances {
		k := account{bal.Book, bal.Account}
		s := w.balances.m[k]
		if s == nil {
			s = w.balances.add(k, bal.Balance)
		}
		s.v = bal.Balance
		pin(&s.pins)
	}
	for _, r := range ch.Rows {
		k := rowKey{r.Table, r.Key}
		s := w.rows.m[k]
		if s == nil { // written without having been read: a park, a timer
			s = w.rows.add(k, nil)
		}
		s.v = r.Value
		pin(&s.pins)
	}
	return pins
}

// advance folds the unit's events into the states that are held of the stream.
// A state that cannot follow is dropped; it is built again when asked for.
func (h *streamHead) advance(stream string, u *journal.Unit) {
	kept := h.states[:0]
	for _, st := range h.states {
		ok := true
		for i := range u.Records {
			r := &u.Records[i]
			if r.Stream != stream {
				continue
			}
			if r.Version != st.version+1 {
				ok = false
				break
			}
			next, err := st.fold.apply(st.state, r)
			if err != nil {
				ok = false
				break
			}
			st = &foldedState{st.fold, r.Version, next}
		}
		if ok {
			kept = append(kept, st)
		}
	}
	clear(h.states[len(kept):])
	h.states = kept
}

package bus

import (
	"context"
	"fmt"

	"github.com/paklog/hub/core/journal"
)

// cache holds the newest value of each key, units that wait for the disk included.
// An entry is pinned while such a unit depends on it; the others may go. It is bounded by what
// its entries take, for one may be a number and the next a document.
type cache[K comparable, V any] struct {
	m     map[K]*slot[V]
	cost  func(K, V) int
	limit int // of the sum of costs, in bytes
	sum   int
}

// slot is a value, or the place of one that is being read. Whoever writes meanwhile
// fills it, and the reader, who may have seen what was before, leaves it as it is.
type slot[V any] struct {
	v     V
	known bool
	used  bool // since it was last in question
	pins  int32
	cost  int // as it counts in the cache's sum
}

// slotBytes is about what an entry takes beside its key's text and its value's.
const slotBytes = 112

func newCache[K comparable, V any](limit int, cost func(K, V) int) cache[K, V] {
	return cache[K, V]{m: make(map[K]*slot[V]), limit: limit, cost: cost}
}

func (c *cache[K, V]) known(k K) bool { return c.get(k) != nil }

// get is the slot of a key whose value is known, or nil.
func (c *cache[K, V]) get(k K) *slot[V] {
	s := c.m[k]
	if s == nil || !s.known {
		return nil
	}
	s.used = true
	return s
}

// at is the slot of a key; a new one makes room for itself. Few of those that might go are
// looked at, and one that was used since the last look stays: what is asked for
// again and again outlives what comes once.
func (c *cache[K, V]) at(k K) *slot[V] {
	if s := c.m[k]; s != nil {
		return s
	}
	looked := 0
	for old, s := range c.m {
		if c.sum < c.limit || looked == 8 {
			break
		}
		switch {
		case s.pins > 0:
		case s.used:
			s.used = false
		default:
			delete(c.m, old)
			c.sum -= s.cost
		}
		looked++
	}
	s := &slot[V]{cost: slotBytes}
	c.sum += s.cost
	c.m[k] = s
	return s
}

// set gives the slot of a key its value. A slot that was taken away meanwhile is not counted.
func (c *cache[K, V]) set(k K, s *slot[V], v V) {
	s.v, s.known = v, true
	if c.m[k] == s {
		cost := slotBytes + c.cost(k, v)
		c.sum += cost - s.cost
		s.cost = cost
	}
}

// read is the slot of a key with its value, from load where it is not known.
func (c *cache[K, V]) read(k K, load func() (V, error)) (*slot[V], error) {
	if s := c.get(k); s != nil {
		return s, nil
	}
	v, err := load()
	if err != nil {
		return nil, err
	}
	s := c.at(k)
	c.set(k, s, v)
	return s, nil
}

// forget lets go what nothing that waits for the disk depends on.
func (c *cache[K, V]) forget() {
	kept := make(map[K]*slot[V])
	c.sum = 0
	for k, s := range c.m {
		if s.pins > 0 {
			kept[k] = s
			c.sum += s.cost
		}
	}
	c.m = kept // a map keeps the room that it once needed
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

// stateBytes is what a folded state counts: nobody knows what it takes.
const stateBytes = 3 << 10

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
	due      []dueSnapshot
	// before are states of durable events alone, from the working set that this one replaced.
	before map[string][]*foldedState
}

func newWorking(d journal.Driver, limit int) *working {
	return &working{
		driver: d,
		heads: newCache(limit, func(stream string, h streamHead) int {
			return len(stream) + len(h.states)*stateBytes
		}),
		balances: newCache(limit/4, func(a account, _ journal.Balance) int { return len(a.book) + len(a.name) }),
		rows:     newCache(limit/4, func(k rowKey, v []byte) int { return len(k.key) + len(v) }),
	}
}

// renewed is an empty working set in the place of w, which the disk found wrong. Where streams and
// rows stand is read again. The states of streams that nothing waits for are folded from durable
// events alone, which stay as they are: reading goes on behind them.
func (w *working) renewed(limit int) *working {
	n := newWorking(w.driver, limit)
	n.before = map[string][]*foldedState{}
	for stream, s := range w.heads.m {
		if s.pins == 0 && len(s.v.states) > 0 {
			n.before[stream] = s.v.states
		}
	}
	return n
}

// known takes a state of a stream from the working set before, or is nil.
func (w *working) known(f *Fold, stream string) *foldedState {
	for _, st := range w.before[stream] {
		if st.fold == f {
			return st
		}
	}
	return nil
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
	return w.heads.read(stream, func() (streamHead, error) { return w.readHead(ctx, stream) })
}

func (w *working) readHead(ctx context.Context, stream string) (streamHead, error) {
	h, err := w.driver.Head(ctx, stream)
	if err != nil {
		return streamHead{}, fmt.Errorf("reading head of %s: %w", stream, err)
	}
	return streamHead{Head: h}, nil
}

// Balance implements [journal.View].
func (w *working) Balance(ctx context.Context, book, name string) (journal.Balance, error) {
	s, err := w.balances.read(account{book, name}, func() (journal.Balance, error) { return w.readBalance(ctx, book, name) })
	if err != nil {
		return journal.Balance{}, err
	}
	return s.v, nil
}

func (w *working) readBalance(ctx context.Context, book, name string) (journal.Balance, error) {
	b, err := w.driver.Balance(ctx, book, name)
	if err != nil {
		return b, fmt.Errorf("reading balance of %s %s: %w", book, name, err)
	}
	return b, nil
}

// Row implements [journal.View].
func (w *working) Row(ctx context.Context, t journal.Table, key string) ([]byte, error) {
	s, err := w.rows.read(rowKey{t, key}, func() ([]byte, error) { return w.readRow(ctx, t, key) })
	if err != nil {
		return nil, err
	}
	return s.v, nil
}

func (w *working) readRow(ctx context.Context, t journal.Table, key string) ([]byte, error) {
	b, err := w.driver.Row(ctx, t, key)
	if err != nil {
		return nil, fmt.Errorf("reading %s %q: %w", t, key, err)
	}
	return b, nil
}

// Checkpoint implements [journal.View]: marks are the driver's to judge.
func (w *working) Checkpoint(context.Context, string, uint8) (*journal.Checkpoint, error) {
	return nil, nil
}

// keys calls f for each key that u is judged by, until it says stop.
type keys struct {
	head    func(stream string) bool
	balance func(account) bool
	row     func(rowKey) bool
}

func (k keys) of(u *journal.Unit) {
	for i := range u.Expect {
		if !k.head(u.Expect[i].Stream) {
			return
		}
	}
	for i := range u.Records {
		if s := u.Records[i].Stream; s != "" && !k.head(s) {
			return
		}
	}
	for i := range u.Snapshots {
		if !k.head(u.Snapshots[i].Stream) {
			return
		}
	}
	for _, p := range u.Postings {
		if !k.balance(account{p.Book, p.Account}) {
			return
		}
	}
	row := func(t journal.Table, key string) bool { return k.row(rowKey{t, key}) }
	for _, op := range u.States {
		if !row(journal.TableState, op.Key) {
			return
		}
	}
	for _, op := range u.Claims {
		if !row(journal.TableClaim, journal.ClaimKey(op.Scope, op.ID)) {
			return
		}
	}
	for _, op := range u.Timers {
		if op.Remove && !row(journal.TableTimer, op.ID) {
			return
		}
	}
	for _, op := range u.Parks {
		if op.Remove && !row(journal.TablePark, journal.ParkKey(op.Sub, op.Key, op.Pos)) {
			return
		}
	}
	for _, op := range u.Letters {
		if !row(journal.TableLetter, op.ID) {
			return
		}
	}
	for _, op := range u.Effects {
		if !row(journal.TableEffect, op.Key) {
			return
		}
	}
}

// warm loads what u will be judged by, outside the lock: judging then finds it in
// memory. An entry that goes meanwhile is read again under the lock.
func (b *Bus) warm(ctx context.Context, u *journal.Unit) error {
	b.mu.Lock()
	w, cold := b.work, false
	seen := func(known bool) bool { cold = !known; return known }
	keys{
		head:    func(stream string) bool { return seen(w.heads.known(stream)) },
		balance: func(a account) bool { return seen(w.balances.known(a)) },
		row:     func(k rowKey) bool { return seen(w.rows.known(k)) },
	}.of(u)
	b.mu.Unlock()
	if !cold {
		return nil
	}
	var err error
	keys{
		head: func(stream string) bool {
			err = warmOne(b, &w.heads, stream, func() (streamHead, error) { return w.readHead(ctx, stream) })
			return err == nil
		},
		balance: func(a account) bool {
			err = warmOne(b, &w.balances, a, func() (journal.Balance, error) { return w.readBalance(ctx, a.book, a.name) })
			return err == nil
		},
		row: func(k rowKey) bool {
			err = warmOne(b, &w.rows, k, func() ([]byte, error) { return w.readRow(ctx, k.table, k.key) })
			return err == nil
		},
	}.of(u)
	return err
}

// warmOne loads one key of a working set unless it is known. Its slot is pinned
// meanwhile, so that whoever writes the key leaves the newer value where the reader sees it.
func warmOne[K comparable, V any](b *Bus, c *cache[K, V], k K, load func() (V, error)) error {
	b.mu.Lock()
	s := c.at(k)
	if s.known {
		b.mu.Unlock()
		return nil
	}
	s.pins++
	b.mu.Unlock()
	v, err := load()
	b.mu.Lock()
	defer b.mu.Unlock()
	s.pins--
	if err == nil && !s.known {
		c.set(k, s, v)
	}
	return err
}

// apply folds judged changes into the working set and pins what they touch until
// the unit is durable.
func (w *working) apply(p *pending, ch *journal.Changes) {
	pins := p.pinned[:0]
	pin := func(n *int32) {
		*n++
		pins = append(pins, n)
	}
	for _, h := range ch.Heads {
		s := w.heads.at(h.Stream)
		v := s.v
		if s.known {
			w.advance(&v, h.Stream, p.u)
		}
		v.Head = h.Head
		w.heads.set(h.Stream, s, v)
		pin(&s.pins)
	}
	for _, bal := range ch.Balances {
		k := account{bal.Book, bal.Account}
		s := w.balances.at(k)
		w.balances.set(k, s, bal.Balance)
		pin(&s.pins)
	}
	for _, r := range ch.Rows {
		k := rowKey{r.Table, r.Key}
		s := w.rows.at(k)
		w.rows.set(k, s, r.Value)
		pin(&s.pins)
	}
	p.pins = pins
}

// advance folds the unit's events into the states that are held of the stream.
// A state that cannot follow is dropped; it is built again when asked for.
func (w *working) advance(h *streamHead, stream string, u *journal.Unit) {
	kept := h.states[:0]
	for _, st := range h.states {
		next, ok := st, true
		for i := range u.Records {
			r := &u.Records[i]
			if r.Stream != stream {
				continue
			}
			state, err := next.fold.apply(next.state, r)
			if ok = err == nil && r.Version == next.version+1; !ok {
				break
			}
			next = &foldedState{st.fold, r.Version, state}
		}
		if !ok {
			continue
		}
		kept = append(kept, next)
		if st.fold.Encode != nil && next.version/snapshotEvery > st.version/snapshotEvery {
			w.due = append(w.due, dueSnapshot{stream, next})
		}
	}
	clear(h.states[len(kept):])
	h.states = kept
}

// takeDue hands out the snapshots that became due. They are encoded outside the lock.
func (w *working) takeDue() []dueSnapshot {
	due := w.due
	w.due = nil
	return due
}

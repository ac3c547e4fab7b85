package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/journal"
)

// What other processes write reaches this one in the order of the log: the committer reads it, before its
// own batch where it stands before it, takes it into the working set, and tells of it as of
// a batch of its own. Until it has, a unit is judged by what is a moment old, which the disk finds out.

// foreignPage is how many units of others are read at once.
const foreignPage = 512

// follow is told of the end of the log until the bus ends.
func (b *Bus) follow(ctx context.Context, d journal.Shared) {
	err := d.Follow(ctx, b.Last(), func(last journal.Pos) error {
		b.moved(last)
		return nil
	})
	if err != nil && ctx.Err() == nil && b.Err() == nil {
		b.fail(nil, nil, fmt.Errorf("following the other processes: %w", err))
	}
}

// moved says that the log stands at last.
func (b *Bus) moved(last journal.Pos) {
	for {
		old := b.head.Load()
		if uint64(last) <= old {
			return
		}
		if b.head.CompareAndSwap(old, uint64(last)) {
			b.kick()
			return
		}
	}
}

// behind reports whether others wrote what was not read yet. It is the committer's.
func (b *Bus) behind() bool { return b.team != nil && journal.Pos(b.head.Load()) > b.seen }

// reached waits until everything up to pos is known here.
func (b *Bus) reached(pos journal.Pos) error {
	if b.Last() >= pos {
		return nil
	}
	b.moved(pos)
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.Last() < pos && b.err == nil {
		b.news.Wait()
	}
	if b.Last() >= pos {
		return nil
	}
	return b.err
}

// catchUp takes in what others wrote up to a position, and hands it to tell.
func (b *Bus) catchUp(upTo journal.Pos, tell func(written)) error {
	for b.seen < upTo {
		units, err := b.driver.Units(context.Background(), b.seen+1, foreignPage)
		if err != nil {
			return fmt.Errorf("reading what other processes wrote: %w", err)
		}
		if len(units) == 0 {
			return fmt.Errorf("%w: the log stands at %d and holds nothing behind %d", journal.ErrBroken, upTo, b.seen)
		}
		w := written{batch: make([]*pending, 0, len(units)), refusals: make([]*journal.Refusal, 0, len(units))}
		for i := range units {
			u := &units[i].Unit
			if units[i].First > upTo {
				break
			}
			u.First = units[i].First
			w.batch = append(w.batch, &pending{u: u, foreign: true})
			w.refusals = append(w.refusals, nil)
			b.seen = u.First + journal.Pos(max(1, len(u.Records))) - 1
		}
		if len(w.batch) == 0 {
			return nil // the next unit is this process's own
		}
		if err := b.fold(w.batch); err != nil {
			return err
		}
		tell(w)
	}
	return nil
}

// fold takes units into the working set that it knew nothing of. What nothing waits on is read again
// when it is asked for, or goes on where it stands. What units in the queue build on is counted anew:
// what the journal holds, and theirs. No batch of this process is at the disk meanwhile.
func (b *Bus) fold(units []*pending) error {
	ctx := context.Background()
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.work
	streams, accounts := map[string]bool{}, map[account]bool{} // to be counted anew
	for _, p := range units {
		keys{
			head: func(stream string) bool {
				if s := w.heads.m[stream]; s != nil && s.known && s.pins > 0 {
					streams[stream] = true
				}
				return true
			},
			balance: func(a account) bool {
				if s := w.balances.m[a]; s != nil && s.known && s.pins > 0 {
					accounts[a] = true
				} else {
					w.balances.drop(a)
				}
				return true
			},
			row: func(k rowKey) bool { w.rows.dropIdle(k); return true },
		}.of(p.u)
		for i := range p.u.Timers {
			w.rows.dropIdle(rowKey{journal.TableTimer, p.u.Timers[i].ID})
		}
		for i := range p.u.Parks {
			op := &p.u.Parks[i]
			w.rows.dropIdle(rowKey{journal.TablePark, journal.ParkKey(op.Sub, op.Key, op.Pos)})
		}
		w.follow(p.u, streams)
	}
	if len(streams) > 0 {
		b.epoch.Add(1) // versions come again with other events behind them
	}
	for stream := range streams {
		if err := b.recountStream(ctx, stream); err != nil {
			return err
		}
	}
	for a := range accounts {
		if err := b.recountBalance(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// recountStream sets a head to what the journal holds and the queue adds. Callers hold mu.
func (b *Bus) recountStream(ctx context.Context, stream string) error {
	s := b.work.heads.m[stream]
	h, err := b.driver.Head(ctx, stream)
	if err != nil {
		return fmt.Errorf("reading head of %s: %w", stream, err)
	}
	for _, p := range b.queue {
		for i := range p.u.Records {
			if !p.ask && p.u.Records[i].Stream == stream {
				h.Version++
			}
		}
	}
	delete(b.work.before, stream)
	b.work.heads.set(stream, s, streamHead{Head: h})
	return nil
}

// recountBalance does so for a balance. Callers hold mu.
func (b *Bus) recountBalance(ctx context.Context, a account) error {
	s := b.work.balances.m[a]
	bal, err := b.driver.Balance(ctx, a.book, a.name)
	if err != nil {
		return fmt.Errorf("reading balance of %s %s: %w", a.book, a.name, err)
	}
	for _, p := range b.queue {
		for _, post := range p.u.Postings {
			if !p.ask && post.Book == a.book && post.Account == a.name {
				bal.Amount += post.Amount
				if !bal.Exists {
					bal.Exists, bal.Floor = true, post.Floor
				}
			}
		}
	}
	b.work.balances.set(a, s, bal)
	return nil
}

// follow lets the heads of streams that nothing waits on go on with a unit's events.
func (w *working) follow(u *journal.Unit, pinned map[string]bool) {
	for i := range u.Records {
		r := &u.Records[i]
		if r.Stream == "" || pinned[r.Stream] {
			continue
		}
		s := w.heads.m[r.Stream]
		switch {
		case s == nil:
		case !s.known || r.Version > s.v.Version+1:
			w.heads.drop(r.Stream) // whoever reads it may have seen what was before
		case r.Version == s.v.Version+1:
			v := s.v
			kept := v.states[:0:0]
			for _, st := range v.states {
				if next, err := st.fold.apply(st.state, r); err == nil && st.version+1 == r.Version {
					kept = append(kept, &foldedState{st.fold, r.Version, next})
				}
			}
			v.states = kept
			v.Head = journal.Head{Version: r.Version, Last: r.Pos}
			w.heads.set(r.Stream, s, v)
		}
	}
}

// drop forgets a key, and lets who reads it at the moment read for nobody.
func (c *cache[K, V]) drop(k K) {
	if s := c.m[k]; s != nil {
		delete(c.m, k)
		c.sum -= s.cost
	}
}

// dropIdle forgets a key unless a unit that waits writes it: then that one's value comes last.
func (c *cache[K, V]) dropIdle(k K) {
	if s := c.m[k]; s != nil && (!s.known || s.pins == 0) {
		c.drop(k)
	}
}

// foreignDesk does for subscriptions that run here what people ordered at another process: letters that
// are to be replayed, parked records that were dropped.
func (b *Bus) foreignDesk(u *journal.Unit) {
	for i := range u.Letters {
		if op := &u.Letters[i]; op.To == journal.LetterReplaying {
			b.Later(func() {
				if _, err := b.Wake(op.Letter.Sub, op.Letter.Pos); err != nil {
					b.log.Debug("replaying a letter", "letter", op.ID, "err", err) // it runs elsewhere, and is woken there
				}
			})
		}
	}
	for i := range u.Parks {
		if op := &u.Parks[i]; op.Remove {
			if s, err := b.find(op.Sub); err == nil {
				s.dropped(op)
			}
		}
	}
	if f := b.foreign.Load(); f != nil {
		(*f)(u)
	}
}

// dropped forgets a parked record that another process took out, so that what followed it may go.
func (s *subscription) dropped(op *journal.ParkOp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.parked[op.Pos]; p != nil && p.key == op.Key {
		s.unparked(op.Pos)
		s.wakeNext(op.Key)
	}
}

// OnForeign has f told of each unit that another process wrote, in the order of the log. It must not
// block, and keeps nothing of the unit.
func (b *Bus) OnForeign(f func(*journal.Unit)) { b.foreign.Store(&f) }

// Fresh returns once all that was committed before it was called, by whichever process, counts here.
func (b *Bus) Fresh(ctx context.Context) error {
	if b.team == nil {
		return nil
	}
	if err := b.team.fresh(ctx); err != nil && !errors.Is(err, ErrClosed) {
		return err
	}
	return nil
}

package bus

import (
	"context"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/journal"
)

// Fold rebuilds one kind of state from the events of a stream. Its address is its
// identity: make one and keep it.
type Fold struct {
	Kind    string // "order"; names it in errors
	Version uint32 // of the fold's code: a snapshot of another version is ignored
	Zero    func() any
	// Apply returns the state after r and leaves the old one as it is: states are
	// shared between lanes.
	Apply func(state any, r *journal.Record) (any, error)
	// Encode and Decode turn a state into a snapshot and back. Without them the
	// stream is read from its beginning.
	Encode func(state any) ([]byte, error)
	Decode func(data []byte) (any, error)
}

// snapshotEvery is how many events a stream grows between two snapshots.
const snapshotEvery = 1000

func (f *Fold) apply(state any, r *journal.Record) (next any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("folding %s: %v", f.Kind, p)
		}
	}()
	return f.Apply(state, r)
}

// Reads gives a handler the state it decides on, and remembers which versions it saw:
// the unit it returns is refused when one of them moved on. It belongs to one
// handler run and one goroutine.
type Reads struct {
	bus    *Bus
	expect []journal.Expect
}

// Load is the state of a stream with all that waits for the disk counted in. The unit
// will expect the stream at this version; see [Reads.Peek] for a look that binds nothing.
func (r *Reads) Load(ctx context.Context, f *Fold, stream string) (state any, version uint64, err error) {
	state, version, err = r.bus.load(ctx, f, stream)
	if err != nil {
		return nil, 0, err
	}
	for i := range r.expect {
		if r.expect[i].Stream == stream {
			if r.expect[i].Version != version {
				// The stream moved between two reads of one run: the unit is refused
				// and the handler runs again.
				r.expect[i].Version = min(r.expect[i].Version, version)
			}
			return state, version, nil
		}
	}
	r.expect = append(r.expect, journal.Expect{Stream: stream, Version: version})
	return state, version, nil
}

// Peek is [Reads.Load] without the expectation, for choices that floors guard.
func (r *Reads) Peek(ctx context.Context, f *Fold, stream string) (state any, version uint64, err error) {
	return r.bus.load(ctx, f, stream)
}

// Balance is an account's balance with all that waits counted in. It binds nothing:
// floors do.
func (r *Reads) Balance(ctx context.Context, book, name string) (int64, error) {
	r.bus.mu.Lock()
	s, ok := r.bus.work.balances.m[account{book, name}]
	if ok {
		defer r.bus.mu.Unlock()
		return s.v.Amount, nil
	}
	r.bus.mu.Unlock()
	u := journal.Unit{Postings: []journal.Posting{{Book: book, Account: name}}}
	if err := r.bus.warm(ctx, &u); err != nil {
		return 0, err
	}
	r.bus.mu.Lock()
	defer r.bus.mu.Unlock()
	b, err := r.bus.work.Balance(ctx, book, name)
	return b.Amount, err
}

// State is a pattern's state. A unit that writes the key names the Tag it has; one
// that does not write it is not bound.
func (r *Reads) State(ctx context.Context, key string) (journal.State, error) {
	b, err := r.Row(ctx, journal.TableState, key)
	if err != nil {
		return journal.State{}, err
	}
	return journal.DecodeState(b)
}

// Row is a keyed row with all that waits counted in, nil when absent.
func (r *Reads) Row(ctx context.Context, t journal.Table, key string) ([]byte, error) {
	return r.bus.Row(ctx, t, key)
}

// Row is a keyed row with all that waits for the disk counted in, nil when absent.
func (b *Bus) Row(ctx context.Context, t journal.Table, key string) ([]byte, error) {
	err := warmOne(b, &b.work.rows, rowKey{t, key}, func() ([]byte, error) { return b.driver.Row(ctx, t, key) })
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.work.Row(ctx, t, key)
}

// bind adds what was read to what the unit expects by itself.
func (r *Reads) bind(u *journal.Unit) {
next:
	for _, x := range r.expect {
		for _, have := range u.Expect {
			if have.Stream == x.Stream {
				continue next
			}
		}
		u.Expect = append(u.Expect, x)
	}
}

// load is the newest state of a stream, from memory or folded from the journal.
func (b *Bus) load(ctx context.Context, f *Fold, stream string) (any, uint64, error) {
	for {
		b.mu.Lock()
		if s, ok := b.work.heads.m[stream]; ok {
			for _, st := range s.v.states {
				if st.fold == f && st.version == s.v.Version {
					b.mu.Unlock()
					return st.state, st.version, nil
				}
			}
			if s.pins > 0 {
				// Its last events wait for the disk, where they could be read.
				wait := b.flushed()
				b.mu.Unlock()
				select {
				case <-wait:
				case <-ctx.Done():
					return nil, 0, ctx.Err()
				}
				continue
			}
		}
		b.mu.Unlock()

		state, version, replayed, err := b.replay(ctx, f, stream)
		if err != nil {
			return nil, 0, err
		}
		b.mu.Lock()
		s, err := b.work.head(ctx, stream)
		if err != nil {
			b.mu.Unlock()
			return nil, 0, err
		}
		if s.v.Version == version {
			s.v.states = slices.DeleteFunc(s.v.states, func(st *foldedState) bool { return st.fold == f })
			s.v.states = append(s.v.states, &foldedState{f, version, state})
			b.mu.Unlock()
			if replayed > snapshotEvery && f.Encode != nil {
				b.snapshot(f, stream, version, state)
			}
			return state, version, nil
		}
		b.mu.Unlock() // it moved on while we read: once more
	}
}

// replay folds a stream from its snapshot and the events behind it.
func (b *Bus) replay(ctx context.Context, f *Fold, stream string) (state any, version uint64, replayed int, err error) {
	state = f.Zero()
	if f.Decode != nil {
		row, err := b.driver.Row(ctx, journal.TableSnapshot, stream)
		if err != nil {
			return nil, 0, 0, fmt.Errorf("reading snapshot of %s: %w", stream, err)
		}
		if row != nil {
			snap, err := journal.DecodeSnapshot(stream, row)
			if err != nil {
				return nil, 0, 0, fmt.Errorf("reading snapshot of %s: %w", stream, err)
			}
			if snap.Fold == f.Version {
				if state, err = f.Decode(snap.Data); err != nil {
					return nil, 0, 0, fmt.Errorf("reading snapshot of %s: %w", stream, err)
				}
				version = snap.Version
			}
		}
	}
	for {
		recs, err := b.driver.Stream(ctx, stream, version, 512)
		if err != nil {
			return nil, 0, 0, fmt.Errorf("reading stream %s: %w", stream, err)
		}
		for i := range recs {
			if state, err = f.apply(state, &recs[i]); err != nil {
				return nil, 0, 0, fmt.Errorf("folding %s at version %d: %w", stream, recs[i].Version, err)
			}
			version = recs[i].Version
			replayed++
		}
		if len(recs) < 512 {
			return state, version, replayed, nil
		}
	}
}

// snapshot writes a state beside its stream, in a unit of its own. Losing it costs
// a longer replay and nothing else, so its refusal is of no interest.
func (b *Bus) snapshot(f *Fold, stream string, version uint64, state any) {
	data, err := f.Encode(state)
	if err != nil {
		b.log.Error("encoding snapshot", "kind", f.Kind, "stream", stream, "err", err)
		return
	}
	u := &journal.Unit{
		ID:        b.newID(),
		Snapshots: []journal.Snapshot{{Stream: stream, Version: version, Fold: f.Version, Data: data}},
	}
	if _, err := b.submit(context.Background(), &pending{u: u}); err != nil {
		b.log.Debug("snapshot not written", "stream", stream, "err", err)
	}
}

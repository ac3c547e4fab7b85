package bus

import (
	"bytes"
	"context"
	"fmt"
	"math"
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
	epoch  uint64
	expect []journal.Expect
}

// reads starts a run. What it reads is void once the disk refuses a unit: the versions
// it saw may come again with other events behind them.
func (b *Bus) reads() *Reads { return &Reads{bus: b, epoch: b.epoch.Load()} }

// torn is a version that no stream ever has.
const torn = journal.AnyVersion - 1

// Load is the state of a stream with all that waits for the disk counted in. The unit
// will expect the stream at this version; see [Reads.Peek] for a look that binds nothing.
func (r *Reads) Load(ctx context.Context, f *Fold, stream string) (state any, version uint64, err error) {
	state, version, err = r.bus.load(ctx, f, stream)
	if err != nil {
		return nil, 0, err
	}
	r.Expect(stream, version)
	return state, version, nil
}

// Expect binds the unit to a look that bound nothing.
func (r *Reads) Expect(stream string, version uint64) {
	for i := range r.expect {
		if r.expect[i].Stream == stream {
			if r.expect[i].Version != version {
				// The stream moved between two reads of one run, which then decides on
				// two states at once: the unit is refused and the handler runs again.
				r.expect[i].Version = torn
			}
			return
		}
	}
	r.expect = append(r.expect, journal.Expect{Stream: stream, Version: version})
}

// Peek is [Reads.Load] without the expectation, for choices that floors guard.
func (r *Reads) Peek(ctx context.Context, f *Fold, stream string) (state any, version uint64, err error) {
	return r.bus.load(ctx, f, stream)
}

// Balance is an account's balance with all that waits counted in. It binds nothing:
// floors do.
func (r *Reads) Balance(ctx context.Context, book, name string) (int64, error) {
	if err := r.bus.warm(ctx, &journal.Unit{Postings: []journal.Posting{{Book: book, Account: name}}}); err != nil {
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
	b.mu.Lock()
	w := b.work
	b.mu.Unlock()
	if err := warmOne(b, &w.rows, rowKey{t, key}, func() ([]byte, error) { return w.readRow(ctx, t, key) }); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.work.Row(ctx, t, key)
}

// bind adds what was read to what the unit expects by itself.
func (r *Reads) bind(u *journal.Unit) {
	for _, x := range r.expect {
		i := slices.IndexFunc(u.Expect, func(have journal.Expect) bool { return have.Stream == x.Stream })
		if i < 0 {
			u.Expect = append(u.Expect, x)
		} else if x.Version == torn {
			u.Expect[i] = x
		}
	}
}

// load is the newest state of a stream: from memory, or folded from the journal and from
// the events that wait for the disk.
func (b *Bus) load(ctx context.Context, f *Fold, stream string) (any, uint64, error) {
	var at *foldedState // what was read of the journal so far
	replayed, turn := 0, false
	for {
		b.mu.Lock()
		w := b.work
		if s := w.heads.get(stream); s != nil {
			for _, st := range s.v.states {
				if st.fold == f {
					b.mu.Unlock()
					return st.state, st.version, nil
				}
			}
		}
		err, before := b.err, w.known(f, stream)
		b.mu.Unlock()
		if err != nil {
			return nil, 0, err
		}
		if err := warmOne(b, &w.heads, stream, func() (streamHead, error) { return w.readHead(ctx, stream) }); err != nil {
			return nil, 0, err
		}
		version := b.version(w, stream)
		if version > 0 && !turn { // with a turn it may be there: many ask for one stream at once
			select {
			case b.replays <- struct{}{}:
			case <-ctx.Done():
				return nil, 0, ctx.Err()
			}
			defer func() { <-b.replays }()
			turn = true
			continue
		}
		if at == nil {
			switch {
			case before != nil:
				at = &foldedState{f, before.version, before.state}
			case version < snapshotEvery: // a shorter stream has no snapshot
				at = &foldedState{f, 0, f.Zero()}
			default:
				if at, err = b.restore(ctx, f, stream); err != nil {
					return nil, 0, err
				}
			}
		}
		// Of a stream that is new the journal has nothing.
		if version > at.version {
			n, err := b.replay(ctx, at, stream)
			if err != nil {
				return nil, 0, err
			}
			replayed += n
		}

		st, err := b.hold(ctx, w, at, stream)
		if err != nil {
			return nil, 0, err
		}
		if st == nil {
			if b.team != nil {
				if err := b.team.fresh(ctx); err != nil {
					return nil, 0, err
				}
			}
			continue
		}
		if replayed > snapshotEvery && f.Encode != nil {
			b.snapshots([]dueSnapshot{{stream, at}})
		}
		return st.state, st.version, nil
	}
}

// version is that of a stream with all that waits counted in, or the highest there is where
// the working set does not hold it any more.
func (b *Bus) version(w *working, stream string) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := w.heads.get(stream); s != nil {
		return s.v.Version
	}
	return math.MaxUint64
}

// restore begins a fold with the stream's snapshot, or from nothing.
func (b *Bus) restore(ctx context.Context, f *Fold, stream string) (*foldedState, error) {
	if f.Decode == nil {
		return &foldedState{f, 0, f.Zero()}, nil
	}
	row, err := b.driver.Row(ctx, journal.TableSnapshot, stream)
	if err != nil {
		return nil, fmt.Errorf("reading snapshot of %s: %w", stream, err)
	}
	if row == nil {
		return &foldedState{f, 0, f.Zero()}, nil
	}
	state, version, err := f.thaw(stream, row)
	if err == nil && version > 0 {
		return &foldedState{f, version, state}, nil
	}
	if err != nil {
		// The events are the truth, and they are all there.
		b.log.Error("a snapshot cannot be read: the stream is read from its beginning", "stream", stream, "err", err)
	}
	return &foldedState{f, 0, f.Zero()}, nil
}

// thaw reads a snapshot; version 0 means that it is one of another fold.
func (f *Fold) thaw(stream string, row []byte) (state any, version uint64, err error) {
	snap, err := journal.DecodeSnapshot(stream, row)
	if err != nil {
		return nil, 0, err
	}
	kind, data, _ := bytes.Cut(snap.Data, []byte{0})
	if snap.Fold != f.Version || string(kind) != f.Kind {
		return nil, 0, nil
	}
	if state, err = f.Decode(data); err != nil {
		return nil, 0, err
	}
	return state, snap.Version, nil
}

// replayPage is how many events are read of a stream at once, each with all of its unit, and
// maxReplays how many streams are read at once: a store has few readers.
const (
	replayPage = 128
	maxReplays = 8
)

// replay folds what the journal holds behind at into it.
func (b *Bus) replay(ctx context.Context, at *foldedState, stream string) (int, error) {
	replayed := 0
	for {
		recs, err := b.driver.Stream(ctx, stream, at.version, replayPage)
		if err != nil {
			return 0, fmt.Errorf("reading stream %s: %w", stream, err)
		}
		for i := range recs {
			if err := at.fold1(&recs[i]); err != nil {
				return 0, err
			}
			replayed++
		}
		if len(recs) < replayPage {
			return replayed, nil
		}
	}
}

func (st *foldedState) fold1(r *journal.Record) error {
	next, err := st.fold.apply(st.state, r)
	if err != nil {
		return fmt.Errorf("folding %s at version %d: %w", r.Stream, r.Version, err)
	}
	st.state, st.version = next, r.Version
	return nil
}

// hold folds what waits for the disk into a copy of at and keeps the result in the working
// set. It returns nil when some of that became durable meanwhile: the journal has it.
func (b *Bus) hold(ctx context.Context, w *working, at *foldedState, stream string) (*foldedState, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.work != w {
		return nil, nil
	}
	s, err := w.head(ctx, stream)
	if err != nil {
		return nil, err
	}
	if s.v.Version < at.version && b.team != nil {
		return nil, nil // another process wrote it a moment ago
	}
	if s.v.Version < at.version {
		return nil, fmt.Errorf("reading stream %s: the journal holds version %d, memory %d", stream, at.version, s.v.Version)
	}
	st := *at
	if n := s.v.Version - at.version; n > 0 {
		events := b.waiting(stream, n)
		if events == nil {
			return nil, nil
		}
		for i := range events {
			events[i].Version = at.version + 1 + uint64(i)
			if err := st.fold1(&events[i]); err != nil {
				return nil, err
			}
		}
	}
	v := s.v
	v.states = append(slices.DeleteFunc(v.states, func(have *foldedState) bool { return have.fold == st.fold }), &st)
	w.heads.set(stream, s, v)
	delete(w.before, stream)
	return &st, nil
}

// waiting are the last n events of a stream that wait for the disk, or nil where
// fewer do. Callers hold mu.
func (b *Bus) waiting(stream string, n uint64) []journal.Record {
	var events []journal.Record
	for _, ps := range [][]*pending{b.queue, b.writing} {
		for _, p := range slices.Backward(ps) {
			for i := len(p.u.Records) - 1; i >= 0; i-- { // an iterator would copy what is being filled in
				r := &p.u.Records[i]
				if r.Stream != stream || p.ask {
					continue
				}
				if events = append(events, unwritten(r)); uint64(len(events)) == n {
					slices.Reverse(events)
					return events
				}
			}
		}
	}
	return nil
}

// unwritten copies a record without what the driver fills in, perhaps at this moment.
func unwritten(r *journal.Record) journal.Record {
	return journal.Record{
		ID: r.ID, Type: r.Type, Schema: r.Schema, Topic: r.Topic, Key: r.Key, Stream: r.Stream, Time: r.Time,
		Correlation: r.Correlation, Causation: r.Causation, Source: r.Source, Trace: r.Trace, Headers: r.Headers,
		Data: r.Data, Subject: r.Subject, Personal: r.Personal, Event: r.Event,
	}
}

// dueSnapshot is a state that is worth keeping beside its stream.
type dueSnapshot struct {
	stream string
	*foldedState
}

// snapshots writes states beside their streams, each in a unit of its own. Losing one
// costs a longer replay and nothing else, so a refusal is of no interest.
func (b *Bus) snapshots(due []dueSnapshot) {
	for _, d := range due {
		data, err := d.fold.encode(d.state)
		if err != nil {
			b.log.Error("encoding a snapshot", "fold", d.fold.Kind, "stream", d.stream, "err", err)
			continue
		}
		u := &journal.Unit{Snapshots: []journal.Snapshot{{Stream: d.stream, Version: d.version, Fold: d.fold.Version, Data: data}}}
		if _, err := b.submit(context.Background(), nil, &pending{u: u}); err != nil {
			b.log.Debug("snapshot not written", "stream", d.stream, "err", err)
		}
	}
}

// encode puts the kind before the snapshot: two folds of one stream share its place.
func (f *Fold) encode(state any) (data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("encoding %s: %v", f.Kind, p)
		}
	}()
	if data, err = f.Encode(state); err != nil {
		return nil, err
	}
	return append(append([]byte(f.Kind), 0), data...), nil
}

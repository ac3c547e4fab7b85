package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/journal"
)

// feed takes what the committer staged and settled. It never blocks: a subscription that
// lags, or is paused, goes back to reading the journal. last is 0 where nothing was written. It
// returns what the subscription holds in memory.
func (s *subscription) feed(last journal.Pos) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.settled)
	clear(s.settled)
	s.settled = s.settled[:0]
	size := 0
	for _, r := range s.staged {
		size += footprint(r)
	}
	if len(s.staged) > 0 && s.paused || len(s.live)+len(s.staged) > maxLive || len(s.live) > 0 && s.liveBytes+size > s.bus.mayHold() {
		s.live, s.liveBytes, s.behind, s.joinAt = nil, 0, true, last
	} else {
		s.live = append(s.live, s.staged...)
		s.liveBytes += size
	}
	clear(s.staged)
	s.staged = s.staged[:0]
	s.fedTo = max(s.fedTo, last)
	s.work.Signal()
	if s.bus.opts.Stepped {
		s.bus.stirred = true
	}
	return s.bytes + s.liveBytes
}

// What a subscription may hold of records delivered and of records that wait to be, each: a lot
// while the bus holds little, and enough to go on when many lag at once.
const (
	holdMuch   = 8 << 20
	holdLittle = 1 << 20
	heldMuch   = 32 << 20 // by all subscriptions together
)

func (b *Bus) mayHold() int {
	if b.held.Load() > heldMuch {
		return holdLittle
	}
	return holdMuch
}

// footprint is about what a record takes in memory.
func footprint(r *journal.Record) int {
	n := 640 + len(r.Key) + len(r.Stream) + len(r.Trace) + len(r.Data) + len(r.Personal) + 96*len(r.Headers)
	if r.Event != nil {
		n += len(r.Data)
	}
	return n
}

var errStopped = errors.New("subscription stopped")

// dispatch reads records in order and puts them into lanes. What cannot be read is tried
// again: nothing is passed over.
func (s *subscription) dispatch() {
	defer close(s.ended)
	for {
		err := s.dispatchAll(context.Background())
		if errors.Is(err, errStopped) {
			return
		}
		s.bus.log.Error("reading for a subscription: trying again", "route", s.name, "err", err)
		if !s.pauseBetween() {
			return
		}
	}
}

func (s *subscription) dispatchAll(ctx context.Context) error {
	for len(s.redo) > 0 {
		if err := s.redeliver(ctx); err != nil {
			return err
		}
	}
	if err := s.wakeParked(ctx); err != nil {
		return err
	}
	for size := pageSize; ; {
		recs, page, err := s.next()
		if err != nil {
			return err
		}
		if page == nil {
			if err := s.deliverAll(recs); err != nil {
				return err
			}
			continue
		}
		found, err := s.bus.driver.Topics(ctx, s.topics(), page.after, size)
		if err != nil {
			return fmt.Errorf("reading topics of %s: %w", s.name, err)
		}
		recs = make([]*journal.Record, len(found))
		bytes := 0
		for i := range found {
			recs[i] = &found[i]
			bytes += footprint(recs[i])
		}
		if err := s.deliverAll(recs); err != nil {
			return err
		}
		if len(found) < size {
			s.caughtUp(page.joinAt)
		}
		if bytes > 0 { // the next are about as long
			size = min(max(1, len(found)*pageBytes/bytes), pageSize)
		}
	}
}

// redeliver delivers what was open when the last process ended, as there is room for it.
func (s *subscription) redeliver(ctx context.Context) error {
	n, err := s.waitRoom(len(s.redo), true)
	if err != nil {
		return err
	}
	recs := make([]*journal.Record, 0, n)
	for _, pos := range s.redo[:n] {
		r, err := s.bus.record(ctx, pos)
		if err != nil {
			return err
		}
		recs = append(recs, &r)
	}
	s.deliver(recs, true)
	s.redo = s.redo[n:]
	return nil
}

// pageSize and pageBytes are how much is read of a backlog at once, about.
const (
	pageSize  = 512
	pageBytes = 2 << 20
)

// pageFrom asks for a page of the journal. joinAt is what was committed before it is read.
type pageFrom struct{ after, joinAt journal.Pos }

// next waits for records: live ones, or the word that the journal has some. One that is
// paused takes none: what nobody works on waits on the disk.
func (s *subscription) next() ([]*journal.Record, *pageFrom, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.stopped:
			return nil, nil, errStopped
		case s.paused && (s.behind || len(s.live) > 0):
			s.work.Wait()
			continue
		case s.behind:
			return nil, &pageFrom{s.cursor, s.joinAt}, nil
		case len(s.live) > 0:
			live := s.live
			s.live, s.liveBytes = nil, 0
			return live, nil, nil
		}
		if s.fedTo > s.cursor {
			s.cursor = s.fedTo
			s.skip()
		}
		s.work.Wait()
	}
}

// caughtUp follows the last, short page of the journal: the log ended there, so everything
// up to joinAt was delivered. Unless more was missed meanwhile, the subscription goes on from memory.
func (s *subscription) caughtUp(joinAt journal.Pos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor = max(s.cursor, joinAt)
	if s.joinAt == joinAt {
		s.behind = false
		// What the page held already is not delivered twice.
		s.live = slices.DeleteFunc(s.live, func(r *journal.Record) bool { return r.Pos <= s.cursor })
		s.liveBytes = 0
		for _, r := range s.live {
			s.liveBytes += footprint(r)
		}
	}
}

// chunk and chunkBytes are how much is delivered at once.
const (
	chunk      = 256
	chunkBytes = 1 << 20
)

// waitRoom blocks while too much is delivered and not durable. It returns how many of n
// records may be delivered now; while the subscription is paused, none. again is for those that
// the checkpoints have open already.
func (s *subscription) waitRoom(n int, again bool) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, chunk, s.Window)
	for !s.stopped && !s.room(n, again) {
		s.work.Wait()
	}
	if s.stopped {
		return 0, errStopped
	}
	return n, nil
}

// room reports whether n records may be delivered. Callers hold mu.
func (s *subscription) room(n int, again bool) bool {
	return (!s.paused || again) && s.held+n <= s.Window && (s.held == 0 || s.bytes < s.bus.mayHold()) &&
		(again || slices.Max(s.open[:])+n <= journal.MaxOpen)
}

// deliverAll delivers records as there is room for them.
func (s *subscription) deliverAll(recs []*journal.Record) error {
	for len(recs) > 0 {
		most, size := 0, 0
		for most < len(recs) && size < chunkBytes {
			size += footprint(recs[most])
			most++
		}
		n, err := s.waitRoom(most, false)
		if err != nil {
			return err
		}
		s.deliver(recs[:n], false)
		recs = recs[n:]
	}
	return nil
}

// deliver notes records as delivered and puts them into their lanes. again is for those
// that were open when the last process ended. A subscription that stopped meanwhile delivers
// nothing: another may have read its checkpoints by now.
func (s *subscription) deliver(recs []*journal.Record, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	notes := make([]journal.Delivery, 0, len(recs))
	fresh := make([]*Delivery, 0, len(recs))
	for _, r := range recs {
		part := journal.PartitionOf(r.Key)
		if !again {
			s.cursor = max(s.cursor, r.Pos)
			if r.Pos <= s.highs[part] || r.Pos <= s.starts[r.Topic] || !s.wants(r) {
				continue
			}
			s.highs[part] = r.Pos
			s.open[part]++
			notes = append(notes, journal.Delivery{Sub: s.name, Part: part, Pos: r.Pos})
		}
		d := &Delivery{Record: *r, sub: s, part: part, size: footprint(r)}
		s.held++
		s.bytes += d.size
		fresh = append(fresh, d)
	}
	if len(notes) > 0 {
		s.bus.mu.Lock()
		s.bus.delivered = append(s.bus.delivered, notes...)
		s.bus.mu.Unlock()
	}
	if len(fresh) > 0 {
		s.bus.At(StepDelivered)
	}
	for _, d := range fresh {
		s.enter(d)
	}
	s.skip()
}

// skip lets idle partitions follow the cursor, no more often than [Options.Idle]. It rides with
// the next batch. Callers hold mu.
func (s *subscription) skip() {
	if s.cursor == s.skipped {
		return
	}
	now := s.bus.now()
	if now.Sub(s.skippedT) < s.bus.opts.Idle {
		return
	}
	notes := make([]journal.Delivery, 0, journal.Partitions)
	for p := range s.highs {
		if s.highs[p] < s.cursor {
			s.highs[p] = s.cursor
			notes = append(notes, journal.Delivery{Sub: s.name, Part: uint8(p), Pos: s.cursor, Skip: true})
		}
	}
	s.skipped, s.skippedT = s.cursor, now
	s.bus.mu.Lock()
	s.bus.delivered = append(s.bus.delivered, notes...)
	s.bus.mu.Unlock()
}

// crowded reports whether too many records are in memory to wake parked ones.
func (s *subscription) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.woken >= s.Window
}

// record reads one record by its position.
func (b *Bus) record(ctx context.Context, pos journal.Pos) (journal.Record, error) {
	st, err := b.driver.Holding(ctx, pos)
	if err != nil {
		return journal.Record{}, fmt.Errorf("reading position %d: %w", pos, err)
	}
	r, ok := st.At(pos)
	if !ok {
		return journal.Record{}, fmt.Errorf("reading position %d: the unit there holds no record", pos)
	}
	if len(st.Unit.Records) > 1 {
		r.Compact()
	}
	return r, nil
}

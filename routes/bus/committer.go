package bus

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/paklog/hub/core/journal"
)

// batchBytes ends a batch early, so that large units do not hold up a transaction.
const batchBytes = 16 << 20

// written is a batch that is durable and that nobody was told of yet.
type written struct {
	batch    []*pending
	refusals []*journal.Refusal
	refused  bool
	flushed  []flush
}

// commitLoop writes what waits, a batch after the other, until the bus is closed and
// nothing waits any more. While one goroutine tells who waits that a batch is durable, this one
// writes the next: what is handed over is the telling, for on busy processors whoever is
// handed something waits for his turn, and the disk would wait with him.
func (b *Bus) commitLoop() {
	defer close(b.done)
	telling := make(chan struct{}, 1) // one batch at a time: holding is sending
	told := make(chan written, 1)
	var teller sync.WaitGroup
	teller.Go(func() {
		for w := range told {
			if w.refusals != nil {
				b.tell(w.batch, w.refusals, w.refused)
			}
			for _, f := range w.flushed {
				close(f.done)
			}
			<-telling
		}
	})
	defer teller.Wait()
	defer close(told)
	pace := time.NewTimer(0)
	defer pace.Stop()
	for {
		batch, delivered, flushed, end := b.take(pace.C)
		pace.Reset(max(0, b.opts.Pace))
		w := written{batch: batch, flushed: flushed}
		var err error
		if len(batch) > 0 || len(delivered) > 0 {
			w.refusals, err = b.write(batch, delivered)
		}
		if b.team != nil && err == nil {
			err = b.others(&w, func(o written) {
				telling <- struct{}{}
				told <- o
			})
		}
		telling <- struct{}{}
		if err != nil {
			b.fail(batch, flushed, err)
			return
		}
		if w.refused = b.wrong(&w); w.refused {
			b.recover(batch, w.refusals) // before anything else is written
		}
		told <- w
		if end {
			return
		}
	}
}

// wrong reports whether the disk refused what the working set let pass.
func (b *Bus) wrong(w *written) bool {
	for i, r := range w.refusals {
		if r != nil && !w.batch[i].ask {
			return true
		}
	}
	return false
}

// others takes in what other processes wrote before a batch of this one, or while it has none, and then
// what of the batch the disk alone could judge.
func (b *Bus) others(w *written, tell func(written)) error {
	first, last := journal.Pos(0), journal.Pos(0)
	var asked []*pending
	for i, p := range w.batch {
		if w.refusals[i] != nil {
			continue
		}
		if first == 0 {
			first = p.u.First
		}
		last = p.u.First + journal.Pos(max(1, len(p.u.Records))) - 1
		if p.ask {
			asked = append(asked, p)
		}
	}
	upTo := journal.Pos(b.head.Load())
	if first > 0 {
		upTo = first - 1
	}
	if err := b.catchUp(upTo, tell); err != nil {
		return err
	}
	b.seen = max(b.seen, last)
	if len(asked) > 0 {
		return b.fold(asked)
	}
	return nil
}

// paceUnits make a batch that is worth a commit by itself.
const paceUnits = 256

// crowdShare is the part of the callers whose units are worth a commit: those of a crowd
// that are still being decided on would each need one of their own.
const crowdShare = 4

// pressing reports whether what is queued is written at once, whenever the last commit
// was. Callers hold mu.
func (b *Bus) pressing() bool {
	switch {
	case len(b.flushes) > 0 || b.closing || len(b.queue) >= paceUnits:
		return true
	case b.urgent > 0:
		return b.opts.Pace < 0 || crowdShare*int64(b.urgent) >= b.callers.Load()
	default:
		return b.opts.Pace < 0 && len(b.queue) > 0
	}
}

// take waits for work, and for the pace where it is not pressing. Those who wait for a flush come
// with the batch that holds the last unit they wait for. The end is when the bus is closed
// and nothing is left.
func (b *Bus) take(pace <-chan time.Time) (batch []*pending, delivered []journal.Delivery, flushed []flush, end bool) {
	for paced := false; ; {
		if b.behind() {
			return nil, nil, nil, false
		}
		b.mu.Lock()
		// Deliveries alone are not worth a transaction: they ride with the next units,
		// with a flush, or with the last batch.
		if b.pressing() || paced && len(b.queue) > 0 {
			break
		}
		idle := len(b.queue) == 0
		b.mu.Unlock()
		if idle {
			<-b.wake
			continue
		}
		select {
		case <-b.wake:
		case <-pace:
			paced = true
		}
	}
	return b.takeUpTo(b.opts.MaxBatch)
}

// takeUpTo takes the next batch. Callers hold mu, and hold it no more afterwards.
func (b *Bus) takeUpTo(most int) (batch []*pending, delivered []journal.Delivery, flushed []flush, end bool) {
	defer b.mu.Unlock()
	n, bytes := 0, 0
	for n < len(b.queue) && n < most && bytes < batchBytes {
		bytes += len(b.queue[n].u.Stored)
		if b.queue[n].urgent {
			b.urgent--
		}
		n++
	}
	batch = b.queue[:n:n]
	b.queue = b.queue[n:]
	if len(b.queue) == 0 {
		b.queue = nil
	}
	b.queued -= bytes
	b.writing = batch
	b.taken += uint64(n)
	delivered, b.delivered = b.delivered, nil
	i := 0
	for i < len(b.flushes) && b.flushes[i].upTo <= b.taken {
		i++
	}
	flushed, b.flushes = b.flushes[:i:i], b.flushes[i:]
	if end = b.closing && len(b.queue) == 0; end && n == 0 {
		b.err = cmp.Or(b.err, ErrClosed)
	} else {
		end = false
	}
	b.room.Broadcast()
	return batch, delivered, flushed, end
}

// write commits a batch, trying again while the disk is full. An error means that the journal
// is broken.
func (b *Bus) write(batch []*pending, delivered []journal.Delivery) ([]*journal.Refusal, error) {
	jb := &journal.Batch{Delivered: delivered, Units: make([]*journal.Unit, len(batch))}
	for i, p := range batch {
		jb.Units[i] = p.u
	}
	b.At(StepCommit)
	for {
		refusals, err := b.driver.Write(context.Background(), jb)
		if err == nil {
			b.At(StepDurable)
			if b.full.Swap(false) {
				b.log.Info("the disk has room again")
			}
			return refusals, nil
		}
		if !errors.Is(err, journal.ErrFull) || !b.waitSpace(err) {
			return nil, err
		}
	}
}

// tell says to everyone that a batch is durable.
func (b *Bus) tell(batch []*pending, refusals []*journal.Refusal, refused bool) {
	var last journal.Pos
	for i, p := range batch {
		if refusals[i] == nil {
			last = p.u.First + journal.Pos(max(1, len(p.u.Records))) - 1
		}
	}
	if last > 0 {
		b.last.Store(uint64(last))
	}
	if b.team != nil {
		b.mu.Lock()
		b.news.Broadcast()
		b.mu.Unlock()
	}
	if !refused {
		b.unpin(batch)
	}
	b.timers.committed(batch, refusals)
	if !b.opts.Stepped { // where nobody follows the log
		b.tail.add(batch, refusals)
	}
	b.feed(batch, refusals, last)
	if len(batch) > 0 && batch[0].foreign {
		for _, p := range batch {
			b.foreignDesk(p.u)
		}
		clear(batch)
		return
	}
	b.At(StepFed)
	for i, p := range batch {
		p.finish(refusals[i], nil)
	}
	clear(batch) // it is the front of what the queue was, which may live on
	b.At(StepTold)
}

// waitSpace waits a moment for room on the disk. It returns false when the bus is closed.
func (b *Bus) waitSpace(err error) bool {
	if !b.full.Swap(true) {
		b.log.Error("the disk is full: doors refuse, what was handed over waits", "err", err)
	}
	moment := time.NewTimer(b.opts.Resume)
	defer moment.Stop()
	select {
	case <-moment.C:
		return true
	case <-b.quit:
		return false
	}
}

// unpin lets go of what the units of a durable batch held in the working set.
func (b *Bus) unpin(batch []*pending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(batch) > 0 && batch[0].foreign {
		return
	}
	for _, p := range batch {
		for _, pin := range p.pins {
			*pin--
		}
		p.pins = nil
		b.stats.Records += uint64(len(p.u.Records))
	}
	if len(batch) > 0 && len(b.writing) > 0 && b.writing[0] == batch[0] {
		b.writing = nil // not the next one
	}
	b.stats.Units += uint64(len(batch))
	b.stats.Batches++
}

// recover answers a refusal by the disk: the working set was wrong. It is emptied, and what
// waits is judged again in order; what no longer passes goes back with what was refused.
//
// A lane that loses a unit is recalled under the same lock: from there on until its
// deliveries are back in it, nothing of it is handed over and nothing of it starts.
func (b *Bus) recover(batch []*pending, refusals []*journal.Refusal) {
	var back []*pending
	lanes := map[uint64]bool{}

	b.mu.Lock()
	lose := func(p *pending) {
		if p.u.Lane != 0 {
			lanes[p.u.Lane] = true
		}
		if p.d != nil {
			back = append(back, p)
			if p.d.lane != nil {
				p.d.lane.recalled.Store(true)
			}
		}
	}
	b.work = b.work.renewed(b.opts.Cached)
	b.epoch.Add(1)
	b.writing = nil
	b.stats.Batches++
	for i, p := range batch {
		switch {
		case refusals[i] == nil:
			b.stats.Units++
			b.stats.Records += uint64(len(p.u.Records))
		case refusals[i].Why == journal.RefusedFinished && p.d != nil && !p.d.Parked:
			// Its mark stands already: nothing to do again.
		default:
			b.stats.Refused++
			lose(p)
		}
	}
	waiting := b.queue
	b.queue, b.queued, b.urgent = nil, 0, 0
	var failed []*pending
	var why []*journal.Refusal
	for _, p := range waiting {
		p.pins = nil
		var r *journal.Refusal
		if lanes[p.u.Lane] {
			r = &journal.Refusal{Why: journal.RefusedLane, What: "an earlier unit of its lane was refused"}
		} else {
			var err error
			if r, err = b.judge(context.Background(), p); err != nil {
				r = &journal.Refusal{Why: journal.RefusedLane, What: err.Error()}
			}
		}
		if r != nil {
			failed, why = append(failed, p), append(why, r)
			lose(p)
		}
	}
	b.work.takeDue()
	b.room.Broadcast() // nothing may be left for a next batch to make room by
	// Fewer units wait than those who flush count on.
	for i := range b.flushes {
		b.flushes[i].upTo = b.taken + uint64(len(b.queue))
	}
	b.kick()
	b.mu.Unlock()

	for len(back) > 0 {
		of := back[0].d.sub
		var ps, others []*pending
		for _, p := range back {
			if p.d.sub == of {
				ps = append(ps, p)
			} else {
				others = append(others, p)
			}
		}
		of.refused(ps)
		back = others
	}
	for i, p := range failed {
		p.finish(why[i], nil)
	}
}

// fail ends the journal: everyone who waits is told, nothing is taken or delivered any more.
func (b *Bus) fail(batch []*pending, flushed []flush, err error) {
	err = broken(err)
	b.log.Error("the journal takes no more: the process must end", "err", err)
	b.mu.Lock()
	if b.err == nil {
		b.err = err
		close(b.dead)
	}
	b.news.Broadcast()
	waiting := b.queue
	b.queue, b.writing = nil, nil
	flushed = append(flushed, b.flushes...)
	b.flushes = nil
	b.room.Broadcast()
	b.mu.Unlock()
	b.subsMu.RLock()
	for _, s := range b.subs {
		s.stop()
	}
	b.subsMu.RUnlock()
	for _, p := range append(batch, waiting...) {
		p.finish(nil, err)
	}
	for _, f := range flushed {
		close(f.done)
	}
}

// feed hands the committed records to the subscriptions of their topics, and closes the
// deliveries whose units are durable: a lock a subscription, not one a message.
func (b *Bus) feed(batch []*pending, refusals []*journal.Refusal, last journal.Pos) {
	b.subsMu.RLock()
	defer b.subsMu.RUnlock()
	for i, p := range batch {
		closed := refusals[i] != nil && refusals[i].Why == journal.RefusedFinished && p.d != nil && !p.d.Parked
		if p.d != nil && (refusals[i] == nil || closed) {
			p.d.sub.settled = append(p.d.sub.settled, p.d)
		}
		if refusals[i] != nil {
			continue
		}
		p.u.Stored = nil // its records live on in memory, this need not
		for k := range p.u.Records {
			r := &p.u.Records[k]
			if r.Topic == "" {
				continue
			}
			for _, s := range b.topics[r.Topic] {
				if s.wants(r) {
					s.staged = append(s.staged, r)
				}
			}
		}
	}
	held := 0
	for _, s := range b.subs {
		if b.opts.Stepped && len(s.staged)+len(s.settled) == 0 {
			held += s.bytes + s.liveBytes // nothing is new to it
			continue
		}
		held += s.feed(last)
	}
	b.held.Store(int64(held))
}

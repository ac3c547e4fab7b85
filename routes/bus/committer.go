package bus

import (
	"context"
	"errors"
	"time"

	"github.com/paklog/hub/core/journal"
)

// commitLoop writes what waits, a batch after the other, until the bus is closed and
// nothing waits any more.
func (b *Bus) commitLoop() {
	defer close(b.done)
	for {
		batch, delivered, flush, end := b.take()
		if end {
			return
		}
		if len(batch) > 0 || len(delivered) > 0 {
			if !b.write(batch, delivered) {
				return
			}
		}
		if flush != nil {
			close(flush)
		}
	}
}

// take waits for work. The flush channel is handed out with the batch that empties
// the queue.
func (b *Bus) take() (batch []*pending, delivered []journal.Delivery, flush chan struct{}, end bool) {
	for {
		b.mu.Lock()
		// Deliveries alone are not worth a transaction: they ride with the next units,
		// with a flush, or with the last batch.
		if len(b.queue) > 0 || b.flush != nil || b.closing {
			n := min(len(b.queue), b.opts.MaxBatch)
			batch = b.queue[:n:n]
			b.queue = b.queue[n:]
			delivered, b.delivered = b.delivered, nil
			if len(b.queue) == 0 {
				b.queue = nil
				flush, b.flush = b.flush, nil
			}
			end = b.closing && n == 0 && len(delivered) == 0 && flush == nil
			b.room.Broadcast()
			b.mu.Unlock()
			return batch, delivered, flush, end
		}
		b.mu.Unlock()
		<-b.wake
	}
}

// write commits a batch, trying again while the disk is full, and tells everyone.
// It returns false when the journal is broken.
func (b *Bus) write(batch []*pending, delivered []journal.Delivery) bool {
	jb := &journal.Batch{Delivered: delivered, Units: make([]*journal.Unit, len(batch))}
	for i, p := range batch {
		jb.Units[i] = p.u
	}
	var refusals []*journal.Refusal
	for {
		var err error
		refusals, err = b.driver.Write(context.Background(), jb)
		if err == nil {
			break
		}
		if !errors.Is(err, journal.ErrFull) || b.isClosing() {
			b.fail(batch, err)
			return false
		}
		if !b.full.Swap(true) {
			b.log.Error("the disk is full: doors refuse, what was handed over waits", "err", err)
		}
		time.Sleep(b.opts.Resume)
	}
	if b.full.Swap(false) {
		b.log.Info("the disk has room again")
	}

	var last journal.Pos
	refused := 0
	for i, p := range batch {
		if refusals[i] != nil {
			refused++
			continue
		}
		first := p.u.First
		last = first + journal.Pos(max(1, len(p.u.Records))) - 1
	}
	if last > 0 {
		b.last.Store(uint64(last))
	}
	if refused > 0 {
		b.recover(batch, refusals)
	} else {
		b.unpin(batch)
	}
	b.timers.committed(batch, refusals)
	b.feed(batch, refusals, last)
	for i, p := range batch {
		if refusals[i] == nil && p.d != nil {
			p.d.durable()
		}
		p.finish(refusals[i], nil)
	}
	return true
}

func (b *Bus) isClosing() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closing
}

func (b *Bus) unpin(batch []*pending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range batch {
		for _, pin := range p.pins {
			*pin--
		}
		p.pins = nil
		b.stats.Records += uint64(len(p.u.Records))
	}
	b.stats.Units += uint64(len(batch))
	b.stats.Batches++
}

// recover answers a refusal by the disk: the working set was wrong. It is emptied,
// and what waits is judged again in order; what no longer passes goes back with it.
func (b *Bus) recover(batch []*pending, refusals []*journal.Refusal) {
	var back []*pending
	for i, p := range batch {
		if refusals[i] == nil {
			continue
		}
		if refusals[i].Why == journal.RefusedFinished && p.d != nil {
			p.d.durable() // its mark stands already: nothing to do again
			continue
		}
		back = append(back, p)
	}
	lanes := map[*lane]bool{}
	for _, p := range back {
		if p.d != nil && p.d.lane != nil {
			lanes[p.d.lane] = true
		}
	}

	b.mu.Lock()
	b.work = newWorking(b.driver, b.opts.Cached)
	b.stats.Batches++
	b.stats.Refused += uint64(len(back))
	b.stats.Units += uint64(len(batch) - len(back))
	waiting := b.queue
	b.queue = nil
	var failed []*pending
	var why []*journal.Refusal
	for _, p := range waiting {
		p.pins = nil
		r := (*journal.Refusal)(nil)
		if p.d != nil && p.d.lane != nil && lanes[p.d.lane] {
			r = &journal.Refusal{Why: journal.RefusedLane, What: p.d.sub.name + " " + p.d.Record.Key}
		} else {
			var err error
			if r, err = b.enqueue(context.Background(), p); err != nil {
				r = &journal.Refusal{Why: journal.RefusedLane, What: err.Error()}
			}
		}
		if r != nil {
			failed, why = append(failed, p), append(why, r)
			if p.d != nil && p.d.lane != nil {
				lanes[p.d.lane] = true
			}
		}
	}
	b.mu.Unlock()

	for i, p := range failed {
		p.finish(why[i], nil)
	}
	ds, us := map[*subscription][]*Delivery{}, map[*subscription][]*journal.Unit{}
	for _, p := range append(back, failed...) {
		if p.d != nil {
			s := p.d.sub
			ds[s], us[s] = append(ds[s], p.d), append(us[s], p.u)
		}
	}
	for s := range ds {
		s.refused(ds[s], us[s])
	}
}

// fail ends the journal: everyone who waits is told, nothing is taken any more.
func (b *Bus) fail(batch []*pending, err error) {
	err = broken(err)
	b.log.Error("the journal takes no more: the process must end", "err", err)
	b.mu.Lock()
	b.err = err
	waiting := b.queue
	b.queue = nil
	flush := b.flush
	b.flush = nil
	b.room.Broadcast()
	b.mu.Unlock()
	for _, p := range append(batch, waiting...) {
		p.finish(nil, err)
	}
	if flush != nil {
		close(flush)
	}
}

// feed hands the committed records to the subscriptions of their topics.
func (b *Bus) feed(batch []*pending, refusals []*journal.Refusal, last journal.Pos) {
	if last == 0 {
		return
	}
	b.subsMu.RLock()
	defer b.subsMu.RUnlock()
	if len(b.subs) == 0 {
		return
	}
	for i, p := range batch {
		if refusals[i] != nil {
			continue
		}
		for k := range p.u.Records {
			r := &p.u.Records[k]
			if r.Topic == "" {
				continue
			}
			for _, s := range b.topics[r.Topic] {
				s.staged = append(s.staged, r)
			}
		}
	}
	for _, s := range b.subs {
		s.feed(last)
	}
}

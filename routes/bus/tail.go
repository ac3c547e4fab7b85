package bus

import (
	"context"
	"slices"
	"sync"

	"github.com/paklog/hub/core/journal"
)

// tail holds the units that were committed last, for who follows the log: what was written
// a moment ago need not be read and decoded, and its events are there as they were decided.
type tail struct {
	mu    sync.Mutex
	all   []journal.Stored // what went and is not overwritten yet, then the units
	sizes []int            // of all
	gone  int              // of all; behind them the units stand without gaps, up to the end of the log
	bytes int
	asked journal.Pos // the highest that was asked for: who follows has what is before it
}

// Bounds of a tail, and of what nobody who follows has asked for yet: about half a second of a
// busy hub.
const (
	tailUnits, tailBytes     = 2048, 4 << 20
	unaskedUnits, unaskedSum = 8192, 16 << 20
)

// add appends a batch. refused units are not of the log.
func (t *tail) add(batch []*pending, refusals []*journal.Refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, p := range batch {
		if refusals[i] != nil {
			continue
		}
		t.all = append(t.all, journal.Stored{First: p.u.First, Unit: *p.u})
		t.all[len(t.all)-1].Unit.Stored = nil
		size := len(p.u.Stored)
		if p.foreign {
			size = sizeOf(p.u)
		}
		t.sizes = append(t.sizes, size)
		t.bytes += size
	}
	for ; t.gone < len(t.all); t.gone++ {
		n := len(t.all) - t.gone
		fits := n <= tailUnits && t.bytes <= tailBytes
		if fits || t.all[t.gone].First >= t.asked && n <= unaskedUnits && t.bytes <= unaskedSum {
			break
		}
		t.all[t.gone] = journal.Stored{}
		t.bytes -= t.sizes[t.gone]
	}
	if t.gone > len(t.all)/2 { // so that a unit is moved once
		t.all, t.sizes = slices.Delete(t.all, 0, t.gone), slices.Delete(t.sizes, 0, t.gone)
		t.gone = 0
	}
}

// from are up to limit units that begin at pos or behind it; false where it does not reach
// back so far.
func (t *tail) from(pos journal.Pos, limit int) ([]journal.Stored, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = max(t.asked, pos)
	units := t.all[t.gone:]
	if len(units) == 0 || units[0].First > pos {
		return nil, false
	}
	i, _ := slices.BinarySearchFunc(units, pos, func(u journal.Stored, pos journal.Pos) int {
		return int(u.First) - int(pos)
	})
	return slices.Clone(units[i:min(len(units), i+max(limit, 0))]), true
}

// forget lets all go: who follows reads it from the log.
func (t *tail) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all, t.sizes, t.gone, t.bytes = nil, nil, 0, 0
}

// recent is the log with its end in memory.
type recent struct {
	journal.Log
	tail *tail
}

// Units implements [journal.Log]. The units are shared: they are not to be changed.
func (r recent) Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error) {
	if units, ok := r.tail.from(from, limit); ok {
		return units, nil
	}
	return r.Log.Units(ctx, from, limit)
}

// Log is the durable log, whose end is given from memory.
func (b *Bus) Log() journal.Log { return recent{b.driver, &b.tail} }

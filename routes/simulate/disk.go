package simulate

import (
	"context"

	"github.com/paklog/hub/core/journal"
)

// disk is the journal with a hand on it: it dies, refuses, and shows everything that was
// written to the checker.
type disk struct {
	journal.Driver
	r       *run
	streams map[string][]*journal.Record // as they stand, decoded; nil keeps none
}

// Write implements [journal.Writer].
func (d *disk) Write(ctx context.Context, b *journal.Batch) ([]*journal.Refusal, error) {
	f := d.r.faults
	if f.diesWith(b, false) {
		panic(errKilled)
	}
	if d.r.bus.Uncommitted() { // what waits may be decided on it
		f.refuse(nil, d.r.store)
	} else {
		f.refuse(b.Units, d.r.store)
	}
	refusals, err := d.Driver.Write(ctx, b)
	if err != nil {
		return nil, err
	}
	for i, u := range b.Units {
		if refusals[i] == nil {
			d.keep(u)
			d.r.check.unit(u)
		}
	}
	if f.diesWith(b, true) {
		panic(errKilled)
	}
	return refusals, nil
}

// keep takes what was written into the streams as the next hub reads them.
func (d *disk) keep(u *journal.Unit) {
	if d.streams == nil {
		return
	}
	for i := range u.Records {
		if r := &u.Records[i]; r.Stream != "" {
			d.streams[r.Stream] = append(d.streams[r.Stream], r)
		}
	}
}

// Stream implements [journal.Log]. A hub that was killed finds the events of the one before it
// decoded; that they are what is stored is the checker's to say.
func (d *disk) Stream(ctx context.Context, stream string, after uint64, limit int) ([]journal.Record, error) {
	if d.streams == nil {
		return d.Driver.Stream(ctx, stream, after, limit)
	}
	have := d.streams[stream]
	have = have[min(uint64(len(have)), after):]
	out := make([]journal.Record, min(len(have), limit))
	for i := range out {
		out[i] = *have[i]
	}
	return out, nil
}

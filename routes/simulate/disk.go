package simulate

import (
	"context"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
)

// disk is the journal with a hand on it: it dies, refuses, and shows everything that was
// written to the checker.
type disk struct {
	journal.Driver
	r       *run
	streams map[string][]journal.Record // that were read, decoded; nil keeps none
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
			d.r.check.unit(u)
		}
	}
	if f.diesWith(b, true) {
		panic(errKilled)
	}
	return refusals, nil
}

// Stream implements [journal.Log]. A hub that was killed finds the events of the one before it
// decoded: each is decoded once in a run.
func (d *disk) Stream(ctx context.Context, stream string, after uint64, limit int) ([]journal.Record, error) {
	have := d.streams[stream]
	if d.streams == nil || uint64(len(have)) < after {
		return d.Driver.Stream(ctx, stream, after, limit)
	}
	if missing := limit - (len(have) - int(after)); missing > 0 {
		recs, err := d.Driver.Stream(ctx, stream, uint64(len(have)), missing)
		if err != nil {
			return nil, err
		}
		for i := range recs {
			r := &recs[i]
			if r.Event, err = d.r.reg.Decode(event.Encoded{Type: r.Type, Schema: int(r.Schema), Data: r.Data, Subject: r.Subject, Personal: r.Personal}); err != nil {
				return nil, err
			}
		}
		have = append(have, recs...)
		d.streams[stream] = have
	}
	have = have[after:]
	return have[:min(len(have), limit):min(len(have), limit)], nil
}

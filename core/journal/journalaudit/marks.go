package journalaudit

import (
	"context"
	"slices"

	"github.com/paklog/hub/core/journal"
)

// checkpoints reads them all before the log, which is held against them.
func (a *auditor) checkpoints(ctx context.Context) error {
	rows, err := a.d.Checkpoints(ctx, "")
	if err != nil {
		a.find(KindTable, 0, "The checkpoints cannot be read: %v.", err)
		return nil
	}
	last, err := a.d.Last(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		a.report.Rows++
		a.parts[mark{r.Sub, r.Part, 0}] = r.Checkpoint
		if r.High > last {
			a.find(KindCheckpoint, r.High, "The checkpoint of %s/%d stands at %d, behind the end of the log at %d.", r.Sub, r.Part, r.High, last)
		}
		if len(r.Open) > journal.MaxOpen {
			a.find(KindCheckpoint, r.High, "The checkpoint of %s/%d has %d records open, %d at most.", r.Sub, r.Part, len(r.Open), journal.MaxOpen)
		}
	}
	return nil
}

// mark takes in that a unit finished its cause.
func (a *auditor) mark(u *journal.Stored) {
	c := u.Unit.Cause
	if !c.Done {
		return
	}
	k := mark{c.Sub, c.Part, c.Pos}
	if c.Pos >= u.First {
		a.find(KindCheckpoint, c.Pos, "The unit at %d finished position %d for %s, which was not written yet.", u.First, c.Pos, c.Sub)
	}
	if by, twice := a.marks[k]; twice {
		a.find(KindCheckpoint, c.Pos, "Position %d was finished twice for %s/%d: by the units at %d and %d.", c.Pos, c.Sub, c.Part, by, u.First)
		return
	}
	a.marks[k] = u.First
	cp := a.parts[mark{c.Sub, c.Part, 0}]
	switch {
	case cp == nil || c.Pos > cp.High:
		a.find(KindCheckpoint, c.Pos, "The unit at %d finished position %d for %s/%d, which its checkpoint does not reach.", u.First, c.Pos, c.Sub, c.Part)
	case cp.IsOpen(c.Pos):
		a.find(KindCheckpoint, c.Pos, "Position %d was finished for %s/%d by the unit at %d, and its checkpoint holds it open.", c.Pos, c.Sub, c.Part, u.First)
	}
}

// due notes that subscriptions owe a record a mark. It has none yet: a mark comes behind it.
func (a *auditor) due(r *journal.Record) {
	part := journal.PartitionOf(r.Key)
	for _, sub := range a.read[r.Topic] {
		if !a.opts.Subscriptions[sub].Takes(r) {
			continue
		}
		cp := a.parts[mark{sub, part, 0}]
		if cp == nil || r.Pos > cp.High || cp.IsOpen(r.Pos) {
			continue
		}
		a.owed = append(a.owed, mark{sub, part, r.Pos})
	}
}

// open holds what is owed against what was marked, and open lists against what exists.
func (a *auditor) open(ctx context.Context) error {
	for _, k := range a.owed {
		if _, ok := a.marks[k]; !ok {
			a.find(KindCheckpoint, k.pos, "Position %d was lost for %s/%d: its checkpoint has passed it and no unit finished it.", k.pos, k.sub, k.part)
		}
	}
	for k, cp := range a.parts {
		sub, known := a.opts.Subscriptions[k.sub]
		for _, pos := range cp.Open {
			u, err := a.d.Holding(ctx, pos)
			if err != nil {
				a.find(KindCheckpoint, pos, "Position %d is open for %s/%d and cannot be read: %v.", pos, k.sub, k.part, err)
				continue
			}
			r, ok := u.At(pos)
			if !ok || known && (!slices.Contains(sub.Topics, r.Topic) || journal.PartitionOf(r.Key) != k.part) {
				a.find(KindCheckpoint, pos, "Position %d is open for %s/%d and no record of it.", pos, k.sub, k.part)
			}
		}
	}
	return ctx.Err()
}

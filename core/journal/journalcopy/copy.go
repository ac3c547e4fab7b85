// Package journalcopy brings a journal from one store into another, every position and id as it was.
package journalcopy

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/journal"
)

// ErrOther is of a target whose log is not the beginning of the source's.
var ErrOther = errors.New("the target holds another journal, or one that went on by itself")

// Source is the log that is copied. It may grow meanwhile.
type Source interface {
	Last(ctx context.Context) (journal.Pos, error)
	Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error)
}

// page bounds the units of one batch, and batchBytes about what their records hold.
const (
	page       = 500
	batchBytes = 4 << 20
)

// Log copies the units that to lacks, until it has all that from has, and returns where the log of to
// ends. What was copied before is not copied again. told is called after each batch with the end of both
// logs, and ends the copy with its error. The checkpoints of to are not right until [Checkpoints].
func Log(ctx context.Context, from Source, to journal.Driver, told func(at, last journal.Pos) error) (journal.Pos, error) {
	at, err := to.Last(ctx)
	if err != nil {
		return 0, err
	}
	if err := Begins(ctx, from, to); err != nil {
		return at, err
	}
	for {
		last, err := from.Last(ctx)
		if err != nil {
			return at, err
		}
		if at >= last {
			return at, nil
		}
		units, err := from.Units(ctx, at+1, page)
		if err != nil {
			return at, err
		}
		if len(units) == 0 {
			return at, fmt.Errorf("no unit begins at or above %d, and the log ends at %d", at+1, last)
		}
		for len(units) > 0 {
			n, size := 0, 0
			b := &journal.Batch{Copy: true}
			for ; n < len(units) && (n == 0 || size < batchBytes); n++ {
				u := &units[n].Unit
				u.First = units[n].First
				for i := range u.Records {
					size += len(u.Records[i].Data) + len(u.Records[i].Personal)
				}
				b.Units = append(b.Units, u)
			}
			if _, err := to.Write(ctx, b); err != nil {
				return at, fmt.Errorf("copying what stands behind %d: %w", at, err)
			}
			end := &units[n-1]
			at = end.First + journal.Pos(max(1, len(end.Unit.Records))) - 1
			units = units[n:]
			if err := told(at, last); err != nil {
				return at, err
			}
		}
	}
}

// Begins reports by [ErrOther] that the log of to is not what that of from begins with. The last unit is looked at.
func Begins(ctx context.Context, from Source, to journal.Log) error {
	at, err := to.Last(ctx)
	if err != nil || at == 0 {
		return err
	}
	have, err := to.Holding(ctx, at)
	if err != nil {
		return err
	}
	units, err := from.Units(ctx, have.First, 1)
	if err != nil {
		return err
	}
	if len(units) == 0 || units[0].First != have.First ||
		!bytes.Equal(journal.AppendUnit(nil, &units[0].Unit), journal.AppendUnit(nil, &have.Unit)) {
		return fmt.Errorf("%w: its unit at %d is not that of the source", ErrOther, have.First)
	}
	return nil
}

// Checkpoints copies how far each subscription has come. The logs of both end at the same position, and nobody
// writes to either.
func Checkpoints(ctx context.Context, from journal.Scanner, to journal.Driver) error {
	rows, err := from.Checkpoints(ctx, "")
	if err != nil || len(rows) == 0 {
		return err
	}
	_, err = to.Write(ctx, &journal.Batch{Copy: true, Checkpoints: rows})
	return err
}

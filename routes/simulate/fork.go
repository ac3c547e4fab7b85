package simulate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

// Fork is a journal up to a position, and what came from outside behind it: a run that goes on
// there gets the same orders and goods at the same times, and decides by another policy.
type Fork struct {
	At       journal.Pos `json:"at"`
	Time     time.Time   `json:"time"`  // of the fork
	Until    time.Time   `json:"until"` // the last arrival
	Arrivals int         `json:"arrivals"`
	// Skipped are records from outside that are not played again, by type.
	Skipped map[string]int `json:"skipped,omitempty"`

	// Flows is how the hub that wrote the journal was configured. Its carriers are given
	// the ledger in memory for a port.
	Flows routes.FlowConfig `json:"-"`

	log   journal.Log
	parts []journal.CheckpointRow
	list  []arrival
}

// ReadFork reads a journal for what-if: all that stands at or before at is where it begins, all that
// came from outside behind it is played again. The journal is only read.
func ReadFork(ctx context.Context, log journal.Log, at journal.Pos, flows routes.FlowConfig) (*Fork, error) {
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		return nil, err
	}
	f := &Fork{At: at, Flows: flows, Skipped: map[string]int{}, log: log}
	subs := subscriptions{topics: map[string]map[string]journal.Pos{}, types: map[string]map[string]journal.Pos{}, done: map[string]map[journal.Pos]bool{}}
	err = eachUnit(ctx, log, func(u *journal.Stored) error {
		f.Time = maxTime(f.Time, u.Unit.At, u.First <= at)
		if u.First <= at {
			return subs.read(u)
		}
		return f.arrivals(reg, u)
	})
	if err != nil {
		return nil, err
	}
	if len(f.list) == 0 {
		return nil, fmt.Errorf("nothing came from outside behind position %d: fork where orders follow", at)
	}
	f.Arrivals, f.Until = len(f.list), f.list[len(f.list)-1].at
	if f.Time.IsZero() {
		f.Time = f.list[0].at
	}
	f.parts, err = subs.open(at)
	return f, err
}

func maxTime(a, b time.Time, when bool) time.Time {
	if when && b.After(a) {
		return b
	}
	return a
}

func eachUnit(ctx context.Context, log journal.Log, f func(u *journal.Stored) error) error {
	for from := journal.Pos(1); ; {
		units, err := log.Units(ctx, from, 1000)
		if err != nil {
			return fmt.Errorf("reading the journal: %w", err)
		}
		for i := range units {
			u := &units[i]
			for k := range u.Unit.Records {
				u.Unit.Records[k].Pos = u.First + journal.Pos(k)
			}
			if err := f(u); err != nil {
				return err
			}
			from = u.First + journal.Pos(max(1, len(u.Unit.Records)))
		}
		if len(units) == 0 {
			return nil
		}
	}
}

// subscriptions finds what each of them had not handled at a position: its checkpoints say so for
// the end of the log alone.
type subscriptions struct {
	topics map[string]map[string]journal.Pos // by name and topic, where it began
	types  map[string]map[string]journal.Pos
	done   map[string]map[journal.Pos]bool
	seen   []seenRecord
}

type seenRecord struct {
	pos        journal.Pos
	part       uint8
	topic, typ string
}

func (s *subscriptions) read(u *journal.Stored) error {
	prefix := bus.DeclaredKey("")
	for _, op := range u.Unit.States {
		name, ok := strings.CutPrefix(op.Key, prefix)
		if !ok || op.Data == nil {
			continue
		}
		var err, terr error
		s.topics[name], err = bus.DeclaredTopics(name, op.Data)
		s.types[name], terr = bus.DeclaredTypes(op.Data)
		if err := errors.Join(err, terr); err != nil {
			return err
		}
	}
	if c := u.Unit.Cause; c.Done {
		if s.done[c.Sub] == nil {
			s.done[c.Sub] = map[journal.Pos]bool{}
		}
		s.done[c.Sub][c.Pos] = true
	}
	for i := range u.Unit.Records {
		if r := &u.Unit.Records[i]; r.Topic != "" {
			s.seen = append(s.seen, seenRecord{r.Pos, journal.PartitionOf(r.Key), r.Topic, r.Type})
		}
	}
	return nil
}

// open are the checkpoints as they would have stood at a position, had everything been delivered.
func (s *subscriptions) open(at journal.Pos) ([]journal.CheckpointRow, error) {
	var out []journal.CheckpointRow
	for _, name := range slices.Sorted(maps.Keys(s.topics)) {
		var parts [journal.Partitions]journal.Checkpoint
		for i := range parts {
			parts[i].High = at
		}
		for _, r := range s.seen {
			start, reads := s.topics[name][r.topic]
			if !reads || r.pos <= start || s.done[name][r.pos] {
				continue
			}
			if types := s.types[name]; types != nil && r.topic != bus.TimerTopic(name) {
				if from, takes := types[r.typ]; !takes || r.pos <= from {
					continue
				}
			}
			p := &parts[r.part]
			if p.Open = append(p.Open, r.pos); len(p.Open) > journal.MaxOpen {
				return nil, fmt.Errorf("at position %d, %s had more than %d records before it: fork elsewhere", at, name, journal.MaxOpen)
			}
		}
		for i := range parts {
			out = append(out, journal.CheckpointRow{Sub: name, Part: uint8(i), Checkpoint: &parts[i]})
		}
	}
	return out, nil
}

// begin makes the run go on where the fork stands: its journal, its people's screens, its shelves.
func (r *run) begin(f *Fork) error {
	store, err := journalmem.Copy(r.ctx, f.log, f.At, f.parts)
	if err != nil {
		return fmt.Errorf("forking the journal: %w", err)
	}
	r.store, r.disk.Driver = store, store
	r.now = f.Time
	versions := map[string]uint64{}
	err = eachUnit(r.ctx, store, func(u *journal.Stored) error {
		for i := range u.Unit.Records {
			rec := &u.Unit.Records[i]
			if rec.Stream == "" {
				continue
			}
			versions[rec.Stream]++
			rec.Version = versions[rec.Stream]
			e, err := r.reg.Decode(event.Encoded{Type: rec.Type, Schema: int(rec.Schema), Data: rec.Data, Subject: rec.Subject, Personal: rec.Personal})
			if err != nil {
				return err
			}
			rec.Event = e
			r.floor.history(e)
		}
		r.disk.keep(&u.Unit)
		r.check.unit(&u.Unit)
		return nil
	})
	if err != nil {
		return err
	}
	// What the books have on a shelf lies there, but for what somebody did not find.
	for book, g := range r.check.goods {
		for a, n := range g.places {
			switch a.Stage {
			case inventory.Free, inventory.Allocated, inventory.Held, inventory.Damaged, inventory.Received:
				r.floor.lies[inventory.Account{Stage: book, Location: a.Location, Lot: a.Lot, LPN: a.LPN}] += n
			}
		}
	}
	r.agenda = agenda{} // of what was seen, nothing is to be done again
	for _, w := range r.floor.workers {
		w.busy = false
	}
	r.floor.dock.plan(f.Time.UTC().Truncate(24*time.Hour), 3+int(f.Until.Sub(f.Time)/(24*time.Hour)))
	r.floor.base, r.floor.keys = r.summary(), fmt.Sprintf("whatif/%d", f.At)
	for _, a := range f.list {
		r.agenda.add(a.at, func() { a.again(r.floor) })
	}
	r.agenda.add(f.Time, func() {
		for range r.floor.workers {
			r.floor.call2work(rolePick)
			r.floor.call2work(rolePack)
		}
	})
	return nil
}

// history is an event from before the fork.
func (f *floor) history(e event.Event) {
	switch e := e.(type) {
	case label.Bought:
		f.carrier.stands(e)
	case label.Voided:
		f.carrier.voided(e.Tracking)
	}
}

package routes

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
)

// ViewStore keeps the views. Only the projector calls it, from one goroutine.
type ViewStore interface {
	// Position is where the views stand, and the unit that they read last. A store that
	// is being built anew stands at 0.
	Position(ctx context.Context) (journal.Pos, journal.ID, error)
	// Folded is a document as Apply wrote it last, with the terms that it has; nil where it never did.
	Folded(ctx context.Context, kind, key string) (*view.Doc, error)
	// Apply writes a batch whole or not at all, its position and last unit with it. Each
	// document comes with the terms that it has in the store.
	Apply(ctx context.Context, b view.Batch) error
	// Rebuild begins anew beside what answers are given from.
	Rebuild(ctx context.Context) error
	// CaughtUp says that the end of the journal was reached: what was built anew takes
	// over, in one step.
	CaughtUp(ctx context.Context) error
}

// Units of a batch, and documents kept in memory between batches.
const (
	projectUnits = 2048
	projectKeep  = 8192
)

// Projector folds the journal into documents that are asked for. It is outside every
// commit: a hub without it decides the same, and it may be stopped, thrown away and built
// again at any time.
type Projector struct {
	log    journal.Log
	reg    *event.Registry
	store  ViewStore
	logger *slog.Logger
	turn   func(context.Context) (leave func())

	wake    chan struct{}
	rebuild atomic.Bool
	pos     atomic.Uint64

	mu      sync.Mutex
	moved   chan struct{} // closed when pos moves
	builds  int           // rebuilds that took over
	failure error

	// Of the goroutine of Run only.
	started  bool
	building bool
	folded   map[string]*folded // by stream
}

// folded is a document with its state decoded.
type folded struct {
	doc   view.Doc
	state any
	dirty bool
}

// NewProjector makes a projector; [Projector.Run] starts it.
// turn, which may be nil, is [Hub.Turn].
func NewProjector(log journal.Log, reg *event.Registry, store ViewStore, logger *slog.Logger, turn func(context.Context) (leave func())) *Projector {
	if turn == nil {
		turn = func(context.Context) func() { return none }
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Projector{
		log: log, reg: reg, store: store, logger: logger, turn: turn,
		wake: make(chan struct{}, 1), moved: make(chan struct{}), folded: map[string]*folded{},
	}
}

// Position is where the views stand.
func (p *Projector) Position() journal.Pos { return journal.Pos(p.pos.Load()) }

// Err is why the views stand still, or nil.
func (p *Projector) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failure
}

// Wake says that the journal grew. It never blocks.
func (p *Projector) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Rebuild has the views built anew from the journal's beginning. Answers are given from
// the old ones until the new ones have caught up.
func (p *Projector) Rebuild() {
	p.rebuild.Store(true)
	p.Wake()
}

// Rebuilt is [Projector.Rebuild], and returns where the new views stand once they have taken
// over. An error of the projector ends the wait, not the rebuild.
func (p *Projector) Rebuilt(ctx context.Context) (journal.Pos, error) {
	p.mu.Lock()
	want := p.builds + 1
	p.mu.Unlock()
	p.Rebuild()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		p.mu.Lock()
		done, err := p.builds >= want, p.failure
		p.mu.Unlock()
		if done || err != nil {
			return p.Position(), err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Wait returns once the views have reached a position.
func (p *Projector) Wait(ctx context.Context, pos journal.Pos) error {
	for {
		p.mu.Lock()
		moved := p.moved
		p.mu.Unlock()
		if p.Position() >= pos {
			return nil
		}
		p.Wake()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Run keeps the views up to date until ctx ends. A failure (a full disk, an event that this
// program does not know) stops nothing else: it is told by [Projector.Err], logged once and
// tried again.
func (p *Projector) Run(ctx context.Context) error {
	// Nobody waits: what comes in half a second changes each document once.
	const idle = 500 * time.Millisecond
	// A hub whose views stand still is not ready: once there is room on its disk, it soon is again.
	const most = 2 * time.Second
	wait := idle
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for ctx.Err() == nil {
		more, err := p.step(ctx)
		if ctx.Err() != nil {
			break // what a stop cuts off is no failure
		}
		p.note(err)
		switch {
		case err != nil:
			p.started, p.folded = false, map[string]*folded{}
			wait = min(max(2*wait, time.Second), most)
		case more:
			wait = idle
			continue
		default:
			wait = idle
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-p.wake:
		}
	}
	return nil
}

func (p *Projector) note(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && (p.failure == nil || p.failure.Error() != err.Error()) {
		p.logger.Error("views stand still", "err", err)
	}
	p.failure = err
}

func (p *Projector) at(pos journal.Pos) {
	p.pos.Store(uint64(pos))
	p.mu.Lock()
	close(p.moved)
	p.moved = make(chan struct{})
	p.mu.Unlock()
}

// projectRest is how many units are folded between two turns.
const projectRest = 64

// step applies one batch, and reports whether more waits.
func (p *Projector) step(ctx context.Context) (bool, error) {
	leave := p.turn(ctx)
	defer func() { leave() }()
	rest := func() {
		leave()
		leave = p.turn(ctx)
	}
	if err := p.begin(ctx); err != nil {
		return false, err
	}
	units, err := p.log.Units(ctx, p.Position()+1, projectUnits)
	if err != nil {
		return false, fmt.Errorf("reading the journal: %w", err)
	}
	if len(units) == 0 {
		if err := p.store.CaughtUp(ctx); err != nil {
			return false, fmt.Errorf("taking the views over: %w", err)
		}
		if p.building {
			p.building = false
			p.mu.Lock()
			p.builds++
			p.mu.Unlock()
		}
		return false, nil
	}
	b, err := p.batch(ctx, units, rest)
	if err != nil {
		return false, err
	}
	b.Rest = rest
	if err := p.store.Apply(ctx, b); err != nil {
		return false, fmt.Errorf("writing the views: %w", err)
	}
	p.at(b.Position)
	if len(p.folded) > projectKeep {
		p.folded = map[string]*folded{}
	}
	return len(units) == projectUnits, nil
}

// begin finds where to go on. Views of another journal, or of one that a backup was
// restored over, are built anew.
func (p *Projector) begin(ctx context.Context) error {
	if p.rebuild.Swap(false) {
		if err := p.store.Rebuild(ctx); err != nil {
			p.rebuild.Store(true)
			return fmt.Errorf("building the views anew: %w", err)
		}
		p.started, p.building = false, true
	}
	if p.started {
		return nil
	}
	pos, unit, err := p.store.Position(ctx)
	if err != nil {
		return fmt.Errorf("reading where the views stand: %w", err)
	}
	if pos > 0 {
		known := false
		if last, err := p.log.Last(ctx); err != nil {
			return fmt.Errorf("reading the journal: %w", err)
		} else if pos <= last {
			s, err := p.log.Holding(ctx, pos)
			if err != nil {
				return fmt.Errorf("reading the journal: %w", err)
			}
			known = s.Unit.ID == unit
		}
		if !known {
			p.logger.Warn("views are of another journal: they are built anew", "position", uint64(pos))
			if err := p.store.Rebuild(ctx); err != nil {
				return fmt.Errorf("building the views anew: %w", err)
			}
			pos = 0
		}
	}
	p.started, p.folded = true, map[string]*folded{}
	p.at(pos)
	return nil
}

// batch folds units into what they change.
func (p *Projector) batch(ctx context.Context, units []journal.Stored, rest func()) (view.Batch, error) {
	var b view.Batch
	letters, had := map[string]view.Doc{}, map[string][]string{}
	for i := range units {
		if i%projectRest == projectRest-1 {
			rest()
		}
		u := &units[i].Unit
		b.Position, b.Unit = units[i].First, u.ID
		for j := range u.Records {
			r := &u.Records[j]
			b.Position = r.Pos
			if r.Correlation != "" {
				b.Hops = append(b.Hops, hop(r))
			}
			if err := p.fold(ctx, r); err != nil {
				return b, fmt.Errorf("position %d: %w", r.Pos, err)
			}
		}
		for _, op := range u.Letters {
			d, l, err := letterDoc(op, u.At, b.Position)
			if err != nil {
				return b, fmt.Errorf("position %d: %w", b.Position, err)
			}
			b.Letters = append(b.Letters, l)
			if _, ok := letters[d.Key]; !ok {
				old, err := p.store.Folded(ctx, d.Kind, d.Key)
				if err != nil {
					return b, fmt.Errorf("reading letter %s: %w", d.Key, err)
				}
				if old != nil {
					had[d.Key] = old.Had
				}
			}
			d.Had = had[d.Key]
			letters[d.Key] = d
		}
	}
	for _, f := range p.folded {
		if !f.dirty {
			continue
		}
		f.dirty = false
		d := f.doc
		pr := projections[d.Kind]
		var err error
		if d.State, err = pr.encode(f.state); err != nil {
			return b, fmt.Errorf("writing %s: %w", d.Key, err)
		}
		d.Status, d.Terms = pr.status(f.state), append(pr.terms(f.state), d.ID)
		b.Docs = append(b.Docs, d)
		f.doc.Had = d.Terms // once this batch is written; else nothing of folded is kept
	}
	for d := range maps.Values(letters) {
		b.Docs = append(b.Docs, d)
	}
	return b, nil
}

// fold applies an event to its document.
func (p *Projector) fold(ctx context.Context, r *journal.Record) error {
	if r.Stream == "" {
		return nil
	}
	f := p.folded[r.Stream]
	if f == nil {
		s, ok := streamOf(r.Stream)
		if !ok {
			return nil // a stream of a pattern, which nobody asks for
		}
		pr := projections[s.Kind]
		f = &folded{state: pr.zero, doc: view.Doc{
			Kind: s.Kind, Key: r.Stream, Tenant: s.Tenant, Owner: s.Owner, Facility: s.Facility, ID: s.ID, Correlation: r.Correlation,
		}}
		// The first event of a stream finds no document.
		var old *view.Doc
		if r.Version > 1 {
			var err error
			if old, err = p.store.Folded(ctx, s.Kind, r.Stream); err != nil {
				return fmt.Errorf("reading %s: %w", r.Stream, err)
			}
		}
		if old != nil {
			var err error
			f.doc = *old
			if f.state, err = pr.decode(old.State); err != nil {
				return fmt.Errorf("reading %s: %w", r.Stream, err)
			}
		}
		p.folded[r.Stream] = f
	}
	e, err := decodeEvent(p.reg, r)
	if err != nil {
		return err
	}
	if f.state, err = projections[f.doc.Kind].apply(f.state, e); err != nil {
		return err
	}
	f.doc.Position, f.doc.Version, f.doc.Updated, f.dirty = r.Pos, r.Version, r.Time.UTC(), true
	return nil
}

func hop(r *journal.Record) view.Hop {
	return view.Hop{
		Correlation: r.Correlation, Position: r.Pos, Time: r.Time.UTC(), Route: r.Source, Type: r.Type,
		Topic: r.Topic, Key: r.Key, Stream: r.Stream, ID: r.ID, Causation: r.Causation,
	}
}

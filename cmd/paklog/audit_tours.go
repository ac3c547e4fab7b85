package main

import (
	"context"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/wave"
)

// touring folds a wave and holds its tours against the building that they were made in.
type touring struct {
	folding[wave.Wave]
	w *warehouse
	// since is where the wave's event before stands: what is decided next saw all that was there.
	since journal.Pos
}

func (t *touring) add(ctx context.Context, r *journal.Record, e event.Event) error {
	if b, ok := e.(wave.Batched); ok {
		t.w.tours(ctx, b, t.since, r.Pos)
	}
	t.since = r.Pos
	return t.folding.add(ctx, r, e)
}

// tours measures the tours of a wave. Where a place or the building was changed while the tours
// were made nobody knows which of them was walked, and the way is not measured.
func (w *warehouse) tours(ctx context.Context, e wave.Batched, since, at journal.Pos) {
	b, steady := stood(history(ctx, w, w.laid, facility.StreamOf(e.Scope), func(e event.Event) (facility.Spec, bool) {
		switch e := e.(type) {
		case facility.Registered:
			return e.Spec, true
		case facility.Changed:
			return e.Spec, true
		}
		return facility.Spec{}, false
	}), since, at)
	wrong := e.Check(b, func(code string) (location.Spec, bool) {
		spec, still := stood(history(ctx, w, w.lies, location.StreamOf(e.Scope, code), func(e event.Event) (location.Spec, bool) {
			switch e := e.(type) {
			case location.Registered:
				return location.Spec{Aisle: e.Aisle, Cell: e.Cell}, true
			case location.Changed:
				return location.Spec{Aisle: e.Aisle, Cell: e.Cell}, true
			}
			return location.Spec{}, false
		}), since, at)
		return spec, steady && still
	})
	for _, text := range wrong {
		w.r.find("wave", at, "Batched at %d, %s.", at, text)
	}
	w.r.Tours += len(e.Batches)
}

// dated is what something was from a position on.
type dated[S any] struct {
	pos  journal.Pos
	spec S
}

// history is what a stream says that something was; what cannot be read the stream's own audit tells.
func history[S any](ctx context.Context, w *warehouse, kept map[string][]dated[S], stream string, of func(event.Event) (S, bool)) []dated[S] {
	if all, seen := kept[stream]; seen {
		return all
	}
	all := []dated[S]{}
	for after := uint64(0); ; {
		records, err := w.d.Stream(ctx, stream, after, 500)
		for i := range records {
			r := &records[i]
			after = r.Version
			if e, err := w.reg.Decode(encoded(*r)); err == nil {
				if spec, ok := of(e); ok {
					all = append(all, dated[S]{r.Pos, spec})
				}
			}
		}
		if err != nil || len(records) < 500 {
			kept[stream] = all
			return all
		}
	}
}

// stood is what something was behind a position, and whether it was that still at another: zero is
// what nobody had registered.
func stood[S any](all []dated[S], since, at journal.Pos) (spec S, still bool) {
	for _, x := range all {
		switch {
		case x.pos <= since:
			spec = x.spec
		case x.pos < at:
			return spec, false
		}
	}
	return spec, true
}

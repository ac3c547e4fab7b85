package main

import (
	"context"
	"slices"
	"strings"

	"github.com/paklog/hub/core/carton"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
)

// drawnUnits is how many units a carton may hold that is drawn: more are hard to see.
const drawnUnits = 12

// cartons draws a proposed carton level by level.
func (d *demo) cartons(ctx context.Context) error {
	var best pack.Carton
	var of, order string
	most := 0
	if err := d.each(ctx, func(r journal.Record) {
		if r.Type != (pack.Proposed{}).EventType() {
			return
		}
		e, err := d.app.hub.Registry().Decode(encoded(r))
		if err != nil {
			return
		}
		for _, c := range e.(pack.Proposed).Plan.Cartons {
			units := 0
			for _, p := range c.Placements {
				units += p.Count.Length * p.Count.Width * p.Count.Height
			}
			if units > most && units <= drawnUnits {
				best, most, of, order = c, units, c.Box, e.(pack.Proposed).Order
			}
		}
	}); err != nil || most == 0 {
		return err
	}
	d.say("\n   a carton as it was proposed, a box %s of order %s, from above in mm:", of, order)
	for line := range strings.Lines(drawCarton(best)) {
		d.say("   %s", strings.TrimSuffix(line, "\n"))
	}
	return nil
}

func drawCarton(c pack.Carton) string {
	var items []string
	var placed []carton.Placement
	mm := func(l measure.Length) int { return int(l / measure.Millimetre) }
	box := carton.Size{mm(c.Dims.Length), mm(c.Dims.Width), mm(c.Dims.Height)}
	for _, x := range c.Placements {
		size := carton.Size{mm(x.Dims.Length), mm(x.Dims.Width), mm(x.Dims.Height)}
		if !slices.Contains(items, x.Item) {
			items = append(items, x.Item)
		}
		g := carton.Grid{
			Placement: carton.Placement{Type: slices.Index(items, x.Item), At: carton.Size{mm(x.X), mm(x.Y), mm(x.Z)}, Size: size},
			N:         carton.Size{x.Count.Length, x.Count.Width, x.Count.Height},
		}
		placed = g.Each(placed)
	}
	return drawLayers(40, box, items, placed)
}

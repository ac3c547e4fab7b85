package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/routes/simulate"
)

// floorDay is the day that the demonstration simulates.
func floorDay() simulate.Config {
	return simulate.Config{
		Seed: 7, Orders: 300, Workers: 10, Faults: simulate.FloorFaults(), Policy: simulate.Policy{WaveMethod: wave.BatchPick, WaveSize: 8},
	}
}

// shown are the things of a day that the demonstration tells: one wave, one choice of a lot,
// and one short pick with what followed.
type shown struct {
	wave    *wave.Batched
	choice  *inventory.StockAllocated
	short   *pick.Shorted
	follows []string
}

// mostFollows are the lines that are told after a short pick.
const mostFollows = 8

// sees keeps the first of each.
func (s *shown) sees(e event.Event) {
	switch e := e.(type) {
	case wave.Batched:
		if s.wave == nil && len(e.Batches) > 1 && e.Bound > 0 && e.Baseline > e.Total {
			s.wave = &e
		}
	case inventory.StockAllocated:
		if s.choice == nil && e.Why.Strategy == inventory.FEFO && e.Why.Considered > 1 && e.Why.Expiry != "" {
			s.choice = &e
		}
	case pick.Shorted:
		if s.short == nil && e.Found > 0 {
			s.short = &e
			return
		}
	}
	if s.short != nil && len(s.follows) < mostFollows {
		if line := s.followUp(e); line != "" {
			s.follows = append(s.follows, line)
		}
	}
}

// followUp is what an event says of the order that was short, "" where it is about something else.
func (s *shown) followUp(e event.Event) string {
	of := s.short.Order
	switch e := e.(type) {
	case count.Opened:
		if e.Location == s.short.From.Location && e.Item == s.short.Item {
			return fmt.Sprintf("count %s: somebody goes and counts %s", e.ID, e.Location)
		}
	case inventory.StockAllocated:
		if e.Order == of && e.Item == s.short.Item {
			return fmt.Sprintf("%d of %s are found at %s (%s)", e.Qty, e.Item, e.Location, e.Why.Because)
		}
	case order.Backordered:
		if e.Order == of { // no other place has it: another short shows more
			s.short, s.follows = nil, nil
		}
	case task.Created:
		if e.Order == of && e.Kind == task.KindPick {
			return fmt.Sprintf("task %s follows: %s", e.Task, steps(e.Steps))
		}
	case task.Completed:
		if e.Order == of && e.Kind == task.KindPick {
			return fmt.Sprintf("task %s is done by %s", e.Task, e.Worker)
		}
	case order.Shipped:
		if e.Order == of {
			return fmt.Sprintf("order %s leaves: %d lines", e.Order, len(e.Lines))
		}
	}
	return ""
}

func steps(of []task.Step) string {
	out := make([]string, len(of))
	for i, s := range of {
		out[i] = fmt.Sprintf("%d x %s at %s", s.Qty, s.Item, s.From.Location)
	}
	return strings.Join(out, ", ")
}

// floor simulates a day and shows how it decides.
func (d *demo) floor(ctx context.Context) error {
	var s shown
	cfg := floorDay()
	cfg.Watch = s.sees
	res, err := simulate.Run(ctx, cfg)
	if err != nil {
		return fmt.Errorf("simulating a day: %w", err)
	}
	d.say("\n9. a day on the simulated floor, by the same routes: paklog simulate --seed %d --orders %d --workers %d --set wave.method=%s --set wave.size=%d",
		cfg.Seed, cfg.Orders, cfg.Workers, cfg.Policy.WaveMethod, cfg.Policy.WaveSize)
	if s.wave == nil || s.choice == nil || s.short == nil {
		return fmt.Errorf("the simulated day has something not to show: wave %v, choice of a lot %v, short pick %v", s.wave != nil, s.choice != nil, s.short != nil)
	}
	w := s.wave
	d.say("\n   wave %s in %d batches, %d m to walk (first come and S-shape: %d m; no way is below %d m)", w.Wave, len(w.Batches), w.Total/1e6, w.Baseline/1e6, w.Bound/1e6)
	for _, b := range w.Batches {
		stops := make([]string, len(b.Stops))
		for i, x := range b.Stops {
			stops[i] = x.Location
		}
		d.say("     batch %d, %d orders, %3d m: %s", b.No, len(b.Orders), b.Length/1e6, clip(strings.Join(stops, " > "), 90))
	}
	a := s.choice
	d.say("\n   why lot %s of %s at %s: %s of %d places, for it is the %s and expires on %s", a.Lot, a.Item, a.Location, a.Why.Strategy, a.Why.Considered, a.Why.Because, a.Why.Expiry)
	p := s.short
	d.say("\n   %s finds %d of %d %s at %s", p.Worker, p.Found, p.Expected, p.Item, p.From.Location)
	for _, line := range s.follows {
		d.say("     %s", line)
	}
	d.say("")
	for line := range strings.Lines(summaryText(res)) {
		d.say("   %s", strings.TrimSuffix(line, "\n"))
	}
	return nil
}

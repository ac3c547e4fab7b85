package simulate

import (
	"encoding/hex"
	"slices"
	"time"

	"github.com/paklog/hub/routes/bus"
)

// Result is what came of a run.
type Result struct {
	Seed  uint64    `json:"seed"`
	Hash  string    `json:"hash"` // SHA-256 of the log, units as they are stored
	Steps int       `json:"steps"`
	Until time.Time `json:"until"` // where the clock stands

	Events int `json:"events"`
	Units  int `json:"units"`
	Summary

	Took       time.Duration `json:"took_ns"`
	EventsPerS int64         `json:"events_per_s"`
	// Factor is how many times faster than real time it ran.
	Factor int64 `json:"real_time_factor"`

	FlowSteps []string `json:"-"` // routes that consume, then doors

	Faults []Hit          `json:"faults,omitempty"`
	Points map[string]int `json:"crash_points,omitempty"`
	Types  map[string]int `json:"types,omitempty"`
}

// Hit is how often a fault struck a step.
type Hit struct {
	Cell
	N int `json:"n"`
}

// Summary is what the warehouse did.
type Summary struct {
	Orders      int   `json:"orders"`
	Lines       int   `json:"lines"`
	Shipped     int   `json:"shipped"` // orders that ended with something shipped
	OnTime      int   `json:"on_time"` // of those with a cut-off, that left before it
	WithCutOff  int   `json:"with_cut_off"`
	Missed      int   `json:"cut_offs_missed"`
	Backordered int   `json:"backordered"`
	Cancelled   int   `json:"cancelled"`
	Rejected    int   `json:"rejected"`
	Shorts      int   `json:"shorts"`
	Cartons     int   `json:"cartons"`
	Waves       int   `json:"waves"`
	TravelM     int64 `json:"travel_m"`
	LabourMin   int64 `json:"labour_min"`
	// Utilised is the share of the shifts (two of eight hours a day) that people worked, in percent.
	Utilised int `json:"utilised_pct"`
}

func (r *run) result(took time.Duration) *Result {
	c := r.check
	res := &Result{
		Seed: r.cfg.Seed, Hash: hex.EncodeToString(c.hash.Sum(nil)), Steps: r.steps, Until: r.now,
		Events: c.events, Units: c.units, Summary: r.summary(), Took: took, Types: c.types, Points: map[string]int{},
	}
	if s := took.Seconds(); s > 0 {
		res.EventsPerS = int64(float64(c.events) / s)
		res.Factor = int64(r.now.Sub(r.cfg.Start).Seconds() / s)
	}
	res.FlowSteps = slices.Concat(r.names, doors)
	for _, step := range res.FlowSteps {
		for _, kind := range Kinds() {
			if n := r.faults.Hit[Cell{step, kind}]; n > 0 {
				res.Faults = append(res.Faults, Hit{Cell{step, kind}, n})
			}
		}
	}
	for _, s := range bus.Steps() {
		if n := r.faults.Points[s]; n > 0 {
			res.Points[string(s)] = n
		}
	}
	return res
}

func (r *run) summary() Summary {
	c, f := r.check, r.floor
	s := Summary{
		Shorts: c.types["pick.Shorted"], Cartons: c.types["pack.CartonClosed"], Waves: c.types["wave.Planned"],
		TravelM: f.travel / 1000, LabourMin: f.worked / int64(time.Minute), Missed: c.types["order.CutOffMissed"],
	}
	s.Orders, s.Lines, s.Shipped, s.OnTime, s.WithCutOff, s.Cancelled = c.sums.Orders, c.sums.Lines, c.sums.Shipped, c.sums.OnTime, c.sums.WithCutOff, c.sums.Cancelled
	for _, o := range c.orders {
		s.add(o)
	}
	b := f.base
	for _, n := range []struct {
		of    *int
		minus int
	}{
		{&s.Orders, b.Orders}, {&s.Lines, b.Lines}, {&s.Shipped, b.Shipped}, {&s.OnTime, b.OnTime}, {&s.WithCutOff, b.WithCutOff},
		{&s.Missed, b.Missed}, {&s.Backordered, b.Backordered}, {&s.Cancelled, b.Cancelled}, {&s.Rejected, b.Rejected},
		{&s.Shorts, b.Shorts}, {&s.Cartons, b.Cartons}, {&s.Waves, b.Waves},
	} {
		*n.of -= n.minus
	}
	shifts := int64(r.cfg.Days) * int64(len(f.workers)) * int64(16*time.Hour)
	s.Utilised = int(100 * f.worked / max(1, shifts))
	return s
}

// add counts an order.
func (s *Summary) add(o *orderLedger) {
	s.Orders++
	s.Lines += len(o.lines)
	var shipped, waits, open int64
	for _, l := range o.lines {
		shipped += l.shipped
		waits += l.backordered
		open += l.open()
	}
	switch {
	case o.refused:
		s.Rejected++
	case shipped > 0 && open == 0:
		s.Shipped++
	case waits > 0:
		s.Backordered++
	case open == 0 && shipped == 0:
		s.Cancelled++
	}
	if !o.shipBy.IsZero() && !o.refused && shipped > 0 && open == 0 {
		s.WithCutOff++
		if !o.lastShip.After(o.shipBy) {
			s.OnTime++
		}
	}
}

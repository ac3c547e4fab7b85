package simulate

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
)

// Config is what is simulated. The zero value of a field is the default named beside it.
type Config struct {
	Seed    uint64
	Days    int // 1
	Orders  int // a day: 500
	Lines   int // an order has 1 to this many lines: 3
	Workers int // 12: three of four pick, the others pack
	Items   int // 120
	Owners  int // 2
	Aisles  int // 10
	Cells   int // of an aisle, on each side: 20
	// Start is the first midnight, UTC: 2026-11-23.
	Start time.Time

	Faults Faults
	Policy Policy

	// Fork, when set, is where the run begins instead of an empty building, and what arrives.
	Fork *Fork
	// Journal is where the log is kept instead of in memory: for days whose log would not fit. It is
	// empty, it is the caller's to close, and faults of the disk are not planted in it.
	Journal journal.Driver
	// Until ends the run before this step; 0 runs to the end.
	Until int
	// Tail is how many events are kept for a failure's story: 40.
	Tail int
	// Watch, when set, is shown each event as it is written.
	Watch func(event.Event)
	// Progress, when set, is told how far it is, about once for each so many steps.
	Progress func(Progress)
}

// Policy is what an operator decides and what-if compares.
type Policy struct {
	WaveSize    int           // 20
	WaveTimeout time.Duration // 10 min
	WaveUrgent  time.Duration // 1 h
	WaveMethod  string        // of picking: one of wave.Methods, "" is discrete
	Strategy    string        // of allocation: "" is FEFO for what expires and FIFO for the rest
	Steal       bool
	Shorts      string // "backorder" (default) or "close"
}

// Faults says how often what goes wrong. The zero value is a day without any.
type Faults struct {
	Crashes    int // of the hub, between any two steps
	Duplicates int // messages that two handlers get, calls that come twice
	Late       int // routes that stand still for a while
	Jumps      int // of the clock
	Refusals   int // units that the disk refuses

	Short     int // one pick in so many finds too little; 0 is never
	WrongScan int // one scan in so many is of another place or number
	TwiceScan int // one scan in so many is sent twice
	LostLabel int // one purchase in so many has no answer
	Changes   int // one order in so many is changed, held or cancelled
}

// AllFaults are the faults of a torture run.
func AllFaults() Faults {
	return Faults{
		Crashes: 6, Duplicates: 12, Late: 8, Jumps: 6, Refusals: 10,
		Short: 25, WrongScan: 40, TwiceScan: 40, LostLabel: 30, Changes: 12,
	}
}

// FloorFaults are those that people and partners make on any day.
func FloorFaults() Faults {
	f := AllFaults()
	f.Crashes, f.Duplicates, f.Late, f.Jumps, f.Refusals = 0, 0, 0, 0, 0
	return f
}

// Progress is how far a run is.
type Progress struct {
	Now    time.Time
	Steps  int
	Events int
	Orders int // placed
	Ended  int
}

func (c *Config) defaults() error {
	for _, f := range []struct {
		v    *int
		name string
		def  int
		most int
	}{
		{&c.Days, "days", 1, 366},
		{&c.Orders, "orders", 500, 1_000_000},
		{&c.Lines, "lines", 3, 50},
		{&c.Workers, "workers", 12, 10_000},
		{&c.Items, "items", 120, 100_000},
		{&c.Owners, "owners", 2, 50},
		{&c.Aisles, "aisles", 10, 200},
		{&c.Cells, "cells", 20, 500},
		{&c.Tail, "tail", 40, 10_000_000},
	} {
		*f.v = cmp.Or(*f.v, f.def)
		if *f.v < 1 || *f.v > f.most {
			return fmt.Errorf("%s: %d is not between 1 and %d", f.name, *f.v, f.most)
		}
	}
	if c.Workers < 2 {
		return errors.New("workers: one picks and one packs, so there are two at least")
	}
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	}
	if err := inventory.CheckStrategy(c.Policy.Strategy); err != nil {
		return fmt.Errorf("strategy: %w", err)
	}
	if c.Fork != nil {
		c.Start = c.Fork.Time
		c.Days = 1 + int(c.Fork.Until.Sub(c.Start)/(24*time.Hour))
		return nil // what is not set stays as the hub had it
	}
	p := &c.Policy
	p.WaveSize = cmp.Or(p.WaveSize, 20)
	p.WaveTimeout = cmp.Or(p.WaveTimeout, 10*time.Minute)
	p.WaveUrgent = cmp.Or(p.WaveUrgent, time.Hour)
	return nil
}

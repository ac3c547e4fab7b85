package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/routes/simulate"
)

// simulated is a day of 100,000 order lines through the hub's routes in virtual time, every
// event checked, with the log on SQLite so that memory holds the warehouse alone.
type simulated struct {
	dir   string
	store *sqlite.Store
}

func openSimulated(ctx context.Context, c *config) (probe, error) {
	// In the system's memory where it has a folder there: of the disk nothing is asked here, and
	// its syncs would be all that is measured.
	at := c.work
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		at = "/dev/shm"
	}
	dir, err := os.MkdirTemp(at, "simulate-")
	if err != nil {
		return nil, err
	}
	s, err := sqlite.Open(ctx, dir, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	return &simulated{dir, s}, nil
}

// The day: 50,000 orders of two lines on average.
const simulatedOrders = 50_000

func (s *simulated) round(ctx context.Context) (sample, error) {
	first, last := 0.0, 0.0
	res, err := simulate.Run(ctx, simulate.Config{
		Seed: 1, Orders: simulatedOrders, Lines: 3, Items: 5_000, Owners: 5, Aisles: 50, Cells: 60, Workers: 1_200,
		Faults: simulate.FloorFaults(), Journal: s.store,
		Progress: func(p simulate.Progress) {
			// When a tenth of the orders has come, and at the end.
			if last = rss("self"); first == 0 && p.Orders > simulatedOrders/10 {
				first = last
			}
		},
	})
	if err != nil {
		return sample{}, fmt.Errorf("simulating a day: %w", err)
	}
	return sample{value: float64(res.EventsPerS), counts: map[string]float64{
		"lines": float64(res.Lines), "orders": float64(res.Orders), "events": float64(res.Events), "seconds": res.Took.Round(time.Second).Seconds(),
		"real_time_factor": float64(res.Factor), "rss_begin_mb": first, "rss_end_mb": last, "peak_rss_mb": peakRSS("self"),
	}}, nil
}

func (s *simulated) Close() error {
	err := s.store.Close()
	if rerr := os.RemoveAll(s.dir); err == nil {
		err = rerr
	}
	return err
}

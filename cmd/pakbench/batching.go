package main

import (
	"context"
	"fmt"
	"time"

	"github.com/paklog/hub/core/batch"
	"github.com/paklog/hub/core/batch/batchtest"
	"github.com/paklog/hub/core/route"
)

// An answer is that of one second; what is left of a gap may be the bound's, which gets
// more time.
const (
	batchTime = time.Second
	boundTime = 20 * time.Second
)

// batchSeeds are the instances of each capacity and demand.
const batchSeeds = 2

// batching solves instances made to Henn and Waescher's description.
type batching struct{ cases []*batch.Instance }

func openBatching(orders int) func(context.Context, *config) (probe, error) {
	return func(context.Context, *config) (probe, error) {
		b := &batching{}
		for _, demand := range []batchtest.Demand{batchtest.Uniform, batchtest.ByClass} {
			for _, capacity := range []int{30, 45, 60, 75} {
				for seed := range uint64(batchSeeds) {
					b.cases = append(b.cases, batchtest.HennWaescher(orders, capacity, demand, seed))
				}
			}
		}
		return b, nil
	}
}

func (b *batching) round(ctx context.Context) (sample, error) {
	var ours, firstCome, sShape tours
	var took time.Duration
	var proven, infeasible int
	var shorter float64 // by what the longer run finds, in percent
	for i, in := range b.cases {
		a, spent, err := batched(ctx, in, batchTime)
		if err != nil {
			return sample{}, err
		}
		took += spent
		if err := batchtest.Check(in, a); err != nil {
			infeasible++
		}
		bound := a.Bound
		if a.Length > bound {
			longer, _, err := batched(ctx, in, boundTime)
			if err != nil {
				return sample{}, err
			}
			bound = max(bound, longer.Bound)
			shorter += 100 * max(0, float64(a.Length-longer.Length)/float64(a.Length))
		}
		if a.Length == bound {
			proven++
		}
		exact, shaped, err := inTurn(in)
		if err != nil {
			return sample{}, fmt.Errorf("instance %d: %w", i, err)
		}
		ours.add(float64(a.Length), float64(bound))
		firstCome.add(float64(exact), float64(bound))
		sShape.add(float64(shaped), float64(bound))
	}
	n := float64(len(b.cases))
	return sample{value: took.Seconds() / n, counts: map[string]float64{
		"instances": n, "gap_pct": ours.sum / n, "worst_gap_pct": ours.worst, "us_per_instance": float64(took.Microseconds()) / n,
		"baseline_gap_pct": firstCome.sum / n, "sshape_gap_pct": sShape.sum / n, "proven": float64(proven), "shorter_in_20s_pct": shorter / n, "infeasible": float64(infeasible),
	}}, nil
}

// batched solves within processor time: the wall's would count who else works here.
func batched(ctx context.Context, in *batch.Instance, within time.Duration) (batch.Answer, time.Duration, error) {
	from := cpuTime()
	a, err := batch.Solve(in, 1, func(int64) bool { return cpuTime()-from > within || ctx.Err() != nil })
	if err == nil {
		err = ctx.Err()
	}
	return a, cpuTime() - from, err
}

// inTurn batches orders as they come, as many as fit, and is the length of all tours:
// the shortest, and those by S-shape.
func inTurn(in *batch.Instance) (exact, shaped int64, err error) {
	r, err := route.NewRouter(in.Warehouse)
	if err != nil {
		return 0, 0, err
	}
	var at []route.Position
	walk := func() {
		exact += r.Length(at)
		shaped += route.SShape(in.Warehouse, at)
		at = at[:0]
	}
	for _, o := range in.Orders {
		if len(at)+len(o.Lines) > in.Capacity {
			walk()
		}
		at = append(at, o.Lines...)
	}
	walk()
	return exact, shaped, nil
}

func (b *batching) Close() error { return nil }

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/simulate"
)

func newWhatIf(g *global) *cobra.Command {
	var at uint64
	var from string
	var set []string
	cfg := simulate.Config{}
	cmd := &cobra.Command{
		Use: "whatif", Short: "Play recorded arrivals again under another policy, and print the difference",
		Long: `Forks the journal at a position, in memory, and lets what came from outside behind it come again at its
recorded times: orders with their changes, splits, merges, holds and cancellations, announced and other goods, scans of
goods and LPNs, master data. A simulated floor works
them off twice, from the same seed: as the hub is configured, and with each --set. The difference in travel,
orders in time, labour and shorts is printed.

Nothing reaches outside: carriers are a ledger in memory, and no document leaves. The journal is only read; where a
hub runs on it, a backup is taken and read. What is not played again (waves and loads that people planned, say) is
counted.`,
		Example: `  paklog whatif --at 120000 --set wave.size=50
  paklog whatif --at 0 --set strategy=fewest_picks --set workers=20 --workers 20
  paklog whatif --data /backups/paklog-2026-11-23 --at 52000 --set wave.timeout=5m --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromOne(cmd); err != nil {
				return err
			}
			if len(set) == 0 {
				return usagef(cmd, "nothing is changed: give --set name=value, of %s", strings.Join(simulate.Policies(), ", "))
			}
			for _, s := range set {
				var try simulate.Config
				if err := try.SetPolicy(s); err != nil {
					return usagef(cmd, "--set: %w", err)
				}
			}
			loaded, _, err := load(g.config)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			var e *evidence
			if from != "" {
				e, err = openEvidence(ctx, from)
			} else {
				_, e, err = configuredEvidence(ctx, loaded)
			}
			if err != nil {
				return err
			}
			c, err := compare(ctx, e.store, journal.Pos(at), flowConfig(loaded), cfg, set)
			if err = errors.Join(err, e.close()); err != nil {
				return err
			}
			if g.json {
				return writeJSON(cmd.OutOrStdout(), c)
			}
			return printComparison(cmd.OutOrStdout(), c, set)
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&at, "at", 0, "position that the fork begins behind; 0 plays everything")
	f.StringVar(&from, "data", "", "data folder or backup; the configured journal when nothing is named")
	f.StringArrayVar(&set, "set", nil, "policy, as name=value: "+strings.Join(simulate.Policies(), ", "))
	f.Uint64Var(&cfg.Seed, "seed", 1, "of the simulated floor")
	f.IntVar(&cfg.Workers, "workers", 12, "people on the floor: three of four pick")
	_ = cmd.RegisterFlagCompletionFunc("set", words(simulate.Policies()...)) // the flag is there
	return cmd
}

func compare(ctx context.Context, log journal.Log, at journal.Pos, flows routes.FlowConfig, cfg simulate.Config, set []string) (*simulate.Comparison, error) {
	fork, err := simulate.ReadFork(ctx, log, at, flows)
	if err != nil {
		return nil, err
	}
	return simulate.WhatIf(ctx, fork, cfg, set)
}

func printComparison(out io.Writer, c *simulate.Comparison, set []string) error {
	fmt.Fprintf(out, "behind position %d: %d arrivals from %s to %s\n", c.Fork.At, c.Fork.Arrivals, c.Fork.Time.Format(time.DateTime), c.Fork.Until.Format(time.DateTime))
	for _, typ := range slices.Sorted(maps.Keys(c.Fork.Skipped)) {
		fmt.Fprintf(out, "not played again: %d %s\n", c.Fork.Skipped[typ], typ)
	}
	t := newTable(out, "", "as it was", strings.Join(set, " "), "difference")
	row := func(name string, a, b int64) { t.row(name, a, b, fmt.Sprintf("%+d", b-a)) }
	a, b := c.Old, c.New
	row("orders", int64(a.Orders), int64(b.Orders))
	row("shipped", int64(a.Shipped), int64(b.Shipped))
	row("before their cut-off", int64(a.OnTime), int64(b.OnTime))
	row("cut-offs missed", int64(a.Missed), int64(b.Missed))
	row("wait for goods", int64(a.Backordered), int64(b.Backordered))
	row("short picks", int64(a.Shorts), int64(b.Shorts))
	row("waves", int64(a.Waves), int64(b.Waves))
	row("cartons", int64(a.Cartons), int64(b.Cartons))
	row("travel, m", a.TravelM, b.TravelM)
	row("labour, min", a.LabourMin, b.LabourMin)
	row("of the shifts, %", int64(a.Utilised), int64(b.Utilised))
	return t.flush()
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/core/wave"
)

func newWaves(g *global) *cobra.Command {
	cmd := newWavesList(g)
	cmd.Use, cmd.Aliases, cmd.Short = "waves", []string{"wave"}, "List, plan, change, release and cancel waves"
	cmd.Example = `  paklog waves --status planned
  paklog wave plan --dry-run
  paklog wave plan W-RUSH SO-1001 SO-1002
  paklog wave show W-000001`
	cmd.AddCommand(newWavesList(g), newWaveShow(g), newWavePlan(g), newWaveRelease(g), newWaveCancel(g),
		newWaveOrder(g, "add", "Put an order into a planned wave, within its limits"),
		newWaveOrder(g, "remove", "Take an order out of a planned wave; it is planned again"),
		newWaveMove(g), newWaveOptimize(g))
	return cmd
}

func newWavesList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List waves by facility and name",
		Example: `  paklog waves list --status released`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/waves", []string{"FACILITY", "WAVE", "STATUS", "TEMPLATE", "ORDERS", "OPEN", "CUT-OFF", "METHOD", "BATCHES", "METRES"}, func(d view.Doc) ([]any, error) {
				var w wave.Wave
				if err := json.Unmarshal(d.State, &w); err != nil {
					return nil, err
				}
				return []any{d.Facility, d.ID, d.Status, w.Template, len(w.Orders), w.Open, instant(w.CutOff), w.Batching.Method, len(w.Batching.Batches), metres(w.Batching.Total)}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Wave)...)
	return cmd
}

// metres are um in whole metres, rounded up.
func metres(um int64) int64 { return (um + 999_999) / 1_000_000 }

// wavePath names a wave of a building.
func wavePath(c *caller, facility, id string) string {
	return "/v1/waves/" + url.PathEscape(cmp.Or(facility, c.cfg.Facility)) + "/" + url.PathEscape(id)
}

// waveAct sends a command about a wave and tells what became of it.
func waveAct(cmd *cobra.Command, g *global, facility, id, verb string, body any) error {
	return withHub(cmd, g, func(ctx context.Context, c *caller) error {
		var raw json.RawMessage
		path := "/v1/waves"
		if verb != "" {
			path = wavePath(c, facility, id) + "/" + verb
		}
		if err := c.do(ctx, http.MethodPost, path, body, &raw); err != nil {
			return err
		}
		return tellAnswer(cmd, g, raw, func(w wave.Wave) {
			fmt.Fprintf(cmd.OutOrStdout(), "wave %s is %s, %d of its %d orders are open\n", clean(w.ID), w.Status, w.Open, len(w.Orders))
		})
	})
}

func newWaveShow(g *global) *cobra.Command {
	var facility string
	cmd := &cobra.Command{
		Use: "show WAVE", Short: "Show a wave: its orders, and in which batches they are picked",
		Example: `  paklog wave show W-000001
  paklog wave show W-000001 --json | jq .state.batching`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, waveNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var d view.Doc
				if err := c.do(ctx, http.MethodGet, wavePath(c, facility, args[0]), nil, &d); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), d)
				}
				var w wave.Wave
				if err := json.Unmarshal(d.State, &w); err != nil {
					return fmt.Errorf("reading %s: %w", d.Key, err)
				}
				showWave(cmd, w)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

func showWave(cmd *cobra.Command, w wave.Wave) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "wave %s of %s is %s", clean(w.ID), clean(w.Template), w.Status)
	if !w.CutOff.IsZero() {
		fmt.Fprintf(out, ", cut-off %s", instant(w.CutOff))
	}
	fmt.Fprintln(out)
	t := newTable(out, "OWNER", "ORDER", "LINES", "UNITS", "OUTCOME")
	for _, m := range w.Orders {
		t.row(m.Owner, m.Order.Order, m.Lines, m.Units, m.Outcome)
	}
	_ = t.flush() // as the lines around it
	b := w.Batching
	if b.Method == "" {
		return
	}
	fmt.Fprintf(out, "%s: %d m, no way is shorter than %d m, first come in S-shape is %d m\n", b.Method, metres(b.Total), metres(b.Bound), metres(b.Baseline))
	if b.Because != "" {
		fmt.Fprintln(out, clean(b.Because))
	}
	t = newTable(out, "BATCH", "LAYOUT", "ZONE", "ORDERS", "STOPS", "LINES", "UNITS", "METRES")
	for _, x := range b.Batches {
		t.row(x.No, x.Layout, x.Zone, len(x.Orders), x.Stops, x.Lines, x.Units, metres(x.Length))
	}
	_ = t.flush()
}

func newWavePlan(g *global) *cobra.Command {
	var (
		owner, facility, cutOff string
		priority                int
		dry                     bool
	)
	cmd := &cobra.Command{
		Use: "plan [WAVE ORDER...]", Short: "Plan a wave of orders by hand, or show what planning would do",
		Long: `Plan a wave of the orders named, in their order; it waits for its release.

With --dry-run nothing is planned: it shows which waves would come of the orders that wait, by
template, and which orders none of them holds; for an order that is named, why it is in no wave.`,
		Example: `  paklog wave plan W-RUSH SO-1001 SO-1002 --priority 9
  paklog wave plan --dry-run
  paklog wave plan --dry-run SO-1001`,
		Args: cobra.MinimumNArgs(0), ValidArgsFunction: fromHub(g, orderNumbers),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dry {
				if len(args) > 1 {
					return usagef(cmd, "--dry-run explains one order at a time")
				}
				b := rest.WavePreview{Facility: facility, Owner: owner}
				if len(args) == 1 {
					b.Number = args[0]
				}
				return ask(cmd, g, "/v1/waves/preview", b, func(p wave.Previewed) { tellPreview(cmd, p) })
			}
			if len(args) < 2 {
				return usagef(cmd, "name the wave and its orders, or ask with --dry-run")
			}
			b := rest.WaveBody{Facility: facility, Wave: args[0], Strategy: "by hand", Priority: priority}
			if cutOff != "" {
				var err error
				if b.CutOff, err = time.Parse(time.RFC3339, cutOff); err != nil {
					return usagef(cmd, "--cut-off %s: is no time like 2026-11-24T16:00:00Z", cutOff)
				}
			}
			for _, n := range args[1:] {
				b.Orders = append(b.Orders, rest.OrderOfWave{Owner: owner, Number: n})
			}
			return waveAct(cmd, g, facility, args[0], "", b)
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose orders; the configured owner's where it is left out")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&cutOff, "cut-off", "", "when its orders must have left, as 2026-11-24T16:00:00Z")
	cmd.Flags().IntVar(&priority, "priority", 0, "0 to 9; 9 is most urgent")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show what would be planned, and why orders are not")
	return cmd
}

func tellPreview(cmd *cobra.Command, p wave.Previewed) {
	out := cmd.OutOrStdout()
	if x := p.Order; x != nil {
		switch {
		case x.Because != "":
			fmt.Fprintf(out, "order %s cannot go: %s\n", clean(x.Order), clean(x.Because))
		default:
			fmt.Fprintf(out, "order %s goes with template %s\n", clean(x.Order), clean(x.Template))
		}
		for _, n := range x.NotOf {
			fmt.Fprintf(out, "  not with %s: %s\n", clean(n.Template), clean(n.Because))
		}
		return
	}
	if len(p.Templates) == 0 {
		fmt.Fprintln(out, "no order waits for a wave")
	}
	for _, t := range p.Templates {
		fmt.Fprintf(out, "template %s", clean(t.Template))
		if !t.Due.IsZero() {
			fmt.Fprintf(out, ", at the latest %s", instant(t.Due))
		}
		fmt.Fprintln(out)
		for i, w := range t.Waves {
			fmt.Fprintf(out, "  wave %d: %d orders, %d lines, %d units:", i+1, w.Share.Orders, w.Share.Lines, w.Share.Units)
			for _, o := range w.Orders {
				fmt.Fprintf(out, " %s", clean(o.Order))
			}
			fmt.Fprintln(out)
		}
		for _, l := range t.Left {
			fmt.Fprintf(out, "  not %s: %s\n", clean(l.Order), clean(l.Because))
		}
	}
}

// onWave is a verb about one wave.
func onWave(g *global, use, short, example string, run func(cmd *cobra.Command, facility string, args []string) error) *cobra.Command {
	var facility string
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: cobra.MinimumNArgs(1), ValidArgsFunction: fromHub(g, waveNames),
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd, facility, args) },
	}
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

func newWaveRelease(g *global) *cobra.Command {
	return onWave(g, "release WAVE", "Give a planned wave to the floor", "  paklog wave release W-RUSH",
		func(cmd *cobra.Command, facility string, args []string) error {
			return waveAct(cmd, g, facility, args[0], "release", nil)
		})
}

func newWaveOptimize(g *global) *cobra.Command {
	return onWave(g, "optimize WAVE", "Batch a planned wave, to see how it would be picked", "  paklog wave optimize W-RUSH && paklog wave show W-RUSH",
		func(cmd *cobra.Command, facility string, args []string) error {
			return waveAct(cmd, g, facility, args[0], "optimize", nil)
		})
}

func newWaveCancel(g *global) *cobra.Command {
	var reason string
	cmd := onWave(g, "cancel WAVE", "End a wave; its unfinished orders are planned again", `  paklog wave cancel W-RUSH --reason "truck does not come"`,
		func(cmd *cobra.Command, facility string, args []string) error {
			if reason == "" {
				return usagef(cmd, "say why with --reason")
			}
			return waveAct(cmd, g, facility, args[0], "cancel", rest.ReasonBody{Reason: reason})
		})
	cmd.Flags().StringVar(&reason, "reason", "", "why; kept with the wave")
	return cmd
}

func newWaveOrder(g *global, verb, short string) *cobra.Command {
	var owner string
	cmd := onWave(g, verb+" WAVE ORDER", short, "  paklog wave "+verb+" W-RUSH SO-1001",
		func(cmd *cobra.Command, facility string, args []string) error {
			if len(args) != 2 {
				return usagef(cmd, "name the wave and the order")
			}
			return waveAct(cmd, g, facility, args[0], verb, rest.OrderOfWave{Owner: owner, Number: args[1]})
		})
	cmd.Flags().StringVar(&owner, "owner", "", "whose order; the configured owner's where it is left out")
	return cmd
}

func newWaveMove(g *global) *cobra.Command {
	var owner, to string
	cmd := onWave(g, "move WAVE ORDER", "Take an order out of a planned wave into another", "  paklog wave move W-RUSH SO-1001 --to W-LATE",
		func(cmd *cobra.Command, facility string, args []string) error {
			if len(args) != 2 || to == "" {
				return usagef(cmd, "name the wave, the order, and with --to the wave that it goes into")
			}
			return waveAct(cmd, g, facility, args[0], "move", rest.WaveMove{OrderOfWave: rest.OrderOfWave{Owner: owner, Number: args[1]}, To: to})
		})
	cmd.Flags().StringVar(&owner, "owner", "", "whose order; the configured owner's where it is left out")
	cmd.Flags().StringVar(&to, "to", "", "a planned wave of the same building")
	_ = cmd.RegisterFlagCompletionFunc("to", fromHub(g, waveNames)) // the flag is there
	return cmd
}

func waveNames(ctx context.Context, c *caller, _ string) ([]string, error) {
	found, err := documents(ctx, c, "/v1/waves", url.Values{}, 100)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range found.Items {
		out = append(out, d.ID+"\t"+d.Facility+" "+d.Status)
	}
	return out, nil
}

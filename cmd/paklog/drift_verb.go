package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/shop"
)

func newDrift(g *global) *cobra.Command {
	var run, repair bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "drift SHOP", Short: "Show how a shop's books differ from ours: orders, shipments, stock; and set it right",
		Long: `Show what the last look through a shop's books found to differ from ours: orders, shipments and stock that are missing,
extra, of another quantity, in another state, or late. Looks are made as shops.NAME.drift says, and by --run. With --repair
what differs is set right: orders are read and decided on anew, shipments that the shop lost are told again, stock is set.
What is late waits in a letter, and is not told a second time. Ends with 3 when something differs and is not set right.`,
		Example: "  paklog drift main\n  paklog drift main --run --json\n  paklog drift main --repair",
		Args:    cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			cfg, _, err := load(g.config)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return slices.Sorted(maps.Keys(cfg.Shops)), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				path := "/v1/shops/" + url.PathEscape(args[0]) + "/drift"
				var raw json.RawMessage
				var r shop.DriftReport
				look := func(method string, body any) error {
					if err := c.do(ctx, method, path, body, &raw); err != nil {
						return err
					}
					r = shop.DriftReport{}
					return json.Unmarshal(raw, &r)
				}
				if run || repair {
					if err := look(http.MethodPost, rest.DriftBody{Repair: repair}); err != nil {
						return err
					}
				} else if err := look(http.MethodGet, nil); err != nil {
					return err
				}
				for end := time.Now().Add(wait); (run || repair) && r.Done.IsZero() && time.Now().Before(end); {
					again := time.NewTimer(100 * time.Millisecond)
					select {
					case <-again.C:
					case <-ctx.Done():
						return ctx.Err()
					}
					if err := look(http.MethodGet, nil); err != nil {
						return err
					}
				}
				if err := tellAnswer(cmd, g, raw, func(r shop.DriftReport) { tellDrift(cmd, r) }); err != nil {
					return err
				}
				if r.More > 0 || slices.ContainsFunc(r.Found, func(f shop.Drift) bool { return !f.Repaired }) {
					return exitFindings
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&run, "run", false, "look through the books now")
	cmd.Flags().BoolVar(&repair, "repair", false, "look through the books now, and set right what differs")
	cmd.Flags().DurationVar(&wait, "wait", time.Minute, "how long to wait for a look; it goes on without you")
	return cmd
}

func tellDrift(cmd *cobra.Command, r shop.DriftReport) {
	w := cmd.OutOrStdout()
	state := "done " + instant(r.Done)
	if r.Done.IsZero() {
		state = "under way"
	}
	fmt.Fprintf(w, "%s, begun %s, %s: %d orders that changed since %s, %d items\n", clean(r.Shop), instant(r.Begun), state, r.Orders, instant(r.Since), r.Items)
	if len(r.Found) == 0 {
		if !r.Done.IsZero() {
			fmt.Fprintln(w, "nothing differs")
		}
		return
	}
	t := newTable(w, "ABOUT", "KIND", "WHAT", "ORDER", "ITEM", "OURS", "THEIRS", "SET RIGHT", "WHY")
	for _, f := range r.Found {
		what := f.Work + f.Place
		t.row(f.About, f.Kind, what, f.Order, f.Item, f.Ours, f.Theirs, map[bool]string{true: "yes"}[f.Repaired], f.Text)
	}
	_ = t.flush() // a failed write is the reader's
	if r.More > 0 {
		fmt.Fprintf(w, "and %d more\n", r.More)
	}
}

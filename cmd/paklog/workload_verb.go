package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/view"
)

func newWorkload(g *global) *cobra.Command {
	var facility string
	cmd := &cobra.Command{
		Use: "workload", Short: "Show the work against the shifts, and what will miss its cut-off",
		Long: `Show the work of waves and of orders that wait for one, in minutes of one worker by the labour
standards, against the people who are planned for each shift; and the orders that will miss their
cut-off at best, for breaks and ways between the zones are not counted. It is calculated when waves
come and go, and every few minutes. Shifts are configured, or given by PUT /v1/workload.`,
		Example: `  paklog workload
  paklog workload --facility DC2 --json | jq '.state.risks[].order'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var d view.Doc
				path := "/v1/workload"
				if facility != "" {
					path += "?facility=" + url.QueryEscape(facility)
				}
				err := c.do(ctx, http.MethodGet, path, nil, &d)
				var p *problem
				if errors.As(err, &p) && p.Status == http.StatusNotFound {
					return errors.New("nothing was calculated yet: plan shifts in the configuration or by PUT /v1/workload, and let a wave come")
				}
				if err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), d)
				}
				var w labor.Workload
				if err := json.Unmarshal(d.State, &w); err != nil {
					return fmt.Errorf("reading %s: %w", d.Key, err)
				}
				showWorkload(cmd, w)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

func minutes(ms int64) int64 { return (ms + 59_999) / 60_000 }

func showWorkload(cmd *cobra.Command, w labor.Workload) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "as of %s\n", instant(w.At))
	t := newTable(out, "KIND", "ZONE", "ORDERS", "MINUTES", "STAFF")
	for _, x := range w.Totals {
		staff := "planned"
		if !x.Staffed {
			staff = "nobody is planned"
		}
		t.row(x.Kind, x.Zone, x.Jobs, minutes(x.Work), staff)
	}
	_ = t.flush()
	if len(w.Loads) > 0 {
		t = newTable(out, "SHIFT", "KIND", "ZONE", "FROM", "TO", "WORKERS", "AVAILABLE", "WORK", "SHARE")
		for _, l := range w.Loads {
			t.row(l.Shift, l.Kind, l.Zone, instant(l.From), instant(l.To), l.Workers, minutes(l.Available), minutes(l.Work), fmt.Sprintf("%d %%", l.Work*100/max(1, l.Available)))
		}
		_ = t.flush()
	}
	if len(w.Risks) == 0 {
		fmt.Fprintln(out, "no order will miss its cut-off")
		return
	}
	t = newTable(out, "OWNER", "ORDER", "WAVE", "CUT-OFF", "READY", "LATE", "FOR")
	for _, r := range w.Risks {
		late := "not within a week"
		if !r.Finish.IsZero() {
			late = (time.Duration(r.Late) * time.Millisecond).Round(time.Second).String()
		}
		t.row(r.Owner, r.Order, r.Wave, instant(r.CutOff), instant(r.Finish), late, r.Kind+" "+r.Zone)
	}
	_ = t.flush()
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/view"
)

func newPutAway(g *global) *cobra.Command {
	cmd := newPutAwayList(g)
	cmd.Use, cmd.Short = "putaway", "List what is to be put away and where; tell where it lies"
	cmd.Example = `  paklog putaway
  paklog putaway done PA-0123456789ab --worker jo --location B-07
  paklog putaway done PA-0123456789ab --worker jo --location B-08 --reason "aisle blocked"`
	cmd.AddCommand(newPutAwayList(g), newPutAwayDone(g))
	return cmd
}

func newPutAwayList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List put-aways by owner and task",
		Example: `  paklog putaway list --status open`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := l.wrong(cmd); err != nil {
				return err
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				tasks, err := documents(ctx, c, "/v1/tasks", l.query(), 0)
				if err != nil {
					return err
				}
				defer standing(cmd.ErrOrStderr(), tasks)
				found := []view.Doc{}
				t := newTable(cmd.OutOrStdout(), "OWNER", "TASK", "STATUS", "WORKER", "ITEM", "LOT", "LPN", "QTY", "FROM", "TO")
				for _, d := range tasks.Items {
					var x task.Task
					if err := json.Unmarshal(d.State, &x); err != nil {
						return fmt.Errorf("reading %s: %w", d.Key, err)
					}
					if x.Kind != task.KindPutAway || l.limit > 0 && len(found) == l.limit {
						continue
					}
					found = append(found, d)
					for _, st := range x.Steps {
						t.row(d.Owner, d.ID, d.Status, x.Worker, st.Item, st.From.Lot, st.From.LPN, st.Qty, st.From.Location, st.To.Location)
					}
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), found)
				}
				return t.flush()
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Task)...)
	return cmd
}

func newPutAwayDone(g *global) *cobra.Command {
	var owner, facility string
	var b rest.PutBody
	cmd := &cobra.Command{
		Use: "done TASK", Short: "Say where the goods lie now, as scanned; another place than was planned needs a reason",
		Example: `  paklog putaway done PA-0123456789ab --worker jo --location B-07
  paklog putaway done PA-0123456789ab --worker jo --location B-07 --qty 12`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Worker == "" || b.Location == "" {
				return usagef(cmd, "say with --worker who put it away and with --location where, as scanned")
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				owner, err := ownerOf(ctx, c, view.Task, args[0], owner)
				if err != nil {
					return err
				}
				path := "/v1/tasks/" + url.PathEscape(owner) + "/" + url.PathEscape(args[0])
				in := "?facility=" + url.QueryEscape(facility)
				var t task.Task
				if err := c.do(ctx, http.MethodPost, path+"/claim"+in, rest.ClaimBody{Worker: b.Worker}, &t); err != nil {
					return err
				}
				b.Claim = t.Claims
				var raw json.RawMessage
				if err := c.do(ctx, http.MethodPost, path+"/put"+in, b, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, func(t task.Task) {
					fmt.Fprintf(cmd.OutOrStdout(), "task %s is %s: the goods lie at %s\n", clean(t.Task), t.Status, clean(b.Location))
				})
			})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose goods")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&b.Worker, "worker", "", "who put it away; required")
	cmd.Flags().StringVar(&b.Location, "location", "", "the place, as scanned; required")
	cmd.Flags().Int64Var(&b.Qty, "qty", 0, "how many; all where it is left out, and the rest is directed anew")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "why another place than was planned")
	cmd.Flags().StringSliceVar(&b.Serials, "serial", nil, "serial numbers of the units, where it matters which")
	cmd.ValidArgsFunction = fromHub(g, putAwayNames)
	return cmd
}

func putAwayNames(ctx context.Context, c *caller, _ string) ([]string, error) {
	found, err := documents(ctx, c, "/v1/tasks", url.Values{"status": {string(task.StatusOpen)}}, 500)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range found.Items {
		var t task.Task
		if err := json.Unmarshal(d.State, &t); err == nil && t.Kind == task.KindPutAway && len(t.Steps) > 0 {
			out = append(out, d.ID+"\t"+t.Steps[0].Item+" to "+t.Steps[0].To.Location)
		}
	}
	return out, nil
}

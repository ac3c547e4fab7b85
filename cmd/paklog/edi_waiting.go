package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/core/door"
)

const waitingPath = "/v1/edi/waiting"

func waitingFor(ctx context.Context, c *caller, partner string) (list []door.Waiting, err error) {
	path := waitingPath
	if partner != "" {
		path += "?partner=" + url.QueryEscape(partner)
	}
	err = c.do(ctx, http.MethodGet, path, nil, &list)
	return list, err
}

// partnersWaiting are the partners for whom something waits.
func partnersWaiting(ctx context.Context, c *caller, _ string) (names []string, err error) {
	list, err := waitingFor(ctx, c, "")
	for _, w := range list {
		names = append(names, w.Partner)
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

func newEDIWaiting(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "waiting [PARTNER]", Short: "List what waits to leave for partners in one interchange, and until when",
		Long: `List what waits to leave for partners in one interchange (batches of edi.partners), and until when. Each of the
documents is listed by paklog edi documents --status queued.`,
		Example: `  paklog edi waiting
  paklog edi waiting ACME --json | jq '.[].sets'`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: fromHub(g, partnersWaiting),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				list, err := waitingFor(ctx, c, strings.Join(args, ""))
				if err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), list)
				}
				t := newTable(cmd.OutOrStdout(), "PARTNER", "BATCH", "SETS", "BYTES", "SINCE", "LEAVES")
				for _, w := range list {
					t.row(w.Partner, w.Batch, w.Sets, w.Bytes, instant(w.Since), instant(w.Due))
				}
				return t.flush()
			})
		},
	}
}

func newEDIFlush(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "flush PARTNER", Short: "Let what waits for a partner leave now",
		Example: "  paklog edi flush ACME",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, partnersWaiting),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var f door.Flushed
				if err := c.do(ctx, http.MethodPost, "/v1/edi/partners/"+url.PathEscape(args[0])+"/flush", nil, &f); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), f)
				}
				if f.Sets == 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "nothing waits for %s\n", clean(args[0]))
				}
				for _, name := range f.Documents {
					fmt.Fprintf(cmd.OutOrStdout(), "%s goes\n", clean(name))
				}
				return nil
			})
		},
	}
}

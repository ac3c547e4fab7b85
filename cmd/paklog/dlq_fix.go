package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/transforms/custom"
)

func newDLQFix(g *global) *cobra.Command {
	var unit string
	cmd := &cobra.Command{
		Use: "fix GROUP", Short: "Show what master data a group lacks, and add the items that nobody knows",
		Long: "Shows what master data the letters of a group lack. With --unit, each item that nobody knows is added, with that as its smallest unit; the letters that wait for it go on by themselves.",
		Example: `  paklog dlq fix 1f0c4a5be77d
  paklog dlq fix 1f0c4a5be77d --unit each`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("unit") && unit == "" {
				return usagef(cmd, "--unit is the smallest unit of the items, as each")
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var x dlq.Group
				if err := c.do(ctx, http.MethodGet, groupURL(args[0]), nil, &x); err != nil {
					return groupError(err)
				}
				if unit != "" {
					for _, r := range x.Remedy {
						if r.Operation != "register-item" {
							continue
						}
						b := custom.Item{Owner: r.Owner, SKU: r.Missing, ItemSpec: custom.ItemSpec{Units: []custom.Unit{{UOM: unit, Factor: 1}}}}
						var known item.Item
						if err := c.do(ctx, http.MethodPost, "/v1/items", b, &known); err != nil {
							return fmt.Errorf("adding item %q: %w", r.Missing, err)
						}
					}
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), x.Remedy)
				}
				return tellRemedy(cmd, x, unit)
			})
		},
	}
	cmd.Flags().StringVar(&unit, "unit", "", "add the items that nobody knows, with this as their smallest unit")
	return cmd
}

// tellRemedy says what a group lacks, and what was done about it where a unit was named.
func tellRemedy(cmd *cobra.Command, x dlq.Group, unit string) error {
	w := cmd.OutOrStdout()
	if len(x.Remedy) == 0 {
		fmt.Fprintf(w, "no open letter of group %s is known to lack master data: paklog dlq group %s\n", x.Fingerprint, x.Fingerprint)
		return nil
	}
	t := newTable(w, "KIND", "OWNER", "MISSING", "ITEM", "LETTERS", "STATUS")
	for _, r := range x.Remedy {
		status := "missing"
		if unit != "" && r.Operation == "register-item" {
			status = "added"
		}
		t.row(r.Kind, r.Owner, r.Missing, r.Item, r.Letters, status)
	}
	return t.flush()
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

func newOwners(g *global) *cobra.Command {
	cmd := newOwnersList(g)
	cmd.Use, cmd.Short = "owners", "List the owners of goods; register, change and show them"
	cmd.Long = `List the owners of goods. A hub where nobody registered one takes goods and orders of anybody. From the
first one on, items, stock, receipts and orders of an owner that is not known are refused: register all of
them together, with paklog import owners.`
	cmd.Example = `  paklog owners
  paklog owners add ACME --title "Acme Dairy" --rotation fefo --ship-days 30
  paklog owners add ACME --update --blocked
  paklog owners show ACME`
	cmd.AddCommand(newOwnersList(g), newOwnerAdd(g), newOwnerShow(g))
	return cmd
}

func newOwnersList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List the owners of goods",
		Example: `  paklog owners list --status blocked`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/owners", []string{"OWNER", "STATUS", "TITLE", "ROTATION", "RECEIVE DAYS", "SHIP DAYS"}, func(d view.Doc) ([]any, error) {
				var o owner.Owner
				if err := json.Unmarshal(d.State, &o); err != nil {
					return nil, err
				}
				return []any{d.ID, d.Status, clip(o.Spec.Title, 60), o.Spec.Rotation, o.Spec.ShelfLife.Receive, o.Spec.ShelfLife.Ship}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Owner)...)
	return cmd
}

func tellOwner(cmd *cobra.Command) func(owner.Owner) {
	return func(o owner.Owner) {
		fmt.Fprintf(cmd.OutOrStdout(), "owner %s is %s: %q, rotation %q, goods last %d days when they come and %d when they are given to an order\n",
			clean(o.Scope.Owner), o.Status(), clean(o.Spec.Title), o.Spec.Rotation, o.Spec.ShelfLife.Receive, o.Spec.ShelfLife.Ship)
	}
}

func newOwnerAdd(g *global) *cobra.Command {
	var o custom.Owner
	var life custom.Life
	var update bool
	cmd := &cobra.Command{
		Use: "add OWNER", Short: "Register an owner of goods, or change one",
		Long: `Register an owner. What is said holds for his items that say nothing themselves: --rotation is the strategy
that places are chosen by, --receive-days and --ship-days are what a lot must still have. With --update an
owner that is known is changed to just what is said; --blocked lets nothing new in, what is open goes on.`,
		Example: `  paklog owners add ACME --title "Acme Dairy" --rotation fefo --receive-days 60 --ship-days 30
  paklog owners add ACME --update --blocked`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				if o.Owner = args[0]; life != (custom.Life{}) {
					o.ShelfLife = &life
				}
				method, path, body := http.MethodPost, "/v1/owners", any(o)
				if update {
					method, path, body = http.MethodPut, "/v1/owners/"+url.PathEscape(o.Owner), o.OwnerSpec
				}
				var raw json.RawMessage
				if err := c.do(ctx, method, path, body, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, tellOwner(cmd))
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Title, "title", "", "what the owner is called")
	f.BoolVar(&o.Blocked, "blocked", false, "nothing new is taken")
	f.StringVar(&o.Rotation, "rotation", "", "strategy of allocation; the building's where it is left out")
	f.IntVar(&life.Receive, "receive-days", 0, "days that a lot must still have when it is received")
	f.IntVar(&life.Ship, "ship-days", 0, "days that a lot must still have when it is given to an order")
	f.BoolVar(&update, "update", false, "change an owner that is known")
	_ = cmd.RegisterFlagCompletionFunc("rotation", words(inventory.Strategies()...))
	return cmd
}

func newOwnerShow(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "show OWNER", Short: "Show an owner of goods",
		Example: `  paklog owners show ACME
  paklog owners show ACME --json | jq .state.spec`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, ownerIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var d view.Doc
				if err := c.do(ctx, http.MethodGet, "/v1/owners/"+url.PathEscape(args[0]), nil, &d); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), d)
				}
				var o owner.Owner
				if err := json.Unmarshal(d.State, &o); err != nil {
					return err
				}
				tellOwner(cmd)(o)
				return nil
			})
		},
	}
}

func ownerIDs(ctx context.Context, c *caller, begun string) ([]string, error) {
	found, err := documents(ctx, c, "/v1/owners", beginning(begun), 100)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, d := range found.Items {
		ids = append(ids, d.ID)
	}
	return ids, nil
}

package main

import (
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/view"
)

func newItems(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "items", Short: "List what is stored: items by owner and SKU",
		Example: `  paklog items
  paklog items --owner ACME --json | jq -r '.[].id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/items", []string{"OWNER", "ITEM", "UNITS", "DESCRIPTION"}, func(d view.Doc) ([]any, error) {
				var it item.Item
				if err := json.Unmarshal(d.State, &it); err != nil {
					return nil, err
				}
				var units []string
				for _, u := range it.Spec.Units {
					units = append(units, u.UOM)
				}
				return []any{d.Owner, d.ID, strings.Join(units, " "), clip(it.Spec.Description, 60)}, nil
			})
		},
	}
	l.flags(cmd)
	return cmd
}

func newLocations(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "locations", Short: "List places by facility and code",
		Example: `  paklog locations
  paklog locations --status blocked`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/locations", []string{"FACILITY", "LOCATION", "STATUS", "ZONE", "PURPOSE"}, func(d view.Doc) ([]any, error) {
				var at location.Location
				if err := json.Unmarshal(d.State, &at); err != nil {
					return nil, err
				}
				return []any{d.Facility, d.ID, d.Status, at.Spec.Zone, at.Spec.Purpose}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Location)...)
	return cmd
}

func newStock(g *global) *cobra.Command {
	cmd := newStockList(g)
	cmd.Use, cmd.Short = "stock", "List stock; adjust, move, quarantine and reconcile it"
	cmd.Example = `  paklog stock
  paklog stock accounts MUG
  paklog stock serials DRILL
  paklog stock adjust MUG --location A-01 --delta -2 --reason damage
  paklog stock reconcile snapshot.csv`
	cmd.AddCommand(newStockList(g), newStockAccounts(g), newStockAdjust(g), newStockMove(g), newStockSerials(g), newStockQuarantine(g, false), newStockQuarantine(g, true), newStockReconcile(g))
	return cmd
}

func newStockList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List stock by owner, item and facility",
		Long: `List stock: ATP is what may still be promised, FREE what nobody was given a place of, PROMISED
what is reserved without a place. All in the item's smallest unit.`,
		Example: `  paklog stock list
  paklog stock list --owner ACME --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/stock", []string{"OWNER", "ITEM", "FACILITY", "ON HAND", "FREE", "PROMISED", "ATP", "PICKED", "PACKED", "STAGED"},
				func(d view.Doc) ([]any, error) {
					var s inventory.Stock
					if err := json.Unmarshal(d.State, &s); err != nil {
						return nil, err
					}
					return []any{d.Owner, d.ID, d.Facility, s.OnHand(), s.Free(), s.Promised, s.AvailableToPromise(), s.Picked, s.Packed, s.Staged}, nil
				})
		},
	}
	l.flags(cmd)
	return cmd
}

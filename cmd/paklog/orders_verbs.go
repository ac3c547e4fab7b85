package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/view"
)

func newOrders(g *global) *cobra.Command {
	cmd := newOrdersList(g) // as items, locations and stock do
	cmd.Use, cmd.Aliases, cmd.Short = "orders", []string{"order"}, "List, show, add, change, split, merge, hold, release and cancel orders"
	cmd.Example = `  paklog orders
  paklog orders list --status backordered
  paklog orders show SO-1001 --journey
  paklog order add
  paklog order add --number SO-1001 --line MUG-BLUE=3 --line KETTLE=1:case --name "Jane Doe" \
    --street "1 Main St" --city Reno --region NV --postal-code 89501 --country US
  paklog order add --file order.json
  paklog orders change SO-1001 --qty 1=5 --remove 2
  paklog orders split SO-1001 --to SO-1001-B --line 1=2`
	cmd.AddCommand(newOrdersList(g), newOrderShow(g), newOrderWhy(g), newOrderAdd(g), newOrderChange(g), newOrderSplit(g), newOrderMerge(g),
		newOrderHold(g), newOrderRelease(g), newOrderCancel(g))
	return cmd
}

func newOrdersList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List orders by owner and number",
		Example: `  paklog orders list
  paklog orders list --owner ACME --status held --json | jq -r '.[].id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/orders", []string{"OWNER", "ORDER", "STATUS", "LINES", "ORDERED", "SHIPPED", "OPEN", "UPDATED"},
				func(d view.Doc) ([]any, error) {
					var o order.Order
					if err := json.Unmarshal(d.State, &o); err != nil {
						return nil, err
					}
					t := o.Totals()
					return []any{d.Owner, d.ID, d.Status, len(o.Lines), t.Ordered, t.Shipped, t.Open, instant(d.Updated)}, nil
				})
		},
	}
	l.flags(cmd, rest.Statuses(view.Order)...)
	return cmd
}

// orderPath finds the order that is meant.
func orderPath(ctx context.Context, c *caller, number, owner string) (string, error) {
	owner, err := ownerOf(ctx, c, view.Order, number, owner)
	if err != nil {
		return "", err
	}
	return "/v1/orders/" + url.PathEscape(owner) + "/" + url.PathEscape(number), nil
}

// orderError says what to do where an order is not there.
func orderError(err error) error {
	var p *problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return fmt.Errorf("%w: paklog orders list shows those there are, --owner names whose", err)
	}
	return err
}

func newOrderShow(g *global) *cobra.Command {
	var owner string
	var journey bool
	cmd := &cobra.Command{
		Use: "show ORDER", Short: "Show an order: where each line stands and, with --journey, how it came there",
		Example: `  paklog orders show SO-1001
  paklog orders show SO-1001 --owner ACME --journey`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, orderNumbers),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				path, err := orderPath(ctx, c, args[0], owner)
				if err != nil {
					return err
				}
				var shown struct {
					view.Doc
					Journey []view.Hop `json:"journey,omitempty"`
				}
				if err := c.do(ctx, http.MethodGet, path, nil, &shown.Doc); err != nil {
					return orderError(err)
				}
				if journey && shown.Correlation != "" {
					if shown.Journey, err = hops(ctx, c, shown.Correlation); err != nil {
						return err
					}
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), shown)
				}
				if err := showOrder(cmd.OutOrStdout(), shown.Doc); err != nil || !journey {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout())
				t := newTable(cmd.OutOrStdout(), "POSITION", "TIME", "ROUTE", "WROTE", "ABOUT")
				for _, h := range shown.Journey {
					t.row(h.Position, h.Time.UTC().Format("15:04:05.000"), h.Route, h.Type, h.Key)
				}
				return t.flush()
			})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose order, where several have one of this number")
	cmd.Flags().BoolVar(&journey, "journey", false, "each hop from the first document on")
	return cmd
}

func hops(ctx context.Context, c *caller, correlation string) ([]view.Hop, error) {
	var all []view.Hop
	for after := uint64(0); ; {
		var j rest.Journey
		path := fmt.Sprintf("/v1/journeys/%s?limit=1000&after=%d", url.PathEscape(correlation), after)
		if err := c.do(ctx, http.MethodGet, path, nil, &j); err != nil {
			return nil, err
		}
		all = append(all, j.Hops...)
		if after = uint64(j.Next); after == 0 {
			return all, nil
		}
	}
}

func showOrder(w io.Writer, d view.Doc) error {
	var o order.Order
	if err := json.Unmarshal(d.State, &o); err != nil {
		return fmt.Errorf("reading %s: %w", d.Key, err)
	}
	fmt.Fprintf(w, "order %s of %s: %s", clean(d.ID), clean(d.Owner), d.Status)
	if o.OnHold() {
		fmt.Fprintf(w, " (%s)", clean(strings.Join(o.Holds, ", ")))
	}
	fmt.Fprintf(w, "\nthrough %s", clean(o.Source.Door))
	if o.Source.Partner != "" {
		fmt.Fprintf(w, " from %s", clean(o.Source.Partner))
	}
	fmt.Fprintf(w, ", updated %s at position %d\n", instant(d.Updated), d.Position)
	for _, x := range [...]struct{ says, number string }{{"split off", o.SplitFrom}, {"merged into", o.MergedInto}} {
		if x.number != "" {
			fmt.Fprintf(w, "%s %s\n", x.says, clean(x.number))
		}
	}
	if !o.Dates.ShipBy.IsZero() {
		fmt.Fprintf(w, "to leave by %s", instant(o.Dates.ShipBy))
		if !o.Missed.IsZero() {
			fmt.Fprint(w, ": missed")
		}
		fmt.Fprintln(w)
	}
	for _, p := range o.Problems {
		fmt.Fprintf(w, "problem at %s: %s\n", clean(p.Place), clean(p.Text))
	}
	fmt.Fprintln(w)
	t := newTable(w, "LINE", "ITEM", "ORDERED", "RESERVED", "ALLOCATED", "PICKED", "PACKED", "SHIPPED", "BACKORDERED", "SHORT", "CANCELLED", "HELD FOR")
	for _, l := range o.Lines {
		held := ""
		if l.Held() {
			held = l.Problem.Text
		}
		t.row(l.No, l.SKU, l.Ordered, l.Reserved, l.Allocated, l.Picked, l.Packed, l.Shipped, l.Backordered, l.Short, l.Cancelled, clip(held, 60))
	}
	return t.flush()
}

// orderAct sends a command to an order and tells where it stands then.
func orderAct(cmd *cobra.Command, g *global, number, owner, verb string, body any) error {
	return orderActWith(cmd, g, number, owner, verb, func(context.Context, *caller, string) (any, error) { return body, nil })
}

// orderActWith is orderAct for a body that depends on the order at path.
func orderActWith(cmd *cobra.Command, g *global, number, owner, verb string, of func(ctx context.Context, c *caller, path string) (any, error)) error {
	return withHub(cmd, g, func(ctx context.Context, c *caller) error {
		path, err := orderPath(ctx, c, number, owner)
		if err != nil {
			return err
		}
		body, err := of(ctx, c, path)
		if err != nil {
			return orderError(err)
		}
		var raw json.RawMessage
		if err := c.do(ctx, http.MethodPost, path+"/"+verb, body, &raw); err != nil {
			return orderError(err)
		}
		if g.json {
			return writeJSON(cmd.OutOrStdout(), raw)
		}
		var o order.Order
		if err := json.Unmarshal(raw, &o); err != nil {
			return fmt.Errorf("reading the order: %w", err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "order %s of %s is %s\n", clean(o.Number), clean(o.Scope.Owner), o.Status())
		return nil
	})
}

func newOrderHold(g *global) *cobra.Command {
	var owner, reason string
	cmd := &cobra.Command{
		Use: "hold ORDER", Short: "Begin no new work on an order, for one reason more",
		Long: `Begin no new work on an order: it is promised nothing more, comes into no wave, nobody is given a task of
it or opens a carton, and nothing of it is loaded. What somebody has in hand is told to its end: a task that
he has claimed is picked, and a carton that is open may be filled, and is closed after the release. An order
may be on hold for several reasons; each is released by itself, and the work goes on with the last.`,
		Example: `  paklog orders hold SO-1001 --reason credit
  paklog orders hold SO-1001 --reason address`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, orderNumbers),
		RunE: func(cmd *cobra.Command, args []string) error {
			return orderAct(cmd, g, args[0], owner, "hold", rest.HoldBody{Reason: reason})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose order")
	cmd.Flags().StringVar(&reason, "reason", order.HoldManual, "why: manual, credit, address, fraud, ...")
	return cmd
}

func newOrderRelease(g *global) *cobra.Command {
	var owner string
	var body rest.ReleaseBody
	cmd := &cobra.Command{
		Use: "release ORDER", Short: "Let the work go on: of the order, or of one held line",
		Example: `  paklog orders release SO-1001
  paklog orders release SO-1001 --reason credit
  paklog orders release SO-1001 --line 2 --item MUG-BLUE`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, orderNumbers),
		RunE: func(cmd *cobra.Command, args []string) error {
			if body.Item != "" && body.Line == 0 {
				return usagef(cmd, "--item says what a held line means: name it with --line")
			}
			if body.Reason != "" && body.Line > 0 {
				return usagef(cmd, "--reason ends a hold of the order, --line releases a line: name one of them")
			}
			return orderAct(cmd, g, args[0], owner, "release", body)
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose order")
	cmd.Flags().StringVar(&body.Reason, "reason", "", "one of the reasons it is on hold for; without it all of them end")
	cmd.Flags().IntVar(&body.Line, "line", 0, "a held line; without it the hold of the order ends")
	cmd.Flags().StringVar(&body.Item, "item", "", "the SKU that the line means")
	return cmd
}

func newOrderCancel(g *global) *cobra.Command {
	var owner string
	var body rest.CancelBody
	cmd := &cobra.Command{
		Use: "cancel ORDER", Short: "Cancel what is open: of the order, or of some of its lines",
		Example: `  paklog orders cancel SO-1001 --reason "customer called"
  paklog orders cancel SO-1001 --reason "no longer made" --line 2 --line 3`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, orderNumbers),
		RunE: func(cmd *cobra.Command, args []string) error {
			if body.Reason == "" {
				return usagef(cmd, "cancelling needs --reason: it is kept with the order")
			}
			return orderAct(cmd, g, args[0], owner, "cancel", body)
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose order")
	cmd.Flags().StringVar(&body.Reason, "reason", "", "why; required")
	cmd.Flags().IntSliceVar(&body.Lines, "line", nil, "only these lines")
	return cmd
}

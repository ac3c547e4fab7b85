package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

func newOrderChange(g *global) *cobra.Command {
	var (
		owner, file, shipBy, carrier, level, way string
		qty, add                                 []string
		priority                                 int
		doc                                      custom.Change
	)
	cmd := &cobra.Command{
		Use: "change ORDER", Short: "Change quantities, lines, address, service, dates or priority",
		Long: `Change an order: all that is asked for, or nothing. What is left out stays as it is, and the same
change sent again changes nothing.

Until its wave is released everything may change. After that a line may grow, shrink to what was picked
of it, or be taken out, which has what was picked put back. With the first closed carton nothing grows
any more, and address and service stay. What is not possible says where the order stands.`,
		Example: `  paklog orders change SO-1001 --qty 1=5 --qty 2=1:case
  paklog orders change SO-1001 --add 3=MUG-BLUE=2 --remove 2 --reason "customer called"
  paklog orders change SO-1001 --ship-by 2026-11-24T16:00:00Z --priority 9
  echo '{"ship_to": {"name": "Jane Doe", "lines": ["2 Main St"], "city": "Reno",
    "region": "NV", "postal_code": "89501", "country": "US"}}' | paklog orders change SO-1001 --file -`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, orderNumbers),
	}
	f := cmd.Flags()
	f.StringVar(&owner, "owner", "", "whose order")
	f.StringVar(&file, "file", "", "change as JSON, as POST .../change takes it; - is standard input")
	f.StringVar(&doc.Reason, "reason", "", "why; kept with the order")
	f.StringArrayVar(&qty, "qty", nil, "LINE=QTY or LINE=QTY:UOM: another quantity of a line")
	f.StringArrayVar(&add, "add", nil, "LINE=ITEM=QTY or LINE=ITEM=QTY:UOM: a new line and its number")
	f.IntSliceVar(&doc.Remove, "remove", nil, "number of a line to take out")
	f.IntVar(&priority, "priority", 0, "0 to 9; 9 is most urgent")
	f.StringVar(&shipBy, "ship-by", "", "the cut-off, as 2026-11-24T16:00:00Z")
	f.StringVar(&carrier, "carrier", "", "who carries it")
	f.StringVar(&level, "service", "", "service of the carrier")
	f.StringVar(&way, "route", "", "delivery route; it stays when the carrier changes")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		given := 0
		f.VisitAll(func(x *pflag.Flag) {
			if x.Changed && cmd.LocalNonPersistentFlags().Lookup(x.Name) != nil && x.Name != "file" && x.Name != "owner" {
				given++
			}
		})
		switch {
		case file != "" && given > 0:
			return usagef(cmd, "--file holds the whole change: leave the other flags out")
		case file == "" && given == 0:
			return usagef(cmd, "nothing is to be changed: use flags or --file")
		}
		for _, q := range qty {
			l, err := parseQty(q)
			if err != nil {
				return usagef(cmd, "--qty %s: %w", q, err)
			}
			doc.Lines = append(doc.Lines, custom.ChangeLine(l))
		}
		for _, a := range add {
			no, rest, _ := strings.Cut(a, "=")
			l, err := parseLine(rest)
			if err == nil {
				l.No, err = strconv.Atoi(no)
			}
			if err != nil || l.No < 1 {
				return usagef(cmd, "--add %s: is not LINE=ITEM=QTY or LINE=ITEM=QTY:UOM", a)
			}
			doc.Add = append(doc.Add, l)
		}
		if f.Changed("priority") {
			doc.Priority = &priority
		}
		var by time.Time
		if shipBy != "" {
			var err error
			if by, err = time.Parse(time.RFC3339, shipBy); err != nil {
				return usagef(cmd, "--ship-by %s: is no time like 2026-11-24T16:00:00Z", shipBy)
			}
		}
		if file != "" {
			b, err := readOrder(file, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return orderAct(cmd, g, args[0], owner, "change", b)
		}
		return orderActWith(cmd, g, args[0], owner, "change", func(ctx context.Context, c *caller, path string) (any, error) {
			if shipBy == "" && carrier == "" && level == "" && way == "" {
				return doc, nil
			}
			// Dates and service go as a whole: what the flags do not name stays.
			var shown view.Doc
			if err := c.do(ctx, http.MethodGet, path, nil, &shown); err != nil {
				return nil, err
			}
			var o order.Order
			if err := json.Unmarshal(shown.State, &o); err != nil {
				return nil, fmt.Errorf("reading %s: %w", shown.Key, err)
			}
			if shipBy != "" {
				dates := custom.Dates(o.Dates)
				dates.ShipBy = by
				doc.Dates = &dates
			}
			if carrier != "" || level != "" || way != "" {
				service := custom.Service(o.Service)
				if carrier != "" {
					service.Carrier, service.Level = carrier, level // a service is one of its carrier's
				} else if level != "" {
					service.Level = level
				}
				service.Route = cmp.Or(way, service.Route)
				doc.Service = &service
			}
			return doc, nil
		})
	}
	return cmd
}

// parseQty reads LINE=QTY or LINE=QTY:UOM.
func parseQty(s string) (order.ChangeLine, error) {
	line, rest, _ := strings.Cut(s, "=")
	n, uom, _ := strings.Cut(rest, ":")
	no, err := strconv.Atoi(line)
	if err != nil || no < 1 {
		return order.ChangeLine{}, errors.New("is not LINE=QTY or LINE=QTY:UOM")
	}
	qty, err := strconv.ParseInt(n, 10, 64)
	if err != nil || qty < 1 {
		return order.ChangeLine{}, fmt.Errorf("%q is not a quantity of 1 or more", n)
	}
	return order.ChangeLine{Line: no, Qty: qty, UOM: uom}, nil
}

func newOrderSplit(g *global) *cobra.Command {
	var owner string
	var lines []string
	var doc custom.Split
	cmd := &cobra.Command{
		Use: "split ORDER", Short: "Move a part of an order to a new one",
		Long: `Move open quantities to a new order, which has the same address, service, dates and holds. What was
promised to them stays promised; what is picked or packed already stays with the order. The same split
again finds what it made.`,
		Example: `  paklog orders split SO-1001 --to SO-1001-B --line 1=2 --line 3=12
  paklog orders split SO-1001 --to SO-1001-LATER --line 2=5 --reason "wait for the rest"`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, orderNumbers),
		RunE: func(cmd *cobra.Command, args []string) error {
			if doc.To == "" || len(lines) == 0 {
				return usagef(cmd, "a split needs --to, the number of the new order, and --line for what moves")
			}
			for _, q := range lines {
				l, err := parseQty(q)
				if err == nil && l.UOM != "" {
					err = errors.New("quantities of a split are in the item's smallest unit")
				}
				if err != nil {
					return usagef(cmd, "--line %s: %w", q, err)
				}
				doc.Lines = append(doc.Lines, custom.SplitLine{Line: l.Line, Qty: l.Qty})
			}
			return orderAct(cmd, g, args[0], owner, "split", doc)
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose order")
	cmd.Flags().StringVar(&doc.To, "to", "", "number of the new order; required")
	cmd.Flags().StringArrayVar(&lines, "line", nil, "LINE=QTY in the item's smallest unit: what moves; required")
	cmd.Flags().StringVar(&doc.Reason, "reason", "", "why; kept with the order")
	return cmd
}

func newOrderMerge(g *global) *cobra.Command {
	var owner string
	cmd := &cobra.Command{
		Use: "merge ORDER OTHER...", Short: "Take other orders to the same address into an order",
		Long: `Take the lines of other orders into an order: all of them, or none. They must be of one owner, for the
same address and travel alike, and work on them must not have begun. The others end as merged and say
into which order.`,
		Example: `  paklog orders merge SO-1001 SO-1002
  paklog orders merge SO-1001 SO-1002 SO-1003 --owner ACME`,
		Args: cobra.MinimumNArgs(2), ValidArgsFunction: fromHub(g, orderNumbers),
		RunE: func(cmd *cobra.Command, args []string) error {
			return orderAct(cmd, g, args[0], owner, "merge", rest.MergeBody{From: args[1:]})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose orders")
	return cmd
}

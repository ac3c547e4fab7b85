package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/view"
)

func newReturns(g *global) *cobra.Command {
	cmd := newReturnsList(g)
	cmd.Use, cmd.Short = "returns", "List what comes back; let it come, receive it, and say what becomes of it"
	cmd.Example = `  paklog returns authorize RMA-7 --order SO-1001 --line 1=2 --reason changed_mind
  paklog returns goods RMA-7 MUG --qty 2 --location DOCK-1
  paklog returns dispose RMA-7 --line 1 --to restock --reason "as new" --worker jo
  paklog returns close RMA-7`
	cmd.AddCommand(newReturnsList(g), newReturnShow(g), newReturnAuthorize(g), newReturnGoods(g), newReturnDispose(g), newReturnEnd(g, "close"), newReturnEnd(g, "cancel"))
	return cmd
}

func newReturnsList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List returns by owner and name",
		Example: `  paklog returns list --status receiving`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, returnsPath, []string{"OWNER", "RETURN", "STATUS", "ORDER", "REASON", "AUTHORIZED", "CAME", "CREDITED"}, func(d view.Doc) ([]any, error) {
				var r returns.Return
				if err := json.Unmarshal(d.State, &r); err != nil {
					return nil, err
				}
				var asked, got, credited int64
				for _, x := range r.Lines {
					asked += x.Qty
					got += x.Got
					credited += x.Credited
				}
				return []any{d.Owner, d.ID, d.Status, r.Order, r.Reason, asked, got, credited}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Return)...)
	return cmd
}

// tellReturn shows a return: what came of each line, and what became of it.
func tellReturn(cmd *cobra.Command) func(returns.Return) {
	return func(r returns.Return) {
		out := cmd.OutOrStdout()
		of := "no order"
		if r.Order != "" {
			of = "order " + r.Order
		}
		fmt.Fprintf(out, "return %s of %s is %s (%s)\n", clean(r.ID), clean(of), r.Status, clean(r.Reason))
		for _, l := range r.Lines {
			fmt.Fprintf(out, "  line %d: %d of %d of item %s came, %d credited\n", l.No, l.Got, l.Qty, clean(l.Item), l.Credited)
			for _, p := range r.Parts {
				if p.Line != l.No {
					continue
				}
				as := p.As
				if as == "" {
					as = "nobody has said what becomes of them"
				}
				fmt.Fprintf(out, "    %d at %s %s: %s\n", p.Qty, clean(p.Location), clean(p.Lot), as)
			}
		}
	}
}

func newReturnShow(g *global) *cobra.Command {
	var f inboundFlags
	cmd := &cobra.Command{
		Use: "show RETURN", Short: "Show a return with what came and what became of it",
		Example: `  paklog returns show RMA-7`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return showDocument(cmd, g, view.Return, returnsPath+"/", args[0], f.owner, f.facility, tellReturn(cmd))
		},
	}
	f.add(g, cmd, returnsPath, false)
	return cmd
}

// showDocument shows the state of a thing that has an owner and a building.
func showDocument[T any](cmd *cobra.Command, g *global, kind, path, id, owner, facility string, tell func(T)) error {
	return withHub(cmd, g, func(ctx context.Context, c *caller) error {
		owner, err := ownerOf(ctx, c, kind, id, owner)
		if err != nil {
			return err
		}
		var d view.Doc
		path := path + url.PathEscape(owner) + "/" + url.PathEscape(id) + "?facility=" + url.QueryEscape(facility)
		if err := c.do(ctx, http.MethodGet, path, nil, &d); err != nil {
			return err
		}
		return tellAnswer(cmd, g, d.State, tell)
	})
}

// documentNames offers the names of what a listing has.
func documentNames(ctx context.Context, c *caller, path string) ([]string, error) {
	found, err := documents(ctx, c, path, url.Values{}, 100)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range found.Items {
		out = append(out, d.ID+"\t"+d.Owner+" "+d.Status)
	}
	return out, nil
}

func newReturnAuthorize(g *global) *cobra.Command {
	var b rest.ReturnBody
	var lines []string
	cmd := &cobra.Command{
		Use: "authorize RETURN", Short: "Let goods of a shipped order come back; never more than was shipped and is not back",
		Example: `  paklog returns authorize RMA-7 --order SO-1001 --line 1=2 --line 3=1 --reason changed_mind`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Order == "" || b.Reason == "" || len(lines) == 0 {
				return usagef(cmd, "a return needs --order, --reason and at least one --line")
			}
			b.ID, b.Lines = args[0], nil
			for _, s := range lines {
				no, qty, _ := strings.Cut(s, "=")
				line, err := strconv.Atoi(no)
				n, err2 := strconv.ParseInt(qty, 10, 64)
				if err != nil || err2 != nil {
					return usagef(cmd, "--line %q: give it as the line of the order and how many, 1=2", s)
				}
				b.Lines = append(b.Lines, rest.ReturnLine{OrderLine: line, Qty: n})
			}
			return ask(cmd, g, returnsPath, b, tellReturn(cmd))
		},
	}
	cmd.Flags().StringVar(&b.Owner, "owner", "", "whose goods; the configured owner's where it is left out")
	cmd.Flags().StringVar(&b.Facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&b.Order, "order", "", "the order that was shipped; required")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "why it comes back; required")
	cmd.Flags().StringArrayVar(&lines, "line", nil, "line of the order and how many, in the smallest unit: 1=2; as often as there are lines")
	_ = cmd.RegisterFlagCompletionFunc("order", fromHub(g, orderNumbers))
	return cmd
}

func newReturnGoods(g *global) *cobra.Command {
	var f inboundFlags
	var b rest.ReturnedBody
	cmd := &cobra.Command{
		Use: "goods RETURN ITEM", Short: "Say what came back; with --reason, of a return that nobody authorized",
		Long: `Say what came back and where it lies. It is held until somebody says what becomes of it. With --reason it
begins a return that nobody authorized, of the order that --order names where there is one: of a known order
no more comes back than was shipped.`,
		Example: `  paklog returns goods RMA-7 MUG --qty 2 --location DOCK-1 --entry parcel-1
  paklog returns goods BLIND-1 MUG --qty 1 --location DOCK-1 --order SO-1001 --reason "no label"`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Item, b.Worker = args[1], f.worker; b.Qty < 1 || b.Location == "" {
				return usagef(cmd, "say with --qty how many came back and with --location where they lie")
			}
			return f.back(cmd, g, args[0], "receive", b)
		},
	}
	f.add(g, cmd, returnsPath, true)
	cmd.Flags().IntVar(&b.Line, "line", 0, "the line; that of the item is found where it is left out")
	cmd.Flags().Int64Var(&b.Qty, "qty", 0, "how many, in the smallest unit")
	cmd.Flags().StringVar(&b.Location, "location", "", "where they lie")
	cmd.Flags().StringVar(&b.Lot, "lot", "", "the lot")
	cmd.Flags().StringVar(&b.Expiry, "expiry", "", "when the lot expires, where nobody knows it")
	cmd.Flags().StringVar(&b.LPN, "lpn", "", "the pallet or tote that they stand on")
	cmd.Flags().StringSliceVar(&b.Serials, "serial", nil, "serial numbers, one a unit")
	cmd.Flags().StringVar(&b.Note, "note", "", "the state they are in")
	cmd.Flags().StringVar(&b.Entry, "entry", "", "name of this act: said twice it is received once")
	cmd.Flags().StringVar(&b.Order, "order", "", "of a return that nobody authorized")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "why a return that nobody authorized is taken")
	return cmd
}

func newReturnDispose(g *global) *cobra.Command {
	var f inboundFlags
	var b rest.DisposeBody
	cmd := &cobra.Command{
		Use: "dispose RETURN", Short: "Say what becomes of returned goods",
		Long: `Say what becomes of returned goods. restock: they are stock again, and put away. quarantine, refurbish: they
stay held, and may be disposed of again with --from. scrap, return_to_vendor: they leave the books, so say it
when they leave. The first disposition of a unit tells the ERP what the customer is owed, but for --no-credit.`,
		Example: `  paklog returns dispose RMA-7 --line 1 --to restock --reason "as new" --worker jo
  paklog returns dispose RMA-7 --line 1 --qty 1 --to scrap --from quarantine --reason broken --worker jo`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Worker = f.worker; b.Line < 1 || b.To == "" || b.Reason == "" {
				return usagef(cmd, "disposing needs --line, --to and --reason")
			}
			return f.back(cmd, g, args[0], "dispose", b)
		},
	}
	f.add(g, cmd, returnsPath, true)
	cmd.Flags().IntVar(&b.Line, "line", 0, "the line of the return; required")
	cmd.Flags().StringVar(&b.To, "to", "", strings.Join(returns.Dispositions(), ", ")+"; required")
	cmd.Flags().StringVar(&b.From, "from", "", "quarantine or refurbish; what nobody has looked at where it is left out")
	cmd.Flags().Int64Var(&b.Qty, "qty", 0, "how many; all of these where it is left out")
	cmd.Flags().StringVar(&b.Location, "location", "", "only what lies there")
	cmd.Flags().StringVar(&b.Lot, "lot", "", "only of this lot")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "why; required")
	cmd.Flags().BoolVar(&b.NoCredit, "no-credit", false, "the customer is owed nothing for them")
	cmd.Flags().StringSliceVar(&b.Serials, "serial", nil, "serial numbers of tracked goods that leave the books, or are restocked while others stay held")
	_ = cmd.RegisterFlagCompletionFunc("to", words(returns.Dispositions()...))
	_ = cmd.RegisterFlagCompletionFunc("from", words(returns.Quarantine, returns.Refurbish))
	return cmd
}

// newReturnEnd is close or cancel.
func newReturnEnd(g *global, verb string) *cobra.Command {
	var f inboundFlags
	var b rest.ReasonBody
	cmd := &cobra.Command{
		Use: verb + " RETURN", Short: "End a return: what did not come is not waited for", Example: `  paklog returns close RMA-7`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if verb == "close" {
				return f.back(cmd, g, args[0], verb, nil)
			}
			if b.Reason == "" {
				return usagef(cmd, "cancelling needs --reason: it is kept with the return")
			}
			return f.back(cmd, g, args[0], verb, b)
		},
	}
	f.add(g, cmd, returnsPath, false)
	if verb == "cancel" {
		cmd.Short, cmd.Example = "End a return of which nothing came", `  paklog returns cancel RMA-7 --reason kept`
		cmd.Flags().StringVar(&b.Reason, "reason", "", "why; required")
	}
	return cmd
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/view"
)

func newReceive(g *global) *cobra.Command {
	cmd := newReceiptsList(g)
	cmd.Use, cmd.Short = "receive", "List what is to come in and what came; announce it, receive it, and close it with what is missing"
	cmd.Example = `  paklog receive announce ASN-7 --supplier ACME --line MUG=24 --line MILK=60,lot=L7,expiry=2027-03-01,lpn=006141410000000012
  paklog receive arrive ASN-7 --dock DOCK-1
  paklog receive lpn ASN-7 006141410000000012
  paklog receive goods ASN-7 MUG --qty 24
  paklog receive close ASN-7`
	cmd.AddCommand(newReceiptsList(g), newReceiptShow(g), newReceiptAnnounce(g, false), newReceiptAnnounce(g, true), newReceiptArrive(g),
		newReceiptGoods(g), newReceiptLPN(g), newReceiptJudge(g), newReceiptClose(g), newReceiptCancel(g))
	return cmd
}

func newReceiptsList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List receipts by owner and name",
		Example: `  paklog receive list --status receiving`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, receiptsPath, []string{"OWNER", "RECEIPT", "STATUS", "KIND", "SUPPLIER", "DOCK", "LINES", "EXPECTED", "RECEIVED", "DIFFERENCES"}, func(d view.Doc) ([]any, error) {
				var r receiving.Receipt
				if err := json.Unmarshal(d.State, &r); err != nil {
					return nil, err
				}
				var expected, got int64
				for _, x := range r.Lines {
					expected += x.Qty
					got += x.Got()
				}
				return []any{d.Owner, d.ID, d.Status, r.Kind, r.Supplier, r.Dock, len(r.Lines), expected, got, len(r.Discrepancies)}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Receipt)...)
	return cmd
}

// inboundFlags say whose receipt or return is meant.
type inboundFlags struct{ owner, facility, worker string }

// add adds them for what is listed under a path; with worker, who did it.
func (f *inboundFlags) add(g *global, cmd *cobra.Command, path string, worker bool) {
	cmd.Flags().StringVar(&f.owner, "owner", "", "whose goods; the configured owner's where nobody has such a one")
	cmd.Flags().StringVar(&f.facility, "facility", "", "the building; the configured one where it is left out")
	if worker {
		cmd.Flags().StringVar(&f.worker, "worker", "", "who did it")
	}
	cmd.ValidArgsFunction = fromHub(g, func(ctx context.Context, c *caller, _ string) ([]string, error) {
		return documentNames(ctx, c, path)
	})
}

// Where receipts and returns are found.
const (
	receiptsPath = "/v1/receipts"
	returnsPath  = "/v1/returns"
)

func (f *inboundFlags) receipt(cmd *cobra.Command, g *global, id, verb string, body any) error {
	return thingAct(cmd, g, view.Receipt, receiptsPath+"/", id, f.owner, f.facility, verb, body, tellReceipt(cmd))
}

func (f *inboundFlags) back(cmd *cobra.Command, g *global, id, verb string, body any) error {
	return thingAct(cmd, g, view.Return, returnsPath+"/", id, f.owner, f.facility, verb, body, tellReturn(cmd))
}

// tellReceipt shows a receipt: what came of each line, and what it differs in so far.
func tellReceipt(cmd *cobra.Command) func(receiving.Receipt) {
	return func(r receiving.Receipt) {
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "receipt %s of %s is %s", clean(r.ID), clean(r.Owner), clean(r.Status))
		if r.Dock != "" {
			fmt.Fprintf(out, " at %s", clean(r.Dock))
		}
		fmt.Fprintln(out)
		for _, l := range r.Lines {
			fmt.Fprintf(out, "  line %d: %d of %d of item %s", l.No, l.Got(), l.Qty, clean(l.Item))
			for _, x := range [...]struct {
				n    int64
				what string
			}{{l.Damaged, "damaged"}, {l.Held, "held"}, {l.Rejected, "rejected"}} {
				if x.n > 0 {
					fmt.Fprintf(out, ", %d %s", x.n, x.what)
				}
			}
			fmt.Fprintln(out)
		}
		for _, d := range r.Discrepancies {
			fmt.Fprintf(out, "  differs: %s\n", clean(d.String()))
		}
	}
}

func newReceiptShow(g *global) *cobra.Command {
	var f inboundFlags
	cmd := &cobra.Command{
		Use: "show RECEIPT", Short: "Show a receipt with what came of each line",
		Example: `  paklog receive show ASN-7`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return showDocument(cmd, g, view.Receipt, receiptsPath+"/", args[0], f.owner, f.facility, tellReceipt(cmd))
		},
	}
	f.add(g, cmd, receiptsPath, false)
	return cmd
}

// parseReceiptLine reads ITEM=QTY with lot, expiry, lpn and uom behind it.
func parseReceiptLine(s string) (rest.ReceiptLine, error) {
	var l rest.ReceiptLine
	head, more, _ := strings.Cut(s, ",")
	item, qty, ok := strings.Cut(head, "=")
	n, err := strconv.ParseInt(qty, 10, 64)
	if !ok || item == "" || err != nil || n < 1 {
		return l, fmt.Errorf("--line %q: give it as ITEM=QTY, with ,uom=CASE ,lot=LOT ,expiry=DAY ,lpn=SSCC behind where needed", s)
	}
	l.Item, l.Qty = item, n
	if more == "" {
		return l, nil
	}
	for part := range strings.SplitSeq(more, ",") {
		name, v, _ := strings.Cut(part, "=")
		to := map[string]*string{"uom": &l.UOM, "lot": &l.Lot, "expiry": &l.Expiry, "lpn": &l.LPN}[name]
		if to == nil || v == "" {
			return l, fmt.Errorf("--line %q: %q is none of uom=, lot=, expiry=, lpn=", s, part)
		}
		*to = v
	}
	return l, nil
}

// newReceiptAnnounce is announce, or change.
func newReceiptAnnounce(g *global, change bool) *cobra.Command {
	var f inboundFlags
	var b rest.ReceiptBody
	var lines []string
	var due string
	cmd := &cobra.Command{
		Use: "announce RECEIPT", Short: "Announce what is to come in: an advance ship notice, or a purchase order",
		Long: `Announce what is to come in. The same again changes nothing. A line is ITEM=QTY, in the smallest unit
or in that of uom=, with lot=, expiry= and lpn= behind: lines of one LPN (SSCC) are its contents, and are
received by scanning it.`,
		Example: `  paklog receive announce PO-5 --kind expected --line MUG=4,uom=case --due 2026-12-01T08:00:00Z
  paklog receive announce ASN-7 --line MUG=24,lpn=006141410000000012 --line CUP=6,lpn=006141410000000012`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b.Owner, b.Facility, b.ID, b.Lines = f.owner, f.facility, args[0], nil
			for _, x := range lines {
				l, err := parseReceiptLine(x)
				if err != nil {
					return usagef(cmd, "%v", err)
				}
				b.Lines = append(b.Lines, l)
			}
			if due != "" {
				at, err := time.Parse(time.RFC3339, due)
				if err != nil {
					return usagef(cmd, "--due %s: give it like 2026-12-01T08:00:00Z", due)
				}
				b.Due = at
			}
			if !change {
				return ask(cmd, g, receiptsPath, b, tellReceipt(cmd))
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				owner, err := ownerOf(ctx, c, view.Receipt, args[0], f.owner)
				if err != nil {
					return err
				}
				var raw json.RawMessage
				path := receiptsPath + "/" + url.PathEscape(owner) + "/" + url.PathEscape(args[0]) + "?facility=" + url.QueryEscape(f.facility)
				if err := c.do(ctx, http.MethodPut, path, b.ReceiptSpec, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, tellReceipt(cmd))
			})
		},
	}
	if change {
		cmd.Use, cmd.Short = "change RECEIPT", "Replace an announcement; what was received stays"
		cmd.Long, cmd.Example = "", `  paklog receive change ASN-7 --line MUG=30 --line CUP=6`
	}
	f.add(g, cmd, receiptsPath, false)
	cmd.Flags().StringVar(&b.Kind, "kind", "", "asn or expected; asn")
	cmd.Flags().StringVar(&b.Supplier, "supplier", "", "who sends it")
	cmd.Flags().StringVar(&b.Reference, "reference", "", "of the purchase order or delivery")
	cmd.Flags().StringVar(&due, "due", "", "when it is expected")
	cmd.Flags().StringArrayVar(&lines, "line", nil, "ITEM=QTY[,uom=][,lot=][,expiry=][,lpn=]; as often as there are lines")
	_ = cmd.RegisterFlagCompletionFunc("kind", words(receiving.KindASN, receiving.KindExpected, receiving.KindBlind))
	return cmd
}

func newReceiptArrive(g *global) *cobra.Command {
	var f inboundFlags
	var b rest.ArriveBody
	cmd := &cobra.Command{
		Use: "arrive RECEIPT", Short: "Say at which dock door it stands",
		Example: `  paklog receive arrive ASN-7 --dock DOCK-1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Worker = f.worker; b.Dock == "" {
				return usagef(cmd, "name the dock door with --dock")
			}
			return f.receipt(cmd, g, args[0], "arrive", b)
		},
	}
	f.add(g, cmd, receiptsPath, true)
	cmd.Flags().StringVar(&b.Dock, "dock", "", "a location for dock or staging")
	return cmd
}

func addCondition(cmd *cobra.Command, b *rest.ReceiveBody) {
	cmd.Flags().StringVar(&b.Location, "location", "", "where it was put down; the dock that it arrived at")
	cmd.Flags().StringVar(&b.Condition, "condition", "", "damaged or hold; good where it is left out")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "of a condition")
	_ = cmd.RegisterFlagCompletionFunc("condition", words(receiving.Damaged, receiving.OnHold))
}

func newReceiptGoods(g *global) *cobra.Command {
	var f inboundFlags
	var b rest.ReceiveBody
	cmd := &cobra.Command{
		Use: "goods RECEIPT ITEM", Short: "Say what came of an item; a receipt that nobody announced begins with it",
		Example: `  paklog receive goods ASN-7 MUG --qty 24 --entry pallet-1
  paklog receive goods ASN-7 MUG --qty 2 --condition damaged --reason wet
  paklog receive goods BLIND-1 MUG --qty 6 --location DOCK-1`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			b.Item, b.Worker = args[1], f.worker
			switch {
			case b.Qty < 1:
				return usagef(cmd, "say with --qty how many came")
			case b.Condition != "" && b.Reason == "":
				return usagef(cmd, "--condition needs --reason: it is kept with the goods")
			}
			return f.receipt(cmd, g, args[0], "receive", b)
		},
	}
	f.add(g, cmd, receiptsPath, true)
	addCondition(cmd, &b)
	cmd.Flags().IntVar(&b.Line, "line", 0, "the line; those of the item are found where it is left out")
	cmd.Flags().Int64Var(&b.Qty, "qty", 0, "how many")
	cmd.Flags().StringVar(&b.UOM, "uom", "", "of --qty: each, case, ...; the smallest unit")
	cmd.Flags().StringVar(&b.Lot, "lot", "", "the lot")
	cmd.Flags().StringVar(&b.Expiry, "expiry", "", "when the lot expires")
	cmd.Flags().StringVar(&b.LPN, "lpn", "", "the pallet or tote that it stands on")
	cmd.Flags().StringSliceVar(&b.Serials, "serial", nil, "serial numbers, one a unit")
	cmd.Flags().StringVar(&b.Entry, "entry", "", "name of this act: said twice it is received once")
	return cmd
}

func newReceiptLPN(g *global) *cobra.Command {
	var f inboundFlags
	var b rest.ReceiveBody
	cmd := &cobra.Command{
		Use: "lpn RECEIPT SSCC", Short: "Scan a pallet or carton: all that was announced on it came",
		Example: `  paklog receive lpn ASN-7 006141410000000012 --worker jo`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			b.LPN, b.Worker = args[1], f.worker
			return f.receipt(cmd, g, args[0], "receive", b)
		},
	}
	f.add(g, cmd, receiptsPath, true)
	addCondition(cmd, &b)
	return cmd
}

func newReceiptJudge(g *global) *cobra.Command {
	var f inboundFlags
	var b rest.JudgeBody
	var reject bool
	cmd := &cobra.Command{
		Use: "judge RECEIPT", Short: "Pass goods that are held, or reject them",
		Example: `  paklog receive judge ASN-7 --line 2 --pass --reason sampled --worker jo
  paklog receive judge ASN-7 --line 2 --reject --qty 5 --reason mould --worker jo`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Worker = f.worker; b.Line < 1 || b.Pass == reject || b.Reason == "" {
				return usagef(cmd, "judging needs --line, --reason and one of --pass and --reject")
			}
			return f.receipt(cmd, g, args[0], "judge", b)
		},
	}
	f.add(g, cmd, receiptsPath, true)
	cmd.Flags().IntVar(&b.Line, "line", 0, "the line; required")
	cmd.Flags().BoolVar(&b.Pass, "pass", false, "they are good")
	cmd.Flags().BoolVar(&reject, "reject", false, "they are not, and become damaged")
	cmd.Flags().Int64Var(&b.Qty, "qty", 0, "how many; all that is held where it is left out")
	cmd.Flags().StringVar(&b.Location, "location", "", "only what is held there")
	cmd.Flags().StringVar(&b.Lot, "lot", "", "only of this lot")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "why; required")
	cmd.Flags().StringSliceVar(&b.Serials, "serial", nil, "serial numbers of the units, where others of the item stay held")
	return cmd
}

func newReceiptClose(g *global) *cobra.Command {
	var f inboundFlags
	cmd := &cobra.Command{
		Use: "close RECEIPT", Short: "End a receipt: what did not come is missing",
		Example: `  paklog receive close ASN-7`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return f.receipt(cmd, g, args[0], "close", nil) },
	}
	f.add(g, cmd, receiptsPath, false)
	return cmd
}

func newReceiptCancel(g *global) *cobra.Command {
	var f inboundFlags
	var b rest.ReasonBody
	cmd := &cobra.Command{
		Use: "cancel RECEIPT", Short: "End a receipt of which nothing came",
		Example: `  paklog receive cancel ASN-7 --reason "never sent"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Reason == "" {
				return usagef(cmd, "cancelling needs --reason: it is kept with the receipt")
			}
			return f.receipt(cmd, g, args[0], "cancel", b)
		},
	}
	f.add(g, cmd, receiptsPath, false)
	cmd.Flags().StringVar(&b.Reason, "reason", "", "why; required")
	return cmd
}

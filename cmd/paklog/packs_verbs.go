package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/view"
)

func newPacks(g *global) *cobra.Command {
	cmd := newPacksList(g)
	cmd.Use, cmd.Short = "packs", "List packings; open cartons, scan into them, weigh and close them"
	cmd.Example = `  paklog packs --status open
  paklog packs show P1-SO-1001
  paklog packs open P1-SO-1001 --box S --packer jo
  paklog packs scan P1-SO-1001 00614141000012 --packer jo
  paklog packs close P1-SO-1001 --weight-g 1480 --packer jo`
	cmd.AddCommand(newPacksList(g), newPackShow(g), newPackOpen(g), newPackScan(g), newPackTake(g), newPackMove(g), newPackClose(g), newPackReopen(g))
	return cmd
}

func newPacksList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List packings by owner and name",
		Example: `  paklog packs list --status open`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/packs", []string{"OWNER", "PACKING", "STATUS", "ORDER", "LEFT", "OPEN", "CLOSED", "UPDATED"}, func(d view.Doc) ([]any, error) {
				var p pack.Packing
				if err := json.Unmarshal(d.State, &p); err != nil {
					return nil, err
				}
				var left int64
				for _, c := range p.Left {
					left += c.Qty
				}
				return []any{d.Owner, d.ID, d.Status, p.Order, left, len(p.Begun), len(p.Cartons), instant(d.Updated)}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Pack)...)
	return cmd
}

func newPackShow(g *global) *cobra.Command {
	var owner, facility string
	cmd := &cobra.Command{
		Use: "show PACKING", Short: "Show what is left to be packed and what lies in which carton",
		Example: `  paklog packs show P1-SO-1001
  paklog packs show P1-SO-1001 --json`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, documentIDs("/v1/packs")),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				owner, err := ownerOf(ctx, c, view.Pack, args[0], owner)
				if err != nil {
					return err
				}
				var d view.Doc
				path := "/v1/packs/" + url.PathEscape(owner) + "/" + url.PathEscape(args[0]) + "?facility=" + url.QueryEscape(facility)
				if err := c.do(ctx, http.MethodGet, path, nil, &d); err != nil {
					return err
				}
				return tellAnswer(cmd, g, d.State, tellPacking(cmd.OutOrStdout()))
			})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose goods")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

func tellPacking(w io.Writer) func(pack.Packing) {
	return func(p pack.Packing) {
		fmt.Fprintf(w, "packing %s of order %s is %s\n", clean(p.Pack), clean(p.Order), p.Status)
		tellContents(w, "left", p.Left)
		for _, b := range p.Begun {
			fmt.Fprintf(w, "carton %d %s %s, open\n", b.No, b.Carton, clean(b.Box))
			if r := b.Refused; r != nil {
				fmt.Fprintf(w, "  its weight is refused: %s measured, %s expected, give or take %s: repack it, or close it with --override\n",
					grams(r.Measured), grams(r.Expected), grams(r.Tolerance))
			}
			tellContents(w, "  holds", b.Contents)
		}
		for _, c := range p.Cartons {
			fmt.Fprintf(w, "carton %d %s %s, closed, %s\n", c.No, c.Carton, clean(c.Box), grams(c.Weight))
			tellContents(w, "  holds", c.Contents)
		}
	}
}

func tellContents(w io.Writer, word string, contents []pack.Content) {
	for _, c := range contents {
		fmt.Fprintf(w, "%s %d of %s (line %d%s)\n", word, c.Qty, clean(c.Item), c.Line, besides(" lot ", c.Lot)+besides(" tote ", c.Tote)+besides(" serials ", strings.Join(c.Serials, " ")))
	}
}

func besides(word, v string) string {
	if v == "" {
		return ""
	}
	return word + clean(v)
}

func grams(m measure.Mass) string {
	return strconv.FormatInt(int64(m/measure.Gram), 10) + " g"
}

// packFlags are those of every command about a packing.
type packFlags struct{ owner, facility, carton, packer string }

// packVerb is a verb that sends a command about a packing.
func packVerb(g *global, f *packFlags, use, short, example, verb string, args cobra.PositionalArgs, body func(cmd *cobra.Command, args []string) (any, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: args, ValidArgsFunction: fromHub(g, documentIDs("/v1/packs")),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := body(cmd, args)
			if err != nil {
				return err
			}
			return thingAct(cmd, g, view.Pack, "/v1/packs/", args[0], f.owner, f.facility, verb, b, tellPacking(cmd.OutOrStdout()))
		},
	}
	cmd.Flags().StringVar(&f.owner, "owner", "", "whose goods")
	cmd.Flags().StringVar(&f.facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&f.packer, "packer", "", "who packs")
	return cmd
}

func newPackOpen(g *global) *cobra.Command {
	var f packFlags
	var box string
	cmd := packVerb(g, &f, "open PACKING", "Begin a carton; its number is in the answer", "  paklog packs open P1-SO-1001 --box S --packer jo", "open", cobra.ExactArgs(1),
		func(*cobra.Command, []string) (any, error) {
			return rest.OpenCartonBody{Box: box, Packer: f.packer}, nil
		})
	cmd.Flags().StringVar(&box, "box", "", "kind of box: its measures and weight count")
	return cmd
}

func newPackScan(g *global) *cobra.Command {
	var f packFlags
	var b rest.PackScanBody
	cmd := packVerb(g, &f, "scan PACKING CODE", "Put what was scanned into an open carton",
		`  paklog packs scan P1-SO-1001 00614141000012
  paklog packs scan P1-SO-1001 CAMERA --serial SN-77
  paklog packs scan P1-SO-1001 00614141000029 --times 2 --lot L-4 --carton 006141410000000015`, "scan", cobra.ExactArgs(2),
		func(_ *cobra.Command, args []string) (any, error) {
			b.Code, b.Carton, b.Packer = args[1], f.carton, f.packer
			return b, nil
		})
	cmd.Flags().StringVar(&f.carton, "carton", "", "into which; the only open one where it is left out")
	cmd.Flags().Int64Var(&b.Qty, "times", 0, "how often; each counts as the unit that the code stands on; 1")
	cmd.Flags().StringVar(&b.Lot, "lot", "", "the lot, where several were picked")
	cmd.Flags().StringVar(&b.Tote, "tote", "", "the tote that it comes from")
	cmd.Flags().StringSliceVar(&b.Serials, "serial", nil, "serial numbers, one a unit")
	return cmd
}

// contentFlags name goods of one line in a carton.
func contentFlags(cmd *cobra.Command, b *rest.CartonLine) {
	cmd.Flags().StringVar(&b.Item, "item", "", "the SKU; everything where it is left out")
	cmd.Flags().IntVar(&b.Line, "line", 0, "the order line")
	cmd.Flags().StringVar(&b.Lot, "lot", "", "the lot")
	cmd.Flags().StringVar(&b.Tote, "tote", "", "the tote that it came from")
	cmd.Flags().Int64Var(&b.Qty, "qty", 1, "how many, in the smallest unit")
	cmd.Flags().StringSliceVar(&b.Serials, "serial", nil, "serial numbers, one a unit")
}

func some(b rest.CartonLine) []rest.CartonLine {
	if b.Item == "" {
		return nil
	}
	return []rest.CartonLine{b}
}

func newPackTake(g *global) *cobra.Command {
	var f packFlags
	var l rest.CartonLine
	cmd := packVerb(g, &f, "take PACKING", "Take goods out of an open carton: all, or some of one line",
		"  paklog packs take P1-SO-1001 --item MUG --line 1 --tote T-7 --qty 2", "take", cobra.ExactArgs(1),
		func(*cobra.Command, []string) (any, error) {
			return rest.TakeBody{Carton: f.carton, Contents: some(l), Packer: f.packer}, nil
		})
	cmd.Flags().StringVar(&f.carton, "carton", "", "out of which; the only open one where it is left out")
	contentFlags(cmd, &l)
	return cmd
}

func newPackMove(g *global) *cobra.Command {
	var f packFlags
	var l rest.CartonLine
	var b rest.MoveBody
	cmd := packVerb(g, &f, "move PACKING", "Put goods of an open carton into another: all, or some of one line",
		"  paklog packs move P1-SO-1001 --from 006141410000000015 --to 006141410000000022", "move", cobra.ExactArgs(1),
		func(cmd *cobra.Command, _ []string) (any, error) {
			if b.From == "" || b.To == "" {
				return nil, usagef(cmd, "moving needs --from and --to")
			}
			b.Contents, b.Packer = some(l), f.packer
			return b, nil
		})
	cmd.Flags().StringVar(&b.From, "from", "", "SSCC of the open carton that it comes from")
	cmd.Flags().StringVar(&b.To, "to", "", "SSCC of the open carton that it goes into")
	contentFlags(cmd, &l)
	return cmd
}

func newPackClose(g *global) *cobra.Command {
	var f packFlags
	var weight int64
	var over rest.OverrideBody
	cmd := packVerb(g, &f, "close PACKING", "Close an open carton with what was scanned into it",
		`  paklog packs close P1-SO-1001 --weight-g 1480 --packer jo
  paklog packs close P1-SO-1001 --weight-g 1700 --override "wet carton" --by al`, "close", cobra.ExactArgs(1),
		func(cmd *cobra.Command, _ []string) (any, error) {
			b := rest.CloseBody{Carton: f.carton, Weight: weight * int64(measure.Gram), Packer: f.packer}
			switch {
			case weight < 0:
				return nil, usagef(cmd, "--weight-g is what the scale says")
			case (over.By == "") != (over.Reason == ""):
				return nil, usagef(cmd, "a weight is overridden with --override REASON and --by NAME")
			case over.By != "":
				b.Override = &over
			}
			return b, nil
		})
	cmd.Flags().StringVar(&f.carton, "carton", "", "which; the only open one where it is left out")
	cmd.Flags().Int64Var(&weight, "weight-g", 0, "what the scale says, in grams")
	cmd.Flags().StringVar(&over.Reason, "override", "", "why a weight outside the tolerance is right")
	cmd.Flags().StringVar(&over.By, "by", "", "of --override: who says so, not the packer")
	return cmd
}

func newPackReopen(g *global) *cobra.Command {
	var f packFlags
	var b rest.ReopenBody
	cmd := packVerb(g, &f, "reopen PACKING", "Open a closed carton that has no label yet",
		"  paklog packs reopen P1-SO-1001 --carton 006141410000000015 --reason damaged", "reopen", cobra.ExactArgs(1),
		func(cmd *cobra.Command, _ []string) (any, error) {
			if f.carton == "" {
				return nil, usagef(cmd, "say with --carton which")
			}
			b.Carton, b.By = f.carton, f.packer
			return b, nil
		})
	cmd.Flags().StringVar(&f.carton, "carton", "", "SSCC of the carton")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "why")
	return cmd
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/tracking"
	"github.com/paklog/hub/core/view"
)

func newLPN(g *global) *cobra.Command {
	cmd := newLPNList(g)
	cmd.Use, cmd.Short = "lpn", "List pallets, cases, totes and cartons; show where one is, and move it"
	cmd.Example = `  paklog lpn
  paklog lpn show 106141412345678908
  paklog lpn move 106141412345678908 --location B-07`
	cmd.AddCommand(newLPNList(g), newLPNShow(g), newLPNMove(g))
	return cmd
}

func newLPNList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List LPNs by facility and number",
		Example: `  paklog lpn list
  paklog lpn list --status active --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/lpns", []string{"FACILITY", "LPN", "KIND", "STATUS", "LOCATION", "IN", "ABOUT", "SEEN", "BY", "FOR"}, func(d view.Doc) ([]any, error) {
				var x tracking.LPN
				if err := json.Unmarshal(d.State, &x); err != nil {
					return nil, err
				}
				return []any{d.Facility, d.ID, x.Kind, d.Status, x.Last.Location, x.Last.Parent, x.Last.Stage, instant(x.Last.Seen), x.Last.By, x.Ref}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.LPN)...)
	return cmd
}

func newLPNShow(g *global) *cobra.Command {
	var facility string
	cmd := &cobra.Command{
		Use: "show LPN", Short: "Show where an LPN is, what stands in it, what lies in it, and where it was",
		Example: `  paklog lpn show 106141412345678908
  paklog lpn show TOTE-7 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var raw json.RawMessage
				if err := c.do(ctx, http.MethodGet, "/v1/lpns/"+url.PathEscape(args[0])+"?facility="+url.QueryEscape(facility), nil, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, func(s rest.LPNState) { showLPN(cmd, s) })
			})
		},
	}
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

func showLPN(cmd *cobra.Command, s rest.LPNState) {
	out := cmd.OutOrStdout()
	fmt.Fprintln(out, whereLPN(s))
	if s.Ref != "" {
		fmt.Fprintf(out, "  for        %s\n", clean(s.Ref))
	}
	if len(s.Children) > 0 {
		fmt.Fprintf(out, "  holds      %s\n", clean(strings.Join(s.Children, " ")))
	}
	for _, x := range s.Stock {
		fmt.Fprintf(out, "  stock      %d of %s of %s", x.Total(), clean(x.Item), clean(x.Owner))
		if x.Lot != "" {
			fmt.Fprintf(out, ", lot %s", clean(x.Lot))
		}
		fmt.Fprintln(out)
	}
	for i := len(s.History) - 1; i >= 0; i-- {
		h := s.History[i]
		fmt.Fprintf(out, "  %s  %-8s %s", instant(h.Seen), clean(h.Cause), clean(about(h.Position)))
		if h.By != "" {
			fmt.Fprintf(out, " by %s", clean(h.By))
		}
		if h.Device != "" {
			fmt.Fprintf(out, " (%s scan %d)", clean(h.Device), h.Seq)
		}
		fmt.Fprintln(out)
	}
}

func about(p tracking.Position) string {
	switch {
	case p.Parent != "":
		return "in " + p.Parent
	case p.Location != "":
		return p.Location
	}
	return p.Stage
}

func whereLPN(s rest.LPNState) string {
	text := fmt.Sprintf("%s %s", clean(s.Kind), clean(s.LPN.LPN))
	switch {
	case s.Ended != "":
		return text + " is gone: " + clean(s.Ended)
	case s.Where != "":
		text += " is at " + clean(s.Where)
	default:
		text += " is about " + clean(about(s.Last.Position))
	}
	if len(s.In) > 0 {
		text += ", in " + clean(strings.Join(s.In, " in "))
	}
	return text
}

func newLPNMove(g *global) *cobra.Command {
	var b rest.MoveLPNBody
	var facility string
	cmd := &cobra.Command{
		Use: "move LPN", Short: "Say where an LPN is put; the stock in it goes along",
		Example: `  paklog lpn move 106141412345678908 --location B-07
  paklog lpn move CASE-12 --into PALLET-3 --kind case`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (b.Location == "") == (b.Parent == "") {
				return usagef(cmd, "say where it is put with one of --location and --into")
			}
			return ask(cmd, g, "/v1/lpns/"+url.PathEscape(args[0])+"/move?facility="+url.QueryEscape(facility), b, func(s rest.LPNState) {
				fmt.Fprintln(cmd.OutOrStdout(), whereLPN(s))
			})
		},
	}
	cmd.Flags().StringVar(&b.Location, "location", "", "the place")
	cmd.Flags().StringVar(&b.Parent, "into", "", "the LPN that it stands in from now on")
	cmd.Flags().StringVar(&b.Kind, "kind", "", "of one that nobody knows yet: pallet, case, tote or carton")
	cmd.Flags().StringVar(&b.By, "by", "", "who moved it")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	_ = cmd.RegisterFlagCompletionFunc("kind", words(tracking.KindPallet, tracking.KindCase, tracking.KindTote, tracking.KindCarton))
	return cmd
}

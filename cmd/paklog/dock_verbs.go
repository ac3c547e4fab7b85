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
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// dockList is a verb that lists things at the dock.
func dockList(g *global, tag, kind, short string, head []string, row func(view.Doc) ([]any, error)) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: short, Example: "  paklog " + tag + " list --status " + rest.Statuses(kind)[0], Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return l.list(cmd, g, "/v1/"+tag, head, row) },
	}
	l.flags(cmd, rest.Statuses(kind)...)
	return cmd
}

// docking is a verb about a thing at the dock: what is sent, to which verb of it.
type docking struct {
	tag, facility string
	by            string
}

func (d *docking) path(c *caller, id string) string {
	at := d.facility
	if at == "" {
		at = c.cfg.Facility
	}
	return "/v1/" + d.tag + "/" + url.PathEscape(at) + "/" + url.PathEscape(id)
}

func (d *docking) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&d.by, "by", "", "who does it")
}

// dockVerb is a verb that sends a command about a thing at the dock.
func dockVerb[T any](g *global, d *docking, use, short, example string, args int, body func(cmd *cobra.Command, args []string) (verb string, b any, err error), tell func(*cobra.Command, T)) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: cobra.ExactArgs(args), ValidArgsFunction: fromHub(g, documentIDs("/v1/"+d.tag)),
		RunE: func(cmd *cobra.Command, args []string) error {
			verb, b, err := body(cmd, args)
			if err != nil {
				return err
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var raw json.RawMessage
				if err := c.do(ctx, http.MethodPost, d.path(c, args[0])+"/"+verb, b, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, func(v T) { tell(cmd, v) })
			})
		},
	}
	d.flags(cmd)
	return cmd
}

// dockShow is a verb that shows a thing at the dock.
func dockShow[T any](g *global, tag, what string, tell func(*cobra.Command, T)) *cobra.Command {
	d := &docking{tag: tag}
	cmd := &cobra.Command{
		Use: "show " + strings.ToUpper(what), Short: "Show a " + what + " and what it holds", Example: "  paklog " + tag + " show " + strings.ToUpper(what),
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, documentIDs("/v1/"+tag)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var doc view.Doc
				if err := c.do(ctx, http.MethodGet, d.path(c, args[0]), nil, &doc); err != nil {
					return err
				}
				return tellAnswer(cmd, g, doc.State, func(v T) { tell(cmd, v) })
			})
		},
	}
	cmd.Flags().StringVar(&d.facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

// documentIDs are the names of things of a kind, for completion.
func documentIDs(path string) func(ctx context.Context, c *caller, _ string) ([]string, error) {
	return func(ctx context.Context, c *caller, begun string) ([]string, error) {
		found, err := documents(ctx, c, path, beginning(begun), 100)
		if err != nil {
			return nil, err
		}
		var out []string
		for _, d := range found.Items {
			out = append(out, d.ID+"\t"+d.Status)
		}
		return out, nil
	}
}

func newPallets(g *global) *cobra.Command {
	list := func() *cobra.Command {
		return dockList(g, "pallets", view.Pallet, "List pallets", []string{"PALLET", "STATUS", "CARTONS", "GROSS", "UPDATED"}, func(d view.Doc) ([]any, error) {
			var p pallet.Pallet
			err := json.Unmarshal(d.State, &p)
			return []any{d.ID, d.Status, len(p.Cartons), grams(p.Gross()), instant(d.Updated)}, err
		})
	}
	cmd := list()
	cmd.Use, cmd.Short = "pallets", "List pallets; build, stack, close and break them"
	cmd.Example = `  paklog pallets build --length-mm 1200 --width-mm 1000 --max-height-mm 1800 --max-weight-g 800000
  paklog pallets stack 006141410000000050 006141410000000012
  paklog pallets close 006141410000000050
  paklog pallets show 006141410000000050`
	cmd.AddCommand(list(), dockShow(g, "pallets", "pallet", tellPallet), newPalletBuild(g),
		newPalletStack(g, "stack", "Put a closed carton on a pallet"), newPalletStack(g, "unstack", "Take a carton off a pallet"),
		newPalletClose(g), newPalletBreak(g))
	return cmd
}

func tellPallet(cmd *cobra.Command, p pallet.Pallet) {
	w := cmd.OutOrStdout()
	weight := p.Weight
	if weight == 0 {
		weight = p.Gross()
	}
	fmt.Fprintf(w, "pallet %s is %s: %d cartons, %s\n", p.Pallet, p.Status, len(p.Cartons), grams(weight))
	for _, c := range p.Cartons {
		fmt.Fprintf(w, "  %s of order %s, %s\n", c.SSCC, clean(c.Order), grams(c.Weight))
	}
}

func newPalletBuild(g *global) *cobra.Command {
	var length, width, height, tare, weight, high int64
	var b rest.PalletBody
	cmd := &cobra.Command{
		Use: "build", Short: "Begin a pallet; its number is in the answer",
		Example: "  paklog pallets build --length-mm 1200 --width-mm 1000 --height-mm 150 --tare-g 20000 --max-weight-g 800000 --max-height-mm 1800",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			mm, gram := int64(measure.Millimetre), int64(measure.Gram)
			if length > 0 || width > 0 || height > 0 {
				b.Deck = &custom.Dims{Length: length * mm, Width: width * mm, Height: height * mm}
			}
			b.Tare, b.MaxWeight, b.MaxHeight = tare*gram, weight*gram, high*mm
			return ask(cmd, g, "/v1/pallets", b, func(p pallet.Pallet) { tellPallet(cmd, p) })
		},
	}
	for _, f := range []struct {
		v    *int64
		name string
		doc  string
	}{
		{&length, "length-mm", "length of its deck"}, {&width, "width-mm", "width of its deck"}, {&height, "height-mm", "height of the pallet itself"},
		{&tare, "tare-g", "weight of the pallet itself"}, {&weight, "max-weight-g", "what it may weigh with everything; 0 is any"}, {&high, "max-height-mm", "how high it may be with everything; 0 is any"},
	} {
		cmd.Flags().Int64Var(f.v, f.name, 0, f.doc)
	}
	cmd.Flags().StringVar(&b.Facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&b.By, "by", "", "who does it")
	return cmd
}

func newPalletStack(g *global, verb, short string) *cobra.Command {
	d := &docking{tag: "pallets"}
	return dockVerb(g, d, verb+" PALLET CARTON", short, "  paklog pallets "+verb+" 006141410000000050 006141410000000012", 2,
		func(_ *cobra.Command, args []string) (string, any, error) {
			return verb, rest.StackBody{Carton: args[1], By: d.by}, nil
		}, tellPallet)
}

func newPalletClose(g *global) *cobra.Command {
	d := &docking{tag: "pallets"}
	var weight, height int64
	cmd := dockVerb(g, d, "close PALLET", "End the stacking of a pallet", "  paklog pallets close 006141410000000050 --height-mm 1420", 1,
		func(*cobra.Command, []string) (string, any, error) {
			return "close", rest.ClosePalletBody{Weight: weight * int64(measure.Gram), Height: height * int64(measure.Millimetre), By: d.by}, nil
		}, tellPallet)
	cmd.Flags().Int64Var(&weight, "weight-g", 0, "what it weighs; the sum where it is left out")
	cmd.Flags().Int64Var(&height, "height-mm", 0, "how high it is")
	return cmd
}

func newPalletBreak(g *global) *cobra.Command {
	d := &docking{tag: "pallets"}
	var reason string
	cmd := dockVerb(g, d, "break PALLET", "Take everything off a pallet, and end it", "  paklog pallets break 006141410000000050 --reason tipped", 1,
		func(*cobra.Command, []string) (string, any, error) {
			return "break", rest.ByBody{By: d.by, Reason: reason}, nil
		}, tellPallet)
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	return cmd
}

func newLoads(g *global) *cobra.Command {
	list := func() *cobra.Command {
		return dockList(g, "loads", view.Load, "List loads", []string{"LOAD", "STATUS", "CARRIER", "TRAILER", "STOPS", "UNITS", "IN IT", "SEAL", "UPDATED"}, func(d view.Doc) ([]any, error) {
			var l truckload.Load
			err := json.Unmarshal(d.State, &l)
			in := 0
			for _, u := range l.Units {
				if u.Loaded {
					in++
				}
			}
			return []any{d.ID, d.Status, l.Carrier, l.Trailer, len(l.Stops), len(l.Units), in, l.SealNo, instant(d.Updated)}, err
		})
	}
	cmd := list()
	cmd.Use, cmd.Short = "loads", "List loads; plan trucks, load them scan by scan, seal them and send them off"
	cmd.Example = `  paklog loads plan L-7 --carrier ups --trailer TR-12 --stop RNO --stop SFO
  paklog loads assign L-7 006141410000000050 --stop 2
  paklog loads scan L-7 006141410000000050
  paklog loads seal L-7 S-4711
  paklog loads depart L-7`
	cmd.AddCommand(list(), dockShow(g, "loads", "load", tellLoad), newLoadPlan(g), newLoadUnit(g, "assign", "Plan a carton or pallet for a load"),
		newLoadUnit(g, "unassign", "Take a carton or pallet off a load"), newLoadUnit(g, "scan", "Say that a carton or pallet stands in the truck"),
		newLoadSeal(g), newLoadEnd(g, "unseal", "Open a sealed truck", true), newLoadEnd(g, "depart", "Send a sealed truck off", false), newLoadEnd(g, "cancel", "End a load that does not leave", true))
	return cmd
}

func tellLoad(cmd *cobra.Command, l truckload.Load) {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "load %s of %s is %s%s%s\n", clean(l.Load), clean(l.Carrier), l.Status, besides(", trailer ", l.Trailer), besides(", seal ", l.SealNo))
	for _, s := range l.Stops {
		fmt.Fprintf(w, "stop %d %s\n", s.No, clean(s.Code))
		for _, u := range l.Units {
			if u.Stop == s.No {
				fmt.Fprintf(w, "  %s %s\n", u.SSCC, map[bool]string{true: "in the truck", false: "on the dock"}[u.Loaded])
			}
		}
	}
}

func newLoadPlan(g *global) *cobra.Command {
	var b rest.LoadBody
	var stops []string
	cmd := &cobra.Command{
		Use: "plan LOAD", Short: "Plan a load of a carrier", Example: "  paklog loads plan L-7 --carrier ups --trailer TR-12 --stop RNO --stop SFO", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Carrier == "" {
				return usagef(cmd, "a load needs --carrier")
			}
			b.Load = args[0]
			for i, code := range stops {
				b.Stops = append(b.Stops, rest.StopBody{No: i + 1, Code: code})
			}
			return ask(cmd, g, "/v1/loads", b, func(l truckload.Load) { tellLoad(cmd, l) })
		},
	}
	cmd.Flags().StringVar(&b.Carrier, "carrier", "", "whose truck it is; required")
	cmd.Flags().StringVar(&b.Trailer, "trailer", "", "the trailer")
	cmd.Flags().StringSliceVar(&stops, "stop", nil, "a place that it goes to, in order")
	cmd.Flags().StringVar(&b.Facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&b.By, "by", "", "who does it")
	return cmd
}

func newLoadUnit(g *global, verb, short string) *cobra.Command {
	d := &docking{tag: "loads"}
	var stop int
	cmd := dockVerb(g, d, verb+" LOAD SSCC", short, "  paklog loads "+verb+" L-7 006141410000000050", 2,
		func(_ *cobra.Command, args []string) (string, any, error) {
			return verb, rest.UnitBody{SSCC: args[1], Stop: stop, By: d.by}, nil
		}, tellLoad)
	if verb == "assign" {
		cmd.Flags().IntVar(&stop, "stop", 0, "for which stop; the first where it is left out")
	}
	return cmd
}

func newLoadSeal(g *global) *cobra.Command {
	d := &docking{tag: "loads"}
	return dockVerb(g, d, "seal LOAD SEAL", "Close the truck once everything is in it", "  paklog loads seal L-7 S-4711", 2,
		func(_ *cobra.Command, args []string) (string, any, error) {
			return "seal", rest.SealBody{Seal: args[1], By: d.by}, nil
		}, tellLoad)
}

func newLoadEnd(g *global, verb, short string, needed bool) *cobra.Command {
	d := &docking{tag: "loads"}
	var reason string
	example := "  paklog loads " + verb + " L-7"
	if needed {
		example += ` --reason "one more"`
	}
	cmd := dockVerb(g, d, verb+" LOAD", short, example, 1, func(cmd *cobra.Command, _ []string) (string, any, error) {
		if needed && reason == "" {
			return "", nil, usagef(cmd, "say why with --reason")
		}
		return verb, rest.ByBody{By: d.by, Reason: reason}, nil
	}, tellLoad)
	if needed {
		cmd.Flags().StringVar(&reason, "reason", "", "why; required")
	}
	return cmd
}

func newManifests(g *global) *cobra.Command {
	list := func() *cobra.Command {
		return dockList(g, "manifests", view.Manifest, "List manifests", []string{"MANIFEST", "STATUS", "CARRIER", "SERVICE", "DAY", "CARTONS", "ORDERS", "WEIGHT", "UPDATED"}, func(d view.Doc) ([]any, error) {
			var m manifest.Manifest
			err := json.Unmarshal(d.State, &m)
			return []any{d.ID, d.Status, m.Carrier, m.Service, m.Day, strconv.Itoa(len(m.Cartons)), strconv.Itoa(m.Total.Orders), grams(m.Total.Weight), instant(d.Updated)}, err
		})
	}
	cmd := list()
	cmd.Use, cmd.Short = "manifests", "List carriers' manifests by day; show and close them"
	cmd.Example = `  paklog manifests --status open
  paklog manifests show ups-03-20261129
  paklog manifests close ups-03-20261129`
	d := &docking{tag: "manifests"}
	cmd.AddCommand(list(), dockShow(g, "manifests", "manifest", tellManifest),
		dockVerb(g, d, "close MANIFEST", "Close a manifest before the day's end: what is labelled from now on goes on the next day's", "  paklog manifests close ups-03-20261129", 1,
			func(*cobra.Command, []string) (string, any, error) { return "close", rest.ByBody{By: d.by}, nil }, tellManifest))
	return cmd
}

func tellManifest(cmd *cobra.Command, m manifest.Manifest) {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "manifest %s of %s for %s is %s: %d cartons of %d orders, %s\n", clean(m.Manifest),
		clean(strings.TrimSpace(m.Carrier+" "+m.Service)), m.Day, m.Status, m.Total.Cartons, m.Total.Orders, grams(m.Total.Weight))
	for _, c := range m.Cartons {
		fmt.Fprintf(w, "  %s %s of order %s, %s\n", c.SSCC, clean(c.Tracking), clean(c.Order), grams(c.Weight))
	}
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

func newShip(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "ship", Short: "Price, label, void and track parcels on request",
		Long: `Price, label, void and track parcels that are no cartons of an order here. A label is bought once per --key, whatever is
repeated or killed in between. What the carrier has not answered in time goes on: paklog ship show tells how it stands.`,
		Example: `  paklog ship rate --weight-g 800 --name "Jane Doe" --street "1 Main St" --city Reno --region NV --postal-code 89501 --country US
  paklog ship label --key gift-7 --carrier ups --weight-g 800 --name "Jane Doe" --street "1 Main St" \
    --city Reno --region NV --postal-code 89501 --country US --out label.zpl
  paklog ship track 019a7c52-6e1f-7c3a-9f52-8d1c60b0a001
  paklog ship void 019a7c52-6e1f-7c3a-9f52-8d1c60b0a001 --reason "wrong box"`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newShipAddress(g), newShipRate(g), newShipLabel(g), newShipList(g), newShipShow(g), newShipVoid(g), newShipTrack(g))
	return cmd
}

// parcelFlags describe a parcel.
type parcelFlags struct {
	body                          rest.LabelBody
	weight, length, width, height int64
}

const anyAddress = `--name "Jane Doe" --street "1 Main St" --city Reno --region NV --postal-code 89501 --country US`

func (p *parcelFlags) flags(cmd *cobra.Command, g *global) {
	f := cmd.Flags()
	shipToFlags(f, &p.body.To)
	f.Int64Var(&p.weight, "weight-g", 0, "gross weight; required")
	f.Int64Var(&p.length, "length-mm", 0, "length; without the three it is priced by weight alone")
	f.Int64Var(&p.width, "width-mm", 0, "width")
	f.Int64Var(&p.height, "height-mm", 0, "height")
	f.StringVar(&p.body.Carrier, "carrier", "", "a connection, or what orders call it; all are asked where it is left out")
	f.StringVar(&p.body.Service, "service", "", "in the carrier's own code")
	_ = cmd.MarkFlagRequired("weight-g") // the flag is there
	_ = cmd.RegisterFlagCompletionFunc("carrier", carrierNames(g))
}

func (p *parcelFlags) parcel(cmd *cobra.Command) (rest.LabelBody, error) {
	b := p.body
	b.Weight = p.weight * int64(measure.Gram)
	if p.length > 0 || p.width > 0 || p.height > 0 {
		if p.length <= 0 || p.width <= 0 || p.height <= 0 {
			return b, usagef(cmd, "--length-mm, --width-mm and --height-mm go together")
		}
		mm := int64(measure.Millimetre)
		b.Dims = &custom.Dims{Length: p.length * mm, Width: p.width * mm, Height: p.height * mm}
	}
	return b, nil
}

// carrierNames are the connections of the configuration.
func carrierNames(g *global) completer {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		cfg, _, err := load(g.config)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []string
		for _, c := range cfg.Carriers.accounts() {
			out = append(out, c.name)
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

func newShipAddress(g *global) *cobra.Command {
	var b rest.AddressBody
	cmd := &cobra.Command{
		Use: "address", Short: "Ask a carrier whether it can deliver to an address, and how it spells it",
		Example: `  paklog ship address --street "1 Main St" --city Reno --region NV --postal-code 89501 --country US`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd, g, "/v1/addresses/check", b, func(c ship.AddressCheck) {
				w := cmd.OutOrStdout()
				fmt.Fprintf(w, "%s says: %s\n", clean(c.Connection), c.Verdict)
				for _, a := range c.Candidates {
					fmt.Fprintf(w, "  %s, %s %s %s %s%s\n", clean(strings.Join(a.Lines, ", ")), clean(a.City), clean(a.Region), clean(a.PostalCode), clean(a.Country), besides(", ", a.Use))
				}
			})
		},
	}
	shipToFlags(cmd.Flags(), &b.Address)
	cmd.Flags().StringVar(&b.Carrier, "carrier", "", "a connection, or what orders call it; the first that checks addresses where it is left out")
	_ = cmd.RegisterFlagCompletionFunc("carrier", carrierNames(g)) // the flag is there
	return cmd
}

func newShipRate(g *global) *cobra.Command {
	var p parcelFlags
	cmd := &cobra.Command{
		Use: "rate", Short: "Ask carriers what a parcel costs, the cheapest first",
		Example: "  paklog ship rate --weight-g 800 " + anyAddress + "\n  paklog ship rate --carrier ups --json --weight-g 800 " + anyAddress,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := p.parcel(cmd)
			if err != nil {
				return err
			}
			return ask(cmd, g, "/v1/rates", b.ParcelBody, func(q ship.Quotes) {
				t := newTable(cmd.OutOrStdout(), "CARRIER", "SERVICE", "NAME", "COST", "DAYS", "ARRIVES")
				for _, r := range q.Rates {
					t.row(r.Connection, r.Service.Code, r.Service.Name, r.Cost, days(r.TransitDays), r.Arrives)
				}
				_ = t.flush() // a failed write is the reader's
				for _, s := range q.Silent {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s gave no price (%s): %s\n", clean(s.Connection), s.Kind, clean(s.Reason))
				}
			})
		},
	}
	p.flags(cmd, g)
	return cmd
}

func days(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// patience is how long a verb waits for a carrier.
type patience struct{ wait time.Duration }

func (p *patience) flags(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&p.wait, "wait", 30*time.Second, "how long to wait for the carrier, at most 1m; it goes on without you")
}

func (p *patience) header() string {
	return "wait=" + strconv.Itoa(int(p.wait.Round(time.Second)/time.Second))
}

func newShipLabel(g *global) *cobra.Command {
	var p parcelFlags
	var w patience
	var key, file string
	cmd := &cobra.Command{
		Use: "label", Short: "Buy the label of a parcel, once per --key",
		Long: `Buy the label of a parcel. Under the same --key it is bought once, however often it is asked for: a repeat is answered
with the label that exists, and another parcel under the same key is refused.`,
		Example: "  paklog ship label --key gift-7 --weight-g 800 --out label.zpl " + anyAddress + `
  paklog ship label --key gift-8 --carrier fedex --format PDF --out label.pdf --weight-g 800 ` + anyAddress,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := p.parcel(cmd)
			if err != nil {
				return err
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var raw json.RawMessage
				if _, err := c.send(ctx, http.MethodPost, "/v1/labels", map[string]string{"Idempotency-Key": key, "Prefer": w.header()}, b, &raw); err != nil {
					return err
				}
				var s rest.PostageState
				if err := json.Unmarshal(raw, &s); err != nil {
					return fmt.Errorf("reading the hub's answer: %w", err)
				}
				if file != "" && len(s.Image) > 0 {
					if err := os.WriteFile(file, s.Image, 0o600); err != nil {
						return err
					}
				}
				return tellAnswer(cmd, g, raw, func(s rest.PostageState) { tellPostage(cmd, s) })
			})
		},
	}
	p.flags(cmd, g)
	w.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&key, "key", "", "Idempotency-Key: names this purchase; required")
	f.StringVar(&file, "out", "", "file for the label's bytes")
	f.StringVar(&p.body.Owner, "owner", "", "who it is for; the configured owner where it is left out")
	f.StringVar(&p.body.Order, "order", "", "a number that is printed on it for people")
	f.StringVar(&p.body.Format, "format", "ZPL", "ZPL, PDF, PNG or GIF; not every carrier has every format")
	_ = cmd.MarkFlagRequired("key") // the flag is there
	_ = cmd.RegisterFlagCompletionFunc("format", words("ZPL", "PDF", "PNG", "GIF"))
	return cmd
}

func tellPostage(cmd *cobra.Command, p rest.PostageState) {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "label %s is %s%s%s\n", p.ID, p.Status, besides(" at ", p.Connection), besides(": ", p.Reason))
	if p.Tracking != "" {
		fmt.Fprintf(w, "tracking %s, service %s, cost %s\n", clean(p.Tracking), clean(p.Service), p.Cost)
	}
	if p.Open() {
		fmt.Fprintf(cmd.ErrOrStderr(), "the carrier has not answered yet, and is waited for: paklog ship show %s\n", p.ID)
	}
}

func newShipList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List labels that were bought on request", Example: "  paklog ship list --status bought", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/postage", []string{"OWNER", "LABEL", "STATUS", "CARRIER", "SERVICE", "TRACKING", "COST", "FOR", "UPDATED"}, func(d view.Doc) ([]any, error) {
				var p ship.Postage
				err := json.Unmarshal(d.State, &p)
				cost := ""
				if p.Cost.Currency != "" {
					cost = p.Cost.String()
				}
				return []any{d.Owner, d.ID, d.Status, p.Connection, p.Service, p.Tracking, cost, p.OrderNumber, instant(d.Updated)}, err
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Postage)...)
	return cmd
}

// aboutLabel is a verb about a label that was bought on request.
func aboutLabel[T any](g *global, use, short, example string, call func(cmd *cobra.Command, ctx context.Context, c *caller, path string, out *json.RawMessage) error, tell func(*cobra.Command, T)) *cobra.Command {
	var owner string
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, documentIDs("/v1/postage")),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var raw json.RawMessage
				path := "/v1/postage/" + url.PathEscape(cmp.Or(owner, c.cfg.Owner)) + "/" + url.PathEscape(args[0])
				if err := call(cmd, ctx, c, path, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, func(v T) { tell(cmd, v) })
			})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "who it is for; the configured owner where it is left out")
	return cmd
}

func newShipShow(g *global) *cobra.Command {
	var file string
	cmd := aboutLabel(g, "show LABEL", "Show how a label stands", "  paklog ship show 019a7c52-6e1f-7c3a-9f52-8d1c60b0a001 --out label.zpl",
		func(_ *cobra.Command, ctx context.Context, c *caller, path string, out *json.RawMessage) error {
			if file != "" {
				var b []byte
				if err := c.do(ctx, http.MethodGet, path+"/image", nil, &b); err != nil {
					return err
				}
				if err := os.WriteFile(file, b, 0o600); err != nil {
					return err
				}
			}
			return c.do(ctx, http.MethodGet, path, nil, out)
		}, tellPostage)
	cmd.Flags().StringVar(&file, "out", "", "file for the label's bytes")
	return cmd
}

func newShipVoid(g *global) *cobra.Command {
	var w patience
	var reason string
	cmd := aboutLabel(g, "void LABEL", "Give a label back to the carrier, or let it not be bought", "  paklog ship void 019a7c52-6e1f-7c3a-9f52-8d1c60b0a001 --reason \"wrong box\"",
		func(cmd *cobra.Command, ctx context.Context, c *caller, path string, out *json.RawMessage) error {
			if reason == "" {
				return usagef(cmd, "why? --reason")
			}
			_, err := c.send(ctx, http.MethodPost, path+"/void", map[string]string{"Prefer": w.header()}, rest.ByBody{Reason: reason}, out)
			return err
		}, tellPostage)
	w.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why; required")
	return cmd
}

func newShipTrack(g *global) *cobra.Command {
	var carrier, owner string
	cmd := &cobra.Command{
		Use: "track NUMBER", Short: "Say where a parcel is, as its carrier says now: of a label, or of a tracking number and its carrier",
		Example: `  paklog ship track 019a7c52-6e1f-7c3a-9f52-8d1c60b0a001
  paklog ship track 1Z12345E1505270452 --carrier ups --json`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, documentIDs("/v1/postage")),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				path := "/v1/postage/" + url.PathEscape(cmp.Or(owner, c.cfg.Owner)) + "/" + url.PathEscape(args[0]) + "/tracking"
				if carrier != "" {
					path = "/v1/tracking/" + url.PathEscape(carrier) + "/" + url.PathEscape(args[0])
				}
				var raw json.RawMessage
				if err := c.do(ctx, http.MethodGet, path, nil, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, func(t ship.Tracking) {
					w := cmd.OutOrStdout()
					fmt.Fprintf(w, "%s is %s\n", clean(t.TrackingNumber), strings.ReplaceAll(string(t.Stage), "_", " "))
					for _, s := range t.Scans {
						fmt.Fprintf(w, "%s  %s%s\n", instant(s.At), clean(s.Text), besides(", ", clean(s.Place)))
					}
				})
			})
		},
	}
	cmd.Flags().StringVar(&carrier, "carrier", "", "whose tracking number it is; a label's is known")
	cmd.Flags().StringVar(&owner, "owner", "", "who the label is for; the configured owner where it is left out")
	_ = cmd.RegisterFlagCompletionFunc("carrier", carrierNames(g))
	return cmd
}

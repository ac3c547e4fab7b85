package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/transforms/custom"
)

// mostOrder is the largest order document that is read from a file.
const mostOrder = 1 << 20

func newOrderAdd(g *global) *cobra.Command {
	var (
		doc   custom.Order
		lines []string
		svc   custom.Service
		file  string
		key   string
	)
	cmd := &cobra.Command{
		Use: "add", Short: "Place an order by hand: asked for step by step, from flags, or from a file",
		Long: `Place an order. On a terminal and without flags it asks for each thing and checks it as it
is typed: items and their units must be known, and it shows what is available. The same rule holds as
at every door: an order number of an owner is one order. Sent again the same way it is answered with
the order that exists; where something differs, the differences are told and nothing changes.

Without --key the Idempotency-Key is made from the content, so that a repeated command places nothing
twice.

From flags or a file an item that is not known yet is taken as at every other door: the order is accepted, and the
line is held until the item is there. That is told, and ends with 3.`,
		Example: `  paklog order add
  paklog order add --number SO-1001 --line MUG-BLUE=3 --line KETTLE=1:case --name "Jane Doe" \
    --street "1 Main St" --city Reno --region NV --postal-code 89501 --country US
  paklog order add --file order.json
  jq .order mail.json | paklog order add --file -`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&file, "file", "", "order as JSON, as POST /v1/orders takes it; - is standard input")
	f.StringVar(&key, "key", "", "Idempotency-Key; made from the content where it is left out")
	f.StringVar(&doc.Number, "number", "", "the owner's order number")
	f.StringVar(&doc.Owner, "owner", "", "whose goods; the configured owner's where it is left out")
	f.StringVar(&doc.Facility, "facility", "", "the building; the configured one where it is left out")
	f.StringVar(&doc.Policy, "policy", "", "partial or all_or_nothing")
	f.IntVar(&doc.Priority, "priority", 0, "0 to 9; 9 is most urgent")
	f.StringArrayVar(&lines, "line", nil, "ITEM=QTY or ITEM=QTY:UOM; once a line")
	shipToFlags(f, &doc.ShipTo)
	f.StringArrayVar(&doc.Notes, "note", nil, "a note for people")
	f.StringVar(&svc.Carrier, "carrier", "", "who carries it; the hub chooses where it is left out")
	f.StringVar(&svc.Level, "service", "", "service of the carrier")
	f.StringVar(&svc.Route, "route", "", "delivery route")
	f.StringVar(&doc.Type, "type", "", "what kind of order it is; waves may be made by it")
	_ = cmd.RegisterFlagCompletionFunc("policy", words(order.Partial, order.AllOrNothing))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		given := 0
		cmd.LocalNonPersistentFlags().VisitAll(func(x *pflag.Flag) {
			if x.Changed && x.Name != "file" && x.Name != "key" && x.Name != "help" {
				given++
			}
		})
		switch {
		case file != "" && given > 0:
			return usagef(cmd, "--file holds the whole order: leave the other flags out")
		case file == "" && given == 0 && !terminal(cmd.InOrStdin()):
			return usagef(cmd, "no order is given: use flags, --file, or a terminal to be asked")
		}
		for _, l := range lines {
			x, err := parseLine(l)
			if err != nil {
				return usagef(cmd, "--line %s: %w", l, err)
			}
			doc.Lines = append(doc.Lines, x)
		}
		if svc != (custom.Service{}) {
			doc.Service = &svc
		}
		return withHub(cmd, g, func(ctx context.Context, c *caller) error {
			var body json.RawMessage
			var err error
			switch {
			case file != "":
				body, err = readOrder(file, cmd.InOrStdin())
			case given == 0:
				var asked *custom.Order
				if asked, err = askOrder(ctx, c, cmd.InOrStdin(), cmd.OutOrStdout()); err == nil {
					body, err = json.Marshal(asked)
				}
			default:
				body, err = json.Marshal(doc)
			}
			if err != nil {
				return err
			}
			return placeOrder(ctx, cmd, g, c, body, key)
		})
	}
	return cmd
}

// parseLine reads ITEM=QTY or ITEM=QTY:UOM. The last = parts them: an item may hold one.
func parseLine(s string) (custom.Line, error) {
	i := strings.LastIndexByte(s, '=')
	if i <= 0 {
		return custom.Line{}, errors.New("is not ITEM=QTY or ITEM=QTY:UOM")
	}
	qty, uom, _ := strings.Cut(s[i+1:], ":")
	n, err := strconv.ParseInt(qty, 10, 64)
	if err != nil || n < 1 {
		return custom.Line{}, fmt.Errorf("%q is not a quantity of 1 or more", qty)
	}
	return custom.Line{Item: s[:i], Qty: n, UOM: uom}, nil
}

func readOrder(file string, stdin io.Reader) (json.RawMessage, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, mostOrder+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the order: %w", err)
	case len(b) > mostOrder:
		return nil, fmt.Errorf("%s is larger than %d bytes: it is no single order (paklog import reads many)", file, mostOrder)
	case len(bytes.TrimSpace(b)) == 0:
		return nil, fmt.Errorf("%s is empty", file)
	}
	return b, nil
}

// placeOrder sends an order through the door and tells what became of it.
func placeOrder(ctx context.Context, cmd *cobra.Command, g *global, c *caller, body json.RawMessage, key string) error {
	if key == "" {
		sum := sha256.Sum256(body)
		key = "content-" + hex.EncodeToString(sum[:16])
	}
	var raw json.RawMessage
	made, err := c.send(ctx, http.MethodPost, "/v1/orders", map[string]string{"Idempotency-Key": key}, body, &raw)
	if err != nil {
		return err
	}
	var o order.Order
	if err := json.Unmarshal(raw, &o); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	var held error
	if slices.ContainsFunc(o.Lines, func(l order.Line) bool { return l.Held() }) {
		held = exitFindings
	}
	out := cmd.OutOrStdout()
	if g.json {
		return cmp.Or(writeJSON(out, raw), held)
	}
	if made {
		fmt.Fprintf(out, "order %s of %s is durable: %s\n", clean(o.Number), clean(o.Scope.Owner), o.Status())
	} else {
		fmt.Fprintf(out, "order %s of %s was placed before, the same: %s\n", clean(o.Number), clean(o.Scope.Owner), o.Status())
	}
	for _, l := range o.Lines {
		if l.Held() {
			fmt.Fprintf(out, "  line %d is held and waits: %s\n", l.No, clean(l.Problem.Text))
		}
	}
	if held != nil {
		fmt.Fprintf(out, "a held line goes on by itself once that is mended; its letter is in paklog dlq list, and paklog order change corrects it\n")
	}
	return held
}

// shipToFlags say where something goes.
func shipToFlags(f *pflag.FlagSet, to *custom.Address) {
	f.StringVar(&to.Name, "name", "", "ship to: name")
	f.StringVar(&to.Company, "company", "", "ship to: company")
	f.StringArrayVar(&to.Lines, "street", nil, "ship to: street; up to three times")
	f.StringVar(&to.City, "city", "", "ship to: city")
	f.StringVar(&to.Region, "region", "", "ship to: state or province code")
	f.StringVar(&to.PostalCode, "postal-code", "", "ship to: postal code")
	f.StringVar(&to.Country, "country", "", "ship to: country, two letters")
	f.StringVar(&to.Phone, "phone", "", "ship to: phone")
	f.StringVar(&to.Email, "email", "", "ship to: mail address")
}

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/core/view"
)

func newTenders(g *global) *cobra.Command {
	list := func() *cobra.Command {
		return dockList(g, "tenders", view.Tender, "List what was tendered to carriers", []string{"LOAD", "STATUS", "CARRIER", "REFERENCE", "LAST", "INVOICED", "UPDATED"}, func(d view.Doc) ([]any, error) {
			var t tender.Tender
			err := json.Unmarshal(d.State, &t)
			last, charged := "", ""
			if n := len(t.Tracks); n > 0 {
				last = t.Tracks[n-1].Status + " " + t.Tracks[n-1].Place
			}
			for _, i := range t.Invoices {
				charged += map[bool]string{true: "", false: "!"}[len(i.Differences) == 0] + i.Amount.String() + " "
			}
			return []any{d.ID, d.Status, t.Partner, t.Reference, strings.TrimSpace(last), strings.TrimSpace(charged), instant(d.Updated)}, err
		})
	}
	cmd := list()
	cmd.Use, cmd.Short = "tenders", "List loads that were tendered to carriers; tender, withdraw, show"
	cmd.Long = `List loads that were tendered to carriers who are trading partners (a scac in edi.partners), and those that partners
tendered to us, who wait for accept or decline. A tender is a 204; the
carrier's 990 accepts or declines it, his 214 say where the freight is, and his 210 is held against what was
agreed: what differs is marked by ! and is a letter.`
	cmd.Example = `  paklog tenders offer L-7 --partner ROAD --rate 850.00 --currency USD
  paklog tenders show L-7
  paklog tenders withdraw L-7 --reason "the dock is closed"`
	d := &docking{tag: "tenders"}
	cmd.AddCommand(list(), dockShow(g, "tenders", "load", tellTender), newTenderOffer(g), newTenderAccept(g),
		newTenderEnd(g, d, "withdraw", "Take a tender back"), newTenderEnd(g, d, "decline", "Note that the carrier does not take the load"))
	return cmd
}

func tellTender(cmd *cobra.Command, t tender.Tender) {
	w := cmd.OutOrStdout()
	how := "load %s is tendered to %s: %s%s%s\n"
	if t.Inbound {
		how = "load %s is tendered to us by %s: %s%s%s\n"
	}
	fmt.Fprintf(w, how, clean(t.Load), clean(t.Partner), t.Status, besides(", reference ", t.Reference), besides(": ", t.Reason))
	if !t.AnswerBy.IsZero() && t.Status == tender.StatusOffered {
		fmt.Fprintf(w, "to be answered by %s\n", instant(t.AnswerBy))
	}
	for _, s := range t.Stops {
		fmt.Fprintf(w, "stop %d %s\n", s.No, clean(s.Code))
		for _, o := range s.Orders {
			fmt.Fprintf(w, "  order %s of %s: %d cartons, %s\n", clean(o.Order), clean(o.Owner), o.Cartons, grams(o.Weight))
		}
	}
	for _, x := range t.Tracks {
		fmt.Fprintf(w, "%s %s %s %s\n", instant(x.Occurred), clean(x.Status), clean(x.Reason), clean(x.Place))
	}
	for _, i := range t.Invoices {
		fmt.Fprintf(w, "invoice %s over %v%s\n", clean(i.Number), i.Amount, besides(": ", strings.Join(i.Differences, "; ")))
	}
}

func newTenderOffer(g *global) *cobra.Command {
	d := &docking{tag: "tenders"}
	var b rest.OfferBody
	var rate string
	cmd := dockVerb(g, d, "offer LOAD", "Tender a load to a carrier: he is sent a 204", "  paklog tenders offer L-7 --partner ROAD --rate 850.00 --currency USD", 1,
		func(cmd *cobra.Command, _ []string) (string, any, error) {
			if b.Partner == "" {
				return "", nil, usagef(cmd, "a load is tendered to a carrier: --partner")
			}
			if b.By = d.by; rate != "" {
				minor, err := hundredths(rate)
				if err != nil {
					return "", nil, usagef(cmd, "--rate: %v", err)
				}
				b.Rate.Minor = minor
			} else {
				b.Rate = measure.Money{}
			}
			return "offer", b, nil
		}, tellTender)
	cmd.Flags().StringVar(&b.Partner, "partner", "", "the carrier, as edi.partners names him; required")
	cmd.Flags().StringVar(&rate, "rate", "", "what was agreed, as 850.00")
	cmd.Flags().StringVar(&b.Rate.Currency, "currency", "USD", "of the rate")
	return cmd
}

// hundredths reads an amount with at most two decimals, exactly.
func hundredths(s string) (int64, error) {
	whole, cents, _ := strings.Cut(s, ".")
	if len(whole) > 15 || len(cents) > 2 || whole == "" || strings.Trim(whole+cents, "0123456789") != "" {
		return 0, fmt.Errorf("%.40q is no amount like 850.00", s)
	}
	n := int64(0)
	for _, c := range whole + (cents + "00")[:2] {
		n = n*10 + int64(c-'0')
	}
	return n, nil
}

func newTenderAccept(g *global) *cobra.Command {
	d := &docking{tag: "tenders"}
	var b rest.TakenBody
	cmd := dockVerb(g, d, "accept LOAD", "Note that the carrier takes the load, as he said by telephone", "  paklog tenders accept L-7 --reference PRO-4711", 1,
		func(*cobra.Command, []string) (string, any, error) {
			b.By = d.by
			return "accept", b, nil
		}, tellTender)
	cmd.Flags().StringVar(&b.Reference, "reference", "", "the carrier's number for the load")
	return cmd
}

func newTenderEnd(g *global, d *docking, verb, short string) *cobra.Command {
	var reason string
	cmd := dockVerb(g, d, verb+" LOAD", short, "  paklog tenders "+verb+" L-7 --reason \"no truck\"", 1,
		func(*cobra.Command, []string) (string, any, error) {
			return verb, rest.ByBody{By: d.by, Reason: reason}, nil
		}, tellTender)
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	return cmd
}

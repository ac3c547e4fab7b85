package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/ship"
)

func newPrint(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "print", Short: "Print logistic labels and packing slips",
		Example: `  paklog print label 006141410000000012 > /dev/usb/lp0
  paklog print label 006141410000000012 --format pdf --out label.pdf
  paklog print slip SO-1001 --format pdf --out slip.pdf
  paklog print carrier 006141410000000012 --printer dock-1`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newPrintLabel(g), newPrintCarrier(g), newPrintSlip(g))
	return cmd
}

// printout is where a paper goes.
type printout struct {
	formats     []string
	format, out string
	printer     string
}

func (p *printout) flags(cmd *cobra.Command, formats ...string) {
	p.formats = formats
	cmd.Flags().StringVar(&p.format, "format", formats[0], "one of "+strings.Join(formats, ", "))
	cmd.Flags().StringVar(&p.out, "out", "", "file to write; standard output where it is left out")
	_ = cmd.RegisterFlagCompletionFunc("format", words(formats...)) // the flag is there
	cmd.Flags().StringVar(&p.printer, "printer", "", "network printer of the configuration that prints it; - is the one that would by itself")
}

// send lets a network printer print a paper, once more where it was printed already.
func (p *printout) send(ctx context.Context, cmd *cobra.Command, c *caller, path, query, paper string) error {
	if cmd.Flags().Changed("out") || cmd.Flags().Changed("format") {
		return usagef(cmd, "--printer prints as the printer is configured: leave --out and --format out")
	}
	b := rest.PrintBody{Paper: paper, Printer: p.printer}
	if b.Printer == "-" {
		b.Printer = ""
	}
	var sent ship.PrintSent
	if err := c.do(ctx, http.MethodPost, path+"/prints"+query, b, &sent); err != nil {
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "sent to %s\n", sent.Printer)
	return err
}

// print fetches a paper as the printer wants it.
func (p *printout) print(ctx context.Context, cmd *cobra.Command, c *caller, path, query string) error {
	if !slices.Contains(p.formats, p.format) {
		return usagef(cmd, "--format %s is none of %s", p.format, strings.Join(p.formats, ", "))
	}
	var b []byte
	if err := c.do(ctx, http.MethodGet, path+"."+p.format+query, nil, &b); err != nil {
		return err
	}
	if p.out != "" {
		return os.WriteFile(p.out, b, 0o600)
	}
	_, err := cmd.OutOrStdout().Write(b)
	return err
}

func newPrintLabel(g *global) *cobra.Command {
	var p printout
	var facility string
	cmd := &cobra.Command{
		Use: "label SSCC", Short: "Print the GS1 logistic label of a carton: ZPL for a 203 dpi printer, or PDF, 4 by 6 inches",
		Example: `  paklog print label 006141410000000012
  paklog print label 006141410000000012 --format pdf --out label.pdf`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				return p.carton(ctx, cmd, c, args[0], facility, ship.PaperCarton, "/label")
			})
		},
	}
	p.flags(cmd, "zpl", "pdf")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

// carton prints a paper of a carton, here or on a network printer.
func (p *printout) carton(ctx context.Context, cmd *cobra.Command, c *caller, sscc, facility, paper, suffix string) error {
	path, query := "/v1/cartons/"+url.PathEscape(sscc), "?facility="+url.QueryEscape(facility)
	if p.printer != "" {
		return p.send(ctx, cmd, c, path, query, paper)
	}
	return p.print(ctx, cmd, c, path+suffix, query)
}

func newPrintCarrier(g *global) *cobra.Command {
	var p printout
	var facility string
	cmd := &cobra.Command{
		Use: "carrier SSCC", Short: "Print the carrier's label of a carton",
		Example: `  paklog print carrier 006141410000000012 > /dev/usb/lp0
  paklog print carrier 006141410000000012 --printer dock-1`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				return p.carton(ctx, cmd, c, args[0], facility, ship.PaperCarrier, "/carrier-label")
			})
		},
	}
	p.flags(cmd, "zpl")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

func newPrintSlip(g *global) *cobra.Command {
	var p printout
	var owner string
	cmd := &cobra.Command{
		Use: "slip ORDER", Short: "Print the packing slip of an order: text, HTML or PDF",
		Example: `  paklog print slip SO-1001
  paklog print slip SO-1001 --format pdf --out slip.pdf`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, orderNumbers),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				path, err := orderPath(ctx, c, args[0], owner)
				if err != nil {
					return err
				}
				if p.printer != "" {
					return p.send(ctx, cmd, c, path, "", ship.PaperSlip)
				}
				return p.print(ctx, cmd, c, path+"/packing-slip", "")
			})
		},
	}
	p.flags(cmd, "txt", "html", "pdf")
	cmd.Flags().StringVar(&owner, "owner", "", "whose order, where several have one of this number")
	return cmd
}

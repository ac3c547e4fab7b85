package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newPrint(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "print", Short: "Print logistic labels and packing slips",
		Example: `  paklog print label 006141410000000012 > /dev/usb/lp0
  paklog print label 006141410000000012 --format pdf --out label.pdf
  paklog print slip SO-1001 --format pdf --out slip.pdf`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newPrintLabel(g), newPrintSlip(g))
	return cmd
}

// printer is where a paper goes.
type printer struct {
	formats     []string
	format, out string
}

func (p *printer) flags(cmd *cobra.Command, formats ...string) {
	p.formats = formats
	cmd.Flags().StringVar(&p.format, "format", formats[0], "one of "+strings.Join(formats, ", "))
	cmd.Flags().StringVar(&p.out, "out", "", "file to write; standard output where it is left out")
	_ = cmd.RegisterFlagCompletionFunc("format", words(formats...)) // the flag is there
}

// print fetches a paper as the printer wants it.
func (p *printer) print(ctx context.Context, cmd *cobra.Command, c *caller, path, query string) error {
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
	var p printer
	var facility string
	cmd := &cobra.Command{
		Use: "label SSCC", Short: "Print the GS1 logistic label of a carton: ZPL for a 203 dpi printer, or PDF, 4 by 6 inches",
		Example: `  paklog print label 006141410000000012
  paklog print label 006141410000000012 --format pdf --out label.pdf`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				return p.print(ctx, cmd, c, "/v1/cartons/"+url.PathEscape(args[0])+"/label", "?facility="+url.QueryEscape(facility))
			})
		},
	}
	p.flags(cmd, "zpl", "pdf")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

func newPrintSlip(g *global) *cobra.Command {
	var p printer
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
				return p.print(ctx, cmd, c, path+"/packing-slip", "")
			})
		},
	}
	p.flags(cmd, "txt", "html", "pdf")
	cmd.Flags().StringVar(&owner, "owner", "", "whose order, where several have one of this number")
	return cmd
}

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/x12"
)

func newValidate(g *global) *cobra.Command {
	var rules rulesFlags
	var format, least string
	cmd := &cobra.Command{
		Use: "validate FILE|FOLDER|-...", Short: "Check documents and show each finding with its segment and a caret under the place",
		Long: `Check X12 and EDIFACT documents against envelope, grammar and the partner's overlay. Each finding says where it
stands (line and column count from 1, bytes from 0, ST or UNH is segment 1), what was found, what was expected
and what to do. Ends with 3 when there is an error that the hub would reject something for.

--json has one object a finding, one a line, every key in each: code severity file isa13 gs06 st02 offset
length line column segment_ordinal loop element found expected layer message hint ack.`,
		Example: `  paklog edi validate 940.edi
  paklog edi validate --json inbox/ | jq -r 'select(.severity == "error") | .message'
  paklog edi validate --profile profiles/acme.yaml --format html 940.edi > 940.html
  paklog edi validate --format sarif . > edi.sarif`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if g.json {
				format = "json"
			}
			if !slices.Contains(finding.Formats, format) {
				return usagef(cmd, "--format is one of %s", strings.Join(finding.Formats, ", "))
			}
			var floor finding.Severity
			if err := floor.UnmarshalText([]byte(least)); err != nil {
				return usagef(cmd, "--least is note, warning or error")
			}
			out := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
			report, err := finding.New(format, out, coloured(terminal(cmd.OutOrStdout()), os.Getenv))
			if err != nil {
				return err
			}
			var n [finding.Error + 1]int
			files, sets := 0, 0
			show := func(name string, raw []byte, offset int64, terminator byte, findings []finding.Finding) error {
				for _, f := range findings {
					n[f.Severity]++
					if f.Severity < floor {
						continue
					}
					f.File = name
					var e finding.Excerpt
					if at := f.Offset - offset; at >= 0 && at <= int64(len(raw)) && len(raw) > 0 {
						e = finding.Cut(raw, at, f.Length, terminator)
					}
					if err := report.Add(f, e); err != nil {
						return err
					}
				}
				return nil
			}
			lib, err := rules.library()
			if err != nil {
				return err
			}
			messages, err := rules.messages()
			if err != nil {
				return err
			}
			err = eachInput(cmd, args, func(name string, in io.Reader) error {
				files++
				return eachPart(in, func(p *x12.Part) error {
					if p.Kind == x12.TransactionSet {
						sets++
					}
					lib.Check(p)
					return show(name, p.Raw, p.Offset, p.Segments.Delimiters().Terminator, p.Findings)
				}, func(p *edifact.Part) error {
					if p.Kind == edifact.Message {
						sets++
						messages.Check(p)
					}
					return show(name, p.Raw, p.Offset, p.Segments.Delimiters().Terminator, p.Findings)
				})
			})
			if cerr := report.Close(); err == nil {
				err = cerr
			}
			if err == nil && format == "text" {
				_, err = fmt.Fprintf(out, "%d files, %d sets: %d errors, %d warnings, %d notes\n", files, sets, n[finding.Error], n[finding.Warning], n[finding.Note])
			}
			if ferr := out.Flush(); err == nil {
				err = ferr
			}
			if err == nil && n[finding.Error] > 0 {
				return exitFindings
			}
			return err
		},
	}
	rules.add(cmd)
	cmd.Flags().StringVar(&format, "format", "text", strings.Join(finding.Formats, ", "))
	cmd.Flags().StringVar(&least, "least", "note", "least severity that is shown: note, warning, error")
	return cmd
}

package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactjson"
	"github.com/paklog/hub/edi/mixed"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12json"
)

func newEDIJSON() *cobra.Command {
	var exact bool
	cmd := &cobra.Command{
		Use: "json FILE|FOLDER|-...", Short: "Write documents as canonical JSON, an object an interchange",
		Long: `Write documents as canonical JSON, an object an interchange: {"isa":[...],"delimiters":{...},"groups":[{"gs":[...],
"sets":[{"st":[...],"segments":[["W05","N","ORD-1"],...]}]}]}. A segment is an array of its tag and elements; an
element with components is an array, one that repeats is {"repeat":[...]}. Trailers stand there only where they
are not what would be counted. EDIFACT is {"unb":[...],"delimiters":{...},"messages":[{"unh":[...],"segments":[...]}]},
its values released and in UTF-8. paklog edi build makes the document of it again.

With --exact nothing is lost: whatever would be written otherwise is {"seg":[...],"sum":"...","raw":"..."} and carries
its bytes in raw, so that the document that is built is the same byte for byte. Change the values of seg, and they
are written instead of the bytes: sum tells that they were changed.`,
		Example: `  paklog edi json 940.edi | jq '.groups[].sets[].segments[] | select(.[0] == "W01")'
  paklog edi json --exact 940.edi | paklog edi build - | cmp - 940.edi`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
			err := eachInput(cmd, args, func(_ string, in io.Reader) error { return canonical(out, in, exact) })
			if ferr := out.Flush(); err == nil {
				err = ferr
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&exact, "exact", false, "keep every byte")
	return cmd
}

// canonical writes a stream of X12, EDIFACT or both as JSON.
func canonical(out io.Writer, in io.Reader, exact bool) error {
	return mixed.NewReader(in, mixed.Limits{}).Each(func(r *x12.Reader) error {
		return x12json.Write(out, r, x12json.Options{Exact: exact})
	}, func(r *edifact.Reader) error {
		return edifactjson.Write(out, r, edifactjson.Options{Exact: exact})
	})
}

func newEDIBuild() *cobra.Command {
	return &cobra.Command{
		Use: "build FILE|FOLDER|-...", Short: "Write canonical JSON as documents; counts and trailers are made",
		Long: `Write canonical JSON, as paklog edi json has it, as X12 or EDIFACT, each interchange as its first key says: an
ISA is padded, its control number filled with zeros, values of EDIFACT are released, trailers are counted. A value that holds a delimiter of X12, or a
character that is not in the interchange's repertoire, is refused, with the byte of the JSON that it stands before.`,
		Example: `  paklog edi json 940.edi | jq '.isa[15] = "T"' | paklog edi build - > test.edi`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachInput(cmd, args, func(_ string, in io.Reader) error {
				return mixed.Build(cmd.OutOrStdout(), in)
			})
		},
	}
}

func newEDIDiff() *cobra.Command {
	return &cobra.Command{
		Use: "diff OLD NEW", Short: "Show in what two documents differ, segment by segment and element by element",
		Long: `Show in what two documents differ by meaning: line ends, padding and delimiters do not count. Sets are held
against each other in their order; - is OLD, + is NEW. Ends with 3 when they differ.`,
		Example: "  paklog edi diff yesterday.edi today.edi",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-" && args[1] == "-" {
				return usagef(cmd, "only one of the two can be standard input")
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			differ, err := diffSets(out, setsOf(cmd, args[0]), setsOf(cmd, args[1]))
			if err := cmp.Or(err, out.Flush()); err != nil {
				return err
			}
			if differ {
				return exitFindings
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "the documents say the same")
			return nil
		},
	}
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactjson"
	"github.com/paklog/hub/edi/sniff"
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
			err := eachInput(cmd, args, func(_ string, in io.Reader) error {
				format, in := sniffed(in)
				if format == sniff.EDIFACT {
					return edifactjson.Write(out, edifact.NewReader(in, edifact.Limits{}), edifactjson.Options{Exact: exact})
				}
				return x12json.Write(out, x12.NewReader(in, x12.Limits{}), x12json.Options{Exact: exact})
			})
			if ferr := out.Flush(); err == nil {
				err = ferr
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&exact, "exact", false, "keep every byte")
	return cmd
}

func newEDIBuild() *cobra.Command {
	return &cobra.Command{
		Use: "build FILE|FOLDER|-...", Short: "Write canonical JSON as documents; counts and trailers are made",
		Long: `Write canonical JSON, as paklog edi json has it, as X12 or EDIFACT, each input as its first interchange is: an
ISA is padded, its control number filled with zeros, values of EDIFACT are released, trailers are counted. A value that holds a delimiter of X12, or a
character that is not in the interchange's repertoire, is refused, with the byte of the JSON that it stands before.`,
		Example: `  paklog edi json 940.edi | jq '.isa[15] = "T"' | paklog edi build - > test.edi`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachInput(cmd, args, func(_ string, in io.Reader) error {
				var head bytes.Buffer
				if isEDIFACT := hasUNB(io.TeeReader(in, &head)); isEDIFACT {
					return edifactjson.Build(cmd.OutOrStdout(), io.MultiReader(&head, in))
				}
				return x12json.Build(cmd.OutOrStdout(), io.MultiReader(&head, in))
			})
		},
	}
}

// hasUNB reports whether the first interchange of a stream of canonical JSON is
// EDIFACT. What is wrong with the stream its builder says.
func hasUNB(in io.Reader) bool {
	d := json.NewDecoder(in)
	for {
		if t, err := d.Token(); err != nil || t != json.Delim('{') {
			return false
		}
		key, err := d.Token()
		if err != nil || key != "noise" {
			return key == "unb"
		}
		for d.More() { // what comes before it
			if _, err := d.Token(); err != nil {
				return false
			}
		}
		if _, err := d.Token(); err != nil {
			return false
		}
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
			var docs [2][]ediSet
			for i, arg := range args {
				err := eachInput(cmd, []string{arg}, func(_ string, in io.Reader) error {
					format, in := sniffed(in)
					if format == sniff.EDIFACT {
						return eachEDIFACT(in, func(p *edifact.Part) error {
							docs[i] = append(docs[i], setOfEDIFACT(p)...)
							return nil
						})
					}
					return eachPart(in, func(p *x12.Part) error {
						docs[i] = append(docs[i], setOf(p)...)
						return nil
					})
				})
				if err != nil {
					return err
				}
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			differ := diffSets(out, docs[0], docs[1])
			if err := out.Flush(); err != nil {
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

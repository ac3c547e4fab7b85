package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/edifact"
	edifactgrammar "github.com/paklog/hub/edi/edifact/grammar"
	data "github.com/paklog/hub/edi/grammar"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/grammar"
)

func newLearn() *cobra.Command {
	var rules rulesFlags
	var name string
	cmd := &cobra.Command{
		Use: "learn FILE|FOLDER|-...", Short: "Propose a partner's overlay from documents that he sent, the counts beside each line",
		Long: `Propose a partner's overlay from documents that he sent: segments and elements that always come, codes that
he uses, lengths beyond the profile, and what the profile does not know. Each line has its evidence beside it.
Of fewer than 3 documents, or 10 values of an element, nothing is said to be always so. The proposal closes
nothing: add closed: true where that was agreed.`,
		Example: `  paklog edi learn --name acme archive/ > profiles/acme.yaml
  paklog edi validate --profile profiles/acme.yaml inbox/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			lib, err := rules.library()
			if err != nil {
				return err
			}
			messages, err := rules.messages()
			if err != nil {
				return err
			}
			l, sets := data.NewLearner(), 0
			err = eachInput(cmd, args, func(_ string, in io.Reader) error {
				return eachPart(in, func(p *x12.Part) error {
					if p.Kind == x12.TransactionSet && grammar.Learn(l, lib, p) {
						sets++
					}
					return nil
				}, func(p *edifact.Part) error {
					if edifactgrammar.Learn(l, messages, p) {
						sets++
					}
					return nil
				})
			})
			if err != nil {
				return err
			}
			if sets == 0 {
				return fmt.Errorf("no transaction set or message in them that there is a profile of: paklog edi profile list has these")
			}
			_, err = cmd.OutOrStdout().Write(l.Overlay(name))
			return err
		},
	}
	rules.add(cmd)
	cmd.Flags().StringVar(&name, "name", "partner", "name of the overlay")
	return cmd
}

func newMutate() *cobra.Command {
	var rules rulesFlags
	var release, dir string
	cmd := &cobra.Command{
		Use: "mutate SET", Short: "Make a valid document of a set, and one for each rule with that rule broken",
		Long: `Make a valid document of a set or message and, for each rule that it meets, one in which that rule alone is
broken, to certify a partner's station or one's own. The folder gets valid.edi, the others under their numbers, and
mutations.tsv with file, code, place and rule of each. Rules that cannot be broken without another are left out and
named.`,
		Example: `  paklog edi mutate 940 --dir certify/
  paklog edi mutate ORDERS --release D01B --dir certify/
  paklog edi mutate 945 --release 005010 --profile profiles/acme.yaml --dir certify/`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return usagef(cmd, "needs --dir: the folder for the documents")
			}
			set, err := oneSet(cmd, &rules, args[0], release)
			if err != nil {
				return err
			}
			if set.Group == "" && !isMessageType(set.ID) {
				return usagef(cmd, "%s stands in no group: it is no transaction set", set.ID)
			}
			valid, err := set.Sample()
			if err != nil {
				return err
			}
			if err := os.MkdirAll(dir, 0o750); err != nil {
				return err
			}
			makes := sampleText
			if isMessageType(set.ID) {
				makes = sampleMessage
			}
			write := func(name string, s data.Sample) error {
				text, err := makes(set, s)
				if err != nil {
					return fmt.Errorf("writing %s: %w", name, err)
				}
				return os.WriteFile(filepath.Join(dir, name), text, 0o600)
			}
			if err := write("valid.edi", valid); err != nil {
				return err
			}
			var list strings.Builder
			list.WriteString("file\tcode\tplace\trule\n")
			all, left := set.Mutate(valid)
			for i, m := range all {
				name := fmt.Sprintf("%03d-%s.edi", i+1, m.Code)
				if err := write(name, m.Sample); err != nil {
					return err
				}
				fmt.Fprintf(&list, "%s\t%s\t%s\t%s\n", name, m.Code, m.Place, m.Rule)
			}
			if err := os.WriteFile(filepath.Join(dir, "mutations.tsv"), []byte(list.String()), 0o600); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: valid.edi and %d mutations of set %s %s\n", dir, len(all), set.ID, set.Release)
			if len(left) > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d rules cannot be broken without another and were left out: %s\n", len(left), strings.Join(left, ", "))
			}
			return nil
		},
	}
	rules.add(cmd)
	cmd.Flags().StringVar(&release, "release", "004010", "release of the set; of an EDIFACT message its directory, D96A unless another is named")
	cmd.Flags().StringVar(&dir, "dir", "", "folder that the documents go to")
	return cmd
}

// sampleMessage is an interchange of one sample of EDIFACT.
func sampleMessage(set *data.Set, s data.Sample) ([]byte, error) {
	var body []edifact.Out
	for _, g := range s.Segments {
		body = append(body, edifact.Out{ID: g.Tag, Elements: slices.Clone(g.Elements)})
	}
	version, release := set.Release[:1], set.Release[1:]
	if set.ID == "CONTRL" { // belongs to the syntax, not to a directory
		version, release = "D", "3"
	}
	var b bytes.Buffer
	w := edifact.NewWriter(&b, edifact.WriterOptions{LineEnd: "\n"})
	w.BeginInterchange(edifact.UNB{Syntax: "UNOC", Version: "3", Sender: edifact.Party{ID: "SENDER"}, Recipient: edifact.Party{ID: "RECEIVER"},
		Date: "261123", Time: "0915", Control: "1", Test: "1"})
	w.WriteMessage(edifact.UNH{Reference: "1", Type: set.ID, Version: version, Release: release, Agency: "UN"}, body)
	w.EndInterchange()
	err := w.Close()
	return b.Bytes(), err
}

// sampleText is an interchange of one sample.
func sampleText(set *data.Set, s data.Sample) ([]byte, error) {
	version := "00401"
	if set.Release >= "005010" {
		version = "00501"
	}
	d := x12.DefaultDelimiters
	if version >= "00402" {
		d.Repetition = '^'
	}
	var body []x12.Out
	for _, g := range s.Segments {
		body = append(body, x12.Out{ID: g.Tag, Elements: slices.Clone(g.Elements)})
	}
	var b bytes.Buffer
	w := x12.NewWriter(&b, x12.WriterOptions{Delimiters: d, LineEnd: "\n"})
	w.BeginInterchange(x12.ISA{SenderQualifier: "ZZ", Sender: "SENDER", ReceiverQualifier: "ZZ", Receiver: "RECEIVER",
		Date: "261123", Time: "0915", Version: version, Control: "1", Usage: "T"})
	w.BeginGroup(x12.GS{FunctionalID: set.Group, Sender: "SENDER", Receiver: "RECEIVER", Date: "20261123", Time: "0915", Control: "1", Agency: "X", Version: set.Release})
	w.WriteSet(x12.ST{ID: set.ID, Control: "0001"}, body)
	w.EndGroup()
	w.EndInterchange()
	err := w.Close()
	return b.Bytes(), err
}

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/edifact"
	messages "github.com/paklog/hub/edi/edifact/grammar"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/grammar"
)

func newEDI(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "edi", Short: "Look into EDI documents, check them, answer and make them; no hub is needed, but for documents, resend, waiting and flush",
		Long: `Look into EDI documents, check them, answer and make them. Nothing is sent to a hub, but by resend and flush; documents and waiting ask one.

Every verb takes files, folders (all files in them, by name) and - for standard input, and reads
what is large as a stream. Exit codes for scripts: 0 is done and nothing is wrong, 1 it could not
be done, 2 it was asked wrongly, 3 it was done and an error was found.`,
		Example: `  paklog edi validate partners/ACME/inbox/940.edi
  paklog edi ack 940.edi > 997.edi
  paklog edi profile guide 940 > 940.html`,
	}
	cmd.AddCommand(newDump(g), newValidate(g), newAck(), newEDIJSON(), newEDIBuild(), newEDIDiff(), newLearn(), newMutate(), newProfile(), newEDIMap(), newEDIBench(), newEDIResend(g), newEDIDocuments(g), newEDIWaiting(g), newEDIFlush(g))
	return cmd
}

func newDump(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "dump FILE|FOLDER|-...", Short: "Show an X12 or EDIFACT document part by part, with everything that is wrong and its exact place",
		Long: `Show an X12 or EDIFACT document part by part: interchanges, groups, sets or messages, and every finding
with line, column, byte, segment and element. Large files are read as a stream. Nothing is sent to a hub.
Ends with 3 when there is an error that the hub would reject something for.

Under --json there is one object a finding, one a line.`,
		Example: `  paklog edi dump partners/ACME/inbox/940.edi
  paklog edi dump --json 940.edi | jq -r 'select(.severity == "error") | .message'
  gpg -d mail.gpg | paklog edi dump -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := bufio.NewWriter(cmd.OutOrStdout())
			worst := x12.Severity(0)
			err := eachInput(cmd, args, func(name string, in io.Reader) error {
				d := &dump{name: name, out: out, json: g.json, grammar: grammar.Builtin(), messages: messages.Builtin()}
				if len(args) > 1 || name != "" && name != args[0] {
					d.head = name
				}
				err := d.read(in)
				worst = max(worst, d.worst)
				return err
			})
			if ferr := out.Flush(); err == nil {
				err = ferr
			}
			if err == nil && worst == x12.Error {
				return exitFindings
			}
			return err
		},
	}
}

// dump shows one document.
type dump struct {
	name     string
	head     string // what is said before, of one of several
	out      io.Writer
	json     bool
	grammar  *grammar.Library
	messages *messages.Library

	interchanges, groups, sets, received int // received are messages
	findings, errors                     int
	worst                                x12.Severity
	err                                  error
}

func (d *dump) say(format string, a ...any) {
	if _, err := fmt.Fprintf(d.out, format+"\n", a...); err != nil && d.err == nil {
		d.err = err
	}
}

func (d *dump) read(in io.Reader) error {
	if d.head != "" && !d.json {
		d.say("%s", clean(d.head))
	}
	err := eachPart(in, func(p *x12.Part) error {
		d.part(p)
		return d.err
	}, func(p *edifact.Part) error {
		d.edifact(p)
		return d.err
	})
	if err != nil {
		return err
	}
	if !d.json {
		d.say("%d interchanges, %d groups, %s; %d findings, %d of them errors", d.interchanges, d.groups, d.counts(), d.findings, d.errors)
	}
	return d.err
}

// counts are those of sets and of messages, where there are any.
func (d *dump) counts() string {
	switch {
	case d.received == 0:
		return fmt.Sprintf("%d sets", d.sets)
	case d.sets == 0:
		return fmt.Sprintf("%d messages", d.received)
	}
	return fmt.Sprintf("%d sets, %d messages", d.sets, d.received)
}

func (d *dump) part(p *x12.Part) {
	var head string
	switch p.Kind {
	case x12.InterchangeHeader:
		d.interchanges++
		head = fmt.Sprintf("interchange %s from %s/%s to %s/%s, version %s, usage %s", p.ISA.Control,
			p.ISA.SenderQualifier, p.ISA.Sender, p.ISA.ReceiverQualifier, p.ISA.Receiver, p.ISA.Version, p.ISA.Usage)
		if p.ISA.Absent {
			head = "groups or sets without an interchange"
		}
	case x12.GroupHeader:
		d.groups++
		head = fmt.Sprintf("  group %s %s, version %s", p.GS.FunctionalID, p.GS.Control, p.GS.Version)
	case x12.TransactionSet:
		d.sets++
		d.grammar.Check(p)
		head = fmt.Sprintf("    set %s %s, %d segments at byte %d", p.ST.ID, p.ST.Control, p.Segments.Len(), p.Offset)
	case x12.GroupTrailer:
		head = fmt.Sprintf("  end of the group: %d sets", p.Sets)
	case x12.InterchangeTrailer:
		head = fmt.Sprintf("end of the interchange: %d groups", p.Groups)
	default:
		head = fmt.Sprintf("%s, %d bytes at byte %d", p.Kind, len(p.Raw), p.Offset)
	}
	if !d.json && (len(p.Findings) > 0 && len(p.Raw) > 0 || p.Kind != x12.Noise) {
		d.say("%s", clean(head))
	}
	for _, f := range p.Findings {
		d.finding(p.Raw, p.Offset, p.Segments.Delimiters().Terminator, f)
	}
}

// finding shows one, and the segment of raw that it is about with its place marked.
func (d *dump) finding(raw []byte, offset int64, terminator byte, f x12.Finding) {
	d.findings++
	if f.Severity == x12.Error {
		d.errors++
	}
	d.worst = max(d.worst, f.Severity)
	f.File = d.name
	if d.json {
		b, err := json.Marshal(f)
		if err != nil {
			d.err = err
			return
		}
		d.say("%s", b)
		return
	}
	d.say("      %s", f)
	if len(raw) == 0 || f.Offset < offset || f.Offset > offset+int64(len(raw)) {
		return
	}
	d.say("%s", indentBy("        ", caret(raw, f.Offset-offset, f.Length, terminator)))
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/edifact"
	contrl "github.com/paklog/hub/edi/edifact/ack"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
)

func newAck() *cobra.Command {
	var rules rulesFlags
	var policy ack.Policy
	var as, reject, now string
	var control int
	cmd := &cobra.Command{
		Use: "ack FILE|FOLDER|-...", Short: "Write the acknowledgement of each interchange: TA1, and a 997 or 999 a group; CONTRL for EDIFACT",
		Long: `Write the acknowledgement of each interchange to standard output: an interchange back to its sender with a
TA1 where he asks for one or the interchange is in error, and a 997 or 999 for each group; a CONTRL for an
EDIFACT interchange. Acknowledgements are never acknowledged. Ends with 3 when something was rejected.`,
		Example: `  paklog edi ack 940.edi > 997.edi
  paklog edi ack --as 999 --control 4711 - < 837.edi
  paklog edi ack --accept-errors --reject group inbox/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch reject {
			case "set":
			case "group":
				policy.WholeGroup = true
			case "interchange":
				policy.WholeInterchange = true
			default:
				return usagef(cmd, "--reject is set, group or interchange")
			}
			if as != "997" && as != "999" {
				return usagef(cmd, "--as is 997 or 999")
			}
			if control < 1 || control > 999_999_999 {
				return usagef(cmd, "--control has 1 to 9 digits")
			}
			at := time.Now()
			if now != "" {
				var err error
				if at, err = time.Parse(time.RFC3339, now); err != nil {
					return usagef(cmd, "--now is a time as 2026-11-23T09:15:00Z")
				}
			}
			rejected := false
			a := answering{out: cmd.OutOrStdout(), set: as, control: control, at: at}
			messages, err := rules.messages()
			if err != nil {
				return err
			}
			lib, err := rules.library()
			if err != nil {
				return err
			}
			err = eachInput(cmd, args, func(_ string, in io.Reader) error {
				collect := ack.Collector{Policy: policy}
				received := contrl.Collector{Policy: contrl.Policy{AcceptErrors: policy.AcceptErrors, Whole: policy.WholeGroup || policy.WholeInterchange}}
				return eachPart(in, func(p *x12.Part) error {
					lib.Check(p)
					if p.Kind == x12.GroupHeader {
						a.groups = append(a.groups, *p.GS)
					}
					collect.Add(p)
					rejected = rejected || p.ISA == nil && x12.Worst(p.Findings) == x12.Error
					if p.Kind != x12.InterchangeTrailer {
						return nil
					}
					for i := range collect.Interchanges {
						v := &collect.Interchanges[i]
						for j := range v.Groups {
							rejected = rejected || v.Groups[j].Verdict() != ack.Accepted && v.Groups[j].Verdict() != ack.WithErrors
						}
						rejected = rejected || v.Verdict == ack.Rejected || v.ISA.Absent
						if err := a.answer(v); err != nil {
							return err
						}
					}
					collect.Interchanges, a.groups = nil, nil
					return nil
				}, func(p *edifact.Part) error {
					bad, err := a.contrl(p, messages, &received)
					rejected = rejected || bad
					return err
				})
			})
			if err == nil && rejected {
				return exitFindings
			}
			return err
		},
	}
	rules.add(cmd)
	cmd.Flags().StringVar(&as, "as", "997", "997 or 999")
	cmd.Flags().BoolVar(&policy.AcceptErrors, "accept-errors", false, "accept sets with errors in elements, and say so")
	cmd.Flags().StringVar(&reject, "reject", "set", "what goes with a rejected set: set (it alone), group, interchange")
	cmd.Flags().IntVar(&control, "control", 1, "first control number of ISA13 and GS06; each interchange and group takes the next")
	cmd.Flags().StringVar(&now, "now", "", "time of the answer (default: now), for answers that repeat byte for byte")
	return cmd
}

// answering writes acknowledgements.
type answering struct {
	out     io.Writer
	set     string
	control int
	at      time.Time
	groups  []x12.GS // headers of the interchange at hand
}

func (a *answering) answer(v *ack.Interchange) error {
	if v.ISA.Absent {
		return nil // nobody knows who sent it
	}
	d := v.ISA.Delimiters
	if d.Component == 0 || d.Validate() != nil {
		d = x12.DefaultDelimiters
	}
	opts := x12.WriterOptions{Delimiters: d, Replace: ' '}
	if d.Terminator != '\n' && d.Terminator != '\r' {
		opts.LineEnd = "\n"
	}
	ta1, send := v.TA1()
	send = send && v.Wanted()
	answered := send
	for i := range v.Groups {
		answered = answered || v.Groups[i].FunctionalID != "FA"
	}
	if !answered {
		return nil
	}
	day, clock := a.at.Format("20060102"), a.at.Format("1504")
	h := v.ISA.Reply()
	h.Date, h.Time, h.Control = day[2:], clock, strconv.Itoa(a.control)
	h.SenderQualifier, h.ReceiverQualifier = or2(h.SenderQualifier), or2(h.ReceiverQualifier)
	if h.Usage != "P" && h.Usage != "T" && h.Usage != "I" {
		h.Usage = "P"
	}
	if len(h.Version) != 5 || strings.Trim(h.Version, "0123456789") != "" {
		h.Version = "00401"
	}
	h.Sender, h.Receiver = h.Sender[:min(len(h.Sender), 15)], h.Receiver[:min(len(h.Receiver), 15)] // a separator was lost
	written := 0
	w := x12.NewWriter(a.out, opts)
	w.BeginInterchange(h)
	if send {
		w.Segment(ta1)
	}
	for i := range v.Groups {
		g := &v.Groups[i]
		version := cmp.Or(g.Version, "004010")
		if a.set == "999" {
			version = max(version, "005010")
		}
		body, ok := g.Answer(a.set, d)
		if !ok {
			continue
		}
		gs := a.groups[i].Reply("FA")
		gs.Date, gs.Time, gs.Control, gs.Agency, gs.Version = day, clock, strconv.Itoa(a.control+written), "X", version
		w.BeginGroup(gs)
		written++
		w.BeginSet(x12.ST{ID: a.set, Control: fmt.Sprintf("%04d", i+1)})
		for s := range body {
			w.Segment(s)
		}
		w.EndSet()
		w.EndGroup()
	}
	a.control += max(written, 1)
	w.EndInterchange()
	if err := w.Close(); err != nil {
		var bad *x12.DataError
		if errors.As(err, &bad) {
			return fmt.Errorf("interchange %s cannot be answered: %w", v.ISA.Control, err)
		}
		return err
	}
	return nil
}

// or2 is a qualifier, ZZ where it is none.
func or2(q string) string {
	if len(q) != 2 {
		return "ZZ"
	}
	return q
}

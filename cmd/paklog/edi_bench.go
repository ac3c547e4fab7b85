package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/x12"
)

func newEDIBench() *cobra.Command {
	var rules rulesFlags
	var seconds float64
	cmd := &cobra.Command{
		Use: "bench FILE", Short: "Measure how fast this machine reads, checks and converts a document of yours",
		Long: `Measure how fast this machine reads, checks and converts a document of yours, in MB/s of one core. The file
is read into memory first. A file of one transaction that repeats flatters: the processor learns it.`,
		Example: "  paklog edi bench inbox/large.edi",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			if len(text) == 0 {
				return fmt.Errorf("%s is empty", args[0])
			}
			if seconds <= 0 || seconds > 600 {
				return usagef(cmd, "--seconds is above 0 and at most 600")
			}
			works, err := works(text, &rules)
			if err != nil {
				return err
			}
			t := newTable(cmd.OutOrStdout(), "work", "MB/s", "passes")
			findings := 0
			for _, w := range works {
				passes, began := 0, time.Now()
				for passes == 0 || time.Since(began).Seconds() < seconds {
					if err := cmd.Context().Err(); err != nil {
						return err
					}
					n, err := w.pass()
					if err != nil {
						return err
					}
					findings = max(findings, n)
					passes++
				}
				t.row(w.name, fmt.Sprintf("%.1f", float64(passes)*float64(len(text))/1e6/time.Since(began).Seconds()), passes)
			}
			if err := t.flush(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%.1f MB, %d findings\n", float64(len(text))/1e6, findings)
			return nil
		},
	}
	rules.add(cmd)
	cmd.Flags().Float64Var(&seconds, "seconds", 1, "time for each kind of work")
	return cmd
}

// work is a kind of work that a document is put through again and again, and that
// may count findings.
type work struct {
	name string
	pass func() (findings int, err error)
}

// works are those of a document.
func works(text []byte, rules *rulesFlags) ([]work, error) {
	lib, err := rules.library()
	if err != nil {
		return nil, err
	}
	messages, err := rules.messages()
	if err != nil {
		return nil, err
	}
	return []work{
		{"read", func() (int, error) {
			return 0, eachPart(bytes.NewReader(text), func(*x12.Part) error { return nil }, func(*edifact.Part) error { return nil })
		}},
		{"validate", func() (n int, err error) {
			err = eachPart(bytes.NewReader(text), func(p *x12.Part) error {
				lib.Check(p)
				n += len(p.Findings)
				return nil
			}, func(p *edifact.Part) error {
				if p.Kind == edifact.Message {
					messages.Check(p)
				}
				n += len(p.Findings)
				return nil
			})
			return n, err
		}},
		{"json", func() (int, error) { return 0, canonical(io.Discard, bytes.NewReader(text), false) }},
	}, nil
}

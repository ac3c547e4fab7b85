package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/x12"
)

func newEDIBench() *cobra.Command {
	var rules rulesFlags
	var seconds float64
	cmd := &cobra.Command{
		Use: "bench FILE|FOLDER|-...", Short: "Measure how fast this machine reads, checks and converts a document of yours",
		Long: `Measure how fast this machine reads, checks and converts documents of yours, in MB/s of one core. They are
read into memory first. A file of one transaction that repeats flatters: the processor learns it.`,
		Example: `  paklog edi bench inbox/large.edi
  paklog edi bench inbox/
  zcat archive.edi.gz | paklog edi bench -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var texts [][]byte
			size := 0
			err := eachInput(cmd, args, func(_ string, in io.Reader) error {
				text, err := io.ReadAll(in)
				texts, size = append(texts, text), size+len(text)
				return err
			})
			if err != nil {
				return err
			}
			if size == 0 {
				return fmt.Errorf("%s is empty", strings.Join(args, ", "))
			}
			if seconds <= 0 || seconds > 600 {
				return usagef(cmd, "--seconds is above 0 and at most 600")
			}
			works, err := works(texts, &rules)
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
				t.row(w.name, fmt.Sprintf("%.1f", float64(passes)*float64(size)/1e6/time.Since(began).Seconds()), passes)
			}
			if err := t.flush(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%.1f MB, %d findings\n", float64(size)/1e6, findings)
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

// works are those of documents.
func works(texts [][]byte, rules *rulesFlags) ([]work, error) {
	lib, err := rules.library()
	if err != nil {
		return nil, err
	}
	messages, err := rules.messages()
	if err != nil {
		return nil, err
	}
	each := func(do func(io.Reader) error) error {
		for _, text := range texts {
			if err := do(bytes.NewReader(text)); err != nil {
				return err
			}
		}
		return nil
	}
	return []work{
		{"read", func() (int, error) {
			return 0, each(func(in io.Reader) error {
				return eachPart(in, func(*x12.Part) error { return nil }, func(*edifact.Part) error { return nil })
			})
		}},
		{"validate", func() (n int, err error) {
			err = each(func(in io.Reader) error {
				return eachPart(in, func(p *x12.Part) error {
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
			})
			return n, err
		}},
		{"json", func() (int, error) {
			return 0, each(func(in io.Reader) error { return canonical(io.Discard, in, false) })
		}},
	}, nil
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12json"
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
			lib, err := rules.library()
			if err != nil {
				return err
			}
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
			findings := 0
			t := newTable(cmd.OutOrStdout(), "work", "MB/s", "passes")
			for _, w := range []struct {
				name string
				pass func() error
			}{
				{"read", func() error { return eachPart(bytes.NewReader(text), func(*x12.Part) error { return nil }) }},
				{"validate", func() error {
					findings = 0
					return eachPart(bytes.NewReader(text), func(p *x12.Part) error {
						lib.Check(p)
						findings += len(p.Findings)
						return nil
					})
				}},
				{"json", func() error {
					return x12json.Write(io.Discard, x12.NewReader(bytes.NewReader(text), x12.Limits{}), x12json.Options{})
				}},
			} {
				passes, began := 0, time.Now()
				for passes == 0 || time.Since(began).Seconds() < seconds {
					if err := cmd.Context().Err(); err != nil {
						return err
					}
					if err := w.pass(); err != nil {
						return err
					}
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

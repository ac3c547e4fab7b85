package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/core/batch"
)

func newOptimizeBatch() *cobra.Command {
	var seconds float64
	var seed uint64
	cmd := &cobra.Command{
		Use: "batch FILE|-", Short: "Group orders into batches with the shortest picker tours",
		Long: `Group orders into batches of at most capacity_lines lines, each order whole, so that the tours of all
batches together are as short as can be found. The file is one JSON object, with cells counted from the end
that cell_zero names (front or back; bottom and top are the same), and distances that are whole or halves:

  {"aisles": 10, "cells": 45, "aisle_to_aisle": 5, "cell_to_cell": 1, "front_to_cell": 1.5, "back_to_cell": 1.5,
   "depot": {"aisle": 0, "end": "front", "distance": 0}, "cell_zero": "front", "capacity_lines": 45,
   "orders": [{"id": "SO-1", "lines": [{"aisle": 0, "cell": 12}]}]}

Prints one JSON object: each batch with its orders, the stops in the order of the walk and the tour's length;
their total, and a bound below which no way to batch exists. An answer is given as soon as it is proven best,
or when the time is over.`,
		Example: `  paklog optimize batch wave.json
  paklog optimize batch --seconds 10 --seed 7 wave.json | jq '{total, bound}'
  paklog optimize batch wave.json | jq -c '.batches[].orders'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(seconds > 0 && seconds <= maxSeconds) {
				return usagef(cmd, "--seconds %v: give more than 0 and at most %d", seconds, maxSeconds)
			}
			text, err := problemFile(cmd, args[0])
			if err != nil {
				return err
			}
			in, err := batch.Read(text)
			if err != nil {
				return fmt.Errorf("reading %s: %w", args[0], err)
			}
			until := time.Now().Add(time.Duration(seconds * float64(time.Second)))
			answer, err := batch.Solve(&in.Instance, seed, func(int64) bool { return time.Now().After(until) })
			if err != nil {
				return fmt.Errorf("solving %s: %w", args[0], err)
			}
			out, err := in.Encode(answer)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", out)
			return err
		},
	}
	cmd.Flags().Float64Var(&seconds, "seconds", 1, "time after which the best batches found are given")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "of the search: another one looks elsewhere")
	return cmd
}

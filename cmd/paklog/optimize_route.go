package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/core/route"
)

// Limits of `paklog optimize`.
const (
	maxProblemFile = 64 << 20
	maxSeconds     = 3600
)

func newOptimizeRoute() *cobra.Command {
	var seconds float64
	var blocks int
	cmd := &cobra.Command{
		Use: "route FILE|-", Short: "Find the shortest picker tour of an order, and where to take each article",
		Long: `Find the shortest picker tour of an order, from a file in the SPRP text format. Where an article
lies in several positions, which of them are visited is decided with the tour. Cell 0 is the nearest to
the top cross-aisle. With --blocks 2 there is a middle cross-aisle of width 1 between cells C/2-1 and C/2.

Prints one JSON object: the instance's name, the stops in the order of the walk, the tour's length and a
bound below which no tour exists. A tour is given as soon as it is proven best, or when the time is over.`,
		Example: `  paklog optimize route order.txt
  paklog optimize route --blocks 2 --seconds 0.05 order.txt | jq '{length, bound}'
  paklog optimize route order.txt | jq -r '.stops[] | "\(.aisle) \(.cell) \(.qty) of \(.article)"'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if blocks != 1 && blocks != 2 {
				return usagef(cmd, "--blocks %d: give 1 or 2", blocks)
			}
			if !(seconds > 0 && seconds <= maxSeconds) {
				return usagef(cmd, "--seconds %v: give more than 0 and at most %d", seconds, maxSeconds)
			}
			text, err := problemFile(cmd, args[0])
			if err != nil {
				return err
			}
			in, err := route.ReadSPRP(text, blocks)
			if err != nil {
				return fmt.Errorf("reading %s: %w", args[0], err)
			}
			until := time.Now().Add(time.Duration(seconds * float64(time.Second)))
			answer, err := route.Solve(in.Problem, 1, func(int64) bool { return time.Now().After(until) })
			if err != nil {
				return fmt.Errorf("solving %s: %w", args[0], err)
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(routeAnswer(in, answer))
		},
	}
	cmd.Flags().Float64Var(&seconds, "seconds", 1, "time after which the best tour found is given")
	cmd.Flags().IntVar(&blocks, "blocks", 1, "blocks of the warehouse, 1 or 2")
	return cmd
}

// problemFile is the text of a file, or of standard input for "-".
func problemFile(cmd *cobra.Command, name string) ([]byte, error) {
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxProblemFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > maxProblemFile {
		return nil, fmt.Errorf("reading %s: it is larger than %d MiB: give a part of it", name, maxProblemFile>>20)
	}
	return text, nil
}

// routed is what `optimize route` prints. Lengths are in the file's unit.
type routed struct {
	Instance string      `json:"instance"`
	Blocks   int         `json:"blocks"`
	Stops    []routeStop `json:"stops"`
	Length   json.Number `json:"length"`
	Bound    json.Number `json:"bound"`
}

type routeStop struct {
	Aisle   int   `json:"aisle"`
	Cell    int   `json:"cell"`
	Article int64 `json:"article"`
	Qty     int64 `json:"qty"`
}

func routeAnswer(in route.Instance, a route.Answer) routed {
	out := routed{
		Instance: in.Name, Blocks: in.Problem.Warehouse.Blocks, Stops: []routeStop{},
		Length: json.Number(in.Distance(a.Length)), Bound: json.Number(in.Distance(a.Bound)),
	}
	for _, t := range a.Takes {
		out.Stops = append(out.Stops, routeStop{Aisle: t.Aisle, Cell: t.Cell, Article: in.Articles[t.Article], Qty: t.Qty})
	}
	return out
}

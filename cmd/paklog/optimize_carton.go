package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/core/carton"
)

func newOptimizeCarton() *cobra.Command {
	var seconds float64
	var seed uint64
	var only int
	var svg string
	var layers bool
	cmd := &cobra.Command{
		Use: "carton FILE|-", Short: "Load a container with as much volume as it can hold",
		Long: `Load a container with as much volume as it can hold, from a file in the container-loading text
format. Every box rests with its whole base on the floor or on others. Numbers are separated by blanks:

  1                      number of instances
  7 2502505              instance; the seed of its generator may be left out
  587 233 220            container: length, width, height
  2                      number of box types
  1 108 0 76 0 30 1 40   type, three sides each with 1 where it may stand upright, number of boxes
  2 110 0 43 1 25 1 33

Prints one JSON object an instance, one a line. x, y, z are the corner of a box that is nearest to the
container's; length, width and height are its sides as it lies along them, orientation the numbers of those
sides in the file. bound is a volume that no loading exceeds. An instance is answered when --seconds are
over, or as soon as nothing more can be loaded; before it is printed it is checked box by box.`,
		Example: `  paklog optimize carton container.txt
  paklog optimize carton --seconds 10 container.txt | jq '{instance, utilisation_pct}'
  paklog optimize carton --instance 7 --svg loading.svg container.txt
  paklog optimize carton --instance 7 --layers container.txt`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(seconds > 0 && seconds <= maxSeconds) {
				return usagef(cmd, "--seconds %v: give more than 0 and at most %d", seconds, maxSeconds)
			}
			text, err := problemFile(cmd, args[0])
			if err != nil {
				return err
			}
			problems, err := carton.Parse(text)
			if err != nil {
				return fmt.Errorf("reading %s: %w", args[0], err)
			}
			if cmd.Flags().Changed("instance") {
				problems = slices.DeleteFunc(problems, func(p carton.Problem) bool { return p.ID != only })
				if len(problems) == 0 {
					return usagef(cmd, "--instance %d: %s has none of that number", only, args[0])
				}
			}
			if len(problems) > 1 && svg != "" {
				return usagef(cmd, "--svg draws one loading and %s has %d: choose one by --instance", args[0], len(problems))
			}
			for _, p := range problems {
				a, err := loadFor(cmd.Context(), p, time.Duration(seconds*float64(time.Second)), seed)
				if err != nil {
					return err
				}
				if svg != "" {
					if err := os.WriteFile(svg, drawSVG(p, a.Placements), 0o640); err != nil {
						return err
					}
				}
				if layers {
					err = writeLayers(cmd.OutOrStdout(), p, a)
				} else {
					err = json.NewEncoder(cmd.OutOrStdout()).Encode(loadedOf(p, a))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().Float64Var(&seconds, "seconds", 1, "time after which the best loading found is given, for each instance")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "another number makes another search")
	cmd.Flags().IntVar(&only, "instance", 0, "number of the one instance to load")
	cmd.Flags().StringVar(&svg, "svg", "", "file to draw the loading into, one picture from above a level")
	cmd.Flags().BoolVar(&layers, "layers", false, "draw the levels as text instead of printing JSON")
	return cmd
}

// loadFor loads one container within a time and checks the answer.
func loadFor(ctx context.Context, p carton.Problem, limit time.Duration, seed uint64) (carton.Answer, error) {
	until := time.Now().Add(limit)
	a := carton.Load(p, carton.Options{Seed: seed, Stop: func() bool { return ctx.Err() != nil || !time.Now().Before(until) }})
	if err := ctx.Err(); err != nil {
		return a, err
	}
	if err := carton.Check(p, a.Placements); err != nil {
		return a, fmt.Errorf("instance %d: the loading is not possible, which is a fault of the solver: %w", p.ID, err)
	}
	return a, nil
}

func writeLayers(w io.Writer, p carton.Problem, a carton.Answer) error {
	var types []string
	for _, t := range p.Types {
		types = append(types, fmt.Sprintf("type %d, %d x %d x %d", t.ID, t.Size[0], t.Size[1], t.Size[2]))
	}
	_, err := fmt.Fprintf(w, "instance %d: %s", p.ID, drawLayers(72, p.Container, types, a.Placements))
	return err
}

// loaded is what `optimize carton` prints of an instance. Lengths are in the file's unit.
type loaded struct {
	Instance    int         `json:"instance"`
	Container   sides       `json:"container"`
	Boxes       int         `json:"boxes"`
	Volume      int64       `json:"volume"`
	Utilisation json.Number `json:"utilisation_pct"` // of the container
	Bound       int64       `json:"bound"`           // a volume
	Gap         json.Number `json:"gap_pct"`         // to it, of the bound
	Placements  []placedBox `json:"placements"`
}

type sides struct {
	Length int `json:"length"`
	Width  int `json:"width"`
	Height int `json:"height"`
}

type placedBox struct {
	Type int `json:"type"`
	X    int `json:"x"`
	Y    int `json:"y"`
	Z    int `json:"z"`
	sides
	Orientation [3]int `json:"orientation"`
}

func loadedOf(p carton.Problem, a carton.Answer) loaded {
	out := loaded{
		Instance: p.ID, Container: sidesOf(p.Container), Boxes: len(a.Placements), Volume: a.Volume, Bound: a.Bound,
		Utilisation: percent(a.Volume, p.Container.Volume()), Gap: percent(a.Bound-a.Volume, a.Bound), Placements: []placedBox{},
	}
	for _, b := range a.Placements {
		t := p.Types[b.Type]
		out.Placements = append(out.Placements, placedBox{t.ID, b.At[0], b.At[1], b.At[2], sidesOf(b.Size), t.Orientation(b.Size)})
	}
	return out
}

func sidesOf(s carton.Size) sides { return sides{s[0], s[1], s[2]} }

// percent is a of b with four decimals, rounded down.
func percent(a, b int64) json.Number {
	if b == 0 {
		return "0"
	}
	return json.Number(fmt.Sprintf("%.4f", math.Floor(float64(a)/float64(b)*1e6)/1e4))
}

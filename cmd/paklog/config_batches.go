package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/routes"
)

// BatchConfig is which documents of ours wait for others, and for how long.
type BatchConfig struct {
	Sets  []string      `config:"sets" doc:"Sets and messages (ST01, message type); none is all but acknowledgements."`
	Every time.Duration `config:"every" doc:"How long the first of them waits at most; 0 is as long as it takes."`
	At    []string      `config:"at" doc:"When they leave each day, in his zone (18:00)."`
	Most  int           `config:"most" doc:"Documents in one interchange at most; 0 is 1000."`
	Bytes int           `config:"bytes" doc:"Length of one interchange at most; 0 is 4 MiB. A document over it leaves alone."`
}

func (c BatchConfig) batch() (routes.Batch, error) {
	b := routes.Batch{Sets: c.Sets, Every: c.Every, Most: c.Most, Bytes: c.Bytes}
	var errs []error
	for i, at := range c.At {
		d, err := routes.ParseTimeOfDay(at)
		if err != nil {
			errs = append(errs, fmt.Errorf("at[%d]: %w", i, err))
		}
		b.At = append(b.At, d)
	}
	return b, errors.Join(errs...)
}

// batches are what is agreed with a partner.
func (c PartnerConfig) batches() (all []routes.Batch, err error) {
	for i, x := range c.Batches {
		b, err := x.batch()
		if err != nil {
			return nil, fmt.Errorf("batches[%d].%w", i, err)
		}
		all = append(all, b)
	}
	return all, nil
}

// Validate reports what does not fit.
func (c BatchConfig) Validate() error {
	_, err := c.batch()
	errs := []error{err, atLeast("most", c.Most, 0), atMost("most", c.Most, routes.MostInBatch), atLeast("bytes", c.Bytes, 0), atMost("bytes", c.Bytes, routes.BytesOfBatch)}
	for i, set := range c.Sets {
		if !slices.Contains(routes.WrittenSets(), set) {
			errs = append(errs, fmt.Errorf("sets[%d]: %q is none of %s", i, set, strings.Join(routes.WrittenSets(), ", ")))
		}
	}
	switch {
	case c.Every == 0 && len(c.At) == 0:
		errs = append(errs, errors.New("every: say how long they wait, or at which times they leave (at)"))
	case c.Every != 0 && c.Every < time.Second:
		errs = append(errs, fmt.Errorf("every: %s is less than a second", c.Every))
	}
	return errors.Join(errs...)
}

// overlaps reports sets that two batches name, and batches that none is left for.
func overlaps(batches []BatchConfig) error {
	var errs []error
	in, all := map[string]int{}, -1
	for i, b := range batches {
		if all >= 0 {
			errs = append(errs, fmt.Errorf("batches[%d]: all sets wait in batches[%d] already", i, all))
		}
		if len(b.Sets) == 0 {
			all = i
		}
		for _, set := range b.Sets {
			if before, ok := in[set]; ok {
				errs = append(errs, fmt.Errorf("batches[%d].sets: %s waits in batches[%d] already", i, set, before))
			}
			in[set] = i
		}
	}
	return errors.Join(errs...)
}

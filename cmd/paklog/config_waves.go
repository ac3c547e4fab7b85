package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/routes"
)

// BatchesConfig is how the orders of a wave are put together for picking.
type BatchesConfig struct {
	Method     string `config:"method" doc:"discrete, batch, cluster, zone or bulk."`
	Orders     int64  `config:"orders" doc:"Orders of a batch at most, or slots of a put wall; 0 is no bound, as for the others."`
	Lines      int64  `config:"lines" doc:"Places with something to take, a line of an order each."`
	Units      int64  `config:"units" doc:"In the items' smallest units."`
	Volume     int64  `config:"volume_cm3"`
	Weight     int64  `config:"weight_g"`
	Totes      int64  `config:"totes" doc:"An order fills one at least."`
	ToteVolume int64  `config:"tote_cm3" doc:"What a tote holds; 0 is any order."`
	Effort     int64  `config:"effort" doc:"Steps of the optimizer for a wave; some millions are a second."`
}

func batchDefaults() BatchesConfig {
	return BatchesConfig{Method: wave.Discrete, Lines: 40, Effort: 1_000_000}
}

// Validate refuses what no wave could be put together by.
func (c BatchesConfig) Validate() error {
	var errs []error
	if !slices.Contains(wave.Methods(), c.Method) {
		errs = append(errs, fmt.Errorf("method: %q is none of %s", c.Method, strings.Join(wave.Methods(), ", ")))
	}
	for _, n := range []struct {
		key string
		v   int64
	}{
		{"orders", c.Orders}, {"lines", c.Lines}, {"units", c.Units}, {"volume_cm3", c.Volume}, {"weight_g", c.Weight}, {"totes", c.Totes}, {"tote_cm3", c.ToteVolume},
	} {
		errs = append(errs, atLeast(n.key, n.v, 0), atMost(n.key, n.v, 1<<40))
	}
	return errors.Join(append(errs, atLeast("effort", c.Effort, 1), atMost("effort", c.Effort, routes.MaxEffort))...)
}

func (c BatchesConfig) flow() routes.BatchConfig {
	const mm3 = 1_000 // of a cm3
	return routes.BatchConfig{
		Method: c.Method, ToteVolume: c.ToteVolume * mm3, Effort: c.Effort,
		Limits: wave.Limits{
			Orders: c.Orders, Lines: c.Lines, Units: c.Units, Volume: c.Volume * mm3, Weight: measure.Mass(c.Weight) * measure.Gram, Totes: c.Totes,
		},
	}
}

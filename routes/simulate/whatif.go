package simulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/routes"
)

// forked is the configuration of the hub that is forked, under the policy that is tried. Nobody
// but the simulated floor works in it, and its carriers are the ledger in memory.
func (r *run) forked() routes.FlowConfig {
	c, p := r.cfg.Fork.Flows, r.cfg.Policy
	c.Auto, c.KeepLabel = routes.AutoConfig{}, nil
	c.Wave.Size = cmp.Or(p.WaveSize, c.Wave.Size)
	c.Wave.Timeout = cmp.Or(p.WaveTimeout, c.Wave.Timeout)
	c.Wave.Urgent = cmp.Or(p.WaveUrgent, c.Wave.Urgent)
	c.Wave.Batch.Method = cmp.Or(p.WaveMethod, c.Wave.Batch.Method)
	c.Wave.Manual = false
	c.Strategy = cmp.Or(p.Strategy, c.Strategy)
	c.Shorts = cmp.Or(p.Shorts, c.Shorts)
	c.Steal = c.Steal || p.Steal
	if c.SSCC.Prefix == "" {
		c.SSCC = pack.Numbering{Prefix: "0614141", Serial: 1}
	}
	c.Carriers = nil
	for _, x := range r.cfg.Fork.Flows.Carriers {
		x.Port = r.floor.carrier
		c.Carriers = append(c.Carriers, x)
	}
	if len(c.Carriers) == 0 {
		c.Carriers = []routes.CarrierConfig{{Name: carrierName, Port: r.floor.carrier, Service: "GND"}}
	}
	c.OtherCarriers = c.Carriers[0].Name
	return c
}

// Comparison is what came of the same arrivals under two policies.
type Comparison struct {
	Fork *Fork   `json:"fork"`
	Old  *Result `json:"old"`
	New  *Result `json:"new"`
}

// WhatIf plays what arrived behind a fork twice on the same floor and from the same seed: as the
// hub was configured, and with each of the settings (see [Config.SetPolicy]).
func WhatIf(ctx context.Context, f *Fork, cfg Config, settings []string) (*Comparison, error) {
	if len(settings) == 0 {
		return nil, errors.New("nothing is changed: name a policy")
	}
	cfg.Fork = f
	tried := cfg
	for _, s := range settings {
		if err := tried.SetPolicy(s); err != nil {
			return nil, err
		}
	}
	c := &Comparison{Fork: f}
	var err error
	if c.Old, err = Run(ctx, cfg); err != nil {
		return c, fmt.Errorf("under the policy as it was: %w", err)
	}
	if c.New, err = Run(ctx, tried); err != nil {
		return c, fmt.Errorf("under the policy that is tried: %w", err)
	}
	return c, nil
}

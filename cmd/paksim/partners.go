package main

import (
	"context"
	"net/http"

	"github.com/paklog/hub/adapters/fedex/fedexsim"
	"github.com/paklog/hub/adapters/magento/magentosim"
	"github.com/paklog/hub/adapters/restshop/platformsim"
	"github.com/paklog/hub/adapters/sap/sapsim"
	"github.com/paklog/hub/adapters/shopify/shopifysim"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/adapters/usps/uspssim"
)

// partner is a partner that can be simulated.
type partner struct {
	name   string
	path   string // what the configuration of a hub has behind the address
	access string // what a hub is given
	open   func(settings) (sim, error)
}

// sim is a simulator that is open.
type sim struct {
	handler http.Handler
	truth   func() any
	calls   func() any
	inject  func(op, fault string)
	// What not every partner has.
	order func(sku string, qty int64) (id string)
	hooks func(url string)
	run   func(ctx context.Context) // sends webhooks
}

// drawn fills the faults of a simulator's options.
func drawn[F ~string](to *map[F]int, of map[string]int) {
	*to = map[F]int{}
	for name, n := range of {
		(*to)[F(name)] = n
	}
}

func injects[O, F ~string](do func(O, ...F)) func(op, fault string) {
	return func(op, fault string) { do(O(op), F(fault)) }
}

func calls[O ~string](all func() map[O]int) func() any { return func() any { return all() } }

var partners = []partner{
	{
		"ups", "", "client_id " + upssim.ClientID + ", client_secret " + upssim.ClientSecret + ", account " + upssim.Account,
		func(set settings) (sim, error) {
			o := upssim.Options{Seed: set.seed}
			drawn(&o.Faults, set.faults)
			s, err := upssim.New(o)
			if err != nil {
				return sim{}, err
			}
			return sim{handler: s, truth: func() any { return s.Truth() }, calls: calls(s.AllCalls), inject: injects(s.Inject)}, nil
		},
	},
	{
		"fedex", "", "client_id " + fedexsim.ClientID + ", client_secret " + fedexsim.ClientSecret + ", account " + fedexsim.Account,
		func(set settings) (sim, error) {
			o := fedexsim.Options{Seed: set.seed}
			drawn(&o.Faults, set.faults)
			s, err := fedexsim.New(o)
			if err != nil {
				return sim{}, err
			}
			return sim{handler: s, truth: func() any { return s.Truth() }, calls: calls(s.AllCalls), inject: injects(s.Inject)}, nil
		},
	},
	{
		"usps", "", "client_id " + uspssim.ClientID + ", client_secret " + uspssim.ClientSecret + ", crid " + uspssim.CRID + ", mid " + uspssim.MID + ", account " + uspssim.Account,
		func(set settings) (sim, error) {
			o := uspssim.Options{Seed: set.seed}
			drawn(&o.Faults, set.faults)
			s, err := uspssim.New(o)
			if err != nil {
				return sim{}, err
			}
			return sim{handler: s, truth: func() any { return s.Truth() }, calls: calls(s.AllCalls), inject: injects(s.Inject)}, nil
		},
	},
	{
		"shopify", "", "domain " + shopifysim.Shop + ", client_id " + shopifysim.ClientID + ", client_secret " + shopifysim.ClientSecret,
		func(set settings) (sim, error) {
			o := shopifysim.Options{Seed: set.seed, Hooks: shopifysim.HookOptions{URL: set.hooks}}
			drawn(&o.Faults, set.faults)
			s := shopifysim.New(o)
			return sim{
				handler: s, truth: func() any { return s.Truth() }, calls: calls(s.AllCalls), inject: injects(s.Inject), hooks: s.HookTo, run: s.Run,
				order: func(sku string, qty int64) string {
					return s.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: sku, Qty: int(qty)}).Order
				},
			}, nil
		},
	},
	{
		"magento", "/rest/default", "client_id " + magentosim.ConsumerKey + ", client_secret " + magentosim.ConsumerSecret + ", access_token " +
			magentosim.AccessToken + ", token_secret " + magentosim.TokenSecret + ", source " + magentosim.Source,
		func(set settings) (sim, error) {
			o := magentosim.Options{Seed: set.seed}
			drawn(&o.Faults, set.faults)
			s := magentosim.New(o)
			return sim{
				handler: s, truth: func() any { return s.Truth() }, calls: calls(s.AllCalls), inject: injects(s.Inject),
				order: func(sku string, qty int64) string {
					return s.Buy(magentosim.Buyer{}, magentosim.Line{SKU: sku, Qty: float64(qty)}).Work()
				},
			}, nil
		},
	},
	{
		"platform", "", "access_token " + platformsim.Key + ", client_secret " + platformsim.Secret + ", location " + platformsim.Location,
		func(set settings) (sim, error) {
			o := platformsim.Options{Seed: set.seed, Hooks: platformsim.HookOptions{URL: set.hooks}}
			drawn(&o.Faults, set.faults)
			s := platformsim.New(o)
			return sim{
				handler: s, truth: func() any { return s.Truth() }, calls: calls(s.AllCalls), inject: injects(s.Inject), hooks: s.HookTo, run: s.Run,
				order: func(sku string, qty int64) string {
					return s.Buy(platformsim.Buyer{}, platformsim.Line{SKU: sku, Qty: qty}).Work()
				},
			}, nil
		},
	},
	{
		"sap", "/sap/opu/odata/sap", "user " + sapsim.User + ", password " + sapsim.Password + ", client " + sapsim.Client,
		func(set settings) (sim, error) {
			o := sapsim.Options{Seed: set.seed}
			drawn(&o.Faults, set.faults)
			s := sapsim.New(o)
			return sim{
				handler: s, truth: func() any { return s.Deliveries() }, calls: calls(s.AllCalls), inject: injects(s.Inject),
				order: func(sku string, qty int64) string { return s.Want(sapsim.Wanted{Material: sku, Qty: qty}) },
			}, nil
		},
	},
}

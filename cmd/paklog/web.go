package main

import (
	"cmp"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/paklog/hub/adapters/handheld"
	"github.com/paklog/hub/adapters/webhook"
	"github.com/paklog/hub/core/scope"
)

// web is everything behind the one HTTP address, with the keys and webhooks of a configuration.
func (a *app) web(cfg *Config) (http.Handler, error) {
	api, err := a.rest(cfg.apiKeys())
	if err != nil {
		return nil, err
	}
	sources := map[string]webhook.Source{}
	for name, c := range cfg.Webhooks {
		s := webhook.Source{
			Scope: scope.Scope{
				Tenant: a.cfg.Tenant, Owner: cmp.Or(c.Owner, a.cfg.Owner), Facility: cmp.Or(c.Facility, a.cfg.Facility),
			},
			Secrets: []string{c.Secret.Reveal()},
		}
		if old := c.OldSecret.Reveal(); old != "" {
			s.Secrets = append(s.Secrets, old)
		}
		sources[name] = s
	}
	hooks, err := webhook.New(webhook.Config{Sources: sources}, webhook.Deps{Door: a.hub, Now: time.Now, Logger: a.log})
	if err != nil {
		return nil, err
	}
	page, err := handheld.Handler()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.Handle("/scan", page)
	mux.Handle("/scan/", page)
	mux.Handle("/webhooks/", hooks)
	mux.Handle("/webhooks/shopify/", a.shopHooks(cfg))
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}))
	return mux, nil
}

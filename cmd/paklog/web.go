package main

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/console"
	"github.com/paklog/hub/adapters/handheld"
	"github.com/paklog/hub/adapters/webhook"
	"github.com/paklog/hub/core/scope"
)

// web is everything behind the one HTTP address, with the keys and webhooks of a configuration.
func (a *app) web(cfg *Config) (http.Handler, error) {
	api, err := a.rest(cfg.apiKeys(), cfg.people())
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
	desk, err := console.Handler()
	if err != nil {
		return nil, err
	}
	platforms, err := a.platformHooks(cfg)
	if err != nil {
		return nil, err
	}
	shopHooks := a.shopHooks(cfg)
	// No ServeMux: that would send who asks for //v1 elsewhere, in HTML.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/scan" || strings.HasPrefix(path, "/scan/"):
			page.ServeHTTP(w, r)
		case path == "/console" || strings.HasPrefix(path, "/console/"):
			desk.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/webhooks/shopify/"):
			shopHooks.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/webhooks/platform/"):
			platforms.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/webhooks/"):
			hooks.ServeHTTP(w, r)
		default:
			api.ServeHTTP(w, r)
		}
	}), nil
}

package shopify

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// ReadSetup reads how the app is set up at the shop.
const ReadSetup = `query PakLogSetup {
  shop { name myshopifyDomain }
  currentAppInstallation { accessScopes { handle } }
  locations(first: 100) { nodes { id name isActive } }
  webhookSubscriptions(first: 100) { nodes { topic uri } }
}`

// Setup is how the app is set up at the shop.
type Setup struct {
	Name, Domain string
	Scopes       []string
	Locations    []Location
	Hooks        []Hook
}

// Location is a place of the shop.
type Location struct {
	Number, Name string
	Active       bool
}

// Hook is a webhook that somebody asked for.
type Hook struct{ Topic, URI string }

// ToSetup reads the answer to [ReadSetup].
func ToSetup(data []byte) (Setup, error) {
	const op = "shopify.ToSetup"
	var d struct {
		Shop *struct {
			Name   string `json:"name"`
			Domain string `json:"myshopifyDomain"`
		} `json:"shop"`
		App *struct {
			Scopes []struct {
				Handle string `json:"handle"`
			} `json:"accessScopes"`
		} `json:"currentAppInstallation"`
		Locations connection[struct {
			ID     string `json:"id"`
			Name   string `json:"name"`
			Active bool   `json:"isActive"`
		}] `json:"locations"`
		Hooks connection[struct {
			Topic string `json:"topic"`
			URI   string `json:"uri"`
		}] `json:"webhookSubscriptions"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return Setup{}, unreadable(op, err)
	}
	if d.Shop == nil || d.App == nil {
		return Setup{}, unreadable(op, errors.New("it names neither the shop nor the app"))
	}
	s := Setup{Name: d.Shop.Name, Domain: d.Shop.Domain}
	for _, x := range d.App.Scopes {
		s.Scopes = append(s.Scopes, x.Handle)
	}
	for _, l := range d.Locations.Nodes {
		s.Locations = append(s.Locations, Location{Number(l.ID), l.Name, l.Active})
	}
	for _, h := range d.Hooks.Nodes {
		s.Hooks = append(s.Hooks, Hook(h))
	}
	return s, nil
}

// has reports whether a scope is given; who may write may read.
func (s Setup) has(scope string) bool {
	return slices.Contains(s.Scopes, scope) || slices.Contains(s.Scopes, strings.Replace(scope, "read_", "write_", 1))
}

// Lacks are the scopes that are not given, of those that are needed. Of fulfilment orders either kind will
// do: those of the merchant's own places, or those assigned to the app's.
func (s Setup) Lacks(stock bool) []string {
	need := []string{"read_orders", "read_locations"}
	if stock {
		need = append(need, "write_inventory", "read_products")
	}
	var lacks []string
	for _, scope := range need {
		if !s.has(scope) {
			lacks = append(lacks, scope)
		}
	}
	if !s.has("write_merchant_managed_fulfillment_orders") && !s.has("write_assigned_fulfillment_orders") {
		lacks = append(lacks, "write_merchant_managed_fulfillment_orders or write_assigned_fulfillment_orders")
	}
	return lacks
}

// Topics are those of the webhooks that hint at all that is read.
func Topics() []string {
	return []string{
		"ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_EDITED", "ORDERS_CANCELLED", "FULFILLMENT_ORDERS_ORDER_ROUTING_COMPLETE",
		"FULFILLMENT_ORDERS_FULFILLMENT_REQUEST_SUBMITTED", "FULFILLMENT_ORDERS_CANCELLATION_REQUEST_SUBMITTED", "FULFILLMENT_ORDERS_CANCELLED",
		"FULFILLMENT_ORDERS_PLACED_ON_HOLD", "FULFILLMENT_ORDERS_HOLD_RELEASED", "FULFILLMENT_ORDERS_MOVED", "FULFILLMENT_ORDERS_SPLIT",
	}
}

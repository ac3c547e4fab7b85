package magento

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/magento"
)

// maxSkew is how far clocks may be apart: signatures bear a time.
const maxSkew = time.Minute

// Check implements [shop.Checker].
func (c *Client) Check(ctx context.Context, want shop.Wanted) []shop.Finding {
	const op = "magento.Check"
	data, none, err := c.get(ctx, op, "/V1/store/storeConfigs", nil)
	if err == nil && none {
		err = fault.E(op, fault.Unavailable, errors.New("the shop has no such store: the last part of url is the store's code"))
	}
	if err != nil {
		return []shop.Finding{{Place: "connection", Text: reach(err, c.cfg.Secrets.signs()), Stops: true}}
	}
	var stores []struct {
		Code string `json:"code"`
		URL  string `json:"base_url"`
	}
	if err := json.Unmarshal(data, &stores); err != nil || len(stores) == 0 {
		return []shop.Finding{{Place: "connection", Text: "something answers there, but not as Magento does", Stops: true}}
	}
	found := []shop.Finding{{Place: "shop", Text: fmt.Sprintf("%s lets the integration in", stores[0].URL)}}
	add := func(place, text string, stops bool) {
		found = append(found, shop.Finding{Place: place, Text: text, Stops: stops})
	}
	if skew := time.Duration(c.skew.Load()); skew > maxSkew || skew < -maxSkew {
		add("clock", fmt.Sprintf("the shop's clock is %s from ours: set ours", skew.Round(time.Second)), false)
	}
	for path, resource := range map[string]string{"/V1/orders": "Sales > Operations > Orders", "/V1/shipments": "Sales > Operations > Shipments"} {
		if err := c.may(ctx, op, path); err != nil {
			add("resources", fmt.Sprintf("%s: give the integration %s and activate it anew", fault.Reason(err), resource), true)
		}
	}
	if len(want.Locations) == 0 && !want.Stock {
		return found
	}
	if data, none, err = c.get(ctx, op, "/V1/inventory/sources", magento.Search(1, 100, nil)); err != nil || none {
		add("locations", "the shop does not tell its sources: give the integration Stores > Inventory, or leave locations and stock out", true)
		return found
	}
	var sources struct {
		Items []struct {
			Code    string `json:"source_code"`
			Enabled bool   `json:"enabled"`
		} `json:"items"`
	}
	if err := json.Unmarshal(data, &sources); err != nil {
		add("locations", "the shop's sources cannot be read", true)
		return found
	}
	if !slices.Contains(want.Locations, c.cfg.Source) {
		add("locations", fmt.Sprintf("work is at source %s, which is none of locations: nothing would be ours", c.cfg.Source), true)
	}
	for _, code := range want.Locations {
		i := slices.IndexFunc(sources.Items, func(s struct {
			Code    string `json:"source_code"`
			Enabled bool   `json:"enabled"`
		}) bool {
			return s.Code == code
		})
		switch {
		case i < 0:
			add("locations", fmt.Sprintf("the shop has no source %s: correct its code", code), true)
		case !sources.Items[i].Enabled:
			add("locations", fmt.Sprintf("source %s is not enabled there", code), false)
		}
	}
	return found
}

// may asks for the smallest page of a list.
func (c *Client) may(ctx context.Context, op, path string) error {
	_, _, err := c.get(ctx, op, path, magento.Search(1, 1, nil))
	return err
}

// reach is what to do where the shop cannot be reached, or does not let us in.
func reach(err error, signs bool) string {
	words := fault.Reason(err)
	r, refused := errors.AsType[*partnerhttp.Refusal](err)
	_, dialled := errors.AsType[*url.Error](err)
	switch {
	case refused && r.Status == http.StatusUnauthorized && !signs:
		return words + ": the shop takes signed requests alone unless oauth/consumer/enable_integration_as_bearer is set: give consumer_key and the secrets"
	case refused && strings.Contains(words, "timestamp"):
		return words + ": set our clock"
	case refused && r.Status == http.StatusUnauthorized:
		return words + ": see consumer_key, access_token and their secrets, and that the integration is active"
	case dialled:
		return words + ": see url, and whether this machine reaches it"
	}
	return words
}

var _ shop.Checker = (*Client)(nil)

package shopify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/shopify"
)

var readSetup = query{document: shopify.ReadSetup, cost: 60}

// maxSkew is how far the shop's clock may be from ours: looks for what changed overlap by more.
const maxSkew = time.Minute

// Check asks the shop how the app is set up there, and says in words what to do. It changes nothing.
func (c *Client) Check(ctx context.Context, want shop.Wanted) []shop.Finding {
	const op = "shopify.Check"
	data, err := c.run(ctx, op, readSetup, variables{})
	if err != nil {
		return []shop.Finding{{Place: "connection", Text: reach(err), Stops: true}}
	}
	s, err := shopify.ToSetup(data)
	if err != nil {
		return []shop.Finding{{Place: "connection", Text: "the shop answers, but not as Shopify does: " + fault.Reason(err), Stops: true}}
	}
	found := []shop.Finding{{Place: "shop", Text: fmt.Sprintf("%s (%s) lets the app in", s.Name, s.Domain)}}
	add := func(place, text string, stops bool) {
		found = append(found, shop.Finding{Place: place, Text: text, Stops: stops})
	}
	if !strings.EqualFold(s.Domain, c.cfg.Shop) {
		add("domain", fmt.Sprintf("the shop says that it is %s, and %s is configured: its webhooks are refused; set domain", s.Domain, c.cfg.Shop), true)
	}
	if lacks := s.Lacks(want.Stock); len(lacks) > 0 {
		add("scopes", "the app lacks "+strings.Join(lacks, ", ")+": add them to the app, release a version and install it anew", true)
	}
	if v := c.version.Load(); v != nil && *v != shopify.Version {
		add("version", fmt.Sprintf("Shopify answers in version %s of its API, PakLog speaks %s: upgrade PakLog", *v, shopify.Version), false)
	}
	if skew := time.Duration(c.skew.Load()); skew > maxSkew || skew < -maxSkew {
		add("clock", fmt.Sprintf("the shop's clock is %s from ours: set ours", skew.Round(time.Second)), false)
	}
	for _, number := range want.Locations {
		i := slices.IndexFunc(s.Locations, func(l shopify.Location) bool { return l.Number == number })
		switch {
		case i < 0:
			add("locations", fmt.Sprintf("the shop has no place %s: correct its number", number), true)
		case !s.Locations[i].Active:
			add("locations", fmt.Sprintf("place %s (%s) is not active there", number, s.Locations[i].Name), false)
		}
	}
	for _, l := range s.Locations {
		if l.Active && len(want.Locations) > 0 && !slices.Contains(want.Locations, l.Number) {
			add("locations", fmt.Sprintf("what lies at %s (%s) is not ours: add %[2]s to locations if it is", l.Name, l.Number), false)
		}
	}
	var silent []string
	for _, topic := range shopify.Topics() {
		if !slices.ContainsFunc(s.Hooks, func(h shopify.Hook) bool { return h.Topic == topic && strings.HasSuffix(h.URI, want.Hooks) }) {
			silent = append(silent, topic)
		}
	}
	if len(silent) > 0 {
		add("webhooks", fmt.Sprintf("no webhook comes to %s for %s: subscribe to them in the app; until then they are found within %s", want.Hooks, strings.Join(silent, ", "), want.Poll), false)
	}
	return found
}

// reach says why the shop was not reached, and what to do.
func reach(err error) string {
	words := fault.Reason(err)
	switch r, refused := errors.AsType[*partnerhttp.Refusal](err); {
	case refused && r.Status == 400, refused && r.Status == 401:
		return words + ": see client_id and client_secret, and that the app is installed at this shop"
	case refused && r.Status == 404:
		return words + ": see domain"
	case !refused && fault.KindOf(err) == fault.Unavailable:
		return words + ": see url, and whether this machine reaches it"
	}
	return words
}

var _ shop.Checker = (*Client)(nil)

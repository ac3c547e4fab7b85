package restshop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

// maxSkew is how far clocks may be apart: signatures bear a time.
const maxSkew = time.Minute

// Check implements [shop.Checker].
func (c *Client) Check(ctx context.Context, want shop.Wanted) []shop.Finding {
	const op = "restshop.Check"
	page, err := c.Changed(ctx, c.cfg.Now().Add(-24*time.Hour), "")
	if err != nil {
		return []shop.Finding{{Place: "connection", Text: reach(err), Stops: true}}
	}
	found := []shop.Finding{{Place: "shop", Text: fmt.Sprintf("lets us in by connector %s; %d orders of the last day are read on its first page", c.how.Name, len(page.Work))}}
	add := func(place, text string, stops bool) {
		found = append(found, shop.Finding{Place: place, Text: text, Stops: stops})
	}
	if skew := time.Duration(c.skew.Load()); skew > maxSkew || skew < -maxSkew {
		add("clock", fmt.Sprintf("the shop's clock is %s from ours: set ours", skew.Round(time.Second)), false)
	}
	for _, u := range page.Unread {
		if _, err := c.Read(ctx, u.ID); err != nil {
			add("orders", fmt.Sprintf("%s cannot be read: %s", u.ID, fault.Reason(err)), false)
			break
		}
	}
	if want.Stock && !c.how.Has("set.path") {
		add("stock", "the connector says nothing of levels and set: leave stock out, or write them", true)
	}
	if !c.how.Has("hook.id") {
		add("webhook", fmt.Sprintf("the connector takes none: what changes is found within %s", want.Poll), false)
	}
	if !c.how.Has("check.path") {
		return found
	}
	data, none, err := c.get(ctx, op, "check.path", "", nil)
	if none || err != nil {
		add("check", "what the connector checks by cannot be read: see check.path", false)
		return found
	}
	have, err := c.how.Texts("check.locations", data)
	if err != nil {
		add("locations", fault.Reason(err), false)
		return found
	}
	for _, l := range want.Locations {
		if c.how.Has("check.locations") && !slices.Contains(have, l) {
			add("locations", fmt.Sprintf("the shop has no place %s: it has %q", l, have), true)
		}
	}
	return found
}

// reach is what to do where the shop cannot be reached, or does not let us in.
func reach(err error) string {
	words := fault.Reason(err)
	r, refused := errors.AsType[*partnerhttp.Refusal](err)
	_, dialled := errors.AsType[*url.Error](err)
	switch {
	case refused && (r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden):
		return words + ": see the token or secret, and what it may do there"
	case dialled:
		return words + ": see url, and whether this machine reaches it"
	}
	return words
}

var _ shop.Checker = (*Client)(nil)

package sap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

// maxSkew is how far clocks may be apart: goods issues bear SAP's day.
const maxSkew = 5 * time.Minute

// Check implements [erp.Checker].
func (c *Client) Check(ctx context.Context) []shop.Finding {
	const op = "sap.Check"
	var found []shop.Finding
	for _, s := range []side{c.out, c.in} {
		if s == c.in && !c.cfg.Receives {
			continue
		}
		_, none, err := c.get(ctx, s.http, op, s.heads, url.Values{"$top": {"1"}, "$select": {"DeliveryDocument"}})
		if err == nil && none {
			err = fault.E(op, fault.Unavailable, fmt.Errorf("the service has no %s", s.heads[1:]))
		}
		if err != nil {
			return append(found, shop.Finding{Place: "connection", Text: s.reach(err), Stops: true})
		}
		found = append(found, shop.Finding{Place: s.what, Text: fmt.Sprintf("%s may read them", c.cfg.User)})
		if err := s.http.Session(ctx, op); err != nil {
			found = append(found, shop.Finding{Place: "csrf", Text: fault.Reason(err) + ": without a token nothing can be posted; does a proxy take headers or cookies away?", Stops: true})
		}
	}
	if skew := time.Duration(c.skew.Load()); skew > maxSkew || skew < -maxSkew {
		found = append(found, shop.Finding{Place: "clock", Text: fmt.Sprintf("SAP's clock is %s from ours: goods issues bear its day; set ours", skew.Round(time.Second))})
	}
	return found
}

// reach is what to do where SAP cannot be reached, or does not let us in.
func (s side) reach(err error) string {
	words := fault.Reason(err)
	r, refused := errors.AsType[*partnerhttp.Refusal](err)
	_, dialled := errors.AsType[*url.Error](err)
	switch {
	case refused && strings.HasPrefix(r.Code, "/IWFND/"), refused && r.Status == http.StatusNotFound:
		return words + ": see url, and activate " + s.name + ", version 2 (/IWFND/MAINT_SERVICE), or its communication arrangement"
	case refused && r.Status == http.StatusUnauthorized:
		return words + ": see user, password and client"
	case refused && r.Status == http.StatusForbidden:
		return words + ": give the user the rights of " + s.name + " (its communication arrangement, SAP_COM_0106 for deliveries that leave)"
	case dialled:
		return words + ": see url, and whether this machine reaches it"
	}
	return words
}

var _ erp.Checker = (*Client)(nil)

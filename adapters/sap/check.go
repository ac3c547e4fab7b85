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
	_, none, err := c.get(ctx, op, "/A_OutbDeliveryHeader", url.Values{"$top": {"1"}, "$select": {"DeliveryDocument"}})
	if err == nil && none {
		err = fault.E(op, fault.Unavailable, errors.New("the service has no A_OutbDeliveryHeader"))
	}
	if err != nil {
		return []shop.Finding{{Place: "connection", Text: reach(err), Stops: true}}
	}
	found := []shop.Finding{{Place: "deliveries", Text: fmt.Sprintf("%s may read them", c.cfg.User)}}
	if err := c.http.Session(ctx, op); err != nil {
		found = append(found, shop.Finding{Place: "csrf", Text: fault.Reason(err) + ": without a token nothing can be posted; does a proxy take headers or cookies away?", Stops: true})
	}
	if skew := time.Duration(c.skew.Load()); skew > maxSkew || skew < -maxSkew {
		found = append(found, shop.Finding{Place: "clock", Text: fmt.Sprintf("SAP's clock is %s from ours: goods issues bear its day; set ours", skew.Round(time.Second))})
	}
	return found
}

// reach is what to do where SAP cannot be reached, or does not let us in.
func reach(err error) string {
	words := fault.Reason(err)
	r, refused := errors.AsType[*partnerhttp.Refusal](err)
	_, dialled := errors.AsType[*url.Error](err)
	switch {
	case refused && strings.HasPrefix(r.Code, "/IWFND/"), refused && r.Status == http.StatusNotFound:
		return words + ": see url, and activate API_OUTBOUND_DELIVERY_SRV, version 2 (/IWFND/MAINT_SERVICE), or the communication arrangement SAP_COM_0106"
	case refused && r.Status == http.StatusUnauthorized:
		return words + ": see user, password and client"
	case refused && r.Status == http.StatusForbidden:
		return words + ": give the user the rights of SAP_COM_0106"
	case dialled:
		return words + ": see url, and whether this machine reaches it"
	}
	return words
}

var _ erp.Checker = (*Client)(nil)

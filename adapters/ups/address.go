package ups

import (
	"context"
	"net/http"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/ups"
)

// CheckAddress implements [ship.AddressChecker] by street level validation with
// classification. UPS's test environment knows addresses of New York and
// California alone.
func (c *Client) CheckAddress(ctx context.Context, a party.Address) (ship.AddressCheck, error) {
	const op = "ups.CheckAddress"
	req, err := ups.FromAddress(a)
	if err != nil {
		return ship.AddressCheck{}, fault.Wrap(op, err)
	}
	ans, err := c.http.Do(ctx, partnerhttp.Call{
		Op: op, Method: http.MethodPost, Path: "/addressvalidation/v2/3", Header: headers(), Body: req,
	})
	if err != nil {
		return ship.AddressCheck{}, err
	}
	check, err := ups.ToAddressCheck(ans.Body, c.cfg.Connection)
	return check, fault.Wrap(op, err)
}

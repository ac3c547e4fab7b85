package sap

import (
	"context"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/transforms/sap"
)

// Announced implements [erp.Receiver].
func (c *Client) Announced(ctx context.Context, since time.Time, after string) (erp.Page, error) {
	return c.changed(ctx, c.in, "sap.Announced", since, after)
}

// Arrival implements [erp.Receiver].
func (c *Client) Arrival(ctx context.Context, number string) (erp.Arrival, bool, error) {
	const op = "sap.Arrival"
	h, none, err := c.delivery(ctx, c.in, op, number)
	if none || err != nil {
		return erp.Arrival{}, false, err
	}
	a, err := sap.ToArrival(h)
	return a, err == nil, fault.Wrap(op, err)
}

// Receive implements [erp.Receiver].
func (c *Client) Receive(ctx context.Context, g erp.GoodsReceipt) (erp.Posted, error) {
	return c.move(ctx, c.in, "sap.Receive", g.Delivery, func(d erp.Delivery) ([]sap.Pick, error) { return sap.Putaways(d, g) })
}

// Received implements [erp.Receiver].
func (c *Client) Received(ctx context.Context, g erp.GoodsReceipt) (erp.Posted, bool, error) {
	return c.moved(ctx, c.in, "sap.Received", g.Delivery, func(d erp.Delivery) ([]sap.Pick, error) { return sap.Putaways(d, g) })
}

var _ erp.Receiver = (*Client)(nil)

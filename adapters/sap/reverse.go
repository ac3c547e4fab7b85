package sap

import (
	"context"
	"fmt"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/transforms/sap"
)

func (c *Client) sideOf(do string) side {
	if do == erp.DoReceipt {
		return c.in
	}
	return c.out
}

// Reverse implements [erp.Reverser].
func (c *Client) Reverse(ctx context.Context, r erp.Reversal) (erp.Posted, error) {
	const op = "sap.Reverse"
	s := c.sideOf(r.Do)
	number, err := sap.Number(r.Delivery)
	if err != nil {
		return erp.Posted{}, fault.Wrap(op, err)
	}
	h, none, err := c.header(ctx, s, op, number)
	switch {
	case err != nil:
		return erp.Posted{}, unread(op, err)
	case none:
		return erp.Posted{}, fault.At(op, fault.Rejected, "delivery", fmt.Errorf("SAP has no delivery %s", number))
	case h.Movement == erp.NotMoved:
		return erp.Posted{Delivery: h.Number}, nil
	case h.Movement == erp.Partly:
		return erp.Posted{}, fault.At(op, fault.Rejected, "delivery", fmt.Errorf("the %s of %s is posted in part: take it back there", s.movement, number))
	}
	ans, err := c.call(ctx, s, op, s.undo, h.ETag, sap.Undoing(number, r.Day), true)
	if err != nil {
		return erp.Posted{}, err
	}
	// SAP answers with success and messages; what counts is how the delivery stands.
	now, none, err := c.header(ctx, s, op, number)
	if none || err != nil {
		return erp.Posted{}, fault.E(op, fault.Unknown, fmt.Errorf("the reversal was taken: %w", gone(op, number, err)))
	}
	if now.Movement == erp.NotMoved {
		return erp.Posted{Delivery: number}, nil
	}
	if problem, err := sap.Report(ans.Body); err == nil && problem != "" && now.Movement == erp.Moved {
		return erp.Posted{}, fault.At(op, fault.Rejected, "delivery", fmt.Errorf("SAP did not take the %s of %s back: %s", s.movement, number, problem))
	}
	return erp.Posted{}, fault.E(op, fault.Unknown, fmt.Errorf("the reversal of the %s of %s was taken, and it stands yet", s.movement, number))
}

// Reversed implements [erp.Reverser].
func (c *Client) Reversed(ctx context.Context, r erp.Reversal) (erp.Posted, bool, error) {
	const op = "sap.Reversed"
	number, err := sap.Number(r.Delivery)
	if err != nil {
		return erp.Posted{}, false, fault.Wrap(op, err)
	}
	h, none, err := c.header(ctx, c.sideOf(r.Do), op, number)
	switch {
	case err != nil:
		return erp.Posted{}, false, unread(op, err)
	case none:
		return erp.Posted{}, false, fault.E(op, fault.Unknown, fmt.Errorf("delivery %s is not there any more", number))
	}
	return erp.Posted{Delivery: number}, h.Movement == erp.NotMoved, nil
}

var _ erp.Reverser = (*Client)(nil)

package shopify

import (
	"context"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/shopify"
)

var readStanding = query{document: shopify.ReadStanding, cost: 10}

// Answer implements [shop.Answerer]. It looks first, so that an answer that was given is not given
// again, and our one hold can be taken away.
func (c *Client) Answer(ctx context.Context, a shop.Answer) error {
	const op = "shopify.Answer"
	if _, _, err := shopify.FromAnswer(a, shopify.Standing{}); err != nil {
		return fault.Wrap(op, err)
	}
	data, err := c.run(ctx, op, readStanding, variables{"id": a.Work})
	if err != nil {
		return err
	}
	s, err := shopify.ToStanding(data)
	if err != nil || s.Is(a.Do) {
		return fault.Wrap(op, err)
	}
	document, vars, err := shopify.FromAnswer(a, s)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if data, err = c.run(ctx, op, query{document: document, cost: 15}, vars); err != nil {
		return err
	}
	if err := shopify.ToAnswered(data); fault.KindOf(err) == fault.Invalid && err != nil {
		return fault.E(op, fault.Transient, err) // giving it again tells whether it was given
	} else if err != nil {
		return fault.Wrap(op, err)
	}
	return nil
}

var _ shop.Answerer = (*Client)(nil)

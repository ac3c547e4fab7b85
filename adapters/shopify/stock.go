package shopify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/shopify"
)

var (
	readLevels    = query{document: shopify.ReadLevels, cost: 60}
	setQuantities = query{document: shopify.SetQuantities, cost: 15}
)

// levels reads what is on hand of items at a place.
func (c *Client) levels(ctx context.Context, op, location string, items []string) ([]shopify.Level, error) {
	var all []shopify.Level
	for part := range slices.Chunk(items, shopify.MostRead) {
		for after := ""; ; {
			vars := variables{"query": shopify.BySKU(part), "location": location}
			if after != "" {
				vars["after"] = after
			}
			data, err := c.run(ctx, op, readLevels, vars)
			if err != nil {
				return nil, err
			}
			page, next, err := shopify.ToLevels(data)
			if err == nil && next != "" && next == after {
				err = fault.E(op, fault.Transient, errors.New("a page follows itself"))
			}
			if err != nil {
				return nil, fault.Wrap(op, err)
			}
			all = append(all, page...)
			if after = next; after == "" {
				break
			}
		}
	}
	return all, nil
}

// Levels implements [shop.Stockist].
func (c *Client) Levels(ctx context.Context, location string, items []string) ([]shop.Level, error) {
	have, err := c.levels(ctx, "shopify.Levels", location, items)
	if err != nil {
		return nil, err
	}
	out := make([]shop.Level, len(have))
	for i, h := range have {
		out[i] = shop.Level{Item: h.SKU, Location: location, OnHand: h.OnHand}
	}
	return out, nil
}

// SetLevels implements [shop.Stockist] for one place: quantities are set by compare-and-set, in calls
// of at most [shopify.MostSet]. The key of each is made of what it sets, so that a repeat sets the same.
func (c *Client) SetLevels(ctx context.Context, key string, set []shop.Level) (skipped []string, err error) {
	const op = "shopify.SetLevels"
	if len(set) == 0 {
		return nil, nil
	}
	items := make([]string, len(set))
	for i, l := range set {
		if items[i] = l.Item; l.Location != set[0].Location || l.OnHand < 0 {
			return nil, fault.At(op, fault.Invalid, l.Item, errors.New("levels are of one place and not below nothing"))
		}
	}
	have, err := c.levels(ctx, op, set[0].Location, items)
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(set, shopify.MostSet) {
		in := shopify.FromLevels(part, have, key)
		if in == nil {
			continue
		}
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fault.E(op, fault.Internal, err)
		}
		sum := sha256.Sum256(b)
		data, err := c.run(ctx, op, setQuantities, variables{"input": in, "key": hex.EncodeToString(sum[:16])})
		if err != nil {
			return nil, err
		}
		if err := shopify.ToSet(data); fault.KindOf(err) == fault.Invalid && err != nil {
			return nil, fault.E(op, fault.Transient, err) // setting it again tells
		} else if err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	for _, l := range set {
		if !slices.ContainsFunc(have, func(h shopify.Level) bool { return h.SKU == l.Item }) {
			skipped = append(skipped, l.Item)
		}
	}
	return skipped, nil
}

var _ shop.Stockist = (*Client)(nil)

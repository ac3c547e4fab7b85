package magento

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/magento"
)

// mostRead is how many SKUs one look asks for: they travel in the address.
const mostRead = 40

// levels are the source items of a source, of these SKUs.
func (c *Client) levels(ctx context.Context, op, source string, items []string) ([]magento.Level, error) {
	var all []magento.Level
	for part := range slices.Chunk(items, mostRead) {
		for _, sku := range part {
			if strings.Contains(sku, ",") { // QUIRK(Magento): a list of values has no escape
				return nil, fault.At(op, fault.Invalid, sku, fmt.Errorf("%q has a comma, by which the shop separates SKUs", sku))
			}
		}
		for page := 1; ; page++ {
			data, none, err := c.get(ctx, op, "/V1/inventory/source-items", magento.Search(page, 2*mostRead, []string{"source_item_id"},
				magento.Filter{Field: "source_code", Is: "eq", Value: source}, magento.Filter{Field: "sku", Is: "in", Value: strings.Join(part, ",")}))
			if err == nil && none {
				err = fault.E(op, fault.Unavailable, errors.New("the shop has no multi-source inventory"))
			}
			if err != nil {
				return nil, err
			}
			list, total, err := magento.ToLevels(data)
			if err != nil {
				return nil, fault.Wrap(op, err)
			}
			all = append(all, list...)
			if page*2*mostRead >= total {
				break
			}
		}
	}
	return all, nil
}

// Levels implements [shop.Stockist].
func (c *Client) Levels(ctx context.Context, location string, items []string) ([]shop.Level, error) {
	have, err := c.levels(ctx, "magento.Levels", location, items)
	if err != nil {
		return nil, err
	}
	out := make([]shop.Level, 0, len(have))
	for _, h := range have {
		i := slices.IndexFunc(items, func(sku string) bool { return strings.EqualFold(sku, h.SKU) })
		if i >= 0 {
			out = append(out, shop.Level{Item: items[i], Location: location, OnHand: h.Quantity})
		}
	}
	return out, nil
}

// SetLevels implements [shop.Stockist]. QUIRK(Magento): there is no compare-and-set; a source's quantity
// changes by shipments that we told, and by people, and what is set is what was read a moment before or
// what we say. What is more than one call takes goes through the shop's queue, and is done when it is
// read as set.
func (c *Client) SetLevels(ctx context.Context, key string, set []shop.Level) (skipped []string, err error) {
	const op = "magento.SetLevels"
	if len(set) == 0 {
		return nil, nil
	}
	items := make([]string, len(set))
	for i, l := range set {
		if items[i] = l.Item; l.Location != set[0].Location || l.OnHand < 0 {
			return nil, fault.At(op, fault.Invalid, l.Item, errors.New("levels are of one place and not below nothing"))
		}
	}
	if err := c.queued(ctx, op, key); err != nil {
		return nil, err
	}
	have, err := c.levels(ctx, op, set[0].Location, items)
	if err != nil {
		return nil, err
	}
	write, skipped := magento.FromLevels(set, have)
	switch {
	case len(write) == 0:
		return skipped, nil
	case len(write) <= c.cfg.Bulk:
		_, err := c.http.Do(ctx, partnerhttp.Call{Op: op, Method: http.MethodPost, Path: "/V1/inventory/source-items", Body: magento.SourceItems{Items: write}})
		return skipped, err
	}
	var parts []magento.SourceItems
	for part := range slices.Chunk(write, c.cfg.Bulk) {
		parts = append(parts, magento.SourceItems{Items: part})
	}
	ans, err := c.http.Do(ctx, partnerhttp.Call{Op: op, Method: http.MethodPost, Path: "/async/bulk/V1/inventory/source-items", Body: parts})
	if err != nil {
		return nil, err
	}
	id, err := magento.ToBulk(ans.Body)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	c.mu.Lock()
	c.bulks[key] = id
	c.mu.Unlock()
	return nil, later(op)
}

// queueLook is how long a bulk is left alone between two looks.
const queueLook = 2 * time.Second

func later(op string) error {
	return &fault.Error{Op: op, Kind: fault.Transient, After: queueLook, Err: errors.New("it is in the shop's queue: accepted, and not done yet")}
}

// queued says that what was asked for under a key is not done yet, or how it failed; nil is done, or
// never asked for by this process: setting it again does no harm.
func (c *Client) queued(ctx context.Context, op, key string) error {
	c.mu.Lock()
	id, asked := c.bulks[key]
	c.mu.Unlock()
	if !asked {
		return nil
	}
	data, none, err := c.get(ctx, op, "/V1/bulk/"+id+"/detailed-status", nil)
	if err != nil {
		return err
	}
	done := none
	if !none {
		done, err = magento.BulkDone(data)
	}
	if done || err != nil && fault.KindOf(err) == fault.Rejected {
		c.mu.Lock()
		delete(c.bulks, key)
		c.mu.Unlock()
	}
	if err != nil {
		return fault.Wrap(op, err)
	}
	if !done {
		return later(op)
	}
	return nil
}

var _ shop.Stockist = (*Client)(nil)

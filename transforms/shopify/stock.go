package shopify

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

// What one call takes: items that are read, and quantities that are set.
const (
	MostRead = 50
	MostSet  = 250
)

// ReadLevels reads what is on hand of items; variables: query ([BySKU]), location, after.
const ReadLevels = `query PakLogLevels($query: String!, $location: ID!, $after: String) {
  inventoryItems(first: 50, query: $query, after: $after) {
    nodes { id sku tracked inventoryLevel(locationId: $location) { quantities(names: ["on_hand"]) { name quantity } } }
    pageInfo { hasNextPage endCursor }
  }
}`

// SetQuantities sets what is on hand, where it still is what was read; variables: input ([FromLevels]),
// key.
const SetQuantities = `mutation PakLogStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { field message code } }
}`

// BySKU is the search for items by their SKUs.
func BySKU(skus []string) string {
	terms := make([]string, len(skus))
	for i, s := range skus {
		terms[i] = "sku:'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
	}
	return strings.Join(terms, " OR ")
}

// Level is what Shopify says is on hand of one of its items.
type Level struct {
	Item   string // Shopify's id
	SKU    string
	OnHand int64
}

// ToLevels reads the answer to [ReadLevels]. Items that are not stocked at the place, or not counted,
// are left out.
func ToLevels(data []byte) (levels []Level, next string, err error) {
	const op = "shopify.ToLevels"
	var d struct {
		Items *connection[struct {
			ID      string `json:"id"`
			SKU     string `json:"sku"`
			Tracked bool   `json:"tracked"`
			Level   *struct {
				Quantities []struct {
					Name     string `json:"name"`
					Quantity int64  `json:"quantity"`
				} `json:"quantities"`
			} `json:"inventoryLevel"`
		}] `json:"inventoryItems"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, "", unreadable(op, err)
	}
	if d.Items == nil {
		return nil, "", unreadable(op, errors.New("there is no list of items"))
	}
	for _, i := range d.Items.Nodes {
		if i.Level == nil || !i.Tracked {
			continue
		}
		if len(i.Level.Quantities) != 1 || i.Level.Quantities[0].Name != "on_hand" || kind(i.ID) != "InventoryItem" {
			return nil, "", unreadable(op, fmt.Errorf("item %s does not say what is on hand", i.ID))
		}
		levels = append(levels, Level{i.ID, i.SKU, i.Level.Quantities[0].Quantity})
	}
	return levels, d.Items.next(), nil
}

type quantityInput struct {
	Item     string `json:"inventoryItemId"`
	Location string `json:"locationId"`
	Quantity int64  `json:"quantity"`
	From     int64  `json:"changeFromQuantity"`
}

// FromLevels is what sets those of want that Shopify says otherwise; nil where it says so already. Each is
// set only where it still is as it was read.
func FromLevels(want []shop.Level, have []Level, ref string) any {
	var q []quantityInput
	for _, w := range want {
		for _, h := range have {
			if h.SKU == w.Item && h.OnHand != w.OnHand {
				q = append(q, quantityInput{h.Item, w.Location, w.OnHand, h.OnHand})
			}
		}
	}
	if len(q) == 0 {
		return nil
	}
	return map[string]any{
		"name": "on_hand", "reason": "correction", "referenceDocumentUri": "gid://paklog/StockSync/" + ref, "quantities": q,
	}
}

// ToSet reads the answer to [SetQuantities]. Where Shopify changed its mind meanwhile it is Transient.
func ToSet(data []byte) error {
	const op = "shopify.ToSet"
	var d struct {
		Set *struct {
			Errors []userError `json:"userErrors"`
		} `json:"inventorySetQuantities"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return unreadable(op, err)
	}
	if d.Set == nil {
		return unreadable(op, errors.New("it says nothing of what was set"))
	}
	err := refused(op, d.Set.Errors)
	if no, ok := errors.AsType[*RefusedError](err); ok {
		for _, again := range []string{"CHANGE_FROM_QUANTITY_STALE", "IDEMPOTENCY_CONCURRENT_REQUEST", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"} {
			if no.Code(again) {
				return fault.E(op, fault.Transient, no)
			}
		}
	}
	return err
}

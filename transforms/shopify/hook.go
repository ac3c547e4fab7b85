package shopify

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// About is the id of the thing that a webhook of a topic is about, "" where its topic asks for
// nothing to be read. resource is what its headers say of that, "" where they are silent. Topics are
// written as in the older headers ("orders/updated") or the newer ("Order").
func About(topic, resource string, body []byte) (string, error) {
	switch family, _, _ := strings.Cut(topic, "/"); family {
	case "orders", "order", "fulfillment_orders", "fulfillment_order", "fulfillmentorder", "fulfillment_holds", "order_edits":
	default:
		return "", nil
	}
	if k := kind(resource); k == "Order" || k == "FulfillmentOrder" {
		return resource, nil
	}
	type thing struct {
		ID      json.RawMessage `json:"id"`
		GraphQL string          `json:"admin_graphql_api_id"`
		OrderID json.Number     `json:"order_id"`
	}
	var doc struct {
		thing
		Work  *thing `json:"fulfillment_order"`
		Moved *thing `json:"moved_fulfillment_order"`
		First *thing `json:"original_fulfillment_order"`
		Edit  *thing `json:"order_edit"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return "", fmt.Errorf("reading the webhook: %w", err)
	}
	if doc.Edit != nil && doc.Edit.OrderID != "" {
		return GID("Order", doc.Edit.OrderID.String()), nil
	}
	for _, t := range []*thing{doc.Work, doc.Moved, doc.First, &doc.thing} {
		if t == nil {
			continue
		}
		id := t.GraphQL
		if id == "" {
			id = strings.Trim(string(t.ID), `"`)
		}
		switch {
		case kind(id) == "Order" || kind(id) == "FulfillmentOrder":
			return id, nil
		case id != "" && strings.Trim(id, "0123456789") == "":
			if t == &doc.thing && strings.HasPrefix(topic, "order") {
				return GID("Order", id), nil
			}
			return GID("FulfillmentOrder", id), nil
		}
	}
	return "", errors.New("it names neither an order nor a fulfilment order")
}

package shopifysim

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

func itoa(n int) string { return strconv.Itoa(n) }

var reasons = []string{
	"correction", "cycle_count_available", "damaged", "movement_canceled", "movement_created", "movement_received", "movement_updated", "other", "promotion",
	"quality_control", "received", "reservation_created", "reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage",
}

// keyed runs what a key of @idempotent names once. A mutation that must have one and has none is refused.
func (s *Sim) keyed(f *ast.Field, asked any, run func() any, mismatch func() any) (any, error) {
	d := f.Directives.ForName("idempotent")
	if d == nil {
		return nil, fail{message: "The @idempotent directive is required for this mutation but was not provided.", code: "BAD_REQUEST"}
	}
	var key string
	if a := d.Arguments.ForName("key"); a != nil {
		key = a.Value.Raw
		if a.Value.Kind == ast.Variable {
			key = text(s.vars[a.Value.Raw])
		}
	}
	b, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	if was, known := s.store.keys[f.Name+key]; known {
		if was != string(b) {
			return mismatch(), nil
		}
		return s.store.answers[f.Name+key], nil
	}
	out := run()
	s.store.keys[f.Name+key], s.store.answers[f.Name+key] = string(b), out
	return out, nil
}

// setQuantities sets absolute quantities, each where it still is what the caller saw.
func (s *Sim) setQuantities(in map[string]any, f *ast.Field) (any, error) {
	no := func(errs ...any) any { return obj{"inventoryAdjustmentGroup": nil, "userErrors": errs} }
	return s.keyed(f, in, func() any { return s.set(in, no) }, func() any {
		return no(problem(nil, "The idempotency key was used before with other parameters.", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"))
	})
}

func (s *Sim) set(in map[string]any, no func(...any) any) any {
	name := text(in["name"])
	at := func(i int, field string) []any { return []any{"input", "quantities", itoa(i), field} }
	var errs []any
	switch ref := text(in["referenceDocumentUri"]); {
	case name != "available" && name != "on_hand":
		return no(problem([]any{"input", "name"}, "The quantity name must be either 'available' or 'on_hand'.", "INVALID_NAME"))
	case !slices.Contains(reasons, text(in["reason"])):
		return no(problem([]any{"input", "reason"}, "The specified reason is invalid. Valid values are: "+strings.Join(reasons, ", ")+".", "INVALID_REASON"))
	case ref != "" && !uri(ref):
		return no(problem([]any{"input", "referenceDocumentUri"}, "The specified reference document is invalid.", "INVALID_REFERENCE_DOCUMENT"))
	}
	quantities := list(in["quantities"])
	count := map[[2]string]int{}
	for _, x := range quantities {
		q := object(x)
		count[[2]string{text(q["inventoryItemId"]), text(q["locationId"])}]++
	}
	for i, x := range quantities {
		q := object(x)
		it, p := s.store.item(text(q["inventoryItemId"])), s.store.place(text(q["locationId"]))
		n, _ := number(q["quantity"])
		from, compares := number(q["changeFromQuantity"])
		switch {
		case count[[2]string{text(q["inventoryItemId"]), text(q["locationId"])}] > 1:
			errs = append(errs, problem(at(i, "locationId"), "The combination of inventoryItemId and locationId must be unique.", "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"))
		case n > 1_000_000_000:
			errs = append(errs, problem(at(i, "quantity"), "The quantity can't be higher than 1,000,000,000.", "INVALID_QUANTITY_TOO_HIGH"))
		case n < -1_000_000_000:
			errs = append(errs, problem(at(i, "quantity"), "The quantity can't be lower than -1,000,000,000.", "INVALID_QUANTITY_TOO_LOW"))
		case n < 0 && name == "on_hand":
			errs = append(errs, problem(at(i, "quantity"), "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE"))
		case it == nil:
			errs = append(errs, problem(at(i, "inventoryItemId"), "The specified inventory item could not be found.", "INVALID_INVENTORY_ITEM"))
		case p == nil:
			errs = append(errs, problem(at(i, "locationId"), "The specified location could not be found.", "INVALID_LOCATION"))
		case it.levels[p.id] == nil:
			errs = append(errs, problem(at(i, "locationId"), "The specified inventory item is not stocked at the location.", "ITEM_NOT_STOCKED_AT_LOCATION"))
		case compares && it.levels[p.id][name] != from:
			errs = append(errs, problem(at(i, "changeFromQuantity"), "The changeFromQuantity argument no longer matches the persisted quantity.", "CHANGE_FROM_QUANTITY_STALE"))
		}
	}
	if len(errs) > 0 {
		return no(errs...)
	}
	changes := []any{}
	for _, x := range quantities {
		q := object(x)
		it, p := s.store.item(text(q["inventoryItemId"])), s.store.place(text(q["locationId"]))
		n, _ := number(q["quantity"])
		delta := n - it.levels[p.id][name]
		if delta == 0 {
			continue
		}
		it.add(p, name, delta)
		for _, named := range []string{"available", "on_hand"} {
			changes = append(changes, obj{
				"__typename": "InventoryChange", "name": named, "delta": delta, "quantityAfterChange": nil, "ledgerDocumentUri": nil, "item": s.itemObj(it), "location": s.placeObj(p),
			})
		}
		s.tellStock(it, p)
	}
	if len(changes) == 0 {
		return obj{"inventoryAdjustmentGroup": nil, "userErrors": none()}
	}
	return obj{"inventoryAdjustmentGroup": obj{
		"__typename": "InventoryAdjustmentGroup", "id": s.store.gid("InventoryAdjustmentGroup"), "createdAt": stamp(s.now()), "reason": text(in["reason"]),
		"referenceDocumentUri": maybe(text(in["referenceDocumentUri"])), "changes": changes, "app": app,
	}, "userErrors": none()}
}

func uri(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != ""
}

// Recount changes what the shop says it has, as a person there may.
func (s *Sim) Recount(sku string, onHand int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.hooks.wake()
	it, p := s.store.itemOf(sku), s.store.places[0]
	it.add(p, "on_hand", onHand-it.levels[p.id]["on_hand"])
	s.tellStock(it, p)
}

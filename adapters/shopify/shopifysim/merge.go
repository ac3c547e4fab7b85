package shopifysim

import (
	"fmt"
	"slices"
)

// mergeWork puts fulfilment orders together, into the first of each input.
func (s *Sim) mergeWork(inputs []any) obj {
	no := func(field []any, message, code string) obj {
		return obj{"fulfillmentOrderMerges": nil, "userErrors": []any{problem(field, message, code)}}
	}
	var groups [][]*fulfilmentOrder
	for i, in := range inputs {
		var group []*fulfilmentOrder
		for k, x := range list(object(in)["mergeIntents"]) {
			intent := object(x)
			f := s.store.work[text(intent["fulfillmentOrderId"])]
			switch {
			case f == nil:
				return no(nil, "Fulfillment order does not exist.", "FULFILLMENT_ORDER_NOT_FOUND")
			case f.status != open:
				return no(nil, fmt.Sprintf("Fulfillment order: %s is currently not in a mergeable state.", digits(f.id)), "")
			}
			for j, y := range list(intent["fulfillmentOrderLineItems"]) {
				one := object(y)
				qty, _ := number(one["quantity"])
				at := slices.IndexFunc(f.lines, func(l *workLine) bool { return l.id == text(one["id"]) })
				switch {
				case qty < 1:
					return no([]any{"fulfillmentOrderMergeInputs", itoa(i), "mergeIntents", itoa(k), "fulfillmentOrderLineItems", itoa(j), "quantity"},
						"You must select at least one item to merge into a new fulfillment order.", "GREATER_THAN")
				case at < 0:
					return no(nil, "Fulfillment order line item does not exist.", "")
				case qty > f.lines[at].remaining:
					return no(nil, "Invalid fulfillment order line item quantity requested.", "")
				}
			}
			group = append(group, f)
		}
		groups = append(groups, group)
	}
	done := []any{}
	for _, group := range groups {
		for _, from := range group[1:] {
			s.absorb(group[0], from)
		}
		s.touch(group[0])
		done = append(done, obj{"fulfillmentOrder": s.workObj(group[0])})
	}
	return obj{"fulfillmentOrderMerges": done, "userErrors": none()}
}

// absorb moves what is in one fulfilment order into another, and leaves it closed and empty.
func (s *Sim) absorb(into, from *fulfilmentOrder) {
	for _, l := range from.lines {
		if i := slices.IndexFunc(into.lines, func(w *workLine) bool { return w.line == l.line }); i >= 0 {
			into.lines[i].total += l.total
			into.lines[i].remaining += l.remaining
		} else {
			into.lines = append(into.lines, &workLine{id: s.store.gid("FulfillmentOrderLineItem"), line: l.line, total: l.total, remaining: l.remaining})
		}
		l.total, l.remaining = 0, 0
	}
	from.status = closedFO
	s.touch(from)
}

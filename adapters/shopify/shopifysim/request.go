package shopifysim

import (
	"slices"
	"strings"
	"time"
)

// requestSteps are the mutations that take a request from one state to the next, and what is told of it.
var requestSteps = map[string]struct{ from, to, status, does, topic string }{
	"fulfillmentOrderAcceptFulfillmentRequest":  {submitted, accepted, inProgress, "accept fulfillment request", "fulfillment_request_accepted"},
	"fulfillmentOrderRejectFulfillmentRequest":  {submitted, rejected, "", "reject fulfillment request", "fulfillment_request_rejected"},
	"fulfillmentOrderSubmitCancellationRequest": {accepted, cancelAsked, "", "request cancellation", "cancellation_request_submitted"},
	"fulfillmentOrderAcceptCancellationRequest": {cancelAsked, cancelAccepted, open, "accept cancellation request", "cancellation_request_accepted"},
	"fulfillmentOrderRejectCancellationRequest": {cancelAsked, cancelRejected, "", "reject cancellation request", "cancellation_request_rejected"},
}

// workMutation is a mutation of a fulfilment order's state.
func (s *Sim) workMutation(name string, args map[string]any) (any, error) {
	f := s.store.work[text(args["id"])]
	if f == nil {
		return nil, fail{message: "Invalid id: " + text(args["id"]), code: "RESOURCE_NOT_FOUND"}
	}
	no := func(message, code string) (any, error) {
		return obj{"fulfillmentOrder": nil, "userErrors": []any{problem([]any{"id"}, message, code)}}, nil
	}
	ok := func() (any, error) {
		s.touch(f)
		return obj{"fulfillmentOrder": s.workObj(f), "userErrors": none()}, nil
	}
	if step, answers := requestSteps[name]; answers {
		if f.request != step.from {
			return no("Cannot "+step.does+" for the fulfillment order.", "")
		}
		f.request = step.to
		if step.status != "" {
			f.status = step.status
		}
		s.tell("fulfillment_orders/"+step.topic, f.order, f)
		return ok()
	}
	switch name {
	case "fulfillmentOrderHold":
		return s.holdWork(f, object(args["fulfillmentHold"]))
	case "fulfillmentOrderReleaseHold":
		return s.releaseWork(f, args)
	case "fulfillmentOrderSubmitFulfillmentRequest":
		if f.status != open || f.request != unsubmitted && f.request != rejected {
			return obj{"originalFulfillmentOrder": nil, "submittedFulfillmentOrder": nil, "unsubmittedFulfillmentOrder": nil, "userErrors": []any{problem([]any{"id"}, "Cannot request fulfillment for the fulfillment order.", "")}}, nil
		}
		f.request = submitted
		f.requests = append(f.requests, obj{"__typename": "FulfillmentOrderMerchantRequest", "id": s.store.gid("FulfillmentOrderMerchantRequest"), "kind": "FULFILLMENT_REQUEST", "message": maybe(text(args["message"])), "requestOptions": obj{}, "sentAt": stamp(s.now())})
		s.touch(f)
		s.tell("fulfillment_orders/fulfillment_request_submitted", f.order, f)
		return obj{"originalFulfillmentOrder": s.workObj(f), "submittedFulfillmentOrder": s.workObj(f), "unsubmittedFulfillmentOrder": nil, "userErrors": none()}, nil
	case "fulfillmentOrderOpen":
		if f.status != inProgress && f.status != scheduled {
			return obj{"fulfillmentOrder": nil, "userErrors": []any{problem(nil, "Expected fulfillment order status to be valid but it was "+strings.ToLower(f.status)+".", "")}}, nil
		}
		f.status = open
	case "fulfillmentOrderReportProgress":
		if f.status != open && f.status != inProgress {
			return no("Fulfillment order "+digits(f.id)+" has an unfulfillable status= "+strings.ToLower(f.status)+".", "")
		}
		f.status = inProgress
	case "fulfillmentOrderClose":
		if f.status != inProgress || f.request == unsubmitted {
			return obj{"fulfillmentOrder": nil, "userErrors": []any{problem(nil, "The fulfillment order's assigned fulfillment service must be of api type", "")}}, nil
		}
		f.status, f.request = incomplete, closedRq
	case "fulfillmentOrderCancel":
		if f.status == inProgress && f.request == unsubmitted {
			return obj{"fulfillmentOrder": nil, "replacementFulfillmentOrder": nil, "userErrors": []any{
				problem([]any{"id"}, "Cannot cancel fulfillment order that has had progress reported. Mark as unfulfilled first.", ""),
			}}, nil
		}
		if f.status == closedFO || f.status == cancelled {
			return no("Fulfillment order is not in cancelable request state and can't be canceled.", "")
		}
		n := &fulfilmentOrder{id: s.store.gid("FulfillmentOrder"), order: f.order, status: open, request: unsubmitted, created: s.now(), place: f.place, method: f.method, fulfillAt: f.fulfillAt}
		for _, l := range f.lines {
			if l.remaining > 0 {
				n.lines = append(n.lines, &workLine{id: s.store.gid("FulfillmentOrderLineItem"), line: l.line, total: l.remaining, remaining: l.remaining})
			}
		}
		f.status, f.lines = closedFO, nil
		f.order.work = append(f.order.work, n)
		s.store.work[n.id] = n
		s.touch(n)
		s.touch(f)
		s.tell("fulfillment_orders/cancelled", f.order, f)
		return obj{"fulfillmentOrder": s.workObj(f), "replacementFulfillmentOrder": s.workObj(n), "userErrors": none()}, nil
	default:
		return nil, fail{message: "the simulator does not answer " + name, code: "INTERNAL_SERVER_ERROR"}
	}
	return ok()
}

// deadline says by when fulfilment orders must be fulfilled.
func (s *Sim) deadline(ids []any, by string) obj {
	at, err := time.Parse(time.RFC3339, by)
	for _, id := range ids {
		if f := s.store.work[text(id)]; f == nil || err != nil {
			return obj{"success": false, "userErrors": []any{problem([]any{"fulfillmentOrderIds"}, "The fulfillment orders could not be found.", "FULFILLMENT_ORDERS_NOT_FOUND")}}
		}
	}
	for _, id := range ids {
		f := s.store.work[text(id)]
		f.by = at
		s.touch(f)
	}
	return obj{"success": true, "userErrors": none()}
}

// splitWork takes what each split names out of its fulfilment order, into one of its own.
func (s *Sim) splitWork(splits []any) obj {
	no := func(field []any, message, code string) obj {
		return obj{"fulfillmentOrderSplits": nil, "userErrors": []any{problem(field, message, code)}}
	}
	at := func(i int, more ...any) []any {
		return append([]any{"fulfillmentOrderSplits", itoa(i)}, more...)
	}
	for i, x := range splits {
		in := object(x)
		f := s.store.work[text(in["fulfillmentOrderId"])]
		lines := list(in["fulfillmentOrderLineItems"])
		switch {
		case f == nil:
			return no(nil, "Fulfillment order does not exist.", "FULFILLMENT_ORDER_NOT_FOUND")
		case len(lines) == 0:
			return no(at(i, "fulfillmentOrderLineItems"), "There must be at least one item selected in this fulfillment to split it.", "NO_LINE_ITEMS_PROVIDED_TO_SPLIT")
		}
		for j, y := range lines {
			l := object(y)
			qty, _ := number(l["quantity"])
			k := slices.IndexFunc(f.lines, func(w *workLine) bool { return w.id == text(l["id"]) })
			switch place := at(i, "fulfillmentOrderLineItems", itoa(j), "quantity"); {
			case qty < 1:
				return no(place, "You must select at least one item to split into a new fulfillment order.", "GREATER_THAN")
			case k < 0 || qty > f.lines[k].remaining:
				return no(nil, "Invalid fulfillment order line item quantity requested.", "")
			}
		}
	}
	out := []any{}
	for _, x := range splits {
		in := object(x)
		f := s.store.work[text(in["fulfillmentOrderId"])]
		keep := map[string]int{}
		for _, l := range f.lines {
			keep[l.id] = l.total
		}
		for _, y := range list(in["fulfillmentOrderLineItems"]) {
			qty, _ := number(object(y)["quantity"])
			keep[text(object(y)["id"])] -= qty
		}
		n := s.splitOff(f, keep)
		s.touch(f)
		one := obj{"fulfillmentOrder": s.workObj(f), "remainingFulfillmentOrder": nil, "replacementFulfillmentOrder": nil}
		if n != nil {
			one["remainingFulfillmentOrder"] = s.workObj(n)
		}
		out = append(out, one)
		s.tell("fulfillment_orders/split", f.order, f)
	}
	return obj{"fulfillmentOrderSplits": out, "userErrors": none()}
}

// maxHolds is how many holds of one app a fulfilment order takes.
const maxHolds = 10

func (s *Sim) holdWork(f *fulfilmentOrder, in map[string]any) (any, error) {
	no := func(field []any, message, code string) (any, error) {
		return obj{"fulfillmentHold": nil, "fulfillmentOrder": nil, "remainingFulfillmentOrder": nil, "userErrors": []any{problem(field, message, code)}}, nil
	}
	handle := text(in["handle"])
	lines := list(in["fulfillmentOrderLineItems"])
	want := map[string]int{}
	for i, x := range lines {
		l := object(x)
		id := text(l["id"])
		qty, _ := number(l["quantity"])
		switch {
		case want[id] > 0:
			return no([]any{"fulfillmentHold", "fulfillmentOrderLineItems"}, "must contain unique line item ids", "DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS")
		case qty < 1:
			return no([]any{"fulfillmentHold", "fulfillmentOrderLineItems", itoa(i), "quantity"}, "You must select at least one item to place on partial hold.", "GREATER_THAN_ZERO")
		}
		want[id] = qty
	}
	switch {
	case len([]rune(handle)) > 64:
		return no([]any{"fulfillmentHold", "handle"}, "Handle is too long (maximum is 64 characters)", "")
	case slices.ContainsFunc(f.holds, func(h *hold) bool { return h.handle == handle }):
		return no([]any{"fulfillmentHold", "handle"}, "The handle provided for the fulfillment hold is already in use by this app for another hold on this fulfillment order.", "DUPLICATE_FULFILLMENT_HOLD_HANDLE")
	case len(f.holds) >= maxHolds:
		return no([]any{"id"}, "The maximum number of fulfillment holds for this fulfillment order has been reached for this app. An app can only have up to 10 holds on a single fulfillment order at any one time.", "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
	case len(f.holds) > 0 && len(lines) > 0:
		return no([]any{"fulfillmentHold", "fulfillmentOrderLineItems"}, "The fulfillment order is not in a splittable state.", "FULFILLMENT_ORDER_NOT_SPLITTABLE")
	case f.status != open && f.status != onHold && f.status != inProgress && f.status != scheduled:
		return no([]any{"id"}, "The fulfillment order is not in a state that can be held.", "")
	}
	for i, x := range lines {
		l := object(x)
		qty, _ := number(l["quantity"])
		at := slices.IndexFunc(f.lines, func(w *workLine) bool { return w.id == text(l["id"]) })
		if at < 0 || qty > f.lines[at].remaining {
			return no([]any{"fulfillmentHold", "fulfillmentOrderLineItems", itoa(i), "quantity"}, "The line item quantity is invalid.", "INVALID_LINE_ITEM_QUANTITY")
		}
	}
	n := s.splitOff(f, want)
	if n != nil {
		f.rest = n
	}
	h := &hold{s.store.gid("FulfillmentHold"), handle, text(in["reason"]), text(in["reasonNotes"]), text(in["externalId"])}
	f.holds = append(f.holds, h)
	f.status = onHold
	s.touch(f)
	s.tell("fulfillment_orders/placed_on_hold", f.order, f)
	var rest any
	if n != nil {
		rest = s.workObj(n)
	}
	return obj{"fulfillmentHold": holdObj(h), "fulfillmentOrder": s.workObj(f), "remainingFulfillmentOrder": rest, "userErrors": none()}, nil
}

// splitOff keeps what is wanted in f and makes a fulfilment order of the rest; nil where all is.
func (s *Sim) splitOff(f *fulfilmentOrder, want map[string]int) *fulfilmentOrder {
	if len(want) == 0 {
		return nil
	}
	n := &fulfilmentOrder{id: s.store.gid("FulfillmentOrder"), order: f.order, status: f.status, request: f.request, created: s.now(), place: f.place, method: f.method, fulfillAt: f.fulfillAt}
	var kept []*workLine
	for _, l := range f.lines {
		keep := want[l.id]
		if rest := l.total - keep; rest > 0 {
			n.lines = append(n.lines, &workLine{id: s.store.gid("FulfillmentOrderLineItem"), line: l.line, total: rest, remaining: rest})
		}
		if keep > 0 {
			l.total, l.remaining = keep, keep
			kept = append(kept, l)
		}
	}
	if len(n.lines) == 0 {
		return nil
	}
	f.lines = kept
	f.order.work = append(f.order.work, n)
	s.store.work[n.id] = n
	s.touch(n)
	return n
}

// mergeRest takes back what a hold of a part had split off.
func (s *Sim) mergeRest(f *fulfilmentOrder) {
	n := f.rest
	if n == nil || n.status != open {
		return
	}
	f.rest = nil
	s.absorb(f, n)
}

func (s *Sim) releaseWork(f *fulfilmentOrder, args map[string]any) (any, error) {
	ids := list(args["holdIds"])
	external := text(args["externalId"])
	for _, id := range ids {
		if !slices.ContainsFunc(f.holds, func(h *hold) bool { return h.id == text(id) }) {
			return obj{"fulfillmentOrder": nil, "userErrors": []any{problem([]any{"holdIds"}, "One or more of the hold ids do not belong to the fulfillment order.", "INVALID_HOLD_ID")}}, nil
		}
	}
	f.holds = slices.DeleteFunc(f.holds, func(h *hold) bool {
		switch {
		case len(ids) > 0:
			return slices.Contains(ids, any(h.id))
		case external != "":
			return h.external == external
		}
		return true
	})
	if len(f.holds) == 0 && f.status == onHold {
		f.status = open
		s.mergeRest(f)
	}
	s.touch(f)
	s.tell("fulfillment_orders/hold_released", f.order, f)
	return obj{"fulfillmentOrder": s.workObj(f), "userErrors": none()}, nil
}

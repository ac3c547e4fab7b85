package shopifysim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// problem is an error that a mutation answers with.
func problem(field []any, message, code string) obj {
	out := obj{"field": nil, "message": message, "code": maybe(code)}
	if field != nil {
		out["field"] = field
	}
	return out
}

func none() []any { return []any{} }

// mutations answers the fields of the mutation.
func (s *Sim) mutations(name string, args map[string]any, f *ast.Field) (any, error) {
	switch name {
	case "fulfillmentCreate":
		return s.create(object(args["fulfillment"])), nil
	case "fulfillmentCancel":
		return s.cancelFulfilment(text(args["id"])), nil
	case "fulfillmentEventCreate":
		return s.happen(object(args["fulfillmentEvent"])), nil
	case "fulfillmentTrackingInfoUpdate":
		return s.retrack(text(args["fulfillmentId"]), object(args["trackingInfoInput"])), nil
	case "orderCreate":
		return s.orderCreate(object(args["order"])), nil
	case "orderCancel":
		return s.orderCancel(args), nil
	case "orderClose":
		o := s.store.order(text(object(args["input"])["id"]))
		if o == nil {
			return obj{"order": nil, "userErrors": []any{problem([]any{"id"}, "Order does not exist", "")}}, nil
		}
		o.closed = s.now()
		return obj{"order": s.orderObj(o), "userErrors": none()}, nil
	case "inventorySetQuantities":
		return s.setQuantities(object(args["input"]), f)
	case "webhookSubscriptionCreate":
		w := &subscription{id: s.store.gid("WebhookSubscription"), topic: text(args["topic"]), uri: text(object(args["webhookSubscription"])["uri"]), created: s.now(), updated: s.now()}
		for _, have := range s.store.subs {
			if have.topic == w.topic && have.uri == w.uri {
				return obj{"webhookSubscription": nil, "userErrors": []any{problem([]any{"webhookSubscription", "callbackUrl"}, "Address for this topic has already been taken", "")}}, nil
			}
		}
		s.store.subs = append(s.store.subs, w)
		return obj{"webhookSubscription": subObj(w), "userErrors": none()}, nil
	case "bulkOperationRunQuery":
		return s.bulkRun(text(args["query"])), nil
	}
	if name == "fulfillmentOrdersSetFulfillmentDeadline" {
		return s.deadline(list(args["fulfillmentOrderIds"]), text(args["fulfillmentDeadline"])), nil
	}
	if name == "fulfillmentOrderMerge" {
		return s.mergeWork(list(args["fulfillmentOrderMergeInputs"])), nil
	}
	if name == "fulfillmentOrderSplit" {
		return s.splitWork(list(args["fulfillmentOrderSplits"])), nil
	}
	if name == "orderDelete" {
		id := text(args["orderId"])
		s.store.orders = slices.DeleteFunc(s.store.orders, func(o *order) bool { return o.id == id })
		return obj{"deletedId": id, "userErrors": none()}, nil
	}
	if strings.HasPrefix(name, "fulfillmentOrder") {
		return s.workMutation(name, args)
	}
	return nil, fail{message: "the simulator does not answer " + name, code: "INTERNAL_SERVER_ERROR"}
}

// create makes a fulfilment of what the call names, or of all that is left.
func (s *Sim) create(in map[string]any) obj {
	no := func(message string) obj {
		return obj{"fulfillment": nil, "userErrors": []any{problem([]any{"fulfillment"}, message, "")}}
	}
	var done []fulfilled
	var work []*fulfilmentOrder
	for _, g := range list(in["lineItemsByFulfillmentOrder"]) {
		group := object(g)
		f := s.store.work[text(group["fulfillmentOrderId"])]
		switch {
		case f == nil:
			return no("Fulfillment order does not exist.")
		case f.status == closedFO || f.status == cancelled || f.status == onHold || f.status == scheduled || f.status == incomplete:
			return no(fmt.Sprintf("Fulfillment order %s has an unfulfillable status= %s.", digits(f.id), strings.ToLower(f.status)))
		case f.request == cancelAsked:
			return no(fmt.Sprintf("Fulfillment order %s has an unfulfillable request status= %s.", digits(f.id), strings.ToLower(f.request)))
		case len(work) > 0 && work[0].order != f.order:
			return no("All fulfillment orders must belong to the same order.")
		case len(work) > 0 && work[0].place != f.place:
			return no("All fulfillment orders must be assigned to the same location.")
		}
		work = append(work, f)
		lines, given := group["fulfillmentOrderLineItems"].([]any)
		if !given || len(lines) == 0 {
			for _, l := range f.lines {
				if l.remaining > 0 {
					done = append(done, fulfilled{line: l, qty: l.remaining})
				}
			}
			continue
		}
		for _, x := range lines {
			one := object(x)
			i := slices.IndexFunc(f.lines, func(l *workLine) bool { return l.id == text(one["id"]) })
			qty, _ := number(one["quantity"])
			switch {
			case i < 0:
				return no("Fulfillment order line item does not exist.")
			case qty < 1:
				return no("You must select at least one item to fulfill.")
			case qty > f.lines[i].remaining:
				return no("Invalid fulfillment order line item quantity requested.")
			}
			done = append(done, fulfilled{line: f.lines[i], qty: qty})
		}
	}
	if len(done) == 0 {
		return no("You must select at least one item to fulfill.")
	}
	o := work[0].order
	o.nFulfil++
	now := s.now()
	x := &fulfilment{
		id: s.store.gid("Fulfillment"), name: fmt.Sprintf("%s-F%d", o.name, o.nFulfil), status: "SUCCESS", order: o, work: work, created: now, updated: now, place: work[0].place,
	}
	x.track(object(in["trackingInfo"]))
	for _, d := range done {
		d.line.remaining -= d.qty
		d.id = s.store.gid("FulfillmentLineItem")
		x.lines = append(x.lines, d)
		d.line.line.item.add(x.place, "committed", -d.qty)
	}
	s.store.fulfils[x.id] = x
	o.fulfils = append(o.fulfils, x)
	for _, f := range work {
		f.fulfils = append(f.fulfils, x)
		f.shut()
		s.touch(f)
	}
	s.tell("fulfillments/create", o, nil)
	s.tell("orders/updated", o, nil)
	return obj{"fulfillment": s.fulfilmentObj(x), "userErrors": none()}
}

// track takes tracking numbers in either form.
func (f *fulfilment) track(in map[string]any) {
	f.company = text(in["company"])
	f.numbers, f.urls = nil, nil
	for _, n := range append([]any{in["number"]}, list(in["numbers"])...) {
		if t := text(n); t != "" {
			f.numbers = append(f.numbers, t)
		}
	}
	for _, n := range append([]any{in["url"]}, list(in["urls"])...) {
		if t := text(n); t != "" {
			f.urls = append(f.urls, t)
		}
	}
}

func (s *Sim) cancelFulfilment(id string) obj {
	f := s.store.fulfils[id]
	switch {
	case f == nil:
		return obj{"fulfillment": nil, "userErrors": []any{problem([]any{"id"}, "Fulfillment not found.", "")}}
	case f.status == cancelled:
		return obj{"fulfillment": s.fulfilmentObj(f), "userErrors": none()}
	}
	f.status, f.updated = cancelled, s.now()
	for _, w := range f.work {
		// What it held goes to a new fulfilment order.
		n := &fulfilmentOrder{id: s.store.gid("FulfillmentOrder"), order: f.order, status: open, request: unsubmitted, created: s.now(), place: w.place, method: w.method, fulfillAt: w.fulfillAt}
		for _, l := range f.lines {
			if slices.Contains(w.lines, l.line) {
				n.lines = append(n.lines, &workLine{id: s.store.gid("FulfillmentOrderLineItem"), line: l.line.line, total: l.qty, remaining: l.qty})
				l.line.line.item.add(f.place, "committed", l.qty)
			}
		}
		f.order.work = append(f.order.work, n)
		s.store.work[n.id] = n
		s.touch(n)
		s.touch(w)
	}
	return obj{"fulfillment": s.fulfilmentObj(f), "userErrors": none()}
}

// happen notes what befell a parcel; Shopify takes it of a fulfilment that was cancelled, too.
func (s *Sim) happen(in map[string]any) obj {
	f := s.store.fulfils[text(in["fulfillmentId"])]
	if f == nil {
		return obj{"fulfillmentEvent": nil, "userErrors": []any{problem([]any{"fulfillmentEvent", "fulfillmentId"}, "Fulfillment does not exist.", "")}}
	}
	e := obj{"__typename": "FulfillmentEvent", "id": s.store.gid("FulfillmentEvent"), "createdAt": stamp(s.now()), "happenedAt": stamp(s.now())}
	for _, member := range []string{"status", "message", "estimatedDeliveryAt", "city", "province", "country", "zip", "address1", "latitude", "longitude"} {
		e[member] = in[member]
	}
	if at := text(in["happenedAt"]); at != "" {
		e["happenedAt"] = at
	}
	f.events, f.event, f.updated = append(f.events, e), text(in["status"]), s.now()
	return obj{"fulfillmentEvent": e, "userErrors": none()}
}

// last is a member of the last event that has it, of a status where one is named.
func (f *fulfilment) last(member, status string) any {
	for _, e := range slices.Backward(f.events) {
		if e[member] != nil && (status == "" || e["status"] == status) {
			return e[member]
		}
	}
	return nil
}

func (s *Sim) retrack(id string, in map[string]any) obj {
	f := s.store.fulfils[id]
	if f == nil {
		return obj{"fulfillment": nil, "userErrors": []any{problem([]any{"fulfillmentId"}, "Fulfillment does not exist.", "")}}
	}
	f.track(in)
	f.updated = s.now()
	return obj{"fulfillment": s.fulfilmentObj(f), "userErrors": none()}
}

func (s *Sim) orderCreate(in map[string]any) obj {
	o := &order{email: text(in["email"]), phone: text(in["phone"]), note: text(in["note"]), test: flag(in["test"]), to: object(in["shippingAddress"])}
	o.tags = append(o.tags, list(in["tags"])...)
	slices.SortFunc(o.tags, func(a, b any) int { return strings.Compare(text(a), text(b)) })
	for _, x := range list(in["lineItems"]) {
		l := object(x)
		qty, _ := number(l["quantity"])
		line := &orderLine{title: text(l["title"]), sku: text(l["sku"]), quantity: qty, ships: l["requiresShipping"] != false}
		if i := s.store.item(text(l["variantId"])); i != nil {
			line.item, line.title, line.sku = i, i.title, i.sku
		}
		o.lines = append(o.lines, line)
	}
	if len(o.lines) == 0 {
		return obj{"order": nil, "userErrors": []any{problem([]any{"order", "lineItems"}, "Line items must have at least one line item", "INVALID")}}
	}
	o.financial = text(in["financialStatus"])
	if o.financial == "" && len(list(in["transactions"])) == 0 {
		o.financial = "PENDING"
	}
	if len(o.to) == 0 {
		o.to = nil
	}
	return obj{"order": s.orderObj(s.newOrder(o, s.store.places[0], s.now())), "userErrors": none()}
}

func (s *Sim) orderCancel(args map[string]any) obj {
	o := s.store.order(text(args["orderId"]))
	no := func(message, code string) obj {
		p := problem([]any{"orderId"}, message, code)
		return obj{"job": nil, "orderCancelUserErrors": []any{p}, "userErrors": []any{p}}
	}
	if o == nil {
		return no("Order does not exist", "NOT_FOUND")
	}
	if len([]rune(text(args["staffNote"]))) > 255 {
		p := problem([]any{"staffNote"}, "Staff note is too long. Maximum length is 255 characters.", "INVALID")
		return obj{"job": nil, "orderCancelUserErrors": []any{p}, "userErrors": []any{p}}
	}
	if _, refund := args["refund"]; refund && args["refundMethod"] != nil && args["refund"] != nil {
		p := problem([]any{"refund"}, "Only one of the arguments `refund` or `refund_method` is allowed.", "INVALID")
		return obj{"job": nil, "orderCancelUserErrors": []any{p}, "userErrors": []any{p}}
	}
	if !o.cancelledAt.IsZero() {
		return no("Cannot cancel an order that has already been canceled", "INVALID")
	}
	for _, f := range o.fulfils {
		if f.status != cancelled {
			return no("Cannot cancel an order that has outstanding fulfillments", "INVALID")
		}
	}
	s.cancelOrder(o, text(args["reason"]), flag(args["restock"]))
	return obj{"job": obj{"__typename": "Job", "id": s.store.gid("Job"), "done": false}, "orderCancelUserErrors": none(), "userErrors": none()}
}

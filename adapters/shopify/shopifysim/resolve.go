package shopifysim

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// queries answers the fields of the query.
func (s *Sim) queries(name string, args map[string]any, _ *ast.Field) (any, error) {
	id := text(args["id"])
	fits := search(text(args["query"]))
	switch name {
	case "fulfillmentOrder":
		clean, _, _ := strings.Cut(id, "?")
		f := s.store.work[clean]
		if f == nil {
			return nil, nil //nolint:nilnil // GraphQL's answer of what is not there
		}
		out := s.workObj(f) // read by itself, it does not say that it may be merged
		out["supportedActions"] = slices.DeleteFunc(out["supportedActions"].([]any), func(a any) bool { return a.(obj)["action"] == "MERGE" })
		return out, nil
	case "order", "fulfillment", "inventoryItem", "productVariant", "product", "bulkOperation", "inventoryLevel":
		return s.node(id), nil
	case "node":
		return s.node(id), nil
	case "nodes":
		var out []any
		for _, one := range list(args["ids"]) {
			out = append(out, s.node(text(one)))
		}
		return out, nil
	case "location":
		if id == "" {
			return s.placeObj(s.store.places[0]), nil
		}
		return s.node(id), nil
	case "locations":
		var out []any
		for _, p := range s.store.places {
			out = append(out, s.placeObj(p))
		}
		return page(out, args), nil
	case "orders":
		var found []*order
		for _, o := range s.store.orders {
			if fits(map[string]string{"tag": joined(o.tags), "name": o.name, "email": o.email, "id": digits(o.id)}, o.updated) {
				found = append(found, o)
			}
		}
		if text(args["sortKey"]) == "UPDATED_AT" {
			slices.SortStableFunc(found, func(a, b *order) int { return a.updated.Compare(b.updated) })
		}
		return page(each(found, s.orderObj), args), nil
	case "fulfillmentOrders", "assignedFulfillmentOrders", "manualHoldsFulfillmentOrders":
		var found []*fulfilmentOrder
		for _, o := range s.store.orders {
			for _, f := range o.work {
				gone := f.status == closedFO || f.status == cancelled
				switch {
				case name == "manualHoldsFulfillmentOrders" && f.status != onHold:
				case name == "assignedFulfillmentOrders" && (!f.place.service || gone):
				case name == "fulfillmentOrders" && gone && !flag(args["includeClosed"]):
				case !fits(map[string]string{"status": f.status, "assigned_location_id": digits(f.place.id), "id": digits(f.id)}, f.updated):
				default:
					found = append(found, f)
				}
			}
		}
		if text(args["sortKey"]) == "UPDATED_AT" {
			slices.SortStableFunc(found, func(a, b *fulfilmentOrder) int { return a.updated.Compare(b.updated) })
		}
		return page(each(found, s.workObj), args), nil
	case "inventoryItems":
		var found []*item
		for _, i := range s.store.candidates(text(args["query"])) {
			if fits(map[string]string{"sku": i.sku, "id": digits(i.id)}, time.Time{}) {
				found = append(found, i)
			}
		}
		return page(each(found, s.itemObj), args), nil
	case "shop":
		return obj{"__typename": "Shop", "id": "gid://shopify/Shop/1", "name": "Sim Shop", "myshopifyDomain": Shop, "currencyCode": "USD", "ianaTimezone": "America/New_York"}, nil
	case "currentAppInstallation":
		var have []any
		for _, x := range s.opts.Scopes {
			have = append(have, obj{"__typename": "AccessScope", "handle": x})
		}
		return obj{"__typename": "AppInstallation", "id": "gid://shopify/AppInstallation/1", "accessScopes": have, "app": app}, nil
	case "webhookSubscriptions":
		return page(each(s.store.subs, subObj), args), nil
	}
	return nil, fail{message: "the simulator does not answer " + name, code: "INTERNAL_SERVER_ERROR"}
}

var app = obj{"__typename": "App", "id": "gid://shopify/App/1", "title": "PakLog"}

func joined(tags []any) string {
	var out []string
	for _, t := range tags {
		out = append(out, text(t))
	}
	return strings.Join(out, ",")
}

func each[T any](in []T, f func(T) obj) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// node is the thing of an id, nil where there is none.
func (s *Sim) node(id string) any {
	id, query, _ := strings.Cut(id, "?")
	kind, _, _ := strings.Cut(strings.TrimPrefix(id, "gid://shopify/"), "/")
	switch kind {
	case "Order":
		if o := s.store.order(id); o != nil {
			return s.orderObj(o)
		}
	case "FulfillmentOrder":
		if f := s.store.work[id]; f != nil {
			return s.workObj(f)
		}
	case "Fulfillment":
		if f := s.store.fulfils[id]; f != nil {
			return s.fulfilmentObj(f)
		}
	case "InventoryItem":
		if i := s.store.item(id); i != nil {
			return s.itemObj(i)
		}
	case "ProductVariant":
		if i := s.store.item(id); i != nil {
			return s.variantObj(i)
		}
	case "Product":
		for _, i := range s.store.items {
			if i.product == id {
				return obj{"__typename": "Product", "id": id, "title": i.title}
			}
		}
	case "Location":
		if p := s.store.place(id); p != nil {
			return s.placeObj(p)
		}
	case "InventoryLevel":
		i := s.store.item("gid://shopify/InventoryItem/" + strings.TrimPrefix(query, "inventory_item_id="))
		if p := s.store.place("gid://shopify/Location/" + digits(id)); i != nil && p != nil && i.levels[p.id] != nil {
			return s.levelObj(i, p)
		}
	case "BulkOperation":
		for _, b := range s.store.bulks {
			if b.id == id {
				return s.bulkObj(b)
			}
		}
	}
	return nil
}

var searchTerm = regexp.MustCompile(`\(?\w+:(?:[<>=]*'(?:[^'\\]|\\.)*'|\S+)`)

// term is a part of a search: a name and what it must be.
type term struct{ name, want string }

// search reads the part of the search syntax that is used: terms of name:value, all of which must hold,
// in alternatives. The returned function says whether a thing fits.
func search(query string) func(fields map[string]string, updated time.Time) bool {
	ors := alternatives(query)
	return func(fields map[string]string, updated time.Time) bool {
		return slices.ContainsFunc(ors, func(all []term) bool {
			return !slices.ContainsFunc(all, func(t term) bool { return !t.fits(fields, updated) })
		})
	}
}

// alternatives are a search's terms: all of one of them must hold.
func alternatives(query string) (out [][]term) {
	for _, or := range strings.Split(query, " OR ") {
		var all []term
		for _, t := range searchTerm.FindAllString(or, -1) {
			name, want, _ := strings.Cut(strings.Trim(t, "()"), ":")
			all = append(all, term{name, strings.ReplaceAll(strings.Trim(want, `'"`), `\'`, `'`)})
		}
		out = append(out, all)
	}
	return out
}

func (t term) fits(fields map[string]string, updated time.Time) bool {
	switch {
	case t.name == "updated_at":
		op := strings.TrimRight(t.want[:min(2, len(t.want))], "'0123456789")
		at, err := time.Parse(time.RFC3339, strings.Trim(t.want[len(op):], `'"`))
		d := updated.Compare(at)
		return err != nil || !(op == ">=" && d < 0 || op == ">" && d <= 0 || op == "<" && d >= 0)
	case t.want == "":
		return true
	case t.name == "tag":
		return slices.Contains(strings.Split(fields["tag"], ","), t.want)
	}
	return strings.EqualFold(fields[t.name], t.want)
}

// page is a connection with a page of things.
func page(all []any, args map[string]any) obj {
	if flag(args["reverse"]) {
		all = slices.Clone(all)
		slices.Reverse(all)
	}
	from := 0
	if after := text(args["after"]); after != "" {
		b, _ := base64.StdEncoding.DecodeString(after)
		from, _ = strconv.Atoi(string(b))
	}
	from = min(from, len(all))
	to := len(all)
	if n, ok := number(args["first"]); ok {
		to = min(to, from+n)
	} else if n, ok := number(args["last"]); ok {
		from = max(from, to-n)
	}
	cursor := func(i int) string { return base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(i + 1))) }
	nodes, edges := []any{}, []any{}
	for i := from; i < to; i++ {
		nodes = append(nodes, all[i])
		edges = append(edges, obj{"cursor": cursor(i), "node": all[i]})
	}
	info := obj{"__typename": "PageInfo", "hasNextPage": to < len(all), "hasPreviousPage": from > 0}
	if to > from {
		info["startCursor"], info["endCursor"] = cursor(from), cursor(to-1)
	}
	return obj{"nodes": nodes, "edges": edges, "pageInfo": info}
}

// paged is a connection as a field.
func paged[T any](in []T, f func(T) obj) call {
	return func(args map[string]any) any { return page(each(in, f), args) }
}

func (s *Sim) orderObj(o *order) obj {
	var reason any
	if o.reason != "" {
		reason = o.reason
	}
	out := obj{
		"__typename": "Order", "id": o.id, "legacyResourceId": digits(o.id), "name": o.name, "email": maybe(o.email), "phone": maybe(o.phone), "createdAt": stamp(o.created), "updatedAt": stamp(o.updated),
		"processedAt": stamp(o.created), "closed": !o.closed.IsZero(), "closedAt": stamp(o.closed), "cancelledAt": stamp(o.cancelledAt), "cancelReason": reason,
		"displayFinancialStatus": o.financial, "displayFulfillmentStatus": o.display(), "note": maybe(o.note), "tags": o.tags, "test": o.test,
		"fulfillments": call(func(args map[string]any) any {
			n, ok := number(args["first"])
			if !ok || n > len(o.fulfils) {
				n = len(o.fulfils)
			}
			return each(o.fulfils[:n], s.fulfilmentObj)
		}),
		"fulfillmentOrders": paged(o.work, s.workObj), "lineItems": paged(o.lines, s.lineObj),
	}
	if out["tags"] == nil {
		out["tags"] = []any{}
	}
	if a := o.to; a != nil {
		out["shippingAddress"] = address("MailingAddress", a)
	}
	return out
}

func maybe(s string) any {
	if s == "" {
		return nil
	}
	return s
}

var provinces = map[string]string{"NV": "Nevada", "ON": "Ontario", "NY": "New York", "CA": "California"}

func address(typ string, a map[string]any) obj {
	out := obj{"__typename": typ}
	for _, k := range []string{"firstName", "lastName", "company", "address1", "address2", "city", "zip", "phone", "countryCode", "provinceCode", "email"} {
		out[k] = a[k]
	}
	out["countryCodeV2"] = a["countryCode"]
	out["province"] = maybe(provinces[text(a["provinceCode"])])
	if p := text(a["province"]); p != "" {
		out["province"] = p
	}
	return out
}

func (s *Sim) lineObj(l *orderLine) obj {
	left := l.current
	for _, f := range s.store.work {
		for _, w := range f.lines {
			if w.line == l {
				left -= w.total - w.remaining
				if f.status == onHold {
					left -= w.remaining
				}
			}
		}
	}
	return obj{
		"__typename": "LineItem", "id": l.id, "title": l.title, "name": l.title, "quantity": l.quantity, "currentQuantity": l.current, "fulfillableQuantity": left,
		"unfulfilledQuantity": left, "sku": maybe(l.sku), "requiresShipping": l.ships,
	}
}

func (s *Sim) placeObj(p *place) obj {
	return obj{
		"__typename": "Location", "id": p.id, "name": p.name, "isActive": !p.inactive, "fulfillsOnlineOrders": true, "isFulfillmentService": p.service,
		"address": obj{"country": "United States", "countryCode": "US", "city": "Louisville"},
	}
}

func (s *Sim) workObj(f *fulfilmentOrder) obj {
	out := obj{
		"__typename": "FulfillmentOrder", "id": f.id, "status": f.status, "requestStatus": f.request, "createdAt": stamp(f.created), "updatedAt": stamp(f.updated),
		"fulfillAt": stamp(f.fulfillAt), "fulfillBy": stamp(f.by), "orderId": f.order.id, "orderName": f.order.name, "orderProcessedAt": stamp(f.order.created),
		"order":            call(func(map[string]any) any { return s.orderObj(f.order) }),
		"assignedLocation": obj{"__typename": "FulfillmentOrderAssignedLocation", "name": f.place.name, "countryCode": "US", "location": s.placeObj(f.place)},
		"deliveryMethod":   obj{"__typename": "DeliveryMethod", "id": "gid://shopify/DeliveryMethod/" + digits(f.id), "methodType": "SHIPPING", "presentedName": f.method, "serviceCode": "custom"},
		"lineItems":        paged(f.lines, s.workLineObj), "fulfillments": paged(f.fulfils, s.fulfilmentObj),
		"merchantRequests": call(func(args map[string]any) any {
			all := []any{}
			for _, r := range f.requests {
				if k := text(args["kind"]); k == "" || r["kind"] == k {
					all = append(all, r)
				}
			}
			return page(all, args)
		}),
	}
	holds := []any{}
	for _, h := range f.holds {
		holds = append(holds, holdObj(h))
	}
	out["fulfillmentHolds"] = holds
	actions := []any{}
	for _, a := range f.actions() {
		actions = append(actions, obj{"__typename": "FulfillmentOrderSupportedAction", "action": a, "externalUrl": nil})
	}
	out["supportedActions"] = actions
	if a := f.order.to; a != nil {
		to := address("FulfillmentOrderDestination", a)
		to["id"], to["email"] = "gid://shopify/FulfillmentOrderDestination/"+digits(f.id), maybe(f.order.email)
		out["destination"] = to
	}
	return out
}

// actions are what may be done to a fulfilment order now.
func (f *fulfilmentOrder) actions() []string {
	units := 0
	for _, l := range f.lines {
		units += l.remaining
	}
	more := func(a []string, what ...string) []string {
		if units > 1 {
			return append(a, what...)
		}
		return a
	}
	merges := func(a []string) []string {
		for _, other := range f.order.work {
			if other != f && other.place == f.place && other.status == open {
				return append(a, "MERGE")
			}
		}
		return a
	}
	switch f.status {
	case open:
		if f.place.service && f.request == submitted {
			return []string{"CANCEL_FULFILLMENT_ORDER"}
		}
		if f.place.service {
			return more([]string{"REQUEST_FULFILLMENT", "CREATE_FULFILLMENT", "MOVE", "HOLD"}, "SPLIT")
		}
		return merges(more([]string{"CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD"}, "SPLIT"))
	case inProgress:
		if f.request == accepted {
			return []string{"REQUEST_CANCELLATION", "CREATE_FULFILLMENT", "HOLD"}
		}
		return more([]string{"CREATE_FULFILLMENT", "REPORT_PROGRESS", "HOLD", "MARK_AS_OPEN"})
	case onHold:
		if len(f.holds) >= maxHolds {
			return []string{"RELEASE_HOLD", "MOVE"}
		}
		return []string{"RELEASE_HOLD", "HOLD", "MOVE"}
	case scheduled:
		return []string{"MARK_AS_OPEN"}
	}
	return nil
}

func holdObj(h *hold) obj {
	words := map[string]string{
		"AWAITING_PAYMENT": "Awaiting payment", "HIGH_RISK_OF_FRAUD": "High risk of fraud", "INCORRECT_ADDRESS": "Incorrect address",
		"INVENTORY_OUT_OF_STOCK": "Inventory out of stock", "UNKNOWN_DELIVERY_DATE": "Unknown delivery date", "AWAITING_RETURN_ITEMS": "Exchange items awaiting return delivery", "OTHER": "Other",
	}
	return obj{
		"__typename": "FulfillmentHold", "id": h.id, "handle": h.handle, "reason": h.reason, "reasonNotes": maybe(h.notes), "displayReason": words[h.reason],
		"heldByRequestingApp": true, "heldByApp": app,
	}
}

func (s *Sim) workLineObj(l *workLine) obj {
	out := obj{
		"__typename": "FulfillmentOrderLineItem", "id": l.id, "sku": maybe(l.line.sku), "totalQuantity": l.total, "remainingQuantity": l.remaining,
		"requiresShipping": l.line.ships, "productTitle": l.line.title, "variantTitle": nil,
		"lineItem": call(func(map[string]any) any { return s.lineObj(l.line) }),
	}
	if i := l.line.item; i != nil {
		out["inventoryItemId"] = i.id
		out["variant"] = call(func(map[string]any) any { return s.variantObj(i) })
	}
	return out
}

func (s *Sim) fulfilmentObj(f *fulfilment) obj {
	tracks := call(func(args map[string]any) any {
		out := []any{}
		for i, n := range f.numbers {
			t := obj{"__typename": "FulfillmentTrackingInfo", "number": n, "company": maybe(f.company), "url": nil}
			if i < len(f.urls) {
				t["url"] = f.urls[i]
			}
			out = append(out, t)
		}
		if n, ok := number(args["first"]); ok && n < len(out) {
			out = out[:n]
		}
		return out
	})
	display := "FULFILLED"
	switch {
	case f.status == cancelled:
		display = "CANCELED"
	case f.event != "":
		display = f.event
	}
	total := 0
	for _, l := range f.lines {
		total += l.qty
	}
	return obj{
		"__typename": "Fulfillment", "id": f.id, "name": f.name, "status": f.status, "displayStatus": display, "createdAt": stamp(f.created), "updatedAt": stamp(f.updated),
		"trackingInfo": tracks, "totalQuantity": total, "requiresShipping": true,
		"events":      paged(f.events, func(e obj) obj { return e }),
		"inTransitAt": f.last("happenedAt", "IN_TRANSIT"), "deliveredAt": f.last("happenedAt", "DELIVERED"), "estimatedDeliveryAt": f.last("estimatedDeliveryAt", ""),
		"service":  obj{"__typename": "FulfillmentService", "id": "gid://shopify/FulfillmentService/manual", "handle": "manual", "serviceName": "Manual", "trackingSupport": false, "type": "MANUAL", "location": s.placeObj(f.place)},
		"location": s.placeObj(f.place),
		"order":    call(func(map[string]any) any { return s.orderObj(f.order) }),
		"fulfillmentLineItems": paged(f.together(), func(l fulfilled) obj {
			return obj{"__typename": "FulfillmentLineItem", "id": l.id, "quantity": l.qty, "lineItem": call(func(map[string]any) any { return s.lineObj(l.line.line) })}
		}),
		"fulfillmentOrders": paged(f.work, s.workObj),
	}
}

// together are its lines, one for each line of the order, of however many fulfilment orders they are.
func (f *fulfilment) together() []fulfilled {
	var out []fulfilled
	for _, l := range f.lines {
		if i := slices.IndexFunc(out, func(x fulfilled) bool { return x.line.line == l.line.line }); i >= 0 {
			out[i].qty += l.qty
		} else {
			out = append(out, l)
		}
	}
	return out
}

func (s *Sim) variantObj(i *item) obj {
	n := 0
	for _, l := range i.levels {
		n += l["available"]
	}
	return obj{
		"__typename": "ProductVariant", "id": i.variant, "title": "Default Title", "sku": maybe(i.sku), "inventoryQuantity": n,
		"inventoryItem": call(func(map[string]any) any { return s.itemObj(i) }), "product": obj{"__typename": "Product", "id": i.product, "title": i.title},
	}
}

func (s *Sim) itemObj(i *item) obj {
	return obj{
		"__typename": "InventoryItem", "id": i.id, "sku": maybe(i.sku), "tracked": true, "requiresShipping": true,
		"variant": call(func(map[string]any) any { return s.variantObj(i) }),
		"inventoryLevel": call(func(args map[string]any) any {
			if p := s.store.place(text(args["locationId"])); p != nil && i.levels[p.id] != nil {
				return s.levelObj(i, p)
			}
			return nil
		}),
		"inventoryLevels": call(func(args map[string]any) any {
			all := []any{}
			for _, p := range s.store.places {
				if i.levels[p.id] != nil {
					all = append(all, s.levelObj(i, p))
				}
			}
			return page(all, args)
		}),
	}
}

func levelID(i *item, p *place) string {
	return "gid://shopify/InventoryLevel/" + digits(p.id) + "?inventory_item_id=" + digits(i.id)
}

func (s *Sim) levelObj(i *item, p *place) obj {
	return obj{
		"__typename": "InventoryLevel", "id": levelID(i, p), "isActive": true, "createdAt": stamp(s.now()), "updatedAt": stamp(s.now()),
		"location": s.placeObj(p), "item": call(func(map[string]any) any { return s.itemObj(i) }),
		"quantities": call(func(args map[string]any) any {
			out := []any{}
			for _, n := range list(args["names"]) {
				var at any
				if text(n) != "on_hand" {
					at = stamp(s.now())
				}
				out = append(out, obj{
					"__typename": "InventoryQuantity", "id": "gid://shopify/InventoryQuantity/" + digits(p.id) + "?inventory_item_id=" + digits(i.id) + "&name=" + text(n),
					"name": text(n), "quantity": i.levels[p.id][text(n)], "updatedAt": at,
				})
			}
			return out
		}),
	}
}

func subObj(w *subscription) obj {
	return obj{"__typename": "WebhookSubscription", "id": w.id, "topic": w.topic, "uri": w.uri, "format": "JSON", "createdAt": stamp(w.created), "updatedAt": stamp(w.updated)}
}

package eip_test

import (
	"context"
	"fmt"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// run starts a hub with the routes, sends it the inputs, waits until n messages lie on topic
// "out" or as letters, and tells them in order. All of an example's messages have one key.
func run(n int, rs []routes.Route, inputs ...input) []string {
	lines, err := running(n, func(*routes.Hub) []routes.Route { return rs }, inputs...)
	if err != nil {
		return []string{err.Error()}
	}
	return lines
}

func running(n int, rs func(h *routes.Hub) []routes.Route, inputs ...input) (lines []string, err error) {
	b, err := bus.Open(context.Background(), journalmem.New(), bus.Options{})
	if err != nil {
		return nil, err
	}
	arrived := make(chan struct{}, 100)
	p, err := start(b, func(h *routes.Hub) []routes.Route {
		return append(rs(h), routes.Route{Name: "reader", Topics: []string{"out", "error-events"}, Handle: func(context.Context, message) (out, error) {
			arrived <- struct{}{}
			return nil, nil
		}})
	})
	if err != nil {
		return nil, err
	}
	defer p.kill()
	for i, in := range inputs {
		in.key = "order-7"
		ref, err := b.Submit(context.Background(), &journal.Unit{Records: []journal.Record{in.record(i, time.Now())}})
		if err != nil {
			return nil, err
		}
		if ref != nil {
			return nil, ref
		}
	}
	for range n {
		<-arrived
	}
	recs, err := b.Driver().Topics(context.Background(), []string{"out"}, 0, 100)
	if err != nil {
		return nil, err
	}
	for _, r := range recs {
		lines = append(lines, r.Type+" "+string(r.Data))
	}
	letters, err := p.hub.Desk().List(context.Background(), dlq.Filter{})
	for _, l := range letters {
		lines = append(lines, fmt.Sprintf("%s letter, %s: %s", l.Channel, l.Kind, l.Cause))
	}
	return lines, err
}

// route is a route of the examples.
func route(name, topic string, h eip.Handler[message, out]) routes.Route {
	return routes.Route{Name: name, Topics: []string{topic, eip.ReplyTopic(name)}, Handle: h}
}

// note sends what it got on to topic "out", under a name.
func note(name string) eip.Handler[message, out] {
	return func(_ context.Context, m message) (out, error) {
		r := eip.Copy(&m.Record, "out")
		r.Type = name
		return m.Out().Send(r), nil
	}
}

func ExampleTranslate() {
	toPlace := eip.Translate(func(_ context.Context, m message, _ out) (journal.Record, error) {
		var doc struct{ Item string }
		if err := m.Decode(&doc); err != nil {
			return journal.Record{}, err
		}
		return journal.Record{Type: "order.Place", Topic: "out", Key: m.Key, Data: []byte(doc.Item)}, nil
	})
	fmt.Println(run(1, []routes.Route{route("translate", "in", toPlace)}, input{topic: "in", data: map[string]string{"Item": "widget"}}))
	// Output: [order.Place widget]
}

func ExampleChoose() {
	byType := eip.Choose("others", eip.Choice[message]{
		Name: "a 940", When: func(m message) bool { return m.Type == "940" }, To: "orders",
	})
	rs := []routes.Route{route("choose", "in", byType), route("orders", "orders", note("an order")), route("others", "others", note("another"))}
	fmt.Println(run(1, rs, input{topic: "in", typ: "940", data: 1}))
	fmt.Println(run(1, rs, input{topic: "in", typ: "856", data: 2}))
	// Output:
	// [an order 1]
	// [another 2]
}

func ExampleFilter() {
	confirmed := eip.Filter(func(_ context.Context, m message) (bool, error) { return m.Type == "ship.Confirmed", nil }, note("confirmed"))
	fmt.Println(run(1, []routes.Route{route("filter", "in", confirmed)},
		input{topic: "in", typ: "ship.Voided", data: 1}, input{topic: "in", typ: "ship.Confirmed", data: 2}))
	// Output: [confirmed 2]
}

func ExampleRecipientList() {
	channels := eip.RecipientList(func(m message) (topics []string, err error) { return topics, m.Decode(&topics) })
	rs := []routes.Route{route("push", "in", channels), route("shop", "shop", note("shop")), route("erp", "erp", note("erp"))}
	lines := run(2, rs, input{topic: "in", data: []string{"shop", "erp", "shop"}})
	fmt.Println(len(lines), "pushes")
	// Output: 2 pushes
}

func ExampleDynamicRouter() {
	d := eip.DynamicRouter[message, out]{
		Step: "partners", Control: "rules", Topics: []string{"out"},
		Key: func(m message) string { return m.Headers["partner"] },
	}
	r := routes.Route{Name: "route", Topics: []string{"in", "rules"}, Handle: d.Handle}
	acme := map[string]string{"partner": "ACME"}
	fmt.Println(run(1, []routes.Route{r},
		input{topic: "rules", typ: eip.RuleSet, data: eip.Rule{Key: "ACME", To: "out"}},
		input{topic: "in", typ: "940", data: 1, headers: acme}))
	// Output: [940 1]
}

func ExampleItinerary() {
	stations := []string{"wrap", "gift"}
	work := func(name string) routes.Route {
		return route(name, name, eip.Station("out", stations, func(m message) (journal.Record, error) {
			r := eip.Copy(&m.Record, "")
			r.Type += "+" + name
			return r, nil
		}))
	}
	plan := eip.Itinerary(stations, func(m message) (steps []string, err error) { return steps, m.Decode(&steps) })
	fmt.Println(run(1, []routes.Route{route("plan", "in", plan), work("wrap"), work("gift")},
		input{topic: "in", typ: "order", data: []string{"gift", "wrap"}}))
	// Output: [order+gift+wrap ["gift","wrap"]]
}

func ExampleEnrich() {
	units := map[string]int{"widget": 12}
	h := eip.Enrich(
		func(_ context.Context, m message) (int, error) {
			var item string
			if err := m.Decode(&item); err != nil {
				return 0, err
			}
			n, ok := units[item]
			if !ok {
				return 0, fault.E("enrich", fault.Rejected, fmt.Errorf("item %q is not known: add it, then replay", item))
			}
			return n, nil
		},
		func(_ context.Context, m message, n int) (out, error) {
			return m.Out().Publish("out", "per case", m.Key, n), nil
		},
	)
	for _, l := range run(2, []routes.Route{route("enrich", "in", h)}, input{topic: "in", data: "widget"}, input{topic: "in", data: "gadget"}) {
		fmt.Println(l)
	}
	// Output:
	// per case 12
	// dead letter, rejected: item "gadget" is not known: add it, then replay
}

func ExampleNormalize() {
	format := func(name, field string) eip.Format[message, out] {
		return eip.Format[message, out]{
			Name: name, Is: func(m message) bool { return m.Type == name },
			Translate: func(_ context.Context, m message, _ out) (journal.Record, error) {
				var doc map[string]string
				err := m.Decode(&doc)
				return journal.Record{Type: "order.Place", Topic: "out", Key: m.Key, Data: []byte(doc[field])}, err
			},
		}
	}
	h := eip.Normalize(format("shopify", "sku"), format("magento", "product"))
	fmt.Println(run(2, []routes.Route{route("normalize", "in", h)},
		input{topic: "in", typ: "shopify", data: map[string]string{"sku": "widget"}},
		input{topic: "in", typ: "magento", data: map[string]string{"product": "gadget"}}))
	// Output: [order.Place widget order.Place gadget]
}

func ExampleWireTap() {
	h := eip.WireTap("out", eip.Filter(func(context.Context, message) (bool, error) { return false, nil }, note("never")))
	fmt.Println(run(1, []routes.Route{route("tapped", "in", h)}, input{topic: "in", typ: "940", data: 1}))
	// Output: [940 1]
}

func ExampleHistory() {
	on := func(to string) eip.Handler[message, out] {
		return eip.History(func(_ context.Context, m message) (out, error) { return m.Out().Send(eip.Copy(&m.Record, to)), nil })
	}
	tell := func(_ context.Context, m message) (out, error) {
		return m.Out().Publish("out", "came by", m.Key, m.Headers[eip.Trail]), nil
	}
	fmt.Println(run(1, []routes.Route{route("door", "in", on("middle")), route("mapper", "middle", on("end")), route("end", "end", tell)}, input{topic: "in"}))
	// Output: [came by "door,mapper"]
}

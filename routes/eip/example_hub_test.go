package eip_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/eip"
)

// What the hub itself is: channels, retry and the two channels of letters.

func Example_publishSubscribe() {
	lines := run(2, []routes.Route{route("erp", "in", note("erp")), route("shop", "in", note("shop"))}, input{topic: "in"})
	fmt.Println(len(lines), "subscribers")
	// Output: 2 subscribers
}

func Example_retry() {
	h := func(_ context.Context, m message) (out, error) {
		if m.Attempt < 2 {
			return nil, fault.E("erp", fault.Transient, errors.New("connection reset"))
		}
		return m.Out().Publish("out", "taken in run", m.Key, m.Attempt+1), nil
	}
	r := route("erp", "in", h)
	r.Retry = routes.Retry{First: time.Millisecond}
	fmt.Println(run(1, []routes.Route{r}, input{topic: "in"}))
	// Output: [taken in run 3]
}

func Example_deadLetterChannel() {
	h := func(context.Context, message) (out, error) {
		return nil, fault.E("erp", fault.Rejected, errors.New("period is closed"))
	}
	fmt.Println(run(1, []routes.Route{route("erp", "in", h)}, input{topic: "in"}))
	// Output: [dead letter, rejected: period is closed]
}

func Example_invalidMessageChannel() {
	h := func(_ context.Context, m message) (out, error) {
		if m.Type == "garbage" {
			return nil, fault.At("x12", fault.Invalid, "W01-05", errors.New("no item number"))
		}
		return note("understood")(context.Background(), m)
	}
	for _, l := range run(2, []routes.Route{route("x12", "in", h)}, input{topic: "in", typ: "garbage"}, input{topic: "in", data: 2}) {
		fmt.Println(l)
	}
	// Output:
	// understood 2
	// invalid letter, invalid: no item number
}

func ExampleFallback() {
	lines, err := running(3, func(h *routes.Hub) []routes.Route {
		ups := func(_ context.Context, m message) (out, error) {
			return routes.Guard(h, "ups", func() (out, error) {
				return nil, fault.E("ups", fault.Unavailable, errors.New("no route to host"))
			})
		}
		return []routes.Route{route("rate", "in", eip.Fallback(ups, note("flat rate")))}
	}, input{topic: "in", data: 1}, input{topic: "in", data: 2}, input{topic: "in", data: 3})
	fmt.Println(lines, err)
	// Output: [flat rate 1 flat rate 2 flat rate 3] <nil>
}

func ExampleControlBus() {
	lines, err := running(1, func(h *routes.Hub) []routes.Route {
		status := func() any {
			for _, r := range h.Routes() {
				if r.Name == "work" {
					return r.Paused != ""
				}
			}
			return nil
		}
		tell := func(_ context.Context, m message) (out, error) { return m.Out().Send(eip.Copy(&m.Record, "out")), nil }
		return []routes.Route{
			route("bus", "control", eip.ControlBus[message, out](h, status)),
			route("work", "work", note("worked")), route("desk", "reply.desk", tell),
		}
	},
		input{topic: "control", typ: eip.PauseRoute, data: eip.Order{Route: "work", Actor: "ann"}},
		input{topic: "control", typ: eip.AskStatus, headers: map[string]string{eip.ReplyTo: "reply.desk"}})
	fmt.Println(lines, err)
	// Output: [route.StatusTold true] <nil>
}

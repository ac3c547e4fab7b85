package eip_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/eip"
)

// one is the route of a single handler on topic "in", whose letters hold nobody up.
func one(h eip.Handler[message, out]) func(*routes.Hub) []routes.Route {
	return func(*routes.Hub) []routes.Route {
		return []routes.Route{{Name: "one", Topics: []string{"in", "control"}, Handle: h, Parking: routes.Parking{Independent: true}}}
	}
}

func header(k string) func(message) string { return func(m message) string { return m.Headers[k] } }

func TestRoutersRefuse(t *testing.T) {
	toTopic := func(_ context.Context, m message, _ out) (journal.Record, error) {
		if m.Key == "bad" {
			return journal.Record{}, fault.At("translate", fault.Invalid, "W01-05", errors.New("no item"))
		}
		return journal.Record{Type: "order", Topic: "out", Key: m.Key}, nil
	}
	is940 := eip.Choice[message]{Name: "a 940", When: func(m message) bool { return m.Type == "940" }, To: "out"}
	names := func(n int, topic string) func(message) ([]string, error) {
		return func(message) ([]string, error) {
			topics := make([]string, n)
			for i := range topics {
				topics[i] = topic
			}
			return topics, nil
		}
	}
	for name, c := range map[string]struct {
		handle     eip.Handler[message, out]
		in         input
		kind, says string
	}{
		"a translation that cannot read":        {eip.Translate(toTopic), input{key: "bad"}, "invalid", "no item"},
		"a message that no choice wants":        {eip.Choose("", is940), input{typ: "850"}, "invalid", "no route for 850: it is none of a 940"},
		"a list without recipients":             {eip.RecipientList(names(0, "")), input{}, "invalid", "names no recipient"},
		"a list without end":                    {eip.RecipientList(names(1001, "a")), input{}, "invalid", "1001 recipients, 1000 at most"},
		"a recipient without a topic":           {eip.RecipientList(names(1, "")), input{}, "invalid", "without a topic"},
		"a format that nobody knows":            {eip.Normalize(eip.Format[message, out]{Name: "Shopify", Is: is940.When, Translate: toTopic}), input{}, "invalid", "none of Shopify"},
		"a format that is known and broken":     {eip.Normalize(eip.Format[message, out]{Name: "Shopify", Is: func(message) bool { return true }, Translate: toTopic}), input{key: "bad"}, "invalid", "no item"},
		"a slip that leads elsewhere":           {eip.Itinerary([]string{"wrap"}, names(1, "payroll")), input{}, "invalid", `leads to "payroll"`},
		"a slip without end":                    {eip.Itinerary([]string{"wrap"}, names(101, "wrap")), input{}, "invalid", "101 steps"},
		"a slip that was changed on the way":    {eip.Station("done", []string{"wrap"}, func(m message) (journal.Record, error) { return m.Record, nil }), input{headers: map[string]string{eip.Slip: "payroll"}}, "invalid", `leads to "payroll"`},
		"a message that is out of date":         {eip.Expire(eip.ExpiresAt, eip.Translate(toTopic), nil), input{headers: map[string]string{eip.Expires: "1999-12-31T00:00:00Z"}}, "rejected", "expired at 1999-12-31"},
		"a date that is none":                   {eip.Expire(eip.ExpiresAt, eip.Translate(toTopic), nil), input{headers: map[string]string{eip.Expires: "tomorrow"}}, "invalid", "cannot parse"},
		"a message that goes in a circle":       {eip.History(eip.Translate(toTopic)), input{headers: map[string]string{eip.Trail: fmt.Sprintf("%50s", "x") + manyHops}}, "rejected", "in a circle"},
		"an answer to no return address":        {eip.ControlBus[message, out](nil, func() any { return 1 }), input{typ: eip.AskStatus, headers: map[string]string{eip.ReplyTo: "payroll"}}, "invalid", "no return address"},
		"a control bus that would pause itself": {eip.ControlBus[message, out](nil, nil), input{typ: eip.PauseRoute, data: eip.Order{Route: "one"}}, "rejected", "may not pause itself"},
		"an order that is none":                 {eip.ControlBus[message, out](nil, nil), input{typ: "route.Explode", data: eip.Order{Route: "x"}}, "invalid", "no control message"},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.topic = "in"
			got, _ := play(t, scenario{routes: one(c.handle), inputs: []input{c.in}, outputs: []string{"out"}}, 0)
			wantLetter(t, got, c.kind, c.says)
			wantLines(t, got, "out")
		})
	}
}

// manyHops is a trail that is as long as may be.
var manyHops = func() (s string) {
	for range eip.MaxHops {
		s += ",loop"
	}
	return s
}()

func dynamic(*routes.Hub) []routes.Route {
	d := eip.DynamicRouter[message, out]{Step: "partners", Control: "control", Topics: []string{"east", "west"}, Key: header("partner")}
	return one(d.Handle)(nil)
}

func TestDynamicRouterFollowsItsTableWhateverDies(t *testing.T) {
	acme := map[string]string{"partner": "ACME"}
	set := func(at time.Duration, typ, key, to string) input {
		return input{at: at, topic: "control", typ: typ, key: "rules", data: eip.Rule{Key: key, To: to}}
	}
	got := everyKill(t, scenario{routes: dynamic, outputs: []string{"east", "west"}, until: time.Minute, inputs: []input{
		set(0, eip.RuleSet, "ACME", "east"),
		{at: 1 * time.Second, topic: "in", key: "1", headers: acme},
		set(2*time.Second, eip.RuleSet, "ACME", "west"),
		{at: 3 * time.Second, topic: "in", key: "2", headers: acme},
		set(4*time.Second, eip.RuleRemove, "ACME", ""),
		{at: 5 * time.Second, topic: "in", key: "3", headers: acme},
	}})
	wantLines(t, got, "east", "in 1 null partner=ACME")
	wantLines(t, got, "west", "in 2 null partner=ACME")
	wantLetter(t, got, "invalid", `no rule for "ACME"`)
}

func TestDynamicRouterRefusesRules(t *testing.T) {
	for name, c := range map[string]struct {
		typ        string
		data       any
		kind, says string
	}{
		"to a topic that is not its own": {eip.RuleSet, eip.Rule{Key: "ACME", To: "payroll"}, "rejected", `leads to "payroll"`},
		"without a key":                  {eip.RuleSet, eip.Rule{To: "east"}, "invalid", "names no key"},
		"that are none":                  {"rule.Explode", eip.Rule{Key: "ACME"}, "invalid", "is neither"},
		"that are no JSON object":        {eip.RuleSet, "ACME", "invalid", "reading rule.Set"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := play(t, scenario{routes: dynamic, inputs: []input{{topic: "control", typ: c.typ, key: "rules", data: c.data}}}, 0)
			wantLetter(t, got, c.kind, c.says)
			if got.rows[journal.TableState] != 0 {
				t.Error("a table was written")
			}
		})
	}
}

func TestRecipientListIsAllOrNothingWhateverDies(t *testing.T) {
	list := eip.RecipientList(func(message) ([]string, error) { return []string{"a", "b", "a"}, nil })
	got := everyKill(t, scenario{routes: one(list), outputs: []string{"a", "b"}, inputs: []input{{topic: "in", key: "1"}, {topic: "in", key: "2"}}})
	wantLines(t, got, "a", "in 1 null", "in 2 null")
	wantLines(t, got, "b", "in 1 null", "in 2 null")
}

func TestRoutingSlipVisitsEachStationOnceWhateverDies(t *testing.T) {
	stations := []string{"wrap", "label"}
	rs := func(*routes.Hub) []routes.Route {
		work := func(name string) routes.Route {
			return routes.Route{Name: name, Topics: []string{name}, Handle: eip.Station("out", stations, func(m message) (journal.Record, error) {
				r := eip.Copy(&m.Record, "", "done", m.Headers["done"]+"+"+name)
				return r, nil
			})}
		}
		return []routes.Route{
			{Name: "plan", Topics: []string{"in"}, Handle: eip.Itinerary(stations, func(m message) (steps []string, err error) {
				return steps, m.Decode(&steps)
			})},
			work("wrap"), work("label"),
		}
	}
	got := everyKill(t, scenario{routes: rs, outputs: []string{"out"}, until: time.Minute, inputs: []input{
		{topic: "in", key: "1", data: []string{"wrap", "label"}},
		{at: time.Second, topic: "in", key: "2", data: []string{"label", "wrap", "wrap"}},
	}})
	wantLines(t, got, "out", `in 1 ["wrap","label"] done=+wrap+label`, `in 2 ["label","wrap","wrap"] done=+label+wrap+wrap`)
}

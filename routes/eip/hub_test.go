package eip_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// failing takes messages whose header says how often, and how, they fail.
func failing(_ context.Context, m message) (out, error) {
	kind, _ := fault.ParseKind(m.Headers["kind"])
	if m.Headers["kind"] != "" && (m.Headers["times"] == "" || m.Attempt < len(m.Headers["times"])) {
		return nil, fault.At("failing", kind, "line 3", errors.New("it fails"))
	}
	return m.Out().Send(eip.Copy(&m.Record, "out")), nil
}

func fails(at time.Duration, key, kind, times string) input {
	return input{at: at, topic: "in", key: key, headers: map[string]string{"kind": kind, "times": times}}
}

func TestRetryKeepsTheOrderOfItsKeyWhateverDies(t *testing.T) {
	rs := func(*routes.Hub) []routes.Route {
		return []routes.Route{{Name: "one", Topics: []string{"in"}, Handle: failing}}
	}
	got := everyKill(t, scenario{routes: rs, outputs: []string{"out"}, until: time.Hour, inputs: []input{
		fails(0, "A", "transient", "xx"), {topic: "in", key: "A", data: "second"}, {topic: "in", key: "B", data: "other"},
	}})
	wantLines(t, got, "out", `in B "other"`, "in A null kind=transient times=xx", `in A "second"`)
	if n := got.rows[journal.TablePark]; n != 0 {
		t.Errorf("%d are still parked", n)
	}
}

func TestRetryEndsInALetter(t *testing.T) {
	got, _ := play(t, scenario{routes: one(failing), outputs: []string{"out"}, until: 30 * time.Hour, inputs: []input{fails(0, "A", "transient", "")}}, 0)
	wantLines(t, got, "out")
	wantLetter(t, got, "transient", "it fails")
}

func TestDeadLetterHoldsItsKeyAndInvalidHoldsNobody(t *testing.T) {
	rs := func(*routes.Hub) []routes.Route {
		return []routes.Route{{Name: "one", Topics: []string{"in"}, Handle: failing}}
	}
	for kind, want := range map[string]struct {
		channel string
		out     []string
	}{
		"rejected": {"dead", nil},
		"internal": {"dead", nil},
		"unknown":  {"dead", nil},
		"invalid":  {"invalid", []string{`in A "second"`}},
	} {
		t.Run(kind, func(t *testing.T) {
			got := everyKill(t, scenario{routes: rs, outputs: []string{"out"}, inputs: []input{
				fails(0, "A", kind, ""), {at: time.Millisecond, topic: "in", key: "A", data: "second"},
			}})
			wantLines(t, got, "out", want.out...)
			wantLetter(t, got, kind, "it fails")
			if l := got.letters[0]; string(l.Channel) != want.channel || l.Place != "line 3" {
				t.Errorf("letter lies in channel %s, place %q", l.Channel, l.Place)
			}
		})
	}
}

func TestPublishSubscribeLetsEachFailAlone(t *testing.T) {
	rs := func(*routes.Hub) []routes.Route {
		to := func(name string) routes.Route {
			return routes.Route{Name: name, Topics: []string{"in"}, Handle: func(_ context.Context, m message) (out, error) {
				if m.Headers["refuse"] == name {
					return nil, fault.E(name, fault.Rejected, errors.New(name+" will not"))
				}
				return m.Out().Send(eip.Copy(&m.Record, name)), nil
			}}
		}
		return []routes.Route{to("erp"), to("shop")}
	}
	got := everyKill(t, scenario{routes: rs, outputs: []string{"erp", "shop"}, inputs: []input{
		{topic: "in", key: "A", headers: map[string]string{"refuse": "shop"}}, {topic: "in", key: "B"},
	}})
	wantLines(t, got, "erp", "in A null refuse=shop", "in B null")
	wantLines(t, got, "shop", "in B null")
	wantLetter(t, got, "rejected", "shop will not")
}

func TestBreakerOpensAndTheFallbackDecides(t *testing.T) {
	calls := 0
	rs := func(h *routes.Hub) []routes.Route {
		call := func(_ context.Context, m message) (out, error) {
			_, err := routes.Guard(h, "ups", func() (int, error) {
				calls++
				if m.Key == "no" {
					return 0, fault.E("ups", fault.Rejected, errors.New("no such service"))
				}
				return 0, fault.E("ups", fault.Transient, errors.New("gateway timeout"))
			})
			return nil, err
		}
		instead := func(_ context.Context, m message) (out, error) {
			return m.Out().Send(eip.Copy(&m.Record, "flat rate")), nil
		}
		return one(eip.Fallback(call, instead))(h)
	}
	var ins []input
	for _, k := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		ins = append(ins, input{topic: "in", key: k})
	}
	got, _ := play(t, scenario{routes: rs, outputs: []string{"flat rate"}, inputs: ins, until: 500 * time.Millisecond}, 0)
	if len(got.of("flat rate")) != 2 || calls != 5 {
		t.Errorf("%d fallbacks after %d calls, want 2 after 5", len(got.of("flat rate")), calls)
	}

	got, _ = play(t, scenario{routes: rs, outputs: []string{"flat rate"}, inputs: []input{{topic: "in", key: "no"}}}, 0)
	wantLines(t, got, "flat rate")
	wantLetter(t, got, "rejected", "no such service")
}

func controlled(h *routes.Hub) []routes.Route {
	paused := func() any {
		said := map[string]bool{}
		for _, r := range h.Routes() {
			if r.Name == "work" {
				said[r.Name] = r.Paused != ""
			}
		}
		return said
	}
	return []routes.Route{
		{Name: "bus", Topics: []string{"control"}, Handle: eip.ControlBus[message, out](h, paused), Parking: routes.Parking{Independent: true}},
		{Name: "work", Topics: []string{"in"}, Handle: failing},
	}
}

func TestControlBusPausesAndResumesWhateverDies(t *testing.T) {
	order := func(at time.Duration, typ, route string) input {
		return input{at: at, topic: "control", typ: typ, key: "control", data: eip.Order{Route: route, Actor: "ann"}}
	}
	status := func(at time.Duration) input {
		return input{at: at, topic: "control", typ: eip.AskStatus, key: "control", headers: map[string]string{eip.ReplyTo: "reply.ann", eip.CorrelationID: at.String()}}
	}
	got := everyKill(t, scenario{routes: controlled, outputs: []string{"out", "reply.ann"}, until: time.Minute, inputs: []input{
		order(0, eip.PauseRoute, "work"),
		{at: 1 * time.Second, topic: "in", key: "A"},
		status(2 * time.Second),
		order(3*time.Second, eip.ResumeRoute, "work"),
		status(4 * time.Second),
	}})
	wantLines(t, got, "reply.ann", `route.StatusTold control {"work":true} correlation-id=2s`, `route.StatusTold control {"work":false} correlation-id=4s`)
	wantLines(t, got, "out", "in A null")
	if at := got.records["out"][0].Time.Second(); at != 3 {
		t.Errorf("the paused route worked at second %d, want 3", at)
	}
}

func TestControlBusNamesARouteThatIsNotThere(t *testing.T) {
	got, _ := play(t, scenario{routes: controlled, inputs: []input{
		{topic: "control", typ: eip.PauseRoute, key: "c", data: eip.Order{Route: "packing"}},
	}}, 0)
	wantLetter(t, got, "rejected", `no route is named "packing"`)
}

func TestADoorHasNoParts(t *testing.T) {
	b, err := bus.Open(t.Context(), journalmem.New(), bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(b, func(*routes.Hub) []routes.Route {
		return []routes.Route{{Name: "door", Handle: func(ctx context.Context, m message) (out, error) {
			return nil, m.Partial(ctx, m.Out().Publish("out", "half", "k", nil))
		}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.kill()
	if _, err := p.hub.Call(t.Context(), "door", nil); fault.KindOf(err) != fault.Internal || err == nil {
		t.Errorf("the door says %v", err)
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if recs, err := b.Driver().Topics(t.Context(), []string{"out"}, 0, 1); len(recs) != 0 || err != nil {
		t.Errorf("half of an answer was written: %v, %v", recs, err)
	}
}

func TestRecallOfWhatWasNeverWrittenIsAnError(t *testing.T) {
	h := func(ctx context.Context, m message) (out, error) {
		_, err := m.Recall(ctx, m.Pos+1000)
		return nil, err
	}
	got, _ := play(t, scenario{routes: one(h), inputs: []input{{topic: "in", key: "a"}}}, 0)
	wantLetter(t, got, "internal", "recalling position")
}

func TestWrappersLetTimersPass(t *testing.T) {
	d := eip.Delay[message, out]{Step: "window", To: eip.Topic("out"), Until: func(m message) (time.Time, error) { return m.Time.Add(time.Minute), nil }}
	keep := func(_ context.Context, m message) (bool, error) { return m.Key == "k" && m.Type == "in", nil }
	soon := func(in eip.In) (time.Time, error) { return in.Time.Add(time.Second), nil }
	h := eip.History(eip.WireTap("tap", eip.Expire(soon, eip.Filter(keep, d.Handle), nil)))
	got := everyKill(t, scenario{routes: one(h), outputs: []string{"out", "tap"}, until: time.Hour, inputs: []input{
		{topic: "in", key: "k", headers: map[string]string{eip.Trail: "door"}}, {topic: "in", key: "other"},
	}})
	wantLines(t, got, "out", "in k null history=door,one")
	wantLines(t, got, "tap", "in k null history=door,one", "in other null history=one")
}

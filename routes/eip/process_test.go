package eip_test

import (
	"context"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/eip"
)

// fulfil reserves, buys a label and notifies. Each worker writes down what it did; the headers of
// the order say which of them refuses, and which thinks too long.
func fulfil(*routes.Hub) []routes.Route {
	command := func(worker, typ string) func(eip.Progress) (journal.Record, error) {
		return func(p eip.Progress) (journal.Record, error) {
			return journal.Record{Type: typ, Topic: worker, Key: p.ID, Headers: p.Start.Headers}, nil
		}
	}
	s := eip.Process[message, out]{
		Step: "fulfil", ID: func(m message) (string, error) { return m.Key, nil },
		Activities: []eip.Activity{
			{Name: "reserve", Do: command("stock", "reserve"), Undo: command("stock", "release")},
			{Name: "check", Do: command("credit", "check")},
			{Name: "label", Do: command("carrier", "buy"), Undo: command("carrier", "void"), Timeout: time.Hour},
			{Name: "notify", Do: command("mail", "notify"), Undo: command("mail", "apologize"), Timeout: time.Hour},
		},
		Done: func(_ context.Context, m message, p eip.Progress) (out, error) {
			return m.Out().Publish("done", "fulfilled", p.ID, len(p.Answers)), nil
		},
		Undone: func(_ context.Context, m message, p eip.Progress) (out, error) {
			return m.Out().Publish("done", "undone", p.ID, p.Why), nil
		},
	}
	rs := []routes.Route{{Name: "fulfil", Topics: []string{"in", eip.ReplyTopic("fulfil")}, Handle: s.Handle, Parking: routes.Parking{Independent: true}}}
	for _, w := range []string{"stock", "credit", "carrier", "mail"} {
		rs = append(rs, worker(w))
	}
	return rs
}

func worker(name string) routes.Route {
	think := eip.Delay[message, out]{Step: "think", To: eip.Topic(name), Until: func(m message) (time.Time, error) { return m.Now.Add(2 * time.Hour), nil }}
	return routes.Route{Name: name, Topics: []string{name}, Handle: func(ctx context.Context, m message) (out, error) {
		slow := m.Headers["slow"] == m.Type || m.Headers["slow-too"] == m.Type
		if slow && m.Source != name || m.Topic != name {
			return think.Handle(ctx, m)
		}
		r := journal.Record{Type: "answer"}
		var err error
		if m.Headers["refuse"] == m.Type || m.Headers["refuse-too"] == m.Type {
			r, err = eip.Refuse(m.In(), r, "not today")
		} else {
			r, err = eip.Answer(m.In(), r)
		}
		if err != nil {
			return nil, err
		}
		return m.Out().Publish("worked", name+"."+m.Type, m.Key, nil).Send(r), nil
	}}
}

func TestProcessDoesEachStepOnceWhateverDies(t *testing.T) {
	got := everyKill(t, scenario{routes: fulfil, outputs: []string{"worked", "done"}, until: 5 * time.Hour, inputs: []input{{topic: "in", key: "A"}}})
	wantLines(t, got, "worked", "stock.reserve A null", "credit.check A null", "carrier.buy A null", "mail.notify A null")
	wantLines(t, got, "done", "fulfilled A 4")
}

func TestProcessTakesBackWhatWasDoneLastFirst(t *testing.T) {
	got := everyKill(t, scenario{routes: fulfil, outputs: []string{"worked", "done"}, until: 5 * time.Hour, inputs: []input{
		{topic: "in", key: "A", headers: map[string]string{"refuse": "notify"}},
	}})
	wantLines(t, got, "worked", "stock.reserve A null", "credit.check A null", "carrier.buy A null", "mail.notify A null", "carrier.void A null", "stock.release A null")
	wantLines(t, got, "done", `undone A "notify: not today"`)
}

func TestProcessTakesBackWhatMayHaveHappened(t *testing.T) {
	got := everyKill(t, scenario{routes: fulfil, outputs: []string{"worked", "done"}, until: 9 * time.Hour, inputs: []input{
		{topic: "in", key: "A", headers: map[string]string{"slow": "buy"}},
	}})
	wantLines(t, got, "done", `undone A "label: no answer in time"`)
	// The late answer of the carrier changes nothing any more.
	wantLines(t, got, "worked", "stock.reserve A null", "credit.check A null", "carrier.void A null", "stock.release A null", "carrier.buy A null")
}

func TestProcessTakesNoLateAnswerForThatOfAnUndo(t *testing.T) {
	got := everyKill(t, scenario{routes: fulfil, outputs: []string{"worked", "done"}, until: 9 * time.Hour, inputs: []input{
		{topic: "in", key: "A", headers: map[string]string{"slow": "buy", "slow-too": "release"}},
	}})
	// The carrier answers while the stock is still being released.
	wantLines(t, got, "worked", "stock.reserve A null", "credit.check A null", "carrier.void A null", "carrier.buy A null", "stock.release A null")
	wantLines(t, got, "done", `undone A "label: no answer in time"`)
	if done, released := got.records["done"][0].Pos, got.records["worked"][4].Pos; done < released {
		t.Errorf("the process ended at %d, before its stock was released at %d", done, released)
	}
}

func TestProcessRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		inputs     []input
		kind, says string
	}{
		"a second start":            {[]input{{topic: "in", key: "A"}, {at: time.Minute, topic: "in", key: "A"}}, "rejected", `"A" was started already`},
		"an undo that is refused":   {[]input{{topic: "in", key: "A", headers: map[string]string{"refuse": "notify", "refuse-too": "void"}}}, "rejected", "taking back label"},
		"an answer to nobody":       {[]input{{topic: eip.ReplyTopic("fulfil"), headers: map[string]string{eip.CorrelationID: "0/do/Z"}}}, "rejected", `no process "Z"`},
		"an answer that names none": {[]input{{topic: eip.ReplyTopic("fulfil")}}, "invalid", "is no correlation id"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := play(t, scenario{routes: fulfil, outputs: []string{"worked", "done"}, inputs: c.inputs, until: 5 * time.Hour}, 0)
			wantLetter(t, got, c.kind, c.says)
		})
	}
}

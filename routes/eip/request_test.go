package eip_test

import (
	"context"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/eip"
)

// answering is a route that answers what it is asked: how and when the question says.
func answering(topic string) routes.Route {
	delay := eip.Delay[message, out]{Step: "think", To: eip.Topic(topic + ".thought"), Until: func(m message) (time.Time, error) {
		d, err := time.ParseDuration(m.Headers["think"])
		return m.Now.Add(d), err
	}}
	return routes.Route{
		Name: topic, Topics: []string{topic, topic + ".thought"}, Parking: routes.Parking{Independent: true},
		Handle: func(ctx context.Context, m message) (out, error) {
			if m.Topic == "timer."+topic || m.Topic == topic && m.Headers["think"] != "" {
				return delay.Handle(ctx, m)
			}
			answer := journal.Record{Type: "answer", Data: []byte(`"` + topic + `"`)}
			if why := m.Headers["refuse"]; why != "" {
				r, err := eip.Refuse(m.In(), answer, why)
				return m.Out().Send(r), err
			}
			r, err := eip.Answer(m.In(), answer)
			if err != nil {
				return nil, err
			}
			o := m.Out().Send(r)
			if m.Headers["twice"] != "" {
				o.Send(r)
			}
			return o, nil
		},
	}
}

func questions(*routes.Hub) []routes.Route {
	tell := func(typ string) func(context.Context, message, eip.Asked) (out, error) {
		return func(_ context.Context, m message, a eip.Asked) (out, error) {
			if typ == "answered" && a.Overdue {
				return m.Out().Publish("told", "answered late", m.Key, string(m.Data)), nil
			}
			return m.Out().Publish("told", typ, m.Key, string(m.Data[:1])), nil
		}
	}
	q := eip.Requester[message, out]{
		Step: "stock", Timeout: time.Minute,
		Ask:  func(m message) (journal.Record, error) { return eip.Copy(&m.Record, "oracle"), nil },
		Then: tell("answered"), Overdue: tell("accepted"),
	}
	return []routes.Route{
		{Name: "ask", Topics: []string{"in", eip.ReplyTopic("ask")}, Handle: q.Handle, Parking: routes.Parking{Independent: true}},
		answering("oracle"),
	}
}

func TestRequesterTellsWhatCameFirstWhateverDies(t *testing.T) {
	got := everyKill(t, scenario{routes: questions, outputs: []string{"told"}, until: time.Hour, inputs: []input{
		{topic: "in", key: "fast"},
		{topic: "in", key: "slow", headers: map[string]string{"think": "10m"}},
	}})
	wantLines(t, got, "told", `answered fast "\""`, `accepted slow "\""`, `answered late slow "\"oracle\""`)
	if got.rows[journal.TableState] != 0 {
		t.Errorf("%d requests still wait", got.rows[journal.TableState])
	}
}

func TestRequesterRejectsAnAnswerThatNobodyWaitsFor(t *testing.T) {
	t.Run("answered twice", func(t *testing.T) {
		got := everyKill(t, scenario{routes: questions, outputs: []string{"told"}, until: time.Hour, inputs: []input{
			{topic: "in", key: "A", headers: map[string]string{"twice": "yes"}},
		}})
		wantLines(t, got, "told", `answered A "\""`)
		wantLetter(t, got, "rejected", "waits for an answer")
	})
	t.Run("never asked", func(t *testing.T) {
		got, _ := play(t, scenario{routes: questions, outputs: []string{"told"}, inputs: []input{
			{topic: eip.ReplyTopic("ask"), key: "A", headers: map[string]string{eip.CorrelationID: "guess"}},
		}}, 0)
		wantLines(t, got, "told")
		wantLetter(t, got, "rejected", `no request "guess"`)
	})
}

func rates(late bool, headers ...map[string]string) func(*routes.Hub) []routes.Route {
	carriers := []string{"ups", "fedex", "usps"}
	return func(*routes.Hub) []routes.Route {
		s := eip.ScatterGather[message, out]{
			Step: "rates", Deadline: time.Minute,
			Ask: func(m message) (asked []journal.Record, err error) {
				for i, c := range carriers {
					r := eip.Copy(&m.Record, c)
					if i < len(headers) {
						r.Headers = headers[i]
					}
					asked = append(asked, r)
				}
				return asked, nil
			},
			Then: func(ctx context.Context, m message, g eip.Gathered) (out, error) {
				said := map[string]string{}
				for _, l := range g.Legs {
					switch {
					case l.Pos == 0:
						said[l.Topic] = "nothing"
					case l.Failed != "":
						said[l.Topic] = "no: " + l.Failed
					default:
						r, err := m.Recall(ctx, l.Pos)
						if err != nil {
							return nil, err
						}
						said[l.Topic] = string(r.Data)
					}
				}
				return m.Out().Publish("rates", "by "+string(g.Done), "", said), nil
			},
		}
		if late {
			s.Late = func(_ context.Context, m message, g eip.Gathered) (out, error) {
				return m.Out().Publish("rates", "late", "", g.Missing()), nil
			}
		}
		rs := []routes.Route{{Name: "rates", Topics: []string{"in", eip.ReplyTopic("rates")}, Handle: s.Handle, Parking: routes.Parking{Independent: true}}}
		for _, c := range carriers {
			rs = append(rs, answering(c))
		}
		return rs
	}
}

func TestScatterGatherWaitsForAllWhateverDies(t *testing.T) {
	refuse := map[string]string{"refuse": "too heavy"}
	got := everyKill(t, scenario{routes: rates(false, nil, refuse), outputs: []string{"rates"}, until: time.Hour, inputs: []input{{topic: "in", key: "P"}}})
	wantLines(t, got, "rates", `by size  {"fedex":"no: too heavy","ups":"\"ups\"","usps":"\"usps\""}`)
}

func TestScatterGatherGoesOnWithPartOfTheAnswers(t *testing.T) {
	slow := map[string]string{"think": "5m"}
	in := []input{{topic: "in", key: "P"}}
	t.Run("and rejects the rest", func(t *testing.T) {
		got := everyKill(t, scenario{routes: rates(false, slow), outputs: []string{"rates"}, until: time.Hour, inputs: in})
		wantLines(t, got, "rates", `by timeout  {"fedex":"\"fedex\"","ups":"nothing","usps":"\"usps\""}`)
		wantLetter(t, got, "rejected", "the answer of ups came after the deadline")
	})
	t.Run("or tells of the rest", func(t *testing.T) {
		got := everyKill(t, scenario{routes: rates(true, slow), outputs: []string{"rates"}, until: time.Hour, inputs: in})
		wantLines(t, got, "rates", `by timeout  {"fedex":"\"fedex\"","ups":"nothing","usps":"\"usps\""}`, "late  0")
	})
}

func TestScatterGatherCountsEachLegOnce(t *testing.T) {
	twice, slow := map[string]string{"twice": "yes"}, map[string]string{"think": "1s"}
	got := everyKill(t, scenario{routes: rates(false, twice, slow), outputs: []string{"rates"}, until: time.Hour, inputs: []input{{topic: "in", key: "P"}}})
	wantLines(t, got, "rates", `by size  {"fedex":"\"fedex\"","ups":"\"ups\"","usps":"\"usps\""}`)
	wantLetter(t, got, "rejected", "ups answered")
}

func TestScatterGatherRefusesStrangeAnswers(t *testing.T) {
	for correlation, want := range map[string][2]string{
		"":      {"invalid", "is no correlation id"},
		"x/one": {"invalid", "is no correlation id"},
		"x/1":   {"rejected", "nobody asked"},
		"x/-1":  {"rejected", "nobody asked"},
	} {
		got, _ := play(t, scenario{routes: rates(false), outputs: []string{"rates"}, inputs: []input{
			{topic: eip.ReplyTopic("rates"), key: "P", headers: map[string]string{eip.CorrelationID: correlation}},
		}}, 0)
		wantLetter(t, got, want[0], want[1])
	}
}

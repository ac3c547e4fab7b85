package eip_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/eip"
)

// cartons collects the cartons of an order into one confirm.
func cartons(change func(*eip.Aggregator[message, out, []string])) func(*routes.Hub) []routes.Route {
	a := eip.Aggregator[message, out, []string]{
		Step: "order",
		Key:  func(m message) (string, error) { return m.Headers["order"], nil },
		Add: func(have []string, m message) ([]string, error) {
			var carton string
			if err := m.Decode(&carton); err != nil {
				return nil, err
			}
			if carton == "torn" {
				return nil, fault.E("cartons", fault.Rejected, errors.New("carton is torn"))
			}
			return append(have, carton), nil
		},
		Then: func(_ context.Context, m message, g eip.Group[[]string]) (out, error) {
			return m.Out().Publish("confirms", "confirmed by "+string(g.Done), g.Key, g.Value), nil
		},
	}
	change(&a)
	return func(*routes.Hub) []routes.Route {
		return []routes.Route{{Name: "confirm", Topics: []string{"packed"}, Handle: a.Handle, Parking: routes.Parking{Independent: true}}}
	}
}

func carton(at time.Duration, order, carton string) input {
	return input{at: at, topic: "packed", key: carton, data: carton, headers: map[string]string{"order": order}}
}

func TestAggregatorCompletesOnceWhateverDies(t *testing.T) {
	s := scenario{outputs: []string{"confirms"}, until: 3 * time.Hour}
	s.routes = cartons(func(a *eip.Aggregator[message, out, []string]) { a.Size, a.Timeout = 3, time.Hour })
	s.inputs = []input{
		carton(0, "A", "a1"), carton(0, "B", "b1"), carton(time.Second, "A", "a2"),
		carton(2*time.Second, "A", "a3"), carton(2*time.Second, "B", "b2"),
	}
	got := everyKill(t, s)
	wantLines(t, got, "confirms",
		`confirmed by size A ["a1","a2","a3"]`,
		`confirmed by timeout B ["b1","b2"]`,
	)
}

// TestAggregatorBeginsAgainWhateverDies counts rounds: a timer of an earlier one ends no later one.
func TestAggregatorBeginsAgainWhateverDies(t *testing.T) {
	s := scenario{outputs: []string{"confirms"}, until: 3 * time.Hour}
	s.routes = cartons(func(a *eip.Aggregator[message, out, []string]) {
		a.Size, a.Timeout, a.Again = 2, time.Hour, true
		a.Then = func(_ context.Context, m message, g eip.Group[[]string]) (out, error) {
			return m.Out().Publish("confirms", fmt.Sprint("round ", g.Round, " by ", g.Done, " at ", m.Now.Minute()), g.Key, g.Value), nil
		}
	})
	s.inputs = []input{
		carton(0, "A", "a1"), carton(time.Second, "A", "a2"),
		carton(10*time.Minute, "A", "a3"), carton(80*time.Minute, "A", "a4"),
	}
	got := everyKill(t, s)
	wantLines(t, got, "confirms",
		`round 0 by size at 0 A ["a1","a2"]`,
		`round 1 by timeout at 10 A ["a3"]`,
		`round 2 by timeout at 20 A ["a4"]`,
	)
}

func TestAggregatorCompletesByItsRule(t *testing.T) {
	s := scenario{outputs: []string{"confirms"}}
	s.routes = cartons(func(a *eip.Aggregator[message, out, []string]) {
		a.Rule = func(have []string) bool { return have[len(have)-1] == "last" }
	})
	s.inputs = []input{carton(0, "A", "a1"), carton(time.Millisecond, "A", "last")}
	wantLines(t, everyKill(t, s), "confirms", `confirmed by rule A ["a1","last"]`)
}

func TestAggregatorTellsOfLateMembers(t *testing.T) {
	inputs := []input{carton(0, "A", "a1"), carton(time.Second, "A", "a2"), carton(2*time.Second, "A", "late")}
	t.Run("a letter where nobody wants them", func(t *testing.T) {
		s := scenario{outputs: []string{"confirms"}, inputs: inputs, until: time.Minute}
		s.routes = cartons(func(a *eip.Aggregator[message, out, []string]) { a.Size = 2 })
		got := everyKill(t, s)
		wantLines(t, got, "confirms", `confirmed by size A ["a1","a2"]`)
		wantLetter(t, got, "rejected", `"A" was complete by size with 2 members`)
	})
	t.Run("a supplement where somebody does", func(t *testing.T) {
		s := scenario{outputs: []string{"confirms"}, inputs: inputs, until: time.Minute}
		s.routes = cartons(func(a *eip.Aggregator[message, out, []string]) {
			a.Size = 2
			a.Late = func(_ context.Context, m message, g eip.Group[[]string]) (out, error) {
				return m.Out().Publish("confirms", "supplement", g.Key, g.Late), nil
			}
		})
		wantLines(t, everyKill(t, s), "confirms", `confirmed by size A ["a1","a2"]`, `supplement A 1`)
	})
}

func TestAggregatorKeepsItsGroupWhenAMemberFails(t *testing.T) {
	s := scenario{outputs: []string{"confirms"}, inputs: []input{
		carton(0, "A", "a1"), carton(0, "A", "torn"), carton(0, "A", "a2"),
	}}
	s.routes = cartons(func(a *eip.Aggregator[message, out, []string]) { a.Size = 2 })
	got, _ := play(t, s, 0)
	wantLines(t, got, "confirms", `confirmed by size A ["a1","a2"]`)
	wantLetter(t, got, "rejected", "carton is torn")
}

func TestATimerThatAnotherForgedCompletesNothing(t *testing.T) {
	s := scenario{outputs: []string{"confirms"}, inputs: []input{
		carton(0, "A", "a1"),
		{topic: "packed", typ: "eip.order", key: "x", data: "A"},
	}}
	s.routes = cartons(func(a *eip.Aggregator[message, out, []string]) { a.Size = 2 })
	got, _ := play(t, s, 0)
	wantLines(t, got, "confirms")
}

func TestAggregatorGrowsNoFurtherThanAStateMay(t *testing.T) {
	big := strings.Repeat("x", eip.MaxState/2)
	s := scenario{outputs: []string{"confirms"}, inputs: []input{carton(0, "A", big), carton(0, "A", big), carton(0, "A", "small")}}
	for i := range s.inputs {
		s.inputs[i].key = "k"
	}
	s.routes = cartons(func(a *eip.Aggregator[message, out, []string]) { a.Size = 3 })
	got, _ := play(t, s, 0)
	wantLines(t, got, "confirms")
	wantLetter(t, got, "rejected", "1048576 at most")
}

func TestAggregatorKeepsGroupsOfStrangeKeysApart(t *testing.T) {
	long := strings.Repeat("k", 2000)
	s := scenario{outputs: []string{"confirms"}}
	for _, order := range []string{"", "a/b", "a", long, long + "2", "nul\x00nul"} {
		s.inputs = append(s.inputs, carton(0, order, "1"), carton(0, order, "2"))
	}
	s.routes = cartons(func(a *eip.Aggregator[message, out, []string]) {
		a.Size, a.Timeout = 2, time.Minute
		a.Then = func(_ context.Context, m message, g eip.Group[[]string]) (out, error) {
			return m.Out().Publish("confirms", "confirmed", "", len(g.Value)), nil
		}
	})
	got, _ := play(t, s, 0)
	if len(got.of("confirms")) != 6 || len(got.letters) != 0 {
		t.Errorf("%d groups and %d letters, want 6 and none", len(got.of("confirms")), len(got.letters))
	}
}

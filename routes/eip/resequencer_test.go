package eip_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/eip"
)

func resequence(change func(*eip.Resequencer[message, out])) func(*routes.Hub) []routes.Route {
	q := eip.Resequencer[message, out]{
		Step: "order", To: "ordered", First: 1,
		Number: func(m message) (string, uint64, error) {
			n, err := strconv.ParseUint(m.Headers["n"], 10, 64)
			if err != nil {
				return "", 0, fault.At("shop", fault.Invalid, "header n", err)
			}
			return m.Key, n, nil
		},
	}
	change(&q)
	return func(*routes.Hub) []routes.Route {
		return []routes.Route{{Name: "resequence", Topics: []string{"hooks"}, Handle: q.Handle, Parking: routes.Parking{Independent: true}}}
	}
}

func hook(at time.Duration, n string) input {
	return input{at: at, topic: "hooks", key: "A", data: "hook " + n, headers: map[string]string{"n": n}}
}

func TestResequencerSendsInOrderWhateverDies(t *testing.T) {
	s := scenario{outputs: []string{"ordered"}, inputs: []input{hook(0, "3"), hook(0, "2"), hook(1, "5"), hook(2, "1"), hook(3, "4")}}
	s.routes = resequence(func(*eip.Resequencer[message, out]) {})
	wantLines(t, everyKill(t, s), "ordered",
		`in A "hook 1" n=1`, `in A "hook 2" n=2`, `in A "hook 3" n=3`, `in A "hook 4" n=4`, `in A "hook 5" n=5`)
}

func TestResequencerGivesAGapUpAndSaysSo(t *testing.T) {
	s := scenario{outputs: []string{"ordered", "late"}, until: time.Hour, inputs: []input{
		hook(0, "1"), hook(0, "4"), hook(time.Minute, "5"), hook(2*time.Minute, "7"), hook(30*time.Minute, "2"),
	}}
	s.routes = resequence(func(q *eip.Resequencer[message, out]) { q.Gap, q.Late = 10*time.Minute, "late" })
	got := everyKill(t, s)
	wantLines(t, got, "ordered",
		`in A "hook 1" n=1`, `sequence.GapSkipped A {"key":"A","from":2,"to":3}`, `in A "hook 4" n=4`, `in A "hook 5" n=5`,
		`sequence.GapSkipped A {"key":"A","from":6,"to":6}`, `in A "hook 7" n=7`)
	wantLines(t, got, "late", `in A "hook 2" n=2`)
}

func TestResequencerRejects(t *testing.T) {
	for name, c := range map[string]struct {
		inputs     []input
		kind, says string
	}{
		"a number that was sent":     {[]input{hook(0, "1"), hook(1, "1")}, "rejected", "next is 2"},
		"a number that is held":      {[]input{hook(0, "3"), hook(1, "3")}, "rejected", "next is 1"},
		"more than it may hold":      {[]input{hook(0, "3"), hook(1, "4"), hook(2, "5")}, "rejected", "2 are held already for the missing 1"},
		"what has no number, at its": {[]input{hook(0, "one")}, "invalid", "invalid syntax"},
	} {
		t.Run(name, func(t *testing.T) {
			s := scenario{inputs: c.inputs, outputs: []string{"ordered"}}
			s.routes = resequence(func(q *eip.Resequencer[message, out]) { q.Hold = 2 })
			got, _ := play(t, s, 0)
			wantLetter(t, got, c.kind, c.says)
		})
	}
}

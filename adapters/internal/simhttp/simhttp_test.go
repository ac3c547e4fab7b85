package simhttp

import (
	"strings"
	"testing"
)

func TestTheSameSeedDrawsTheSameFaults(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) (out string) {
		w := New(Options{Seed: seed, Faults: map[Fault]int{AnswerLost: 100, Outage: 200, HTML: 50}})
		for range 200 {
			out += string(w.arrive(OpToken)) + ","
		}
		return out
	}
	s := draw(7)
	if again := draw(7); again != s {
		t.Error("one seed, two stories")
	}
	if draw(8) == s {
		t.Error("two seeds, one story")
	}
	if strings.Count(s, string(Outage)) < 15 || strings.Count(s, string(AnswerLost)) < 5 {
		t.Errorf("faults are not drawn as often as asked: %s", s)
	}
}

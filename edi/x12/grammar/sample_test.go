package grammar_test

import (
	"strings"
	"testing"

	"github.com/paklog/hub/edi/x12/grammar"
)

func TestEverySetHasAValidSampleAndMutationsThatAreFound(t *testing.T) {
	t.Parallel()
	for _, s := range grammar.Builtin().Sets() {
		sample, err := s.Sample()
		if err != nil {
			t.Errorf("%s %s: %v", s.ID, s.Release, err)
			continue
		}
		for _, g := range sample.Segments {
			if strings.Join(g.Elements, "") == "" {
				t.Errorf("%s %s: segment %s of the sample has no element", s.ID, s.Release, g.Tag)
			}
		}
		kinds := map[string]int{}
		all, left := s.Mutate(sample)
		for _, m := range all {
			kinds[m.Code]++
			if !s.Finds(m) { // and nothing else
				t.Errorf("%s %s: %v is not found", s.ID, s.Release, m)
			}
		}
		t.Logf("%s %s: %d segments, %d mutations: %v, left %v", s.ID, s.Release, len(sample.Segments), len(all), kinds, left)
		if len(all) < 5 || 10*len(left) > len(all) && len(left) > 1 {
			t.Errorf("%s %s: %d mutations, %d left out", s.ID, s.Release, len(all), len(left))
		}
	}
}

// An element that a minimal document does not have has its rules too.
func TestRulesOfElementsBeyondTheSampleAreBroken(t *testing.T) {
	t.Parallel()
	s, _ := grammar.Builtin().Find("940", "004010")
	sample, err := s.Sample()
	if err != nil {
		t.Fatal(err)
	}
	all, _ := s.Mutate(sample)
	told := map[string]bool{}
	for _, m := range all {
		told[m.Rule] = true
	}
	for _, want := range []string{"W05-03 max", "W05-04 type", "W05-05 max", "W01-03 min", "W66-02 max", "N4 C0605", "W76-01 max", "sum W76-01 W01-01"} {
		if !told[want] {
			t.Errorf("no mutation breaks %s", want)
		}
	}
}

func TestCodesFitTheirElements(t *testing.T) {
	t.Parallel()
	for _, s := range grammar.Builtin().Sets() {
		for _, n := range s.Root.Children {
			def := s.Segment(n.ID)
			if def == nil {
				continue
			}
			for i, e := range def.Elements {
				if e == nil {
					continue
				}
				for _, c := range e.Codes {
					if len(c) < e.Min || len(c) > e.Max {
						t.Errorf("%s-%02d: code %q of element %s has not %d to %d characters", n.ID, i+1, c, e.Ref, e.Min, e.Max)
					}
				}
			}
		}
	}
}

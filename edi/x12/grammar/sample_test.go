package grammar_test

import (
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
		kinds := map[string]int{}
		all := s.Mutate(sample)
		for _, m := range all {
			kinds[m.Code]++
			if !s.Finds(m) {
				t.Errorf("%s %s: %v is not found", s.ID, s.Release, m)
			}
		}
		t.Logf("%s %s: %d segments, %d mutations: %v", s.ID, s.Release, len(sample.Segments), len(all), kinds)
		if len(all) < 5 {
			t.Errorf("%s %s: %d mutations", s.ID, s.Release, len(all))
		}
	}
}

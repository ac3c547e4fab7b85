package grammar_test

import (
	"fmt"
	"testing"

	edifact "github.com/paklog/hub/edi/edifact/grammar"
	data "github.com/paklog/hub/edi/grammar"
	"github.com/paklog/hub/edi/x12/grammar"
)

// TestADataElementIsTheSameInAllSegments holds profiles to what a data element is: one type and one
// length in a release, whichever segment it stands in.
func TestADataElementIsTheSameInAllSegments(t *testing.T) {
	t.Parallel()
	type use struct{ is, at string }
	seen, first := 0, map[string]use{} // by release and number
	for _, s := range append(grammar.Builtin().Sets(), edifact.Builtin().Sets()...) {
		var hold func(place string, of []*data.Element)
		hold = func(place string, of []*data.Element) {
			for i, e := range of {
				if e == nil {
					continue // one that the profile says nothing about
				}
				at := fmt.Sprintf("%s-%02d", place, i+1)
				hold(at, e.Components)
				if e.Ref == "" || e.Ref == "?" || e.Type == "C" {
					continue
				}
				seen++
				now := use{fmt.Sprintf("%s %d-%d", e.Type, e.Min, e.Max), at}
				key := s.Release + " " + e.Ref
				if was, ok := first[key]; !ok {
					first[key] = now
				} else if was.is != now.is {
					t.Errorf("release %s: element %s is %s in %s, and %s in %s", s.Release, e.Ref, was.is, was.at, now.is, now.at)
				}
			}
		}
		var walk func(n *data.Node)
		walk = func(n *data.Node) {
			if seg := s.Segment(n.ID); seg != nil {
				hold(seg.ID, seg.Elements)
			}
			for _, c := range n.Children {
				walk(c)
			}
		}
		walk(s.Root)
	}
	if seen < 1_000 {
		t.Errorf("only %d elements were looked at", seen)
	}
}

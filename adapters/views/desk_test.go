package views_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/views"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
)

func deskLetter(n int) view.DeskLetter {
	return view.DeskLetter{
		ID: fmt.Sprintf("L%06d", n), State: "open", Channel: "dead", Kind: "rejected", Route: fmt.Sprintf("route-%d", n%3), Type: "order.Place",
		Partner: []string{"ACME", "GLOBEX"}[n%2], Fingerprint: fmt.Sprintf("fp-%d", n%5), Cause: fmt.Sprintf("item X%d is not known", n), Key: fmt.Sprintf("main/ACME/SO-%d", n),
		Keys: []string{fmt.Sprintf("po=PO-%d", n), "customer=C1"}, Opened: at.Add(time.Duration(n) * time.Second), Failed: at.Add(time.Duration(n) * time.Second), Opening: 1, Position: journal.Pos(n),
	}
}

func index(t *testing.T, s *views.Store, pos journal.Pos, letters ...view.DeskLetter) {
	t.Helper()
	if err := s.Apply(t.Context(), view.Batch{Letters: letters, Position: pos, Unit: journal.NewID(at, [10]byte{byte(pos)})}); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, s *views.Store, q view.DeskQuery) view.DeskPage {
	t.Helper()
	p, err := s.Letters(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheDeskFindsByAnyPairOfFilters(t *testing.T) {
	s := open(t, t.TempDir())
	var all []view.DeskLetter
	for n := range 600 {
		all = append(all, deskLetter(n))
	}
	index(t, s, 1, all...)
	for name, c := range map[string]struct {
		q    view.DeskQuery
		want func(n int) bool
	}{
		"all":                  {view.DeskQuery{}, func(int) bool { return true }},
		"route":                {view.DeskQuery{Route: "route-1"}, func(n int) bool { return n%3 == 1 }},
		"route and partner":    {view.DeskQuery{Route: "route-1", Partner: "acme"}, func(n int) bool { return n%3 == 1 && n%2 == 0 }},
		"group and words":      {view.DeskQuery{Fingerprint: "fp-2", Text: "Not KNOWN"}, func(n int) bool { return n%5 == 2 }},
		"a word of one":        {view.DeskQuery{Text: "x17"}, func(n int) bool { return n == 17 }},
		"business key":         {view.DeskQuery{Key: "po-33"}, func(n int) bool { return n == 33 }},
		"key that many have":   {view.DeskQuery{Key: "c1", Partner: "GLOBEX"}, func(n int) bool { return n%2 == 1 }},
		"id":                   {view.DeskQuery{Key: "L000005"}, func(n int) bool { return n == 5 }},
		"nothing in common":    {view.DeskQuery{Route: "route-1", Key: "po-33"}, func(int) bool { return false }},
		"what nobody has":      {view.DeskQuery{Partner: "INITECH"}, func(int) bool { return false }},
		"two states":           {view.DeskQuery{States: []string{"open", "dropped"}}, func(int) bool { return true }},
		"a state of nobody":    {view.DeskQuery{States: []string{"resolved"}}, func(int) bool { return false }},
		"since":                {view.DeskQuery{From: at.Add(590 * time.Second)}, func(n int) bool { return n >= 590 }},
		"until":                {view.DeskQuery{To: at.Add(3 * time.Second)}, func(n int) bool { return n < 3 }},
		"before there was any": {view.DeskQuery{To: at}, func(int) bool { return false }},
		"after there was any":  {view.DeskQuery{From: at.Add(time.Hour)}, func(int) bool { return false }},
	} {
		var want []string
		for n := 599; n >= 0; n-- {
			if c.want(n) {
				want = append(want, all[n].ID)
			}
		}
		q := c.q
		q.Limit = 70
		var got []string
		for {
			p := find(t, s, q)
			if p.Total != len(want) || p.More {
				t.Fatalf("%s: counted %d, there are %d", name, p.Total, len(want))
			}
			for _, l := range p.Items {
				got = append(got, l.ID)
			}
			if q.Before = p.Next; p.Next == 0 {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestALetterThatMovesOnIsFoundAsItStands(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	index(t, s, 1, deskLetter(1), deskLetter(6), deskLetter(2))
	l := deskLetter(1)
	l.State = "replaying"
	index(t, s, 2, l)
	l.State, l.Opening, l.Fingerprint, l.Cause, l.Failed = "open", 2, "fp-9", "label refused", at.Add(time.Hour)
	index(t, s, 3, l)
	done := deskLetter(6)
	done.State = "resolved"
	index(t, s, 4, done)

	if p := find(t, s, view.DeskQuery{States: []string{"open"}}); p.Total != 2 || p.Items[0].ID != "L000002" {
		t.Errorf("open: %+v", p)
	}
	if p := find(t, s, view.DeskQuery{Text: "refused"}); p.Total != 1 || p.Items[0].Opening != 2 {
		t.Errorf("by its new cause: %+v", p)
	}
	if p := find(t, s, view.DeskQuery{Text: "x1"}); p.Total != 0 {
		t.Errorf("by the cause that it had: %+v", p)
	}
	s.Close()
	s = open(t, dir) // as another process finds it
	groups, err := s.Groups(t.Context(), "", at.Add(2*time.Hour))
	if err != nil || len(groups) != 3 {
		t.Fatalf("%+v, %v", groups, err)
	}
	if g := groups[0]; g.Fingerprint != "fp-9" || g.Open != 1 || g.Failures != 1 || g.Hours[22] != 1 || g.Cause != "label refused" {
		t.Errorf("the group that it is of now: %+v", g)
	}
	g, err := s.Groups(t.Context(), "fp-1", at.Add(2*time.Hour))
	if err != nil || len(g) != 1 || g[0].Failures != 2 || g[0].Open != 0 || g[0].Resolved != 1 || g[0].Oldest != nil {
		t.Errorf("the group that it was of: %+v, %v", g, err)
	}
	if g, err := s.Groups(t.Context(), "none", at); err != nil || len(g) != 0 {
		t.Errorf("a group that is none: %+v, %v", g, err)
	}
}

func TestCountsAreExactToTenThousand(t *testing.T) {
	s := open(t, t.TempDir())
	var all []view.DeskLetter
	for n := range view.DeskCount + 1 {
		all = append(all, deskLetter(n))
	}
	index(t, s, 1, all[:view.DeskCount]...)
	if p := find(t, s, view.DeskQuery{}); p.Total != view.DeskCount || p.More {
		t.Errorf("%d, more %v", p.Total, p.More)
	}
	index(t, s, 2, all[view.DeskCount])
	if p := find(t, s, view.DeskQuery{}); p.Total != view.DeskCount || !p.More || len(p.Items) != 50 {
		t.Errorf("%d, more %v", p.Total, p.More)
	}
}

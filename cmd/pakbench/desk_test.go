package main

import (
	"testing"

	"github.com/paklog/hub/core/view"
)

// The desk's measurements run small: what they hold against what they know (each count, the order of what is
// found, the planted value, each call once and in order) is what can fail.
func TestTheDeskIsMeasuredSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the benches run small, but they run")
	}
	for _, name := range []string{"desk/search", "desk/group", "desk/replay"} {
		t.Run(name, func(t *testing.T) {
			got := reportsOf(t, working(t), name, "round\nround\n")
			for _, r := range got {
				if r.Error != "" {
					t.Fatal(r.Error)
				}
			}
			if len(got) != 3 || got[2].Value <= 0 || got[2].Counts["letters"] < leastReplayed {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What the searches must find is counted apart from the index; a count that is off by one is told.
func TestASearchThatCountsWronglyIsTold(t *testing.T) {
	d, err := openDesk(t.Context(), working(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	found := 0
	for i, a := range d.asks {
		if a.want == 0 {
			continue
		}
		found++
		d.asks[i].want--
		if err := d.counts(t.Context()); err == nil && a.want <= view.DeskCount { // above, it is no more than many
			t.Errorf("%s: one letter less than there are is not told", a.name)
		}
		d.asks[i].want++
		if found == 5 {
			break
		}
	}
	if nothing := len(d.asks) - found; found == 0 || nothing == 0 {
		t.Errorf("%d searches find something, %d nothing", found, nothing)
	}
}

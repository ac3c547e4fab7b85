package eip_test

import (
	"slices"
	"testing"

	"github.com/paklog/hub/routes/eip"
)

func TestCatalogIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range eip.Catalog() {
		if seen[p.Name] || p.Name == "" || p.About == "" || p.Code == "" {
			t.Errorf("pattern %+v is named twice or says too little", p)
		}
		seen[p.Name] = true
	}
}

func TestUsesKeepsWhatItDoesNotKnow(t *testing.T) {
	uses, unknown := eip.Uses(map[string][]string{
		"b": {eip.NameSplitter, "teleporter"}, "a": {eip.NameSplitter, eip.NameSplitter},
	})
	if !slices.Equal(unknown, []string{"teleporter"}) {
		t.Errorf("unknown = %q", unknown)
	}
	for _, u := range uses {
		if want := []string{"a", "b"}; u.Name == eip.NameSplitter && !slices.Equal(u.Routes, want) {
			t.Errorf("splitter is used by %q, want %q", u.Routes, want)
		}
		if u.Name == eip.NameDelay && u.Routes != nil {
			t.Errorf("delay is used by %q", u.Routes)
		}
	}
}

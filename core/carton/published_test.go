package carton_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/paklog/hub/core/carton"
)

// TestPublishedContainers loads two of each set of Bischoff and Ratcliff with little
// effort; pakbench measures all of them. The other files of the format are loaded or
// refused with a line.
func TestPublishedContainers(t *testing.T) {
	const dir = "../../../shared/data/wms-instances/cartonisation/data/box_raw"
	files, _ := filepath.Glob(filepath.Join(dir, "[bdil]*", "*.txt")) // egeblad2009 is another format
	if len(files) == 0 {
		t.Skipf("no container-loading instances: %s is absent", dir)
	}
	var full, room int64
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		problems, err := carton.Parse(text)
		if err != nil {
			// thpack9 lacks a flag in three lines.
			if filepath.Base(file) != "thpack9.txt" {
				t.Errorf("%s: %v", file, err)
			}
			t.Logf("%s: %v", filepath.Base(file), err)
			continue
		}
		for _, p := range []carton.Problem{problems[3], problems[len(problems)/2]} {
			a := carton.Load(p, carton.Options{Effort: 1_000_000})
			if err := carton.Check(p, a.Placements); err != nil {
				t.Errorf("%s, instance %d: %v", file, p.ID, err)
			}
			if a.Volume > a.Bound {
				t.Errorf("%s, instance %d: %d is above the bound %d", file, p.ID, a.Volume, a.Bound)
			}
			t.Logf("%s instance %d: %.2f %%", filepath.Base(file), p.ID, 100*float64(a.Volume)/float64(p.Container.Volume()))
			if filepath.Base(filepath.Dir(file)) == "bischoff1995" {
				full, room = full+a.Volume, room+p.Container.Volume()
			}
		}
	}
	if full*1000 < 930*room {
		t.Errorf("BR1-BR7 are %d of %d full, below 93 %%", full, room)
	}
}

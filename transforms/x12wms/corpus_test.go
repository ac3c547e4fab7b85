package x12wms_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/transforms/x12wms"
)

func TestCorpusOrdersEndAsCommandOrFinding(t *testing.T) {
	const dir = "../../../shared/data/edi-samples"
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
	if len(files) == 0 {
		t.Skipf("no EDI samples: %s is absent", dir)
	}
	p := x12wms.Profile{Tenant: "t1", Facility: "dc1"}
	placed, refused := 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := x12.Parse(data, x12.Limits{})
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for s := range d.Sets() {
			if s.ST.ID != "940" && s.ST.ID != "850" {
				continue
			}
			name := filepath.Base(filepath.Dir(file)) + "/" + filepath.Base(file)
			o, err := p.Order(s)
			if err == nil {
				placed++
				t.Logf("%-60s %s order %s, %d lines, to %q", name, s.ST.ID, o.Command.Number, len(o.Command.Lines), o.Command.ShipTo.Name)
				continue
			}
			refused++
			var bad *x12wms.Error
			if !errors.As(err, &bad) {
				t.Errorf("%s: %v has no findings", name, err)
				continue
			}
			for _, f := range bad.Findings {
				if f.Offset < s.Offset || f.Offset > s.Offset+int64(len(s.Raw)) || f.Line < 1 || f.Element == "" || f.Segment < 1 {
					t.Errorf("%s: finding without its place: %+v", name, f)
				}
			}
			t.Logf("%-60s %s %s", name, s.ST.ID, bad.Findings[0])
		}
	}
	t.Logf("%d sets placed, %d refused with a finding", placed, refused)
}

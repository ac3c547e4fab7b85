package grammar

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/paklog/hub/edi/x12"
)

func TestCorpusIsCheckedWithoutHarm(t *testing.T) {
	const dir = "../../../../shared/data/edi-samples"
	files, _ := filepath.Glob(dir + "/*/*")
	if len(files) == 0 {
		t.Skipf("no EDI samples: %s is absent", dir)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := x12.Parse(data, x12.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for p := range d.Sets() {
			p.Findings = nil
			Builtin().Check(p)
			if set, _ := Builtin().Find(p.ST.ID, ""); set == nil {
				continue
			}
			t.Logf("%s %s worst=%v", filepath.Base(name), p.ST.ID, x12.Worst(p.Findings))
			for _, f := range p.Findings {
				t.Logf("    %s %s %v", f.Code, f.Loop, f)
			}
		}
	}
}

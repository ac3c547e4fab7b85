package grammar_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/grammar"
	"github.com/paklog/hub/edi/finding"
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
		d, err := edifact.Parse(data, edifact.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for p := range d.Messages() {
			p.Findings = nil
			grammar.Builtin().Check(p)
			if set, _ := grammar.Builtin().Find(p.UNH); set == nil {
				continue
			}
			t.Logf("%s %s %s worst=%v", filepath.Base(name), p.UNH.Type, p.UNH.Directory(), finding.Worst(p.Findings))
			for _, f := range p.Findings {
				if f.Offset < p.Offset || f.Offset+int64(f.Length) > p.Offset+int64(len(p.Raw)) {
					t.Errorf("finding outside its message: %+v", f)
				}
				t.Logf("    %s %s %v", f.Code, f.Loop, f)
			}
		}
	}
}

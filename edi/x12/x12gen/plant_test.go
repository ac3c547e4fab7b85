package x12gen_test

import (
	"bytes"
	"testing"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/grammar"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// TestPlantedErrorsAreFoundWhereTheyStand plants each kind in documents of
// several seeds. The sets around it are as clean as before.
func TestPlantedErrorsAreFoundWhereTheyStand(t *testing.T) {
	t.Parallel()
	for k := range x12gen.PlantedKinds() {
		for seed := range uint64(5) {
			var b bytes.Buffer
			if _, err := x12gen.Write(&b, x12gen.Config{Seed: seed, Sets: 3, MostLine: 4, Options: x12.WriterOptions{LineEnd: "\n"}}); err != nil {
				t.Fatal(err)
			}
			bad, planted, err := x12gen.Plant(b.Bytes(), k)
			if err != nil {
				t.Fatal(err)
			}
			d, err := x12.Parse(bad, x12.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, p := range d.Parts {
				grammar.Builtin().Check(p)
				for _, f := range p.Findings {
					found = found || f.Code == planted.Code && f.Offset == int64(planted.Offset)
				}
				if p.Kind == x12.TransactionSet && p.ST.Control != "0002" && planted.Code != "gs01-set" && planted.Code != "st02-repeated" && len(p.Findings) > 0 {
					t.Errorf("%s, seed %d: a neighbour has findings: %v", planted.Kind, seed, p.Findings)
				}
			}
			if !found {
				t.Errorf("%s, seed %d: no %s at byte %d (%q) among %v\n%s", planted.Kind, seed, planted.Code, planted.Offset,
					bad[planted.Offset:min(len(bad), planted.Offset+10)], d.Findings(), bad)
				break
			}
		}
	}
	if n := x12gen.PlantedKinds(); n < 20 {
		t.Errorf("%d kinds", n)
	}
}

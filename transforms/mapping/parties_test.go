package mapping_test

import (
	"os"
	"testing"

	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/transforms/mapping"
	"github.com/paklog/hub/transforms/x12wms"
)

// What is answered names the parties as the document did, those too that the map takes nothing of; those of
// one line are none of the order's.
func TestAMapKeepsWhomTheDocumentNames(t *testing.T) {
	t.Parallel()
	named := func(role, list, code, name string) party.Named {
		return party.Named{Coded: party.Coded{Role: role, List: list, Code: code}, Name: name}
	}
	for name, c := range map[string]struct {
		reads, of string
		want      []party.Named
	}{
		"850-parties.edi":    {"850", "  number: set.BEG[3]\n", []party.Named{named("ST", "92", "S-204", "Riverside"), named("BY", "UL", "4311501000007", "Acme Buying"), named("SU", "9", "0073268795005", "")}},
		"orders-parties.edi": {"ORDERS", "  number: set.BGM[2]\n", []party.Named{named("DP", "92", "S-204", "Riverside"), named("BY", "UL", "4311501000007", "")}},
	} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mapping.Compile("t.yaml", []byte("map: t\nreads: \""+c.reads+"\"\nmakes: order\nout:\n"+c.of+
			"  ship_to: {name: \"'Jo'\", lines: [\"'1 Main'\"], city: \"'Reno'\", region: \"'NV'\", postal_code: \"'89501'\", country: \"'US'\"}\n  lines: [{item: \"'GLV-M'\", qty: 24, uom: \"'each'\"}]\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		err = mapping.Each(text, func(d mapping.Document) error {
			seen++
			o, ok, err := m.Order(x12wms.Profile{Tenant: "t", Owner: "acme", Facility: "dc1"}, d)
			if err != nil || !ok {
				return err
			}
			if got := o.Command.Named; len(got) != len(c.want) {
				t.Errorf("%s names %+v", name, got)
			} else {
				for i := range got {
					if got[i] != c.want[i] {
						t.Errorf("%s names %+v, want %+v", name, got[i], c.want[i])
					}
				}
			}
			return nil
		})
		if err != nil || seen != 1 {
			t.Errorf("%s: %d documents, %v", name, seen, err)
		}
	}
}

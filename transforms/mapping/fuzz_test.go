package mapping_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/transforms/mapping"
	"github.com/paklog/hub/transforms/x12wms"
)

// FuzzMapsNeverHarm runs any map over any document: what comes out is JSON, nothing, or a refusal
// whose findings have their place; it never panics and never takes long.
func FuzzMapsNeverHarm(f *testing.F) {
	examples := filepath.Join("..", "..", "configs", "maps")
	own, err := os.ReadFile(filepath.Join(examples, "acme-940.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	rush, err := os.ReadFile(filepath.Join(examples, "acme-940.rush.in.edi"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own, rush)
	f.Add([]byte("map: t\nreads: [\"940\", ORDERS]\nmakes: json\n"+loops+"out:\n  x: {$each: set.line, $as: l, q: 'num(l.W01[1]).text(2, \"up\")'}\n"), []byte(set))
	f.Add([]byte("map: t\nreads: ORDERS\nmakes: json\n"+groups+"out:\n  x: 'set.line.map(l, l.every(\"QTY\").by(\"21\").at(1, 2))'\n"), []byte(ordersMessage))
	f.Add([]byte("map: t\nreads: \"856\"\nmakes: receipt\nloops:\n  level: {first: HL, holds: [SN1, LIN], id: 1, parent: 2}\nout:\n  receipt: set.BSN[2]\n  lines: {$each: 'set.level.filter(l, l.HL[3] == \"I\")', item: it.LIN[3], qty: size(it.above())}\n"), []byte(asn))
	f.Add([]byte(bomb()), []byte(set))
	f.Add([]byte("map: t\nreads: \"940\"\nmakes: changes\n"+loops+"out:\n  - {after: set.W05, add: N9, set: {1: 'set.W05[2]', \"2.2\": \"'x'\"}}\n  - {$each: set.line, remove: it}\n"), []byte(set))
	f.Add([]byte("map: t\nreads: ORDERS\nmakes: changes\n"+groups+"out:\n  - {$each: set.line, at: it.QTY, set: {'1.3': 'it.QTY.at(1, 2)'}}\n"), []byte(ordersMessage))
	f.Fuzz(func(t *testing.T, text, document []byte) {
		m, err := mapping.Compile("t.yaml", text, tables)
		var problems mapping.Problems
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
			t.Fatalf("a map that does not compile: %v", err)
		}
		if m == nil {
			return
		}
		_ = mapping.Each(document, func(d mapping.Document) error {
			made, err := m.Run(d)
			var bad *x12wms.Error
			switch {
			case errors.As(err, &bad):
				for _, f := range bad.Findings {
					if f.Code == "" || f.Message == "" || f.Offset < 0 || f.Offset > int64(len(document)) || f.Line < 1 {
						t.Fatalf("a finding without a place: %+v", f)
					}
				}
			case err != nil:
				t.Fatalf("%v: %v", fault.KindOf(err), err)
			case made.JSON != nil && !json.Valid(made.JSON):
				t.Fatalf("no JSON: %s", made.JSON)
			}
			profile := x12wms.Profile{Tenant: "main"}
			switch m.Makes {
			case mapping.MakesOrder:
				_, _, err = m.Order(profile, d)
			case mapping.MakesReceipt:
				_, _, err = m.Expected(profile, d)
			default:
				err = nil
			}
			if err != nil && fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return nil
		})
	})
}

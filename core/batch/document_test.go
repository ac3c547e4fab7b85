package batch_test

import (
	"strings"
	"testing"

	"github.com/paklog/hub/core/batch"
	"github.com/paklog/hub/core/fault"
)

const document = `{"aisles": 2, "cells": 10, "aisle_to_aisle": 5, "cell_to_cell": 1, "front_to_cell": 1.5, "back_to_cell": 1.50,
 "depot": {"aisle": 0, "end": "front", "distance": 0.5}, "cell_zero": "front", "capacity_lines": 3,
 "orders": [{"id": "A", "lines": [{"aisle": 0, "cell": 0}, {"aisle": 0, "cell": 2}]}, {"id": 7, "lines": [{"aisle": 1, "cell": 9}]}]}`

func TestDocument(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"an instance": {document, `{"batches":[{"orders":["A",7],"stops":[{"aisle":1,"cell":9},{"aisle":0,"cell":2},{"aisle":0,"cell":0}],"length":35}],"total":35,"bound":35}`},
		"cell 0 at the back": {
			strings.Replace(document, `"cell_zero": "front"`, `"cell_zero": "back"`, 1),
			`{"batches":[{"orders":["A",7],"stops":[{"aisle":1,"cell":9},{"aisle":0,"cell":0},{"aisle":0,"cell":2}],"length":35}],"total":35,"bound":35}`,
		},
		"ends as the SPRP text format names them": {
			strings.NewReplacer(`"cell_zero": "front"`, `"cell_zero": "top"`, `"end": "front"`, `"end": "bottom"`).Replace(document),
			`{"batches":[{"orders":["A",7],"stops":[{"aisle":1,"cell":9},{"aisle":0,"cell":0},{"aisle":0,"cell":2}],"length":35}],"total":35,"bound":35}`,
		},
		"no orders": {document[:strings.Index(document, `[{"id"`)] + "[]}", `{"batches":[],"total":0,"bound":0}`},
	} {
		d, err := batch.Read([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a, err := batch.Solve(&d.Instance, 1, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b, err := d.Encode(a)
		if err != nil || string(b) != c.want {
			t.Errorf("%s: %v\n%s, want\n%s", name, err, b, c.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, want string }{
		{document, "", "the file ends within the instance"},
		{document, "[]", "the instance is no object: give one with aisle_to_aisle, aisles"},
		{document, document + "{}", "more follows the instance"},
		{document, document[:200], "it was cut"},
		{`"A"`, "\"\xff\"", "not UTF-8"},
		{`"aisles"`, `"Aisles"`, "Aisles is unknown: the keys are aisle_to_aisle"},
		{`"cells": 10`, `"cells": 10, "cells": 10`, "cells is given twice"},
		{`"cell_to_cell": 1, `, ``, "the instance lacks cell_to_cell"},
		{`, "distance": 0.5`, ``, "depot lacks distance"},
		{`"cells": 10`, `"cells": 10.0`, "cells is 10.0: give a whole number"},
		{`"cells": 10`, `"cells": "10"`, "cells is 10: give a whole number"},
		{`"cells": 10`, `"cells": 99999999999`, "cells is 99999999999: give a whole number"},
		{`1.5`, `1.25`, "front_to_cell is 1.25: give a length in plain digits"},
		{`1.5`, `15e-1`, "front_to_cell is 15e-1: give a length"},
		{`1.5`, `-0.5`, "front_to_cell is -0.5: give a length"},
		{`1.5`, `null`, "front_to_cell is <nil>: give a length"},
		{`"end": "front"`, `"end": "both"`, `depot.end is both: give "front" or "back"`},
		{`"cell_zero": "front"`, `"cell_zero": 0`, `cell_zero is 0: give "front" or "back"`},
		{`{"aisle": 0, "end": "front", "distance": 0.5}`, `0`, "depot is no object"},
		{`"orders": [`, `"orders": {}, "x": [`, "orders is no list"},
		{`"id": 7`, `"id": 7.5`, "orders[1].id is 7.5: give a string or a whole number"},
		{`"id": 7`, `"id": ""`, "orders[1] has no id"},
		{`"id": 7`, `"id": "A"`, "orders[1] (A) has the id of orders[0]"},
		{`"aisle": 1, `, `"aisle": 2, `, "orders[1] (7).lines[0] is in aisle 2: give 0 to 1"},
		{`"cell": 9`, `"cell": 9, "qty": 1`, "orders[1].lines[0].qty is unknown"},
		{`"cell": 9`, `"cell": 10`, "is in cell 10: give 0 to 9"},
		{`"capacity_lines": 3`, `"capacity_lines": 1`, "orders[0] (A) has 2 lines and a batch holds 1: split the order"},
	} {
		_, err := batch.Read([]byte(strings.Replace(document, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) || fault.KindOf(err) != fault.Rejected {
			t.Errorf("%q for %q: %v, want %q", c.to, c.from, err, c.want)
		}
	}
}

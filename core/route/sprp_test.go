package route_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/route"
)

const sprpFile = `NAME : one.txt
TYPE : Single_picker_routing_with_scattered_storage
COMMENT : free text, one byte of it no UTF-8: ` + "\xdf" + `
LAYOUT : single-block
NUM_AISLES : 4
NUM_CELLS : 10
DEPOT_AISLE : 1
DEPOT_LOCATION : bottom
DISTANCE_AISLE_TO_AISLE : 3
DISTANCE_CELL_TO_CELL : 1
DISTANCE_TOP_TO_CELL : 1
DISTANCE_BOTTOM_TO_CELL : 1
DISTANCE_TOP_OR_BOTTOM_TO_DEPOT : 1.5
ARTICLE_SECTION
NUM_ARTICLES : 2
ID 7
ID 3
SKU_SECTION
NUM_SKUS : 3
ID 7 AISLE 0 CELL 0 QUANTITY 1 LEFT_RIGHT_HAND_SIDE left
ID 3 AISLE 3 CELL 9 QUANTITY 4 LEFT_RIGHT_HAND_SIDE right
ID 7 AISLE 1 CELL 9 QUANTITY 2 LEFT_RIGHT_HAND_SIDE left
ORDER_SECTION
NUM_ARTICLES : 2
ID 7 QUANTITY 2
ID 3 QUANTITY 1
EOF`

func ExampleReadSPRP() {
	in, err := route.ReadSPRP([]byte(sprpFile), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := route.Solve(in.Problem, 1, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range a.Takes {
		fmt.Printf("%d of article %d from aisle %d, cell %d\n", t.Qty, in.Articles[t.Article], t.Aisle, t.Cell)
	}
	fmt.Println("length", in.Distance(a.Length), "bound", in.Distance(a.Bound))
	// Output:
	// 1 of article 3 from aisle 3, cell 9
	// 2 of article 7 from aisle 1, cell 9
	// length 19 bound 19
}

func TestReadSPRP(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"as it is":         sprpFile,
		"CRLF":             strings.ReplaceAll(sprpFile, "\n", "\r\n"),
		"a final line end": sprpFile + "\n",
		"blank lines":      strings.ReplaceAll(sprpFile, "SECTION\n", "SECTION\n\n"),
	} {
		in, err := route.ReadSPRP([]byte(text), 2)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// The depot's 1.5 has a decimal, so distances count in twentieths.
		want := route.Warehouse{Aisles: 4, Cells: 10, Blocks: 2, AisleToAisle: 60, CellToCell: 20, FrontToCell: 20, BackToCell: 20, MiddleToCell: 20, Depot: route.Depot{Aisle: 1, End: route.Back, Distance: 30}}
		if in.Problem.Warehouse != want || in.Name != "one.txt" || !slices.Equal(in.Articles, []int64{7, 3}) || !slices.Equal(in.Problem.Demand, []int64{2, 1}) {
			t.Errorf("%s: %+v", name, in)
		}
		if want := (route.Stock{Position: route.Position{Aisle: 3, Cell: 9}, Article: 1, Qty: 4}); len(in.Problem.Stock) != 3 || in.Problem.Stock[1] != want {
			t.Errorf("%s: stock %v", name, in.Problem.Stock)
		}
	}
}

func TestDistancesAreDecimal(t *testing.T) {
	t.Parallel()
	in, err := route.ReadSPRP([]byte(strings.Replace(sprpFile, "DEPOT : 1.5", "DEPOT : 0.125", 1)), 1)
	if err != nil {
		t.Fatal(err)
	}
	for v, want := range map[int64]string{0: "0", 2000: "1", 2250: "1.125", 1: "0.0005", 3000: "1.5", 20: "0.01"} {
		if got := in.Distance(v); got != want {
			t.Errorf("%d is %s, want %s", v, got, want)
		}
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, with, want string }{
		"no key":                   {"NUM_AISLES : 4\n", "", "line 13: NUM_AISLES is missing"},
		"unknown key":              {"LAYOUT", "SHAPE", `line 4: "SHAPE : single-block" is no header line`},
		"a key twice":              {"NUM_CELLS", "NUM_AISLES", "line 6: NUM_AISLES stands a second time: it was given on line 5"},
		"a key without a colon":    {"NUM_CELLS : 10", "NUM_CELLS 10", "line 6: "},
		"unknown layout":           {"single-block", "fishbone", `line 4: layout "fishbone" is not known`},
		"unknown type":             {"Single_picker_routing_with_scattered_storage", "TSP", `line 2: type "TSP" is not known`},
		"no number":                {"NUM_CELLS : 10", "NUM_CELLS : ten", `line 6: NUM_CELLS: "ten" is not a whole number`},
		"no aisles":                {"NUM_AISLES : 4", "NUM_AISLES : 0", "line 5: NUM_AISLES: 0 is not between 1 and"},
		"too many cells":           {"NUM_CELLS : 10", "NUM_CELLS : 99999999", "line 6: NUM_CELLS: 99999999 is not between"},
		"a depot in no aisle":      {"DEPOT_AISLE : 1", "DEPOT_AISLE : 4", "line 7: DEPOT_AISLE: 4 is no aisle: there are 0 to 3"},
		"a depot in the middle":    {"bottom", "middle", `line 8: DEPOT_LOCATION: "middle" is not known`},
		"a negative distance":      {"AISLE_TO_AISLE : 3", "AISLE_TO_AISLE : -3", `line 9: DISTANCE_AISLE_TO_AISLE: "-3" is not a distance`},
		"a distance in words":      {"CELL_TO_CELL : 1", "CELL_TO_CELL : NaN", `line 10: DISTANCE_CELL_TO_CELL: "NaN" is not a distance`},
		"an empty distance":        {"CELL_TO_CELL : 1", "CELL_TO_CELL :", `line 10: DISTANCE_CELL_TO_CELL: "" is not a distance`},
		"too many decimals":        {"DEPOT : 1.5", "DEPOT : 1.23456", "a distance has 5 decimals"},
		"a distance out of bounds": {"AISLE_TO_AISLE : 3", "AISLE_TO_AISLE : 99999999999", "line 9: DISTANCE_AISLE_TO_AISLE: 99999999999 is too large"},
		"fewer articles than said": {"NUM_ARTICLES : 2\nID 7\nID 3", "NUM_ARTICLES : 3\nID 7\nID 3", `line 18: "SKU_SECTION": expected ID`},
		"more articles than said":  {"NUM_ARTICLES : 2\nID 7\nID 3", "NUM_ARTICLES : 1\nID 7\nID 3", `line 17: "ID 3" where SKU_SECTION was expected`},
		"no count":                 {"NUM_SKUS : 3", "NUM_SKUS", `line 19: NUM_SKUS: "" is not a whole number`},
		"another section's count":  {"NUM_SKUS : 3", "NUM_ARTICLES : 3", "line 19: \"NUM_ARTICLES : 3\" where `NUM_SKUS : count` was expected"},
		"an article twice":         {"ID 3\nSKU", "ID 7\nSKU", "line 17: article 7 stands a second time"},
		"an article nobody listed": {"ID 3 AISLE", "ID 4 AISLE", "line 21: article 4 does not stand in ARTICLE_SECTION"},
		"an aisle outside":         {"AISLE 3 CELL 9", "AISLE 4 CELL 9", "line 21: AISLE: 4 is not between 0 and 3"},
		"a cell outside":           {"AISLE 3 CELL 9", "AISLE 3 CELL 10", "line 21: CELL: 10 is not between 0 and 9"},
		"a negative quantity":      {"QUANTITY 4", "QUANTITY -4", "line 21: QUANTITY: -4 is not between"},
		"fields in another order":  {"AISLE 3 CELL 9", "CELL 9 AISLE 3", `line 21: "CELL" where AISLE was expected`},
		"a field too many":         {"QUANTITY 4", "QUANTITY 4 5", "line 21: "},
		"an unknown side":          {"right", "upside", `line 21: LEFT_RIGHT_HAND_SIDE: "upside" is not known`},
		"no position":              {"NUM_SKUS : 3", "NUM_SKUS : 0", "line 19: NUM_SKUS: 0 is not between 1 and"},
		"an order for nothing":     {"ID 3 QUANTITY 1\nEOF", "ID 3 QUANTITY 0\nEOF", "line 26: QUANTITY: 0 is not between 1 and"},
		"an order twice":           {"ID 3 QUANTITY 1\nEOF", "ID 7 QUANTITY 1\nEOF", "line 26: article 7 is ordered a second time"},
		"more than there is":       {"ID 7 QUANTITY 2", "ID 7 QUANTITY 4", "line 25: article 7: 4 ordered, and all its positions hold 3"},
		"a cut file":               {"ID 3 QUANTITY 1\nEOF", "", "line 26: the file ends after 1 of 2 lines that NUM_ARTICLES announces"},
		"no EOF":                   {"\nEOF", "", "line 27: the file ends: expected EOF"},
		"text after EOF":           {"\nEOF", "\nEOF\nID 9", `line 28: "ID 9" after EOF`},
		"an empty file":            {sprpFile, "", "the file ends in its header"},
		"binary":                   {sprpFile, "\x00\x01\x02", "line 1: "},
	} {
		text := strings.Replace(sprpFile, c.old, c.with, 1)
		if text == sprpFile {
			t.Errorf("%s: nothing was replaced", name)
		}
		_, err := route.ReadSPRP([]byte(text), 1)
		if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadSPRP(f *testing.F) {
	f.Add([]byte(sprpFile), 1)
	f.Add([]byte(sprpFile), 2)
	f.Add([]byte("NAME : x\nARTICLE_SECTION"), 1)
	f.Fuzz(func(t *testing.T, text []byte, blocks int) {
		in, err := route.ReadSPRP(text, 1+blocks&1)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || !strings.HasPrefix(fault.PlaceOf(err), "line ") {
				t.Fatalf("no place: %v", err)
			}
			return
		}
		if in.Problem.Warehouse.Aisles > 50 || in.Problem.Warehouse.Cells > 200 {
			return
		}
		a, err := route.Solve(in.Problem, 1, func(effort int64) bool { return effort > 1000 })
		if err != nil {
			t.Fatal(err)
		}
		check(t, newFloor(in.Problem.Warehouse), in.Problem, a)
	})
}

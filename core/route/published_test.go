package route_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/paklog/hub/core/route"
)

const sprpDir = "../../../shared/data/wms-instances/sprp"

// column reads a table of published lengths into a map by file name.
func published(t testing.TB, table string) map[string]int64 {
	t.Helper()
	text, err := os.Open(filepath.Join(sprpDir, "results", table))
	if os.IsNotExist(err) {
		t.Skip("the SPRP instances of ../shared are not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	rows, err := csv.NewReader(text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	out := map[string]int64{}
	for _, row := range rows[1:] {
		var name, value string
		if i, ok := at["filename"]; ok {
			name, value = row[i], row[at["objective"]]
		} else {
			kind := "varying"
			if row[at["unit demand"]] == "true" {
				kind = "unit"
			}
			f := func(key string) string { return row[at[key]] }
			name = kind + "_F" + f("alpha") + "_m" + f("num aisles") + "_C" + f("num cells") + "_a" + f("num articles") + "_" + f("random seed") + ".txt"
			value = f("GS MIP cost")
		}
		v, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = v
	}
	return out
}

// instances are the files with a name prefix, and their number of blocks as asked.
func instances(t testing.TB, blocks int, prefix ...string) []route.Instance {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(sprpDir, "instances", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out []route.Instance
	for _, file := range files {
		for _, p := range prefix {
			if !strings.HasPrefix(filepath.Base(file), p) {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in, err := route.ReadSPRP(text, blocks)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if in.Name != filepath.Base(file) {
				t.Fatalf("%s calls itself %q", file, in.Name)
			}
			out = append(out, in)
		}
	}
	if len(out) == 0 {
		t.Skip("the SPRP instances of ../shared are not here")
	}
	return out
}

func positions(p route.Problem) []route.Position {
	var at []route.Position
	for _, s := range p.Stock {
		at = append(at, s.Position)
	}
	return at
}

func TestEveryPublishedOptimumWithOnePositionAnArticle(t *testing.T) {
	for blocks, table := range []string{1: "results_SPRP.csv", 2: "results_SPRP_two_block.csv"} {
		if blocks == 0 {
			continue
		}
		want := published(t, table)
		var n, s, l int64
		for _, in := range instances(t, blocks, "unit_F1_") {
			r, err := route.NewRouter(in.Problem.Warehouse)
			if err != nil {
				t.Fatal(err)
			}
			at := positions(in.Problem)
			got := r.Length(at)
			if in.Distance(got) != strconv.FormatInt(want[in.Name], 10) {
				t.Errorf("%s, %d blocks: %s, published is %d", in.Name, blocks, in.Distance(got), want[in.Name])
			}
			n++
			s += (route.SShape(in.Problem.Warehouse, at) - got) * 10000 / got
			l += (route.LargestGap(in.Problem.Warehouse, at) - got) * 10000 / got
		}
		t.Logf("%d instances, S-shape %d, largest gap %d (0.01 %%)", n, s/n, l/n)
	}
}

func BenchmarkRouter(b *testing.B) {
	for blocks := 1; blocks <= 2; blocks++ {
		all := instances(b, blocks, "unit_F1_")
		var rs []*route.Router
		var sets []route.Set
		var at [][]route.Position
		for _, in := range all {
			r, _ := route.NewRouter(in.Problem.Warehouse)
			rs = append(rs, r)
			at = append(at, positions(in.Problem))
			sets = append(sets, r.NewSet(at[len(at)-1]))
		}
		b.Run(strconv.Itoa(blocks), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				rs[i%len(rs)].LengthOf(sets[i%len(rs)])
			}
		})
		b.Run(strconv.Itoa(blocks)+"tour", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				rs[i%len(rs)].Tour(at[i%len(rs)])
			}
		})
	}
}

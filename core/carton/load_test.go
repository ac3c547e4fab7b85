package carton_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/carton"
	"github.com/paklog/hub/core/fault"
)

func Example() {
	problems, err := carton.Parse([]byte(`1
1
100 50 40
1
1 50 1 50 1 40 1 9
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	a := carton.Load(problems[0], carton.Options{})
	fmt.Println(a.Placements, a.Volume, a.Bound)
	// Output: [{0 [0 0 0] [50 50 40]} {0 [50 0 0] [50 50 40]}] 200000 200000
}

func drawProblem(t *rapid.T) carton.Problem {
	side := rapid.IntRange(1, 60)
	p := carton.Problem{ID: 1, Container: carton.Size{side.Draw(t, "L"), side.Draw(t, "W"), side.Draw(t, "H")}}
	for i := range rapid.IntRange(1, 6).Draw(t, "types") {
		k := carton.Type{
			ID: i + 1, Size: carton.Size{side.Draw(t, "a"), side.Draw(t, "b"), side.Draw(t, "c")},
			Upright: [3]bool{rapid.Bool().Draw(t, "1"), rapid.Bool().Draw(t, "2"), true}, Qty: rapid.IntRange(0, 60).Draw(t, "qty"),
		}
		for d := range 3 {
			if rapid.Bool().Draw(t, "small") {
				k.Size[d] = (k.Size[d] + 5) / 6
			}
		}
		p.Types = append(p.Types, k)
	}
	return p
}

// TestLoadingsArePossible loads random containers: each loading passes the check,
// is as large as it says, never above its bound, never less than a box that fits,
// and the same again.
func TestLoadingsArePossible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		o := carton.Options{Seed: rapid.Uint64Range(0, 3).Draw(t, "seed"), Effort: 20_000}
		a := carton.Load(p, o)
		if err := carton.Check(p, a.Placements); err != nil {
			t.Fatalf("%v\n%+v", err, a)
		}
		var volume int64
		for _, b := range a.Placements {
			volume += b.Size.Volume()
			if p.Types[b.Type].Orientation(b.Size) == [3]int{} {
				t.Fatalf("%+v has no orientation", b)
			}
		}
		if volume != a.Volume || volume > a.Bound || a.Bound > p.Container.Volume() {
			t.Fatalf("%d in it, %d said, at most %d", volume, a.Volume, a.Bound)
		}
		if first := carton.FirstFit(p); carton.Check(p, first.Placements) != nil || a.Volume == 0 && first.Volume > 0 {
			t.Fatalf("first fit %+v, ours %+v", first, a)
		}
		if again := carton.Load(p, o); !reflect.DeepEqual(a, again) {
			t.Fatalf("another loading of the same: %+v, %+v", a, again)
		}
	})
}

func TestLoadObeysItsStop(t *testing.T) {
	p := carton.Problem{Container: carton.Size{587, 233, 220}}
	for i := range 8 {
		p.Types = append(p.Types, carton.Type{ID: i, Size: carton.Size{60 + 7*i, 41 + 3*i, 30 + i}, Upright: [3]bool{true, true, true}, Qty: 60})
	}
	for _, n := range []int{1, 2, 50} {
		asked := 0
		a := carton.Load(p, carton.Options{Stop: func() bool { asked++; return asked >= n }})
		if asked != n || a.Volume == 0 {
			t.Errorf("asked %d times after the %dth was yes; loaded %d", asked, n, a.Volume)
		}
	}
	short, long := carton.Load(p, carton.Options{Effort: 1}), carton.Load(p, carton.Options{Effort: 300_000})
	if short.Volume >= long.Volume || short.Effort >= long.Effort {
		t.Errorf("effort 1: %d with %d; effort 300,000: %d with %d", short.Volume, short.Effort, long.Volume, long.Effort)
	}
	if other := carton.Load(p, carton.Options{Effort: 300_000, Seed: 7}); reflect.DeepEqual(other.Placements, long.Placements) {
		t.Error("the seed changes nothing")
	}
}

// TestLoadEdges are problems with nothing to search.
func TestLoadEdges(t *testing.T) {
	any3 := [3]bool{true, true, true}
	for name, c := range map[string]struct {
		types []carton.Type
		boxes int
	}{
		"nothing":                {nil, 0},
		"none of a type":         {[]carton.Type{{Size: carton.Size{1, 1, 1}, Upright: any3}}, 0},
		"too large":              {[]carton.Type{{Size: carton.Size{11, 1, 1}, Upright: any3, Qty: 5}}, 0},
		"fits only on its side":  {[]carton.Type{{Size: carton.Size{9, 4, 2}, Upright: [3]bool{false, false, true}, Qty: 1}}, 1},
		"would have to stand up": {[]carton.Type{{Size: carton.Size{9, 9, 2}, Upright: [3]bool{false, false, true}, Qty: 1}}, 0},
		"may stand up":           {[]carton.Type{{Size: carton.Size{3, 9, 2}, Upright: [3]bool{true, false, true}, Qty: 1}}, 1},
		"all of it":              {[]carton.Type{{Size: carton.Size{5, 2, 3}, Upright: any3, Qty: 8}}, 8},
		"more than fits":         {[]carton.Type{{Size: carton.Size{1, 1, 1}, Upright: any3, Qty: 100_000}}, 10 * 4 * 6},
	} {
		p := carton.Problem{Container: carton.Size{10, 4, 6}, Types: c.types}
		a := carton.Load(p, carton.Options{Effort: 10_000})
		if err := carton.Check(p, a.Placements); err != nil || len(a.Placements) != c.boxes {
			t.Errorf("%s: %d boxes: %v", name, len(a.Placements), err)
		}
	}
	// Large numbers and sides neither overflow nor take long.
	p := carton.Problem{Container: carton.Size{carton.MaxSide, carton.MaxSide, carton.MaxSide}}
	for i := range 20 {
		p.Types = append(p.Types, carton.Type{ID: i, Size: carton.Size{1 + i*999, 7, 100_000 - i}, Upright: any3, Qty: 5_000})
	}
	a := carton.Load(p, carton.Options{Effort: 1})
	if err := carton.Check(p, a.Placements); err != nil || a.Volume == 0 || a.Volume > a.Bound {
		t.Errorf("%d of at most %d: %v", a.Volume, a.Bound, err)
	}
}

// TestCheckFinds what is wrong with a loading.
func TestCheckFinds(t *testing.T) {
	p := carton.Problem{Container: carton.Size{10, 10, 10}, Types: []carton.Type{
		{ID: 4, Size: carton.Size{4, 3, 2}, Upright: [3]bool{false, true, true}, Qty: 3},
		{ID: 5, Size: carton.Size{5, 5, 5}, Upright: [3]bool{true, true, true}, Qty: 1},
	}}
	at := func(typ int, x, y, z int, size carton.Size) carton.Placement {
		return carton.Placement{Type: typ, At: carton.Size{x, y, z}, Size: size}
	}
	flat, turned, stood := carton.Size{4, 3, 2}, carton.Size{3, 4, 2}, carton.Size{4, 2, 3}
	good := []carton.Placement{at(0, 0, 0, 0, flat), at(0, 4, 0, 0, turned), at(0, 1, 0, 2, stood)}
	if err := carton.Check(p, good); err != nil {
		t.Fatal(err)
	}
	for want, placed := range map[string][]carton.Placement{
		"of type 2":             {at(2, 0, 0, 0, flat)},
		"of type -1":            {at(-1, 0, 0, 0, flat)},
		"more than 1 boxes":     {at(1, 0, 0, 0, carton.Size{5, 5, 5}), at(1, 5, 0, 0, carton.Size{5, 5, 5})},
		"does not allow":        {at(0, 0, 0, 0, carton.Size{2, 3, 4})},
		"lies [4 3 3]":          {at(0, 0, 0, 0, carton.Size{4, 3, 3})},
		"no size":               {at(0, 0, 0, 0, carton.Size{0, 3, 2})},
		"not within":            {at(0, 7, 0, 0, flat)},
		"at [0 0 -1]":           {at(0, 0, 0, -1, flat)},
		"overlap":               {at(0, 0, 0, 0, flat), at(0, 3, 2, 1, flat)},
		"rests with 0 of 12":    {at(0, 0, 0, 2, flat)},
		"rests with 9 of 12":    {at(0, 0, 0, 0, flat), at(0, 1, 0, 2, flat)},
		"rests with 0 of 25 of": {at(0, 0, 0, 0, flat), at(1, 0, 0, 3, carton.Size{5, 5, 5})},
	} {
		if err := carton.Check(p, placed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

const goodFile = `2
1 2502505
587 233 220
2
1 108 0 76 0 30 1 40
2 110 0 43 1 25 1 33

2
10 6 16
1
1 2 1 6 1 8 1 20
`

func TestParse(t *testing.T) {
	for name, text := range map[string]string{"LF": goodFile, "CRLF": strings.ReplaceAll(goodFile, "\n", "\r\n"), "cut": strings.TrimSpace(goodFile), "tabs": strings.ReplaceAll(goodFile, " ", "\t ")} {
		ps, err := carton.Parse([]byte(text))
		if err != nil || len(ps) != 2 || ps[0].ID != 1 || ps[1].Container != (carton.Size{10, 6, 16}) ||
			!reflect.DeepEqual(ps[0].Types[1], carton.Type{ID: 2, Size: carton.Size{110, 43, 25}, Upright: [3]bool{false, true, true}, Qty: 33}) {
			t.Errorf("%s: %+v, %v", name, ps, err)
		}
	}
}

// TestParseNamesTheLine refuses what is not the format, with the line and what
// should be there.
func TestParseNamesTheLine(t *testing.T) {
	change := func(old, with string) string {
		if !strings.Contains(goodFile, old) {
			t.Fatalf("no %q in the file", old)
		}
		return strings.Replace(goodFile, old, with, 1)
	}
	for text, want := range map[string][2]string{
		"":                                             {"line 1", "ends where the number of instances"},
		"\xff\xfe":                                     {"line 1", "no whole number"},
		"0\n":                                          {"line 1", "not between 1 and"},
		"1 1\n":                                        {"line 1", "has 2 numbers, 1 expected"},
		change("2\n1 2502505", "3\n1 2502505"):         {"line 12", "the file ends where an instance"},
		change("2\n1 2502505", "1\n1 2502505"):         {"line 8", "follows after the last of 1 instances"},
		change("1 2502505", "1 2502505 3"):             {"line 2", "has 3 numbers, 1 or 2 expected"},
		change("1 2502505", "-1"):                      {"line 2", "-1 is not between"},
		change("2502505", "x"):                         {"line 2", "seed"},
		change("587 233 220", "587 233"):               {"line 3", "has 2 numbers, 3 expected"},
		change("587 233 220", "587 0 220"):             {"line 3", "width: 0 is not between"},
		change("587 233 220", "587 233 220001"):        {"line 3", "height: 220001 is not between"},
		change("587 233 220", "5.5 233 220"):           {"line 3", `"5.5" is no whole number`},
		change("220\n2\n", "220\n3\n"):                 {"line 8", "has 1 numbers, 8 expected"},
		change("220\n2\n", "220\n1001\n"):              {"line 4", "not between 1 and 1000"},
		change("76 0 30", "76 30"):                     {"line 5", "has 7 numbers, 8 expected"},
		change("76 0 30", "76 2 30"):                   {"line 5", "second side's flag: 2 is not between 0 and 1"},
		change("30 1 40", "30 0 40"):                   {"line 5", "may not stand on any side"},
		change("30 1 40", "30 1 -4"):                   {"line 5", "number of boxes: -4"},
		change("30 1 40", "30 1 99999999999999999999"): {"line 5", "is not between 0 and"},
		change("25 1 33", "25 1 99990"):                {"line 6", "more than 100000 boxes"},
		change("2 110", "1 110"):                       {"line 6", "stands in line 5 already"},
		change("10 6 16", "1e1 6 16"):                  {"line 9", `"1e1" is no whole number`},
		goodFile + "7\n":                               {"line 12", `"7" follows`},
	} {
		ps, err := carton.Parse([]byte(text))
		if len(ps) != 0 || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != want[0] || !strings.Contains(fmt.Sprint(err), want[1]) {
			t.Errorf("expected %v: %v\n%s", want, err, text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(goodFile))
	f.Fuzz(func(t *testing.T, text []byte) {
		ps, err := carton.Parse(text)
		if err != nil && (fault.KindOf(err) != fault.Invalid || !strings.HasPrefix(fault.PlaceOf(err), "line ")) {
			t.Fatalf("no line: %v", err)
		}
		for _, p := range ps {
			if p.Container[0] > 500 || p.Container[1] > 500 || p.Container[2] > 500 || len(p.Types) > 20 {
				continue
			}
			if err := carton.Check(p, carton.Load(p, carton.Options{Effort: 1}).Placements); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestManyBoxesStopInTime has room for all of so many small boxes that the first loading alone takes
// seconds: it ends when it is told to, by stop or by effort, with what it has.
func TestManyBoxesStopInTime(t *testing.T) {
	t.Parallel()
	p := carton.Problem{Container: carton.Size{carton.MaxSide, carton.MaxSide, carton.MaxSide}}
	for i := range carton.MaxTypes {
		p.Types = append(p.Types, carton.Type{ID: i, Size: carton.Size{1 + i*77%2999, 1 + i*131%2997, 1 + i*613%2993}, Upright: [3]bool{true, i%2 == 0, true}, Qty: carton.MaxBoxes / carton.MaxTypes})
	}
	for name, o := range map[string]carton.Options{
		"by effort": {Effort: 10_000},
		"by stop":   {Stop: func() bool { return true }},
	} {
		a := carton.Load(p, o)
		if len(a.Placements) == 0 || len(a.Placements) > carton.MaxBoxes/2 {
			t.Errorf("%s: %d boxes are loaded: it went on to the end, or did not begin", name, len(a.Placements))
		}
		if err := carton.Check(p, a.Placements); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

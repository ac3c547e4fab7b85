package mapping_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/transforms/mapping"
	"github.com/paklog/hub/transforms/x12wms"
)

// change gives the segments that a map makes of a file by the changes.
func change(t *testing.T, changes, file string) ([]string, error) {
	t.Helper()
	head := "map: t\nreads: [\"940\", ORDERS]\nmakes: changes\n"
	if strings.HasPrefix(file, "UNB") {
		head += strings.Replace(groups, "PIA,", "PIA, IMD,", 1)
	} else {
		head += loops
	}
	m, err := mapping.Compile("t.yaml", []byte(head+"out:\n"+changes), tables)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	err = mapping.Each([]byte(file), func(d mapping.Document) error {
		made, err := m.Run(d)
		if err == nil && made.JSON != nil {
			err = json.Unmarshal(made.JSON, &out)
		}
		return err
	})
	return out, err
}

func TestAMapChangesWhatIsThereAndNothingElse(t *testing.T) {
	t.Parallel()
	plain, err := change(t, "  - {at: set.W05, $when: 'false', set: {1: \"'X'\"}}\n", set)
	if err != nil || len(plain) != 10 || plain[0] != "W05*N*AC-1*PO-1" || plain[9] != "W01*2.50*LB**VN*GLV>L*SK*A^B^C" {
		t.Fatalf("%q, %v", plain, err)
	}
	message, err := change(t, "  - {at: set.BGM, $when: 'false', set: {1: \"'X'\"}}\n", ordersMessage)
	if err != nil || len(message) != 9 || message[2] != "NAD+DP+++Riverside+88 Canal's+Buffalo++14202+US" {
		t.Fatalf("%q, %v", message, err)
	}
	for _, c := range []struct {
		changes string
		at      int // of the document
		old     int // segments that stood there
		now     []string
	}{
		{`{at: set.W05, set: {1: "'F'"}}`, 0, 1, []string{"W05*F*AC-1*PO-1"}},
		{`{at: set.W05, set: {5: "set.W05[2]", 3: "''"}}`, 0, 1, []string{"W05*N*AC-1***AC-1"}},
		{`{at: set.W05, set: {2: "set.W05[3]", 3: "set.W05[2]"}}`, 0, 1, []string{"W05*N*PO-1*AC-1"}},
		{`{at: set.W05, set: {3: "set.W05[9]"}}`, 0, 1, []string{"W05*N*AC-1"}},                         // empty takes out
		{`{at: set.W05, set: {3: {$value: "'x'", $when: "false"}}}`, 0, 1, []string{"W05*N*AC-1*PO-1"}}, // absent leaves
		{`{after: set.W05, add: N9, set: {1: "'ZZ'", 2: "set.W05[3]"}}`, 1, 0, []string{"N9*ZZ*PO-1"}},
		{`{after: set.ST, add: N9, set: {1: "'ZZ'"}}`, 0, 0, []string{"N9*ZZ"}},
		{`{before: set.SE, add: W76, set: {1: string(size(set.line))}}`, 10, 0, []string{"W76*2"}},
		{`{after: "set.party[0]", add: PER, set: {1: "'CN'"}}`, 3, 0, []string{"PER*CN"}},
		{`{before: "set.party[1]", add: PER, set: {1: "'CN'"}}`, 3, 0, []string{"PER*CN"}},
		{`{at: "set.line[1]", set: {1: "'3'"}}`, 8, 1, []string{"LX*3"}},
		{`{remove: "set.party[0]"}`, 1, 2, nil},
		{`{$each: set.every("N9"), remove: it}`, 4, 2, nil},
		{`{at: 'set.line[1].W01', set: {"5.2": "'XL'", "7.2": "'n'", 1: 'num(set.line[1].W01[1]).convert("LB", "KG").text(2, "up")'}}`, 9, 1, []string{"W01*1.14*LB**VN*GLV>XL*SK*A>n^B^C"}},
	} {
		got, err := change(t, "  - "+c.changes+"\n", set)
		want := slices.Concat(plain[:c.at], c.now, plain[c.at+c.old:])
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s:\n%q, %v, want\n%q", c.changes, got, err, want)
		}
	}
	several, err := change(t, `  - {after: set.W05, add: N9, set: {1: "'A'"}}
  - {$each: set.line, after: it, add: NTE, set: {2: "'line ' + it.LX[1]"}}
  - {after: set.W05, add: N9, set: {1: "'B'"}}
`, set)
	want := slices.Concat(plain[:1], []string{"N9*A", "N9*B"}, plain[1:8], []string{"NTE**line 1"}, plain[8:], []string{"NTE**line 2"})
	if err != nil || !slices.Equal(several, want) {
		t.Errorf("%q, %v", several, err)
	}
	got, err := change(t, `  - {$each: set.line, after: it, add: RFF, set: {"1.1": "'ON'", "1.2": "set.BGM[2] + '/' + it.LIN[1]"}}`+"\n", ordersMessage)
	if want := slices.Concat(message[:6], []string{"RFF+ON:B-7/1"}, message[6:8], []string{"RFF+ON:B-7/2"}, message[8:]); err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want\n%q", got, err, want)
	}
}

func TestAChangeThatCannotBeMadeIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ changes, element, says string }{
		"a segment that is not there":  {`{at: set.W06, set: {1: "'x'"}}`, "ST", "[0].at: W06 is not there: ask by $when whether it is, as has(set.W06)"},
		"a loop that is not there":     {`{after: 'set.party.by("BT")', add: N9}`, "", "no such party is there"},
		"one beyond the list":          {`{after: 'set.line[7]', add: N9}`, "", "index out of bounds"},
		"the header":                   {`{at: set.ST, set: {2: "'7'"}}`, "", "header and trailer are written when the map is done"},
		"the trailer":                  {`{after: set.SE, add: N9}`, "", "header and trailer"},
		"before all":                   {`{before: set.ST, add: N9}`, "", "header and trailer"},
		"the whole document":           {`{remove: set}`, "", "names the whole document"},
		"no row":                       {`{at: set.W05, set: {1: "table.unit(set.W05[1])"}}`, "W05-01", `[0].set.1: table unit has no row for "N"`},
		"a control character":          {`{at: set.W05, set: {1: "'a\\n'"}}`, "", "holds a control character"},
		"a place that is not said now": {`{at: {$value: set.W05, $when: "false"}, set: {1: "'x'"}}`, "", "the change names no place"},
		"by intent":                    {`{at: set.W05, set: {1: "fail('ask for ' + set.W05[2])"}}`, "W05-02", "ask for AC-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := change(t, "  - "+c.changes+"\n", set)
			var bad *x12wms.Error
			if !errors.As(err, &bad) || len(bad.Findings) != 1 || !strings.Contains(bad.Findings[0].Message, c.says) || !strings.HasPrefix(bad.Findings[0].Element, c.element) || bad.Findings[0].Hint != "by t.yaml:15" {
				t.Errorf("%q, %v", got, err)
				if bad != nil {
					t.Errorf("%+v", bad.Findings)
				}
			}
		})
	}
}

func TestMistakesInMapsOfChangesAreTold(t *testing.T) {
	t.Parallel()
	for changes, want := range map[string]string{
		`[{at: set.W05}]`:                               "out[0]: at changes the elements under set",
		`[{set: {1: "set.W05[1]"}}]`:                    "out[0]: a change has one of at, after, before, remove, and this has 0 of them",
		`[{at: set.W05, after: set.W05, add: N9}]`:      "and this has 2 of them",
		`[{remove: set.W05, add: N9}]`:                  "what is removed is not set",
		`[{after: set.W05, set: {1: "set.W05[1]"}}]`:    "add is missing",
		`[{after: set.W05, add: n9}]`:                   `out[0].add: "n9" is not the tag of a segment`,
		`[{after: "set.W05[1]", add: N9}]`:              "out[0].after: a segment or loop is due, and the expression gives string: name a segment, as set.W06, or a loop",
		`[{at: set.W05, set: {0: "set.W05[1]"}}]`:       `out[0].set: unknown key "0": there are the numbers of elements, as 4 or 4.2`,
		`[{at: set.W05, set: {"5.2.1": "set.W05[1]"}}]`: `unknown key "5.2.1"`,
		`[{at: set.W05, set: {1: size(set.line)}}]`:     "out[0].set.1: text is due, and the expression gives int: string(...) makes text of numbers",
		`[{at: set.W05, set: {1: 'num("1")'}}]`:         "leave the exact number by .text()",
		`[{et: set.W05}]`:                               `unknown key "et": did you mean "at"?`,
		`{at: set.W05, set: {1: "set.W05[1]"}}`:         "out: an object stands where a list is due",
	} {
		_, err := mapping.Compile("t.yaml", []byte("map: t\nreads: [\"940\"]\nmakes: changes\n"+loops+"out: "+changes+"\n"), tables)
		if err == nil {
			t.Errorf("%s compiles", changes)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", changes, err, want)
		}
	}
}

// written are generated files, X12 and EDIFACT.
func written(t *testing.T, seed uint64) (text []string) {
	t.Helper()
	var b, c bytes.Buffer
	if _, err := x12gen.Write(&b, x12gen.Config{Seed: seed}); err != nil {
		t.Fatal(err)
	}
	if _, err := edifactgen.Write(&c, edifactgen.Config{Seed: seed}); err != nil {
		t.Fatal(err)
	}
	return []string{b.String(), c.String()}
}

// Get-put: a body that is written again, and a map that puts back what it got, change no byte.
func TestPuttingBackWhatWasGotChangesNoByte(t *testing.T) {
	t.Parallel()
	back := `  - {at: set.W05, set: {1: "set.W05[1]", 2: "set.W05[2]"}}
  - {$each: set.party, at: it.N1, set: {1: "it.N1[1]", 2: "it.N1[2]", 4: "it.N1[4]"}}
  - {$each: set.line, at: it.W01, set: {1: "it.W01[1]", 2: "it.W01[2]", 5: "it.W01[5]"}}
`
	messageBack := `  - {at: set.BGM, set: {1: "set.BGM[1]", "2.1": "set.BGM[2]"}}
  - {$each: set.line, at: it, set: {1: "it.LIN[1]", "3.1": "it.LIN.at(3, 1)", "3.2": "it.LIN.at(3, 2)"}}
  - {$each: set.line, at: it.QTY, set: {"1.1": "it.QTY.at(1, 1)", "1.2": "it.QTY.at(1, 2)"}}
`
	for seed := range uint64(100) {
		texts := written(t, seed)
		for i, same := range []string{back, messageBack} {
			got, err := change(t, same, texts[i])
			plain, err2 := change(t, "  - {before: set.ST, add: NTE, $when: 'false'}\n", texts[i])
			if err != nil || err2 != nil || !slices.Equal(got, plain) {
				t.Fatalf("seed %d: %v, %v\n%q\n%q", seed, err, err2, got, plain)
			}
		}
		for _, text := range texts {
			again := taken(t, text)
			if again != text {
				t.Fatalf("seed %d:\n%s\n%s", seed, text, again)
			}
		}
	}
}

// taken is a file whose bodies were taken apart and written again.
func taken(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if doc, err := x12.Parse([]byte(text), x12.Limits{}); err == nil && strings.HasPrefix(text, "ISA") {
		w := x12.NewWriter(&b, x12.WriterOptions{})
		for p := range doc.Sets() {
			w.BeginInterchange(*p.ISA)
			w.BeginGroup(*p.GS)
			w.WriteSet(x12.ST{ID: p.ST.ID, Control: p.ST.Control}, mapping.OfX12(p).Body())
		}
		w.EndGroup()
		w.EndInterchange()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	doc, err := edifact.Parse([]byte(text), edifact.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	w := edifact.NewWriter(&b, edifact.WriterOptions{})
	for p := range doc.Messages() {
		var body []edifact.Out
		for _, s := range mapping.OfEDIFACT(p).Body() {
			body = append(body, edifact.Out(s))
		}
		if err := errors.Join(w.BeginInterchange(*p.UNB), w.WriteMessage(p.UNH, body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.EndInterchange(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Put-get: what is put into an element or component is what stands there, and nothing else changed.
func TestWhatIsPutIsWhatStandsThere(t *testing.T) {
	t.Parallel()
	plain := strings.Split("W01*2.50*LB**VN*GLV>L*SK*A^B^C", "*")
	rapid.Check(t, func(r *rapid.T) {
		n, c, v := rapid.IntRange(1, 20).Draw(r, "element"), rapid.IntRange(0, 9).Draw(r, "component"), rapid.StringMatching(`[A-Za-z0-9 ._-]{0,20}[A-Za-z0-9]`).Draw(r, "value")
		key := strconv.Itoa(n)
		if c > 0 {
			key += "." + strconv.Itoa(c)
		}
		out, err := change(t, "  - {at: 'set.line[1].W01', set: {\""+key+"\": \"'"+v+"'\"}}\n", set)
		if err != nil {
			r.Fatal(err)
		}
		got := strings.Split(out[9], "*")
		for i := 1; i < max(len(got), len(plain)); i++ {
			at := func(all []string) string {
				if i < len(all) {
					return all[i]
				}
				return ""
			}
			if i != n {
				if at(got) != at(plain) {
					r.Fatalf("element %d is %q, was %q", i, at(got), at(plain))
				}
				continue
			}
			if c == 0 {
				if at(got) != v {
					r.Fatalf("%q, want %q", at(got), v)
				}
				continue
			}
			now, others, _ := strings.Cut(at(got), "^")
			was, before, _ := strings.Cut(at(plain), "^")
			parts, old := strings.Split(now, ">"), strings.Split(was, ">")
			for j := range max(len(parts), len(old), c) {
				want := ""
				if j < len(old) {
					want = old[j]
				}
				if j == c-1 {
					want = v
				}
				if j >= len(parts) && want != "" || j < len(parts) && parts[j] != want {
					r.Fatalf("%q of %q, component %d", at(got), at(plain), j+1)
				}
			}
			if others != before {
				r.Fatalf("repetitions %q, were %q", others, before)
			}
		}
	})
}

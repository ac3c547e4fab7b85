package mapping_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/paklog/hub/transforms/mapping"
)

// whole is a map to which a mistake is added in place of MARK.
const whole = `map: t
reads: ["940"]
makes: order
loops:
  line: {first: LX, holds: [W01]}
tables:
  unit: {rows: {EA: each}}
units:
  DZ: {of: EA, factor: 12}
out:
  number: set.W05[2]
MARK
`

func TestMistakesInMapsAreToldWithTheirPlace(t *testing.T) {
	t.Parallel()
	top := func(s string) string { return strings.Replace(whole, "MARK", "", 1) + s }
	out := func(s string) string { return strings.Replace(whole, "MARK", s, 1) }
	in := func(old, now string) string { return strings.Replace(out(""), old, now, 1) }
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                        {"", "it is empty"},
		"no YAML":                        {"a: [", "t.yaml: yaml: line 1"},
		"two documents":                  {top("---\nmap: u\n"), "second document"},
		"a list":                         {"- a\n", "t.yaml:1:1: keys and values stand here"},
		"an unknown key":                 {top("tabels: {}\n"), `t.yaml:13:1: unknown key "tabels": did you mean "tables"?`},
		"a key twice":                    {top("map: u\n"), "t.yaml:13:1: map: the key stands here twice"},
		"a key that is missing":          {in("reads: [\"940\"]\n", ""), "reads: is missing"},
		"what nobody makes":              {in("makes: order", "makes: ordr"), `makes: "ordr" is none of order, receipt, changes, json`},
		"no zone":                        {top("zone: Mars/Olympus\n"), "zone: unknown time zone"},
		"a field that is not there":      {out("  ship_too: {name: \"'x'\"}"), `t.yaml:12:3: out: unknown key "ship_too": did you mean "ship_to"?`},
		"a field of a field":             {out("  ship_to: {nam: \"'x'\"}"), `t.yaml:12:13: out.ship_to: unknown key "nam": did you mean "name"?`},
		"an unknown directive":           {out("  lines: {$eech: set.line}"), `out.lines: unknown key "$eech": did you mean "$each"?`},
		"no expression":                  {out("  type: set.W05["), "t.yaml:12:17: out.type: Syntax error"},
		"a syntax error behind a quote":  {out("  type: 'set.W05[ + 1'"), "t.yaml:12:19: out.type: Syntax error"},
		"a syntax error in a block":      {out("  type: |\n    set.W05[2]\n    + + 1"), "t.yaml:14:"},
		"a loop that is not there":       {out("  type: set.lien[0].W01[1]"), "t.yaml:12:12: out.type: undefined field 'lien'"},
		"a table that is not there":      {out("  type: table.unti(set.W05[2])"), "t.yaml:12:19: out.type: undeclared reference to 'table.unti' (did you mean 'table.unit'?)"},
		"a number for text":              {out("  type: size(set.line)"), "out.type: text is due, and the expression gives int"},
		"text for a number":              {out("  lines: [{qty: \"set.W05[1]\"}]"), "out.lines[0].qty: a whole number is due, and the expression gives string"},
		"an exact number for a whole":    {out("  lines: [{qty: \"num(set.W05[1])\"}]"), "leave the exact number by .whole()"},
		"a segment for text":             {out("  type: set.W05"), "name an element of the segment"},
		"a loop for text":                {out("  type: set.line[0]"), "gives loop line: name an element in it"},
		"a list where an object is due":  {out("  ship_to: [{name: \"'x'\"}]"), "a list stands where an object is due"},
		"an object where a list is due":  {out("  lines: {qty: 1}"), "an object stands where a list is due: begin it with $each"},
		"text that stands for itself":    {out("  type: 5"), `5 stands where text is due`},
		"a floating-point number":        {out("  priority: 1.5"), "1.5 is neither an expression nor a whole number"},
		"a floating-point expression":    {out("  priority: int(1.5 * 2.0)"), "there are no floating-point numbers"},
		"an empty leaf":                  {out("  type:"), "is empty"},
		"$each over text":                {out("  notes: {$each: \"set.W05[1]\", $value: it}"), "a list is due, and the expression gives string"},
		"$when that is none":             {out("  ship_to: {$when: \"set.W05[1]\", name: \"'x'\"}"), "true or false is due"},
		"$as without $each":              {out("  ship_to: {$as: x, name: \"'x'\"}"), "names an item of $each, which is missing"},
		"a taken name":                   {out("  lines: {$each: set.line, $as: set, qty: 1}"), `"set" means something else`},
		"keys beside $value":             {out("  type: {$value: \"'x'\", name: \"'y'\"}"), "stands beside $value"},
		"a loop without a beginning":     {in("first: LX", "first: lx"), `loops.line.first: "lx" is not the tag of a segment`},
		"two loops with one beginning":   {in("holds: [W01]}", "holds: [W01]}\n  other: {first: LX}"), "loop line begins with LX as well"},
		"half a hierarchy":               {in("holds: [W01]", "holds: [W01], id: 1"), "a hierarchy needs id and parent"},
		"a table of rows and a file":     {in("rows: {EA: each}", "rows: {EA: each}, file: t.csv"), "tables.unit: a table has rows, or a file"},
		"a file that is not there":       {in("rows: {EA: each}", "file: none.csv, key: a, value: b"), "tables.unit.file: none.csv: "},
		"a column that is not there":     {in("rows: {EA: each}", "file: t.csv, key: cod, value: b"), `there is no column "cod": did you mean "code"?`},
		"a row that comes twice":         {in("rows: {EA: each}", "file: twice.csv, key: code, value: b"), `line 3: "A" has a row already`},
		"a unit of nothing":              {in("{of: EA, factor: 12}", "{of: EA, factor: twelve}"), `"twelve" is not a positive number`},
		"an anchor that holds itself":    {in("makes: order", "makes: json") + "  x: &a {y: *a}\n", "the tree is deeper than 40"},
		"an alias bomb":                  {bomb(), "aliases counted each time"},
		"a tree that is too deep":        {in("makes: order", "makes: json") + "  x: " + strings.Repeat("{a: ", 60) + "1" + strings.Repeat("}", 60) + "\n", "the tree is deeper than 40"},
		"an expression that is too long": {out("  type: '" + strings.Repeat("a+", 3_000) + "a'"), "an expression has at most 4000 characters"},
		"an expression that is too deep": {out("  type: '" + strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500) + "'"), "out.type: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mapping.Compile("t.yaml", []byte(c.text), tables)
			var problems mapping.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want problems", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got\n%v\nwant %s", err, c.want)
			}
		})
	}
}

func bomb() string {
	text := strings.Replace(whole, "makes: order", "makes: json", 1)
	text = strings.Replace(text, "MARK", "  a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", 1)
	for i := range 8 {
		was, now := string(rune('0'+i)), string(rune('1'+i))
		text += "  a" + now + ": &a" + now + " [" + strings.Repeat("*a"+was+", ", 9) + "*a" + was + "]\n"
	}
	return text
}

func tables(name string) ([]byte, error) {
	switch name {
	case "t.csv":
		return []byte("code,b\nA,1\nB,2\n"), nil
	case "twice.csv":
		return []byte("code,b\nA,1\nA,2\n"), nil
	case "two.csv":
		return []byte("scac,zone,b\nA,1,x\nA,2,y\n"), nil
	}
	return nil, fs.ErrNotExist
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := mapping.Compile("t.yaml", []byte(strings.Replace(whole, "MARK", "  a: 1\n  b: 2\n  type: nope", 1)), nil)
	if got := strings.Count(err.Error(), "\n") + 1; got != 3 {
		t.Errorf("got %d problems, want 3:\n%v", got, err)
	}
}

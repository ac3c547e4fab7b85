package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/transforms/mapping"
	"github.com/paklog/hub/transforms/x12wms"
)

// set is a 940 with two lines, the second with components and repetitions.
const set = "ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *261129*0915*^*00501*000000071*0*P*>~\n" +
	"GS*OW*ACME*PAKLOG*20261129*0915*71*X*005010~\n" +
	"ST*940*0001~\n" +
	"W05*N*AC-1*PO-1~\n" +
	"N1*ST*Riverside*92*S-204~\n" +
	"N4*Buffalo*NY*14202~\n" +
	"N1*WH*DC*92*LOU1~\n" +
	"N9*DP*41~\n" +
	"N9*IA*99~\n" +
	"LX*1~\n" +
	"W01*24*EA*614141007349*VN*GLV-M~\n" +
	"LX*2~\n" +
	"W01*2.50*LB**VN*GLV>L*SK*A^B^C~\n" +
	"SE*12*0001~\nGE*1*71~\nIEA*1*000000071~\n"

const ordersMessage = "UNB+UNOC:3+4012345000009:14+4098765000010:14+261129:0915+71'UNH+1+ORDERS:D:96A:UN'BGM+220+B-7+9'DTM+137:20261130:102'" +
	"NAD+DP+++Riverside+88 Canal?'s+Buffalo++14202+US'LIN+1++4012345678901:EN'PIA+1+GLV-M:SA'QTY+21:24:PCE'LIN+2'QTY+21:1,5:PCE'UNS+S'UNT+10+1'UNZ+1+71'"

// run gives what a map of JSON makes of a file with an expression under the key x.
func run(t *testing.T, head, x, file string) (string, error) {
	t.Helper()
	reads := "940"
	if strings.HasPrefix(file, "UNB") {
		reads = "ORDERS"
	}
	m, err := mapping.Compile("t.yaml", []byte("map: t\nreads: [\""+reads+"\"]\nmakes: json\nzone: America/New_York\n"+head+"out:\n  x: "+x+"\n"), tables)
	if err != nil {
		t.Fatal(err)
	}
	var made mapping.Made
	err = mapping.Each([]byte(file), func(d mapping.Document) error {
		var err error
		made, err = m.Run(d)
		return err
	})
	return string(made.JSON), err
}

const loops = `loops:
  party: {first: N1, holds: [N2, N3, N4]}
  line: {first: LX, holds: [W01]}
tables:
  unit: {rows: {EA: each}}
  other: {rows: {EA: each}, default: none}
  two: {file: two.csv, key: [scac, zone], value: b}
units:
  DZ: {of: EA, factor: 12}
  GRO: {of: DZ, factor: 12}
`

const groups = "loops:\n  line: {first: LIN, holds: [PIA, QTY]}\n"

func TestWhatExpressionsSee(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ x, want string }{
		{`set.W05[2]`, `"AC-1"`},
		{`set.W05[9]`, ``},
		{`set.W06[2]`, ``},
		{`"has(set.W05) ? 'y' : 'n'"`, `"y"`},
		{`"has(set.W06) ? 'y' : 'n'"`, `"n"`},
		{`'set.party.by("ST").N4[1]'`, `"Buffalo"`},
		{`'set.party.by("BT").N4[1]'`, ``},
		{`'set.every("N9").by("IA")[2]'`, `"99"`},
		{`'set.every("N9").by("ZZ")[2]'`, ``},
		{`'set.every("N9").map(n, n[2])'`, `["41","99"]`},
		{`size(set.line)`, `2`},
		{`'set.line[1].W01.pair("SK", 4)'`, `"A^B^C"`},
		{`'set.line[0].W01.pair("SK", 4)'`, ``},
		{`'set.line[1].W01.at(5, 2)'`, `"L"`},
		{`'set.line[1].W01[5]'`, `"GLV"`},
		{`'set.line[1].W01.repeats(7)'`, `["A","B","C"]`},
		{`'set.line[1].W01.repeats(70)'`, ``},
		{`'set.line.map(l, l.W01[1])'`, `["24","2.50"]`},
		{`'table.unit(set.line[0].W01[2])'`, `"each"`},
		{`'table.other(set.line[1].W01[2])'`, `"none"`},
		{`'table.two("A", "2")'`, `"y"`},
		{`'num(set.line[1].W01[1]) * num(2)'`, `5`},
		{`'num("1.5") + num("0.25") - num(1)'`, `0.75`},
		{`'num("1") / num("3") < num("0.34")'`, `true`},
		{`'(num("1") / num("3")).text(4, "near")'`, `"0.3333"`},
		{`'num("12.50").text()'`, `"12.5"`},
		{`'num("2.5").up()'`, `3`},
		{`'num("-2.5").up()'`, `-2`},
		{`'num("-2.5").down()'`, `-3`},
		{`'num("2.5").near()'`, `3`},
		{`'num("-2.5").near()'`, `-3`},
		{`'num("2.4").near()'`, `2`},
		{`'num("2.500").convert("LB", "KG").text()'`, `"1.133980925"`},
		{`'num("1").convert("IN", "MM").text()'`, `"25.4"`},
		{`'num(1).convert("GRO", "EA").whole()'`, `144`},
		{`'num(6).convert("EA", "DZ").text()'`, `"0.5"`},
		{`'day("20261101")'`, `"2026-11-01T04:00:00Z"`},     // summer time
		{`'day_end("20261101")'`, `"2026-11-02T04:59:59Z"`}, // which ends on this day
		{`'day("")'`, ``},
		{`'moment("261130", "0915")'`, `"2026-11-30T14:15:00Z"`},
		{`'moment("20261130", "")'`, `"2026-11-30T05:00:00Z"`},
		{`'date("20261130")'`, `"2026-11-30"`},
		{`'written("2026-11-30T03:00:00Z", "CCYYMMDD")'`, `"20261129"`},
		{`'pick([set.W05[9], set.W05[3]])'`, `"PO-1"`},
		{`{$value: "set.W05[9]", $default: "'d'"}`, `"d"`},
		{`{$when: "false", a: 1}`, ``},
		{`{a: "set.W05[9]", b: {c: "set.W05[9]"}}`, ``},
		{`{$each: set.line, $as: l, $when: "index > 0", q: "l.W01[1]"}`, `[{"q":"2.50"}]`},
		{`[1, {$each: set.line, $value: "it.W01[2]"}, true]`, `[1,"EA","LB",true]`},
		{`{$let: {a: "set.W05[2]", b: "a + '!'"}, v: b}`, `{"v":"AC-1!"}`},
		{`'{"b": set.W05[2], "a": [1, 2]}'`, `{"a":[1,2],"b":"AC-1"}`},
		{`null`, ``},
	} {
		if c.x == "null" {
			c.x = `'null'`
		}
		got, err := run(t, loops, c.x, set)
		if err != nil {
			t.Errorf("%s: %v", c.x, err)
			continue
		}
		if want := `{"x":` + c.want + `}`; got != want && (c.want != "" || got != "{}") {
			t.Errorf("%s: got %s, want %s", c.x, got, want)
		}
	}
}

func TestWhatExpressionsSeeOfEDIFACT(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ x, want string }{
		{`set.BGM[2]`, `"B-7"`},
		{`set.DTM.at(1, 2)`, `"20261130"`},
		{`date(set.DTM.at(1, 2))`, `"2026-11-30"`},
		{`'set.NAD[5]'`, `"88 Canal's"`},
		{`'set.line[0].PIA.pair("SA", 2)'`, `"GLV-M"`},
		{`'set.line[1].PIA.pair("SA", 2)'`, ``},
		{`'set.line.map(l, l.every("QTY").by("21").at(1, 2))'`, `["24","1,5"]`},
		{`'num(set.line[1].QTY.at(1, 2)).text()'`, `"1.5"`},
	} {
		got, err := run(t, groups, c.x, ordersMessage)
		if want := `{"x":` + c.want + `}`; err != nil || got != want && (c.want != "" || got != "{}") {
			t.Errorf("%s: got %s, %v, want %s", c.x, got, err, want)
		}
	}
}

func TestRefusalsNameThePlaceInDocumentAndMap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		x, element string
		segment    int
		found      string
		message    string
	}{
		{`'num(set.W05[2]).whole()'`, "W05-02", 2, "AC-1", `x: "AC-1" is not a number`},
		{`'num(set.line[1].W01[1]).whole()'`, "W01-01", 11, "2.50", `x: 2.5 is not a whole number`},
		{`{$each: set.line, $as: l, q: "num(l.W01[1]).whole()"}`, "W01-01", 11, "2.50", `x[1].q: 2.5 is not a whole number`},
		{`table.unit(set.line[1].W01[2])`, "W01-02", 11, "LB", `x: table unit has no row for "LB"`},
		{`'table.two("A", set.line[1].W01[2])'`, "W01-02", 11, "LB", `x: table two has no row for "A LB"`},
		{`num(set.line[5].W01[1]).whole()`, "ST-01", 1, "940", `x: index out of bounds: 5`},
		{`day(set.W05[3])`, "W05-03", 2, "PO-1", `x: "PO-1" is not a date: CCYYMMDD is one`},
		{`day("20260230")`, "ST-01", 1, "", `x: "20260230" is not a date`},
		{`'num("1").convert("LB", "IN").text()'`, "ST-01", 1, "", "they measure different things"},
		{`'num("1").convert("LBS", "KG").text()'`, "ST-01", 1, "", `unit "LBS" is unknown`},
		{`'(num(1) / num(set.W05[9] + "0")).text()'`, "W05-09", 2, "", "division by zero"},
		{`'(num(1) / num(3)).text()'`, "ST-01", 1, "", "1/3 has no end as a decimal"},
		{`'fail("no " + set.W05[1])'`, "W05-01", 2, "N", "x: no N"},
		{`{$value: "set.W06[2]", $required: send a W06}`, "W06-02", 1, "", "x: is missing: send a W06"},
		{`set.W05[0]`, "ST-01", 1, "", "count from 1"},
		{`duration("1s")`, "ST-01", 1, "", "is no value of JSON"},
	} {
		got, err := run(t, loops, c.x, set)
		var bad *x12wms.Error
		if !errors.As(err, &bad) {
			t.Errorf("%s: got %s, %v, want a refusal", c.x, got, err)
			continue
		}
		f := bad.Findings[0]
		if fault.KindOf(err) != fault.Invalid || f.Element != c.element && c.element != "ST-01" || f.Segment != c.segment || c.found != "" && c.element != "ST-01" && f.Found != c.found || !strings.Contains(f.Message, c.message) {
			t.Errorf("%s: got %s (segment %d) found %q: %s (%v)", c.x, f.Element, f.Segment, f.Found, f.Message, fault.KindOf(err))
		}
		if f.Hint != "by t.yaml:16" {
			t.Errorf("%s: the hint is %q", c.x, f.Hint)
		}
		if f.Line < 1 || f.Column < 1 {
			t.Errorf("%s: the finding has no line and column: %+v", c.x, f)
		}
	}
}

func TestAllRefusalsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := run(t, loops, `{a: "num(set.W05[2]).whole()", b: "table.unit('x')", c: "day('x')"}`, set)
	var bad *x12wms.Error
	if !errors.As(err, &bad) || len(bad.Findings) != 3 {
		t.Errorf("got %v, want three findings", err)
	}
}

func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Replace(set, "LX*1~\n", strings.Repeat("LX*1~\nW01*1*EA**VN*A~\n", 3_000), 1)
	for name, x := range map[string]string{
		"a list within a list within a list": `'set.line.map(a, set.line.map(b, set.line.map(c, c.W01[1] + b.W01[1])))'`,
		"lists within $each":                 `{$each: set.line, $as: a, n: "size(set.line.filter(b, b.W01[5] == a.W01[5]))"}`,
		"text that doubles":                  `'` + strings.Repeat(`["x"].map(a, `, 12) + `"` + strings.Repeat("x", 1_000) + `"` + strings.Repeat(`).map(b, b.replace("x", "xxxxxxxxxx"))`, 0) + strings.Repeat(")", 12) + `.map(v, v)[0][0][0][0][0][0][0][0][0][0][0][0].replace("x", "xxxxxxxxxx").replace("x", "xxxxxxxxxx").replace("x", "xxxxxxxxxx").replace("x", "xxxxxxxxxx").replace("x", "xxxxxxxxxx")'`,
	} {
		_, err := run(t, loops, x, long)
		var bad *x12wms.Error
		if !errors.As(err, &bad) || len(bad.Findings) != 1 || !strings.Contains(bad.Findings[0].Message, "more") {
			t.Errorf("%s: got %v, want it to be stopped", name, err)
		}
	}
}

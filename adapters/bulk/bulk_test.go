package bulk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/bulk"
	"github.com/paklog/hub/adapters/internal/doormem"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

var here = scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}

func load(t *testing.T, d *doormem.Door, kind, format, file string) (bulk.Summary, []bulk.Result, error) {
	t.Helper()
	var out []bulk.Result
	sum, err := bulk.Import(t.Context(), strings.NewReader(file), d, bulk.Config{Kind: kind, Format: format, Scope: here, Name: "test"},
		func(r bulk.Result) error { out = append(out, r); return nil })
	return sum, out, err
}

func withItem(t *testing.T) *doormem.Door {
	t.Helper()
	d := doormem.New()
	if sum, out, err := load(t, d, bulk.Items, bulk.CSV, "sku,uom,case_uom,case_factor\nA-1,each,case,12\nA-2,each,,\n"); err != nil || sum.Created != 2 {
		t.Fatalf("%+v %+v: %v", sum, out, err)
	}
	return d
}

func TestOrdersOfSeveralRows(t *testing.T) {
	t.Parallel()
	d := withItem(t)
	file := "\ufeffNumber;item;qty;name;note\r\nSO-1;A-1;2;\"Ada\"\"s shop\";\"=1\r\n+1\"\r\nSO-1;A-2;3;;\r\n\r\nSO-2;A-1;1;Bob;\"@cmd;x\"\r\n"
	sum, out, err := load(t, d, bulk.Orders, bulk.CSV, file)
	if err != nil || sum != (bulk.Summary{Rows: 3, Created: 3}) {
		t.Fatalf("%+v %+v: %v", sum, out, err)
	}
	if out[2].Line != 6 || out[2].Row != 3 || out[2].ID != "SO-2" {
		t.Errorf("the last row is %+v", out[2])
	}
	o := d.Orders()[order.StreamOf(here, "SO-1")]
	if len(o.Lines) != 2 || o.Lines[1].Ordered != 3 || o.Parties.ShipTo.Name != "Ada\"s shop" || o.Parties.Notes[0] != "=1\r\n+1" {
		t.Errorf("got %+v", o)
	}
}

func TestSecondRunRepeatsNothing(t *testing.T) {
	t.Parallel()
	for format, file := range map[string]string{
		bulk.CSV:    "item,location,qty\nA-1,P-1,5\nA-1,P-1,5\n",
		bulk.NDJSON: `{"item":"A-1","location":"P-1","qty":5}` + "\n" + `{"item":"A-1","location":"P-1","qty":5}` + "\n",
	} {
		d := withItem(t)
		if sum, out, err := load(t, d, bulk.Stock, format, file); err != nil || sum.Created != 2 {
			t.Fatalf("%+v %+v: %v", sum, out, err)
		}
		if sum, out, err := load(t, d, bulk.Stock, format, file); err != nil || sum.Repeated != 2 {
			t.Errorf("%s: %+v %+v: %v", format, sum, out, err)
		}
	}
}

// The same bytes mean something else for another owner, building or kind.
func TestTheSameFileForSomebodyElseIsNoRepeat(t *testing.T) {
	t.Parallel()
	d := withItem(t)
	run := func(kind string, s scope.Scope) bulk.Summary {
		sum, err := bulk.Import(t.Context(), strings.NewReader("item,location,qty\nA-1,P-1,5\n"), d, bulk.Config{Kind: kind, Format: bulk.CSV, Scope: s, Name: "test"}, func(bulk.Result) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	other, away := here, here
	other.Owner, away.Facility = "BETA", "DC2"
	for name, sum := range map[string]bulk.Summary{
		"first": run(bulk.Stock, here), "another owner": run(bulk.Stock, other), "another building": run(bulk.Stock, away), "another kind": run(bulk.Opening, here),
	} {
		if sum.Repeated != 0 {
			t.Errorf("%s: %+v", name, sum)
		}
	}
	if sum := run(bulk.Stock, here); sum.Repeated != 1 {
		t.Errorf("the same again: %+v", sum)
	}
}

func TestStoppedImportGoesOn(t *testing.T) {
	t.Parallel()
	d := withItem(t)
	var file strings.Builder
	for i := range 500 {
		fmt.Fprintf(&file, `{"number":"SO-%d","lines":[{"item":"A-1","qty":1}],"ship_to":{"name":"x"}}`+"\n", i)
	}
	d.Before = func(_ context.Context, _ string, a door.Ask) error {
		if a.ID == "SO-250" {
			return fault.E("door", fault.Unavailable, errors.New("the disk is full"))
		}
		return nil
	}
	sum, _, err := load(t, d, bulk.Orders, bulk.NDJSON, file.String())
	if !errors.Is(err, bulk.ErrStopped) || sum.Failed == 0 || !strings.Contains(err.Error(), "line 251 (the disk is full)") {
		t.Fatalf("%+v: %v", sum, err)
	}
	d.Before = nil
	sum, _, err = load(t, d, bulk.Orders, bulk.NDJSON, file.String())
	if err != nil || sum.Created+sum.Repeated != 500 || sum.Repeated < 250 || len(d.Orders()) != 500 {
		t.Errorf("%+v, %d orders: %v", sum, len(d.Orders()), err)
	}
}

func oneLine(number string, qty int) string {
	return fmt.Sprintf(`{"number":%q,"lines":[{"item":"A-1","qty":%d}],"ship_to":{"name":"x"}}`+"\n", number, qty)
}

func TestBadRowsAreReportedAndStopNoOther(t *testing.T) {
	t.Parallel()
	const head = "number,item,qty,name\n"
	for name, c := range map[string]struct {
		kind, format, file string
		line               int
		place, says        string
		others             int // rows that are taken all the same
	}{
		"a negative quantity":      {bulk.Orders, bulk.CSV, head + "S1,A-1,-2,x\nS2,A-1,1,x\n", 2, "qty", "-2 is not between", 1},
		"in the second row of one": {bulk.Orders, bulk.CSV, head + "S1,A-1,1,x\nS1,A-1,0,x\nS2,A-1,1,x\n", 3, "qty", "0 is not between", 1},
		"a quantity as a float":    {bulk.Orders, bulk.CSV, head + "S1,A-1,1.0,x\nS2,A-1,1,x\n", 2, "qty", `"1.0" is not a whole number`, 1},
		"a huge number":            {bulk.Orders, bulk.CSV, head + "S1,A-1,1e400,x\nS2,A-1,1,x\n", 2, "qty", "not a whole number", 1},
		"no item":                  {bulk.Orders, bulk.CSV, head + "S1,,1,x\nS2,A-1,1,x\n", 2, "item", "is missing", 1},
		"too few fields":           {bulk.Items, bulk.CSV, "sku,uom\nB\nC,each\n", 2, "", "has 1 fields, the header 2", 1},
		"too many fields":          {bulk.Items, bulk.CSV, "sku,uom\nB,each,x\nC,each\n", 2, "", "has 3 fields", 1},
		"latin-1":                  {bulk.Items, bulk.CSV, "sku,uom\nM\xfcll,each\nC,each\n", 2, "", "field 1, byte 1 of it: is not UTF-8: it looks like Latin-1", 1},
		"half a character a field": {bulk.Items, bulk.CSV, "sku,uom\nM\xc3,\xa9ach\nC,each\n", 2, "", "field 1, byte 1 of it: is not UTF-8: a character is cut", 1},
		"a NUL":                    {bulk.Items, bulk.CSV, "sku,uom\nM\x00,each\nC,each\n", 2, "", "NUL", 1},
		"a quote within":           {bulk.Items, bulk.CSV, "sku,uom\n5\"x,each\nC,each\n", 2, "", "a quote within a field", 1},
		"text behind a quote":      {bulk.Items, bulk.CSV, "sku,uom\n\"5\"x,each\nC,each\n", 2, "", "behind the closing quote", 1},
		"a quote never closed":     {bulk.Items, bulk.CSV, "sku,uom\nC,each\n\"B,each\nD,each\n", 3, "", "opened on line 3 is never closed", 2},
		"a quote that closes late": {bulk.Orders, bulk.CSV, head + "S1,A-1,\"1,x\nS2,A-1,1,\"x\"\nS3,A-1,1,x\n", 2, "", "behind the closing quote", 2},
		"a quote of two rows":      {bulk.Orders, bulk.CSV, head + "S1,\"A-1,1,x\nS2,A-1\",1,x\nS3,A-1,1,x\n", 2, "", "a line end within column \"item\": is a quote on line 2 not closed?", 1},
		"an empty quantity":        {bulk.Orders, bulk.CSV, head + "S1,A-1,,x\nS2,A-1,1,x\n", 2, "qty", "is missing", 1},
		"no quantity in JSON":      {bulk.Orders, bulk.NDJSON, `{"number":"S1","lines":[{"item":"A-1"}]}` + "\n" + `{"number":"S2","ship_to":{"name":"x"},"lines":[{"item":"A-1","qty":1}]}`, 1, "lines[0].qty", "is missing", 1},
		"a huge field":             {bulk.Items, bulk.CSV, "sku,uom\n" + strings.Repeat("x", 300<<10) + ",each\nC,each\n", 2, "", "more than 262144 bytes", 1},
		"a thousand fields":        {bulk.Items, bulk.CSV, "sku,uom\n" + strings.Repeat(`"",`, 1000) + "\nC,each\n", 2, "", "more than 256 fields", 1},
		"a yes that is none":       {bulk.Items, bulk.CSV, "sku,uom,lot_tracked\nB,each,maybe\nC,each,yes\n", 2, "lot_tracked", "neither yes nor no", 1},
		"a day that is none":       {bulk.Orders, bulk.CSV, "number,item,qty,name,ship_by\nS1,A-1,1,x,31.12.2026\nS2,A-1,1,x,2026-12-31\n", 2, "ship_by", "neither a day", 1},
		"JSON that is none":        {bulk.Items, bulk.NDJSON, "{\n" + `{"sku":"C","units":[{"uom":"each","factor":1}]}`, 1, "", "byte 1", 1},
		"an unknown JSON field":    {bulk.Items, bulk.NDJSON, `{"sku":"B","colour":1}` + "\n" + `{"sku":"C","units":[{"uom":"each","factor":1}]}`, 1, "", `"colour" is not known`, 1},
		"JSON in latin-1":          {bulk.Items, bulk.NDJSON, "{\"sku\":\"\xfc\"}\n" + `{"sku":"C","units":[{"uom":"each","factor":1}]}`, 1, "", "Latin-1", 1},
		"a huge line of JSON":      {bulk.Items, bulk.NDJSON, `{"sku":"` + strings.Repeat("x", 1<<20) + "\"}\n" + `{"sku":"C","units":[{"uom":"each","factor":1}]}`, 1, "", "bytes, at most 262144", 1},
		"rows of an order apart":   {bulk.Orders, bulk.CSV, head + "S1,A-1,1,x\nS2,A-1,1,x\nS1,A-1,2,x\n", 4, "number", "with others in between, at line 2", 1},
		"another order's number":   {bulk.Orders, bulk.NDJSON, oneLine("S1", 1) + oneLine("S2", 1) + oneLine("S1", 2), 3, "lines[0].qty", "order S1 exists and differs", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := withItem(t)
			sum, out, err := load(t, d, c.kind, c.format, c.file)
			if err != nil {
				t.Fatal(err)
			}
			if sum.Created != c.others {
				t.Errorf("%d rows were taken, want %d: %+v", sum.Created, c.others, out)
			}
			for _, r := range out {
				if r.Outcome == bulk.Refused && r.Line == c.line {
					if r.Place != c.place || !strings.Contains(r.Message, c.says) {
						t.Errorf("got %+v, want place %q and ...%s...", r, c.place, c.says)
					}
					return
				}
			}
			t.Errorf("line %d is not refused: %+v", c.line, out)
		})
	}
}

// Who mends a file wants to hear of all its rows at once.
func TestEachRowOfAnOrderTellsWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	d := withItem(t)
	many := strings.Repeat("S2,A-1,z,n\n", 30)
	sum, out, err := load(t, d, bulk.Orders, bulk.CSV, "number,item,qty,name\nS1,A-1,x,n\nS1,A-1\nS1,A-1,y,n\nS1,A-1,1,n\n"+many)
	if err != nil || sum.Refused != 34 {
		t.Fatalf("%+v: %v", sum, err)
	}
	for i, says := range []string{`"x" is not a whole number`, "the row has 2 fields", `"y" is not a whole number`, "because of line 2"} {
		if !strings.Contains(out[i].Message, says) || (out[i].Place == "qty") != strings.Contains(says, "number") {
			t.Errorf("line %d says %+v, want %q", out[i].Line, out[i], says)
		}
	}
	if last := out[33].Message; !strings.Contains(last, "because of line") || !strings.Contains(out[4].Message, "10 more") {
		t.Errorf("thirty bad rows say %q ... %q", out[4].Message, last)
	}
}

// said writes what a file's rows were told: outcome and name of each.
func said(out []bulk.Result) string {
	var b strings.Builder
	for _, r := range out {
		fmt.Fprintf(&b, "%d %s %s\n", r.Line, r.ID, r.Outcome)
	}
	return b.String()
}

// An order of which a row cannot be read would ship short; one that stands beside such a row would not.
func TestAnUnreadableRowIsOfOneOrderAlone(t *testing.T) {
	t.Parallel()
	const head = "number,item,qty,name\n"
	for name, c := range map[string]struct{ file, want string }{
		"between two orders, of the first": {
			head + "S1,A-1,1,x\nS1,A-1\nS2,A-1,1,x\n", "2 S1 refused\n3 S1 refused\n4 S2 created\n",
		},
		"between two orders, of the second": {
			head + "S1,A-1,1,x\nS2,A-1\nS2,A-1,1,x\n", "2 S1 created\n3 S2 refused\n4 S2 refused\n",
		},
		"between two orders, of a third": {
			head + "S1,A-1,1,x\nS9,A-1,1,x,y\nS2,A-1,1,x\n", "2 S1 created\n3 S9 refused\n4 S2 created\n",
		},
		"between two orders, of nobody": {
			head + "S1,A-1,1,x\n,,,,,\nS2,A-1,1,x\n", "2 S1 created\n3  refused\n4 S2 created\n",
		},
		"between rows of one order, of nobody": {
			head + "S1,A-1,1,x\n\x00,A-2,1,x\nS1,A-2,1,x\nS2,A-1,1,x\n", "2 S1 refused\n3 S1 refused\n4 S1 refused\n5 S2 created\n",
		},
		"between rows of one order, of another": {
			head + "S1,A-1,1,x\nS9,A\"-2,1,x\nS1,A-2,1,x\n", "2 S1 created\n3 S9 refused\n4 S1 created\n",
		},
		"a comma too many before the number": {
			"item,number,qty,name\nA-1,S1,1,x\nA,1,S2,1,x\nA-2,S2,1,x\n", "2 S1 created\n3 S2 refused\n4 S2 refused\n",
		},
		"first and last in the file": {
			head + "S1\nS2,A-1,1,x\nS3\n", "2 S1 refused\n3 S2 created\n4 S3 refused\n",
		},
		"one that is passed is of the next order, too": {
			head + "S1,A-1,1,x\nS2,A-1\nS1,A-2\nS2,A-2,1,x\nS3,A-1,1,x\n", "2 S1 refused\n3 S2 refused\n4 S1 refused\n5 S2 refused\n6 S3 created\n",
		},
		"a quote that swallows the file": {
			"number,item,qty,name,note\nS1,A-1,1,x,\nS2,A-1,1,\"x,\nS3,A-1,1,x,\nS4,A-1,1,x,\"Jo\n \"\"Ann\"\"\"\nS5,A-1,1,x,\n",
			"2 S1 created\n3 S2 refused\n4 S3 created\n5 S4 created\n7 S5 created\n",
		},
		"another charset": {
			head + "S1,A-1,1,x\nS2,A-1,1,M\xfcller\nS3,A-1,1,x\n", "2 S1 created\n3 S2 refused\n4 S3 created\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sum, out, err := load(t, withItem(t), bulk.Orders, bulk.CSV, c.file)
			if got := said(out); err != nil || got != c.want || sum.Rows != len(out) {
				t.Errorf("%+v: %v\n%s\nwant\n%s", sum, err, got, c.want)
			}
			again, out2, err := load(t, withItem(t), bulk.Orders, bulk.CSV, c.file)
			if got := said(out2); err != nil || again != sum || got != c.want {
				t.Errorf("read again: %+v: %v\n%s", again, err, got)
			}
		})
	}
}

// A line of JSON is named by what can be read of it.
func TestALineThatIsNoJSONIsNamed(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`{"number":"S1","colour":1}`:                                 "S1",
		`{"lines":[{"number":"no","item":"A-1"}],"number":"S2","x"}`: "S2",
		`{"number":"S3","lines":[{"item":"A`:                         "S3",
		`{"number":4}`:                                               "",
		`["number","S5"]`:                                            "",
		`{"x":{"number":1`:                                           "",
		`no JSON`:                                                    "",
	} {
		_, out, err := load(t, withItem(t), bulk.Orders, bulk.NDJSON, line+"\n")
		if err != nil || len(out) != 1 || out[0].ID != want || out[0].Outcome != bulk.Refused {
			t.Errorf("%s: %+v, %v, want %q", line, out, err, want)
		}
	}
}

// What waits for a person is told at its row, in every run until it waits no more.
func TestAnUnknownItemIsToldAtItsRow(t *testing.T) {
	t.Parallel()
	for format, file := range map[string]string{
		bulk.CSV: "number,item,qty,name,policy,uom\nS1,A-1,1,x,,\nS1,NEW,2,x,,\nS2,A-1,1,x,,crate\nS3,A-1,1,x,all_or_nothing,\nS3,NEW,1,x,all_or_nothing,\nS4,A-1,1,x,,\n",
		bulk.NDJSON: `{"number":"S1","ship_to":{"name":"x"},"lines":[{"item":"A-1","qty":1}]}
{"number":"S1b","ship_to":{"name":"x"},"lines":[{"item":"A-1","qty":1},{"item":"NEW","qty":2}]}
{"number":"S2","ship_to":{"name":"x"},"lines":[{"item":"A-1","qty":1,"uom":"crate"}]}
{"number":"S2b","ship_to":{"name":"x"},"lines":[{"item":"A-1","qty":1}]}
{"number":"S3","ship_to":{"name":"x"},"policy":"all_or_nothing","lines":[{"item":"A-1","qty":1},{"item":"NEW","qty":1}]}
{"number":"S4","ship_to":{"name":"x"},"lines":[{"item":"A-1","qty":1}]}
`,
	} {
		d := withItem(t)
		check := func(run string, want bulk.Summary, outcomes ...string) []bulk.Result {
			t.Helper()
			sum, out, err := load(t, d, bulk.Orders, format, file)
			if err != nil || sum != want {
				t.Fatalf("%s %s: %+v: %v\n%s", format, run, sum, err, said(out))
			}
			for i, o := range outcomes {
				if out[i].Outcome != o {
					t.Errorf("%s %s: row %d is %+v, want %s", format, run, i+1, out[i], o)
				}
			}
			return out
		}
		third := bulk.Created
		refused, created := 1, 3
		if format == bulk.CSV {
			third = bulk.Refused // its order ships whole or not at all
			refused, created = 2, 2
		}
		out := check("first", bulk.Summary{Rows: 6, Created: created, Held: 2, Refused: refused}, bulk.Created, bulk.Held, bulk.Held, third, bulk.Refused, bulk.Created)
		for i, says := range map[int]string{1: `item "NEW" is not known`, 2: `"crate" is not a unit`, 4: `item "NEW" is not known`} {
			if place := out[i].Place; !strings.Contains(out[i].Message, says) || !strings.HasSuffix(place, "item") && !strings.HasSuffix(place, "uom") {
				t.Errorf("%s: row %d says %+v, want %s", format, i+1, out[i], says)
			}
		}
		third = bulk.Repeated
		if format == bulk.CSV {
			third = bulk.Refused
		}
		check("second", bulk.Summary{Rows: 6, Repeated: created, Held: 2, Refused: refused}, bulk.Repeated, bulk.Held, bulk.Held, third, bulk.Refused, bulk.Repeated)

		if _, _, err := load(t, d, bulk.Items, bulk.CSV, "sku,uom\nNEW,each\n"); err != nil {
			t.Fatal(err)
		}
		// The order that was rejected is placed now, by the same file.
		third = bulk.Repeated
		if format == bulk.CSV {
			third = bulk.Created
		}
		out = check("once the item is known", bulk.Summary{Rows: 6, Created: refused, Repeated: created, Held: 2}, bulk.Repeated, bulk.Held, bulk.Held, third, bulk.Created, bulk.Repeated)
		if len(d.Orders()) != len(map[string]bool{out[0].ID: true, out[1].ID: true, out[2].ID: true, out[3].ID: true, out[4].ID: true, out[5].ID: true}) {
			t.Errorf("%s: %d orders", format, len(d.Orders()))
		}
	}
}

// A mistake of ours about one row is none about the next; a hub that is gone ends the import.
func TestOurOwnMistakeStopsNoOtherRow(t *testing.T) {
	t.Parallel()
	d := withItem(t)
	late := 0
	d.Before = func(_ context.Context, _ string, a door.Ask) error {
		switch a.ID {
		case "S2":
			return fault.E("door", fault.Internal, errors.New("panic: nil map"))
		case "S3":
			if late++; late < 3 {
				return fault.E("door", fault.Transient, errors.New("decided too late"))
			}
		}
		return nil
	}
	sum, out, err := load(t, d, bulk.Orders, bulk.CSV, "number,item,qty,name\nS1,A-1,1,x\nS2,A-1,1,x\nS3,A-1,1,x\n")
	if err != nil || sum != (bulk.Summary{Rows: 3, Created: 2, Failed: 1}) || out[1].Outcome != bulk.Failed || out[1].Message != "panic: nil map" {
		t.Errorf("%+v %+v: %v", sum, out, err)
	}
}

func TestFilesThatAreNoneAreRefusedWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ kind, format, file, says string }{
		"empty":            {bulk.Orders, bulk.CSV, "", "is empty"},
		"a missing column": {bulk.Orders, bulk.CSV, "number,item\n", `column "qty" is missing`},
		"another column":   {bulk.Orders, bulk.CSV, "number,item,qty,colour\n", `column 4, "colour", is not known`},
		"a column twice":   {bulk.Orders, bulk.CSV, "number,item,qty,qty\n", "comes twice"},
		"utf-16":           {bulk.Orders, bulk.CSV, "\xff\xfen\x00", "UTF-16"},
		"latin-1 header":   {bulk.Orders, bulk.CSV, "n\xfcmber,item,qty\n", "Latin-1"},
		"a huge header":    {bulk.Orders, bulk.CSV, strings.Repeat("x", 1<<20), "more than"},
		"another kind":     {"people", bulk.CSV, "a\n", `kind "people"`},
		"another format":   {bulk.Orders, "xlsx", "a\n", `format "xlsx"`},
	} {
		sum, _, err := load(t, withItem(t), c.kind, c.format, c.file)
		if err == nil || !strings.Contains(err.Error(), c.says) || sum.Rows != 0 {
			t.Errorf("%s: %+v, %v", name, sum, err)
		}
	}
}

// rows makes a file without holding it.
type rows struct {
	n, next int
	buf     bytes.Buffer
}

func (r *rows) Read(p []byte) (int, error) {
	for r.buf.Len() < len(p) && r.next <= r.n {
		if r.next == 0 {
			r.buf.WriteString("number,item,qty,name\n")
		} else {
			fmt.Fprintf(&r.buf, "SO-%d,NONE-%d,-1,somebody with a name\n", r.next, r.next)
		}
		r.next++
	}
	return r.buf.Read(p)
}

func (r *rows) Seek(int64, int) (int64, error) {
	r.next = 0
	r.buf.Reset()
	return 0, nil
}

func TestHundredThousandLinesInBoundedMemory(t *testing.T) {
	const n = 100_000
	var peak, last int
	var mem runtime.MemStats
	count := 0
	var told bulk.Progress
	runtime.GC()
	runtime.ReadMemStats(&mem)
	before := int(mem.HeapAlloc)
	sum, err := bulk.Import(t.Context(), &rows{n: n}, doormem.New(), bulk.Config{
		Kind: bulk.Orders, Format: bulk.CSV, Scope: here, Progress: func(p bulk.Progress) { told = p },
	}, func(r bulk.Result) error {
		if r.Row != last+1 || r.Outcome != bulk.Refused || r.Place != "qty" {
			return fmt.Errorf("row %d behind row %d: %+v", r.Row, last, r)
		}
		last = r.Row
		if count++; count%20000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&mem)
			peak = max(peak, int(mem.HeapAlloc)-before)
		}
		return nil
	})
	if err != nil || sum.Rows != n || sum.Refused != n {
		t.Fatalf("%+v: %v", sum, err)
	}
	if peak > 16<<20 {
		t.Errorf("%d bytes were held", peak)
	}
	if told.Rows != n || told.Percent() != 100 {
		t.Errorf("the progress ended at %+v", told)
	}
}

// A file of nothing but quotes that never close is read in a time that grows with its length alone.
func TestHundredThousandOpenQuotesAreReadInBoundedTime(t *testing.T) {
	t.Parallel()
	const n = 100_000
	sum, out, err := load(t, withItem(t), bulk.Orders, bulk.CSV, "number,item,qty,name\n"+strings.Repeat("S1,A-1,1,\"x\n", n))
	if err != nil || sum.Rows != n || sum.Refused != n || out[n-1].Line != n+1 || out[n-1].ID != "S1" {
		t.Errorf("%+v, the last row is %+v: %v", sum, out[len(out)-1], err)
	}
}

func TestReportIsWritten(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		bulk.CSV:    "row,line,id,outcome,place,message\n1,2,A,refused,qty,\"says \"\"no\"\"\"\n",
		bulk.NDJSON: `{"row":1,"line":2,"id":"A","outcome":"refused","place":"qty","message":"says \"no\""}` + "\n",
	} {
		var b strings.Builder
		report, flush, err := bulk.Report(&b, format)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(report(bulk.Result{1, 2, "A", bulk.Refused, "qty", `says "no"`}), flush()); err != nil || b.String() != want {
			t.Errorf("got %q: %v", b.String(), err)
		}
	}
	if _, _, err := bulk.Report(io.Discard, "xml"); err == nil {
		t.Error("a report in XML")
	}
	full := errors.New("disk full")
	_, err := bulk.Import(t.Context(), strings.NewReader("sku,uom\nA,each\nB,each\n"), doormem.New(),
		bulk.Config{Kind: bulk.Items, Format: bulk.CSV, Scope: here}, func(bulk.Result) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("a report that cannot be written: %v", err)
	}
}

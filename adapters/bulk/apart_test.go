package bulk_test

import (
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/bulk"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

const orderHead = "number,item,qty,owner,name,city,carrier,po\n"

// What the rows of an order say of its head is the same, or the order is not placed.
func TestRowsOfOneOrderThatDisagreeAreNoOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ second, place, says string }{
		"name":             {"SO-1,A-2,1,ACME,Bob,Reno,UPS,P1", "name", `"Bob", and line 2, where this order begins, has "Ada"`},
		"city":             {"SO-1,A-2,1,ACME,Ada,Gary,UPS,P1", "city", `has "Reno"`},
		"carrier":          {"SO-1,A-2,1,ACME,Ada,Reno,FEDEX,P1", "carrier", `has "UPS"`},
		"purchase order":   {"SO-1,A-2,1,ACME,Ada,Reno,UPS,P2", "po", `has "P1"`},
		"after a line too": {"SO-1,A-2,1,,,,,\nSO-1,A-1,1,,,Gary,,", "city", `has "Reno"`},
	} {
		d := withItem(t)
		sum, out, err := load(t, d, bulk.Orders, bulk.CSV, orderHead+"SO-1,A-1,1,ACME,Ada,Reno,UPS,P1\n"+c.second+"\nSO-2,A-1,1,ACME,Ada,Reno,UPS,P1\n")
		if err != nil || sum.Created != 1 || sum.Failed != 0 || len(d.Orders()) != 1 {
			t.Errorf("%s: %+v %+v: %v", name, sum, out, err)
			continue
		}
		bad := out[len(out)-2]
		if bad.Outcome != bulk.Refused || bad.Place != c.place || !strings.Contains(bad.Message, c.says) {
			t.Errorf("%s: %+v", name, bad)
		}
		if first := out[0]; first.Outcome != bulk.Refused || !strings.Contains(first.Message, "not taken, because of line") {
			t.Errorf("%s: the first row is %+v", name, first)
		}
	}
}

func TestAHeadThatOnlyALaterRowSaysIsAFinding(t *testing.T) {
	t.Parallel()
	d := withItem(t)
	sum, out, err := load(t, d, bulk.Orders, bulk.CSV, orderHead+"SO-1,A-1,1,ACME,Ada,Reno,,\nSO-1,A-2,1,ACME,Ada,Reno,UPS,\n")
	if err != nil || sum.Refused != 2 || out[1].Place != "carrier" || !strings.Contains(out[1].Message, "line 2, where this order begins, leaves it out") || len(d.Orders()) != 0 {
		t.Errorf("%+v %+v: %v", sum, out, err)
	}
}

// The number is unique for an owner alone: two owners have two orders of it. Who leaves the owner
// out in a later row means the one of the first.
func TestTheOwnerIsPartOfAnOrdersNumber(t *testing.T) {
	t.Parallel()
	d := withItem(t)
	sum, out, err := load(t, d, bulk.Orders, bulk.CSV, orderHead+"SO-1,A-1,1,,Ada,Reno,,\nSO-1,A-2,1,ACME,,,,\nSO-1,A-1,1,BETA,Bob,Gary,,\nSO-1,A-1,2,,,,,\n")
	if err != nil || sum.Created+sum.Held != 4 {
		t.Fatalf("%+v %+v: %v", sum, out, err)
	}
	beta := here
	beta.Owner = "BETA"
	for s, city := range map[scope.Scope]string{here: "Reno", beta: "Gary"} {
		if o := d.Orders()[order.StreamOf(s, "SO-1")]; len(o.Lines) != 2 || o.Parties.ShipTo.City != city {
			t.Errorf("%s: %+v", s.Owner, o)
		}
	}
}

// An order of some of its rows is an order cut short: nothing of it is placed, and both places are told.
func TestAnOrderWhoseRowsStandApartIsNotPlacedShort(t *testing.T) {
	t.Parallel()
	const apart = "SO-1,A-1,1,ACME,Ada,Reno,,\nSO-2,A-1,1,ACME,Ada,Reno,,\nSO-1,A-2,1,ACME,Ada,Reno,,\nSO-3,A-1,1,ACME,Ada,Reno,,\n"
	d := withItem(t)
	sum, out, err := load(t, d, bulk.Orders, bulk.CSV, orderHead+apart)
	if err != nil || sum.Created != 2 || sum.Refused != 2 || len(d.Orders()) != 2 {
		t.Fatalf("%+v %+v: %v", sum, out, err)
	}
	for row, says := range map[int]string{0: "rows at line 2 and, with others in between, at line 4", 2: "rows at line 4 and, with others in between, at line 2"} {
		if r := out[row]; r.Outcome != bulk.Refused || r.ID != "SO-1" || r.Place != "number" || !strings.Contains(r.Message, says) {
			t.Errorf("row %d: %+v", row+1, r)
		}
	}
	// Once they stand together it is one order of two lines.
	sum, out, err = load(t, d, bulk.Orders, bulk.CSV, orderHead+"SO-1,A-1,1,ACME,Ada,Reno,,\nSO-1,A-2,1,ACME,Ada,Reno,,\nSO-2,A-1,1,ACME,Ada,Reno,,\n")
	if err != nil || sum.Created != 2 || sum.Exists != 1 {
		t.Errorf("mended: %+v %+v: %v", sum, out, err)
	}
	// An unreadable row in between parts nothing.
	if sum, out, err = load(t, d, bulk.Orders, bulk.CSV, orderHead+"SO-9,A-1,1,ACME,Ada,Reno,,\n\xff\nSO-9,A-2,1,ACME,Ada,Reno,,\n"); err != nil || strings.Contains(out[0].Message, "with others in between") {
		t.Errorf("%+v %+v: %v", sum, out, err)
	}
}

func TestABuildingWhoseRowsStandApartIsNotRegisteredInPart(t *testing.T) {
	t.Parallel()
	sum, out, err := load(t, withItem(t), bulk.Facilities, bulk.CSV, "record,code,facility\nfacility,DC1,\nfacility,DC2,\nzone,Z1,DC1\n")
	if err != nil || sum.Refused != 2 || sum.Created != 1 || !strings.Contains(out[2].Message, "at line 2") {
		t.Errorf("%+v %+v: %v", sum, out, err)
	}
}

// A row of commas alone is a row of an order without a number, on its own line.
func TestARowOfCommasNamesItsLine(t *testing.T) {
	t.Parallel()
	_, out, err := load(t, withItem(t), bulk.Orders, bulk.CSV, "number,item,qty,name\n,,,\n\n,,,\nSO-1,A-1,1,x\n")
	if err != nil || len(out) != 3 || out[0].Line != 2 || out[1].Line != 4 {
		t.Fatalf("%+v: %v", out, err)
	}
	for _, r := range out[:2] {
		if strings.Contains(r.Message, "line 0") || r.Outcome != bulk.Refused {
			t.Errorf("%+v", r)
		}
	}
}

// Of a file that was mended, what was refused is booked, and nothing else again.
func TestAMendedFileOfStockBooksOnlyWhatWasRefused(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{bulk.Stock, bulk.Opening} {
		d := withItem(t)
		const good = "A-1,P-1,5\nA-1,P-1,5\nA-2,P-1,7\n"
		if sum, out, err := load(t, d, kind, bulk.CSV, "item,location,qty\n"+good+"A-1,P-2,x\n"); err != nil || sum.Created != 3 || sum.Refused != 1 {
			t.Fatalf("%+v %+v: %v", sum, out, err)
		}
		// Corrected, sorted anew, with a column more, or as NDJSON: the same three rows.
		if sum, out, err := load(t, d, kind, bulk.CSV, "item,location,qty,lot\nA-1,P-2,6,\nA-2,P-1,7,\nA-1,P-1,5,\nA-1,P-1,5,\n"); err != nil || sum.Created != 1 || sum.Repeated != 3 {
			t.Errorf("mended: %+v %+v: %v", sum, out, err)
		}
		if sum, out, err := load(t, d, kind, bulk.NDJSON, `{"qty":5,"item":"A-1","location":"P-1"}`+"\n"+`{"item":"A-2","location":"P-2","qty":1}`+"\n"); err != nil || sum.Created != 1 || sum.Repeated != 1 {
			t.Errorf("as NDJSON: %+v %+v: %v", sum, out, err)
		}
		if sum, out, err := load(t, d, kind, bulk.CSV, "item,location,qty\n"+strings.Repeat("A-1,P-1,5\n", 3)); err != nil || sum.Created != 1 || sum.Repeated != 2 {
			t.Errorf("a third row of the same: %+v %+v: %v", sum, out, err)
		}
	}
}

// Two deliveries may say the same: the name of the file, or --as, tells them apart.
func TestAnotherFileOfReceiptsIsAnotherDelivery(t *testing.T) {
	t.Parallel()
	d := withItem(t)
	run := func(kind, name, as string) bulk.Summary {
		sum, err := bulk.Import(t.Context(), strings.NewReader("item,location,qty\nA-1,P-1,5\n"), d, bulk.Config{Kind: kind, Format: bulk.CSV, Scope: here, Name: name, As: as}, func(bulk.Result) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	for i, c := range []struct {
		kind, name, as string
		created        int
	}{
		{bulk.Stock, "monday.csv", "", 1},
		{bulk.Stock, "monday.csv", "", 0},
		{bulk.Stock, "tuesday.csv", "", 1},
		{bulk.Stock, "monday.csv", "tuesday's second", 1},
		{bulk.Stock, "mended.csv", "monday.csv", 0},
		{bulk.Opening, "a.csv", "", 1},
		{bulk.Opening, "b.csv", "", 0}, // it lies there once
		{bulk.Opening, "b.csv", "the annex", 1},
	} {
		if sum := run(c.kind, c.name, c.as); sum.Created != c.created || sum.Created+sum.Repeated != 1 {
			t.Errorf("%d: %+v", i, sum)
		}
	}
}

// A report names columns, and each place of a row that has several wrong.
func TestAReportNamesColumns(t *testing.T) {
	t.Parallel()
	d := withItem(t)
	const one = "number,item,qty,name\nN1,A-1,1,x\n"
	if sum, out, err := load(t, d, bulk.Orders, bulk.CSV, one); err != nil || sum.Created != 1 {
		t.Fatalf("%+v %+v: %v", sum, out, err)
	}
	_, out, err := load(t, d, bulk.Orders, bulk.CSV, one+"N1,A-2,2,\n")
	if err != nil || out[1].Place != "line" || out[1].Message != "order N1 exists and differs: it has no line 2" {
		t.Errorf("a second line: %+v: %v", out, err)
	}
	_, out, err = load(t, d, bulk.Orders, bulk.CSV, "number,item,qty,name\n B/1 , M/1 ,1,x\n")
	if err != nil || out[0].Place != "number" || !strings.Contains(out[0].Message, "; item: ") {
		t.Errorf("two places: %+v: %v", out, err)
	}
}

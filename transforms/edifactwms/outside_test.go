package edifactwms_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

// of reads a body as a message of a type.
func of(t *testing.T, kind, body string) *edifact.Part {
	t.Helper()
	d, err := edifact.Parse([]byte("UNB+UNOC:3+ACME:14+PAKLOG:14+261123:0915+7'\nUNH+1+"+kind+":D:96A:UN'\n"+body+fmt.Sprintf("UNT+%d+1'\nUNZ+1+7'", len(segments(body))+2)), edifact.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Messages() {
		return p
	}
	t.Fatal("no message")
	return nil
}

// Put-get: who is asked by ORDERS reads the order that was written.
func TestWhatA3PLIsAskedByORDERSIsTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		o := ordered(r)
		o.Service = order.Service{Carrier: rapid.SampledFrom([]string{"UPSN", "ROAD"}).Draw(r, "carrier"), Method: rapid.SampledFrom([]string{"parcel", "motor", "air"}).Draw(r, "method"),
			Terms: rapid.SampledFrom([]string{"prepaid", "collect", "third_party"}).Draw(r, "terms")}
		o.Dates.ShipBy = noon.Add(time.Duration(rapid.IntRange(0, 100_000).Draw(r, "minutes")) * time.Minute)
		written := sent(t, "ORDERS", edifactwms.ShippingOrder(agree, o, x12wms.Orders, noon))
		read, err := edifactwms.Order(agree, of(t, "ORDERS", written))
		if err != nil {
			r.Fatalf("%v\n%s", err, written)
		}
		c := read.Command
		a, b := c.ShipTo, o.Parties.ShipTo
		same := slices.Equal(a.Lines, b.Lines) && a.Name == b.Name && a.Company == b.Company && a.City == b.City && a.Region == b.Region && a.PostalCode == b.PostalCode && a.Country == b.Country && a.Code == b.Code
		if c.Scope != o.Scope || c.Number != o.Number || !same || c.Service != o.Service || !slices.Equal(c.Refs, o.Refs) || !c.Dates.ShipBy.Equal(o.Dates.ShipBy) || len(c.Lines) != len(o.Lines) {
			r.Fatalf("wrote\n%+v\nread\n%+v\n%s", o, c, written)
		}
		for i, l := range c.Lines {
			if want := o.Lines[i]; l.Item != want.Item || l.Qty != want.Qty || l.UOM != want.UOM || l.No != want.No {
				r.Fatalf("wrote line %+v, read %+v", want, l)
			}
		}
	})
}

func TestAnORDERSSaysAllThatWhoShipsNeeds(t *testing.T) {
	t.Parallel()
	o := someOrder()
	o.Refs = append(o.Refs, order.Ref{Kind: "po", Value: "PO-7"}, order.Ref{Kind: "edifact:ABO", Value: "77"}, order.Ref{Kind: "x12:ZZ", Value: "none of this syntax"})
	o.Lines[0].Lot = "L7"
	o.Dates = order.Dates{NotBefore: noon, DeliverBy: noon.Add(time.Hour), CancelAfter: noon.Add(48 * time.Hour)}
	a := &o.Parties.ShipTo
	a.Name, a.Phone, a.Email = "The Very Old Corner Shop of Reno and Sparks", "5551", "jo@example.org"
	a.Lines = []string{"1 Main Street, through the yard, and then up", "REAR"}
	o.Parties.Notes = []string{strings.Repeat("leave it at the dock ", 20)}
	got := sent(t, "ORDERS", edifactwms.ShippingOrder(agree, o, x12wms.Orders, noon))
	holds(t, got, []string{"BGM+220+ORD-1+9", "DTM+37:202611251200:203", "DTM+63:202611251300:203", "DTM+61:202611271200:203", "RFF+CO:PO-9", "RFF+UC:PO-7", "RFF+ABO:77",
		"NAD+DP+S1::92++The Very Old Corner Shop of Reno:and Sparks:ATTN JO+1 Main Street, through the yard,:and then up:REAR+RENO+NV+89501+US", "CTA+DL", "COM+5551:TE", "COM+jo@example.org:EM",
		"NAD+WH+W1::92", "NAD+GO+D7::92", "TDT+20++50++:::UPS", "LIN+1++SKU-1:SA", "PIA+1+L7:NB", "QTY+21:4:CT", "QTY+21:10:PCE"}, []string{"RFF+ON", "none of this"})
	note := ""
	for _, s := range segments(got) {
		if text, ok := strings.CutPrefix(s, "FTX+AAI+++"); ok {
			note += strings.ReplaceAll(text, ":", "")
		}
	}
	if note != strings.TrimSpace(o.Parties.Notes[0]) {
		t.Errorf("the note is %q", note)
	}
}

func TestOfAnOrderThatChangedTheRestIsAskedByORDCHG(t *testing.T) {
	t.Parallel()
	line := func(no int, ordered, shipped, short, cancelled int64) order.Line {
		return order.Line{SKU: "A", AcceptedLine: order.AcceptedLine{No: no, Item: "A", Qty: ordered / 6, UOM: "case", Ordered: ordered}, Shipped: shipped, Short: short, Cancelled: cancelled}
	}
	held := line(4, 12, 0, 0, 0)
	held.Problem.Code = "unknown_item"
	o := order.Order{Scope: where, Number: "SO-1", Lines: []order.Line{line(1, 12, 6, 0, 0), line(2, 12, 0, 0, 6), line(3, 12, 0, 12, 0), held, line(5, 12, 0, 1, 0)}}
	o.Parties.ShipTo.Name, o.Parties.ShipTo.City = "Jo", "Rome"
	got := sent(t, "ORDCHG", edifactwms.ShippingOrder(agree, o, x12wms.Replaces, noon))
	holds(t, got, []string{"BGM+230+SO-1+5", "LIN+1++A:SA'QTY+21:2:CT'LIN+2++A:SA'QTY+21:1:CT'LIN+5++A:SA'QTY+21:11:PCE", "CNT+2:3"}, nil)
	if read, err := edifactwms.Order(agree, of(t, "ORDCHG", got)); err != nil || read.Amend == nil || !read.Amend.Whole || len(read.Amend.Lines) != 3 {
		t.Errorf("%+v, %v", read, err)
	}
	got = sent(t, "ORDCHG", edifactwms.ShippingOrder(agree, o, x12wms.Cancels, noon))
	if read, err := edifactwms.Order(agree, of(t, "ORDCHG", got)); err != nil || !read.Cancel || read.Command.Number != "SO-1" || read.Command.Scope != where {
		t.Errorf("%+v, %v", read, err)
	}
}

// Put-get: what is announced by DESADV is what is expected where it is read.
func TestWhatA3PLIsToldByDESADVIsExpected(t *testing.T) {
	t.Parallel()
	lines := []receiving.Line{
		{No: 1, Item: "A", Qty: 30, Lot: "L1", Expiry: "2027-01-31"},
		{No: 2, Item: "A", Qty: 5, LPN: "001234567890123452", Serials: []string{"1", "2", "3", "4", "5"}},
		{No: 3, Item: "B", Qty: 7, LPN: "PAL-1"}, // no SSCC: a number of ours
		{No: 4, Item: "B", Qty: 8, LPN: "001234567890123452"},
	}
	r := receiving.Receipt{Head: receiving.Head{Scope: where, ID: "R-1"}, Reference: "PO-7", Supplier: "MILL", Due: noon}
	for _, l := range lines {
		r.Lines = append(r.Lines, receiving.Expected{Line: l})
	}
	r.Lines = append(r.Lines, receiving.Expected{Line: receiving.Line{No: 5, Item: "C", Qty: 1}, Unannounced: true})
	got := sent(t, "DESADV", edifactwms.Announcement(agree, r, edifactwms.Original, noon))
	e, err := edifactwms.Expected(agree, of(t, "DESADV", got))
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	a := e.Announcement
	if e.ID != "R-1" || e.Scope != where || a.Reference != "PO-7" || a.Supplier != "MILL" || !a.Due.Equal(noon) || len(a.Lines) != 4 {
		t.Fatalf("%+v", e)
	}
	for i, want := range []int{0, 2, 1, 3} {
		x, l := lines[want], a.Lines[i]
		if x.LPN == "PAL-1" {
			x.LPN = ""
		}
		if l.Item != x.Item || l.Qty != x.Qty || l.Lot != x.Lot || l.Expiry != x.Expiry || l.LPN != x.LPN || !slices.Equal(l.Serials, x.Serials) {
			t.Errorf("wrote %+v, read %+v", x, l)
		}
	}
	got = sent(t, "DESADV", edifactwms.Announcement(agree, r, edifactwms.TakesBack, noon))
	if e, err = edifactwms.Expected(agree, of(t, "DESADV", got)); err != nil || !e.Cancel || e.ID != "R-1" {
		t.Errorf("%+v, %v", e, err)
	}
}

// Put-get: what a DESADV of ours says has left is what is read of it, cartons and shorts too.
func TestWhatADESADVSaysHasLeftIsRead(t *testing.T) {
	t.Parallel()
	o, c := someOrder(), confirmed()
	body, err := edifactwms.DespatchAdvice(agree, o, c, map[int]int64{2: 3})
	if err != nil {
		t.Fatal(err)
	}
	a, err := edifactwms.Shipped(agree, of(t, "DESADV", sent(t, "DESADV", body)))
	if err != nil {
		t.Fatal(err)
	}
	if a.Order.Value != "ORD-1" || a.Shipment.Value != "S-1" || a.Warehouse.Value != "W1" || a.Carrier != "UPSN" || len(a.Cartons) != 3 {
		t.Fatalf("%+v", a)
	}
	var got []string
	for _, c := range a.Cartons {
		for _, l := range c.Lines {
			got = append(got, fmt.Sprintf("%s/%s line %s %d-%d %s %s %s %s", c.SSCC.Value, c.Tracking, l.Ref.Value, l.Qty, l.Short, l.UOM, l.Codes[0].Value.Value, l.Lot, strings.Join(l.Serials, "")))
		}
	}
	want := []string{
		"000000000000000017/1Z1 line 1 2-0 case SKU-1  ", "000000000000000017/1Z1 line 2 5-0 each SKU-2 L1 ",
		"000000000000000024/1Z2 line 1 1-0 case SKU-1  ", "000000000000000024/1Z2 line 2 5-0 each SKU-2 L2 ABCDE",
		// Line 1 is short of a case, line 3 of all; of line 2 three follow.
		"/ line 1 0-1 case SKU-1  ", "/ line 2 0-0 each SKU-2  ", "/ line 3 0-5 each SKU-3  ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

func TestHowOthersSayWhatLeft(t *testing.T) {
	t.Parallel()
	const head = "BGM+351+S-1+9'RFF+ON:SO-1'CPS+1'"
	for name, c := range map[string]struct{ body, want string }{
		"a line of the order by RFF ON":        {head + "LIN+1++A:SA'QTY+12:2'RFF+ON:SO-1:7'", "7 2-0"},
		"the order at the lines alone":         {"BGM+351+S-1'CPS+1'LIN+1++A:SA'QTY+12:2'RFF+ON:SO-1:7'", "7 2-0"},
		"short without a sign":                 {head + "LIN+1++A:SA'QTY+12:2'QVR+3:21+CP'", " 2-0,  0-3"},
		"discontinued":                         {head + "LIN+1++A:SA'QTY+12:2'QVR+-3:21+AB'", " 2-0,  0-3"},
		"short for a reason that may pass":     {head + "LIN+1++A:SA'QTY+12:2'QVR+-3:21+AD'", " 2-0,  0-0"},
		"short without a word":                 {head + "LIN+1++A:SA'QTY+12:2'QVR+-3:21'", " 2-0,  0-0"},
		"less than was ordered without a word": {head + "LIN+1++A:SA'QTY+21:5'QTY+12:2'", " 2-0"},
		"nothing of a line":                    {head + "LIN+1++A:SA'QTY+12:0'QVR+-3:21+CP'", " 0-3"},
		"packages of a line":                   {head + "LIN+1++A:SA'QTY+12:3'PCI+33E'QTY+12:2'GIN+BJ+001234567890123452'PCI+33E'QTY+12:1'GIN+BJ+001234567890123469'", " 2-0,  1-0"},
		"packages that hold another sum":       {head + "LIN+1++A:SA'QTY+12:4'PCI+33E'QTY+12:2'GIN+BJ+001234567890123452'PCI+33E'QTY+12:1'GIN+BJ+001234567890123469'", "QTY-01-2 quantity"},
		"a pallet over two cartons":            {head + "GIN+BJ+001234567890123452+001234567890123469'CPS+2+1'LIN+1++A:SA'QTY+12:2'", "QTY-01-2 quantity"},
		"a line in two packages":               {head + "LIN+1++A:SA'QTY+12:2'PCI+33E'GIN+BJ+001234567890123452+001234567890123469'", "QTY-01-2 quantity"},
		"an SSCC that is none":                 {head + "CPS+2+1'GIN+BJ+4711'LIN+1++A:SA'QTY+12:2'", "GIN-02-1 order-invalid"},
		"levels that name each other":          {"BGM+351+S-1'RFF+ON:SO-1'CPS+1+2'CPS+2+1'LIN+1++A:SA'QTY+12:2'", " 2-0"},
		"no quantity":                          {head + "LIN+1++A:SA'", "QTY-01-2 quantity"},
		"less than nothing":                    {head + "LIN+1++A:SA'QTY+12:-2'", "QTY-01-2 quantity"},
		"no line":                              {head, "LIN lines-missing"},
		"no order":                             {"BGM+351+S-1+9'CPS+1'LIN+1++A:SA'QTY+12:2'", "RFF-01-2 value-missing"},
		"a change":                             {strings.Replace(head, "+9", "+4", 1) + "LIN+1++A:SA'QTY+12:2'", "BGM-03 document-unsupported"},
	} {
		a, err := edifactwms.Shipped(agree, of(t, "DESADV", c.body))
		var all []string
		for _, x := range a.Cartons {
			for _, l := range x.Lines {
				all = append(all, fmt.Sprintf("%s %d-%d", l.Ref.Value, l.Qty, l.Short))
			}
		}
		got := strings.Join(all, ", ")
		if x := (*x12wms.Error)(nil); errors.As(err, &x) {
			got = x.Findings[0].Element + " " + x.Findings[0].Code
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q (%v)", name, got, c.want, err)
		}
	}
}

// Put-get: what a RECADV of ours says came is what is read of it, lot by lot.
func TestWhatARECADVSaysCameIsRead(t *testing.T) {
	t.Parallel()
	r := receiving.Receipt{Head: receiving.Head{Scope: where, ID: "R-1"}, Parties: []party.Coded{{Role: "DP", List: "92", Code: "W1"}},
		Lines: []receiving.Expected{{Line: receiving.Line{No: 1, Item: "A", Qty: 12, Codes: []item.Code{{Kind: "vendor", Value: "A"}}}, Count: receiving.Count{Good: 7, Damaged: 2, Held: 1}}},
		Entries: []receiving.Entry{
			{Line: 1, Stage: inventory.Free, Qty: 4, Place: inventory.Place{Lot: "L1"}}, {Line: 1, Stage: inventory.Free, Qty: 3, Place: inventory.Place{Lot: "L2"}},
			{Line: 1, Stage: inventory.Damaged, Qty: 2, Place: inventory.Place{Lot: "L2"}}, {Line: 1, Stage: inventory.Held, Qty: 1, Place: inventory.Place{Lot: "L2"}},
		}}
	got := sent(t, "RECADV", edifactwms.ReceivingAdvice(agree, r, receiving.Closed{Head: receiving.Head{Scope: where, ID: "R-1", At: noon}}))
	a, err := edifactwms.Arrived(agree, of(t, "RECADV", got))
	if err != nil || a.Warehouse.Value != "W1" || a.Numbers[0].Value != "R-1" || len(a.Lines) != 2 {
		t.Fatalf("%+v, %v\n%s", a, err, got)
	}
	for i, want := range []string{" 4-0 L1 A", "1 6-3 L2 A"} {
		l := a.Lines[i]
		if said := fmt.Sprintf("%s %d-%d %s %s", l.Ref.Value, l.Qty, l.Damaged, l.Lot, l.Codes[0].Value); said != want {
			t.Errorf("%s, want %s\n%s", said, want, got)
		}
	}
}

func TestHowOthersSayWhatCame(t *testing.T) {
	t.Parallel()
	const head = "BGM+632+W-1+9'RFF+AAK:R-1'CPS+1'LIN+1++A:SA'"
	for name, c := range map[string]struct{ body, want string }{
		"received":                      {head + "QTY+48:5'", "5-0"},
		"accepted":                      {head + "QTY+194:5'", "5-0"},
		"accepted, and some damaged":    {head + "QTY+194:5'QTY+124:2'", "7-2"},
		"received, and some accepted":   {head + "QTY+48:5'QTY+194:4'", "5-1"},
		"delivered, and some refused":   {head + "QTY+46:5'QTY+195:1'QTY+196:1'", "5-2"},
		"nothing":                       {head + "QTY+48:0'QVR+-5:12+CP'", "0-0"},
		"a quantity at a place besides": {head + "QTY+48:5'LOC+7+X'QTY+48:3'", "5-0"},
		"the notice by DOC":             {"BGM+632+W-1'DOC+351+R-1'CPS+1'LIN+1++A:SA'QTY+48:5'", "5-0"},
		"the notice at the line":        {"BGM+632+W-1'CPS+1'LIN+1++A:SA'QTY+48:5'RFF+AAK:R-1:3'", "5-0"},
		"no quantity":                   {head, "QTY-01-2 quantity"},
		"more accepted than came":       {head + "QTY+48:5'QTY+194:6'", "QTY-01-2 quantity"},
		"more damaged than came":        {head + "QTY+48:5'QTY+124:6'", "QTY-01-2 quantity"},
		"a word":                        {head + "QTY+48:five'", "QTY-01-2 quantity"},
		"a day that is none":            {head + "QTY+48:5'DTM+36:20270231:102'", "DTM-01-2 date"},
		"no notice":                     {"BGM+632+W-1'CPS+1'LIN+1++A:SA'QTY+48:5'", "RFF-01-2 value-missing"},
		"no line":                       {"BGM+632+W-1'RFF+AAK:R-1'CPS+1'", "LIN lines-missing"},
		"a cancellation":                {strings.Replace(head, "+9", "+1", 1) + "QTY+48:5'", "BGM-03 document-unsupported"},
	} {
		got := ""
		a, err := edifactwms.Arrived(agree, of(t, "RECADV", c.body))
		for _, l := range a.Lines {
			got += fmt.Sprintf("%d-%d", l.Qty, l.Damaged)
		}
		if x := (*x12wms.Error)(nil); errors.As(err, &x) {
			got = x.Findings[0].Element + " " + x.Findings[0].Code
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q (%v)", name, got, c.want, err)
		}
	}
}

func TestAMessageOfTooManySegmentsIsRefused(t *testing.T) {
	t.Parallel()
	long := "BGM+351+S-1'RFF+ON:SO-1'CPS+1'" + strings.Repeat("LIN+1++A:SA'QTY+12:1'", x12wms.MaxSegments/2)
	_, left := edifactwms.Shipped(agree, of(t, "DESADV", long))
	_, came := edifactwms.Arrived(agree, of(t, "RECADV", long))
	for _, err := range []error{left, came} {
		if x := (*x12wms.Error)(nil); !errors.As(err, &x) || x.Findings[0].Element != "UNH-02-1" {
			t.Errorf("%v", err)
		}
	}
}

// What whoever runs a building sends harms nobody, and each error has its place.
func FuzzOutsideNeverHarms(f *testing.F) {
	f.Add(despatched)
	f.Add("BGM'\nRFF+AAK:1'\nDOC+351'\nCPS+1+1'\nGIN+BJ'\nLIN'\nQTY+48'\nQTY+194:2'\nPIA+1+A:NB'\nPCI'\nGIN+BX+A'\nQVR'\nDTM+36'\nRFF+ON:A:1'\nCNT'\n")
	f.Fuzz(func(t *testing.T, body string) {
		d, err := edifact.Parse([]byte("UNB+UNOC:3+ACME+PAKLOG+261123:0915+7'UNH+1+DESADV:D:96A:UN'"+body+"UNT+1+1'UNZ+1+7'"), edifact.Limits{Findings: 20})
		if err != nil {
			return
		}
		for p := range d.Messages() {
			left, errLeft := edifactwms.Shipped(agree, p)
			came, errCame := edifactwms.Arrived(agree, p)
			for _, err := range []error{errLeft, errCame} {
				var x *x12wms.Error
				if err != nil && (!errors.As(err, &x) || len(x.Findings) == 0) {
					t.Fatalf("an error without a place: %v", err)
				}
			}
			if errLeft == nil && (left.Order.Value == "" || len(left.Cartons) == 0) || errCame == nil && (len(came.Numbers) == 0 || len(came.Lines) == 0) {
				t.Fatalf("nothing was taken out of %q", p.Raw)
			}
			for _, l := range came.Lines {
				if errCame == nil && (l.Damaged < 0 || l.Damaged > l.Qty) {
					t.Fatalf("%+v", l)
				}
			}
		}
	})
}

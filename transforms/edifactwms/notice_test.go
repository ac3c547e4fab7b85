package edifactwms_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

const despatched = "BGM+351+ASN-5+9'\nDTM+137:20261120:102'\nDTM+11:202611201000:203'\nDTM+132:202611261200:203'\nRFF+ON:PO-7'\nDTM+171:20261101:102'\n" +
	"NAD+SU+M3::92++MILL'\nRFF+VA:DE1'\nNAD+DP+W1::92'\nNAD+GO+D7::92'\nTDT+20++30++ABCD'\nCPS+1'\nPAC+2'\n" +
	"CPS+2+1'\nPAC+1++CT'\nPCI+33E'\nGIN+BJ+00001234567890123457'\n" +
	"LIN+1++SKU-1:SA'\nPIA+1+L7:NB'\nQTY+12:24:PCE'\nQTY+21:30'\nDTM+361:20270131:102'\nDTM+36:270228:101'\nRFF+ON:PO-7'\nLOC+7+X'\nQTY+12:9'\n" +
	"LIN+2++SKU-2:SA'\nQTY+12:2'\nGIN+BN+S1+S2'\n" +
	"CPS+3+1'\nPAC+1++PX'\nLIN+3++SKU-1:SA'\nQTY+12:6:CT'\n" +
	"PCI+33E'\nQTY+12:4:CT'\nGIN+BJ+001234567890123464'\nGIN+BX+L8'\nPCI+33E'\nDTM+361:20270401:102'\nQTY+12:2:CT'\nGIN+BJ+001234567890123471'\nHAN+1'\nGIN+BX+L9'\n" +
	"LIN+4++SKU-9:SA'\nQTY+12:0'\nQVR+-5:21+CP'\nCNT+2:4'\n"

// advised reads a body as the DESADV of an interchange.
func advised(t *testing.T, body string) *edifact.Part {
	t.Helper()
	return of(t, "DESADV", body)
}

func TestADESADVAnnouncesWhatStandsInWhichPackage(t *testing.T) {
	t.Parallel()
	e, err := edifactwms.Expected(agree, advised(t, despatched))
	if err != nil {
		t.Fatal(err)
	}
	want := receiving.Announcement{
		Kind: receiving.KindASN, Supplier: "M3", Reference: "PO-7", Due: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC),
		Lines: []receiving.Line{
			{Item: "SKU-1", Qty: 24, Lot: "L7", Expiry: "2027-02-28", LPN: "001234567890123457"},
			{Item: "SKU-2", Qty: 2, LPN: "001234567890123457", Serials: []string{"S1", "S2"}},
			{Item: "SKU-1", Qty: 4, Lot: "L8", LPN: "001234567890123464"},
			{Item: "SKU-1", Qty: 2, Lot: "L9", Expiry: "2027-04-01", LPN: "001234567890123471"},
		},
	}
	if e.ID != "ASN-5" || e.Cancel || e.Scope != where || !reflect.DeepEqual(plain(e.Announcement), want) || !slices.Equal(e.Units, []string{item.Each, item.Each, item.Case, item.Case}) {
		t.Errorf("%+v\nwant %+v", e, want)
	}
	for place, element := range map[string]string{"lines[0].lpn": "GIN-02-1", "lines[1].serials": "GIN-02-1", "lines[2].qty": "QTY-01-2", "lines[3].lot": "GIN-02-1", "due": "DTM-01-2", "supplier": "NAD-01"} {
		if at, _ := e.At(place); at.Element != element || at.Segment == 0 {
			t.Errorf("%s stands at %+v, want %s", place, at, element)
		}
	}
	gone, err := edifactwms.Expected(agree, advised(t, strings.Replace(despatched, "ASN-5+9", "ASN-5+1", 1)))
	if err != nil || !gone.Cancel || gone.ID != "ASN-5" {
		t.Errorf("%+v, %v", gone, err)
	}
}

func TestWhatADESADVLacksIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, element, at string }{
		"no number":               {"BGM+351+ASN-5", "BGM+351+", "BGM-02", "+9'"},
		"a change of it":          {"ASN-5+9", "ASN-5+4", "BGM-03", "4'"},
		"another building":        {"NAD+DP+W1", "NAD+DP+W9", "NAD-02-1", "W9:"},
		"no building":             {"NAD+DP", "NAD+BY", "NAD", "UNT"},
		"no lines":                {despatched[strings.Index(despatched, "LIN+1"):], "", "LIN", "UNT"},
		"no quantity":             {"QTY+12:2'\n", "", "QTY-01-2", "LIN+2"},
		"half a piece":            {"QTY+12:2'", "QTY+12:2.5'", "QTY-01-2", "2.5"},
		"nothing, and no reason":  {"QVR+-5:21+CP'\n", "", "QTY-01-2", "0'"},
		"no item":                 {"LIN+2++SKU-2:SA", "LIN+2", "LIN-03-1", "'"},
		"a code nobody goes by":   {"LIN+2++SKU-2:SA", "LIN+2++SKU-2:ZZ", "LIN-03-1", "SKU-2:ZZ"},
		"a day that is none":      {"DTM+132:202611261200", "DTM+132:202611311200", "DTM-01-2", "202611311200"},
		"an expiry that is none":  {"DTM+36:270228", "DTM+36:270230", "DTM-01-2", "270230"},
		"an expiry of a month":    {"DTM+361:20270401:102", "DTM+361:202704:610", "DTM-01-2", "202704:"},
		"a range of units":        {"GIN+BN+S1+S2", "GIN+BN+S1:S2", "GIN-02-2", "S2"},
		"more than is in it":      {"QTY+12:6:CT", "QTY+12:7:CT", "QTY-01-2", "7:CT"},
		"another unit in it":      {"QTY+12:4:CT", "QTY+12:4:PCE", "QTY-01-2", "4:PCE"},
		"a package of nothing":    {"QTY+12:4:CT", "QTY+12:0:CT", "QTY-01-2", "0:CT"},
		"two lots in one package": {"GIN+BX+L8'", "GIN+BX+L8+L6'", "GIN-03-1", "L6"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(despatched, c.old) {
				t.Fatalf("%q is not in the sample", c.old)
			}
			p := advised(t, strings.Replace(despatched, c.old, c.new, 1))
			anywhere := agree
			anywhere.Facility = ""
			e, err := edifactwms.Expected(anywhere, p)
			var x *x12wms.Error
			if !errors.As(err, &x) || fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%+v, %v", e, err)
			}
			f := x.Findings[0]
			if at := string(p.Raw[f.Offset-p.Offset:]); f.Element != c.element || !strings.HasPrefix(at, c.at) || f.Line < 2 || f.Segment < 1 {
				t.Errorf("%+v at %.12q, want %s at %s", x.Findings, at, c.element, c.at)
			}
		})
	}
	if _, err := edifactwms.Expected(agree, message(t, body)); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "UNH-02-1" {
		t.Errorf("an ORDERS as a notice: %v", err)
	}
}

// Where nobody says which of several packages goods are in, they are announced on none.
func TestWhatStandsNobodyKnowsWhereHasNoLPN(t *testing.T) {
	t.Parallel()
	head, line := despatched[:strings.Index(despatched, "CPS+1")], "LIN+1++SKU-1:SA'\nQTY+12:24'\n"
	mark := "PAC+1'\nPCI+33E'\nGIN+BJ+001234567890123464'\n"
	for name, c := range map[string]struct{ levels, lpn string }{
		"several packages":      {"CPS+1'\n" + mark + "PCI+33E'\nGIN+BJ+001234567890123471'\n" + line, ""},
		"a range of packages":   {"CPS+1'\nPAC+3'\nPCI+33E'\nGIN+BJ+001234567890123464:001234567890123471'\n" + line, ""},
		"no package":            {"CPS+1'\n" + line, ""},
		"no level":              {line, ""},
		"the pallet around it":  {"CPS+1'\nCPS+2+1'\n" + mark + "CPS+3+2'\nPAC+4'\n" + line, "001234567890123464"},
		"levels in a circle":    {"CPS+1+2'\nCPS+2+1'\n" + line, ""},
		"a level that is none":  {"CPS+2+9'\n" + line, ""},
		"packages of the line":  {"CPS+1'\n" + line + "PCI+33E'\nGIN+BJ+001234567890123464'\nPCI+33E'\nGIN+BJ+001234567890123471'\n", ""},
		"a package of the line": {"CPS+1'\n" + mark + line + "PCI+33E'\nGIN+BJ+001234567890123471'\n", "001234567890123471"},
	} {
		e, err := edifactwms.Expected(agree, advised(t, head+c.levels+"CNT+2:1'\n"))
		if err != nil || len(e.Announcement.Lines) != 1 || e.Announcement.Lines[0].LPN != c.lpn || e.Announcement.Lines[0].Qty != 24 {
			t.Errorf("%s: %+v, %v", name, e.Announcement, err)
		}
	}
}

// What one hub says has left, the next one expects.
func TestADESADVOfOursIsUnderstood(t *testing.T) {
	t.Parallel()
	body, err := edifactwms.DespatchAdvice(agree, someOrder(), confirmed(), nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := edifactwms.Expected(x12wms.Profile{Tenant: "t1", Facilities: map[string]string{"S1": "dc1"}, Owners: map[string]string{"D7": "acme"}}, advised(t, sent(t, "DESADV", body)))
	if err != nil {
		t.Fatal(err)
	}
	want := []receiving.Line{ // what is short of line 3 is none
		{No: 1, Item: "SKU-1", Qty: 2, LPN: "000000000000000017"},
		{No: 2, Item: "SKU-2", Qty: 5, Lot: "L1", LPN: "000000000000000017"},
		{No: 3, Item: "SKU-1", Qty: 1, LPN: "000000000000000024"},
		{No: 4, Item: "SKU-2", Qty: 5, Lot: "L2", LPN: "000000000000000024", Serials: []string{"A", "B", "C", "D", "E"}},
	}
	if e.ID != "S-1" || e.Scope != where || e.Announcement.Reference != "ORD-1" || !reflect.DeepEqual(plain(e.Announcement).Lines, want) || !slices.Equal(e.Units, []string{item.Case, item.Each, item.Case, item.Each}) {
		t.Errorf("%+v", e)
	}
}

func TestEachGeneratedDESADVAnnouncesItsLines(t *testing.T) {
	t.Parallel()
	p := x12wms.Profile{Tenant: "t1", Facility: "dc1", Owner: "acme", Items: []string{"VN"}}
	for seed := range uint64(30) {
		for _, directory := range []string{"D96A", "D01B"} {
			var b bytes.Buffer
			orders, err := edifactgen.Write(&b, edifactgen.Config{Type: "DESADV", Seed: seed, Messages: 5, MostLine: 6, Directory: directory, Items: []string{"SKU-1", "SKU-2"}})
			if err != nil {
				t.Fatal(err)
			}
			d, err := edifact.Parse(b.Bytes(), edifact.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			i := 0
			for m := range d.Messages() {
				e, err := edifactwms.Expected(p, m)
				if err != nil || e.ID != orders[i].Number || len(e.Announcement.Lines) != len(orders[i].Lines) {
					t.Fatalf("seed %d: %+v, %v", seed, e, err)
				}
				for k, l := range e.Announcement.Lines {
					if want := orders[i].Lines[k]; l.Item != want.Item || l.Qty != int64(want.Qty) || len(l.LPN) != 18 {
						t.Fatalf("seed %d: %+v, want %+v", seed, l, want)
					}
				}
				i++
			}
		}
	}
}

func TestEachDESADVOfTheCorpusIsAReceiptOrAFindingWithItsPlace(t *testing.T) {
	t.Parallel()
	const dir = "../../../shared/data/edi-samples"
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
	if len(files) == 0 {
		t.Skipf("no EDI samples: %s is absent", dir)
	}
	announced, refused := 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := edifact.Parse(data, edifact.Limits{})
		if err != nil {
			continue // X12, or neither
		}
		for m := range d.Messages() {
			if m.UNH.Type != "DESADV" {
				continue
			}
			e, err := edifactwms.Expected(x12wms.Profile{Tenant: "t1", Facility: "dc1", Owner: "a"}, m)
			if err == nil {
				announced++
				t.Logf("%-60s receipt %s, %d lines", filepath.Base(file), e.ID, len(e.Announcement.Lines))
				continue
			}
			refused++
			var x *x12wms.Error
			if !errors.As(err, &x) {
				t.Errorf("%s: %v has no findings", file, err)
				continue
			}
			for _, f := range x.Findings {
				if f.Offset < m.Offset || f.Offset > m.Offset+int64(len(m.Raw)) || f.Line < 1 || f.Element == "" || f.Segment < 1 {
					t.Errorf("%s: finding without its place: %+v", file, f)
				}
			}
			t.Logf("%-60s %s", filepath.Base(file), x.Findings[0])
		}
	}
	t.Logf("%d announced, %d refused with a finding", announced, refused)
}

func FuzzDESADVNeverHarms(f *testing.F) {
	f.Add(despatched)
	f.Add("BGM'\nNAD+DP+W1'\nCPS'\nGIN+BJ'\nLIN'\nQTY+12'\nPCI'\nGIN+BX'\nQTY'\nQVR'\nDTM+36'\nRFF+LI'\nCNT'\n")
	f.Fuzz(func(t *testing.T, body string) {
		d, err := edifact.Parse([]byte("UNB+UNOC:3+ACME+PAKLOG+261123:0915+7'UNH+1+DESADV:D:96A:UN'"+body+"UNT+1+1'UNZ+1+7'"), edifact.Limits{Findings: 20})
		if err != nil {
			return
		}
		for p := range d.Messages() {
			e, err := edifactwms.Expected(agree, p)
			if err == nil && (e.ID == "" || len(e.Announcement.Lines) == 0 && !e.Cancel || len(e.Announcement.Lines) != len(e.Units)) {
				t.Fatalf("a receipt of nothing out of %q", p.Raw)
			}
			var x *x12wms.Error
			if err != nil && (!errors.As(err, &x) || len(x.Findings) == 0) {
				t.Fatalf("an error without a place: %v", err)
			}
		}
	})
}

// plain is an announcement without what is kept to answer in the sender's own codes.
func plain(a receiving.Announcement) receiving.Announcement {
	a.Parties, a.Lines = nil, slices.Clone(a.Lines)
	for i := range a.Lines {
		a.Lines[i].Codes = nil
	}
	return a
}

package bulk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/bulk"
	"github.com/paklog/hub/adapters/internal/doormem"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// kinds are the files of a small warehouse, in the order that they may be imported in.
var kinds = []struct{ kind, doc, file string }{
	{bulk.Owners, view.Owner, `{"owner":"ACME","title":"Acme, \"Dairy\"","rotation":"fefo","shelf_life":{"receive_days":60,"ship_days":30}}
{"owner":"BETA","blocked":true}
`},
	{bulk.Crossrefs, view.Crossref, `{"partner":"shop","kind":"item","theirs":"S;1","ours":"A-1"}
{"partner":"shop","kind":"method","theirs":"Express, \"2 days\"","carrier":"ups","level":"ground","account":"1Z","terms":"collect"}
{"partner":"ups","kind":"service","theirs":"03","ours":"ground"}
`},
	{bulk.Facilities, view.Facility, `{"facility":"DC1","title":"One","time_zone":"America/New_York","zones":[{"zone":"Z1","storage_type":"shelf","capacity":{"units":90}},{"zone":"Z 2","title":"Slow"}],"aisles":[{"aisle":"01","zone":"Z1","capacity":{"weight_mg":7,"lpns":2}},{"aisle":"02"}],"layouts":[{"layout":"HALL","aisles":["01","02"],"cells":20,"blocks":2,"aisle_to_aisle_um":5000000,"cell_to_cell_um":1000000,"front_to_cell_um":1500000,"back_to_cell_um":1500000,"middle_to_cell_um":2000000,"depots":[{"aisle":"01","distance_um":3000000},{"zone":"Z 2","aisle":"02","end":"back"}]}],"slotting":[{"rule":"fast","owner":"ACME","class":"A","zones":["Z1","Z 2"],"purposes":["pick","bulk"]},{"rule":"rest","storage_type":"shelf"}]}
{"facility":"DC2"}
`},
	{bulk.Workers, view.Worker, `{"worker":"kim","skills":["hazmat","cold"],"equipment":["reach_truck"],"zones":["Z1"],"home":"Z1","kinds":["pick","count"]}
{"facility":"DC2","worker":"lee"}
`},
	{bulk.Locations, view.Location, `{"location":"P-1","purpose":"pick","zone":"Z1","aisle":"01","bay":"2","level":"3","cell":4,"sequence":7,"storage_type":"shelf","capacity":{"units":5,"volume_mm3":6},"slot":{"owner":"ACME","item":"A-1","min":2,"max":9},"mix":"lot"}
{"facility":"DC2","location":"D-1","purpose":"dock","blocked":"flooded"}
`},
	{bulk.Items, view.Item, `{"sku":"A-1","description":"Mug; \"blue\"","units":[{"uom":"pallet","factor":48,"weight_mg":9},{"uom":"each","factor":1,"weight_mg":5,"dims":{"length_um":1,"width_um":2,"height_um":3}},{"uom":"inner","factor":4},{"uom":"case","factor":12,"dims":{"length_um":4,"width_um":5,"height_um":6}}],"tracking":{"lot":true,"expiry":true},"codes":[{"kind":"gtin","value":"00614141000012"}],"storage_type":"shelf","status":"phase_out","class":"A","rotation":"fefo","shelf_life":{"receive_days":5,"ship_days":3},"inspect":true}
{"owner":"BETA","facility":"DC2","sku":"B-1","units":[{"uom":"piece","factor":1}],"tracking":{"serial":true}}
`},
	{bulk.Opening, view.Stock, `{"item":"A-1","location":"P-1","lot":"L1","lpn":"PAL-1","qty":7,"expiry":"2027-05-01"}
{"item":"A-1","location":"P-1","lot":"L1","lpn":"PAL-1","qty":2,"stage":"held"}
{"owner":"BETA","facility":"DC2","item":"B-1","location":"X","qty":1,"stage":"damaged","serials":["S-9"]}
{"owner":"BETA","facility":"DC2","item":"B-1","location":"X","qty":2,"serials":["S-1","S-2"]}
`},
}

func export(t *testing.T, d *doormem.Door, kind, doc, format string) string {
	t.Helper()
	var b bytes.Buffer
	e, err := bulk.NewExport(&b, kind, format)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range d.Docs(doc) {
		if err := e.Add(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What is exported is imported into the same, by either format, and read back by the same hub
// it changes nothing.
func TestMasterDataComesBackAsItWas(t *testing.T) {
	t.Parallel()
	first := doormem.New()
	for _, k := range kinds {
		if sum, out, err := load(t, first, k.kind, bulk.NDJSON, k.file); err != nil || sum.Created != sum.Rows {
			t.Fatalf("%s: %+v %+v: %v", k.kind, sum, out, err)
		}
	}
	for _, format := range []string{bulk.CSV, bulk.NDJSON} {
		second := doormem.New()
		for _, k := range kinds {
			file := export(t, first, k.kind, k.doc, format)
			if sum, out, err := load(t, second, k.kind, format, file); err != nil || sum.Created != sum.Rows || sum.Rows == 0 {
				t.Fatalf("%s: %+v %+v: %v\n%s", k.kind, sum, out, err, file)
			}
			if k.doc == view.Item { // its units stand in another order in CSV
				if sum, _, err := load(t, first, k.kind, format, file); err != nil || sum.Exists != sum.Rows {
					t.Errorf("%s %s: imported where it came from: %+v %v", format, k.kind, sum, err)
				}
				continue
			}
			if got, want := second.Docs(k.doc), first.Docs(k.doc); !slices.EqualFunc(got, want, func(a, b view.Doc) bool { return string(a.State) == string(b.State) }) {
				t.Errorf("%s %s:\n%+v\n%+v", format, k.kind, got, want)
			}
		}
	}
}

// Opening stock of numbered units has their numbers, no more at a time than one receipt takes; units
// without stand by themselves, and what is doubted is held with its own.
func TestOpeningStockHasItsSerialNumbers(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 1500 {
		many = append(many, fmt.Sprintf("S%04d", i))
	}
	rows := func(sh inventory.Shelf) (out []string) {
		t.Helper()
		state, err := json.Marshal(inventory.Stock{BookKey: inventory.BookKey{Scope: here, Item: "I"}, Shelves: []inventory.Shelf{sh}})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		e, err := bulk.NewExport(&b, bulk.Opening, bulk.NDJSON)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Add(view.Doc{Kind: view.Stock, State: state}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			var r custom.Receipt
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			first := ""
			if len(r.Serials) > 0 {
				first = r.Serials[0]
			}
			out = append(out, fmt.Sprint(r.Stage, " ", r.Qty, " ", len(r.Serials), " ", first))
		}
		return out
	}
	for name, c := range map[string]struct {
		sh   inventory.Shelf
		want []string
	}{
		"more than one receipt takes": {inventory.Shelf{Free: 1400, Allocated: 100, Serials: many}, []string{" 1000 1000 S0000", " 500 500 S1000"}},
		"some without":                {inventory.Shelf{Free: 3, Received: 2, Serials: many[:4]}, []string{" 4 4 S0000", " 1 0 "}},
		"all without":                 {inventory.Shelf{Free: 3}, []string{" 3 0 "}},
		"of every kind": {
			inventory.Shelf{Free: 1, Suspect: 1, Held: 2, Damaged: 1, Serials: many[:2], HeldSerials: many[10:13]},
			[]string{" 1 1 S0000", "held 3 3 S0010", "damaged 1 1 S0012"},
		},
	} {
		if got := rows(c.sh); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	state, err := json.Marshal(inventory.Stock{Shelves: []inventory.Shelf{{Free: 1, Serials: []string{"A|B;C D"}}}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := bulk.NewExport(io.Discard, bulk.Opening, bulk.CSV)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Add(view.Doc{Kind: view.Stock, State: state}); err == nil || !strings.Contains(err.Error(), "ndjson") {
		t.Errorf("a number that a cell cannot hold: %v", err)
	}
}

func TestAnUpdateChangesWhatIsKnown(t *testing.T) {
	t.Parallel()
	d := doormem.New()
	if sum, out, err := load(t, d, bulk.Locations, bulk.CSV, "location,purpose\nP-1,pick\n"); err != nil || sum.Created != 1 {
		t.Fatalf("%+v %+v: %v", sum, out, err)
	}
	file := "location,purpose,zone\nP-1,pick,Z9\n"
	if sum, out, err := load(t, d, bulk.Locations, bulk.CSV, file); err != nil || sum.Refused != 1 || out[0].Place != "location" {
		t.Fatalf("%+v %+v: %v", sum, out, err)
	}
	sum, err := bulk.Import(t.Context(), strings.NewReader(file), d, bulk.Config{Kind: bulk.Locations, Format: bulk.CSV, Scope: here, Update: true}, func(bulk.Result) error { return nil })
	if err != nil || sum.Created != 1 || !strings.Contains(string(d.Docs(view.Location)[0].State), `"Z9"`) {
		t.Errorf("%+v: %v", sum, err)
	}
}

func TestBadMasterDataIsRefusedWithItsRow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind, format, file string
		line               int
		place              string
	}{
		"a purpose that is none":         {bulk.Locations, bulk.CSV, "location,purpose\nP-1,hole\n", 2, "purpose"},
		"a capacity that is no number":   {bulk.Locations, bulk.CSV, "location,purpose,capacity_units\nP-1,pick,many\n", 2, "capacity_units"},
		"a slot in bulk":                 {bulk.Locations, bulk.CSV, "location,purpose,slot_item\nP-1,bulk,A\n", 2, "slot"},
		"an unknown field":               {bulk.Locations, bulk.NDJSON, `{"location":"P-1","purpose":"pick","colour":"red"}`, 1, ""},
		"a record that is none":          {bulk.Facilities, bulk.CSV, "record,code,facility\nfacility,DC1,\nshelf,S,DC1\n", 3, "record"},
		"a depot of no layout":           {bulk.Facilities, bulk.CSV, "record,code,facility,aisle\nfacility,DC1,,\ndepot,HALL,DC1,01\n", 3, "code"},
		"a layout without a depot":       {bulk.Facilities, bulk.CSV, "record,code,facility,aisles,cells\nfacility,DC1,,,\nlayout,HALL,DC1,01,9\n", 2, "layouts[0].depots"},
		"a worker without a number":      {bulk.Workers, bulk.CSV, "worker,skills\n,hazmat\n", 2, "worker"},
		"work of no kind":                {bulk.Workers, bulk.CSV, "worker,kinds\nkim,pick|dance\n", 2, "kinds[1]"},
		"a zone twice":                   {bulk.Facilities, bulk.CSV, "record,code,facility\nfacility,DC1,\nzone,Z,DC1\nzone,Z,DC1\n", 2, "zones[1].zone"},
		"a row that cannot be read":      {bulk.Facilities, bulk.CSV, "record,code,facility\nfacility,DC1,\nzone,Z\nzone,Y,DC1\n", 3, "record"},
		"a factor that is missing":       {bulk.Items, bulk.CSV, "sku,uom,pallet_uom\nA,each,pallet\n", 2, "units[1].factor"},
		"a life of what does not expire": {bulk.Items, bulk.CSV, "sku,uom,ship_days\nA,each,3\n", 2, "shelf_life.ship_days"},
		"opening stock from a supplier":  {bulk.Opening, bulk.NDJSON, `{"item":"A-1","location":"P","qty":1,"from":"supplier"}`, 1, "from"},
		"an opening below zero":          {bulk.Opening, bulk.CSV, "item,location,qty\nA-1,P,-1\n", 2, "qty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := withItem(t)
			sum, out, err := load(t, d, c.kind, c.format, c.file)
			if err != nil || sum.Created != 0 || sum.Refused != sum.Rows {
				t.Fatalf("%+v %+v: %v", sum, out, err)
			}
			found := false
			for _, r := range out {
				found = found || r.Line == c.line && r.Place == c.place
			}
			if !found {
				t.Errorf("%+v, expected line %d, place %s", out, c.line, c.place)
			}
		})
	}
	for kind, file := range map[string]string{bulk.Locations: "location\nP\n", bulk.Facilities: "record,zone\nzone,Z\n", bulk.Opening: "item,location,qty,from\nA,P,1,supplier\n"} {
		if _, _, err := load(t, doormem.New(), kind, bulk.CSV, file); err == nil {
			t.Errorf("%s: columns that do not fit were taken", kind)
		}
	}
}

func TestWhatHasNoColumnIsSaid(t *testing.T) {
	t.Parallel()
	d := doormem.New()
	sum, out, err := load(t, d, bulk.Items, bulk.NDJSON, `{"sku":"A","units":[{"uom":"each","factor":1},{"uom":"barrel","factor":9}]}
{"sku":"B","units":[{"uom":"each","factor":1}],"codes":[{"kind":"buyer","value":"1"}]}`)
	if err != nil || sum.Created != 2 {
		t.Fatalf("%+v %+v: %v", sum, out, err)
	}
	e, err := bulk.NewExport(&bytes.Buffer{}, bulk.Items, bulk.CSV)
	if err != nil {
		t.Fatal(err)
	}
	for i, what := range []string{"barrel", "buyer"} {
		if err := e.Add(d.Docs(view.Item)[i]); err == nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), bulk.NDJSON) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := e.Add(view.Doc{Kind: view.Order}); err == nil {
		t.Error("an order was exported as an item")
	}
	for _, c := range [][2]string{{bulk.Orders, bulk.CSV}, {bulk.Items, "xml"}} {
		if _, err := bulk.NewExport(&bytes.Buffer{}, c[0], c[1]); err == nil {
			t.Errorf("%v", c)
		}
	}
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	read := func(format, file string) ([]inventory.SnapshotLine, inventory.Grain, error) {
		return bulk.ReadSnapshot(strings.NewReader(file), bulk.Config{Format: format, Scope: here})
	}
	for format, file := range map[string]string{
		bulk.CSV:    "item,location,lot,qty,owner\nA,P-1,L1,5,\nB,P-2,,0,BETA\n",
		bulk.NDJSON: `{"item":"A","location":"P-1","lot":"L1","qty":5}` + "\n\n" + `{"item":"B","location":"P-2","lot":"","qty":0,"owner":"BETA"}`,
	} {
		lines, grain, err := read(format, file)
		if err != nil || len(lines) != 2 || grain != (inventory.Grain{Location: true, Lot: true}) || lines[0].Qty != 5 || lines[1].Owner != "BETA" || lines[0].Facility != "DC1" {
			t.Errorf("%s: %+v %+v: %v", format, lines, grain, err)
		}
	}
	for name, c := range map[string][3]string{
		"no quantity":           {bulk.CSV, "item\nA\n", "qty"},
		"not a number":          {bulk.CSV, "item,qty\nA,many\n", "line 2"},
		"below zero":            {bulk.CSV, "item,qty\nA,1\nA,-1\n", "line 3"},
		"a place without name":  {bulk.CSV, "item,location,qty\nA,,1\n", "line 2"},
		"a row that is cut":     {bulk.CSV, "item,location,qty\nA\n", "line 2"},
		"an unknown field":      {bulk.NDJSON, `{"item":"A","qty":1,"bin":"X"}`, "line 1"},
		"another grain":         {bulk.NDJSON, `{"item":"A","qty":1}` + "\n" + `{"item":"A","location":"P","qty":1}`, "line 2"},
		"no item":               {bulk.NDJSON, `{"qty":1}`, "line 1"},
		"a format that is none": {"xml", "", ""},
	} {
		if _, _, err := read(c[0], c[1]); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package bulk

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// Exported are the kinds that may be exported, and the kind of document that each is made of.
var exported = map[string]string{Owners: view.Owner, Crossrefs: view.Crossref, Items: view.Item, Locations: view.Location, Facilities: view.Facility, Workers: view.Worker, Opening: view.Stock}

// Exports are the kinds that may be exported.
func Exports() []string {
	return []string{Owners, Crossrefs, Items, Locations, Facilities, Workers, Opening}
}

// Export writes documents as a file that an import of the same kind reads back.
type Export struct {
	kind  string
	json  *json.Encoder
	csv   *csv.Writer
	width []string
}

// NewExport begins a file.
func NewExport(w io.Writer, kind, format string) (*Export, error) {
	if exported[kind] == "" {
		return nil, fmt.Errorf("kind %q: there are %s", kind, strings.Join(Exports(), ", "))
	}
	e := &Export{kind: kind}
	switch format {
	case NDJSON:
		e.json = json.NewEncoder(w)
		e.json.SetEscapeHTML(false)
	case CSV:
		e.csv = csv.NewWriter(w)
		e.width = slices.Concat(columns[kind].needed, columns[kind].optional)
		if err := e.csv.Write(e.width); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("format %q: there are %s and %s", format, CSV, NDJSON)
	}
	return e, nil
}

// Add writes a document. The error of one that has no columns says so: as NDJSON everything
// has its place.
func (e *Export) Add(d view.Doc) error {
	if d.Kind != exported[e.kind] {
		return fmt.Errorf("a document of kind %s is none of %s", d.Kind, e.kind)
	}
	switch e.kind {
	case Items:
		return export(e, d, custom.ItemOf, func(i custom.Item) ([]written, error) { return itemRow(i) })
	case Owners:
		return export(e, d, custom.OwnerOf, func(o custom.Owner) ([]written, error) { return ownerRow(o), nil })
	case Crossrefs:
		if d.Status == crossref.StatusRemoved {
			return nil // an import would let it stand again
		}
		return export(e, d, custom.CrossrefOf, func(c custom.Crossref) ([]written, error) {
			return []written{{
				"partner": c.Partner, "kind": c.Kind, "theirs": c.Theirs, "ours": c.Ours,
				"carrier": c.Carrier, "level": c.Level, "account": c.Account, "terms": c.Terms,
			}}, nil
		})
	case Locations:
		return export(e, d, custom.LocationOf, func(l custom.Location) ([]written, error) { return locationRow(l), nil })
	case Facilities:
		return export(e, d, custom.FacilityOf, facilityRows)
	case Workers:
		if d.Status == crew.StatusRetired {
			return nil // an import would let him work again
		}
		return export(e, d, custom.WorkerOf, workerRow)
	}
	var s inventory.Stock
	if err := json.Unmarshal(d.State, &s); err != nil {
		return fmt.Errorf("reading %s: %w", d.Key, err)
	}
	for _, r := range openingOf(s) {
		if err := e.put(r, func() ([]written, error) { return receiptRow(r) }); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the file.
func (e *Export) Close() error {
	if e.csv == nil {
		return nil
	}
	e.csv.Flush()
	return e.csv.Error()
}

// written is the cells of a line that are not empty, by their columns.
type written map[string]string

func export[S facility.Facility | item.Item | location.Location | owner.Owner | crew.Worker | crossref.Entry, D any](e *Export, d view.Doc, doc func(S) D, rows func(D) ([]written, error)) error {
	var s S
	if err := json.Unmarshal(d.State, &s); err != nil {
		return fmt.Errorf("reading %s: %w", d.Key, err)
	}
	out := doc(s)
	return e.put(out, func() ([]written, error) { return rows(out) })
}

func (e *Export) put(doc any, rows func() ([]written, error)) error {
	if e.json != nil {
		return e.json.Encode(doc)
	}
	list, err := rows()
	if err != nil {
		return err
	}
	for _, r := range list {
		cells := make([]string, len(e.width))
		for i, name := range e.width {
			cells[i] = r[name]
		}
		if err := e.csv.Write(cells); err != nil {
			return err
		}
	}
	return nil
}

func (r written) int(name string, v int64) {
	if v != 0 {
		r[name] = strconv.FormatInt(v, 10)
	}
}

func (r written) flag(name string, v bool) {
	if v {
		r[name] = "yes"
	}
}

func (r written) capacity(c *custom.Capacity) {
	if c != nil {
		r.int("capacity_units", c.Units)
		r.int("capacity_volume_mm3", c.Volume)
		r.int("capacity_weight_mg", c.Weight)
		r.int("capacity_lpns", c.LPNs)
	}
}

func (r written) life(l *custom.Life) {
	if l != nil {
		r.int("receive_days", int64(l.Receive))
		r.int("ship_days", int64(l.Ship))
	}
}

func (r written) unit(prefix string, u custom.Unit) {
	r[prefix+"uom"] = u.UOM
	r.int(prefix+"weight_mg", u.Weight)
	if u.Dims != nil {
		r.int(prefix+"length_um", u.Dims.Length)
		r.int(prefix+"width_um", u.Dims.Width)
		r.int(prefix+"height_um", u.Dims.Height)
	}
	if prefix != "" {
		r.int(prefix+"factor", u.Factor)
	}
}

func itemRow(i custom.Item) ([]written, error) {
	r := written{
		"owner": i.Owner, "facility": i.Facility, "sku": i.SKU, "description": i.Description, "storage_type": i.StorageType,
		"status": i.Status, "class": i.Class, "rotation": i.Rotation,
	}
	for _, u := range i.Units {
		switch name := u.UOM; {
		case u.Factor == 1:
			r.unit("", u)
		case slices.Contains(packed, name):
			r.unit(name+"_", u)
		default:
			return nil, noColumns(i.SKU, "unit "+name)
		}
	}
	r.flag("inspect", i.Inspect)
	for n, c := range i.Codes {
		if n > 0 || c.Kind != "gtin" || c.UOM != "" {
			return nil, noColumns(i.SKU, "code "+c.Kind)
		}
		r["gtin"] = c.Value
	}
	if t := i.Tracking; t != nil {
		r.flag("lot_tracked", t.Lot)
		r.flag("serial_tracked", t.Serial)
		r.flag("expiry_tracked", t.Expiry)
	}
	r.life(i.ShelfLife)
	if p := i.Packing; p != nil {
		r.flag("upright", p.Upright)
		r.flag("fragile", p.Fragile)
		r.int("bears_mg", p.Bears)
		r["segregation"] = p.Segregation
	}
	return []written{r}, nil
}

func ownerRow(o custom.Owner) []written {
	r := written{"owner": o.Owner, "title": o.Title, "rotation": o.Rotation}
	r.flag("blocked", o.Blocked)
	r.life(o.ShelfLife)
	return []written{r}
}

func noColumns(sku, what string) error {
	return fmt.Errorf("item %s: %s has no column: export as %s, where everything has its place", sku, what, NDJSON)
}

func locationRow(l custom.Location) []written {
	r := written{
		"facility": l.Facility, "location": l.Code, "purpose": l.Purpose, "zone": l.Zone, "aisle": l.Aisle, "bay": l.Bay, "level": l.Level,
		"storage_type": l.StorageType, "mix": l.Mix, "blocked": l.Blocked,
	}
	r.int("cell", int64(l.Cell))
	r.int("sequence", l.Sequence)
	r.capacity(l.Capacity)
	if s := l.Slot; s != nil {
		r["slot_owner"], r["slot_item"] = s.Owner, s.Item
		r.int("slot_min", s.Min)
		r.int("slot_max", s.Max)
	}
	return []written{r}
}

func facilityRows(f custom.Facility) ([]written, error) {
	out := []written{{"record": recordFacility, "facility": f.Code, "code": f.Code, "title": f.Title, "time_zone": f.TimeZone}}
	for _, z := range f.Zones {
		r := written{"record": recordZone, "facility": f.Code, "code": z.Code, "title": z.Title, "storage_type": z.StorageType}
		r.capacity(z.Capacity)
		out = append(out, r)
	}
	for _, a := range f.Aisles {
		r := written{"record": recordAisle, "facility": f.Code, "code": a.Code, "zone": a.Zone}
		r.capacity(a.Capacity)
		out = append(out, r)
	}
	for _, l := range f.Layouts {
		if strings.Contains(strings.Join(l.Aisles, ""), listed) {
			return nil, fmt.Errorf("facility %s: layout %s names an aisle with %q in it, which has no column: export as %s", f.Code, l.Code, listed, NDJSON)
		}
		r := written{"record": recordLayout, "facility": f.Code, "code": l.Code, "aisles": strings.Join(l.Aisles, listed)}
		r.int("cells", int64(l.Cells))
		r.int("blocks", int64(l.Blocks))
		r.int("aisle_to_aisle_um", l.AisleToAisle)
		r.int("cell_to_cell_um", l.CellToCell)
		r.int("front_to_cell_um", l.FrontToCell)
		r.int("back_to_cell_um", l.BackToCell)
		r.int("middle_to_cell_um", l.MiddleToCell)
		out = append(out, r)
		for _, d := range l.Depots {
			r := written{"record": recordDepot, "facility": f.Code, "code": l.Code, "zone": d.Zone, "aisle": d.Aisle, "end": d.End}
			r.int("distance_um", d.Distance)
			out = append(out, r)
		}
	}
	for _, u := range f.Slotting {
		if strings.Contains(strings.Join(u.Zones, ""), listed) {
			return nil, fmt.Errorf("facility %s: rule %s names a zone with %q in it, which has no column: export as %s", f.Code, u.Rule, listed, NDJSON)
		}
		out = append(out, written{
			"record": recordRule, "facility": f.Code, "code": u.Rule, "owner": u.Owner, "class": u.Class, "storage_type": u.StorageType,
			"zones": strings.Join(u.Zones, listed), "purposes": strings.Join(u.Purposes, listed),
		})
	}
	return out, nil
}

func workerRow(w custom.Worker) ([]written, error) {
	r := written{"facility": w.Facility, "worker": w.Worker, "home": w.Home}
	for _, l := range [...]struct {
		column string
		list   []string
	}{{"skills", w.Skills}, {"equipment", w.Equipment}, {"zones", w.Zones}, {"kinds", w.Kinds}} {
		if strings.Contains(strings.Join(l.list, ""), listed) {
			return nil, fmt.Errorf("worker %s: %s has a word with %q in it, which has no column: export as %s", w.Worker, l.column, listed, NDJSON)
		}
		r[l.column] = strings.Join(l.list, listed)
	}
	return []written{r}, nil
}

// openingOf is what lies on the shelves as opening stock would bring it in: what orders were
// given and what is to be put away is free there, and what is doubted is held.
func openingOf(s inventory.Stock) []custom.Receipt {
	var out []custom.Receipt
	for i := range s.Shelves {
		sh := &s.Shelves[i]
		free := sh.Free + sh.Allocated + sh.Received
		good, held := min(int(free), len(sh.Serials)), min(int(sh.Held), len(sh.HeldSerials))
		for _, x := range [...]struct {
			stage   string
			qty     int64
			serials []string
		}{
			{"", free, sh.Serials[:good]},
			{inventory.Held, sh.Held + sh.Suspect, slices.Concat(sh.HeldSerials[:held], sh.Serials[good:])},
			{inventory.Damaged, sh.Damaged, sh.HeldSerials[held:]},
		} {
			for left := x.qty; left > 0; {
				// Units without a number stand by themselves, and so do more than one receipt takes.
				n := min(left, int64(len(x.serials)), inventory.MaxSerials)
				r := custom.Receipt{
					Owner: s.Owner, Facility: s.Facility, Item: s.Item, Location: sh.Location, Lot: sh.Lot, LPN: sh.LPN,
					Stage: x.stage, Qty: cmp.Or(n, left), Expiry: string(sh.Expiry), Serials: x.serials[:n],
				}
				x.serials = x.serials[n:]
				left -= r.Qty
				out = append(out, r)
			}
		}
	}
	return out
}

func receiptRow(r custom.Receipt) ([]written, error) {
	if strings.Contains(strings.Join(r.Serials, ""), listed) {
		return nil, fmt.Errorf("item %s: a serial number has %q in it, which has no column: export as %s", r.Item, listed, NDJSON)
	}
	return []written{{
		"owner": r.Owner, "facility": r.Facility, "item": r.Item, "location": r.Location, "lot": r.Lot, "lpn": r.LPN, "stage": r.Stage,
		"qty": strconv.FormatInt(r.Qty, 10), "expiry": r.Expiry, "reference": r.Reference, "serials": strings.Join(r.Serials, listed),
	}}, nil
}

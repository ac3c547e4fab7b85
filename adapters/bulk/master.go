package bulk

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/transforms/custom"
)

// packed are the units beside an item's smallest that have columns of their own, by what
// their columns begin with.
var packed = []string{"inner", "case", "pallet"}

func (t *table) item(x *thing, c *cells) error {
	f := &field{t: t, c: c}
	get := func(name string) string { return t.get(c, name) }
	doc := custom.Item{Owner: get("owner"), Facility: get("facility"), SKU: get("sku"), ItemSpec: custom.ItemSpec{
		Description: get("description"), StorageType: get("storage_type"), Status: get("status"), Class: get("class"), Rotation: get("rotation"),
		Inspect: f.flag("inspect"), Units: []custom.Unit{f.unit("", get("uom"), 1)},
	}}
	for _, name := range packed {
		if get(name+"_uom") != "" || get(name+"_factor") != "" {
			uom := get(name + "_uom")
			if uom == "" {
				uom = name
			}
			doc.Units = append(doc.Units, f.unit(name+"_", uom, f.integer(name+"_factor")))
		}
	}
	if k := (custom.Tracking{Lot: f.flag("lot_tracked"), Serial: f.flag("serial_tracked"), Expiry: f.flag("expiry_tracked")}); k != (custom.Tracking{}) {
		doc.Tracking = &k
	}
	doc.ShelfLife = f.life()
	if p := (custom.Packing{Upright: f.flag("upright"), Fragile: f.flag("fragile"), Bears: f.integer("bears_mg"), Segregation: get("segregation")}); p != (custom.Packing{}) {
		doc.Packing = &p
	}
	if v := get("gtin"); v != "" {
		doc.Codes = []custom.Code{{Kind: "gtin", Value: v}}
	}
	x.item(doc, t.cfg)
	return f.err
}

func (t *table) owner(x *thing, c *cells) error {
	f := &field{t: t, c: c}
	x.owner(custom.Owner{Owner: t.get(c, "owner"), OwnerSpec: custom.OwnerSpec{
		Title: t.get(c, "title"), Blocked: f.flag("blocked"), Rotation: t.get(c, "rotation"), ShelfLife: f.life(),
	}}, t.cfg)
	return f.err
}

func (t *table) crossref(x *thing, c *cells) {
	get := func(name string) string { return t.get(c, name) }
	x.crossref(custom.Crossref{Partner: get("partner"), Kind: get("kind"), Theirs: get("theirs"), CrossrefMeaning: custom.CrossrefMeaning{
		Ours: get("ours"), Carrier: get("carrier"), Level: get("level"), Account: get("account"), Terms: get("terms"),
	}}, t.cfg)
}

func (f *field) life() *custom.Life {
	l := custom.Life{Receive: int(f.integer("receive_days")), Ship: int(f.integer("ship_days"))}
	if l == (custom.Life{}) {
		return nil
	}
	return &l
}

// unit reads a unit's size and weight from the columns that begin with a prefix.
func (f *field) unit(prefix, uom string, factor int64) custom.Unit {
	u := custom.Unit{UOM: uom, Factor: factor, Weight: f.integer(prefix + "weight_mg")}
	if d := (custom.Dims{Length: f.integer(prefix + "length_um"), Width: f.integer(prefix + "width_um"), Height: f.integer(prefix + "height_um")}); d != (custom.Dims{}) {
		u.Dims = &d
	}
	return u
}

func (f *field) capacity() *custom.Capacity {
	c := custom.Capacity{
		Units: f.integer("capacity_units"), Volume: f.integer("capacity_volume_mm3"), Weight: f.integer("capacity_weight_mg"), LPNs: f.integer("capacity_lpns"),
	}
	if c == (custom.Capacity{}) {
		return nil
	}
	return &c
}

func (t *table) location(x *thing, c *cells) error {
	f := &field{t: t, c: c}
	get := func(name string) string { return t.get(c, name) }
	doc := custom.Location{Facility: get("facility"), Code: get("location"), LocationSpec: custom.LocationSpec{
		Purpose: get("purpose"), Zone: get("zone"), Aisle: get("aisle"), Bay: get("bay"), Level: get("level"), Cell: int(f.integer("cell")), Sequence: f.integer("sequence"),
		StorageType: get("storage_type"), Mix: get("mix"), Capacity: f.capacity(),
	}, Blocked: get("blocked")}
	if s := (custom.Slot{Owner: get("slot_owner"), Item: get("slot_item"), Min: f.integer("slot_min"), Max: f.integer("slot_max")}); s != (custom.Slot{}) {
		if s.Owner == "" {
			s.Owner = t.cfg.Scope.Owner
		}
		doc.Slot = &s
	}
	x.location(doc, t.cfg)
	return f.err
}

// listed stands between the words of a cell that holds several.
const listed = "|"

// Records of a building's rows.
const (
	recordFacility = "facility"
	recordZone     = "zone"
	recordAisle    = "aisle"
	recordRule     = "rule"
	recordLayout   = "layout"
	recordDepot    = "depot" // of the layout that its code names, which stands before it
)

func (t *table) worker(x *thing, c *cells) {
	get := func(name string) string { return t.get(c, name) }
	x.worker(custom.Worker{
		Facility: get("facility"), Worker: get("worker"), Skills: words(get("skills")), Equipment: words(get("equipment")),
		Zones: words(get("zones")), Home: get("home"), Kinds: words(get("kinds")),
	}, t.cfg)
}

// words are those of a cell.
func words(cell string) []string {
	if cell == "" {
		return nil
	}
	return strings.Split(cell, listed)
}

// buildingRows gathers the rows of one building: one row is of the building itself, the others of its
// zones, aisles, layouts and rules, in their order. A building that lacks a row is never registered.
type buildingRows struct {
	t     *table
	doc   custom.Facility
	wrong error
}

func (t *table) facility(c *cells) gathering {
	return &buildingRows{t: t, doc: custom.Facility{Code: t.building(c)[0]}}
}

func (g *buildingRows) row(i int, c *cells) {
	place, err := "record", c.err
	if err == nil {
		if err = g.t.record(&g.doc, c); err != nil {
			place, err = fault.PlaceOf(err), errors.Unwrap(err)
		}
	}
	if err != nil && g.wrong == nil {
		g.wrong = fault.At("bulk.facility", fault.Invalid, fmt.Sprintf("lines[%d].%s", i, place), errors.New(err.Error()))
	}
}

func (g *buildingRows) end(x *thing) error {
	x.facility(g.doc, g.t.cfg)
	return g.wrong
}

// building is whose a row is.
func (t *table) building(c *cells) [2]string {
	if v := t.get(c, "facility"); v != "" || t.get(c, "record") != recordFacility {
		return [2]string{v}
	}
	return [2]string{t.get(c, "code")}
}

// record puts what one row says into the building.
func (t *table) record(doc *custom.Facility, c *cells) error {
	f := &field{t: t, c: c}
	get := func(name string) string { return t.get(c, name) }
	switch get("record") {
	case recordFacility:
		doc.Title, doc.TimeZone = get("title"), get("time_zone")
	case recordZone:
		doc.Zones = append(doc.Zones, custom.Zone{Code: get("code"), Title: get("title"), StorageType: get("storage_type"), Capacity: f.capacity()})
	case recordAisle:
		doc.Aisles = append(doc.Aisles, custom.Aisle{Code: get("code"), Zone: get("zone"), Capacity: f.capacity()})
	case recordRule:
		doc.Slotting = append(doc.Slotting, custom.Rule{
			Rule: get("code"), Owner: get("owner"), Class: get("class"), StorageType: get("storage_type"), Zones: words(get("zones")), Purposes: words(get("purposes")),
		})
	case recordLayout:
		doc.Layouts = append(doc.Layouts, custom.Layout{
			Code: get("code"), Aisles: words(get("aisles")), Cells: int(f.integer("cells")), Blocks: int(f.integer("blocks")),
			AisleToAisle: f.integer("aisle_to_aisle_um"), CellToCell: f.integer("cell_to_cell_um"), FrontToCell: f.integer("front_to_cell_um"),
			BackToCell: f.integer("back_to_cell_um"), MiddleToCell: f.integer("middle_to_cell_um"),
		})
	case recordDepot:
		i := slices.IndexFunc(doc.Layouts, func(l custom.Layout) bool { return l.Code == get("code") })
		if i < 0 {
			f.bad("code", "no row before this one is of a layout %q", clip(get("code")))
			break
		}
		doc.Layouts[i].Depots = append(doc.Layouts[i].Depots, custom.Depot{Zone: get("zone"), Aisle: get("aisle"), End: get("end"), Distance: f.integer("distance_um")})
	default:
		f.bad("record", "%q is none of %s", clip(get("record")), strings.Join([]string{recordFacility, recordZone, recordAisle, recordRule, recordLayout, recordDepot}, ", "))
	}
	return f.err
}

package custom

import (
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// Item is a SKU as it is registered.
type Item struct {
	Owner    string `json:"owner,omitempty"`
	Facility string `json:"facility,omitempty" doc:"home facility; the item is known to all of the owner's"`
	SKU      string `json:"sku"`
	ItemSpec
}

// ItemSpec is what may change about an item.
type ItemSpec struct {
	Description string    `json:"description,omitempty" maxLength:"1024"`
	Units       []Unit    `json:"units" minItems:"1" maxItems:"16" nullable:"false" doc:"exactly one has factor 1: quantities are recorded in it"`
	Tracking    *Tracking `json:"tracking,omitempty"`
	Codes       []Code    `json:"codes,omitempty" maxItems:"64" nullable:"false"`
	StorageType string    `json:"storage_type,omitempty"`
	Status      string    `json:"status,omitempty" enum:"phase_out,blocked" doc:"left out: active; phase_out: nothing more is received; blocked: not shipped either"`
	Class       string    `json:"class,omitempty" enum:"A,B,C" doc:"by how often it is asked for"`
	Rotation    string    `json:"rotation,omitempty" doc:"strategy of allocation: fifo, fefo, lifo, ...; the building's where it is left out"`
	ShelfLife   *Life     `json:"shelf_life,omitempty"`
	Packing     *Packing  `json:"packing,omitempty"`
	Inspect     bool      `json:"inspect,omitempty" doc:"what is received is held until somebody has passed it"`
}

// Packing is how a unit may lie in a carton.
type Packing struct {
	Upright     bool   `json:"upright,omitempty" doc:"its height stays up"`
	Fragile     bool   `json:"fragile,omitempty" doc:"nothing stands on it"`
	Bears       int64  `json:"bears_mg,omitempty" minimum:"0" doc:"weight that may stand on one unit; left out: any"`
	Segregation string `json:"segregation,omitempty" doc:"it shares a carton with goods of the same segregation alone"`
}

// Life is how many days a lot must still have.
type Life struct {
	Receive int `json:"receive_days,omitempty" minimum:"0" doc:"when it is received"`
	Ship    int `json:"ship_days,omitempty" minimum:"0" doc:"when it is given to an order"`
}

// Unit is a unit of measure with its gross size and weight; 0 is not known.
type Unit struct {
	UOM    string `json:"uom"`
	Factor int64  `json:"factor" minimum:"1" doc:"how many of the smallest unit it holds"`
	Dims   *Dims  `json:"dims,omitempty"`
	Weight int64  `json:"weight_mg,omitempty" minimum:"0"`
}

// Dims are outer dimensions in micrometres.
type Dims struct {
	Length int64 `json:"length_um" minimum:"0"`
	Width  int64 `json:"width_um" minimum:"0"`
	Height int64 `json:"height_um" minimum:"0"`
}

// Measure is d in core's words; nil is not known.
func (d *Dims) Measure() measure.Dims {
	if d == nil {
		return measure.Dims{}
	}
	return measure.Dims{Length: measure.Length(d.Length), Width: measure.Length(d.Width), Height: measure.Length(d.Height)}
}

// Tracking is what each movement must record.
type Tracking struct {
	Lot    bool `json:"lot,omitempty"`
	Serial bool `json:"serial,omitempty"`
	Expiry bool `json:"expiry,omitempty"`
}

// Spec is the spec in core's words.
func (i *ItemSpec) Spec() item.Spec {
	s := item.Spec{Description: i.Description, StorageType: i.StorageType, Status: i.Status, Class: i.Class, Rotation: i.Rotation, Inspect: i.Inspect}
	if i.ShelfLife != nil {
		s.ShelfLife = item.ShelfLife(*i.ShelfLife)
	}
	for _, u := range i.Units {
		s.Units = append(s.Units, item.Unit{UOM: u.UOM, Factor: u.Factor, Dims: u.Dims.Measure(), Weight: measure.Mass(u.Weight)})
	}
	if i.Tracking != nil {
		s.Tracking = item.Tracking(*i.Tracking)
	}
	if p := i.Packing; p != nil {
		s.Packing = item.Packing{Upright: p.Upright, Fragile: p.Fragile, Bears: measure.Mass(p.Bears), Segregation: p.Segregation}
	}
	for _, c := range i.Codes {
		s.Codes = append(s.Codes, item.Code(c))
	}
	return s
}

// Register is the command that the item means.
func (i *Item) Register(s scope.Scope) item.Register {
	return item.Register{Scope: within(s, i.Owner, i.Facility), SKU: i.SKU, Spec: i.Spec()}
}

// Location is a place as it is registered.
type Location struct {
	Facility string `json:"facility,omitempty"`
	Code     string `json:"location"`
	LocationSpec
	Blocked string `json:"blocked,omitempty" doc:"why it is out of use; left out, it stays as it is"`
}

// LocationSpec is what may change about a place. A capacity of 0 is no bound.
type LocationSpec struct {
	Purpose     string    `json:"purpose" enum:"pick,bulk,staging,packing,dock,count,quarantine"`
	Zone        string    `json:"zone,omitempty"`
	Aisle       string    `json:"aisle,omitempty"`
	Bay         string    `json:"bay,omitempty"`
	Level       string    `json:"level,omitempty"`
	Cell        int       `json:"cell,omitempty" minimum:"0" maximum:"100000" doc:"place along the aisle, from 1 at its front; both sides alike"`
	Sequence    int64     `json:"sequence,omitempty" doc:"order along the walk of a picker"`
	StorageType string    `json:"storage_type,omitempty"`
	Capacity    *Capacity `json:"capacity,omitempty"`
	Slot        *Slot     `json:"slot,omitempty"`
	Mix         string    `json:"mix,omitempty" enum:"item,lot" doc:"what may lie there together: one item at a time, or one lot; anything where it is left out"`
}

// Slot gives a place to one item, and says between what its stock there is kept.
type Slot struct {
	Owner string `json:"owner"`
	Item  string `json:"item"`
	Min   int64  `json:"min,omitempty" minimum:"0" doc:"below it the place is replenished"`
	Max   int64  `json:"max,omitempty" minimum:"0" doc:"up to it"`
}

// Capacity bounds what lies in a place.
type Capacity struct {
	Units  int64 `json:"units,omitempty" minimum:"0"`
	Volume int64 `json:"volume_mm3,omitempty" minimum:"0"`
	Weight int64 `json:"weight_mg,omitempty" minimum:"0"`
	LPNs   int64 `json:"lpns,omitempty" minimum:"0"`
}

// Spec is the spec in core's words.
func (l *LocationSpec) Spec() location.Spec {
	s := location.Spec{
		Purpose: l.Purpose, Zone: l.Zone, Aisle: l.Aisle, Bay: l.Bay, Level: l.Level, Cell: l.Cell,
		Sequence: l.Sequence, StorageType: l.StorageType, Mix: l.Mix,
	}
	s.Capacity = l.Capacity.measure()
	if l.Slot != nil {
		s.Slot = location.Slot(*l.Slot)
	}
	return s
}

func (c *Capacity) measure() location.Capacity {
	if c == nil {
		return location.Capacity{}
	}
	return location.Capacity{Units: c.Units, Volume: c.Volume, Weight: measure.Mass(c.Weight), LPNs: c.LPNs}
}

// Register is the command that the location means.
func (l *Location) Register(s scope.Scope) location.Register {
	return location.Register{Scope: within(s, "", l.Facility).Building(), Code: l.Code, Spec: l.Spec(), Blocked: l.Blocked}
}

// Receipt brings goods in.
type Receipt struct {
	Owner     string   `json:"owner,omitempty"`
	Facility  string   `json:"facility,omitempty"`
	Item      string   `json:"item"`
	Location  string   `json:"location"`
	Lot       string   `json:"lot,omitempty"`
	LPN       string   `json:"lpn,omitempty"`
	Stage     string   `json:"stage,omitempty" enum:"free,held,damaged" doc:"free"`
	Qty       int64    `json:"qty" minimum:"1" doc:"in the smallest unit"`
	Expiry    string   `json:"expiry,omitempty" format:"date"`
	From      string   `json:"from,omitempty" enum:"supplier,opening,return" doc:"supplier"`
	Reference string   `json:"reference,omitempty"`
	Serials   []string `json:"serials,omitempty" maxItems:"1000" nullable:"false" doc:"of an item that is tracked by them, one a unit"`
}

// Receive is the command that the receipt means.
func (r *Receipt) Receive(s scope.Scope) inventory.Receive {
	return inventory.Receive{
		BookKey: inventory.BookKey{Scope: within(s, r.Owner, r.Facility), Item: r.Item},
		Place:   inventory.Place{Location: r.Location, Lot: r.Lot, LPN: r.LPN},
		Stage:   r.Stage, Qty: r.Qty, Expiry: inventory.Date(r.Expiry), From: r.From, Reference: r.Reference, Serials: r.Serials,
	}
}

func within(s scope.Scope, owner, facility string) scope.Scope {
	if owner != "" {
		s.Owner = owner
	}
	if facility != "" {
		s.Facility = facility
	}
	return s
}

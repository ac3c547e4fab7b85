package routes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/scope"
)

// shelfState is what is kept of a location that goods are stored in, beside its stream: what it
// is, whose items have lain there, and what is being brought. Whoever brings goods in writes it,
// so that two never fill the same room.
type shelfState struct {
	Code   string        `json:"location"`
	Status string        `json:"status,omitempty"`
	Spec   location.Spec `json:"spec"`
	Items  []ownItem     `json:"items,omitempty"`
	Coming []comingGoods `json:"coming,omitempty"`
}

type ownItem struct {
	Owner string `json:"owner"`
	Item  string `json:"item"`
}

// comingGoods are on their way by a put-away task.
type comingGoods struct {
	ownItem
	Task string `json:"task"`
	Lot  string `json:"lot,omitempty"`
	LPN  string `json:"lpn,omitempty"`
	Qty  int64  `json:"qty"`
}

// heldShelf is a shelf's state within a decision.
type heldShelf struct {
	shelfState
	scope scope.Scope
	old   journal.State
	dirty bool
}

func shelvesPrefix(s scope.Scope) string { return "shelf/" + scope.Join(s.Tenant, s.Facility) + "/" }

// shelf is the state of a location; what changes of it is written with the unit. What lies there is
// looked at after it, also of items that were looked at before: whoever came between has written it.
func (d *decision) shelf(s scope.Scope, code string) *heldShelf {
	key := shelvesPrefix(s) + scope.Join(code)
	if h := d.racks[key]; h != nil {
		return h
	}
	h := &heldShelf{scope: s.Building()}
	h.old, _ = d.state(key, &h.shelfState)
	h.Code = code
	for _, own := range h.Items {
		delete(d.held, keyOf(scope.Scope{Tenant: s.Tenant, Owner: own.Owner, Facility: s.Facility}, own.Item).Stream())
	}
	enter(&d.racks, key, h)
	return h
}

// keepShelves writes the states that changed, in the order of their keys.
func (d *decision) keepShelves() {
	for _, key := range inOrder(d.racks) {
		switch h := d.racks[key]; {
		case !h.dirty:
		case h.Status == "" && len(h.Items)+len(h.Coming) == 0: // a tote from which all was put back
			if h.old.Data != nil {
				d.out.SetState(key, h.old, nil)
			}
		default:
			d.out.SetState(key, h.old, h.shelfState)
			d.f.shelves.touch(shelvesPrefix(h.scope), key, d.m.Now)
		}
	}
}

// noteShelf keeps what a location is where those who look for room find it.
func (d *decision) noteShelf(l location.Location) {
	h := d.shelf(l.Scope, l.Code)
	if l.Known() && (h.Spec != l.Spec || h.Status != l.Status) && (shelved(l.Spec) || h.Status != "") {
		h.Spec, h.Status, h.dirty = l.Spec, l.Status, true
	}
}

func stores(l location.Spec) bool { return l.Purpose == location.Pick || l.Purpose == location.Bulk }

// mostStale is from how many items on a shelf those are looked for that lie there no more.
const mostStale = 8

// lies notes that an item lies at a place of storage now.
func (d *decision) lies(k inventory.BookKey, code string) {
	if !shelved(d.location(k.Scope, code).Spec) || d.err != nil {
		return
	}
	h, own := d.shelf(k.Scope, code), ownItem{k.Owner, k.Item}
	if slices.Contains(h.Items, own) {
		return
	}
	if len(h.Items) >= mostStale {
		h.Items = slices.DeleteFunc(slices.Clone(h.Items), func(x ownItem) bool { return len(d.lying(h, x)) == 0 })
	}
	h.Items, h.dirty = append(slices.Clone(h.Items), own), true
}

// arrived notes every place that goods of a book came to by postings.
func (d *decision) arrived(k inventory.BookKey, posts []journal.Posting) {
	var net map[string]int64
	for _, p := range posts {
		if strings.Count(p.Account, "/") != 3 { // no place of goods
			continue
		}
		a, err := inventory.ParseAccount(p.Account)
		if err != nil || a.Location == "" || a.Stage == inventory.Staged {
			continue
		}
		if net == nil {
			net = map[string]int64{}
		}
		net[a.Location] += p.Amount
	}
	for _, code := range slices.Sorted(maps.Keys(net)) {
		if net[code] > 0 {
			d.lies(k, code)
		}
	}
}

// lying is what lies of an item on a shelf.
func (d *decision) lying(h *heldShelf, own ownItem) []putaway.Goods {
	s := scope.Scope{Tenant: h.scope.Tenant, Owner: own.Owner, Facility: h.scope.Facility}
	var out []putaway.Goods
	var it item.Item
	for _, sh := range d.stock(keyOf(s, own.Item)).Shelves {
		if sh.Location != h.Code || sh.Total() == 0 {
			continue
		}
		if !it.Known() {
			it = d.itemSeen(s, own.Item)
		}
		out = append(out, putaway.Goods{Item: it, Lot: sh.Lot, LPN: sh.LPN, Qty: sh.Total()})
	}
	return out
}

// standing is a location as whoever puts away sees it: what lies there and what is coming, but for
// what the task brings itself.
func (d *decision) standing(s scope.Scope, code, but string) putaway.Place {
	h, l := d.shelf(s, code), d.location(s, code)
	p := putaway.Place{Location: code, Status: l.Status, Spec: d.facility(s).Spec.Effective(l.Spec)}
	for _, own := range h.Items {
		p.Lying = append(p.Lying, d.lying(h, own)...)
	}
	for _, c := range h.Coming {
		if c.Task != but {
			at := scope.Scope{Tenant: s.Tenant, Owner: c.Owner, Facility: s.Facility}
			p.Lying = append(p.Lying, putaway.Goods{Item: d.itemSeen(at, c.Item), Lot: c.Lot, LPN: c.LPN, Qty: c.Qty})
		}
	}
	if slot := l.Spec.Slot; slot.Given() {
		var c coming // what replenishments bring
		d.state(comingKey(s, code), &c)
		if n := c.qty(); n > 0 {
			at := scope.Scope{Tenant: s.Tenant, Owner: slot.Owner, Facility: s.Facility}
			p.Lying = append(p.Lying, putaway.Goods{Item: d.itemSeen(at, slot.Item), Qty: n})
		}
	}
	return p
}

// noRoom refuses to put goods where they may not lie, or where no more of them fit beside what
// lies there and what is coming. A place for other things than storage takes any, unless it is
// blocked.
func (d *decision) noRoom(k inventory.BookKey, to inventory.Place, qty int64) bool {
	it, l := d.item(k.Scope, k.Item), d.location(k.Scope, to.Location)
	if d.err == nil && l.Status == location.StatusBlocked {
		d.fail(refusedPlace(k.Item, to.Location, putaway.Blocked, 0, qty, it, l.Spec))
	}
	if d.err != nil || !l.Known() || !stores(l.Spec) {
		return d.err != nil
	}
	p := d.standing(k.Scope, to.Location, "")
	p.Spec.Slot.Max = 0 // goods are brought by hand beyond what is kept in a face
	if d.err != nil {
		return true
	}
	if p.Spec.Capacity != (location.Capacity{}) || p.Spec.Mix != "" {
		d.shelf(k.Scope, to.Location).dirty = true
	}
	if why, room := putaway.All([]putaway.Goods{{Item: it, Lot: to.Lot, LPN: to.LPN, Qty: qty}}, p); why != "" {
		d.fail(refusedPlace(k.Item, to.Location, why, room, qty, it, p.Spec))
	}
	return d.err != nil
}

// refusedPlace says why goods are not put into a place.
func refusedPlace(sku, code, why string, room, qty int64, it item.Item, l location.Spec) error {
	bad := func(place, format string, a ...any) error {
		return fault.At("routes.Stock", fault.Rejected, place, fmt.Errorf(format, a...))
	}
	switch why {
	case putaway.StorageType:
		return bad("location", "item %s is stored as %s, location %s is for %s", sku, it.Spec.StorageType, code, l.StorageType)
	case putaway.OthersSlot:
		return bad("location", "location %s is the slot of item %s of %s", code, l.Slot.Item, l.Slot.Owner)
	case putaway.Blocked:
		return bad("location", "location %s is blocked", code)
	case putaway.NotStorage:
		return bad("location", "location %s is for %s: goods are put away where they are picked from", code, l.Purpose)
	case putaway.ForHeld:
		return bad("location", "location %s takes what is held back or damaged, and no other goods", code)
	case putaway.NotForHeld:
		return bad("location", "location %s is for %s: goods that are held back or damaged go to one for %s", code, l.Purpose, location.Quarantine)
	case putaway.OtherItem:
		return bad("location", "location %s takes one item at a time, and another lies there or is coming", code)
	case putaway.OtherLot:
		return bad("location", "location %s takes one lot at a time, and another lies there or is coming", code)
	case putaway.Segregated:
		return bad("location", "item %s must not lie beside what lies in location %s or is coming there", sku, code)
	}
	return bad("qty", "%d of item %s do not fit into location %s: %d more fit beside what lies there and is coming (%s)", qty, sku, code, room, why)
}

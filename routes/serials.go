package routes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
)

// serialsHere refuses a pick that does not name the serial numbers that it must, or one that
// lies on no shelf. The floors refuse what another was faster with.
func (d *decision) serialsHere(k inventory.BookKey, serials []string, qty int64) bool {
	const op = "routes.Pick"
	if len(serials) == 0 && d.itemSeen(k.Scope, k.Item).Spec.Tracking.Serial && d.err == nil {
		d.fail(fault.At(op, fault.Rejected, "serials", fmt.Errorf("item %s is tracked by serial number: name those of the %d units", k.Item, qty)))
	}
	for i, s := range serials {
		if d.balance(k.Book(), inventory.SerialState(inventory.SerialShelf, s)) < 1 && d.err == nil {
			if !d.itemSeen(k.Scope, k.Item).Spec.Tracking.Serial {
				d.fail(fault.At(op, fault.Rejected, fmt.Sprintf("serials[%d]", i), fmt.Errorf("%.64q of item %s came in under no serial number: leave it out", s, k.Item)))
				break
			}
			says := "lies on no shelf: scan it again, or count the place"
			if d.balance(k.Book(), inventory.SerialState(inventory.SerialHeld, s)) > 0 {
				says = "is held or damaged: put it back and take another"
			}
			d.fail(fault.At(op, fault.Rejected, fmt.Sprintf("serials[%d]", i), fmt.Errorf("%.64q of item %s %s", s, k.Item, says)))
		}
	}
	return d.err == nil
}

// totesApart refuses to put units with serial numbers and units without into one tote for one
// line: at the packing nobody could say which of them are meant.
func (d *decision) totesApart(l pick.List, st pick.Step, c pick.Confirm) bool {
	of := ownerOf(l, st)
	for _, x := range d.work(of, numberOf(l, st)).Totes {
		if d.err == nil && x.Line == st.Line && x.Item == st.Item && x.Lot == st.From.Lot && x.Tote == c.Tote && (len(x.Serials) > 0) != (len(c.Serials) > 0) {
			has := "no serial numbers"
			if len(x.Serials) > 0 {
				has = "serial numbers"
			}
			d.fail(fault.At("routes.Pick", fault.Rejected, "tote", fmt.Errorf("units of item %s with %s lie in tote %.64s: put these into another", st.Item, has, c.Tote)))
		}
	}
	return d.err == nil
}

// serialsAway refuses units that come in under serial numbers which are here.
func (d *decision) serialsAway(k inventory.BookKey, serials []string) bool {
	for i, s := range serials {
		at := func(where string) bool { return d.balance(k.Book(), inventory.SerialState(where, s)) > 0 }
		switch {
		case at(inventory.SerialShelf) || at(inventory.SerialHeld):
			d.badSerial(k, i, s, "lies on a shelf already")
		case at(inventory.SerialOut):
			d.badSerial(k, i, s, "is in a tote or carton here")
		}
	}
	return d.err == nil
}

func (d *decision) badSerial(k inventory.BookKey, i int, serial, says string) {
	if d.err == nil {
		d.fail(fault.At("routes.Stock", fault.Rejected, fmt.Sprintf("serials[%d]", i), fmt.Errorf("%.64q of item %s %s: scan it again", serial, k.Item, says)))
	}
}

// serialsKept says where those are kept which lie on a shelf in a stage. Books that are older
// than [inventory.SerialHeld] kept those of held and damaged units as good ones: as long as more
// such units lie here than are known by their numbers, a number that is kept so may be one of them.
func (d *decision) serialsKept(k inventory.BookKey, serials []string, stage string) inventory.Kept {
	on := inventory.SerialOn(stage)
	older := len(serials) > 0 && on == inventory.SerialHeld && d.unitsOn(k, on) > int64(len(d.serialsIn(k, on, maxSerialsSeen)))
	kept := map[string]string{}
	for i, s := range serials {
		at := func(where string) bool { return d.balance(k.Book(), inventory.SerialState(where, s)) > 0 }
		switch {
		case at(on):
			kept[s] = on
		case older && at(inventory.SerialShelf):
			kept[s] = inventory.SerialShelf
		case at(inventory.SerialHeld):
			d.badSerial(k, i, s, "is held or damaged")
		case at(inventory.SerialShelf):
			d.badSerial(k, i, s, "is neither held nor damaged")
		default:
			d.badSerial(k, i, s, "lies on no shelf")
		}
	}
	return func(serial string) string { return kept[serial] }
}

// serialsMeant are the serial numbers of units that become held or are held no more, and where
// they are kept. Nobody need name them where there is no doubt which they are; where there is, an
// item that is tracked by them must have them named, unless the clock does it.
func (d *decision) serialsMeant(k inventory.BookKey, named []string, qty int64, from, to string) ([]string, inventory.Kept) {
	on := inventory.SerialOn(from)
	if len(named) == 0 && on != inventory.SerialOn(to) && d.err == nil {
		here := d.serialsIn(k, on, maxSerialsSeen)
		switch need := int64(len(here)) - (d.unitsOn(k, on) - qty); {
		case need <= 0: // units without a number, which are older than the tracking
		case need == int64(len(here)):
			named = here
		case d.m.Value == nil: // the clock: nobody is there to be asked
		case d.itemSeen(k.Scope, k.Item).Spec.Tracking.Serial:
			d.fail(fault.At("routes.Stock", fault.Rejected, "serials", fmt.Errorf("item %s is tracked by serial number: name those of the %d units", k.Item, qty)))
		}
	}
	return named, d.serialsKept(k, named, from)
}

// serialsWhich refuses goods that are brought from a place by hand where others stay behind and
// nobody says which are brought: the books would have to guess where each unit is. Where all go, or
// as many as came in without a number, there is nothing to say.
func (d *decision) serialsWhich(k inventory.BookKey, named []string, qty int64, from inventory.Place, stage string) bool {
	if len(named) > 0 || d.err != nil {
		return d.err == nil
	}
	sh, _ := d.stock(k).Shelf(from)
	known, units := int64(len(sh.Serials)), sh.Total()-sh.Held-sh.Damaged
	if inventory.SerialOn(stage) == inventory.SerialHeld {
		known, units = int64(len(sh.HeldSerials)), sh.Held+sh.Damaged
	}
	if stay := units - qty; stay > 0 && known > stay && d.itemSeen(k.Scope, k.Item).Spec.Tracking.Serial {
		d.fail(fault.At("routes.Stock", fault.Rejected, "serials",
			fmt.Errorf("item %s is tracked by serial number, and %d of its units stay at %s: name those of the %d that are brought", k.Item, stay, from.Location, qty)))
	}
	return d.err == nil
}

// unitsOn is how many units lie on shelves, good ones or held and damaged ones.
func (d *decision) unitsOn(k inventory.BookKey, on string) int64 {
	var good, bad int64
	for _, sh := range d.stock(k).Shelves {
		bad += sh.Held + sh.Damaged
		good += sh.Total() - sh.Held - sh.Damaged
	}
	if on == inventory.SerialHeld {
		return bad
	}
	return good
}

// maxSerialsSeen is the most serial numbers of an item that are looked through.
const maxSerialsSeen = 100_000

// someSerials are serial numbers of units that lie on shelves, as the simulated worker scans
// them; none where the item is not tracked by them.
func (d *decision) someSerials(k inventory.BookKey, n int64) []string {
	if !d.itemSeen(k.Scope, k.Item).Spec.Tracking.Serial || d.err != nil {
		return nil
	}
	return d.serialsIn(k, inventory.SerialShelf, n)
}

// serialsIn are the first serial numbers that are somewhere.
func (d *decision) serialsIn(k inventory.BookKey, where string, n int64) []string {
	var out []string
	for after := where + "/"; int64(len(out)) < n && d.err == nil; {
		rows, err := d.f.hub.bus.Driver().Balances(d.ctx, k.Book(), after, 500)
		if err != nil {
			d.fail(err)
			return nil
		}
		for _, r := range rows {
			after = r.Account
			serial, ok := strings.CutPrefix(r.Account, where+"/")
			if !ok || r.Book != k.Book() {
				return out
			}
			if int64(len(out)) < n && d.balance(k.Book(), r.Account) > 0 {
				out = append(out, serial)
			}
		}
		if len(rows) < 500 {
			break
		}
	}
	return out
}

// serialsOf are the contents of a carton with the serial numbers that were picked. Where a
// carton takes all that is left of a line there is no doubt which they are; where it takes a
// part, whoever packs says so, and the simulated packer takes the first.
func (d *decision) serialsOf(p pack.Packing, c pack.CloseCarton) []pack.Content {
	out := slices.Clone(c.Contents)
	for i, x := range out {
		if len(x.Serials) > 0 {
			continue
		}
		for _, left := range p.Left {
			if len(left.Serials) == 0 || left.Line != x.Line || left.Item != x.Item || left.Lot != x.Lot || left.Tote != x.Tote || left.Qty < x.Qty {
				continue
			}
			if x.Qty < left.Qty && c.Packer != worker {
				d.fail(fault.At("routes.Pack", fault.Rejected, fmt.Sprintf("contents[%d].serials", i),
					fmt.Errorf("%d of %d units of item %s go into the carton: name their serial numbers", x.Qty, left.Qty, x.Item)))
				return nil
			}
			out[i].Serials = slices.Clone(left.Serials[:min(len(left.Serials), int(x.Qty))])
		}
	}
	return out
}

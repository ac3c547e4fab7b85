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
			d.fail(fault.At(op, fault.Rejected, fmt.Sprintf("serials[%d]", i), fmt.Errorf("%.64q of item %s lies on no shelf: scan it again, or count the place", s, k.Item)))
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

// serialsStand refuses a movement of serial numbers which are not where they would have to be:
// away for what comes in, on a shelf for what is written off.
func (d *decision) serialsStand(k inventory.BookKey, serials []string, in bool) bool {
	for i, s := range serials {
		here := d.balance(k.Book(), inventory.SerialState(inventory.SerialShelf, s))
		out := d.balance(k.Book(), inventory.SerialState(inventory.SerialOut, s))
		place, says := fmt.Sprintf("serials[%d]", i), ""
		switch {
		case in && here > 0:
			says = "lies on a shelf already"
		case in && out > 0:
			says = "is in a tote or carton here"
		case !in && here < 1:
			says = "lies on no shelf"
		}
		if says != "" && d.err == nil {
			d.fail(fault.At("routes.Stock", fault.Rejected, place, fmt.Errorf("%.64q of item %s %s: scan it again", s, k.Item, says)))
		}
	}
	return d.err == nil
}

// someSerials are serial numbers of units that lie on shelves, as the simulated worker scans
// them; none where the item is not tracked by them.
func (d *decision) someSerials(k inventory.BookKey, n int64) []string {
	if !d.itemSeen(k.Scope, k.Item).Spec.Tracking.Serial || d.err != nil {
		return nil
	}
	var out []string
	for after := inventory.SerialShelf + "/"; int64(len(out)) < n; {
		rows, err := d.f.hub.bus.Driver().Balances(d.ctx, k.Book(), after, 500)
		if err != nil {
			d.fail(err)
			return nil
		}
		for _, r := range rows {
			after = r.Account
			serial, ok := strings.CutPrefix(r.Account, inventory.SerialShelf+"/")
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

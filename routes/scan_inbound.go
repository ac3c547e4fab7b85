package routes

import (
	"cmp"
	"slices"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

// scanAnnounced takes in all that a receipt announces on the LPN that was scanned. It reports false
// where the scan names no receipt, or one that announces nothing on it.
func (d *decision) scanAnnounced(s scope.Scope, c scan.Scan) (bool, error) {
	if c.Task == "" || c.Item != "" {
		return false, nil
	}
	id, err := scan.LPN(c.Code)
	if err != nil {
		return false, err
	}
	r := d.receipt(s, c.Task)
	if d.err != nil || !slices.ContainsFunc(r.Lines, func(l receiving.Expected) bool { return l.LPN == id && id != "" }) {
		return false, d.err
	}
	place, err := scan.At(c.Place)
	if err != nil {
		return true, err
	}
	_, err = d.f.askReceipt(d, &door.Ask{Scope: s, ID: c.Task, Cmd: receiving.ReceiveLPN{LPN: id, Location: place, By: c.Worker}})
	return true, err
}

// scanGoodsIn brings goods in on the receipt or the return that the scan names, or as the stock
// door does.
func (d *decision) scanGoodsIn(s scope.Scope, c scan.Scan, sku string, g inventory.Receive) error {
	a := &door.Ask{Scope: s, ID: sku, Cmd: g}
	if scope.CheckPart(c.Task) == nil {
		switch {
		case d.receipt(s, c.Task).Known():
			a.ID, a.Cmd = c.Task, receiving.Receive{Place: g.Place, Item: sku, Qty: g.Qty, Expiry: g.Expiry, By: c.Worker, Serials: g.Serials}
		case d.returnOf(s, c.Task).Known():
			a.ID, a.Cmd = c.Task, returns.Receive{Place: g.Place, Item: sku, Qty: g.Qty, Expiry: g.Expiry, By: c.Worker, Serials: g.Serials, Note: c.Reason}
		}
	}
	if d.err != nil {
		return d.err
	}
	ask := d.f.askStock
	if a.ID == c.Task {
		ask = d.f.askReceipt
	}
	_, err := ask(d, a)
	return err
}

// scanPutAway ends a put-away at the place that was scanned; who scans has claimed it by that.
func (d *decision) scanPutAway(s scope.Scope, t task.Task, c scan.Scan) error {
	place, err := scan.At(c.Place)
	if err != nil {
		return err
	}
	if c.Code != "" {
		if err := d.sameGoods(s, t, c.Code); err != nil {
			return err
		}
	}
	if t.Status == task.StatusOpen {
		events, err := t.Claim(task.Claim{Worker: c.Worker, Lease: d.f.cfg.Lease}, d.m.Now)
		if !d.onTask(s, c.Task, events, err) {
			return d.err
		}
		t = d.task(s, c.Task)
	}
	_, err = d.f.askFloor(d, &door.Ask{Scope: s, ID: c.Task, Cmd: putaway.Put{
		Worker: c.Worker, Claim: t.Claims, Location: place, Qty: c.Qty, Reason: c.Reason,
	}})
	return err
}

// sameGoods refuses a code of other goods than a put-away brings.
func (d *decision) sameGoods(s scope.Scope, t task.Task, code string) error {
	st := t.Steps[0]
	id, err := scan.LPN(code)
	switch {
	case err != nil:
		return err
	case id == cmp.Or(st.From.LPN, st.From.Location): // the pallet, or the tote that they are in
		return nil
	case st.From.LPN != "":
		return refused("code", "this is %.64s, the task brings LPN %s", id, st.From.LPN)
	}
	g, err := scan.Match(code, d.item(s, st.Item))
	if err != nil {
		return err
	}
	if g.Lot != "" && g.Lot != st.From.Lot {
		return refused("code", "this is lot %s, the task brings lot %q", g.Lot, st.From.Lot)
	}
	return nil
}

package routes

import (
	"cmp"
	"context"
	"strings"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// cmdERPMove is an adjustment on its way to an ERP.
const cmdERPMove = "erp.Move"

// stands reports whether goods of a stage cannot be sold: the ERP has them in another stock.
func stands(stage string) bool { return stage == inventory.Held || stage == inventory.Damaged }

// adjusted is what an event of stock is to an ERP; false is nothing: receipts, shipments and what moves from
// shelf to shelf change nothing that it has to be told by an adjustment.
func adjusted(e event.Event) (a erp.Adjustment, ok bool) {
	switch e := e.(type) {
	case inventory.StockAdjusted:
		a = erp.Adjustment{Kind: erp.Gain, At: e.At, Facility: e.Facility, Item: e.Item, Lot: e.Lot, Qty: e.Delta, Reason: e.Reason}
		if e.Delta < 0 {
			a.Kind, a.Qty = erp.Loss, -e.Delta
		}
		if stands(e.Stage) {
			a.Kind = "held_" + a.Kind
		}
	case inventory.StockStatusChanged:
		a = erp.Adjustment{Kind: erp.Hold, At: e.At, Facility: e.Facility, Item: e.Item, Lot: e.Lot, Qty: e.Qty, Reason: e.Reason}
		switch {
		case stands(e.From) == stands(e.To):
			return a, false
		case stands(e.From):
			a.Kind = erp.Free
		}
	}
	return a, a.Qty > 0
}

// moving tells ERPs of our adjustments.
func (e *erps) moving(outs []string) Route {
	return Route{
		Name: "out.erp.moves", About: "adjustments of stock, to the ERPs that are told of them",
		Topics: []string{onInventory}, Start: bus.Now, Writes: outs, Patterns: []string{eip.NameFilter, eip.NameRecipientList},
		Types: takes(inventory.StockAdjusted{}, inventory.StockStatusChanged{}),
		Handle: func(_ context.Context, m *Message) (*Out, error) {
			out := m.Out()
			k, _ := inventory.KeyOf(m.Event)
			a, ok := adjusted(m.Event)
			if !ok {
				return out, nil
			}
			// 64 bits of the event's id: SAP has room for 16 characters.
			a.Key = strings.ToUpper(strings.ReplaceAll(m.ID.String(), "-", "")[16:])
			for _, c := range e.all {
				if c.Mover != nil && c.Moves[a.Kind] && cmp.Or(c.Owner, k.Owner) == k.Owner && c.stocks(k.Facility) {
					out.Publish(c.asks(), cmdERPMove, m.Key, a)
				}
			}
			return out, nil
		},
	}
}

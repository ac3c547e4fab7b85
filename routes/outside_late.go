package routes

import (
	"context"
	"fmt"
	"time"

	"github.com/paklog/hub/core/fault"
)

// outsideLate is the timer of what a 3PL is to have said.
const outsideLate = "outside.Late"

// outsideAsked is what he was asked: an order to ship, or a receipt to take.
type outsideAsked struct {
	Partner string `json:"partner"`
	Stream  string `json:"stream"`
}

// expect lets somebody know where a 3PL does not say in time what became of an order or receipt. due is
// when it was to leave or to come; zero is not known.
func (e *edi) expect(out *Out, p Partner, stream string, due time.Time) {
	if p.ReportsWithin == 0 {
		return
	}
	if due.Before(out.m.Now) {
		due = out.m.Now
	}
	out.Timer("late/"+stream, out.m.Key, outsideLate, due.Add(p.ReportsWithin), outsideAsked{p.Name, stream})
}

func (e *edi) lateOrder(ctx context.Context, m *Message) (*Out, error) {
	var a outsideAsked
	if err := m.Decode(&a); err != nil {
		return nil, err
	}
	o, err := Peek(ctx, m, e.flows.orders, a.Stream)
	if err != nil || o.Totals().Unassigned == 0 || o.Closed() {
		return m.Out(), err
	}
	by := ""
	if !o.Dates.ShipBy.IsZero() {
		by = ", which was to leave by " + o.Dates.ShipBy.Format(time.RFC3339)
	}
	return nil, fault.At(m.route, fault.Rejected, o.Number, fmt.Errorf("%s has said by no %s that order %s left whole%s: %d of %d are open; ask him, then replay this letter or drop it",
		a.Partner, e.saysBy(a.Partner, "945", "DESADV"), o.Number, by, o.Totals().Unassigned, o.Totals().Ordered))
}

func (e *edi) lateReceipt(ctx context.Context, m *Message) (*Out, error) {
	var a outsideAsked
	if err := m.Decode(&a); err != nil {
		return nil, err
	}
	r, err := Peek(ctx, m, e.flows.receipts, a.Stream)
	if err != nil || r.Ended() {
		return m.Out(), err
	}
	due := ""
	if !r.Due.IsZero() {
		due = ", which was to come by " + r.Due.Format(time.RFC3339)
	}
	return nil, fault.At(m.route, fault.Rejected, r.ID, fmt.Errorf("%s has said by no %s what came of receipt %s%s: ask him, then replay this letter or drop it",
		a.Partner, e.saysBy(a.Partner, "944", "RECADV"), r.ID, due))
}

// saysBy is the set or message by which a 3PL says it.
func (e *edi) saysBy(partner, set, message string) string {
	if e.Partners[partner].EDIFACT.Runs {
		return message
	}
	return set
}

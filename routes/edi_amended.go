package routes

import (
	"context"
	"strconv"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

// amendments answers each change of an order by a document that was done, in the syntax it came
// in.
func (e *edi) amendments() Route {
	return Route{
		Name: "edi.amended", About: "an 855 for each 860, an ORDRSP for each ORDCHG that was done",
		Topics: []string{onExternal}, Types: []string{orderAmended}, Start: bus.Now, Writes: e.leaving(),
		Patterns: []string{eip.NameFilter, eip.NameTranslator},
		Handle: eip.Filter(func(_ context.Context, m *Message) (bool, error) {
			var a amended
			if err := m.Decode(&a); err != nil {
				return false, err
			}
			p, err := e.partner(a.Source.Partner)
			return p.SendAnswers, err
		}, eip.Translate(func(ctx context.Context, m *Message, out *Out) (journal.Record, error) {
			var a amended
			if err := m.Decode(&a); err != nil {
				return journal.Record{}, err
			}
			o, err := Peek(ctx, m, e.flows.orders, a.Stream())
			if err != nil {
				return journal.Record{}, err
			}
			purpose := x12wms.AnswersChange
			if a.Cancelled {
				purpose = x12wms.AnswersCancel
			}
			return e.answer(ctx, m, out, a.Source, x12wms.Standing(o, purpose, m.Now))
		})),
	}
}

// answer writes what an order's sender is told of it: by an ORDRSP where he wrote EDIFACT, else by
// an 855.
func (e *edi) answer(ctx context.Context, m *Message, out *Out, src order.Source, a x12wms.Answer) (journal.Record, error) {
	p, err := e.partner(src.Partner)
	if err != nil {
		return journal.Record{}, err
	}
	a = plainAnswer(a)
	if src.DocType == "ORDCHG" || src.DocType == "ORDERS" {
		return e.interchange(ctx, m, out, p, p.unb(), p.unh("ORDRSP"), func(control int) ([]edifact.Out, error) {
			return edifactwms.OrderResponse(p.Profile, strconv.Itoa(control), a), nil
		})
	}
	return e.envelope(ctx, m, out, p, "855", p.Profile.PurchaseOrderAck(a))
}

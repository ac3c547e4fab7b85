package routes

import (
	"context"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

// invoices charges partners who want that for what left of their orders: by an 810 who ordered by 850,
// by an INVOIC who ordered by ORDERS. A shipment whose prices nobody said is a letter.
func (e *edi) invoices() Route {
	return Route{
		Name: "edi.invoices", About: "an 810 or INVOIC for each shipment of an order, to each partner who wants to be charged so",
		Topics: []string{onPacks}, Types: takes(ship.Confirmed{}), Start: bus.Now, Writes: e.leaving(), Parking: Parking{Independent: true},
		Patterns: []string{eip.NameFilter, eip.NameEnricher, eip.NameTranslator},
		Handle: eip.Filter(func(ctx context.Context, m *Message) (bool, error) {
			o, err := e.shipped(ctx, m)
			if c, _ := m.Event.(ship.Confirmed); err != nil || len(c.Lines) == 0 {
				return false, err
			}
			return byDocument(o, "850", "ORDERS") && e.Partners[o.Source.Partner].Invoices, nil
		}, eip.Enrich(e.shipped, func(ctx context.Context, m *Message, o order.Order) (*Out, error) {
			return eip.Translate(func(ctx context.Context, m *Message, out *Out) (journal.Record, error) {
				var none journal.Record
				c, err := confirmed(m)
				if err != nil {
					return none, err
				}
				p, err := e.partner(o.Source.Partner)
				if err != nil {
					return none, err
				}
				b, err := x12wms.Billed(o, c)
				if err != nil {
					return none, err
				}
				if o.Source.DocType == "ORDERS" {
					return e.interchange(ctx, m, out, p, p.unb(), p.unh("INVOIC"), func(int) ([]edifact.Out, error) { return edifactwms.Invoice(p.Profile, o, b), nil })
				}
				body, err := p.Profile.Invoice(o, b)
				if err != nil {
					return none, err
				}
				return e.envelope(ctx, m, out, p, "810", body)
			})(ctx, m)
		})),
	}
}

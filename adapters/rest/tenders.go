package rest

import (
	"context"
	"net/http"

	"github.com/paklog/hub/core/door"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/core/view"
)

// OfferBody tenders a load.
type OfferBody struct {
	Partner string        `json:"partner" doc:"the carrier, as edi.partners names him"`
	Rate    measure.Money `json:"rate,omitzero" doc:"what was agreed for the load"`
	By      string        `json:"by,omitempty"`
}

// TakenBody is a carrier's yes that came by telephone.
type TakenBody struct {
	Reference string `json:"reference,omitempty" doc:"the carrier's number for the load"`
	By        string `json:"by,omitempty"`
}

// tenderDo registers a command about a load's tender. Of is what it needs to be there: the kind and its streams.
func tenderDo[B any](s *server, verb, summary, of string, stream func(scope.Scope, string) string, cmd func(b B) any) {
	register(s, op[B, tender.Tender](s, http.MethodPost, "/v1/tenders/{facility}/{id}/"+verb, verb+"-tender", "tenders", summary),
		func(ctx context.Context, in *dockCommand) (*reply, error) {
			b, err := decode[B](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			sc := in.in(s.cfg.Scope)
			return s.do(ctx, door.Tenders, door.Ask{Scope: sc, ID: in.ID, Cmd: cmd(b)}, in.Keyed, "", of, stream(sc, in.ID))
		})
}

func (s *server) tenders() {
	tenderDo(s, "offer", "Tender a load to a carrier: he is sent a 204", view.Load, truckload.StreamOf, func(b OfferBody) any {
		return tender.Offer{Partner: b.Partner, Rate: b.Rate, By: b.By}
	})
	tenderDo(s, "withdraw", "Take a tender back", view.Tender, tender.StreamOf, func(b ByBody) any { return tender.Withdraw{Reason: b.Reason, By: b.By} })
	tenderDo(s, "accept", "Note that the carrier takes the load", view.Tender, tender.StreamOf, func(b TakenBody) any { return tender.Accept{Reference: b.Reference, By: b.By} })
	tenderDo(s, "decline", "Note that the carrier does not take the load", view.Tender, tender.StreamOf, func(b ByBody) any { return tender.Decline{Reason: b.Reason, By: b.By} })
	dockShow(s, "tenders", view.Tender, tender.StreamOf)
}

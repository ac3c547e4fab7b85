package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/trust"
)

// ProposeBody offers certificates of ours to a partner.
type ProposeBody struct {
	Certificates []string  `json:"certificates" doc:"fingerprints (SHA-256), or how they begin: eight characters at least"`
	Usages       []string  `json:"usages,omitempty" doc:"digitalSignature, keyEncipherment; those that each is set up for where it is left out"`
	RespondBy    time.Time `json:"respond_by,omitzero" doc:"until when the partner is to answer"`
}

// RefusalBody says why a certificate is not trusted; the partner is told.
type RefusalBody struct {
	Reason string `json:"reason"`
}

// PartnerPath names a partner.
type PartnerPath struct {
	Partner string `path:"partner" maxLength:"128" doc:"as edi.partners names him"`
}

// certificatePath names a certificate that a partner offers.
type certificatePath struct {
	PartnerPath
	Keyed

	ID string `path:"id" maxLength:"128" doc:"its fingerprint (SHA-256), or how it begins: eight characters at least"`
}

func (s *server) certificates() {
	const tag, path = "certificates", "/v1/partners/{partner}/certificates"
	ask := func(ctx context.Context, partner string, cmd any, in Keyed) (*reply, error) {
		return s.do(ctx, door.Certificates, door.Ask{Scope: s.cfg.Scope, ID: partner, Cmd: cmd}, in, "")
	}
	register(s, op[struct{}, trust.Exchange](s, http.MethodGet, path, "list-certificates", tag, "Certificates that an AS2 partner offers, and ours that he was asked to trust"),
		func(ctx context.Context, in *PartnerPath) (*reply, error) {
			return ask(ctx, in.Partner, trust.Look{}, Keyed{})
		})
	register(s, op[ProposeBody, trust.Exchange](s, http.MethodPost, path, "offer-certificates", tag, "Ask an AS2 partner to trust certificates of ours"),
		func(ctx context.Context, in *struct {
			PartnerPath
			Keyed
		},
		) (*reply, error) {
			b, err := decode[ProposeBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return ask(ctx, in.Partner, trust.Propose{IDs: b.Certificates, Usages: b.Usages, RespondBy: b.RespondBy.UTC()}, in.Keyed)
		})
	register(s, op[struct{}, trust.Exchange](s, http.MethodPost, path+"/{id}/accept", "accept-certificate", tag, "Trust a certificate that an AS2 partner offers"),
		func(ctx context.Context, in *certificatePath) (*reply, error) {
			return ask(ctx, in.Partner, trust.Judge{ID: in.ID, Accept: true}, in.Keyed)
		})
	register(s, op[RefusalBody, trust.Exchange](s, http.MethodPost, path+"/{id}/reject", "reject-certificate", tag, "Do not trust a certificate that an AS2 partner offers, or not any more"),
		func(ctx context.Context, in *certificatePath) (*reply, error) {
			b, err := decode[RefusalBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return ask(ctx, in.Partner, trust.Judge{ID: in.ID, Reason: b.Reason}, in.Keyed)
		})
}

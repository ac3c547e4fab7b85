package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

// DriftBody asks for a look through a shop's books and ours.
type DriftBody struct {
	Repair bool `json:"repair,omitempty" doc:"set right what differs"`
}

// ShopPath names a shop of the configuration.
type ShopPath struct {
	Shop string `path:"shop" maxLength:"128"`
}

func (s *server) drift() {
	const tag = "shops"
	register(s, op[DriftBody, shop.DriftReport](s, http.MethodPost, "/v1/shops/{shop}/drift", "begin-drift", tag, "Hold a shop's books against ours: orders, shipments, stock; the report is found under the link", http.StatusAccepted),
		func(ctx context.Context, in *ShopPath) (*reply, error) {
			b, err := decode[DriftBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if s.deps.Drift == nil {
				return nil, s.problem(ctx, unavailable("no shop is configured"))
			}
			if _, err := s.deps.Door.Call(ctx, door.Shops, shop.Reconcile{Shop: in.Shop, Repair: b.Repair}); err != nil {
				return nil, s.noShop(ctx, err)
			}
			out, err := s.driftOf(ctx, in.Shop)
			if err == nil {
				out.Status, out.Location = http.StatusAccepted, "/v1/shops/"+url.PathEscape(in.Shop)+"/drift"
			}
			return out, err
		})
	register(s, op[struct{}, shop.DriftReport](s, http.MethodGet, "/v1/shops/{shop}/drift", "get-drift", tag, "What the last look through a shop's books found, as far as it is"),
		func(ctx context.Context, in *ShopPath) (*reply, error) { return s.driftOf(ctx, in.Shop) })
}

func (s *server) driftOf(ctx context.Context, name string) (*reply, error) {
	if s.deps.Drift == nil {
		return nil, s.problem(ctx, unavailable("no shop is configured"))
	}
	r, err := s.deps.Drift(ctx, name)
	if err != nil {
		return nil, s.noShop(ctx, err)
	}
	return s.fresh(r, nil, http.StatusOK)
}

func (s *server) noShop(ctx context.Context, err error) error {
	if fault.KindOf(err) == fault.Rejected {
		return intake.New(http.StatusNotFound, intake.CodeNotFound, fault.Reason(err))
	}
	return s.problem(ctx, err)
}

package rest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

// ShopLoadBody asks for the first load of a shop.
type ShopLoadBody struct {
	Since   time.Time `json:"since" doc:"orders that changed at this moment or later are read"`
	Restart bool      `json:"restart,omitempty" doc:"begin anew where one is under way"`
}

func (s *server) shopLoad() {
	const tag = "shops"
	register(s, op[ShopLoadBody, shop.LoadReport](s, http.MethodPost, "/v1/shops/{shop}/load", "begin-shop-load", tag, "Read all orders of a shop since a moment; how far it is stands under the link", http.StatusAccepted),
		func(ctx context.Context, in *ShopPath) (*reply, error) {
			b, err := decode[ShopLoadBody](ctx)
			if err == nil && b.Since.IsZero() {
				err = fault.At("rest.load", fault.Invalid, "since", errors.New("is needed, as 2026-01-31T00:00:00Z"))
			}
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if s.deps.Load == nil {
				return nil, s.problem(ctx, unavailable("no shop is configured"))
			}
			if _, err := s.deps.Door.Call(ctx, door.Shops, shop.Load{Shop: in.Shop, Since: b.Since, Restart: b.Restart}); err != nil {
				return nil, s.noShop(ctx, err)
			}
			out, err := s.shopLoadOf(ctx, in.Shop)
			if err == nil {
				out.Status, out.Location = http.StatusAccepted, "/v1/shops/"+url.PathEscape(in.Shop)+"/load"
			}
			return out, err
		})
	register(s, op[struct{}, shop.LoadReport](s, http.MethodGet, "/v1/shops/{shop}/load", "get-shop-load", tag, "How far the first load of a shop is"),
		func(ctx context.Context, in *ShopPath) (*reply, error) { return s.shopLoadOf(ctx, in.Shop) })
}

func (s *server) shopLoadOf(ctx context.Context, name string) (*reply, error) {
	if s.deps.Load == nil {
		return nil, s.problem(ctx, unavailable("no shop is configured"))
	}
	r, err := s.deps.Load(ctx, name)
	if err != nil {
		return nil, s.noShop(ctx, err)
	}
	return s.fresh(r, nil, http.StatusOK)
}

package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// ItemPath names an item.
type ItemPath struct {
	Owner string `path:"owner" maxLength:"128"`
	SKU   string `path:"sku" maxLength:"128"`
}

// LocationPath names a place.
type LocationPath struct {
	Facility string `path:"facility" maxLength:"128"`
	Location string `path:"location" maxLength:"128"`
}

func (p LocationPath) in(s scope.Scope) scope.Scope {
	s.Facility = p.Facility
	return s.Building()
}

type locationCommand struct {
	LocationPath
	Keyed
}

// ReasonBody says why.
type ReasonBody struct {
	Reason string `json:"reason"`
}

func (s *server) master() {
	s.owners()
	s.crossrefs()
	s.partnerDocuments()
	s.batches()
	s.items()
	s.locations()
	s.facilities()
}

func (s *server) items() {
	const tag = "items"
	register(s, op[custom.Item, item.Item](s, http.MethodPost, "/v1/items", "register-item", tag, "Make an item known", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			doc, err := decode[custom.Item](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			cmd := doc.Register(s.cfg.Scope)
			return s.do(ctx, door.Master, door.Ask{Scope: cmd.Scope, ID: cmd.SKU, Cmd: cmd}, *in,
				"/v1/items/"+url.PathEscape(cmd.Owner)+"/"+url.PathEscape(cmd.SKU))
		})
	register(s, op[custom.ItemSpec, item.Item](s, http.MethodPut, "/v1/items/{owner}/{sku}", "change-item", tag, "Replace what may change about an item"),
		func(ctx context.Context, in *struct {
			ItemPath
			Keyed
		}) (*reply, error) {
			doc, err := decode[custom.ItemSpec](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			sc := s.cfg.Scope
			sc.Owner = in.Owner
			return s.do(ctx, door.Master, door.Ask{Scope: sc, ID: in.SKU, Cmd: item.Change{Spec: doc.Spec()}}, in.Keyed, "",
				view.Item, item.StreamOf(sc, in.SKU))
		})
	register(s, op[struct{}, view.Doc](s, http.MethodGet, "/v1/items/{owner}/{sku}", "get-item", tag, "An item"),
		func(ctx context.Context, in *ItemPath) (*answer, error) {
			sc := s.cfg.Scope
			sc.Owner = in.Owner
			return s.get(ctx, view.Item, item.StreamOf(sc, in.SKU))
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/items", "list-items", tag, "Items by owner and SKU"),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, view.Item, in) })
}

func (s *server) locations() {
	const tag = "locations"
	register(s, op[custom.Location, location.Location](s, http.MethodPost, "/v1/locations", "register-location", tag, "Make a place known", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			doc, err := decode[custom.Location](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			cmd := doc.Register(s.cfg.Scope)
			return s.do(ctx, door.Master, door.Ask{Scope: cmd.Scope, ID: cmd.Code, Cmd: cmd}, *in,
				"/v1/locations/"+url.PathEscape(cmd.Facility)+"/"+url.PathEscape(cmd.Code))
		})
	command := func(ctx context.Context, in *locationCommand, cmd any, err error) (*reply, error) {
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		sc := in.in(s.cfg.Scope)
		return s.do(ctx, door.Master, door.Ask{Scope: sc, ID: in.Location, Cmd: cmd}, in.Keyed, "",
			view.Location, location.StreamOf(sc, in.Location))
	}
	const path = "/v1/locations/{facility}/{location}"
	register(s, op[custom.LocationSpec, location.Location](s, http.MethodPut, path, "change-location", tag, "Replace what may change about a place"),
		func(ctx context.Context, in *locationCommand) (*reply, error) {
			doc, err := decode[custom.LocationSpec](ctx)
			return command(ctx, in, location.Change{Spec: doc.Spec()}, err)
		})
	register(s, op[ReasonBody, location.Location](s, http.MethodPost, path+"/block", "block-location", tag, "Take a place out of use"),
		func(ctx context.Context, in *locationCommand) (*reply, error) {
			b, err := decode[ReasonBody](ctx)
			return command(ctx, in, location.Block{Reason: b.Reason, By: callOf(ctx).client}, err)
		})
	register(s, op[struct{}, location.Location](s, http.MethodPost, path+"/unblock", "unblock-location", tag, "Bring a place back"),
		func(ctx context.Context, in *locationCommand) (*reply, error) {
			return command(ctx, in, location.Unblock{By: callOf(ctx).client}, nil)
		})
	register(s, op[struct{}, view.Doc](s, http.MethodGet, path, "get-location", tag, "A place"),
		func(ctx context.Context, in *LocationPath) (*answer, error) {
			return s.get(ctx, view.Location, location.StreamOf(in.in(s.cfg.Scope), in.Location))
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/locations", "list-locations", tag, "Places by facility and code"),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, view.Location, in) })
}

package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// OwnerPath names an owner.
type OwnerPath struct {
	Owner string `path:"owner" maxLength:"128"`
}

func (s *server) owners() {
	const tag, path = "owners", "/v1/owners/{owner}"
	register(s, op[custom.Owner, owner.Owner](s, http.MethodPost, "/v1/owners", "register-owner", tag, "Make an owner of goods known; from the first one on, those that are not known are refused", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			doc, err := decode[custom.Owner](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			cmd := doc.Register(s.cfg.Scope)
			return s.do(ctx, door.Master, door.Ask{Scope: cmd.Scope, ID: cmd.Owner, Cmd: cmd}, *in, "/v1/owners/"+url.PathEscape(cmd.Owner))
		})
	register(s, op[custom.OwnerSpec, owner.Owner](s, http.MethodPut, path, "change-owner", tag, "Replace what may change about an owner"),
		func(ctx context.Context, in *struct {
			OwnerPath
			Keyed
		}) (*reply, error) {
			doc, err := decode[custom.OwnerSpec](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			sc := s.cfg.Scope
			sc.Owner = in.Owner
			return s.do(ctx, door.Master, door.Ask{Scope: sc, ID: in.Owner, Cmd: owner.Change{Spec: doc.Spec()}}, in.Keyed, "", view.Owner, owner.StreamOf(sc))
		})
	register(s, op[struct{}, view.Doc](s, http.MethodGet, path, "get-owner", tag, "An owner"),
		func(ctx context.Context, in *OwnerPath) (*answer, error) {
			sc := s.cfg.Scope
			sc.Owner = in.Owner
			return s.get(ctx, view.Owner, owner.StreamOf(sc))
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/owners", "list-owners", tag, "Owners of goods"),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, view.Owner, in) })
}

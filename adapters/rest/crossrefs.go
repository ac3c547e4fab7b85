package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// CrossrefPath names an entry of a partner's cross-references.
type CrossrefPath struct {
	Partner string `path:"partner" maxLength:"128"`
	Kind    string `path:"kind" enum:"item,unit,location,carrier,method,service"`
	Theirs  string `path:"theirs" maxLength:"128" doc:"the partner's code"`
}

func (p CrossrefPath) of(s scope.Scope) (sc scope.Scope, id, stream string) {
	s.Owner = p.Partner
	return s, crossref.ID(crossref.Kind(p.Kind), p.Theirs), crossref.StreamOf(s, crossref.Kind(p.Kind), p.Theirs)
}

func (s *server) crossrefs() {
	const tag, path = "cross-references", "/v1/crossrefs/{partner}/{kind}/{theirs}"
	type keyed struct {
		CrossrefPath
		Keyed
	}
	register(s, op[custom.Crossref, crossref.Entry](s, http.MethodPost, "/v1/crossrefs", "add-crossref", tag, "Say what a code of a partner means; one that means something else is refused", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			doc, err := decode[custom.Crossref](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			cmd := doc.Set(s.cfg.Scope)
			to := "/v1/crossrefs/" + url.PathEscape(doc.Partner) + "/" + url.PathEscape(doc.Kind) + "/" + url.PathEscape(doc.Theirs)
			return s.do(ctx, door.Master, door.Ask{Scope: cmd.Scope, ID: crossref.ID(cmd.Kind, cmd.Theirs), Cmd: cmd}, *in, to)
		})
	register(s, op[custom.CrossrefMeaning, crossref.Entry](s, http.MethodPut, path, "change-crossref", tag, "Say what a code of a partner means from now on"),
		func(ctx context.Context, in *keyed) (*reply, error) {
			doc, err := decode[custom.CrossrefMeaning](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			sc, id, _ := in.of(s.cfg.Scope)
			cmd := crossref.Set{Scope: sc, Kind: crossref.Kind(in.Kind), Theirs: in.Theirs, Meaning: doc.Meaning(), Update: true}
			return s.do(ctx, door.Master, door.Ask{Scope: sc, ID: id, Cmd: cmd}, in.Keyed, "")
		})
	register(s, op[struct{}, crossref.Entry](s, http.MethodPost, path+"/remove", "remove-crossref", tag, "Let a code of a partner mean nothing any more; what was decided by it stands"),
		func(ctx context.Context, in *keyed) (*reply, error) {
			sc, id, stream := in.of(s.cfg.Scope)
			return s.do(ctx, door.Master, door.Ask{Scope: sc, ID: id, Cmd: crossref.Remove{Kind: crossref.Kind(in.Kind), Theirs: in.Theirs}}, in.Keyed, "", view.Crossref, stream)
		})
	register(s, op[struct{}, view.Doc](s, http.MethodGet, path, "get-crossref", tag, "What a code of a partner means"),
		func(ctx context.Context, in *CrossrefPath) (*answer, error) {
			_, _, stream := in.of(s.cfg.Scope)
			return s.get(ctx, view.Crossref, stream)
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/crossrefs", "list-crossrefs", tag, "What codes of partners mean; the partner stands in the owner's place"),
		func(ctx context.Context, in *struct {
			Partner string `query:"partner" maxLength:"128"`
			Status  string `query:"status" maxLength:"64" doc:"active or removed"`
			Begins  string `query:"begins" maxLength:"128" doc:"what the id begins with: item: are all of a partner's items"`
			Cursor  string `query:"cursor" maxLength:"1024" doc:"next of the page before"`
			Limit   int    `query:"limit" minimum:"1" maximum:"500" doc:"100"`
		}) (*answer, error) {
			return s.list(ctx, view.Crossref, &listInput{Owner: in.Partner, Status: in.Status, Begins: in.Begins, Cursor: in.Cursor, Limit: in.Limit})
		})
}

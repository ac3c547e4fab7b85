package rest

import (
	"context"
	"net/http"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/view"
)

// batches registers what waits to leave for trading partners together.
func (s *server) batches() {
	const tag = "edi"
	register(s, op[struct{}, []door.Waiting](s, http.MethodGet, "/v1/edi/waiting", "list-waiting", tag, "Documents that wait to leave for trading partners in one interchange"),
		func(ctx context.Context, in *struct {
			Partner string `query:"partner" maxLength:"128"`
		}) (*answer, error) {
			if s.deps.Waiting == nil {
				return nil, s.problem(ctx, unavailable("what waits is not served by this process"))
			}
			list, err := s.deps.Waiting(ctx, in.Partner)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.now(ctx, list)
		})
	register(s, op[struct{}, door.Flushed](s, http.MethodPost, "/v1/edi/partners/{partner}/flush", "flush-partner", tag, "Let what waits for a trading partner leave now"),
		func(ctx context.Context, in *struct {
			Partner string `path:"partner" maxLength:"128"`
		}) (*answer, error) {
			v, err := s.deps.Door.Call(ctx, door.Batches, door.Flush{Partner: in.Partner, Actor: callOf(ctx).client})
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.now(ctx, v)
		})
}

// partnerDocuments registers the queries about documents that we sent to trading partners.
func (s *server) partnerDocuments() {
	const tag = "edi"
	register(s, op[struct{}, view.Doc](s, http.MethodGet, "/v1/edi/documents/{partner}/{name}", "get-document", tag, "A document of ours to a trading partner, and what he said of it"),
		func(ctx context.Context, in *struct {
			Partner string `path:"partner" maxLength:"128"`
			Name    string `path:"name" maxLength:"128" doc:"of the file, as it left"`
		}) (*answer, error) {
			return s.get(ctx, view.Document, document.StreamOf(s.cfg.Scope.Tenant, in.Partner, in.Name))
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/edi/documents", "list-documents", tag, "Documents of ours to trading partners; acknowledgements are not among them"),
		func(ctx context.Context, in *struct {
			Partner string `query:"partner" maxLength:"128"`
			Status  string `query:"status" maxLength:"64" doc:"queued, written, sent, acknowledged, accepted, rejected or replaced"`
			Cursor  string `query:"cursor" maxLength:"1024" doc:"next of the page before"`
			Limit   int    `query:"limit" minimum:"1" maximum:"500" doc:"100"`
		}) (*answer, error) {
			return s.list(ctx, view.Document, &listInput{Owner: in.Partner, Status: in.Status, Cursor: in.Cursor, Limit: in.Limit})
		})
}

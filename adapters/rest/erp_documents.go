package rest

import (
	"context"
	"net/http"

	"github.com/paklog/hub/core/erp"
)

// ERPs are the ERPs that goods movements are posted at.
type ERPs interface {
	// ERPDocument is how a document stands that an ERP was asked for.
	ERPDocument(ctx context.Context, name, do, number string) (erp.Document, error)
	// ActOnERP does what somebody asks about one, and returns how it stands then.
	ActOnERP(ctx context.Context, a erp.Act) (erp.Document, error)
}

// ERPDocumentPath names a document at an ERP.
type ERPDocumentPath struct {
	ERP    string `path:"erp" maxLength:"128"`
	Do     string `path:"do" enum:"goods_issue,goods_receipt"`
	Number string `path:"number" maxLength:"128" doc:"of the delivery"`
}

// ERPReverseBody asks for a document to be taken back.
type ERPReverseBody struct {
	Reason string `json:"reason" doc:"why"`
}

func (s *server) erpDocuments() {
	const tag, path = "erps", "/v1/erps/{erp}/documents/{do}/{number}"
	answer := func(ctx context.Context, status int, x erp.Document, err error) (*reply, error) {
		if err != nil {
			return nil, s.noShop(ctx, err)
		}
		return s.fresh(x, nil, status)
	}
	register(s, op[struct{}, erp.Document](s, http.MethodGet, path, "get-erp-document", tag, "How a goods movement stands that an ERP was asked for"),
		func(ctx context.Context, in *ERPDocumentPath) (*reply, error) {
			if s.deps.ERPs == nil {
				return nil, s.problem(ctx, unavailable("no ERP is configured"))
			}
			x, err := s.deps.ERPs.ERPDocument(ctx, in.ERP, in.Do, in.Number)
			return answer(ctx, http.StatusOK, x, err)
		})
	act := func(ctx context.Context, in *ERPDocumentPath, a erp.Act) (*reply, error) {
		if s.deps.ERPs == nil {
			return nil, s.problem(ctx, unavailable("no ERP is configured"))
		}
		if _, err := s.deps.ERPs.ERPDocument(ctx, in.ERP, in.Do, in.Number); err != nil {
			return nil, s.noShop(ctx, err)
		}
		a.ERP, a.Do, a.Number, a.By = in.ERP, in.Do, in.Number, callOf(ctx).client
		x, err := s.deps.ERPs.ActOnERP(ctx, a)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return answer(ctx, http.StatusAccepted, x, nil)
	}
	register(s, op[ERPReverseBody, erp.Document](s, http.MethodPost, path+"/reverse", "reverse-erp-document", tag, "Take a goods movement back that an ERP has posted", http.StatusAccepted),
		func(ctx context.Context, in *ERPDocumentPath) (*reply, error) {
			b, err := decode[ERPReverseBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return act(ctx, in, erp.Act{Reverse: true, Reason: b.Reason})
		})
	register(s, op[struct{}, erp.Document](s, http.MethodPost, path+"/post", "post-erp-document", tag, "Post a goods movement again that ended in a letter, or was taken back", http.StatusAccepted),
		func(ctx context.Context, in *ERPDocumentPath) (*reply, error) { return act(ctx, in, erp.Act{}) })
}

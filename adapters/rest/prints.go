package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/papers"
)

// printed is a paper.
type printed struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Cache       string `header:"Cache-Control"`
	Body        []byte
}

// form is one way a paper is printed.
type form[P any] struct {
	ext, media string
	write      func(P) ([]byte, error)
}

// CartonPath names a carton.
type CartonPath struct {
	SSCC     string `path:"sscc" maxLength:"18" doc:"the carton's SSCC-18"`
	Facility string `query:"facility" maxLength:"128"`
}

func (s *server) prints() {
	s.sendPrints()
	const tag = "papers"
	for _, f := range []form[ship.CartonPaper]{
		{"zpl", "application/zpl", papers.LabelZPL}, {"pdf", "application/pdf", papers.LabelPDF},
	} {
		register(s, paper(s, "/v1/cartons/{sscc}/label."+f.ext, "print-label-"+f.ext, tag, "GS1 logistic label of a carton, 4 by 6 inches", f.media),
			func(ctx context.Context, in *CartonPath) (*printed, error) {
				return printPaper(ctx, s, inFacility(s.cfg.Scope, in.Facility), in.SSCC, ship.PrintCarton{}, "label-"+in.SSCC, f)
			})
	}
	for _, f := range []form[ship.OrderPaper]{
		{"pdf", "application/pdf", papers.SlipPDF}, {"html", "text/html; charset=utf-8", papers.SlipHTML},
		{"txt", "text/plain; charset=utf-8", func(o ship.OrderPaper) ([]byte, error) { return papers.SlipText(o), nil }},
	} {
		register(s, paper(s, "/v1/orders/{owner}/{number}/packing-slip."+f.ext, "print-slip-"+f.ext, tag, "Packing slip of an order", f.media),
			func(ctx context.Context, in *OrderPath) (*printed, error) {
				return printPaper(ctx, s, in.in(s.cfg.Scope), in.Number, ship.PrintOrder{}, "packing-slip", f)
			})
	}
}

// PrintBody sends a paper to a printer.
type PrintBody struct {
	Paper   string `json:"paper,omitempty" doc:"of a carton: carrier or carton"`
	Printer string `json:"printer,omitempty" doc:"one of the configuration; the one that prints it by itself where it is left out"`
}

func (s *server) sendPrints() {
	const tag = "papers"
	register(s, paper(s, "/v1/cartons/{sscc}/carrier-label.zpl", "print-carrier-label", tag, "The carrier's label of a carton", "application/zpl"),
		func(ctx context.Context, in *CartonPath) (*printed, error) {
			return printPaper(ctx, s, inFacility(s.cfg.Scope, in.Facility), in.SSCC, ship.PrintCarrier{}, "carrier-label-"+in.SSCC,
				form[[]byte]{"zpl", "application/zpl", func(b []byte) ([]byte, error) { return b, nil }})
		})
	register(s, op[PrintBody, ship.PrintSent](s, http.MethodPost, "/v1/cartons/{sscc}/prints", "send-carton-to-printer", tag, "Send a label of a carton to a printer, once more where it was printed already"),
		func(ctx context.Context, in *struct {
			CartonPath
			Keyed
		}) (*reply, error) {
			b, err := decode[PrintBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.do(ctx, door.Prints, door.Ask{Scope: inFacility(s.cfg.Scope, in.Facility), ID: in.SSCC, Cmd: ship.PrintOn(b)}, in.Keyed, "")
		})
	register(s, op[PrintBody, ship.PrintSent](s, http.MethodPost, "/v1/orders/{owner}/{number}/prints", "send-slip-to-printer", tag, "Send the packing slip of an order to a printer, once more where it was printed already"),
		func(ctx context.Context, in *struct {
			OrderPath
			Keyed
		}) (*reply, error) {
			b, err := decode[PrintBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.do(ctx, door.Prints, door.Ask{Scope: in.in(s.cfg.Scope), ID: in.Number, Cmd: ship.PrintOn{Paper: cmp.Or(b.Paper, ship.PaperSlip), Printer: b.Printer}}, in.Keyed, "")
		})
}

// paper describes an operation that answers with a paper.
func paper(s *server, path, id, tag, summary, media string) huma.Operation {
	o := op[struct{}, struct{}](s, http.MethodGet, path, id, tag, summary)
	o.Responses["200"].Content = map[string]*huma.MediaType{media: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	return o
}

// printPaper asks what a paper says and prints it. It may bear addresses, so nobody between
// us and the printer keeps it.
func printPaper[P any](ctx context.Context, s *server, sc scope.Scope, id string, cmd any, name string, f form[P]) (*printed, error) {
	got, err := s.deps.Door.Call(ctx, door.Prints, door.Ask{Scope: sc, ID: id, Cmd: cmd, Actor: callOf(ctx).client})
	if fault.KindOf(err) == fault.Rejected {
		return nil, intake.New(http.StatusNotFound, intake.CodeNotFound, fault.Reason(err))
	}
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	a, ok := got.(door.Reply)
	if !ok {
		return nil, s.problem(ctx, fault.E("rest.print", fault.Internal, fmt.Errorf("door %s answered %T", door.Prints, got)))
	}
	var p P
	err = json.Unmarshal(a.Body, &p)
	if err == nil {
		var b []byte
		if b, err = f.write(p); err == nil {
			return &printed{f.media, fmt.Sprintf("inline; filename=%q", name+"."+f.ext), "no-store", b}, nil
		}
	}
	return nil, s.problem(ctx, err)
}

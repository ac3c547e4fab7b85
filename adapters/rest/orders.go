package rest

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// OrderState is an order as the door answers: nothing in it is about people.
type OrderState struct {
	order.Order
	Status order.Status `json:"status,omitempty"`
}

// HoldBody lets no new work begin on an order.
type HoldBody struct {
	Reason string `json:"reason" doc:"manual, credit, address, fraud, ..."`
}

// ReleaseBody names one reason of a hold, or a held line that is understood now.
type ReleaseBody struct {
	Reason string `json:"reason,omitempty" doc:"one of the reasons that the order is on hold for; without it all of them end"`
	Line   int    `json:"line,omitempty" minimum:"1" doc:"a held line; without it the hold of the order ends"`
	Item   string `json:"item,omitempty" doc:"SKU that the line means, where it is another than ordered"`
}

// MergeBody names orders that go with this one.
type MergeBody struct {
	From []string `json:"from" minItems:"1" maxItems:"32" nullable:"false" doc:"order numbers of the same owner, to the same address"`
}

// CancelBody ends what is open.
type CancelBody struct {
	Reason string `json:"reason"`
	Lines  []int  `json:"lines,omitempty" nullable:"false" doc:"only these lines"`
}

// OrderPath names an order.
type OrderPath struct {
	Owner  string `path:"owner" maxLength:"128"`
	Number string `path:"number" maxLength:"128"`
}

func (p OrderPath) in(s scope.Scope) scope.Scope {
	s.Owner = p.Owner
	return s
}

type orderCommand struct {
	OrderPath
	Keyed
}

func (s *server) orders() {
	const tag = "orders"
	register(s, op[custom.Order, OrderState](s, http.MethodPost, "/v1/orders", "place-order", tag, "Place an order", http.StatusCreated, http.StatusOK), s.placeOrder)
	register(s, op[custom.Change, OrderState](s, http.MethodPost, "/v1/orders/{owner}/{number}/change", "change-order", tag, "Change quantities, lines, address, service, dates or priority: all of it, or nothing"),
		func(ctx context.Context, in *orderCommand) (*reply, error) {
			b, err := decode[custom.Change](ctx)
			return s.orderDo(ctx, in, b.Change(callOf(ctx).client), err)
		})
	register(s, op[custom.Split, OrderState](s, http.MethodPost, "/v1/orders/{owner}/{number}/split", "split-order", tag, "Move a part of an order to a new one"),
		func(ctx context.Context, in *orderCommand) (*reply, error) {
			b, err := decode[custom.Split](ctx)
			return s.orderDo(ctx, in, b.Split(callOf(ctx).client), err)
		})
	register(s, op[MergeBody, OrderState](s, http.MethodPost, "/v1/orders/{owner}/{number}/merge", "merge-orders", tag, "Take other orders to the same address into this one"),
		func(ctx context.Context, in *orderCommand) (*reply, error) {
			b, err := decode[MergeBody](ctx)
			return s.orderDo(ctx, in, order.Merge{From: b.From, By: callOf(ctx).client}, err)
		})
	register(s, op[HoldBody, OrderState](s, http.MethodPost, "/v1/orders/{owner}/{number}/hold", "hold-order", tag, "Begin no new work on an order, for one reason more; a task that somebody has claimed is picked to its end"),
		func(ctx context.Context, in *orderCommand) (*reply, error) {
			b, err := decode[HoldBody](ctx)
			return s.orderDo(ctx, in, order.Hold{Reason: b.Reason, By: callOf(ctx).client}, err)
		})
	register(s, op[ReleaseBody, OrderState](s, http.MethodPost, "/v1/orders/{owner}/{number}/release", "release-order", tag, "Let the work go on: of the order, or of one held line"), s.releaseOrder)
	register(s, op[CancelBody, OrderState](s, http.MethodPost, "/v1/orders/{owner}/{number}/cancel", "cancel-order", tag, "Cancel what is open"),
		func(ctx context.Context, in *orderCommand) (*reply, error) {
			b, err := decode[CancelBody](ctx)
			return s.orderDo(ctx, in, order.Cancel{Reason: b.Reason, By: callOf(ctx).client, Lines: b.Lines}, err)
		})
	register(s, op[struct{}, view.Doc](s, http.MethodGet, "/v1/orders/{owner}/{number}", "get-order", tag, "An order and where it stands"),
		func(ctx context.Context, in *OrderPath) (*answer, error) {
			return s.get(ctx, view.Order, order.StreamOf(in.in(s.cfg.Scope), in.Number))
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/orders", "list-orders", tag, "Orders by owner and number"),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, view.Order, in) })
}

func (s *server) placeOrder(ctx context.Context, in *Keyed) (*reply, error) {
	doc, err := decode[custom.Order](ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	cmd := doc.Place(s.cfg.Scope, order.Source{Door: "rest", Partner: callOf(ctx).client, DocID: in.Key})
	return s.do(ctx, door.Orders, door.Ask{Scope: cmd.Scope, ID: cmd.Number, Cmd: cmd}, *in,
		"/v1/orders/"+url.PathEscape(cmd.Owner)+"/"+url.PathEscape(cmd.Number))
}

func (s *server) releaseOrder(ctx context.Context, in *orderCommand) (*reply, error) {
	var b ReleaseBody
	var err error
	if len(callOf(ctx).body) > 0 {
		b, err = decode[ReleaseBody](ctx)
	}
	if err == nil && b.Reason != "" && b.Line > 0 {
		err = fault.At("rest.releaseOrder", fault.Invalid, "reason", errors.New("ends a hold of the order, and line releases a line: send one of them"))
	}
	if b.Line > 0 {
		return s.orderDo(ctx, in, order.ReleaseLine{Line: b.Line, Item: b.Item}, err)
	}
	return s.orderDo(ctx, in, order.Release{Reason: b.Reason, By: callOf(ctx).client}, err)
}

// orderDo sends a command to an order that should exist; err is that of reading it.
func (s *server) orderDo(ctx context.Context, in *orderCommand, cmd any, err error) (*reply, error) {
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	sc := in.in(s.cfg.Scope)
	return s.do(ctx, door.Orders, door.Ask{Scope: sc, ID: in.Number, Cmd: cmd}, in.Keyed, "", view.Order, order.StreamOf(sc, in.Number))
}

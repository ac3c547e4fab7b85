package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/paklog/hub/adapters/internal/intake"
	"github.com/paklog/hub/adapters/internal/strictjson"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/transforms/custom"
)

// EntryRemark is about a place of an order that is being written.
type EntryRemark struct {
	Place   string `json:"place"`
	Message string `json:"message"`
}

// EntryLine is what is known of the item of a line.
type EntryLine struct {
	Item        string   `json:"item"`
	Known       bool     `json:"known"`
	Description string   `json:"description,omitempty"`
	Units       []string `json:"units,omitempty" nullable:"false" doc:"that it is counted in, the smallest first"`
	Available   int64    `json:"available" doc:"of the smallest unit, that nobody was promised"`
}

// EntryCheck is what the hub thinks of an order that is being written. Nothing of it is kept.
type EntryCheck struct {
	Problems []EntryRemark `json:"problems" nullable:"false" doc:"why it cannot be placed, or would be held, as it is"`
	Notes    []EntryRemark `json:"notes" nullable:"false" doc:"what its writer may want to know"`
	Lines    []EntryLine   `json:"lines" nullable:"false"`
}

// DraftBody saves an order as far as it is written.
type DraftBody struct {
	Version string          `json:"version,omitempty" doc:"of the draft as it was seen; left out for a new one"`
	Order   json.RawMessage `json:"order" doc:"as POST /v1/orders takes it; anything may be missing"`
}

// DraftSeen is the version of a draft that somebody saw.
type DraftSeen struct {
	Version string `json:"version"`
}

// OrderDrafts are those there are.
type OrderDrafts struct {
	Items []dlq.OrderDraft `json:"items" nullable:"false"`
}

type draftPath struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *server) orderEntry() {
	const tag = "orders"
	register(s, op[custom.Order, EntryCheck](s, http.MethodPost, "/v1/orders/check", "check-order", tag, "What is wrong with an order as far as it is written, by what an order is, the items and the stock; nothing is kept"),
		func(ctx context.Context, _ *struct{}) (*answer, error) {
			doc, err := decode[custom.Order](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if err := s.viewable(ctx); err != nil {
				return nil, err
			}
			c, err := s.checkOrder(ctx, &doc)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.now(ctx, c)
		})
	register(s, op[struct{}, custom.Order](s, http.MethodGet, "/v1/orders/{owner}/{number}/copy", "copy-order", tag, "What an order asked for, as a new order without number and dates; without addresses and notes for who is shown nothing personal"), s.copyOrder)
	register(s, op[struct{}, OrderDrafts](s, http.MethodGet, "/v1/order-drafts", "list-order-drafts", tag, "Orders that were begun and not placed, the one that was saved last first"),
		func(ctx context.Context, _ *struct{}) (*answer, error) {
			if s.deps.Desk == nil {
				return nil, s.problem(ctx, errNoDesk)
			}
			list, err := s.deps.Desk.OrderDrafts(ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.now(ctx, OrderDrafts{list})
		})
	register(s, op[struct{}, dlq.OrderDraft](s, http.MethodGet, "/v1/order-drafts/{id}", "get-order-draft", tag, "An order that was begun"), s.getDraft)
	register(s, op[DraftBody, dlq.OrderDraft](s, http.MethodPost, "/v1/order-drafts", "begin-order-draft", tag, "Keep an order as far as it is written", http.StatusCreated),
		func(ctx context.Context, _ *struct{}) (*reply, error) { return s.saveDraft(ctx, "") })
	register(s, op[DraftBody, dlq.OrderDraft](s, http.MethodPut, "/v1/order-drafts/{id}", "save-order-draft", tag, "Keep a draft as it is now; 412 where somebody saved it meanwhile"),
		func(ctx context.Context, in *draftPath) (*reply, error) { return s.saveDraft(ctx, in.ID) })
	register(s, op[DraftSeen, OrderDrafts](s, http.MethodPost, "/v1/order-drafts/{id}/remove", "remove-order-draft", tag, "End a draft: it was placed, or nobody wants it any more"),
		func(ctx context.Context, in *draftPath) (*answer, error) {
			b, err := decode[DraftSeen](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if s.deps.Desk == nil {
				return nil, s.problem(ctx, errNoDesk)
			}
			if err := s.deps.Desk.RemoveOrderDraft(ctx, in.ID, b.Version, callOf(ctx).client); err != nil {
				return nil, s.draftProblem(ctx, err)
			}
			list, err := s.deps.Desk.OrderDrafts(ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.now(ctx, OrderDrafts{list})
		})
}

// checkOrder holds an order against what an order is, and its lines against items and stock.
func (s *server) checkOrder(ctx context.Context, doc *custom.Order) (EntryCheck, error) {
	c := EntryCheck{Problems: []EntryRemark{}, Notes: []EntryRemark{}, Lines: []EntryLine{}}
	wrong := func(place, format string, a ...any) {
		c.Problems = append(c.Problems, EntryRemark{place, fmt.Sprintf(format, a...)})
	}
	cmd := doc.Place(s.cfg.Scope, order.Source{})
	var bad *order.InvalidError
	if errors.As(cmd.Validate(), &bad) {
		for _, p := range bad.Problems {
			wrong(p.Place, "%s", p.Text)
		}
		if bad.More > 0 {
			wrong("", "and %d more", bad.More)
		}
	}
	if known := append([]string{s.cfg.Scope.Facility}, s.cfg.Facilities...); !slices.Contains(known, cmd.Facility) {
		wrong("facility", "%q is no building that is known; known: %s", cmd.Facility, strings.Join(known, ", "))
	}
	var o owner.Owner
	if _, err := s.state(ctx, view.Owner, owner.StreamOf(cmd.Scope), &o); err != nil {
		return c, err
	}
	if o.Spec.Blocked {
		wrong("owner", "%s is blocked: nothing new is taken", cmd.Owner)
	}
	if cmd.Number != "" {
		doc, _, err := s.deps.Views.Get(ctx, view.Order, order.StreamOf(cmd.Scope, cmd.Number))
		if err != nil {
			return c, err
		}
		if doc != nil && doc.Status != string(order.StatusRejected) {
			wrong("number", "%s has an order %s, it is %s: use another number", cmd.Owner, cmd.Number, doc.Status)
		}
	}
	if len(cmd.Lines) > order.MaxLines {
		return c, nil
	}
	left := map[string]int64{} // of each item, when the lines before have theirs
	for i, l := range cmd.Lines {
		at := fmt.Sprintf("lines[%d].", i)
		x := EntryLine{Item: l.Item}
		var it item.Item
		if l.Item == "" {
			c.Lines = append(c.Lines, x)
			continue
		}
		var err error
		if x.Known, err = s.state(ctx, view.Item, item.StreamOf(cmd.Scope, l.Item), &it); err != nil {
			return c, err
		}
		if !x.Known {
			wrong(at+"item", "%s has no item %s: the line would be held", cmd.Owner, l.Item)
			c.Lines = append(c.Lines, x)
			continue
		}
		units := slices.Clone(it.Spec.Units)
		slices.SortStableFunc(units, func(a, b item.Unit) int { return cmp.Compare(a.Factor, b.Factor) })
		for _, u := range units {
			x.Units = append(x.Units, u.UOM)
		}
		x.Description = it.Spec.Description
		k := inventory.BookKey{Scope: cmd.Scope, Item: l.Item}
		var st inventory.Stock
		if _, err := s.state(ctx, view.Stock, k.Stream(), &st); err != nil {
			return c, err
		}
		x.Available = max(0, st.AvailableToPromise())
		c.Lines = append(c.Lines, x)
		if it.Spec.Status == item.Blocked {
			c.Notes = append(c.Notes, EntryRemark{at + "item", l.Item + " is blocked: nothing of it is given to an order"})
		}
		if l.Qty < 1 {
			continue // said above
		}
		n, err := it.ToSmallest(l.Qty, l.UOM)
		if err != nil {
			wrong(at+"uom", "%s is counted in %s", l.Item, strings.Join(x.Units, ", "))
			continue
		}
		have, before := left[l.Item]
		if !before {
			have = x.Available
		}
		if n > have {
			c.Notes = append(c.Notes, EntryRemark{at + "qty", fmt.Sprintf("%d %s can be had now, the rest waits for stock", have, x.Units[0])})
		}
		left[l.Item] = max(0, have-n)
	}
	return c, nil
}

// copyOrder is what an order asked for, to be placed anew.
func (s *server) copyOrder(ctx context.Context, in *OrderPath) (*answer, error) {
	if s.deps.Order == nil {
		return nil, s.problem(ctx, unavailable("orders are not served by this process"))
	}
	o, err := s.deps.Order(ctx, in.in(s.cfg.Scope), in.Number)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	if !o.Known() {
		return nil, notFound("order")
	}
	doc := custom.Order{
		Owner: o.Scope.Owner, Facility: o.Scope.Facility, Policy: o.Policy, Type: o.Type, Priority: o.Priority, Lines: []custom.Line{},
		ShipTo: custom.AddressOf(o.Parties.ShipTo), Notes: o.Parties.Notes,
	}
	if o.Service != (order.Service{}) {
		v := custom.Service(o.Service)
		doc.Service = &v
	}
	for _, l := range o.Lines {
		if l.Dropped || l.Qty < 1 {
			continue
		}
		doc.Lines = append(doc.Lines, custom.Line{Item: cmp.Or(l.SKU, l.Item), Qty: l.Qty, UOM: l.UOM, Lot: l.Lot, MinExpiry: l.MinExpiry})
	}
	seen, err := s.sees(ctx, "order/"+o.Scope.Owner+"/"+o.Number)
	if err != nil {
		return nil, err
	}
	if !seen {
		withoutPeople(&doc)
	}
	return s.now(ctx, doc)
}

// withoutPeople takes out of an order whom it names.
func withoutPeople(doc *custom.Order) { doc.ShipTo, doc.BillTo, doc.Notes = custom.Address{}, nil, nil }

func (s *server) getDraft(ctx context.Context, in *draftPath) (*answer, error) {
	if s.deps.Desk == nil {
		return nil, s.problem(ctx, errNoDesk)
	}
	d, err := s.deps.Desk.OrderDraft(ctx, in.ID)
	if err != nil {
		return nil, s.draftProblem(ctx, err)
	}
	if d, err = s.shownDraft(ctx, d); err != nil {
		return nil, err
	}
	return s.now(ctx, d)
}

// shownDraft is a draft for who asks.
func (s *server) shownDraft(ctx context.Context, d dlq.OrderDraft) (dlq.OrderDraft, error) {
	seen, err := s.sees(ctx, "draft/"+d.ID)
	if err != nil || seen {
		return d, err
	}
	var doc custom.Order
	if err := json.Unmarshal(d.Order, &doc); err != nil {
		return d, s.problem(ctx, fmt.Errorf("reading draft %s: %w", d.ID, err))
	}
	withoutPeople(&doc)
	if d.Order, err = json.Marshal(doc); err != nil {
		return d, s.problem(ctx, err)
	}
	return d, nil
}

func (s *server) saveDraft(ctx context.Context, id string) (*reply, error) {
	b, err := decode[DraftBody](ctx)
	var doc custom.Order
	if err == nil {
		err = strictjson.Decode(b.Order, &doc)
	}
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	if s.deps.Desk == nil {
		return nil, s.problem(ctx, errNoDesk)
	}
	d, err := s.deps.Desk.SaveOrderDraft(ctx, dlq.OrderDraft{ID: id, Version: b.Version, Owner: doc.Owner, Number: doc.Number, Order: b.Order}, callOf(ctx).client)
	if err != nil {
		return nil, s.draftProblem(ctx, err)
	}
	out, err := json.Marshal(d)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	r := &reply{Status: http.StatusOK, Type: "application/json", Position: s.position(), Body: append(out, '\n')}
	if id == "" {
		r.Status, r.Location = http.StatusCreated, "/v1/order-drafts/"+d.ID
	}
	return r, nil
}

func (s *server) draftProblem(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, dlq.ErrNoDraft):
		return notFound("draft")
	case errors.Is(err, dlq.ErrDraft):
		return intake.New(http.StatusUnprocessableEntity, intake.CodeInvalid, err.Error())
	}
	return s.letterProblem(ctx, err)
}

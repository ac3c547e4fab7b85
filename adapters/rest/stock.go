package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

// StockState is an item's stock as the door answers.
type StockState struct {
	inventory.Stock
	Available int64 `json:"available_to_promise,omitempty" doc:"free and not promised"`
	OnHand    int64 `json:"on_hand,omitempty"`
}

// ShelfBody is a place where goods lie.
type ShelfBody struct {
	Location string `json:"location"`
	Lot      string `json:"lot,omitempty"`
	LPN      string `json:"lpn,omitempty"`
}

// AdjustBody sets the books right.
type AdjustBody struct {
	Owner    string `json:"owner,omitempty"`
	Facility string `json:"facility,omitempty"`
	Item     string `json:"item"`
	ShelfBody
	Stage   string   `json:"stage,omitempty" enum:"free,received,held,damaged,suspect" doc:"free; what is too much in a tote or carton where goods wait to be put away is received"`
	Delta   int64    `json:"delta" doc:"what is more, or less, than the books say"`
	Reason  string   `json:"reason"`
	Serials []string `json:"serials,omitempty" maxItems:"1000" nullable:"false" doc:"of an item that is tracked by them: those that are more, or less"`
}

// TransferBody moves goods from place to place.
type TransferBody struct {
	Owner    string    `json:"owner,omitempty"`
	Facility string    `json:"facility,omitempty"`
	Item     string    `json:"item"`
	From     ShelfBody `json:"from"`
	To       ShelfBody `json:"to"`
	Qty      int64     `json:"qty" minimum:"1"`
	Stage    string    `json:"stage,omitempty" enum:"free,received,held,damaged" doc:"free, or received where none is free"`
	Reason   string    `json:"reason,omitempty"`
	Serials  []string  `json:"serials,omitempty" maxItems:"1000" nullable:"false" doc:"of units that are tracked by them, where it matters which"`
}

// StatusBody moves goods between free, held, damaged and suspect; those that wait to be put away are
// received.
type StatusBody struct {
	Owner    string `json:"owner,omitempty"`
	Facility string `json:"facility,omitempty"`
	Item     string `json:"item"`
	ShelfBody
	From    string   `json:"from" enum:"free,received,held,damaged,suspect"`
	To      string   `json:"to" enum:"free,held,damaged,suspect"`
	Qty     int64    `json:"qty" minimum:"1"`
	Reason  string   `json:"reason"`
	Serials []string `json:"serials,omitempty" maxItems:"1000" nullable:"false" doc:"of an item that is tracked by them, where not all of it is meant"`
}

func (s *server) book(owner, facility, item string) inventory.BookKey {
	sc := s.cfg.Scope
	if owner != "" {
		sc.Owner = owner
	}
	if facility != "" {
		sc.Facility = facility
	}
	return inventory.BookKey{Scope: sc, Item: item}
}

func (s *server) stock() {
	const tag = "stock"
	move := func(ctx context.Context, in *Keyed, key inventory.BookKey, cmd any, err error) (*reply, error) {
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return s.do(ctx, door.Stock, door.Ask{Scope: key.Scope, ID: key.Item, Cmd: cmd}, *in,
			"/v1/stock/"+url.PathEscape(key.Owner)+"/"+url.PathEscape(key.Item)+"?facility="+url.QueryEscape(key.Facility))
	}
	register(s, op[custom.Receipt, StockState](s, http.MethodPost, "/v1/stock/receive", "receive-stock", tag, "Bring goods in", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[custom.Receipt](ctx)
			cmd := b.Receive(s.cfg.Scope)
			return move(ctx, in, cmd.BookKey, cmd, err)
		})
	register(s, op[AdjustBody, StockState](s, http.MethodPost, "/v1/stock/adjust", "adjust-stock", tag, "Set the books right", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[AdjustBody](ctx)
			key := s.book(b.Owner, b.Facility, b.Item)
			return move(ctx, in, key, inventory.Adjust{
				BookKey: key, Place: inventory.Place(b.ShelfBody), Stage: orText(b.Stage, inventory.Free),
				Delta: b.Delta, Reason: b.Reason, By: callOf(ctx).client, Serials: b.Serials,
			}, err)
		})
	register(s, op[TransferBody, StockState](s, http.MethodPost, "/v1/stock/transfer", "transfer-stock", tag, "Move goods from place to place", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[TransferBody](ctx)
			key := s.book(b.Owner, b.Facility, b.Item)
			return move(ctx, in, key, inventory.Transfer{
				BookKey: key, From: inventory.Place(b.From), To: inventory.Place(b.To), Qty: b.Qty, Reason: b.Reason, Stage: b.Stage, Serials: b.Serials,
			}, err)
		})
	register(s, op[StatusBody, StockState](s, http.MethodPost, "/v1/stock/status", "change-stock-status", tag, "Hold, release or write down goods on a shelf", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[StatusBody](ctx)
			key := s.book(b.Owner, b.Facility, b.Item)
			return move(ctx, in, key, inventory.ChangeStatus{
				BookKey: key, Place: inventory.Place(b.ShelfBody), From: b.From, To: b.To, Qty: b.Qty, Reason: b.Reason, By: callOf(ctx).client, Serials: b.Serials,
			}, err)
		})
	register(s, op[struct{}, view.Doc](s, http.MethodGet, "/v1/stock/{owner}/{item}", "get-stock", tag, "An item's stock in one building"),
		func(ctx context.Context, in *struct {
			Owner    string `path:"owner" maxLength:"128"`
			Item     string `path:"item" maxLength:"128"`
			Facility string `query:"facility" maxLength:"128"`
		}) (*answer, error) {
			return s.get(ctx, view.Stock, s.book(in.Owner, in.Facility, in.Item).Stream())
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/stock", "list-stock", tag, "Stock by owner and item"),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, view.Stock, in) })
}

func orText(v, d string) string {
	if v == "" {
		return d
	}
	return v
}

func inFacility(s scope.Scope, facility string) scope.Scope {
	if facility != "" {
		s.Facility = facility
	}
	return s
}

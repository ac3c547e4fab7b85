package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/replenish"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/view"
)

// QuarantineBody holds goods back, or gives them free again, wherever they lie.
type QuarantineBody struct {
	Owner    string   `json:"owner,omitempty"`
	Facility string   `json:"facility,omitempty"`
	Item     string   `json:"item"`
	Location string   `json:"location,omitempty" doc:"all that lies there; one of location, lot and lpn is needed, several must all hold"`
	Lot      string   `json:"lot,omitempty"`
	LPN      string   `json:"lpn,omitempty"`
	Reason   string   `json:"reason"`
	Serials  []string `json:"serials,omitempty" maxItems:"1000" nullable:"false" doc:"of an item that is tracked by them, where not all of it is meant: only these units"`
}

// QuarantineState is what a quarantine did.
type QuarantineState struct {
	StockState
	Left      int64    `json:"left" doc:"what is meant and was not moved: promised, or on its way"`
	TakenBack []string `json:"taken_back,omitempty" nullable:"false" doc:"orders that lost goods to it and wait for others"`
	OnHold    []string `json:"on_hold,omitempty" nullable:"false" doc:"orders that have goods of the lot in totes or cartons: they go on when it is released"`
}

// SettleBody makes the books of a place agree with what lies there.
type SettleBody struct {
	Owner    string `json:"owner,omitempty"`
	Facility string `json:"facility,omitempty"`
	Item     string `json:"item"`
	ShelfBody
	Counted int64  `json:"counted" minimum:"0" doc:"everything on the shelf, in the smallest unit"`
	Reason  string `json:"reason"`
}

// ReservationBody holds stock back for what is no order yet.
type ReservationBody struct {
	Owner     string    `json:"owner,omitempty"`
	Facility  string    `json:"facility,omitempty"`
	ID        string    `json:"reservation"`
	Item      string    `json:"item"`
	Kind      string    `json:"kind,omitempty" enum:"soft,hard" doc:"soft: a quantity; hard: with places; soft"`
	Qty       int64     `json:"qty" minimum:"1"`
	Priority  int       `json:"priority,omitempty" minimum:"0" maximum:"9"`
	Expires   time.Time `json:"expires" doc:"when it ends by itself"`
	Reference string    `json:"reference,omitempty"`
	Lot       string    `json:"lot,omitempty" doc:"of a hard one"`
	MinExpiry string    `json:"min_expiry,omitempty" format:"date" doc:"of a hard one"`
}

// ExtendBody moves the end of a reservation.
type ExtendBody struct {
	Expires time.Time `json:"expires"`
}

// ReduceBody gives a reservation back, or a part of it.
type ReduceBody struct {
	Qty    int64  `json:"qty,omitempty" minimum:"0" doc:"all where it is left out"`
	Reason string `json:"reason,omitempty" doc:"released"`
}

// CountBody asks for a count of a place.
type CountBody struct {
	Owner    string `json:"owner,omitempty"`
	Facility string `json:"facility,omitempty"`
	ID       string `json:"count,omitempty" doc:"made up where it is left out"`
	Item     string `json:"item"`
	ShelfBody
	Open bool `json:"open,omitempty" doc:"shows who counts what the books say; a count is blind where it is left out"`
}

// TallyBody is what somebody counted.
type TallyBody struct {
	Counted int64  `json:"counted" minimum:"0" doc:"everything on the shelf, in the smallest unit"`
	Worker  string `json:"worker"`
}

// ReplenishBody asks for a pick face to be filled.
type ReplenishBody struct {
	Kind   string `json:"kind" enum:"min_max,demand,top_off,emergency"`
	Wanted int64  `json:"wanted,omitempty" minimum:"0" doc:"of a demand: how much the face must hold"`
}

// ReplenishState is the task that was made; absent where the face wants nothing, or nothing is
// to be had.
type ReplenishState struct {
	Location string     `json:"location"`
	Task     *task.Task `json:"task,omitempty"`
}

// MovedBody ends a replenishment.
type MovedBody struct {
	Worker string  `json:"worker"`
	Claim  int     `json:"claim" doc:"what the claim was answered with"`
	Moved  []int64 `json:"moved,omitempty" nullable:"false" doc:"what was brought, by step; all where it is left out"`
}

// Decision is an event that says why stock went where it went.
type Decision struct {
	Time     time.Time       `json:"time"`
	Type     string          `json:"type"`
	Position journal.Pos     `json:"position"`
	Data     json.RawMessage `json:"data"`
}

// Decisions are those about an order, in their order.
type Decisions struct {
	Items    []Decision  `json:"items" nullable:"false"`
	Position journal.Pos `json:"position"`
}

// Account is an account of an item's book. Without a floor it may fall below zero.
type Account struct {
	Account string `json:"account" doc:"stage/location/lot/LPN for goods; atp, promised, unallocated, world/WHY beside them"`
	Balance int64  `json:"balance"`
	Floor   *int64 `json:"floor,omitempty"`
}

// Accounts are all of them: they sum to zero.
type Accounts struct {
	Book     string      `json:"book"`
	Items    []Account   `json:"items" nullable:"false"`
	Position journal.Pos `json:"position"`
}

func (s *server) accounts() {
	register(s, op[struct{}, Accounts](s, http.MethodGet, "/v1/stock/{owner}/{item}/accounts", "get-accounts", "stock", "The double entry of an item in one building: every account with its balance"),
		func(ctx context.Context, in *struct {
			Owner    string `path:"owner" maxLength:"128"`
			Item     string `path:"item" maxLength:"128"`
			Facility string `query:"facility" maxLength:"128"`
		}) (*answer, error) {
			if s.deps.Books == nil {
				return nil, s.problem(ctx, unavailable("accounts are not served by this process"))
			}
			var at journal.Pos
			if s.deps.Last != nil {
				at = s.deps.Last()
			}
			out := Accounts{Book: s.book(in.Owner, in.Facility, in.Item).Book(), Items: []Account{}, Position: at}
			for after := ""; ; {
				rows, err := s.deps.Books.Balances(ctx, out.Book, after, 500)
				if err != nil {
					return nil, s.problem(ctx, err)
				}
				for _, r := range rows {
					if r.Book != out.Book {
						rows = nil
						break
					}
					a := Account{Account: r.Account, Balance: r.Amount}
					if r.Floor != journal.NoFloor {
						a.Floor = &r.Floor
					}
					out.Items, after = append(out.Items, a), r.Account
				}
				if len(rows) < 500 {
					break
				}
			}
			if len(out.Items) == 0 {
				return nil, notFound(view.Stock)
			}
			return s.answer(ctx, out, at)
		})
}

func (s *server) inventory() {
	s.accounts()
	s.quarantines()
	s.reservations()
	s.counts()
	s.replenishments()
	s.decisions()
}

func (s *server) quarantines() {
	const tag = "stock"
	quarantine := func(ctx context.Context, in *Keyed, release bool) (*reply, error) {
		b, err := decode[QuarantineBody](ctx)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		key := s.book(b.Owner, b.Facility, b.Item)
		return s.do(ctx, door.Stock, door.Ask{Scope: key.Scope, ID: key.Item, Cmd: inventory.Quarantine{
			BookKey: key, Place: inventory.Place{Location: b.Location, Lot: b.Lot, LPN: b.LPN}, Release: release, Reason: b.Reason, By: callOf(ctx).client, Serials: b.Serials,
		}}, *in, "")
	}
	register(s, op[QuarantineBody, QuarantineState](s, http.MethodPost, "/v1/stock/quarantine", "quarantine-stock", tag, "Hold a lot, a place or an LPN back; orders that were given it find others"),
		func(ctx context.Context, in *Keyed) (*reply, error) { return quarantine(ctx, in, false) })
	register(s, op[QuarantineBody, QuarantineState](s, http.MethodPost, "/v1/stock/release", "release-stock", tag, "Give what was held back free again"),
		func(ctx context.Context, in *Keyed) (*reply, error) { return quarantine(ctx, in, true) })
	register(s, op[SettleBody, StockState](s, http.MethodPost, "/v1/stock/settle", "settle-stock", tag, "Make the books of a place agree with what lies there"),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[SettleBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			key := s.book(b.Owner, b.Facility, b.Item)
			return s.do(ctx, door.Stock, door.Ask{Scope: key.Scope, ID: key.Item, Cmd: inventory.Settle{
				BookKey: key, Place: inventory.Place(b.ShelfBody), Counted: b.Counted, Reason: b.Reason, By: callOf(ctx).client,
			}}, *in, "")
		})
}

// about sends a command about a thing of the stock that has a name of its own.
func (s *server) about(ctx context.Context, in *workCommand, cmd any, err error, kind string, stream func(scope.Scope, string) string) (*reply, error) {
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	sc := in.in(s.cfg.Scope)
	return s.do(ctx, door.Stock, door.Ask{Scope: sc, ID: in.ID, Cmd: cmd}, in.Keyed, "", kind, stream(sc, in.ID))
}

func (s *server) reservations() {
	const tag, path = "reservations", "/v1/reservations/{owner}/{id}"
	register(s, op[ReservationBody, reservation.Reservation](s, http.MethodPost, "/v1/reservations", "place-reservation", tag, "Hold stock back until a time", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[ReservationBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			key := s.book(b.Owner, b.Facility, b.Item)
			return s.do(ctx, door.Stock, door.Ask{Scope: key.Scope, ID: b.ID, Cmd: reservation.Place{
				BookKey: key, ID: b.ID, Kind: b.Kind, Qty: b.Qty, Priority: b.Priority, Expires: b.Expires, Reference: b.Reference,
				Lot: b.Lot, MinExpiry: inventory.Date(b.MinExpiry),
			}}, *in, "/v1/reservations/"+url.PathEscape(key.Owner)+"/"+url.PathEscape(b.ID)+"?facility="+url.QueryEscape(key.Facility))
		})
	register(s, op[ExtendBody, reservation.Reservation](s, http.MethodPost, path+"/extend", "extend-reservation", tag, "Move the end"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ExtendBody](ctx)
			return s.about(ctx, in, reservation.Extend(b), err, view.Reservation, reservation.StreamOf)
		})
	register(s, op[ReduceBody, reservation.Reservation](s, http.MethodPost, path+"/release", "release-reservation", tag, "Give it back, or a part of it"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ReduceBody](ctx)
			cmd := reservation.Reduce{Qty: b.Qty, Reason: orText(b.Reason, reservation.Released), By: callOf(ctx).client}
			return s.about(ctx, in, cmd, err, view.Reservation, reservation.StreamOf)
		})
	s.documents(view.Reservation, "reservations", "reservation", reservation.StreamOf)
}

func (s *server) counts() {
	const tag, path = "counts", "/v1/counts/{owner}/{id}"
	register(s, op[CountBody, count.Count](s, http.MethodPost, "/v1/counts", "open-count", tag, "Ask for a count of a place; the one that is open where there is one", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[CountBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			key := s.book(b.Owner, b.Facility, b.Item)
			return s.do(ctx, door.Stock, door.Ask{Scope: key.Scope, ID: key.Item, Cmd: count.Open{
				BookKey: key, Place: inventory.Place(b.ShelfBody), ID: b.ID, Cause: count.CauseAsked, Blind: !b.Open,
			}}, *in, "/v1/counts")
		})
	register(s, op[TallyBody, count.Count](s, http.MethodPost, path+"/tally", "tally-count", tag, "Say what lies there"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[TallyBody](ctx)
			return s.about(ctx, in, count.Tally{Counted: b.Counted, By: b.Worker}, err, view.Count, count.StreamOf)
		})
	register(s, op[ReasonBody, count.Count](s, http.MethodPost, path+"/cancel", "cancel-count", tag, "End a count without a number"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ReasonBody](ctx)
			return s.about(ctx, in, count.Cancel{Reason: b.Reason, By: callOf(ctx).client}, err, view.Count, count.StreamOf)
		})
	s.dueCounts(tag)
	s.documents(view.Count, "counts", "count", count.StreamOf)
}

func (s *server) replenishments() {
	register(s, op[ReplenishBody, ReplenishState](s, http.MethodPost, "/v1/locations/{facility}/{location}/replenish", "replenish-location", "locations",
		"Let a pick face be filled from bulk", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *locationCommand) (*reply, error) {
			b, err := decode[ReplenishBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			sc := in.in(s.cfg.Scope)
			return s.do(ctx, door.Stock, door.Ask{Scope: sc, ID: in.Location, Cmd: replenish.Start{Location: in.Location, Kind: b.Kind, Wanted: b.Wanted}},
				in.Keyed, "/v1/tasks", view.Location, location.StreamOf(sc, in.Location))
		})
	register(s, op[MovedBody, task.Task](s, http.MethodPost, "/v1/tasks/{owner}/{id}/moved", "moved-task", "tasks", "Say what a replenishment brought, which ends it"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[MovedBody](ctx)
			return s.onFloor(ctx, in, replenish.Moved(b), err, view.Task, task.StreamOf)
		})
}

// decided are the types of events that say why.
var decided = map[string]bool{
	inventory.StockAllocated{}.EventType(): true, inventory.StockReassigned{}.EventType(): true, inventory.StockShorted{}.EventType(): true,
	inventory.StockReleased{}.EventType(): true, inventory.StockDeallocated{}.EventType(): true,
	order.Backordered{}.EventType(): true, order.Deallocated{}.EventType(): true,
}

func (s *server) decisions() {
	register(s, op[struct{}, Decisions](s, http.MethodGet, "/v1/orders/{owner}/{number}/decisions", "get-decisions", "orders", "Why this lot from this place: what was decided about the stock of an order, with the reasons"),
		func(ctx context.Context, in *struct {
			Owner  string `path:"owner" maxLength:"128"`
			Number string `path:"number" maxLength:"128"`
		}) (*answer, error) {
			if err := s.viewable(ctx); err != nil {
				return nil, err
			}
			if s.deps.Log == nil {
				return nil, s.problem(ctx, unavailable("events are not served by this process"))
			}
			sc := s.cfg.Scope
			sc.Owner = in.Owner
			doc, at, err := s.deps.Views.Get(ctx, view.Order, order.StreamOf(sc, in.Number))
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			if doc == nil {
				return nil, notFound(view.Order)
			}
			out, err := s.decidedOn(ctx, doc.Correlation, in.Number)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			out.Position = at
			return s.answer(ctx, out, at)
		})
}

// decidedOn reads the decisions of a conversation that are about an order.
func (s *server) decidedOn(ctx context.Context, conversation, number string) (Decisions, error) {
	out := Decisions{Items: []Decision{}}
	for after := journal.Pos(0); ; {
		j, err := s.deps.Views.Journey(ctx, conversation, after, 500)
		if err != nil {
			return out, err
		}
		for _, h := range j.Hops {
			if !decided[h.Type] {
				continue
			}
			recs, err := s.deps.Log.Topics(ctx, []string{string(event.InventoryEvents), string(event.OrderEvents)}, h.Position-1, 1)
			if err != nil {
				return out, err
			}
			if len(recs) == 1 && recs[0].Pos == h.Position && names(recs[0].Data, number) {
				out.Items = append(out.Items, Decision{h.Time, h.Type, h.Position, recs[0].Data})
			}
		}
		if after = j.Next; after == 0 {
			return out, nil
		}
	}
}

// names reports whether an event is about an order, on either side.
func names(data json.RawMessage, number string) bool {
	var of struct {
		Order string
		From  struct{ Order string }
		To    struct{ Order string }
	}
	// An event whose from and to are no purposes but places is about its order alone.
	_ = json.Unmarshal(data, &of)
	return of.Order == number || of.From.Order == number || of.To.Order == number
}

// documents adds the reading of a kind of document.
func (s *server) documents(kind, plural, key string, stream func(scope.Scope, string) string) {
	register(s, op[struct{}, view.Doc](s, http.MethodGet, "/v1/"+plural+"/{owner}/{id}", "get-"+kind, plural, "One of "+plural+", by "+key),
		func(ctx context.Context, in *WorkPath) (*answer, error) {
			return s.get(ctx, kind, stream(in.in(s.cfg.Scope), in.ID))
		})
	register(s, op[struct{}, List](s, http.MethodGet, "/v1/"+plural, "list-"+plural, plural, "List "+plural),
		func(ctx context.Context, in *listInput) (*answer, error) { return s.list(ctx, kind, in) })
}

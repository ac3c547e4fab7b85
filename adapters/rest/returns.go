package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/view"
)

// ReturnBody lets goods of a shipped order come back (an RMA).
type ReturnBody struct {
	Owner    string       `json:"owner,omitempty"`
	Facility string       `json:"facility,omitempty"`
	ID       string       `json:"return"`
	Order    string       `json:"order"`
	Reason   string       `json:"reason"`
	Lines    []ReturnLine `json:"lines" minItems:"1" maxItems:"2000" nullable:"false"`
}

// ReturnLine is what may come back of an order line.
type ReturnLine struct {
	No        int    `json:"line,omitempty" minimum:"1" doc:"its place in the list where it is left out"`
	OrderLine int    `json:"order_line" minimum:"1"`
	Item      string `json:"item,omitempty" doc:"that of the order line"`
	Qty       int64  `json:"qty" minimum:"1" doc:"in the smallest unit"`
}

// ReturnedBody says what came back, and where it lies now. With a reason it begins a return that
// nobody authorized.
type ReturnedBody struct {
	Line     int      `json:"line,omitempty" minimum:"1"`
	Item     string   `json:"item,omitempty" doc:"its line is found where none is named"`
	Qty      int64    `json:"qty" minimum:"1" doc:"in the smallest unit"`
	Location string   `json:"location"`
	Lot      string   `json:"lot,omitempty"`
	LPN      string   `json:"lpn,omitempty"`
	Expiry   string   `json:"expiry,omitempty" format:"date"`
	Note     string   `json:"note,omitempty" doc:"the state that it is in"`
	Entry    string   `json:"entry,omitempty" doc:"name of this act within the return: said twice it is received once"`
	Worker   string   `json:"worker,omitempty"`
	Serials  []string `json:"serials,omitempty" maxItems:"1000" nullable:"false"`
	Order    string   `json:"order,omitempty" doc:"of a return that nobody authorized, where there is one"`
	Reason   string   `json:"reason,omitempty" doc:"why a return that nobody authorized is taken"`
}

// DisposeBody says what becomes of returned goods.
type DisposeBody struct {
	Line     int      `json:"line" minimum:"1"`
	To       string   `json:"to" enum:"restock,quarantine,refurbish,scrap,return_to_vendor"`
	From     string   `json:"from,omitempty" enum:"quarantine,refurbish" doc:"left out: what nobody has looked at"`
	Qty      int64    `json:"qty,omitempty" minimum:"0" doc:"all of these where it is left out"`
	Location string   `json:"location,omitempty"`
	Lot      string   `json:"lot,omitempty"`
	LPN      string   `json:"lpn,omitempty"`
	Reason   string   `json:"reason"`
	NoCredit bool     `json:"no_credit,omitempty" doc:"the customer is owed nothing for them"`
	Worker   string   `json:"worker,omitempty"`
	Serials  []string `json:"serials,omitempty" maxItems:"1000" nullable:"false" doc:"of tracked goods that leave the books, or are restocked while others stay held"`
}

func (s *server) returns() {
	const tag, path = "returns", "/v1/returns/{owner}/{id}"
	register(s, op[ReturnBody, returns.Return](s, http.MethodPost, "/v1/returns", "authorize-return", tag, "Let goods of a shipped order come back", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[ReturnBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			sc := s.book(b.Owner, b.Facility, "").Scope
			cmd := returns.Authorize{Order: b.Order, Reason: b.Reason}
			for _, l := range b.Lines {
				cmd.Lines = append(cmd.Lines, returns.Line(l))
			}
			return s.do(ctx, door.Receipts, door.Ask{Scope: sc, ID: b.ID, Cmd: cmd}, *in,
				"/v1/returns/"+url.PathEscape(sc.Owner)+"/"+url.PathEscape(b.ID)+"?facility="+url.QueryEscape(sc.Facility))
		})
	register(s, op[ReturnedBody, returns.Return](s, http.MethodPost, path+"/receive", "receive-return", tag, "Say what came back; with a reason, of a return that nobody authorized"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ReturnedBody](ctx)
			cmd := returns.Receive{
				Place: inventory.Place{Location: b.Location, Lot: b.Lot, LPN: b.LPN}, Line: b.Line, Item: b.Item, Qty: b.Qty,
				Expiry: inventory.Date(b.Expiry), Entry: b.Entry, Note: b.Note, By: b.Worker, Serials: b.Serials,
			}
			if b.Reason != "" {
				cmd.Blind = &returns.Blind{Order: b.Order, Reason: b.Reason}
			}
			return s.onReturn(ctx, in, cmd, err, b.Reason == "")
		})
	register(s, op[DisposeBody, returns.Return](s, http.MethodPost, path+"/dispose", "dispose-return", tag, "Say what becomes of returned goods"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[DisposeBody](ctx)
			return s.onReturn(ctx, in, returns.Dispose{
				Place: inventory.Place{Location: b.Location, Lot: b.Lot, LPN: b.LPN}, Line: b.Line, Qty: b.Qty, From: b.From, To: b.To,
				Reason: b.Reason, By: b.Worker, NoCredit: b.NoCredit, Serials: b.Serials,
			}, err, true)
		})
	register(s, op[struct{}, returns.Return](s, http.MethodPost, path+"/close", "close-return", tag, "End it: what did not come is not waited for"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			return s.onReturn(ctx, in, returns.Close{}, nil, true)
		})
	register(s, op[ReasonBody, returns.Return](s, http.MethodPost, path+"/cancel", "cancel-return", tag, "End one of which nothing came"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ReasonBody](ctx)
			return s.onReturn(ctx, in, returns.Cancel{Reason: b.Reason}, err, true)
		})
	s.documents(view.Return, "returns", "return", returns.StreamOf)
}

// onReturn sends a command about a return; one that must be known is a 404 where it is not.
func (s *server) onReturn(ctx context.Context, in *workCommand, cmd any, err error, known bool) (*reply, error) {
	return s.atReceipts(ctx, in, cmd, err, known, view.Return, returns.StreamOf)
}

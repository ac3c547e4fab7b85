package rest

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/view"
)

// ReceiptBody announces what is to come in.
type ReceiptBody struct {
	Owner    string `json:"owner,omitempty"`
	Facility string `json:"facility,omitempty"`
	ID       string `json:"receipt"`
	ReceiptSpec
}

// ReceiptSpec is what may change about an announcement.
type ReceiptSpec struct {
	Kind      string        `json:"kind,omitempty" enum:"asn,expected,blind" doc:"asn: what was packed; expected: what was ordered; asn"`
	Supplier  string        `json:"supplier,omitempty"`
	Reference string        `json:"reference,omitempty" doc:"of the purchase order or delivery"`
	Due       time.Time     `json:"due,omitzero"`
	Lines     []ReceiptLine `json:"lines,omitempty" maxItems:"2000" nullable:"false"`
}

// ReceiptLine is what is expected of an item.
type ReceiptLine struct {
	No      int      `json:"line,omitempty" minimum:"1" doc:"its place in the list where it is left out"`
	Item    string   `json:"item"`
	Qty     int64    `json:"qty" minimum:"1"`
	UOM     string   `json:"uom,omitempty" doc:"of qty; the smallest unit"`
	Lot     string   `json:"lot,omitempty"`
	Expiry  string   `json:"expiry,omitempty" format:"date"`
	LPN     string   `json:"lpn,omitempty" doc:"SSCC of the pallet or carton that it comes on; lines of one LPN are its contents"`
	Serials []string `json:"serials,omitempty" maxItems:"1000" nullable:"false"`
}

func (b *ReceiptSpec) announcement() (a receiving.Announcement, units []string) {
	a = receiving.Announcement{Kind: orText(b.Kind, receiving.KindASN), Supplier: b.Supplier, Reference: b.Reference, Due: b.Due}
	for _, l := range b.Lines {
		a.Lines = append(a.Lines, receiving.Line{No: l.No, Item: l.Item, Qty: l.Qty, Lot: l.Lot, Expiry: inventory.Date(l.Expiry), LPN: l.LPN, Serials: l.Serials})
		units = append(units, l.UOM)
	}
	return a, units
}

// ArriveBody says where a receipt stands.
type ArriveBody struct {
	Dock   string `json:"dock" doc:"a location for dock or staging"`
	Worker string `json:"worker,omitempty"`
}

// ReceiveBody says what was found: goods of an item, or of a line, or a whole LPN.
type ReceiveBody struct {
	Line      int      `json:"line,omitempty" minimum:"1"`
	Item      string   `json:"item,omitempty" doc:"its lines are found where none is named"`
	LPN       string   `json:"lpn,omitempty" doc:"alone: all that was announced on it"`
	Qty       int64    `json:"qty,omitempty" minimum:"1" doc:"left out beside an lpn alone"`
	UOM       string   `json:"uom,omitempty" doc:"of qty; the smallest unit"`
	Location  string   `json:"location,omitempty" doc:"the dock that it arrived at"`
	Lot       string   `json:"lot,omitempty"`
	Expiry    string   `json:"expiry,omitempty" format:"date"`
	Condition string   `json:"condition,omitempty" enum:"damaged,hold" doc:"left out: good"`
	Reason    string   `json:"reason,omitempty" doc:"of a condition"`
	Entry     string   `json:"entry,omitempty" doc:"name of this act within the receipt: said twice it is received once"`
	Worker    string   `json:"worker,omitempty"`
	Serials   []string `json:"serials,omitempty" maxItems:"1000" nullable:"false"`
}

func (b *ReceiveBody) command() any {
	if b.LPN != "" && b.Item == "" && b.Line == 0 {
		return receiving.ReceiveLPN{LPN: b.LPN, Location: b.Location, Condition: b.Condition, Reason: b.Reason, By: b.Worker}
	}
	return receiving.Receive{
		Place: inventory.Place{Location: b.Location, Lot: b.Lot, LPN: b.LPN}, Line: b.Line, Item: b.Item, Qty: b.Qty, UOM: b.UOM,
		Expiry: inventory.Date(b.Expiry), Condition: b.Condition, Reason: b.Reason, Entry: b.Entry, By: b.Worker, Serials: b.Serials,
	}
}

// JudgeBody passes held goods, or rejects them.
type JudgeBody struct {
	Line     int      `json:"line" minimum:"1"`
	Pass     bool     `json:"pass"`
	Qty      int64    `json:"qty,omitempty" minimum:"0" doc:"all that is held of the line where it is left out"`
	Location string   `json:"location,omitempty"`
	Lot      string   `json:"lot,omitempty"`
	LPN      string   `json:"lpn,omitempty"`
	Reason   string   `json:"reason"`
	Worker   string   `json:"worker,omitempty"`
	Serials  []string `json:"serials,omitempty" maxItems:"1000" nullable:"false" doc:"of an item that is tracked by them, where not all that is held is meant"`
}

// PutBody ends a put-away: the goods lie where the worker has scanned.
type PutBody struct {
	Worker   string   `json:"worker"`
	Claim    int      `json:"claim" doc:"what the claim was answered with"`
	Location string   `json:"location" doc:"as scanned"`
	Qty      int64    `json:"qty,omitempty" minimum:"1" doc:"all where it is left out; the rest is directed anew"`
	Reason   string   `json:"reason,omitempty" doc:"why another place than was planned"`
	Serials  []string `json:"serials,omitempty" maxItems:"1000" nullable:"false" doc:"of units that are tracked by them, where it matters which"`
}

func (s *server) receipts() {
	const tag, path = "receipts", "/v1/receipts/{owner}/{id}"
	register(s, op[ReceiptBody, receiving.Receipt](s, http.MethodPost, "/v1/receipts", "announce-receipt", tag, "Announce what is to come in", http.StatusCreated, http.StatusOK),
		func(ctx context.Context, in *Keyed) (*reply, error) {
			b, err := decode[ReceiptBody](ctx)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			sc := s.book(b.Owner, b.Facility, "").Scope
			a, units := b.announcement()
			return s.do(ctx, door.Receipts, door.Ask{Scope: sc, ID: b.ID, Cmd: receiving.Announce{Announcement: a, Units: units}}, *in,
				"/v1/receipts/"+url.PathEscape(sc.Owner)+"/"+url.PathEscape(b.ID)+"?facility="+url.QueryEscape(sc.Facility))
		})
	register(s, op[ReceiptSpec, receiving.Receipt](s, http.MethodPut, path, "change-receipt", tag, "Replace an announcement; what was received stays"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ReceiptSpec](ctx)
			a, units := b.announcement()
			return s.onReceipt(ctx, in, receiving.Change{Announcement: a, Units: units}, err, true)
		})
	register(s, op[ArriveBody, receiving.Receipt](s, http.MethodPost, path+"/arrive", "arrive-receipt", tag, "Say at which dock door it stands"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ArriveBody](ctx)
			return s.onReceipt(ctx, in, receiving.Arrive{Dock: b.Dock, By: b.Worker}, err, true)
		})
	register(s, op[ReceiveBody, receiving.Receipt](s, http.MethodPost, path+"/receive", "receive-receipt", tag, "Say what came, by item, by line or by LPN; a receipt that nobody announced begins with it"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ReceiveBody](ctx)
			return s.onReceipt(ctx, in, b.command(), err, false)
		})
	register(s, op[JudgeBody, receiving.Receipt](s, http.MethodPost, path+"/judge", "judge-receipt", tag, "Pass goods that are held, or reject them"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[JudgeBody](ctx)
			return s.onReceipt(ctx, in, receiving.Judge{
				Place: inventory.Place{Location: b.Location, Lot: b.Lot, LPN: b.LPN}, Line: b.Line, Qty: b.Qty, Pass: b.Pass, Reason: b.Reason, By: b.Worker, Serials: b.Serials,
			}, err, true)
		})
	register(s, op[struct{}, receiving.Receipt](s, http.MethodPost, path+"/close", "close-receipt", tag, "End it; the answer says what is missing or too much"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			return s.onReceipt(ctx, in, receiving.Close{}, nil, true)
		})
	register(s, op[ReasonBody, receiving.Receipt](s, http.MethodPost, path+"/cancel", "cancel-receipt", tag, "End one of which nothing came"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[ReasonBody](ctx)
			return s.onReceipt(ctx, in, receiving.Cancel{Reason: b.Reason}, err, true)
		})
	register(s, op[PutBody, task.Task](s, http.MethodPost, "/v1/tasks/{owner}/{id}/put", "put-task", "tasks", "Say where the goods of a put-away lie, which ends it"),
		func(ctx context.Context, in *workCommand) (*reply, error) {
			b, err := decode[PutBody](ctx)
			return s.onFloor(ctx, in, putaway.Put(b), err, view.Task, task.StreamOf)
		})
	s.documents(view.Receipt, "receipts", "receipt", receiving.StreamOf)
}

// onReceipt sends a command about a receipt; one that must be known is a 404 where it is not.
func (s *server) onReceipt(ctx context.Context, in *workCommand, cmd any, err error, known bool) (*reply, error) {
	return s.atReceipts(ctx, in, cmd, err, known, view.Receipt, receiving.StreamOf)
}

func (s *server) atReceipts(ctx context.Context, in *workCommand, cmd any, err error, known bool, kind string, stream func(scope.Scope, string) string) (*reply, error) {
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	sc := in.in(s.cfg.Scope)
	var thing []string
	if known {
		thing = []string{kind, stream(sc, in.ID)}
	}
	return s.do(ctx, door.Receipts, door.Ask{Scope: sc, ID: in.ID, Cmd: cmd}, in.Keyed, "", thing...)
}

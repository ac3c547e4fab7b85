package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/view"
)

// FloorWork is what a worker may do now, with all that a handheld needs to lead through it while
// it is off line.
type FloorWork struct {
	Picks    []PickWork  `json:"picks" nullable:"false"`
	Puts     []PutWork   `json:"puts" nullable:"false"`
	Packs    []PackWork  `json:"packs" nullable:"false"`
	Counts   []CountWork `json:"counts" nullable:"false"`
	Moves    []MoveWork  `json:"moves" nullable:"false"`
	Receipts []GoodsDue  `json:"receipts" nullable:"false"`
	Position journal.Pos `json:"position"`
}

// PickWork is a pick task that is open, or that the worker has claimed.
type PickWork struct {
	Owner    string     `json:"owner"`
	Task     string     `json:"task"`
	Order    string     `json:"order,omitempty"`
	Worker   string     `json:"worker,omitempty"`
	Priority int        `json:"priority,omitempty"`
	Steps    []WorkStep `json:"steps" nullable:"false"`
}

// WorkStep is a step and what is left of it.
type WorkStep struct {
	No    int    `json:"no"`
	Place string `json:"place"`
	LPN   string `json:"lpn,omitempty"`
	Left  int64  `json:"left"`
	Goods
}

// Goods are an item as a handheld knows it.
type Goods struct {
	Item        string          `json:"item"`
	Description string          `json:"description,omitempty"`
	Lot         string          `json:"lot,omitempty"`
	Serial      bool            `json:"serial,omitempty" doc:"each unit is scanned with its serial number"`
	Codes       []FloorItemCode `json:"codes" nullable:"false"`
}

// FloorItemCode is a text that means the item, and how many of its smallest unit one of it is. A GTIN
// has 14 digits.
type FloorItemCode struct {
	Code string `json:"code"`
	Qty  int64  `json:"qty"`
}

// PutWork is a pick list whose goods were picked for several orders and are put apart. What of a
// step lies in which tote, and which slot its order has, is asked for when it begins.
type PutWork struct {
	Owner string    `json:"owner"`
	Task  string    `json:"task"`
	Totes []string  `json:"totes" nullable:"false"`
	Steps []PutStep `json:"steps" nullable:"false"`
}

// PutStep is a step and what of it is not in the slot of its order.
type PutStep struct {
	No    int    `json:"no"`
	Order string `json:"order"`
	Left  int64  `json:"left"`
	Goods
}

// PackWork is an open packing.
type PackWork struct {
	Owner string     `json:"owner"`
	Pack  string     `json:"pack"`
	Order string     `json:"order"`
	Left  []WorkLine `json:"left" nullable:"false"`
}

// WorkLine is what is still to be packed of a line.
type WorkLine struct {
	Line int    `json:"line"`
	Tote string `json:"tote,omitempty"`
	Qty  int64  `json:"qty"`
	Goods
}

// CountWork is an open count. What the books say is not told: it is blind.
type CountWork struct {
	Owner string `json:"owner"`
	Count string `json:"count"`
	Task  string `json:"task,omitempty"`
	Place string `json:"place"`
	Goods
}

// MoveWork is a put-away or a replenishment that is open, or that the worker has claimed. What
// stands on an LPN goes whole to one place; a replenishment may fetch for one face from several.
type MoveWork struct {
	Owner    string     `json:"owner"`
	Task     string     `json:"task"`
	Kind     string     `json:"kind" enum:"putaway,replenish"`
	Worker   string     `json:"worker,omitempty"`
	Priority int        `json:"priority,omitempty"`
	To       string     `json:"to"`
	Steps    []WorkStep `json:"steps" nullable:"false"`
}

// GoodsDue is a receipt of which something may still come.
type GoodsDue struct {
	Owner   string    `json:"owner"`
	Receipt string    `json:"receipt"`
	Dock    string    `json:"dock,omitempty"`
	Lines   []LineDue `json:"lines" nullable:"false"`
}

// LineDue is what a line still expects.
type LineDue struct {
	LPN string `json:"lpn,omitempty"`
	Qty int64  `json:"qty"`
	Goods
}

// mostWork is how many tasks of a kind are told at once, and mostLines how many lines of a receipt.
const (
	mostWork  = 50
	mostLines = 200
)

func (s *server) scanWork() {
	register(s, op[struct{}, FloorWork](s, http.MethodGet, "/v1/scans/work", "scan-work", "scans", "What a worker may do now, for a handheld that may be off line soon"),
		func(ctx context.Context, in *struct {
			Worker   string `query:"worker" required:"true" maxLength:"128"`
			Facility string `query:"facility" maxLength:"128"`
		}) (*answer, error) {
			if err := s.viewable(ctx); err != nil {
				return nil, err
			}
			sc := inFacility(s.cfg.Scope, cmp.Or(callOf(ctx).facility, in.Facility))
			w := &working{ctx: ctx, v: s.deps.Views, sc: sc, worker: in.Worker, now: s.deps.Now(), items: map[string]item.Item{}}
			out, err := w.all()
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return s.answer(ctx, out, out.Position)
		})
}

// working gathers a worker's work from the views.
type working struct {
	ctx    context.Context
	v      Views
	sc     scope.Scope
	worker string
	now    time.Time
	items  map[string]item.Item
}

func (w *working) all() (out FloorWork, err error) {
	out = FloorWork{Picks: []PickWork{}, Puts: []PutWork{}, Packs: []PackWork{}, Counts: []CountWork{}, Moves: []MoveWork{}, Receipts: []GoodsDue{}}
	for _, part := range []func(*FloorWork) error{w.tasks, w.puts, w.packs, w.counts, w.receipts} {
		if err := part(&out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// tasks are those that are led through step by step, the worker's own first, then by priority.
func (w *working) tasks(out *FloorWork) error {
	for _, status := range []task.Status{task.StatusClaimed, task.StatusOpen} {
		err := each(w, view.Task, string(status), func(t task.Task) (bool, error) {
			if t.Status == task.StatusClaimed && t.Worker != w.worker && w.now.Before(t.Until) {
				return false, nil
			}
			switch t.Kind {
			case task.KindPick:
				p, err := w.pick(t)
				if err != nil {
					return false, err
				}
				if len(p.Steps) > 0 && len(out.Picks) < mostWork {
					out.Picks = append(out.Picks, p)
				}
			case task.KindPutAway, task.KindReplenish:
				m, err := w.move(t)
				if err != nil {
					return false, err
				}
				if len(out.Moves) < mostWork {
					out.Moves = append(out.Moves, m)
				}
			}
			return len(out.Picks) >= mostWork && len(out.Moves) >= mostWork, nil
		})
		if err != nil {
			return err
		}
	}
	slices.SortStableFunc(out.Picks, func(a, b PickWork) int { return b.Priority - a.Priority })
	slices.SortStableFunc(out.Moves, func(a, b MoveWork) int { return b.Priority - a.Priority })
	return nil
}

// puts are lists that are picked. Of an order that was cancelled since nothing is put: it went back.
func (w *working) puts(out *FloorWork) error {
	return each(w, view.Pick, view.Sorting, func(l pick.List) (bool, error) {
		x := PutWork{Owner: l.Owner, Task: l.Task, Totes: []string{}, Steps: []PutStep{}}
		for _, t := range l.Totes {
			x.Totes = append(x.Totes, t.Tote)
		}
		for _, st := range l.Steps {
			left := st.Picked - st.Put
			if left == 0 {
				continue
			}
			of := l.Scope
			of.Owner = cmp.Or(st.Owner, l.Owner)
			number := cmp.Or(st.Order, l.Order)
			o, _, _, err := stateOf[order.Order](w.ctx, w.v, view.Order, order.StreamOf(of, number))
			if err != nil {
				return false, err
			}
			line, _ := o.Line(st.Line)
			if left = min(left, line.Picked); left == 0 {
				continue
			}
			g, err := w.goods(of, st.Item, st.From.Lot)
			if err != nil {
				return false, err
			}
			x.Steps = append(x.Steps, PutStep{No: st.No, Order: number, Left: left, Goods: g})
		}
		if len(x.Steps) > 0 {
			out.Puts = append(out.Puts, x)
		}
		return len(out.Puts) >= mostWork, nil
	})
}

func (w *working) packs(out *FloorWork) error {
	return each(w, view.Pack, string(pack.StatusOpen), func(p pack.Packing) (bool, error) {
		x := PackWork{Owner: p.Owner, Pack: p.Pack, Order: p.Order, Left: []WorkLine{}}
		for _, l := range p.Left {
			g, err := w.goods(p.Scope, l.Item, l.Lot)
			if err != nil {
				return false, err
			}
			x.Left = append(x.Left, WorkLine{Line: l.Line, Tote: l.Tote, Qty: l.Qty, Goods: g})
		}
		out.Packs = append(out.Packs, x)
		return len(out.Packs) >= mostWork, nil
	})
}

func (w *working) counts(out *FloorWork) error {
	return each(w, view.Count, count.StatusOpen, func(c count.Count) (bool, error) {
		if slices.ContainsFunc(c.Looks, func(l count.Look) bool { return l.By == w.worker }) {
			return false, nil
		}
		g, err := w.goods(c.Scope, c.Item, c.Lot)
		out.Counts = append(out.Counts, CountWork{Owner: c.Owner, Count: c.ID, Task: c.Task, Place: c.Location, Goods: g})
		return len(out.Counts) >= mostWork, err
	})
}

// receipts are those that have arrived or begun, then those that are announced.
func (w *working) receipts(out *FloorWork) error {
	for _, status := range []string{receiving.StatusReceiving, receiving.StatusArrived, receiving.StatusAnnounced} {
		err := each(w, view.Receipt, status, func(r receiving.Receipt) (bool, error) {
			x := GoodsDue{Owner: r.Owner, Receipt: r.ID, Dock: r.Dock, Lines: []LineDue{}}
			for _, l := range r.Lines[:min(len(r.Lines), mostLines)] {
				g, err := w.goods(r.Scope, l.Item, l.Lot)
				if err != nil {
					return false, err
				}
				x.Lines = append(x.Lines, LineDue{LPN: l.LPN, Qty: l.Open(), Goods: g})
			}
			out.Receipts = append(out.Receipts, x)
			return len(out.Receipts) >= mostWork, nil
		})
		if err != nil || len(out.Receipts) >= mostWork {
			return err
		}
	}
	return nil
}

// each shows the documents of a kind that stand so in the building, until it is told to stop.
func each[T any](w *working, kind, status string, show func(T) (stop bool, err error)) error {
	for after := ""; ; {
		p, err := w.v.List(w.ctx, view.Query{Kind: kind, Tenant: w.sc.Tenant, Facility: w.sc.Facility, Status: status, After: after, Limit: 200})
		if err != nil {
			return err
		}
		for _, doc := range p.Docs {
			var x T
			if err := json.Unmarshal(doc.State, &x); err != nil {
				return err
			}
			if stop, err := show(x); stop || err != nil {
				return err
			}
		}
		if after = p.Next; after == "" {
			return nil
		}
	}
}

func (w *working) pick(t task.Task) (PickWork, error) {
	out := PickWork{Owner: t.Owner, Task: t.Task, Order: t.Order, Worker: t.Worker, Priority: t.Priority, Steps: []WorkStep{}}
	l, _, found, err := stateOf[pick.List](w.ctx, w.v, view.Pick, pick.StreamOf(t.Scope, t.Task))
	if err != nil || !found || l.Status != pick.StatusOpen {
		return out, err
	}
	for _, st := range l.Steps {
		g, err := w.goods(t.Scope, st.Item, st.From.Lot)
		if err != nil {
			return out, err
		}
		out.Steps = append(out.Steps, WorkStep{No: st.No, Place: st.From.Location, LPN: st.From.LPN, Left: st.Left(), Goods: g})
	}
	return out, nil
}

// move is what a put-away or replenishment brings to one place.
func (w *working) move(t task.Task) (MoveWork, error) {
	out := MoveWork{Owner: t.Owner, Task: t.Task, Kind: t.Kind, Worker: t.Worker, Priority: t.Priority, Steps: []WorkStep{}}
	for _, st := range t.Steps {
		g, err := w.goods(t.Scope, st.Item, st.From.Lot)
		if err != nil {
			return out, err
		}
		out.To = st.To.Location
		out.Steps = append(out.Steps, WorkStep{No: st.No, Place: st.From.Location, LPN: st.From.LPN, Left: st.Qty, Goods: g})
	}
	return out, nil
}

func (w *working) goods(s scope.Scope, sku, lot string) (Goods, error) {
	key := item.StreamOf(s, sku)
	it, seen := w.items[key]
	if !seen {
		var err error
		if it, _, _, err = stateOf[item.Item](w.ctx, w.v, view.Item, key); err != nil {
			return Goods{}, err
		}
		w.items[key] = it
	}
	g := Goods{Item: sku, Description: it.Spec.Description, Lot: lot, Serial: it.Spec.Tracking.Serial, Codes: []FloorItemCode{{Code: sku, Qty: 1}}}
	for _, c := range it.Spec.Codes {
		code := FloorItemCode{Code: c.Value, Qty: 1}
		if gtin, err := gs1.GTIN14(c.Value); err == nil {
			code.Code = gtin
		}
		if u, ok := it.Unit(c.UOM); ok && c.UOM != "" {
			code.Qty = u.Factor
		}
		g.Codes = append(g.Codes, code)
	}
	return g, nil
}

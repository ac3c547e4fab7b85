package x12wms

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/x12"
)

// Answer is what an 855 says about an order: what was accepted, or what was
// rejected and why.
type Answer struct {
	// Purpose of what is answered, by data element 353: "" for an order, [AnswersChange], or
	// [AnswersCancel].
	Purpose  string
	Accepted order.Accepted
	Gone     map[int]bool // lines that were taken out
	Held     []order.LineHeld
	// Backordered quantities of lines, and those that were cancelled of lines of which other is
	// wanted, in smallest units.
	Backordered, Cancelled []order.LineQty
	// Rejected is set instead where the order was refused whole.
	Rejected *order.Rejected
	At       time.Time // of the answer
}

// Purposes (data element 353) of what an answer answers.
const (
	AnswersCancel = "01"
	AnswersChange = "04"
)

// Standing is the answer to a change of o that was done, or of a cancellation: what is ordered
// now, and which lines wait.
func Standing(o order.Order, purpose string, at time.Time) Answer {
	a := Answer{Purpose: purpose, At: at, Gone: map[int]bool{}}
	a.Accepted = order.Accepted{Head: order.Head{Scope: o.Scope, Order: o.Told(), At: at}, Dates: o.Dates, Refs: o.Refs, Parties: o.Parties}
	for _, l := range o.Lines {
		a.Accepted.Lines = append(a.Accepted.Lines, l.AcceptedLine)
		if l.Dropped || l.Ordered > 0 && l.Cancelled == l.Ordered {
			a.Gone[l.No] = true
		} else if l.Cancelled > 0 {
			a.Cancelled = append(a.Cancelled, order.LineQty{Line: l.No, Qty: l.Cancelled})
		}
	}
	a.Waits(o)
	return a
}

// Waits takes in which lines of o wait, and why.
func (a *Answer) Waits(o order.Order) {
	for _, l := range o.Lines {
		if l.Held() {
			a.Held = append(a.Held, order.LineHeld{Head: a.Accepted.Head, Line: l.No, Problem: l.Problem})
		}
		if l.Backordered > 0 {
			a.Backordered = append(a.Backordered, order.LineQty{Line: l.No, Qty: l.Backordered})
		}
	}
}

// PurchaseOrderAck is the body of the 855 for a, without ST and SE. Each line
// says what becomes of it: IA accepted, IH held, IB backordered, ID deleted.
func (p Profile) PurchaseOrderAck(a Answer) []x12.Out {
	purpose := cmp.Or(a.Purpose, "00")
	day := a.At.In(p.zone()).Format("20060102")
	if a.Rejected != nil {
		body := []x12.Out{x12.Seg("BAK", purpose, "RD", a.Rejected.Order, day)}
		for _, why := range a.Rejected.Problems {
			body = append(body, x12.Seg("N9", "L1", "REJECTED"), x12.Seg("MSG", cut(why.Text, 264)))
		}
		return body
	}
	held := make(map[int]order.Problem, len(a.Held))
	for _, h := range a.Held {
		held[h.Line] = h.Problem
	}
	waiting, cancelled := ByLine(a.Backordered), ByLine(a.Cancelled)
	kind := "AD" // detail, no change
	if len(held) > 0 || len(waiting) > 0 || len(cancelled) > 0 {
		kind = "AC"
	}
	ordered := ""
	if !a.Accepted.Dates.Ordered.IsZero() {
		ordered = a.Accepted.Dates.Ordered.In(p.zone()).Format("20060102")
	}
	if ordered == "" {
		ordered = day
	}
	// BAK04 dates the purchase order, BAK09 this answer.
	body := []x12.Out{x12.Seg("BAK", purpose, kind, a.Accepted.Order, ordered, "", "", "", "", day)}
	for _, r := range a.Accepted.Refs {
		if q := qualifierOf(refQualifiers, r.Kind); len(q) >= 2 && r.Kind != "po" {
			body = append(body, x12.Seg("REF", q, cut(r.Value, 30)))
		}
	}
	if to := a.Accepted.Parties; to.ShipTo.Name+to.ShipTo.Company+to.ShipTo.Code != "" {
		body = append(body, buyerAndSeller(to.Named)...)
		body = append(body, shipTo(to)...)
	}
	for _, l := range a.Accepted.Lines {
		unit := p.code(l.UOM)
		ref := l.Ref
		if ref == "" {
			ref = strconv.Itoa(l.No)
		}
		po1 := []string{cut(ref, 20), strconv.FormatInt(l.Qty, 10), unit, "", ""}
		body = append(body, x12.Out{ID: "PO1", Elements: append(po1, itemPairs(l, 10)...)})
		if a.Gone[l.No] {
			body = append(body, x12.Seg("ACK", "ID", strconv.FormatInt(l.Qty, 10), unit))
			continue
		}
		body = append(body, lineStatus(l, held[l.No], waiting[l.No], cancelled[l.No], unit)...)
	}
	return append(body, x12.Seg("CTT", strconv.Itoa(len(a.Accepted.Lines))))
}

// ByLine sums quantities up by line.
func ByLine(list []order.LineQty) map[int]int64 {
	out := make(map[int]int64, len(list))
	for _, q := range list {
		out[q.Line] += q.Qty
	}
	return out
}

// lineStatus splits a line into what is accepted, what waits and what was cancelled, as far as these are
// whole units of it.
func lineStatus(l order.AcceptedLine, problem order.Problem, waiting, cancelled int64, unit string) (out []x12.Out) {
	left := l.Qty
	part := func(code string, qty int64) {
		left -= qty
		out = append(out, x12.Seg("ACK", code, strconv.FormatInt(qty, 10), unit))
	}
	wait, whole := inUnits(l, waiting)
	gone, wholeGone := inUnits(l, cancelled)
	accepted := "IA"
	if problem.Code != "" {
		accepted = "IH"
	}
	switch {
	case waiting > 0 && (!whole || wait >= l.Qty):
		part("IB", l.Qty)
		return out
	case !whole || !wholeGone || wait+gone > l.Qty:
		wait, gone = 0, 0
	}
	if n := left - wait - gone; n > 0 || wait+gone == 0 {
		part(accepted, n)
	}
	if wait > 0 {
		part("IB", wait)
	}
	if gone > 0 {
		part("ID", gone)
	}
	return out
}

// inUnits is a quantity in smallest units as whole units of the order line.
func inUnits(l order.AcceptedLine, smallest int64) (int64, bool) {
	if l.Qty < 1 || l.Ordered < l.Qty || l.Ordered%l.Qty != 0 {
		return 0, false
	}
	factor := l.Ordered / l.Qty
	return smallest / factor, smallest%factor == 0
}

// itemPairs gives the partner's own codes back, under his qualifiers, the one that is the item's name
// first; at most `most` elements.
func itemPairs(l order.AcceptedLine, most int) []string {
	codes := l.Codes
	if i := slices.IndexFunc(codes, func(c item.Code) bool { return c.Value == l.Item && len(qualifierOf(qualifiers, c.Kind)) == 2 }); i > 0 {
		codes = slices.Concat(codes[i:i+1], codes[:i], codes[i+1:])
	}
	if pairs := codePairs(codes, most); len(pairs) > 0 {
		return pairs
	}
	return codePairs([]item.Code{{Kind: "sku", Value: l.Item}}, most)
}

// codePairs are qualifiers and codes, those that X12 can say; at most `most` elements.
func codePairs(codes []item.Code, most int) []string {
	pairs := make([]string, 0, most)
	for _, c := range codes {
		if q := qualifierOf(qualifiers, c.Kind); len(q) == 2 && c.Value != "" && len(pairs)+2 <= most {
			pairs = append(pairs, q, cut(c.Value, 48))
		}
	}
	return pairs
}

// cut shortens what is for people's eyes; it never cuts a rune.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xC0 == 0x80 {
		most--
	}
	return s[:most]
}

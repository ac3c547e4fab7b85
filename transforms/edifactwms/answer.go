package edifactwms

import (
	"strconv"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/transforms/x12wms"
)

// Actions on a line (1229) in an answer.
const (
	lineDeleted  = "2"
	lineChanged  = "3" // something waits
	lineAccepted = "5"
)

// OrderResponse is the body of the ORDRSP for a, without UNH and UNT. BGM says
// whether the order is accepted (29), with changes (4), or not (27); each line
// what becomes of it, and how much waits.
func OrderResponse(p x12wms.Profile, number string, a x12wms.Answer) []edifact.Out {
	seg := edifact.Seg
	day := edifact.C("137", stamp(a.At, p), "203")
	if r := a.Rejected; r != nil {
		body := []edifact.Out{seg("BGM", "231", cut(number, 35), "27"), seg("DTM", day)}
		for _, why := range r.Problems {
			body = append(body, seg("FTX", "AAO", "", "", cut(why.Text, 70)))
		}
		return append(body, seg("RFF", edifact.C("ON", cut(r.Order, 35))), seg("UNS", "S"))
	}
	held := make(map[int]order.Problem, len(a.Held))
	for _, h := range a.Held {
		held[h.Line] = h.Problem
	}
	waiting, cancelled := x12wms.ByLine(a.Backordered), x12wms.ByLine(a.Cancelled)
	kind := "29"
	if len(held)+len(waiting)+len(cancelled) > 0 {
		kind = "4"
	}
	body := []edifact.Out{seg("BGM", "231", cut(number, 35), kind), seg("DTM", day), seg("RFF", edifact.C("ON", cut(a.Accepted.Order, 35)))}
	w := advice{p: p, named: a.Accepted.Parties.Named}
	w.others("BY", "SU")
	if to := a.Accepted.Parties.ShipTo; to.Name+to.Company+to.Code != "" {
		w.party("DP", to)
	}
	if to := a.Accepted.Parties.BillTo; to.Name+to.Company+to.Code != "" {
		w.party("IV", to)
	}
	body = append(body, w.body...)
	for _, l := range a.Accepted.Lines {
		unit := unitOf(p, l.UOM)
		qty, wait := l.Qty, int64(0)
		action := lineAccepted
		if f := factor(l); f > 0 && waiting[l.No] > 0 {
			wait = min(l.Qty, (waiting[l.No]+f-1)/f)
		}
		switch problem := held[l.No]; {
		case a.Gone[l.No]:
			action, qty, wait = lineDeleted, 0, 0
		case problem.Code != "" || wait > 0 || cancelled[l.No] > 0:
			action = lineChanged
			qty -= wait
			if problem.Code == order.UnknownItem {
				qty = 0 // until somebody says what it is
			}
			if f := factor(l); f > 0 {
				qty = max(0, qty-cancelled[l.No]/f)
			}
		}
		ref := l.Ref
		if ref == "" || len(ref) > 6 {
			ref = strconv.Itoa(l.No)
		}
		body = append(body, seg("LIN", ref, action, itemCode(l)))
		if pia := otherCodes(l); len(pia) > 0 {
			body = append(body, edifact.Out{ID: "PIA", Elements: append([]string{"1"}, pia...)})
		}
		body = append(body, seg("QTY", edifact.C("21", strconv.FormatInt(l.Qty, 10), unit)))
		body = append(body, seg("QTY", edifact.C("12", strconv.FormatInt(qty, 10), unit)))
		if wait > 0 {
			body = append(body, seg("QTY", edifact.C("83", strconv.FormatInt(wait, 10), unit)))
		}
		if text := held[l.No].Text; text != "" {
			body = append(body, seg("FTX", "AAO", "", "", cut(text, 70)))
		}
	}
	return append(body, seg("UNS", "S"), seg("CNT", edifact.C("2", strconv.Itoa(len(a.Accepted.Lines)))))
}

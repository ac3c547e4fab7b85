package edifactwms

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/transforms/x12wms"
)

// arrivals are the dates (2005) that say when goods arrive, by the one that the document form knows.
var arrivals = map[string]string{"132": "17", "17": "17", "2": "17", "69": "17", "191": "17"}

// noticePurposes are the message functions (1225) of a DESADV by those of an 856. A change (4) says
// only what is to be another: no receipt can be told from it.
var noticePurposes = map[string]string{"": "00", "9": "00", "5": "05", "7": "07", "31": "00", "1": x12wms.CancelsNotice}

// Identity numbers (7405).
const (
	idSSCC   = "BJ"
	idLot    = "BX"
	idSerial = "BN"
)

// Expiries (2005): the day after which goods are bad, or best no more.
const (
	dtmExpires    = "36"
	dtmBestBefore = "361"
)

// noticed is a DESADV that is being read.
type noticed struct {
	x12wms.Notice
	levels map[string]*level // by CPS-01
	at     *level            // the CPS that follows
	line   *x12wms.DocumentLine
	goods  []piece // of the line: what is said of it whole, then what stands in each package of it
	short  bool    // a QVR says why less of the line comes
	wrong  *wrong  // the first of what cannot be taken

	// What a receipt does not ask for, and a shipment of an order does.
	tracking string        // of all that is not told of a level
	orders   []x12wms.Text // that lines name
	ref      x12wms.Text   // the line as whoever ordered it numbers it
	less     []lesser      // of the line
	stands   []standing    // of the lines of the notice, in their order
	lessAll  []lesser      // of all lines
}

// level is one CPS.
type level struct {
	parent, tracking string
	marks            []x12wms.Text // SSCCs of its packages
}

// standing is what is said of a line beside the goods.
type standing struct {
	at   *level
	ref  x12wms.Text
	many bool // it stands in several packages, and nobody knows what in which
}

// lesser is a QVR: how much less of a line there is, and what becomes of it.
type lesser struct {
	line x12wms.DocumentLine
	ref  x12wms.Text
	qty  x12wms.Text
	code string
}

// piece is what is said of goods: of a line, or behind a PCI of a package of it.
type piece struct {
	qty, uom, expiry     x12wms.Text
	lots, marks, serials []x12wms.Text
}

// wrong is a value that cannot be taken, and why.
type wrong struct {
	x12wms.Text
	why string
}

// Expected translates a DESADV into the announcement of a receipt. The error is a fault of kind
// Invalid that carries an [x12wms.Error]; its findings are added to p as well.
func Expected(profile x12wms.Profile, p *edifact.Part) (x12wms.Expected, error) {
	const op = "edifactwms.Expected"
	on := On(p)
	if n := p.Segments.Len(); n > x12wms.MaxSegments {
		return x12wms.Expected{}, refuse(op, on, text(p.Segments.At(0), 2, 1), x12wms.CodeCommand, "at most "+strconv.Itoa(x12wms.MaxSegments)+" segments", "split the shipment",
			"the message has "+strconv.Itoa(n)+" segments, more than a notice may")
	}
	if p.UNH.Type != "DESADV" {
		return x12wms.Expected{}, refuse(op, on, text(p.Segments.At(0), 2, 1), x12wms.CodeUnsupported, "DESADV", "route this message elsewhere", "message "+p.UNH.Type+" announces no goods")
	}
	n := readNotice(p)
	switch {
	case n.Purpose.Value == "":
		return x12wms.Expected{}, refuse(op, on, n.Purpose, x12wms.CodeUnsupported, "9, 5 or 1", "send all of the notice again as a replacement, 5", "the message neither announces a shipment whole nor takes it back")
	case n.wrong != nil:
		return x12wms.Expected{}, refuse(op, on, n.wrong.Text, x12wms.CodeQuantity, "", "say of each package what stands in it", n.wrong.why)
	}
	return profile.Announce(n.Notice, on)
}

// refuse is an error that names one place.
func refuse(op string, on x12wms.Paper, at x12wms.Text, code, expected, hint, message string) error {
	f := on.Add(finding.Finding{Code: code, Severity: finding.Error, Layer: finding.Business, Offset: at.At.Offset, Length: at.At.Length, Segment: at.At.Segment,
		Element: at.At.Element, Found: at.Value, Expected: expected, Message: message, Hint: hint})
	return fault.At(op, fault.Invalid, f.Element, &x12wms.Error{Findings: []finding.Finding{f}})
}

func readNotice(p *edifact.Part) *noticed {
	first := p.Segments.At(min(1, p.Segments.Len()-1))
	due := func(element string) x12wms.Text {
		return x12wms.Text{At: x12wms.Place{Element: element, Segment: first.Ordinal(), Offset: first.Offset()}}
	}
	n := &noticed{levels: map[string]*level{}}
	n.Set, n.Number, n.Purpose = p.UNH.Type, due("BGM-02"), due("BGM-03")
	n.Purpose.Value = noticePurposes[""]
	group := ""
	for _, s := range p.Segments.All() {
		tag := s.ID()
		if opens[tag] || tag == "CPS" || tag == "PCI" || tag == "QVR" || tag == "DGS" || tag == "CNT" {
			group = tag
		}
		switch tag {
		case "BGM":
			n.Number = text(s, 2, 1)
			n.Number.At.Element = s.Ref(2, 0)
			n.Purpose = text(s, 3, 0)
			n.Purpose.Value = noticePurposes[n.Purpose.Value]
		case "NAD":
			if n.line == nil {
				n.Parties = append(n.Parties, Party(s))
			}
		case "RFF":
			n.reference(s)
		case "DTM":
			n.date(s, group)
		case "CPS":
			n.end()
			n.at = &level{parent: s.Value(2, 0)}
			n.levels[s.Value(1, 0)] = n.at
		case "LIN":
			n.end()
			l := newLine(s)
			n.line, n.goods = &l, []piece{{}}
		case "CNT":
			n.end()
		case "PCI":
			if n.line != nil {
				n.goods = append(n.goods, piece{})
			}
		case "QVR":
			if n.short = n.line != nil; n.short {
				n.less = append(n.less, lesser{qty: text(s, 1, 1), code: s.Value(2, 0)})
			}
		case "PIA":
			for k := 2; n.line != nil && k <= s.Len(); k++ {
				addCode(n.line, text(s, k, 2), text(s, k, 1))
			}
		case "QTY":
			if g := n.last(); g != nil && s.Value(1, 1) == qtyAnnounced && (group == "LIN" || group == "PCI") {
				g.qty, g.uom = text(s, 1, 2), coded(text(s, 1, 3), units)
			}
		case "GIN":
			n.identities(s)
		}
	}
	n.end()
	return n
}

// last is the piece of the line that segments speak of.
func (n *noticed) last() *piece {
	if n.line == nil {
		return nil
	}
	return &n.goods[len(n.goods)-1]
}

// reference takes an RFF: of the message, where it names the order, or of a line.
func (n *noticed) reference(s edifact.Segment) {
	kind, value := text(s, 1, 1), text(s, 1, 2)
	switch {
	case n.line == nil && kind.Value == "CN" && n.at != nil:
		n.at.tracking = value.Value
	case n.line == nil && kind.Value == "CN" && len(n.Parties) == 0:
		n.tracking = value.Value
	case n.line == nil:
		if kind.Value == "ON" && len(n.Parties) == 0 && n.PO.Value == "" {
			n.PO = value
		}
	case kind.Value == "LI":
		n.ref = value
		if n.line.ID.Value == "" {
			n.line.ID = value
		}
	case kind.Value == "ON":
		n.orders = append(n.orders, value)
		if no := text(s, 1, 3); no.Value != "" && n.ref.Value == "" {
			n.ref = no
		}
	case kind.Value == "BT":
		n.last().lots = append(n.last().lots, value)
	case kind.Value == "SE":
		n.last().serials = append(n.last().serials, value)
	}
}

func (n *noticed) date(s edifact.Segment, group string) {
	d := date(s)
	switch g := n.last(); {
	case group == "":
		d.Qualifier = coded(d.Qualifier, arrivals)
		n.Dates = append(n.Dates, d)
	case g != nil && (group == "LIN" || group == "PCI"):
		if s.Value(1, 3) == "101" {
			d.Day.Value = "20" + d.Day.Value
		}
		if q := d.Qualifier.Value; q == dtmExpires || q == dtmBestBefore && g.expiry.Value == "" {
			g.expiry = d.Day
		}
	}
}

// identities takes a GIN: marks of packages, lots and serial numbers, or ranges of them.
func (n *noticed) identities(s edifact.Segment) {
	kind, g := s.Value(1, 0), n.last()
	for k := 2; k <= s.Len(); k++ {
		from, to := text(s, k, 1), text(s, k, 2)
		if from.Value == "" {
			continue
		}
		both := []x12wms.Text{from}
		if to.Value != "" && to.Value != from.Value {
			both = append(both, to)
		}
		switch {
		case kind == idSSCC && g != nil:
			g.marks = append(g.marks, both...)
		case kind == idSSCC && n.at != nil:
			n.at.marks = append(n.at.marks, both...)
		case g == nil || kind != idLot && kind != idSerial:
		case len(both) > 1:
			n.fail(to, "a range names no lot or unit: which numbers are in it nobody knows")
		case kind == idLot:
			g.lots = append(g.lots, from)
		default:
			g.serials = append(g.serials, from)
		}
	}
}

func (n *noticed) fail(at x12wms.Text, format string, args ...any) {
	if n.wrong == nil {
		n.wrong = &wrong{at, fmt.Sprintf(format, args...)}
	}
}

// end closes a line: where its packages say how much is in each of them, each is a line of the receipt.
// One of which nothing comes, with the reason, is none.
func (n *noticed) end() {
	if n.line == nil {
		return
	}
	l, whole, packages := *n.line, n.goods[0], n.goods[1:]
	short := n.short
	n.line, n.goods, n.short = nil, nil, false
	if whole.qty.At.Segment > 0 {
		l.Qty, l.UOM = whole.qty, whole.uom
	}
	for _, x := range n.less {
		x.line, x.ref = l, n.ref
		n.lessAll = append(n.lessAll, x)
	}
	n.less = nil
	defer func() { n.ref = x12wms.Text{} }()
	if whole.qty.Value == "0" && short {
		return
	}
	var told []piece
	for _, g := range packages {
		if g.qty.Value != "" {
			told = append(told, g)
			continue
		}
		whole.lots, whole.marks, whole.serials = append(whole.lots, g.lots...), append(whole.marks, g.marks...), append(whole.serials, g.serials...)
		whole.expiry = cmp.Or(whole.expiry, g.expiry)
	}
	if len(told) == 0 {
		n.add(l, whole)
		return
	}
	sum := int64(0)
	for _, g := range told {
		if g.uom.Value != l.UOM.Value {
			n.fail(g.qty, "the package's quantity is in another unit than the line's")
		}
		v, err := strconv.ParseInt(g.qty.Value, 10, 64)
		if err != nil || v < 1 || v > order.MaxQty {
			n.fail(g.qty, "quantity %q of a package is not a whole number", g.qty.Value)
		}
		sum += min(max(v, 0), order.MaxQty)
	}
	if l.Qty.Value != strconv.FormatInt(sum, 10) {
		n.fail(l.Qty, "the packages of the line hold %d, and %s is despatched", sum, cmp.Or(l.Qty.Value, "nothing"))
	}
	for _, g := range told {
		part := l
		part.Qty = g.qty
		if len(g.lots) == 0 {
			g.lots = whole.lots
		}
		g.expiry = cmp.Or(g.expiry, whole.expiry)
		n.add(part, g)
	}
	if len(whole.serials) > 0 {
		n.fail(whole.serials[0], "the line has several packages and says not in which of them this unit is")
	}
}

// add makes a line of the receipt.
func (n *noticed) add(l x12wms.DocumentLine, g piece) {
	lpn := x12wms.Text{}
	switch len(g.marks) {
	case 0:
		lpn = n.container()
	case 1:
		lpn = x12wms.SSCC(g.marks[0])
	}
	l.Refs = nil
	for i, lot := range g.lots {
		if i == 0 {
			l.Refs = []x12wms.Reference{{Qualifier: x12wms.Text{Value: "LT"}, Value: lot}}
		} else if lot.Value != g.lots[0].Value {
			n.fail(lot, "the line has several lots and says not how much is of each")
		}
	}
	n.Line(l, lpn)
	n.stands = append(n.stands, standing{n.at, n.ref, len(g.marks) > 1 || lpn.Value == "" && n.several()})
	more := &n.Details[len(n.Details)-1]
	more.Expiry, more.Serials = g.expiry, g.serials
}

// up are the levels that the line stands in, the nearest first. Levels that name each other end it.
func (n *noticed) up(at *level) (out []*level) {
	for ; at != nil && len(out) <= len(n.levels); at = n.levels[at.parent] {
		out = append(out, at)
	}
	return out
}

// several reports whether the nearest level with marks has several.
func (n *noticed) several() bool {
	for _, at := range n.up(n.at) {
		if len(at.marks) > 0 {
			return len(at.marks) > 1
		}
	}
	return false
}

// container is the mark of the nearest level that the line stands in. Where a level has several, nobody
// knows which of them it is.
func (n *noticed) container() x12wms.Text {
	for _, at := range n.up(n.at) {
		switch {
		case len(at.marks) > 1:
			return x12wms.Text{}
		case len(at.marks) == 1:
			return x12wms.SSCC(at.marks[0])
		}
	}
	return x12wms.Text{}
}

package x12wms

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/x12"
)

// Line statuses of W12-01 (data element 368).
const (
	shippedWhole = "CC" // the line is complete
	shippedShort = "CP" // partial, nothing follows
	shippedPart  = "BP" // partial, the rest follows
	notShipped   = "BO" // all of it follows
)

// ShipmentNumber is what a shipment is called outside: confirmations of late cartons have one of their own.
func ShipmentNumber(c ship.Confirmed) string {
	if c.Supplement == 0 {
		return c.Shipment
	}
	return c.Shipment + "-" + strconv.Itoa(c.Supplement)
}

// Follows is what of each line of o is still to leave after a confirmation, in smallest units: left is
// what had left with it.
func Follows(o order.Order, left map[int]int64) map[int]int64 {
	out := map[int]int64{}
	for _, l := range o.Lines {
		if n := l.Ordered - l.Cancelled - l.Short - left[l.No]; n > 0 {
			out[l.No] = n
		}
	}
	return out
}

// supplementQualifier is the N9-01 beside which SUPPLEMENT and its number stand: ZZ, mutually
// defined. W06-01 has no code for it: each 945 is a full detail of the cartons that it names.
const supplementQualifier = "ZZ"

// mostSerials stand in one W12 loop, which may have 200 N9; a piece with more is
// told in several, one serial a unit.
const mostSerials = 190

// piece is one W12: what of a line lies in one carton, or what is short of it.
type piece struct {
	line    order.Line
	lot     string
	serials []string
	shipped int64
	short   int64
	follows int64 // of the line, and told with this piece
	status  string
}

// ShippingAdvice is the body of the 945 that tells the depositor what c says has
// left of o, without ST and SE. Each carton is an LX loop with its SSCC; what is
// short of a line that ships in part, or follows, stands with its last carton, and a line of
// which nothing ships has an LX of its own. So, over all W12 of an advice, ordered quantities are
// what was open before it, shipped ones what left, and the difference is what is short or follows.
// Which of both says the status of the line; follows is by line, in smallest units.
func (p Profile) ShippingAdvice(o order.Order, c ship.Confirmed, follows map[int]int64) ([]x12.Out, error) {
	cartons, rest, whole, err := told("x12wms.ShippingAdvice", o, c, follows)
	if err != nil {
		return nil, err
	}
	ref := func(kind string) string {
		for _, r := range o.Refs {
			if r.Kind == kind {
				return r.Value
			}
		}
		return ""
	}
	day := c.At.In(p.zone()).Format("20060102")
	w06 := []string{"F", cut(o.Told(), 22), day, cut(ShipmentNumber(c), 30), "", cut(ref("po"), 22)}
	if master, link := ref("master_reference"), ref("link_sequence"); master != "" && len(link) == 6 { // one needs the other
		w06 = append(w06, cut(master, 22), link)
	}
	body := []x12.Out{x12.Seg("W06", w06...)}
	body = append(body, shipTo(o.Parties)...)
	all := o.Parties.Named
	body = append(body, n1("SF", p.Building(all, c.Facility, "WH", "SF")), n1("DE", p.Depositor(all, c.Owner, "DE")))
	for _, r := range o.Refs {
		if q := qualifierOf(refQualifiers, r.Kind); len(q) >= 2 && r.Kind != "po" {
			body = append(body, x12.Seg("N9", q, cut(r.Value, 30)))
		}
	}
	if c.Supplement > 0 {
		// What follows is not the order's only 945: it tells late cartons alone.
		body = append(body, x12.Seg("N9", supplementQualifier, "SUPPLEMENT "+strconv.Itoa(c.Supplement)))
	}
	body = append(body, x12.Seg("G62", "11", day)) // shipped on this day
	if w27, ok := p.carrier(o, c); ok {
		body = append(body, w27)
	}
	lx, total := 0, int64(0)
	loop := func(head []x12.Out, contents []piece) {
		lx++
		body = append(body, x12.Seg("LX", strconv.Itoa(lx)))
		body = append(body, head...)
		for _, q := range contents {
			out, shipped := p.w12(q, whole[q.line.No])
			body, total = append(body, out...), total+shipped
		}
	}
	for i, m := range c.Cartons {
		head := []x12.Out{x12.Seg("MAN", "GM", "00"+m.Carton)} // GM is the SSCC with its application identifier
		if m.Tracking != "" {
			head = append(head, x12.Seg("N9", "2I", cut(m.Tracking, 30)))
		}
		loop(head, cartons[i])
	}
	for _, q := range rest {
		loop(nil, []piece{q})
	}
	w03 := []string{strconv.FormatInt(total, 10)}
	if c.Weight > 0 {
		unit, text := p.heavy(c.Weight)
		w03 = append(w03, text, unit)
	}
	return append(body, x12.Out{ID: "W03", Elements: w03}), nil
}

// heavy is a weight as the partner takes it, rounded up, and its unit (data element 355).
func (p Profile) heavy(m measure.Mass) (unit, text string) {
	unit, hundredths := "LB", m.CeilHundredthPounds()
	if p.Kilograms {
		unit, hundredths = "KG", (int64(m)+9_999)/10_000
	}
	return unit, fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}

// told are the pieces of a confirmation of an order, and which lines are told in the unit they were ordered in.
func told(op string, o order.Order, c ship.Confirmed, follows map[int]int64) (cartons [][]piece, rest []piece, whole map[int]bool, err error) {
	if o.Number != c.Order {
		return nil, nil, nil, fault.E(op, fault.Internal, fmt.Errorf("confirmation of order %q with order %q", c.Order, o.Number))
	}
	if cartons, rest, err = pieces(o, c, follows); err != nil {
		return nil, nil, nil, fault.At(op, fault.Internal, "lines", err)
	}
	return cartons, rest, wholeUnits(cartons, rest), nil
}

// pieces sorts what a confirmation says by carton, lines and lots merged, and
// gives the shorts that no carton can carry.
func pieces(o order.Order, c ship.Confirmed, follows map[int]int64) (cartons [][]piece, rest []piece, err error) {
	last := map[int]*piece{}
	for _, m := range c.Cartons {
		merged := make([]piece, 0, len(m.Contents))
		for _, x := range m.Contents {
			l, ok := o.Line(x.Line)
			if !ok {
				return nil, nil, fmt.Errorf("carton %s holds line %d, which the order does not have", m.Carton, x.Line)
			}
			merged = merge(merged, l, x)
		}
		cartons = append(cartons, merged)
		for i := range merged {
			last[merged[i].line.No] = &merged[i]
		}
	}
	for _, s := range c.Shorts {
		l, ok := o.Line(s.Line)
		switch {
		case !ok:
			return nil, nil, fmt.Errorf("line %d is short, which the order does not have", s.Line)
		case last[s.Line] != nil:
			last[s.Line].short += s.Qty
		default:
			rest = append(rest, piece{line: l, short: s.Qty})
		}
	}
	if len(cartons) == 0 && len(rest) == 0 {
		return nil, nil, errors.New("the confirmation names neither cartons nor shorts")
	}
	for _, l := range o.Lines {
		n := follows[l.No]
		switch i := slices.IndexFunc(rest, func(q piece) bool { return q.line.No == l.No }); {
		case n == 0:
		case last[l.No] != nil:
			last[l.No].follows = n
		case i >= 0:
			rest[i].follows = n
		default:
			rest = append(rest, piece{line: l, follows: n})
		}
	}
	for _, list := range append(cartons, rest) {
		for i := range list {
			list[i].status = statusOf(list[i].line, last[list[i].line.No] != nil, follows[list[i].line.No], c.Shorts)
		}
	}
	return cartons, rest, nil
}

// statusOf is what becomes of a line, which each of its pieces says.
func statusOf(l order.Line, shipped bool, follows int64, shorts []ship.ShortLine) string {
	switch short := l.Short > 0 || slices.ContainsFunc(shorts, func(s ship.ShortLine) bool { return s.Line == l.No }); {
	case follows > 0 && shipped:
		return shippedPart
	case follows > 0 && !short:
		return notShipped
	case follows > 0:
		return shippedPart
	case short:
		return shippedShort
	}
	return shippedWhole
}

func merge(have []piece, l order.Line, x pack.Content) []piece {
	for i := range have {
		if q := &have[i]; q.line.No == l.No && q.lot == x.Lot {
			q.shipped += x.Qty
			q.serials = append(q.serials, x.Serials...)
			return have
		}
	}
	return append(have, piece{line: l, lot: x.Lot, shipped: x.Qty, serials: append([]string(nil), x.Serials...)})
}

// wholeUnits says which lines can be told in the unit they were ordered in: all
// their pieces are whole ones. The others are told in smallest units.
func wholeUnits(cartons [][]piece, rest []piece) map[int]bool {
	whole := map[int]bool{}
	see := func(q piece) {
		_, a := inUnits(q.line.AcceptedLine, q.shipped)
		_, b := inUnits(q.line.AcceptedLine, q.short+q.follows)
		was, seen := whole[q.line.No]
		whole[q.line.No] = a && b && (was || !seen)
	}
	for _, c := range cartons {
		for _, q := range c {
			see(q)
		}
	}
	for _, q := range rest {
		see(q)
	}
	return whole
}

// w12 is the loop of one piece, and the quantity it says has left.
func (p Profile) w12(q piece, whole bool) ([]x12.Out, int64) {
	if n := int64(len(q.serials)); n > mostSerials && n == q.shipped {
		first, rest := q, q
		first.serials, first.shipped, first.short, first.follows = q.serials[:mostSerials], mostSerials, 0, 0
		rest.serials, rest.shipped = q.serials[mostSerials:], n-mostSerials
		a, x := p.w12(first, false)
		b, y := p.w12(rest, false)
		return append(a, b...), x + y
	}
	shipped, short, unit := q.shipped, q.short+q.follows, "EA"
	if whole {
		shipped, _ = inUnits(q.line.AcceptedLine, shipped)
		short, _ = inUnits(q.line.AcceptedLine, short)
		unit = p.code(q.line.UOM)
	}
	difference := ""
	if short > 0 {
		difference = strconv.FormatInt(short, 10)
	}
	w12 := []string{q.status, strconv.FormatInt(shipped+short, 10), strconv.FormatInt(shipped, 10), difference, unit, ""}
	out := []x12.Out{{ID: "W12", Elements: append(w12, itemPairs(q.line.AcceptedLine, 2)...)}}
	if q.line.Ref != "" {
		out = append(out, x12.Seg("N9", "LI", cut(q.line.Ref, 30)))
	}
	if q.lot != "" {
		out = append(out, x12.Seg("N9", lotQualifier, cut(q.lot, 30)))
	}
	for _, s := range q.serials {
		out = append(out, x12.Seg("N9", "SE", cut(s, 30)))
	}
	return out, shipped
}

// Outside is the partner's code for one of ours; several are told apart by order.
func (p Profile) Outside(codes map[string]string, ours string) string {
	best := ""
	for theirs, o := range codes {
		if o == ours && (best == "" || theirs < best) {
			best = theirs
		}
	}
	if best == "" {
		return ours
	}
	return best
}

func shipTo(parties order.Parties) []x12.Out {
	a := parties.ShipTo
	name := a.Name
	if name == "" {
		name = a.Company
	}
	if name == "" && len(a.Code) < 2 {
		name = a.Code
	}
	n1 := x12.Seg("N1", "ST", cut(name, 60))
	if len(a.Code) >= 2 {
		n1.Elements = append(n1.Elements, n103(List(parties.Named, a.Code)), cut(a.Code, 80))
	}
	out := []x12.Out{n1}
	if a.Company != "" && a.Company != name {
		out = append(out, x12.Seg("N2", cut(a.Company, 60)))
	}
	for i := 0; i < len(a.Lines) && i < 4; i += 2 {
		n3 := x12.Seg("N3", cut(a.Lines[i], 55))
		if i+1 < len(a.Lines) {
			n3.Elements = append(n3.Elements, cut(a.Lines[i+1], 55))
		}
		out = append(out, n3)
	}
	state, postal := a.Region, a.PostalCode
	if len(state) != 2 {
		state = ""
	}
	if len(postal) < 3 {
		postal = ""
	}
	if a.City+a.Region+a.PostalCode == "" && len(a.Lines) == 0 {
		return out // that of its country would be a guess
	}
	return append(out, x12.Seg("N4", cut(a.City, 30), state, cut(postal, 15), a.Country))
}

// carrier is the W27: how it did travel, or was asked to.
func (p Profile) carrier(o order.Order, c ship.Confirmed) (x12.Out, bool) {
	carrier, service := Travelled(o, c)
	scac := p.SCAC(carrier, service)
	method := ""
	for code, name := range methods {
		if name == o.Service.Method {
			method = code
		}
	}
	if method == "" {
		method = "U"
	}
	if scac == "" {
		service = join(carrier, service)
	}
	pay := ""
	for _, code := range [...]string{"PP", "CC", "TP"} {
		if terms[code] == o.Service.Terms {
			pay = code
		}
	}
	return x12.Seg("W27", method, scac, cut(service, 35), pay), scac+service != ""
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

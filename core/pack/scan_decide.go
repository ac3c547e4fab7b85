package pack

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// Begun is a carton that is being filled. Refused is the last weight that was not
// believed, until the contents change.
type Begun struct {
	Carton   string       `json:"carton"`
	No       int          `json:"no"`
	Box      string       `json:"box"`
	Dims     measure.Dims `json:"dims"`
	Tare     measure.Mass `json:"tare_mg,omitempty"`
	Contents []Content    `json:"contents,omitempty"`
	Packer   string       `json:"packer,omitempty"`
	Refused  *Weighing    `json:"weight_refused,omitempty"`
}

// Weighing is a weight that was not believed.
type Weighing struct {
	Expected  measure.Mass `json:"expected_mg"`
	Tolerance measure.Mass `json:"tolerance_mg"`
	Measured  measure.Mass `json:"measured_mg"`
}

// InCarton is the carton of that number that is being filled.
func (p Packing) InCarton(sscc string) (Begun, bool) {
	if i := p.begun(sscc); i >= 0 {
		return p.Begun[i], true
	}
	return Begun{}, false
}

// Loose is what is in no closed carton: left, or in cartons that are being filled.
func (p Packing) Loose() []Content {
	out := p.Left
	for _, b := range p.Begun {
		out = merge(out, b.Contents)
	}
	return out
}

func (p Packing) begun(sscc string) int {
	return slices.IndexFunc(p.Begun, func(b Begun) bool { return b.Carton == sscc })
}

// opened is the open carton that a command means: the one named, or the only one.
func (p Packing) opened(op, place, sscc string) (Begun, error) {
	if sscc == "" {
		if len(p.Begun) == 1 {
			return p.Begun[0], nil
		}
		return Begun{}, fault.At(op, fault.Rejected, place, fmt.Errorf("%d cartons of packing %s are open: say which is meant", len(p.Begun), p.Pack))
	}
	b, ok := p.InCarton(sscc)
	switch {
	case ok:
		return b, nil
	case slices.ContainsFunc(p.Cartons, func(c Closed) bool { return c.Carton == sscc }):
		return b, fault.At(op, fault.Rejected, place, fmt.Errorf("carton %s is closed: open it again first", sscc))
	}
	return b, fault.At(op, fault.Rejected, place, fmt.Errorf("carton %.32q is none of packing %s: open cartons are %s", sscc, p.Pack, p.names()))
}

func (p Packing) names() string {
	if len(p.Begun) == 0 {
		return "none"
	}
	var names []string
	for _, b := range p.Begun {
		names = append(names, b.Carton)
	}
	return strings.Join(names, ", ")
}

// OpenCarton begins a carton under its SSCC.
func (p Packing) OpenCarton(c OpenCarton, at time.Time) ([]event.Event, error) {
	const op = "pack.OpenCarton"
	if err := p.open(op); err != nil {
		return nil, err
	}
	if len(p.Loose()) == 0 {
		return nil, fault.At(op, fault.Rejected, "pack", fmt.Errorf("nothing is left to be packed in %s", p.Pack))
	}
	sscc, err := p.number(op, c.SSCC)
	if err != nil {
		return nil, err
	}
	if c.Tare < 0 || min(c.Dims.Length, c.Dims.Width, c.Dims.Height) < 0 {
		return nil, fault.At(op, fault.Invalid, "dims", errors.New("weight and dimensions cannot be negative"))
	}
	return []event.Event{CartonOpened{p.head(at), sscc, p.Last + 1, c.Box, c.Dims, c.Tare, c.Packer}}, nil
}

// number is a number that no carton of the packing has.
func (p Packing) number(op string, n Numbering) (string, error) {
	sscc, err := n.SSCC()
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if p.begun(sscc) >= 0 || slices.ContainsFunc(p.Cartons, func(x Closed) bool { return x.Carton == sscc }) {
		return "", fault.At(op, fault.Rejected, "sscc", fmt.Errorf("carton %s is there already", sscc))
	}
	if len(p.Cartons)+len(p.Begun) >= MaxCartons {
		return "", fault.At(op, fault.Rejected, "pack", fmt.Errorf("packing %s has %d cartons, no more are allowed", p.Pack, MaxCartons))
	}
	return sscc, nil
}

// Scan verifies goods into an open carton. What was not picked for the order, more of it
// than was picked, a lot or a serial number that was not, are Rejected, each with what
// would be right.
func (p Packing) Scan(c Scan, at time.Time) ([]event.Event, error) {
	const op = "pack.Scan"
	if err := p.open(op); err != nil {
		return nil, err
	}
	b, err := p.opened(op, "carton", c.Carton)
	if err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Item); err != nil {
		return nil, fault.At(op, fault.Invalid, "item", err)
	}
	if c.Qty < 1 || c.Qty > maxQty {
		return nil, fault.At(op, fault.Invalid, "qty", fmt.Errorf("%d is not between 1 and %d", c.Qty, maxQty))
	}
	if n := len(c.Serials); n > 0 && int64(n) != c.Qty {
		return nil, fault.At(op, fault.Invalid, "serials", fmt.Errorf("has %d serial numbers for %d units", n, c.Qty))
	}
	got, err := p.matches(op, c)
	if err != nil {
		return nil, err
	}
	if len(b.Contents)+len(got) > MaxContents {
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("carton %s would have more than %d entries", b.Carton, MaxContents))
	}
	return []event.Event{Scanned{p.head(at), b.Carton, got, c.Packer}}, nil
}

// matches takes what was scanned from what is left: by line and tote where they are
// named, else from the front.
func (p Packing) matches(op string, c Scan) ([]Content, error) {
	refuse := func(place, format string, a ...any) ([]Content, error) {
		return nil, fault.At(op, fault.Rejected, place, fmt.Errorf(format, a...))
	}
	var mine []Content
	var lots []string
	for _, l := range p.Left {
		if l.Item == c.Item && (c.Line == 0 || l.Line == c.Line) && (c.Tote == "" || l.Tote == c.Tote) {
			mine = append(mine, l)
			if !slices.Contains(lots, l.Lot) {
				lots = append(lots, l.Lot)
			}
		}
	}
	switch {
	case len(mine) == 0 && p.picked(c.Item):
		return refuse("qty", "all of item %s is in cartons already: put this one aside", c.Item)
	case len(mine) == 0:
		return refuse("item", "item %s is not of order %s: still to be packed are %s", c.Item, p.Order, p.wanted())
	case c.Lot == "" && len(lots) > 1:
		return refuse("lot", "item %s was picked of lots %s: scan the lot", c.Item, strings.Join(lots, ", "))
	case c.Lot != "" && !slices.Contains(lots, c.Lot):
		return refuse("lot", "lot %.64s of item %s was not picked for order %s: %s was", c.Lot, c.Item, p.Order, strings.Join(lots, ", "))
	}
	if c.Lot != "" {
		mine = slices.DeleteFunc(mine, func(l Content) bool { return l.Lot != c.Lot })
	}
	var left int64
	for _, l := range mine {
		left += l.Qty
	}
	if left < c.Qty {
		return refuse("qty", "%d of item %s are left to be packed, not %d", left, c.Item, c.Qty)
	}
	if slices.ContainsFunc(mine, func(l Content) bool { return len(l.Serials) > 0 }) {
		return bySerials(op, mine, c)
	}
	var got []Content
	for _, l := range mine {
		if c.Qty == 0 {
			break
		}
		l.Qty = min(l.Qty, c.Qty)
		c.Qty -= l.Qty
		l.Serials = nil
		got = append(got, l)
	}
	return got, nil
}

// bySerials takes the units with the serial numbers that were scanned.
func bySerials(op string, mine []Content, c Scan) ([]Content, error) {
	if len(c.Serials) == 0 {
		return nil, fault.At(op, fault.Rejected, "serials", fmt.Errorf("item %s is tracked by serial number: scan those of the %d units", c.Item, c.Qty))
	}
	var got []Content
	for i, s := range c.Serials {
		place := fmt.Sprintf("serials[%d]", i)
		if slices.Index(c.Serials, s) < i {
			return nil, fault.At(op, fault.Invalid, place, fmt.Errorf("%.64q is named twice", s))
		}
		at := slices.IndexFunc(mine, func(l Content) bool { return slices.Contains(l.Serials, s) })
		if at < 0 {
			return nil, fault.At(op, fault.Rejected, place, fmt.Errorf("serial number %.64q of item %s was not picked for this order, or is packed already", s, c.Item))
		}
		one := mine[at]
		one.Qty, one.Serials = 1, []string{s}
		got = merge(got, []Content{one})
	}
	return got, nil
}

// picked reports whether an item lies in a carton of the packing.
func (p Packing) picked(item string) bool {
	in := func(list []Content) bool {
		return slices.ContainsFunc(list, func(c Content) bool { return c.Item == item })
	}
	return slices.ContainsFunc(p.Begun, func(b Begun) bool { return in(b.Contents) }) ||
		slices.ContainsFunc(p.Cartons, func(b Closed) bool { return in(b.Contents) })
}

// wanted names what is left, a few of it.
func (p Packing) wanted() string {
	const most = 5
	var names []string
	for _, l := range p.Left {
		if !slices.Contains(names, l.Item) {
			names = append(names, l.Item)
		}
	}
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// Take puts goods back to what is left.
func (p Packing) Take(c Take, at time.Time) ([]event.Event, error) {
	const op = "pack.Take"
	if err := p.open(op); err != nil {
		return nil, err
	}
	b, err := p.opened(op, "carton", c.Carton)
	if err != nil {
		return nil, err
	}
	contents, err := b.holds(op, c.Contents)
	if err != nil {
		return nil, err
	}
	return []event.Event{Taken{p.head(at), b.Carton, contents, c.Packer}}, nil
}

// Move puts goods into another open carton.
func (p Packing) Move(c Move, at time.Time) ([]event.Event, error) {
	const op = "pack.Move"
	if err := p.open(op); err != nil {
		return nil, err
	}
	if c.From == "" || c.To == "" || c.From == c.To {
		return nil, fault.At(op, fault.Invalid, "to", errors.New("two cartons are needed: one that it comes from and another"))
	}
	from, err := p.opened(op, "from", c.From)
	if err != nil {
		return nil, err
	}
	to, err := p.opened(op, "to", c.To)
	if err != nil {
		return nil, err
	}
	contents, err := from.holds(op, c.Contents)
	if err != nil {
		return nil, err
	}
	return []event.Event{Moved{p.head(at), from.Carton, to.Carton, contents, c.Packer}}, nil
}

// holds is what a command names of a carton's contents; none names all of it. Serial
// numbers that are not named are taken from the front where all are meant, else Rejected.
func (b Begun) holds(op string, contents []Content) ([]Content, error) {
	if len(contents) == 0 {
		contents = b.Contents
	}
	if err := checkContents(op, contents); err != nil {
		return nil, err
	}
	out := slices.Clone(contents)
	for i, k := range out {
		place := fmt.Sprintf("contents[%d]", i)
		j := slices.IndexFunc(b.Contents, func(x Content) bool { return same(x, k) })
		if j < 0 || b.Contents[j].Qty < k.Qty {
			return nil, fault.At(op, fault.Rejected, place+".qty", fmt.Errorf("carton %s does not hold %d of line %d, item %s, tote %q", b.Carton, k.Qty, k.Line, k.Item, k.Tote))
		}
		switch have := b.Contents[j].Serials; {
		case len(have) == 0:
			out[i].Serials = nil
		case len(k.Serials) == 0 && k.Qty == b.Contents[j].Qty:
			out[i].Serials = slices.Clone(have)
		case len(k.Serials) == 0:
			return nil, fault.At(op, fault.Rejected, place+".serials", fmt.Errorf("name the serial numbers of the %d units of item %s", k.Qty, k.Item))
		case slices.ContainsFunc(k.Serials, func(s string) bool { return !slices.Contains(have, s) }):
			return nil, fault.At(op, fault.Rejected, place+".serials", fmt.Errorf("carton %s does not hold all of those units of item %s", b.Carton, k.Item))
		}
	}
	return out, nil
}

// Close closes an open carton whose contents were scanned. A weight outside the
// tolerance is [WeightRefused], and the carton stays open, unless somebody other than
// the packer says why it is right.
func (p Packing) Close(c Close, at time.Time) ([]event.Event, error) {
	const op = "pack.Close"
	if err := p.open(op); err != nil {
		return nil, err
	}
	b, err := p.opened(op, "carton", c.Carton)
	if err != nil {
		return nil, err
	}
	if len(b.Contents) == 0 {
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("nothing was scanned into carton %s", b.Carton))
	}
	closed := CartonClosed{
		Head: p.head(at), Carton: b.Carton, No: b.No, Box: b.Box, Contents: slices.Clone(b.Contents), Dims: b.Dims,
		Tare: b.Tare, Packer: c.Packer, Verified: true,
	}
	if closed.Packer == "" {
		closed.Packer = b.Packer
	}
	refused, err := closed.weigh(op, c.Weight, c.Check, c.Override)
	switch {
	case err != nil:
		return nil, err
	case refused != nil:
		return []event.Event{*refused}, nil
	}
	return []event.Event{closed}, nil
}

// weigh holds a carton against what it should weigh.
func (e *CartonClosed) weigh(op string, weight measure.Mass, check Check, over Override) (*WeightRefused, error) {
	if weight < 0 {
		return nil, fault.At(op, fault.Invalid, "weight_mg", fmt.Errorf("%d is negative", weight))
	}
	if weight == 0 && check.Required {
		return nil, fault.At(op, fault.Rejected, "weight_mg", fmt.Errorf("carton %s must be weighed before it is closed", e.Carton))
	}
	e.Weight, e.Expected, e.Weighed = check.gross(weight), check.Expected, weight > 0
	if weight == 0 || check.Passes(weight) {
		return nil, nil
	}
	if over == (Override{}) {
		return &WeightRefused{e.Head, e.Carton, check.Expected, check.Tolerance, weight, e.Packer}, nil
	}
	for _, n := range [...]struct{ place, v string }{{"override.by", over.By}, {"override.reason", over.Reason}} {
		if err := scope.CheckPart(n.v); err != nil {
			return nil, fault.At(op, fault.Invalid, n.place, err)
		}
	}
	if over.By == e.Packer {
		return nil, fault.At(op, fault.Rejected, "override.by", fmt.Errorf("%s packed the carton: somebody else must say that its weight is right", over.By))
	}
	e.Override = over
	return nil, nil
}

// Reopen opens a closed carton; open already is no event. The packing is open again
// where it was completed.
func (p Packing) Reopen(c Reopen, at time.Time) ([]event.Event, error) {
	const op = "pack.Reopen"
	if p.Status != StatusCompleted {
		if err := p.open(op); err != nil {
			return nil, err
		}
	}
	if p.begun(c.Carton) >= 0 {
		return nil, nil
	}
	if !slices.ContainsFunc(p.Cartons, func(x Closed) bool { return x.Carton == c.Carton }) {
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("carton %.32q is none of packing %s", c.Carton, p.Pack))
	}
	return []event.Event{CartonReopened{p.head(at), c.Carton, c.By, c.Reason}}, nil
}

// applyScan is [apply] for cartons that are being filled.
func (p Packing) applyScan(e event.Event) (Packing, error) {
	p.Begun = slices.Clone(p.Begun)
	unsound := func(sscc string) error {
		return fault.At("pack.Apply", fault.Internal, sscc, errors.New("holds what is not there to be packed"))
	}
	change := func(sscc string, f func(b *Begun) bool) error {
		i := p.begun(sscc)
		if i < 0 || !f(&p.Begun[i]) {
			return unsound(sscc)
		}
		return nil
	}
	put := func(sscc string, contents []Content) error {
		return change(sscc, func(b *Begun) bool { b.Contents, b.Refused = merge(b.Contents, contents), nil; return true })
	}
	out := func(sscc string, contents []Content) error {
		return change(sscc, func(b *Begun) (ok bool) { b.Contents, ok = take(b.Contents, contents); b.Refused = nil; return ok })
	}
	var err error
	switch e := e.(type) {
	case CartonOpened:
		p.Last = max(p.Last, e.No)
		p.Begun = append(p.Begun, Begun{Carton: e.Carton, No: e.No, Box: e.Box, Dims: e.Dims, Tare: e.Tare, Packer: e.Packer})
	case Scanned:
		left, ok := take(p.Left, e.Contents)
		if !ok {
			return Packing{}, unsound(e.Carton)
		}
		p.Left = left
		err = put(e.Carton, e.Contents)
	case Taken:
		err = out(e.Carton, e.Contents)
		p.Left = merge(p.Left, e.Contents)
	case Moved:
		err = errors.Join(out(e.From, e.Contents), put(e.To, e.Contents))
	case WeightRefused:
		err = change(e.Carton, func(b *Begun) bool {
			b.Refused = &Weighing{e.Expected, e.Tolerance, e.Measured}
			return true
		})
	case CartonReopened:
		i := slices.IndexFunc(p.Cartons, func(c Closed) bool { return c.Carton == e.Carton })
		if i < 0 {
			return Packing{}, unsound(e.Carton)
		}
		c := p.Cartons[i]
		p.Cartons = slices.Delete(slices.Clone(p.Cartons), i, i+1)
		p.Begun = append(p.Begun, Begun{Carton: c.Carton, No: c.No, Box: c.Box, Dims: c.Dims, Tare: c.Tare, Contents: c.Contents, Packer: e.By})
		p.Status = StatusOpen
	default:
		return p, event.Unexpected("pack", e)
	}
	if err != nil {
		return Packing{}, err
	}
	return p, nil
}

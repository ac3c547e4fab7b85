package receiving

import (
	"cmp"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/party"
)

// Count is what came of a line. All goods that came are one of the four.
type Count struct {
	Good     int64 `json:"good,omitempty"`
	Damaged  int64 `json:"damaged,omitempty"`
	Held     int64 `json:"held,omitempty"`
	Rejected int64 `json:"rejected,omitempty"` // held, and not passed
	// OtherExpiry is how many of them expire on another day than was announced.
	OtherExpiry int64 `json:"other_expiry,omitempty"`
}

// Got is all that came.
func (c Count) Got() int64 { return c.Good + c.Damaged + c.Held + c.Rejected }

// Expected is a line with what came of it. One that nobody announced expects nothing.
type Expected struct {
	Line
	Count
	Unannounced bool `json:"unannounced,omitempty"`
}

// Open is what has not come yet.
func (e Expected) Open() int64 { return max(0, e.Qty-e.Got()) }

// Entry is what was received at one place in one stage. Judged goods move from one entry to
// another.
type Entry struct {
	inventory.Place
	Line  int    `json:"line"`
	Stage string `json:"stage"`
	Qty   int64  `json:"qty"`
}

// Act is what was said under a name.
type Act struct {
	inventory.Place
	Entry string `json:"entry"`
	Item  string `json:"item"`
	Qty   int64  `json:"qty"`
	As    string `json:"as,omitempty"` // the condition
	// Expiry and Serials are what was said of the goods, or announced.
	Expiry  inventory.Date `json:"expiry,omitempty"`
	Serials []string       `json:"serials,omitempty"`
}

// Receipt is the state of a receipt. The zero Receipt does not exist.
type Receipt struct {
	Head
	Kind      string        `json:"kind"`
	Supplier  string        `json:"supplier,omitempty"`
	Reference string        `json:"reference,omitempty"`
	Due       time.Time     `json:"due,omitzero"`
	Parties   []party.Coded `json:"parties,omitempty"`
	Status    string        `json:"status"`
	Dock      string        `json:"dock,omitempty"`
	Lines     []Expected    `json:"lines,omitempty"`
	Entries   []Entry       `json:"entries,omitempty"`
	Acts      []Act         `json:"acts,omitempty"`
	// Discrepancies are those that it was closed with.
	Discrepancies []Discrepancy `json:"discrepancies,omitempty"`
	Reason        string        `json:"reason,omitempty"` // why it was cancelled
}

// Known reports whether it was ever announced or received.
func (r Receipt) Known() bool { return r.ID != "" }

// Ended reports whether nothing of it is received any more.
func (r Receipt) Ended() bool { return r.Status == StatusClosed || r.Status == StatusCancelled }

// Line is the line of that number.
func (r Receipt) Line(no int) (Expected, bool) {
	if i := r.index(no); i >= 0 {
		return r.Lines[i], true
	}
	return Expected{}, false
}

func (r Receipt) index(no int) int {
	return slices.IndexFunc(r.Lines, func(l Expected) bool { return l.No == no })
}

// Fold makes a [Receipt].
var Fold = event.Fold[Receipt]{Kind: "receipt", Version: 4, Apply: apply}

func apply(r Receipt, e event.Event) (Receipt, error) {
	switch e := e.(type) {
	case Announced:
		return Receipt{Head: e.Head, Status: StatusAnnounced}.announced(e.Announcement), nil
	case Changed:
		return r.announced(e.Announcement), nil
	case Arrived:
		r.Dock = e.Dock
		if r.Status == StatusAnnounced {
			r.Status = StatusArrived
		}
	case Received:
		return r.received(e), nil
	case Judged:
		return r.judged(e), nil
	case Moved:
		r.Entries = put(slices.Clone(r.Entries), Entry{e.From, e.Line, inventory.Held, -e.Qty})
		r.Entries = put(r.Entries, Entry{e.To, e.Line, inventory.Held, e.Qty})
		r.Entries = slices.DeleteFunc(r.Entries, func(x Entry) bool { return x.Qty == 0 })
	case Closed:
		r.Status, r.Discrepancies = StatusClosed, e.Discrepancies
	case Cancelled:
		r.Status, r.Reason = StatusCancelled, e.Reason
	default:
		return r, event.Unexpected("receipt", e)
	}
	return r, nil
}

// announced takes an announcement over; what came of a line stays with its number.
func (r Receipt) announced(a Announcement) Receipt {
	r.Kind, r.Supplier, r.Reference, r.Due, r.Parties = a.Kind, a.Supplier, a.Reference, a.Due, a.Parties
	lines := make([]Expected, 0, len(a.Lines))
	for _, l := range a.Lines {
		x := Expected{Line: l}
		if was, ok := r.Line(l.No); ok {
			x.Count = was.Count
		}
		lines = append(lines, x)
	}
	for _, l := range r.Lines {
		if l.Unannounced {
			lines = append(lines, l)
		}
	}
	slices.SortStableFunc(lines, func(a, b Expected) int { return cmp.Compare(a.No, b.No) })
	r.Lines = lines
	return r
}

func (r Receipt) received(e Received) Receipt {
	r.Status = StatusReceiving
	r.Lines = slices.Clone(r.Lines)
	i := r.index(e.Line)
	if i < 0 {
		r.Lines = append(r.Lines, Expected{Line: Line{No: e.Line, Item: e.Item}, Unannounced: true})
		i = len(r.Lines) - 1
	}
	as := Good
	switch n := &r.Lines[i]; e.Stage {
	case inventory.Held:
		n.Held += e.Qty
		if e.Reason != ReasonOver && e.Reason != ReasonInspect && e.Reason != ReasonLotHeld {
			as = OnHold
		}
	case inventory.Damaged:
		n.Damaged += e.Qty
		as = Damaged
	default:
		n.Good += e.Qty
	}
	if n := &r.Lines[i]; n.Expiry != "" && e.Expiry != "" && e.Expiry != n.Expiry && (n.Lot == "" || n.Lot == e.Lot) {
		n.OtherExpiry += e.Qty
	}
	r.Entries = put(slices.Clone(r.Entries), Entry{e.Place, e.Line, e.Stage, e.Qty})
	if e.Entry == "" {
		return r
	}
	r.Acts = slices.Clone(r.Acts)
	if i := slices.IndexFunc(r.Acts, func(a Act) bool { return a.Entry == e.Entry }); i >= 0 {
		r.Acts[i].Qty += e.Qty
		r.Acts[i].Serials = slices.Concat(r.Acts[i].Serials, e.Serials)
		return r
	}
	r.Acts = append(r.Acts, Act{e.Place, e.Entry, e.Item, e.Qty, as, e.Expiry, e.Serials})
	return r
}

// put adds to the entry of the same line, place and stage.
func put(list []Entry, x Entry) []Entry {
	i := slices.IndexFunc(list, func(y Entry) bool { return y.Line == x.Line && y.Place == x.Place && y.Stage == x.Stage })
	if i < 0 {
		return append(list, x)
	}
	list[i].Qty += x.Qty
	return list
}

func (r Receipt) judged(e Judged) Receipt {
	r.Lines, r.Entries = slices.Clone(r.Lines), slices.Clone(r.Entries)
	if i := r.index(e.Line); i >= 0 {
		r.Lines[i].Held -= e.Qty
		if e.Pass {
			r.Lines[i].Good += e.Qty
		} else {
			r.Lines[i].Rejected += e.Qty
		}
	}
	r.Entries = put(r.Entries, Entry{e.Place, e.Line, inventory.Held, -e.Qty})
	r.Entries = put(r.Entries, Entry{e.Place, e.Line, e.Stage, e.Qty})
	r.Entries = slices.DeleteFunc(r.Entries, func(x Entry) bool { return x.Qty == 0 })
	return r
}

// What a receipt differs in.
const (
	Under       = "under"       // less came than was announced
	Over        = "over"        // more did
	Unexpected  = "unexpected"  // nobody announced it
	WasDamaged  = "damaged"     // it came damaged
	WasRejected = "rejected"    // it did not pass
	StillHeld   = "held"        // nobody has said yet whether it passes
	OtherLot    = "lot"         // it is of another lot than was announced
	OtherExpiry = "expiry"      // it expires on another day than was announced
	MissingLPN  = "lpn_missing" // nothing came of what was announced on it
)

// Discrepancy is one thing in which a receipt differs from its announcement: Qty of them.
type Discrepancy struct {
	Kind     string `json:"kind"`
	Line     int    `json:"line,omitempty"`
	Item     string `json:"item,omitempty"`
	Lot      string `json:"lot,omitempty"`
	LPN      string `json:"lpn,omitempty"`
	Expected int64  `json:"expected"`
	Received int64  `json:"received"`
	Qty      int64  `json:"qty"`
}

// Differs is what the receipt differs in as it stands, by line.
func (r Receipt) Differs() []Discrepancy {
	var out []Discrepancy
	lpns, came := []string{}, map[string]bool{}
	for _, l := range r.Lines {
		note := func(kind string, qty int64) {
			if qty > 0 {
				out = append(out, Discrepancy{Kind: kind, Line: l.No, Item: l.Item, Lot: l.Lot, LPN: l.LPN, Expected: l.Qty, Received: l.Got(), Qty: qty})
			}
		}
		note(Under, l.Open())
		if l.Unannounced {
			note(Unexpected, l.Got())
		} else {
			note(Over, l.Got()-l.Qty)
		}
		note(WasDamaged, l.Damaged)
		note(WasRejected, l.Rejected)
		note(StillHeld, l.Held)
		r.otherLots(l, &out)
		note(OtherExpiry, l.OtherExpiry)
		if l.LPN != "" {
			if !slices.Contains(lpns, l.LPN) {
				lpns = append(lpns, l.LPN)
			}
			came[l.LPN] = came[l.LPN] || l.Got() > 0
		}
	}
	for _, lpn := range lpns {
		if !came[lpn] {
			out = append(out, Discrepancy{Kind: MissingLPN, LPN: lpn, Qty: 1})
		}
	}
	return out
}

// otherLots are lots that came of a line which names another.
func (r Receipt) otherLots(l Expected, out *[]Discrepancy) {
	if l.Lot == "" {
		return
	}
	from := len(*out)
	for _, x := range r.Entries {
		if x.Line != l.No || x.Lot == l.Lot {
			continue
		}
		i := slices.IndexFunc((*out)[from:], func(d Discrepancy) bool { return d.Lot == x.Lot })
		if i < 0 {
			*out = append(*out, Discrepancy{Kind: OtherLot, Line: l.No, Item: l.Item, Lot: x.Lot, LPN: l.LPN, Expected: l.Qty, Received: l.Got()})
			i = len(*out) - 1 - from
		}
		(*out)[from+i].Qty += x.Qty
	}
}

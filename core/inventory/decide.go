package inventory

import (
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scope"
)

// MaxQty bounds the quantity of one movement, so that balances cannot overflow.
const MaxQty = int64(1) << 40

// decision collects what one command leads to.
type decision struct {
	op   string
	key  BookKey
	head Head
	err  error
	post postings
	out  []event.Event
}

func decide(op string, k BookKey, at time.Time) *decision {
	d := &decision{op: "inventory." + op, key: k, head: Head{k, at.UTC()}, post: postings{book: k.Book()}}
	if err := k.Validate(); err != nil {
		d.err = fault.Wrap(d.op, err)
	}
	return d
}

func (d *decision) bad(place, format string, a ...any) {
	if d.err == nil {
		d.err = fault.At(d.op, fault.Invalid, place, fmt.Errorf(format, a...))
	}
}

func (d *decision) qty(place string, q int64) {
	if q < 1 || q > MaxQty {
		d.bad(place, "%d is not between 1 and %d", q, MaxQty)
	}
}

func (d *decision) part(place, v string) {
	if err := scope.CheckPart(v); err != nil {
		d.bad(place, "%w", err)
	}
}

func (d *decision) optional(place, v string) {
	if v != "" {
		d.part(place, v)
	}
}

func (d *decision) place(prefix string, p Place) {
	d.part(prefix+"location", p.Location)
	d.optional(prefix+"lot", p.Lot)
	d.optional(prefix+"lpn", p.LPN)
}

func (d *decision) move(qty int64, from, to Account) { d.post.move(qty, from.String(), to.String()) }

func (d *decision) emit(e event.Event) { d.out = append(d.out, e) }

func (d *decision) done() ([]event.Event, []journal.Posting, error) {
	if d.err != nil {
		return nil, nil, d.err
	}
	return d.out, d.post.out, nil
}

// MaxSerials is the most serial numbers of one movement.
const MaxSerials = 1000

// serials moves serial-numbered units with the goods; needed says that the item is tracked by
// them.
func (d *decision) serials(list []string, qty int64, needed bool, from, to string) {
	d.serialsFrom(list, qty, needed, func(string) string { return from }, to)
}

func (d *decision) serialsFrom(list []string, qty int64, needed bool, from func(serial string) string, to string) {
	switch {
	case len(list) == 0 && needed:
		d.bad("serials", "item %s is tracked by serial number: name those of the %d units", d.key.Item, qty)
		return
	case len(list) == 0:
		return
	case len(list) > MaxSerials:
		d.bad("serials", "has %d serial numbers, at most %d go in one movement: split it", len(list), MaxSerials)
		return
	case int64(len(list)) != qty:
		d.bad("serials", "has %d serial numbers for %d units", len(list), qty)
		return
	}
	seen := make(map[string]bool, len(list))
	for i, s := range list {
		place := fmt.Sprintf("serials[%d]", i)
		d.part(place, s)
		if seen[s] {
			d.bad(place, "%q is named twice", s)
		}
		seen[s] = true
		if f := from(s); f != to {
			d.post.move(1, SerialState(f, s), SerialState(to, s))
		}
	}
}

// named checks serial numbers of units that stay as they are, wherever they go.
func (d *decision) named(list []string, qty int64) { d.serials(list, qty, false, "", "") }

// Kept says where the books have a serial number of a unit that lies on a shelf: [SerialShelf]
// or [SerialHeld]. Nil is where its stage says.
type Kept func(serial string) string

func (k Kept) on(stage string) func(string) string {
	if k != nil {
		return k
	}
	return func(string) string { return SerialOn(stage) }
}

func shelfStage(stage string) bool {
	return stage == Free || stage == Held || stage == Damaged || stage == Suspect || stage == Received
}

// Decide brings goods in. A lot has one expiry date: another than s knows is Invalid.
func (c Receive) Decide(s Stock, at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Receive", c.BookKey, at)
	if c.Stage == "" {
		c.Stage = Free
	}
	if c.From == "" {
		c.From = Supplier
	}
	d.qty("qty", c.Qty)
	d.place("", c.Place)
	d.part("from", c.From)
	if c.Stage != Free && c.Stage != Held && c.Stage != Damaged && c.Stage != Received {
		d.bad("stage", "%q is not %s, %s, %s or %s", c.Stage, Free, Held, Damaged, Received)
	}
	if err := c.Expiry.Validate(); err != nil {
		d.bad("expiry", "%w", err)
	}
	if c.Tracking.Lot && c.Lot == "" {
		d.bad("lot", "item %s is tracked by lot: a receipt must name it", c.Item)
	}
	known := s.Expires(c.Lot)
	switch {
	case c.Tracking.Expiry && c.Expiry == "" && known == "":
		d.bad("expiry", "item %s expires: a receipt must say when", c.Item)
	case c.Expiry != "" && c.Lot == "":
		d.bad("lot", "an expiry date belongs to a lot: name it")
	case c.Expiry != "" && known != "" && known != c.Expiry:
		d.bad("expiry", "lot %s is recorded to expire on %s, not %s", c.Lot, known, c.Expiry)
	case c.Expiry == "":
		c.Expiry = known
	}
	c.checkItem(d, Date(at.UTC().Format(time.DateOnly)))
	d.serials(c.Serials, c.Qty, c.Tracking.Serial, SerialAway, SerialOn(c.Stage))
	d.post.move(c.Qty, World(c.From), c.In(c.Stage).String())
	if c.Stage == Free {
		d.post.free(c.Qty)
	}
	d.emit(StockReceived{Head: d.head, Place: c.Place, Stage: c.Stage, Qty: c.Qty, Expiry: c.Expiry, From: c.From, Reference: c.Reference, Serials: slices.Clone(c.Serials)})
	return d.done()
}

// checkItem holds what the item's master data says about receipts.
func (c Receive) checkItem(d *decision, today Date) {
	switch {
	case d.err != nil:
	case c.Status == item.Blocked:
		d.err = fault.At(d.op, fault.Rejected, "item", fmt.Errorf("item %s is blocked: nothing of it is received until it is active again", c.Item))
	case c.Status == item.PhasedOut && c.From == Supplier:
		d.err = fault.At(d.op, fault.Rejected, "item", fmt.Errorf("item %s is phased out: only returns and opening stock are received", c.Item))
	case c.MinDays > 0 && (c.Stage == Free || c.Stage == Received) && c.Expiry != "" && c.Expiry < today.Plus(c.MinDays):
		d.err = fault.At(d.op, fault.Rejected, "expiry", fmt.Errorf("lot %s expires on %s, item %s must have %d days left when it is received: receive it with stage %s, or send it back",
			c.Lot, c.Expiry, c.Item, c.MinDays, Held))
	}
}

// Decide promises goods. A shortage that balance already shows is a Rejected error
// with a [ShortageError]; with Partial what there is is promised, and nothing at all
// is no event. A nil balance leaves the answer to the floor.
func (c Reserve) Decide(balance Balance, at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Reserve", c.BookKey, at)
	d.qty("qty", c.Qty)
	if d.err == nil && balance != nil {
		if atp := max(0, balance(d.post.book, ATP)); atp < c.Qty {
			if !c.Partial {
				d.err = fault.At(d.op, fault.Rejected, "qty", &ShortageError{c.Item, c.Qty, atp})
			}
			c.Qty = atp
		}
	}
	if d.err != nil || c.Qty == 0 {
		return d.done()
	}
	d.post.move(c.Qty, ATP, Promised)
	d.emit(StockReserved{d.head, c.For, c.Qty})
	return d.done()
}

// Decide takes a promise back.
func (c Release) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Release", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.post.move(c.Qty, Promised, ATP)
	d.emit(StockReleased{d.head, c.For, c.Qty, c.Reason})
	return d.done()
}

// Decide takes an allocation back.
func (c Deallocate) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Deallocate", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.place("", c.Place)
	d.move(c.Qty, c.In(Allocated), c.In(Free))
	to := ATP
	if c.Keep {
		to = Promised
	}
	d.post.move(c.Qty, Unallocated, to)
	d.emit(StockDeallocated{d.head, c.For, c.Place, c.Qty, c.Keep, c.Reason})
	return d.done()
}

// Decide moves allocated goods into a tote.
func (c Pick) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Pick", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.place("", c.Place)
	d.part("tote", c.Tote)
	d.move(c.Qty, c.In(Allocated), InTote(c.Lot, c.Tote))
	d.serials(c.Serials, c.Qty, false, SerialShelf, SerialOut)
	d.emit(StockPicked{d.head, c.For, c.Place, c.Tote, c.Qty, slices.Clone(c.Serials)})
	return d.done()
}

// Decide books what was found, makes the rest suspect and asks for a count. Free
// stock of the same place is doubted with it as far as it is not promised; what is
// promised stays so, and the place is not chosen again until it was counted.
func (c Short) Decide(balance Balance, at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Short", c.BookKey, at)
	d.qty("expected", c.Expected)
	d.place("", c.Place)
	if c.Found < 0 || c.Found >= c.Expected {
		d.bad("found", "%d of %d is not short", c.Found, c.Expected)
	}
	if c.Found > 0 {
		d.part("tote", c.Tote)
	}
	if d.err != nil {
		return d.done()
	}
	missing, doubted := c.Expected-c.Found, int64(0)
	if balance != nil {
		doubted = max(0, min(balance(d.post.book, c.In(Free).String()), balance(d.post.book, ATP)))
	}
	if c.Found > 0 {
		d.move(c.Found, c.In(Allocated), InTote(c.Lot, c.Tote))
	}
	d.move(missing, c.In(Allocated), c.In(Suspect))
	if doubted > 0 {
		d.move(doubted, c.In(Free), c.In(Suspect))
		d.post.free(-doubted)
	}
	d.emit(StockShorted{d.head, c.For, c.Place, c.Expected, c.Found, missing, doubted})
	d.emit(CountRequested{d.head, c.For, c.Place, "short_pick", c.By})
	return d.done()
}

// Decide takes picked, packed or staged goods from their order.
func (c PutBack) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("PutBack", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.place("to.", c.To)
	d.part("from.lpn", c.From.LPN)
	if s := c.From.Stage; s != Picked && s != Packed && s != Staged {
		d.bad("from.stage", "%q is not %s, %s or %s", s, Picked, Packed, Staged)
	}
	if c.From.Lot != c.To.Lot {
		d.bad("to.lot", "goods of lot %q cannot be put back as lot %q", c.From.Lot, c.To.Lot)
	}
	switch c.Stage {
	case "", Free:
		d.move(c.Qty, c.From, c.To.In(Free))
		d.post.free(c.Qty)
	case Received:
		d.move(c.Qty, c.From, c.To.In(Received))
	default:
		d.bad("stage", "%q is not %s or %s", c.Stage, Free, Received)
	}
	d.serials(c.Serials, c.Qty, false, SerialOut, SerialShelf)
	d.emit(StockPutBack{d.head, c.For, c.From, c.To, c.Qty, c.Reason, slices.Clone(c.Serials), c.Stage})
	return d.done()
}

// Decide moves goods from a tote into a slot.
func (c Sort) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Sort", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.part("tote", c.Tote)
	d.part("slot", c.Slot)
	d.optional("lot", c.Lot)
	d.move(c.Qty, InTote(c.Lot, c.Tote), InTote(c.Lot, c.Slot))
	d.emit(StockSorted{d.head, c.For, c.Lot, c.Tote, c.Slot, c.Qty, slices.Clone(c.Serials)})
	return d.done()
}

// Decide moves goods from a tote into a carton.
func (c Pack) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Pack", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.part("tote", c.Tote)
	d.part("carton", c.Carton)
	d.optional("lot", c.Lot)
	d.move(c.Qty, InTote(c.Lot, c.Tote), InCarton(c.Lot, c.Carton))
	d.emit(StockPacked{d.head, c.For, c.Tote, c.Lot, c.Carton, c.Qty, slices.Clone(c.Serials)})
	return d.done()
}

// Decide moves goods from a carton back into their tote.
func (c Unpack) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Unpack", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.part("tote", c.Tote)
	d.part("carton", c.Carton)
	d.optional("lot", c.Lot)
	d.move(c.Qty, InCarton(c.Lot, c.Carton), InTote(c.Lot, c.Tote))
	d.emit(StockUnpacked{d.head, c.For, c.Tote, c.Lot, c.Carton, c.Qty, slices.Clone(c.Serials)})
	return d.done()
}

// Decide moves a carton's goods to the dock.
func (c Stage) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Stage", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.part("carton", c.Carton)
	d.part("location", c.Location)
	d.optional("lot", c.Lot)
	d.move(c.Qty, InCarton(c.Lot, c.Carton), AtDock(c.Location, c.Lot, c.Carton))
	d.emit(StockStaged{d.head, c.For, c.Carton, c.Lot, c.Location, c.Qty})
	return d.done()
}

// Decide sends goods to the customer. The floor of the carton's account refuses
// what left already.
func (c Ship) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Ship", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.part("carton", c.Carton)
	d.optional("lot", c.Lot)
	d.optional("staged", c.Staged)
	from := InCarton(c.Lot, c.Carton)
	if c.Staged != "" {
		from = AtDock(c.Staged, c.Lot, c.Carton)
	}
	d.post.move(c.Qty, from.String(), World(Customer))
	d.serials(c.Serials, c.Qty, false, SerialOut, SerialAway)
	d.emit(StockShipped{d.head, c.For, c.Carton, c.Lot, c.Staged, c.Qty, slices.Clone(c.Serials)})
	return d.done()
}

// Decide sets the books right. Free stock that is promised cannot be written off:
// the floor of [ATP] refuses it until the promises are released.
func (c Adjust) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Adjust", c.BookKey, at)
	d.place("", c.Place)
	d.part("reason", c.Reason)
	if c.Delta == 0 || c.Delta > MaxQty || c.Delta < -MaxQty {
		d.bad("delta", "%d is zero or beyond %d", c.Delta, MaxQty)
	}
	if !shelfStage(c.Stage) {
		d.bad("stage", "%q cannot be adjusted", c.Stage)
	}
	if acc := c.In(c.Stage).String(); c.Delta > 0 {
		d.post.move(c.Delta, World(Adjustment), acc)
		d.serials(c.Serials, c.Delta, c.Tracking.Serial, SerialAway, SerialOn(c.Stage))
	} else {
		d.post.move(-c.Delta, acc, World(Adjustment))
		d.serialsFrom(c.Serials, -c.Delta, c.Tracking.Serial, c.Kept.on(c.Stage), SerialAway)
	}
	if c.Stage == Free {
		d.post.free(c.Delta)
	}
	d.emit(StockAdjusted{d.head, c.Place, c.Stage, c.Delta, c.Reason, c.By, slices.Clone(c.Serials)})
	return d.done()
}

// Decide moves goods from shelf to shelf.
func (c Transfer) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Transfer", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.place("from.", c.From)
	d.place("to.", c.To)
	if c.From == c.To {
		d.bad("to", "is where the goods lie already")
	}
	if c.From.Lot != c.To.Lot {
		d.bad("to.lot", "goods of lot %q do not become lot %q by being moved", c.From.Lot, c.To.Lot)
	}
	stage, told := Free, ""
	switch c.Stage {
	case "", Free:
	case Held, Damaged, Received:
		stage, told = c.Stage, c.Stage
	default:
		d.bad("stage", "goods that are %s are not moved by themselves", c.Stage)
	}
	d.move(c.Qty, c.From.In(stage), c.To.In(stage))
	d.named(c.Serials, c.Qty)
	d.emit(StockTransferred{d.head, c.From, c.To, c.Qty, c.Reason, told, slices.Clone(c.Serials)})
	return d.done()
}

// Decide puts goods away: from then on they are free, whatever they were.
func (c PutAway) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("PutAway", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.place("from.", c.From)
	d.place("to.", c.To)
	d.part("task", c.Task)
	if c.Stage != Free && c.Stage != Received {
		d.bad("stage", "%q is neither %s nor %s: only these are put away", c.Stage, Free, Received)
	}
	if c.From == c.To {
		d.bad("to", "is where the goods lie already")
	}
	if c.From.Lot != c.To.Lot {
		d.bad("to.lot", "goods of lot %q do not become lot %q by being moved", c.From.Lot, c.To.Lot)
	}
	if c.Planned != "" && c.Planned != c.To.Location {
		d.part("reason", c.Reason)
	}
	d.move(c.Qty, c.From.In(c.Stage), c.To.In(Free))
	if c.Stage == Received {
		d.post.free(c.Qty)
	}
	d.named(c.Serials, c.Qty)
	d.emit(StockPutAway{d.head, c.From, c.To, c.Stage, c.Qty, c.Task, c.Planned, c.Reason, c.By, slices.Clone(c.Serials)})
	return d.done()
}

// Decide says so.
func (c DirectPutAway) Decide(at time.Time) ([]event.Event, error) {
	d := decide("DirectPutAway", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.place("from.", c.From)
	d.part("to", c.To)
	d.part("task", c.Task)
	d.part("because", c.Why.Because)
	d.emit(PutAwayDirected{d.head, c.From, c.To, c.Qty, c.Task, c.Why})
	out, _, err := d.done()
	return out, err
}

// Decide says that goods stay where they are for now.
func (c DeferPutAway) Decide(at time.Time) ([]event.Event, error) {
	d := decide("DeferPutAway", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.place("", c.Place)
	d.part("because", c.Because)
	if !shelfStage(c.Stage) {
		d.bad("stage", "%q is not a stage of goods on a shelf", c.Stage)
	}
	d.emit(PutAwayDeferred{d.head, c.Place, c.Stage, c.Qty, c.Because, c.Refused})
	out, _, err := d.done()
	return out, err
}

// Decide moves goods between the stages of a shelf.
func (c ChangeStatus) Decide(at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("ChangeStatus", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.place("", c.Place)
	d.part("reason", c.Reason)
	if !shelfStage(c.From) {
		d.bad("from", "%q is not a stage of goods on a shelf", c.From)
	}
	if !shelfStage(c.To) {
		d.bad("to", "%q is not a stage of goods on a shelf", c.To)
	}
	if c.From == c.To {
		d.bad("to", "is the stage they have already")
	}
	d.move(c.Qty, c.Place.In(c.From), c.Place.In(c.To))
	if c.From == Free {
		d.post.free(-c.Qty)
	}
	if c.To == Free {
		d.post.free(c.Qty)
	}
	d.serialsFrom(c.Serials, c.Qty, false, c.Kept.on(c.From), SerialOn(c.To))
	d.emit(StockStatusChanged{d.head, c.Place, c.From, c.To, c.Qty, c.Reason, c.By, slices.Clone(c.Serials)})
	return d.done()
}

// Decide says so.
func (c AskReplenishment) Decide(at time.Time) ([]event.Event, error) {
	d := decide("AskReplenishment", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.part("location", c.Location)
	d.part("task", c.Task)
	d.part("kind", c.Kind)
	d.emit(ReplenishmentAsked{d.head, c.Location, c.Task, c.Qty, c.Kind, c.Have, c.Coming, c.Min, c.Max, c.Wanted})
	out, _, err := d.done()
	return out, err
}

// Decide asks for a count.
func (c RequestCount) Decide(at time.Time) ([]event.Event, error) {
	d := decide("RequestCount", c.BookKey, at)
	d.place("", c.Place)
	d.part("cause", c.Cause)
	d.emit(CountRequested{d.head, c.For, c.Place, c.Cause, ""})
	out, _, err := d.done()
	return out, err
}

// InTote is the account of goods that were picked into a tote.
func InTote(lot, tote string) Account { return Account{Stage: Picked, Lot: lot, LPN: tote} }

// InCarton is the account of goods in a closed carton.
func InCarton(lot, carton string) Account { return Account{Stage: Packed, Lot: lot, LPN: carton} }

// AtDock is the account of goods in a carton that stands at the dock.
func AtDock(location, lot, carton string) Account {
	return Account{Stage: Staged, Location: location, Lot: lot, LPN: carton}
}

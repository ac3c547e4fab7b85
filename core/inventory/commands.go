package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/item"
)

// Commands. Quantities are in the item's smallest unit. Each has a method Decide that
// answers with events and their postings, or an error and neither.

// Receive brings goods in. Stage "" is free, From "" is the supplier.
type Receive struct {
	BookKey
	Place
	Stage     string
	Qty       int64
	Expiry    Date
	From      string
	Reference string
	Tracking  item.Tracking // what the item demands to be recorded
	Status    string        // of the item: what is phased out or blocked is not received
	MinDays   int           // days that a lot must still have, unless it is received on hold
	Serials   []string
}

// Reserve promises Qty to an order line. With Partial, as much as is available to
// promise is reserved, else all of it is asked for and the floor decides.
type Reserve struct {
	BookKey
	For
	Qty     int64
	Partial bool
}

// Release takes a promise back.
type Release struct {
	BookKey
	For
	Qty    int64
	Reason string
}

// Strategies of allocation.
const (
	FIFO        = "fifo"          // oldest receipt first
	FEFO        = "fefo"          // earliest expiry first, then oldest receipt
	LIFO        = "lifo"          // newest receipt first
	FullFirst   = "full_first"    // places that the rest empties or that cover it whole, then fifo
	ByUnit      = "by_unit"       // whole pallets from pallets, whole cases from cases, the rest from pick faces
	FewestPicks = "fewest_picks"  // from as few places as can be
	PickToClean = "pick_to_clean" // empties as many places as can be
)

// Strategies are all of them.
func Strategies() []string {
	return []string{FIFO, FEFO, LIFO, FullFirst, ByUnit, FewestPicks, PickToClean}
}

// CheckStrategy says why a name is no strategy, or nil; "" is [FIFO].
func CheckStrategy(name string) error {
	if name != "" && !slices.Contains(Strategies(), name) {
		return fmt.Errorf("%q is none of %s", name, strings.Join(Strategies(), ", "))
	}
	return nil
}

// Who demands that goods last until a day.
const (
	ByLine     = "line"
	ByCustomer = "customer"
	ByItem     = "item"
	ByOwner    = "owner" // of all items that demand nothing themselves
)

// Allocate gives Qty promised units a place, or several. Lot pins one lot; goods
// that expire before MinExpiry are passed over, as MinExpiryBy demands. Units are what
// [ByUnit] picks in. Without Partial, a stock that cannot cover Qty is an error that says
// how much it could.
type Allocate struct {
	BookKey
	For
	Qty         int64
	Strategy    string
	Lot         string
	MinExpiry   Date
	MinExpiryBy string
	Units       []item.Unit
	Partial     bool
}

// Deallocate takes an allocation back. Keep leaves the goods promised to the line.
type Deallocate struct {
	BookKey
	For
	Place
	Qty    int64
	Keep   bool
	Reason string
}

// Pick moves allocated goods from their place into a tote.
type Pick struct {
	BookKey
	For
	Place
	Tote    string
	Qty     int64
	Serials []string
}

// Short says that of Expected allocated units only Found are there. The found ones
// go into Tote; the rest of the place is doubted and a count requested.
type Short struct {
	BookKey
	For
	Place
	Tote     string
	Expected int64
	Found    int64
	By       string // who did not find it
}

// PutBack takes picked, packed or staged goods from their order: back to a shelf, or, with the
// Stage received, to where they wait to be put away.
type PutBack struct {
	BookKey
	For
	From    Account
	To      Place
	Qty     int64
	Reason  string
	Serials []string
	Stage   string // free, which "" is, or received
}

// Sort moves picked goods from a tote into the slot or tote of their order.
type Sort struct {
	BookKey
	For
	Lot     string
	Tote    string
	Slot    string
	Qty     int64
	Serials []string
}

// Pack moves picked goods from a tote into a closed carton.
type Pack struct {
	BookKey
	For
	Tote    string
	Lot     string
	Carton  string
	Qty     int64
	Serials []string
}

// Unpack moves goods of a carton that was opened again back to their tote.
type Unpack Pack

// Stage moves a carton's goods to the dock.
type Stage struct {
	BookKey
	For
	Carton   string
	Lot      string
	Location string
	Qty      int64
}

// Ship sends a carton's goods to the customer. Staged is the dock location, ""
// when the carton leaves from packing.
type Ship struct {
	BookKey
	For
	Carton  string
	Lot     string
	Staged  string
	Qty     int64
	Serials []string
}

// Adjust sets the books right by Delta, at one place and stage (free, held,
// damaged, suspect).
type Adjust struct {
	BookKey
	Place
	Stage    string
	Delta    int64
	Reason   string
	By       string
	Serials  []string
	Kept     Kept          // where those are that leave
	Tracking item.Tracking // what the item demands to be recorded
}

// Transfer moves goods from shelf to shelf: free ones, or of the Stage held, damaged or received.
type Transfer struct {
	BookKey
	From, To Place
	Qty      int64
	Reason   string
	Stage    string
	Serials  []string // of the units, where it matters which
}

// PutAway moves goods from where they were received to a shelf, by a task. Planned is where the
// task said; brought elsewhere, Reason says why.
type PutAway struct {
	BookKey
	From, To              Place
	Stage                 string // that they are in: free or received
	Qty                   int64
	Task, Planned, Reason string
	By                    string
	Serials               []string // of the units, where it matters which
}

// DirectPutAway says where goods are to be put away, and why there.
type DirectPutAway struct {
	BookKey
	From Place
	To   string
	Qty  int64
	Task string
	Why  WhyThere
}

// DeferPutAway says that goods are not put away for now, and why.
type DeferPutAway struct {
	BookKey
	Place   Place
	Stage   string
	Qty     int64
	Because string    // see package putaway
	Refused []Skipped // the first few places that do not take them
}

// AskReplenishment says what is brought to a pick face by a task, and why.
type AskReplenishment struct {
	BookKey
	Location, Task         string
	Qty                    int64
	Kind                   string
	Have, Coming, Min, Max int64
	Wanted                 int64
}

// RequestCount asks for a count of a place; until then it is not chosen.
type RequestCount struct {
	BookKey
	For
	Place
	Cause string
}

// ChangeStatus moves goods on a shelf between free, held, damaged and suspect.
type ChangeStatus struct {
	BookKey
	Place
	From, To string
	Qty      int64
	Reason   string
	By       string
	Serials  []string
	Kept     Kept
}

package journal

import "math"

// NoFloor is the floor of an account that may go below any amount.
const NoFloor int64 = math.MinInt64

// Posting moves Amount onto an account. The postings of one unit balance: their
// amounts sum to zero in each book, so stock is double entry by construction.
//
// Floors belong to accounts: the first posting of an account sets its floor,
// later ones name the same (another is refused as FloorChanged). Floors are
// judged after the whole unit, so a unit may dip and return.
type Posting struct {
	Book    string // what is counted: one item at one facility, say
	Account string // where it is: unique within the book
	Amount  int64  // in the item's smallest unit
	Floor   int64  // least balance the account may have after a unit, or NoFloor
}

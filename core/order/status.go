package order

// Status is where an order stands, in one word for people and queries. Decisions
// are made on quantities.
type Status string

// Statuses of an order.
const (
	StatusNone               Status = ""
	StatusRejected           Status = "rejected"
	StatusHeld               Status = "held"
	StatusAccepted           Status = "accepted"
	StatusBackordered        Status = "backordered"
	StatusPartiallyReserved  Status = "partially_reserved"
	StatusReserved           Status = "reserved"
	StatusPartiallyAllocated Status = "partially_allocated"
	StatusAllocated          Status = "allocated"
	StatusWaved              Status = "waved"
	StatusPicking            Status = "picking"
	StatusPicked             Status = "picked"
	StatusPacking            Status = "packing"
	StatusPacked             Status = "packed"
	StatusPartiallyShipped   Status = "partially_shipped"
	StatusShipped            Status = "shipped"
	StatusShort              Status = "short" // closed, and nothing was shipped
	StatusCancelled          Status = "cancelled"
	StatusMerged             Status = "merged" // its lines belong to another order
)

// Totals are the quantities of an order summed over its lines; items of all kinds
// are added up, so they serve comparison with zero and with each other only.
type Totals struct {
	Ordered, Open, Unassigned                        int64
	Reserved, Allocated, Picked, Packed, Backordered int64
	Shipped, Short, Cancelled                        int64
	HeldLines                                        int
}

// Totals sums the lines.
func (o Order) Totals() Totals {
	var t Totals
	for _, l := range o.Lines {
		t.Ordered += l.Ordered
		t.Open += l.Open()
		t.Unassigned += l.Unassigned()
		t.Reserved += l.Reserved
		t.Allocated += l.Allocated
		t.Picked += l.Picked
		t.Packed += l.Packed
		t.Backordered += l.Backordered
		t.Shipped += l.Shipped
		t.Short += l.Short
		t.Cancelled += l.Cancelled
		if l.Held() {
			t.HeldLines++
		}
	}
	return t
}

// Closed reports whether nothing more will happen to the order.
func (o Order) Closed() bool {
	t := o.Totals()
	return o.Exists() && t.Open == 0 && t.HeldLines == 0
}

// Status is the furthest stage that something open has reached; a stage whose name
// has no "partially" or "-ing" has been reached by all that is open.
func (o Order) Status() Status {
	t := o.Totals()
	switch {
	case !o.Known():
		return StatusNone
	case o.Refused:
		return StatusRejected
	case t.Open == 0 && t.HeldLines == 0:
		switch {
		case o.MergedInto != "":
			return StatusMerged
		case t.Shipped > 0:
			return StatusShipped
		case t.Short > 0:
			return StatusShort
		}
		return StatusCancelled
	case o.OnHold():
		return StatusHeld
	case t.Shipped > 0:
		return StatusPartiallyShipped
	case t.Packed > 0:
		return full(t.Packed == t.Open, t, StatusPacked, StatusPacking)
	case t.Picked > 0:
		return full(t.Picked == t.Open, t, StatusPicked, StatusPicking)
	case o.InWave != "":
		return StatusWaved
	case t.Allocated > 0:
		return full(t.Allocated == t.Open, t, StatusAllocated, StatusPartiallyAllocated)
	case t.Reserved > 0:
		return full(t.Reserved == t.Open, t, StatusReserved, StatusPartiallyReserved)
	case t.Backordered > 0:
		return StatusBackordered
	}
	return StatusAccepted
}

func full(all bool, t Totals, whole, part Status) Status {
	if all && t.HeldLines == 0 {
		return whole
	}
	return part
}

package journal

import (
	"errors"
	"fmt"
	"slices"
)

// MaxOpen is the most records that one partition of a subscription may have open.
const MaxOpen = 4096

// Checkpoint is how far one partition of a subscription has come: everything up to High was
// delivered, and all of it is finished but the positions in Open. It advances by what
// was delivered and by the marks of units, both in the commit that holds the units.
//
// An auditor proves it: a record of the subscription's topics, of this partition, at or below
// High, after the subscription's start, is in Open or has exactly one unit that finished it.
type Checkpoint struct {
	High Pos
	Open []Pos // ascending
}

// Deliver notes that the record at pos was handed out. Positions arrive in order.
func (c *Checkpoint) Deliver(pos Pos) error {
	if pos <= c.High {
		return errors.New("journal: delivered behind the checkpoint")
	}
	if len(c.Open) >= MaxOpen {
		return errors.New("journal: more records open than a checkpoint holds")
	}
	c.High = pos
	c.Open = append(c.Open, pos)
	return nil
}

// Skip notes that up to pos nothing else belongs to this partition.
func (c *Checkpoint) Skip(pos Pos) { c.High = max(c.High, pos) }

// IsOpen reports whether pos was delivered and is not finished.
func (c *Checkpoint) IsOpen(pos Pos) bool {
	_, ok := slices.BinarySearch(c.Open, pos)
	return ok
}

// Finish takes pos off the open list; false when it was not there.
func (c *Checkpoint) Finish(pos Pos) bool {
	i, ok := slices.BinarySearch(c.Open, pos)
	if ok {
		c.Open = slices.Delete(c.Open, i, i+1)
	}
	return ok
}

// Append encodes c: High, then the gaps between open positions downwards, then a CRC-32C. It is
// the one row that no fold of the log can prove, so it proves itself.
func (c *Checkpoint) Append(dst []byte) []byte {
	e := enc(dst)
	e.uint(uint64(c.High))
	e.uint(uint64(len(c.Open)))
	prev := c.High
	for _, p := range slices.Backward(c.Open) {
		e.uint(uint64(prev - p))
		prev = p
	}
	return appendSum(e, len(dst))
}

// DecodeCheckpoint reads what [Checkpoint.Append] wrote.
func DecodeCheckpoint(b []byte) (*Checkpoint, error) {
	b, err := cutSum(b)
	if err != nil {
		return nil, fmt.Errorf("journal: a stored checkpoint is damaged: %w", err)
	}
	d := dec{b: b}
	c := &Checkpoint{High: Pos(d.uint())}
	n := d.count(MaxOpen)
	if n > 0 {
		c.Open = make([]Pos, n)
	}
	prev := c.High
	for i := range slices.Backward(c.Open) {
		gap := Pos(d.uint())
		if d.err == nil && (gap >= prev || gap == 0 && i < n-1) {
			return nil, errors.New("journal: stored checkpoint is out of order")
		}
		prev -= gap
		c.Open[i] = prev
	}
	return c, d.end()
}

// Clone is a copy that shares nothing with c.
func (c *Checkpoint) Clone() *Checkpoint {
	return &Checkpoint{High: c.High, Open: slices.Clone(c.Open)}
}

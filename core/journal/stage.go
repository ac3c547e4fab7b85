package journal

import (
	"context"
	"errors"
	"fmt"
)

// Staged is a batch judged and ready to be written: the rule of [Batch] in one place, so that
// drivers only store. It is reused from batch to batch and is no driver's state: when the
// write fails, it is thrown away and nothing happened.
//
// The lists hold the last value of each key that the batch changed, in the order of the
// first change. As a [View] it is the state after the units staged so far.
type Staged struct {
	Units       []StagedUnit
	Heads       []HeadRow
	Balances    []BalanceRow
	Rows        []RowChange
	Checkpoints []CheckpointRow
	// Last is the highest position after the batch.
	Last Pos

	base     View
	copying  bool // another journal judged the marks
	heads    map[string]int
	balances map[[2]string]int
	rows     map[[2]string]int
	parts    map[string]*places
	asked    *places // of the subscription that was asked for last: mostly it is asked for again
	lanes    map[uint64]struct{}
	changes  Changes
	buf      []byte
}

// StagedUnit is a unit that will be written at First. Data is its stored form.
type StagedUnit struct {
	First Pos
	Unit  *Unit
	Data  []byte
}

// places say where the partitions of a subscription stand in [Staged.Checkpoints], counted from 1;
// 0 is nowhere.
type places struct {
	sub string
	at  [Partitions]int32
}

// Stage folds b's deliveries and judges its units in order against v, which stands at position
// last. It returns an entry a unit, and fills First of those that are staged and Pos and Version of their
// records. An error is for the whole batch.
//
// Data of the staged units is valid until the next call.
func (s *Staged) Stage(ctx context.Context, v View, last Pos, b *Batch) ([]*Refusal, error) {
	s.reset(v, last)
	if s.copying = b.Copy; s.copying {
		return s.copy(ctx, b)
	}
	for _, d := range b.Delivered {
		if err := s.deliver(ctx, d); err != nil {
			return nil, fmt.Errorf("folding the delivery of position %d to %s/%d: %w", d.Pos, d.Sub, d.Part, err)
		}
	}
	refusals := make([]*Refusal, len(b.Units))
	for i, u := range b.Units {
		r, err := s.unit(ctx, u)
		if err != nil {
			return nil, fmt.Errorf("judging unit %s: %w", u.ID, err)
		}
		if r != nil && u.Lane != 0 {
			s.lanes[u.Lane] = struct{}{}
		}
		refusals[i] = r
	}
	return refusals, nil
}

// copy stages units of another journal.
func (s *Staged) copy(ctx context.Context, b *Batch) ([]*Refusal, error) {
	if len(b.Delivered) > 0 {
		return nil, errors.New("journal: a copy delivers nothing")
	}
	for _, u := range b.Units {
		if u.First != s.Last+1 {
			return nil, fmt.Errorf("journal: unit %s stands at %d and would come to stand at %d", u.ID, u.First, s.Last+1)
		}
		switch r, err := s.unit(ctx, u); {
		case err != nil:
			return nil, fmt.Errorf("judging unit %s: %w", u.ID, err)
		case r != nil:
			return nil, fmt.Errorf("journal: unit %s of position %d does not follow from those before it: %w", u.ID, u.First, r)
		}
	}
	for _, c := range b.Checkpoints {
		if badName(c.Sub) || c.Sub == "" || c.Part >= Partitions || c.High > s.Last {
			return nil, fmt.Errorf("journal: a checkpoint of %q/%d at %d, and the log ends at %d", c.Sub, c.Part, c.High, s.Last)
		}
		s.placesOf(c.Sub).at[c.Part] = int32(len(s.Checkpoints)) + 1
		s.Checkpoints = append(s.Checkpoints, CheckpointRow{c.Sub, c.Part, c.Clone()})
	}
	return make([]*Refusal, len(b.Units)), nil
}

func (s *Staged) reset(v View, last Pos) {
	if s.heads == nil {
		s.heads, s.balances, s.rows = map[string]int{}, map[[2]string]int{}, map[[2]string]int{}
		s.parts, s.lanes = map[string]*places{}, map[uint64]struct{}{}
	}
	clear(s.heads)
	clear(s.balances)
	clear(s.rows)
	for i := range s.Checkpoints {
		c := &s.Checkpoints[i]
		s.placesOf(c.Sub).at[c.Part] = 0
		c.Checkpoint = nil
	}
	clear(s.lanes)
	clear(s.Units) // units are the caller's: not kept alive
	s.Units, s.Heads, s.Balances, s.Rows, s.Checkpoints = s.Units[:0], s.Heads[:0], s.Balances[:0], s.Rows[:0], s.Checkpoints[:0]
	if cap(s.buf) > 16<<20 {
		s.buf = nil // one huge batch does not hold its memory for ever
	}
	s.base, s.Last, s.buf = v, last, s.buf[:0]
}

func (s *Staged) deliver(ctx context.Context, d Delivery) error {
	if known := s.asked != nil && s.asked.sub == d.Sub; !known && (badName(d.Sub) || d.Sub == "") || d.Part >= Partitions {
		return fmt.Errorf("journal: no such partition")
	}
	if d.Pos > s.Last {
		return fmt.Errorf("journal: the log ends at %d", s.Last)
	}
	c, err := s.checkpoint(ctx, d.Sub, d.Part)
	if err != nil {
		return err
	}
	if d.Skip {
		c.Skip(d.Pos)
		return nil
	}
	return c.Deliver(d.Pos)
}

func (s *Staged) unit(ctx context.Context, u *Unit) (*Refusal, error) {
	if u.Lane != 0 {
		if _, refused := s.lanes[u.Lane]; refused {
			return &Refusal{Why: RefusedLane, What: "an earlier unit of its lane was refused"}, nil
		}
	}
	// Only the part of the buffer behind from is touched: where it has to grow, units
	// staged before keep the memory that they point to.
	from := len(s.buf)
	data := u.Stored
	if data == nil {
		s.buf = AppendUnit(s.buf, u)
		data = s.buf[from:len(s.buf):len(s.buf)]
	}
	if len(data) > MaxUnit {
		s.buf = s.buf[:from]
		return malformed("a unit of %d bytes, %d at most: keep large payloads in files", len(data), MaxUnit), nil
	}
	first := s.Last + 1
	s.changes.Reset()
	r, err := Judge(ctx, s, first, u, &s.changes)
	if r != nil || err != nil {
		s.buf = s.buf[:from]
		return r, err
	}
	if err := s.apply(ctx); err != nil {
		return nil, err
	}
	u.First = first
	for i := range u.Records {
		u.Records[i].Pos = first + Pos(i)
	}
	s.Units = append(s.Units, StagedUnit{first, u, data})
	s.Last += u.span()
	return nil, nil
}

func (s *Staged) apply(ctx context.Context) error {
	for _, h := range s.changes.Heads {
		put(s.heads, &s.Heads, h.Stream, h)
	}
	for _, b := range s.changes.Balances {
		put(s.balances, &s.Balances, balanceKey(&b), b)
	}
	for _, r := range s.changes.Rows {
		put(s.rows, &s.Rows, rowKey(&r), r)
	}
	if s.copying {
		return nil
	}
	for _, m := range s.changes.Marks {
		c, err := s.checkpoint(ctx, m.Sub, m.Part)
		if err != nil {
			return err
		}
		c.Finish(m.Pos)
	}
	return nil
}

func put[K comparable, T any](at map[K]int, list *[]T, key K, v T) {
	if i, ok := at[key]; ok {
		(*list)[i] = v
		return
	}
	at[key] = len(*list)
	*list = append(*list, v)
}

func (s *Staged) placesOf(sub string) *places {
	if p := s.asked; p != nil && p.sub == sub {
		return p
	}
	p := s.parts[sub]
	if p == nil {
		p = &places{sub: sub}
		s.parts[sub] = p
	}
	s.asked = p
	return p
}

// checkpoint is the batch's own copy, to be changed.
func (s *Staged) checkpoint(ctx context.Context, sub string, part uint8) (*Checkpoint, error) {
	p := s.placesOf(sub)
	if i := p.at[part]; i > 0 {
		return s.Checkpoints[i-1].Checkpoint, nil
	}
	have, err := s.base.Checkpoint(ctx, sub, part)
	if err != nil {
		return nil, err
	}
	var c *Checkpoint
	if have != nil {
		c = have.Clone()
	} else {
		c = &Checkpoint{}
	}
	s.Checkpoints = append(s.Checkpoints, CheckpointRow{sub, part, c})
	p.at[part] = int32(len(s.Checkpoints))
	return c, nil
}

// Head implements [View].
func (s *Staged) Head(ctx context.Context, stream string) (Head, error) {
	if i, ok := s.heads[stream]; ok {
		return s.Heads[i].Head, nil
	}
	return s.base.Head(ctx, stream)
}

// Balance implements [View].
func (s *Staged) Balance(ctx context.Context, book, account string) (Balance, error) {
	if i, ok := s.balances[[2]string{book, account}]; ok {
		return s.Balances[i].Balance, nil
	}
	return s.base.Balance(ctx, book, account)
}

// Row implements [View].
func (s *Staged) Row(ctx context.Context, t Table, key string) ([]byte, error) {
	if i, ok := s.rows[[2]string{string(t), key}]; ok {
		return s.Rows[i].Value, nil
	}
	return s.base.Row(ctx, t, key)
}

// Checkpoint implements [View].
func (s *Staged) Checkpoint(ctx context.Context, sub string, part uint8) (*Checkpoint, error) {
	if s.copying {
		return nil, nil
	}
	if i := s.placesOf(sub).at[part]; i > 0 {
		return s.Checkpoints[i-1].Checkpoint, nil
	}
	return s.base.Checkpoint(ctx, sub, part)
}

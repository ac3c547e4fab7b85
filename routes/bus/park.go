package bus

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/paklog/hub/core/journal"
)

// ParkPolicy decides what becomes of a record whose key is parked. waiting is how many
// records of the key are parked already. It is called with locks held and must not block.
type ParkPolicy func(key string, waiting int) ParkChoice

// ParkChoice is the answer of a [ParkPolicy].
type ParkChoice uint8

// Choices for a record behind a parked one.
const (
	Follow  ParkChoice = iota // joins the queue of its key
	Proceed                   // is handled as if nothing were parked
)

// parkedAt is a parked record. Those of one key wait in order of positions; those without a
// key each stand alone.
type parkedAt struct {
	pos     journal.Pos
	key     string
	reason  journal.ParkReason
	attempt int
	letter  string
	out     bool // on its way to a handler
}

func byPos(p *parkedAt, pos journal.Pos) int { return cmp.Compare(p.pos, pos) }

// park keeps p, in place of what was known of its position. Callers hold mu.
func (s *subscription) park(p *parkedAt) {
	s.unparked(p.pos)
	s.parked[p.pos] = p
	if p.key != "" {
		q := s.queues[p.key]
		i, _ := slices.BinarySearchFunc(q, p.pos, byPos)
		s.queues[p.key] = slices.Insert(q, i, p)
	}
}

// unparked forgets a position. Callers hold mu.
func (s *subscription) unparked(pos journal.Pos) {
	p := s.parked[pos]
	if p == nil {
		return
	}
	delete(s.parked, pos)
	if p.key == "" {
		return
	}
	q := s.queues[p.key]
	if i, ok := slices.BinarySearchFunc(q, pos, byPos); ok {
		if i == 0 {
			q[0], q = nil, q[1:]
		} else {
			q = slices.Delete(q, i, i+1)
		}
	}
	if len(q) == 0 {
		delete(s.queues, p.key)
	} else {
		s.queues[p.key] = q
	}
}

// parkedNow follows the park operations of a unit of this subscription. Callers hold mu.
func (s *subscription) parkedNow(u *journal.Unit) {
	for _, op := range u.Parks {
		if op.Sub != s.name {
			continue
		}
		if !op.Remove {
			s.park(&parkedAt{pos: op.Pos, key: op.Key, reason: op.Park.Reason, attempt: int(op.Park.Attempt), letter: op.Park.Letter})
		} else if p := s.parked[op.Pos]; p != nil && p.key == op.Key {
			s.unparked(op.Pos)
		}
	}
}

// unpark takes back what parkedNow did for a unit that was refused. Callers hold mu.
func (s *subscription) unpark(d *Delivery, u *journal.Unit) {
	if d.Parked {
		s.park(&parkedAt{pos: d.Record.Pos, key: d.parkKey, reason: d.reason, attempt: d.Attempt, letter: d.Letter, out: true})
		return
	}
	if len(u.Parks) > 0 {
		s.unparked(d.Record.Pos)
	}
}

// follow parks a record behind the head of its key, without a handler. Callers hold mu.
func (s *subscription) follow(d *Delivery) {
	at := s.bus.now().UTC()
	u := &journal.Unit{ID: s.bus.newID(), At: at, Parks: []journal.ParkOp{{
		Sub: s.name, Key: d.Record.Key, Pos: d.Record.Pos,
		Park: journal.Park{Reason: journal.ParkFollower, Since: at},
	}}}
	d.finish(u)
	s.bus.mu.Lock()
	if d.lane.recalled.Load() {
		// The disk refused its predecessor a moment ago: that one goes again first.
		s.bus.mu.Unlock()
		s.goBack(d.lane, d)
		return
	}
	r, err := s.bus.enqueue(context.Background(), nil, &pending{u: u, d: d})
	s.bus.mu.Unlock()
	if r != nil || err != nil {
		// Only a journal that takes nothing any more refuses to park: the record
		// stays open and comes again.
		if !errors.Is(err, ErrClosed) {
			s.bus.log.Error("parking behind a parked key", "route", s.name, "err", err, "refusal", r)
		}
		return
	}
	d.lane.pend++
	s.parkedNow(u)
}

// mayGo reports whether a parked record that was woken may run: it is parked still, and,
// where it follows, nothing of its key is before it. One that may not sleeps on. Callers hold mu.
func (s *subscription) mayGo(d *Delivery) bool {
	p := s.parked[d.Record.Pos]
	if p != nil && (d.reason != journal.ParkFollower || p.key == "" || s.queues[p.key][0] == p) {
		return true
	}
	if p != nil {
		p.out = false
	}
	s.woken--
	return false
}

// wakeNext lets the next follower of a key go, once its head is gone. Callers hold mu.
func (s *subscription) wakeNext(key string) {
	q := s.queues[key]
	if len(q) == 0 || q[0].reason != journal.ParkFollower || q[0].out || s.stopped {
		return
	}
	p := q[0]
	p.out = true
	if s.bus.opts.Stepped {
		s.bus.Later(func() { _ = s.wake(context.Background(), *p, "") }) // it says so, and the driver of steps reads the journal
		return
	}
	s.bus.wakes.Go(func() {
		for s.wake(context.Background(), *p, "") != nil && s.pauseBetween() {
		}
	})
}

// pauseBetween waits before something that failed is tried again; false when the
// subscription stopped.
func (s *subscription) pauseBetween() bool {
	moment := time.NewTimer(time.Second)
	defer moment.Stop()
	select {
	case <-moment.C:
		return true
	case <-s.quit:
		return false
	}
}

// claim takes a parked record that is not on its way yet. found is false when it is
// parked no more.
func (s *subscription) claim(pos journal.Pos) (p parkedAt, taken, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.parked[pos]
	if at == nil {
		return parkedAt{}, false, false
	}
	if at.out || s.stopped {
		return *at, false, true
	}
	at.out = true
	return *at, true, true
}

// unclaim gives a parked record back that could not be woken.
func (s *subscription) unclaim(pos journal.Pos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.parked[pos]; p != nil {
		p.out = false
	}
}

// wake reads a parked record that was claimed and lets it go again, before what waits in
// its lane.
func (s *subscription) wake(ctx context.Context, p parkedAt, timer string) error {
	r, err := s.bus.record(ctx, p.pos)
	if err != nil {
		s.bus.log.Error("reading a parked record", "route", s.name, "pos", p.pos, "err", err)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	d := &Delivery{
		Record: r, Attempt: p.attempt, Parked: true, Letter: p.letter,
		sub: s, part: journal.PartitionOf(r.Key), reason: p.reason, timer: timer, parkKey: p.key,
	}
	s.woken++
	s.bus.At(StepWoken)
	if p.key == "" {
		s.emit(d)
		return nil
	}
	d.lane = s.lane(p.key)
	s.goBack(d.lane, d)
	s.advance(d.lane)
	return nil
}

// wakeParked lets go, after a start, what nothing else will wake: followers whose head is
// gone, and letters whose replay was asked for.
func (s *subscription) wakeParked(ctx context.Context) error {
	var due []parkedAt
	s.mu.Lock()
	for _, p := range s.parked {
		if p.reason == journal.ParkLetter || p.reason == journal.ParkFollower && (p.key == "" || s.queues[p.key][0] == p) {
			due = append(due, *p)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(due, func(a, b parkedAt) int { return cmp.Compare(a.pos, b.pos) })
	for _, p := range due {
		if p.reason == journal.ParkLetter {
			replaying, err := s.bus.replaying(ctx, p.letter)
			if err != nil {
				return err
			}
			if !replaying {
				continue
			}
		}
		if err := s.wakeOne(ctx, p.pos); err != nil {
			return err
		}
	}
	return nil
}

func (s *subscription) wakeOne(ctx context.Context, pos journal.Pos) error {
	p, taken, _ := s.claim(pos)
	if !taken {
		return nil
	}
	err := s.wake(ctx, p, "")
	if err != nil {
		s.unclaim(pos)
	}
	return err
}

// replaying reports whether somebody asked for a letter's replay.
func (b *Bus) replaying(ctx context.Context, letter string) (bool, error) {
	row, err := b.Row(ctx, journal.TableLetter, letter)
	if err != nil || row == nil {
		return false, err
	}
	l, err := journal.DecodeLetter(row)
	return l.State == journal.LetterReplaying, err
}

// Wake lets a parked record of a subscription go again: the replay of its letter.
// It reports whether the record was found parked. One that is on its way already goes once.
func (b *Bus) Wake(sub string, pos journal.Pos) (bool, error) {
	s, err := b.find(sub)
	if err != nil {
		return false, err
	}
	p, taken, found := s.claim(pos)
	if !taken {
		return found, nil
	}
	if err := s.wake(context.Background(), p, ""); err != nil {
		s.unclaim(pos)
		return true, err
	}
	return true, nil
}

// Unparked tells a subscription that a unit from elsewhere (a letter dropped) took a
// record out of its queue, so that what followed it may go.
func (b *Bus) Unparked(sub string, u *journal.Unit) error {
	s, err := b.find(sub)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parkedNow(u)
	for _, op := range u.Parks {
		if op.Sub == s.name {
			s.wakeNext(op.Key)
		}
	}
	return nil
}

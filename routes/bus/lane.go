package bus

import (
	"context"
	"slices"
	"time"

	"github.com/paklog/hub/core/journal"
)

// lane is the line of one ordering key. It exists while it holds something.
type lane struct {
	id      uint64
	key     string
	gen     uint64      // moves when the disk refused one of its units
	current *Delivery   // with a handler, or waiting for one
	pend    []*Delivery // handed over and not durable, oldest first
	back    []*Delivery // go again before queue
	queue   []*Delivery
}

func (s *subscription) lane(key string) *lane {
	l := s.lanes[key]
	if l == nil {
		l = &lane{id: s.bus.laneID.Add(1), key: key}
		s.lanes[key] = l
	}
	return l
}

// enter puts a delivered record into its lane. Callers hold mu.
func (s *subscription) enter(d *Delivery) {
	if d.Record.Key == "" {
		s.emit(d)
		return
	}
	d.lane = s.lane(d.Record.Key)
	d.lane.queue = append(d.lane.queue, d)
	s.advance(d.lane)
}

// enterParked lets a parked record go again, before what waits in its lane.
func (s *subscription) enterParked(d *Delivery) {
	if d.alone {
		s.emit(d)
		return
	}
	d.lane = s.lane(d.Record.Key)
	d.lane.back = append(d.lane.back, d)
	s.advance(d.lane)
}

// advance starts the lane's next record when none runs. Callers hold mu.
func (s *subscription) advance(l *lane) {
	for l.current == nil {
		var d *Delivery
		switch {
		case len(l.back) > 0:
			d, l.back = l.back[0], l.back[1:]
		case len(l.queue) > 0:
			d, l.queue = l.queue[0], l.queue[1:]
		default:
			if len(l.pend) == 0 {
				delete(s.lanes, l.key)
			}
			return
		}
		d.gen = l.gen
		if waiting := len(s.parked[l.key]); waiting > 0 && !d.Parked {
			if s.Policy == nil || s.Policy(l.key, waiting) == Follow {
				s.follow(d)
				continue
			}
		}
		l.current = d
		s.emit(d)
	}
}

// follow parks a record behind the head of its key, without a handler. Callers hold mu.
func (s *subscription) follow(d *Delivery) {
	at := s.bus.now().UTC()
	u := &journal.Unit{At: at, Parks: []journal.ParkOp{{
		Sub: s.name, Key: d.Record.Key, Pos: d.Record.Pos,
		Park: journal.Park{Reason: journal.ParkFollower, Since: at},
	}}}
	d.finish(u)
	s.bus.mu.Lock()
	r, err := s.bus.enqueue(context.Background(), &pending{u: u, d: d})
	s.bus.mu.Unlock()
	if r != nil || err != nil {
		// Only a journal that takes nothing any more refuses to park: the record
		// stays open and comes again.
		s.bus.log.Error("parking behind a parked key", "route", s.name, "err", err, "refusal", r)
		return
	}
	d.lane.pend = append(d.lane.pend, d)
	s.parkedNow(u)
}

// emit gives a delivery to a handler, or lets it wait for one. Callers hold mu.
func (s *subscription) emit(d *Delivery) {
	if s.paused || s.stopped || s.running >= s.Parallel {
		s.ready = append(s.ready, d)
		return
	}
	s.running++
	s.out <- d // has room for Parallel
}

// emitReady goes on with what waited for a handler. Callers hold mu.
func (s *subscription) emitReady() {
	for len(s.ready) > 0 && !s.paused && !s.stopped && s.running < s.Parallel {
		d := s.ready[0]
		s.ready = s.ready[1:]
		s.running++
		s.out <- d
	}
}

// recall takes back what no handler took yet. Callers hold mu.
func (s *subscription) recall() {
	var taken []*Delivery
	for {
		select {
		case d := <-s.out:
			taken = append(taken, d)
			s.running--
			continue
		default:
		}
		break
	}
	s.ready = append(taken, s.ready...)
	s.quiet.Broadcast()
}

// giveBack returns a delivery that no handler took, first in line. Callers hold mu.
func (s *subscription) giveBack(d *Delivery) {
	s.running--
	s.ready = slices.Insert(s.ready, 0, d)
	s.emitReady()
	s.quiet.Broadcast()
}

// handed goes on behind a unit that was handed over. Callers hold mu.
func (s *subscription) handed(d *Delivery, u *journal.Unit) {
	s.running--
	if len(u.Parks) > 0 {
		s.parkedNow(u)
	}
	if l := d.lane; l != nil {
		l.pend = append(l.pend, d)
		l.current = nil
		if d.Parked {
			s.wakeNext(l.key)
		}
		s.advance(l)
	}
	s.emitReady()
	s.quiet.Broadcast()
}

// durable closes a delivery whose unit is on disk.
func (d *Delivery) durable() {
	s := d.sub
	s.mu.Lock()
	defer s.mu.Unlock()
	if !d.Parked {
		s.open[d.part]--
		s.openAll--
	}
	if l := d.lane; l != nil {
		if i := slices.Index(l.pend, d); i >= 0 {
			l.pend = slices.Delete(l.pend, i, i+1)
		}
		if len(l.pend) == 0 && l.current == nil && len(l.back) == 0 && len(l.queue) == 0 && s.lanes[l.key] == l {
			delete(s.lanes, l.key)
		}
	}
	s.work.Signal()
}

// refused sends deliveries out again whose units the disk refused; they come in the
// order of their lanes. What a lane's handler decides meanwhile comes behind them.
func (s *subscription) refused(ds []*Delivery, units []*journal.Unit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lanes := map[*lane]bool{}
	for i, d := range ds {
		s.unpark(d, units[i])
		l := d.lane
		if l == nil {
			s.emit(d)
			continue
		}
		if !lanes[l] {
			lanes[l] = true
			l.gen++
			// Followers that were about to go again were decided upon what is gone.
		}
		if k := slices.Index(l.pend, d); k >= 0 {
			l.pend = slices.Delete(l.pend, k, k+1)
		}
		l.back = append(l.back, d)
		s.lanes[l.key] = l
	}
	for l := range lanes {
		slices.SortStableFunc(l.back, func(a, b *Delivery) int { return int(int64(a.Record.Pos) - int64(b.Record.Pos)) })
		s.advance(l)
	}
}

// parkedNow follows the park operations of a unit of this subscription. Callers hold mu.
func (s *subscription) parkedNow(u *journal.Unit) {
	for _, op := range u.Parks {
		if op.Sub != s.name {
			continue
		}
		q := s.parked[op.Key]
		i, there := slices.BinarySearchFunc(q, op.Pos, func(p parkedAt, pos journal.Pos) int {
			return int(int64(p.pos) - int64(pos))
		})
		switch {
		case op.Remove && there:
			q = slices.Delete(q, i, i+1)
		case op.Remove:
		case there:
			q[i] = parkedAt{op.Pos, op.Park.Reason, int(op.Park.Attempt), op.Park.Letter}
		default:
			q = slices.Insert(q, i, parkedAt{op.Pos, op.Park.Reason, int(op.Park.Attempt), op.Park.Letter})
		}
		if len(q) == 0 {
			delete(s.parked, op.Key)
		} else {
			s.parked[op.Key] = q
		}
	}
}

// unpark takes back what parkedNow did for a unit that was refused. Callers hold mu.
func (s *subscription) unpark(d *Delivery, u *journal.Unit) {
	if len(u.Parks) == 0 {
		return
	}
	undo := &journal.Unit{}
	for _, op := range u.Parks {
		if op.Sub == s.name && op.Pos == d.Record.Pos {
			op.Remove = !d.Parked
			op.Park = journal.Park{Reason: d.reason, Attempt: uint32(d.Attempt), Letter: d.Letter}
			undo.Parks = append(undo.Parks, op)
		}
	}
	s.parkedNow(undo)
}

// wakeNext lets the next follower of a key go, once its head is gone. Callers hold mu.
func (s *subscription) wakeNext(key string) {
	q := s.parked[key]
	if key == "" || len(q) == 0 || q[0].reason != journal.ParkFollower {
		return
	}
	go s.wake(key, q[0], "")
}

// wake reads a parked record and lets it go again.
func (s *subscription) wake(key string, p parkedAt, timer string) {
	ctx := context.Background()
	for {
		r, err := s.bus.record(ctx, p.pos)
		if err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.stopped {
				return
			}
			s.enterParked(&Delivery{
				Record: r, Attempt: p.attempt, Parked: true, Letter: p.letter,
				sub: s, part: journal.PartitionOf(r.Key), reason: p.reason, timer: timer, parkKey: key, alone: key == "",
			})
			return
		}
		if s.isStopped() {
			return
		}
		s.bus.log.Error("reading a parked record", "route", s.name, "pos", p.pos, "err", err)
		select {
		case <-time.After(time.Second):
		case <-s.bus.done:
			return
		}
	}
}

// wakeParked lets go, after a start, what nothing else will wake: followers whose head is
// gone, and letters whose replay was asked for.
func (s *subscription) wakeParked(ctx context.Context) error {
	type found struct {
		key string
		p   parkedAt
	}
	var due []found
	s.mu.Lock()
	for key, q := range s.parked {
		for i, p := range q {
			switch {
			case p.reason == journal.ParkFollower && i == 0 && key != "",
				p.reason == journal.ParkLetter && (i == 0 || key == ""):
				due = append(due, found{key, p})
			}
		}
	}
	s.mu.Unlock()
	for _, f := range due {
		if f.p.reason == journal.ParkLetter {
			replaying, err := s.bus.replaying(ctx, f.p.letter)
			if err != nil {
				return err
			}
			if !replaying {
				continue
			}
		}
		s.wake(f.key, f.p, "")
	}
	return nil
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
// It reports whether the record was found parked.
func (b *Bus) Wake(sub string, pos journal.Pos) (bool, error) {
	s, err := b.find(sub)
	if err != nil {
		return false, err
	}
	key, p, ok := s.parkedAt(pos)
	if ok {
		s.wake(key, p, "")
	}
	return ok, nil
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

func (s *subscription) parkedAt(pos journal.Pos) (key string, p parkedAt, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, q := range s.parked {
		for _, p := range q {
			if p.pos == pos {
				return key, p, true
			}
		}
	}
	return "", parkedAt{}, false
}

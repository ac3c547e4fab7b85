package bus

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/paklog/hub/core/journal"
)

// lane is the line of one ordering key. It exists while it holds something.
type lane struct {
	id      uint64
	key     string
	gen     uint64      // moves when the disk refused one of its units
	current *Delivery   // with a handler, or waiting for one
	pend    int         // handed over and not durable
	back    []*Delivery // go again before queue, in order of positions
	queue   []*Delivery
	// recalled is set under Bus.mu when the disk refused a unit of the lane, and reset
	// once its deliveries are back: meanwhile nothing of it starts or is handed over.
	recalled atomic.Bool
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

// advance starts the lane's next record when none runs. Callers hold mu.
func (s *subscription) advance(l *lane) {
	for l.current == nil && !l.recalled.Load() {
		var d *Delivery
		switch {
		case len(l.back) > 0:
			d, l.back = l.back[0], l.back[1:]
		case len(l.queue) > 0:
			d, l.queue = l.queue[0], l.queue[1:]
		default:
			if l.pend == 0 {
				delete(s.lanes, l.key)
			}
			s.wakeNext(l.key) // nothing is before a follower that stands first
			return
		}
		d.gen = l.gen
		if d.Parked {
			if !s.mayGo(d) {
				continue
			}
		} else if q := s.queues[l.key]; len(q) > 0 && q[0].pos < d.Record.Pos {
			// One that the disk sent back may stand before those that followed it.
			if s.Policy == nil || s.Policy(l.key, len(q)) == Follow {
				s.follow(d)
				continue
			}
		}
		l.current = d
		s.emit(d)
	}
}

// emit gives a delivery to a handler, or lets it wait for one. Callers hold mu.
func (s *subscription) emit(d *Delivery) {
	if s.paused || s.stopped || s.running >= s.Parallel {
		s.ready = append(s.ready, d)
		return
	}
	s.running++
	d.held = true
	s.out <- d // has room for Parallel
}

// emitReady goes on with what waited for a handler. Callers hold mu.
func (s *subscription) emitReady() {
	for len(s.ready) > 0 && !s.paused && !s.stopped && s.running < s.Parallel {
		d := s.ready[0]
		s.ready[0] = nil
		s.ready = s.ready[1:]
		s.emit(d)
	}
}

// recall takes back what no handler took yet. Callers hold mu.
func (s *subscription) recall() {
	var taken []*Delivery
	for {
		select {
		case d := <-s.out:
			d.held = false
			s.running--
			taken = append(taken, d)
			continue
		default:
		}
		break
	}
	s.ready = append(taken, s.ready...)
	s.quiet.Broadcast()
}

// release ends a run: its handler holds the delivery no more. Callers hold mu.
func (s *subscription) release(d *Delivery) {
	d.held = false
	s.running--
	s.quiet.Broadcast()
}

// letGo ends a run that handed nothing over. It returns the delivery of the next run, which
// the caller emits; nil when there is none, or when it goes by its lane. Callers hold mu.
func (s *subscription) letGo(d *Delivery) *Delivery {
	if !d.held {
		return nil
	}
	s.release(d)
	n, l := d.renew(), d.lane
	switch {
	case l == nil:
		if d.Parked && !s.mayGo(d) {
			return nil
		}
		return n
	case l.recalled.Load() || d.gen != l.gen:
		// What is before it goes first.
		l.current = nil
		s.goBack(l, n)
	case d.Parked && !s.mayGo(d):
		l.current = nil
		s.wakeNext(l.key)
	default:
		l.current = n
		return n
	}
	s.advance(l)
	s.emitReady()
	return nil
}

// goBack puts a delivery into its lane before what never ran. Callers hold mu.
func (s *subscription) goBack(l *lane, d *Delivery) {
	i, _ := slices.BinarySearchFunc(l.back, d.Record.Pos, func(o *Delivery, pos journal.Pos) int {
		return cmp.Compare(o.Record.Pos, pos)
	})
	l.back = slices.Insert(l.back, i, d)
}

// handed goes on behind a unit that was handed over. Callers hold mu.
func (s *subscription) handed(d *Delivery, u *journal.Unit) {
	s.release(d)
	if len(u.Parks) > 0 {
		s.parkedNow(u)
	}
	if l := d.lane; l != nil {
		l.pend++
		l.current = nil
		if d.Parked {
			s.wakeNext(l.key)
		}
		s.advance(l)
	}
	s.emitReady()
}

// settle closes deliveries whose units are durable. Callers hold mu.
func (s *subscription) settle(ds []*Delivery) {
	for _, d := range ds {
		if d.Parked {
			s.woken--
		} else {
			s.open[d.part]--
			s.held--
			s.bytes -= d.size
		}
		if l := d.lane; l != nil {
			if l.pend--; l.pend == 0 && l.current == nil && len(l.back) == 0 && len(l.queue) == 0 {
				delete(s.lanes, l.key)
			}
		}
	}
}

// refused sends deliveries out again whose units the disk refused, before what their
// lanes hold; they come in the order in which they were handed over.
func (s *subscription) refused(ps []*pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lanes []*lane // in the order of their units
	for _, p := range ps {
		d := p.d.renew()
		s.unpark(d, p.u)
		l := d.lane
		if l == nil {
			s.emit(d)
			continue
		}
		if !slices.Contains(lanes, l) {
			lanes = append(lanes, l)
			l.gen++
			l.recalled.Store(false)
		}
		l.pend--
		s.goBack(l, d)
	}
	for _, l := range lanes {
		s.advance(l)
	}
}

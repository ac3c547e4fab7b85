package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/paklog/hub/core/journal"
)

// team is this bus among the processes that share its journal. Each subscription is run by one of them at
// a time, under a lease. Who runs what each works out for itself from the same roll, so that all
// come to the same; a lease changes hands only when its holder gave it back, with everything durable, or
// was shut out because it breathed no more.
type team struct {
	bus   *Bus
	with  journal.Team
	start sync.Once
	ended chan struct{} // the loop ended; closed too where it never began
	poke  chan struct{}
	tasks sync.WaitGroup // routes that start or end

	mu      sync.Mutex
	offers  map[string]*offer
	beatAt  time.Time // begin of the last beat that was written
	seen    map[int64]*sighting
	roll    journal.Roll
	closing bool
	next    *barrier // for who asks from now on
	asking  bool
}

// offer is a subscription that this process can run.
type offer struct {
	cfg     Subscription
	sub     *subscription // nil: not here
	moving  bool          // starts or ends
	changed chan struct{} // closed when sub is set, or the offer is withdrawn
	gone    bool
}

// sighting is what this process saw of another's breath.
type sighting struct {
	beat int64
	at   time.Time     // of the last look
	age  time.Duration // for so long, by our looks, it has not moved
}

type barrier struct {
	done chan struct{}
	err  error
}

func newTeam(b *Bus, with journal.Team) *team {
	return &team{
		bus: b, with: with, ended: make(chan struct{}), poke: make(chan struct{}, 1),
		offers: map[string]*offer{}, seen: map[int64]*sighting{},
	}
}

// offer says that this process can run a subscription, and starts taking part.
func (t *team) offer(cfg Subscription) (*offer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return nil, ErrClosed
	}
	o := t.offers[cfg.Name]
	if o == nil {
		o = &offer{cfg: cfg, changed: make(chan struct{})}
		t.offers[cfg.Name] = o
	}
	t.start.Do(func() { go t.run() })
	t.look()
	return o, nil
}

func (t *team) look() {
	select {
	case t.poke <- struct{}{}:
	default:
	}
}

// set tells who waits where a subscription is. Callers hold mu.
func (o *offer) set(sub *subscription) {
	o.sub = sub
	close(o.changed)
	o.changed = make(chan struct{})
}

// await is the subscription once it runs here, another than before; nil when ctx ended, the offer was
// withdrawn or the bus closed.
func (t *team) await(ctx context.Context, o *offer, before *subscription) *subscription {
	for {
		t.mu.Lock()
		sub, changed, gone := o.sub, o.changed, o.gone
		t.mu.Unlock()
		switch {
		case gone || ctx.Err() != nil:
			return nil
		case sub != nil && sub != before:
			return sub
		}
		select {
		case <-changed:
		case <-ctx.Done():
		case <-t.bus.quit:
			return nil
		case <-t.bus.dead:
			return nil
		}
	}
}

// withdraw takes an offer back.
func (t *team) withdraw(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.offers[name]; o != nil {
		o.gone = true
		o.set(o.sub)
		delete(t.offers, name)
	}
	t.look()
}

// pause keeps an operator's or a breaker's pause for when the subscription comes here. It reports whether
// the name is one that this process offers.
func (t *team) pause(name string, paused bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.offers[name]
	if o != nil {
		o.cfg.Paused = paused
	}
	return o != nil
}

func (t *team) names() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]string, 0, len(t.offers))
	for name := range t.offers {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// run breathes until the bus has written its last batch.
func (t *team) run() {
	defer close(t.ended)
	defer t.tasks.Wait()
	tick := time.NewTicker(t.bus.opts.Beat)
	defer tick.Stop()
	for {
		if err := t.beat(context.Background()); err != nil {
			if errors.Is(err, journal.ErrBroken) {
				t.bus.fail(nil, nil, err)
				return
			}
			t.bus.log.Error("breathing among the processes that share the journal: trying again", "err", err)
		}
		select {
		case <-tick.C:
		case <-t.poke:
		case <-t.bus.done:
			return
		case <-t.bus.dead:
			return
		}
	}
}

// beat breathes once, shuts out who does not, and moves what is to be moved.
func (t *team) beat(ctx context.Context) error {
	began := time.Now()
	roll, err := t.with.Beat(ctx, t.names())
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.beatAt, t.roll = began, roll
	alive, dead := t.watch(roll, began)
	t.mu.Unlock()
	for _, m := range dead {
		done, err := t.with.Fence(ctx, m.ID, m.Beat)
		if err != nil {
			return fmt.Errorf("shutting out %s: %w", m.Who, err)
		}
		if done {
			t.bus.log.Warn("a process that breathed no more was shut out: its routes are taken over", "member", m.ID, "process", m.Who)
			t.look()
		}
	}
	return t.move(ctx, roll, alive)
}

// watch says who breathes and who does not any more. Only time counts in which this process looked:
// while it stood still itself, or the server was away, nobody could be seen breathing. Callers hold mu.
func (t *team) watch(roll journal.Roll, now time.Time) (alive, dead []journal.Member) {
	known := map[int64]*sighting{}
	for _, m := range roll.Members {
		s := t.seen[m.ID]
		if s == nil || s.beat != m.Beat {
			s = &sighting{beat: m.Beat, at: now}
		} else {
			s.age += min(now.Sub(s.at), 2*t.bus.opts.Beat)
			s.at = now
		}
		known[m.ID] = s
		most := t.bus.opts.Lapse
		if m.Gone {
			most /= 4
		}
		if m.ID != t.with.Me() && s.age > most {
			dead = append(dead, m)
			continue
		}
		alive = append(alive, m)
	}
	t.seen = known
	return alive, dead
}

// assign says who is to run what: each name stays where it is, unless that member has more than its
// share, and else goes to who has least. All members come to the same by the same roll.
func assign(roll journal.Roll, alive []journal.Member) map[string]int64 {
	offers := map[string][]int64{}
	var names []string
	willing := 0
	for _, m := range alive {
		if len(m.Offers) > 0 {
			willing++
		}
		for _, name := range m.Offers {
			if offers[name] == nil {
				names = append(names, name)
			}
			offers[name] = append(offers[name], m.ID)
		}
	}
	slices.Sort(names)
	holder := map[string]int64{}
	for _, l := range roll.Leases {
		holder[l.Name] = l.Holder
	}
	share := (len(names) + max(1, willing) - 1) / max(1, willing)
	out, has := map[string]int64{}, map[int64]int{}
	for _, name := range names {
		if h := holder[name]; h != 0 && has[h] < share && slices.Contains(offers[name], h) {
			out[name] = h
			has[h]++
		}
	}
	for _, name := range names {
		if _, ok := out[name]; ok {
			continue
		}
		least := offers[name][0]
		for _, id := range offers[name] {
			if has[id] < has[least] || has[id] == has[least] && id < least {
				least = id
			}
		}
		out[name] = least
		has[least]++
	}
	return out
}

// move gives back what another is to run, takes what is free and ours, and starts what was taken.
func (t *team) move(ctx context.Context, roll journal.Roll, alive []journal.Member) error {
	me := t.with.Me()
	to := assign(roll, alive)
	var take []string
	held := map[string]bool{}
	taken := map[string]bool{}
	for _, l := range roll.Leases {
		held[l.Name] = l.Holder == me
		taken[l.Name] = l.Holder != 0
	}
	t.mu.Lock()
	closing := t.closing
	for name := range t.offers {
		if to[name] == me && !taken[name] && !closing {
			take = append(take, name)
		}
	}
	t.mu.Unlock()
	if len(take) > 0 {
		slices.Sort(take)
		got, err := t.with.Take(ctx, take)
		if err != nil {
			return fmt.Errorf("taking leases: %w", err)
		}
		for _, name := range got {
			held[name] = true
		}
	}
	if closing {
		return nil // what runs here ends with the bus
	}
	var unwanted []string
	t.mu.Lock()
	for name, mine := range held {
		o := t.offers[name]
		switch {
		case !mine || o != nil && o.moving:
		case o == nil:
			unwanted = append(unwanted, name)
		case to[name] != me && o.sub == nil:
			unwanted = append(unwanted, name)
		case to[name] != me:
			o.moving = true
			t.tasks.Go(func() { t.end(o, to[name]) })
		case o.sub == nil || o.sub.isStopped():
			o.moving = true
			t.tasks.Go(func() { t.begin(o) })
		}
	}
	t.mu.Unlock()
	if len(unwanted) == 0 {
		return nil
	}
	unwanted = slices.DeleteFunc(unwanted, func(name string) bool {
		_, err := t.bus.find(name)
		return err == nil // Remove is at it still
	})
	return t.with.Give(ctx, unwanted)
}

// begin runs a subscription whose lease was taken.
func (t *team) begin(o *offer) {
	t.mu.Lock()
	cfg := o.cfg
	t.mu.Unlock()
	sub, err := t.bus.subscribe(context.Background(), cfg)
	t.mu.Lock()
	defer t.mu.Unlock()
	o.moving = false
	if err != nil {
		if !errors.Is(err, ErrClosed) {
			t.bus.log.Error("starting a route that was taken over: trying again", "route", cfg.Name, "err", err)
		}
		return
	}
	if cfg.Paused != o.cfg.Paused {
		sub.setPaused(o.cfg.Paused)
	}
	o.set(sub)
	t.bus.log.Info("this process runs a route", "route", cfg.Name)
}

// end stops a subscription, makes durable what it decided, and gives its lease back.
func (t *team) end(o *offer, to int64) {
	t.mu.Lock()
	name := o.cfg.Name
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), t.bus.opts.Hand)
	defer cancel()
	_, err := t.bus.find(name)
	if err == nil {
		err = t.bus.remove(ctx, name)
	} else {
		err = nil // it ended before, and the lease is to be given back still
	}
	if err == nil {
		err = t.with.Give(ctx, []string{name})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	o.moving = false
	if err != nil {
		// Handlers that still run keep the lease: the next look tries again.
		t.bus.log.Warn("handing a route over takes longer", "route", name, "err", err)
		return
	}
	o.set(nil)
	t.bus.log.Info("a route is handed over to another process", "route", name, "member", to)
}

// still returns nil while this process surely holds its leases: it breathed a moment ago, or does now.
func (t *team) still(ctx context.Context, name string) error {
	t.mu.Lock()
	recent := time.Since(t.beatAt) < t.bus.opts.Lapse/4
	t.mu.Unlock()
	if recent {
		return nil
	}
	roll, err := t.with.Beat(ctx, t.names())
	if err != nil {
		return err
	}
	me := t.with.Me()
	if !slices.ContainsFunc(roll.Leases, func(l journal.Lease) bool { return l.Name == name && l.Holder == me }) {
		return fmt.Errorf("%w: %s is run by another process", journal.ErrFenced, name)
	}
	return nil
}

// fresh returns once all that was committed before it was called, by whomever, is known here. One
// question serves all who asked before it was put.
func (t *team) fresh(ctx context.Context) error {
	t.mu.Lock()
	w := t.next
	if w == nil {
		w = &barrier{done: make(chan struct{})}
		t.next = w
	}
	if !t.asking {
		t.asking = true
		go t.ask() //nolint:gosec // it answers all who wait, whoever of them began it
	}
	t.mu.Unlock()
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *team) ask() {
	b := t.bus
	for {
		t.mu.Lock()
		w := t.next
		t.next = nil
		if w == nil {
			t.asking = false
			t.mu.Unlock()
			return
		}
		t.mu.Unlock()
		last, err := b.driver.Last(context.Background())
		if err == nil {
			err = b.reached(last)
		}
		w.err = err
		close(w.done)
	}
}

// stop lets nothing new be taken; breath goes on until the last batch is written.
func (t *team) stop() {
	t.mu.Lock()
	t.closing = true
	for _, o := range t.offers {
		o.gone = true
		o.set(o.sub)
	}
	t.mu.Unlock()
	t.start.Do(func() { close(t.ended) })
}

// setPaused pauses or resumes.
func (s *subscription) setPaused(paused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = paused
	if paused {
		s.recall()
		return
	}
	s.emitReady()
	s.work.Broadcast()
	if s.bus.opts.Stepped {
		s.bus.stirred = true
	}
}

// Still says whether the message's route is this process's to run, by a lease that was shown a moment ago:
// asked directly before the first byte leaves for a partner. An error means that others may have the
// message, and that nothing may leave.
func (d *Delivery) Still(ctx context.Context) error {
	if t := d.sub.bus.team; t != nil {
		return t.still(ctx, d.sub.name)
	}
	return nil
}

// Team tells who shares the journal and who runs what; false where this process has it for itself.
func (b *Bus) Team() (roll journal.Roll, me int64, shared bool) {
	if b.team == nil {
		return journal.Roll{}, 0, false
	}
	b.team.mu.Lock()
	defer b.team.mu.Unlock()
	return b.team.roll, b.team.with.Me(), true
}

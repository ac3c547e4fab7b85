package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/paklog/hub/core/journal"
)

// Start is where a subscription that is new begins.
type Start uint8

const (
	// Beginning delivers everything the topics ever held.
	Beginning Start = iota
	// Now delivers what is committed after the subscription was made. What reaches
	// outward may only say now.
	Now
)

// ParkPolicy decides what becomes of a record whose key is parked. waiting is how many
// records of the key are parked already.
type ParkPolicy func(key string, waiting int) ParkChoice

// ParkChoice is the answer of a [ParkPolicy].
type ParkChoice uint8

// Choices for a record behind a parked one.
const (
	Follow  ParkChoice = iota // joins the queue of its key
	Proceed                   // is handled as if nothing were parked
)

// Subscription declares who reads what. Its name is part of the stored format: renaming it
// makes a new one.
type Subscription struct {
	Name   string
	Topics []string
	Start  Start
	// Parallel is how many handlers run at once: 256.
	Parallel int
	// Window is how many records may be delivered and not yet durable: 8192.
	Window int
	Policy ParkPolicy // nil: strict, everything follows
	Paused bool       // begins paused
}

// subscription delivers records to handlers in lanes by key.
type subscription struct {
	Subscription
	bus  *Bus
	name string

	mu       sync.Mutex
	work     sync.Cond // the dispatcher may have something to do
	quiet    sync.Cond // a handler returned, or a unit became durable
	stopped  bool
	paused   bool
	readers  int // Subscribe calls that are served; without one nothing is delivered
	cursor   journal.Pos
	fedTo    journal.Pos
	live     []*journal.Record
	behind   bool // live has a hole: read the journal up to joinAt first
	joinAt   journal.Pos
	highs    [journal.Partitions]journal.Pos
	open     [journal.Partitions]int
	openAll  int
	skipped  journal.Pos
	skippedT time.Time
	lanes    map[string]*lane
	parked   map[string][]parkedAt
	running  int         // deliveries that a handler holds
	ready    []*Delivery // wait for a free handler
	out      chan *Delivery
	redo     []journal.Pos // open at the last stop: delivered again first

	staged []*journal.Record // of the batch being fed; only the committer touches it
}

// parkedAt is a parked record of a key, in order of positions.
type parkedAt struct {
	pos     journal.Pos
	reason  journal.ParkReason
	attempt int
	letter  string
}

// maxLive bounds what is held in memory for a subscription that lags.
const maxLive = 8192

type declared struct {
	Topics []string    `json:"topics"`
	Start  journal.Pos `json:"start"`
}

// DeclaredKey is the state under which a subscription's topics and start are kept, for
// the auditor and for a hub that is not running.
func DeclaredKey(sub string) string { return "subscription/" + sub }

// Declared reads what [DeclaredKey] holds: topics, and the position it started behind.
func Declared(data []byte) (topics []string, start journal.Pos, err error) {
	var d declared
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, 0, fmt.Errorf("reading a subscription's declaration: %w", err)
	}
	return d.Topics, d.Start, nil
}

// subscribe makes or finds a subscription and reads where it stands.
func (b *Bus) subscribe(ctx context.Context, cfg Subscription) (*subscription, error) {
	b.subsMu.RLock()
	s := b.subs[cfg.Name]
	b.subsMu.RUnlock()
	if s != nil {
		if !s.isStopped() {
			return s, nil
		}
		// Its last units must be durable before its checkpoints are read again.
		if err := s.drained(ctx); err != nil {
			return nil, err
		}
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 256
	}
	if cfg.Window <= 0 {
		cfg.Window = 8192
	}
	s = &subscription{
		Subscription: cfg, bus: b, name: cfg.Name,
		lanes: map[string]*lane{}, parked: map[string][]parkedAt{}, paused: cfg.Paused,
		out: make(chan *Delivery, cfg.Parallel),
	}
	s.work.L, s.quiet.L = &s.mu, &s.mu
	if err := s.declare(ctx); err != nil {
		return nil, err
	}
	if err := s.restore(ctx); err != nil {
		return nil, err
	}

	b.subsMu.Lock()
	defer b.subsMu.Unlock()
	if old := b.subs[cfg.Name]; old != nil {
		if !old.isStopped() {
			return old, nil
		}
		b.forget(old)
	}
	// From here on it is fed; what was committed until now it reads from the journal.
	s.behind, s.joinAt = true, b.Last()
	s.fedTo = s.joinAt
	b.subs[cfg.Name] = s
	for _, t := range s.topics() {
		b.topics[t] = append(slices.Clone(b.topics[t]), s)
	}
	go s.dispatch()
	return s, nil
}

// forget takes a stopped subscription off the topics. Callers hold subsMu.
func (b *Bus) forget(s *subscription) {
	delete(b.subs, s.name)
	for _, t := range s.topics() {
		b.topics[t] = slices.DeleteFunc(slices.Clone(b.topics[t]), func(o *subscription) bool { return o == s })
	}
}

// topics are those declared and the subscription's own, where its timers arrive.
func (s *subscription) topics() []string { return append(slices.Clone(s.Topics), timerTopic(s.name)) }

// declare keeps topics and start in the journal, once.
func (s *subscription) declare(ctx context.Context) error {
	key := DeclaredKey(s.name)
	for {
		row, err := s.bus.Row(ctx, journal.TableState, key)
		if err != nil {
			return err
		}
		st, err := journal.DecodeState(row)
		if err != nil {
			return err
		}
		d := declared{Topics: s.Topics}
		if row != nil {
			topics, start, err := Declared(st.Data)
			if err != nil {
				return err
			}
			if slices.Equal(topics, s.Topics) {
				s.cursor = start
				return nil
			}
			d.Start = start
		} else if s.Start == Now {
			if err := s.bus.Flush(ctx); err != nil {
				return err
			}
			d.Start = s.bus.Last()
		}
		data, err := json.Marshal(d)
		if err != nil {
			return err
		}
		r, err := s.bus.Submit(ctx, &journal.Unit{
			ID:     s.bus.newID(),
			States: []journal.StateOp{{Key: key, Tag: st.Tag, Data: data}},
		})
		if err != nil {
			return fmt.Errorf("declaring subscription %s: %w", s.name, err)
		}
		if r == nil {
			s.cursor = d.Start
			return nil
		}
	}
}

// restore reads checkpoints and parked records.
func (s *subscription) restore(ctx context.Context) error {
	rows, err := s.bus.driver.Checkpoints(ctx, s.name)
	if err != nil {
		return fmt.Errorf("reading checkpoints of %s: %w", s.name, err)
	}
	start := s.cursor
	for i := range s.highs {
		s.highs[i] = start
	}
	for _, r := range rows {
		s.highs[r.Part] = max(start, r.High)
		s.open[r.Part] = len(r.Open)
		s.openAll += len(r.Open)
		s.redo = append(s.redo, r.Open...)
	}
	slices.Sort(s.redo)
	s.cursor = slices.Min(s.highs[:])
	after := ""
	for {
		parks, err := s.bus.driver.Scan(ctx, journal.TablePark, journal.ParkPrefix(s.name), after, 1000)
		if err != nil {
			return fmt.Errorf("reading parked records of %s: %w", s.name, err)
		}
		for _, row := range parks {
			_, key, pos, err := journal.ParseParkKey(row.Key)
			if err != nil {
				return err
			}
			p, err := journal.DecodePark(row.Value)
			if err != nil {
				return fmt.Errorf("reading parked record %d of %s: %w", pos, s.name, err)
			}
			s.parked[key] = append(s.parked[key], parkedAt{pos, p.Reason, int(p.Attempt), p.Letter})
			after = row.Key
		}
		if len(parks) < 1000 {
			return nil
		}
	}
}

// feed takes what the committer staged. It never blocks: a subscription that lags
// goes back to reading the journal.
func (s *subscription) feed(last journal.Pos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.live)+len(s.staged) > maxLive {
		s.live, s.behind, s.joinAt = nil, true, last
	} else {
		s.live = append(s.live, s.staged...)
	}
	clear(s.staged)
	s.staged = s.staged[:0]
	s.fedTo = last
	s.work.Signal()
}

var errStopped = errors.New("subscription stopped")

// dispatch reads records in order and puts them into lanes.
func (s *subscription) dispatch() {
	if err := s.dispatchAll(); err != nil && !errors.Is(err, errStopped) && !errors.Is(err, ErrClosed) {
		s.bus.log.Error("subscription ended", "route", s.name, "err", err)
		s.bus.mu.Lock()
		if s.bus.err == nil {
			s.bus.err = broken(err)
		}
		s.bus.mu.Unlock()
	}
}

func (s *subscription) dispatchAll() error {
	ctx := context.Background()
	for len(s.redo) > 0 {
		n := min(len(s.redo), 256)
		recs := make([]*journal.Record, 0, n)
		for _, pos := range s.redo[:n] {
			r, err := s.bus.record(ctx, pos)
			if err != nil {
				return err
			}
			recs = append(recs, &r)
		}
		if err := s.waitRoom(); err != nil {
			return err
		}
		s.deliver(recs, true)
		s.redo = s.redo[n:]
	}
	if err := s.wakeParked(ctx); err != nil {
		return err
	}
	for {
		recs, page0, err := s.next()
		if err != nil {
			return err
		}
		if page0 != nil {
			page, err := s.bus.driver.Topics(ctx, s.topics(), page0.after, 512)
			if err != nil {
				return fmt.Errorf("reading topics of %s: %w", s.name, err)
			}
			recs = make([]*journal.Record, len(page))
			for i := range page {
				recs[i] = &page[i]
			}
			if len(page) < 512 {
				s.caughtUp(recs, page0.joinAt)
				continue
			}
		}
		for len(recs) > 0 {
			n := min(len(recs), 256)
			if err := s.waitRoom(); err != nil {
				return err
			}
			s.deliver(recs[:n], false)
			recs = recs[n:]
		}
	}
}

// pageFrom asks for a page of the journal. joinAt is what was committed before it is read.
type pageFrom struct{ after, joinAt journal.Pos }

// next waits for records: live ones, or the word that the journal has some.
func (s *subscription) next() ([]*journal.Record, *pageFrom, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.stopped:
			return nil, nil, errStopped
		case s.behind:
			return nil, &pageFrom{s.cursor, s.joinAt}, nil
		case len(s.live) > 0:
			n := min(len(s.live), 512)
			live := slices.Clone(s.live[:n])
			s.live = append(s.live[:0], s.live[n:]...)
			return live, nil, nil
		}
		if s.fedTo > s.cursor {
			s.cursor = s.fedTo
			s.skip()
		}
		s.work.Wait()
	}
}

// caughtUp delivers the last, short page of the journal: the log ended there, so everything
// up to joinAt was read. Unless more was missed meanwhile, the subscription goes on from memory.
func (s *subscription) caughtUp(recs []*journal.Record, joinAt journal.Pos) {
	for len(recs) > 0 {
		n := min(len(recs), 256)
		if s.waitRoom() != nil {
			return
		}
		s.deliver(recs[:n], false)
		recs = recs[n:]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor = max(s.cursor, joinAt)
	if s.joinAt == joinAt {
		s.behind = false
		// What the page held already is not delivered twice.
		s.live = slices.DeleteFunc(s.live, func(r *journal.Record) bool { return r.Pos <= s.cursor })
	}
}

// waitRoom blocks while too much is delivered and not durable.
func (s *subscription) waitRoom() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.stopped && (s.openAll+256 > s.Window || slices.Max(s.open[:])+256 > journal.MaxOpen) {
		s.work.Wait()
	}
	if s.stopped {
		return errStopped
	}
	return nil
}

// deliver notes records as delivered and puts them into their lanes. again is for those
// that were open when the last process ended.
func (s *subscription) deliver(recs []*journal.Record, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	notes := make([]journal.Delivery, 0, len(recs))
	fresh := make([]*Delivery, 0, len(recs))
	for _, r := range recs {
		part := journal.PartitionOf(r.Key)
		if !again {
			s.cursor = max(s.cursor, r.Pos)
			if r.Pos <= s.highs[part] {
				continue
			}
			s.highs[part] = r.Pos
			s.open[part]++
			s.openAll++
			notes = append(notes, journal.Delivery{Sub: s.name, Part: part, Pos: r.Pos})
		}
		fresh = append(fresh, &Delivery{Record: *r, sub: s, part: part})
	}
	if len(notes) > 0 {
		s.bus.mu.Lock()
		s.bus.delivered = append(s.bus.delivered, notes...)
		s.bus.mu.Unlock()
	}
	for _, d := range fresh {
		s.enter(d)
	}
}

// skip lets idle partitions follow the cursor, at most once a second: a restart then
// need not read again what was never theirs. It rides with the next batch.
func (s *subscription) skip() {
	now := s.bus.now()
	if s.cursor == s.skipped || now.Sub(s.skippedT) < time.Second {
		return
	}
	notes := make([]journal.Delivery, 0, journal.Partitions)
	for p := range s.highs {
		if s.highs[p] < s.cursor {
			s.highs[p] = s.cursor
			notes = append(notes, journal.Delivery{Sub: s.name, Part: uint8(p), Pos: s.cursor, Skip: true})
		}
	}
	s.skipped, s.skippedT = s.cursor, now
	s.bus.mu.Lock()
	s.bus.delivered = append(s.bus.delivered, notes...)
	s.bus.mu.Unlock()
}

// record reads one record by its position.
func (b *Bus) record(ctx context.Context, pos journal.Pos) (journal.Record, error) {
	st, err := b.driver.Holding(ctx, pos)
	if err != nil {
		return journal.Record{}, fmt.Errorf("reading position %d: %w", pos, err)
	}
	r, ok := st.At(pos)
	if !ok {
		return journal.Record{}, fmt.Errorf("reading position %d: the unit there holds no record", pos)
	}
	return r, nil
}

// Lag is how a subscription stands.
type Lag struct {
	Name    string      `json:"name"`
	Topics  []string    `json:"topics"`
	Cursor  journal.Pos `json:"cursor"`
	Behind  uint64      `json:"behind"` // positions between the cursor and the end of the log
	Open    int         `json:"open"`   // delivered and not durable
	Running int         `json:"running"`
	Parked  int         `json:"parked"`
	Paused  bool        `json:"paused"`
	Stopped bool        `json:"stopped"`
}

// Lags tells how every subscription stands, by name.
func (b *Bus) Lags() []Lag {
	b.subsMu.RLock()
	defer b.subsMu.RUnlock()
	out := make([]Lag, 0, len(b.subs))
	for _, s := range b.subs {
		out = append(out, s.lag())
	}
	slices.SortFunc(out, func(a, b Lag) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

func (s *subscription) lag() Lag {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := Lag{
		Name: s.name, Topics: s.Topics, Cursor: s.cursor, Open: s.openAll,
		Running: s.running, Paused: s.paused, Stopped: s.stopped,
	}
	if last := s.bus.Last(); last > s.cursor && s.behind {
		l.Behind = uint64(last - s.cursor)
	}
	l.Behind += uint64(len(s.live))
	for _, q := range s.parked {
		l.Parked += len(q)
	}
	return l
}

func (b *Bus) find(name string) (*subscription, error) {
	b.subsMu.RLock()
	defer b.subsMu.RUnlock()
	s := b.subs[name]
	if s == nil {
		return nil, fmt.Errorf("no subscription is named %q", name)
	}
	return s, nil
}

// Pause stops handing messages of one subscription to its handlers, without touching
// another. Those that run finish. Resume goes on where it stopped.
func (b *Bus) Pause(name string) error {
	s, err := b.find(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = true
	s.recall()
	return nil
}

// Resume ends a pause.
func (b *Bus) Resume(name string) error {
	s, err := b.find(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = false
	s.emitReady()
	s.work.Broadcast()
	return nil
}

// Drain waits until no handler of the subscription runs and nothing of it waits for the disk.
// Pause it first, or it may never end.
func (b *Bus) Drain(ctx context.Context, name string) error {
	s, err := b.find(name)
	if err != nil {
		return err
	}
	return s.drained(ctx)
}

// Remove stops a subscription and forgets it. What it had open is delivered again when
// it is made anew.
func (b *Bus) Remove(ctx context.Context, name string) error {
	s, err := b.find(name)
	if err != nil {
		return err
	}
	s.stop()
	if err := s.drained(ctx); err != nil {
		return err
	}
	b.subsMu.Lock()
	defer b.subsMu.Unlock()
	if b.subs[name] == s {
		b.forget(s)
	}
	return nil
}

func (s *subscription) isStopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

// stop ceases delivery. What is in a handler goes on.
func (s *subscription) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.stopped = true
		s.recall()
		close(s.out)
		s.work.Broadcast()
		s.quiet.Broadcast()
	}
}

// drained waits until no handler runs and what they handed over is durable.
func (s *subscription) drained(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.quiet.Broadcast()
	})
	defer stop()
	s.mu.Lock()
	for s.running > 0 && ctx.Err() == nil {
		s.quiet.Wait()
	}
	n := s.running
	s.mu.Unlock()
	if n > 0 {
		return fmt.Errorf("draining %s: %d handlers still run: %w", s.name, n, ctx.Err())
	}
	if err := s.bus.Flush(ctx); err != nil && !errors.Is(err, ErrClosed) {
		return fmt.Errorf("draining %s: %w", s.name, err)
	}
	return nil
}

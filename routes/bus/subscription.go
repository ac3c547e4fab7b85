package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
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

// Subscription declares who reads what. Its name is part of the stored format: renaming it
// makes a new one.
type Subscription struct {
	Name   string
	Topics []string
	// Types are the record types it is given; none is all of them. What it does not take
	// costs it nothing: such a record is neither delivered nor marked.
	Types []string
	Start Start
	// Parallel is how many handlers run at once: 256.
	Parallel int
	// Window is how many records may be delivered and not yet durable: 8192. It is less where
	// they are large.
	Window int
	Policy ParkPolicy // nil: strict, everything follows
	Paused bool       // begins paused
}

// subscription delivers records to handlers in lanes by key.
type subscription struct {
	Subscription
	bus      *Bus
	name     string
	ownTopic string                 // of its timers
	types    map[string]journal.Pos // that it takes, from where on; nil is all

	starts map[string]journal.Pos // of topics added later: nothing at or below is theirs

	mu        sync.Mutex
	work      sync.Cond // the dispatcher may have something to do
	quiet     sync.Cond // a handler returned
	stopped   bool
	paused    bool
	cursor    journal.Pos // all of the topics up to here was delivered
	fedTo     journal.Pos
	live      []*journal.Record
	behind    bool // live has a hole: read the journal up to joinAt first
	joinAt    journal.Pos
	highs     [journal.Partitions]journal.Pos
	open      [journal.Partitions]int // as the checkpoints will have it
	held      int                     // delivered by this process and not durable
	bytes     int                     // of those, about
	woken     int                     // parked records on their way
	liveBytes int
	skipped   journal.Pos
	skippedT  time.Time
	lanes     map[string]*lane
	parked    map[journal.Pos]*parkedAt
	queues    map[string][]*parkedAt // of parked keys
	running   int                    // deliveries that a handler holds
	ready     []*Delivery            // wait for a free handler
	out       chan *Delivery
	redo      []journal.Pos // open at the last stop: delivered again first

	quit  chan struct{} // closed by stop
	ended chan struct{} // the dispatcher ended

	// Of the batch that the committer is done with; only it touches them.
	staged  []*journal.Record
	settled []*Delivery
}

// maxLive bounds what is held in memory for a subscription that lags.
const maxLive = 8192

type declared struct {
	Topics []string    `json:"topics"`
	Start  journal.Pos `json:"start"`
	// Added are topics that were not there from the start, with the position each
	// began behind.
	Added map[string]journal.Pos `json:"added,omitempty"`
	// Types are those that it takes, with the position each began behind; nil is all.
	Types map[string]journal.Pos `json:"types,omitempty"`
}

// DeclaredKey is the state under which a subscription's topics and start are kept, for
// the auditor and for a hub that is not running.
func DeclaredKey(sub string) string { return "subscription/" + sub }

// DeclaredTopics reads the topics that [DeclaredKey] holds, with the position that each
// began behind: one that was added later began when it was added. The subscription's own
// timers are a topic of it.
func DeclaredTopics(sub string, data []byte) (map[string]journal.Pos, error) {
	var d declared
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("reading a subscription's declaration: %w", err)
	}
	starts := map[string]journal.Pos{timerTopic(sub): d.Start}
	for _, t := range d.Topics {
		starts[t] = max(d.Start, d.Added[t])
	}
	return starts, nil
}

// DeclaredTypes are the record types that a subscription takes, with the position each began
// behind; nil is all of them. Its timers it takes whatever their type.
func DeclaredTypes(data []byte) (map[string]journal.Pos, error) {
	var d declared
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("reading a subscription's declaration: %w", err)
	}
	return d.Types, nil
}

// TimerTopic is the topic on which a subscription's timers arrive.
func TimerTopic(sub string) string { return timerTopic(sub) }

// wants reports whether a record of its topics is one that the subscription takes.
func (s *subscription) wants(r *journal.Record) bool {
	if s.types == nil || r.Topic == s.ownTopic {
		return true
	}
	from, ok := s.types[r.Type]
	return ok && r.Pos > from
}

// typed says which types the subscription takes from where on. old is nil for a new one.
func (s *subscription) typed(ctx context.Context, old *declared) (map[string]journal.Pos, error) {
	if old != nil && old.Types == nil && len(s.Types) > 0 {
		// It took all so far, so whatever it takes now it owes from the start.
		old = nil
	}
	if old != nil && old.Types != nil && len(s.Types) == 0 {
		return nil, fmt.Errorf("subscription %s took only some record types and is to take all: give it another name", s.name)
	}
	if len(s.Types) == 0 {
		return nil, nil
	}
	types := make(map[string]journal.Pos, len(s.Types))
	for _, t := range s.Types {
		if old == nil {
			types[t] = 0
			continue
		}
		from, ok := old.Types[t]
		if !ok {
			if err := s.bus.Flush(ctx); err != nil {
				return nil, err
			}
			from = s.bus.Last()
		}
		types[t] = from
	}
	return types, nil
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
	if err := b.Fresh(ctx); err != nil {
		return nil, err
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 256
	}
	if cfg.Window <= 0 {
		cfg.Window = 8192
	}
	s = &subscription{
		Subscription: cfg, bus: b, name: cfg.Name, ownTopic: timerTopic(cfg.Name),
		lanes: map[string]*lane{}, paused: cfg.Paused,
		parked: map[journal.Pos]*parkedAt{}, queues: map[string][]*parkedAt{},
		out:  make(chan *Delivery, cfg.Parallel),
		quit: make(chan struct{}), ended: make(chan struct{}),
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
	if b.shut {
		return nil, ErrClosed
	}
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
	if b.opts.Stepped {
		close(s.ended)
		b.stirred = true
	} else {
		go s.dispatch() //nolint:gosec // it ends with the bus, not with whoever subscribed
	}
	b.timers.rearm(s.name)
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
			var old declared
			if err := json.Unmarshal(st.Data, &old); err != nil {
				return fmt.Errorf("reading the declaration of %s: %w", s.name, err)
			}
			if d.Types, err = s.typed(ctx, &old); err != nil {
				return err
			}
			if slices.Equal(old.Topics, s.Topics) && maps.Equal(old.Types, d.Types) {
				s.cursor, s.starts, s.types = old.Start, old.Added, old.Types
				return nil
			}
			d.Start = old.Start
			if d.Added, err = s.added(ctx, old); err != nil {
				return err
			}
		} else if s.Start == Now {
			if err := s.bus.Flush(ctx); err != nil {
				return err
			}
			d.Start = s.bus.Last()
		}
		if row == nil {
			if d.Types, err = s.typed(ctx, nil); err != nil {
				return err
			}
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
			s.cursor, s.starts, s.types = d.Start, d.Added, d.Types
			return nil
		}
	}
}

// added says where topics begin that the subscription did not have. Its checkpoints stand
// beyond the older records of such a topic, so it begins at the end of the log.
func (s *subscription) added(ctx context.Context, old declared) (map[string]journal.Pos, error) {
	if err := s.bus.Flush(ctx); err != nil {
		return nil, err
	}
	added := map[string]journal.Pos{}
	for _, t := range s.Topics {
		if !slices.Contains(old.Topics, t) {
			added[t] = s.bus.Last()
		} else if pos, ok := old.Added[t]; ok {
			added[t] = pos
		}
	}
	return added, nil
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
			s.park(&parkedAt{pos: pos, key: key, reason: p.Reason, attempt: int(p.Attempt), letter: p.Letter})
			after = row.Key
		}
		if len(parks) < 1000 {
			return nil
		}
	}
}

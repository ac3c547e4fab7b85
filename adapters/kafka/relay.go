package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
)

// Bounds of a transaction: whole units, until one passes them.
const (
	relayRecords = 5000
	relayBytes   = 8 << 20
	relayUnits   = 2048
)

// Waits of a relay.
const (
	relayIdle    = 10 * time.Millisecond // between two looks at the journal's end
	relayFirst   = 200 * time.Millisecond
	relayMost    = 5 * time.Second
	relayStandby = 10 * time.Second
	// transactionTime is how long the broker holds a transaction open whose relay says nothing: so
	// long readers of committed records wait where no other relay takes over.
	transactionTime = 30 * time.Second
	// stopGrace is how long a stop waits for a transaction that is under way.
	stopGrace = 3 * time.Second
	// markEvery is how many positions without anything to relay are passed before a mark says so.
	markEvery = 100_000
)

// Step names a point of a relay that a crash must not tear apart.
type Step string

// The steps of a relay.
const (
	StepOwned    Step = "relay: the transactional id is taken"
	StepFound    Step = "relay: the last mark is found"
	StepProduced Step = "relay: records are handed to the client"
	StepFlushed  Step = "relay: the broker has the records and the mark"
	StepEnded    Step = "relay: a transaction is committed"
)

// Steps are all of them, so that a test can demand each.
func Steps() []Step {
	return []Step{StepOwned, StepFound, StepProduced, StepFlushed, StepEnded}
}

// RelayOptions say what is relayed.
type RelayOptions struct {
	Options

	// Log is the journal. Its Last is asked every 10 ms where there is nothing to do: it answers from
	// memory.
	Log  journal.Log
	Last func() journal.Pos
	// Flows begins the names of topics of the journal whose messages are no events; each goes to the topic that
	// the rest of its name is, behind the prefix, also when no flow is there any more that writes it. "" is none.
	Flows string
	// More are topics, behind the prefix, that are made beside the ten where they are missing.
	More []string

	Logger *slog.Logger // discards
	// Standby is how long a relay that another shut out sees nothing of it before it takes over: 10 s.
	Standby time.Duration
	// Step, when set, is told of each step that is reached.
	Step func(Step)
}

// Relay copies the journal's events to Kafka. Any number of processes may run one: one of them works.
type Relay struct {
	opts RelayOptions
	log  *slog.Logger

	pos          atomic.Uint64
	records      atomic.Int64
	transactions atomic.Int64

	mu      sync.Mutex
	state   RelayState
	failure error
	notes   []string
}

// RelayState is what a relay is at.
type RelayState string

// States of a relay.
const (
	RelayStarting RelayState = "starting"
	RelayRunning  RelayState = "running"
	RelayStandby  RelayState = "standby" // another process relays
	RelayWaiting  RelayState = "waiting" // Kafka is away, or refuses
)

// RelayStatus is how a relay does.
type RelayStatus struct {
	State    RelayState
	Position journal.Pos // everything up to it is in Kafka
	Behind   uint64      // positions that are not
	Records  int64       // relayed by this process
	Commits  int64       // transactions of this process
	Err      error       // why it waits
	Notes    []string    // what is legal and not wise about the topics
}

// NewRelay makes a relay; [Relay.Run] starts it.
func NewRelay(o RelayOptions) *Relay {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Standby == 0 {
		o.Standby = relayStandby
	}
	if o.Step == nil {
		o.Step = func(Step) {}
	}
	return &Relay{opts: o, log: o.Logger, state: RelayStarting}
}

// Status is how it does now.
func (r *Relay) Status() RelayStatus {
	r.mu.Lock()
	s := RelayStatus{State: r.state, Err: r.failure, Notes: r.notes}
	r.mu.Unlock()
	s.Position, s.Records, s.Commits = journal.Pos(r.pos.Load()), r.records.Load(), r.transactions.Load()
	if last := r.opts.Last(); last > s.Position {
		s.Behind = uint64(last - s.Position)
	}
	return s
}

func (r *Relay) at(state RelayState, err error) {
	r.mu.Lock()
	before, was := r.state, r.failure
	r.state, r.failure = state, err
	r.mu.Unlock()
	switch {
	case state == RelayStandby && before != RelayStandby:
		r.log.Info("another process relays to Kafka: this one stands by")
	case err != nil && (was == nil || was.Error() != err.Error()):
		r.log.Warn("the relay to Kafka waits: what it has not relayed stays in the journal", "err", err)
	case state == RelayRunning && was != nil:
		r.log.Info("the relay to Kafka goes on", "position", r.pos.Load())
	}
}

// Run relays until ctx ends. A failure stops nothing else: it is told by [Relay.Status], logged once
// and tried again, from the last mark that Kafka holds.
func (r *Relay) Run(ctx context.Context) error {
	wait := relayFirst
	for ctx.Err() == nil {
		before := r.transactions.Load()
		failure := r.session(ctx)
		if fenced(failure) || errors.Is(failure, ErrFenced) {
			r.at(RelayStandby, nil)
			failure = r.standBy(ctx)
		}
		if failure == nil || ctx.Err() != nil {
			continue
		}
		r.at(RelayWaiting, failure)
		if r.transactions.Load() != before {
			wait = relayFirst
		}
		pause(ctx, wait+rand.N(wait/2))
		wait = min(2*wait, relayMost)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// producer writes for one session. What became of a transaction whose end brought an error is
// nobody's guess: the session ends, and the next one asks.
type producer struct {
	*kgo.Client
	marks string

	mu  sync.Mutex
	err error // of the first record that was refused
}

func (r *Relay) transactionalID() string { return r.opts.Prefix + "paklog-relay" }

// session relays from the last mark until something fails or ctx ends.
func (r *Relay) session(ctx context.Context) error {
	client, err := r.opts.client(
		kgo.TransactionalID(r.transactionalID()), kgo.TransactionTimeout(transactionTime),
		kgo.ProducerBatchMaxBytes(maxMessage), kgo.RecordDeliveryTimeout(transactionTime),
		kgo.MaxBufferedRecords(4*relayRecords),
	)
	if err != nil {
		return err
	}
	p := &producer{Client: client, marks: r.opts.Prefix + marks}
	defer client.Close()
	notes, err := ensureTopics(ctx, kadm.NewClient(client), r.opts.Options, r.opts.More...)
	if err != nil {
		return err
	}
	// What another left open is ended by this, and what it does from now on is refused.
	if _, _, err := client.ProducerID(ctx); err != nil {
		return fmt.Errorf("taking the transactional id: %w", advice(err))
	}
	r.opts.Step(StepOwned)
	pos, err := r.find(ctx, p)
	if err != nil {
		return err
	}
	r.opts.Step(StepFound)
	r.pos.Store(uint64(pos))
	r.mu.Lock()
	r.notes = notes
	r.mu.Unlock()
	r.at(RelayRunning, nil)

	topics := destinations{prefix: r.opts.Prefix, flows: r.opts.Flows, by: map[string]string{}}
	for _, t := range event.Topics() {
		topics.by[string(t)] = r.opts.Prefix + string(t)
	}
	marked := pos
	idle := time.NewTicker(relayIdle)
	defer idle.Stop()
	for ctx.Err() == nil {
		if r.opts.Last() <= pos {
			select {
			case <-idle.C:
			case <-ctx.Done():
			}
			continue
		}
		units, err := r.opts.Log.Units(ctx, pos+1, relayUnits)
		if err != nil {
			return fmt.Errorf("reading the journal: %w", err)
		}
		if len(units) == 0 {
			return fmt.Errorf("reading the journal: no unit behind position %d, of %d", pos, r.opts.Last())
		}
		if pos, marked, err = r.relay(ctx, p, topics, units, marked); err != nil {
			return err
		}
		r.pos.Store(uint64(pos))
	}
	return nil
}

// end is the last position of a unit.
func end(u *journal.Stored) journal.Pos {
	return u.First + journal.Pos(max(1, len(u.Unit.Records))) - 1
}

// relay writes units in transactions. It returns how far everything is relayed, and where the last
// mark stands.
func (r *Relay) relay(ctx context.Context, p *producer, topics destinations, units []journal.Stored, marked journal.Pos) (pos, at journal.Pos, err error) {
	pos, at = units[0].First-1, marked
	for len(units) > 0 {
		n, records, bytes := 0, 0, 0
		for n < len(units) && records < relayRecords && bytes < relayBytes {
			for i := range units[n].Unit.Records {
				if rec := &units[n].Unit.Records[i]; topics.of(rec) != "" {
					records++
					bytes += len(rec.Data)
				}
			}
			n++
		}
		last := &units[n-1]
		if records == 0 && end(last)-at < markEvery {
			pos, units = end(last), units[n:]
			continue
		}
		if err := r.transaction(ctx, p, topics, units[:n]); err != nil {
			return pos, at, err
		}
		pos, at, units = end(last), end(last), units[n:]
		r.pos.Store(uint64(pos))
		r.records.Add(int64(records))
		r.transactions.Add(1)
		r.opts.Step(StepEnded)
	}
	return pos, at, nil
}

// destinations are the topics in Kafka by those of the journal.
type destinations struct {
	prefix, flows string
	by            map[string]string
}

// of is where a record goes; "" stays. What came from Kafka does not go back.
func (d destinations) of(rec *journal.Record) string {
	if cameFromKafka(rec) {
		return ""
	}
	to := d.by[rec.Topic]
	if to == "" && d.isFlow(rec) {
		to = d.prefix + rec.Topic[len(d.flows):]
		d.by[rec.Topic] = to
	}
	return to
}

func (d destinations) isFlow(rec *journal.Record) bool {
	return d.flows != "" && strings.HasPrefix(rec.Topic, d.flows)
}

// outlasting is a context that goes on for a moment when ctx ends: long enough for a broker that is
// there, and no longer, so that one that is away does not hold up a stop.
func outlasting(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionTime)
	stop := context.AfterFunc(ctx, func() {
		pause(longer, stopGrace)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

// transaction writes units and the mark behind them, whole or not at all. A stop of the hub does not
// tear one apart: it is short.
func (r *Relay) transaction(ctx context.Context, p *producer, topics destinations, units []journal.Stored) error {
	ctx, cancel := outlasting(ctx)
	defer cancel()
	if err := p.BeginTransaction(); err != nil {
		return fmt.Errorf("beginning a transaction: %w", advice(err))
	}
	for i := range units {
		for j := range units[i].Unit.Records {
			rec := &units[i].Unit.Records[j]
			if to := topics.of(rec); to != "" {
				p.Produce(ctx, message(rec, to, !topics.isFlow(rec)), p.told)
			}
		}
	}
	last := &units[len(units)-1]
	m, err := r.mark(ctx, end(last), last.Unit.ID)
	if err != nil {
		return p.abort(ctx, err)
	}
	p.Produce(ctx, &kgo.Record{Topic: p.marks, Key: []byte(markKey), Value: m}, p.told)
	r.opts.Step(StepProduced)
	return r.commit(ctx, p)
}

// told hears what became of a record.
func (p *producer) told(_ *kgo.Record, err error) {
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}

// commit ends a transaction once the broker has all of it.
func (r *Relay) commit(ctx context.Context, p *producer) error {
	err := p.Flush(ctx)
	p.mu.Lock()
	err = errors.Join(p.err, err)
	p.mu.Unlock()
	if err != nil {
		return p.abort(ctx, fmt.Errorf("writing to Kafka: %w", advice(err)))
	}
	r.opts.Step(StepFlushed)
	if err := p.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("committing to Kafka: %w", advice(err))
	}
	return nil
}

// abort lets go what readers would wait for otherwise, until the broker's own time for it is over.
func (p *producer) abort(ctx context.Context, why error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := p.AbortBufferedRecords(ctx); err == nil {
		_ = p.EndTransaction(ctx, kgo.TryAbort) // why says what is wrong; the next session ends it else
	}
	return why
}

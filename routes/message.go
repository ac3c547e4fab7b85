package routes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// Message is what a handler gets: a record, and the state of the hub to decide on.
// It belongs to one run of the handler.
type Message struct {
	journal.Record
	// Event is the record decoded; nil for documents, commands and timers.
	Event event.Event
	// Attempt is how many runs failed before this one.
	Attempt int
	// Value is what a door was called with.
	Value any
	// Now is the time of this run.
	Now time.Time

	// origin is the id of the message that the record stands for: its own, where nobody has edited it. What is
	// done outside is kept under it.
	origin journal.ID

	hub   *Hub
	route string
	ran   *eip.Ran
	reads *bus.Reads
	d     *bus.Delivery
	seen  []seen
	// states are the patterns' states that this run has read.
	states map[string]journal.State
}

// seen is one read of a run: what it was, and how it stood.
type seen struct {
	fold *bus.Fold // nil for a pattern's state
	name string
	at   uint64
}

// moved reports whether something that the run has read stands elsewhere by now. Then
// its reads may be of different moments, and an error that it came to means nothing.
func (m *Message) moved(ctx context.Context) bool {
	for _, s := range m.seen {
		var now uint64
		var err error
		if s.fold != nil {
			_, now, err = m.reads.Peek(ctx, s.fold, s.name)
		} else {
			var st journal.State
			st, err = m.reads.State(ctx, s.name)
			now = st.Tag
		}
		if err == nil && now != s.at {
			return true
		}
	}
	return false
}

// torn is the error that a run came to: on reads of different moments it asks for another run.
func (m *Message) torn(ctx context.Context, err error) error {
	if m.moved(ctx) {
		return errRerun
	}
	return err
}

// Decode reads the record's JSON data into v; what does not fit is Invalid.
func (m *Message) Decode(v any) error {
	if err := json.Unmarshal(m.Data, v); err != nil {
		return fault.E(m.route, fault.Invalid, fmt.Errorf("reading %s: %w", m.Type, err))
	}
	return nil
}

// State is the state of a pattern (aggregator, process manager, counter). A run that asks again
// gets what it got: else it would write on the tag of a state that it has not decided on.
func (m *Message) State(ctx context.Context, key string) (journal.State, error) {
	if st, ok := m.states[key]; ok {
		return st, nil
	}
	st, err := m.reads.State(ctx, key)
	if err != nil {
		return st, err
	}
	m.seen = append(m.seen, seen{name: key, at: st.Tag})
	if m.states == nil {
		m.states = map[string]journal.State{}
	}
	m.states[key] = st
	return st, nil
}

// Row is a keyed row with all that waits for the disk counted in.
func (m *Message) Row(ctx context.Context, t journal.Table, key string) ([]byte, error) {
	return m.reads.Row(ctx, t, key)
}

// Balance is an account's balance with all that waits counted in. Floors guard what is
// decided on it.
func (m *Message) Balance(ctx context.Context, book, account string) (int64, error) {
	return m.reads.Balance(ctx, book, account)
}

// Claimed is what was claimed under an outside id, or false. A claim that expired is none, whether
// or not its row is still there.
func (m *Message) Claimed(ctx context.Context, scope, id string) (journal.Claim, bool, error) {
	b, err := m.reads.Row(ctx, journal.TableClaim, journal.ClaimKey(scope, id))
	if err != nil || b == nil {
		return journal.Claim{}, false, err
	}
	c, err := journal.DecodeClaim(b)
	return c, err == nil && !c.Expired(m.Now), err
}

// Aggregate is a fold of core that the bus can hold in memory. Make one a kind and keep it.
type Aggregate[S any] struct {
	fold event.Fold[S]
	bus  *bus.Fold
}

// NewAggregate binds a fold to the registry that reads its events.
func NewAggregate[S any](f event.Fold[S], reg *event.Registry) *Aggregate[S] {
	var zero S
	nothing := any(zero) // once: putting a state of a kilobyte into an interface copies it
	return &Aggregate[S]{fold: f, bus: &bus.Fold{
		Kind:    f.Kind,
		Version: uint32(f.Version),
		Zero:    func() any { return nothing },
		Apply: func(state any, r *journal.Record) (any, error) {
			e, err := decodeEvent(reg, r)
			if err != nil {
				return nil, err
			}
			return f.Apply(state.(S), e)
		},
		Encode: func(state any) ([]byte, error) {
			x, err := f.Snapshot(state.(S))
			if err != nil {
				return nil, err
			}
			return json.Marshal(x)
		},
		Decode: func(data []byte) (any, error) {
			var x event.Encoded
			if err := json.Unmarshal(data, &x); err != nil {
				return nil, err
			}
			return f.Restore(x)
		},
	}}
}

// Load is an aggregate's state; the unit is refused and the handler runs again when it
// moves on before the unit is written.
func Load[S any](ctx context.Context, m *Message, a *Aggregate[S], stream string) (S, error) {
	return stateOf[S](loadAny(ctx, m, a, stream))
}

// loadAny is [Load] without a copy of the state.
func loadAny[S any](ctx context.Context, m *Message, a *Aggregate[S], stream string) (any, error) {
	s, at, err := m.reads.Load(ctx, a.bus, stream)
	if err == nil {
		m.seen = append(m.seen, seen{a.bus, stream, at})
	}
	return s, err
}

// bind makes a look that bound nothing one that the unit depends on.
func (m *Message) bind(s seen) {
	m.reads.Expect(s.name, s.at)
	m.seen = append(m.seen, s)
}

func stateOf[S any](s any, err error) (S, error) {
	if err != nil {
		var zero S
		return zero, err
	}
	return s.(S), nil
}

// Peek is [Load] without that condition, for choices that floors guard.
func Peek[S any](ctx context.Context, m *Message, a *Aggregate[S], stream string) (S, error) {
	s, _, err := m.reads.Peek(ctx, a.bus, stream)
	return stateOf[S](s, err)
}

func decodeEvent(reg *event.Registry, r *journal.Record) (event.Event, error) {
	if e, ok := r.Event.(event.Event); ok {
		return e, nil
	}
	return reg.Decode(event.Encoded{
		Type: r.Type, Schema: int(r.Schema), Data: r.Data, Subject: r.Subject, Personal: r.Personal,
	})
}

// Out is what a handler decided. Its zero parts are nothing; an empty Out just marks
// the message handled.
type Out struct {
	journal.Unit
	m      *Message
	answer any
	err    error
}

// Out begins a decision on m.
func (m *Message) Out() *Out { return &Out{m: m} }

// Append adds events: each to its stream, on its topic. Streams that were loaded are
// expected where they were seen; others take the event wherever they stand.
func (o *Out) Append(events ...event.Event) *Out {
	for _, e := range events {
		r, err := o.m.hub.eventRecord(e)
		if err != nil {
			o.fail(err)
			continue
		}
		o.add(r)
	}
	return o
}

// AppendAll is [Out.Append] for the slices that core decides.
func AppendAll[E event.Event](o *Out, events []E) *Out {
	for _, e := range events {
		o.Append(e)
	}
	return o
}

// Publish adds a message that is no event: a command, or a document's JSON.
func (o *Out) Publish(topic, typ, key string, data any) *Out {
	b, err := json.Marshal(data)
	if err != nil {
		o.fail(fault.E(o.m.route, fault.Internal, fmt.Errorf("writing %s: %w", typ, err)))
		return o
	}
	return o.Send(journal.Record{Type: typ, Topic: topic, Key: key, Data: b})
}

// Send adds a record as it is, but for what every record inherits from its cause.
func (o *Out) Send(r journal.Record) *Out {
	o.add(r)
	return o
}

func (o *Out) add(r journal.Record) {
	m := o.m
	if r.ID.IsZero() {
		r.ID = m.ID.Child(m.route, r.Type, len(o.Records))
	}
	if r.Schema == 0 {
		r.Schema = 1
	}
	if r.Time.IsZero() {
		r.Time = m.Now
	}
	if r.Correlation == "" {
		r.Correlation = m.Correlation
	}
	if r.Causation.IsZero() {
		r.Causation = m.ID
	}
	if r.Source == "" {
		r.Source = m.route
	}
	if r.Trace == "" {
		r.Trace = m.Trace
	}
	if o.Records == nil {
		o.Records = make([]journal.Record, 0, fewRecords)
	}
	o.Records = append(o.Records, r)
}

// fewRecords are room for most decisions: growing to it step by step took as long as filling it.
const fewRecords = 4

// Post moves stock.
func (o *Out) Post(ps ...journal.Posting) *Out {
	o.Postings = append(o.Postings, ps...)
	return o
}

// SetState writes a pattern's state that was read as old; nil data deletes it.
func (o *Out) SetState(key string, old journal.State, data any) *Out {
	op := journal.StateOp{Key: key, Tag: old.Tag}
	if data != nil {
		b, err := json.Marshal(data)
		if err != nil {
			o.fail(fault.E(o.m.route, fault.Internal, fmt.Errorf("writing state %s: %w", key, err)))
			return o
		}
		op.Data = b
	}
	o.States = append(o.States, op)
	return o
}

// Claim takes an outside id with the hash of what came under it.
func (o *Out) Claim(scope, id string, hash [32]byte, answer []byte) *Out {
	o.Claims = append(o.Claims, journal.ClaimOp{Scope: scope, ID: id, Hash: hash, Answer: answer})
	return o
}

// Timer sends the route a message of a type at a time. The same id moves it.
func (o *Out) Timer(id, key, typ string, due time.Time, data any) *Out {
	b, err := json.Marshal(data)
	if err != nil {
		o.fail(fault.E(o.m.route, fault.Internal, fmt.Errorf("writing timer %s: %w", id, err)))
		return o
	}
	o.Timers = append(o.Timers, journal.TimerOp{
		ID:    o.m.route + "/" + id,
		Timer: journal.Timer{Sub: o.m.route, Key: key, Due: due.UTC(), Type: typ, Data: b},
	})
	return o
}

// CancelTimer removes a timer that is set. Where it may have fired already, ask
// [Message.HasTimer] first.
func (o *Out) CancelTimer(id string) *Out {
	o.Timers = append(o.Timers, journal.TimerOp{ID: o.m.route + "/" + id, Remove: true})
	return o
}

// HasTimer reports whether a timer of the route is set.
func (m *Message) HasTimer(ctx context.Context, id string) (bool, error) {
	b, err := m.reads.Row(ctx, journal.TableTimer, m.route+"/"+id)
	return b != nil, err
}

// Answer is what a door's caller gets once the unit is durable.
func (o *Out) Answer(v any) *Out {
	o.answer = v
	return o
}

func (o *Out) empty() bool {
	u := &o.Unit
	return len(u.Records)+len(u.Postings)+len(u.States)+len(u.Claims)+len(u.Timers)+
		len(u.Parks)+len(u.Letters)+len(u.Effects)+len(u.Snapshots) == 0
}

func (o *Out) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// eventRecord is an event as a record of its stream.
func (h *Hub) eventRecord(e event.Event) (journal.Record, error) {
	x, err := h.reg.Encode(e)
	if err != nil {
		return journal.Record{}, err
	}
	s, ok := h.reg.Lookup(x.Type)
	if !ok {
		return journal.Record{}, fault.E("routes.Append", fault.Internal, fmt.Errorf("event %s is not in the catalog", x.Type))
	}
	r := journal.Record{
		Type: x.Type, Schema: uint16(x.Schema), Topic: string(s.Topic),
		Data: x.Data, Subject: x.Subject, Personal: x.Personal, Event: e,
	}
	if st, ok := e.(event.Streamed); ok {
		r.Stream, r.Key = st.Stream(), st.Key()
	}
	return r, nil
}

// Header is a copy of the record's headers with one more.
func (m *Message) Header(k, v string) map[string]string {
	h := maps.Clone(m.Headers)
	if h == nil {
		h = map[string]string{}
	}
	h[k] = v
	return h
}

// Correlate gives every record that the Out holds, and will hold, a conversation:
// for the message that begins one.
func (o *Out) Correlate(id string) *Out {
	o.m.Correlation = id
	for i := range o.Records {
		if o.Records[i].Correlation == "" {
			o.Records[i].Correlation = id
		}
	}
	return o
}

// partial makes what o holds durable while the message goes on: a thousand children of a
// split with the offset beside them.
func (m *Message) partial(ctx context.Context, o *Out) error {
	if o.err != nil {
		return o.err
	}
	ref, err := m.d.Partial(ctx, m.reads, &o.Unit)
	m.hub.bus.At(bus.StepPartial)
	switch {
	case err != nil:
		return err
	case ref == nil:
		for _, x := range o.States { // what was written is read anew
			delete(m.states, x.Key)
			m.seen = slices.DeleteFunc(m.seen, func(r seen) bool { return r.name == x.Key })
		}
		return nil
	case ref.Again():
		return errRerun
	}
	return fault.E(m.route, fault.Internal, ref)
}

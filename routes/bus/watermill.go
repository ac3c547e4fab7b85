package bus

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/paklog/hub/core/journal"
)

// Metadata keys that a Watermill message shares with a record.
const (
	MetaKey         = "paklog-key"         // ordering key
	MetaType        = "paklog-type"        // record type
	MetaCorrelation = "paklog-correlation" // conversation
	metaUUID        = "paklog-uuid"        // a message id that is no UUID
)

// Publisher is a Watermill publisher into the journal: one call is one unit, and it returns
// when that is durable. Its Close does nothing, for a Watermill handler that stops closes
// the publisher that others still use.
type Publisher struct {
	bus *Bus
	// KeyOf gives the ordering key of a message that names none; nil: the topic, so
	// that messages without a key keep their order.
	KeyOf func(topic string, m *message.Message) string
}

// NewPublisher is a publisher into b's journal.
func (b *Bus) NewPublisher() *Publisher { return &Publisher{bus: b} }

// Publish implements [message.Publisher].
func (p *Publisher) Publish(topic string, msgs ...*message.Message) error {
	for len(msgs) > 0 {
		n := min(len(msgs), 1000)
		u := &journal.Unit{ID: p.bus.newID(), Records: make([]journal.Record, n)}
		for i, m := range msgs[:n] {
			u.Records[i] = p.record(topic, m)
		}
		r, err := p.bus.Submit(context.Background(), u)
		if err == nil && r != nil {
			err = r
		}
		if err != nil {
			return fmt.Errorf("publishing to %s: %w", topic, err)
		}
		msgs = msgs[n:]
	}
	return nil
}

func (p *Publisher) record(topic string, m *message.Message) journal.Record {
	r := journal.Record{
		Type: "message", Schema: 1, Topic: topic, Time: p.bus.now().UTC(), Data: bytes.Clone(m.Payload),
		Key: m.Metadata.Get(MetaKey), Correlation: m.Metadata.Get(MetaCorrelation),
	}
	if t := m.Metadata.Get(MetaType); t != "" {
		r.Type = t
	}
	if r.Key == "" {
		r.Key = topic
		if p.KeyOf != nil {
			r.Key = p.KeyOf(topic, m)
		}
	}
	r.Headers = maps.Clone(m.Metadata)
	var err error
	if r.ID, err = journal.ParseID(m.UUID); err != nil {
		r.ID = p.bus.newID()
		if m.UUID != "" {
			if r.Headers == nil {
				r.Headers = map[string]string{}
			}
			r.Headers[metaUUID] = m.UUID
		}
	}
	return r
}

// Close implements [message.Publisher] and does nothing.
func (p *Publisher) Close() error { return nil }

// DeliveryOf is the delivery that a message of a [Subscriber] carries.
func DeliveryOf(m *message.Message) *Delivery {
	if c := carried(m.Context()); c != nil {
		return c.d
	}
	return nil
}

// messageCtx carries a delivery without the cost of a map of values.
type messageCtx struct {
	context.Context
	d    *Delivery
	ends <-chan struct{} // when the subscriber that gave the message out closes
}

type messageKey struct{}

func carried(ctx context.Context) *messageCtx {
	c, _ := ctx.Value(messageKey{}).(*messageCtx)
	return c
}

// Value implements [context.Context].
func (c *messageCtx) Value(key any) any {
	if _, ok := key.(messageKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// Subscriber is a Watermill subscriber of the journal. Several of one group compete for
// the same messages.
//
// Managed subscribers serve the hub: the handler ends its delivery itself, by a unit, and Ack and
// Nack of the message mean nothing. Others follow Watermill's contract: Ack marks the message
// handled, durably; a Nack delivers it again within 100 ms, for ever.
type Subscriber struct {
	bus     *Bus
	cfg     Subscription // Name is the group; Topics may be empty
	managed bool
	// Grace is how long Close waits for messages that are not acknowledged: 1 s.
	Grace time.Duration

	mu     sync.Mutex
	closed bool
	ends   []context.CancelFunc
	wg     sync.WaitGroup
	drop   chan struct{} // closed when the grace is over
}

// NewSubscriber is a subscriber that follows Watermill's contract; cfg.Name is its group, and its
// subscriptions are named group/topic.
func (b *Bus) NewSubscriber(cfg Subscription) *Subscriber {
	return &Subscriber{bus: b, cfg: cfg, Grace: time.Second, drop: make(chan struct{})}
}

// NewManaged is the subscriber of one hub route: one subscription, named cfg.Name, over
// all of cfg.Topics.
func (b *Bus) NewManaged(cfg Subscription) *Subscriber {
	return &Subscriber{bus: b, cfg: cfg, managed: true, drop: make(chan struct{})}
}

// SubscribeInitialize implements [message.SubscribeInitializer].
func (s *Subscriber) SubscribeInitialize(topic string) error {
	if s.bus.team != nil {
		return nil // it begins where and when its lease is taken
	}
	_, err := s.subscription(context.Background(), topic)
	return err
}

func (s *Subscriber) subscription(ctx context.Context, topic string) (*subscription, error) {
	return s.bus.subscribe(ctx, s.named(topic))
}

func (s *Subscriber) named(topic string) Subscription {
	cfg := s.cfg
	if !s.managed {
		cfg.Topics = []string{topic}
		cfg.Name = s.cfg.Name + "/" + topic
	}
	return cfg
}

// Subscribe implements [message.Subscriber].
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	forward, err := s.source(ctx, topic)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	s.ends = append(s.ends, cancel)
	out := make(chan *message.Message)
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		defer close(out)
		defer cancel()
		forward(ctx, out)
	}()
	return out, nil
}

// source is what forwards the messages of a subscription: the one that runs here or, where several
// processes share the journal, each that runs here until another takes it over.
func (s *Subscriber) source(ctx context.Context, topic string) (func(context.Context, chan<- *message.Message), error) {
	t := s.bus.team
	if t == nil {
		sub, err := s.subscription(ctx, topic)
		return func(ctx context.Context, out chan<- *message.Message) { s.forward(ctx, sub, out) }, err
	}
	o, err := t.offer(s.named(topic))
	return func(ctx context.Context, out chan<- *message.Message) {
		for sub := t.await(ctx, o, nil); sub != nil; sub = t.await(ctx, o, sub) {
			s.forward(ctx, sub, out)
		}
	}, err
}

func (s *Subscriber) forward(ctx context.Context, sub *subscription, out chan<- *message.Message) {
	for {
		if ctx.Err() != nil {
			return
		}
		var d *Delivery
		var ok bool
		select {
		case d, ok = <-sub.out:
			if !ok {
				return
			}
		case <-ctx.Done():
			return
		}
		var m *message.Message
		var cancel context.CancelFunc
		if s.managed {
			m = message.NewMessage(d.Record.ID.String(), d.Record.Data)
			m.SetContext(&messageCtx{context.WithoutCancel(ctx), d, ctx.Done()})
		} else {
			m, cancel = plain(ctx, d)
		}
		select {
		case out <- m:
			if !s.managed {
				s.wg.Add(1)
				go s.await(d, m, cancel) //nolint:gosec // Close waits for it and lets it mark what was acknowledged
			}
		case <-ctx.Done():
			if cancel != nil {
				cancel()
			}
			d.Release()
			return
		}
	}
}

// plain is the message as any Watermill handler expects it. Its context lives until
// the message is acknowledged or its subscriber gives up waiting.
func plain(ctx context.Context, d *Delivery) (*message.Message, context.CancelFunc) {
	id := d.Record.ID.String()
	if other, ok := d.Record.Headers[metaUUID]; ok {
		id = other
	}
	m := message.NewMessage(id, bytes.Clone(d.Record.Data)) // the record is others' too
	for k, v := range d.Record.Headers {
		if k != metaUUID {
			m.Metadata.Set(k, v)
		}
	}
	mctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m.SetContext(&messageCtx{mctx, d, ctx.Done()})
	return m, cancel
}

// nackDelay keeps a handler that always fails from spinning.
const nackDelay = 50 * time.Millisecond

func (s *Subscriber) await(d *Delivery, m *message.Message, cancel context.CancelFunc) {
	defer s.wg.Done()
	defer cancel()
	select {
	case <-m.Acked():
		ref, err := d.Commit(context.Background(), nil, &journal.Unit{}, nil)
		if ref != nil || err != nil && err != ErrAgain { //nolint:errorlint // ErrAgain around a cause is a failure, alone it is none
			s.bus.log.Error("marking a message handled", "route", d.Sub(), "msg_id", m.UUID, "err", err, "refusal", ref)
		}
	case <-m.Nacked():
		d.again(nackDelay)
	case <-s.drop:
		d.Release()
	}
}

// Close implements [message.Subscriber]: delivery ceases, messages under way may still be
// acknowledged for the grace, then their contexts end and they go to others of the group.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for _, end := range s.ends {
		end()
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	if !s.managed {
		grace := time.NewTimer(s.Grace)
		defer grace.Stop()
		select {
		case <-done:
			return nil
		case <-grace.C:
			close(s.drop)
		}
	}
	<-done
	return nil
}

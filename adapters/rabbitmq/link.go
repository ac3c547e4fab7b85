package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/errgroup"

	"github.com/paklog/hub/core/journal"
)

// Desk is where work waits before it is sent, and where it becomes durable again. Any number of
// processes may have one on one journal. A [Link] calls each method from one goroutine a queue at a time.
type Desk interface {
	// Next are up to limit records that the broker does not hold for certain, in order; none where
	// there are none. They may have been sent before.
	Next(ctx context.Context, queue string, limit int) ([]journal.Record, error)
	// Sent makes durable that the broker holds everything of a queue up to a position.
	Sent(ctx context.Context, queue string, upTo journal.Pos) error
	// Take makes durable what came from a queue, of which ID and Pos count, each once and in the order
	// of the slice. It says of each whether the journal has it at all; what it has not is not taken.
	Take(ctx context.Context, queue string, came []journal.Record) (known []bool, err error)
	// Bury makes durable what was given up, each giving up once, by ID.
	Bury(ctx context.Context, dead []journal.Record) error
}

// Waits of a link.
const (
	waitFirst = 200 * time.Millisecond
	waitMost  = 5 * time.Second
	// standby is how often a process asks whether it may send that another kept from it.
	standby = 2 * time.Second
	// lookEvery is the time between two looks whether there is something to send, of a journal that
	// says in memory whether it grew.
	lookEvery = 10 * time.Millisecond
	// patience is how long the broker may leave a request without an answer. A quorum queue that has no
	// leader (most of its nodes are down, or the broker was killed while it made it) leaves all of them so.
	patience = 30 * time.Second
	// sendMost is how many messages wait for their confirmations at once.
	sendMost = 256
)

// Step names a point that a crash must not tear apart.
type Step string

// The steps of a message through a queue.
const (
	StepPublished Step = "queue: messages are published, and not confirmed"
	StepConfirmed Step = "queue: the broker has confirmed them"
	StepSent      Step = "queue: that they are sent is durable"
	StepDelivered Step = "queue: messages are delivered, and not taken"
	StepTaken     Step = "queue: what was delivered is durable, and not acknowledged"
	StepAcked     Step = "queue: it is acknowledged"
	StepGivenUp   Step = "queue: what was given up is delivered, and not buried"
	StepBuried    Step = "queue: what was given up is durable, and not acknowledged"
)

// Steps are all of them, so that a test can demand each.
func Steps() []Step {
	return []Step{StepPublished, StepConfirmed, StepSent, StepDelivered, StepTaken, StepAcked, StepGivenUp, StepBuried}
}

// LinkOptions say what goes through which queues.
type LinkOptions struct {
	Options

	Queues []string // behind the prefix
	Desk   Desk
	// Last is the journal's end. It is asked every 10 ms: it answers from memory.
	Last   func() journal.Pos
	Logger *slog.Logger // discards
	// Step, when set, is told of each step that is reached.
	Step func(Step)
}

// Link carries work through the queues of a RabbitMQ. Any number of processes may run one: one of them
// sends, and of each queue one takes.
type Link struct {
	opts LinkOptions
	log  *slog.Logger

	sent, taken, strange, buried atomic.Int64

	mu      sync.Mutex
	state   State
	failure error
	blocked string                 // why the broker takes nothing, in its own words
	looked  map[string]journal.Pos // of each queue, how far everything is sent
}

// State is what a link is at.
type State string

// States of a link.
const (
	Starting State = "starting"
	Running  State = "running"
	Standby  State = "standby" // another process sends; this one takes what the broker gives it
	Waiting  State = "waiting" // RabbitMQ is away, or refuses
)

// Status is how a link does. Counts are of this process.
type Status struct {
	State   State
	Sent    int64 // messages that the broker confirmed
	Taken   int64 // deliveries that are durable, those that were before included
	Strange int64 // deliveries that the journal knows nothing of
	Buried  int64 // that were given up
	Looked  map[string]journal.Pos
	Err     error // why it waits
}

// NewLink makes a link; [Link.Run] starts it.
func NewLink(o LinkOptions) *Link {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Step == nil {
		o.Step = func(Step) {}
	}
	return &Link{opts: o, log: o.Logger, state: Starting, looked: map[string]journal.Pos{}}
}

// Status is how it does now.
func (l *Link) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{State: l.state, Err: l.failure, Looked: map[string]journal.Pos{}, Sent: l.sent.Load(), Taken: l.taken.Load(), Strange: l.strange.Load(), Buried: l.buried.Load()}
	for q, p := range l.looked {
		s.Looked[q] = p
	}
	if s.Err == nil && l.blocked != "" {
		s.State, s.Err = Waiting, fmt.Errorf("RabbitMQ takes nothing: %s", l.blocked)
	}
	return s
}

func (l *Link) at(state State, err error) {
	l.mu.Lock()
	before, was := l.state, l.failure
	l.state, l.failure = state, err
	l.mu.Unlock()
	switch {
	case state == Standby && before != Standby:
		l.log.Info("another process sends to RabbitMQ: this one stands by")
	case err != nil && (was == nil || was.Error() != err.Error()):
		l.log.Warn("work waits for RabbitMQ: what it has not got stays in the journal", "err", err)
	case state == Running && was != nil:
		l.log.Info("work goes through RabbitMQ again")
	}
}

// Run carries until ctx ends. A failure stops nothing else: it is told by [Link.Status], logged once
// and tried again, from what is durable.
func (l *Link) Run(ctx context.Context) error {
	wait := waitFirst
	for ctx.Err() == nil {
		before := l.sent.Load() + l.taken.Load()
		failure := l.session(ctx)
		if failure == nil || ctx.Err() != nil {
			continue
		}
		l.at(Waiting, failure)
		if l.sent.Load()+l.taken.Load() != before {
			wait = waitFirst
		}
		pause(ctx, wait+rand.N(wait/2))
		wait = min(2*wait, waitMost)
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

// session is one connection, until something fails or ctx ends. What was not acknowledged the broker
// gives to the next one; what was not confirmed is sent again.
func (l *Link) session(ctx context.Context) error {
	conn, err := l.opts.dial("paklog " + l.opts.Prefix)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	gone := conn.NotifyClose(make(chan *amqp.Error, 1))
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 8))
	stop := impatient(conn)
	err = declare(conn, l.opts.Options, l.opts.Queues)
	if stop(); err != nil {
		return errors.Join(err, conn.CloseDeadline(time.Now().Add(time.Second)))
	}
	g.Go(func() error { l.listen(blocked); return nil })
	g.Go(func() error {
		select {
		case e := <-gone:
			if e == nil {
				return errors.New("the connection to RabbitMQ is closed")
			}
			return fmt.Errorf("the connection to RabbitMQ broke: %w", e)
		case <-ctx.Done():
			// Whoever waits for the broker is let go by this.
			_ = conn.CloseDeadline(time.Now().Add(time.Second)) // it is over either way
			return nil
		}
	})
	g.Go(func() error { return l.send(ctx, conn) })
	for _, q := range l.opts.Queues {
		g.Go(func() error {
			return l.consume(ctx, conn, q, func(ctx context.Context, ds []amqp.Delivery) error { return l.take(ctx, q, ds) })
		})
	}
	g.Go(func() error {
		return l.consume(ctx, conn, deadName, func(ctx context.Context, ds []amqp.Delivery) error { return l.bury(ctx, ds, death) })
	})
	return g.Wait()
}

// impatient closes a connection whose broker does not answer, which lets go whoever waits for it, unless it
// is stopped in time.
func impatient(conn *amqp.Connection) (stop func() bool) {
	return time.AfterFunc(patience, func() { _ = conn.CloseDeadline(time.Now().Add(time.Second)) }).Stop
}

// listen hears that the broker is short of memory or disk, and that it is no more, until the
// connection ends.
func (l *Link) listen(blocked <-chan amqp.Blocking) {
	for b := range blocked {
		l.mu.Lock()
		if l.blocked = ""; b.Active {
			l.blocked = b.Reason
		}
		l.mu.Unlock()
	}
	l.mu.Lock()
	l.blocked = ""
	l.mu.Unlock()
}

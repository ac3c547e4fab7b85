package routes

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/sony/gobreaker/v2"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// Options of a hub.
type Options struct {
	Log        *slog.Logger
	Now        func() time.Time
	Registry   *event.Registry
	Middleware []message.HandlerMiddleware // of the router: metrics, tracing
	// Drain is how long a stop waits for handlers: 25 s.
	Drain time.Duration
	// Full says that the store takes nothing new, so that what is under way can be finished.
	Full func() bool
	// DoorsOnly hosts what is called and nothing that consumes: for a command that opens the
	// folder while no hub runs, and must not set the warehouse in motion.
	DoorsOnly bool
	// BreakerOpen is how long an open breaker waits before it lets one call through: 1 s. The route's own
	// pause, which grows, is what spares a partner; on request he is tried once in this time.
	BreakerOpen time.Duration
	// Probe is the longest that a connection which is down is left alone between two tries: 5 s.
	// A partner who names a later time is waited for.
	Probe time.Duration
}

// Hub hosts every route on one Watermill router.
type Hub struct {
	bus    *bus.Bus
	reg    *event.Registry
	log    *slog.Logger
	now    func() time.Time
	drain  time.Duration
	router *message.Router
	desk   *dlq.Desk

	breakerOpen time.Duration
	probe       time.Duration
	doorsOnly   bool
	full        func() bool  // nil: never
	askedFull   atomic.Int64 // when full was asked, in nanoseconds
	wasFull     atomic.Bool  // what it said
	toldFull    atomic.Int64 // when that was logged, in nanoseconds
	roomTold    atomic.Int64 // of which of these it was logged that there is room again
	turns       *turns

	adding sync.Mutex // a route is added at a time; held across the disk, before mu

	mu       sync.Mutex
	running  bool
	runCtx   context.Context
	ended    chan struct{} // Run returned
	routes   map[string]*hosted
	breakers map[string]*gobreaker.CircuitBreaker[any]
}

// hosted is a route on the router.
type hosted struct {
	Route
	handler *message.Handler
	door    *bus.Door

	ran     eip.Ran    // blocks that the handler ran
	control sync.Mutex // one Pause or Resume at a time; held across the disk, before mu

	mu       sync.Mutex
	pause    string // why it is paused: "operator", or the fault; "" when it runs
	pausedBy string // the operator
	resume   *time.Timer
	until    time.Time // when resume is due
	tries    int       // pauses in a row without a success
}

// subscription is what the route reads by, paused where an operator left it so.
func (x *hosted) subscription() bus.Subscription {
	return bus.Subscription{
		Name: x.Name, Topics: x.Topics, Types: x.Types, Start: x.Start, Parallel: x.Parallel, Policy: x.Parking.policy(),
		Paused: x.pause != "",
	}
}

// Retry says how a route tries again. The zero value is the hub's: 1 s doubling to
// 15 min with jitter, a letter after 24 h.
type Retry struct {
	First, Max time.Duration
	// Letter is when trying ends, counted from the first failure.
	Letter time.Duration
}

func (r Retry) orDefault() Retry {
	if r.First == 0 {
		r.First = time.Second
	}
	if r.Max == 0 {
		r.Max = 15 * time.Minute
	}
	if r.Letter == 0 {
		r.Letter = 24 * time.Hour
	}
	return r
}

// wait is the pause before run n+1, with jitter that a re-run finds again.
func (r Retry) wait(n int, id journal.ID) time.Duration {
	w := r.First
	for range n - 1 {
		if w *= 2; w >= r.Max {
			w = r.Max
			break
		}
	}
	h := fnv.New32a()
	_, _ = h.Write(id[:])
	_, _ = h.Write([]byte{byte(n)})
	return w - w/10 + w/5*time.Duration(h.Sum32()%1000)/1000
}

// Parking says what becomes of the followers of a message that is parked.
type Parking struct {
	// Independent lets them pass. The default is strict: they wait in order.
	Independent bool
	// Hold, when above 0, lets this many wait and the rest pass.
	Hold int
}

func (p Parking) policy() bus.ParkPolicy {
	switch {
	case p.Independent:
		return func(string, int) bus.ParkChoice { return bus.Proceed }
	case p.Hold > 0:
		return func(_ string, waiting int) bus.ParkChoice {
			if waiting > p.Hold {
				return bus.Proceed
			}
			return bus.Follow
		}
	}
	return nil
}

// Route is a named handler of the hub. Its name is part of the stored format.
type Route struct {
	Name  string
	About string // one line, for people
	// Topics it consumes. A route without topics is a door: it is called.
	Topics []string
	// Types are the record types it takes of them; none is all. Naming them saves a unit for
	// each record that the handler would only pass by.
	Types  []string
	Start  bus.Start
	Handle func(ctx context.Context, m *Message) (*Out, error)

	Parking  Parking
	Retry    Retry
	Parallel int
	// Waits says that the handler waits for others, for the prices of carriers say: it then
	// takes no processor's turn from those that work.
	Waits bool
	// Conn names the connection that the route speaks to; it is then paused as a whole
	// when the partner is down or asks to wait, and nothing is parked for it.
	Conn string
	// Writes and Patterns are for the picture of the routes.
	Writes   []string
	Patterns []string
	// Edit reads the route's messages as texts for people to change; nil is a route whose messages are not edited.
	Edit EditFunc
	// Effect makes the route's handler an effect: see effect.go.
	effect *effectRoute
}

// New makes a hub on a bus. The bus is closed by its owner, after the hub.
func New(b *bus.Bus, o Options) (*Hub, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Drain == 0 {
		o.Drain = 25 * time.Second
	}
	if o.BreakerOpen == 0 {
		o.BreakerOpen = time.Second
	}
	if o.Probe == 0 {
		o.Probe = 5 * time.Second
	}
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: o.Drain}, slogAdapter{o.Log})
	if err != nil {
		return nil, fmt.Errorf("making the router: %w", err)
	}
	router.AddMiddleware(bus.Row)
	router.AddMiddleware(o.Middleware...)
	h := &Hub{
		bus: b, reg: o.Registry, log: o.Log, now: o.Now, drain: o.Drain, router: router,
		breakerOpen: o.BreakerOpen, probe: o.Probe, doorsOnly: o.DoorsOnly, full: o.Full, turns: newTurns(o.Now), routes: map[string]*hosted{}, ended: make(chan struct{}),
	}
	b.OnForeign(h.heard)
	h.desk = &dlq.Desk{Journal: b, Log: b.Driver(), Now: o.Now, Fields: documentFields, Lacks: lacks, Peers: peers}
	h.desk.Editor = h.edit
	// Watermill's router closes itself when its last handler stops: this one stays.
	if err := h.addControl(); err != nil {
		return nil, err
	}
	return h, nil
}

// Bus is the bus beneath.
func (h *Hub) Bus() *bus.Bus { return h.bus }

// Desk is the desk of letters.
func (h *Hub) Desk() *dlq.Desk { return h.desk }

// Registry reads and writes events.
func (h *Hub) Registry() *event.Registry { return h.reg }

// Turn waits, while doors are called, for a processor that is not kept free for them. The
// returned function gives it back. It is for work beside the routes that may take its time.
func (h *Hub) Turn(ctx context.Context) (leave func()) { return h.turns.take(ctx) }

// Now is the hub's clock.
func (h *Hub) Now() time.Time { return h.now().UTC() }

// Add hosts a route; on a running hub it starts at once.
func (h *Hub) Add(r Route) error {
	if r.Name == "" || r.Handle == nil && r.effect == nil {
		return errors.New("a route needs a name and a handler")
	}
	r.Retry = r.Retry.orDefault()
	h.adding.Lock()
	defer h.adding.Unlock()
	h.mu.Lock()
	taken, running := h.routes[r.Name] != nil, h.running
	h.mu.Unlock()
	if taken {
		return fmt.Errorf("route %s is there already", r.Name)
	}
	if running {
		// The router takes no handler between its start and its being up.
		select {
		case <-h.router.Running():
		case <-h.ended:
			return fmt.Errorf("adding route %s: the hub has stopped", r.Name)
		}
	}
	x := &hosted{Route: r}
	paused, err := h.bus.Row(context.Background(), journal.TableState, PauseKey(r.Name))
	if err != nil {
		return err
	}
	if paused != nil {
		st, err := journal.DecodeState(paused)
		if err != nil {
			return fmt.Errorf("reading the pause of route %s: %w", r.Name, err)
		}
		x.pause, x.pausedBy = operator, string(st.Data)
	}
	switch {
	case len(r.Topics) == 0:
		x.door = h.bus.NewDoor(r.Name)
		x.handler = h.router.AddConsumerHandler(r.Name, "door", x.door, h.serveDoor(x))
	case h.doorsOnly:
	default:
		sub := h.bus.NewManaged(x.subscription())
		if running {
			// What cannot be subscribed to must not reach the router: it would wait for the
			// handler for ever, also when it stops.
			if err := sub.SubscribeInitialize(r.Topics[0]); err != nil {
				return fmt.Errorf("starting route %s: %w", r.Name, err)
			}
		}
		x.handler = h.router.AddConsumerHandler(r.Name, r.Topics[0], &gate{sub, h, x}, h.serve(x))
	}
	h.mu.Lock()
	h.routes[r.Name] = x
	started := h.running && !running // meanwhile: then the router starts it with the others, or has
	h.mu.Unlock()
	if started {
		select {
		case <-h.router.Running():
		case <-h.ended:
			return fmt.Errorf("starting route %s: the hub has stopped", r.Name)
		}
	}
	if running || started {
		if err := h.router.RunHandlers(h.runCtx); err != nil {
			return fmt.Errorf("starting route %s: %w", r.Name, err)
		}
	}
	return nil
}

// gate is the subscription of a route on its way to the router. A pause that ended before
// there was a subscription to resume ends here.
type gate struct {
	*bus.Subscriber
	hub *Hub
	x   *hosted
}

// Subscribe implements [message.Subscriber].
func (g *gate) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	out, err := g.Subscriber.Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	g.x.mu.Lock()
	defer g.x.mu.Unlock()
	if g.x.pause == "" {
		err = g.hub.bus.Resume(g.x.Name)
	}
	return out, err
}

// Remove stops a route while others run. What it had open it finds again when it
// is added anew. One that does not stop before ctx ends is still there, and may be removed again.
func (h *Hub) Remove(ctx context.Context, name string) error {
	h.adding.Lock()
	defer h.adding.Unlock()
	h.mu.Lock()
	x, running := h.routes[name], h.running
	h.mu.Unlock()
	if x == nil {
		return fmt.Errorf("no route is named %q", name)
	}
	if x.handler != nil {
		if !running {
			return fmt.Errorf("removing route %s: the hub does not run", name)
		}
		select {
		case <-x.handler.Started():
		case <-h.ended:
			return fmt.Errorf("removing route %s: the hub has stopped", name)
		}
		x.handler.Stop()
		select {
		case <-x.handler.Stopped():
		case <-ctx.Done():
			return fmt.Errorf("stopping route %s: %w", name, ctx.Err())
		}
	}
	x.mu.Lock()
	if x.resume != nil {
		x.resume.Stop()
	}
	x.mu.Unlock()
	var err error
	switch {
	case x.door != nil:
		err = x.door.Close()
	case x.handler != nil:
		if err = h.bus.Remove(ctx, name); err != nil {
			return err
		}
	}
	h.mu.Lock()
	delete(h.routes, name)
	h.mu.Unlock()
	return err
}

// Run serves until ctx ends, then drains. When the journal takes no more it ends with that
// error: the process must end, and find at its next start what is durable.
func (h *Hub) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	h.mu.Lock()
	if h.running {
		h.mu.Unlock()
		return errors.New("the hub runs already, or has run")
	}
	h.running, h.runCtx = true, ctx
	h.mu.Unlock()
	defer close(h.ended)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-h.bus.Broken():
			stop()
		case <-ctx.Done():
		}
		h.shut()
	})
	err := h.router.Run(ctx)
	stop()
	watch.Wait()
	if broken := h.bus.Err(); broken != nil && !errors.Is(broken, bus.ErrClosed) {
		return fmt.Errorf("running the routes: %w", broken)
	}
	if err != nil {
		return fmt.Errorf("running the routes: %w", err)
	}
	return nil
}

// shut closes every door: the router does not when its context ends, and who calls would wait
// for nobody.
func (h *Hub) shut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, x := range h.routes {
		if x.door != nil {
			_ = x.door.Close() // never fails
		}
	}
}

// Running is closed once every route that was added is served.
func (h *Hub) Running() <-chan struct{} { return h.router.Running() }

// Call asks a door and waits for its answer, which is given when the unit behind it
// is durable.
func (h *Hub) Call(ctx context.Context, door string, value any) (any, error) {
	h.mu.Lock()
	x := h.routes[door]
	h.mu.Unlock()
	if x == nil || x.door == nil {
		return nil, fault.E("routes.Call", fault.Unavailable, fmt.Errorf("door %q is not open", door))
	}
	if h.bus.Full() || h.isFull() {
		return nil, fault.E("routes.Call", fault.Unavailable, journal.ErrFull)
	}
	leave := h.turns.enter()
	v, err := x.door.Call(ctx, value)
	leave()
	broken := h.bus.Err()
	switch {
	case err != nil && broken != nil && !errors.Is(broken, bus.ErrClosed):
		return nil, fault.E("routes.Call", fault.Unavailable, fmt.Errorf("door %q: the hub ends, and whether it was written shows when it is asked again: %w", door, broken))
	case errors.Is(err, bus.ErrClosed):
		return nil, fault.E("routes.Call", fault.Unavailable, fmt.Errorf("door %q closes, for the hub stops: ask again: %w", door, err))
	case err != nil && broken != nil:
		return nil, fault.E("routes.Call", fault.Unavailable, fmt.Errorf("door %q: whether it was written shows when it is asked again: %w", door, err))
	}
	return v, err
}

// serve runs a route's handler on deliveries of the bus.
func (h *Hub) serve(x *hosted) message.NoPublishHandlerFunc {
	return func(wm *message.Message) error {
		h.handOver(wm.Context(), x, bus.DeliveryOf(wm))
		return nil
	}
}

// handOver runs a route's handler on one delivery, until it is handed over or given back.
func (h *Hub) handOver(ctx context.Context, x *hosted, d *bus.Delivery) {
	if err := h.instead(ctx, x, d); err != nil {
		h.failed(ctx, x, d, h.message(ctx, x, d), err)
		return
	}
	if x.effect != nil {
		h.runEffect(ctx, x, d)
		return
	}
	for runs := (reruns{}); ; {
		m := h.message(ctx, x, d)
		leave := none
		if !x.Waits {
			leave = h.turns.take(ctx)
		}
		out, err := h.handle(ctx, x, m)
		if err == nil && out != nil && out.err != nil {
			err = out.err
		}
		if err == nil {
			h.bus.At(bus.StepDecided)
			err = h.commit(ctx, x, d, m, out)
		}
		leave()
		if err == nil {
			x.succeeded()
			return
		}
		if errors.Is(err, bus.ErrAgain) {
			note(ctx, outcomeAgain, nil)
			return
		}
		if runs.more(err) {
			continue
		}
		h.failed(ctx, x, d, m, runs.ended(x, err))
		return
	}
}

// errRerun asks for another run of the handler on fresh state. errGone asks for it too: a
// timer that it cancels fired meanwhile, which a fresh look shows; but it asks only a few
// times, for what else is gone does not come back.
var (
	errRerun = errors.New("run again")
	errGone  = errors.New("a timer or parked record that the decision removes is gone")
)

// reruns counts the runs of one message, so that what asks for another whatever it finds
// does not run for ever.
type reruns struct{ stale, gone, taken int }

// maxReruns bounds how often one message, or one call of a door, is decided on fresh state.
const (
	maxReruns = 1000
	maxGone   = 8
	maxTaken  = 1
)

// more reports whether err asks for another run and gets it.
func (r *reruns) more(err error) bool {
	switch {
	case errors.Is(err, errRerun):
		r.stale++
		return r.stale < maxReruns
	case errors.Is(err, errGone):
		r.gone++
		return r.gone < maxGone
	case errors.Is(err, errTaken):
		r.taken++
		return r.taken <= maxTaken
	}
	return false
}

// ended is the failure of a message that gets no further run.
func (r *reruns) ended(x *hosted, err error) error {
	if !errors.Is(err, errRerun) {
		return err
	}
	return fault.E(x.Name, fault.Internal, fmt.Errorf("decided %d times, and its state had always moved on", r.stale))
}

// errTaken says that another lane took an outside id between a handler's look and its
// commit: the next run finds the claim. A handler that does not look fails as it says.
var errTaken = errors.New("taken by another message")

func (h *Hub) message(ctx context.Context, x *hosted, d *bus.Delivery) *Message {
	m := &Message{
		Record: d.Record, Attempt: d.Attempt, Now: h.now().UTC(),
		origin: d.Record.ID, hub: h, route: x.Name, ran: &x.ran, reads: d.Reads(), d: d,
	}
	if d.Instead != nil {
		m.Record = *d.Instead
	}
	m.Trace = traceOf(ctx, m.Trace)
	return m
}

// handle runs the handler; a panic is an Internal fault with its stack.
func (h *Hub) handle(ctx context.Context, x *hosted, m *Message) (out *Out, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{p, debug.Stack()}
		}
	}()
	if m.Stream != "" && m.Event == nil {
		if m.Event, err = decodeEvent(h.reg, &m.Record); err != nil {
			return nil, err
		}
	}
	if out, err = x.Handle(ctx, m); err != nil {
		return nil, m.torn(ctx, err)
	}
	return out, nil
}

type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// commit hands a decision over. A refusal that fresh state may cure is errRerun.
func (h *Hub) commit(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, out *Out) error {
	if out == nil {
		out = m.Out()
	}
	if out.err != nil {
		return out.err
	}
	if d.Letter != "" {
		if err := h.resolveLetter(ctx, out, d); err != nil {
			return err
		}
	}
	ref, err := d.Commit(ctx, m.reads, &out.Unit, nil)
	return h.refusal(x, ref, err)
}

func (h *Hub) refusal(x *hosted, ref *journal.Refusal, err error) error {
	switch {
	case err != nil:
		return err
	case ref == nil:
		return nil
	case ref.Again():
		return errRerun
	case ref.Why == journal.RefusedFinished:
		return errGone
	case ref.Why == journal.RefusedRepeat:
		return fault.E(x.Name, fault.Rejected, fmt.Errorf("outside id came before: %s: %w", ref.What, errTaken))
	case ref.Why == journal.RefusedReused:
		return fault.E(x.Name, fault.Invalid, fmt.Errorf("outside id was used before for other content: %s: %w", ref.What, errTaken))
	default:
		return fault.E(x.Name, fault.Internal, ref)
	}
}

// failed is the one place that decides what follows a failure: retry, pause, or a
// letter (DESIGN: the table of fault kinds).
func (h *Hub) failed(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, err error) {
	if berr := h.bus.Err(); berr != nil {
		return // nothing can be written any more; the message is open and comes again
	}
	kind := fault.KindOf(err)
	log := h.log.With("route", x.Name, "msg_id", m.ID.String(), "correlation_id", m.Correlation, "attempt", d.Attempt+1, "kind", kind.String())
	switch kind {
	case fault.Throttled, fault.Unavailable:
		if x.Conn != "" {
			wait := fault.AfterOf(err)
			if kind == fault.Unavailable {
				wait = max(wait, min(x.backoff(m.ID), h.probe))
			}
			level := slog.LevelWarn
			if kind == fault.Unavailable && wait == h.probe { // it was told, and is down as before
				level = slog.LevelDebug
			}
			log.Log(ctx, level, "connection pauses", "adapter", x.Conn, "wait", wait, "err", err)
			note(ctx, outcomePause, err)
			h.pauseFor(x, kind.String()+": "+err.Error(), max(wait, time.Millisecond))
			d.Release()
			return
		}
		h.retry(ctx, x, d, m, err, log)
	case fault.Transient:
		h.retry(ctx, x, d, m, err, log)
	default:
		h.letter(ctx, x, d, m, err, log)
	}
}

// retry parks the message behind a timer, or ends trying with a letter.
func (h *Hub) retry(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, err error, log *slog.Logger) {
	since := m.Now
	if b, rerr := h.bus.Row(ctx, journal.TablePark, journal.ParkKey(x.Name, d.ParkKey(), m.Pos)); rerr == nil && b != nil {
		if p, perr := journal.DecodePark(b); perr == nil && p.Reason == journal.ParkRetry {
			since = p.Since
		}
	}
	n := d.Attempt + 1
	wait := max(x.Retry.wait(n, m.ID), fault.AfterOf(err))
	if m.Now.Add(wait).Sub(since) > x.Retry.Letter {
		h.letter(ctx, x, d, m, err, log)
		return
	}
	note(ctx, OutcomeRetry, err)
	log.Info("will try again", "wait", wait, "err", err)
	h.bus.At(bus.StepRetry)
	key := h.parkKey(x, d)
	out := m.Out()
	out.Parks = append(out.Parks, journal.ParkOp{Sub: x.Name, Key: key, Pos: m.Pos, Park: journal.Park{
		Reason: journal.ParkRetry, Attempt: uint32(n), Since: since, Cause: oneLine(err), Letter: d.Letter,
	}})
	out.Timers = append(out.Timers, journal.TimerOp{ID: retryTimer(x.Name, m.Pos), Timer: journal.Timer{
		Sub: x.Name, Key: key, Due: m.Now.Add(wait), Type: "retry", Pos: m.Pos,
	}})
	h.park(ctx, x, d, out, log)
}

func retryTimer(route string, pos journal.Pos) string { return fmt.Sprintf("retry/%s/%d", route, pos) }

// parkKey is the queue that a failed message waits in: that of its key, or its own.
func (h *Hub) parkKey(x *hosted, d *bus.Delivery) string {
	if d.Parked {
		return d.ParkKey()
	}
	if x.Parking.Independent {
		return ""
	}
	return d.Record.Key
}

// letter opens a letter, or opens one again whose replay failed, in the commit that
// parks the message.
func (h *Hub) letter(ctx context.Context, x *hosted, d *bus.Delivery, m *Message, err error, log *slog.Logger) {
	note(ctx, OutcomeLetter, err)
	log.Warn("letter", "letter", dlq.ID(x.Name, m.origin), "err", err)
	h.bus.At(bus.StepLetter)
	key := h.parkKey(x, d)
	if fault.KindOf(err) == fault.Invalid {
		key = "" // what cannot be understood holds nobody up
	}
	out := m.Out()
	failed := m.Record
	failed.ID = m.origin // the letter is that of the message which came, whoever has edited it
	l := dlq.New(x.Name, &failed, err, d.Attempt+1, m.Now)
	l.Know(documentKeys(&m.Record)...)
	var p *panicked
	if errors.As(err, &p) {
		l.Stack = string(p.stack)
	}
	from := journal.LetterNone
	if b, rerr := h.bus.Row(ctx, journal.TableLetter, l.ID); rerr == nil && b != nil {
		if s, derr := journal.DecodeLetter(b); derr == nil {
			from = s.State
			if old, oerr := dlq.Decode(s.Data); oerr == nil {
				old.Again(l)
				l = old
			}
		}
	}
	out.Letters = append(out.Letters, journal.LetterOp{ID: l.ID, From: from, To: journal.LetterOpen, Letter: journal.Letter{
		Sub: x.Name, Key: key, Pos: m.Pos, Opened: m.Now, Data: l.Encode(),
	}})
	out.Parks = append(out.Parks, journal.ParkOp{Sub: x.Name, Key: key, Pos: m.Pos, Park: journal.Park{
		Reason: journal.ParkLetter, Attempt: uint32(d.Attempt + 1), Since: m.Now, Letter: l.ID, // which says the cause
	}})
	out.Records = append(out.Records, dlq.NoticeOf("letter.Opened", l, "", "", m.Now))
	h.park(ctx, x, d, out, log)
}

// park commits what a failure became. Nothing it holds can conflict with another
// lane, so a refusal is our bug: the message then stays open and comes again.
func (h *Hub) park(ctx context.Context, x *hosted, d *bus.Delivery, out *Out, log *slog.Logger) {
	ref, err := d.Commit(ctx, nil, &out.Unit, nil)
	h.bus.At(bus.StepParked)
	if err == nil && ref == nil || errors.Is(err, bus.ErrAgain) || h.bus.Err() != nil {
		return
	}
	log.Error("parking a message: the route pauses", "err", err, "refusal", ref)
	h.pauseFor(x, "parking failed", time.Second)
	d.Release()
}

// resolveLetter closes the letter of a message that went through at last.
func (h *Hub) resolveLetter(ctx context.Context, out *Out, d *bus.Delivery) error {
	s, l, err := h.readLetter(ctx, d.Letter)
	if err != nil {
		return err
	}
	if s.State == journal.LetterReplaying {
		s.Data = l.Encode()
		out.Letters = append(out.Letters, journal.LetterOp{ID: l.ID, From: s.State, To: journal.LetterResolved, Letter: s.Letter})
	}
	return nil
}

func (h *Hub) readLetter(ctx context.Context, id string) (journal.StoredLetter, dlq.Letter, error) {
	b, err := h.bus.Row(ctx, journal.TableLetter, id)
	if err != nil || b == nil {
		return journal.StoredLetter{}, dlq.Letter{}, err
	}
	s, err := journal.DecodeLetter(b)
	if err != nil {
		return s, dlq.Letter{}, err
	}
	l, err := dlq.Decode(s.Data)
	return s, l, err
}

func oneLine(err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	if len(s) > 300 {
		s = s[:300]
	}
	return strings.ToValidUTF8(s, "")
}

package routes

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/routes/bus"
)

// Outcomes of a run, as metrics and spans name them.
const (
	OutcomeHandled = "handled"
	outcomeAgain   = "again"   // a predecessor was refused: the message goes out again
	OutcomeRetry   = "retry"   // parked behind a timer
	outcomePause   = "pause"   // given back: the connection pauses
	OutcomeLetter  = "letter"  // parked for a person
	outcomeRefused = "refused" // a door said no
)

var outcomes = []string{OutcomeHandled, outcomeAgain, OutcomeRetry, outcomePause, OutcomeLetter, outcomeRefused}

// Observer measures and traces the routes of one hub: its Middleware goes into
// [Options.Middleware]. Labels are route names and outcomes, never what a message holds.
type Observer struct {
	tracer  trace.Tracer
	handled *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	running prometheus.Gauge
	letters *prometheus.CounterVec

	routes sync.Map // of *observedRoute by name: a label lookup per message costs more
}

// observedRoute is what one route's messages are counted with, looked up once.
type observedRoute struct {
	name    string
	seconds prometheus.Observer
	handled map[string]prometheus.Counter
	start   []trace.SpanStartOption
}

// NewObserver registers the metrics with reg; spans go to tracer.
func NewObserver(reg prometheus.Registerer, tracer trace.Tracer) (*Observer, error) {
	o := &Observer{
		tracer: tracer,
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "paklog_route_handled_total",
			Help: "Messages that a route was given, by what became of them.",
		}, []string{"route", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "paklog_route_seconds",
			Help:    "Time a route took to decide, re-runs included; what it decided becomes durable afterwards.",
			Buckets: prometheus.ExponentialBuckets(0.00001, 4, 12), // 10 us to 42 s
		}, []string{"route"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "paklog_route_running",
			Help: "Messages that handlers hold now.",
		}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "paklog_letters_total",
			Help: "Letters that were opened, or opened again, by the kind of their cause.",
		}, []string{"kind"}),
	}
	for _, c := range []prometheus.Collector{o.handled, o.seconds, o.running, o.letters} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("registering the metrics of routes: %w", err)
		}
	}
	for _, k := range fault.Kinds() { // a rate needs the 0 before the first
		o.letters.WithLabelValues(k.String())
	}
	return o, nil
}

// Middleware implements [message.HandlerMiddleware]. It belongs outermost: what stands
// before it is not measured.
func (o *Observer) Middleware(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		roomy()
		ctx := m.Context()
		r := o.route(message.HandlerNameFromCtx(ctx))
		// A span is looked for in its context again and again: it gets a short one.
		spans := context.Background()
		if d := bus.DeliveryOf(m); d == nil {
			spans = ctx // of a call, whose caller may have a span of his own
		} else if d.Record.Trace != "" {
			spans = propagation.TraceContext{}.Extract(spans, propagation.MapCarrier{"traceparent": d.Record.Trace})
		}
		spans, span := o.tracer.Start(spans, r.name, r.start...)
		defer span.End()
		run := &observedRun{Context: ctx, spans: spans, outcome: OutcomeHandled}
		m.SetContext(run)

		o.running.Inc()
		defer o.running.Dec()
		began := time.Now()
		out, err := next(m)
		r.seconds.Observe(time.Since(began).Seconds())
		r.handled[run.outcome].Inc()
		if run.outcome == OutcomeLetter {
			o.letters.WithLabelValues(fault.KindOf(run.err).String()).Inc()
		}
		if run.outcome != OutcomeHandled && span.IsRecording() {
			span.SetAttributes(attribute.String("outcome", run.outcome))
			if run.err != nil {
				span.SetStatus(codes.Error, oneLine(run.err))
			}
		}
		return out, err
	}
}

func (o *Observer) route(name string) *observedRoute {
	if r, ok := o.routes.Load(name); ok {
		return r.(*observedRoute)
	}
	r := &observedRoute{
		name: name, seconds: o.seconds.WithLabelValues(name), handled: map[string]prometheus.Counter{},
		start: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer)},
	}
	for _, outcome := range outcomes {
		r.handled[outcome] = o.handled.WithLabelValues(name, outcome)
	}
	kept, _ := o.routes.LoadOrStore(name, r)
	return kept.(*observedRoute)
}

// observedRun is the context of one message in a route. The hub notes in it what
// became of the message; only the route's own goroutine touches it.
type observedRun struct {
	context.Context
	spans   context.Context
	outcome string
	err     error
}

type observedKey struct{}

// Value implements [context.Context].
func (r *observedRun) Value(key any) any {
	if _, ok := key.(observedKey); ok {
		return r
	}
	if v := r.spans.Value(key); v != nil {
		return v
	}
	return r.Context.Value(key)
}

// roomy grows the stack of a goroutine that is new, while there is next to nothing on it, to
// what handlers need: the router makes one for each message, and growing it under way, twice or
// thrice, was a tenth of a hop.
//
//go:noinline
func roomy() byte {
	var room [6 << 10]byte
	return room[len(nothing)]
}

// nothing keeps the compiler from leaving the room out.
var nothing []byte

// note tells an [Observer], where there is one, what became of the message.
func note(ctx context.Context, outcome string, err error) {
	if r, ok := ctx.Value(observedKey{}).(*observedRun); ok {
		r.outcome, r.err = outcome, err
	}
}

// traceOf is the traceparent that records decided under ctx carry: that of its span, or
// that of the cause where nothing is traced.
func traceOf(ctx context.Context, cause string) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsSampled() {
		return cause
	}
	const digits = "0123456789abcdef"
	b := make([]byte, 0, 55)
	hex := func(bs []byte) {
		for _, x := range bs {
			b = append(b, digits[x>>4], digits[x&15])
		}
	}
	t, s := sc.TraceID(), sc.SpanID()
	b = append(b, "00-"...)
	hex(t[:])
	b = append(b, '-')
	hex(s[:])
	return string(append(b, "-01"...))
}

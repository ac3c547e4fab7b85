package routes_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

// observed runs one message through a route with this handler and returns what the
// observer counted, the spans, and what the route wrote to "out".
func observed(t *testing.T, trace string, handle func(context.Context, *routes.Message) (*routes.Out, error)) (map[string]float64, tracetest.SpanStubs, []journal.Record) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	metrics := prometheus.NewRegistry()
	o, err := routes.NewObserver(metrics, provider.Tracer("test"))
	if err != nil {
		t.Fatal(err)
	}
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		t.Fatal(err)
	}
	store := journalmem.New()
	b, err := bus.Open(t.Context(), store, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := routes.New(b, routes.Options{Registry: reg, Middleware: []message.HandlerMiddleware{o.Middleware}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Add(routes.Route{Name: "probe", Topics: []string{"in"}, Conn: "partner", Handle: handle}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	<-h.Running()
	ref, err := b.Submit(ctx, &journal.Unit{Records: []journal.Record{{ID: journal.ID{1}, Type: "probe", Schema: 1, Topic: "in", Key: "order-4711", Trace: trace}}})
	if ref != nil || err != nil {
		t.Fatal(ref, err)
	}
	synctest.Wait()
	if err := b.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	out, err := store.Topics(ctx, []string{"out"}, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := b.Close(context.WithoutCancel(ctx)); err != nil {
		t.Fatal(err)
	}
	return counted(t, metrics), spans.GetSpans(), out
}

// counted are the counters above zero, by their labels in order.
func counted(t *testing.T, metrics *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			if v := m.GetCounter().GetValue(); v > 0 {
				out[strings.Join(labels, " ")] = v
			}
			if n := m.GetHistogram().GetSampleCount(); n > 0 {
				out[f.GetName()] += float64(n)
			}
		}
	}
	return out
}

func TestObserverTellsWhatBecameOfAMessage(t *testing.T) {
	fails := func(err error) func(context.Context, *routes.Message) (*routes.Out, error) {
		return func(context.Context, *routes.Message) (*routes.Out, error) { return nil, err }
	}
	for _, c := range []struct {
		name   string
		handle func(context.Context, *routes.Message) (*routes.Out, error)
		want   string
		kind   string // of its letter
	}{
		{"handled", func(_ context.Context, m *routes.Message) (*routes.Out, error) { return m.Out(), nil }, "handled", ""},
		{"transient is a retry", fails(fault.E("t", fault.Transient, errors.New("busy"))), "retry", ""},
		{"invalid is a letter", fails(fault.E("t", fault.Invalid, errors.New("no such segment"))), "letter", "invalid"},
		{"rejected is a letter", fails(fault.E("t", fault.Rejected, errors.New("no"))), "letter", "rejected"},
		{"a panic is a letter", func(context.Context, *routes.Message) (*routes.Out, error) { panic("oh") }, "letter", "internal"},
		{"a partner that is down pauses", fails(fault.E("t", fault.Unavailable, errors.New("down"))), "pause", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, spans, _ := observed(t, "", c.handle)
				want := map[string]float64{c.want + " probe": 1, "paklog_route_seconds": 1}
				if c.kind != "" {
					want[c.kind] = 1
				}
				if !maps.Equal(got, want) {
					t.Errorf("counted %v, want %v", got, want)
				}
				if len(spans) != 1 || spans[0].Name != "probe" {
					t.Fatalf("spans %v, want one named for the route", spans)
				}
				if failed := spans[0].Status.Code == codes.Error; failed != (c.want != "handled") {
					t.Errorf("span status %v for a message that was %s", spans[0].Status, c.want)
				}
			})
		})
	}
}

func TestATraceGoesOnThroughTheJournal(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	synctest.Test(t, func(t *testing.T) {
		_, spans, out := observed(t, parent, func(_ context.Context, m *routes.Message) (*routes.Out, error) {
			return m.Out().Publish("out", "probed", m.Key, m.Type), nil
		})
		if len(spans) != 1 || len(out) != 1 {
			t.Fatalf("%d spans and %d records, want one of each", len(spans), len(out))
		}
		sc := spans[0].SpanContext
		if spans[0].Parent.SpanID().String() != "b7ad6b7169203331" {
			t.Errorf("parent %s, want that of the message", spans[0].Parent.SpanID())
		}
		if want := "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-01"; out[0].Trace != want {
			t.Errorf("what was written carries %q, want the route's span %q", out[0].Trace, want)
		}
	})
}

func TestATraceThatIsNotSampledStaysTheCauses(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	synctest.Test(t, func(t *testing.T) {
		_, spans, out := observed(t, parent, func(_ context.Context, m *routes.Message) (*routes.Out, error) {
			return m.Out().Publish("out", "probed", m.Key, m.Type), nil
		})
		if len(spans) != 0 || len(out) != 1 || out[0].Trace != parent {
			t.Errorf("spans %v and records %v, want no span and the cause's trace", spans, out)
		}
	})
}

func TestMetricsOfTwoHubsCollide(t *testing.T) {
	reg := prometheus.NewRegistry()
	tracer := sdktrace.NewTracerProvider().Tracer("test")
	if _, err := routes.NewObserver(reg, tracer); err != nil {
		t.Fatal(err)
	}
	if _, err := routes.NewObserver(reg, tracer); err == nil {
		t.Error("two observers share one registry: their counts would be mixed")
	}
}

func TestLabelsHoldNothingOfTheMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, _, _ := observed(t, "", func(context.Context, *routes.Message) (*routes.Out, error) {
			return nil, fault.E("t", fault.Invalid, errors.New("order-4711 is wrong"))
		})
		for _, labels := range slices.Collect(maps.Keys(got)) {
			if strings.Contains(labels, "4711") {
				t.Errorf("labels %q hold an order number", labels)
			}
		}
	})
}

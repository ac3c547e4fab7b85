package routes

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/core/view"
)

// memViews keeps views in a map, and fails when it is told to.
type memViews struct {
	docs map[string]view.Doc
	pos  journal.Pos
	unit journal.ID
	err  error
	news int // times that it was built anew
}

func (m *memViews) Position(context.Context) (journal.Pos, journal.ID, error) {
	return m.pos, m.unit, nil
}

func (m *memViews) Folded(_ context.Context, _, key string) (*view.Doc, error) {
	if d, ok := m.docs[key]; ok {
		return &d, nil
	}
	return nil, nil
}

func (m *memViews) Apply(_ context.Context, b view.Batch) error {
	if m.err != nil {
		return m.err
	}
	for _, d := range b.Docs {
		m.docs[d.Key] = d
	}
	m.pos, m.unit = b.Position, b.Unit
	return nil
}

func (m *memViews) Rebuild(context.Context) error {
	m.docs, m.pos, m.unit = map[string]view.Doc{}, 0, journal.ID{}
	m.news++
	return nil
}

func (m *memViews) CaughtUp(context.Context) error { return nil }

// registered is a journal in which n items were registered.
func registered(t *testing.T, n int) (*journalmem.Store, *event.Registry) {
	t.Helper()
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		t.Fatal(err)
	}
	log := journalmem.New()
	for i := range n {
		registerItem(t, log, reg, string(rune('a'+i)))
	}
	return log, reg
}

func registerItem(t *testing.T, log *journalmem.Store, reg *event.Registry, sku string) {
	t.Helper()
	at := time.Unix(1, 0)
	events, err := item.Item{}.Register(item.Register{Scope: site, SKU: sku, Spec: item.Spec{Units: []item.Unit{{UOM: "each", Factor: 1}}}}, at)
	if err != nil {
		t.Fatal(err)
	}
	x, err := reg.Encode(events[0])
	if err != nil {
		t.Fatal(err)
	}
	id := journal.NewID(at, [10]byte([]byte(sku+"0123456789")))
	u := &journal.Unit{ID: id, At: at, Records: []journal.Record{{
		ID: id.Child("t", "t", 0), Type: x.Type, Schema: uint16(x.Schema), Topic: onInventory, Stream: item.StreamOf(site, sku), Key: sku, Time: at, Data: x.Data,
	}}}
	if _, err := log.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{u}}); err != nil {
		t.Fatal(err)
	}
}

func TestProjectorComesBackFromAFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, reg := registered(t, 2)
		m := &memViews{docs: map[string]view.Doc{}, err: errors.New("no space left")}
		p := NewProjector(log, reg, m, nil, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		synctest.Wait()
		if err := p.Err(); err == nil || !strings.Contains(err.Error(), "no space left") || p.Position() != 0 {
			t.Errorf("at %d: %v", p.Position(), err)
		}
		m.err = nil
		if err := p.Wait(ctx, 2); err != nil || len(m.docs) != 2 {
			t.Errorf("%d documents: %v", len(m.docs), err)
		}
		synctest.Wait()
		if err := p.Err(); err != nil {
			t.Errorf("the failure stays: %v", err)
		}
		// Without a wake, what came is seen all the same.
		registerItem(t, log, reg, "z")
		<-time.After(time.Second) // of the bubble
		if p.Position() != 3 {
			t.Errorf("stands at %d of 3", p.Position())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// stoppedViews are asked for while the hub stops.
type stoppedViews struct {
	*memViews
	stop func()
}

func (s stoppedViews) Apply(context.Context, view.Batch) error {
	s.stop()
	return context.Canceled
}

func TestProjectorThatIsStoppedHasNotFailed(t *testing.T) {
	t.Parallel()
	log, reg := registered(t, 2)
	ctx, stop := context.WithCancel(t.Context())
	p := NewProjector(log, reg, stoppedViews{&memViews{docs: map[string]view.Doc{}}, stop}, nil, nil)
	if err := p.Run(ctx); err != nil || p.Err() != nil {
		t.Errorf("stopped within a step it says %v and %v", err, p.Err())
	}
}

func TestProjectorRebuildsToTheSame(t *testing.T) {
	t.Parallel()
	log, reg := registered(t, 5)
	m := &memViews{docs: map[string]view.Doc{}}
	p := NewProjector(log, reg, m, nil, nil)
	run := func() {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		if err := p.Wait(ctx, 5); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	run()
	want := maps.Clone(m.docs)
	p = NewProjector(log, reg, m, nil, nil)
	p.Rebuild()
	run()
	if m.news != 1 || len(m.docs) != len(want) {
		t.Fatalf("built anew %d times: %d documents", m.news, len(m.docs))
	}
	for k, d := range want {
		if got := m.docs[k]; string(got.State) != string(d.State) || got.Position != d.Position || got.Version != d.Version {
			t.Errorf("%s: got %+v, want %+v", k, got, d)
		}
	}
	// Views that are ahead of the journal are of another one.
	m.pos = 99
	p = NewProjector(log, reg, m, nil, nil)
	run()
	if m.news != 2 || m.pos != 5 {
		t.Errorf("views of another journal were kept: %d, at %d", m.news, m.pos)
	}
}

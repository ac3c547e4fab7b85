package eip_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The types of the hub, as flows write them.
type (
	message = *routes.Message
	out     = *routes.Out
)

// input is a message from outside, at a time after the start.
type input struct {
	at      time.Duration
	topic   string
	typ     string
	key     string
	data    any
	headers map[string]string
}

func (i input) record(n int, at time.Time) journal.Record {
	data, err := json.Marshal(i.data)
	if err != nil {
		panic(err)
	}
	typ := i.typ
	if typ == "" {
		typ = "in"
	}
	// The same input has the same id in every run, as a sender's would.
	return journal.Record{
		ID: journal.ID{15: byte(n + 1)}.Child("outside", "input", n), Type: typ, Schema: 1, Topic: i.topic, Key: i.key,
		Time: at, Headers: i.headers, Data: data, Correlation: "c" + fmt.Sprint(n),
	}
}

// scenario is a flow with what comes in. Its outputs are the records on the topics named.
type scenario struct {
	routes  func(h *routes.Hub) []routes.Route
	inputs  []input
	outputs []string
	until   time.Duration // after the start: default 1 s
}

// result is what a scenario ended as.
type result struct {
	records map[string][]journal.Record // by topic, in order
	lines   map[string][]string         // the same for comparison
	letters []dlq.Entry
	store   *journalmem.Store
	rows    map[journal.Table]int // state left behind
}

func (r result) of(topic string) []string { return r.lines[topic] }

var errKilled = errors.New("killed")

// play runs the scenario in its own time. A kill after the n-th unit (0: none) fails the write
// of the next; what the store then holds is reopened under a new bus and hub, and
// all goes on.
func play(t *testing.T, s scenario, kill int) (res result, units int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		res, units = s.run(t, kill)
	})
	return res, units
}

func (s scenario) run(t *testing.T, kill int) (result, int) {
	ctx := context.Background()
	start := time.Now()
	store := journalmem.New()
	stop := s.serve(t, store)
	// Kills begin once the routes are up: how a hub dies over its declarations is the bus's affair.
	units, died := 0, make(chan struct{})
	store.SetHook(func(b *journal.Batch) ([]*journal.Refusal, error) {
		if kill > 0 && units >= kill && len(b.Units) > 0 {
			close(died)
			return nil, errKilled
		}
		units += len(b.Units)
		return nil, nil
	})
	until := s.until
	if until == 0 {
		until = time.Second
	}
	end := start.Add(until)
	sent := 0
	for {
		next := end
		if sent < len(s.inputs) {
			next = start.Add(s.inputs[sent].at)
		}
		tick := time.NewTimer(time.Until(next))
		select {
		case <-died:
			tick.Stop()
			stop.kill()
			again, err := store.Reopen(ctx)
			if err != nil {
				t.Fatal(err)
			}
			store, died = again, nil
			stop = s.serve(t, store)
		case <-tick.C:
			synctest.Wait()
			if next.Equal(end) && sent == len(s.inputs) {
				select {
				case <-died:
					continue
				default:
				}
				stop.kill()
				return s.collect(t, store), units
			}
			if stop.publish(t, s.inputs[sent].record(sent, time.Now())) {
				sent++
			}
		}
	}
}

type process struct {
	hub  *routes.Hub
	bus  *bus.Bus
	end  context.CancelFunc
	done chan struct{}
}

func (s scenario) serve(t *testing.T, store *journalmem.Store) process {
	t.Helper()
	// A batch a unit, so that a kill can fall between any two.
	b, err := bus.Open(context.Background(), store, bus.Options{MaxBatch: 1, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(b, s.routes)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func start(b *bus.Bus, rs func(h *routes.Hub) []routes.Route) (process, error) {
	reg, err := event.NewRegistry()
	if err != nil {
		return process{}, err
	}
	h, err := routes.New(b, routes.Options{Registry: reg, Now: time.Now})
	if err != nil {
		return process{}, err
	}
	p := process{hub: h, bus: b, done: make(chan struct{})}
	for _, r := range rs(h) {
		if err := h.Add(r); err != nil {
			return process{}, err
		}
	}
	var ctx context.Context
	ctx, p.end = context.WithCancel(context.Background())
	go func() {
		defer close(p.done)
		_ = h.Run(ctx) // it ends however it ends: it is killed
	}()
	<-h.Running()
	return p, nil
}

// kill ends the process: after a failed write nothing of it reaches the store any more.
func (p process) kill() {
	p.end()
	<-p.done
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = p.bus.Close(ctx) // a killed process has nobody to tell
}

// publish puts an input into the journal, unless it was killed meanwhile.
func (p process) publish(t *testing.T, r journal.Record) bool {
	t.Helper()
	have, err := p.bus.Driver().Topics(context.Background(), []string{r.Topic}, 0, 1<<20)
	if err != nil {
		return false
	}
	if slices.ContainsFunc(have, func(h journal.Record) bool { return h.ID == r.ID }) {
		return true
	}
	ref, err := p.bus.Submit(context.Background(), &journal.Unit{Records: []journal.Record{r}})
	if err == nil && ref != nil {
		t.Fatal(ref)
	}
	return err == nil
}

func (s scenario) collect(t *testing.T, store *journalmem.Store) result {
	t.Helper()
	ctx := context.Background()
	store, err := store.Reopen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	res := result{records: map[string][]journal.Record{}, lines: map[string][]string{}, store: store, rows: map[journal.Table]int{}}
	ids := map[journal.ID]journal.Pos{}
	for _, topic := range s.outputs {
		recs, err := store.Topics(ctx, []string{topic}, 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		res.records[topic] = recs
		for _, r := range recs {
			if first, twice := ids[r.ID]; twice {
				t.Errorf("%s stands at %d and again at %d", r.ID, first, r.Pos)
			}
			ids[r.ID] = r.Pos
			res.lines[topic] = append(res.lines[topic], line(r))
		}
	}
	desk := dlq.Desk{Log: store}
	if res.letters, err = desk.List(ctx, dlq.Filter{Limit: 1000}); err != nil {
		t.Fatal(err)
	}
	for _, table := range journal.Tables {
		rows, err := store.Scan(ctx, table, "", "", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if table != journal.TableState || strings.HasPrefix(r.Key, "eip/") {
				res.rows[table]++
			}
		}
	}
	return res
}

func line(r journal.Record) string {
	s := r.Type + " " + r.Key + " " + string(r.Data)
	for _, k := range slices.Sorted(maps.Keys(r.Headers)) {
		s += " " + k + "=" + r.Headers[k]
	}
	return s
}

// everyKill runs the scenario whole, then once for every unit that it wrote, killed behind
// that unit: what comes out must be the same, each once, in the same order per key.
func everyKill(t *testing.T, s scenario) result {
	t.Helper()
	whole, wrong := killed(t, s)
	for _, w := range wrong {
		t.Error(w)
	}
	return whole
}

// killed tells what a kill changes.
func killed(t *testing.T, s scenario) (whole result, wrong []string) {
	t.Helper()
	whole, units := play(t, s, 0)
	if units < 3 {
		t.Fatalf("the scenario writes %d units: nothing to kill between", units)
	}
	for n := 1; n < units; n++ {
		got, _ := play(t, s, n)
		complain := func(format string, args ...any) {
			wrong = append(wrong, fmt.Sprintf("killed behind unit %d of %d: ", n, units)+fmt.Sprintf(format, args...))
		}
		for _, topic := range s.outputs {
			if want := byKey(whole.records[topic]); !maps.EqualFunc(byKey(got.records[topic]), want, slices.Equal) {
				complain("%s has\n%s\nwant\n%s", topic, text(got.of(topic)), text(whole.of(topic)))
			}
		}
		if len(got.letters) != len(whole.letters) {
			complain("%d letters, want %d", len(got.letters), len(whole.letters))
		}
		for _, table := range []journal.Table{journal.TableState, journal.TableTimer, journal.TableClaim, journal.TablePark} {
			if got.rows[table] != whole.rows[table] {
				complain("%d rows of %s, want %d", got.rows[table], table, whole.rows[table])
			}
		}
	}
	return whole, wrong
}

// TestKillsFindWhatIsHeldInMemory breaks a pattern on purpose: a group that a handler keeps
// to itself is lost with its process.
func TestKillsFindWhatIsHeldInMemory(t *testing.T) {
	s := scenario{outputs: []string{"sums"}, inputs: []input{
		{topic: "numbers", key: "k"}, {topic: "numbers", key: "k"}, {topic: "numbers", key: "k"},
	}}
	s.routes = func(*routes.Hub) []routes.Route {
		n := 0
		return []routes.Route{{Name: "sum", Topics: []string{"numbers"}, Handle: func(_ context.Context, m message) (out, error) {
			if n++; n < 3 {
				return nil, nil
			}
			return m.Out().Publish("sums", "sum", "k", n), nil
		}}}
	}
	if _, wrong := killed(t, s); len(wrong) == 0 {
		t.Error("a count in memory survived every kill: the kills kill nothing")
	}
}

func text(lines []string) string { return "\t" + strings.Join(lines, "\n\t") }

func byKey(recs []journal.Record) map[string][]string {
	m := map[string][]string{}
	for _, r := range recs {
		m[r.Key] = append(m[r.Key], line(r))
	}
	return m
}

func wantLines(t *testing.T, r result, topic string, want ...string) {
	t.Helper()
	if got := r.of(topic); !slices.Equal(got, want) {
		t.Errorf("%s has\n%s\nwant\n%s", topic, text(got), text(want))
	}
}

// wantLetter checks that exactly one letter is open, of a kind, and what it says.
func wantLetter(t *testing.T, r result, kind, says string) {
	t.Helper()
	if len(r.letters) != 1 {
		t.Fatalf("%d letters are open, want 1: %+v", len(r.letters), r.letters)
	}
	l := r.letters[0]
	if l.Kind != kind || !strings.Contains(l.Cause, says) {
		t.Errorf("letter is %s %q, want %s with %q", l.Kind, l.Cause, kind, says)
	}
}

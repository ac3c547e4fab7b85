package dlq_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/dlq"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// hub is what the desk needs of one: units go straight to the journal, and who is woken
// is noted.
type hub struct {
	*journalmem.Store
	units    atomic.Uint64
	mu       sync.Mutex
	woken    []journal.Pos
	unparked []journal.Pos
	stopped  bool // its routes do not run
}

func (h *hub) Submit(ctx context.Context, u *journal.Unit) (*journal.Refusal, error) {
	var own [10]byte // states are told apart by the unit that wrote them
	binary.BigEndian.PutUint64(own[:], h.units.Add(1))
	u.ID = journal.NewID(noon, own)
	u.At = noon
	r, err := h.Write(ctx, &journal.Batch{Units: []*journal.Unit{u}})
	if err != nil {
		return nil, err
	}
	return r[0], nil
}

func (h *hub) Wake(sub string, pos journal.Pos) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return false, fmt.Errorf("no subscription is named %q", sub)
	}
	h.woken = append(h.woken, pos)
	return true, nil
}

func (h *hub) Unparked(_ string, u *journal.Unit) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range u.Parks {
		h.unparked = append(h.unparked, p.Pos)
	}
	return nil
}

func newDesk() (*dlq.Desk, *hub) {
	h := &hub{Store: journalmem.New()}
	return &dlq.Desk{Journal: h, Log: h, Now: func() time.Time { return noon }}, h
}

func (h *hub) write(t testing.TB, u *journal.Unit) {
	t.Helper()
	if r, err := h.Submit(context.Background(), u); r != nil || err != nil {
		t.Fatal(r, err)
	}
}

func (h *hub) fail(t testing.TB, route string, rec journal.Record, why error) string {
	t.Helper()
	id, err := h.failed(route, rec, why)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// failed puts a message in the journal and a letter for it, parked as the hub parks it.
func (h *hub) failed(route string, rec journal.Record, why error) (string, error) {
	u := &journal.Unit{Records: []journal.Record{rec}}
	if err := notWritten(h.Submit(context.Background(), u)); err != nil {
		return "", fmt.Errorf("writing the message: %w", err)
	}
	rec.Pos = u.First
	l := dlq.New(route, &rec, why, 1, noon)
	err := notWritten(h.Submit(context.Background(), &journal.Unit{
		Letters: []journal.LetterOp{{ID: l.ID, To: journal.LetterOpen, Letter: journal.Letter{Sub: route, Key: rec.Key, Pos: rec.Pos, Opened: noon, Data: l.Encode()}}},
		Parks:   []journal.ParkOp{{Sub: route, Key: rec.Key, Pos: rec.Pos, Park: journal.Park{Reason: journal.ParkLetter, Letter: l.ID, Since: noon}}},
	}))
	if err != nil {
		return "", fmt.Errorf("writing the letter: %w", err)
	}
	return l.ID, nil
}

// notWritten is why a unit was not written, nil when it was.
func notWritten(r *journal.Refusal, err error) error {
	if r != nil {
		return r
	}
	return err
}

func message(n int) journal.Record {
	return journal.Record{
		ID: journal.ID{15: 1}.Child("test", "message", n), Type: "order.Place", Schema: 1, Topic: "in", Key: fmt.Sprintf("order-%d", n),
		Time: noon, Source: "rest", Correlation: "c1", Data: []byte(`{"qty":-1}`),
	}
}

var refused = fault.At("stock.Reserve", fault.Rejected, "lines[0].qty", errors.New("item \"X\" is not known"))

func topic(t testing.TB, h *hub, name string) []journal.Record {
	t.Helper()
	recs, err := h.Topics(context.Background(), []string{name}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

func TestListFiltersAndPages(t *testing.T) {
	d, h := newDesk()
	ids := map[string][]string{}
	for i := range 1203 { // more than are read of the journal at once
		route := []string{"place", "out.ups"}[i%2]
		ids[route] = append(ids[route], h.fail(t, route, message(i), refused))
	}
	if err := d.Replay(t.Context(), ids["place"][0], 1, "jo"); err != nil {
		t.Fatal(err)
	}
	if err := d.Drop(t.Context(), ids["place"][1], 1, "jo", "nonsense"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		filter dlq.Filter
		want   int
	}{
		{dlq.Filter{Limit: 5000}, 1202},
		{dlq.Filter{}, 100},
		{dlq.Filter{State: "open", Limit: 5000}, 1201},
		{dlq.Filter{State: "replaying", Limit: 5000}, 1},
		{dlq.Filter{State: "dropped", Limit: 5000}, 1},
		{dlq.Filter{State: "resolved", Limit: 5000}, 0},
		{dlq.Filter{State: "all", Limit: 5000}, 1203},
		{dlq.Filter{State: "nonsense", Limit: 5000}, 0},
		{dlq.Filter{Route: "out.ups", Limit: 5000}, 601},
		{dlq.Filter{Route: "out", Limit: 5000}, 0},
		{dlq.Filter{Route: "place", State: "open", Limit: -1}, 100},
	} {
		got, err := d.List(t.Context(), c.filter)
		if err != nil || len(got) != c.want {
			t.Errorf("%+v: %d letters, %v; want %d", c.filter, len(got), err, c.want)
		}
	}
	var seen []string
	for after := ""; ; {
		page, err := d.List(t.Context(), dlq.Filter{Route: "out.ups", After: after, Limit: 7})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			seen = append(seen, e.ID)
		}
		after = page[len(page)-1].ID
	}
	slices.Sort(ids["out.ups"])
	if !slices.Equal(seen, ids["out.ups"]) {
		t.Errorf("paged through %d letters, want each of %d once, in order", len(seen), len(ids["out.ups"]))
	}
}

func TestLettersPageInTheOrderInWhichTheyCame(t *testing.T) {
	d, h := newDesk()
	var want []string
	for i := range 703 { // more than are read of the journal at once
		id := h.fail(t, []string{"place", "out.ups"}[i%2], message(i), refused)
		if i%2 == 1 {
			want = append(want, id)
		}
	}
	h.write(t, &journal.Unit{Letters: []journal.LetterOp{{ID: "Lbad", To: journal.LetterOpen, Letter: journal.Letter{Sub: "place", Pos: 1, Data: []byte("{")}}}})
	if err := d.Drop(t.Context(), want[0], 1, "jo", "nonsense"); err != nil {
		t.Fatal(err)
	}
	want = want[1:]
	var seen []string
	for after := ""; ; {
		page, counts, next, err := d.Came(t.Context(), dlq.Filter{Route: "out.ups", After: after, Limit: 70})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(counts, []dlq.Count{{Route: "out.ups", State: "open", Letters: 350}}) {
			t.Errorf("behind %q the counts are %+v", after, counts)
		}
		for _, e := range page {
			seen = append(seen, e.ID)
		}
		if after = next; next == "" {
			break
		}
	}
	if !slices.Equal(seen, want) {
		t.Errorf("paged through %d letters, want each of %d once, as they came", len(seen), len(want))
	}
	page, counts, next, err := d.Came(t.Context(), dlq.Filter{State: "all", Limit: 2})
	if err != nil || len(page) != 2 || next == "" || !slices.ContainsFunc(page, func(e dlq.Entry) bool { return e.ID == "Lbad" && e.State == dlq.Damaged }) {
		t.Errorf("a damaged letter is not where it came: %+v, next %q, %v", page, next, err)
	}
	if want := []dlq.Count{{"out.ups", "dropped", 1}, {"out.ups", "open", 350}, {"place", "open", 353}}; !slices.Equal(counts, want) {
		t.Errorf("counts %+v, want %+v", counts, want)
	}
	for _, after := range []string{"x", "7", ".", "-1.L", "L.7"} {
		if _, _, _, err := d.Came(t.Context(), dlq.Filter{After: after}); !errors.Is(err, dlq.ErrCursor) {
			t.Errorf("behind %q: %v", after, err)
		}
	}
}

func TestADamagedRowHidesNoOther(t *testing.T) {
	d, h := newDesk()
	good := h.fail(t, "place", message(1), refused)
	for i, data := range []string{"", "null-ish", `{"id":`, `{"attempts":7}`, "\x00\xff"} {
		h.write(t, &journal.Unit{Letters: []journal.LetterOp{{
			ID: fmt.Sprintf("Lbad%d", i), To: journal.LetterOpen, Letter: journal.Letter{Sub: "place", Key: "k", Pos: 1, Opened: noon, Data: []byte(data)},
		}}})
	}
	got, err := d.List(t.Context(), dlq.Filter{})
	if err != nil || len(got) != 6 {
		t.Fatalf("%d letters, %v; want all six", len(got), err)
	}
	for _, e := range got {
		if bad := e.ID != good; bad != (e.State == dlq.Damaged) || bad && (!strings.Contains(e.Cause, "cannot be read") || e.Route != "place") {
			t.Errorf("%+v", e)
		}
	}
	for what, act := range map[string]func(id string) error{
		"show":   func(id string) error { _, err := d.Show(t.Context(), id); return err },
		"replay": func(id string) error { return d.Replay(t.Context(), id, 1, "jo") },
		"drop":   func(id string) error { return d.Drop(t.Context(), id, 1, "jo", "broken") },
	} {
		if err := act("Lbad2"); err == nil || !strings.Contains(err.Error(), "Lbad2") {
			t.Errorf("%s: %v, want an error that names the letter", what, err)
		}
	}
}

func TestShowTellsTheMessageAndWhatItDid(t *testing.T) {
	d, h := newDesk()
	rec := message(1)
	rec.Headers = map[string]string{"partner": "ACME"}
	id := h.fail(t, "out.ups", rec, refused)
	other := message(2)
	for i, e := range []struct {
		msg     journal.ID
		step    string
		outcome string
	}{{rec.ID, "buy", `{"tracking":"1Z"}`}, {rec.ID, "void", "no json"}, {other.ID, "buy", `{}`}} {
		key := journal.EffectKey("out.ups", e.msg, e.step)
		f := journal.Effect{Conn: "ups", Ref: fmt.Sprint("ref-", i), Attempt: 1, Started: noon}
		h.write(t, &journal.Unit{Effects: []journal.EffectOp{{Key: key, To: journal.EffectStarted, Effect: f}}})
		f.Outcome = []byte(e.outcome)
		h.write(t, &journal.Unit{Effects: []journal.EffectOp{{Key: key, From: journal.EffectStarted, To: journal.EffectConfirmed, Effect: f}}})
	}
	got, err := d.Show(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != "open" || got.Place != "lines[0].qty" || got.Cause != `item "X" is not known` || got.Next == "" || len(got.Attempts) != 1 {
		t.Errorf("the letter: %+v", got.Entry)
	}
	if m := got.Message; m.Payload != `{"qty":-1}` || m.Source != "rest" || m.Headers["partner"] != "ACME" || m.Document != "" {
		t.Errorf("its message: %+v", m)
	}
	if len(got.Effects) != 2 || got.Effects[0].State != "confirmed" || string(got.Effects[0].Outcome) != `{"tracking":"1Z"}` || got.Effects[1].Outcome != nil {
		t.Errorf("what it did: %+v", got.Effects)
	}
	if _, err := json.Marshal(got); err != nil {
		t.Errorf("as JSON: %v", err)
	}
}

func TestShowGivesADocumentAndKeepsOtherPersonalData(t *testing.T) {
	for _, c := range []struct {
		typ      string
		document string
		sealed   bool
	}{
		{"document.Received", "ISA*00*", false},
		{"x12.Set", "ISA*00*", false},
		{"order.Accepted", "", true},
	} {
		d, h := newDesk()
		rec := message(1)
		rec.Type, rec.Subject, rec.Personal = c.typ, "subject-1", []byte("ISA*00*")
		got, err := d.Show(t.Context(), h.fail(t, "place", rec, refused))
		if err != nil || got.Message.Document != c.document || got.Message.Sealed != c.sealed {
			t.Errorf("%s: document %q, sealed %v, %v", c.typ, got.Message.Document, got.Message.Sealed, err)
		}
		if b, err := json.Marshal(got); err != nil || c.sealed && strings.Contains(string(b), "ISA*00*") {
			t.Errorf("%s shows personal data: %s %v", c.typ, b, err)
		}
	}
}

func TestWhatIsNoLetterIsToldSo(t *testing.T) {
	d, _ := newDesk()
	for _, id := range []string{"", "Lnone", "../x", strings.Repeat("L", 300)} {
		if _, err := d.Show(t.Context(), id); !errors.Is(err, dlq.ErrNone) {
			t.Errorf("show %.20q: %v", id, err)
		}
		if err := d.Replay(t.Context(), id, 1, "jo"); !errors.Is(err, dlq.ErrNone) {
			t.Errorf("replay %.20q: %v", id, err)
		}
		if err := d.Drop(t.Context(), id, 1, "jo", "why"); !errors.Is(err, dlq.ErrNone) {
			t.Errorf("drop %.20q: %v", id, err)
		}
	}
}

func TestReplayAskedByManyGoesOnce(t *testing.T) {
	d, h := newDesk()
	id := h.fail(t, "place", message(1), refused)
	var mu sync.Mutex
	won, late := 0, 0
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			err := d.Replay(context.Background(), id, 1, fmt.Sprint("shell-", i))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, dlq.ErrState):
				late++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won != 1 || late != 49 || len(h.woken) != 1 {
		t.Errorf("%d won, %d came late, %d woken", won, late, len(h.woken))
	}
	if n := len(topic(t, h, "error-events")); n != 1 {
		t.Errorf("%d notices", n)
	}
	got, err := d.List(t.Context(), dlq.Filter{State: "replaying"})
	if err != nil || len(got) != 1 || !strings.HasPrefix(got[0].Actor, "shell-") {
		t.Errorf("%+v, %v", got, err)
	}
	if err := d.Drop(t.Context(), id, 1, "jo", "late"); !errors.Is(err, dlq.ErrState) {
		t.Errorf("dropping what is replayed: %v", err)
	}
}

// failAgain opens a letter anew whose replay failed, as the hub does.
func (h *hub) failAgain(t testing.TB, id string) {
	t.Helper()
	b, err := h.Row(context.Background(), journal.TableLetter, id)
	if err != nil {
		t.Fatal(err)
	}
	s, err := journal.DecodeLetter(b)
	if err != nil {
		t.Fatal(err)
	}
	l, err := dlq.Decode(s.Data)
	if err != nil {
		t.Fatal(err)
	}
	rec := message(1)
	rec.Pos = s.Pos
	l.Again(dlq.New(l.Route, &rec, refused, 1, noon.Add(time.Hour)))
	s.Data = l.Encode()
	h.write(t, &journal.Unit{Letters: []journal.LetterOp{{ID: id, From: s.State, To: journal.LetterOpen, Letter: s.Letter}}})
}

func TestAReplayIsOfTheFailureThatWasSeen(t *testing.T) {
	d, h := newDesk()
	id := h.fail(t, "place", message(1), refused)
	for what, act := range map[string]func(opening int) error{
		"replay": func(n int) error { return d.Replay(t.Context(), id, n, "ben") },
		"drop":   func(n int) error { return d.Drop(t.Context(), id, n, "ben", "why") },
	} {
		for _, n := range []int{0, -1} {
			if err := act(n); !errors.Is(err, dlq.ErrUnseen) {
				t.Errorf("%s of opening %d: %v", what, n, err)
			}
		}
		if err := act(2); !errors.Is(err, dlq.ErrStale) {
			t.Errorf("%s of what is not yet: %v", what, err)
		}
	}
	if err := d.Replay(t.Context(), id, 1, "ann"); err != nil {
		t.Fatal(err)
	}
	h.failAgain(t, id)
	for what, err := range map[string]error{
		"replay": d.Replay(t.Context(), id, 1, "ben"),
		"drop":   d.Drop(t.Context(), id, 1, "ben", "why"),
	} {
		want := "was replayed meanwhile by ann at 2026-03-01T12:00:00Z, and failed again at 2026-03-01T13:00:00Z: look at it anew"
		if !errors.Is(err, dlq.ErrStale) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	if len(h.woken) != 1 {
		t.Errorf("it went %d times", len(h.woken))
	}
	got, err := d.Show(t.Context(), id)
	if err != nil || got.Opening != 2 || got.Name() != id+".2" {
		t.Errorf("%+v, %v", got.Entry, err)
	}
	if err := d.Replay(t.Context(), id, 2, "ben"); err != nil || len(h.woken) != 2 {
		t.Errorf("as it stands now: %v, it went %d times", err, len(h.woken))
	}
}

// Between the look at a letter and the commit it is replayed, fails and stands open again: its
// state is as it was, and it is another failure.
func TestALetterThatWentAndCameBackIsNotReplayedForTheOld(t *testing.T) {
	d, h := newDesk()
	id := h.fail(t, "place", message(1), refused)
	slow := &dlq.Desk{Now: d.Now, Log: h, Journal: &overtaken{h, func() {
		if err := d.Replay(context.Background(), id, 1, "ann"); err != nil {
			t.Error(err)
		}
		h.failAgain(t, id)
	}}}
	if err := slow.Replay(t.Context(), id, 1, "ben"); !errors.Is(err, dlq.ErrState) {
		t.Errorf("got %v", err)
	}
	if got, err := d.Show(t.Context(), id); err != nil || got.State != "open" || got.Opening != 2 || len(h.woken) != 1 {
		t.Errorf("%+v, %v, it went %d times", got.Entry, err, len(h.woken))
	}
}

// overtaken lets something happen before each unit.
type overtaken struct {
	*hub
	before func()
}

func (o *overtaken) Submit(ctx context.Context, u *journal.Unit) (*journal.Refusal, error) {
	o.before()
	return o.hub.Submit(ctx, u)
}

func TestAReplayIsDurableThoughItsRouteDoesNotRun(t *testing.T) {
	d, h := newDesk()
	h.stopped = true
	id := h.fail(t, "place", message(1), refused)
	if err := d.Replay(t.Context(), id, 1, "jo"); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Show(t.Context(), id); err != nil || got.State != "replaying" {
		t.Errorf("%s, %v", got.State, err)
	}
}

func TestReplayAndDropAtOnceOneWins(t *testing.T) {
	for range 20 {
		d, h := newDesk()
		id := h.fail(t, "place", message(1), refused)
		var errs [2]error
		var both sync.WaitGroup
		both.Go(func() { errs[0] = d.Replay(context.Background(), id, 1, "ann") })
		both.Go(func() { errs[1] = d.Drop(context.Background(), id, 1, "ben", "nonsense") })
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs[:]...), dlq.ErrState) {
			t.Fatalf("replay: %v; drop: %v", errs[0], errs[1])
		}
	}
}

func TestADropKeepsItsReasonAndSaysWhoGaveIt(t *testing.T) {
	d, h := newDesk()
	id := h.fail(t, "place", message(1), refused)
	for _, reason := range []string{"", " \t\n"} {
		if err := d.Drop(t.Context(), id, 1, "jo", reason); err == nil || !strings.Contains(err.Error(), "reason") {
			t.Errorf("dropped for %q: %v", reason, err)
		}
	}
	if err := d.Drop(t.Context(), id, 1, "jo", "the customer rang"); err != nil {
		t.Fatal(err)
	}
	got, err := d.Show(t.Context(), id)
	if err != nil || got.State != "dropped" || got.Actor != "jo" || got.Reason != "the customer rang" {
		t.Errorf("%+v, %v", got.Entry, err)
	}
	for _, name := range []string{"audit-events", "error-events"} {
		recs := topic(t, h, name)
		var n dlq.Notice
		if len(recs) != 1 || recs[0].Type != "letter.Dropped" || json.Unmarshal(recs[0].Data, &n) != nil || n.Actor != "jo" || n.Reason != "the customer rang" || n.Letter != id {
			t.Errorf("%s: %+v %+v", name, recs, n)
		}
		if strings.Contains(string(recs[0].Data), "qty") {
			t.Errorf("%s holds the payload: %s", name, recs[0].Data)
		}
	}
	if rows, err := h.Scan(t.Context(), journal.TablePark, "", "", 10); err != nil || len(rows) != 0 || len(h.unparked) != 1 {
		t.Errorf("%d parked, %d unparked, %v", len(rows), len(h.unparked), err)
	}
	for what, err := range map[string]error{"again": d.Drop(t.Context(), id, 1, "jo", "again"), "replay": d.Replay(t.Context(), id, 1, "jo")} {
		if !errors.Is(err, dlq.ErrState) {
			t.Errorf("%s after the drop: %v", what, err)
		}
	}
}

func TestAJournalThatTakesNothingIsSaid(t *testing.T) {
	d, h := newDesk()
	id := h.fail(t, "place", message(1), refused)
	h.SetHook(func(*journal.Batch) ([]*journal.Refusal, error) { return nil, journal.ErrFull })
	if err := d.Replay(t.Context(), id, 1, "jo"); !errors.Is(err, journal.ErrFull) || errors.Is(err, dlq.ErrState) {
		t.Errorf("replay: %v", err)
	}
	if err := d.Drop(t.Context(), id, 1, "jo", "why"); !errors.Is(err, journal.ErrFull) || len(h.unparked) != 0 {
		t.Errorf("drop: %v, %d unparked", err, len(h.unparked))
	}
	if len(h.woken) != 0 {
		t.Error("a replay that is not durable went")
	}
}

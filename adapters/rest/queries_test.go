package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
)

// shelf answers queries from a sorted slice.
type shelf struct {
	docs []view.Doc
	hops []view.Hop
	at   journal.Pos
	err  error
}

func (s *shelf) Get(_ context.Context, kind, key string) (*view.Doc, journal.Pos, error) {
	for i := range s.docs {
		if s.docs[i].Kind == kind && s.docs[i].Key == key {
			return &s.docs[i], s.at, s.err
		}
	}
	return nil, s.at, s.err
}

func (s *shelf) List(_ context.Context, q view.Query) (view.Page, error) {
	p := view.Page{Position: s.at}
	for _, d := range s.docs {
		if d.Kind != q.Kind || d.Key <= q.After || q.Owner != "" && d.Owner != q.Owner || q.Status != "" && d.Status != q.Status {
			continue
		}
		if len(p.Docs) == q.Limit {
			p.Next = p.Docs[q.Limit-1].Key
			break
		}
		p.Docs = append(p.Docs, d)
	}
	return p, s.err
}

func (s *shelf) Find(_ context.Context, _, term string, _ int) (view.Page, error) {
	p := view.Page{Position: s.at}
	for _, d := range s.docs {
		if slices.Contains(d.Terms, term) {
			p.Docs = append(p.Docs, d)
		}
	}
	return p, s.err
}

func (s *shelf) Journey(_ context.Context, correlation string, after journal.Pos, _ int) (view.Journey, error) {
	j := view.Journey{Position: s.at}
	for _, h := range s.hops {
		if h.Correlation == correlation && h.Position > after {
			j.Hops = append(j.Hops, h)
		}
	}
	return j, s.err
}

func orders(n int) *shelf {
	s := &shelf{at: 77}
	for i := range n {
		id := fmt.Sprintf("SO/%02d", i)
		s.docs = append(s.docs, view.Doc{
			Kind: view.Order, Key: order.StreamOf(scope.Scope{Tenant: "main", Owner: "ACME"}, id), Owner: "ACME", ID: id,
			Status: "accepted", Position: journal.Pos(i + 1), State: json.RawMessage(`{"order":"x"}`), Terms: []string{id},
		})
	}
	s.hops = []view.Hop{{Correlation: "main/ACME/SO%2F01", Position: 3, Route: "door.orders"}}
	return s
}

func TestListsArePagedByCursor(t *testing.T) {
	t.Parallel()
	s := orders(10)
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Views = s })
	var seen []string
	for cursor, pages := "", 0; pages < 10; pages++ {
		res, body := h.must(200, "GET", "/v1/orders?owner=ACME&limit=3&cursor="+cursor, "")
		if got := res.Header.Get("Paklog-Position"); got != "77" {
			t.Fatalf("Paklog-Position is %q", got)
		}
		var p rest.List
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		for _, d := range p.Items {
			seen = append(seen, d.ID)
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 10 || !slices.IsSorted(seen) {
		t.Errorf("saw %v", seen)
	}
	if _, body := h.must(200, "GET", "/v1/orders?owner=NOBODY", ""); !strings.Contains(body, `"items":[]`) {
		t.Errorf("an empty page is %s", body)
	}
	_, first := h.must(200, "GET", "/v1/orders?limit=1", "")
	var p rest.List
	if err := json.Unmarshal([]byte(first), &p); err != nil || p.Next == "" {
		t.Fatalf("%s, %v", first, err)
	}
	h.refused(422, "GET", "/v1/items?cursor="+p.Next, "") // of another list
	for _, garbled := range []string{"%21%21", "garbage", "AAAA", p.Next[:3], "b3JkZXI6"} {
		h.refused(422, "GET", "/v1/orders?cursor="+garbled, "")
	}
	h.refused(422, "GET", "/v1/orders?limit=501", "")
	s.err = errors.New("disk")
	h.refused(500, "GET", "/v1/orders", "")
}

func TestOneThingIsFoundByItsKeyOrNot(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Views = orders(3) })
	res, body := h.must(200, "GET", "/v1/orders/ACME/SO%2F01", "")
	if !strings.Contains(body, `"status":"accepted"`) || res.Header.Get("ETag") != `"2"` {
		t.Errorf("ETag %s: %s", res.Header.Get("ETag"), body)
	}
	for _, path := range []string{
		"/v1/orders/ACME/NONE", "/v1/orders/OTHER/SO%2F01", "/v1/items/ACME/X", "/v1/locations/DC1/X", "/v1/stock/ACME/X", "/v1/waves/DC1/X",
		"/v1/tasks/ACME/X", "/v1/picks/ACME/X", "/v1/packs/ACME/X", "/v1/labels/ACME/X", "/v1/shipments/ACME/X", "/v1/journeys/none",
	} {
		h.refused(404, "GET", path, "")
	}
	// A command to what nobody knows is a 404 too, and one that is refused for its state is not.
	h.refused(404, "POST", "/v1/orders/ACME/NONE/hold", `{"reason":"credit"}`)
	h.must(200, "GET", "/v1/journeys/"+url.PathEscape("main/ACME/SO%2F01"), "")
	if _, body := h.must(200, "GET", "/v1/search?q=SO%2F02", ""); strings.Count(body, `"kind"`) != 1 {
		t.Errorf("found %s", body)
	}
	h.refused(422, "GET", "/v1/search", "")
}

// A query sees what its sender was told is durable.
func TestQueryWaitsForWhatIsDurable(t *testing.T) {
	t.Parallel()
	var waited []journal.Pos
	late := false
	h := serve(t, rest.Config{Catch: 20 * time.Millisecond}, func(d *rest.Deps) {
		d.Views = orders(1)
		d.Last = func() journal.Pos { return 99 }
		d.Wait = func(ctx context.Context, pos journal.Pos) error {
			waited = append(waited, pos)
			if late {
				<-ctx.Done()
			}
			return ctx.Err()
		}
	})
	h.must(200, "GET", "/v1/orders", "")
	late = true
	res, _ := h.must(200, "GET", "/v1/orders", "")
	if !slices.Equal(waited, []journal.Pos{99, 99}) || res.Header.Get("Paklog-Position") != "77" {
		t.Errorf("waited for %v and stands at %s", waited, res.Header.Get("Paklog-Position"))
	}
}

func TestEventsAreTailedByPosition(t *testing.T) {
	t.Parallel()
	log := journalmem.New()
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for i := range 5 {
		u := &journal.Unit{ID: journal.NewID(at, [10]byte{byte(i)}), At: at, Records: []journal.Record{{
			ID: journal.NewID(at, [10]byte{9, byte(i)}), Type: "order.Held", Schema: 1, Topic: "order-events", Key: "k", Time: at, Source: "door.orders",
			Data: []byte(`{"n":1}`), Subject: "order/x", Personal: []byte(`{"name":"Ada"}`),
		}}}
		if _, err := log.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{u}}); err != nil {
			t.Fatal(err)
		}
	}
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Log = log })
	var tail rest.Tail
	_, body := h.must(200, "GET", "/v1/events?after=1&limit=3&topics=order-events,wave-events", "")
	if err := json.Unmarshal([]byte(body), &tail); err != nil {
		t.Fatal(err)
	}
	if len(tail.Items) != 3 || tail.Items[0].Position != 2 || tail.Next != 4 || tail.Items[0].SpecVersion != "1.0" {
		t.Errorf("got %s", body)
	}
	if strings.Contains(body, "Ada") {
		t.Errorf("personal data are told: %s", body)
	}
	h.refused(422, "GET", "/v1/events?topics=order-event", "")
	h.refused(422, "GET", "/v1/events?after=-1", "")
}

// deskOf is a desk over a journal with one open letter.
func deskOf(t *testing.T) (*dlq.Desk, string) {
	t.Helper()
	log := journalmem.New()
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	rec := journal.Record{ID: journal.NewID(at, [10]byte{1}), Type: "document.Received", Schema: 1, Time: at, Data: []byte("{}")}
	l := dlq.New("x12_inbound", &rec, fault.At("x12", fault.Invalid, "W01-05", errors.New("unknown item")), 1, at)
	u := &journal.Unit{
		ID: journal.NewID(at, [10]byte{2}), At: at, Records: []journal.Record{rec},
		Letters: []journal.LetterOp{{ID: l.ID, To: journal.LetterOpen, Letter: journal.Letter{Sub: "x12_inbound", Pos: 1, Opened: at, Data: l.Encode()}}},
		Parks:   []journal.ParkOp{{Sub: "x12_inbound", Pos: 1, Park: journal.Park{Reason: journal.ParkLetter, Letter: l.ID}}},
	}
	if r, err := log.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{u}}); err != nil || r[0] != nil {
		t.Fatal(r, err)
	}
	return &dlq.Desk{Journal: &desk{log}, Log: log, Now: func() time.Time { return at }}, l.ID
}

// desk submits units straight to a journal.
type desk struct{ *journalmem.Store }

func (d *desk) Submit(ctx context.Context, u *journal.Unit) (*journal.Refusal, error) {
	u.ID, u.At = journal.NewID(time.Unix(0, 0), [10]byte{3}), time.Unix(0, 0)
	r, err := d.Write(ctx, &journal.Batch{Units: []*journal.Unit{u}})
	if err != nil {
		return nil, err
	}
	return r[0], nil
}

func (*desk) Wake(string, journal.Pos) (bool, error) { return true, nil }
func (*desk) Unparked(string, *journal.Unit) error   { return nil }

func TestLettersAreListedShownAndDroppedOnce(t *testing.T) {
	t.Parallel()
	d, id := deskOf(t)
	h := serve(t, rest.Config{}, func(x *rest.Deps) { x.Desk = d })
	if _, body := h.must(200, "GET", "/v1/letters", ""); !strings.Contains(body, id) || !strings.Contains(body, "W01-05") {
		t.Errorf("got %s", body)
	}
	if _, body := h.must(200, "GET", "/v1/letters?order=came", ""); !strings.Contains(body, `"counts":[{"route":"x12_inbound","state":"open","letters":1}]`) {
		t.Errorf("got %s", body)
	}
	h.refused(422, "GET", "/v1/letters?order=came&after=x", "")
	h.refused(422, "GET", "/v1/letters?order=age", "")
	res, _ := h.must(200, "GET", "/v1/letters/"+id, "")
	seen := res.Header.Get("ETag")
	if seen != `"1"` {
		t.Errorf("its ETag is %s", seen)
	}
	h.refused(404, "GET", "/v1/letters/Lnone", "")
	h.refused(404, "POST", "/v1/letters/Lnone/replay", "")
	h.refused(422, "GET", "/v1/letters?state=lost", "")
	h.refused(422, "POST", "/v1/letters/"+id+"/drop", `{"reason":""}`)
	h.refused(422, "POST", "/v1/letters/"+id+"/drop", `{"reason":" \t"}`)
	h.refused(400, "POST", "/v1/letters/"+id+"/drop", `{}`)
	h.refused(428, "POST", "/v1/letters/"+id+"/drop", `{"reason":"unseen"}`)
	h.refused(428, "POST", "/v1/letters/"+id+"/replay", "")
	h.refused(412, "POST", "/v1/letters/"+id+"/replay", "", "If-Match", `"2"`)
	for _, no := range []string{"one", "0", "-1", `""`, "*"} {
		h.refused(422, "POST", "/v1/letters/"+id+"/replay", "", "If-Match", no)
	}
	_, body := h.must(200, "POST", "/v1/letters/"+id+"/drop", `{"reason":"sent twice"}`, "If-Match", seen)
	if !strings.Contains(body, `"dropped"`) || !strings.Contains(body, "sent twice") {
		t.Errorf("got %s", body)
	}
	h.refused(409, "POST", "/v1/letters/"+id+"/drop", `{"reason":"again"}`, "If-Match", seen)
	h.refused(409, "POST", "/v1/letters/"+id+"/replay", "", "If-Match", seen)
}

func TestReadinessSaysWhyNot(t *testing.T) {
	t.Parallel()
	var why error
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Ready = func(context.Context) error { return why } })
	h.must(200, "GET", "/readyz", "")
	why = errors.New("the disk is full")
	if p := h.refused(503, "GET", "/readyz", ""); p.Detail != "the disk is full" {
		t.Errorf("got %+v", p)
	}
	h.must(200, "GET", "/healthz", "")
	h.refused(503, "GET", "/v1/letters", "")
	h.refused(503, "GET", "/v1/routes", "")
	h.refused(503, "GET", "/v1/events", "")
}

func TestAStatusThatNothingHasIsRefusedWithThoseThereAre(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Views = orders(1) })
	for path, says := range map[string]string{
		"/v1/orders?status=nope": "is none of accepted, held", "/v1/orders?status=Accepted": "is none of accepted", "/v1/locations?status=open": "is none of active, blocked",
		"/v1/tasks?status=waved": "is none of open, claimed", "/v1/waves?status=open": "is none of planned", "/v1/picks?status=x": "is none of open",
		"/v1/packs?status=x": "is none of open", "/v1/labels?status=open": "is none of requested", "/v1/shipments?status=shipped": "is none of waiting",
		"/v1/items?status=active": "has no status", "/v1/stock?status=short": "has no status",
	} {
		if p := h.refused(422, "GET", path, ""); !strings.Contains(p.Detail, says) || len(p.Errors) != 1 || p.Errors[0].Place != "query.status" {
			t.Errorf("%s: %+v, want %q", path, p, says)
		}
	}
	for _, kind := range []string{"order", "location", "wave", "task", "pick", "pack", "label", "ship"} {
		plural := map[string]string{"ship": "shipments"}[kind]
		if plural == "" {
			plural = kind + "s"
		}
		for _, s := range rest.Statuses(kind) {
			h.must(200, "GET", "/v1/"+plural+"?status="+s, "")
		}
	}
}

func TestAListSaysHowFarItIsBehind(t *testing.T) {
	t.Parallel()
	for last, want := range map[journal.Pos]string{0: "", 7: `"behind":`} {
		h := serve(t, rest.Config{Catch: -1}, func(d *rest.Deps) {
			d.Views = orders(1)
			d.Last = func() journal.Pos { return last * 1000 }
		})
		if _, body := h.must(200, "GET", "/v1/orders", ""); strings.Contains(body, `"behind"`) != (want != "") {
			t.Errorf("the journal ends at %d: %s", last*1000, body)
		}
	}
}

// Views that are built from nothing know of nothing: until they have seen what the hub knew when it
// started, no query says that there is no such thing, and the hub is not ready.
func TestNoQueryIsAnsweredFromViewsThatAreStillBuilt(t *testing.T) {
	t.Parallel()
	var at atomic.Uint64
	h := serve(t, rest.Config{Catch: -1}, func(d *rest.Deps) {
		d.Views, d.Since = orders(1), 50
		d.Seen = func() journal.Pos { return journal.Pos(at.Load()) }
		d.Last = func() journal.Pos { return 80 }
	})
	for _, path := range []string{"/readyz", "/v1/orders", "/v1/orders/ACME/NONE", "/v1/orders/ACME/SO%2F00", "/v1/search?q=x", "/v1/journeys/x"} {
		res, body := h.must(503, "GET", path, "")
		if !strings.Contains(body, `"urn:paklog:problem:views_building"`) || !strings.Contains(body, "stand at 0 of 50") || res.Header.Get("Retry-After") != "1" {
			t.Errorf("%s: %v %s", path, res.Header, body)
		}
	}
	at.Store(50)
	h.must(200, "GET", "/readyz", "")
	h.must(200, "GET", "/v1/orders/ACME/SO%2F00", "")
	// What came since then may be missing, and the answer says so.
	if _, body := h.must(404, "GET", "/v1/orders/ACME/NONE", ""); !strings.Contains(body, "the views are 3 events behind") {
		t.Errorf("%s", body)
	}
	at.Store(0) // they are built anew: the old ones answer
	h.must(200, "GET", "/v1/orders", "")
}

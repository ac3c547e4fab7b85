package main

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/adapters/views"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes"
)

// Letters of the desk's benches. Everything about a letter follows from its number, so that what a
// search must find is known.
const (
	mostLetters  = 1_000_000
	leastLetters = 2000
	deskCauses   = 60
	deskRoutes   = 12
	deskPartners = 40
	deskBatch    = 4096
	deskComing   = 200 // failures a second that come in meanwhile
	deskAtOnce   = 64  // of them on their way
	deskSearches = 2   // people who search at once
	deskTopic    = "bench-letters"
	deskType     = "bench.Order"
	deskGrows    = 2_000_000 // positions, then the store is made anew
)

var deskKinds = [...]fault.Kind{fault.Rejected, fault.Invalid, fault.Internal, fault.Transient}

var (
	deskSubjects = [...]string{"address", "carrier", "customer", "date", "item", "lot", "price", "quantity", "reference", "unit"}
	deskObjects  = [...]string{"announcement", "invoice", "order", "receipt", "shipment", "wave"}
)

var deskBegan = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// lettered is what letter i is about.
type lettered struct {
	cause          int
	route, partner string
	kind           fault.Kind
	order, po      string
	resolved       bool
	opened         time.Time
}

func letteredOf(i int) lettered {
	c := i * 7 % deskCauses
	return lettered{
		cause: c, route: fmt.Sprintf("route-%02d", c%deskRoutes), kind: deskKinds[c%len(deskKinds)], partner: fmt.Sprintf("P-%02d", i/7%deskPartners),
		order: fmt.Sprintf("SO-%07d", i), po: fmt.Sprintf("PO-%07d", i/5), resolved: i%10 == 9, opened: deskBegan.Add(time.Duration(i) * time.Second),
	}
}

func (l lettered) why() error {
	subject, object := deskSubjects[l.cause%len(deskSubjects)], deskObjects[l.cause/len(deskSubjects)]
	return fault.E("bench", l.kind, fmt.Errorf("the %s of the %s is refused", subject, object))
}

// record is the message that fails; what its cause is follows from its flag.
func (l lettered) record(r *rand.Rand) journal.Record {
	return journal.Record{
		ID: newID(r, l.opened), Type: deskType, Schema: 1, Topic: deskTopic, Key: l.order, Time: l.opened, Correlation: l.order, Source: "bench",
		Headers: map[string]string{"partner": l.partner},
		Data:    fmt.Appendf(nil, `{"order":%q,"po":%q,"flag":"bad-%d","qty":1}`, l.order, l.po, l.cause),
	}
}

// letter is its row.
func (l lettered) letter(rec *journal.Record, at time.Time) (dlq.Letter, journal.LetterOp) {
	x := dlq.New(l.route, rec, l.why(), 1, at)
	op := journal.LetterOp{ID: x.ID, To: journal.LetterOpen, Letter: journal.Letter{Sub: l.route, Key: rec.Key, Pos: rec.Pos, Opened: at, Data: x.Encode()}}
	if l.resolved {
		op.To = journal.LetterResolved
	}
	return x, op
}

// desk is the desk on a journal with letters and the index of them, in this process.
type desk struct {
	c       *config
	n       int
	store   *sqlite.Store
	hub     *hosting
	index   *views.Store
	desk    *dlq.Desk
	stop    context.CancelFunc
	folding chan error
	asks    []deskAsk
	causes  []string // fingerprints, by cause
	calls   atomic.Int64
	coming  atomic.Int64
}

// deskSize is how many letters a run has: a million but where it is made short.
func deskSize(c *config) int {
	return min(mostLetters, max(leastLetters, int(c.seconds*mostLetters)))
}

func openDesk(ctx context.Context, c *config) (_ *desk, err error) {
	n := deskSize(c)
	dir, there, err := c.prepared(ctx, fmt.Sprintf("desk-%d", n), n+deskGrows, func(dir string) error { return fillDesk(ctx, dir, n) })
	if err != nil {
		return nil, err
	}
	d := &desk{c: c, n: n, folding: make(chan error, 1)}
	if d.store, err = sqlite.Open(ctx, dir, sqlite.Options{MinFree: -1}); err != nil {
		return nil, err
	}
	if d.hub, err = host(ctx, d.store); err != nil {
		return nil, err
	}
	if d.index, err = views.Open(ctx, dir, routes.ViewVersion()); err != nil {
		return nil, errors.Join(err, d.hub.Close())
	}
	d.desk = d.hub.hub.Desk()
	d.desk.Index = d.index
	fold, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	go func() {
		d.folding <- routes.NewProjector(d.hub.bus.Log(), d.hub.reg, d.index, nil, d.hub.hub.Turn).Run(fold)
	}()
	for c := range deskCauses {
		l := lettered{cause: c, route: fmt.Sprintf("route-%02d", c%deskRoutes), kind: deskKinds[c%len(deskKinds)]}
		d.causes = append(d.causes, dlq.Fingerprint(l.route, l.kind, fault.Reason(l.why()), ""))
	}
	d.asks = deskAsks(d.n, d.causes)
	if !there { // what came meanwhile in other runs is not known
		if err := d.counts(ctx); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

func (d *desk) Close() error {
	d.stop()
	return errors.Join(<-d.folding, d.index.Close(), d.hub.Close())
}

// fillDesk writes the journal and the index side by side.
func fillDesk(ctx context.Context, dir string, n int) (err error) {
	store, err := sqlite.Open(ctx, dir, sqlite.Options{MinFree: -1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	index, err := views.Open(ctx, dir, routes.ViewVersion())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	r := rand.New(rand.NewPCG(uint64(n), 1))
	pos, err := store.Last(ctx)
	if err != nil {
		return err
	}
	for from := 0; from < n; from += deskBatch {
		b, v := &journal.Batch{}, view.Batch{}
		for i := from; i < min(n, from+deskBatch); i++ {
			l := letteredOf(i)
			rec := l.record(r)
			pos++
			rec.Pos = pos
			x, op := l.letter(&rec, l.opened)
			b.Units = append(b.Units, &journal.Unit{ID: newID(r, l.opened), At: l.opened, Records: []journal.Record{rec}, Letters: []journal.LetterOp{op}})
			v.Letters = append(v.Letters, listed(x, op))
		}
		refusals, err := store.Write(ctx, b)
		if err != nil {
			return fmt.Errorf("writing letters: %w", err)
		}
		for _, r := range refusals {
			if r != nil {
				return fmt.Errorf("writing letters: %w", r)
			}
		}
		last := b.Units[len(b.Units)-1]
		if last.First != pos {
			return fmt.Errorf("a letter's message stands at %d, and not at %d", last.First, pos)
		}
		v.Position, v.Unit = pos, last.ID
		if err := index.Apply(ctx, v); err != nil {
			return fmt.Errorf("indexing letters: %w", err)
		}
	}
	return index.CaughtUp(ctx)
}

// listed is a letter as the index has it.
func listed(l dlq.Letter, op journal.LetterOp) view.DeskLetter {
	x := view.DeskLetter{
		ID: op.ID, State: op.To.String(), Channel: string(l.Channel), Kind: l.Kind, Route: l.Route, Type: l.Type, Partner: l.Partner, Fingerprint: l.Fingerprint,
		Cause: l.Cause, Key: l.Key, Correlation: l.Correlation, Keys: []string{l.MessageID.String()}, Opened: l.Opened, Failed: l.Failed(), Opening: l.Opening, Position: op.Letter.Pos,
	}
	for _, k := range l.Keys {
		x.Keys = append(x.Keys, k.Kind+"="+k.Value)
	}
	return x
}

// deskFilter is one thing that is searched by: how it is asked, and which of the letters have it.
type deskFilter struct {
	field string
	set   func(q *view.DeskQuery)
	has   func(i int, l lettered) bool
}

// deskAsk is a search for letters that have two things.
type deskAsk struct {
	query view.DeskQuery
	name  string
	want  int // of them
}

// deskAsks are all pairs of filters of two fields: of much, of little, of one letter and of none.
func deskAsks(n int, causes []string) []deskAsk {
	half := n / 2
	filters := []deskFilter{
		{"channel", func(q *view.DeskQuery) { q.Channel = "invalid" }, func(_ int, l lettered) bool { return l.kind == fault.Invalid }},
		{"channel", func(q *view.DeskQuery) { q.Channel = "dead" }, func(_ int, l lettered) bool { return l.kind != fault.Invalid }},
		{"kind", func(q *view.DeskQuery) { q.Kind = "rejected" }, func(_ int, l lettered) bool { return l.kind == fault.Rejected }},
		{"kind", func(q *view.DeskQuery) { q.Kind = "throttled" }, none},
		{"route", func(q *view.DeskQuery) { q.Route = "route-03" }, func(_ int, l lettered) bool { return l.route == "route-03" }},
		{"route", func(q *view.DeskQuery) { q.Route = "route-99" }, none},
		{"type", func(q *view.DeskQuery) { q.Type = deskType }, every},
		{"partner", func(q *view.DeskQuery) { q.Partner = "p-07" }, func(_ int, l lettered) bool { return l.partner == "P-07" }},
		{"partner", func(q *view.DeskQuery) { q.Partner = "NOBODY" }, none},
		{"group", func(q *view.DeskQuery) { q.Fingerprint = causes[17] }, func(_ int, l lettered) bool { return l.cause == 17 }},
		{"key", func(q *view.DeskQuery) { q.Key = letteredOf(half).order }, func(i int, _ lettered) bool { return i == half }},
		{"key", func(q *view.DeskQuery) { q.Key = letteredOf(half).po }, func(i int, _ lettered) bool { return i/5 == half/5 }},
		{"key", func(q *view.DeskQuery) { q.Key = "SO-NONE" }, none},
		{"text", func(q *view.DeskQuery) { q.Text = "Refused" }, every},
		{"text", func(q *view.DeskQuery) { q.Text = "lot refused" }, func(_ int, l lettered) bool { return l.cause%len(deskSubjects) == 5 }},
		{"text", func(q *view.DeskQuery) { q.Text = "wave unit" }, func(_ int, l lettered) bool { return l.cause == 59 }},
		{"text", func(q *view.DeskQuery) { q.Text = "nowhere" }, none},
		{"state", func(q *view.DeskQuery) { q.States = []string{"resolved"} }, func(i int, _ lettered) bool { return i%10 == 9 }},
		{"state", func(q *view.DeskQuery) { q.States = []string{"open"} }, func(i int, _ lettered) bool { return i%10 != 9 }},
		{"state", func(q *view.DeskQuery) { q.States = []string{"dropped"} }, none},
		{"time", func(q *view.DeskQuery) { q.To = letteredOf(n / 4).opened }, func(i int, _ lettered) bool { return i < n/4 }},
		{"time", func(q *view.DeskQuery) { q.From, q.To = letteredOf(half).opened, letteredOf(half+100).opened }, func(i int, _ lettered) bool { return i >= half && i < half+100 }},
		{"time", func(q *view.DeskQuery) { q.To = deskBegan }, none},
	}
	sets := make([][]uint64, len(filters))
	for f := range sets {
		sets[f] = make([]uint64, (n+63)/64)
	}
	for i := range n {
		l := letteredOf(i)
		for f := range filters {
			if filters[f].has(i, l) {
				sets[f][i/64] |= 1 << (i % 64)
			}
		}
	}
	var out []deskAsk
	for a := range filters {
		for b := a + 1; b < len(filters); b++ {
			if filters[a].field == filters[b].field {
				continue
			}
			x := deskAsk{query: view.DeskQuery{States: []string{"all"}, Limit: 50}, name: fmt.Sprintf("%s %d and %s %d", filters[a].field, a, filters[b].field, b), want: both(sets[a], sets[b])}
			filters[a].set(&x.query)
			filters[b].set(&x.query)
			out = append(out, x)
		}
	}
	return out
}

func none(int, lettered) bool  { return false }
func every(int, lettered) bool { return true }

// counts holds what each search counts against what there is.
func (d *desk) counts(ctx context.Context) error {
	for _, a := range d.asks {
		p, err := d.desk.Search(ctx, a.query)
		if err != nil {
			return err
		}
		if want := min(a.want, view.DeskCount); p.Total != want || p.More != (a.want > want) || len(p.Items) != min(want, a.query.Limit) {
			return fmt.Errorf("letters of %s: %d counted (more: %t) and %d listed, there are %d", a.name, p.Total, p.More, len(p.Items), a.want)
		}
	}
	return nil
}

// search is one of the searches: what it finds is what was asked for, the newest first.
func (d *desk) search(ctx context.Context, _, _ int) error {
	a := d.asks[int(d.calls.Add(1))%len(d.asks)]
	p, err := d.desk.Search(ctx, a.query)
	if err != nil {
		return err
	}
	came := letteredOf(d.n).opened
	for i, l := range p.Items {
		q := a.query
		words := strings.Fields(strings.ToLower(q.Text))
		lacks := slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(l.Cause, w) })
		if lacks || q.Channel != "" && q.Channel != l.Channel || q.Kind != "" && q.Kind != l.Kind || q.Route != "" && q.Route != l.Route ||
			q.Partner != "" && !strings.EqualFold(q.Partner, l.Partner) || q.Fingerprint != "" && q.Fingerprint != l.Fingerprint ||
			q.States[0] != "all" && q.States[0] != l.State || !q.To.IsZero() && !l.Opened.Before(q.To) || l.Opened.Before(q.From) {
			return fmt.Errorf("letters of %s: %s is none of them", a.name, l.ID)
		}
		// Those that fail at the same moment come in any order.
		if i > 0 && l.Opened.After(p.Items[i-1].Opened) && l.Opened.Before(came) {
			return fmt.Errorf("letters of %s: %s is newer than the one before", a.name, l.ID)
		}
	}
	return nil
}

// group is the page of a group: its figures, and what its failures share; the planted value is the first.
func (d *desk) group(ctx context.Context, _, _ int) error {
	c := int(d.calls.Add(1)) % deskCauses
	g, err := d.desk.Group(ctx, d.causes[c])
	if err != nil {
		return err
	}
	if least := d.n / deskCauses; g.Failures < least {
		return fmt.Errorf("group %d has %d failures of %d", c, g.Failures, least)
	}
	x, err := d.desk.Contrast(ctx, d.causes[c])
	if err != nil {
		return err
	}
	// A message that is to fail looks well until its letter is written.
	if want := fmt.Sprintf("bad-%d", c); len(x.Traits) == 0 || x.Traits[0].Value != want || x.Traits[0].Failures != x.Failures || x.Traits[0].Successes > deskAtOnce {
		return fmt.Errorf("group %d: %s does not come first: %+v", c, want, x.Traits)
	}
	return nil
}

// fails has one more message fail, as a route does it: the message, then its letter.
func (d *desk) fails(ctx context.Context, _, _ int) error {
	at := time.Now().UTC()
	l := letteredOf(int(d.coming.Add(1)))
	l.order = fmt.Sprintf("LIVE-%d", at.UnixNano())
	r := rand.New(rand.NewPCG(uint64(at.UnixNano()), uint64(d.coming.Load())))
	rec := l.record(r)
	rec.ID, rec.Time = newID(r, at), at
	u := &journal.Unit{Records: []journal.Record{rec}}
	if ref, err := d.hub.bus.Submit(ctx, u); ref != nil || err != nil {
		return errors.Join(err, asError(ref))
	}
	rec.Pos = u.First
	_, op := l.letter(&rec, at)
	ref, err := d.hub.bus.Submit(ctx, &journal.Unit{Letters: []journal.LetterOp{op}})
	return errors.Join(err, asError(ref))
}

// asking measures calls of people while failures come in.
func (d *desk) asking(ctx context.Context, call func(context.Context, int, int) error) (sample, error) {
	length := d.c.all(1)
	var g errgroup.Group
	var came *loaded
	m := begin()
	g.Go(func() error {
		came = openLoop{perSecond: deskComing, length: length, workers: deskAtOnce, call: d.fails}.run(ctx)
		return came.held()
	})
	l := closedLoop(ctx, deskSearches, length, call)
	if err := errors.Join(g.Wait(), l.held(), ctx.Err()); err != nil {
		return sample{}, err
	}
	s := m.end(int(l.sent))
	s.counts["per_second"], s.counts["letters"], s.counts["came_meanwhile"] = s.value, float64(d.n), float64(came.sent)
	for name, q := range map[string]float64{"p50_ms": 0.5, "p99_ms": 0.99, "max_ms": 1} {
		s.counts[name] = l.latency.at(q)
	}
	s.value = s.counts["p99_ms"]
	return s, nil
}

// deskProbe is one of the desk's measurements.
type deskProbe struct {
	*desk

	take func(ctx context.Context) (sample, error)
}

func (p deskProbe) round(ctx context.Context) (sample, error) { return p.take(ctx) }

func openDeskSearch(ctx context.Context, c *config) (probe, error) {
	d, err := openDesk(ctx, c)
	if err != nil {
		return nil, err
	}
	return deskProbe{d, func(ctx context.Context) (sample, error) { return d.asking(ctx, d.search) }}, nil
}

func openDeskGroup(ctx context.Context, c *config) (probe, error) {
	d, err := openDesk(ctx, c)
	if err != nil {
		return nil, err
	}
	return deskProbe{d, func(ctx context.Context) (sample, error) { return d.asking(ctx, d.group) }}, nil
}

// both is how many are in two sets.
func both(a, b []uint64) (n int) {
	for i := range a {
		n += bits.OnesCount64(a[i] & b[i])
	}
	return n
}

package routes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/edi/sniff"
	"github.com/paklog/hub/routes/eip"
)

// topicWaiting holds sets and messages that wait for others.
const topicWaiting = "documents-waiting"

// batchDue is the timer that ends the wait of a lane.
const batchDue = "batch.Due"

// Limits of one interchange where a batch names none.
const (
	MostInBatch  = 1000
	BytesOfBatch = 4 << 20
)

// Placeholders of numbers in what waits: as long as any.
const (
	noControl    = "999999999"
	mostMessages = "9999"
)

// Batch says which documents wait for others, and for how long. They leave in one interchange, in groups
// by their kind.
type Batch struct {
	Sets []string // ST01 or message type; none is all but acknowledgements
	// Every is how long the first of them waits at most, At when they leave each day, by the partner's
	// clocks, since midnight. What comes first counts.
	Every time.Duration
	At    []time.Duration
	Most  int // documents in an interchange: MostInBatch where it is 0
	Bytes int // of an interchange: BytesOfBatch. A document over it leaves alone
}

// ParseTimeOfDay reads "18:00".
func ParseTimeOfDay(s string) (time.Duration, error) {
	at, err := time.Parse("15:04", s)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of a day, as 18:00", s)
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, nil
}

// due is when what begins to wait now leaves.
func (b Batch) due(now time.Time, p Partner) time.Time {
	var due time.Time
	sooner := func(at time.Time) {
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	if b.Every > 0 {
		sooner(now.Add(b.Every))
	}
	local := p.local(now)
	for _, d := range b.At {
		for day := range 3 { // a clock that is set back may show a time twice, and one set on none
			at := time.Date(local.Year(), local.Month(), local.Day()+day, int(d/time.Hour), int(d%time.Hour/time.Minute), 0, 0, local.Location())
			if at.After(now) {
				sooner(at)
				break
			}
		}
	}
	if due.IsZero() {
		return now.UTC()
	}
	return due.UTC()
}

// laneOf is the batch that a partner's documents of a kind wait in, if they wait for others.
func (p Partner) laneOf(set string) (name string, waits bool) {
	_, name, waits = p.batchOf(set)
	return name, waits
}

func (p Partner) batchOf(set string) (b Batch, lane string, waits bool) {
	if slices.Contains([]string{"TA1", "997", "999", "CONTRL"}, set) {
		return b, "", false
	}
	for _, b := range p.Batches {
		if len(b.Sets) == 0 || slices.Contains(b.Sets, set) {
			syntax := "edifact"
			if groupOf[set] != "" {
				syntax = "x12"
			}
			return b, syntax + "/" + cmp.Or(strings.Join(b.Sets, "+"), "all"), true
		}
	}
	return b, "", false
}

// laneSet is a document that waits for others.
type laneSet struct {
	Partner string   `json:"partner"`
	Lane    string   `json:"lane"`
	Set     string   `json:"st01"`
	Name    string   `json:"name"`
	About   []string `json:"about,omitempty"`
	Bytes   int      `json:"bytes"`  // from ST to SE
	Around  int      `json:"around"` // of the envelopes that it needs, at most
	// Pos is where its text is.
	Pos journal.Pos `json:"position,omitempty"`
}

// batchLane is what waits to leave in one interchange.
type batchLane struct {
	Partner string    `json:"partner"`
	Lane    string    `json:"lane"`
	From    int       `json:"from"` // of the first that waits
	Next    int       `json:"next"` // behind the last
	Bytes   int       `json:"bytes"`
	Around  int       `json:"around"`
	Groups  []string  `json:"groups"`
	Since   time.Time `json:"since"`
	Due     time.Time `json:"due"`
}

const lanes = "batch/"

func laneKey(partner, lane string) string { return lanes + partner + "/" + lane }

func (l batchLane) place(n int) string {
	return fmt.Sprintf("batch-set/%s/%s/%09d", l.Partner, l.Lane, n)
}

// add counts a document in.
func (l *batchLane) add(w laneSet) {
	group := cmp.Or(groupOf[w.Set], "UNB")
	if l.Next++; !slices.Contains(l.Groups, group) {
		l.Groups = append(l.Groups, group)
	}
	l.Bytes += w.Bytes
	l.Around = max(l.Around, w.Around)
}

// size is the length of the interchange that the documents of a lane make, at most.
func (l batchLane) size() int { return l.Bytes + l.Around*len(l.Groups) }

// queue is the record that lets a document wait. text is an interchange that has it alone.
func (e *edi) queue(m *Message, out *Out, p Partner, lane string, s outSet, text []byte) (journal.Record, error) {
	w := laneSet{
		Partner: p.Name, Lane: lane, Set: s.Set, Name: fmt.Sprintf("%s-%s.edi", s.Set, own(m.ID.Child(m.route, s.Set, 0))),
		About: s.About[:min(len(s.About), document.MaxNumbers)],
	}
	if sniff.Of(text) == sniff.EDIFACT {
		message, err := theMessage(text)
		if err != nil {
			return journal.Record{}, err
		}
		w.Bytes = len(message.Raw)
	} else {
		set, err := theSet(text, e.Limits)
		if err != nil {
			return journal.Record{}, err
		}
		w.Bytes = len(set.Raw)
	}
	w.Around = len(text) - w.Bytes + len(mostMessages)*2 // counts grow
	if tracked(s.Set) {
		events, err := document.Document{}.Queue(document.Queue{Tenant: p.Profile.Tenant, Partner: p.Name, Document: w.Name, Set: w.Set, About: w.About}, m.Now)
		if err != nil {
			return journal.Record{}, err
		}
		AppendAll(out, events)
	}
	data, err := json.Marshal(w)
	if err != nil {
		return journal.Record{}, fault.E("edi.queue", fault.Internal, err)
	}
	return journal.Record{
		Type: "document.Waiting", Topic: topicWaiting, Key: p.Name, Data: data,
		Headers: map[string]string{"partner": p.Name, "name": w.Name}, Subject: "document/" + m.ID.String(), Personal: text,
	}, out.err
}

// own is a name of an id that no other has.
func own(id journal.ID) string { return strings.ReplaceAll(id.String(), "-", "")[:16] }

// batches gathers documents that leave together. They wait in the journal: what is kept beside it
// is where each stands.
func (e *edi) batches() Route {
	return Route{
		Name: batchesRoute, About: "documents wait for others to leave in one interchange with them, where that is agreed",
		Topics: []string{topicWaiting}, Writes: append(e.leaving(), onExternal),
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			var w laneSet
			if err := m.Decode(&w); err != nil {
				return nil, err
			}
			p, err := e.partner(w.Partner)
			if err != nil {
				return nil, err
			}
			x := departure{edi: e, m: m, out: m.Out(), p: p}
			l, st, err := x.lane(ctx, w.Lane)
			if err != nil {
				return nil, err
			}
			if m.Type == batchDue {
				if l.Next > l.From && !l.Due.After(m.Now) {
					_, err = x.leave(ctx, l, st, nil, true)
				}
				return x.out, err
			}
			w.Pos = m.Pos
			return x.out, x.wait(ctx, l, st, w)
		},
	}
}

// wait adds a document to its lane, and lets leave what is full.
func (x *departure) wait(ctx context.Context, l batchLane, st journal.State, w laneSet) error {
	b, agreed, waits := x.p.batchOf(w.Set)
	if agreed != w.Lane {
		b, waits = Batch{}, false // it was agreed otherwise meanwhile
	}
	first := l.Next == l.From
	if first {
		l = batchLane{Partner: w.Partner, Lane: w.Lane, From: l.From, Next: l.Next, Since: x.m.Now, Due: b.due(x.m.Now, x.p)}
	}
	grown := l
	grown.Groups = slices.Clone(l.Groups)
	grown.add(w)
	if most, limit := b.limits(); !waits || grown.Next-grown.From >= most || grown.size() >= limit {
		_, err := x.leave(ctx, l, st, &w, !waits)
		return err
	}
	x.out.SetState(l.place(l.Next), journal.State{}, w)
	x.out.SetState(laneKey(l.Partner, l.Lane), st, grown)
	if first {
		x.timer(grown)
	}
	return nil
}

func (b Batch) limits() (most, bytes int) {
	return cmp.Or(b.Most, MostInBatch), cmp.Or(b.Bytes, BytesOfBatch)
}

// lane is what waits in a lane, nothing where none is known.
func (x *departure) lane(ctx context.Context, name string) (batchLane, journal.State, error) {
	l := batchLane{Partner: x.p.Name, Lane: name}
	st, err := x.m.State(ctx, laneKey(x.p.Name, name))
	if err == nil && st.Data != nil {
		if err = json.Unmarshal(st.Data, &l); err != nil {
			err = fault.E(x.m.route, fault.Internal, fmt.Errorf("reading what waits for %s: %w", x.p.Name, err))
		}
	}
	return l, st, err
}

const batchesRoute = "edi.batches"

// timerOfLane is the timer that ends the wait of a lane.
func timerOfLane(l batchLane) string { return batchesRoute + "/" + laneKey(l.Partner, l.Lane) }

func (x *departure) timer(l batchLane) {
	b, err := json.Marshal(laneSet{Partner: l.Partner, Lane: l.Lane})
	if err != nil {
		x.out.fail(fault.E(x.m.route, fault.Internal, err))
	}
	x.out.Timers = append(x.out.Timers, journal.TimerOp{ID: timerOfLane(l), Timer: journal.Timer{
		Sub: batchesRoute, Key: l.Partner, Due: l.Due, Type: batchDue, Data: b,
	}})
}

// Waiting is what waits to leave together, of one partner or of all.
func (h *Hub) Waiting(ctx context.Context, partner string) ([]door.Waiting, error) {
	prefix, after := lanes, ""
	if partner != "" {
		prefix = laneKey(partner, "")
	}
	out := []door.Waiting{}
	for {
		rows, err := h.bus.Driver().Scan(ctx, journal.TableState, prefix, after, 1000)
		if err != nil {
			return nil, fault.E("routes.Waiting", fault.Transient, fmt.Errorf("reading what waits: %w", err))
		}
		for _, row := range rows {
			st, err := journal.DecodeState(row.Value)
			var l batchLane
			if err == nil {
				err = json.Unmarshal(st.Data, &l)
			}
			if err != nil {
				return nil, fault.E("routes.Waiting", fault.Internal, fmt.Errorf("reading %s: %w", row.Key, err))
			}
			if after = row.Key; l.Next > l.From {
				out = append(out, door.Waiting{Partner: l.Partner, Batch: l.Lane, Sets: l.Next - l.From, Bytes: l.size(), Since: l.Since, Due: l.Due})
			}
		}
		if len(rows) < 1000 {
			return out, nil
		}
	}
}

// flushes is the door through which what waits leaves at once.
func (e *edi) flushes() Route {
	return Route{
		Name: door.Batches, About: "lets documents leave that wait for others",
		Writes: slices.Concat(e.leaving(), []string{onExternal, onAudit}), Patterns: []string{eip.NameRequestReply},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			f, ok := m.Value.(door.Flush)
			if !ok {
				return nil, fault.E(door.Batches, fault.Internal, fmt.Errorf("the door was called with %T", m.Value))
			}
			p, err := e.partner(f.Partner)
			if err != nil {
				return nil, err
			}
			all, err := m.hub.Waiting(ctx, p.Name)
			if err != nil {
				return nil, err
			}
			x := departure{edi: e, m: m, out: m.Out(), p: p}
			flushed := door.Flushed{Documents: []string{}}
			for _, seen := range all {
				l, st, err := x.lane(ctx, seen.Batch)
				if err != nil {
					return nil, err
				}
				if l.Next == l.From {
					continue
				}
				names, err := x.leave(ctx, l, st, nil, true)
				if err != nil {
					return nil, err
				}
				flushed.Documents = append(flushed.Documents, names...)
				flushed.Sets += l.Next - l.From
			}
			if flushed.Sets > 0 {
				x.out.Publish(onAudit, door.ActType, p.Name, door.Act{
					Scope: scope.Scope{Tenant: p.Profile.Tenant, Owner: p.Profile.Owner, Facility: p.Profile.Facility},
					Door:  door.Batches, Command: "edi.Flush", ID: strings.Join(flushed.Documents, " "), Actor: f.Actor, At: m.Now,
				})
			}
			return x.out.Answer(flushed), nil
		},
	}
}

package routes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
)

// WorkQueue is work that goes through a queue outside of the journal before it is done.
type WorkQueue struct {
	Name     string // part of the stored format
	From, To string // topics: of what is to go through it, and of what came out
}

// WorkQueues are where the journal and queues outside of it meet. What is to go through a queue is read
// from its topic in order; what comes out is held against that, and each record is made durable once on
// the other topic, whoever delivers it and however often. A broker so decides when work is done, and
// never what, and nothing that it does loses or doubles any.
type WorkQueues struct {
	bus    *bus.Bus
	queues map[string]WorkQueue
}

// NewWorkQueues makes them; names differ.
func NewWorkQueues(b *bus.Bus, queues []WorkQueue) *WorkQueues {
	w := &WorkQueues{bus: b, queues: map[string]WorkQueue{}}
	for _, q := range queues {
		w.queues[q.Name] = q
	}
	return w
}

// Names are those of the queues, in order.
func (w *WorkQueues) Names() []string { return slices.Sorted(maps.Keys(w.queues)) }

// queuePlace is where a queue stands.
type queuePlace struct {
	// Sent is up to where everything is in the broker, or was.
	Sent journal.Pos `json:"sent"`
	// Home is up to where everything has come out, for a hub that uses the broker no more.
	Home journal.Pos `json:"home,omitempty"`
}

func queueState(name string) string { return "queue/" + name }

func (w *WorkQueues) state(ctx context.Context, queue string) (q queuePlace, s journal.State, err error) {
	row, err := w.bus.Row(ctx, journal.TableState, queueState(queue))
	if err == nil {
		s, err = journal.DecodeState(row)
	}
	if err == nil && s.Data != nil {
		err = json.Unmarshal(s.Data, &q)
	}
	if err != nil {
		return q, s, fmt.Errorf("reading where queue %s stands: %w", queue, err)
	}
	return q, s, nil
}

// Next are up to limit records of a queue that were not sent for certain, in order.
func (w *WorkQueues) Next(ctx context.Context, queue string, limit int) ([]journal.Record, error) {
	at, _, err := w.state(ctx, queue)
	if err != nil {
		return nil, err
	}
	recs, err := w.bus.Log().Topics(ctx, []string{w.queues[queue].From}, at.Sent, limit)
	if err != nil {
		return nil, fmt.Errorf("reading what goes through queue %s: %w", queue, err)
	}
	return recs, nil
}

// Sent makes durable that a queue has everything up to a position. It never goes back: of two processes
// that send, the one that is behind changes nothing.
func (w *WorkQueues) Sent(ctx context.Context, queue string, upTo journal.Pos) error {
	return w.move(ctx, queue, func(q queuePlace) queuePlace { q.Sent = max(q.Sent, upTo); return q })
}

func (w *WorkQueues) move(ctx context.Context, queue string, to func(queuePlace) queuePlace) error {
	for ctx.Err() == nil {
		at, was, err := w.state(ctx, queue)
		if err != nil {
			return err
		}
		next := to(at)
		if next == at {
			return nil
		}
		data, err := json.Marshal(next)
		if err != nil {
			return err
		}
		refused, err := w.bus.Submit(ctx, &journal.Unit{States: []journal.StateOp{{Key: queueState(queue), Tag: was.Tag, Data: data}}})
		if err == nil && refused != nil && !refused.Again() {
			err = refused
		}
		if err != nil {
			return fmt.Errorf("noting how far queue %s is: %w", queue, err)
		}
		if refused == nil {
			return nil
		}
	}
	return ctx.Err()
}

// Drain does the work of a hub that went through queues before and does no more: what has not come out
// comes out of the journal itself. What the broker still holds is done by then, and stays there.
func (w *WorkQueues) Drain(ctx context.Context) error {
	const page = 256
	for _, queue := range w.Names() {
		at, _, err := w.state(ctx, queue)
		if err != nil {
			return err
		}
		for ctx.Err() == nil {
			recs, err := w.bus.Log().Topics(ctx, []string{w.queues[queue].From}, at.Home, page)
			if err != nil {
				return fmt.Errorf("reading what was to go through queue %s: %w", queue, err)
			}
			if len(recs) == 0 {
				break
			}
			if _, err := w.Take(ctx, queue, recs); err != nil {
				return err
			}
			at.Home = recs[len(recs)-1].Pos
			if err := w.move(ctx, queue, func(q queuePlace) queuePlace {
				return queuePlace{Sent: max(q.Sent, at.Home), Home: max(q.Home, at.Home)}
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// find is a record that is to go through a queue, where the journal has it: of this ID, at this position,
// and on the queue's topic.
func (w *WorkQueues) find(ctx context.Context, queue string, id journal.ID, pos journal.Pos) (journal.Record, bool, error) {
	q, ok := w.queues[queue]
	if !ok || pos == 0 || pos > w.bus.Last() || id.IsZero() {
		return journal.Record{}, false, nil
	}
	u, err := w.bus.Log().Holding(ctx, pos)
	if errors.Is(err, journal.ErrNoUnit) {
		return journal.Record{}, false, nil
	}
	if err != nil {
		return journal.Record{}, false, fmt.Errorf("reading position %d, which came from queue %s: %w", pos, queue, err)
	}
	i := int(pos - u.First)
	if i >= len(u.Unit.Records) {
		return journal.Record{}, false, nil
	}
	r := u.Unit.Records[i]
	return r, r.ID == id && r.Topic == q.From, nil
}

// through is a record as it comes out of a queue. It is another message, of an ID that is always the
// same.
func (w *WorkQueues) through(queue string, r *journal.Record) journal.Record {
	q := w.queues[queue]
	return journal.Record{
		ID: r.ID.Child("queue."+q.Name, r.Type, 0), Type: r.Type, Schema: r.Schema, Topic: q.To, Key: r.Key, Time: r.Time, Correlation: r.Correlation,
		Causation: r.ID, Source: "queue." + q.Name, Trace: r.Trace, Headers: r.Headers, Data: r.Data, Subject: r.Subject, Personal: r.Personal,
	}
}

func queueScope(queue string) string { return "queue/" + queue }

// claimed reports whether a record went through its queue before.
func (w *WorkQueues) claimed(ctx context.Context, scope string, id journal.ID) (bool, error) {
	row, err := w.bus.Row(ctx, journal.TableClaim, journal.ClaimKey(scope, id.String()))
	return row != nil, err
}

// Take makes durable what came out of a queue, each record once, in the order of came. It says of each
// whether it is to go through this queue at all.
func (w *WorkQueues) Take(ctx context.Context, queue string, came []journal.Record) ([]bool, error) {
	known := make([]bool, len(came))
	recs := make([]journal.Record, len(came))
	for i := range came {
		var err error
		if recs[i], known[i], err = w.find(ctx, queue, came[i].ID, came[i].Pos); err != nil {
			return nil, err
		}
	}
	return known, w.once(ctx, func() (*journal.Unit, error) {
		u, in := &journal.Unit{}, map[journal.ID]bool{}
		for i := range recs {
			if !known[i] || in[recs[i].ID] {
				continue
			}
			again, err := w.claimed(ctx, queueScope(queue), recs[i].ID)
			if err != nil {
				return nil, fmt.Errorf("reading whether queue %s was here before: %w", queue, err)
			}
			if in[recs[i].ID] = true; again {
				continue
			}
			u.Records = append(u.Records, w.through(queue, &recs[i]))
			u.Claims = append(u.Claims, claimOf(queueScope(queue), &recs[i]))
		}
		return u, nil
	})
}

func claimOf(scope string, r *journal.Record) journal.ClaimOp {
	return journal.ClaimOp{Scope: scope, ID: r.ID.String(), Hash: sha256.Sum256(r.Data)}
}

// once writes the unit that is left to write, until nobody came between.
func (w *WorkQueues) once(ctx context.Context, left func() (*journal.Unit, error)) error {
	for ctx.Err() == nil {
		u, err := left()
		if err != nil || len(u.Records) == 0 {
			return err
		}
		refused, err := w.bus.Submit(ctx, u)
		switch {
		case err != nil:
			return fmt.Errorf("taking what a queue delivered: %w", err)
		case refused == nil:
			return nil
		case !refused.Again() && refused.Why != journal.RefusedRepeat:
			return fmt.Errorf("taking what a queue delivered: %w", refused)
		}
	}
	return ctx.Err()
}

// Topic, type and scope of what was given up, and the route that makes letters of it.
const (
	topicGivenUp = "queue-dead"
	queueGivenUp = "queue.GivenUp"
	scopeGivenUp = "queue-dead"
	givenUpRoute = "queue.dead"
)

// Bury makes durable what was given up in queues, each time once by its ID.
func (w *WorkQueues) Bury(ctx context.Context, dead []journal.Record) error {
	return w.once(ctx, func() (*journal.Unit, error) {
		u, in := &journal.Unit{}, map[journal.ID]bool{}
		for i := range dead {
			again, err := w.claimed(ctx, scopeGivenUp, dead[i].ID)
			if err != nil {
				return nil, fmt.Errorf("reading whether it was given up before: %w", err)
			}
			if again || in[dead[i].ID] {
				continue
			}
			in[dead[i].ID] = true
			u.Records = append(u.Records, dead[i])
			u.Claims = append(u.Claims, claimOf(scopeGivenUp, &dead[i]))
		}
		return u, nil
	})
}

// AddWorkQueues hosts what makes letters of messages that were given up. A replay does the work, once,
// where it is the journal's.
func AddWorkQueues(h *Hub, w *WorkQueues) error {
	if len(w.queues) == 0 {
		return nil
	}
	var writes []string
	for _, name := range w.Names() {
		writes = append(writes, w.queues[name].To)
	}
	return h.Add(Route{
		Name: givenUpRoute, About: "what was given up in work queues, as letters whose replay does the work", Topics: []string{topicGivenUp},
		Types: []string{queueGivenUp}, Writes: writes, Patterns: []string{"Dead Letter Channel", "Invalid Message Channel", "Idempotent Receiver"},
		Handle: w.givenUp,
	})
}

func (w *WorkQueues) givenUp(ctx context.Context, m *Message) (*Out, error) {
	queue := m.Headers["queue"]
	pos, _ := strconv.ParseUint(m.Headers["position"], 10, 64) // 0 is nowhere
	id, _ := journal.ParseID(m.Headers["message"])             // and so is none
	r, found, err := w.find(ctx, queue, id, journal.Pos(pos))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fault.At(givenUpRoute, fault.Invalid, m.Headers["message"], fmt.Errorf("a message of type %q in queue %q is none that this journal sent there (%s): see who writes to it, and drop this letter", m.Headers["type"], queue, m.Headers["reason"]))
	}
	scope := queueScope(queue)
	if _, again, err := m.Claimed(ctx, scope, id.String()); err != nil || again {
		return m.Out(), err // its work is done, or under way
	}
	if m.d.Letter == "" {
		return nil, fault.At(givenUpRoute, fault.Rejected, id.String(), fmt.Errorf("%s, key %q, was given up in queue %s (%s): see why it could not be taken, then replay: that does its work, once", r.Type, r.Key, queue, cmp.Or(m.Headers["reason"], "no reason given")))
	}
	return m.Out().Claim(scope, id.String(), sha256.Sum256(r.Data), nil).Send(w.through(queue, &r)), nil
}

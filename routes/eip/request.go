package eip

import (
	"context"
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
)

// ReplyTopic is the Return Address of a route, which consumes that topic.
func ReplyTopic(route string) string { return "reply." + route }

// ask addresses a request: its id, where its answer goes, and what the answer is known by.
func (in In) ask(r journal.Record, step string, index int, correlation string) journal.Record {
	in.Ran.Note(NameCorrelation)
	in.Ran.Note(NameReturnAddress)
	r.ID = in.ID.Child(in.Route, step, index)
	set(&r, ReplyTo, ReplyTopic(in.Route))
	set(&r, CorrelationID, correlation)
	return r
}

// Answer addresses r to whoever asked with the message. A return address that is none
// is Invalid: an answer goes to a reply topic and nowhere else.
func Answer(in In, r journal.Record) (journal.Record, error) {
	in.Ran.Note(NameCorrelation)
	in.Ran.Note(NameReturnAddress)
	to := in.Headers[ReplyTo]
	if !strings.HasPrefix(to, ReplyTopic("")) {
		return r, in.invalid("%s asks for an answer to %q, which is no return address", in.Type, to)
	}
	r.Topic = to
	if r.Key == "" {
		r.Key = in.Key
	}
	set(&r, CorrelationID, in.Headers[CorrelationID])
	return r, nil
}

// Refuse is an answer that says why the request could not be done.
func Refuse(in In, r journal.Record, why string) (journal.Record, error) {
	r, err := Answer(in, r)
	set(&r, Failed, why)
	return r, err
}

// Asked is a request under way.
type Asked struct {
	ID       string      `json:"id"` // correlation id
	For      journal.Pos `json:"for"`
	At       time.Time   `json:"at"`
	Deadline time.Time   `json:"deadline,omitzero"`
	Overdue  bool        `json:"overdue,omitempty"` // its deadline passed and was told
}

// Requester is Request-Reply: each message asks another route and waits for the answer by
// correlation id, in state and not in a goroutine. When the deadline passes first, Overdue decides
// what the one who waits is told ("accepted, the answer follows"); the answer, when it
// comes, still reaches Then. The route consumes [ReplyTopic] of its name too.
type Requester[M Message[O], O Out[O]] struct {
	Step    string
	Ask     func(M) (journal.Record, error)
	Timeout time.Duration // 0: for ever
	Then    func(ctx context.Context, m M, a Asked) (O, error)
	Overdue func(ctx context.Context, m M, a Asked) (O, error)
}

// Handle is the route's handler.
func (q Requester[M, O]) Handle(ctx context.Context, m M) (O, error) {
	in := m.In()
	in.Ran.Note(NameRequestReply)
	switch {
	case in.timer(q.Step):
		return q.overdue(ctx, m, in)
	case in.Topic == ReplyTopic(in.Route):
		return q.answered(ctx, m, in)
	}
	var none O
	r, err := q.Ask(m)
	if err != nil {
		return none, err
	}
	id := in.ID.Child(in.Route, q.Step, 0).String()
	a := Asked{ID: id, For: in.Pos, At: in.Now}
	o := m.Out().Send(in.ask(r, q.Step, 0, id))
	if q.Timeout > 0 {
		a.Deadline = in.Now.Add(q.Timeout)
		o.Timer(q.Step+"/"+id, in.Key, timerType(q.Step), a.Deadline, id)
	}
	return o, save(o, in, q.Step, id, journal.State{}, a)
}

func (q Requester[M, O]) answered(ctx context.Context, m M, in In) (O, error) {
	var none O
	id := in.Headers[CorrelationID]
	a, old, there, err := load[Asked](ctx, in, q.Step, id)
	if err != nil {
		return none, err
	}
	if !there {
		return none, in.rejected("no request %q waits for an answer: it was answered, or never asked", id)
	}
	o, err := q.Then(ctx, m, a)
	if err != nil {
		return none, err
	}
	o = begun(m, o)
	put(o, in, q.Step, id, old, nil)
	return o, nil
}

func (q Requester[M, O]) overdue(ctx context.Context, m M, in In) (O, error) {
	var none O
	id, err := timerOf[string](in)
	if err != nil {
		return none, err
	}
	a, old, there, err := load[Asked](ctx, in, q.Step, id)
	if err != nil || !there || a.Overdue {
		return none, err
	}
	a.Overdue = true
	o, err := q.Overdue(ctx, m, a)
	if err != nil {
		return none, err
	}
	o = begun(m, o)
	return o, save(o, in, q.Step, id, old, a)
}

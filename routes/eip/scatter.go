package eip

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/paklog/hub/core/journal"
)

// Leg is one of those that a scatter asked.
type Leg struct {
	Topic  string      `json:"topic"`
	Pos    journal.Pos `json:"pos,omitempty"`    // of its answer; 0 while there is none
	Failed string      `json:"failed,omitempty"` // its answer was a no, and why
}

// Gathered is a question with the answers that came.
type Gathered struct {
	For      journal.Pos `json:"for"` // the message that asked
	Deadline time.Time   `json:"deadline,omitzero"`
	Legs     []Leg       `json:"legs"`
	Done     Why         `json:"done,omitempty"`
}

// Missing is how many legs gave no answer.
func (g Gathered) Missing() (n int) {
	for _, l := range g.Legs {
		if l.Pos == 0 {
			n++
		}
	}
	return n
}

// ScatterGather asks several routes at once and goes on with the answers when all are there
// or the deadline passed, with those that are. Question and answers are held by position, in
// state. The route consumes [ReplyTopic] of its name too.
type ScatterGather[M Message[O], O Out[O]] struct {
	Step     string
	Ask      func(M) ([]journal.Record, error) // one request a leg
	Deadline time.Duration                     // 0: waits for all
	// Then gets the answers: Recall them by the position of their leg.
	Then func(ctx context.Context, m M, g Gathered) (O, error)
	// Late gets an answer that came after Then. Nil rejects it: a letter.
	Late func(ctx context.Context, m M, g Gathered) (O, error)
}

// Handle is the route's handler.
func (s ScatterGather[M, O]) Handle(ctx context.Context, m M) (O, error) {
	in := m.In()
	in.Ran.Note(NameScatterGather)
	switch {
	case in.timer(s.Step):
		return s.deadline(ctx, m, in)
	case in.Topic == ReplyTopic(in.Route):
		return s.answered(ctx, m, in)
	}
	var none O
	requests, err := s.Ask(m)
	if err != nil {
		return none, err
	}
	if len(requests) == 0 || len(requests) > MaxRecipients {
		return none, in.invalid("%s asks %d routes: 1 to %d may be asked", in.Type, len(requests), MaxRecipients)
	}
	id := in.ID.String()
	g := Gathered{For: in.Pos}
	o := m.Out()
	for i, r := range requests {
		g.Legs = append(g.Legs, Leg{Topic: r.Topic})
		o.Send(in.ask(r, s.Step, i, id+"/"+strconv.Itoa(i)))
	}
	if s.Deadline > 0 {
		g.Deadline = in.Now.Add(s.Deadline)
		o.Timer(s.Step+"/"+id, in.Key, timerType(s.Step), g.Deadline, id)
	}
	return o, save(o, in, s.Step, id, journal.State{}, g)
}

func (s ScatterGather[M, O]) answered(ctx context.Context, m M, in In) (O, error) {
	var none O
	id, leg, _ := strings.Cut(in.Headers[CorrelationID], "/")
	n, err := strconv.Atoi(leg)
	if err != nil {
		return none, in.invalid("%q is no correlation id of %s", in.Headers[CorrelationID], s.Step)
	}
	g, old, there, err := load[Gathered](ctx, in, s.Step, id)
	switch {
	case err != nil:
		return none, err
	case !there || n < 0 || n >= len(g.Legs):
		return none, in.rejected("nobody asked for the answer %q", in.Headers[CorrelationID])
	case g.Legs[n].Pos != 0:
		return none, in.rejected("%s answered %q already", g.Legs[n].Topic, in.Headers[CorrelationID])
	}
	g.Legs[n].Pos, g.Legs[n].Failed = in.Pos, in.Headers[Failed]
	var o O
	switch {
	case g.Done != "" && s.Late == nil:
		return none, in.rejected("the answer of %s came after the deadline", g.Legs[n].Topic)
	case g.Done != "":
		o, err = s.Late(ctx, m, g)
	case g.Missing() == 0:
		g.Done = BySize
		o, err = s.Then(ctx, m, g)
	}
	if err != nil {
		return none, err
	}
	o = begun(m, o)
	return o, save(o, in, s.Step, id, old, g)
}

func (s ScatterGather[M, O]) deadline(ctx context.Context, m M, in In) (O, error) {
	var none O
	id, err := timerOf[string](in)
	if err != nil {
		return none, err
	}
	g, old, there, err := load[Gathered](ctx, in, s.Step, id)
	if err != nil || !there || g.Done != "" {
		return none, err
	}
	g.Done = ByTimeout
	o, err := s.Then(ctx, m, g)
	if err != nil {
		return none, err
	}
	o = begun(m, o)
	return o, save(o, in, s.Step, id, old, g)
}

// Question is one that [AskAll] asks.
type Question[V any] struct {
	Of  string // who is asked, for people
	Ask func(ctx context.Context) (V, error)
}

// Answered is what came of a question.
type Answered[V any] struct {
	Of    string
	Value V
	Err   error
}

// AskAll is Scatter-Gather within one run, for questions that change nothing at those who are
// asked: a run that dies asks anew, so nothing is kept and no unit is written. The questions
// keep to their context, which ends with the deadline; one that does not answer by then
// answers with an error. The answers come in the order of the questions.
func AskAll[V any](ctx context.Context, in In, deadline time.Duration, ask []Question[V]) []Answered[V] {
	in.Ran.Note(NameScatterGather)
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	answers := make([]Answered[V], len(ask))
	var all sync.WaitGroup
	for i, q := range ask {
		all.Go(func() {
			v, err := q.Ask(ctx)
			answers[i] = Answered[V]{q.Of, v, err}
		})
	}
	all.Wait()
	return answers
}

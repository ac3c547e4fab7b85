package eip

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
)

// Activity is one step of a process: a command, and the command that takes it back.
type Activity struct {
	Name string // part of the stored format
	// Do and Undo make the commands; whoever does them answers with [Answer] or [Refuse].
	// Undo must be harmless where Do did not happen, and share its key, so that it comes
	// behind it. A nil Undo is for what needs no taking back.
	Do, Undo func(p Progress) (journal.Record, error)
	// Timeout is how long the answer of Do is waited for; 0 is for ever. Undo has none: what
	// was begun is taken back, however long that takes.
	Timeout time.Duration
}

// Progress is how far a process came.
type Progress struct {
	ID       string        `json:"id"`
	For      journal.Pos   `json:"for"` // the message that started it
	At       int           `json:"at"`  // activity under way
	Answers  []journal.Pos `json:"answers,omitempty"`
	Undoing  bool          `json:"undoing,omitempty"`
	Why      string        `json:"why,omitempty"` // it is being undone
	Deadline time.Time     `json:"deadline,omitzero"`
	Ended    bool          `json:"ended,omitempty"`

	Start journal.Record `json:"-"` // recalled
}

// Process is the Process Manager: it takes each process through its activities, one command
// at a time, and when one fails or takes too long, takes back what was done, last first. Where it stands
// is pattern state, written in the unit that sends the command: a kill neither repeats a command nor
// forgets a process. The route consumes [ReplyTopic] of its name too.
type Process[M Message[O], O Out[O]] struct {
	Step string
	// ID is the business key of the process that a message starts. The same again is rejected.
	ID         func(M) (string, error)
	Activities []Activity
	// Done and Undone decide what follows the end, good or taken back.
	Done, Undone func(ctx context.Context, m M, p Progress) (O, error)
}

// Handle is the route's handler.
func (s Process[M, O]) Handle(ctx context.Context, m M) (O, error) {
	in := m.In()
	in.Ran.Note(NameProcess)
	var none O
	var id, what string
	var err error
	switch {
	case in.timer(s.Step):
		id, err = timerOf[string](in)
	case in.Topic == ReplyTopic(in.Route):
		// index/do/id or index/undo/id: the id comes last, for it may hold anything.
		c := strings.SplitN(in.Headers[CorrelationID], "/", 3)
		if len(c) < 3 {
			return none, in.invalid("%q is no correlation id of %s", in.Headers[CorrelationID], s.Step)
		}
		what, id = c[0]+"/"+c[1], c[2]
	default:
		id, err = s.ID(m)
	}
	if err != nil {
		return none, err
	}
	p, old, there, err := load[Progress](ctx, in, s.Step, id)
	if err != nil {
		return none, err
	}
	var o O
	switch {
	case in.timer(s.Step):
		if o, err = s.overdue(ctx, m, in, &p); o == none || err != nil {
			return o, err
		}
	case what != "" && !there:
		return none, in.rejected("no process %q waits for the answer %q", id, in.Headers[CorrelationID])
	case what != "":
		if p.Ended || what != p.waitsFor() {
			// Its activity was given up meanwhile, and the command that takes it back is
			// on its way behind it.
			return none, nil
		}
		o, err = s.answered(ctx, m, in, &p)
	case there:
		return none, in.rejected("process %s %q was started already", s.Step, id)
	default:
		p = Progress{ID: id, For: in.Pos}
		o, err = s.command(ctx, m, in, &p)
	}
	if err != nil {
		return none, err
	}
	o = begun(m, o)
	return o, save(o, in, s.Step, id, old, p)
}

// waitsFor names the command whose answer is awaited.
func (p *Progress) waitsFor() string {
	if p.Undoing {
		return strconv.Itoa(p.At) + "/undo"
	}
	return strconv.Itoa(p.At) + "/do"
}

func (s Process[M, O]) answered(ctx context.Context, m M, in In, p *Progress) (O, error) {
	why, failed := in.Headers[Failed]
	switch {
	case p.Undoing && failed:
		var none O
		return none, in.rejected("taking back %s of %s %q: %s", s.Activities[p.At].Name, s.Step, p.ID, why)
	case p.Undoing:
		p.At--
	case failed:
		p.Undoing, p.Why = true, s.Activities[p.At].Name+": "+why
		p.At-- // it did not happen
	default:
		p.Answers = append(p.Answers, in.Pos)
		p.At++
	}
	return s.command(ctx, m, in, p)
}

// overdue gives the activity under way up. Whether it happened is not known, so it is
// taken back with the others.
func (s Process[M, O]) overdue(ctx context.Context, m M, in In, p *Progress) (O, error) {
	var none O
	if p.Ended || p.Undoing || p.Deadline.IsZero() {
		return none, nil
	}
	if in.Now.Before(p.Deadline) {
		// A timer of an earlier activity: its successor's deadline stands.
		o := m.Out()
		s.wake(o, p)
		return o, nil
	}
	p.Undoing, p.Why = true, s.Activities[p.At].Name+": no answer in time"
	return s.command(ctx, m, in, p)
}

func (s Process[M, O]) wake(o O, p *Progress) {
	o.Timer(s.Step+"/"+safe(p.ID), safe(p.ID), timerType(s.Step), p.Deadline, p.ID)
}

// command sends the next command, or ends the process.
func (s Process[M, O]) command(ctx context.Context, m M, in In, p *Progress) (O, error) {
	var none O
	var err error
	if p.Start, err = in.Recall(ctx, p.For); err != nil {
		return none, err
	}
	p.Deadline = time.Time{}
	for p.Undoing && p.At >= 0 && s.Activities[p.At].Undo == nil {
		p.At--
	}
	if p.At < 0 || p.At == len(s.Activities) {
		p.Ended = true
		if p.Undoing {
			return s.Undone(ctx, m, *p)
		}
		return s.Done(ctx, m, *p)
	}
	a := s.Activities[p.At]
	run := a.Do
	if p.Undoing {
		run = a.Undo
	}
	r, err := run(*p)
	if err != nil {
		return none, err
	}
	o := m.Out().Send(in.ask(r, s.Step+"/"+a.Name, 0, p.waitsFor()+"/"+p.ID))
	if !p.Undoing && a.Timeout > 0 {
		p.Deadline = in.Now.Add(a.Timeout)
		s.wake(o, p)
	}
	return o, nil
}

package eip

import (
	"context"
	"time"

	"github.com/paklog/hub/core/journal"
)

// Topic is one topic for every message.
func Topic(name string) func(*journal.Record) string {
	return func(*journal.Record) string { return name }
}

// Delay sends a message on to a topic when its time has come. It waits behind a timer of its
// own, held by position; what is due already goes at once. Messages go in the order of
// their times, not in that of their key.
type Delay[M Message[O], O Out[O]] struct {
	Step  string
	To    func(*journal.Record) string // its topic; see [Topic]
	Until func(M) (time.Time, error)
}

// Handle is the route's handler.
func (d Delay[M, O]) Handle(ctx context.Context, m M) (O, error) {
	in := m.In()
	in.Ran.Note(NameDelay)
	var none O
	if in.timer(d.Step) {
		pos, err := timerOf[journal.Pos](in)
		if err != nil {
			return none, err
		}
		r, err := in.Recall(ctx, pos)
		if err != nil {
			return none, err
		}
		c := Copy(&r, d.To(&r))
		c.ID = r.ID.Child(in.Route, d.Step, 0)
		return m.Out().Send(c), nil
	}
	at, err := d.Until(m)
	if err != nil {
		return none, err
	}
	if !in.Now.Before(at) {
		c := Copy(in.Record, d.To(in.Record))
		c.ID = in.ID.Child(in.Route, d.Step, 0)
		return m.Out().Send(c), nil
	}
	return m.Out().Timer(d.Step+"/"+in.ID.String(), in.Key, timerType(d.Step), at, in.Pos), nil
}

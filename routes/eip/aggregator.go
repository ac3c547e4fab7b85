package eip

import (
	"context"
	"time"

	"github.com/paklog/hub/core/journal"
)

// Why says what completed a group.
type Why string

// Ways of completion. An open group has none.
const (
	BySize    Why = "size"
	ByRule    Why = "rule"
	ByTimeout Why = "timeout"
)

// Group is what an aggregator has of one key.
type Group[G any] struct {
	Key      string    `json:"key"`
	Value    G         `json:"value"`
	Members  int       `json:"members"`
	Late     int       `json:"late,omitempty"` // members that came after completion
	Opened   time.Time `json:"opened"`
	Deadline time.Time `json:"deadline,omitzero"`
	Done     Why       `json:"done,omitempty"`
	Round    int       `json:"round,omitempty"` // groups of the key that were completed before this one, where another begins
}

// Aggregator collects messages of a key into one. The group is pattern state, written in the
// unit that marks its member handled: a kill neither loses a member nor counts one twice, and
// the group completes once. Members may come in any lane.
//
// A completed group stays known, so that a late member is seen as such.
type Aggregator[M Message[O], O Out[O], G any] struct {
	Step string
	Key  func(M) (string, error)
	// Add folds a member into the group. G is JSON and stands in the log: no personal
	// data, and no list without bound.
	Add func(G, M) (G, error)

	// A group completes by the first of these; unset ones never complete it.
	Size    int
	Rule    func(G) bool
	Timeout time.Duration // from the first member
	// Again begins the next group of the key with the member after the last: none is late.
	Again bool

	// Then decides what the complete group becomes. m is the last member, or the timer.
	Then func(ctx context.Context, m M, g Group[G]) (O, error)
	// Late decides what a member that came too late becomes (a supplementary confirm).
	// Nil rejects it: a letter, so that it is never silent.
	Late func(ctx context.Context, m M, g Group[G]) (O, error)
}

// Handle is the route's handler.
func (a Aggregator[M, O, G]) Handle(ctx context.Context, m M) (O, error) {
	in := m.In()
	in.Ran.Note(NameAggregator)
	if in.timer(a.Step) {
		return a.timeout(ctx, m, in)
	}
	var none O
	key, err := a.Key(m)
	if err != nil {
		return none, err
	}
	g, old, _, err := load[Group[G]](ctx, in, a.Step, key)
	if err != nil {
		return none, err
	}
	if g.Done != "" {
		return a.late(ctx, m, in, old, g)
	}
	first := g.Members == 0
	if first {
		g = Group[G]{Key: key, Opened: in.Now, Round: g.Round}
		if a.Timeout > 0 {
			g.Deadline = in.Now.Add(a.Timeout)
		}
	}
	if g.Value, err = a.Add(g.Value, m); err != nil {
		return none, err
	}
	g.Members++
	switch {
	case a.Size > 0 && g.Members >= a.Size:
		return a.complete(ctx, m, in, old, g, BySize)
	case a.Rule != nil && a.Rule(g.Value):
		return a.complete(ctx, m, in, old, g, ByRule)
	}
	o := m.Out()
	if first && a.Timeout > 0 {
		a.wake(o, g)
	}
	return o, save(o, in, a.Step, key, old, g)
}

// Standing is the group of a key as it stands; false where there is none. in names the route of
// the aggregator: whoever asks may be another.
func (a Aggregator[M, O, G]) Standing(ctx context.Context, in In, key string) (g Group[G], there bool, err error) {
	g, _, there, err = load[Group[G]](ctx, in, a.Step, key)
	return g, there, err
}

// Complete completes the open group of a key at once, by rule; where there is none it does nothing.
func (a Aggregator[M, O, G]) Complete(ctx context.Context, m M, key string) (O, error) {
	var none O
	in := m.In()
	g, old, there, err := load[Group[G]](ctx, in, a.Step, key)
	if err != nil || !there || g.Done != "" || g.Members == 0 {
		return none, err
	}
	return a.complete(ctx, m, in, old, g, ByRule)
}

func (a Aggregator[M, O, G]) wake(o O, g Group[G]) {
	o.Timer(a.Step+"/"+safe(g.Key), safe(g.Key), timerType(a.Step), g.Deadline, g.Key)
}

func (a Aggregator[M, O, G]) timeout(ctx context.Context, m M, in In) (O, error) {
	var none O
	key, err := timerOf[string](in)
	if err != nil {
		return none, err
	}
	g, old, there, err := load[Group[G]](ctx, in, a.Step, key)
	if err != nil || !there || g.Done != "" || g.Members == 0 {
		return none, err
	}
	if in.Now.Before(g.Deadline) {
		o := m.Out()
		a.wake(o, g)
		return o, nil
	}
	return a.complete(ctx, m, in, old, g, ByTimeout)
}

func (a Aggregator[M, O, G]) complete(ctx context.Context, m M, in In, old journal.State, g Group[G], why Why) (O, error) {
	g.Done = why
	o, err := a.Then(ctx, m, g)
	if err != nil {
		return o, err
	}
	o = begun(m, o)
	if a.Again {
		g = Group[G]{Key: g.Key, Round: g.Round + 1}
	}
	return o, save(o, in, a.Step, g.Key, old, g)
}

func (a Aggregator[M, O, G]) late(ctx context.Context, m M, in In, old journal.State, g Group[G]) (O, error) {
	if a.Late == nil {
		var none O
		return none, in.rejected("%s %q was complete by %s with %d members when this one came", a.Step, g.Key, g.Done, g.Members)
	}
	g.Late++
	o, err := a.Late(ctx, m, g)
	if err != nil {
		return o, err
	}
	o = begun(m, o)
	return o, save(o, in, a.Step, g.Key, old, g)
}

package task

import (
	"slices"
	"time"
)

// Policy says what makes work urgent, and when a worker is given what lies near instead of
// what is most urgent.
type Policy struct {
	// Lead is the time that a cut-off must leave for what follows the task: packing, the
	// label, the dock.
	Lead time.Duration
	// Patience is when a task is due that has no cut-off, or a later one: counted from when it
	// was made. It is what lets nothing wait for ever.
	Patience time.Duration
	// PerPriority is how much earlier each step of priority makes a task due.
	PerPriority time.Duration
	// Band is how far apart two tasks may be and count as equally urgent: the nearer one goes
	// first.
	Band time.Duration
	// Between are the kinds of work that are done between two picks where they lie no further
	// than Within along the walk from where the worker stands. None is no interleaving.
	Between []string
	Within  int64
}

// What a task is due by.
const (
	DueCutOff = "cut_off"
	DueAge    = "age"
)

// Score says how urgent a task is, and why. Points are the seconds that have passed since the
// task stood at nought: at its due time less its priority. Times go by for all tasks alike, so
// the order of two tasks never changes, and whatever waits long enough becomes the first.
type Score struct {
	Due      time.Time `json:"due"`
	By       string    `json:"by"`       // cut_off or age
	Slack    int64     `json:"slack_s"`  // until Due, below 0 when it is late
	Age      int64     `json:"age_s"`    // since it was made
	Priority int       `json:"priority"` // of the task, 0 to 9
	Worth    int64     `json:"worth_s"`  // what the priority is worth
	Points   int64     `json:"points"`   // the more, the sooner
}

// Rank is when a task stands at nought points: the earlier, the more urgent. It depends on
// nothing but the task, so a queue may be kept in its order.
func (p Policy) Rank(made, cutOff time.Time, priority int) time.Time {
	due, _ := p.due(made, cutOff)
	return due.Add(-time.Duration(priority) * p.PerPriority)
}

func (p Policy) due(made, cutOff time.Time) (time.Time, string) {
	aged := made.Add(p.Patience)
	if by := cutOff.Add(-p.Lead); !cutOff.IsZero() && by.Before(aged) {
		return by, DueCutOff
	}
	return aged, DueAge
}

// Score is how urgent the task is at a time.
func (t Task) Score(p Policy, now time.Time) Score {
	due, by := p.due(t.At, t.CutOff)
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	return Score{
		Due: due.UTC(), By: by, Slack: seconds(due.Sub(now)), Age: seconds(now.Sub(t.At)), Priority: t.Priority,
		Worth: seconds(time.Duration(t.Priority) * p.PerPriority), Points: seconds(now.Sub(p.Rank(t.At, t.CutOff, t.Priority))),
	}
}

// Seeker is a worker who asks for work: what he may do, and where he stands. Empty Zones and
// Kinds are all of them; without a place every task is equally far.
type Seeker struct {
	Can   []string // skills, and equipment at hand
	Zones []string
	Kinds []string
	Zone  string // where he stands, or his home
	Walk  int64  // where he stands along the walk
	Known bool   // Walk is known
	After string // kind of the task that he did last
}

// May reports whether the worker may do work of a kind in a zone that needs certain skills or
// equipment. Work without a zone is anywhere.
func (s Seeker) May(kind, zone string, needs []string) bool {
	if len(s.Kinds) > 0 && !slices.Contains(s.Kinds, kind) || zone != "" && len(s.Zones) > 0 && !slices.Contains(s.Zones, zone) {
		return false
	}
	for _, n := range needs {
		if !slices.Contains(s.Can, n) {
			return false
		}
	}
	return true
}

// Offer is an open task as the queue knows it.
type Offer struct {
	Kind string
	Zone string
	Rank time.Time
	Walk int64 // of its first place
}

// Why says why a worker is given a task.
type Why struct {
	Rule     string `json:"rule"`
	Of       int    `json:"of"`                 // tasks that were looked at
	Equals   int    `json:"equals,omitempty"`   // of them as urgent as the one
	Distance int64  `json:"distance,omitempty"` // along the walk, where it is known
}

// Rules by which a task is chosen.
const (
	MostUrgent = "most_urgent"
	Nearest    = "nearest_of_equals" // as urgent as others, and nearer
	Interleave = "interleaved"       // on the way between two picks
	Resumed    = "resumed"           // the worker has it already
	Preempting = "preempting"        // it was put before what he did
)

// far is beyond every walk.
const far = int64(1) << 40

// distance is how far the offer is from the worker: along the walk within a zone; another
// zone is further than anything in this one.
func (s Seeker) distance(o Offer) int64 {
	var d int64
	if s.Known {
		d = o.Walk - s.Walk
		if d < 0 {
			d = -d
		}
	}
	if s.Zone != "" && o.Zone != s.Zone {
		d += far
	}
	return d
}

// Best chooses among offers that the worker may take, and says why; -1 where there is none.
// It is the most urgent, or the nearest of those within the band of the most urgent. Between
// two picks it is the nearest of the kinds that are done in between, unless something is late.
func (s Seeker) Best(offers []Offer, p Policy, now time.Time) (int, Why) {
	why := Why{Rule: MostUrgent, Of: len(offers)}
	if len(offers) == 0 {
		return -1, why
	}
	first := 0
	for i, o := range offers {
		if o.Rank.Before(offers[first].Rank) {
			first = i
		}
	}
	if s.After == KindPick && s.Known && len(p.Between) > 0 && now.Before(offers[first].Rank) {
		best := -1
		for i, o := range offers {
			if d := s.distance(o); slices.Contains(p.Between, o.Kind) && d <= p.Within && (best < 0 || d < s.distance(offers[best])) {
				best = i
			}
		}
		if best >= 0 {
			why.Rule, why.Distance = Interleave, s.distance(offers[best])
			return best, why
		}
	}
	best := first
	for i, o := range offers {
		if o.Rank.Sub(offers[first].Rank) > p.Band {
			continue
		}
		why.Equals++
		if s.distance(o) < s.distance(offers[best]) {
			best = i
		}
	}
	if best != first {
		why.Rule = Nearest
	}
	if d := s.distance(offers[best]); s.Known && d < far {
		why.Distance = d
	}
	return best, why
}

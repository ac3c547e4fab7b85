package routes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/notify"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/dlq"
)

// People hear of letters when their cause is new, when it grows and when its oldest letter has waited too long.
// How many there are is no alarm: a heap that everybody knows of wakes nobody.
const (
	alarmGrows = 10 // failures within an hour, and thrice those of the hour before
	alarmTimes = 3
	alarmAge   = 4 * time.Hour // of the oldest open letter
	alarmAgain = 10 * time.Minute
)

const (
	letterOpened = "letter.Opened"
	letterAge    = "letters.Age"
)

// alarmed is what is kept of a cause.
type alarmed struct {
	Group  string    `json:"group"`
	Hour   time.Time `json:"hour"`   // that Count is of
	Count  int       `json:"count"`  // failures
	Before int       `json:"before"` // of the hour before
	Grown  bool      `json:"grown,omitempty"`
	Aging  bool      `json:"aging,omitempty"` // a timer looks at its oldest
}

func alarmKey(fingerprint string) string { return "alarm/" + fingerprint }

// fails counts a failure, and reports whether its cause grows: once an hour.
func (a *alarmed) fails(at time.Time) (grows bool) {
	switch hour := at.UTC().Truncate(time.Hour); {
	case hour.Equal(a.Hour.Add(time.Hour)):
		a.Hour, a.Before, a.Count, a.Grown = hour, a.Count, 0, false
	case hour.After(a.Hour):
		a.Hour, a.Before, a.Count, a.Grown = hour, 0, 0, false
	}
	a.Count++
	grows = !a.Grown && a.Count >= max(alarmGrows, alarmTimes*a.Before)
	a.Grown = a.Grown || grows
	return grows
}

// alarms reports whether somebody is to hear of letters.
func (n *notifier) alarms() bool {
	return slices.ContainsFunc(n.Rules, func(r NotifyRule) bool { return slices.Contains(r.On, notify.Letters) })
}

// opened tells of a cause that is new or grows. What is wrong with the notices themselves is not told by them.
func (n *notifier) opened(ctx context.Context, d *decision) {
	var x dlq.Notice
	if err := d.m.Decode(&x); err != nil {
		d.fail(err)
		return
	}
	if x.Route == notificationsRoute || strings.HasPrefix(x.Route, noticeRoutes) {
		return
	}
	var a alarmed
	old, known := d.state(alarmKey(x.Fingerprint), &a)
	a.Group = x.Fingerprint
	grows := a.fails(d.m.Time)
	if !a.Aging && n.flows.hub.desk.Index != nil {
		a.Aging = true
		d.out.Timer(alarmKey(x.Fingerprint), alarmKey(x.Fingerprint), letterAge, d.m.Now.Add(alarmAge), a)
	}
	d.out.SetState(alarmKey(x.Fingerprint), old, a)
	_, l, err := n.flows.hub.readLetter(ctx, x.Letter)
	if err != nil {
		d.fail(err)
		return
	}
	about := fmt.Sprintf("%s: %s", x.Route, clipped(l.Cause))
	switch {
	case !known:
		n.raise(d, x.Fingerprint, "a new cause of failures on "+about)
	case grows:
		n.raise(d, x.Fingerprint, fmt.Sprintf("%d failures in this hour, %d in the hour before, on %s", a.Count, a.Before, about))
	}
}

// aged tells of a cause whose oldest letter waits too long, once in so long a time. One that is snoozed or archived
// is somebody's already. The index may not know the group yet, where it is built anew: it is looked at again.
func (n *notifier) aged(ctx context.Context, d *decision) {
	var of, a alarmed
	if err := d.m.Decode(&of); err != nil {
		d.fail(err)
		return
	}
	key := alarmKey(of.Group)
	old, known := d.state(key, &a)
	if !known {
		return
	}
	var g dlq.Group
	if n.alarms() {
		var err error
		switch g, err = n.flows.hub.desk.Group(ctx, of.Group); {
		case errors.Is(err, dlq.ErrNoGroup):
			d.out.Timer(key, key, letterAge, d.m.Now.Add(alarmAgain), a)
			return
		case err != nil:
			d.fail(fault.E("letters.Age", fault.Transient, fmt.Errorf("looking at the oldest letter of group %s: %w", of.Group, err)))
			return
		}
	}
	if g.Oldest == nil {
		a.Aging = false
		d.out.SetState(key, old, a) // the next failure sets the timer again
		return
	}
	due := g.Oldest.Add(alarmAge)
	if !due.After(d.m.Now) {
		due = d.m.Now.Add(alarmAge)
		if g.Status == dlq.GroupOpen {
			n.raise(d, a.Group, fmt.Sprintf("%d letters wait, the oldest since %s, on %s: %s", g.Open, g.Oldest.Format(time.RFC3339), g.Route, clipped(g.Cause)))
		}
	}
	d.out.Timer(key, key, letterAge, due, a)
}

// raise gives an alarm to each rule of letters.
func (n *notifier) raise(d *decision, group, reason string) {
	it := noticed{Item: notify.Item{What: notify.Letters, At: d.m.Now, Group: group, Reason: reason}}
	for _, r := range n.Rules {
		if slices.Contains(r.On, notify.Letters) {
			n.gather(d, r, "", it)
		}
	}
}

// longestTold bounds the words of a cause in a notice, in bytes.
const longestTold = 200

func clipped(cause string) string {
	if len(cause) <= longestTold {
		return cause
	}
	return strings.ToValidUTF8(cause[:longestTold], "") + " ..."
}

// reads are what the route of notifications hears of.
func (n *notifier) reads() (topics, types []string) {
	topics, types = []string{onPacks}, takes(pack.Completed{}, pack.WeightRefused{}, ship.Confirmed{}, label.Refused{})
	if n.alarms() {
		topics, types = append(topics, onErrors), append(types, letterOpened)
	}
	return topics, types
}

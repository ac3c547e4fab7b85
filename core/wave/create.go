package wave

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
)

// Template is a rule that waves are made by: which orders go into them, how much a wave has at
// most, and how much makes one. Of several templates an order belongs to the first whose every
// given field it fits.
type Template struct {
	Name string
	// Carriers, Services, Routes and Types are those that the order names, Owners whose it is.
	// None is any.
	Carriers, Services, Routes, Types, Owners []string
	// Zones are where some part of the order lies, or with AllZones all of it.
	Zones    []string
	AllZones bool
	Priority int           // at least
	Within   time.Duration // its cut-off is nearer than this; 0 is any cut-off, and none

	Limits Limits // of a wave
	Fill   Limits // so much in any of these makes a wave; what is 0 does not
}

// Candidate is an order that may go into a wave.
type Candidate struct {
	Order
	Carrier, Service string
	Route, Type      string
	Zones            []string // of its places
	Priority         int
	CutOff           time.Time // zero is none
}

// Fits says why an order does not belong to the template, or "".
func (t Template) Fits(c Candidate, now time.Time) string {
	one := func(what string, of []string, is string) string {
		if len(of) == 0 || slices.Contains(of, is) {
			return ""
		}
		return fmt.Sprintf("%s %q is not %s", what, is, strings.Join(of, ", "))
	}
	return cmp.Or(
		one("carrier", t.Carriers, c.Carrier), one("service", t.Services, c.Service),
		one("route", t.Routes, c.Route), one("type", t.Types, c.Type), one("owner", t.Owners, c.Owner),
		t.zones(c), t.urgency(c, now))
}

func (t Template) zones(c Candidate) string {
	in := func(z string) bool { return slices.Contains(t.Zones, z) }
	switch {
	case len(t.Zones) == 0:
	case t.AllZones && slices.ContainsFunc(c.Zones, func(z string) bool { return !in(z) }):
		return "not all of it lies in " + strings.Join(t.Zones, ", ")
	case !slices.ContainsFunc(c.Zones, in):
		return "nothing of it lies in " + strings.Join(t.Zones, ", ")
	}
	return ""
}

func (t Template) urgency(c Candidate, now time.Time) string {
	switch {
	case c.Priority < t.Priority:
		return fmt.Sprintf("priority %d is below %d", c.Priority, t.Priority)
	case t.Within == 0:
	case c.CutOff.IsZero():
		return "it has no cut-off"
	case c.CutOff.Sub(now) > t.Within:
		return fmt.Sprintf("its cut-off is farther than %s", t.Within)
	}
	return ""
}

// Left is an order that no wave of its template holds, and why.
type Left struct {
	Of
	Because string `json:"because"`
}

// Create puts orders into as many waves as the limits ask for, the most urgent first: by
// cut-off, those without one last, then by priority, then as they came. An order goes into
// the first of the waves that has room for it. One that exceeds a limit by itself is left.
func Create(l Limits, orders []Candidate) (waves [][]Candidate, left []Left) {
	orders = slices.Clone(orders)
	slices.SortStableFunc(orders, FirstToGo)
	var sums []Limits
	for _, c := range orders {
		if err := l.allow(c.Share()); err != nil {
			left = append(left, Left{Of{c.Owner, c.Order.Order}, fault.PlaceOf(err) + ": " + fault.Reason(err)})
			continue
		}
		at := slices.IndexFunc(sums, func(s Limits) bool { return l.allow(s.plus(c.Share())) == nil })
		if at < 0 {
			at = len(waves)
			waves, sums = append(waves, nil), append(sums, Limits{})
		}
		waves[at] = append(waves[at], c)
		sums[at] = sums[at].plus(c.Share())
	}
	return waves, left
}

// FirstToGo orders work: by cut-off, what has none last, then by priority.
func FirstToGo(a, b Candidate) int {
	if a.CutOff.IsZero() != b.CutOff.IsZero() {
		if a.CutOff.IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Or(a.CutOff.Compare(b.CutOff), cmp.Compare(b.Priority, a.Priority))
}

// Share is what an order takes of each limit.
func (o Order) Share() Limits {
	return Limits{1, o.Lines, o.Units, o.Volume, o.Weight, o.Totes, o.Labour}
}

// Share is what the open orders of a wave take of each limit.
func (w Wave) Share() (sum Limits) {
	for _, m := range w.Orders {
		if m.Outcome == "" {
			sum = sum.plus(m.Order.Share())
		}
	}
	return sum
}

// Reached reports whether some limit that is given is reached.
func (l Limits) Reached(sum Limits) bool {
	for _, q := range l.each(sum) {
		if q.limit > 0 && q.is >= q.limit {
			return true
		}
	}
	return false
}

// Room reports whether one more fits beside what is there. What exceeds the limits by itself has
// room where nothing else is: it would wait for ever.
func (l Limits) Room(there, more Limits) bool {
	return there.Orders == 0 || l.allow(there.plus(more)) == nil
}

// Plus is the sum of two.
func (l Limits) Plus(m Limits) Limits { return l.plus(m) }

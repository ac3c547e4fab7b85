package labor

import (
	"cmp"
	"slices"
	"time"
)

// horizon is how many days ahead shifts are looked at.
const horizon = 7

// centre is work that the same people do.
type centre struct{ kind, zone string }

// slot is a stretch of time in which the same shifts are there.
type slot struct {
	from, to time.Time
	loads    []int // of the forecast
	workers  int64
	used     int64 // of workers * (to - from), in ms
}

type forecast struct {
	now     time.Time
	centres []centre
	slots   map[centre][]slot
	loads   []Load
	totals  []Total
	risks   []Risk
}

// newForecast lays out the shifts of the coming days.
func newForecast(shifts []Shift, now time.Time, zone *time.Location) *forecast {
	f := &forecast{now: now, slots: map[centre][]slot{}}
	for _, s := range shifts {
		for _, x := range s.Staff {
			if c := (centre{x.Kind, x.Zone}); x.Workers > 0 && !slices.Contains(f.centres, c) {
				f.centres = append(f.centres, c)
			}
		}
	}
	y, m, d := now.In(zone).Date()
	for on := -1; on <= horizon; on++ {
		for _, s := range shifts {
			end := s.End
			if end <= s.Start {
				end += day
			}
			from := time.Date(y, m, d+on, 0, s.Start, 0, 0, zone)
			to := time.Date(y, m, d+on, 0, end, 0, 0, zone)
			if from.Before(now) {
				from = now
			}
			if !from.Before(to) {
				continue
			}
			for _, x := range s.Staff {
				if x.Workers > 0 {
					f.loads = append(f.loads, Load{
						Shift: s.Code, Kind: x.Kind, Zone: x.Zone, From: from.UTC(), To: to.UTC(), Workers: x.Workers,
						Available: x.Workers * to.Sub(from).Milliseconds(),
					})
				}
			}
		}
	}
	slices.SortStableFunc(f.loads, func(a, b Load) int { return a.From.Compare(b.From) })
	for _, c := range f.centres {
		f.slots[c] = f.cut(c)
	}
	return f
}

// Available is the time in ms that all people of the shifts together have from now on, within a
// while. zone is that of the building.
func Available(shifts []Shift, now time.Time, within time.Duration, zone *time.Location) (ms int64) {
	for _, l := range newForecast(shifts, now, zone).loads {
		to := l.To
		if end := now.Add(within); end.Before(to) {
			to = end
		}
		if to.After(l.From) {
			ms += l.Workers * to.Sub(l.From).Milliseconds()
		}
	}
	return ms
}

// cut divides the time of a centre where a shift begins or ends.
func (f *forecast) cut(c centre) (out []slot) {
	var edges []time.Time
	for _, l := range f.loads {
		if (centre{l.Kind, l.Zone}) == c {
			edges = append(edges, l.From, l.To)
		}
	}
	slices.SortFunc(edges, time.Time.Compare)
	edges = slices.CompactFunc(edges, time.Time.Equal)
	for i := 1; i < len(edges); i++ {
		s := slot{from: edges[i-1], to: edges[i]}
		for j, l := range f.loads {
			if (centre{l.Kind, l.Zone}) == c && !l.From.After(s.from) && !l.To.Before(s.to) {
				s.loads = append(s.loads, j)
				s.workers += l.Workers
			}
		}
		if s.workers > 0 {
			out = append(out, s)
		}
	}
	return out
}

// of is the centre that does a part: of those that may, the one that is named most closely.
func (f *forecast) of(p Part) (centre, bool) {
	for _, c := range []centre{{p.Kind, p.Zone}, {"", p.Zone}, {p.Kind, ""}, {"", ""}} {
		if slices.Contains(f.centres, c) {
			return c, true
		}
	}
	return centre{}, false
}

// run gives the jobs to the people, the most urgent first: by cut-off, those without one last,
// then by priority. Which of the jobs is late by how much no other order makes better for the
// one that is latest.
func (f *forecast) run(jobs []Job) {
	jobs = slices.Clone(jobs)
	slices.SortStableFunc(jobs, func(a, b Job) int {
		if a.CutOff.IsZero() != b.CutOff.IsZero() {
			if a.CutOff.IsZero() {
				return 1
			}
			return -1
		}
		return cmp.Or(a.CutOff.Compare(b.CutOff), cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Order, b.Order))
	})
	for _, j := range jobs {
		finish, never, last := f.now, false, Part{}
		for _, p := range j.Parts {
			if p.Time <= 0 {
				continue
			}
			c, staffed := f.of(p)
			f.total(p, staffed)
			at, done := f.take(c, p.Time)
			switch {
			case !staffed || !done:
				never, last = true, p
			case !never && at.After(finish):
				finish, last = at, p
			}
		}
		if j.CutOff.IsZero() || !never && !finish.After(j.CutOff) || last == (Part{}) && f.now.Before(j.CutOff) {
			continue
		}
		r := Risk{Owner: j.Owner, Order: j.Order, Wave: j.Wave, CutOff: j.CutOff.UTC(), Kind: last.Kind, Zone: last.Zone}
		if !never {
			r.Finish, r.Late = finish.UTC(), finish.Sub(j.CutOff).Milliseconds()
		}
		f.risks = append(f.risks, r)
	}
	slices.SortFunc(f.totals, func(a, b Total) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Zone, b.Zone)) })
	f.loads = slices.DeleteFunc(f.loads, func(l Load) bool { return l.Work == 0 && l.From.Sub(f.now) > day*time.Minute })
}

func (f *forecast) total(p Part, staffed bool) {
	i := slices.IndexFunc(f.totals, func(t Total) bool { return t.Kind == p.Kind && t.Zone == p.Zone })
	if i < 0 {
		i = len(f.totals)
		f.totals = append(f.totals, Total{Kind: p.Kind, Zone: p.Zone, Staffed: staffed})
	}
	f.totals[i].Jobs++
	f.totals[i].Work += p.Time
}

// take uses up time of a centre's people and is when they are done; false where the horizon
// comes first.
func (f *forecast) take(c centre, ms int64) (done time.Time, ok bool) {
	for i := range f.slots[c] {
		s := &f.slots[c][i]
		free := s.workers*s.to.Sub(s.from).Milliseconds() - s.used
		if free <= 0 {
			continue
		}
		n := min(free, ms)
		s.used += n
		f.share(s, n)
		if ms -= n; ms == 0 {
			return s.from.Add(time.Duration((s.used+s.workers-1)/s.workers) * time.Millisecond), true
		}
	}
	return time.Time{}, false
}

// share books ms more of a slot's time, which counts them already, on its shifts by their people.
// What each has of all that is booked is rounded so that it is never more than its people have.
func (f *forecast) share(s *slot, ms int64) {
	upTo := func(used, people int64) int64 { return used * people / s.workers }
	before := int64(0)
	for _, j := range s.loads {
		x := &f.loads[j]
		to := before + x.Workers
		x.Work += upTo(s.used, to) - upTo(s.used, before) - upTo(s.used-ms, to) + upTo(s.used-ms, before)
		before = to
	}
}

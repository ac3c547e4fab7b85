package routes

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/wave"
)

// WaveTemplate is a rule that waves are made by, with when they are planned and released. An
// order belongs to the first of the templates that it fits, else to what [WaveConfig] says.
type WaveTemplate struct {
	wave.Template
	// Waves of the orders that wait are planned as soon as Fill says so, or the first has waited
	// for Wait, or at these times of the day in the zone of the building ("14:30"), or each Every
	// from midnight there. One of them must be given.
	Wait  time.Duration
	At    []string
	Every time.Duration
	// Manual leaves the release to a person.
	Manual bool
	// Floor bounds what is in released waves and not finished: a planned wave waits until there is
	// room beside it. With waves of one order that is waveless release: the next when one is done.
	Floor wave.Limits
	// Share bounds the labour in released waves to so many percent of the next hour of all who are
	// on shift; 0, or a building without shifts, is no bound. With nobody on shift nothing goes.
	Share int64
	// Free is how many workers must be free for a wave to be released: they asked for work within
	// the last [freeFor] and got none. 0 is any number.
	Free int
}

// bounded reports whether something must be so before a planned wave is released.
func (t *WaveTemplate) bounded() bool { return t.Floor != (wave.Limits{}) || t.Share > 0 || t.Free > 0 }

// otherOrders is the name of the template of all orders that fit no other.
const otherOrders = "order"

// templates are those of the configuration and the last, which every order fits.
func (c *WaveConfig) templates() []WaveTemplate {
	size := wave.Limits{Orders: int64(c.Size)}
	return append(slices.Clone(c.Templates), WaveTemplate{
		Template: wave.Template{Name: otherOrders, Limits: size, Fill: size}, Wait: c.Timeout, Manual: c.Manual,
	})
}

// Check says what is wrong with a template.
func (t WaveTemplate) Check() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if err := scope.CheckName(t.Name); err != nil || len(t.Name) > 32 || t.Name == otherOrders || t.Name == "W" {
		bad("wave template %q: its name is none: give up to 32 letters, other than %q and %q", t.Name, otherOrders, "W")
	}
	for _, l := range []wave.Limits{t.Limits, t.Fill, t.Floor} {
		if err := l.Validate(); err != nil {
			bad("wave template %s: %w", t.Name, err)
		}
	}
	if t.Wait < 0 || t.Every < 0 || t.Within < 0 || t.Every > 0 && t.Every < time.Minute {
		bad("wave template %s: a time is below nothing, or every below a minute", t.Name)
	}
	if t.Wait == 0 && t.Every == 0 && len(t.At) == 0 && t.Fill == (wave.Limits{}) {
		bad("wave template %s: nothing ever makes a wave: give fill, wait, at or every", t.Name)
	}
	if t.Priority < 0 || t.Priority > mostUrgent {
		bad("wave template %s: priority %d is not between 0 and %d", t.Name, t.Priority, mostUrgent)
	}
	if t.Share < 0 || t.Share > 1000 {
		bad("wave template %s: a share of %d %% of the shift's hour is not between 0 and 1000", t.Name, t.Share)
	}
	if t.Free < 0 || t.Free > mostDuties {
		bad("wave template %s: %d free workers are not between 0 and %d", t.Name, t.Free, mostDuties)
	}
	if t.Manual && t.bounded() {
		bad("wave template %s: a person releases its waves, and floor, share or free_workers would: leave one out", t.Name)
	}
	for _, at := range t.At {
		if _, err := time.Parse(hourMinute, at); err != nil {
			bad("wave template %s: %q is no time of day like 14:30", t.Name, at)
		}
	}
	return errors.Join(errs...)
}

const hourMinute = "15:04"

// next is when waves are planned again by the clock of a place; zero where no clock says so. A
// time of day that the place skips in spring is met at the moment it skips to.
func (t *WaveTemplate) next(now time.Time, zone *time.Location) time.Time {
	var next time.Time
	offer := func(at time.Time) {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if t.Wait > 0 {
		offer(now.Add(t.Wait))
	}
	y, m, d := now.In(zone).Date()
	for day := range 2 {
		for _, at := range t.At {
			if c, err := time.Parse(hourMinute, at); err == nil {
				at := time.Date(y, m, d+day, c.Hour(), c.Minute(), 0, 0, zone)
				if early := c.Hour() - at.Hour(); early == 1 { // skipped, and counted by the winter's clock
					at = at.Add(time.Hour)
				}
				offer(at)
			}
		}
		if t.Every > 0 {
			midnight := time.Date(y, m, d+day, 0, 0, 0, 0, zone)
			offer(midnight)
			if since := now.Sub(midnight); since >= 0 {
				at := now.Add(t.Every - since%t.Every)
				if at.Before(time.Date(y, m, d+day+1, 0, 0, 0, 0, zone)) {
					offer(at)
				}
			}
		}
	}
	return next
}

// zoneOf is the zone of time of a building; UTC where it has none that the system knows.
func zoneOf(b facility.Spec) *time.Location {
	if z, err := time.LoadLocation(b.TimeZone); err == nil && b.TimeZone != "" {
		return z
	}
	return time.UTC
}

// template is that of a name; the last where it is no longer configured.
func (f *Flows) template(name string) *WaveTemplate {
	for i := range f.templates {
		if f.templates[i].Name == name {
			return &f.templates[i]
		}
	}
	return &f.templates[len(f.templates)-1]
}

// configured reports whether there is a template of a name; "" is the last.
func (f *Flows) configured(name string) bool { return name == "" || f.template(name).Name == name }

// match is the template that an order belongs to.
func (f *Flows) match(c wave.Candidate, now time.Time) *WaveTemplate {
	for i := range f.templates {
		if f.templates[i].Fits(c, now) == "" {
			return &f.templates[i]
		}
	}
	return &f.templates[len(f.templates)-1] // which every order fits
}

// candidate is an order as waves are made of it.
func (d *decision) candidate(o order.Order) wave.Candidate {
	c := wave.Candidate{
		Order:   wave.Order{Owner: o.Scope.Owner, Order: o.Number, Totes: 1},
		Carrier: o.Service.Carrier, Service: o.Service.Level, Route: o.Service.Route, Type: o.Type, Priority: o.Priority, CutOff: o.Dates.ShipBy,
	}
	b := d.building(o.Scope)
	for _, p := range d.work(o.Scope, o.Number).Places {
		zone := b.Effective(d.location(o.Scope, p.Place.Location).Spec).Zone
		if !slices.Contains(c.Zones, zone) {
			c.Zones = append(c.Zones, zone)
		}
		mm3, weight := d.size(o.Scope, p.Item, p.Qty)
		c.Volume, c.Weight = c.Volume+mm3, c.Weight+weight
	}
	slices.Sort(c.Zones)
	for _, l := range o.Lines {
		if l.Allocated > 0 {
			c.Lines, c.Units = c.Lines+1, c.Units+l.Allocated
		}
	}
	if v := d.f.cfg.Wave.Batch.ToteVolume; v > 0 {
		c.Totes = max(1, (c.Volume+v-1)/v)
	}
	for _, p := range d.parts(o) {
		c.Labour += p.Time
	}
	return c
}

// previewWaves decides what planning would, and writes nothing.
func (d *decision) previewWaves(s scope.Scope, of wave.Of) (wave.Previewed, error) {
	out := wave.Previewed{Templates: []wave.PreviewedTemplate{}}
	for i := range d.f.templates {
		t := &d.f.templates[i]
		in := d.m.In()
		in.Route = planRoute
		g, there, err := d.f.pools(t, false, nil).Standing(d.ctx, in, poolKey(s, t))
		if err != nil {
			return out, err
		}
		if !there || g.Members == 0 {
			continue
		}
		p := wave.PreviewedTemplate{Template: t.Name, Due: g.Deadline, Waves: []wave.PreviewedWave{}}
		var waiting []wave.Candidate
		for _, of := range g.Value.Orders {
			at := scope.Scope{Tenant: s.Tenant, Owner: of.Owner, Facility: s.Facility}
			if o := d.order(at, of.Order); wavable(o) {
				waiting = append(waiting, d.candidate(o))
			} else {
				p.Left = append(p.Left, wave.Left{Of: of, Because: whyNot(o, d.m.Now)})
			}
		}
		waves, left := wave.Create(t.limits(), waiting)
		for _, w := range waves {
			var x wave.PreviewedWave
			for _, c := range w {
				x.Orders = append(x.Orders, c.Order)
				x.Share = x.Share.Plus(c.Share())
			}
			p.Waves = append(p.Waves, x)
		}
		p.Left = append(p.Left, left...)
		out.Templates = append(out.Templates, p)
	}
	if of.Order != "" {
		o := d.order(scope.Scope{Tenant: s.Tenant, Owner: of.Owner, Facility: s.Facility}, of.Order)
		x := wave.PreviewedOrder{Of: of, Wave: o.InWave, Because: whyNot(o, d.m.Now)}
		if o.Known() {
			c := d.candidate(o)
			share := c.Share()
			x.Share = &share
			for i := range d.f.templates {
				t := &d.f.templates[i]
				if why := t.Fits(c, d.m.Now); why != "" {
					x.NotOf = append(x.NotOf, wave.NotOf{Template: t.Name, Because: why})
					continue
				}
				x.Template = t.Name
				break
			}
		}
		out.Order = &x
	}
	return out, d.err
}

// whyNot says why an order may not go into a wave, or "".
func whyNot(o order.Order, now time.Time) string {
	t := o.Totals()
	switch {
	case !o.Known():
		return "there is no such order"
	case o.Workable() != nil:
		return o.Workable().Error()
	case o.InWave != "":
		return "it is in wave " + o.InWave
	case early(o, now):
		return "it must not leave before " + o.Dates.NotBefore.Format(time.RFC3339)
	case wavable(o):
		return ""
	case t.Reserved > 0 || t.Unassigned > 0:
		return "some of it has no place yet"
	case t.Allocated == 0:
		return "nothing of it can be had"
	}
	return "it ships whole or not at all, and some of it is backordered"
}

// limits are those of a wave of the template: no unit holds more orders than MaxWave.
func (t *WaveTemplate) limits() wave.Limits {
	l := t.Limits
	if l.Orders == 0 || l.Orders > MaxWave {
		l.Orders = MaxWave
	}
	return l
}

// poolKey is where the orders of a template wait in a building. The last template's is that of
// before there were templates.
func poolKey(s scope.Scope, t *WaveTemplate) string {
	if t.Name == otherOrders {
		return scope.Join(s.Tenant, s.Facility)
	}
	return scope.Join(s.Tenant, s.Facility, t.Name)
}

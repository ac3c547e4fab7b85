package routes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
)

// Why a manifest was closed.
const (
	closedAtEnd  = "end_of_day"
	closedByHand = "asked"
	heldBack     = "order on hold"
	labelVoided  = "label voided"
)

func (f *Flows) addManifests() error {
	return f.hub.Add(Route{
		Name: "ship.manifest", About: "puts labelled cartons on the day's manifest of their carrier and service, and closes it at the day's end",
		// One at a time: a carrier's cartons go on one manifest.
		Topics: []string{onPacks, onOrders}, Handle: f.keepManifests, Parallel: 1,
		Types:  takes(label.Bought{}, label.Voided{}, ship.Planned{}, order.Held{}, order.Released{}),
		Writes: []string{onPacks},
	})
}

func (f *Flows) keepManifests(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case label.Bought:
		d.listed(e.Scope, e.Order, e.Carton)
	case ship.Planned:
		d.listed(e.Scope, e.Order, "")
	case order.Released:
		d.listed(d.order(e.Scope, e.Order).Scope, e.Order, "")
	case label.Voided:
		at := d.docked(e.Scope, e.Carton)
		if d.err == nil && at.Manifest != "" && d.label(e.Scope, e.Carton).Tracking == e.Tracking {
			d.offManifest(e.Scope.Building(), at, e.Carton, labelVoided)
		}
	case order.Held:
		s := d.order(e.Scope, e.Order).Scope
		for _, c := range d.work(s, e.Order).Cartons {
			if at := d.docked(s, c.SSCC); at.Manifest != "" && d.order(s, e.Order).OnHold() {
				d.offManifest(s.Building(), at, c.SSCC, heldBack)
			}
		}
	case nil:
		var due closing
		if err := m.Decode(&due); err != nil {
			return nil, err
		}
		if d.manifested(due.Scope, due.Manifest).Status == manifest.StatusOpen {
			d.closeManifest(due.Scope, due.Manifest, manifest.Close{Reason: closedAtEnd})
		}
	}
	return d.done()
}

// closing is what the timer of a day's end carries.
type closing struct {
	Scope    scope.Scope `json:"scope"`
	Manifest string      `json:"manifest"`
}

// running is the state of the manifests of a carrier's service in a building: the open one, and
// how many its day has had: another is beside a full one.
type running struct {
	Open string `json:"open,omitempty"`
	Day  string `json:"day"`
	No   int    `json:"no"`
}

func runningKey(s scope.Scope, carrier, service string) string {
	return "manifest/" + scope.Join(s.Tenant, s.Facility, carrier, service)
}

// confirms is when cartons of a connection have left.
func (f *Flows) confirms(carrier string) string {
	if c := f.carriers[carrier].Confirm; c != "" {
		return c
	}
	return AtLabel
}

func (d *decision) manifested(s scope.Scope, id string) manifest.Manifest {
	if id == "" {
		return manifest.Manifest{}
	}
	return load(d, d.f.manifests, manifest.StreamOf(s, id))
}

func (d *decision) onManifest(s scope.Scope, id string, events []event.Event, err error) bool {
	return add(d, d.f.manifests, manifest.StreamOf(s, id), events, err)
}

// listed puts a carton of an order, or with "" all that have their label, on the manifest. Of
// an order that ships whole or not at all the cartons go together.
func (d *decision) listed(s scope.Scope, number, one string) {
	o := d.order(s, number)
	if d.err != nil || o.OnHold() {
		return
	}
	var cartons []string
	if one != "" {
		cartons = []string{one}
	}
	here := d.work(s, number).Cartons
	together := o.Policy == order.AllOrNothing && len(here) > 0
	if one == "" || together {
		cartons = nil
		for _, c := range here {
			if l := d.label(s, c.SSCC); l.Status == label.StatusBought {
				cartons = append(cartons, c.SSCC)
			}
		}
	}
	if t := o.Totals(); together && (len(cartons) < len(here) || t.Packed < t.Open) {
		return
	}
	for _, sscc := range cartons {
		d.list(s, number, sscc)
	}
}

func (d *decision) list(s scope.Scope, number, sscc string) {
	at, l := d.docked(s, sscc), d.label(s, sscc)
	if d.err != nil || at.Manifest != "" || l.Status != label.StatusBought || d.undoing(s, number, sscc) {
		return
	}
	b := s.Building()
	id := d.openManifest(b, l.Carrier, l.Service)
	c, _ := d.closedCarton(s, number, sscc)
	if d.err != nil {
		return
	}
	events, err := d.manifested(b, id).Add(manifest.Add{Carton: manifest.Carton{
		Owner: s.Owner, Order: number, SSCC: sscc, Service: l.Service, Tracking: l.Tracking, Weight: c.Weight,
	}}, d.m.Now)
	if d.onManifest(b, id, events, err) {
		at.docked.Owner, at.docked.Order, at.docked.Manifest = s.Owner, number, id
		at.changed()
	}
}

// openManifest is the open manifest of a carrier's service, begun where there is none. A full one
// stays open beside it until the day's end; the day of one that was closed by hand is over.
func (d *decision) openManifest(b scope.Scope, carrier, service string) string {
	key := runningKey(b, carrier, service)
	if r, ok := d.held[key].(running); ok {
		return r.Open
	}
	var r running
	old, _ := d.state(key, &r)
	m := d.manifested(b, r.Open)
	if m.Status == manifest.StatusOpen && len(m.Cartons) < manifest.MaxCartons {
		return r.Open
	}
	if d.err != nil {
		return ""
	}
	due, day := d.dayEnds(b, carrier, 0)
	for days := 1; (day < r.Day || day == r.Day && m.Status == manifest.StatusClosed) && days <= daysAhead; days++ {
		due, day = d.dayEnds(b, carrier, days)
	}
	if r.Day != day {
		r = running{Day: day}
	}
	r.No++
	r.Open = strings.Join(slices.DeleteFunc([]string{carrier, service, strings.ReplaceAll(day, "-", "")}, func(x string) bool { return x == "" }), "-")
	if r.No > 1 {
		r.Open += fmt.Sprintf("-%d", r.No)
	}
	events, err := d.manifested(b, r.Open).Open(manifest.Open{Scope: b, Manifest: r.Open, Carrier: carrier, Service: service, Day: day}, d.m.Now)
	if !d.onManifest(b, r.Open, events, err) {
		return ""
	}
	d.out.SetState(key, old, r)
	d.held[key] = r
	d.out.Timer("close/"+manifest.StreamOf(b, r.Open), manifest.Head{Scope: b, Manifest: r.Open}.Key(), "manifest.DayEnds", due, closing{b, r.Open})
	return r.Open
}

// daysAhead is how many days manifests are begun ahead that were each closed by hand; after that the
// last day has another.
const daysAhead = 7

// dayEnds is when the manifest that is begun now is closed, and of which day it is; that of so
// many days later where days is not 0.
func (d *decision) dayEnds(b scope.Scope, carrier string, days int) (due time.Time, day string) {
	zone := time.UTC
	if name := peek(d, d.f.facilities, facility.StreamOf(b)).Spec.TimeZone; name != "" {
		if z, err := time.LoadLocation(name); err == nil {
			zone = z
		}
	}
	closes := d.f.carriers[carrier].Closes
	now := d.m.Now.In(zone)
	at := func(days int) time.Time {
		if closes == 0 {
			return time.Date(now.Year(), now.Month(), now.Day()+days+1, 0, 0, 0, 0, zone)
		}
		return time.Date(now.Year(), now.Month(), now.Day()+days, 0, int(closes/time.Minute), 0, 0, zone)
	}
	if due = at(days); !at(0).After(now) {
		due = at(days + 1)
	}
	return due, due.Add(-time.Second).Format(time.DateOnly)
}

// offManifest takes a carton off a manifest that is still open.
func (d *decision) offManifest(b scope.Scope, at *heldDocked, sscc, reason string) {
	m := d.manifested(b, at.Manifest)
	if d.err != nil || m.Status != manifest.StatusOpen {
		return
	}
	events, err := m.Remove(manifest.Remove{Carton: sscc, Reason: reason}, d.m.Now)
	if d.onManifest(b, m.Manifest, events, err) {
		at.docked.Manifest = ""
		at.changed()
	}
}

// closeManifest ends a manifest: cartons that are labelled from now on go on the next.
func (d *decision) closeManifest(b scope.Scope, id string, c manifest.Close) {
	if c.Reason == "" {
		c.Reason = closedByHand
	}
	m := d.manifested(b, id)
	if d.err == nil && m.Status == "" {
		d.fail(fault.At("routes.Manifest", fault.Rejected, "manifest", fmt.Errorf("there is no manifest %.64q in %s", id, b.Facility)))
	}
	events, err := m.Close(c, d.m.Now)
	d.onManifest(b, id, events, err)
}

package routes

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/wave"
)

// LaborConfig is how long work takes, and who is there to do it.
type LaborConfig struct {
	Standards labor.Standards
	Shifts    []labor.Shift // of buildings that were given no plan of their own; without any nothing is calculated
	Every     time.Duration // how often it is calculated anew beside each wave: 5 min
}

// workload is what the workload service knows of one building: the waves that are not done.
type workload struct {
	Waves []string `json:"waves,omitempty"`
}

// planned is the work of an order of a wave as it was when the wave was planned or batched.
type planned struct {
	wave.Of
	Units int64        `json:"units"`
	Parts []labor.Part `json:"parts"`
}

const recalculate = "workload.Recalculate"

func (f *Flows) addWorkload() error {
	return f.hub.Add(Route{
		Name: "workload", About: "sets the work of waves and of orders that wait for one against the shifts, and tells what will miss its cut-off",
		// One at a time: all that it knows goes through one state a building.
		Topics: []string{onWaves}, Handle: f.workload, Parallel: 1, Parking: Parking{Independent: true},
		Types: takes(wave.Planned{}, wave.OrderAdded{}, wave.Batched{}, wave.Completed{}, wave.Cancelled{}, labor.Planned{}),
		// It reads what others plan, and writes of its own alone.
		Writes: []string{onWaves},
	})
}

func (f *Flows) workload(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	var h wave.Head
	var batched *wave.Batched
	ended := false
	switch e := m.Event.(type) {
	case wave.Planned:
		h = e.Head
	case wave.OrderAdded:
		h = e.Head
	case wave.Batched:
		h, batched = e.Head, &e
	case wave.Completed:
		h, ended = e.Head, true
	case wave.Cancelled:
		h, ended = e.Head, true
	case labor.Planned:
		h.Scope = e.Scope
	case nil:
		if err := m.Decode(&h.Scope); err != nil {
			return nil, err
		}
	default:
		return m.Out(), nil
	}
	w := d.knownWork(h.Scope)
	switch {
	case h.Wave == "":
	case ended:
		w.drop(h.Wave)
	default:
		w.note(h, batched)
	}
	w.recalculate()
	return d.done()
}

// knownWork is the work of a building within one run.
type knownWork struct {
	*decision
	scope scope.Scope
	all   workload
	old   journal.State
	now   map[string][]planned // waves that this run noted
}

func (d *decision) knownWork(s scope.Scope) *knownWork {
	w := &knownWork{decision: d, scope: s.Building(), now: map[string][]planned{}}
	w.old, _ = d.state(w.key(), &w.all)
	return w
}

func (w *knownWork) key(of ...string) string {
	return "workload/" + scope.Join(append([]string{w.scope.Tenant, w.scope.Facility}, of...)...)
}

// note keeps what a wave's orders have to be done: by its batches, or where there are none yet,
// as if each order were fetched by itself.
func (w *knownWork) note(h wave.Head, b *wave.Batched) {
	wv := peek(w.decision, w.f.waves, h.Stream())
	if wv.Status != wave.StatusPlanned && wv.Status != wave.StatusReleased {
		return
	}
	var jobs []planned
	if b != nil {
		jobs = w.batched(b)
	} else {
		for _, m := range wv.Orders {
			if m.Outcome == "" {
				jobs = append(jobs, planned{wave.Of{Owner: m.Owner, Order: m.Order.Order}, m.Units, w.parts(w.orderOf(m.Owner, m.Order.Order))})
			}
		}
	}
	if !slices.Contains(w.all.Waves, h.Wave) {
		w.all.Waves = append(slices.Clone(w.all.Waves), h.Wave)
		w.out.SetState(w.key(), w.old, w.all)
	}
	old, _ := w.stored(w.key(h.Wave))
	w.out.SetState(w.key(h.Wave), old, jobs)
	w.now[h.Wave] = jobs
}

// drop forgets a wave that is done.
func (w *knownWork) drop(id string) {
	if !slices.Contains(w.all.Waves, id) {
		return
	}
	w.all.Waves = slices.DeleteFunc(slices.Clone(w.all.Waves), func(x string) bool { return x == id })
	w.out.SetState(w.key(), w.old, w.all)
	if old, there := w.stored(w.key(id)); there {
		w.out.SetState(w.key(id), old, nil)
	}
}

// orderOf is an order of the building; what it does meanwhile is seen the next time.
func (w *knownWork) orderOf(owner, number string) order.Order {
	return peek(w.decision, w.f.orders, order.StreamOf(scope.Scope{Tenant: w.scope.Tenant, Owner: owner, Facility: w.scope.Facility}, number))
}

// batched is the work of a wave's orders by its batches: the way of a tour and its beginning are
// shared by its lines.
func (w *knownWork) batched(e *wave.Batched) []planned {
	type of struct {
		wave.Of
		zone string
	}
	var out []planned
	b := w.building(e.Scope)
	std := w.f.cfg.Labor.Standards
	for i := range e.Batches {
		x := &e.Batches[i]
		works := map[of]labor.Work{}
		var order []of
		for _, s := range x.Stops {
			zone := b.Effective(w.location(e.Scope, s.Location).Spec).Zone
			for _, p := range s.Picks {
				k := of{p.Of, zone}
				v, seen := works[k]
				if !seen {
					order = append(order, k)
				}
				v.Lines, v.Units, v.Travel = v.Lines+1, v.Units+p.Qty, v.Travel+measure.Length(x.Length/x.Lines)
				works[k] = v
			}
		}
		for n, k := range order {
			v := works[k]
			if n == 0 {
				v.Tasks = 1
			}
			at := slices.IndexFunc(out, func(j planned) bool { return j.Of == k.Of })
			if at < 0 {
				at = len(out)
				out = append(out, planned{Of: k.Of})
			}
			out[at].Units += v.Units
			out[at].Parts = append(out[at].Parts, labor.Part{Kind: labor.Pick, Zone: k.zone, Time: std.Time(labor.Pick, k.zone, v)})
		}
	}
	for i := range out {
		o := w.orderOf(out[i].Owner, out[i].Order)
		out[i].Parts = append(out[i].Parts, w.packingOf(o))
	}
	return out
}

// recalculate sets what is left of all work against the shifts, and looks again after a while.
func (w *knownWork) recalculate() {
	d := w.decision
	cur := load(d, d.f.workloads, labor.StreamOf(w.scope))
	if d.err != nil || !cur.Planned && len(d.f.cfg.Labor.Shifts) == 0 {
		return
	}
	var jobs []labor.Job
	for _, id := range w.all.Waves {
		orders, noted := w.now[id]
		if !noted {
			d.state(w.key(id), &orders)
		}
		for _, p := range orders {
			if o := w.orderOf(p.Owner, p.Order); o.InWave == id {
				jobs = append(jobs, jobOf(o, id, remaining(o, p)))
			}
		}
	}
	jobs = append(jobs, w.waiting()...)
	events, err := cur.Recalculate(labor.Recalculate{
		Scope: w.scope, Shifts: d.f.cfg.Labor.Shifts, Jobs: jobs, Zone: zoneOf(d.building(w.scope)),
	}, d.m.Now)
	add(d, d.f.workloads, labor.StreamOf(w.scope), events, err)
	if len(jobs) > 0 {
		h := labor.Head{Scope: w.scope}
		d.out.Timer(h.Stream(), h.Key(), recalculate, d.m.Now.Add(d.f.cfg.Labor.Every), w.scope)
	}
}

func jobOf(o order.Order, id string, parts []labor.Part) labor.Job {
	return labor.Job{Owner: o.Scope.Owner, Order: o.Number, Wave: id, CutOff: o.Dates.ShipBy, Priority: o.Priority, Parts: parts}
}

// remaining is what is left of an order's work: of the picking as much as is not picked, of the
// packing as much as is not packed.
func remaining(o order.Order, p planned) []labor.Part {
	t := o.Totals()
	parts := slices.Clone(p.Parts)
	for i := range parts {
		units := t.Allocated
		if parts[i].Kind == labor.Pack {
			units += t.Picked
		}
		if p.Units > 0 && units < p.Units {
			parts[i].Time = parts[i].Time * units / p.Units
		}
	}
	return parts
}

// waiting is the work of the orders that wait for a wave.
func (w *knownWork) waiting() (out []labor.Job) {
	for i := range w.f.templates {
		t := &w.f.templates[i]
		in := w.m.In()
		in.Route = planRoute
		g, there, err := w.f.pools(t, false, nil).Standing(w.ctx, in, poolKey(w.scope, t))
		if err != nil {
			w.fail(err)
		}
		if !there {
			continue
		}
		for _, of := range g.Value.Orders {
			if o := w.orderOf(of.Owner, of.Order); wavable(o) {
				out = append(out, jobOf(o, "", w.parts(o)))
			}
		}
	}
	return out
}

// parts is the work of an order as if it were fetched by itself, its way not counted.
func (d *decision) parts(o order.Order) (out []labor.Part) {
	b := d.building(o.Scope)
	std := d.f.cfg.Labor.Standards
	picks := map[string]labor.Work{} // by zone
	for i, p := range d.work(o.Scope, o.Number).Places {
		zone := b.Effective(d.location(o.Scope, p.Place.Location).Spec).Zone
		w := picks[zone]
		if i == 0 {
			w.Tasks = 1
		}
		w.Lines, w.Units = w.Lines+1, w.Units+p.Qty
		picks[zone] = w
	}
	for _, zone := range slices.Sorted(maps.Keys(picks)) {
		out = append(out, labor.Part{Kind: labor.Pick, Zone: zone, Time: std.Time(labor.Pick, zone, picks[zone])})
	}
	return append(out, d.packingOf(o))
}

// packingOf is the work of packing what an order has a place for or is picked, into a carton.
func (d *decision) packingOf(o order.Order) labor.Part {
	w := labor.Work{Tasks: 1, Cartons: 1}
	for _, l := range o.Lines {
		if n := l.Allocated + l.Picked; n > 0 {
			w.Lines, w.Units = w.Lines+1, w.Units+n
		}
	}
	return labor.Part{Kind: labor.Pack, Time: d.f.cfg.Labor.Standards.Time(labor.Pack, "", w)}
}

package routes

import (
	"slices"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/labor"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/replenish"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/routes/eip"
)

func (f *Flows) addWaveDoor() error {
	return f.hub.Add(Route{
		Name: door.Waves, About: "plans, releases and cancels waves by hand",
		Handle: f.ask(door.Waves, f.askWave), Writes: []string{onWaves, onOrders, onAudit},
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

func (f *Flows) askWave(d *decision, a *door.Ask) (answered, error) {
	s, id := a.Scope.Building(), a.ID
	var events []event.Event
	var err error
	switch c := a.Cmd.(type) {
	case wave.Plan:
		if c.Scope == (scope.Scope{}) {
			c.Scope = s
		}
		if c.Wave == "" {
			c.Wave = id
		}
		s, id, a.ID = c.Scope.Building(), c.Wave, c.Wave
		c.Orders = slices.Clone(c.Orders)
		for i, of := range c.Orders {
			if of.Share() == (wave.Limits{Orders: 1}) { // whoever knows no better
				c.Orders[i] = d.shareOf(s, of)
			}
		}
		if events, err = d.wave(s, id).Plan(c, d.m.Now); err != nil {
			return answered{}, err
		}
		for _, of := range c.Orders {
			at := scope.Scope{Tenant: s.Tenant, Owner: of.Owner, Facility: s.Facility}
			waved, err := d.order(at, of.Order).Wave(order.Wave{Wave: id}, d.m.Now)
			d.onOrder(at, of.Order, waved, err)
		}
	case wave.Release:
		events, err = d.wave(s, id).Release(c, d.m.Now)
	case labor.Plan:
		if c.Scope == (scope.Scope{}) {
			c.Scope = s
		}
		was := load(d, d.f.workloads, labor.StreamOf(c.Scope))
		events, err = was.Plan(c, d.m.Now)
		add(d, d.f.workloads, labor.StreamOf(c.Scope), events, err)
		return answered{load(d, d.f.workloads, labor.StreamOf(c.Scope)), len(events) > 0}, d.err
	case wave.Ask:
		events, err = d.wave(s, id).Ask(c, d.m.Now)
	case wave.Add:
		events, err = d.addToWave(s, id, c.Order)
	case wave.Finish:
		return d.removeFromWave(s, id, c)
	case wave.Move:
		return d.moveToWave(s, id, c)
	case wave.Preview:
		p, err := d.previewWaves(s, c.Of)
		return answered{p, false}, err
	case wave.Cancel:
		events, err = d.wave(s, id).Cancel(c, d.m.Now)
	default:
		return answered{}, wrongCommand(door.Waves, a.Cmd)
	}
	d.onWave(s, id, events, err)
	return answered{d.wave(s, id), len(events) > 0}, d.err
}

// shareOf is an order of a wave with what it takes of the limits.
func (d *decision) shareOf(s scope.Scope, of wave.Order) wave.Order {
	o := d.order(scope.Scope{Tenant: s.Tenant, Owner: of.Owner, Facility: s.Facility}, of.Order)
	if !o.Known() {
		return of // which is refused below
	}
	return d.candidate(o).Order
}

// addToWave puts an order into a planned wave.
func (d *decision) addToWave(s scope.Scope, id string, of wave.Order) ([]event.Event, error) {
	if of.Share() == (wave.Limits{Orders: 1}) {
		of = d.shareOf(s, of)
	}
	events, err := d.wave(s, id).Add(wave.Add{Order: of}, d.m.Now)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	at := scope.Scope{Tenant: s.Tenant, Owner: of.Owner, Facility: s.Facility}
	waved, err := d.order(at, of.Order).Wave(order.Wave{Wave: id}, d.m.Now)
	d.onOrder(at, of.Order, waved, err)
	return events, err
}

// removeFromWave takes an order out of a planned wave, to be planned again.
func (d *decision) removeFromWave(s scope.Scope, id string, c wave.Finish) (answered, error) {
	w := d.wave(s, id)
	o := d.order(scope.Scope{Tenant: s.Tenant, Owner: c.Owner, Facility: s.Facility}, c.Order)
	switch {
	case d.err != nil:
		return answered{}, d.err
	case w.Status != wave.StatusPlanned:
		return answered{}, missing(door.Waves, "wave", "wave "+id+" is "+string(w.Status)+": orders leave planned waves; cancel the order, or the wave")
	case o.InWave != id:
		return answered{}, missing(door.Waves, "order", "order "+c.Order+" is not in wave "+id)
	}
	d.leaveWave(o, wave.OutRemoved)
	return answered{d.wave(s, id), true}, d.err
}

// moveToWave takes an order out of one planned wave into another, in one unit.
func (d *decision) moveToWave(s scope.Scope, id string, c wave.Move) (answered, error) {
	if c.To == id {
		return answered{}, missing(door.Waves, "to", "order "+c.Order+" is in wave "+id+" already")
	}
	of := d.shareOf(s, wave.Order{Owner: c.Owner, Order: c.Order})
	got, err := d.removeFromWave(s, id, wave.Finish{Owner: c.Owner, Order: c.Order, Outcome: wave.OutRemoved})
	if err != nil {
		return got, err
	}
	events, err := d.addToWave(s, c.To, of)
	d.onWave(s, c.To, events, err)
	return answered{d.wave(s, c.To), true}, d.err
}

func (f *Flows) addFloorDoor() error {
	return f.hub.Add(Route{
		Name: door.Floor, About: "takes what people on the floor do: claims, picks, shorts, cartons",
		Handle:   f.ask(door.Floor, f.askFloor),
		Writes:   []string{onTasks, onPicks, onPacks, onOrders, onInventory, onPutAways, onFreeWorkers, onAudit},
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

func (f *Flows) askFloor(d *decision, a *door.Ask) (answered, error) {
	s, id, now := a.Scope, a.ID, d.m.Now
	var events []event.Event
	var err error
	switch c := a.Cmd.(type) {
	case task.Claim:
		t := d.task(s, id)
		if err := d.mayBegin(t); err != nil { // nobody begins what is not ready, or for an order that is on hold
			return answered{}, err
		}
		events, err = t.Claim(c, now)
	case task.Next:
		return d.next(s, a, c)
	case task.Renew:
		events, err = d.task(s, id).Renew(c, now)
	case task.Release:
		events, err = d.task(s, id).Release(c, now)
		if err == nil {
			d.gaveBack(s, id, c.Worker)
		}
	case task.Complete:
		events, err = d.completeTask(s, id, c)
	case replenish.Moved:
		d.bring(s, id, c)
		return answered{d.task(s, id), true}, d.err
	case putaway.Put:
		before := d.task(s, id).Status
		d.putAway(s, id, c)
		return answered{d.task(s, id), before != task.StatusCompleted}, d.err
	case pick.Confirm:
		d.confirm(s, id, c)
		return answered{d.pick(s, id), true}, d.err
	case pick.Short:
		d.short(s, id, c)
		return answered{d.pick(s, id), true}, d.err
	case pick.Sort:
		return d.sort(s, id, c)
	case pick.Look:
		return d.toPut(s, id)
	default:
		if got, done, err := d.askPack(s, id, a.Cmd); done {
			return got, err
		}
		return answered{}, wrongCommand(door.Floor, a.Cmd)
	}
	d.onTask(s, id, events, err)
	return answered{d.task(s, id), len(events) > 0}, d.err
}

// completeTask ends a task whose pick list is done; one that is not would leave goods
// allocated that nobody fetches.
func (d *decision) completeTask(s scope.Scope, id string, c task.Complete) ([]event.Event, error) {
	t := d.task(s, id)
	if t.Kind == task.KindPick && t.Status == task.StatusClaimed && d.pick(s, id).Status == pick.StatusOpen {
		return nil, missing(door.Floor, "task", "task "+id+" has steps that were neither picked nor shorted")
	}
	if t.Kind == task.KindCount && t.Status == task.StatusClaimed {
		return nil, missing(door.Floor, "task", "task "+id+" asks for a number: tell the count what lies there, which ends it")
	}
	if t.Kind == task.KindReplenish && t.Status == task.StatusClaimed {
		return nil, missing(door.Floor, "task", "task "+id+" brings goods: say what was moved, which ends it")
	}
	if t.Kind == task.KindPutAway && t.Status == task.StatusClaimed {
		return nil, missing(door.Floor, "task", "task "+id+" puts goods away: scan the place where they lie, which ends it")
	}
	return t.Complete(c, d.m.Now)
}

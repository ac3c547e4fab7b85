package routes

import (
	"cmp"
	"fmt"

	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/routes/eip"
)

func (f *Flows) addMasterDoor() error {
	return f.hub.Add(Route{
		Name: door.Master, About: "takes owners, items, locations, buildings, workers and cross-references",
		Handle: f.ask(door.Master, f.askMaster), Writes: []string{onInventory, onTasks, onExternal, onAudit},
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

func (f *Flows) askMaster(d *decision, a *door.Ask) (answered, error) {
	var events []event.Event
	var err error
	now := d.m.Now
	switch c := a.Cmd.(type) {
	case item.Register:
		if c.Scope == (scope.Scope{}) {
			c.Scope = a.Scope
		}
		if c.SKU == "" {
			c.SKU = a.ID
		}
		if err := checkRotation(c.Spec); err != nil {
			return answered{}, err
		}
		if !d.ownerKnown(door.Master, c.Scope) {
			return answered{}, d.err
		}
		c.HasStock = c.Update && d.stocks(c.Scope, c.SKU)
		was := d.item(c.Scope, c.SKU).Spec.Codes
		events, err = d.item(c.Scope, c.SKU).Register(c, now)
		if add(d, d.f.items, item.StreamOf(c.Scope, c.SKU), events, err) && len(events) > 0 {
			d.noteCodes(c.Scope, c.SKU, was, c.Spec.Codes)
		}
		return answered{d.item(c.Scope, c.SKU), len(events) > 0}, d.err
	case item.Change:
		if err := checkRotation(c.Spec); err != nil {
			return answered{}, err
		}
		it := d.item(a.Scope, a.ID)
		c.HasStock = d.stocks(a.Scope, a.ID)
		events, err = it.Change(c, now)
		if add(d, d.f.items, item.StreamOf(a.Scope, a.ID), events, err) && len(events) > 0 {
			d.noteCodes(a.Scope, a.ID, it.Spec.Codes, c.Spec.Codes)
		}
		return answered{d.item(a.Scope, a.ID), len(events) > 0}, d.err
	}
	for _, ask := range []func(*door.Ask) (answered, bool, error){d.askOwner, d.askFacility, d.askWorker, d.askCrossref} {
		if got, done, err := ask(a); done {
			return got, err
		}
	}
	s, code := a.Scope.Building(), a.ID
	if c, ok := a.Cmd.(location.Register); ok {
		if c.Scope == (scope.Scope{}) {
			c.Scope = s
		}
		if c.Code == "" {
			c.Code = code
		}
		s, code, a.Cmd = c.Scope.Building(), c.Code, c
	}
	l := load(d, d.f.locations, location.StreamOf(s, code))
	switch c := a.Cmd.(type) {
	case location.Register:
		if events, err = l.Register(c, now); len(events) > 0 {
			err = d.facility(s).Spec.Places(c.Spec)
		}
	case location.Change:
		if events, err = l.Change(c, now); len(events) > 0 {
			err = d.facility(s).Spec.Places(c.Spec)
		}
	case location.Block:
		events, err = l.Block(c, now)
	case location.Unblock:
		events, err = l.Unblock(c, now)
	default:
		return answered{}, wrongCommand(door.Master, a.Cmd)
	}
	add(d, d.f.locations, location.StreamOf(s, code), events, err)
	d.noteShelf(d.location(s, code))
	return answered{d.location(s, code), len(events) > 0}, d.err
}

// checkRotation refuses a strategy of allocation that nobody knows.
func checkRotation(s item.Spec) error {
	if err := inventory.CheckStrategy(s.Rotation); err != nil {
		return fault.At("routes.Master", fault.Invalid, "rotation", err)
	}
	return nil
}

// stocks reports whether any building has stock of an item.
func (d *decision) stocks(s scope.Scope, sku string) bool {
	for _, name := range append([]string{d.f.cfg.Facility, s.Facility}, d.f.cfg.Facilities...) {
		s.Facility = name
		if d.stock(keyOf(s, sku)).OnHand() > 0 {
			return true
		}
	}
	return false
}

// askFacility takes what is about a building; done is false where the command is not.
func (d *decision) askFacility(a *door.Ask) (got answered, done bool, err error) {
	s := a.Scope.Building()
	if c, ok := a.Cmd.(facility.Register); ok {
		if c.Scope == (scope.Scope{}) {
			c.Scope = s
		}
		s, a.Cmd = c.Scope.Building(), c
		if err := d.f.building(s.Facility); err != nil {
			return answered{}, true, err
		}
	}
	f := load(d, d.f.facilities, facility.StreamOf(s))
	var events []event.Event
	switch c := a.Cmd.(type) {
	case facility.Register:
		events, err = f.Register(c, d.m.Now)
	case facility.Change:
		events, err = f.Change(c, d.m.Now)
	default:
		return answered{}, false, nil
	}
	add(d, d.f.facilities, facility.StreamOf(s), events, err)
	return answered{load(d, d.f.facilities, facility.StreamOf(s)), len(events) > 0}, true, d.err
}

// askWorker takes what is about a worker; done is false where the command is not.
func (d *decision) askWorker(a *door.Ask) (got answered, done bool, err error) {
	s, id := a.Scope.Building(), a.ID
	w := load(d, d.f.workers, crew.StreamOf(s, id))
	var events []event.Event
	switch c := a.Cmd.(type) {
	case crew.Register:
		c.Scope, c.Worker = s, id
		events, err = w.Register(c, d.m.Now)
	case crew.Change:
		events, err = w.Change(c, d.m.Now)
	case crew.Retire:
		events, err = w.Retire(c, d.m.Now)
	default:
		return answered{}, false, nil
	}
	if add(d, d.f.workers, crew.StreamOf(s, id), events, err) && len(events) > 0 {
		d.enrol(load(d, d.f.workers, crew.StreamOf(s, id)))
	}
	return answered{load(d, d.f.workers, crew.StreamOf(s, id)), len(events) > 0}, true, d.err
}

// facility is the master data of the scope's building, the zero one where nobody registered it.
func (d *decision) facility(s scope.Scope) facility.Facility {
	return peek(d, d.f.facilities, facility.StreamOf(s.Building()))
}

func (f *Flows) addStockDoor() error {
	return f.hub.Add(Route{
		Name: door.Stock, About: "takes receipts, adjustments, transfers, quarantines, reservations, counts and replenishments",
		Handle: f.ask(door.Stock, f.askStock), Writes: []string{onInventory, onOrders, onTasks, onPutAways, onAudit},
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

// StockView is an item's stock as the doors answer. The balances are the truth about what
// may be promised.
type StockView struct {
	inventory.Stock
	Available int64 `json:"available_to_promise"`
	OnHand    int64 `json:"on_hand"`
}

func (f *Flows) askStock(d *decision, a *door.Ask) (answered, error) {
	now := d.m.Now
	k := keyOf(a.Scope, a.ID)
	switch c := a.Cmd.(type) {
	case inventory.Receive:
		k = bookOf(c.BookKey, k)
		c.BookKey = k
		if c.From != inventory.Return && !d.ownerTakes("routes.Stock", k.Scope) {
			return answered{}, d.err
		}
		d.bringIn(c)
	case inventory.Adjust:
		k = bookOf(c.BookKey, k)
		c.BookKey = k
		if !d.liesThere(k, c.Location) {
			return answered{}, d.err
		}
		if err := f.reasonCode(c.Reason); err != nil {
			return answered{}, err
		}
		if c.Delta > 0 && c.Stage == inventory.Free {
			c.Stage = d.goodStage(k.Scope, c.Location)
		}
		if d.lacks(k, c.In(c.Stage), -c.Delta, true) {
			return answered{}, d.err
		}
		c.Tracking = d.item(k.Scope, k.Item).Spec.Tracking
		if c.Delta > 0 && !d.knownLot(k, c.Lot, c.Tracking) || c.Delta > 0 && !d.serialsAway(k, c.Serials) {
			return answered{}, d.err
		}
		if c.Delta < 0 {
			c.Kept = d.serialsKept(k, c.Serials, c.Stage)
		}
		events, posts, err := c.Decide(now)
		d.onStock(k, events, posts, err)
		d.restage(events)
		d.leftTote(events)
	case inventory.Transfer:
		k = bookOf(c.BookKey, k)
		c.BookKey = k
		stage := cmp.Or(c.Stage, inventory.Free)
		if c.Stage == "" && d.balance(k.Book(), c.From.In(inventory.Free).String()) == 0 && d.balance(k.Book(), c.From.In(inventory.Received).String()) > 0 {
			c.Stage, stage = inventory.Received, inventory.Received
		}
		if !d.stocked(k, c.To.Location) || d.lacks(k, c.From.In(stage), c.Qty, false) {
			return answered{}, d.err
		}
		if c.From.Location != c.To.Location && (d.wrongPlace(k, stage, c.To.Location) || d.noRoom(k, c.To, c.Qty)) {
			return answered{}, d.err
		}
		if d.serialsKept(k, c.Serials, stage); !d.serialsWhich(k, c.Serials, c.Qty, c.From, stage) {
			return answered{}, d.err
		}
		events, posts, err := c.Decide(now)
		switch moved := d.onStock(k, events, posts, err) && c.From.Location != c.To.Location; {
		case moved && stage == inventory.Received:
			d.standsAt(k, c.To, c.Qty)
		case moved:
			d.standsBefore(k, c.To, stage)
		}
		d.leftTote(events)
		d.standsOnce(k, c.To)
	case inventory.Quarantine:
		return d.quarantine(bookOf(c.BookKey, k), c)
	case inventory.Settle:
		k = bookOf(c.BookKey, k)
		c.BookKey = k
		if err := f.reasonCode(c.Reason); err != nil {
			return answered{}, err
		}
		if !d.liesThere(k, c.Location) {
			return answered{}, d.err
		}
		c.Tracking = d.item(k.Scope, k.Item).Spec.Tracking
		if lies, _ := d.stock(k).Shelf(c.Place); c.Counted > lies.Total() && !d.knownLot(k, c.Lot, c.Tracking) {
			return answered{}, d.err
		}
		d.settleStock(c)
	case inventory.ChangeStatus:
		k = bookOf(c.BookKey, k)
		c.BookKey = k
		if c.To == inventory.Free && c.From != inventory.Received {
			c.To = d.goodStage(k.Scope, c.Location)
		}
		if !d.liesThere(k, c.Location) || d.lacks(k, c.In(c.From), c.Qty, true) {
			return answered{}, d.err
		}
		c.Serials, c.Kept = d.serialsMeant(k, c.Serials, c.Qty, c.From, c.To)
		events, posts, err := c.Decide(now)
		d.onStock(k, events, posts, err)
		d.restage(events)
	default:
		for _, ask := range []func(*door.Ask) (answered, bool, error){d.askReservation, d.askCount, d.askReplenish} {
			if got, done, err := ask(a); done {
				return got, err
			}
		}
		return answered{}, wrongCommand(door.Stock, a.Cmd)
	}
	return answered{d.stockView(k), true}, d.err
}

// settleStock makes the books of a place agree with what was counted there.
func (d *decision) settleStock(c inventory.Settle) {
	c.Good = d.goodStage(c.Scope, c.Location)
	events, posts, err := c.Decide(d.balance, d.m.Now)
	if d.onStock(c.BookKey, events, posts, err) {
		d.restage(events)
		d.leftTote(events)
	}
}

// knownLot refuses goods of an item whose lots or expiry are tracked where nobody said which lot
// they are of, or when it expires: nobody would ever ask for it again.
func (d *decision) knownLot(k inventory.BookKey, lot string, t item.Tracking) bool {
	switch {
	case d.err != nil:
	case t.Lot && lot == "":
		d.fail(missing("routes.Stock", "lot", "item "+k.Item+" is tracked by lot: say which lot they are of"))
	case t.Expiry && d.stock(k).Expires(lot) == "":
		d.fail(missing("routes.Stock", "lot", fmt.Sprintf("nobody said when lot %q of item %s expires: receive these goods with their expiry", lot, k.Item)))
	}
	return d.err == nil
}

// bringIn books goods that come in, as far as the item's master data and the place allow.
func (d *decision) bringIn(c inventory.Receive) {
	k := c.BookKey
	if !d.stocked(k, c.Location) {
		return
	}
	d.item(k.Scope, k.Item) // the unit depends on it
	it := d.itemRules(k.Scope, k.Item)
	c.Tracking, c.Status, c.MinDays = it.Tracking, it.Status, it.ShelfLife.Receive
	if !d.serialsAway(k, c.Serials) || c.From != inventory.Opening && d.noRoom(k, c.Place, c.Qty) {
		return
	}
	events, posts, err := c.Decide(d.stock(k), d.m.Now)
	d.onStock(k, events, posts, err)
	d.standsOnce(k, c.Place)
}

func (d *decision) stockView(k inventory.BookKey) StockView {
	st := d.stock(k)
	return StockView{st, d.balance(k.Book(), inventory.ATP), st.OnHand()}
}

func bookOf(k, asked inventory.BookKey) inventory.BookKey {
	if k.Scope == (scope.Scope{}) {
		k.Scope = asked.Scope
	}
	if k.Item == "" {
		k.Item = asked.Item
	}
	return k
}

// stocked refuses stock of an item, or in a place, that nobody registered.
func (d *decision) stocked(k inventory.BookKey, code string) bool {
	if err := k.Validate(); err != nil {
		d.fail(err)
		return false
	}
	d.ownerKnown("routes.Stock", k.Scope)
	if it := d.item(k.Scope, k.Item); d.err == nil && !it.Known() {
		d.fail(missing("routes.Stock", "item", "item "+k.Item+" is not known: register it first"))
	}
	if scope.CheckPart(code) == nil { // a bad name is told by the command itself
		if l := d.location(k.Scope, code); d.err == nil && !l.Known() {
			d.fail(missing("routes.Stock", "location", "location "+code+" is not known: register it first"))
		}
	}
	return d.err == nil
}

// lacks answers what the floors would answer over and over: that the goods are not there,
// or are promised.
func (d *decision) lacks(k inventory.BookKey, from inventory.Account, qty int64, leavesFree bool) bool {
	if qty <= 0 || d.err != nil {
		return d.err != nil
	}
	have, where := d.balance(k.Book(), from.String()), "at "+from.Location
	if atp := d.balance(k.Book(), inventory.ATP); leavesFree && from.Stage == inventory.Free && atp < have {
		have, where = atp, "that nobody was promised"
	}
	if have < qty && d.err == nil {
		d.fail(fault.At("routes.Stock", fault.Rejected, "qty",
			fmt.Errorf("%d of item %s asked for, %d are %s there %s", qty, k.Item, have, from.Stage, where)))
	}
	return d.err != nil
}

package routes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

// Topic and type of what is to be put away.
const (
	onPutAways = "putaway-work"
	putThese   = "putaway.Direct"
)

// toPutAway are goods at a place before the shelves: of one item and lot, or of one LPN.
type toPutAway struct {
	scope.Scope
	Location string    `json:"location"`
	LPN      string    `json:"lpn,omitempty"`
	Goods    []loading `json:"goods"`
	// Home is where they came from, where they are put back.
	Home string `json:"home,omitempty"`
	// Ends says that goods went away otherwise: tasks that lost theirs end, and none is made.
	Ends bool `json:"ends,omitempty"`
}

type loading struct {
	Item string `json:"item"`
	Lot  string `json:"lot,omitempty"`
}

// takings are what tasks are to take from there.
type takings struct {
	Tasks []taking `json:"tasks"`
	// Stays are the goods of which was told that they stay for now.
	Stays []stay `json:"stays,omitempty"`
}

type stay struct {
	part
	Because string `json:"because"`
}

type taking struct {
	Task  string `json:"task"`
	To    string `json:"to"`
	Goods []part `json:"goods"`
	// Turned says that the goods became something else under the worker's hands, and Back that he
	// brings them back to where he took them.
	Turned bool `json:"turned,omitempty"`
	Back   bool `json:"back,omitempty"`
}

type part struct {
	loading
	Stage string `json:"stage"`
	Qty   int64  `json:"qty"`
}

// key names what leaves together: an LPN, or an item's lot.
func (w toPutAway) key() string {
	k := "putaway/" + scope.Join(w.Tenant, w.Facility, w.Location, w.LPN, w.Owner)
	if w.LPN == "" && len(w.Goods) > 0 {
		k += "/" + scope.Join(w.Goods[0].Item, w.Goods[0].Lot)
	}
	return k
}

func (w toPutAway) place(g loading) inventory.Place {
	return inventory.Place{Location: w.Location, Lot: g.Lot, LPN: w.LPN}
}

// waitsForRoom is how long goods wait that find no place, before it is looked for again.
const waitsForRoom = 5 * time.Minute

func (f *Flows) addPutAways() error {
	return f.hub.Add(Route{
		Name: "stock.putaway", About: "says where goods at the dock are put, and why there, and makes the tasks",
		Topics: []string{onPutAways, onTasks}, Handle: f.putAways,
		Types:  append(takes(task.Cancelled{}), putThese),
		Writes: []string{onInventory, onTasks},
	})
}

func (f *Flows) putAways(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case task.Cancelled:
		if e.Kind == task.KindPutAway {
			w := d.endPutAway(d.task(e.Scope, e.Task))
			d.tryLater(w)
		}
	case nil:
		if m.Type != putThese {
			return nil, fault.E(m.route, fault.Invalid, fmt.Errorf("%s is no work of this route", m.Type))
		}
		var w toPutAway
		if err := m.Decode(&w); err != nil {
			return nil, err
		}
		d.direct(w)
	}
	return d.done()
}

// tryLater looks for room again after a while.
func (d *decision) tryLater(w toPutAway) {
	if d.err == nil && len(w.Goods) > 0 {
		d.out.Timer(w.key(), w.key(), putThese, d.m.Now.Add(waitsForRoom), w)
	}
}

// putLater lets goods be put away that this unit has brought to a place before the shelves.
func (d *decision) putLater(w toPutAway) {
	if len(w.Goods) > 0 {
		d.out.Publish(onPutAways, putThese, w.key(), w)
	}
}

// restage lets goods be put away that turned out to be good, or damaged, or to be there at all, where
// such are not kept.
func (d *decision) restage(events []event.Event) {
	for _, e := range events {
		var p inventory.Place
		var stage string
		var k inventory.BookKey
		switch e := e.(type) {
		case inventory.StockStatusChanged:
			k, p, stage = e.BookKey, e.Place, e.To
		case inventory.StockAdjusted:
			if k, p, stage = e.BookKey, e.Place, e.Stage; e.Delta < 0 {
				continue
			}
		default:
			continue
		}
		l := d.location(k.Scope, p.Location).Spec
		if stage == inventory.Damaged && l.Purpose != location.Quarantine || stage == inventory.Received || stage == inventory.Free && !stores(l) {
			d.putLater(toPutAway{Scope: k.Scope, Location: p.Location, LPN: p.LPN, Goods: []loading{{k.Item, p.Lot}}})
		}
	}
}

// wentAway lets tasks end that are to take goods which were held back or went elsewhere. A task that
// is being made in this moment is not to be seen yet: where there may be one, it is looked for later.
func (d *decision) wentAway(events []event.Event) {
	for _, e := range events {
		var k inventory.BookKey
		var p inventory.Place
		var stage string
		switch e := e.(type) {
		case inventory.StockStatusChanged:
			k, p, stage = e.BookKey, e.Place, e.From
		case inventory.StockTransferred:
			k, p, stage = e.BookKey, e.From, e.Stage
		case inventory.StockAdjusted:
			k, p, stage = e.BookKey, e.Place, e.Stage
			if e.Delta > 0 {
				continue
			}
		default:
			continue
		}
		w := toPutAway{Scope: k.Scope, Location: p.Location, LPN: p.LPN, Goods: []loading{{k.Item, p.Lot}}, Ends: true}
		if _, found := d.stored(w.key()); found || stage == inventory.Received || !stores(d.location(k.Scope, p.Location).Spec) {
			d.putLater(w)
		}
	}
}

// putComing is what of an item is on its way to a place by put-aways.
func (d *decision) putComing(k inventory.BookKey, code string) int64 {
	var n int64
	for _, c := range d.shelf(k.Scope, code).Coming {
		if c.ownItem == (ownItem{k.Owner, k.Item}) {
			n += c.Qty
		}
	}
	return n
}

// direct makes tasks of what stands there and no task takes yet. Work that comes twice finds
// nothing to do.
func (d *decision) direct(w toPutAway) {
	if len(w.Goods) == 0 {
		return
	}
	var l takings
	old, _ := d.state(w.key(), &l)
	l.Tasks = slices.Clone(l.Tasks)
	w.Goods = d.standsOn(w, l)
	d.leftBehind(w, &l)
	good, held, shares := d.good(w, &l)
	if w.LPN != "" && len(good) > 0 && d.recallAll(w, &l) { // more stands on it than its task knows
		good, held, shares = d.good(w, &l)
	}
	bad := d.bad(w, &l)
	if d.err != nil {
		return
	}
	stays := staying{was: l.Stays}
	switch {
	case w.Ends:
		stays.is = slices.DeleteFunc(slices.Clone(l.Stays), func(x stay) bool {
			return d.balance(keyOf(w.Scope, x.Item).Book(), w.place(x.loading).In(x.Stage).String()) == 0
		})
	case w.LPN == "":
		for _, x := range slices.Concat(good, bad) {
			d.directLoose(w, &l, &stays, x)
		}
	case shares || held > 0 && (len(good) > 0 || held > l.held(w, bad)): // a pallet of which a part is held waits for who judges it
		d.stay(w, &stays, slices.Concat(good, bad), putaway.MixedLPN, nil)
	case len(good) > 0:
		d.directAll(w, &l, &stays, good)
		d.stay(w, &stays, bad, putaway.MixedLPN, nil) // they are taken off it by hand
	default:
		d.directAll(w, &l, &stays, bad)
	}
	l.Stays = stays.is
	switch {
	case len(l.Tasks)+len(l.Stays) > 0:
		d.out.SetState(w.key(), old, l)
	case old.Data != nil:
		d.out.SetState(w.key(), old, nil)
	}
	if stays.again || slices.ContainsFunc(l.Tasks, func(x taking) bool { return x.Back }) {
		w.Ends = false
		d.tryLater(w)
	}
}

// good are the goods of a work that no task takes yet and that belong on shelves. held is how much of
// them is held back, and shares says that there are some that stay on the shelf.
func (d *decision) good(w toPutAway, l *takings) (good []part, held int64, shares bool) {
	onShelf := stores(d.location(w.Scope, w.Location).Spec)
	for _, g := range w.Goods {
		k, p := keyOf(w.Scope, g.Item), w.place(g)
		held += d.balance(k.Book(), p.In(inventory.Held).String())
		for _, stage := range [...]string{inventory.Received, inventory.Free} {
			have := d.balance(k.Book(), p.In(stage).String())
			if onShelf && !w.Ends { // only what is damaged or held back goes away from there
				shares = shares || w.LPN != "" && have > 0
				continue
			}
			good = append(good, d.rest(w, l, g, stage, have)...)
		}
	}
	return good, held, shares
}

// staying gathers what is not put away for now. Nobody is told twice.
type staying struct {
	was, is []stay
	again   bool // room may come
}

// stay says that goods stay where they are, and why.
func (d *decision) stay(w toPutAway, s *staying, parts []part, because string, refused []inventory.Skipped) {
	for _, x := range parts {
		s.again = s.again || because == putaway.NoRoom || because == putaway.NoPlace && !isHeld(x.Stage)
		is := stay{x, because}
		s.is = append(s.is, is)
		if slices.Contains(s.was, is) {
			continue
		}
		k := keyOf(w.Scope, x.Item)
		events, err := inventory.DeferPutAway{
			BookKey: k, Place: w.place(x.loading), Stage: x.Stage, Qty: x.Qty, Because: because, Refused: refused,
		}.Decide(d.m.Now)
		d.onStock(k, events, nil, err)
	}
}

// takes is how much of goods in a stage tasks are to take.
func (l takings) takes(g loading, stage string) int64 {
	var n int64
	for _, t := range l.Tasks {
		for _, x := range t.Goods {
			if x.loading == g && x.Stage == stage {
				n += x.Qty
			}
		}
	}
	return n
}

// held is how much of what is held on an LPN is taken away with it.
func (l takings) held(w toPutAway, bad []part) int64 {
	var n int64
	for _, x := range bad {
		if x.Stage == inventory.Held {
			n += x.Qty
		}
	}
	for _, g := range w.Goods {
		n += l.takes(g, inventory.Held)
	}
	return n
}

// recall ends the newest task for goods that are not there any more, or turns it where somebody has
// them in hand, and reports whether there was one.
func (d *decision) recall(w toPutAway, l *takings, g loading, stage string) bool {
	for i, x := range slices.Backward(l.Tasks) {
		if !x.Back && slices.ContainsFunc(x.Goods, func(p part) bool { return p.loading == g && p.Stage == stage }) &&
			(d.redirect(w, l, i) || d.recallTask(w, l, i, "not_there")) {
			return true
		}
	}
	return false
}

func (d *decision) recallTask(w toPutAway, l *takings, i int, reason string) bool {
	x := l.Tasks[i]
	t := d.task(w.Scope, x.Task)
	if d.err != nil || t.Status == task.StatusCompleted || t.Status == task.StatusCancelled {
		return false
	}
	h := d.shelf(w.Scope, x.To)
	h.Coming, h.dirty = slices.DeleteFunc(slices.Clone(h.Coming), func(c comingGoods) bool { return c.Task == x.Task }), true
	l.Tasks = slices.Delete(l.Tasks, i, i+1)
	events, err := t.Cancel(task.Cancel{Reason: reason}, d.m.Now)
	return d.onTask(w.Scope, x.Task, events, err)
}

func (d *decision) goods(w toPutAway, x part) putaway.Goods {
	return putaway.Goods{Item: d.itemSeen(w.Scope, x.Item), Lot: x.Lot, LPN: w.LPN, Qty: x.Qty, Held: isHeld(x.Stage)}
}

// directAll finds one place for all that stands on an LPN.
func (d *decision) directAll(w toPutAway, l *takings, stays *staying, parts []part) {
	if len(parts) == 0 {
		return
	}
	a := putaway.Ask{Whole: true}
	for _, x := range parts {
		a.Goods = append(a.Goods, d.goods(w, x))
	}
	steps, left := d.findPlaces(w, &a)
	for _, st := range steps {
		d.putAwayTask(w, l, st, parts)
	}
	if left > 0 {
		because, refused := putaway.Stay(a)
		d.stay(w, stays, parts, because, refused)
	}
}

// directLoose finds places for goods of one item and lot, several where one does not do.
func (d *decision) directLoose(w toPutAway, l *takings, stays *staying, x part) {
	a := putaway.Ask{Goods: []putaway.Goods{d.goods(w, x)}}
	steps, left := d.findPlaces(w, &a)
	for _, st := range steps {
		some := x
		some.Qty = st.Qty
		d.putAwayTask(w, l, st, []part{some})
	}
	if left > 0 {
		because, refused := putaway.Stay(a)
		x.Qty = left
		d.stay(w, stays, []part{x}, because, refused)
	}
}

// looked bounds how many places are looked into at a time, lookedFirst at first, and mostLooked in
// all.
const (
	lookedFirst = 8
	looked      = 64
	mostLooked  = 512
)

// findPlaces looks where goods may go: at the faces of their items and where they lie already, then
// at what is empty, the nearest first, then beside others. Each time more places are looked at
// than before, until all have one.
func (d *decision) findPlaces(w toPutAway, a *putaway.Ask) (steps []putaway.Step, left int64) {
	fac, seen, held := d.facility(w.Scope).Spec, map[string]bool{}, a.Goods[0].Held
	look := func(code string) {
		if !seen[code] && d.err == nil {
			seen[code] = true
			a.Places = append(a.Places, d.standing(w.Scope, code, ""))
		}
	}
	a.From = d.location(w.Scope, cmp.Or(w.Home, w.Location)).Spec.Sequence
	if w.Home != "" && mayLie(d.location(w.Scope, w.Home).Spec, held) {
		look(w.Home)
	}
	for i, g := range a.Goods {
		k := keyOf(w.Scope, g.Item.SKU)
		if i == 0 && !held {
			a.Rule = fac.RuleFor(g.Item)
		}
		var faces []string
		if !held {
			d.state(facesKey(k), &faces)
		}
		a.HasFace = a.HasFace || len(faces) > 0
		for _, code := range faces[:min(len(faces), mostFaces)] {
			look(code)
		}
		for _, sh := range d.stock(k).Shelves {
			if len(seen) < mostLooked && mayLie(d.location(w.Scope, sh.Location).Spec, held) {
				look(sh.Location)
			}
		}
	}
	if steps, left = putaway.Plan(*a); left == 0 || d.err != nil {
		return steps, left
	}
	empty, shared := d.f.shelves.room(d, w.Scope, fac, held, seen)
	for _, list := range [][]*putaway.Place{empty, shared} {
		if left == 0 || d.err != nil {
			break
		}
		list = putaway.Nearest(*a, list, mostLooked)
		// Most goods fit into the first places.
		for some := lookedFirst; len(list) > 0 && left > 0 && d.err == nil; some = min(2*some, looked) {
			n := min(len(list), some)
			for _, p := range list[:n] {
				look(p.Location)
			}
			list = list[n:]
			steps, left = putaway.Plan(*a)
		}
	}
	return steps, left
}

// putAwayTask makes the task of one step, which holds the room from now on.
func (d *decision) putAwayTask(w toPutAway, l *takings, st putaway.Step, parts []part) {
	id := d.child("PA-", len(d.out.Records))
	create := task.Create{Scope: w.Scope, Task: id, Kind: task.KindPutAway, Priority: 5, Zone: d.location(w.Scope, st.Location).Spec.Zone}
	for i, x := range parts {
		create.Steps = append(create.Steps, task.Step{
			No: i + 1, Item: x.Item, From: w.place(x.loading), Qty: x.Qty, To: inventory.Place{Location: st.Location, Lot: x.Lot, LPN: w.LPN},
		})
	}
	d.onItsWay(w, id, st, parts)
	d.createTask(create)
	l.Tasks = append(l.Tasks, taking{Task: id, To: st.Location, Goods: parts})
}

// onItsWay holds the room that goods will take at a place, and says why they go there.
func (d *decision) onItsWay(w toPutAway, id string, st putaway.Step, parts []part) {
	h := d.shelf(w.Scope, st.Location)
	h.Coming, h.dirty = slices.Clone(h.Coming), true
	for _, x := range parts {
		h.Coming = append(h.Coming, comingGoods{ownItem{w.Owner, x.Item}, id, x.Lot, w.LPN, x.Qty})
		k := keyOf(w.Scope, x.Item)
		events, err := inventory.DirectPutAway{BookKey: k, From: w.place(x.loading), To: st.Location, Qty: x.Qty, Task: id, Why: st.Why}.Decide(d.m.Now)
		d.onStock(k, events, nil, err)
	}
}

// workOf is what a put-away task takes away from.
func workOf(t task.Task) toPutAway {
	if len(t.Steps) == 0 {
		return toPutAway{}
	}
	from := t.Steps[0].From
	w := toPutAway{Scope: t.Scope, Location: from.Location, LPN: from.LPN}
	for _, st := range t.Steps {
		if g := (loading{st.Item, st.From.Lot}); !slices.Contains(w.Goods, g) {
			w.Goods = append(w.Goods, g)
		}
	}
	return w
}

// endPutAway gives the room of a task free, and lets what it was to take be directed anew.
func (d *decision) endPutAway(t task.Task) toPutAway {
	w := workOf(t)
	if len(w.Goods) == 0 || d.err != nil {
		return w
	}
	h := d.shelf(t.Scope, t.Steps[0].To.Location)
	h.Coming, h.dirty = slices.DeleteFunc(slices.Clone(h.Coming), func(c comingGoods) bool { return c.Task == t.Task }), true
	var l takings
	old, found := d.state(w.key(), &l)
	if !found {
		return w
	}
	rest := slices.DeleteFunc(slices.Clone(l.Tasks), func(x taking) bool { return x.Task == t.Task })
	if len(rest)+len(l.Stays) == 0 {
		d.out.SetState(w.key(), old, nil)
		return w
	}
	d.out.SetState(w.key(), old, takings{rest, l.Stays})
	return w
}

// partsOf is what a task takes, in its steps' order.
func (d *decision) partsOf(t task.Task) []part {
	var l takings
	d.state(workOf(t).key(), &l)
	for _, x := range l.Tasks {
		if x.Task == t.Task {
			return x.Goods
		}
	}
	return nil
}

// putAway ends a put-away: the goods lie where the worker has scanned. Another place than was
// planned must take them, and he says why.
func (d *decision) putAway(s scope.Scope, id string, c putaway.Put) {
	const op = "routes.PutAway"
	t := d.task(s, id)
	if d.err == nil && t.Kind != task.KindPutAway {
		d.fail(missing(op, "task", fmt.Sprintf("task %s is of kind %q: only put-aways are told so", id, t.Kind)))
	}
	if d.err != nil || t.Status == task.StatusCompleted && t.Worker == c.Worker && t.Claims == c.Claim {
		return
	}
	events, err := t.Complete(task.Complete{Worker: c.Worker, Claim: c.Claim}, d.m.Now)
	if err != nil {
		d.fail(err)
		return
	}
	if err := scope.CheckPart(c.Location); err != nil {
		d.fail(fault.At(op, fault.Invalid, "location", fmt.Errorf("scan the place where the goods lie now: %w", err)))
	}
	d.turned(t, c.Location)
	planned, parts := t.Steps[0].To.Location, slices.Clone(d.partsOf(t))
	if c.Location != planned && c.Reason == "" {
		d.fail(fault.At(op, fault.Invalid, "reason", fmt.Errorf("the goods were to go to %s: say why they lie at %s", planned, c.Location)))
	}
	if len(c.Serials) > 0 && len(parts) > 1 {
		d.fail(fault.At(op, fault.Invalid, "serials", errors.New("the task brings several goods, which all go to one place: leave their serial numbers out")))
	}
	switch whole := t.Steps[0].From.LPN != ""; {
	case c.Qty == 0:
	case whole:
		d.fail(fault.At(op, fault.Invalid, "qty", fmt.Errorf("the goods of LPN %s go to one place together: leave the quantity out", t.Steps[0].From.LPN)))
	case c.Qty < 0 || c.Qty > t.Steps[0].Qty:
		d.fail(fault.At(op, fault.Invalid, "qty", fmt.Errorf("%d is not between 1 and %d", c.Qty, t.Steps[0].Qty)))
	case len(parts) > 0:
		parts[0].Qty = c.Qty
	}
	back := t.Turned.Reason != "" && planned == t.Steps[0].From.Location
	if !back {
		d.takes(s, t, c.Location, parts)
	}
	if !d.onTask(s, id, events, nil) {
		return
	}
	if back { // the books have them there all the time
		d.putLater(d.endPutAway(t))
		return
	}
	w := d.endPutAway(t)
	d.shelf(s, c.Location).dirty = true
	for _, x := range parts {
		k := keyOf(s, x.Item)
		from, to := w.place(x.loading), inventory.Place{Location: c.Location, Lot: x.Lot, LPN: w.LPN}
		if d.lacks(k, from.In(x.Stage), x.Qty, false) {
			return
		}
		d.serialsKept(k, c.Serials, x.Stage)
		if isHeld(x.Stage) {
			events, posts, err := inventory.Transfer{BookKey: k, From: from, To: to, Stage: x.Stage, Qty: x.Qty, Reason: cmp.Or(c.Reason, task.KindPutAway), Serials: c.Serials}.Decide(d.m.Now)
			d.onStock(k, events, posts, err)
			continue
		}
		events, posts, err := inventory.PutAway{
			BookKey: k, From: from, To: to, Stage: x.Stage, Qty: x.Qty, Task: id, Planned: planned, Reason: c.Reason, By: c.Worker, Serials: c.Serials,
		}.Decide(d.m.Now)
		d.onStock(k, events, posts, err)
	}
	if w.LPN != "" {
		d.bringAlong(d.lpn(s, w.LPN), c.Location, false)
	}
	d.waitsStill(w.Scope, w.Location)
	if c.Qty > 0 && c.Qty < t.Steps[0].Qty {
		d.putLater(w)
	}
}

// takes refuses a place that does not take the goods of a task.
func (d *decision) takes(s scope.Scope, t task.Task, code string, parts []part) {
	if l := d.location(s, code); d.err == nil && !l.Known() {
		d.fail(missing("routes.PutAway", "location", "location "+code+" is not known: scan it again"))
	}
	if d.err != nil {
		return
	}
	p, w := d.standing(s, code, t.Task), workOf(t)
	goods := make([]putaway.Goods, 0, len(parts))
	var qty int64
	for _, x := range parts {
		goods = append(goods, d.goods(w, x))
		qty += x.Qty
	}
	if w.LPN != "" && code != w.Location {
		for _, g := range d.comesAlong(d.lpn(s, w.LPN), w, parts) {
			goods = append(goods, g)
			qty += g.Qty
		}
	}
	if why, room := putaway.All(goods, p); why != "" && d.err == nil {
		d.fail(refusedPlace(w.Goods[0].Item, code, why, room, qty, goods[0].Item, p.Spec))
	}
}

func (f *Flows) addPutter() error {
	if !f.cfg.Auto.Pick {
		return nil
	}
	return f.hub.Add(Route{
		Name: "auto.putaway", About: "a worker who puts goods away, for demonstrations and tests",
		Topics: []string{onTasks}, Handle: f.autoPut,
		Types:  takes(task.Created{}),
		Writes: []string{onTasks, onInventory},
	})
}

func (f *Flows) autoPut(ctx context.Context, m *Message) (*Out, error) {
	e, ok := m.Event.(task.Created)
	if !ok || e.Kind != task.KindPutAway {
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	t := d.task(e.Scope, e.Task)
	if d.err != nil || t.Status != task.StatusOpen {
		return d.done()
	}
	events, err := t.Claim(task.Claim{Worker: worker, Lease: f.cfg.Lease}, m.Now)
	d.onTask(e.Scope, e.Task, events, err)
	d.putAway(e.Scope, e.Task, putaway.Put{Worker: worker, Claim: d.task(e.Scope, e.Task).Claims, Location: t.Steps[0].To.Location})
	if d.refused() { // the place or the goods are no longer there: a person sees to it
		return m.Out(), nil
	}
	return d.done()
}

// refused reports whether a rule said no to what was decided so far, on reads of one moment.
func (d *decision) refused() bool {
	if d.err == nil || fault.KindOf(d.err) != fault.Rejected {
		return false
	}
	d.err = d.m.torn(d.ctx, d.err)
	return fault.KindOf(d.err) == fault.Rejected
}

package simulate

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"maps"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/routes"
)

// checker reads the log as it is written and holds every event against what is promised. It
// keeps accounts of its own: the folds of core are what is checked.
type checker struct {
	r    *run
	hash hash.Hash

	versions map[mark]uint64
	accounts map[string]account
	books    map[string]*book  // from the postings
	goods    map[string]*goods // by book, from the events
	orders   map[string]*orderLedger
	tasks    map[string]*taskLedger
	cartons  map[string]*cartonLedger
	parcels  map[string]string              // labels on request that stand
	waves    map[string]map[string]bool     // open orders of those that have not ended
	effects  map[string]journal.EffectState // that have not ended
	over     map[mark]journal.EffectState   // that have
	letters  map[string]journal.LetterState // that are open
	allots   map[string]map[allotted]int64  // by order
	// buildings and places are those that were told of: of a fork what changed since.
	buildings map[string]facility.Spec
	places    map[string]location.Spec
	past      map[mark]struct{}    // orders, tasks and cartons that have ended, of which nothing else is kept
	late      map[string]time.Time // cut-offs of orders that ended behind them, until somebody says so
	sums      Summary              // of orders that have ended

	shortTote string // of the pick that was told short last

	last   []told // ring of the last events
	at     int
	events int
	units  int
	placed int
	ended  int
	types  map[string]int
}

// goods is a book as its events tell it.
type goods struct {
	in, out int64
	places  map[inventory.Account]int64
}

func (g *goods) add(a inventory.Account, n int64) {
	if n += g.places[a]; n == 0 {
		delete(g.places, a)
	} else {
		g.places[a] = n
	}
}

func newChecker(r *run) *checker {
	return &checker{
		r: r, hash: sha256.New(), accounts: map[string]account{}, versions: map[mark]uint64{}, over: map[mark]journal.EffectState{}, past: map[mark]struct{}{}, late: map[string]time.Time{}, books: map[string]*book{}, goods: map[string]*goods{},
		orders: map[string]*orderLedger{}, tasks: map[string]*taskLedger{}, cartons: map[string]*cartonLedger{}, parcels: map[string]string{}, waves: map[string]map[string]bool{},
		effects: map[string]journal.EffectState{}, letters: map[string]journal.LetterState{}, allots: map[string]map[allotted]int64{}, buildings: map[string]facility.Spec{}, places: map[string]location.Spec{},
		last: make([]told, 0, r.cfg.Tail), types: map[string]int{},
	}
}

// unit reads a unit that was written.
func (c *checker) unit(u *journal.Unit) {
	var first [8]byte
	binary.BigEndian.PutUint64(first[:], uint64(u.First))
	c.hash.Write(first[:])
	c.hash.Write(u.Stored)
	c.units++
	c.post(u)
	for i := range u.Records {
		c.record(&u.Records[i])
	}
	c.settle(u)
	if n := c.r.floor.carrier.voidedGone; n != "" && c.r.cfg.Fork == nil { // where numbers begin anew
		c.fails("label %s was voided, and its carton has left", n)
	}
	for _, op := range u.Effects {
		c.effect(op)
	}
	for _, op := range u.Letters {
		if c.letters[op.ID] = op.To; op.To == journal.LetterDropped || op.To == journal.LetterResolved {
			delete(c.letters, op.ID)
		}
	}
}

// fails says what is wrong, once.
func (c *checker) fails(format string, a ...any) { c.r.fail(format, a...) }

// book is one book of accounts, from the postings, with its sums kept.
type book struct {
	accounts                map[string]int64
	onHand, free, allocated int64
}

func (c *checker) bookOf(name string) *book {
	b := c.books[name]
	if b == nil {
		b = &book{accounts: map[string]int64{}}
		c.books[name] = b
	}
	return b
}

func (c *checker) goodsOf(name string) *goods {
	g := c.goods[name]
	if g == nil {
		g = &goods{places: map[inventory.Account]int64{}}
		c.goods[name] = g
	}
	return g
}

// account is what an account of a book is; false is one that is no place of goods.
func (c *checker) account(name string) (inventory.Account, bool) {
	x, seen := c.accounts[name]
	if !seen {
		a, err := inventory.ParseAccount(name)
		x = account{a, err == nil}
		c.accounts[name] = x
	}
	return x.Account, x.goods
}

type account struct {
	inventory.Account
	goods bool
}

// post keeps the accounts: none that has a floor falls below it.
func (c *checker) post(u *journal.Unit) {
	for _, p := range u.Postings {
		b := c.bookOf(p.Book)
		if n := b.accounts[p.Account] + p.Amount; n == 0 {
			delete(b.accounts, p.Account)
		} else {
			b.accounts[p.Account] = n
		}
		a, is := c.account(p.Account)
		if !is {
			continue
		}
		b.onHand += p.Amount
		switch a.Stage {
		case inventory.Free:
			b.free += p.Amount
		case inventory.Allocated:
			b.allocated += p.Amount
		}
	}
}

// settle holds every book that a unit touched against its law, and what its events did to the
// goods against what its postings did to the accounts.
func (c *checker) settle(u *journal.Unit) {
	for i, p := range u.Postings {
		b := c.books[p.Book]
		n := b.accounts[p.Account]
		a, is := c.account(p.Account)
		if n < 0 && (is || p.Account == inventory.ATP || p.Account == inventory.Promised) {
			c.fails("account %s of %s stands at %d, below its floor of 0", p.Account, p.Book, n)
		}
		if is {
			if told := c.goodsOf(p.Book).places[a]; told != n {
				c.fails("%s: the accounts have %d in %s, the events %d", p.Book, n, p.Account, told)
			}
		}
		if i == 0 || u.Postings[i-1].Book != p.Book {
			c.law(p.Book, b)
		}
	}
}

// law is that of a book: what came in is what went out and what is there, and nothing is
// promised that is not there.
func (c *checker) law(name string, b *book) {
	if g := c.goodsOf(name); g.in-g.out != b.onHand {
		c.fails("%s: %d came in, %d went out, and %d are there", name, g.in, g.out, b.onHand)
	}
	if reserved := b.accounts[inventory.Promised] + b.allocated; reserved < 0 || reserved > b.onHand {
		c.fails("%s: %d are reserved of %d on hand", name, reserved, b.onHand)
	}
	if b.accounts[inventory.ATP]+b.accounts[inventory.Promised] != b.free || b.accounts[inventory.Unallocated] != -b.free {
		c.fails("%s: %d available, %d promised and %d free do not agree", name, b.accounts[inventory.ATP], b.accounts[inventory.Promised], b.free)
	}
}

// record reads one record.
func (c *checker) record(rec *journal.Record) {
	c.events++
	c.types[rec.Type]++
	c.remember(told{rec: rec})
	if rec.Stream == "" {
		return
	}
	key := markOf(rec.Stream)
	if want := c.versions[key] + 1; rec.Version != want {
		c.fails("%s: version %d follows %d", rec.Stream, rec.Version, want-1)
	}
	c.versions[key] = rec.Version
	e, ok := rec.Event.(event.Event)
	if !ok {
		c.fails("%s has no event at hand", rec.Type)
		return
	}
	if rec.Pos%readBack == 0 {
		c.readsBack(rec)
	}
	c.event(rec, e)
}

// readBack is of how many events one is read back from its stored form.
const readBack = 16

// readsBack holds an event against what is stored of it: that is read, and written again as it is.
func (c *checker) readsBack(rec *journal.Record) {
	e, err := c.r.reg.Decode(event.Encoded{Type: rec.Type, Schema: int(rec.Schema), Data: rec.Data, Subject: rec.Subject, Personal: rec.Personal})
	var x event.Encoded
	if err == nil {
		x, err = c.r.reg.Encode(e)
	}
	if err != nil || !bytes.Equal(x.Data, rec.Data) || !bytes.Equal(x.Personal, rec.Personal) {
		c.fails("%s of %s is stored as %s and reads back as %s: %v", rec.Type, rec.Stream, rec.Data, x.Data, err)
	}
}

func (c *checker) event(rec *journal.Record, e event.Event) {
	c.moves(e)
	switch e := e.(type) {
	case task.Created:
		c.taskCreated(e)
	case task.Claimed:
		c.taskClaimed(e)
	case task.Expired:
		c.taskOf(e.Head).worker = ""
	case task.Preempted:
		c.takenBack(e.Head, e.Worker, e.Claim)
	case task.Released:
		c.takenBack(e.Head, e.Worker, e.Claim)
	case task.Renewed:
		c.taskOf(e.Head).until = e.Until
	case task.Completed:
		c.taskEnded(e.Head)
	case task.Cancelled:
		c.taskEnded(e.Head)
	case pick.Confirmed:
		c.picked(e.Head, e.Step, e.Qty, 0)
	case pick.Shorted:
		c.shortTote = e.Tote
		c.picked(e.Head, e.Step, e.Found, e.Expected-e.Found)
	case pick.Dropped:
		c.dropped(e)
	case pack.CartonClosed:
		c.cartonClosed(e)
	case label.Bought:
		c.labelBought(e)
	case ship.PostageBought:
		c.parcels[e.Stream()] = e.Tracking
	case ship.PostageVoided:
		delete(c.parcels, e.Stream())
	case truckload.Departed:
		for _, x := range e.Cartons {
			c.took(e.Load, x.Carton)
		}
	case manifest.Closed:
		if c.r.leaves(e.Carrier) == routes.AtManifest {
			for _, x := range e.Cartons {
				c.took(e.Manifest, x.SSCC)
			}
		}
	case ship.Confirmed:
		c.confirmed(e)
	case wave.Planned:
		c.waved(e)
	case wave.Batched:
		c.batched(e)
	case facility.Registered:
		c.buildings[e.Facility] = e.Spec
	case facility.Changed:
		c.buildings[e.Facility] = e.Spec
	case location.Registered:
		c.places[e.Stream()] = e.Spec
	case location.Changed:
		c.places[e.Stream()] = e.Spec
	case wave.OrderFinished:
		delete(c.waves[e.Stream()], streamOf(e.Scope, e.Of.Owner, e.Of.Order))
	case wave.Completed:
		delete(c.waves, e.Stream())
	case wave.Cancelled:
		delete(c.waves, e.Stream())
	default:
		c.orderEvent(e)
		c.closes(rec.Stream)
	}
	c.r.floor.sees(e)
	if c.r.cfg.Watch != nil {
		c.r.cfg.Watch(e)
	}
}

// moves keeps the goods as the events of stock tell them.
func (c *checker) moves(e event.Event) {
	of := func(h inventory.Head) *goods { return c.goodsOf(h.Book()) }
	move := func(h inventory.Head, n int64, from, to inventory.Account) {
		g := of(h)
		g.add(from, -n)
		g.add(to, n)
	}
	tote := func(t, lot string) inventory.Account {
		return inventory.Account{Stage: inventory.Picked, Lot: lot, LPN: t}
	}
	switch e := e.(type) {
	case inventory.StockReceived:
		g := of(e.Head)
		g.in += e.Qty
		g.add(e.In(e.Stage), e.Qty)
	case inventory.StockSorted:
		move(e.Head, e.Qty, tote(e.Tote, e.Lot), tote(e.Slot, e.Lot))
	case inventory.StockAllocated:
		move(e.Head, e.Qty, e.In(inventory.Free), e.In(inventory.Allocated))
		c.allot(e.Head, e.For, e.Place, e.Qty)
	case inventory.StockDeallocated:
		move(e.Head, e.Qty, e.In(inventory.Allocated), e.In(inventory.Free))
		c.allot(e.Head, e.For, e.Place, -e.Qty)
	case inventory.StockPicked:
		move(e.Head, e.Qty, e.In(inventory.Allocated), tote(e.Tote, e.Lot))
		c.allot(e.Head, e.For, e.Place, -e.Qty)
	case inventory.StockShorted:
		move(e.Head, e.Found, e.In(inventory.Allocated), tote(c.shortTote, e.Lot))
		move(e.Head, e.Missing, e.In(inventory.Allocated), e.In(inventory.Suspect))
		move(e.Head, e.Quarantined, e.In(inventory.Free), e.In(inventory.Suspect))
		c.allot(e.Head, e.For, e.Place, -e.Found-e.Missing)
	case inventory.StockReassigned:
		if e.Location != "" {
			c.allot(e.Head, e.From, e.Place, -e.Qty)
			c.allot(e.Head, e.To, e.Place, e.Qty)
		}
	case inventory.StockPutBack:
		move(e.Head, e.Qty, e.From, e.To.In(cmp.Or(e.Stage, inventory.Free)))
	case inventory.StockPutAway:
		move(e.Head, e.Qty, e.From.In(e.Stage), e.To.In(inventory.Free))
	case inventory.StockPacked:
		move(e.Head, e.Qty, tote(e.Tote, e.Lot), inventory.Account{Stage: inventory.Packed, Lot: e.Lot, LPN: e.Carton})
	case inventory.StockStaged:
		move(e.Head, e.Qty, inventory.Account{Stage: inventory.Packed, Lot: e.Lot, LPN: e.Carton},
			inventory.Account{Stage: inventory.Staged, Location: e.Location, Lot: e.Lot, LPN: e.Carton})
	case inventory.StockShipped:
		from := inventory.Account{Stage: inventory.Packed, Lot: e.Lot, LPN: e.Carton}
		if e.Staged != "" {
			from = inventory.Account{Stage: inventory.Staged, Location: e.Staged, Lot: e.Lot, LPN: e.Carton}
		}
		g := of(e.Head)
		g.out += e.Qty
		g.add(from, -e.Qty)
	case inventory.StockAdjusted:
		g := of(e.Head)
		if e.Delta > 0 {
			g.in += e.Delta
		} else {
			g.out -= e.Delta
		}
		g.add(e.In(e.Stage), e.Delta)
	case inventory.StockTransferred:
		stage := cmp.Or(e.Stage, inventory.Free)
		move(e.Head, e.Qty, e.From.In(stage), e.To.In(stage))
	case inventory.StockStatusChanged:
		move(e.Head, e.Qty, e.In(e.From), e.In(e.To))
	}
}

// effect follows a call that changes the carrier's world.
func (c *checker) effect(op journal.EffectOp) {
	have, open := c.effects[op.Key]
	if !open {
		have = c.over[markOf(op.Key)]
	}
	if have != op.From {
		c.fails("effect %s goes from %s to %s, and is %s", op.Key, op.From, op.To, have)
	}
	if endsWell(op.To) {
		delete(c.effects, op.Key)
		c.over[markOf(op.Key)] = op.To
		return
	}
	delete(c.over, markOf(op.Key))
	c.effects[op.Key] = op.To
}

func endsWell(s journal.EffectState) bool {
	return s == journal.EffectConfirmed || s == journal.EffectRefused || s == journal.EffectResolved || s == journal.EffectVoided
}

// mark stands for a name of which nothing but that it was there is kept, so that a long day takes no
// more memory than a short one but for these.
type mark uint64

func markOf(name string) mark {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return mark(h)
}

// end forgets what has ended, but for its name.
func (c *checker) end(name string) { c.past[markOf(name)] = struct{}{} }

func (c *checker) isPast(name string) bool {
	_, ok := c.past[markOf(name)]
	return ok
}

// told is a line of the story of a failure: a text, or a record.
type told struct {
	text string
	rec  *journal.Record
}

func (t told) String() string {
	if r := t.rec; r != nil {
		return fmt.Sprintf("%d %s %s %s by %s: %.400s", r.Pos, r.Time.Format(time.TimeOnly), r.Type, r.Key, r.Source, r.Data)
	}
	return t.text
}

// note adds a line to the story.
func (c *checker) note(line string) { c.remember(told{text: line}) }

func (c *checker) remember(t told) {
	if len(c.last) < cap(c.last) {
		c.last = append(c.last, t)
		return
	}
	c.last[c.at] = t
	c.at = (c.at + 1) % len(c.last)
}

func (c *checker) tail() []string {
	var out []string
	for _, t := range slices.Concat(c.last[c.at:], c.last[:c.at]) {
		out = append(out, t.String())
	}
	return out
}

// atEnd holds what must be true once nothing moves any more.
func (c *checker) atEnd() error {
	for _, name := range slices.Sorted(maps.Keys(c.books)) {
		c.law(name, c.books[name])
	}
	c.ordersAtEnd()
	c.tasksAtEnd()
	c.cartonsAtEnd()
	c.wavesAtEnd()
	for _, key := range slices.Sorted(maps.Keys(c.effects)) {
		c.fails("effect %s ends %s", key, c.effects[key])
	}
	for _, id := range slices.Sorted(maps.Keys(c.letters)) {
		c.fails("letter %s is left", id)
	}
	return c.r.err
}

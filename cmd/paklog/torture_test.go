package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/routes/bus"
)

// torture kills one hub over and over while the world goes on.
type torture struct {
	*world
	r       *rand.Rand
	seed    uint64
	mutant  string
	fed     int
	plain   want // the last order that nobody has a wish about
	voids   int  // calls at which the last fault of a void is met
	torn    int  // backups over which the hub was killed
	nth     int  // the most times that a step is passed before one that kills; 0 is 6
	reached map[bus.Step]int
}

func newTorture(t *testing.T, seed uint64, mutant, database string) *torture {
	t.Helper()
	tr := &torture{
		world: newWorld(t), r: rand.New(rand.NewPCG(seed, 0x746f_7274)), seed: seed, mutant: mutant, reached: map[bus.Step]int{},
	}
	tr.database = database
	c, err := tr.start(t.Context(), childSpec{})
	if err != nil {
		t.Fatal(err)
	}
	tr.stockUp()
	c.kill()
	return tr
}

// seedOf is the seed of a run: one that is given replays the schedule of a run that failed.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("PAKLOG_TORTURE_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("PAKLOG_TORTURE_SEED: %v", err)
		}
	}
	t.Logf("PAKLOG_TORTURE_SEED=%d replays this schedule", seed)
	return seed
}

func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("PAKLOG_TORTURE_ROUNDS")
	if text == "" {
		return 50
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("PAKLOG_TORTURE_ROUNDS: %q is no number of rounds", text)
	}
	return n
}

// feed gives the hub some work.
func (tr *torture) feed() {
	tr.fed++
	one := func(in int) bool { return tr.r.IntN(in) == 0 }
	number := func(door string, i int) string { return fmt.Sprintf("%s-%d-%d", door, tr.fed, i) }
	if one(5) {
		tr.partner.orderBy("850", 1+tr.r.IntN(2), tr.r.Uint64(), one(6), plenty...)
	} else {
		numbers := tr.partner.orderBy("940", 1+tr.r.IntN(3), tr.r.Uint64(), one(6), plenty...)
		if one(10) && len(numbers) > 0 {
			tr.later(time.Duration(tr.r.IntN(4))*100*time.Millisecond, func() { tr.cancel(numbers[0]) })
		}
	}
	// Two orders of people and shops, through any door, of which some are soon not wanted.
	some := func(number string) want {
		o := want{number: number, item: plenty[tr.r.IntN(len(plenty))], qty: int64(1 + tr.r.IntN(20)), again: tr.r.IntN(3)}
		switch {
		case one(12):
			o.item, o.qty = bulky, int64(90+tr.r.IntN(60))
		case one(12):
			o.item = scarce
		}
		switch {
		case one(12):
			wait := time.Duration(tr.r.IntN(4)) * 60 * time.Millisecond
			o.then = func() { tr.later(wait, func() { tr.cancel(number) }) }
		case one(12):
			o.to = undecided + number
			tr.undone.Store(number, true)
		case one(3): // thought better of
			wait := time.Duration(tr.r.IntN(6)) * 40 * time.Millisecond
			kind := tr.r.IntN(4)
			if kind > 0 && one(2) {
				o.item, wait = scarce, 0 // it waits where it is, and is not past it soon
			}
			do := tr.wish(o, kind, 1+tr.r.Int64N(20))
			o.then = func() { tr.later(wait, do) }
		default:
			if one(3) {
				o.item = scarce
			}
			if o.item != bulky {
				tr.plain = o
			}
		}
		return o
	}
	if one(7) {
		var rows []want
		for i := range 3 + tr.r.IntN(3) {
			rows = append(rows, some(number("FILE", i)))
		}
		tr.orderByFile(fmt.Sprintf("orders-%d", tr.fed), rows)
	} else {
		for i := range 2 {
			switch tr.r.IntN(5) {
			case 0, 1:
				tr.order(some(number("WEB", i)))
			case 2, 3:
				tr.orderByEvent(some(number("HOOK", i)))
			case 4:
				tr.orderByHand(some(number("HAND", i)))
			}
		}
	}
	tr.trouble(one)
	switch {
	case one(6):
		item := plenty[tr.r.IntN(len(plenty))]
		tr.receive(fmt.Sprintf("receipt-%d", tr.fed), item, shelf("A", item), int64(1+tr.r.IntN(50)))
	case one(8):
		var rows []want
		for i := range 66 + tr.r.IntN(20) { // more than are under way at once
			rows = append(rows, want{number: number("pallet", i), item: plenty[tr.r.IntN(len(plenty))], qty: int64(1 + tr.r.IntN(50))})
		}
		tr.receiveByFile(fmt.Sprintf("stock-%d", tr.fed), rows)
	case one(6):
		tr.sim.Inject(upssim.OpShip, []upssim.Fault{upssim.AnswerLost, upssim.LateError, upssim.Truncated, upssim.DropBefore}[tr.r.IntN(4)])
	case one(4) && tr.voids <= tr.sim.Calls(upssim.OpVoid):
		// Two calls in peace after each: one that meets them all, again and again, waits for
		// longer each time, and for minutes in the end.
		tr.voids = tr.sim.Calls(upssim.OpVoid) + 3
		tr.sim.Inject(upssim.OpVoid, []upssim.Fault{upssim.AnswerLost, upssim.LateError, upssim.DropBefore}[tr.r.IntN(3)])
	}
	if one(3) {
		tr.redeliver(tr.r.IntN)
	}
	if one(3) {
		tr.count(strconv.Itoa(tr.fed), append(slices.Clone(plenty), bulky, scarce), func() {})
	}
}

// wish is what somebody thinks better of about an order once it was answered: n is of its kind.
func (tr *torture) wish(o want, kind int, n int64) func() {
	switch other := tr.plain; {
	case kind == 0:
		return func() { tr.change(o.number, n) }
	case kind == 1 && o.qty > 1:
		return func() { tr.split(o, 1+n%(o.qty-1)) }
	case kind == 2 && other.number != "":
		tr.plain = want{}
		return func() { tr.merge(o, other) }
	}
	return func() { tr.hold(o.number) }
}

// trouble is what ends as a letter, and whether somebody does something about it.
func (tr *torture) trouble(one func(int) bool) {
	drop := ""
	if one(2) {
		drop = fmt.Sprintf("given up in round %d", tr.fed)
	}
	n := tr.r.Uint64()
	late := fmt.Sprintf("LATE-%d", tr.fed)
	number := fmt.Sprintf("ODD-%d", tr.fed)
	qty := int64(1 + n%5)
	switch tr.r.IntN(20) {
	case 0:
		tr.partner.spoiled(drop)
	case 1:
		tr.partner.nonsense(drop)
	case 2: // an item that will never be known
		tr.expectLetter("order "+number+" ", drop)
		tr.order(want{number: number, item: ghost, qty: qty})
	case 3: // one that becomes known
		tr.desk.takes(&errand{mark: "order " + number + " ", mend: tr.learn(late)})
		tr.order(want{number: number, item: late, qty: qty})
	case 4, 5:
		e := &errand{mend: tr.learn(late)}
		if drop != "" {
			e = &errand{drop: drop}
		}
		tr.partner.orderUnknown(late, n, e)
	case 6, 7: // a carrier who has to be talked to
		to := "Nobody " + number
		tr.refuses.Store(to, true)
		tr.desk.takes(&errand{mark: "of order " + number + ":", mend: func(context.Context) { tr.refuses.Delete(to) }})
		tr.orderByEvent(want{number: number, item: plenty[n%3], qty: qty, to: to})
	}
}

// learn makes an item known, and brings some in.
func (tr *torture) learn(item string) func(context.Context) {
	return func(ctx context.Context) {
		for _, j := range append(tr.known(item, "A"), tr.receipt("first-"+item, item, shelf("A", item), 10_000)) {
			tr.serve(ctx, j)
		}
	}
}

// later does something in a while, before the world comes to rest.
func (tr *torture) later(after time.Duration, do func()) {
	tr.busy.Add(1)
	time.AfterFunc(after, func() {
		defer tr.busy.Done()
		do()
	})
}

func (tr *torture) provoke(p provocation) {
	switch p {
	case lostAnswer, lostAndDeaf:
		tr.sim.Inject(upssim.OpShip, upssim.AnswerLost)
		if p == lostAndDeaf {
			tr.sim.Inject(upssim.OpRecovery, upssim.ServerError)
		}
	case nonsense:
		tr.partner.nonsense("")
	case longDocument:
		tr.partner.longAck()
	}
}

// round starts the hub, gives it work and kills it: at step, where one is named, or at random,
// be it before its doors are open.
func (tr *torture) round(ctx context.Context, step bus.Step) error {
	spec := childSpec{Mutant: tr.mutant, Step: step, Nth: 1}
	patience := time.Duration(tr.r.IntN(250)) * time.Millisecond
	early := step == "" && tr.r.IntN(8) == 0
	tr.feed()
	if step != "" {
		patience = 5 * time.Second
		if p := rareSteps[step]; p != nothing {
			tr.provoke(p)
		} else {
			spec.Nth = int64(1 + tr.r.IntN(cmp.Or(tr.nth, 6)))
		}
	}
	return tr.killed(ctx, spec, func(c *child) {
		if !early {
			c.open()
		}
		c.within(patience)
	})
}

// roundOfBackup is a round that ends the hub while it copies itself.
func (tr *torture) roundOfBackup(ctx context.Context) error {
	tr.feed()
	name := strconv.Itoa(tr.fed)
	tr.backup(name)
	after := time.Duration(tr.r.IntN(20)) * time.Millisecond
	err := tr.killed(ctx, childSpec{Mutant: tr.mutant}, func(c *child) {
		c.open()
		for begun := time.Now(); time.Since(begun) < 5*time.Second && !exists(tr.backupFolder(name)+".partial"); {
			c.within(time.Millisecond)
		}
		c.within(after)
	})
	if exists(tr.backupFolder(name) + ".partial") {
		tr.torn++
	}
	return err
}

// killed runs a hub until it is time to kill it, or it ended itself at a step.
func (tr *torture) killed(ctx context.Context, spec childSpec, until func(*child)) error {
	c, err := tr.start(ctx, spec)
	if err != nil {
		return err
	}
	until(c)
	c.kill()
	if !c.killed() {
		return fmt.Errorf("the hub ended by itself: %w", c.err)
	}
	if c.died != "" {
		tr.reached[c.died]++
	}
	return nil
}

// end lets the world come to rest and returns what is wrong with it.
func (tr *torture) end(ctx context.Context) ([]string, error) {
	if err := tr.settle(ctx, childSpec{Mutant: tr.mutant}); err != nil {
		return nil, fmt.Errorf("settling: %w", err)
	}
	return tr.prove(ctx)
}

// drove says how much of what is rare came about.
func (tr *torture) drove() string {
	count := map[string]int{}
	for _, a := range tr.answers {
		word, _, _ := strings.Cut(a.what, " ")
		count[word]++
	}
	for _, l := range tr.sim.Truth().Labels {
		if l.Voided != nil {
			count["voided"]++
		}
	}
	runs := 0
	for _, f := range tr.files {
		runs += len(f.said[0])
	}
	return fmt.Sprintf("%d events, %d files in %d runs, %d backups (killed over %d), %d errands at the desk; orders cancelled %d, too late %d; changed %d, split %d, merged %d, held %d, past that %d; letters dropped %d, replayed %d; labels voided %d; shorts %d",
		len(tr.events), len(tr.files), runs, len(tr.backups), tr.torn, len(tr.desk.errands), count["cancelled"], count["not"],
		count["changed"], count["split"], count["merged"], count["held"], count["past"], count["dropped"], count["replayed"], count["voided"], tr.shorts)
}

func (tr *torture) report(t *testing.T, wrong []string) {
	t.Helper()
	for _, x := range wrong[:min(len(wrong), 20)] {
		t.Error(x)
	}
	if len(wrong) > 20 {
		t.Errorf("and %d more", len(wrong)-20)
	}
	if t.Failed() {
		t.Logf("PAKLOG_TORTURE_SEED=%d", tr.seed)
		if dir := os.Getenv("PAKLOG_TORTURE_KEEP"); dir != "" {
			_ = os.Remove(socketPath(tr.data())) // which cannot be copied
			if err := os.CopyFS(filepath.Join(dir, strconv.FormatUint(tr.seed, 10)), os.DirFS(tr.dir)); err != nil {
				t.Logf("keeping the folder: %v", err)
			}
		}
	}
}

// reachAll plays rounds until the hub was ended at each step once.
func (tr *torture) reachAll(t *testing.T, steps []bus.Step) {
	t.Helper()
	tr.nth = 1 // the sixth time may be more than there is to do
	for _, s := range steps {
		for try := 0; tr.reached[s] == 0; try++ {
			if try == 5 {
				t.Errorf("the hub never came to the step %q", s)
				break
			}
			if err := tr.round(t.Context(), s); err != nil {
				t.Fatalf("step %q: %v", s, err)
			}
		}
	}
}

// TestTorture kills the whole hub at random and at each named step, then lets it come to rest
// and holds it against what the carrier, the partner and the clients saw.
func TestTorture(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	tr := newTorture(t, seedOf(t), "", "")
	steps := crashSteps()
	for i := range rounds(t) {
		var step bus.Step
		if i%2 == 0 {
			step = steps[i/2%len(steps)]
		}
		round := func(ctx context.Context) error { return tr.round(ctx, step) }
		if i%40 == 25 {
			round = tr.roundOfBackup
		}
		if err := round(t.Context()); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
	}
	tr.reachAll(t, steps)
	wrong, err := tr.end(t.Context())
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	inBackups, err := tr.backupsHold(t.Context())
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	tr.report(t, append(wrong, inBackups...))
	t.Logf("%d orders, %d documents and %d labels; kills at steps: %d", len(tr.orders)+len(tr.partner.asked)+len(tr.partner.po),
		len(tr.partner.got), len(tr.sim.Truth().Labels), len(tr.reached))
	t.Logf("%s", tr.drove())
}

// TestTortureFindsMutants breaks the hub on purpose: the same rounds and the same proof must
// tell.
func TestTortureFindsMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	for _, m := range []struct {
		kind string
		at   bus.Step // where a kill tears what the mutant does
	}{
		{mutantNoMark, ""},
		{mutantTwoCommits, bus.StepCommit},
		{mutantLateStart, bus.StepCalled},
		{mutantNoReplay, bus.StepWoken},
		{mutantNoKey, bus.StepAnswer},
	} {
		t.Run(m.kind, func(t *testing.T) {
			t.Parallel()
			// A kill hits where the mutant hurts by chance: what one world does not show, the
			// next may.
			seed := seedOf(t)
			for world := range uint64(6) {
				if mutantShows(t, newTorture(t, seed+world, m.kind, ""), m.at) {
					return
				}
			}
			t.Errorf("nobody outside the hub noticed that %s", m.kind)
		})
	}
}

// mutantShows plays a dozen rounds and reports whether somebody outside the hub noticed.
func mutantShows(t *testing.T, tr *torture, at bus.Step) bool {
	t.Helper()
	for i := range 12 {
		step := at
		if i%3 == 2 {
			step = ""
		}
		if err := tr.round(t.Context(), step); err != nil {
			t.Logf("found in round %d: %v", i, err)
			return true
		}
	}
	wrong, err := tr.end(t.Context())
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	outside := slices.DeleteFunc(slices.Clone(wrong), func(x string) bool { return strings.HasPrefix(x, inside) })
	for _, x := range outside[:min(len(outside), 5)] {
		t.Logf("found: %s", x)
	}
	return len(outside) > 0
}

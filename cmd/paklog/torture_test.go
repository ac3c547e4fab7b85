package main

import (
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
	reached map[bus.Step]int
}

func newTorture(t *testing.T, seed uint64, mutant string) *torture {
	t.Helper()
	tr := &torture{
		world: newWorld(t), r: rand.New(rand.NewPCG(seed, 0x746f_7274)), seed: seed, mutant: mutant, reached: map[bus.Step]int{},
	}
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
	if one(5) {
		tr.partner.orderBy("850", 1+tr.r.IntN(2), tr.r.Uint64(), one(6))
	} else {
		tr.partner.orderBy("940", 1+tr.r.IntN(3), tr.r.Uint64(), one(6))
	}
	for i := range 2 {
		number := fmt.Sprintf("WEB-%d-%d", tr.fed, i)
		item, qty := plenty[tr.r.IntN(len(plenty))], int64(1+tr.r.IntN(20))
		switch {
		case one(12):
			item, qty = bulky, int64(90+tr.r.IntN(60))
		case one(12):
			item = scarce
		case one(25):
			item = ghost
			tr.expectLetter()
		}
		tr.order(number, item, qty, tr.r.IntN(3))
	}
	switch {
	case one(20):
		tr.partner.spoiled()
	case one(20):
		tr.partner.nonsense()
	case one(6):
		item := plenty[tr.r.IntN(len(plenty))]
		tr.receive(fmt.Sprintf("receipt-%d", tr.fed), item, int64(1+tr.r.IntN(50)))
	case one(6):
		tr.sim.Inject(upssim.OpShip, []upssim.Fault{upssim.AnswerLost, upssim.LateError, upssim.Truncated, upssim.DropBefore}[tr.r.IntN(4)])
	}
}

func (tr *torture) provoke(p provocation) {
	switch p {
	case lostAnswer, lostAndDeaf:
		tr.sim.Inject(upssim.OpShip, upssim.AnswerLost)
		if p == lostAndDeaf {
			tr.sim.Inject(upssim.OpRecovery, upssim.ServerError)
		}
	case nonsense:
		tr.partner.nonsense()
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
			spec.Nth = int64(1 + tr.r.IntN(6))
		}
	}
	c, err := tr.start(ctx, spec)
	if err != nil {
		return err
	}
	if !early {
		select {
		case <-c.ready:
		case <-c.gone:
		}
	}
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-c.gone:
	}
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

// TestTorture kills the whole hub at random and at each named step, then lets it come to rest
// and holds it against what the carrier, the partner and the clients saw.
func TestTorture(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	tr := newTorture(t, seedOf(t), "")
	steps := crashSteps()
	for i := range rounds(t) {
		var step bus.Step
		if i%2 == 0 {
			step = steps[i/2%len(steps)]
		}
		if err := tr.round(t.Context(), step); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
	}
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
	wrong, err := tr.end(t.Context())
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	tr.report(t, wrong)
	t.Logf("%d orders, %d documents and %d labels; kills at steps: %d", len(tr.orders)+len(tr.partner.asked)+len(tr.partner.po),
		len(tr.partner.got), len(tr.sim.Truth().Labels), len(tr.reached))
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
	} {
		t.Run(m.kind, func(t *testing.T) {
			t.Parallel()
			// A kill hits where the mutant hurts by chance: what one world does not show, the
			// next may.
			seed := seedOf(t)
			for world := range uint64(6) {
				if mutantShows(t, newTorture(t, seed+world, m.kind), m.at) {
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

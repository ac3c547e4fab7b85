package dlq_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/dlq"
)

// route is a hub whose one route handles what is woken, as its test wants. Each unit may be its last.
type route struct {
	hub
	handle func(id string) error    // nil error resolves the letter
	left   int                      // units that it writes before it dies; negative never dies
	slow   bool                     // it handles what is woken when the test says so
	order  map[string][]journal.Pos // in which messages left, by key
	n      int
}

var errDead = errors.New("the hub is dead")

func (r *route) Submit(_ context.Context, u *journal.Unit) (*journal.Refusal, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == 0 {
		return nil, errDead
	}
	r.left--
	return r.put(u)
}

func (r *route) put(u *journal.Unit) (*journal.Refusal, error) {
	r.n++
	u.ID = journal.NewID(noon, [10]byte{byte(r.n >> 16), byte(r.n >> 8), byte(r.n), 7, 1, byte(r.n), byte(r.n >> 8), byte(r.n >> 16)})
	u.At = noon
	ref, err := r.Write(context.Background(), &journal.Batch{Units: []*journal.Unit{u}})
	if err != nil {
		return nil, err
	}
	return ref[0], nil
}

// Wake handles the message at once.
func (r *route) Wake(sub string, pos journal.Pos) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == 0 {
		return false, errDead
	}
	if !r.slow {
		r.work()
	}
	return true, nil
}

// work handles what waits for its replay.
func (r *route) work() {
	rows, err := r.Scan(context.Background(), journal.TableLetter, "", "", 10_000)
	if err != nil {
		panic(err)
	}
	slices.SortFunc(rows, func(a, b journal.Row) int {
		x, _ := journal.DecodeLetter(a.Value)
		y, _ := journal.DecodeLetter(b.Value)
		return int(x.Pos) - int(y.Pos)
	})
	for _, row := range rows {
		s, _ := journal.DecodeLetter(row.Value)
		if s.State != journal.LetterReplaying {
			continue
		}
		l, err := dlq.Decode(s.Data)
		if err != nil {
			panic(err)
		}
		to := journal.LetterResolved
		if why := r.handle(l.ID); why != nil {
			rec := message(0)
			rec.ID, rec.Pos = l.MessageID, s.Pos
			l.Again(dlq.New(l.Route, &rec, why, 2, noon))
			to = journal.LetterOpen
		}
		s.Data = l.Encode()
		if ref, err := r.put(&journal.Unit{Letters: []journal.LetterOp{{ID: l.ID, From: journal.LetterReplaying, To: to, Letter: s.Letter}}}); ref != nil || err != nil {
			panic(fmt.Sprint(ref, err))
		}
		r.order[s.Key] = append(r.order[s.Key], s.Pos)
	}
}

// keys is how many orders the letters are of.
const keys = 3

// inOrder is how many messages left, or -1 where one overtook another of its key.
func (r *route) inOrder() (n int) {
	for _, list := range r.order {
		if !slices.IsSorted(list) {
			return -1
		}
		n += len(list)
	}
	return n
}

func newRoute(t *testing.T, letters int) (*route, []string) {
	t.Helper()
	r := &route{hub: hub{Store: journalmem.New()}, left: -1, order: map[string][]journal.Pos{}, handle: func(string) error { return nil }}
	var ids []string
	for i := range letters {
		rec := message(i)
		rec.Key = fmt.Sprintf("order-%d", i%keys)
		u := &journal.Unit{Records: []journal.Record{rec}}
		if ref, err := r.put(u); ref != nil || err != nil {
			t.Fatal(ref, err)
		}
		rec.Pos = u.First
		l := dlq.New("place", &rec, refused, 1, noon)
		if ref, err := r.put(&journal.Unit{Letters: []journal.LetterOp{{ID: l.ID, To: journal.LetterOpen, Letter: journal.Letter{Sub: "place", Key: rec.Key, Pos: rec.Pos, Opened: noon, Data: l.Encode()}}}}); ref != nil || err != nil {
			t.Fatal(ref, err)
		}
		ids = append(ids, l.ID)
	}
	return r, ids
}

func (r *route) desk() *dlq.Desk {
	d := &dlq.Desk{Journal: r, Log: r, Now: func() time.Time { return noon.Add(time.Since(noon)) }}
	d.Prepare()
	return d
}

// runs carries operations out until f says that it is enough.
func runs(t *testing.T, d *dlq.Desk, enough func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := d.Run(ctx, func(error) {}); err != nil {
			t.Error(err)
		}
	})
	for range 10_000 {
		synctest.Wait()
		if enough() {
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	stop()
	wg.Wait()
	if !enough() {
		t.Fatal("it never came so far")
	}
}

func state(t *testing.T, d *dlq.Desk, id string) dlq.Operation {
	t.Helper()
	o, err := d.Operation(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func start(t *testing.T, d *dlq.Desk, w dlq.Wish) dlq.Operation {
	t.Helper()
	w.Reason = "carrier is back"
	o, err := d.Operate(t.Context(), "ann", w)
	if err != nil {
		t.Fatal(err)
	}
	if o, err = d.Command(t.Context(), o.ID, dlq.VerbStart, "ann"); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAnOperationRampsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, ids := newRoute(t, 40)
		d := r.desk()
		o := start(t, d, dlq.Wish{Letters: append(ids, ids[3])})
		if o.Plan.Letters != 40 || o.Plan.Fresh != 40 {
			t.Fatalf("%+v", o.Plan)
		}
		runs(t, d, func() bool { return state(t, d, o.ID).State == dlq.OpDone })
		if o = state(t, d, o.ID); o.Progress.Resolved != 40 || o.Progress.Step < 4 {
			t.Errorf("%+v", o.Progress)
		}
		if r.inOrder() != 40 {
			t.Errorf("they left in the order %v", r.order)
		}
		notices := topic(t, &r.hub, "audit-events")
		last := notices[len(notices)-1]
		if last.Type != "replay.Done" {
			t.Errorf("the last of %d acts is %s", len(notices), last.Type)
		}
	})
}

// What was sent before somebody paused or cancelled ends afterwards, and is counted, by a hub that was started
// meanwhile too.
func TestAHaltedOperationCountsWhatItHadSent(t *testing.T) {
	for _, verb := range []string{dlq.VerbPause, dlq.VerbCancel} {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprint(verb, restarted), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r, ids := newRoute(t, 5)
					r.slow, r.handle = true, func(id string) error {
						if id == ids[0] {
							return refused
						}
						return nil
					}
					d := r.desk()
					o := start(t, d, dlq.Wish{Letters: ids, Pace: dlq.Pace{Ramp: []int{2}}})
					halted := false
					runs(t, d, func() bool {
						if !halted && state(t, d, o.ID).Progress.Sent == 2 {
							if _, err := d.Command(t.Context(), o.ID, verb, "bob"); err != nil {
								t.Fatal(err)
							}
							halted = true
						}
						return halted
					})
					if restarted {
						d = r.desk()
					}
					r.mu.Lock()
					r.work()
					r.mu.Unlock()
					runs(t, d, func() bool {
						p := state(t, d, o.ID).Progress
						return p.Resolved == 1 && p.Failed == 1
					})
					if now := state(t, d, o.ID); now.Progress.Sent != 2 || now.State == dlq.OpRunning || now.State == dlq.OpDone {
						t.Errorf("%s: %+v", now.State, now.Progress)
					}
				})
			})
		}
	}
}

func TestAnOperationStopsByItself(t *testing.T) {
	for name, c := range map[string]struct {
		why  error
		says string
	}{
		"at its percentage of failures":          {refused, "1 of 1 failed again"},
		"at a failure that was not there before": {fault.E("x", fault.Internal, errors.New("nil map")), "not there before"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, ids := newRoute(t, 30)
				r.handle = func(id string) error {
					if id == ids[0] {
						return c.why
					}
					return nil
				}
				d := r.desk()
				o := start(t, d, dlq.Wish{Letters: ids})
				runs(t, d, func() bool { return state(t, d, o.ID).State == dlq.OpStopped })
				o = state(t, d, o.ID)
				if !strings.Contains(o.Why, c.says) || r.inOrder() != 1 {
					t.Fatalf("%s; %d left", o.Why, r.inOrder())
				}
				if _, err := d.Command(t.Context(), o.ID, dlq.VerbResume, "ann"); err != nil {
					t.Fatal(err)
				}
				runs(t, d, func() bool { return state(t, d, o.ID).State == dlq.OpDone })
				if o = state(t, d, o.ID); o.Progress.Resolved != 29 || o.Progress.Failed != 1 {
					t.Errorf("%+v", o.Progress)
				}
			})
		})
	}
}

func TestALetterIsInOneOperation(t *testing.T) {
	r, ids := newRoute(t, 3)
	d := r.desk()
	first, err := d.Operate(t.Context(), "ann", dlq.Wish{Letters: ids[:2], Reason: "x"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.Operate(t.Context(), "ben", dlq.Wish{Letters: ids, Reason: "x"})
	if err != nil || second.Plan.Letters != 1 || second.Plan.Skipped != 2 {
		t.Fatalf("%+v, %v", second.Plan, err)
	}
	if _, err := d.Operate(t.Context(), "cleo", dlq.Wish{Letters: ids, Reason: "x"}); !errors.Is(err, dlq.ErrNothing) {
		t.Errorf("a third: %v", err)
	}
	if all, err := d.Operations(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("one without letters is listed: %+v, %v", all, err)
	}
	if _, err := d.Command(t.Context(), first.ID, dlq.VerbCancel, "ann"); err != nil {
		t.Fatal(err)
	}
	if third, err := d.Operate(t.Context(), "cleo", dlq.Wish{Letters: ids, Reason: "x"}); err != nil || third.Plan.Letters != 2 {
		t.Errorf("what a cancelled one gave free: %+v, %v", third.Plan, err)
	}
}

func TestALargeOperationNeedsASecondPerson(t *testing.T) {
	r, ids := newRoute(t, 3)
	d := r.desk()
	d.ApproveAbove = 2
	o, err := d.Operate(t.Context(), "ann", dlq.Wish{Letters: ids, Reason: "x"})
	if err != nil || o.State != dlq.OpWaiting {
		t.Fatalf("%+v, %v", o, err)
	}
	if _, err := d.Command(t.Context(), o.ID, dlq.VerbStart, "ann"); !errors.Is(err, dlq.ErrState) {
		t.Errorf("started without approval: %v", err)
	}
	if _, err := d.Command(t.Context(), o.ID, dlq.VerbApprove, "ann"); !errors.Is(err, dlq.ErrSecond) {
		t.Errorf("approved by its author: %v", err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, who := range []string{"ben", "cleo"} {
		wg.Go(func() { _, errs[i] = d.Command(t.Context(), o.ID, dlq.VerbApprove, who) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("two approvers at once: %v", errs)
	}
	if _, err := d.Command(t.Context(), o.ID, dlq.VerbStart, "ann"); err != nil {
		t.Error(err)
	}
}

func TestWhatAnOperationRefuses(t *testing.T) {
	r, ids := newRoute(t, 1)
	d := r.desk()
	for name, w := range map[string]dlq.Wish{
		"no reason":     {Letters: ids},
		"an empty step": {Letters: ids, Reason: "x", Pace: dlq.Pace{Ramp: []int{0}}},
		"a rate":        {Letters: ids, Reason: "x", Pace: dlq.Pace{Rate: -1}},
		"a percentage":  {Letters: ids, Reason: "x", Pace: dlq.Pace{StopAt: 101}},
		"no letters":    {Reason: "x"},
		"no such one":   {Letters: []string{"Lnone"}, Reason: "x"},
		"an old one":    {Letters: []string{ids[0] + ".2"}, Reason: "x"},
	} {
		if o, err := d.Operate(t.Context(), "ann", w); err == nil {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if _, err := d.Command(t.Context(), "Rnone", dlq.VerbStart, "ann"); !errors.Is(err, dlq.ErrNoOperation) {
		t.Error(err)
	}
	o, err := d.Operate(t.Context(), "ann", dlq.Wish{Letters: ids, Reason: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{dlq.VerbApprove, dlq.VerbPause, dlq.VerbResume, "dance"} {
		if _, err := d.Command(t.Context(), o.ID, verb, "ben"); !errors.Is(err, dlq.ErrState) {
			t.Errorf("%s: %v", verb, err)
		}
	}
}

// TestAHubThatDiesGoesOnWithItsOperations kills the hub after each unit that an operation
// writes, from its plan to its end, and lets another go on with the same journal.
func TestAHubThatDiesGoesOnWithItsOperations(t *testing.T) {
	for die := 0; ; die++ {
		survived := false
		synctest.Test(t, func(t *testing.T) {
			r, ids := newRoute(t, 12)
			times := map[string]int{}
			r.handle = func(id string) error {
				times[id]++
				return nil
			}
			w := dlq.Wish{Letters: ids, Reason: "x", Pace: dlq.Pace{Ramp: []int{1, 4}}}
			d := r.desk()
			r.left = die
			o, err := d.Operate(t.Context(), "ann", w)
			if err == nil {
				_, err = d.Command(t.Context(), o.ID, dlq.VerbStart, "ann")
			}
			if err == nil {
				dead := func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.left == 0 }
				runs(t, d, func() bool { return dead() || state(t, d, o.ID).State == dlq.OpDone })
				survived = state(t, d, o.ID).State == dlq.OpDone && !dead()
			} else if !errors.Is(err, errDead) {
				t.Fatal(err)
			}

			r.left = -1
			r.work() // routes find what was to be replayed when they start
			d = r.desk()
			planned := false
			runs(t, d, func() bool {
				all, err := d.Operations(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range all {
					if x.State == dlq.OpPlanned && !planned {
						planned = true
						if _, err := d.Command(t.Context(), x.ID, dlq.VerbStart, "ann"); err != nil {
							t.Fatal(err)
						}
					}
				}
				return !slices.ContainsFunc(all, func(x dlq.Operation) bool { return !x.State.Ended() })
			})
			all, err := d.Operations(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(all) == 0 || all[0].State == dlq.OpCancelled { // nothing was promised: it is planned again
				o := start(t, d, w)
				runs(t, d, func() bool { return state(t, d, o.ID).State == dlq.OpDone })
			}
			for _, id := range ids {
				if times[id] != 1 {
					t.Errorf("dead after %d units: letter %s went %d times", die, id, times[id])
				}
			}
			if r.inOrder() != len(ids) {
				t.Errorf("dead after %d units: they left in the order %v", die, r.order)
			}
		})
		if t.Failed() {
			return
		}
		if survived {
			if die < 12 {
				t.Errorf("an operation of 12 letters wrote %d units only", die)
			}
			return
		}
	}
}

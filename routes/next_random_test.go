package routes

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/task"
)

// A change of priority or cut-off counts for what is queued, and for batches over several orders.
func TestWhatIsQueuedIsAsUrgentAsItsOrderIsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		r.stock("A", 100, "P-1")
		for i := range 3 {
			r.place(fmt.Sprint("SO-", i), "A", 1)
			settle(time.Minute)
		}
		r.gets("kim", "T1-SO-0", task.MostUrgent)
		nine := 9
		r.must(door.Orders, "SO-2", order.Change{Priority: &nine})
		settle(time.Minute)
		r.gets("lee", "T1-SO-2", task.MostUrgent)
		r.must(door.Orders, "SO-0", order.Change{Dates: &order.Dates{ShipBy: time.Now().Add(time.Hour)}})
		settle(time.Hour) // the leases end
		r.gets("max", "T1-SO-2", task.MostUrgent)
		r.gets("pat", "T1-SO-0", task.MostUrgent)
		r.gets("zoe", "T1-SO-1", task.MostUrgent)
		r.noLetters()
	})
}

// Workers ask at once, walk away, finish, and the process dies in between: at each moment a task
// is one worker's, whoever asks gets something as long as anything is open, and all is done.
func TestWorkIsOneWorkersAndAllOfItIsDone(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 4))
				r := newRig(t, byPeople)
				r.stock("A", 500, "P-1", "P-2", "P-3")
				n, done := 0, map[string]bool{}
				var mu sync.Mutex
				for round := range 25 {
					for range rnd.IntN(4) {
						r.placeAt(fmt.Sprint("SO-", n), rnd.IntN(9), time.Time{}, "A", 1)
						n++
					}
					settle(time.Duration(1+rnd.IntN(300)) * time.Second)
					var all sync.WaitGroup
					for w := range 1 + rnd.IntN(5) {
						finishes, who := rnd.IntN(3) > 0, fmt.Sprintf("w-%d", w)
						all.Go(func() {
							a, err := r.tryNext(who)
							switch {
							case err != nil:
								t.Errorf("%s: %v", who, err)
							case a.Task != nil && finishes:
								mu.Lock()
								defer mu.Unlock()
								r.pickAllOf(who, a.Task.Task)
								done[a.Task.Task] = true
							}
						})
					}
					all.Wait()
					if round%6 == 5 {
						r.crash(rnd.IntN(3))
						_, _ = r.tryNext("w-0")
						settle(time.Minute)
						r.restart()
					}
				}
				settle(time.Hour)
				for idle := 0; idle < 2; {
					a := r.next("last")
					if a.Task == nil {
						settle(time.Hour)
						idle++
						continue
					}
					r.pickAllOf("last", a.Task.Task)
					done[a.Task.Task] = true
				}
				settle(time.Hour)
				if len(done) < n {
					t.Errorf("%d of %d orders were picked", len(done), n)
				}
				r.oneWorkerEach()
				r.noLetters()
			})
		})
	}
}

// oneWorkerEach holds each task's history: one claim at a time, and nothing after its end.
func (r *rig) oneWorkerEach() {
	r.t.Helper()
	holds, over := map[string]string{}, map[string]bool{}
	r.each(func(rec *journal.Record) {
		if rec.Stream == "" {
			return
		}
		var e event.Event
		var err error
		if e, err = decodeEvent(r.hub.Registry(), rec); err != nil {
			r.t.Fatal(err)
		}
		switch e := e.(type) {
		case task.Claimed:
			if holds[e.Task] != "" || over[e.Task] {
				r.t.Errorf("%s is given to %s while %q has it (ended %v)", e.Task, e.Worker, holds[e.Task], over[e.Task])
			}
			holds[e.Task] = e.Worker
		case task.Expired:
			delete(holds, e.Task)
		case task.Preempted:
			delete(holds, e.Task)
		case task.Completed:
			if holds[e.Task] != e.Worker {
				r.t.Errorf("%s is ended by %s, and is %q's", e.Task, e.Worker, holds[e.Task])
			}
			delete(holds, e.Task)
			over[e.Task] = true
		case task.Cancelled:
			delete(holds, e.Task)
			over[e.Task] = true
		}
	})
}

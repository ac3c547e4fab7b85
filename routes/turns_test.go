package routes

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// working starts n workers that each take a turn of a given length, and returns how many work
// at once now and how many have ended.
func working(t *turns, n int, length time.Duration) (at, ended *atomic.Int64) {
	at, ended = &atomic.Int64{}, &atomic.Int64{}
	for range n {
		go func() {
			leave := t.take(context.Background())
			at.Add(1)
			elapse(length)
			at.Add(-1)
			leave()
			ended.Add(1)
		}()
	}
	return at, ended
}

func TestWhoCallsHasAProcessorForHimself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(time.Now)
		turns.called.Store(time.Now().Add(-time.Hour).UnixNano())
		all := int64(cap(turns.slots) + 3)

		at, _ := working(turns, int(all), time.Millisecond)
		synctest.Wait()
		if at.Load() != all {
			t.Errorf("%d of %d work at once while nobody calls", at.Load(), all)
		}
		elapse(2 * time.Millisecond)

		leave := turns.enter()
		at, ended := working(turns, int(all), time.Millisecond)
		synctest.Wait()
		if at.Load() != int64(cap(turns.slots)) {
			t.Errorf("%d work at once beside a caller, want %d", at.Load(), cap(turns.slots))
		}
		elapse(time.Duration(all) * time.Millisecond)
		synctest.Wait()
		if ended.Load() != all {
			t.Errorf("%d of %d had their turn", ended.Load(), all)
		}
		leave()
		if !turns.busy() {
			t.Error("the doors are quiet as soon as one caller has his answer")
		}
		elapse(doorsQuiet)
		if turns.busy() {
			t.Error("the doors are not quiet a while after the last answer")
		}
	})
}

// A handler that takes its time, or waits for others, holds nobody up for ever.
func TestNobodyWaitsForHisTurnForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(time.Now)
		leave := turns.enter()
		slow := cap(turns.slots)
		working(turns, slow, time.Hour)
		synctest.Wait()
		at, _ := working(turns, 5, time.Second)
		synctest.Wait()
		if at.Load() != 0 {
			t.Errorf("%d work beside those that have every turn", at.Load())
		}
		elapse(maxTurn)
		synctest.Wait()
		if at.Load() != 5 {
			t.Errorf("%d of 5 work after the longest wait", at.Load())
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		turns.take(ctx)() // who stops does not wait
		leave()
		elapse(2 * time.Hour)
	})
}

func TestACrowdIsLetInBeforeWhatIsInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(time.Now)
		for range crowd {
			defer turns.enter()()
		}
		const each, n = 5 * time.Millisecond, 3
		began := time.Now()
		_, ended := working(turns, n*cap(turns.slots), each)
		for ended.Load() < int64(n*cap(turns.slots)) {
			elapse(each)
			synctest.Wait()
		}
		// The first turns are at once; the others come after the rests of those before them.
		if took, want := time.Since(began), (n-1)*(1+crowdRest)*each; took < want {
			t.Errorf("took %s beside a crowd, want at least %s", took, want)
		}
		elapse(time.Second)
	})
}

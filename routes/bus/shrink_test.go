package bus_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// A hub that gives its memory back while it works decides as one that does not: versions are those
// that there are, units that wait for the disk included, and who follows the log misses nothing.
func TestABusShrinksWhileItWorks(t *testing.T) {
	t.Parallel()
	b := open(t, journalmem.New(), bus.Options{})
	count := &bus.Fold{
		Kind: "count", Version: 1, Zero: func() any { return 0 },
		Apply: func(state any, _ *journal.Record) (any, error) { return state.(int) + 1, nil },
	}
	const streams, each = 4, 150
	stop := make(chan struct{})
	var shrinks sync.WaitGroup
	shrinks.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				if n < 3 {
					t.Errorf("it shrank %d times", n)
				}
				return
			default:
			}
			if err := b.Shrink(t.Context()); err != nil {
				t.Error(err)
				return
			}
		}
	})
	var work sync.WaitGroup
	for i := range streams {
		work.Go(func() {
			stream := fmt.Sprintf("s/%d", i)
			for n := range each {
				reads := b.NewReads()
				state, version, err := reads.Load(t.Context(), count, stream)
				if err != nil || state.(int) != n || version != uint64(n) {
					t.Errorf("%s: %v at version %d, want %d: %v", stream, state, version, n, err)
					return
				}
				r := note("t", stream, uint64(n))
				r.Stream = stream
				u := &journal.Unit{Records: []journal.Record{r}, Expect: []journal.Expect{{Stream: stream, Version: version}}}
				if ref, err := b.Submit(t.Context(), u); err != nil || ref != nil {
					t.Errorf("%s at %d: %v, %v", stream, n, ref, err)
					return
				}
			}
		})
	}
	work.Wait()
	close(stop)
	shrinks.Wait()
	units, err := b.Log().Units(t.Context(), 1, streams*each+1)
	if err != nil || len(units) != streams*each {
		t.Errorf("%d units in the log, want %d: %v", len(units), streams*each, err)
	}
}

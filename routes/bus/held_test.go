package bus_test

import (
	"testing"
	"testing/synctest"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// long are notes 0..n-1 of one key that are long, each in a unit of its own.
func long(t *testing.T, b *bus.Bus, from, n, size int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		r := note("in", "key-0", uint64(i))
		r.Personal, r.Subject = make([]byte, size), "somebody"
		submit(t, b, &journal.Unit{Records: []journal.Record{r}})
	}
}

func TestAPausedSubscriptionHoldsNothingInMemory(t *testing.T) {
	for name, paused := range map[string]bool{"from the start": true, "while it runs": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mem := journalmem.New()
				b := open(t, mem, bus.Options{})
				serve(t, b, bus.Subscription{Name: "route", Topics: []string{"in"}, Paused: paused}, func(d *bus.Delivery) { pass(t, d, "out", nil) })
				long(t, b, 0, 10, 0)
				synctest.Wait()
				if err := b.Pause("route"); err != nil {
					t.Fatal(err)
				}
				long(t, b, 10, 2000, 100)
				synctest.Wait()
				if n := b.HeldBy("route"); n != 0 {
					t.Errorf("holds %d bytes of what nobody works on", n)
				}
				if lag := b.Lags()[0]; lag.Open != 0 || lag.Behind < 2000 || !lag.Paused {
					t.Errorf("stands at %+v", lag)
				}
				// A pause that comes while it reads the backlog, and more that arrives meanwhile.
				for i := range 5 {
					if err := b.Resume("route"); err != nil {
						t.Fatal(err)
					}
					long(t, b, 2010+i, 1, 100)
					if err := b.Pause("route"); err != nil {
						t.Fatal(err)
					}
				}
				if err := b.Resume("route"); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				inOrderOnce(t, mem, "out", 1, 2015)
				audit(t, mem, "route")
			})
		})
	}
}

// What lags is bounded by what it takes, not by how many it are: a few long records fill it.
func TestLongRecordsOfASlowKeyWaitInTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := journalmem.New()
		b := open(t, mem, bus.Options{})
		goOn := make(chan struct{})
		subs := []string{"a", "b", "c", "d", "e", "f"}
		for _, name := range subs {
			serve(t, b, bus.Subscription{Name: name, Topics: []string{"in"}}, func(d *bus.Delivery) {
				<-goOn
				pass(t, d, "out-"+name, nil)
			})
		}
		const n, size = 700, 64 << 10 // 44 MB
		long(t, b, 0, n, size)
		synctest.Wait()
		sum := 0
		for _, name := range subs {
			held := b.HeldBy(name)
			if sum += held; held == 0 || held > 2*bus.HoldMuch {
				t.Errorf("%s holds %d bytes", name, held)
			}
		}
		if sum > bus.HeldMuch+len(subs)*4*bus.HoldLittle {
			t.Errorf("together they hold %d bytes", sum)
		}
		close(goOn)
		synctest.Wait()
		for _, name := range subs {
			inOrderOnce(t, mem, "out-"+name, 1, n)
			audit(t, mem, name)
			if held := b.HeldBy(name); held != 0 {
				t.Errorf("%s holds %d bytes of what is done", name, held)
			}
		}
	})
}

// One that is longer than all that may be held goes by itself.
func TestARecordLongerThanTheBoundGoesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := journalmem.New()
		b := open(t, mem, bus.Options{})
		if err := func() error {
			serve(t, b, bus.Subscription{Name: "route", Topics: []string{"in"}, Paused: true}, func(d *bus.Delivery) { pass(t, d, "out", nil) })
			long(t, b, 0, 3, bus.HoldMuch+1)
			return b.Resume("route")
		}(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		inOrderOnce(t, mem, "out", 1, 3)
	})
}

package bus_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

const pace = 10 * time.Millisecond

// paced is a bus in a bubble, whose commits of units are noted with their time and size.
type paced struct {
	*bus.Bus
	mu      sync.Mutex
	commits []commitAt
	began   time.Time
}

type commitAt struct {
	after time.Duration
	units int
}

func openPaced(t *testing.T) *paced {
	mem := journalmem.New()
	p := &paced{Bus: open(t, mem, bus.Options{Pace: pace})}
	mem.SetHook(func(b *journal.Batch) ([]*journal.Refusal, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(b.Units) > 0 {
			p.commits = append(p.commits, commitAt{time.Since(p.began), len(b.Units)})
		}
		return make([]*journal.Refusal, len(b.Units)), nil
	})
	return p
}

// begin lets the pace run out and notes from here on.
func (p *paced) begin() {
	elapse(10 * pace)
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commits, p.began = nil, time.Now()
}

func (p *paced) want(t *testing.T, want ...commitAt) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if fmt.Sprint(p.commits) != fmt.Sprint(want) {
		t.Errorf("committed %v, want %v", p.commits, want)
	}
}

// What routes hand over to each other shares commits; the first of them does not wait.
func TestRoutesShareCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPaced(t)
		go1 := make(chan struct{})
		serve(t, p.Bus, bus.Subscription{Name: "route", Topics: []string{"in"}}, func(d *bus.Delivery) {
			<-go1
			if number(&d.Record) == 1 {
				elapse(time.Millisecond) // behind the others
			}
			pass(t, d, "out", nil)
		})
		publish(t, p.Bus, "in", 5, 0, 1) // five keys at once
		publish(t, p.Bus, "in", 5, 1, 1)
		p.begin()
		close(go1)
		elapse(pace / 2)
		synctest.Wait()
		p.mu.Lock()
		first := len(p.commits)
		p.mu.Unlock()
		if first == 0 {
			t.Error("a hub that stood still made the first wait")
		}
		elapse(10 * pace)
		synctest.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		units := 0
		for i, c := range p.commits {
			if units += c.units; i > 1 && c.after-p.commits[i-1].after < pace {
				t.Errorf("commits %v are nearer than the pace", p.commits)
			}
		}
		if units != 10 || len(p.commits) > 4 {
			t.Errorf("%d units in commits %v, want 10 in few", units, p.commits)
		}
	})
}

// Who waits outside does not wait for the pace, and takes along what waited for it.
func TestADoorsUnitIsNotPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPaced(t)
		p.begin()
		for range 3 {
			submit(t, p.Bus, &journal.Unit{Records: []journal.Record{note("t", "k", 1)}})
			elapse(time.Millisecond)
		}
		synctest.Wait()
		p.want(t, commitAt{0, 1}, commitAt{time.Millisecond, 1}, commitAt{2 * time.Millisecond, 1})
	})
}

// Of a crowd whose decisions take their time many share a commit, and the last of them are not
// forgotten: nobody comes after them.
func TestACrowdSharesCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPaced(t)
		door := p.NewDoor("door")
		calls, err := door.Subscribe(context.Background(), "door")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = door.Close() })
		one := make(chan struct{}, 1) // a processor: each decision takes a tenth of the pace
		go func() {
			for m := range calls {
				go func(m *message.Message) {
					r := bus.RequestOf(m)
					one <- struct{}{}
					elapse(pace / 10)
					<-one
					if _, err := r.Commit(context.Background(), nil, &journal.Unit{Records: []journal.Record{note("t", r.ID.String(), 1)}},
						func(ref *journal.Refusal, err error) { r.Answer(ref == nil, err) }); err != nil {
						t.Error(err)
					}
				}(m)
			}
		}()
		p.begin()
		var answered sync.WaitGroup
		const callers = 80
		for range callers {
			answered.Go(func() {
				if v, err := door.Call(context.Background(), nil); err != nil || v != true {
					t.Errorf("answered %v, %v", v, err)
				}
			})
		}
		answered.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		units, small := 0, 0
		for _, c := range p.commits {
			if units += c.units; c.units < 5 {
				small++
			}
		}
		// The first finds a hub at rest, and the last are few.
		if units != callers || small > 10 {
			t.Errorf("%d of %d units in commits %v", units, callers, p.commits)
		}
	})
}

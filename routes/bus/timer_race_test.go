package bus_test

import (
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/routes/bus"
)

// TestATimerSetAnewWhileItFiresStands: what fires is the timer as it stands. The one before it
// neither arrives nor takes it away.
func TestATimerSetAnewWhileItFiresStands(t *testing.T) {
	t.Parallel()
	set := func(data string) *journal.Unit {
		return &journal.Unit{Timers: []journal.TimerOp{{ID: "s/x", Timer: journal.Timer{Sub: "s", Key: "x", Due: time.Now(), Data: []byte(data)}}}}
	}
	var b *bus.Bus
	var anew sync.Once
	ready := make(chan struct{})
	b = open(t, journalmem.New(), bus.Options{Step: func(s bus.Step) {
		if s == bus.StepTimer {
			<-ready
			anew.Do(func() { submit(t, b, set("new")) })
		}
	}})
	got := make(chan string, 2)
	serve(t, b, bus.Subscription{Name: "s", Topics: []string{"t"}}, func(d *bus.Delivery) {
		if _, err := d.Commit(t.Context(), nil, &journal.Unit{}, nil); err != nil {
			t.Error(err)
		}
		got <- string(d.Record.Data)
	})
	submit(t, b, set("old"))
	close(ready)
	select {
	case data := <-got:
		if data != "new" {
			t.Errorf("the timer that was replaced arrived: %q", data)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the timer that was set anew never arrives")
	}
}

package rabbitmq_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/paklog/hub/adapters/rabbitmq"
	"github.com/paklog/hub/adapters/rabbitmq/rabbittest"
	"github.com/paklog/hub/core/journal"
)

func TestMain(m *testing.M) { os.Exit(rabbittest.Run(m.Run)) }

// desk holds work in memory.
type desk struct {
	mu    sync.Mutex
	work  []journal.Record
	sent  journal.Pos
	taken map[journal.ID]int
	dead  int
	fails bool // of Take
}

func (d *desk) Next(_ context.Context, _ string, limit int) ([]journal.Record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rest := d.work[d.sent:]
	return rest[:min(len(rest), limit)], nil
}

func (d *desk) Sent(_ context.Context, _ string, upTo journal.Pos) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sent = max(d.sent, upTo)
	return nil
}

func (d *desk) Take(_ context.Context, _ string, came []journal.Record) ([]bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails {
		d.fails = false
		return nil, errors.New("the disk is full")
	}
	known := make([]bool, len(came))
	for i, r := range came {
		known[i] = true
		d.taken[r.ID]++
	}
	return known, nil
}

func (d *desk) Bury(_ context.Context, dead []journal.Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead += len(dead)
	return nil
}

func (d *desk) last() journal.Pos {
	d.mu.Lock()
	defer d.mu.Unlock()
	return journal.Pos(len(d.work))
}

func (d *desk) add(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for range n {
		at := len(d.work)
		d.work = append(d.work, journal.Record{ID: journal.ID{}.Child("test", "work", at), Pos: journal.Pos(at + 1), Type: "work", Data: []byte("{}"), Time: time.Unix(1_700_000_000, 0)})
	}
}

func (d *desk) through() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.taken)
}

const queue = "erp.test"

func link(t *testing.T, o rabbitmq.Options, d *desk) (l *rabbitmq.Link, stop func()) {
	t.Helper()
	l = rabbitmq.NewLink(rabbitmq.LinkOptions{Options: o, Queues: []string{queue}, Desk: d, Last: d.last})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return l, stop
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(90 * time.Second)
	defer limit.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func options(s rabbittest.Server, prefix string) rabbitmq.Options {
	return rabbitmq.Options{URL: func() string { return s.URL }, Prefix: prefix}
}

// Two processes: one sends and the other stands by, until the first is gone. A journal that refuses delays.
func TestOneProcessSendsAndTheNextTakesOver(t *testing.T) {
	s := rabbittest.Shared(t)
	o, d := options(s, s.Prefix(t, queue)), &desk{taken: map[journal.ID]int{}, fails: true}
	d.add(600)
	first, stop := link(t, o, d)
	until(t, "all is through", func() bool { return d.through() == 600 })
	if st := first.Status(); st.State != rabbitmq.Running || st.Err != nil || st.Sent < 600 {
		t.Errorf("%+v", st)
	}
	second, _ := link(t, o, d)
	until(t, "the other stands by", func() bool { return second.Status().State == rabbitmq.Standby })
	stop()
	d.add(50)
	until(t, "the rest is through", func() bool { return d.through() == 650 })
	if st := second.Status(); st.State != rabbitmq.Running || st.Sent != 50 {
		t.Errorf("%+v", st)
	}
}

// A queue that stands there with other arguments, one that vanishes, and a user who is nobody: each is told,
// and mended by whoever can.
func TestWhatABrokerRefusesIsTold(t *testing.T) {
	s := rabbittest.Shared(t)
	o, d := options(s, s.Prefix(t, queue)), &desk{taken: map[journal.ID]int{}}
	conn, err := amqp.Dial(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare(o.Prefix+queue, true, false, false, false, nil); err != nil { // a classic one
		t.Fatal(err)
	}
	d.add(10)
	l, _ := link(t, o, d)
	says := func(text string) func() bool {
		return func() bool { err := l.Status().Err; return err != nil && strings.Contains(err.Error(), text) }
	}
	until(t, "it says so", says("stands there with other arguments"))
	if d.through() != 0 {
		t.Error("work went through a queue that is not ours")
	}
	remove := func() {
		t.Helper()
		if _, err := ch.QueueDelete(o.Prefix+queue, false, false, false); err != nil {
			t.Fatal(err)
		}
	}
	remove()
	until(t, "it goes on", func() bool { return d.through() == 10 })
	remove() // and vanishes under it
	d.add(10)
	until(t, "it is made again", func() bool { return d.through() == 20 })
	nobody := strings.Replace(s.URL, "://", "://nobody:x@", 1)
	if _, rest, ok := strings.Cut(s.URL, "@"); ok {
		nobody = "amqp://nobody:hush@" + rest
	}
	o.URL = func() string { return nobody }
	l, _ = link(t, o, d)
	until(t, "it says so", says("connecting to RabbitMQ at "))
	if strings.Contains(l.Status().Err.Error(), "hush") {
		t.Error(l.Status().Err)
	}
}

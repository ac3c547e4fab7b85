package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/paklog/hub/adapters/rabbitmq"
	"github.com/paklog/hub/adapters/rabbitmq/rabbittest"
	"github.com/paklog/hub/adapters/sap/sapsim"
	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

// queueEnv holds what the process of [queueChild] is told.
const queueEnv = "PAKLOG_TEST_QUEUE"

// queueSpec is one life of a process that carries work through RabbitMQ.
type queueSpec struct {
	Dir, URL, Prefix string
	Run              int           // its work has ids of its own
	Work             int           // records that it adds
	Strange          int           // messages of strangers that must have been buried before it comes to rest
	Step             rabbitmq.Step // where it ends itself; "" comes to rest
	Nth              int64
	Limit            int    // of deliveries
	GivenUp          int    // of the work, that never comes
	Mark             string // file that it makes once some of its work is through
}

var testQueue = routes.QueueOfERP("test")

// queueChild adds work to a journal and carries it until it is told to die, or all of it is through.
func queueChild(text string) error {
	var s queueSpec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	store, err := sqlite.Open(ctx, s.Dir, sqlite.Options{MinFree: -1})
	if err != nil {
		return err
	}
	b, err := bus.Open(ctx, store, bus.Options{})
	if err != nil {
		return err
	}
	work := routes.NewWorkQueues(b, []routes.WorkQueue{testQueue})
	var hits atomic.Int64
	link := rabbitmq.NewLink(rabbitmq.LinkOptions{
		Options: rabbitmq.Options{URL: func() string { return s.URL }, Prefix: s.Prefix, DeliveryLimit: cmp.Or(s.Limit, 1000)}, Queues: work.Names(), Desk: work, Last: b.Last,
		Step: func(at rabbitmq.Step) {
			if at == rabbitmq.StepAcked && s.Mark != "" {
				_ = os.WriteFile(s.Mark, nil, 0o600) // who waits for it ends the test without it
			}
			if at == s.Step && hits.Add(1) == s.Nth {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				<-ctx.Done() // nothing more happens, whenever the signal comes
			}
		},
	})
	running, done := make(chan error, 1), make(chan error, 1)
	linked, stop := context.WithCancel(ctx)
	defer stop()
	go func() { running <- link.Run(linked) }()
	go func() { done <- settled(ctx, b, s) }()
	for i := range s.Work {
		r := journal.Record{
			ID: journal.ID{15: 1}.Child("test", fmt.Sprint("work ", s.Run), i), Type: "test.Work", Schema: 1, Topic: testQueue.From, Key: fmt.Sprint("key-", i%7),
			Time: time.Now().UTC(), Source: "test", Data: fmt.Appendf(nil, `{"run":%d,"i":%d}`, s.Run, i), Subject: "somebody", Personal: []byte("stays in the journal"),
		}
		ref, err := b.Submit(ctx, &journal.Unit{Records: []journal.Record{r}})
		if err == nil && ref != nil {
			err = ref
		}
		if err != nil {
			return fmt.Errorf("adding work: %w", err)
		}
	}
	err = <-done
	stop()
	return errors.Join(err, <-running, b.Close(ctx))
}

// settled waits until all of the work is through and the strangers' messages are buried; where the
// process is to die it waits for that.
func settled(ctx context.Context, b *bus.Bus, s queueSpec) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		asked, came, buried, err := queueTopics(ctx, b.Driver())
		if err != nil {
			return err
		}
		// Work is added by another goroutine: all of it has to be there first.
		mine := 0
		for i := range asked {
			if strings.Contains(string(asked[i].Data), fmt.Sprintf(`"run":%d,`, s.Run)) {
				mine++
			}
		}
		if s.Step == "" && mine == s.Work && len(came) >= len(asked)-s.GivenUp && len(buried) >= s.Strange+s.GivenUp {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("of %d records %d came, of %d strange ones %d: %w", len(asked), len(came), s.Strange, len(buried), ctx.Err())
		}
	}
}

func queueTopics(ctx context.Context, log journal.Log) (asked, came, buried []journal.Record, err error) {
	for topic, into := range map[string]*[]journal.Record{testQueue.From: &asked, testQueue.To: &came, "queue-dead": &buried} {
		recs, e := log.Topics(ctx, []string{topic}, 0, 1<<20)
		*into, err = recs, errors.Join(err, e)
	}
	return asked, came, buried, err
}

// life runs such a process to its end.
func (s queueSpec) life(t *testing.T) {
	t.Helper()
	spec, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), queueEnv+"="+string(spec))
	out, err := cmd.CombinedOutput()
	if s.Step == "" {
		if err != nil {
			t.Fatalf("the process ends with %v: %s", err, out)
		}
		return
	}
	if state, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || state.Signal() != syscall.SIGKILL {
		t.Fatalf("%s: the process was not killed there: %v %s", s.Step, err, out)
	}
}

// stranger writes a message that no journal knows to the work queue.
func stranger(t *testing.T, url, queue, id string) {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err == nil {
		err = ch.Confirm(false)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := ch.PublishWithDeferredConfirm("", queue, true, false, amqp.Publishing{
		MessageId: id, Type: "erp.Issue", DeliveryMode: amqp.Persistent, Body: []byte("post it: " + id), Headers: amqp.Table{"paklog-position": int64(1)},
	})
	if err != nil || !c.Wait() {
		t.Fatalf("publishing: %v", err)
	}
}

// audit holds what came out against what was asked for: each once, and in order.
func (s queueSpec) audit(t *testing.T) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), s.Dir, sqlite.Options{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	asked, came, buried, err := queueTopics(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	causes := func(rs []journal.Record, of func(journal.Record) journal.ID) (ids []string) {
		for _, r := range rs {
			ids = append(ids, of(r).String())
		}
		return ids
	}
	want := causes(asked, func(r journal.Record) journal.ID { return r.ID })
	got := causes(came, func(r journal.Record) journal.ID { return r.Causation })
	if len(want) == 0 || !slices.Equal(got, want) {
		sorted := slices.Sorted(slices.Values(got))
		t.Errorf("of %d records %d came out, %d different ones, in another order or not each once", len(want), len(got), len(slices.Compact(sorted)))
	}
	for i := range came {
		if string(came[i].Personal) != "stays in the journal" || string(came[i].Data) != string(asked[i].Data) {
			t.Errorf("%s came out as %s, %s", asked[i].Data, came[i].Data, came[i].Personal)
		}
	}
	var strange []string
	for _, r := range buried {
		strange = append(strange, r.Headers["message"])
	}
	if slices.Sort(strange); len(strange) != s.Strange || len(slices.Compact(strange)) != s.Strange {
		t.Errorf("of %d messages of strangers %d were buried: %v", s.Strange, len(buried), strange)
	}
}

// TestWorkThroughRabbitMQ is one test, for its parts share a broker of which one dies.
func TestWorkThroughRabbitMQ(t *testing.T) {
	t.Parallel()
	server := rabbittest.Shared(t)
	t.Run("a hub whose ERP has a queue posts each goods issue once", func(t *testing.T) { anERPWithAQueue(t, server) })
	t.Run("kills at each step lose, double and reorder nothing", func(t *testing.T) { killsAtEachQueueStep(t, server) })
	t.Run("what kills its taker is given up", func(t *testing.T) { whatKillsItsTaker(t, server) })
	t.Run("a broker that dies only delays", func(t *testing.T) { aBrokerThatDies(t, server) })
}

func killsAtEachQueueStep(t *testing.T, server rabbittest.Server) {
	s := queueSpec{Dir: t.TempDir(), URL: server.URL, Prefix: server.Prefix(t, testQueue.Name), Work: 30, Nth: 1}
	first := s
	first.Run = 1000
	first.life(t) // makes the queues
	for _, step := range rabbitmq.Steps() {
		s.Run++
		s.Strange++
		s.Step = step
		stranger(t, s.URL, s.Prefix+testQueue.Name, fmt.Sprint("stranger ", s.Run))
		s.life(t)
	}
	s.Run, s.Step = s.Run+1, ""
	s.life(t)
	s.audit(t)
}

// whatKillsItsTaker comes back until it is given up, and is kept then.
func whatKillsItsTaker(t *testing.T, server rabbittest.Server) {
	s := queueSpec{Dir: t.TempDir(), URL: server.URL, Prefix: server.Prefix(t, testQueue.Name), Work: 1, Limit: 2, Nth: 1, Step: rabbitmq.StepDelivered}
	s.life(t)
	s.Run, s.Work = 1, 0
	s.life(t)
	s.Step, s.GivenUp = "", 1
	s.life(t)
	store, err := sqlite.Open(t.Context(), s.Dir, sqlite.Options{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	asked, came, buried, err := queueTopics(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	// Where the first life ended before it knew that it was sent, it was sent again: that one may be taken.
	if len(came) > 1 || len(asked) != 1 || len(buried) != 1 || buried[0].Headers["message"] != asked[0].ID.String() || buried[0].Headers["reason"] != "delivery_limit" {
		t.Errorf("of %d records %d came, and %+v were given up", len(asked), len(came), buried)
	}
}

func aBrokerThatDies(t *testing.T, server rabbittest.Server) {
	if server.Local == nil {
		t.Skipf("%s is the user's: it is not stopped", rabbittest.Env)
	}
	s := queueSpec{Dir: t.TempDir(), URL: server.URL, Prefix: server.Prefix(t, testQueue.Name), Work: 5}
	s.life(t)
	// RabbitMQ 3.10 writes down what a new quorum queue is called after it has answered: one that is killed
	// in that moment comes back without the queue's log, and the queue without a leader. An orderly stop writes it.
	if err := errors.Join(server.Local.Down(syscall.SIGTERM), server.Local.Up(t.Context())); err != nil {
		t.Fatal(err)
	}
	s = queueSpec{Dir: s.Dir, URL: s.URL, Prefix: s.Prefix, Run: 1, Work: 1500, Mark: filepath.Join(t.TempDir(), "at-work")}
	done := make(chan struct{})
	go func() { defer close(done); s.life(t) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(s.Mark); err == nil {
			break
		}
		select {
		case <-tick.C:
		case <-done:
			t.Fatal("it ended before any of its work was through")
		}
	}
	if err := server.Local.Down(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := server.Local.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-done
	s.audit(t)
}

// anERPWithAQueue has a hub whose goods issues go through RabbitMQ, one of a stranger's that must not be
// posted, and then one that went back to its journal with work left in the queue.
func anERPWithAQueue(t *testing.T, server rabbittest.Server) {
	prefix := server.Prefix(t, "erp.main")
	s := newInvoices(t, "")
	plain := readme(t, s.config)
	url := filepath.Join(filepath.Dir(s.config), "amqp")
	if err := os.WriteFile(url, []byte(server.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	s.configure(fmt.Sprintf("queue: rabbitmq\nrabbitmq: {url_file: amqp, prefix: %q}\n", prefix))
	s.sap.Inject(sapsim.OpIssue, "answer-lost")
	if got, code := s.doctor("rabbitmq"); code != 0 || !strings.Contains(fmt.Sprint(got.Checks), "the first start makes our queues") {
		t.Errorf("doctor: %d, %+v", code, got.Checks)
	}
	stop := s.serve()
	s.stock("MUG", 9)
	one := s.sap.Want(sapsim.Wanted{Material: "MUG", Qty: 2})
	s.add(one, "MUG=2")
	told := func(n int) func() bool {
		return func() bool {
			return strings.Count(s.must("events", "tail", "--topic", "external-events", "--json"), "goods_issue") == n
		}
	}
	s.until("the hub is certain", told(1))
	line := func() routeLine {
		for _, l := range decoded[[]routeLine](t, s.must("routes", "--json")) {
			if l.Name == "queue.erp.main" {
				return l
			}
		}
		t.Fatal("the queue is no route")
		return routeLine{}
	}
	if l := line(); l.State != "running" {
		t.Errorf("%+v", l)
	}
	if got, code := s.doctor("rabbitmq"); code != 0 || !strings.Contains(fmt.Sprint(got.Checks), "wait in 1 queues") {
		t.Errorf("doctor: %d, %+v", code, got.Checks)
	}
	stranger(t, server.URL, prefix+"erp.main", "a stranger")
	var letters []dlq.Entry
	s.until("what nobody here sent is a letter", func() bool {
		letters = decoded[[]dlq.Entry](t, s.must("dlq", "list", "--json"))
		return len(letters) == 1
	})
	if out := s.must("dlq", "list"); !strings.Contains(out, "queue.dead") || !strings.Contains(s.must("dlq", "show", letters[0].ID), "none that this journal sent there") {
		t.Error(out)
	}
	stop()

	// Whoever leaves the queue for the journal leaves no work behind.
	if err := os.WriteFile(s.config, []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	s.serve()
	two := s.sap.Want(sapsim.Wanted{Material: "MUG", Qty: 1})
	s.add(two, "MUG=1")
	s.until("the other is posted, too", told(2))
	for number, left := range map[string]int64{one: 2, two: 1} {
		if truth := s.sap.Truth(number); truth.Issues != 1 || truth.Left["MUG"] != left {
			t.Errorf("%s: %+v", number, truth)
		}
	}
	s.must("audit")
}

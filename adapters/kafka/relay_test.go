package kafka_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/adapters/kafka"
	"github.com/paklog/hub/adapters/kafka/kafkatest"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
)

func TestEventsLeaveOnceInOrderAndAsCloudEvents(t *testing.T) {
	s := kafkatest.Shared(t)
	prefix, store := s.Prefix(t), journalmem.New()
	write(t, store, units(1, 300))
	r := kafka.NewRelay(kafka.RelayOptions{Options: options(s, prefix), Log: store, Last: last(store)})
	running(t, r)
	until(t, "the journal is relayed", func() bool { return r.Status().Behind == 0 && r.Status().State == kafka.RelayRunning })
	write(t, store, units(2, 300)) // what comes while it runs
	until(t, "the rest is relayed", func() bool { return r.Status().Behind == 0 })

	want := leaving(t, store)
	got := audit(t, s, prefix, want)
	byID := map[string]journal.Record{}
	for _, w := range want {
		byID[w.ID.String()] = w
	}
	for _, m := range got {
		w := byID[header(m, "ce_id")]
		head := map[string]string{
			"ce_specversion": "1.0", "ce_type": w.Type, "ce_source": "/paklog/test", "ce_subject": w.Stream, "ce_time": "2023-11-14T22:13:20Z",
			"ce_partitionkey": w.Key, "ce_dataschema": "urn:paklog:schema:order.Accepted:4", "content-type": "application/json",
			"ce_paklogposition": strconv.FormatUint(uint64(w.Pos), 10), "traceparent": w.Trace, "ce_correlationid": "conversation",
		}
		for name, value := range head {
			if header(m, name) != value {
				t.Fatalf("position %d: %s is %q, not %q", w.Pos, name, header(m, name), value)
			}
		}
		if !bytes.Equal(m.Value, w.Data) || string(m.Key) != w.Key {
			t.Fatalf("position %d: %s under %s", w.Pos, m.Value, m.Key)
		}
		if whole := fmt.Sprint(m.Headers, string(m.Value)); strings.Contains(whole, secretName) {
			t.Fatalf("position %d: personal data left: %s", w.Pos, whole)
		}
	}
	if st := r.Status(); st.Records != int64(len(want)) || st.Commits == 0 || st.Err != nil {
		t.Errorf("%+v", st)
	}
}

// childEnv holds what a relay in a process of its own is told.
const childEnv = "PAKLOG_TEST_RELAY"

type childSpec struct {
	Brokers []string
	Prefix  string
	Units   int
	Step    kafka.Step
	Nth     int64
}

// relayChild relays a journal that each of its processes makes the same, and ends itself where it is told.
func relayChild(spec string) error {
	var c childSpec
	if err := json.Unmarshal([]byte(spec), &c); err != nil {
		return err
	}
	store := journalmem.New()
	for _, u := range units(1, c.Units) {
		if _, err := store.Write(context.Background(), &journal.Batch{Units: []*journal.Unit{u}}); err != nil {
			return err
		}
	}
	var hits atomic.Int64
	r := kafka.NewRelay(kafka.RelayOptions{
		Options: kafka.Options{Brokers: c.Brokers, Prefix: c.Prefix, Partitions: 3, Replicas: 1}, Log: small{store}, Last: last(store),
		Step: func(s kafka.Step) {
			if s == c.Step && hits.Add(1) == c.Nth {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		},
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if st := r.Status(); st.Position > 0 && st.Behind == 0 {
				cancel()
			}
		}
	}()
	if err := r.Run(ctx); err != nil {
		return err
	}
	if st := r.Status(); st.Behind != 0 {
		return fmt.Errorf("not relayed: %+v", st)
	}
	return nil
}

// small gives few units at a time, so that there are many transactions.
type small struct{ journal.Log }

func (s small) Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error) {
	return s.Log.Units(ctx, from, min(limit, 40))
}

func TestKillsAtEachStepLoseDoubleAndReorderNothing(t *testing.T) {
	s := kafkatest.Shared(t)
	prefix := s.Prefix(t)
	const n = 800
	spawn := func(step kafka.Step, nth int64) (killed bool) {
		t.Helper()
		spec, err := json.Marshal(childSpec{s.Brokers, prefix, n, step, nth})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+string(spec))
		out, err := cmd.CombinedOutput()
		if x, ok := errors.AsType[*exec.ExitError](err); ok && x.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
			return true
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return false
	}
	for _, step := range kafka.Steps() {
		if !spawn(step, 1) {
			t.Errorf("%s was never reached", step)
		}
	}
	for _, step := range kafka.Steps()[2:] { // again, further on
		if !spawn(step, 3) {
			t.Errorf("%s was not reached a third time", step)
		}
	}
	if spawn("", 0) {
		t.Fatal("the last one was killed")
	}
	store := journalmem.New()
	write(t, store, units(1, n))
	audit(t, s, prefix, leaving(t, store))
}

func TestABrokerThatDiesOnlyDelays(t *testing.T) {
	s := kafkatest.Shared(t)
	if s.Local == nil {
		t.Skip("the broker is not ours to stop: " + kafkatest.Env + " names it")
	}
	prefix, store := s.Prefix(t), journalmem.New()
	write(t, store, units(1, 2000))
	var flushed atomic.Int64
	half := make(chan struct{})
	r := kafka.NewRelay(kafka.RelayOptions{
		Options: options(s, prefix), Log: small{store}, Last: last(store),
		Step: func(st kafka.Step) {
			if st == kafka.StepFlushed && flushed.Add(1) == 4 { // of its third transaction with records
				close(half)
			}
		},
	})
	running(t, r)
	<-half
	if err := s.Local.Down(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	write(t, store, units(2, 500)) // the outbox grows
	if err := s.Local.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "it is relayed", func() bool { return r.Status().Behind == 0 })
	audit(t, s, prefix, leaving(t, store))
}

func TestAStopDoesNotWaitForABrokerThatDied(t *testing.T) {
	s := kafkatest.Shared(t)
	if s.Local == nil {
		t.Skip("the broker is not ours to stop: " + kafkatest.Env + " names it")
	}
	prefix, store := s.Prefix(t), journalmem.New()
	write(t, store, units(1, 2000))
	dying, died := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	r := kafka.NewRelay(kafka.RelayOptions{
		Options: options(s, prefix), Log: small{store}, Last: last(store),
		Step: func(st kafka.Step) {
			if st == kafka.StepProduced && once.CompareAndSwap(false, true) {
				close(dying)
				<-died
			}
		},
	})
	stop := running(t, r)
	<-dying
	if err := s.Local.Down(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	close(died)
	began := time.Now()
	stop()
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("the stop took %s", d)
	}
	if err := s.Local.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := kafka.NewRelay(kafka.RelayOptions{Options: options(s, prefix), Log: store, Last: last(store)})
	running(t, again)
	until(t, "another goes on", func() bool { return again.Status().Position > 0 && again.Status().Behind == 0 })
	audit(t, s, prefix, leaving(t, store))
}

func TestOneRelayWorksAndTheOtherTakesOver(t *testing.T) {
	s := kafkatest.Shared(t)
	prefix, store := s.Prefix(t), journalmem.New()
	write(t, store, units(1, 100))
	relay := func() *kafka.Relay {
		return kafka.NewRelay(kafka.RelayOptions{Options: options(s, prefix), Log: small{store}, Last: last(store), Standby: time.Second})
	}
	first, second := relay(), relay()
	running(t, first)
	until(t, "the first relays", func() bool { return first.Status().Position > 0 && first.Status().Behind == 0 })
	stop := running(t, second)
	until(t, "the second has the id", func() bool { return second.Status().State == kafka.RelayRunning })
	write(t, store, units(2, 400))
	// Whichever of them writes, the other is refused: the one that was first does not go on unseen.
	until(t, "one stands by", func() bool {
		return first.Status().State == kafka.RelayStandby || second.Status().State == kafka.RelayStandby
	})
	until(t, "all is relayed", func() bool { return min(first.Status().Behind, second.Status().Behind) == 0 })
	stop() // the other takes over, if it is not the one that works
	write(t, store, units(3, 400))
	until(t, "the first relays again", func() bool { return first.Status().Behind == 0 && first.Status().State == kafka.RelayRunning })
	audit(t, s, prefix, leaving(t, store))
}

// A process that was stopped and goes on writes with an epoch that is over.
func TestALateWriteIsRefused(t *testing.T) {
	s := kafkatest.Shared(t)
	prefix, store := s.Prefix(t), journalmem.New()
	write(t, store, units(1, 50))
	frozen, thaw := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	old := kafka.NewRelay(kafka.RelayOptions{
		Options: options(s, prefix), Log: store, Last: last(store), Standby: time.Hour,
		Step: func(st kafka.Step) {
			if st == kafka.StepFlushed && once.Load() && once.CompareAndSwap(true, false) {
				close(frozen)
				<-thaw // everything is with the broker, but its end
			}
			if st == kafka.StepFound {
				once.Store(true)
			}
		},
	})
	running(t, old)
	<-frozen
	young := kafka.NewRelay(kafka.RelayOptions{Options: options(s, prefix), Log: store, Last: last(store)})
	running(t, young)
	until(t, "the young one has relayed", func() bool { return young.Status().Position > 0 && young.Status().Behind == 0 })
	close(thaw)
	until(t, "the old one stands by", func() bool { return old.Status().State == kafka.RelayStandby })
	if n := old.Status().Records; n != 0 {
		t.Errorf("the old one believes that it relayed %d records", n)
	}
	audit(t, s, prefix, leaving(t, store))
}

func TestAnotherJournalIsRefused(t *testing.T) {
	s := kafkatest.Shared(t)
	prefix, store := s.Prefix(t), journalmem.New()
	write(t, store, units(1, 50))
	r := kafka.NewRelay(kafka.RelayOptions{Options: options(s, prefix), Log: store, Last: last(store)})
	stop := running(t, r)
	until(t, "it is relayed", func() bool { return r.Status().Position > 0 && r.Status().Behind == 0 })
	stop()
	want := leaving(t, store)
	for name, other := range map[string][]*journal.Unit{
		"one that is shorter":           units(1, 40),
		"one that went another way":     append(units(1, 40), units(2, 40)...),
		"one that begins another way":   units(3, 60),
		"one that begins in another id": append(units(5, 1), units(1, 60)[1:]...),
	} {
		restored := journalmem.New()
		write(t, restored, other)
		r := kafka.NewRelay(kafka.RelayOptions{Options: options(s, prefix), Log: restored, Last: last(restored)})
		stop := running(t, r)
		until(t, name+" is refused", func() bool { return errors.Is(r.Status().Err, kafka.ErrOtherJournal) })
		stop()
		if r.Status().Records != 0 {
			t.Errorf("%s: %+v", name, r.Status())
		}
	}
	audit(t, s, prefix, want)
}

func TestTopicsThatCannotHoldEventsAreRefused(t *testing.T) {
	s := kafkatest.Shared(t)
	for name, x := range map[string]struct {
		topic      string
		partitions int32
		set        map[string]string
		say        string
	}{
		"compacted":             {"order-events", 3, map[string]string{"cleanup.policy": "compact"}, "all events of a key but the last would go"},
		"small messages":        {"pick-events", 3, map[string]string{"max.message.bytes": "1000"}, "max.message.bytes=1000"},
		"marks in two":          {"relay-marks", 2, map[string]string{"cleanup.policy": "compact"}, "has 2 partitions"},
		"marks that are lost":   {"relay-marks", 1, map[string]string{"cleanup.policy": "delete"}, "the relay's place is forgotten"},
		"compacted and deleted": {"audit-events", 1, map[string]string{"cleanup.policy": "compact,delete"}, "is compacted"},
	} {
		t.Run(name, func(t *testing.T) {
			prefix := s.Prefix(t)
			client, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			set := map[string]*string{}
			for k, v := range x.set {
				set[k] = &v
			}
			if _, err := kadm.NewClient(client).CreateTopic(t.Context(), x.partitions, 1, set, prefix+x.topic); err != nil {
				t.Fatal(err)
			}
			if _, err := kafka.EnsureTopics(t.Context(), options(s, prefix)); err == nil || !strings.Contains(err.Error(), x.say) || !strings.Contains(err.Error(), prefix+x.topic) {
				t.Errorf("EnsureTopics: %v", err)
			}
		})
	}
	prefix := s.Prefix(t)
	for range 2 { // what is there is left as it is
		if notes, err := kafka.EnsureTopics(t.Context(), options(s, prefix)); err != nil || len(notes) != 0 {
			t.Errorf("EnsureTopics: %v, %v", notes, err)
		}
	}
	o := options(s, s.Prefix(t))
	o.Replicas = 3
	if _, err := kafka.EnsureTopics(t.Context(), o); err == nil || !strings.Contains(err.Error(), "not so many brokers") {
		t.Errorf("three replicas on one broker: %v", err)
	}
}

func TestAKafkaThatIsNotThereIsWaitedFor(t *testing.T) {
	store := journalmem.New()
	write(t, store, units(1, 10))
	r := kafka.NewRelay(kafka.RelayOptions{Options: kafka.Options{Brokers: []string{"127.0.0.1:1"}}, Log: store, Last: last(store)})
	stop := running(t, r)
	until(t, "it says so", func() bool { return r.Status().State == kafka.RelayWaiting })
	if st := r.Status(); st.Err == nil || st.Behind == 0 || st.Records != 0 {
		t.Errorf("%+v", st)
	}
	stop() // and a stop does not wait for it
}

func TestWhatCannotBeAnAddressIsRefused(t *testing.T) {
	for _, bad := range [][]string{nil, {""}, {"kafka"}, {"kafka://host:9092"}, {"host:"}, {":9092"}, {"good:9092", "bad"}} {
		if kafka.CheckBrokers(bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, bad := range []string{"a/b", "a b", "ä", strings.Repeat("x", 101)} {
		if kafka.CheckPrefix(bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if err := errors.Join(kafka.CheckBrokers([]string{"a:1", "[::1]:2"}), kafka.CheckPrefix(""), kafka.CheckPrefix("eu.dc1_")); err != nil {
		t.Error(err)
	}
	if !slices.Contains(kafka.Mechanisms, "SCRAM-SHA-512") {
		t.Error(kafka.Mechanisms)
	}
}

package kafka_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/adapters/kafka"
	"github.com/paklog/hub/adapters/kafka/kafkatest"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		if err := relayChild(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(kafkatest.Run(m.Run))
}

// id is the n-th of a journal, the same in each process.
func id(n int) journal.ID {
	var x journal.ID
	binary.BigEndian.PutUint64(x[8:], uint64(n)+1)
	return x
}

const secretName = "Jo Personal"

// units are those of a journal by its seed: mostly events of the ten topics, some of what does not
// leave, and a few that came from Kafka.
func units(seed, n int) []*journal.Unit {
	topics := event.Topics()
	var out []*journal.Unit
	for i := range n {
		u := &journal.Unit{ID: id(seed*1_000_000_000 + 1000*i), At: time.Unix(1_700_000_000, 0).UTC()}
		for j := range 1 + (i+seed)%4 {
			k := 7*i + 3*j
			r := journal.Record{
				ID: id(seed*1_000_000_000 + 1000*i + 10 + j), Type: "order.Accepted", Schema: 4, Topic: string(topics[k%len(topics)]), Key: fmt.Sprintf("key-%d", k%23),
				Time: u.At, Source: "test", Data: fmt.Appendf(nil, `{"unit":%d,"record":%d}`, i, j), Correlation: "conversation", Causation: id(3),
				Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Subject: "person", Personal: []byte(secretName),
			}
			switch {
			case i%11 == 5:
				r.Topic = "documents-in"
			case i%13 == 7:
				r.Headers = map[string]string{"kafka-topic": "external-events", "kafka-partition": "0", "kafka-offset": "7"}
			case i%3 == 0:
				r.Stream = "order/main/OWNER/" + r.Key
			}
			u.Records = append(u.Records, r)
		}
		out = append(out, u)
	}
	return out
}

func write(t testing.TB, s *journalmem.Store, units []*journal.Unit) {
	t.Helper()
	refused, err := s.Write(context.Background(), &journal.Batch{Units: units})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range refused {
		if r != nil {
			t.Fatal(r)
		}
	}
}

// last asks a journal in memory for its end.
func last(s *journalmem.Store) func() journal.Pos {
	return func() journal.Pos {
		pos, err := s.Last(context.Background())
		if err != nil {
			return 0
		}
		return pos
	}
}

// leaving are the records that are to be in Kafka, in order.
func leaving(t testing.TB, s *journalmem.Store) []journal.Record {
	t.Helper()
	var names []string
	for _, n := range event.Topics() {
		names = append(names, string(n))
	}
	all, err := s.Topics(context.Background(), names, 0, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(r journal.Record) bool { return r.Headers["kafka-topic"] != "" })
}

// committed is everything that a reader of committed records sees, topic by topic and partition by
// partition, up to where they end now.
func committed(t testing.TB, s kafkatest.Server, topics ...string) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	open := map[string]map[int32]int64{}
	from := map[string]map[int32]kgo.Offset{}
	// A commit is answered before its end is written to each partition: readers see it a moment later.
	var ends kadm.ListedOffsets
	until(t, "no transaction is open any more", func() bool {
		whole, err := admin.ListEndOffsets(ctx, topics...)
		if err != nil {
			t.Fatal(err)
		}
		if ends, err = admin.ListCommittedOffsets(ctx, topics...); err != nil {
			t.Fatal(err)
		}
		settled := true
		whole.Each(func(o kadm.ListedOffset) {
			at, ok := ends.Lookup(o.Topic, o.Partition)
			settled = settled && ok && at.Offset == o.Offset
		})
		return settled
	})
	ends.Each(func(o kadm.ListedOffset) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		if o.Offset == 0 {
			return
		}
		if open[o.Topic] == nil {
			open[o.Topic], from[o.Topic] = map[int32]int64{}, map[int32]kgo.Offset{}
		}
		open[o.Topic][o.Partition], from[o.Topic][o.Partition] = o.Offset, kgo.NewOffset().At(0)
	})
	client.AddConsumePartitions(from)
	var all []*kgo.Record
	for len(open) > 0 {
		fetches := client.PollFetches(ctx)
		if errs := fetches.Errors(); len(errs) > 0 {
			t.Fatalf("reading %v: %v", open, errs[0].Err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			upTo, ok := open[r.Topic][r.Partition]
			if !ok || r.Offset >= upTo {
				return
			}
			if !r.Attrs.IsControl() {
				all = append(all, r)
			}
			if r.Offset == upTo-1 {
				delete(open[r.Topic], r.Partition)
				if len(open[r.Topic]) == 0 {
					delete(open, r.Topic)
				}
			}
		})
	}
	return all
}

// audit holds what is in Kafka against the journal: each record once, and in order per key.
func audit(t testing.TB, s kafkatest.Server, prefix string, want []journal.Record) []*kgo.Record {
	t.Helper()
	var topics []string
	for _, n := range event.Topics() {
		topics = append(topics, prefix+string(n))
	}
	got := committed(t, s, topics...)
	type lane struct{ topic, key string }
	seen, lanes := map[string]int{}, map[lane][]string{}
	for _, r := range got {
		x := header(r, "ce_id")
		seen[x]++
		l := lane{r.Topic, string(r.Key)}
		lanes[l] = append(lanes[l], x)
	}
	wanted := map[lane][]string{}
	lost, doubled := 0, 0
	for i := range want {
		x := want[i].ID.String()
		switch n := seen[x]; {
		case n == 0:
			lost++
		case n > 1:
			doubled++
		}
		delete(seen, x)
		l := lane{prefix + want[i].Topic, want[i].Key}
		wanted[l] = append(wanted[l], x)
	}
	reordered := 0
	for l, ids := range wanted {
		if !slices.Equal(lanes[l], ids) {
			reordered++
		}
	}
	if lost+doubled+reordered+len(seen) > 0 || len(got) != len(want) || !maps.EqualFunc(lanes, wanted, slices.Equal) {
		t.Errorf("of %d records that are to leave %d are in Kafka: %d lost, %d doubled, %d that were to stay, %d keys out of order",
			len(want), len(got), lost, doubled, len(seen), reordered)
	}
	return got
}

func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

func options(s kafkatest.Server, prefix string) kafka.Options {
	return kafka.Options{Brokers: s.Brokers, Prefix: prefix, Partitions: 3, Replicas: 1}
}

// running runs a relay or reader until the test ends or stop is called.
func running(t testing.TB, r interface{ Run(context.Context) error }) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// until waits for something to become true.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(90 * time.Second)
	defer limit.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

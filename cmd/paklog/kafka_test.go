package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/adapters/kafka/kafkatest"
	"github.com/paklog/hub/core/event"
)

// kafkaReader reads the topics of a prefix from their beginning, committed records alone.
func kafkaReader(t *testing.T, s kafkatest.Server, prefix string) *kgo.Client {
	t.Helper()
	var topics []string
	for _, n := range event.Topics() {
		topics = append(topics, prefix+string(n))
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...), kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// writeForeign writes messages of others to a partition.
func writeForeign(t *testing.T, s kafkatest.Server, topic string, partition int32, data ...string) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i, d := range data {
		r := &kgo.Record{Topic: topic, Partition: partition, Key: fmt.Appendf(nil, "crane-%d-%d", partition, i), Value: []byte(d)}
		for k, v := range map[string]string{"ce_specversion": "1.0", "ce_id": fmt.Sprintf("%s-%d-%s", topic, partition, d), "ce_source": "//cranes", "ce_type": "crane.Moved"} {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: k, Value: []byte(v)})
		}
		if err := c.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAHubReadsWhatOthersWriteToKafka takes messages of others in, over a stop and a start, each once; one
// that breaks its schema is a letter with its partition and offset, and nothing of it goes back.
func TestAHubReadsWhatOthersWriteToKafka(t *testing.T) {
	t.Parallel()
	server := kafkatest.Shared(t)
	prefix := server.Prefix(t)
	s := newShell(t)
	schemas := t.TempDir()
	if err := os.WriteFile(filepath.Join(schemas, "crane.Moved.json"), []byte(`{"type":"object","required":["to"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s.configure(fmt.Sprintf("bus: kafka\nkafka: {brokers: [%q], prefix: %q, partitions: 2, replicas: 1, read: {topics: [external-events], schemas: %q}}\n",
		strings.Join(server.Brokers, `","`), prefix, schemas))
	stop := s.serve()
	topic := prefix + "external-events"
	seen := func() []string {
		var at []string
		for line := range strings.Lines(s.must("events", "tail", "--topic", "external-events", "--json")) {
			if e := decoded[struct {
				Type string
				Data struct{ Partition, Offset string }
			}](t, line); e.Type == "external.Received" {
				at = append(at, e.Data.Partition+"@"+e.Data.Offset)
			}
		}
		return at
	}
	s.until("the topic is made", func() bool {
		lines := decoded[[]routeLine](t, s.must("routes", "--json"))
		i := slices.IndexFunc(lines, func(l routeLine) bool { return l.Name == relayName })
		return i >= 0 && lines[i].State == "running" && lines[i].Cursor > 0
	})
	writeForeign(t, server, topic, 0, `{"to":1}`, `{"from":1}`, `{"to":2}`)
	writeForeign(t, server, topic, 1, `{"to":3}`)
	s.until("it is in", func() bool { return len(seen()) == 3 && strings.Contains(s.must("dlq", "list"), topic+"/0@1") })
	stop()
	writeForeign(t, server, topic, 1, `{"to":4}`)
	s.serve()
	s.until("the rest is in", func() bool { return len(seen()) == 4 })
	got := seen()
	slices.Sort(got)
	if !slices.Equal(got, []string{"0@0", "0@2", "1@0", "1@1"}) {
		t.Error(got)
	}
	if out := s.must("routes"); !strings.Contains(out, readerName) {
		t.Error(out)
	}
}

// TestAHubOnKafka serves with Kafka as its bus, is stopped and started again: what others read there is
// what the journal holds, each event once.
func TestAHubOnKafka(t *testing.T) {
	t.Parallel()
	server := kafkatest.Shared(t)
	prefix := server.Prefix(t)
	s := newShell(t)
	s.configure(fmt.Sprintf("bus: kafka\nkafka: {brokers: [%q], prefix: %q, partitions: 2, replicas: 1}\n", strings.Join(server.Brokers, `","`), prefix))
	if out := s.must("config", "check"); !strings.Contains(out, "good") {
		t.Error(out)
	}
	stop := s.serve()
	s.stock("MUG", 5)
	stop()
	s.serve()
	s.stock("CUP", 7)
	var lines []routeLine
	s.until("all of it is in Kafka", func() bool {
		lines = decoded[[]routeLine](t, s.must("routes", "--json"))
		i := slices.IndexFunc(lines, func(l routeLine) bool { return l.Name == relayName })
		return i >= 0 && lines[i].State == "running" && lines[i].Cursor > 0 && lines[i].Behind == 0
	})
	if out := s.must("routes"); !strings.Contains(out, relayName) {
		t.Error(out)
	}

	want := map[string]string{}
	for _, topic := range event.Topics() {
		for line := range strings.Lines(s.must("events", "tail", "--topic", string(topic), "--json")) {
			e := decoded[struct{ ID, Topic string }](t, line)
			want[e.ID] = prefix + e.Topic
		}
	}
	if len(want) < 4 {
		t.Fatalf("the journal holds %v", want)
	}
	reader, got := kafkaReader(t, server, prefix), map[string]string{}
	ctx := t.Context()
	for len(got) < len(want) {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			for _, h := range r.Headers {
				if h.Key != "ce_id" {
					continue
				}
				if got[string(h.Value)] != "" {
					t.Errorf("%s is there twice", h.Value)
				}
				got[string(h.Value)] = r.Topic
			}
		})
	}
	if !maps.Equal(got, want) {
		t.Errorf("in Kafka %v, in the journal %v", got, want)
	}
}

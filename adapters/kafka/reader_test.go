package kafka_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/adapters/kafka"
	"github.com/paklog/hub/adapters/kafka/kafkatest"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
)

// intake keeps what it is given in memory, by the contract of [kafka.Intake].
type intake struct {
	mu     sync.Mutex
	owners map[string]string
	next   map[string]int64
	taken  map[string][]string // values, by place
	late   int                 // from whom the partition is gone
}

func newIntake() *intake {
	return &intake{owners: map[string]string{}, next: map[string]int64{}, taken: map[string][]string{}}
}

func (i *intake) Own(_ context.Context, place, owner string) (int64, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.owners[place] = owner
	if n, ok := i.next[place]; ok {
		return n, nil
	}
	return -1, nil
}

func (i *intake) Take(_ context.Context, place, owner string, first, next int64, recs []journal.Record) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.owners[place] != owner {
		i.late++
		return false, nil
	}
	if first < i.next[place] {
		return false, fmt.Errorf("%s goes back to %d", place, first)
	}
	i.next[place] = next
	for _, r := range recs {
		i.taken[place] = append(i.taken[place], string(r.Personal))
	}
	return true, nil
}

func (i *intake) count() (n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, v := range i.taken {
		n += len(v)
	}
	return n
}

// foreign writes n messages of others, whose value is their number in their partition.
func foreign(t *testing.T, s kafkatest.Server, topic string, from, n int) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var recs []*kgo.Record
	for i := from; i < from+n; i++ {
		for p := range int32(3) {
			recs = append(recs, &kgo.Record{Topic: topic, Partition: p, Key: []byte("key"), Value: []byte(strconv.Itoa(i)), Headers: []kgo.RecordHeader{{Key: "ce_id", Value: []byte("x")}}})
		}
	}
	if err := c.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func (i *intake) audit(t *testing.T, want int) {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.taken) != 3 {
		t.Errorf("%d partitions were read", len(i.taken))
	}
	for place, values := range i.taken {
		for n, v := range values {
			if v != strconv.Itoa(n) {
				t.Fatalf("%s: message %s stands at %d", place, v, n)
			}
		}
		if len(values) != want {
			t.Errorf("%s: %d messages of %d", place, len(values), want)
		}
	}
}

func TestMembersComeAndGoAndEachMessageIsTakenOnceInOrder(t *testing.T) {
	s := kafkatest.Shared(t)
	prefix := s.Prefix(t)
	if _, err := kafka.EnsureTopics(t.Context(), options(s, prefix)); err != nil {
		t.Fatal(err)
	}
	topic := prefix + "external-events"
	in := newIntake()
	reader := func() *kafka.Reader {
		return kafka.NewReader(kafka.ReaderOptions{Options: options(s, prefix), Topics: []string{"external-events"}, Group: "hub", Intake: in})
	}
	foreign(t, s, topic, 0, 400)
	first := reader()
	stopFirst := running(t, first)
	until(t, "the first reads", func() bool { return in.count() > 0 })
	second := reader()
	stopSecond := running(t, second)
	foreign(t, s, topic, 400, 400)
	until(t, "both have partitions", func() bool {
		a, b := first.Status().Partitions, second.Status().Partitions
		return a > 0 && b > 0 && a+b == 3
	})
	foreign(t, s, topic, 800, 400)
	stopFirst()
	foreign(t, s, topic, 1200, 400)
	until(t, "all is read", func() bool { return in.count() == 3*1600 })
	in.audit(t, 1600)

	// The broker's offsets follow.
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	until(t, "the broker's offsets stand at the end", func() bool {
		at, err := kadm.NewClient(c).FetchOffsets(t.Context(), prefix+"hub")
		if err != nil {
			t.Fatal(err)
		}
		n := int64(0)
		at.Each(func(o kadm.OffsetResponse) { n += o.At })
		return n == 3*1600
	})
	stopSecond()

	// They are not what is read by: where they are wrong, ours count.
	offsets := kadm.Offsets{}
	for p := range int32(3) {
		offsets.AddOffset(topic, p, 5, -1)
	}
	if err := kadm.NewClient(c).CommitAllOffsets(t.Context(), prefix+"hub", offsets); err != nil {
		t.Fatal(err)
	}
	running(t, reader())
	foreign(t, s, topic, 1600, 10)
	until(t, "the rest is read", func() bool { return in.count() >= 3*1610 })
	in.audit(t, 1610)
}

func TestWhatTheHubWroteItselfDoesNotComeBack(t *testing.T) {
	s := kafkatest.Shared(t)
	prefix, store, in := s.Prefix(t), journalmem.New(), newIntake()
	write(t, store, units(1, 100))
	r := kafka.NewRelay(kafka.RelayOptions{Options: options(s, prefix), Log: store, Last: last(store)})
	running(t, r)
	until(t, "it is relayed", func() bool { return r.Status().Position > 0 && r.Status().Behind == 0 })
	foreign(t, s, prefix+"external-events", 0, 5)
	running(t, kafka.NewReader(kafka.ReaderOptions{Options: options(s, prefix), Topics: []string{"external-events"}, Group: "hub", Intake: in}))
	until(t, "it is read", func() bool { return in.count() >= 15 })
	in.audit(t, 5)
}

func TestATopicThatIsNotThereIsToldOf(t *testing.T) {
	s := kafkatest.Shared(t)
	r := kafka.NewReader(kafka.ReaderOptions{Options: options(s, s.Prefix(t)), Topics: []string{"nowhere"}, Group: "hub", Intake: newIntake()})
	running(t, r)
	until(t, "it says so", func() bool { return r.Status().Err != nil })
	if err := r.Status().Err; !strings.Contains(err.Error(), "nowhere") {
		t.Error(err)
	}
}

func TestSchemasHoldDataToItsType(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := kafka.LoadSchemas(dir); err == nil {
		t.Error("an empty folder was taken")
	}
	file("crane.Moved.json", `{"type":"object","required":["to"],"properties":{"to":{"type":"integer"}}}`)
	s, err := kafka.LoadSchemas(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check("crane.Moved", []byte(`{"to":1}`)); err != nil {
		t.Error(err)
	}
	for data, says := range map[string]string{`{}`: "to", `{"to":"x"}`: "/to", `[]`: "object", `{`: ""} {
		if err := s.Check("crane.Moved", []byte(data)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", data, err)
		}
	}
	if err := s.Check("crane.Lost", []byte(`{}`)); err == nil || !strings.Contains(err.Error(), "no schema is known") {
		t.Error(err)
	}
	for _, bad := range []string{`{`, `{"type":"nothing"}`, `{"$ref":"file:///etc/passwd"}`} {
		file("bad.json", bad)
		if _, err := kafka.LoadSchemas(dir); err == nil || !strings.Contains(err.Error(), "bad.json") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

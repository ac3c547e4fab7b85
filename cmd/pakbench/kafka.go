package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/adapters/kafka"
	"github.com/paklog/hub/adapters/kafka/kafkalocal"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/edi/peer"
)

// kafkaEnv names the brokers that workers measure on, as host:port,host:port.
const kafkaEnv = "PAKLOG_BENCH_KAFKA"

// withKafka starts a broker where one is needed and none is named.
func withKafka(ctx context.Context, needed []*bench) (stop func(), err error) {
	wanted := false
	for _, b := range needed {
		wanted = wanted || strings.HasPrefix(b.name, "relay/") || strings.HasPrefix(b.name, "grown/") || strings.HasPrefix(b.name, "flow/")
	}
	if !wanted || os.Getenv(kafkaEnv) != "" {
		return func() {}, nil
	}
	server, err := kafkalocal.Start(ctx, kafkalocal.Options{Heap: "512m"})
	if _, none := errors.AsType[*peer.Unavailable](err); none {
		return func() {}, nil // each that needs it says so
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = server.Close() }, os.Setenv(kafkaEnv, server.Addr) // what was measured was measured
}

// inKafka is where a measurement works.
func inKafka() ([]string, error) {
	if names := os.Getenv(kafkaEnv); names != "" {
		return strings.Split(names, ","), nil
	}
	return nil, cannot("no Kafka: install a JDK and maven, or name brokers in %s", kafkaEnv)
}

// relayMessages is how many messages of 1 kB a round relays in a second of its length.
const relayMessages = 60_000

func relayed(c *config) int { return max(2000, int(relayMessages*c.seconds)) }

// relayProbe relays a journal in memory to topics that are new in each round.
type relayProbe struct {
	brokers []string
	store   *journalmem.Store
	n       int
}

func openRelay(ctx context.Context, c *config) (probe, error) {
	brokers, err := inKafka()
	if err != nil {
		return nil, err
	}
	p := &relayProbe{brokers: brokers, store: journalmem.New(), n: relayed(c)}
	gen := newPayloads(1)
	for i := 0; i < p.n; {
		b := &journal.Batch{}
		for range min(1000, p.n-i) {
			var id journal.ID
			binary.BigEndian.PutUint64(id[:], uint64(i)+1)
			b.Units = append(b.Units, &journal.Unit{ID: id, At: time.Unix(1_700_000_000, 0).UTC(), Records: []journal.Record{{
				ID: id, Type: "order.Accepted", Schema: 1, Topic: "order-events", Key: fmt.Sprintf("SO-%d", i%5000), Time: time.Unix(1_700_000_000, 0).UTC(),
				Source: "bench", Data: gen.next(), Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
			}}})
			i++
		}
		if _, err := p.store.Write(ctx, b); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *relayProbe) round(ctx context.Context) (sample, error) {
	prefix := "bench" + strings.ToLower(rand.Text()[:10]) + "."
	o := kafka.Options{Brokers: p.brokers, Prefix: prefix, Replicas: 1}
	if _, err := kafka.EnsureTopics(ctx, o); err != nil {
		return sample{}, err
	}
	last, err := p.store.Last(ctx)
	if err != nil {
		return sample{}, err
	}
	r := kafka.NewRelay(kafka.RelayOptions{Options: o, Log: p.store, Last: func() journal.Pos { return last }})
	run, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	m := begin()
	go func() { done <- r.Run(run) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for r.Status().Position < last && ctx.Err() == nil {
		<-tick.C
	}
	s := m.end(p.n)
	stop()
	if err := errors.Join(<-done, ctx.Err()); err != nil {
		return s, err
	}
	s.value *= payloadSize / 1e6
	seen, err := p.sink(ctx, prefix+"order-events")
	s.counts["doubled"] = float64(seen - p.n)
	s.counts["transactions"] = float64(r.Status().Commits)
	return s, err
}

// sink counts what a reader of committed records sees.
func (p *relayProbe) sink(ctx context.Context, topic string) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(p.brokers...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	for n < p.n {
		f := client.PollFetches(ctx)
		if err := f.Err(); err != nil {
			return n, fmt.Errorf("%d of %d messages are in Kafka: %w", n, p.n, err)
		}
		n += f.NumRecords()
	}
	return n, nil
}

func (p *relayProbe) Close() error { return p.store.Close() }

// producerProbe lets Kafka's own program write as many messages of the same kind.
type producerProbe struct {
	brokers []string
	libs    string
	file    string // of payloads
	n       int
}

func openProducer(ctx context.Context, c *config) (probe, error) {
	brokers, err := inKafka()
	if err != nil {
		return nil, err
	}
	p := &producerProbe{brokers: brokers, n: relayed(c), file: filepath.Join(c.work, "payloads-"+rand.Text()[:8])}
	if p.libs, err = kafkalocal.Jars(ctx); err != nil {
		return nil, cannot("%v", err)
	}
	var b bytes.Buffer
	gen := newPayloads(1)
	for range min(p.n, 20_000) {
		b.Write(gen.next())
		b.WriteByte('\n')
	}
	return p, os.WriteFile(p.file, b.Bytes(), 0o600)
}

// told is what the program says at its end.
var told = regexp.MustCompile(`(\d+) records sent, ([0-9.]+) records/sec`)

func (p *producerProbe) round(ctx context.Context) (sample, error) {
	prefix := "bench" + strings.ToLower(rand.Text()[:10]) + "."
	if _, err := kafka.EnsureTopics(ctx, kafka.Options{Brokers: p.brokers, Prefix: prefix, Replicas: 1}); err != nil {
		return sample{}, err
	}
	cmd := kafkalocal.Tool(ctx, p.libs, "org.apache.kafka.tools.ProducerPerformance", "--topic", prefix+"order-events", "--num-records", strconv.Itoa(p.n),
		"--throughput", "-1", "--payload-file", p.file, "--producer-props", "bootstrap.servers="+strings.Join(p.brokers, ","), "acks=all", "compression.type=snappy")
	m := begin()
	out, err := cmd.CombinedOutput()
	s := m.end(p.n)
	if err != nil {
		return s, fmt.Errorf("ProducerPerformance: %w\n%s", err, out)
	}
	all := told.FindAllSubmatch(out, -1)
	if len(all) == 0 {
		return s, fmt.Errorf("ProducerPerformance says no rate: %s", out)
	}
	last := all[len(all)-1]
	rate, err := strconv.ParseFloat(string(last[2]), 64)
	if err != nil || string(last[1]) != strconv.Itoa(p.n) {
		return s, fmt.Errorf("ProducerPerformance says %s: %w", last[0], err)
	}
	s.value = rate * payloadSize / 1e6 // its own clock: without the start of its JVM
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	s.counts = map[string]float64{"cpu_us_per_op": float64(used.Microseconds()) / float64(p.n)}
	return s, nil
}

func (p *producerProbe) Close() error { return os.Remove(p.file) }

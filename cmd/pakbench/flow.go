package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Of the flow: orders of about 875 bytes with ten lines of two channels, each key's in one partition. A line
// becomes a message on the topic of its order's channel.
const (
	flowOrders     = 20_000 // a round, in a second of its length
	flowLines      = 10
	flowKeys       = 1000
	flowPartitions = 4
	flowIn         = "orders"
	flowWeb        = "web-lines"
	flowStore      = "store-lines"
	// flowPatience is how long nothing may come at the sink.
	flowPatience = time.Minute
)

// flowOrder is an order as it is read, by the bare loop.
type flowOrder struct {
	Number  int    `json:"number"`
	Key     string `json:"key"`
	Channel string `json:"channel"`
	Lines   []struct {
		Line int    `json:"line"`
		Item string `json:"item"`
		Qty  int    `json:"qty"`
		UOM  string `json:"uom"`
		Lot  string `json:"lot"`
	} `json:"lines"`
}

// flowLine is a line as it is written.
type flowLine struct {
	Key   string `json:"key"`
	Line  int    `json:"line"`
	Lot   string `json:"lot"`
	Order int    `json:"order"`
	Qty   int    `json:"qty"`
	SKU   string `json:"sku"`
	Unit  string `json:"unit"`
}

// flowProbe writes orders to a topic that is new in each round, and lets hubs, or the bare loop, take them
// apart: from the first that is written to the last line at the sink.
type flowProbe struct {
	c       *config
	brokers []string
	hubs    int // 0 is the bare loop
	n       int
}

func openFlow(hubs int) func(context.Context, *config) (probe, error) {
	return func(_ context.Context, c *config) (probe, error) {
		brokers, err := inKafka()
		if err != nil {
			return nil, err
		}
		return &flowProbe{c: c, brokers: brokers, hubs: hubs, n: max(500, int(flowOrders*c.seconds))}, nil
	}
}

func (p *flowProbe) Close() error { return nil }

func (p *flowProbe) round(ctx context.Context) (s sample, err error) {
	prefix := "bench" + strings.ToLower(rand.Text()[:10]) + "."
	client, err := kgo.NewClient(kgo.SeedBrokers(p.brokers...))
	if err != nil {
		return s, err
	}
	defer client.Close()
	most := "8388608" // the relay refuses topics that take less than it may write
	made, err := kadm.NewClient(client).CreateTopics(ctx, flowPartitions, 1, map[string]*string{"max.message.bytes": &most}, prefix+flowIn, prefix+flowWeb, prefix+flowStore)
	if err := errors.Join(err, made.Error()); err != nil {
		return s, fmt.Errorf("making the topics: %w", err)
	}
	sink, err := kgo.NewClient(kgo.SeedBrokers(p.brokers...), kgo.ConsumeTopics(prefix+flowWeb, prefix+flowStore), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return s, err
	}
	defer sink.Close()
	cpu, rss, stop, err := p.start(ctx, prefix)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := p.joined(ctx, kadm.NewClient(client), prefix+group(p.hubs)); err != nil {
		return s, err
	}
	filled := make(chan error, 1)
	defer func() { err = errors.Join(err, <-filled) }()
	m := flowMeter{began: time.Now(), cpu: cpu(), machine: machineTime()}
	go func() { filled <- p.fill(ctx, client, prefix+flowIn) }()
	n, err := p.count(ctx, sink, prefix+flowWeb)
	if err != nil {
		return s, err
	}
	took, done := time.Since(m.began), float64(p.n)
	s = sample{value: done / took.Seconds(), counts: map[string]float64{
		"cpu_us_per_op": float64((cpu() - m.cpu).Microseconds()) / done, "machine_cpu_us_per_op": float64((machineTime() - m.machine).Microseconds()) / done,
		"peak_rss_mb": rss(), "doubled": float64(n.doubled), "reordered": float64(n.reordered),
	}}
	if p.hubs > 0 && n.doubled+n.reordered > 0 || n.astray > 0 {
		return s, fmt.Errorf("of %d lines %d are doubled, %d out of order and %d in the wrong topic", p.n*flowLines, n.doubled, n.reordered, n.astray)
	}
	return s, nil
}

// flowMeter is how things stood when the first order was written.
type flowMeter struct {
	began        time.Time
	cpu, machine time.Duration
}

// group is who reads the orders.
func group(hubs int) string {
	if hubs == 0 {
		return "bare"
	}
	return "hub"
}

// joined waits until all who read the orders share them.
func (p *flowProbe) joined(ctx context.Context, admin *kadm.Client, name string) error {
	ctx, cancel := context.WithTimeout(ctx, flowPatience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		groups, err := admin.DescribeGroups(ctx, name)
		if g := groups[name]; err == nil && g.Err == nil && g.State == "Stable" && len(g.Members) == max(1, p.hubs) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the orders are not read by all of %d: %w", max(1, p.hubs), ctx.Err())
		}
	}
}

// fill writes the orders.
func (p *flowProbe) fill(ctx context.Context, client *kgo.Client, topic string) error {
	gen := newPayloads(uint64(p.n))
	for from := 0; from < p.n; from += 1000 {
		var recs []*kgo.Record
		for n := from; n < min(p.n, from+1000); n++ {
			key := "key-" + strconv.Itoa(n%flowKeys)
			data := fmt.Appendf(nil, `{"number":%d,"key":%q,"channel":%q,"lines":[`, n, key, channelOf(n))
			for l := range flowLines {
				data = fmt.Appendf(data, `{"line":%d,"item":"%s-%04d","qty":%d,"uom":"EA","lot":"%08x","note":"%s"},`, l, gen.word(4), gen.r.IntN(1e4), 1+gen.r.IntN(500), gen.r.Uint32(), gen.word(6))
			}
			data[len(data)-1] = ']'
			recs = append(recs, &kgo.Record{Topic: topic, Key: []byte(key), Value: append(data, '}')})
		}
		if err := client.ProduceSync(ctx, recs...).FirstErr(); err != nil {
			return fmt.Errorf("writing orders: %w", err)
		}
	}
	return nil
}

func channelOf(order int) string {
	if order%flowKeys%2 == 0 {
		return "web"
	}
	return "store"
}

// start lets what is measured run. cpu is what it used so far, rss the most memory that it had, in MB; both are
// sums over the processes.
func (p *flowProbe) start(ctx context.Context, prefix string) (cpu func() time.Duration, rss func() float64, stop func() error, err error) {
	if p.hubs == 0 {
		return p.bare(ctx, prefix)
	}
	url, schema, err := inPostgres()
	if err != nil {
		return nil, nil, nil, err
	}
	dir, err := p.c.scratch("flow")
	if err != nil {
		return nil, nil, nil, err
	}
	file := filepath.Join(dir, "url")
	if err := os.WriteFile(file, []byte(url), 0o600); err != nil {
		return nil, nil, nil, err
	}
	shared := ""
	if p.hubs > 1 {
		shared = fmt.Sprintf(", shared: true, payloads: %q", filepath.Join(dir, "payloads"))
	}
	more := fmt.Sprintf(`store: postgres
postgres: {url_file: %q, schema: %s%s}
edi: {root: %q}
bus: kafka
kafka:
  brokers: [%q]
  prefix: %q
  partitions: %d
  replicas: 1
  flows:
    lines:
      from: %s
      lines: lines
      choose: channel
      to: {web: %s, store: %s}
      key: key
      fields: {key: key, order: number, line: .line, sku: .item, qty: .qty, unit: .uom, lot: .lot}
`, file, schema, shared, filepath.Join(dir, "edi"), strings.Join(p.brokers, `","`), prefix, flowPartitions, flowIn, flowWeb, flowStore)
	var hubs []*served
	stop = func() (err error) {
		for _, h := range hubs {
			err = errors.Join(err, h.Close())
		}
		return err
	}
	for range p.hubs {
		h, err := p.c.serve(ctx, serveOptions{more: more})
		if err != nil {
			return nil, nil, nil, errors.Join(err, stop())
		}
		hubs = append(hubs, h)
	}
	cpu = func() (sum time.Duration) {
		for _, h := range hubs {
			sum += h.cpu()
		}
		return sum
	}
	rss = func() (sum float64) {
		for _, h := range hubs {
			sum += peakRSS(h.pid())
		}
		return sum
	}
	return cpu, rss, stop, nil
}

// bare is a loop on franz-go without a hub: a poll, its lines, their acknowledgement, the commit. Each is written
// at least once.
func (p *flowProbe) bare(ctx context.Context, prefix string) (cpu func() time.Duration, rss func() float64, stop func() error, err error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(p.brokers...), kgo.ConsumerGroup(prefix+"bare"), kgo.ConsumeTopics(prefix+flowIn), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, nil, nil, err
	}
	run, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- bareLoop(run, client, prefix) }()
	resetPeak()
	return cpuTime, func() float64 { return peakRSS("self") }, func() error {
		cancel()
		err := <-ended
		client.Close()
		return err
	}, nil
}

func bareLoop(ctx context.Context, client *kgo.Client, prefix string) error {
	for {
		fetches := client.PollRecords(ctx, 2000)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return err
		}
		var out []*kgo.Record
		for r := range fetches.RecordsAll() {
			var o flowOrder
			if err := json.Unmarshal(r.Value, &o); err != nil {
				return err
			}
			topic := prefix + flowStore
			if o.Channel == "web" {
				topic = prefix + flowWeb
			}
			for _, l := range o.Lines {
				data, err := json.Marshal(flowLine{Key: o.Key, Line: l.Line, Lot: l.Lot, Order: o.Number, Qty: l.Qty, SKU: l.Item, Unit: l.UOM})
				if err != nil {
					return err
				}
				out = append(out, &kgo.Record{Topic: topic, Key: []byte(o.Key), Value: data})
			}
		}
		err := client.ProduceSync(ctx, out...).FirstErr()
		if err == nil {
			err = client.CommitUncommittedOffsets(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// flowSeen is what was wrong at the sink.
type flowSeen struct{ doubled, reordered, astray int }

// count sees the lines at the sink until each came. One that does not come is an error.
func (p *flowProbe) count(ctx context.Context, sink *kgo.Client, web string) (out flowSeen, err error) {
	want := p.n * flowLines
	seen, last := make([]bool, want), map[string]int{}
	for n := 0; n < want; {
		fetches, err := poll(ctx, sink)
		if err != nil {
			return out, fmt.Errorf("%d of %d lines came: %w", n, want, err)
		}
		for r := range fetches.RecordsAll() {
			var x flowLine
			if err := json.Unmarshal(r.Value, &x); err != nil {
				return out, fmt.Errorf("reading %s: %w", r.Value, err)
			}
			at := x.Order*flowLines + x.Line
			if at < 0 || at >= want || seen[at] {
				out.doubled++
				continue
			}
			if before, ok := last[x.Key]; ok && at < before {
				out.reordered++
			}
			if (channelOf(x.Order) == "web") != (r.Topic == web) {
				out.astray++
			}
			seen[at], last[x.Key] = true, at
			n++
		}
	}
	return out, nil
}

// poll waits no longer than the patience for what comes.
func poll(ctx context.Context, c *kgo.Client) (kgo.Fetches, error) {
	ctx, cancel := context.WithTimeout(ctx, flowPatience)
	defer cancel()
	fetches := c.PollFetches(ctx)
	return fetches, errors.Join(ctx.Err(), fetches.Err())
}

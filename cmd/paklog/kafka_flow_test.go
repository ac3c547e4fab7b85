package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/adapters/kafka/kafkatest"
)

// Of the flow that is killed: orders of so many lines, two channels, each key's orders in one partition.
const (
	flowLines = 10
	flowKeys  = 50
)

// TestAFlowOverKillsLosesDoublesAndReordersNothing takes orders of others apart while the hub is killed
// again and again: a reader of committed records sees each line once, and those of a key in order.
func TestAFlowOverKillsLosesDoublesAndReordersNothing(t *testing.T) {
	t.Parallel()
	for _, store := range []string{inSQLite, inPostgres} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			flowKilled(t, store == inPostgres)
		})
	}
}

func flowKilled(t *testing.T, grown bool) {
	server := kafkatest.Shared(t)
	prefix := server.Prefix(t)
	s := newShell(t)
	if grown {
		s.onPostgres()
	}
	orders, kills := 3000, 5
	s.configure(fmt.Sprintf(`bus: kafka
kafka:
  brokers: [%q]
  prefix: %q
  partitions: 3
  replicas: 1
  flows:
    lines:
      from: orders
      lines: lines
      choose: channel
      to: {web: web-lines, store: store-lines}
      key: key
      fields: {key: key, order: number, line: .line, sku: .item, qty: .qty}
`, strings.Join(server.Brokers, `","`), prefix))
	client, err := kgo.NewClient(kgo.SeedBrokers(server.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if _, err := kadm.NewClient(client).CreateTopics(t.Context(), 3, 1, nil, prefix+"orders"); err != nil {
		t.Fatal(err)
	}
	hub := s.serves()
	s.until("the topics are made", func() bool {
		there, err := kadm.NewClient(client).ListTopics(t.Context(), prefix+"web-lines", prefix+"store-lines")
		return err == nil && there.Error() == nil
	})
	var recs []*kgo.Record
	for n := range orders {
		key := fmt.Sprint("key-", n%flowKeys)
		channel := "web"
		if n%flowKeys%2 == 1 {
			channel = "store"
		}
		data := fmt.Appendf(nil, `{"number":%d,"key":%q,"channel":%q,"lines":[`, n, key, channel)
		for l := range flowLines {
			data = fmt.Appendf(data, `{"line":%d,"item":"SKU-%d","qty":%d},`, l, n*7%100, 1+l)
		}
		data[len(data)-1] = ']'
		recs = append(recs, &kgo.Record{Topic: prefix + "orders", Key: []byte(key), Value: append(data, '}')})
	}
	sink := newFlowSink(t, server, prefix)
	part := orders / (kills + 1)
	for i := range kills + 1 {
		end := (i + 1) * part
		if i == kills {
			end = orders
		}
		if err := client.ProduceSync(t.Context(), recs[i*part:end]...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if i == kills {
			break
		}
		// Some of it is through and some is not: there the hub dies.
		sink.read(t, i*part*flowLines+part*flowLines/3)
		if err := hub.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = hub.Wait() // it was killed
		hub = s.serves()
	}
	sink.read(t, orders*flowLines)
	// What comes last tells that nothing doubled is behind what was counted.
	for _, channel := range []string{"web", "store"} {
		data := fmt.Appendf(nil, `{"number":%d,"key":"last","channel":%q,"lines":[{"line":0,"item":"LAST","qty":1}]}`, orders, channel)
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: prefix + "orders", Key: []byte("last"), Value: data}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	sink.read(t, orders*flowLines+2)
	if sink.doubled > 0 || sink.reordered > 0 || sink.astray > 0 {
		t.Errorf("of %d lines %d doubled, %d out of order, %d in the wrong topic", sink.n, sink.doubled, sink.reordered, sink.astray)
	}
}

// flowSink reads both topics of the flow, committed records alone.
type flowSink struct {
	client                        *kgo.Client
	web                           string
	seen                          map[string]bool
	last                          map[string]int // by key, the last line of all its orders
	n, doubled, reordered, astray int
}

func newFlowSink(t *testing.T, s kafkatest.Server, prefix string) *flowSink {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...), kgo.ConsumeTopics(prefix+"web-lines", prefix+"store-lines"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &flowSink{client: c, web: prefix + "web-lines", seen: map[string]bool{}, last: map[string]int{}}
}

// read goes on until so many different lines were seen.
func (s *flowSink) read(t *testing.T, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for s.n < want {
		fetches := s.client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("%d of %d lines came: %v", s.n, want, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var x struct {
				Key         string
				Order, Line int
			}
			if err := json.Unmarshal(r.Value, &x); err != nil || x.Key != string(r.Key) {
				t.Fatalf("%s under key %s: %v", r.Value, r.Key, err)
			}
			at := x.Order*flowLines + x.Line
			id := fmt.Sprint(r.Topic, at)
			switch before, ok := s.last[x.Key]; {
			case s.seen[id]:
				s.doubled++
				return
			case ok && at < before:
				s.reordered++
			}
			s.seen[id] = true
			s.last[x.Key] = at
			s.n++
			if x.Key != "last" && (r.Topic == s.web) != (x.Order%flowKeys%2 == 0) {
				s.astray++
			}
		})
	}
}

package kafka_test

import (
	"slices"
	"testing"

	"github.com/paklog/hub/adapters/kafka"
	"github.com/paklog/hub/adapters/kafka/kafkatest"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
)

// TestWhatAFlowLeftBehindIsRelayed relays messages of a flow that the configuration has not any more, as no
// events, and none of a topic that only begins otherwise.
func TestWhatAFlowLeftBehindIsRelayed(t *testing.T) {
	s := kafkatest.Shared(t)
	prefix, store := s.Prefix(t), journalmem.New()
	flow := func(n int, topic string, headers map[string]string) {
		u := units(1, n+1)[n]
		u.Records = u.Records[:1]
		u.Records[0].Type, u.Records[0].Topic, u.Records[0].Key, u.Records[0].Stream, u.Records[0].Headers = "flow.x", topic, "key", "", headers
		write(t, store, []*journal.Unit{u})
	}
	relay := func(more ...string) {
		t.Helper()
		r := kafka.NewRelay(kafka.RelayOptions{Options: options(s, prefix), Log: store, Last: last(store), Flows: "flow-out.", More: more})
		stop := running(t, r)
		until(t, "it is relayed", func() bool { return r.Status().State == kafka.RelayRunning && r.Status().Behind == 0 })
		stop()
	}
	flow(0, "flow-out.lines", nil)
	flow(1, "flow-outer.lines", nil)
	flow(2, "flow-out.lines", map[string]string{"kafka-topic": "orders"})
	relay("lines")
	flow(3, "flow-out.lines", nil)
	relay()
	var ids []string
	for _, r := range committed(t, s, prefix+"lines") {
		ids = append(ids, header(r, "ce_id"))
		if schema := header(r, "ce_dataschema"); schema != "" || header(r, "ce_type") != "flow.x" || string(r.Key) != "key" {
			t.Errorf("%s: %v", r.Key, r.Headers)
		}
	}
	first, last := units(1, 1)[0], units(1, 4)[3]
	if want := []string{first.Records[0].ID.String(), last.Records[0].ID.String()}; !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want)
	}
}

package kafka_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/adapters/kafka"
	"github.com/paklog/hub/adapters/kafka/kafkatest"
	"github.com/paklog/hub/core/event"
)

func TestAClusterIsCheckedBeforeAndAfterItsTopicsAreMade(t *testing.T) {
	s := kafkatest.Shared(t)
	o := options(s, s.Prefix(t))
	c, err := kafka.Check(t.Context(), o, nil)
	if err != nil || c.Brokers == 0 || c.Topics != 0 || len(c.Complaints) > 0 {
		t.Errorf("before: %+v, %v", c, err)
	}
	if c, err = kafka.Check(t.Context(), o, nil); err != nil || c.Topics != 0 {
		t.Errorf("the check made topics: %+v, %v", c, err)
	}
	if _, err := kafka.EnsureTopics(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	c, err = kafka.Check(t.Context(), o, []string{string(event.Topics()[0])})
	if err != nil || c.Topics != len(event.Topics())+1 || len(c.Complaints) > 0 {
		t.Errorf("after: %+v, %v", c, err)
	}
}

func TestACheckFindsTopicsThatCannotHoldEvents(t *testing.T) {
	s := kafkatest.Shared(t)
	compact, small := "compact", "1000"
	for name, x := range map[string]struct {
		topic string
		set   map[string]*string
		read  []string
		many  int16
		say   string
	}{
		"compacted":                 {topic: "order-events", set: map[string]*string{"cleanup.policy": &compact}, say: "all events of a key but the last would go"},
		"small messages":            {topic: "pick-events", set: map[string]*string{"max.message.bytes": &small}, say: "max.message.bytes=1000"},
		"what is read is not there": {read: []string{"erp-orders"}, say: "erp-orders, which kafka.read.topics names"},
		"more copies than brokers":  {many: 100, say: "asks for 100 copies"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(s, s.Prefix(t))
			o.Replicas = max(1, x.many)
			if x.topic != "" {
				client, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, x.set, o.Prefix+x.topic); err != nil {
					t.Fatal(err)
				}
			}
			var c kafka.Checked
			until(t, "the broker knows of it", func() bool {
				var err error
				if c, err = kafka.Check(t.Context(), o, x.read); err != nil {
					t.Fatal(err)
				}
				return len(c.Complaints) > 0
			})
			if !slices.ContainsFunc(c.Complaints, func(p kafka.Complaint) bool { return p.Stops && strings.Contains(p.Text, x.say) }) {
				t.Errorf("%+v, want one that stops with %q", c, x.say)
			}
		})
	}
}

func TestAClusterThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	if c, err := kafka.Check(t.Context(), kafka.Options{Brokers: []string{"127.0.0.1:1"}}, nil); err == nil || !strings.Contains(err.Error(), "asking the brokers") {
		t.Errorf("%+v, %v", c, err)
	}
	o := kafka.Options{Brokers: []string{"127.0.0.1:1"}, TLS: &kafka.TLS{CA: "/nowhere/ca.pem"}}
	if _, err := kafka.Check(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "/nowhere/ca.pem") {
		t.Errorf("without the authorities' file: %v", err)
	}
}

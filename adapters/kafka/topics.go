package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/paklog/hub/core/event"
)

// marks is the topic of the marks of a relay, behind the prefix.
const marks = "relay-marks"

// Settings of topics by their name in Kafka.
const (
	keyCleanup   = "cleanup.policy"
	keyMaxBytes  = "max.message.bytes"
	keyMinInSync = "min.insync.replicas"
)

// EnsureTopics makes the ten topics and that of the marks where they are missing, and refuses those
// that cannot hold what they are for. The notes say what is legal and not wise.
func EnsureTopics(ctx context.Context, o Options) (notes []string, err error) {
	client, err := o.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return ensureTopics(ctx, kadm.NewClient(client), o)
}

func ensureTopics(ctx context.Context, admin *kadm.Client, o Options, more ...string) ([]string, error) {
	var names []string
	for _, t := range event.Topics() {
		names = append(names, o.Prefix+string(t))
	}
	for _, t := range more {
		names = append(names, o.Prefix+t)
	}
	most, compact := strconv.Itoa(maxMessage+overhead), "compact"
	made, err := admin.CreateTopics(ctx, o.partitions(), o.replicas(), map[string]*string{keyMaxBytes: &most}, names...)
	if err == nil {
		var one kadm.CreateTopicResponses
		one, err = admin.CreateTopics(ctx, 1, o.replicas(), map[string]*string{keyCleanup: &compact}, o.Prefix+marks)
		for name, r := range one {
			made[name] = r
		}
	}
	if err != nil {
		return nil, fmt.Errorf("making the topics: %w", advice(err))
	}
	for _, r := range made {
		if r.Err != nil && !errors.Is(r.Err, kerr.TopicAlreadyExists) {
			return nil, fmt.Errorf("making topic %s: %w %s", r.Topic, advice(r.Err), r.ErrMessage)
		}
	}
	names = append(names, o.Prefix+marks)
	if err := awaitTopics(ctx, admin, names); err != nil {
		return nil, err
	}
	return checkTopics(ctx, admin, names, o.Prefix+marks)
}

// awaitTopics returns once every topic is known to the broker that is asked: what the controller has
// made takes a moment to get around, and longer to have a leader.
func awaitTopics(ctx context.Context, admin *kadm.Client, names []string) error {
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	for {
		err := missing(ctx, admin, names)
		if err == nil {
			return nil
		}
		if pause(ctx, 20*time.Millisecond); ctx.Err() != nil {
			return err
		}
	}
}

// missing says which topic is not there.
func missing(ctx context.Context, admin *kadm.Client, names []string) error {
	details, err := admin.ListTopics(ctx, names...)
	if err != nil {
		return fmt.Errorf("looking at the topics: %w", advice(err))
	}
	for _, name := range names {
		d, ok := details[name]
		if !ok {
			d.Err = kerr.UnknownTopicOrPartition
		}
		if d.Err != nil {
			return fmt.Errorf("topic %s: %w", name, advice(d.Err))
		}
	}
	return nil
}

// checkTopics looks at what others may have made or changed.
func checkTopics(ctx context.Context, admin *kadm.Client, names []string, marksTopic string) (notes []string, err error) {
	details, err := admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("looking at the topics: %w", advice(err))
	}
	settings, err := admin.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("looking at the topics' settings: %w", advice(err))
	}
	var wrong []error
	for _, name := range names {
		d := details[name]
		set := map[string]string{}
		s, err := settings.On(name, nil)
		if err = errors.Join(err, s.Err); err != nil {
			wrong = append(wrong, fmt.Errorf("settings of topic %s: %w", name, err))
			continue
		}
		for _, c := range s.Configs {
			set[c.Key] = c.MaybeValue()
		}
		compacts := slices.Contains(strings.Split(set[keyCleanup], ","), "compact")
		switch {
		case name == marksTopic && len(d.Partitions) != 1:
			wrong = append(wrong, fmt.Errorf("topic %s has %d partitions: the marks of a relay stand in one", name, len(d.Partitions)))
		case name == marksTopic && set[keyCleanup] != "compact":
			wrong = append(wrong, fmt.Errorf("topic %s has cleanup.policy=%s: set compact, or the relay's place is forgotten", name, set[keyCleanup]))
		case name != marksTopic && compacts:
			wrong = append(wrong, fmt.Errorf("topic %s is compacted: all events of a key but the last would go; set cleanup.policy=delete", name))
		}
		if n, err := strconv.Atoi(set[keyMaxBytes]); name != marksTopic && (err != nil || n < maxMessage) {
			wrong = append(wrong, fmt.Errorf("topic %s has max.message.bytes=%s: set %d at least", name, set[keyMaxBytes], maxMessage+overhead))
		}
		replicas := d.Partitions.NumReplicas()
		if n, err := strconv.Atoi(set[keyMinInSync]); err == nil && replicas > 1 && n < 2 {
			notes = append(notes, fmt.Sprintf("topic %s has %d replicas and min.insync.replicas=%d: one broker that is lost may take what was written; set 2", name, replicas, n))
		}
	}
	return notes, errors.Join(wrong...)
}

// topicNames are the ten topics as the journal names them.
func topicNames() []string {
	var names []string
	for _, t := range event.Topics() {
		names = append(names, string(t))
	}
	return names
}

package kafka

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/core/journal"
)

// Intake is where what others wrote becomes durable. A [Reader] calls it from one goroutine a
// partition at a time; places are group/topic/partition.
type Intake interface {
	// Own takes a partition for an owner, whose name is new, and returns the offset to read next, -1
	// where nothing was read yet. What an earlier owner still brings is refused from then on.
	Own(ctx context.Context, place, owner string) (next int64, err error)
	// Take makes records durable that were read from first on, together with the offset behind them,
	// whole or not at all. It is false, and nothing is written, where another owns the partition.
	Take(ctx context.Context, place, owner string, first, next int64, records []journal.Record) (bool, error)
}

// Bounds of what is taken at once.
const (
	readRecords = 500
	readBytes   = 4 << 20
	// readSession is how long the group waits for a member that says nothing.
	readSession   = 10 * time.Second
	readRebalance = 30 * time.Second
)

// ReaderOptions say what is read.
type ReaderOptions struct {
	Options

	Topics []string // behind the prefix
	// Into are topics of the journal by topics, behind the prefix, whose messages are read by routes of their
	// own: their JSON stands in the open there, as that of messages that are no events. The others' come as
	// external.Arrived, what they say apart.
	Into   map[string]string
	Group  string // behind the prefix
	Intake Intake
	Logger *slog.Logger // discards
}

// Reader reads topics that others write, in a consumer group with whoever else reads in it.
type Reader struct {
	opts ReaderOptions
	log  *slog.Logger

	taken atomic.Int64

	mu      sync.Mutex
	running bool
	failure error
	owners  map[string]string // of the partitions that it has, by place
}

// ReaderStatus is how a reader does.
type ReaderStatus struct {
	Running    bool
	Partitions int   // that it has
	Taken      int64 // messages that this process made durable
	Err        error // why it waits
}

// NewReader makes a reader; [Reader.Run] starts it.
func NewReader(o ReaderOptions) *Reader {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Reader{opts: o, log: o.Logger, owners: map[string]string{}}
}

// Status is how it does now.
func (r *Reader) Status() ReaderStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ReaderStatus{Running: r.running, Partitions: len(r.owners), Taken: r.taken.Load(), Err: r.failure}
}

// Run reads until ctx ends. A failure is told by [Reader.Status], logged once and tried again from
// what is durable.
func (r *Reader) Run(ctx context.Context) error {
	wait := relayFirst
	for ctx.Err() == nil {
		before := r.taken.Load()
		failure := r.session(ctx)
		r.mu.Lock()
		was := r.failure
		r.running, r.owners = false, map[string]string{}
		if r.failure = failure; ctx.Err() != nil {
			r.failure = nil
		}
		r.mu.Unlock()
		if failure == nil || ctx.Err() != nil {
			continue
		}
		if was == nil || was.Error() != failure.Error() {
			r.log.Warn("reading what others write to Kafka waits", "err", failure)
		}
		if r.taken.Load() != before {
			wait = relayFirst
		}
		pause(ctx, wait+mrand.N(wait/2))
		wait = min(2*wait, relayMost)
	}
	return nil
}

func (r *Reader) place(topic string, partition int32) string {
	return r.opts.Prefix + r.opts.Group + "/" + topic + "/" + strconv.Itoa(int(partition))
}

// session is one membership in the group.
func (r *Reader) session(ctx context.Context) error {
	var topics []string
	for _, t := range r.opts.Topics {
		topics = append(topics, r.opts.Prefix+t)
	}
	var client *kgo.Client
	client, err := r.opts.client(
		kgo.ConsumerGroup(r.opts.Prefix+r.opts.Group), kgo.ConsumeTopics(topics...), kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(readSession), kgo.RebalanceTimeout(readRebalance),
		// A partition goes to another only between two polls: what was polled is durable by then.
		kgo.BlockRebalanceOnPoll(),
		// The broker's offsets follow ours, for those who watch the group; nothing is read by them.
		kgo.AutoCommitMarks(), kgo.AutoCommitInterval(time.Second),
		kgo.AdjustFetchOffsetsFn(func(ctx context.Context, at map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			return r.own(ctx, client, at)
		}),
		kgo.OnPartitionsRevoked(func(ctx context.Context, c *kgo.Client, gone map[string][]int32) {
			_ = c.CommitMarkedOffsets(ctx) // who has them next reads by ours
			r.lose(gone)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { r.lose(gone) }),
	)
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	// A member would wait for a topic that is not there without a word.
	if err := missing(ctx, kadm.NewClient(client), topics); err != nil {
		return err
	}
	for ctx.Err() == nil {
		fetches := client.PollRecords(ctx, 4*readRecords)
		err := r.take(ctx, client, fetches)
		client.AllowRebalance()
		if err != nil {
			return err
		}
	}
	return nil
}

// own takes the partitions that this member was given, and says where each is read on.
func (r *Reader) own(ctx context.Context, client *kgo.Client, at map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	member, generation := client.GroupMetadata()
	for topic, parts := range at {
		for partition := range parts {
			place := r.place(topic, partition)
			owner := fmt.Sprintf("%s/%d/%s", member, generation, rand.Text()[:8])
			next, err := r.opts.Intake.Own(ctx, place, owner)
			if err != nil {
				r.note(err)
				return nil, err
			}
			r.mu.Lock()
			r.owners[place] = owner
			r.mu.Unlock()
			if next >= 0 {
				parts[partition] = kgo.NewOffset().At(next)
			} else {
				parts[partition] = kgo.NewOffset().AtStart()
			}
		}
	}
	r.mu.Lock()
	r.running, r.failure = true, nil
	r.mu.Unlock()
	return at, nil
}

func (r *Reader) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure = err
}

func (r *Reader) lose(gone map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for topic, parts := range gone {
		for _, p := range parts {
			delete(r.owners, r.place(topic, p))
		}
	}
}

// take makes what was polled durable, partition by partition.
func (r *Reader) take(ctx context.Context, client *kgo.Client, fetches kgo.Fetches) error {
	for _, f := range fetches.Errors() {
		if errors.Is(f.Err, context.Canceled) || kerr.IsRetriable(f.Err) && !errors.Is(f.Err, kerr.UnknownTopicOrPartition) {
			continue
		}
		return fmt.Errorf("reading topic %s: %w", f.Topic, advice(f.Err))
	}
	var failure error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		for recs := p.Records; len(recs) > 0 && failure == nil && ctx.Err() == nil; {
			n, bytes := 0, 0
			for n < len(recs) && n < readRecords && bytes < readBytes {
				bytes += len(recs[n].Value)
				n++
			}
			failure = r.takeSome(ctx, client, p.Topic, p.Partition, recs[:n])
			recs = recs[n:]
		}
	})
	return failure
}

func (r *Reader) takeSome(ctx context.Context, client *kgo.Client, topic string, partition int32, recs []*kgo.Record) error {
	place := r.place(topic, partition)
	r.mu.Lock()
	owner := r.owners[place]
	r.mu.Unlock()
	var out []journal.Record
	for _, m := range recs {
		if !ours(m) {
			out = append(out, r.arrived(m))
		}
	}
	if len(out) > 0 {
		mine, err := r.opts.Intake.Take(ctx, place, owner, recs[0].Offset, recs[len(recs)-1].Offset+1, out)
		if err != nil {
			return err
		}
		if !mine {
			return fmt.Errorf("%s: %w", place, errTaken)
		}
		r.taken.Add(int64(len(out)))
	}
	client.MarkCommitRecords(recs...)
	return nil
}

// errTaken says that a partition has another owner: this member was silent too long.
var errTaken = errors.New("another member of the group has it by now")

// ours says whether a hub's relay wrote a message.
func ours(m *kgo.Record) bool {
	position, source := false, ""
	for _, h := range m.Headers {
		switch h.Key {
		case headerPosition:
			position = true
		case headerSource:
			source = string(h.Value)
		}
	}
	return position && strings.HasPrefix(source, "/paklog/")
}

// Of a message that others wrote, as the journal holds it.
const (
	arrivedTopic = "external-in"
	arrivedType  = "external.Arrived"
	arrivedOwn   = "h:" // before the message's own headers
	// What a header may have; a longer one is cut, for it is kept to be shown.
	headerMost = 1024
)

// arrived is a message as it is taken.
func (r *Reader) arrived(m *kgo.Record) journal.Record {
	place := m.Topic + "/" + strconv.Itoa(int(m.Partition)) + "@" + strconv.FormatInt(m.Offset, 10)
	sum := sha256.Sum256([]byte(r.opts.Group + "\x00" + place))
	id := journal.NewID(m.Timestamp, [10]byte(sum[:10]))
	rec := journal.Record{
		ID: id, Type: arrivedType, Schema: 1, Topic: arrivedTopic, Key: printable(string(m.Key), 256), Time: m.Timestamp.UTC(), Source: "kafka",
		Headers: map[string]string{
			cameTopic: m.Topic, camePartition: strconv.Itoa(int(m.Partition)), cameOffset: strconv.FormatInt(m.Offset, 10),
		},
	}
	if into := r.opts.Into[strings.TrimPrefix(m.Topic, r.opts.Prefix)]; into != "" {
		rec.Topic = into
	}
	if rec.Topic != arrivedTopic && json.Valid(m.Value) {
		rec.Data = m.Value
	} else { // whom it speaks of is not known
		rec.Data, rec.Subject, rec.Personal = []byte("{}"), "external/"+id.String(), m.Value
	}
	for _, h := range m.Headers {
		rec.Headers[arrivedOwn+printable(strings.ToLower(h.Key), headerMost)] = printable(string(h.Value), headerMost)
		if h.Key == headerTracePlain || h.Key == headerTrace {
			rec.Trace = printable(string(h.Value), 64)
		}
	}
	return rec
}

// printable is text without what a name may not hold.
func printable(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

package kafka

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/core/journal"
)

// Keys of the topic of marks. It is compacted: the last of each stays.
const (
	markKey  = "mark"  // of a transaction
	helloKey = "hello" // of a relay that starts, so that it finds where what stands before it ends
)

// mark says how far the transaction that holds it relayed which journal.
type mark struct {
	Journal  journal.ID  `json:"journal"` // unit at position 1
	Position journal.Pos `json:"position"`
	Unit     journal.ID  `json:"unit"` // that holds Position
}

// ErrOtherJournal says that Kafka holds what this journal never wrote: it is another one, or it was
// restored from a backup that is older than what was relayed.
var ErrOtherJournal = errors.New("the topics in Kafka were written from another journal, or from this one before it was restored from an older backup: readers have seen what it does not hold; give it topics of its own by another kafka.prefix")

func (r *Relay) mark(ctx context.Context, pos journal.Pos, unit journal.ID) ([]byte, error) {
	first, err := r.opts.Log.Holding(ctx, 1)
	if err != nil {
		return nil, fmt.Errorf("reading the journal's first unit: %w", err)
	}
	return json.Marshal(mark{Journal: first.Unit.ID, Position: pos, Unit: unit})
}

// find is the position that the last committed transaction reached. It writes a word of its own and
// reads up to it: what a younger relay writes is no concern of ours, for it shuts us out.
func (r *Relay) find(ctx context.Context, p *producer) (journal.Pos, error) {
	ctx, cancel := context.WithTimeout(ctx, transactionTime)
	defer cancel()
	word := rand.Text()
	if err := p.BeginTransaction(); err != nil {
		return 0, fmt.Errorf("beginning a transaction: %w", advice(err))
	}
	p.Produce(ctx, &kgo.Record{Topic: p.marks, Key: []byte(helloKey), Value: []byte(word)}, p.told)
	if err := r.commit(ctx, p); err != nil {
		return 0, err
	}
	admin := kadm.NewClient(p.Client)
	starts, err := admin.ListStartOffsets(ctx, p.marks)
	if err != nil {
		return 0, fmt.Errorf("looking for the last mark: %w", advice(err))
	}
	ends, err := admin.ListEndOffsets(ctx, p.marks)
	if err != nil {
		return 0, fmt.Errorf("looking for the last mark: %w", advice(err))
	}
	start, _ := starts.Lookup(p.marks, 0)
	last, _ := ends.Lookup(p.marks, 0)
	if err := errors.Join(start.Err, last.Err); err != nil {
		return 0, fmt.Errorf("looking for the last mark: %w", advice(err))
	}
	for back := int64(100); ; back *= 100 {
		from := max(start.Offset, last.Offset-back)
		m, err := r.lastMark(ctx, p.marks, from, word)
		if err != nil {
			return 0, err
		}
		if m != nil {
			return m.Position, r.known(ctx, m)
		}
		if from == start.Offset {
			return 0, nil // nothing was ever relayed
		}
	}
}

// lastMark reads from an offset up to the word, and returns the mark before it.
func (r *Relay) lastMark(ctx context.Context, topic string, from int64, word string) (*mark, error) {
	reader, err := r.opts.client(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(from)}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var m *mark
	for {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, fmt.Errorf("reading the marks: %w", advice(err))
		}
		if errs := fetches.Errors(); len(errs) > 0 {
			return nil, fmt.Errorf("reading the marks: %w", advice(errs[0].Err))
		}
		for _, rec := range fetches.Records() {
			switch string(rec.Key) {
			case helloKey:
				if string(rec.Value) == word {
					return m, nil
				}
			case markKey:
				m = new(mark)
				if err := json.Unmarshal(rec.Value, m); err != nil {
					return nil, fmt.Errorf("mark at offset %d of %s: %w", rec.Offset, topic, err)
				}
			}
		}
	}
}

// known holds a mark against the journal.
func (r *Relay) known(ctx context.Context, m *mark) error {
	last, err := r.opts.Log.Last(ctx)
	if err != nil {
		return fmt.Errorf("reading the journal: %w", err)
	}
	if m.Position > last {
		return fmt.Errorf("%w (Kafka is at position %d, the journal at %d)", ErrOtherJournal, m.Position, last)
	}
	for _, x := range []struct {
		pos  journal.Pos
		unit journal.ID
	}{{1, m.Journal}, {m.Position, m.Unit}} {
		u, err := r.opts.Log.Holding(ctx, x.pos)
		if err != nil {
			return fmt.Errorf("reading the journal: %w", err)
		}
		if u.Unit.ID != x.unit {
			return fmt.Errorf("%w (another unit is at position %d)", ErrOtherJournal, x.pos)
		}
	}
	return nil
}

// standBy returns once the relay that shut this one out has said nothing for a while although
// something waits for it.
func (r *Relay) standBy(ctx context.Context) error {
	topic := r.opts.Prefix + marks
	reader, err := r.opts.client(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtEnd()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		return err
	}
	defer reader.Close()
	for silent := time.Duration(0); ; {
		began := time.Now()
		look, stop := context.WithTimeout(ctx, r.opts.Standby-silent)
		fetches := reader.PollFetches(look)
		stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, f := range fetches.Errors() {
			if !errors.Is(f.Err, context.DeadlineExceeded) {
				return fmt.Errorf("watching the other relay: %w", advice(f.Err))
			}
		}
		spoke := false
		for _, rec := range fetches.Records() {
			spoke = true
			var m mark
			if string(rec.Key) == markKey && json.Unmarshal(rec.Value, &m) == nil {
				r.pos.Store(uint64(m.Position))
			}
		}
		if silent += time.Since(began); spoke {
			silent = 0
			continue
		}
		if silent < r.opts.Standby {
			continue
		}
		waits, err := r.waits(ctx)
		if waits || err != nil {
			return err
		}
		silent = 0
	}
}

// waits reports whether there is anything to relay behind what is known to be relayed.
func (r *Relay) waits(ctx context.Context) (bool, error) {
	recs, err := r.opts.Log.Topics(ctx, topicNames(), journal.Pos(r.pos.Load()), 1)
	if err != nil {
		return false, fmt.Errorf("reading the journal: %w", err)
	}
	return len(recs) > 0, nil
}

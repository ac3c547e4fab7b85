package rabbitmq

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/paklog/hub/core/journal"
)

// consume hears one queue. What is there already is handled together, up to the prefetch.
func (l *Link) consume(ctx context.Context, conn *amqp.Connection, queue string, handle func(context.Context, []amqp.Delivery) error) error {
	stop := impatient(conn)
	defer stop()
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("opening a channel: %w", err)
	}
	if err := ch.Qos(l.opts.prefetch(), 0, false); err != nil {
		return fmt.Errorf("setting the prefetch: %w", advice(err))
	}
	deliveries, err := ch.Consume(l.opts.Prefix+queue, "", false, false, false, false, nil)
	if err != nil {
		return fmt.Errorf("consuming %s: %w", queue, advice(err))
	}
	stop()
	for {
		var ds []amqp.Delivery
		select {
		case d, ok := <-deliveries:
			if !ok {
				if ctx.Err() != nil {
					return nil
				}
				return fmt.Errorf("RabbitMQ stopped delivering from %s: the queue is gone, or the channel", queue)
			}
			ds = append(ds, d)
		case <-ctx.Done():
			return nil
		}
		for more := true; more && len(ds) < l.opts.prefetch(); {
			select {
			case d, ok := <-deliveries:
				if more = ok; ok {
					ds = append(ds, d)
				}
			default:
				more = false
			}
		}
		if err := handle(ctx, ds); err != nil {
			return err
		}
	}
}

// take makes deliveries durable and acknowledges them. What the journal knows nothing of is rejected, what
// came back too often is given up; both become letters.
func (l *Link) take(ctx context.Context, queue string, ds []amqp.Delivery) error {
	l.opts.Step(StepDelivered)
	var fresh, tired []amqp.Delivery
	for _, d := range ds {
		if back(&d) >= int64(l.opts.limit()) {
			tired = append(tired, d)
		} else {
			fresh = append(fresh, d)
		}
	}
	if len(tired) > 0 {
		if err := l.bury(ctx, tired, func(*amqp.Delivery) (string, string, int64) {
			return l.opts.Prefix + queue, "delivery_limit", int64(l.opts.limit())
		}); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	came := make([]journal.Record, len(fresh))
	for i := range fresh {
		came[i].ID, came[i].Pos = reference(&fresh[i])
	}
	known, err := l.opts.Desk.Take(ctx, queue, came)
	if err != nil {
		return err
	}
	l.opts.Step(StepTaken)
	for i := range fresh {
		if known[i] {
			err = fresh[i].Ack(false)
			l.taken.Add(1)
		} else {
			err = fresh[i].Reject(false)
			l.strange.Add(1)
		}
		if err != nil {
			return fmt.Errorf("acknowledging what %s delivered: %w", queue, err)
		}
	}
	l.opts.Step(StepAcked)
	return nil
}

// back is how often a message came back, as a quorum queue counts.
func back(d *amqp.Delivery) int64 {
	switch n := d.Headers["x-delivery-count"].(type) {
	case int64:
		return n
	case int32:
		return int64(n)
	}
	return 0
}

// reference is what a message says it is in the journal; zero where it says nothing.
func reference(d *amqp.Delivery) (id journal.ID, pos journal.Pos) {
	id, err := journal.ParseID(d.MessageId)
	n, ok := d.Headers[headerPosition].(int64)
	if err != nil || !ok || n <= 0 {
		return journal.ID{}, 0
	}
	return id, journal.Pos(n)
}

// Of a message that was given up, as the journal holds it.
const (
	buriedTopic = "queue-dead"
	buriedType  = "queue.GivenUp"
	// most of what others wrote is kept to be shown, and no more.
	mostOfName = 256
	mostOfBody = 64 << 10
)

// bury makes what was given up durable. how says where that was, why, and how often.
func (l *Link) bury(ctx context.Context, ds []amqp.Delivery, how func(*amqp.Delivery) (queue, reason string, times int64)) error {
	l.opts.Step(StepGivenUp)
	dead := make([]journal.Record, len(ds))
	for i := range ds {
		queue, reason, times := how(&ds[i])
		dead[i] = l.givenUp(&ds[i], queue, reason, times)
	}
	if err := l.opts.Desk.Bury(ctx, dead); err != nil {
		return err
	}
	l.opts.Step(StepBuried)
	for i := range ds {
		if err := ds[i].Ack(false); err != nil {
			return fmt.Errorf("acknowledging what was given up: %w", err)
		}
		l.buried.Add(1)
	}
	return nil
}

// givenUp is such a message as a record. Its ID is that of this giving up: the message may
// be sent again, and given up again.
func (l *Link) givenUp(d *amqp.Delivery, queue, reason string, times int64) journal.Record {
	id, pos := reference(d)
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\x00%s\x00%d\x00%d\x00", queue, d.MessageId, d.Headers[headerPosition], times)
	sum.Write(d.Body)
	at := d.Timestamp
	if at.Unix() < 0 {
		at = time.Unix(0, 0)
	}
	key, _ := d.Headers[headerKey].(string)
	r := journal.Record{
		ID: journal.NewID(at, [10]byte(sum.Sum(nil)[:10])), Type: buriedType, Schema: 1, Topic: buriedTopic, Key: printable(key), Time: at.UTC(), Source: "rabbitmq",
		Headers: map[string]string{
			"queue": printable(strings.TrimPrefix(queue, l.opts.Prefix)), "reason": printable(reason), "message": printable(d.MessageId),
			"type": printable(d.Type), "position": strconv.FormatUint(uint64(pos), 10),
		},
		Data: []byte("{}"),
	}
	if trace, ok := d.Headers[headerTrace].(string); ok && len(trace) <= 64 {
		r.Trace = printable(trace)
	}
	if id.IsZero() { // nobody's of ours: what it says is kept apart, for whom it speaks of is not known
		r.Subject, r.Personal = "queue/"+r.ID.String(), d.Body[:min(len(d.Body), mostOfBody)]
	}
	return r
}

// death is where the broker gave a message up, why, and how often. RabbitMQ writes it down as x-death, newest
// first.
func death(d *amqp.Delivery) (queue, reason string, times int64) {
	list, _ := d.Headers["x-death"].([]any)
	if len(list) == 0 {
		return "", "put there by somebody else", 0
	}
	last, _ := list[0].(amqp.Table)
	queue, _ = last["queue"].(string)
	reason, _ = last["reason"].(string)
	times, _ = last["count"].(int64)
	return queue, reason, times
}

// printable is text that a name may hold.
func printable(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > mostOfName {
		s = strings.ToValidUTF8(s[:mostOfName], "")
	}
	return s
}

package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/paklog/hub/core/journal"
)

// Headers of a message, beside AMQP's own properties.
const (
	headerPosition = "paklog-position" // where the journal has it
	headerKey      = "paklog-key"      // its ordering key
	headerTrace    = "traceparent"
)

// send sends for all queues, where no other process does.
func (l *Link) send(ctx context.Context, conn *amqp.Connection) error {
	ch, returned, err := l.own(ctx, conn)
	if err != nil || ch == nil {
		return err
	}
	l.at(Running, nil)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var looked journal.Pos
	begun := false
	for ctx.Err() == nil {
		last := l.opts.Last()
		if begun && last == looked {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
			continue
		}
		for _, q := range l.opts.Queues {
			if err := l.sendAll(ctx, ch, returned, q); err != nil {
				return err
			}
			l.mu.Lock()
			l.looked[q] = last
			l.mu.Unlock()
		}
		begun, looked = true, last
	}
	return nil
}

// own takes the right to send: a queue that is this connection's alone, and gone with it. Two that send
// would do no harm, for messages are counted once by the inbox; it would be done twice.
func (l *Link) own(ctx context.Context, conn *amqp.Connection) (*amqp.Channel, <-chan amqp.Return, error) {
	for ctx.Err() == nil {
		ch, err := conn.Channel()
		if err != nil {
			return nil, nil, fmt.Errorf("opening a channel: %w", err)
		}
		_, err = ch.QueueDeclare(l.opts.Prefix+senderName, false, true, true, false, nil)
		if e, ok := errors.AsType[*amqp.Error](err); ok && e.Code == amqp.ResourceLocked {
			l.at(Standby, nil)
			pause(ctx, standby)
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("taking the right to send: %w", advice(err))
		}
		if err := ch.Confirm(false); err != nil {
			return nil, nil, fmt.Errorf("asking for confirmations: %w", advice(err))
		}
		return ch, ch.NotifyReturn(make(chan amqp.Return, sendMost)), nil
	}
	return nil, nil, nil
}

// sendAll sends what waits for a queue, batch by batch: the next leaves once the broker has confirmed all
// of one and that is durable. A message that is refused or comes back ends the session, so that none
// behind it can pass it by.
func (l *Link) sendAll(ctx context.Context, ch *amqp.Channel, returned <-chan amqp.Return, queue string) error {
	for ctx.Err() == nil {
		recs, err := l.opts.Desk.Next(ctx, queue, sendMost)
		if err != nil || len(recs) == 0 {
			return err
		}
		confirms := make([]*amqp.DeferredConfirmation, len(recs))
		for i := range recs {
			if confirms[i], err = ch.PublishWithDeferredConfirm("", l.opts.Prefix+queue, true, false, publishing(&recs[i])); err != nil {
				return fmt.Errorf("publishing to %s: %w", queue, advice(err))
			}
		}
		l.opts.Step(StepPublished)
		if err := confirmed(ctx, queue, confirms); err != nil {
			return err
		}
		// What could not be put anywhere comes back before its confirmation (mandatory).
		select {
		case r := <-returned:
			return fmt.Errorf("a message for %s came back: %s (%d): the queue is gone", queue, r.ReplyText, r.ReplyCode)
		default:
		}
		l.opts.Step(StepConfirmed)
		if err := l.opts.Desk.Sent(ctx, queue, recs[len(recs)-1].Pos); err != nil {
			return err
		}
		l.sent.Add(int64(len(recs)))
		l.opts.Step(StepSent)
	}
	return nil
}

// confirmed waits until the broker has all of a batch.
func confirmed(ctx context.Context, queue string, confirms []*amqp.DeferredConfirmation) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, c := range confirms {
		ok, err := c.WaitContext(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("RabbitMQ confirms nothing for queue %s since %s: see whether it has a leader (rabbitmq-queues quorum_status)", queue, patience)
		}
		if err != nil {
			return fmt.Errorf("waiting until %s has it: %w", queue, err)
		}
		if !ok {
			return fmt.Errorf("RabbitMQ did not take a message for %s", queue)
		}
	}
	return nil
}

// publishing is a record as a message. Personal data stays in the journal, where it is taken from again.
func publishing(r *journal.Record) amqp.Publishing {
	p := amqp.Publishing{
		DeliveryMode: amqp.Persistent, ContentType: "application/json", AppId: "paklog",
		MessageId: r.ID.String(), Type: r.Type, CorrelationId: r.Correlation, Timestamp: r.Time, Body: r.Data,
		Headers: amqp.Table{headerPosition: int64(r.Pos), headerKey: r.Key},
	}
	// CorrelationId is a short string of AMQP, 255 bytes at most.
	if len(p.CorrelationId) > 255 {
		p.CorrelationId = ""
	}
	if r.Trace != "" {
		p.Headers[headerTrace] = r.Trace
	}
	return p
}

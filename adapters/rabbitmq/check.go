package rabbitmq

import (
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Checked is what [Check] saw of a broker.
type Checked struct {
	Version string
	// Waiting are the messages of each queue of ours that is there.
	Waiting map[string]int
	// Dead are those that were given up and are no letters yet.
	Dead int
}

// Check asks the broker whether it lets us in and what waits in the queues, and makes nothing.
func Check(o Options, queues []string) (c Checked, err error) {
	conn, err := o.dial("paklog doctor")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	c.Version, _ = conn.Properties["version"].(string)
	c.Waiting = map[string]int{}
	for _, q := range append(queues, deadName) {
		// An answer that is an error closes the channel.
		ch, err := conn.Channel()
		if err != nil {
			return c, fmt.Errorf("opening a channel: %w", advice(err))
		}
		got, err := ch.QueueDeclarePassive(o.Prefix+q, true, false, false, false, nil)
		switch e, is := errors.AsType[*amqp.Error](err); {
		case is && e.Code == amqp.NotFound:
			continue
		case err != nil:
			return c, fmt.Errorf("asking for queue %s: %w", o.Prefix+q, advice(err))
		case q == deadName:
			c.Dead = got.Messages
		default:
			c.Waiting[q] = got.Messages
		}
		if err := ch.Close(); err != nil {
			return c, fmt.Errorf("closing a channel: %w", err)
		}
	}
	return c, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/paklog/hub/adapters/rabbitmq"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

// queueRabbit is the other place of work than [busJournal].
const queueRabbit = "rabbitmq"

// RabbitConfig is the RabbitMQ of the work queues.
type RabbitConfig struct {
	URL           configs.Secret `config:"url" doc:"amqp:// or amqps://user:password@host:port/vhost: give url_file, or ${NAME}."`
	Prefix        string         `config:"prefix" doc:"Begins the names of queues and exchanges."`
	Prefetch      int            `config:"prefetch" doc:"Messages of a queue that are with a hub at once."`
	DeliveryLimit int            `config:"delivery_limit" doc:"How often a message comes back before it becomes a letter."`
	CA            string         `config:"ca" doc:"Path of the authorities' certificates for amqps, PEM; \"\" are the system's."`
}

// Validate refuses what no broker has.
func (c RabbitConfig) Validate() error {
	errs := []error{
		atLeast("prefetch", c.Prefetch, 1), atMost("prefetch", c.Prefetch, 2000), // a quorum queue has no more
		atLeast("delivery_limit", c.DeliveryLimit, 1), atMost("delivery_limit", c.DeliveryLimit, 1_000_000),
		each("prefix", rabbitmq.CheckPrefix(c.Prefix)),
	}
	if url := c.URL.Reveal(); url != "" {
		errs = append(errs, each("url", rabbitmq.CheckURL(url)))
	}
	return errors.Join(errs...)
}

func (c RabbitConfig) options() rabbitmq.Options {
	return rabbitmq.Options{URL: c.URL.Reveal, Prefix: c.Prefix, Prefetch: c.Prefetch, DeliveryLimit: c.DeliveryLimit, CA: c.CA}
}

// queueRules refuse a place of work that there is not, and one without an address.
func (c *Config) queueRules() error {
	switch {
	case c.Queue == queueRabbit && c.RabbitMQ.URL.Reveal() == "":
		return errors.New("queue: rabbitmq needs rabbitmq.url, the broker of the work queues")
	case c.Queue != busJournal && c.Queue != queueRabbit:
		return fmt.Errorf("queue: %q: take %s or %s", c.Queue, busJournal, queueRabbit)
	}
	return nil
}

// workQueues are those of all partners that have one.
func (c *Config) workQueues() (all []routes.WorkQueue) {
	for _, name := range slices.Sorted(maps.Keys(c.ERPs)) {
		all = append(all, routes.QueueOfERP(name))
	}
	return all
}

// openQueues makes what carries work through RabbitMQ, where it waits there.
func (a *app) openQueues() error {
	all := a.cfg.workQueues()
	if len(all) == 0 {
		return nil
	}
	a.queues = routes.NewWorkQueues(a.bus, all)
	if a.cfg.Queue != queueRabbit {
		return nil
	}
	if err := routes.AddWorkQueues(a.hub, a.queues); err != nil {
		return err
	}
	a.link = rabbitmq.NewLink(rabbitmq.LinkOptions{
		Options: a.cfg.RabbitMQ.options(), Queues: a.queues.Names(), Desk: a.queues, Last: a.bus.Last, Logger: a.log,
	})
	for _, m := range []struct {
		name, help string
		value      func(rabbitmq.Status) int64
	}{
		{"paklog_queue_sent_total", "Messages of work queues that RabbitMQ confirmed to this process.", func(s rabbitmq.Status) int64 { return s.Sent }},
		{"paklog_queue_taken_total", "Deliveries of work queues that this process made durable, repeats included.", func(s rabbitmq.Status) int64 { return s.Taken }},
		{"paklog_queue_given_up_total", "Messages of work queues that RabbitMQ gave up and this process took.", func(s rabbitmq.Status) int64 { return s.Buried }},
	} {
		if err := a.metrics.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.name, Help: m.help}, func() float64 { return float64(m.value(a.link.Status())) })); err != nil {
			return fmt.Errorf("registering the metrics of work queues: %w", err)
		}
	}
	up := func() float64 {
		if s := a.link.Status(); s.State == rabbitmq.Running || s.State == rabbitmq.Standby {
			return 1
		}
		return 0
	}
	if err := a.metrics.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "paklog_queue_up", Help: "1 where this process reaches RabbitMQ, 0 where work waits for it."}, up)); err != nil {
		return fmt.Errorf("registering the metrics of work queues: %w", err)
	}
	return nil
}

// drainQueues does what a hub with queues left, where there are none any more.
func (a *app) drainQueues(ctx context.Context) error {
	err := a.queues.Drain(ctx)
	if err != nil && ctx.Err() == nil && a.bus.Err() == nil {
		// What stays is done by the next start: nothing of it is lost, and nothing else waits for it.
		a.log.Error("doing what was to go through work queues", "err", err)
	}
	return nil
}

// queueInfos are the work queues among the routes.
func (a *app) queueInfos() (list []routes.RouteInfo) {
	if a.link == nil {
		return nil
	}
	s, last := a.link.Status(), a.bus.Last()
	for _, q := range a.cfg.workQueues() {
		i := routes.RouteInfo{
			Name: "queue." + q.Name, About: "work through RabbitMQ, to who does it", Consumes: []string{q.From}, Writes: []string{q.To},
			Patterns: []string{"Message Bridge", "Guaranteed Delivery", "Idempotent Receiver"}, Conn: queueRabbit,
			Lag: bus.Lag{Name: "queue." + q.Name, Cursor: s.Looked[q.Name]},
		}
		switch {
		case s.Err != nil:
			i.Paused = s.Err.Error()
		case s.State == rabbitmq.Standby:
			i.Paused = "another process sends"
		}
		if i.Lag.Cursor < last {
			i.Lag.Behind = uint64(last - i.Lag.Cursor)
		}
		list = append(list, i)
	}
	return list
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/paklog/hub/adapters/kafka/kafkalocal"
	"github.com/paklog/hub/adapters/rabbitmq"
	"github.com/paklog/hub/adapters/rabbitmq/rabbitlocal"
)

// withKafka runs the demonstration with its topics copied to a Kafka that it starts.
func (d *demo) withKafka(run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) (end error) {
		server, err := kafkalocal.Start(ctx, kafkalocal.Options{})
		if err != nil {
			return fmt.Errorf("starting Kafka: %w", err)
		}
		defer func() { end = errors.Join(end, server.Close()) }()
		d.bus = defaults().Kafka
		d.bus.Brokers, d.bus.Partitions, d.bus.Replicas = []string{server.Addr}, 3, 1
		d.say("the ten topics are copied to Kafka at %s", server.Addr)
		return run(ctx)
	}
}

// withRabbitMQ runs the demonstration with what its ERP is asked for going through a RabbitMQ.
func (d *demo) withRabbitMQ(run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) (end error) {
		if d.queue = os.Getenv("PAKLOG_RABBITMQ_URL"); d.queue == "" {
			server, err := rabbitlocal.Start(ctx)
			if err != nil {
				return fmt.Errorf("starting RabbitMQ (or name one in PAKLOG_RABBITMQ_URL): %w", err)
			}
			defer func() { end = errors.Join(end, server.Close()) }()
			d.queue = server.URL
		}
		d.say("what SAP is asked for goes through RabbitMQ at %s", rabbitmq.Host(d.queue))
		return run(ctx)
	}
}

package kafka

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// requestPatience is how long one request is tried again by itself before its failure is told.
const requestPatience = 10 * time.Second

// ErrFenced says that another process took over: what this one would write is refused.
var ErrFenced = errors.New("another process relays to Kafka since")

// fenced reports whether the broker refused a producer because there is a younger one.
func fenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) ||
		errors.Is(err, kerr.FencedInstanceID)
}

// advice adds what to do to an error.
func advice(err error) error {
	switch {
	case err == nil:
		return nil
	case fenced(err):
		return fmt.Errorf("%w: %w", ErrFenced, err)
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return fmt.Errorf("the brokers do not let us in: see kafka.sasl: %w", err)
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.TransactionalIDAuthorizationFailed),
		errors.Is(err, kerr.GroupAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("the user may not do this: give it Write, Read and Describe on our topics and transactional id: %w", err)
	case errors.Is(err, kerr.InvalidReplicationFactor):
		return fmt.Errorf("there are not so many brokers: see kafka.replicas: %w", err)
	case errors.Is(err, kerr.MessageTooLarge):
		return fmt.Errorf("an event is larger than the topic takes: raise its max.message.bytes: %w", err)
	}
	return err
}

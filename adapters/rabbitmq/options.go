// Package rabbitmq puts work queues in a RabbitMQ between what the hub decides and the partners that
// work slowly: quorum queues whose messages are confirmed by the broker, taken one consumer at a time
// and acknowledged once they are durable. The journal stays the truth: what is sent is read from it, what
// is taken is held against it, and the inbox that takes it counts each message once, however often the
// broker delivers it.
package rabbitmq

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Options say which RabbitMQ, and what is made there.
type Options struct {
	// URL is amqp:// or amqps://user:password@host:port/vhost.
	URL func() string
	// Prefix begins the names of queues and exchanges. Two hubs on one vhost have two.
	Prefix string
	// Prefetch is how many messages of a queue are with this process at once: 100. They are taken in one
	// commit.
	Prefetch int
	// DeliveryLimit is how often a message comes back before it is given up and becomes a letter: 20. A
	// hub that is killed gives back what it had.
	DeliveryLimit int
	// CA is the path of the authorities' certificates for amqps, PEM; "" are the system's.
	CA string
}

const (
	defaultPrefetch = 100
	defaultLimit    = 20
	// heartbeat finds a peer that is gone without a word, after about two of them.
	heartbeat   = 10 * time.Second
	dialTimeout = 10 * time.Second
	// neverGivenUp is the limit that the broker itself heeds: it would take 20 where none is named. A
	// link counts by itself, and so gives up what it has made durable, where the broker may lose it on its way.
	neverGivenUp = 1 << 30
)

func (o Options) prefetch() int {
	if o.Prefetch == 0 {
		return defaultPrefetch
	}
	return o.Prefetch
}

func (o Options) limit() int {
	if o.DeliveryLimit == 0 {
		return defaultLimit
	}
	return o.DeliveryLimit
}

// CheckURL refuses what names no broker.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("is no URL") // what stands in it may be a password
	}
	if u.Scheme != "amqp" && u.Scheme != "amqps" || u.Hostname() == "" {
		return errors.New("is not like amqp://user:password@host:5672/vhost")
	}
	if _, err := amqp.ParseURI(s); err != nil {
		return errors.New("is not like amqp://user:password@host:5672/vhost")
	}
	return nil
}

// CheckPrefix refuses what cannot begin a queue's name, or the broker keeps for itself.
func CheckPrefix(prefix string) error {
	const most = 100
	switch {
	case len(prefix) > most:
		return fmt.Errorf("%d bytes, %d at most", len(prefix), most)
	case strings.HasPrefix(prefix, "amq."):
		return fmt.Errorf("%q: RabbitMQ keeps amq. for itself", prefix)
	case !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return fmt.Errorf("%q: blanks and control characters do not stand in a queue's name", prefix)
	}
	return nil
}

// Host is where a URL leads, without who asks.
func Host(s string) string {
	u, err := amqp.ParseURI(s)
	if err != nil {
		return "an address that is none"
	}
	return fmt.Sprintf("%s:%d%s", u.Host, u.Port, vhost(u.Vhost))
}

func vhost(v string) string {
	if v == "/" {
		return v
	}
	return "/" + v
}

// dial connects. The name is shown in RabbitMQ's own pages.
func (o Options) dial(name string) (*amqp.Connection, error) {
	cfg := amqp.Config{Heartbeat: heartbeat, Locale: "en_US", Dial: amqp.DefaultDial(dialTimeout), Properties: amqp.NewConnectionProperties()}
	cfg.Properties.SetClientConnectionName(name)
	if o.CA != "" {
		pem, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("reading the authorities of RabbitMQ: %w", err)
		}
		cfg.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
		if !cfg.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", o.CA)
		}
	}
	conn, err := amqp.DialConfig(o.URL(), cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting to RabbitMQ at %s: %w", Host(o.URL()), err)
	}
	return conn, nil
}

// Names of what stands in the broker, behind the prefix. Those of queues are the hub's own.
const (
	deadName   = "dead"   // exchange and queue of what was given up
	senderName = "sender" // exclusive: whoever has it sends
)

// declare makes the queues where they are missing; what stands there otherwise is refused, not changed.
// One consumer at a time keeps the order of a queue over processes. What is rejected, or what a policy of
// the broker drops, is dead-lettered at most once: a queue that does it at least once may be left without
// a leader when nodes come and go (rabbitmq-server issue 16652).
func declare(conn *amqp.Connection, o Options, queues []string) error {
	ch, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("opening a channel: %w", err)
	}
	defer ch.Close()
	dead := o.Prefix + deadName
	if err := ch.ExchangeDeclare(dead, amqp.ExchangeDirect, true, false, false, false, nil); err != nil {
		return fmt.Errorf("making exchange %s: %w", dead, advice(err))
	}
	if _, err := ch.QueueDeclare(dead, true, false, false, false, amqp.Table{
		amqp.QueueTypeArg: amqp.QueueTypeQuorum, "x-delivery-limit": int32(neverGivenUp), amqp.SingleActiveConsumerArg: true,
	}); err != nil {
		return fmt.Errorf("making queue %s: %w", dead, advice(err))
	}
	if err := ch.QueueBind(dead, dead, dead, false, nil); err != nil {
		return fmt.Errorf("binding queue %s: %w", dead, advice(err))
	}
	for _, q := range queues {
		if _, err := ch.QueueDeclare(o.Prefix+q, true, false, false, false, amqp.Table{
			amqp.QueueTypeArg: amqp.QueueTypeQuorum, "x-delivery-limit": int32(neverGivenUp), amqp.SingleActiveConsumerArg: true,
			"x-dead-letter-exchange": dead, "x-dead-letter-routing-key": dead,
		}); err != nil {
			return fmt.Errorf("making queue %s: %w", o.Prefix+q, advice(err))
		}
	}
	return nil
}

// advice says what to do about an answer of the broker that a person must mend.
func advice(err error) error {
	e, ok := errors.AsType[*amqp.Error](err)
	if !ok {
		return err
	}
	switch e.Code {
	case amqp.PreconditionFailed:
		return fmt.Errorf("%w: it stands there with other arguments; name another prefix, or delete it once it is empty", err)
	case amqp.AccessRefused:
		return fmt.Errorf("%w: its user needs the rights to configure, write and read what begins with the prefix", err)
	}
	return err
}

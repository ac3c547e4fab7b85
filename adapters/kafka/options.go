package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Options say which Kafka, and what is made there.
type Options struct {
	// Brokers are some of the cluster's, as host:port; it names the others itself.
	Brokers []string
	// Prefix begins the names of topics, groups and transactional ids: "" is none. Two hubs on one cluster
	// have two.
	Prefix string
	// Partitions of a topic that is made: 12. Raising it later moves keys to other partitions, and so
	// breaks their order once.
	Partitions int32
	// Replicas of a topic that is made: the broker's own default.
	Replicas int16

	TLS  *TLS // nil speaks in the clear
	SASL *SASL
}

// TLS is how brokers are known, and what we prove ourselves by.
type TLS struct {
	CA          string // path of the authorities' certificates, PEM; "" are the system's
	Certificate string // path of ours, PEM; "" is none
	PrivateKey  string // path of its key, PEM
}

// SASL is who we are.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	User      string
	Password  func() string
}

// Mechanisms are those of [SASL].
var Mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

const (
	defaultPartitions = 12
	// maxMessage is the most that a batch of records may have. Topics are made so that they take it.
	maxMessage = 4 << 20
	// room that the broker counts beside the records of a batch.
	overhead = 64 << 10
)

func (o Options) partitions() int32 {
	if o.Partitions == 0 {
		return defaultPartitions
	}
	return o.Partitions
}

func (o Options) replicas() int16 {
	if o.Replicas == 0 {
		return -1
	}
	return o.Replicas
}

// CheckPrefix refuses what cannot begin a topic's name.
func CheckPrefix(prefix string) error {
	const most = 100
	if len(prefix) > most {
		return fmt.Errorf("%d characters, %d at most", len(prefix), most)
	}
	for _, c := range prefix {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return fmt.Errorf("%q: letters, digits, dots, dashes and underscores make a topic's name", prefix)
		}
	}
	return nil
}

// CheckBrokers refuses addresses that are none.
func CheckBrokers(brokers []string) error {
	if len(brokers) == 0 {
		return errors.New("name a broker, as host:9092")
	}
	for _, b := range brokers {
		if host, port, err := net.SplitHostPort(b); err != nil || host == "" || port == "" || strings.Contains(b, "/") {
			return fmt.Errorf("%q is not like host:9092", b)
		}
	}
	return nil
}

// client makes a client with what all of ours have in common.
func (o Options) client(more ...kgo.Opt) (*kgo.Client, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...), kgo.ClientID("paklog"),
		kgo.RetryTimeout(requestPatience),
		// What a client knows of topics is 5 s old by default, which a topic that was just made is not.
		kgo.MetadataMinAge(250 * time.Millisecond),
	}
	if o.TLS != nil {
		cfg, err := o.TLS.config()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(cfg))
	}
	if o.SASL != nil {
		switch o.SASL.Mechanism {
		case "PLAIN":
			opts = append(opts, kgo.SASL(plain.Auth{User: o.SASL.User, Pass: o.SASL.Password()}.AsMechanism()))
		case "SCRAM-SHA-256":
			opts = append(opts, kgo.SASL(scram.Auth{User: o.SASL.User, Pass: o.SASL.Password()}.AsSha256Mechanism()))
		case "SCRAM-SHA-512":
			opts = append(opts, kgo.SASL(scram.Auth{User: o.SASL.User, Pass: o.SASL.Password()}.AsSha512Mechanism()))
		default:
			return nil, fmt.Errorf("SASL mechanism %q: take one of %s", o.SASL.Mechanism, strings.Join(Mechanisms, ", "))
		}
	}
	client, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, fmt.Errorf("making a client of Kafka: %w", err)
	}
	return client, nil
}

func (t TLS) config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("reading the authorities of Kafka's brokers: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", t.CA)
		}
	}
	if t.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(t.Certificate, t.PrivateKey)
		if err != nil {
			return nil, fmt.Errorf("reading our certificate for Kafka: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

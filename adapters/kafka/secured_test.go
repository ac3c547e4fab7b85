package kafka_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/kafka"
	"github.com/paklog/hub/adapters/kafka/kafkalocal"
	"github.com/paklog/hub/adapters/kafka/kafkatest"
	"github.com/paklog/hub/core/journal/journalmem"
)

// selfSigned writes a certificate of this machine, and one file with it and its key as Kafka reads them.
func selfSigned(t *testing.T) (ca, both string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	dir := t.TempDir()
	ca, both = filepath.Join(dir, "ca.pem"), filepath.Join(dir, "broker.pem")
	for name, text := range map[string][]byte{ca: cert, both: append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), cert...)} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return ca, both
}

func TestASecuredKafkaIsSpokenTo(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	ca, both := selfSigned(t)
	of := "listener.name.sasl_ssl."
	scram := "org.apache.kafka.common.security.scram.ScramLoginModule required;"
	s, err := kafkalocal.Start(context.WithoutCancel(t.Context()), kafkalocal.Options{
		Listen: []string{"SASL_SSL"},
		Lines: []string{
			of + "ssl.keystore.type=PEM", of + "ssl.keystore.location=" + both, of + "sasl.enabled.mechanisms=" + strings.Join(kafka.Mechanisms, ","),
			of + `plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_hub="secret";`,
			of + "scram-sha-256.sasl.jaas.config=" + scram, of + "scram-sha-512.sasl.jaas.config=" + scram,
		},
		Format: []string{"--add-scram", "SCRAM-SHA-256=[name=hub,password=secret]", "--add-scram", "SCRAM-SHA-512=[name=hub,password=secret]"},
	})
	kafkatest.Usable(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("ending Kafka: %v", err)
		}
	})
	as := func(mechanism, password string) kafka.Options {
		return kafka.Options{
			Brokers: []string{s.At("SASL_SSL")}, Prefix: strings.ToLower(mechanism) + ".", Partitions: 1, Replicas: 1, TLS: &kafka.TLS{CA: ca},
			SASL: &kafka.SASL{Mechanism: mechanism, User: "hub", Password: func() string { return password }},
		}
	}
	for _, mechanism := range kafka.Mechanisms {
		store := journalmem.New()
		write(t, store, units(1, 50))
		r := kafka.NewRelay(kafka.RelayOptions{Options: as(mechanism, "secret"), Log: store, Last: last(store)})
		stop := running(t, r)
		until(t, mechanism+" relays", func() bool { return r.Status().Position > 0 && r.Status().Behind == 0 })
		stop()
		began := time.Now()
		if _, err := kafka.EnsureTopics(t.Context(), as(mechanism, "wrong")); err == nil || !strings.Contains(err.Error(), "do not let us in") {
			t.Errorf("%s with a wrong password: %v", mechanism, err)
		}
		if d := time.Since(began); d > 30*time.Second {
			t.Errorf("%s: a wrong password was told after %s", mechanism, d)
		}
	}
	unknown := as("PLAIN", "secret")
	unknown.TLS = &kafka.TLS{}
	if _, err := kafka.EnsureTopics(t.Context(), unknown); err == nil || !strings.Contains(err.Error(), "x509") {
		t.Errorf("a broker that nobody vouches for: %v", err)
	}
	for name, o := range map[string]kafka.Options{
		"no such authorities": {Brokers: []string{"a:1"}, TLS: &kafka.TLS{CA: both + "x"}},
		"no certificate":      {Brokers: []string{"a:1"}, TLS: &kafka.TLS{CA: ca, Certificate: ca, PrivateKey: ca}},
		"no mechanism":        {Brokers: []string{"a:1"}, SASL: &kafka.SASL{Mechanism: "GSSAPI"}},
	} {
		if _, err := kafka.EnsureTopics(t.Context(), o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/paklog/hub/adapters/kafka"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/bus"
)

// Where the ten topics are.
const (
	busJournal = "journal"
	busKafka   = "kafka"
)

// KafkaConfig is the Kafka that the ten topics are copied to.
type KafkaConfig struct {
	Brokers    []string        `config:"brokers" doc:"Some of the cluster's brokers, as host:9092."`
	Prefix     string          `config:"prefix" doc:"Begins the names of topics and of the transactional id; \"\" is none."`
	Partitions int             `config:"partitions" doc:"Of a topic that the hub makes."`
	Replicas   int             `config:"replicas" doc:"Of a topic that the hub makes; 0 is the cluster's default."`
	TLS        KafkaTLSConfig  `config:"tls"`
	SASL       KafkaSASLConfig `config:"sasl"`
	Read       KafkaReadConfig `config:"read"`

	Flows map[string]FlowConfig `config:"flows" doc:"What is made of messages of others for others, by name."`
}

// FlowConfig is a flow from a topic of others to topics that others read.
type FlowConfig struct {
	From      string            `config:"from" doc:"Topic behind the prefix whose messages are read: JSON objects."`
	Lines     string            `config:"lines" doc:"Path of the array whose entries become a message each; \"\" keeps the message whole."`
	Choose    string            `config:"choose" doc:"Field whose text chooses the topic; \"\" writes all to otherwise."`
	To        map[string]string `config:"to" doc:"Topics behind the prefix, by what that field says."`
	Otherwise string            `config:"otherwise" doc:"Topic of what to has no topic for; \"\" makes a letter of it."`
	Key       string            `config:"key" doc:"Field whose text is the ordering key; \"\" keeps that of the message."`
	Fields    map[string]string `config:"fields" doc:"What the new messages say: fields by the name that each gets."`
}

// Validate refuses flows that lead nowhere.
func (c FlowConfig) Validate() error {
	f := c.flow("")
	errs := []error{f.Validate(), each("from", kafka.CheckPrefix(c.From)), each("otherwise", kafka.CheckPrefix(c.Otherwise))}
	for _, says := range slices.Sorted(maps.Keys(c.To)) {
		if c.To[says] == "" {
			errs = append(errs, fmt.Errorf("to.%s: names no topic", says))
		}
		errs = append(errs, each("to."+says, kafka.CheckPrefix(c.To[says])))
	}
	return errors.Join(errs...)
}

func (c FlowConfig) flow(name string) routes.TopicFlow {
	return routes.TopicFlow{Name: name, From: c.From, Lines: c.Lines, Choose: c.Choose, To: c.To, Otherwise: c.Otherwise, Key: c.Key, Fields: c.Fields}
}

// flowRules refuse topics that are read twice, and those that a flow both reads and writes: what the hub
// wrote does not come back.
func (c KafkaConfig) flowRules() (errs []error) {
	written := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Flows)) {
		for _, t := range c.Flows[name].flow(name).Writes() {
			written[t] = name
			if t == "relay-marks" || slices.Contains(event.Topics(), event.Topic(t)) {
				errs = append(errs, fmt.Errorf("flows.%s: %s is a topic of the hub's own", name, t))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Flows)) {
		from := c.Flows[name].From
		if by := written[from]; by != "" {
			errs = append(errs, fmt.Errorf("flows.%s.from: flow %s writes %s, and what the hub wrote does not come back", name, by, from))
		}
		if slices.Contains(c.Read.Topics, from) {
			errs = append(errs, fmt.Errorf("flows.%s.from: kafka.read.topics has %s, too", name, from))
		}
	}
	return errs
}

// reads are the topics behind the prefix that are read, and into which topics of the journal those of flows
// come.
func (c KafkaConfig) reads() (topics []string, into map[string]string) {
	topics, into = slices.Clone(c.Read.Topics), map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Flows)) {
		if from := c.Flows[name].From; into[from] == "" {
			topics, into[from] = append(topics, from), routes.FlowIn+from
		}
	}
	return topics, into
}

// flowTopics are the topics behind the prefix that flows write.
func (c KafkaConfig) flowTopics() (all []string) {
	for name, f := range c.Flows {
		all = append(all, f.flow(name).Writes()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// KafkaReadConfig is what others write that comes in.
type KafkaReadConfig struct {
	Topics  []string `config:"topics" doc:"Topics behind the prefix whose messages of others come in; none reads nothing."`
	Group   string   `config:"group" doc:"Consumer group behind the prefix. A new name reads everything again."`
	Schemas string   `config:"schemas" doc:"Folder of JSON Schemas (TYPE.json) that data of others must follow; \"\" takes any JSON."`
}

// Validate refuses names that no topic has, and schemas that are none.
func (c KafkaReadConfig) Validate() error {
	var errs []error
	for i, t := range c.Topics {
		if t == "" {
			errs = append(errs, fmt.Errorf("topics[%d]: names no topic", i))
		}
		errs = append(errs, each(fmt.Sprintf("topics[%d]", i), kafka.CheckPrefix(t)))
	}
	if c.Group == "" {
		errs = append(errs, errors.New("group: names no group"))
	}
	errs = append(errs, each("group", kafka.CheckPrefix(c.Group)))
	if c.Schemas != "" {
		_, err := kafka.LoadSchemas(c.Schemas)
		errs = append(errs, each("schemas", err))
	}
	return errors.Join(errs...)
}

// KafkaTLSConfig is how brokers are known.
type KafkaTLSConfig struct {
	On          bool   `config:"on" doc:"Speak TLS to the brokers."`
	CA          string `config:"ca" doc:"Path of the authorities' certificates, PEM; \"\" are the system's."`
	Certificate string `config:"certificate" doc:"Path of ours, PEM, where brokers ask for one; \"\" is none."`
	PrivateKey  string `config:"private_key" doc:"Path of its key, PEM."`
}

// KafkaSASLConfig is who the hub is to the brokers.
type KafkaSASLConfig struct {
	Mechanism string         `config:"mechanism" doc:"PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; \"\" logs in nowhere."`
	User      string         `config:"user"`
	Password  configs.Secret `config:"password" doc:"Give password_file, or ${NAME}."`
}

// Validate refuses what no cluster has.
func (c KafkaConfig) Validate() error {
	errs := []error{atLeast("partitions", c.Partitions, 1), atMost("partitions", c.Partitions, 10_000), atLeast("replicas", c.Replicas, 0), atMost("replicas", c.Replicas, 100)}
	if len(c.Brokers) > 0 {
		errs = append(errs, each("brokers", kafka.CheckBrokers(c.Brokers)))
	}
	errs = append(errs, each("prefix", kafka.CheckPrefix(c.Prefix)))
	errs = append(errs, c.flowRules()...)
	return errors.Join(errs...)
}

// Validate refuses half a pair, and files where nothing is asked for them.
func (c KafkaTLSConfig) Validate() error {
	if (c.Certificate == "") != (c.PrivateKey == "") {
		return errors.New("certificate and private_key are given together, or neither")
	}
	if !c.On && c.CA+c.Certificate != "" {
		return errors.New("on: files are named and TLS is off")
	}
	return nil
}

// Validate refuses a mechanism that is none, and one without anybody.
func (c KafkaSASLConfig) Validate() error {
	switch {
	case c.Mechanism == "" && c.User == "":
		return nil
	case !slices.Contains(kafka.Mechanisms, c.Mechanism):
		return fmt.Errorf("mechanism: %q is none of %s", c.Mechanism, strings.Join(kafka.Mechanisms, ", "))
	case c.User == "" || c.Password.Reveal() == "":
		return fmt.Errorf("user: %s needs user and password_file", c.Mechanism)
	}
	return nil
}

// busRules refuse a bus that there is not, and one that has no place.
func (c *Config) busRules() error {
	switch {
	case c.Bus == busKafka && len(c.Kafka.Brokers) == 0:
		return errors.New("bus: kafka needs kafka.brokers, some of the cluster's")
	case c.Bus != busJournal && c.Bus != busKafka:
		return fmt.Errorf("bus: %q: take %s or %s", c.Bus, busJournal, busKafka)
	}
	return nil
}

func (c KafkaConfig) options() kafka.Options {
	o := kafka.Options{Brokers: c.Brokers, Prefix: c.Prefix, Partitions: int32(c.Partitions), Replicas: int16(c.Replicas)}
	if c.TLS.On {
		o.TLS = &kafka.TLS{CA: c.TLS.CA, Certificate: c.TLS.Certificate, PrivateKey: c.TLS.PrivateKey}
	}
	if c.SASL.Mechanism != "" {
		o.SASL = &kafka.SASL{Mechanism: c.SASL.Mechanism, User: c.SASL.User, Password: c.SASL.Password.Reveal}
	}
	return o
}

// How the relay and the reader are listed among the routes.
const (
	relayName  = "relay.kafka"
	readerName = "reader.kafka"
)

// openRelay makes what copies the ten topics to Kafka, where that is the bus.
func (a *app) openRelay() error {
	if a.cfg.Bus != busKafka {
		return nil
	}
	a.relay = kafka.NewRelay(kafka.RelayOptions{Options: a.cfg.Kafka.options(), Log: a.bus.Log(), Last: a.bus.Last, Flows: routes.FlowOut, More: a.cfg.Kafka.flowTopics(), Logger: a.log})
	for _, m := range []struct {
		name, help string
		counts     bool
		value      func(kafka.RelayStatus) float64
	}{
		{"paklog_relay_behind_positions", "Positions of the journal that are not in Kafka yet.", false, func(s kafka.RelayStatus) float64 { return float64(s.Behind) }},
		{"paklog_relay_up", "1 where the relay of this process writes, 0 where it waits for Kafka or stands by.", false, func(s kafka.RelayStatus) float64 {
			if s.State == kafka.RelayRunning {
				return 1
			}
			return 0
		}},
		{"paklog_relay_records_total", "Records that this process relayed.", true, func(s kafka.RelayStatus) float64 { return float64(s.Records) }},
		{"paklog_relay_transactions_total", "Transactions that this process committed.", true, func(s kafka.RelayStatus) float64 { return float64(s.Commits) }},
	} {
		value := func() float64 { return m.value(a.relay.Status()) }
		var c prometheus.Collector = prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: m.name, Help: m.help}, value)
		if m.counts {
			c = prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.name, Help: m.help}, value)
		}
		if err := a.metrics.Register(c); err != nil {
			return fmt.Errorf("registering the metrics of the relay: %w", err)
		}
	}
	return nil
}

// routeInfos are the routes of the hub and what carries between its journal and servers, by name.
func (a *app) routeInfos() []routes.RouteInfo {
	list := append(a.hub.Routes(), a.queueInfos()...)
	if a.relay != nil {
		list = append(list, a.kafkaInfos()...)
	}
	slices.SortFunc(list, func(a, b routes.RouteInfo) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// kafkaInfos are the relay and the reader.
func (a *app) kafkaInfos() (list []routes.RouteInfo) {
	s := a.relay.Status()
	i := routes.RouteInfo{
		Name: relayName, About: "the ten topics to Kafka", Writes: []string{"kafka"}, Patterns: []string{"Message Bridge", "Transactional Outbox"},
		Conn: busKafka, Lag: bus.Lag{Name: relayName, Cursor: s.Position, Behind: s.Behind},
	}
	for _, t := range event.Topics() {
		i.Consumes = append(i.Consumes, string(t))
	}
	for _, t := range a.cfg.Kafka.flowTopics() {
		i.Consumes = append(i.Consumes, routes.FlowOut+t)
	}
	switch {
	case s.Err != nil:
		i.Paused = s.Err.Error()
	case s.State == kafka.RelayStandby:
		i.Paused = "another process relays"
	}
	list = append(list, i)
	if a.reader != nil {
		i := routes.RouteInfo{
			Name: readerName, About: "what others write to Kafka, into the journal", Patterns: []string{"Message Bridge", "Competing Consumers"},
			Conn: busKafka, Lag: bus.Lag{Name: readerName},
		}
		topics, into := a.cfg.Kafka.reads()
		if len(a.cfg.Kafka.Read.Topics) > 0 {
			i.Writes = append(i.Writes, "external-in")
		}
		i.Writes = append(i.Writes, slices.Sorted(maps.Values(into))...)
		for _, t := range topics {
			i.Consumes = append(i.Consumes, "kafka:"+a.cfg.Kafka.Prefix+t)
		}
		if err := a.reader.Status().Err; err != nil {
			i.Paused = err.Error()
		}
		list = append(list, i)
	}
	return list
}

// openReader hosts what comes in from Kafka, where topics are named to read.
func (a *app) openReader() error {
	read := a.cfg.Kafka.Read
	topics, into := a.cfg.Kafka.reads()
	if a.cfg.Bus != busKafka || len(topics) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(a.cfg.Kafka.Flows)) {
		if err := routes.AddTopicFlow(a.hub, a.cfg.Kafka.Flows[name].flow(name)); err != nil {
			return err
		}
	}
	var check func(string, []byte) error
	if read.Schemas != "" {
		s, err := kafka.LoadSchemas(read.Schemas)
		if err != nil {
			return fmt.Errorf("kafka.read.schemas: %w", err)
		}
		check = s.Check
	}
	if len(read.Topics) > 0 {
		if err := routes.AddExternal(a.hub, check); err != nil {
			return err
		}
	}
	a.reader = kafka.NewReader(kafka.ReaderOptions{
		Options: a.cfg.Kafka.options(), Topics: topics, Into: into, Group: read.Group, Intake: routes.NewIntake(a.bus), Logger: a.log,
	})
	for _, c := range []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "paklog_reader_partitions", Help: "Partitions of topics of others that this process reads."},
			func() float64 { return float64(a.reader.Status().Partitions) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "paklog_reader_messages_total", Help: "Messages of others that this process took."},
			func() float64 { return float64(a.reader.Status().Taken) }),
	} {
		if err := a.metrics.Register(c); err != nil {
			return fmt.Errorf("registering the metrics of the reader: %w", err)
		}
	}
	return nil
}

// bridges are what runs between the journal and other servers.
func (a *app) bridges() (all []func(context.Context) error) {
	if a.relay != nil {
		all = append(all, a.relay.Run)
	}
	if a.reader != nil {
		all = append(all, a.reader.Run)
	}
	switch {
	case a.link != nil:
		all = append(all, a.link.Run)
	case a.queues != nil:
		all = append(all, a.drainQueues)
	}
	return all
}

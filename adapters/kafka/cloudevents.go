package kafka

import (
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/adapters/internal/eventschema"
	"github.com/paklog/hub/core/journal"
)

// Headers of a CloudEvent in binary mode, and the attributes that are ours.
const (
	headerSpec        = "ce_specversion"
	headerID          = "ce_id"
	headerSource      = "ce_source"
	headerType        = "ce_type"
	headerSubject     = "ce_subject"
	headerTime        = "ce_time"
	headerSchema      = "ce_dataschema"
	headerKey         = "ce_partitionkey"
	headerCorrelation = "ce_correlationid"
	headerCausation   = "ce_causationid"
	headerPosition    = "ce_paklogposition"
	headerVersion     = "ce_paklogversion"
	headerTrace       = "ce_traceparent" // CloudEvents' own
	headerTracePlain  = "traceparent"    // W3C's, which OpenTelemetry reads
	headerContent     = "content-type"
)

const specVersion = "1.0"

// sourceOf is the CloudEvents source of what a hub wrote: a URI reference.
func sourceOf(r *journal.Record) string { return "/paklog/" + r.Source }

// message is a record as it leaves. The record's bytes are shared, not copied; what is personal in it
// and what its headers say of documents stays behind. Only an event has a schema.
func message(r *journal.Record, topic string, event bool) *kgo.Record {
	m := &kgo.Record{Topic: topic, Value: r.Data, Headers: make([]kgo.RecordHeader, 0, 14)}
	if r.Key != "" {
		m.Key = []byte(r.Key)
	}
	add := func(name, value string) {
		if value != "" {
			m.Headers = append(m.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
	}
	add(headerSpec, specVersion)
	add(headerID, r.ID.String())
	add(headerSource, sourceOf(r))
	add(headerType, r.Type)
	add(headerTime, r.Time.UTC().Format(time.RFC3339Nano))
	add(headerSubject, r.Stream)
	add(headerKey, r.Key)
	if event {
		add(headerSchema, eventschema.URN(r.Type, int(r.Schema)))
	}
	add(headerContent, "application/json")
	add(headerCorrelation, r.Correlation)
	if !r.Causation.IsZero() {
		add(headerCausation, r.Causation.String())
	}
	add(headerPosition, strconv.FormatUint(uint64(r.Pos), 10))
	if r.Version > 0 {
		add(headerVersion, strconv.FormatUint(r.Version, 10))
	}
	add(headerTrace, r.Trace)
	add(headerTracePlain, r.Trace)
	return m
}

// Headers of a record in the journal that came from Kafka: where it stood.
const (
	cameTopic     = "kafka-topic"
	camePartition = "kafka-partition"
	cameOffset    = "kafka-offset"
)

// cameFromKafka says whether others wrote it there.
func cameFromKafka(r *journal.Record) bool { return r.Headers[cameTopic] != "" }

package journal

import (
	"bytes"
	"strings"
	"time"
)

// Pos numbers records in commit order, from 1 and without gaps. 0 is before the first.
type Pos uint64

// Record is one message. An event is a message whose Stream is set: it is appended
// once, and subscriptions of its topic see that same record.
//
// A record that left its unit is shared between goroutines: it is never changed.
type Record struct {
	ID          ID
	Type        string // "order.Accepted", "document.Received"
	Schema      uint16 // version of Data's shape, from 1
	Topic       string // "" is seen by no subscription, only in its stream
	Key         string // ordering key: order, item at facility, partner. "" has no order
	Stream      string // "" for a message that is no event
	Time        time.Time
	Correlation string // business conversation, the same from the first document to the last
	Causation   ID     // the message that this one was decided from
	Source      string // door or route that wrote it (CloudEvents source)
	Trace       string // W3C traceparent
	Headers     map[string]string
	Data        []byte

	// Personal data and raw documents stand apart from Data and carry whose they
	// are, so that sealing them per subject needs no new format.
	Subject  string
	Personal []byte

	// Filled by the driver on commit and on reading, not part of the stored unit.
	Pos     Pos
	Version uint64 // in Stream, from 1

	// Event is Data decoded, kept beside it in memory only; nil after reading from a
	// store. Whoever finds it must not change it.
	Event any
}

// Compact gives the record memory of its own. One that was read shares that of its unit, and
// whoever keeps the one for long would keep the other.
func (r *Record) Compact() {
	texts := []*string{&r.Type, &r.Topic, &r.Key, &r.Stream, &r.Correlation, &r.Source, &r.Trace, &r.Subject}
	n := 0
	for _, t := range texts {
		n += len(*t)
	}
	var b strings.Builder
	b.Grow(n)
	for _, t := range texts {
		b.WriteString(*t)
	}
	for text, i := b.String(), 0; i < len(texts); i++ {
		n := len(*texts[i])
		*texts[i], text = text[:n], text[n:]
	}
	if r.Headers != nil {
		own := make(map[string]string, len(r.Headers))
		for k, v := range r.Headers {
			own[strings.Clone(k)] = strings.Clone(v)
		}
		r.Headers = own
	}
	r.Data, r.Personal = bytes.Clone(r.Data), bytes.Clone(r.Personal)
}

// Partitions is the number of partitions of every subscription. It is part of the
// stored format.
const Partitions = 64

// PartitionOf is the partition of an ordering key: FNV-1a of it, modulo [Partitions].
func PartitionOf(key string) uint8 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h ^= uint64(key[i])
		h *= 1099511628211
	}
	return uint8(h % Partitions)
}

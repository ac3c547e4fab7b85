// Package event says what an event of the warehouse is, how it is written down
// and how a state is folded from it.
//
// Events are immutable plain values. Their JSON never holds personal data: that
// travels in a sealed group of its own beside it, so that erasing a person needs
// no new format.
package event

import (
	"fmt"

	"github.com/paklog/hub/core/fault"
)

// Event is something that was decided. EventType is "kind.PastTense", is part of
// the stored format and never changes.
type Event interface{ EventType() string }

// Streamed is an event that knows the stream it belongs to and the ordering key
// it is delivered under. Every event of core is one.
type Streamed interface {
	Event
	Stream() string
	Key() string
}

// Private is an event with personal data. The fields of the group carry `json:"-"`
// in the event itself.
type Private interface {
	Event
	// Personal is the group to be sealed and the subject whose key seals it. A nil
	// group means that this event has none.
	Personal() (subject string, group any)
	// WithPersonal is a copy of the event with the group put back from its JSON.
	// It is not called when the subject was erased.
	WithPersonal(group []byte) (Event, error)
}

// Topic is one of the ten bus topics.
type Topic string

// The ten topics. What goes where is said by package catalog.
const (
	WaveEvents      Topic = "wave-events"
	OrderEvents     Topic = "order-events"
	InventoryEvents Topic = "inventory-events"
	TaskEvents      Topic = "task-events"
	PickEvents      Topic = "pick-events"
	PackEvents      Topic = "pack-events"
	TrackingEvents  Topic = "tracking-events"
	ExternalEvents  Topic = "external-events"
	AuditEvents     Topic = "audit-events"
	ErrorEvents     Topic = "error-events"
)

// Topics are all of them, in the order of the goods.
func Topics() []Topic {
	return []Topic{
		WaveEvents, OrderEvents, InventoryEvents, TaskEvents, PickEvents,
		PackEvents, TrackingEvents, ExternalEvents, AuditEvents, ErrorEvents,
	}
}

// Unexpected is what a fold answers to an event that has no place in its stream,
// or that this build does not know. It is never skipped: a state that left out an
// event would decide wrongly ever after.
func Unexpected(kind string, e Event) error {
	name := "nil"
	if e != nil {
		name = e.EventType()
	}
	return fault.E(kind+".Apply", fault.Internal, fmt.Errorf("event %s (%T) has no place in a stream of kind %q", name, e, kind))
}

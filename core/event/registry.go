package event

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
)

// Encoded is an event, or a snapshot, as it is stored. Personal is in clear here:
// whoever stores it seals it under Subject's key. After an erasure it is nil.
type Encoded struct {
	Type     string
	Schema   int
	Data     json.RawMessage
	Subject  string          // "" when there is no personal data
	Personal json.RawMessage `json:",omitempty"` // nil when there is none, or when it was erased
}

// Upcaster lifts the JSON of one schema version to the next. It is pure.
type Upcaster func(data json.RawMessage) (json.RawMessage, error)

// Widened is the upcaster to a schema that only adds fields which may be missing: what is
// absent means what it meant before there was the field.
func Widened(data json.RawMessage) (json.RawMessage, error) { return data, nil }

// Schema says how one event type is written and where it goes.
type Schema struct {
	Type    string
	Topic   Topic
	Version int

	upcasters []Upcaster
	decode    func([]byte) (Event, error)
	zero      Event
}

// Of is the schema of E. Its version is one more than the number of upcasters:
// upcasters[i] lifts schema i+1 to i+2, so a new version cannot be made without
// saying how the old one is read.
func Of[E Event](topic Topic, upcasters ...Upcaster) Schema {
	var zero E
	return Schema{
		Type:      zero.EventType(),
		Topic:     topic,
		Version:   1 + len(upcasters),
		upcasters: upcasters,
		zero:      zero,
		decode: func(b []byte) (Event, error) {
			var e E
			if err := json.Unmarshal(b, &e); err != nil {
				return nil, err
			}
			return e, nil
		},
	}
}

// Zero is the empty event of the type, for tools that describe it.
func (s Schema) Zero() Event { return s.zero }

// Registry knows every event type of a program. It is immutable once made and
// safe for concurrent use.
type Registry struct{ byType map[string]Schema }

// NewRegistry refuses two schemas of one type.
func NewRegistry(schemas ...Schema) (*Registry, error) {
	r := &Registry{byType: make(map[string]Schema, len(schemas))}
	for _, s := range schemas {
		if s.decode == nil || s.Type == "" {
			return nil, fault.E("event.NewRegistry", fault.Internal, fmt.Errorf("schema %q was not made by event.Of", s.Type))
		}
		if _, dup := r.byType[s.Type]; dup {
			return nil, fault.E("event.NewRegistry", fault.Internal, fmt.Errorf("event type %q registered twice", s.Type))
		}
		r.byType[s.Type] = s
	}
	return r, nil
}

// Schemas are all schemas, sorted by type.
func (r *Registry) Schemas() []Schema {
	out := make([]Schema, 0, len(r.byType))
	for _, s := range r.byType {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Schema) int { return strings.Compare(a.Type, b.Type) })
	return out
}

// Lookup is the schema of an event type.
func (r *Registry) Lookup(eventType string) (Schema, bool) {
	s, ok := r.byType[eventType]
	return s, ok
}

// Encode writes e under its newest schema.
func (r *Registry) Encode(e Event) (Encoded, error) {
	const op = "event.Encode"
	if e == nil {
		return Encoded{}, fault.E(op, fault.Internal, fmt.Errorf("no event"))
	}
	s, ok := r.byType[e.EventType()]
	if !ok {
		return Encoded{}, fault.E(op, fault.Internal, fmt.Errorf("event type %q (%T) is not registered", e.EventType(), e))
	}
	x, err := encode(e)
	if err != nil {
		return Encoded{}, fault.E(op, fault.Internal, fmt.Errorf("writing %s: %w", s.Type, err))
	}
	x.Type, x.Schema = s.Type, s.Version
	return x, nil
}

// Decode reads what [Registry.Encode] wrote, now or years ago: older schemas are
// lifted step by step. An unknown type, a schema newer than this program's and a
// schema below 1 are errors that name both.
func (r *Registry) Decode(x Encoded) (Event, error) {
	const op = "event.Decode"
	bad := func(format string, a ...any) (Event, error) {
		return nil, fault.At(op, fault.Invalid, fmt.Sprintf("%s schema %d", x.Type, x.Schema), fmt.Errorf(format, a...))
	}
	s, ok := r.byType[x.Type]
	switch {
	case !ok:
		return bad("unknown event type")
	case x.Schema > s.Version:
		return bad("written by a newer program: this one reads up to schema %d", s.Version)
	case x.Schema < 1:
		return bad("schemas begin at 1")
	}
	data := x.Data
	for v := x.Schema; v < s.Version; v++ {
		up, err := s.upcasters[v-1](data)
		if err != nil {
			return bad("lifting to schema %d: %w", v+1, err)
		}
		data = up
	}
	e, err := s.decode(data)
	if err != nil {
		return bad("reading its JSON: %w", err)
	}
	if len(x.Personal) == 0 {
		return e, nil
	}
	p, ok := e.(Private)
	if !ok {
		return bad("has a personal group, but its type declares none")
	}
	e, err = p.WithPersonal(x.Personal)
	if err != nil {
		return bad("reading its personal group: %w", err)
	}
	return e, nil
}

// encode writes v with its personal group apart.
func encode(v any) (Encoded, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return Encoded{}, err
	}
	x := Encoded{Data: data}
	p, ok := v.(interface{ Personal() (string, any) })
	if !ok {
		return x, nil
	}
	subject, group := p.Personal()
	if group == nil {
		return x, nil
	}
	if subject == "" {
		return Encoded{}, fmt.Errorf("%T: personal group without a subject", v)
	}
	if x.Personal, err = json.Marshal(group); err != nil {
		return Encoded{}, err
	}
	x.Subject = subject
	return x, nil
}

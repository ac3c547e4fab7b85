package routes

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
)

// Topics and types of what others wrote to a bus.
const (
	topicArrived     = "external-in"
	externalArrived  = "external.Arrived"
	externalReceived = "external.Received"
	externalRoute    = "external.in"
)

// Headers of an arrived record: where it stood, and, behind the prefix, its own.
const (
	headerPlace    = "kafka-topic"
	headerPart     = "kafka-partition"
	headerOffset   = "kafka-offset"
	headerOwn      = "h:"
	headerSpec     = headerOwn + "ce_specversion"
	headerID       = headerOwn + "ce_id"
	headerSource   = headerOwn + "ce_source"
	headerType     = headerOwn + "ce_type"
	headerSubject  = headerOwn + "ce_subject"
	headerTime     = headerOwn + "ce_time"
	headerSchema   = headerOwn + "ce_dataschema"
	headerContent  = headerOwn + "content-type"
	contentDefault = "application/json"
)

// Intake makes what others wrote to the partitions of a topic durable, each message once and in the
// order of its partition: the offset that is read next is written in the unit of what was read, and only
// by who owns the partition. Whoever is given a partition says so first, in a unit of its own; what its
// predecessor still holds is refused from then on.
type Intake struct{ bus *bus.Bus }

// NewIntake is an intake into the journal of a bus.
func NewIntake(b *bus.Bus) *Intake { return &Intake{b} }

// owned is where a partition stands.
type owned struct {
	Owner string `json:"owner"`
	// Next is the offset to read next; -1 before the first.
	Next int64 `json:"next"`
}

func intakeKey(place string) string { return "external/" + place }

func (i *Intake) read(ctx context.Context, place string) (owned, journal.State, error) {
	o := owned{Next: -1}
	row, err := i.bus.Driver().Row(ctx, journal.TableState, intakeKey(place))
	if err != nil {
		return o, journal.State{}, fmt.Errorf("reading where %s stands: %w", place, err)
	}
	s, err := journal.DecodeState(row)
	if err == nil && row != nil {
		err = json.Unmarshal(s.Data, &o)
	}
	if err != nil {
		return o, s, fmt.Errorf("reading where %s stands: %w", place, err)
	}
	return o, s, nil
}

func (i *Intake) write(ctx context.Context, place string, was journal.State, now owned, records []journal.Record) (*journal.Refusal, error) {
	data, err := json.Marshal(now)
	if err != nil {
		return nil, err
	}
	return i.bus.Submit(ctx, &journal.Unit{Records: records, States: []journal.StateOp{{Key: intakeKey(place), Tag: was.Tag, Data: data}}})
}

// Own takes a partition for owner, whose name nobody else has or had, and returns the offset to read
// next; -1 where nothing was ever read.
func (i *Intake) Own(ctx context.Context, place, owner string) (int64, error) {
	for ctx.Err() == nil {
		now, was, err := i.read(ctx, place)
		if err != nil {
			return 0, err
		}
		now.Owner = owner
		refused, err := i.write(ctx, place, was, now, nil)
		switch {
		case err != nil:
			return 0, fmt.Errorf("taking %s: %w", place, err)
		case refused == nil:
			return now.Next, nil
		case !refused.Again():
			return 0, fmt.Errorf("taking %s: %s", place, refused.What)
		}
	}
	return 0, ctx.Err()
}

// ErrBackwards says that a partition begins again below what was read of it: its topic was made anew.
var ErrBackwards = errors.New("the partition holds other messages than those that were read of it: its topic was deleted and made anew; read it in another group")

// Take makes records durable that were read from first on, and that the offset next follows them. It
// is false where somebody else owns the partition by now: nothing of it is written then.
func (i *Intake) Take(ctx context.Context, place, owner string, first, next int64, records []journal.Record) (bool, error) {
	for ctx.Err() == nil {
		now, was, err := i.read(ctx, place)
		if err != nil {
			return false, err
		}
		if now.Owner != owner {
			return false, nil
		}
		if first < now.Next {
			return false, fmt.Errorf("%s at offset %d, behind %d: %w", place, first, now.Next, ErrBackwards)
		}
		now.Next = next
		refused, err := i.write(ctx, place, was, now, records)
		switch {
		case err != nil:
			return false, fmt.Errorf("taking what %s holds: %w", place, err)
		case refused == nil:
			return true, nil
		case !refused.Again():
			return false, fmt.Errorf("taking what %s holds: %s", place, refused.What)
		}
	}
	return false, ctx.Err()
}

// External is a message of others, as external-events tell it. What it says is beside it, apart, for
// nobody knows whom it speaks of.
type External struct {
	ID        string `json:"id"`
	Source    string `json:"source"`
	Type      string `json:"type"`
	Subject   string `json:"subject,omitempty"`
	Time      string `json:"time,omitempty"`
	Schema    string `json:"schema,omitempty"`
	Topic     string `json:"topic"`
	Partition string `json:"partition"`
	Offset    string `json:"offset"`
}

// AddExternal hosts what reads the messages that an [Intake] took: CloudEvents 1.0 in binary mode whose
// data is JSON, each (source, id) once. check, which may be nil, says whether data is what its type
// promises.
func AddExternal(h *Hub, check func(typ string, data []byte) error) error {
	return h.Add(Route{
		Name: externalRoute, About: "what others wrote to the bus, to external-events, once each", Topics: []string{topicArrived},
		Types: []string{externalArrived}, Writes: []string{onExternal}, Patterns: []string{"Message Translator", "Idempotent Receiver", "Invalid Message Channel"},
		Handle: func(ctx context.Context, m *Message) (*Out, error) { return external(ctx, m, check) },
	})
}

func external(ctx context.Context, m *Message, check func(string, []byte) error) (*Out, error) {
	const op = "external.in"
	place := m.Headers[headerPlace] + "/" + m.Headers[headerPart] + "@" + m.Headers[headerOffset]
	invalid := func(what string, args ...any) (*Out, error) {
		return nil, fault.At(op, fault.Invalid, place, fmt.Errorf(what, args...))
	}
	if v := m.Headers[headerSpec]; v != "1.0" {
		return invalid("header ce_specversion is %q: CloudEvents 1.0 in binary mode are read", v)
	}
	e := External{
		ID: m.Headers[headerID], Source: m.Headers[headerSource], Type: m.Headers[headerType], Subject: m.Headers[headerSubject],
		Time: m.Headers[headerTime], Schema: m.Headers[headerSchema],
		Topic: m.Headers[headerPlace], Partition: m.Headers[headerPart], Offset: m.Headers[headerOffset],
	}
	for _, x := range [][2]string{{"ce_id", e.ID}, {"ce_source", e.Source}, {"ce_type", e.Type}} {
		if x[1] == "" || len(x[1]) > 256 {
			return invalid("header %s has %d characters: 1 to 256 are needed", x[0], len(x[1]))
		}
	}
	media, _, err := mime.ParseMediaType(cmp.Or(m.Headers[headerContent], contentDefault))
	if err != nil || media != contentDefault && !strings.HasSuffix(media, "+json") {
		return invalid("content-type is %q: JSON is read", m.Headers[headerContent])
	}
	data := bytes.TrimSpace(m.Personal)
	if !json.Valid(data) {
		return invalid("its data of %d bytes is no JSON", len(m.Personal))
	}
	if check != nil {
		if err := check(e.Type, data); err != nil {
			return invalid("%w", err)
		}
	}
	scope, hash := "external/"+e.Source, sha256.Sum256(data)
	was, again, err := m.Claimed(ctx, scope, e.ID)
	if err != nil {
		return nil, err
	}
	if again {
		if was.Hash != hash {
			return invalid("id %q of %q was there before with other data", e.ID, e.Source)
		}
		return m.Out(), nil
	}
	about, err := json.Marshal(e)
	if err != nil {
		return nil, fault.E(op, fault.Internal, err)
	}
	// The place of a message that came from Kafka goes with it: the relay does not carry it back.
	return m.Out().Claim(scope, e.ID, hash, nil).Send(journal.Record{
		Type: externalReceived, Topic: onExternal, Key: m.Key, Data: about, Subject: m.Subject, Personal: data,
		Headers: map[string]string{headerPlace: e.Topic, headerPart: e.Partition, headerOffset: e.Offset},
	}), nil
}

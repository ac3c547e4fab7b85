package eip

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
)

// Headers that patterns agree on.
const (
	ReplyTo       = "reply-to"       // Return Address: the topic that answers go to
	CorrelationID = "correlation-id" // of a request, given back by its answer
	Failed        = "failed"         // on an answer: why the request could not be done
	Expires       = "expires"        // RFC 3339: nobody wants the message later
	Slip          = "routing-slip"   // topics still ahead, comma separated
	Trail         = "history"        // routes passed, comma separated
	Part          = "part"           // index of a child within its split, from 0
	Ticket        = "claim-check"    // hash of a payload that is kept apart
)

// In is a message in a pattern's hands.
type In struct {
	*journal.Record
	Memory
	Route string
	Now   time.Time
	Ran   *Ran // where blocks note that they ran; may be nil
}

// Memory is what a pattern finds again after a kill. It serves one run of a handler, from
// one goroutine; an error of it ends the run, classified, and the hub decides what follows.
type Memory interface {
	// State is a pattern state with all that waits for the disk counted in.
	State(ctx context.Context, key string) (journal.State, error)
	// Claimed is what was claimed under an outside id, or false, also once the claim expired.
	Claimed(ctx context.Context, scope, id string) (journal.Claim, bool, error)
	// Recall reads a record that was seen before.
	Recall(ctx context.Context, pos journal.Pos) (journal.Record, error)
}

// Message is what a handler gets; *routes.Message is one.
type Message[O any] interface {
	In() In
	Out() O // begins a decision
}

// Out is what a handler decides; *routes.Out is one. Its zero value decides nothing.
type Out[O any] interface {
	comparable
	// Send adds a record, with ids and correlation inherited from the message.
	Send(r journal.Record) O
	// Timer sends the route a message of type typ at due. The same id moves it.
	Timer(id, key, typ string, due time.Time, data any) O
	// Decision is the unit so far.
	Decision() *journal.Unit
}

// Handler is the handler of a route.
type Handler[M, O any] = func(ctx context.Context, m M) (O, error)

// Copy is r as a message of its own on another topic: what it says, without its place in
// a stream or in the log. Add headers as key, value pairs.
func Copy(r *journal.Record, topic string, headers ...string) journal.Record {
	c := journal.Record{
		Type: r.Type, Schema: r.Schema, Topic: topic, Key: r.Key, Correlation: r.Correlation,
		Headers: maps.Clone(r.Headers), Data: r.Data, Subject: r.Subject, Personal: r.Personal,
	}
	for i := 0; i+1 < len(headers); i += 2 {
		set(&c, headers[i], headers[i+1])
	}
	return c
}

// set changes a header of a record that is not shared yet; an empty value removes it.
func set(r *journal.Record, k, v string) {
	h := maps.Clone(r.Headers)
	if h == nil {
		h = map[string]string{}
	}
	if h[k] = v; v == "" {
		delete(h, k)
	}
	r.Headers = h
}

// begun is o, or a fresh decision where a handler returned none.
func begun[M Message[O], O Out[O]](m M, o O) O {
	var none O
	if o == none {
		return m.Out()
	}
	return o
}

// timerType names a pattern's timers among the messages of its route.
func timerType(step string) string { return "eip." + step }

// timed reports whether the message is a timer of the route. Its type proves nothing: it must
// have come on the route's own timer topic, where nobody else writes.
func (in In) timed() bool { return in.Topic == "timer."+in.Route }

// timer reports whether the message is a timer that the step set.
func (in In) timer(step string) bool { return in.timed() && in.Type == timerType(step) }

// timerOf reads what a step's timer was set with.
func timerOf[V any](in In) (v V, err error) {
	if err := json.Unmarshal(in.Data, &v); err != nil {
		return v, in.invalid("reading timer %s: %w", in.Type, err)
	}
	return v, nil
}

// list reads a comma separated header.
func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

package routes

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// Stations reaches partners who speak AS2. Its methods are called from several routes at a time.
type Stations interface {
	// Pack makes the message that each try sends: a content in its layers, under an id. It changes
	// nothing for the partner; called again it makes other bytes. What was exchanged of certificates
	// counts beside those of the configuration.
	Pack(ctx context.Context, partner, id string, c door.Content, x trust.Exchange) (door.Sent, error)
	// Send sends a message and reads the receipt, unless that comes by itself. It may be repeated:
	// the partner knows the message by its id. Fault kinds are those of [Effect.Do]; Unknown is also
	// said of a receipt that proves nothing, or other content.
	Send(ctx context.Context, partner string, s door.Sent, x trust.Exchange) (door.Proof, error)
	// Return sends a receipt of ours. It may be repeated.
	Return(ctx context.Context, partner string, r door.Receipt) error
	// Own is a certificate of ours whose fingerprint begins so.
	Own(fingerprint string) (trust.Certificate, error)
}

// byStation reports whether documents leave for a partner by AS2.
func (e *edi) byStation(partner string) bool { return e.Stations != nil && e.Partners[partner].Station }

// stationTopic is where messages wait for a partner's station.
func stationTopic(partner string) string { return "as2-out." + partner }

// SentBy is the scope of the claims on the ids of messages of ours whose receipt is known. The answer
// of each is a [Proven].
func SentBy(partner string) string { return "as2-sent/" + partner }

// Proven is a message of ours with what its receipt proves.
type Proven struct {
	Partner  string      `json:"partner"`
	Document journal.Pos `json:"document_position"`
	Sent     door.Sent   `json:"sent"`
	Proof    door.Proof  `json:"proof"`
}

// wrapped is a document in the message that takes it to its partner.
type wrapped struct {
	outgoing
	Document journal.Pos `json:"position"` // of the document
	Hash     [32]byte    `json:"hash"`     // of its bytes
	Sent     door.Sent   `json:"sent"`
	Tries    int         `json:"tries"` // before this one that no receipt came for
	// Certificates says that it is of a certificate exchange and no document.
	Certificates bool `json:"certificates,omitempty"`

	trusted trust.Exchange // when it is sent
}

// station takes documents to a partner by AS2, in two steps: what each try sends is durable before the
// first. The first step reads as the folder's route does, so that whoever changes from one to the other
// finds what waits.
func (e *edi) station(partner string) error {
	err := e.hub.Add(Route{
		Name: "out.edi." + partner, Start: bus.Now, About: "documents into signed and encrypted messages for " + partner,
		Topics: []string{outTopic(partner)}, Writes: []string{stationTopic(partner)}, Patterns: []string{eip.NameTranslator, eip.NameClaimCheck},
		Handle: eip.Translate(func(ctx context.Context, m *Message, out *Out) (journal.Record, error) {
			w := wrapped{Document: m.Pos, Hash: sha256.Sum256(m.Personal)}
			err := m.Decode(&w.outgoing)
			if err != nil {
				return journal.Record{}, err
			}
			return e.wrap(ctx, m, out, partner, w, door.Content{Name: m.Headers["name"], Document: m.Personal})
		}),
	})
	if err != nil {
		return err
	}
	if err := errors.Join(e.returns(partner), e.hub.Add(e.certificatesOut(partner))); err != nil {
		return err
	}
	r := Route{
		Name: "out.as2." + partner, About: "documents to the AS2 station of " + partner, Conn: "as2." + partner,
		Topics: []string{stationTopic(partner)}, Writes: []string{onExternal}, Patterns: []string{eip.NameChannelAdapter, eip.NameBreaker, eip.NameRequestReply},
	}
	send := func(ctx context.Context, c *Call) ([]byte, error) {
		w := c.Value.(wrapped)
		p, err := e.Stations.Send(ctx, partner, w.Sent, w.trusted)
		if err != nil {
			return nil, err
		}
		return json.Marshal(p)
	}
	return e.hub.AddEffect(r, Effect{
		Step: "send", Timeout: 5 * time.Minute,
		Plan: func(ctx context.Context, m *Message) (*Call, *Out, error) {
			var w wrapped
			err := m.Decode(&w)
			if err == nil {
				w.trusted, err = e.exchangedWith(ctx, m, partner)
			}
			return &Call{Ref: w.Sent.MessageID, Value: w}, nil, err
		},
		Do: send,
		// Whether a message arrived is found out by sending it again: the partner answers one that he
		// has with the receipt that he gave it.
		Resolve: func(ctx context.Context, c *Call) ([]byte, bool, error) {
			b, err := send(ctx, c)
			return b, err == nil, down(err)
		},
		Then: func(ctx context.Context, m *Message, c *Call, outcome []byte) (*Out, error) {
			w := c.Value.(wrapped)
			if w.Sent.Async {
				return e.await(ctx, m, w)
			}
			var p door.Proof
			if err := json.Unmarshal(outcome, &p); err != nil {
				return nil, fault.E(m.route, fault.Internal, err)
			}
			out := m.Out()
			return out, e.proven(ctx, m, out, partner, w, p)
		},
	})
}

// wrap makes the message that takes a content to its partner.
func (e *edi) wrap(ctx context.Context, m *Message, out *Out, partner string, w wrapped, c door.Content) (journal.Record, error) {
	x, err := e.exchangedWith(ctx, m, partner)
	if err == nil {
		w.Sent, err = e.Stations.Pack(ctx, partner, m.ID.String(), c, x)
	}
	if err != nil {
		return journal.Record{}, err
	}
	if w.Sent.Async {
		// Before the first try: the receipt may be faster than the answer to the request.
		out.SetState(awaitKey(partner, w.Sent.MessageID), journal.State{}, w)
	}
	return w.record(partner)
}

// down takes a partner who does not answer a second time either for one who is down: no person knows
// more, and what is sent again once he is up finds out.
func down(err error) error {
	if errors.Is(err, door.ErrNoAnswer) {
		return &fault.Error{Op: "as2.resolve", Kind: fault.Unavailable, After: fault.AfterOf(err), Err: err}
	}
	return err
}

func (w wrapped) record(partner string) (journal.Record, error) {
	data, err := json.Marshal(w)
	return journal.Record{
		Type: "as2.Wrapped", Topic: stationTopic(partner), Key: partner, Data: data,
		Headers: map[string]string{"partner": partner, "name": w.Name, "message_id": w.Sent.MessageID},
	}, err
}

// proven ends the way of a document: it left, with the proof of it.
func (e *edi) proven(ctx context.Context, m *Message, out *Out, partner string, w wrapped, p door.Proof) error {
	data, err := json.Marshal(Proven{Partner: partner, Document: w.Document, Sent: w.Sent, Proof: p})
	if err != nil {
		return fault.E(m.route, fault.Internal, err)
	}
	out.Claim(SentBy(partner), w.Sent.MessageID, sha256.Sum256([]byte(w.Sent.Body)), data)
	if w.Certificates {
		return nil
	}
	if err := e.left(ctx, m, out, w.outgoing, w.Hash, []byte(strconv.FormatUint(uint64(w.Document), 10))); err != nil {
		return err
	}
	if e.Partners[partner].Tap {
		doc, err := m.Recall(ctx, w.Document)
		if err != nil {
			return err
		}
		out.Send(journal.Record{Type: doc.Type, Topic: onAudit, Key: partner, Data: doc.Data, Headers: doc.Headers, Subject: doc.Subject, Personal: doc.Personal})
	}
	return nil
}

// awaitKey is the state of a message whose receipt comes by itself.
func awaitKey(partner, id string) string { return "as2-await/" + partner + "/" + id }

// awaited is a message whose receipt is waited for.
func (e *edi) awaited(ctx context.Context, m *Message, partner, id string) (w wrapped, st journal.State, err error) {
	if st, err = m.State(ctx, awaitKey(partner, id)); err != nil || st.Data == nil {
		return w, st, err
	}
	if err := json.Unmarshal(st.Data, &w); err != nil {
		return w, st, fault.E(m.route, fault.Internal, fmt.Errorf("reading the wait for the receipt of %s: %w", id, err))
	}
	return w, st, nil
}

// await watches that the receipt of a message that was sent comes; it may have come already.
func (e *edi) await(ctx context.Context, m *Message, w wrapped) (*Out, error) {
	out := m.Out()
	was, _, err := e.awaited(ctx, m, w.Partner, w.Sent.MessageID)
	if err != nil || was.Sent.MessageID == "" {
		return out, err
	}
	data, err := json.Marshal(w)
	out.Timers = append(out.Timers, journal.TimerOp{ID: watchTimer(w), Timer: journal.Timer{
		Sub: "as2.watch", Key: w.Partner, Due: m.Now.Add(e.ReceiptWithin << min(w.Tries, resends)), Type: "receipt.Overdue", Data: data,
	}})
	return out, err
}

func watchTimer(w wrapped) string { return "as2.watch/" + awaitKey(w.Partner, w.Sent.MessageID) }

// resends is how often a message is sent again whose receipt does not come: after once, twice,
// four times and eight times the time in which it should.
const resends = 3

// watch tells a person of what the stations cannot settle between them.
func (e *edi) watch() Route {
	var writes []string
	for name := range e.Partners {
		if e.byStation(name) {
			writes = append(writes, stationTopic(name))
		}
	}
	return Route{
		Name: "as2.watch", About: "receipts that do not come in time, refuse or prove nothing; message ids that are used twice",
		Topics: []string{topicStationTrouble}, Writes: writes, Parking: Parking{Independent: true}, Patterns: []string{eip.NameInvalid},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			if m.Type == "receipt.Overdue" {
				return e.overdueReceipt(ctx, m)
			}
			var t trouble
			if err := m.Decode(&t); err != nil {
				return nil, err
			}
			switch m.Type {
			case certificatesOffered:
				return e.lookedAt(ctx, m, t)
			case certificatesRefused:
				return nil, fault.At(m.route, fault.Rejected, t.MessageID, fmt.Errorf("the certificate exchange of %s in message %s has no effect: %s", t.Partner, t.MessageID, t.Reason))
			case "as2.Unmatched":
				return nil, fault.At(m.route, fault.Invalid, t.MessageID, fmt.Errorf("a receipt of %s is for message %s, of which nothing is known", t.Partner, t.MessageID))
			case "as2.IDReused":
				return nil, fault.At(m.route, fault.Invalid, t.MessageID, fmt.Errorf("partner %s sent another document under the Message-ID of one that was accepted: ask him which counts; its bytes are payload %s", t.Partner, t.Body))
			}
			if m.Attempt > 0 && t.Message != nil {
				return e.goesAgain(ctx, m, *t.Message)
			}
			return nil, fault.At(m.route, fault.Rejected, t.Document, fmt.Errorf("the receipt of %s for our message %s is %s: %s: ask him what he has; a replay sends the same message again", t.Partner, t.MessageID, t.Outcome, t.Reason))
		},
	}
}

// goesAgain sends a message whose wait was ended by a receipt that does not prove it.
func (e *edi) goesAgain(ctx context.Context, m *Message, w wrapped) (*Out, error) {
	was, st, err := e.awaited(ctx, m, w.Partner, w.Sent.MessageID)
	if err != nil || was.Sent.MessageID != "" {
		return m.Out(), err // it is under way
	}
	w.Tries = 0
	r, err := w.record(w.Partner)
	return m.Out().SetState(awaitKey(w.Partner, w.Sent.MessageID), st, w).Send(r), err
}

// overdueReceipt sends a message again, the same bytes under the same id; after the last time it is a
// letter, whose replay sends it once more.
func (e *edi) overdueReceipt(ctx context.Context, m *Message) (*Out, error) {
	var w wrapped
	if err := m.Decode(&w); err != nil {
		return nil, err
	}
	was, st, err := e.awaited(ctx, m, w.Partner, w.Sent.MessageID)
	if err != nil || was.Sent.MessageID == "" {
		return m.Out(), err
	}
	if was.Tries >= resends && m.Attempt == 0 {
		return nil, fault.At(m.route, fault.Rejected, w.Name, fmt.Errorf("no receipt came from %s for our message %s, which was sent %d times: ask him whether he has it; a replay sends it once more", w.Partner, w.Sent.MessageID, resends+1))
	}
	was.Tries++
	out := m.Out().SetState(awaitKey(w.Partner, w.Sent.MessageID), st, was)
	r, err := was.record(w.Partner)
	return out.Send(r), err
}

// settled ends the wait for a receipt by what it proves.
func (e *edi) settled(ctx context.Context, m *Message, s door.Settlement) (*Out, error) {
	w, st, err := e.awaited(ctx, m, s.Partner, s.MessageID)
	if err != nil {
		return nil, err
	}
	out := m.Out()
	if w.Sent.MessageID == "" {
		_, known, err := m.Claimed(ctx, SentBy(s.Partner), s.MessageID)
		if err == nil && !known {
			out.Publish(topicStationTrouble, "as2.Unmatched", s.Partner, trouble{Partner: s.Partner, MessageID: s.MessageID})
		}
		return out.Answer(false), err
	}
	out.Answer(true).SetState(awaitKey(s.Partner, s.MessageID), st, nil)
	if b, err := m.Row(ctx, journal.TableTimer, watchTimer(w)); err != nil {
		return nil, err
	} else if b != nil {
		out.Timers = append(out.Timers, journal.TimerOp{ID: watchTimer(w), Remove: true})
	}
	if s.Outcome == "delivered" || s.Outcome == "unproven" && !w.Sent.Signed {
		return out, e.proven(ctx, m, out, s.Partner, w, s.Proof)
	}
	data, err := json.Marshal(Proven{Partner: s.Partner, Document: w.Document, Sent: w.Sent, Proof: s.Proof})
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	out.Send(journal.Record{Type: "as2.NotProven", Topic: onExternal, Key: s.Partner, Data: data, Headers: map[string]string{"partner": s.Partner, "message_id": s.MessageID}})
	return out.Publish(topicStationTrouble, "as2.NotProven", s.Partner,
		trouble{Partner: s.Partner, MessageID: s.MessageID, Document: w.Name, Outcome: s.Outcome, Reason: s.Reason, Message: &w}), nil
}

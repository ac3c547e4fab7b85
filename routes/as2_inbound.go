package routes

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/eip"
)

// topicStationTrouble holds what a person must know of exchanges by AS2.
const topicStationTrouble = "as2-trouble"

// receiptTopic is where receipts for a partner wait that do not go as the answer of his request.
func receiptTopic(partner string) string { return "as2-receipts." + partner }

// ReceivedBy is the scope of the claims on the ids of messages that a partner's station sent and
// that were accepted. The answer of each is its [door.Exchange].
func ReceivedBy(partner string) string { return "as2/" + partner }

// stations is the door of partners who speak AS2. What they send was read and judged before: one unit
// holds the reference to the bytes as they came, the verdict, the receipt and the documents, and the
// receipt leaves when that is durable.
func (e *edi) stations() Route {
	writes := []string{topicDocuments, onExternal, onAudit, topicStationTrouble}
	for name := range e.Partners {
		if e.byStation(name) {
			writes = append(writes, receiptTopic(name), certificateTopic(name))
		}
	}
	return Route{
		Name: door.Stations, About: "messages and receipts of partners who speak AS2",
		Writes: writes, Patterns: []string{eip.NameChannelAdapter, eip.NameIdempotent, eip.NameClaimCheck, eip.NameRequestReply},
		Handle: eip.CheckIn(e.Payloads, func(ctx context.Context, m *Message) (*Out, error) {
			switch v := m.Value.(type) {
			case door.Seen:
				x, _, err := accepted(ctx, m, v.Partner, v.MessageID)
				if err != nil {
					return nil, err
				}
				certs, err := e.exchangedWith(ctx, m, v.Partner)
				return m.Out().Answer(door.Known{Exchange: x, Certificates: certs}), err
			case door.Arrival:
				return e.arrived(ctx, m, v)
			case door.Awaiting:
				w, _, err := e.awaited(ctx, m, v.Partner, v.MessageID)
				return m.Out().Answer(w.Sent), err
			case door.Settlement:
				return e.settled(ctx, m, v)
			}
			return nil, fault.E(m.route, fault.Internal, fmt.Errorf("the door was called with %T", m.Value))
		}),
	}
}

// accepted is the exchange of a message that was accepted.
func accepted(ctx context.Context, m *Message, partner, id string) (x door.Exchange, found bool, err error) {
	c, found, err := m.Claimed(ctx, ReceivedBy(partner), id)
	if err != nil || !found {
		return x, false, err
	}
	if err := json.Unmarshal(c.Answer, &x); err != nil {
		return x, false, fault.E(m.route, fault.Internal, fmt.Errorf("reading the exchange %s of %s: %w", id, partner, err))
	}
	return x, true, nil
}

// arrived takes a message that was judged. A message that was refused is kept beside those that were
// accepted and claims nothing, so that the next one of its id is judged anew.
func (e *edi) arrived(ctx context.Context, m *Message, a door.Arrival) (*Out, error) {
	if _, err := e.partner(a.Partner); err != nil {
		return nil, err
	}
	if a.Accepted {
		first, again, err := accepted(ctx, m, a.Partner, a.MessageID)
		switch {
		case err != nil:
			return nil, err
		case again && first.MIC != a.MIC:
			return m.Out().Answer(door.Taken{Exchange: first, Repeat: true, Other: true}), nil
		case again:
			out := m.Out().Answer(door.Taken{Exchange: first, Repeat: true})
			return later(out, first), nil
		}
	}
	told, typ := a.Exchange, "as2.Refused"
	out := m.Out().Correlate(m.ID.String())
	if a.Accepted {
		whole, err := json.Marshal(a.Exchange)
		if err != nil {
			return nil, fault.E(m.route, fault.Internal, err)
		}
		out.Claim(ReceivedBy(a.Partner), a.MessageID, sha256.Sum256([]byte(a.MIC)), whole)
		typ = "as2.Received"
		told.Raw, told.Headers, told.Signer, told.Own, told.Receipt = nil, nil, nil, nil, nil // once: the claim has them
	}
	data, err := json.Marshal(told)
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	out.Send(journal.Record{Type: typ, Topic: onExternal, Key: a.Partner, Data: data, Headers: map[string]string{"partner": a.Partner, "message_id": a.MessageID}})
	if a.Reused {
		out.Publish(topicStationTrouble, "as2.IDReused", a.Partner, trouble{Partner: a.Partner, MessageID: a.MessageID, Body: a.Body})
	}
	for i, d := range a.Documents {
		out.Send(e.stamped(received(d, m.ID.Child(m.route, "document", i))))
	}
	if err := e.certificatesIn(ctx, m, out, a); err != nil {
		return nil, err
	}
	return later(out, a.Exchange).Answer(door.Taken{Exchange: a.Exchange}), nil
}

// later lets the receipt of an exchange go by itself where the partner wants that.
func later(out *Out, x door.Exchange) *Out {
	if x.Receipt == nil || x.Receipt.To == "" {
		return out
	}
	return out.Publish(receiptTopic(x.Partner), "as2.Receipt", x.Partner, returning{MessageID: x.MessageID, Receipt: *x.Receipt})
}

// returning is a receipt of ours that goes by itself.
type returning struct {
	MessageID string       `json:"message_id"` // of the partner's message
	Receipt   door.Receipt `json:"receipt"`
}

// trouble is what a person must know.
type trouble struct {
	Partner   string `json:"partner"`
	MessageID string `json:"message_id"`
	Document  string `json:"document,omitempty"`
	Body      string `json:"body,omitempty"` // payload
	Outcome   string `json:"outcome,omitempty"`
	Reason    string `json:"reason,omitempty"`
	// Message is ours that a replay sends again; nil of one of the partner's.
	Message *wrapped `json:"message,omitempty"`
}

// returns sends the receipts that a partner wants by themselves. The same one may come to him twice,
// and says the same: whether one of unknown fate arrived is found out by sending it again.
func (e *edi) returns(partner string) error {
	again := func(ctx context.Context, c *Call) error {
		return e.Stations.Return(ctx, partner, c.Value.(door.Receipt))
	}
	return e.hub.AddEffect(Route{
		Name: "out.as2-receipts." + partner, About: "AS2 receipts to " + partner + " that are no answer to his request", Conn: "as2-receipts." + partner,
		Topics: []string{receiptTopic(partner)}, Parking: Parking{Independent: true},
		Patterns: []string{eip.NameChannelAdapter, eip.NameReturnAddress, eip.NameBreaker},
	}, Effect{
		Step: "return", Timeout: time.Minute,
		Plan: func(_ context.Context, m *Message) (*Call, *Out, error) {
			var r returning
			err := m.Decode(&r)
			return &Call{Ref: r.MessageID, Value: r.Receipt}, nil, err
		},
		Do:      func(ctx context.Context, c *Call) ([]byte, error) { return nil, again(ctx, c) },
		Resolve: func(ctx context.Context, c *Call) ([]byte, bool, error) { return nil, true, down(again(ctx, c)) },
		Then:    func(_ context.Context, m *Message, _ *Call, _ []byte) (*Out, error) { return m.Out(), nil },
	})
}

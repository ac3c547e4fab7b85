package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/eip"
)

// documents is the door of files and bodies from partners: one unit holds the bytes as
// they came and the claim on their id, and the answer leaves when that is durable.
func (e *edi) documents() Route {
	return Route{
		Name: door.Documents, About: "documents from partners, kept as they came",
		Writes: []string{topicDocuments, topicUntaken}, Patterns: []string{eip.NameChannelAdapter, eip.NameIdempotent, eip.NameClaimCheck, eip.NameRequestReply},
		Handle: eip.CheckIn(e.Payloads, eip.Receive(e.identify, e.received,
			func(_ context.Context, m *Message, first journal.Claim) (*Out, error) {
				return m.Out().Answer(door.Accepted{ID: string(first.Answer), Repeat: true}), nil
			})),
	}
}

// identify is what a document is known by at its door.
func (e *edi) identify(m *Message) (eip.OutsideID, error) {
	const op = "routes.documents"
	d, ok := m.Value.(door.Document)
	if !ok {
		return eip.OutsideID{}, fault.E(op, fault.Internal, fmt.Errorf("the door was called with %T", m.Value))
	}
	if _, err := e.partner(d.Partner); err != nil {
		return eip.OutsideID{}, err
	}
	if d.Len() == 0 && d.Refused == "" {
		return eip.OutsideID{}, fault.At(op, fault.Invalid, d.Name, errors.New("the document is empty"))
	}
	key := d.Key
	return eip.OutsideID{
		Scope: key.Scope, ID: key.ID, Hash: key.Hash,
		Reused: func(journal.Claim) error { return fault.E(op, fault.Invalid, &door.ReusedError{Key: key}) },
	}, nil
}

func (e *edi) received(_ context.Context, m *Message) (out *Out, answer []byte, err error) {
	id := m.ID.String()
	out = m.Out().Correlate(id).Send(e.stamped(received(m.Value.(door.Document), m.ID)))
	return out.Answer(door.Accepted{ID: id}), []byte(id), nil
}

// received is a document as it came.
func received(d door.Document, id journal.ID) journal.Record {
	data, _ := json.Marshal(map[string]any{"name": d.Name, "media": d.Media, "bytes": d.Len()}) // plain values
	r := journal.Record{
		ID: id, Type: "document.Received", Topic: topicDocuments, Key: d.Partner, Causation: id,
		Headers: map[string]string{"partner": d.Partner, "name": d.Name}, Data: data,
		Subject: "document/" + id.String(), Personal: d.Bytes,
	}
	if d.Kept != "" {
		r.Headers[eip.Ticket] = d.Kept
	}
	if d.Refused != "" {
		r.Type, r.Topic = "document.Refused", topicUntaken
		r.Data, _ = json.Marshal(unread(d)) // plain values
	}
	return r
}

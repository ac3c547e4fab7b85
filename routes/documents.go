package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
)

// documents is the door of files and bodies from partners: one unit holds the bytes as
// they came and the claim on their id, and the answer leaves when that is durable.
func (e *edi) documents() Route {
	return Route{
		Name: door.Documents, About: "documents from partners, kept as they came",
		Writes: []string{topicDocuments}, Patterns: []string{"channel adapter", "idempotent receiver", "claim check"},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			const op = "routes.documents"
			d, ok := m.Value.(door.Document)
			if !ok {
				return nil, fault.E(op, fault.Internal, fmt.Errorf("the door was called with %T", m.Value))
			}
			if _, err := e.partner(d.Partner); err != nil {
				return nil, err
			}
			if len(d.Bytes) == 0 {
				return nil, fault.At(op, fault.Invalid, d.Name, errors.New("the document is empty"))
			}
			if c, ok, err := m.Claimed(ctx, d.Key.Scope, d.Key.ID); err != nil {
				return nil, err
			} else if ok {
				if c.Hash != d.Key.Hash {
					return nil, fault.E(op, fault.Invalid, &door.ReusedError{Key: d.Key})
				}
				return m.Out().Answer(door.Accepted{ID: string(c.Answer), Repeat: true}), nil
			}
			id := m.ID.String()
			out := m.Out().Correlate(id).Claim(d.Key.Scope, d.Key.ID, d.Key.Hash, []byte(id))
			data, _ := json.Marshal(map[string]any{"name": d.Name, "media": d.Media, "bytes": len(d.Bytes)}) // plain values
			headers := map[string]string{"partner": d.Partner, "name": d.Name}
			raw, err := e.checkIn(ctx, d.Bytes, headers)
			if err != nil {
				return nil, err
			}
			out.Send(journal.Record{
				ID: m.ID, Type: "document.Received", Topic: topicDocuments, Key: d.Partner, Causation: m.ID,
				Headers: headers, Data: data, Subject: "document/" + id, Personal: raw,
			})
			return out.Answer(door.Accepted{ID: id}), nil
		},
	}
}

package routes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

// HandsOn chains a partner's door to another's.
type HandsOn struct {
	// To is the partner by whose door his documents leave again, as they came; "" is nobody.
	To string
	// Only says that the hub does not work on them itself.
	Only bool
}

// What a document's headers say of [HandsOn], as it was when it came.
const (
	handOnTo   = "hand_on_to"
	handOnOnly = "hand_on_only"
)

// handedOn is the kind of an interchange that is not ours: nobody's 997 of it is waited for, and it is
// never written anew.
const handedOn = "handed on"

// mostHandedOn is the longest document that is handed on: one that leaves lies in the journal itself,
// where a unit holds twice as much.
const mostHandedOn = journal.MaxUnit / 2

// handOn lets documents leave by the doors of others. What came by two doors of a partner is one
// document, by its bytes. There is no route where nobody's are handed on.
func (e *edi) handOn() []Route {
	var writes []string
	for _, name := range slices.Sorted(maps.Keys(e.Partners)) {
		if to, ok := e.Partners[e.Partners[name].HandsOn.To]; ok && !slices.Contains(writes, firstStage(to)) {
			writes = append(writes, firstStage(to))
		}
	}
	if writes == nil {
		return nil
	}
	return []Route{{
		Name: "edi.hand-on", About: "documents of partners to others, by the door of each, as they came", Start: bus.Now,
		Topics: []string{topicDocuments}, Writes: writes, Patterns: []string{eip.NameIdempotent, eip.NameClaimCheck},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			if m.Headers[handOnTo] == "" {
				return m.Out(), nil
			}
			to, err := e.partner(m.Headers[handOnTo])
			if err != nil {
				return nil, err
			}
			data, err := e.claim(ctx, m)
			if err != nil {
				return nil, err
			}
			return e.handOnTo(to, data)(ctx, m)
		},
	}}
}

func (e *edi) handOnTo(to Partner, data []byte) eip.Handler[*Message, *Out] {
	from := func(m *Message) string { return m.Headers["partner"] }
	sum := sha256.Sum256(data)
	return eip.Receive(
		func(m *Message) (eip.OutsideID, error) {
			return eip.OutsideID{Scope: "handed-on/" + from(m) + "/" + to.Name, ID: hex.EncodeToString(sum[:]), Hash: sum}, nil
		},
		func(_ context.Context, m *Message) (*Out, []byte, error) {
			if len(data) > mostHandedOn {
				return nil, nil, fault.At(m.route, fault.Rejected, m.Headers["name"], fmt.Errorf("it has %d bytes, and at most %d are handed on: send it to %s another way", len(data), mostHandedOn, to.Name))
			}
			name := handedOnName(from(m), m.Headers["name"], data)
			about, err := json.Marshal(outgoing{Partner: to.Name, Set: handedOn, Name: name})
			if err != nil {
				return nil, nil, fault.E(m.route, fault.Internal, err)
			}
			return m.Out().Send(journal.Record{
				Type: "document.Outgoing", Topic: firstStage(to), Key: to.Name, Data: about,
				Headers: map[string]string{"partner": to.Name, "name": name},
				Subject: "document/" + m.ID.String(), Personal: data,
			}), []byte(name), nil
		},
		func(_ context.Context, m *Message, _ journal.Claim) (*Out, error) { return m.Out(), nil },
	)
}

// handedOnName is the name that a document leaves under: the one that it came with, as far as folders
// take it, with a mark by which no other document has it.
func handedOnName(from, name string, data []byte) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, name)
	ext := path.Ext(plain)
	if len(ext) > 16 {
		ext = ""
	}
	stem := strings.TrimLeft(strings.TrimSuffix(plain, ext), ".")
	mark := sha256.Sum256(append([]byte(from+"\x00"), data...))
	return cmp.Or(stem[:min(len(stem), 80)], "document") + "-" + hex.EncodeToString(mark[:6]) + ext
}

// stamped says in the headers of a document that came what is to be done with it beside the hub's own work.
func (e *edi) stamped(r journal.Record) journal.Record {
	if h := e.Partners[r.Headers["partner"]].HandsOn; h.To != "" {
		r.Headers[handOnTo] = h.To
		if h.Only {
			r.Headers[handOnOnly] = "yes"
		}
	}
	return r
}

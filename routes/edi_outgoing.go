package routes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/x12"
)

// outgoing is an interchange that waits to be sent.
type outgoing struct {
	Partner string `json:"partner"`
	Set     string `json:"st01"` // "batch" where it has several
	Name    string `json:"name"` // file name: unique for each interchange
	ISA13   string `json:"isa13"`
	GS06    string `json:"gs06"`
	// Contrl says that a CONTRL was asked for.
	Contrl bool `json:"contrl,omitempty"`
	// Sets are those of a batch; else there is one, of the same name.
	Sets []sentSet `json:"sets,omitempty"`
}

// sentSet is a transaction set, or message, in an interchange of ours: a document. EDIFACT has no GS06.
type sentSet struct {
	Set         string `json:"st01"`
	Name        string `json:"name"` // no other document has it
	GS06        string `json:"gs06,omitempty"`
	ST02        string `json:"st02"` // or the message's reference
	Correlation string `json:"correlation,omitempty"`
}

// ofBatch is the Set of an interchange that has several.
const ofBatch = "batch"

// members are the documents in the interchange.
func (d outgoing) members() []sentSet {
	if d.Sets != nil {
		return d.Sets
	}
	return []sentSet{{Set: d.Set, Name: d.Name, GS06: d.GS06}}
}

// outSet is a set or message that is written.
type outSet struct {
	sentSet
	About    []string      // what it is about, as it names it
	Body     []x12.Out     // of a set
	UNH      edifact.UNH   // of a message
	Segments []edifact.Out // of it
}

// local is a time by the partner's clocks.
func (p Partner) local(at time.Time) time.Time {
	return at.In(cmp.Or(p.Profile.Zone, time.UTC))
}

// control takes the partner's next control number, in the unit that holds the document: none is used
// twice, and none is lost to a document that never was. A unit may take several.
func (e *edi) control(ctx context.Context, m *Message, out *Out, partner, level string) (int, error) {
	key := "control/" + partner + "/" + level
	st, err := m.State(ctx, key)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(out.States, func(op journal.StateOp) bool { return op.Key == key })
	last := st.Data
	if i >= 0 {
		last = out.States[i].Data
	}
	n := 0
	if last != nil {
		if err := json.Unmarshal(last, &n); err != nil {
			return 0, fault.E("edi.control", fault.Internal, fmt.Errorf("reading %s: %w", key, err))
		}
	}
	if n++; n > 999_999_999 {
		n = 1
	}
	if i >= 0 {
		out.States[i].Data = strconv.AppendInt(nil, int64(n), 10)
	} else {
		out.SetState(key, st, n)
	}
	return n, nil
}

// outgoing is the record that lets an interchange be sent: text, with the watches for its
// acknowledgements, and its documents written.
func (e *edi) outgoing(ctx context.Context, m *Message, out *Out, p Partner, d outgoing, sets []outSet, text []byte) (journal.Record, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return journal.Record{}, fault.E("edi.envelope", fault.Internal, err)
	}
	r := journal.Record{
		Type: "document.Outgoing", Topic: firstStage(p), Key: p.Name, Data: data,
		Headers: map[string]string{"partner": p.Name, "name": d.Name},
		Subject: "document/" + m.ID.String(), Personal: p.charset(text),
	}
	if sets[0].Segments == nil {
		e.numbered(out, p, d, sets)
	}
	for i := 0; i < len(sets); {
		n := i + 1
		for n < len(sets) && sets[n].GS06 == sets[i].GS06 {
			n++
		}
		if err := e.watched(ctx, m, out, p, d, sets[i:n]); err != nil {
			return r, err
		}
		for _, s := range sets[i:n] {
			e.written(out, p, d, s, n-i == 1)
		}
		i = n
	}
	return r, out.err
}

// watched lets the acknowledgement of a group be watched for, or of an interchange of EDIFACT.
func (e *edi) watched(ctx context.Context, m *Message, out *Out, p Partner, d outgoing, sets []outSet) error {
	first := sets[0]
	a := ackState{Partner: p.Name, Set: first.Set, Control: first.GS06, Document: d.Name}
	key, route := ackKey(p.Name, groupOf[first.Set], first.GS06), "x12.ack-watch"
	switch group := groupOf[first.Set]; {
	case d.Contrl:
		a.Control = d.ISA13
		key, route = contrlKey(p.Name, d.ISA13), "edifact.ack-watch"
	case group == "" || group == "FA":
		return nil
	}
	if d.Sets != nil {
		for _, s := range sets {
			a.Sets = append(a.Sets, ackSet{s.Set, s.ST02, s.Name})
		}
	}
	st, err := m.State(ctx, key)
	if err != nil {
		return err
	}
	out.SetState(key, st, a)
	b, _ := json.Marshal(ackState{Partner: a.Partner, Set: a.Set, Control: a.Control, Document: a.Document}) // plain strings
	out.Timers = append(out.Timers, journal.TimerOp{ID: route + "/" + key, Timer: journal.Timer{
		Sub: route, Key: p.Name, Due: p.opens(m.Now).Add(e.AckWithin), Type: "ack.Overdue", Data: b,
	}})
	return nil
}

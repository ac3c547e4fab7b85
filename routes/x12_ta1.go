package routes

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/x12"
)

// interchangeAcked is a TA1 that came: what the partner says of the envelope of an interchange of ours.
const interchangeAcked = "x12.InterchangeAcked"

// ta1Came is such a message.
type ta1Came struct {
	Partner  string `json:"partner"`
	Document string `json:"document"` // file that it came in
	Control  string `json:"isa13"`    // TA1-01, of ours
	Code     string `json:"ta104"`
	Note     string `json:"ta105"`
}

// Codes of TA1-04. E notes errors of an interchange that is worked on, and forbids to send it again.
const (
	ta1Noted    = "E"
	ta1Rejected = "R"
)

// ta1Notes are the usual notes (TA1-05) in words.
var ta1Notes = map[string]string{
	"001": "the control numbers of ISA and IEA differ", "002": "it does not know this standard", "003": "it does not know this version", "004": "a separator is wrong",
	"005": "it does not know the sender's qualifier", "006": "it does not know the sender", "007": "it does not know the receiver's qualifier", "008": "it does not know the receiver",
	"009": "it does not know the receiver", "014": "the date is wrong", "015": "the time is wrong", "018": "the control number is wrong", "020": "the test indicator is wrong",
	"021": "the number of groups is wrong", "022": "the control structure is wrong", "023": "the file ends within it", "024": "its content is wrong", "025": "the control number came before",
}

func (t ta1Came) why() string {
	if words := ta1Notes[t.Note]; words != "" {
		return fmt.Sprintf("TA1-05 is %s: %s", t.Note, words)
	}
	return "TA1-05 is " + t.Note
}

// ta1 sends what a TA1 says to those who wait.
func (s *splitting) ta1(ctx context.Context, part *x12.Part) error {
	seg := part.Segments.At(0)
	return s.add(ctx, interchangeAcked, topicAcks, ta1Came{s.p.Name, s.m.Headers["name"], seg.Value(1), seg.Value(4), seg.Value(5)}, nil)
}

// leftIn is the interchange that a control number of ours means.
type leftIn struct {
	Name   string      `json:"name"`
	Set    string      `json:"st01"`
	Groups [][2]string `json:"groups,omitempty"` // GS01 and GS06 of those that are waited for
}

// numbered notes which groups an X12 interchange has, so that a TA1 finds them: as a claim, which ends by
// itself.
func (e *edi) numbered(out *Out, p Partner, d outgoing, sets []outSet) {
	l := leftIn{Name: d.Name, Set: d.Set}
	for _, s := range sets {
		g := [2]string{groupOf[s.Set], s.GS06}
		if g[0] != "" && g[0] != "FA" && !slices.Contains(l.Groups, g) {
			l.Groups = append(l.Groups, g)
		}
	}
	b, _ := json.Marshal(l) // plain strings
	id := "ISA/" + d.ISA13
	out.Claims = append(out.Claims, journal.ClaimOp{Scope: knownAs(p.Name), ID: id, Forget: true})
	out.Claim(knownAs(p.Name), id, sha256.Sum256([]byte(d.Name)), b)
}

// interchangeSaid ends the wait for the documents of an interchange that the partner rejects: each is a
// letter until it was sent anew. One with errors is worked on: its 997 is waited for, and what the TA1 says
// stands with the documents until then. A rejection of what nobody waits for, our 997 say, is a letter.
func (e *edi) interchangeSaid(ctx context.Context, m *Message) (*Out, error) {
	var t ta1Came
	if err := m.Decode(&t); err != nil {
		return nil, err
	}
	out := m.Out()
	out.Publish(onExternal, "ack.Received", t.Partner, map[string]string{"partner": t.Partner, "isa13": t.Control, "ta104": t.Code, "ta105": t.Note})
	if t.Code != ta1Rejected && t.Code != ta1Noted {
		return out, nil
	}
	c, ok, err := m.Claimed(ctx, knownAs(t.Partner), "ISA/"+t.Control)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.At(m.route, fault.Rejected, "TA1-01", fmt.Errorf("TA1 of %s: partner %s speaks of interchange %.20s, and none of that number left for him; %s", t.Document, t.Partner, t.Control, t.why()))
	}
	var l leftIn
	if err := json.Unmarshal(c.Answer, &l); err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	waited := false
	for _, g := range l.Groups {
		key := ackKey(t.Partner, g[0], g[1])
		st, err := m.State(ctx, key)
		if err != nil {
			return nil, err
		}
		if waited = waited || st.Tag != 0; st.Tag == 0 {
			continue
		}
		if t.Code == ta1Rejected {
			err = e.judged(ctx, m, out, key, "TA1", ackSays{code: ta1Rejected, why: t.why(), rejected: true, all: true})
		} else {
			err = e.noted(ctx, m, out, st, t)
		}
		if err != nil {
			return nil, err
		}
	}
	if !waited && t.Code == ta1Rejected {
		return nil, fault.At(m.route, fault.Rejected, "TA1-04", fmt.Errorf("partner %s rejected interchange %s, with our %s %s: %s; nothing of it waits to be acknowledged: correct what he names, and ask him whether he needs it anew",
			t.Partner, t.Control, l.Set, l.Name, t.why()))
	}
	return out, nil
}

// noted keeps with the documents of a group what a TA1 says of errors in their envelope.
func (e *edi) noted(ctx context.Context, m *Message, out *Out, st journal.State, t ta1Came) error {
	var a ackState
	if err := json.Unmarshal(st.Data, &a); err != nil {
		return fault.E(m.route, fault.Internal, err)
	}
	names := []string{a.Document}
	if a.Sets != nil {
		names = nil
		for _, s := range a.Sets {
			names = append(names, s.Document)
		}
	}
	for _, name := range names {
		if err := e.acknowledged(ctx, m, out, t.Partner, name, document.Acknowledge{By: "TA1", Code: t.Code, Accepted: true, Why: t.why()}); err != nil {
			return err
		}
	}
	return nil
}

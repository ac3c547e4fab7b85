package routes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/sniff"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/mapping"
)

// sentTo is where the documents that left for a partner are found by their name, resentTo those
// that were sent anew: as claims, which end by themselves.
func sentTo(partner string) string   { return "sent/" + partner }
func resentTo(partner string) string { return "resent/" + partner }

// outbox is the door through which a document that left is sent anew, as it was or corrected: under
// new control numbers, with a watch of its own. The one before stays in the journal, and is waited
// for no more. Asked again, it answers with the document that was made.
func (e *edi) outbox() Route {
	return Route{
		Name: door.Outbox, About: "sends documents anew, as they were or corrected, under new control numbers",
		Writes: slices.Concat(e.leaving(), []string{onAudit}), Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
		Handle: eip.Receive(e.identifyResend, e.resend, func(_ context.Context, m *Message, first journal.Claim) (*Out, error) {
			return m.Out().Answer(door.Resent{Document: string(first.Answer), Repeat: true}), nil
		}),
	}
}

func (e *edi) identifyResend(m *Message) (eip.OutsideID, error) {
	r, ok := m.Value.(door.Resend)
	if !ok {
		return eip.OutsideID{}, fault.E(door.Outbox, fault.Internal, fmt.Errorf("the door was called with %T", m.Value))
	}
	if _, err := e.partner(r.Partner); err != nil {
		return eip.OutsideID{}, err
	}
	return eip.OutsideID{Scope: resentTo(r.Partner), ID: r.Document, Hash: sha256.Sum256(r.Corrected), Reused: func(first journal.Claim) error {
		return fault.At(door.Outbox, fault.Rejected, r.Document, fmt.Errorf("it was sent anew with other content, as %s: name that", first.Answer))
	}}, nil
}

func (e *edi) resend(ctx context.Context, m *Message) (*Out, []byte, error) {
	r := m.Value.(door.Resend)
	p, err := e.partner(r.Partner)
	if err != nil {
		return nil, nil, err
	}
	sent, ok, err := m.Claimed(ctx, sentTo(p.Name), r.Document)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, fault.At(door.Outbox, fault.Rejected, "document", fmt.Errorf("no document %s left for %s in the last 400 days", r.Document, p.Name))
	}
	pos, err := strconv.ParseUint(string(sent.Answer), 10, 64)
	if err != nil {
		return nil, nil, fault.E(door.Outbox, fault.Internal, err)
	}
	rec, err := m.Recall(ctx, journal.Pos(pos))
	if err != nil {
		return nil, nil, err
	}
	var d outgoing
	if err := json.Unmarshal(rec.Data, &d); err != nil {
		return nil, nil, fault.E(door.Outbox, fault.Internal, err)
	}
	if slices.Contains(acknowledges, d.Set) && d.Set != "824" && d.Set != "APERAK" {
		return nil, nil, fault.At(door.Outbox, fault.Rejected, d.Name, fmt.Errorf("a %s tells of one document that came: replay that", d.Set))
	}
	out := m.Out()
	out.Correlate(rec.Correlation)
	data := cmp.Or(string(r.Corrected), string(rec.Personal))
	made, err := e.again(ctx, m, out, p, d, []byte(data), len(r.Corrected) > 0)
	if err != nil {
		return nil, nil, err
	}
	if err := e.waitNoMore(ctx, m, out, d); err != nil {
		return nil, nil, err
	}
	if err := e.replaced(ctx, m, out, p, d.Name, made.Headers["name"]); err != nil {
		return nil, nil, err
	}
	out.Send(made)
	out.Publish(onAudit, door.ActType, p.Name, door.Act{
		Scope: scope.Scope{Tenant: p.Profile.Tenant, Owner: p.Profile.Owner, Facility: p.Profile.Facility},
		Door:  door.Outbox, Command: "edi.Resend", ID: d.Name, Actor: r.Actor, At: m.Now,
	})
	name := made.Headers["name"]
	return out.Answer(door.Resent{Document: name}), []byte(name), nil
}

// again writes a document anew. One that a person corrected is held against the partner's rules
// first.
func (e *edi) again(ctx context.Context, m *Message, out *Out, p Partner, d outgoing, data []byte, corrected bool) (journal.Record, error) {
	if sniff.Of(data) == sniff.EDIFACT {
		return e.messageAgain(ctx, m, out, p, d, data, corrected)
	}
	var none journal.Record
	doc, err := x12.Parse(data, e.Limits)
	if err != nil {
		return none, fault.E(door.Outbox, fault.Invalid, err)
	}
	sets := slices.Collect(doc.Sets())
	if len(sets) == 1 && corrected {
		e.rules(p).Check(sets[0])
	}
	if err := sendable(doc.Findings(), len(sets), func() string { return sets[0].ST.ID }, d.Set); err != nil {
		return none, err
	}
	p.Changes = nil // it was changed when it was written first
	return e.envelope(ctx, m, out, p, d.Set, mapping.OfX12(sets[0]).Body())
}

func (e *edi) messageAgain(ctx context.Context, m *Message, out *Out, p Partner, d outgoing, data []byte, corrected bool) (journal.Record, error) {
	var none journal.Record
	doc, err := edifact.Parse(data, edifact.Limits{})
	if err != nil {
		return none, fault.E(door.Outbox, fault.Invalid, err)
	}
	all := slices.Collect(doc.Messages())
	if len(all) == 1 && corrected {
		e.messageRules(p).Check(all[0])
	}
	if err := sendable(doc.Findings(), len(all), func() string { return all[0].UNH.Type }, d.Set); err != nil {
		return none, err
	}
	p.Changes = nil // it was changed when it was written first
	body := messageBody(mapping.OfEDIFACT(all[0]).Body())
	h := all[0].UNH
	return e.interchange(ctx, m, out, p, p.unb(), edifact.UNH{Type: h.Type, Version: h.Version, Release: h.Release, Agency: h.Agency, Association: h.Association},
		func(int) ([]edifact.Out, error) { return body, nil })
}

// sendable refuses what is not the one set or message that left, or is wrong.
func sendable(findings []finding.Finding, sets int, kind func() string, want string) error {
	other := fault.At(door.Outbox, fault.Invalid, "document", fmt.Errorf("the whole interchange with its one %s is needed, as it left", want))
	if sets == 1 && kind() != want {
		return other
	}
	for _, f := range findings {
		if f.Severity == finding.Error {
			return fault.At(door.Outbox, fault.Invalid, placeOf(f), errors.New(f.Message+hint(f)))
		}
	}
	if sets != 1 {
		return other
	}
	return nil
}

// waitNoMore ends the watch for the acknowledgement of a document.
func (e *edi) waitNoMore(ctx context.Context, m *Message, out *Out, d outgoing) error {
	for watch, key := range map[string]string{"x12.ack-watch": ackKey(d.Partner, groupOf[d.Set], d.GS06), "edifact.ack-watch": contrlKey(d.Partner, d.ISA13)} {
		st, err := m.State(ctx, key)
		if err != nil {
			return err
		}
		var a ackState
		if st.Tag == 0 || json.Unmarshal(st.Data, &a) != nil || a.Document != d.Name {
			continue
		}
		out.SetState(key, st, nil)
		timer := watch + "/" + key
		if b, err := m.Row(ctx, journal.TableTimer, timer); err != nil {
			return err
		} else if b != nil {
			out.Timers = append(out.Timers, journal.TimerOp{ID: timer, Remove: true})
		}
	}
	return nil
}

// sentAnew reports whether a document that the partner rejected was sent anew.
func (m *Message) sentAnew(ctx context.Context) (bool, error) {
	_, anew, err := m.Claimed(ctx, resentTo(m.Headers["partner"]), m.Headers["document"])
	return anew, err
}

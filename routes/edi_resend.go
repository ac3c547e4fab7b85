package routes

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	if d.Set == handedOn {
		return nil, nil, fault.At(door.Outbox, fault.Rejected, d.Name, errors.New("it is not ours and left as it came: who wrote it sends it anew"))
	}
	if slices.Contains(acknowledges, d.Set) && d.Set != "824" && d.Set != "APERAK" {
		return nil, nil, fault.At(door.Outbox, fault.Rejected, d.Name, fmt.Errorf("a %s tells of one document that came: replay that", d.Set))
	}
	meant, err := meantBy(ctx, m, d, r.Document)
	if err != nil {
		return nil, nil, err
	}
	out := m.Out()
	out.Correlate(rec.Correlation)
	p.Changes, p.Batches = nil, nil // it was changed when it was written first, and waited then
	made, names, err := e.again(ctx, m, out, p, d, meant, rec.Personal, r.Corrected)
	if err != nil {
		return nil, nil, err
	}
	if err := e.waitNoMore(ctx, m, out, d, meant); err != nil {
		return nil, nil, err
	}
	var others []string
	for _, s := range meant {
		if err := e.replaced(ctx, m, out, p, s.Name, names[s.Name]); err != nil {
			return nil, nil, err
		}
		if s.Name != r.Document {
			others = append(others, s.Name)
			out.Claim(resentTo(p.Name), s.Name, sha256.Sum256(nil), []byte(names[s.Name]))
		}
	}
	out.Send(made)
	out.Publish(onAudit, door.ActType, p.Name, door.Act{
		Scope: scope.Scope{Tenant: p.Profile.Tenant, Owner: p.Profile.Owner, Facility: p.Profile.Facility},
		Door:  door.Outbox, Command: "edi.Resend", ID: d.Name, Actor: r.Actor, At: m.Now,
	})
	name := made.Headers["name"]
	return out.Answer(door.Resent{Document: name, Replaced: others}), []byte(name), nil
}

// meantBy are the documents of an interchange that a name means: the one, or all that were not sent anew.
func meantBy(ctx context.Context, m *Message, d outgoing, name string) (meant []sentSet, err error) {
	for _, s := range d.members() {
		if s.Name == name {
			return []sentSet{s}, nil
		}
		_, anew, err := m.Claimed(ctx, resentTo(d.Partner), s.Name)
		if err != nil {
			return nil, err
		}
		if !anew {
			meant = append(meant, s)
		}
	}
	if len(meant) == 0 {
		return nil, fault.At(door.Outbox, fault.Rejected, d.Name, errors.New("each of its documents was sent anew"))
	}
	return meant, nil
}

// again writes documents anew, and answers with the names that they have now, by those that they had. One that a person
// corrected is held against the partner's rules first.
func (e *edi) again(ctx context.Context, m *Message, out *Out, p Partner, d outgoing, meant []sentSet, sent, corrected []byte) (r journal.Record, names map[string]string, err error) {
	if len(corrected) > 0 && len(meant) > 1 {
		return r, nil, fault.At(door.Outbox, fault.Invalid, "document", fmt.Errorf("%s has %d documents: correct each by its own name", d.Name, len(meant)))
	}
	data := sent
	if len(corrected) > 0 {
		data = corrected
	}
	sets, err := e.content(p, d, meant, data, len(corrected) > 0)
	if err != nil {
		return r, nil, err
	}
	names = map[string]string{}
	switch s := sets[0]; {
	case len(sets) > 1:
		x := departure{edi: e, m: m, out: out, p: p}
		for i := range sets {
			names[sets[i].Name] = fmt.Sprintf("%s-%s.edi", sets[i].Set, own(m.ID.Child(m.route, sets[i].Set, i)))
			sets[i].Name = names[sets[i].Name]
		}
		r, err = x.record(ctx, sets)
	case s.Segments != nil:
		r, err = e.interchange(ctx, m, out, p, p.unb(), s.UNH, func(int) ([]edifact.Out, error) { return s.Segments, nil })
		names[s.Name] = r.Headers["name"]
	default:
		r, err = e.envelope(ctx, m, out, p, s.Set, s.Body)
		names[s.Name] = r.Headers["name"]
	}
	return r, names, err
}

// content are documents of an interchange as it left, or one as it is corrected.
func (e *edi) content(p Partner, d outgoing, meant []sentSet, data []byte, corrected bool) (sets []outSet, err error) {
	one := len(d.Sets) == 0 || corrected
	var findings []finding.Finding
	found := 0
	kind := ""
	take := func(id func(sentSet) bool, set outSet) {
		found++
		i := slices.IndexFunc(meant, id)
		if one {
			i = min(0, len(meant)-1)
		}
		if i >= 0 {
			kind = set.Set
			set.sentSet = meant[i]
			sets = append(sets, set)
		}
	}
	if sniff.Of(data) == sniff.EDIFACT {
		doc, err := edifact.Parse(data, edifact.Limits{})
		if err != nil {
			return nil, fault.E(door.Outbox, fault.Invalid, err)
		}
		for part := range doc.Messages() {
			if corrected {
				e.messageRules(p).Check(part)
			}
			s := outSet{sentSet: sentSet{Set: part.UNH.Type}}
			s.ofMessage(part)
			take(func(m sentSet) bool { return m.ST02 == part.UNH.Reference }, s)
		}
		findings = doc.Findings()
	} else {
		doc, err := x12.Parse(data, e.Limits)
		if err != nil {
			return nil, fault.E(door.Outbox, fault.Invalid, err)
		}
		for part := range doc.Sets() {
			if corrected {
				e.rules(p).Check(part)
			}
			group := ""
			if part.GS != nil {
				group = part.GS.Control
			}
			take(func(m sentSet) bool { return m.GS06 == group && m.ST02 == part.ST.Control },
				outSet{sentSet: sentSet{Set: part.ST.ID}, Body: mapping.OfX12(part).Body()})
		}
		findings = doc.Findings()
	}
	if !one {
		if len(sets) != len(meant) {
			return nil, fault.E(door.Outbox, fault.Internal, fmt.Errorf("%d of %d documents are in what left", len(sets), len(meant)))
		}
		return sets, nil
	}
	return sets, sendable(findings, found, func() string { return kind }, meant[0].Set)
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

// waitNoMore ends the watch for the acknowledgement of documents.
func (e *edi) waitNoMore(ctx context.Context, m *Message, out *Out, d outgoing, meant []sentSet) error {
	keys := map[string]string{contrlKey(d.Partner, d.ISA13): "edifact.ack-watch"}
	for _, s := range meant {
		if s.GS06 != "" {
			keys[ackKey(d.Partner, groupOf[s.Set], s.GS06)] = "x12.ack-watch"
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		st, err := m.State(ctx, key)
		if err != nil {
			return err
		}
		var a ackState
		if st.Tag == 0 || json.Unmarshal(st.Data, &a) != nil || a.Document != d.Name {
			continue
		}
		if a.Sets = slices.DeleteFunc(a.Sets, func(s ackSet) bool {
			return slices.ContainsFunc(meant, func(m sentSet) bool { return m.Name == s.Document })
		}); len(a.Sets) > 0 {
			out.SetState(key, st, a)
			continue
		}
		out.SetState(key, st, nil)
		timer := keys[key] + "/" + key
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

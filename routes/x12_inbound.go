package routes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/mapping"
	"github.com/paklog/hub/transforms/x12wms"
)

// isSet reports whether a message is a transaction set of a kind.
func isSet(st01 string) func(*Message) bool {
	return func(m *Message) bool { return m.Headers["st01"] == st01 }
}

// isFreight reports whether a message is a carrier's set about a load, or a tender of one to us.
func isFreight(m *Message) bool {
	return m.Headers["st01"] == "990" || m.Headers["st01"] == "214" || m.Headers["st01"] == "210" || m.Headers["st01"] == "204"
}

// isOutside reports whether a message is what a 3PL says of an order or receipt of ours.
func (e *edi) isOutside(m *Message) bool {
	return (m.Headers["st01"] == "945" || m.Headers["st01"] == "944") && len(e.Partners[m.Headers["partner"]].Runs) > 0
}

// inbound routes transaction sets by ST01 to the topic of their kind.
func (e *edi) inbound() Route {
	choose := eip.Choose("",
		eip.Choice[*Message]{Name: "a set with a map to an order", When: e.mapped(mapping.MakesOrder), To: topicOrders},
		eip.Choice[*Message]{Name: "one to a receipt", When: e.mapped(mapping.MakesReceipt), To: topicReceipts},
		eip.Choice[*Message]{Name: "a 940", When: isSet("940"), To: topicOrders},
		eip.Choice[*Message]{Name: "an 850", When: isSet("850"), To: topicOrders},
		eip.Choice[*Message]{Name: "an 860", When: isSet("860"), To: topicOrders},
		eip.Choice[*Message]{Name: "a 943", When: isSet("943"), To: topicReceipts},
		eip.Choice[*Message]{Name: "a 945 or 944", When: e.isOutside, To: topicOutside},
		eip.Choice[*Message]{Name: "an 856", When: isSet("856"), To: topicReceipts},
		eip.Choice[*Message]{Name: "a 997", When: isSet("997"), To: topicAcks},
		eip.Choice[*Message]{Name: "a 999", When: isSet("999"), To: topicAcks},
		eip.Choice[*Message]{Name: "an 824", When: isSet("824"), To: topicAdvised},
		eip.Choice[*Message]{Name: "a 990, 214, 210 or 204", When: isFreight, To: topicFreight})
	return Route{
		Name: "x12.inbound", About: "transaction sets to those who understand them",
		Topics: []string{topicSets}, Writes: []string{topicOrders, topicReceipts, topicAcks, topicAdvised, topicFreight, topicOutside}, Patterns: []string{eip.NameRouter, eip.NameHistory},
		Handle: eip.History(func(ctx context.Context, m *Message) (*Out, error) {
			out, err := choose(ctx, m)
			if err != nil {
				err = fault.At(m.route, fault.Invalid, "ST-01", fmt.Errorf("no route takes transaction set %q of %s: %w", m.Headers["st01"], m.Headers["name"], err))
			}
			return out, err
		}),
	}
}

// orders translates 940, 850 and 860 into commands for the order service: to place an order, to
// change or to cancel one.
func (e *edi) orders() Route {
	return Route{
		Name: "x12.orders", About: "940 and 850 to orders, 860 to changes of them", Edit: e.editSet(translatesOrder),
		Topics: []string{topicOrders}, Writes: []string{commands},
		Patterns: []string{eip.NameNormalizer, eip.NameTranslator, eip.NameClaimCheck, eip.NameHistory},
		Handle: eip.History(eip.Normalize(
			eip.Format[*Message, *Out]{Name: "940", Is: isSet("940"), Translate: e.order},
			eip.Format[*Message, *Out]{Name: "850", Is: isSet("850"), Translate: e.order},
			eip.Format[*Message, *Out]{Name: "860", Is: isSet("860"), Translate: e.order},
			eip.Format[*Message, *Out]{Name: "one with a map", Is: e.mapped(mapping.MakesOrder), Translate: e.order})),
	}
}

// order makes the command of a 940, 850 or 860.
func (e *edi) order(ctx context.Context, m *Message, _ *Out) (journal.Record, error) {
	var none journal.Record
	info, part, p, err := e.set(ctx, m)
	if err != nil {
		return none, err
	}
	o, err := p.order(part)
	if err != nil {
		return none, untranslated("x12.orders", setName(info), info.Document, fault.KindOf(err), err)
	}
	return wishOf(m, p, o)
}

// wishOf is the command that a document asks for.
func wishOf(m *Message, p Partner, o x12wms.Order) (journal.Record, error) {
	o.Command.Source.Cause = m.Correlation
	o.Command.Source.Partner = p.Name
	switch {
	case o.Cancel:
		return placing(cmdCancel, o.Command)
	case o.Amend != nil:
		o.Amend.Source = o.Command.Source
		return amending(*o.Amend)
	}
	return placing(cmdPlace, o.Command)
}

// set reads the transaction set that a message of the bus carries.
func (e *edi) set(ctx context.Context, m *Message) (info setInfo, part *x12.Part, p Partner, err error) {
	if err = m.Decode(&info); err != nil {
		return info, nil, p, err
	}
	if p, err = e.partner(info.Partner); err != nil {
		return info, nil, p, err
	}
	raw, err := e.claim(ctx, m)
	if err != nil {
		return info, nil, p, err
	}
	if part, err = x12.ReadSet(raw, info.Origin, e.Limits); err != nil {
		return info, nil, p, fault.At(m.route, fault.Internal, setName(info), err)
	}
	return info, part, p, nil
}

// untranslated is a translation's error, of a kind, with the name of the set or message and of the
// document that it came in.
func untranslated(route, name, document string, kind fault.Kind, err error) error {
	var x *x12wms.Error
	if !errors.As(err, &x) || len(x.Findings) == 0 {
		return err
	}
	f := x.Findings[0]
	more := ""
	if n := len(x.Findings) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fault.At(route, kind, placeOf(f), fmt.Errorf("%s of %s: %s%s%s", name, document, f.Message, hint(f), more))
}

// ackState is a group or interchange of ours that waits for the partner's 997 or CONTRL.
type ackState struct {
	Partner  string `json:"partner"`
	Set      string `json:"st01"`
	Control  string `json:"gs06"`
	Document string `json:"document"`
	// Sets are those of a batch that were not sent anew; else there is one, of the same name.
	Sets []ackSet `json:"sets,omitempty"`
}

// ackSet is one of them.
type ackSet struct {
	Set      string `json:"st01"`
	ST02     string `json:"st02"`
	Document string `json:"document"`
}

func ackKey(partner, group, control string) string {
	return "ack/" + partner + "/" + group + "/" + control
}

// ackWatch matches the 997s, 999s and TA1s that come with what we sent, and raises what is overdue or
// rejected.
func (e *edi) ackWatch() Route {
	return Route{
		Name: "x12.ack-watch", About: "the partner's 997 for each document of ours, in time",
		Topics: []string{topicAcks}, Writes: []string{"external-events"},
		Patterns: []string{eip.NameClaimCheck}, Parking: Parking{Independent: true},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			switch m.Type {
			case interchangeAcked:
				return e.interchangeSaid(ctx, m)
			case "ack.Overdue":
				return e.overdue(ctx, m)
			case "ack.Rejected":
				return e.rejected(ctx, m)
			}
			return e.acked(ctx, m)
		},
	}
}

// rejected is a letter until the document was sent anew.
func (e *edi) rejected(ctx context.Context, m *Message) (*Out, error) {
	if anew, err := m.sentAnew(ctx); anew || err != nil {
		return m.Out(), err
	}
	return nil, fault.At(m.route, fault.Rejected, m.Headers["document"], fmt.Errorf("partner %s rejected our %s%s: mend it and send it anew, by paklog edi resend %[1]s %[4]s",
		m.Headers["partner"], m.Headers["rejected"], because(m.Headers["why"]), m.Headers["document"]))
}

func (e *edi) overdue(ctx context.Context, m *Message) (*Out, error) {
	var a ackState
	if err := m.Decode(&a); err != nil {
		return nil, err
	}
	st, err := m.State(ctx, ackKey(a.Partner, groupOf[a.Set], a.Control))
	if err != nil || st.Tag == 0 {
		return m.Out(), err
	}
	return nil, fault.At("x12.ack-watch", fault.Rejected, a.Document,
		fmt.Errorf("partner %s has not acknowledged our %s %s in time: ask him whether it arrived", a.Partner, a.Set, a.Control))
}

func (e *edi) acked(ctx context.Context, m *Message) (*Out, error) {
	info, part, _, err := e.set(ctx, m)
	if err != nil {
		return nil, err
	}
	said := functionalSays(part)
	out := m.Out()
	out.Publish("external-events", "ack.Received", info.Partner, map[string]string{"partner": info.Partner, "gs01": said.group, "gs06": said.control, "ak901": said.code})
	return out, e.judged(ctx, m, out, ackKey(info.Partner, said.group, said.control), info.Set, said)
}

// ackSays is what an acknowledgement says of a group, or of an interchange of EDIFACT.
type ackSays struct {
	group, control string
	code           string             // AK901, UCI 0083
	why            string             // the first error that it names
	rejected       bool               // something of it is
	all            bool               // everything
	sets           map[string]setSays // by ST02 or message reference
}

// verdict is the code of a group or interchange that has one document.
func (s ackSays) verdict() string {
	if s.group == "" && s.rejected {
		return rejectsMessage
	}
	return s.code
}

// setSays is what it says of one set.
type setSays struct {
	code, why string
	rejected  bool
}

// rejects are the codes of a set or group (data elements 717 and 715) that is not worked on.
var rejects = []string{"R", "M", "W", "X"}

// functionalSays reads a 997 or 999.
func functionalSays(part *x12.Part) ackSays {
	said := ackSays{sets: map[string]setSays{}}
	set, at, told, first := "", "", false, "" // first is the set of which why tells
	for _, s := range part.Segments.All() {
		one := said.sets[set]
		switch s.ID() {
		case "AK1":
			said.group, said.control = s.Value(1), s.Value(2)
		case "AK2":
			set, at, told = s.Value(2), "", false
			one = said.sets[set]
		case "AK3", "IK3":
			if at = fmt.Sprintf("segment %s, %s of the set", s.Value(2), s.Value(1)); one.why == "" {
				one.why = fmt.Sprintf("%s: %s04 is %s", at, s.ID(), s.Value(4))
			}
		case "AK4", "IK4":
			if !told {
				one.why, told = fmt.Sprintf("element %s in %s: %s03 is %s", s.Value(1), at, s.ID(), s.Value(3)), true
			}
		case "AK5", "IK5":
			one.code = s.Value(1)
			one.rejected = slices.Contains(rejects, one.code)
		case "AK9":
			said.code = s.Value(1)
		}
		if set != "" {
			said.sets[set] = one
		}
		if one.why != "" && (said.why == "" || first == set) {
			said.why, first = one.why, set
		}
		said.rejected = said.rejected || one.rejected
	}
	said.all = slices.Contains(rejects, said.code) || said.code == "P" && !said.rejected
	said.rejected = said.rejected || said.all
	return said
}

// judged ends the wait of the documents that an acknowledgement speaks of. Each that was rejected is
// a letter.
func (e *edi) judged(ctx context.Context, m *Message, out *Out, key, by string, said ackSays) error {
	st, err := m.State(ctx, key)
	if err != nil || st.Tag == 0 {
		return err // not ours, or acknowledged before: noted, no more
	}
	var a ackState
	if err := json.Unmarshal(st.Data, &a); err != nil {
		return fault.E(m.route, fault.Internal, err)
	}
	out.SetState(key, st, nil)
	if has, err := m.HasTimer(ctx, key); err != nil {
		return err
	} else if has {
		out.CancelTimer(key)
	}
	if a.Sets == nil {
		return e.judgedOne(ctx, m, out, a, 0, ackSet{a.Set, "", a.Document}, document.Acknowledge{By: by, Code: said.verdict(), Accepted: !said.rejected, Why: said.why})
	}
	for i, s := range a.Sets {
		one := said.sets[s.ST02]
		c := document.Acknowledge{By: by, Code: cmp.Or(one.code, said.code), Accepted: !said.all && !one.rejected, Why: one.why}
		if said.all {
			c.Code, c.Why = said.code, cmp.Or(one.why, said.why)
		}
		if err := e.judgedOne(ctx, m, out, a, i, s, c); err != nil {
			return err
		}
	}
	return nil
}

func (e *edi) judgedOne(ctx context.Context, m *Message, out *Out, a ackState, i int, s ackSet, c document.Acknowledge) error {
	if err := e.acknowledged(ctx, m, out, a.Partner, s.Document, c); err != nil || c.Accepted {
		return err
	}
	r := m.Record
	r.ID, r.Type, r.Pos, r.Causation = m.ID.Child(m.route, "rejected", i), "ack.Rejected", 0, m.ID
	r.Headers = m.Header("document", s.Document)
	r.Headers["rejected"], r.Headers["why"] = s.Set+" "+a.Control, c.Why
	out.Send(r)
	return nil
}

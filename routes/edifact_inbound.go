package routes

import (
	"context"
	"fmt"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/mapping"
)

// Internal topics of the EDIFACT flow.
const (
	topicMessages        = "edifact-messages" // one message each
	topicMessageReceipts = "edifact-receipts" // DESADV that announces goods
	topicMessageOrders   = "edifact-orders"   // ORDERS and ORDCHG
	topicMessageAcks     = "edifact-acks"     // CONTRL that came
	topicRefusedMessages = "edifact-refused"  // messages and interchanges that were rejected
	topicContrls         = "edifact-verdicts" // one an interchange
)

// EDIFACT is what is agreed with a partner who sends and takes EDIFACT. The zero value is Latin-1
// of syntax version 3 in directory D96A, without qualifiers and without CONTRL for what we send.
type EDIFACT struct {
	Qualifier string          // his, of UNB 0007: 14 is a GLN
	OurQual   string          // ours
	Syntax    edifact.Charset // UNB 0001, UNOC when ""
	Version   string          // UNB 0002, "3" when ""
	Directory string          // of what we send, "D96A" when ""
	// Runs tells him what is wanted in buildings that he runs by ORDERS, ORDCHG and DESADV instead of 940
	// and 943; his DESADV and RECADV say what became of it.
	Runs bool
	// Contrl asks for a CONTRL for each document of ours, and watches that it comes.
	Contrl bool
}

// isMessage reports whether a message of the bus is an EDIFACT message of a type.
func isMessage(kind string) func(*Message) bool {
	return func(m *Message) bool { return m.Headers["message"] == kind }
}

// isMessageOutside reports whether a message is what a 3PL says of an order or receipt of ours: the DESADV
// of one who is not asked by EDIFACT announces goods.
func (e *edi) isMessageOutside(m *Message) bool {
	kind, p := m.Headers["message"], e.Partners[m.Headers["partner"]]
	return len(p.Runs) > 0 && (kind == "RECADV" || kind == "DESADV" && p.EDIFACT.Runs)
}

// messagesInbound routes messages by their type to the topic of their kind.
func (e *edi) messagesInbound() Route {
	choose := eip.Choose("",
		eip.Choice[*Message]{Name: "a message with a map to an order", When: e.mapped(mapping.MakesOrder), To: topicMessageOrders},
		eip.Choice[*Message]{Name: "one to a receipt", When: e.mapped(mapping.MakesReceipt), To: topicMessageReceipts},
		eip.Choice[*Message]{Name: "an ORDERS", When: isMessage("ORDERS"), To: topicMessageOrders},
		eip.Choice[*Message]{Name: "an ORDCHG", When: isMessage("ORDCHG"), To: topicMessageOrders},
		eip.Choice[*Message]{Name: "a DESADV or RECADV of a 3PL", When: e.isMessageOutside, To: topicMessagesOutside},
		eip.Choice[*Message]{Name: "a DESADV", When: isMessage("DESADV"), To: topicMessageReceipts},
		eip.Choice[*Message]{Name: "a CONTRL", When: isMessage("CONTRL"), To: topicMessageAcks},
		eip.Choice[*Message]{Name: "an APERAK", When: isMessage("APERAK"), To: topicAdvised})
	return Route{
		Name: "edifact.inbound", About: "EDIFACT messages to those who understand them",
		Topics: []string{topicMessages}, Writes: []string{topicMessageOrders, topicMessageReceipts, topicMessageAcks, topicAdvised, topicMessagesOutside}, Patterns: []string{eip.NameRouter, eip.NameHistory},
		Handle: eip.History(func(ctx context.Context, m *Message) (*Out, error) {
			out, err := choose(ctx, m)
			if err != nil {
				err = fault.At(m.route, fault.Invalid, "UNH-02-1", fmt.Errorf("no route takes message %q of %s: %w", m.Headers["message"], m.Headers["name"], err))
			}
			return out, err
		}),
	}
}

// messageOrders translates ORDERS and ORDCHG into commands for the order service: to place an
// order, to change or to cancel one.
func (e *edi) messageOrders() Route {
	return Route{
		Name: "edifact.orders", About: "ORDERS to orders, ORDCHG to changes of them", Edit: e.editMessage(translatesMessageOrder),
		Topics: []string{topicMessageOrders}, Writes: []string{commands},
		Patterns: []string{eip.NameTranslator, eip.NameClaimCheck, eip.NameHistory},
		Handle:   eip.History(eip.Translate(e.messageOrder)),
	}
}

// messageOrder makes the command of an ORDERS or ORDCHG.
func (e *edi) messageOrder(ctx context.Context, m *Message, _ *Out) (journal.Record, error) {
	var none journal.Record
	info, part, p, err := e.message(ctx, m)
	if err != nil {
		return none, err
	}
	o, err := p.messageOrder(part)
	if err != nil {
		return none, untranslated("edifact.orders", info.name(), info.Document, fault.KindOf(err), err)
	}
	return wishOf(m, p, o)
}

// message reads the EDIFACT message that a message of the bus carries.
func (e *edi) message(ctx context.Context, m *Message) (info messageInfo, part *edifact.Part, p Partner, err error) {
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
	if part, err = edifact.ReadMessage(raw, info.Origin, edifact.Limits{}); err != nil {
		return info, nil, p, fault.At(m.route, fault.Internal, info.name(), err)
	}
	return info, part, p, nil
}

// contrlWatch matches the CONTRLs that come with what we sent, and raises what is overdue or
// rejected.
func (e *edi) contrlWatch() Route {
	return Route{
		Name: "edifact.ack-watch", About: "the partner's CONTRL for each document of ours, in time",
		Topics: []string{topicMessageAcks}, Writes: []string{onExternal},
		Patterns: []string{eip.NameClaimCheck}, Parking: Parking{Independent: true},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			switch m.Type {
			case "ack.Overdue":
				return e.contrlOverdue(ctx, m)
			case "ack.Rejected":
				return e.rejected(ctx, m)
			}
			return e.contrlCame(ctx, m)
		},
	}
}

// contrlKey is where a document of ours waits for its CONTRL.
func contrlKey(partner, control string) string { return ackKey(partner, "UNB", control) }

func (e *edi) contrlOverdue(ctx context.Context, m *Message) (*Out, error) {
	var a ackState
	if err := m.Decode(&a); err != nil {
		return nil, err
	}
	st, err := m.State(ctx, contrlKey(a.Partner, a.Control))
	if err != nil || st.Tag == 0 {
		return m.Out(), err
	}
	return nil, fault.At(m.route, fault.Rejected, a.Document,
		fmt.Errorf("partner %s has not acknowledged our %s %s in time: ask him whether it arrived", a.Partner, a.Set, a.Control))
}

func (e *edi) contrlCame(ctx context.Context, m *Message) (*Out, error) {
	info, part, _, err := e.message(ctx, m)
	if err != nil {
		return nil, err
	}
	said := contrlSays(part)
	out := m.Out()
	out.Publish(onExternal, "ack.Received", info.Partner, map[string]string{"partner": info.Partner, "unb0020": said.control, "uci0083": said.verdict()})
	return out, e.judged(ctx, m, out, contrlKey(info.Partner, said.control), "CONTRL", said)
}

// rejectsMessage is the code (0083) of what is not worked on.
const rejectsMessage = "4"

// contrlSays is the interchange of ours that a CONTRL speaks of, its verdict (0083) and that on each of
// its messages, with the first error that it names of it, as near to the place as it goes.
func contrlSays(p *edifact.Part) ackSays {
	said := ackSays{sets: map[string]setSays{}}
	at, set := "", ""
	deep := map[string]int{} // of what why tells: interchange, message, segment, element
	say := func(d int, place, segment, code string) {
		if code == "" {
			return
		}
		why := fmt.Sprintf("%s: 0085 in %s is %s", place, segment, code)
		if one := said.sets[set]; set != "" && d > deep[set] {
			one.why, deep[set] = why, d
			said.sets[set] = one
		}
		if d > deep[""] {
			said.why, deep[""] = why, d
		}
	}
	for _, s := range p.Segments.All() {
		switch s.ID() {
		case "UCI":
			said.control, said.code = s.Value(1, 1), s.Value(4, 1)
			said.all = said.code == rejectsMessage
			say(1, "interchange "+said.control, "UCI", s.Value(5, 1))
		case "UCM":
			set = s.Value(1, 1)
			one := said.sets[set]
			one.code = s.Value(3, 1)
			if one.rejected = one.code == rejectsMessage; one.rejected {
				said.rejected = true
			}
			said.sets[set] = one
			say(2, "message "+set, "UCM", s.Value(4, 1))
		case "UCS":
			at = fmt.Sprintf("segment %s of the message", s.Value(1, 1))
			say(3, at, "UCS", s.Value(2, 1))
		case "UCD":
			element := s.Value(2, 1)
			if component := s.Value(2, 2); component != "" {
				element += "-" + component
			}
			say(4, "element "+element+" in "+at, "UCD", s.Value(1, 1))
		}
	}
	said.rejected = said.rejected || said.all
	return said
}

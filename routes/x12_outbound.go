package routes

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
	"github.com/paklog/hub/transforms/x12wms"
)

// groupOf is the functional group of each set we send.
var groupOf = map[string]string{"997": "FA", "855": "PR", "945": "SW"}

// outgoing is a document that waits to be sent.
type outgoing struct {
	Partner string `json:"partner"`
	Set     string `json:"st01"`
	Name    string `json:"name"` // file name: unique for each document
	ISA13   string `json:"isa13"`
	GS06    string `json:"gs06"`
}

// functionalAck answers each group with a 997 once all its sets have their verdict.
func (e *edi) functionalAck() Route {
	return Route{
		Name: "x12.functional-ack", About: "a 997 for each functional group",
		Topics: []string{topicVerdicts}, Writes: []string{topicOutgoing}, Patterns: []string{"aggregator"},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			var v verdict
			if err := m.Decode(&v); err != nil {
				return nil, err
			}
			p, err := e.partner(v.Partner)
			if err != nil {
				return nil, err
			}
			body, ok := ack.Functional(&v.Group, p.delimiters())
			if !ok {
				return m.Out(), nil
			}
			return e.envelope(ctx, m, m.Out(), p, "997", body)
		},
	}
}

// answers sends an 855 for each 850 that became an order.
func (e *edi) answers() Route {
	return Route{
		Name: "x12.answers", About: "an 855 for each 850",
		Topics: []string{"order-events"}, Types: []string{"order.Accepted", "order.Rejected"}, Writes: []string{topicOutgoing},
		Patterns: []string{"message filter", "message translator"},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			var src order.Source
			answer := x12wms.Answer{At: m.Now}
			switch ev := m.Event.(type) {
			case order.Accepted:
				src, answer.Accepted = ev.Source, ev
			case order.Rejected:
				src, answer.Rejected = ev.Source, &ev
			}
			if src.Door != "edi" || src.DocType != "850" {
				return m.Out(), nil
			}
			p, err := e.partner(src.Partner)
			if err != nil {
				return nil, err
			}
			if !p.SendAnswers {
				return m.Out(), nil
			}
			if answer.Rejected == nil {
				o, err := Peek(ctx, m, e.flows.orders, answer.Accepted.Stream())
				if err != nil {
					return nil, err
				}
				for _, l := range o.Lines {
					if l.Held() {
						answer.Held = append(answer.Held, order.LineHeld{Head: answer.Accepted.Head, Line: l.No, Problem: l.Problem})
					}
					if l.Backordered > 0 {
						answer.Backordered = append(answer.Backordered, order.LineQty{Line: l.No, Qty: l.Backordered})
					}
				}
			}
			body := p.Profile.PurchaseOrderAck(answer)
			return e.envelope(ctx, m, m.Out(), p, "855", body)
		},
	}
}

// advices sends a 945 for each confirmation of a shipment whose order came by 940 or 850.
func (e *edi) advices() Route {
	return Route{
		Name: "x12.advices", About: "a 945 for each ship confirmation",
		Topics: []string{"pack-events"}, Types: []string{"ship.Confirmed"}, Writes: []string{topicOutgoing},
		Patterns: []string{"message filter", "message translator"},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			c, ok := m.Event.(ship.Confirmed)
			if !ok {
				return m.Out(), nil
			}
			o, err := Peek(ctx, m, e.flows.orders, order.StreamOf(c.Scope, c.Order))
			if err != nil {
				return nil, err
			}
			if o.Source.Door != "edi" || o.Source.DocType != "940" {
				return m.Out(), nil
			}
			p, err := e.partner(o.Source.Partner)
			if err != nil {
				return nil, err
			}
			body, err := p.Profile.ShippingAdvice(o, c)
			if err != nil {
				return nil, err
			}
			return e.envelope(ctx, m, m.Out(), p, "945", body)
		},
	}
}

func (p Partner) delimiters() x12.Delimiters {
	if p.Writer.Delimiters == (x12.Delimiters{}) {
		return x12.DefaultDelimiters
	}
	return p.Writer.Delimiters
}

// control takes the partner's next control number, in the unit that holds the document:
// none is used twice, and none is lost to a document that never was.
func (e *edi) control(ctx context.Context, m *Message, out *Out, partner, level string) (int, error) {
	key := "control/" + partner + "/" + level
	st, err := m.State(ctx, key)
	if err != nil {
		return 0, err
	}
	n := 0
	if st.Tag != 0 {
		if err := json.Unmarshal(st.Data, &n); err != nil {
			return 0, fault.E("edi.control", fault.Internal, fmt.Errorf("reading %s: %w", key, err))
		}
	}
	if n++; n > 999_999_999 {
		n = 1
	}
	out.SetState(key, st, n)
	return n, nil
}

// envelope writes a set into its interchange and lets it be sent. Control numbers, the
// document and the watch for its 997 are one unit.
func (e *edi) envelope(ctx context.Context, m *Message, out *Out, p Partner, set string, body []x12.Out) (*Out, error) {
	const op = "edi.envelope"
	isa, err := e.control(ctx, m, out, p.Name, "isa13")
	if err != nil {
		return nil, err
	}
	gs, err := e.control(ctx, m, out, p.Name, "gs06")
	if err != nil {
		return nil, err
	}
	version := cmp.Or(p.Version, "004010")
	now := m.Now
	if p.Profile.Zone != nil {
		now = now.In(p.Profile.Zone)
	}
	d := outgoing{Partner: p.Name, Set: set, ISA13: fmt.Sprintf("%09d", isa), GS06: strconv.Itoa(gs)}
	d.Name = fmt.Sprintf("%s-%s-%s.edi", set, d.ISA13, m.ID.Child(m.route, set, 0).String()[:8])
	var buf bytes.Buffer
	w := x12.NewWriter(&buf, p.Writer)
	err = errors.Join(
		w.BeginInterchange(x12.ISA{
			SenderQualifier: p.OurQual, Sender: p.OurID, ReceiverQualifier: p.Qualifier, Receiver: p.ID,
			Date: now.Format("060102"), Time: now.Format("1504"), Version: isaVersion(version), Control: d.ISA13, Usage: p.usage(),
		}),
		w.BeginGroup(x12.GS{
			FunctionalID: groupOf[set], Sender: p.OurID, Receiver: p.ID,
			Date: now.Format("20060102"), Time: now.Format("1504"), Control: d.GS06, Agency: "X", Version: version,
		}),
		w.WriteSet(x12.ST{ID: set, Control: "0001"}, body), w.EndGroup(), w.EndInterchange(), w.Close(),
	)
	if err != nil {
		return nil, fault.E(op, fault.Invalid, fmt.Errorf("writing %s: %w", set, err))
	}
	data, err := json.Marshal(d)
	if err != nil {
		return nil, fault.E(op, fault.Internal, err)
	}
	out.Send(journal.Record{
		Type: "document.Outgoing", Topic: outTopic(p.Name), Key: p.Name, Data: data,
		Headers: map[string]string{"partner": p.Name, "name": d.Name},
		Subject: "document/" + m.ID.String(), Personal: buf.Bytes(),
	})
	if set != "997" {
		key := ackKey(p.Name, groupOf[set], d.GS06)
		st, err := m.State(ctx, key)
		if err != nil {
			return nil, err
		}
		a := ackState{Partner: p.Name, Set: set, Control: d.GS06, Document: d.Name}
		out.SetState(key, st, a)
		b, _ := json.Marshal(a) // plain strings
		out.Timers = append(out.Timers, journal.TimerOp{ID: "x12.ack-watch/" + key, Timer: journal.Timer{
			Sub: "x12.ack-watch", Key: p.Name, Due: m.Now.Add(e.AckWithin), Type: "ack.Overdue", Data: b,
		}})
	}
	return out, out.err
}

// isaVersion is the ISA12 that goes with a GS08: its first five digits, version and release.
func isaVersion(gs08 string) string {
	if len(gs08) >= 6 {
		return gs08[:5]
	}
	return "00401"
}

// outTopic keeps each partner's documents apart: his connection pauses alone.
func outTopic(partner string) string { return topicOutgoing + "." + partner }

// send publishes documents to one partner: an effect, so that each goes once.
func (e *edi) send(partner string) error {
	name := func(m *Message) string { return m.Headers["name"] }
	return e.hub.AddEffect(Route{
		Name: "out.edi." + partner, About: "documents into the outbox of " + partner, Conn: "edi." + partner,
		Topics: []string{outTopic(partner)}, Patterns: []string{"channel adapter", "circuit breaker"},
	}, Effect{
		Step: "publish", Certain: true,
		Plan: func(ctx context.Context, m *Message) (*Call, *Out, error) {
			begun, err := e.begun(ctx, m, "out.edi."+partner, "publish")
			if err != nil {
				return nil, nil, err
			}
			if !begun {
				// Preparing the file changes nothing for the partner, so it may be done again.
				if err := e.Out.Stage(ctx, partner, name(m), m.Personal); err != nil {
					return nil, nil, err
				}
			}
			return &Call{Ref: name(m), Value: name(m)}, nil, nil
		},
		Do: func(ctx context.Context, c *Call) ([]byte, error) {
			return nil, e.Out.Publish(ctx, partner, c.Ref)
		},
		Resolve: func(ctx context.Context, c *Call) ([]byte, bool, error) {
			staged, err := e.Out.Staged(ctx, partner, c.Ref)
			return nil, !staged, err
		},
		Then: func(_ context.Context, m *Message, _ *Call, _ []byte) (*Out, error) {
			return m.Out().Send(journal.Record{
				Type: "document.Sent", Topic: "external-events", Key: partner, Data: m.Data,
				Headers: map[string]string{"partner": partner, "name": name(m)},
			}), nil
		},
	})
}

// begun reports whether the effect of a message was started.
func (e *edi) begun(ctx context.Context, m *Message, route, step string) (bool, error) {
	b, err := m.Row(ctx, journal.TableEffect, journal.EffectKey(route, m.ID, step))
	if err != nil || b == nil {
		return false, err
	}
	f, err := journal.DecodeEffect(b)
	return f.State != journal.EffectIntended && f.State != journal.EffectResolved && f.State != journal.EffectRefused, err
}

package routes

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/x12wms"
)

// groupOf is the functional group of each set we send.
var groupOf = map[string]string{"997": "FA", "999": "FA", "824": "AG", "855": "PR", "945": "SW", "944": "RE", "947": "AW", "846": "IB", "204": "SM", "810": "IN", "940": "OW", "943": "AR"}

// outgoing is a document that waits to be sent.
type outgoing struct {
	Partner string `json:"partner"`
	Set     string `json:"st01"`
	Name    string `json:"name"` // file name: unique for each document
	ISA13   string `json:"isa13"`
	GS06    string `json:"gs06"`
}

// functionalAck answers each group with a 997, or with a 999 where agreed, and each interchange
// whose sender asks with a TA1. All sets have their verdict: the splitter gathered them while it
// read the interchange.
func (e *edi) functionalAck() Route {
	return Route{
		Name: "x12.functional-ack", About: "a 997 or 999 for each functional group, a TA1 for each interchange that asks",
		Topics: []string{topicVerdicts}, Writes: e.leaving(), Patterns: []string{eip.NameFilter, eip.NameTranslator},
		// A group of acknowledgements is not acknowledged.
		Handle: eip.Filter(func(_ context.Context, m *Message) (bool, error) { return m.Headers["gs01"] != "FA", nil },
			eip.Translate(func(ctx context.Context, m *Message, out *Out) (journal.Record, error) {
				p, err := e.partner(m.Headers["partner"])
				if err != nil {
					return journal.Record{}, err
				}
				if m.Type == "x12.InterchangeJudged" {
					var v interchangeVerdict
					if err := m.Decode(&v); err != nil {
						return journal.Record{}, err
					}
					ta1, _ := v.Ack.TA1()
					return e.envelope(ctx, m, out, p, "TA1", []x12.Out{ta1})
				}
				var v verdict
				if err := m.Decode(&v); err != nil {
					return journal.Record{}, err
				}
				if p.Implementation {
					body, _ := ack.Implementation(&v.Group, p.delimiters())
					return e.envelope(ctx, m, out, p, "999", body)
				}
				body, _ := ack.Functional(&v.Group, p.delimiters())
				return e.envelope(ctx, m, out, p, "997", body)
			})),
	}
}

// answers sends an 855 for each 850 that became an order.
func (e *edi) answers() Route {
	return Route{
		Name: "x12.answers", About: "an 855 for each 850",
		Topics: []string{onOrders}, Types: []string{"order.Accepted", "order.Rejected"}, Writes: e.leaving(),
		Patterns: []string{eip.NameFilter, eip.NameEnricher, eip.NameTranslator},
		Handle: eip.Filter(func(_ context.Context, m *Message) (bool, error) {
			src := askedBy(m)
			if src.Door != "edi" || src.DocType != "850" {
				return false, nil
			}
			p, err := e.partner(src.Partner)
			return p.SendAnswers, err
		}, eip.Enrich(e.standing, func(ctx context.Context, m *Message, a x12wms.Answer) (*Out, error) {
			return eip.Translate(func(ctx context.Context, m *Message, out *Out) (journal.Record, error) {
				return e.answer(ctx, m, out, askedBy(m), a)
			})(ctx, m)
		})),
	}
}

// askedBy is where an order came from.
func askedBy(m *Message) order.Source {
	switch ev := m.Event.(type) {
	case order.Accepted:
		return ev.Source
	case order.Rejected:
		return ev.Source
	}
	return order.Source{}
}

// standing is what an 855 says of an order beside its acceptance: which lines wait, and why.
func (e *edi) standing(ctx context.Context, m *Message) (x12wms.Answer, error) {
	a := x12wms.Answer{At: m.Now}
	if rejected, ok := m.Event.(order.Rejected); ok {
		a.Rejected = &rejected
		return a, nil
	}
	a.Accepted, _ = m.Event.(order.Accepted)
	o, err := Peek(ctx, m, e.flows.orders, a.Accepted.Stream())
	if err != nil {
		return a, err
	}
	a.Waits(o)
	return a, nil
}

// advices sends a 945 for each confirmation of a shipment whose order came by 940.
func (e *edi) advices() Route {
	return Route{
		Name: "x12.advices", About: "a 945 for each ship confirmation",
		Topics: []string{onPacks}, Types: takes(ship.Confirmed{}), Writes: e.leaving(),
		Patterns: []string{eip.NameFilter, eip.NameEnricher, eip.NameTranslator},
		Handle: eip.Filter(func(ctx context.Context, m *Message) (bool, error) {
			o, err := e.shipped(ctx, m)
			byDocument := o.Source.Door == "edi" || o.Source.Door == order.DoorSplit // the document of the order it is a part of
			return byDocument && o.Source.DocType == "940", err
		}, eip.Enrich(e.shipped, func(ctx context.Context, m *Message, o order.Order) (*Out, error) {
			return e.advise(ctx, m, o.Source.Partner, o)
		})),
	}
}

// shipped is the order of a confirmation, with what a 945 says of it: who it goes to, its
// numbers, its lines and their units.
func (e *edi) shipped(ctx context.Context, m *Message) (order.Order, error) {
	c, err := confirmed(m)
	if err != nil {
		return order.Order{}, err
	}
	return Peek(ctx, m, e.flows.orders, order.StreamOf(c.Scope, c.Order))
}

// confirmed is the confirmation that a message is, or is a copy of.
func confirmed(m *Message) (ship.Confirmed, error) {
	ev := m.Event
	if ev == nil {
		var err error
		if ev, err = decodeEvent(m.hub.reg, &m.Record); err != nil {
			return ship.Confirmed{}, err
		}
	}
	c, ok := ev.(ship.Confirmed)
	if !ok {
		return c, fault.E(m.route, fault.Invalid, fmt.Errorf("%s confirms no shipment", m.Type))
	}
	return c, nil
}

// advise writes the 945 to a partner.
func (e *edi) advise(ctx context.Context, m *Message, partner string, o order.Order) (*Out, error) {
	return eip.Translate(func(ctx context.Context, m *Message, out *Out) (journal.Record, error) {
		c, err := confirmed(m)
		if err != nil {
			return journal.Record{}, err
		}
		p, err := e.partner(partner)
		if err != nil {
			return journal.Record{}, err
		}
		body, err := p.Profile.ShippingAdvice(o, c)
		if err != nil {
			return journal.Record{}, err
		}
		return e.envelope(ctx, m, out, p, "945", body)
	})(ctx, m)
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

// envelope writes a set into its interchange: the record lets it be sent. Control numbers, the
// document and the watch for its 997 are one unit.
func (e *edi) envelope(ctx context.Context, m *Message, out *Out, p Partner, set string, body []x12.Out) (journal.Record, error) {
	const op = "edi.envelope"
	var none journal.Record
	isa, err := e.control(ctx, m, out, p.Name, "isa13")
	if err != nil {
		return none, err
	}
	gs := 0
	if set != "TA1" {
		if gs, err = e.control(ctx, m, out, p.Name, "gs06"); err != nil {
			return none, err
		}
	}
	version := cmp.Or(p.Version, "004010")
	if set == "999" {
		version = max(version, "005010") // which is where it begins
	}
	now := m.Now
	if p.Profile.Zone != nil {
		now = now.In(p.Profile.Zone)
	}
	d := outgoing{Partner: p.Name, Set: set, ISA13: fmt.Sprintf("%09d", isa), GS06: strconv.Itoa(gs)}
	d.Name = fmt.Sprintf("%s-%s-%s.edi", set, d.ISA13, m.ID.Child(m.route, set, 0).String()[:8])
	write := func(body []x12.Out) ([]byte, error) {
		var buf bytes.Buffer
		w := x12.NewWriter(&buf, p.Writer)
		w.BeginInterchange(x12.ISA{
			SenderQualifier: p.OurQual, Sender: p.OurID, ReceiverQualifier: p.Qualifier, Receiver: p.ID,
			Date: now.Format("060102"), Time: now.Format("1504"), Version: isaVersion(version), Control: d.ISA13, Usage: p.usage(),
		})
		if set == "TA1" {
			w.Segment(body[0])
		} else {
			w.BeginGroup(x12.GS{
				FunctionalID: groupOf[set], Sender: p.OurID, Receiver: p.ID,
				Date: now.Format("20060102"), Time: now.Format("1504"), Control: d.GS06, Agency: "X", Version: version,
			})
			w.WriteSet(x12.ST{ID: set, Control: "0001"}, body)
			w.EndGroup()
		}
		w.EndInterchange()
		if err := w.Close(); err != nil {
			return nil, fault.E(op, fault.Invalid, fmt.Errorf("writing %s: %w", set, err))
		}
		return buf.Bytes(), nil
	}
	text, err := write(body)
	if own := p.Changes[set]; own != nil && err == nil {
		text, body, err = e.changed(p, own, text, body, write)
	}
	if err != nil {
		return none, err
	}
	data, err := json.Marshal(d)
	if err != nil {
		return none, fault.E(op, fault.Internal, err)
	}
	r := journal.Record{
		Type: "document.Outgoing", Topic: firstStage(p), Key: p.Name, Data: data,
		Headers: map[string]string{"partner": p.Name, "name": d.Name},
		Subject: "document/" + m.ID.String(), Personal: text,
	}
	if group := groupOf[set]; group != "" && group != "FA" {
		key := ackKey(p.Name, groupOf[set], d.GS06)
		st, err := m.State(ctx, key)
		if err != nil {
			return none, err
		}
		a := ackState{Partner: p.Name, Set: set, Control: d.GS06, Document: d.Name}
		out.SetState(key, st, a)
		b, _ := json.Marshal(a) // plain strings
		out.Timers = append(out.Timers, journal.TimerOp{ID: "x12.ack-watch/" + key, Timer: journal.Timer{
			Sub: "x12.ack-watch", Key: p.Name, Due: p.opens(m.Now).Add(e.AckWithin), Type: "ack.Overdue", Data: b,
		}})
	}
	e.written(out, p, d, aboutSet(set, body))
	return r, out.err
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

// send publishes documents to one partner: an effect, so that each goes once. A partner with a
// tap has the copy of what left in the unit that says it left.
func (e *edi) send(partner string) error {
	name := func(m *Message) string { return m.Headers["name"] }
	sent := func(ctx context.Context, m *Message) (*Out, error) {
		hash, pos := sha256.Sum256(m.Personal), strconv.FormatUint(uint64(m.Pos), 10)
		out := m.Out().Claim(sentTo(partner), name(m), hash, []byte(pos))
		var d outgoing
		if err := m.Decode(&d); err != nil {
			return nil, err
		}
		left, err := e.left(ctx, m, d)
		return out.Send(left), err
	}
	r := Route{
		Name: "out.edi." + partner, About: "documents into the outbox of " + partner, Conn: "edi." + partner,
		Topics: []string{outTopic(partner)}, Writes: []string{onExternal}, Patterns: []string{eip.NameChannelAdapter, eip.NameBreaker},
	}
	if e.Partners[partner].Tap {
		sent = eip.WireTap(onAudit, sent)
		r.Writes, r.Patterns = append(r.Writes, onAudit), append(r.Patterns, eip.NameWireTap)
	}
	return e.hub.AddEffect(r, Effect{
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
		Then: func(ctx context.Context, m *Message, _ *Call, _ []byte) (*Out, error) { return sent(ctx, m) },
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

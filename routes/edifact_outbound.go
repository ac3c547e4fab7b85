package routes

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/ack"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

// contrls answers each interchange with a CONTRL. All its messages have their verdict: the splitter
// gathered them while it read the interchange.
func (e *edi) contrls() Route {
	return Route{
		Name: "edifact.contrl", About: "a CONTRL for each EDIFACT interchange",
		Topics: []string{topicContrls}, Writes: e.leaving(), Patterns: []string{eip.NameFilter, eip.NameTranslator},
		// An interchange of acknowledgements is not acknowledged.
		Handle: eip.Filter(func(_ context.Context, m *Message) (bool, error) {
			var v contrlVerdict
			if err := m.Decode(&v); err != nil {
				return false, err
			}
			_, _, wanted := ack.Contrl(&v.Ack)
			return wanted, nil
		}, eip.Translate(func(ctx context.Context, m *Message, out *Out) (journal.Record, error) {
			var none journal.Record
			var v contrlVerdict
			if err := m.Decode(&v); err != nil {
				return none, err
			}
			p, err := e.partner(v.Partner)
			if err != nil {
				return none, err
			}
			h, body, _ := ack.Contrl(&v.Ack)
			return e.interchange(ctx, m, out, p, v.Ack.UNB.Reply(), h, func(int) ([]edifact.Out, error) { return body, nil })
		})),
	}
}

// responses sends an ORDRSP for each ORDERS that became an order.
func (e *edi) responses() Route {
	return Route{
		Name: "edifact.answers", About: "an ORDRSP for each ORDERS",
		Topics: []string{onOrders}, Types: []string{"order.Accepted", "order.Rejected"}, Writes: e.leaving(),
		Patterns: []string{eip.NameFilter, eip.NameEnricher, eip.NameTranslator},
		Handle: eip.Filter(func(_ context.Context, m *Message) (bool, error) {
			src := askedBy(m)
			if src.Door != "edi" || src.DocType != "ORDERS" {
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

// despatches sends a DESADV for each confirmation of a shipment whose order came by ORDERS.
func (e *edi) despatches() Route {
	return Route{
		Name: "edifact.advices", About: "a DESADV for each ship confirmation",
		Topics: []string{onPacks}, Types: takes(ship.Confirmed{}), Writes: e.leaving(),
		Patterns: []string{eip.NameFilter, eip.NameEnricher, eip.NameTranslator},
		Handle: eip.Filter(func(ctx context.Context, m *Message) (bool, error) {
			o, err := e.shipped(ctx, m)
			return byDocument(o, "ORDERS"), err
		}, eip.Enrich(e.shipped, func(ctx context.Context, m *Message, o order.Order) (*Out, error) {
			return eip.Translate(func(ctx context.Context, m *Message, out *Out) (journal.Record, error) {
				c, err := confirmed(m)
				if err != nil {
					return journal.Record{}, err
				}
				p, err := e.partner(o.Source.Partner)
				if err != nil {
					return journal.Record{}, err
				}
				follows, err := e.follows(ctx, m, o, c)
				if err != nil {
					return journal.Record{}, err
				}
				return e.interchange(ctx, m, out, p, p.unb(), p.unh("DESADV"), func(int) ([]edifact.Out, error) {
					return edifactwms.DespatchAdvice(p.Profile, o, c, follows)
				})
			})(ctx, m)
		})),
	}
}

// unb is the header of what we send to the partner.
func (p Partner) unb() edifact.UNB {
	h := edifact.UNB{
		Syntax: cmp.Or(p.EDIFACT.Syntax, "UNOC"), Version: cmp.Or(p.EDIFACT.Version, "3"),
		Sender:    edifact.Party{ID: p.OurID, Qualifier: p.EDIFACT.OurQual},
		Recipient: edifact.Party{ID: p.ID, Qualifier: p.EDIFACT.Qualifier},
	}
	if p.EDIFACT.Contrl {
		h.AckRequested = "1"
	}
	return h
}

// unh is the header of a message that we send to the partner.
func (p Partner) unh(kind string) edifact.UNH {
	directory := cmp.Or(p.EDIFACT.Directory, "D96A")
	return edifact.UNH{Type: kind, Version: directory[:1], Release: directory[1:], Agency: "UN"}
}

// aboveControls keeps the numbers of messages that wait apart from those that are an interchange's.
const aboveControls = 1_000_000_000

// interchange is [edi.envelope] for an EDIFACT message. control is a number that no other message of
// its kind to the partner has.
func (e *edi) interchange(ctx context.Context, m *Message, out *Out, p Partner, unb edifact.UNB, unh edifact.UNH, body func(control int) ([]edifact.Out, error)) (journal.Record, error) {
	var none journal.Record
	lane, waits := p.laneOf(unh.Type)
	n, err := e.control(ctx, m, out, p.Name, map[bool]string{false: "unb", true: "unh"}[waits])
	if err != nil {
		return none, err
	}
	number := n
	if waits {
		number += aboveControls
	}
	segments, err := body(number)
	if err != nil {
		return none, err
	}
	s := outSet{sentSet: sentSet{Set: unh.Type, ST02: "1"}, UNH: unh}
	unb.Control = strconv.Itoa(n)
	if waits {
		unb.Control, s.ST02 = noControl, mostMessages
	}
	write := func(segments []edifact.Out) ([]byte, error) {
		s.Segments = segments
		return p.writeEDIFACT(unb, m.Now, []outSet{s})
	}
	text, err := write(segments)
	if own := p.Changes[unh.Type]; own != nil && err == nil {
		text, segments, err = e.messageChanged(p, own, text, segments, write)
	}
	if err != nil {
		return none, err
	}
	s.Segments, s.About = segments, aboutMessage(segments)
	if waits {
		return e.queue(m, out, p, lane, s, text)
	}
	s.Name = fmt.Sprintf("%s-%09d-%s.edi", s.Set, n, m.ID.Child(m.route, s.Set, 0).String()[:8])
	d := outgoing{Partner: p.Name, Set: s.Set, Name: s.Name, ISA13: unb.Control, Contrl: unb.AckRequested == "1"}
	return e.outgoing(ctx, m, out, p, d, []outSet{s}, text)
}

// writeEDIFACT writes an interchange.
func (p Partner) writeEDIFACT(unb edifact.UNB, at time.Time, sets []outSet) ([]byte, error) {
	at = p.local(at)
	unb.Date, unb.Time = at.Format("060102"), at.Format("1504")
	if unb.Version == "4" {
		unb.Date = at.Format("20060102")
	}
	if p.usage() == "T" {
		unb.Test = "1"
	}
	var buf bytes.Buffer
	// What the partner's repertoire cannot hold of a name or a text must not keep the goods' advice back.
	w := edifact.NewWriter(&buf, edifact.WriterOptions{LineEnd: p.Writer.LineEnd, Replace: '.'})
	err := w.BeginInterchange(unb)
	for _, s := range sets {
		s.UNH.Reference = s.ST02
		err = errors.Join(err, w.WriteMessage(s.UNH, s.Segments))
	}
	if err = errors.Join(err, w.EndInterchange(), w.Close()); err != nil {
		return nil, fault.E("edi.interchange", fault.Invalid, fmt.Errorf("writing %s: %w", sets[0].Set, err))
	}
	return buf.Bytes(), nil
}

package routes

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/x12wms"
)

// groupOf is the functional group of each set we send.
var groupOf = map[string]string{"997": "FA", "999": "FA", "824": "AG", "855": "PR", "945": "SW", "944": "RE", "947": "AW", "846": "IB", "204": "SM", "810": "IN", "940": "OW", "943": "AR", "856": "SH", "990": "GF"}

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
			return byDocument(o, "940") && e.Partners[o.Source.Partner].ShipNotice != ByNotice, err
		}, eip.Enrich(e.shipped, func(ctx context.Context, m *Message, o order.Order) (*Out, error) {
			return e.advise(ctx, m, o.Source.Partner, o)
		})),
	}
}

// What tells a partner that an order of his has left.
const (
	ByAdvice = "945"  // an order that came by 940
	ByNotice = "856"  // one that came by 940 or 850
	ByBoth   = "both" // a 945 and an 856
)

// byDocument reports whether an order, or the one it is a part of, came by a document of these kinds.
func byDocument(o order.Order, kinds ...string) bool {
	return (o.Source.Door == "edi" || o.Source.Door == order.DoorSplit) && slices.Contains(kinds, o.Source.DocType)
}

// shipNotices sends an 856 for each confirmation of a shipment to partners who want that.
func (e *edi) shipNotices() Route {
	return Route{
		Name: "x12.ship-notices", About: "an 856 for each ship confirmation, to each partner who wants to be told so",
		Topics: []string{onPacks}, Types: takes(ship.Confirmed{}), Start: bus.Now, Writes: e.leaving(), Parking: Parking{Independent: true},
		Patterns: []string{eip.NameFilter, eip.NameEnricher, eip.NameTranslator},
		Handle: eip.Filter(func(ctx context.Context, m *Message) (bool, error) {
			o, err := e.shipped(ctx, m)
			by := e.Partners[o.Source.Partner].ShipNotice
			c, _ := m.Event.(ship.Confirmed)
			return byDocument(o, "940", "850") && (by == ByNotice || by == ByBoth) && len(c.Cartons) > 0, err
		}, eip.Enrich(e.shipped, func(ctx context.Context, m *Message, o order.Order) (*Out, error) {
			return e.tellShipped(ctx, m, o.Source.Partner, "856", o, x12wms.Profile.ShipNotice)
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

// follows is what of the order's lines is still to leave after a confirmation, in smallest units: by this
// order, or by another that it was split into or from. What left with another since then follows, too: of
// parts that leave at the same time one alone is the last.
func (e *edi) follows(ctx context.Context, m *Message, o order.Order, c ship.Confirmed) (map[int]int64, error) {
	s, err := Peek(ctx, m, e.flows.shipments, c.Stream())
	if err != nil {
		return nil, err
	}
	out := x12wms.Follows(o, s.Left(c))
	if o.Root == "" && len(o.Parts) == 0 {
		return out, nil
	}
	var since journal.Pos
	err = e.confirmations(ctx, m, c.Scope, c.Shipment, func(at journal.Pos, x ship.Confirmed) {
		if x.Supplement == c.Supplement {
			since = at
		}
	})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{o.Number: true}
	for next := append([]string{o.Told()}, o.Parts...); len(next) > 0; next = next[1:] {
		if seen[next[0]] {
			continue
		}
		seen[next[0]] = true
		part, err := Peek(ctx, m, e.flows.orders, order.StreamOf(o.Scope, next[0]))
		if err != nil {
			return nil, err
		}
		next = append(next, part.Parts...)
		left := map[int]int64{}
		err = e.confirmations(ctx, m, part.Scope, part.Number, func(at journal.Pos, x ship.Confirmed) {
			if at < since {
				for _, l := range x.Lines {
					left[l.Line] += l.Qty
				}
			}
		})
		if err != nil {
			return nil, err
		}
		for no, n := range x12wms.Follows(part, left) {
			if _, ok := o.Line(no); ok {
				out[no] += n
			}
		}
	}
	maps.DeleteFunc(out, func(_ int, n int64) bool { return n == 0 })
	return out, nil
}

// confirmations ranges over those of an order's shipment, each with its place in the journal.
func (e *edi) confirmations(ctx context.Context, m *Message, s scope.Scope, number string, see func(at journal.Pos, c ship.Confirmed)) error {
	const page = 512
	for after := uint64(0); ; after += page {
		recs, err := m.hub.bus.Driver().Stream(ctx, ship.StreamOf(s, number), after, page)
		if err != nil {
			return fault.E(m.route, fault.Transient, fmt.Errorf("reading the journal: %w", err))
		}
		for i := range recs {
			ev, err := decodeEvent(m.hub.reg, &recs[i])
			if err != nil {
				return err
			}
			if c, ok := ev.(ship.Confirmed); ok {
				see(recs[i].Pos, c)
			}
		}
		if len(recs) < page {
			return nil
		}
	}
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
	return e.tellShipped(ctx, m, partner, "945", o, x12wms.Profile.ShippingAdvice)
}

// tellShipped writes a set to a partner of what left of an order.
func (e *edi) tellShipped(ctx context.Context, m *Message, partner, set string, o order.Order,
	write func(x12wms.Profile, order.Order, ship.Confirmed, map[int]int64) ([]x12.Out, error)) (*Out, error) {
	return eip.Translate(func(ctx context.Context, m *Message, out *Out) (journal.Record, error) {
		c, err := confirmed(m)
		if err != nil {
			return journal.Record{}, err
		}
		p, err := e.partner(partner)
		if err != nil {
			return journal.Record{}, err
		}
		follows, err := e.follows(ctx, m, o, c)
		if err != nil {
			return journal.Record{}, err
		}
		body, err := write(p.Profile, o, c, follows)
		if err != nil {
			return journal.Record{}, err
		}
		return e.envelope(ctx, m, out, p, set, body)
	})(ctx, m)
}

func (p Partner) delimiters() x12.Delimiters {
	if p.Writer.Delimiters == (x12.Delimiters{}) {
		return x12.DefaultDelimiters
	}
	return p.Writer.Delimiters
}

// envelope writes a set into its interchange: the record lets it be sent, or wait for others where
// that is agreed. Control numbers, the document and the watch for its 997 are one unit.
func (e *edi) envelope(ctx context.Context, m *Message, out *Out, p Partner, set string, body []x12.Out) (journal.Record, error) {
	var none journal.Record
	s := outSet{sentSet: sentSet{Set: set, ST02: "0001"}}
	lane, waits := p.laneOf(set)
	isa13 := noControl
	if s.GS06 = noControl; !waits {
		isa, err := e.control(ctx, m, out, p.Name, "isa13")
		if err != nil {
			return none, err
		}
		isa13, s.GS06 = fmt.Sprintf("%09d", isa), "0"
		if set != "TA1" {
			gs, err := e.control(ctx, m, out, p.Name, "gs06")
			if err != nil {
				return none, err
			}
			s.GS06 = strconv.Itoa(gs)
		}
	}
	write := func(body []x12.Out) ([]byte, error) {
		s.Body = body
		return p.writeX12(isa13, m.Now, []outSet{s})
	}
	text, err := write(body)
	if own := p.Changes[set]; own != nil && err == nil {
		text, body, err = e.changed(p, own, text, body, write)
	}
	if err != nil {
		return none, err
	}
	s.Body, s.About = body, aboutSet(set, body)
	if waits {
		return e.queue(m, out, p, lane, s, text)
	}
	s.Name = fmt.Sprintf("%s-%s-%s.edi", set, isa13, m.ID.Child(m.route, set, 0).String()[:8])
	return e.outgoing(ctx, m, out, p, outgoing{Partner: p.Name, Set: set, Name: s.Name, ISA13: isa13, GS06: s.GS06}, []outSet{s}, text)
}

// writeX12 writes an interchange. Sets of a functional group stand together, and have its number.
func (p Partner) writeX12(isa13 string, at time.Time, sets []outSet) ([]byte, error) {
	version := cmp.Or(p.Version, "004010")
	if sets[0].Set == "999" {
		version = max(version, "005010") // which is where it begins
	}
	at = p.local(at)
	var buf bytes.Buffer
	w := x12.NewWriter(&buf, p.Writer)
	w.BeginInterchange(x12.ISA{
		SenderQualifier: p.OurQual, Sender: p.OurID, ReceiverQualifier: p.Qualifier, Receiver: p.ID,
		Date: at.Format("060102"), Time: at.Format("1504"), Version: isaVersion(version), Control: isa13, Usage: p.usage(),
	})
	group := "" // that is open
	for _, s := range sets {
		if s.Set == "TA1" {
			w.Segment(s.Body[0])
			continue
		}
		if group != "" && group != s.GS06 {
			w.EndGroup()
		}
		if group != s.GS06 {
			w.BeginGroup(x12.GS{
				FunctionalID: groupOf[s.Set], Sender: p.OurID, Receiver: p.ID,
				Date: at.Format("20060102"), Time: at.Format("1504"), Control: s.GS06, Agency: "X", Version: version,
			})
			group = s.GS06
		}
		w.WriteSet(x12.ST{ID: s.Set, Control: s.ST02}, s.Body)
	}
	if group != "" {
		w.EndGroup()
	}
	w.EndInterchange()
	if err := w.Close(); err != nil {
		return nil, fault.E("edi.envelope", fault.Invalid, fmt.Errorf("writing %s: %w", sets[0].Set, err))
	}
	return buf.Bytes(), nil
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
		var d outgoing
		if err := m.Decode(&d); err != nil {
			return nil, err
		}
		out := m.Out()
		return out, e.left(ctx, m, out, d, hash, []byte(pos))
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
	b, err := m.Row(ctx, journal.TableEffect, journal.EffectKey(route, m.origin, step))
	if err != nil || b == nil {
		return false, err
	}
	f, err := journal.DecodeEffect(b)
	return f.State != journal.EffectIntended && f.State != journal.EffectResolved && f.State != journal.EffectRefused, err
}

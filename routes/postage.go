package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/routes/eip"
)

// Labels on request: a door makes the wish durable, routes buy through the ledger as for
// cartons, and whoever asked looks how it stands.

// buyPostage is the command to buy the label of a postage at one connection. Names and addresses
// travel in the record's sealed group.
type buyPostage struct {
	Scope   scope.Scope `json:"scope"`
	ID      string      `json:"postage"`
	Service string      `json:"service"`
}

// voidingPostage is the command to give such a label back.
type voidingPostage struct {
	Scope   scope.Scope `json:"scope"`
	ID      string      `json:"postage"`
	Label   bought      `json:"label"`
	Surplus bool        `json:"surplus,omitempty"`
}

func (v voidingPostage) sold() ship.Label { return v.Label.Label }

// Commands about postages.
const (
	cmdBuyPostage  = "postage.Buy"
	cmdVoidPostage = "postage.Void"
)

func postageTopic(conn string) string     { return "postage." + conn }
func postageVoidTopic(conn string) string { return "postage-void." + conn }

func (d *decision) postage(s scope.Scope, id string) ship.Postage {
	return load(d, d.f.postages, ship.PostageStream(s, id))
}

func (d *decision) onPostage(s scope.Scope, id string, events []event.Event, err error) {
	add(d, d.f.postages, ship.PostageStream(s, id), events, err)
}

func (f *Flows) addPostageDoor() error {
	writes := []string{onPacks, onAudit}
	for _, c := range f.cfg.Carriers {
		writes = append(writes, postageVoidTopic(c.Name))
	}
	return f.hub.Add(Route{
		Name: door.Postage, About: "takes wishes for labels of parcels that are no cartons here, and for giving them back",
		Handle: f.ask(door.Postage, f.askPostage), Writes: writes,
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

func (f *Flows) askPostage(d *decision, a *door.Ask) (answered, error) {
	var events []event.Event
	var err error
	switch c := a.Cmd.(type) {
	case ship.AskPostage:
		a.ID = d.m.ID.String()
		c.Scope, c.ID = a.Scope, a.ID
		if c.Connection, err = f.connection(c.Connection); err != nil {
			return answered{}, fault.At(door.Postage, fault.Invalid, "carrier", err)
		}
		if c.Parties.From.City == "" && len(c.Parties.From.Lines) == 0 {
			c.Parties.From = f.cfg.ShipFrom
		}
		events, err = d.postage(c.Scope, c.ID).Ask(c, d.m.Now)
	case ship.VoidPostage:
		p := d.postage(a.Scope, a.ID)
		if _, there := f.carriers[p.Connection]; !there && p.Status == ship.PostageIsBought {
			return answered{}, fault.At(door.Postage, fault.Rejected, "carrier", fmt.Errorf("%s sold it, and is no connection any more: name it in the configuration", p.Connection))
		}
		events, err = p.Void(c, d.m.Now)
		if len(events) > 0 && p.Status == ship.PostageIsBought {
			d.returnPostage(p.Connection, voidingPostage{p.Scope, p.ID, bought{Label: labelOf(p)}, false})
		}
	default:
		return answered{}, wrongCommand(door.Postage, a.Cmd)
	}
	d.onPostage(a.Scope, a.ID, events, err)
	return answered{d.postage(a.Scope, a.ID), len(events) > 0}, d.err
}

// labelOf is what a carrier needs to take a label back.
func labelOf(p ship.Postage) ship.Label {
	return ship.Label{Connection: p.Connection, ShipmentID: p.Shipment, TrackingNumber: p.Tracking, Service: ship.Service{Code: p.Service}, Cost: p.Cost, Format: p.Format}
}

func (d *decision) returnPostage(conn string, v voidingPostage) {
	d.out.Publish(postageVoidTopic(conn), cmdVoidPostage, ship.PostageHead{Scope: v.Scope, ID: v.ID}.Key(), v)
}

func (f *Flows) addPostageChoice() error {
	writes := []string{onPacks}
	for _, c := range f.cfg.Carriers {
		writes = append(writes, postageTopic(c.Name))
	}
	return f.hub.Add(Route{
		Name: "postage.choose", Waits: true, About: "sends each label that is wanted on request to the carrier named, or to the cheapest that answers in time",
		Topics: []string{onPacks}, Types: takes(ship.PostageAsked{}), Parking: Parking{Independent: true}, Handle: f.choosePostage,
		Writes: writes, Patterns: []string{eip.NameScatterGather},
	})
}

func (f *Flows) choosePostage(ctx context.Context, m *Message) (*Out, error) {
	e := m.Event.(ship.PostageAsked)
	d := f.decide(ctx, m)
	p := peek(d, f.postages, e.Stream())
	if d.err != nil || !p.Open() || p.Tracking != "" {
		return d.done()
	}
	conn, service := e.Connection, e.Service
	if conn == "" && len(f.cfg.Carriers) == 1 {
		conn = f.cfg.Carriers[0].Name
	}
	if conn != "" && service == "" {
		service = f.carriers[conn].Service
	}
	if p.Status == ship.PostageIsVoiding {
		d.onPostage(e.Scope, e.ID, d.postage(e.Scope, e.ID).Refuse("", "", m.Now), nil)
		return d.done()
	}
	if conn == "" || service == "" {
		ask := f.cfg.Carriers
		if conn != "" {
			ask = []CarrierConfig{f.carriers[conn]}
		}
		best, err := f.cheapest(ctx, m, ask, postageParcel(e, ship.ReferenceOf(m.ID.String()), service), nil)
		if fault.KindOf(err) == fault.Rejected && err != nil {
			d.onPostage(e.Scope, e.ID, d.postage(e.Scope, e.ID).Refuse(conn, oneLine(err), m.Now), nil)
			return d.done()
		}
		if err != nil {
			return nil, fault.Wrap(m.route, err)
		}
		conn, service = best.conn, best.Service.Code
	}
	data, err := json.Marshal(buyPostage{e.Scope, e.ID, service})
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	people, err := json.Marshal(e.Parties)
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	d.out.Send(journal.Record{Type: cmdBuyPostage, Topic: postageTopic(conn), Key: e.Key(), Data: data, Subject: e.Stream(), Personal: people})
	return d.done()
}

func postageParcel(e ship.PostageAsked, ref, service string) ship.Parcel {
	return ship.Parcel{
		Reference: ref, OrderNumber: e.OrderNumber, Service: service, Format: e.Format,
		From: e.Parties.From, To: e.Parties.To, Weight: e.Weight, Dims: e.Dims,
	}
}

// addPostage hosts what buys and voids labels on request at one connection.
func (f *Flows) addPostage(c CarrierConfig) error {
	buys := "out." + c.Name + ".postage"
	return errors.Join(
		f.hub.AddEffect(outward(c, buys, "buys labels on request at "+c.Name+", each once", postageTopic(c.Name), onPacks, postageVoidTopic(c.Name)), f.buying(c, Effect{
			Plan: func(ctx context.Context, m *Message) (*Call, *Out, error) { return f.planPostage(ctx, m, buys) },
			Then: func(ctx context.Context, m *Message, call *Call, outcome []byte) (*Out, error) {
				return f.postageBought(ctx, m, c.Name, call, outcome)
			},
			Refused: func(ctx context.Context, m *Message, _ *Call, why error) (*Out, error) {
				var b buyPostage
				if err := m.Decode(&b); err != nil {
					return nil, err
				}
				d := f.decide(ctx, m)
				d.onPostage(b.Scope, b.ID, d.postage(b.Scope, b.ID).Refuse(c.Name, oneLine(why), m.Now), nil)
				return d.done()
			},
		})),
		f.hub.AddEffect(outward(c, buys+".void", "gives labels that were bought on request back to "+c.Name, postageVoidTopic(c.Name), onPacks), givingBack(c, Effect{
			Plan: func(_ context.Context, m *Message) (*Call, *Out, error) {
				var v voidingPostage
				if err := m.Decode(&v); err != nil {
					return nil, nil, err
				}
				return &Call{Ref: v.Label.TrackingNumber, Value: v}, nil, nil
			},
			Then: func(ctx context.Context, m *Message, call *Call, _ []byte) (*Out, error) {
				v := call.Value.(voidingPostage)
				d := f.decide(ctx, m)
				d.onPostage(v.Scope, v.ID, d.postage(v.Scope, v.ID).Voided(v.Label.TrackingNumber, m.Now), nil)
				return d.done()
			},
			Refused: func(ctx context.Context, m *Message, call *Call, why error) (*Out, error) {
				v := call.Value.(voidingPostage)
				if v.Surplus {
					return nil, why // nobody asked for it, and nobody is told but by a letter
				}
				d := f.decide(ctx, m)
				d.onPostage(v.Scope, v.ID, d.postage(v.Scope, v.ID).Keep(v.Label.TrackingNumber, oneLine(why), m.Now), nil)
				return d.done()
			},
		})))
}

// planPostage makes the parcel of a command. What is no longer wanted is not bought, unless the
// purchase has begun.
func (f *Flows) planPostage(ctx context.Context, m *Message, route string) (*Call, *Out, error) {
	var b buyPostage
	if err := m.Decode(&b); err != nil {
		return nil, nil, err
	}
	begun, err := m.begun(ctx, journal.EffectKey(route, m.origin, stepBuy))
	if err != nil {
		return nil, nil, err
	}
	d := f.decide(ctx, m)
	p := d.postage(b.Scope, b.ID)
	if d.err != nil {
		return nil, nil, d.err
	}
	if !begun && p.Status != ship.PostageRequested {
		d.onPostage(b.Scope, b.ID, p.Refuse("", "", m.Now), nil)
		out, err := d.done()
		return nil, out, err
	}
	var people ship.PostageParties
	if err := json.Unmarshal(m.Personal, &people); err != nil {
		return nil, nil, fault.At(m.route, fault.Invalid, "parties", fmt.Errorf("reading the addresses of postage %s: %w", b.ID, err))
	}
	asked := ship.PostageAsked{PostageHead: p.PostageHead, Format: p.Format, OrderNumber: p.OrderNumber, Weight: p.Weight, Dims: p.Dims, Parties: people}
	ref := effectRef(route, m.origin, stepBuy)
	parcel := postageParcel(asked, ref, b.Service)
	if err := parcel.Validate(); err != nil && !begun {
		return nil, nil, err
	}
	return &Call{Ref: ref, Value: parcel}, nil, nil
}

// begun reports whether the call of an effect may have been made, or was.
func (m *Message) begun(ctx context.Context, key string) (bool, error) {
	row, err := m.Row(ctx, journal.TableEffect, key)
	if err != nil || row == nil {
		return false, err
	}
	have, err := journal.DecodeEffect(row)
	return err == nil && have.State != journal.EffectRefused && have.State != journal.EffectResolved, err
}

// postageBought records what was bought. What nobody waits for any more, and all but the first of a
// purchase that was doubled, is given back.
func (f *Flows) postageBought(ctx context.Context, m *Message, conn string, call *Call, outcome []byte) (*Out, error) {
	var b buyPostage
	if err := m.Decode(&b); err != nil {
		return nil, err
	}
	labels, err := boughtOf(m, outcome)
	if err != nil {
		return nil, err
	}
	d := f.decide(ctx, m)
	first := labels[0]
	image, _ := call.Kept.([]byte)
	p := d.postage(b.Scope, b.ID)
	events, err := p.Buy(ship.BoughtPostage{
		Connection: conn, Service: first.Service.Code, Tracking: first.TrackingNumber, Shipment: first.ShipmentID,
		Cost: first.Cost, Format: first.Format, Document: first.Document, Image: image,
	}, m.Now)
	surplus := labels[1:]
	if err != nil && fault.KindOf(err) == fault.Rejected {
		surplus, events, err = labels, nil, nil
	}
	d.onPostage(b.Scope, b.ID, events, err)
	if len(events) > 0 && p.Status == ship.PostageIsVoiding {
		d.returnPostage(conn, voidingPostage{b.Scope, b.ID, first, false})
	}
	for _, l := range surplus {
		d.returnPostage(conn, voidingPostage{b.Scope, b.ID, l, true})
	}
	return d.done()
}

// Rates asks the carriers, or the one that is named, side by side what p costs. It writes nothing.
// Who does not answer in time is named with the reason; that nobody is asked is Invalid.
func (f *Flows) Rates(ctx context.Context, p ship.Parcel, carrier string) (ship.Quotes, error) {
	const op = "routes.Rates"
	conn, err := f.connection(carrier)
	if err != nil {
		return ship.Quotes{}, fault.At(op, fault.Invalid, "carrier", err)
	}
	if p.From.City == "" && len(p.From.Lines) == 0 {
		p.From = f.cfg.ShipFrom
	}
	p.Reference = ship.ReferenceOf("rates")
	if err := p.Validate(); err != nil {
		return ship.Quotes{}, fault.Wrap(op, err)
	}
	ask := f.cfg.Carriers
	if conn != "" {
		ask = []CarrierConfig{f.carriers[conn]}
	}
	offers, silent := f.offers(ctx, eip.In{}, ask, p, nil)
	out := ship.Quotes{Rates: []ship.Rate{}, Silent: []ship.Silence{}}
	for _, o := range offers {
		o.Connection = o.conn
		out.Rates = append(out.Rates, o.Rate)
	}
	for _, a := range silent {
		out.Silent = append(out.Silent, ship.Silence{Connection: a.Of, Kind: fault.KindOf(a.Err).String(), Reason: fault.Reason(a.Err)})
	}
	return out, nil
}

// CheckAddress asks a carrier, or the first that checks addresses, whether it can deliver to a. It
// writes nothing.
func (f *Flows) CheckAddress(ctx context.Context, a party.Address, carrier string) (ship.AddressCheck, error) {
	const op = "routes.CheckAddress"
	conn, err := f.connection(carrier)
	if err != nil {
		return ship.AddressCheck{}, fault.At(op, fault.Invalid, "carrier", err)
	}
	for _, c := range f.cfg.Carriers {
		port, ok := c.Port.(ship.AddressChecker)
		if !ok || conn != "" && c.Name != conn {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, f.cfg.RateDeadline)
		defer cancel()
		return Guard(f.hub, c.Name, func() (ship.AddressCheck, error) {
			return guarded(func() (ship.AddressCheck, error) { return port.CheckAddress(ctx, a) })
		})
	}
	if conn == "" {
		conn = "no carrier here"
	}
	return ship.AddressCheck{}, fault.At(op, fault.Invalid, "carrier", fmt.Errorf("%s checks no addresses", conn))
}

// Track asks a carrier where a parcel is. It writes nothing.
func (f *Flows) Track(ctx context.Context, carrier, number string) (ship.Tracking, error) {
	const op = "routes.Track"
	conn, err := f.connection(carrier)
	if err == nil && conn == "" {
		err = errors.New("names no carrier")
	}
	if err != nil {
		return ship.Tracking{}, fault.At(op, fault.Invalid, "carrier", err)
	}
	port, ok := f.carriers[conn].Port.(ship.Tracker)
	if !ok {
		return ship.Tracking{}, fault.At(op, fault.Invalid, "carrier", fmt.Errorf("%s does not tell where parcels are", conn))
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.RateDeadline)
	defer cancel()
	return Guard(f.hub, conn, func() (ship.Tracking, error) {
		return guarded(func() (ship.Tracking, error) { return port.Track(ctx, number) })
	})
}

// Postage is how a label that was wanted on request stands, with its bytes once it is bought. While
// it is open it waits, until ctx ends; then it is told as it is.
func (f *Flows) Postage(ctx context.Context, s scope.Scope, id string) (ship.Postage, []byte, error) {
	const op = "routes.Postage"
	for again := 25 * time.Millisecond; ; again = min(2*again, 500*time.Millisecond) {
		p, image, err := f.lookPostage(context.WithoutCancel(ctx), s, id)
		if err != nil {
			return p, nil, fault.Wrap(op, err)
		}
		if !p.Open() {
			return p, image, nil
		}
		next := time.NewTimer(again)
		select {
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
			return p, nil, nil
		}
	}
}

// mostPostage bounds the events of one postage.
const mostPostage = 1000

func (f *Flows) lookPostage(ctx context.Context, s scope.Scope, id string) (p ship.Postage, image []byte, err error) {
	recs, err := f.hub.bus.Driver().Stream(ctx, ship.PostageStream(s, id), 0, mostPostage)
	if err != nil {
		return p, nil, fault.E("routes.Postage", fault.Transient, fmt.Errorf("reading the journal: %w", err))
	}
	for i := range recs {
		e, err := decodeEvent(f.hub.reg, &recs[i])
		if err != nil {
			return p, nil, err
		}
		if b, ok := e.(ship.PostageBought); ok {
			image = b.Image
		}
		if p, err = ship.PostageFold.Apply(p, e); err != nil {
			return p, nil, err
		}
	}
	switch {
	case p.Status == ship.PostageNone:
		err = fault.At("routes.Postage", fault.Rejected, "postage", errors.New("no such label was asked for"))
	case p.Document != "" && image == nil && f.cfg.ReadLabel != nil:
		image, err = f.cfg.ReadLabel(ctx, p.Document)
	}
	return p, image, err
}

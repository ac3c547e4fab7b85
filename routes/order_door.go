package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/routes/eip"
)

// OrderView is an order as the doors answer: its state without anything about people.
type OrderView struct {
	order.Order
	Status order.Status `json:"status"`
}

func viewOf(o order.Order) OrderView { return OrderView{o, o.Status()} }

func (f *Flows) addOrderDoor() error {
	return f.hub.Add(Route{
		Name: door.Orders, About: "takes orders, changes, splits, merges, holds and cancels them; answers when the decision is durable",
		Handle: f.ask(door.Orders, f.askOrder), Writes: []string{onOrders, onInventory, onAudit},
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

func (f *Flows) askOrder(d *decision, a *door.Ask) (answered, error) {
	at := d.m.Now
	d.out.Correlate(order.KeyOf(a.Scope, a.ID))
	if c, ok := a.Cmd.(order.Place); ok {
		return d.placeAt(a, c)
	}
	var did bool
	switch c := a.Cmd.(type) {
	case order.Change:
		did = d.change(a.Scope, a.ID, c)
		return answered{viewOf(d.order(a.Scope, a.ID)), did}, d.err
	case order.Split:
		did = d.split(a.Scope, a.ID, c)
		return answered{viewOf(d.order(a.Scope, a.ID)), did}, d.err
	case order.Merge:
		did = d.merge(a.Scope, a.ID, c)
		return answered{viewOf(d.order(a.Scope, a.ID)), did}, d.err
	}
	o := d.order(a.Scope, a.ID)
	var events []event.Event
	var err error
	switch c := a.Cmd.(type) {
	case order.Hold:
		events, err = o.Hold(c, at)
	case order.Release:
		events, err = o.Release(c, at)
	case order.ReleaseLine:
		events, err = o.ReleaseLine(c, d.known(o.Scope), at)
	case order.Cancel:
		events, err = o.Cancel(c, at)
	default:
		return answered{}, wrongCommand(door.Orders, a.Cmd)
	}
	d.onOrder(o.Scope, o.Number, events, err)
	return answered{viewOf(d.order(a.Scope, a.ID)), len(events) > 0}, d.err
}

// mostOrderEvents are read of an order at once.
const mostOrderEvents = 500

// Order is an order as it stands in the journal, with whom it names; what nobody knows is none of it.
func (f *Flows) Order(ctx context.Context, s scope.Scope, number string) (o order.Order, err error) {
	for after := uint64(0); ; {
		recs, err := f.hub.bus.Driver().Stream(ctx, order.StreamOf(s, number), after, mostOrderEvents)
		if err != nil {
			return o, fault.E("routes.Order", fault.Transient, fmt.Errorf("reading the journal: %w", err))
		}
		for i := range recs {
			after = recs[i].Version
			e, err := decodeEvent(f.hub.reg, &recs[i])
			if err != nil {
				return o, err
			}
			if o, err = order.Fold.Apply(o, e); err != nil {
				return o, err
			}
		}
		if len(recs) < mostOrderEvents {
			return o, nil
		}
	}
}

// placeAt places an order under the business-key rule.
func (d *decision) placeAt(a *door.Ask, c order.Place) (answered, error) {
	if c.Scope == (scope.Scope{}) {
		c.Scope = a.Scope
	}
	if c.Facility == "" {
		c.Facility = a.Scope.Facility
	}
	if c.Number == "" {
		c.Number = a.ID
	}
	a.ID = c.Number
	err := d.place(c)
	var exists *order.ExistsError
	if errors.As(err, &exists) {
		if !exists.Same() {
			return answered{}, fault.At(door.Orders, fault.Rejected, "number", &door.ConflictError{Number: exists.Order, Differences: exists.Differences})
		}
		return answered{viewOf(d.order(c.Scope, c.Number)), false}, nil
	}
	return answered{viewOf(d.order(c.Scope, c.Number)), err == nil}, err
}

// place decides on a new order: accepted with its stock promised as far as there is any,
// or rejected, which is an event too.
func (d *decision) place(c order.Place) error {
	if err := c.Validate(); err != nil {
		return err // before anything is read for it
	}
	if err := d.f.building(c.Facility); err != nil {
		return err
	}
	c = d.crossedOrder(c)
	c.Lines = d.named(c.Scope, c.Lines)
	o := d.order(c.Scope, c.Number)
	events, err := o.Place(c, d.known(c.Scope), d.m.Now)
	if err != nil {
		return err
	}
	if !d.ownerTakes(door.Orders, c.Scope) {
		return d.err
	}
	d.onOrder(c.Scope, c.Number, events, nil)
	d.holdLines(d.order(c.Scope, c.Number))
	d.reserve(c.Scope, c.Number)
	return d.err
}

// commands is the internal topic of orders that documents ask for.
const commands = "order-commands"

// Types of the commands.
const (
	cmdPlace  = "order.Place"
	cmdAgain  = "order.PlaceAgain" // of an order that was rejected: what its letter replays
	cmdCancel = "order.Cancel"     // says no more of the order than whose and which it is
	cmdAmend  = "order.Amend"
)

// placing is the command that a document asks for, to the order service. Names and addresses
// travel in the record's sealed group.
func placing(typ string, c order.Place) (journal.Record, error) {
	people, err := json.Marshal(order.Parties{ShipTo: c.ShipTo, BillTo: c.BillTo, Notes: c.Notes, Named: c.Named})
	if err == nil {
		parties := order.Parties{}
		c.ShipTo, c.BillTo, c.Notes, c.Named = parties.ShipTo, parties.BillTo, nil, nil
		var data []byte
		if data, err = json.Marshal(c); err == nil {
			return journal.Record{
				Type: typ, Topic: commands, Key: order.KeyOf(c.Scope, c.Number), Data: data,
				Subject: order.StreamOf(c.Scope, c.Number), Personal: people,
			}, nil
		}
	}
	return journal.Record{}, fault.E("routes.placing", fault.Internal, fmt.Errorf("writing %s: %w", typ, err))
}

// repeated notes that a document asked for an order that exists and is the same, or for a
// cancellation of one that is cancelled.
type repeated struct {
	Order  string       `json:"order"`
	Source order.Source `json:"source"`
}

func (f *Flows) addPlacing() error {
	return f.hub.Add(Route{
		Name: "order.place", About: "places, changes and cancels the orders that documents ask for, under the same rule as the door",
		Topics: []string{commands}, Handle: f.placeCommand, Edit: editPlace,
		Parking: Parking{Independent: true},
		Writes:  []string{onOrders, onInventory, onExternal},
	})
}

func (f *Flows) placeCommand(ctx context.Context, m *Message) (*Out, error) {
	if m.Type == cmdAmend {
		return f.amendCommand(ctx, m)
	}
	var c order.Place
	if err := m.Decode(&c); err != nil {
		return nil, err
	}
	var people order.Parties
	if len(m.Personal) > 0 {
		if err := json.Unmarshal(m.Personal, &people); err != nil {
			return nil, fault.E(m.route, fault.Invalid, fmt.Errorf("reading the parties of %s: %w", m.Type, err))
		}
	}
	c.ShipTo, c.BillTo, c.Notes, c.Named = people.ShipTo, people.BillTo, people.Notes, people.Named
	if c.Facility == "" {
		c.Facility = f.cfg.Facility
	}
	d := f.decide(ctx, m)
	if d.m.Correlation == "" {
		d.out.Correlate(order.KeyOf(c.Scope, c.Number))
	}
	if m.Type == cmdCancel {
		return f.cancelCommand(d, c)
	}
	err := d.place(c)
	var exists *order.ExistsError
	if errors.As(err, &exists) {
		if exists.Same() {
			return m.Out().Publish(onExternal, "order.Repeated", m.Key, repeated{exists.Order, c.Source}), nil
		}
		return nil, fault.At(m.route, fault.Rejected, documentPlace(c.Source.DocType, exists.Differences[0].Place), exists)
	}
	if err != nil {
		return nil, inDocument(c.Source, err)
	}
	o := d.order(c.Scope, c.Number)
	if !o.Refused {
		return d.done()
	}
	// It is rejected and said so. The letter is that of a command which places it again,
	// so that a person finds the place and can replay it once the master data is right.
	if m.Type == cmdAgain {
		p := o.Problems[0]
		return nil, fault.At(m.route, fault.Rejected, documentPlace(o.Source.DocType, p.Place), fmt.Errorf("order %s ships whole or not at all and was rejected: %s", o.Number, p.Text))
	}
	again, err := placing(cmdAgain, c)
	if err != nil {
		return nil, err
	}
	d.out.Send(again)
	return d.done()
}

// cancelCommand cancels what is open of the order that a document names. What is past that, or is
// not there, is a letter which names the element.
func (f *Flows) cancelCommand(d *decision, c order.Place) (*Out, error) {
	m := d.m
	o := d.order(c.Scope, c.Number)
	if d.err != nil {
		return nil, d.err
	}
	if !o.Known() {
		return nil, noOrder(m, c.Source, c.Number, "cancelled")
	}
	events, err := o.Cancel(order.Cancel{Reason: "cancelled by " + c.Source.DocType, By: c.Source.Partner}, m.Now)
	if err != nil {
		return nil, fault.At(m.route, fault.Rejected, documentPlace(c.Source.DocType, "number"), errors.New(fault.Reason(err)))
	}
	if len(events) == 0 {
		d.out.Publish(onExternal, "order.Repeated", m.Key, repeated{c.Number, c.Source})
	}
	d.onOrder(c.Scope, c.Number, events, nil)
	d.amended(o, c.Source, true)
	return d.done()
}

// PlaceCommand is the record that asks for an order as a document does: on the topic of commands, with
// what is about people in its sealed group.
func PlaceCommand(c order.Place) (journal.Record, error) { return placing(cmdPlace, c) }

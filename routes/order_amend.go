package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
)

// amending is the command by which a document changes an order. The address travels in the
// record's sealed group.
func amending(c order.Amend) (journal.Record, error) {
	var people []byte
	var err error
	if c.ShipTo != nil {
		people, err = json.Marshal(c.ShipTo)
		c.ShipTo = nil
	}
	data, derr := json.Marshal(c)
	if err = errors.Join(err, derr); err != nil {
		return journal.Record{}, fault.E("routes.amending", fault.Internal, fmt.Errorf("writing %s: %w", cmdAmend, err))
	}
	return journal.Record{
		Type: cmdAmend, Topic: commands, Key: order.KeyOf(c.Scope, c.Number), Data: data,
		Subject: order.StreamOf(c.Scope, c.Number), Personal: people,
	}, nil
}

// orderAmended tells that what a document asked to be another of an order is so, by it or before.
const orderAmended = "order.Amended"

// amended is what [orderAmended] says.
type amended struct {
	order.Head
	Source    order.Source `json:"source"` // of the document
	Cancelled bool         `json:"cancelled,omitempty"`
}

// amendCommand changes an order as a document asks. What cannot be is a letter which names the
// element, and is told to the partner where that is agreed.
func (f *Flows) amendCommand(ctx context.Context, m *Message) (*Out, error) {
	var c order.Amend
	if err := m.Decode(&c); err != nil {
		return nil, err
	}
	if len(m.Personal) > 0 {
		c.ShipTo = &party.Address{}
		if err := json.Unmarshal(m.Personal, c.ShipTo); err != nil {
			return nil, fault.E(m.route, fault.Invalid, fmt.Errorf("reading the address of %s: %w", m.Type, err))
		}
	}
	d := f.decide(ctx, m)
	o := d.order(c.Scope, c.Number)
	if d.err != nil {
		return nil, d.err
	}
	if !o.Known() {
		return nil, noOrder(m, c.Source, c.Number, "changed")
	}
	asked, err := d.crossedAmend(o, c)
	if err != nil {
		return nil, fault.At(m.route, fault.KindOf(err), documentPlace(c.Source.DocType, fault.PlaceOf(err)), errors.New(fault.Reason(err)))
	}
	d.change(o.Scope, o.Number, asked.Change)
	if k := fault.KindOf(d.err); d.err != nil && (k == fault.Rejected || k == fault.Invalid) {
		return nil, fault.At(m.route, k, documentPlace(c.Source.DocType, asked.Where(fault.PlaceOf(d.err))), errors.New(fault.Reason(d.err)))
	}
	d.amended(o, c.Source, false)
	return d.done()
}

// amended tells who asked, where that was by a document that changes orders.
func (d *decision) amended(o order.Order, src order.Source, cancelled bool) {
	if answeredChanges[src.DocType] {
		d.out.Publish(onExternal, orderAmended, d.m.Key, amended{order.Head{Scope: o.Scope, Order: o.Number, At: d.m.Now}, src, cancelled})
	}
}

// answeredChanges are the documents that change or cancel orders and have an answer.
var answeredChanges = map[string]bool{"860": true, "ORDCHG": true, "ORDERS": true}

// noOrder says that a document names an order that is not there, or not yet.
func noOrder(m *Message, src order.Source, number, what string) error {
	return fault.At(m.route, fault.Rejected, documentPlace(src.DocType, "number"),
		fmt.Errorf("there is no order %s to be %s: it came under another number, or is still on its way; replay the letter then", number, what))
}

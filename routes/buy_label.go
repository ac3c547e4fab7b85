package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/routes/eip"
)

// Steps of the effects, part of the ledger's keys.
const (
	stepBuy  = "buy"
	stepVoid = "void"
)

// bought is a label in the ledger. Its bytes are kept apart.
type bought struct {
	ship.Label
	Document string `json:"document,omitempty"`
}

// voiding is the command to give a label back.
type voiding struct {
	Scope  scope.Scope `json:"scope"`
	Carton string      `json:"carton"`
	Order  string      `json:"order"`
	Label  bought      `json:"label"`
	Reason string      `json:"reason"`
}

const cmdVoid = "label.Void"

func voidTopic(conn string) string { return "void." + conn }

// callsAtOnce is how many calls a connection has under way: a partner that comes back after an
// outage is not met by all that waited at once.
const callsAtOnce = 16

// addCarriers hosts each carrier connection: routes that buy, and routes that void.
func (f *Flows) addCarriers() error {
	for _, c := range f.cfg.Carriers {
		buys := "out." + c.Name
		err := errors.Join(
			f.hub.AddEffect(outward(c, buys, "buys labels at "+c.Name+", each once", buyTopic(c.Name), onPacks, voidTopic(c.Name)), f.buying(c, Effect{
				Plan: func(ctx context.Context, m *Message) (*Call, *Out, error) { return f.planBuy(ctx, m, buys) },
				Then: func(ctx context.Context, m *Message, call *Call, outcome []byte) (*Out, error) {
					return f.labelBought(ctx, m, c.Name, call, outcome)
				},
				Refused: func(ctx context.Context, m *Message, _ *Call, why error) (*Out, error) {
					return f.labelRefused(ctx, m, c.Name, why)
				},
			})),
			f.hub.AddEffect(outward(c, buys+".void", "gives labels back to "+c.Name, voidTopic(c.Name), onPacks), givingBack(c, Effect{
				Plan: func(_ context.Context, m *Message) (*Call, *Out, error) {
					var v voiding
					if err := m.Decode(&v); err != nil {
						return nil, nil, err
					}
					return &Call{Ref: v.Label.TrackingNumber, Value: v}, nil, nil
				},
				Then: f.labelVoided,
			})),
			f.addPostage(c))
		if err != nil {
			return err
		}
	}
	return nil
}

// outward is a route to a carrier connection.
func outward(c CarrierConfig, name, about, topic string, writes ...string) Route {
	return Route{
		Name: name, About: about, Conn: c.Name, Topics: []string{topic}, Parking: Parking{Independent: true}, Parallel: callsAtOnce,
		Writes: writes, Patterns: []string{eip.NameChannelAdapter, eip.NameBreaker, eip.NameCompeting},
	}
}

// buying completes an effect whose call's value is the parcel that is bought.
func (f *Flows) buying(c CarrierConfig, e Effect) Effect {
	e.Step, e.Timeout, e.ResolveAfter = stepBuy, c.Timeout, c.ResolveAfter
	e.Do = func(ctx context.Context, call *Call) ([]byte, error) {
		l, err := c.Port.Buy(ctx, call.Value.(ship.Parcel))
		if err != nil {
			return nil, err
		}
		return f.outcome(ctx, call, []ship.Label{l})
	}
	e.Resolve = func(ctx context.Context, call *Call) ([]byte, bool, error) {
		found, err := f.resolveBuy(ctx, c.Port, call)
		if err != nil || len(found) == 0 {
			return nil, false, err
		}
		out, err := f.outcome(ctx, call, found)
		return out, err == nil, err
	}
	return e
}

// unwanted is a label that is given back.
type unwanted interface{ sold() ship.Label }

func (v voiding) sold() ship.Label { return v.Label.Label }

// givingBack completes an effect whose call's value is [unwanted]. Voiding may be repeated after any
// outcome: asking is doing it again.
func givingBack(c CarrierConfig, e Effect) Effect {
	e.Step, e.Timeout, e.ResolveAfter = stepVoid, c.Timeout, c.ResolveAfter
	e.Do = func(ctx context.Context, call *Call) ([]byte, error) {
		return nil, c.Port.Void(ctx, call.Value.(unwanted).sold())
	}
	e.Resolve = func(ctx context.Context, call *Call) ([]byte, bool, error) {
		err := c.Port.Void(ctx, call.Value.(unwanted).sold())
		return nil, err == nil, err
	}
	return e
}

// resolveBuy asks which labels a purchase left. Those that a carrier prints once, and whose
// bytes were lost with its answer, are given back: then none stands, and another is bought.
func (f *Flows) resolveBuy(ctx context.Context, port ship.Carrier, call *Call) ([]ship.Label, error) {
	const op = "routes.Resolve"
	found, err := port.Resolve(ctx, call.Value.(ship.Parcel))
	if err != nil {
		return nil, err
	}
	var usable []ship.Label
	for _, l := range found {
		if len(l.Image) > 0 {
			usable = append(usable, l)
			continue
		}
		if wait := call.Until.Sub(f.hub.Now()); wait > 0 {
			return nil, &fault.Error{Op: op, Kind: fault.Transient, After: wait, Err: fmt.Errorf("label %s has no bytes, and who bought it may still be reading them", l.TrackingNumber)}
		}
		if err := port.Void(ctx, l); err != nil {
			return nil, fault.Wrap(op, fmt.Errorf("giving back label %s, which cannot be printed: %w", l.TrackingNumber, err))
		}
	}
	return usable, nil
}

// planBuy makes the parcel of a command. A label that nobody wants any more is not bought,
// unless the purchase has begun.
func (f *Flows) planBuy(ctx context.Context, m *Message, route string) (*Call, *Out, error) {
	var b buy
	if err := m.Decode(&b); err != nil {
		return nil, nil, err
	}
	d := f.decide(ctx, m)
	begun, err := m.Row(ctx, journal.TableEffect, journal.EffectKey(route, m.origin, stepBuy))
	if err != nil {
		return nil, nil, err
	}
	l := peek(d, f.labels, label.StreamOf(b.Scope, b.Carton))
	o := peek(d, f.orders, order.StreamOf(b.Scope, b.Order))
	if d.err != nil {
		return nil, nil, d.err
	}
	if begun == nil && (l.Status != label.StatusRequested || l.Attempt != b.Attempt) {
		return nil, m.Out(), nil
	}
	ref := effectRef(route, m.origin, stepBuy)
	p := f.parcel(o, b, ref)
	if err := p.Validate(); err != nil && begun == nil {
		return nil, nil, err
	}
	return &Call{Ref: ref, Value: p}, nil, nil
}

// outcome is what the ledger keeps of labels. Their bytes go with the event, sealed; long ones
// are made durable first, and where that does not succeed the purchase is Unknown, and asked
// about again.
func (f *Flows) outcome(ctx context.Context, call *Call, labels []ship.Label) ([]byte, error) {
	const op = "routes.KeepLabel"
	out := make([]bought, len(labels))
	for i, l := range labels {
		if i == 0 && len(l.Image) <= eip.MaxInline {
			call.Kept = l.Image
		} else if f.cfg.KeepLabel != nil && len(l.Image) > 0 {
			name, err := f.cfg.KeepLabel(ctx, l.Image)
			if err != nil {
				return nil, fault.E(op, fault.Unknown, fmt.Errorf("keeping the label's bytes: %w", err))
			}
			out[i].Document = name
		}
		l.Image = nil
		out[i].Label = l
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fault.E(op, fault.Unknown, err)
	}
	return b, nil
}

// boughtOf are the labels of an outcome in the ledger, one at least.
func boughtOf(m *Message, outcome []byte) ([]bought, error) {
	var labels []bought
	if err := json.Unmarshal(outcome, &labels); err != nil || len(labels) == 0 {
		return nil, fault.E(m.route, fault.Internal, fmt.Errorf("reading the labels in the ledger: %w", errors.Join(err, errors.New("there must be one"))))
	}
	return labels, nil
}

// labelBought records the label that was bought. One that nobody waits for any more, and
// all but the first of a purchase that was doubled, are given back.
func (f *Flows) labelBought(ctx context.Context, m *Message, conn string, call *Call, outcome []byte) (*Out, error) {
	var b buy
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
	events, err := d.label(b.Scope, b.Carton).Buy(label.Buy{
		Attempt: b.Attempt, Carrier: conn, Service: first.Service.Code, Tracking: first.TrackingNumber,
		Shipment: first.ShipmentID, Cost: first.Cost, Document: first.Document, Image: image,
	}, m.Now)
	surplus := labels[1:]
	if err != nil && fault.KindOf(err) == fault.Rejected {
		surplus, events, err = labels, nil, nil
	}
	d.onLabel(b.Scope, b.Carton, events, err)
	for _, l := range surplus {
		d.giveBack(conn, voiding{b.Scope, b.Carton, b.Order, l, "surplus"})
	}
	return d.done()
}

// giveBack sends a label to be voided.
func (d *decision) giveBack(conn string, v voiding) {
	d.out.Publish(voidTopic(conn), cmdVoid, labelKey(v.Scope, v.Carton), v)
}

// labelRefused records the carrier's no. The letter is opened by the route that reads it.
func (f *Flows) labelRefused(ctx context.Context, m *Message, conn string, why error) (*Out, error) {
	var b buy
	if err := m.Decode(&b); err != nil {
		return nil, err
	}
	d := f.decide(ctx, m)
	events, err := d.label(b.Scope, b.Carton).Refuse(label.Refuse{Attempt: b.Attempt, Carrier: conn, Code: "rejected", Reason: oneLine(why)}, m.Now)
	if err != nil && fault.KindOf(err) == fault.Rejected {
		events, err = nil, nil // nobody waits for it any more
	}
	d.onLabel(b.Scope, b.Carton, events, err)
	return d.done()
}

// labelVoided records that a label was given back, where it is the carton's own.
func (f *Flows) labelVoided(ctx context.Context, m *Message, c *Call, _ []byte) (*Out, error) {
	v := c.Value.(voiding)
	d := f.decide(ctx, m)
	l := d.label(v.Scope, v.Carton)
	if d.err == nil && l.Status == label.StatusBought && l.Tracking == v.Label.TrackingNumber {
		events, err := l.Void(label.Void{Tracking: l.Tracking, Reason: v.Reason}, m.Now)
		d.onLabel(v.Scope, v.Carton, events, err)
	}
	return d.done()
}

// byCancel marks a label that we ourselves no longer want.
const byCancel = "cancelled"

func (f *Flows) addRefusedLabels() error {
	return f.hub.Add(Route{
		Name: "label.refused", About: "opens a letter for each label that a carrier refused; its replay asks anew",
		Topics: []string{onPacks}, Handle: f.refusedLabel,
		Types: takes(label.Refused{}), Parking: Parking{Independent: true},
		Writes: []string{onPacks}, Patterns: []string{eip.NameDeadLetter},
	})
}

func (f *Flows) refusedLabel(ctx context.Context, m *Message) (*Out, error) {
	e, ok := m.Event.(label.Refused)
	if !ok || e.Code == byCancel {
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	l := d.label(e.Scope, e.Carton)
	if d.err != nil || l.Status != label.StatusRefused || l.Attempt != e.Attempt {
		return d.done()
	}
	if m.d.Letter == "" {
		return nil, fault.At(m.route, fault.Rejected, "carton "+e.Carton, fmt.Errorf("%s sells no label for carton %s of order %s: %s", e.Carrier, e.Carton, e.Order, e.Reason))
	}
	if _, found := d.work(e.Scope, e.Order).carton(e.Carton); found {
		o := d.order(e.Scope, e.Order)
		events, err := l.Request(label.Request{Scope: e.Scope, Carton: e.Carton, Order: e.Order, Carrier: o.Service.Carrier, Service: o.Service.Level}, m.Now)
		d.onLabel(e.Scope, e.Carton, events, err)
	}
	return d.done()
}

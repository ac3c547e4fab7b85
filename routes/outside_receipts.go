package routes

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

// announceOutside tells the 3PLs who read a syntax what comes to buildings that they run, and what of it
// is another now.
func (e *edi) announceOutside(ctx context.Context, m *Message, byMessage bool) (*Out, error) {
	if m.Type == outsideLate {
		return e.lateReceipt(ctx, m)
	}
	stream := m.Event.(event.Streamed).Stream()
	r, err := Peek(ctx, m, e.flows.receipts, stream)
	if err != nil {
		return nil, err
	}
	p, ok := e.runs(r.Scope.Facility)
	if !ok || p.EDIFACT.Runs != byMessage {
		return m.Out(), nil
	}
	_, before, err := m.Claimed(ctx, announcedTo(p.Name), r.ID)
	if err != nil {
		return nil, err
	}
	out := m.Out()
	desadv := func(function string) (journal.Record, error) {
		return e.interchange(ctx, m, out, p, p.unb(), p.unh("DESADV"), func(int) ([]edifact.Out, error) {
			return edifactwms.Announcement(p.Profile, r, function, m.Now), nil
		})
	}
	if _, cancelled := m.Event.(receiving.Cancelled); cancelled {
		if byMessage && !before {
			return out, nil
		}
		if byMessage {
			rec, err := desadv(edifactwms.TakesBack)
			if err != nil {
				return nil, err
			}
			return out.Send(rec), nil
		}
		return nil, fault.At(m.route, fault.Rejected, r.ID, fmt.Errorf("receipt %s does not come to %s any more, which no 943 can say: tell him, then drop this letter", r.ID, p.Name))
	}
	if r.Ended() || len(r.Lines) == 0 {
		return out, nil
	}
	var rec journal.Record
	switch {
	case byMessage && before:
		rec, err = desadv(edifactwms.Replaces)
	case byMessage:
		rec, err = desadv(edifactwms.Original)
	default:
		rec, err = e.envelope(ctx, m, out, p, "943", p.Profile.TransferAdvice(r))
	}
	if err != nil {
		return nil, err
	}
	e.expect(out, p, stream, r.Due)
	out.Claims = append(out.Claims, journal.ClaimOp{Scope: announcedTo(p.Name), ID: r.ID, Forget: true})
	return out.Send(rec).Claim(announcedTo(p.Name), r.ID, sha256.Sum256([]byte(stream)), []byte(stream)), nil
}

// announcedTo is where the receipts that a 3PL was told of are found by their number.
func announcedTo(partner string) string { return "outside-receipts/" + partner }

// receivedOutside takes a 944 or RECADV: the receipt got what it says, and is closed. No stock of it is
// kept here. wrong says that it was not to be read.
func (e *edi) receivedOutside(ctx context.Context, m *Message, c report, p Partner, a x12wms.Arrived, wrong error) (*Out, error) {
	if wrong != nil {
		return nil, untranslated(m.route, c.name, c.document, fault.KindOf(wrong), wrong)
	}
	refuse := refusing(m, c)
	var known journal.Claim
	found := false
	var err error
	for _, n := range a.Numbers {
		if n.Value != "" && !found {
			if known, found, err = m.Claimed(ctx, announcedTo(p.Name), n.Value); err != nil {
				return nil, err
			}
		}
	}
	at := a.Numbers[len(a.Numbers)-1]
	if !found {
		return nil, refuse(at.At, "it speaks of receipt %.40q, and none of that number was announced to %s", at.Value, p.Name)
	}
	said, err := json.Marshal(a.Said())
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	hash := sha256.Sum256(said)
	before, ok, err := m.Claimed(ctx, toldBy(p.Name), string(known.Answer))
	switch {
	case err != nil:
		return nil, err
	case ok && before.Hash == hash:
		return m.Out(), nil
	case ok:
		return nil, refuse(at.At, "a %s of it came before, and said something else: ask %s which holds", c.kind, p.Name)
	}
	d := e.flows.decide(ctx, m)
	stream := string(known.Answer)
	if r := load(d, d.f.receipts, stream); d.err == nil && p.elsewhere(a.Warehouse.Value, r.Scope.Facility) {
		return nil, refuse(a.Warehouse.At, "it is of building %.40q, and receipt %s was announced for %s", a.Warehouse.Value, r.ID, p.Profile.Outside(p.Profile.Facilities, r.Scope.Facility))
	}
	for i, l := range a.Lines {
		r := load(d, d.f.receipts, stream)
		if d.err != nil {
			return nil, d.err
		}
		sku, line, ok := d.receiptLine(r, l)
		if !ok {
			return nil, refuse(l.At, "receipt %s has no such line", r.ID)
		}
		for _, part := range [...]struct {
			qty               int64
			condition, reason string
			serials           []string
		}{{l.Qty - l.Damaged, receiving.Good, "", l.Serials}, {l.Damaged, receiving.Damaged, "outside", nil}} {
			if part.qty == 0 {
				continue
			}
			qty, err := d.item(r.Scope, sku).ToSmallest(part.qty, l.UOM)
			if err != nil {
				return nil, refuse(l.At, "%s", fault.Reason(err))
			}
			if int64(len(part.serials)) != qty {
				part.serials = nil // those of the others cannot be told apart
			}
			r := load(d, d.f.receipts, stream)
			events, err := r.Receive(receiving.Receive{
				Place: inventory.Place{Location: p.Name, Lot: l.Lot}, Line: line, Item: sku, Qty: qty, Expiry: l.Expiry, Condition: part.condition, Reason: part.reason,
				Entry: fmt.Sprintf("%s-%d-%s", c.kind, i+1, part.condition), By: p.Name, Serials: part.serials,
				Policy: receiving.Policy{Tolerance: receiving.MaxTolerance, Over: receiving.HoldOver, Blind: true, Stage: inventory.Free},
			}, d.m.Now)
			if err != nil {
				return nil, refuse(l.At, "%s", fault.Reason(err))
			}
			add(d, d.f.receipts, stream, events, nil)
		}
	}
	r := load(d, d.f.receipts, stream)
	events, err := r.Close(receiving.Close{By: p.Name}, d.m.Now)
	if err != nil {
		return nil, refuse(at.At, "%s", fault.Reason(err))
	}
	add(d, d.f.receipts, stream, events, nil)
	d.out.Claim(toldBy(p.Name), stream, hash, nil)
	return d.done()
}

// receiptLine is the line that is meant: by the number that we gave it, else the item that is named.
func (d *decision) receiptLine(r receiving.Receipt, l x12wms.ArrivedLine) (sku string, no int, ok bool) {
	is := func(x receiving.Expected) bool {
		return slices.ContainsFunc(l.Codes, func(c x12wms.Text) bool { return c.Value == x.Item || d.isCode(r.Scope, x.Item, c.Value) })
	}
	i := slices.IndexFunc(r.Lines, func(x receiving.Expected) bool { return l.Ref.Value != "" && fmt.Sprint(x.No) == l.Ref.Value })
	if i >= 0 {
		return r.Lines[i].Item, r.Lines[i].No, len(l.Codes) == 0 || is(r.Lines[i])
	}
	if i = slices.IndexFunc(r.Lines, is); i >= 0 {
		return r.Lines[i].Item, 0, true
	}
	return "", 0, false
}

package routes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/dlq"
)

// erpDocument is what is kept of a document that an ERP was asked for.
type erpDocument struct {
	erp.Document
	Stream string `json:"stream"` // of the order or receipt
	Key    string `json:"key"`    // by which what is asked of it is in order
	// Message is what asks for it as it comes to the ERP's route, whose letter it may be.
	Message string `json:"message"`
	Times   int    `json:"times,omitempty"` // that it was posted
}

func erpDocumentKey(name, do, number string) string {
	return "erp-document/" + scope.Join(name, do, number)
}

// wants says in out what an ERP is asked for about a document, and how that stands meanwhile.
func (c ERPConfig) wants(out *Out, st journal.State, x erpDocument, typ, status string, data any) {
	out.Publish(c.asks(), typ, x.Key, data)
	id := out.Records[len(out.Records)-1].ID
	if c.Queued {
		id = id.Child("queue."+QueueOfERP(c.Name).Name, typ, 0)
	}
	x.ERP, x.Status, x.At, x.Message, x.Letter, x.Cause = c.Name, status, out.m.Now, id.String(), "", ""
	out.SetState(erpDocumentKey(c.Name, x.Do, x.Number), st, x)
}

// askFor asks for a document to be posted; nil posts nothing.
func (e *erps) askFor(d *decision, c ERPConfig, x erpDocument, data any) {
	var was erpDocument
	st, _ := d.state(erpDocumentKey(c.Name, x.Do, x.Number), &was)
	if d.err != nil || data == nil {
		return
	}
	x.Times = was.Times
	c.wants(d.out, st, x, map[string]string{erp.DoIssue: cmdERPIssue, erp.DoReceipt: cmdERPReceive}[x.Do], erp.Asked, data)
}

// stands notes in out how a document stands at the ERP.
func (c ERPConfig) stands(ctx context.Context, m *Message, out *Out, do, number, status string, day time.Time) error {
	key := erpDocumentKey(c.Name, do, number)
	st, err := m.State(ctx, key)
	if err != nil || st.Data == nil { // it was asked for before documents were kept
		return err
	}
	var x erpDocument
	if err := json.Unmarshal(st.Data, &x); err != nil {
		return fault.E(m.route, fault.Internal, fmt.Errorf("reading %s: %w", key, err))
	}
	if status == erp.Stands {
		x.Times++
	}
	if x.Message == m.origin.String() { // else something else was asked for since
		x.Status, x.At = status, m.Now
	}
	x.Day = day
	out.SetState(key, st, x)
	return nil
}

// act does what somebody asks about a document.
func (e *erps) act(ctx context.Context, m *Message, a erp.Act) (*Out, error) {
	refuse := func(place, format string, args ...any) (*Out, error) {
		return nil, fault.At(door.ERPs, fault.Rejected, place, fmt.Errorf(format, args...))
	}
	i := slices.IndexFunc(e.all, func(c ERPConfig) bool { return c.Name == a.ERP })
	if i < 0 {
		return refuse("erp", "no ERP is named %q", a.ERP)
	}
	c := e.all[i]
	for place, text := range map[string]string{"reason": a.Reason, "by": a.By} {
		if err := scope.CheckPart(text); err != nil && (a.Reverse || text != "") {
			return nil, fault.At(door.ERPs, fault.Invalid, place, err)
		}
	}
	d := e.flows.decide(ctx, m)
	var x erpDocument
	st, known := d.state(erpDocumentKey(c.Name, a.Do, a.Number), &x)
	if d.err != nil {
		return nil, d.err
	}
	if !known {
		return refuse("number", "%s was asked for no %s of delivery %.40q", c.Name, a.Do, a.Number)
	}
	_, letter, _, err := m.hub.letterOf(ctx, x)
	if err != nil {
		return nil, err
	}
	dropped := letter == journal.LetterDropped // nobody is going to do what was asked for last
	if a.Reverse {
		switch {
		case c.Reverser == nil:
			return refuse("erp", "%s takes nothing back", c.Name)
		case x.Status != erp.Stands && !(x.Status == erp.Reversing && dropped):
			return refuse("status", "the %s of %s is %s: only one that is %s can be taken back", a.Do, a.Number, x.Status, erp.Stands)
		}
		c.wants(d.out, st, x, cmdERPReverse, erp.Reversing, erp.Reversal{Key: m.ID.String(), Do: x.Do, Delivery: x.Number, Day: m.Now, Reason: a.Reason, By: a.By})
		return d.done()
	}
	if x.Status != erp.Undone && !(x.Status == erp.Asked && dropped) {
		return refuse("status", "the %s of %s is %s: what waits is tried by itself, and only one that is %s is posted anew", a.Do, a.Number, x.Status, erp.Undone)
	}
	var data any
	if x.Do == erp.DoIssue {
		o := peek(d, e.flows.orders, x.Stream)
		data = goodsIssueOf(m.ID.String(), o)
	} else {
		var of erpReceipt
		d.state(erpReceiptKey(c.Name, x.Number), &of)
		data = e.receipt(d, receiving.Head{Scope: c.scopeIn(of.Facility), ID: x.Number}, of, nil)
	}
	if d.err == nil && data != nil {
		e.askFor(d, c, x, data)
	}
	return d.done()
}

// ERPDocument is how a document stands that an ERP was asked for, with the open letter of what was asked last.
func (h *Hub) ERPDocument(ctx context.Context, name, do, number string) (erp.Document, error) {
	x, err := h.erpDocument(ctx, name, do, number)
	return x.Document, err
}

func (h *Hub) erpDocument(ctx context.Context, name, do, number string) (erpDocument, error) {
	const op = "routes.ERPDocument"
	x, err := reportOf[erpDocument](ctx, h, op, "number", erpDocumentKey(name, do, number), fmt.Errorf("ERP %q was asked for no %s of delivery %.40q", name, do, number))
	if err != nil {
		return x, err
	}
	id, state, l, err := h.letterOf(ctx, x)
	if err != nil || x.Status != erp.Asked && x.Status != erp.Reversing {
		return x, err
	}
	if state == journal.LetterOpen {
		x.Letter, x.Cause = id, l.Cause
	}
	if state == journal.LetterDropped {
		x.Cause = "letter " + id + " was dropped: ask for it anew"
	}
	return x, nil
}

// letterOf is the letter of what was asked for last, where it ended in one.
func (h *Hub) letterOf(ctx context.Context, x erpDocument) (id string, state journal.LetterState, l dlq.Letter, err error) {
	msg, err := journal.ParseID(x.Message)
	if err != nil {
		return "", 0, l, fault.E("routes.ERPDocument", fault.Internal, err)
	}
	id = dlq.ID("out.erp."+x.ERP, msg)
	s, l, err := h.readLetter(ctx, id)
	return id, s.State, l, err
}

// ActOnERP does what somebody asks about a document. What ended in a letter is tried again by its replay.
func (h *Hub) ActOnERP(ctx context.Context, a erp.Act) (erp.Document, error) {
	x, err := h.erpDocument(ctx, a.ERP, a.Do, a.Number)
	if err != nil {
		return x.Document, err
	}
	again := !a.Reverse || x.Status == erp.Reversing
	if x.Letter != "" && again {
		_, l, err := h.readLetter(ctx, x.Letter)
		if err == nil {
			err = h.Desk().Replay(ctx, x.Letter, l.Opening, cmp.Or(a.By, "somebody"))
		}
		if err != nil {
			return x.Document, err
		}
	} else if _, err := h.Call(ctx, door.ERPs, a); err != nil {
		return x.Document, err
	}
	return h.ERPDocument(ctx, a.ERP, a.Do, a.Number)
}

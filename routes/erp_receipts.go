package routes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
)

func erpAnnounces(name string) string { return "erp.receipts." + name }
func erpReceiptKey(name, number string) string {
	return "erp-receipt/" + scope.Join(name, number)
}
func erpStoodKey(name, number string) string { return "erp-stood/" + scope.Join(name, number) }

// Messages of inbound deliveries that are read.
const (
	cmdERPPollReceipts = "erp.PollReceipts"
	cmdERPReadReceipt  = "erp.ReadReceipt"
	cmdERPLookReceipt  = "erp.LookReceipt"
	erpArrivalRead     = "erp.ArrivalRead"
)

// inbound are the deliveries that become receipts.
func (c ERPConfig) inbound() erpFeed {
	return erpFeed{
		poll: cmdERPPollReceipts, read: cmdERPReadReceipt, look: cmdERPLookReceipt, timers: "receipts/", key: "erp-poll-receipts/" + c.Name,
		decides: erpAnnounces(c.Name), changed: c.Receiver.Announced,
		asked: func(number string) string { return "erp-asked-receipt/" + scope.Join(c.Name, number) },
		// A list may not name the plant: the items do.
		ours: func(plant string) bool { return plant == "" || len(c.Plants) == 0 || c.Plants[plant] != "" },
	}
}

// readArrival is an inbound delivery as it was read.
type readArrival struct {
	At time.Time `json:"at"`
	erp.Arrival
}

// erpReceipt is what is known of an inbound delivery: as it was decided on last.
type erpReceipt struct {
	At       time.Time `json:"at"`                 // when it was read
	Facility string    `json:"facility,omitempty"` // where it is a receipt, "" as long as it is none
	Asks     string    `json:"asks,omitempty"`     // hash of what it announces
	// Materials are what it calls its items, by their numbers.
	Materials map[int]string `json:"materials,omitempty"`
}

func (c ERPConfig) scopeIn(facility string) scope.Scope {
	return scope.Scope{Tenant: c.Tenant, Owner: c.Owner, Facility: facility}
}

// readArrival hands on an inbound delivery as it stands. As long as its goods receipt is not posted it is read
// again: that it was deleted is in no list.
func (e *erps) readArrival(ctx context.Context, m *Message, c ERPConfig, number string) (*Out, error) {
	f := c.inbound()
	type found struct {
		erp.Arrival
		ok bool
	}
	a, err := Guard(m.hub, erpConn(c.Name), func() (found, error) {
		return guarded(func() (found, error) {
			a, ok, err := c.Receiver.Arrival(ctx, number)
			return found{a, ok}, err
		})
	})
	out := m.Out()
	again := func() { out.Timer(f.timers+"look/"+number, number, f.look, m.Now.Add(c.Look), toRead{ID: number}) }
	k := fault.KindOf(err)
	switch {
	case err != nil && m.Type == f.look && (k == fault.Rejected || k == fault.Invalid):
		// What is wrong with it came with a change, which was listed: that reading told of it.
		again()
		return out, nil
	case err != nil:
		return nil, err
	case !a.ok:
		a.Arrival = erp.Arrival{Listed: erp.Listed{Number: number}, Gone: true}
	case a.Movement == erp.NotMoved:
		again()
	}
	if m.Type == f.look && a.ok {
		if fresh, err := anotherVersion(ctx, m, out, f.asked(number), a.Version); err != nil || !fresh {
			return out, err
		}
	}
	data, err := json.Marshal(readArrival{m.Now, a.Arrival})
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	return out.Send(journal.Record{Type: erpArrivalRead, Topic: erpIn(c.Name), Key: scope.Join("receipt", c.Name, a.Number), Data: data}), nil
}

// announcing makes receipts of what was read. What cannot be one is a letter of its own, with the place.
func (e *erps) announcing(c ERPConfig) Route {
	return Route{
		Name: erpAnnounces(c.Name), About: "announces, changes and cancels receipts as the ERP's inbound deliveries want them",
		Topics: []string{erpIn(c.Name)}, Types: []string{erpArrivalRead}, Writes: []string{onInventory, onPutAways, onAudit},
		Parking: Parking{Independent: true}, Patterns: []string{eip.NameTranslator},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			var a readArrival
			if err := m.Decode(&a); err != nil {
				return nil, err
			}
			return e.announce(ctx, m, c, a)
		},
	}
}

// goesTo is the building of ours that a delivery goes to, "" where it goes elsewhere.
func (c ERPConfig) goesTo(a erp.Arrival) (string, error) {
	if len(c.Plants) == 0 {
		return c.Facility, nil
	}
	to := c.Plants[a.Plants[0]]
	for _, p := range a.Plants[1:] {
		if c.Plants[p] != to {
			return "", fmt.Errorf("its items go to plants %s, which are not one building of ours: split it there", strings.Join(a.Plants, ", "))
		}
	}
	return to, nil
}

func (e *erps) announce(ctx context.Context, m *Message, c ERPConfig, a readArrival) (*Out, error) {
	d := e.flows.decide(ctx, m)
	key := erpReceiptKey(c.Name, a.Number)
	var st erpReceipt
	old, known := d.state(key, &st)
	if d.err != nil {
		return nil, d.err
	}
	if known && a.At.Before(st.At) {
		return m.Out(), nil // an older look that came late
	}
	refuse := func(err error) (*Out, error) { return nil, fault.At(m.route, fault.Rejected, a.Number, err) }
	none := a.Gone || len(a.Announcement.Lines) == 0
	facility := ""
	if !none {
		var err error
		if facility, err = c.goesTo(a.Arrival); err != nil {
			return refuse(err)
		}
	}
	placed := st.Facility != ""
	ask := door.Ask{Scope: c.scopeIn(cmp.Or(st.Facility, facility)), ID: a.Number, Actor: c.Name}
	open := false
	if placed {
		r := d.receipt(ask.Scope, a.Number)
		open = r.Known() && !r.Ended()
	}
	hash, err := announcementHash(a.Announcement)
	if err != nil {
		return nil, err
	}
	switch {
	case d.err != nil:
		return nil, d.err
	case placed && !open: // it was received, and what comes is our own posting; or it was cancelled here
	case a.Movement != erp.NotMoved && !a.Gone:
		if open {
			return refuse(fmt.Errorf("the goods receipt of delivery %s was posted in %s, and receipt %s is still open here: receive and close it, and drop this letter", a.Number, c.Name, a.Number))
		}
	case none, facility == "":
		why := "it was deleted in " + c.Name
		if !a.Gone {
			why = "nothing of it comes to us in " + c.Name
		}
		if open {
			ask.Cmd = receiving.Cancel{Reason: why, By: c.Name}
		}
	case a.Blocked != "": // nothing is announced, nor changed, until it is free
		return m.Out(), nil
	case open && st.Facility != facility:
		return refuse(fmt.Errorf("delivery %s goes to %s in %s now, and receipt %s is at %s: cancel the receipt, and announce it there", a.Number, facility, c.Name, a.Number, st.Facility))
	case !placed:
		st.Facility = facility
		ask.Cmd = receiving.Announce{Announcement: e.inOurWords(d, c, ask.Scope, a.Announcement)}
	case st.Asks != hash:
		ask.Cmd = receiving.Change{Announcement: e.inOurWords(d, c, ask.Scope, a.Announcement)}
	}
	st.At, st.Asks = a.At, hash
	if ask.Cmd != nil && !none {
		st.Materials = map[int]string{}
		for _, l := range a.Announcement.Lines {
			st.Materials[l.No] = l.Item
		}
	}
	d.out.SetState(key, old, st)
	if ask.Cmd == nil {
		return d.done()
	}
	out, _, err := e.flows.decideAsk(d, door.Receipts, &ask, e.flows.askReceipt)
	return out, err
}

// inOurWords names items as we do. What the ERP calls them stays among the codes.
func (e *erps) inOurWords(d *decision, c ERPConfig, s scope.Scope, a receiving.Announcement) receiving.Announcement {
	a.Lines = slices.Clone(a.Lines)
	for i := range a.Lines {
		l := &a.Lines[i]
		sku := l.Item
		if meant, found := d.meaning(s.Tenant, c.Name, crossref.Item, l.Item); found {
			sku = meant.Ours
		} else {
			sku = d.skuOf(s, sku, nil)
		}
		if sku != l.Item {
			l.Codes = []item.Code{{Kind: ofPartner, Value: l.Item}}
		}
		l.Item = sku
	}
	return a
}

func announcementHash(a receiving.Announcement) (string, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return "", fault.E("routes.erps", fault.Internal, err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16]), nil
}

// receipts asks for the goods receipt of a receipt that is closed, where an ERP announced it. What of it stood
// damaged or held when it came is noted until then.
func (e *erps) receipts(outs []string) Route {
	return Route{
		Name: "out.erp.receipts", About: "goods receipts of receipts that are closed, to the ERP that announced them",
		Topics: []string{onInventory}, Start: bus.Now, Writes: outs, Patterns: []string{eip.NameFilter, eip.NameRouter},
		Types: takes(receiving.Received{}, receiving.Closed{}),
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			var head receiving.Head
			var got *receiving.Received
			switch x := m.Event.(type) {
			case receiving.Received:
				head, got = x.Head, &x
			case receiving.Closed:
				head = x.Head
			}
			d := e.flows.decide(ctx, m)
			for _, c := range e.all {
				if c.Receiver == nil {
					continue
				}
				var of erpReceipt
				_, announced := d.state(erpReceiptKey(c.Name, head.ID), &of)
				if d.err != nil || !announced || head.Scope != c.scopeIn(of.Facility) {
					continue
				}
				var stood []erp.Stood
				st, _ := d.state(erpStoodKey(c.Name, head.ID), &stood)
				if got == nil {
					e.askFor(d, c, erpDocument{Document: erp.Document{Do: erp.DoReceipt, Number: head.ID}, Stream: head.Stream(), Key: m.Key}, e.receipt(d, head, of, stood))
				} else if stands(got.Stage) {
					i := slices.IndexFunc(stood, func(s erp.Stood) bool { return s.SKU == got.Item && s.Lot == got.Lot })
					if i < 0 {
						stood, i = append(stood, erp.Stood{SKU: got.Item, Lot: got.Lot}), len(stood)
					}
					stood[i].Qty += got.Qty
					d.out.SetState(erpStoodKey(c.Name, head.ID), st, stood)
				}
				return d.done()
			}
			return d.done()
		},
	}
}

// receipt is what came of a receipt, nil where nothing did.
func (e *erps) receipt(d *decision, head receiving.Head, of erpReceipt, stood []erp.Stood) any {
	r := peek(d, e.flows.receipts, head.Stream())
	g := erp.GoodsReceipt{Key: d.m.ID.String(), Delivery: head.ID, Facility: head.Scope.Facility, Stood: stood}
	came := int64(0)
	for _, l := range r.Lines {
		x := erp.Came{No: l.No, Item: of.Materials[l.No], SKU: l.Item, Expected: l.Qty, Qty: l.Got(), Lot: l.Lot, Unannounced: l.Unannounced}
		for _, entry := range r.Entries {
			if entry.Line == l.No && l.Lot != "" && entry.Lot != l.Lot {
				x.Other = cmp.Or(entry.Lot, "none")
			}
		}
		came += x.Qty
		g.Lines = append(g.Lines, x)
	}
	if came == 0 {
		return nil
	}
	return g
}

// stood tells, once the goods are in the ERP's stock, which of them may not be sold.
func (c ERPConfig) stood(m *Message, out *Out, g erp.GoodsReceipt) *Out {
	if c.Mover == nil || !c.Moves[erp.Hold] {
		return out
	}
	for i, s := range g.Stood {
		key := strings.ToUpper(strings.ReplaceAll(m.ID.Child(m.route, "stood", i).String(), "-", "")[16:])
		out.Publish(c.asks(), cmdERPMove, m.Key, erp.Adjustment{
			Key: key, Kind: erp.Hold, At: m.Now, Facility: g.Facility, Item: s.SKU, Lot: s.Lot, Qty: s.Qty, Reason: "receipt " + g.Delivery,
		})
	}
	return out
}

package routes

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

// topicReceipts holds 943 and 856.
const topicReceipts = "x12-receipts"

// StockNotices is what a partner is told of the stock of owners.
type StockNotices struct {
	Of          []string // owners
	Receipts    bool     // a 944 when a receipt is closed
	Adjustments bool     // a 947 for each change that no receipt and no shipment made
	// Every is between two 846 of all there is, Within how long a change may wait for one of what
	// changed; 0 is none.
	Every, Within time.Duration
	// EDIFACT tells it by RECADV and INVRPT instead; an adjustment is an INVRPT of its item.
	EDIFACT bool
}

// stockTopic is where what happened to the stock waits to become a partner's document.
func stockTopic(partner string) string { return "stock-notices." + partner }

// receipts announces what 943 and 856 say is on its way. One that comes again under its number
// replaces the one before, and one that is refused keeps no other from being taken.
func (e *edi) receipts() Route {
	return Route{
		Name: "x12.receipts", About: "943 and 856 to expected receipts", Edit: e.editSet(translatesReceipt),
		Topics: []string{topicReceipts}, Writes: []string{onInventory, onPutAways, onAudit}, Parking: Parking{Independent: true},
		Patterns: []string{eip.NameClaimCheck, eip.NameHistory},
		Handle: eip.History(func(ctx context.Context, m *Message) (*Out, error) {
			info, part, p, err := e.set(ctx, m)
			if err != nil {
				return nil, err
			}
			x, err := p.expected(part)
			if err != nil {
				return nil, untranslated(m.route, setName(info), info.Document, fault.KindOf(err), err)
			}
			out, err := e.announce(ctx, m, p, info.Set, x)
			if k := fault.KindOf(err); err != nil && (k == fault.Rejected || k == fault.Invalid) {
				err = untranslated(m.route, setName(info), info.Document, k, x.Core(x12wms.OnX12(part), err))
			}
			return out, err
		}),
	}
}

// messageReceipts is [edi.receipts] for DESADV.
func (e *edi) messageReceipts() Route {
	return Route{
		Name: "edifact.receipts", About: "DESADV to expected receipts", Edit: e.editMessage(translatesMessageReceipt),
		Topics: []string{topicMessageReceipts}, Writes: []string{onInventory, onPutAways, onAudit}, Parking: Parking{Independent: true},
		Patterns: []string{eip.NameClaimCheck, eip.NameHistory},
		Handle: eip.History(func(ctx context.Context, m *Message) (*Out, error) {
			info, part, p, err := e.message(ctx, m)
			if err != nil {
				return nil, err
			}
			x, err := p.messageExpected(part)
			if err != nil {
				return nil, untranslated(m.route, info.name(), info.Document, fault.KindOf(err), err)
			}
			out, err := e.announce(ctx, m, p, info.Message, x)
			if k := fault.KindOf(err); err != nil && (k == fault.Rejected || k == fault.Invalid) {
				err = untranslated(m.route, info.name(), info.Document, k, x.Core(edifactwms.On(part), err))
			}
			return out, err
		}),
	}
}

// lastNotice is the notice of a receipt that was taken last, by the position of its document.
type lastNotice struct {
	At journal.Pos `json:"at"`
}

func noticeOf(partner string, s scope.Scope, id string) string {
	return "asn/" + scope.Join(partner, s.Tenant, s.Owner, s.Facility, id)
}

// announce asks for what a document of a kind announces.
func (e *edi) announce(ctx context.Context, m *Message, p Partner, kind string, x x12wms.Expected) (*Out, error) {
	d := e.flows.decide(ctx, m)
	var last lastNotice
	key := noticeOf(p.Name, x.Scope, x.ID)
	st, _ := d.state(key, &last)
	if last.At > m.Pos {
		// Its letter was replayed after the notice had come anew.
		return nil, fault.At(m.route, fault.Rejected, "", fmt.Errorf("a later notice of %s was taken: drop this one", x.ID))
	}
	d.out.SetState(key, st, lastNotice{m.Pos})
	for i := range x.Announcement.Lines {
		l := &x.Announcement.Lines[i]
		l.Item = d.skuOf(x.Scope, l.Item, l.Codes)
	}
	ask := door.Ask{Scope: x.Scope, ID: x.ID, Actor: p.Name, Cmd: receiving.Announce{Announcement: x.Announcement, Units: x.Units}}
	switch r := d.receipt(x.Scope, x.ID); {
	case x.Cancel:
		ask.Cmd = receiving.Cancel{Reason: "cancelled by " + kind, By: p.Name}
	case r.Known():
		ask.Cmd = receiving.Change{Announcement: x.Announcement, Units: x.Units}
	}
	out, _, err := e.flows.decideAsk(d, door.Receipts, &ask, e.flows.askReceipt)
	return out, err
}

// stockTold are the routes that tell partners what happened to the stock of the owners they name.
// Where nobody names one there is none, and who begins to is told of nothing that was before.
func (e *edi) stockTold() []Route {
	var routes []Route
	var topics []string
	reports := false
	for name, p := range e.Partners {
		if p.Stock.Receipts || p.Stock.Adjustments {
			topics = append(topics, stockTopic(name))
		}
		reports = reports || p.Stock.Every > 0 || p.Stock.Within > 0
	}
	slices.Sort(topics)
	if len(topics) > 0 {
		routes = append(routes, e.stockNotices(topics), e.stockDocuments(topics))
	}
	if reports {
		routes = append(routes, e.stockReports())
	}
	return routes
}

// stockNotices copies what is to be told to each partner who wants to know.
func (e *edi) stockNotices(topics []string) Route {
	told := func(m *Message) (to []string) {
		k, _ := inventory.KeyOf(m.Event)
		c, receipt := m.Event.(receiving.Closed)
		adjusts, owner := x12wms.Adjusts(m.Event), cmp.Or(k.Owner, c.Owner)
		for name, p := range e.Partners {
			if (receipt && p.Stock.Receipts || adjusts && p.Stock.Adjustments) && slices.Contains(p.Stock.Of, owner) {
				to = append(to, stockTopic(name))
			}
		}
		slices.Sort(to) // a re-run makes the same ids
		return to
	}
	return Route{
		Name: "wms.notices", About: "receipts and adjustments to the partners who want to know of an owner's stock",
		Topics: []string{onInventory}, Start: bus.Now, Writes: topics,
		Types:    takes(receiving.Closed{}, inventory.StockAdjusted{}, inventory.StockStatusChanged{}),
		Patterns: []string{eip.NameFilter, eip.NameRecipientList},
		Handle: eip.Filter(func(_ context.Context, m *Message) (bool, error) { return len(told(m)) > 0, nil },
			eip.RecipientList[*Message, *Out](func(m *Message) ([]string, error) { return told(m), nil })),
	}
}

// stockDocuments writes each partner's 944 and 947.
func (e *edi) stockDocuments(topics []string) Route {
	return Route{
		Name: "wms.documents", About: "a 944 for each receipt and a 947 for each adjustment, to each partner who wants to know",
		Topics: topics, Writes: e.leaving(), Parking: Parking{Independent: true}, Patterns: []string{eip.NameTranslator},
		Handle: eip.Translate(func(ctx context.Context, m *Message, out *Out) (journal.Record, error) {
			var none journal.Record
			p, err := e.partner(strings.TrimPrefix(m.Topic, stockTopic("")))
			if err != nil {
				return none, err
			}
			ev, err := decodeEvent(m.hub.reg, &m.Record)
			if err != nil {
				return none, err
			}
			if c, ok := ev.(receiving.Closed); ok {
				r, err := Peek(ctx, m, e.flows.receipts, c.Stream())
				if err != nil {
					return none, err
				}
				if p.Stock.EDIFACT {
					return e.interchange(ctx, m, out, p, p.unb(), p.unh("RECADV"), func(int) ([]edifact.Out, error) { return edifactwms.ReceivingAdvice(p.Profile, r, c), nil })
				}
				return e.envelope(ctx, m, out, p, "944", p.Profile.ReceiptAdvice(r, c))
			}
			if k, ok := inventory.KeyOf(ev); ok && p.Stock.EDIFACT {
				st, err := Peek(ctx, m, e.flows.stocks, k.Stream())
				if err != nil {
					return none, err
				}
				told := x12wms.StockedOf(st)
				told.Item = k.Item
				return e.inventoryReport(ctx, m, out, p, k.Scope, m.ID.String()[24:], false, []x12wms.Stocked{told})
			}
			body, err := p.Profile.Adjustment(m.ID.String()[24:], ev)
			if err != nil {
				return none, err
			}
			return e.envelope(ctx, m, out, p, "947", body)
		}),
	}
}

// Messages that the reports send themselves.
const (
	stockDue   = "stock.ReportDue"   // all there is
	stockMoved = "stock.ChangesWait" // what changed
)

// reportItems is how many items one 846 tells of.
const reportItems = 1000

// stockReport is one that is due: what partner is told of the stock of an owner in a building, behind
// the item After.
type stockReport struct {
	Partner string `json:"partner"`
	scope.Scope
	After string `json:"after,omitempty"`
	// Ref names the whole of a report that takes several documents.
	Ref string `json:"ref,omitempty"`
}

func (r stockReport) key() string { return scope.Join(r.Partner, r.Tenant, r.Owner, r.Facility) }

// marks begins the keys of the items that changed since the partner was told.
func (r stockReport) marks() string { return "stock-moved/" + r.key() + "/" }

// stockReports sends 846: all there is, from time to time, and what changed, some time after. Each
// change writes its item's mark, so that one which comes while a report is written is of the next.
func (e *edi) stockReports() Route {
	return Route{
		Name: "wms.reports", About: "846 of all stock by schedule, and of what changed",
		Topics: []string{onInventory}, Start: bus.Now, Writes: e.leaving(), Patterns: []string{eip.NameTranslator},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			d := e.flows.decide(ctx, m)
			if m.Stream == "" {
				var r stockReport
				if err := m.Decode(&r); err != nil {
					return nil, err
				}
				e.report(d, r, m.Type == stockDue)
			} else if k, ok := inventory.KeyOf(m.Event); ok {
				e.moved(d, k)
			}
			return d.done()
		},
	}
}

// moved notes that an item changed, and when it is to be told.
func (e *edi) moved(d *decision, k inventory.BookKey) {
	for _, p := range e.Partners {
		if !slices.Contains(p.Stock.Of, k.Owner) {
			continue
		}
		r := stockReport{Partner: p.Name, Scope: k.Scope}
		if p.Stock.Within > 0 {
			old, _ := d.stored(r.marks() + scope.Join(k.Item))
			d.out.SetState(r.marks()+scope.Join(k.Item), old, k.Item)
			e.dueIn(d, stockMoved, r, p.Stock.Within)
		}
		if p.Stock.Every > 0 {
			e.dueIn(d, stockDue, r, p.Stock.Every)
		}
	}
}

// dueIn lets a report be made after a while, unless one is to be made already.
func (e *edi) dueIn(d *decision, typ string, r stockReport, wait time.Duration) {
	if d.err != nil {
		return
	}
	id := typ + "/" + r.key()
	has, err := d.m.HasTimer(d.ctx, id)
	if err != nil {
		d.fail(err)
		return
	}
	if !has {
		d.out.Timer(id, r.key(), typ, d.m.Now.Add(wait), r)
	}
}

// report writes one document, and asks for the next where there is more to tell.
func (e *edi) report(d *decision, r stockReport, full bool) {
	p, ok := e.Partners[r.Partner]
	if !ok || !slices.Contains(p.Stock.Of, r.Owner) || full && p.Stock.Every == 0 {
		return // he wants to know no more
	}
	var items []string
	var more bool
	if full {
		items, more = d.itemsOf(r.Scope, r.After, reportItems)
	} else {
		items, more = d.marked(r.marks(), reportItems)
	}
	r.Ref = cmp.Or(r.Ref, d.m.ID.String()[24:])
	if len(items) > 0 {
		told := make([]x12wms.Stocked, len(items))
		for i, sku := range items {
			told[i] = x12wms.StockedOf(d.stock(keyOf(r.Scope, sku)))
			told[i].Item = sku
		}
		if d.err != nil {
			return
		}
		rec, err := e.inventoryReport(d.ctx, d.m, d.out, p, r.Scope, r.Ref, full, told)
		if err != nil {
			d.fail(err)
			return
		}
		d.out.Send(rec)
	}
	typ := map[bool]string{true: stockDue, false: stockMoved}[full]
	switch {
	case more && full:
		r.After = items[len(items)-1]
		fallthrough
	case more: // under an id of its own: a change that comes now sets the timer of the next report
		d.out.Timer(typ+"-rest/"+r.key(), r.key(), typ, d.m.Now, r)
	case full:
		r.After, r.Ref = "", ""
		d.out.Timer(typ+"/"+r.key(), r.key(), typ, d.m.Now.Add(p.Stock.Every), r)
	}
}

// inventoryReport writes an 846, or an INVRPT.
func (e *edi) inventoryReport(ctx context.Context, m *Message, out *Out, p Partner, s scope.Scope, ref string, full bool, told []x12wms.Stocked) (journal.Record, error) {
	if p.Stock.EDIFACT {
		return e.interchange(ctx, m, out, p, p.unb(), p.unh("INVRPT"), func(int) ([]edifact.Out, error) {
			return edifactwms.InventoryReport(p.Profile, s, ref, m.Now, full, told), nil
		})
	}
	return e.envelope(ctx, m, out, p, "846", p.Profile.InventoryReport(s, ref, m.Now, full, told))
}

// itemsOf are the items that an owner has, or had, in a building, behind the last one told.
func (d *decision) itemsOf(of scope.Scope, told string, most int) (items []string, more bool) {
	prefix := scope.Join(of.Tenant, of.Owner) + "/"
	after := prefix
	if told != "" {
		after = keyOf(of, told).Book()
	}
	account := "\xff"
	if told == "" {
		account = ""
	}
	for d.err == nil {
		rows, err := d.f.hub.bus.Driver().Balances(d.ctx, after, account, 1000)
		if err != nil {
			d.fail(fault.E(d.m.route, fault.Transient, fmt.Errorf("reading the stock: %w", err)))
			return nil, false
		}
		for _, row := range rows {
			if after, account = row.Book, row.Account; !strings.HasPrefix(row.Book, prefix) {
				return items, false
			}
			s, sku, err := scope.ParseBook(row.Book)
			if err == nil && s == of && (len(items) == 0 || items[len(items)-1] != sku) && sku != told {
				if len(items) == most {
					return items, true
				}
				items = append(items, sku)
			}
		}
		if len(rows) < 1000 {
			break
		}
	}
	return items, false
}

package routes

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/fault"
	edifact "github.com/paklog/hub/edi/edifact/grammar"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
	"github.com/paklog/hub/edi/x12/grammar"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/mapping"
	"github.com/paklog/hub/transforms/x12wms"
)

// Internal topics of the EDI flow.
const (
	topicDocuments = "documents"     // what came, as it came
	topicSets      = "x12-sets"      // one transaction set each
	topicOrders    = "x12-orders"    // 940, 850 and 860
	topicAcks      = "x12-acks"      // 997 and 999 that came
	topicRefused   = "x12-refused"   // sets and interchanges that were rejected
	topicVerdicts  = "x12-verdicts"  // one a functional group
	topicOutgoing  = "documents-out" // what goes
)

// EDI configures the EDI flow.
type EDI struct {
	Partners map[string]Partner
	Out      Outbox
	// Stations reaches the partners whose documents leave by AS2; nil reaches none.
	Stations Stations
	// ReceiptWithin is how long a receipt may take that comes by itself: 15 min.
	ReceiptWithin time.Duration
	Limits        x12.Limits
	Grammar       *grammar.Library // grammar.Builtin() when nil
	Messages      *edifact.Library // the same for EDIFACT
	// Payloads keeps what is longer than eip.MaxInline beside the journal; nil keeps all inside.
	Payloads eip.Store
	// MaxDocument is the most bytes of a document that a replay takes; 0 is any.
	MaxDocument int64
	// AckWithin is how long a partner may take for the 997 of what we sent: 24 h.
	AckWithin time.Duration
}

// Partner is what is agreed with one trading partner.
type Partner struct {
	Name      string
	ID        string // his ISA06 and GS02; "" takes any
	Qualifier string // his ISA05
	OurID     string // our ISA06 and GS02 to him; "" takes any
	OurQual   string
	Version   string // GS08, "004010" when ""
	Usage     string // ISA15, "P" when ""
	// Latin1 writes what goes to the partner in ISO 8859-1 and not in UTF-8; what it has no character for
	// is '?'. What comes is read as either.
	Latin1 bool
	Writer x12.WriterOptions
	Policy ack.Policy
	// Grammar and Messages are his own, overlays applied; nil are those of all.
	Grammar  *grammar.Library
	Messages *edifact.Library
	// Implementation answers his groups by a 999 instead of a 997.
	Implementation bool
	Profile        x12wms.Profile
	// Maps translate sets and messages of his, by ST01 and message type, in place of what all go by.
	Maps map[string]*mapping.Map
	// Changes are maps that change what is sent to him, by ST01 and message type.
	Changes     map[string]*mapping.Map
	SendAnswers bool // an 855 for each 850
	// Advise tells him by an 824, or an APERAK, of each document of his that nobody can work on.
	Advise bool
	// Window is when he takes documents, in the zone of his profile; Rate how many a minute, 0 is
	// any number.
	Window Window
	Rate   int
	// EDIFACT is how he and we write where that is EDIFACT; what he sends is read by itself.
	EDIFACT EDIFACT
	// Batches are documents that wait for others, to leave in one interchange with them.
	Batches []Batch
	// Tap copies each document that left for him to audit-events, for whoever audits.
	Tap bool
	// Invoices charges him by 810 or INVOIC for what left of his orders.
	Invoices bool
	// Station says that documents leave for him by AS2 and not into his folder.
	Station bool
	// SCAC is set for a carrier: loads may be tendered to him, and his 990, 214 and 210 are taken.
	SCAC string
	// Tenders is what becomes of a 204 of his: TendersAsked, TendersAccepted or TendersDeclined.
	Tenders string
	// Runs are buildings of ours that he runs, a 3PL: he is told of orders and receipts in them by
	// 940 and 943, and says by 945 and 944 what became of them; by EDIFACT where its Runs says so.
	Runs []string
	// ReportsWithin is how long after an order was to leave, or a receipt to come, he may take to say
	// what became of it; 0 is any time.
	ReportsWithin time.Duration
	// ShipNotice is what tells him that orders of his have left; "" is ByAdvice.
	ShipNotice string
	// Notices are the owners of whose shipments he gets a 945, whoever ordered.
	Notices []string
	// Stock is what he is told of the stock of owners.
	Stock StockNotices
	// HandsOn is where his documents leave again.
	HandsOn HandsOn
}

// rules are the grammars that a partner's documents are checked by.
func (e *edi) rules(p Partner) *grammar.Library {
	if p.Grammar != nil {
		return p.Grammar
	}
	return e.Grammar
}

// messageRules are the grammars that his EDIFACT messages are checked by.
func (e *edi) messageRules(p Partner) *edifact.Library {
	if p.Messages != nil {
		return p.Messages
	}
	return e.Messages
}

// usage is ISA15 of what goes to the partner, and of what comes from him.
func (p Partner) usage() string { return cmp.Or(p.Usage, "P") }

// Outbox is how a document reaches a partner. Stage may be called again with the same
// content until Publish is begun; a file that was staged and is not any more was published.
type Outbox interface {
	Stage(ctx context.Context, partner, name string, data []byte) error
	Publish(ctx context.Context, partner, name string) error
	Staged(ctx context.Context, partner, name string) (bool, error)
}

// AddEDI hosts the EDI flow: 940, 850, 860, 943, 856, 945, 944, ORDERS, ORDCHG, DESADV and RECADV in; 997,
// 824, 855, 945, 856, 944, 947, 846, 940, 943, CONTRL, APERAK, ORDRSP, DESADV, RECADV, INVRPT, ORDERS and
// ORDCHG out.
func AddEDI(h *Hub, f *Flows, cfg EDI) error {
	if cfg.Grammar == nil {
		cfg.Grammar = grammar.Builtin()
	}
	if cfg.Messages == nil {
		cfg.Messages = edifact.Builtin()
	}
	if cfg.AckWithin == 0 {
		cfg.AckWithin = 24 * time.Hour
	}
	if cfg.ReceiptWithin == 0 {
		cfg.ReceiptWithin = 15 * time.Minute
	}
	for name, p := range cfg.Partners {
		if err := p.Profile.Validate(); err != nil {
			return fmt.Errorf("partner %s: %w", name, err)
		}
		if _, ok := cfg.Partners[p.HandsOn.To]; !ok && p.HandsOn.To != "" {
			return fmt.Errorf("partner %s hands on to %q, who is none", name, p.HandsOn.To)
		}
	}
	e := &edi{EDI: cfg, hub: h, flows: f}
	errs := []error{
		h.Add(e.documents()), h.Add(e.leftOut()), h.Add(e.split()), h.Add(e.inbound()), h.Add(e.orders()), h.Add(e.receipts()), h.Add(e.refused()),
		h.Add(e.functionalAck()), h.Add(e.answers()), h.Add(e.amendments()), h.Add(e.refusals()), h.Add(e.refusedChanges()), h.Add(e.advices()), h.Add(e.shipNotices()), h.Add(e.ackWatch()), h.Add(e.window()), h.Add(e.rate()), h.Add(e.batches()), h.Add(e.flushes()),
	}
	for _, r := range [...]Route{e.messagesInbound(), e.messageOrders(), e.messageReceipts(), e.refusedMessages(), e.contrls(), e.responses(), e.despatches(), e.contrlWatch()} {
		errs = append(errs, h.Add(r))
	}
	for _, r := range slices.Concat(e.notices(), e.stockTold(), e.tenders(), []Route{e.advised(), e.invoices()}, e.outsiders(), e.handOn()) {
		errs = append(errs, h.Add(r))
	}
	errs = append(errs, h.Add(e.outbox()), h.Add(e.certificates()))
	if cfg.Stations != nil {
		errs = append(errs, h.Add(e.stations()), h.Add(e.watch()))
	}
	for name := range cfg.Partners {
		if e.byStation(name) {
			errs = append(errs, e.station(name))
		} else {
			errs = append(errs, e.send(name))
		}
	}
	return errors.Join(errs...)
}

type edi struct {
	EDI
	hub   *Hub
	flows *Flows
}

// claim is a message's document, or what its ticket stands for.
func (e *edi) claim(ctx context.Context, m *Message) ([]byte, error) {
	r, err := eip.Payload(ctx, e.Payloads, m.In())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var raw bytes.Buffer
	if s, ok := r.(interface{ Size() int64 }); ok { // read as it comes it would be copied each time it grows
		raw.Grow(int(s.Size()) + bytes.MinRead)
	}
	if _, err := raw.ReadFrom(r); err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	return raw.Bytes(), nil
}

func (e *edi) partner(name string) (Partner, error) {
	p, ok := e.Partners[name]
	if !ok {
		return Partner{}, fault.At("edi", fault.Invalid, "partner", fmt.Errorf("no partner is named %q: add it to edi.partners", name))
	}
	return p, nil
}

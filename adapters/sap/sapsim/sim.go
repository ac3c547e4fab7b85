// Package sapsim is an SAP S/4HANA system on the wire: API_OUTBOUND_DELIVERY_SRV and API_INBOUND_DELIVERY_SRV,
// version 0002, with basic authentication, CSRF tokens that are good beside their own cookie alone, ETags, and
// the life of a delivery from picking to goods issue, or from putting away to goods receipt. It is written from SAP's own description of the service
// and shares nothing with the adapter.
package sapsim

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// Who may come in, and in which client.
const (
	User     = "PAKLOG"
	Password = "sim-password"
	Client   = "100"
)

const root = "/sap/opu/odata/sap/API_OUTBOUND_DELIVERY_SRV;v=0002"

// Op is a kind of call.
type Op = simhttp.Op

// AnswerLost is a call that was acted on and got no answer.
const AnswerLost = simhttp.AnswerLost

// The kinds of calls.
const (
	OpRoot       Op = "root"     // where CSRF tokens come from
	OpMeta       Op = "metadata" // what the service says of itself
	OpHeaders    Op = "headers"  // a list of deliveries
	OpHeader     Op = "header"
	OpItems      Op = "items"
	OpPartner    Op = "partners"
	OpPick       Op = "pick" // of all items
	OpPickOne    Op = "pick-one"
	OpIssue      Op = "issue"
	OpInHeaders  Op = "in-headers" // of inbound deliveries
	OpInHeader   Op = "in-header"
	OpInItems    Op = "in-items"
	OpPutaway    Op = "putaway"
	OpPutawayOne Op = "putaway-one"
	OpReceipt    Op = "receipt"
	OpReverse    Op = "reverse" // of a goods issue
	OpInReverse  Op = "in-reverse"
	OpCreate     Op = "create"  // a material document
	OpCreated    Op = "created" // a list of them
)

// Options configure a system.
type Options struct {
	Now func() time.Time // nil is the clock of the machine
	// SessionLife is how long a session is good; 0 is 30 min.
	SessionLife time.Duration
	// PageSize is how many items an answer has; 0 is all.
	PageSize int
	// Padded shows numbers with zeros in front, as systems do whose conversion exits are off.
	Padded  bool
	Faults  map[simhttp.Fault]int
	Seed    uint64
	SlowFor time.Duration
}

// Sim is a system. It is safe for concurrent use.
type Sim struct {
	*simhttp.Wire
	opts Options
	mux  *http.ServeMux

	mu         sync.Mutex
	serial     int
	sessions   map[string]string // cookie to token
	deliveries map[string]*delivery
	numbered   int
	moves      []Moved
	meanwhile  map[Op][]func()
	closed     bool // the posting period
	gone       bool // the service is not active
}

// Wanted is an item that is to be delivered.
type Wanted struct {
	Material string
	Qty      int64 // in sales units
	// Per is how many base units a sales unit has; 0 is 1. Unit is the sales unit, PC where it is "".
	Per  int64
	Unit string
	// Text is an item of which no goods are issued.
	Text bool
	// Batch pins the goods; "" is any.
	Batch string
	// Of inbound deliveries: the plant where it is not the delivery's, and the day that they expire.
	Plant  string
	Expiry time.Time
}

// Truth is how a delivery stands.
type Truth struct {
	Issues int              // goods issues that were posted, ever; of an inbound delivery goods receipts
	Stands bool             // one stands
	Undone int              // how often one was taken back
	Left   map[string]int64 // by material, in base units, where one stands: what left, or came
}

// New starts a system.
func New(o Options) *Sim {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.SessionLife = cmp.Or(o.SessionLife, 30*time.Minute)
	s := &Sim{opts: o, mux: http.NewServeMux(), sessions: map[string]string{}, deliveries: map[string]*delivery{}, meanwhile: map[Op][]func(){}}
	s.Wire = simhttp.New(simhttp.Options{
		Faults: o.Faults, Seed: o.Seed, SlowFor: o.SlowFor,
		Refuse:  func(status int) simhttp.Answer { return refuse(status, "SY/530", http.StatusText(status)) },
		Results: func(member string) bool { return member == "results" },
	})
	for _, x := range []struct {
		op   Op
		path string // with its method
		do   func(*http.Request) simhttp.Answer
		take func(*http.Request, []byte) simhttp.Answer // of a body, where do is nil
	}{
		{OpRoot, "GET " + root + "/{$}", s.service, nil},
		{OpMeta, "GET " + root + "/$metadata", s.metadata, nil},
		{OpHeaders, "GET " + root + "/A_OutbDeliveryHeader", s.headers, nil},
		{OpHeader, "GET " + root + "/{entity}", s.header, nil},
		{OpItems, "GET " + root + "/{entity}/to_DeliveryDocumentItem", s.items, nil},
		{OpPartner, "GET " + root + "/{entity}/to_DeliveryDocumentPartner", s.partners, nil},
		{OpPick, "POST " + root + "/PickAllItems", s.changing(s.pickAll, "DeliveryDocument"), nil},
		{OpPickOne, "POST " + root + "/PickOneItemWithBaseQuantity", s.changing(s.pickOne, "DeliveryDocument", "DeliveryDocumentItem", "ActualDeliveredQtyInBaseUnit", "BaseUnit"), nil},
		{OpIssue, "POST " + root + "/PostGoodsIssue", s.changing(s.issue, "DeliveryDocument"), nil},
		{OpReverse, "POST " + root + "/ReverseGoodsIssue", s.changing(s.reverse, "DeliveryDocument", "ActualGoodsMovementDate"), nil},
		{OpInReverse, "POST " + rootOf(true) + "/ReverseGoodsReceipt", s.changing(s.reverse, "DeliveryDocument", "ActualGoodsMovementDate"), nil},
		{OpRoot, "GET " + rootOf(true) + "/{$}", s.service, nil},
		{OpInHeaders, "GET " + rootOf(true) + "/A_InbDeliveryHeader", s.headers, nil},
		{OpInHeader, "GET " + rootOf(true) + "/{entity}", s.header, nil},
		{OpInItems, "GET " + rootOf(true) + "/{entity}/to_DeliveryDocumentItem", s.items, nil},
		{OpPutaway, "POST " + rootOf(true) + "/PutawayAllItems", s.changing(s.pickAll, "DeliveryDocument"), nil},
		{OpPutawayOne, "POST " + rootOf(true) + "/PutawayOneItemWithBaseQuantity", s.changing(s.pickOne, "DeliveryDocument", "DeliveryDocumentItem", "ActualDeliveredQtyInBaseUnit", "BaseUnit"), nil},
		{OpReceipt, "POST " + rootOf(true) + "/PostGoodsReceipt", s.changing(s.issue, "DeliveryDocument"), nil},
		{OpRoot, "GET " + materialRoot + "/{$}", s.service, nil},
		{OpCreate, "POST " + materialRoot + "/A_MaterialDocumentHeader", nil, s.create},
		{OpCreated, "GET " + materialRoot + "/A_MaterialDocumentHeader", s.created, nil},
	} {
		s.mux.HandleFunc(x.path, s.Handle(x.op, func(r *http.Request, body []byte) simhttp.Answer {
			s.mu.Lock()
			defer s.mu.Unlock()
			if q := s.meanwhile[x.op]; len(q) > 0 {
				s.meanwhile[x.op] = q[1:]
				q[0]()
			}
			if x.do == nil {
				return s.enter(r, func(r *http.Request) simhttp.Answer { return x.take(r, body) })
			}
			return s.enter(r, x.do)
		}))
	}
	s.mux.HandleFunc("/", s.Handle("nowhere", func(*http.Request, []byte) simhttp.Answer {
		return refuse(http.StatusNotFound, "/IWFND/MED/170", "No service found for this name and version")
	}))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.opts.Now().UTC().Format(http.TimeFormat))
	s.mux.ServeHTTP(w, r)
}

const stranger = "<html><head><title>Logon Error Message</title></head><body><h1>Logon failed</h1></body></html>"

// enter lets a request in that may come in, and then does what it asks for.
func (s *Sim) enter(r *http.Request, do func(*http.Request) simhttp.Answer) simhttp.Answer {
	if user, password, ok := r.BasicAuth(); !ok || user != User || password != Password || r.Header.Get("sap-client") != Client {
		return simhttp.Answer{Status: http.StatusUnauthorized, Body: stranger, Header: http.Header{"Www-Authenticate": {`Basic realm="SAP NetWeaver Application Server"`}}}
	}
	if s.gone {
		return refuse(http.StatusForbidden, "/IWFND/MED/170", "No service found for this name and version")
	}
	token, known := s.session(r)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if !known || r.Header.Get("X-Csrf-Token") != token {
			return simhttp.Answer{
				Status: http.StatusForbidden, Body: "CSRF token validation failed", Type: "text/plain", Header: http.Header{"X-Csrf-Token": {"Required"}},
			}
		}
		return do(r)
	}
	a := do(r)
	if strings.EqualFold(r.Header.Get("X-Csrf-Token"), "fetch") {
		a.Header = http.Header{}
		if !known { // another session, with another token
			s.serial++
			cookie := fmt.Sprintf("sim-session-%d", s.serial)
			token = s.Grant(s.opts.Now().Add(s.opts.SessionLife))
			s.sessions[cookie] = token
			a.Header.Set("Set-Cookie", "SAP_SESSIONID_SIM_100="+cookie+"; path=/; HttpOnly")
			a.Header.Add("Set-Cookie", "sap-usercontext=sap-client=100; path=/")
		}
		a.Header.Set("X-Csrf-Token", token)
	}
	return a
}

func (s *Sim) session(r *http.Request) (token string, known bool) {
	c, err := r.Cookie("SAP_SESSIONID_SIM_100")
	if err != nil {
		return "", false
	}
	token = s.sessions[c.Value]
	return token, token != "" && s.Good(token, s.opts.Now())
}

// refuse is a refusal in SAP's form.
func refuse(status int, code, words string) simhttp.Answer {
	return simhttp.Answer{Status: status, Body: map[string]any{"error": map[string]any{
		"code": code, "message": map[string]any{"lang": "en", "value": words},
		"innererror": map[string]any{"transactionid": "0", "timestamp": "0", "errordetails": []any{
			map[string]any{"code": code, "message": words, "severity": "error", "target": ""},
		}},
	}}}
}

// Want makes a delivery, and returns its number as people write it.
func (s *Sim) Want(items ...Wanted) string { return s.WantAs(Terms{}, items...) }

// Announce makes an inbound delivery, and returns its number.
func (s *Sim) Announce(t Terms, items ...Wanted) string {
	t.Plant, t.Supplier = cmp.Or(t.Plant, "1710"), cmp.Or(t.Supplier, "17300080")
	return s.make(t, true, items)
}

// WantAs is Want of a delivery of which more is said.
func (s *Sim) WantAs(t Terms, items ...Wanted) string { return s.make(t, false, items) }

func (s *Sim) make(t Terms, in bool, items []Wanted) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.To == (Address{}) {
		t.To = somewhere
	}
	s.numbered++
	now := s.opts.Now()
	d := &delivery{Terms: t, in: in, number: fmt.Sprint(map[bool]int{true: 180000000, false: 80000000}[in] + s.numbered), made: now, changed: now, version: 1}
	for i, w := range items {
		w.Per, w.Unit = max(w.Per, 1), cmp.Or(w.Unit, "PC")
		d.items = append(d.items, &item{no: fmt.Sprint(10 * (i + 1)), Wanted: w, qty: w.Qty * w.Per})
	}
	s.deliveries[d.number] = d
	return d.number
}

// Truth is how a delivery stands now.
func (s *Sim) Truth(number string) Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deliveries[number].truth()
}

// Deliveries are how all of them stand, outbound and inbound, by number.
func (s *Sim) Deliveries() map[string]Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]Truth{}
	for number, d := range s.deliveries {
		all[number] = d.truth()
	}
	return all
}

func (d *delivery) truth() Truth {
	t := Truth{Issues: d.issues, Stands: d.issued, Undone: d.reversals, Left: map[string]int64{}}
	for _, i := range d.items {
		if d.issued && !i.Text {
			t.Left[i.Material] += i.qty
		}
	}
	return t
}

// Sessions is how many were opened.
func (s *Sim) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Meanwhile lets somebody in SAP do something just before the next call of a kind is acted on.
func (s *Sim) Meanwhile(op Op, do func(*Hand)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meanwhile[op] = append(s.meanwhile[op], func() { do(&Hand{s}) })
}

// By lets somebody in SAP do something now.
func (s *Sim) By(do func(*Hand)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(&Hand{s})
}

// Hand is somebody in SAP.
type Hand struct{ s *Sim }

// Touch changes a delivery in some way that is none of ours.
func (h *Hand) Touch(number string) { h.s.change(h.s.deliveries[number]) }

// Lock has a delivery open in a dialogue, or closes it.
func (h *Hand) Lock(number string, locked bool) { h.s.deliveries[number].locked = locked }

// Delete deletes a delivery.
func (h *Hand) Delete(number string) { delete(h.s.deliveries, number) }

// Close closes the posting period, or opens it.
func (h *Hand) Close(closed bool) { h.s.closed = closed }

// Deactivate takes the service away, or gives it back.
func (h *Hand) Deactivate(gone bool) { h.s.gone = gone }

// Set sets what of an item is to be delivered.
func (h *Hand) Set(number, no string, qty int64) {
	d := h.s.deliveries[number]
	d.item(no).qty = qty
	h.s.change(d)
}

// Block sets a delivery's block; "" takes it away.
func (h *Hand) Block(number, reason string) {
	d := h.s.deliveries[number]
	d.Terms.Block = reason
	h.s.change(d)
}

// Send gives a delivery another address.
func (h *Hand) Send(number string, to Address) {
	d := h.s.deliveries[number]
	d.To = to
	h.s.change(d)
}

// Issue posts a goods issue or goods receipt by hand, of what is to be delivered.
func (h *Hand) Issue(number string) {
	d := h.s.deliveries[number]
	for _, i := range d.items {
		i.picked = true
	}
	h.s.post(d)
}

// Bill bills a delivery.
func (h *Hand) Bill(number string) { h.s.deliveries[number].billed = true }

// Part leaves a goods movement that is posted in part.
func (h *Hand) Part(number string) {
	d := h.s.deliveries[number]
	d.partly = true
	h.s.change(d)
}

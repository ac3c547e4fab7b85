package tender

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Statuses of a tender.
const (
	StatusOffered   = "offered"
	StatusAccepted  = "accepted"
	StatusDeclined  = "declined"
	StatusWithdrawn = "withdrawn"
)

// Tender is the state of a load's tender: of the last, where it was offered several times. The zero
// Tender does not exist yet.
type Tender struct {
	Offered   `json:"offered"`
	Status    string     `json:"status"`
	Reference string     `json:"reference,omitempty"`
	Reason    string     `json:"reason,omitempty"` // why it was declined or withdrawn
	Tracks    []Tracked  `json:"tracks,omitempty"`
	Invoices  []Invoiced `json:"invoices,omitempty"`
}

// Known reports whether the load was ever tendered.
func (t Tender) Known() bool { return t.Status != "" }

// Fold makes a [Tender].
var Fold = event.Fold[Tender]{Kind: "tender", Version: 1, Apply: apply}

func apply(t Tender, e event.Event) (Tender, error) {
	switch e := e.(type) {
	case Offered:
		return Tender{Offered: e, Status: StatusOffered}, nil
	case Withdrawn:
		t.Status, t.Reason = StatusWithdrawn, e.Reason
	case Accepted:
		t.Status, t.Reference, t.Reason = StatusAccepted, e.Reference, ""
	case Declined:
		t.Status, t.Reason = StatusDeclined, e.Reason
	case Tracked:
		t.Tracks = append(slices.Clip(t.Tracks), e)
	case Invoiced:
		t.Invoices = append(slices.Clip(t.Invoices), e)
	default:
		return t, event.Unexpected("tender", e)
	}
	return t, nil
}

func (t Tender) head(at time.Time) Head {
	h := t.Head
	h.At = at.UTC()
	return h
}

// of refuses what is of another carrier than the one that the load is tendered to.
func (t Tender) of(op, partner string) error {
	switch {
	case !t.Known():
		return fault.At(op, fault.Rejected, "load", errors.New("the load was not tendered"))
	case partner != "" && partner != t.Partner:
		return fault.At(op, fault.Rejected, "load", fmt.Errorf("load %s is tendered to %s, not to %s", t.Load, t.Partner, partner))
	}
	return nil
}

// Offer tenders the load. Tendered to the same carrier already is no event; to another, while he may
// still answer or has accepted, is Rejected.
func (t Tender) Offer(c Offer, at time.Time) ([]event.Event, error) {
	const op = "tender.Offer"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	for _, n := range [...]struct{ place, v string }{{"load", c.Load}, {"partner", c.Partner}} {
		if err := scope.CheckPart(n.v); err != nil {
			return nil, fault.At(op, fault.Invalid, n.place, err)
		}
	}
	switch {
	case len(c.Load) > MaxLoad:
		return nil, fault.At(op, fault.Invalid, "load", fmt.Errorf("has %d bytes, a carrier's documents hold %d of a shipment's number", len(c.Load), MaxLoad))
	case len(c.SCAC) < 2 || len(c.SCAC) > 4:
		return nil, fault.At(op, fault.Invalid, "scac", fmt.Errorf("%.16q is no SCAC of two to four letters", c.SCAC))
	case c.Rate.Minor < 0 || (c.Rate.Minor > 0) != (len(c.Rate.Currency) == 3):
		return nil, fault.At(op, fault.Invalid, "rate", errors.New("is an amount of a currency, as 850.00 USD"))
	case len(c.Stops) == 0:
		return nil, fault.At(op, fault.Invalid, "stops", errors.New("there is none"))
	}
	if t.Inbound {
		return nil, fault.At(op, fault.Rejected, "load", fmt.Errorf("load %s is one that %s tendered to us", t.Load, t.Partner))
	}
	if t.Status == StatusOffered || t.Status == StatusAccepted {
		if t.Partner == c.Partner {
			return nil, nil
		}
		return nil, fault.At(op, fault.Rejected, "load", fmt.Errorf("load %s is tendered to %s (%s): withdraw it first", t.Load, t.Partner, t.Status))
	}
	return []event.Event{Offered{Head{c.Scope, c.Load, at.UTC()}, c.Partner, c.SCAC, slices.Clone(c.Stops), c.Rate, c.By, false, time.Time{}}}, nil
}

// Receive takes a partner's tender to us. The same again is no event; another than the one that is open is
// offered anew, whatever was answered. Until when it is to be answered matters until it was.
func (t Tender) Receive(c Receive, at time.Time) ([]event.Event, error) {
	const op = "tender.Receive"
	if err := c.Scope.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	for _, n := range [...]struct{ place, v string }{{"load", c.Load}, {"partner", c.Partner}} {
		if err := scope.CheckPart(n.v); err != nil {
			return nil, fault.At(op, fault.Invalid, n.place, err)
		}
	}
	switch open := t.Status == StatusOffered || t.Status == StatusAccepted; {
	case len(c.Load) > MaxLoad:
		return nil, fault.At(op, fault.Invalid, "load", fmt.Errorf("has %d bytes, at most %d are allowed", len(c.Load), MaxLoad))
	case len(c.Stops) == 0:
		return nil, fault.At(op, fault.Invalid, "stops", errors.New("there is none"))
	case t.Known() && (!t.Inbound || t.Partner != c.Partner):
		return nil, fault.At(op, fault.Rejected, "load", fmt.Errorf("there is another load %s, of %s", t.Load, t.Partner))
	case open && t.SCAC == c.SCAC && t.Rate == c.Rate && reflect.DeepEqual(t.Stops, c.Stops) && (t.Status == StatusAccepted || t.AnswerBy.Equal(c.AnswerBy)):
		return nil, nil
	}
	return []event.Event{Offered{Head{c.Scope, c.Load, at.UTC()}, c.Partner, cut(c.SCAC), slices.Clone(c.Stops), c.Rate, "", true, c.AnswerBy.UTC()}}, nil
}

// Withdraw takes the tender back; withdrawn or declined already is no event.
func (t Tender) Withdraw(c Withdraw, at time.Time) ([]event.Event, error) {
	const op = "tender.Withdraw"
	if err := t.of(op, ""); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if t.Inbound && c.By != t.Partner {
		return nil, fault.At(op, fault.Rejected, "load", fmt.Errorf("%s tendered load %s to us: decline it", t.Partner, t.Load))
	}
	if t.Status == StatusWithdrawn || t.Status == StatusDeclined {
		return nil, nil
	}
	return []event.Event{Withdrawn{t.head(at), t.Partner, t.SCAC, c.Reason, c.By}}, nil
}

// Accept takes the carrier's yes; the same again is no event. To what was withdrawn or declined it is
// Rejected: nobody counts on him any more.
func (t Tender) Accept(c Accept, at time.Time) ([]event.Event, error) {
	const op = "tender.Accept"
	if err := t.of(op, c.Partner); err != nil {
		return nil, err
	}
	ref := cut(c.Reference)
	switch {
	case t.Status == StatusAccepted && t.Reference == ref:
		return nil, nil
	case t.Status == StatusWithdrawn, t.Status == StatusDeclined:
		return nil, fault.At(op, fault.Rejected, "load", fmt.Errorf("the tender of load %s is %s: tender it anew", t.Load, t.Status))
	}
	return []event.Event{Accepted{t.head(at), ref, c.By}}, nil
}

// Decline takes his no, also after a yes; declined or withdrawn already is no event.
func (t Tender) Decline(c Decline, at time.Time) ([]event.Event, error) {
	const op = "tender.Decline"
	if err := t.of(op, c.Partner); err != nil {
		return nil, err
	}
	if t.Status == StatusDeclined || t.Status == StatusWithdrawn {
		return nil, nil
	}
	return []event.Event{Declined{t.head(at), cut(c.Reason), c.By}}, nil
}

// Track notes a status; the same of the same moment is no event. More than [MaxTracks] are Rejected.
func (t Tender) Track(c Track, at time.Time) ([]event.Event, error) {
	const op = "tender.Track"
	if err := t.of(op, c.Partner); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Status); err != nil {
		return nil, fault.At(op, fault.Invalid, "status", err)
	}
	e := Tracked{t.head(at), cut(c.Status), cut(c.Reason), cut(c.Place), cut(c.Equipment), c.Occurred.UTC()}
	if slices.ContainsFunc(t.Tracks, func(x Tracked) bool { x.Head = e.Head; return x == e }) {
		return nil, nil
	}
	if len(t.Tracks) >= MaxTracks {
		return nil, fault.At(op, fault.Rejected, "load", fmt.Errorf("load %s has %d statuses, no more are kept", t.Load, MaxTracks))
	}
	return []event.Event{e}, nil
}

// Invoice takes what the carrier charges and says in what it differs from what was agreed; the same
// invoice again is no event, another amount under its number is Rejected.
func (t Tender) Invoice(c Invoice, at time.Time) ([]event.Event, error) {
	const op = "tender.Invoice"
	if err := t.of(op, c.Partner); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Number); err != nil {
		return nil, fault.At(op, fault.Invalid, "number", err)
	}
	if len(c.Amount.Currency) != 3 {
		return nil, fault.At(op, fault.Invalid, "amount", errors.New("names no currency"))
	}
	var differs []string
	for _, x := range t.Invoices {
		switch {
		case x.Number == c.Number && x.Amount == c.Amount:
			return nil, nil
		case x.Number == c.Number:
			return nil, fault.At(op, fault.Rejected, "number", fmt.Errorf("invoice %s came before over %v, and is over %v now", c.Number, x.Amount, c.Amount))
		}
	}
	if n := len(t.Invoices); n > 0 {
		differs = append(differs, fmt.Sprintf("it was charged before, by invoice %s over %v", t.Invoices[n-1].Number, t.Invoices[n-1].Amount))
		if n >= MaxInvoices {
			return nil, fault.At(op, fault.Rejected, "number", fmt.Errorf("load %s has %d invoices, no more are kept", t.Load, n))
		}
	}
	if t.Status != StatusAccepted {
		differs = append(differs, fmt.Sprintf("its tender is %s", t.Status))
	}
	if t.Rate.Currency != "" && t.Rate != c.Amount {
		differs = append(differs, fmt.Sprintf("%v was agreed", t.Rate))
	}
	return []event.Event{Invoiced{t.head(at), c.Number, c.Amount, differs}}, nil
}

// cut bounds what a carrier wrote, and never cuts a rune.
func cut(s string) string {
	if len(s) <= MaxText {
		return s
	}
	n := MaxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

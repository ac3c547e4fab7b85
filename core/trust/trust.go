// Package trust is what two trading partners have exchanged of certificates: his that we may
// trust beside those of the configuration, and ours that he was asked to trust. Who may be
// trusted is decided by a person, or by what is agreed; what is on the wire is not known here.
package trust

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Statuses of a certificate.
const (
	StatusPending  = "pending"
	StatusAccepted = "accepted"
	StatusRejected = "rejected"
)

// MaxPending is how many certificates of one partner may wait for a verdict.
const MaxPending = 64

// ByAgreement is who decides where the partner's profile does.
const ByAgreement = "agreement"

// Certificate is one that a side offers to the other.
type Certificate struct {
	ID        string    `json:"sha256"` // of its DER, in hex
	DER       []byte    `json:"der"`
	Subject   string    `json:"subject"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Usages    []string  `json:"usages"` // digitalSignature, keyEncipherment, tlsClient, tlsServer
	RespondBy time.Time `json:"respond_by,omitzero"`
	// Wrong is why nobody may accept it; "" is nothing.
	Wrong string `json:"wrong,omitempty"`
}

// Head is what every event begins with.
type Head struct {
	scope.Scope
	Partner string    `json:"partner"`
	At      time.Time `json:"at"`
}

// Stream is the stream of the partner's certificates.
func (h Head) Stream() string { return StreamOf(h.Scope, h.Partner) }

// Key orders messages about them.
func (h Head) Key() string { return streamOf(h.Scope, h.Partner).Key() }

func streamOf(s scope.Scope, partner string) scope.Stream {
	return scope.Stream{Kind: "certificate", Tenant: s.Tenant, Owner: scope.Shared, ID: partner}
}

// StreamOf is the stream of a partner's certificates.
func StreamOf(s scope.Scope, partner string) string { return streamOf(s, partner).String() }

// Offered says that the partner asks us to trust certificates of his.
type Offered struct {
	Head
	Request      string        `json:"request"` // his id
	Signer       string        `json:"signer"`  // SHA-256 of the certificate that signed it
	Certificates []Certificate `json:"certificates"`
}

// Judged says what became of one of them.
type Judged struct {
	Head
	Request  string `json:"request"`
	ID       string `json:"sha256"`
	Accepted bool   `json:"accepted"`
	Reason   string `json:"reason,omitempty"`
	By       string `json:"by,omitempty"`
}

// Asked says that the partner is asked to trust certificates of ours.
type Asked struct {
	Head
	Request      string        `json:"request"`
	Certificates []Certificate `json:"certificates"`
	By           string        `json:"by,omitempty"`
}

// Answered says what he says of them.
type Answered struct {
	Head
	Request  string    `json:"request"`
	Verdicts []Verdict `json:"verdicts"`
}

// Verdict is on one certificate.
type Verdict struct {
	ID       string `json:"sha256"`
	Accepted bool   `json:"accepted"`
	Reason   string `json:"reason,omitempty"`
}

// EventType implements [event.Event].
func (Offered) EventType() string { return "certificate.Offered" }

// EventType implements [event.Event].
func (Judged) EventType() string { return "certificate.Judged" }

// EventType implements [event.Event].
func (Asked) EventType() string { return "certificate.Asked" }

// EventType implements [event.Event].
func (Answered) EventType() string { return "certificate.Answered" }

// Entry is a certificate with what became of it.
type Entry struct {
	Certificate
	Request string    `json:"request"`
	Status  string    `json:"status"`
	Reason  string    `json:"reason,omitempty"`
	By      string    `json:"by,omitempty"`
	Since   time.Time `json:"since"` // of the status
}

// Exchange is the state. The zero Exchange has nothing.
type Exchange struct {
	Head
	Theirs []Entry `json:"theirs,omitempty"`
	Ours   []Entry `json:"ours,omitempty"`
}

// Fold makes an [Exchange].
var Fold = event.Fold[Exchange]{Kind: "certificate", Version: 1, Apply: apply}

func apply(x Exchange, e event.Event) (Exchange, error) {
	switch e := e.(type) {
	case Offered:
		x.Head, x.Theirs = e.Head, begun(x.Theirs, e.Request, e.Certificates, "", e.At)
	case Judged:
		x.Head = e.Head
		x.Theirs = judged(x.Theirs, e.Request, Verdict{e.ID, e.Accepted, e.Reason}, e.By, e.At)
	case Asked:
		x.Head, x.Ours = e.Head, begun(x.Ours, e.Request, e.Certificates, e.By, e.At)
	case Answered:
		x.Head = e.Head
		for _, v := range e.Verdicts {
			x.Ours = judged(x.Ours, e.Request, v, "", e.At)
		}
	default:
		return x, event.Unexpected("certificate", e)
	}
	return x, nil
}

// begun adds certificates. One that was there before begins anew; what was granted of it holds
// until there is a verdict.
func begun(all []Entry, request string, certs []Certificate, by string, at time.Time) []Entry {
	out := make([]Entry, 0, len(all)+len(certs))
	for _, e := range all {
		if e.Status == StatusAccepted || !has(certs, e.ID) {
			out = append(out, e)
		}
	}
	for _, c := range certs {
		out = append(out, Entry{Certificate: c, Request: request, Status: StatusPending, By: by, Since: at})
	}
	return out
}

func judged(all []Entry, request string, v Verdict, by string, at time.Time) []Entry {
	out := make([]Entry, 0, len(all))
	for _, e := range all {
		switch {
		case e.ID != v.ID:
		case e.Request != request && v.Accepted:
			continue // this verdict takes its place
		case e.Request == request:
			e.Status, e.Reason, e.Since = StatusRejected, v.Reason, at
			if v.Accepted {
				e.Status = StatusAccepted
			}
			if by != "" {
				e.By = by
			}
		}
		out = append(out, e)
	}
	return out
}

func has(certs []Certificate, id string) bool {
	return slices.ContainsFunc(certs, func(c Certificate) bool { return c.ID == id })
}

// of are the entries of a request.
func of(all []Entry, request string) (out []Entry) {
	for _, e := range all {
		if e.Request == request {
			out = append(out, e)
		}
	}
	return out
}

// Due are the verdicts that a request of the partner is answered with, once there is one on
// each of its certificates.
func (x Exchange) Due(request string) ([]Entry, bool) {
	all := of(x.Theirs, request)
	for _, e := range all {
		if e.Status == StatusPending {
			return nil, false
		}
	}
	return all, len(all) > 0
}

// Asking are the certificates of a request of ours.
func (x Exchange) Asking(request string) []Entry { return of(x.Ours, request) }

// Offer is a request of the partner's. Whoever hands it in has seen that it is signed by a
// certificate that is trusted already.
type Offer struct {
	scope.Scope
	Partner, Request, Signer string
	Certificates             []Certificate
	Auto                     bool // nobody needs to look: it is agreed
}

// Offer takes a request. The same again is no event; the same id with other certificates is
// refused, for nobody could tell which his answer is about.
func (x Exchange) Offer(c Offer, at time.Time) ([]event.Event, error) {
	const op = "trust.Offer"
	if before := of(x.Theirs, c.Request); len(before) > 0 {
		for _, e := range before {
			if !has(c.Certificates, e.ID) || len(before) != len(c.Certificates) {
				return nil, fault.At(op, fault.Rejected, "request", fmt.Errorf("partner %s sent other certificates under the id of request %s: ask him which count", c.Partner, c.Request))
			}
		}
		return nil, nil
	}
	pending := len(c.Certificates)
	for _, e := range x.Theirs {
		if e.Status == StatusPending && !has(c.Certificates, e.ID) {
			pending++
		}
	}
	if pending > MaxPending {
		return nil, fault.At(op, fault.Rejected, "request", fmt.Errorf("%d certificates of partner %s would wait for a verdict, %d at most: judge some first", pending, c.Partner, MaxPending))
	}
	head := Head{c.Scope.Building(), c.Partner, at.UTC()}
	events := []event.Event{Offered{head, c.Request, c.Signer, c.Certificates}}
	for _, n := range c.Certificates {
		v := Judged{Head: head, Request: c.Request, ID: n.ID, Accepted: true, By: ByAgreement}
		was, granted := grantedOf(x.Theirs, n.ID)
		switch {
		case granted && n.Wrong == "" && within(n.Usages, was.Usages):
			v.By = was.By // asked again for what is granted
		case !c.Auto:
			continue
		case n.Wrong != "":
			v.Accepted, v.Reason = false, n.Wrong
		}
		events = append(events, v)
	}
	return events, nil
}

func within(usages, granted []string) bool {
	return !slices.ContainsFunc(usages, func(u string) bool { return !slices.Contains(granted, u) })
}

// grantedOf is a certificate that was accepted.
func grantedOf(all []Entry, id string) (Entry, bool) {
	for _, e := range all {
		if e.ID == id && e.Status == StatusAccepted {
			return e, true
		}
	}
	return Entry{}, false
}

// Judge is a person's verdict. ID is the fingerprint or how it begins.
type Judge struct {
	ID     string
	Accept bool
	Reason string
	By     string
}

// minID is the least of a fingerprint that names a certificate.
const minID = 8

// Judge decides on one certificate; one that was accepted may be rejected, of which the partner is
// not told. The same verdict again is no event.
func (x Exchange) Judge(c Judge, at time.Time) ([]event.Event, error) {
	const op = "trust.Judge"
	id := strings.ToLower(strings.ReplaceAll(c.ID, ":", ""))
	if len(id) < minID {
		return nil, fault.At(op, fault.Invalid, "id", fmt.Errorf("%q is too short: give %d characters of the fingerprint", c.ID, minID))
	}
	var got []Entry
	for _, e := range x.Theirs {
		if !strings.HasPrefix(e.ID, id) {
			continue
		}
		got = slices.DeleteFunc(got, func(o Entry) bool { return o.ID == e.ID }) // the later request is meant
		got = append(got, e)
	}
	if len(got) != 1 {
		return nil, fault.At(op, fault.Rejected, "id", fmt.Errorf("%d certificates that the partner offered begin with %q: paklog partner certs lists them", len(got), c.ID))
	}
	e := got[0]
	want := StatusRejected
	if c.Accept {
		want = StatusAccepted
	}
	switch {
	case e.Status == want:
		return nil, nil
	case e.Status == StatusRejected:
		return nil, fault.At(op, fault.Rejected, "id", fmt.Errorf("it is rejected since %s, and the partner was told: let him send it again", e.Since.Format(time.DateTime)))
	case c.Accept && e.Wrong != "":
		return nil, fault.At(op, fault.Rejected, "id", errors.New(e.Wrong))
	case c.Accept && at.After(e.NotAfter):
		return nil, fault.At(op, fault.Rejected, "id", fmt.Errorf("it has expired on %s", e.NotAfter.Format(time.DateOnly)))
	case !c.Accept && c.Reason == "":
		return nil, fault.At(op, fault.Invalid, "reason", errors.New("the partner is told why: give a reason"))
	}
	head := x.Head
	head.At = at.UTC()
	return []event.Event{Judged{head, e.Request, e.ID, c.Accept, c.Reason, c.By}}, nil
}

// Look asks for the state. Nothing is written.
type Look struct{}

// Propose asks the partner to trust certificates of ours, by fingerprints or how they begin.
type Propose struct {
	IDs       []string
	Usages    []string // none: those that each is set up for
	RespondBy time.Time
}

// Ask is a request of ours.
type Ask struct {
	scope.Scope
	Partner, Request string
	Certificates     []Certificate
	By               string
}

// Ask notes a request of ours.
func (x Exchange) Ask(c Ask, at time.Time) ([]event.Event, error) {
	const op = "trust.Ask"
	if len(c.Certificates) == 0 {
		return nil, fault.At(op, fault.Invalid, "certificates", errors.New("there is none"))
	}
	for _, n := range c.Certificates {
		switch was, granted := grantedOf(x.Ours, n.ID); {
		case n.Wrong != "":
			return nil, fault.At(op, fault.Rejected, "certificate", errors.New(n.Wrong))
		case granted && within(n.Usages, was.Usages):
			return nil, fault.At(op, fault.Rejected, "certificate", fmt.Errorf("partner %s has accepted %s already", c.Partner, n.Subject))
		}
	}
	return []event.Event{Asked{Head{c.Scope.Building(), c.Partner, at.UTC()}, c.Request, c.Certificates, c.By}}, nil
}

// Answer notes the partner's answer to a request of ours. One that nobody sent is refused; what
// was answered before stays, and is no event.
func (x Exchange) Answer(request string, verdicts []Verdict, at time.Time) ([]event.Event, error) {
	asked := of(x.Ours, request)
	if len(asked) == 0 {
		return nil, fault.At("trust.Answer", fault.Rejected, "request", fmt.Errorf("an answer to the request %.100q for certificates, which nobody sent", request))
	}
	var fresh []Verdict
	for _, v := range verdicts {
		for _, e := range asked {
			if e.ID == v.ID && e.Status == StatusPending {
				fresh = append(fresh, v)
			}
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	head := x.Head
	head.At = at.UTC()
	return []event.Event{Answered{head, request, fresh}}, nil
}

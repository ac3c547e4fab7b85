package document

import (
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

// Statuses of a document, in the order of its life.
const (
	StatusQueued       = "queued"       // it waits for others to leave in one interchange with it
	StatusWritten      = "written"      // it waits for the partner's window, his rate, or until he can be reached
	StatusSent         = "sent"         // nothing was said of it
	StatusAcknowledged = "acknowledged" // its syntax is right
	StatusAccepted     = "accepted"     // its content, too
	StatusRejected     = "rejected"     // one of both is not
	StatusReplaced     = "replaced"     // another was sent in its place
)

// Document is the state of a document. The zero Document does not exist yet.
type Document struct {
	Head         `json:"head"`
	Numbers      `json:"numbers"` // without control numbers while it is queued
	SentAt       time.Time        `json:"sent_at,omitzero"`
	Acknowledged *Acknowledged    `json:"acknowledged,omitempty"`
	Advice       *Advised         `json:"advice,omitempty"`
	ReplacedBy   string           `json:"replaced_by,omitempty"`
}

// Known reports whether the document exists.
func (d Document) Known() bool { return d.Document != "" }

// Status is where the document is in its life.
func (d Document) Status() string {
	switch {
	case d.ReplacedBy != "":
		return StatusReplaced
	case d.Acknowledged != nil && !d.Acknowledged.Accepted, d.Advice != nil && d.Advice.Verdict == Rejects:
		return StatusRejected
	case d.Advice != nil:
		return StatusAccepted
	case d.Acknowledged != nil:
		return StatusAcknowledged
	case !d.SentAt.IsZero():
		return StatusSent
	case d.Known() && d.Interchange == "":
		return StatusQueued
	}
	return StatusWritten
}

// Fold makes a [Document].
var Fold = event.Fold[Document]{Kind: "document", Version: 2, Apply: apply}

func apply(d Document, e event.Event) (Document, error) {
	switch e := e.(type) {
	case Queued:
		d.Head, d.Numbers = e.Head, Numbers{Set: e.Set, About: e.About}
	case Written:
		d.Head, d.Numbers = e.Head, e.Numbers
	case Sent:
		if !d.Known() {
			d.Head, d.Numbers = e.Head, e.Numbers
		}
		d.SentAt = e.At
	case Acknowledged:
		d.Acknowledged = &e
	case Advised:
		d.Advice = &e
	case Replaced:
		d.ReplacedBy = e.By
	default:
		return d, event.Unexpected("document", e)
	}
	return d, nil
}

func (d Document) head(at time.Time) Head {
	h := d.Head
	h.At = at.UTC()
	return h
}

// Queue begins a document that waits for others, to leave with them. It has no control numbers yet.
func (d Document) Queue(c Queue, at time.Time) ([]event.Event, error) {
	const op = "document.Queue"
	if err := (Write{Tenant: c.Tenant, Partner: c.Partner, Document: c.Document, Numbers: Numbers{Set: c.Set, Interchange: "0", About: c.About}}).check(op); err != nil {
		return nil, err
	}
	if d.Known() {
		return nil, fault.At(op, fault.Rejected, "name", fmt.Errorf("document %s is there", d.Document))
	}
	return []event.Event{Queued{Head{c.Tenant, c.Partner, c.Document, at.UTC()}, c.Set, c.About}}, nil
}

func (c Write) check(op string) error {
	for _, p := range [...]struct{ place, v string }{{"tenant", c.Tenant}, {"partner", c.Partner}, {"name", c.Document}, {"st01", c.Set}, {"isa13", c.Interchange}} {
		if err := scope.CheckPart(p.v); err != nil {
			return fault.At(op, fault.Invalid, p.place, err)
		}
	}
	if len(c.About) > MaxNumbers {
		return fault.At(op, fault.Invalid, "about", fmt.Errorf("has %d numbers, at most %d are allowed", len(c.About), MaxNumbers))
	}
	return nil
}

// Write begins the document, or gives one that was queued its control numbers.
func (d Document) Write(c Write, at time.Time) ([]event.Event, error) {
	const op = "document.Write"
	if err := c.check(op); err != nil {
		return nil, err
	}
	if d.Interchange != "" {
		return nil, fault.At(op, fault.Rejected, "name", fmt.Errorf("document %s is written", d.Document))
	}
	return []event.Event{Written{Head{c.Tenant, c.Partner, c.Document, at.UTC()}, c.Numbers}}, nil
}

// Send says that the document left; it did already, or nobody knows it, is no event.
func (d Document) Send(at time.Time) []event.Event {
	if !d.Known() || !d.SentAt.IsZero() {
		return nil
	}
	return []event.Event{Sent{d.head(at), d.Numbers}}
}

// Acknowledge takes what the partner says of the syntax. The same again is no event, and so is what is
// said of a document that nobody knows.
func (d Document) Acknowledge(c Acknowledge, at time.Time) ([]event.Event, error) {
	if err := scope.CheckPart(c.By); err != nil {
		return nil, fault.At("document.Acknowledge", fault.Invalid, "by", err)
	}
	e := Acknowledged{d.head(at), c.By, cut(c.Code), c.Accepted, cut(c.Why)}
	if was := d.Acknowledged; !d.Known() || was != nil && was.By == e.By && was.Code == e.Code && was.Accepted == e.Accepted && was.Why == e.Why {
		return nil, nil
	}
	return []event.Event{e}, nil
}

// Advise takes what the partner says of the content. The same again is no event, whatever number it
// has, and so is what is said of a document that nobody knows.
func (d Document) Advise(c Advise, at time.Time) ([]event.Event, error) {
	const op = "document.Advise"
	if err := scope.CheckPart(c.By); err != nil {
		return nil, fault.At(op, fault.Invalid, "by", err)
	}
	if c.Verdict != Accepts && c.Verdict != AcceptsWithErrs && c.Verdict != Rejects {
		return nil, fault.At(op, fault.Invalid, "verdict", fmt.Errorf("%.40q is none of %s, %s, %s", c.Verdict, Accepts, AcceptsWithErrs, Rejects))
	}
	said := c
	said.Number, said.Findings = cut(c.Number), nil
	for _, f := range c.Findings[:min(len(c.Findings), MaxFindings)] {
		said.Findings = append(said.Findings, Finding{cut(f.Code), cut(f.Text), cut(f.Segment), f.Ordinal, cut(f.Element)})
	}
	if !d.Known() || d.Advice != nil && d.Advice.By == said.By && d.Advice.Verdict == said.Verdict && reflect.DeepEqual(d.Advice.Findings, said.Findings) {
		return nil, nil
	}
	return []event.Event{Advised{d.head(at), said}}, nil
}

// Replace says that another document was sent in this one's place.
func (d Document) Replace(by string, at time.Time) ([]event.Event, error) {
	if err := scope.CheckPart(by); err != nil {
		return nil, fault.At("document.Replace", fault.Invalid, "by", err)
	}
	if !d.Known() || d.ReplacedBy == by {
		return nil, nil
	}
	return []event.Event{Replaced{d.head(at), by}}, nil
}

// cut bounds what a partner wrote, and never cuts a rune.
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

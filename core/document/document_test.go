package document_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
)

var (
	at    = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	write = document.Write{Tenant: "t", Partner: "ACME", Document: "945-1.edi", Numbers: document.Numbers{Set: "945", Interchange: "000000001", Group: "1", About: []string{"SO-1"}}}
)

type step func(document.Document) ([]event.Event, error)

func queue(d document.Document) ([]event.Event, error) {
	return d.Queue(document.Queue{Tenant: "t", Partner: "ACME", Document: "945-1.edi", Set: "945", About: []string{"SO-1"}}, at)
}
func begin(d document.Document) ([]event.Event, error) { return d.Write(write, at) }
func send(d document.Document) ([]event.Event, error)  { return d.Send(at), nil }
func ack(code string, ok bool) step {
	return func(d document.Document) ([]event.Event, error) {
		return d.Acknowledge(document.Acknowledge{By: "997", Code: code, Accepted: ok}, at)
	}
}

func advise(verdict string, findings ...document.Finding) step {
	return func(d document.Document) ([]event.Event, error) {
		return d.Advise(document.Advise{By: "824", Number: "7", Verdict: verdict, Findings: findings}, at)
	}
}
func replace(d document.Document) ([]event.Event, error) { return d.Replace("945-2.edi", at) }

// after runs steps and counts their events.
func after(t *testing.T, steps ...step) (d document.Document, events int) {
	t.Helper()
	for _, s := range steps {
		evs, err := s(d)
		if err != nil {
			t.Fatal(err)
		}
		if d, err = document.Fold.Replay(d, evs...); err != nil {
			t.Fatal(err)
		}
		events += len(evs)
	}
	return d, events
}

func TestTheLifeOfADocument(t *testing.T) {
	wrong := document.Finding{Code: "848", Text: "no such item", Segment: "W12", Ordinal: 9, Element: "8"}
	for name, c := range map[string]struct {
		steps  []step
		status string
		events int
	}{
		"written":                             {[]step{begin}, document.StatusWritten, 1},
		"sent":                                {[]step{begin, send}, document.StatusSent, 2},
		"sent twice":                          {[]step{begin, send, send}, document.StatusSent, 2},
		"acknowledged":                        {[]step{begin, send, ack("A", true)}, document.StatusAcknowledged, 3},
		"acknowledged twice":                  {[]step{begin, send, ack("A", true), ack("A", true)}, document.StatusAcknowledged, 3},
		"acknowledged, then rejected":         {[]step{begin, send, ack("A", true), ack("R", false)}, document.StatusRejected, 4},
		"accepted":                            {[]step{begin, send, ack("A", true), advise(document.Accepts)}, document.StatusAccepted, 4},
		"accepted with errors":                {[]step{begin, send, advise(document.AcceptsWithErrs, wrong)}, document.StatusAccepted, 3},
		"rejected":                            {[]step{begin, send, ack("A", true), advise(document.Rejects, wrong)}, document.StatusRejected, 4},
		"rejected twice":                      {[]step{begin, send, advise(document.Rejects, wrong), advise(document.Rejects, wrong)}, document.StatusRejected, 3},
		"rejected, then for another reason":   {[]step{begin, advise(document.Rejects, wrong), advise(document.Rejects)}, document.StatusRejected, 3},
		"rejected by syntax, content is well": {[]step{begin, send, ack("R", false), advise(document.Accepts)}, document.StatusRejected, 4},
		"advised before it is seen to leave":  {[]step{begin, advise(document.Rejects), send}, document.StatusRejected, 3},
		"replaced":                            {[]step{begin, send, advise(document.Rejects), replace, replace}, document.StatusReplaced, 4},
		"queued":                              {[]step{queue}, document.StatusQueued, 1},
		"queued, then written":                {[]step{queue, begin}, document.StatusWritten, 2},
		"queued, written, sent":               {[]step{queue, begin, send}, document.StatusSent, 3},
		"nobody knows it":                     {[]step{send, ack("A", true), advise(document.Rejects), replace}, document.StatusWritten, 0},
	} {
		if d, n := after(t, c.steps...); d.Status() != c.status || n != c.events {
			t.Errorf("%s: %s after %d events, want %s after %d", name, d.Status(), n, c.status, c.events)
		}
	}
}

func TestWhatADocumentRefuses(t *testing.T) {
	known, _ := after(t, begin)
	with := func(change func(*document.Write)) step {
		return func(d document.Document) ([]event.Event, error) {
			c := write
			change(&c)
			return d.Write(c, at)
		}
	}
	for name, c := range map[string]struct {
		d     document.Document
		do    step
		place string
		kind  fault.Kind
	}{
		"no tenant":            {document.Document{}, with(func(c *document.Write) { c.Tenant = "" }), "tenant", fault.Invalid},
		"no partner":           {document.Document{}, with(func(c *document.Write) { c.Partner = "" }), "partner", fault.Invalid},
		"no name":              {document.Document{}, with(func(c *document.Write) { c.Document = "" }), "name", fault.Invalid},
		"no set":               {document.Document{}, with(func(c *document.Write) { c.Set = "" }), "st01", fault.Invalid},
		"no control number":    {document.Document{}, with(func(c *document.Write) { c.Interchange = " " }), "isa13", fault.Invalid},
		"too many numbers":     {document.Document{}, with(func(c *document.Write) { c.About = make([]string, document.MaxNumbers+1) }), "about", fault.Invalid},
		"one that is there":    {known, begin, "name", fault.Rejected},
		"queued that is there": {known, queue, "name", fault.Rejected},
		"queued of no set": {document.Document{}, func(d document.Document) ([]event.Event, error) {
			return d.Queue(document.Queue{Tenant: "t", Partner: "ACME", Document: "945-1.edi"}, at)
		}, "st01", fault.Invalid},
		"queued about too much": {document.Document{}, func(d document.Document) ([]event.Event, error) {
			return d.Queue(document.Queue{Tenant: "t", Partner: "ACME", Document: "945-1.edi", Set: "945", About: make([]string, document.MaxNumbers+1)}, at)
		}, "about", fault.Invalid},
		"a verdict of none":  {known, advise("maybe"), "verdict", fault.Invalid},
		"an ack of nobody":   {known, func(d document.Document) ([]event.Event, error) { return d.Acknowledge(document.Acknowledge{}, at) }, "by", fault.Invalid},
		"advice of nobody":   {known, func(d document.Document) ([]event.Event, error) { return d.Advise(document.Advise{}, at) }, "by", fault.Invalid},
		"replaced by no one": {known, func(d document.Document) ([]event.Event, error) { return d.Replace("", at) }, "by", fault.Invalid},
	} {
		if evs, err := c.do(c.d); fault.KindOf(err) != c.kind || fault.PlaceOf(err) != c.place || evs != nil {
			t.Errorf("%s: %v, %v", name, evs, err)
		}
	}
}

func TestWhatAPartnerWritesIsBounded(t *testing.T) {
	many := make([]document.Finding, document.MaxFindings+1)
	many[0].Text = strings.Repeat("ä", document.MaxText)
	d, _ := after(t, begin, advise(document.Rejects, many...))
	got := d.Advice.Findings
	if len(got) != document.MaxFindings || len(got[0].Text) > document.MaxText || !utf8.ValidString(got[0].Text) || len(got[0].Text) < document.MaxText-1 {
		t.Errorf("%d findings, %d bytes", len(got), len(got[0].Text))
	}
	if _, n := after(t, begin, advise(document.Rejects, many...), advise(document.Rejects, many...)); n != 2 {
		t.Errorf("the same again is %d events", n-1)
	}
}

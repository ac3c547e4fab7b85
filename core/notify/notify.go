// Package notify is what people hear from the warehouse without having asked: a mail to a
// customer, a message to a partner's system or to a room where staff talks.
package notify

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"
)

// What a notice is about.
const (
	Packed    = "packed"    // all of an order lies in closed cartons
	Shipped   = "shipped"   // cartons of an order have left
	Exception = "exception" // a label was refused, or a carton weighs what it cannot
	Letters   = "letters"   // a cause of letters is new, grows, or its oldest letter waits too long
)

// Kinds of notice.
func Kinds() []string { return []string{Packed, Shipped, Exception, Letters} }

// Who hears of it.
const (
	Customer = "customer" // whom the order is shipped to
	Partner  = "partner"  // who sent the order
	Staff    = "staff"
)

// Audiences of notices.
func Audiences() []string { return []string{Customer, Partner, Staff} }

// Item is one thing that happened.
type Item struct {
	What     string    `json:"what"`
	At       time.Time `json:"at"`
	Owner    string    `json:"owner"`
	Order    string    `json:"order"`
	Carrier  string    `json:"carrier,omitempty"`
	Cartons  []Carton  `json:"cartons,omitempty"`
	Reason   string    `json:"reason,omitempty"` // of an exception, in words
	Facility string    `json:"facility,omitempty"`
	Group    string    `json:"group,omitempty"` // of letters: the fingerprint of their cause
}

// Carton is a carton with what it can be followed by.
type Carton struct {
	SSCC     string `json:"sscc"`
	Tracking string `json:"tracking,omitempty"`
}

// Notice is what is sent: one thing, or several that were gathered.
type Notice struct {
	// ID is the same for the same notice, whenever it is sent.
	ID      string
	At      time.Time
	Rule    string
	To      []string // addresses of mail; a hook and a room need none
	Subject string
	Text    string
	Items   []Item // oldest first
	More    int    // that were gathered beyond Items
}

// Wording is how a notice reads: text/template over a [Notice] without its own Subject and Text.
type Wording struct{ subject, text *template.Template }

const (
	defaultSubject = `{{with index .Items 0}}{{if .Group}}Group {{.Group}} of letters{{else}}Order {{.Order}}{{end}}{{end}}{{if gt (total .) 1}} and {{add (total .) -1}} more{{end}} {{says .}}`
	defaultText    = `{{range .Items}}{{.At.Format "2006-01-02 15:04 MST"}}  {{if .Group}}group {{.Group}} of letters{{else}}order {{.Order}}{{end}} {{done .What}}{{if .Carrier}} with {{.Carrier}}{{end}}{{if .Reason}}: {{.Reason}}{{end}}
{{range .Cartons}}    carton {{.SSCC}}{{if .Tracking}}, tracking {{.Tracking}}{{end}}
{{end}}{{end}}{{if .More}}and {{.More}} more
{{end}}`
)

// Word reads templates; "" is ours.
func Word(subject, text string) (Wording, error) {
	if subject == "" {
		subject = defaultSubject
	}
	if text == "" {
		text = defaultText
	}
	funcs := template.FuncMap{
		"done": done, "says": says,
		"total": func(n Notice) int { return len(n.Items) + n.More },
		"add":   func(a, b int) int { return a + b },
	}
	var w Wording
	var errs [2]error
	w.subject, errs[0] = template.New("subject").Funcs(funcs).Parse(subject)
	w.text, errs[1] = template.New("text").Funcs(funcs).Parse(text)
	if err := errors.Join(errs[:]...); err != nil {
		return w, err
	}
	_, err := w.Write(Notice{Rule: "rule", Items: []Item{{What: Shipped, Order: "SO-1", Cartons: []Carton{{SSCC: "1"}}}}})
	return w, err
}

// Write is n with its subject, which is one line, and its text.
func (w Wording) Write(n Notice) (Notice, error) {
	var b strings.Builder
	if err := w.subject.Execute(&b, n); err != nil {
		return n, fmt.Errorf("wording a notice: %w", err)
	}
	n.Subject = strings.Join(strings.Fields(b.String()), " ")
	b.Reset()
	if err := w.text.Execute(&b, n); err != nil {
		return n, fmt.Errorf("wording a notice: %w", err)
	}
	n.Text = b.String()
	return n, nil
}

func done(what string) string {
	switch what {
	case Packed:
		return "is packed"
	case Shipped:
		return "has left"
	}
	return "needs somebody"
}

// says is done of what all items have in common.
func says(n Notice) string {
	for _, i := range n.Items {
		if i.What != n.Items[0].What {
			return "have news"
		}
	}
	if len(n.Items)+n.More == 1 {
		return done(n.Items[0].What)
	}
	switch n.Items[0].What {
	case Packed:
		return "are packed"
	case Shipped:
		return "have left"
	}
	return "need somebody"
}

// Quiet is the part of a day in which nobody is told anything: minutes from midnight, in Zone. Where From is To there is none; where From is later, it spans midnight.
type Quiet struct {
	From, To int
	Zone     *time.Location
}

// Ends is when somebody may be told who was to be told at t: t, or the end of the quiet it lies in.
func (q Quiet) Ends(t time.Time) time.Time {
	if q.From == q.To {
		return t
	}
	zone := q.Zone
	if zone == nil {
		zone = time.UTC
	}
	l := t.In(zone)
	now, day := l.Hour()*60+l.Minute(), l.Day()
	switch in := now >= q.From && now < q.To; {
	case q.From < q.To && !in:
		return t
	case q.From > q.To && now >= q.To && now < q.From:
		return t
	case q.From > q.To && now >= q.From:
		day++
	}
	return time.Date(l.Year(), l.Month(), day, q.To/60, q.To%60, 0, 0, zone)
}

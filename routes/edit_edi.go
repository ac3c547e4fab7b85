package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
	"github.com/paklog/hub/routes/eip"
)

// ediText is a transaction set or an EDIFACT message as people edit it: each segment on a line.
type ediText struct {
	terminator, element, release byte // release is 0 in X12
	head, tail                   string
	allowed                      []string
}

var (
	x12Allowed     = []string{"every element, and whole segments, but not ST nor SE-02; SE-01 is counted anew"}
	edifactAllowed = []string{"every element, and whole segments, but not UNH nor UNT-02; UNT-01 is counted anew"}
)

// lines takes a text apart at its terminators, which are left out, as are line breaks between segments.
func (t ediText) lines(text string) (out []string) {
	start := 0
	for i := 0; i < len(text); i++ {
		switch {
		case t.release != 0 && text[i] == t.release:
			i++
		case text[i] == t.terminator:
			out = append(out, strings.TrimLeft(text[start:i], "\r\n"))
			start = i + 1
		}
	}
	if rest := strings.Trim(text[start:], "\r\n \t"); rest != "" {
		out = append(out, rest)
	}
	return slices.DeleteFunc(out, func(s string) bool { return strings.Trim(s, "\r\n \t") == "" })
}

// between is what stands between two segments of raw: a line break, or nothing.
func (t ediText) between(raw string) string {
	i := strings.IndexByte(raw, t.terminator)
	if i < 0 {
		return ""
	}
	rest := raw[i+1:]
	return rest[:len(rest)-len(strings.TrimLeft(rest, "\r\n"))]
}

// elements takes a segment apart; the first is its tag.
func (t ediText) elements(line string) (out []string) {
	start := 0
	for i := 0; i < len(line); i++ {
		switch {
		case t.release != 0 && line[i] == t.release:
			i++
		case line[i] == t.element:
			out = append(out, line[start:i])
			start = i + 1
		}
	}
	return append(out, line[start:])
}

func (t ediText) tag(line string) string { return t.elements(line)[0] }

// show is raw for people to read and to change.
func (t ediText) show(raw string) string {
	var b strings.Builder
	for _, l := range t.lines(raw) {
		b.WriteString(l)
		b.WriteByte(t.terminator)
		if t.terminator != '\n' {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// write makes the bytes of a text, with as many segments counted as there are, and the breaks between them that
// before has.
func (t ediText) write(before, text string) string {
	lines := t.lines(text)
	if n := len(lines); n > 0 && t.tag(lines[n-1]) == t.tail {
		e := t.elements(lines[n-1])
		if len(e) > 1 {
			e[1] = strconv.Itoa(n)
			lines[n-1] = strings.Join(e, string(t.element))
		}
	}
	sep := t.between(before)
	var b strings.Builder
	for i, l := range lines {
		b.WriteString(l)
		b.WriteByte(t.terminator)
		if i < len(lines)-1 || strings.HasSuffix(before, sep) {
			b.WriteString(sep)
		}
	}
	return b.String()
}

// changes are the elements in which two sets differ, and the segments that only one of them has.
func (t ediText) changes(before, after string) (out []dlq.FieldChange) {
	old, now := t.lines(before), t.lines(after)
	same := func(o, n []string) bool {
		return len(o) == len(n) && !slices.ContainsFunc(seq(len(o)), func(i int) bool { return t.tag(o[i]) != t.tag(n[i]) })
	}
	head := 0
	for head < len(old) && head < len(now) && old[head] == now[head] {
		head++
	}
	tail := 0
	for tail < len(old)-head && tail < len(now)-head && (old[len(old)-1-tail] == now[len(now)-1-tail] ||
		t.tag(old[len(old)-1-tail]) == t.tail && t.tag(now[len(now)-1-tail]) == t.tail) {
		tail++
	}
	pair := func(at int, o, n string) {
		oe, ne := t.elements(o), t.elements(n)
		for i := range max(len(oe), len(ne)) {
			if a, b := nth(oe, i), nth(ne, i); a != b {
				out = append(out, dlq.FieldChange{Field: fmt.Sprintf("%s-%02d (segment %d)", oe[0], i, at+1), Old: a, New: b})
			}
		}
	}
	o, n := old[head:len(old)-tail], now[head:len(now)-tail]
	if same(o, n) {
		for i := range o {
			pair(head+i, o[i], n[i])
		}
	} else {
		for i, l := range o {
			out = append(out, dlq.FieldChange{Field: fmt.Sprintf("%s (segment %d)", t.tag(l), head+i+1), Old: l})
		}
		for i, l := range n {
			out = append(out, dlq.FieldChange{Field: fmt.Sprintf("%s (segment %d)", t.tag(l), head+i+1), New: l})
		}
	}
	for i := tail; i > 0; i-- {
		if a, b := old[len(old)-i], now[len(now)-i]; a != b { // its count of segments
			pair(len(now)-i, a, b)
		}
	}
	return out
}

func seq(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func nth(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// fixed are the changes that nobody may make: of what tells this set from others.
func (t ediText) fixed(changes []dlq.FieldChange) (out []dlq.Problem) {
	for _, c := range changes {
		tag, _, _ := strings.Cut(c.Field, " ")
		seg, el, _ := strings.Cut(tag, "-")
		if seg == t.head || seg == t.tail && el != "01" {
			out = append(out, dlq.Problem{Place: c.Field, Message: "what tells the document from others is not changed here"})
		}
	}
	return out
}

// edit is the part of an [EditFunc] that X12 and EDIFACT have in common. judge reads the bytes and says
// what is wrong with them, and which data the message has with them.
func (t ediText) edit(format string, rec *journal.Record, text *string, judge func(raw []byte) (data []byte, problems []dlq.Problem)) (dlq.Edited, error) {
	if rec.Headers[eip.Ticket] != "" || len(rec.Personal) == 0 {
		return dlq.Edited{}, fmt.Errorf("a document of more than %d bytes: %w", eip.MaxInline, dlq.ErrNoEdit)
	}
	if !utf8.Valid(rec.Personal) {
		return dlq.Edited{}, fmt.Errorf("a document whose characters are not UTF-8: %w", dlq.ErrNoEdit)
	}
	before := string(rec.Personal)
	out := dlq.Edited{Format: format, Text: t.show(before), Allowed: t.allowed, Record: *rec}
	if text == nil {
		_, out.Problems = judge(rec.Personal)
		return out, nil
	}
	after := t.write(before, *text)
	out.Text, out.Changes = t.show(after), t.changes(before, after)
	data, problems := judge([]byte(after))
	out.Problems = append(t.fixed(out.Changes), problems...)
	out.Record.Data, out.Record.Personal = data, []byte(after)
	return out, nil
}

func problemOf(f finding.Finding) dlq.Problem {
	return dlq.Problem{Place: placeOf(f), Message: f.Message + hint(f)}
}

// rejected is why a document is not accepted from a partner: its errors, or that it was agreed so.
func rejected(findings []finding.Finding, p Partner) (problems []dlq.Problem) {
	for _, f := range findings {
		if f.Severity >= finding.Error {
			problems = append(problems, problemOf(f))
		}
	}
	if problems == nil {
		problems = []dlq.Problem{{Message: "it is rejected by what was agreed with " + p.Name}}
	}
	return problems
}

// untranslatable are the places that keep a document from being translated.
func untranslatable(err error) []dlq.Problem {
	if err == nil {
		return nil
	}
	return []dlq.Problem{{Place: fault.PlaceOf(err), Message: fault.Reason(err)}}
}

// editSet is the [EditFunc] of routes that get transaction sets: judged by the partner's profile, and translated where
// the route translates them.
func (e *edi) editSet(translate func(p Partner, info setInfo, part *x12.Part) error) EditFunc {
	return func(_ context.Context, rec *journal.Record, text *string) (dlq.Edited, error) {
		var info setInfo
		if !strings.HasPrefix(rec.Type, "x12.") || json.Unmarshal(rec.Data, &info) != nil || info.Set == "" {
			return dlq.Edited{}, fmt.Errorf("%s is no transaction set: %w", rec.Type, dlq.ErrNoEdit)
		}
		p, err := e.partner(info.Partner)
		if err != nil {
			return dlq.Edited{}, fmt.Errorf("%w: %w", err, dlq.ErrNoEdit)
		}
		d := info.Origin.ISA.Delimiters
		t := ediText{terminator: d.Terminator, element: d.Element, head: "ST", tail: "SE", allowed: x12Allowed}
		return t.edit("x12", rec, text, func(raw []byte) ([]byte, []dlq.Problem) {
			part, err := x12.ReadSet(raw, info.Origin, e.Limits)
			if err != nil {
				return nil, []dlq.Problem{{Message: oneSet(err)}}
			}
			e.rules(p).Check(part)
			var problems []dlq.Problem
			if !ack.Judge(part, p.Policy).Accepted() {
				problems = rejected(part.Findings, p)
			}
			info.Findings = slices.Clone(part.Findings)
			if problems == nil && translate != nil {
				problems = untranslatable(translate(p, info, part))
			}
			data, err := json.Marshal(info)
			if err != nil {
				problems = append(problems, dlq.Problem{Message: err.Error()})
			}
			return data, problems
		})
	}
}

func oneSet(err error) string {
	if errors.Is(err, x12.ErrNotOneSet) || errors.Is(err, edifact.ErrNotOneMessage) {
		return "this is not one whole document, from its first segment to its last"
	}
	return err.Error()
}

// translatesOrder translates a set as x12.orders does.
func translatesOrder(p Partner, info setInfo, part *x12.Part) error {
	if _, err := p.order(part); err != nil {
		return untranslated("x12.orders", setName(info), info.Document, fault.KindOf(err), err)
	}
	return nil
}

// translatesReceipt translates a set as x12.receipts does.
func translatesReceipt(p Partner, info setInfo, part *x12.Part) error {
	if _, err := p.expected(part); err != nil {
		return untranslated("x12.receipts", setName(info), info.Document, fault.KindOf(err), err)
	}
	return nil
}

// editMessage is [edi.editSet] for EDIFACT.
func (e *edi) editMessage(translate func(p Partner, info messageInfo, part *edifact.Part) error) EditFunc {
	return func(_ context.Context, rec *journal.Record, text *string) (dlq.Edited, error) {
		var info messageInfo
		if !strings.HasPrefix(rec.Type, "edifact.") || json.Unmarshal(rec.Data, &info) != nil || info.Message == "" {
			return dlq.Edited{}, fmt.Errorf("%s is no message of EDIFACT: %w", rec.Type, dlq.ErrNoEdit)
		}
		p, err := e.partner(info.Partner)
		if err != nil {
			return dlq.Edited{}, fmt.Errorf("%w: %w", err, dlq.ErrNoEdit)
		}
		d := info.Origin.UNB.Delimiters
		t := ediText{terminator: d.Terminator, element: d.Element, release: d.Release, head: "UNH", tail: "UNT", allowed: edifactAllowed}
		return t.edit("edifact", rec, text, func(raw []byte) ([]byte, []dlq.Problem) {
			part, err := edifact.ReadMessage(raw, info.Origin, edifact.Limits{})
			if err != nil {
				return nil, []dlq.Problem{{Message: oneSet(err)}}
			}
			e.messageRules(p).Check(part)
			var problems []dlq.Problem
			if !acceptedMessage(p, part) {
				problems = rejected(part.Findings, p)
			}
			info.Findings = slices.Clone(part.Findings)
			if problems == nil && translate != nil {
				problems = untranslatable(translate(p, info, part))
			}
			data, err := json.Marshal(info)
			if err != nil {
				problems = append(problems, dlq.Problem{Message: err.Error()})
			}
			return data, problems
		})
	}
}

// translatesMessageOrder translates a message as edifact.orders does.
func translatesMessageOrder(p Partner, info messageInfo, part *edifact.Part) error {
	if _, err := p.messageOrder(part); err != nil {
		return untranslated("edifact.orders", info.name(), info.Document, fault.KindOf(err), err)
	}
	return nil
}

// translatesMessageReceipt translates a message as edifact.receipts does.
func translatesMessageReceipt(p Partner, info messageInfo, part *edifact.Part) error {
	if _, err := p.messageExpected(part); err != nil {
		return untranslated("edifact.receipts", info.name(), info.Document, fault.KindOf(err), err)
	}
	return nil
}

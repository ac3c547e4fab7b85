package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/ack"
	"github.com/paklog/hub/edi/edifact/grammar"
	"github.com/paklog/hub/edi/finding"
)

// messages are the grammars that EDIFACT is checked by.
func (r *rulesFlags) messages() (*grammar.Library, error) {
	folder, name := r.overlay()
	l, err := overlaidMessages(cmp.Or(folder, "."), name)
	if err == nil && l == nil {
		l = grammar.Builtin()
	}
	return l, err
}

// overlaidMessages is [overlaid] for EDIFACT.
func overlaidMessages(folder, name string) (*grammar.Library, error) {
	if name == "" {
		return nil, nil
	}
	all, err := stacked(folder, name, isMessageType)
	if err != nil {
		return nil, err
	}
	l, err := grammar.Builtin().With(all...)
	if err != nil {
		return nil, err
	}
	return &grammar.Library{Library: l}, nil
}

// isMessageType tells EDIFACT's types of six letters from X12's numbers.
func isMessageType(id string) bool {
	return len(id) == 6 && !strings.ContainsFunc(id, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// edifact shows one part.
func (d *dump) edifact(p *edifact.Part) {
	var head string
	switch p.Kind {
	case edifact.InterchangeHeader:
		d.interchanges++
		head = fmt.Sprintf("interchange %s from %s to %s, syntax %s version %s", p.UNB.Control, p.UNB.Sender.ID, p.UNB.Recipient.ID, p.UNB.Syntax, p.UNB.Version)
		if p.UNB.Absent {
			head = "messages without an interchange"
		}
		if p.UNB.Test == "1" {
			head += ", a test"
		}
	case edifact.GroupHeader:
		d.groups++
		head = fmt.Sprintf("  group %s %s, directory %s%s", p.UNG.Type, p.UNG.Control, p.UNG.Version, p.UNG.Release)
	case edifact.Message:
		d.received++
		d.messages.Check(p)
		head = fmt.Sprintf("    message %s %s of %s, %d segments at byte %d", p.UNH.Type, p.UNH.Reference, p.UNH.Directory(), p.Segments.Len(), p.Offset)
	case edifact.GroupTrailer:
		head = fmt.Sprintf("  end of the group: %d messages", p.Messages)
	case edifact.InterchangeTrailer:
		head = fmt.Sprintf("end of the interchange: %d groups, %d messages", p.Groups, p.Messages)
	default:
		head = fmt.Sprintf("%s, %d bytes at byte %d", p.Kind, len(p.Raw), p.Offset)
	}
	if !d.json && (len(p.Findings) > 0 || p.Kind != edifact.Noise) {
		d.say("%s", clean(head))
	}
	for _, f := range p.Findings {
		d.finding(p.Raw, p.Offset, p.Segments.Delimiters().Terminator, f)
	}
}

// setOfEDIFACT is [setOf] for EDIFACT: values are released and in UTF-8, and
// empty ones at an end do not count.
func setOfEDIFACT(p *edifact.Part) []ediSet {
	if p.Segments.Len() == 0 {
		return nil
	}
	s := ediSet{name: p.Kind.String()}
	if p.Kind == edifact.Message {
		s.name = "message " + p.UNH.Type + " " + p.UNH.Reference
	}
	for _, seg := range p.Segments.All() {
		o := seg.Out()
		fields := append([]string{o.ID}, o.Elements...)
		for len(fields) > 1 && fields[len(fields)-1] == "" {
			fields = fields[:len(fields)-1]
		}
		s.segments = append(s.segments, fields)
	}
	return []ediSet{s}
}

// contrl takes in a part of an EDIFACT document, and answers its interchange by a CONTRL
// where that ends.
func (a *answering) contrl(p *edifact.Part, lib *grammar.Library, collect *ack.Collector) (rejected bool, err error) {
	if p.Kind == edifact.Message {
		lib.Check(p)
	}
	collect.Add(p)
	if p.Kind != edifact.InterchangeTrailer {
		return p.UNB == nil && finding.Worst(p.Findings) == finding.Error, nil
	}
	for i := range collect.Interchanges {
		v := &collect.Interchanges[i]
		rejected = rejected || v.Rejects()
		if err := a.report(v); err != nil {
			return rejected, err
		}
	}
	collect.Interchanges = nil
	return rejected, nil
}

func (a *answering) report(v *ack.Interchange) error {
	h, body, ok := ack.Contrl(v)
	if !ok {
		return nil
	}
	unb := v.UNB.Reply()
	unb.Date, unb.Time, unb.Control = stampOf(unb.Version, a.at), a.at.Format("1504"), strconv.Itoa(a.control)
	a.control++
	h.Reference = "1"
	w := edifact.NewWriter(a.out, edifact.WriterOptions{LineEnd: "\n", Replace: '.'})
	err := w.BeginInterchange(unb)
	if err == nil {
		err = w.WriteMessage(h, body)
	}
	if err == nil {
		err = w.EndInterchange()
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("interchange %q cannot be answered: %w", v.UNB.Control, err)
	}
	return nil
}

// stampOf is the date of a UNB: version 4 writes the century.
func stampOf(version string, at time.Time) string {
	if version == "4" {
		return at.Format("20060102")
	}
	return at.Format("060102")
}

package routes

import (
	"errors"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/transforms/mapping"
)

// WrittenSets are the sets and messages that a partner's map may change: all that are sent but
// acknowledgements.
func WrittenSets() []string {
	out := []string{"DESADV", "ORDRSP", "RECADV", "INVRPT", "INVOIC", "APERAK", "ORDERS", "ORDCHG"}
	for set, group := range groupOf {
		if group != "FA" {
			out = append(out, set)
		}
	}
	slices.Sort(out)
	return out
}

// changed is a document after the partner's map: text as write made it of body.
func (e *edi) changed(p Partner, own *mapping.Map, text []byte, body []x12.Out, write func([]x12.Out) ([]byte, error)) ([]byte, []x12.Out, error) {
	set, err := theSet(text, e.Limits)
	if err != nil {
		return nil, nil, err
	}
	c, ok, err := own.Change(mapping.OfX12(set))
	if err != nil {
		return nil, nil, unchanged(p, own, set.ST.ID, err)
	}
	if !ok {
		return text, body, nil
	}
	if text, err = write(c.Body); err != nil {
		return nil, nil, err
	}
	if set, err = theSet(text, e.Limits); err != nil {
		return nil, nil, err
	}
	e.rules(p).Check(set)
	return text, c.Body, wrongNow(p, own, set.ST.ID, c.Lines, set.Findings)
}

// theSet is the one set of an interchange of ours.
func theSet(text []byte, limits x12.Limits) (*x12.Part, error) {
	doc, err := x12.Parse(text, limits)
	if err != nil {
		return nil, fault.E("edi.changed", fault.Internal, err)
	}
	for p := range doc.Sets() {
		return p, nil
	}
	return nil, fault.E("edi.changed", fault.Internal, errors.New("nothing was written"))
}

// messageChanged is [edi.changed] for EDIFACT.
func (e *edi) messageChanged(p Partner, own *mapping.Map, text []byte, body []edifact.Out, write func([]edifact.Out) ([]byte, error)) ([]byte, []edifact.Out, error) {
	message, err := theMessage(text)
	if err != nil {
		return nil, nil, err
	}
	c, ok, err := own.Change(mapping.OfEDIFACT(message))
	if err != nil {
		return nil, nil, unchanged(p, own, message.UNH.Type, err)
	}
	if !ok {
		return text, body, nil
	}
	body = messageBody(c.Body)
	if text, err = write(body); err != nil {
		return nil, nil, err
	}
	if message, err = theMessage(text); err != nil {
		return nil, nil, err
	}
	e.messageRules(p).Check(message)
	return text, body, wrongNow(p, own, message.UNH.Type, c.Lines, message.Findings)
}

func theMessage(text []byte) (*edifact.Part, error) {
	doc, err := edifact.Parse(text, edifact.Limits{})
	if err != nil {
		return nil, fault.E("edi.changed", fault.Internal, err)
	}
	for p := range doc.Messages() {
		return p, nil
	}
	return nil, fault.E("edi.changed", fault.Internal, errors.New("nothing was written"))
}

func messageBody(of []mapping.Segment) []edifact.Out {
	out := make([]edifact.Out, len(of))
	for i, s := range of {
		out[i] = edifact.Out(s)
	}
	return out
}

// unchanged is the error of a map that failed on what we wrote: the agreement is to be mended, not the document.
func unchanged(p Partner, own *mapping.Map, set string, err error) error {
	return untranslated("edi.changed", fmt.Sprintf("map %s", own.ID), fmt.Sprintf("the %s for %s", set, p.Name), fault.Rejected, err)
}

// wrongNow refuses what a map made a document into, where that breaks the partner's rules. lines are the
// map's, by segment.
func wrongNow(p Partner, own *mapping.Map, set string, lines []int, findings []finding.Finding) error {
	for _, f := range findings {
		if f.Severity != finding.Error {
			continue
		}
		by := ""
		if n := f.Segment - 2; n >= 0 && n < len(lines) && lines[n] > 0 { // the header is the first
			by = fmt.Sprintf("; by %s:%d", own.Name, lines[n])
		}
		return fault.At("edi.changed", fault.Rejected, placeOf(f), fmt.Errorf("map %s makes the %s for %s into one that is wrong: %s%s", own.ID, set, p.Name, f.Message, by))
	}
	return nil
}

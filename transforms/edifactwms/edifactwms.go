// Package edifactwms translates between EDIFACT warehouse messages and the
// core's commands and events: ORDERS becomes an order, ORDCHG a change of one, DESADV an expected
// receipt; an order's acceptance becomes an ORDRSP, a ship confirmation a DESADV. It is pure: times,
// references and partner settings are passed in.
//
// What is agreed with a partner is the profile of package x12wms, whichever
// syntax he speaks: a message is read into its document form, codes included,
// and translated there. Whatever cannot be translated is an error with its exact
// place: element, segment ordinal, byte offset, line and column.
package edifactwms

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/transforms/x12wms"
)

// Order translates an ORDERS or ORDCHG message. The error is a fault of kind Invalid that
// carries an [x12wms.Error]; its findings are added to p as well.
func Order(profile x12wms.Profile, p *edifact.Part) (x12wms.Order, error) {
	const op = "edifactwms.Order"
	on := On(p)
	if n := p.Segments.Len(); n > x12wms.MaxSegments {
		return x12wms.Order{}, refuse(op, on, text(p.Segments.At(0), 2, 1), x12wms.CodeCommand, "at most "+strconv.Itoa(x12wms.MaxSegments)+" segments", "split the order", "the message has "+strconv.Itoa(n)+" segments, more than an order may")
	}
	if p.UNH.Type != "ORDERS" && p.UNH.Type != "ORDCHG" {
		return x12wms.Order{}, refuse(op, on, text(p.Segments.At(0), 2, 1), x12wms.CodeUnsupported, "ORDERS or ORDCHG", "route this message elsewhere", "message "+p.UNH.Type+" is no order")
	}
	return profile.Place(read(p), on)
}

// On is what a translation has to know of the message.
func On(p *edifact.Part) x12wms.Paper {
	on := x12wms.Paper{Set: p.UNH.Type, Line: "LIN", Party: "NAD+", Changes: "1, 2, 3 or 4"}
	if p.UNB != nil && !p.UNB.Absent {
		on.Sender, on.ID = p.UNB.Sender.ID, p.Identity().String()
	}
	on.End = func(element string) x12wms.Place {
		s := p.Segments.At(p.Segments.Len() - 1)
		return x12wms.Place{Element: element, Segment: s.Ordinal(), Offset: s.Offset()}
	}
	on.Add = func(f finding.Finding) finding.Finding {
		p.Add(f)
		// A part full of findings keeps no more, and still the order must fail.
		if last := p.Findings[len(p.Findings)-1]; last.Code == f.Code {
			return last
		}
		f.Line, f.Column = p.Position(f.Offset)
		return f
	}
	return on
}

// text is a component and where it stands; c is 0 for an element that has none.
func text(s edifact.Segment, n, c int) x12wms.Text {
	raw, offset := s.Component(n, 1, max(c, 1))
	return x12wms.Text{Value: strings.TrimSpace(s.Text(raw)),
		At: x12wms.Place{Element: s.Ref(n, c), Segment: s.Ordinal(), Offset: offset, Length: len(raw)}}
}

// coded is a text whose code is translated to the one that the profile knows.
func coded(t x12wms.Text, codes map[string]string) x12wms.Text {
	if c, ok := codes[t.Value]; ok {
		t.Value = c
	}
	return t
}

// read takes an ORDERS or ORDCHG apart.
func read(p *edifact.Part) x12wms.Document {
	first := p.Segments.At(min(1, p.Segments.Len()-1))
	due := func(element string) x12wms.Text {
		return x12wms.Text{At: x12wms.Place{Element: element, Segment: first.Ordinal(), Offset: first.Offset()}}
	}
	usual := x12wms.Orders
	if p.UNH.Type == "ORDCHG" {
		usual = x12wms.Changes
	}
	d := x12wms.Document{Set: p.UNH.Type, Purpose: due("BGM-03"), Number: due("BGM-02")}
	d.Purpose.Value = usual
	party, group := -1, ""
	for _, s := range p.Segments.All() {
		line := len(d.Lines) - 1
		tag := s.ID()
		if opens[tag] {
			group = tag
		}
		switch tag {
		case "BGM":
			d.Number, d.Purpose = text(s, 2, 1), coded(text(s, 3, 0), purposes)
			d.Number.At.Element = s.Ref(2, 0)
			d.Purpose.Value = cmp.Or(d.Purpose.Value, usual)
			if d.Kind = coded(text(s, 1, 1), orderKinds); p.UNH.Type == "ORDCHG" {
				d.Kind.Value = ""
			}
		case "DTM":
			if group == "" {
				d.Dates = append(d.Dates, date(s))
			}
		case "FTX":
			if line < 0 {
				d.Notes = append(d.Notes, freeText(s))
			}
		case "RFF":
			ref := x12wms.Reference{Qualifier: foreign(text(s, 1, 1), refs), Value: text(s, 1, 2)}
			switch {
			case line >= 0 && group != "NAD":
				d.Lines[line].Refs = append(d.Lines[line].Refs, ref)
			case line < 0 && party < 0:
				d.Refs = append(d.Refs, ref)
			}
		case "NAD":
			if party = -1; line < 0 {
				d.Parties = append(d.Parties, Party(s))
				party = len(d.Parties) - 1
			}
		case "COM":
			if party >= 0 {
				contact(&d.Parties[party], s)
			}
		case "TDT":
			if line < 0 && d.Method.At.Segment == 0 {
				d.Method, d.SCAC, d.Routing = coded(text(s, 3, 1), methods), text(s, 5, 1), text(s, 5, 4)
			}
		case "TOD":
			if line < 0 && d.Terms.Value == "" {
				d.Terms = text(s, 2, 0)
			}
		case "LIN":
			party = -1
			l := newLine(s)
			if d.Purpose.Value == x12wms.Changes || d.Purpose.Value == x12wms.Replaces {
				l.Do = coded(text(s, 2, 0), lineChanges)
			}
			d.Lines = append(d.Lines, l)
		case "PIA":
			if line >= 0 {
				for n := 2; n <= s.Len(); n++ {
					addCode(&d.Lines[line], text(s, n, 2), text(s, n, 1))
				}
			}
		case "QTY":
			if line >= 0 && s.Value(1, 1) == "21" {
				d.Lines[line].Qty, d.Lines[line].UOM = text(s, 1, 2), coded(text(s, 1, 3), units)
			}
		case "CUX":
			if line < 0 && s.Value(1, 1) == "2" {
				d.Currency = text(s, 1, 2)
			}
		case "PRI":
			per, err := strconv.ParseInt(cmp.Or(s.Value(1, 5), "1"), 10, 32)
			if line >= 0 && (s.Value(1, 1) == "AAA" || s.Value(1, 1) == "AAB" && d.Lines[line].Price.Value == "") && err == nil && per > 0 {
				d.Lines[line].Price, d.Lines[line].Per = text(s, 1, 2), per
			}
		case "IMD":
			if line >= 0 {
				d.Lines[line].Text = append(d.Lines[line].Text, text(s, 3, 4))
			}
		}
	}
	return d
}

// opens are the segments that begin a group in whose segments others mean
// something else than in the message's head.
var opens = map[string]bool{"RFF": true, "NAD": true, "TAX": true, "CUX": true, "PAT": true, "TDT": true, "TOD": true, "PAC": true, "EQD": true,
	"SCC": true, "ALC": true, "APR": true, "RCS": true, "LIN": true, "UNS": true, "PRI": true, "LOC": true}

func newLine(s edifact.Segment) x12wms.DocumentLine {
	l := x12wms.DocumentLine{ID: text(s, 1, 0), FirstCode: text(s, 3, 1).At}
	// Where no QTY follows, its place is behind the line's own segment.
	l.Qty.At = x12wms.Place{Element: "QTY-01-2", Segment: s.Ordinal(), Offset: s.Offset()}
	l.UOM = x12wms.Text{Value: units[""], At: l.Qty.At}
	addCode(&l, text(s, 3, 2), text(s, 3, 1))
	return l
}

func addCode(l *x12wms.DocumentLine, qualifier, value x12wms.Text) {
	if qualifier.Value != "" && value.Value != "" {
		l.Codes = append(l.Codes, x12wms.Code{Qualifier: foreign(qualifier, items), Value: value, Kind: kept(qualifier.Value)})
	}
}

// Party is a NAD: a party with name and address, structured or not.
func Party(s edifact.Segment) x12wms.Party {
	p := x12wms.Party{Role: coded(text(s, 1, 0), roles), As: text(s, 1, 0).Value, Code: text(s, 2, 1), CodeQualifier: foreign(text(s, 2, 3), lists)}
	all := func(n, most int) (out []x12wms.Text) {
		for c := 1; c <= most; c++ {
			if t := text(s, n, c); t.Value != "" {
				out = append(out, t)
			}
		}
		return out
	}
	names, free := all(4, 5), all(3, 5)
	if len(names) == 0 && len(free) > 0 {
		names, free = free[:1], free[1:]
	}
	if len(names) > 0 {
		p.Name, p.Extra = names[0], names[1:]
	}
	p.Streets = slices.Concat(all(5, 4), free)
	p.City, p.Region, p.Postal, p.Country = text(s, 6, 0), text(s, 7, 1), text(s, 8, 0), text(s, 9, 0)
	return p
}

func contact(p *x12wms.Party, s edifact.Segment) {
	for r := range s.Repetitions(1) {
		kind, _ := s.Component(1, r+1, 2)
		number, offset := s.Component(1, r+1, 1)
		t := x12wms.Text{Value: s.Text(number), At: x12wms.Place{Element: s.Ref(1, 1), Segment: s.Ordinal(), Offset: offset, Length: len(number)}}
		switch string(kind) {
		case "TE":
			p.Phone = t
		case "EM":
			p.Email = t
		}
	}
}

func freeText(s edifact.Segment) x12wms.Text {
	t := text(s, 4, 1)
	for c := 2; c <= 5; c++ {
		if more := text(s, 4, c); more.Value != "" {
			t.Value = strings.TrimSpace(t.Value + " " + more.Value)
		}
	}
	return t
}

// date takes the day and time out of a DTM. Formats without a day are none.
func date(s edifact.Segment) x12wms.Date {
	v := text(s, 1, 2)
	d := x12wms.Date{Qualifier: text(s, 1, 1), Day: v, Bound: bounds[s.Value(1, 1)]}
	switch s.Value(1, 3) {
	case "102", "101":
	case "203", "204":
		if len(v.Value) >= 12 {
			d.Day.Value = v.Value[:8]
			d.Time = x12wms.Text{Value: v.Value[8:12], At: v.At}
		}
	case "201":
		if len(v.Value) >= 10 {
			d.Day.Value = v.Value[:6]
			d.Time = x12wms.Text{Value: v.Value[6:10], At: v.At}
		}
	default:
		d.Bound = x12wms.NoDate
	}
	return d
}

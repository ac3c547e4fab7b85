package edifactgen

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/paklog/hub/edi/edifact"
)

// Planted is one error that was put into a document, and what has to be found.
type Planted struct {
	Kind    string
	Code    string // of the finding
	Offset  int64  // in the document with the error
	Message string // reference of the message that it stands in; "" for the envelope
}

// Kinds are the kinds of errors that [Plant] knows.
func Kinds() []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.name)
	}
	return out
}

// Plant puts one error of a kind into a clean document of [Write]. ok is false
// where the document has no place for it.
func Plant(data []byte, kind string, seed uint64) (out []byte, p Planted, ok bool) {
	d, err := edifact.Parse(data, edifact.Limits{})
	if err != nil {
		return nil, p, false
	}
	i := slices.IndexFunc(kinds, func(k plantKind) bool { return k.name == kind })
	if i < 0 {
		return nil, p, false
	}
	k := kinds[i]
	r := rand.New(rand.NewPCG(seed, 7))
	// The places: each segment that the kind can be put into.
	var places []place
	for _, part := range d.Parts {
		for _, s := range part.Segments.All() {
			if k.takes(part, s) {
				places = append(places, place{part, s})
			}
		}
	}
	if len(places) == 0 {
		return nil, p, false
	}
	at := places[r.IntN(len(places))]
	from, to, text, found := k.plant(at)
	p = Planted{Kind: kind, Code: k.code, Offset: from + found, Message: at.part.UNH.Reference}
	if k.code == edifact.CodeStray {
		p.Message = "" // it stands before the message
	}
	return slices.Concat(data[:from], []byte(text), data[to:]), p, true
}

type place struct {
	part *edifact.Part
	s    edifact.Segment
}

type plantKind struct {
	name, code string
	takes      func(*edifact.Part, edifact.Segment) bool
	// plant replaces the bytes from..to by text; the error is found so many bytes
	// behind from.
	plant func(place) (from, to int64, text string, found int64)
}

func is(tags ...string) func(*edifact.Part, edifact.Segment) bool {
	return func(_ *edifact.Part, s edifact.Segment) bool { return slices.Contains(tags, s.ID()) }
}

// element puts another value into an element or component.
func element(n, c int, text string) func(place) (int64, int64, string, int64) {
	return func(p place) (int64, int64, string, int64) {
		if c == 0 {
			at, length := p.s.Place(n)
			return at, at + int64(length), text, 0
		}
		raw, at := p.s.Component(n, 1, c)
		return at, at + int64(len(raw)), text, 0
	}
}

// end is where the segment, its terminator included, ends.
func end(p place) int64 {
	return p.s.Offset() + int64(len(p.s.Raw())) - lead(p)
}

// lead is what stands before the segment's tag: line ends.
func lead(p place) int64 { return int64(bytes.Index(p.s.Raw(), p.s.Body())) }

// drop takes a segment out: it is missed where the next one stands.
func drop(p place) (int64, int64, string, int64) {
	return p.s.Offset() - lead(p), end(p), "", lead(p)
}

// dropTrailer takes a trailer out: it is missed where what it ends has ended.
func dropTrailer(p place) (int64, int64, string, int64) {
	return p.s.Offset() - lead(p), end(p), "", 0
}

// before puts a segment in front of the place's.
func before(text string) func(place) (int64, int64, string, int64) {
	return func(p place) (int64, int64, string, int64) {
		return p.s.Offset(), p.s.Offset(), text + "'", 0
	}
}

var kinds = []plantKind{
	{"segment count", edifact.CodeSegmentCount, is("UNT"), element(1, 0, "9999")},
	{"message reference", edifact.CodeMessageReference, is("UNT"), element(2, 0, "OTHER")},
	{"interchange count", edifact.CodeInterchangeCount, is("UNZ"), element(1, 0, "9999")},
	{"interchange reference", edifact.CodeInterchangeControl, is("UNZ"), element(2, 0, "OTHER")},
	{"group count", edifact.CodeMessageCount, is("UNE"), element(1, 0, "9999")},
	{"group reference", edifact.CodeGroupReference, is("UNE"), element(2, 0, "OTHER")},
	{"no message trailer", edifact.CodeMissingUNT, is("UNT"), dropTrailer},
	{"no interchange trailer", edifact.CodeMissingUNZ, is("UNZ"), dropTrailer},
	{"no group trailer", edifact.CodeMissingUNE, is("UNE"), dropTrailer},
	{"no message type", edifact.CodeTypeMissing, is("UNH"), element(2, 1, "")},
	{"a stray segment", edifact.CodeStray, is("UNH"), before("ZZZ+1")},
	{"an empty segment", edifact.CodeEmptySegment, is("LIN"), before("")},
	{"a tag that is none", edifact.CodeBadTag, is("LIN"), before("lin+1")},
	{"a character of no repertoire", edifact.CodeCharset, is("QTY"), element(1, 1, "\x07")},
	{"no sender", edifact.CodeUNBElement, is("UNB"), element(2, 0, "")},
	{"date of the interchange", edifact.CodeUNBElement, is("UNB"), element(4, 1, "991399")},
	{"element missing", "element-missing", is("PIA"), element(1, 0, "")},
	{"component missing", "element-missing", is("QTY"), element(1, 2, "")},
	{"element too long", "element-too-long", is("BGM"), element(3, 0, "9999")},
	{"component too long", "element-too-long", is("RFF"), element(1, 1, "LONG")},
	{"no number", "element-character", is("CNT"), element(1, 2, "1x")},
	{"no date", "element-date", func(_ *edifact.Part, s edifact.Segment) bool { return s.Is("DTM") && s.Value(1, 3) == "102" }, element(1, 2, "20261399")},
	{"first segment missing", "segment-missing", is("BGM"), drop},
	{"section control missing", "segment-missing", is("UNS"), drop},
	{"segment too often", "segment-repeats", is("BGM"), func(p place) (int64, int64, string, int64) {
		at := end(p)
		return at, at, "BGM+220'", 0
	}},
	{"segment out of place", "segment-sequence", is("UNT"), before("BGM+220")},
	{"segment outside its group", "segment-unexpected", is("BGM"), func(p place) (int64, int64, string, int64) {
		at := end(p)
		return at, at, "PCI+33E'", 0
	}},
	{"count of lines", "count-mismatch", func(_ *edifact.Part, s edifact.Segment) bool { return s.Is("CNT") && s.Value(1, 1) == "2" }, element(1, 2, "9999")},
	{"sum of quantities", "sum-mismatch", func(_ *edifact.Part, s edifact.Segment) bool { return s.Is("CNT") && s.Value(1, 1) == "1" }, element(1, 2, "999999")},
	{"check digit of an item", "check-digit", is("LIN"), func(p place) (int64, int64, string, int64) { return wrongDigit(p, 3) }},
	{"check digit of an SSCC", "check-digit", func(_ *edifact.Part, s edifact.Segment) bool { return s.Is("GIN") && s.Value(1, 1) == "BJ" }, func(p place) (int64, int64, string, int64) { return wrongDigit(p, 2) }},
	{"unknown level above", "hierarchy", func(_ *edifact.Part, s edifact.Segment) bool { return s.Is("CPS") && s.Value(2, 1) == "1" }, element(2, 0, "99999")},
}

// wrongDigit changes the last digit of a code, which is reported at its first.
func wrongDigit(p place, n int) (int64, int64, string, int64) {
	raw, at := p.s.Component(n, 1, 1)
	last := raw[len(raw)-1] - '0'
	return at, at + int64(len(raw)), fmt.Sprintf("%s%d", raw[:len(raw)-1], (last+1)%10), 0
}

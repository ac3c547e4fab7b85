// Package grammar checks EDIFACT messages against grammars that are data: which
// segments in which order and groups, which composites and elements of which
// type and length. It is the EDIFACT half of package edi/grammar, which does
// the checking.
//
// The profiles that come with it follow the UN/EDIFACT directories D96A and
// D01B in the messages that a warehouse exchanges. What a profile does not know
// (a segment, an element, a code) is a note and never an error, unless a
// partner's overlay says so.
package grammar

import (
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/grammar"
)

//go:embed profiles
var profiles embed.FS

// Library is grammars by message type and directory.
type Library struct{ *grammar.Library }

// NewLibrary is an empty library that knows how directories follow each other.
func NewLibrary() *Library {
	l := grammar.NewLibrary()
	l.Older = older
	return &Library{l}
}

// older reports whether directory a came before b: D96A, D96B, D01B.
func older(a, b string) bool { return century(a) < century(b) }

// century makes a directory's name one that sorts: those of the nineties are
// named by two digits as those of today are.
func century(directory string) string {
	if len(directory) < 4 || directory[1] < '8' {
		return "20" + directory[min(1, len(directory)):]
	}
	return "19" + directory[1:]
}

// Builtin is the library of PakLog's own profiles.
var Builtin = sync.OnceValue(func() *Library {
	l := NewLibrary()
	text := func(name string) string {
		b, err := profiles.ReadFile(path.Join("profiles", name))
		if err != nil {
			panic(err) // embedded: a build that cannot work
		}
		return string(b)
	}
	must := func(name string, err error) {
		if err != nil {
			panic(fmt.Sprintf("profile %s: %v", name, err))
		}
	}
	must("codes", l.AddCodes(text("edifact.codes")))
	must("samples", l.AddSamples(text("edifact.samples")))
	for _, directory := range [...]string{"D96A", "D01B"} { // the later one builds on the earlier
		must(directory, l.AddSegments(directory, text(directory+".segments")))
	}
	entries, err := profiles.ReadDir("profiles")
	must("profiles", err)
	for _, e := range entries {
		if path.Ext(e.Name()) == ".set" {
			must(e.Name(), l.AddSet(text(e.Name())))
		}
	}
	return l
})

// Find is the grammar of a message. CONTRL names no directory but the syntax
// version it belongs to, and is the same in all of them.
func (l *Library) Find(h edifact.UNH) (set *grammar.Set, exact bool) {
	set, exact = l.Library.Find(h.Type, strings.ToUpper(h.Directory()))
	return set, exact || set != nil && h.Type == "CONTRL"
}

// Check finds the grammar for a message and adds what it finds to p. A message
// without a grammar gets a note; one of another directory is checked by the
// nearest, and what would be an error is a warning.
func (l *Library) Check(p *edifact.Part) {
	set, exact := l.Find(p.UNH)
	unh := p.Segments.At(0)
	if set == nil {
		f := p.AtComponent(unh, 2, 1, 1)
		f.Code, f.Severity, f.Layer = grammar.CodeUnknownSet, edifact.Note, edifact.LayerStandard
		f.Message = fmt.Sprintf("no profile for message %s: only its envelope was checked", f.Found)
		p.Add(f)
		finding.Sort(p.Findings, edifact.CodeTooManyFindings)
		return
	}
	if !exact {
		f := p.AtComponent(unh, 2, 1, 3)
		f.Code, f.Severity, f.Layer = grammar.CodeNearestRelease, edifact.Note, edifact.LayerStandard
		f.Expected, f.Found = set.Release, p.UNH.Directory()
		f.Message = fmt.Sprintf("no profile of %s for directory %q: checked by %s, errors count as warnings", set.ID, f.Found, set.Release)
		p.Add(f)
	}
	Check(set, p, exact)
}

// Check adds what is wrong with p by one grammar, and dates that are none by
// the format they name themselves, and puts all that is into the order of its places.
func Check(set *grammar.Set, p *edifact.Part, exact bool) {
	sx := syntaxOf(p)
	set.Check((*source)(p), &sx, exact)
	dates(p, exact)
	finding.Sort(p.Findings, edifact.CodeTooManyFindings)
}

func syntaxOf(p *edifact.Part) grammar.Syntax {
	d := p.Segments.Delimiters()
	sx := grammar.Syntax{Component: d.Component, Repetition: d.Repetition, Release: d.Release, Decimal: ',', Trailer: "UNT", Acks: acks,
		Wrapped: p.Segments.Wrapped()}
	if !sx.Wrapped {
		sx.Text, sx.Seen = p.Raw, p.Segments.Seen()
		if r := p.Segments.Run(); r.Regular {
			sx.Run = r
		}
	}
	return sx
}

// Learn lets l watch a message, by the grammar that lib has for it. It reports
// whether there is one.
func Learn(l *grammar.Learner, lib *Library, p *edifact.Part) bool {
	if p.Kind != edifact.Message {
		return false
	}
	set, _ := lib.Find(p.UNH)
	if set == nil {
		return false
	}
	sx := syntaxOf(p)
	l.Add(set, (*source)(p), &sx)
	return true
}

// source hands out a message to a checker.
type source edifact.Part

func (s *source) Len() int { return s.Segments.Len() }

func (s *source) Segment(i int, scratch []uint32) (tag, text []byte, ends []uint32) {
	return s.Segments.Split(i, scratch)
}

func (s *source) Place(i, n int) (int64, int) {
	if i >= s.Segments.Len() {
		return s.Offset + int64(len(s.Raw)), 0
	}
	return s.Segments.At(i).Place(n)
}

func (s *source) Add(f finding.Finding) { (*edifact.Part)(s).Add(f) }

// acks are the codes of element 0085 that a checker's findings become in UCS and
// UCD.
var acks = map[string]finding.Ack{
	grammar.CodeUnknownSegment:     {UCD: "15"},
	grammar.CodeUnexpected:         {UCD: "15"},
	grammar.CodeSequence:           {UCD: "15"},
	grammar.CodeMissingSegment:     {UCD: "13"},
	grammar.CodeTooManyLoops:       {UCD: "36"},
	grammar.CodeTooMany:            {UCD: "35"},
	grammar.CodeMissingElement:     {UCD: "13"},
	grammar.CodeConditional:        {UCD: "13"},
	grammar.CodeUnknownElement:     {UCD: "16"},
	grammar.CodeTooShort:           {UCD: "40"},
	grammar.CodeTooLong:            {UCD: "39"},
	grammar.CodeCharacter:          {UCD: "37"},
	grammar.CodeUnknownCode:        {UCD: "12"},
	grammar.CodeUnknownQualifier:   {UCD: "12"},
	grammar.CodeDate:               {UCD: "12"},
	grammar.CodeExclusion:          {UCD: "15"},
	grammar.CodeTooManyRepetitions: {UCD: "35"},
	grammar.CodeTooManyComponents:  {UCD: "16"},
	grammar.CodeCount:              {UCD: "29"},
	grammar.CodeSum:                {UCD: "29"},
	grammar.CodeTree:               {UCD: "12"},
	grammar.CodeCheckDigit:         {UCD: "12"},
}

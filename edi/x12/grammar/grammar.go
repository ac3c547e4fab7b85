// Package grammar checks transaction sets against grammars that are data: which
// segments in which order and loops, which elements of which type and length.
// It is the X12 half of package edi/grammar, which does the checking.
//
// The profiles that come with it are PakLog's own and name only what a
// warehouse uses. What a profile does not know (a segment, an element, a code)
// is a note and never an error, unless a partner's overlay says so.
package grammar

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/grammar"
	"github.com/paklog/hub/edi/x12"
)

//go:embed profiles
var profiles embed.FS

// Library is the grammars of one or more releases, and the overlays of a partner.
type Library struct{ *grammar.Library }

// Builtin is the library of PakLog's own profiles. It must not be added to: see
// [New].
var Builtin = sync.OnceValue(func() *Library {
	l, err := New()
	if err != nil {
		panic(err) // embedded: a build that cannot work
	}
	return l
})

// New is a library of its own with PakLog's profiles in it, and the grammars of
// folders: files RELEASE.segments and *.set as those in profiles, such as
// [grammar.SEF] makes of a user's own tables. A later set takes the place of one
// of the same name and release.
func New(folders ...fs.FS) (*Library, error) {
	l := &Library{grammar.NewLibrary()}
	own, err := fs.Sub(profiles, "profiles")
	if err != nil {
		return nil, err
	}
	for _, f := range append([]fs.FS{own}, folders...) {
		if err := l.load(f); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *Library) load(folder fs.FS) error {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return err
	}
	for _, wanted := range []string{".names", ".codes", ".samples", ".segments", ".set"} {
		for _, e := range entries { // in the order of their names: 005010 builds on 004010
			if path.Ext(e.Name()) != wanted {
				continue
			}
			text, err := fs.ReadFile(folder, e.Name())
			switch {
			case err != nil:
			case wanted == ".names":
				err = l.AddNames(string(text))
			case wanted == ".samples":
				err = l.AddSamples(string(text))
			case wanted == ".codes":
				err = l.AddCodes(string(text))
			case wanted == ".segments":
				err = l.AddSegments(strings.TrimSuffix(e.Name(), wanted), string(text))
			default:
				err = l.AddSet(string(text))
			}
			if err != nil {
				return fmt.Errorf("profile %s: %w", e.Name(), err)
			}
		}
	}
	return nil
}

// Find is the grammar for ST01 in the release of GS08 ("004010VICS" is
// 004010). Where that release is not known, the nearest known one is returned
// and exact is false: findings are then capped.
func (l *Library) Find(st01, gs08 string) (set *grammar.Set, exact bool) {
	if len(gs08) > 6 {
		gs08 = gs08[:6]
	}
	return l.Library.Find(st01, gs08)
}

// Check finds the grammar for a transaction set, or a TA1, and adds what it finds
// to p; other parts are left alone. A set without a grammar gets a note; one of another release is checked by the
// nearest, and what would be an error is a warning.
func (l *Library) Check(p *x12.Part) {
	if p.Kind == x12.InterchangeAck {
		set, _ := l.Find("TA1", "004010")
		set.Check((*lone)(p), &grammar.Syntax{Acks: map[string]finding.Ack{}}, true)
		return
	}
	if p.Kind != x12.TransactionSet {
		return
	}
	version := ""
	if p.GS != nil {
		version = p.GS.Version
	}
	set, exact := l.Find(p.ST.ID, version)
	st := p.Segments.At(0)
	if set == nil {
		f := p.At(st, 1)
		f.Code, f.Severity, f.Layer = grammar.CodeUnknownSet, x12.Note, x12.LayerStandard
		f.Message = fmt.Sprintf("no profile for transaction set %s: only its envelope was checked", f.Found)
		p.Add(f)
		finding.Sort(p.Findings, x12.CodeTooManyFindings)
		return
	}
	if !exact {
		f := p.At(st, 1)
		f.Code, f.Severity, f.Layer = grammar.CodeNearestRelease, x12.Note, x12.LayerStandard
		f.Expected, f.Found = set.Release, version
		f.Message = fmt.Sprintf("no profile of %s for release %q: checked by %s, errors count as warnings", p.ST.ID, version, set.Release)
		p.Add(f)
	}
	if p.GS != nil && set.Group != "" && p.GS.FunctionalID != set.Group { // of an imported set nobody may have said it
		f := p.At(st, 1)
		f.Code, f.Severity, f.Layer, f.Expected = grammar.CodeWrongGroup, x12.Warning, x12.LayerStandard, "GS01 "+set.Group
		f.Message = fmt.Sprintf("set %s stands in a group of kind %q", p.ST.ID, p.GS.FunctionalID)
		p.Add(f)
	}
	Check(set, p, exact)
}

// Check adds what is wrong with p by one grammar, and puts all that is into the order
// of its places.
func Check(set *grammar.Set, p *x12.Part, exact bool) {
	sx := syntaxOf(p)
	set.Check((*source)(p), &sx, exact)
	finding.Sort(p.Findings, x12.CodeTooManyFindings)
}

func syntaxOf(p *x12.Part) grammar.Syntax {
	d := p.Segments.Delimiters()
	sx := grammar.Syntax{Component: d.Component, Repetition: d.Repetition, Trailer: "SE", Acks: acks,
		Wrapped: p.Segments.Len() > 0 && p.Segments.At(0).Wrapped()}
	if !sx.Wrapped {
		sx.Text = p.Raw
		if r := p.Segments.Run(); r.Regular {
			sx.Run = r
		}
	}
	return sx
}

// source hands out a transaction set to a checker.
type source x12.Part

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

func (s *source) Add(f finding.Finding) { (*x12.Part)(s).Add(f) }

// lone hands out a part of one segment, behind a header that is not there.
type lone x12.Part

func (*lone) Len() int { return 2 }

func (s *lone) Segment(i int, scratch []uint32) (tag, text []byte, ends []uint32) {
	if i == 0 {
		return nil, nil, nil
	}
	return s.Segments.Split(0, scratch)
}

func (s *lone) Place(i, n int) (int64, int) { return (*source)(s).Place(max(i-1, 0), n) }

func (s *lone) Add(f finding.Finding) {
	f.Segment = 0
	(*source)(s).Add(f)
}

// acks are what a checker's codes become in a 997 or 999.
var acks = map[string]finding.Ack{
	grammar.CodeUnknownSegment:     {AK3: "1", AK5: "5"},
	grammar.CodeUnexpected:         {AK3: "2", AK5: "5"},
	grammar.CodeMissingSegment:     {AK3: "3", AK5: "5"},
	grammar.CodeTooManyLoops:       {AK3: "4", AK5: "5"},
	grammar.CodeTooMany:            {AK3: "5", AK5: "5"},
	grammar.CodeSequence:           {AK3: "7", AK5: "5"},
	grammar.CodeMissingElement:     {AK3: "8", AK4: "1", AK5: "5"},
	grammar.CodeConditional:        {AK3: "8", AK4: "2", AK5: "5"},
	grammar.CodeUnknownElement:     {AK3: "8", AK4: "3", AK5: "5"},
	grammar.CodeTooShort:           {AK3: "8", AK4: "4", AK5: "5"},
	grammar.CodeTooLong:            {AK3: "8", AK4: "5", AK5: "5"},
	grammar.CodeCharacter:          {AK3: "8", AK4: "6", AK5: "5"},
	grammar.CodeUnknownCode:        {AK3: "8", AK4: "7", AK5: "5"},
	grammar.CodeUnknownQualifier:   {AK3: "8", AK4: "7", AK5: "5"},
	grammar.CodeDate:               {AK3: "8", AK4: "8", AK5: "5"},
	grammar.CodeTime:               {AK3: "8", AK4: "9", AK5: "5"},
	grammar.CodeExclusion:          {AK3: "8", AK4: "10", AK5: "5"},
	grammar.CodeTooManyRepetitions: {AK3: "8", AK4: "12", AK5: "5"},
	grammar.CodeTooManyComponents:  {AK3: "8", AK4: "13", AK5: "5"},
	// The standard has no code for a total that is wrong: an invalid value is
	// the nearest.
	grammar.CodeCount:      {AK3: "8", AK4: "7", AK5: "5"},
	grammar.CodeSum:        {AK3: "8", AK4: "7", AK5: "5"},
	grammar.CodeTree:       {AK3: "8", AK4: "7", AK5: "5"},
	grammar.CodeCheckDigit: {AK3: "8", AK4: "7", AK5: "5"},
}

// Learn lets l watch a transaction set, by the grammar that lib has for it. It
// reports whether there is one.
func Learn(l *grammar.Learner, lib *Library, p *x12.Part) bool {
	version := ""
	if p.GS != nil {
		version = p.GS.Version
	}
	set, _ := lib.Find(p.ST.ID, version)
	if set == nil || p.Kind != x12.TransactionSet {
		return false
	}
	sx := syntaxOf(p)
	l.Add(set, (*source)(p), &sx)
	return true
}

package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/grammar"
)

// MessageDetail is a message as the journal has it. What is personal is not in it, but for
// documents, which partners sent as they are.
type MessageDetail struct {
	Event
	Headers  map[string]string `json:"headers,omitempty"`
	Document string            `json:"document,omitempty" doc:"its raw bytes, where they are in the journal"`
	Dump     string            `json:"dump,omitempty" doc:"in hexadecimal, in the place of a document that is no text"`
	Cut      bool              `json:"cut,omitempty" doc:"the document is longer than is shown"`
	Sealed   bool              `json:"sealed,omitempty" doc:"it has personal data, which is not shown"`
	Decoded  []DecodedSegment  `json:"decoded,omitempty" doc:"of a transaction set of X12: every element by name, findings in place"`
}

// DecodedSegment is a segment with the names of its elements.
type DecodedSegment struct {
	Ordinal  int              `json:"ordinal"`
	Tag      string           `json:"tag"`
	Elements []DecodedElement `json:"elements" nullable:"false"`
	Findings []DecodedFinding `json:"findings,omitempty" doc:"of the segment as a whole"`
}

// DecodedElement is an element's value.
type DecodedElement struct {
	Ref      string           `json:"ref"`
	Name     string           `json:"name,omitempty"`
	Value    string           `json:"value"`
	Findings []DecodedFinding `json:"findings,omitempty"`
}

// DecodedFinding is what is wrong at a place.
type DecodedFinding struct {
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

// mostDocument is how much of a document is shown, in bytes.
const mostDocument = 256 << 10

func (s *server) messages() {
	register(s, op[struct{}, MessageDetail](s, http.MethodGet, "/v1/messages/{position}", "get-message", "queries", "A message by its place in the journal: its data, its raw bytes, and its elements by name"),
		func(ctx context.Context, in *struct {
			Position uint64 `path:"position" minimum:"1"`
		}) (*answer, error) {
			if s.deps.Messages == nil {
				return nil, s.problem(ctx, unavailable("messages are not served by this process"))
			}
			stored, err := s.deps.Messages.Holding(ctx, journal.Pos(in.Position))
			if errors.Is(err, journal.ErrNoUnit) {
				return nil, notFound("message")
			}
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			rec, ok := stored.At(journal.Pos(in.Position))
			if !ok {
				return nil, notFound("message")
			}
			m := messageDetail(&rec)
			if m.Document+m.Dump != "" {
				seen, err := s.sees(ctx, fmt.Sprintf("message/%d", in.Position))
				if err != nil {
					return nil, err
				}
				if !seen {
					m.Document, m.Dump, m.Decoded, m.Sealed = "", "", nil, true
				}
			}
			return s.now(ctx, m)
		})
}

func messageDetail(rec *journal.Record) MessageDetail {
	m := MessageDetail{Event: cloudEvent(rec), Headers: rec.Headers, Sealed: len(rec.Personal) > 0}
	set := strings.HasPrefix(rec.Type, "x12.")
	if !set && !strings.HasPrefix(rec.Type, "document.") && !strings.HasPrefix(rec.Type, "edifact.") {
		return m
	}
	raw := rec.Personal
	m.Sealed = false
	if m.Dump = dlq.Dump(raw); m.Dump != "" {
		return m
	}
	if m.Cut = len(raw) > mostDocument; m.Cut {
		raw = raw[:mostDocument]
	}
	m.Document = strings.ToValidUTF8(string(raw), "\uFFFD")
	if set && !m.Cut {
		m.Decoded = decodeSet(rec)
	}
	return m
}

// decodeSet reads a transaction set by the words of its standard.
func decodeSet(rec *journal.Record) []DecodedSegment {
	var info struct {
		Set      string        `json:"st01"`
		Origin   x12.Origin    `json:"origin"`
		Findings []x12.Finding `json:"findings"`
	}
	if json.Unmarshal(rec.Data, &info) != nil || info.Set == "" {
		return nil
	}
	part, err := x12.ReadSet(rec.Personal, info.Origin, x12.Limits{})
	if err != nil {
		return nil // its raw bytes are shown
	}
	release := ""
	if part.GS != nil {
		release = part.GS.Version
	}
	rules, _ := grammar.Builtin().Find(info.Set, release)
	out := make([]DecodedSegment, 0, part.Segments.Len())
	for i, seg := range part.Segments.All() {
		d := DecodedSegment{Ordinal: i + 1, Tag: seg.ID(), Elements: []DecodedElement{}}
		names := map[int]string{}
		if rules != nil {
			if def := rules.Segment(d.Tag); def != nil {
				for n, e := range def.Elements {
					if e == nil {
						continue // not used
					}
					if names[n+1] = e.Name; e.Name == "" {
						names[n+1] = rules.NameOf(e.Ref)
					}
				}
			}
		}
		for n := 1; n <= seg.Len(); n++ {
			d.Elements = append(d.Elements, DecodedElement{Ref: finding.Ref(d.Tag, n, 0), Name: names[n], Value: strings.ToValidUTF8(seg.Value(n), "\uFFFD")})
		}
		for _, f := range info.Findings {
			if f.Segment != d.Ordinal {
				continue
			}
			x := DecodedFinding{f.Severity.String(), f.Message, f.Hint}
			at := slices.IndexFunc(d.Elements, func(e DecodedElement) bool { return f.Element == e.Ref || strings.HasPrefix(f.Element, e.Ref+"-") })
			if at >= 0 {
				d.Elements[at].Findings = append(d.Elements[at].Findings, x)
			} else {
				d.Findings = append(d.Findings, x)
			}
		}
		out = append(out, d)
	}
	return out
}

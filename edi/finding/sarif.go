package finding

import (
	"encoding/json"
	"io"
)

// sarif writes SARIF 2.1.0 as code hosts and editors read it, result by
// result, so that its memory does not grow with the findings.
type sarif struct {
	w    io.Writer
	some bool
	err  error
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRegion struct {
	StartLine   int        `json:"startLine"`
	StartColumn int        `json:"startColumn"`
	ByteOffset  int64      `json:"byteOffset"`
	ByteLength  int        `json:"byteLength"`
	Snippet     *sarifText `json:"snippet,omitempty"`
}

type sarifPlace struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region sarifRegion `json:"region"`
	} `json:"physicalLocation"`
	Logical []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifLogical struct {
	Name     string `json:"name,omitempty"`
	FullName string `json:"fullyQualifiedName,omitempty"`
}

type sarifResult struct {
	Rule       string       `json:"ruleId"`
	Level      Severity     `json:"level"` // SARIF's words are ours
	Message    sarifText    `json:"message"`
	Locations  []sarifPlace `json:"locations"`
	Properties whole        `json:"properties"`
}

const (
	sarifHead = `{"version":"2.1.0","$schema":"https://json.schemastore.org/sarif-2.1.0.json","runs":[{"tool":{"driver":{"name":"paklog"}},"columnKind":"utf16CodeUnits","results":[`
	sarifTail = "\n]}]}\n"
)

func (s *sarif) write(text string) {
	if s.err == nil {
		_, s.err = io.WriteString(s.w, text)
	}
}

func (s *sarif) Add(f Finding, e Excerpt) error {
	r := sarifResult{Rule: f.Code, Level: f.Severity, Message: sarifText{f.Message}, Properties: whole(f), Locations: make([]sarifPlace, 1)}
	if f.Hint != "" {
		r.Message.Text += "; " + f.Hint
	}
	at := &r.Locations[0]
	at.Physical.Artifact.URI = f.File
	at.Physical.Region = sarifRegion{StartLine: f.Line, StartColumn: f.Column, ByteOffset: f.Offset, ByteLength: f.Length}
	if e.Text != "" {
		at.Physical.Region.Snippet = &sarifText{e.Text}
	}
	if f.Element != "" || f.Loop != "" {
		at.Logical = []sarifLogical{{Name: f.Element, FullName: f.Loop}}
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if s.some {
		s.write(",\n")
	} else {
		s.write(sarifHead + "\n")
	}
	s.some = true
	s.write(string(b))
	return s.err
}

func (s *sarif) Close() error {
	if !s.some {
		s.write(sarifHead)
	}
	s.write(sarifTail)
	return s.err
}

package finding

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Excerpt is the segment, or the line, that a finding lies in.
type Excerpt struct {
	Text string // printable
	From int    // of the first marked character, in runes
	Len  int    // marked, at least 1
}

// Cut takes the excerpt around raw[at:at+n]: up to the ends of the line or of
// the segment, which terminator ends, and no more than a screen holds.
func Cut(raw []byte, at int64, n int, terminator byte) Excerpt {
	const around = 60
	ends := func(c byte) bool { return c == '\n' || c == '\r' || c == terminator }
	at = max(0, min(at, int64(len(raw))))
	from, to := at, at
	for from > 0 && at-from < around && !ends(raw[from-1]) {
		from--
	}
	for to < int64(len(raw)) && to-at < around && !ends(raw[to]) {
		to++
	}
	shown := func(b []byte) string { return Printable(string(bytes.ToValidUTF8(b, []byte(".")))) }
	before := shown(raw[from:at])
	return Excerpt{Text: before + shown(raw[at:to]), From: len([]rune(before)), Len: max(1, min(n, int(to-at)))}
}

// Report takes the findings of one run, in order, and shows them in one form.
type Report interface {
	// Add shows one finding; an empty excerpt means that no text goes with it.
	Add(f Finding, e Excerpt) error
	// Close ends the form. It must be called once.
	Close() error
}

// Formats that [New] knows.
var Formats = []string{"text", "json", "sarif", "html"}

// New is the report of a format. Color makes text use the terminal's.
func New(format string, w io.Writer, color bool) (Report, error) {
	switch format {
	case "text":
		return &text{w: w, color: color}, nil
	case "json":
		return jsonLines{w}, nil
	case "sarif":
		return &sarif{w: w}, nil
	case "html":
		return &page{w: w}, nil
	}
	return nil, fmt.Errorf("report format %q is none of %s", format, strings.Join(Formats, ", "))
}

// text shows each finding with its segment under it and a caret at the place.
type text struct {
	w     io.Writer
	color bool
}

func (t *text) paint(s Severity, what string) string {
	if !t.color {
		return what
	}
	return [...]string{Note: "\x1b[36m", Warning: "\x1b[33m", Error: "\x1b[31;1m"}[s] + what + "\x1b[0m"
}

func (t *text) Add(f Finding, e Excerpt) error {
	var b strings.Builder
	place := fmt.Sprintf("%d:%d", f.Line, f.Column)
	if f.File != "" {
		place = Printable(f.File) + ":" + place
	}
	fmt.Fprintf(&b, "%s: %s %s", place, t.paint(f.Severity, f.Severity.String()), f.Code)
	if f.Element != "" {
		fmt.Fprintf(&b, " at %s", Printable(f.Element))
	}
	fmt.Fprintf(&b, ": %s\n", Printable(f.Message))
	if e.Text != "" {
		fmt.Fprintf(&b, "    %s\n    %s%s\n", e.Text, strings.Repeat(" ", e.From), t.paint(f.Severity, strings.Repeat("^", e.Len)))
	}
	var more []string
	add := func(name, v string) {
		if v != "" {
			more = append(more, name+" "+Printable(v))
		}
	}
	add("expected", f.Expected)
	add("in", f.Loop)
	if f.Segment > 0 {
		more = append(more, fmt.Sprintf("segment %d", f.Segment))
	}
	add("set", f.Set)
	more = append(more, fmt.Sprintf("byte %d", f.Offset))
	if f.Layer != Standard {
		add("rule of the", string(f.Layer))
	}
	fmt.Fprintf(&b, "    %s\n", strings.Join(more, ", "))
	if f.Hint != "" {
		fmt.Fprintf(&b, "    hint: %s\n", Printable(f.Hint))
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

func (*text) Close() error { return nil }

// whole is a [Finding] of which every key is written, empty or not: scripts
// need not ask whether one is there.
type whole struct {
	Code        string   `json:"code"`
	Severity    Severity `json:"severity"`
	File        string   `json:"file"`
	Interchange string   `json:"isa13"`
	Group       string   `json:"gs06"`
	Set         string   `json:"st02"`
	Offset      int64    `json:"offset"`
	Length      int      `json:"length"`
	Line        int      `json:"line"`
	Column      int      `json:"column"`
	Segment     int      `json:"segment_ordinal"`
	Loop        string   `json:"loop"`
	Element     string   `json:"element"`
	Found       string   `json:"found"`
	Expected    string   `json:"expected"`
	Layer       Layer    `json:"layer"`
	Message     string   `json:"message"`
	Hint        string   `json:"hint"`
	Ack         Ack      `json:"ack"`
}

type jsonLines struct{ w io.Writer }

func (j jsonLines) Add(f Finding, _ Excerpt) error {
	b, err := json.Marshal(whole(f))
	if err != nil {
		return err
	}
	_, err = j.w.Write(append(b, '\n'))
	return err
}

func (jsonLines) Close() error { return nil }

package x12wms

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/edi/x12"
)

// Told is what an 824 or APERAK says of one document of ours.
type Told struct {
	document.Advise
	Set     string // of the document: OTI-10, or the message's type; "" where it is not said
	Group   string // GS06 of the document: OTI-08
	Control string // its ST02: OTI-09
	About   string // what the document is about: OTI-03, RFF ACW or DOC
	Found   string // the first bad value: TED-07
	At      Place  // where it says which document it means
}

// Name is the document as the partner names it.
func (t Told) Name() string {
	name := strings.TrimSpace(t.Set + " " + t.About)
	if t.Group != "" {
		name += " of group " + t.Group
	}
	return name
}

// Advised takes an 824 apart: one [Told] for each OTI. Whether something was accepted says the last
// letter of OTI-01, and where it says neither, whether there is a TED. The error is a fault of kind
// Invalid that carries an [Error].
func Advised(part *x12.Part) ([]Told, error) {
	t := &translator{part: part, paper: OnX12(part)}
	var out []Told
	number, noted := "", 0 // bytes of the note before
	for _, s := range part.Segments.All() {
		last := len(out) - 1
		switch string(s.Tag()) {
		case "BGN":
			number = t.text(s, 2).Value
		case "OTI":
			about := t.text(s, 3)
			code := s.Value(1)
			out = append(out, Told{Advise: document.Advise{By: "824", Number: number, Verdict: verdicts[code[max(0, len(code)-1):]]},
				Set: t.text(s, 10).Value, Group: strings.TrimLeft(t.text(s, 8).Value, "0"), Control: t.text(s, 9).Value, About: about.Value, At: about.At})
		case "TED":
			if last < 0 {
				continue
			}
			n, _ := strconv.Atoi(s.Value(4)) // no number is none
			out[last].Findings = append(out[last].Findings, document.Finding{Code: t.text(s, 1).Value, Text: t.text(s, 2).Value, Segment: t.text(s, 3).Value, Ordinal: n,
				Element: t.text(s, 5).Value})
			if out[last].Found == "" {
				out[last].Found = t.text(s, 7).Value
			}
		case "NTE":
			if last >= 0 && len(out[last].Findings) > 0 {
				f := &out[last].Findings[len(out[last].Findings)-1]
				f.Text = joined(f.Text, ToUTF8(s.Value(2)), noted)
			}
			noted = len(s.Value(2))
			continue
		}
		noted = 0
	}
	for i := range out {
		out[i].Decide()
	}
	if len(out) == 0 {
		at := t.due("OTI")
		t.fail(at.At, CodeMissing, "", "an OTI for each document", "let the sender say which document he means", "it speaks of no document")
	}
	return out, t.err("x12wms.Advised")
}

// verdicts are the last letters of OTI-01 (data element 110): accepted, with changes, with errors, in
// part, rejected.
var verdicts = map[string]string{"A": document.Accepts, "C": document.AcceptsWithErrs, "E": document.AcceptsWithErrs, "P": document.Rejects, "R": document.Rejects}

// Decide gives what says no verdict the one that its findings are.
func (t *Told) Decide() {
	switch {
	case t.Verdict != "":
	case len(t.Findings) > 0:
		t.Verdict = document.Rejects
	default:
		t.Verdict = document.Accepts
	}
}

// fullNote is the most that NTE-02 holds: what follows goes on in the middle of a word.
const fullNote = 80

// joined is a text and what a note says of it more. The first note may repeat it whole.
func joined(text, note string, before int) string {
	switch {
	case before == fullNote:
		return text + note
	case before == 0 && strings.HasPrefix(note, strings.TrimSpace(text)):
		return note
	}
	return strings.TrimSpace(text + " " + note)
}

// Why is the first finding as a sentence for people, and how many there are more.
func (t Told) Why() string {
	if len(t.Findings) == 0 {
		return ""
	}
	f := t.Findings[0]
	where := f.Segment
	if f.Element != "" {
		where = strings.Trim(where+"-"+f.Element, "-")
	}
	if f.Ordinal > 0 {
		where += fmt.Sprintf(" in segment %d", f.Ordinal)
	}
	why := strings.TrimSpace(f.Text)
	if where != "" {
		why = strings.TrimSpace(where) + ": " + why
	}
	if f.Code != "" {
		why += " (code " + f.Code + ")"
	}
	if t.Found != "" {
		why += fmt.Sprintf(", found %q", t.Found)
	}
	if n := len(t.Findings) - 1; n > 0 {
		why += fmt.Sprintf(" and %d more", n)
	}
	return why
}

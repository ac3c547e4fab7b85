package edifactwms

import (
	"strings"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/transforms/x12wms"
)

// documentNames (1001) of the messages that we send, by which an APERAK says what it speaks of.
var documentNames = map[string]string{"351": "DESADV", "231": "ORDRSP", "632": "RECADV", "35": "INVRPT", "380": "INVOIC", "313": "APERAK", "220": "ORDERS", "230": "ORDCHG"}

// answered are response types (1225) that are a verdict.
var answered = map[string]string{"10": document.Rejects, "12": document.Rejects, "27": document.Rejects,
	"28": document.AcceptsWithErrs, "30": document.AcceptsWithErrs, "34": document.AcceptsWithErrs, "29": document.Accepts, "32": document.Accepts, "44": document.Accepts}

// Advised takes an APERAK apart, which speaks of one message: of the one that DOC or RFF ACW names. BGM
// says whether it is accepted, and where it says neither, whether there is an ERC. The error is a fault
// of kind Invalid that carries an [x12wms.Error].
func Advised(p *edifact.Part) (x12wms.Told, error) {
	on := On(p)
	told := x12wms.Told{Advise: document.Advise{By: "APERAK"}}
	group := ""
	for _, s := range p.Segments.All() {
		tag := s.ID()
		if tag == "ERC" || tag == "DOC" || tag == "NAD" {
			group = tag
		}
		last := len(told.Findings) - 1
		switch tag {
		case "BGM":
			told.Number, told.Verdict = text(s, 2, 1).Value, answered[s.Value(3, 0)]
		case "DOC":
			if told.Set == "" {
				told.Set = documentNames[s.Value(1, 1)]
			}
			if t := text(s, 2, 1); t.Value != "" && told.About == "" {
				told.About, told.At = t.Value, t.At
			}
		case "RFF":
			switch t := text(s, 1, 2); {
			case group == "ERC":
				if s.Value(1, 1) == "AGO" && last >= 0 && told.Findings[last].Element == "" {
					told.Findings[last].Element = t.Value
				}
			case s.Value(1, 1) == "ACW" && t.Value != "":
				told.About, told.At = t.Value, t.At // the message itself, whatever document stands in DOC
			}
		case "ERC":
			told.Findings = append(told.Findings, document.Finding{Code: text(s, 1, 1).Value})
		case "FTX":
			if group == "ERC" {
				f := &told.Findings[last]
				f.Text = strings.TrimSpace(f.Text + " " + freeText(s).Value)
			}
		}
	}
	told.Decide()
	if told.About == "" {
		s := p.Segments.At(p.Segments.Len() - 1)
		return told, refuse("edifactwms.Advised", on, x12wms.Text{At: x12wms.Place{Element: "RFF-01-2", Segment: s.Ordinal(), Offset: s.Offset()}},
			x12wms.CodeMissing, "an RFF ACW or DOC", "let the sender say which message he means", "it speaks of no document")
	}
	return told, nil
}

package ack

import (
	"time"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
)

// Aperak is the body of the APERAK that tells the sender of a document why it
// cannot be worked on though its syntax is right: one ERC group a finding of the
// business layer, with the place in the document. number is our number of the
// answer, about the document's own.
func Aperak(number, about string, findings []finding.Finding, at time.Time) (body []edifact.Out, ok bool) {
	body = append(body,
		edifact.Seg("BGM", "313", number, "27"),
		edifact.Seg("DTM", edifact.C("137", at.Format("200601021504"), "203")),
		edifact.Seg("RFF", edifact.C("ACW", about)))
	for i := range findings {
		f := &findings[i]
		if f.Layer != finding.Business || f.Severity < finding.Error {
			continue
		}
		ok = true
		body = append(body, edifact.Seg("ERC", "12"), // invalid value
			edifact.Seg("FTX", "AAO", "", "", lines(f.Message)))
		if f.Element != "" {
			body = append(body, edifact.Seg("RFF", edifact.C("AGO", f.Element)))
		}
	}
	return body, ok
}

// lines is text as free text: up to five lines of 70 bytes, cut between words
// where that is possible and never inside a character.
func lines(s string) string {
	var out []string
	for len(s) > 70 && len(out) < 5 {
		cut := 70
		for cut > 40 && s[cut] != ' ' {
			cut--
		}
		if s[cut] != ' ' {
			for cut = 70; s[cut]&0xC0 == 0x80; cut-- {
			}
		}
		out = append(out, s[:cut])
		s = s[cut:]
		if s[0] == ' ' {
			s = s[1:]
		}
	}
	if len(out) < 5 {
		out = append(out, s)
	}
	return edifact.C(out...)
}
